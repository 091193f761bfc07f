"""Figures come by themselves: runs are in the table before, and nothing waits for them."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox

from app.workers.evaluation_worker import EvaluationWorker, NotEvaluated, RunEvaluated
from hnn_engine.datasets import Dataset
from hnn_engine.evaluation import Figures
from hnn_engine.experiment import new_experiment
from hnn_engine.fit_run import FitRun
from hnn_engine.records import Run
from tests.app.bench import CTRL, Bench

FIGURES = Figures(0.5, 0.25)
SECONDS = 30.0


class Gate:
    """Stands in for the evaluation of a run: holds it until it is opened, and asks now and then whether it goes on."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.asks = True
        self.begun: list[str] = []

    def __call__(self, run: Run, data: Dataset, progress: Callable[[float], None]) -> Run:
        self.begun.append(run.id)
        until = time.monotonic() + SECONDS
        while not self.open.is_set() and time.monotonic() < until:
            if self.asks:
                progress(0.5)
            time.sleep(0.002)
        return replace(run, figures=FIGURES)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    gate = Gate()
    monkeypatch.setattr("app.workers.evaluation_worker.evaluated_run", gate)
    yield gate
    gate.open.set()


async def fitted(bench: Bench) -> None:
    """Fit both models, and wait until one is being evaluated."""
    bench.small_fit(10, 8)
    bench.click(bench.window.training.button)
    await bench.until(lambda: bench.lab.evaluation.busy, "the evaluation")
    await bench.frames(3)


async def test_it_says_how_far_it_is_and_its_runs_are_in_the_table(bench: Bench, gate: Gate) -> None:
    await fitted(bench)
    panel = bench.window.training
    await bench.until(lambda: "Evaluating 1 of 2" in panel.progress.text(), "how far it is")
    assert [run.figures for run in bench.document.state.runs] == [None, None]
    assert panel.button.text() == "Train"
    assert panel.button.isEnabled()
    assert panel.bar.isVisible()
    gate.open.set()
    await bench.ended()
    assert [run.figures for run in bench.document.state.runs] == [FIGURES, FIGURES]
    assert not panel.stop_button.isVisible()
    bench.document.undo()
    assert all(run.figures is FIGURES for run in bench.document.state.runs), "figures are no edit"


async def test_stop_ends_it_and_a_run_can_be_evaluated_later(bench: Bench, gate: Gate) -> None:
    await fitted(bench)
    panel = bench.window.training
    bench.click(panel.stop_button)
    assert not bench.lab.evaluation.busy
    assert "Evaluating" not in panel.progress.text()
    assert len(bench.document.state.runs) == 2
    gate.open.set()
    await bench.frames(10)
    assert [run.figures for run in bench.document.state.runs] == [None, None]
    bench.window.runs.table.selectRow(0)
    bench.window.runs.evaluate_selected()
    await bench.ended()
    assert [run.figures for run in bench.document.state.runs] == [None, FIGURES]


async def test_another_fit_begins_while_it_goes_on(bench: Bench, gate: Gate) -> None:
    await fitted(bench)
    bench.click(bench.window.training.button)
    await bench.until(lambda: len(bench.document.state.runs) == 4, "the runs of the second fit")
    gate.open.set()
    await bench.ended()
    assert all(run.figures is FIGURES for run in bench.document.state.runs)


@pytest.mark.parametrize("asks", [True, False])
async def test_a_new_session_does_not_wait_and_hears_nothing_of_it(bench: Bench, gate: Gate, asks: bool) -> None:
    """Whether or not what is being computed can be ended now."""
    gate.asks = asks
    await fitted(bench)
    bench.key(Qt.Key.Key_N, CTRL)
    box = await bench.dialog(QMessageBox)
    await bench.press_button(box.button(QMessageBox.StandardButton.Discard))
    await bench.until(lambda: bench.document.state.runs == (), "the new session")
    assert not gate.open.is_set()
    assert not bench.lab.evaluation.busy
    gate.open.set()
    await bench.frames(10)
    assert bench.document.state.runs == ()
    bench.small_fit(10, 8)
    await bench.train()
    assert all(run.figures is FIGURES for run in bench.document.state.runs)


@pytest.fixture
def long_step(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """A fit whose second step does not end before it is let go."""
    go, advance = threading.Event(), FitRun.advance

    def held(fit: FitRun) -> Any:
        if fit.step == 2:
            go.wait(SECONDS)
        return advance(fit)

    monkeypatch.setattr(FitRun, "advance", held)
    yield go
    go.set()


async def in_the_step(bench: Bench) -> None:
    bench.small_fit(50, 8)
    bench.click(bench.window.training.button)
    await bench.until(lambda: any(s.step == 2 for s in bench.lab.training.series.values()), "two steps")
    await asyncio.sleep(0.05)


@pytest.mark.usefixtures("unevaluated")
async def test_a_fit_that_is_stopped_in_a_long_step_is_kept_and_another_begins_meanwhile(
    bench: Bench, long_step: threading.Event
) -> None:
    await in_the_step(bench)
    panel = bench.window.training
    bench.click(panel.stop_button)
    assert panel.button.text() == "Train"
    assert "Stopping" in panel.progress.text()
    assert not panel.stop_button.isVisible()
    bench.click(panel.button)
    assert bench.lab.training.worker.active
    bench.click(panel.stop_button)
    long_step.set()
    await bench.ended()
    await bench.until(lambda: len(bench.document.state.runs) == 4, "the runs of both fits")
    assert {run.ending for run in bench.document.state.runs} == {"stopped"}


@pytest.mark.usefixtures("unevaluated")
async def test_a_new_session_does_not_wait_for_a_step(bench: Bench, long_step: threading.Event) -> None:
    await in_the_step(bench)
    bench.key(Qt.Key.Key_N, CTRL)
    box = await bench.dialog(QMessageBox)
    await bench.press_button(box.button(QMessageBox.StandardButton.Discard))
    await bench.until(lambda: bench.lab.training.series == {}, "the new session")
    assert not long_step.is_set()
    assert bench.window.training.button.text() == "Train"
    long_step.set()
    await bench.frames(20)
    assert bench.document.state.runs == ()
    assert bench.lab.training.worker.join(10.0)


# The thread -----------------------------------------------------------------------------------------------------------


def run_of(seed: int) -> Run:
    base = new_experiment("pendulum")
    small = replace(base, data={**base.data, "trajectories": 4, "points": 6}, settings={**base.settings, "steps": 2})
    fit = FitRun(replace(small, seed=seed), small.dataset())
    while fit.end is None:
        fit.advance()
    run = fit.as_run(None)
    assert run is not None
    return run


def test_runs_on_the_same_data_have_it_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Dataset] = []
    monkeypatch.setattr("app.workers.evaluation_worker.evaluated_run", lambda run, data, _: seen.append(data) or run)
    worker = EvaluationWorker()
    worker.want([(run_of(seed), None) for seed in (0, 0, 1)])
    while worker.busy:
        time.sleep(0.005)
    assert [isinstance(message, RunEvaluated) for message in worker.drain()] == [True] * 3
    assert seen[0] is seen[1]
    assert seen[2] is not seen[1]
    assert worker.close(5.0)


def test_a_run_that_cannot_be_evaluated_is_said_and_the_next_one_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(run: Run, data: Dataset, progress: object) -> Run:
        if run.experiment.seed == 0:
            raise RuntimeError("no figures")
        return run

    monkeypatch.setattr("app.workers.evaluation_worker.evaluated_run", fail)
    worker = EvaluationWorker()
    worker.want([(run_of(seed), None) for seed in (0, 1)])
    while worker.busy:
        time.sleep(0.005)
    lost, found = worker.drain()
    assert isinstance(lost, NotEvaluated)
    assert "cannot be evaluated: no figures" in lost.problem
    assert "Traceback" in lost.details
    assert isinstance(found, RunEvaluated)
    assert worker.close(5.0)


def test_the_figures_are_the_same_as_on_the_command_line() -> None:
    run = run_of(0)
    worker = EvaluationWorker()
    worker.want([(run, None)])
    while worker.busy:
        time.sleep(0.01)
    (message,) = worker.drain()
    assert isinstance(message, RunEvaluated)
    from hnn_engine.fit_run import evaluated

    assert message.run.figures == evaluated(run, run.experiment.dataset()).figures
    assert worker.close(5.0)
