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
from hnn_engine.kernels.activations import ACTIVATE, BEND
from hnn_engine.kernels.jit import SINGLE_ROWS, SINGLES, Address, jit, jit_at, jit_for
from hnn_engine.kernels.perceptron import ACTIVATION_CODES, SILU
from hnn_engine.kernels.primitives import call, line, matrix, product, rows
from hnn_engine.kernels.products import (
    add_multiplied,
    add_outer,
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

# What `heads` holds of each pass through a network: where its weights begin, and its last matrix; the first of the
# coordinates that it reads; how many outputs there are, and the one whose gradient it gives (−1 where it gives the
# outputs themselves); whether it is taken at p = 0; its activation, width and depth; how many numbers it gives.
BEGIN, LAST_MATRIX, COLUMN, OUTPUTS, OUTPUT, AT_REST, CODE, WIDTH, DEPTH, GIVEN = range(10)
# Where in `room` its memory for a block of rows begins, of each hidden layer where nothing else is said. `LEFT` and
# `RIGHT` hold the factors of dL/dW, twice as many rows: of a block of n rows, u's derivatives and g in the first n (of
# a gradient only), h and a's derivatives in the next n. Their product is then the sum of two. σ′ (`SLOPES`); σ″ of
# SiLU (`CURVES`); `U`: g before it is multiplied by σ′, later dL/dσ′; `T`, one layer: a, or the derivative of the
# loss by its output; `OUT`: the part of the last matrix that the pass needs, transposed, and its gradient behind it.
LEFT, RIGHT, SLOPES, CURVES, U, T, OUT, FIELDS = range(10, 18)


_MOVE = types.void(SINGLES, SINGLES, SINGLE_ROWS, SINGLES, *(types.float64,) * 3)


# By itself, or among other lines its loop does not go through vector registers.
@jit_at(_MOVE)
def _move(flat: Any, grad: Any, moments: Any, good: Any, rate: float, root: float, decay: float) -> None:
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


MOVE = Address(_move, _MOVE)


class Work(NamedTuple):
    """What a step needs of a model: its terms, passes through networks, and what else its field is made of."""

    heads: npt.NDArray[np.int64]  # (terms, FIELDS)
    targets: npt.NDArray[np.int64]  # (terms, numbers): which component of the field each number goes to,
    factors: npt.NDArray[np.float32]  # (terms, numbers), times this
    room: Array  # (…, width), what is remembered of hidden layers
    x: tuple[Array, Array, Array]  # (rows, inputs), what each pass reads
    r: tuple[Array, Array, Array]  # (rows, outputs or inputs), what it gives; later the derivative of the loss by it
    ones: npt.NDArray[np.float32]  # (rows, 1)
    rates: npt.NDArray[np.float32]  # (dof,), of p in dq/dt
    e: Array  # (rows, 2·dof), the field; later the derivative of the loss by it
    loss: Array  # (1,), of a block
    size: int  # of all weights
    activation: int = int(ACTIVATE)  # where functions lie
    bend: int = int(BEND)
    move: int = int(MOVE)


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
    assert len(terms) <= MOST
    heads, taken = np.zeros((len(terms), FIELDS), np.int64), ROWS  # what all passes share comes first
    shape = len(terms), max(len(one.into) for one in terms)
    targets, factors = np.zeros(shape, np.int64), np.zeros(shape, np.float32)
    for i, one in enumerate(terms):
        code, outputs = ACTIVATION_CODES[activation], one.net.outputs
        gives = -1 if one.output is None else one.output
        first = one.net.reads(dof)[0], outputs, gives, one.at_rest, code, width, depth, len(one.into)
        heads[i, : GIVEN + 1] = (*places[one.net.prefix], *first)
        curved = ROWS * depth if code == SILU else 0
        layers = {
            LEFT: 2 * ROWS * depth,
            RIGHT: 2 * ROWS * depth,
            SLOPES: ROWS * depth,
            CURVES: curved,
            U: ROWS * depth,
        }
        for name, count in {**layers, OUT: 2 * (outputs if one.output is None else 1)}.items():
            heads[i, name], taken = taken, taken + count
        targets[i, : len(one.into)] = [target for target, _ in one.into]
        factors[i, : len(one.into)] = [factor for _, factor in one.into]
    reads = [_room(ROWS, len(one.net.reads(dof))) for one in terms] + [_room(1, 1)] * MOST
    gives_to = [_room(ROWS, len(one.into)) for one in terms] + [_room(1, 1)] * MOST
    known = np.zeros(dof) if rates is None else rates
    return Work(
        heads,
        targets,
        factors,
        _room(taken, width),
        x=(reads[0], reads[1], reads[2]),
        r=(gives_to[0], gives_to[1], gives_to[2]),
        ones=np.ones((ROWS, 1), np.float32),
        rates=known.astype(np.float32),
        e=_room(ROWS, 2 * dof),
        loss=np.zeros(1),
        size=begin,
    )


def _room(*shape: int) -> Array:
    return np.zeros(shape, np.float32)


@jit
def layer_of(flat: Any, head: Any, inputs: int, layer: int) -> Any:
    """Return W `(inputs or width, width)` and b `(width,)` of a hidden layer."""
    width = head[WIDTH]
    at, count = head[BEGIN], inputs
    if layer > 0:
        at, count = head[BEGIN] + (inputs + 1) * width + (layer - 1) * (width + 1) * width, width
    middle = at + count * width
    return matrix(flat, at, count, width), line(flat, middle, width)


@jit
def single(head: Any, name: int, layer: int) -> int:
    """Return the row of the memory at which that of a layer begins, of what has one row for each of a block."""
    at: int = head[name] + layer * ROWS
    return at


@jit
def upper(head: Any, name: int, layer: int) -> int:
    """Return the row at which the first half of `LEFT` or `RIGHT` of a layer begins: u's derivatives, or g. The second,
    h or a's derivatives, begins as many rows later as the block has."""
    at: int = head[name] + 2 * layer * ROWS
    return at


@jit
def _outs(head: Any) -> int:
    """Return how many columns of the last matrix the pass needs; they lie at `OUT` as rows, their gradient behind."""
    count: int = head[OUTPUTS] if head[OUTPUT] < 0 else 1
    return count


@jit
def _forward(work: Any, head: Any, x: Any, flat: Any, n: int) -> None:
    """a_l = h_{l−1} W_l + b_l, h_l = σ(a_l), from h₀ = x."""
    room, t = work.room, rows(work.room, head[T], n)
    for layer in range(head[DEPTH]):
        weights, bias = layer_of(flat, head, x.shape[1], layer)
        if layer == 0:
            thin(rows(x, 0, n), weights, t)
        else:
            product(rows(room, upper(head, LEFT, layer - 1) + n, n), weights, t, False)
        slope, curve = rows(room, single(head, SLOPES, layer), n), rows(room, single(head, CURVES, layer), n)
        h = rows(room, upper(head, LEFT, layer) + n, n)
        call(work.activation, (t, bias, head[CODE], h, slope, curve))


@jit
def _back_to_inputs(room: Any, head: Any, inputs: int, flat: Any, n: int) -> None:
    """g_L = σ′_L ⊙ w_out, u_l = g_{l+1} W_{l+1}ᵀ, g_l = u_l ⊙ σ′_l; the gradient is then g₁ W₁ᵀ."""
    top = head[DEPTH] - 1
    slope, g = rows(room, single(head, SLOPES, top), n), rows(room, upper(head, RIGHT, top), n)
    scale_columns(slope, room[head[OUT]], g)
    for layer in range(top, 0, -1):
        u, slope = rows(room, single(head, U, layer - 1), n), rows(room, single(head, SLOPES, layer - 1), n)
        weights, _ = layer_of(flat, head, inputs, layer)
        product(rows(room, upper(head, RIGHT, layer), n), weights.T, u, False)
        multiply(u, slope, rows(room, upper(head, RIGHT, layer - 1), n))


@jit
def _give(room: Any, head: Any, targets: Any, factors: Any, inputs: int, r: Any, flat: Any, n: int, field: Any) -> None:
    """field += what the pass gives."""
    if head[OUTPUT] < 0:
        h = rows(room, upper(head, LEFT, head[DEPTH] - 1) + n, n)
        thin_transposed(h, rows(room, head[OUT], head[OUTPUTS]), r)
    else:
        _back_to_inputs(room, head, inputs, flat, n)
        thin_transposed(rows(room, upper(head, RIGHT, 0), n), layer_of(flat, head, inputs, 0)[0], r)
    for i in range(n):
        for k in range(head[GIVEN]):
            field[i, targets[k]] += factors[k] * r[i, k]


@jit
def _back_to_slopes(work: Any, head: Any, inputs: int, r: Any, flat: Any, grad: Any, n: int) -> None:
    """Back through `_back_to_inputs`, from the first layer up: dg₁ = r W₁, du_l = dg_l ⊙ σ′_l, dσ′_l = dg_l ⊙ u_l,
    dg_{l+1} = du_l W_{l+1}; for the last layer, w_out stands for u."""
    room, top, t = work.room, head[DEPTH] - 1, rows(work.room, head[T], n)
    add_outer(r, rows(room, upper(head, RIGHT, 0), n), layer_of(grad, head, inputs, 0)[0])
    thin(r, layer_of(flat, head, inputs, 0)[0], t)
    for layer in range(top):
        du, u = rows(room, upper(head, LEFT, layer), n), rows(room, single(head, U, layer), n)
        multiply(t, rows(room, single(head, SLOPES, layer), n), du)
        multiply_by(t, u)
        product(du, layer_of(flat, head, inputs, layer + 1)[0], t, False)
    slope = rows(room, single(head, SLOPES, top), n)
    scale_columns(t, room[head[OUT]], rows(room, single(head, U, top), n))
    multiply_by(slope, t)
    add_outer(rows(work.ones, 0, n), t, rows(room, head[OUT] + 1, 1))


@jit
def _back_to_sums(work: Any, head: Any, layer: int, n: int) -> None:
    """da = dh ⊙ σ′ + dσ′ ⊙ σ″ of a layer; dh is `T`. Outputs have no dσ′, the last layer of a gradient no dh."""
    room, t = work.room, rows(work.room, head[T], n)
    slope, da = rows(room, single(head, SLOPES, layer), n), rows(room, upper(head, RIGHT, layer) + n, n)
    if head[OUTPUT] < 0:
        multiply(t, slope, da)
        return
    curve, u = rows(room, single(head, CURVES, layer), n), rows(room, single(head, U, layer), n)
    call(work.bend, (head[CODE], rows(room, upper(head, LEFT, layer) + n, n), slope, curve, u, da))
    if layer < head[DEPTH] - 1:
        add_multiplied(t, slope, da)


@jit
def _backward(work: Any, head: Any, x: Any, r: Any, flat: Any, grad: Any, n: int) -> None:
    """grad += dL/dweights of this block: dW_l = h_{l−1}ᵀ da_l + du_{l−1}ᵀ g_l, db_l = Σ da_l, dh_{l−1} = da_l W_lᵀ.

    What it leaves as da of the first layer is, times W₁ᵀ, the derivative of the loss by the inputs.
    """
    inputs, room, ones, t = x.shape[1], work.room, rows(work.ones, 0, n), rows(work.room, head[T], n)
    first, count = 0, 2 * n  # of `LEFT` and `RIGHT`: both halves, of outputs the second alone
    if head[OUTPUT] < 0:
        first, count, outputs = n, n, head[OUTPUTS]
        h = rows(room, upper(head, LEFT, head[DEPTH] - 1) + n, n)
        add_outer(rows(r, 0, n), h, rows(room, head[OUT] + outputs, outputs))
        thin(rows(r, 0, n), rows(room, head[OUT], outputs), t)
    else:
        _back_to_slopes(work, head, inputs, rows(r, 0, n), flat, grad, n)
    for layer in range(head[DEPTH] - 1, -1, -1):
        weights_grad, bias_grad = layer_of(grad, head, inputs, layer)
        _back_to_sums(work, head, layer, n)
        da = rows(room, upper(head, RIGHT, layer) + n, n)
        add_outer(ones, da, matrix(bias_grad, 0, 1, head[WIDTH]))
        if layer == 0:
            add_outer(rows(x, 0, n), da, weights_grad)
        else:
            left = rows(room, upper(head, LEFT, layer - 1) + first, count)
            product(left.T, rows(room, upper(head, RIGHT, layer) + first, count), weights_grad, True)
            product(da, layer_of(flat, head, inputs, layer)[0].T, t, False)


_ANY = Network("", slice(None), 1)
WORK = numba.typeof(network((_ANY,), (Term(_ANY, 0, ((1, 1.0), (0, -1.0))),), "tanh", (1, 2, 1)))
_BLOCK = types.void(WORK, SINGLES, SINGLES, SINGLE_ROWS, SINGLE_ROWS, types.float64, types.boolean)


@jit_at(_BLOCK)
def _block(work: Any, flat: Any, grad: Any, x: Any, d: Any, share: float, learn: bool) -> None:
    """work.loss <- the sum of (field − d)² over a block; e <- the derivative of `share` times that by the field, and
    grad += its derivative by the weights, where that is to be learnt from."""
    n, half, total, e = x.shape[0], work.rates.size, 0.0, work.e
    for i in range(n):
        for k in range(half):
            e[i, k], e[i, half + k] = work.rates[k] * x[i, half + k], _NONE
    for which in range(work.heads.shape[0]):
        head, seen = work.heads[which], work.x[which]
        for i in range(n):
            for k in range(seen.shape[1]):
                column = head[COLUMN] + k
                seen[i, k] = _NONE if head[AT_REST] != 0 and column >= half else x[i, column]
        _forward(work, head, seen, flat, n)
        targets, factors = work.targets[which], work.factors[which]
        _give(work.room, head, targets, factors, seen.shape[1], work.r[which], flat, n, e)
    twice = np.float32(2.0 * share)
    for i in range(n):
        for k in range(2 * half):
            gap = e[i, k] - d[i, k]
            e[i, k] = twice * gap
            total += np.float64(gap) * gap
    for which in range(work.heads.shape[0] if learn else 0):
        head, r = work.heads[which], work.r[which]
        for i in range(n):
            for k in range(head[GIVEN]):
                r[i, k] = work.factors[which, k] * e[i, work.targets[which, k]]
        _backward(work, head, work.x[which], r, flat, grad, n)
    work.loss[0] = total


BLOCK = Address(_block, _BLOCK)  # or every step that has blocks would have its lines compiled into it


@jit
def begin_passes(work: Any, flat: Any) -> None:
    """For each pass: its part of the last matrix <- the columns that it needs, as rows; their gradient <- 0."""
    for which in range(work.heads.shape[0]):
        head = work.heads[which]
        count = _outs(head)
        for k in range(count):
            column = head[LAST_MATRIX] + max(head[OUTPUT], k)
            out, out_grad = work.room[head[OUT] + k], work.room[head[OUT] + count + k]
            for i in range(out.size):
                out[i], out_grad[i] = flat[column + i * head[OUTPUTS]], _NONE


@jit
def end_passes(work: Any, grad: Any) -> None:
    """grad += the gradient of those columns."""
    for which in range(work.heads.shape[0]):
        head = work.heads[which]
        count = _outs(head)
        for k in range(count):
            column, out_grad = head[LAST_MATRIX] + max(head[OUTPUT], k), work.room[head[OUT] + count + k]
            for i in range(out_grad.size):
                grad[column + i * head[OUTPUTS]] += out_grad[i]


ADAM = types.Tuple((types.boolean, *(types.float64,) * 4))


@jit_for(types.float64(types.int64, WORK, SINGLES, SINGLES, SINGLE_ROWS, SINGLES, SINGLE_ROWS, SINGLE_ROWS, ADAM))
def _advance(
    block: int, work: Any, flat: Any, grad: Any, moments: Any, good: Any, coords: Any, dcoords: Any, adam: Any
) -> Any:
    learn, limit, rate, root, decay = adam
    count, loss = coords.shape[0], 0.0
    share = 1.0 / (count * coords.shape[1])
    for i in range(grad.size):  # an assignment to a slice is dear to compile
        grad[i] = _NONE
    begin_passes(work, flat)
    blocks = (count + ROWS - 1) // ROWS
    for which in range(blocks):
        begin = which * count // blocks
        n = (which + 1) * count // blocks - begin
        call(block, (work, flat, grad, rows(coords, begin, n), rows(dcoords, begin, n), share, learn))
        loss += work.loss[0]
    loss *= share
    if learn:
        end_passes(work, grad)
        if loss <= limit:
            call(work.move, (flat, grad, moments, good, rate, root, decay))
    return loss


def advance(
    work: Work,
    flat: Array,
    grad: Array,
    moments: Array,
    good: Array,
    data: tuple[Array, Array],
    adam: tuple[bool, float, float, float, float],
) -> float:
    """Return the loss of weights `flat` `(W,)` on `data`, coords and dcoords `(N, 2*dof)`; learn from it if asked to.

    Loss: mean over rows and coordinates of (field(coords) − dcoords)². `adam`: whether to learn, the largest loss to
    learn from, and α / (1 − β₁ⁿ), √(1 − β₂ⁿ) and the L2 term's share for step n. Learning fills `grad` `(W,)` with
    dL/dw; within the limit it copies the weights to `good` `(W,)`, then moves `moments` `(2, W)` and the weights.
    Source: Kingma & Ba 2015.
    """
    coords, dcoords = (np.require(part, np.float32, ["C", "W"]) for part in data)
    # Compiled loops check no bounds.
    assert coords.shape == dcoords.shape == (len(coords), 2 * work.rates.size)
    assert flat.shape == grad.shape == good.shape == (work.size,)
    assert moments.shape == (2, work.size)
    loss: float = _advance(int(BLOCK), work, flat, grad, moments, good, coords, dcoords, adam)
    return loss
