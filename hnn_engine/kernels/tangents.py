"""The derivative of a flow along its path, compiled: the path by DOP853, and with each of its steps the variational
equation dM/dt = A(t) M by a Magnus series of order 6, from A = ∂f/∂x at the three Gauss nodes of the step.

The equations and their source stand in `debugging.magnus`, which does the same in numpy. Coordinates are in units of
their scales, so that A is balanced. A comes by central differences: of a law one state after the other, of networks by
one batch.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import types

from hnn_engine.coords import Array
from hnn_engine.kernels.adaptive import (
    CALLS,
    EACH,
    ERROR,
    EXTRA,
    INTERPOLANT,
    LAST,
    MEMORY,
    MORE,
    NEW,
    NEXT,
    ROWS,
    SPARE,
    STAGES,
    STATUS,
    STEP,
    TERMS,
    H,
    T,
    after,
    begin,
    interpolate,
    moved,
    next_steps,
    settle,
    stages,
    step_error,
)
from hnn_engine.kernels.flow import FLOW, Flow, flow_at
from hnn_engine.kernels.jit import INTEGERS, MATRIX, TABLE, VECTOR, jit, jit_for
from hnn_engine.kernels.primitives import line, matrix, rows

_NODES = np.array([0.5 - math.sqrt(15) / 10, 0.5, 0.5 + math.sqrt(15) / 10])
_CENTRAL, _FORWARD = 1e-5, 1e-7  # of central and of forward differences, of a coordinate's scale
_NORM, _DEGREE, _ROUNDING = 0.5, 12, 1e-13  # of Ω, or of so many parts of it; of the exponential's series; its rest
_MATRICES = 12  # that are worked with
_CALLS = 4000  # field calls between two questions whether the work is still wanted
_THIRD, _TENTH = math.sqrt(15) / 3, 10 / 3


@jit
def _multiply(a: Any, b: Any, out: Any) -> None:
    """out <- a @ b."""
    d = a.shape[0]
    for i in range(d):
        for j in range(d):
            total = a[i, 0] * b[0, j]
            for k in range(1, d):
                total += a[i, k] * b[k, j]
            out[i, j] = total


@jit
def _commute(a: Any, b: Any, out: Any) -> None:
    """out <- a @ b − b @ a."""
    d = a.shape[0]
    for i in range(d):
        for j in range(d):
            total = 0.0
            for k in range(d):
                total += a[i, k] * b[k, j] - b[i, k] * a[k, j]
            out[i, j] = total


@jit
def _slopes(
    y: Any, h: float, scale: Any, flow: Any, block: Any, central: bool, ahead: Any, behind: Any, out: Any
) -> None:
    """out <- h ∂f/∂x at y, `(d, d)`, coordinates in units of `scale`, by `central` differences or, of a law, by forward
    ones; `ahead` and `behind` are memory, `(2·d·d,)`."""
    d = y.size
    if flow.learned:
        n = 2 * d
        for k in range(d):
            for i in range(n):
                ahead[k * n + i] = y[k]
            ahead[k * n + 2 * k] += _CENTRAL * scale[k]
            ahead[k * n + 2 * k + 1] -= _CENTRAL * scale[k]
        flow_at(ahead, block, behind)
        for i in range(d):
            for j in range(d):
                gap = behind[i * n + 2 * j] - behind[i * n + 2 * j + 1]
                out[i, j] = gap * (h / (2.0 * _CENTRAL * scale[i]))
        return
    above, below = line(ahead, 0, d), line(behind, 0, d)
    size, sides = (_CENTRAL, 2.0) if central else (_FORWARD, 1.0)
    if not central:
        flow_at(y, flow, below)
    for j in range(d):
        middle = y[j]
        y[j] = middle + size * scale[j]
        flow_at(y, flow, above)
        if central:
            y[j] = middle - size * scale[j]
            flow_at(y, flow, below)
        y[j] = middle
        for i in range(d):
            out[i, j] = (above[i] - below[i]) * (h / (sides * size * scale[i]))


@jit
def _magnus(space: Any, d: int) -> None:
    """The matrix 3 of `space` <- Ω of a step, from h A at its nodes, the matrices 0 to 2; all others are spoilt."""
    size = d * d
    first, middle, last = matrix(space, 0, d, d), matrix(space, size, d, d), matrix(space, 2 * size, d, d)
    omega, two, three = matrix(space, 3 * size, d, d), matrix(space, 4 * size, d, d), matrix(space, 5 * size, d, d)
    c1, c2, left = matrix(space, 6 * size, d, d), matrix(space, 7 * size, d, d), matrix(space, 8 * size, d, d)
    for i in range(d):
        for j in range(d):
            two[i, j] = _THIRD * (last[i, j] - first[i, j])
            three[i, j] = _TENTH * (last[i, j] - 2.0 * middle[i, j] + first[i, j])
    _commute(middle, two, c1)
    for i in range(d):
        for j in range(d):
            left[i, j] = 2.0 * three[i, j] + c1[i, j]
    _commute(middle, left, c2)
    for i in range(d):
        for j in range(d):
            left[i, j] = c1[i, j] - 20.0 * middle[i, j] - three[i, j]
            two[i, j] -= c2[i, j] / 60.0
    _commute(left, two, omega)
    for i in range(d):
        for j in range(d):
            omega[i, j] = middle[i, j] + three[i, j] / 12.0 + omega[i, j] / 240.0


@jit
def _move(space: Any, d: int, m: Any) -> None:
    """m <- exp(Ω) m, Ω the matrix 3 of `space`: a Taylor series of as many equal parts as make it small."""
    size, norm = d * d, 0.0
    omega, term, spare = matrix(space, 3 * size, d, d), matrix(space, 4 * size, d, d), matrix(space, 5 * size, d, d)
    for i in range(d):
        total = 0.0
        for j in range(d):
            total += abs(omega[i, j])
        norm = max(norm, total)
    if not norm < 1e6:
        for i in range(d):
            for j in range(d):
                m[i, j] = np.nan
        return
    parts = 1 + int(norm / _NORM)
    for _ in range(parts):
        for i in range(d):
            for j in range(d):
                term[i, j] = m[i, j]
        k, rest = 0, norm
        while k < _DEGREE and rest > _ROUNDING:  # ‖Ω‖ᵏ/k!
            k += 1
            share = 1.0 / (k * parts)
            rest *= norm * share
            _multiply(omega, term, spare)
            for i in range(d):
                for j in range(d):
                    term[i, j] = spare[i, j] * share
                    m[i, j] += term[i, j]


@jit_for(
    types.void(
        FLOW,
        FLOW,
        VECTOR,
        MATRIX,
        INTEGERS,
        VECTOR,
        MATRIX,
        TABLE,
        VECTOR,
        types.boolean,
        types.float64,
        types.int64,
        MATRIX,
        VECTOR,
    )
)
def _advance(
    flow: Any,
    block: Any,
    x: Any,
    meters: Any,
    segment: Any,
    times: Any,
    path: Any,
    maps: Any,
    scale: Any,
    central: bool,
    tolerance: float,
    budget: int,
    k: Any,
    space: Any,
) -> None:
    """Go on from the state x in the segment `segment[0]` for about `budget` field calls; see `follow_tangents`."""
    d, size, calls, new, h = x.size, x.size * x.size, 0, k[NEW], k[STEP]
    nodes = matrix(space, 9 * size, 3, d)  # in the matrices 9 and on, of which there are enough for d ≥ 2
    ahead, behind = line(space, _MATRICES * size, 2 * size), line(space, (_MATRICES + 2) * size, 2 * size)
    stages(x, h, 0, 1, k, new, flow)
    if meters[0, H] == 0.0:
        begin(x, k, meters, times[1], tolerance, tolerance, flow)
    while segment[0] < maps.shape[0] and calls < budget and meters[0, STATUS] == MORE:
        at = segment[0]
        span, ends, end, wanted = line(times, at, 2), rows(path, at, 2), times[at + 1], meters[0, H]
        if not next_steps(x, meters, end, h):
            break
        step = h[0]
        stages(x, h, 1, STAGES + 1, k, new, flow)
        calls += STAGES
        meters[0, CALLS] += STAGES
        meters[0, ERROR] = step_error(x, new, k, step, 0, 1, tolerance, tolerance)
        good = meters[0, ERROR] < 1.0
        meters[0, LAST] = 2 if good and after(meters, 0, step, end) >= end else 1
        if good:
            stages(x, h, STAGES + 1, ROWS, k, k[SPARE], flow)
            terms = line(k, INTERPOLANT * d, TERMS)
            for j in range(d):
                interpolate(x, new, k, step, j, terms)
                for node in range(3):
                    nodes[node, j] = x[j] + moved(terms, _NODES[node])
            for node in range(3):
                slopes = matrix(space, node * size, d, d)
                _slopes(nodes[node], step, scale, flow, block, central, ahead, behind, slopes)
            _magnus(space, d)
            _move(space, d, maps[at])
            calls += EXTRA + 6 * d
        settle(x, new, k, step, 0, meters, span, ends)
        if good and meters[0, LAST] == 2:
            meters[0, H] = max(meters[0, H], wanted)  # not what was left of the segment
            if meters[0, STATUS] != 2:
                meters[0, STATUS], meters[0, NEXT] = MORE, 1
                segment[0] = at + 1


def follow_tangents(
    flow: Flow,
    block: Flow,
    start: Array,
    times: Array,
    scale: Array,
    central: bool,
    tolerance: float,
    limit: int,
    interrupt: Callable[[], bool] | None = None,
) -> tuple[Array, Array]:
    """Return the path `(T, d)` from `start` `(d,)` at rising `times` `(T,)` in s, NaN after a failure, and the maps
    ∂x(t_{k+1})/∂x(t_k) `(T − 1, d, d)` in units of `scale` `(d,)`.

    A is found by `central` differences, to 10⁻¹⁰ of it, or, of a law, by forward ones, to 10⁻⁷.
    `block` is a flow of 2·d states at once of the same networks; of a law `flow` again. `tolerance` is that of a step
    of the path, relative and absolute; after `limit` field calls it counts as lost. Where `interrupt` ends the work,
    the rest is NaN.
    """
    d, x, t = len(start), np.array(start, dtype=np.float64), np.array(times, dtype=np.float64)
    path, maps = np.full((len(t), d), np.nan), np.tile(np.eye(d), (len(t) - 1, 1, 1))
    path[0], meters, segment = x, np.zeros((1, EACH)), np.zeros(1, np.int64)
    meters[0, T], meters[0, NEXT] = t[0], 1
    space, memory = np.zeros((_MATRICES + 4) * d * d + 3 * d), np.zeros((MEMORY, d))
    plain, many, sizes = flow.plain(), block.plain(), np.array(scale, dtype=np.float64)
    while segment[0] < len(maps) and meters[0, STATUS] == MORE and meters[0, CALLS] <= limit:
        arguments = (x, meters, segment, t, path, maps, sizes, central, max(tolerance, 1e-13), _CALLS, memory, space)
        _advance(plain, many, *arguments)
        if interrupt is not None and interrupt():
            break
    done = int(segment[0])
    path[done + 1 :], maps[done:] = np.nan, np.nan
    return path, maps
