"""DOP853 in numpy, many starts at once: each lane as scipy has it, however many there are beside it."""

import numpy as np
import pytest
from scipy.integrate import DOP853

from hnn_engine.coords import Array
from hnn_engine.rollouts import many_lanes
from hnn_engine.rollouts.many_lanes import follow_lanes
from hnn_engine.systems import SYSTEMS, get_system

UNFILMED = [name for name, system in SYSTEMS.items() if not system.observed]
LIMIT = 100_000


def by_scipy(name: str, start: Array, times: Array, tolerance: float) -> Array:
    system, out = get_system(name), [start]
    solver = DOP853(lambda _, x: system.field(x), times[0], start, times[-1], rtol=tolerance, atol=tolerance)
    while len(out) < len(times):
        assert solver.step() is None
        while len(out) < len(times) and times[len(out)] <= solver.t:
            out.append(solver.dense_output()(times[len(out)]))
    return np.array(out)


@pytest.mark.parametrize("name", UNFILMED)
def test_each_lane_is_what_scipy_makes_of_it(name: str) -> None:
    system, times = get_system(name), np.linspace(0.0, 3.0, 40)
    starts = system.sample_starts(np.random.default_rng(5), 7)
    for tolerance in (1e-6, 1e-10):
        followed = follow_lanes(system.field, starts, times, tolerance, LIMIT)
        for i in (0, 6):
            np.testing.assert_allclose(followed[:, i], by_scipy(name, starts[i], times, tolerance), rtol=0, atol=1e-7)


def test_lanes_that_wait_their_turn_come_to_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    system, times = get_system("three-body"), np.array([0.0, 0.01, 0.5, 2.0])
    starts = system.sample_starts(np.random.default_rng(1), 23)
    together = follow_lanes(system.field, starts, times, 1e-10, LIMIT)
    monkeypatch.setattr(many_lanes, "LANES", 5)
    np.testing.assert_allclose(follow_lanes(system.field, starts, times, 1e-10, LIMIT), together, rtol=0, atol=1e-12)


def test_a_lane_that_is_lost_takes_no_other_along() -> None:
    def field(x: Array) -> Array:
        return x * x  # x(t) = 1 / (1 / x(0) − t)

    starts, times = np.array([[0.5], [2.0], [-1.0]]), np.linspace(0.0, 1.0, 11)
    followed = follow_lanes(field, starts, times, 1e-10, LIMIT)
    np.testing.assert_allclose(followed[:, 0, 0], 1 / (2 - times), rtol=1e-8)
    np.testing.assert_allclose(followed[:, 2, 0], 1 / (-1 - times), rtol=1e-8)
    assert np.isfinite(followed[:5, 1]).all()
    assert np.isnan(followed[6:, 1]).all()


def test_a_lane_is_lost_after_so_many_calls() -> None:
    system, times = get_system("pendulum"), np.linspace(0.0, 500.0, 501)
    starts = np.array([[1.0, 0.0], [0.1, 0.0]])
    followed = follow_lanes(system.field, starts, times, 1e-12, 2000)
    assert np.isnan(followed[-1]).all()
    assert np.isfinite(followed[:5]).all()


def test_shares_rise_to_one_and_the_work_ends_when_asked() -> None:
    system, times = get_system("pendulum"), np.linspace(0.0, 3.0, 10)
    starts, shares = system.sample_starts(np.random.default_rng(0), 9), list[float]()
    follow_lanes(system.field, starts, times, 1e-12, LIMIT, passed=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    cut = follow_lanes(system.field, starts, times, 1e-12, LIMIT, interrupt=lambda: True)
    assert np.isnan(cut[-1]).all()
    np.testing.assert_array_equal(cut[0], starts)


def test_no_time_and_no_start_are_followed_too() -> None:
    field = get_system("pendulum").field
    assert follow_lanes(field, np.ones((2, 2)), np.array([0.0]), 1e-9, LIMIT).shape == (1, 2, 2)
    assert follow_lanes(field, np.ones((0, 2)), np.array([0.0, 1.0]), 1e-9, LIMIT).shape == (2, 0, 2)
