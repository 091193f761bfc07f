"""The field of perceptrons at a block of states at once: square products go to BLAS, which reads a matrix once for all.

A block is laid out coordinate by coordinate, x = (q₁ of all, q₂ of all, …, p of all), as one long state. To the
integrators it is a flow of more coordinates, and none of their lines says what it holds. In float32 a single
state is a block too.
"""

from typing import Any

import numpy as np

from hnn_engine.kernels.jit import Address, jit, jit_at
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
    accumulate,
    has_gone_forward,
    scale_of,
)
from hnn_engine.kernels.primitives import call, line, matrix, product, rows
from hnn_engine.kernels.products import multiply, scale_columns
from hnn_engine.kernels.weight_layout import WeightLayout, zeros_on_lines


def room(net: WeightLayout, count: int, single: bool) -> tuple[Any, Any]:
    """Return the working memory of `count` states, `((depth + 3)·count + 2, width)` in float64 and in float32, in the
    precision that is computed in, float32 where `single`; the other has no rows."""
    width = int(net.head[WIDTH])
    shape = ((int(net.head[DEPTH]) + 3) * count + 2, width)
    if single:
        return np.zeros((0, width)), zeros_on_lines(shape, np.float32)
    return zeros_on_lines(shape, np.float64), np.zeros((0, width), np.float32)


@jit
def _thin(x: Any, n: int, weights: Any, at: int, out: Any) -> None:
    """out <- the states @ the matrix whose few rows begin at `at`."""
    width = out.shape[1]
    for k in range(0, x.size // n, 2):
        first, second = line(weights, at + k * width, width), line(weights, at + (k + 1) * width, width)
        for i in range(n):
            a, b, row = weights.dtype.type(x[k * n + i]), weights.dtype.type(x[(k + 1) * n + i]), out[i]
            if k == 0:
                for j in range(width):
                    row[j] = a * first[j] + b * second[j]
            else:
                for j in range(width):
                    row[j] += a * first[j] + b * second[j]


@jit
def _square(hidden: Any, weights: Any, at: int, out: Any) -> None:
    """out <- hidden @ the square matrix that begins at `at`."""
    width = out.shape[1]
    if out.shape[0] > 1:
        product(hidden, matrix(weights, at, width, width), out, False)
        return
    sums = out[0]
    for i in range(width):
        sums[i] = 0.0
    accumulate(hidden[0], weights, at, sums)


@jit
def _project(h: Any, weights: Any, at: int, scale: float, out: Any) -> None:
    """out += scale · h @ the matrix whose few long rows, one a coordinate, begin at `at`, transposed."""
    n, width = h.shape
    for i in range(n):
        row = h[i]
        for k in range(out.size // n):
            long = line(weights, at + k * width, width)
            total = row[0] * long[0]
            for j in range(1, width):
                total += row[j] * long[j]
            out[k * n + i] += scale * total


@jit
def _add_pass(x: Any, head: Any, which: int, numbers: Any, weights: Any, work: Any, activation: int, out: Any) -> None:
    """out += a term at each state of x."""
    code, depth, width, at = head[CODE], head[DEPTH], head[WIDTH], WHOLE + which * EACH
    last, n = head[at + LAST], x.size // head[SIZE]
    sums, hidden, spare = rows(work, 0, n), rows(work, n, n), rows(work, 2 * n, n + 1)
    bias, slopes = work[3 * n + 1], 3 * n + 2
    for layer in range(0 if has_gone_forward(head, which) else depth):
        begin = head[at + BIAS] + layer * width
        for j in range(width):
            bias[j] = numbers[begin + j]
        if layer == 0:
            _thin(x, n, weights, head[at + FIRST], sums)
        else:
            _square(hidden, weights, head[at + INNER] + (layer - 1) * width * width, sums)
        call(activation, (sums, bias, code, hidden, rows(work, slopes + layer * n, n), spare))
    if last >= 0:
        scale_columns(rows(work, slopes + (depth - 1) * n, n), line(weights, last, width), hidden)
        for layer in range(depth - 1, 0, -1):
            _square(hidden, weights, head[at + INNER_TRANSPOSED] + (layer - 1) * width * width, sums)
            multiply(sums, rows(work, slopes + (layer - 1) * n, n), hidden)
    _project(hidden, weights, head[at + OUT], scale_of(head, numbers, which), out)


@jit
def _field(x: Any, head: Any, numbers: Any, weights: Any, work: Any, activation: int, out: Any) -> None:
    """out <- the field at each state of x."""
    dof = head[SIZE] // 2
    n = x.size // head[SIZE]
    for k in range(dof):
        rate = numbers[numbers.size - dof + k]
        for i in range(n):
            out[k * n + i], out[(dof + k) * n + i] = rate * x[(dof + k) * n + i], 0.0
    for which in range(head[PASSES]):
        _add_pass(x, head, which, numbers, weights, work, activation, out)


@jit_at(NETWORK)
def _field_float32(
    x: Any, head: Any, numbers: Any, single: Any, double: Any, work: Any, work32: Any, activation: int, out: Any
) -> None:
    """out <- the field at a block of states x, computed in float32: about six digits.

    x, out: `(rows·2·dof,)`, coordinate by coordinate; the others as `WeightLayout` and `room` have them.
    """
    _field(x, head, numbers, single, work32, activation, out)


@jit_at(NETWORK)
def _field_float64(
    x: Any, head: Any, numbers: Any, single: Any, double: Any, work: Any, work32: Any, activation: int, out: Any
) -> None:
    """out <- the field at a block of states x, computed in float64.

    x, out: `(rows·2·dof,)`, coordinate by coordinate; the others as `WeightLayout` and `room` have them.
    """
    _field(x, head, numbers, double, work, activation, out)


FIELD_FLOAT32, FIELD_FLOAT64 = Address(_field_float32, NETWORK), Address(_field_float64, NETWORK)
