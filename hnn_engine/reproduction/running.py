"""The fits of a reproduction, one after the other; what is kept is not fitted again."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from hnn_engine.datasets import Dataset
from hnn_engine.experiment import Experiment
from hnn_engine.fit_run import FitRun
from hnn_engine.fitting.events import Failed
from hnn_engine.records import Run
from hnn_engine.reproduction.fit_cache import FitCache
from hnn_engine.reproduction.fit_plan import PlannedFit
from hnn_engine.reproduction.rows import Row, row_of
from hnn_engine.reproduction.table import TaskTable, tables


@dataclass(frozen=True, eq=False)
class Result:
    """The result of a planned fit: its row, its run where there is one, and a sentence where it failed."""

    planned: PlannedFit
    row: Row
    run: Run | None
    trouble: str = ""
    kept: bool = False  # made by an earlier reproduction


FitListener = Callable[[int, FitRun], Callable[[object], None]]
"""Called with the number of the planned fit, from 0, and its `FitRun`; returns the listener of its events."""


def cached_results(fits: Sequence[PlannedFit], cache: FitCache) -> dict[int, Result]:
    """Return the cached results, by the number of the planned fit."""
    found = {}
    for number, planned in enumerate(fits):
        run = cache.find(planned)
        if run is not None:
            found[number] = _result(planned, run, kept=True)
    return found


def reproduce(
    fits: Sequence[PlannedFit], kept: dict[int, Result], cache: FitCache, watch: FitListener
) -> Iterator[Result]:
    """Yield the result of each of `fits`: from `kept`, or fitted, evaluated and put into `cache` before it is yielded.

    A fit that fails is a result too. An interruption loses no more than the fit under way. `watch` is called with the
    number and the fit before each, and what it returns with every event. Raises `RecordError` where the cache cannot be
    written.
    """
    data = _Data()
    for number, planned in enumerate(fits):
        if number in kept:
            yield kept[number]
            continue
        fit = FitRun(planned.experiment, data.of(planned.experiment), backend=cache.backend)
        hear = watch(number, fit)
        while fit.end is None:
            hear(fit.advance())
        run = fit.as_run(fit.evaluate())
        if run is None:
            assert isinstance(fit.end, Failed)
            yield Result(planned, row_of(planned, None, fit.step, fit.seconds), None, fit.end.message)
            continue
        cache.put(planned, run)
        yield _result(planned, run)


def result_tables(results: Sequence[Result]) -> list[TaskTable]:
    """Return the tables of `results`, one a task and recipe; those on another recording than the paper's are not
    compared with it."""
    foreign = {result.planned.task.name for result in results if result.planned.foreign}
    return tables([result.row for result in results], foreign)


def _result(planned: PlannedFit, run: Run, kept: bool = False) -> Result:
    run.snapshot.forget()
    return Result(planned, row_of(planned, run), run, run.reason if run.ending == "failed" else "", kept)


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
