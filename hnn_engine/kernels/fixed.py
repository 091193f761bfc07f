"""Fixed steps from one start: the methods of `integrators` by their coefficients, compiled for every flow."""

from functools import lru_cache
from typing import Any

import numpy as np
from numba import types

from hnn_engine.coords import Array
from hnn_engine.integrators import (
    DIVERGED,
    MIDPOINT_ITERATIONS,
    MIDPOINT_TOLERANCE,
    ImplicitMidpoint,
    RungeKutta,
    Splitting,
)
from hnn_engine.kernels.flow import FLOW, Flow, flow_at
from hnn_engine.kernels.jit import MATRIX, VECTOR, jit, jit_for

RUNGE_KUTTA, SPLITTING, MIDPOINT, FIELD = range(4)  # the last is no method: the field is given where one stands


@lru_cache(maxsize=256)
def coefficients(scheme: object) -> tuple[int, Array] | None:
    """Return the kind of a scheme and its coefficients as the loop reads them; None where it has no fixed steps here.

    Of a Runge–Kutta method of s stages A and, as the last row, b, `(s + 1, s)`; of a splitting kicks and drifts,
    `(parts, 2)`; of the implicit midpoint rule nothing.
    """
    if isinstance(scheme, RungeKutta):
        table = np.zeros((len(scheme.b) + 1, len(scheme.b)))
        for i, row in enumerate((*scheme.a, scheme.b)):
            table[i, : len(row)] = row
        return RUNGE_KUTTA, table
    if isinstance(scheme, Splitting):
        return SPLITTING, np.column_stack([scheme.kicks, scheme.drifts])
    return (MIDPOINT, np.zeros((1, 1))) if isinstance(scheme, ImplicitMidpoint) else None


@jit
def largest(x: Any) -> float:
    """Return the largest |xᵢ| of x `(n,)`; NaN where there is one."""
    big = 0.0
    for i in range(x.size):
        a = abs(x[i])
        if a > big or a != a:  # NaN, once met, stays
            big = a
    return big


@jit
def shifted(x: Any, h: float, k: Any, out: Any) -> None:
    """out <- x + h k, `(n,)` each."""
    for i in range(x.size):
        out[i] = x[i] + h * k[i]


@jit
def _moved(x: Any, dt: float, table: Any, row: int, count: int, k: Any, out: Any) -> None:
    """out <- x + dt Σ aⱼ kⱼ over the first `count` rows of k, a being a row of the table; its first zeros cost nothing.

    Rows are not cut out as arrays of their own: at two or four coordinates that would take as long as the sum.
    """
    first = 0
    while first < count - 1 and table[row, first] == 0.0:
        first += 1
    for i in range(x.size):
        total = table[row, first] * k[first, i]
        for j in range(first + 1, count):
            total += table[row, j] * k[j, i]
        out[i] = x[i] + dt * total


@jit
def _runge_kutta_step(x: Any, dt: float, table: Any, flow: Any, k: Any, spare: Any) -> None:
    """kᵢ = f(x + dt Σⱼ aᵢⱼ kⱼ); x <- x + dt Σᵢ bᵢ kᵢ."""
    stages = table.shape[1]
    for stage in range(stages):
        if stage > 0:
            _moved(x, dt, table, stage, stage, k, spare)
        flow_at(spare if stage > 0 else x, flow, k[stage])
    _moved(x, dt, table, stages, stages, k, x)


@jit
def _splitting_step(x: Any, dt: float, table: Any, flow: Any, k: Any) -> None:
    """p <- p − kickᵢ dt ∂V/∂q and q <- q + driftᵢ dt ∂T/∂p in turn."""
    dof = x.size // 2
    for part in range(table.shape[0]):
        for which in range(2):
            share = dt * table[part, which]
            if share != 0.0:
                flow_at(x, flow, k[0])
                first = dof if which == 0 else 0
                for i in range(first, first + dof):
                    x[i] += share * k[0, i]


@jit
def _midpoint_step(x: Any, dt: float, flow: Any, k: Any, spare: Any) -> bool:
    """Return whether the iteration has converged."""
    limit = MIDPOINT_TOLERANCE * max(1.0, largest(x))
    middle, change = spare, np.inf
    shifted(x, 0.0, x, middle)
    for iteration in range(MIDPOINT_ITERATIONS + 1):
        flow_at(middle, flow, k[0])
        change = 0.0
        for i in range(x.size):
            new = x[i] + 0.5 * dt * k[0, i]
            moved = abs(new - middle[i])
            if moved > change or moved != moved:
                change = moved
            middle[i] = new
        if iteration > 0 and change <= limit:
            break
    for i in range(x.size):
        x[i] = 2.0 * middle[i] - x[i]
    return change <= limit


@jit
def _step(x: Any, dt: float, kind: int, table: Any, flow: Any, k: Any, spare: Any) -> bool:
    """Advance x by dt; return whether that could be done."""
    if kind == MIDPOINT:
        return _midpoint_step(x, dt, flow, k, spare)
    if kind == RUNGE_KUTTA:
        _runge_kutta_step(x, dt, table, flow, k, spare)
    else:
        _splitting_step(x, dt, table, flow, k)
    return True


@jit_for(types.void(FLOW, VECTOR, VECTOR, types.int64, types.int64, MATRIX, MATRIX, MATRIX))
def _follow(flow: Any, x: Any, times: Any, substeps: int, kind: int, table: Any, out: Any, k: Any) -> None:
    if kind == FIELD:
        for i in range(out.shape[0]):
            row = out[i]
            flow_at(row, flow, x)
            for j in range(x.size):
                row[j] = x[j]
        return
    spare = k[table.shape[1]]
    for i in range(1, times.size):
        dt = (times[i] - times[i - 1]) / substeps
        for _ in range(substeps):
            if not _step(x, dt, kind, table, flow, k, spare):
                return
        if not largest(x) < DIVERGED:
            return
        shifted(x, 0.0, x, out[i])


def follow_fixed(flow: Flow, x: Array, times: Array, substeps: int, steps: tuple[int, Array], out: Array) -> None:
    """Move x `(2·dof,)` along and write it into the rows of `out` `(T, 2·dof)`, from the second on, at `times` `(T,)`
    in s; end at a failure.

    Between two times there are `substeps` equal steps. `steps` is what `coefficients` gives; the equations stand with
    `integrators.RungeKutta`, `Splitting` and `ImplicitMidpoint`.
    """
    kind, table = steps
    _follow(flow, x, times, substeps, kind, table, out, np.empty((table.shape[1] + 1, x.size)))


def evaluate_flow(flow: Flow, states: Array) -> None:
    """Put in place of each of `states` `(n, 2·dof)` the field d(coords)/dt there, a second."""
    nothing = np.zeros((1, 1))
    _follow(flow, np.empty(states.shape[1]), np.zeros(0), 0, FIELD, nothing, states, nothing)
