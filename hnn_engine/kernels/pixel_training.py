"""One step of Adam on a model that sees frames, fused: autoencoder and dynamics, loss, gradient and new weights.

Loss, a mean over rows of: ‖x − decode(z)‖² / (numbers of x) + (z_p − (z′_q − z_q))² + ‖z′ − z − f(z)‖² / 20, where x
is a pair of frames, z = encode(x), and x′ with z′ the pair that begins with the second frame of x. Source: Greydanus et
al. 2019, section 5. Weights are flat: encoder, decoder (`models.autoencoder`), then the perceptron of f as in
`training`.

Pixels that are black in every frame (`live` names the others) multiply no weight of the first layer: they are left out
of its products, which changes no number.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numba
import numpy as np
import numpy.typing as npt
from numba import types

from hnn_engine.kernels.jit import jit, jit_for
from hnn_engine.kernels.products import thin, thin_turned
from hnn_engine.kernels.training import (
    ROWS,
    Work,
    backward,
    begin_pass,
    end_pass,
    layer_of,
    move,
    network,
    residual,
    take,
)
from hnn_engine.models.autoencoder import LATENTS, Single
from hnn_engine.models.networks import Network, Term
from hnn_engine.models.pixels import FIELD_SHARE


class Half(NamedTuple):
    """One half of the autoencoder and its memory for a block of rows. `begin` is where its weights begin."""

    begin: int
    inputs: int
    width: int
    outputs: int
    h: Single  # (3, rows, width), what each hidden layer gives
    r: Single  # (2, rows, width), the part of the middle layers beside their residual
    d: Single  # (2, rows, width), what the loss says of layers
    spare: Single  # as many numbers as the largest matrix has


class Eyes(NamedTuple):
    """What a step needs of the autoencoder. `x` `(2·rows, len(live))` are pairs and successors, `z` their latents."""

    encoder: Half
    decoder: Half
    live: npt.NDArray[np.int64]  # which of the numbers of a pair are looked at, those of its first frame first
    size: int  # of all its weights
    x: Single
    first: Single  # (len(live), width): the rows of W₀ that matter; then their gradient
    z: Single  # (2·rows, 2)
    dz: Single
    y: Single  # (rows, numbers of a pair): what is decoded; then what the loss says of it
    step: Single  # (rows, 2), z′ − z


def eyes(seen: int, width: int, live: npt.NDArray[np.int64]) -> Eyes:
    """Return what `see` needs of an autoencoder of `seen` numbers and `width` units, of which `live` are looked at."""
    encoder = _half(0, (seen, width, LATENTS), 2 * ROWS)
    begin = (seen + 1) * width + 2 * (width + 1) * width + (width + 1) * LATENTS
    decoder = _half(begin, (LATENTS, width, seen), ROWS)
    total = begin + (LATENTS + 1) * width + 2 * (width + 1) * width + (width + 1) * seen
    latents = _room(2 * ROWS, LATENTS), _room(2 * ROWS, LATENTS)
    return Eyes(
        encoder,
        decoder,
        live,
        total,
        _room(2 * ROWS, len(live)),
        _room(len(live), width),
        *latents,
        _room(ROWS, seen),
        _room(ROWS, LATENTS),
    )


def _room(*shape: int) -> Single:
    return np.zeros(shape, np.float32)


def _half(begin: int, sizes: tuple[int, int, int], rows: int) -> Half:
    inputs, width, outputs = sizes
    layers = _room(3, rows, width), _room(2, rows, width), _room(2, rows, width)
    return Half(begin, inputs, width, outputs, *layers, _room(width * max(sizes)))


# Forward --------------------------------------------------------------------------------------------------------------


@jit
def _part(flat: Any, half: Any, layer: int) -> Any:
    """Return W and b of a layer: views of `flat`, weights or their gradient."""
    at = half.begin
    rows = half.inputs
    if layer > 0:
        at += (half.inputs + 1) * half.width + (layer - 1) * (half.width + 1) * half.width
        rows = half.width
    columns = half.outputs if layer == 3 else half.width
    middle = at + rows * columns
    return flat[at:middle].reshape(rows, columns), flat[middle : middle + columns]


@jit
def _relu(a: Any, bias: Any) -> None:
    """a <- relu(a + bias). NaN comes through."""
    for i in range(a.shape[0]):
        row = a[i]
        for j in range(bias.size):
            value = row[j] + bias[j]
            row[j] = np.float32(0.0) if value < np.float32(0.0) else value


@jit
def _add_bias(a: Any, bias: Any) -> None:
    for i in range(a.shape[0]):
        row = a[i]
        for j in range(bias.size):
            row[j] += bias[j]


@jit
def _sum(a: Any, b: Any, out: Any) -> None:
    x, y, z = a.reshape(a.size), b.reshape(b.size), out.reshape(out.size)
    for i in range(x.size):
        z[i] = x[i] + y[i]


@jit
def _through(half: Any, flat: Any, n: int) -> None:
    """h₁ <- relu(h₁ + b₀), where h₁ holds x W₀; then h₂ and h₃."""
    _relu(half.h[0, :n], _part(flat, half, 0)[1])
    for layer in range(1, 3):
        matrix, bias = _part(flat, half, layer)
        r = half.r[layer - 1, :n]
        np.dot(half.h[layer - 1, :n], matrix, r)
        _relu(r, bias)
        _sum(half.h[layer - 1, :n], r, half.h[layer, :n])


@jit
def _look(eyes: Any, flat: Any, table: Any, first: Any) -> None:
    """x <- pairs and their successors; z <- encode(x)."""
    n, half = first.size, eyes.live.size // 2
    for i in range(n):
        a, b, c = table[first[i]], table[first[i] + 1], table[first[i] + 2]
        now, then = eyes.x[i], eyes.x[n + i]
        for j in range(half):
            now[j], now[half + j], then[j], then[half + j] = a[j], b[j], b[j], c[j]
    encoder = eyes.encoder
    matrix, _ = _part(flat, encoder, 0)
    for j in range(eyes.live.size):
        eyes.first[j] = matrix[eyes.live[j]]
    np.dot(eyes.x[: 2 * n], eyes.first, encoder.h[0, : 2 * n])
    _through(encoder, flat, 2 * n)
    last, bias = _part(flat, encoder, 3)
    np.dot(encoder.h[2, : 2 * n], last, eyes.z[: 2 * n])
    _add_bias(eyes.z[: 2 * n], bias)


@jit
def _imagine(eyes: Any, flat: Any, n: int) -> None:
    """y <- decode(z)."""
    decoder = eyes.decoder
    thin(eyes.z[:n], _part(flat, decoder, 0)[0], decoder.h[0, :n])
    _through(decoder, flat, n)
    last, bias = _part(flat, decoder, 3)
    np.dot(decoder.h[2, :n], last, eyes.y[:n])
    _add_bias(eyes.y[:n], bias)


@jit
def _pictures_off(eyes: Any, n: int, share: float) -> float:
    """Return Σ (y − x)²; y <- what a loss of `share` times that says of it."""
    total, twice = 0.0, np.float32(2.0 * share)
    for i in range(n):
        x, y = eyes.x[i], eyes.y[i]
        for j in range(eyes.live.size):
            y[eyes.live[j]] -= x[j]
        part: Any = np.float32(0.0)
        for j in range(y.size):
            part += y[j] * y[j]
            y[j] *= twice
        total += part
    return total


@jit
def _latents_off(eyes: Any, n: int, share: float) -> float:
    """Return Σ (z_p − (z′_q − z_q))²; dz <- what a loss of `share` times that says of z and z′."""
    total, twice = 0.0, np.float32(2.0 * share)
    for i in range(n):
        z, then, dz, dthen = eyes.z[i], eyes.z[n + i], eyes.dz[i], eyes.dz[n + i]
        eyes.step[i, 0], eyes.step[i, 1] = then[0] - z[0], then[1] - z[1]
        gap = z[1] - eyes.step[i, 0]
        total += np.float64(gap) * gap
        dz[0] = dz[1] = twice * gap
        dthen[0], dthen[1] = -twice * gap, np.float32(0.0)
    return total


# Back -----------------------------------------------------------------------------------------------------------------


@jit
def _add_grad(x: Any, g: Any, out: Any, spare: Any, fresh: bool) -> None:
    """out += x.T @ g; `fresh`: nothing is in it yet."""
    if fresh:
        np.dot(x.T, g, out)
        return
    part = spare[: out.size].reshape(out.shape)
    np.dot(x.T, g, part)
    _sum(out, part, out)


@jit
def _add_sums(g: Any, out: Any) -> None:
    """out += column sums of g."""
    for i in range(g.shape[0]):
        row = g[i]
        for j in range(out.size):
            out[j] += row[j]


@jit
def _gated(d: Any, r: Any, out: Any) -> None:
    """out <- d where r > 0, else 0."""
    a, b, c = d.reshape(d.size), r.reshape(r.size), out.reshape(out.size)
    for i in range(a.size):
        c[i] = a[i] if b[i] > np.float32(0.0) else np.float32(0.0)


@jit
def _back(half: Any, flat: Any, grad: Any, g: Any, fresh: bool) -> Any:
    """grad += dL/dweights of all layers but W₀, from dL/dy `g` `(n, outputs)`; return dL/d(x W₀ + b₀) `(n, width)`."""
    n = g.shape[0]
    matrix_grad, bias_grad = _part(grad, half, 3)
    _add_grad(half.h[2, :n], g, matrix_grad, half.spare, fresh)
    _add_sums(g, bias_grad)
    d, gate = half.d[0, :n], half.d[1, :n]
    np.dot(g, _part(flat, half, 3)[0].T, d)
    for layer in range(2, 0, -1):
        r = half.r[layer - 1, :n]
        _gated(d, r, gate)
        matrix_grad, bias_grad = _part(grad, half, layer)
        _add_grad(half.h[layer - 1, :n], gate, matrix_grad, half.spare, fresh)
        _add_sums(gate, bias_grad)
        np.dot(gate, _part(flat, half, layer)[0].T, r)  # r itself is not needed any more
        _sum(d, r, d)
    _gated(d, half.h[0, :n], gate)
    _add_sums(gate, _part(grad, half, 0)[1])
    return gate


@jit
def _back_from_pictures(eyes: Any, flat: Any, grad: Any, n: int, fresh: bool) -> None:
    """Back through the decoder: its gradient, and dz."""
    decoder = eyes.decoder
    d = _back(decoder, flat, grad, eyes.y[:n], fresh)
    matrix_grad, _ = _part(grad, decoder, 0)
    _add_grad(eyes.z[:n], d, matrix_grad, decoder.spare, fresh)
    thin_turned(d, _part(flat, decoder, 0)[0], eyes.step[:n])
    _sum(eyes.dz[:n], eyes.step[:n], eyes.dz[:n])


@jit
def _back_to_pixels(eyes: Any, flat: Any, grad: Any, n: int, fresh: bool) -> None:
    """Back through the encoder: its gradient."""
    encoder = eyes.encoder
    d = _back(encoder, flat, grad, eyes.dz[: 2 * n], fresh)
    np.dot(eyes.x[: 2 * n].T, d, eyes.first)
    matrix_grad, _ = _part(grad, encoder, 0)
    for j in range(eyes.live.size):
        row, more = matrix_grad[eyes.live[j]], eyes.first[j]
        for k in range(encoder.width):
            row[k] += more[k]


@jit
def _back_from_field(eyes: Any, work: Any, flat: Any, grad: Any, n: int) -> None:
    """Back through the dynamics: their gradient, and dz of both ends of the step."""
    for i in range(n):
        for k in range(2):
            eyes.dz[i, k] += work.e[i, k]
            eyes.dz[n + i, k] -= work.e[i, k]
    for which in range(work.passes):
        net = work.nets[which]
        take(net, n, work.e)
        d = backward(net, flat, grad, n)
        thin_turned(d, layer_of(flat, net, 0)[0], eyes.step[:n])
        for i in range(n):
            for k in range(eyes.step.shape[1]):
                eyes.dz[i, net.column + k] += eyes.step[i, k]


# The step -------------------------------------------------------------------------------------------------------------

_FLAT, _TABLE = types.Array(types.float32, 1, "C"), types.Array(types.float32, 2, "C")
_INDEX = types.Array(types.int64, 1, "C")
_ANY = Network("", slice(None), 1)
_WORK = numba.typeof(network((_ANY,), (Term(_ANY, 0, ((1, 1.0), (0, -1.0))),), "tanh", (1, 2, 1)))
_EYES = numba.typeof(eyes(4, 2, np.arange(4)))
_ADAM = types.Tuple((types.boolean, *(types.float64,) * 4))


@jit_for(types.float64(_EYES, _WORK, _FLAT, _FLAT, _TABLE, _FLAT, _TABLE, _FLAT, _INDEX, types.int64, _ADAM))
def _see(
    eyes: Any,
    work: Any,
    flat: Any,
    grad: Any,
    moments: Any,
    good: Any,
    table: Any,
    rest: Any,
    first: Any,
    pixels: int,
    adam: Any,
) -> Any:
    learn, limit, rate, root, decay = adam
    rows, loss = first.size, 0.0
    share = 1.0 / rows
    grad[:] = np.float32(0.0)
    field_flat, field_grad = flat[eyes.size :], grad[eyes.size :]
    for which in range(work.passes):
        begin_pass(work.nets[which], field_flat)
    blocks = (rows + ROWS - 1) // ROWS
    for block in range(blocks):
        begin, end = block * rows // blocks, (block + 1) * rows // blocks
        n, fresh = end - begin, block == 0
        _look(eyes, flat, table, first[begin:end])
        _imagine(eyes, flat, n)
        loss += _pictures_off(eyes, n, share / pixels) / pixels
        loss += _latents_off(eyes, n, share)
        part = FIELD_SHARE / 2
        loss += part * residual(work, field_flat, eyes.z[:n], eyes.step[:n], share * part)
        for i in range(begin, end):
            loss += (rest[first[i]] + rest[first[i] + 1]) / pixels
        if learn:
            _back_from_field(eyes, work, field_flat, field_grad, n)
            _back_from_pictures(eyes, flat, grad, n, fresh)
            _back_to_pixels(eyes, flat, grad, n, fresh)
    loss *= share
    for which in range(work.passes if learn else 0):
        end_pass(work.nets[which], field_grad)
    if learn and loss <= limit:
        move(flat, grad, moments, good, rate, root, decay)
    return loss


def see(
    eyes: Eyes,
    work: Work,
    weights: tuple[Single, Single, Single, Single],
    film: tuple[Single, Single],
    first: npt.NDArray[np.int64],
    pixels: int,
    adam: tuple[bool, float, float, float, float],
) -> float:
    """Return the loss of a model on rows that begin with the frames `first` `(N,)`; learn from it if asked to.

    `weights`: flat weights `(W,)`, their gradient, Adam's moments `(2, W)` and the last good weights. `film`: a table
    of frames `(F, live numbers of a frame)`, and `(F,)` what of ‖frame‖² it leaves out. `pixels`: the numbers of a pair
    that the reconstruction is a mean over. `adam` as in `training.advance`.
    """
    flat, grad, moments, good = weights
    table, rest = film
    # Compiled loops check no bounds.
    assert flat.shape == grad.shape == good.shape == (eyes.size + work.size,)
    assert moments.shape == (2, flat.size)
    assert 2 * table.shape[1] == eyes.live.size
    assert rest.shape == (len(table),)
    assert len(first)
    assert 0 <= first.min() <= first.max() + 2 < len(table)
    loss: float = _see(eyes, work, flat, grad, moments, good, table, rest, first, pixels, adam)
    return loss


def seeing(
    sizes: tuple[int, int],
    live: npt.NDArray[np.int64],
    networks: Sequence[Network],
    passes: Sequence[Term],
    activation: str,
    field: tuple[int, int],
) -> tuple[Eyes, Work]:
    """Return what `see` needs of a model: `sizes` are numbers of a pair and units of the autoencoder's layers, `field`
    units and number of the hidden layers of its dynamics."""
    return eyes(*sizes, live), network(networks, passes, activation, (LATENTS // 2, *field))


__all__ = ["Eyes", "Half", "see", "seeing"]
