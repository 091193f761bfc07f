"""Where systems rest: known fixed points, laws for all systems of one degree of freedom, and separatrices."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hnn_engine.fixed_points import fixed_points, kind_words, separatrix_energies
from hnn_engine.phase_portrait import Layers, PortraitSpec, compute_field
from hnn_engine.systems import SYSTEMS, get_system
from hnn_engine.systems.base import System

PLANE = [name for name in SYSTEMS if get_system(name).dof == 1]


def whole_plane(system: System) -> PortraitSpec:
    x, y = system.coordinates
    return PortraitSpec((0, 1), (x.low, x.high), (y.low, y.high), (0.0, 0.0))


def test_the_pendulum_hangs_at_a_centre_and_stands_at_a_saddle() -> None:
    centre, saddle = fixed_points(get_system("pendulum", {"gravity": 9.81, "mass": 2.0}))
    assert (kind_words(centre), kind_words(saddle)) == ("centre", "saddle")
    assert centre.at == (0.0, 0.0)
    assert saddle.at == pytest.approx((np.pi, 0.0), abs=1e-9)
    assert (centre.energy, saddle.energy) == pytest.approx((0.0, 2 * 2.0 * 9.81))


def test_two_wells_and_the_hump_between_them() -> None:
    system = get_system("duffing")
    kinds = [kind_words(point) for point in fixed_points(system)]
    assert sorted(kinds) == ["centre", "centre", "saddle"]
    (level,) = separatrix_energies(system)
    assert level == pytest.approx(float(system.hamiltonian(np.zeros(2))), abs=1e-9)


def test_friction_makes_a_focus_of_the_centre_and_leaves_no_separatrix() -> None:
    system = get_system("damped-pendulum")
    named = {kind_words(point) for point in fixed_points(system)}
    assert named == {"stable focus", "saddle"}
    assert separatrix_energies(system) == ()
    assert [kind_words(p) for p in fixed_points(system.with_friction(0.0))] == ["centre", "saddle"]


@pytest.mark.parametrize("name", PLANE)
def test_every_system_rests_at_its_fixed_points(name: str) -> None:
    system = get_system(name)
    found = fixed_points(system)
    assert found
    at = np.array([point.at for point in found])
    fast = np.abs(system.field(system.sample_starts(np.random.default_rng(0), 50))).max()
    assert np.abs(system.field(at)).max() < 1e-7 * fast
    np.testing.assert_allclose(system.hamiltonian(at), [point.energy for point in found], atol=1e-9)
    low, high = (np.array([getattr(c, end) for c in system.coordinates]) for end in ("low", "high"))
    assert ((at >= low - 1e-6) & (at <= high + 1e-6)).all()


def test_a_system_of_two_degrees_of_freedom_rests_too() -> None:
    system = get_system("henon-heiles")
    kinds = [kind_words(point) for point in fixed_points(system)]
    assert kinds[0] == "centre"
    assert kinds.count("saddle") == 3
    assert separatrix_energies(system) == ()


@given(st.floats(0.1, 5.0), st.floats(0.2, 3.0), st.floats(0.5, 30.0))
def test_the_separatrix_has_the_energy_of_standing_still(mass: float, length: float, gravity: float) -> None:
    system = get_system("pendulum", {"mass": mass, "length": length, "gravity": gravity})
    assert separatrix_energies(system) == pytest.approx((2 * mass * gravity * length,), rel=1e-6)
    field = compute_field(whole_plane(system), system, Layers())
    energies = system.hamiltonian(field.separatrix.points)
    np.testing.assert_allclose(energies, 2 * mass * gravity * length, rtol=2e-3)
    assert [mark.name for mark in field.landmarks] == ["centre", "saddle", "saddle"]  # at both ends of the turn
    assert {round(mark.at[0], 6) for mark in field.landmarks} == {0.0, round(np.pi, 6), -round(np.pi, 6)}


def test_landmarks_come_with_the_contours_alone() -> None:
    system = get_system("pendulum")
    bare = compute_field(whole_plane(system), system, Layers(contours=False))
    assert bare.landmarks == ()
    assert not len(bare.separatrix.points)
    part = PortraitSpec((0, 1), (0.5, 2.0), (-1.0, 1.0), (0.0, 0.0))
    assert compute_field(part, system, Layers()).landmarks == ()
