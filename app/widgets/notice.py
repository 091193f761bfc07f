"""A sentence at the top of the window, where nothing else is: news fades by itself, a fault stays until it is gone."""

import logging
from collections.abc import Callable
from typing import Literal

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QMouseEvent, QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QGraphicsOpacityEffect,
    QHBoxLayout,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from app.style.icons import icon, pixmap
from app.style.theme import small_font, theme_signals
from app.widgets.text import PlainLabel, action_text, set_tip
from hnn_engine.errors import one_line, shown

_log = logging.getLogger(__name__)
Kind = Literal["info", "error"]
NEWS_SECONDS, LETTER_SECONDS = 5.0, 0.05  # that news stands: at least, and for each letter
FADE_SECONDS = 0.6
_SMALL = 0.85  # of the type, for a sentence that takes two lines


class NoticeBar(QFrame):
    """Hidden until there is something to say; a newer notice takes the place of an older one.

    It has the height of a line (two of smaller type): a longer sentence ends in '…', and a click shows the whole of it.
    `closed()`; `reshaped()` where it wants another height.
    """

    closed = Signal()
    reshaped = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._kind: Kind = "info"
        self._act: Callable[[], object] | None = None
        self._sentence = ""
        self._left = 0.0  # seconds that news still stands
        self.open = False  # whether all of a long sentence is shown
        self._sign = PlainLabel()
        self._text = PlainLabel()
        self._action = QPushButton()
        self._close = QToolButton()
        self._build()
        theme_signals.changed.connect(self._restyle)
        self.hide()

    def show_error(self, sentence: str, action: str = "", act: Callable[[], object] | None = None) -> None:
        """Say what went wrong; it stays. `action` names a button that calls `act` and closes the bar."""
        self._say("error", sentence, action, act)

    def show_info(self, sentence: str, action: str = "", act: Callable[[], object] | None = None) -> None:
        """Say what happened; it fades. `action` names a button that calls `act` and closes the bar."""
        self._say("info", sentence, action, act)

    def text(self) -> str:
        """Return the sentence that stands there, or '' while the bar is hidden."""
        return "" if self.isHidden() else self._sentence

    def settle(self, sentence: str) -> None:
        """Close the bar if `sentence`, a fault that is gone, stands there."""
        if self._kind == "error" and self.text() == shown(one_line(sentence)):
            self.dismiss()

    def advance(self, seconds: float) -> None:
        """Let so many seconds pass: news that has stood long enough fades, unless the pointer is on it."""
        if self._kind != "info" or self.isHidden() or self.underMouse():
            return
        self._left -= seconds
        if self._left <= 0.0:
            self.dismiss()
        elif self._left < FADE_SECONDS:
            self._fade(self._left / FADE_SECONDS)

    def dismiss(self) -> None:
        """Close the bar."""
        self.hide()
        self._act = None
        self.closed.emit()

    def _build(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 0, 2, 0)
        row.setSpacing(8)
        self._text.setWordWrap(True)
        self._text.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
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
        sentence = shown(one_line(sentence))
        if sentence != self.text():  # else it is told again at every move of a drag
            _log.log(logging.WARNING if kind == "error" else logging.INFO, "Notice: %s", sentence)
            self.open = False
        self._sentence = sentence
        self._left = NEWS_SECONDS + LETTER_SECONDS * len(sentence)
        self._action.setText(action_text(action))
        self._action.setVisible(bool(action))
        self.setProperty("notice", kind)
        self.setAccessibleName(sentence)
        self.style().unpolish(self)
        self.style().polish(self)
        self._restyle()
        self._fade(1.0)
        self.show()
        self._fit()

    # Its room ---------------------------------------------------------------------------------------------------------

    def wanted_width(self) -> int:
        """Return how wide it is with the whole sentence in one line, in pixels."""
        others = (self._sign.sizeHint().width(), self._close.sizeHint().width())
        more = self._action.sizeHint().width() + 8 if not self._action.isHidden() else 0
        return self.fontMetrics().horizontalAdvance(self._sentence) + sum(others) + more + 40

    def whole_height(self, width: int) -> int:
        """Return how high it is with the whole sentence in lines of `width` pixels."""
        room = max(width - (self.wanted_width() - self.fontMetrics().horizontalAdvance(self._sentence)), 60)
        flags = int(Qt.TextFlag.TextWordWrap)
        return self.fontMetrics().boundingRect(0, 0, room, 4000, flags, self._sentence).height() + 12

    def _fit(self) -> None:
        """Write the sentence: whole where it has the room or is opened, else as much as goes into it."""
        room = self._text.contentsRect().size()
        text, font = self._sentence, self.font()
        if not self.open and self.fontMetrics().horizontalAdvance(text) > room.width():
            font = small_font(self.font(), _SMALL)
            metrics = QFontMetrics(font)
            lines = max(1, room.height() // max(metrics.height() - 2, 1))
            text = metrics.elidedText(text, Qt.TextElideMode.ElideRight, int(0.94 * lines * room.width()))
        if font != self._text.font():
            self._text.setFont(font)
        self._text.setText(text)
        cut = text != self._sentence
        set_tip(self, self._sentence if cut else "")
        self.setCursor(Qt.CursorShape.PointingHandCursor if cut or self.open else Qt.CursorShape.ArrowCursor)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if layout := self.layout():
            layout.activate()
        self._fit()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton and (self.open or self._text.text() != self._sentence):
            self.open = not self.open
            self.reshaped.emit()

    def _fade(self, share: float) -> None:
        """Be seen by `share` of 0 to 1; there is no effect while it is all there, since one takes its time."""
        if share >= 1.0:
            self.setGraphicsEffect(None)  # type: ignore[arg-type]
            return
        effect = self.graphicsEffect()
        if not isinstance(effect, QGraphicsOpacityEffect):
            effect = QGraphicsOpacityEffect(self)
            self.setGraphicsEffect(effect)
        effect.setOpacity(share)

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
