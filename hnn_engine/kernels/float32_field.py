"""A field of perceptrons computed in single precision: half the time, for what is shown for a moment."""

from typing import Any

from hnn_engine.kernels.activations import activate
from hnn_engine.kernels.jit import jit, jit_at
from hnn_engine.kernels.perceptron import (
    BIAS,
    CODE,
    DEPTH,
    EACH,
    FIRST,
    INNER,
    INNER_TRANSPOSED,
    LAST,
    NETWORK,
    OUT,
    PASSES,
    WHOLE,
    WIDTH,
    accumulate,
    begin_field,
    has_gone_forward,
    project,
    scale_of,
)


@jit
def _add_pass(x: Any, head: Any, which: int, numbers: Any, weights: Any, work32: Any, out: Any) -> None:
    """out += a term at x, to about six digits."""
    code, depth, width, at = head[CODE], head[DEPTH], head[WIDTH], WHOLE + which * EACH
    first, inner, inner_transposed = head[at + FIRST], head[at + INNER], head[at + INNER_TRANSPOSED]
    last, final, biases = head[at + LAST], head[at + OUT], head[at + BIAS]
    square = width * width
    sums, hidden, bias = work32[0], work32[1], work32[2]
    for layer in range(0 if has_gone_forward(head, which) else depth):
        for i in range(width):
            sums[i] = 0.0
            bias[i] = numbers[biases + layer * width + i]
        if layer == 0:
            accumulate(x, weights, first, sums)
        else:
            accumulate(hidden, weights, inner + (layer - 1) * square, sums)
        activate(work32[0:1], bias, code, work32[1:2], work32[4 + layer : 5 + layer], work32[3:4])
    if last >= 0:
        for i in range(width):
            hidden[i] = weights[last + i] * work32[3 + depth, i]
        for layer in range(depth - 1, 0, -1):
            for i in range(width):
                sums[i] = 0.0
            accumulate(hidden, weights, inner_transposed + (layer - 1) * square, sums)
            for i in range(width):
                hidden[i] = sums[i] * work32[3 + layer, i]
    project(hidden, weights, final, scale_of(head, numbers, which), out)


@jit_at(NETWORK)
def float32_field(x: Any, head: Any, numbers: Any, single: Any, double: Any, work: Any, work32: Any, out: Any) -> None:
    """out <- the field at x of networks with float32 weights, to about six digits.

    x, out: `(2·dof,)`; the others as `WeightLayout` and its `memory` have them.
    """
    begin_field(x, head, numbers, out)
    for which in range(head[PASSES]):
        _add_pass(x, head, which, numbers, single, work32, out)
