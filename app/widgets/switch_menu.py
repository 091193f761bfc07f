"""A menu of switches that stays open while they are set."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QMenu


class SwitchMenu(QMenu):
    """What can be ticked is switched without closing the menu, by a click as by Space or Enter; all else closes it."""

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if not self._switch():
            super().mouseReleaseEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        pressed = event.key() in (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if not (pressed and self._switch()):
            super().keyPressEvent(event)

    def _switch(self) -> bool:
        """Switch what is pointed at, where that is a switch; return whether it is."""
        action = self.activeAction()
        if action is None or not action.isCheckable() or not action.isEnabled():
            return False
        action.trigger()
        return True
