"""Steered rollouts: energy added and taken along ∇H, and time reversed, against what calculus says."""

import numpy as np
import pytest

from hnn_engine.coords import Array
from hnn_engine.errors import IntegratorError
from hnn_engine.integrators import INTEGRATORS, FlowDirection, why_not
from hnn_engine.kernels import cache as kernel_cache
from hnn_engine.models import MODELS
from hnn_engine.rollouts.energy_drift import relative_error
from hnn_engine.rollouts.rollout import DirectedFlow, rollout
from hnn_engine.rollouts.steering import STEERINGS, Segment, Steering, can_climb, follow, gap_after_return
from hnn_engine.snapshot import Snapshot
from hnn_engine.systems import SYSTEMS, System, get_system

TIMES = np.linspace(0.0, 10.0, 501)


@pytest.fixture(params=[True, False], ids=["compiled", "numpy"])
def either(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once with the compiled loops and once without."""
    monkeypatch.setattr(kernel_cache, "_loops", None)
    if request.param:
        assert kernel_cache.load()


def network(model: str) -> Snapshot:
    settings = {"width": 24, "depth": 2, "activation": "tanh"}
    return Snapshot(model, 1, settings, MODELS[model].initial_weights(1, settings, np.random.default_rng(3)))


def test_segments_cover_the_time_without_a_gap() -> None:
    assert Steering().segments(9.0) == (Segment(0.0, 9.0, FlowDirection.FORWARD),)
    assert Steering("pump", 2.0, 1.5).segments(9.0) == (
        Segment(0.0, 2.0, FlowDirection.FORWARD),
        Segment(2.0, 3.5, FlowDirection.UPHILL),
        Segment(3.5, 9.0, FlowDirection.FORWARD),
    )
    assert Steering("drain", 8.0, 5.0).segments(9.0)[1:] == (Segment(8.0, 9.0, FlowDirection.DOWNHILL),)
    assert Steering("reverse", 4.0).segments(8.0) == (
        Segment(0.0, 4.0, FlowDirection.FORWARD),
        Segment(4.0, 8.0, FlowDirection.BACKWARD),
    )
    assert Steering("reverse", 0.0).segments(8.0) == (Segment(0.0, 8.0, FlowDirection.BACKWARD),)
    assert Steering("pump", 12.0).segments(8.0) == (Segment(0.0, 8.0, FlowDirection.FORWARD),)


@pytest.mark.parametrize(("kind", "sign"), [("pump", 1.0), ("drain", -1.0)])
@pytest.mark.parametrize("at", [4.0, 4.0071])  # on the grid of times and off it
@pytest.mark.usefixtures("either")
def test_along_the_gradient_a_spring_grows_as_its_exact_solution_says(kind: str, sign: float, at: float) -> None:
    system = get_system("mass-spring", {"mass": 0.7, "stiffness": 1.3})
    start, span = np.array([0.8, -0.3]), 0.6
    answer = follow(system, start, TIMES, "dop853", Steering(kind, at, span))
    before, after = at >= TIMES, at + span < TIMES
    there = exact(system, start, at)
    lifted = there * np.exp(sign * span * np.array([1.3, 1 / 0.7]))  # dq/dt = ±kq, dp/dt = ±p/m
    within = (at < TIMES) & (at + span >= TIMES)
    spell = there * np.exp(sign * (TIMES[within, None] - at) * np.array([1.3, 1 / 0.7]))
    np.testing.assert_allclose(answer.coords[before], system.exact(start, TIMES[before]), atol=1e-9)
    np.testing.assert_allclose(answer.coords[within], spell, atol=1e-9)
    np.testing.assert_allclose(answer.coords[after], system.exact(lifted, TIMES[after] - at - span), atol=1e-8)


def exact(system: System, start: Array, t: float) -> Array:
    found = system.exact(start, np.array([0.0, t]))
    assert found is not None
    return found[1]


@pytest.mark.parametrize("name", [n for n in SYSTEMS if n not in ("double-pendulum", "three-body", "n-body")])
@pytest.mark.parametrize("method", list(INTEGRATORS))
@pytest.mark.usefixtures("either")
def test_every_system_finds_its_way_back(name: str, method: str) -> None:
    """Friction too is undone: it gives back on the way home what it took on the way out."""
    system = get_system(name)
    if why_not(method, system):
        return
    steering = Steering("reverse", 5.0)
    answer = follow(system, system.default_start, TIMES, method, steering)
    gap = gap_after_return(answer, steering)
    bound = 1e-4 if method == "rk4" else 1e-8  # the others are symmetric, or exact to 1e-12
    assert gap is not None
    assert gap < bound
    away = relative_error(answer.coords[250:251], system.default_start[None], system.periodic)
    assert away > 0.05, "it never left"
    np.testing.assert_allclose(answer.coords[251:], answer.coords[249::-1], atol=bound * 10)


@pytest.mark.usefixtures("either")
def test_going_back_is_going_to_negative_times() -> None:
    system = get_system("damped-mass-spring")
    start, t = np.array([0.5, 0.4]), np.linspace(0.0, 3.0, 31)
    back = rollout(DirectedFlow(system, FlowDirection.BACKWARD), start, t, "dop853").coords
    np.testing.assert_allclose(back, system.exact(start, -t), atol=1e-9)


@pytest.mark.usefixtures("either")
def test_a_learned_energy_rises_while_it_is_pumped_and_holds_before_and_after() -> None:
    made = network("hnn")
    start = np.array([0.7, 0.2])
    answer = follow(made, start, TIMES, "rk4", Steering("pump", 3.0, 2.0))
    energy = made.hamiltonian(answer.coords)
    assert energy is not None
    slopes = np.diff(energy)
    inside = (TIMES[1:] > 3.0) & (TIMES[1:] <= 5.0)
    assert (slopes[inside] > 0).all()
    assert np.abs(slopes[~inside]).max() < 1e-6 * slopes[inside].max()
    gradient = made.gradient(answer.coords[150])
    assert gradient is not None
    assert slopes[150] / 0.02 == pytest.approx(float(gradient @ gradient), rel=0.02)  # dH/dt = |∇H|²


@pytest.mark.usefixtures("either")
def test_a_model_without_an_energy_is_left_alone_and_says_so() -> None:
    made = network("baseline")
    start = np.array([0.7, 0.2])
    assert not can_climb(made, start)
    answer = follow(made, start, TIMES, "rk4", Steering("pump", 3.0))
    np.testing.assert_array_equal(answer.coords, rollout(made, start, TIMES).coords)
    assert "no H" in answer.note
    back = follow(made, start, TIMES, "rk4", Steering("reverse", 5.0))
    gap = gap_after_return(back, Steering("reverse", 5.0))
    assert gap is not None
    assert gap < 1e-6


def test_methods_that_need_a_hamiltonian_field_are_refused_along_a_gradient_only() -> None:
    system = get_system("pendulum")
    assert not DirectedFlow(system, FlowDirection.BACKWARD).why_not_separable
    with pytest.raises(IntegratorError, match="gradient"):
        rollout(DirectedFlow(system, FlowDirection.UPHILL), system.default_start, TIMES, "stormer-verlet")
    steered = follow(system, system.default_start, TIMES, "stormer-verlet", Steering("pump", 1.0, 0.2))
    assert not steered.diverged


@pytest.mark.usefixtures("either")
def test_what_diverges_in_a_segment_stays_away_afterwards() -> None:
    system = get_system("mass-spring")
    answer = follow(system, np.array([1.0, 0.0]), TIMES, "rk4", Steering("pump", 1.0, 8.9))
    assert answer.diverged
    assert 1.0 < float(answer.ended) < 9.9
    assert np.isnan(answer.coords[-1]).all()
    assert gap_after_return(answer, Steering("pump", 1.0)) is None


def test_every_way_of_steering_says_what_it_does() -> None:
    assert list(STEERINGS) == ["none", "pump", "drain", "reverse"]
    assert all(info.title and info.summary.endswith(".") for info in STEERINGS.values())
