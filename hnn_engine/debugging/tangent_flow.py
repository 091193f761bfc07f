"""The derivative of a flow: how it carries small differences, volumes and the symplectic form, and how fast they grow.

M(t) = ∂x(t)/∂x(0), `(2*dof, 2*dof)`, obeys dM/dt = A(t) M with A = ∂f/∂x along the path, and M(t₂) = M(t₁→t₂)·M(t₁).
So the path itself is followed once, and the maps of all its short segments are found together, as one batch.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hnn_engine.coords import Array, Index, canonical_matrix
from hnn_engine.debugging.magnus import NODES, magnus_steps
from hnn_engine.integrators import EVALUATION_LIMIT, Flow, get_integrator
from hnn_engine.kernels.cache import loops
from hnn_engine.rollouts.rollout import Rollout, compiled_flow, rollout
from hnn_engine.rollouts.steps import Field
from hnn_engine.snapshot import Snapshot

STEP = 1e-5  # of central differences, of how far each coordinate moves along the path
LANES, LANES_OF_NETWORKS = 4096, 512  # states whose field is computed together, so that they stay in the cache
STEPS = 4096  # of the variational equation that are computed together
PATH_TOLERANCE, GROWTH_TOLERANCE = 1e-10, 2e-7  # of the path along which a flow is differentiated, and for exponents
FIRST_RADIANS, COARSE = 100.0, 128  # of the path, and states there, by which scales and segments are chosen
TURN = 0.5  # of a step: by how much of a radian the fastest part of a typical A turns
FEWEST_STEPS, MOST_STEPS = 4, 256  # of a segment
ACCURATE = 1e-4  # gap between the orders of a segment's steps, above which they are halved; the error is far less
FEW = 8  # a part of the segments, up to which they are followed each by itself instead of the whole path
STRETCH, MOST_GROUPED = 1e4, 64  # of the maps that are taken together before they are orthonormalised

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
    flow: Flow,
    start: Array,
    horizon: float,
    *,
    segment: float | None = None,
    tolerance: float = PATH_TOLERANCE,
    interrupt: Interrupt = None,
) -> TangentFlow:
    """Return the derivative of `flow` along its path from `start` `(2*dof,)` over `horizon` s.

    The path by DOP853 at `tolerance`; `GROWTH_TOLERANCE` is enough for exponents, which are means. A by central
    differences (from that tolerance on, of a law, by forward ones); steps of a Magnus series of order 6: in a compiled
    loop those of the path, in numpy equal ones that are halved within a segment until they are `ACCURATE`. `segment`
    is its length in s; by default that of some radians of the fastest part of the motion. Where `interrupt` ends the
    work, it goes no further, or maps are NaN.
    """
    field = many_at_once(flow)
    scale, rate = _scales(field, _first_states(flow, field, start, horizon, interrupt))
    step = min(TURN / rate if rate > 0 else math.inf, horizon / FEWEST_STEPS)
    count = max(1, math.ceil(horizon / (FEWEST_STEPS * step if segment is None else segment)))
    t = np.linspace(0.0, horizon, count + 1)
    compiled = _compiled(flow, start, t, scale, tolerance, interrupt)
    if compiled is not None:
        return compiled
    return _in_numpy(flow, field, start, t, min(max(1, math.ceil(t[1] / step)), MOST_STEPS), scale, interrupt)


def _compiled(
    flow: Flow, start: Array, t: Array, scale: Array, tolerance: float, interrupt: Interrupt
) -> TangentFlow | None:
    """Follow path and maps by the compiled loop; None where there is none (yet)."""
    kernels, alone = loops(), compiled_flow(flow, "dop853")
    if kernels is None or alone is None:
        return None
    block = compiled_flow(flow, "dop853", rows=2 * len(start)) if alone.learned else alone
    if block is None:
        return None
    flows, central, limit = (alone, block), tolerance < GROWTH_TOLERANCE, max(EVALUATION_LIMIT, 1000 * len(t))
    path, maps = kernels.follow_tangents(*flows, start, t, scale, central, tolerance, limit, interrupt)
    going = np.isfinite(path).all(axis=-1)
    good = len(t) if going.all() else int(going.argmin())
    ended = math.nan if good == len(t) else float(t[good - 1])
    return TangentFlow(t[:good], path[:good], maps[: good - 1] * (scale[:, None] / scale), ended)


def _in_numpy(
    flow: Flow, field: Field, start: Array, t: Array, steps: int, scale: Array, interrupt: Interrupt
) -> TangentFlow:
    """The same without compiled loops, all segments at once, in so many equal steps each at first."""
    d, count, duration = len(start), len(t) - 1, float(t[1])
    within = np.concatenate([[0.0], _node_times(duration, steps)])
    path = _path(flow, start, np.append((t[:-1, None] + within).ravel(), t[-1]), interrupt)
    states = path.coords[:: len(within)]
    nodes = path.coords[:-1].reshape(count, len(within), d)[:, 1:]
    good = np.isfinite(states[1:]).all(axis=-1) & np.isfinite(nodes).all(axis=(1, 2))
    whole = count if good.all() else int(good.argmin())
    maps, todo, nodes = np.full((whole, d, d), np.nan), np.arange(whole), nodes[:whole]
    while len(todo):
        maps[todo], gaps = _segment_maps(field, nodes, duration, scale, interrupt)
        todo, steps = todo[gaps > ACCURATE], 2 * steps
        if steps > MOST_STEPS or not len(todo) or (interrupt is not None and interrupt()):
            break
        nodes = _nodes_again(flow, t, states, todo, _node_times(duration, steps), interrupt)
    return TangentFlow(t[: whole + 1], states[: whole + 1], maps, float(path.ended))


def _first_states(flow: Flow, field: Field, start: Array, horizon: float, interrupt: Interrupt) -> Array:
    """Return states of the beginning of the path, `(n, 2*dof)`: of some hundred radians of it."""
    _, rate = _scales(field, np.atleast_2d(start))
    seconds = min(horizon, FIRST_RADIANS / rate) if rate > 0 else horizon
    coords = _path(flow, start, np.linspace(0.0, seconds, COARSE + 1), interrupt).coords
    return coords[np.isfinite(coords).all(axis=-1)]


def many_at_once(flow: Flow) -> Field:
    """Return the field of `flow` at many states `(N, 2*dof)`, by a compiled loop where there is one (yet)."""
    if isinstance(flow, Snapshot):
        return lambda coords: _in_parts(flow.many, coords, LANES_OF_NETWORKS)
    kernels, ready = loops(), compiled_flow(flow, "dop853")
    if kernels is not None and ready is not None:
        return lambda coords: np.asarray(kernels.evaluate(ready, coords))
    # By columns: laws read a coordinate of all states at once.
    return lambda coords: _in_parts(lambda part: flow.field(np.asfortranarray(part)), coords, LANES)


def _in_parts(field: Field, coords: Array, most: int) -> Array:
    parts = [field(coords[begin : begin + most]) for begin in range(0, len(coords), most)]
    return np.concatenate(parts) if parts else np.empty_like(coords)


def _path(flow: Flow, start: Array, times: Array, interrupt: Interrupt) -> Rollout:
    limit = max(EVALUATION_LIMIT, 1000 * len(times))
    return rollout(flow, start, times, "dop853", tolerance=PATH_TOLERANCE, limit=limit, interrupt=interrupt)


def _node_times(duration: float, steps: int) -> Array:
    """The nodes of so many equal steps, `(3·steps,)` in s from the beginning of a segment."""
    return np.asarray((np.arange(steps)[:, None] + NODES).ravel() * (duration / steps))


def _nodes_again(flow: Flow, t: Array, states: Array, which: Index, within: Array, interrupt: Interrupt) -> Array:
    """Return the path at the times `within` `(n,)` s of the segments `which` `(m,)`, `(m, n, 2*dof)`."""
    if len(which) * FEW > len(states):
        times = np.concatenate([[0.0], (t[which, None] + within).ravel()])
        return _path(flow, states[0], times, interrupt).coords[1:].reshape(len(which), len(within), -1)
    moved = _path(flow, states[which], np.concatenate([[0.0], within]), interrupt).coords
    return np.moveaxis(moved[1:], 0, 1)


def _scales(field: Field, states: Array) -> tuple[Array, float]:
    """Return how far each coordinate moves `(2*dof,)`, nowhere zero, and the rate in 1/s of the fastest part of A at a
    typical one of `states` `(N, 2*dof)`: the modulus of its largest eigenvalue."""
    spread = _filled(states.std(axis=0), states)
    slopes = _slopes(field, states, spread)
    with np.errstate(all="ignore"):
        slopes = slopes[np.isfinite(slopes).all(axis=(1, 2))]
        rates = np.abs(np.linalg.eigvals(slopes)).max(axis=-1) if len(slopes) else np.zeros(1)
        rate = float(np.median(rates))
        # An angle that turns over and over moves no further than what it does in the time of an oscillation.
        speed = np.sqrt(np.nanmean(np.square(field(states)), axis=0))
        near = np.where(np.isfinite(speed), speed / rate, spread) if rate > 0 else spread
    return _filled(np.minimum(spread, near), states), rate


def _filled(sizes: Array, states: Array) -> Array:
    """Return `sizes` `(2*dof,)` of positions and momenta, none under a hundredth of the largest one of its kind."""
    out, dof = sizes.copy(), len(sizes) // 2
    for half in (slice(0, dof), slice(dof, None)):
        largest = float(out[half].max())
        if not largest > 0:
            largest = float(sizes.max()) or max(1.0, float(np.abs(states).max()))
        out[half] = np.maximum(out[half], 1e-2 * largest)
    return out


def _slopes(field: Field, states: Array, scale: Array) -> Array:
    """Return ∂f/∂x `(N, d, d)` in 1/s at `states` `(N, d)` by central differences, each coordinate in units of its
    `scale` `(d,)`."""
    count, d = states.shape
    moves = STEP * np.concatenate([np.diag(scale), -np.diag(scale)])
    with np.errstate(all="ignore"):
        there = field((states[:, None] + moves).reshape(-1, d)).reshape(count, 2, d, d)
        found: Array = np.swapaxes((there[:, 0] - there[:, 1]) / (2 * STEP * scale), 1, 2)
    return found


def _segment_maps(
    field: Field, nodes: Array, duration: float, scale: Array, interrupt: Interrupt
) -> tuple[Array, Array]:
    """Return ∂x(t + `duration`)/∂x(t) `(K, d, d)` of segments with the path at their `nodes` `(K, 3·steps, d)`, and the
    gaps between the orders of their steps `(K,)`; NaN where the field is not finite."""
    count, d, steps = len(nodes), nodes.shape[-1], nodes.shape[1] // len(NODES)
    maps, gaps = np.full((count, d, d), np.nan), np.zeros(count)
    group = max(1, min(STEPS // steps, LANES * 4 // (2 * d * nodes.shape[1])))
    for begin in range(0, count, group):
        some = nodes[begin : begin + group]
        slopes = _slopes(field, some.reshape(-1, d), scale).reshape(-1, len(NODES), d, d)
        with np.errstate(all="ignore"):
            moved, gap = magnus_steps(slopes, duration / steps)
            moved = moved.reshape(len(some), steps, d, d)
            total = moved[:, 0]
            for k in range(1, steps):
                total = moved[:, k] @ total
            maps[begin : begin + group] = total * (scale[:, None] / scale)
        gaps[begin : begin + group] = gap.reshape(len(some), steps).sum(axis=1)
        if interrupt is not None and interrupt():
            break
    return maps, gaps


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
    from scipy.linalg.lapack import dgeqrf, dorgqr  # numpy's own call takes ten times as long as the matrix does

    maps, t = _in_groups(tangent)
    d = maps.shape[-1]
    stretched, q = np.empty((len(maps), d)), np.eye(d)
    for k, one in enumerate(maps):
        reflected, tau, _, _ = dgeqrf(one @ q)
        stretched[k] = reflected.diagonal()
        q, _, _ = dorgqr(reflected, tau)
    logs = np.log(np.abs(stretched) + 1e-300)
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
