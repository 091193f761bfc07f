"""Evaluation: the true field scores zero, what diverges is counted, and a figure without meaning is None."""

import math
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from hnn_engine import evaluation
from hnn_engine.coords import Array
from hnn_engine.datasets import Dataset, data_defaults, make_dataset
from hnn_engine.evaluation import (
    STARTS,
    Figures,
    evaluate,
    field_at,
    honest_figures,
    losses,
    mean_square,
    paper_energy_mse,
    recorded_energy_mse,
    valid_time,
)
from hnn_engine.experiment import recording_experiment
from hnn_engine.recordings import read_recording, read_shipped_recording
from hnn_engine.snapshot import Snapshot
from hnn_engine.systems import SYSTEMS, System, get_system
from hnn_engine.systems.three_body import ThreeBody

MEASURED = Path(__file__).parents[3] / "shared" / "data" / "real_pend_h_1.txt"
needs_data = pytest.mark.skipif(not MEASURED.exists(), reason="the measured pendulum is not at ../shared/data")


class TrueField:
    """A system, or a field, in the place of a snapshot."""

    why_not_separable = "it is a test"
    autoencoder = None

    def __init__(self, field: Any) -> None:
        self.field = self.many = field

    def single(self, coords: Array) -> Array:
        return np.asarray(self.field(coords.astype(np.float32)), dtype=np.float64)


def true_field(system: System) -> Snapshot:
    return cast(Snapshot, TrueField(system.field))


def blow_up(coords: Array) -> Array:
    with np.errstate(over="ignore", invalid="ignore"):
        return 3 + coords**2


def small(system: System) -> Dataset:
    return make_dataset(system, {**data_defaults(system), "trajectories": 6, "points": 9, "horizon": 3.0}, 0)


@pytest.mark.parametrize("name", ["mass-spring", "two-body", "three-body", "n-body"])
def test_the_true_field_is_perfect(name: str) -> None:
    system = get_system(name)
    data = small(system)
    figures = evaluate(true_field(system), data, system)
    assert figures.clean_energy_mse is not None
    assert figures.coord_mse is not None
    assert figures.clean_energy_mse < 1e-13
    assert figures.coord_mse < 1e-10
    assert figures.field_mse == 0.0
    assert figures.valid_time == system.horizon
    assert figures.diverged == 0
    assert figures.train_loss == pytest.approx(figures.noise_floor_train)
    assert figures.test_loss == pytest.approx(figures.noise_floor_test)


def test_chaos_does_not_count_as_a_fault_of_the_energy() -> None:
    system = get_system("double-pendulum")
    energy, _, _, diverged = honest_figures(true_field(system), system)
    assert energy < 1e-9
    assert diverged == 0


def test_a_field_that_blows_up_is_counted_and_null() -> None:
    system = get_system("pendulum")
    figures = evaluate(cast(Snapshot, TrueField(blow_up)), small(system), system)
    assert figures.diverged == STARTS
    assert figures.clean_energy_mse == figures.coord_mse == figures.energy_mse == math.inf
    written = figures.as_dict()
    assert written["clean_energy_mse"] is written["coord_mse"] is written["energy_mse"] is None
    assert written["diverged"] == STARTS
    assert figures.valid_time is not None
    assert 0 < figures.valid_time < 1


def test_a_wrong_field_scores_its_gap() -> None:
    system = get_system("mass-spring")
    off = cast(Snapshot, TrueField(lambda x: system.field(x) + np.array([0.1, 0.0])))
    data = small(system)
    assert evaluate(off, data, system).field_mse == pytest.approx(0.1**2 / 2)
    # The orbit's centre moves by 0.1/2 along p: a displaced circle, whose error is known at every instant.
    energy, coords, valid, diverged = honest_figures(off, system)
    starts, t = system.sample_starts(np.random.default_rng(1000), STARTS), np.linspace(0, 20, 200)
    gap = np.stack([0.05 * np.sin(2 * t), 0.05 * (np.cos(2 * t) - 1)], axis=-1)
    tracks = [system.exact(start, t) for start in starts]
    expected = [system.hamiltonian(x + gap) - system.hamiltonian(x) for x in tracks if x is not None]
    assert coords == pytest.approx(float(np.mean(gap**2)), rel=1e-4)
    assert energy == pytest.approx(float(np.mean(np.square(expected))), rel=1e-4)
    assert valid > 0
    assert diverged == 0


def test_a_start_whose_truth_is_lost_is_left_out() -> None:
    class Doomed(ThreeBody):
        def sample_starts(self, rng: np.random.Generator, count: int) -> Array:
            starts = super().sample_starts(rng, count)
            starts[4, 6:] = 0.0  # three bodies at rest fall into each other
            return starts

    system = Doomed()
    energy, coords, valid, diverged = honest_figures(true_field(system), system)
    assert energy < 1e-13
    assert coords < 1e-10
    assert (valid, diverged) == (system.horizon, 0)


def test_a_field_that_no_step_suits_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model whose field trembles, as float32 does on large numbers: an adaptive step never meets its tolerance."""
    monkeypatch.setattr(evaluation, "MODEL_LIMIT", 3000)
    monkeypatch.setattr(evaluation, "RK45_LIMIT", 3000)
    system = get_system("three-body")
    calls = []

    def trembling(coords: Array) -> Array:
        calls.append(1)
        return system.field(coords) + np.sin(1e12 * coords[::-1])

    model = cast(Snapshot, TrueField(trembling))
    assert honest_figures(model, system)[3] == STARTS
    assert len(calls) < STARTS * 3100
    calls.clear()
    assert paper_energy_mse(model, system) == math.inf
    assert len(calls) < 3100  # one start is enough to know


def test_friction_is_evaluated_against_truth_s_own_energy() -> None:
    system, undamped = get_system("damped-pendulum"), get_system("pendulum")
    energy, *_ = honest_figures(true_field(undamped), system)
    starts = system.sample_starts(np.random.default_rng(1000), STARTS)
    lost = system.hamiltonian(starts)
    assert 0.1 * np.mean(lost**2) < energy < np.mean(lost**2)
    assert honest_figures(true_field(system), system)[0] < 1e-13


def test_angles_are_compared_by_their_wrapped_difference() -> None:
    system = get_system("pendulum")
    turned = cast(Snapshot, TrueField(lambda x: system.field(x)))
    data = small(system)
    assert losses(field_at(turned, data.coords), data)[0] == pytest.approx(data.floor_train)
    times = np.linspace(0, 1, 5)
    truth = np.ones((5, 2))
    error = np.zeros((5, 2))
    error[3:] = 0.5
    assert valid_time(error, truth, times) == times[3]
    assert valid_time(np.zeros((5, 2)), truth, times) == 1.0
    assert valid_time(np.full((5, 2), np.nan), truth, times) == 0.0


def test_mean_square_of_what_is_not_finite_is_infinite() -> None:
    assert mean_square(np.array([1.0, 2.0])) == 2.5
    for bad in (np.nan, np.inf, 1e200):
        assert mean_square(np.array([1.0, bad])) == math.inf


def test_losses_cover_all_rows_in_pieces() -> None:
    system = get_system("mass-spring")
    data = make_dataset(system, {**data_defaults(system), "trajectories": 300}, 0)
    assert len(data.t) == 9000
    train, test = losses(field_at(true_field(system), data.coords), data)
    assert train == pytest.approx(data.floor_train)
    assert test == pytest.approx(data.floor_test)


# The paper's energy figure --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(SYSTEMS))
def test_the_paper_s_figure_exists_for_its_own_tasks_and_constants_alone(name: str) -> None:
    system = get_system(name)
    value = paper_energy_mse(true_field(system), system)
    if name not in ("mass-spring", "pendulum", "two-body", "three-body"):
        assert value is None
        return
    assert value is not None
    assert 0 <= value < 1e-4
    first = system.constants[0]
    other = get_system(name, {first.name: 1.5 * float(first.default)})
    assert paper_energy_mse(true_field(other), other) is None


def test_the_paper_s_pendulum_energy_is_q_squared_plus_p_squared() -> None:
    still = cast(Snapshot, TrueField(np.zeros_like))
    system, rng, gaps = get_system("pendulum"), np.random.default_rng(1000), []
    for _ in range(15):
        start = rng.uniform(0.2, 1.0, 2) * rng.choice([-1.0, 1.0], 2)
        truth = system.exact(start, np.linspace(0, 20, 100))
        assert truth is not None
        gaps.append((start**2).sum() - (truth**2).sum(axis=-1))
    assert paper_energy_mse(still, system) == pytest.approx(np.mean(np.square(gaps)), rel=1e-6)


# Recordings -----------------------------------------------------------------------------------------------------------


def test_a_recording_has_losses_and_nothing_that_needs_a_true_field() -> None:
    recording = read_shipped_recording()
    data = recording_experiment(recording).dataset()
    still = cast(Snapshot, TrueField(np.zeros_like))
    figures = evaluate(still, data, None, recording)
    assert figures.train_loss == pytest.approx(float((data.dcoords[data.train] ** 2).mean()))
    rest = {k: v for k, v in figures.as_dict().items() if k not in ("train_loss", "test_loss")}
    assert set(rest.values()) == {None}


@needs_data
def test_the_measured_pendulum_has_the_paper_s_figure() -> None:
    recording = read_recording(MEASURED)
    data = recording_experiment(recording).dataset()
    assert (int(data.train.sum()), int((~data.train).sum())) == (445, 110)
    still = cast(Snapshot, TrueField(np.zeros_like))
    track = data.coords[~data.train]
    energy = 2.4 * (1 - np.cos(track[:, 0])) + track[:, 1] ** 2
    expected = float(np.mean((energy - energy[0]) ** 2))
    assert recorded_energy_mse(still, data) == pytest.approx(expected)
    assert evaluate(still, data, None, recording).energy_mse == pytest.approx(expected)


def test_figures_are_written_by_name() -> None:
    written = Figures(1.0, math.nan, energy_mse=math.inf, diverged=2).as_dict()
    assert written["train_loss"] == 1.0
    assert written["test_loss"] is None
    assert written["energy_mse"] is None
    assert written["diverged"] == 2
