"""The form of the import dialog: what each column is, in which unit, and how many rows a second has."""

from collections.abc import Iterable, Mapping

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QLineEdit, QWidget

from app.widgets.choices import choose, mark
from app.widgets.text import PlainLabel, set_tip
from hnn_engine.errors import ParameterError, shortened
from hnn_engine.recordings import (
    ANGLE_UNITS,
    KINDS,
    LENGTH_UNITS,
    TIME_UNITS,
    VELOCITY_UNITS,
    Columns,
    Stated,
    TableInspection,
    column_names,
    parse_rate,
    stated_unit,
    units_for,
)

WIDEST = 40  # characters of a column's name
NONE = "none"
POSITIONS, INTEGRAL = "positions", "integral"
_KIND_TITLES = {"angle": "an angle", "length": "a length", "number": "plain numbers"}


class ImportForm(QWidget):
    """Shows what the columns of a table are taken as, and lets the user say otherwise: `stated`, after which what is
    `found` anew is shown by `show_found`."""

    changed = Signal()  # the user said something
    refused = Signal(str)  # what cannot be said, in a sentence

    def __init__(self, found: TableInspection, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.found = found
        self._columns: dict[str, int | None] = {}  # what the user said
        self._words: dict[str, str] = {}
        self._rate: float | None = None
        self._build()
        self.show_found(found)

    # Its parts --------------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(6)
        self._grid.setColumnStretch(1, 1)
        self.time, self.trial = self._column_box("time", (NONE,)), self._column_box("trial", (NONE,))
        self.velocity = self._column_box("velocity", (NONE,))
        self.coordinate = self._column_box("coordinate")
        self.coordinate.addItem("the angle of positions x and y", POSITIONS)
        self.coordinate.addItem("the integral of the velocity", INTEGRAL)
        self.time_unit = self._unit_box("time-unit", TIME_UNITS)
        self.kind = self._word_box("kind", KINDS, _KIND_TITLES)
        self.unit = self._unit_box("unit", ANGLE_UNITS)
        self.velocity_unit = self._unit_box("velocity-unit", VELOCITY_UNITS)
        self.bob_x, self.bob_y = self._column_box("x"), self._column_box("y")
        self.pivot_x, self.pivot_y = self._column_box("pivot-x", ("fitted",)), self._column_box("pivot-y", ("fitted",))
        self.axis = self._word_box("y-axis", ("up", "down"), {"up": "y points up", "down": "y points down"})
        self.zero = self._word_box("zero", ("start", "mean"), {"start": "0 at the start", "mean": "swings about 0"})
        self.decimal = self._word_box("decimal", ("point", "comma"), {"point": "point 1.5", "comma": "comma 1,5"})
        self.rate = QLineEdit()
        self.rate.setPlaceholderText("from the time")
        self.rate.setAccessibleName("Rows per second")
        self.rate.editingFinished.connect(self._on_rate)
        self.rate.textEdited.connect(lambda _: self._mark_rate())
        self._rows: dict[str, tuple[QWidget, ...]] = {}
        rows: tuple[tuple[str, str, tuple[QWidget, ...]], ...] = (
            ("time", "Time", (self.time, self.time_unit)),
            ("rate", "Rows per second", (self.rate,)),
            ("coordinate", "Coordinate", (self.coordinate, self.kind, self.unit)),
            ("integral", "Integral", (self.zero,)),
            ("positions", "Position x, y", (self.bob_x, self.bob_y, self.axis)),
            ("pivot", "Pivot x, y", (self.pivot_x, self.pivot_y)),
            ("velocity", "Velocity", (self.velocity, self.velocity_unit)),
            ("trial", "Trial", (self.trial,)),
            ("decimal", "Decimal mark", (self.decimal,)),
        )
        for role, title, boxes in rows:
            self._add_row(role, title, boxes)
        set_tip(self.velocity, "Without one it is the slope of the coordinate.")
        set_tip(self.zero, "A rate leaves open where its integral is 0.")
        set_tip(self.trial, "Names the trials; time may restart where it changes.")
        set_tip(self.rate, "For rows without a time, and for a column that counts frames.")

    def _add_row(self, role: str, title: str, boxes: Iterable[QWidget]) -> None:
        row = QHBoxLayout()
        label = PlainLabel(title)
        for i, box in enumerate(boxes):
            if not box.accessibleName():
                box.setAccessibleName(f"{title}: {'column' if not i else 'kind or unit'}")
            row.addWidget(box, 0 if i else 1)
        at = self._grid.rowCount()
        self._grid.addWidget(label, at, 0)
        self._grid.addLayout(row, at, 1)
        self._rows[role] = (label, *boxes)

    def _column_box(self, role: str, first: Iterable[str] = ()) -> QComboBox:
        box = QComboBox()
        for title in first:
            box.addItem(title, None)
        for index, name in enumerate(column_names(self.found.table)):
            box.addItem(shortened(name, WIDEST), index)
        box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        box.setMinimumContentsLength(8)
        box.setPlaceholderText("choose")
        box.activated.connect(lambda _: self._on_column(role, box))
        return box

    def _word_box(self, word: str, values: Iterable[str], titles: Mapping[str, str] | None = None) -> QComboBox:
        box = QComboBox()
        for value in values:
            box.addItem((titles or {}).get(value, value), value)
        box.setPlaceholderText("choose")
        box.activated.connect(lambda _: self._on_word(word, box))
        return box

    def _unit_box(self, word: str, values: Iterable[str]) -> QComboBox:
        """A box of units into which any other one that is understood can be typed."""
        box = self._word_box(word, values)
        box.setEditable(True)
        box.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        box.setMinimumContentsLength(6)
        line = box.lineEdit()
        assert line is not None
        line.setCompleter(None)  # type: ignore[arg-type]  # of m it would make mm
        line.setPlaceholderText("choose")
        line.editingFinished.connect(lambda: self._on_typed(word, box))
        set_tip(box, "Choose a unit, or type another one.")
        return box

    # What the user says -----------------------------------------------------------------------------------------------

    def _on_column(self, role: str, box: QComboBox) -> None:
        chosen = box.currentData()
        if role == "coordinate":
            self._forget("x", "y", "pivot-x", "pivot-y", "coordinate", "zero")
            if chosen == POSITIONS:
                self._columns |= self._first_positions()
            elif chosen == INTEGRAL:
                self._words["coordinate"] = INTEGRAL
                if self.velocity.currentData() is not None:
                    self._columns["velocity"] = self.velocity.currentData()
            else:
                self._columns["coordinate"] = chosen
        elif role in ("pivot-x", "pivot-y") and chosen is None:
            self._forget("pivot-x", "pivot-y")
        elif role in ("pivot-x", "pivot-y"):
            self._columns[role] = chosen
            other = "pivot-y" if role == "pivot-x" else "pivot-x"
            self._columns.setdefault(other, min(chosen + 1, self.found.table.width - 1))
        else:
            self._columns[role] = chosen
        self._tell()

    def _first_positions(self) -> dict[str, int | None]:
        """Return the columns named x and y, or the first two that are neither time nor frames."""
        axes = {head.axis: i for i, head in reversed(list(enumerate(self.found.table.headings))) if head.axis in "xy"}
        if {"x", "y"} <= set(axes):
            return {"x": axes["x"], "y": axes["y"]}
        taken = {self.time.currentData()}
        free = [i for i, kind in enumerate(self.found.table.kinds) if kind == "N" and i not in taken]
        return {"x": free[0], "y": free[1]} if len(free) > 1 else {"x": 0, "y": min(1, self.found.table.width - 1)}

    def _forget(self, *names: str) -> None:
        for name in names:
            self._columns.pop(name, None)
            self._words.pop(name, None)

    def _on_typed(self, word: str, box: QComboBox) -> None:
        """Take a unit that was typed, or say that it is none."""
        text = box.currentText().strip()
        if text == box.itemText(box.currentIndex()):
            return
        name = stated_unit(self._full(word), text) if text else None
        if name is None:
            known = units_for(self._full(word))
            self.refused.emit(f"'{shortened(text, 20)}' is no unit for this; expected one as {known}: choose one")
            mark(box, True)
            return
        choose(box, name)
        self._on_word(word, box)

    def _full(self, word: str) -> str:
        """Return which unit `word` is: that of the coordinate is one of its kind."""
        if word != "unit":
            return word
        kind = self.kind.currentData() or (self.found.columns.kind if self.found.columns else "angle")
        return f"{kind}-unit"

    def _on_word(self, word: str, box: QComboBox) -> None:
        if word == "unit":
            word = self._full(word)
            self._words["kind"] = word.removesuffix("-unit")
        elif word == "kind":
            self._forget("angle-unit", "length-unit")
            self._fill_units(box.currentData())
        self._words[word] = box.currentData()
        self._tell()

    def _on_rate(self) -> None:
        text = self.rate.text().strip()
        try:
            rate = parse_rate(text.replace(",", ".")) if text else None
        except ParameterError:
            self._mark_rate()
            return
        if rate != self._rate:
            self._rate = rate
            self._tell()

    def _mark_rate(self) -> None:
        text = self.rate.text().strip()
        asked = any(question.role == "rate" for question in self.found.open_questions)
        self.rate.setPlaceholderText("needed" if asked else "from the time")
        try:
            wrong = parse_rate(text.replace(",", ".")) is None if text else asked
        except ParameterError:
            wrong = True
        mark(self.rate, wrong)

    @property
    def stated(self) -> Stated:
        """What the user said."""
        return Stated(dict(self._columns), dict(self._words), self._rate)

    def _tell(self) -> None:
        self._show_rows()
        self.changed.emit()

    # What is shown ----------------------------------------------------------------------------------------------------

    def show_found(self, found: TableInspection) -> None:
        """Show what is taken, and mark what is open."""
        self.found = found
        self._show_boxes()
        self._show_rows()
        self._show_marks()

    def _show_boxes(self) -> None:
        """Set every box to what is taken, or to nothing where that is open."""
        columns, opened = self.found.columns, {question.role for question in self.found.open_questions}
        for box, value in (
            (self.time, columns.time if columns else self.found.roles.time),
            (self.velocity, columns.velocity if columns else self._columns.get("velocity")),
            (self.trial, columns.trial if columns else None),
            (self.bob_x, columns.coordinate if columns else None),
            (self.bob_y, columns.y if columns else None),
            (self.pivot_x, columns.pivot[0] if columns and columns.pivot else None),
            (self.pivot_y, columns.pivot[1] if columns and columns.pivot else None),
        ):
            box.setCurrentIndex(max(0, box.findData(value)) if value is not None else 0)
        self._show_coordinate(columns, "coordinate" in opened)
        known_time = columns is not None and columns.time is not None and "time" not in opened
        choose(self.time_unit, columns.time_unit if columns and known_time else None)
        known_rate = columns is not None and columns.velocity is not None and "velocity" not in opened
        choose(self.velocity_unit, columns.velocity_unit or None if columns and known_rate else None)
        choose(self.zero, "mean" if columns is not None and columns.centred else "start")
        choose(self.axis, None if columns is None else "down" if columns.downward else "up")
        choose(
            self.decimal, self._words.get("decimal") or (None if "decimal" in opened else self.decimal.currentData())
        )
        if not self.rate.hasFocus():
            self.rate.setText(f"{self._rate:g}" if self._rate else "")

    def _show_marks(self) -> None:
        """Mark what is open: of a row the boxes without a value, or all of them where each has one."""
        opened = {question.role for question in self.found.open_questions}
        for role, widgets in self._rows.items():
            for widget in widgets[1:]:
                chosen = isinstance(widget, QComboBox) and widget.currentIndex() >= 0
                others = any(
                    isinstance(box, QComboBox) and box.currentIndex() < 0 and not box.isHidden() for box in widgets[1:]
                )
                mark(widget, role in opened and role != "rate" and not (chosen and others))
        self._mark_rate()

    def _show_coordinate(self, columns: Columns | None, asked: bool) -> None:
        if columns is None:
            value: object = INTEGRAL if INTEGRAL in self._words.values() else self._columns.get("coordinate")
            self.coordinate.setCurrentIndex(self.coordinate.findData(value) if value is not None else -1)
            choose(self.kind, self._words.get("kind"))
            return
        value = POSITIONS if columns.y is not None else INTEGRAL if columns.integral else columns.coordinate
        self.coordinate.setCurrentIndex(self.coordinate.findData(value))
        self._fill_units(columns.kind)
        said = self._words.get("kind")
        choose(self.kind, said if asked and columns.kind == "number" else said or columns.kind)
        unit = columns.angle_unit if columns.kind == "angle" else columns.length_unit
        if columns.kind != "number":
            choose(self.unit, None if asked else unit)

    def _fill_units(self, kind: str) -> None:
        units = {"angle": list(ANGLE_UNITS), "length": list(LENGTH_UNITS)}.get(kind, [])
        if [self.unit.itemText(i) for i in range(self.unit.count())] != units:
            self.unit.clear()
            for name in units:
                self.unit.addItem(name, name)
            self.unit.setCurrentIndex(-1)
        self.unit.setVisible(bool(units))

    def _show_rows(self) -> None:
        """Show the rows that have a sense for what is chosen."""
        positions = self.coordinate.currentData() == POSITIONS
        own = not positions and self.coordinate.currentData() != INTEGRAL  # else its unit follows from other columns
        doubtful = bool(self.found.table.doubtful) or "decimal" in self._words
        opened = {question.role for question in self.found.open_questions}
        shown = {
            "rate": self.time.currentData() is None or "rate" in opened or self._rate is not None,
            "integral": self.coordinate.currentData() == INTEGRAL,
            "positions": positions,
            "pivot": positions,
            "decimal": doubtful,
            "velocity": not positions,
        }
        for role, wanted in shown.items():
            for widget in self._rows[role]:
                widget.setVisible(wanted)
        known = self.found.columns is not None
        self.kind.setVisible(known and own)
        self.unit.setVisible(known and own and self.unit.count() > 0)
        self.time_unit.setVisible(known and self.time.currentData() is not None and self._rate is None)
        self.velocity_unit.setVisible(not positions and self.velocity.currentData() is not None)
