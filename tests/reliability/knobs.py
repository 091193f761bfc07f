"""The part of the hand that changes numbers and choices: forms, models, recipe, what is looked at."""

import asyncio

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QComboBox

from app.widgets.parameter_form import ParameterForm
from app.widgets.parameter_row import ParameterRow
from tests.reliability.fingers import Fingers

# Numbers that would let one fit, one data set or one rollout take minutes stay small here.
SMALL: dict[str, tuple[float, float]] = {
    "trajectories": (2, 40),
    "points": (5, 40),
    "frames": (8, 30),
    "size": (8, 28),
    "horizon": (0.5, 25),
    "dt": (0.01, 0.5),
    "width": (2, 40),
    "depth": (1, 2),
    "features": (8, 40),
    "steps": (1, 300),
    "batch": (0, 64),
    "patience": (10, 500),
    "seeds": (1, 3),
}
NONSENSE = ("", "abc", "-1e9", "1e999", "nan", "0x10", "1,5", "½", "1e-320", "  7  ", "9" * 40)


class Knobs(Fingers):
    """Works at the forms, the boxes and the switches."""

    def __init__(self, *parts: object) -> None:
        super().__init__(*parts)  # type: ignore[arg-type]
        self.acts = [
            (self.set_a_parameter, 10),
            (self.count_bodies, 2),
            (self.unfold, 2),
            (self.choose_models, 3),
            (self.choose_a_recipe, 3),
            (self.choose_a_beginning, 1),
            (self.live_fit, 2),
            (self.switch_in_the_portrait, 4),
            (self.choose_in_the_portrait, 2),
            (self.choose_an_energy, 1),
            (self.choose_a_speed, 1),
            (self.steer, 3),
            (self.say_when, 1),
        ]

    async def set_a_parameter(self) -> None:
        forms = [form for form in self.bench.window.findChildren(ParameterForm) if form.isVisible()]
        if forms:
            form = self.dice.choice(forms)
            self._turn(form.row(self.dice.choice(list(form.values()))))

    async def count_bodies(self) -> None:
        """Of the n bodies: to them first, where they are not on screen."""
        system = self.bench.window.system
        if self.bench.experiment.source_name != "n-body":
            self.press_if_possible(system.cards.card("n-body"))
        elif system._form is not None:
            self._turn(system._form.row("bodies"))

    def _turn(self, row: ParameterRow) -> None:
        """Change what one row stands for, by the control that it has."""
        controls = [control for control in row.controls() if control.isVisible() and control.isEnabled()]
        if not controls:
            return
        self.trail.add(row.parameter.name)
        small = SMALL.get(row.parameter.name)
        if row.combo is not None:
            row.combo.setFocus()
            row.combo.setCurrentIndex(self.dice.choice(_enabled(row.combo)))  # as by its list
        elif row.check is not None:
            self.press_if_possible(row.check)
        elif row.slider in controls and small is None and self.chance(0.6):
            assert row.slider is not None
            self.bench.slide(row.slider, self.dice.random())
        elif row.box is not None:
            text = self._number(row, small)
            self.trail.add(repr(text))
            self.enter(row.box, text)
            self.bench.key(Qt.Key.Key_Return, widget=row.box)

    def _number(self, row: ParameterRow, small: tuple[float, float] | None) -> str:
        """What is typed: mostly a number that is allowed."""
        parameter = row.parameter
        if self.chance(0.15):
            return self.dice.choice(NONSENSE)
        low, high = small or (max(parameter.low, -1e3), min(parameter.high, 1e3))
        value = self.dice.uniform(low, high) if self.chance(0.9) else self.dice.choice((low, high))
        return str(round(value)) if isinstance(parameter.default, int) else f"{value:.4g}"

    async def unfold(self) -> None:
        window = self.bench.window
        openers: list[QAbstractButton] = [window.training.models.opener]
        openers += [part.section.more_button for part in (window.system, window.data, window.training)]
        self.press_if_possible(self.dice.choice(openers))

    async def choose_models(self) -> None:
        for check in self.dice.sample(list(self.bench.window.training.checks.values()), 2):
            self.press_if_possible(check)
            await asyncio.sleep(0)

    async def choose_a_recipe(self) -> None:
        await self.nudge(self.bench.window.training.recipe)

    async def choose_a_beginning(self) -> None:
        await self.nudge(self.bench.window.training.beginning)

    async def live_fit(self) -> None:
        self.press_if_possible(self.bench.window.training.live)

    async def switch_in_the_portrait(self) -> None:
        self.press_if_possible(self.dice.choice(list(self.bench.window.portrait.switches.values())))

    async def choose_in_the_portrait(self) -> None:
        portrait = self.bench.window.portrait
        await self.nudge(self.dice.choice((portrait.x_axis, portrait.y_axis, portrait.field_of)))

    async def choose_an_energy(self) -> None:
        await self.nudge(self.bench.window.energy.choice)

    async def choose_a_speed(self) -> None:
        await self.nudge(self.bench.window.playback_bar.speed)

    async def steer(self) -> None:
        self.press_if_possible(self.dice.choice(list(self.bench.window.playback_bar.steers.values())))

    async def say_when(self) -> None:
        """Open the small form beside the signs, and change something in it."""
        bar = self.bench.window.playback_bar
        menu = bar.when.menu()
        if not (bar.when.isVisible() and bar.when.isEnabled()):
            return
        menu.popup(bar.when.mapToGlobal(bar.when.rect().bottomLeft()))
        await self.bench.frames(2)
        self._turn(bar.steering.row(self.dice.choice(list(bar.steering.values()))))
        menu.close()
        await self.bench.in_front()


def _enabled(box: QComboBox) -> list[int]:
    """The entries that are not greyed out."""
    model = box.model()
    return [i for i in range(box.count()) if model.flags(model.index(i, 0)) & Qt.ItemFlag.ItemIsEnabled]
