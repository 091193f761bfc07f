"""The frame of a plot: its axes with what is written along them, and the grid. It keeps its place, so nothing jumps."""

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QPainter, QPen

from app.style.theme import current_theme
from app.widgets.plot_items import Segments
from app.widgets.plot_view import Array, PlotView
from app.widgets.text import plain
from hnn_engine.axis_ticks import Range, log_label, log_ticks, nice_ticks, tick_label

_GAP_ACROSS, _GAP_UPWARD = 70.0, 34.0  # pixels between ticks, at least
_TOP, _RIGHT = 8.0, 16.0  # pixels: room for half a tick's label
_LEFT, _BOTTOM = (46.0, 60.0), (22.0, 36.0)  # pixels, without a title of the axis and with one
_OFFSET = 4.0  # pixels between an axis and its labels
_USUAL = 14.0  # pixels: the height of a line of type that these go with; larger type has more of each


@dataclass
class Axis:
    """One axis: its title, symbol and unit, and whether the data are log10."""

    log: bool = False
    title: str = ""

    def ticks(self, wide: Range, size: float, gap: float) -> tuple[float, list[float]]:
        """Return the spacing and the ticks in the range `wide` on `size` pixels, at least `gap` of them apart."""
        room = max(2, int(size / gap))
        return log_ticks(*wide, room) if self.log else nice_ticks(*wide, room)

    def label(self, value: float, spacing: float) -> str:
        """Return what is written at a tick."""
        return log_label(value) if self.log else tick_label(value, spacing)


class Axes:
    """The two axes, and a grid through their ticks."""

    def __init__(self, log_x: bool, log_y: bool) -> None:
        self.bottom, self.left = Axis(log_x), Axis(log_y)
        self.grid = Segments("faint", 255, -100.0, smooth=False)
        self.stroke = 1.0  # pixels, of the axes
        self._font = QFont()
        self._scale = 1.0
        self._upright: tuple[float, list[float]] = (1.0, [])
        self._level: tuple[float, list[float]] = (1.0, [])

    def view(self, x: Range, y: Range, width: float, height: float) -> PlotView:
        """Return how the ranges lie on a widget of this size."""
        left, bottom = self._scale * _LEFT[bool(self.left.title)], self._scale * _BOTTOM[bool(self.bottom.title)]
        top, right = self._scale * _TOP, self._scale * _RIGHT
        return PlotView(x, y, left, top, max(width - left - right, 1.0), max(height - top - bottom, 1.0))

    def lay(self, view: PlotView) -> None:
        """Choose the ticks for `view`, and lay the grid through them."""
        self._upright = self.bottom.ticks(view.x, view.width, self._scale * _GAP_ACROSS)
        self._level = self.left.ticks(view.y, view.height, self._scale * _GAP_UPWARD)
        self.grid.set_data(*grid_lines(self._upright[1], self._level[1], view.x, view.y))

    def restyle(self, font: QFont) -> None:
        """Write in `font` from now on, with the room that it takes."""
        self._font = font
        self._scale = max(1.0, QFontMetricsF(font).height() / _USUAL)

    def paint(self, painter: QPainter, view: PlotView, height: float) -> None:
        """Paint the axes of `view` onto a widget of this height."""
        theme, area = current_theme(), view.area
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setPen(QPen(theme.color("line"), self.stroke))
        painter.drawLine(area.bottomLeft(), area.bottomRight())
        painter.drawLine(area.bottomLeft(), area.topLeft())
        painter.setPen(theme.color("muted"))
        painter.setFont(self._font)
        tall = painter.fontMetrics().height()
        spacing, ticks = self._upright
        centred = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextDontClip
        for tick in ticks:
            at = view.pixel(tick, view.y[0])
            place = QRectF(at.x() - _GAP_ACROSS / 2, at.y() + self._scale * _OFFSET, _GAP_ACROSS, tall)
            painter.drawText(place, int(centred), self.bottom.label(tick, spacing))
        spacing, ticks = self._level
        beside = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextDontClip
        for tick in ticks:
            at = view.pixel(view.x[0], tick)
            place = QRectF(0, at.y() - tall / 2, at.x() - self._scale * _OFFSET, tall)
            painter.drawText(place, int(beside), self.left.label(tick, spacing))
        self._write_titles(painter, view, height, tall)

    def _write_titles(self, painter: QPainter, view: PlotView, height: float, tall: float) -> None:
        centred = int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextDontClip)
        middle = view.area.center()
        if self.bottom.title:
            place = QRectF(view.left, height - tall - 1, view.width, tall)
            painter.drawText(place, centred, plain(self.bottom.title))
        if self.left.title:
            painter.save()
            painter.translate(QPointF(tall / 2 + 1, middle.y()))
            painter.rotate(-90.0)
            painter.drawText(QRectF(-height / 2, -tall / 2, height, tall), centred, plain(self.left.title))
            painter.restore()


def grid_lines(upright: list[float], level: list[float], wide: Range, tall: Range) -> tuple[Array, Array]:
    """Return x and y of the grid's lines, two points a line."""
    x = np.concatenate([np.repeat(upright, 2), np.tile(wide, len(level))])
    y = np.concatenate([np.tile(tall, len(upright)), np.repeat(level, 2)])
    return x, y
