"""The fitting thread: stopped while the inner loops are being compiled, it ends with nothing kept."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from app.jobs import JobEnded, JobRunner, JobStarted, Kept, Message
from hnn_engine import compiled
from hnn_engine.experiment import Experiment, new_experiment


def small() -> Experiment:
    made = new_experiment("pendulum")
    return replace(
        made, data={**made.data, "trajectories": 4, "points": 6}, settings={**made.settings, "steps": 3, "batch": 0}
    )


def ended(runner: JobRunner) -> list[Message]:
    assert runner.join(60.0)
    return runner.drain()


def test_a_job_that_is_stopped_while_compiling_keeps_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    compiling = threading.Event()

    def load(build_elsewhere: bool = False, interrupt: Callable[[], bool] = lambda: False) -> bool:
        compiling.set()
        while not interrupt():
            time.sleep(0.01)
        return False

    monkeypatch.setattr(compiled, "load", load)
    runner = JobRunner()
    runner.start(small(), None)
    assert compiling.wait(30.0)
    runner.stop()
    assert ended(runner) == [JobEnded()]


@pytest.mark.parametrize("loops", [True, False])
def test_a_job_goes_on_with_the_loops_and_without(loops: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not loops:
        monkeypatch.setattr(compiled, "_loops", None)
        monkeypatch.setattr(compiled, "_absent", True)
    runner = JobRunner()
    runner.start(small(), None)
    messages = ended(runner)
    assert isinstance(messages[0], JobStarted)
    assert [m.run.steps for m in messages if isinstance(m, Kept)] == [3, 3]
    assert messages[-1] == JobEnded()
