"""Hidden units of one layer and their derivatives at many states, in float64: what a closed form is solved with.

numpy would write each factor of them to memory and read it back, which takes several times as long as to compute it.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import types

from hnn_engine.coords import Array
from hnn_engine.kernels.jit import INTEGERS, MATRIX, TABLE, VECTOR, jit, jit_for
from hnn_engine.kernels.perceptron import ACTIVATION_CODES, activate_wide

ROWS = 64  # of a block: what it holds of the units stays in the cache


@jit
def _units(x: Any, w: Any, b: Any, code: int, h: Any, slope: Any, spare: Any) -> None:
    """h <- σ(x w + b), slope <- σ′, `(n, units)`; `spare` `(2, n·units)`."""
    np.dot(x, w, h)
    for i in range(h.shape[0]):
        row = h[i]
        for j in range(b.size):
            row[j] += b[j]
    power = spare[0, : h.size]
    activate_wide(h.reshape(h.size), slope.reshape(h.size), code, power.view(np.int64), power, spare[1, : h.size])


@jit_for(types.void(MATRIX, MATRIX, VECTOR, types.int64, MATRIX))
def _values(x: Any, w: Any, b: Any, code: Any, out: Any) -> None:
    slope, spare = np.empty((ROWS, b.size)), np.empty((2, ROWS * b.size))
    for begin in range(0, x.shape[0], ROWS):
        end = min(begin + ROWS, x.shape[0])
        _units(x[begin:end], w, b, code, out[begin:end], slope[: end - begin], spare)


@jit_for(types.void(MATRIX, MATRIX, VECTOR, types.int64, INTEGERS, INTEGERS, VECTOR, MATRIX, types.int64, TABLE))
def _add_gradients(
    x: Any, w: Any, b: Any, code: Any, inputs: Any, targets: Any, factors: Any, counts: Any, first: Any, out: Any
) -> None:
    units = b.size
    h, slope, spare = np.empty((ROWS, units)), np.empty((ROWS, units)), np.empty((2, ROWS * units))
    for begin in range(0, x.shape[0], ROWS):
        end = min(begin + ROWS, x.shape[0])
        _units(x[begin:end], w, b, code, h[: end - begin], slope[: end - begin], spare)
        for i in range(begin, end):
            slopes = slope[i - begin]
            for place in range(inputs.size):
                target, matrix = targets[place], w[inputs[place]]
                scale, row = factors[place] * counts[i, target], out[i, target, first : first + units]
                for j in range(units):
                    row[j] += scale * (slopes[j] * matrix[j])


def values(activation: str, x: Array, w: Array, b: Array) -> Array:
    """Return σ(x w + b) `(n, units)` at x `(n, k)`, w `(k, units)`, b `(units,)`, all float64; `activation` is a key of
    `ACTIVATION_CODES`."""
    x, w, b = (np.require(part, np.float64, ["C", "W"]) for part in (x, w, b))
    assert x.shape[1] == len(w)  # compiled loops check no bounds
    assert w.shape[1] == len(b)
    out = np.empty((len(x), len(b)))
    _values(x, w, b, ACTIVATION_CODES[activation], out)
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
    inputs, targets = (np.array([place[k] for place in into], dtype=np.int64) for k in range(2))
    assert not into or (
        0 <= inputs.min() <= inputs.max() < len(w) and 0 <= targets.min() <= targets.max() < out.shape[1]
    )
    factors = np.array([factor for _, _, factor in into], dtype=np.float64)
    _add_gradients(x, w, b, ACTIVATION_CODES[activation], inputs, targets, factors, counts, first, out)
