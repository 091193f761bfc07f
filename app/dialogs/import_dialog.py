"""Import measured data: see the columns and the curve that would be read, and settle what the file leaves open."""

from collections.abc import Iterable, Mapping

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QScrollArea,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.dialogs.import_answer import Request, counted, curves_of
from app.widgets.choices import choose, mark
from app.widgets.recording_curve import Curves, RecordingCurve
from app.widgets.text import PlainLabel, heading, problem_label, quiet_label, set_tip
from app.workers.latest_only import LatestAnswer
from hnn_engine.errors import ParameterError, RecordingError, shortened
from hnn_engine.recordings import (
    ANGLE_UNITS,
    KINDS,
    LENGTH_UNITS,
    TIME_UNITS,
    VELOCITY_UNITS,
    Columns,
    Recording,
    Stated,
    TableInspection,
    column_names,
    parse_rate,
)

ROWS = 12  # of the file that are shown
COLUMNS = 40  # of the file that are shown; all may be chosen
MOST_SAID = 230  # pixels of the questions and notes, which are scrolled then
WIDEST = 40  # characters of a column's name or a cell
NONE = "none"
POSITIONS, INTEGRAL = "positions", "integral"
_KIND_TITLES = {"angle": "an angle", "length": "a length", "number": "plain numbers"}


class ImportDialog(QDialog):
    """Shows a file and what would be read of it, and asks what it leaves open.

    `recording()` is the answer, once `ready`.

    `close_threads` ends what works behind it, and waits.
    """

    def __init__(self, found: TableInspection, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.found = found
        self._columns: dict[str, int | None] = {}  # what the user said
        self._words: dict[str, str] = {}
        self._rate: float | None = None
        self._newest: Request | None = None
        self._reader = LatestAnswer(lambda request, tell: request.answer(tell), self, gives_way=False)
        self._reader.answered.connect(self._on_answer)
        self.setWindowTitle("Open a recording")
        self.setModal(True)
        self._build()
        self._show(found, curves_of(found))

    def close_threads(self) -> None:
        """End the thread; this may take a moment."""
        self._reader.close()

    # Its parts --------------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        name = self.found.table.path.replace("\\", "/").rsplit("/", 1)[-1]
        self._title, self._known, self._name = heading(), quiet_label(), shortened(name)
        self.problem = problem_label()
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Open | QDialogButtonBox.StandardButton.Cancel)
        self.open_button = self.buttons.button(QDialogButtonBox.StandardButton.Open)
        self.open_button.setProperty("primary", True)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        left, right = QVBoxLayout(), QVBoxLayout()
        left.addWidget(self._table(), 1)
        left.addLayout(self._form())
        self.curve = RecordingCurve()
        right.addWidget(self.curve, 1)
        right.addWidget(self._said())
        sides = QHBoxLayout()
        sides.setSpacing(16)
        for side in (left, right):
            sides.addLayout(side, 1)
        layout = QVBoxLayout(self)
        layout.setSpacing(10)
        layout.addWidget(self._title)
        layout.addWidget(self._known)
        if self.found.table.width > COLUMNS:
            layout.addWidget(quiet_label(f"The first {COLUMNS} of {self.found.table.width} columns are shown."))
        layout.addLayout(sides, 1)
        layout.addWidget(self.problem)
        layout.addWidget(self.buttons)
        room = self.screen().availableSize()
        self.resize(min(max(1040, 6 * room.width() // 10), room.width() - 60), min(720, room.height() - 70))

    def _table(self) -> QTableWidget:
        rows = self.found.table.head[:ROWS]
        names = column_names(self.found.table)[:COLUMNS]
        table = QTableWidget(len(rows), len(names))
        self._names = [shortened(name, WIDEST) for name in names]
        table.setHorizontalHeaderLabels(self._names)
        table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        table.setAccessibleName("First rows of the file")
        table.verticalHeader().hide()
        table.setMinimumSize(300, 130)
        for i, row in enumerate(rows):
            for j, cell in enumerate(row[:COLUMNS]):
                table.setItem(i, j, QTableWidgetItem(_short(cell)))
        table.resizeColumnsToContents()
        self.table = table
        return table

    def _said(self) -> QScrollArea:
        """The place of questions and notes."""
        self._questions = QVBoxLayout()
        self._questions.setContentsMargins(0, 0, 6, 0)
        self._questions.setSpacing(4)
        self._questions.setAlignment(Qt.AlignmentFlag.AlignTop)
        inner = QWidget()
        inner.setLayout(self._questions)
        area = QScrollArea()
        area.setWidget(inner)
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setAccessibleName("Questions and notes")
        self._area = area
        return area

    def _form(self) -> QGridLayout:
        self._grid = QGridLayout()
        self._grid.setSpacing(6)
        self._grid.setColumnStretch(1, 1)
        self.time, self.trial = self._column_box("time", (NONE,)), self._column_box("trial", (NONE,))
        self.velocity = self._column_box("velocity", (NONE,))
        self.coordinate = self._column_box("coordinate")
        self.coordinate.addItem("the angle of positions x and y", POSITIONS)
        self.coordinate.addItem("the integral of the velocity", INTEGRAL)
        self.time_unit = self._word_box("time-unit", TIME_UNITS)
        self.kind = self._word_box("kind", KINDS, _KIND_TITLES)
        self.unit = self._word_box("unit", ANGLE_UNITS)
        self.velocity_unit = self._word_box("velocity-unit", VELOCITY_UNITS)
        self.bob_x, self.bob_y = self._column_box("x"), self._column_box("y")
        self.pivot_x, self.pivot_y = self._column_box("pivot-x", ("fitted",)), self._column_box("pivot-y", ("fitted",))
        self.axis = self._word_box("y-axis", ("up", "down"), {"up": "y points up", "down": "y points down"})
        self.decimal = self._word_box("decimal", ("point", "comma"), {"point": "point 1.5", "comma": "comma 1,5"})
        self.rate = QLineEdit()
        self.rate.setPlaceholderText("from the time")
        self.rate.setAccessibleName("Rows per second")
        self.rate.editingFinished.connect(self._on_rate)
        self.rate.textEdited.connect(lambda _: self._mark_rate())
        self._rows: dict[str, tuple[QWidget, ...]] = {}
        rows: tuple[tuple[str, str, tuple[QWidget, ...]], ...] = (
            (
                "time",
                "Time",
                (
                    self.time,
                    self.time_unit,
                ),
            ),
            ("rate", "Rows per second", (self.rate,)),
            (
                "coordinate",
                "Coordinate",
                (
                    self.coordinate,
                    self.kind,
                    self.unit,
                ),
            ),
            (
                "positions",
                "Position x, y",
                (
                    self.bob_x,
                    self.bob_y,
                    self.axis,
                ),
            ),
            (
                "pivot",
                "Pivot x, y",
                (
                    self.pivot_x,
                    self.pivot_y,
                ),
            ),
            (
                "velocity",
                "Velocity",
                (
                    self.velocity,
                    self.velocity_unit,
                ),
            ),
            ("trial", "Trial", (self.trial,)),
            ("decimal", "Decimal mark", (self.decimal,)),
        )
        for role, title, boxes in rows:
            self._add_row(role, title, boxes)
        set_tip(self.velocity, "Without one it is the slope of the coordinate.")
        set_tip(self.trial, "Names the trials; time may restart where it changes.")
        set_tip(self.rate, "For rows without a time, and for a column that counts frames.")
        return self._grid

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

    # What the user says -----------------------------------------------------------------------------------------------

    def _on_column(self, role: str, box: QComboBox) -> None:
        chosen = box.currentData()
        if role == "coordinate":
            self._forget("x", "y", "pivot-x", "pivot-y", "coordinate")
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
        self._ask()

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

    def _on_word(self, word: str, box: QComboBox) -> None:
        if word == "unit":
            kind = self.kind.currentData() or (self.found.columns.kind if self.found.columns else "angle")
            self._words["kind"] = kind
            word = f"{kind}-unit"
        elif word == "kind":
            self._forget("angle-unit", "length-unit")
            self._fill_units(box.currentData())
        self._words[word] = box.currentData()
        self._ask()

    def _on_rate(self) -> None:
        text = self.rate.text().strip()
        try:
            rate = parse_rate(text.replace(",", ".")) if text else None
        except ParameterError:
            self._mark_rate()
            return
        if rate != self._rate:
            self._rate = rate
            self._ask()

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

    def _ask(self) -> None:
        """Read anew, after what the user says now."""
        reopened = self._words.get("decimal", "") != (
            self._newest.stated.words.get("decimal", "") if self._newest else ""
        )
        self._newest = Request(self.found, self.stated, reopened)
        self._reader.ask(self._newest)
        self.open_button.setEnabled(False)
        self._show_rows()

    def _on_answer(self, request: Request, answer: tuple[TableInspection, Curves | None] | None, problem: str) -> None:
        if request is not self._newest:
            return
        if answer is None:
            self.complain(problem)
            self.curve.show_hint("Nothing can be read so.")
            return
        self._show(*answer)

    # What is shown ----------------------------------------------------------------------------------------------------

    @property
    def ready(self) -> bool:
        """Whether there is a recording to open."""
        return self.found.reading is not None and not self.found.questions and not self._reader.busy

    def recording(self) -> Recording:
        """Return the recording; raise `RecordingError`."""
        if self._reader.busy:
            raise RecordingError("The file is still being read: please wait")
        return self.found.recording()

    def accept(self) -> None:
        """Close where there is a recording to open."""
        if self.ready:
            super().accept()

    def complain(self, sentence: str) -> None:
        """Say under the form why it cannot be read so; an empty sentence takes that back."""
        self.problem.setText(sentence)
        self.problem.setVisible(bool(sentence))

    def _show(self, found: TableInspection, curves: Curves | None) -> None:
        """Show what was found, and what of it is open."""
        self.found = found
        rows = f": {len(found.reading.t)} rows" if found.reading is not None else ""
        self._title.setText(f"{self._name}{rows}")
        known = "The layout is known; no changes are needed" if found.roles.known else found.table.format
        self._known.setText(f"{known[:1].upper()}{known[1:]}{counted(found)}.")
        decimal = any(question.role == "decimal" for question in found.open_questions)
        self.complain("" if decimal else found.problem)
        if curves is not None:
            self.curve.show_curves(curves)
        else:
            self.curve.show_hint(
                "Answer what is open to see the curve." if found.questions else "Nothing can be read so."
            )
        self._show_boxes()
        self._show_said()
        self._show_rows()
        self._show_marks()
        self.open_button.setEnabled(self.ready)
        set_tip(self.open_button, "" if self.ready else "Answer the open questions first.")

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
        doubtful = bool(self.found.table.doubtful) or "decimal" in self._words
        opened = {question.role for question in self.found.open_questions}
        shown = {
            "rate": self.time.currentData() is None or "rate" in opened or self._rate is not None,
            "positions": positions,
            "pivot": positions,
            "decimal": doubtful,
            "velocity": not positions,
        }
        for role, wanted in shown.items():
            for widget in self._rows[role]:
                widget.setVisible(wanted)
        known = self.found.columns is not None
        self.kind.setVisible(known and not positions)
        self.unit.setVisible(known and not positions and self.unit.count() > 0)
        self.time_unit.setVisible(known and self.time.currentData() is not None and self._rate is None)
        self.velocity_unit.setVisible(not positions and self.velocity.currentData() is not None)
        roles = self.found.role_of()
        labels = [f"{name}\n{roles.get(i, 'not used')}" for i, name in enumerate(self._names)]
        self.table.setHorizontalHeaderLabels(labels)
        self.table.resizeColumnsToContents()

    def _show_said(self) -> None:
        """Write the questions and the notes."""
        while (item := self._questions.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.deleteLater()
        for question in self.found.open_questions:
            label = problem_label()
            label.setText(f"{question.text[:1].upper()}{question.text[1:]}.")
            label.show()
            self._questions.addWidget(label)
        for note in self.found.notes:
            self._questions.addWidget(quiet_label(f"{note[:1].upper()}{note[1:]}."))
        wide = max(200, self._area.viewport().width() - 8)
        items = [self._questions.itemAt(i) for i in range(self._questions.count())]
        labels = [item.widget() for item in items if item is not None]
        high = sum(label.heightForWidth(wide) + 4 for label in labels if label is not None)
        self._area.setFixedHeight(min(high + 4, MOST_SAID) if labels else 0)


def _short(cell: str) -> str:
    """A cell as it is in the file, without superfluous digits and long words."""
    try:
        return f"{float(cell):.6g}" if len(cell) > 10 else shortened(cell, WIDEST)
    except ValueError:
        return shortened(cell, WIDEST)
