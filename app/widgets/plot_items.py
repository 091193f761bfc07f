"""Small things that move over a plot, each cheap to repaint: markers, the time cursor; and the plot's axis."""

from typing import Literal

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from app.style.theme import current_theme, small_font
from app.widgets.text import write_axis
from hnn_engine.axis_ticks import log_label, log_ticks, nice_ticks, tick_label

Array = npt.NDArray[np.float64]
Shape = Literal["dot", "ring", "cross"]
_TICK_GAPS = {"bottom": 70.0, "left": 34.0}  # pixels between ticks, at least
_WORDS_GAP = 5.0  # pixels around the words of a mark


class Marker(pg.GraphicsObject):  # type: ignore[misc]
    """A mark of fixed size in pixels at a point of the data: a curve's head, a handle, or the × of a diverged one."""

    def __init__(self, role: str, shape: Shape = "dot", size: float = 9.0) -> None:
        super().__init__()
        self._role, self._shape, self._size = role, shape, size
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemIgnoresTransformations)
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)
        self.setVisible(False)
        self.setZValue(50)

    def place(self, x: float, y: float) -> None:
        """Show the mark at (x, y)."""
        self.setPos(x, y)
        if not self.isVisible():
            self.setVisible(True)

    def restyle(self) -> None:
        """Take the colours of the current theme."""
        self.update()

    def boundingRect(self) -> QRectF:
        half = self._size / 2 + 2.5
        return QRectF(-half, -half, 2 * half, 2 * half)

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        theme, half = current_theme(), self._size / 2
        color = theme.color(self._role)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        if self._shape == "cross":
            painter.setPen(QPen(color, 2.0, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            painter.drawLine(QPointF(-half, -half), QPointF(half, half))
            painter.drawLine(QPointF(-half, half), QPointF(half, -half))
            return
        ring = self._shape == "ring"
        painter.setPen(QPen(color if ring else theme.color("paper"), 2.0 if ring else 1.5))
        painter.setBrush(theme.color("paper") if ring else color)
        painter.drawEllipse(QPointF(0, 0), half, half)


class Spread(pg.GraphicsObject):  # type: ignore[misc]
    """The area between two curves over the same x."""

    def __init__(self, role: str, alpha: int) -> None:
        super().__init__()
        self._role, self._alpha = role, alpha
        self._shape = QPolygonF()
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)

    def set_band(self, x: Array, low: Array, high: Array) -> None:
        """Fill from `low` to `high` over `x`, `(n,)` each, all finite; nothing where they are empty."""
        self.prepareGeometryChange()
        there, back = np.column_stack([x, high]), np.column_stack([x, low])[::-1]
        self._shape = QPolygonF([QPointF(a, b) for a, b in np.concatenate([there, back]).tolist()])
        self.update()

    def restyle(self) -> None:
        """Take the colours of the current theme."""
        self.update()

    def boundingRect(self) -> QRectF:
        return self._shape.boundingRect()

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(current_theme().color(self._role, self._alpha))
        painter.drawPolygon(self._shape)


class TimeCursor(pg.GraphicsObject):  # type: ignore[misc]
    """A thin upright line at one instant. It lies over the view in pixels: moving it repaints two columns only."""

    def __init__(self, view: pg.ViewBox) -> None:
        super().__init__(view)
        self._view = view
        self._time = 0.0
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)
        self.setZValue(40)
        view.sigRangeChanged.connect(self._lay)
        view.sigResized.connect(self._on_resized)

    def set_time(self, time: float) -> None:
        """Stand at `time`, in the units of the x axis."""
        self._time = time
        self._lay()

    def restyle(self) -> None:
        """Take the colours of the current theme."""
        self.update()

    def boundingRect(self) -> QRectF:
        return QRectF(-1.0, 0.0, 2.0, self._view.height())

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setPen(QPen(current_theme().color("muted", 170), 1.0))
        painter.drawLine(QPointF(0.0, 0.0), QPointF(0.0, self._view.height()))

    def _on_resized(self) -> None:
        self.prepareGeometryChange()
        self._lay()

    def _lay(self) -> None:
        x = self._view.mapFromView(QPointF(self._time, 0.0)).x()
        inside = 0.0 <= x <= self._view.width()
        if inside:
            self.setPos(round(x), 0.0)
        if inside != self.isVisible():
            self.setVisible(inside)


class TimeBand(pg.GraphicsObject):  # type: ignore[misc]
    """A tinted span of time behind the curves, from top to bottom of the view."""

    def __init__(self, view: pg.ViewBox) -> None:
        super().__init__(view)
        self._view = view
        self._span = (0.0, 0.0)
        self._area = QRectF()
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)
        self.setZValue(-95)
        view.sigRangeChanged.connect(self._lay)
        view.sigResized.connect(self._lay)

    def set_span(self, begin: float, end: float) -> None:
        """Cover `begin` to `end`, in the units of the x axis; nothing where they are equal."""
        if (begin, end) != self._span:
            self._span = (begin, end)
            self._lay()

    def restyle(self) -> None:
        """Take the colours of the current theme."""
        self.update()

    def boundingRect(self) -> QRectF:
        return self._area

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        if not self._area.isEmpty():
            painter.fillRect(self._area, current_theme().color("warning", 34))

    def _lay(self) -> None:
        begin, end = (self._view.mapFromView(QPointF(t, 0.0)).x() for t in self._span)
        begin, end = max(begin, 0.0), min(end, self._view.width())
        area = QRectF(begin, 0.0, max(end - begin, 2.0), self._view.height()) if self._shown(begin, end) else QRectF()
        if area != self._area:
            self.prepareGeometryChange()
            self._area = area
            self.update()

    def _shown(self, begin: float, end: float) -> bool:
        return self._span[1] > self._span[0] and end > 0.0 and begin < self._view.width()


class KnownMark(pg.GraphicsObject):  # type: ignore[misc]
    """An instant from which something is not known any more: a dashed line, a grey tint after it, and words.

    It lies over the view in pixels, from its top to its bottom, behind the curves.
    """

    def __init__(self, view: pg.ViewBox, words: str) -> None:
        super().__init__(view)
        self._view, self._words = view, words
        self._time = float("nan")
        self._area = QRectF()
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)
        self.setZValue(-94)
        view.sigRangeChanged.connect(self._lay)
        view.sigResized.connect(self._lay)

    def set_time(self, time: float) -> None:
        """Stand at `time`, in the units of the x axis; nowhere where it is not finite."""
        if time != self._time and not (np.isnan(time) and np.isnan(self._time)):
            self._time = time
            self._lay()

    @property
    def time(self) -> float:
        """Where it stands; not finite where it does not."""
        return self._time

    def restyle(self) -> None:
        """Take the colours and the type of the current theme."""
        self.update()

    def boundingRect(self) -> QRectF:
        return QRectF() if self._area.isEmpty() else QRectF(0.0, 0.0, self._area.right(), self._area.bottom())

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        if self._area.isEmpty():
            return
        theme = current_theme()
        painter.fillRect(self._area, theme.color("muted", 30))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setPen(QPen(theme.color("muted"), 1.0, Qt.PenStyle.DashLine))
        x = round(self._area.left())
        painter.drawLine(QPointF(x, 0.0), QPointF(x, self._area.bottom()))
        painter.setFont(small_font(painter.font(), 0.9))
        painter.setPen(theme.color("muted"))
        if self._area.width() < painter.fontMetrics().height() + 2 * _WORDS_GAP:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        painter.translate(x + _WORDS_GAP, self._area.bottom() - _WORDS_GAP)
        painter.rotate(-90.0)  # upward: the span is often narrow
        painter.drawText(QPointF(0.0, float(painter.fontMetrics().ascent())), self._words)

    def _lay(self) -> None:
        width, height = self._view.width(), self._view.height()
        area = QRectF()
        if np.isfinite(self._time):
            x = self._view.mapFromView(QPointF(self._time, 0.0)).x()
            if x < width:
                area = QRectF(max(x, 0.0), 0.0, width - max(x, 0.0), height)
        if area != self._area:
            self.prepareGeometryChange()
            self._area = area
            self.update()


class LabAxis(pg.AxisItem):  # type: ignore[misc]
    """An axis of fixed width, so that nothing jumps; with `log` the data are log10, the labels powers of ten."""

    def __init__(self, orientation: str, log: bool = False) -> None:
        super().__init__(orientation)
        self.log = log
        self.enableAutoSIPrefix(False)
        self.setStyle(tickLength=0, tickTextOffset=4, autoExpandTextSpace=False, autoReduceTextSpace=False)
        self.setStyle(hideOverlappingLabels=False)

    def set_title(self, text: str) -> None:
        """Write `text`, symbol and unit, along the axis; '' takes its room away."""
        write_axis(self, text)
        self.showLabel(bool(text))
        if self.orientation == "left":
            self.setWidth(60 if text else 46)
        else:
            self.setHeight(36 if text else 22)

    def restyle(self, base: QFont) -> None:
        """Take the colours of the current theme, and type that goes with `base`."""
        theme = current_theme()
        self.setPen(QPen(theme.color("line"), 1.0))
        self.setTextPen(QPen(theme.color("muted")))
        font = small_font(base, 0.85)
        self.setTickFont(font)
        self.label.setFont(font)
        self.label.setDefaultTextColor(QColor(theme.muted))

    def ticks(self, low: float, high: float, size: float) -> tuple[float, list[float]]:
        """Return the spacing and the ticks between `low` and `high` on `size` pixels."""
        room = max(2, int(size / _TICK_GAPS[self.orientation]))
        return log_ticks(low, high, room) if self.log else nice_ticks(low, high, room)

    def tickValues(self, minVal: float, maxVal: float, size: float) -> list[tuple[float, list[float]]]:
        return [self.ticks(min(minVal, maxVal), max(minVal, maxVal), size)]

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        return [log_label(value) if self.log else tick_label(value, spacing) for value in values]
