"""What all fits of models of frames share: the frames, and how weights on latents become a snapshot on coordinates."""

import numpy as np

from hnn_engine.coords import Array, Index
from hnn_engine.errors import ExperimentError
from hnn_engine.fitting.events import FitTask
from hnn_engine.frames.frame_pairs import FramePairs
from hnn_engine.frames.frozen_autoencoder import FrozenAutoencoder, fit_map
from hnn_engine.models import get_model
from hnn_engine.models.autoencoder import HALVES
from hnn_engine.models.mlp import Weights
from hnn_engine.models.pixels import PixelModel
from hnn_engine.snapshot import Snapshot

LIVE_TEST_ROWS = 500  # a pair of frames is a thousand numbers
MAP_ROWS = 1000  # of the training rows, which the map from latents to coordinates is fitted on


def frame_pairs_of(task: FitTask) -> FramePairs:
    """Return the frames of the task's data; raise `ExperimentError` where it has none."""
    if task.data.frame_pairs is None:
        raise ExperimentError(f"The model '{task.model}' needs frames, and this data has none: choose another model")
    return task.data.frame_pairs


def pixel_model(task: FitTask) -> PixelModel:
    """Return the task's model, which sees frames."""
    model = get_model(task.model)
    assert isinstance(model, PixelModel)
    return model


def map_rows(task: FitTask) -> Index:
    """Return the indices `(M,)` of the training rows that the map from latents to coordinates is fitted on, at most
    `MAP_ROWS`."""
    rows = np.flatnonzero(task.data.train)
    chosen: Index = rows[np.linspace(0, len(rows) - 1, min(len(rows), MAP_ROWS)).astype(int)]
    return chosen


def frozen(task: FitTask, weights: Weights, z: Array, rows: Index) -> Snapshot:
    """Return the snapshot of `weights`, whose latents of the rows `rows` `(M,)` are z `(M, 2)`: a field on coordinates,
    by the least-squares map from latents to them."""
    autoencoder = {name: w for name, w in weights.items() if name.startswith(HALVES)}
    field = {name: w for name, w in weights.items() if name not in autoencoder}
    seconds = frame_pairs_of(task).seconds
    with np.errstate(over="ignore", invalid="ignore"):  # here too
        matrix, offset = fit_map(z, task.data.coords[rows])
        moved = pixel_model(task).moved(field, matrix, offset, seconds)
    return Snapshot(
        task.model,
        1,
        dict(task.model_settings),
        moved,
        autoencoder=FrozenAutoencoder(autoencoder, matrix, offset, seconds),
    )


def latent_field(task: FitTask, start: Snapshot) -> Weights:
    """Return the weights of the field of `start` on its latents, of which a snapshot has it on the coordinates; a frame
    is the unit of time."""
    assert start.autoencoder is not None
    autoencoder = start.autoencoder
    back = np.asarray(np.linalg.inv(autoencoder.matrix), dtype=np.float64)
    names = pixel_model(task).weight_shapes(1, task.model_settings)
    field = {name: start.weights[name] for name in names}
    return pixel_model(task).moved(field, back, -autoencoder.offset @ back, 1 / autoencoder.seconds)
