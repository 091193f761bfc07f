"""A seeded hand that does one random thing after another: all that a person can do with mouse, keys and menus."""

import asyncio
import random
from pathlib import Path

from PySide6.QtCore import QPointF, Qt
from PySide6.QtWidgets import QAbstractButton, QApplication, QWidget

from app.style.theme import current_theme
from hnn_engine.systems import SYSTEMS
from tests.app.bench import CTRL, NO_KEY, SHIFT, Bench
from tests.reliability.desk import Desk
from tests.reliability.fingers import Fingers, Trail
from tests.reliability.fits import Fits
from tests.reliability.knobs import Knobs
from tests.reliability.pen import Pen

OF_PLAY = (Qt.Key.Key_Space, Qt.Key.Key_Period, Qt.Key.Key_Comma, Qt.Key.Key_Home, Qt.Key.Key_End)


class Places(Fingers):
    """Works at the systems, the start, time, the panels and the undo history."""

    def __init__(self, *parts: object) -> None:
        super().__init__(*parts)  # type: ignore[arg-type]
        self.acts = [
            (self.pick_a_system, 3),
            (self.pick_what_is_filmed, 1),
            (self.pick_what_is_drawn, 3),
            (self.open_an_experiment, 1),
            (self.drag_in_the_portrait, 3),
            (self.drag_in_the_scene, 3),
            (self.undo_or_redo, 4),
            (self.storm, 1),
            (self.play, 3),
            (self.switch_the_theme, 1),
            (self.hide_or_show, 1),
            (self.float_or_dock, 1),
            (self.reset_the_layout, 1),
            (self.resize, 1),
            (self.read_the_keys, 1),
        ]

    async def pick_a_system(self) -> None:
        self._pick(list(SYSTEMS))

    async def pick_what_is_filmed(self) -> None:
        self._pick([name for name, system in SYSTEMS.items() if system.observed])

    async def pick_what_is_drawn(self) -> None:
        self._pick([name for name, system in SYSTEMS.items() if not system.observed and system().dof == 1])

    def _pick(self, names: list[str]) -> None:
        self.press_if_possible(self.bench.window.system.cards.card(self.dice.choice(names)))

    async def open_an_experiment(self) -> None:
        menu = self.bench.window.system.presets_menu
        if not menu.actions():
            menu.aboutToShow.emit()
        action = self.dice.choice([a for a in menu.actions() if a.text() and not a.isSeparator()])
        self.trail.add(action.text())
        await self.desk.errand(action.trigger)

    desk: Desk

    async def drag_in_the_portrait(self) -> None:
        panel = self.bench.window.portrait
        plot = panel.plot
        await self._drag(plot, panel.start_pixel() if self.chance(0.7) else self.place(plot))

    async def drag_in_the_scene(self) -> None:
        scene = self.bench.window.scene
        state = scene._draggable_state()
        bodies = [scene.view.pixel(at) for at in scene._bodies(state)]
        await self._drag(scene, self.dice.choice([*bodies, *scene._tips(state), self.place(scene)]))

    async def _drag(self, widget: QWidget, start: QPointF) -> None:
        if not widget.isVisible():
            return
        fine = SHIFT if self.chance(0.2) else NO_KEY
        escape, end = self.chance(0.15), self.place(widget)
        await self.bench.drag(widget, start, end, fine, self.dice.randint(2, 12), let_go=False)
        if self.chance(0.15):
            await self.something_amid()
            for share in (0.7, 0.3):  # the hand moves on, whatever that has changed
                self.bench.move(widget, start + (end - start) * share, fine)
        if escape:
            self.trail.add("Escape")
            self.bench.key(Qt.Key.Key_Escape, widget=widget)
        self.bench.release(widget, end, fine)

    async def undo_or_redo(self) -> None:
        await self._undo_or_redo(self.dice.randint(1, 4), 0.4)

    async def storm(self) -> None:
        await self._undo_or_redo(self.dice.randint(10, 60), self.dice.choice((0.1, 0.5, 0.9)))

    async def _undo_or_redo(self, times: int, redo: float) -> None:
        for _ in range(times):
            self.key(Qt.Key.Key_Z, CTRL | SHIFT if self.chance(redo) else CTRL)
            await asyncio.sleep(0)

    async def play(self) -> None:
        self.key(
            self.dice.choice((Qt.Key.Key_Space, Qt.Key.Key_Period, Qt.Key.Key_Comma, Qt.Key.Key_Home, Qt.Key.Key_End))
        )

    async def switch_the_theme(self) -> None:
        self.key(Qt.Key.Key_D, CTRL)

    async def hide_or_show(self) -> None:
        self.dice.choice(list(self.bench.window.docks.values())).toggleViewAction().trigger()

    async def float_or_dock(self) -> None:
        """By the button in the frame of a panel."""
        dock = self.dice.choice(list(self.bench.window.docks.values()))
        button = dock.findChild(QAbstractButton, "qt_dockwidget_floatbutton")
        if button is not None and self.press_if_possible(button):
            self.trail.add(dock.objectName())
            await self.bench.frames(2)
            await self.bench.in_front()

    async def reset_the_layout(self) -> None:
        self.key(Qt.Key.Key_0, CTRL)

    async def resize(self) -> None:
        self.bench.window.resize(self.dice.randint(1280, 1700), self.dice.randint(800, 1000))

    async def read_the_keys(self) -> None:
        self.key(Qt.Key.Key_F1)
        await self.bench.frames(2)
        assert self.bench.window._help is not None
        self.bench.key(Qt.Key.Key_Escape, widget=self.bench.window._help)
        await self.bench.in_front()


class Hand:
    """The whole hand. `done` counts its acts; the trail says what was done last."""

    def __init__(self, bench: Bench, seed: int, folder: Path) -> None:
        self.bench, self.dice = bench, random.Random(seed)
        self.trail = Trail(folder.with_suffix(".trail"))
        self.done: dict[str, int] = {}
        parts = bench, self.dice, self.trail
        folder.mkdir(exist_ok=True)
        self.desk = Desk(folder, *parts)
        places = Places(*parts)
        places.desk = self.desk
        self.parts: list[Fingers] = [places, Pen(*parts), Knobs(*parts), Fits(*parts), self.desk]
        self.acts = [act for part in self.parts for act in part.acts]

    async def act(self) -> None:
        """Do something, and see that nothing is left standing open."""
        (deed,) = self.dice.choices([a for a, _ in self.acts], [w for _, w in self.acts])
        self.trail.begin(deed.__name__)
        await deed()
        self.done[deed.__name__] = self.done.get(deed.__name__, 0) + 1
        await self.bench.frames(self.dice.randint(1, 6))
        assert self.bench.unforeseen == [], self.bench.unforeseen
        assert QApplication.activeModalWidget() is None, "a dialog is left open"

    async def tidy(self) -> None:
        """Bring the window to where it began: a new document on the pendulum, every panel in its place."""
        self.trail.begin("tidy")
        window = self.bench.window
        if window._race is not None and window._race.isVisible():
            self.bench.key(Qt.Key.Key_Escape, widget=window._race)
        self.bench.lab.training.stop()
        await self.bench.ended()
        before = self.bench.document._saved
        while self.bench.document._saved is before:
            await self.desk.new()
        self.desk.forget()
        if current_theme().dark:
            self.bench.key(Qt.Key.Key_D, CTRL, window)
        window.resize(1440, 900)
        await self.bench.in_front()
        self.bench.key(Qt.Key.Key_0, CTRL, window)
        await self.bench.settled()
