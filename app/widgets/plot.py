"""The laboratory's plot: light to draw, calm in its ranges, in the colours of the theme."""

import contextlib
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QFont, QMouseEvent, QPen
from PySide6.QtWidgets import QGraphicsSimpleTextItem, QWidget

from app.style.theme import Theme, current_theme, small_font, theme_signals
from app.widgets.plane_map import PlaneMap
from app.widgets.plot_items import KnownMark, LabAxis, Marker, Shape, Spread, TimeBand, TimeCursor
from hnn_engine.axis_ticks import Range, framed, grown
from hnn_engine.model_colors import DashPattern

__all__ = [
    "KnownMark",
    "LabAxis",
    "LabPlot",
    "Marker",
    "Spread",
    "TimeBand",
    "TimeCursor",
    "lab_pen",
    "show_until_diverged",
]

Array = npt.NDArray[np.float64]
_START: Range = (0.0, 1.0)


def lab_pen(role: str, dash: DashPattern = (), width: float = 1.0, alpha: int = 255) -> QPen:
    """Return a pen of constant width in pixels, in the current theme's colour `role` (see `Theme.role`)."""
    pen = QPen(current_theme().color(role, alpha), width)
    pen.setCosmetic(True)
    if dash:
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        pen.setDashPattern(dash)
    return pen


class LabPlot(pg.PlotWidget):  # type: ignore[misc]
    """A plot without menu or buttons: wheel zooms, drag pans, a double click fits and lets the ranges follow again.

    On an axis with `log_x` or `log_y` the data are log10. `enlarged`: how many times larger its type is.
    """

    fitted = Signal()

    def __init__(
        self,
        title: str = "",
        x_label: str = "",
        y_label: str = "",
        log_y: bool = False,
        parent: QWidget | None = None,
        *,
        log_x: bool = False,
        enlarged: float = 1.0,
    ) -> None:
        axes = {"bottom": LabAxis("bottom", log_x), "left": LabAxis("left", log_y)}
        super().__init__(parent, enableMenu=False, axisItems=axes)
        self._axes, self._enlarged = axes, enlarged
        self._wanted: tuple[Range, Range] | None = None
        self._restylers: dict[Any, Callable[[], None]] = {}
        self._exact = False
        self.following = True
        self.view = self.getViewBox()
        self.view.disableAutoRange()
        self.view.setDefaultPadding(0.0)
        self.view.setRange(xRange=_START, yRange=_START, padding=0)
        self.hideButtons()
        for widget in (self, self.viewport()):  # the background covers it: Qt need not clear it first
            widget.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.plotItem.layout.setContentsMargins(0, 8, 16, 0)  # room for half a tick's label
        self._title = QGraphicsSimpleTextItem(self.view)
        self._title.setPos(6, 2)
        self._title.setZValue(60)
        self._grid = pg.PlotCurveItem(connect="pairs", skipFiniteCheck=True)
        self._grid.setZValue(-100)
        self._grid_ticks: tuple[Any, ...] = ()
        self.view.addItem(self._grid, ignoreBounds=True)
        self._describe(title, x_label, y_label)
        self._connect()
        self._restyle(current_theme())

    def _describe(self, title: str, x_label: str, y_label: str) -> None:
        self.set_title(title)
        self.set_labels(x_label, y_label)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setMinimumSize(120, 90)

    def _connect(self) -> None:
        self.view.sigRangeChanged.connect(self._lay_grid)
        self.view.sigResized.connect(self._lay_grid)
        self.view.sigRangeChangedManually.connect(self._on_moved_by_user)
        theme_signals.changed.connect(self._restyle)

    # Contents

    def set_title(self, text: str) -> None:
        """Write `text` small at the top left, inside the plot."""
        self._title.setText(text)
        self.setAccessibleName(text)

    def set_labels(self, x_label: str, y_label: str) -> None:
        """Write symbol and unit along the axes: 'q (rad)'."""
        self._axes["bottom"].set_title(x_label)
        self._axes["left"].set_title(y_label)

    def curve(
        self,
        role: str,
        dash: DashPattern = (),
        width: float = 1.0,
        alpha: int = 255,
        z: float = 0.0,
        smooth: bool = True,
    ) -> pg.PlotCurveItem:
        """Add an empty curve in the theme's colour `role`; its data must be finite (see `show_until_diverged`).

        `smooth` antialiases where `width` is 1, which costs nothing on a smooth curve and half as much again on noise.
        """
        item = pg.PlotCurveItem(skipFiniteCheck=True, antialias=smooth and width <= 1.0)
        item.setZValue(z)
        return self._add(item, lambda: item.setPen(lab_pen(role, dash, width, alpha)))

    def spread(self, role: str, alpha: int = 46, z: float = -5.0) -> Spread:
        """Add an empty band in the theme's colour `role`; `set_band` fills it."""
        item = Spread(role, alpha)
        item.setZValue(z)
        self._add(item, item.restyle)
        return item

    def dots(self, role: str = "data", size: float = 3.0, alpha: int = 200, z: float = -10.0) -> pg.ScatterPlotItem:
        """Add an empty set of dots of `size` pixels in the theme's colour `role`."""
        item = pg.ScatterPlotItem(size=size, pen=None, pxMode=True, antialias=True)
        item.setZValue(z)
        return self._add(item, lambda: item.setBrush(current_theme().color(role, alpha)))

    def marker(self, role: str, shape: Shape = "dot", size: float = 9.0) -> Marker:
        """Add a hidden mark in the theme's colour `role`; `place` shows it."""
        item = Marker(role, shape, size)
        self._add(item, item.restyle)
        return item

    def cursor_line(self) -> TimeCursor:
        """Add an upright line for the instant that is shown."""
        item = TimeCursor(self.view)
        self._restylers[item] = item.restyle
        return item

    def time_band(self) -> TimeBand:
        """Add a tinted span of time; `set_span` shows it."""
        item = TimeBand(self.view)
        self._restylers[item] = item.restyle
        return item

    def known_mark(self, words: str) -> KnownMark:
        """Add a mark from which on something is not known, as `words` say; `set_time` shows it."""
        item = KnownMark(self.view, words)
        self._restylers[item] = item.restyle
        return item

    def dress(self, item: Any, role: str, dash: DashPattern = (), width: float = 1.0, alpha: int = 255) -> None:
        """Draw a curve in another role from now on."""
        self._restylers[item] = lambda: item.setPen(lab_pen(role, dash, width, alpha))
        self._restylers[item]()

    def plane_map(self, z: float = -50.0) -> PlaneMap:
        """Add an empty map of values over the plane."""
        item = PlaneMap()
        item.setZValue(z)
        self._add(item, item.restyle)
        return item

    def discard(self, item: Any) -> None:
        """Take away what `curve`, `dots`, `marker` or `plane_map` gave."""
        self._restylers.pop(item, None)
        self.view.removeItem(item)

    def _add(self, item: Any, restyle: Callable[[], None]) -> Any:
        self._restylers[item] = restyle
        restyle()
        self.view.addItem(item, ignoreBounds=True)
        return item

    # Ranges

    def grow_to(self, x0: float, x1: float, y0: float, y1: float) -> None:
        """Show x0..x1 exactly and let the y range hold y0..y1, grown in steps of ×1.5; a view set by the user stays."""
        self._wanted, self._exact = ((x0, x1), (y0, y1)), False
        if not self.following:
            return
        shown_x, shown_y = self.view.viewRange()
        wide = (x0, x1) if x1 > x0 else tuple(shown_x)
        tall = framed((y0, y1)) if tuple(shown_y) == _START else grown(tuple(shown_y), (y0, y1))
        self._show((wide[0], wide[1]), tall)

    def show_range(self, x0: float, x1: float, y0: float, y1: float) -> None:
        """Show exactly this, and come back to it on a double click; a view moved by the user stays."""
        self._wanted = ((x0, x1), (y0, y1))
        self._exact = True
        if self.following:
            self._show(*self._wanted)

    def fit(self) -> None:
        """Frame what was last asked for, and follow again."""
        if self._wanted is not None:
            wide, tall = self._wanted
            self._show(wide, tall if self._exact else framed(tall))
        self.following = True
        self.fitted.emit()

    def _show(self, wide: Range, tall: Range) -> None:
        shown = self.view.viewRange()
        if list(wide) != shown[0] or list(tall) != shown[1]:
            self.view.setRange(xRange=wide, yRange=tall, padding=0, disableAutoRange=True)

    def _on_moved_by_user(self) -> None:
        self.following = False

    def close(self) -> bool:
        """Close for good: pyqtgraph takes the plot apart here, so the theme must not reach it any more."""
        with contextlib.suppress(RuntimeError):  # closed twice
            theme_signals.changed.disconnect(self._restyle)
        return bool(super().close())

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        super().mouseDoubleClickEvent(event)
        if event.button() == Qt.MouseButton.LeftButton:
            self.fit()

    # Looks

    def _lay_grid(self) -> None:
        (x0, x1), (y0, y1) = self.view.viewRange()
        _, upright = self._axes["bottom"].ticks(x0, x1, self.view.width())
        _, level = self._axes["left"].ticks(y0, y1, self.view.height())
        ticks = (upright, level, x0, x1, y0, y1)
        if ticks != self._grid_ticks:
            self._grid_ticks = ticks
            self._grid.setData(*grid_lines(upright, level, (x0, x1), (y0, y1)))

    def _restyle(self, theme: Theme) -> None:
        self.setBackground(QColor(theme.paper))
        self._grid.setPen(lab_pen("faint"))
        base = small_font(self.font(), self._enlarged)
        font = small_font(base)
        font.setWeight(QFont.Weight.DemiBold)
        self._title.setFont(font)
        self._title.setBrush(QColor(theme.muted))
        for axis in self._axes.values():
            axis.restyle(base)
        for restyle in self._restylers.values():
            restyle()


def grid_lines(upright: list[float], level: list[float], wide: Range, tall: Range) -> tuple[Array, Array]:
    """Return x and y of the grid's lines, two points a line, for a curve that connects pairs."""
    x = np.concatenate([np.repeat(upright, 2), np.tile(wide, len(level))])
    y = np.concatenate([np.tile(tall, len(upright)), np.repeat(level, 2)])
    return x, y


def show_until_diverged(curve: pg.PlotCurveItem, end: Marker | None, x: Array, y: Array, limit: float = 1e12) -> None:
    """Draw `y` `(n,)` over `x` `(n,)` up to the first value that is not finite or passes ±`limit`; `end` marks it."""
    good = np.isfinite(y) & np.isfinite(x) & (np.abs(y) <= limit)
    count = len(y) if good.all() else int(np.argmin(good))
    curve.setData(x[:count], y[:count])
    if end is None:
        return
    if 0 < count < len(y):
        end.place(float(x[count - 1]), float(y[count - 1]))
    else:
        end.setVisible(False)
