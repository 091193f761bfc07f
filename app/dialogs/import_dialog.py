"""Import measured data: see the columns and the curve that would be read, and settle what the file leaves open."""

import time
from dataclasses import replace

from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.dialogs.import_answer import Request, counted, curves_of
from app.dialogs.import_form import WIDEST, ImportForm
from app.dialogs.importing import ImportingDialog
from app.widgets.arc_picture import ArcPicture
from app.widgets.choices import choose, mark
from app.widgets.recording_curve import Curves, RecordingCurve
from app.widgets.sentence_list import SentenceList
from app.widgets.text import PlainLabel, heading, problem_label, quiet_label, set_tip
from app.workers.latest_only import LatestAnswer
from hnn_engine.errors import RecordingError, shortened
from hnn_engine.recordings import Recording, Stated, TableInspection, column_names

ROWS = 12  # of the file that are shown
COLUMNS = 40  # of the file that are shown; all may be chosen
LATE = 0.4  # s of reading from which on its progress takes the curve's place


class ImportDialog(ImportingDialog):
    """Shows a file and what would be read of it, and asks what it leaves open."""

    def __init__(self, found: TableInspection, parent: QWidget | None = None) -> None:
        reader = LatestAnswer(lambda request, tell: request.answer(tell), gives_way=False)
        super().__init__("Open a recording", parent, reader)
        self._reader, self.found = reader, found
        self._chosen = found.table.chosen  # which table of the file is asked for
        self._newest: Request | None = None
        self._asked_at, self._failed = 0.0, False
        self._reader.answered.connect(self._on_answer)
        self._build()
        self._show(found, curves_of(found))

    # Its parts --------------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        name = self.found.table.path.replace("\\", "/").rsplit("/", 1)[-1]
        self._title, self._known, self._name = heading(), quiet_label(), shortened(name)
        self._few = quiet_label()
        self._left, right = QVBoxLayout(), QVBoxLayout()
        self.table = QTableWidget()
        self.table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.table.setAccessibleName("First rows of the file")
        self.table.verticalHeader().hide()
        self.table.setMinimumSize(300, 130)
        self.form = self._new_form()
        self._left.addLayout(self._choice())
        self._left.addWidget(self.table, 1)
        self._left.addWidget(self.form)
        self.arc, self.curve = ArcPicture(), RecordingCurve()
        right.addWidget(self.arc, 2)
        right.addWidget(self.curve, 3)
        self._said = SentenceList()
        right.addWidget(self._said)
        sides = QHBoxLayout()
        sides.setSpacing(16)
        for side in (self._left, right):
            sides.addLayout(side, 1)
        layout = QVBoxLayout(self)
        layout.setSpacing(10)
        layout.addWidget(self._title)
        layout.addWidget(self._known)
        layout.addWidget(self._few)
        layout.addLayout(sides, 1)
        layout.addWidget(self.problem)
        layout.addWidget(self.buttons)
        room = self.screen().availableSize()
        self.resize(
            min(max(1040, 6 * room.width() // 10), room.width() - 60),
            min(max(720, 3 * room.height() // 4), room.height() - 70),
        )
        self._fill_table()

    def _choice(self) -> QHBoxLayout:
        """The box of the tables that the file holds; there is none where it holds one."""
        choices = self.found.table.choices
        self.which, label = QComboBox(), PlainLabel("Table")
        for name in choices:
            self.which.addItem(shortened(name, WIDEST), name)
        self.which.setPlaceholderText("choose")
        self.which.setAccessibleName("Table of the file")
        self.which.activated.connect(lambda _: self._on_table())
        row = QHBoxLayout()
        row.addWidget(label)
        row.addWidget(self.which, 1)
        for widget in (label, self.which):
            widget.setVisible(len(choices) > 1)
        return row

    def _new_form(self) -> ImportForm:
        form = ImportForm(self.found)
        form.changed.connect(self._ask)
        form.refused.connect(self.complain)
        return form

    def _fill_table(self) -> None:
        """Show the first rows of the file."""
        shown = self.found.table
        rows, names = shown.head[:ROWS], column_names(shown)[:COLUMNS]
        self._names = [shortened(name, WIDEST) for name in names]
        self.table.clear()
        self.table.setRowCount(len(rows))
        self.table.setColumnCount(len(names))
        for i, row in enumerate(rows):
            for j, cell in enumerate(row[:COLUMNS]):
                self.table.setItem(i, j, QTableWidgetItem(_short(cell)))
        self._few.setText(f"The first {COLUMNS} of {shown.width} columns are shown.")
        self._few.setVisible(shown.width > COLUMNS)

    # What the user says -----------------------------------------------------------------------------------------------

    @property
    def stated(self) -> Stated:
        """What the user said."""
        undecided = self.found.table.undecided and self._chosen == self.found.table.chosen
        return replace(self.form.stated, table="" if undecided else self._chosen)

    def _on_table(self) -> None:
        """Look at another table of the file; what was said of the one before is not true of it."""
        self._chosen = str(self.which.currentData())
        self._read(Request(self.found, Stated(table=self._chosen), reopened=True))

    def _ask(self) -> None:
        """Read anew, after what the user says now."""
        decimal = self.form.stated.words.get("decimal", "")
        before = self._newest.stated.words.get("decimal", "") if self._newest else ""
        self._read(Request(self.found, self.stated, reopened=decimal != before))

    def _read(self, request: Request) -> None:
        self._newest, self._failed, self._asked_at = request, False, time.monotonic()
        self._reader.ask(request)
        self.open_button.setEnabled(False)

    def _on_answer(self, request: Request, answer: tuple[TableInspection, Curves | None] | None, problem: str) -> None:
        if request is not self._newest:
            return
        if answer is None:
            self._failed = True
            self.complain(problem)
            self.curve.show_hint("Nothing can be read so.")
            return
        self._show(*answer)

    # What is shown ----------------------------------------------------------------------------------------------------

    @property
    def ready(self) -> bool:
        """Whether there is a recording to open."""
        return self.found.reading is not None and not (self.found.questions or self.busy or self._failed)

    def recording(self) -> Recording:
        """Return the recording; raise `RecordingError`."""
        if self.busy:
            raise RecordingError("The file is still being read: please wait")
        return self.found.recording()

    def show_progress(self) -> None:
        """Say how far the reading is, where it takes long."""
        if time.monotonic() - self._asked_at > LATE:
            self.curve.show_hint(self.progress_line("Reading"))

    def _show(self, found: TableInspection, curves: Curves | None) -> None:
        """Show what was found, and what of it is open."""
        before = self.found.table
        other = (found.table.chosen, found.table.undecided) != (before.chosen, before.undecided)
        self.found, self._chosen = found, found.table.chosen
        if other:
            self._fill_table()
            old, self.form = self.form, self._new_form()
            self._left.replaceWidget(old, self.form)
            self.form.show()
            old.deleteLater()
        rows = f": {len(found.reading.t)} rows" if found.reading is not None else ""
        self._title.setText(f"{self._name}{rows}")
        known = "The layout is known; no changes are needed" if found.roles.known else found.table.format
        self._known.setText(f"{known[:1].upper()}{known[1:]}{counted(found)}.")
        asked = {question.role for question in found.open_questions}
        self.complain("" if "decimal" in asked else found.problem)
        if curves is not None:
            self.curve.show_curves(curves)
        else:
            self.curve.show_hint(
                "Answer what is open to see the curve." if found.questions else "Nothing can be read so."
            )
        self.arc.show_arc(found.reading.arc if found.reading is not None else None)
        self.form.show_found(found)
        choose(self.which, None if "table" in asked else self._chosen)
        mark(self.which, "table" in asked)
        roles = found.role_of()
        labels = [f"{name}\n{roles.get(i, 'not used')}" for i, name in enumerate(self._names)]
        self.table.setHorizontalHeaderLabels(labels)
        self.table.resizeColumnsToContents()
        self._show_said()
        self.open_button.setEnabled(self.ready)
        set_tip(self.open_button, "" if self.ready else "Answer the open questions first.")

    def _show_said(self) -> None:
        """Write the questions and the notes."""
        asked = []
        for question in self.found.open_questions:
            label = problem_label()
            label.setText(_sentence(f"{question.text}: {question.choice}" if question.choice else question.text))
            label.show()
            asked.append(label)
        self._said.show_labels([*asked, *(quiet_label(_sentence(note)) for note in self.found.notes)])


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _short(cell: str) -> str:
    """A cell as it is in the file, without superfluous digits and long words."""
    try:
        return f"{float(cell):.6g}" if len(cell) > 10 else shortened(cell, WIDEST)
    except ValueError:
        return shortened(cell, WIDEST)
