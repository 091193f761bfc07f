"""TrainingWorker: one background thread that steps the fits of one experiment in turn.

What happens goes into a queue that the frame tick drains. Pause and stop act between steps. A fit that ends is told
with its run at once; its figures come later, from another thread (`evaluation_worker`). At most ten times a
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

from app.model.settings import settings
from app.workers.malloc_trim import give_back
from hnn_engine.datasets import Dataset
from hnn_engine.errors import HnnLabError
from hnn_engine.experiment import Experiment
from hnn_engine.fitting import get_recipe
from hnn_engine.limits import MOST_SNAPSHOTS
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


@dataclass(frozen=True, eq=False)
class Kept:
    """One fit has ended and this is its run, without figures, on its data."""

    fit: str
    run: "Run"
    data: Dataset


@dataclass(frozen=True)
class JobEnded:
    """Nothing runs any more. `message` says what went wrong, if anything; `details` is its traceback."""

    message: str = ""
    details: str = ""


Message = JobStarted | FitEvent | Live | Kept | JobEnded


class _StoppedError(Exception):
    """The job was stopped before there was anything to fit, or left."""


class _Job:
    """One job: its thread, what it has said, and how it is told to wait and to end."""

    def __init__(self, starts: "Mapping[str, Run]") -> None:
        self.messages: deque[Message] = deque()
        self.going, self.ends = threading.Event(), threading.Event()
        self.going.set()
        self.left = False  # and nothing of it is wanted any more
        self.starts = dict(starts)
        self.thread: threading.Thread | None = None
        self.data_share = 0.0
        self.compiling = False  # the loops that the fits run on

    @property
    def alive(self) -> bool:
        """Whether the thread has something to do."""
        return self.thread is not None and self.thread.is_alive()

    def stop(self) -> None:
        """End after the present step."""
        self.ends.set()
        self.going.set()


class TrainingWorker:
    """Runs one job at a time. `drain()` from the window's thread gives what has happened since.

    A step of a closed form takes seconds, and nothing ends it: a job that is stopped goes on behind the next one until
    then, and only what it keeps is still told; of one that is left nothing is.
    """

    def __init__(self) -> None:
        self._job: _Job | None = None
        self._ending: list[_Job] = []  # stopped, and another began
        self._left: list[_Job] = []  # and what they keep is not wanted

    @property
    def running(self) -> bool:
        """Whether a job is under way, paused or not."""
        return self._job is not None and self._job.alive

    @property
    def stopping(self) -> bool:
        """Whether the job under way ends after its present step."""
        return self.running and self._job is not None and self._job.ends.is_set()

    @property
    def active(self) -> bool:
        """Whether a job is under way that nobody has stopped: the next one waits for its end."""
        return self.running and not self.stopping

    @property
    def paused(self) -> bool:
        """Whether the job waits."""
        return self.running and self._job is not None and not self._job.going.is_set()

    @property
    def messages(self) -> "deque[Message]":
        """What the job has said that is still to be drained."""
        return self._job.messages if self._job is not None else deque()

    @property
    def data_share(self) -> float:
        """The share of the data that is made."""
        return self._job.data_share if self._job is not None else 0.0

    @property
    def compiling(self) -> bool:
        """Whether the loops that the fits run on are being compiled."""
        return self._job is not None and self._job.compiling

    def start(
        self, experiment: Experiment, data: Dataset | None, seeds: int = 1, starts: "Mapping[str, Run] | None" = None
    ) -> None:
        """Fit every model of `experiment`, on `data` where it is there already, from its run in `starts` on if there
        is one.

        The whole experiment, data and weights, is repeated for `seeds` seeds, beginning with its own.
        """
        assert not self.active
        if self._job is not None and (self._job.alive or self._job.messages):
            self._ending.append(self._job)
        job = self._job = _Job(starts or {})
        work = _Work(job, experiment, data, seeds, MOST_SNAPSHOTS if settings().keeps_snapshots else 0)
        job.thread = threading.Thread(target=work.run, name="fitting", daemon=True)
        job.thread.start()

    def pause(self) -> None:
        """Wait after the present step."""
        if self._job is not None and not self._job.ends.is_set():
            self._job.going.clear()

    def resume(self) -> None:
        """Go on."""
        if self._job is not None:
            self._job.going.set()

    def stop(self) -> None:
        """End after the present step and keep what was reached."""
        if self._job is not None:
            self._job.stop()

    def leave(self) -> None:
        """End every job, and hear nothing more of any: the document that they are of goes."""
        for job in (*self._ending, *filter(None, [self._job])):
            job.left = True
            job.stop()
            if job.alive:
                self._left.append(job)
        self._job, self._ending = None, []

    def join(self, seconds: float) -> bool:
        """Wait for the end of every job, that of those left too; return whether all have ended."""
        until = time.monotonic() + seconds
        jobs = [job for job in (self._job, *self._ending, *self._left) if job is not None]
        for job in jobs:
            if job.thread is not None:
                job.thread.join(max(0.0, until - time.monotonic()))
        return not any(job.alive for job in jobs)

    def drain(self) -> list[Message]:
        """Return what has happened since the last call; of a job before the present one, what it keeps."""
        found: list[Message] = []
        for job in self._ending:
            found += [message for message in _taken(job) if isinstance(message, Kept)]
        self._ending = [job for job in self._ending if job.alive or job.messages]
        self._left = [job for job in self._left if job.alive]
        return found + (_taken(self._job) if self._job is not None else [])


def _taken(job: _Job) -> list[Message]:
    found: list[Message] = []
    while job.messages:
        found.append(job.messages.popleft())
    return found


class _Work:
    """What the thread of a job does."""

    def __init__(self, job: _Job, experiment: Experiment, data: Dataset | None, seeds: int, snapshots: int) -> None:
        self._job, self._experiment, self._seeds, self._snapshots = job, experiment, seeds, snapshots
        self._data = data
        self._tell = job.messages.append

    def run(self) -> None:
        """Fit, and say how it ended."""
        end = self._ended()
        give_back()  # the tables of the fits, which are let go by now
        self._tell(end)

    def _ended(self) -> JobEnded:
        try:
            self._fit_all(self._repeated(), self._backend())
        except _StoppedError:
            return JobEnded()
        except HnnLabError as error:
            return JobEnded(str(error))
        except Exception as error:
            _log.exception("The training ends by an error")
            return JobEnded(f"The training thread failed: {error}", traceback.format_exc())
        return JobEnded()

    def _backend(self) -> str:
        """Return what computes all fits of the job: what is there by now, for none of them changes it on its way."""
        from hnn_engine.fitting.backend_choice import decided, must_compile

        job, by_gradient = self._job, get_recipe(self._experiment.recipe).by_gradient
        job.compiling = must_compile(by_gradient)  # once on a machine; it takes long enough to be stopped
        backend = decided("", by_gradient, interrupt=job.ends.is_set)
        if job.compiling and job.ends.is_set():
            raise _StoppedError
        job.compiling = False
        return backend

    def _repeated(self) -> list[tuple[Experiment, Dataset]]:
        """Return the experiment once for each seed, with its data."""
        experiment, data = self._experiment, self._data
        made: list[tuple[Experiment, Dataset]] = []
        for member in range(self._seeds):
            one = replace(experiment, seed=experiment.seed + member)
            known = data if member == 0 or experiment.system is None else None  # a recording cannot be changed
            made.append((one, known if known is not None else one.dataset(partial(self._on_data, member))))
            data = made[0][1]
        self._data = None
        return made

    def _on_data(self, member: int, share: float) -> None:
        """Data is being made: `share` of that of one repetition is there."""
        self._job.data_share = (member + share) / self._seeds
        if self._job.ends.is_set():
            raise _StoppedError

    def _fit_all(self, repeated: list[tuple[Experiment, Dataset]], backend: str) -> None:
        from hnn_engine.fit_run import FitRun  # with evaluation and records: nothing that the first paint waits for
        from hnn_engine.fitting.events import Failed

        job = self._job
        fits = [
            FitRun(replace(one, models=(spec,)), data, job.starts.get(spec.name), backend, self._snapshots)
            for one, data in repeated
            for spec in one.models
        ]
        members = {f.id: f.experiment.seed - self._experiment.seed for f in fits}
        infos = tuple(FitInfo(f.id, f.model, f.steps_planned, members[f.id]) for f in fits)
        self._tell(JobStarted(infos, self._experiment, repeated[0][1]))
        posted = 0.0
        active = list(fits)
        while active:
            job.going.wait()
            for fit in list(active):
                if job.left:
                    raise _StoppedError
                if job.ends.is_set():
                    fit.stop()
                self._tell(FitEvent(fit.id, fit.advance()))
                if fit.end is not None:
                    active.remove(fit)
                    self._keep(fit)
            now = time.monotonic()
            if now - posted >= SNAPSHOT_SECONDS:
                posted = now
                self._post(active, members)
        lost = [fit.end.message for fit in fits if isinstance(fit.end, Failed) and fit.end.snapshot is None]
        if lost:  # and nothing of it kept that would say so
            raise HnnLabError(lost[0])

    def _post(self, fits: "list[FitRun]", members: dict[str, int]) -> None:
        for fit in fits:
            snapshot = fit.snapshot()
            if snapshot is not None:
                self._tell(Live(fit.id, fit.model, fit.step, snapshot, members[fit.id]))

    def _keep(self, fit: "FitRun") -> None:
        run = fit.as_run(None)
        if run is not None:
            self._tell(Kept(fit.id, run, fit.data))
