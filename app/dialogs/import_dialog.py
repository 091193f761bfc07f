"""Import measured data: see the columns, say what they are."""

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QHBoxLayout,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.widgets.text import heading, problem_label, quiet_label, set_tip
from hnn_engine.errors import shortened
from hnn_engine.recordings import ANGLE_UNITS, KINDS, LENGTH_UNITS, TIME_UNITS, Columns, FilePreview

ROWS = 12  # of the file that are shown
COLUMNS = 40  # of the file that are shown; all may be chosen
WIDEST = 40  # characters of a column's name or a cell
NONE = "none"
_KIND_TITLES = {"angle": "an angle", "length": "a length"}


class ImportDialog(QDialog):
    """Shows the first rows of a file and asks for the role of each column. `columns()` is the answer."""

    def __init__(self, found: FilePreview, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.found = found
        self.setWindowTitle("Open a recording")
        self.setModal(True)
        self.resize(620, 520)
        layout = QVBoxLayout(self)
        layout.setSpacing(10)
        name = found.path.replace("\\", "/").rsplit("/", 1)[-1]
        known = "The layout is known; no changes are needed." if found.known else "State what each column is."
        layout.addWidget(heading(f"{shortened(name)}: {found.count} rows"))
        layout.addWidget(quiet_label(known))
        if len(found.columns) > COLUMNS:
            layout.addWidget(quiet_label(f"The first {COLUMNS} of {len(found.columns)} columns are shown."))
        layout.addWidget(self._table(), 1)
        layout.addLayout(self._form())
        self.problem = problem_label()
        layout.addWidget(self.problem)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Open | QDialogButtonBox.StandardButton.Cancel)
        buttons.button(QDialogButtonBox.StandardButton.Open).setProperty("primary", True)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout.addWidget(buttons)
        self._show(found.guess)

    def _table(self) -> QTableWidget:
        rows = self.found.rows[:ROWS]
        names = self.found.columns[:COLUMNS]
        table = QTableWidget(len(rows), len(names))
        table.setHorizontalHeaderLabels([shortened(name, WIDEST) for name in names])
        table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        table.setAccessibleName("First rows of the file")
        table.verticalHeader().hide()
        table.setMinimumHeight(150)
        for i, row in enumerate(rows):
            for j, cell in enumerate(row[:COLUMNS]):
                table.setItem(i, j, QTableWidgetItem(_short(cell)))
        table.resizeColumnsToContents()
        return table

    def _form(self) -> QFormLayout:
        form = QFormLayout()
        form.setSpacing(6)
        self.time, self.trial = self._column_box(False), self._column_box(True)
        self.coordinate, self.velocity = self._column_box(False), self._column_box(True)
        self.kind, self.unit, self.time_unit = QComboBox(), QComboBox(), QComboBox()
        for kind in KINDS:
            self.kind.addItem(_KIND_TITLES[kind], kind)
        self.time_unit.addItems(list(TIME_UNITS))
        self.kind.currentIndexChanged.connect(self._on_kind)
        for label, column, *others in (
            ("Time", self.time, self.time_unit),
            ("Coordinate", self.coordinate, self.kind, self.unit),
            ("Velocity", self.velocity),
            ("Trial", self.trial),
        ):
            form.addRow(label, _in_a_row(label, column, others))
        set_tip(self.velocity, "Per unit of time, in the coordinate's unit. Without one it is estimated.")
        set_tip(self.trial, "Numbers the trials; time may restart where it changes.")
        return form

    def _column_box(self, optional: bool) -> QComboBox:
        box = QComboBox()
        if optional:
            box.addItem(NONE, None)
        for index, name in enumerate(self.found.columns):
            box.addItem(shortened(name, WIDEST), index)
        if len(self.found.columns) > COLUMNS:
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        return box

    def _show(self, columns: Columns) -> None:
        for box, value in (
            (self.time, columns.time),
            (self.trial, columns.trial),
            (self.coordinate, columns.coordinate),
            (self.velocity, columns.velocity),
        ):
            box.setCurrentIndex(max(0, box.findData(value)))
        self.kind.setCurrentIndex(self.kind.findData(columns.kind))
        self._on_kind()
        self.unit.setCurrentText(columns.angle_unit if columns.kind == "angle" else columns.length_unit)
        self.time_unit.setCurrentText(columns.time_unit)

    def _on_kind(self) -> None:
        units = list(ANGLE_UNITS if self.kind.currentData() == "angle" else LENGTH_UNITS)
        if [self.unit.itemText(i) for i in range(self.unit.count())] != units:
            self.unit.clear()
            self.unit.addItems(units)

    def columns(self) -> Columns:
        """Return what the user said."""
        chosen = replace(
            self.found.guess,
            time=self.time.currentData(),
            trial=self.trial.currentData(),
            coordinate=self.coordinate.currentData(),
            velocity=self.velocity.currentData(),
            kind=self.kind.currentData(),
            time_unit=self.time_unit.currentText(),
        )
        unit = self.unit.currentText()
        return replace(chosen, angle_unit=unit) if chosen.kind == "angle" else replace(chosen, length_unit=unit)

    def complain(self, sentence: str) -> None:
        """Say under the form why it cannot be read so."""
        self.problem.setText(sentence)
        self.problem.show()


def _in_a_row(label: str, column: QComboBox, others: Sequence[QComboBox]) -> QHBoxLayout:
    row = QHBoxLayout()
    column.setAccessibleName(f"{label}: column")
    row.addWidget(column, 1)
    for box in others:
        box.setAccessibleName(f"{label}: kind or unit")
        row.addWidget(box)
    return row


def _short(cell: str) -> str:
    """A cell as it is in the file, without superfluous digits and long words."""
    try:
        return f"{float(cell):.6g}" if len(cell) > 10 else shortened(cell, WIDEST)
    except ValueError:
        return shortened(cell, WIDEST)
