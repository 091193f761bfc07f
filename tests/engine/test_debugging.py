"""Debugging figures on cases whose answer is known: exact flows, laws, published values, and an independent program."""

import math
from dataclasses import replace
from typing import Any

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from hnn_engine.coords import Array, canonical_matrix
from hnn_engine.debugging.error_split import drift_of, method_table, split_error
from hnn_engine.debugging.field_error import error_map, field_error, states_beyond
from hnn_engine.debugging.field_structure import saturated_share, structure
from hnn_engine.debugging.fixed_points import fixed_points
from hnn_engine.debugging.invariants import invariants, kept
from hnn_engine.debugging.magnus import NODES, exponential, magnus_steps
from hnn_engine.debugging.tangent_flow import (
    TangentFlow,
    largest_rate,
    lyapunov_spectrum,
    products,
    step_map,
    symplectic_defect,
    tangent_flow,
    volume,
)
from hnn_engine.equilibria import jacobian
from hnn_engine.experiment import RolloutSpec, SystemSource, default_settings, model_spec, opened
from hnn_engine.fit_run import FitRun
from hnn_engine.kernels import cache as kernel_cache
from hnn_engine.models import get_model
from hnn_engine.phase_portrait import PortraitSpec
from hnn_engine.records import Run
from hnn_engine.rollouts.energy_drift import energy_drift
from hnn_engine.rollouts.rollout import rollout
from hnn_engine.snapshot import Snapshot
from hnn_engine.systems import System, get_system


def untrained(model: str, dof: int, **asked: object) -> Snapshot:
    chosen = dict(model_spec(model, {"width": 40, "depth": 2, **asked}).settings)
    weights = get_model(model).initial_weights(dof, chosen, np.random.default_rng(3))
    return Snapshot(model, dof, chosen, weights)


def fitted(system: str, model: str, recipe: str = "sampled", **asked: object) -> Run:
    base = opened(SystemSource(system, get_system(system).values))
    experiment = replace(
        base,
        models=(model_spec(model),),
        recipe=recipe,
        settings={**default_settings(recipe, base.scene), **asked},
    )
    fit = FitRun(experiment, experiment.dataset())
    while fit.end is None:
        fit.advance()
    run = fit.as_run(None)
    assert run is not None
    return run


# The flow's derivative ------------------------------------------------------------------------------------------------


def test_a_rotation_keeps_volume_and_the_symplectic_form() -> None:
    """x(t) of the spring with m = k = 1 turns by t: M is that rotation."""
    system = get_system("mass-spring")
    found = tangent_flow(system, np.array([1.0, 0.3]), 7.0)
    turned = products(found.maps)
    rate = 2.0 * math.pi / _period(system)
    for t, m in zip(found.t, turned, strict=True):
        a = rate * t
        assert np.trace(m) == pytest.approx(2 * math.cos(a), abs=1e-6)
    assert volume(found.maps) == pytest.approx(np.ones(len(found.t)), abs=1e-7)
    assert symplectic_defect(turned).max() < 1e-7


def _period(system: System) -> float:
    slope = structure_matrix(system)
    return float(2 * math.pi / np.abs(np.linalg.eigvals(slope).imag).max())


def structure_matrix(system: System) -> Array:
    d = 2 * system.dof
    return np.stack([system.field(np.eye(d)[i]) - system.field(np.zeros(d)) for i in range(d)], axis=-1)


@pytest.mark.parametrize("name", ["damped-mass-spring", "damped-pendulum"])
def test_friction_shrinks_volume_at_its_own_rate(name: str) -> None:
    """ṗ = … − γp/m·m: d(det M)/dt = (tr ∂f/∂x) det M, a constant here."""
    system = get_system(name)
    slope = (system.field(np.array([0.2, 1e-3])) - system.field(np.array([0.2, -1e-3]))) / 2e-3
    rate = float(slope[1])
    assert rate < 0
    found = tangent_flow(system, np.array([0.9, 0.4]), 6.0)
    assert volume(found.maps) == pytest.approx(np.exp(rate * found.t), rel=1e-6)
    assert lyapunov_spectrum(found).exponents.sum() == pytest.approx(rate, rel=1e-6)


def test_a_flow_of_hamilton_is_symplectic_where_it_is_chaotic() -> None:
    system = get_system("double-pendulum")
    found = tangent_flow(system, np.array([2.0, 2.0, 0.0, 0.0]), 10.0)
    assert volume(found.maps) == pytest.approx(np.ones(len(found.t)), abs=1e-5)
    assert symplectic_defect(found.maps).max() < 1e-6


def test_a_model_with_an_h_is_symplectic_and_a_baseline_is_not() -> None:
    for model, symplectic in (("hnn", True), ("baseline", False)):
        found = tangent_flow(untrained(model, 2), np.array([0.4, -0.2, 0.3, 0.1]), 4.0)
        defect = symplectic_defect(products(found.maps)[-1])
        assert bool(defect < 1e-5) is symplectic
        states = np.random.default_rng(0).normal(size=(50, 4))
        curl = structure(untrained(model, 2).field, states).curl
        assert (curl < 1e-6) if symplectic else (curl > 0.05)


def test_steps_are_symplectic_where_the_method_says_so() -> None:
    system, start = get_system("pendulum"), np.array([1.2, 0.5])
    for name in ("implicit-midpoint", "stormer-verlet", "yoshida4"):
        assert symplectic_defect(step_map(system, start, name, 0.2)) < 1e-9
    assert symplectic_defect(step_map(system, start, "rk4", 0.2)) > 1e-6
    with pytest.raises(TypeError):
        step_map(system, start, "dop853", 0.2)


def test_a_path_that_ends_has_maps_as_far_as_it_goes() -> None:
    class Away:
        why_not_separable = "it has no H"

        def field(self, coords: Array) -> Array:
            return coords**2

    found = tangent_flow(Away(), np.array([1.0, 1.0]), 2.0)  # x = 1/(1 − t)
    assert 0.9 < found.ended < 1.0
    assert np.isfinite(found.path).all()
    assert len(found.maps) == len(found.t) - 1


# Growth ---------------------------------------------------------------------------------------------------------------


def independent_spectrum(system: System, start: Array, horizon: float, every: float) -> Array:
    """The exponents by the variational equations with scipy's DOP853 and Gram–Schmidt, another program's way."""
    d = len(start)

    def jacobian(x: Array) -> Array:
        h = 1e-6
        return np.stack([(system.field(x + h * e) - system.field(x - h * e)) / (2 * h) for e in np.eye(d)], axis=-1)

    def right_side(_: float, y: Array) -> Array:
        x, v = y[:d], y[d:].reshape(d, d)
        return np.concatenate([system.field(x), (jacobian(x) @ v).ravel()])

    x, q, total = start, np.eye(d), np.zeros(d)
    for _ in range(round(horizon / every)):
        y = solve_ivp(right_side, (0.0, every), np.concatenate([x, q.ravel()]), "DOP853", rtol=1e-9, atol=1e-9).y[:, -1]
        x = y[:d]
        q, r = np.linalg.qr(y[d:].reshape(d, d))
        total += np.log(np.abs(np.diag(r)))
    return np.asarray(-np.sort(-total / horizon))


def test_exponents_agree_with_an_independent_program() -> None:
    system, start = get_system("henon-heiles"), np.array([0.0, -0.25, 0.42081, 0.0])
    ours = lyapunov_spectrum(tangent_flow(system, start, 60.0)).exponents
    assert ours == pytest.approx(independent_spectrum(system, start, 60.0, 1.0), abs=2e-3)


def test_exponents_of_a_hamiltonian_flow_sum_to_zero_and_come_in_pairs() -> None:
    system = get_system("double-pendulum")
    found = lyapunov_spectrum(tangent_flow(system, np.array([2.0, 2.0, 0.0, 0.0]), 300.0))
    assert found.exponents.sum() == pytest.approx(0.0, abs=1e-6)
    assert found.exponents + found.exponents[::-1] == pytest.approx(np.zeros(4), abs=2e-2)
    assert found.exponents[0] > 0.5
    assert largest_rate(found) == pytest.approx(found.exponents[0])


def test_exponents_of_regular_motion_fall_like_the_logarithm() -> None:
    """Below about a radian the double pendulum is regular: λ₁ ~ ln t/t."""
    found = lyapunov_spectrum(tangent_flow(get_system("double-pendulum"), np.array([0.5, 0.5, 0.0, 0.0]), 1000.0))
    assert 0 < found.exponents[0] < 0.02
    assert largest_rate(found) is None


@pytest.mark.parametrize(
    ("energy", "start", "published"),
    [
        # Skokos, Lect. Notes Phys. 790, 63 (2010), doi 10.1007/978-3-642-04458-8_2, at E = 1/8, from the start that
        # ChaosTools.jl tests its indicators of chaos on, (0, −0.25, 0.42081, 0); Benettin, Galgani & Strelcyn, Phys.
        # Rev. A 14, 2338 (1976) at 1/6, from a start that is seen to be chaotic. The values are quoted from memory: of
        # neither could the page be read, hence the bound.
        (1 / 8, [0.0, -0.25], 0.047),
        (1 / 6, [0.0, -0.2], 0.13),
    ],
)
def test_exponents_of_henon_and_heiles_are_the_published_ones(
    energy: float, start: list[float], published: float
) -> None:
    system = get_system("henon-heiles")
    x, y = start
    kick = math.sqrt(2 * (energy * (1 - 1e-9) - (x * x + y * y) / 2 - x * x * y + y**3 / 3))
    found = lyapunov_spectrum(tangent_flow(system, np.array([x, y, kick, 0.0]), 10_000.0)).exponents
    assert found[0] == pytest.approx(published, rel=0.2)


# Whose error it is ----------------------------------------------------------------------------------------------------


def test_parts_of_an_error_add_up() -> None:
    run = fitted("pendulum", "hnn")
    system = run.experiment.system
    assert system is not None
    start = np.array([1.0, 0.0])
    split = split_error(run.snapshot, system, start, replace(run.experiment.rollout, dt=0.3, integrator="rk4"))
    assert split.by_model + split.by_integrator == pytest.approx(split.stepped - split.truth, abs=1e-9)
    assert split.largest(split.by_model) > 0
    fine = split_error(run.snapshot, system, start, replace(run.experiment.rollout, dt=0.01, integrator="rk4"))
    assert fine.largest(fine.by_integrator) < 1e-3 * split.largest(split.by_integrator)
    assert fine.largest(fine.by_model) == pytest.approx(split.largest(split.by_model), rel=1e-2)


def test_nothing_is_claimed_where_truth_is_not_known() -> None:
    run = fitted("double-pendulum", "hnn")
    system = run.experiment.system
    assert system is not None
    split = split_error(run.snapshot, system, np.array([2.2, -1.0, 0.0, 0.0]), RolloutSpec(horizon=60.0))
    assert split.known < 50.0
    assert split.until.sum() < len(split.t)
    assert split.t[split.until].max() <= split.known


def test_the_table_of_methods_shows_their_orders() -> None:
    run = fitted("pendulum", "separable-hnn")
    rows = method_table(run.snapshot, np.array([1.0, 0.0]), RolloutSpec(dt=0.1, horizon=10.0), 1.0)
    by = {(row.integrator, round(row.dt, 6)): row for row in rows}
    for name, order in (("rk4", 4), ("stormer-verlet", 2), ("yoshida4", 4), ("implicit-midpoint", 2)):
        ratio = by[name, 0.1].error / by[name, 0.05].error
        assert math.log2(ratio) == pytest.approx(order, abs=0.4)
        assert by[name, 0.05].evaluations == pytest.approx(2 * by[name, 0.1].evaluations)


PENDULUM = {"mass": 0.5, "length": 1.0, "gravity": 6.0}
LONG, STEP, BETWEEN = 1e5, 0.04, 100  # s, s, and steps from one row to the next


def test_runge_kutta_loses_energy_and_verlet_swings() -> None:
    """From 2 rad at rest RK4 in steps of 0.04 s loses 1.6 % of the energy in 10⁵ s; Verlet swings without drift."""
    system, start = get_system("pendulum", PENDULUM), np.array([2.0, 0.0])
    t = np.linspace(0.0, LONG, round(LONG / STEP / BETWEEN) + 1)
    drifts = {}
    for name in ("rk4", "stormer-verlet"):
        coords = rollout(system, start, t, name, substeps=BETWEEN).coords
        found = drift_of(energy_drift(system, coords, coords[:1]), t)
        assert found is not None
        drifts[name] = found
    assert drifts["rk4"].slope * LONG == pytest.approx(-0.016, rel=0.05)
    assert abs(drifts["stormer-verlet"].slope) * LONG < 1e-4
    assert drifts["stormer-verlet"].largest == pytest.approx(1.8e-3, rel=0.1)


@pytest.mark.parametrize("precise", [False, True])
def test_runge_kutta_loses_as_much_in_single_precision(precise: bool) -> None:
    """The loss is the method's, not that of rounding: a loop of our own in float32 and in float64."""
    number = np.float64 if precise else np.float32
    number_of = numba.float64 if precise else numba.float32

    @numba.njit(numba.types.UniTuple(number_of, 2)(number_of, number_of, number_of, numba.int64))
    def follow(q: Any, p: Any, h: Any, steps: int) -> Any:
        for _ in range(steps):
            a, x = 2 * p, -3 * np.sin(q)
            b, y = 2 * (p + h / 2 * x), -3 * np.sin(q + h / 2 * a)
            c, z = 2 * (p + h / 2 * y), -3 * np.sin(q + h / 2 * b)
            d, w = 2 * (p + h * z), -3 * np.sin(q + h * c)
            q, p = q + h / 6 * (a + 2 * b + 2 * c + d), p + h / 6 * (x + 2 * y + 2 * z + w)
        return q, p

    q, p = follow(number(2.0), number(0.0), number(STEP), round(LONG / STEP))
    energies = [3 * (1 - math.cos(x)) + float(y) ** 2 for x, y in ((2.0, 0.0), (q, p))]
    assert energies[1] / energies[0] - 1 == pytest.approx(-0.016, rel=0.1)


# What is conserved ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("pendulum", set()),
        ("henon-heiles", set()),
        ("two-body", {"Σ px", "Σ py", "L"}),
        ("three-body", {"Σ px", "Σ py", "L"}),
        ("double-pendulum", set()),
    ],
)
def test_conserved_quantities_are_found(name: str, wanted: set[str]) -> None:
    assert {one.name for one in invariants(get_system(name))} == wanted


def test_truth_keeps_its_invariants_and_a_model_may_not() -> None:
    system = get_system("two-body")
    start = system.default_start
    t = np.linspace(0.0, 10.0, 200)
    truth = rollout(system, start, t, "dop853").coords
    model = truth * (1 + 0.01 * t[:, None])
    states = system.sample_starts(np.random.default_rng(1), 100)
    for one in kept(system, truth, model, states):
        assert one.truth < 1e-9
        assert one.scale > 0
    assert max(one.share for one in kept(system, truth, model, states)) > 0.02


# Where it is wrong ----------------------------------------------------------------------------------------------------


def test_the_error_of_a_field_is_what_was_added_to_it() -> None:
    run = fitted("pendulum", "hnn")
    data, system = run.experiment.dataset(), run.experiment.system
    assert system is not None
    found = field_error(run.snapshot, data, system)
    assert 0 < found.inside < 0.05
    assert found.outside is not None
    assert found.outside > found.inside
    assert found.shares.sum() == pytest.approx(1.0)
    beyond = states_beyond(system, data)
    assert beyond is not None
    known = system.hamiltonian(data.clean if data.clean is not None else data.coords)
    assert (system.hamiltonian(beyond) > known[data.train].max()).all()
    spec = PortraitSpec((0, 1), (-3.0, 3.0), (-3.0, 3.0), (0.0, 0.0))
    shown = error_map(run.snapshot, system, data, spec)
    at = shown.at[10, 40]
    direct = np.linalg.norm(run.snapshot.field(at) - system.field(at))
    assert shown.error[10, 40] == pytest.approx(float(direct), rel=1e-6)
    assert shown.relative()[shown.inside].mean() < shown.relative()[~shown.inside].mean()


def test_saturated_units_are_counted() -> None:
    model = untrained("hnn", 1)
    states = np.random.default_rng(0).normal(size=(100, 2))
    assert saturated_share(model, states) == 0.0
    weights = {n: (w * 0 + 50.0 if n.startswith("b") else w) for n, w in model.weights.items()}
    assert saturated_share(replace(model, weights=weights), states) == 1.0
    assert saturated_share(untrained("hnn", 1, activation="sine"), states) is None


def test_fixed_points_of_a_pendulum_and_of_its_model() -> None:
    run = fitted("pendulum", "hnn")
    system = get_system("pendulum")
    states = np.random.default_rng(0).uniform([-3.1, -2.0], [3.1, 2.0], (200, 2))
    kinds = sorted((round(one.at[0], 6), one.kind) for one in system.equilibria)
    assert (0.0, "centre") in kinds
    assert (round(math.pi, 6), "saddle") in kinds
    found = fixed_points(run.snapshot, system, states)
    centre = [found.model[j] for i, j in found.matches if found.truth[i].kind == "centre"]
    assert len(centre) == 1
    assert np.abs(centre[0].at).max() < 0.2
    rate = max(abs(value.imag) for value in centre[0].eigenvalues)
    assert rate == pytest.approx(2 * math.pi / _period(system), rel=0.1)


def test_magnus_steps_are_of_order_six() -> None:
    """Of dM/dt = A(t)M with A that does not commute with itself, beside scipy at 1e-13."""

    def slopes(t: float) -> Array:
        return np.array([[0.3 * math.sin(t), 1.0 + 0.5 * math.cos(2 * t)], [-2.0 - math.sin(3 * t), -0.1 * t]])

    def right_side(t: float, y: Array) -> Array:
        return np.asarray((slopes(t) @ y.reshape(2, 2)).ravel())

    exact = solve_ivp(right_side, (0.0, 2.0), np.eye(2).ravel(), "DOP853", rtol=1e-13, atol=1e-14).y[:, -1]
    errors, gaps = [], []
    for count in (4, 8, 16):
        h = 2.0 / count
        at = np.array([[slopes((k + c) * h) for c in NODES] for k in range(count)])
        steps, gap = magnus_steps(at, h)
        m = np.eye(2)
        for one in steps:
            m = one @ m
        errors.append(float(np.abs(m - exact.reshape(2, 2)).max()))
        gaps.append(float(gap.sum()))
    assert math.log2(errors[0] / errors[1]) == pytest.approx(6.0, abs=0.7)
    assert math.log2(errors[1] / errors[2]) == pytest.approx(6.0, abs=0.7)
    assert all(error < gap for error, gap in zip(errors, gaps, strict=True))


@given(st.integers(0, 10_000), st.floats(0.0, 6.0), st.integers(1, 3))
@settings(max_examples=40, deadline=None)
def test_the_exponential_is_scipys(seed: int, size: float, half: int) -> None:
    x = size * np.random.default_rng(seed).normal(size=(5, 2 * half, 2 * half)) / half
    for ours, one in zip(exponential(x), x, strict=True):
        theirs = expm(one)
        assert np.abs(ours - theirs).max() <= 1e-11 * np.abs(theirs).max()


@pytest.mark.parametrize("name", ["pendulum", "duffing", "double-pendulum", "henon-heiles", "two-body", "three-body"])
def test_maps_are_those_of_the_variational_equations(name: str) -> None:
    """Of all segments together, beside scipy at 1e-11 and its own Jacobian."""
    system = get_system(name)
    start, horizon = system.default_start, 2.0
    d = len(start)

    def right_side(_: float, y: Array) -> Array:
        return np.concatenate([system.field(y[:d]), (jacobian(system.field, y[:d]) @ y[d:].reshape(d, d)).ravel()])

    y0 = np.concatenate([start, np.eye(d).ravel()])
    exact = solve_ivp(right_side, (0.0, horizon), y0, "DOP853", rtol=1e-11, atol=1e-11).y[d:, -1].reshape(d, d)
    found = tangent_flow(system, start, horizon)
    assert products(found.maps)[-1] == pytest.approx(exact, abs=1e-5 * np.abs(exact).max())
    assert symplectic_defect(found.maps).max() < 1e-7


def test_loops_and_numpy_give_the_same_flow(monkeypatch: pytest.MonkeyPatch) -> None:
    system, start = get_system("double-pendulum"), np.array([2.0, 2.0, 0.0, 0.0])
    model = untrained("baseline", 2)
    fast = [tangent_flow(flow, start, 3.0).maps for flow in (system, model)]
    monkeypatch.setattr(kernel_cache, "_loops", None)
    slow = [tangent_flow(flow, start, 3.0).maps for flow in (system, untrained("baseline", 2))]
    for one, other in zip(fast, slow, strict=True):
        assert one == pytest.approx(other, abs=1e-6 * np.abs(other).max())


def test_a_flow_can_be_stopped() -> None:
    asked = 0

    def interrupt() -> bool:
        nonlocal asked
        asked += 1
        return asked > 3

    found = tangent_flow(get_system("double-pendulum"), np.array([2.0, 2.0, 0.0, 0.0]), 300.0, interrupt=interrupt)
    assert found.t[-1] < 300.0


def test_one_segment_is_enough_for_a_short_path() -> None:
    found = tangent_flow(get_system("pendulum"), np.array([0.5, 0.0]), 1e-3)
    assert isinstance(found, TangentFlow)
    assert found.maps[-1] == pytest.approx(np.eye(2), abs=1e-2)
    assert canonical_matrix(1) == pytest.approx(np.array([[0.0, 1.0], [-1.0, 0.0]]))
