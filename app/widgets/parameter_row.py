"""One row of a form: the parameter's title, the control of its kind, and the sentence when a value is refused."""

import math

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QMouseEvent, QStandardItemModel, QWheelEvent
from PySide6.QtWidgets import QCheckBox, QComboBox, QWidget

from app.widgets.number_slider import NumberSlider
from app.widgets.text import PlainLabel, Rich, rich, set_tip
from app.widgets.value_box import ValueBox
from hnn_engine.parameters import AUTO, Parameter, Value

ROW_HEIGHT = 26
_ACTS = {"now": "Acts at once.", "data": "Acts with new data.", "fit": "Acts with the next fit."}


class TitleLabel(PlainLabel):
    """A parameter's title; a double click asks for the default."""

    reset = Signal()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.reset.emit()
        event.accept()


class QuietCombo(QComboBox):
    """A combo box that leaves the wheel to the column it stands in, unless it has the keyboard."""

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class ParameterRow(QObject):
    """The widgets of one parameter. `edited(value, final)` on every change by the user; `refused(sentence)`,
    and `eased()` where that is over."""

    edited = Signal(object, bool)
    refused = Signal(str)
    eased = Signal()

    def __init__(self, parameter: Parameter, parent: QWidget) -> None:
        super().__init__(parent)
        self.parameter = parameter
        self.value: Value = parameter.default
        self.title = TitleLabel(parameter.title)
        self.box: ValueBox | None = None
        self.slider: NumberSlider | None = None
        self.combo: QComboBox | None = None
        self.check: QCheckBox | None = None
        self._build()
        self._describe()
        self.title.reset.connect(lambda: self._take(parameter.initial, True))

    def controls(self) -> list[QWidget]:
        """Return this row's controls from left to right."""
        return [w for w in (self.slider, self.box, self.combo, self.check) if w is not None]

    def show_value(self, value: Value) -> None:
        """Show `value` without a signal."""
        self.value = value
        if self.check is not None:
            _quietly_check(self.check, bool(value))
        if self.combo is not None:
            _quietly_choose(self.combo, str(value))
        if self.box is not None:
            self.box.set_value(value)
        if self.slider is not None and not self.slider.isSliderDown():
            self.slider.set_number(float(value))

    def set_enabled(self, enabled: bool, reason: str = "") -> None:
        """Grey the row out, with the reason in its tooltip."""
        for widget in (self.title, *self.controls()):
            widget.setEnabled(enabled)
        self._describe(reason)

    def set_choice_enabled(self, choice: str, enabled: bool, reason: str = "") -> None:
        """Grey one choice out, with the reason in its tooltip."""
        if self.combo is None:
            return
        model = self.combo.model()
        if isinstance(model, QStandardItemModel):
            item = model.item(self.combo.findData(choice))
            item.setEnabled(enabled)
            set_tip(item, reason)

    def _build(self) -> None:
        parameter = self.parameter
        if isinstance(parameter.default, bool):
            self._build_check()
        elif parameter.choices:
            self._build_combo()
        else:
            self._build_number()

    def _build_check(self) -> None:
        self.check = QCheckBox()
        self.check.setChecked(bool(self.parameter.default))
        self.check.toggled.connect(lambda on: self._take(on, True))

    def _build_combo(self) -> None:
        self.combo = QuietCombo()
        titles = self.parameter.choice_titles or self.parameter.choices
        for choice, title in zip(self.parameter.choices, titles, strict=True):
            self.combo.addItem(title, choice)
        self.combo.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.combo.setCurrentIndex(self.combo.findData(self.parameter.default))
        self.combo.currentIndexChanged.connect(lambda: self._take(self._chosen(), True))

    def _chosen(self) -> Value:
        return str(self.combo.currentData()) if self.combo is not None else self.value

    def _build_number(self) -> None:
        parameter = self.parameter
        self.box = ValueBox(parameter)
        self.box.committed.connect(lambda value: self._take(value, True))
        self.box.refused.connect(self.refused)
        self.box.eased.connect(self.eased)
        if isinstance(parameter.default, str) or not (math.isfinite(parameter.low) and math.isfinite(parameter.high)):
            return
        whole = isinstance(parameter.default, int)
        self.slider = NumberSlider(parameter.low, parameter.high, log=parameter.log, whole=whole)
        self.slider.set_number(float(parameter.default))
        self.slider.chosen.connect(self._on_slid)

    def _on_slid(self, number: float, final: bool) -> None:
        self._take(self.parameter.check(number), final)

    def _take(self, value: Value, final: bool) -> None:
        if value != AUTO or not self.parameter.automatic:  # else whoever hears of it knows the number
            self.show_value(value)
        self.edited.emit(value, final)

    def _describe(self, reason: str = "") -> None:
        tip = tooltip(self.parameter, reason)
        set_tip(self.title, tip)
        for widget in self.controls():
            set_tip(widget, tip)
            widget.setAccessibleName(self.parameter.title)
            widget.setAccessibleDescription(self.parameter.help)
        if self.box is not None and self.slider is not None:
            self.box.setAccessibleName(f"{self.parameter.title}, value")


def tooltip(parameter: Parameter, reason: str = "") -> Rich:
    """Return the symbol's meaning and unit, one line of physics, and when a change takes effect."""
    unit = f" ({parameter.unit})" if parameter.unit else ""
    head = f"{parameter.symbol}: {parameter.title.lower()}{unit}" if parameter.symbol else f"{parameter.title}{unit}"
    lines = [line for line in (parameter.help, reason or _ACTS[parameter.acts]) if line]
    return rich("<b>{}</b>" + "<br>{}" * len(lines), head, *lines)


def _quietly_check(box: QCheckBox, on: bool) -> None:
    blocked = box.blockSignals(True)
    box.setChecked(on)
    box.blockSignals(blocked)


def _quietly_choose(combo: QComboBox, choice: str) -> None:
    blocked = combo.blockSignals(True)
    combo.setCurrentIndex(combo.findData(choice))
    combo.blockSignals(blocked)
