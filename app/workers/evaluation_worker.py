"""EvaluationWorker: a background thread that gives runs their figures, one after the other.

Nothing waits for it: runs are in the table before, and a fit, another document or the end of the program go on at once.
It is asked to end between any two pieces of work of some milliseconds, and what it was at is then forgotten.
"""

import logging
import threading
import traceback
from collections import deque
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.workers.dataset_worker import data_key
from app.workers.malloc_trim import give_back
from app.workers.thread_priority import give_way
from hnn_engine.datasets import Dataset
from hnn_engine.errors import HnnLabError
from hnn_engine.progress import ProgressCallback

if TYPE_CHECKING:  # with evaluation and records: nothing that the first paint waits for
    from hnn_engine.records import Run

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class RunEvaluated:
    """A run with its figures."""

    run: "Run"


@dataclass(frozen=True)
class NotEvaluated:
    """A run has no figures; `details` is a traceback where that is a fault of the program."""

    problem: str
    details: str = ""


Message = RunEvaluated | NotEvaluated


class _StoppedError(Exception):
    """The figures are not wanted any more."""


class EvaluationWorker:
    """Evaluates runs. `drain()` from the window's thread gives what has happened since."""

    def __init__(self) -> None:
        self.messages: deque[Message] = deque()
        self.share = 0.0  # of the run that is being evaluated
        self.done = self.total = 0  # of the runs that have been wanted since all were evaluated
        self._queue: deque[tuple[Run, Dataset | None]] = deque()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._works = False  # the thread takes what is in the queue
        self._round = 0  # rises when nothing that was wanted before is wanted any more
        self._known: tuple[Hashable, Dataset] | None = None  # the data of the run before

    @property
    def busy(self) -> bool:
        """Whether runs are without the figures that are wanted."""
        return self.done < self.total

    def want(self, runs: "Iterable[tuple[Run, Dataset | None]]") -> None:
        """Evaluate these runs too, each on its data, which is made where it is not there."""
        added = list(runs)
        with self._lock:
            if not self.busy:
                self.done = self.total = 0
            self._queue.extend(added)
            self.total += len(added)
            if self._queue and not self._works:
                self._works = True
                self._thread = threading.Thread(target=self._run, name="evaluating", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """Evaluate nothing that was wanted so far; the run under way is left as it is."""
        with self._lock:
            self._round += 1
            self._queue.clear()
            self.done = self.total = 0
            self.share = 0.0

    def close(self, seconds: float) -> bool:
        """Stop, and wait for the thread; return whether it has ended."""
        self.stop()
        thread = self._thread
        if thread is not None:
            thread.join(seconds)
        return thread is None or not thread.is_alive()

    def drain(self) -> list[Message]:
        """Return what has happened since the last call."""
        found: list[Message] = []
        while self.messages:
            found.append(self.messages.popleft())
        return found

    # In the thread ----------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        give_way()
        while True:
            with self._lock:
                if not self._queue:
                    self._works, self._known = False, None
                    break
                (run, data), turn = self._queue.popleft(), self._round
                self.share = 0.0
            message = self._evaluated(run, data, turn)
            with self._lock:
                if message is not None and turn == self._round:
                    self.messages.append(message)
                    self.done += 1
        give_back()  # the tables of the last run's data

    def _evaluated(self, run: "Run", data: Dataset | None, turn: int) -> Message | None:
        """Return what came of a run; None where it is not wanted any more."""

        def progress(share: float) -> None:
            if turn != self._round:
                raise _StoppedError
            self.share = share

        try:
            return RunEvaluated(evaluated_run(run, self._data(run, data, progress), progress))
        except _StoppedError:
            return None
        except HnnLabError as error:
            return NotEvaluated(f"{run.title} cannot be evaluated: {error}")
        except Exception as error:
            _log.exception("The run %s cannot be evaluated", run.id)
            return NotEvaluated(f"{run.title} cannot be evaluated: {error}", traceback.format_exc())

    def _data(self, run: "Run", data: Dataset | None, progress: ProgressCallback) -> Dataset:
        """Return the data of `run`, which often is that of the run before."""
        key = data_key(run.experiment)
        if data is None and self._known is not None and self._known[0] == key:
            data = self._known[1]
        if data is None:
            data = run.experiment.dataset(lambda share: progress(0.0))
        self._known = key, data
        return data


def evaluated_run(run: "Run", data: Dataset, progress: ProgressCallback) -> "Run":
    """Return `run` with its figures on `data`."""
    from hnn_engine.fit_run import evaluated

    return evaluated(run, data, progress)
