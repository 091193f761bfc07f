"""Products of float32 matrices for a training step: the thin ones (2·dof columns), and number by number."""

from typing import Any

import numpy as np

from hnn_engine.kernels.jit import jit
from hnn_engine.kernels.primitives import line


@jit
def thin(x: Any, matrix: Any, out: Any) -> None:
    """out <- x @ matrix, `(n, k) @ (k, width)`, for x of few columns."""
    begin = 2 - x.shape[1] % 2
    for i in range(x.shape[0]):
        row = out[i]
        if begin == 1:
            a, first = x[i, 0], matrix[0]
            for j in range(row.size):
                row[j] = a * first[j]
        else:
            a, b, first, second = x[i, 0], x[i, 1], matrix[0], matrix[1]
            for j in range(row.size):
                row[j] = a * first[j] + b * second[j]
        for k in range(begin, x.shape[1], 2):
            a, b, first, second = x[i, k], x[i, k + 1], matrix[k], matrix[k + 1]
            for j in range(row.size):
                row[j] += a * first[j] + b * second[j]


@jit
def thin_transposed(g: Any, matrix: Any, out: Any) -> None:
    """out <- g @ matrix.T, `(n, width) @ (width, k)`, for a matrix of few rows."""
    odd = matrix.shape[0] % 2
    for i in range(g.shape[0]):
        row = g[i]
        if odd:
            a, first = np.float32(0.0), matrix[0]
            for j in range(row.size):
                a += row[j] * first[j]
            out[i, 0] = a
        for k in range(odd, matrix.shape[0], 2):
            first, second = matrix[k], matrix[k + 1]
            a, b = np.float32(0.0), np.float32(0.0)
            for j in range(row.size):
                a += row[j] * first[j]
                b += row[j] * second[j]
            out[i, k], out[i, k + 1] = a, b


@jit
def add_outer(x: Any, g: Any, out: Any) -> None:
    """out += x.T @ g, `(k, n) @ (n, width)`, for x of few columns; four rows at a time: `out` is then read and written
    a quarter as often."""
    rows = x.shape[0]
    quads = rows - rows % 4
    for i in range(0, quads, 4):
        g0, g1, g2, g3 = g[i], g[i + 1], g[i + 2], g[i + 3]
        for k in range(x.shape[1]):
            x0, x1, x2, x3 = x[i, k], x[i + 1, k], x[i + 2, k], x[i + 3, k]
            row = out[k]
            for j in range(row.size):
                row[j] += (x0 * g0[j] + x1 * g1[j]) + (x2 * g2[j] + x3 * g3[j])
    for i in range(quads, rows):
        g0 = g[i]
        for k in range(x.shape[1]):
            x0, row = x[i, k], out[k]
            for j in range(row.size):
                row[j] += x0 * g0[j]


@jit
def multiply(x: Any, y: Any, out: Any) -> None:
    """out <- x ⊙ y, of equal shapes, in one long loop."""
    a, b, c = line(x, 0, x.size), line(y, 0, x.size), line(out, 0, x.size)
    for i in range(a.size):
        c[i] = a[i] * b[i]


@jit
def multiply_by(x: Any, out: Any) -> None:
    """out <- out ⊙ x, of equal shapes; `multiply` onto one of its own factors would go number by number, in case they
    overlap."""
    a, b = line(x, 0, x.size), line(out, 0, x.size)
    for i in range(a.size):
        b[i] *= a[i]


@jit
def add_multiplied(x: Any, y: Any, out: Any) -> None:
    """out += x ⊙ y, of equal shapes."""
    a, b, c = line(x, 0, x.size), line(y, 0, x.size), line(out, 0, x.size)
    for i in range(a.size):
        c[i] += a[i] * b[i]


@jit
def scale_columns(x: Any, factors: Any, out: Any) -> None:
    """out <- x ⊙ factors, `(n, width)`, one factor a column, `(width,)`."""
    for i in range(x.shape[0]):
        row, new = x[i], out[i]
        for j in range(factors.size):
            new[j] = row[j] * factors[j]
