"""A short stroke in the colour and dash of truth, a model or a run: what its curves look like."""

from PySide6.QtCore import QPointF, QSize, Qt
from PySide6.QtGui import QIcon, QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.style.theme import current_theme, text_scale, theme_signals
from hnn_engine.model_colors import DashPattern, role_dash

WIDTH = 2.5  # pixels of the stroke
_HOT = 4.5  # where it is pointed at
_ROOM = 26.0  # pixels: a swatch of the usual length
SWATCH_SIZE = QSize(30, 16)


def stroke_dash(role: str, room: float = _ROOM, width: float = WIDTH) -> DashPattern:
    """Return the dash pattern of a stroke of `room` pixels in `role`, in its widths: that of the curves, which are a
    pixel wide, finer where a period would not fit in."""
    dash = role_dash(role)
    if not dash:
        return ()
    finer = min(1.0, room / sum(dash))
    return tuple(max(length * finer / width, 0.5) for length in dash)


def draw_stroke(painter: QPainter, role: str, left: QPointF, length: float, width: float = WIDTH) -> None:
    """Draw a level stroke of `length` pixels in the colour and dash of `role`."""
    pen = QPen(current_theme().color(role), width)
    dash = stroke_dash(role, length, width)
    if dash:
        pen.setDashPattern(dash)
    pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(pen)
    painter.drawLine(left, left + QPointF(length, 0.0))


def swatch_pixmap(role: str, ratio: float = 2.0, size: QSize = SWATCH_SIZE) -> QPixmap:
    """Return a picture of the stroke of `role` in the current theme, for tables and boxes, sharp on a screen of `ratio`
    pixels to one."""
    pixmap = QPixmap(round(size.width() * ratio), round(size.height() * ratio))
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    draw_stroke(painter, role, QPointF(1.0, size.height() / 2), size.width() - 2.0)
    painter.end()
    return pixmap


def swatch_icon(role: str) -> QIcon:
    """Return the stroke of `role` as an icon."""
    return QIcon(swatch_pixmap(role))


class Swatch(QWidget):
    """A stroke of `role`: 'truth', a model's name or a run's role; `hot`: it is pointed at."""

    def __init__(self, role: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.role, self._hot = role, False
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        theme_signals.changed.connect(self._on_theme)  # a bound method: the connection ends with the widget

    def set_hot(self, hot: bool) -> None:
        """Draw it thicker, or as usual."""
        if hot != self._hot:
            self._hot = hot
            self.update()

    def _on_theme(self) -> None:
        self.update()

    def sizeHint(self) -> QSize:
        return SWATCH_SIZE * text_scale(self.font())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        width = (_HOT if self._hot else WIDTH) * text_scale(self.font())
        draw_stroke(painter, self.role, QPointF(2.0, self.height() / 2), self.width() - 4.0, width)
        painter.end()
