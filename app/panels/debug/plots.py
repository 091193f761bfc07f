"""The plot of a view of debugging: curves over time with their names, a sentence above them, values at the pointer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.lab import Lab
from app.widgets.elided import ElidedLabel
from app.widgets.plot import Curve, LabPlot, Layer, Spread
from app.widgets.plot_labels import Name, value_at
from hnn_engine.coords import Array
from hnn_engine.model_colors import DashPattern
from hnn_engine.number_format import number

FAINT, WIDE = 70, 4.0  # a curve that others are parts of


@dataclass(frozen=True, eq=False)
class Line:
    """A curve: its `name`, the `role` of its colour, and its points, x rising; NaN where there is nothing. `broad`: it
    is drawn wide and faint behind the others."""

    name: str
    role: str
    x: Array
    y: Array
    dash: DashPattern = ()
    broad: bool = False


class DebugPlot(QWidget):
    """Draws `Line`s. On an axis with `log_x` or `log_y` their data are log10; `in_words` says what a height is.
    `over_time`: x is the time of the playback."""

    def __init__(
        self,
        lab: Lab,
        name: str,
        x_label: str,
        y_label: str,
        *,
        log_x: bool = False,
        log_y: bool = False,
        over_time: bool = True,
        in_words: Callable[[float], str] | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.lab = lab
        self.plot = LabPlot("", x_label, y_label, log_y, log_x=log_x)
        self.plot.setAccessibleName(name)
        self.known = self.plot.known_mark("truth not known")
        self.names = self.plot.end_names()
        self.readout = self.plot.readout()
        self.words = ElidedLabel()
        self.words.setContentsMargins(12, 0, 12, 0)
        self.lines: tuple[Line, ...] = ()
        self._log_x, self._log_y, self._over_time = log_x, log_y, over_time
        self._in_words = in_words or (lambda value: number(10.0**value if log_y else value))
        self._curves: list[Curve] = []
        self._bands: list[Spread] = []
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.words)
        layout.addWidget(self.plot, 1)
        self.plot.hovered.connect(self._on_hovered)
        lab.highlighted.connect(self.plot.fade_others)
        if over_time:
            cursor = self.plot.cursor_line()
            cursor.set_time(lab.playback.time)
            lab.playback.moved.connect(cursor.set_time)

    def say(self, text: str, tip: str = "") -> None:
        """Say `text` above the curves."""
        self.words.say(text, tip)

    def clear(self) -> None:
        """Show nothing."""
        self.show_lines((), (0.0, 1.0), (0.0, 1.0))
        self.known.set_time(float("nan"))

    def show_lines(
        self,
        lines: Sequence[Line],
        across: tuple[float, float],
        upward: tuple[float, float],
        bands: Sequence[tuple[str, Array, Array, Array]] = (),
    ) -> None:
        """Draw `lines`, and `bands` of a role, x, low and high, all finite, over these ranges."""
        for item in (*self._curves, *self._bands):
            self.plot.discard(item)
        self.lines = tuple(lines)
        self._bands = [self._band(*band) for band in bands]
        self._curves = [self._draw(line) for line in lines]
        self.plot.begin_anew()
        self.plot.grow_to(*across, *upward)
        self.plot.fade_others(self.lab.highlight)
        self._write_names(upward)

    def _band(self, role: str, x: Array, low: Array, high: Array) -> Spread:
        spread = self.plot.spread(role)
        spread.set_band(x, low, high)
        return spread

    def _draw(self, line: Line) -> Curve:
        width, alpha = (WIDE, FAINT) if line.broad else (1.0, 255)
        curve = self.plot.curve(line.role, line.dash, width, alpha, 1.0 if line.broad else 5.0, layer=Layer.DATA)
        curve.pointable = not line.broad
        good = np.isfinite(line.y) & np.isfinite(line.x)
        joined = None if good.all() else (good & np.append(good[1:], True))[good]
        curve.set_data(line.x[good], line.y[good], joined)
        return curve

    def _write_names(self, upward: tuple[float, float]) -> None:
        found = []
        for line in self.lines:
            rows = np.flatnonzero(np.isfinite(line.y) & (line.y >= upward[0]) & (line.y <= upward[1]))
            if len(rows) and line.name:
                at = int(rows[-1])
                found.append(Name(line.role, line.name, float(line.x[at]), float(line.y[at])))
        self.names.show(found)

    def _on_hovered(self, at: QPointF | None) -> None:
        self.lab.point_at(self.plot.role_at(at) if at is not None else "")
        self.readout.say(self._told(at) if at is not None else (), at or QPointF())

    def _told(self, at: QPointF) -> list[tuple[str, str]]:
        x = self.plot.view.point(at).x()
        where = number(10.0**x if self._log_x else x, "s")
        found = [("", f"t = {where}")]
        for line in self.lines:
            value = value_at(line.x, line.y, x)
            if np.isfinite(value) and line.name:
                found.append((line.role, f"{line.name}  {self._in_words(value)}"))
        return found if len(found) > 1 else []


def log_span(*values: Array, least: float = -8.0, most: float = 3.0) -> tuple[float, float]:
    """Return decades that hold the finite of `values`, log10 each."""
    parts = [v[np.isfinite(v)] for v in values]
    known = np.concatenate(parts) if parts else np.empty(0)
    if not len(known):
        return -4.0, 0.5
    low, high = float(np.clip(known.min(), least, most)), float(np.clip(known.max(), least, most))
    return low - 0.1, max(high, low + 1.0) + 0.1


def log10(values: Array) -> Array:
    """Return log10 of `values`; NaN where they are not above zero."""
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Array = np.where(values > 0, np.log10(np.where(values > 0, values, 1.0)), np.nan)
    return found


def even_span(*values: Array, least: float = 0.0) -> tuple[float, float]:
    """Return a range that holds the finite of `values`, at least `least` from end to end on each side of zero."""
    parts = [v[np.isfinite(v)] for v in values]
    known = np.concatenate(parts) if parts else np.empty(0)
    if not len(known):
        return -1.0, 1.0
    return min(float(known.min()), -least), max(float(known.max()), least)
