"""A quiet line of text that ends in '…' where there is too little room, and never asks for more."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.widgets.text import PlainLabel, set_tip


class ElidedLabel(PlainLabel):
    """Shows as much of `whole` as there is room for; all of it stands in the tooltip."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("", parent)
        self.whole = ""
        self.setProperty("muted", True)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def say(self, text: str, tip: str = "") -> None:
        """Show `text`; `tip` explains it in the tooltip."""
        if text != self.whole:
            self.whole = text
            set_tip(self, f"{text}\n\n{tip}" if text and tip else text)
            self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        room = self.contentsRect().width()
        self.setText(self.fontMetrics().elidedText(self.whole, Qt.TextElideMode.ElideRight, room))
