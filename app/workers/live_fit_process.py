"""A process that fits during a drag. In a thread a fit of five milliseconds would take forty: each of its many
small numpy calls would wait for the interpreter while the window paints or rollouts are computed."""

import logging
import time
import traceback
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

import numpy as np

from app.workers.child_process import ChildProcess
from hnn_engine.datasets import Dataset
from hnn_engine.errors import ExperimentError, HnnLabError
from hnn_engine.experiment import Experiment
from hnn_engine.fitting import get_recipe
from hnn_engine.kernels import cache as kernel_cache
from hnn_engine.progress import ProgressCallback
from hnn_engine.snapshot import Snapshot

_log = logging.getLogger(__name__)
PATIENCE = 1.0  # s; a fit that takes longer is given up for a newer one
POLL_S = 0.05  # s between looks whether there is a newer one
IDLE = 1.0  # s without a request, in which there is time for other things


@dataclass(frozen=True, eq=False)
class FitRequest:
    """Models that are wanted, with their data where it is there already."""

    experiment: Experiment
    data: Dataset | None
    asked: float = field(default_factory=time.perf_counter)


@dataclass(frozen=True, eq=False)
class Found:
    """What came of a request: its data, the fitted models, and the seconds that data and fits took."""

    data: Dataset | None  # None where the request had it
    snapshots: tuple[Snapshot, ...]
    data_seconds: float
    fit_seconds: float


@dataclass(frozen=True)
class Refused:
    """Why nothing came of a request; `details` is a traceback where that is a fault of the program."""

    problem: str
    details: str = ""


class LiveFitProcess:
    """Asks the process, which begins with the first request and begins anew where it has ended."""

    def __init__(self) -> None:
        self.child = ChildProcess(serve, "live fit")

    def __call__(self, request: FitRequest, progress: ProgressCallback) -> Found:
        """Return what comes of `request`; `progress` raises where a newer one is waiting. Raises `ExperimentError`."""
        try:
            line = self.child.open()
            line.send(request)
            answer = self._waited(line, progress)
        except (OSError, EOFError):
            self.child.ended()
            raise ExperimentError("The live-fit process has ended: it restarts with the next change") from None
        if isinstance(answer, Refused):
            raise ExperimentError(answer.problem)
        return answer

    def close(self) -> None:
        """End the process."""
        self.child.close()

    def _waited(self, line: Connection, progress: ProgressCallback) -> Found | Refused:
        began = time.perf_counter()
        while not line.poll(POLL_S):
            if time.perf_counter() - began > PATIENCE:
                try:
                    progress(0.0)
                except BaseException:
                    self.close()  # nothing else ends a fit from outside
                    raise
        answer: Found | Refused = line.recv()
        return answer


# In the process -------------------------------------------------------------------------------------------------------


def serve(line: Connection) -> None:
    """Answer requests until the window's side of `line` is gone."""
    kernel_cache.load_compiled()
    while True:
        try:
            while not line.poll(IDLE):
                kernel_cache.load_compiled()  # the window may have had them compiled by now; fits do without till then
            request = line.recv()
        except EOFError:
            return
        line.send(answered(request))


def answered(request: FitRequest) -> Found | Refused:
    """Return what comes of `request`."""
    try:
        return refitted(request)
    except HnnLabError as error:
        return Refused(str(error))
    except Exception as error:
        _log.exception("The live fit fails")
        return Refused(f"The live fit failed: {error}", traceback.format_exc())


def refitted(request: FitRequest) -> Found:
    """Return the data and the models of `request`."""
    began = time.perf_counter()
    data = request.data if request.data is not None else request.experiment.dataset()
    made = time.perf_counter()
    snapshots = tuple(_fitted(request.experiment, which, data) for which in range(len(request.experiment.models)))
    now = time.perf_counter()
    _log.debug("Data: %.1f ms, fits: %.1f ms", 1000 * (made - began), 1000 * (now - made))
    return Found(data if request.data is None else None, snapshots, made - began, now - made)


def _fitted(experiment: Experiment, which: int, data: Dataset) -> Snapshot:
    from hnn_engine.fitting.events import Failed, Finished
    from hnn_engine.fitting.random_features.states import Problem

    if experiment.recipe == "sampled":  # the same weights, without the losses on the way, which are not shown
        problem = Problem(experiment.task(experiment.models[which], data))
        theta = problem.solved()
        if not np.isfinite(theta).all():
            raise ExperimentError("The least-squares solution is not finite: choose a larger ridge")
        return problem.field.snapshot(theta)
    for event in get_recipe(experiment.recipe).start(experiment.task(experiment.models[which], data)).events():
        if isinstance(event, Finished):
            return event.snapshot
        if isinstance(event, Failed):
            raise ExperimentError(event.message)
    raise AssertionError("an uninterrupted fit finishes")
