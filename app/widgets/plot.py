"""The laboratory's plot: light to draw, calm in its ranges, in the colours of the theme.

What stays (frame, grid, field, data) is painted into pictures once; a repaint lays the picture down and draws what
moves over it, and of that only what is due.
"""

import math
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QFont, QMouseEvent, QPainter, QPaintEvent, QPixmap, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QWidget

from app.style.theme import Theme, current_theme, small_font, theme_signals
from app.widgets.paint_target import draws_figure
from app.widgets.plane_map import PlaneMap
from app.widgets.plot_axes import Axes
from app.widgets.plot_items import (
    Caption,
    Curve,
    Dots,
    Item,
    KnownMark,
    Layer,
    Marker,
    Segments,
    Shape,
    Spread,
    TimeBand,
    TimeCursor,
    head_shape,
)
from app.widgets.plot_labels import EndNames, Readout, Tag
from app.widgets.plot_view import PlotView, is_range, zoomed
from app.widgets.text import plain
from hnn_engine.axis_ticks import Range, framed, grown
from hnn_engine.model_colors import DashPattern

Array = npt.NDArray[np.float64]
_START: Range = (0.0, 1.0)
_ZOOM = 1.02 ** (-1 / 8)  # of the ranges, for each unit of the wheel, of which a notch has 120
_POINTED = 8.0  # pixels from a curve within which the pointer means it
_FADED = 0.28  # opacity of what is not pointed at
_TITLE_AT = QPointF(6, 2)  # from the upper left corner of what is drawn
_Kind = TypeVar("_Kind", bound=Item)


class LabPlot(QWidget):
    """A plot without menu or buttons: wheel zooms, drag pans, a double click fits and lets the ranges follow again.

    On an axis with `log_x` or `log_y` the data are log10. `enlarged`: how many times larger its type is. Signals:
    `ranged()` other ranges are shown, `laid_out()` those or on another size, `fitted()` by a double click;
    `hovered(QPointF | None)` the pointer is at this pixel of the plot with no button down, or has left it.
    """

    fitted = Signal()
    ranged = Signal()
    laid_out = Signal()
    hovered = Signal(object)

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
        super().__init__(parent)
        self.axes, self._enlarged = Axes(log_x, log_y), enlarged
        self._x = self._y = _START
        self._wanted: tuple[Range, Range] | None = None
        self._stroke = 1.0
        self._keeps_wide = False  # as a picture
        self._fresh = True  # the next range is framed, not grown out of the present one
        self._exact = False
        self._until: float | None = None  # as far across as what grows is drawn; None: all of it
        self.following = True
        self._title = ""
        self._items: list[Item] = []
        self._pictures: dict[Layer, QPixmap] = {}
        self._panned: tuple[QPointF, bool, bool] | None = None  # from where the mouse drags, across and upward or not
        self.view = PlotView(_START, _START, 0.0, 0.0, 1.0, 1.0)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)  # it paints every pixel: Qt need not clear them first
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setMinimumSize(120, 90)
        self.setMouseTracking(True)
        self._add(self.axes.grid)
        self.set_title(title)
        self.set_labels(x_label, y_label)
        theme_signals.changed.connect(self._restyle)
        self._restyle(current_theme())

    # Contents

    @property
    def title(self) -> str:
        """What stands small at the top left."""
        return self._title

    def set_title(self, text: str) -> None:
        """Write `text` small at the top left, inside the plot."""
        self._title = text
        self.setAccessibleName(text)
        self._forget(Layer.BACKGROUND)

    def set_labels(self, x_label: str, y_label: str) -> None:
        """Write symbol and unit along the axes: 'q (rad)'."""
        self.axes.bottom.title, self.axes.left.title = x_label, y_label
        self._forget(Layer.BACKGROUND)
        self._lay()

    def curve(
        self,
        role: str,
        dash: DashPattern = (),
        width: float = 1.0,
        alpha: int = 255,
        z: float = 0.0,
        smooth: bool = True,
        layer: Layer = Layer.LIVE,
    ) -> Curve:
        """Add an empty curve in the theme's colour `role`; its data must be finite (see `show_until_diverged`).

        `smooth` antialiases: of a line a pixel wide that costs nothing on a smooth curve and half as much again on
        noise; a wider one is then slow to draw beyond some hundred points.
        """
        return self._add(Curve(role, dash, width, alpha, z, smooth, layer))

    def segments(self, role: str, alpha: int = 255, z: float = 0.0) -> Segments:
        """Add an empty set of straight strokes in the theme's colour `role`, behind all that moves."""
        return self._add(Segments(role, alpha, z, smooth=True))

    def spread(self, role: str, alpha: int = 46, z: float = -5.0) -> Spread:
        """Add an empty band in the theme's colour `role`; `set_band` fills it."""
        return self._add(Spread(role, alpha, z))

    def dots(
        self, role: str = "data", size: float = 3.0, alpha: int = 200, z: float = -10.0, layer: Layer = Layer.LIVE
    ) -> Dots:
        """Add an empty set of dots of `size` pixels in the theme's colour `role`."""
        return self._add(Dots(role, size, alpha, z, layer))

    def marker(self, role: str, shape: Shape = "dot", size: float = 9.0, z: float = 50.0) -> Marker:
        """Add a hidden mark in the theme's colour `role`; `place` shows it."""
        return self._add(Marker(role, shape, size, z))

    def cursor_line(self) -> TimeCursor:
        """Add an upright line for the instant that is shown."""
        return self._add(TimeCursor())

    def time_band(self) -> TimeBand:
        """Add a tinted span of time; `set_span` shows it."""
        return self._add(TimeBand())

    def known_mark(self, words: str) -> KnownMark:
        """Add a mark from which on something is not known, as `words` say; `set_time` shows it."""
        return self._add(KnownMark(words))

    def plane_map(self, z: float = -50.0) -> PlaneMap:
        """Add an empty map of values over the plane."""
        return self._add(PlaneMap(z))

    def caption(self, role: str, size: float = 1.0, *, inside: bool = False) -> Caption:
        """Add words in the theme's colour `role`, `size` times as large as the plot's; `write` shows them, `inside` the
        plot where their point is near its edge."""
        return self._add(Caption(role, self.font(), size, inside=inside))

    def set_stroke(self, stroke: float, still: bool = True) -> None:
        """Draw lines `stroke` times as wide as they say, marks in proportion; 1 is how they are at first. `still`: wide
        ones are kept as a picture, which is worth its while unless they change with every frame."""
        if stroke != self._stroke:
            self._stroke = self.axes.stroke = stroke
            self._keeps_wide = still and stroke > 1
            for item in self._items:
                self._widen(item)
            self._lay(again=True)

    def _widen(self, item: Item) -> None:
        if item is not self.axes.grid:  # it vanishes from three metres, and should
            item.set_stroke(self._stroke)

    def reveal(self, until: float | None) -> None:
        """Draw what grows (curves, dots, bands, marks) as far as `until` across; None: all of it."""
        self._until = until
        self.update()

    def end_names(self, size: float = 0.9) -> EndNames:
        """Add names at the ends of curves, `size` times as large as the plot's type; `show` writes them."""
        return self._add(EndNames(self.font(), size))

    def tag(self, role: str, size: float = 0.9) -> Tag:
        """Add a hidden name for what has the theme's colour `role`; `place` writes it beside a point."""
        return self._add(Tag(role, self.font(), size))

    def readout(self) -> Readout:
        """Add lines beside the pointer; `say` writes them."""
        return self._add(Readout(self.font(), 0.95))

    def discard(self, item: Item) -> None:
        """Take away what `curve`, `dots`, `marker` or another of these gave."""
        item.set_visible(False)
        item.canvas = None
        self._items.remove(item)

    def _add(self, item: _Kind) -> _Kind:
        item.canvas = self
        self._widen(item)
        self._items.append(item)
        self._items.sort(key=lambda one: one.z)
        item.changed()
        return item

    def fade_others(self, role: str) -> None:
        """Draw curves that can be pointed at fainter, but for those of `role`; none fainter where it is empty."""
        for item in self._items:
            if isinstance(item, Curve) and item.pointable:
                item.fade(role not in ("", item.role))

    def role_at(self, at: QPointF) -> str:
        """Return the role of the curve at the pixel `at`, the nearest of those that can be pointed at, or ''."""
        near = [
            (item.distance(at), item.role)
            for item in self._items
            if isinstance(item, Curve) and item.pointable and item.visible and _around(item.area).contains(at)
        ]
        distance, role = min(near, default=(math.inf, ""))
        return role if distance <= _POINTED else ""

    # Ranges

    @property
    def ranges(self) -> tuple[Range, Range]:
        """What is shown across and upward."""
        return self._x, self._y

    def begin_anew(self) -> None:
        """Follow again, and frame what is shown next: nothing is left of the ranges of something else."""
        self.following = self._fresh = True

    def grow_to(self, x0: float, x1: float, y0: float, y1: float) -> None:
        """Show x0..x1 exactly and let the y range hold y0..y1, grown in steps of ×1.5; a view set by the user stays."""
        self._wanted, self._exact = ((x0, x1), (y0, y1)), False
        if self.following:
            tall = framed((y0, y1)) if self._fresh else grown(self._y, (y0, y1))
            self._fresh = False
            self._show((x0, x1) if x1 > x0 else self._x, tall)

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

    def move_to(self, x: Range, y: Range) -> None:
        """Show these ranges, as a hand does: they stay until a double click."""
        self.following = False
        self._show(x, y)

    def _show(self, wide: Range, tall: Range) -> None:
        if (wide, tall) != (self._x, self._y) and is_range(wide) and is_range(tall):
            self._x, self._y = wide, tall
            self._lay()
            self.ranged.emit()

    # Layout and painting

    def _lay(self, again: bool = False) -> None:
        """Lay everything out for the present ranges and size, `again` where they are what they were."""
        view = self.axes.view(self._x, self._y, self.width(), self.height())
        if view == self.view and not again:
            return
        self.view = view
        self._pictures.clear()
        self.axes.lay(view)
        for item in self._items:
            item.area = item.lay(view) if item.visible else QRectF()
        self.update()
        self.laid_out.emit()

    def relay(self, item: Item) -> None:
        """Lay `item` out anew, and draw where it was and where it is."""
        before = item.area
        item.area = item.lay(self.view) if item.visible else QRectF()
        if before.isEmpty() and item.area.isEmpty():
            return
        layer = self._layer(item)
        if layer is not Layer.LIVE:
            self._forget(layer)
            return
        for area in (before, item.area):
            if not area.isEmpty():
                self.update(area.toAlignedRect().adjusted(-1, -1, 1, 1))  # a scale of 1.5 paints beyond whole pixels

    def _layer(self, item: Item) -> Layer:
        return Layer.WIDE if self._keeps_wide and item.layer is Layer.LIVE and not item.moves else item.layer

    def _forget(self, layer: Layer) -> None:
        """Paint the pictures from `layer` on anew when they are next needed."""
        for kept in [one for one in self._pictures if one >= layer]:
            del self._pictures[kept]
        self.update()

    def _picture(self, layer: Layer) -> QPixmap:
        """Return all that stays, up to `layer`."""
        ratio, kept = self.devicePixelRatioF(), self._pictures.get(layer)
        if kept is not None and kept.devicePixelRatio() == ratio:
            return kept
        if layer is Layer.BACKGROUND:
            picture = QPixmap(math.ceil(self.width() * ratio), math.ceil(self.height() * ratio))
            picture.setDevicePixelRatio(ratio)
            picture.fill(current_theme().color("paper"))
        else:
            picture = self._picture(Layer(layer - 1)).copy()
        painter = QPainter(picture)
        self._paint_items(painter, layer, self.view.area)
        if layer is Layer.BACKGROUND:
            painter.setClipping(False)
            self.axes.paint(painter, self.view, self.height())
        painter.end()
        self._pictures[layer] = picture
        return picture

    def _paint_items(self, painter: QPainter, layer: Layer, due: QRectF) -> None:
        painter.setClipRect(self.view.area, Qt.ClipOperation.IntersectClip)
        for item in self._items:
            if self._layer(item) is layer and item.area.intersects(due):
                painter.setClipping(not item.overhangs)
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setOpacity(_FADED if item.faded else 1.0)
                if self._until is not None and item.grows:
                    self._paint_grown(painter, item, self._until)
                else:
                    item.paint(painter)
        painter.setOpacity(1.0)

    def _paint_grown(self, painter: QPainter, item: Item, until: float) -> None:
        area = QRectF(self.view.area)
        painter.save()
        area.setRight(self.view.pixel(until, self._y[0]).x())
        painter.setClipRect(area, Qt.ClipOperation.IntersectClip)
        item.paint(painter)
        painter.restore()

    def _paint_figure(self, painter: QPainter, due: QRectF) -> None:
        """Paint all of it anew, with letters that are letters."""
        painter.fillRect(due, current_theme().color("paper"))
        for layer in Layer:
            painter.save()
            self._paint_items(painter, layer, due)
            painter.restore()
            painter.setClipRect(due)  # Qt's own SVG goes on with the last one, whatever is restored
            if layer is Layer.BACKGROUND:
                painter.save()
                self.axes.paint(painter, self.view, self.height())
                painter.restore()
        self._paint_title(painter)

    def _paint_title(self, painter: QPainter) -> None:
        if self._title:
            painter.setFont(self._title_font())
            painter.setPen(current_theme().color("muted"))
            place = self.view.area.topLeft() + _TITLE_AT
            painter.drawText(place + QPointF(0, painter.fontMetrics().ascent()), plain(self._title))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, due = QPainter(self), event.rect()
        if draws_figure(painter, self.devicePixelRatioF()):
            self._paint_figure(painter, QRectF(due))
            painter.end()
            return
        picture = self._picture(Layer.WIDE if self._keeps_wide else Layer.DATA)
        ratio = picture.devicePixelRatio()
        source = QRectF(due.x() * ratio, due.y() * ratio, due.width() * ratio, due.height() * ratio)
        painter.drawPixmap(QRectF(due), picture, source)  # Qt clips it to what is due
        self._paint_items(painter, Layer.LIVE, QRectF(due))
        painter.setClipping(False)
        self._paint_title(painter)
        painter.end()

    def _title_font(self) -> QFont:
        font = small_font(small_font(self.font(), self._enlarged))
        font.setWeight(QFont.Weight.DemiBold)
        return font

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._lay()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.FontChange:
            self._restyle(current_theme())

    def _restyle(self, theme: Theme) -> None:
        self.axes.restyle(small_font(small_font(self.font(), self._enlarged), 0.85))
        for item in self._items:
            item.restyle()
            if isinstance(item, Caption | EndNames | Tag | Readout):
                item.font = small_font(self.font(), item.size)
        self._forget(Layer.BACKGROUND)
        self._lay(again=True)

    # The mouse

    def event(self, event: QEvent) -> bool:
        """Leave the tooltip out while values stand at the pointer: it would cover them."""
        if event.type() == QEvent.Type.ToolTip and any(isinstance(i, Readout) and i.lines for i in self._items):
            return True
        return super().event(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.fit()

    def _along(self, at: QPointF) -> tuple[bool, bool]:
        """Whether what is done at `at` changes the range across, and that upward: beside an axis that axis alone."""
        below, beside = at.y() > self.view.area.bottom(), at.x() < self.view.area.left()
        return not beside or below, not below or beside

    def wheelEvent(self, event: QWheelEvent) -> None:
        share = _ZOOM ** event.angleDelta().y()
        across, upward = self._along(event.position())
        fixed = self.view.point(event.position())
        x = zoomed(self._x, fixed.x(), share) if across else self._x
        y = zoomed(self._y, fixed.y(), share) if upward else self._y
        self.move_to(x, y)
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.hovered.emit(None)
        if event.button() == Qt.MouseButton.LeftButton:
            self._panned = (event.position(), *self._along(event.position()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._panned is None:
            if event.buttons() == Qt.MouseButton.NoButton:
                self.hovered.emit(event.position() if self.view.area.contains(event.position()) else None)
            return
        before, across, upward = self._panned
        self._panned = (event.position(), across, upward)
        moved, unit = event.position() - before, self.view.unit
        dx, dy = -moved.x() * unit[0] * across, moved.y() * unit[1] * upward
        self.move_to((self._x[0] + dx, self._x[1] + dx), (self._y[0] + dy, self._y[1] + dy))

    def leaveEvent(self, event: QEvent) -> None:
        self.hovered.emit(None)
        super().leaveEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._panned = None


def _around(area: QRectF) -> QRectF:
    return area.adjusted(-_POINTED, -_POINTED, _POINTED, _POINTED)


def show_until_diverged(
    curve: Curve, end: Marker, x: Array, y: Array, limit: float = 1e12, diverged: bool = True
) -> None:
    """Draw `y` `(n,)` over `x` `(n,)` up to the first value that is not finite or passes ±`limit`; `end` marks it where
    the rollout `diverged`, and is hidden elsewhere."""
    good = np.isfinite(y) & np.isfinite(x) & (np.abs(y) <= limit)
    count = len(y) if good.all() else int(np.argmin(good))
    curve.set_data(x[:count], y[:count])
    if diverged and 0 < count < len(y):
        end.place(float(x[count - 1]), float(y[count - 1]))
    else:
        end.set_visible(False)


__all__ = [
    "Curve",
    "Dots",
    "EndNames",
    "KnownMark",
    "LabPlot",
    "Layer",
    "Marker",
    "Readout",
    "Segments",
    "Spread",
    "Tag",
    "head_shape",
    "show_until_diverged",
]
