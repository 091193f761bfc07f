"""The fits of a reproduction, one after the other; what is kept is not fitted again."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from hnn_engine.datasets import Dataset
from hnn_engine.experiment import Experiment
from hnn_engine.fit_run import FitRun
from hnn_engine.fitting.events import Failed
from hnn_engine.records import Run
from hnn_engine.reproduction.fit_cache import Keep
from hnn_engine.reproduction.fit_plan import Cell
from hnn_engine.reproduction.rows import Row, row_of
from hnn_engine.reproduction.table import TaskTable, tables


@dataclass(frozen=True, eq=False)
class Result:
    """What became of a cell: its row, the run where there is one, and in words what went wrong."""

    cell: Cell
    row: Row
    run: Run | None
    trouble: str = ""
    kept: bool = False  # made by an earlier reproduction


Watch = Callable[[int, FitRun], Callable[[object], None]]
"""Told the number of the cell (from 0) and its fit, it returns what hears every event of it."""


def kept_results(cells: Sequence[Cell], keep: Keep) -> dict[int, Result]:
    """Return what is kept already, by the number of the cell."""
    found = {}
    for number, cell in enumerate(cells):
        run = keep.find(cell)
        if run is not None:
            found[number] = _result(cell, run, kept=True)
    return found


def reproduce(cells: Sequence[Cell], kept: dict[int, Result], keep: Keep, watch: Watch) -> Iterator[Result]:
    """Yield the result of each of `cells`: from `kept`, or fitted, judged and put into `keep` before it is yielded.

    A fit that fails is a result too. An interruption loses no more than the fit under way.
    """
    data = _Data()
    for number, cell in enumerate(cells):
        if number in kept:
            yield kept[number]
            continue
        fit = FitRun(cell.experiment, data.of(cell.experiment))
        hear = watch(number, fit)
        while fit.end is None:
            hear(fit.advance())
        run = fit.as_run(fit.evaluate())
        if run is None:
            assert isinstance(fit.end, Failed)
            yield Result(cell, row_of(cell, None, fit.step, fit.seconds), None, fit.end.message)
            continue
        keep.put(cell, run)
        yield _result(cell, run)


def result_tables(results: Sequence[Result]) -> list[TaskTable]:
    """Return the tables of `results`."""
    foreign = {result.cell.task.name for result in results if result.cell.foreign}
    return tables([result.row for result in results], foreign)


def _result(cell: Cell, run: Run, kept: bool = False) -> Result:
    run.snapshot.forget()
    return Result(cell, row_of(cell, run), run, run.reason if run.ending == "failed" else "", kept)


class _Data:
    """The data of the last experiment: the models of one task and seed share it."""

    def __init__(self) -> None:
        self._key: tuple[object, ...] = ()
        self._data: Dataset | None = None

    def of(self, experiment: Experiment) -> Dataset:
        """Return the data of `experiment`."""
        key = (experiment.source, tuple(experiment.data.items()), experiment.seed)
        if self._data is None or key != self._key:
            self._key, self._data = key, experiment.dataset()
        return self._data
