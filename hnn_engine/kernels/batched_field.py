"""The field of perceptrons at a block of states at once: square products go to BLAS, which reads a matrix once for all.

A block is laid out coordinate by coordinate, x = (q₁ of all, q₂ of all, …, p of all), as one long state. To the
integrators it is a flow of more coordinates, and none of their lines says what it holds.
"""

from typing import Any

import numpy as np

from hnn_engine.kernels.activations import activate
from hnn_engine.kernels.jit import compiled_for, jit, jit_at
from hnn_engine.kernels.perceptron import (
    BIAS,
    CODE,
    DEPTH,
    EACH,
    FIRST,
    INNER,
    INNER_TRANSPOSED,
    LAST,
    NETWORK,
    OUT,
    PASSES,
    SIZE,
    WHOLE,
    WIDTH,
    activate_wide,
    has_gone_forward,
    scale_of,
)
from hnn_engine.kernels.products import multiply, scale_columns
from hnn_engine.kernels.weight_layout import WeightLayout

_SPARE = 3  # blocks of rows beside the slopes of each layer


def room(net: WeightLayout, rows: int, single: bool) -> tuple[Any, Any]:
    """Return the working memory of `rows` states, `((depth + 3)·rows, width)` in float64 and in float32, in the
    precision that is computed in, float32 where `single`; the other has no rows."""
    shape = ((int(net.head[DEPTH]) + _SPARE) * rows, int(net.head[WIDTH]))
    wide, narrow = ((0, shape[1]), shape) if single else (shape, (0, shape[1]))
    return np.zeros(wide), np.zeros(narrow, dtype=np.float32)


def _sigma(a: Any, bias: Any, code: int, h: Any, slope: Any) -> None:
    """h <- σ(a + bias), slope <- σ′; a may be overwritten. All `(rows, width)`."""


@compiled_for(_sigma)
def _sigma_of(a: Any, bias: Any, code: int, h: Any, slope: Any) -> Any:
    if a.dtype.bitwidth == 32:

        def narrow(a: Any, bias: Any, code: int, h: Any, slope: Any) -> None:
            activate(a, bias, code, h, slope, a)  # σ″ of SiLU is not wanted, and a no longer

        return narrow

    def wide(a: Any, bias: Any, code: int, h: Any, slope: Any) -> None:
        poly, power = np.empty(bias.size), np.empty(bias.size)
        bits = power.view(np.int64)
        for i in range(a.shape[0]):
            row = h[i]
            for j in range(bias.size):
                row[j] = a[i, j] + bias[j]
            activate_wide(row, slope[i], code, bits, power, poly)

    return wide


@jit
def _thin(x: Any, n: int, weights: Any, at: int, out: Any) -> None:
    """out <- the states @ the matrix whose few rows begin at `at`."""
    width = out.shape[1]
    for k in range(0, x.size // n, 2):
        begin = at + k * width
        first, second = weights[begin : begin + width], weights[begin + width : begin + 2 * width]
        for i in range(n):
            a, b, row = weights.dtype.type(x[k * n + i]), weights.dtype.type(x[(k + 1) * n + i]), out[i]
            if k == 0:
                for j in range(width):
                    row[j] = a * first[j] + b * second[j]
            else:
                for j in range(width):
                    row[j] += a * first[j] + b * second[j]


@jit
def _project(h: Any, weights: Any, at: int, scale: float, out: Any) -> None:
    """out += scale · h @ the matrix whose few long rows, one a coordinate, begin at `at`, transposed."""
    n, width = h.shape
    for i in range(n):
        row = h[i]
        for k in range(out.size // n):
            matrix = weights[at + k * width : at + (k + 1) * width]
            total = row[0] * matrix[0]
            for j in range(1, width):
                total += row[j] * matrix[j]
            out[k * n + i] += scale * total


@jit
def _square(weights: Any, at: int, layer: int, width: int) -> Any:
    """Return the matrix behind a hidden layer."""
    begin = at + layer * width * width
    return weights[begin : begin + width * width].reshape(width, width)


@jit
def _add_pass(x: Any, head: Any, which: int, numbers: Any, weights: Any, work: Any, out: Any) -> None:
    """out += a term at each state of x."""
    code, depth, width, at = head[CODE], head[DEPTH], head[WIDTH], WHOLE + which * EACH
    last, n = head[at + LAST], x.size // head[SIZE]
    sums, hidden, bias = work[:n], work[n : 2 * n], work[2 * n]
    for layer in range(0 if has_gone_forward(head, which) else depth):
        slope = work[(3 + layer) * n : (4 + layer) * n]
        begin = head[at + BIAS] + layer * width
        for j in range(width):
            bias[j] = numbers[begin + j]
        if layer == 0:
            _thin(x, n, weights, head[at + FIRST], sums)
        else:
            np.dot(hidden, _square(weights, head[at + INNER], layer - 1, width), sums)
        _sigma(sums, bias, code, hidden, slope)
    if last >= 0:
        scale_columns(work[(2 + depth) * n : (3 + depth) * n], weights[last : last + width], hidden)
        for layer in range(depth - 1, 0, -1):
            np.dot(hidden, _square(weights, head[at + INNER_TRANSPOSED], layer - 1, width), sums)
            multiply(sums, work[(2 + layer) * n : (3 + layer) * n], hidden)
    _project(hidden, weights, head[at + OUT], scale_of(head, numbers, which), out)


@jit
def _field(x: Any, head: Any, numbers: Any, weights: Any, work: Any, out: Any) -> None:
    """out <- the field at each state of x."""
    dof = head[SIZE] // 2
    n = x.size // head[SIZE]
    for k in range(dof):
        rate = numbers[numbers.size - dof + k]
        for i in range(n):
            out[k * n + i], out[(dof + k) * n + i] = rate * x[(dof + k) * n + i], 0.0
    for which in range(head[PASSES]):
        _add_pass(x, head, which, numbers, weights, work, out)


@jit_at(NETWORK)
def batched_field_float32(
    x: Any, head: Any, numbers: Any, single: Any, double: Any, work: Any, work32: Any, out: Any
) -> None:
    """out <- the field at a block of states x, computed in float32: about six digits.

    x, out: `(rows·2·dof,)`, coordinate by coordinate; the others as `WeightLayout` and `room` have them.
    """
    _field(x, head, numbers, single, work32, out)


@jit_at(NETWORK)
def batched_field_float64(
    x: Any, head: Any, numbers: Any, single: Any, double: Any, work: Any, work32: Any, out: Any
) -> None:
    """out <- the field at a block of states x, computed in float64.

    x, out: `(rows·2·dof,)`, coordinate by coordinate; the others as `WeightLayout` and `room` have them.
    """
    _field(x, head, numbers, double, work, out)
