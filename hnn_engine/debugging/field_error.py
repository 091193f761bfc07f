"""Where a learned field is off: against the true one where that is known, against held-out derivatives elsewhere."""

from dataclasses import dataclass

import numpy as np

from hnn_engine.coords import Array, Mask, wrap_angle
from hnn_engine.datasets import Dataset
from hnn_engine.phase_portrait import PortraitSpec, slice_coords
from hnn_engine.snapshot import Snapshot
from hnn_engine.systems.base import System

BEYOND = 0.25  # of the width of the data's energies: how far outside them the error is measured
STARTS = 2000  # states that stand for a region of phase space
MAP_GRID = 64  # a side
RESIDUAL_GRID = 32  # cells a side, of held-out derivatives
TRUE_FIELD, HELD_OUT = "the true field", "held-out derivatives"  # what a learned field is held against


@dataclass(frozen=True, eq=False)
class FieldError:
    """How far a field is off: rms ‖f̂ − f‖ / rms ‖f‖ within the energies of the training data (`inside`), and within a
    quarter of their width above them (`outside`, None where no energy is known).

    `shares` `(2*dof,)` is the part of Σ (f̂ − f)² that each component of the field has, inside; they sum to 1. `against`
    says what f is: the true field, or held-out derivatives.
    """

    inside: float
    outside: float | None
    shares: Array
    against: str


@dataclass(frozen=True, eq=False)
class ErrorMap:
    """f̂ − f, `off` `(n, n, 2*dof)`, over the plane of `spec`, one row for each y, the lowest first, at the positions
    `at` `(n, n, 2)`. `size` is rms ‖f‖ over training states, which errors are compared with.

    `inside` `(n, n)` is whether H lies within the training data's energies, and `beyond` are closed rings `(k, 2)`,
    even and odd, around where it does not. `against` says what f is. Held-out derivatives are known at data alone:
    `off` is then the root mean square of each component over the rows in a cell, NaN where there are none, and `inside`
    where there are some.
    """

    spec: PortraitSpec
    at: Array
    off: Array
    size: float
    inside: Mask
    beyond: tuple[Array, ...]
    against: str

    @property
    def error(self) -> Array:
        """‖f̂ − f‖ `(n, n)`."""
        return np.asarray(np.linalg.norm(self.off, axis=-1))

    def relative(self) -> Array:
        """Return ‖f̂ − f‖ / rms ‖f‖, `(n, n)`: of states that rest too."""
        return np.asarray(self.error / max(self.size, 1e-300))


def _rms(values: Array) -> float:
    with np.errstate(over="ignore", invalid="ignore"):
        return float(np.sqrt(np.mean(np.sum(values**2, axis=-1))))


def data_energies(system: System, data: Dataset) -> tuple[float, float]:
    """Return the least and the largest H in J of the training rows, noise-free where those states are known."""
    coords = (data.clean if data.clean is not None and data.edited is None else data.coords)[data.train]
    energies = system.hamiltonian(coords)
    known = energies[np.isfinite(energies)]
    return float(known.min()), float(known.max())


def field_error(snapshot: Snapshot, data: Dataset, system: System | None) -> FieldError:
    """Return how far the field of `snapshot` is off, on states of the test trajectories (of all where none tests)."""
    tests = ~data.train if (~data.train).any() else data.train
    if system is None:
        off = snapshot.many(data.coords[tests]) - data.dcoords[tests]
        return FieldError(_relative(off, data.dcoords[tests]), None, _shares(off), HELD_OUT)
    states = (data.clean if data.clean is not None else data.coords)[tests]
    few = _some(states)
    true = system.field(few)
    off = snapshot.many(few) - true
    beyond = states_beyond(system, data)
    outside = None
    if beyond is not None:
        there = system.field(beyond)
        outside = _relative(snapshot.many(beyond) - there, there)
    return FieldError(_relative(off, true), outside, _shares(off), TRUE_FIELD)


def _relative(off: Array, true: Array) -> float:
    return _rms(off) / max(_rms(true), 1e-300)


def _shares(off: Array) -> Array:
    with np.errstate(over="ignore", invalid="ignore"):
        parts = np.mean(off**2, axis=0)
    return np.asarray(parts / max(float(parts.sum()), 1e-300))


def states_beyond(system: System, data: Dataset) -> Array | None:
    """Return states `(n, 2*dof)` whose energy lies above that of the training data by at most `BEYOND` of its width;
    None where too few are found.

    They are states of the data, moved away from its middle.
    """
    low, high = data_energies(system, data)
    coords = (data.clean if data.clean is not None else data.coords)[data.train]
    few = _some(coords)
    middle, found = coords.mean(axis=0), []
    for factor in np.linspace(1.02, 1.6, 24):
        moved = middle + factor * (few - middle)
        energy = system.hamiltonian(moved)
        found.append(moved[(energy > high) & (energy <= high + BEYOND * (high - low))])
    states = np.concatenate(found)
    if len(states) < 20:
        return None
    return _some(states)


def error_map(snapshot: Snapshot, system: System, data: Dataset, spec: PortraitSpec, grid: int = MAP_GRID) -> ErrorMap:
    """Return f̂ − f over the plane of `spec`, at `grid` positions a side, the other coordinates at `spec.through`."""
    at, coords = slice_coords(spec, grid)
    flat = coords.reshape(-1, coords.shape[-1])
    with np.errstate(all="ignore"):
        off = (snapshot.many(flat) - system.field(flat)).reshape(coords.shape)
        energy = system.hamiltonian(flat).reshape(grid, grid)
        known = system.field(_some(data.coords[data.train]))
    low, high = data_energies(system, data)
    size = _rms(known[np.isfinite(known).all(axis=-1)])
    inside = (energy >= low) & (energy <= high)
    return ErrorMap(spec, at, off, size, inside, _rings(at, energy, low, high), TRUE_FIELD)


def residual_map(
    snapshot: Snapshot, data: Dataset, spec: PortraitSpec, periodic: tuple[bool, ...], grid: int = RESIDUAL_GRID
) -> ErrorMap:
    """Return f̂ − dx/dt of the held-out rows of `data` (of all where none is held out) over the plane of `spec`, in
    `grid` cells a side. Angles, as `periodic` `(2*dof,)` says, are taken within [−π, π)."""
    rows = ~data.train if (~data.train).any() else data.train
    coords = data.coords[rows]
    with np.errstate(all="ignore"):
        squares = np.square(snapshot.many(coords) - data.dcoords[rows])
    cells = []
    for axis, (low, high) in zip(spec.axes, (spec.x, spec.y), strict=True):
        value = wrap_angle(coords[:, axis]) if periodic[axis] else coords[:, axis]
        cells.append(np.rint((value - low) / (high - low) * (grid - 1)).astype(int))
    column, row = cells
    within = (column >= 0) & (column < grid) & (row >= 0) & (row < grid) & np.isfinite(squares).all(axis=-1)
    sums, count = np.zeros((grid, grid, coords.shape[-1])), np.zeros((grid, grid))
    np.add.at(sums, (row[within], column[within]), squares[within])
    np.add.at(count, (row[within], column[within]), 1.0)
    with np.errstate(all="ignore"):
        off = np.sqrt(sums / count[..., None])
    at, _ = slice_coords(spec, grid)
    return ErrorMap(spec, at, off, _rms(data.dcoords[data.train]), count > 0, (), HELD_OUT)


def _rings(at: Array, energy: Array, low: float, high: float) -> tuple[Array, ...]:
    """Closed rings around where `energy` `(n, n)` at `at` `(n, n, 2)` lies below `low` or above `high`; where it is not
    finite there is no data either."""
    from contourpy import FillType, contour_generator

    values = np.where(np.isfinite(energy), energy, np.finfo(np.float64).max / 4)
    xs, ys = at[0, :, 0], at[:, 0, 1]
    slack = 1e-9 * max(high - low, abs(high), 1e-300)
    found: list[Array] = []
    generator = contour_generator(xs, ys, values, fill_type=FillType.OuterOffset)
    for bottom, top in ((-np.inf, low - slack), (high + slack, np.inf)):
        points, offsets = generator.filled(bottom, top)
        found += [ring for p, o in zip(points, offsets, strict=True) for ring in np.split(p, o[1:-1])]
    return tuple(found)


def _some(states: Array) -> Array:
    """At most `STARTS` of `states` `(N, 2*dof)`, evenly chosen."""
    few: Array = states[np.linspace(0, len(states) - 1, min(STARTS, len(states))).astype(int)]
    return few
