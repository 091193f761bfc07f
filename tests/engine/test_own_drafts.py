"""Systems as they are typed: drafts, what goes on from one to the next, starts in a band of energies, equations."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hnn_engine.cli import main
from hnn_engine.coords import Array
from hnn_engine.datasets import data_defaults, make_dataset
from hnn_engine.errors import ExperimentError, FormulaError, HnnLabError, RecordError
from hnn_engine.experiment import checked, model_spec, opened, own_source, typed_on
from hnn_engine.formulas.expression import Expression
from hnn_engine.formulas.graph import Graph
from hnn_engine.formulas.program import program_of
from hnn_engine.own_systems.definition import ConstantSpec, Definition, define, guess_names, hamiltonian_of
from hnn_engine.own_systems.draft import Draft, definition_of
from hnn_engine.own_systems.files import load_shelved, load_system, save_system, shelf, shelved_titles
from hnn_engine.own_systems.system import OwnSystem, own_system
from hnn_engine.systems import System, get_system

WELL = "p^2/(2m) + k q^2/2 + a q^4"
HENON_HEILES = "(p_x^2 + p_y^2)/2 + (x^2 + y^2)/2 + x^2 y - y^3/3"


@pytest.mark.parametrize(
    ("text", "what", "names"),
    [
        (HENON_HEILES, "H", ("x", "y", "p_x", "p_y")),
        ("p_theta^2/(2m l^2) - m g l cos(theta)", "H", ("theta", "p_theta")),
        ("m l^2 θ̇^2/2 + m g l cos θ", "L", ("theta", "p_theta")),
        ("xdot^2/2 + ydot^2/2 - x^2 y^2", "L", ("x", "y", "p_x", "p_y")),
        ("p^2/2 + p_c q^2", "H", ("q", "p")),
    ],
)
def test_names_are_seen_by_their_momenta_or_velocities(text: str, what: str, names: tuple[str, ...]) -> None:
    assert guess_names(text, (), what) == names


@pytest.mark.parametrize("name", shelf())
def test_the_texts_of_a_system_say_it_again(name: str) -> None:
    definition = load_shelved(name)
    draft = Draft.of(definition)
    derived = definition_of(draft, derive=lambda *_: _parsed(definition))
    assert replace(derived, hamiltonian="") == replace(definition, hamiltonian="")
    assert derived.key == definition.key


def _parsed(definition: Definition) -> Expression:
    return hamiltonian_of(definition)


def test_what_was_said_of_a_name_stays_with_it() -> None:
    heavy = ConstantSpec("m", 2.0, 1.0, 3.0, "kg", "Mass")
    first = define(WELL, constants={"m": 2.0})
    known = replace(first, constants=(heavy, *first.constants[1:]))
    second = definition_of(replace(Draft.of(known), text="p^2/(2m) + lambda q^4"))
    assert [one.name for one in second.constants] == ["m", "lambda"]
    assert second.constants[0] == heavy
    assert second.coordinates == known.coordinates


def test_a_published_system_that_is_changed_loses_its_title() -> None:
    henon = load_shelved("barbanis")
    same = definition_of(Draft.of(henon))
    assert (same.title, same.source) == (henon.title, henon.source)
    other = definition_of(replace(Draft.of(henon), text=f"{Draft.of(henon).text} + x^4"))
    assert (other.title, other.source, other.summary) == ("", "", "")
    mine = replace(henon, source="")
    assert definition_of(replace(Draft.of(mine), text=f"{Draft.of(mine).text} + x^4")).title == henon.title


def test_names_of_several_letters_are_declared() -> None:
    draft = Draft("p^2/(2mass) + q^2/2", names="mass")
    assert [one.name for one in definition_of(draft).constants] == ["mass"]
    assert Draft.of(definition_of(draft)).names == "mass"
    assert len(definition_of(replace(draft, names="")).constants) == 3  # a product: m, a, s


@pytest.mark.parametrize(
    ("draft", "what", "column"),
    [
        (Draft("p^2/2 + "), "H", 9),
        (Draft("p^2/2 + ?"), "H", 9),
        (Draft("hello"), "H", 0),
        (Draft(""), "H", 1),
        (Draft("qdot^2/2 + (q", lagrangian=True), "L", 12),
        (Draft("p^2/2 + q^2", friction="-gamma ("), "friction", 9),
        (Draft("p^2/2 + x^2", coordinates="x!"), "coordinate", 2),
    ],
)
def test_a_refusal_says_which_field_and_where(draft: Draft, what: str, column: int) -> None:
    with pytest.raises(FormulaError) as refused:
        definition_of(draft)
    assert (refused.value.what, refused.value.column) == (what, column)


@given(st.text(max_size=60), st.text(max_size=12), st.text(max_size=12), st.booleans())
@settings(max_examples=150, deadline=None)
def test_any_text_is_a_system_or_one_sentence(text: str, names: str, friction: str, lagrangian: bool) -> None:
    def derive(*_: object) -> Expression:
        raise FormulaError("L", 0, "not here")

    said = ""
    try:
        assert 1 <= definition_of(Draft(text, lagrangian, names, "", friction, names), derive=derive).dof <= 4
    except HnnLabError as error:
        said = str(error)
    assert len(said) <= 300
    assert "\n" not in said


# From one to the next -------------------------------------------------------------------------------------------------


def test_what_is_on_screen_goes_on_with_another_formula() -> None:
    now = opened(own_source(define(WELL), {"k": 3.0}))
    data = {**now.data, "trajectories": 7}
    now = checked(replace(now, start=(0.3, -0.2), data=data, models=(model_spec("hnn"),), seed=5))
    new = typed_on(own_source(define("p^2/(2m) + k q^2/2 + b q^6")), now)
    assert new.start == (0.3, -0.2)
    assert new.system is not None
    assert new.system.values == {"m": 1.0, "k": 3.0, "b": 1.0}
    assert (new.data, new.models, new.seed) == (now.data, now.models, 5)
    singular = typed_on(own_source(define("p^2/2 + 1/(q - 0.3)^2")), now)
    assert np.isfinite(singular.system.hamiltonian(np.array(singular.start)))  # type: ignore[union-attr]
    two = typed_on(own_source(define(HENON_HEILES)), now)
    assert len(two.start) == 4
    assert (two.models, two.seed) == (now.models, 5)


def test_a_method_that_no_longer_applies_gives_way() -> None:
    now = opened(own_source(define(WELL)))
    now = checked(replace(now, rollout=replace(now.rollout, truth="stormer-verlet")))
    assert typed_on(own_source(define(f"{WELL} + q^6")), now).rollout.truth == "stormer-verlet"
    assert typed_on(own_source(define(f"{WELL} + q p")), now).rollout.truth == "dop853"


def test_a_system_that_leaves_has_a_start_all_the_same() -> None:
    system = own_system(define("p^2/2 - 50 q^2 - q^6"))
    assert np.isfinite(system.default_start).all()
    with pytest.raises(ExperimentError, match="stay"):
        system.sample_starts(np.random.default_rng(0), 4)


# A band of energies ---------------------------------------------------------------------------------------------------


def banded(text: str, low: float, high: float) -> OwnSystem:
    system = own_system(define(text))
    return system.with_starts({"starts": "energies", "energy-from": low, "energy-to": high})


@pytest.mark.parametrize("text", [WELL, HENON_HEILES])
def test_starts_are_drawn_from_a_band_of_energies(text: str) -> None:
    low, high = (0.5, 0.7) if text == WELL else (0.05, 0.08)
    system = banded(text, low, high)
    starts = system.sample_starts(np.random.default_rng(3), 40)
    assert starts.shape == (40, 2 * system.dof)
    energy = system.hamiltonian(starts)
    assert energy.min() >= low - 1e-9
    assert energy.max() <= high + 1e-9
    assert np.ptp(energy) > 0.5 * (high - low)


def test_the_data_of_a_band_stays_in_it() -> None:
    system = own_system(define(WELL))
    chosen = {"starts": "energies", "energy-from": 0.2, "energy-to": 0.3, "trajectories": 6, "points": 8}
    data = make_dataset(system, {**data_defaults(system), **chosen}, 1)
    assert data.clean is not None
    energy = system.hamiltonian(data.clean)
    assert energy.min() >= 0.2 - 1e-6
    assert energy.max() <= 0.3 + 1e-6


@pytest.mark.parametrize(
    ("low", "high", "words"), [(1.0, 0.5, "must rise"), (-3.0, -2.0, "have an energy from -3 to -2")]
)
def test_a_band_that_holds_nothing_is_refused(low: float, high: float, words: str) -> None:
    with pytest.raises(ExperimentError, match=words):
        banded(WELL, low, high).sample_starts(np.random.default_rng(0), 4)


def test_a_band_has_no_grid() -> None:
    system = own_system(define(WELL))
    chosen = {"starts": "energies", "energy-from": 0.2, "energy-to": 0.3, "layout": "grid"}
    with pytest.raises(ExperimentError, match="grid of states has no starts"):
        make_dataset(system, {**data_defaults(system), **chosen}, 1)


def test_the_band_is_an_option(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, fit = tmp_path / "run", ["--model", "hnn", "--recipe", "sampled", "--json"]
    size = ["--trajectories", "6", "--points", "10", "--horizon", "3"]
    assert main(["train", "--hamiltonian", WELL, "--energies", "0.2,0.4", *fit, *size, "--out", str(out)]) == 0
    capsys.readouterr()
    said = json.loads((out / "run.json").read_text())["experiment"]["data"]
    assert (said["starts"], said["energy-from"], said["energy-to"]) == ("energies", 0.2, 0.4)
    for source, text, words in (
        (["--hamiltonian", WELL], "4,1", "two rising numbers"),
        (["--hamiltonian", WELL], "-1,x", "two rising numbers"),
        (["--system", "pendulum"], "0,1", "pendulum is none"),
    ):
        assert main(["train", *source, "--energies", text, *fit, "--out", str(tmp_path / "no")]) == 2
        assert words in capsys.readouterr().err
    assert not (tmp_path / "no").exists()


# What is seen of it ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "friction"),
    [(WELL, ""), (WELL, "-gamma p"), (HENON_HEILES, ""), ("p^2/2 + exp(-q^2) + |q|^3", ""), ("p^2/(2m) - cos(3q)", "")],
)
def test_hamiltons_equations_are_the_field(text: str, friction: str) -> None:
    pytest.importorskip("sympy")
    from hnn_engine.own_systems.equations import equations

    definition = define(text, friction=friction)
    system, forms = own_system(definition), list(equations(definition))
    states = np.random.default_rng(1).uniform(-1.0, 1.0, (20, 2 * system.dof))
    for rates in forms:
        graph = Graph(definition.names, [one.name for one in definition.constants], "H")
        program = program_of(graph, [graph.add_expression(one) for one in rates])
        found = np.stack([np.broadcast_to(row, 20) for row in program(states.T, system.law)], axis=-1)
        assert found == pytest.approx(system.field(states), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(
    "system", [own_system(define(HENON_HEILES)), get_system("henon-heiles")], ids=["own", "built-in"]
)
def test_what_an_orbit_cannot_reach_is_where_v_is_higher(system: System) -> None:
    energy = 0.1
    regions = system.forbidden(energy)
    assert regions is not None
    rng = np.random.default_rng(0)
    for at in rng.uniform(-0.9, 0.9, (200, 2)):
        potential = float(system.hamiltonian(np.array([*at, 0.0, 0.0])))
        if abs(potential - energy) > 0.01:
            inside = any(_inside(rings, at) for rings in regions.rings)
            assert inside == (potential > energy), at
    assert own_system(define(WELL)).forbidden(1.0) is None
    turning = own_system(load_shelved("restricted-three-body"))  # H(q, 0) is no potential
    assert turning.forbidden(-1.0) is None


def _inside(rings: tuple[Array, ...], at: Array) -> bool:
    """Whether a point is inside of a region, by the even-odd rule."""
    count = 0
    for ring in rings:
        a, b = ring[:-1], ring[1:]
        across = (a[:, 1] > at[1]) != (b[:, 1] > at[1])
        with np.errstate(all="ignore"):
            x = a[:, 0] + (at[1] - a[:, 1]) / (b[:, 1] - a[:, 1]) * (b[:, 0] - a[:, 0])
        count += int((across & (x > at[0])).sum())
    return count % 2 == 1


# Files ----------------------------------------------------------------------------------------------------------------


def test_a_saved_system_opens_as_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "well.hnnsystem"
    definition = replace(define(WELL, constants={"a": 0.25}), title="A well", start=(0.5, 0.1))
    save_system(definition, path)
    assert load_system(path) == definition
    path.chmod(0o444)
    with pytest.raises(RecordError, match="read-only"):
        save_system(definition, path)
    with pytest.raises(RecordError):
        save_system(definition, tmp_path / "none" / "well.hnnsystem")


def test_the_shelf_is_listed_without_reading_it() -> None:
    titles = shelved_titles()
    assert {name for name, _, _ in titles} == set(shelf())
    for name, title, dof in titles[::9]:
        definition = load_shelved(name)
        assert (definition.title, definition.dof) == (title, dof)
