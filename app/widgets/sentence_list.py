"""Sentences below each other, as high as they need at the width that there is, and scrolled from a height on."""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QScrollArea, QVBoxLayout, QWidget

from app.widgets.text import PlainLabel

HIGHEST = 230  # pixels
SPACING = 4


class SentenceList(QScrollArea):
    """Shows labels that wrap."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._labels: list[PlainLabel] = []
        inner = QWidget()
        self._column = QVBoxLayout(inner)
        self._column.setContentsMargins(0, 0, 6, 0)
        self._column.setSpacing(SPACING)
        self._column.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.setWidget(inner)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName("Questions and notes")

    def show_labels(self, labels: Sequence[PlainLabel]) -> None:
        """Show these labels in place of those before."""
        for label in self._labels:
            self._column.removeWidget(label)
            label.deleteLater()
        self._labels = list(labels)
        for label in labels:
            self._column.addWidget(label)
        self._fit(self.width())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._fit(event.size().width())

    def _fit(self, width: int) -> None:
        """Be as high as the labels are at this width."""
        wide = max(200, width - 14)
        high = sum(label.heightForWidth(wide) + SPACING for label in self._labels)
        self.setFixedHeight(min(high + SPACING, HIGHEST) if self._labels else 0)
