"""A slider over real or whole numbers, even or logarithmic, that goes where it is pressed."""

import math

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QSlider

_STEPS = 1000


class NumberSlider(QSlider):
    """`chosen(value, final)`: `final` is false while the button is down. Inclusive range `low` to `high`."""

    chosen = Signal(float, bool)

    def __init__(self, low: float, high: float, *, log: bool = False, whole: bool = False) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self._log, self._whole = log and low > 0, whole
        self._dragged = False
        self._reach(low, high)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.valueChanged.connect(self._on_changed)

    def _reach(self, low: float, high: float) -> None:
        self._low, self._high = low, high
        self._steps = int(high - low) if self._whole and not self._log and high - low <= _STEPS else _STEPS
        self.setRange(0, self._steps)
        self.setSingleStep(max(1, self._steps // 100))
        self.setPageStep(max(1, self._steps // 10))

    def set_reach(self, low: float, high: float, value: float) -> None:
        """Go from `low` to `high` from now on, with the handle at `value`; without a signal."""
        if (low, high) != (self._low, self._high) and high > low:
            blocked = self.blockSignals(True)
            self._reach(low, high)
            self.blockSignals(blocked)
            self.set_number(value)

    def set_number(self, value: float) -> None:
        """Move the handle to `value` without a signal."""
        blocked = self.blockSignals(True)
        self.setValue(round(self._share(value) * self._steps))
        self.blockSignals(blocked)

    def number(self) -> float:
        """Return what the handle stands at, rounded to three digits so that a drag gives round numbers."""
        share = self.value() / self._steps
        if self._log:
            value = self._low * (self._high / self._low) ** share
        else:
            value = self._low + (self._high - self._low) * share
        rounded = round(value) if self._whole else float(f"{value:.3g}")
        return min(max(rounded, self._low), self._high)

    def _share(self, value: float) -> float:
        inside = min(max(value, self._low), self._high)
        if self._log:
            return math.log(inside / self._low) / math.log(self._high / self._low)
        return (inside - self._low) / (self._high - self._low)

    def _on_changed(self) -> None:
        self.chosen.emit(self.number(), not self._dragged)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            event.ignore()
            return
        self._dragged = True
        self.setSliderDown(True)
        self.setValue(self._value_at(event.position().x()))
        event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._dragged:
            self.setValue(self._value_at(event.position().x()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if not self._dragged or event.button() != Qt.MouseButton.LeftButton:
            return
        self._dragged = False
        self.setSliderDown(False)
        self.chosen.emit(self.number(), True)

    def wheelEvent(self, event: QWheelEvent) -> None:
        # A column of sliders is scrolled more often than a slider is meant.
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()

    def _value_at(self, x: float) -> int:
        # Loaded here: its hundreds of enumerated names would take their time before the first paint.
        from PySide6.QtWidgets import QStyle, QStyleOptionSlider

        option = QStyleOptionSlider()
        self.initStyleOption(option)
        handle = self.style().pixelMetric(QStyle.PixelMetric.PM_SliderLength, option, self)
        room = max(self.width() - handle, 1)
        return QStyle.sliderValueFromPosition(0, self._steps, round(x - handle / 2), room)
