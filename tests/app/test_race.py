"""The race in its window: opened by its key, started and stopped by the mouse, drawn, told, and kept."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication, QMessageBox

from app.application import close_window
from app.dialogs.race_plots import recipe_color
from app.dialogs.race_window import RaceWindow, duration, words
from app.style.apply import apply_theme
from app.style.theme import DARK, LIGHT
from hnn_engine.errors import HnnLabError
from hnn_engine.experiment import model_spec
from hnn_engine.journal import claim, entries, journal_folder
from hnn_engine.number_format import NO_BREAK
from hnn_engine.race import Standing, racing_recipes
from hnn_engine.records import Run, load_session
from tests.app.bench import CTRL, SHIFT, Bench
from tests.app.test_sessions import answer, saved

Button = QMessageBox.StandardButton
NOTHING = np.empty((0, 2))
LANE = Standing(1, "sampled", "Sampled · 1 × 60 units", 0.0089, 1, 1, NOTHING, np.array([[0.01, 7e-5]]), "finished", "")


async def opened(bench: Bench) -> RaceWindow:
    bench.key(Qt.Key.Key_R, CTRL | SHIFT, bench.window)
    return await bench.dialog(RaceWindow)


async def raced(bench: Bench, window: RaceWindow) -> None:
    """Press Start and wait until all lanes have ended."""
    bench.click(window.start_button)
    await over(bench, window)


async def over(bench: Bench, window: RaceWindow) -> None:
    """Wait until nothing goes on in the race's thread, and the window knows."""
    await bench.until(lambda: not window.runner.busy and not window.runner.messages, "the end of the race", 90.0)
    await bench.frames(3)


def only(bench: Bench, window: RaceWindow, *recipes: str) -> None:
    """Leave these boxes alone checked."""
    for name, check in window.checks.items():
        if check.isVisible() and check.isChecked() != (name in recipes):
            bench.click(check, QPoint(9, check.height() // 2))


async def test_recipes_race_and_the_winner_is_told_drawn_and_kept(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.workers.evaluation_worker.evaluated_run", lambda run, data, progress: run)
    bench.small_fit(steps=1500, width=16)
    window = await opened(bench)
    only(bench, window, "paper", "sampled")
    assert window.chosen() == ("paper", "sampled")
    await raced(bench, window)
    assert [one.ending for one in window.raced.standings] == ["finished"] * 2  # type: ignore[union-attr]
    first = [label.text() for label in window._labels[0]]
    assert first[0] == "1. Sampled, closed form"
    assert "faster than paper" in first[2]
    assert window.plots.finish.value is not None
    for line in (*window.plots._lines["sampled"], *window.plots._lines["paper"]):
        assert line.head.visible
    assert len(window.plots._lines["paper"][0].curve.data[0]) > 50
    bench.click(window.keep_button)
    await over(bench, window)
    state = bench.document.state
    assert [run.experiment.recipe for run in state.runs] == ["paper", "sampled"]
    assert {run.experiment.recipe for run in state.runs if run.id in state.shown} == {"sampled"}
    assert not window.keep_button.isEnabled()


async def test_a_stopped_race_keeps_what_it_reached(bench: Bench) -> None:
    bench.small_fit(steps=50_000, width=16)
    window = await opened(bench)
    only(bench, window, "paper")
    bench.click(window.start_button)
    await bench.until(lambda: window.raced is not None and window.raced.standings[0].step > 5, "some steps", 90.0)
    assert not window.start_button.isEnabled()
    bench.click(window.stop_button)
    await bench.until(lambda: window.runs, "its run")
    assert window.raced is not None
    assert window.raced.standings[0].ending == "stopped"
    assert "stopped after" in window._labels[0][1].text()
    assert window.start_button.isEnabled()
    assert not window.stop_button.isEnabled()


async def started(bench: Bench, path: Path | None = None) -> RaceWindow:
    """Let two lanes race of which one ends soon, and wait for that; save the session under `path` before."""
    bench.small_fit(steps=50_000, width=16)
    if path is not None:
        await saved(bench, path)
    window = await opened(bench)
    only(bench, window, "paper", "sampled")
    bench.click(window.start_button)
    await bench.until(lambda: window.runs, "a lane that has ended", 90.0)
    assert window.runner.busy
    return window


async def test_what_a_lane_leaves_is_in_the_journal_at_once_and_with_the_rest_at_a_signal(bench: Bench) -> None:
    await started(bench)
    await bench.until(lambda: bench.window.journal.wait(0.0), "the journal")
    (place,) = journal_folder().iterdir()
    assert [run["title"] for run in json.loads((place / "document.json").read_text())["runs"]] == [
        "HNN · Sampled, closed form · seed 0"
    ]
    bench._open = False
    await close_window(bench.window, remember=False, keep=True)
    (entry,) = entries(journal_folder())
    session, problems = claim(entry).load()
    assert problems == ()
    assert {run.experiment.recipe: run.ending for run in session.runs} == {"sampled": "finished", "paper": "stopped"}


async def test_a_new_race_lets_the_last_one_go(bench: Bench, tmp_path: Path) -> None:
    bench.small_fit(steps=50_000, width=16)
    await saved(bench, tmp_path / "mine.hnnlab")
    window = await opened(bench)
    only(bench, window, "sampled")
    await raced(bench, window)
    (first,) = window.runs
    bench.click(window.start_button)
    await over(bench, window)
    (second,) = window.runs
    assert second.id != first.id
    await bench.until(lambda: bench.window.journal.wait(0.0), "the journal")
    (place,) = journal_folder().iterdir()
    assert [run["id"] for run in json.loads((place / "document.json").read_text())["runs"]] == [second.id]


@pytest.mark.parametrize("running", [False, True])
async def test_leaving_asks_about_a_race_and_keeps_its_runs(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, running: bool
) -> None:
    monkeypatch.setattr("app.workers.evaluation_worker.evaluated_run", lambda run, data, progress: run)
    path = tmp_path / "mine.hnnlab"
    window = await started(bench, path)
    if not running:
        window.stop()
        await over(bench, window)
    assert bench.document.state.runs == ()
    bench.window.close()
    await answer(bench, Button.Cancel)
    assert not bench.window.closed.is_set()
    assert window.unkept
    bench.window.close()
    await answer(bench, Button.Save)
    await bench.until(bench.window.closed.is_set, "the end")
    assert {run.experiment.recipe for run in load_session(path).runs} == {"paper", "sampled"}
    assert not window.unkept
    await bench.close()
    assert list(journal_folder().iterdir()) == []


async def test_runs_that_cannot_be_evaluated_are_kept_without_figures(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(run: Run, data: object, progress: object) -> Run:
        raise HnnLabError("no figures")

    monkeypatch.setattr("app.workers.evaluation_worker.evaluated_run", fail)
    window = await opened(bench)
    only(bench, window, "sampled")
    await raced(bench, window)
    bench.click(window.keep_button)
    await over(bench, window)
    await bench.until(lambda: "no figures" in bench.window.notice.text(), "why there are none")
    assert [run.figures for run in bench.document.state.runs] == [None]
    assert not window.unkept


async def test_of_a_race_whose_process_is_lost_what_had_ended_stays(bench: Bench) -> None:
    window = await started(bench)
    process = window.runner.child.process
    assert process is not None
    process.kill()
    await over(bench, window)
    assert "start the race again" in window.problem.text()
    assert [run.experiment.recipe for run in window.runs] == ["sampled"]
    assert window.keep_button.isEnabled()


async def test_closing_ends_the_race(bench: Bench) -> None:
    bench.small_fit(steps=50_000, width=16)
    window = await opened(bench)
    only(bench, window, "paper")
    bench.click(window.start_button)
    await bench.frames(5)
    bench.key(Qt.Key.Key_Escape, widget=window)
    await over(bench, window)
    assert not window.isVisible()


async def test_boxes_follow_the_model_and_the_system(bench: Bench) -> None:
    window = await opened(bench)
    assert window.model.currentData() == "hnn"
    assert window.chosen() == racing_recipes("hnn")
    assert not window.checks["sampled-film"].isVisible()
    await bench.pick("pixel-pendulum")
    assert window.model.currentData() == "pixel-hnn"
    assert window.chosen() == racing_recipes("pixel-hnn")
    assert not window.checks["sampled"].isVisible()
    assert "Pixel pendulum" in window.windowTitle()


async def test_nothing_chosen_is_nothing_to_start(bench: Bench) -> None:
    window = await opened(bench)
    only(bench, window)
    assert window.chosen() == ()
    assert not window.start_button.isEnabled()


async def test_training_waits_for_nothing_and_the_race_for_training(bench: Bench, unevaluated: None) -> None:
    bench.small_fit(steps=20_000)
    window = await opened(bench)
    bench.lab.training.start()
    await bench.until(lambda: bench.lab.training.worker.running, "a fit")
    assert not window.start_button.isEnabled()
    assert "stop it first" in window.start_button.toolTip()
    bench.lab.training.stop()
    await bench.ended()
    assert window.start_button.isEnabled()


async def test_a_lane_that_fails_says_why(bench: Bench) -> None:
    bench.edit(data={**bench.experiment.data, "points": 4}, models=(model_spec("hnn", {"width": 16}),))
    await bench.settled()
    window = await opened(bench)
    only(bench, window, "denoise", "sampled")
    await raced(bench, window)
    await bench.frames(2)
    assert "No trajectory that trains" in window.problem.text()
    assert [label.text() for label in window._labels[1]][1] == "failed"


async def test_it_fits_a_small_screen_and_changes_its_dress(bench: Bench) -> None:
    window = await opened(bench)
    window.resize(1160, 700)
    await bench.frames(2)
    assert window.minimumSizeHint().width() <= 1160
    assert window.minimumSizeHint().height() <= 700
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    for theme in (DARK, LIGHT):
        apply_theme(application, theme)
        await bench.frames(2)
        drawn = window.plots.finish.caption.color.name()
        assert drawn == theme.accent_hover.lower()


def test_lanes_are_told_in_few_words() -> None:
    def told(one: Standing) -> list[str]:
        return [text.replace(NO_BREAK, " ") for text in words(one)]

    there = replace(LANE, finish=0.0089, faster=654.0)
    assert told(there)[:3] == ["1. Sampled", "reached in 8.9 ms", "650 × faster than paper"]
    assert told(replace(there, faster=3141.0, at_least=True))[2] == "> 3,100 × faster than paper"
    assert told(replace(there, faster=0.5))[2] == "2 × slower than paper"
    assert told(replace(there, faster=1.001))[2] == "as fast as paper"
    assert told(LANE)[1] == "finished after 8.9 ms"
    assert told(replace(LANE, ending="", steps=9))[1] == "8.9 ms, step 1 of 9"
    assert told(LANE)[3:] == ["error 7·10⁻⁵", "1 × 60 units"]


def test_times_have_two_digits() -> None:
    told = [duration(s).replace(NO_BREAK, " ") for s in (0.0089, 0.0999, 0.264, 13.3, 125.0)]
    assert told == ["8.9 ms", "100 ms", "0.26 s", "13 s", "125 s"]


def test_recipes_of_one_race_have_different_colours() -> None:
    for recipes in (racing_recipes("hnn"), racing_recipes("pixel-hnn")):
        assert "muted" not in map(recipe_color, recipes)
        assert len({recipe_color(name) for name in recipes}) == len(recipes)
