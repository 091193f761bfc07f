"""The curves of a recording: coordinate and velocity over time, each on its axis, with gaps and trials marked."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.style.theme import current_theme, small_font, tabular
from hnn_engine.axis_ticks import Range, framed, nice_ticks, tick_label

PAD = 6.0
MOST_POINTS = 4_000  # of all curves together, beside two of each segment
MOST_GAPS = 300  # that are marked

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Curves:
    """What is drawn, in the units of the labels: the `segments` of time, coordinate and velocity, the ranges of these
    three, and the spans of time of the `gaps`."""

    segments: tuple[tuple[Array, Array, Array], ...]
    ranges: tuple[Range, Range, Range]
    gaps: tuple[Range, ...]
    labels: tuple[str, str, str]


def make_curves(
    t: Array,
    q: Array,
    v: Array,
    starts: npt.NDArray[np.int64],
    gaps: npt.NDArray[np.int64],
    labels: tuple[str, str, str],
) -> Curves:
    """Return the curves of rows `(N,)`, in the units of the labels, that are cut before each of the rows `starts`.

    Of long segments only the lowest and the highest of each small part are drawn.
    """
    edges = [0, *(int(row) for row in starts), len(t)]
    share = min(1.0, MOST_POINTS / len(t))
    segments = []
    for start, stop in pairwise(edges):
        rows = _thinned(q, v, start, stop, max(4, int(share * (stop - start))))
        segments.append((t[rows], q[rows], v[rows]))
    spans = tuple((float(t[row - 1]), float(t[row])) for row in gaps[:MOST_GAPS] if row > 0)
    ranges = tuple(framed((float(x.min()), float(x.max()))) for x in (t, q, v))
    return Curves(tuple(segments), (ranges[0], ranges[1], ranges[2]), spans, labels)


def _thinned(q: Array, v: Array, start: int, stop: int, most: int) -> npt.NDArray[np.int64]:
    """Return the rows of a segment that are drawn: all of them, or the lowest and the highest of each small part."""
    if stop - start <= most:
        return np.arange(start, stop)
    edges = np.linspace(start, stop, most // 4 + 1).astype(np.int64)
    rows = {start, stop - 1}
    for a, b in pairwise(edges):
        for x in (q[a:b], v[a:b]):
            rows |= {int(a + np.argmin(x)), int(a + np.argmax(x))}
    return np.array(sorted(rows), dtype=np.int64)


class RecordingCurve(QWidget):
    """Draws the coordinate above and the velocity below; or, in their place, a hint."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.curves: Curves | None = None
        self._hint = ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(280, 220)
        self.setAccessibleName("What is read")

    def sizeHint(self) -> QSize:
        return QSize(460, 320)

    def show_curves(self, curves: Curves) -> None:
        """Show `curves`."""
        self.curves, self._hint = curves, ""
        self.update()

    def show_hint(self, hint: str) -> None:
        """Show `hint` and no curve."""
        self.curves, self._hint = None, hint
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, theme = QPainter(self), current_theme()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(tabular(small_font(self.font(), 0.85)))
        if self.curves is None:
            painter.setPen(theme.color("muted"))
            painter.drawText(QRectF(self.rect()), Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self._hint)
        else:
            self._paint(painter, self.curves)
        painter.end()

    def _paint(self, painter: QPainter, curves: Curves) -> None:
        line = float(painter.fontMetrics().height())
        bottom = 2 * line + PAD
        height = (self.height() - bottom) / 2
        left = max(_ticks_width(painter, span, height) for span in curves.ranges[1:]) + 2 * PAD
        for i, role in ((1, "truth"), (2, "accent")):
            top = (i - 1) * height
            painter.setPen(current_theme().color(role))
            painter.drawText(QRectF(0, top, self.width() - PAD, line + 2), Qt.AlignmentFlag.AlignLeft, curves.labels[i])
            room = QRectF(left, top + line + PAD, self.width() - left - PAD, height - line - 2 * PAD)
            _paint_axis(painter, curves, curves.ranges[i], room)
            _paint_curve(painter, curves, i, room, role)
        self._paint_times(painter, curves, left, bottom)

    def _paint_times(self, painter: QPainter, curves: Curves, left: float, bottom: float) -> None:
        """Paint the axis of time."""
        first, last = curves.ranges[0]
        width, line = self.width() - left - PAD, float(painter.fontMetrics().height())
        painter.setPen(current_theme().color("muted"))
        spacing, ticks = nice_ticks(first, last, max(2, int(width / 70)))
        top = self.height() - bottom
        for tick in ticks:
            x = left + (tick - first) / (last - first) * width
            text = tick_label(tick, spacing)
            painter.drawText(QRectF(x - 40, top, 80, line), Qt.AlignmentFlag.AlignCenter, text)
        painter.drawText(QRectF(left, top + line, width, line + 2), Qt.AlignmentFlag.AlignCenter, curves.labels[0])


def _room_for(height: float) -> int:
    """Return how many ticks an upright axis has room for."""
    return max(3, int(height / 24))


def _ticks_width(painter: QPainter, span: Range, height: float) -> float:
    spacing, ticks = nice_ticks(*span, _room_for(height))
    return float(max((painter.fontMetrics().horizontalAdvance(tick_label(tick, spacing)) for tick in ticks), default=0))


def _paint_axis(painter: QPainter, curves: Curves, span: Range, room: QRectF) -> None:
    """Paint the bands of the gaps, and the ticks of an upright axis with their lines."""
    theme, (first, last), (low, high) = current_theme(), curves.ranges[0], span
    across = room.width() / (last - first)
    for begin, end in curves.gaps:
        band = QRectF(
            room.left() + (begin - first) * across, room.top(), max((end - begin) * across, 2.0), room.height()
        )
        painter.fillRect(band, theme.color("warning", 60))
    spacing, ticks = nice_ticks(low, high, _room_for(room.height()))
    for tick in ticks:
        y = room.bottom() - (tick - low) / (high - low) * room.height()
        painter.setPen(QPen(theme.color("line"), 1.0))
        painter.drawLine(QPointF(room.left(), y), QPointF(room.right(), y))
        painter.setPen(theme.color("muted"))
        flags = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(QRectF(0, y - 9, room.left() - PAD, 18), flags, tick_label(tick, spacing))


def _paint_curve(painter: QPainter, curves: Curves, which: int, room: QRectF, role: str) -> None:
    (first, last), (low, high) = curves.ranges[0], curves.ranges[which]
    painter.setPen(QPen(current_theme().color(role), 1.2))
    for segment in curves.segments:
        x = room.left() + (segment[0] - first) / (last - first) * room.width()
        y = room.bottom() - (segment[which] - low) / (high - low) * room.height()
        points = [QPointF(a, b) for a, b in zip(x.tolist(), y.tolist(), strict=True)]
        if len(points) == 1:
            painter.drawEllipse(points[0], 1.5, 1.5)
        painter.drawPolyline(QPolygonF(points))
