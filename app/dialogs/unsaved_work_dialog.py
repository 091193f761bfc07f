"""Unsaved work of earlier windows: what each holds, to be opened, kept for later, or thrown away."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.dialogs.awaiting import finished
from app.widgets.text import Button, MessageIcon, heading, message_box, quiet_label
from hnn_engine.errors import one_line
from hnn_engine.journal import Entry

LATER, OPEN, THROW = 0, 1, 2  # results of the dialog
SHOWN = 6  # entries that are seen without scrolling
HEADING = "Unsaved work"
HINT = "A window was closed, or a disk was full. Open it to restore the work; it still has to be saved."


class UnsavedDialog(QDialog):
    """Lists `found`; `ask` returns what is to be done, and with which."""

    def __init__(self, found: Sequence[Entry], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.found = list(found)
        self.setWindowTitle("Unsaved work")
        self.setModal(True)
        layout = QVBoxLayout(self)
        layout.setSpacing(10)
        layout.addWidget(heading(HEADING))
        layout.addWidget(quiet_label(HINT))
        layout.addWidget(self._make_list(), 1)
        layout.addLayout(self._make_buttons())
        self.list.setCurrentRow(0)
        self.resize(600, min(150 + 52 * min(len(found), SHOWN), 460))

    def _make_list(self) -> QListWidget:
        self.list = QListWidget()
        self.list.setAccessibleName("Unsaved work")
        self.list.setWordWrap(True)
        self.list.setSpacing(4)
        self.list.setTextElideMode(Qt.TextElideMode.ElideNone)
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        now = datetime.now().astimezone()
        for entry in self.found:
            self.list.addItem(QListWidgetItem(one_line(entry.sentence(now))))
        self.list.currentRowChanged.connect(self._on_row)
        self.list.itemActivated.connect(lambda _: self._open())
        return self.list

    def _make_buttons(self) -> QHBoxLayout:
        self.throw, self.later, self.open_it = (
            QPushButton("Discard"),
            QPushButton("Keep for later"),
            QPushButton("Open"),
        )
        self.open_it.setProperty("primary", True)
        self.open_it.setDefault(True)
        self.throw.setAutoDefault(False)
        self.open_it.clicked.connect(self._open)
        self.later.clicked.connect(partial(self.done, LATER))
        self.throw.clicked.connect(partial(self.done, THROW))
        row = QHBoxLayout()
        row.addWidget(self.throw)
        row.addStretch(1)
        row.addWidget(self.later)
        row.addWidget(self.open_it)
        return row

    def _on_row(self, row: int) -> None:
        self.open_it.setEnabled(0 <= row < len(self.found) and not self.found[row].problem)

    def _open(self) -> None:
        if self.open_it.isEnabled():
            self.done(OPEN)

    async def ask(self) -> tuple[int, Entry | None]:
        """Show it, and return the result with the chosen entry; what is thrown away is asked about once more."""
        try:
            while True:
                answer = await finished(self)
                row = self.list.currentRow()
                entry = self.found[row] if 0 <= row < len(self.found) else None
                if answer != THROW or await self._sure():
                    return answer, entry
        finally:
            self.deleteLater()

    async def _sure(self) -> bool:
        warning = "It is deleted from the disk and cannot be recovered."
        box = message_box(self.parentWidget(), "Discard this work?", warning, MessageIcon.Warning)
        box.setStandardButtons(Button.Discard | Button.Cancel)
        box.setDefaultButton(Button.Cancel)
        answer = await finished(box)
        box.deleteLater()
        return answer == Button.Discard.value
