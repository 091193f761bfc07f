"""The losses as they fall: train (raw, and smoothed over it), test as dots, and the noise floor where it is known.

A closed form has one loss, or a few: it is a level line with its name, and a line of words says how its ridge was
chosen.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.lab import Lab
from app.model.document import State
from app.widgets.elided import ElidedLabel
from app.widgets.plot import Curve, Dots, LabPlot
from app.widgets.plot_labels import Name, value_at
from app.widgets.text import set_tip
from hnn_engine.coords import Array
from hnn_engine.datasets import Dataset
from hnn_engine.experiment import same_system
from hnn_engine.model_colors import role_dash
from hnn_engine.models import get_model
from hnn_engine.number_format import grouped, number, raised
from hnn_engine.percentiles import percentile

MOST_POINTS = 360  # of a curve: more than its pixels would not be seen
EVERY = 9  # frames between two drawings while a model trains
FEW = 3  # steps: a fit of no more has no curve to speak of
_OF_FIELDS = "Mean squared error of the field against the data's derivatives. The grey line is the noise floor."
_OF_FRAMES = (
    "Models of frames: the error of the reconstructed pixels, that of the second latent "
    "as the speed of the first, and a tenth of that of the next latents."
)


@dataclass(frozen=True, eq=False)
class _Losses:
    """The losses of one fit: `role` and `name` say whose, `reason` how a closed form was solved."""

    role: str
    name: str
    steps: Array
    train: Array
    test_steps: Array
    test: Array
    reason: str = ""

    @property
    def closed(self) -> bool:
        """Whether it is a closed form that has been solved."""
        return bool(self.reason) and len(self.steps) <= FEW


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
        self._losses: dict[str, _Losses] = {}
        self.floor = self.plot.curve("muted", (4.0, 4.0), z=-5, smooth=False)
        self.names = self.plot.end_names()
        self.readout = self.plot.readout()
        self.words = ElidedLabel()  # how the closed forms that are shown were solved
        self.words.setContentsMargins(12, 2, 16, 0)
        self.words.hide()
        self._floor: float | None = None
        self._frames = 0
        self._pending = False
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.words)
        layout.addWidget(self.plot, 1)
        self.plot.hovered.connect(self._on_hovered)
        lab.highlighted.connect(self.plot.fade_others)
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

    def _histories(self) -> dict[str, _Losses]:
        """What is drawn: the fits under way, else the shown runs."""
        lab = self.lab
        named = {m.key: (m.role, m.title) for m in lab.shown_models()}
        if lab.training.worker.running and lab.training.series:
            return {
                key: _Losses(
                    *named.get(key, (s.info.model, get_model(s.info.model).title)),
                    np.array(s.steps, dtype=np.float64),
                    np.array(s.train, dtype=np.float64),
                    np.array(s.test_steps, dtype=np.float64),
                    np.array(s.test, dtype=np.float64),
                )
                for key, s in lab.training.series.items()
            }
        return {
            r.id: _Losses(
                *named.get(r.id, (r.snapshot.model, get_model(r.snapshot.model).title)),
                *(r.history.train_steps, r.history.train, r.history.test_steps, r.history.test),
                r.reason,
            )
            for r in lab.document.state.applicable()
        }

    def _redraw(self) -> None:
        self._losses = self._histories()
        for key in list(self._curves):
            if key not in self._losses or self._curves[key][1].role != self._losses[key].role:
                for item in self._curves.pop(key):
                    self.plot.discard(item)
        lows, highs, last = [], [], 2.0  # a closed form may have one step alone
        for losses in self._losses.values():
            if len(losses.steps):
                last = max(last, float(losses.steps[-1]))
        if self.lab.training.worker.running and self.lab.training.series:
            last = max([last, *(_reach(s.step, s.info.steps) for s in self.lab.training.series.values())])
        for key, losses in self._losses.items():
            drawn = self._draw(key, losses, last)
            if len(drawn):
                tests = log10(losses.test)
                lows.append(float(min(drawn.min(), tests.min(initial=np.inf))))
                highs.append(percentile(drawn, 99.5))
        self._draw_floor(last, lows, highs)
        self.plot.fade_others(self.lab.highlight)
        self._write_names()

    def _draw(self, key: str, losses: _Losses, last: float) -> Array:
        """Draw one fit, a closed form as a level line up to `last`; return log10 of its training losses."""
        role = losses.role
        if key not in self._curves:
            self._curves[key] = (
                self.plot.curve(role, alpha=70, z=0, smooth=False),
                self.plot.curve(role, role_dash(role), z=5),
                self.plot.dots(role, 3.5, 255, z=6),
            )
            self._curves[key][1].pointable = True
        raw, smooth, dots = self._curves[key]
        x, y = thinned(losses.steps, log10(losses.train))
        if losses.closed and len(y):
            x, y = np.append(x, last), np.append(y, y[-1])
            raw.set_data([], [])
            smooth.set_data(x, y)
        else:
            raw.set_data(x, y)
            smooth.set_data(x, smoothed(y))
        dots.set_data(*thinned(losses.test_steps, log10(losses.test), 80))
        return y

    def _write_names(self) -> None:
        """Write the fits' names at the ends of their curves, each once, and in words how closed forms were solved."""
        ends: dict[str, Name] = {}
        for key, losses in self._losses.items():
            x, y = self._curves[key][1].data
            if len(x):
                ends.setdefault(losses.role, Name(losses.role, losses.name, float(x[-1]), float(y[-1])))
        self.names.show(tuple(ends.values()))
        solved = {one.name: one.reason for one in self._losses.values() if one.closed}
        self.words.say(" · ".join(f"{name}: {raised(reason)}" for name, reason in solved.items()))
        self.words.setVisible(bool(solved))

    def _on_hovered(self, at: QPointF | None) -> None:
        self.lab.point_at(self.plot.role_at(at) if at is not None else "")
        self.readout.say(self._lines(at) if at is not None else (), at or QPointF())

    def _lines(self, at: QPointF) -> list[tuple[str, str]]:
        """What is known of the step under the pixel `at`: the losses of each fit."""
        step = self.plot.view.point(at).x()
        lines = [("", f"step {grouped(max(round(step), 0))}")]
        for losses in self._losses.values():
            if len(losses.steps) and (losses.closed or step <= losses.steps[-1]):
                parts = [f"train {number(_nearest(losses.steps, losses.train, step))}"]
                parts += [f"test {number(_nearest(losses.test_steps, losses.test, step))}"] * bool(len(losses.test))
                lines.append((losses.role, f"{losses.name}  {', '.join(parts)}"))
        if self._floor:
            lines.append(("muted", f"noise floor  {number(self._floor)}"))
        return lines if len(lines) > 1 else []

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


def _nearest(x: Array, y: Array, at: float) -> float:
    """Return the `y` `(n,)` whose rising `x` `(n,)` is nearest to `at`, the ends included."""
    return value_at(x, y, min(max(at, float(x[0])), float(x[-1])))


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
