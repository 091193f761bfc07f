"""The window of the race: which recipes, Start, two plots, and how the lanes stand, large enough for the last row."""

import asyncio
import math
from collections.abc import Iterable
from dataclasses import replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFont
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.dialogs.race_plots import RacePlots, recipe_color
from app.lab import Lab
from app.model.document import State
from app.style.theme import small_font
from app.widgets.swatch import Swatch
from app.widgets.text import PlainLabel, problem_label, quiet_label, set_tip, title_text
from app.workers.race_process import Entry, LaneEnded, Message, Raced, RaceEnded, RaceProcess
from hnn_engine.errors import one_line
from hnn_engine.experiment import Experiment, default_settings, model_spec, same_scene, same_system
from hnn_engine.fitting import RECIPES
from hnn_engine.models import MODELS, get_model
from hnn_engine.number_format import NO_BREAK, number
from hnn_engine.race import Standing, has_truth
from hnn_engine.records import Run

LARGE = 1.3  # times the usual type, for how the lanes stand; in a window wider than USUAL it grows along
USUAL = 1250  # pixels
LOADING = "Preparing …"
HINT = "Each recipe is timed by its own computing time. The finish line is the error that the paper's recipe reaches."
COLUMNS = 6  # swatch, lane, time, times faster, error, network


class RaceWindow(QDialog):
    """Lets recipes race for a model of the experiment on screen. `close_threads` ends what works behind it.

    `reached_changed(runs)`: what lanes have left that is not in the document.
    """

    reached_changed = Signal(object)

    def __init__(self, lab: Lab, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.lab, self.runner = lab, RaceProcess()
        self.entry: Entry | None = None  # the race on show
        self.raced: Raced | None = None
        self.runs: tuple[Run, ...] = ()  # that its lanes have left so far, until the document has them
        self._racing = False
        self._shown: list[str] | None = None  # colours of the rows that are laid out
        self._applies: dict[str, bool] = {}
        self.setModal(False)
        self.setWindowFlag(Qt.WindowType.WindowMaximizeButtonHint, True)
        self._build()
        self._connect()
        self._offer_models()
        self._sync()

    def _connect(self) -> None:
        self.model.activated.connect(lambda: self._offer_recipes())
        self.start_button.clicked.connect(self.start)
        self.stop_button.clicked.connect(self.stop)
        self.keep_button.clicked.connect(self.keep)
        self.lab.document.changed.connect(self._on_changed)
        self.lab.training.changed.connect(self._sync)
        self.lab.frame_clock.frame.connect(self._on_frame)

    @property
    def unkept(self) -> bool:
        """Whether there is a race, or what it left, that the document has not."""
        return self._racing or bool(self.runs)

    async def end_and_keep(self) -> None:
        """End the race with what was reached, and put that into the table."""
        self.stop()
        await self._at_rest()
        self.keep()

    async def _at_rest(self) -> None:
        """Wait until nothing runs, and take the results."""
        while self.runner.busy:
            await asyncio.sleep(0.02)
        self._take_messages()

    def end(self, seconds: float) -> None:
        """End the race with what was reached, and take that; the window's thread waits `seconds` at most."""
        self.stop()
        self.runner.wait(seconds)
        self._take_messages()

    def close_threads(self) -> None:
        """End the race and its process; this may take a moment."""
        self.runner.close()

    def done(self, result: int) -> None:
        """Closed, it races no more."""
        self.stop()
        super().done(result)

    # Its parts --------------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self.problem = problem_label()
        self.plots = RacePlots()
        self.hint = quiet_label(HINT)
        self.table = QGridLayout()
        self.table.setHorizontalSpacing(18)
        self.table.setVerticalSpacing(2)
        self.table.setColumnStretch(COLUMNS, 1)
        layout = QVBoxLayout(self)
        layout.setSpacing(10)
        layout.addLayout(self._choices())
        layout.addWidget(self.problem)
        layout.addWidget(self.plots, 1)
        layout.addLayout(self.table)
        layout.addWidget(self.hint)
        room = self.screen().availableSize()
        width, height = max(1120, 3 * room.width() // 4), max(680, 3 * room.height() // 4)
        self.resize(min(width, room.width() - 60), min(height, room.height() - 70))

    def _choices(self) -> QHBoxLayout:
        self.model = QComboBox()
        self.model.setAccessibleName("Model that is fitted")
        self.checks = {name: QCheckBox(recipe.title.partition(",")[0]) for name, recipe in RECIPES.items()}
        self._boxes = {name: _box(name, check) for name, check in self.checks.items()}
        self.start_button, self.stop_button = QPushButton("Start"), QPushButton("Stop")
        self.keep_button = QPushButton("Keep the runs")
        self.start_button.setProperty("primary", True)
        set_tip(self.keep_button, "Add the results to the table of runs, and evaluate them")
        for button in (self.start_button, self.stop_button, self.keep_button):
            button.setAutoDefault(False)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.model)
        for name, check in self.checks.items():
            set_tip(check, RECIPES[name].summary)
            check.clicked.connect(self._sync)
            row.addWidget(self._boxes[name])
        row.addStretch(1)
        for button in (self.keep_button, self.stop_button, self.start_button):
            row.addWidget(button)
        return row

    # What can be chosen -----------------------------------------------------------------------------------------------

    def _offer_models(self) -> None:
        """Offer the models that apply to what is studied. At first it is the experiment's own that has an energy."""
        experiment, before = self.lab.experiment, self.model.currentData()
        able = [model for model in MODELS.values() if not model.why_not(experiment.scene)]
        self.model.clear()
        for model in able:
            self.model.addItem(model.title, model.name)
        own = sorted(experiment.models, key=lambda spec: not get_model(spec.name).has_energy)
        stays = before in {
            model.name for model in able if model.observes_frames == get_model(own[0].name).observes_frames
        }
        self.model.setCurrentIndex(self.model.findData(before if stays else own[0].name))
        self.setWindowTitle(f"Race of recipes – {title_text(experiment.source_title)}")
        self._offer_recipes()

    def _offer_recipes(self) -> None:
        """Offer the recipes that apply to the model; those that did not before are checked."""
        model, timed = str(self.model.currentData()), self.lab.experiment.scene.timed
        for name, box in self._boxes.items():
            applies = not RECIPES[name].why_not(model, timed)
            if applies != self._applies.get(name):
                self.checks[name].setChecked(applies)
            self._applies[name] = applies
            box.setVisible(applies)
        self._sync()

    def chosen(self) -> tuple[str, ...]:
        """Return the recipes that are checked and apply."""
        return tuple(name for name, check in self.checks.items() if check.isChecked() and self._applies[name])

    def experiment(self) -> Experiment:
        """Return the experiment on screen with the chosen model alone: its own settings where it has them."""
        name, experiment = str(self.model.currentData()), self.lab.experiment
        spec = next((spec for spec in experiment.models if spec.name == name), None)
        fits = not RECIPES[experiment.recipe].why_not(name, experiment.scene.timed)
        one = replace(experiment, models=(spec or model_spec(name),))
        return one if fits else replace(one, recipe="paper", settings=default_settings("paper", one.scene))

    def _on_changed(self, old: State, new: State) -> None:
        if same_scene(old.experiment, new.experiment) or self._racing:
            return
        self._offer_models()
        if not self.runner.busy:
            self.forget()

    def forget(self) -> None:
        """Forget the race on show: it is of another system."""
        self.entry, self.raced = None, None
        self._reach(())
        self.plots.clear()
        self._show_standings(())
        self._complain("")
        self._sync()

    # The race ---------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Let the chosen recipes race."""
        if self.runner.busy:
            return
        self.forget()
        experiment = self.experiment()
        self.entry = Entry(experiment, self.chosen(), self.lab.dataset_worker.of(self.lab.experiment))
        self._racing = True
        self.hint.setText(LOADING)
        self.plots.name_error(has_truth(experiment))
        self.runner.start(self.entry)
        self._sync()

    def stop(self) -> None:
        """End the race with what was reached."""
        self.runner.stop()

    def keep(self) -> None:
        """Put the runs into the table; their figures follow."""
        if self.runner.busy or self.entry is None or not self.runs:
            return
        runs, data = self.runs[::-1], self.entry.data  # the winner last: it is the one that stays on screen
        for run in runs:
            self._take(run)
        self.lab.evaluation.want((run, data) for run in runs)
        self.hint.setText("The runs are in the table, and their figures follow. The winner's model is shown.")
        self._settle()

    def _reach(self, runs: tuple[Run, ...]) -> None:
        if runs != self.runs:
            self.runs = runs
            self.reached_changed.emit(runs)

    def _on_frame(self, seconds: float) -> None:
        self._take_messages()

    def _take_messages(self) -> None:
        messages = self.runner.drain()
        newest = [message for message in messages if isinstance(message, Raced)][-1:]
        for message in (*newest, *(m for m in messages if not isinstance(m, Raced))):
            self._on_message(message)

    def _on_message(self, message: Message) -> None:
        if isinstance(message, Raced):
            self.raced = message
            self._show_race(message)
        elif isinstance(message, LaneEnded):
            self._reach((*self.runs, message.run))
        elif isinstance(message, RaceEnded):
            self._on_ended(message)

    def _on_ended(self, message: RaceEnded) -> None:
        self._racing = False
        if message.runs:  # by place; else the process was lost, and there are those that came before
            self._reach(message.runs)
        self.hint.setText(HINT)
        self._complain(message.problem or self._failures())
        if message.details:
            self.lab.failed.emit(message.problem, message.details)
        self._settle()

    def _failures(self) -> str:
        """Say which lanes failed, and why."""
        lanes = self.raced.standings if self.raced is not None else ()
        return " ".join(f"{RECIPES[one.recipe].title}: {one.note}." for one in lanes if one.ending == "failed")

    def _settle(self) -> None:
        """Nothing runs any more, or in a moment: the thread is at its end."""
        self.runner.wait(1.0)
        if self.entry is not None and not same_scene(self.entry.experiment, self.lab.experiment):
            self._offer_models()
        self._sync()

    def _take(self, run: Run) -> None:
        same = {
            r.id
            for r in self.lab.document.state.runs
            if r.snapshot.model == run.snapshot.model and same_system(r.experiment, run.experiment)
        }
        self.lab.document.add_run(run, frozenset(same))
        self._reach(tuple(other for other in self.runs if other.id != run.id))

    # What is shown ----------------------------------------------------------------------------------------------------

    def _sync(self) -> None:
        """Grey out what cannot be pressed now."""
        busy, training = self.runner.busy, self.lab.training.worker.active
        self.model.setEnabled(not busy)
        for check in self.checks.values():
            check.setEnabled(not busy)
        self.start_button.setEnabled(not busy and not training and bool(self.chosen()))
        waits = "Training is running and would slow all recipes: stop it first" if training else ""
        set_tip(self.start_button, waits)
        self.stop_button.setEnabled(self._racing)
        self.keep_button.setEnabled(not busy and bool(self.runs))

    def _complain(self, text: str) -> None:
        self.problem.setText(one_line(text))
        self.problem.setVisible(bool(text))

    def _show_race(self, raced: Raced) -> None:
        if self.hint.text() == LOADING:
            self.hint.setText(HINT)
        finish = raced.finish
        name = "" if finish is None else f"finish: {finish.short} {number(finish.error, digits=2)}"
        self.plots.show_race(raced.standings, None if finish is None else finish.error, name, raced.floor)
        self._show_standings(raced.standings)

    def _show_standings(self, standings: Iterable[Standing]) -> None:
        """Write a row for each lane, the first one first."""
        rows = [(recipe_color(one.recipe), words(one)) for one in standings]
        shown = [role for role, _ in rows]
        if shown != self._shown:
            self._shown = shown
            self._lay_rows(shown)
        for labels, (_, texts) in zip(self._labels, rows, strict=True):
            for label, text in zip(labels, texts, strict=True):
                if label.text() != text:
                    label.setText(text)

    def _lay_rows(self, roles: list[str]) -> None:
        """Make as many rows as there are lanes, in the order of their places."""
        while self.table.count():
            item = self.table.takeAt(0)
            widget = item.widget() if item is not None else None
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        font = small_font(self.font(), LARGE * min(max(self.width() / USUAL, 1.0), 1.5))
        self._labels = [self._row(line, role, font) for line, role in enumerate(roles)]

    def _row(self, line: int, role: str, font: QFont) -> list[PlainLabel]:
        labels = [PlainLabel() for _ in range(COLUMNS - 1)]
        self.table.addWidget(Swatch(role), line, 0)
        for column, label in enumerate(labels, 1):
            label.setFont(font)
            label.setMinimumWidth(1)  # a narrow window cuts a word off and is not pushed off the screen
            self.table.addWidget(label, line, column)
        bold = QFont(font)
        bold.setWeight(QFont.Weight.DemiBold)
        labels[0].setFont(bold)
        return labels


def _box(recipe: str, check: QCheckBox) -> QWidget:
    """Return the colour of `recipe` and its `check` box side by side."""
    box = QWidget()
    layout = QHBoxLayout(box)
    layout.setContentsMargins(8, 0, 0, 0)
    layout.addWidget(Swatch(recipe_color(recipe)))
    layout.addWidget(check)
    return box


def words(one: Standing) -> list[str]:
    """Say how a lane stands: place and name, its time, how many times faster than the paper, its error, its network."""
    name, _, network = one.title.rpartition(" · ")
    error = "" if one.error is None else f"error {number(one.error, digits=2)}"
    return [f"{one.place}. {name}", _time(one), _faster(one), error, network]


def _time(one: Standing) -> str:
    if one.finish is not None:
        more = "" if one.ending else f", now at {duration(one.seconds)}"
        return f"reached in {duration(one.finish)}{more}"
    if one.ending == "failed":
        return "failed"
    if one.ending:
        return f"{one.ending} after {duration(one.seconds)}"
    return f"{duration(one.seconds)}, step {one.step} of {one.steps}" if one.step else "at the start"


def _faster(one: Standing) -> str:
    """Say how many times faster than the paper a lane was, in two digits."""
    if one.faster is None or one.recipe == "paper":
        return ""
    times = float(f"{one.faster:.2g}")
    if not one.at_least and math.isclose(times, 1.0):
        return "as fast as paper"
    if times < 1:
        return f"{_plain(float(f'{1 / one.faster:.2g}'))}{NO_BREAK}× slower than paper"
    return f"{'> ' if one.at_least else ''}{_plain(times)}{NO_BREAK}× faster than paper"


def _plain(value: float) -> str:
    """Return '650', '1.4', '3,100'."""
    return f"{value:,.16g}"


def duration(seconds: float) -> str:
    """Return '8.9 ms', '0.26 s', '13 s'."""
    if seconds < 0.1:
        return f"{number(1000 * seconds, digits=2)}{NO_BREAK}ms"
    return f"{number(seconds, digits=2 if seconds < 100 else 3)}{NO_BREAK}s"
