"""What can be seen of a law by evaluating it: what H is made of, where the system rests, and its lowest energy.

Whether H has a property is tried at random states with random constants, so that it holds while the constants change:
a property of analytic functions that holds at a few random places holds everywhere, but for chance.
"""

import math
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from hnn_engine.coords import Array
from hnn_engine.own_systems.law import Law

TRIES = 24  # random states
CLOSE = 1e-7  # relative: as good as equal
STEP = 1e-5  # of central differences
SMALL = 1e-4  # relative: an eigenvalue that is as good as zero, with the error of central differences
ROUNDS = 40  # of Newton's method
MOST = 24  # equilibria that are told
STARTS = 256  # of Newton's method
_AWAY = (3.0, 10.0, 100.0)  # how far, in boxes, H is looked at for lower values

Kind = Literal["centre", "saddle", "focus", "node", "degenerate"]


class Evaluated(Protocol):
    """A law as it is evaluated at states `(..., 2*dof)` with constants `c`."""

    def energy_at(self, coords: Array, c: Array) -> Array:
        """Return H, `(..., 2*dof) -> (...)`."""

    def field_at(self, coords: Array, c: Array) -> Array:
        """Return d(coords)/dt, `(..., 2*dof)`."""


@dataclass(frozen=True)
class Form:
    """What H is made of. `separable`: T(p) + V(q). `kinetic`: its part with p is quadratic in p, and V(q) = H(q, 0).
    `periodic`: it has the period 2π in each q. `cyclic`: it does not contain each q."""

    separable: bool
    kinetic: bool
    periodic: tuple[bool, ...]
    cyclic: tuple[bool, ...]


@dataclass(frozen=True)
class Equilibrium:
    """A state that rests, `at` `(2*dof,)`, with its energy and kind.

    A centre has imaginary eigenvalues alone, a saddle a real pair, a focus complex ones with a real part, a node (which
    takes friction) real ones of one sign; where one is zero it is degenerate. `stable`: nothing grows by itself.
    """

    at: tuple[float, ...]
    energy: float
    kind: Kind
    stable: bool


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
    """∇H at random states `(N, 2*dof)`, each with constants of its own."""

    def __init__(self, law: Law, states: Array, constants: Array) -> None:
        self._law, self.states, self._constants = law, states, constants

    def gradient(self, move: Array | float = 0.0, scale: Array | float = 1.0) -> Array:
        """Return ∇H where each state is scaled and moved, `(N, 2*dof)`."""
        rows = self._law.gradient.with_constants((self.states * scale + move).T, self._constants.T)
        return np.stack([np.broadcast_to(row, len(self.states)) for row in rows], axis=-1)


def _same(one: Array, other: Array) -> bool:
    """Whether two `(N, n)` are equal in each row that is finite in both, of which there are some."""
    known = (np.isfinite(one) & np.isfinite(other)).all(axis=1)
    sizes = np.maximum(np.abs(one), np.abs(other))[known].max(axis=1, initial=1e-12)
    return bool(known.any()) and bool((np.abs(one - other)[known].max(axis=1) <= CLOSE * sizes).all())


def _is_separable(law: Law, tries: _Tries, slopes: Array, dof: int) -> bool:
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


# Where the system rests -----------------------------------------------------------------------------------------------


def jacobian(law: Evaluated, coords: Array, c: Array) -> Array:
    """Return ∂(d(coords)/dt)/∂coords `(..., 2*dof, 2*dof)` by central differences."""
    steps = STEP * np.maximum(1.0, np.abs(coords))
    moves = steps[..., None] * np.eye(coords.shape[-1])  # [..., i, :] moves coordinate i
    ahead, behind = law.field_at(np.stack([coords[..., None, :] + moves, coords[..., None, :] - moves]), c)
    slopes: Array = np.swapaxes((ahead - behind) / (2 * steps[..., None]), -1, -2)
    return slopes


@np.errstate(all="ignore")
def equilibria(
    law: Evaluated, c: Array, low: Array, high: Array, periodic: tuple[bool, ...]
) -> tuple[Equilibrium, ...]:
    """Return the states within a box `(2*dof,)` that rest, those of the lowest energy first; at most `MOST`.

    Newton's method from `STARTS` states of the box, and its middle; where they fill a line, those that it finds.
    """
    rng, size = np.random.default_rng(0), len(low)
    x = np.vstack([(low + high) / 2, rng.uniform(low, high, (STARTS, size))])
    x[1 : STARTS // 2, size // 2 :] = 0.0  # most systems rest without momentum
    widest = (high - low) / 4
    ended = [np.empty((0, size))]
    for _ in range(ROUNDS):
        slope, rate = jacobian(law, x, c), law.field_at(x, c)
        good = np.isfinite(slope).all(axis=(1, 2)) & np.isfinite(rate).all(axis=1)
        x, slope, rate = x[good], slope[good], rate[good]
        if not len(x):
            break
        step = _newton_step(slope, rate)
        x = x - step / np.maximum(1.0, np.abs(step / widest).max(axis=1, keepdims=True))
        done = (np.abs(step) < 1e-14 * widest).all(axis=1)
        ended.append(x[done])
        x = x[~done]
    x = np.concatenate([*ended, x])
    if not len(x):
        return ()
    rate, scale = law.field_at(x, c), np.abs(jacobian(law, x, c)).max(axis=(1, 2)) + 1e-300
    angles = np.array(periodic)
    x = np.where(angles, np.mod(x + math.pi, 2 * math.pi) - math.pi, x)
    x = np.where(angles & (x < 1e-6 - math.pi), x + 2 * math.pi, x)
    slack = 1e-6 * (high - low)
    rests = (np.abs(rate).max(axis=1) <= 1e-8 * scale) & ((x >= low - slack) & (x <= high + slack)).all(axis=1)
    found: list[Array] = []
    for one in x[rests]:
        if all(np.abs(one - other).max() > 1e-4 for other in found):
            found.append(np.where(np.abs(one) < 1e-9, 0.0, one))
    told = [_told(law, c, one) for one in found[:MOST]]
    return tuple(sorted(told, key=lambda one: (round(one.energy, 9), one.at)))


def _newton_step(slope: Array, rate: Array) -> Array:
    """Return the solution of slope · step = rate `(N, n)`; the smallest one where the matrices `(N, n, n)` are
    singular."""
    little = 1e-10 * np.abs(slope).max(axis=(1, 2), keepdims=True) + 1e-300
    try:
        found: Array = np.linalg.solve(slope + little * np.eye(slope.shape[-1]), rate[..., None])[..., 0]
    except np.linalg.LinAlgError:
        found = (np.linalg.pinv(slope) @ rate[..., None])[..., 0]
    return np.nan_to_num(found, nan=0.0, posinf=0.0, neginf=0.0)


def _told(law: Evaluated, c: Array, at: Array) -> Equilibrium:
    slope = jacobian(law, at, c)
    smooth = bool(np.isfinite(slope).all())
    kind, stable = _kind(np.linalg.eigvals(slope), float(np.abs(slope).max())) if smooth else ("degenerate", False)
    return Equilibrium(tuple(round(x, 12) + 0.0 for x in at.tolist()), float(law.energy_at(at, c)), kind, stable)


def _kind(values: npt.NDArray[np.inexact[Any]], size: float) -> tuple[Kind, bool]:
    """Return the kind that eigenvalues of a Jacobian with entries of `size` say, and whether nothing grows."""
    small = SMALL * size
    real, imaginary = np.abs(values.real) > small, np.abs(values.imag) > small
    stable = bool((values.real <= small).all())
    if (~real & ~imaginary).any():
        return "degenerate", stable
    if (real & imaginary).any():
        return "focus", stable
    if not real.any():
        return "centre", stable
    signs = set(np.sign(values.real[real]))
    return ("saddle" if len(signs) == 2 else "node"), stable


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
    inner = x[np.argsort(energy)[:64]]  # and downhill from the lowest of them
    rate = 0.05 * half
    for _ in range(60):
        slope = law.gradient_at(inner, c) * rate
        steps = rate * slope / (np.linalg.norm(slope, axis=1, keepdims=True) + 1e-300)
        moved = inner - steps
        lower = law.energy_at(moved, c) < law.energy_at(inner, c)
        inner = np.where(lower[:, None], moved, inner)
        rate = np.where(lower.any(), rate, rate / 2)
    lowest = float(np.nanmin(law.energy_at(inner, c)))
    if lowest < least.energy - 1e-6 * scale:
        return None
    return least.energy if abs(least.energy) > 1e-12 else 0.0
