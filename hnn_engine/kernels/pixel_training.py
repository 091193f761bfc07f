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

from hnn_engine.kernels.jit import INTEGERS, SINGLE_ROWS, SINGLES, jit, jit_for
from hnn_engine.kernels.primitives import call, line, matrix, product, rows
from hnn_engine.kernels.products import thin, thin_transposed
from hnn_engine.kernels.training import (
    ADAM,
    BLOCK,
    COLUMN,
    RIGHT,
    ROWS,
    WORK,
    Work,
    begin_passes,
    end_passes,
    layer_of,
    network,
    upper,
)
from hnn_engine.models.autoencoder import LATENTS, Single
from hnn_engine.models.networks import Network, Term
from hnn_engine.models.pixels import FIELD_SHARE


class Coder(NamedTuple):
    """The encoder or the decoder and its memory for a block of rows. `begin` is where its weights begin."""

    begin: int
    inputs: int
    width: int
    outputs: int
    rows: int  # of each of the following
    h: Single  # (3·rows, width), what each hidden layer gives
    r: Single  # (2·rows, width), the part of the middle layers without their residual
    d: Single  # (2·rows, width), the derivatives of the loss by layers


class Autoencoder(NamedTuple):
    """What a step needs of the autoencoder. `x` `(2·rows, len(live))` are pairs and successors, `z` their latents."""

    encoder: Coder
    decoder: Coder
    live: npt.NDArray[np.int64]  # which of the numbers of a pair are looked at, those of its first frame first
    size: int  # of all its weights
    x: Single
    first: Single  # (len(live), width): the rows of W₀ that matter; then their gradient
    z: Single  # (2·rows, 2)
    dz: Single
    y: Single  # (rows, numbers of a pair): what is decoded; then the derivative of the loss by it
    step: Single  # (rows, 2), z′ − z


def autoencoder(seen: int, width: int, live: npt.NDArray[np.int64]) -> Autoencoder:
    """Return what `advance_pixels` needs of an autoencoder of `seen` numbers and `width` units; `live` `(L,)` are the
    indices of the numbers that are not 0 in every frame."""
    encoder = _coder(0, (seen, width, LATENTS), 2 * ROWS)
    begin = (seen + 1) * width + 2 * (width + 1) * width + (width + 1) * LATENTS
    decoder = _coder(begin, (LATENTS, width, seen), ROWS)
    total = begin + (LATENTS + 1) * width + 2 * (width + 1) * width + (width + 1) * seen
    latents = _room(2 * ROWS, LATENTS), _room(2 * ROWS, LATENTS)
    return Autoencoder(
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


def _coder(begin: int, sizes: tuple[int, int, int], rows: int) -> Coder:
    inputs, width, outputs = sizes
    layers = _room(3 * rows, width), _room(2 * rows, width), _room(2 * rows, width)
    return Coder(begin, inputs, width, outputs, rows, *layers)


# Forward --------------------------------------------------------------------------------------------------------------


@jit
def _part(flat: Any, coder: Any, layer: int) -> Any:
    """Return W and b of a layer: views of `flat`, weights or their gradient."""
    at = coder.begin
    count = coder.inputs
    if layer > 0:
        at += (coder.inputs + 1) * coder.width + (layer - 1) * (coder.width + 1) * coder.width
        count = coder.width
    columns = coder.outputs if layer == 3 else coder.width
    middle = at + count * columns
    return matrix(flat, at, count, columns), line(flat, middle, columns)


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
    x, y, z = line(a, 0, a.size), line(b, 0, a.size), line(out, 0, a.size)
    for i in range(x.size):
        z[i] = x[i] + y[i]


@jit
def _through(coder: Any, flat: Any, n: int) -> None:
    """h₁ <- relu(h₁ + b₀), where h₁ holds x W₀; then h₂ and h₃."""
    _relu(rows(coder.h, 0, n), _part(flat, coder, 0)[1])
    for layer in range(1, 3):
        weights, bias = _part(flat, coder, layer)
        r, h = rows(coder.r, (layer - 1) * coder.rows, n), rows(coder.h, (layer - 1) * coder.rows, n)
        product(h, weights, r, False)
        _relu(r, bias)
        _sum(h, r, rows(coder.h, layer * coder.rows, n))


@jit
def _encode(coders: Any, flat: Any, table: Any, first: Any) -> None:
    """x <- pairs and their successors; z <- encode(x)."""
    n, half = first.size, coders.live.size // 2
    for i in range(n):
        a, b, c = table[first[i]], table[first[i] + 1], table[first[i] + 2]
        now, then = coders.x[i], coders.x[n + i]
        for j in range(half):
            now[j], now[half + j], then[j], then[half + j] = a[j], b[j], b[j], c[j]
    encoder = coders.encoder
    weights, _ = _part(flat, encoder, 0)
    for j in range(coders.live.size):
        row, kept = weights[coders.live[j]], coders.first[j]
        for k in range(row.size):
            kept[k] = row[k]
    product(rows(coders.x, 0, 2 * n), coders.first, rows(encoder.h, 0, 2 * n), False)
    _through(encoder, flat, 2 * n)
    last, bias = _part(flat, encoder, 3)
    z = rows(coders.z, 0, 2 * n)
    product(rows(encoder.h, 2 * encoder.rows, 2 * n), last, z, False)
    _add_bias(z, bias)


@jit
def _decode(coders: Any, flat: Any, n: int) -> None:
    """y <- decode(z)."""
    decoder = coders.decoder
    thin(rows(coders.z, 0, n), _part(flat, decoder, 0)[0], rows(decoder.h, 0, n))
    _through(decoder, flat, n)
    last, bias = _part(flat, decoder, 3)
    y = rows(coders.y, 0, n)
    product(rows(decoder.h, 2 * decoder.rows, n), last, y, False)
    _add_bias(y, bias)


@jit
def _reconstruction_error(coders: Any, n: int, share: float) -> float:
    """Return Σ (y − x)²; y <- the derivative of `share` times that by it."""
    total, twice = 0.0, np.float32(2.0 * share)
    for i in range(n):
        x, y = coders.x[i], coders.y[i]
        for j in range(coders.live.size):
            y[coders.live[j]] -= x[j]
        part: Any = np.float32(0.0)
        for j in range(y.size):
            part += y[j] * y[j]
            y[j] *= twice
        total += part
    return total


@jit
def _velocity_error(coders: Any, n: int, share: float) -> float:
    """Return Σ (z_p − (z′_q − z_q))²; dz <- the derivative of `share` times that by z and z′."""
    total, twice = 0.0, np.float32(2.0 * share)
    for i in range(n):
        z, then, dz, dthen = coders.z[i], coders.z[n + i], coders.dz[i], coders.dz[n + i]
        coders.step[i, 0], coders.step[i, 1] = then[0] - z[0], then[1] - z[1]
        gap = z[1] - coders.step[i, 0]
        total += np.float64(gap) * gap
        dz[0] = dz[1] = twice * gap
        dthen[0], dthen[1] = -twice * gap, np.float32(0.0)
    return total


# Back -----------------------------------------------------------------------------------------------------------------


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
    a, b, c = line(d, 0, d.size), line(r, 0, d.size), line(out, 0, d.size)
    for i in range(a.size):
        c[i] = a[i] if b[i] > np.float32(0.0) else np.float32(0.0)


@jit
def _backward_coder(coder: Any, flat: Any, grad: Any, g: Any) -> None:
    """grad += dL/dweights of all layers but W₀, from dL/dy `g` `(n, outputs)`; last rows of d <- dL/d(x W₀ + b₀)."""
    n = g.shape[0]
    weights_grad, bias_grad = _part(grad, coder, 3)
    product(rows(coder.h, 2 * coder.rows, n).T, g, weights_grad, True)
    _add_sums(g, bias_grad)
    d, gate = rows(coder.d, 0, n), rows(coder.d, coder.rows, n)
    product(g, _part(flat, coder, 3)[0].T, d, False)
    for layer in range(2, 0, -1):
        r = rows(coder.r, (layer - 1) * coder.rows, n)
        _gated(d, r, gate)
        weights_grad, bias_grad = _part(grad, coder, layer)
        product(rows(coder.h, (layer - 1) * coder.rows, n).T, gate, weights_grad, True)
        _add_sums(gate, bias_grad)
        product(gate, _part(flat, coder, layer)[0].T, r, False)  # r itself is not needed any more
        _sum(d, r, d)
    _gated(d, rows(coder.h, 0, n), gate)
    _add_sums(gate, _part(grad, coder, 0)[1])


@jit
def _backward_decoder(coders: Any, flat: Any, grad: Any, n: int) -> None:
    """Back through the decoder: its gradient, and dz."""
    decoder, step, dz = coders.decoder, rows(coders.step, 0, n), rows(coders.dz, 0, n)
    _backward_coder(decoder, flat, grad, rows(coders.y, 0, n))
    d = rows(decoder.d, decoder.rows, n)
    product(rows(coders.z, 0, n).T, d, _part(grad, decoder, 0)[0], True)
    thin_transposed(d, _part(flat, decoder, 0)[0], step)
    _sum(dz, step, dz)


@jit
def _backward_encoder(coders: Any, flat: Any, grad: Any, n: int) -> None:
    """Back through the encoder: its gradient."""
    encoder = coders.encoder
    _backward_coder(encoder, flat, grad, rows(coders.dz, 0, 2 * n))
    product(rows(coders.x, 0, 2 * n).T, rows(encoder.d, encoder.rows, 2 * n), coders.first, False)
    weights_grad, _ = _part(grad, encoder, 0)
    for j in range(coders.live.size):
        row, more = weights_grad[coders.live[j]], coders.first[j]
        for k in range(encoder.width):
            row[k] += more[k]


@jit
def _backward_field(coders: Any, work: Any, flat: Any, n: int) -> None:
    """dz of both ends of the step, from what going back through the dynamics has left."""
    for i in range(n):
        for k in range(2):
            coders.dz[i, k] += work.e[i, k]
            coders.dz[n + i, k] -= work.e[i, k]
    for which in range(work.heads.shape[0]):
        head = work.heads[which]
        weights, _ = layer_of(flat, head, work.x[which].shape[1], 0)
        thin_transposed(rows(work.room, upper(head, RIGHT, 0) + n, n), weights, rows(coders.step, 0, n))
        for i in range(n):
            for k in range(coders.step.shape[1]):
                coders.dz[i, head[COLUMN] + k] += coders.step[i, k]


# The step -------------------------------------------------------------------------------------------------------------

_AUTOENCODER = numba.typeof(autoencoder(4, 2, np.arange(4)))


_WEIGHTS = SINGLES, SINGLES, SINGLE_ROWS, SINGLES  # with their gradient, moments, and the last good ones


@jit_for(
    types.float64(
        types.int64,
        _AUTOENCODER,
        WORK,
        SINGLES,
        SINGLES,
        SINGLE_ROWS,
        SINGLES,
        SINGLE_ROWS,
        SINGLES,
        INTEGERS,
        types.int64,
        ADAM,
    )
)
def _advance_pixels(
    block: int,
    coders: Any,
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
    count, loss = first.size, 0.0
    share = 1.0 / count
    for i in range(grad.size):
        grad[i] = np.float32(0.0)
    field_flat, field_grad = line(flat, coders.size, work.size), line(grad, coders.size, work.size)
    begin_passes(work, field_flat)
    blocks = (count + ROWS - 1) // ROWS
    for which in range(blocks):
        begin, end = which * count // blocks, (which + 1) * count // blocks
        n = end - begin
        _encode(coders, flat, table, line(first, begin, n))
        _decode(coders, flat, n)
        loss += _reconstruction_error(coders, n, share / pixels) / pixels
        loss += _velocity_error(coders, n, share)
        part = FIELD_SHARE / 2
        z, step = rows(coders.z, 0, n), rows(coders.step, 0, n)
        call(block, (work, field_flat, field_grad, z, step, share * part, learn))
        loss += part * work.loss[0]
        for i in range(begin, end):
            loss += (rest[first[i]] + rest[first[i] + 1]) / pixels
        if learn:
            _backward_field(coders, work, field_flat, n)
            _backward_decoder(coders, flat, grad, n)
            _backward_encoder(coders, flat, grad, n)
    loss *= share
    if learn:
        end_passes(work, field_grad)
    if learn and loss <= limit:
        call(work.move, (flat, grad, moments, good, rate, root, decay))
    return loss


def advance_pixels(
    coders: Autoencoder,
    work: Work,
    weights: tuple[Single, Single, Single, Single],
    film: tuple[Single, Single],
    first: npt.NDArray[np.int64],
    pixels: int,
    adam: tuple[bool, float, float, float, float],
) -> float:
    """Return the loss of a model on rows that begin with the frames `first` `(N,)`; learn from it if asked to. The loss
    stands at the head of the module (Greydanus et al. 2019, section 5).

    `weights`: flat float32 weights `(W,)`, their gradient `(W,)`, Adam's moments `(2, W)` and the last good weights
    `(W,)`. `film`: a table of frames `(F, live numbers of a frame)`, and `(F,)` what of ‖frame‖² it leaves out.
    `pixels`: the numbers of a pair that the reconstruction is a mean over. `adam` as in `training.advance`.
    """
    flat, grad, moments, good = weights
    table, rest = film
    # Compiled loops check no bounds.
    assert flat.shape == grad.shape == good.shape == (coders.size + work.size,)
    assert moments.shape == (2, flat.size)
    assert 2 * table.shape[1] == coders.live.size
    assert rest.shape == (len(table),)
    assert len(first)
    assert 0 <= first.min() <= first.max() + 2 < len(table)
    loss: float = _advance_pixels(int(BLOCK), coders, work, flat, grad, moments, good, table, rest, first, pixels, adam)
    return loss


def pixel_network(
    sizes: tuple[int, int],
    live: npt.NDArray[np.int64],
    networks: Sequence[Network],
    terms: Sequence[Term],
    activation: str,
    field: tuple[int, int],
) -> tuple[Autoencoder, Work]:
    """Return what `advance_pixels` needs of a model: `sizes` are numbers of a pair and units of the autoencoder's
    layers, `live` `(L,)` the indices of the numbers that are not 0 in every frame, `field` units and number of the
    hidden layers of its dynamics."""
    return autoencoder(*sizes, live), network(networks, terms, activation, (LATENTS // 2, *field))


__all__ = ["Autoencoder", "Coder", "advance_pixels", "pixel_network"]
