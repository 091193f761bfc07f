"""A bar at the top of the window that says one sentence and blocks nothing."""

import logging
from collections.abc import Callable
from typing import Literal

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QSizePolicy, QToolButton, QWidget

from app.style.icons import icon, pixmap
from app.style.theme import theme_signals
from app.widgets.text import PlainLabel, action_text, set_tip
from hnn_engine.errors import one_line

_log = logging.getLogger(__name__)
Kind = Literal["info", "error"]


class NoticeBar(QFrame):
    """Hidden until there is something to say; a newer notice takes the place of an older one. `closed()`."""

    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._kind: Kind = "info"
        self._act: Callable[[], object] | None = None
        self._sign = PlainLabel()
        self._text = PlainLabel()
        self._action = QPushButton()
        self._close = QToolButton()
        self._build()
        theme_signals.changed.connect(self._restyle)
        self.hide()

    def show_error(self, sentence: str, action: str = "", act: Callable[[], object] | None = None) -> None:
        """Say what went wrong; `action` names a button that calls `act` and closes the bar."""
        self._say("error", sentence, action, act)

    def show_info(self, sentence: str, action: str = "", act: Callable[[], object] | None = None) -> None:
        """Say what happened; `action` names a button that calls `act` and closes the bar."""
        self._say("info", sentence, action, act)

    def text(self) -> str:
        """Return the sentence that stands there, or '' while the bar is hidden."""
        return "" if self.isHidden() else self._text.text()

    def dismiss(self) -> None:
        """Close the bar."""
        self.hide()
        self._act = None
        self.closed.emit()

    def _build(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 4, 4, 4)
        row.setSpacing(8)
        self._text.setWordWrap(True)
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._close.setIcon(icon("close"))
        self._close.setIconSize(QSize(14, 14))
        set_tip(self._close, "Close this notice")
        self._close.setAccessibleName("Close notice")
        self._close.clicked.connect(self.dismiss)
        self._action.clicked.connect(self._on_action)
        for widget in (self._sign, self._text, self._action, self._close):
            row.addWidget(widget, 1 if widget is self._text else 0)

    def _say(self, kind: Kind, sentence: str, action: str, act: Callable[[], object] | None) -> None:
        self._kind, self._act = kind, act
        sentence = one_line(sentence)
        if sentence != self.text():  # else it is told again at every move of a drag
            _log.log(logging.WARNING if kind == "error" else logging.INFO, "Notice: %s", sentence)
        self._text.setText(sentence)
        self._action.setText(action_text(action))
        self._action.setVisible(bool(action))
        self.setProperty("notice", kind)
        self.setAccessibleName(sentence)
        self.style().unpolish(self)
        self.style().polish(self)
        self._restyle()
        self.show()

    def _on_action(self) -> None:
        act = self._act
        self.dismiss()
        if act is not None:
            act()

    def _restyle(self) -> None:
        name, role = ("warning", "error") if self._kind == "error" else ("info", "accent")
        ratio = self.devicePixelRatioF()
        sign = pixmap(name, QSize(18, 18) * ratio, role)
        sign.setDevicePixelRatio(ratio)
        self._sign.setPixmap(sign)
