"""Adaptive steps in numpy, many starts at once: each goes as it would alone by scipy, and ends where it would."""

from typing import Any

import numpy as np
import pytest
from scipy.integrate import DOP853, RK45

from hnn_engine.coords import Array
from hnn_engine.rollouts import many_lanes
from hnn_engine.rollouts.many_lanes import DormandPrince5, DormandPrince8, EmbeddedMethod, follow_lanes
from hnn_engine.systems import SYSTEMS, get_system
from tests.fields import fresh

UNFILMED = [name for name, system in SYSTEMS.items() if not system.observed]
METHODS: dict[str, tuple[type[EmbeddedMethod], Any]] = {
    "rk45": (DormandPrince5, RK45),
    "dop853": (DormandPrince8, DOP853),
}


def alone(field: Any, start: Array, times: Array, scipy_class: Any, rtol: float, atol: float) -> Array:
    """Follow `field` by scipy, step by step."""
    out = np.full((len(times), len(start)), np.nan)
    solver = scipy_class(lambda _, x: field(x), times[0], start, times[-1], rtol=rtol, atol=atol)
    out[0], done = start, 1
    while done < len(times) and solver.step() is None:
        until = int(np.searchsorted(times, solver.t, side="right"))
        out[done:until] = solver.dense_output()(times[done:until]).T
        done = until
    return out


@pytest.mark.parametrize("method", list(METHODS))
@pytest.mark.parametrize("name", ["pendulum", "damped-pendulum", "double-pendulum", "two-body"])
def test_each_goes_as_it_would_alone(method: str, name: str) -> None:
    ours, scipys = METHODS[method]
    system, times = get_system(name), np.array([0.0, 0.01, 0.5, 0.51, 2.0, 3.5, 6.0])
    starts = system.sample_starts(np.random.default_rng(3), 7)
    batch = follow_lanes(system.field, starts, times, ours(), 1e-8, 1e-9)
    for i, start in enumerate(starts):
        np.testing.assert_allclose(batch[:, i], alone(system.field, start, times, scipys, 1e-8, 1e-9), rtol=1e-11)


@pytest.mark.parametrize("method", list(METHODS))
def test_a_network_in_single_precision_goes_as_it_would_alone(method: str) -> None:
    """In float32 any other order of a sum is another trajectory; each state has products of its own."""
    ours, scipys = METHODS[method]
    snapshot, times = fresh("hnn", {"width": 40, "depth": 2}), np.linspace(0.0, 5.0, 40)
    starts = np.random.default_rng(1).uniform(-1.0, 1.0, (5, 2))
    batch = follow_lanes(
        lambda x: snapshot.single(np.ascontiguousarray(x)[:, None])[:, 0], starts, times, ours(), 1e-12, 1e-6
    )
    for i, start in enumerate(starts):
        np.testing.assert_allclose(
            batch[:, i], alone(snapshot.single, start, times, scipys, 1e-12, 1e-6), rtol=0, atol=1e-5
        )


def test_each_may_have_times_of_its_own() -> None:
    system = get_system("mass-spring")
    starts = np.array([[1.0, 0.0], [0.3, -0.4], [0.0, 0.8]])
    times = np.linspace(0.0, [1.0, 5.0, 20.0], 30, axis=1)
    batch = follow_lanes(system.field, starts, times, DormandPrince8(), 1e-12, 1e-12)
    for i, start in enumerate(starts):
        np.testing.assert_allclose(batch[:, i], system.exact(start, times[i]), atol=1e-9)


def explosive(x: Array) -> Array:
    """dq/dt = q², which from q > 0 is infinite at 1/q."""
    return np.stack([x[..., 0] ** 2, np.zeros_like(x[..., 0])], axis=-1)


def test_what_is_lost_leaves_the_others_alone() -> None:
    starts = np.array([[1.0, 0.0], [0.1, 0.0], [np.nan, 0.0], [-1.0, 0.0]])
    times = np.linspace(0.0, 3.0, 61)
    batch = follow_lanes(explosive, starts, times, DormandPrince8(), 1e-9, 1e-9)
    np.testing.assert_allclose(batch[:, 1, 0], 0.1 / (1 - 0.1 * times), rtol=1e-7)
    np.testing.assert_allclose(batch[:, 3, 0], -1 / (1 + times), rtol=1e-7)
    assert np.isfinite(batch[times < 0.95, 0]).all()
    assert np.isnan(batch[times > 1.05, 0]).all()
    assert np.isnan(batch[1:, 2]).all()


def test_where_all_are_wanted_the_first_that_is_lost_ends_it() -> None:
    calls: list[int] = []

    def counted(x: Array) -> Array:
        """The explosion beside an oscillator, which takes many steps."""
        calls.append(len(x))
        return np.stack([x[..., 0] ** 2, x[..., 2], -x[..., 1]], axis=-1)

    starts, times = np.array([[1.0, 1.0, 0.0], [0.0, 1.0, 0.0]]), np.linspace(0.0, 1000.0, 5000)
    batch = follow_lanes(counted, starts, times, DormandPrince5(), 1e-9, 1e-9, all_or_none=True)
    assert np.isnan(batch[-1]).all()
    some = len(calls)
    follow_lanes(counted, starts, times, DormandPrince5(), 1e-9, 1e-9)
    assert len(calls) - some > some


def test_it_ends_after_so_many_calls_and_when_it_is_asked_to() -> None:
    system, times = get_system("pendulum"), np.linspace(0.0, 500.0, 2001)
    starts = system.sample_starts(np.random.default_rng(0), 3)
    few = follow_lanes(system.field, starts, times, DormandPrince8(), 1e-12, 1e-12, limit=2000)
    assert np.isfinite(few[10]).all()
    assert np.isnan(few[-1]).all()
    asked: list[None] = []

    def interrupt() -> bool:
        asked.append(None)
        return len(asked) == 5

    early = follow_lanes(system.field, starts, times, DormandPrince8(), 1e-12, 1e-12, interrupt=interrupt)
    assert len(asked) == 5
    assert np.isnan(early[-1]).all()


def test_a_single_time_is_the_start() -> None:
    starts = np.ones((3, 2))
    np.testing.assert_array_equal(follow_lanes(explosive, starts, np.zeros(1), DormandPrince8(), 1e-9, 1e-9)[0], starts)


@pytest.mark.parametrize("name", UNFILMED)
def test_each_system_is_followed_as_scipy_does(name: str) -> None:
    system, times = get_system(name), np.linspace(0.0, 3.0, 40)
    starts = system.sample_starts(np.random.default_rng(5), 7)
    for tolerance in (1e-6, 1e-10):
        followed = by_eighth_order(system.field, starts, times, tolerance)
        for i in (0, 6):
            expected = alone(system.field, starts[i], times, DOP853, tolerance, tolerance)
            np.testing.assert_allclose(followed[:, i], expected, rtol=0, atol=1e-7)


def by_eighth_order(field: Any, starts: Array, times: Array, tolerance: float, **how: Any) -> Array:
    """Follow by DOP853 with one tolerance, relative and absolute."""
    return follow_lanes(field, starts, times, DormandPrince8(), tolerance, tolerance, **how)


def test_lanes_that_wait_their_turn_come_to_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    system, times = get_system("three-body"), np.array([0.0, 0.01, 0.5, 2.0])
    starts = system.sample_starts(np.random.default_rng(1), 23)
    together = by_eighth_order(system.field, starts, times, 1e-10)
    monkeypatch.setattr(many_lanes, "LANES", 5)
    in_turn = by_eighth_order(system.field, starts, times, 1e-10)
    np.testing.assert_allclose(in_turn, together, rtol=0, atol=1e-12)
    each = by_eighth_order(system.field, starts, np.tile(times, (23, 1)), 1e-10)
    np.testing.assert_allclose(each, together, rtol=0, atol=1e-12)


def test_shares_rise_to_one_and_the_work_ends_when_asked() -> None:
    system, times = get_system("pendulum"), np.linspace(0.0, 3.0, 10)
    starts, shares = system.sample_starts(np.random.default_rng(0), 9), list[float]()
    by_eighth_order(system.field, starts, times, 1e-12, passed=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    cut = by_eighth_order(system.field, starts, times, 1e-12, interrupt=lambda: True)
    assert np.isnan(cut[-1]).all()
    np.testing.assert_array_equal(cut[0], starts)


def test_no_start_is_followed_too() -> None:
    field = get_system("pendulum").field
    assert by_eighth_order(field, np.ones((0, 2)), np.array([0.0, 1.0]), 1e-9).shape == (2, 0, 2)
