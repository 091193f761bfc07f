"""Bodies that attract each other: two, three and n of them are one law, and it keeps what such a law keeps."""

import math

import numpy as np
import pytest

from hnn_engine.coords import Array
from hnn_engine.geometry import Bob
from hnn_engine.rollouts.rollout import rollout
from hnn_engine.systems import get_system
from hnn_engine.systems.gravity import Gravity, nearest_outside
from hnn_engine.systems.n_body import NBody
from hnn_engine.systems.three_body import ThreeBody
from hnn_engine.systems.two_body import TwoBody

COUNTS = (2, 3, 5, 8, 32)
EQUAL = {"mass": 1.7, "gravitation": 0.6}
PAIRS = (
    (NBody({"bodies": 2, **EQUAL}), TwoBody({"mass-1": 1.7, "mass-2": 1.7, "gravitation": 0.6})),
    (NBody({"bodies": 3, **EQUAL}), ThreeBody({"mass-1": 1.7, "mass-2": 1.7, "mass-3": 1.7, "gravitation": 0.6})),
)
UNEQUAL = ThreeBody({"mass-1": 4.0, "mass-2": 0.2, "mass-3": 1.3, "gravitation": 2.0})
ENCOUNTERS = (  # constants, one of 5000 starts by seed 0, and how near two of its bodies come to each other, in m
    ({}, 1319, 0.05),
    ({"mass-1": 4.0, "mass-2": 0.5, "gravitation": 1.3}, 4094, 0.0012),
)


def moments(system: Gravity, coords: Array) -> tuple[Array, Array]:
    """Total momentum `(..., 2)` and angular momentum `(...)`."""
    q, p = coords[..., : system.dof], coords[..., system.dof :]
    places, momenta = system.positions(q), system.positions(p)
    spin = places[..., 0] * momenta[..., 1] - places[..., 1] * momenta[..., 0]
    return momenta.sum(axis=-2), spin.sum(axis=-1)


def gaps(system: Gravity, coords: Array) -> Array:
    """The distances between the bodies, `(..., pairs)`."""
    places = system.positions(coords[..., : system.dof])
    first, second = np.triu_indices(len(system.masses), 1)
    return np.linalg.norm(places[..., first, :] - places[..., second, :], axis=-1)


# One law --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("many", "few"), PAIRS, ids=["two", "three"])
def test_n_bodies_are_two_or_three(many: Gravity, few: Gravity) -> None:
    states = np.random.default_rng(0).normal(size=(50, 2 * few.dof))
    np.testing.assert_array_equal(many.hamiltonian(states), few.hamiltonian(states))
    np.testing.assert_array_equal(many.field(states), few.field(states))
    assert [c.name for c in many.coordinates] == [c.name for c in few.coordinates]


def test_three_bodies_have_the_papers_energy() -> None:
    states = np.random.default_rng(1).normal(size=(20, 12))
    x, y = states[:, :3], states[:, 3:6]
    kinetic = (states[:, 6:] ** 2).sum(axis=-1) / 2
    pulls = sum(1 / np.hypot(x[:, i] - x[:, j], y[:, i] - y[:, j]) for i, j in ((0, 1), (0, 2), (1, 2)))
    np.testing.assert_allclose(ThreeBody().hamiltonian(states), kinetic - pulls, rtol=1e-14)


def test_a_third_body_without_weight_leaves_two_bodies_alone() -> None:
    pair = TwoBody({"mass-1": 2.0, "mass-2": 0.5, "gravitation": 1.5})
    third = ThreeBody({"mass-1": 2.0, "mass-2": 0.5, "mass-3": 0.1, "gravitation": 1.5})
    far = np.insert(pair.default_start, [2, 4, 6, 8], [1e9, 0.0, 0.0, 0.0])
    kept = np.delete(np.arange(12), [2, 5, 8, 11])
    np.testing.assert_allclose(third.field(far)[kept], pair.field(pair.default_start), rtol=1e-14, atol=1e-16)


@pytest.mark.parametrize("count", COUNTS)
def test_coordinates_go_by_axis_and_then_by_body(count: int) -> None:
    system = NBody({"bodies": count})
    names = [f"{kind}{i}" for kind in ("x", "y", "px", "py") for i in range(1, count + 1)]
    assert [c.name for c in system.coordinates] == names
    assert system.dof == 2 * count
    assert system.caption == f"{count} bodies"
    assert [c.symbol for c in system.coordinates][count - 1] == "x" + str(count).translate(
        str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
    )


@pytest.mark.parametrize("count", [2, 4, 5, 32])
def test_all_pairs_at_once_have_the_gradient_of_one_after_the_other(count: int) -> None:
    system = NBody({"bodies": count})
    coords = np.random.default_rng(count).normal(size=(2, 70, 4 * count))  # more than are taken at once
    expected = np.empty_like(coords)
    system.grad_hamiltonian(coords.T, system.law, expected.T)
    found = system.gradient(coords)
    scale = np.abs(expected).max(axis=-1, keepdims=True)
    assert (np.abs(found - expected) <= 1e-12 * scale).all()
    np.testing.assert_array_equal(system.gradient(coords[0, 0]), found[0, 0])


@pytest.mark.parametrize("count", COUNTS)
def test_bodies_in_one_place_have_finite_laws(count: int) -> None:
    system = NBody({"bodies": count})
    assert np.isfinite(system.field(np.zeros(4 * count))).all()
    assert np.isfinite(system.hamiltonian(np.zeros(4 * count)))


# Starts ---------------------------------------------------------------------------------------------------------------


def test_three_bodies_start_on_the_papers_triangles() -> None:
    system = ThreeBody()
    starts = system.sample_starts(np.random.default_rng(0), 5000)
    places = system.positions(starts[:, :6])
    radius = np.linalg.norm(places, axis=-1)
    np.testing.assert_allclose(radius, radius[:, :1] * np.ones(3), rtol=1e-13)
    assert 0.9 <= radius.min() < 0.901
    assert 1.199 < radius.max() <= 1.2
    np.testing.assert_allclose(gaps(system, starts), math.sqrt(3) * radius, rtol=1e-13)
    # The paper's speed, and each component of it times 1 + 0.2 U(−1, 1).
    speed = np.sqrt(math.sin(math.pi / 3) / (2 * math.cos(math.pi / 6) ** 2) / radius)[..., None]
    circular = speed * np.stack([-places[..., 1], places[..., 0]], axis=-1) / radius[..., None]
    kicks = system.velocities(starts) / circular - 1
    assert 0.199 < np.abs(kicks).max() <= 0.2 + 1e-12
    assert abs(kicks.mean()) < 0.003
    assert kicks.std() == pytest.approx(0.2 / math.sqrt(3), rel=0.02)
    assert abs(np.corrcoef(kicks.reshape(5000, 6).T) - np.eye(6)).max() < 0.06


def test_the_first_body_stands_in_a_direction_uniform_in_a_square() -> None:
    places = ThreeBody().sample_starts(np.random.default_rng(0), 40_000)[:, [0, 3]]
    angle = np.arctan2(places[:, 1], places[:, 0]) % (math.pi / 2)
    # Diagonals are favoured: between 30° and 60° lies 1 − tan 30° of a quadrant of the square, not a third.
    middle = ((angle > math.pi / 6) & (angle < math.pi / 3)).mean()
    assert middle == pytest.approx(1 - math.tan(math.pi / 6), abs=0.01)


@pytest.mark.parametrize("count", COUNTS)
def test_rings_are_as_wide_apart_as_three_bodies(count: int) -> None:
    system = NBody({"bodies": count})
    near = gaps(system, system.sample_starts(np.random.default_rng(0), 2000)).min(axis=-1)
    assert near.min() == pytest.approx(0.9 * math.sqrt(3), rel=1e-3)
    assert near.max() == pytest.approx(1.2 * math.sqrt(3), rel=1e-3)


@pytest.mark.parametrize("system", [ThreeBody(), UNEQUAL, *(NBody({"bodies": n}) for n in COUNTS)])
def test_the_start_on_screen_stays_in_view(system: Gravity) -> None:
    total, _ = moments(system, system.default_start)
    np.testing.assert_allclose(total, 0.0, atol=1e-13)
    np.testing.assert_allclose(system.masses @ system.positions(system.default_start[: system.dof]), 0.0, atol=1e-12)


def test_the_start_on_screen_is_worth_watching() -> None:
    system = ThreeBody()
    assert system.opening is not None
    truth = rollout(system, system.default_start, np.linspace(0.0, system.opening, 2001), "dop853").coords
    near = gaps(system, truth).min(axis=-1)
    passes = (near[1:-1] < near[:-2]) & (near[1:-1] < near[2:]) & (near[1:-1] < 0.7)
    assert passes.sum() >= 3
    assert near.min() > 0.25  # no two of the discs overlap


# Truth ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("constants", "row", "near"), ENCOUNTERS)
def test_a_close_encounter_keeps_energy_and_both_momenta(constants: dict[str, object], row: int, near: float) -> None:
    system = ThreeBody(constants)
    start = system.sample_starts(np.random.default_rng(0), 5000)[row]
    truth = rollout(system, start, np.linspace(0.0, 5.0, 2001), "dop853").coords
    assert gaps(system, truth).min() < near
    energy, (total, spin) = system.hamiltonian(truth), moments(system, truth)
    assert np.abs(energy / energy[0] - 1).max() < 1e-9
    assert np.abs(total - total[0]).max() < 1e-10
    assert np.abs(spin - spin[0]).max() < 1e-10 * abs(spin[0]) + 1e-10


def test_the_truth_of_three_bodies_is_finite() -> None:
    system = ThreeBody()
    truth = rollout(system, system.sample_starts(np.random.default_rng(2), 200), np.linspace(0.0, 5.0, 20), "dop853")
    assert not truth.diverged
    assert np.isfinite(truth.coords).all()


@pytest.mark.parametrize("system", [ThreeBody(), UNEQUAL, *(NBody({"bodies": n, **EQUAL}) for n in COUNTS)])
@pytest.mark.parametrize("speed", [0.0, 0.3])
def test_a_relative_equilibrium_turns_rigidly(system: Gravity, speed: float) -> None:
    start, n = system.typical_orbit.copy(), len(system.masses)
    start[:n] += speed
    start[2 * n : 3 * n] += speed * system.masses  # everything drifts
    times = np.linspace(0.0, 4.0, 41)
    exact = system.exact(start, times)
    assert exact is not None
    np.testing.assert_allclose(exact[0], start, atol=1e-14)
    truth = rollout(system, start, times, "dop853").coords
    np.testing.assert_allclose(exact, truth, atol=1e-8 * np.abs(exact).max())
    assert np.abs(exact[-1] - start).max() > 0.5  # it has turned far


@pytest.mark.parametrize("system", [ThreeBody(), UNEQUAL, NBody()])
def test_whatever_is_off_a_relative_equilibrium_has_no_exact_solution(system: Gravity) -> None:
    times = np.linspace(0.0, 1.0, 3)
    for i in range(2 * system.dof):
        start = system.typical_orbit.copy()
        start[i] += 1e-9
        assert system.exact(start, times) is None
    assert system.exact(np.zeros(2 * system.dof), times) is None
    at_rest = system.typical_orbit.copy()
    at_rest[system.dof :] = 0.0
    assert system.exact(at_rest, times) is None


# The hand -------------------------------------------------------------------------------------------------------------


def bobs(system: Gravity, coords: Array) -> list[Bob]:
    return [part for part in system.geometry(coords[: system.dof]) if isinstance(part, Bob)]


def overlap(system: Gravity, coords: Array) -> float:
    """By how much any two of the discs enter each other, in metres."""
    discs = bobs(system, coords)
    first, second = np.triu_indices(len(discs), 1)
    reach = np.array([discs[i].radius + discs[j].radius for i, j in zip(first, second, strict=True)])
    return float((reach - gaps(system, coords)).max())


@pytest.mark.parametrize("system", [UNEQUAL, NBody(), NBody({"bodies": 32, "mass": 5.0})])
def test_a_body_dragged_into_another_stops_where_they_touch(system: Gravity) -> None:
    state = system.typical_orbit
    for other in range(1, len(system.masses)):
        x, y = system.positions(state[: system.dof])[other]
        for offset in ((0.0, 0.0), (0.01, -0.02), (-0.05, 0.0)):
            moved = system.place(state, 0, (x + offset[0], y + offset[1]))
            discs = bobs(system, moved)
            gap = math.hypot(discs[0].at[0] - discs[other].at[0], discs[0].at[1] - discs[other].at[1])
            assert gap == pytest.approx(discs[0].radius + discs[other].radius)
            assert overlap(system, moved) < 1e-9


def test_a_body_dragged_between_two_touches_both() -> None:
    system = NBody({"bodies": 3})
    state = system.typical_orbit.copy()
    state[[1, 2]], state[[4, 5]] = [-0.15, 0.15], 0.0  # two bodies of radius 0.13 m, nearly touching
    moved = system.place(state, 0, (0.0, 0.02))
    distances = gaps(system, moved)
    np.testing.assert_allclose(distances[:2], 0.26, rtol=1e-9)
    assert moved[3] > 0  # on the side where the pointer is


def test_the_nearest_point_outside_is_the_nearest_there_is() -> None:
    rng = np.random.default_rng(4)
    angles = np.linspace(0, 2 * math.pi, 2000)
    for _ in range(60):
        centres, radii = rng.uniform(-0.5, 0.5, (5, 2)), rng.uniform(0.2, 0.5, 5)
        at = rng.uniform(-0.6, 0.6, 2)
        found = nearest_outside(at, centres, radii)
        assert (np.linalg.norm(found - centres, axis=-1) >= radii * (1 - 1e-9)).all()
        rims = centres[:, None] + radii[:, None, None] * np.stack([np.cos(angles), np.sin(angles)], axis=-1)
        points = rims.reshape(-1, 2)
        free = (np.linalg.norm(points[:, None] - centres, axis=-1) >= radii * (1 - 1e-9)).all(axis=-1)
        inside = (np.linalg.norm(at - centres, axis=-1) < radii).any()
        best = np.linalg.norm(points[free] - at, axis=-1).min() if inside else 0.0
        assert np.linalg.norm(found - at) <= best + 1e-12


def test_a_push_moves_one_body_alone() -> None:
    system = get_system("three-body", {"mass-2": 3.0})
    pushed = system.push(system.default_start, 1, (1.5, -2.0))
    changed = np.flatnonzero(pushed != system.default_start)
    assert changed.tolist() == [7, 10]
    np.testing.assert_allclose(pushed[[7, 10]], [4.5, -6.0])
