"""Typed systems that depend on time: truth and rollouts at the right instants, data with times, a baseline that sees
them, and one sentence where something cannot."""

import csv
import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from hnn_engine.cli import main
from hnn_engine.coords import Array, clock_of, with_clock, with_clock_rates, without_clock
from hnn_engine.datasets import make_dataset
from hnn_engine.errors import ExperimentError, HnnLabError, IntegratorError
from hnn_engine.evaluation import evaluate
from hnn_engine.experiment import checked, from_json, model_spec, opened, own_source, to_json, typed_on
from hnn_engine.fit_run import FitRun
from hnn_engine.fitting import RECIPES
from hnn_engine.integrators import INTEGRATORS, FlowDirection
from hnn_engine.kernels import cache as kernel_cache
from hnn_engine.models import MODELS
from hnn_engine.own_systems.definition import define
from hnn_engine.own_systems.files import read_system, system_text
from hnn_engine.own_systems.lagrangian import from_lagrangian
from hnn_engine.own_systems.system import OwnSystem, own_system
from hnn_engine.records import load_run
from hnn_engine.records.folders import write_run
from hnn_engine.rollouts.energy_drift import energy_drift
from hnn_engine.rollouts.rollout import DirectedFlow, rollout
from hnn_engine.rollouts.steering import Steering, follow
from hnn_engine.rollouts.truth import follow_truth
from hnn_engine.snapshot import Float32Snapshot, Snapshot

DRIVEN = "p^2/2 - cos q - f q cos(omega t)"
DUFFING = "p^2/2 + q^2/2 + q^4/8 - f q cos(omega t)"
FORCED = ("p^2/2 - cos q", "-gamma p + f cos(omega t)")
START, TIMES = np.array([0.3, -0.2]), np.linspace(0.0, 6.0, 121)


def typed(text: str, *names: str, friction: str = "", **constants: float) -> OwnSystem:
    return own_system(define(text, names, constants=constants, friction=friction))


def by_hand(rate: Callable[[float, Array], list[float]], start: Array = START, times: Array = TIMES) -> Array:
    """Follow dx/dt = rate(t, x) by scipy, which knows nothing of systems here."""
    found = solve_ivp(rate, (times[0], times[-1]), start, "DOP853", times, rtol=1e-12, atol=1e-12)
    return np.asarray(found.y.T)


def driven(f: float = 0.5, omega: float = 2.0) -> tuple[OwnSystem, Array]:
    known = by_hand(lambda t, x: [x[1], -math.sin(x[0]) + f * math.cos(omega * t)])
    return typed(DRIVEN, f=f, omega=omega), known


@pytest.fixture(params=[True, False], ids=["compiled", "numpy"])
def loops(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """With compiled loops, and as it is before they are loaded."""
    assert kernel_cache.loops() is not None
    if not request.param:
        monkeypatch.setattr(kernel_cache, "_loops", None)
    return bool(request.param)


# The law --------------------------------------------------------------------------------------------------------------


def test_t_is_time_and_no_constant() -> None:
    made = define("p^2/2 + q^2/2 + F q cos(omega t)")
    assert made.timed
    assert [one.name for one in made.constants] == ["F", "omega"]
    assert not define("p^2/2 + q^2").timed
    named = define("p^2/2 + t q^2", constants={"t": 3.0})
    assert not named.timed
    assert [one.name for one in named.constants] == ["t"]
    assert define(FORCED[0], friction=FORCED[1]).timed


def test_h_its_gradient_and_the_field_are_those_of_the_instant() -> None:
    system = typed("p^2/(2m) + k (1 + a cos(omega t)) q^2/2", m=2.0, k=3.0, a=0.5, omega=1.7)
    at, t = np.random.default_rng(0).normal(0.0, 1.0, (5, 7, 2)), np.linspace(0.0, 4.0, 7)
    stiff = 3.0 * (1 + 0.5 * np.cos(1.7 * t))
    then = system.at(t)
    assert then.hamiltonian(at) == pytest.approx(at[..., 1] ** 2 / 4 + stiff * at[..., 0] ** 2 / 2)
    assert then.gradient(at)[..., 0] == pytest.approx(stiff * at[..., 0])
    assert then.field(at)[..., 1] == pytest.approx(-stiff * at[..., 0])
    assert then.field(at)[..., 0] == pytest.approx(at[..., 1] / 2)
    assert system.field(at)[..., 1] == pytest.approx(-4.5 * at[..., 0])  # at zero, where nothing is said


def test_what_does_not_depend_on_time_is_itself_at_any() -> None:
    system = typed("p^2/2 + q^2")
    assert system.at(3.0) is system
    assert system.conserves


def test_a_law_in_time_has_no_rest_and_no_least_energy() -> None:
    system = typed(DRIVEN)
    assert system.equilibria == ()
    assert system.min_energy is None
    assert not system.conserves
    assert system.forbidden(1.0) is None
    assert system.energy_scale(START) > 0


@pytest.mark.parametrize(
    ("text", "friction", "separable"),
    [
        (DRIVEN, "", True),
        ("p^2/2 + (1 + t) q^2/2", "", True),
        ("p^2 (2 + cos t)/2 + q^2/2", "", False),  # T depends on time: a drift would pass it
        ("(p - a cos t)^2/2 + q^2/2", "", False),
        ("p^2/2 + t q p + q^2", "", False),
        (*FORCED, False),
    ],
)
def test_splittings_are_for_t_of_p_and_v_of_q_and_time(text: str, friction: str, separable: bool) -> None:
    system = typed(text, friction=friction)
    assert system.separable == separable
    if not separable:
        with pytest.raises(IntegratorError, match="needs H = T"):
            rollout(system, START, TIMES, "stormer-verlet")


def test_a_force_is_no_friction_and_is_not_scaled() -> None:
    system = typed(FORCED[0], friction=FORCED[1], gamma=0.3, f=0.4, omega=2.0)
    assert system.damped
    assert system.driven
    without = system.with_friction(0.0)
    known = by_hand(lambda t, x: [x[1], -math.sin(x[0]) + 0.4 * math.cos(2 * t)])
    assert rollout(without, START, TIMES, "dop853").coords == pytest.approx(known, abs=1e-9)
    pushed = typed("p^2/2 - cos q", friction="f cos(omega t)")
    assert not pushed.damped
    assert pushed.driven
    assert not pushed.conserves
    both = typed("p^2/2 - cos q", friction="-(gamma p - f cos(omega t))", gamma=0.3, f=0.4, omega=2.0)
    at = np.random.default_rng(0).normal(0.0, 1.0, (6, 2))
    for scale in (0.0, 1.0, 2.0):
        same = [one.with_friction(scale).at(1.3).field(at) for one in (both, system)]
        assert same[0] == pytest.approx(same[1])


# Rollouts -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", INTEGRATORS)
def test_every_method_has_time_at_its_stages(method: str, loops: bool) -> None:
    """Its error falls by its own order where the step is halved: time at a wrong instant would make that one."""
    system, known = driven()
    info = INTEGRATORS[method]
    if info.adaptive:
        assert rollout(system, START, TIMES, method).coords == pytest.approx(known, abs=1e-9)
        return
    errors = [float(np.abs(rollout(system, START, TIMES, method, substeps=n).coords - known).max()) for n in (1, 2)]
    assert errors[0] < 0.2
    assert math.log2(errors[0] / errors[1]) == pytest.approx(info.order, abs=0.4) or errors[1] < 1e-10


@pytest.mark.parametrize("method", ["rk4", "implicit-midpoint", "stormer-verlet", "dop853"])
def test_machine_code_follows_as_numpy_does(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    system, _ = driven()
    assert kernel_cache.loops() is not None
    compiled = rollout(system, START, TIMES, method).coords
    monkeypatch.setattr(kernel_cache, "_loops", None)
    assert rollout(system, START, TIMES, method).coords == pytest.approx(compiled, abs=1e-8)


def test_friction_and_a_force_act_together(loops: bool) -> None:
    system = typed(FORCED[0], friction=FORCED[1], gamma=0.3, f=0.4, omega=2.0)
    known = by_hand(lambda t, x: [x[1], -math.sin(x[0]) - 0.3 * x[1] + 0.4 * math.cos(2 * t)])
    assert rollout(system, START, TIMES, "dop853").coords == pytest.approx(known, abs=1e-9)


def test_a_force_with_q_and_p_in_two_coordinates(loops: bool) -> None:
    system = typed("(p_x^2 + p_y^2)/2 + x^2 + 2 y^2 + x y sin t", friction="t y - p_x, cos(2t) - 0.1 p_y")
    start = np.array([0.3, -0.2, 0.1, 0.4])

    def rate(t: float, x: Array) -> list[float]:
        drive = math.sin(t)
        forces = (-2 * x[0] - x[1] * drive + t * x[1] - x[2], -4 * x[1] - x[0] * drive + math.cos(2 * t) - 0.1 * x[3])
        return [x[2], x[3], *forces]

    times = np.linspace(0.0, 3.0, 31)
    assert rollout(system, start, times, "dop853").coords == pytest.approx(by_hand(rate, start, times), abs=1e-9)


def test_a_batch_moves_as_each_of_it(loops: bool) -> None:
    system, _ = driven()
    starts = np.random.default_rng(1).normal(0.0, 0.5, (5, 2))
    for method in ("rk4", "dop853"):
        together = rollout(system, starts, TIMES, method).coords
        for i, start in enumerate(starts):
            assert together[:, i] == pytest.approx(rollout(system, start, TIMES, method).coords, abs=1e-8)


def test_a_rollout_begins_at_its_first_instant(loops: bool) -> None:
    system, known = driven()
    later = rollout(system, known[40], TIMES[40:], "dop853").coords
    assert later == pytest.approx(known[40:], abs=1e-8)


def test_time_that_is_turned_back_leads_back(loops: bool) -> None:
    system, known = driven()
    there_and_back = follow_truth(system, START, np.linspace(0.0, 6.0, 61), "dop853", Steering("reverse", 3.0))
    assert there_and_back.coords[:31] == pytest.approx(known[:61:2], abs=1e-8)
    assert there_and_back.coords[-1] == pytest.approx(START, abs=1e-8)
    assert there_and_back.coords[31:] == pytest.approx(there_and_back.coords[:30][::-1], abs=1e-8)


def test_climbing_h_goes_along_its_gradient_of_the_instant(loops: bool) -> None:
    system = typed("(p^2 + q^2)/2 - q cos(2 t)")
    climbed = rollout(DirectedFlow(system, FlowDirection.UPHILL), START, TIMES[:21], "rk4", substeps=4).coords
    known = by_hand(lambda t, x: [x[0] - math.cos(2 * t), x[1]], times=TIMES[:21])
    assert climbed == pytest.approx(known, abs=1e-6)
    assert np.isfinite(follow(system, START, TIMES, "rk4", Steering("pump", 1.0, 0.2)).coords).all()


def test_the_energy_is_held_against_truths_own_at_the_instant() -> None:
    system, known = driven()
    assert energy_drift(system, known, known, TIMES) == pytest.approx(0.0, abs=1e-12)
    moved = known + np.array([0.1, 0.0])
    energy = [m[1] ** 2 / 2 - math.cos(m[0]) - 0.5 * m[0] * math.cos(2 * t) for m, t in zip(moved, TIMES, strict=True)]
    truths = [m[1] ** 2 / 2 - math.cos(m[0]) - 0.5 * m[0] * math.cos(2 * t) for m, t in zip(known, TIMES, strict=True)]
    wanted = (np.array(energy) - np.array(truths)) / system.energy_scale(START)
    assert energy_drift(system, moved, known, TIMES) == pytest.approx(wanted, abs=1e-12)


@settings(deadline=None, max_examples=25)
@given(
    st.integers(1, 3).flatmap(
        lambda dof: st.tuples(*[st.lists(st.floats(-1e3, 1e3), min_size=2 * dof, max_size=2 * dof)] * 2)
    ),
    st.floats(-1e3, 1e3),
)
def test_a_clock_is_put_in_and_taken_out(pair: tuple[list[float], list[float]], t: float) -> None:
    coords, rates = (np.array(part) for part in pair)
    assert (without_clock(with_clock(coords, t)) == coords).all()
    assert clock_of(with_clock(coords, t)) == t
    assert (without_clock(with_clock_rates(rates, -1.0)) == rates).all()
    assert clock_of(with_clock_rates(rates, -1.0)) == -1.0
    both = with_clock(np.stack([coords, coords]), np.array([t, 2 * t]))
    assert both.shape == (2, len(coords) + 2)
    assert clock_of(both).tolist() == [t, 2 * t]


@settings(deadline=None, max_examples=20)
@given(
    st.floats(0.1, 2.0),
    st.floats(0.0, 1.0),
    st.floats(0.1, 4.0),
    st.floats(0.0, 0.5),
    st.sampled_from(["rk4", "dop853", "implicit-midpoint"]),
)
def test_any_linear_oscillator_moves_as_scipy_has_it(
    k: float, f: float, omega: float, gamma: float, method: str
) -> None:
    system = typed("p^2/2 + k q^2/2 - f q sin(omega t)", friction="-gamma p", k=k, f=f, omega=omega, gamma=gamma)
    known = by_hand(lambda t, x: [x[1], -k * x[0] + f * math.sin(omega * t) - gamma * x[1]])
    within = 1e-8 if method == "dop853" else 2e-2
    assert rollout(system, START, TIMES, method).coords == pytest.approx(known, abs=within)


# A Lagrangian, files, sessions ----------------------------------------------------------------------------------------


def test_a_lagrangian_may_contain_time() -> None:
    made = from_lagrangian("m qdot^2/2 - k q^2/2 + F q cos(omega t)", constants={"m": 2.0})
    assert made.timed
    assert sorted(one.name for one in made.constants) == ["F", "k", "m", "omega"]
    at, t = np.array([0.4, 0.6]), 1.3
    wanted = 0.6**2 / 4 + 0.4**2 / 2 - 0.4 * math.cos(t)
    assert own_system(made).at(t).hamiltonian(at) == pytest.approx(wanted)


def test_files_and_experiments_keep_it() -> None:
    definition = define(FORCED[0], friction=FORCED[1], constants={"gamma": 0.3, "f": 0.5, "omega": 0.7})
    assert read_system(system_text(definition).encode(), "it") == definition
    experiment = opened(own_source(definition))
    assert [m.name for m in experiment.models] == ["baseline"]
    again = from_json(json.loads(json.dumps(to_json(experiment))))
    assert again.definition == definition
    assert again.scene.timed


def test_a_formula_may_come_to_depend_on_time_and_back() -> None:
    plain, timed = (own_source(define(text)) for text in ("p^2/2 - cos q", DRIVEN))
    first = replace(opened(plain), recipe="denoise", settings=dict.fromkeys(()))
    first = checked(replace(first, settings={}))
    then = typed_on(timed, first)
    assert [m.name for m in then.models] == ["baseline"]
    assert then.recipe != "denoise"
    back = typed_on(plain, then)
    assert [m.name for m in back.models] == ["baseline", "hnn"]
    other = typed_on(own_source(define("p1^2/2 + p2^2/2 + q1^2 + q2^2 + q1 q2")), then)
    assert [m.name for m in other.models] == ["baseline", "hnn"]


# Data, and models -----------------------------------------------------------------------------------------------------


def test_rows_have_their_times_and_the_derivatives_of_them() -> None:
    system, _ = driven()
    data = make_dataset(system, {**opened(own_source(system.definition)).data, "trajectories": 8, "points": 30}, 0)
    assert data.t.reshape(8, 30)[0] == pytest.approx(np.linspace(0.0, 10.0, 30))
    assert data.dcoords[:, 1] == pytest.approx(-np.sin(data.coords[:, 0]) + 0.5 * np.cos(2 * data.t))
    track = rollout(system, data.coords[0], data.t[:30], "dop853").coords
    assert data.coords[:30] == pytest.approx(track, abs=1e-8)
    assert data.floor_train == pytest.approx(0.0, abs=1e-20)


def test_a_grid_has_no_times() -> None:
    source = own_source(define(DRIVEN))
    with pytest.raises(ExperimentError, match="A grid of states has no times"):
        make_dataset(source.system(), {**opened(source).data, "layout": "grid"}, 0)


def fitted(recipe: str, backend: str = "", **settings: object) -> tuple[FitRun, Snapshot]:
    source = own_source(define(DUFFING, constants={"f": 0.5, "omega": 2.0}))
    base = opened(source)
    experiment = checked(
        replace(
            base,
            data={**base.data, "trajectories": 25, "points": 40, "horizon": 6.0},
            models=(model_spec("baseline", {"width": 100, "depth": 1}),),
            recipe=recipe,
            settings=settings,
        )
    )
    fit = FitRun(experiment, experiment.dataset(), backend=backend)
    while fit.end is None:
        fit.advance()
    assert fit.end.snapshot is not None, fit.end
    return fit, fit.end.snapshot


def test_the_baseline_learns_a_drive_that_it_is_told_the_time_of(tmp_path: Path) -> None:
    fit, snapshot = fitted("sampled")
    assert snapshot.timed
    assert snapshot.dof == 1
    figures = evaluate(snapshot, fit.data, fit.experiment.reference_system)
    assert figures.test_loss < 0.02  # a field of q and p alone leaves a quarter of f², which is 0.0625
    assert figures.noise_floor_test == pytest.approx(0.0, abs=1e-20)
    run = fit.as_run(figures)
    assert run is not None
    write_run(run, tmp_path / "run")
    again = load_run(tmp_path / "run").snapshot
    at, t = fit.data.coords[:50], fit.data.t[:50]
    assert again.at(t).field(at) == pytest.approx(snapshot.at(t).field(at), rel=1e-6, abs=1e-6)
    assert again.timed


def test_a_fitted_baseline_is_followed_at_the_right_instants(monkeypatch: pytest.MonkeyPatch) -> None:
    _, snapshot = fitted("sampled")
    known = by_hand(lambda t, x: snapshot.at(t).field(x).tolist(), times=TIMES[:61])
    for flow in (snapshot, Float32Snapshot(snapshot)):
        near = 1e-8 if flow is snapshot else 1e-3
        assert rollout(flow, START, TIMES[:61], "dop853", tolerance=1e-11).coords == pytest.approx(known, abs=near)
        assert rollout(flow, START, TIMES[:61], "rk4").coords == pytest.approx(known, abs=1e-3)
    many = rollout(snapshot, np.stack([START, START]), TIMES[:61], "rk4").coords
    assert many[:, 1] == pytest.approx(rollout(snapshot, START, TIMES[:61], "rk4").coords, abs=1e-9)
    compiled = snapshot.at(TIMES[:5]).field(np.repeat(START[None], 5, axis=0))
    monkeypatch.setattr(kernel_cache, "_loops", None)
    assert snapshot.at(TIMES[:5]).field(np.repeat(START[None], 5, axis=0)) == pytest.approx(compiled, abs=1e-9)
    assert rollout(snapshot, START, TIMES[:61], "rk4").coords == pytest.approx(many[:, 0], abs=1e-8)


@pytest.mark.parametrize(("recipe", "backend"), [("adam", "compiled"), ("adam", "torch"), ("paper", ""), ("lbfgs", "")])
def test_every_recipe_that_sees_time_lowers_its_loss(recipe: str, backend: str) -> None:
    steps = {"lbfgs": 30, "paper": 150, "adam": 150}[recipe]
    rate = {"learning-rate": 1e-2} if recipe != "lbfgs" else {"begin": "fresh"}
    fit, snapshot = fitted(recipe, backend, steps=steps, **rate)
    history = fit.history()
    assert history.train[-1] < 0.5 * history.train[0]
    rows = np.flatnonzero(fit.data.train)
    left = snapshot.at(fit.data.t[rows]).field(fit.data.coords[rows]) - fit.data.dcoords[rows]
    assert history.train[-1] == pytest.approx(float(np.square(left).mean()), rel=0.5)


@pytest.mark.parametrize("name", [name for name in MODELS if name != "baseline"])
def test_other_families_are_refused_in_a_sentence(name: str) -> None:
    experiment = opened(own_source(define(DRIVEN)))
    with pytest.raises(HnnLabError) as error:
        checked(replace(experiment, models=(model_spec(name),)))
    assert len(str(error.value)) <= 300
    if not MODELS[name].observes_frames:
        assert "cannot depend on time" in str(error.value)


def test_the_recipe_without_time_is_refused_in_a_sentence() -> None:
    experiment = opened(own_source(define(DRIVEN)))
    assert {name for name, recipe in RECIPES.items() if recipe.why_not("baseline", timed=True)} >= {"denoise"}
    with pytest.raises(ExperimentError, match="has no input for time"):
        checked(replace(experiment, recipe="denoise", settings={}))


def test_a_fit_does_not_begin_at_one_that_sees_no_time() -> None:
    _, seeing = fitted("sampled")
    plain = checked(
        replace(opened(own_source(define("p^2/2 - cos q"))), models=(model_spec("baseline", seeing_size()),))
    )
    assert "of freedom and time" in plain.why_not_from(seeing)


def seeing_size() -> dict[str, object]:
    return {"width": 100, "depth": 1}


# The command line -----------------------------------------------------------------------------------------------------


def table(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.reader(file))


def test_the_commands_take_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, run = tmp_path / "out.csv", tmp_path / "run"
    formula = ["--hamiltonian", DRIVEN, "--param", "f=0.5", "--param", "omega=2"]
    where = ["--start", "0.3,-0.2", "--horizon", "6", "--dt", "0.05", "--out", str(out)]
    assert main(["simulate", *formula, *where, "--integrator", "dop853"]) == 0
    found = np.array(table(out)[1:], dtype=float)
    _, known = driven()
    assert found[:, 1:3] == pytest.approx(known, abs=1e-8)
    h = known[:, 1] ** 2 / 2 - np.cos(known[:, 0]) - 0.5 * known[:, 0] * np.cos(2 * TIMES)
    assert found[:, 3] == pytest.approx(h, abs=1e-8)
    small = ["--trajectories", "20", "--points", "30", "--horizon", "5", "--recipe", "sampled", "--json"]
    formula[1] = DUFFING
    assert main(["train", *formula, "--model", "baseline", *small, "--out", str(run)]) == 0
    capsys.readouterr()
    assert main(["evaluate", str(run), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["test_loss"] < 0.05
    assert main(["simulate", *formula, "--run", str(run), *where]) == 0
    assert main(["race", *formula, "--recipes", "sampled", "--json"]) == 0
    assert main(["evaluate", str(run), "--debug"]) == 2
    assert "depends on time" in capsys.readouterr().err


def test_an_hnn_is_refused_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["train", "--hamiltonian", DRIVEN, "--model", "hnn", "--recipe", "sampled", "--out", str(tmp_path / "run")]
    assert main(words) == 2
    said = capsys.readouterr().err
    assert "cannot depend on time" in said
    assert len(said) <= 330
