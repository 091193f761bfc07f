"""The plot of the phase portrait, which passes the mouse and the keys on."""

from typing import Protocol

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent

from app.widgets.plot import LabPlot


class Hands(Protocol):
    """What takes the mouse and the keys; each method returns whether it did, else the plot itself does."""

    def on_press(self, event: QMouseEvent) -> bool:
        """The left button is pressed."""

    def on_move(self, event: QMouseEvent) -> bool:
        """The pointer moves."""

    def on_release(self, event: QMouseEvent) -> bool:
        """The left button is let go."""

    def key(self, event: QKeyEvent) -> bool:
        """A key is pressed."""


class PortraitPlot(LabPlot):
    """A plot whose start point can be taken by the mouse and moved by the keys."""

    def __init__(self, hands: Hands) -> None:
        super().__init__("", "q", "p")
        self._hands = hands
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.hovered.emit(None)
        if event.button() == Qt.MouseButton.LeftButton and self._hands.on_press(event):
            event.accept()
            return
        super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._hands.on_move(event):
            event.accept()
            return
        super().mouseMoveEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._hands.on_release(event):
            event.accept()
            return
        super().mouseReleaseEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not self._hands.key(event):
            super().keyPressEvent(event)
