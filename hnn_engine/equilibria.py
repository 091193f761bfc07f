"""Where a field rests: the states with d(coords)/dt = 0, found by Newton's method, and how motion is near them."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from hnn_engine.coords import Array

STEP = 1e-5  # of central differences
SMALL = 1e-4  # relative: an eigenvalue that is as good as zero, with the error of central differences
ROUNDS = 40  # of Newton's method
MOST = 24  # equilibria that are told
STARTS = 256  # of Newton's method
CLOSE = 1e-4  # states that are nearer to each other are one

Kind = Literal["centre", "saddle", "focus", "node", "degenerate"]
Field = Callable[[Array], Array]


@dataclass(frozen=True)
class Equilibrium:
    """A state that rests, `at` `(2*dof,)`, with its energy (NaN where there is none), kind and the `eigenvalues` of the
    field's Jacobian, `(2*dof,)` in 1/s.

    A centre has imaginary eigenvalues alone, a saddle a real pair, a focus complex ones with a real part, a node (which
    takes friction) real ones of one sign; where one is zero it is degenerate. `stable`: nothing grows by itself.
    """

    at: tuple[float, ...]
    energy: float
    kind: Kind
    stable: bool
    eigenvalues: tuple[complex, ...] = ()


def jacobian(field: Field, coords: Array) -> Array:
    """Return ∂(d(coords)/dt)/∂coords `(..., 2*dof, 2*dof)` of `field` at `coords` `(..., 2*dof)`, by central
    differences."""
    steps = STEP * np.maximum(1.0, np.abs(coords))
    moves = steps[..., None] * np.eye(coords.shape[-1])  # [..., i, :] moves coordinate i
    ahead, behind = field(np.stack([coords[..., None, :] + moves, coords[..., None, :] - moves]))
    slopes: Array = np.swapaxes((ahead - behind) / (2 * steps[..., None]), -1, -2)
    return slopes


@np.errstate(all="ignore")
def equilibria(
    field: Field,
    energy: Callable[[Array], Array | None],
    low: Array,
    high: Array,
    periodic: tuple[bool, ...],
    near: Array | None = None,
) -> tuple[Equilibrium, ...]:
    """Return the states within a box `(2*dof,)` at which `field` is zero, those of the lowest energy first; at most
    `MOST`.

    Newton's method from `STARTS` states of the box, its middle, and the states `near` `(n, 2*dof)`; where they fill a
    line, those that it finds. Angles, as `periodic` says, come within (−π, π].
    """
    x = _rests(field, _starts(low, high, near), (high - low) / 4)
    if not len(x):
        return ()
    rate, scale = field(x), np.abs(jacobian(field, x)).max(axis=(1, 2)) + 1e-300
    angles = np.array(periodic)
    x = np.where(angles, np.mod(x + math.pi, 2 * math.pi) - math.pi, x)
    x = np.where(angles & (x < 1e-6 - math.pi), x + 2 * math.pi, x)
    slack = 1e-6 * (high - low)
    rests = (np.abs(rate).max(axis=1) <= 1e-8 * scale) & ((x >= low - slack) & (x <= high + slack)).all(axis=1)
    found: list[Array] = []
    for one in x[rests]:
        if all(np.abs(one - other).max() > CLOSE for other in found):
            found.append(np.where(np.abs(one) < 1e-9, 0.0, one))
    told = [_told(field, energy, one) for one in found[:MOST]]
    return tuple(sorted(told, key=lambda one: (round(one.energy, 9), one.at)))


def _starts(low: Array, high: Array, near: Array | None) -> Array:
    rng, size = np.random.default_rng(0), len(low)
    x = np.vstack([(low + high) / 2, rng.uniform(low, high, (STARTS, size))])
    x[1 : STARTS // 2, size // 2 :] = 0.0  # most systems rest without momentum
    return x if near is None else np.vstack([x, near])


def _rests(field: Field, x: Array, widest: Array) -> Array:
    """Return where Newton's method from `x` `(n, 2*dof)` ends, no step longer than `widest`; without those whose field
    is not finite."""
    ended = [x[:0]]
    for _ in range(ROUNDS):
        slope, rate = jacobian(field, x), field(x)
        good = np.isfinite(slope).all(axis=(1, 2)) & np.isfinite(rate).all(axis=1)
        x, slope, rate = x[good], slope[good], rate[good]
        if not len(x):
            break
        step = _newton_step(slope, rate)
        x = x - step / np.maximum(1.0, np.abs(step / widest).max(axis=1, keepdims=True))
        done = (np.abs(step) < 1e-14 * widest).all(axis=1)
        ended.append(x[done])
        x = x[~done]
    return np.concatenate([*ended, x])


def _newton_step(slope: Array, rate: Array) -> Array:
    """Return the solution of slope · step = rate `(N, n)`; the smallest one where the matrices `(N, n, n)` are
    singular."""
    little = 1e-10 * np.abs(slope).max(axis=(1, 2), keepdims=True) + 1e-300
    try:
        found: Array = np.linalg.solve(slope + little * np.eye(slope.shape[-1]), rate[..., None])[..., 0]
    except np.linalg.LinAlgError:
        found = (np.linalg.pinv(slope) @ rate[..., None])[..., 0]
    return np.nan_to_num(found, nan=0.0, posinf=0.0, neginf=0.0)


def _told(field: Field, energy: Callable[[Array], Array | None], at: Array) -> Equilibrium:
    slope = jacobian(field, at)
    own = energy(at)
    value = math.nan if own is None else float(own)
    place = tuple(round(x, 12) + 0.0 for x in at.tolist())
    if not np.isfinite(slope).all():
        return Equilibrium(place, value, "degenerate", stable=False)
    values = np.linalg.eigvals(slope)
    kind, stable = _kind(values, float(np.abs(slope).max()))
    return Equilibrium(place, value, kind, stable, tuple(complex(one) for one in values))


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
