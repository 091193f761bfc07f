"""The part of the hand that trains, lets recipes race, and works at the table of runs."""

from typing import Any

from PySide6.QtCore import QItemSelectionModel, QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QStyle, QStyleOptionViewItem

from app.dialogs.race_window import RaceWindow
from hnn_engine.experiment import model_spec
from hnn_engine.parameters import AUTO
from tests.app.bench import CTRL, LEFT, NO_KEY, SHIFT
from tests.reliability.fingers import Fingers

TITLES = ("a", "Zweiter Lauf · Ĥ", "<b>bold</b> & <img src='x'>", "  ", "../../x", "九" * 30, "long " * 60, 'q"\\n,;')


class Fits(Fingers):
    """Trains small networks for a few steps."""

    def __init__(self, *parts: object) -> None:
        super().__init__(*parts)  # type: ignore[arg-type]
        self.acts = [
            (self.train_or_pause, 6),
            (self.stop, 3),
            (self.open_or_mind_the_race, 2),
            (self.rename_a_run, 2),
            (self.hide_or_show_a_run, 3),
            (self.delete_a_run, 2),
            (self.show_only_one_run, 1),
        ]

    # Training ---------------------------------------------------------------------------------------------------------

    async def train_or_pause(self) -> None:
        if not self.bench.lab.training.worker.running:
            self.stay_small()
        self.press_if_possible(self.bench.window.training.button)

    async def stop(self) -> None:
        self.press_if_possible(self.bench.window.training.stop_button)

    def stay_small(self) -> None:
        """Let the next fit and its data be small, as by the forms."""
        now, dice = self.bench.experiment, self.dice
        size = {"width": dice.choice((8, 32)), "features": 30, "steps": dice.randint(20, 400), "trajectories": 12}
        size |= {"points": 20, "frames": 15}
        models = tuple(model_spec(m.name, _with(m.settings, size)) for m in now.models)
        settings, data = _with(now.settings, size), _with(now.data, size)
        changes: dict[str, Any] = {"settings": settings, "models": models}
        if any(float(now.data[name]) > size[name] for name in now.data if name in size):  # type: ignore[arg-type]
            changes["data"] = data
        assert self.bench.lab.edit("A small fit", **changes)

    # The race ---------------------------------------------------------------------------------------------------------

    async def open_or_mind_the_race(self) -> None:
        window = self.bench.window._race
        if window is None or not window.isVisible():
            self.stay_small()
            self.key(Qt.Key.Key_R, CTRL | SHIFT)
            window = await self.bench.dialog(RaceWindow)
            self._leave_one_or_two(window)
            self.press_if_possible(window.start_button)
        elif self.chance(0.3):
            self.trail.add("close")
            self.bench.key(Qt.Key.Key_Escape, widget=window)
        else:
            self.press_if_possible(self.dice.choice((window.start_button, window.stop_button, window.keep_button)))
        await self.bench.frames(2)
        await self.bench.in_front()

    def _leave_one_or_two(self, window: RaceWindow) -> None:
        """Let few recipes race."""
        for name in self.dice.sample(window.chosen(), max(0, len(window.chosen()) - self.dice.randint(1, 2))):
            self.press_if_possible(window.checks[name])

    # The table of runs ------------------------------------------------------------------------------------------------

    async def rename_a_run(self) -> None:
        table, row = self.bench.window.runs.table, self._some_row()
        if row is None:
            return
        table.setCurrentIndex(table.model().index(row, 0))
        self.bench.key(Qt.Key.Key_F2, widget=table)
        (box,) = [one for one in table.findChildren(QLineEdit) if one.isVisible()]
        title = self.dice.choice(TITLES)
        self.enter(box, title)
        QTest.keyClick(box, Qt.Key.Key_Escape if self.chance(0.2) else Qt.Key.Key_Return)
        self.trail.add(repr(title))
        await self.bench.frames(1)

    async def hide_or_show_a_run(self) -> None:
        row = self._some_row()
        if row is not None:
            QTest.mouseClick(self.bench.window.runs.table.viewport(), LEFT, NO_KEY, self._check_box(row))

    async def delete_a_run(self) -> None:
        row = self._some_row()
        if row is not None:
            self._select(row)
            self.bench.key(Qt.Key.Key_Delete, widget=self.bench.window.runs.table)

    async def show_only_one_run(self) -> None:
        row = self._some_row()
        if row is not None:
            self._select(row)
            self.bench.window.runs.show_only()  # as from its menu

    def _some_row(self) -> int | None:
        table = self.bench.window.runs.table
        count = table.model().rowCount()
        return self.dice.randrange(count) if count and table.isVisible() else None

    def _select(self, row: int) -> None:
        table = self.bench.window.runs.table
        index = table.model().index(row, 0)
        rows = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
        table.selectionModel().select(index, rows)
        table.setCurrentIndex(index)

    def _check_box(self, row: int) -> QPoint:
        """The middle of the check box of a row, scrolled into sight."""
        table = self.bench.window.runs.table
        index = table.model().index(row, 0)
        table.scrollTo(index)
        option = QStyleOptionViewItem()
        table.initViewItemOption(option)
        option.rect = table.visualRect(index)
        option.features |= QStyleOptionViewItem.ViewItemFeature.HasCheckIndicator
        return table.style().subElementRect(QStyle.SubElement.SE_ItemViewItemCheckIndicator, option, table).center()


def _with(values: Any, size: dict[str, int]) -> dict[str, Any]:
    """Return `values` with those of `size` that they have, where they are larger or automatic."""
    small = {name: size[name] for name in size if name in values}
    return {
        **values,
        **{name: most if values[name] == AUTO else min(values[name], most) for name, most in small.items()},
    }
