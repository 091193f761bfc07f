"""Laws that every system obeys, over the whole table, at random constants and states; and what is special to some."""

import math
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import minimize
from scipy.special import ellipk

from hnn_engine.coords import Array, symplectic
from hnn_engine.errors import HnnLabError, ParameterError, UnknownNameError
from hnn_engine.geometry import Anchor, Block, Bob, Lines, Primitive, Rail, Rod, Spring
from hnn_engine.parameters import Parameter
from hnn_engine.rollouts.rollout import rollout
from hnn_engine.scene import Coordinate
from hnn_engine.systems import SYSTEMS, System, get_system
from hnn_engine.systems.damped_mass_spring import DampedMassSpring
from hnn_engine.systems.default_scene import HEIGHT, contours
from hnn_engine.systems.double_pendulum import DoublePendulum
from hnn_engine.systems.duffing import Duffing
from hnn_engine.systems.elliptic import amplitude, first_integral, pendulum_solution
from hnn_engine.systems.gravity import Gravity
from hnn_engine.systems.henon_heiles import HenonHeiles
from hnn_engine.systems.kepler import eccentric_anomaly
from hnn_engine.systems.mass_spring import MassSpring
from hnn_engine.systems.pendulum import Pendulum
from hnn_engine.systems.spring_pendulum import SpringPendulum
from hnn_engine.systems.two_body import TwoBody

NAMES = list(SYSTEMS)
SYSTEM_FILES = Path(import_module("hnn_engine.systems").__path__[0])
SEEDS = range(4)  # seed 0 keeps the defaults
EXACT = [name for name in NAMES if get_system(name).exact(get_system(name).default_start, np.zeros(1)) is not None]


def random_system(name: str, seed: int) -> System:
    rng = np.random.default_rng([seed, 7])
    drawn = {c.name: random_value(c, rng) for c in SYSTEMS[name].constants}
    return get_system(name, drawn if seed else {})


def random_value(constant: Parameter, rng: np.random.Generator) -> float:
    if isinstance(constant.default, int):
        return int(rng.integers(round(constant.low), round(constant.high) + 1))
    return rng.uniform(constant.low, constant.high)


def random_states(system: System, seed: int, count: int = 40) -> Array:
    low, high = np.array([(c.low, c.high) for c in system.coordinates]).T
    return np.random.default_rng([seed, 8]).uniform(low, high, (count, 2 * system.dof))


@cache
def case(name: str, seed: int) -> tuple[System, Array]:
    system = random_system(name, seed)
    return system, random_states(system, seed)


def truth(system: System, start: Array, t: Array) -> Array:
    def field(_: float, coords: Array) -> Array:
        return system.field(coords)

    return solve_ivp(field, (0.0, float(t[-1])), start, "DOP853", t, rtol=1e-12, atol=1e-12).y.T


def assert_solves(system: System, start: Array, t: Array, tolerance: float) -> None:
    exact = system.exact(start, t)
    assert exact is not None
    scale = np.abs(exact).max(axis=0) + 1e-3
    assert np.abs((exact[0] - start) / scale).max() < 1e-12
    assert np.abs((exact - truth(system, start, t)) / scale).max() < tolerance


def lowest(system: System) -> Array:
    """Return the state at rest at which a search from several places finds the least energy."""

    def energy(q: Array) -> float:
        return float(system.hamiltonian(np.concatenate([q, np.zeros(system.dof)])))

    starts = [np.zeros(system.dof), *random_states(system, 0, 4)[:, : system.dof]]
    found = [minimize(energy, q, tol=1e-15).x if q.any() else q for q in starts]
    return np.concatenate([min(found, key=energy), np.zeros(system.dof)])


over_systems = pytest.mark.parametrize("name", NAMES)
over_cases = pytest.mark.parametrize(("name", "seed"), [(name, seed) for name in NAMES for seed in SEEDS])


@over_cases
def test_the_gradient_is_the_complex_step_of_the_energy(name: str, seed: int) -> None:
    system, states = case(name, seed)
    steps = 1e-30j * np.eye(2 * system.dof)
    numeric = np.imag(system.hamiltonian(states[:, None] + steps)) / 1e-30
    error = np.linalg.norm(system.gradient(states) - numeric, axis=-1)
    assert (error <= 1e-12 * np.linalg.norm(numeric, axis=-1)).all()


@over_cases
def test_batches_of_any_shape_agree_with_single_states(name: str, seed: int) -> None:
    system, states = case(name, seed)
    block = states[:24].reshape(2, 3, 4, -1)
    for law in (system.hamiltonian, system.gradient, system.field, system.velocities):
        alone = np.array([law(state) for state in states[:24]])
        np.testing.assert_allclose(law(block).reshape(alone.shape), alone, rtol=1e-13, atol=1e-13)
    alone = np.array([system.positions(state[: system.dof]) for state in states[:24]])
    np.testing.assert_array_equal(system.positions(block[..., : system.dof]).reshape(alone.shape), alone)


@over_cases
def test_the_laws_leave_their_argument_alone(name: str, seed: int) -> None:
    system, states = case(name, seed)
    kept = states.copy()
    for law in (system.hamiltonian, system.gradient, system.field, system.friction, system.velocities):
        law(states)
    system.place(states[0], 0, (0.3, 0.4))
    system.push(states[0], 0, (0.3, 0.4))
    np.testing.assert_array_equal(states, kept)


@over_cases
def test_energy_changes_by_friction_alone(name: str, seed: int) -> None:
    system, states = case(name, seed)
    gradient, drag = system.gradient(states), system.friction(states)
    power = (gradient * system.field(states)).sum(axis=-1)
    lost = np.zeros(len(states)) if drag is None else (gradient * drag).sum(axis=-1)
    size = (np.abs(gradient) * np.abs(symplectic(gradient))).sum(axis=-1)
    assert (np.abs(power - lost) <= 1e-13 * size).all()
    assert system.damped == (drag is not None)
    assert (lost < 0).all() if system.damped else (lost == 0).all()


@over_cases
def test_separable_is_claimed_where_it_holds(name: str, seed: int) -> None:
    system, states = case(name, seed)
    dof = system.dof
    moved = states[:, None] + 1e-20j * np.eye(2 * dof)[:dof]
    mixed = np.imag(system.gradient(moved)[..., dof:]) / 1e-20
    separable = not mixed.any() and system.friction(states) is None
    assert system.separable == separable
    assert bool(system.why_not_separable) != system.separable


@over_cases
def test_the_inertia_is_that_of_each_momentum_or_depends_on_the_position(name: str, seed: int) -> None:
    system, states = case(name, seed)
    dof = system.dof
    rates, momenta = system.gradient(states)[:, dof:], states[:, dof:]
    if system.inertia is None:
        assert not system.separable
        moved = system.gradient(states + 0.1 * np.arange(2 * dof) * (np.arange(2 * dof) < dof))[:, dof:]
        assert np.abs(moved - rates).max() > 1e-3 * np.abs(rates).max()
    else:
        assert system.inertia.shape == (dof,)
        np.testing.assert_allclose(system.inertia * rates, momenta, rtol=1e-14)


@over_cases
def test_the_least_energy_is_a_bound_and_is_reached_at_rest(name: str, seed: int) -> None:
    system, states = case(name, seed)
    if system.min_energy is None:
        there = system.default_start * np.repeat([1.0, 0.0], system.dof)
        near_and_far = np.multiply.outer([*np.logspace(-6, 6, 13), *-np.logspace(-6, 6, 13)], there)
        assert system.hamiltonian(near_and_far).min() < -1e3
        return
    rest = lowest(system)
    scale = system.energy_scale(system.default_start)
    assert system.hamiltonian(rest) == pytest.approx(system.min_energy, abs=1e-13 * scale)
    assert np.abs(system.field(rest)).max() <= 1e-6 * np.abs(system.field(states)).max()
    assert (system.hamiltonian(states) > system.min_energy).all()


@over_cases
def test_the_energy_scale_never_falls_under_the_floor(name: str, seed: int) -> None:
    system, states = case(name, seed)
    assert type(system.energy_floor) is float
    assert system.energy_floor > 0
    assert all(system.energy_scale(state) >= system.energy_floor for state in states)
    assert system.energy_scale(system.default_start) > 2 * system.energy_floor


@over_cases
def test_starts_repeat_with_their_seed_and_fit_the_portrait(name: str, seed: int) -> None:
    system, _ = case(name, seed)
    starts = system.sample_starts(np.random.default_rng(5), 300)
    assert starts.shape == (300, 2 * system.dof)
    np.testing.assert_array_equal(starts, system.sample_starts(np.random.default_rng(5), 300))
    assert (starts != system.sample_starts(np.random.default_rng(6), 300)).any()
    low, high = np.array([(c.low, c.high) for c in system.coordinates]).T
    assert ((starts >= low) & (starts <= high)).mean() > 0.98
    assert ((system.default_start >= low) & (system.default_start <= high)).all()


@over_cases
def test_velocities_are_the_rate_of_the_positions(name: str, seed: int) -> None:
    system, states = case(name, seed)
    dof, step = system.dof, 1e-6
    flow = system.field(states)[:, :dof]
    ahead, behind = (system.positions(states[:, :dof] + s * step * flow) for s in (1, -1))
    velocities = system.velocities(states)
    np.testing.assert_allclose(
        (ahead - behind) / (2 * step), velocities, rtol=1e-5, atol=1e-6 * np.abs(velocities).max()
    )


@over_cases
def test_bobs_and_blocks_sit_where_the_bodies_are(name: str, seed: int) -> None:
    system, states = case(name, seed)
    for state in states[:5]:
        drawing = system.geometry(state[: system.dof])
        bodies = {part.body: part.at for part in drawing if isinstance(part, Bob | Block)}
        positions = system.positions(state[: system.dof])
        assert sorted(bodies) == list(range(len(positions)))
        np.testing.assert_array_equal([bodies[i] for i in sorted(bodies)], positions)
        assert all(type(x) is float for part in drawing for x in _points(part))


def _points(part: Primitive) -> tuple[float, ...]:
    if isinstance(part, Lines):
        assert part.segments.shape[1:] == (2, 2)
        assert np.isfinite(part.segments).all()
        return ()
    return (*part.start, *part.end) if isinstance(part, Rod | Spring | Rail) else part.at


@over_cases
def test_rods_and_springs_start_where_something_is(name: str, seed: int) -> None:
    system, states = case(name, seed)
    drawing = system.geometry(states[0, : system.dof])
    fixed = [part.at for part in drawing if isinstance(part, Anchor)]
    bodies = [tuple(at) for at in system.positions(states[0, : system.dof])]
    for part in drawing:
        if isinstance(part, Rod | Spring):
            assert part.start in fixed + bodies


@over_systems
def test_the_scene_shows_the_default_motion(name: str) -> None:
    system = get_system(name)
    t = np.linspace(0.0, 10.0, 200)
    places = system.positions(truth(system, system.default_start, t)[:, : system.dof])
    x0, x1, y0, y1 = system.bounds
    assert (places[..., 0] > x0).all()
    assert (places[..., 0] < x1).all()
    assert (places[..., 1] > y0).all()
    assert (places[..., 1] < y1).all()


@over_cases
def test_a_body_is_placed_under_the_pointer_and_keeps_its_momentum(name: str, seed: int) -> None:
    system, states = case(name, seed)
    goals = random_states(system, seed + 100)
    for state, goal in zip(states, goals, strict=True):
        for body, at in enumerate(system.positions(goal[: system.dof])):
            if not free(system, state, body, at):
                continue
            moved = system.place(state, body, (float(at[0]), float(at[1])))
            place = system.positions(moved[: system.dof])[body]
            np.testing.assert_allclose(place, at, atol=1e-9)
            np.testing.assert_array_equal(moved[system.dof :], state[system.dof :])


def free(system: System, state: Array, body: int, at: Array) -> bool:
    """Whether nothing is in the way: with stars, another one."""
    others = np.delete(system.positions(state[: system.dof]), body, axis=0)
    return not isinstance(system, Gravity) or bool((np.linalg.norm(at - others, axis=-1) > 0.5).all())


@over_systems
def test_a_drag_in_small_steps_never_jumps(name: str) -> None:
    system = get_system(name)
    state, path = system.default_start, np.linspace(0.0, 4 * np.pi, 400)
    body = len(system.positions(state[: system.dof])) - 1
    for angle in path:
        clear = isinstance(system, Gravity)  # of the others
        x, y = (2.5 + angle / 9, -3.0) if clear else (0.9 * math.sin(angle), -0.9 * math.cos(angle))
        moved = system.place(state, body, (x, y))
        if angle > 0:
            assert np.abs(moved - state).max() < 0.1
        state = moved
    if any(system.periodic):
        assert state[: system.dof].max() > 3 * np.pi  # two turns round the pivot are two turns of the angle


@over_cases
def test_a_push_gives_a_velocity_that_the_body_can_have(name: str, seed: int) -> None:
    system, states = case(name, seed)
    others = states[::-1].copy()
    others[:, : system.dof] = states[:, : system.dof]
    for state, other in zip(states, others, strict=True):
        for body, velocity in enumerate(wanted_velocities(system, state, other)):
            pushed = system.push(state, body, (float(velocity[0]), float(velocity[1])))
            np.testing.assert_array_equal(pushed[: system.dof], state[: system.dof])
            got = system.velocities(pushed)[body]
            np.testing.assert_allclose(got, velocity, rtol=1e-9, atol=1e-9 * np.abs(velocity).max())


def wanted_velocities(system: System, state: Array, other: Array) -> Array:
    velocities = system.velocities(other)
    bent = abs(math.sin(state[0] - state[1])) > 0.1
    return velocities if bent or not isinstance(system, DoublePendulum) else velocities[:1]


@over_systems
def test_coordinates_are_plain_and_well_named(name: str) -> None:
    system = get_system(name)
    names = [c.name for c in system.coordinates]
    assert len(set(names)) == len(names) == 2 * system.dof
    assert all(type(c.low) is float and type(c.high) is float and c.low < c.high for c in system.coordinates)
    assert all(c.unit and c.symbol and c.name.isascii() for c in system.coordinates)
    assert not any(system.periodic[system.dof :])
    assert all(c.unit == "rad" for c in system.coordinates if c.periodic)


@over_systems
def test_constants_are_read_as_attributes_and_checked(name: str) -> None:
    system = get_system(name)
    for constant in system.constants:
        assert getattr(system, constant.name.replace("-", "_")) == constant.default
        assert constant.symbol
        assert constant.unit or isinstance(constant.default, int)  # a count has none
        assert constant.help
        with pytest.raises(ParameterError, match=constant.name):
            get_system(name, {constant.name: constant.high * 1.01})
        with pytest.raises(ParameterError, match=constant.name):
            get_system(name, {constant.name: "heavy"})
    with pytest.raises(ParameterError, match="charge"):
        get_system(name, {"charge": 1.0})
    with pytest.raises(AttributeError, match="charge"):
        _ = system.charge


def test_an_unknown_system_is_answered_with_the_names_there_are() -> None:
    with pytest.raises(UnknownNameError, match=r"pendulun.*choose one of .*pendulum.*did you mean 'pendulum'"):
        get_system("pendulun")


def test_the_table_holds_every_system_that_a_file_defines() -> None:
    assert all(system.name == name for name, system in SYSTEMS.items())
    modules = [import_module(f"hnn_engine.systems.{path.stem}") for path in SYSTEM_FILES.glob("[a-z]*.py")]
    defined = {
        thing
        for module in modules
        for thing in vars(module).values()
        if isinstance(thing, type) and issubclass(thing, System) and "name" in vars(thing)
    }
    assert defined == set(SYSTEMS.values())


def test_the_defaults_are_the_papers_energies() -> None:
    q, p = np.random.default_rng(0).normal(size=(2, 20))
    states = np.stack([q, p], axis=-1)
    np.testing.assert_allclose(MassSpring().hamiltonian(states), q**2 + p**2)
    np.testing.assert_allclose(Pendulum().hamiltonian(states), 3 * (1 - np.cos(q)) + p**2)
    apart = np.array([1.0, -1.0, 0.0, 0.0, 0.5, -0.5, 2.0, -2.0])
    assert TwoBody().hamiltonian(apart) == pytest.approx(0.25 + 4.0 - 0.5)


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("mass-spring", 0.1, 1.0),
        ("damped-mass-spring", 0.1, 1.0),
        ("pendulum", 1.3, 2.3),
        ("damped-pendulum", 1.3, 2.3),
    ],
)
def test_starts_of_one_degree_of_freedom_fill_the_papers_ring(name: str, low: float, high: float) -> None:
    radius = np.linalg.norm(get_system(name).sample_starts(np.random.default_rng(0), 5000), axis=-1)
    assert radius.min() >= low
    assert radius.max() <= high
    assert radius.mean() == pytest.approx((low + high) / 2, abs=0.02)


def test_double_pendulums_start_at_rest_within_a_radian() -> None:
    starts = DoublePendulum().sample_starts(np.random.default_rng(0), 5000)
    assert not starts[:, 2:].any()
    assert 0.99 < np.abs(starts[:, :2]).max() <= 1.0


def test_two_bodies_start_on_nearly_circular_orbits() -> None:
    starts = TwoBody().sample_starts(np.random.default_rng(0), 5000)
    x, y, px, py = starts[:, 0], starts[:, 2], starts[:, 4], starts[:, 6]
    assert min(x.min(), y.min()) >= 0.5
    assert max(x.max(), y.max()) <= 1.5
    np.testing.assert_array_equal(starts[:, 1::2], -starts[:, ::2])
    np.testing.assert_allclose(x * px + y * py, 0.0, atol=1e-15)
    assert (x * py - y * px > 0).all()
    speed = np.hypot(px, py) * 2 * np.hypot(x, y) ** 0.5  # in units of the circular orbit's 1/(2√r)
    assert speed.mean() == pytest.approx(1.0, abs=0.003)
    assert speed.std() == pytest.approx(0.05, abs=0.002)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_centre_of_mass_of_two_bodies_starts_at_rest_in_the_middle(seed: int) -> None:
    system, _ = case("two-body", seed)
    starts = np.vstack([system.sample_starts(np.random.default_rng(seed), 50), system.default_start])
    masses = np.array([system.mass_1, system.mass_2])
    np.testing.assert_allclose(starts.reshape(-1, 4, 2)[:, :2] @ masses, 0.0, atol=1e-13)
    np.testing.assert_allclose(starts.reshape(-1, 4, 2)[:, 2:].sum(axis=-1), 0.0, atol=1e-13)


@pytest.mark.parametrize(("name", "seed"), [(name, seed) for name in EXACT for seed in SEEDS])
def test_exact_solutions_solve_the_field(name: str, seed: int) -> None:
    system, _ = case(name, seed)
    for start in system.sample_starts(np.random.default_rng(seed), 3):
        assert_solves(system, start, np.linspace(0.0, 8.0, 60), 1e-8)


@over_systems
def test_only_the_solvable_systems_claim_an_exact_solution(name: str) -> None:
    system = get_system(name)
    assert (system.exact(system.default_start, np.linspace(0, 1, 3)) is not None) == (name in EXACT)


@pytest.mark.parametrize("damping", [0.0, 0.3, 1.999999, 2.0])
@pytest.mark.parametrize("stiffness", [0.1, 0.5, 0.500001, 20.0])
def test_damped_springs_are_exact_below_at_and_above_critical_damping(damping: float, stiffness: float) -> None:
    system = DampedMassSpring({"mass": 0.5, "stiffness": stiffness, "damping": damping})
    assert_solves(system, np.array([0.7, -0.4]), np.linspace(0.0, 12.0, 50), 1e-9)


def test_an_overdamped_spring_stays_finite_for_long() -> None:
    system = DampedMassSpring({"mass": 5.0, "stiffness": 0.1, "damping": 2.0})
    late = system.exact(np.array([1.0, 0.0]), np.array([0.0, 1e5]))
    assert late is not None
    np.testing.assert_allclose(late[1], 0.0, atol=1e-12)


TOP = 2 * math.sqrt(1.5)  # the momentum at the lowest point that just reaches the top, at the pendulum's defaults


@pytest.mark.parametrize(
    "start",
    [
        (0.0, 0.0),
        (1e-9, 0.0),
        (3.1, 0.0),
        (-3.1, 0.2),
        (0.5, 3.0),
        (-1.0, -4.0),
        (9.0, 0.3),
        (-20.0, 5.0),
        (0.0, TOP),
        (0.0, -TOP),
        (0.0, TOP * (1 + 1e-13)),
        (0.0, TOP * (1 - 1e-13)),
        (1.0, TOP * math.cos(0.5)),
    ],
)
def test_pendulums_swing_turn_and_hesitate_exactly(start: tuple[float, float]) -> None:
    assert_solves(Pendulum(), np.array(start), np.linspace(0.0, 3.0, 40), 1e-8)


@pytest.mark.parametrize("excess", [-1e-4, -1e-9, -1e-14, 1e-14, 1e-9, 1e-4])
def test_near_the_separatrix_energy_and_continuity_hold_for_long(excess: float) -> None:
    system, t = Pendulum(), np.linspace(0.0, 100.0, 20001)
    motion = system.exact(np.array([0.0, TOP * (1 + excess)]), t)
    assert motion is not None
    np.testing.assert_allclose(system.hamiltonian(motion), system.hamiltonian(motion[0]), rtol=1e-13)
    slope = np.gradient(motion[:, 0], t)
    assert np.abs(slope - system.field(motion)[:, 0])[1:-1].max() < 1e-3
    assert (np.abs(motion[:, 0]).max() > math.pi) == (excess > 0)


def test_a_pendulum_at_its_top_stays_there() -> None:
    motion = pendulum_solution(np.array([math.pi, 0.0]), np.linspace(0, 5, 20), inertia=0.5, weight_moment=3.0)
    np.testing.assert_allclose(motion, np.tile([math.pi, 0.0], (20, 1)), atol=1e-10)


@pytest.mark.parametrize("complement", [1.0, 0.6, 1e-3, 1e-9])
def test_the_amplitude_inverts_the_first_integral(complement: float) -> None:
    angles = np.linspace(-9.0, 9.0, 41)
    integrals = np.array([first_integral(float(angle), complement) for angle in angles])
    rates = np.sqrt(np.cos(angles) ** 2 + complement * np.sin(angles) ** 2)  # am′, by which an error of u counts
    assert (np.abs(amplitude(integrals, complement) - angles) < 1e-12 * np.maximum(rates, 1e-2)).all()


@pytest.mark.parametrize("eccentricity", [0.0, 0.3, 0.99, 1 - 1e-9])
def test_keplers_equation_is_solved_to_the_last_digit(eccentricity: float) -> None:
    mean = np.linspace(-7.0, 20.0, 1001)
    found = eccentric_anomaly(mean, eccentricity)
    np.testing.assert_allclose(found - eccentricity * np.sin(found), mean, atol=2e-14)


@pytest.mark.parametrize("speed", [0.2, 0.6, 1.0, 1.3])
def test_kepler_orbits_are_exact_from_circles_to_cigars_while_drifting(speed: float) -> None:
    system = TwoBody({"mass-1": 2.0, "mass-2": 0.5, "gravitation": 1.5})
    start = system.default_start.copy()
    start[4:] *= speed
    start += np.array([0.5, 0.5, -0.2, -0.2, 0.6, 0.15, -0.4, -0.1])  # a shift, and a common velocity
    assert_solves(system, start, np.linspace(0.0, 6.0, 50), 1e-8)


def test_unbound_and_falling_bodies_have_no_kepler_orbit() -> None:
    system, t = TwoBody(), np.linspace(0.0, 1.0, 5)
    away, falling, together = (system.default_start.copy() for _ in range(3))
    away[4:] *= 2.0
    falling[4:] = 0.0
    together[:4] = 0.0
    assert system.exact(away, t) is None
    assert system.exact(falling, t) is None
    assert system.exact(together, t) is None


def test_two_bodies_in_one_place_have_finite_laws() -> None:
    system = TwoBody()
    assert np.isfinite(system.field(np.zeros(8))).all()
    assert np.isfinite(system.hamiltonian(np.zeros(8)))


@pytest.mark.parametrize("offset", [(0.0, 0.0), (0.01, -0.02)])
def test_a_body_dragged_into_the_other_stops_where_they_touch(offset: tuple[float, float]) -> None:
    system = TwoBody()
    other = system.positions(system.default_start[:4])[1]
    moved = system.place(system.default_start, 0, (other[0] + offset[0], other[1] + offset[1]))
    first, second = system.positions(moved[:4])
    bobs = [part for part in system.geometry(moved[:4]) if isinstance(part, Bob)]
    assert np.linalg.norm(first - second) == pytest.approx(sum(bob.radius for bob in bobs))


def test_a_block_dragged_through_the_wall_stops_in_front_of_it() -> None:
    system = MassSpring({"mass": 5.0})
    moved = system.place(system.default_start, 0, (-9.0, 0.5))
    wall, spring, block = (part for part in system.geometry(moved[:1]) if not isinstance(part, Rail))
    assert isinstance(wall, Anchor)
    assert isinstance(spring, Spring)
    assert isinstance(block, Block)
    assert wall.at[0] < spring.end[0] == pytest.approx(block.at[0] - block.width / 2)


@pytest.mark.parametrize(("l1", "l2"), [(1.0, 1.0), (1.5, 0.5), (0.5, 1.5)])
def test_the_lower_bob_stops_at_the_edge_of_its_reach_and_keeps_its_elbow(l1: float, l2: float) -> None:
    system = DoublePendulum({"length-1": l1, "length-2": l2})
    for start in (np.array([0.5, -0.3, 1.0, 2.0]), np.array([-0.2, 0.9, 1.0, 2.0])):
        far = system.place(start, 1, (3.0, -4.0))
        np.testing.assert_allclose(system.positions(far[:2])[1], (l1 + l2) * np.array([0.6, -0.8]), atol=1e-7)
        centre = system.place(start, 1, (0.0, 0.0))
        assert np.linalg.norm(system.positions(centre[:2])[1]) == pytest.approx(abs(l1 - l2), abs=1e-7)
        inside = system.place(start, 1, (0.3, -1.2))
        assert np.sign(np.sin(inside[1] - inside[0])) == np.sign(np.sin(start[1] - start[0]))


def test_pushing_the_upper_bob_leaves_the_lower_rods_rate() -> None:
    system, state = DoublePendulum(), np.array([0.4, -1.0, 2.0, -1.0])
    before, after = system.gradient(state)[2:], system.gradient(system.push(state, 0, (1.5, 0.2)))[2:]
    assert after[1] == pytest.approx(before[1])
    along = 1.5 * math.cos(0.4) + 0.2 * math.sin(0.4)
    assert after[0] == pytest.approx(along)


@pytest.mark.parametrize("bend", [0.0, 1e-9, 1e-3, 0.05, math.pi])
def test_a_push_along_straight_rods_stays_moderate(bend: float) -> None:
    system, state = DoublePendulum(), np.array([0.0, bend, 0.0, 0.0])
    pushed = system.push(state, 1, (1.0, 5.0))
    assert np.abs(system.gradient(pushed)[2:]).max() < 60.0
    assert system.velocities(pushed)[1, 0] == pytest.approx(1.0, abs=0.3)


def test_the_tables_load_neither_torch_nor_scipy() -> None:
    code = "import sys, hnn_engine.systems; print(sorted({'torch', 'scipy', 'PySide6'} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


# Duffing, Hénon and Heiles, and the spring pendulum -------------------------------------------------------------------


def returns(system: System, start: Array, after: float) -> Array:
    """Follow `system` from `start` for `after` seconds; return where it is then."""
    end: Array = truth(system, start, np.array([0.0, after]))[-1]
    return end


@pytest.mark.parametrize(("linear", "cubic", "reach"), [(-1.0, 1.0, 1.6), (0.0, 1.0, 0.7), (2.0, 0.5, 1.2)])
def test_duffing_swings_about_the_middle_take_the_time_of_the_elliptic_integral(
    linear: float, cubic: float, reach: float
) -> None:
    """q = A cn(Ωt | m) with Ω² = a + bA² and m = bA²/(2Ω²), so the period is 4K(m)/Ω."""
    system, start = Duffing({"linear": linear, "cubic": cubic}), np.array([reach, 0.0])
    squared = linear + cubic * reach**2
    period = 4 * float(ellipk(cubic * reach**2 / (2 * squared))) / math.sqrt(squared)
    np.testing.assert_allclose(returns(system, start, period), start, atol=1e-9)
    np.testing.assert_allclose(returns(system, start, period / 2), -start, atol=1e-9)


@pytest.mark.parametrize("reach", [1.05, 1.3, 1.41])
def test_duffing_swings_in_one_well_take_the_time_of_the_elliptic_integral(reach: float) -> None:
    """q = A dn(A√(b/2) t | m) with m = 2(1 + a/(bA²)), so the period is 2K(m)/(A√(b/2)), and q keeps its sign."""
    system, start = Duffing(), np.array([reach, 0.0])
    period = 2 * float(ellipk(2 * (1 - 1 / reach**2))) / (reach * math.sqrt(0.5))
    np.testing.assert_allclose(returns(system, start, period), start, atol=1e-8)
    assert truth(system, start, np.linspace(0.0, period, 200))[:, 0].min() > 0


@pytest.mark.parametrize("coupling", [0.5, 1.0, 2.0])
def test_henon_and_heiles_motion_is_that_of_their_equations(coupling: float) -> None:
    """x″ = −x − 2λxy, y″ = −y − λ(x² − y²), integrated by scipy from these lines alone."""

    def equations(_: float, s: Array) -> list[float]:
        x, y, px, py = s
        return [px, py, -x - 2 * coupling * x * y, -y - coupling * (x**2 - y**2)]

    system = HenonHeiles({"coupling": coupling})
    for start in system.sample_starts(np.random.default_rng(3), 4):
        t = np.linspace(0.0, 30.0, 61)
        own = solve_ivp(equations, (0.0, 30.0), start, "DOP853", t, rtol=1e-13, atol=1e-14).y.T
        followed = rollout(system, start, t, "dop853", tolerance=1e-12).coords
        np.testing.assert_allclose(followed, own, atol=1e-7 / coupling)
        energy = system.hamiltonian(followed)
        np.testing.assert_allclose(energy, energy[0], rtol=1e-10)


@pytest.mark.parametrize("coupling", [0.5, 1.0, 2.0])
def test_a_star_below_the_energy_of_the_saddles_stays_and_one_above_escapes(coupling: float) -> None:
    system, escape = HenonHeiles({"coupling": coupling}), 1 / (6 * coupling**2)
    saddles = np.array([[0.0, 1.0], [math.sqrt(0.75), -0.5], [-math.sqrt(0.75), -0.5]]) / coupling
    for x, y in saddles:
        state = np.array([x, y, 0.0, 0.0])
        assert system.hamiltonian(state) == pytest.approx(escape, rel=1e-14)
        assert np.abs(system.gradient(state)).max() < 1e-14
    starts = system.sample_starts(np.random.default_rng(0), 5000)
    energies = system.hamiltonian(starts)
    assert ((energies > 0) & (energies < escape)).all()
    assert energies.max() > 0.95 * escape
    t = np.linspace(0.0, 60.0, 121)
    far = np.linalg.norm(rollout(system, starts[:8], t, "dop853").coords[..., :2], axis=-1)
    assert far.max() < 1 / coupling
    over = np.array([0.0, 1.0 / coupling, 0.0, 0.05 / coupling])
    assert np.isfinite(rollout(system, over, t, "dop853").ended)


def test_a_spring_pendulum_bounces_as_its_mass_and_stiffness_say() -> None:
    """Straight down, y = −(l + mg/k) + A cos(√(k/m) t) whatever A, as long as the spring does not fold."""
    system = SpringPendulum({"mass": 0.8, "stiffness": 20.0})
    rate, t = math.sqrt(20.0 / 0.8), np.linspace(0.0, 5.0, 50)
    start = np.array([0.0, -system.hanging + 0.2, 0.0, 0.0])
    motion = truth(system, start, t)
    np.testing.assert_allclose(motion[:, 1], -system.hanging + 0.2 * np.cos(rate * t), atol=1e-9)
    assert not motion[:, 0].any()


def test_a_spring_pendulum_at_its_defaults_trades_bouncing_for_swinging() -> None:
    system, t = SpringPendulum(), np.linspace(0.0, 60.0, 2000)
    swing = np.abs(truth(system, system.default_start, t)[:, 0])
    early, most = swing[t < 2].max(), swing.max()
    assert early < 0.45 * system.hanging * 0.5
    assert most > 2 * early
    assert np.isfinite(system.field(np.zeros(4))).all()


def test_a_stiff_spring_pendulum_swings_as_a_pendulum() -> None:
    system = SpringPendulum({"stiffness": 100.0, "mass": 0.1, "gravity": 0.5})
    start = system._resting(np.array([0.1]), np.array([0.0]))[0]
    period = 2 * math.pi * math.sqrt(system.hanging / 0.5)
    np.testing.assert_allclose(returns(system, start, period)[:2], start[:2], atol=2e-3)


# A system that says no more than its law ------------------------------------------------------------------------------


class Plain(System):
    """One degree of freedom, and no word of how it is drawn."""

    name, title, summary, separable = "plain", "Plain", "No more than a law.", True
    constants = (Parameter("mass", "Mass", 2.0, 0.1, 5.0, "m", "kg", "Mass."),)

    @property
    def coordinates(self) -> tuple[Coordinate, ...]:
        return (Coordinate("q", "q", "m", -2.0, 3.0), Coordinate("p", "p", "kg m/s", -2.0, 2.0))

    def hamiltonian(self, coords: Array) -> Array:
        return coords[..., 1] ** 2 / (2 * self.mass) + np.cosh(coords[..., 0])

    @staticmethod
    def grad_hamiltonian(x: Array, c: Array, out: Array) -> None:
        out[0] = np.sinh(x[0])
        out[1] = x[1] / c[0]

    def sample_starts(self, rng: np.random.Generator, count: int) -> Array:
        return rng.uniform(-1.0, 1.0, (count, 2))


class Free(Plain):
    """Nothing acts on it: there is no curve to draw."""

    def hamiltonian(self, coords: Array) -> Array:
        return coords[..., 1] ** 2 / (2 * self.mass)

    @staticmethod
    def grad_hamiltonian(x: Array, c: Array, out: Array) -> None:
        out[0] = 0.0 * x[0]
        out[1] = x[1] / c[0]


class Mixed(Plain):
    """H = (1 + q²)p²/2 has no potential, and no mass."""

    separable = False

    def hamiltonian(self, coords: Array) -> Array:
        return (1 + coords[..., 0] ** 2) * coords[..., 1] ** 2 / 2

    @staticmethod
    def grad_hamiltonian(x: Array, c: Array, out: Array) -> None:
        out[0] = x[0] * x[1] * x[1]
        out[1] = (1 + x[0] * x[0]) * x[1]


class Fast(Plain):
    """A relativistic mass, H = √(1 + p²) + cosh q: its velocity never reaches 1."""

    def hamiltonian(self, coords: Array) -> Array:
        return np.sqrt(1 + coords[..., 1] ** 2) + np.cosh(coords[..., 0])

    @staticmethod
    def grad_hamiltonian(x: Array, c: Array, out: Array) -> None:
        out[0] = np.sinh(x[0])
        out[1] = x[1] / np.sqrt(1 + x[1] * x[1])


class Angle(Plain):
    """A rotor: q is an angle."""

    @property
    def coordinates(self) -> tuple[Coordinate, ...]:
        return (Coordinate("q", "q", "rad", -3.0, 3.0, periodic=True), Coordinate("p", "p", "kg m²/s", -2.0, 2.0))


class Charge(Plain):
    """A charge in a plane with a magnetic field across it: H mixes q and p, so there are no contours."""

    separable = False

    @property
    def coordinates(self) -> tuple[Coordinate, ...]:
        return tuple(Coordinate(name, name, "1", -2.0, 2.0) for name in ("x", "y", "px", "py"))

    def hamiltonian(self, coords: Array) -> Array:
        x, y, px, py = (coords[..., i] for i in range(4))
        return ((px + y / 2) ** 2 + (py - x / 2) ** 2) / 2

    @staticmethod
    def grad_hamiltonian(x: Array, c: Array, out: Array) -> None:
        u, v = x[2] + x[1] / 2, x[3] - x[0] / 2
        out[0], out[1], out[2], out[3] = -v / 2, u / 2, u, v

    def sample_starts(self, rng: np.random.Generator, count: int) -> Array:
        return rng.uniform(-1.0, 1.0, (count, 4))


@pytest.mark.parametrize("kind", [Plain, Free, Mixed, Fast, Angle, Charge])
def test_a_system_without_a_scene_is_drawn_placed_and_pushed(kind: Callable[[], System]) -> None:
    system = kind()
    states = system.sample_starts(np.random.default_rng(1), 20)
    dof, step = system.dof, 1e-6
    flow = system.field(states)[:, :dof]
    ahead, behind = (system.positions(states[:, :dof] + sign * step * flow) for sign in (1, -1))
    np.testing.assert_allclose((ahead - behind) / (2 * step), system.velocities(states), atol=1e-7)
    for state, other in zip(states, states[::-1], strict=True):
        at = system.positions(other[:dof])[0]
        moved = system.place(state, 0, (float(at[0]), float(at[1])))
        np.testing.assert_allclose(moved, [*other[:dof], *state[dof:]], atol=1e-12)
        wanted = system.velocities(np.concatenate([state[:dof], other[dof:]]))[0]
        pushed = system.push(state, 0, (float(wanted[0]), float(wanted[1])))
        np.testing.assert_allclose(pushed, [*state[:dof], *other[dof:]], atol=1e-8)
        *fixed, bob = system.geometry(state[:dof])
        assert isinstance(bob, Bob)
        assert bob.at == tuple(system.positions(state[:dof])[0])
        assert list(system.geometry(other[:dof])[:-1]) == fixed  # one drawing of what does not move


def test_a_bead_stands_on_its_potential_or_on_a_straight_line() -> None:
    curve, bead = Plain().geometry(np.array([0.7]))
    assert isinstance(curve, Lines)
    assert isinstance(bead, Bob)
    xs, ys = curve.segments[:, 0].T
    assert np.interp(bead.at[0], xs, ys) == pytest.approx(bead.at[1], abs=1e-3)
    bottom, side = (float(Plain().positions(np.array([q]))[0, 1]) for q in (0.0, 1.5))
    assert bottom == pytest.approx(0.0, abs=1e-3)
    ratio = (np.cosh(1.5) - 1) / (np.cosh(3.0) - 1)  # its height at the range's end is that of the picture
    assert side == pytest.approx(ratio * HEIGHT * 5.0, rel=1e-3)
    for kind in (Free, Mixed):
        rail, bead = kind().geometry(np.array([0.7]))
        assert isinstance(rail, Rail)
        assert isinstance(bead, Bob)
        assert bead.at == (0.7, 0.0)
    assert len(Charge().geometry(np.zeros(2))) == 1


def test_masses_are_found_where_there_are_some() -> None:
    assert Plain({"mass": 3.0}).inertia == pytest.approx([3.0])
    assert Mixed().inertia is None
    assert Fast().inertia is None
    assert Charge().inertia is None


def test_a_push_beyond_what_a_velocity_can_be_stays_finite() -> None:
    pushed = Fast().push(np.array([0.0, 0.2]), 0, (3.0, 0.0))
    assert np.isfinite(pushed).all()


def test_contours_are_where_the_level_is() -> None:
    xs, ys = np.linspace(-2.0, 2.0, 81), np.linspace(-1.5, 1.5, 61)
    values = np.add.outer(ys**2, xs**2)
    values[0, 0] = np.nan
    ends = contours(xs, ys, values, np.array([0.25, 1.0])).reshape(-1, 2)
    radii = np.linalg.norm(ends, axis=1)
    assert np.minimum(np.abs(radii - 0.5), np.abs(radii - 1.0)).max() < 2e-3
    lengths = np.linalg.norm(np.diff(ends.reshape(-1, 2, 2), axis=1), axis=-1).sum()
    assert lengths == pytest.approx(2 * math.pi * 1.5, rel=1e-2)
    assert contours(xs, ys, values, np.array([99.0])).shape == (0, 2, 2)


def test_more_than_two_degrees_of_freedom_need_a_scene_of_their_own() -> None:
    class Three(Plain):
        @property
        def coordinates(self) -> tuple[Coordinate, ...]:
            return tuple(Coordinate(name, name, "m", -1.0, 1.0) for name in "abcdef")

    with pytest.raises(HnnLabError, match="3 degrees of freedom"):
        _ = Three().bounds
