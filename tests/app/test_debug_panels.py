"""Debugging in the window: the verdict with its buttons, the error map, whose error it is, the gallery, the probe, and
data that is added where the map is bad."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt

from app.model.document import View
from app.panels.debug.gallery import ENTRIES, GalleryPanel
from app.panels.debug.pages import ConservedPage, EnsemblePage, FixedPointsPage, FlowPage, GrowthPage
from app.panels.debug.split import SplitPanel
from app.panels.debug.verdict import VerdictPanel
from app.panels.portrait.background import error_sizes
from app.panels.portrait.healing import worst_places
from app.window.layouts import ASIDE
from hnn_engine.data_edits import ADDED
from hnn_engine.debugging.field_error import ErrorMap, field_error
from hnn_engine.experiment import default_settings, model_spec
from hnn_engine.number_format import percent
from hnn_engine.phase_portrait import PortraitSpec, slice_coords
from hnn_engine.records import Run
from tests.app.bench import CTRL, NO_BUTTON, NO_KEY, SHIFT, Bench

pytestmark = pytest.mark.usefixtures("unevaluated")
SLOW = 60.0  # s that a view may take on a busy machine


async def fitted(bench: Bench, models: Sequence[str] = ("hnn",), **data: Any) -> None:
    """Fit models by the closed form, on data without noise."""
    await bench.warm()
    now = bench.experiment
    bench.edit(
        models=tuple(model_spec(name) for name in models),
        recipe="sampled",
        settings=default_settings("sampled", now.scene),
        data={**now.data, "noise": 0.0, **data},
    )
    await bench.settled()
    await bench.train(models)


async def debugged(bench: Bench) -> None:
    """Choose the layout, and wait for the whole verdict."""
    bench.key(Qt.Key.Key_F8, widget=bench.window)
    await bench.frames(2)
    await bench.until(lambda: whole_verdict(bench), "the verdict", SLOW)
    await bench.frames(3)


def whole_verdict(bench: Bench) -> bool:
    view = bench.lab.debugging.answer("verdict")
    return view is not None and view.whole and not bench.lab.debugging.busy


def verdict(bench: Bench) -> VerdictPanel:
    return bench.window.debug.verdict


def split(bench: Bench) -> SplitPanel:
    return bench.window.debug.split


def views(bench: Bench) -> GalleryPanel:
    return bench.window.debug.views


def rules(bench: Bench) -> list[str]:
    return [card.finding.rule for card in verdict(bench).cards]


def run_of(bench: Bench, model: str = "hnn") -> Run:
    return next(run for run in reversed(bench.document.state.runs) if run.snapshot.model == model)


# The verdict ----------------------------------------------------------------------------------------------------------


async def test_from_a_bad_model_to_the_verdict_and_what_helps(bench: Bench) -> None:
    await bench.pick("damped-pendulum")
    await fitted(bench)
    before = bench.experiment
    await debugged(bench)
    assert "friction_in_hamiltonian" in rules(bench)
    card = next(c for c in verdict(bench).cards if c.finding.rule == "friction_in_hamiltonian")
    assert "rate" in card.evidence.text()
    assert card.certainty.text() in ("Certain", "Likely")
    (button,) = card.buttons
    assert button.text() == "Fit a dissipative HNN"
    bench.click(button)
    await bench.ended()
    await bench.settled()
    assert [m.name for m in bench.experiment.models] == ["dissipative-hnn"]
    assert run_of(bench, "dissipative-hnn")
    bench.key(Qt.Key.Key_Z, CTRL, bench.window)
    assert bench.experiment == before, "one undo step"


async def test_it_follows_the_field_that_is_shown_or_a_choice_of_its_own(bench: Bench) -> None:
    await fitted(bench, ("baseline", "hnn"))
    await debugged(bench)
    debugging = bench.lab.debugging
    assert debugging.subject is not None
    assert debugging.subject.model == "hnn", "one with an energy first"
    bench.choose(bench.window.portrait.field_of, "baseline")
    await bench.until(lambda: debugging.subject is not None and debugging.subject.model == "baseline", "the other")
    bench.choose(verdict(bench).head.choice, "hnn")
    await bench.until(lambda: debugging.subject is not None and debugging.subject.model == "hnn", "its own choice")
    assert bench.document.view.debugged == "hnn"
    assert debugging.run is not None
    assert debugging.run.id == run_of(bench).id
    await bench.until(lambda: whole_verdict(bench), "the verdict", SLOW)


async def test_without_a_model_it_says_what_to_do(bench: Bench) -> None:
    bench.key(Qt.Key.Key_F8, widget=bench.window)
    await bench.until(lambda: "Train a model" in verdict(bench).summary.text(), "the sentence")
    assert verdict(bench).cards == []
    assert "Train a model" in split(bench).words.whole


async def test_what_is_going_on_can_be_stopped_and_goes_on(bench: Bench) -> None:
    await fitted(bench)
    await debugged(bench)
    bench.document.set_view(debug_view="growth")
    debugging = bench.lab.debugging
    await bench.until(lambda: debugging.busy or debugging.answer("growth") is not None, "work")
    if debugging.busy:
        bench.click(verdict(bench).head.button)
        await bench.frames(2)
        assert not debugging.busy
        assert debugging.stopped
        bench.click(verdict(bench).head.button)
    await bench.until(lambda: debugging.answer("growth") is not None, "the view", SLOW)


async def test_another_start_is_another_question(bench: Bench) -> None:
    await fitted(bench)
    await debugged(bench)
    first = bench.lab.debugging.answer("split")
    bench.edit(start=(0.5, 0.0))
    await bench.settled()
    await bench.until(lambda: whole_verdict(bench), "another verdict", SLOW)
    second = bench.lab.debugging.answer("split")
    assert second is not None
    assert second is not first
    run = bench.lab.debugging.run
    assert run is not None
    assert run.experiment.start == (0.5, 0.0)


async def test_its_panels_are_in_the_menu_and_made_when_they_are_shown(bench: Bench) -> None:
    for name in ASIDE:
        dock = bench.window.docks[name]
        assert dock.isHidden()
        dock.toggleViewAction().trigger()
        await bench.until(lambda dock=dock: bool(dock.widget().accessibleName()), name)
        assert dock.isVisible()
    bench.key(Qt.Key.Key_0, CTRL, bench.window)
    await bench.frames(3)
    assert all(bench.window.docks[name].isHidden() for name in ASIDE), "the layout as it was at first"


# The error map --------------------------------------------------------------------------------------------------------


def shown_map(bench: Bench) -> ErrorMap:
    found = bench.answer.error_map
    assert found is not None
    return found


async def test_the_error_map_shows_what_a_direct_computation_says(bench: Bench) -> None:
    await fitted(bench)
    bench.click(bench.window.portrait.switches["compare"])
    bench.click(bench.window.portrait.switches["error_map"])
    await bench.settled()
    assert not bench.document.view.compare, "there is one map"
    found, system, data = shown_map(bench), bench.experiment.system, bench.lab.dataset
    assert system is not None
    assert data is not None
    _, coords = slice_coords(found.spec, len(found.at))
    snapshot = run_of(bench).snapshot
    expected = np.linalg.norm(snapshot.field(coords) - system.field(coords), axis=-1)
    np.testing.assert_allclose(found.error, expected, rtol=1e-6, atol=1e-9)
    background = bench.window.portrait.background
    values = background.map._values
    assert values is not None
    np.testing.assert_allclose(10.0**values, np.maximum(expected / found.size, 10.0 ** values.min()), rtol=1e-5)
    figures = field_error(snapshot, data, system)
    assert percent(figures.inside) in bench.window.portrait.healing.bar.words.whole
    assert background.key.name.text() == "HNN: ‖f̂ − f‖"
    assert background.key.high.text().endswith("of rms ‖f‖")
    assert background.map._rings, "hatched outside the data's energies"


async def test_its_colours_can_be_of_a_component_and_absolute(bench: Bench) -> None:
    await fitted(bench)
    bench.click(bench.window.portrait.switches["error_map"])
    await bench.settled()
    key = bench.window.portrait.background.key
    menu = key.ways.menu()
    by_text = {action.text(): action for action in menu.actions()}
    by_text["absolute"].trigger()
    await bench.settled()
    assert bench.document.view.error_scale == "absolute"
    menu = key.ways.menu()
    {action.text(): action for action in menu.actions()}["dp/dt"].trigger()
    await bench.settled()
    found = shown_map(bench)
    values, (low, high) = error_sizes(found, 1, "absolute")
    np.testing.assert_allclose(values, np.abs(found.off[..., 1]))
    assert low == 0.0
    assert high > 0.0
    shown = bench.window.portrait.background.map._values
    assert shown is not None
    np.testing.assert_array_equal(shown, values)
    assert "dp/dt" in key.name.text()
    assert key.high.text().endswith(bench.experiment.scene.coordinates[1].unit + "/s")


async def test_of_a_recording_held_out_residuals_are_shown(bench: Bench) -> None:
    bench.window.system.shipped_action.trigger()
    await bench.until(lambda: bench.experiment.recording is not None, "the recording")
    await bench.settled()
    await bench.warm()
    bench.edit(recipe="sampled", settings=default_settings("sampled", bench.experiment.scene))
    await bench.train()
    bench.click(bench.window.portrait.switches["error_map"])
    await bench.settled()
    assert shown_map(bench).against == "held-out derivatives"
    assert "dx/dt" in bench.window.portrait.background.key.name.text()
    assert "no true field" in bench.window.portrait.background.key.toolTip()
    assert not bench.window.portrait.healing.bar.tool.isVisible()
    bench.key(Qt.Key.Key_F8, widget=bench.window)
    await bench.until(lambda: whole_verdict(bench), "the verdict", SLOW)
    await bench.until(lambda: bool(bench.lab.debugging.problem("split")), "why there is no split", SLOW)
    assert "no true system" in split(bench).words.whole


async def test_without_a_model_the_map_says_so(bench: Bench) -> None:
    bench.click(bench.window.portrait.switches["error_map"])
    await bench.settled()
    assert "No model is shown" in bench.window.portrait.background.key.name.text()


def test_worst_places_are_inside_and_apart() -> None:
    spec = PortraitSpec((0, 1), (0.0, 1.0), (0.0, 1.0), (0.0, 0.0))
    at, _ = slice_coords(spec, 11)
    off = np.zeros((11, 11, 2))
    off[5, 5], off[5, 6], off[2, 8], off[0, 0] = 3.0, 2.9, 2.0, 99.0
    inside = np.ones((11, 11), dtype=bool)
    inside[0, 0] = False
    found = ErrorMap(spec, at, off, 1.0, inside, (), "the true field")
    np.testing.assert_allclose(worst_places(found, 2), [[0.5, 0.5], [0.8, 0.2]])
    assert worst_places(found, 500).shape[1] == 2


# Whose error ----------------------------------------------------------------------------------------------------------


async def test_the_parts_of_the_error_and_a_step_by_a_click(bench: Bench) -> None:
    await fitted(bench)
    bench.edit(rollout=type(bench.experiment.rollout)(dt=0.25, horizon=10.0))
    await bench.settled()
    await debugged(bench)
    panel = split(bench)
    await bench.until(lambda: panel.error.lines, "curves", SLOW)
    lines = {line.name: line for line in panel.error.lines}
    view = bench.lab.debugging.answer("split")
    np.testing.assert_allclose(10.0 ** lines["model's"].y[1:], view.by_model[1:], rtol=1e-9)
    np.testing.assert_allclose(10.0 ** lines["integrator's"].y[1:], view.by_integrator[1:], rtol=1e-9)
    assert panel.words.whole == view.words
    bench.click(panel.buttons[2])
    table = panel.table
    await bench.until(lambda: table.rowCount() > 1, "the table", SLOW)
    before = bench.experiment
    place = min(table._cells, key=lambda at: table._cells[at].error)
    item = table.item(*place)
    assert item is not None
    bench.click(table.viewport(), table.visualItemRect(item).center())
    await bench.settled()
    chosen = table._cells[place]
    assert bench.experiment.rollout.integrator == chosen.integrator
    assert bench.experiment.rollout.dt == pytest.approx(chosen.dt, rel=5e-3)
    bench.key(Qt.Key.Key_Z, CTRL, bench.window)
    assert bench.experiment == before


async def test_too_large_a_step_is_mended_by_the_verdict(bench: Bench) -> None:
    await fitted(bench)
    bench.edit(start=(1.6, 0.0), rollout=type(bench.experiment.rollout)(dt=0.4, horizon=20.0))
    await bench.settled()
    await debugged(bench)
    assert "integrator_drift" in rules(bench)
    card = next(c for c in verdict(bench).cards if c.finding.rule == "integrator_drift")
    runs = len(bench.document.state.runs)
    bench.click(card.buttons[0])
    await bench.settled()
    assert len(bench.document.state.runs) == runs, "no fit is needed"
    await bench.until(lambda: whole_verdict(bench), "another verdict", SLOW)
    assert "integrator_drift" not in rules(bench)


# The gallery ----------------------------------------------------------------------------------------------------------


async def page(bench: Bench, name: str) -> Any:
    """Click a thumbnail, and wait for its view."""
    panel = views(bench)
    if panel.name:
        bench.click(panel.back)
        await bench.frames(1)
    card = panel.cards[name]
    card.chosen.emit()
    await bench.until(lambda: bench.lab.debugging.answer(name) is not None, name, SLOW)
    await bench.frames(2)
    return panel.pages[name]


async def test_each_thumbnail_asks_a_question_and_shows_its_view(bench: Bench) -> None:
    await fitted(bench)
    bench.edit(rollout=type(bench.experiment.rollout)(dt=0.04, horizon=8.0))
    await debugged(bench)
    for entry in ENTRIES:
        assert entry.question.endswith("?")
        assert entry.question in views(bench).cards[entry.name].toolTip()
    conserved = await page(bench, "conserved")
    assert isinstance(conserved, ConservedPage)
    assert [conserved.choice.itemText(i) for i in range(2)] == ["H", "Ĥ"]
    named = {line.name: line for line in conserved.plot.lines}
    assert np.abs(named["Truth"].y).max() < 1e-6
    flow = await page(bench, "flow")
    assert isinstance(flow, FlowPage)
    for line in flow.volume.lines:
        assert line.y == pytest.approx(1.0, abs=1e-4), line.name
    growth = await page(bench, "growth")
    assert isinstance(growth, GrowthPage)
    assert len(growth.plot.lines) == 4
    rests = await page(bench, "fixed_points")
    assert isinstance(rests, FixedPointsPage)
    kinds = {rests.table.item(i, 2).text() for i in range(rests.table.rowCount())}
    assert "centre" in kinds
    marks = bench.window.portrait.marks
    assert len(marks.items) == len(marks.marks) > 0
    ensemble = await page(bench, "ensemble")
    assert isinstance(ensemble, EnsemblePage)
    assert "5 fits disagree" in ensemble.plot.words.whole
    assert len(marks.items) == 0, "the marks go with their view"


async def test_an_untrained_baseline_is_not_symplectic(bench: Bench) -> None:
    bench.edit(models=(model_spec("baseline", {"width": 16}),), settings={**bench.experiment.settings, "steps": 1})
    await bench.warm()
    await bench.train(("baseline",))
    await debugged(bench)
    flow = await page(bench, "flow")
    named = {line.name: line for line in flow.defect.lines}
    assert named["Truth"].y.max() < -5
    assert named["Baseline"].y.max() > -2


async def test_the_chosen_view_is_kept_with_the_session(bench: Bench, tmp_path: Path) -> None:
    view = View(error_map=True, error_scale="absolute", error_part=1, debugged="hnn/1", debug_view="flow")
    assert View.from_dict(view.as_dict()) == view
    assert View.from_dict({"error_scale": "sideways", "error_part": -2, "error_map": 3}) == View()


# The probe ------------------------------------------------------------------------------------------------------------


async def test_the_probe_reads_out_the_error_and_can_be_pinned(bench: Bench) -> None:
    await fitted(bench)
    portrait = bench.window.portrait
    plot = portrait.plot
    at = plot.view.pixel(0.9, 0.6)
    bench.move(plot, at, NO_KEY, NO_BUTTON)
    words = [text for _, text in portrait.readout.lines]
    system, snapshot = bench.experiment.system, run_of(bench).snapshot
    assert system is not None
    point = plot.view.point(at)
    state = np.array([point.x(), point.y()])
    off = float(np.linalg.norm(snapshot.field(state[None])[0] - system.field(state)))
    data = bench.lab.dataset
    assert data is not None
    size = float(np.sqrt(np.mean(np.square(system.field(data.coords[data.train])).sum(axis=-1))))
    assert any(f"off by {percent(off / size)}" in text for text in words), words
    assert any("Nearest data" in text for text in words)
    bench.press(plot, at, SHIFT)
    bench.release(plot, at, SHIFT)
    assert portrait.probe.pin is not None
    assert portrait.probe.pinned.lines
    bench.move(plot, QPointF(5, 5), NO_KEY, NO_BUTTON)
    assert portrait.probe.pinned.lines, "a pin stays"
    bench.key(Qt.Key.Key_Escape, widget=plot)
    assert portrait.probe.pin is None
    assert not portrait.probe.pinned.lines


# Data where the map is bad --------------------------------------------------------------------------------------------


async def test_a_click_adds_true_trajectories_and_one_undo_takes_them_back(bench: Bench) -> None:
    await fitted(bench, trajectories=6)
    portrait = bench.window.portrait
    bench.click(portrait.switches["error_map"])
    await bench.settled()
    before, error = bench.experiment, shown_map(bench)
    assert portrait.healing.bar.isVisible()
    bench.click(portrait.healing.bar.tool)
    assert bench.document.view.tool == "heal"
    at = portrait.plot.view.pixel(0.3, 0.2)
    bench.press(portrait.plot, at)
    bench.release(portrait.plot, at)
    await bench.ended()
    await bench.settled()
    (added,) = bench.experiment.edits.added
    assert len(added.starts) == portrait.healing.bar.count
    np.testing.assert_allclose(added.starts[0], (0.3, 0.2), atol=1e-6)
    data = bench.lab.dataset
    assert data is not None
    assert (data.trajectory >= ADDED).sum() == len(added.starts) * added.points
    assert shown_map(bench) is not error, "the map is that of the new fit"
    assert bench.answer.request.wrong == run_of(bench).id
    bench.key(Qt.Key.Key_Z, CTRL, bench.window)
    await bench.settled()
    assert bench.experiment == before, "one undo step"


async def test_a_region_and_the_worst_places(bench: Bench) -> None:
    await fitted(bench, trajectories=6)
    portrait = bench.window.portrait
    bench.click(portrait.switches["error_map"])
    await bench.settled()
    bench.click(portrait.healing.bar.tool)
    low, high = portrait.plot.view.pixel(-0.5, -0.5), portrait.plot.view.pixel(0.5, 0.5)
    await bench.drag(portrait.plot, low, high)
    await bench.ended()
    await bench.settled()
    starts = np.array(bench.experiment.edits.added[0].starts)
    assert (np.abs(starts) <= 0.51).all()
    worst = worst_places(shown_map(bench), portrait.healing.bar.count)
    bench.click(portrait.healing.bar.worst)
    await bench.ended()
    await bench.settled()
    np.testing.assert_allclose(bench.experiment.edits.added[1].starts, worst)
