"""Energy added and taken, and time turned back, by the buttons of the bar: every rollout follows."""

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import Qt

from hnn_engine.rollouts.steering import Steering
from tests.app.bench import CTRL, Bench

pytestmark = pytest.mark.usefixtures("unevaluated")


def energy(bench: Bench, name: str = "truth") -> np.ndarray:
    system = bench.experiment.system
    assert system is not None
    track = bench.answer.truth if name == "truth" else bench.model(name)
    assert track is not None
    return system.hamiltonian(track.coords)


async def test_energy_is_added_from_the_instant_on_and_kept_afterwards(bench: Bench) -> None:
    bench.key(Qt.Key.Key_Space)
    bench.lab.playback.seek(6.0)
    bar = bench.window.playback_bar
    bench.click(bar.steers["pump"])
    await bench.settled()
    steering = bench.experiment.rollout.steering
    assert (steering.kind, steering.at) == ("pump", pytest.approx(6.0))
    assert bar.steers["pump"].isChecked()
    t, h = bench.experiment.rollout.times, energy(bench)
    before, after = h[t <= 6.0], h[t >= 6.0 + steering.span]
    assert np.ptp(before) < 1e-9
    assert np.ptp(after) < 1e-9 * after[0]
    assert 1.1 < after[0] / before[0] < 2.0, "gently, but to be seen"
    assert bench.window.energy.band.area.width() >= 2.0
    bench.click(bar.steers["pump"])
    await bench.settled()
    assert bench.experiment.rollout.steering.kind == "none"
    assert np.ptp(energy(bench)) < 1e-9
    assert bench.window.energy.band.area.isEmpty()


async def test_how_long_is_set_in_the_bar_s_own_form(bench: Bench) -> None:
    bench.lab.playback.seek(5.0)
    bench.key(Qt.Key.Key_Down, CTRL)
    await bench.settled()
    assert bench.experiment.rollout.steering.kind == "drain"
    form = bench.window.playback_bar.steering
    assert form.values()["at"] == pytest.approx(bench.experiment.rollout.steering.at)
    short = energy(bench)[-1]
    form.edited.emit("span", 1.5, True)
    await bench.settled()
    assert bench.experiment.rollout.steering.span == 1.5
    assert energy(bench)[-1] < 0.5 * short
    bench.document.undo()
    await bench.settled()
    assert energy(bench)[-1] == pytest.approx(short)


async def test_models_climb_their_own_energy_and_a_baseline_says_that_it_has_none(bench: Bench) -> None:
    bench.small_fit()
    await bench.train()
    bench.lab.playback.set_playing(False)
    bench.lab.playback.seek(4.0)
    bench.key(Qt.Key.Key_Up, CTRL)
    await bench.settled()
    hnn = bench.model("hnn")
    (run,) = [r for r in bench.document.state.runs if r.snapshot.model == "hnn"]
    learned = run.snapshot.hamiltonian(hnn.coords)
    assert learned is not None
    steering = bench.experiment.rollout.steering
    assert learned[hnn.t >= steering.at + steering.span].min() > learned[hnn.t <= steering.at].max()
    assert "no H" in bench.model("baseline").note
    assert "no H" in bench.window.status.sentence.whole
    assert "truth gained" in bench.window.status.sentence.whole
    assert "HNN gained" in bench.window.status.sentence.whole


async def test_time_is_turned_back_and_everything_returns_to_the_start(bench: Bench) -> None:
    bench.small_fit()
    await bench.train()
    playback = bench.lab.playback
    playback.set_playing(False)
    playback.seek(7.0)
    bench.key(Qt.Key.Key_R, CTRL)
    await bench.settled()
    assert playback.horizon == pytest.approx(14.0)
    assert playback.time == pytest.approx(7.0), "the present instant is where it turns"
    start = np.array(bench.experiment.start)
    for track in (bench.answer.truth, *bench.answer.models):
        assert track is not None
        assert track.gap is not None
        assert track.gap < 1e-4
        assert np.abs(track.coords[-1] - start).max() < 1e-3
        assert np.abs(track.coords[len(track.t) // 2] - start).max() > 0.1
    sentence = bench.window.status.sentence.whole
    assert sentence.startswith("Distance from the start")
    for word in ("truth", "HNN", "Baseline"):
        assert word in sentence
    playback.seek(10.0)
    await bench.frames(2)
    assert "going back" in bench.window.playback_bar.label.text()
    assert bench.window.playback_bar.label.text().startswith("4.0 s")
    bench.key(Qt.Key.Key_R, CTRL)
    await bench.settled()
    assert playback.horizon == 20.0


async def test_a_session_keeps_what_is_done_to_the_rollouts(bench: Bench) -> None:
    bench.lab.playback.seek(3.0)
    bench.lab.steer("reverse")
    session = bench.document.session()
    assert session.experiment.rollout.steering == Steering("reverse", pytest.approx(3.0), 0.5)


async def test_steering_before_time_began_takes_a_sensible_instant(bench: Bench) -> None:
    bench.lab.playback.restart()
    bench.lab.playback.set_playing(False)
    bench.lab.playback.seek(0.0)
    bench.lab.steer("reverse")
    assert bench.experiment.rollout.steering.at == pytest.approx(10.0)
    bench.lab.steer("pump")
    assert bench.experiment.rollout.steering.at == pytest.approx(6.68, abs=0.05)


async def test_other_settings_of_the_rollouts_leave_steering_and_friction_alone(bench: Bench) -> None:
    bench.lab.playback.seek(6.0)
    bench.lab.steer("pump")
    bench.edit(rollout=replace(bench.experiment.rollout, friction=0.5))
    bench.window.training.rollout.edited.emit("dt", 0.05, True)
    bench.window.training.rollout.edited.emit("integrator", "stormer-verlet", True)
    spec = bench.experiment.rollout
    assert (spec.dt, spec.integrator, spec.friction, spec.steering.kind) == (0.05, "stormer-verlet", 0.5, "pump")


async def test_steering_beyond_a_shortened_horizon_is_said_as_if_nothing_were_done(bench: Bench) -> None:
    bench.small_fit(steps=30)
    await bench.train()
    bench.lab.playback.seek(6.0)
    bench.lab.steer("pump")
    bench.window.training.rollout.edited.emit("horizon", 4.0, True)
    await bench.settled()
    assert np.ptp(energy(bench)) < 1e-9
    assert "HNN" in bench.window.status.sentence.whole


async def test_a_damped_truth_is_not_held_against_itself(bench: Bench) -> None:
    await bench.pick("damped-pendulum")
    bench.small_fit(steps=30)
    await bench.train()
    bench.lab.steer("pump")
    await bench.settled()
    assert "truth is off" not in bench.window.status.sentence.whole


async def test_a_recording_is_compared_up_to_where_rollouts_are_steered(bench: Bench) -> None:
    bench.window.session_actions.study("Open a recording", (await bench.window.files.shipped_recording()))
    bench.small_fit(steps=30)
    await bench.train()
    before = bench.model("hnn").error_t.max()
    bench.lab.playback.seek(5.0)
    bench.lab.steer("reverse")
    await bench.settled()
    assert before > 10
    assert bench.model("hnn").error_t.max() <= 5.0
