"""The live fit: models that follow a hand, in a process of their own; and data that a hand draws, moves and erases."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt

from app.model.document import BeforeLive, State, View
from app.workers import live_fit_process
from app.workers.live_fit_process import FitRequest, Found, LiveFitProcess
from hnn_engine.coords import Array
from hnn_engine.data_edits import NO_EDITS, STROKES, Place
from hnn_engine.errors import ExperimentError
from hnn_engine.experiment import Experiment, default_settings, new_experiment, resolved
from hnn_engine.snapshot import Snapshot
from tests.app.bench import CTRL, Bench, differ


async def live(bench: Bench) -> None:
    """Switch the live fit on and wait for its models."""
    bench.edit(data={**bench.experiment.data, "trajectories": 10, "points": 30})
    bench.lab.playback.set_playing(False)
    await bench.settled()
    bench.click(bench.window.training.live)
    await refitted(bench)


async def refitted(bench: Bench) -> None:
    """Wait until the models on screen are those of the experiment."""
    lab = bench.lab
    await bench.until(
        lambda: lab.live_fit.models and lab.dataset_worker.of(bench.experiment) is not None and not lab.live_fit.busy,
        "models of the present data",
    )
    await bench.settled()


def at(bench: Bench, q: float, p: float) -> QPointF:
    """Where (q, p) is in the portrait, in pixels."""
    plot = bench.window.portrait.plot
    return plot.view.pixel(q, p)


async def draw(bench: Bench, path: Array, waits: Sequence[int] = (25,)) -> None:
    """Draw along `path` `(n, 2)` with the mouse; moves come, by the screen's clock, `waits` (ms) apart in turn."""
    plot = bench.window.portrait.plot
    bench.hand_clock = 1000
    bench.press(plot, at(bench, *path[0]))
    for count, point in enumerate(path[1:]):
        bench.hand_clock += waits[count % len(waits)]
        bench.move(plot, at(bench, *point))
        await bench.frames(1)
    bench.release(plot, at(bench, *path[-1]))
    bench.hand_clock = 0
    await bench.frames(1)


def ring(reach: float = 1.5, count: int = 40) -> Array:
    angle = np.linspace(0.0, -2 * np.pi, count)
    return reach * np.column_stack([np.cos(angle), np.sin(angle)])


def line(begin: tuple[float, float], end: tuple[float, float], count: int = 20) -> Array:
    return np.linspace(begin, end, count)


def same(a: Snapshot, b: Snapshot) -> bool:
    return all(np.array_equal(a.weights[name], b.weights[name]) for name in a.weights)


# The switch -----------------------------------------------------------------------------------------------------------


async def test_models_stand_there_at_once_and_follow_the_noise(bench: Bench) -> None:
    await live(bench)
    assert bench.experiment.recipe == "sampled"
    assert {t.model for t in bench.answer.models} == {"baseline", "hnn"}
    assert not bench.document.state.runs
    before = bench.model("hnn").coords
    row = bench.window.data.simulated.row("noise")
    assert row.slider is not None
    bench.slide(row.slider, 0.9, let_go=False)
    await bench.until(lambda: differ(bench.model("hnn").coords[:200], before[:200]), "a model of noisier data")
    assert bench.lab.drag.active
    bench.slide(row.slider, 0.9)
    await refitted(bench)
    assert not bench.lab.drag.active
    assert "Live fit" in bench.window.portrait.words.whole
    assert "Live fit" in bench.window.training.progress.text()


async def test_it_follows_constants_settings_and_undo_but_a_start_refits_nothing(bench: Bench) -> None:
    await live(bench)
    fits = bench.lab.live_fit.fit_times
    count, first = len(fits), bench.lab.live_fit.models[1].snapshot
    bench.lab.drag.move(np.array([1.0, 0.5]))
    bench.lab.drag.end()
    await bench.settled()
    assert len(fits) == count
    bench.edit(settings={**bench.experiment.settings, "regularisation": "fixed", "ridge": 1e-3})
    await refitted(bench)
    assert len(fits) == count + 1
    assert not same(bench.lab.live_fit.models[1].snapshot, first)
    bench.document.undo()
    await refitted(bench)
    assert same(bench.lab.live_fit.models[1].snapshot, first)


async def test_train_keeps_what_was_seen(bench: Bench) -> None:
    await live(bench)
    seen = {m.model: m.snapshot for m in bench.lab.live_fit.models}
    await bench.train()
    kept = {r.snapshot.model: r.snapshot for r in bench.document.state.runs}
    assert kept.keys() == seen.keys()
    assert all(same(kept[name], seen[name]) for name in kept)
    bench.click(bench.window.training.live)
    await bench.settled()
    assert not bench.lab.live_fit.models
    assert {t.key for t in bench.answer.models} == {r.id for r in bench.document.state.runs}


async def test_a_slow_recipe_ends_it_and_it_says_so(bench: Bench) -> None:
    await live(bench)
    said: list[str] = []
    bench.lab.noticed.connect(lambda text, _: said.append(text))
    bench.choose(bench.window.training.recipe, "adam")
    bench.window.training.recipe.activated.emit(bench.window.training.recipe.currentIndex())
    await bench.settled()
    assert not bench.document.view.live_fit
    assert not bench.window.training.live.isChecked()
    assert any("too slow for a live fit" in text for text in said)
    assert not bench.lab.live_fit.models


async def test_its_end_puts_recipe_settings_and_networks_back(bench: Bench) -> None:
    bench.small_fit(steps=77, width=48)
    before = bench.experiment
    await live(bench)
    assert (bench.experiment.recipe, bench.experiment.models[0].settings["width"]) == ("sampled", "auto")
    assert "40 × 1" in bench.window.training.automatic.text()
    bench.edit(start=(1.0, 0.5))
    bench.document.undo()
    bench.document.redo()
    bench.edit(settings={**bench.experiment.settings, "regularisation": "fixed"})
    bench.click(bench.window.training.live)
    assert not bench.document.view.live_fit
    now = bench.experiment
    assert (now.recipe, now.settings, now.models) == (before.recipe, before.settings, before.models)
    assert now.start == (1.0, 0.5), "what has been changed meanwhile stays"


async def test_its_end_puts_them_back_in_a_session_that_was_saved_meanwhile(bench: Bench, tmp_path: Path) -> None:
    before = bench.experiment
    await live(bench)
    bench.document.path = tmp_path / "live.hnnlab"
    await bench.window.session_actions.save()
    await bench.window.session_actions.new()
    assert bench.document.view.before_live is None
    await bench.window.session_actions.open(tmp_path / "live.hnnlab")
    assert bench.document.view.live_fit
    assert bench.experiment.recipe == "sampled"
    bench.lab.live_fit.set_on(False)
    now = bench.experiment
    assert (now.recipe, now.settings, now.models) == (before.recipe, before.settings, before.models)


async def test_its_end_on_another_system_has_that_system_s_settings(bench: Bench) -> None:
    await live(bench)
    await bench.pick("two-body")
    bench.lab.live_fit.set_on(False)
    assert (bench.experiment.recipe, bench.experiment.settings["steps"]) == ("paper", 10_000)


async def test_undone_it_ends_and_leaves_nothing_to_put_back(bench: Bench) -> None:
    await live(bench)
    bench.document.undo()
    assert bench.experiment.recipe == "paper"
    assert not bench.document.view.live_fit
    assert bench.document.view.before_live is None


async def test_a_system_of_frames_is_opened_with_the_recipe_from_before(bench: Bench) -> None:
    await live(bench)
    await bench.pick("pixel-pendulum")
    assert not bench.document.view.live_fit
    assert bench.experiment.recipe == "paper"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("recipe", "no such"),
        ("settings.steps", -3),
        ("settings.pace", 1),
        ("hnn.width", 0),
        ("hnn.units", 4),
        ("odd", 1),
    ],
)
def test_what_a_file_says_of_before_is_believed_only_where_it_can_be(name: str, value: object) -> None:
    good = {"source": "pendulum", "recipe": "paper", "settings.steps": 10, "hnn.width": 64, "hnn.depth": "auto"}

    def read(values: object, live: bool = True) -> BeforeLive | None:
        listed = [part for pair in values.items() for part in pair] if isinstance(values, dict) else values
        return View.from_dict({"live_fit": live, "before_live": listed}).before_live

    found = read(good)
    assert found is not None
    assert (found.recipe, found.settings["steps"]) == ("paper", 10)
    assert found.sizes == {"hnn": {"width": 64, "depth": "auto"}}
    assert View.from_dict(View(live_fit=True, before_live=found).as_dict()).before_live == found
    assert read({**good, name: value}) is None
    assert read(good, live=False) is None
    for strange in (None, 3, ["source"], {}, [[], []]):
        assert read(strange) is None


async def test_frames_are_refused_and_another_system_goes_on(bench: Bench) -> None:
    await live(bench)
    await bench.pick("mass-spring")
    await refitted(bench)
    assert {t.model for t in bench.answer.models} == {"baseline", "hnn"}
    said: list[str] = []
    bench.lab.noticed.connect(lambda text, _: said.append(text))
    few = new_experiment("pixel-pendulum")
    bench.edit(**{f: getattr(few, f) for f in ("source", "models", "recipe", "settings", "start", "rollout")}, data={
        **few.data, "trajectories": 3, "frames": 12
    })  # fmt: skip
    await bench.settled()
    assert not bench.document.view.live_fit
    assert any("needs states" in text for text in said)


async def test_data_that_cannot_be_fitted_is_said_and_forgiven(bench: Bench) -> None:
    await live(bench)
    gone = NO_EDITS.without(*(Place(k) for k in range(10)))
    bench.edit(edits=gone)
    await bench.until(lambda: "All data has been removed" in bench.lab.live_fit.problem, "a sentence")
    assert not bench.lab.live_fit.models
    await bench.until(lambda: "All data has been removed" in bench.window.portrait.words.whole, "it on the portrait")
    bench.document.undo()
    await refitted(bench)
    assert not bench.lab.live_fit.problem


# The process ----------------------------------------------------------------------------------------------------------


def quick(recipe: str = "sampled", **data: float) -> Experiment:
    base = new_experiment("pendulum")
    base = replace(base, data={**base.data, "trajectories": 6, "points": 20, **data}, recipe=recipe)
    return resolved(replace(base, settings=default_settings(recipe, base.scene)), live=True)


@pytest.fixture
def asked() -> LiveFitProcess:
    return LiveFitProcess()


def test_a_process_that_dies_is_said_and_begins_anew(asked: LiveFitProcess) -> None:
    try:
        first = asked(FitRequest(quick(), None), lambda _: None)
        assert asked.child.process is not None
        asked.child.process.kill()
        asked.child.process.join()
        again = asked(FitRequest(quick(), None), lambda _: None)
        assert same(first.snapshots[0], again.snapshots[0])
        assert asked.child.line is not None
        asked.child.line.close()
        with pytest.raises(ExperimentError, match="restarts"):
            asked(FitRequest(quick(), None), lambda _: None)
        assert len(asked(FitRequest(quick(), None), lambda _: None).snapshots) == 2
    finally:
        asked.close()


def test_a_long_fit_is_given_up_for_a_newer_wish(asked: LiveFitProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    class NewerError(Exception):
        pass

    def tell(_: float) -> None:
        raise NewerError

    try:
        asked(FitRequest(quick(), None), lambda _: None)
        monkeypatch.setattr(live_fit_process, "PATIENCE", 0.0)
        long = replace(quick("denoise", points=60.0), models=new_experiment("pendulum").models)
        began = time.perf_counter()
        with pytest.raises(NewerError):
            asked(FitRequest(long, None), tell)
        assert time.perf_counter() - began < 5.0
        assert asked(FitRequest(quick(), None), lambda _: None).data is not None
    finally:
        asked.close()


def test_a_fault_of_the_program_is_one_sentence_with_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("by nothing")

    lost = live_fit_process.answered(FitRequest(quick(horizon=float("nan")), None))
    assert isinstance(lost, live_fit_process.Refused)
    assert (lost.problem[:12], lost.details) == ("A trajectory", "")
    monkeypatch.setattr(live_fit_process, "_fitted", fail)
    refused = live_fit_process.answered(FitRequest(quick(), None))
    assert isinstance(refused, live_fit_process.Refused)
    assert refused.problem == "The live fit failed: by nothing"
    assert "ZeroDivisionError" in refused.details


# Hands on the data ----------------------------------------------------------------------------------------------------


async def test_a_drawn_ring_becomes_the_data_and_a_crossing_stroke_is_not_followed(bench: Bench) -> None:
    await live(bench)
    tools = bench.window.data.tools
    bench.click(tools.buttons["draw"])
    await draw(bench, ring())
    await refitted(bench)
    data = bench.lab.dataset
    assert data is not None
    assert (data.trajectory == STROKES).all()
    np.testing.assert_allclose(np.linalg.norm(data.coords, axis=1), 1.5, atol=0.02)
    assert bench.document.view.field == "hnn"
    assert bench.answer.missed is not None
    assert bench.answer.missed.share < 0.1
    await draw(bench, line((-1.6, -1.6), (1.6, 1.6)))
    await refitted(bench)
    assert bench.answer.missed is not None
    assert bench.answer.missed.share > 0.1
    assert "does not fit" in bench.window.portrait.words.whole
    assert len(bench.window.portrait.dots.missed.data[0]) == len(bench.answer.missed.at)
    bench.click(tools.only)
    await refitted(bench)
    assert bench.lab.dataset is not None
    assert len(bench.lab.dataset.t) > 300
    bench.click(tools.clear)
    await refitted(bench)
    assert bench.experiment.edits == NO_EDITS
    assert not tools.clear.isVisible()


@pytest.mark.parametrize("axes", [(0, 1), (1, 0)])
async def test_a_ring_is_a_ring_where_moves_arrive_rarely_and_unevenly(bench: Bench, axes: tuple[int, int]) -> None:
    await bench.settled()
    bench.document.set_view(tool="draw", axes=axes)
    await bench.settled()
    await draw(bench, ring(count=16) * (1.0, 0.5), waits=(20, 300, 30, 0, 150))
    drawn = np.array(bench.experiment.edits.strokes[0].coords)[:, list(axes)]
    np.testing.assert_allclose(np.hypot(drawn[:, 0], 2 * drawn[:, 1]), 1.5, atol=0.05)


async def test_a_hand_lets_go_where_the_document_changes_under_it(bench: Bench) -> None:
    await bench.pick("mass-spring")
    await bench.pick("pendulum")
    await bench.settled()
    data, plot = bench.lab.dataset, bench.window.portrait.plot
    assert data is not None
    begin = QPointF(at(bench, *data.coords[7]).toPoint())

    async def gesture(tool: str, amid: Callable[[], object]) -> None:
        bench.document.set_view(tool=tool)
        bench.press(plot, begin)
        bench.move(plot, begin + QPointF(30, 0))
        await bench.frames(2)
        amid()
        for step in range(2, 8):
            bench.move(plot, begin + QPointF(30 * step, 5))
        bench.release(plot, begin + QPointF(240, 5))
        await bench.frames(1)
        assert bench.experiment.edits == NO_EDITS
        assert not bench.lab.drag.active

    def back_to_the_spring() -> None:
        while bench.experiment.source_name == "pendulum":
            bench.document.undo()

    await gesture("move", back_to_the_spring)
    assert bench.experiment.source_name == "mass-spring"
    await bench.pick("pendulum")
    await bench.settled()
    for tool in ("move", "erase", "draw"):
        await gesture(tool, lambda: bench.document.reset(State(new_experiment("double-pendulum")), None))
        assert not bench.document.dirty
        bench.document.reset(State(new_experiment("pendulum")), None)
        await bench.settled()


async def test_a_dot_is_no_stroke(bench: Bench) -> None:
    said: list[str] = []
    bench.lab.noticed.connect(lambda text, _: said.append(text))
    bench.document.set_view(tool="draw")
    await draw(bench, line((0.0, 0.0), (0.1, 0.1), 3))
    assert bench.experiment.edits == NO_EDITS
    assert any("draw for" in text for text in said)


async def test_points_and_trajectories_are_moved_and_taken_back(bench: Bench) -> None:
    await live(bench)
    bench.edit(data={**bench.experiment.data, "noise": 0.0})
    await refitted(bench)
    bench.click(bench.window.data.tools.buttons["move"])
    data, plot = bench.lab.dataset, bench.window.portrait.plot
    assert data is not None
    row = int(np.flatnonzero(data.train)[7])
    begin = QPointF(at(bench, *data.coords[row]).toPoint())
    await bench.drag(plot, begin, begin + QPointF(40, -30))
    await refitted(bench)
    moved = bench.lab.dataset
    assert moved is not None
    gaps = np.linalg.norm(moved.coords - data.coords, axis=1)
    assert (gaps > 0).sum() == 1
    assert len(bench.experiment.edits.moved) == 1
    bench.document.undo()
    await refitted(bench)
    assert bench.experiment.edits == NO_EDITS
    bench.press(plot, begin, CTRL)
    for step in range(1, 5):
        bench.move(plot, begin + QPointF(10 * step, 0), CTRL)
        await bench.frames(1)
    bench.key(Qt.Key.Key_Escape, widget=bench.window.portrait.plot)
    await refitted(bench)
    assert bench.experiment.edits == NO_EDITS
    assert not bench.lab.drag.active
    bench.press(plot, begin, CTRL)
    bench.move(plot, begin + QPointF(40, 0), CTRL)
    bench.release(plot, begin + QPointF(40, 0), CTRL)
    await refitted(bench)
    assert bench.lab.dataset is not None
    shifted = np.linalg.norm(bench.lab.dataset.coords - data.coords, axis=1) > 0
    assert set(data.trajectory[shifted]) == set(data.trajectory[[row]])
    assert shifted.sum() == 30


async def test_a_rubber_takes_points_out_without_a_live_fit_too(bench: Bench) -> None:
    bench.edit(data={**bench.experiment.data, "trajectories": 6, "points": 30, "noise": 0.0})
    await bench.settled()
    bench.click(bench.window.data.tools.buttons["erase"])
    data, plot = bench.lab.dataset, bench.window.portrait.plot
    assert data is not None
    row = int(np.flatnonzero(data.train)[7])
    place = at(bench, *data.coords[row])
    bench.press(plot, place)
    bench.release(plot, place)
    await bench.until(lambda: bench.lab.dataset is not None and len(bench.lab.dataset.t) < len(data.t), "fewer rows")
    assert Place(int(data.trajectory[row]), float(data.t[row])) in bench.experiment.edits.removed
    await bench.frames(3)
    await bench.settled()  # the dots are drawn with the next answer, and a press takes what is drawn
    next_one = at(bench, *data.coords[row + 1])
    bench.press(plot, next_one, CTRL)
    bench.release(plot, next_one, CTRL)
    await bench.until(lambda: bench.lab.dataset is not None and len(bench.lab.dataset.t) <= 150, "a trajectory less")
    assert Place(int(data.trajectory[row])) in bench.experiment.edits.removed
    assert "removed" in bench.window.data.tools.facts.text()
    bench.document.undo()
    bench.document.undo()
    await bench.until(lambda: bench.lab.dataset is not None and len(bench.lab.dataset.t) == len(data.t), "all rows")


async def test_bodies_cannot_be_drawn_but_moved(bench: Bench) -> None:
    tools = bench.window.data.tools
    bench.click(tools.buttons["draw"])
    assert bench.document.view.tool == "draw"
    await bench.pick("two-body")
    assert bench.document.view.tool == "start"
    assert not tools.buttons["draw"].isEnabled()
    assert tools.buttons["move"].isEnabled()


async def test_an_older_answer_does_not_bring_older_data_back(bench: Bench) -> None:
    await live(bench)
    lab, before, old = bench.lab, bench.experiment, bench.lab.dataset
    assert old is not None
    bench.edit(data={**before.data, "noise": 0.3})
    await refitted(bench)
    new = lab.dataset
    assert new is not None
    lab.drag.active = True
    lab._on_refitted(before, old)
    lab.drag.active = False
    lab._on_refitted(bench.experiment, new)
    await bench.settled()
    assert lab.dataset is new


async def test_an_answer_of_another_system_is_dropped(bench: Bench) -> None:
    """A fit that was under way when the system changed ends: its models have other coordinates."""
    await live(bench)
    fit = bench.lab.live_fit
    before, models = bench.experiment, fit.models
    late = Found(bench.lab.dataset, tuple(one.snapshot for one in models), 0.0, 0.01)
    await bench.pick("two-body")
    fit._on_answered(FitRequest(before, None), late, "")
    assert all(one.snapshot.dof == bench.experiment.system.dof for one in bench.lab.shown_models())
    fit._on_answered(FitRequest(before, None), None, "it cannot be fitted")
    assert fit.problem == ""
    await bench.frames(5)
    assert bench.unforeseen == []
