"""A perceptron and its symplectic gradient at one state, fused.

Weights trained in float32 are stored so and widened in the registers, which halves the reading of the square matrix
and changes no digit. tanh is computed in bulk from expm1 by a polynomial of degree 13, to 4·10⁻¹⁶.
"""

import math
from typing import Any

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.kernels.jit import jit

BASELINE, HNN = 0, 1
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
def _accumulate(x: Any, matrix: Any, out: Any) -> None:
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
def field(x: Any, net: Any, work: Any, out: Any) -> None:
    """out <- the field at x. `net` and `work` are laid out by `pack` and `workspace`."""
    kind, code, first, first_back, inner, inner_back, biases, last = net
    hidden, slopes, bits, power, poly, back = work
    depth = biases.shape[0]
    hidden[:] = biases[0]
    _accumulate(x, first, hidden)
    _activate(hidden, slopes[0], code, bits, power, poly)
    for layer in range(1, depth):
        back[:] = biases[layer]
        _accumulate(hidden, inner[layer - 1], back)
        hidden[:] = back
        _activate(hidden, slopes[layer], code, bits, power, poly)
    if kind == BASELINE:
        out[:] = 0.0
        _accumulate(hidden, last, out)
        return
    for i in range(hidden.size):
        hidden[i] = last[i, 0] * slopes[depth - 1, i]
    for layer in range(depth - 1, 0, -1):
        back[:] = 0.0
        _accumulate(hidden, inner_back[layer - 1], back)
        for i in range(hidden.size):
            hidden[i] = back[i] * slopes[layer - 1, i]
    out[:] = 0.0
    _accumulate(hidden, first_back, out)


@jit
def workspace(biases: Any) -> Any:
    depth, width = biases.shape
    bits = np.empty(width, np.int64)
    return np.empty(width), np.empty((depth, width)), bits, bits.view(np.float64), np.empty(width), np.empty(width)


def pack(kind: int, activation: str, weights: dict[str, Array]) -> Any:
    """Lay out a perceptron with equal hidden widths for the compiled loops; J is folded into the last matrix."""
    depth = sum(name.startswith("w") for name in weights)
    single = all(w.dtype == np.float32 for w in weights.values())
    dtype = np.float32 if single else np.float64
    first = np.ascontiguousarray(weights["w0"], dtype=dtype)
    width = first.shape[1]
    inner = np.zeros((max(depth - 1, 1), width, width), dtype=dtype)
    for i in range(1, depth):
        inner[i - 1] = weights[f"w{i}"]
    dof = first.shape[0] // 2
    turned = np.concatenate([weights["w0"][dof:], -weights["w0"][:dof]]).T
    return (
        kind,
        ACTIVATION_CODES[activation],
        first,
        np.ascontiguousarray(turned, dtype=dtype),
        inner,
        np.ascontiguousarray(inner.transpose(0, 2, 1)),
        np.stack([weights[f"b{i}"] for i in range(depth)]).astype(np.float64),
        np.ascontiguousarray(weights["out"], dtype=dtype),
    )
