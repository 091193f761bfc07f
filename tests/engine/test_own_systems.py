"""Systems of one's own: what is seen of a formula, its laws, its data, its files, and the commands that take it."""

import csv
import json
import math
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hnn_engine.cli import main
from hnn_engine.coords import Array
from hnn_engine.datasets import make_dataset
from hnn_engine.errors import LONGEST, ExperimentError, FormulaError, HnnLabError, ParameterError, RecordError
from hnn_engine.experiment import checked, from_json, opened, own_source, same_system, to_json
from hnn_engine.formulas.expression import Expression, written
from hnn_engine.formulas.grammar import parse
from hnn_engine.kernels import cache as kernel_cache
from hnn_engine.own_systems import derivation
from hnn_engine.own_systems.definition import ConstantSpec, Definition, complete, define
from hnn_engine.own_systems.files import load_shelved, load_system, read_system, shelf, system_text
from hnn_engine.own_systems.lagrangian import from_lagrangian
from hnn_engine.own_systems.plain import from_plain, to_plain
from hnn_engine.own_systems.system import OwnSystem, own_system
from hnn_engine.records import load_run, load_session, save_session
from hnn_engine.records.session import Session
from hnn_engine.rollouts.rollout import rollout
from hnn_engine.systems import SYSTEMS, get_system
from tests.engine.test_formulas import EXPRESSIONS

PENDULUM = "p^2/(2m l^2) + m g l (1 - cos q)"
DOUBLE = (
    "(p_a^2 + 2 p_b^2 - 2 p_a p_b cos(a - b))/(2 m l^2 (1 + sin(a - b)^2)) + m g l (3 - 2 cos a - cos b)"  # m, l equal
)
HENON_HEILES = "(p_x^2 + p_y^2)/2 + (x^2 + y^2)/2 + lambda (x^2 y - y^3/3)"


def typed(text: str, *names: str, friction: str = "", **constants: float) -> OwnSystem:
    return own_system(define(text, names, constants=constants, friction=friction))


def states(system: OwnSystem, count: int = 20) -> Array:
    rng = np.random.default_rng(0)
    return np.array([rng.uniform(c.low, c.high, count) for c in system.coordinates]).T


# What is seen of a formula --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "names", "constants"),
    [
        ("p^2/2 + q^2/2", ("q", "p"), ()),
        (PENDULUM, ("q", "p"), ("m", "l", "g")),
        ("p1^2 + p2^2 + q1^2 q2^2", ("q1", "q2", "p1", "p2"), ()),
        ("p_1^2/2 + V0 q₁^2", ("q1", "p1"), ("V0",)),
        ("p^2/(2m) + e^q", ("q", "p"), ("m",)),
    ],
)
def test_names_are_coordinates_or_constants(text: str, names: tuple[str, ...], constants: tuple[str, ...]) -> None:
    made = define(text)
    assert made.names == names
    assert tuple(one.name for one in made.constants) == constants
    assert all(one.value == 1.0 for one in made.constants)


def test_other_names_are_declared() -> None:
    made = define("p_x^2/2 + mass x^2", ["x"], constants={"mass": 2.0})
    assert made.names == ("x", "p_x")
    assert define("L^2/2 + cos θ", ["θ"], ["L"]).names == ("theta", "L")
    assert define("p_θ^2/2 + cos θ", ["θ"]).names == ("theta", "p_theta")
    assert own_system(made).values == {"mass": 2.0}


@pytest.mark.parametrize(
    ("text", "names", "separable", "kinetic", "periodic", "conserved"),
    [
        ("p^2/(2m) + k q^2/2", (), True, True, (False,), ()),
        ("(p^2 + q^2)^2", (), False, False, (False,), ()),
        (
            "(p - q)(p + q) + q^2 + q^4",
            (),
            True,
            True,
            (False,),
            (),
        ),  # q p cancels
        (PENDULUM, (), True, True, (True,), ()),
        ("p^2/2 - cos(k q)", (), True, True, (False,), ()),  # k need not stay 1
        ("p^2/2 - cos(2q)", (), True, True, (True,), ()),
        ("sqrt(1 + p^2) + q^2", (), True, False, (False,), ()),
        ("p1^2/2 + p2^2/(2 q1^2) - 1/q1", (), False, True, (False, False), ("p2",)),
        ("(p_x + y)^2/2 + p_y^2/2 + y^2", ("x", "y"), False, False, (False, False), ("p_x",)),
        (HENON_HEILES, ("x", "y"), True, True, (False, False), ()),
    ],
)
def test_the_form_of_h_is_seen(
    text: str,
    names: tuple[str, ...],
    separable: bool,
    kinetic: bool,
    periodic: tuple[bool, ...],
    conserved: tuple[str, ...],
) -> None:
    system = typed(text, *names)
    assert (system.separable, system.form.kinetic, system.form.periodic) == (separable, kinetic, periodic)
    assert system.conserved == conserved
    assert bool(system.why_not_separable) != separable


def test_masses_are_read_from_h() -> None:
    system = typed("p1^2/(2m) + p2^2/(2M) + q1^2 + q2^4", m=2.0, M=3.0)
    assert system.inertia == pytest.approx([2.0, 3.0])
    assert typed("p1^2/2 + p2^2/(2q1^2) + q2^2").inertia is None
    assert typed("sqrt(1 + p^2) + q^2").inertia is None


def test_where_it_rests_is_found_and_named() -> None:
    found = {one.at: (one.kind, one.stable) for one in typed("p^2/2 - q^2/2 + q^4/4").equilibria}
    assert found == {
        (-1.0, 0.0): ("centre", True),
        (0.0, 0.0): ("saddle", False),
        (1.0, 0.0): ("centre", True),
    }
    damped = typed("p^2/2 + q^2/2", friction="-gamma p", gamma=0.2)
    assert [(one.kind, one.stable) for one in damped.equilibria] == [("focus", True)]
    creeping = typed("p^2/2 + q^2/2", friction="-gamma p", gamma=3.0)
    assert [(one.kind, one.stable) for one in creeping.equilibria] == [("node", True)]
    assert [one.kind for one in typed("p^2/2 + q^4").equilibria] == ["degenerate"]


@pytest.mark.parametrize(
    ("text", "lowest"),
    [
        ("p^2/2 + q^2/2", 0.0),
        ("p^2/2 + (q^2 - 1)^2 - 3", -3.0),
        ("p^2/2 + q^2/2 - q^3/3", None),  # it has a well, and no bottom
        ("p^2/2 - q^2/2", None),
        ("p^2/2 - 1/sqrt(q^2 + 1)", -1.0),
        ("p^2/2 - 1/|q| + 2/(q^2 + 1)", None),
        ("p^2/2 + q", None),
    ],
)
def test_min_h_is_found_where_there_is_one(text: str, lowest: float | None) -> None:
    found = typed(text).min_energy
    assert found == (None if lowest is None else pytest.approx(lowest, abs=1e-9))


# Laws -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed_system", "built_in"),
    [
        (lambda: typed(PENDULUM, m=0.5, g=6.0), "pendulum"),
        (lambda: typed(DOUBLE, "a", "b", g=9.81), None),
        (lambda: typed(HENON_HEILES, "x", "y"), "henon-heiles"),
    ],
)
def test_a_typed_system_moves_as_the_built_in_one(typed_system: Any, built_in: str | None) -> None:
    system = typed_system()
    at = states(system)
    slopes = np.empty_like(at)
    for i in range(at.shape[1]):
        moved = at.astype(complex)
        moved[:, i] += 1e-20j
        slopes[:, i] = system.hamiltonian(moved).imag / 1e-20
    assert system.gradient(at) == pytest.approx(slopes, rel=1e-10, abs=1e-10)
    if built_in is not None:
        known = get_system(built_in)
        assert system.field(at) == pytest.approx(known.field(at), rel=1e-12, abs=1e-12)
        assert system.hamiltonian(at) == pytest.approx(known.hamiltonian(at), rel=1e-12, abs=1e-12)


EVERY_OPERATION = (
    "p^2/2 + sin(q) tan(q/9) + asin(q/9) acos(q/9) + atan(q) + sinh(q/3) cosh(q/3) tanh(q) + asinh(q) + acosh(9 + q)"
    " + atanh(q/9) + exp(-q) + log(9 + q) + sqrt(9 + q) + |q - 0.3| + sign(q - 0.4) q + (9 + q)^(a/7) + (2 + q)^-3"
    " + q^7 + cos(q)/b + sec(q/9) + csc(9 + q/9) + cot(9 + q/9) + sech(q) + csch(9 + q) + coth(9 + q)"
)


@pytest.mark.parametrize("text", [PENDULUM, EVERY_OPERATION])
def test_machine_code_and_numpy_follow_the_same_law(text: str) -> None:
    system = typed(text, friction="-gamma p + delta sin q", gamma=0.3, delta=0.1)
    kernels = kernel_cache.loops()
    assert kernels is not None
    at = np.random.default_rng(1).uniform(-1.5, 1.5, (50, 2))
    compiled = kernels.evaluate(kernels.law_flow(system), at)
    assert compiled == pytest.approx(system.field(at), rel=1e-13, abs=1e-13)


def test_machine_code_gives_no_number_where_numpy_gives_none() -> None:
    system = typed("p^2/2 + sqrt(q) + log(q - 1) + (q - 1)^a/a - 1/q", a=0.3)
    kernels = kernel_cache.loops()
    assert kernels is not None
    at = np.array([[-1.0, 0.1], [0.0, 0.1], [1.0, 0.1], [2.0, 0.1]])
    compiled = kernels.evaluate(kernels.law_flow(system), at)
    assert (np.isfinite(compiled) == np.isfinite(system.field(at))).all()


def test_constants_change_the_motion_and_not_the_machine_code() -> None:
    one, other = typed(PENDULUM, g=1.0), typed(PENDULUM, g=4.0)
    assert one.name == other.name
    assert type(one).programs == type(other).programs
    times, start = np.linspace(0, 5, 101), np.array([0.1, 0.0])
    slow, fast = (rollout(s, start, times, "dop853").coords[:, 0] for s in (one, other))
    assert fast[50] == pytest.approx(slow[100], abs=2e-3)  # twice as fast, but for the amplitude


def test_friction_takes_energy_and_is_scaled() -> None:
    system = typed("p^2/2 + q^2/2", friction="-gamma p", gamma=0.3)
    at = states(system)
    assert system.damped
    assert not system.separable
    assert system.field(at) == pytest.approx(np.stack([at[:, 1], -at[:, 0] - 0.3 * at[:, 1]], axis=1))
    assert system.friction(at) == pytest.approx(np.stack([0 * at[:, 1], -0.3 * at[:, 1]], axis=1))
    half = system.with_friction(0.5)
    assert half.field(at)[:, 1] == pytest.approx(-at[:, 0] - 0.15 * at[:, 1])
    known = get_system("damped-mass-spring", {"mass": 1.0, "stiffness": 1.0, "damping": 0.3})
    times, start = np.linspace(0, 10, 50), np.array([1.0, 0.5])
    for integrator in ("dop853", "rk4"):
        made, wanted = (rollout(s, start, times, integrator, substeps=20).coords for s in (system, known))
        assert made == pytest.approx(wanted, abs=1e-9)


def test_one_text_of_friction_stands_for_each_momentum() -> None:
    system = typed("p1^2/2 + p2^2/2 + q1^2 + q2^2", friction="-gamma p", gamma=0.5)
    at = states(system)
    drag = system.friction(at)
    assert drag is not None
    assert drag[:, 2:] == pytest.approx(-0.5 * at[:, 2:])
    each = typed("p1^2/2 + p2^2/2 + q1^2 + q2^2", friction="-p1, -2p2")
    drag = each.friction(at)
    assert drag is not None
    assert drag[:, 2:] == pytest.approx(-at[:, 2:] * [1, 2])


def test_a_constant_may_have_any_name() -> None:
    names = {"law": 2.0, "dof": 3.0, "field": 1.0, "values": 1.5, "hamiltonian": 0.5}
    system = typed("p^2/(2 law) + dof q^2 + field values hamiltonian q^4", **names)
    assert system.dof == 1
    assert system.hamiltonian(np.array([1.0, 2.0])) == pytest.approx(1.0 + 3.0 + 0.75)


def test_it_travels_to_another_process() -> None:
    system = typed("p^2/2 + k q^2", friction="-p", k=2.0).with_friction(0.5)
    again = pickle.loads(pickle.dumps(system))
    at = states(system)
    assert again.field(at) == pytest.approx(system.field(at))
    experiment = opened(own_source(define(PENDULUM)))
    assert experiment.scene.dof == 1
    assert pickle.loads(pickle.dumps(experiment)).source == experiment.source


@pytest.mark.parametrize("dof", [1, 2, 3, 4])
def test_every_number_of_coordinates_has_a_picture(dof: int) -> None:
    pairs = range(1, dof + 1)
    system = typed(" + ".join(f"p{i}^2/2 + q{i}^2 + q{i}^4" for i in pairs))
    start = system.default_start
    places = system.positions(start[:dof])
    assert system.geometry(start[:dof])
    for body in range(len(places)):
        target = (float(places[body][0]), 0.7)
        moved = system.place(start, body, target)
        assert np.isfinite(moved).all()
        assert moved[dof:] == pytest.approx(start[dof:])
        if dof > 1:
            assert system.positions(moved[:dof])[body] == pytest.approx(target)
        pushed = system.push(start, body, (0.0, 0.3))
        assert pushed[:dof] == pytest.approx(start[:dof])
        if dof > 1:
            assert system.velocities(pushed)[body] == pytest.approx([0.0, 0.3], abs=1e-6)


# Data -----------------------------------------------------------------------------------------------------------------


def test_the_data_is_as_it_is_said() -> None:
    experiment = opened(own_source(define("p^2/2 + q^2/2 + q^4/4")))
    data = experiment.dataset()
    assert len(data.t) == 200 * 100
    assert (data.t.min(), data.t.max()) == (0.0, 10.0)
    starts = data.coords[data.t == 0]
    assert (np.abs(starts) <= 2).all()
    assert np.ptp(starts, axis=0) == pytest.approx([4.0, 4.0], rel=0.1)
    assert data.floor_train == 0.0
    assert not data.train[data.trajectory >= 160].any()


def test_starts_whose_orbit_leaves_are_drawn_anew() -> None:
    system = typed(HENON_HEILES, "x", "y")
    starts = system.sample_starts(np.random.default_rng(0), 20)
    made = rollout(system, starts, np.linspace(0, 20, 200), "dop853")
    assert not made.diverged
    assert np.abs(made.coords).max() <= 10.0
    every = np.random.default_rng(0).uniform(-2, 2, (100, 4))
    assert rollout(system, every, np.linspace(0, 20, 50), "dop853").diverged
    falls = typed("p^2/2 - q^2/2 - q^4")
    with pytest.raises(ExperimentError, match="smaller range"):
        falls.sample_starts(np.random.default_rng(0), 20)


def test_the_same_seed_gives_the_same_data() -> None:
    settings = {"trajectories": 6, "points": 10, "horizon": 5.0, "noise": 0.1, "layout": "orbits"}
    one, other = (make_dataset(typed("p^2/2 - 1/sqrt(q^2 + 0.01)"), settings, 3) for _ in range(2))
    assert (one.coords == other.coords).all()


# Bad input ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("hello", "neither q nor p"),
        ("p^2/2", "no q"),
        ("q^2/2", "no p"),
        ("x^2", "neither q nor p"),
        ("p1^2 + q1^2 + q2^2", "no p2"),
        ("p^2 + q1^2", "both q and q1"),
        ("p5^2 + q5^2", "q5"),
        ("p^2/2 + q/0", "zero"),
        ("p^2/2 + log(-1) q", "finite"),
        ("p^2/2 + sqrt(-1 - q^2)", "no finite value"),
        ("p^2/2 + q/(m - m)", "zero"),
        ("p^2/2 + exp(exp(exp(exp(9 + q^2))))", "no finite value"),
        ("p^2/2 + q^2 log(t)", "no finite value at t = 0"),
        ("p^2/2 + t", "no q"),
        ("qdot^2/2 + q^2", "velocity"),
        ("q^" * 70 + "q + p^2", "nested"),
        ("p^2/2 + (" + "q^" * 60 + "q)", "nested"),
        ("p^2/2 + q^2 + " + " + ".join("abcdfghjklmnorsuvwxyzABCDFGHJKLMN"), "constants"),
    ],
)
def test_a_bad_formula_is_one_sentence(text: str, words: str) -> None:
    with pytest.raises(HnnLabError) as caught:
        own_system(define(text))
    message = str(caught.value)
    assert words in message
    assert len(message) <= LONGEST
    assert "\n" not in message


@settings(max_examples=50, deadline=None)
@given(EXPRESSIONS, st.sampled_from(["p1^2/2 + q1^2", "p1 q1", "(p1 + q1)^2", "0 p1 q1"]))
@example(parse("(q1+p1)^64 + sqrt(q1^2+p1^2)"), "p1 q1")
def test_any_formula_is_a_system_or_one_sentence(expression: Expression, other: str) -> None:
    """Also one that is singular everywhere, not smooth, or enormous: nothing else than a sentence is raised."""
    text = f"{other} + {written(expression)}"
    try:
        system = own_system(define(text, constants={"alpha": 0.7} if "alpha" in text else {}))
    except HnnLabError as error:
        message = str(error)
    else:
        assert system.min_energy is None or math.isfinite(system.min_energy)
        assert all(math.isfinite(x) for one in system.equilibria for x in one.at)
        assert system.geometry(np.zeros(system.dof))
        message = ""
    assert len(message) <= LONGEST


def test_bad_names_and_numbers_are_one_sentence() -> None:
    for names, momenta in ((["q", "q"], []), (["q"], ["q"]), (["sin"], []), (["x", "y"], ["p_x"]), (list("abcdf"), [])):
        with pytest.raises(HnnLabError):
            define("p^2 + q^2", names, momenta)
    for value in (math.nan, math.inf, 1e300):
        with pytest.raises(ExperimentError, match="finite"):
            define("p^2/2 + k q^2", constants={"k": value})
    with pytest.raises(ExperimentError, match="no constant 'z'"):
        define("p^2/2 + k q^2", constants={"z": 1.0})
    with pytest.raises(FormulaError, match="friction, column 1"):
        define("p^2/2 + q^2", friction="*p")
    with pytest.raises(FormulaError, match="2 formulas, but 1"):
        define("p^2/2 + q^2", friction="-p, -p")
    with pytest.raises(ParameterError, match="from -10 to 10"):
        own_system(define("p^2/2 + k q^2"), {"k": 11.0})


# Lagrangians ----------------------------------------------------------------------------------------------------------


def test_a_lagrangian_becomes_its_hamiltonian() -> None:
    made = from_lagrangian("m l^2 θ̇^2/2 + m g l cos θ", ["theta", "p_theta"], {"g": 6.0})
    known = typed("p_theta^2/(2 m l^2) - m g l cos theta", "theta", g=6.0)
    at = states(known)
    assert own_system(made).field(at) == pytest.approx(known.field(at))
    assert made.lagrangian
    again = from_plain(to_plain(made))
    assert again == made
    with pytest.raises(FormulaError, match="not the Hamiltonian"):
        from_plain({**to_plain(made), "hamiltonian": "p_theta^2/(2 m l^2) + m g l cos(theta)"})


def test_the_lagrangian_of_the_shelf_gives_its_hamiltonian() -> None:
    known = load_shelved("cart-pendulum")
    made = from_lagrangian(known.lagrangian, known.names, {one.name: one.value for one in known.constants})
    at = states(own_system(known))
    assert own_system(made).field(at) == pytest.approx(own_system(known).field(at))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("qdot - q^2", "not invertible"),
        ("q^2", "no qdot"),
        ("qdot^2/2 - p", "momentum"),
        ("t qdot - q^2", "not invertible"),
        ("qdot^2/2 + rdot", "no coordinate"),
        ("qdot^2 +", "ends"),
    ],
)
def test_a_lagrangian_without_h_says_why(text: str, words: str) -> None:
    with pytest.raises(FormulaError, match=words):
        from_lagrangian(text)


def test_a_derivation_can_be_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FormulaError, match="stopped"):
        from_lagrangian("qdot^2/2 - q^2", interrupt=lambda: True)
    monkeypatch.setattr(derivation, "SECONDS", 0.0)
    monkeypatch.setattr(derivation.legendre_apart, "__defaults__", (lambda: False, 0.0))
    with pytest.raises(FormulaError, match="not found within 0 s"):
        from_lagrangian("qdot^2/2 - q^2")


# Files ----------------------------------------------------------------------------------------------------------------


def test_a_system_is_kept_with_an_experiment_and_a_session(tmp_path: Path) -> None:
    definition = define(PENDULUM, constants={"g": 6.0}, friction="-gamma p")
    experiment = checked(replace(opened(own_source(definition, {"m": 2.0})), start=(0.5, 0.0)))
    again = from_json(json.loads(json.dumps(to_json(experiment))))
    assert again == experiment
    assert same_system(again, experiment)
    assert not same_system(experiment, opened(own_source(define("p^2/2 + q^2"))))
    save_session(Session(experiment, ()), tmp_path / "own.hnnlab")
    assert load_session(tmp_path / "own.hnnlab").experiment == experiment


BAD_PARTS: list[tuple[dict[str, Any], str]] = [
    ({"hamiltonian": "p^2 +"}, "ends"),
    ({"hamiltonian": "__import__('os')"}, "column 1"),
    ({"hamiltonian": "q^" * 100 + "q"}, "nested"),
    ({"hamiltonian": "p" * 5000}, "characters"),
    ({"hamiltonian": 3}, "text"),
    ({"hamiltonian": ""}, "no hamiltonian"),
    ({"hamiltonian": "", "lagrangian": "qdot^2"}, "no hamiltonian"),
    ({"constants": {"m": {"value": float("inf")}}}, "finite"),
    ({"constants": {"m": {"value": True}}}, "number"),
    ({"constants": {"m": {"low": 1}}}, "no value"),
    ({"constants": {"z": {"value": 1}}}, "no constant"),
    ({"constants": [1]}, "table"),
    ({"coordinates": ["q"] * 9, "momenta": ["p"] * 9}, "at most"),
    ({"coordinates": ["q"], "momenta": []}, "as many"),
    ({"ranges": {"q": [1]}}, "two numbers"),
    ({"ranges": {"q": [2, 1]}}, "rising"),
    ({"ranges": {"w": [0, 1]}}, "no coordinate"),
    ({"periodic": {"q": "yes"}}, "true or false"),
    ({"data": {"points": 10**9}}, "points"),
    ({"start": [1.0]}, "start"),
    ({"picture": "film"}, "chain"),
    ({"code": "import os"}, "none of its parts"),
]


@pytest.mark.parametrize(("part", "words"), BAD_PARTS)
def test_a_session_that_holds_a_bad_system_is_refused(part: dict[str, Any], words: str) -> None:
    document = to_json(opened(own_source(define("p^2/(2m) + q^2/2"))))
    document["source"]["own"] |= part
    with pytest.raises(HnnLabError) as caught:
        from_json(document)
    assert words in str(caught.value)
    assert len(str(caught.value)) <= LONGEST


def test_a_file_holds_all_of_a_definition(tmp_path: Path) -> None:
    plain = to_plain(define("p^2/(2m) + k q^2/2 + V0 q", friction="-gamma p"))
    plain |= {"title": 'A "title" – with \\ and\nlines', "summary": "Ü.", "source": "x", "ranges": {"q": [-1, 3.5]}}
    plain |= {"units": {"q": "m"}, "periodic": {"q": False}, "data": {"points": 50}, "start": [1.0, 0.5]}
    plain["constants"]["k"] |= {"low": 0.5, "high": 2, "unit": "N/m", "meaning": "Stiffness"}
    definition = from_plain(plain)
    path = tmp_path / "own.hnnsystem"
    path.write_text(system_text(definition), encoding="utf-8")
    assert load_system(path) == definition


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no format"),
        (b"format = 1", "no hamiltonian"),
        (b"format = 9", "newer"),
        (b"format = 1\nhamiltonian = ", "TOML"),
        (b"format = 1\nhamiltonian = 'p^2 + q^2'\nextra = 1", "extra"),
        (b"format = 1\nhamiltonian = 'p^2/(2m) + q^2'\n[constants]\nm = nan", "finite"),
        (b"format = 1\nhamiltonian = 'p^2/(2m) + q^2'\n[constants]\nm = inf", "finite"),
        (b"format = 1\nhamiltonian = 'p^2/(2m) + q^2'\n[constants]\nm = 'heavy'", "heavy|table"),
        (b"\xff\xfe", "TOML"),
        (b"format = 1\na = " + b"[" * 5000, "TOML"),
    ],
)
def test_a_bad_file_is_one_sentence(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "bad.hnnsystem"
    path.write_bytes(content)
    with pytest.raises(RecordError, match=words) as caught:
        load_system(path)
    assert str(path)[:20] in str(caught.value)
    assert len(str(caught.value)) <= LONGEST


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=80), st.text(max_size=40))
def test_texts_of_a_file_come_back_as_they_were(title: str, unit: str) -> None:
    title, unit = (text.encode(errors="replace").decode() for text in (title, unit))
    made = complete(Definition("p^2/2 + k q^2", constants=(ConstantSpec("k", unit=unit),), title=title))
    assert read_system(system_text(made).encode(), "it") == made


# Commands -------------------------------------------------------------------------------------------------------------


def rows(path: Path) -> tuple[list[str], Array]:
    with path.open(newline="") as file:
        header, *lines = csv.reader(file)
    return header, np.array(lines, dtype=np.float64)


def test_simulate_takes_a_formula(tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    command = ["simulate", "--hamiltonian", "p_x^2/(2m) + k x^2/2", "--coordinates", "x", "--param", "k=4"]
    assert main([*command, "--start", "1,0", "--horizon", "3", "--out", str(out)]) == 0
    header, table = rows(out)
    assert header == ["t (s)", "x", "p_x", "H (J)"]
    assert table[:, 1] == pytest.approx(np.cos(2 * table[:, 0]), abs=1e-9)
    assert table[:, 3] == pytest.approx(2.0)


def test_simulate_takes_a_lagrangian_and_friction(tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    words = ["--lagrangian", "qdot^2/2 - q^2/2", "--friction", "-gamma p", "--param", "gamma=0.2", "--start", "1,0"]
    assert main(["simulate", *words, "--horizon", "3", "--out", str(out)]) == 0
    known = get_system("damped-mass-spring", {"mass": 1, "stiffness": 1, "damping": 0.2})
    _, table = rows(out)
    wanted = known.exact(np.array([1.0, 0.0]), table[:, 0])
    assert wanted is not None
    assert table[:, 1:3] == pytest.approx(wanted, abs=1e-8)


def test_train_and_simulate_a_run_of_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, run, out = tmp_path / "well.hnnsystem", tmp_path / "run", tmp_path / "out.csv"
    path.write_text(system_text(load_shelved("tilted-double-well")), encoding="utf-8")
    small = ["--trajectories", "10", "--points", "20", "--horizon", "4", "--json"]
    words = ["train", "--system", str(path), "--model", "hnn", "--recipe", "sampled", *small]
    assert main([*words, "--out", str(run)]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["system"].startswith("own-")
    assert figures["clean_energy_mse"] < 0.1
    assert load_run(run).experiment.source_title == "Tilted double well"
    assert main(["evaluate", str(run), "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert again["clean_energy_mse"] == figures["clean_energy_mse"]
    assert main(["simulate", "--system", str(path), "--run", str(run), "--horizon", "2", "--out", str(out)]) == 0
    assert rows(out)[0] == ["t (s)", "q", "p", "H (J)"]
    assert main(["simulate", "--hamiltonian", "p^2 + q^2", "--run", str(run), "--out", str(out)]) == 2


def test_race_takes_a_formula_and_a_name_of_the_shelf(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["race", "--hamiltonian", "p^2/2 + q^4/4", "--recipes", "sampled", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["lanes"][0]["ending"] == "finished"
    assert main(["race", "morse", "--recipes", "sampled", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["system"].startswith("own-")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--hamiltonian", "p^2 +"], "H, column 6"),
        (["--hamiltonian", "p^2/2 + q^2", "--param", "k=1"], "no constant 'k'"),
        (["--hamiltonian", "p^2/2 + k q^2", "--param", "k=x"], "finite number"),
        (["--hamiltonian", "p^2/2 + k q^2", "--param", "k=inf"], "finite number"),
        (["--hamiltonian", "p^2/2 + k q^2", "--param", "k"], "NAME=VALUE"),
        (["--hamiltonian", "p^2/2 + q^2", "--momenta", "p"], "--coordinates"),
        (["--hamiltonian", "p^2/2 + q^2", "--coordinates", ","], "one name"),
        (["--hamiltonian", "p^2/2 + q^2", "--start", "1"], "--start"),
        (["--hamiltonian", "p^2/2 + q^2", "--lagrangian", "q"], "not allowed"),
        (["--hamiltonian", "p^2/2 + q/t"], "no finite value at t = 0"),
        (["--lagrangian", "qdot"], "not invertible"),
        (["--system", "pendulum", "--friction", "-p"], "--friction goes with"),
        (["--system", "pendulum", "--coordinates", "x"], "--coordinates goes with"),
        (["--system", "nowhere.hnnsystem"], "does not exist"),
        (["--system", "morze"], "morse"),
        (["--system", "morse", "--param", "D=-1"], "from 0.2 to 5"),
        ([], "required"),
    ],
)
def test_bad_words_are_one_sentence(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code = main(["simulate", *words, "--out", str(tmp_path / "out.csv")])
    except SystemExit as end:
        code = int(end.code or 0)
    message = capsys.readouterr().err.strip()
    assert code == 2
    assert said in message
    assert message.startswith("hnn-lab: ")
    assert "\n" not in message
    assert len(message) <= 300


def test_the_shelf_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["systems", "--shelf", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in rows] == list(shelf())
    assert next(row for row in rows if row["name"] == "morse")["coordinates"] == ["q", "p"]
    assert main(["systems", "--json"]) == 0
    assert [row["name"] for row in json.loads(capsys.readouterr().out)] == list(SYSTEMS)
