"""Formulas as they are printed, one below the other, as wide as there is room for."""

from dataclasses import dataclass

from PySide6.QtCore import QSize
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.style.theme import current_theme, theme_signals
from app.widgets.formula_boxes import Box
from app.widgets.formula_layout import set_lines
from hnn_engine.formulas.expression import Expression, written

SIZE = 17.0  # pixels of a letter
GAP = 7.0  # between formulas
LEAST = 0.45  # of the size, for a formula that is too wide even when it is broken


@dataclass(frozen=True)
class Equation:
    """`left = right`; without `left`, `right` alone."""

    left: Expression | None
    right: Expression


class FormulaView(QWidget):
    """Shows equations. `set_stale` pales them: what is being typed is none yet."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._equations: tuple[Equation, ...] = ()
        self._lines: list[tuple[Box, float]] = []  # with the scale that each is painted in
        self._stale = False
        self._laid: tuple[tuple[Equation, ...], int] | None = None
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme_signals.changed.connect(self._on_theme)

    @property
    def equations(self) -> tuple[Equation, ...]:
        """What is shown."""
        return self._equations

    @property
    def stale(self) -> bool:
        """Whether what is shown is paled."""
        return self._stale

    def show_equations(self, equations: tuple[Equation, ...]) -> None:
        """Show these and no others."""
        self._equations = equations
        self.setAccessibleDescription("; ".join(map(_words, equations)))
        self.set_stale(False)
        self._lay()

    def set_stale(self, stale: bool) -> None:
        """Pale what is shown, or show it plainly."""
        if stale != self._stale:
            self._stale = stale
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(240, self.height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._lay()

    def _lay(self) -> None:
        key = self._equations, self.width()
        if key == self._laid:
            return
        self._laid = key
        room = max(self.width() - 4.0, 40.0)
        self._lines = []
        for one in self._equations:
            for line in set_lines(one.left, one.right, SIZE, room):
                self._lines.append((line, min(1.0, max(LEAST, room / max(line.width, 1.0)))))
        height = sum(scale * (line.up + line.down) + GAP for line, scale in self._lines)
        self.setFixedHeight(round(height + GAP) if self._lines else 0)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        painter.setOpacity(0.4 if self._stale else 1.0)
        painter.setPen(current_theme().color("ink"))
        y = GAP
        for line, scale in self._lines:
            painter.save()
            painter.translate(2.0, y)
            painter.scale(scale, scale)
            line.paint(painter, 0.0, line.up)
            painter.restore()
            y += scale * (line.up + line.down) + GAP
        painter.end()

    def _on_theme(self) -> None:
        self.update()


def _words(one: Equation) -> str:
    right = written(one.right)
    return right if one.left is None else f"{written(one.left)} = {right}"
