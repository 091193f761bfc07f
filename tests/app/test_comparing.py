"""A learned H beside the true one in the window: the portrait's map and its words, and the energy by either."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt

from hnn_engine.coords import Array
from hnn_engine.number_format import percent
from hnn_engine.phase_portrait import EnergyGap, slice_coords
from hnn_engine.snapshot import Snapshot
from hnn_engine.systems import System
from tests.app.bench import CTRL, Bench

pytestmark = pytest.mark.usefixtures("unevaluated")


def compare(bench: Bench) -> None:
    """Press the switch."""
    bench.click(bench.window.portrait.switches["compare"])


async def trained(bench: Bench, models: tuple[str, ...] = ("baseline", "hnn")) -> None:
    """Fit small models and compare."""
    await bench.warm()
    bench.small_fit(60, 16)
    await bench.train(models)
    compare(bench)
    await bench.settled()


def gap(bench: Bench) -> EnergyGap:
    """The comparison on screen."""
    assert bench.answer.field is not None
    found = bench.answer.field.gap
    assert found is not None
    assert bench.window.portrait.background.map._values is found.values
    return found


def snapshot(bench: Bench, model: str = "hnn") -> Snapshot:
    """The weights of the only run of this model."""
    (run,) = [r for r in bench.document.state.runs if r.snapshot.model == model]
    return run.snapshot


def difference(system: System, model: Snapshot, coords: Array) -> Array:
    """Ĥ − H."""
    learned = model.hamiltonian(coords)
    assert learned is not None
    result: Array = learned - system.hamiltonian(coords)
    return result


@pytest.mark.parametrize("name", ["arrows", "contours", "data", "compare"])
async def test_a_switch_turns_its_part_on_and_off(bench: Bench, name: str) -> None:
    button = bench.window.portrait.switches[name]
    before = getattr(bench.document.view, name)
    for wanted in (not before, before):
        bench.click(button)
        await bench.frames(2)
        assert getattr(bench.document.view, name) is wanted
        assert button.isChecked() is wanted


async def test_the_map_and_its_words_say_what_a_direct_computation_says(bench: Bench) -> None:
    await trained(bench)
    system, data, view = bench.experiment.system, bench.lab.dataset, bench.window.portrait
    assert system is not None
    assert data is not None
    found, states = gap(bench), bench.lab.rollouts.states
    assert states is not None
    everywhere = difference(system, snapshot(bench), data.coords[data.train])
    rms = float(np.sqrt(np.mean((everywhere - np.median(everywhere)) ** 2)))
    assert found.rms == pytest.approx(rms, rel=0.05), "the sample does not stand for all training states"
    assert bench.answer.field is not None
    _, coords = slice_coords(bench.answer.field.spec, len(found.values))
    expected = difference(system, snapshot(bench), coords)
    constant = float(np.median(difference(system, snapshot(bench), states.coords)))
    np.testing.assert_allclose(found.values, expected - constant, atol=1e-9)
    scale = system.energy_scale(np.array(bench.experiment.start))
    words = f"{percent(found.rms / scale)} of E inside the data"
    assert view.background.key.words.text() == f"rms {words}"
    assert bench.window.status.sentence.whole.endswith(f"HNN's Ĥ is off by {words}")
    assert view.background.key.name.text() == "HNN: Ĥ − H"
    assert view.background.own_contours.pen.color().name().upper() == "#0072B2"
    for item, contours in (
        (view.background.own_contours, found.contours),
        (view.background.contours, bench.answer.field.contours),
    ):
        assert np.array_equal(np.stack(item.data, axis=-1), contours.points)


async def test_the_figures_go_with_the_energy_of_the_start_and_the_map_stays(bench: Bench) -> None:
    await trained(bench)
    values, words = gap(bench).values, bench.window.portrait.background.key.words.text()
    bench.edit(start=(0.8, 0.0))
    await bench.settled()
    assert gap(bench).values is values
    assert bench.window.portrait.background.key.words.text() != words
    system = bench.experiment.system
    assert system is not None
    share = percent(gap(bench).rms / system.energy_scale(np.array([0.8, 0.0])))
    assert share in bench.window.portrait.background.key.words.text()


async def test_switched_off_it_leaves_nothing(bench: Bench) -> None:
    await trained(bench)
    portrait = bench.window.portrait
    compare(bench)
    await bench.settled()
    assert not portrait.background.key.isVisible()
    assert not portrait.background.map.visible
    assert bench.answer.field is not None
    assert bench.answer.field.gap is None
    assert "Ĥ" not in bench.window.status.sentence.whole
    assert portrait.background.contours.pen.color().alpha() == 150
    assert len(portrait.background.own_contours.data[0]) == 0


async def test_a_baseline_alone_has_nothing_to_compare(bench: Bench) -> None:
    bench.edit(models=bench.experiment.models[:1])
    await trained(bench, ("baseline",))
    key = bench.window.portrait.background.key
    assert bench.answer.field is not None
    assert bench.answer.field.gap is None
    assert "No model with an H is shown" in key.name.text()
    assert not key.words.isVisible()
    assert not bench.window.energy.choice.isVisible()


async def test_it_learns_in_front_of_everyone(bench: Bench) -> None:
    await bench.warm()
    compare(bench)
    bench.small_fit(4000, 32)
    bench.click(bench.window.training.button)
    seen: list[EnergyGap] = []

    def learning() -> bool:
        field = bench.lab.answer.field if bench.lab.answer is not None else None
        if field is not None and field.gap is not None and field.gap not in seen:
            seen.append(field.gap)
        return len(seen) >= 4

    await bench.until(learning, "live comparisons", 60.0)
    assert seen[-1].rms < seen[0].rms
    bench.click(bench.window.training.stop_button)
    await bench.ended()
    await bench.settled()
    assert gap(bench).values.shape > seen[0].values.shape, "what is kept is drawn finely"


async def test_systems_are_switched_while_it_is_on(bench: Bench) -> None:
    await trained(bench)
    for name in ("two-body", "mass-spring", "double-pendulum", "pendulum"):
        await bench.pick(name)
        assert bench.answer.field is not None
        assert (bench.answer.field.gap is not None) is (name == "pendulum")
        assert bench.window.portrait.background.key.isVisible()
    assert gap(bench).inside


async def test_a_slice_through_two_bodies(bench: Bench) -> None:
    await bench.pick("two-body")
    bench.edit(data={**bench.experiment.data, "trajectories": 40})
    await trained(bench)
    first = gap(bench)
    assert first.inside
    start = np.array(bench.experiment.start)
    start[1] += 0.3
    bench.edit(start=tuple(start.tolist()))
    await bench.settled()
    assert gap(bench) is not first, "another slice"
    assert gap(bench).rms == first.rms, "the figure is over the data, not over the slice"
    bench.choose(bench.window.portrait.x_axis, bench.experiment.scene.coordinates[1].symbol)
    await bench.settled()
    assert gap(bench) is not first


async def test_of_repetitions_the_one_that_stands_for_them_is_compared(bench: Bench) -> None:
    bench.document.set_view(seeds=2, field="hnn", energy_of="learned")
    await trained(bench)
    assert len(bench.document.state.runs) == 4
    (lead,) = [t for t in bench.answer.leads if t.model == "hnn"]
    assert bench.answer.request.compared == lead.key
    assert len(bench.answer.band(lead)) == 2
    assert all(len(member.own) == len(member.t) for member in bench.answer.band(lead))
    bench.document.set_view(energy_of="both")
    await bench.settled()
    assert list(bench.window.energy._dots) == [lead.key]
    assert gap(bench).model == "hnn"


async def test_it_is_kept_in_the_session(bench: Bench, tmp_path: Path) -> None:
    await trained(bench)
    bench.choose(bench.window.energy.choice, "both")
    await bench.settled()
    rms, path = gap(bench).rms, tmp_path / "gap.hnnlab"
    bench.key(Qt.Key.Key_S, CTRL)
    await bench.name_file(path)
    await bench.until(lambda: bench.document.path == path, "saved")
    bench.key(Qt.Key.Key_N, CTRL)
    await bench.until(lambda: bench.document.path is None, "a new session")
    await bench.settled()
    assert not bench.document.view.compare
    assert not bench.window.portrait.background.key.isVisible()
    bench.window.spawn(bench.window.session_actions.open(path))
    await bench.until(lambda: bench.document.path == path, "opened")
    await bench.settled()
    assert bench.document.view.compare
    assert bench.window.portrait.switches["compare"].isChecked()
    assert bench.window.energy.choice.currentData() == "both"
    assert gap(bench).rms == pytest.approx(rms, rel=1e-6)


class TestEnergy:
    async def test_by_its_own_an_hnn_keeps_its_energy(self, bench: Bench) -> None:
        await trained(bench)
        energy, hnn = bench.window.energy, bench.model("hnn")
        true = energy._curves[hnn.key][0].data[1]
        bench.choose(energy.choice, "learned")
        await bench.settled()
        hnn, baseline = bench.model("hnn"), bench.model("baseline")
        learned = snapshot(bench).hamiltonian(hnn.coords)
        system = bench.experiment.system
        assert learned is not None
        assert system is not None
        expected = 100 * (learned - learned[0]) / system.energy_scale(hnn.coords[0])
        own = energy._curves[hnn.key][0].data[1]
        np.testing.assert_allclose(own, expected, atol=1e-9)
        assert np.abs(own).max() < 0.01 * np.abs(true).max()
        assert np.allclose(energy._curves[baseline.key][0].data[1], 100 * baseline.drift)
        assert energy.title == "Energy drift: own Ĥ; Baseline: true H"
        assert "Ĥ differs from H" in energy.toolTip()

    async def test_both_are_drawn_apart(self, bench: Bench) -> None:
        await trained(bench)
        energy = bench.window.energy
        bench.choose(energy.choice, "both")
        await bench.settled()
        hnn = bench.model("hnn")
        (dots,) = energy._dots.values()
        t, values = dots.data
        assert 20 <= len(t) <= 30
        np.testing.assert_allclose(values, 100 * np.interp(t, hnn.t, hnn.own), atol=1e-9)
        assert np.allclose(energy._curves[hnn.key][0].data[1], 100 * hnn.drift)
        bench.choose(energy.choice, "reference")
        await bench.settled()
        assert energy._dots == {}

    async def test_of_a_damped_system(self, bench: Bench) -> None:
        await bench.pick("damped-pendulum")
        bench.edit(data={**bench.experiment.data, "trajectories": 10})
        await trained(bench)
        bench.choose(bench.window.energy.choice, "both")
        await bench.settled()
        assert bench.window.energy.title == "Energy error: H, Ĥ"
        hnn = bench.model("hnn")
        assert hnn.own[-1] > 0.3, "an HNN cannot lose energy: it keeps what truth has lost"


async def test_a_recording_is_compared_by_the_reference_that_it_states(bench: Bench) -> None:
    bench.window.system.shipped_action.trigger()
    await bench.until(lambda: bench.experiment.recording is not None, "the recording")
    await trained(bench)
    recording = bench.experiment.recording
    assert recording is not None
    bench.edit(source=replace(bench.experiment.source, recording=recording.with_reference(2.4, 1.0)))
    await bench.settled()
    assert gap(bench).inside
    bench.choose(bench.window.energy.choice, "both")
    await bench.settled()
    assert len(bench.model("hnn").own) == len(bench.model("hnn").t)
    bench.edit(source=replace(bench.experiment.source, recording=replace(recording, reference=None)))
    await bench.settled()
    assert bench.answer.field is not None
    assert bench.answer.field.gap is None
    assert "has no reference H" in bench.window.portrait.background.key.name.text()
    assert len(bench.model("hnn").own) == 0
