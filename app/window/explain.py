"""What a control does, one step away: by Shift+F1 of what is under the pointer, by a context menu of what is clicked.

What is told is the tooltip: symbol and unit, a line of physics, and when a change takes effect.
"""

from collections.abc import Callable

from PySide6.QtCore import QPoint
from PySide6.QtGui import QCursor
from PySide6.QtWidgets import QApplication, QMenu, QWidget

from app.widgets.text import action_text, show_tip, tell_of_next_click

WHAT = "What is this?"


def pointer() -> QPoint:
    """Return where the pointer is on the screen."""
    return QCursor.pos()


def explained(widget: QWidget | None) -> QWidget | None:
    """Return `widget`, or the nearest that holds it and says what it is; None where none does."""
    while widget is not None and not widget.toolTip():
        if widget.isWindow():
            return None
        widget = widget.parentWidget()
    return widget


def explain(widget: QWidget, at: QPoint) -> None:
    """Tell what `widget` does beside the place `at` of the screen, until the next click or key."""
    show_tip(widget, at)


def explain_pointed() -> None:
    """Tell what is under the pointer, or else what has the keyboard; where neither says it, what is clicked next."""
    at = pointer()
    pointed = explained(QApplication.widgetAt(at))
    if pointed is not None:
        explain(pointed, at)
        return
    focused = explained(QApplication.focusWidget())
    if focused is not None:
        explain(focused, focused.mapToGlobal(focused.rect().bottomLeft()))
    else:
        tell_of_next_click()


def offer(
    parent: QWidget, clicked: QWidget | None, at: QPoint, more: Callable[[QMenu], object] | None = None
) -> QMenu | None:
    """Open a menu over `parent` that tells what was `clicked` at the place `at` of the screen, and below it what `more`
    adds; None where there is neither."""
    target = explained(clicked)
    if target is None and more is None:
        return None
    menu = QMenu(parent)
    if target is not None:
        name = target.accessibleName()
        action = menu.addAction(action_text(f"{WHAT} {name}" if name else WHAT))
        action.triggered.connect(lambda: explain(target, at))
    if more is not None:
        menu.addSeparator()
        more(menu)
    menu.popup(at)
    return menu
