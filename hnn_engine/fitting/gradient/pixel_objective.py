"""Models that see frames, as a fit trains them, and how their weights become a snapshot.

The table that a step by gradient reads holds the frames as they are, less the pixels that are black in all of them:
what the encoder makes of those is nothing, and what the decoder paints there is part of the loss all the same.
"""

from typing import Any

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.datasets import Mask
from hnn_engine.fitting.events import FitTask
from hnn_engine.fitting.gradient.backend import AdamStep, GradientBackend, Rows, Shapes
from hnn_engine.fitting.gradient.backends import CompiledBackend, compiled_loops, torch_wanted
from hnn_engine.fitting.gradient.film_table import FilmTable, mean_frame, plain_film
from hnn_engine.fitting.gradient.flat_weights import flattened, shapes_of, unflattened
from hnn_engine.fitting.pixel_snapshot import (
    LIVE_TEST_ROWS,
    frame_pairs_of,
    frozen,
    latent_field,
    map_rows,
    pixel_model,
)
from hnn_engine.models import get_model
from hnn_engine.models.autoencoder import DECODER, ENCODER, LAYERS, half_output, numpy_relu
from hnn_engine.models.mlp import Weights
from hnn_engine.snapshot import Snapshot

SMALL = 0.1  # of the latents of fresh weights


class PixelObjective:
    """An autoencoder and its dynamics, on the frames of a data set. `scaled`: it begins with what is known of the
    frames, their mean and spread, so that brightness and contrast do not matter (`_scaled`)."""

    live_rows, share = LIVE_TEST_ROWS, 1.0

    def __init__(self, task: FitTask, rng: np.random.Generator, scaled: bool) -> None:
        """Take the frames of `task` and the initial weights."""
        self._task, self._frame_pairs, model = task, frame_pairs_of(task), pixel_model(task)
        self._film = plain_film(self._frame_pairs.frames)
        autoencoder = model.initial_autoencoder(task.model_settings, self._film.numbers, rng)
        if scaled:
            autoencoder = self._scaled(autoencoder)
        weights = {**autoencoder, **model.initial_weights(1, task.model_settings, rng)}
        if task.start is not None and task.start.autoencoder is not None:
            weights = {
                **{name: task.start.autoencoder.weights[name] for name in autoencoder},
                **latent_field(task, task.start),
            }
        self._shapes = shapes_of(weights)
        self.backend = pixel_backend(task, self._film, self._shapes, flattened(weights))
        self._map_rows = map_rows(task)

    def rows(self, mask: Mask) -> Rows:
        """Return `(first,)`, the index `(n,)` of the first frame of each row of the mask `(N,)`."""
        return (self._frame_pairs.first[mask],)

    def freeze(self, flat: Array) -> Snapshot:
        """Return a snapshot of the weights `flat` `(W,)`, with the map from latents to coordinates that fits them
        best."""
        weights = unflattened(flat, self._shapes)
        return frozen(self._task, weights, self._latents(weights), self._map_rows)

    def _latents(self, weights: Weights) -> Array:
        """Return the latents `(M, 2)` of the rows that the map is fitted on, `weights` as the fit steps them."""
        first, film = self._frame_pairs.first[self._map_rows], self._film
        x = np.concatenate([film.table[first], film.table[first + 1]], axis=1)
        read = {**weights, f"{ENCODER}w0": weights[f"{ENCODER}w0"][film.live]}
        with np.errstate(over="ignore", invalid="ignore"):  # a fit may be looked at when it has just exploded
            return np.asarray(half_output(read, ENCODER, x, numpy_relu), dtype=np.float64)

    def _scaled(self, autoencoder: Weights) -> Weights:
        """Return `autoencoder` on training frames less their mean, over the root mean square spread of a pixel.

        The encoder's first layer takes them off, the decoder's last puts them on: what is painted first is near the
        mean frame. The latents begin small, or (z_p − (z_q′ − z_q))² would be most of the loss and all that is learned.
        """
        film, (w0, b0, w3) = self._film, (f"{ENCODER}w0", f"{ENCODER}b0", f"{ENCODER}w{LAYERS - 1}")
        mean, spread = mean_frame(film, self._frame_pairs.first[self._task.data.train])
        w, b = (f"{DECODER}{kind}{LAYERS - 1}" for kind in "wb")
        changed = {w0: autoencoder[w0] / spread, w3: SMALL * autoencoder[w3], w: spread * autoencoder[w], b: mean}
        changed[b0] = autoencoder[b0] - mean @ changed[w0]
        return {name: np.asarray(changed.get(name, values), dtype=np.float32) for name, values in autoencoder.items()}


class CompiledPixelBackend(CompiledBackend):
    """Steps by `hnn_engine.kernels`; rows are `(first,)`."""

    def __init__(self, kernels: Any, task: FitTask, film: FilmTable, flat: Array) -> None:
        """Lay out the network of `task` for the compiled `kernels`; `flat` holds its weights."""
        model, settings = get_model(task.model), task.model_settings
        self._advance, self._film = kernels.advance_pixels, film
        field = int(settings["width"]), int(settings["depth"])
        autoencoder = film.numbers, int(settings["features"])
        parts = model.networks(settings, 1), model.terms(settings, 1)
        self._parts = kernels.pixel_network(autoencoder, film.live, *parts, str(settings["activation"]), field)
        super().__init__(flat, float(task.settings["weight-decay"]))

    def _call(self, rows: Rows, adam: AdamStep) -> float:
        film, weights = self._film, (self.flat, self._grad, self._moments, self.good)
        loss: float = self._advance(*self._parts, weights, (film.table, film.rest), rows[0], film.pixels, adam)
        return loss


def pixel_backend(task: FitTask, film: FilmTable, shapes: Shapes, flat: Array) -> GradientBackend:
    """Return the backend that steps the weights `flat` of `task` on `film`; see `backends.backend`."""
    kernels = compiled_loops(task)
    if kernels is not None:
        return CompiledPixelBackend(kernels, task, film, flat)
    with torch_wanted():
        from hnn_engine.fitting.gradient.torch_backend import TorchPixelBackend
    return TorchPixelBackend(task, film, shapes, flat)
