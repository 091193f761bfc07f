"""One step of each kind of fixed-step method in numpy, for any batch; the coefficients are those of the table."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.integrators import (
    MIDPOINT_ITERATIONS,
    MIDPOINT_TOLERANCE,
    ImplicitMidpoint,
    RungeKutta,
    Splitting,
    get_integrator,
)

Field = Callable[[Array], Array]
Step = Callable[[Field, Array, float], Array]


def step_of(integrator: str) -> Step:
    """Return the step `(field, coords, dt) -> coords` of a method with fixed steps.

    `coords`: `(..., 2*dof)`; `dt`: seconds. Raises `UnknownNameError`, and `TypeError` for a method without fixed
    steps.
    """
    scheme = get_integrator(integrator).scheme
    if isinstance(scheme, RungeKutta):
        return partial(runge_kutta_step, scheme)
    if isinstance(scheme, Splitting):
        return partial(splitting_step, scheme)
    if isinstance(scheme, ImplicitMidpoint):
        return implicit_midpoint_step
    raise TypeError(f"{integrator} has no steps of a given size")


def runge_kutta_step(scheme: RungeKutta, field: Field, coords: Array, dt: float) -> Array:
    """Advance `coords` by one step: kᵢ = f(x + dt Σⱼ aᵢⱼ kⱼ), x′ = x + dt Σᵢ bᵢ kᵢ.

    `coords`: `(..., 2*dof)`; `field`: coords -> d(coords)/dt; `dt`: seconds. Source: Hairer, Nørsett & Wanner, II.1.
    """
    slopes: list[Array] = []
    for row in scheme.a:
        slopes.append(field(_moved(coords, dt, row, slopes)))
    return _moved(coords, dt, scheme.b, slopes)


def _moved(coords: Array, dt: float, weights: Sequence[float], slopes: Sequence[Array]) -> Array:
    """Return x + dt Σᵢ weightsᵢ kᵢ."""
    terms = [(dt * weight) * slope for weight, slope in zip(weights, slopes, strict=True) if weight != 0.0]
    if not terms:
        return coords
    total = terms[0]
    for term in terms[1:]:
        total += term
    total += coords
    return total


def splitting_step(scheme: Splitting, field: Field, coords: Array, dt: float) -> Array:
    """Advance by kicks p ← p − kickᵢ dt ∂V/∂q and drifts q ← q + driftᵢ dt ∂T/∂p in turn.

    Symplectic; needs H = T(p) + V(q). `coords`: `(..., 2*dof)`; `field`: coords -> d(coords)/dt; `dt`: seconds. Source:
    Hairer, Lubich & Wanner, II.5; the coefficients of order 4: Yoshida 1990.
    """
    dof = coords.shape[-1] // 2
    out = coords.copy()
    for kick, drift in zip(scheme.kicks, scheme.drifts, strict=True):
        if kick != 0.0:
            out[..., dof:] += (kick * dt) * field(out)[..., dof:]
        if drift != 0.0:
            out[..., :dof] += (drift * dt) * field(out)[..., :dof]
    return out


def implicit_midpoint_step(field: Field, coords: Array, dt: float) -> Array:
    """Advance by x′ = x + dt f((x + x′)/2), order 2, symplectic for every H; NaN where the iteration does not converge.

    Fixed-point iteration from an explicit guess, to `MIDPOINT_TOLERANCE` relative to max(1, |x|), at most
    `MIDPOINT_ITERATIONS` rounds. `coords`: `(..., 2*dof)`; `dt`: seconds. Source: Hairer, Lubich & Wanner, II.1.3.
    """
    middle = coords + (dt / 2) * field(coords)
    limit = MIDPOINT_TOLERANCE * np.maximum(1.0, np.abs(coords).max(axis=-1, keepdims=True))
    for _ in range(MIDPOINT_ITERATIONS):
        new = coords + (dt / 2) * field(middle)
        change = np.abs(new - middle).max(axis=-1, keepdims=True)
        middle = new
        if (change <= limit).all():
            break
    with np.errstate(invalid="ignore"):
        return np.where(change <= limit, 2 * middle - coords, np.nan)
