"""A perceptron's field reckoned in single precision: half the time, for what is on screen for a moment."""

from typing import Any

import numpy as np

from hnn_engine.kernels.activations import activate
from hnn_engine.kernels.jit import jit_for
from hnn_engine.kernels.perceptron import BASELINE, NETWORK, accumulate, matrix_at, parts, project


@jit_for(NETWORK)
def field_swift(x: Any, net: Any, work: Any, out: Any) -> None:
    """out <- the field at x of a network with float32 weights, to about six digits; laid out as for `field_single`."""
    head, biases, end = parts(net)
    weights, memory = net[end:].view(np.float32), work.view(np.float32)
    kind, code, depth, width, inputs = head[0], head[1], head[2], head[3], head[4]
    square = width * width
    inner = 2 * inputs * width
    turned = inner + (depth - 1) * square
    last = turned + (depth - 1) * square
    sums, hidden = memory[:width], memory[width : 2 * width]
    bias, curve = memory[2 * width : 3 * width], memory[3 * width : 4 * width].reshape(1, width)
    slopes = memory[4 * width : (4 + depth) * width].reshape(depth, width)
    state = memory[(4 + depth) * width : (4 + depth) * width + inputs]
    for i in range(inputs):
        state[i] = x[i]
    for layer in range(depth):
        for i in range(width):
            sums[i] = 0.0
            bias[i] = biases[layer * width + i]
        if layer == 0:
            accumulate(state, matrix_at(weights, 0, inputs, width), sums)
        else:
            accumulate(hidden, matrix_at(weights, inner + (layer - 1) * square, width, width), sums)
        slope = slopes[layer : layer + 1]
        activate(sums.reshape(1, width), bias, code, hidden.reshape(1, width), slope, curve)
    if kind == BASELINE:
        project(hidden, matrix_at(weights, last, inputs, width), out)
    else:
        for i in range(width):
            hidden[i] = weights[last + i] * slopes[depth - 1, i]
        for layer in range(depth - 1, 0, -1):
            for i in range(width):
                sums[i] = 0.0
            accumulate(hidden, matrix_at(weights, turned + (layer - 1) * square, width, width), sums)
            for i in range(width):
                hidden[i] = sums[i] * slopes[layer - 1, i]
        project(hidden, matrix_at(weights, inputs * width, inputs, width), out)
