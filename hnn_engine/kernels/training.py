"""One step of Adam on a model, fused: loss, gradient and new weights in one call without the interpreter lock.

A model's field is a sum of terms through perceptrons (`models.networks.Term`). The rows are taken in blocks that stay
in the cache: each goes forward through all terms and then back. Square matrix products go to BLAS; the thin ones (up
to 2·dof columns) and all that works number by number are loops. Weights, gradient and moments are flat, network by
network, in the order w0, b0, w1, b1, …, out. Everything is float32 but the sum of the loss.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numba
import numpy as np
import numpy.typing as npt
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
    thin_transposed,
)
from hnn_engine.models.networks import Network, Term

ROWS = 256  # of a block, at most: what a layer of 200 units holds of them is 0.2 MB
MOST = 3  # terms of a model, so that one compiled step serves all of them
_KEEP, _TAKE, _KEEP_SQUARE, _TAKE_SQUARE = (np.float32(x) for x in (0.9, 0.1, 0.999, 0.001))
_EPSILON = np.float32(1e-8)
# What is smaller counts as zero: added to ε it moves no weight, and numbers too small for float32's normal range take a
# processor a hundred times as long. Weights that no data reaches shrink to there by the L2 term.
_TINY, _TINY_SQUARE, _NONE = np.float32(1e-15), np.float32(1e-32), np.float32(0.0)


class Net(NamedTuple):
    """A term through a network: what it is, and memory for one block of rows, of each hidden layer where nothing else
    is said.

    `left` and `right` hold the factors of dL/dW, twice as many rows: of a block of n rows, u's derivatives and g in the
    first n (of a gradient only), h and a's derivatives in the next n. Their product is then the sum of two.
    """

    begin: int  # where its weights begin, and
    last: int  # its last matrix
    column: int  # the first of the coordinates that it reads
    outputs: int
    output: int  # the one whose gradient it gives; −1 where it gives the outputs themselves
    at_rest: bool  # whether it is taken at p = 0
    code: int
    width: int
    depth: int
    targets: npt.NDArray[np.int64]  # which component of the field each number goes to,
    factors: Array  # times this
    x: Array  # (rows, inputs), what it reads
    left: Array
    right: Array
    slopes: Array  # σ′
    curves: Array  # σ″, of SiLU
    u: Array  # g before it is multiplied by σ′; later dL/dσ′
    t: Array  # one layer: a, or the derivative of the loss by a layer's output
    r: Array  # (rows, outputs or inputs), what it gives; later the derivative of the loss by it
    out: Array  # the part of the last matrix that it needs, transposed
    out_grad: Array
    spare: Array  # (width, width)
    ones: Array  # (rows, 1)


class Work(NamedTuple):
    """What a step needs of a model: its terms (the first `terms` of `nets`), and what else its field is made of."""

    nets: tuple[Net, Net, Net]
    terms: int
    size: int  # of all weights
    rates: Array  # (dof,), of p in dq/dt
    e: Array  # (rows, 2·dof), the field; later the derivative of the loss by it


def network(
    networks: Sequence[Network],
    terms: Sequence[Term],
    activation: str,
    sizes: tuple[int, int, int],
    rates: Array | None = None,
) -> Work:
    """Return what `advance` needs of a model; `sizes` are dof, and units and number of the hidden layers; `rates`
    `(dof,)` multiply p in dq/dt, None: not at all."""
    dof, width, depth = sizes
    begin, places = 0, {}
    for net in networks:
        last = begin + (len(net.reads(dof)) + 1) * width + (depth - 1) * (width + 1) * width
        places[net.prefix] = begin, last
        begin = last + width * net.outputs
    shared = _room(ROWS, width), _room(width, width)
    nets = [_net(one, places[one.net.prefix], ACTIVATION_CODES[activation], sizes, *shared) for one in terms]
    first, second, third = (*nets, *[nets[0]] * (MOST - len(nets)))
    known = np.zeros(dof) if rates is None else rates
    return Work((first, second, third), len(nets), begin, known.astype(np.float32), _room(ROWS, 2 * dof))


def _room(*shape: int) -> Array:
    return np.zeros(shape, np.float32)


def _net(
    one: Term, places: tuple[int, int], code: int, sizes: tuple[int, int, int], layer: Array, square: Array
) -> Net:
    dof, width, depth = sizes
    columns = one.net.reads(dof)
    twice, once = (depth, 2 * ROWS, width), (depth, ROWS, width)
    rows = one.net.outputs if one.output is None else 1
    output = -1 if one.output is None else one.output
    return Net(
        *(*places, columns[0], one.net.outputs, output, one.at_rest, code, width, depth),
        targets=np.array([target for target, _ in one.into], dtype=np.int64),
        factors=np.array([factor for _, factor in one.into], dtype=np.float32),
        x=_room(ROWS, len(columns)),
        left=_room(*twice),
        right=_room(*twice),
        slopes=_room(*once),
        curves=_room(depth, ROWS if code == SILU else 0, width),
        u=_room(*once),
        t=layer,
        r=_room(ROWS, len(one.into)),
        out=_room(rows, width),
        out_grad=_room(rows, width),
        spare=square,
        ones=np.ones((ROWS, 1), np.float32),
    )


@jit
def layer_of(flat: Any, net: Any, layer: int) -> Any:
    """Return W `(inputs or width, width)` and b `(width,)` of the hidden layer number `layer` of `net` in the weights
    `flat` `(W,)`."""
    inputs, width = net.x.shape[1], net.width
    at, rows = net.begin, inputs
    if layer > 0:
        at, rows = net.begin + (inputs + 1) * width + (layer - 1) * (width + 1) * width, width
    middle = at + rows * width
    return flat[at:middle].reshape(rows, width), flat[middle : middle + width]


@jit
def _read(net: Any, x: Any) -> None:
    """net.x <- what the term reads of the coordinates."""
    half = x.shape[1] // 2
    for i in range(x.shape[0]):
        for k in range(net.x.shape[1]):
            column = net.column + k
            net.x[i, k] = np.float32(0.0) if net.at_rest and column >= half else x[i, column]


@jit
def _forward(net: Any, flat: Any, n: int) -> None:
    """a_l = h_{l−1} W_l + b_l, h_l = σ(a_l), from h₀ = x."""
    t = net.t[:n]
    for layer in range(net.depth):
        matrix, bias = layer_of(flat, net, layer)
        if layer == 0:
            thin(net.x[:n], matrix, t)
        else:
            np.dot(net.left[layer - 1, n : 2 * n], matrix, t)
        activate(t, bias, net.code, net.left[layer, n : 2 * n], net.slopes[layer], net.curves[layer])


@jit
def _back_to_inputs(net: Any, flat: Any, n: int) -> None:
    """g_L = σ′_L ⊙ w_out, u_l = g_{l+1} W_{l+1}ᵀ, g_l = u_l ⊙ σ′_l; the gradient is then g₁ W₁ᵀ."""
    top = net.depth - 1
    scale_columns(net.slopes[top, :n], net.out[0], net.right[top])
    for layer in range(top, 0, -1):
        u = net.u[layer - 1, :n]
        np.dot(net.right[layer, :n], layer_of(flat, net, layer)[0].T, u)
        multiply(u, net.slopes[layer - 1, :n], net.right[layer - 1, :n])


@jit
def _give(net: Any, flat: Any, n: int, field: Any) -> None:
    """field += what the term gives."""
    if net.output < 0:
        thin_transposed(net.left[net.depth - 1, n : 2 * n], net.out, net.r)
    else:
        _back_to_inputs(net, flat, n)
        thin_transposed(net.right[0, :n], layer_of(flat, net, 0)[0], net.r)
    for i in range(n):
        for k in range(net.targets.size):
            field[i, net.targets[k]] += net.factors[k] * net.r[i, k]


@jit
def take(net: Any, n: int, e: Any) -> None:
    """net.r <- dL/d(what the term gave), `(n, outputs or inputs)`, from e = dL/d(field) `(n, 2·dof)`."""
    for i in range(n):
        for k in range(net.targets.size):
            net.r[i, k] = net.factors[k] * e[i, net.targets[k]]


@jit
def residual(work: Any, flat: Any, x: Any, d: Any, share: float) -> float:
    """Return the sum of (field − d)² at x, `(n, 2·dof)` both; work.e <- 2·`share`·(field − d), the derivative by the
    field of `share` times that."""
    n, half, total, e = x.shape[0], work.rates.size, 0.0, work.e
    for i in range(n):
        for k in range(half):
            e[i, k], e[i, half + k] = work.rates[k] * x[i, half + k], np.float32(0.0)
    for which in range(work.terms):
        net = work.nets[which]
        _read(net, x)
        _forward(net, flat, n)
        _give(net, flat, n, e)
    twice = np.float32(2.0 * share)
    for i in range(n):
        for k in range(2 * half):
            gap = e[i, k] - d[i, k]
            e[i, k] = twice * gap
            total += np.float64(gap) * gap
    return total


@jit
def _back_to_slopes(net: Any, flat: Any, grad: Any, n: int) -> None:
    """Back through `_back_to_inputs`, from the first layer up: dg₁ = r W₁, du_l = dg_l ⊙ σ′_l, dσ′_l = dg_l ⊙ u_l,
    dg_{l+1} = du_l W_{l+1}; for the last layer, w_out stands for u."""
    top, t, r = net.depth - 1, net.t[:n], net.r[:n]
    add_outer(r, net.right[0, :n], layer_of(grad, net, 0)[0])
    thin(r, layer_of(flat, net, 0)[0], t)
    for layer in range(top):
        du, u = net.left[layer, :n], net.u[layer, :n]
        multiply(t, net.slopes[layer, :n], du)
        multiply_by(t, u)
        np.dot(du, layer_of(flat, net, layer + 1)[0], t)
    scale_columns(t, net.out[0], net.u[top])
    multiply_by(net.slopes[top, :n], t)
    add_outer(net.ones[:n], t, net.out_grad)


@jit
def _back_to_sums(net: Any, layer: int, n: int) -> Any:
    """Return da = dh ⊙ σ′ + dσ′ ⊙ σ″ of a layer; dh is `t`. Outputs have no dσ′, the last layer of a gradient no dh."""
    slope, da = net.slopes[layer, :n], net.right[layer, n : 2 * n]
    if net.output < 0:
        multiply(net.t[:n], slope, da)
        return da
    bend(net.code, net.left[layer, n : 2 * n], slope, net.curves[layer], net.u[layer], da)
    if layer < net.depth - 1:
        add_multiplied(net.t[:n], slope, da)
    return da


@jit
def backward(net: Any, flat: Any, grad: Any, n: int) -> Any:
    """grad += dL/dweights of this block of n rows: dW_l = h_{l−1}ᵀ da_l + du_{l−1}ᵀ g_l, db_l = Σ da_l, dh_{l−1} = da_l
    W_lᵀ.

    `flat`, `grad`: `(W,)`. Return da of the first layer, `(n, width)`: da W₁ᵀ is dL/d(inputs).
    """
    upper = n if net.output < 0 else 0
    if net.output < 0:
        add_outer(net.r[:n], net.left[net.depth - 1, n : 2 * n], net.out_grad)
        thin(net.r[:n], net.out, net.t)
    else:
        _back_to_slopes(net, flat, grad, n)
    for layer in range(net.depth - 1, -1, -1):
        matrix_grad, bias_grad = layer_of(grad, net, layer)
        da = _back_to_sums(net, layer, n)
        add_outer(net.ones[:n], da, bias_grad.reshape(1, net.width))
        if layer == 0:
            add_outer(net.x[:n], da, matrix_grad)
        else:
            add_product(net.left[layer - 1, upper : 2 * n], net.right[layer, upper : 2 * n], matrix_grad, net.spare)
            np.dot(da, layer_of(flat, net, layer)[0].T, net.t[:n])
    return da


@jit
def begin_pass(net: Any, flat: Any) -> None:
    """net.out <- the columns of the last matrix in `flat` `(W,)` that the term needs, as rows; their gradient <- 0."""
    net.out_grad[:] = np.float32(0.0)
    for k in range(net.out.shape[0]):
        column = net.last + max(net.output, k)
        for i in range(net.width):
            net.out[k, i] = flat[column + i * net.outputs]


@jit
def end_pass(net: Any, grad: Any) -> None:
    """grad `(W,)` += the gradient of the columns of the last matrix that the term needs."""
    for k in range(net.out.shape[0]):
        column = net.last + max(net.output, k)
        for i in range(net.width):
            grad[column + i * net.outputs] += net.out_grad[k, i]


@jit
def move(flat: Any, grad: Any, moments: Any, good: Any, rate: float, root: float, decay: float) -> None:
    """m ← β₁m + (1−β₁)g; v ← β₂v + (1−β₂)g²; w ← w − rate·m/(√v / root + ε), with g including decay·w.

    `flat` (w), `grad` (g), `good` (w as it was): `(W,)`; `moments` (m, v): `(2, W)`; float32. `rate` is α/(1 − β₁ⁿ) and
    `root` √(1 − β₂ⁿ) in step n. Source: Kingma & Ba 2015.
    """
    mean, square = moments[0], moments[1]
    alpha, part, per_root = np.float32(rate), np.float32(decay), np.float32(1.0 / root)
    for i in range(flat.size):
        good[i] = flat[i]
        g = grad[i] + part * flat[i]
        g = _NONE if abs(g) < _TINY else g  # NaN stays
        m = _KEEP * mean[i] + _TAKE * g
        v = _KEEP_SQUARE * square[i] + _TAKE_SQUARE * (g * g)
        mean[i] = _NONE if abs(m) < _TINY else m
        square[i] = _NONE if v < _TINY_SQUARE else v
        w = flat[i] - alpha * (mean[i] / (np.float32(math.sqrt(square[i])) * per_root + _EPSILON))
        flat[i] = _NONE if abs(w) < _TINY else w


_FLAT, _TABLE = types.Array(types.float32, 1, "C"), types.Array(types.float32, 2, "C")
_ANY = Network("", slice(None), 1)
_WORK = numba.typeof(network((_ANY,), (Term(_ANY, 0, ((1, 1.0), (0, -1.0))),), "tanh", (1, 2, 1)))
_ADAM = types.Tuple((types.boolean, *(types.float64,) * 4))


@jit_for(types.float64(_WORK, _FLAT, _FLAT, _TABLE, _FLAT, _TABLE, _TABLE, _ADAM))
def _advance(work: Any, flat: Any, grad: Any, moments: Any, good: Any, coords: Any, dcoords: Any, adam: Any) -> Any:
    learn, limit, rate, root, decay = adam
    rows, loss = coords.shape[0], 0.0
    share = 1.0 / (rows * coords.shape[1])
    grad[:] = np.float32(0.0)
    for which in range(work.terms):
        begin_pass(work.nets[which], flat)
    blocks = (rows + ROWS - 1) // ROWS
    for block in range(blocks):
        begin, end = block * rows // blocks, (block + 1) * rows // blocks
        loss += residual(work, flat, coords[begin:end], dcoords[begin:end], share)
        for which in range(work.terms if learn else 0):
            take(work.nets[which], end - begin, work.e)
            backward(work.nets[which], flat, grad, end - begin)
    loss *= share
    for which in range(work.terms if learn else 0):
        end_pass(work.nets[which], grad)
    if learn and loss <= limit:
        move(flat, grad, moments, good, rate, root, decay)
    return loss


def advance(
    work: Work,
    flat: Array,
    grad: Array,
    moments: Array,
    good: Array,
    rows: tuple[Array, Array],
    adam: tuple[bool, float, float, float, float],
) -> float:
    """Return the loss of weights `flat` `(W,)` on `rows`, coords and dcoords `(N, 2*dof)`; learn from it if asked to.

    Loss: mean over rows and coordinates of (field(coords) − dcoords)². `adam`: whether to learn, the largest loss to
    learn from, and α / (1 − β₁ⁿ), √(1 − β₂ⁿ) and the L2 term's share for step n. Learning fills `grad` `(W,)` with
    dL/dw; within the limit it copies the weights to `good` `(W,)`, then moves `moments` `(2, W)` and the weights.
    Source: Kingma & Ba 2015.
    """
    coords, dcoords = (np.require(part, np.float32, ["C", "W"]) for part in rows)
    # Compiled loops check no bounds.
    assert coords.shape == dcoords.shape == (len(coords), 2 * work.rates.size)
    assert flat.shape == grad.shape == good.shape == (work.size,)
    assert moments.shape == (2, work.size)
    loss: float = _advance(work, flat, grad, moments, good, coords, dcoords, adam)
    return loss
