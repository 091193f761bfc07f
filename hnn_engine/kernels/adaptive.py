"""Dormand and Prince's method of order 8(5,3), compiled for every flow: scipy's DOP853 without the interpreter.

The tableau is scipy's own, and so are the choice of the first step, the error norm, the step control and the dense
output of order 7; a test holds the two together. Source: Hairer, Nørsett & Wanner, Solving Ordinary Differential
Equations I, II.5 and II.10.

One state or several are followed, laid out coordinate by coordinate as `batched_network_flow` has them: each is a lane
with a step of its own, and all go through the stages together. A rollout is made in slices of so many field calls, so
that it can be ended in between.
"""

from typing import Any

import numpy as np
from numba import types
from scipy.integrate import DOP853

from hnn_engine.integrators import DIVERGED
from hnn_engine.kernels.flow import FLOW, flow_at
from hnn_engine.kernels.jit import INTEGERS, MATRIX, TABLE, VECTOR, jit, jit_for
from hnn_engine.kernels.primitives import line

STAGES = DOP853.n_stages
EXTRA = len(DOP853.A_EXTRA)
ROWS = STAGES + 1 + EXTRA
# Row s are the weights of the state at which stage s is taken: the first one's are none, those of `STAGES` make the new
# state, and the last row's a step of Euler's.
_TABLE = np.zeros((ROWS + 1, ROWS))
_TABLE[:STAGES, :STAGES] = DOP853.A[:STAGES, :STAGES]
_TABLE[STAGES, :STAGES] = DOP853.B
_TABLE[STAGES + 1 : ROWS, : DOP853.A_EXTRA.shape[1]] = DOP853.A_EXTRA
_TABLE[ROWS, 0] = 1.0
_E3, _E5, _D = (np.ascontiguousarray(part) for part in (DOP853.E3, DOP853.E5, DOP853.D))
TERMS = 3 + len(_D)  # of the interpolant
_ORDER = 7  # of the error estimate
_SAFETY, _SHRINK, _GROW = 0.9, 0.2, 10.0
NEW, SPARE, STEP, _NONE, INTERPOLANT = range(ROWS + 1, ROWS + 6)  # rows of memory behind those of the stages
MEMORY = INTERPOLANT + (TERMS + 1) // 2  # how many there are, of two numbers or more

MORE, DONE, LOST = 0, 1, 2
# What `meters` holds of each state: its time, step size, field calls, the next row of `out`, whether the last step was
# rejected, and one of the above; then the error of its step, and the first row of `out` behind that.
T, H, CALLS, NEXT, REJECTED, STATUS, ERROR, LAST, EACH = range(9)


@jit
def _size(x: Any, less: Any, at: Any, lane: int, lanes: int, rtol: float, atol: float) -> float:
    """Return the root mean square of x − `less` in units of the tolerance at the state `at`, of one of the lanes."""
    total = 0.0
    for i in range(lane, x.size, lanes):
        total += ((x[i] - less[i]) / (atol + abs(at[i]) * rtol)) ** 2
    return float((total * lanes / x.size) ** 0.5)


@jit
def stages(x: Any, h: Any, first: int, last: int, k: Any, out: Any, flow: Any) -> None:
    """kₛ = f(x + h Σᵢ aₛᵢ kᵢ) from the stage `first` to before `last`; `out` is left with the last of those states."""
    for s in range(first, last):
        for j in range(x.size):
            total = 0.0
            for i in range(s if s < ROWS else 1):
                total += _TABLE[s, i] * k[i, j]
            out[j] = x[j] + h[j] * total
        flow_at(out, flow, k[s])


@jit
def begin(x: Any, k: Any, meters: Any, end: float, rtol: float, atol: float, flow: Any) -> None:
    """Choose the first step of each lane. Source: Hairer, Nørsett & Wanner, II.4."""
    none, h, k0, k1, lanes = k[_NONE], k[STEP], k[0], k[ROWS], meters.shape[0]
    for i in range(lanes):
        d0, d1 = _size(x, none, x, i, lanes, rtol, atol), _size(k0, none, x, i, lanes, rtol, atol)
        first = min(1e-6 if d0 < 1e-5 or d1 < 1e-5 else 0.01 * d0 / d1, end - meters[i, T])
        for j in range(i, x.size, lanes):
            h[j] = first
    stages(x, h, ROWS, ROWS + 1, k, k[SPARE], flow)
    for i in range(lanes):
        h0, d1 = h[i], _size(k0, none, x, i, lanes, rtol, atol)
        d2 = _size(k1, k0, x, i, lanes, rtol, atol) / h0
        h1 = max(1e-6, h0 * 1e-3) if d1 <= 1e-15 and d2 <= 1e-15 else (0.01 / max(d1, d2)) ** (1.0 / (_ORDER + 1))
        meters[i, H] = min(100.0 * h0, h1, end - meters[i, T])
        meters[i, CALLS] += 2


@jit
def step_error(x: Any, new: Any, k: Any, h: float, lane: int, lanes: int, rtol: float, atol: float) -> float:
    """Return the error of a lane's step in units of the tolerance."""
    third, fifth = 0.0, 0.0
    for j in range(lane, x.size, lanes):
        scale = atol + max(abs(x[j]), abs(new[j])) * rtol
        e3, e5 = 0.0, 0.0
        for s in range(STAGES + 1):
            e3 += _E3[s] * k[s, j]
            e5 += _E5[s] * k[s, j]
        third += (e3 / scale) ** 2
        fifth += (e5 / scale) ** 2
    if fifth == 0.0 and third == 0.0:
        return 0.0
    return float(abs(h) * fifth / ((fifth + 0.01 * third) * (x.size // lanes)) ** 0.5)


@jit
def interpolate(x: Any, new: Any, k: Any, h: float, at: int, f: Any) -> None:
    """f <- the terms `(TERMS,)` of the interpolant of the number `at` of a state between x and new."""
    f[0] = new[at] - x[at]
    f[1] = h * k[0, at] - f[0]
    f[2] = 2.0 * f[0] - h * (k[STAGES, at] + k[0, at])
    for i in range(_D.shape[0]):
        total = 0.0
        for s in range(ROWS):
            total += _D[i, s] * k[s, at]
        f[3 + i] = h * total


@jit
def moved(f: Any, theta: float) -> float:
    """Return by how much an interpolant has moved at the part `theta` of its step."""
    y = 0.0
    for i in range(TERMS):
        y = (y + f[TERMS - 1 - i]) * (theta if i % 2 == 0 else 1.0 - theta)
    return y


@jit
def _write(x: Any, new: Any, k: Any, h: float, lane: int, meters: Any, last: int, times: Any, out: Any) -> None:
    """Write the rows before `last` that a lane has passed: the interpolant between x and new, `(rows, coordinates)`."""
    f, lanes, t = line(k, INTERPOLANT * x.size, TERMS), meters.shape[0], meters[lane, T]
    for j in range(out.shape[1]):
        at = j * lanes + lane
        interpolate(x, new, k, h, at, f)
        for row in range(int(meters[lane, NEXT]), last):
            out[row, j] = x[at] + moved(f, (times[row] - t) / h)


@jit
def next_steps(x: Any, meters: Any, end: float, h: Any) -> bool:
    """h <- the step of each lane, by coordinate; return whether all have one."""
    lanes, all_have = meters.shape[0], True
    for i in range(lanes):
        t = meters[i, T]
        least = 10.0 * (np.nextafter(t, np.inf) - t)
        if not meters[i, H] >= least:
            if meters[i, REJECTED] != 0.0:
                meters[i, STATUS], all_have = LOST, False
            meters[i, H] = least
        for j in range(i, x.size, lanes):
            h[j] = min(t + meters[i, H], end) - t
    return all_have


@jit
def after(meters: Any, lane: int, h: float, end: float) -> float:
    """Return the time of a lane after its step."""
    t: float = meters[lane, T]
    return end if t + meters[lane, H] >= end else t + h


@jit
def settle(x: Any, new: Any, k: Any, h: float, lane: int, meters: Any, times: Any, out: Any) -> None:
    """Take a lane's step or shorten it, and write the rows that it has passed."""
    lanes, error, last = meters.shape[0], meters[lane, ERROR], int(meters[lane, LAST])
    if not error < 1.0:
        shrink = max(_SHRINK, _SAFETY * error ** (-1.0 / (_ORDER + 1))) if error < np.inf else _SHRINK
        meters[lane, H], meters[lane, REJECTED] = h * shrink, 1.0
        return
    if last > int(meters[lane, NEXT]):
        meters[lane, CALLS] += EXTRA
        _write(x, new, k, h, lane, meters, last, times, out)
    meters[lane, T] = after(meters, lane, h, times[-1])
    grow = _GROW if error == 0.0 else min(_GROW, _SAFETY * error ** (-1.0 / (_ORDER + 1)))
    meters[lane, H] = h * (min(1.0, grow) if meters[lane, REJECTED] != 0.0 else grow)
    meters[lane, REJECTED], meters[lane, NEXT] = 0.0, last
    inside = True
    for j in range(lane, x.size, lanes):
        x[j], k[0, j] = new[j], k[STAGES, j]
        inside = inside and abs(new[j]) < DIVERGED
    if not inside:
        meters[lane, STATUS] = LOST
    elif last >= times.size:
        meters[lane, STATUS] = DONE


@jit_for(types.void(FLOW, VECTOR, MATRIX, INTEGERS, VECTOR, TABLE, types.float64, types.float64, types.int64, MATRIX))
def advance_adaptive(
    flow: Any, x: Any, meters: Any, which: Any, times: Any, out: Any, rtol: float, atol: float, budget: int, k: Any
) -> None:
    """Go on from the states x and their `meters` `(lanes, EACH)` for about `budget` calls of the field, or until one of
    them is done, or lost: where its step size has vanished or x has left the finite numbers.

    x `(2·dof·lanes,)`, coordinate by coordinate, is moved in place. Fills `out` `(…, T, 2·dof)` at `times` `(T,)` in s,
    for each lane at its place in `which` `(lanes,)`. `rtol`, `atol`: tolerances of a step's error. `k`: memory, zeros
    `(MEMORY, 2·dof·lanes)`. Source: Hairer, Nørsett & Wanner, II.5 and II.10.
    """
    lanes, end, calls, going, new, h = meters.shape[0], times[-1], 0, True, k[NEW], k[STEP]
    stages(x, h, 0, 1, k, new, flow)
    if meters[0, H] == 0.0:  # lanes begin together
        begin(x, k, meters, end, rtol, atol, flow)
    while going and calls < budget and next_steps(x, meters, end, h):
        stages(x, h, 1, STAGES + 1, k, new, flow)
        calls += STAGES
        passed = False
        for i in range(lanes):
            meters[i, CALLS] += STAGES
            meters[i, ERROR] = step_error(x, new, k, h[i], i, lanes, rtol, atol)
            until, last = after(meters, i, h[i], end), int(meters[i, NEXT])
            while meters[i, ERROR] < 1.0 and last < times.size and times[last] <= until:
                last += 1
                passed = True
            meters[i, LAST] = last
        if passed:
            stages(x, h, STAGES + 1, ROWS, k, k[SPARE], flow)
            calls += EXTRA
        for i in range(lanes):
            settle(x, new, k, h[i], i, meters, times, out[which[i]])
            going = going and meters[i, STATUS] == MORE
