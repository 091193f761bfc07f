"""Fitting by Adam on minibatches: the loop that the gradient recipes share.

Loss: mean over rows and coordinates of (field(coords) − dcoords)², in float32, in one thread, so that the same seed
gives the same weights. The arithmetic is a stepper's (`steppers`); what happens when is said here.
"""

import time
from collections.abc import Iterator

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.datasets import Mask
from hnn_engine.fitting.events import Cancelled, Evaluated, Event, Failed, Finished, FitTask, Progress, Started
from hnn_engine.fitting.steppers import Rows, stepper
from hnn_engine.models import get_model
from hnn_engine.models.mlp import Weights
from hnn_engine.snapshot import Snapshot

LIVE_TEST_ROWS = 2000  # the live test curve looks at no more than these; final figures use every row
DIVERGENCE = 1e8  # a loss this many times the first one will not come back


class GradientFit:
    """A fit by Adam. Recipes override `prepare`, `rate` and `checkpoint`."""

    def __init__(self, task: FitTask) -> None:
        self.task = task
        self.steps = int(task.settings["steps"])
        self.batch = int(task.settings["batch"])
        self.rng = np.random.default_rng([task.seed, 2])
        self.seconds = 0.0
        self._stop = False
        self._limit = float("inf")
        model = get_model(task.model)
        initial = self.prepare(model.initial_weights(task.data.dof, task.model_settings, self._weight_rng()))
        self._shapes = {name: w.shape for name, w in initial.items()}
        self.stepper = stepper(task, self._shapes, np.concatenate([w.ravel() for w in initial.values()]))
        self.train_rows = self.rows(task.data.train)
        self.test_rows = self.rows(self._live_tests())

    def _weight_rng(self) -> np.random.Generator:
        return np.random.default_rng([self.task.seed, 1])

    def _live_tests(self) -> Mask:
        rows = np.flatnonzero(self.tests())
        if len(rows) > LIVE_TEST_ROWS:
            rows = np.random.default_rng([self.task.seed, 3]).choice(rows, LIVE_TEST_ROWS, replace=False)
        mask = np.zeros(len(self.task.data.t), dtype=bool)
        mask[rows] = True
        return mask

    # What a recipe may change -----------------------------------------------------------------------------------------

    def tests(self) -> Mask:
        """Return which rows the live test curve may look at."""
        return ~self.task.data.train

    def prepare(self, weights: Weights) -> Weights:
        """Return the weights to begin with."""
        return weights

    def rate(self, step: int) -> float:
        """Return the learning rate of `step` (from 1)."""
        return float(self.task.settings["learning-rate"])

    def checkpoint(self, step: int) -> str:
        """Look at the weights after `step`; return a reason to end, or an empty string."""
        return ""

    def final_weights(self) -> Array:
        """Return the flat weights that the fit ends with."""
        return self.stepper.flat

    # The fit ----------------------------------------------------------------------------------------------------------

    def rows(self, mask: Mask) -> Rows:
        """Return `(coords, dcoords)` of the masked rows in float32."""
        data = self.task.data
        return data.coords[mask].astype(np.float32), data.dcoords[mask].astype(np.float32)

    def stop(self) -> None:
        """End with `Cancelled` at the next event."""
        self._stop = True

    def snapshot(self) -> Snapshot:
        """Freeze the present weights."""
        return self._freeze(self.stepper.flat)

    def _freeze(self, flat: Array) -> Snapshot:
        ends = np.cumsum([int(np.prod(shape)) for shape in self._shapes.values()])
        parts = np.split(flat.copy(), ends[:-1])
        weights = {n: p.reshape(s) for (n, s), p in zip(self._shapes.items(), parts, strict=True)}
        settings, known = dict(self.task.model_settings), self.task.known
        return Snapshot(self.task.model, self.task.data.dof, settings, {**weights, **known})

    def events(self) -> Iterator[Event]:
        """Run the fit; each `next` does one step's work."""
        yield Started(self.steps)
        every = 10 if len(self.train_rows[0]) <= LIVE_TEST_ROWS else 50
        best_known = 0
        for step in range(1, self.steps + 1):
            if self._stop:
                yield Cancelled(step - 1, self._freeze(self.final_weights()))
                return
            began = time.perf_counter()
            loss = self._advance(step)
            self.seconds += time.perf_counter() - began
            if not loss <= self._limit:
                yield Failed(best_known, self._freeze(self.stepper.good), _divergence(step, loss))
                return
            best_known = step - 1
            yield Progress(step, loss)
            if step % every == 0 or step == self.steps:
                began = time.perf_counter()
                test, reason = self.stepper.loss(self.test_rows), self.checkpoint(step)
                self.seconds += time.perf_counter() - began
                yield Evaluated(step, test)
                if reason:
                    yield Finished(step, self._freeze(self.final_weights()), reason)
                    return
        yield self._ending()

    def _advance(self, step: int) -> float:
        """Take one step and return the loss before it. Weights whose loss is within bounds are kept as good."""
        value = self.stepper.step(self._minibatch(), self.rate(step), self._limit)
        if step == 1:
            self._limit = DIVERGENCE * max(value, 1e-12)
        return value

    def _minibatch(self) -> Rows:
        coords, dcoords = self.train_rows
        if not 0 < self.batch < len(coords):
            return coords, dcoords
        rows = self.rng.choice(len(coords), self.batch, replace=False)
        return coords[rows], dcoords[rows]

    def _ending(self) -> Event:
        """Finish, unless the very last step spoilt the weights."""
        final = self.final_weights()
        if np.isfinite(final).all() and np.isfinite(self.stepper.loss(self.test_rows)):
            return Finished(self.steps, self._freeze(final), f"all {self.steps} steps done")
        return Failed(self.steps - 1, self._freeze(self.stepper.good), _divergence(self.steps, float("nan")))


def _divergence(step: int, loss: float) -> str:
    what = "is no longer a finite number" if not np.isfinite(loss) else f"grew to {loss:.2g}"
    return f"The loss {what} at step {step}; the weights of the step before were kept. Try a smaller learning rate."
