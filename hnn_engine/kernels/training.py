"""One step of Adam on a perceptron, fused: loss, gradient and new weights in one call without the interpreter lock.

The rows are taken in blocks that stay in the cache. Square matrix products go to BLAS; the thin ones (2·dof columns)
and all that works number by number are loops. Weights, gradient and moments are flat, in the order w0, b0, w1, b1, …,
out. Everything is float32 but the sum of the loss.
"""

import math
from typing import Any, NamedTuple

import numba
import numpy as np
from numba import types

from hnn_engine.coords import Array
from hnn_engine.kernels.activations import activate, bend
from hnn_engine.kernels.jit import jit, jit_for
from hnn_engine.kernels.perceptron import ACTIVATION_CODES, SILU
from hnn_engine.kernels.products import (
    add_multiplied,
    add_outer,
    add_product,
    multiply,
    multiply_by,
    scale_columns,
    thin,
    thin_turned,
)

BASELINE, HNN = 0, 1  # `Model.kernel` of the models that are stepped here
ROWS = 256  # of a block, at most: what a layer of 200 units holds of them is 0.2 MB
_KEEP, _TAKE, _KEEP_SQUARE, _TAKE_SQUARE = (np.float32(x) for x in (0.9, 0.1, 0.999, 0.001))
_EPSILON = np.float32(1e-8)


class Net(NamedTuple):
    """A network's shape, and memory for one block of rows, of each hidden layer where nothing else is said.

    `left` and `right` hold the factors of dL/dW, twice as many rows: of a block of n rows, u's derivatives and g in the
    first n (an HNN's only), h and a's derivatives in the next n. Their product is then the sum of two.
    """

    kind: int
    code: int
    inputs: int
    width: int
    depth: int
    left: Array
    right: Array
    slopes: Array  # σ′
    curves: Array  # σ″, of SiLU
    u: Array  # g before it is multiplied by σ′; later dL/dσ′
    t: Array  # one layer: a, or what the loss says of a layer's output
    r: Array  # (rows, 2·dof), the network's output or ∇H; later what the loss says of it
    out: Array  # a baseline's last matrix, turned; of one row for an HNN
    out_grad: Array
    spare: Array  # (width, width)
    ones: Array  # (rows, 1)


def network(kind: int, activation: str, inputs: int, width: int, depth: int) -> Net:
    """Return what `advance` needs of a network with `inputs` 2·dof and `depth` hidden layers of `width` units."""
    code = ACTIVATION_CODES[activation]

    def room(*shape: int) -> Array:
        return np.zeros(shape, np.float32)

    twice, once = (depth, 2 * ROWS, width), (depth, ROWS, width)
    return Net(
        *(kind, code, inputs, width, depth, room(*twice), room(*twice), room(*once)),
        curves=room(depth, ROWS if code == SILU else 0, width),
        u=room(*once),
        t=room(ROWS, width),
        r=room(ROWS, inputs),
        out=room(inputs if kind == BASELINE else 1, width),
        out_grad=room(inputs if kind == BASELINE else 1, width),
        spare=room(width, width),
        ones=np.ones((ROWS, 1), np.float32),
    )


@jit
def _layer(flat: Any, net: Any, layer: int) -> Any:
    """Return W `(inputs or width, width)` and b `(width,)` of a hidden layer."""
    inputs, width = net.inputs, net.width
    at, rows = 0, inputs
    if layer > 0:
        at, rows = (inputs + 1) * width + (layer - 1) * (width + 1) * width, width
    middle = at + rows * width
    return flat[at:middle].reshape(rows, width), flat[middle : middle + width]


@jit
def _forward(net: Any, flat: Any, x: Any) -> None:
    """a_l = h_{l−1} W_l + b_l, h_l = σ(a_l), from h₀ = x."""
    n, t = x.shape[0], net.t[: x.shape[0]]
    for layer in range(net.depth):
        matrix, bias = _layer(flat, net, layer)
        if layer == 0:
            thin(x, matrix, t)
        else:
            np.dot(net.left[layer - 1, n : 2 * n], matrix, t)
        activate(t, bias, net.code, net.left[layer, n : 2 * n], net.slopes[layer], net.curves[layer])


@jit
def _energy_gradient(net: Any, flat: Any, n: int) -> None:
    """g_L = σ′_L ⊙ w_out, u_l = g_{l+1} W_{l+1}ᵀ, g_l = u_l ⊙ σ′_l; ∇H is then g₁ W₁ᵀ."""
    top = net.depth - 1
    scale_columns(net.slopes[top, :n], flat[flat.size - net.width :], net.right[top])
    for layer in range(top, 0, -1):
        u = net.u[layer - 1, :n]
        np.dot(net.right[layer, :n], _layer(flat, net, layer)[0].T, u)
        multiply(u, net.slopes[layer - 1, :n], net.right[layer - 1, :n])


@jit
def _residual(net: Any, flat: Any, x: Any, d: Any, share: float) -> float:
    """Return the sum of (field − d)²; r <- what a loss of `share` times that says of the output or of ∇H."""
    n, half, total = x.shape[0], net.inputs // 2, 0.0
    if net.kind == BASELINE:
        thin_turned(net.left[net.depth - 1, n : 2 * n], net.out, net.r)
    else:
        _energy_gradient(net, flat, n)
        thin_turned(net.right[0, :n], _layer(flat, net, 0)[0], net.r)
    twice = np.float32(2.0 * share)
    for i in range(n):
        row = net.r[i]
        for k in range(half):
            if net.kind == BASELINE:
                e, f = row[k] - d[i, k], row[k + half] - d[i, k + half]
                row[k], row[k + half] = twice * e, twice * f
            else:  # dq/dt = ∂H/∂p, dp/dt = −∂H/∂q
                e, f = row[k + half] - d[i, k], -row[k] - d[i, k + half]
                row[k], row[k + half] = -twice * f, twice * e
            total += np.float64(e) * e + np.float64(f) * f
    return total


@jit
def _back_to_slopes(net: Any, flat: Any, grad: Any, n: int) -> None:
    """Back through `_energy_gradient`, from the first layer up: dg₁ = r W₁, du_l = dg_l ⊙ σ′_l, dσ′_l = dg_l ⊙ u_l,
    dg_{l+1} = du_l W_{l+1}; for the last layer, w_out stands for u."""
    top, t, r = net.depth - 1, net.t[:n], net.r[:n]
    add_outer(r, net.right[0, :n], _layer(grad, net, 0)[0])
    thin(r, _layer(flat, net, 0)[0], t)
    for layer in range(top):
        du, u = net.left[layer, :n], net.u[layer, :n]
        multiply(t, net.slopes[layer, :n], du)
        multiply_by(t, u)
        np.dot(du, _layer(flat, net, layer + 1)[0], t)
    scale_columns(t, flat[flat.size - net.width :], net.u[top])
    multiply_by(net.slopes[top, :n], t)
    add_outer(net.ones[:n], t, grad[grad.size - net.width :].reshape(1, net.width))


@jit
def _back_to_sums(net: Any, layer: int, n: int) -> Any:
    """Return da = dh ⊙ σ′ + dσ′ ⊙ σ″ of a layer; dh is `t`. A baseline has no dσ′, the last layer of an HNN no dh."""
    slope, da = net.slopes[layer, :n], net.right[layer, n : 2 * n]
    if net.kind == BASELINE:
        multiply(net.t[:n], slope, da)
        return da
    bend(net.code, net.left[layer, n : 2 * n], slope, net.curves[layer], net.u[layer], da)
    if layer < net.depth - 1:
        add_multiplied(net.t[:n], slope, da)
    return da


@jit
def _backward(net: Any, flat: Any, grad: Any, x: Any) -> None:
    """grad += dL/dweights of this block: dW_l = h_{l−1}ᵀ da_l + du_{l−1}ᵀ g_l, db_l = Σ da_l, dh_{l−1} = da_l W_lᵀ."""
    n = x.shape[0]
    upper = n if net.kind == BASELINE else 0
    if net.kind == BASELINE:
        add_outer(net.r[:n], net.left[net.depth - 1, n : 2 * n], net.out_grad)
        thin(net.r[:n], net.out, net.t)
    else:
        _back_to_slopes(net, flat, grad, n)
    for layer in range(net.depth - 1, -1, -1):
        matrix_grad, bias_grad = _layer(grad, net, layer)
        da = _back_to_sums(net, layer, n)
        add_outer(net.ones[:n], da, bias_grad.reshape(1, net.width))
        if layer == 0:
            add_outer(x, da, matrix_grad)
        else:
            add_product(net.left[layer - 1, upper : 2 * n], net.right[layer, upper : 2 * n], matrix_grad, net.spare)
            np.dot(da, _layer(flat, net, layer)[0].T, net.t[:n])


@jit
def _turn(matrix: Any, out: Any) -> None:
    """out <- matrix.T"""
    for i in range(matrix.shape[0]):
        for j in range(matrix.shape[1]):
            out[j, i] = matrix[i, j]


@jit
def _adam(flat: Any, grad: Any, moments: Any, good: Any, rate: float, root: float, decay: float) -> None:
    """m ← β₁m + (1−β₁)g; v ← β₂v + (1−β₂)g²; w ← w − rate·m/(√v / root + ε), with g including decay·w."""
    mean, square = moments[0], moments[1]
    alpha, part, per_root = np.float32(rate), np.float32(decay), np.float32(1.0 / root)
    for i in range(flat.size):
        good[i] = flat[i]
        g = grad[i] + part * flat[i]
        mean[i] = _KEEP * mean[i] + _TAKE * g
        square[i] = _KEEP_SQUARE * square[i] + _TAKE_SQUARE * (g * g)
        flat[i] -= alpha * (mean[i] / (np.float32(math.sqrt(square[i])) * per_root + _EPSILON))


_FLAT, _TABLE = types.Array(types.float32, 1, "C"), types.Array(types.float32, 2, "C")
_NET = numba.typeof(network(HNN, "tanh", 2, 2, 1))
_ADAM = types.Tuple((types.boolean, *(types.float64,) * 4))


@jit_for(types.float64(_NET, _FLAT, _FLAT, _TABLE, _FLAT, _TABLE, _TABLE, _ADAM))
def _advance(net: Any, flat: Any, grad: Any, moments: Any, good: Any, coords: Any, dcoords: Any, adam: Any) -> Any:
    learn, limit, rate, root, decay = adam
    rows, last, loss = coords.shape[0], flat.size - net.out.size, 0.0
    share = 1.0 / (rows * net.inputs)
    grad[:] = np.float32(0.0)
    net.out_grad[:] = np.float32(0.0)
    if net.kind == BASELINE:
        _turn(flat[last:].reshape(net.width, net.inputs), net.out)
    blocks = (rows + ROWS - 1) // ROWS
    for block in range(blocks):
        begin, end = block * rows // blocks, (block + 1) * rows // blocks
        _forward(net, flat, coords[begin:end])
        loss += _residual(net, flat, coords[begin:end], dcoords[begin:end], share)
        if learn:
            _backward(net, flat, grad, coords[begin:end])
    loss *= share
    if learn and loss <= limit:
        if net.kind == BASELINE:
            _turn(net.out_grad, grad[last:].reshape(net.width, net.inputs))
        _adam(flat, grad, moments, good, rate, root, decay)
    return loss


def advance(
    net: Net,
    flat: Array,
    grad: Array,
    moments: Array,
    good: Array,
    rows: tuple[Array, Array],
    adam: tuple[bool, float, float, float, float],
) -> float:
    """Return the loss of weights `flat` `(W,)` on `rows`, coords and dcoords `(N, 2*dof)`; learn from it if asked to.

    `adam`: whether to learn, the largest loss to learn from, and α / (1 − β₁ⁿ), √(1 − β₂ⁿ) and the L2 term's share for
    step n. Learning fills `grad` `(W,)`; within the limit it copies the weights to `good` `(W,)`, then moves `moments`
    `(2, W)` and the weights. Source: Kingma & Ba 2015.
    """
    coords, dcoords = (np.require(part, np.float32, ["C", "W"]) for part in rows)
    size = (net.inputs + 1) * net.width + (net.depth - 1) * (net.width + 1) * net.width + net.out.size
    # Compiled loops check no bounds.
    assert coords.shape == dcoords.shape == (len(coords), net.inputs)
    assert flat.shape == grad.shape == good.shape == (size,)
    assert moments.shape == (2, size)
    loss: float = _advance(net, flat, grad, moments, good, coords, dcoords, adam)
    return loss
