"""A pointer that drags finely while Shift is down."""

from PySide6.QtCore import QPointF, Qt

FINE = 0.15  # of the pointer's way, while Shift is down
SLACK = 2.0  # pixels before a press becomes a drag


class FinePointer:
    """Follows a drag. `target` is where the grabbed point should be, in pixels, the offset of the press kept."""

    def __init__(self, pressed: QPointF, grabbed: QPointF) -> None:
        self._last = self._pressed = QPointF(pressed)
        self.target = QPointF(grabbed)
        self._begun = False

    def moved(self, at: QPointF, modifiers: Qt.KeyboardModifier) -> bool:
        """Follow the pointer to `at`; return whether this is a drag (and no trembling of a click)."""
        if not self._begun and (at - self._pressed).manhattanLength() < SLACK:
            return False
        self._begun = True
        share = FINE if modifiers & Qt.KeyboardModifier.ShiftModifier else 1.0
        self.target += (at - self._last) * share
        self._last = QPointF(at)
        return True
