"""Any flow followed by any method of the table: by compiled loops where they are loaded, in numpy elsewhere.

A rollout that leaves the finite numbers, or a step that does not converge, is a value (`ended`, `note`), not an
exception.
"""

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.errors import IntegratorError
from hnn_engine.integrators import (
    DIVERGED,
    EVALUATION_LIMIT,
    INTEGRATORS,
    MIDPOINT_ITERATIONS,
    MIDPOINT_TOLERANCE,
    Flow,
    FlowDirection,
    ImplicitMidpoint,
    for_any_flow,
    why_not,
)
from hnn_engine.kernels.cache import loops
from hnn_engine.rollouts.clocked import Clocked, is_timed, with_clock, without_clock
from hnn_engine.rollouts.many_lanes import DormandPrince8, follow_lanes
from hnn_engine.rollouts.steps import Field, Step, step_of

CHUNK = 125  # trajectories a thread follows at a time in numpy: their hidden layers stay in its cache
BATCH, SHARED = 500, 16  # and in a compiled loop, at most; from how many on several threads share them

Interrupt = Callable[[], bool] | None


@dataclass(frozen=True, eq=False)
class Rollout:
    """An integrated trajectory: `t` `(T,)` in s, `coords` `(T, ..., 2*dof)`, NaN from `ended` on.

    `ended` `(...)` is the time in s of the last finite state of what diverged and NaN where all is well; `note` says
    what happened.
    """

    t: Array
    coords: Array
    ended: Array
    note: str = ""

    @property
    def diverged(self) -> bool:
        """Whether any trajectory ended early."""
        return bool(np.isfinite(self.ended).any())


@dataclass(frozen=True, eq=False)
class DirectedFlow:
    """`flow` followed another way: dx/dt = −f back in time, ±∇H up- and downhill."""

    flow: Any
    direction: FlowDirection

    @property
    def why_not_separable(self) -> str:
        """Why methods for H = T(p) + V(q) do not apply; empty where they do."""
        reason: str = self.flow.why_not_separable
        return "a gradient's field has no H" if self._climbs else reason

    @property
    def _climbs(self) -> bool:
        return self.direction in (FlowDirection.UPHILL, FlowDirection.DOWNHILL)

    @property
    def timed(self) -> bool:
        """Whether the flow depends on time."""
        return is_timed(self.flow)

    @property
    def pace(self) -> float:
        """How many seconds of the flow pass in one: time runs back with it."""
        return -1.0 if self.direction == FlowDirection.BACKWARD else 1.0

    def at(self, t: Array) -> "DirectedFlow":
        """Return the same way through a flow that depends on time, at the times t `(...)` in s."""
        return DirectedFlow(self.flow.at(t), self.direction)

    def field(self, coords: Array) -> Array:
        """Return dx/dt `(..., 2*dof)` at `coords` `(..., 2*dof)`: ±f, or ±∇H."""
        if self._climbs:
            gradient: Array = self.flow.gradient(coords)
            return gradient if self.direction == FlowDirection.UPHILL else -gradient
        forward: Array = self.flow.field(coords)
        return forward if self.direction == FlowDirection.FORWARD else -forward


def rollout(
    flow: Flow,
    start: Array,
    times: Array,
    integrator: str = "rk4",
    *,
    substeps: int = 1,
    tolerance: float = 1e-12,
    limit: int = EVALUATION_LIMIT,
    interrupt: Interrupt = None,
) -> Rollout:
    """Follow `flow` from `start` `(..., 2*dof)` to each of the rising `times` `(T,)` in s.

    Fixed-step methods take `substeps` equal steps between successive times; adaptive ones hold `tolerance`
    (relative and absolute) and count a trajectory as lost after `limit` field calls. A flow that depends on time
    (`timed`) is followed from the instant `times[0]` on. `interrupt` is asked now and
    then and ends the work early. Raises `IntegratorError` where the method does not apply, `UnknownNameError`.
    """
    reason = why_not(integrator, flow)
    if reason:
        raise IntegratorError(f"{reason}; choose {for_any_flow()}")
    times = np.asarray(times, dtype=np.float64)
    start = np.asarray(start, dtype=np.float64)
    if is_timed(flow):
        flow, start = Clocked(flow), with_clock(start, times[0])
    if INTEGRATORS[integrator].adaptive:
        coords = _adaptive(flow, start, times, integrator, tolerance, limit, interrupt)
    else:
        coords = _fixed(flow, start, times, integrator, substeps, interrupt)
    if isinstance(flow, Clocked):
        coords = without_clock(coords)
    return trim_diverged(times, coords, integrator)


def trim_diverged(times: Array, coords: Array, integrator: str) -> Rollout:
    """Return the rollout `coords` `(T, ..., 2*dof)` at `times` `(T,)` in s, NaN from where a coordinate exceeds
    `DIVERGED` or is not finite; its note says when that was."""
    with np.errstate(invalid="ignore"):
        good = (np.abs(coords) < DIVERGED).all(axis=-1)
    alive = np.logical_and.accumulate(good, axis=0)
    if alive.all():
        return Rollout(times, coords, np.full(alive.shape[1:], np.nan))
    coords = np.where(alive[..., None], coords, np.nan)
    last = np.maximum(alive.sum(axis=0) - 1, 0)
    ended = np.where(alive.all(axis=0), np.nan, times[last])
    note = f"diverged at t = {float(np.nanmin(ended)):.3g} s"
    if isinstance(INTEGRATORS[integrator].scheme, ImplicitMidpoint):
        limits = f"{MIDPOINT_TOLERANCE:g} in {MIDPOINT_ITERATIONS} rounds"
        note += f" (or the step did not converge to {limits}: try a smaller one)"
    return Rollout(times, coords, ended, note)


# Compiled loops -------------------------------------------------------------------------------------------------------


def compiled_flow(flow: Flow, integrator: str, rows: int = 1) -> Any | None:
    """Return what `kernels.follow` is given to follow `flow` by `integrator`; None where there is no loop (yet).

    Several `rows` of states are laid out coordinate by coordinate and followed as one. It belongs to one rollout: it
    holds memory that the loop writes into. Raises `UnknownNameError`.
    """
    kernels = loops()
    if kernels is None:
        return None
    base: Any = flow.flow if isinstance(flow, Clocked) else flow
    base, direction = (base.flow, base.direction) if isinstance(base, DirectedFlow) else (base, FlowDirection.FORWARD)
    if is_timed(base) and direction in (FlowDirection.UPHILL, FlowDirection.DOWNHILL):
        return None  # along ∇H the loops know no time
    return kernels.compiled_flow(base, integrator, direction, rows)


def is_compiled(flow: Flow, integrator: str) -> bool:
    """Return whether a compiled loop follows `flow` by `integrator`, by now."""
    return compiled_flow(flow, integrator) is not None


def _compiled(
    flow: Flow,
    start: Array,
    times: Array,
    integrator: str,
    substeps: int,
    tolerance: float = 1e-12,
    limit: int = EVALUATION_LIMIT,
    interrupt: Interrupt = None,
) -> Array | None:
    """Follow `flow` from one start by a compiled loop; None where there is none (yet)."""
    kernels, ready = loops(), compiled_flow(flow, integrator)
    if kernels is None or ready is None:
        return None
    coords: Array = kernels.follow(ready, integrator, start, times, substeps, tolerance, limit, interrupt)
    return coords


def _batched(flow: Flow, integrator: str) -> bool:
    """Return whether compiled loops follow several states of `flow` at once."""
    return compiled_flow(flow, integrator, rows=2) is not None


def _compiled_batch(
    flow: Flow, start: Array, times: Array, integrator: str, *asked: Any, **asked_by_name: Any
) -> Array | None:
    """Follow a chunk `(N, 2*dof)` by a compiled loop; None where there is none (yet)."""
    kernels, ready = loops(), compiled_flow(flow, integrator, rows=len(start))
    if kernels is None or ready is None:
        return None
    laid = kernels.follow(ready, integrator, start.T.ravel(), times, *asked, **asked_by_name)
    coords: Array = laid.reshape(len(times), *start.T.shape).swapaxes(1, 2)
    return coords


# Fixed steps ----------------------------------------------------------------------------------------------------------


def _fixed(flow: Flow, start: Array, times: Array, integrator: str, substeps: int, interrupt: Interrupt) -> Array:
    if start.ndim == 1:
        compiled = _compiled(flow, start, times, integrator, substeps, interrupt=interrupt)
        if compiled is not None:
            return compiled
    if start.ndim == 2 and len(start):
        return _in_chunks(flow, start, times, integrator, substeps, interrupt)
    return _in_numpy(flow, start, times, integrator, substeps, interrupt)


def _in_numpy(flow: Flow, start: Array, times: Array, integrator: str, substeps: int, interrupt: Interrupt) -> Array:
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        return _loop(flow.field, step_of(integrator), start, times, substeps, interrupt)


def _loop(field: Field, step: Step, start: Array, times: Array, substeps: int, interrupt: Interrupt) -> Array:
    out = np.full((len(times), *start.shape), np.nan)
    out[0] = coords = start
    for i, dt in enumerate(np.diff(times) / substeps, start=1):
        for _ in range(substeps):
            coords = step(field, coords, float(dt))
        out[i] = coords
        if i % 16 == 0 and (not np.isfinite(coords).any() or (interrupt is not None and interrupt())):
            break
    return out


def _in_chunks(flow: Flow, start: Array, times: Array, integrator: str, substeps: int, interrupt: Interrupt) -> Array:
    """Follow a batch `(N, 2*dof)` in chunks on all processors; compiled loops and products hold no lock."""

    def follow(chunk: Array) -> Array:
        batch = _compiled_batch(flow, chunk, times, integrator, substeps, interrupt=interrupt)
        if batch is None:
            return _in_numpy(flow, chunk, times, integrator, substeps, interrupt)
        if np.isnan(batch[-1]).any() and not (interrupt is not None and interrupt()):
            _go_on_alone(flow, batch, times, integrator, substeps, interrupt)
        return batch

    most, shared = (BATCH, SHARED) if _batched(flow, integrator) else (CHUNK, CHUNK)
    return np.concatenate(in_threads(follow, parts(start, most, shared)), axis=1)


def _go_on_alone(flow: Flow, batch: Array, times: Array, integrator: str, substeps: int, interrupt: Interrupt) -> None:
    """Follow each of a batch `(T, N, 2*dof)` by itself from where one of them has left the finite numbers: that ends
    fixed steps for all."""
    last = max(int(np.isfinite(batch).all(axis=(1, 2)).sum()) - 1, 0)
    for i, at in enumerate(batch[last]):
        alone = _compiled(flow, at, times[last:], integrator, substeps, interrupt=interrupt)
        assert alone is not None
        batch[last:, i] = alone


def parts(start: Array, most: int, shared: int) -> list[Array]:
    """Return a batch in chunks of at most so many; from `shared` on as many for each processor, or all would wait for
    the one that has the odd chunk."""
    processors = os.cpu_count() or 1
    count = processors * math.ceil(len(start) / (most * processors)) if len(start) > shared else 1
    return np.array_split(start, min(count, len(start)))


def in_threads(work: Callable[[Array], Array], parts: Sequence[Array]) -> list[Array]:
    """Return what `work` makes of each of the parts, on all processors where there are several."""
    if len(parts) == 1:
        return [work(parts[0])]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(max_workers=min(os.cpu_count() or 1, len(parts))) as pool:
        return list(pool.map(work, parts))


# Adaptive steps -------------------------------------------------------------------------------------------------------


def _adaptive(
    flow: Flow, start: Array, times: Array, integrator: str, tolerance: float, limit: int, interrupt: Interrupt
) -> Array:
    """Follow each trajectory with steps of its own: what one needs says nothing about the others."""
    flat = start.reshape(-1, start.shape[-1])

    def alone(one: Array) -> Array:
        compiled = _compiled(flow, one, times, integrator, 1, tolerance, limit, interrupt)
        return compiled if compiled is not None else _dop853(flow.field, one, times, tolerance, limit, interrupt)

    def together(chunk: Array) -> Array:
        batch = _compiled_batch(flow, chunk, times, integrator, 1, tolerance, limit, interrupt)
        return batch if batch is not None else np.stack([alone(one) for one in chunk], axis=1)

    if len(flat) > 1 and _batched(flow, integrator):
        coords = np.concatenate(in_threads(together, parts(flat, BATCH, shared=1)), axis=1)
    elif len(flat) > 1 and compiled_flow(flow, integrator) is None:
        # One batch: numpy's small calls hold the interpreter lock, and threads would only be in each other's way.
        method = DormandPrince8()
        coords = np.concatenate(
            [
                follow_lanes(flow.field, chunk, times, method, tolerance, tolerance, limit, interrupt)
                for chunk in parts(flat, CHUNK, CHUNK)
            ],
            axis=1,
        )
    else:
        trajectories = in_threads(alone, list(flat))
        coords = np.stack(trajectories, axis=1)
    return coords.reshape(len(times), *start.shape)


def _dop853(field: Field, start: Array, times: Array, tolerance: float, limit: int, interrupt: Interrupt) -> Array:
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
