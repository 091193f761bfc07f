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
    """Adam whose rate rises over `WARM_UP` steps and falls by half a cosine to 1 % of it.

    The start is scaled to the data, so units and ranges do not matter (`objectives`). A part of the training
    trajectories is held out; the weights that score best on them are kept, and the fit ends when they have not
    improved for `patience` steps.
    """

    scaled: ClassVar[bool] = True

    def __init__(self, task: FitTask) -> None:
        held = validation_rows(task)
        self._held_rows = held
        super().__init__(replace(task, data=replace(task.data, train=task.data.train & ~held)))
        self._held = self.objective.rows(held)
        self._best = self.backend.flat.copy()
        self._best_loss, self._best_step = math.inf, 0

    def tests(self) -> Mask:
        return super().tests() & ~self._held_rows

    def rate(self, step: int) -> float:
        top = float(self.task.settings["learning-rate"])
        rise = min(step / WARM_UP, 1.0)
        return top * rise * (0.01 + 0.99 * (1 + math.cos(math.pi * step / self.steps)) / 2)

    def checkpoint(self, step: int) -> str:
        loss = self.backend.loss(self._held)
        if loss < self._best_loss:
            self._best_loss, self._best_step = loss, step
            self._best[:] = self.backend.flat
        if step - self._best_step >= int(self.task.settings["patience"]):
            return f"no better on the validation trajectories since step {self._best_step}"
        return ""

    def final_weights(self) -> Array:
        return self._best if math.isfinite(self._best_loss) else self.backend.flat


def validation_rows(task: FitTask) -> Mask:
    """Return the mask of held-out rows: whole trajectories, or the last rows where there is only one."""
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
