"""A short stroke in a model's colour and dash: what its curves look like."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.style.theme import current_theme, text_scale, theme_signals
from hnn_engine.model_colors import model_dash


class Swatch(QWidget):
    """A stroke of `role` ('truth' or a model's name); a `solid` one has the colour alone."""

    def __init__(self, role: str, parent: QWidget | None = None, *, solid: bool = False) -> None:
        super().__init__(parent)
        self._role, self._solid = role, solid or role == "truth"
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        theme_signals.changed.connect(self._on_theme)  # a bound method: the connection ends with the widget

    def _on_theme(self) -> None:
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(30, 16) * text_scale(self.font())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        width = 2.5 * text_scale(self.font())
        pen = QPen(current_theme().color(self._role), width)
        dash = () if self._solid else model_dash(self._role)
        if dash:
            pen.setDashPattern([max(d / 2.5, 1.0) for d in dash])
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        painter.setPen(pen)
        painter.drawLine(2, self.height() // 2, self.width() - 2, self.height() // 2)
        painter.end()
