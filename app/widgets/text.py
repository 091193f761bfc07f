"""Every word that a widget shows: labels, tooltips, boxes, titles and texts of menus are made here, nowhere else.

Qt takes what looks like markup for rich text, which may lay out anything and show pictures from the disk, and reads
signs of its own into titles ('[*]') and menus ('&', tabs). A title, a name, a path or a message may come from a file:
it is text, and looks as it is written, but that what is not seen is written out (see `hnn_engine.errors.shown`). Markup
of the program's own is `rich`, which escapes what is put into it.
"""

from html import escape
from typing import Any, Protocol

from PySide6.QtCore import QEvent, QObject, QPoint, QUrl
from PySide6.QtGui import QAction, Qt
from PySide6.QtWidgets import (
    QFileDialog,
    QLabel,
    QMessageBox,
    QProgressDialog,
    QTextBrowser,
    QTextEdit,
    QWhatsThis,
    QWidget,
)

from hnn_engine.errors import shown

Button = QMessageBox.StandardButton
ButtonRole = QMessageBox.ButtonRole
MessageIcon = QMessageBox.Icon
FileDialog = QFileDialog
MessageBox = QMessageBox
ProgressBox = QProgressDialog
ExtraSelection = QTextEdit.ExtraSelection  # how a part of a text looks
_PLAIN = Qt.TextFormat.PlainText


class Rich(str):
    """Markup of the program's own."""


def rich(form: str, *values: object) -> Rich:
    """Return the markup `form` with `values` in the places of its '{}', each as the text that it is."""
    return Rich(form.format(*(escape(plain(value)) for value in values)))


def plain(text: object) -> str:
    """Return `text` with what is not seen written out, but for its line breaks."""
    return "\n".join(map(shown, str(text).split("\n")))


# Labels ---------------------------------------------------------------------------------------------------------------


class PlainLabel(QLabel):
    """A label that shows a line of text as it is written; wrapping alone makes more lines of it."""

    def __init__(self, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setTextFormat(_PLAIN)
        self.setText(text)

    def setText(self, text: str) -> None:
        super().setText(shown(text))


def heading(text: str = "") -> PlainLabel:
    """Return a label that heads what stands below it."""
    label = PlainLabel(text)
    label.setProperty("heading", True)
    return label


def quiet_label(text: str = "") -> PlainLabel:
    """Return a muted, wrapping line of small print."""
    label = PlainLabel(text)
    label.setProperty("muted", True)
    label.setWordWrap(True)
    return label


def problem_label() -> PlainLabel:
    """Return a hidden label for a sentence that says what is wrong."""
    label = PlainLabel()
    label.setProperty("problem", True)
    label.setWordWrap(True)
    label.hide()
    return label


# Tooltips -------------------------------------------------------------------------------------------------------------


class Tipped(Protocol):
    """What has a tooltip: a widget, an action, an item of a list."""

    def setToolTip(self, text: str, /) -> None: ...

    def setWhatsThis(self, text: str, /) -> None: ...


def set_tip(target: Tipped, text: str) -> None:
    """Give `target` the tooltip `text`, which is text unless it is `Rich`; "What is this?" says the same."""
    words = tip(text)
    target.setToolTip(words)
    target.setWhatsThis(words)


def tip(text: str) -> str:
    """Return a tooltip that shows `text`: as it is where Qt shows it so, else as markup that does."""
    if isinstance(text, Rich):
        return text
    words = plain(text)
    return f'<p style="white-space: pre-wrap">{escape(words)}</p>' if Qt.mightBeRichText(words) else words


def show_tip(widget: QWidget, at: QPoint) -> None:
    """Show what `set_tip` has given `widget` beside the place `at` of the screen, until the next click or key."""
    QWhatsThis.showText(at, widget.toolTip(), widget)


def tell_of_next_click() -> None:
    """Tell of what is clicked next, in place of doing it."""
    QWhatsThis.enterWhatsThisMode()


# Titles and menus -----------------------------------------------------------------------------------------------------


def title_text(text: object) -> str:
    """Return `text` as a part of a window's title: '[*]' would be the mark of unsaved changes."""
    return shown(text).replace("[*]", "[*][*]")


def action_text(text: object) -> str:
    """Return `text` for an action or a button: '&' would underline a letter."""
    return shown(text).replace("&", "&&")


def name_action(action: QAction, text: str) -> None:
    """Call `action` `text` where it is shown; Qt would make its tooltip of the same words, as markup."""
    action.setText(action_text(text))
    set_tip(action, text)


# Dialogs --------------------------------------------------------------------------------------------------------------


def message_box(
    parent: QWidget | None, text: str, more: str = "", icon: MessageIcon = MessageIcon.NoIcon, title: str = ""
) -> MessageBox:
    """Return a box over `parent` that says `text`, and `more` in smaller type."""
    box = QMessageBox(parent)
    box.setIcon(icon)
    box.setWindowTitle(title_text(title))
    box.setText(plain(text))
    box.setInformativeText(plain(more))
    make_plain(box)
    return box


def progress_dialog(parent: QWidget, text: str, title: str) -> ProgressBox:
    """Return a dialog over `parent` that says how far something is, in percent, with a button that ends it."""
    dialog = QProgressDialog("", "Cancel", 0, 100, parent)
    dialog.setLabel(PlainLabel(text, dialog))
    dialog.setWindowTitle(title_text(title))
    return dialog


def file_dialog(parent: QWidget, title: str) -> FileDialog:
    """Return a dialog that asks for a file; the boxes that it opens itself say names as they are."""
    dialog = QFileDialog(parent, title_text(title))
    dialog.installEventFilter(_PlainBoxes(dialog))
    return dialog


def make_plain(widget: QWidget) -> None:
    """Let `widget`, a label or a message box, and all labels in it show text as it is written."""
    if isinstance(widget, QMessageBox):
        widget.setTextFormat(_PLAIN)
    for label in (*([widget] if isinstance(widget, QLabel) else []), *widget.findChildren(QLabel)):
        label.setTextFormat(_PLAIN)


class _PlainBoxes(QObject):
    """Makes the message boxes plain that Qt opens over a dialog of its own."""

    def eventFilter(self, watched: QObject, event: Any) -> bool:
        if event.type() == QEvent.Type.ChildPolished and isinstance(event.child(), QMessageBox):
            make_plain(event.child())
        return False


class Page(QTextBrowser):
    """A page that comes with the program, in Markdown; it loads nothing."""

    def __init__(self, markdown: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMarkdown(markdown)
        self.setOpenExternalLinks(True)

    def loadResource(self, kind: int, name: QUrl | str) -> None:
        return None
