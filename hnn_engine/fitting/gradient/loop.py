"""Fitting by Adam on minibatches: the loop that the gradient recipes share.

Loss: mean over rows and coordinates of (field(coords) − dcoords)², in float32, in one thread, so that the same seed
gives the same weights. The arithmetic is a backend's (`backends`); what happens when is said here.
"""

import time
from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.datasets import Mask
from hnn_engine.fitting.events import Cancelled, Evaluated, Event, Failed, Finished, FitTask, Progress, Started
from hnn_engine.fitting.gradient.backend import Rows
from hnn_engine.fitting.gradient.objective import LIVE_TEST_ROWS, objective
from hnn_engine.snapshot import Snapshot

DIVERGENCE = 1e8  # a loss this many times the first one will not come back


class GradientFit:
    """A fit by Adam. Recipes override `scaled`, `rate` and `checkpoint`. `seconds`: spent in steps so far."""

    scaled: ClassVar[bool] = False  # whether the weights to begin with are fitted to the data

    def __init__(self, task: FitTask) -> None:
        """Draw the weights of `task`, or take those of an earlier run, and choose what computes the steps. Raises
        `ExperimentError` where the earlier run is of another network, `MissingError` where nothing can compute them."""
        self.task = task
        self.steps = int(task.settings["steps"])
        self.batch = int(task.settings["batch"])
        self.rng = np.random.default_rng([task.seed, 2])
        self.seconds = 0.0
        self._stop = False
        self._limit = float("inf")
        self.objective = objective(task, np.random.default_rng([task.seed, 1]), self.scaled)
        self.backend = self.objective.backend
        self.train_rows = self.objective.rows(task.data.train)
        self.test_rows = self.objective.rows(self._live_tests())

    def _live_tests(self) -> Mask:
        rows = np.flatnonzero(self.tests())
        most = self.objective.live_rows
        if len(rows) > most:
            rows = np.random.default_rng([self.task.seed, 3]).choice(rows, most, replace=False)
        mask = np.zeros(len(self.task.data.t), dtype=bool)
        mask[rows] = True
        return mask

    # What a recipe may change -----------------------------------------------------------------------------------------

    def tests(self) -> Mask:
        """Return the mask `(N,)` of the rows that the live test curve may look at."""
        return ~self.task.data.train

    def rate(self, step: int) -> float:
        """Return the learning rate of `step` (from 1): the constant of the settings."""
        return float(self.task.settings["learning-rate"])

    def checkpoint(self, step: int) -> str:
        """Look at the weights after `step`; return a reason to end, or an empty string."""
        return ""

    def final_weights(self) -> Array:
        """Return the flat weights `(W,)`, float32, that the fit ends with."""
        return self.backend.flat

    # The fit ----------------------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """End with `Cancelled` at the next event."""
        self._stop = True

    def snapshot(self) -> Snapshot:
        """Freeze the present weights."""
        return self.objective.freeze(self.backend.flat)

    def events(self) -> Iterator[Event]:
        """Run the fit; each `next` takes one step of Adam (Kingma & Ba 2015; the equations stand with
        `GradientBackend`), tests the weights or ends the fit, in the order of `fitting.events`. What diverges ends in
        `Failed`, and no error."""
        yield Started(self.steps)
        every = 10 if len(self.train_rows[0]) <= LIVE_TEST_ROWS else 50
        best_known = 0
        for step in range(1, self.steps + 1):
            if self._stop:
                yield Cancelled(step - 1, self.objective.freeze(self.final_weights()))
                return
            began = time.perf_counter()
            loss = self._advance(step)
            self.seconds += time.perf_counter() - began
            if not loss <= self._limit:
                yield Failed(best_known, self.objective.freeze(self.backend.good), _divergence(step, loss))
                return
            best_known = step - 1
            yield Progress(step, loss / self.objective.share)
            if step % every == 0 or step == self.steps:
                began = time.perf_counter()
                test, reason = self.backend.loss(self.test_rows), self.checkpoint(step)
                self.seconds += time.perf_counter() - began
                yield Evaluated(step, test / self.objective.share)
                if reason:
                    yield Finished(step, self.objective.freeze(self.final_weights()), reason)
                    return
        yield self._ending()

    def _advance(self, step: int) -> float:
        """Take one step and return the loss before it. Weights whose loss is within bounds are kept as good."""
        value = self.backend.step(self._minibatch(), self.rate(step), self._limit)
        if step == 1:
            self._limit = DIVERGENCE * max(value, 1e-12)
        return value

    def _minibatch(self) -> Rows:
        count = len(self.train_rows[0])
        if not 0 < self.batch < count:
            return self.train_rows
        rows = self.rng.choice(count, self.batch, replace=False)
        return tuple(part[rows] for part in self.train_rows)

    def _ending(self) -> Event:
        """Finish, unless the very last step spoilt the weights."""
        final = self.final_weights()
        if np.isfinite(final).all() and np.isfinite(self.backend.loss(self.test_rows)):
            return Finished(self.steps, self.objective.freeze(final), f"all {self.steps} steps done")
        return Failed(self.steps - 1, self.objective.freeze(self.backend.good), _divergence(self.steps, float("nan")))


def _divergence(step: int, loss: float) -> str:
    what = "is no longer a finite number" if not np.isfinite(loss) else f"grew to {loss:.2g}"
    return f"The loss {what} at step {step}; the weights of the step before were kept. Try a smaller learning rate."
