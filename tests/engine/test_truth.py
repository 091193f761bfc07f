"""Truth is as true as the documentation says, on every system, and known for as long as the program says."""

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mpmath import mpf

from hnn_engine.coords import Array
from hnn_engine.kernels import cache as kernel_cache
from hnn_engine.rollouts import truth as truth_module
from hnn_engine.rollouts.energy_drift import relative_error, separation
from hnn_engine.rollouts.rollout import rollout
from hnn_engine.rollouts.steering import LEFT_ALONE, Steering
from hnn_engine.rollouts.truth import (
    COARSER,
    HAIR,
    PIXELS,
    TOLERANCE,
    follow_truth,
    how_long_known,
    known_until,
    moved_start,
    parting_time,
    pixel,
)
from hnn_engine.systems import SYSTEMS, System, get_system
from tests.truth_reference import CASES, DIGITS, FIRST, Case, followed, law_of, load

KEPT = load()
PAGE = Path(__file__).parents[2] / "docs" / "figures.md"
SOLVED = [name for name, system in SYSTEMS.items() if system.solved]
over_cases = pytest.mark.parametrize("case", CASES.values(), ids=lambda case: case.name)


@pytest.fixture(autouse=True, scope="module")
def loops() -> None:
    """With the compiled loops, as truth is on screen."""
    assert kernel_cache.load()


def kept_states(case: Case) -> Array:
    return np.array([[float(value) for value in state] for state in KEPT[case.name]["states"]])


def error_of(case: Case, follow: Callable[[System, Array, Array], Array]) -> float:
    """The largest error of a way to follow a case at its times, as the plot of the error has it."""
    system, start = get_system(case.system), np.array(KEPT[case.name]["start"])
    times = np.union1d(np.linspace(0.0, case.horizon, 501), case.times)
    coords = follow(system, start, times)[np.searchsorted(times, case.times)]
    return float(relative_error(coords, kept_states(case), system.periodic).max())


def by_dop853(tolerance: float) -> Callable[[System, Array, Array], Array]:
    return lambda system, start, times: rollout(system, start, times, "dop853", tolerance=tolerance).coords


def as_on_screen(system: System, start: Array, times: Array) -> Array:
    return follow_truth(system, start, times, "dop853", LEFT_ALONE).coords


# The reference --------------------------------------------------------------------------------------------------------


def test_there_is_a_case_of_every_system_from_the_start_it_opens_with() -> None:
    opening = {case.system for case in CASES.values() if case.start is None}
    assert opening == set(SYSTEMS)
    assert list(KEPT) == list(CASES)


@over_cases
def test_the_kept_states_are_those_that_extrapolation_gives_now(case: Case) -> None:
    kept = KEPT[case.name]
    assert kept["start"] == list(case.first_state), "the start has changed: run python -m tests.truth_reference"
    assert kept["times"] == list(case.times)
    with mpmath.workdps(DIGITS):
        (state,) = followed(law_of(case.system), case.first_state, (FIRST,), 1e-26, 0.2)
        gaps = [abs(now - mpf(then)) for now, then in zip(state, kept["states"][0], strict=True)]
    assert max(gaps) < 1e-20  # of 22 digits


def swing(q0: Any, p0: Any, t: Any, damping: Any, c: dict[str, Any]) -> tuple[Any, Any]:
    """The mass-spring, underdamped or free."""
    slow, velocity = damping / 2, p0 / c["mass"]
    nu = mpmath.sqrt(c["stiffness"] / c["mass"] - slow**2)
    cos, sin = mpmath.cos(nu * t), mpmath.sin(nu * t)
    fade = mpmath.exp(-slow * t)
    q = fade * (q0 * cos + (velocity + slow * q0) / nu * sin)
    v = fade * (velocity * cos - (slow * velocity + nu**2 * q0 + slow**2 * q0) / nu * sin)
    return q, c["mass"] * v


def pendulum(q0: Any, p0: Any, t: Any, damping: Any, c: dict[str, Any]) -> tuple[Any, Any]:
    """A pendulum let go at rest: sin(q/2) = k sn(K − ωt), with k = sin(q₀/2)."""
    assert p0 == 0
    assert damping == 0
    rate, k = mpmath.sqrt(c["gravity"] / c["length"]), mpmath.sin(q0 / 2)
    sn, cn = (mpmath.ellipfun(kind, mpmath.ellipk(k**2) - rate * t, m=k**2) for kind in ("sn", "cn"))
    speed = -2 * k * rate * cn  # of q, since d sn = cn dn
    return 2 * mpmath.asin(k * sn), c["mass"] * c["length"] ** 2 * speed


@pytest.mark.parametrize(
    ("name", "solution"),
    [
        ("mass-spring", swing),
        ("damped-mass-spring", swing),
        ("pendulum", pendulum),
        ("pendulum near its separatrix", pendulum),
        ("pixel-pendulum", pendulum),
    ],
)
def test_the_kept_states_are_those_of_the_closed_forms_to_20_digits(name: str, solution: Callable[..., Any]) -> None:
    kept = KEPT[name]
    with mpmath.workdps(DIGITS):
        c = {key: mpf(value) for key, value in get_system(CASES[name].system).values.items()}
        q0, p0 = (mpf(value) for value in kept["start"])
        for time, state in zip(kept["times"], kept["states"], strict=True):
            q, p = solution(q0, p0, mpf(time), c.get("damping", mpf(0)), c)
            assert abs(q - mpf(state[0])) < 1e-20
            assert abs(p - mpf(state[1])) < 1e-20


def test_two_bodies_of_the_kept_states_are_on_their_ellipse_to_20_digits() -> None:
    """Energy, angular momentum and Laplace's vector of the relative motion, at masses and G of 1."""

    def constants(state: list[Any]) -> list[Any]:
        x, y = state[0] - state[1], state[2] - state[3]
        vx, vy = state[4] - state[5], state[6] - state[7]
        r, spin = mpmath.sqrt(x * x + y * y), x * vy - y * vx
        return [(vx * vx + vy * vy) / 2 - 2 / r, spin, vy * spin / 2 - x / r, -vx * spin / 2 - y / r]

    kept = KEPT["two-body"]
    with mpmath.workdps(DIGITS):
        begin = constants([mpf(value) for value in kept["start"]])
        for state in kept["states"]:
            now = constants([mpf(value) for value in state])
            assert max(abs(a - b) for a, b in zip(now, begin, strict=True)) < 1e-20


# How true truth is ----------------------------------------------------------------------------------------------------


def stated() -> dict[str, list[str]]:
    """The table of the documentation: by case, its cells."""
    rows = re.findall(r"^\| ([^|]+?) \| (\d+) s \| ([^|]+?) \| ([^|]+?) \| ([^|]+?) \|$", PAGE.read_text("utf-8"), re.M)
    return {row[0]: list(row[1:]) for row in rows}


def value_of(cell: str) -> float:
    mantissa, exponent = re.fullmatch(r"(\d(?:\.\d)?)·10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)", cell).groups()  # type: ignore[union-attr]
    return float(mantissa) * 10.0 ** int(exponent.translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")))


@over_cases
def test_the_error_of_truth_is_what_the_documentation_says(case: Case) -> None:
    horizon, coarse, fine, closed = stated()[case.name]
    assert float(horizon) == case.horizon
    ways = [(coarse, by_dop853(COARSER)), (fine, by_dop853(TOLERANCE))]
    if get_system(case.system).solved and case.system != "damped-pendulum":
        ways.append((closed, as_on_screen))
    else:
        assert closed == "–"
        system, start, times = get_system(case.system), np.array(case.first_state), np.linspace(0.0, 2.0, 21)
        np.testing.assert_array_equal(as_on_screen(system, start, times), by_dop853(TOLERANCE)(system, start, times))
    for cell, follow in ways:
        measured = error_of(case, follow)
        # Rounding differs between processors, and chaos enlarges it.
        assert measured < 5 * value_of(cell) + 1e-14, f"{case.name}: {measured:.1e}, but {cell} is stated"
        assert value_of(cell) < 100 * measured + 1e-14, f"{case.name}: {measured:.1e}, but {cell} is stated"


@over_cases
def test_scipy_is_as_true_where_numba_does_not_run(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel_cache, "_loops", None)
    short = min(case.horizon, 12.5)
    system, times = get_system(case.system), np.array([0.0, *(t for t in case.times if t <= short)])
    coords = rollout(system, np.array(case.first_state), times, "dop853", tolerance=TOLERANCE).coords
    error = relative_error(coords[1:], kept_states(case)[: len(times) - 1], system.periodic).max()
    assert error < 5 * value_of(stated()[case.name][2]) + 1e-11


# The closed form ------------------------------------------------------------------------------------------------------


def any_start(system: System, seed: int) -> Array:
    start: Array = system.sample_starts(np.random.default_rng(seed), 1)[0]
    return start


@pytest.mark.parametrize("name", SOLVED)
@given(seed=st.integers(0, 10_000))
def test_a_closed_form_is_the_motion_from_any_start_and_with_any_constants(name: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    drawn = {c.name: math.exp(rng.uniform(-0.6, 0.6)) * float(c.default) for c in SYSTEMS[name].constants}
    system = get_system(name, {c.name: min(max(drawn[c.name], c.low), c.high) for c in SYSTEMS[name].constants})
    start, times = any_start(system, seed), np.linspace(0.0, 10.0, 41)
    closed, followed_too = as_on_screen(system, start, times), by_dop853(TOLERANCE)(system, start, times)
    assert relative_error(closed, followed_too, system.periodic).max() < 1e-8
    if not system.damped:
        energy = system.hamiltonian(closed)
        assert np.abs(energy - energy[0]).max() < 1e-12 * system.energy_scale(start) + 1e-14


def test_a_pendulum_let_go_nearly_upright_is_true_where_steps_have_lost_it() -> None:
    system, start, times = get_system("pendulum"), np.array([math.pi - 1e-6, 0.0]), np.linspace(0.0, 60.0, 601)
    energy = system.hamiltonian(as_on_screen(system, start, times))
    assert np.abs(energy - energy[0]).max() < 1e-14
    gap = relative_error(by_dop853(TOLERANCE)(system, start, times), as_on_screen(system, start, times), (True, False))
    assert gap.max() > 0.1, "steps would do as well: the closed form is not needed here"


@pytest.mark.parametrize("name", SOLVED)
def test_what_goes_back_in_time_comes_back(name: str) -> None:
    system = get_system(name)
    there = 6.0
    answer = follow_truth(
        system, system.default_start, np.linspace(0.0, 2 * there, 121), "dop853", Steering("reverse", there)
    )
    scale = np.abs(answer.coords).max()
    assert np.abs(answer.coords[-1] - answer.coords[0]).max() < 1e-10 * scale


@pytest.mark.parametrize("kind", ["pump", "drain"])
def test_a_steered_truth_is_followed_along_its_gradient_and_solved_before_and_after(kind: str) -> None:
    system, times = get_system("pendulum"), np.linspace(0.0, 10.0, 201)
    steering = Steering(kind, 4.0, 0.3)
    energy = system.hamiltonian(follow_truth(system, np.array([1.0, 0.0]), times, "dop853", steering).coords)
    before, after = energy[times <= 4.0], energy[times >= 4.35]
    assert np.ptp(before) < 1e-14
    assert np.ptp(after) < 1e-14
    assert (after[0] > before[0]) == (kind == "pump")


def test_a_method_of_fixed_steps_is_taken_at_its_word() -> None:
    system, times = get_system("pendulum"), np.linspace(0.0, 5.0, 51)
    answer = follow_truth(system, system.default_start, times, "rk4", LEFT_ALONE)
    np.testing.assert_array_equal(answer.coords, rollout(system, system.default_start, times, "rk4").coords)


def test_a_relative_equilibrium_is_no_closed_form_of_its_neighbours() -> None:
    """Three bodies on Lagrange's triangle leave it by what rounding moves them."""
    system = get_system("three-body")
    assert system.exact(system.typical_orbit, np.zeros(2)) is not None
    assert not system.solved


# How long it is known -------------------------------------------------------------------------------------------------

WILD = np.array([2.2, -1.0, 0.0, 0.0])


def known(
    name: str, start: Array, horizon: float, integrator: str = "dop853", steering: Steering = LEFT_ALONE
) -> float:
    system = get_system(name)
    answer = follow_truth(system, start, np.linspace(0.0, horizon, 501), integrator, steering)
    return known_until(system, start, answer, integrator, steering)


def test_a_chaotic_truth_is_known_until_its_error_is_a_pixel() -> None:
    case = CASES["double-pendulum, chaotic"]
    system = get_system(case.system)
    until = known(case.system, WILD, 40.0)
    assert 12.0 < until < 35.0
    answer = as_on_screen(system, WILD, np.array([0.0, *case.times]))[1:]
    gaps = system.positions(answer[:, :2]) - system.positions(kept_states(case)[:, :2])
    assert np.linalg.norm(gaps, axis=-1).max() < pixel(system), "its error is beyond a pixel while it counts as known"
    coarse = rollout(system, WILD, np.array([0.0, until + 5.0]), "dop853", tolerance=COARSER).coords[-1]
    fine = rollout(system, WILD, np.array([0.0, until + 5.0]), "dop853", tolerance=TOLERANCE).coords[-1]
    assert np.linalg.norm(system.positions(coarse[:2]) - system.positions(fine[:2])) > pixel(system)


@pytest.mark.parametrize(
    ("name", "horizon"),
    [("double-pendulum", 60.0), ("duffing", 100.0), ("spring-pendulum", 60.0), ("henon-heiles", 60.0)],
)
def test_a_regular_truth_is_known_throughout(name: str, horizon: float) -> None:
    assert known(name, get_system(name).default_start, horizon) == math.inf


@pytest.mark.parametrize("name", ["three-body", "n-body"])
def test_bodies_that_meet_are_lost_sooner_or_later(name: str) -> None:
    start = get_system(name).default_start
    assert known(name, start, 10.0) == math.inf
    assert known(name, start, 200.0) < 150.0


def test_on_a_ridge_truth_of_one_degree_of_freedom_is_lost_too() -> None:
    assert known("duffing", np.array([1e-7, 0.0]), 100.0) < 100.0


def test_what_is_solved_is_known_without_a_second_rollout(monkeypatch: pytest.MonkeyPatch) -> None:
    start = np.array([math.pi - 1e-9, 0.0])
    answer = follow_truth(get_system("pendulum"), start, np.linspace(0.0, 100.0, 101), "dop853", LEFT_ALONE)
    monkeypatch.setattr(truth_module, "follow_truth", None)
    assert known_until(get_system("pendulum"), start, answer, "dop853", LEFT_ALONE) == math.inf


def test_two_bodies_that_are_not_bound_are_compared_as_others_are() -> None:
    system = get_system("two-body")
    away = system.default_start.copy()
    away[4:] *= 3.0
    assert known("two-body", away, 20.0) == math.inf


def test_nothing_is_said_of_fixed_steps_or_of_unfinished_work() -> None:
    assert math.isnan(known("double-pendulum", WILD, 20.0, "rk4"))
    system = get_system("double-pendulum")
    answer = follow_truth(system, WILD, np.linspace(0.0, 20.0, 201), "dop853", LEFT_ALONE)
    assert math.isnan(known_until(system, WILD, answer, "dop853", LEFT_ALONE, lambda: True))


def test_time_turned_back_brings_no_knowledge_back() -> None:
    """After 30 s of chaos and the way back truth is not at its start."""
    until = known("double-pendulum", WILD, 60.0, steering=Steering("reverse", 30.0))
    assert until < 35.0


@given(st.integers(0, 20), st.floats(0.0, 3.0), st.integers(0, 1))
def test_two_rollouts_part_at_the_last_time_before_a_pixel(row: int, pixels: float, body: int) -> None:
    system, t = get_system("double-pendulum"), np.linspace(0.0, 10.0, 21)
    one = np.zeros((21, 4))
    other = one.copy()
    other[row:, body] = pixels * pixel(system)  # rods of 1 m: the lower bob moves by that, to first order
    expected = math.inf if pixels <= 0.99 else float(t[max(row - 1, 0)])
    if not 0.99 < pixels < 1.01:
        assert parting_time(system, t, one, other) == expected


def test_what_ends_sooner_than_the_other_has_parted_from_it() -> None:
    system, t = get_system("double-pendulum"), np.linspace(0.0, 10.0, 21)
    one, other = np.zeros((21, 4)), np.zeros((21, 4))
    other[15:] = np.nan
    assert parting_time(system, t, one, other) == t[14]
    one[15:] = np.nan
    assert parting_time(system, t, one, other) == math.inf, "both ended: there is nothing to know"


def test_a_pixel_is_a_five_hundredth_of_the_scene() -> None:
    left, right, _, _ = get_system("double-pendulum").bounds
    assert PIXELS == 500
    assert pixel(get_system("double-pendulum")) == (right - left) / 500
    assert "1/500 of the scene" in how_long_known(12.34)
    assert "for 12.3 s" in how_long_known(12.34)


# A second start -------------------------------------------------------------------------------------------------------


def test_a_hair_is_a_tenth_of_a_millimetre_on_a_rod_of_a_metre() -> None:
    start = np.array([0.5, -0.2, 0.1, 0.0])
    assert (moved_start(start) - start).tolist() == [pytest.approx(HAIR), 0.0, 0.0, 0.0]
    assert HAIR == 1e-4
    assert start[0] == 0.5, "the start itself stays"


def test_a_separation_is_measured_by_the_size_of_truth() -> None:
    truth, one = np.array([[3.0, 4.0], [3.0, -4.0]]), np.array([[0.1, 0.0], [6.5, 0.0], [9.0, 9.0]])
    other = np.array([[0.1, 0.5], [0.2, 0.0]])
    np.testing.assert_allclose(separation(one, other, truth, (False, False)), [0.1, 6.3 / 5])
    np.testing.assert_allclose(separation(one, other, truth, (True, False)), [0.1, (6.3 - 2 * math.pi) / 5 * 1.0])
    np.testing.assert_allclose(
        relative_error(truth, other, (False, False)), separation(truth, other, other, (False, False))
    )
