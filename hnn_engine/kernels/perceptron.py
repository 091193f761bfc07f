"""A perceptron and its symplectic gradient at one state, fused.

A network is laid out by `pack` in one array of bytes: a header of `HEADER` int64 (kind, activation, depth, width,
inputs, length of the biases), the biases in float64, then the matrices, each part on a cache line of its own, which
saves a sixth of the time. So whatever its weights, it has one type, and the integrators are
compiled once. Weights trained in float32 are stored so and widened in the registers, which halves the reading of the
square matrix and changes no digit. tanh is computed in bulk from expm1 by a polynomial of degree 13, to 4·10⁻¹⁶.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import types

from hnn_engine.coords import Array
from hnn_engine.kernels.jit import BYTES, VECTOR, jit, jit_for

BASELINE, HNN = 0, 1
HEADER = 8
LINE = 64  # bytes of a cache line
TANH, SOFTPLUS, SINE, SILU = 0, 1, 2, 3
ACTIVATION_CODES = {"tanh": TANH, "softplus": SOFTPLUS, "sine": SINE, "silu": SILU}


@jit
def _tanh_in_bulk(x: Any, slope: Any, bits: Any, power: Any, poly: Any) -> None:
    """x <- tanh(x), slope <- 1 − tanh². `power` is `bits` seen as float64."""
    for i in range(x.size):
        y = -2.0 * min(abs(x[i]), 20.0)
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
    for i in range(x.size):
        e = poly[i] * power[i] + (power[i] - 1.0)
        h = math.copysign(-e / (2.0 + e), x[i]) + 0.0 * x[i]  # the last term lets NaN through
        x[i] = h
        slope[i] = 1.0 - h * h


@jit
def _activate(x: Any, slope: Any, code: int, bits: Any, power: Any, poly: Any) -> None:
    if code == TANH:
        _tanh_in_bulk(x, slope, bits, power, poly)
        return
    for i in range(x.size):
        a = x[i]
        if code == SINE:
            x[i], slope[i] = math.sin(a), math.cos(a)
        else:
            gate = 0.5 * (1.0 + math.tanh(0.5 * a))
            if code == SOFTPLUS:
                x[i], slope[i] = max(a, 0.0) + math.log1p(math.exp(-abs(a))), gate
            else:
                x[i], slope[i] = a * gate, gate * (1.0 + a * (1.0 - gate))


@jit
def accumulate(x: Any, matrix: Any, out: Any) -> None:
    """out += x @ matrix, four rows at a time so that `out` is read and written a quarter as often."""
    rows = x.size
    quads = rows - rows % 4
    for i in range(0, quads, 4):
        s0, s1, s2, s3 = x[i], x[i + 1], x[i + 2], x[i + 3]
        r0, r1, r2, r3 = matrix[i], matrix[i + 1], matrix[i + 2], matrix[i + 3]
        for j in range(out.size):
            out[j] += s0 * r0[j] + s1 * r1[j] + s2 * r2[j] + s3 * r3[j]
    for i in range(quads, rows):
        s0, r0 = x[i], matrix[i]
        for j in range(out.size):
            out[j] += s0 * r0[j]


@jit
def project(x: Any, matrix: Any, out: Any) -> None:
    """out <- matrix @ x, for a matrix of a few long rows."""
    for i in range(out.size):
        row = matrix[i]
        total = x[0] * row[0]
        for j in range(1, x.size):
            total += x[j] * row[j]
        out[i] = total


@jit
def matrix_at(weights: Any, at: int, rows: int, columns: int) -> Any:
    return weights[at : at + rows * columns].reshape(rows, columns)


@jit
def _field(x: Any, head: Any, biases: Any, weights: Any, work: Any, out: Any) -> None:
    """out <- the field at x. Matrices: first; first turned by J; inner ones; inner ones transposed; last transposed."""
    kind, code, depth, width, inputs = head[0], head[1], head[2], head[3], head[4]
    square = width * width
    inner = 2 * inputs * width
    turned = inner + (depth - 1) * square
    last = turned + (depth - 1) * square
    hidden, back, poly, power = (
        work[:width],
        work[width : 2 * width],
        work[2 * width : 3 * width],
        work[3 * width : 4 * width],
    )
    slopes = work[4 * width : (4 + depth) * width].reshape(depth, width)
    bits = power.view(np.int64)
    for i in range(width):
        hidden[i] = biases[i]
    accumulate(x, matrix_at(weights, 0, inputs, width), hidden)
    _activate(hidden, slopes[0], code, bits, power, poly)
    for layer in range(1, depth):
        for i in range(width):
            back[i] = biases[layer * width + i]
        accumulate(hidden, matrix_at(weights, inner + (layer - 1) * square, width, width), back)
        for i in range(width):
            hidden[i] = back[i]
        _activate(hidden, slopes[layer], code, bits, power, poly)
    if kind == BASELINE:
        project(hidden, matrix_at(weights, last, inputs, width), out)
        return
    for i in range(width):
        hidden[i] = weights[last + i] * slopes[depth - 1, i]
    for layer in range(depth - 1, 0, -1):
        for i in range(width):
            back[i] = 0.0
        accumulate(hidden, matrix_at(weights, turned + (layer - 1) * square, width, width), back)
        for i in range(width):
            hidden[i] = back[i] * slopes[layer - 1, i]
    project(hidden, matrix_at(weights, inputs * width, inputs, width), out)


@jit
def parts(net: Any) -> Any:
    """Return the header, the biases, and where the matrices begin."""
    head = net[: 8 * HEADER].view(np.int64)
    end = 8 * (HEADER + head[5])
    return head, net[8 * HEADER : end].view(np.float64), end


NETWORK = types.void(VECTOR, BYTES, VECTOR, VECTOR)


@jit_for(NETWORK)
def field_single(x: Any, net: Any, work: Any, out: Any) -> None:
    """out <- the field at x of a network with float32 weights; `work` holds `workspace` numbers."""
    head, biases, end = parts(net)
    _field(x, head, biases, net[end:].view(np.float32), work, out)


@jit_for(NETWORK)
def field_double(x: Any, net: Any, work: Any, out: Any) -> None:
    """out <- the field at x of a network with float64 weights; `work` holds `workspace` numbers."""
    head, biases, end = parts(net)
    _field(x, head, biases, net[end:].view(np.float64), work, out)


def workspace(net: npt.NDArray[np.uint8]) -> Array:
    """Return the working memory that the field of `net` needs, in either precision."""
    head = net[: 8 * HEADER].view(np.int64)
    return on_lines(8 * int((head[2] + 4) * head[3] + head[4])).view(np.float64)


def on_lines(size: int) -> npt.NDArray[np.uint8]:
    """Return `size` bytes that begin on a cache line."""
    raw = np.zeros(size + LINE, dtype=np.uint8)
    begin = -raw.ctypes.data % LINE
    return raw[begin : begin + size]


def pack(kind: int, activation: str, weights: dict[str, Array]) -> tuple[npt.NDArray[np.uint8], bool]:
    """Lay out a perceptron with equal hidden widths; return it, and whether its weights are single precision.

    J is folded into a copy of the first matrix, which gives the HNN's field from the gradient of its last layer.
    """
    depth = sum(name.startswith("w") for name in weights)
    single = all(w.dtype == np.float32 for w in weights.values())
    first = weights["w0"]
    inputs, width = first.shape
    inner = [weights[f"w{i}"] for i in range(1, depth)]
    turned = np.concatenate([first[inputs // 2 :], -first[: inputs // 2]])
    matrices = [first, turned, *inner, *(w.T for w in inner), weights["out"].T]
    room = -(-depth * width // 8) * 8  # whole lines
    biases = np.zeros(room)
    biases[: depth * width] = np.concatenate([weights[f"b{i}"] for i in range(depth)])
    parts = (
        np.array([kind, ACTIVATION_CODES[activation], depth, width, inputs, room, 0, 0], dtype=np.int64),
        biases,
        np.concatenate([m.ravel() for m in matrices]).astype(np.float32 if single else np.float64),
    )
    net = on_lines(sum(part.nbytes for part in parts))
    net[:] = np.concatenate([part.view(np.uint8) for part in parts])
    return net, single
