"""The derivative of a flow: how it carries small differences, volumes and the symplectic form, and how fast they grow.

M(t) = ∂x(t)/∂x(0), `(2*dof, 2*dof)`, obeys M(t₂) = M(t₁→t₂)·M(t₁). So a long path is cut into short segments, the
path itself is followed once, and the maps of all segments are found together, as one batch.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from hnn_engine.coords import Array, canonical_matrix
from hnn_engine.integrators import EVALUATION_LIMIT, Flow, RungeKutta, get_integrator
from hnn_engine.rollouts.rollout import Rollout, rollout
from hnn_engine.rollouts.steps import Field, runge_kutta_step

STEP = 1e-5  # of central differences, of the spread of each coordinate along the path
LANES = 4096  # states that are moved together: what is computed of them stays in the cache
ACCURATE = 1e-8  # relative error of a segment's map, as halved steps tell it
MOST_STEPS = 16  # in a segment
TRIED = 24  # segments by which the number of steps is chosen
PATH_TOLERANCE = 1e-10  # of the path along which a flow is differentiated
STRETCH, MOST_GROUPED = 1e4, 64  # of the maps that are taken together before they are orthonormalised
GROWTH = 40  # segments in the time in which the fastest state moves as far as the path is wide

Interrupt = Callable[[], bool] | None


@dataclass(frozen=True, eq=False)
class TangentFlow:
    """The flow's derivative along a path: `t` `(K+1,)` in s, `path` `(K+1, 2*dof)` and the `maps` `(K, 2*dof, 2*dof)`,
    maps[k] from t[k] to t[k+1]. Shorter than asked where the path `ended` (s; NaN where it did not)."""

    t: Array
    path: Array
    maps: Array
    ended: float


def tangent_flow(
    flow: Flow, start: Array, horizon: float, *, segment: float | None = None, interrupt: Interrupt = None
) -> TangentFlow:
    """Return the derivative of `flow` along its path from `start` `(2*dof,)` over `horizon` s.

    Central differences of the states of each segment, moved by Runge–Kutta steps of order 8 that are halved until the
    maps no longer change. `segment` is its length in s; by default as short as small differences need to stay small.
    """
    path = _path(flow, start, np.linspace(0.0, horizon, 2 * GROWTH + 1), interrupt)
    if segment is None:
        segment = _segment_length(flow, path)
    count = max(1, math.ceil(horizon / segment))
    times = np.linspace(0.0, horizon, count + 1)
    path = _path(flow, start, times, interrupt)
    going = np.isfinite(path.coords).all(axis=-1)
    good = int(going.sum()) if not going.all() else len(times)
    states, t = path.coords[:good], times[:good]
    ended = float(path.ended)
    if good < 2:
        return TangentFlow(t, states, np.empty((0, len(start), len(start))), ended)
    maps = segment_maps(flow.field, states[:-1], float(times[1]), interrupt)
    return TangentFlow(t, states, maps, ended)


def _path(flow: Flow, start: Array, times: Array, interrupt: Interrupt) -> Rollout:
    limit = max(EVALUATION_LIMIT, 1000 * len(times))
    return rollout(flow, start, times, "dop853", tolerance=PATH_TOLERANCE, limit=limit, interrupt=interrupt)


def _segment_length(flow: Flow, path: Rollout) -> float:
    """Return a `GROWTH`-th of the time in which the fastest state of the path crosses what the path spans, at most
    eight times the spacing of its times."""
    known = path.coords[np.isfinite(path.coords).all(axis=-1)]
    with np.errstate(all="ignore"):
        rates = np.abs(flow.field(known)) / _spread(known)
    fastest = float(np.nanmax(rates, initial=0.0))
    longest = 8 * float(path.t[1] - path.t[0])
    return min(longest, 20.0 / (GROWTH * fastest)) if fastest > 0 else longest


def _spread(states: Array) -> Array:
    """Return a length for each coordinate `(2*dof,)` that differences are measured by, nowhere zero."""
    spread = states.std(axis=0)
    typical = float(spread.max()) or max(1.0, float(np.abs(states).max()))
    sizes: Array = np.maximum(spread, 1e-2 * typical)
    return sizes


def segment_maps(field: Field, states: Array, duration: float, interrupt: Interrupt = None) -> Array:
    """Return ∂x(t + `duration`)/∂x(t) `(K, 2*dof, 2*dof)` of dx/dt = `field`(x) at `states` `(K, 2*dof)`; NaN where the
    field is not finite on the way, and all NaN where `interrupt` ended the work."""
    steps, few = 1, states[np.linspace(0, len(states) - 1, min(TRIED, len(states))).astype(int)]
    size = STEP * _spread(states)
    found = _moved_differences(field, few, size, duration, steps, interrupt)
    while steps < MOST_STEPS:
        steps *= 2
        finer = _moved_differences(field, few, size, duration, steps, interrupt)
        with np.errstate(invalid="ignore"):
            gap = np.abs(finer - found).max(axis=(1, 2)) / np.abs(finer).max(axis=(1, 2))
        found = finer
        if not (gap > ACCURATE).any():
            steps //= 2  # whose own error the gap is
            break
    return _moved_differences(field, states, size, duration, steps, interrupt)


@cache
def _order_eight() -> RungeKutta:
    """Dormand and Prince's method of order 8 with fixed steps."""
    from scipy.integrate._ivp import dop853_coefficients as dop

    rows = tuple(tuple(map(float, dop.A[i, :i])) for i in range(dop.N_STAGES))
    return RungeKutta(rows, tuple(map(float, dop.B)), tuple(map(float, dop.C[: dop.N_STAGES])))


def _moved_differences(
    field: Field, states: Array, size: Array, duration: float, steps: int, interrupt: Interrupt
) -> Array:
    """The maps of `states` `(K, d)` by central differences of `size` `(d,)`, in so many Runge–Kutta steps."""
    count, d = states.shape
    maps = np.full((count, d, d), np.nan)
    group = max(1, LANES // (2 * d))
    moves = np.concatenate([np.diag(size), -np.diag(size)])
    scheme, dt = _order_eight(), duration / steps
    for begin in range(0, count, group):
        some = states[begin : begin + group]
        # By columns: laws read a coordinate of all states at once.
        lanes = np.asfortranarray((some[:, None] + moves).reshape(-1, d))
        with np.errstate(all="ignore"):
            for _ in range(steps):
                lanes = runge_kutta_step(scheme, field, lanes, dt)
                if interrupt is not None and interrupt():
                    return maps
        ahead, behind = np.moveaxis(lanes.reshape(len(some), 2, d, d), 1, 0)
        maps[begin : begin + group] = np.swapaxes((ahead - behind) / (2 * size[:, None]), 1, 2)
    return maps


# What the derivative says ---------------------------------------------------------------------------------------------


def products(maps: Array) -> Array:
    """Return M(t_k) `(K+1, d, d)`, from the identity on, of the `maps` `(K, d, d)` of successive segments."""
    out = np.empty((len(maps) + 1, *maps.shape[1:]))
    out[0] = np.eye(maps.shape[-1])
    for k, one in enumerate(maps):
        out[k + 1] = one @ out[k]
    return out


def volume(maps: Array) -> Array:
    """Return det M(t_k) `(K+1,)`: by how much the flow has changed a volume of phase space, 1 for a Hamiltonian flow.

    The product of the segments' determinants, which stays exact where M itself is far from well-conditioned.
    """
    return np.concatenate([[1.0], np.cumprod(np.linalg.det(maps))])


def symplectic_defect(matrices: Array) -> Array:
    """Return ‖MᵀJM − J‖/‖J‖ `(...)` of `matrices` M `(..., 2*dof, 2*dof)`, in the Frobenius norm: 0 where the map is
    symplectic. Source: Hairer, Lubich & Wanner, VI.2."""
    j = canonical_matrix(matrices.shape[-1] // 2)
    off = np.swapaxes(matrices, -1, -2) @ j @ matrices - j
    return np.asarray(np.linalg.norm(off, axis=(-2, -1)) / np.linalg.norm(j))


def step_map(flow: Flow, start: Array, integrator: str, dt: float) -> Array:
    """Return ∂x′/∂x `(2*dof, 2*dof)` of one step x → x′ of `dt` s by a method of fixed steps, central differences.

    Raises `IntegratorError` where the method does not apply, `TypeError` for one that chooses its steps.
    """
    if get_integrator(integrator).adaptive:
        raise TypeError(f"{integrator} has no steps of a given size")
    size = STEP * np.maximum(1.0, np.abs(start))
    lanes = start + np.concatenate([np.diag(size), -np.diag(size)])
    moved = rollout(flow, lanes, np.array([0.0, dt]), integrator).coords[-1]
    ahead, behind = moved.reshape(2, len(start), len(start))
    return np.asarray(((ahead - behind) / (2 * size[:, None])).T)


# Growth ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class LyapunovSpectrum:
    """All exponents λ₁ ≥ λ₂ ≥ … `(2*dof,)` in 1/s after the whole time, and the estimates `(K, 2*dof)` up to each of
    the times `t` `(K,)`, s, by which their convergence is seen."""

    t: Array
    estimates: Array

    @property
    def exponents(self) -> Array:
        """The exponents in 1/s, the largest first."""
        last: Array = self.estimates[-1]
        return last


def lyapunov_spectrum(tangent: TangentFlow) -> LyapunovSpectrum:
    """Return the Lyapunov exponents along a path: λᵢ = (1/t) Σ_k ln |R_ii(k)|, Q(k+1)R(k+1) = M_k Q(k).

    Of a Hamiltonian flow they come in pairs ±λ, so that their sum is 0; of one with friction it is the mean divergence.
    Source: Benettin, Galgani, Giorgilli & Strelcyn, Meccanica 15, 9 (1980).
    """
    maps, t = _in_groups(tangent)
    d = maps.shape[-1]
    logs, q = np.empty((len(maps), d)), np.eye(d)
    for k, one in enumerate(maps):
        q, r = np.linalg.qr(one @ q)
        logs[k] = np.log(np.abs(np.diag(r)) + 1e-300)
    estimates = np.cumsum(logs, axis=0) / t[:, None]
    return LyapunovSpectrum(t, -np.sort(-estimates, axis=1))


def _in_groups(tangent: TangentFlow) -> tuple[Array, Array]:
    """Return the maps of several segments together `(G, d, d)`, and the times `(G,)` in s at which they end: as many as
    stretch nothing by more than `STRETCH`, so that columns of their product stay apart."""
    maps, size = tangent.maps, 1
    while size * 2 <= MOST_GROUPED and 4 * 2 * size <= len(maps):
        even = len(maps) - len(maps) % 2
        pairs = maps[1:even:2] @ maps[0:even:2]
        if np.linalg.norm(pairs, axis=(1, 2)).max() > STRETCH:
            break
        maps, size = np.concatenate([pairs, maps[even:]]), size * 2
    ends = np.minimum(size * np.arange(1, len(maps) + 1), len(tangent.maps))
    return maps, tangent.t[ends]


def largest_rate(spectrum: LyapunovSpectrum) -> float | None:
    """Return λ₁ in 1/s where motion is chaotic; None where it is not: of regular motion the estimate falls like ln t/t,
    so that over the second half of the time it loses more than a quarter."""
    if len(spectrum.t) < 4:
        return None
    half = len(spectrum.t) // 2
    last, middle = float(spectrum.estimates[-1, 0]), float(spectrum.estimates[half, 0])
    falls = np.log(spectrum.t[-1]) / spectrum.t[-1]
    return last if last > max(0.75 * middle, 2.5 * float(falls)) else None
