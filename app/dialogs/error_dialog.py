"""Shows an unexpected exception: one sentence and details to copy; the program continues."""

import logging
import sys
import threading
import traceback
from types import TracebackType

from PySide6.QtCore import QObject, QSize, Qt, Signal
from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import QDialog, QHBoxLayout, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from app.style.icons import pixmap
from app.widgets.text import PlainLabel
from hnn_engine.errors import one_line

_log = logging.getLogger(__name__)
_SENTENCE = "An unexpected error occurred. Your work is still open: save it, then continue."


class ErrorDialog(QDialog):
    """One plain sentence, the traceback folded behind *Details*, and a button that copies it."""

    def __init__(self, summary: str, details: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Unexpected error")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._details = QPlainTextEdit(details)
        self._details.setReadOnly(True)
        self._details.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self._details.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self._details.setAccessibleName("Details")
        self._details.setMinimumSize(560, 220)
        self._details.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 12)
        column.setSpacing(12)
        column.addLayout(self._head(summary))
        column.addWidget(self._details)
        column.addLayout(self._buttons())

    def details(self) -> str:
        """Return the text that *Copy* puts on the clipboard."""
        return self._details.toPlainText()

    def _head(self, summary: str) -> QHBoxLayout:
        sign = PlainLabel()
        sign.setPixmap(pixmap("warning", QSize(32, 32), "error"))
        sign.setAlignment(Qt.AlignmentFlag.AlignTop)
        words = QVBoxLayout()
        words.setSpacing(12)
        for sentence in (_SENTENCE, one_line(summary)):
            label = PlainLabel(sentence)
            label.setWordWrap(True)
            label.setMinimumWidth(420)
            words.addWidget(label)
        row = QHBoxLayout()
        row.setSpacing(12)
        row.addWidget(sign)
        row.addLayout(words, 1)
        return row

    def _buttons(self) -> QHBoxLayout:
        fold, copy, close = QPushButton("Details"), QPushButton("Copy"), QPushButton("Continue")
        fold.setCheckable(True)
        fold.toggled.connect(self._on_folded)
        copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.details()))
        close.clicked.connect(self.accept)
        close.setDefault(True)
        close.setProperty("primary", True)
        row = QHBoxLayout()
        row.addWidget(fold)
        row.addWidget(copy)
        row.addStretch(1)
        row.addWidget(close)
        return row

    def _on_folded(self, shown: bool) -> None:
        self._details.setVisible(shown)
        self.adjustSize()


class ErrorReporter(QObject):
    """Shows each distinct exception once, from whichever thread it comes."""

    _reported = Signal(str, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._window = parent
        self._seen: set[tuple[str, str, int]] = set()
        self._lock = threading.Lock()
        self._reported.connect(self._show)

    def report(self, error: BaseException) -> None:
        """Log `error`, print it on stderr, and show it unless the same one has been shown; safe in any thread."""
        _log.error("Unforeseen error in the thread %s", threading.current_thread().name, exc_info=error)
        details = "".join(traceback.format_exception(error))
        sys.stderr.write(details)
        with self._lock:
            known = _identity(error) in self._seen
            self._seen.add(_identity(error))
        if not known:
            self._reported.emit(f"{type(error).__name__}: {error}", details)

    def _show(self, summary: str, details: str) -> None:
        ErrorDialog(summary, details, self._window).open()


def _identity(error: BaseException) -> tuple[str, str, int]:
    # The place counts and not the message, which may carry a number that changes at every frame.
    frames = traceback.extract_tb(error.__traceback__)
    place = (frames[-1].filename, frames[-1].lineno or 0) if frames else (str(error), 0)
    return (type(error).__name__, *place)


def install_excepthook(parent: QWidget) -> ErrorReporter:
    """Show unforeseen exceptions of every thread over `parent`; Ctrl-C stays what it is. Returns the reporter."""
    reporter = ErrorReporter(parent)

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
            return
        reporter.report(error)

    def thread_hook(args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None and not issubclass(args.exc_type, SystemExit):
            reporter.report(args.exc_value)

    sys.excepthook = hook
    threading.excepthook = thread_hook
    return reporter
