"""A field that is a sum of terms through perceptrons at one state, there and back, fused; `weight_layout` lays it out.

Weights trained in float32 are kept so and widened in the registers, which halves the reading of the square matrix and
changes no digit. What is made of exp is computed in bulk, exp by a polynomial of degree 13, to 4·10⁻¹⁶.
"""

import math
from typing import Any

import numpy as np
from numba import types

from hnn_engine.kernels.jit import INTEGERS, MATRIX, SINGLE_ROWS, SINGLES, VECTOR, jit, jit_at

TANH, SOFTPLUS, SINE, SILU = 0, 1, 2, 3
ACTIVATION_CODES = {"tanh": TANH, "softplus": SOFTPLUS, "sine": SINE, "silu": SILU}


@jit
def _exp_in_bulk(x: Any, scale: float, most: float, bits: Any, poly: Any) -> None:
    """poly and, seen as float64, `bits` <- (s, p) with exp(−scale · min(|x|, most)) = p(1 + s)."""
    for i in range(x.size):
        y = -scale * min(abs(x[i]), most)
        k = math.floor(y * 1.4426950408889634 + 0.5)
        r = (y - k * 0.6931471803691238) - k * 1.9082149292705877e-10
        s = 1.0 / 6227020800.0
        s = s * r + 1.0 / 479001600.0
        s = s * r + 1.0 / 39916800.0
        s = s * r + 1.0 / 3628800.0
        s = s * r + 1.0 / 362880.0
        s = s * r + 1.0 / 40320.0
        s = s * r + 1.0 / 5040.0
        s = s * r + 1.0 / 720.0
        s = s * r + 1.0 / 120.0
        s = s * r + 1.0 / 24.0
        s = s * r + 1.0 / 6.0
        s = s * r + 0.5
        s = s * r + 1.0
        poly[i] = s * r
        bits[i] = np.int64(k + 1023.0) << 52


@jit
def _log_near_one(e: float) -> float:
    """Return log(1 + e) for 0 ≤ e ≤ 1: 2 artanh(z), z = e / (2 + e) ≤ 1/3, by its series to z³³."""
    z = e / (2.0 + e)
    w = z * z
    s = 1.0 / 33.0
    s = s * w + 1.0 / 31.0
    s = s * w + 1.0 / 29.0
    s = s * w + 1.0 / 27.0
    s = s * w + 1.0 / 25.0
    s = s * w + 1.0 / 23.0
    s = s * w + 1.0 / 21.0
    s = s * w + 1.0 / 19.0
    s = s * w + 1.0 / 17.0
    s = s * w + 1.0 / 15.0
    s = s * w + 1.0 / 13.0
    s = s * w + 1.0 / 11.0
    s = s * w + 1.0 / 9.0
    s = s * w + 1.0 / 7.0
    s = s * w + 1.0 / 5.0
    s = s * w + 1.0 / 3.0
    s = s * w + 1.0
    return 2.0 * s * z


@jit
def activate_wide(x: Any, slope: Any, code: int, bits: Any, power: Any, poly: Any) -> None:
    """x <- σ(x), slope <- σ′, `(width,)` and float64 like `power` and `poly`; `code` as in `ACTIVATION_CODES`. `power`
    is `bits` seen as float64. `0.0 * a` lets NaN through, which `min` does not."""
    if code == SINE:
        for i in range(x.size):
            a = x[i]
            x[i], slope[i] = math.sin(a), math.cos(a)
    elif code == TANH:
        _exp_in_bulk(x, 2.0, 20.0, bits, poly)
        for i in range(x.size):
            e = poly[i] * power[i] + (power[i] - 1.0)
            h = math.copysign(-e / (2.0 + e), x[i]) + 0.0 * x[i]
            x[i] = h
            slope[i] = 1.0 - h * h
    else:
        _exp_in_bulk(x, 1.0, 700.0, bits, poly)
        for i in range(x.size):
            a, e = x[i], poly[i] * power[i] + power[i]
            near = 1.0 / (1.0 + e)
            far = e * near
            gate, rest = (near, far) if a >= 0.0 else (far, near)
            gate += 0.0 * a
            if code == SOFTPLUS:
                x[i], slope[i] = max(a, 0.0) + _log_near_one(e) + 0.0 * a, gate
            else:
                x[i], slope[i] = a * gate, gate * (1.0 + a * rest)


@jit
def accumulate(x: Any, weights: Any, at: int, out: Any) -> None:
    """out += x @ W, W the matrix `(n, width)` whose rows begin at `at` in the flat `weights`, x `(n,)`, out `(width,)`;
    four rows at a time so that `out` is read and written less often."""
    width = out.size
    whole = x.size - x.size % 4
    for i in range(0, whole, 4):
        begin = at + i * width
        s0, s1, s2, s3 = x[i], x[i + 1], x[i + 2], x[i + 3]
        r0, r1 = weights[begin : begin + width], weights[begin + width : begin + 2 * width]
        r2, r3 = weights[begin + 2 * width : begin + 3 * width], weights[begin + 3 * width : begin + 4 * width]
        for j in range(width):
            out[j] += s0 * r0[j] + s1 * r1[j] + s2 * r2[j] + s3 * r3[j]
    for i in range(whole, x.size):
        s0, r0 = x[i], weights[at + i * width : at + (i + 1) * width]
        for j in range(width):
            out[j] += s0 * r0[j]


@jit
def project(x: Any, weights: Any, at: int, scale: float, out: Any) -> None:
    """out += scale · W @ x, W the matrix `(m, width)` whose few long rows begin at `at` in the flat `weights`, x
    `(width,)`, out `(m,)`."""
    for i in range(out.size):
        row = weights[at + i * x.size : at + (i + 1) * x.size]
        total = x[0] * row[0]
        for j in range(1, x.size):
            total += x[j] * row[j]
        out[i] += scale * total


# What `head` holds: of the whole, and of each term where its arrays begin (`LAST` is −1 where it does not go back).
CODE, DEPTH, WIDTH, SIZE, PASSES, WHOLE = 0, 1, 2, 3, 4, 5
FIRST, INNER, INNER_TRANSPOSED, LAST, OUT, BIAS, EACH = 0, 1, 2, 3, 4, 5, 6


@jit
def begin_field(x: Any, head: Any, numbers: Any, out: Any) -> None:
    """out <- (rates·p, 0), `(2·dof,)` as x; the terms are added to that. `rates` `(dof,)` end `numbers`."""
    dof = x.size // 2
    for i in range(dof):
        out[i] = numbers[numbers.size - dof + i] * x[dof + i]
        out[dof + i] = 0.0


@jit
def scale_of(head: Any, numbers: Any, which: int) -> float:
    """Return the factor of the term number `which`: 1, or the friction's."""
    scale: float = numbers[numbers.size - head[SIZE] // 2 - head[PASSES] + which]
    return scale


@jit
def has_gone_forward(head: Any, which: int) -> bool:
    """Return whether the term number `which` goes back from where the one before has gone forward: the slopes are still
    there."""
    at = WHOLE + which * EACH
    return which > 0 and head[at + FIRST] == head[at - EACH + FIRST] and head[at + LAST] >= 0


@jit
def _add_pass(x: Any, head: Any, which: int, numbers: Any, weights: Any, work: Any, out: Any) -> None:
    """out += a term at x, in float64. A loop reads and writes rows of `work`; it does not reshape, which is slow."""
    code, depth, width, at = head[CODE], head[DEPTH], head[WIDTH], WHOLE + which * EACH
    first, inner, inner_transposed = head[at + FIRST], head[at + INNER], head[at + INNER_TRANSPOSED]
    last, final, biases = head[at + LAST], head[at + OUT], head[at + BIAS]
    square = width * width
    hidden, back, poly, power = work[0], work[1], work[2], work[3]
    bits = power.view(np.int64)
    for layer in range(0 if has_gone_forward(head, which) else depth):
        sums = hidden if layer == 0 else back
        for i in range(width):
            sums[i] = numbers[biases + layer * width + i]
        if layer == 0:
            accumulate(x, weights, first, sums)
        else:
            accumulate(hidden, weights, inner + (layer - 1) * square, sums)
            for i in range(width):
                hidden[i] = back[i]
        activate_wide(hidden, work[4 + layer], code, bits, power, poly)
    if last >= 0:
        for i in range(width):
            hidden[i] = weights[last + i] * work[3 + depth, i]
        for layer in range(depth - 1, 0, -1):
            for i in range(width):
                back[i] = 0.0
            accumulate(hidden, weights, inner_transposed + (layer - 1) * square, back)
            for i in range(width):
                hidden[i] = back[i] * work[3 + layer, i]
    project(hidden, weights, final, scale_of(head, numbers, which), out)


@jit
def _field(x: Any, head: Any, numbers: Any, weights: Any, work: Any, out: Any) -> None:
    """out <- the field at x, in float64."""
    begin_field(x, head, numbers, out)
    for which in range(head[PASSES]):
        _add_pass(x, head, which, numbers, weights, work, out)


# x; head, numbers and weights, see `weight_layout.WeightLayout`; memory in either precision; where the field goes.
NETWORK = types.void(VECTOR, INTEGERS, VECTOR, SINGLES, VECTOR, MATRIX, SINGLE_ROWS, VECTOR)


@jit_at(NETWORK)
def field_single(x: Any, head: Any, numbers: Any, single: Any, double: Any, work: Any, work32: Any, out: Any) -> None:
    """out <- the field at x of networks with float32 weights, computed in float64.

    x, out: `(2·dof,)`; the others as `WeightLayout` and its `memory` have them.
    """
    _field(x, head, numbers, single, work, out)


@jit_at(NETWORK)
def field_double(x: Any, head: Any, numbers: Any, single: Any, double: Any, work: Any, work32: Any, out: Any) -> None:
    """out <- the field at x of networks with float64 weights.

    x, out: `(2·dof,)`; the others as `WeightLayout` and its `memory` have them.
    """
    _field(x, head, numbers, double, work, out)
