"""A frozen field laid out in memory as the loops read it."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from hnn_engine.coords import Array
from hnn_engine.kernels.perceptron import ACTIVATION_CODES, DEPTH, WIDTH
from hnn_engine.models.mlp import depth_of
from hnn_engine.models.networks import Term

LINE = 64  # bytes of a cache line


class WeightLayout(NamedTuple):
    """A field as the loops read it. `head`: activation, depth, width, 2·dof, how many terms, and their places.

    `numbers` holds the biases, a scale of each term, and the `rates` `(dof,)` of p. `single` or `double` holds the
    matrices, the other is empty. Each array begins on a cache line, which saves a sixth of the time.
    """

    head: npt.NDArray[np.int64]
    numbers: Array
    single: npt.NDArray[np.float32]
    double: Array

    def memory(self) -> tuple[Array, npt.NDArray[np.float32]]:
        """Return the working memory of a field at one state, `(depth + 4, width)` in float64 and none in float32."""
        depth, width = int(self.head[DEPTH]), int(self.head[WIDTH])
        return zeros_on_lines((depth + 4, width), np.float64), np.zeros((0, width), np.float32)


def zeros_on_lines(shape: tuple[int, ...], dtype: Any) -> Any:
    """Return an array of zeros that begins on a cache line (`LINE` bytes)."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    raw = np.zeros(size + LINE, dtype=np.uint8)
    begin = -raw.ctypes.data % LINE
    return raw[begin : begin + size].view(dtype).reshape(shape)


def on_lines(values: Any) -> Any:
    """Return `values`, of any shape, flat, copied to where a cache line begins."""
    made = zeros_on_lines((values.size,), values.dtype)
    made[:] = values.ravel()
    return made


def weight_layout(
    activation: str,
    terms: Sequence[Term],
    weights: Mapping[str, Any],
    dof: int,
    friction: float = 1.0,
    rates: Array | None = None,
) -> WeightLayout:
    """Lay out the sum of `terms` and of `rates`·p on dq/dt, `rates` `(dof,)`; `friction` multiplies the terms that are
    friction.

    `weights` have the shapes of `Model.weight_shapes`; all networks have the same hidden widths.
    """
    depth, width = _shape(terms[0].net.of(weights))
    matrices, biases = _Buffer(), _Buffer()
    firsts = {(one.net.prefix, one.at_rest): _first(one, one.net.of(weights)["w0"], dof) for one in terms}
    places = [
        _place(one, one.net.of(weights), firsts[one.net.prefix, one.at_rest], dof, matrices, biases) for one in terms
    ]
    scales = [friction if one.friction else 1.0 for one in terms]
    flat, none = matrices.all(), np.zeros(0)
    single = flat.dtype == np.float32
    return WeightLayout(
        np.concatenate([[ACTIVATION_CODES[activation], depth, width, 2 * dof, len(terms)], *places]).astype(np.int64),
        on_lines(np.concatenate([biases.all(), scales, np.zeros(dof) if rates is None else rates]).astype(np.float64)),
        on_lines((flat if single else none).astype(np.float32)),
        on_lines((none if single else flat).astype(np.float64)),
    )


def _shape(net: Mapping[str, Any]) -> tuple[int, int]:
    return depth_of(dict(net)), len(net["b0"])


def _place(
    one: Term, net: Mapping[str, Any], first: Any, dof: int, matrices: "_Buffer", biases: "_Buffer"
) -> list[int]:
    """Lay down what a term needs and return where, in the order of `head`."""
    depth, _ = _shape(net)
    inner = [net[f"w{i}"] for i in range(1, depth)]
    places = [matrices.put(first), matrices.put(*inner)]
    if one.output is None:
        places += [-1, -1, matrices.put(_spread(one, net["out"].T, dof))]
    else:
        places += [matrices.put(*inner, transposed=True), matrices.put(net["out"][:, one.output])]
        places += [matrices.put(_spread(one, net["w0"], dof))]
    return [*places, biases.put(*(net[f"b{i}"] for i in range(depth)))]


def _first(one: Term, matrix: Any, dof: int) -> Any:
    """Return the first matrix `(2*dof, width)`: zeros for coordinates that are not read, or taken as zero."""
    rows = np.zeros((2 * dof, matrix.shape[1]), matrix.dtype)
    rows[one.net.columns] = matrix
    if one.at_rest:
        rows[dof:] = 0.0
    return rows


def _spread(one: Term, matrix: Any, dof: int) -> Any:
    """Return the rows of `matrix` where the term puts them in d(coords)/dt, `(2*dof, width)`."""
    rows = np.zeros((2 * dof, matrix.shape[1]), matrix.dtype)
    for row, (component, factor) in zip(matrix, one.into, strict=True):
        rows[component] += matrix.dtype.type(factor) * row
    return rows


class _Buffer:
    """Arrays laid end to end, each on a cache line; what is laid down twice is kept once."""

    def __init__(self) -> None:
        self._held: list[Any] = []  # as long as they are, no other array has their id
        self._parts: list[Any] = []
        self._size = 0
        self._known: dict[tuple[int, ...], int] = {}

    def put(self, *arrays: Any, transposed: bool = False) -> int:
        """Lay down `arrays` one behind the other, each transposed where `transposed`; return where they begin."""
        key = (transposed, *(id(a) for a in arrays))
        if key not in self._known:
            self._held += arrays
            self._known[key] = self._size
            flat = np.concatenate([(a.T if transposed else a).ravel() for a in arrays] or [np.zeros(0, np.float32)])
            self._parts += [flat, np.zeros(-flat.size % LINE, np.float32)]
            self._size += flat.size + self._parts[-1].size
        return self._known[key]

    def all(self) -> Any:
        """Return everything, flat."""
        return np.concatenate(self._parts)
