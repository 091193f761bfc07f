"""Fixed steps from one start: the schemes of `integrators`, compiled for every flow."""

from typing import Any

import numpy as np
from numba import types

from hnn_engine.integrators import DIVERGED, MIDPOINT_ITERATIONS, MIDPOINT_TOLERANCE, YOSHIDA
from hnn_engine.kernels.flow import FLOW, flow_at
from hnn_engine.kernels.jit import MATRIX, VECTOR, jit, jit_for

RK4, MIDPOINT, VERLET, YOSHIDA4 = 0, 1, 2, 3
SCHEMES = {"rk4": RK4, "implicit-midpoint": MIDPOINT, "stormer-verlet": VERLET, "yoshida4": YOSHIDA4}


@jit
def largest(x: Any) -> float:
    """Return the largest |x|; NaN where there is one."""
    big = 0.0
    for i in range(x.size):
        a = abs(x[i])
        if a > big or a != a:  # NaN, once met, stays
            big = a
    return big


@jit
def shifted(x: Any, h: float, k: Any, out: Any) -> None:
    """out <- x + h k."""
    for i in range(x.size):
        out[i] = x[i] + h * k[i]


@jit
def _rk4_step(x: Any, dt: float, flow: Any, k: Any, spare: Any) -> None:
    flow_at(x, flow, k[0])
    for stage in range(1, 4):
        shifted(x, dt if stage == 3 else 0.5 * dt, k[stage - 1], spare)
        flow_at(spare, flow, k[stage])
    for i in range(x.size):
        x[i] += (dt / 6.0) * (k[0, i] + 2.0 * (k[1, i] + k[2, i]) + k[3, i])


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
def _verlet_step(x: Any, dt: float, flow: Any, k: Any) -> None:
    dof = x.size // 2
    for part in range(3):
        flow_at(x, flow, k[0])
        first, share = (0, dt) if part == 1 else (dof, 0.5 * dt)
        for i in range(first, first + dof):
            x[i] += share * k[0, i]


@jit
def _step(x: Any, dt: float, scheme: int, flow: Any, k: Any, spare: Any) -> bool:
    """Advance x by dt; return whether that could be done."""
    if scheme == MIDPOINT:
        return _midpoint_step(x, dt, flow, k, spare)
    if scheme == RK4:
        _rk4_step(x, dt, flow, k, spare)
        return True
    for i in range(len(YOSHIDA)):
        _verlet_step(x, YOSHIDA[i] * dt if scheme == YOSHIDA4 else dt, flow, k)
        if scheme == VERLET:
            break
    return True


@jit_for(types.void(FLOW, VECTOR, VECTOR, types.int64, types.int64, MATRIX))
def follow_fixed(
    flow: Any,
    x: Any,
    times: Any,
    substeps: int,
    scheme: int,
    out: Any,
) -> None:
    """Move x along and write it into the rows of `out`, from the second on, at `times`; end at a failure."""
    k, spare = np.empty((4, x.size)), np.empty(x.size)
    for i in range(1, times.size):
        dt = (times[i] - times[i - 1]) / substeps
        for _ in range(substeps):
            if not _step(x, dt, scheme, flow, k, spare):
                return
        if not largest(x) < DIVERGED:
            return
        shifted(x, 0.0, x, out[i])


@jit_for(types.void(FLOW, MATRIX, MATRIX))
def evaluate_flow(
    flow: Any,
    x: Any,
    out: Any,
) -> None:
    """out <- the field at each row of x."""
    for i in range(x.shape[0]):
        flow_at(x[i], flow, out[i])
