"""Collocation: as good as it says against exact solutions and the reference integrator, honest about singularities."""

import numpy as np
import pytest

from app.workers.rollout_worker import PREVIEW_STEPS, PREVIEW_TOLERANCE
from hnn_engine.coords import Array
from hnn_engine.experiment import new_experiment
from hnn_engine.rollouts.collocation import collocate
from hnn_engine.rollouts.rollout import rollout
from hnn_engine.systems import SYSTEMS, get_system

EXACT = ("mass-spring", "pendulum", "damped-mass-spring", "two-body")


@pytest.mark.parametrize("name", EXACT)
def test_it_follows_the_exact_solution(name: str) -> None:
    system = get_system(name)
    times = np.linspace(0.0, 12.0, 61)
    for start in (system.default_start, *system.sample_starts(np.random.default_rng(3), 3)):
        exact = system.exact(start, times)
        assert exact is not None
        track = collocate(system.field, start, times)
        assert np.abs(track - exact).max() < 1e-10 * max(1.0, np.abs(exact).max())


@pytest.mark.parametrize("name", ["pendulum", "two-body"])
def test_a_batch_is_its_members_one_by_one(name: str) -> None:
    system = get_system(name)
    starts, times = system.sample_starts(np.random.default_rng(4), 6), np.linspace(0.0, 5.0, 23)
    batch = collocate(system.field, starts, times)
    assert batch.shape == (23, *starts.shape)
    single = np.stack([collocate(system.field, start, times) for start in starts], axis=1)
    np.testing.assert_allclose(batch, single, rtol=0, atol=1e-10)
    deep = collocate(system.field, starts.reshape(2, 3, -1), times)
    np.testing.assert_allclose(deep.reshape(batch.shape), batch, rtol=0, atol=1e-12)


def test_uneven_times_and_a_single_time() -> None:
    system = get_system("pendulum")
    times = np.array([0.5, 0.50001, 0.9, 4.0, 4.5, 11.0])
    exact = system.exact(system.default_start, times - 0.5)
    assert exact is not None
    np.testing.assert_allclose(collocate(system.field, system.default_start, times), exact, atol=1e-10)
    assert collocate(system.field, system.default_start, times[:1]).tolist() == [system.default_start.tolist()]


@pytest.mark.parametrize("name", list(SYSTEMS))
def test_the_preview_stays_within_a_millionth_of_the_truth(name: str) -> None:
    system = get_system(name)
    times = new_experiment(name).rollout.times[: PREVIEW_STEPS + 1]
    assert len(times) == PREVIEW_STEPS + 1 or system.observed  # a step of what is filmed is a whole frame
    for start in (system.default_start, *system.sample_starts(np.random.default_rng(5), 5)):
        quick = collocate(system.field, start, times, PREVIEW_TOLERANCE)
        truth = rollout(system, start, times, "dop853", tolerance=1e-12).coords
        assert np.abs(quick - truth).max() < 1e-6 * np.abs(truth).max()


def blow_up(coords: Array) -> Array:
    """dx/dt = x², which reaches infinity at t = 1/x(0)."""
    return coords**2


def test_what_follows_a_singularity_is_nan() -> None:
    times = np.linspace(0.0, 2.0, 41)
    track = collocate(blow_up, np.array([1.0, 0.5]), times)
    alive = np.isfinite(track).all(axis=-1)
    assert alive[:19].all()
    assert not alive[21:].any()
    np.testing.assert_allclose(track[:19, 0], 1 / (1 - times[:19]), rtol=1e-9)


def test_it_can_be_ended_between_two_windows() -> None:
    system, asked = get_system("double-pendulum"), []

    def enough() -> bool:
        asked.append(1)
        return len(asked) > 9

    times = np.linspace(0.0, 400.0, 4001)
    track = collocate(system.field, system.default_start, times, interrupt=enough)
    alive = np.isfinite(track).all(axis=-1)
    assert len(asked) == 10
    assert 1 < alive.sum() < 400
    np.testing.assert_array_equal(track[alive], collocate(system.field, system.default_start, times[:400])[alive[:400]])


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("start", [np.nan, np.inf, 1e308])
def test_a_hopeless_start_ends_at_once(start: float) -> None:
    track = collocate(blow_up, np.array([start, 0.0]), np.linspace(0.0, 1.0, 5))
    assert np.isnan(track[1:, 0]).all()
