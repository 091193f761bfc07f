"""The newest lines of the log, to be read and copied where there is no file manager, and the way to its folder."""

from pathlib import Path

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices, QFontDatabase, QGuiApplication, Qt
from PySide6.QtWidgets import QDialog, QHBoxLayout, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from app.widgets.text import PlainLabel, plain, problem_label, quiet_label
from hnn_engine import log_file
from hnn_engine.errors import one_line


class LogDialog(QDialog):
    """Shows the end of the file at `path`, by default of the program's log."""

    def __init__(self, parent: QWidget | None = None, path: Path | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Log")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._path, self._why_not = (path, "") if path is not None else _place()
        self.lines = QPlainTextEdit()
        self.lines.setReadOnly(True)
        self.lines.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.lines.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.lines.setAccessibleName("Log")
        self.place = PlainLabel(str(self._path) if self._path is not None else "")
        self.place.setWordWrap(True)
        self.place.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.problem = problem_label()
        column = QVBoxLayout(self)
        column.setSpacing(10)
        column.addWidget(self.place)
        column.addWidget(quiet_label(f"{log_file.LEVEL_VARIABLE}=debug, set before the start, has more written."))
        column.addWidget(self.lines, 1)
        column.addWidget(self.problem)
        column.addLayout(self._make_buttons())
        self.resize(900, 560)
        self.read()

    def _make_buttons(self) -> QHBoxLayout:
        read, copy, self.folder, close = (
            QPushButton("Read again"),
            QPushButton("Copy"),
            QPushButton("Open the folder"),
            QPushButton("Close"),
        )
        read.clicked.connect(self.read)
        copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.lines.toPlainText()))
        self.folder.clicked.connect(self._open_folder)
        self.folder.setEnabled(self._path is not None)
        close.clicked.connect(self.accept)
        close.setDefault(True)
        row = QHBoxLayout()
        for button in (read, copy, self.folder):
            button.setAutoDefault(False)
            row.addWidget(button)
        row.addStretch(1)
        row.addWidget(close)
        return row

    def read(self) -> None:
        """Show the newest lines, and the last of them."""
        text, problem = "", self._why_not
        if self._path is not None:
            try:
                text = log_file.newest(self._path)
            except FileNotFoundError:
                problem = problem or "Nothing is logged there yet"
            except OSError as error:
                problem = problem or f"The log cannot be read: {error.strerror or error}"
        self.lines.setPlainText(plain(text))
        self.lines.verticalScrollBar().setValue(self.lines.verticalScrollBar().maximum())
        self._say(problem)

    def _open_folder(self) -> None:
        assert self._path is not None
        if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._path.parent))):
            self._say("No program that shows folders is found here: the path above is where the log lies")

    def _say(self, problem: str) -> None:
        self.problem.setText(one_line(problem))
        self.problem.setVisible(bool(problem))


def _place() -> tuple[Path | None, str]:
    """Return where the log of this process lies, and why it cannot be written where that is so."""
    active = log_file.active()
    handler = active if active is not None else log_file.LogFile("window")  # in a program that does not log
    return handler.path, f"The log cannot be written: {handler.problem}" if handler.problem else ""
