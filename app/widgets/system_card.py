"""Cards to pick a system from: a small live drawing over the title."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFont, QFontMetrics, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QButtonGroup, QGridLayout, QSizePolicy, QWidget

from app.style.theme import current_theme, small_font, text_scale, theme_signals
from app.widgets.frame_tiles import paint_picture
from app.widgets.scene_painter import SceneView, paint_scene, truth_style
from app.widgets.text import rich, set_tip
from hnn_engine.camera import Camera
from hnn_engine.systems import System

_SIZE = QSize(66, 60)
_LINE = 14  # of a title
_MOST_IN_THREES = 12  # cards: with more, rows of four keep the constants below them in autoencoder
_SLACK = 4  # pixels: text that just fits by its metrics may be wrapped all the same
_MOVES = {Qt.Key.Key_Left: (0, -1), Qt.Key.Key_Right: (0, 1), Qt.Key.Key_Up: (-1, 0), Qt.Key.Key_Down: (1, 0)}


def paint_frame(painter: QPainter, card: QAbstractButton) -> None:
    """Paint the frame of a card: chosen, under the pointer, or with the keyboard."""
    theme = current_theme()
    strong = card.isChecked() or card.hasFocus()
    width = 2.0 if card.isChecked() else 1.0
    painter.setPen(QPen(theme.color("accent" if strong else "line"), width))
    painter.setBrush(theme.color("hover" if card.underMouse() and not card.isChecked() else "panel"))
    inset = width / 2
    painter.drawRoundedRect(QRectF(card.rect()).adjusted(inset, inset, -inset, -inset), 6, 6)
    if card.isChecked() and card.hasFocus():
        painter.setPen(QPen(theme.color("accent"), 1.0, Qt.PenStyle.DotLine))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(QRectF(card.rect()).adjusted(3.5, 3.5, -3.5, -3.5), 4, 4)


class SystemCard(QAbstractButton):
    """One system, drawn by the code that draws the scene. What owns the clock calls `set_state`.

    `stepped(rows, columns)`: an arrow key asks for a neighbour.
    """

    stepped = Signal(int, int)

    def __init__(self, system: System, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._system = self._drawn = system
        self._q: npt.NDArray[np.float64] = np.array(system.default_start[: system.dof])
        self._measured: tuple[tuple[int, str], tuple[QFont, bool]] | None = None
        self.setCheckable(True)
        self.setText(system.title)
        set_tip(self, rich("<b>{}</b><br>{}", system.title, system.summary))
        self.setAccessibleName(system.title)
        self.setAccessibleDescription(system.summary)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        theme_signals.changed.connect(self._on_theme)

    @property
    def system(self) -> System:
        """The system on this card."""
        return self._system

    def set_state(self, q: npt.NDArray[np.float64], system: System | None = None) -> None:
        """Draw configuration `q` `(dof,)` from the next frame on, with the constants of `system` if it is given."""
        self._q, self._drawn = q, system or self._system
        self.update(self._drawing_rect())

    def sizeHint(self) -> QSize:
        return _SIZE * text_scale(self.font())

    def minimumSizeHint(self) -> QSize:
        return QSize(56, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paint_frame(painter, self)
        area = self._drawing_rect()
        if self._drawn.observed:
            self._paint_picture(painter, area)
        else:
            view = SceneView(self._drawn.bounds, (area.x(), area.y(), area.width(), area.height()))
            painter.setClipRect(area)
            paint_scene(painter, view, self._drawn.geometry(self._q), truth_style(fine=True))
            painter.setClipping(False)
        self._paint_title(painter)
        painter.end()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        move = _MOVES.get(Qt.Key(event.key()))
        if move is None:
            super().keyPressEvent(event)
        else:
            self.stepped.emit(*move)

    def _paint_picture(self, painter: QPainter, area: QRect) -> None:
        """What a camera sees of it."""
        camera = Camera()
        side = max(min(area.width(), area.height()) // camera.size, 1) * camera.size  # every pixel a square
        place = QRectF(area.x() + (area.width() - side) // 2, area.y() + (area.height() - side) // 2, side, side)
        paint_picture(painter, place, camera.render(self._q[:1])[0])

    def _paint_title(self, painter: QPainter) -> None:
        painter.setFont(self._title_font())
        painter.setPen(current_theme().color("ink" if self.isChecked() else "muted"))
        area = QRect(1, self.height() - self._title_height() - 3, self.width() - 2, self._title_height())
        painter.drawText(area, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self.text())

    def _drawing_rect(self) -> QRect:
        return QRect(5, 5, self.width() - 10, self.height() - self._title_height() - 10)

    def _title_height(self) -> int:
        """One line, or two where the title is longer than the card is wide."""
        return _LINE if self._title_layout()[1] else 2 * _LINE

    def _title_font(self) -> QFont:
        """A smaller one for a long title, if that spares it a second line."""
        return self._title_layout()[0]

    def _title_layout(self) -> tuple[QFont, bool]:
        """The title's font, and whether it fits into one line; measured once for a width and a font."""
        key = self.width(), self.font().key()
        if self._measured is None or self._measured[0] != key:
            usual, small = (small_font(self.font(), share) for share in (0.75, 0.7))
            fits = self._fits(usual)
            font = small if not fits and self._fits(small) else usual
            self._measured = key, (font, fits or font is small)
        return self._measured[1]

    def _fits(self, font: QFont) -> bool:
        return QFontMetrics(font).horizontalAdvance(self.text()) <= self.width() - 2 - _SLACK

    def _on_theme(self) -> None:
        self.update()


class CardGrid(QWidget):
    """Cards in rows, one of them chosen. `chosen(name)` when the user picks another; arrow keys move.

    A row holds three cards, or four narrower ones where there are more than twelve.
    """

    chosen = Signal(str)

    def __init__(self, systems: Sequence[System], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._columns = columns = 3 if len(systems) <= _MOST_IN_THREES else 4
        self._cards = {system.name: SystemCard(system) for system in systems}
        self._group = QButtonGroup(self)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(4)
        for index, card in enumerate(self._cards.values()):
            self._group.addButton(card, index)
            grid.addWidget(card, index // columns, index % columns)
            card.stepped.connect(lambda rows, columns, card=card: self._on_stepped(card, rows, columns))
        self._current = ""
        self._group.buttonToggled.connect(self._on_toggled)

    def card(self, name: str) -> SystemCard:
        """Return the card of system `name`."""
        return self._cards[name]

    def cards(self) -> dict[str, SystemCard]:
        """Return all cards by name."""
        return dict(self._cards)

    def current(self) -> str:
        """Return the chosen system's name, or '' where none is chosen."""
        return self._current

    def select(self, name: str) -> None:
        """Mark system `name` without a signal; a name without a card (a recording) marks none."""
        self._current = name if name in self._cards else ""
        self._group.setExclusive(bool(self._current))
        for key, card in self._cards.items():
            card.setChecked(key == self._current)
        self._group.setExclusive(True)

    def _on_stepped(self, card: SystemCard, rows: int, columns: int) -> None:
        cards = list(self._cards.values())
        index = cards.index(card) + rows * self._columns + columns
        if 0 <= index < len(cards):
            cards[index].setFocus(Qt.FocusReason.TabFocusReason)
            cards[index].setChecked(True)

    def _on_toggled(self, card: QAbstractButton, on: bool) -> None:
        if on and isinstance(card, SystemCard) and card.system.name != self._current:
            self._current = card.system.name
            self.chosen.emit(self._current)
