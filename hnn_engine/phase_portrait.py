"""What the phase portrait shows behind the rollouts: a slice of a vector field, contours of an H, and how a learned H
differs from the true one. Numbers only."""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from hnn_engine.camera import Frames
from hnn_engine.coords import Array
from hnn_engine.data_edits import STROKES
from hnn_engine.datasets import Dataset
from hnn_engine.frames.frame_pairs import FramePairs
from hnn_engine.frames.frozen_autoencoder import FrozenAutoencoder
from hnn_engine.scene import Scene
from hnn_engine.snapshot import Snapshot
from hnn_engine.systems import System

ARROWS = 21  # a side
GRID = 64  # a side, of contours and the map
COARSE_GRID = 40  # while a model trains: its contours will be others in a moment
DENSITY_GRID = 40
LEVELS = 14
MOST_STATES = 1000  # so many training states stand for all of them
INSIDE = 98.0  # percentile of |d| over the training states that the map's colours reach
FEWEST_STATES = 20  # fewer do not say where there is data
MISSED = 0.25  # of the usual speed along what is drawn
_THIN = 1e-30  # a density that is none
_ROUND = (1.0, 1.5, 2.0, 3.0, 5.0, 7.0, 10.0)
LEAST_LIMIT, MOST_LIMIT = 1e-3, 5.0  # of E, what the map's colours reach at least and at most


@dataclass(frozen=True)
class PortraitSpec:
    """Which plane is shown: coordinates `axes` (x, y), the ranges, and the state the plane goes through.

    With `latents`, the key of a model that sees frames, it is the plane of its latents (z_q, z_p) that is shown.
    """

    axes: tuple[int, int]
    x: tuple[float, float]
    y: tuple[float, float]
    through: tuple[float, ...]
    latents: str = ""


@dataclass(frozen=True, eq=False)
class States:
    """Some training states `coords` `(m, 2*dof)`, spread evenly over all of them, and the pairs of frames that are seen
    of them `(m, 2, size, size)`, where a camera sees them."""

    coords: Array
    pairs: Frames | None = None


@dataclass(frozen=True, eq=False)
class Drawn:
    """Rows that were drawn by hand: `coords` and `dcoords` `(n, 2*dof)`."""

    coords: Array
    dcoords: Array


@dataclass(frozen=True, eq=False)
class Missed:
    """Which drawn rows a model does not fit: its field is off there by more than `MISSED` of the usual speed."""

    model: str  # its title
    at: Array  # their coords
    share: float  # of all drawn rows


@dataclass(frozen=True)
class Layers:
    """What is wanted of the plane: the arrows and contours of `shown` (None: of truth), and a comparison of energies.

    `compared` is the model whose Ĥ is set beside the true H, and `states` say where there is data. `fine` asks for the
    finer grid.
    """

    shown: Snapshot | None = None
    arrows: bool = True
    contours: bool = True
    compared: Snapshot | None = None
    states: States | None = None
    fine: bool = True
    autoencoder: FrozenAutoencoder | None = None  # whose latents are shown, where that is asked for


@dataclass(frozen=True, eq=False)
class Contours:
    """Contour lines as one broken polyline: `points` `(m, 2)`, and `(m,)` whether a point joins the next."""

    points: Array
    joins: npt.NDArray[np.bool_]


NO_CONTOURS = Contours(np.empty((0, 2)), np.empty(0, dtype=np.bool_))


@dataclass(frozen=True, eq=False)
class EnergyGap:
    """How a learned Ĥ differs from the true H: d = Ĥ − H − c, in the units of H.

    The constant c, which no model can know, is the median of Ĥ − H over the training states: so d is zero where most
    of the data are, and a few wild states do not move it. `values` `(n, n)` is d over the plane, a row a y, the lowest
    first. `rms`, the median of |d| `typical` and the range `reach` that holds 98 % of it are over the training states
    (`inside`), or over the plane where there are none.
    """

    model: str
    values: Array
    contours: Contours  # of Ĥ − c, at the levels of the true H
    rms: float
    typical: float
    reach: float
    inside: bool
    beyond: tuple[Array, ...]  # closed rings `(k, 2)`, even and odd, around where there is no data near

    @property
    def where(self) -> str:
        """What the figures are over, in words."""
        return "inside the data" if self.inside else "on this plane"


@dataclass(frozen=True, eq=False)
class Latents:
    """The plane of a model's latents: its `autoencoder`, the training data as it encodes them `(m, 2)`, and how far its
    map takes them from where they are, as shares of how far they spread in q and in p `(2,)`."""

    model: str
    autoencoder: FrozenAutoencoder
    encoded: Array
    off: Array


@dataclass(frozen=True, eq=False)
class PortraitField:
    """`at` `(n, n, 2)` plane positions with `flow` `(n, n, 2)` there, contours, and the gap between two energies."""

    spec: PortraitSpec
    at: Array | None
    flow: Array | None
    contours: Contours
    gap: EnergyGap | None = None
    latents: Latents | None = None


def sample(coords: Array, train: npt.NDArray[np.bool_], frame_pairs: FramePairs | None = None) -> States:
    """Return at most `MOST_STATES` of the training rows of `coords` `(n, 2*dof)`, with their pairs of frames."""
    rows = np.flatnonzero(train)
    few = rows[np.linspace(0, len(rows) - 1, min(len(rows), MOST_STATES)).astype(int)] if len(rows) else rows
    return States(coords[few], frame_pairs.pairs(few) if frame_pairs is not None else None)


def drawn_rows(data: Dataset | None) -> Drawn | None:
    """Return the rows of `data` that were drawn by hand, or None where there are none."""
    if data is None or data.edited is None:
        return None
    rows = data.trajectory >= STROKES
    return Drawn(data.coords[rows], data.dcoords[rows]) if rows.any() else None


def rows_missed(title: str, snapshot: Snapshot, drawn: Drawn) -> Missed:
    """Return the rows that the field of `snapshot` does not fit."""
    speed = np.sqrt(np.square(drawn.dcoords).sum(axis=-1).mean())
    with np.errstate(over="ignore", invalid="ignore"):
        off = np.linalg.norm(snapshot.field(drawn.coords) - drawn.dcoords, axis=-1)
    missed = ~(off <= MISSED * speed)
    return Missed(title, drawn.coords[missed], float(missed.mean()))


def slice_coords(spec: PortraitSpec, count: int, autoencoder: FrozenAutoencoder | None = None) -> tuple[Array, Array]:
    """Return positions `(count, count, 2)` on the plane and the coords `(count, count, 2*dof)` there.

    It is the plane of the latents of `autoencoder`, where there is one.
    """
    xs, ys = np.linspace(*spec.x, count), np.linspace(*spec.y, count)
    at = np.stack(np.meshgrid(xs, ys), axis=-1)
    if autoencoder is not None:
        return at, autoencoder.coords(at)
    coords = np.broadcast_to(np.asarray(spec.through), (count, count, len(spec.through))).copy()
    coords[..., spec.axes[0]] = at[..., 0]
    coords[..., spec.axes[1]] = at[..., 1]
    return at, coords


def compute_field(spec: PortraitSpec, scene: Scene, layers: Layers) -> PortraitField:
    """Return what `layers` want of the plane.

    A comparison has truth's contours beneath the model's own. Without a true H there is none.
    """
    at, flow = _arrows(spec, scene, layers.shown, layers.autoencoder) if layers.arrows else (None, None)
    plane = _Plane(spec, scene, layers.states, GRID if layers.fine else COARSE_GRID, layers.autoencoder)
    gap = plane.gap(layers.compared, layers.contours) if layers.compared is not None else None
    contours = plane.contours(layers.shown if gap is None else None) if layers.contours else NO_CONTOURS
    return PortraitField(spec, at, flow, contours, gap)


def encode(model: str, autoencoder: FrozenAutoencoder, states: States | None) -> Latents:
    """Return where the latents of `model` are, and how well its map takes them to the coordinates."""
    if states is None or states.pairs is None or not len(states.pairs):
        return Latents(model, autoencoder, np.empty((0, 2)), np.full(2, np.nan))
    z = autoencoder.encode(states.pairs)
    spread = np.maximum(states.coords.std(axis=0), 1e-12)
    off: Array = np.sqrt(np.mean((autoencoder.coords(z) - states.coords) ** 2, axis=0)) / spread
    return Latents(model, autoencoder, z, off)


def _arrows(
    spec: PortraitSpec, scene: Scene, snapshot: Snapshot | None, autoencoder: FrozenAutoencoder | None
) -> tuple[Array | None, Array | None]:
    source = snapshot if snapshot is not None else scene if isinstance(scene, System) else None
    if source is None:
        return None, None
    at, coords = slice_coords(_inset(spec), ARROWS, autoencoder)
    flow = source.field(coords)
    flow = flow[..., list(spec.axes)] if autoencoder is None else flow @ autoencoder.inverse
    return at, np.where(np.isfinite(flow), flow, 0.0)


def _inset(spec: PortraitSpec) -> PortraitSpec:
    """Move the grid half a cell inward, so that no arrow sits on the frame."""
    (x0, x1), (y0, y1) = spec.x, spec.y
    dx, dy = (x1 - x0) / (2 * ARROWS), (y1 - y0) / (2 * ARROWS)
    return replace(spec, x=(x0 + dx, x1 - dx), y=(y0 + dy, y1 - dy))


def true_energy(scene: Scene, coords: Array) -> Array | None:
    """Return the H of a system, or the stated reference of a recording, or None."""
    if isinstance(scene, System):
        return scene.hamiltonian(coords)
    from hnn_engine.recordings import RecordedScene

    reference = scene.recording.reference if isinstance(scene, RecordedScene) else None
    return reference.hamiltonian(coords) if reference is not None else None


class _Plane:
    """The energies on the plane: the true one, and any model's with the best constant taken out."""

    def __init__(
        self, spec: PortraitSpec, scene: Scene, states: States | None, grid: int, autoencoder: FrozenAutoencoder | None
    ) -> None:
        self._spec, self._scene, self._autoencoder = spec, scene, autoencoder
        self._at, self._coords = slice_coords(spec, grid, autoencoder)
        self._truth = true_energy(scene, self._coords)
        usable = (
            states is not None
            and len(states.coords) >= FEWEST_STATES
            and states.coords.shape[-1] == self._coords.shape[-1]
        )
        self._states = states if usable else None

    def contours(self, snapshot: Snapshot | None) -> Contours:
        """The contours of truth, or of a model (none without an energy), at truth's levels where there is one."""
        if snapshot is None:
            return self._lines(self._truth)
        own = snapshot.hamiltonian(self._coords)
        if own is None or self._truth is None:
            return self._lines(own)
        known = self._differences(snapshot, own)
        return self._lines(own - np.median(known) if len(known) else own)

    def gap(self, snapshot: Snapshot, contours: bool) -> EnergyGap | None:
        """How the model's energy differs from the true one; None where one of them is missing or nowhere finite."""
        own = snapshot.hamiltonian(self._coords)
        if own is None or self._truth is None:
            return None
        known = self._differences(snapshot, own)
        if not len(known):
            return None
        constant = float(np.median(known))
        size = np.abs(known - constant)
        with np.errstate(over="ignore"):
            rms = float(np.sqrt(np.mean(size**2)))
        return EnergyGap(
            snapshot.model,
            own - self._truth - constant,
            self._lines(own - constant) if contours else NO_CONTOURS,
            rms,
            typical=float(np.median(size)),
            reach=float(np.percentile(size, INSIDE)),
            inside=self._states is not None,
            beyond=beyond_data(self._spec, self._states, self._autoencoder) if self._states is not None else (),
        )

    def _differences(self, snapshot: Snapshot, own: Array) -> Array:
        """The finite values of Ĥ − H at the training states, or on the plane where there are none."""
        learned: Array | None = own
        true = self._truth
        if self._states is not None:
            known = self._states.coords
            learned, true = snapshot.hamiltonian(known), true_energy(self._scene, known)
        assert learned is not None
        assert true is not None
        difference: Array = np.ravel(learned - true)
        return difference[np.isfinite(difference)]

    def _lines(self, energy: Array | None) -> Contours:
        if energy is None or not np.isfinite(energy).any():
            return NO_CONTOURS
        levels = contour_levels(self._truth if self._truth is not None else energy)
        return contour_lines(self._at[0, :, 0], self._at[:, 0, 1], energy, levels)


@lru_cache(maxsize=2)
def beyond_data(spec: PortraitSpec, states: States, autoencoder: FrozenAutoencoder | None = None) -> tuple[Array, ...]:
    """Return rings around the parts of the plane where training states lie more thinly than around 98 % of them.

    All directions of phase space count, each by how far the data reach along it: a plane through many dimensions
    leaves them soon.
    """
    from contourpy import FillType, contour_generator

    at, coords = slice_coords(spec, DENSITY_GRID, autoencoder)
    evened, width, least = _spread(states)
    known, here = (np.asarray(x @ evened, dtype=np.float32) for x in (states.coords, coords))
    density = np.exp(_squares(here.reshape(-1, here.shape[-1]), known) * (-0.5 / width**2)).sum(axis=1)
    thinness = -np.log(np.maximum(density, _THIN)).astype(np.float64).reshape(DENSITY_GRID, DENSITY_GRID)
    generator = contour_generator(at[0, :, 0], at[:, 0, 1], thinness, fill_type=FillType.OuterOffset)
    points, offsets = generator.filled(-np.log(least), np.inf)
    return tuple(ring for p, o in zip(points, offsets, strict=True) for ring in np.split(p, o[1:-1]))


@lru_cache(maxsize=2)
def _spread(states: States) -> tuple[Array, float, float]:
    """The matrix `(2*dof, 2*dof)` that evens the states out, how wide each counts then, and how dense it is around 98 %
    of them.

    Directions along which the data hardly reach count as 0.3 of the longest. A state counts as a bell, half as wide
    again as it usually is from one to the next.
    """
    scale = states.coords.std(axis=0)
    scale[scale == 0.0] = 1.0
    variances, axes = np.linalg.eigh(np.cov((states.coords / scale).T))
    reach = np.sqrt(np.maximum(variances, 0.3**2 * max(float(variances.max()), 1e-6)))
    evened = (axes / reach) / scale[:, None]
    known = np.asarray(states.coords @ evened, dtype=np.float32)
    apart = _squares(known, known)
    np.fill_diagonal(apart, np.inf)
    width = max(1.5 * float(np.sqrt(np.percentile(apart.min(axis=1), 90.0))), 1e-3)
    around = np.exp(apart * (-0.5 / width**2)).sum(axis=1)
    return evened, width, max(float(np.percentile(around, 100.0 - INSIDE)), _THIN)


def _squares(a: npt.NDArray[np.float32], b: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Squared distances `(n, m)` between the rows of `a` and `b`."""
    apart: npt.NDArray[np.float32] = (a * a).sum(axis=1)[:, None] + (b * b).sum(axis=1) - 2 * (a @ b.T)
    return np.maximum(apart, 0.0)


def color_limit(reach: float, scale: float) -> float:
    """Return what share of `scale` the map's colours span: the next round number above `reach`/`scale`.

    Never under 0.1 %, so that the map of a model that is right is blank; never above 500 %.
    """
    share = min(max(reach / scale, LEAST_LIMIT), MOST_LIMIT)
    power = 10.0 ** np.floor(np.log10(share) + 1e-9)
    return float(next(step * power for step in _ROUND if step * power >= share * (1 - 1e-9)))


def contour_levels(energy: Array) -> Array:
    """Return levels that rise as squares above the lowest energy, so that wells keep their rings."""
    low, high = np.nanpercentile(energy[np.isfinite(energy)], [0.5, 97.0])
    steps: Array = np.linspace(0.0, 1.0, LEVELS + 1)[1:] ** 1.6
    result: Array = low + (high - low) * steps
    return result


def contour_lines(xs: Array, ys: Array, values: Array, levels: Array) -> Contours:
    """Return all contour lines of `values` `(len(ys), len(xs))` at `levels`."""
    from contourpy import LineType, contour_generator

    generator = contour_generator(xs, ys, np.ma.masked_invalid(values), line_type=LineType.Separate)
    parts = [line for level in levels for line in generator.lines(float(level))]
    if not parts:
        return NO_CONTOURS
    joins = np.ones(sum(len(p) for p in parts), dtype=bool)
    joins[np.cumsum([len(p) for p in parts]) - 1] = False
    return Contours(np.concatenate(parts), joins)
