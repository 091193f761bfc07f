"""The fitting thread: what it keeps when it is stopped, and what it lets go when it ends."""

import ctypes
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import psutil
import pytest

import app.workers.training_worker
from app.workers.malloc_trim import give_back
from app.workers.training_worker import FitEvent, JobEnded, JobStarted, Kept, Message, TrainingWorker
from hnn_engine.experiment import Experiment, new_experiment
from hnn_engine.fit_run import FitRun
from hnn_engine.fitting import backend_choice
from hnn_engine.fitting.events import Event
from hnn_engine.kernels import cache as kernel_cache


def small() -> Experiment:
    made = new_experiment("pendulum")
    return replace(
        made, data={**made.data, "trajectories": 4, "points": 6}, settings={**made.settings, "steps": 3, "batch": 0}
    )


def ended(runner: TrainingWorker) -> list[Message]:
    assert runner.join(60.0)
    return runner.drain()


def test_a_job_that_is_stopped_while_compiling_keeps_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    compiling = threading.Event()

    def load(interrupt: Callable[[], bool] = lambda: False, first: str = "") -> bool:
        compiling.set()
        while not interrupt():
            time.sleep(0.01)
        return False

    monkeypatch.setattr(kernel_cache, "load", load)
    monkeypatch.setattr(backend_choice, "must_compile", lambda by_gradient: True)  # as where torch is not installed
    runner = TrainingWorker()
    runner.start(small(), None)
    assert compiling.wait(30.0)
    runner.stop()
    assert ended(runner) == [JobEnded()]


@pytest.mark.parametrize("loops", [True, False])
def test_a_job_goes_on_with_the_loops_and_without(loops: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not loops:
        monkeypatch.setattr(kernel_cache, "_loops", None)
        monkeypatch.setattr(kernel_cache, "_absent", "numba is not installed")
    runner = TrainingWorker()
    runner.start(small(), None)
    messages = ended(runner)
    assert isinstance(messages[0], JobStarted)
    assert [m.run.steps for m in messages if isinstance(m, Kept)] == [3, 3]
    assert messages[-1] == JobEnded()


def test_a_fit_that_ends_is_told_while_another_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    advance = FitRun.advance

    def sooner(fit: FitRun) -> Event:
        if fit.model == "baseline" and fit.step == 1:
            fit.stop()
        return advance(fit)

    monkeypatch.setattr(FitRun, "advance", sooner)
    runner = TrainingWorker()
    runner.start(small(), None)
    messages = ended(runner)
    told = [(m.run.snapshot.model, messages.index(m)) for m in messages if isinstance(m, Kept)]
    assert [model for model, _ in told] == ["baseline", "hnn"]
    last = max(i for i, m in enumerate(messages) if isinstance(m, FitEvent))
    assert told[0][1] < last < told[1][1]


def test_memory_is_given_back_once_the_fits_are_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[weakref.ref[FitRun]] = []
    alive: list[int] = []
    prepare = FitRun.__init__

    def noted(fit: FitRun, *asked: Any) -> None:
        made.append(weakref.ref(fit))
        prepare(fit, *asked)

    monkeypatch.setattr(FitRun, "__init__", noted)
    monkeypatch.setattr(
        app.workers.training_worker, "give_back", lambda: alive.append(sum(fit() is not None for fit in made))
    )
    runner = TrainingWorker()
    runner.start(small(), None)
    messages = ended(runner)
    assert len(made) == 2
    assert alive == [0]
    (data,) = (weakref.ref(m.data) for m in messages if isinstance(m, JobStarted))
    messages.clear()
    assert data() is None


@pytest.mark.skipif(sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="needs glibc")
def test_what_is_free_between_used_memory_is_given_back() -> None:
    def resident() -> int:
        return int(psutil.Process().memory_info().rss)

    parts = [np.ones(12_000) for _ in range(2000)]  # 96 kB each: small enough for the heap
    top = parts.pop()
    parts.clear()
    before = resident()
    give_back()
    assert before - resident() > 100e6
    assert top.sum() == len(top)


THREADS_THAT_COME_AND_GO = """
import threading
import numpy as np
import psutil
from app.workers.malloc_trim import give_back, share_one_heap

share_one_heap()
large = np.ones(3_500_000)
del large  # from now on arrays as large come from a heap, too
before = psutil.Process().memory_info().rss
meet = threading.Barrier(6)

def work():
    parts = [np.ones(60_000) for _ in range(40)]
    meet.wait()
    del parts

threads = [threading.Thread(target=work) for _ in range(6)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
give_back()
print(psutil.Process().memory_info().rss - before)
"""


@pytest.mark.skipif(sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "mallopt"), reason="needs glibc")
def test_what_threads_had_is_given_back_when_they_are_gone() -> None:
    said = subprocess.run([sys.executable, "-c", THREADS_THAT_COME_AND_GO], capture_output=True, text=True, check=True)
    assert int(said.stdout) < 20e6  # of 115 MB
