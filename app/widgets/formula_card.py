"""The card of a system of one's own: as wide as the other cards together, with its formula."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from app.style.theme import current_theme, small_font, theme_signals
from app.widgets.formula_boxes import Box, row, space, text
from app.widgets.system_card import paint_frame
from app.widgets.text import set_tip

if TYPE_CHECKING:
    from hnn_engine.formulas.expression import Expression

HEIGHT = 34
SIZE = 14.0  # pixels of a letter
LEAST = 0.6  # of the size; a formula that would be smaller is not shown
MARGIN = 9
TITLE = "Your own"


class FormulaCard(QAbstractButton):
    """Shows H of what is typed, or H(q, p) before anything is."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._formula: Expression | None = None
        self.setCheckable(True)
        self.setText(TITLE)
        self.setAccessibleName(TITLE)
        self.setAccessibleDescription("Type a Hamiltonian or a Lagrangian, or choose one of many famous ones.")
        set_tip(self, "Type a Hamiltonian or a Lagrangian of your own.")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        theme_signals.changed.connect(self._on_theme)

    def show_formula(self, formula: "Expression | None") -> None:
        """Show this H from now on."""
        self._formula = formula
        self.update()

    def nextCheckState(self) -> None:
        """Leave it to what is on screen: a click asks for it."""

    def sizeHint(self) -> QSize:
        return QSize(200, HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return QSize(120, HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        paint_frame(painter, self)
        theme = current_theme()
        painter.setFont(small_font(self.font(), 0.8))
        painter.setPen(theme.color("ink" if self.isChecked() else "muted"))
        words = painter.fontMetrics().horizontalAdvance(TITLE) + 4
        painter.drawText(QRect(MARGIN, 0, words, self.height()), Qt.AlignmentFlag.AlignVCenter, TITLE)
        room = self.width() - words - 3 * MARGIN
        box = self._box()
        scale = min(1.0, room / max(box.width, 1.0), (self.height() - 6) / max(box.up + box.down, 1.0))
        if self._formula is not None and scale < LEAST:
            box, scale = _general(), 1.0
        painter.translate(self.width() - MARGIN - scale * box.width, self.height() / 2)
        painter.scale(scale, scale)
        box.paint(painter, 0.0, (box.up - box.down) / 2)
        painter.end()

    def _box(self) -> Box:
        if self._formula is None:
            return _general()
        from app.widgets.formula_layout import set_formula  # with the first formula: no start waits for it

        return set_formula(self._formula, SIZE)

    def _on_theme(self) -> None:
        self.update()


def _general() -> Box:
    """H(q, p)."""
    names = [text(name, SIZE, italic=True) for name in ("H", "q", "p")]
    return row([names[0], text("(", SIZE), names[1], text(",", SIZE), space(0.25 * SIZE), names[2], text(")", SIZE)])
