"""Where a learned field is off: against the true one where that is known, against held-out derivatives elsewhere."""

from dataclasses import dataclass

import numpy as np

from hnn_engine.coords import Array, Mask
from hnn_engine.datasets import Dataset
from hnn_engine.phase_portrait import PortraitSpec, slice_coords
from hnn_engine.snapshot import Snapshot
from hnn_engine.systems.base import System

BEYOND = 0.25  # of the width of the data's energies: how far outside them the error is measured
STARTS = 2000  # states that stand for a region of phase space
MAP_GRID = 64  # a side


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
    """‖f̂ − f‖ `(n, n)` over the plane of `spec`, one row for each y, the lowest first; `true` `(n, n)` is ‖f‖ there.

    `energy` `(n, n)` is the true H, and `inside` `(n, n)` whether it lies within the training data's energies.
    """

    spec: PortraitSpec
    at: Array
    error: Array
    true: Array
    inside: Mask

    def relative(self) -> Array:
        """Return ‖f̂ − f‖ / rms ‖f‖ over the plane, `(n, n)`: of states that rest too."""
        return np.asarray(self.error / max(_rms(self.true.ravel()[:, None]), 1e-300))


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
        return FieldError(_relative(off, data.dcoords[tests]), None, _shares(off), "held-out derivatives")
    states = (data.clean if data.clean is not None else data.coords)[tests]
    few = states[np.linspace(0, len(states) - 1, min(STARTS, len(states))).astype(int)]
    true = system.field(few)
    off = snapshot.many(few) - true
    beyond = states_beyond(system, data)
    outside = None
    if beyond is not None:
        there = system.field(beyond)
        outside = _relative(snapshot.many(beyond) - there, there)
    return FieldError(_relative(off, true), outside, _shares(off), "the true field")


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
    few = coords[np.linspace(0, len(coords) - 1, min(STARTS, len(coords))).astype(int)]
    middle, found = coords.mean(axis=0), []
    for factor in np.linspace(1.02, 1.6, 24):
        moved = middle + factor * (few - middle)
        energy = system.hamiltonian(moved)
        found.append(moved[(energy > high) & (energy <= high + BEYOND * (high - low))])
    states = np.concatenate(found)
    if len(states) < 20:
        return None
    some: Array = states[np.linspace(0, len(states) - 1, min(STARTS, len(states))).astype(int)]
    return some


def error_map(snapshot: Snapshot, system: System, data: Dataset, spec: PortraitSpec, grid: int = MAP_GRID) -> ErrorMap:
    """Return ‖f̂ − f‖ over the plane of `spec`, at `grid` positions a side, the other coordinates at `spec.through`."""
    at, coords = slice_coords(spec, grid)
    flat = coords.reshape(-1, coords.shape[-1])
    with np.errstate(all="ignore"):
        true = system.field(flat)
        error = np.linalg.norm(snapshot.many(flat) - true, axis=-1).reshape(grid, grid)
        size = np.linalg.norm(true, axis=-1).reshape(grid, grid)
        energy = system.hamiltonian(flat).reshape(grid, grid)
    low, high = data_energies(system, data)
    return ErrorMap(spec, at, error, size, (energy >= low) & (energy <= high))
