"""TrainingWorker: one background thread that steps the fits of one experiment in turn.

What happens goes into a queue that the frame tick drains. Pause and stop act between steps. At most ten times a
second, by the clock, the thread posts a snapshot of each model, which draws no random number and changes no weight:
so the window gets the same weights as the command line.
"""

import logging
import threading
import time
import traceback
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from app.workers.malloc_trim import give_back
from hnn_engine.datasets import Dataset
from hnn_engine.errors import HnnLabError
from hnn_engine.experiment import Experiment
from hnn_engine.fitting import get_recipe
from hnn_engine.snapshot import Snapshot

if TYPE_CHECKING:
    from hnn_engine.fit_run import FitRun
    from hnn_engine.fitting.events import Event
    from hnn_engine.records import Run

_log = logging.getLogger(__name__)
SNAPSHOT_SECONDS = 0.16


@dataclass(frozen=True)
class FitInfo:
    """A fit of the job: its id, the model's name, how many steps it will take, and which repetition it is of."""

    id: str
    model: str
    steps: int
    member: int = 0


@dataclass(frozen=True)
class JobStarted:
    """The data is there and these fits begin."""

    fits: tuple[FitInfo, ...]
    experiment: Experiment
    data: Dataset


@dataclass(frozen=True)
class FitEvent:
    """An event of one fit."""

    fit: str
    event: "Event"


@dataclass(frozen=True)
class Live:
    """The present weights of one fit."""

    fit: str
    model: str
    step: int
    snapshot: Snapshot
    member: int = 0


@dataclass(frozen=True)
class Reached:
    """One fit has ended and this is its run, which is still to be evaluated and kept."""

    run: "Run"


@dataclass(frozen=True)
class Evaluating:
    """One fit has ended and is being evaluated."""

    fit: str


@dataclass(frozen=True)
class Kept:
    """One fit is done and this is its run."""

    fit: str
    run: "Run"


@dataclass(frozen=True)
class JobEnded:
    """Nothing runs any more. `message` says what went wrong, if anything; `details` is its traceback."""

    message: str = ""
    details: str = ""


Message = JobStarted | FitEvent | Live | Reached | Evaluating | Kept | JobEnded


class _StoppedError(Exception):
    """The job was stopped before there was anything to fit."""


class TrainingWorker:
    """Runs one job at a time. `drain()` from the window's thread gives what has happened since."""

    def __init__(self) -> None:
        self.messages: deque[Message] = deque()
        self._thread: threading.Thread | None = None
        self._going = threading.Event()
        self._stop = threading.Event()
        self._quit = False
        self._starts: dict[str, Run] = {}
        self.data_share = 0.0
        self.compiling = False  # the loops that the fits run on

    @property
    def running(self) -> bool:
        """Whether a job is under way, paused or not."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def paused(self) -> bool:
        """Whether the job waits."""
        return self.running and not self._going.is_set()

    def start(
        self, experiment: Experiment, data: Dataset | None, seeds: int = 1, starts: "Mapping[str, Run] | None" = None
    ) -> None:
        """Fit every model of `experiment`, on `data` where it is there already, from its run in `starts` on if there
        is one.

        The whole experiment, data and weights, is repeated for `seeds` seeds, beginning with its own.
        """
        assert not self.running
        self._stop.clear()
        self._going.set()
        self._quit, self._starts = False, dict(starts or {})
        self._thread = threading.Thread(target=self._run, args=(experiment, data, seeds), name="fitting", daemon=True)
        self._thread.start()

    def pause(self) -> None:
        """Wait after the present step."""
        self._going.clear()

    def resume(self) -> None:
        """Go on."""
        self._going.set()

    def stop(self) -> None:
        """End after the present step and keep what was reached."""
        self._stop.set()
        self._going.set()

    def quit(self) -> None:
        """Stop, and do not stay to evaluate: the window is closing."""
        self._quit = True
        self.stop()

    def join(self, seconds: float) -> bool:
        """Wait for the thread; return whether it has ended."""
        if self._thread is not None:
            self._thread.join(seconds)
        return not self.running

    def drain(self) -> list[Message]:
        """Return what has happened since the last call."""
        found: list[Message] = []
        while self.messages:
            found.append(self.messages.popleft())
        return found

    # In the thread ----------------------------------------------------------------------------------------------------

    def _run(self, experiment: Experiment, data: Dataset | None, seeds: int) -> None:
        end = self._work(experiment, data, seeds)
        give_back()  # the tables of the fits, which are let go by now
        self.messages.append(end)

    def _work(self, experiment: Experiment, data: Dataset | None, seeds: int) -> JobEnded:
        try:
            repeated = self._repeated(experiment, data, seeds)
            self._fit_all(experiment, repeated, self._backend(experiment))
        except _StoppedError:
            return JobEnded()
        except HnnLabError as error:
            return JobEnded(str(error))
        except Exception as error:
            _log.exception("The training ends by an error")
            return JobEnded(f"The training thread failed: {error}", traceback.format_exc())
        return JobEnded()

    def _backend(self, experiment: Experiment) -> str:
        """Return what computes all fits of the job: what is there by now, for none of them changes it on its way."""
        from hnn_engine.fitting.backend_choice import decided, must_compile

        by_gradient = get_recipe(experiment.recipe).by_gradient
        self.compiling = must_compile(by_gradient)  # once on a machine; it takes long enough to be stopped
        backend = decided("", by_gradient, interrupt=self._stop.is_set)
        if self.compiling and self._stop.is_set():
            raise _StoppedError
        self.compiling = False
        return backend

    def _repeated(self, experiment: Experiment, data: Dataset | None, seeds: int) -> list[tuple[Experiment, Dataset]]:
        """Return the experiment once for each seed, with its data."""
        made: list[tuple[Experiment, Dataset]] = []
        for member in range(seeds):
            one = replace(experiment, seed=experiment.seed + member)
            known = data if member == 0 or experiment.system is None else None  # a recording cannot be changed
            progress = partial(self._on_data, member, seeds)
            made.append((one, known if known is not None else one.dataset(progress)))
            data = made[0][1]
        return made

    def _on_data(self, member: int, seeds: int, share: float) -> None:
        """Data is being made: `share` of that of one repetition is there."""
        self.data_share = (member + share) / seeds
        if self._stop.is_set():
            raise _StoppedError

    def _fit_all(self, experiment: Experiment, repeated: list[tuple[Experiment, Dataset]], backend: str) -> None:
        from hnn_engine.fit_run import FitRun  # with evaluation and records: nothing that the first paint waits for
        from hnn_engine.fitting.events import Failed

        fits = [
            FitRun(replace(one, models=(spec,)), data, self._starts.get(spec.name), backend)
            for one, data in repeated
            for spec in one.models
        ]
        members = {f.id: f.experiment.seed - experiment.seed for f in fits}
        infos = tuple(FitInfo(f.id, f.model, f.steps_planned, members[f.id]) for f in fits)
        self.messages.append(JobStarted(infos, experiment, repeated[0][1]))
        posted = 0.0
        active = list(fits)
        while active:
            self._going.wait()
            if self._stop.is_set():
                for fit in active:
                    fit.stop()
            for fit in list(active):
                self.messages.append(FitEvent(fit.id, fit.advance()))
                if fit.end is not None:
                    active.remove(fit)
                    self._reach(fit)
            now = time.monotonic()
            if now - posted >= SNAPSHOT_SECONDS:
                posted = now
                self._post(active, members)
        for fit in fits:
            self._keep(fit)
        lost = [fit.end.message for fit in fits if isinstance(fit.end, Failed) and fit.end.snapshot is None]
        if lost:  # and nothing of it kept that would say so
            raise HnnLabError(lost[0])

    def _post(self, fits: "list[FitRun]", members: dict[str, int]) -> None:
        for fit in fits:
            snapshot = fit.snapshot()
            if snapshot is not None:
                self.messages.append(Live(fit.id, fit.model, fit.step, snapshot, members[fit.id]))

    def _reach(self, fit: "FitRun") -> None:
        run = fit.as_run(None)
        if run is not None:
            self.messages.append(Reached(run))

    def _keep(self, fit: "FitRun") -> None:
        if not self._quit:
            self.messages.append(Evaluating(fit.id))
        run = fit.as_run(None if self._quit else fit.evaluate())
        if run is not None:
            self.messages.append(Kept(fit.id, run))
