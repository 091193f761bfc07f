"""σ and its derivatives for a block of rows in float32, in bulk.

exp is 2^k times a polynomial, after a reduction to |r| ≤ ln 2 / 2, and the others follow from it: written without a
branch or a call, the loops run in vector registers. h is right to three units in the last place. NaN comes through,
since a fit has to see it: `a if a > b else b` gives b for it, so the limit stands where it is not wanted. Additions
keep their order here, since the reductions rest on it.
"""

import math
from typing import Any

import numpy as np
from numba import types

from hnn_engine.kernels.jit import SINGLE_ROWS, SINGLES, Address, jit_ordered, jit_ordered_for
from hnn_engine.kernels.perceptron import SILU, SINE, SOFTPLUS, TANH
from hnn_engine.kernels.primitives import line

# Of type float32, each: one float64 among them would widen the whole loop.
_0, _1, _2 = (np.float32(x) for x in (0.0, 1.0, 2.0))
_LOG2_E, _LN2 = np.float32(1 / math.log(2)), np.float32(math.log(2))
_ROUND = np.float32(1.5 * 2**23)  # added, it leaves a whole number in the low bits
_FULL = np.float32(9.02)  # tanh of it is 1
_LARGEST = np.float32(87.0)  # exp of it, and of its negative, is a normal number
_EXPONENT, _SHIFT = np.int32(127), np.int32(23)
# Interpolated at Chebyshev's points: (eʳ − 1 − r) / r² to 2·10⁻⁸, and (2 artanh(z) / z − 2) / z² for z ≤ 1/3.
_E = tuple(np.float32(x) for x in (0.5, 0.166665766661, 0.041666554213, 0.00836323288368, 0.00139262508315))
_L = tuple(np.float32(x) for x in (0.666666403367, 0.400075606449, 0.282366198053, 0.268514980228))
_S3, _S5, _S7, _S9 = (np.float32((-1) ** (n // 2) / math.factorial(n)) for n in range(3, 10, 2))
_C2, _C4, _C6, _C8 = (np.float32((-1) ** (n // 2) / math.factorial(n)) for n in range(2, 9, 2))
_ROUND_WIDE, _PER_QUARTER, _QUARTER = 1.5 * 2**52, 2 / math.pi, math.pi / 2
_EIGHTH = np.float32(0.7854)


@jit_ordered
def _exp_parts(y: Any) -> Any:
    """Return (s, p) with exp(y) = p(1 + s), for |y| ≤ 87."""
    z = y * _LOG2_E + _ROUND
    k = z - _ROUND
    r = y - k * _LN2
    s = _E[3] + _E[4] * r
    s = _E[2] + s * r
    s = _E[1] + s * r
    s = _E[0] + s * r
    p = np.int32((np.float32(z).view(np.int32) + _EXPONENT) << _SHIFT).view(np.float32)
    return s * (r * r) + r, p


@jit_ordered
def _tanh(a: Any) -> Any:
    a = -_FULL if a < -_FULL else a
    a = _FULL if a > _FULL else a
    s, p = _exp_parts(a + a)
    e = s * p + (p - _1)
    return e / (_2 + e)


@jit_ordered
def _gate(a: Any) -> Any:
    """Return e^−|a|, 1 / (1 + e^−a) and what that lacks of 1."""
    size = abs(a)
    s, p = _exp_parts(-(_LARGEST if size > _LARGEST else size))
    e = s * p + p
    near = _1 / (_1 + e)
    far = e * near
    return e, (near if a >= _0 else far), (far if a >= _0 else near)


@jit_ordered
def _softplus(a: Any, e: Any) -> Any:
    """max(a, 0) + log(1 + e), where log(1 + e) = 2 artanh(e / (2 + e))."""
    z = e / (_2 + e)
    w = z * z
    s = _L[2] + _L[3] * w
    s = _L[1] + s * w
    s = _L[0] + s * w
    return (a if a > _0 else _0) + (s * w + _2) * z


@jit_ordered
def _sine(a: Any) -> Any:
    """Return sin a and cos a, the angle reduced in float64. Where float32 knows no angle, any number in [−1, 1]."""
    wide = np.float64(a)
    z = wide * _PER_QUARTER + _ROUND_WIDE
    r = np.float32(wide - (z - _ROUND_WIDE) * _QUARTER)
    r = -_EIGHTH if r < -_EIGHTH else r
    r = _EIGHTH if r > _EIGHTH else r
    quarter = np.int32(np.float64(z).view(np.int64))
    w = r * r
    sine = (((_S9 * w + _S7) * w + _S5) * w + _S3) * w * r + r
    cosine = ((_C8 * w + _C6) * w + _C4) * w * w + (_1 + _C2 * w)
    odd = (quarter & 1) != 0
    h, s = (cosine, sine) if odd else (sine, cosine)
    gap = a - a  # 0, or NaN where a is no finite number
    return (-h if quarter & 2 else h) + gap, (-s if (quarter + 1) & 2 else s) + gap


_ACTIVATE = types.void(SINGLE_ROWS, SINGLES, types.int64, SINGLE_ROWS, SINGLE_ROWS, SINGLE_ROWS)
_BEND = types.void(types.int64, SINGLE_ROWS, SINGLE_ROWS, SINGLE_ROWS, SINGLE_ROWS, SINGLE_ROWS)


@jit_ordered_for(_ACTIVATE)
def activate(a: Any, bias: Any, code: int, h: Any, slope: Any, curve: Any) -> None:
    """h <- σ(a + bias), slope <- σ′; curve <- σ″ for SiLU, whose σ″ is no function of the two. All `(rows, width)`,
    `bias` `(width,)`, float32; `code` as in `ACTIVATION_CODES`."""
    width = bias.size
    for i in range(a.shape[0]):
        ai, hi, si = a[i], h[i], slope[i]
        if code == TANH:
            for j in range(width):
                value = _tanh(ai[j] + bias[j])
                hi[j] = value
                si[j] = _1 - value * value
        elif code == SOFTPLUS:
            for j in range(width):
                x = ai[j] + bias[j]
                e, gate, _ = _gate(x)
                hi[j] = _softplus(x, e)
                si[j] = gate
        elif code == SINE:
            for j in range(width):
                hi[j], si[j] = _sine(ai[j] + bias[j])
        elif code == SILU:
            ci = curve[i]
            for j in range(width):
                x = ai[j] + bias[j]
                _, gate, rest = _gate(x)
                hi[j] = x * gate
                si[j] = gate * (_1 + x * rest)
                ci[j] = gate * rest * (_2 + x * (rest - gate))


@jit_ordered_for(_BEND)
def bend(code: int, h: Any, slope: Any, curve: Any, u: Any, out: Any) -> None:
    """out <- u ⊙ σ″, which follows from σ (`h`) and σ′ (`slope`) except for SiLU, whose `curve` holds it. All `(rows,
    width)`, float32; `code` as in `ACTIVATION_CODES`."""
    h, slope, out = line(h, 0, h.size), line(slope, 0, h.size), line(out, 0, h.size)
    curve, u = line(curve, 0, h.size), line(u, 0, h.size)
    if code == TANH:
        for j in range(h.size):
            out[j] = -_2 * u[j] * (h[j] * slope[j])
    elif code == SOFTPLUS:
        for j in range(h.size):
            out[j] = u[j] * (slope[j] * (_1 - slope[j]))
    elif code == SINE:
        for j in range(h.size):
            out[j] = -u[j] * h[j]
    elif code == SILU:
        for j in range(h.size):
            out[j] = u[j] * curve[j]


ACTIVATE, BEND = Address(activate, _ACTIVATE), Address(bend, _BEND)
