"""Integrators: each has its stated order, is symplectic where it says so, and never hides a failure."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest
from scipy.integrate import DOP853

from hnn_engine.coords import Array, canonical_matrix
from hnn_engine.errors import IntegratorError, UnknownNameError
from hnn_engine.integrators import (
    INTEGRATORS,
    Dop853,
    FlowDirection,
    IntegratorInfo,
    RungeKutta,
    Scheme,
    Splitting,
    for_any_flow,
    get_integrator,
    why_not,
)
from hnn_engine.kernels import cache as kernel_cache
from hnn_engine.models import MODELS
from hnn_engine.rollouts.rollout import CHUNK, DirectedFlow, compiled_flow, rollout
from hnn_engine.rollouts.steps import step_of
from hnn_engine.snapshot import Float32Snapshot, Snapshot
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


RALSTON = IntegratorInfo(
    "ralston3",
    "Ralston 3",
    order=3,
    symplectic=False,
    time_reversible=False,
    scheme=RungeKutta(a=((), (1 / 2,), (0.0, 3 / 4)), b=(2 / 9, 1 / 3, 4 / 9), c=(0.0, 1 / 2, 3 / 4)),
    summary="Ralston 1962.",
)
RUTH = IntegratorInfo(
    "ruth3",
    "Ruth 3",
    order=3,
    symplectic=True,
    time_reversible=False,
    scheme=Splitting(kicks=(7 / 24, 3 / 4, -1 / 24), drifts=(2 / 3, -2 / 3, 1.0)),
    summary="Ruth 1983.",
)
KUTTA = IntegratorInfo(  # of more stages than the shipped methods have, and with weights of 0 among others
    "kutta-3-8-twice",
    "Two steps of the 3/8 rule",
    order=4,
    symplectic=False,
    time_reversible=False,
    scheme=RungeKutta(
        a=(
            (),
            (1 / 6,),
            (-1 / 6, 1 / 2),
            (1 / 2, -1 / 2, 1 / 2),
            (1 / 16, 3 / 16, 3 / 16, 1 / 16),
            (1 / 16, 3 / 16, 3 / 16, 1 / 16, 1 / 6),
            (1 / 16, 3 / 16, 3 / 16, 1 / 16, -1 / 6, 1 / 2),
            (1 / 16, 3 / 16, 3 / 16, 1 / 16, 1 / 2, -1 / 2, 1 / 2),
        ),
        b=(1 / 16, 3 / 16, 3 / 16, 1 / 16) * 2,
        c=(0.0, 1 / 6, 1 / 3, 1 / 2, 1 / 2, 2 / 3, 5 / 6, 1.0),
    ),
    summary="Kutta 1901.",
)
ADDED = (RALSTON, RUTH, KUTTA)


@pytest.fixture(params=[True, False], ids=["compiled", "numpy"])
def either(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Once with the compiled loops and once without; return which."""
    monkeypatch.setattr(kernel_cache, "_loops", None)
    if request.param:
        assert kernel_cache.load()
    return bool(request.param)


def order_of(method: str, system: str) -> float:
    """Return the order by which the error at 2 s falls with the step."""
    flow = get_system(system)
    steps = np.array([40, 80, 160])
    errors = []
    for count in steps:
        times = np.linspace(0.0, 2.0, count + 1)
        exact = flow.exact(START, times)
        assert exact is not None
        errors.append(np.abs(rollout(flow, START, times, method).coords[-1] - exact[-1]).max())
    return float(-np.polyfit(np.log(steps), np.log(errors), 1)[0])


def test_the_table_is_complete() -> None:
    assert all(name == info.name and info.title and info.summary for name, info in INTEGRATORS.items())
    assert {n for n, i in INTEGRATORS.items() if i.needs_separable} == {"stormer-verlet", "yoshida4"}
    assert for_any_flow() == "rk4, implicit-midpoint or dop853"


@pytest.mark.parametrize("info", [*INTEGRATORS.values(), *ADDED], ids=lambda info: info.name)
def test_coefficients_are_consistent(info: IntegratorInfo) -> None:
    scheme = info.scheme
    if isinstance(scheme, RungeKutta):
        np.testing.assert_allclose([sum(row) for row in scheme.a], scheme.c, rtol=0, atol=1e-15)
        assert sum(scheme.b) == pytest.approx(1.0, abs=1e-15)
    elif isinstance(scheme, Splitting):
        assert sum(scheme.kicks) == pytest.approx(1.0, abs=1e-15)
        assert sum(scheme.drifts) == pytest.approx(1.0, abs=1e-15)
        assert info.symplectic, "it is made of kicks and drifts"
        parts = [part for pair in zip(scheme.kicks, scheme.drifts, strict=True) for part in pair]
        parts = parts[:-1] if parts[-1] == 0.0 else parts
        assert (parts == pytest.approx(parts[::-1], abs=1e-15)) is info.time_reversible
    elif isinstance(scheme, Dop853):
        np.testing.assert_allclose(DOP853.A.sum(axis=1), DOP853.C, rtol=0, atol=1e-14)
        assert DOP853.B.sum() == pytest.approx(1.0, abs=1e-14)


@pytest.mark.parametrize("system", ["pendulum", "mass-spring"])
@pytest.mark.parametrize("method", FIXED)
@pytest.mark.usefixtures("either")
def test_a_method_has_its_stated_order(method: str, system: str) -> None:
    assert abs(order_of(method, system) - INTEGRATORS[method].order) < 0.2


@pytest.mark.parametrize("info", ADDED, ids=lambda info: info.name)
def test_an_added_row_is_followed_by_what_it_says(
    info: IntegratorInfo, either: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(INTEGRATORS, info.name, info)
    system, learned = get_system("pendulum"), snapshot("separable-hnn")
    assert abs(order_of(info.name, "pendulum") - info.order) < 0.2
    step, times, starts = step_of(info.name), np.linspace(0.0, 2.0, 21), np.array([[1.1, 0.4], [0.3, -0.2]])
    for flow in (system, learned, Float32Snapshot(learned)):
        assert (compiled_flow(flow, info.name) is not None) is either
        expected = [START]
        for _ in range(20):
            expected.append(step(flow.field, expected[-1], 0.1))
        atol = 1e-5 if isinstance(flow, Float32Snapshot) else 1e-13
        np.testing.assert_allclose(rollout(flow, START, times, info.name).coords, expected, rtol=0, atol=atol)
        batch = rollout(flow, starts, times, info.name).coords[:, 0]
        np.testing.assert_allclose(batch, expected, rtol=0, atol=atol)
    others = [rollout(system, START, times, name).coords for name in INTEGRATORS if name != info.name]
    followed = rollout(system, START, times, info.name).coords
    assert min(np.abs(followed - other).max() for other in others) > 1e-7
    assert info.name in for_any_flow() or info.needs_separable


def test_ralstons_step_is_the_one_in_the_book(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(INTEGRATORS, "ralston3", RALSTON)
    field, dt = get_system("pendulum").field, 0.1
    k1 = field(START)
    k2 = field(START + dt / 2 * k1)
    k3 = field(START + 3 * dt / 4 * k2)
    expected = START + dt / 9 * (2 * k1 + 3 * k2 + 4 * k3)
    np.testing.assert_allclose(step_of("ralston3")(field, START, dt), expected, rtol=1e-15)


@pytest.mark.usefixtures("either")
def test_a_method_that_no_loop_follows_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Multistep(Scheme):
        """A kind of method that there is no loop for."""

    monkeypatch.setitem(INTEGRATORS, "adams", replace(RALSTON, name="adams", title="Adams", scheme=Multistep()))
    system = get_system("pendulum")
    with pytest.raises(IntegratorError, match="Adams is of the kind Multistep, which no loop follows; choose rk4"):
        rollout(system, START, np.linspace(0.0, 1.0, 3), "adams")
    assert compiled_flow(system, "adams") is None
    loops = kernel_cache.loops()
    if loops is not None:
        with pytest.raises(ValueError, match="No compiled loop follows adams"):
            loops.follow(loops.law_flow(system), "adams", START, np.linspace(0.0, 1.0, 3))


@pytest.mark.parametrize("method", list(INTEGRATORS))
@pytest.mark.usefixtures("either")
def test_a_step_back_undoes_a_step_exactly_where_the_table_says_so(method: str) -> None:
    flow, times = get_system("pendulum"), np.array([0.0, 0.4])
    there = rollout(flow, START, times, method, tolerance=1e-3).coords[-1]
    back = rollout(DirectedFlow(flow, FlowDirection.BACKWARD), there, times, method, tolerance=1e-3).coords[-1]
    gap = np.abs(back - START).max()
    if INTEGRATORS[method].time_reversible:
        assert gap < 1e-11
    else:
        assert gap > 1e-10


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
@pytest.mark.usefixtures("either")
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
