"""Models that see frames, as a fit by gradient trains them.

The table that a step reads holds the frames as they are, less the pixels that are black in all of them; or, where the
start is fitted to the data, their leading principal components, in which a step is a fraction of the work and the loss
the same but for what the components leave out, which is added. Either way the result has the full weights.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from hnn_engine import compiled
from hnn_engine.camera import WHITE
from hnn_engine.coords import Array
from hnn_engine.datasets import Mask
from hnn_engine.errors import ExperimentError
from hnn_engine.fitting.events import FitTask
from hnn_engine.fitting.learners import flattened, shapes_of, unflattened
from hnn_engine.fitting.steppers import AdamStep, CompiledStepper, Rows, Shapes, Stepper
from hnn_engine.models import get_model
from hnn_engine.models.autoencoder import HALVES, Single, half_output, numpy_relu
from hnn_engine.models.mlp import Weights
from hnn_engine.models.pixels import Seeing
from hnn_engine.sight import Sight, fit_map
from hnn_engine.snapshot import Snapshot

LIVE_TEST_ROWS = 500  # a pair of frames is a thousand numbers
MAP_ROWS = 1000  # of the training rows, which the map from latents to coordinates is fitted on

Index = npt.NDArray[np.int64]


class Film(NamedTuple):
    """Frames as a step reads them: `table` `(F, numbers)`, and `rest` `(F,)`, what of each ‖frame‖² it leaves out.

    The network takes pairs of `numbers`; `live` says which of them those of two rows of the table are, the others are
    zero. The reconstruction is a mean over the `pixels` of a pair.
    """

    table: Single
    rest: Single
    live: Index
    numbers: int
    pixels: int


class PixelLearner:
    """An autoencoder and its dynamics, on the frames of a data set. `scaled`: it begins in the frames' principal
    components, fitted to them (`fitting.projection`)."""

    live_rows = LIVE_TEST_ROWS

    def __init__(self, task: FitTask, rng: np.random.Generator, scaled: bool) -> None:
        views = task.data.views
        if views is None:
            raise ExperimentError(
                f"The model '{task.model}' needs frames, and this data has none: choose another model"
            )
        model = get_model(task.model)
        assert isinstance(model, Seeing)
        self._task, self._views, self._model = task, views, model
        self._film = plain_film(views.frames)
        sight = model.initial_sight(task.model_settings, self._film.numbers, rng)
        weights = {**sight, **model.initial_weights(1, task.model_settings, rng)}
        self._shapes = shapes_of(weights)
        self.stepper = pixel_stepper(task, self._film, self._shapes, flattened(weights))
        rows = np.flatnonzero(task.data.train)
        self._map_rows = rows[np.linspace(0, len(rows) - 1, min(len(rows), MAP_ROWS)).astype(int)]

    def rows(self, mask: Mask) -> Rows:
        """Return the first frame of each masked row."""
        return (self._views.first[mask],)

    def freeze(self, flat: Array) -> Snapshot:
        weights = unflattened(flat, self._shapes)
        sight = {name: w for name, w in weights.items() if name.startswith(HALVES)}
        field = {name: w for name, w in weights.items() if name not in sight}
        seconds = self._views.seconds
        with np.errstate(over="ignore", invalid="ignore"):  # a fit may be looked at when it has just exploded
            matrix, offset = fit_map(self._latents(sight), self._task.data.coords[self._map_rows])
            moved = self._model.moved(field, matrix, offset, seconds)
        settings = dict(self._task.model_settings)
        return Snapshot(self._task.model, 1, settings, moved, sight=Sight(sight, matrix, offset, seconds))

    def _latents(self, sight: Weights) -> Array:
        """Return the latents `(M, 2)` of the rows that the map is fitted on, `sight` as the fit steps it."""
        first, film = self._views.first[self._map_rows], self._film
        x = np.concatenate([film.table[first], film.table[first + 1]], axis=1)
        read = {**sight, f"{HALVES[0]}w0": sight[f"{HALVES[0]}w0"][film.live]}
        return np.asarray(half_output(read, HALVES[0], x, numpy_relu), dtype=np.float64)


def plain_film(frames: npt.NDArray[np.uint8]) -> Film:
    """Return frames `(F, size, size)` from 0 to 1, without the pixels that are black in all of them."""
    flat = frames.reshape(len(frames), -1)
    lit = np.flatnonzero(flat.any(axis=0))
    table = np.ascontiguousarray(flat[:, lit], dtype=np.float32) / np.float32(WHITE)
    live = np.concatenate([lit, flat.shape[1] + lit])
    return Film(table, np.zeros(len(flat), np.float32), live, 2 * flat.shape[1], 2 * flat.shape[1])


class CompiledPixelStepper(CompiledStepper):
    """Steps by `hnn_engine.kernels`; rows are `(first,)`."""

    def __init__(self, kernels: Any, task: FitTask, film: Film, flat: Array) -> None:
        model, settings = get_model(task.model), task.model_settings
        self._see, self._film = kernels.see, film
        field = int(settings["width"]), int(settings["depth"])
        eyes = film.numbers, int(settings["features"])
        parts = model.networks(1), model.passes(settings, 1)
        self._parts = kernels.seeing(eyes, film.live, *parts, str(settings["activation"]), field)
        super().__init__(flat, float(task.settings["weight-decay"]))

    def _call(self, rows: Rows, adam: AdamStep) -> float:
        film, weights = self._film, (self.flat, self._grad, self._moments, self.good)
        loss: float = self._see(*self._parts, weights, (film.table, film.rest), rows[0], film.pixels, adam)
        return loss


def pixel_stepper(task: FitTask, film: Film, shapes: Shapes, flat: Array) -> Stepper:
    """Return who steps the weights `flat` of `task` on `film`; see `steppers.stepper`."""
    if compiled.load():
        return CompiledPixelStepper(compiled.loops(), task, film, flat)
    from hnn_engine.fitting.autograd import TorchPixelStepper  # torch takes more than a second to load

    return TorchPixelStepper(task, film, shapes, flat)
