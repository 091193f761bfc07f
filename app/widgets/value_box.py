"""A box for one parameter's number with its unit; it takes what the parameter allows and says what it does not."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QLineEdit, QWidget

from app.widgets.choices import mark
from hnn_engine.errors import ParameterError
from hnn_engine.number_format import NO_BREAK, number, parse
from hnn_engine.parameters import AUTO, Parameter, Value


class ValueBox(QLineEdit):
    """Shows three digits and the unit, and all digits while it is edited. `committed(value)`; `refused(sentence)`;
    `eased()` where what was refused is of no more interest."""

    committed = Signal(object)
    refused = Signal(str)
    eased = Signal()

    def __init__(self, parameter: Parameter, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._parameter = parameter
        self._value: Value = parameter.default
        self.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.editingFinished.connect(self._on_finished)
        self.textEdited.connect(self._ease)
        self._show()

    def value(self) -> Value:
        """Return the last value that was allowed."""
        return self._value

    def set_value(self, value: Value) -> None:
        """Show `value` without a signal; a text that is being edited stays."""
        self._value = value
        if not (self.hasFocus() and self.isModified()):
            self._ease()
            self._show()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self._ease()
        self._show()
        self.selectAll()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._show()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.isModified():
            self._ease()
            self._show()
            return
        super().keyPressEvent(event)

    def _on_finished(self) -> None:
        if not self.isModified():
            return
        try:
            value = self._parameter.check(self._without_unit())
        except ParameterError as error:
            self._refuse(str(error))
            return
        if value != AUTO or not self._parameter.automatic:  # else it goes on showing a number
            self._value = value
        self._show()
        self.committed.emit(value)

    def _refuse(self, sentence: str) -> None:
        self._show()
        mark(self, True)
        self.refused.emit(sentence)

    def _without_unit(self) -> str:
        text = self.text().replace(NO_BREAK, " ").strip()
        if self._parameter.low_title and text.casefold() == self._parameter.low_title.casefold():
            return f"{self._parameter.low:.12g}"
        if self._parameter.unit:
            text = text.removesuffix(self._parameter.unit).strip()
        return text if isinstance(self._parameter.default, str) else parse(text)

    def _show(self) -> None:
        self.setText(self._full() if self.hasFocus() else self._short())
        self.setModified(False)
        self.setCursorPosition(0)

    def _full(self) -> str:
        return f"{self._value:.12g}" if isinstance(self._value, float) else str(self._value)

    def _short(self) -> str:
        if isinstance(self._value, str):
            return self._value
        if self._parameter.low_title and self._value == self._parameter.low:
            return self._parameter.low_title
        return number(self._value, self._parameter.unit)

    def _ease(self) -> None:
        if self.property("problem"):
            mark(self, False)
            self.eased.emit()
