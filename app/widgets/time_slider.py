"""The slider over time, with what is done to the rollouts on the way marked along it."""

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSlider, QWidget

from app.style.theme import current_theme

_HEIGHT = 4.0  # pixels of the mark under the groove


class TimeSlider(QSlider):
    """A horizontal slider; `mark(begin, end)` underlines a part of it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self._mark: tuple[float, float] | None = None

    def mark(self, begin: float, end: float) -> None:
        """Underline from share `begin` to share `end` of the range; nothing where they are equal."""
        mark = (begin, end) if end > begin else None
        if mark != self._mark:
            self._mark = mark
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._mark is None:
            return
        from PySide6.QtWidgets import QStyle, QStyleOptionSlider  # later than the first paint: see NumberSlider

        option = QStyleOptionSlider()
        self.initStyleOption(option)
        handle = QStyle.SubControl.SC_SliderHandle
        half = self.style().subControlRect(QStyle.ComplexControl.CC_Slider, option, handle, self).width() / 2
        room = self.width() - 2 * half
        begin, end = (half + share * room for share in self._mark)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(current_theme().color("warning"))
        painter.drawRoundedRect(QRectF(begin, self.height() - _HEIGHT, max(end - begin, 3.0), _HEIGHT - 1), 1.5, 1.5)
        painter.end()
