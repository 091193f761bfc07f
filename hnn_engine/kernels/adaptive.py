"""Dormand and Prince's method of order 8(5,3), compiled for every flow: scipy's DOP853 without the interpreter.

The tableau is scipy's own, and so are the choice of the first step, the error norm, the step control and the dense
output of order 7; a test holds the two together. Source: Hairer, Nørsett & Wanner, Solving Ordinary Differential
Equations I, II.5 and II.10.

A rollout is made in slices of so many field calls, so that whoever asks for it can end it in between.
"""

from typing import Any

import numpy as np
from numba import types
from scipy.integrate import DOP853

from hnn_engine.integrators import DIVERGED
from hnn_engine.kernels.fixed import largest, shifted
from hnn_engine.kernels.flow import FLOW, flow_at
from hnn_engine.kernels.jit import MATRIX, VECTOR, jit, jit_for

STAGES = DOP853.n_stages
_A = np.ascontiguousarray(DOP853.A[:STAGES, :STAGES])
_B = np.ascontiguousarray(DOP853.B)
_E3, _E5 = np.ascontiguousarray(DOP853.E3), np.ascontiguousarray(DOP853.E5)
_D, _A_EXTRA = np.ascontiguousarray(DOP853.D), np.ascontiguousarray(DOP853.A_EXTRA)
_EXTRA = len(_A_EXTRA)
_ROWS = STAGES + 1 + _EXTRA
_ORDER = 7  # of the error estimate
_SAFETY, _SHRINK, _GROW = 0.9, 0.2, 10.0

DONE, MORE, LOST = 0, 1, 2
T, H, CALLS, NEXT = 0, 1, 2, 3  # what `meters` holds: time, step size, field calls, the next row of `out`


@jit
def _size(x: Any, less: Any, at: Any, rtol: float, atol: float) -> float:
    """Return the root mean square of x − `less` in units of the tolerance at the state `at`."""
    total = 0.0
    for i in range(x.size):
        total += ((x[i] - less[i]) / (atol + abs(at[i]) * rtol)) ** 2
    return float((total / x.size) ** 0.5)


@jit
def _first_step(x: Any, k0: Any, span: float, rtol: float, atol: float, flow: Any) -> float:
    """Return a first step size. Source: Hairer, Nørsett & Wanner, II.4."""
    none, there, k1 = np.zeros(x.size), np.empty(x.size), np.empty(x.size)
    d0, d1 = _size(x, none, x, rtol, atol), _size(k0, none, x, rtol, atol)
    h0 = min(1e-6 if d0 < 1e-5 or d1 < 1e-5 else 0.01 * d0 / d1, span)
    shifted(x, h0, k0, there)
    flow_at(there, flow, k1)
    d2 = _size(k1, k0, x, rtol, atol) / h0
    h1 = max(1e-6, h0 * 1e-3) if d1 <= 1e-15 and d2 <= 1e-15 else (0.01 / max(d1, d2)) ** (1.0 / (_ORDER + 1))
    return min(100.0 * h0, h1, span)


@jit
def _combine(x: Any, h: float, weights: Any, count: int, k: Any, out: Any) -> None:
    """out <- x + h Σ weightsᵢ kᵢ over the first `count` rows of k."""
    for j in range(x.size):
        total = 0.0
        for i in range(count):
            total += weights[i] * k[i, j]
        out[j] = x[j] + h * total


@jit
def _try_step(x: Any, h: float, rtol: float, atol: float, flow: Any, k: Any, new: Any, room_: Any) -> float:
    """new <- x one step of h on, k[:STAGES + 1] <- the slopes; return the error in units of the tolerance."""
    for s in range(1, STAGES):
        _combine(x, h, _A[s], s, k, room_)
        flow_at(room_, flow, k[s])
    _combine(x, h, _B, STAGES, k, new)
    flow_at(new, flow, k[STAGES])
    third, fifth = 0.0, 0.0
    for j in range(x.size):
        scale = atol + max(abs(x[j]), abs(new[j])) * rtol
        e3, e5 = 0.0, 0.0
        for s in range(STAGES + 1):
            e3 += _E3[s] * k[s, j]
            e5 += _E5[s] * k[s, j]
        third += (e3 / scale) ** 2
        fifth += (e5 / scale) ** 2
    if fifth == 0.0 and third == 0.0:
        return 0.0
    return float(abs(h) * fifth / ((fifth + 0.01 * third) * x.size) ** 0.5)


@jit
def _dense(x: Any, new: Any, h: float, flow: Any, k: Any, f: Any, room_: Any) -> None:
    """f <- the coefficients of the interpolant between x and new; needs three more slopes."""
    for s in range(_EXTRA):
        _combine(x, h, _A_EXTRA[s], STAGES + 1 + s, k, room_)
        flow_at(room_, flow, k[STAGES + 1 + s])
    for j in range(x.size):
        f[0, j] = new[j] - x[j]
        f[1, j] = h * k[0, j] - f[0, j]
        f[2, j] = 2.0 * f[0, j] - h * (k[STAGES, j] + k[0, j])
        for i in range(_D.shape[0]):
            total = 0.0
            for s in range(_ROWS):
                total += _D[i, s] * k[s, j]
            f[3 + i, j] = h * total


@jit
def _between(x: Any, f: Any, theta: float, out: Any) -> None:
    """out <- the interpolant at the part `theta` of the step."""
    for j in range(x.size):
        y = 0.0
        for i in range(f.shape[0]):
            y = (y + f[f.shape[0] - 1 - i, j]) * (theta if i % 2 == 0 else 1.0 - theta)
        out[j] = x[j] + y


@jit_for(types.int64(FLOW, VECTOR, VECTOR, VECTOR, MATRIX, types.float64, types.float64, types.int64))
def advance_adaptive(
    flow: Any,
    x: Any,
    meters: Any,
    times: Any,
    out: Any,
    rtol: float,
    atol: float,
    budget: int,
) -> int:
    """Go on from state x and `meters` for about `budget` field calls and fill `out` at `times`.

    Returns `DONE`, `MORE` where the budget is spent, `LOST` where the step size vanished or x diverged.
    """
    k, f = np.empty((_ROWS, x.size)), np.empty((3 + _D.shape[0], x.size))
    new, spare = np.empty(x.size), np.empty(x.size)
    t, h, end, row = meters[T], meters[H], times[-1], int(meters[NEXT])
    flow_at(x, flow, k[0])
    if h == 0.0:
        h = _first_step(x, k[0], end - t, rtol, atol, flow)
        meters[CALLS] += 2
    stop = meters[CALLS] + budget
    status = MORE
    rejected = False
    while status == MORE and meters[CALLS] < stop:
        least = 10.0 * (np.nextafter(t, np.inf) - t)
        if not h >= least:
            if rejected:
                status = LOST
                break
            h = least
        h_now = min(t + h, end) - t
        error = _try_step(x, h_now, rtol, atol, flow, k, new, spare)
        meters[CALLS] += STAGES
        if not error < 1.0:
            h = h_now * (max(_SHRINK, _SAFETY * error ** (-1.0 / (_ORDER + 1))) if error < np.inf else _SHRINK)
            rejected = True
            continue
        after = end if t + h >= end else t + h_now
        last = row
        while last < times.size and times[last] <= after:
            last += 1
        if last > row:
            _dense(x, new, h_now, flow, k, f, spare)
            meters[CALLS] += _EXTRA
            for i in range(row, last):
                _between(x, f, (times[i] - t) / h_now, out[i])
            row = last
        grow = _GROW if error == 0.0 else min(_GROW, _SAFETY * error ** (-1.0 / (_ORDER + 1)))
        h = h_now * (min(1.0, grow) if rejected else grow)
        rejected = False
        t = after
        shifted(new, 0.0, new, x)
        shifted(k[STAGES], 0.0, new, k[0])
        if not largest(x) < DIVERGED:
            status = LOST
        elif row >= times.size:
            status = DONE
    meters[T], meters[H], meters[NEXT] = t, h, row
    return status
