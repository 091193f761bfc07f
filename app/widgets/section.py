"""A titled part of a column, with what most people never change folded behind a button."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from app.style.icons import icon
from app.widgets.text import heading, set_tip


class Section(QWidget):
    """`body` is always there; `more` is folded until its button is pressed."""

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.heading = heading(title)
        self.more_button = QToolButton()
        self.more_button.setIcon(icon("more"))
        self.more_button.setIconSize(QSize(16, 16))
        self.more_button.setCheckable(True)
        set_tip(self.more_button, "More settings")
        self.more_button.setAccessibleName(f"More settings of {title}")
        self.more_button.hide()
        self.body = QVBoxLayout()
        self.body.setSpacing(4)
        self._more = QWidget()
        self.more = QVBoxLayout(self._more)
        self.more.setContentsMargins(0, 4, 0, 0)
        self.more.setSpacing(4)
        self._more.hide()
        self.more_button.toggled.connect(self._more.setVisible)
        self._lay_out()

    def _lay_out(self) -> None:
        self.head = QHBoxLayout()
        self.head.setSpacing(4)
        self.head.addWidget(self.heading)
        self.head.addStretch(1)
        self.head.addWidget(self.more_button, 0, Qt.AlignmentFlag.AlignRight)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(self.head)
        layout.addLayout(self.body)
        layout.addWidget(self._more)

    def add(self, widget: QWidget) -> None:
        """Put `widget` into the part that is always there."""
        self.body.addWidget(widget)

    def add_more(self, widget: QWidget) -> None:
        """Put `widget` into the folded part."""
        self.more.addWidget(widget)
        self.more_button.show()
