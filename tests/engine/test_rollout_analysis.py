"""What is computed of rollouts for the screen, called as from a notebook: each figure against its formula."""

from dataclasses import replace

import numpy as np
import pytest

from hnn_engine.experiment import Experiment, model_spec, new_experiment, recording_experiment
from hnn_engine.models import get_model
from hnn_engine.parameters import Value
from hnn_engine.recordings import read_shipped_recording
from hnn_engine.rollout_analysis import (
    collocated_truth,
    energy_model,
    energy_scale,
    gentle_span,
    matching_truth,
    own_drift,
    recorded_curve,
    recorded_drift,
    recorded_row,
    reference_drift,
    states_at,
)
from hnn_engine.rollouts.steering import Steering, follow
from hnn_engine.snapshot import Snapshot


@pytest.fixture(scope="module")
def measured() -> Experiment:
    return recording_experiment(read_shipped_recording())


def untrained(model: str, **own: Value) -> Snapshot:
    settings = model_spec(model, {"width": 8, **own}).settings
    return Snapshot(model, 1, settings, get_model(model).initial_weights(1, settings, np.random.default_rng(0)))


@pytest.mark.parametrize("steering", [Steering(), Steering("reverse", at=1.0), Steering("pump", at=0.5, span=0.2)])
def test_collocation_gives_the_rollout_of_the_reference_integrator(steering: Steering) -> None:
    system, start, times = new_experiment("pendulum").system, np.array([1.0, 0.0]), np.linspace(0.0, 2.0, 41)
    assert system is not None
    reference = follow(system, start, times, "dop853", steering)
    made = collocated_truth(system, start, times, steering, 1e-11)
    assert np.allclose(made.coords, reference.coords, rtol=0.0, atol=1e-8)


def test_own_drift_is_by_the_learned_energy_and_the_true_scale() -> None:
    experiment, model = replace(new_experiment("pendulum"), start=(1.0, 0.0)), untrained("hnn")
    system, coords = experiment.system, np.array([[1.0, 0.0], [0.5, 0.3], [0.1, 0.9]])
    assert system is not None
    energy = model.hamiltonian(coords)
    assert energy is not None
    assert energy_scale(experiment) == system.energy_scale(coords[0])
    drift = own_drift(experiment, model, coords, coords)
    assert np.allclose(drift, (energy - energy[0]) / energy_scale(experiment))
    assert len(own_drift(experiment, untrained("baseline"), coords, coords)) == 0


def test_in_the_gentle_span_the_energy_rises_by_about_a_quarter() -> None:
    system, x = new_experiment("mass-spring").system, np.array([0.8, 0.0])
    assert system is not None
    span = gentle_span(system, x, x)
    rise = span * float(np.sum(system.gradient(x) ** 2)) / system.energy_scale(x)
    assert rise == pytest.approx(0.25, rel=0.05)
    assert gentle_span(system, x, np.zeros(2)) == 10.0


def test_a_recorded_curve_begins_at_the_row_of_the_start(measured: Experiment) -> None:
    recording = measured.recording
    assert recording is not None
    later = replace(measured, start=tuple(recording.coords[5]), rollout=replace(measured.rollout, horizon=1.0))
    assert recorded_row(later) == 5
    t, coords = recorded_curve(later)
    assert t[0] == 0.0
    assert t[-1] <= 1.0 + 1e-9
    assert np.array_equal(coords, recording.coords[5 : 5 + len(t)])
    off = replace(later, start=(0.123, 0.456))
    assert recorded_row(off) is None
    assert np.array_equal(recorded_curve(off)[1][0], recording.coords[0])


def test_drift_of_a_recording_is_by_its_reference_or_by_a_learned_energy(measured: Experiment) -> None:
    recording, model = measured.recording, untrained("hnn")
    assert recording is not None
    coords, start = recording.coords[:20], np.array(measured.start)
    known = recording.with_reference(1.0, 9.81)
    stated = replace(measured, source=replace(measured.source, recording=known))  # type: ignore[arg-type]
    reference = known.reference
    assert reference is not None
    by_reference = (reference.hamiltonian(coords) - reference.hamiltonian(start)) / reference.energy_scale(start)
    assert np.array_equal(reference_drift(stated, coords), by_reference)
    energy, first, everywhere = (model.hamiltonian(x) for x in (coords, start, recording.coords))
    assert energy is not None
    assert first is not None
    assert everywhere is not None
    scale = max(float(first - everywhere.min()), 0.01 * float(np.ptp(everywhere)))
    assert np.allclose(recorded_drift(measured, model, coords), (energy - first) / scale)


def test_a_unique_energy_is_taken_before_one_that_is_not() -> None:
    unsure = untrained("dissipative-hnn", friction="gradient")
    assert energy_model([untrained("baseline")]) is None
    assert energy_model([untrained("baseline"), unsure]) is unsure
    for unique in (untrained("hnn"), untrained("dissipative-hnn", friction="momentum")):
        assert energy_model([unsure, unique]) is unique


def test_states_between_and_beside() -> None:
    truth = np.arange(10.0).reshape(5, 2)
    assert matching_truth(truth[::2], truth).tolist() == truth[::2].tolist()
    assert matching_truth(truth, truth) is not None
    assert states_at(np.array([0.5]), np.array([0.0, 1.0]), truth[:2]).tolist() == [[1.0, 2.0]]
