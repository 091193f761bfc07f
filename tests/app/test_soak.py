"""A minute of random use by a seeded hand: nothing breaks, nothing leaks, and the window still answers."""

import random
import threading
import time
from collections.abc import Awaitable, Callable

import numpy as np
import psutil
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtWidgets import QApplication, QWidget

from app.document import ENERGY_OF
from app.transport import SPEEDS
from hnn_engine.datasets import Dataset
from hnn_engine.records import Run
from hnn_engine.systems import SYSTEMS
from tests.app.bench import CTRL, SHIFT, Bench

SECONDS = 60.0
SETTLED = 20.0  # seconds after which memory should hardly grow
GROWTH = 120.0  # MB, beside what is kept on purpose
SEED = 20261101


class Hand:
    """Does one random thing after another."""

    def __init__(self, bench: Bench, seed: int) -> None:
        self.bench, self.random = bench, random.Random(seed)
        self.done: dict[str, int] = {}
        self.acts: list[tuple[Callable[[], Awaitable[None]], int]] = [
            (self.pick_a_system, 2),
            (self.pick_what_is_filmed, 1),
            (self.drag_in_the_portrait, 5),
            (self.drag_in_the_scene, 5),
            (self.slide, 4),
            (self.train_or_pause, 4),
            (self.stop, 2),
            (self.undo_or_redo, 5),
            (self.play, 4),
            (self.switch_the_theme, 1),
            (self.look, 3),
            (self.hide_or_show, 1),
            (self.resize, 1),
        ]

    async def act(self) -> None:
        """Do something."""
        (deed,) = self.random.choices([a for a, _ in self.acts], [w for _, w in self.acts])
        await deed()
        self.done[deed.__name__] = self.done.get(deed.__name__, 0) + 1
        await self.bench.frames(self.random.randint(1, 6))

    def _place(self, widget: QWidget) -> QPointF:
        return QPointF(self.random.uniform(5, widget.width() - 5), self.random.uniform(5, widget.height() - 5))

    async def _drag(self, widget: QWidget, start: QPointF) -> None:
        if not widget.isVisible():
            return
        fine = SHIFT if self.random.random() < 0.2 else Qt.KeyboardModifier.NoModifier
        steps = self.random.randint(2, 12)
        escape = self.random.random() < 0.15
        end = self._place(widget)
        await self.bench.drag(widget, start, end, fine, steps, let_go=not escape)
        if escape:
            self.bench.key(Qt.Key.Key_Escape, widget=widget)
            self.bench.release(widget, end)

    async def pick_a_system(self) -> None:
        self._pick(list(SYSTEMS))

    async def pick_what_is_filmed(self) -> None:
        self._pick([name for name, system in SYSTEMS.items() if system.seen])

    def _pick(self, names: list[str]) -> None:
        card = self.bench.window.system.cards.card(self.random.choice(names))
        if card.isVisible():
            self.bench.click(card)

    async def drag_in_the_portrait(self) -> None:
        panel = self.bench.window.portrait
        plot = panel.plot.viewport()
        near = panel.start_pixel() if self.random.random() < 0.7 else self._place(plot)
        await self._drag(plot, near)

    async def drag_in_the_scene(self) -> None:
        scene = self.bench.window.scene
        state = scene._hand_state()
        bodies = [scene.view.pixel(at) for at in scene._bodies(state)]
        await self._drag(scene, self.random.choice([*bodies, *scene._tips(state), self._place(scene)]))

    async def slide(self) -> None:
        form = self.bench.window.system._form
        assert form is not None
        slider = form.row(self.random.choice(list(form.values()))).slider
        if slider is not None and slider.isVisible():
            self.bench.slide(slider, self.random.random())

    async def train_or_pause(self) -> None:
        button = self.bench.window.training.button
        if not self.bench.lab.jobs.running:
            self.bench.small_fit(self.random.randint(20, 400), self.random.choice((8, 32)))
        if button.isVisible() and button.isEnabled():
            self.bench.click(button)

    async def stop(self) -> None:
        button = self.bench.window.training.stop_button
        if button.isVisible() and button.isEnabled():
            self.bench.click(button)

    async def undo_or_redo(self) -> None:
        modifiers = CTRL | SHIFT if self.random.random() < 0.4 else CTRL
        for _ in range(self.random.randint(1, 4)):
            self.bench.key(Qt.Key.Key_Z, modifiers, self.bench.window)

    async def play(self) -> None:
        keys = (Qt.Key.Key_Space, Qt.Key.Key_Period, Qt.Key.Key_Comma, Qt.Key.Key_Home, Qt.Key.Key_End)
        self.bench.key(self.random.choice(keys), widget=self.bench.window)

    async def switch_the_theme(self) -> None:
        self.bench.key(Qt.Key.Key_D, CTRL, self.bench.window)

    async def look(self) -> None:
        axes = tuple(self.random.sample(range(2 * self.bench.experiment.stage.dof), 2))
        field = self.random.choice(("truth", "baseline", "hnn"))
        view = {"compare": self.random.random() < 0.5, "energy_of": self.random.choice(ENERGY_OF)}
        self.bench.document.look(axes=axes, field=field, speed=self.random.choice(SPEEDS), **view)

    async def hide_or_show(self) -> None:
        self.random.choice(list(self.bench.window.docks.values())).toggleViewAction().trigger()

    async def resize(self) -> None:
        self.bench.window.resize(self.random.randint(1280, 1700), self.random.randint(800, 1000))


def megabytes() -> float:
    """Resident memory of this process."""
    return float(psutil.Process().memory_info().rss) / 1e6


def array_bytes(thing: object) -> int:
    """The bytes of the arrays in a dictionary or in the fields of an object."""
    values = thing.values() if isinstance(thing, dict) else vars(thing).values()
    return sum(v.nbytes for v in values if isinstance(v, np.ndarray))


def run_bytes(run: Run) -> int:
    """The bytes of what is kept of a run: its weights, those of its eye, and its losses."""
    sight = run.snapshot.sight
    seen = array_bytes(sight.weights) if sight is not None else 0
    return array_bytes(run.snapshot.weights) + seen + array_bytes(run.history)


def data_bytes(data: Dataset | None) -> int:
    """The bytes of the training data on screen, frames included."""
    if data is None:
        return 0
    return array_bytes(data) + (array_bytes(data.views) if data.views is not None else 0)


async def held(bench: Bench) -> float:
    """Memory between two jobs, MB, but for the runs and the data on screen."""
    bench.lab.stop()
    await bench.ended()
    await bench.until(lambda: not bench.lab.data.pending, "the data on screen")
    kept = sum(run_bytes(run) for run in bench.document.state.runs) + data_bytes(bench.lab.dataset)
    return megabytes() - kept / 1e6


@pytest.mark.soak
@pytest.mark.timeout(240)
@pytest.mark.usefixtures("unjudged")
async def test_a_minute_of_random_use(bench: Bench) -> None:
    await bench.warm()
    hand, began, early = Hand(bench, SEED), time.monotonic(), 0.0
    while (passed := time.monotonic() - began) < SECONDS:
        await hand.act()
        if passed > SETTLED and not early:
            early = await held(bench)
    assert bench.unforeseen == []
    assert bench.error_dialogs() == []
    assert sum(hand.done.values()) > 100
    assert len(hand.done) == len(hand.acts), "something was never done"
    assert await held(bench) - early < GROWTH
    await still_answers(bench)


async def still_answers(bench: Bench) -> None:
    """End what goes on; then everything must work as at the beginning."""
    bench.key(Qt.Key.Key_0, CTRL, bench.window)
    bench.lab.stop()
    await bench.ended()
    names = {t.name for t in threading.enumerate()}
    assert "fitting" not in names
    while bench.document.undo_label:
        bench.document.undo()
    assert not bench.document.dirty or bench.document.state.runs
    await bench.pick("mass-spring" if bench.experiment.source_name == "pendulum" else "pendulum")
    assert bench.truth[0].tolist() == list(bench.experiment.start)
    bench.small_fit(10, 8)
    await bench.train()
    assert len(bench.answer.models) == 2
    at = QPoint(bench.window.scene.rect().center())
    assert QApplication.widgetAt(bench.window.scene.mapToGlobal(at)) is bench.window.scene
