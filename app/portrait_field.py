"""What the phase portrait shows behind the rollouts: a slice of a vector field, and contours of an H. Numbers only."""

from dataclasses import dataclass

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.snapshot import Snapshot
from hnn_engine.stage import Stage
from hnn_engine.systems import System

ARROWS = 21  # a side
CONTOUR_GRID = 64
LEVELS = 14


@dataclass(frozen=True)
class PortraitSpec:
    """Which plane is shown: coordinates `axes` (x, y), the ranges, and the state the plane goes through."""

    axes: tuple[int, int]
    x: tuple[float, float]
    y: tuple[float, float]
    through: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class PortraitField:
    """`at` `(n, n, 2)` plane positions with `flow` `(n, n, 2)` there; contour lines as one broken polyline."""

    spec: PortraitSpec
    at: Array | None
    flow: Array | None
    lines: Array  # (m, 2)
    connect: Array  # (m,) whether a point joins the next
    reason: str = ""


def slice_coords(spec: PortraitSpec, count: int) -> tuple[Array, Array]:
    """Return plane positions `(count, count, 2)` and the coords `(count, count, 2*dof)` there."""
    xs, ys = np.linspace(*spec.x, count), np.linspace(*spec.y, count)
    at = np.stack(np.meshgrid(xs, ys), axis=-1)
    coords = np.broadcast_to(np.asarray(spec.through), (count, count, len(spec.through))).copy()
    coords[..., spec.axes[0]] = at[..., 0]
    coords[..., spec.axes[1]] = at[..., 1]
    return at, coords


def compute_field(
    spec: PortraitSpec, stage: Stage, snapshot: Snapshot | None, arrows: bool, contours: bool
) -> PortraitField:
    """Return the field and the H contours of `snapshot`, or of truth where it is None."""
    source = snapshot if snapshot is not None else stage if isinstance(stage, System) else None
    at, flow = None, None
    if arrows and source is not None:
        inset = _inset(spec)
        at, coords = slice_coords(inset, ARROWS)
        flow = source.field(coords)[..., list(spec.axes)]
        flow = np.where(np.isfinite(flow), flow, 0.0)
    lines, connect = np.empty((0, 2)), np.empty(0, dtype=bool)
    if contours:
        lines, connect = _contours(spec, stage, snapshot)
    return PortraitField(spec, at, flow, lines, connect)


def _inset(spec: PortraitSpec) -> PortraitSpec:
    """Move the grid half a cell inward, so that no arrow sits on the frame."""
    (x0, x1), (y0, y1) = spec.x, spec.y
    dx, dy = (x1 - x0) / (2 * ARROWS), (y1 - y0) / (2 * ARROWS)
    return PortraitSpec(spec.axes, (x0 + dx, x1 - dx), (y0 + dy, y1 - dy), spec.through)


def true_energy(stage: Stage, coords: Array) -> Array | None:
    """Return the H of a system, or the stated reference of a recording, or None."""
    if isinstance(stage, System):
        return stage.hamiltonian(coords)
    from hnn_engine.recordings import RecordedStage

    reference = stage.recording.reference if isinstance(stage, RecordedStage) else None
    return reference.hamiltonian(coords) if reference is not None else None


def _contours(spec: PortraitSpec, stage: Stage, snapshot: Snapshot | None) -> tuple[Array, Array]:
    at, coords = slice_coords(spec, CONTOUR_GRID)
    truth = true_energy(stage, coords)
    energy = truth if snapshot is None else snapshot.hamiltonian(coords)
    if energy is None or not np.isfinite(energy).any():
        return np.empty((0, 2)), np.empty(0, dtype=bool)
    if snapshot is not None and truth is not None:
        energy = energy + np.median(truth - energy)  # H is known up to a constant: take the best one out
    levels = contour_levels(truth if truth is not None else energy)
    return contour_lines(at[0, :, 0], at[:, 0, 1], energy, levels)


def contour_levels(energy: Array) -> Array:
    """Return levels that rise as squares above the lowest energy, so that wells keep their rings."""
    low, high = np.nanpercentile(energy[np.isfinite(energy)], [0.5, 97.0])
    steps: Array = np.linspace(0.0, 1.0, LEVELS + 1)[1:] ** 1.6
    result: Array = low + (high - low) * steps
    return result


def contour_lines(xs: Array, ys: Array, values: Array, levels: Array) -> tuple[Array, Array]:
    """Return all contour lines as points `(m, 2)` and flags `(m,)` of which points join the next."""
    from contourpy import LineType, contour_generator

    generator = contour_generator(xs, ys, np.ma.masked_invalid(values), line_type=LineType.Separate)
    parts = [line for level in levels for line in generator.lines(float(level))]
    if not parts:
        return np.empty((0, 2)), np.empty(0, dtype=bool)
    connect = np.ones(sum(len(p) for p in parts), dtype=bool)
    connect[np.cumsum([len(p) for p in parts]) - 1] = False
    return np.concatenate(parts), connect
