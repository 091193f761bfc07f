"""Integrators: each has its stated order, is symplectic where it says so, and never hides a failure."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from hnn_engine.coords import Array, canonical_matrix
from hnn_engine.errors import IntegratorError, UnknownNameError
from hnn_engine.integrators import CHUNK, INTEGRATORS, STEPS, get_integrator, rollout, why_not
from hnn_engine.kernels import cache as kernel_cache
from hnn_engine.models import MODELS
from hnn_engine.snapshot import Snapshot
from hnn_engine.systems import SYSTEMS, get_system
from tests.fields import fresh

FIXED = [name for name, info in INTEGRATORS.items() if not info.adaptive]
START = np.array([1.1, 0.4])


@dataclass(frozen=True)
class Plain:
    """A flow of a bare field."""

    law: Callable[[Array], Array]
    why_not_separable: str = ""

    def field(self, coords: Array) -> Array:
        return self.law(coords)


def blow_up(coords: Array) -> Array:
    return coords**2


def snapshot(model: str) -> Snapshot:
    return fresh(model, {"width": 8})


def test_the_table_is_complete() -> None:
    assert set(STEPS) == set(FIXED)
    assert all(name == info.name and info.title and info.summary for name, info in INTEGRATORS.items())
    assert {n for n, i in INTEGRATORS.items() if i.needs_separable} == {"stormer-verlet", "yoshida4"}


@pytest.mark.parametrize("system", ["pendulum", "mass-spring"])
@pytest.mark.parametrize("method", FIXED)
def test_a_method_has_its_stated_order(method: str, system: str) -> None:
    flow = get_system(system)
    steps = np.array([40, 80, 160])
    errors = []
    for count in steps:
        times = np.linspace(0.0, 2.0, count + 1)
        exact = flow.exact(START, times)
        assert exact is not None
        errors.append(np.abs(rollout(flow, START, times, method).coords[-1] - exact[-1]).max())
    slope = -np.polyfit(np.log(steps), np.log(errors), 1)[0]
    assert abs(slope - INTEGRATORS[method].order) < 0.2


@pytest.mark.parametrize("system", ["pendulum", "mass-spring", "two-body"])
def test_dop853_holds_its_tolerance(system: str) -> None:
    flow = get_system(system)
    start, times = flow.default_start, np.linspace(0.0, 10.0, 51)
    exact = flow.exact(start, times)
    assert exact is not None
    for tolerance in (1e-6, 1e-12):
        error = np.abs(rollout(flow, start, times, "dop853", tolerance=tolerance).coords - exact).max()
        assert error < 1e3 * tolerance


def flow_jacobian(method: str, dt: float, count: int = 4) -> Array:
    """Return ∂x(t)/∂x(0) `(2, 2)` of `count` steps of the pendulum by central differences."""
    flow, times, eps = get_system("pendulum"), dt * np.arange(count + 1), 1e-5
    columns = []
    for shift in eps * np.eye(2):
        ahead, behind = (rollout(flow, START + s, times, method, tolerance=1e-3).coords[-1] for s in (shift, -shift))
        columns.append((ahead - behind) / (2 * eps))
    return np.stack(columns, axis=-1)


@pytest.mark.parametrize("method", list(INTEGRATORS))
def test_the_flow_is_symplectic_exactly_where_the_table_says_so(method: str) -> None:
    m, j = flow_jacobian(method, 0.4), canonical_matrix(1)
    gap = np.abs(m.T @ j @ m - j).max()
    if INTEGRATORS[method].symplectic:
        assert gap < 1e-7
    else:
        assert gap > 1e-6


def test_implicit_midpoint_is_symplectic_where_h_is_not_separable() -> None:
    flow, eps = get_system("double-pendulum"), 1e-5
    ahead, behind = (
        rollout(flow, flow.default_start + sign * eps * np.eye(4), np.array([0.0, 0.05, 0.1]), "implicit-midpoint")
        for sign in (1, -1)
    )
    m = ((ahead.coords[-1] - behind.coords[-1]) / (2 * eps)).T
    np.testing.assert_allclose(m.T @ canonical_matrix(2) @ m, canonical_matrix(2), atol=1e-7)


@pytest.mark.parametrize("method", list(INTEGRATORS))
@pytest.mark.parametrize("name", [*SYSTEMS, *MODELS])
def test_what_does_not_apply_is_refused_with_its_reason(name: str, method: str) -> None:
    flow = get_system(name) if name in SYSTEMS else snapshot(name)
    dof = flow.dof
    applies = not INTEGRATORS[method].needs_separable or (
        SYSTEMS[name].separable if name in SYSTEMS else name == "separable-hnn"
    )
    reason = why_not(method, flow)
    assert bool(reason) is not applies
    if applies:
        return
    assert INTEGRATORS[method].title in reason
    assert flow.why_not_separable in reason
    with pytest.raises(IntegratorError, match="choose rk4, implicit-midpoint or dop853"):
        rollout(flow, np.zeros(2 * dof), np.linspace(0, 1, 3), method)


def test_an_unknown_name_is_an_error_with_a_suggestion() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'yoshida4'"):
        get_integrator("yoshida")
    with pytest.raises(UnknownNameError):
        rollout(get_system("pendulum"), START, np.linspace(0, 1, 3), "euler")


def test_a_midpoint_step_that_does_not_converge_is_reported() -> None:
    times = np.array([0.0, 5.0, 10.0])  # the iteration contracts for dt·ω/2 < 1 alone
    answer = rollout(get_system("mass-spring"), START, times, "implicit-midpoint")
    assert np.isnan(answer.coords[1:]).all()
    assert answer.ended == 0.0
    assert "did not converge to 1e-12 in 60 rounds" in answer.note


@pytest.mark.parametrize("method", ["rk4", "stormer-verlet", "yoshida4", "dop853"])
def test_divergence_is_cut_off_and_dated(method: str) -> None:
    times = np.linspace(0.0, 2.0, 201)
    answer = rollout(Plain(lambda x: 5 * x[..., ::-1]), np.array([1.0, 1.0]), 3 * times, method)
    last = float(answer.ended)
    assert abs(last - np.log(1e6) / 5) < 0.1
    assert answer.diverged
    assert f"diverged at t = {last:.3g} s" in answer.note
    alive = np.isfinite(answer.coords).all(axis=-1)
    assert alive[answer.t <= last].all()
    assert np.isnan(answer.coords[answer.t > last]).all()


@pytest.mark.parametrize("method", ["rk4", "dop853"])
@pytest.mark.filterwarnings("ignore::RuntimeWarning:tests")
def test_one_lost_trajectory_leaves_the_others_alone(method: str) -> None:
    starts, times = np.array([[1.0, 0.0], [0.1, 0.0]]), np.linspace(0.0, 2.0, 101)
    answer = rollout(Plain(blow_up), starts, times, method)
    assert np.isfinite(answer.ended).tolist() == [True, False]
    np.testing.assert_allclose(answer.coords[:, 1, 0], 0.1 / (1 - 0.1 * times), rtol=1e-6)
    assert np.isnan(answer.coords[-1, 0]).all()


@pytest.mark.parametrize("method", ["rk4", "implicit-midpoint"])
def test_a_large_batch_in_threads_equals_single_ones(method: str) -> None:
    flow, times = get_system("pendulum"), np.linspace(0.0, 1.0, 26)
    starts = flow.sample_starts(np.random.default_rng(1), 2 * CHUNK + 7)
    batch = rollout(flow, starts, times, method).coords
    assert batch.shape == (26, *starts.shape)
    for i in (0, CHUNK - 1, CHUNK, 2 * CHUNK + 6):
        np.testing.assert_allclose(batch[:, i], rollout(flow, starts[i], times, method).coords, atol=1e-11)


def test_a_batch_of_any_shape_goes_through_dop853() -> None:
    flow, times = get_system("pendulum"), np.linspace(0.0, 1.0, 5)
    starts = flow.sample_starts(np.random.default_rng(1), 4).reshape(2, 2, 2)
    answer = rollout(flow, starts, times, "dop853")
    assert answer.coords.shape == (5, 2, 2, 2)
    assert answer.ended.shape == (2, 2)
    np.testing.assert_array_equal(answer.coords[:, 1, 0], rollout(flow, starts[1, 0], times, "dop853").coords)


@pytest.mark.parametrize("method", FIXED)
def test_substeps_are_smaller_steps_seen_less_often(method: str) -> None:
    flow, fine = get_system("pendulum"), np.linspace(0.0, 2.0, 41)
    dense = rollout(flow, START, fine, method).coords[::4]
    np.testing.assert_allclose(rollout(flow, START, fine[::4], method, substeps=4).coords, dense, atol=1e-12)


@pytest.mark.parametrize("method", list(INTEGRATORS))
def test_times_need_not_be_even(method: str) -> None:
    flow, times = get_system("pendulum"), np.array([0.0, 0.003, 0.02, 0.021, 0.05, 0.09, 0.1])
    exact = flow.exact(START, times)
    assert exact is not None
    np.testing.assert_allclose(rollout(flow, START, times, method).coords, exact, atol=2e-4)


@pytest.mark.parametrize("method", ["rk4", "dop853"])
def test_an_interrupt_ends_the_work_early(method: str) -> None:
    asked: list[float] = []

    def interrupt() -> bool:
        asked.append(time.perf_counter())
        return len(asked) == 3

    answer = rollout(get_system("pendulum"), START, np.linspace(0.0, 500.0, 20_001), method, interrupt=interrupt)
    assert len(asked) == 3
    assert np.isfinite(answer.coords[:1]).all()
    assert np.isnan(answer.coords[10_000:]).all()


@pytest.mark.parametrize("loops", [True, False])
def test_a_trajectory_is_lost_after_so_many_field_calls(loops: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if loops:
        assert kernel_cache.load()
    else:
        monkeypatch.setattr(kernel_cache, "_loops", None)
    times = np.linspace(0.0, 2000.0, 2001)
    short, whole = (rollout(get_system("pendulum"), START, times, "dop853", limit=n) for n in (20_000, 10**7))
    assert not whole.diverged
    assert 0 < short.ended < 200
    kept = np.isfinite(short.coords[:, 0])
    np.testing.assert_array_equal(short.coords[kept], whole.coords[kept])


def test_the_start_alone_is_a_rollout() -> None:
    for method in INTEGRATORS:
        answer = rollout(get_system("pendulum"), START, np.array([0.0]), method)
        assert answer.coords.tolist() == [START.tolist()]
        assert not answer.diverged
