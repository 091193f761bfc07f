"""The key to a map: whose it is, with a choice of others, a strip of its colours with what their ends mean, a menu of
how it is coloured, and a sentence."""

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Signal
from PySide6.QtGui import QActionGroup, QIcon, QPainter, QPainterPath, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QMenu, QSizePolicy, QToolButton, QWidget

from app.style.icons import icon
from app.style.theme import current_theme, theme_signals
from app.widgets.plane_map import colored, sized
from app.widgets.swatch import swatch_icon
from app.widgets.text import PlainLabel, action_text, set_tip

Offer = tuple[str, str]  # what an entry stands for, and its words
Ways = Sequence[tuple[str, Sequence[tuple[object, str]], object]]  # name, values with words, the present one
_RAMP = np.linspace(-1.0, 1.0, 256)[None, :]
_HEIGHT = 12
_LEAST, _MOST = 56, 200  # pixels of the strip
_NARROWEST = 240  # pixels of the row


class MapKey(QWidget):
    """One row. `show_key` fills it, `show_reason` says why there is no map; `chosen(data)`: an entry of `offer`, and
    `set_to(name, value)`: one of `offer_ways`."""

    chosen = Signal(str)
    set_to = Signal(str, object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMinimumWidth(_NARROWEST)  # and not what it says: words must not widen a panel
        self._roomy = False  # whether there is something to say in words
        self.name, self.low, self.high, self.words = PlainLabel(), PlainLabel(), PlainLabel(), PlainLabel()
        self._strip = _Strip()
        self.choice = QComboBox()
        self.choice.setAccessibleName("Compared with the true H")
        set_tip(self.choice, "Whose H is compared with the true one")
        self.choice.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.choice.activated.connect(lambda: self.chosen.emit(str(self.choice.currentData())))
        self.choice.hide()
        self._offered: tuple[Offer, ...] = ()
        self.ways = QToolButton()
        self.ways.setIcon(icon("more"))
        self.ways.setAccessibleName("How the map is coloured")
        set_tip(self.ways, "How the map is coloured: of which part of the field, relative or absolute, log or linear")
        self.ways.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.ways.hide()
        self._ways: tuple[object, ...] = ()
        self._theme = ""
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 2, 16, 0)
        row.setSpacing(8)
        row.addWidget(self.choice)
        for widget, share in ((self.name, 0), (self.low, 0), (self._strip, 1), (self.high, 0)):
            row.addWidget(widget, share)
        row.addWidget(self.ways)
        row.addStretch(1)
        row.addWidget(self.words)

    def show_key(self, name: str, ends: tuple[str, str], words: str, tip: str, *, sizes: bool = False) -> None:
        """Name the map and the values of its lowest and highest colour, and where there is room say `words` about it;
        `tip` explains. `sizes`: its colours grow from the paper's."""
        self._roomy = True
        self._strip.show_sizes(sizes)
        self._call(name)
        for label, text in zip((self.low, self.high, self.words), (*ends, words), strict=True):
            if label.text() != text:
                label.setText(text)
        if self.toolTip() != tip:
            set_tip(self, tip)
        self._show_parts(True)
        self._fit()

    def show_reason(self, text: str) -> None:
        """Say why there is no map."""
        self._roomy = False
        self._call(text)
        set_tip(self, "")
        self._show_parts(False)
        self._fit()

    def offer(self, offers: tuple[Offer, ...], chosen: str) -> None:
        """Let one of `offers` be chosen, `chosen` at present. The first stands for none: there is a choice from three
        on."""
        if (offers, current_theme().name) != (self._offered, self._theme):
            self._offered, self._theme = offers, current_theme().name
            self.choice.clear()
            for data, text in offers:
                self.choice.addItem(swatch_icon(data) if data else QIcon(), text, data)
            self.choice.setVisible(len(offers) > 2)
        self.choice.setCurrentIndex(max(self.choice.findData(chosen), 0))

    def offer_ways(self, groups: Ways) -> None:
        """Let the map be coloured in other ways: for each name the values with their words, and the present one. No
        groups: there is nothing to choose."""
        self.ways.setVisible(bool(groups))
        key = tuple((name, tuple(values), now) for name, values, now in groups)
        if key == self._ways:
            return
        self._ways = key
        menu = QMenu(self.ways)
        for name, values, now in groups:
            if not menu.isEmpty():
                menu.addSeparator()
            group = QActionGroup(menu)
            for value, text in values:
                action = menu.addAction(action_text(text))
                action.setCheckable(True)
                action.setChecked(value == now)
                action.triggered.connect(lambda _=False, name=name, value=value: self.set_to.emit(name, value))
                group.addAction(action)
        before = self.ways.menu()
        self.ways.setMenu(menu)
        if before is not None:
            before.deleteLater()

    def _call(self, name: str) -> None:
        if self.name.text() != name:
            self.name.setText(name)

    def _show_parts(self, shown: bool) -> None:
        for widget in (self.low, self._strip, self.high):
            widget.setVisible(shown)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Leave the words out where there is no room for them: what is compared is always named, and the tooltip says
        the rest."""
        layout = self.layout()
        assert layout is not None
        hidden = self.words.isHidden()
        needed = layout.minimumSize().width() + hidden * (self.words.sizeHint().width() + layout.spacing())
        self.words.setVisible(self._roomy and needed <= self.width())


class _Strip(QWidget):
    def __init__(self) -> None:
        super().__init__()
        self.setMinimumWidth(_LEAST)
        self.setMaximumWidth(_MOST)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._sizes = False
        theme_signals.changed.connect(self._on_theme)  # a bound method: the connection ends with the widget

    def show_sizes(self, on: bool) -> None:
        """Show the colours of sizes, or those of differences."""
        if on != self._sizes:
            self._sizes = on
            self.update()

    def _on_theme(self) -> None:
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(_MOST, _HEIGHT + 2)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        frame = QRectF(0.5, (self.height() - _HEIGHT) / 2 + 0.5, self.width() - 1.0, _HEIGHT - 1.0)
        shape = QPainterPath()
        shape.addRoundedRect(frame, 3.0, 3.0)
        painter.save()
        painter.setClipPath(shape)
        painter.drawImage(frame, sized(_RAMP, -1.0, 1.0) if self._sizes else colored(_RAMP, 1.0))
        painter.restore()
        painter.setPen(QPen(current_theme().color("muted"), 1.0))
        painter.drawPath(shape)
        if not self._sizes:
            x = frame.center().x()
            painter.drawLine(QPointF(x, frame.top()), QPointF(x, frame.bottom()))
        painter.end()
