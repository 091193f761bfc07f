"""The race: several recipes fit the same model on the same data, started together.

One lane a recipe, each with a clock of its own that counts its recipe's work alone. The lane that has spent the least
time takes the next step, so all clocks run together although one lane computes at a time. Each lane gathers its
training loss and its field error over its clock; the finish is the error that the recipe `paper` ends with.
"""

import json
import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files

import numpy as np

from hnn_engine import frame_metrics
from hnn_engine.coords import Array, Index
from hnn_engine.data_edits import NO_EDITS
from hnn_engine.datasets import Dataset
from hnn_engine.errors import ExperimentError
from hnn_engine.evaluation import mean_square
from hnn_engine.experiment import Experiment, ModelSpec, SystemSource, checked, default_settings, model_spec, resolved
from hnn_engine.fit_run import FitRun
from hnn_engine.fitting import RECIPES, RecipeInfo, get_recipe
from hnn_engine.fitting.backend_choice import decided
from hnn_engine.fitting.events import Event, Failed, Finished, Progress
from hnn_engine.parameters import AUTO
from hnn_engine.snapshot import Snapshot
from hnn_engine.systems import System
from hnn_engine.tasks import TASKS

PAPER = "paper"  # whose quality is the finish
SPACING = 1.2  # from one look at the field error to the next, on a lane's own clock
NEAR = 1.005  # from one point of a curve to the next, at least: some 2000 from 1 ms to a minute
MOST_ROWS = 20_000  # states that a field error is of
MOST_FRAMES = 2_000  # and pairs of frames


@dataclass(frozen=True)
class Finish:
    """The field error to reach, a mean square in the units of the rates, and where it is from, in a sentence and in
    `short`."""

    error: float
    source: str
    short: str = "paper"


@dataclass(frozen=True, eq=False)
class Standing:
    """How a lane stands: `losses` and `errors` are `(n, 2)`, seconds of its own clock and value.

    `finish` is when, in s, its error was first at the line or below, None where it was not (yet). `faster` is how many
    times sooner that was than the lane of `paper`; `at_least`: that one is still on its way, so it will be more.
    """

    place: int
    recipe: str
    title: str
    seconds: float
    step: int
    steps: int
    losses: Array
    errors: Array
    ending: str  # '' while it runs, or 'finished', 'stopped', 'failed'
    note: str
    finish: float | None = None
    faster: float | None = None
    at_least: bool = False

    @property
    def loss(self) -> float | None:
        """The training loss, by the last point."""
        return float(self.losses[-1, 1]) if len(self.losses) else None

    @property
    def error(self) -> float | None:
        """The field error, by the last point."""
        return float(self.errors[-1, 1]) if len(self.errors) else None


class Race:
    """A race of `recipes` for the first model of `experiment` on `data`.

    `advance` takes one step of one lane; when `done`, nothing is left to do. Raises `UnknownNameError` for a recipe
    that is not there and `ExperimentError` for one that is not for this model.
    """

    def __init__(self, experiment: Experiment, recipes: Sequence[str], data: Dataset, backend: str = "") -> None:
        """Enter the first model of `experiment` once for each of `recipes`, on `data`, all of them by `backend`; raise
        `ExperimentError` where there is no recipe, or one does not apply to the model."""
        if not recipes:
            raise ExperimentError("No recipe is chosen: choose at least one, a race needs two")
        self.experiment = replace(experiment, models=experiment.models[:1])
        error_of = FieldErrorMetric(self.experiment, data)
        entries = [lane_experiment(self.experiment, name) for name in dict.fromkeys(recipes)]
        backend = decided(backend)  # one for all, or a lane might begin when loops have just been compiled
        self.lanes = tuple(Lane(entry, data, error_of, backend) for entry in entries)
        self._known = shipped_finish(self.experiment)

    @property
    def done(self) -> bool:
        """Whether all lanes have ended."""
        return all(lane.fit.end is not None for lane in self.lanes)

    def advance(self) -> "Lane":
        """Let the lane that has spent the least time of its own take a step, and return it. Not when `done`."""
        lane = min((one for one in self.lanes if one.fit.end is None), key=lambda one: one.fit.seconds)
        lane.advance()
        return lane

    def stop(self) -> None:
        """Ask all lanes to end with what they have reached."""
        for lane in self.lanes:
            lane.stop()

    @property
    def finish(self) -> Finish | None:
        """The field error to reach: where the paper's lane ended, before that what the program knows of the task, or
        None."""
        paper = self._lane(PAPER)
        if paper is not None and isinstance(paper.fit.end, Finished) and len(paper.errors):
            return Finish(paper.errors.last, "the paper's recipe, in this race")
        return self._known

    def _lane(self, recipe: str) -> "Lane | None":
        return next((lane for lane in self.lanes if lane.recipe.name == recipe), None)

    def standings(self) -> tuple[Standing, ...]:
        """Return how the lanes stand, the first one first: by when they reached the line, the others by their error."""
        finish, paper = self.finish, self._lane(PAPER)
        found = [lane.standing(finish) for lane in self.lanes]
        theirs = next((one for one in found if one.recipe == PAPER), None)
        if theirs is not None and paper is not None:
            found = [_compared(one, theirs, paper.fit.end is None) for one in found]
        return tuple(replace(one, place=i) for i, one in enumerate(sorted(found, key=_rank), 1))


def _compared(one: Standing, paper: Standing, running: bool) -> Standing:
    """Return `one` with how many times faster than the `paper` it was."""
    if one.finish is None or one.finish <= 0 or (paper.finish is None and not running):
        return one
    if paper.finish is None:  # it needs more than it has had
        ahead = paper.seconds / one.finish
        return replace(one, faster=ahead, at_least=True) if ahead > 1 else one
    return replace(one, faster=paper.finish / one.finish)


def _rank(one: Standing) -> tuple[float, bool, float]:
    """Return what a lane is ranked by."""
    error = one.error
    finish = math.inf if one.finish is None else one.finish
    return finish, one.ending == "failed", math.inf if error is None else error


class Lane:
    """One recipe's fit and its curves."""

    def __init__(self, experiment: Experiment, data: Dataset, error_of: "FieldErrorMetric", backend: str = "") -> None:
        """Prepare the fit of the first model of `experiment` on `data` by `backend`; `error_of` measures its field."""
        self.fit = FitRun(experiment, data, backend=backend)
        self.recipe = get_recipe(experiment.recipe)
        self.title = lane_title(self.recipe, experiment.models[0])
        self.losses, self.errors = Curve(), Curve()
        self._error_of, self._due = error_of, 0.0

    def advance(self) -> None:
        """Take one step, and look at the field error where it is time to. Looking is not on the clock."""
        event = self.fit.advance()
        seconds = self.fit.seconds
        if isinstance(event, Progress):
            self.losses.add(seconds, event.train_loss)
        snapshot = self._snapshot_due(event, seconds)
        if snapshot is not None:
            self._due = seconds * SPACING
            self.errors.add(seconds, self._error_of(snapshot))

    def _snapshot_due(self, event: Event, seconds: float) -> Snapshot | None:
        """Return the weights to look at, if it is time to."""
        if self.fit.end is not None:
            return self.fit.end.snapshot
        return self.fit.snapshot() if isinstance(event, Progress) and seconds >= self._due else None

    def stop(self) -> None:
        """Ask it to end with what it has reached."""
        self.fit.stop()

    def standing(self, finish: Finish | None) -> Standing:
        """Return how it stands against `finish`, without a place and without a comparison with the other lanes."""
        end = self.fit.end
        ending = "" if end is None else type(end).__name__.lower().replace("cancelled", "stopped")
        return Standing(
            place=0,
            recipe=self.recipe.name,
            title=self.title,
            seconds=self.fit.seconds,
            step=self.fit.step,
            steps=self.fit.steps_planned,
            losses=self.losses.points(),
            errors=self.errors.points(),
            ending=ending,
            note=end.message if isinstance(end, Failed) else end.reason if isinstance(end, Finished) else "",
            finish=None if finish is None else self.errors.first_at(finish.error),
        )


class Curve:
    """Values over seconds, to be drawn on a logarithmic axis: of points closer than that shows, the newer one replaces
    the older."""

    def __init__(self) -> None:
        self._seconds, self._values = array("d"), array("d")

    def __len__(self) -> int:
        return len(self._values)

    @property
    def last(self) -> float:
        """The last value."""
        return self._values[-1]

    def add(self, seconds: float, value: float) -> None:
        """Add a point at `seconds` s, in place of the last one where that is next to the one before."""
        if len(self) > 1 and seconds < NEAR * self._seconds[-2]:
            self._seconds[-1], self._values[-1] = seconds, value
            return
        self._seconds.append(seconds)
        self._values.append(value)

    def points(self) -> Array:
        """Return a copy of the points `(n, 2)`, seconds and values."""
        return np.column_stack([np.array(self._seconds), np.array(self._values)])

    def first_at(self, level: float) -> float | None:
        """Return the first time in s at which the value is `level` or less, or None."""
        return next((s for s, value in zip(self._seconds, self._values, strict=True) if value <= level), None)


# The entries ----------------------------------------------------------------------------------------------------------


def racing_recipes(model: str, timed: bool = False) -> tuple[str, ...]:
    """Return the recipes that can race for `model`, given time where `timed`; raise `UnknownNameError`."""
    return tuple(name for name, recipe in RECIPES.items() if not recipe.why_not(model, timed))


def builds_on_closed_form(recipe: RecipeInfo) -> bool:
    """Whether a recipe solves for its weights, or begins where that ends: it has no learning rate."""
    return all(parameter.name != "learning-rate" for parameter in recipe.parameters)


def lane_experiment(experiment: Experiment, recipe: str) -> Experiment:
    """Return the experiment of the lane of `recipe`: its settings, and the network that it is run with.

    Each has the network that suits its recipe. One that was set is for the recipes of the kind that the experiment has:
    for closed forms and what begins at one, or for those with a learning rate. Raises `UnknownNameError` for a recipe
    that is in no table, `ExperimentError` for one that is not for the model.
    """
    info, spec = get_recipe(recipe), experiment.models[0]
    own = experiment.recipe == recipe
    settings = experiment.settings if own else default_settings(recipe, experiment.scene)
    if builds_on_closed_form(info) != builds_on_closed_form(get_recipe(experiment.recipe)):
        spec = model_spec(spec.name, {**spec.settings, "width": AUTO, "depth": AUTO})
    return resolved(checked(replace(experiment, models=(spec,), recipe=recipe, settings=settings)))


def lane_title(recipe: RecipeInfo, spec: ModelSpec) -> str:
    """Return what a lane is called: its recipe and network."""
    width, depth = int(spec.settings["width"]), int(spec.settings["depth"])
    return f"{recipe.title} · {depth} × {width} units"


# The field error -----------------------------------------------------------------------------------------------------


def has_truth(experiment: Experiment) -> bool:
    """Whether the true field on the data of `experiment` is known; otherwise the field error is the test loss."""
    return experiment.reference_system is not None


class FieldErrorMetric:
    """The mean over states and coordinates of (f̂(x) − f(x))² on the noise-free states of the test trajectories.

    Where there are no such states, as in a recording, it is the loss on the test rows. Of very large data it is that of
    some rows, evenly chosen, the same for all lanes.
    """

    def __init__(self, experiment: Experiment, data: Dataset) -> None:
        system = experiment.system if has_truth(experiment) else None
        self._system: System | None = system
        self._data = data
        clean = data.clean if data.frame_pairs is None else data.coords
        self._clean = None if system is None else clean
        self._rows = self._chosen()

    def _chosen(self) -> Index:
        """Return the rows that are looked at."""
        data = self._data
        rows = np.flatnonzero(~data.train)
        if data.edited is not None and self._clean is not None:
            given = rows[~data.edited[rows]]
            self._clean = self._clean if len(given) else None
            rows = given if len(given) else rows
        most = MOST_ROWS if data.frame_pairs is None else MOST_FRAMES
        return rows if len(rows) <= most else rows[np.linspace(0, len(rows) - 1, most).astype(np.int64)]

    def __call__(self, snapshot: Snapshot) -> float:
        """Return the error of `snapshot`; infinity where the field is not finite."""
        with np.errstate(over="ignore", invalid="ignore"):
            if self._data.frame_pairs is not None:
                return self._of_frames(snapshot)
            rows, system = self._rows, self._system
            t = self._data.t[rows]
            if self._clean is not None and system is not None:
                states = self._clean[rows]
                return mean_square(_field(snapshot, states, t) - system.at(t).field(states))
            return mean_square(_field(snapshot, self._data.coords[rows], t) - self._data.dcoords[rows])

    def _of_frames(self, snapshot: Snapshot) -> float:
        """Return the error of a model that sees frames, at the states that it sees in them."""
        frame_pairs, rows, system = self._data.frame_pairs, self._rows, self._system
        assert frame_pairs is not None
        if self._clean is None or system is None:
            return float(frame_metrics.loss_of(snapshot, frame_pairs, rows).mean())
        seen = snapshot.field(frame_metrics.autoencoder_of(snapshot).encode_coords(frame_pairs.pairs(rows)))
        return mean_square(seen - system.field(self._clean[rows]))


def _field(snapshot: Snapshot, states: Array, t: Array) -> Array:
    """Return the field at `states` and the times t, in blocks."""
    blocks = [slice(i, i + 4000) for i in range(0, len(states), 4000)]
    return np.concatenate([snapshot.at(t[block]).field(states[block]) for block in blocks])


# The finish line ------------------------------------------------------------------------------------------------------


@cache
def paper_medians() -> dict[str, dict[str, float]]:
    """Return the median errors that the paper's recipe reached: task -> model -> error; by `docs/make_finish.py`."""
    text = (files("resources") / "race" / "paper.json").read_text(encoding="utf-8")
    medians: dict[str, dict[str, float]] = json.loads(text)
    return medians


def shipped_finish(experiment: Experiment) -> Finish | None:
    """Return the field error to reach of the task whose data `experiment` has, or None where there is no such task."""
    source = experiment.source
    if not isinstance(source, SystemSource) or experiment.edits != NO_EDITS:
        return None
    for name, medians in paper_medians().items():
        error = medians.get(experiment.models[0].name)
        if error is None or TASKS[name].source != source.name:
            continue
        task = TASKS[name].experiment()
        if task.source == source and dict(task.data) == dict(experiment.data):
            return Finish(error, "the paper's recipe, median of its reproduction", "paper's median")
    return None


__all__ = ["PAPER", "Finish", "Lane", "Race", "Standing", "paper_medians", "racing_recipes", "shipped_finish"]
