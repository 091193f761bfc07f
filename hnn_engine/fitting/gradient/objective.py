"""What a fit by gradient trains: rows, first weights, the backend that steps them, and their way to a snapshot."""

from typing import Protocol

import numpy as np

from hnn_engine.coords import Array, Index
from hnn_engine.datasets import Mask
from hnn_engine.fitting.events import FitTask
from hnn_engine.fitting.gradient.backend import GradientBackend, Rows
from hnn_engine.fitting.gradient.backends import backend
from hnn_engine.fitting.gradient.flat_weights import flattened, shapes_of, unflattened
from hnn_engine.fitting.warm_start import field_weights
from hnn_engine.models import get_model
from hnn_engine.models.mlp import Weights
from hnn_engine.snapshot import Snapshot

LIVE_TEST_ROWS = 2000  # the live test curve looks at no more than these; final figures use every row


class Objective(Protocol):
    """A model on its data, as `GradientFit` sees it."""

    backend: GradientBackend
    live_rows: int  # the live test curve looks at no more than these
    share: float  # of the components of the field that are not known beforehand: a loss is a mean over those alone

    def rows(self, mask: Mask) -> Rows:
        """Return the rows of the mask `(N,)` as the backend takes them: arrays of equal lengths."""

    def freeze(self, flat: Array) -> Snapshot:
        """Return a snapshot of the model with the weights `flat` `(W,)`, copied."""


class FieldObjective:
    """A field on states and their derivatives. `scaled`: each first layer is scaled to the spread of the states, so
    that units and ranges do not matter."""

    live_rows = LIVE_TEST_ROWS

    def __init__(self, task: FitTask, rng: np.random.Generator, scaled: bool) -> None:
        """Take the weights of an earlier run where `task` has one; else draw them by `rng`, `scaled` or not."""
        self._task = task
        weights = get_model(task.model).initial_weights(task.dof, task.model_settings, rng)
        if task.start is not None:
            weights = field_weights(task)
        elif scaled:
            weights = self._scaled(weights)
        self._shapes = shapes_of(weights)
        self.backend = backend(task, self._shapes, flattened(weights))
        self.share = task.data.dof / task.dof

    def rows(self, mask: Mask) -> Rows:
        """Return `(coords, dcoords)` of the rows of the mask `(N,)`, `(n, 2*dof)` each, in float32, as the model sees
        them."""
        return self.some_rows(np.flatnonzero(mask))

    def some_rows(self, rows: Index) -> tuple[Array, Array]:
        """Return `(coords, dcoords)` of the indices `rows` `(n,)`, `(n, 2*dof)` each, in float32."""
        task = self._task
        return task.seen(task.data.coords[rows], rows).astype(np.float32), task.rates(rows).astype(np.float32)

    def freeze(self, flat: Array) -> Snapshot:
        """Return a snapshot of the weights `flat` `(W,)`, copied."""
        weights, task = unflattened(flat, self._shapes), self._task
        return Snapshot(task.model, task.data.dof, dict(task.model_settings), {**weights, **task.known})

    def _scaled(self, weights: Weights) -> Weights:
        data = self._task.data
        rows = self._task.seen(data.coords[data.train], data.train)
        centre, spread = rows.mean(axis=0), np.maximum(rows.std(axis=0), 1e-9)
        scaled = dict(weights)
        for net in get_model(self._task.model).networks(self._task.model_settings, self._task.dof):
            matrix, bias = f"{net.prefix}w0", f"{net.prefix}b0"
            first = weights[matrix] / spread[net.columns, None]
            scaled[matrix] = first.astype(np.float32)
            scaled[bias] = (weights[bias] - centre[net.columns] @ first).astype(np.float32)
        return scaled


def objective(task: FitTask, rng: np.random.Generator, scaled: bool) -> Objective:
    """Return the objective of the task's model, with fresh weights by `rng`; `scaled`: as `FieldObjective` has it.
    Raises `ExperimentError` where a model of frames has none, `MissingError` where there is neither numba nor torch."""
    if get_model(task.model).observes_frames:
        from hnn_engine.fitting.gradient.pixel_objective import PixelObjective

        return PixelObjective(task, rng, scaled)
    return FieldObjective(task, rng, scaled)
