"""The losses as they fall: train (raw, and smoothed over it), test as dots, and the noise floor where it is known."""

import math
from collections.abc import Sequence

import numpy as np
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.lab import Lab
from app.model.document import State
from app.widgets.plot import Curve, Dots, LabPlot
from app.widgets.text import set_tip
from hnn_engine.coords import Array
from hnn_engine.datasets import Dataset
from hnn_engine.experiment import same_system
from hnn_engine.model_colors import model_dash
from hnn_engine.models import get_model
from hnn_engine.percentiles import percentile

MOST_POINTS = 360  # of a curve: more than its pixels would not be seen
EVERY = 9  # frames between two drawings while a model trains
_OF_FIELDS = "Mean squared error of the field against the data's derivatives. The grey line is the noise floor."
_OF_FRAMES = (
    "Models of frames: the error of the reconstructed pixels, that of the second latent "
    "as the speed of the first, and a tenth of that of the next latents."
)


class LossPanel(QWidget):
    """Loss over steps, on a log axis."""

    def __init__(self, lab: Lab, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.lab = lab
        self.title = "Loss: — train, • test"
        self.plot = LabPlot("", "step", "mean squared error", log_y=True)
        self.setAccessibleName("Loss")
        self._show_tip()
        self._curves: dict[str, tuple[Curve, Curve, Dots]] = {}
        self.floor = self.plot.curve("muted", (4.0, 4.0), z=-5, smooth=False)
        self._floor: float | None = None
        self._frames = 0
        self._pending = False
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.plot)
        lab.training.losses_changed.connect(self._on_losses)
        lab.training.changed.connect(self._redraw)
        lab.dataset_changed.connect(self._on_dataset)
        lab.document.changed.connect(self._on_changed)
        lab.frame_clock.painted.connect(self._on_painted)
        self._on_dataset(lab.dataset)  # it may have come before this panel

    def _on_losses(self) -> None:
        self._pending = True

    def _on_painted(self) -> None:
        self._frames += 1
        if self._pending and self._frames % EVERY == 0:
            self._pending = False
            self._redraw()

    def _show_tip(self) -> None:
        """Say what the loss is of. An axis label that changed would move the plot."""
        seen = any(get_model(m.name).observes_frames for m in self.lab.experiment.models)
        set_tip(self, _OF_FRAMES if seen else _OF_FIELDS)

    def _on_changed(self, old: State, new: State) -> None:
        if old.experiment.models is not new.experiment.models:
            self._show_tip()
        if not same_system(old.experiment, new.experiment):
            self.plot.begin_anew()
        if old.runs is not new.runs or old.shown != new.shown or not same_system(old.experiment, new.experiment):
            self._redraw()

    def _on_dataset(self, data: Dataset | None) -> None:
        self._floor = data.floor_test if data is not None else None
        self._redraw()

    def _histories(self) -> dict[str, tuple[str, Array, Array, Array, Array]]:
        """What is drawn: the fits under way, else the shown runs: key -> model, steps and losses."""
        if self.lab.training.worker.running and self.lab.training.series:
            return {
                key: (
                    s.info.model,
                    *(np.array(v, dtype=np.float64) for v in (s.steps, s.train, s.test_steps, s.test)),
                )  # type: ignore[misc]
                for key, s in self.lab.training.series.items()
            }
        return {
            r.id: (r.snapshot.model, r.history.train_steps, r.history.train, r.history.test_steps, r.history.test)
            for r in self.lab.document.state.applicable()
        }

    def _redraw(self) -> None:
        histories = self._histories()
        for key in set(self._curves) - set(histories):
            for item in self._curves.pop(key):
                self.plot.discard(item)
        lows, highs, last = [], [], 2.0  # a closed form may have one step alone
        for key, (model, steps, train, test_steps, test) in histories.items():
            if key not in self._curves:
                self._curves[key] = (
                    self.plot.curve(model, alpha=70, z=0, smooth=False),
                    self.plot.curve(model, model_dash(model), z=5),
                    self.plot.dots(model, 3.5, 255, z=6),
                )
            raw, smooth, dots = self._curves[key]
            x, y = thinned(steps, log10(train))
            raw.set_data(x, y)
            smooth.set_data(x, smoothed(y))
            tx, ty = thinned(test_steps, log10(test), 80)
            dots.set_data(tx, ty)
            if len(y):
                lows.append(float(min(y.min(), ty.min(initial=np.inf))))
                highs.append(percentile(y, 99.5))
                last = max(last, float(steps[-1]))
        if self.lab.training.worker.running and self.lab.training.series:
            last = max([last, *(_reach(s.step, s.info.steps) for s in self.lab.training.series.values())])
        self._draw_floor(last, lows, highs)

    def _draw_floor(self, last: float, lows: Sequence[float], highs: Sequence[float]) -> None:
        known = self._floor is not None and self._floor > 0
        if known and self._floor is not None:
            level = float(np.log10(self._floor))
            self.floor.set_data(np.array([0.0, last]), np.array([level, level]))
            lows, highs = [*lows, level], [*highs, level]
        else:
            self.floor.set_data([], [])
        self.plot.following = True if not self._curves else self.plot.following
        self.plot.grow_to(0.0, last, min(lows, default=-3.0) - 0.1, max(highs, default=0.0) + 0.1)


def _reach(step: int, planned: int) -> float:
    """How far the axis goes while a fit runs: in steps of ×1.5, so that it does not move all the time."""
    if step < 1:
        return min(planned, 60)
    return min(float(planned), 60 * 1.5 ** max(0, math.ceil(math.log(step / 60) / math.log(1.5))))


def log10(values: Array) -> Array:
    """Return log10 of losses; what is not finite or not above zero becomes tiny."""
    with np.errstate(divide="ignore", invalid="ignore"):
        result: Array = np.log10(np.where(np.isfinite(values) & (values > 0), values, 1e-12))
    return result


def thinned(x: Array, y: Array, most: int = MOST_POINTS) -> tuple[Array, Array]:
    """Return at most about `most` points, evenly chosen, the last always among them."""
    if len(x) <= most:
        return x, y
    rows = np.linspace(0, len(x) - 1, most).astype(int)
    return x[rows], y[rows]


def smoothed(y: Array) -> Array:
    """Return a centred moving mean over about a twenty-fifth of the curve."""
    half = max(1, len(y) // 50)
    if len(y) < 8:
        return y
    total = np.concatenate([[0.0], np.cumsum(y)])
    index = np.arange(len(y))
    low, high = np.maximum(index - half, 0), np.minimum(index + half + 1, len(y))
    result: Array = (total[high] - total[low]) / (high - low)
    return result
