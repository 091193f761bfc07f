"""A field that is a sum of terms through perceptrons at one state, there and back, fused; `weight_layout` lays it out.

Weights trained in float32 are kept so and widened in the registers, which halves the reading of the square matrix and
changes no digit. What is made of exp is computed in bulk, exp by a polynomial of degree 13, to 4·10⁻¹⁶.
"""

import math
from typing import Any

import numpy as np
from numba import types

from hnn_engine.kernels.jit import INTEGERS, MATRIX, SINGLE_ROWS, SINGLES, VECTOR, Address, jit, jit_at, jit_for
from hnn_engine.kernels.primitives import bits, call, line, rows

TANH, SOFTPLUS, SINE, SILU = 0, 1, 2, 3
ACTIVATION_CODES = {"tanh": TANH, "softplus": SOFTPLUS, "sine": SINE, "silu": SILU}


@jit
def _exp_in_bulk(x: Any, scale: float, most: float, power: Any, poly: Any) -> None:
    """poly and, seen as float64, `power` <- (s, p) with exp(−scale · min(|x|, most)) = p(1 + s)."""
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
        power[i] = np.int64(k + 1023.0) << 52


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


@jit_for(types.void(MATRIX, VECTOR, types.int64, MATRIX, MATRIX, MATRIX))
def activate_wide(a: Any, bias: Any, code: int, h: Any, slope: Any, spare: Any) -> None:
    """h <- σ(a + bias), slope <- σ′, `(rows, width)`, `bias` `(width,)`; `code` as in `ACTIVATION_CODES`; `spare`
    `(2 or more, width)`. `0.0 * x` lets NaN through, which `min` does not."""
    poly, power = spare[0], spare[1]
    whole = bits(power)
    for row in range(a.shape[0]):
        sums, out, out_slope = a[row], h[row], slope[row]
        for i in range(bias.size):
            out[i] = sums[i] + bias[i]
        if code == SINE:
            for i in range(bias.size):
                x = out[i]
                out[i], out_slope[i] = math.sin(x), math.cos(x)
        elif code == TANH:
            _exp_in_bulk(out, 2.0, 20.0, whole, poly)
            for i in range(bias.size):
                x, e = out[i], poly[i] * power[i] + (power[i] - 1.0)
                value = math.copysign(-e / (2.0 + e), x) + 0.0 * x
                out[i] = value
                out_slope[i] = 1.0 - value * value
        else:
            _exp_in_bulk(out, 1.0, 700.0, whole, poly)
            for i in range(bias.size):
                x, e = out[i], poly[i] * power[i] + power[i]
                near = 1.0 / (1.0 + e)
                far = e * near
                gate, rest = (near, far) if x >= 0.0 else (far, near)
                gate += 0.0 * x
                if code == SOFTPLUS:
                    out[i], out_slope[i] = max(x, 0.0) + _log_near_one(e) + 0.0 * x, gate
                else:
                    out[i], out_slope[i] = x * gate, gate * (1.0 + x * rest)


ACTIVATE_WIDE = Address(activate_wide, types.void(MATRIX, VECTOR, types.int64, MATRIX, MATRIX, MATRIX))


@jit
def accumulate(x: Any, weights: Any, at: int, out: Any) -> None:
    """out += x @ W, W the matrix `(n, width)` whose rows begin at `at` in the flat `weights`, x `(n,)`, out `(width,)`;
    four rows at a time so that `out` is read and written less often."""
    width = out.size
    whole = x.size - x.size % 4
    for i in range(0, whole, 4):
        begin = at + i * width
        s0, s1, s2, s3 = x[i], x[i + 1], x[i + 2], x[i + 3]
        r0, r1 = line(weights, begin, width), line(weights, begin + width, width)
        r2, r3 = line(weights, begin + 2 * width, width), line(weights, begin + 3 * width, width)
        for j in range(width):
            out[j] += s0 * r0[j] + s1 * r1[j] + s2 * r2[j] + s3 * r3[j]
    for i in range(whole, x.size):
        s0, r0 = x[i], line(weights, at + i * width, width)
        for j in range(width):
            out[j] += s0 * r0[j]


@jit
def _project(x: Any, weights: Any, at: int, scale: float, out: Any) -> None:
    """out += scale · W @ x, W the matrix `(m, width)` whose few long rows begin at `at` in the flat `weights`, x
    `(width,)`, out `(m,)`."""
    for i in range(out.size):
        row = line(weights, at + i * x.size, x.size)
        total = x[0] * row[0]
        for j in range(1, x.size):
            total += x[j] * row[j]
        out[i] += scale * total


# What `head` holds: of the whole, and of each term where its arrays begin (`LAST` is −1 where it does not go back).
CODE, DEPTH, WIDTH, SIZE, PASSES, WHOLE = 0, 1, 2, 3, 4, 5
FIRST, INNER, INNER_TRANSPOSED, LAST, OUT, BIAS, EACH = 0, 1, 2, 3, 4, 5, 6


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
def _through(x: Any, single: Any, double: Any, at: int, out: Any) -> None:
    """out <- x @ the matrix at `at`, of weights that are in one of the two."""
    for i in range(out.size):
        out[i] = 0.0
    if single.size > 0:
        accumulate(x, single, at, out)
    else:
        accumulate(x, double, at, out)


@jit
def _add_pass(
    x: Any, head: Any, which: int, numbers: Any, single: Any, double: Any, work: Any, activation: int, out: Any
) -> None:
    """out += a term at x."""
    code, depth, width, at = head[CODE], head[DEPTH], head[WIDTH], WHOLE + which * EACH
    last, final, square = head[at + LAST], head[at + OUT], width * width
    hidden, sums = work[0], work[1]
    for layer in range(0 if has_gone_forward(head, which) else depth):
        matrix = head[at + FIRST] if layer == 0 else head[at + INNER] + (layer - 1) * square
        _through(x if layer == 0 else hidden, single, double, matrix, sums)
        bias = line(numbers, head[at + BIAS] + layer * width, width)
        call(activation, (rows(work, 1, 1), bias, code, rows(work, 0, 1), rows(work, 4 + layer, 1), rows(work, 2, 2)))
    if last >= 0:
        for i in range(width):
            hidden[i] = (single[last + i] if single.size > 0 else double[last + i]) * work[3 + depth, i]
        for layer in range(depth - 1, 0, -1):
            _through(hidden, single, double, head[at + INNER_TRANSPOSED] + (layer - 1) * square, sums)
            for i in range(width):
                hidden[i] = sums[i] * work[3 + layer, i]
    if single.size > 0:
        _project(hidden, single, final, scale_of(head, numbers, which), out)
    else:
        _project(hidden, double, final, scale_of(head, numbers, which), out)


# x; head, numbers and weights, see `weight_layout.WeightLayout`; memory in either precision; where the activation of
# the precision computed in lies; where the field goes.
NETWORK = types.void(VECTOR, INTEGERS, VECTOR, SINGLES, VECTOR, MATRIX, SINGLE_ROWS, types.int64, VECTOR)


@jit_at(NETWORK)
def _field(
    x: Any, head: Any, numbers: Any, single: Any, double: Any, work: Any, work32: Any, activation: int, out: Any
) -> None:
    """out <- (rates·p, 0) and the terms at x, `(2·dof,)` both, in float64; `rates` `(dof,)` end `numbers`."""
    dof = x.size // 2
    for i in range(dof):
        out[i] = numbers[numbers.size - dof + i] * x[dof + i]
        out[dof + i] = 0.0
    for which in range(head[PASSES]):
        _add_pass(x, head, which, numbers, single, double, work, activation, out)


FIELD = Address(_field, NETWORK)
