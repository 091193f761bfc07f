"""The part of the hand that draws, moves and erases data in the phase portrait."""

import asyncio
import math

from PySide6.QtCore import QPointF, Qt

from tests.app.bench import CTRL, FRAME, NO_KEY
from tests.reliability.fingers import Fingers

# Seconds from one move of the mouse to the next, points of the stroke, and how far it reaches in pixels.
STROKES = {
    "slow": (2.5 * FRAME, 12, 150.0),
    "usual": (FRAME, 25, 120.0),
    "fast": (0.0, 30, 150.0),
    "few": (6 * FRAME, 3, 80.0),
    "tiny": (FRAME, 12, 2.0),
    "far": (FRAME, 20, 900.0),
}


class Pen(Fingers):
    """Works with the tools of the data panel."""

    def __init__(self, *parts: object) -> None:
        super().__init__(*parts)  # type: ignore[arg-type]
        self.acts = [
            (self.take_a_tool, 1),
            (self.draw, 5),
            (self.move_data, 5),
            (self.erase, 3),
            (self.reset_the_data, 1),
            (self.only_what_is_drawn, 1),
        ]

    async def take_a_tool(self) -> None:
        self.press_if_possible(self.dice.choice(list(self.bench.window.data.tools.buttons.values())))

    async def reset_the_data(self) -> None:
        self.press_if_possible(self.bench.window.data.tools.clear)

    async def only_what_is_drawn(self) -> None:
        self.press_if_possible(self.bench.window.data.tools.only)

    async def draw(self) -> None:
        if self._holds("draw"):
            kind = self.dice.choice(list(STROKES))
            pause, count, reach = STROKES[kind]
            self.trail.add(kind)
            plot = self.bench.window.portrait.plot
            await self._go(self._path(self.place(plot), count, reach), pause)

    async def move_data(self) -> None:
        if self._holds("move"):
            near = self._at_a_dot()
            whole = CTRL if self.chance(0.3) else NO_KEY
            await self._go(
                self._path(near, self.dice.randint(2, 10), self.dice.choice((3.0, 40.0, 600.0))), FRAME, whole
            )

    async def erase(self) -> None:
        if self._holds("erase"):
            whole = CTRL if self.chance(0.3) else NO_KEY
            path = self._path(self._at_a_dot(), self.dice.randint(1, 12), self.dice.choice((20.0, 100.0)))
            await self._go(path, FRAME, whole)

    def _holds(self, tool: str) -> bool:
        """Take `tool` into the hand; return whether it can work now."""
        window = self.bench.window
        button = window.data.tools.buttons[tool]
        if not (button.isVisible() and button.isEnabled() and window.portrait.plot.isVisible()):
            return False
        if not button.isChecked():
            self.bench.click(button)
        return window.portrait.editor.tool == tool

    def _at_a_dot(self) -> QPointF:
        """The pixel of one of the dots that are drawn, or any other."""
        panel = self.bench.window.portrait
        if not len(panel.dots.at) or self.chance(0.1):
            return self.place(panel.plot)
        x, y = self.dice.choice(panel.dots.at.tolist())
        return panel.plot.view.pixel(x, y)

    def _path(self, begin: QPointF, count: int, reach: float) -> list[QPointF]:
        """An arc of `count` + 1 points that begins at `begin` and ends some `reach` pixels away."""
        turn, bend = self.dice.uniform(0, 2 * math.pi), self.dice.uniform(-2.5, 2.5)
        steps = [turn + bend * i / count for i in range(count)]
        path = [begin]
        for angle in steps:
            path.append(path[-1] + QPointF(math.cos(angle), math.sin(angle)) * (reach / count))
        return path

    async def _go(self, path: list[QPointF], pause: float, modifiers: Qt.KeyboardModifier = NO_KEY) -> None:
        """Press, move along `path` with `pause` seconds between the moves, and let go or press Escape."""
        plot = self.bench.window.portrait.plot
        amid = self.dice.randrange(len(path)) if self.chance(0.2) else -1
        self.bench.press(plot, path[0], modifiers)
        for i, point in enumerate(path):
            self.bench.move(plot, point, modifiers)
            await asyncio.sleep(pause)
            if i == amid:
                await self.something_amid()
        if self.chance(0.15):
            self.trail.add("Escape")
            self.bench.key(Qt.Key.Key_Escape, widget=plot)
        self.bench.release(plot, path[-1], modifiers)
        await self.bench.frames(1)
