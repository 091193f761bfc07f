"""A modern default: scaled start, warm-up and cosine schedule, early stop on validation data, best weights kept."""

import math
from dataclasses import replace
from typing import ClassVar

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.datasets import Mask
from hnn_engine.fitting.events import FitTask
from hnn_engine.fitting.gradient.loop import GradientFit

VALIDATION = 0.15  # of the training trajectories, at least one
WARM_UP = 50  # steps


class AdamFit(GradientFit):
    """Adam (Kingma & Ba 2015) whose rate rises over `WARM_UP` steps and falls by half a cosine to 1 % of it (Loshchilov
    & Hutter 2017).

    The start is scaled to the data, so units and ranges do not matter (`objective`). A part of the training
    trajectories is held out; the weights that score best on them are kept, and the fit ends when they have not improved
    for `patience` steps.
    """

    scaled: ClassVar[bool] = True

    def __init__(self, task: FitTask) -> None:
        """Hold out the validation rows of `task`, and draw weights of a scaled start, or begin at those of an earlier
        run."""
        held = validation_rows(task)
        self._held_rows = held
        super().__init__(replace(task, data=replace(task.data, train=task.data.train & ~held)))
        self._held = self.objective.rows(held)
        self._best = self.backend.flat.copy()
        self._best_loss, self._best_step = math.inf, 0

    def tests(self) -> Mask:
        """Return which rows the live test curve may look at, `(N,)` of bool: those for training and validation left
        out."""
        return super().tests() & ~self._held_rows

    def rate(self, step: int) -> float:
        """Return the learning rate of `step` (from 1): η min(step/warm-up, 1) (0.01 + 0.99 (1 + cos(π step/steps))/2).
        Source of the cosine: Loshchilov & Hutter 2017."""
        top = float(self.task.settings["learning-rate"])
        rise = min(step / WARM_UP, 1.0)
        return top * rise * (0.01 + 0.99 * (1 + math.cos(math.pi * step / self.steps)) / 2)

    def checkpoint(self, step: int) -> str:
        """Keep the weights where the validation loss is the least so far; return a reason to end once it has not fallen
        for `patience` steps, else an empty string."""
        loss = self.backend.loss(self._held)
        if loss < self._best_loss:
            self._best_loss, self._best_step = loss, step
            self._best[:] = self.backend.flat
        if step - self._best_step >= int(self.task.settings["patience"]):
            return f"no better on the validation trajectories since step {self._best_step}"
        return ""

    def final_weights(self) -> Array:
        """Return the flat weights `(W,)`, float32, of the least validation loss; the last ones where it was never
        finite."""
        return self._best if math.isfinite(self._best_loss) else self.backend.flat


def validation_rows(task: FitTask) -> Mask:
    """Return the mask `(N,)` of held-out rows, a share of `VALIDATION`: whole trajectories, drawn by the generator
    `[seed, 4]`, or the last rows where there is only one."""
    data = task.data
    names = np.unique(data.trajectory[data.train])
    if len(names) > 1:
        count = max(1, round(VALIDATION * len(names)))
        held = np.random.default_rng([task.seed, 4]).choice(names, count, replace=False)
        chosen: Mask = np.isin(data.trajectory, held) & data.train
        return chosen
    mask = np.zeros(len(data.t), dtype=bool)
    rows = np.flatnonzero(data.train)
    mask[rows[len(rows) - max(1, round(VALIDATION * len(rows))) :]] = True
    return mask
