"""A perceptron's field reckoned in single precision: half the time, for what is on screen for a moment."""

from typing import Any

from hnn_engine.kernels.activations import activate
from hnn_engine.kernels.jit import jit_for
from hnn_engine.kernels.perceptron import BASELINE, NETWORK, accumulate, places, project


@jit_for(NETWORK)
def field_swift(x: Any, head: Any, biases: Any, single: Any, double: Any, work: Any, swift: Any, out: Any) -> None:
    """out <- the field at x of a network with float32 weights, to about six digits."""
    kind, code, depth, width = head[0], head[1], head[2], head[3]
    first, first_turned, inner, inner_turned, last = places(head)
    sums, hidden, bias = swift[0], swift[1], swift[2]
    for layer in range(depth):
        for i in range(width):
            sums[i] = 0.0
            bias[i] = biases[layer * width + i]
        if layer == 0:
            accumulate(x, single, first, sums)
        else:
            accumulate(hidden, single, inner + (layer - 1) * width * width, sums)
        activate(swift[0:1], bias, code, swift[1:2], swift[4 + layer : 5 + layer], swift[3:4])
    if kind == BASELINE:
        project(hidden, single, last, out)
        return
    for i in range(width):
        hidden[i] = single[last + i] * swift[3 + depth, i]
    for layer in range(depth - 1, 0, -1):
        for i in range(width):
            sums[i] = 0.0
        accumulate(hidden, single, inner_turned + (layer - 1) * width * width, sums)
        for i in range(width):
            hidden[i] = sums[i] * swift[3 + layer, i]
    project(hidden, single, first_turned, out)
