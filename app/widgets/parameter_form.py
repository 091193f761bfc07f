"""A form over parameters: one compact row each, made from its description alone."""

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtWidgets import QGridLayout, QWidget

from app.style.theme import text_scale
from app.widgets.parameter_row import ROW_HEIGHT, ParameterRow
from app.widgets.text import PlainLabel, problem_label
from hnn_engine.parameters import Parameter, Value

_BOX_WIDTH = 84  # pixels, at the usual size of type
REFUSAL_MS = 10_000  # that the reason of a refusal is shown


class ParameterForm(QWidget):
    """Rows for `parameters`. `edited(name, value, final)`: `final` is false while a slider is dragged."""

    edited = Signal(str, object, bool)
    refused = Signal(str)

    def __init__(self, parameters: Sequence[Parameter], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: dict[str, ParameterRow] = {}
        self._problems: dict[str, PlainLabel] = {}
        self._forgets = QTimer(self)
        self._forgets.setSingleShot(True)
        self._forgets.timeout.connect(self._forget)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(1, 1)
        for index, parameter in enumerate(parameters):
            self._add(grid, 2 * index, parameter)

    def values(self) -> dict[str, Value]:
        """Return every parameter's value by name."""
        return {name: row.value for name, row in self._rows.items()}

    def set_values(self, values: Mapping[str, Value]) -> None:
        """Show `values` without a signal; names that the form does not have are passed over."""
        for name, value in values.items():
            if name in self._rows:
                self._rows[name].show_value(value)

    def row(self, name: str) -> ParameterRow:
        """Return the row of parameter `name`, to reach its controls."""
        return self._rows[name]

    def set_enabled(self, name: str, enabled: bool, reason: str = "") -> None:
        """Grey out parameter `name`; `reason` stands in its tooltip."""
        self._rows[name].set_enabled(enabled, reason)

    def set_choice_enabled(self, name: str, choice: str, enabled: bool, reason: str = "") -> None:
        """Grey out one choice of parameter `name`; `reason` stands in its tooltip."""
        self._rows[name].set_choice_enabled(choice, enabled, reason)

    def problem(self, name: str) -> str:
        """Return the sentence that is shown under parameter `name`, or ''."""
        return self._problems[name].text()

    def _add(self, grid: QGridLayout, line: int, parameter: Parameter) -> None:
        row = ParameterRow(parameter, self)
        self._rows[parameter.name] = row
        self._problems[parameter.name] = problem_label()
        self._place(grid, line, row)
        grid.addWidget(self._problems[parameter.name], line + 1, 0, 1, 3)
        row.edited.connect(lambda value, final, name=parameter.name: self._on_edited(name, value, final))
        row.refused.connect(lambda sentence, name=parameter.name: self._on_refused(name, sentence))
        row.eased.connect(lambda name=parameter.name: self._say(name, ""))

    def _place(self, grid: QGridLayout, line: int, row: ParameterRow) -> None:
        grid.setRowMinimumHeight(line, ROW_HEIGHT)
        grid.addWidget(row.title, line, 0)
        row.title.setBuddy(row.controls()[0])
        if row.box is None or row.slider is None:
            grid.addWidget(row.controls()[0], line, 1, 1, 2)
        else:
            grid.addWidget(row.slider, line, 1)
            grid.addWidget(row.box, line, 2)
        if row.box is not None:
            self._size_box(row)
            grid.setAlignment(row.box, Qt.AlignmentFlag.AlignRight)

    def _on_edited(self, name: str, value: object, final: bool) -> None:
        self._say(name, "")
        self.edited.emit(name, value, final)

    def _on_refused(self, name: str, sentence: str) -> None:
        self._say(name, sentence)
        self._forgets.start(REFUSAL_MS)
        self.refused.emit(sentence)

    def _forget(self) -> None:
        """Take refusals away after a while: the boxes have shown allowed values ever since."""
        for name in self._problems:
            self._say(name, "")

    def _size_box(self, row: ParameterRow) -> None:
        if row.box is not None:
            width = round(_BOX_WIDTH * text_scale(self.font()))
            row.box.setFixedWidth(width if row.slider else 2 * width)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.FontChange:
            for row in self._rows.values():
                self._size_box(row)

    def _say(self, name: str, sentence: str) -> None:
        self._problems[name].setText(sentence)
        self._problems[name].setVisible(bool(sentence))
