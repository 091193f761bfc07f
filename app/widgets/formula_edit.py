"""A box for a formula: one text that wraps, with the place marked where it is none."""

from PySide6.QtCore import QEvent, QMimeData, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QKeySequence, QResizeEvent, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QFrame, QPlainTextEdit, QWidget

from app.style.theme import current_theme, theme_signals
from app.widgets.choices import mark
from app.widgets.text import ExtraSelection

MOST_LINES = 6


class FormulaEdit(QPlainTextEdit):
    """`typed(text)` at each change by the user; `finished()` where the keyboard leaves it, or Enter is pressed."""

    typed = Signal(str)
    finished = Signal()

    def __init__(self, name: str, placeholder: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._column = -1  # that is marked, counted from 1; 0 for the whole text, -1 for none
        self._quiet = False
        self.setAccessibleName(name)
        self.setPlaceholderText(placeholder)
        self.setTabChangesFocus(True)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self.document().setDocumentMargin(3)
        self.textChanged.connect(self._on_changed)
        theme_signals.changed.connect(self._on_theme)
        self._fit()

    def text(self) -> str:
        """Return what stands in it."""
        return self.toPlainText()

    def set_text(self, text: str) -> None:
        """Show `text` without a signal; what was typed before cannot be brought back by its own undo."""
        self._quiet = True
        try:
            self.setPlainText(text.replace("\n", " "))
        finally:
            self._quiet = False
        self.mark_place(-1)
        self._fit()

    @property
    def marked(self) -> int:
        """The column that is marked, counted from 1; 0 where the whole is, -1 where nothing is."""
        return self._column

    def mark_place(self, column: int) -> None:
        """Underline the character at `column`, counted from 1; at 0 mark the box alone, at -1 nothing."""
        self._column = column
        mark(self, column >= 0)
        self.setExtraSelections([self._underline(column)] if column > 0 and self.text() else [])

    def _underline(self, column: int) -> ExtraSelection:
        selection, length = ExtraSelection(), len(_units(self.text()))
        at = min(len(_units(self.text()[: column - 1])), length - 1)
        cursor = QTextCursor(self.document())
        cursor.setPosition(at)
        cursor.setPosition(at + 1, QTextCursor.MoveMode.KeepAnchor)
        form = QTextCharFormat()
        form.setUnderlineStyle(QTextCharFormat.UnderlineStyle.SpellCheckUnderline)
        form.setUnderlineColor(current_theme().color("error"))
        form.setBackground(current_theme().color("error", 50))
        selection.cursor, selection.format = cursor, form
        return selection

    def _on_changed(self) -> None:
        self._fit()
        if not self._quiet:
            self.typed.emit(self.text())

    def _on_theme(self) -> None:
        self.mark_place(self._column)

    def _fit(self) -> None:
        """As tall as its lines, up to a few."""
        lines = max(1, min(MOST_LINES, round(self.document().size().height())))
        self.setFixedHeight(round(lines * self.fontMetrics().lineSpacing() + 12))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def insertFromMimeData(self, source: QMimeData) -> None:
        """Take text alone, on one line."""
        self.insertPlainText(" ".join(source.text().split("\n")))

    def event(self, event: QEvent) -> bool:
        """Leave undo and redo to the window where there is nothing of its own to undo."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            undo, redo = event.matches(QKeySequence.StandardKey.Undo), event.matches(QKeySequence.StandardKey.Redo)
            if (undo and not self.document().isUndoAvailable()) or (redo and not self.document().isRedoAvailable()):
                event.ignore()
                return False
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.finished.emit()
            return
        super().keyPressEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.finished.emit()


def _units(text: str) -> str:
    """Return `text` in the units that Qt counts: letters beyond the first plane are two."""
    return "".join("__" if ord(letter) > 0xFFFF else "_" for letter in text)
