"""What the screen says of a rollout beside the truth: drift, error, and the sentence about both."""

import math

import numpy as np
import pytest
from scipy.optimize import minimize

from hnn_engine.number_format import percent
from hnn_engine.rollouts.energy_drift import energy_drift, learned_drift, relative_error, verdict
from hnn_engine.systems import SYSTEMS, System, get_system


def some_tracks(name: str) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    truth = 0.5 * rng.standard_normal((20, 2 * get_system(name).dof))
    if name == "two-body":
        truth[:, 0] += 3.0
    return truth + 0.1 * rng.standard_normal(truth.shape), truth


@pytest.mark.parametrize("name", list(SYSTEMS))
def test_drift_is_measured_from_the_start_or_with_friction_from_truth(name: str) -> None:
    system, (coords, truth) = get_system(name), some_tracks(name)
    energy, own = system.hamiltonian(coords), system.hamiltonian(truth)
    least = system.min_energy
    scale = abs(own[0]) if least is None else own[0] - least
    scale = max(scale, system.energy_floor)
    expected = (energy - (own if system.damped else own[0])) / scale
    np.testing.assert_allclose(energy_drift(system, coords, truth), expected, rtol=1e-12)


def at_rest(system: System) -> np.ndarray:
    """Return the q of the least energy."""
    low = [c.low for c in system.coordinates[: system.dof]]

    def energy(q: np.ndarray) -> float:
        return float(system.hamiltonian(np.concatenate([q, np.zeros(system.dof)])))

    searches = (minimize(energy, share * np.array(low), tol=1e-15).x for share in (0.3, 0.6))
    best: np.ndarray = min(searches, key=energy)
    return best


@pytest.mark.parametrize("name", list(SYSTEMS))
def test_drift_is_never_divided_by_less_than_the_floor(name: str) -> None:
    system = get_system(name)
    if system.min_energy is None:
        return
    rest = np.tile([*at_rest(system), *np.zeros(system.dof)], (3, 1))
    moved = rest.copy()
    moved[1:, system.dof :] = 0.3
    drift = energy_drift(system, moved, rest)
    gained = system.hamiltonian(moved[1]) - system.hamiltonian(rest[0])
    assert drift[1] == pytest.approx(gained / system.energy_floor)
    assert np.isfinite(drift).all()


def test_with_friction_drift_ends_where_truth_ends() -> None:
    coords, truth = some_tracks("damped-pendulum")
    drift = energy_drift(get_system("damped-pendulum"), coords, truth[:12])
    assert np.isfinite(drift[:12]).all()
    assert np.isnan(drift[12:]).all()
    free = energy_drift(get_system("pendulum"), coords, truth[:12])
    assert np.isfinite(free).all()


@pytest.mark.parametrize("name", list(SYSTEMS))
def test_a_model_whose_energy_is_the_true_one_drifts_by_either_alike(name: str) -> None:
    system, (coords, truth) = get_system(name), some_tracks(name)
    coords[0] = truth[0]  # a rollout begins where truth does
    expected = energy_drift(system, coords, truth)
    for constant in (0.0, 40.0):
        own = learned_drift(system, system.hamiltonian(coords) + constant, truth)
        np.testing.assert_allclose(own, expected, rtol=1e-9, atol=1e-9)


def test_with_friction_a_model_that_keeps_its_energy_gains_what_truth_loses() -> None:
    system, (_, truth) = get_system("damped-pendulum"), some_tracks("damped-pendulum")
    energy = system.hamiltonian(truth)
    own = learned_drift(system, np.full(30, 2.5), truth)
    np.testing.assert_allclose(own[:20], (energy[0] - energy) / system.energy_scale(truth[0]), atol=1e-12)
    assert np.isnan(own[20:]).all()


def test_error_is_relative_to_the_size_of_truth() -> None:
    truth = np.array([[3.0, 0.0], [0.0, 3.0], [3.0, 0.0]])
    coords = truth + np.array([[0.0, 0.0], [0.3, 0.4], [0.0, 6.0]])
    np.testing.assert_allclose(relative_error(coords, truth, (False, False)), [0, 0.5 / 3, 2])
    assert len(relative_error(coords[:2], truth, (False, False))) == 2


def test_error_wraps_angles_and_only_those() -> None:
    truth = np.tile([math.pi - 0.1, 1.0], (2, 1))
    coords = np.array([[-math.pi + 0.1, 1.0], [math.pi - 0.1 + 4 * math.pi, 1.0]])
    size = math.hypot(math.pi - 0.1, 1.0)
    np.testing.assert_allclose(relative_error(coords, truth, (True, False)), [0.2 / size, 0.0], atol=1e-12)
    plain = relative_error(coords, truth, (False, False))
    np.testing.assert_allclose(plain, [(2 * math.pi - 0.2) / size, 4 * math.pi / size])


def test_nothing_to_compare_with_is_not_divided_by() -> None:
    assert np.isfinite(relative_error(np.ones((2, 2)), np.zeros((2, 2)), (False, False))).all()


@pytest.mark.parametrize(
    ("drift", "damped", "ended", "words"),
    [
        ([0, 1e-4, 2e-4], False, math.nan, "HNN keeps it to 0.02\u00a0%"),
        ([0, -0.1, -0.31], False, math.nan, "HNN lost 31\u00a0%"),
        ([0, 0.1, 0.31, math.nan], False, math.nan, "HNN gained 31\u00a0%"),
        ([0, 0.3, 0.05], False, math.nan, "HNN swings by 30\u00a0%"),
        ([0, -0.3, 0.1], True, math.nan, "HNN is off by up to 30\u00a0%"),
        ([0, 0.1], False, 3.21, "HNN diverged after 3.21 s"),
        ([math.nan, math.nan], False, math.nan, ""),
        ([0.0, 30.0], False, math.nan, "HNN gained over 1000\u00a0%"),
    ],
)
def test_the_verdict_in_words(drift: list[float], damped: bool, ended: float, words: str) -> None:
    assert verdict("HNN", np.array(drift), damped, ended) == words


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0.0, "0\u00a0%"),
        (0.31, "31\u00a0%"),
        (0.0995, "10\u00a0%"),
        (0.0994, "9.9\u00a0%"),
        (0.0002, "0.02\u00a0%"),
        (2e-7, "2·10⁻⁵\u00a0%"),
        (9.99, "1000\u00a0%"),
        (10.0, "over 1000\u00a0%"),
        (1e-14, "10⁻¹²\u00a0%"),
    ],
)
def test_percentages_have_two_digits(share: float, words: str) -> None:
    assert percent(share) == words


def test_a_drift_that_swings_to_and_fro_is_kept_and_one_that_goes_away_is_lost() -> None:
    t = np.linspace(0.0, 20.0, 501)
    swing = 0.02 * np.sin(4 * t)
    kept = verdict("HNN", swing, False, float("nan"))
    lost = verdict("HNN", swing - 0.31 * t / 20.0, False, float("nan"))
    assert kept == "HNN keeps it to 2\u00a0%"
    assert lost.startswith("HNN lost 3")
    assert lost.endswith("%")
