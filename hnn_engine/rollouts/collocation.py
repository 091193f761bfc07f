"""Spectral collocation: a quick, very accurate way to follow smooth fields, batched, in plain numpy.

Over a window of length h the field along the solution is a polynomial through its values at Gauss–Legendre nodes:
x(t + θh) = x(t) + h ∫₀^θ Σᵢ ℓᵢ(s) fᵢ ds. Fixed-point iteration evaluates all nodes, and all trajectories, in one
call. It makes training data, and stands in for the reference integrator while the mouse is down or scipy is not yet
loaded. Source: Hairer, Lubich & Wanner, Geometric Numerical Integration, II.1.3 (Gauss methods).
"""

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.polynomial import legendre

from hnn_engine.coords import Array

NODES = 32
MAX_ITERATIONS = 40
SMALLEST_STEP = 1e-9


@cache
def _rule() -> tuple[Array, Array]:
    """Return the map from node values to Legendre coefficients, and to integrals up to the nodes."""
    x, w = legendre.leggauss(NODES)
    degree = np.arange(NODES)
    to_modes = (2 * degree[:, None] + 1) / 2 * legendre.legvander(x, NODES - 1).T * w
    return to_modes, _integral_rows((x + 1) / 2) @ to_modes


def _integral_rows(theta: Array) -> Array:
    """Return ∫₀^θ P_k(2s − 1) ds for k < NODES at each θ in [0, 1], `(len(theta), NODES)`."""
    basis = legendre.legvander(2 * theta - 1, NODES)
    rows = np.empty((len(theta), NODES))
    rows[:, 0] = theta
    degree = np.arange(1, NODES)
    rows[:, 1:] = (basis[:, 2:] - basis[:, :-2]) / (2 * (2 * degree + 1))
    return rows


@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def collocate(
    field: Callable[[Array], Array],
    start: Array,
    times: Array,
    tolerance: float = 1e-12,
    interrupt: Callable[[], bool] | None = None,
) -> Array:
    """Follow `field` from `start` `(..., 2*dof)` and return coords at rising `times` `(T,)` in s, shape `(T, ...,
    2*dof)`.

    `field`: coords -> d(coords)/dt, a second, `(..., 2*dof)` both. The window halves until the iteration converges and
    the last Legendre modes fall below `tolerance` of the largest coordinate; so the error is about `tolerance` a
    window. Where even the smallest window fails (a singularity, an overflow), or `interrupt` ends the work between two
    windows, the rest is NaN. Source: Hairer, Lubich & Wanner, II.1.3.
    """
    to_modes, integrals = _rule()
    times = np.asarray(times, dtype=np.float64)
    shape = np.shape(start)
    x = np.asarray(start, dtype=np.float64).reshape(-1)
    windows: list[_Window] = []
    t, end = float(times[0]), float(times[-1])
    h = min(1.0, end - t)
    while t < end and h >= SMALLEST_STEP and not (interrupt is not None and interrupt()):
        h = min(h, end - t)
        values, iterations = _solve_window(field, x, h, shape, integrals, tolerance)
        modes = to_modes @ values if values is not None else None
        scale = tolerance * max(1.0, float(np.abs(x).max()))
        if modes is None or h * float(np.abs(modes[-2:]).max()) > scale:
            h *= 0.5
            continue
        windows.append((t, h, x, modes))
        x = x + h * modes[0]
        t = end if t + h > end - SMALLEST_STEP else t + h
        if iterations < MAX_ITERATIONS // 2:
            h *= 1.3
    return _sampled(windows, times, np.asarray(start, dtype=np.float64).reshape(-1)).reshape(len(times), *shape)


_Window = tuple[float, float, Array, Array]  # begin, length, state at its begin, Legendre modes of the field


def _sampled(windows: list[_Window], times: Array, start: Array) -> Array:
    """Return the states at `times` `(T, size)`; NaN after the last window."""
    out = np.full((len(times), start.size), np.nan)
    out[0] = start
    if not windows:
        return out
    begins, lengths = np.array([w[0] for w in windows]), np.array([w[1] for w in windows])
    owner = np.maximum(np.searchsorted(begins, times, side="left") - 1, 0)
    reached = times <= (begins[-1] + lengths[-1]) * (1 + 1e-12) + 1e-12
    rows = _integral_rows(np.clip((times - begins[owner]) / lengths[owner], 0.0, 1.0))
    edges = np.searchsorted(owner, np.arange(len(windows) + 1))
    for (_, h, x, modes), first, last in zip(windows, edges[:-1], edges[1:], strict=True):
        out[first:last] = x + h * (rows[first:last] @ modes)
    out[~reached] = np.nan
    out[0] = start
    return out


def _solve_window(
    field: Callable[[Array], Array],
    x: Array,
    h: float,
    shape: tuple[int, ...],
    integrals: Array,
    tolerance: float,
) -> tuple[Array | None, int]:
    """Iterate to the field's values at the nodes, `(NODES, size)`; None where that does not converge."""
    values = np.broadcast_to(field(x.reshape(shape)).reshape(-1), (NODES, x.size))
    limit, before = tolerance * max(1.0, float(np.abs(x).max())), np.inf
    for iteration in range(1, MAX_ITERATIONS + 1):
        stages = x + h * (integrals @ values)
        new = field(stages.reshape(NODES, *shape)).reshape(NODES, -1)
        change = h * float(np.abs(new - values).max())
        values = new
        if change <= limit:
            return values, iteration
        if not np.isfinite(change) or (iteration > 4 and change > before):
            return None, iteration
        before = change
    return None, MAX_ITERATIONS
