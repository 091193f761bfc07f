"""The two plots of a race, loss and error over the seconds of computing, both log-log, one colour a recipe."""

import math
from collections.abc import Iterable

import numpy as np
from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.panels.loss import log10, thinned
from app.widgets.plot import LabPlot, Marker
from app.widgets.plot_labels import Name
from hnn_engine.coords import Array
from hnn_engine.fitting import RECIPES
from hnn_engine.model_colors import role_dash
from hnn_engine.race import Standing

# None is that of truth, the baseline or the HNN, which a race says nothing of.
COLORS = {
    "paper": "race-paper",
    "adam": "race-adam",
    "sampled": "race-sampled",
    "denoise": "race-denoise",
    "sampled-film": "race-sampled",  # never together with sampled
    "lbfgs": "race-lbfgs",
}
ENLARGED = 1.3  # it is read from the last row
WIDE = 2.5  # pixels of a curve
RAW = 70  # opacity of a loss as it is, under its mean
SIDE = 4  # points to either side that a mean of losses is of
STEP = 0.25  # decades in which the axis of seconds grows
MARGIN = 0.12  # decades
ABOVE = 2.5  # decades above the highest end of a curve that are shown: the very first steps need not be seen


def recipe_color(recipe: str) -> str:
    """Return the theme's role of a recipe."""
    return COLORS.get(recipe, "muted")


class Level:
    """A dashed line across a plot, with its name over its left end."""

    def __init__(self, plot: LabPlot, role: str) -> None:
        self.line = plot.curve(role, (6.0, 4.0), 1.5, z=-5, smooth=False)
        self.caption = plot.caption(role, ENLARGED * 0.9)
        self.value: float | None = None

    def show(self, value: float | None, name: str, x0: float, x1: float) -> None:
        """Lie at log10 `value` from `x0` to `x1`, or nowhere."""
        known = value is not None and math.isfinite(value) and value > 0
        self.value = float(np.log10(value)) if known and value is not None else None
        if self.value is None:
            self.line.set_data([], [])
            self.caption.write("", 0.0, 0.0)
            return
        self.line.set_data(np.array([x0, x1]), np.array([self.value, self.value]))
        self.caption.write(name, x0, self.value)


class Line:
    """One lane in one plot: its curve, its head, and the raw values under the curve."""

    def __init__(self, plot: LabPlot, role: str) -> None:
        self._plot = plot
        self.raw = plot.curve(role, width=1.0, alpha=RAW, z=0, smooth=False)
        self.curve = plot.curve(role, role_dash(role), WIDE, z=5)
        self.head: Marker = plot.marker(role, "dot", 12.0)

    def show(self, points: Array, noisy: bool) -> tuple[Array, Array]:
        """Draw `points` `(n, 2)`, those that are finite and above zero; return log10 of what is drawn."""
        good = points[(points > 0).all(axis=1) & np.isfinite(points).all(axis=1)]
        x, y = thinned(log10(good[:, 0]), log10(good[:, 1]))
        rows = len(x) if noisy else 0
        self.raw.set_data(x[:rows], y[:rows])
        y = calmed(y) if noisy else y
        self.curve.set_data(x, y)
        if len(x):
            self.head.place(float(x[-1]), float(y[-1]))
        else:
            self.head.set_visible(False)
        return x, y

    def discard(self) -> None:
        """Take it away."""
        for item in (self.raw, self.curve, self.head):
            self._plot.discard(item)


class RacePlots(QWidget):
    """Loss at the left, error of the field at the right, over the same seconds."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.loss = self._plot("Training loss", "mean squared error")
        self.error = self._plot("Error of the field", "mean squared error")
        self.floor = Level(self.loss, "muted")
        self.finish = Level(self.error, "accent_hover")
        self._names = self.loss.end_names(ENLARGED * 0.9), self.error.end_names(ENLARGED * 0.9)
        self._lines: dict[str, tuple[Line, Line]] = {}
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(12)
        layout.addWidget(self.loss, 1)
        layout.addWidget(self.error, 1)
        self.clear()

    def _plot(self, title: str, y_label: str) -> LabPlot:
        x_label = "seconds of computing"
        return LabPlot(title, x_label, y_label, log_y=True, log_x=True, enlarged=ENLARGED, parent=self)

    def clear(self) -> None:
        """Take all curves away."""
        for lines in self._lines.values():
            for line in lines:
                line.discard()
        self._lines.clear()
        for names in self._names:
            names.show(())
        for plot, level in ((self.loss, self.floor), (self.error, self.finish)):
            level.show(None, "", 0.0, 0.0)
            plot.following = True
            plot.show_range(-3.0, 1.0, -4.0, 0.0)

    def name_error(self, of_truth: bool) -> None:
        """Say what the error is: that of the field, or the test loss where the true field is not known."""
        self.error.set_title("Error of the field" if of_truth else "Test loss")

    def show_race(self, standings: Iterable[Standing], finish: float | None, name: str, floor: float | None) -> None:
        """Draw the lanes, the finish line with its `name`, and the loss of the true field."""
        losses, errors, called = [], [], []
        for one in standings:
            called.append((recipe_color(one.recipe), RECIPES[one.recipe].title.partition(",")[0]))
            left, right = self._lines_of(one.recipe)
            losses.append(left.show(one.losses, noisy=True))
            errors.append(right.show(one.errors, noisy=False))
        x0, x1 = _span([x for x, _ in (*losses, *errors)])
        self.floor.show(floor, "noise floor", x0, x1)
        self.finish.show(finish, name, x0, x1)
        for plot, drawn, level in ((self.loss, losses, self.floor), (self.error, errors, self.finish)):
            plot.show_range(x0, x1, *_tall([y for _, y in drawn], level.value))
        for names, drawn in zip(self._names, (losses, errors), strict=True):
            ends = zip(called, drawn, strict=True)
            names.show([Name(role, name, float(x[-1]), float(y[-1])) for (role, name), (x, y) in ends if len(x)])

    def _lines_of(self, recipe: str) -> tuple[Line, Line]:
        if recipe not in self._lines:
            role = recipe_color(recipe)
            self._lines[recipe] = Line(self.loss, role), Line(self.error, role)
        return self._lines[recipe]


def calmed(y: Array) -> Array:
    """Return the means of `y` `(n,)` over `SIDE` points to either side, over fewer towards the ends."""
    total = np.concatenate([[0.0], np.cumsum(y)])
    index = np.arange(len(y))
    low, high = np.maximum(index - SIDE, 0), np.minimum(index + SIDE + 1, len(y))
    return np.asarray((total[high] - total[low]) / (high - low))


def _span(parts: list[Array]) -> tuple[float, float]:
    """Return the range of log10 seconds, grown in steps so that it does not move all the time."""
    known = [x for x in parts if len(x)]
    if not known:
        return -3.0, 1.0
    low, high = min(float(x[0]) for x in known), max(float(x[-1]) for x in known)
    return STEP * math.floor((low - MARGIN) / STEP), STEP * math.ceil((high + MARGIN) / STEP)


def _tall(parts: list[Array], level: float | None) -> tuple[float, float]:
    """Return the range of log10 values, in steps; of what lies far above all ends the top is left out."""
    known = [y for y in parts if len(y)]
    marks = [level] if level is not None else []
    lows = [float(y.min()) for y in known] + marks
    if not lows:
        return -4.0, 0.0
    ends = [float(y[-1]) for y in known] + marks
    high = min(max([float(y.max()) for y in known] + marks), max(ends) + ABOVE)
    low = STEP * math.floor((min(lows) - MARGIN) / STEP)
    return low, max(STEP * math.ceil((high + MARGIN) / STEP), low + 2 * STEP)
