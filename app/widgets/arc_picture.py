"""Where a bob was seen about its pivot, and the circle that it moves on: what an angle of positions is taken from."""

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.style.theme import current_theme, small_font, tabular
from hnn_engine.coords import Array
from hnn_engine.number_format import number
from hnn_engine.recordings.positions import Arc

PAD = 10.0
MOST_POINTS = 1_500
MARK = 4.0  # radius of the pivot


class ArcPicture(QWidget):
    """Draws an arc as it hangs, up on the screen being up; hidden where there is none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.arc: Arc | None = None
        self._x, self._y = np.empty(0), np.empty(0)  # right and up from the pivot
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumHeight(130)
        self.setAccessibleName("Positions about the pivot")
        self.hide()

    def sizeHint(self) -> QSize:
        return QSize(460, 190)

    def show_arc(self, arc: Arc | None) -> None:
        """Show the positions of `arc`; nothing where it is None."""
        self.arc = arc
        if arc is not None:
            rows = np.flatnonzero(np.isfinite(arc.x) & np.isfinite(arc.y))
            rows = rows[:: max(1, len(rows) // MOST_POINTS)]
            self._x, self._y = arc.x[rows], arc.y[rows] * (-1 if arc.downward else 1)
        self.setVisible(arc is not None)
        self.update()

    def room(self) -> QRectF:
        """Return where the positions are drawn: below the words."""
        return QRectF(self.rect()).adjusted(PAD, self.fontMetrics().height() + PAD, -PAD, -PAD)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(tabular(small_font(self.font(), 0.85)))
        if self.arc is not None and len(self._x):
            self._paint(painter, self.arc)
        painter.end()

    def _paint(self, painter: QPainter, arc: Arc) -> None:
        theme, line = current_theme(), float(painter.fontMetrics().height())
        pivot = "a fitted pivot" if arc.fitted else "the pivot"
        said = f"Positions about {pivot}, radius {number(arc.radius)}"
        painter.setPen(theme.color("muted"))
        painter.drawText(QRectF(0, 0, self.width(), line + 2), Qt.AlignmentFlag.AlignLeft, said)
        scale, origin = self._placed(self.room())
        down = QPointF(0, arc.radius * scale)
        painter.setPen(QPen(theme.color("line"), 1.0))
        painter.drawLine(origin, origin + down)
        painter.setPen(QPen(theme.color("muted"), 1.0, Qt.PenStyle.DashLine))
        painter.setClipRect(self.room().adjusted(-PAD, -MARK, PAD, PAD))  # the circle is above the words too
        painter.drawEllipse(origin, down.y(), down.y())
        painter.setClipping(False)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color("truth"))
        for x, y in zip((scale * self._x).tolist(), (-scale * self._y).tolist(), strict=True):
            painter.drawEllipse(origin + QPointF(x, y), 1.5, 1.5)
        painter.setBrush(theme.color("accent"))
        painter.drawEllipse(origin, MARK, MARK)
        painter.setPen(theme.color("muted"))
        painter.drawText(origin + QPointF(2 * MARK, MARK), "pivot")

    def _placed(self, room: QRectF) -> tuple[float, QPointF]:
        """Return pixels to a unit and where the pivot is, so that all positions and the pivot are within `room`."""
        (left, right), (low, high) = (_span(values) for values in (self._x, self._y))
        across, up = max(right - left, 1e-300), max(high - low, 1e-300)
        scale = min(room.width() / across, room.height() / up)
        middle = QPointF((left + right) / 2, -(low + high) / 2)
        return scale, room.center() - middle * scale


def _span(values: Array) -> tuple[float, float]:
    """Return the range of `values` and 0."""
    return min(0.0, float(values.min())), max(0.0, float(values.max()))
