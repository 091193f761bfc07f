"""A field that is a sum of passes through perceptrons, there and back, at one state, fused.

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
from hnn_engine.models.networks import Layout, Term

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
def project(x: Any, weights: Any, at: int, scale: float, out: Any) -> None:
    """out += scale · the matrix whose few long rows begin at `at` @ x."""
    for i in range(out.size):
        row = weights[at + i * x.size : at + (i + 1) * x.size]
        total = x[0] * row[0]
        for j in range(1, x.size):
            total += x[j] * row[j]
        out[i] += scale * total


# What `head` holds: of the whole, and of each term where its arrays begin (`LAST` is −1 where it does not go back).
CODE, DEPTH, WIDTH, SIZE, TERMS, WHOLE = 0, 1, 2, 3, 4, 5
FIRST, INNER, INNER_TURNED, LAST, OUT, BIAS, EACH = 0, 1, 2, 3, 4, 5, 6


@jit
def begin_field(x: Any, head: Any, numbers: Any, out: Any) -> None:
    """out <- (rates·p, 0); the terms are added to that."""
    dof = x.size // 2
    for i in range(dof):
        out[i] = numbers[numbers.size - dof + i] * x[dof + i]
        out[dof + i] = 0.0


@jit
def scale_of(head: Any, numbers: Any, term: int) -> float:
    """Return what a term is multiplied by."""
    scale: float = numbers[numbers.size - head[SIZE] // 2 - head[TERMS] + term]
    return scale


@jit
def _add_term(x: Any, head: Any, term: int, numbers: Any, weights: Any, work: Any, out: Any) -> None:
    """out += a term at x, in float64. A loop reads and writes rows of `work`; it does not reshape, which is slow."""
    code, depth, width, at = head[CODE], head[DEPTH], head[WIDTH], WHOLE + term * EACH
    first, inner, inner_turned = head[at + FIRST], head[at + INNER], head[at + INNER_TURNED]
    last, final, biases = head[at + LAST], head[at + OUT], head[at + BIAS]
    square = width * width
    hidden, back, poly, power = work[0], work[1], work[2], work[3]
    bits = power.view(np.int64)
    for layer in range(depth):
        sums = hidden if layer == 0 else back
        for i in range(width):
            sums[i] = numbers[biases + layer * width + i]
        if layer == 0:
            accumulate(x, weights, first, sums)
        else:
            accumulate(hidden, weights, inner + (layer - 1) * square, sums)
            for i in range(width):
                hidden[i] = back[i]
        _activate(hidden, work[4 + layer], code, bits, power, poly)
    if last >= 0:
        for i in range(width):
            hidden[i] = weights[last + i] * work[3 + depth, i]
        for layer in range(depth - 1, 0, -1):
            for i in range(width):
                back[i] = 0.0
            accumulate(hidden, weights, inner_turned + (layer - 1) * square, back)
            for i in range(width):
                hidden[i] = back[i] * work[3 + layer, i]
    project(hidden, weights, final, scale_of(head, numbers, term), out)


@jit
def _field(x: Any, head: Any, numbers: Any, weights: Any, work: Any, out: Any) -> None:
    """out <- the field at x, in float64."""
    begin_field(x, head, numbers, out)
    for term in range(head[TERMS]):
        _add_term(x, head, term, numbers, weights, work, out)


# x; head, numbers and weights in either precision, see `Packed`; memory in either precision; where the field goes.
NETWORK = types.void(VECTOR, INTEGERS, VECTOR, SINGLES, VECTOR, MATRIX, SINGLE_ROWS, VECTOR)


@jit_for(NETWORK)
def field_single(x: Any, head: Any, numbers: Any, single: Any, double: Any, work: Any, swift: Any, out: Any) -> None:
    """out <- the field at x of networks with float32 weights."""
    _field(x, head, numbers, single, work, out)


@jit_for(NETWORK)
def field_double(x: Any, head: Any, numbers: Any, single: Any, double: Any, work: Any, swift: Any, out: Any) -> None:
    """out <- the field at x of networks with float64 weights."""
    _field(x, head, numbers, double, work, out)


class Packed(NamedTuple):
    """A field as the loops read it. `head`: activation, depth, width, 2·dof, how many terms, and their places.

    `numbers` holds the biases, a scale of each term, and the `rates` `(dof,)` of p. `single` or `double` holds the
    matrices, the other is empty. Each array begins on a cache line, which saves a sixth of the time.
    """

    head: npt.NDArray[np.int64]
    numbers: Array
    single: npt.NDArray[np.float32]
    double: Array

    def memory(self) -> tuple[Array, npt.NDArray[np.float32]]:
        """Return the working memory of a field, in either precision."""
        shape = (int(self.head[DEPTH]) + 4, int(self.head[WIDTH]))
        return on_lines(np.zeros(shape)).reshape(shape), on_lines(np.zeros(shape, dtype=np.float32)).reshape(shape)


def on_lines(values: Any) -> Any:
    """Return `values`, flat, copied to where a cache line begins."""
    raw = np.zeros(values.nbytes + LINE, dtype=np.uint8)
    begin = -raw.ctypes.data % LINE
    made = raw[begin : begin + values.nbytes].view(values.dtype)
    made[:] = values.ravel()
    return made


class _Shelf:
    """Arrays laid end to end, each on a cache line; what is laid down twice is kept once."""

    def __init__(self) -> None:
        self._parts: list[Any] = []
        self._size = 0
        self._known: dict[tuple[int, ...], int] = {}

    def put(self, *arrays: Any, turned: bool = False) -> int:
        """Lay down `arrays` one behind the other, each transposed where `turned`; return where they begin."""
        key = (turned, *(id(a) for a in arrays))
        if key not in self._known:
            self._known[key] = self._size
            flat = np.concatenate([(a.T if turned else a).ravel() for a in arrays] or [np.zeros(0, np.float32)])
            self._parts += [flat, np.zeros(-flat.size % LINE, np.float32)]
            self._size += flat.size + self._parts[-1].size
        return self._known[key]

    def all(self) -> Any:
        """Return everything, flat."""
        return np.concatenate(self._parts)


def pack(activation: str, layout: Layout, friction: float = 1.0) -> Packed:
    """Lay out a field whose networks all have the same widths; `friction` multiplies the terms that are friction."""
    size, width = layout.terms[0].first.shape
    depth = sum(name.startswith("w") for name in layout.terms[0].net)
    matrices, biases = _Shelf(), _Shelf()
    places = [_place(term, depth, matrices, biases) for term in layout.terms]
    scales = [term.sign * (friction if term.friction else 1.0) for term in layout.terms]
    rates = np.zeros(size // 2) if layout.rates is None else layout.rates
    flat, none = matrices.all(), np.zeros(0)
    single = flat.dtype == np.float32
    head = [ACTIVATION_CODES[activation], depth, width, size, len(layout.terms)]
    return Packed(
        np.concatenate([head, *places]).astype(np.int64),
        on_lines(np.concatenate([biases.all(), scales, rates]).astype(np.float64)),
        on_lines((flat if single else none).astype(np.float32)),
        on_lines((none if single else flat).astype(np.float64)),
    )


def _place(term: Term, depth: int, matrices: _Shelf, biases: _Shelf) -> list[int]:
    """Lay down what a term needs and return where, in the order of `head`."""
    inner = [term.net[f"w{i}"] for i in range(1, depth)]
    places = [matrices.put(term.first), matrices.put(*inner)]
    places += [-1, -1] if term.last is None else [matrices.put(*inner, turned=True), matrices.put(term.last)]
    return [*places, matrices.put(term.out), biases.put(*(term.net[f"b{i}"] for i in range(depth)))]
