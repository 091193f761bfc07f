"""Buttons that open a menu, and look like buttons again once it is closed."""

from functools import partial

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QCursor
from PySide6.QtWidgets import QPushButton


def after_menu(button: QPushButton) -> None:
    """Let `button`, which has a menu, be neither pressed nor pointed at once the menu is closed, unless it is.

    Qt tells a button of a pointer that leaves it only while no menu is open.
    """
    menu = button.menu()
    assert menu is not None
    menu.aboutToHide.connect(lambda: QTimer.singleShot(0, button, partial(_freshen, button)))


def _freshen(button: QPushButton) -> None:
    over = button.rect().contains(button.mapFromGlobal(QCursor.pos()))
    button.setAttribute(Qt.WidgetAttribute.WA_UnderMouse, over)
    button.setDown(False)
    button.update()
