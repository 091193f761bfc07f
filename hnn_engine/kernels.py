"""Compiled loops that follow a learned field from one start, without the interpreter lock.

The same schemes as `integrators`, fused with the perceptron: 500 RK4 steps of a 2-200-200-1 HNN take about a third
of what numpy needs, most of it spent reading the square weight matrix. Weights trained in float32 are stored so and
widened in the registers, which halves that and changes no digit. tanh is computed in bulk from
expm1 by a polynomial of degree 13, to 4·10⁻¹⁶.

Numba compiles these functions once a machine and keeps them on disk; `python -m hnn_engine.kernels` does so ahead.
Importing this module imports numba; `snapshot` uses it only after `load()`.
"""

import math
from collections.abc import Callable
from typing import Any, TypeVar

import numba
import numpy as np

from hnn_engine.coords import Array
from hnn_engine.integrators import DIVERGED, MIDPOINT_ITERATIONS, MIDPOINT_TOLERANCE

BASELINE, HNN = 0, 1
TANH, SOFTPLUS, SINE, SILU = 0, 1, 2, 3
ACTIVATION_CODES = {"tanh": TANH, "softplus": SOFTPLUS, "sine": SINE, "silu": SILU}
SCHEMES = {"rk4": 0, "implicit-midpoint": 1}

# Re-association lets sums run in vector registers; NaN and infinity keep their meaning, so divergence is seen.
_FAST = {"reassoc", "contract", "nsz", "arcp", "afn"}
_Code = TypeVar("_Code", bound=Callable[..., Any])
_jit: Callable[[_Code], _Code] = numba.njit(nogil=True, cache=True, fastmath=_FAST, error_model="numpy")


@_jit
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


@_jit
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


@_jit
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


@_jit
def _field(x: Any, net: Any, work: Any, out: Any) -> None:
    """out <- the field at x. `net` and `work` are laid out by `pack` and `_workspace`."""
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


@_jit
def _workspace(biases: Any) -> Any:
    depth, width = biases.shape
    bits = np.empty(width, np.int64)
    return np.empty(width), np.empty((depth, width)), bits, bits.view(np.float64), np.empty(width), np.empty(width)


@_jit
def _largest(x: Any) -> float:
    big = 0.0
    for i in range(x.size):
        a = abs(x[i])
        if a > big or a != a:  # NaN, once met, stays
            big = a
    return big


@_jit
def _follow(start: Any, times: Any, substeps: int, scheme: int, net: Any) -> Any:
    work = _workspace(net[6])
    out = np.full((times.size, start.size), np.nan)
    x = start.copy()
    out[0] = x
    k1, k2, k3, k4 = np.empty_like(x), np.empty_like(x), np.empty_like(x), np.empty_like(x)
    for i in range(1, times.size):
        dt = (times[i] - times[i - 1]) / substeps
        for _ in range(substeps):
            _field(x, net, work, k1)
            if scheme == 0:
                _field(x + (0.5 * dt) * k1, net, work, k2)
                _field(x + (0.5 * dt) * k2, net, work, k3)
                _field(x + dt * k3, net, work, k4)
                x = x + (dt / 6.0) * (k1 + 2.0 * (k2 + k3) + k4)
                continue
            limit = MIDPOINT_TOLERANCE * max(1.0, _largest(x))
            middle = x + (0.5 * dt) * k1
            change = np.inf
            for _ in range(MIDPOINT_ITERATIONS):
                _field(middle, net, work, k1)
                new = x + (0.5 * dt) * k1
                change = _largest(new - middle)
                middle = new
                if change <= limit:
                    break
            if not change <= limit:
                return out
            x = 2.0 * middle - x
        if not _largest(x) < DIVERGED:
            return out
        out[i] = x
    return out


@_jit
def _evaluate(x: Any, net: Any, out: Any) -> None:
    work = _workspace(net[6])
    for i in range(x.shape[0]):
        _field(x[i], net, work, out[i])


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


def follow(net: Any, start: Array, times: Array, substeps: int, integrator: str) -> Array:
    """Return coords `(T, 2*dof)` from `start` `(2*dof,)` by scheme `integrator`, NaN after a failure."""
    # Copies are contiguous and writable: any other layout would be compiled anew, for seconds.
    result: Array = _follow(np.array(start), np.array(times), substeps, SCHEMES[integrator], net)
    return result


def evaluate(net: Any, coords: Array) -> Array:
    """Return the field at `coords` `(N, 2*dof)`, for small N."""
    out = np.empty_like(coords)
    _evaluate(coords, net, out)
    return out


def warm() -> None:
    """Compile (or load from disk) the loops for float32 and float64 weights."""
    for dtype in (np.float32, np.float64):
        w = {"w0": np.ones((2, 4)), "b0": np.ones(4), "out": np.ones((4, 1))}
        net = pack(HNN, "tanh", {name: value.astype(dtype) for name, value in w.items()})
        follow(net, np.zeros(2), np.array([0.0, 0.1]), 1, "rk4")
        evaluate(net, np.zeros((1, 2)))


if __name__ == "__main__":
    warm()
