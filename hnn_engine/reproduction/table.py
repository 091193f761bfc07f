"""The paper's table and ours, as data: means, medians over seeds, and what to say of them.

Per figure over seeds: mean, its standard error s/√n with s² = Σ(x − mean)²/(n − 1), and median. What diverged counts as
infinite. The verdict holds the median against the larger of the paper's figure and its re-run's.
"""

import math
import statistics
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from hnn_engine.evaluation import STARTS
from hnn_engine.reproduction.rows import Row
from hnn_engine.tasks import PAPER_FIGURES, Span, Task, get_task

TOLERANCE = {"train_loss": 1.5, "test_loss": 1.5, "energy_mse": 3.0}  # a ratio to the paper's that counts as the same
HONEST_FIGURES = ("clean_energy_mse", "coord_mse", "field_mse", "valid_time")
PAINTED_FIGURES = ("reconstruction", "in_step", "energy_median")  # of models of frames
FIGURE_TITLES = {
    "train_loss": "train loss",
    "test_loss": "test loss",
    "energy_mse": "energy MSE",
    "clean_energy_mse": "clean energy MSE",
    "coord_mse": "coord MSE",
    "field_mse": "field MSE",
    "valid_time": "valid time, s",
    "reconstruction": "reconstruction MSE",
    "in_step": "in step, frames",
    "energy_median": "energy MSE, median video",
    "noise_floor_train": "noise floor, train",
    "noise_floor_test": "noise floor, test",
}


@dataclass(frozen=True)
class Spread:
    """A figure over seeds. `error` is the standard error s/√n of the mean; None for a single seed, or where the mean is
    ∞."""

    mean: float
    error: float | None
    median: float


@dataclass(frozen=True)
class Line:
    """One of the paper's figures of one model: the paper's, its re-run's where that differs, ours, the verdict.

    `was_rerun`: whether there is a re-run of the reported figure at all.
    """

    model: str
    figure: str
    paper: float | None
    again: Span | None
    ours: Spread
    verdict: str
    was_rerun: bool = True


@dataclass(frozen=True)
class FreshStartLine:
    """The fresh-start figures of one model, and how many of `rollouts` diverged (None where there are none)."""

    model: str
    figures: tuple[Spread | None, ...]  # in the order of HONEST_FIGURES
    diverged: int | None
    rollouts: int


@dataclass(frozen=True)
class PaintedLine:
    """The figures of the frames that a model predicts, in the order of PAINTED_FIGURES."""

    model: str
    figures: tuple[Spread | None, ...]


@dataclass(frozen=True)
class TaskTable:
    """All that is said of one task by one recipe. `compared`: whether the paper's figures are of the same data."""

    task: Task
    recipe: str
    seeds: int
    compared: bool
    lines: tuple[Line, ...]
    fresh_starts: tuple[FreshStartLine, ...]
    floors: tuple[Spread | None, Spread | None]  # of the training and of the test rows
    painted: tuple[PaintedLine, ...] = ()  # of models of frames

    @property
    def other_data(self) -> bool:
        """Whether the paper has this task, but on other data than these fits."""
        return self.task.has_reported and not self.compared

    @property
    def notes(self) -> tuple[str, ...]:
        """What to know when comparing."""
        return () if self.other_data or (self.task.settings and self.recipe != "paper") else self.task.notes


def tables(rows: Iterable[Row], foreign: Collection[str] | None = None) -> list[TaskTable]:
    """Return a table for each task and recipe in `rows`, in their order.

    `foreign` names the tasks whose data is other than the paper's. Where it is not known, as of rows from a file, a
    recording without any energy figure counts as such: there is one for the paper's alone. Raises `UnknownNameError`
    for a task that is in no table.
    """
    groups = groupby(rows, key=lambda row: (row.task, row.recipe))
    return [_table(get_task(task), recipe, list(group), foreign) for (task, recipe), group in groups]


def _table(task: Task, recipe: str, rows: list[Row], foreign: Collection[str] | None) -> TaskTable:
    models = list(dict.fromkeys(row.model for row in rows))
    other = task.needs_recording and all(row.energy_mse is None for row in rows)
    compared = task.has_reported and not (other if foreign is None else task.name in foreign)
    own = compared and task.from_paper
    figures = PAPER_FIGURES if own else PAPER_FIGURES[:2]  # the energy figure is of the paper's tasks alone
    of = {model: [row for row in rows if row.model == model] for model in models}
    return TaskTable(
        task,
        recipe,
        len({row.seed for row in rows}),
        compared,
        tuple(_line(task, model, figure, of[model], compared) for model in models for figure in figures),
        tuple(_fresh_start_line(model, of[model]) for model in models),
        (_floor(rows, "noise_floor_train"), _floor(rows, "noise_floor_test")),
        tuple(_painted(model, of[model]) for model in models if any(row.in_step is not None for row in of[model])),
    )


def _line(task: Task, model: str, figure: str, rows: list[Row], compared: bool) -> Line:
    ours = spread(rows, figure)
    if not compared:
        return Line(model, figure, None, None, ours, "")
    yardstick = task.yardstick(model, figure)
    said = verdict(ours.median, yardstick, figure) if yardstick is not None else ""
    return Line(model, figure, task.paper(model, figure), task.repeated(model, figure), ours, said, task.from_paper)


def _fresh_start_line(model: str, rows: list[Row]) -> FreshStartLine:
    counts = [row.diverged for row in rows if row.diverged is not None]
    figures = tuple(_known(rows, figure, sum(counts) > 0) for figure in HONEST_FIGURES)
    return FreshStartLine(model, figures, sum(counts) if counts else None, STARTS * len(counts))


def _painted(model: str, rows: list[Row]) -> PaintedLine:
    return PaintedLine(model, tuple(_known(rows, figure, False) for figure in PAINTED_FIGURES))


def _known(rows: list[Row], figure: str, diverged: bool) -> Spread | None:
    """Return the spread of `figure`, or None where no row has it and that is not because all `diverged`."""
    meant = diverged or any(getattr(row, figure) is not None for row in rows)
    return spread(rows, figure) if meant else None


def _floor(rows: list[Row], figure: str) -> Spread | None:
    """Return the spread of a noise floor, which is one number a seed, whatever the model."""
    one_each = {row.seed: row for row in rows if getattr(row, figure) is not None}
    return spread(list(one_each.values()), figure) if one_each else None


def spread(rows: Sequence[Row], figure: str) -> Spread:
    """Return mean, standard error s/√n and median of `figure` over `rows`, of which there is at least one; s² = Σ(x −
    mean)²/(n − 1).

    A null counts as the worst there is: ∞, or no valid time and no frame in step.
    """
    worst = 0.0 if figure in ("valid_time", "in_step") else math.inf
    numbers = [worst if (value := getattr(row, figure)) is None else float(value) for row in rows]
    mean = statistics.fmean(numbers)
    finite = math.isfinite(mean) and len(numbers) > 1
    error = statistics.stdev(numbers) / math.sqrt(len(numbers)) if finite else None
    return Spread(mean, error, statistics.median(numbers))


def verdict(median: float, yardstick: float, figure: str) -> str:
    """Say how `median` stands to `yardstick`: 'within 1.5×', '2.4× better', '1.8× above', 'diverged'.

    Losses within a factor of 1.5 count as the same, energies within 3.
    """
    ratio, limit = median / yardstick, TOLERANCE[figure]
    if not math.isfinite(ratio):
        return "diverged"
    if ratio > limit:
        return f"{times(ratio)}× above"
    if ratio * limit < 1:
        return f"{times(1 / ratio)}× better" if ratio > 0 else "better"
    return f"within {limit:.3g}×"


def times(ratio: float) -> str:
    """Return a ratio above 1 with two digits: '1.8', '24', '3e5'."""
    if ratio < 9.95:
        return f"{ratio:.1f}"
    return f"{ratio:.0f}" if ratio < 9950 else f"{ratio:.0e}".replace("e+0", "e").replace("e+", "e")
