"""A small curve of an angle over time, interrupted where frames are missing, with the instant that is looked at."""

from itertools import pairwise

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.style.theme import current_theme, small_font, tabular
from hnn_engine.coords import Array, Index
from hnn_engine.number_format import number

PAD = 6.0


class AngleCurve(QWidget):
    """Draws angles in degrees over when their frames were taken; or, in their place, a hint."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._frames: Array = np.empty(0)
        self._degrees: Array = np.empty(0)
        self._gaps: Index = np.empty(0, dtype=np.int64)
        self._span, self._at, self._hint = (0.0, 1.0), 0.0, ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumHeight(72)
        self.setAccessibleName("Measured angle")

    def sizeHint(self) -> QSize:
        return QSize(280, 96)

    def show_curve(self, frames: Array, degrees: Array, span: tuple[float, float], gaps: Index) -> None:
        """Show `degrees` `(N,)` at `frames` `(N,)`, in usual steps, on an axis over `span`; no line leads over `gaps`,
        to each of which frames are missing."""
        self._frames, self._degrees, self._span, self._gaps, self._hint = frames, degrees, span, gaps, ""
        self.update()

    def show_hint(self, hint: str) -> None:
        """Show `hint` and no curve."""
        self._frames, self._degrees, self._hint = np.empty(0), np.empty(0), hint
        self.update()

    def show_instant(self, frame: float) -> None:
        """Mark the frame that is looked at, by when it was taken, in usual steps."""
        self._at = frame
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, theme = QPainter(self), current_theme()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(tabular(small_font(self.font(), 0.85)))
        if not len(self._degrees):
            painter.setPen(theme.color("muted"))
            painter.drawText(QRectF(self.rect()), Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self._hint)
        else:
            self._paint_curve(painter)
        painter.end()

    def _paint_curve(self, painter: QPainter) -> None:
        theme, high = current_theme(), max(1.0, float(np.abs(self._degrees).max()))
        top, low = f"{number(round(high))}°", f"−{number(round(high))}°"
        left = painter.fontMetrics().horizontalAdvance(low) + PAD
        room = QRectF(self.rect()).adjusted(left, PAD, -2.0, -PAD)
        across, up = room.width() / max(self._span[1] - self._span[0], 1e-9), room.height() / (2 * high)
        x, y = room.left() + (self._frames - self._span[0]) * across, room.center().y() - self._degrees * up
        for text, height in ((top, room.top()), ("0°", room.center().y()), (low, room.bottom())):
            painter.setPen(QPen(theme.color("line"), 1.0))
            painter.drawLine(QPointF(room.left(), height), QPointF(room.right(), height))
            painter.setPen(theme.color("muted"))
            flags = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(QRectF(0, height - 8, left - PAD, 16), flags, text)
        at = room.left() + (self._at - self._span[0]) * across
        painter.setPen(QPen(theme.color("accent"), 1.0))
        painter.drawLine(QPointF(at, room.top()), QPointF(at, room.bottom()))
        painter.setPen(QPen(theme.color("truth"), 1.2))
        points = [QPointF(a, b) for a, b in zip(x.tolist(), y.tolist(), strict=True)]
        for begin, end in pairwise([0, *self._gaps.tolist(), len(points)]):
            painter.drawPolyline(QPolygonF(points[begin:end]))
