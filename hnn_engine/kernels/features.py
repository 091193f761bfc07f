"""Hidden units of one layer and their derivatives at many states, in float64: what a closed form is solved with.

numpy would write each factor of them to memory and read it back, which takes several times as long as to compute it.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import types

from hnn_engine.coords import Array
from hnn_engine.kernels.jit import INTEGERS, MATRIX, TABLE, VECTOR, jit_for
from hnn_engine.kernels.perceptron import ACTIVATE_WIDE, ACTIVATION_CODES
from hnn_engine.kernels.primitives import call, line, matrix, product, rows

ROWS = 64  # of a block: what it holds of the units stays in the cache
_LAYER = MATRIX, MATRIX, VECTOR, types.int64, types.int64
_INTO = INTEGERS, INTEGERS, VECTOR, MATRIX, types.int64, TABLE


@jit_for(types.void(*_LAYER, MATRIX, *_INTO, MATRIX))
def _evaluate(
    x: Any,
    w: Any,
    b: Any,
    activation: int,
    code: int,
    values: Any,
    inputs: Any,
    targets: Any,
    factors: Any,
    counts: Any,
    first: int,
    out: Any,
    memory: Any,
) -> None:
    """values <- σ(x w + b), if it has rows; out += the derivatives. `memory` `(5·ROWS, units)`, whatever is in it."""
    units, size = b.size, ROWS * b.size
    for i in range(min(ROWS, x.shape[0])):
        same = line(memory, 4 * size + i * units, units)
        for j in range(units):
            same[j] = b[j]
    for begin in range(0, x.shape[0], ROWS):
        n = min(ROWS, x.shape[0] - begin)
        h, slope = rows(values, begin, n) if values.shape[0] > 0 else rows(memory, 0, n), rows(memory, ROWS, n)
        product(rows(x, begin, n), w, h, False)
        # As one long row: loops over few units would be short ones.
        sums, slopes = matrix(h, 0, 1, n * units), matrix(slope, 0, 1, n * units)
        biases, spare = line(memory, 4 * size, n * units), matrix(memory, 2 * size, 2, n * units)
        call(activation, (sums, biases, code, sums, slopes, spare))
        for i in range(n):
            by_sum = slope[i]
            for place in range(inputs.size):
                target, weights = targets[place], w[inputs[place]]
                scale = factors[place] * counts[begin + i, target]
                row = line(out, ((begin + i) * out.shape[1] + target) * out.shape[2] + first, units)
                for j in range(units):
                    row[j] += scale * (by_sum[j] * weights[j])


def _run(
    activation: str,
    layer: tuple[Array, Array, Array],
    values: Array,
    into: Sequence[tuple[int, int, float]],
    counts: Array,
    first: int,
    out: Array,
) -> None:
    inputs, targets = (np.array([place[k] for place in into], dtype=np.int64) for k in range(2))
    factors = np.array([factor for _, _, factor in into], dtype=np.float64)
    (x, w, b), code, memory = layer, ACTIVATION_CODES[activation], np.empty((5 * ROWS, len(layer[2])))
    _evaluate(x, w, b, int(ACTIVATE_WIDE), code, values, inputs, targets, factors, counts, first, out, memory)


def values(activation: str, x: Array, w: Array, b: Array) -> Array:
    """Return σ(x w + b) `(n, units)` at x `(n, k)`, w `(k, units)`, b `(units,)`, all float64; `activation` is a key of
    `ACTIVATION_CODES`."""
    x, w, b = (np.require(part, np.float64, ["C", "W"]) for part in (x, w, b))
    assert x.shape[1] == len(w)  # compiled loops check no bounds
    assert w.shape[1] == len(b)
    out = np.empty((len(x), len(b)))
    _run(activation, (x, w, b), out, (), np.zeros((0, 0)), 0, np.zeros((0, 0, 0)))
    return out


def add_gradients(
    activation: str,
    layer: tuple[Array, Array, Array],
    into: Sequence[tuple[int, int, float]],
    counts: Array,
    first: int,
    out: Array,
) -> None:
    """Add the derivatives σ′(x w + b) w of the units of a layer, x `(n, k)`, w `(k, units)` and b `(units,)`, to `out`
    `(n, targets, columns)`, from column `first` on.

    `into`: (input, target, factor), each derivative by that input goes to that target times factor and what the target
    of the row `counts`, `(n, targets)`.
    """
    x, w, b = (np.require(part, np.float64, ["C", "W"]) for part in layer)
    counts = np.require(counts, np.float64, ["C", "W"])
    assert x.shape == (len(out), len(w))
    assert w.shape[1] == len(b) <= out.shape[2] - first
    assert counts.shape == out.shape[:2]
    assert all(0 <= place < len(w) and 0 <= target < out.shape[1] for place, target, _ in into)
    _run(activation, (x, w, b), np.zeros((0, len(b))), into, counts, first, out)
