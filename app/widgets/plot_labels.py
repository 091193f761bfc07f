"""Words in a plot that say what is what: names at the ends of curves, names beside heads, and a readout at the
pointer."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, QRectF, QSizeF
from PySide6.QtGui import QFont, QFontMetricsF, QPainter, QPixmap

from app.style.theme import current_theme, small_font
from app.widgets.name_tag import GAP, PAD, draw_name, empty_pixmap, mark_room, name_size
from app.widgets.paint_target import device_ratio
from app.widgets.plot_items import Item
from app.widgets.plot_view import PlotView
from app.widgets.swatch import draw_stroke
from app.widgets.text import plain

Array = npt.NDArray[np.float64]
_BESIDE = 9.0  # from a head to its name
_FROM_POINTER = 14.0
_WIDEST = 0.5  # of the plot, that a name at the end of a curve takes at most
_NOWHERE = QRectF()


class Name(NamedTuple):
    """A name for what ends at (x, y), in the plot's data; `role` is that of its colour and dash."""

    role: str
    text: str
    x: float
    y: float


class EndNames(Item):
    """The names of curves at their right ends, as many as find room: none lies over another one."""

    def __init__(self, font: QFont, size: float, z: float = 35.0) -> None:
        super().__init__(z)
        self.font, self.size = small_font(font, size), size  # that of the plot's type
        self._names: tuple[Name, ...] = ()
        self._ahead = False  # to the right of the ends, where nothing is drawn yet
        self.placed: dict[str, QRectF] = {}  # by role: where a name is, in pixels

    def show(self, names: Sequence[Name], ahead: bool = False) -> None:
        """Write `names`, the first first where there is no room for all; `ahead`: right of the
        ends if they can."""
        shown = tuple(name for name in names if np.isfinite(name.x) and np.isfinite(name.y))
        if (shown, ahead) != (self._names, self._ahead):
            self._names, self._ahead = shown, ahead
            self.changed()

    def lay(self, view: PlotView) -> QRectF:
        self.placed = {}
        taken: list[QRectF] = []
        for name in self._names:
            size = name_size(name.text, self.font)
            place = _free_place(view, name, size, taken, self._ahead) if size.width() <= _WIDEST * view.width else None
            if place is not None:
                taken.append(place)
                self.placed[name.role] = place
        union = QRectF()
        for place in taken:
            union = union.united(place)
        return union

    def paint(self, painter: QPainter) -> None:
        for name in self._names:
            place = self.placed.get(name.role)
            if place is not None:
                draw_name(painter, place.topLeft(), name.role, name.text, self.font)


def _free_place(view: PlotView, name: Name, size: QSizeF, taken: Sequence[QRectF], ahead: bool) -> QRectF | None:
    """Return where a name finds room near the end of its curve: over it, under it, or a line further, or `ahead` of it;
    None: nowhere."""
    end, area = view.pixel(name.x, name.y), view.area
    middle, over, under = end.y() - size.height() / 2, end.y() - size.height() - 1.0, end.y() + 1.0
    right = min(end.x(), area.right())
    tops: tuple[float, ...] = (over, under, over - size.height(), under + size.height())
    if ahead and end.x() + _BESIDE + size.width() <= area.right():
        right = end.x() + _BESIDE + size.width()
        tops = (middle, *(middle + k * size.height() for k in (-1, 1, -2)))
    if right - size.width() < area.left():
        return None
    for top in tops:
        top = min(max(top, area.top()), area.bottom() - size.height())
        place = QRectF(QPointF(right - size.width(), top), size)
        near = abs(place.center().y() - end.y()) <= 2.6 * size.height()
        if near and not any(place.intersects(other) for other in taken):
            return place
    return None


class Tag(Item):
    """A name beside a point that moves."""

    def __init__(self, role: str, font: QFont, size: float, z: float = 45.0) -> None:
        super().__init__(z)
        self.font, self.size = small_font(font, size), size
        self.role, self._text = role, ""
        self._at: QPointF | None = None

    def place(self, text: str, x: float, y: float) -> None:
        """Write `text` beside (x, y)."""
        at = QPointF(x, y)
        if (text, at) != (self._text, self._at):
            self._text, self._at = text, at
            self.changed()

    def hide(self) -> None:
        """Write nothing."""
        if self._at is not None:
            self._at = None
            self.changed()

    def lay(self, view: PlotView) -> QRectF:
        if self._at is None or not self._text:
            return _NOWHERE
        at, size, area = view.pixel(self._at.x(), self._at.y()), name_size(self._text, self.font), view.area
        if not area.contains(at):
            return _NOWHERE
        left = at.x() + _BESIDE
        if left + size.width() > area.right():
            left = at.x() - _BESIDE - size.width()
        return QRectF(QPointF(left, at.y() - size.height() / 2), size)

    def paint(self, painter: QPainter) -> None:
        draw_name(painter, self.area.topLeft(), self.role, self._text, self.font)


class Readout(Item):
    """Lines about what is under the pointer, beside it; each may begin with the stroke of a role."""

    def __init__(self, font: QFont, size: float) -> None:
        super().__init__(100.0)
        self.font, self.size = small_font(font, size), size
        self.lines: tuple[tuple[str, str], ...] = ()
        self._pointer = QPointF()
        self._picture: QPixmap | None = None
        self._painted_as: object = None

    def say(self, lines: Sequence[tuple[str, str]], pointer: QPointF) -> None:
        """Say `lines`, each a role or '' and words, beside the pixel `pointer`; nothing where there are none."""
        now = tuple(lines)
        if now or self.lines:
            self.lines, self._pointer = now, pointer
            self.changed()

    @property
    def _size(self) -> QSizeF:
        metrics, mark = QFontMetricsF(self.font), mark_room(self.font)
        wide = max(metrics.horizontalAdvance(plain(text)) + mark * bool(role) for role, text in self.lines)
        return QSizeF(wide + 4 * PAD, len(self.lines) * metrics.height() + 2 * PAD)

    def lay(self, view: PlotView) -> QRectF:
        if not self.lines:
            return _NOWHERE
        size, area, at = self._size, view.area, self._pointer
        left, top = at.x() + _FROM_POINTER, at.y() + _FROM_POINTER
        left = left if left + size.width() <= area.right() else at.x() - _FROM_POINTER - size.width()
        top = top if top + size.height() <= area.bottom() else at.y() - _FROM_POINTER - size.height()
        left = min(max(left, area.left()), max(area.right() - size.width(), area.left()))
        top = min(max(top, area.top()), max(area.bottom() - size.height(), area.top()))
        return QRectF(QPointF(left, top), size)

    def paint(self, painter: QPainter) -> None:
        ratio = device_ratio(painter)
        painted_as = (self.lines, current_theme().name, self.font.toString(), ratio)
        if self._picture is None or self._painted_as != painted_as:
            self._picture, self._painted_as = self._paint_picture(ratio), painted_as
        painter.drawPixmap(self.area.topLeft(), self._picture)

    def _paint_picture(self, ratio: float) -> QPixmap:
        size, theme = self._size, current_theme()
        picture = empty_pixmap(size, ratio)
        painter = QPainter(picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(theme.color("line"))
        painter.setBrush(theme.color("panel", 235))
        painter.drawRoundedRect(QRectF(QPointF(0.5, 0.5), size - QSizeF(1.0, 1.0)), 4.0, 4.0)
        painter.setFont(self.font)
        metrics = QFontMetricsF(self.font)
        for i, (role, text) in enumerate(self.lines):
            left, top = 2 * PAD, PAD + i * metrics.height()
            if role:
                room = mark_room(self.font)
                draw_stroke(painter, role, QPointF(left, top + metrics.height() / 2), room - GAP)
                left += room
            painter.setPen(theme.color("ink"))
            painter.drawText(QPointF(left, top + metrics.ascent()), plain(text))
        painter.end()
        return picture


def value_at(x: Array, y: Array, at: float) -> float:
    """Return the `y` `(n,)` whose rising `x` `(n,)` is nearest to `at`; NaN beyond both ends."""
    if not len(x) or not x[0] <= at <= x[-1]:
        return float("nan")
    right = min(max(int(np.searchsorted(x, at)), 1), max(len(x) - 1, 0))
    left = max(right - 1, 0)
    return float(y[left] if at - x[left] <= x[right] - at else y[right])
