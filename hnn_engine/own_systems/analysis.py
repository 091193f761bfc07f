"""What can be seen of a law by evaluating it: what H is made of, where the system rests, and its lowest energy.

Whether H has a property is tried at random states with random constants, so that it holds while the constants change:
a property of analytic functions that holds at a few random places holds everywhere, but for chance.
"""

import math
from dataclasses import dataclass

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.equilibria import Equilibrium
from hnn_engine.own_systems.law import Law

TRIES = 24  # random states
MOMENTS, LATER = 10.0, 0.7  # s: times are up to the first, or later by the second
CLOSE = 1e-7  # relative: as good as equal
SHORTEST = 1e-4  # of half a box: steps downhill end there
_AWAY = (3.0, 10.0, 100.0)  # how far, in boxes, H is looked at for lower values


@dataclass(frozen=True)
class Form:
    """What H is made of. `separable`: T(p) + V(q), or T(p) + V(q, t). `kinetic`: its part with p is quadratic in p, and
    V(q) = H(q, 0). `periodic`: it has the period 2π in each q. `cyclic`: it does not contain each q."""

    separable: bool
    kinetic: bool
    periodic: tuple[bool, ...]
    cyclic: tuple[bool, ...]


@np.errstate(all="ignore")
def form_of(law: Law, low: Array, high: Array) -> Form:
    """Return the form of H over a box `(2*dof,)`; coordinates that H contains nowhere are seen from its text."""
    dof, rng = len(low) // 2, np.random.default_rng(0)
    tries = _Tries(
        law, rng.uniform(low, high, (TRIES, 2 * dof)), rng.uniform(0.5, 1.5, (TRIES, law.energy.constants + 1))
    )
    slopes = tries.gradient()
    written = [all(i in free for free in law.free_of) for i in range(dof)]
    still = [slopes * (np.arange(2 * dof) != i) for i in range(dof)]
    cyclic = tuple(word or _same(slopes, one) for word, one in zip(written, still, strict=True))
    turns = 2 * math.pi * np.eye(2 * dof)[:dof]
    periodic = tuple(not cyclic[i] and _same(tries.gradient(turns[i]), slopes) for i in range(dof))
    return Form(_is_separable(law, tries, slopes, dof), _is_kinetic(tries, slopes, dof), periodic, cyclic)


class _Tries:
    """∇H at random states `(N, 2*dof)`, each with constants and a time of its own."""

    def __init__(self, law: Law, states: Array, constants: Array) -> None:
        self._law, self.states, self._constants = law, states, constants
        self._times = np.linspace(0.0, MOMENTS, len(states))

    def gradient(self, move: Array | float = 0.0, scale: Array | float = 1.0, later: float = 0.0) -> Array:
        """Return ∇H where each state is scaled and moved, `(N, 2*dof)`, and `later` in s than else."""
        return self._law.gradients_with(self.states * scale + move, self._constants, self._times + later)


def _same(one: Array, other: Array) -> bool:
    """Whether two `(N, n)` are equal in each row that is finite in both, of which there are some."""
    known = (np.isfinite(one) & np.isfinite(other)).all(axis=1)
    sizes = np.maximum(np.abs(one), np.abs(other))[known].max(axis=1, initial=1e-12)
    return bool(known.any()) and bool((np.abs(one - other)[known].max(axis=1) <= CLOSE * sizes).all())


def _is_separable(law: Law, tries: _Tries, slopes: Array, dof: int) -> bool:
    if law.energy_timed and not _same(tries.gradient(later=LATER)[:, dof:], slopes[:, dof:]):
        return False  # T(p, t): a drift would have to pass its time
    q, p = set(range(dof)), set(range(dof, 2 * dof))
    if all(p <= free for free in law.free_of[:dof]) and all(q <= free for free in law.free_of[dof:]):
        return True
    of_q = (np.arange(2 * dof) < dof).astype(np.float64)
    other_q, other_p = (tries.gradient(0.1 * part, 1.0 - 0.3 * part) for part in (of_q, 1.0 - of_q))
    return _same(other_q[:, dof:], slopes[:, dof:]) and _same(other_p[:, :dof], slopes[:, :dof])


def _is_kinetic(tries: _Tries, slopes: Array, dof: int) -> bool:
    """Whether dq/dt is linear in p, with no part that is without p: then H is quadratic in p, and V(q) = H(q, 0)."""
    of_p = (np.arange(2 * dof) >= dof).astype(np.float64)
    rates, other = slopes[:, dof:], 0.3 * of_p * (1 + np.arange(2 * dof))
    back, twice, moved = (
        tries.gradient(move, np.where(of_p, factor, 1.0))[:, dof:]
        for move, factor in ((0.0, -1.0), (0.0, 2.0), (other, 1.0))
    )
    alone = tries.gradient(other, np.where(of_p, 0.0, 1.0))[:, dof:]
    known = np.isfinite(rates).all(axis=1)
    moves = bool(known.any()) and bool((np.abs(rates[known]).max(axis=1) > 0).all())
    return moves and _same(-back, rates) and _same(twice, 2 * rates) and _same(moved, rates + alone)


# Its lowest energy ----------------------------------------------------------------------------------------------------


@np.errstate(all="ignore")
def lowest_energy(law: Law, c: Array, low: Array, high: Array, rests: tuple[Equilibrium, ...]) -> float | None:
    """Return min H where the least of `rests` is one: where nothing lower is found near it, and far away; else None."""
    if not rests:
        return None
    rng, size = np.random.default_rng(1), len(low)
    least = rests[0]
    scale = max(1e-9, abs(least.energy))
    middle, half = (low + high) / 2, (high - low) / 2
    unit = rng.uniform(-1.0, 1.0, (256, size))
    away = np.concatenate([middle + far * half * unit for far in (1.0, *_AWAY)])
    near = np.array(least.at) + 1e-2 * half * rng.uniform(-1.0, 1.0, (64, size))
    x = np.concatenate([near, away])
    energy = law.energy_at(x, c)
    if np.nanmin(energy) < least.energy - 1e-9 * scale:
        return None
    best = np.argsort(energy)[:64]  # and downhill from the lowest of them, a row a coordinate
    inner, values = np.ascontiguousarray(x[best].T), energy[best]
    rate = 0.05 * half[:, None]
    for _ in range(60):
        slope = np.stack([np.broadcast_to(one, len(best)) for one in law.gradient(inner, c)]) * rate
        moved = inner - rate * slope / (np.sqrt((slope * slope).sum(axis=0)) + 1e-300)
        there = np.broadcast_to(law.energy(moved, c)[0], len(best))
        lower = there < values
        inner, values = np.where(lower, moved, inner), np.where(lower, there, values)
        if not lower.any():
            rate = rate / 2
            if rate[0, 0] < SHORTEST * half[0]:
                break
    lowest = float(np.nanmin(values))
    if lowest < least.energy - 1e-6 * scale:
        return None
    return least.energy if abs(least.energy) > 1e-12 else 0.0
