"""What a typed system's constants and coordinates mean: values, ranges, units, and what the system is called."""

from dataclasses import replace

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QFormLayout,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.widgets.text import heading, problem_label, quiet_label
from hnn_engine.errors import ExperimentError, HnnLabError, shortened
from hnn_engine.number_format import parse
from hnn_engine.own_systems.definition import ConstantSpec, CoordinateSpec, Definition, complete
from hnn_engine.own_systems.plain import LONGEST_TEXT
from hnn_engine.own_systems.ranges import symbol

CONSTANTS = ("Constant", "Begins at", "From", "To", "Unit", "Meaning")
COORDINATES = ("Coordinate", "From", "To", "Unit")
_HINT = "Starts are drawn from the ranges of the coordinates. Empty: ±2, ±π for an angle; ±10 for a constant."
_TEXTS = {"title": "Title", "summary": "In a line", "source": "Source"}


class SystemDetails(QDialog):
    """Edits a complete definition, whose constants stand at `values`; `definition()` is what is said once it is
    accepted."""

    def __init__(self, definition: Definition, values: dict[str, float], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Ranges, units and meanings")
        self.setModal(True)
        self._before, self._made = definition, definition
        self.texts = {name: QLineEdit(getattr(definition, name)) for name in _TEXTS}
        self.constants = _table("Constants", CONSTANTS, len(definition.constants))
        self.coordinates = _table("Coordinates", COORDINATES, len(definition.coordinates))
        for line, one in enumerate(definition.constants):
            told = _number(values.get(one.name, one.value)), _number(one.low), _number(one.high)
            _fill(self.constants, line, symbol(one.name), *told, one.unit, one.meaning)
        for line, place in enumerate(definition.coordinates):
            _fill(self.coordinates, line, symbol(place.name), _number(place.low), _number(place.high), place.unit)
        self.problem = problem_label()
        self._lay_out(definition)
        self.resize(620, 560)

    def _lay_out(self, definition: Definition) -> None:
        form = QFormLayout()
        form.setSpacing(6)
        for name, box in self.texts.items():
            box.setMaxLength(LONGEST_TEXT)
            box.setAccessibleName(_TEXTS[name])
            form.addRow(heading(_TEXTS[name]), box)
        cancel, self.accept_button = QPushButton("Cancel"), QPushButton("Apply")
        self.accept_button.setProperty("primary", True)
        self.accept_button.setDefault(True)
        cancel.clicked.connect(self.reject)
        self.accept_button.clicked.connect(self._on_apply)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(cancel)
        buttons.addWidget(self.accept_button)
        layout = QVBoxLayout(self)
        layout.setSpacing(8)
        layout.addLayout(form)
        if definition.constants:
            layout.addWidget(self.constants, len(definition.constants))
        layout.addWidget(self.coordinates, len(definition.coordinates))
        layout.addWidget(quiet_label(_HINT))
        layout.addWidget(self.problem)
        layout.addLayout(buttons)

    def definition(self) -> Definition:
        """Return the definition with what was said."""
        return self._made

    def _on_apply(self) -> None:
        try:
            self._made = complete(self._read())
        except HnnLabError as error:
            self.problem.setText(str(error))
            self.problem.show()
        else:
            self.accept()

    def _read(self) -> Definition:
        constants = tuple(self._constant(line, one) for line, one in enumerate(self._before.constants))
        places = tuple(self._coordinate(line, one) for line, one in enumerate(self._before.coordinates))
        title, summary, source = (self.texts[name].text().strip() for name in _TEXTS)
        named = replace(self._before, title=title, summary=summary, source=source)
        return replace(named, constants=constants, coordinates=places)

    def _constant(self, line: int, one: ConstantSpec) -> ConstantSpec:
        value, low, high, unit, meaning = (_cell(self.constants, line, column) for column in range(1, len(CONSTANTS)))
        said = _value(value, one.name)
        if said is None:
            raise ExperimentError(f"The constant '{one.name}' begins at nothing: type a number, as in 1.5")
        return replace(
            one, value=said, low=_value(low, one.name), high=_value(high, one.name), unit=unit, meaning=meaning
        )

    def _coordinate(self, line: int, one: CoordinateSpec) -> CoordinateSpec:
        low, high, unit = (_cell(self.coordinates, line, column) for column in range(1, len(COORDINATES)))
        return replace(one, low=_value(low, one.name), high=_value(high, one.name), unit=unit)


def _table(name: str, titles: tuple[str, ...], rows: int) -> QTableWidget:
    table = QTableWidget(rows, len(titles))
    table.setAccessibleName(name)
    table.setHorizontalHeaderLabels(titles)
    table.verticalHeader().hide()
    table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
    table.setMinimumHeight(90)
    return table


def _fill(table: QTableWidget, line: int, name: str, *cells: str) -> None:
    head = QTableWidgetItem(name)
    head.setFlags(Qt.ItemFlag.ItemIsEnabled)
    table.setItem(line, 0, head)
    for column, text in enumerate(cells, start=1):
        table.setItem(line, column, QTableWidgetItem(text))


def _cell(table: QTableWidget, line: int, column: int) -> str:
    item = table.item(line, column)
    return item.text().strip()[:LONGEST_TEXT] if item is not None else ""


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.12g}"


def _value(text: str, name: str) -> float | None:
    """Read a number, or nothing; raise `ExperimentError`."""
    if not text:
        return None
    try:
        return float(parse(text))
    except ValueError:
        raise ExperimentError(
            f"'{shortened(text)}' is no number for '{name}': type one as in 0.5, or leave it empty"
        ) from None
