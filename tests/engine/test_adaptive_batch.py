"""Adaptive steps of a batch in numpy: each trajectory goes as it would alone by scipy, and ends where it would."""

from typing import Any

import numpy as np
import pytest
from scipy.integrate import DOP853, RK45

from hnn_engine.coords import Array
from hnn_engine.rollouts.adaptive_batch import DormandPrince5, DormandPrince8, EmbeddedMethod, follow_adaptive
from hnn_engine.systems import get_system
from tests.fields import fresh

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
    batch = follow_adaptive(system.field, starts, times, ours(), 1e-8, 1e-9)
    for i, start in enumerate(starts):
        np.testing.assert_allclose(batch[:, i], alone(system.field, start, times, scipys, 1e-8, 1e-9), rtol=1e-11)


@pytest.mark.parametrize("method", list(METHODS))
def test_a_network_in_single_precision_goes_as_it_would_alone(method: str) -> None:
    """In float32 any other order of a sum is another trajectory; each state has products of its own."""
    ours, scipys = METHODS[method]
    snapshot, times = fresh("hnn", {"width": 40, "depth": 2}), np.linspace(0.0, 5.0, 40)
    starts = np.random.default_rng(1).uniform(-1.0, 1.0, (5, 2))
    batch = follow_adaptive(lambda x: snapshot.single(x[:, None])[:, 0], starts, times, ours(), 1e-12, 1e-6)
    for i, start in enumerate(starts):
        np.testing.assert_allclose(
            batch[:, i], alone(snapshot.single, start, times, scipys, 1e-12, 1e-6), rtol=0, atol=1e-5
        )


def test_each_may_have_times_of_its_own() -> None:
    system = get_system("mass-spring")
    starts = np.array([[1.0, 0.0], [0.3, -0.4], [0.0, 0.8]])
    times = np.linspace(0.0, [1.0, 5.0, 20.0], 30, axis=1)
    batch = follow_adaptive(system.field, starts, times, DormandPrince8(), 1e-12, 1e-12)
    for i, start in enumerate(starts):
        np.testing.assert_allclose(batch[:, i], system.exact(start, times[i]), atol=1e-9)


def explosive(x: Array) -> Array:
    """dq/dt = q², which from q > 0 is infinite at 1/q."""
    return np.stack([x[..., 0] ** 2, np.zeros_like(x[..., 0])], axis=-1)


def test_what_is_lost_leaves_the_others_alone() -> None:
    starts = np.array([[1.0, 0.0], [0.1, 0.0], [np.nan, 0.0], [-1.0, 0.0]])
    times = np.linspace(0.0, 3.0, 61)
    batch = follow_adaptive(explosive, starts, times, DormandPrince8(), 1e-9, 1e-9)
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
    batch = follow_adaptive(counted, starts, times, DormandPrince5(), 1e-9, 1e-9, all_or_none=True)
    assert np.isnan(batch[-1]).all()
    some = len(calls)
    follow_adaptive(counted, starts, times, DormandPrince5(), 1e-9, 1e-9)
    assert len(calls) - some > some


def test_it_ends_after_so_many_calls_and_when_it_is_asked_to() -> None:
    system, times = get_system("pendulum"), np.linspace(0.0, 500.0, 2001)
    starts = system.sample_starts(np.random.default_rng(0), 3)
    few = follow_adaptive(system.field, starts, times, DormandPrince8(), 1e-12, 1e-12, limit=2000)
    assert np.isfinite(few[10]).all()
    assert np.isnan(few[-1]).all()
    asked: list[None] = []

    def interrupt() -> bool:
        asked.append(None)
        return len(asked) == 5

    early = follow_adaptive(system.field, starts, times, DormandPrince8(), 1e-12, 1e-12, interrupt=interrupt)
    assert len(asked) == 5
    assert np.isnan(early[-1]).all()


def test_a_single_time_is_the_start() -> None:
    starts = np.ones((3, 2))
    np.testing.assert_array_equal(
        follow_adaptive(explosive, starts, np.zeros(1), DormandPrince8(), 1e-9, 1e-9)[0], starts
    )
