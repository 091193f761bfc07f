"""Integrators: a table of what each method is, and one loop that follows any vector field with any of them.

A method is never silently replaced by another: what does not apply is refused with its reason. A rollout that
leaves the finite numbers, or a step that does not converge, is a value (`ended`, `note`), not an exception.
"""

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Protocol, runtime_checkable

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.errors import IntegratorError, UnknownNameError
from hnn_engine.kernels.cache import loops

DIVERGED = 1e6  # a coordinate beyond this has left every system here
MIDPOINT_TOLERANCE = 1e-12  # change of the fixed-point iteration, relative to max(1, |x|)
MIDPOINT_ITERATIONS = 60
EVALUATION_LIMIT = 400_000  # field calls of one adaptive trajectory before it counts as lost
CHUNK = 125  # trajectories a thread follows at a time in numpy: their hidden layers stay in its cache
CROWD, SHARED = 500, 16  # and in a compiled loop, at most; from how many on several threads share them


@dataclass(frozen=True)
class IntegratorInfo:
    """What a method is: its order, whether its map is symplectic for Hamiltonian fields, and what it needs."""

    name: str
    title: str
    order: int
    symplectic: bool
    needs_separable: bool
    adaptive: bool
    summary: str


INTEGRATORS: dict[str, IntegratorInfo] = {
    info.name: info
    for info in (
        IntegratorInfo(
            "rk4", "Runge–Kutta 4", 4, False, False, False, "The classical method; accurate, drifts slowly."
        ),
        IntegratorInfo(
            "stormer-verlet", "Störmer–Verlet", 2, True, True, False, "Kick, drift, kick; needs H = T(p) + V(q)."
        ),
        IntegratorInfo(
            "yoshida4", "Yoshida 4", 4, True, True, False, "Three Störmer–Verlet steps; needs H = T(p) + V(q)."
        ),
        IntegratorInfo(
            "implicit-midpoint",
            "Implicit midpoint",
            2,
            True,
            False,
            False,
            f"Symplectic for every H; iterated to {MIDPOINT_TOLERANCE:g} in at most {MIDPOINT_ITERATIONS} rounds.",
        ),
        IntegratorInfo(
            "dop853", "Dormand–Prince 8(5,3)", 8, False, False, True, "Adaptive; at 10⁻¹² it is the truth on screen."
        ),
    )
}


class FlowDirection(IntEnum):
    """Which way a flow is followed: as it is, back in time, or along its energy's gradient, up or down."""

    FORWARD = 0
    BACKWARD = 1
    UPHILL = 2
    DOWNHILL = 3


class Flow(Protocol):
    """A vector field that integrators can follow: a system or a snapshot."""

    @property
    def why_not_separable(self) -> str:
        """Why methods for H = T(p) + V(q) do not apply; empty where they do."""

    def field(self, coords: Array) -> Array:
        """Return d(coords)/dt, `(..., 2*dof)`."""


@runtime_checkable
class CompiledFlow(Protocol):
    """A flow that compiled loops can follow."""

    def compiled(self, integrator: str, direction: FlowDirection = FlowDirection.FORWARD, rows: int = 1) -> Any | None:
        """Return what `kernels.follow` is given to follow this flow by `integrator`; None where there is no loop (yet).

        Several `rows` of states are laid out coordinate by coordinate and followed as one. It belongs to one rollout:
        it holds memory that the loop writes into.
        """


@dataclass(frozen=True, eq=False)
class Rollout:
    """An integrated trajectory: `t` `(T,)`, `coords` `(T, ..., 2*dof)`, NaN from `ended` on.

    `ended` `(...)` is the time of the last finite state of what diverged and NaN where all is well; `note` says what
    happened.
    """

    t: Array
    coords: Array
    ended: Array
    note: str = ""

    @property
    def diverged(self) -> bool:
        """Whether any trajectory ended early."""
        return bool(np.isfinite(self.ended).any())


def get_integrator(name: str) -> IntegratorInfo:
    """Return the description of `name`; raise `UnknownNameError`."""
    if name not in INTEGRATORS:
        raise UnknownNameError("integrator", name, INTEGRATORS)
    return INTEGRATORS[name]


def why_not(name: str, flow: Flow) -> str:
    """Return why integrator `name` does not apply to `flow`, or an empty string where it does."""
    info = get_integrator(name)
    if info.needs_separable and flow.why_not_separable:
        return f"{info.title} needs H = T(p) + V(q), and {flow.why_not_separable}"
    return ""


def rollout(
    flow: Flow,
    start: Array,
    times: Array,
    integrator: str = "rk4",
    *,
    substeps: int = 1,
    tolerance: float = 1e-12,
    limit: int = EVALUATION_LIMIT,
    interrupt: Callable[[], bool] | None = None,
) -> Rollout:
    """Follow `flow` from `start` `(..., 2*dof)` to each of the rising `times` `(T,)`.

    Fixed-step methods take `substeps` equal steps between successive times; adaptive ones hold `tolerance`
    (relative and absolute) and count a trajectory as lost after `limit` field calls. `interrupt` is asked now and
    then and ends the work early. Raises `IntegratorError` where the method does not apply.
    """
    reason = why_not(integrator, flow)
    if reason:
        raise IntegratorError(f"{reason}; choose rk4, implicit-midpoint or dop853")
    times = np.asarray(times, dtype=np.float64)
    start = np.asarray(start, dtype=np.float64)
    if INTEGRATORS[integrator].adaptive:
        coords = _adaptive(flow, start, times, tolerance, limit, interrupt)
    else:
        coords = _fixed(flow, start, times, integrator, substeps, interrupt)
    return _judge(times, coords, integrator)


def _judge(times: Array, coords: Array, integrator: str) -> Rollout:
    """Cut what left the finite numbers and say when it did."""
    with np.errstate(invalid="ignore"):
        good = (np.abs(coords) < DIVERGED).all(axis=-1)
    alive = np.logical_and.accumulate(good, axis=0)
    if alive.all():
        return Rollout(times, coords, np.full(alive.shape[1:], np.nan))
    coords = np.where(alive[..., None], coords, np.nan)
    last = np.maximum(alive.sum(axis=0) - 1, 0)
    ended = np.where(alive.all(axis=0), np.nan, times[last])
    note = f"diverged at t = {float(np.nanmin(ended)):.3g} s"
    if integrator == "implicit-midpoint":
        limits = f"{MIDPOINT_TOLERANCE:g} in {MIDPOINT_ITERATIONS} rounds"
        note += f" (or the step did not converge to {limits}: try a smaller one)"
    return Rollout(times, coords, ended, note)


def _compiled(
    flow: Flow,
    start: Array,
    times: Array,
    integrator: str,
    substeps: int,
    tolerance: float = 1e-12,
    limit: int = EVALUATION_LIMIT,
    interrupt: Callable[[], bool] | None = None,
) -> Array | None:
    """Follow `flow` from one start by a compiled loop; None where there is none (yet)."""
    kernels = loops()
    ready = flow.compiled(integrator) if kernels is not None and isinstance(flow, CompiledFlow) else None
    if kernels is None or ready is None:
        return None
    coords: Array = kernels.follow(ready, integrator, start, times, substeps, tolerance, limit, interrupt)
    return coords


# Fixed steps ---------------------------------------------------------------------------------------------------------

Step = Callable[[Callable[[Array], Array], Array, float], Array]


def rk4_step(field: Callable[[Array], Array], coords: Array, dt: float) -> Array:
    """Advance `coords` by one step of the classical Runge–Kutta method, order 4. Source: Kutta 1901."""
    k1 = field(coords)
    k2 = field(coords + (dt / 2) * k1)
    k3 = field(coords + (dt / 2) * k2)
    k4 = field(coords + dt * k3)
    k2 += k3
    k2 *= 2.0
    k2 += k1
    k2 += k4
    k2 *= dt / 6
    k2 += coords
    return k2


def stormer_verlet_step(field: Callable[[Array], Array], coords: Array, dt: float) -> Array:
    """Advance by one Störmer–Verlet step. p½ = p − dt/2 ∂V/∂q; q′ = q + dt ∂T/∂p½; p′ = p½ − dt/2 ∂V/∂q′.

    Order 2, symplectic, needs H = T(p) + V(q). Source: Hairer, Lubich & Wanner, I.1.4.
    """
    dof = coords.shape[-1] // 2
    out = coords.copy()
    out[..., dof:] += (dt / 2) * field(out)[..., dof:]
    out[..., :dof] += dt * field(out)[..., :dof]
    out[..., dof:] += (dt / 2) * field(out)[..., dof:]
    return out


_OUTER = 1.0 / (2.0 - 2.0 ** (1.0 / 3.0))
YOSHIDA = (_OUTER, 1.0 - 2.0 * _OUTER, _OUTER)


def yoshida4_step(field: Callable[[Array], Array], coords: Array, dt: float) -> Array:
    """Advance by three Störmer–Verlet steps of 1.351, −1.702, 1.351 dt; order 4, symplectic. Source: Yoshida 1990."""
    for weight in YOSHIDA:
        coords = stormer_verlet_step(field, coords, weight * dt)
    return coords


def implicit_midpoint_step(field: Callable[[Array], Array], coords: Array, dt: float) -> Array:
    """Advance by x′ = x + dt f((x + x′)/2), order 2, symplectic for every H; NaN where the iteration does not converge.

    Fixed-point iteration from an explicit guess, to `MIDPOINT_TOLERANCE` relative to max(1, |x|), at most
    `MIDPOINT_ITERATIONS` rounds. Source: Hairer, Lubich & Wanner, II.1.3.
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


STEPS: dict[str, Step] = {
    "rk4": rk4_step,
    "stormer-verlet": stormer_verlet_step,
    "yoshida4": yoshida4_step,
    "implicit-midpoint": implicit_midpoint_step,
}


def _fixed(
    flow: Flow, start: Array, times: Array, integrator: str, substeps: int, interrupt: Callable[[], bool] | None
) -> Array:
    if start.ndim == 1:
        compiled = _compiled(flow, start, times, integrator, substeps, interrupt=interrupt)
        if compiled is not None:
            return compiled
    if start.ndim == 2 and len(start):
        return _in_chunks(flow, start, times, integrator, substeps, interrupt)
    return _in_numpy(flow, start, times, integrator, substeps, interrupt)


def _in_numpy(
    flow: Flow, start: Array, times: Array, integrator: str, substeps: int, interrupt: Callable[[], bool] | None
) -> Array:
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        return _loop(flow.field, STEPS[integrator], start, times, substeps, interrupt)


def _loop(
    field: Callable[[Array], Array],
    step: Step,
    start: Array,
    times: Array,
    substeps: int,
    interrupt: Callable[[], bool] | None,
) -> Array:
    out = np.full((len(times), *start.shape), np.nan)
    out[0] = coords = start
    for i, dt in enumerate(np.diff(times) / substeps, start=1):
        for _ in range(substeps):
            coords = step(field, coords, float(dt))
        out[i] = coords
        if i % 16 == 0 and (not np.isfinite(coords).any() or (interrupt is not None and interrupt())):
            break
    return out


def _in_chunks(
    flow: Flow, start: Array, times: Array, integrator: str, substeps: int, interrupt: Callable[[], bool] | None
) -> Array:
    """Follow a batch `(N, 2*dof)` in chunks on all processors; compiled loops and products hold no lock."""

    def follow(chunk: Array) -> Array:
        crowd = _crowd(flow, chunk, times, integrator, substeps, interrupt=interrupt)
        if crowd is None:
            return _in_numpy(flow, chunk, times, integrator, substeps, interrupt)
        if np.isnan(crowd[-1]).any() and not (interrupt is not None and interrupt()):
            _go_on_alone(flow, crowd, times, integrator, substeps, interrupt)
        return crowd

    most, shared = (CROWD, SHARED) if _crowds(flow, integrator) else (CHUNK, CHUNK)
    return np.concatenate(_in_threads(follow, _parts(start, most, shared)), axis=1)


def _go_on_alone(
    flow: Flow, crowd: Array, times: Array, integrator: str, substeps: int, interrupt: Callable[[], bool] | None
) -> None:
    """Follow each of a crowd `(T, N, 2*dof)` by itself from where one of them has left the finite numbers: that ends
    fixed steps for all."""
    last = max(int(np.isfinite(crowd).all(axis=(1, 2)).sum()) - 1, 0)
    for i, at in enumerate(crowd[last]):
        alone = _compiled(flow, at, times[last:], integrator, substeps, interrupt=interrupt)
        assert alone is not None
        crowd[last:, i] = alone


def _parts(start: Array, most: int, shared: int) -> list[Array]:
    """Return a batch in chunks of at most so many; from `shared` on as many for each processor, or all would wait for
    the one that has the odd chunk."""
    processors = os.cpu_count() or 1
    count = processors * math.ceil(len(start) / (most * processors)) if len(start) > shared else 1
    return np.array_split(start, min(count, len(start)))


def _in_threads(work: Callable[[Array], Array], parts: Sequence[Array]) -> list[Array]:
    """Return what `work` makes of each of the parts, on all processors where there are several."""
    if len(parts) == 1:
        return [work(parts[0])]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(max_workers=min(os.cpu_count() or 1, len(parts))) as pool:
        return list(pool.map(work, parts))


def _crowds(flow: Flow, integrator: str) -> bool:
    """Return whether compiled loops follow several states of `flow` at once."""
    return loops() is not None and isinstance(flow, CompiledFlow) and flow.compiled(integrator, rows=2) is not None


def _crowd(flow: Flow, start: Array, times: Array, integrator: str, *asked: Any, **asked_by_name: Any) -> Array | None:
    """Follow a chunk `(N, 2*dof)` by a compiled loop; None where there is none (yet)."""
    kernels = loops()
    if kernels is None or not isinstance(flow, CompiledFlow):
        return None
    ready = flow.compiled(integrator, rows=len(start))
    if ready is None:
        return None
    laid = kernels.follow(ready, integrator, start.T.ravel(), times, *asked, **asked_by_name)
    coords: Array = laid.reshape(len(times), *start.T.shape).swapaxes(1, 2)
    return coords


# Adaptive steps ------------------------------------------------------------------------------------------------------


def _adaptive(
    flow: Flow, start: Array, times: Array, tolerance: float, limit: int, interrupt: Callable[[], bool] | None
) -> Array:
    """Follow each trajectory with steps of its own: what one needs says nothing about the others."""
    flat = start.reshape(-1, start.shape[-1])

    def alone(one: Array) -> Array:
        compiled = _compiled(flow, one, times, "dop853", 1, tolerance, limit, interrupt)
        return compiled if compiled is not None else _dop853(flow.field, one, times, tolerance, limit, interrupt)

    def together(chunk: Array) -> Array:
        crowd = _crowd(flow, chunk, times, "dop853", 1, tolerance, limit, interrupt)
        return crowd if crowd is not None else np.stack([alone(one) for one in chunk], axis=1)

    if len(flat) > 1 and _crowds(flow, "dop853"):
        coords = np.concatenate(_in_threads(together, _parts(flat, CROWD, shared=1)), axis=1)
    else:
        # scipy's loop holds the interpreter lock: threads would only be in each other's way.
        tracks = _in_threads(alone, list(flat)) if loops() is not None else [alone(one) for one in flat]
        coords = np.stack(tracks, axis=1)
    return coords.reshape(len(times), *start.shape)


def _dop853(
    field: Callable[[Array], Array],
    start: Array,
    times: Array,
    tolerance: float,
    limit: int,
    interrupt: Callable[[], bool] | None,
) -> Array:
    from scipy.integrate import DOP853

    out = np.full((len(times), len(start)), np.nan)
    out[0] = start
    if len(times) < 2:
        return out
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        solver = DOP853(lambda _, x: field(x), times[0], start, times[-1], rtol=max(tolerance, 1e-13), atol=tolerance)
        done = 1
        while done < len(times):
            failure = solver.step()
            lost = not np.abs(solver.y).max() < DIVERGED or solver.nfev > limit
            if lost or failure is not None or (interrupt is not None and interrupt()):
                break
            until = int(np.searchsorted(times, solver.t, side="right"))
            if until > done:
                out[done:until] = solver.dense_output()(times[done:until]).T
                done = until
            if solver.status != "running":
                break
    return out
