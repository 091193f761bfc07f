"""What every part of the random hand has: a bench to work at, dice, and a trail of what it did."""

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable
from pathlib import Path

from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtWidgets import QAbstractButton, QCheckBox, QComboBox, QLineEdit, QWidget

from tests.app.bench import CTRL, NO_KEY, SHIFT, Bench

Act = tuple[Callable[[], Awaitable[None]], int]  # something to do, and how often beside the others

# What is pressed in the middle of a drag: undo and redo, theme, live fit, play, time turned back, a friction climbed.
AMID = (
    (Qt.Key.Key_Z, CTRL),
    (Qt.Key.Key_Z, CTRL),
    (Qt.Key.Key_Z, CTRL | SHIFT),
    (Qt.Key.Key_D, CTRL),
    (Qt.Key.Key_L, CTRL),
    (Qt.Key.Key_R, CTRL),
    (Qt.Key.Key_Up, CTRL),
    (Qt.Key.Key_Space, NO_KEY),
)


class Trail:
    """The last things that were done, for whoever has to do them again; all of them in `file`, whatever happens."""

    def __init__(self, file: Path, length: int = 30) -> None:
        self.last: deque[str] = deque(maxlen=length)
        self.count = 0
        self._file = file

    def begin(self, act: str) -> None:
        """Note that `act` begins."""
        self.count += 1
        self.last.append(f"{self.count:5d} {act}")
        self._write(f"\n{self.last[-1]}")

    def add(self, detail: str) -> None:
        """Note something of the act under way."""
        self.last[-1] += f" · {detail}"
        self._write(f" · {detail}")

    def _write(self, text: str) -> None:
        with self._file.open("a", encoding="utf-8") as file:
            file.write(text)

    def __str__(self) -> str:
        return "\n".join(self.last)


class Fingers:
    """Base of the parts of the hand; each has `acts`."""

    def __init__(self, bench: Bench, dice: random.Random, trail: Trail) -> None:
        self.bench, self.dice, self.trail = bench, dice, trail
        self.acts: list[Act] = []

    def chance(self, share: float) -> bool:
        """Throw the dice."""
        return self.dice.random() < share

    def place(self, widget: QWidget) -> QPointF:
        """Somewhere in `widget`."""
        return QPointF(self.dice.uniform(5, widget.width() - 5), self.dice.uniform(5, widget.height() - 5))

    def press_if_possible(self, button: QAbstractButton) -> bool:
        """Click `button` where a hand could; return whether it could."""
        if not (button.isVisible() and button.isEnabled()):
            return False
        self.trail.add(button.text() or button.accessibleName())
        at = QPoint(9, button.height() // 2) if isinstance(button, QCheckBox) else None
        self.bench.click(button, at)
        return True

    async def nudge(self, box: QComboBox) -> None:
        """Choose another entry of `box` by the arrow keys."""
        if not (box.isVisible() and box.isEnabled()):
            return
        box.setFocus()
        for _ in range(self.dice.randint(1, 3)):
            self.bench.key(self.dice.choice((Qt.Key.Key_Down, Qt.Key.Key_Up)), widget=box)
            await asyncio.sleep(0)
        self.trail.add(f"{box.accessibleName()}: {box.currentText()}")

    def key(self, key: Qt.Key, modifiers: Qt.KeyboardModifier = NO_KEY) -> None:
        """Press a key that the window's menus know."""
        self.bench.key(key, modifiers, self.bench.window)

    def enter(self, box: QLineEdit, text: str) -> None:
        """Put `text` in place of what stands in `box`, as from the clipboard, which holds more than keys have."""
        box.setFocus()
        box.selectAll()
        box.insert(text)

    async def something_amid(self) -> None:
        """Press a key while the button is down."""
        key, modifiers = self.dice.choice(AMID)
        self.trail.add(f"amid: {key.name}")
        self.key(key, modifiers)
        await self.bench.frames(self.dice.randint(0, 3))
