"""What motion conserves besides H, and what of it a rollout keeps."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.snapshot import Snapshot
from hnn_engine.systems.base import System

TRIED_STATES = 40  # by which it is tried whether a quantity is conserved
CONSERVED = 1e-8  # relative to the size of the terms of dI/dt

Quantity = Callable[[Array], Array]


@dataclass(frozen=True)
class Kept:
    """How far a quantity changes along a rollout, in its `unit`: `truth` and `model` are the largest changes from the
    start, `scale` is what they are compared with: rms of the quantity over training states."""

    name: str
    unit: str
    truth: float
    model: float
    scale: float

    @property
    def share(self) -> float:
        """The model's largest change as a share of `scale`."""
        return self.model / self.scale if self.scale > 0 else float("inf")


@dataclass(frozen=True)
class Invariant:
    """A conserved quantity: its `name`, `unit`, and `value` at coords `(..., 2*dof) -> (...)`."""

    name: str
    unit: str
    value: Quantity


def invariants(system: System) -> tuple[Invariant, ...]:
    """Return what `system` conserves besides H, found by trying at states of its training distribution.

    Candidates are each momentum, the sums of the momenta along each axis, and the angular momenta: q₁p₂ − q₂p₁ of two
    coordinates in m, and Σ (x py − y px) of bodies in a plane. A candidate I is conserved where dI/dt = ∇I·f vanishes.
    """
    states = system.sample_starts(np.random.default_rng(0), TRIED_STATES)
    found: list[Invariant] = []
    for candidate in _candidates(system):
        if any(candidate.name in one.name for one in found if one.name.startswith("Σ")):
            continue
        slopes = _slopes(candidate.value, states)
        terms = slopes * system.field(states)
        sizes = np.abs(terms).sum(axis=-1)
        # A momentum that nothing contains has dI/dt = 0 term by term; its own field is then the size to compare with.
        size = np.maximum(sizes, np.abs(slopes).sum(axis=-1) * 1e-6 * np.abs(system.field(states)).max(axis=-1))
        if (np.abs(terms.sum(axis=-1)) <= CONSERVED * size).all():
            found.append(candidate)
    return tuple(found)


def _slopes(value: Quantity, states: Array) -> Array:
    """∇I `(n, d)` at `states` `(n, d)` by central differences; exact for what is at most quadratic."""
    d = states.shape[-1]
    step = np.maximum(1.0, np.abs(states)) * 1e-3
    out = np.empty_like(states)
    for i in range(d):
        move = np.zeros_like(states)
        move[:, i] = step[:, i]
        out[:, i] = (value(states + move) - value(states - move)) / (2 * step[:, i])
    return out


def _candidates(system: System) -> list[Invariant]:
    coordinates, dof = system.coordinates, system.dof
    momenta = coordinates[dof:]
    out = [Invariant(p.symbol, p.unit, partial(_sum_of, slice(dof + i, dof + i + 1))) for i, p in enumerate(momenta)]
    bodies = dof // 2
    if dof % 2 == 0 and all(c.unit == "m" for c in coordinates[:dof]):
        if bodies > 1:
            for k, axis in enumerate("xy"):
                rows = slice(dof + k * bodies, dof + (k + 1) * bodies)
                out.append(Invariant(f"Σ p{axis}", momenta[0].unit, partial(_sum_of, rows)))
        out.append(Invariant("L", "kg m²/s", partial(_angular, bodies)))
    return out


def _sum_of(rows: slice, x: Array) -> Array:
    """The sum of some coordinates `(...)` of coords `(..., 2*dof)`."""
    return np.asarray(x[..., rows].sum(axis=-1))


def _angular(bodies: int, x: Array) -> Array:
    """L = Σ (x py − y px) `(...)` of coords that hold all x, all y, and their momenta in the same order."""
    px, py = (x[..., (2 + k) * bodies : (3 + k) * bodies] for k in range(2))
    return np.asarray((x[..., :bodies] * py - x[..., bodies : 2 * bodies] * px).sum(axis=-1))


def kept(system: System, truth: Array, model: Array, states: Array) -> tuple[Kept, ...]:
    """Return how far each invariant of `system` changes along `truth` and `model`, both `(T, 2*dof)`; `states`
    `(N, 2*dof)` give its scale. What is not finite is left out."""
    out = []
    for one in invariants(system):
        changes = []
        for coords in (truth, model):
            value = one.value(coords)
            known = value[np.isfinite(value)]
            changes.append(float(np.abs(known - known[0]).max()) if len(known) else float("nan"))
        out.append(Kept(one.name, one.unit, changes[0], changes[1], _scale(one, states)))
    return tuple(out)


def _scale(one: Invariant, states: Array) -> float:
    """rms of the sizes of what an invariant sums, over `states`: that of the whole may be zero everywhere."""
    with np.errstate(all="ignore"):
        whole = one.value(states)
        spread = _slopes(one.value, states) * states
    return float(np.sqrt(np.nanmean(np.maximum(whole**2, np.square(spread).max(axis=-1)))))


def energies(system: System, snapshot: Snapshot, coords: Array) -> tuple[Array, Array | None]:
    """Return the true H and the learned Ĥ along `coords` `(T, 2*dof)`, both `(T,)`; None where the model has none."""
    with np.errstate(all="ignore"):
        return system.hamiltonian(coords), snapshot.hamiltonian(coords)
