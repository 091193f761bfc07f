"""A perceptron and its symplectic gradient at one state, fused.

Weights trained in float32 are kept so and widened in the registers, which halves the reading of the square matrix and
changes no digit. tanh is computed in bulk from expm1 by a polynomial of degree 13, to 4·10⁻¹⁶.
"""

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import types

from hnn_engine.coords import Array
from hnn_engine.kernels.jit import INTEGERS, MATRIX, SINGLE_ROWS, SINGLES, VECTOR, jit, jit_for

BASELINE, HNN = 0, 1
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
def accumulate(x: Any, weights: Any, at: int, out: Any) -> None:
    """out += x @ the matrix whose rows begin at `at`, four at a time so that `out` is read and written less often."""
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
def project(x: Any, weights: Any, at: int, out: Any) -> None:
    """out <- the matrix whose few long rows begin at `at` @ x."""
    for i in range(out.size):
        row = weights[at + i * x.size : at + (i + 1) * x.size]
        total = x[0] * row[0]
        for j in range(1, x.size):
            total += x[j] * row[j]
        out[i] = total


@jit
def places(head: Any) -> Any:
    """Return where the matrices begin: first; first turned by J; inner ones; inner ones transposed; last transposed."""
    depth, width, inputs = head[2], head[3], head[4]
    thin, square = inputs * width, (depth - 1) * width * width
    return 0, thin, 2 * thin, 2 * thin + square, 2 * (thin + square)


@jit
def _field(x: Any, head: Any, biases: Any, weights: Any, work: Any, out: Any) -> None:
    """out <- the field at x, in float64. A loop reads and writes rows of `work`; it does not reshape, which is slow."""
    kind, code, depth, width = head[0], head[1], head[2], head[3]
    first, first_turned, inner, inner_turned, last = places(head)
    hidden, back, poly, power = work[0], work[1], work[2], work[3]
    bits = power.view(np.int64)
    for layer in range(depth):
        sums = hidden if layer == 0 else back
        for i in range(width):
            sums[i] = biases[layer * width + i]
        if layer == 0:
            accumulate(x, weights, first, sums)
        else:
            accumulate(hidden, weights, inner + (layer - 1) * width * width, sums)
            for i in range(width):
                hidden[i] = back[i]
        _activate(hidden, work[4 + layer], code, bits, power, poly)
    if kind == BASELINE:
        project(hidden, weights, last, out)
        return
    for i in range(width):
        hidden[i] = weights[last + i] * work[3 + depth, i]
    for layer in range(depth - 1, 0, -1):
        for i in range(width):
            back[i] = 0.0
        accumulate(hidden, weights, inner_turned + (layer - 1) * width * width, back)
        for i in range(width):
            hidden[i] = back[i] * work[3 + layer, i]
    project(hidden, weights, first_turned, out)


# x; the network's head, biases and weights in either precision; memory in either precision; where the field goes.
NETWORK = types.void(VECTOR, INTEGERS, VECTOR, SINGLES, VECTOR, MATRIX, SINGLE_ROWS, VECTOR)


@jit_for(NETWORK)
def field_single(x: Any, head: Any, biases: Any, single: Any, double: Any, work: Any, swift: Any, out: Any) -> None:
    """out <- the field at x of a network with float32 weights."""
    _field(x, head, biases, single, work, out)


@jit_for(NETWORK)
def field_double(x: Any, head: Any, biases: Any, single: Any, double: Any, work: Any, swift: Any, out: Any) -> None:
    """out <- the field at x of a network with float64 weights."""
    _field(x, head, biases, double, work, out)


class Packed(NamedTuple):
    """A network as the loops read it: `head` holds kind, activation, depth, width and inputs.

    `single` or `double` holds the matrices, the other is empty. Each array begins on a cache line, which saves a sixth
    of the time.
    """

    head: npt.NDArray[np.int64]
    biases: Array
    single: npt.NDArray[np.float32]
    double: Array

    def memory(self) -> tuple[Array, npt.NDArray[np.float32]]:
        """Return the working memory of a field, in either precision."""
        shape = (int(self.head[2]) + 4, int(self.head[3]))
        return on_lines(np.zeros(shape)).reshape(shape), on_lines(np.zeros(shape, dtype=np.float32)).reshape(shape)


def on_lines(values: Any) -> Any:
    """Return `values`, flat, copied to where a cache line begins."""
    raw = np.zeros(values.nbytes + LINE, dtype=np.uint8)
    begin = -raw.ctypes.data % LINE
    made = raw[begin : begin + values.nbytes].view(values.dtype)
    made[:] = values.ravel()
    return made


def pack(kind: int, activation: str, weights: dict[str, Array]) -> Packed:
    """Lay out a perceptron with equal hidden widths.

    J is folded into a copy of the first matrix, which gives the HNN's field from the gradient of its last layer.
    """
    depth = sum(name.startswith("w") for name in weights)
    first = weights["w0"]
    inputs, width = first.shape
    inner = [weights[f"w{i}"] for i in range(1, depth)]
    turned = np.concatenate([first[inputs // 2 :], -first[: inputs // 2]])
    matrices = [first, turned, *inner, *(w.T for w in inner), weights["out"].T]
    flat, none = np.concatenate([m.ravel() for m in matrices]), np.zeros(0)
    single = all(w.dtype == np.float32 for w in weights.values())
    return Packed(
        np.array([kind, ACTIVATION_CODES[activation], depth, width, inputs], dtype=np.int64),
        on_lines(np.concatenate([weights[f"b{i}"] for i in range(depth)]).astype(np.float64)),
        on_lines((flat if single else none).astype(np.float32)),
        on_lines((none if single else flat).astype(np.float64)),
    )
