"""The compiled loops give what numpy and scipy give, digit for digit, for every system and network they follow."""

from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from typing import Any

import numpy as np
import pytest

from hnn_engine.coords import Array
from hnn_engine.integrators import INTEGRATORS, FlowDirection, why_not
from hnn_engine.kernels import cache as kernel_cache
from hnn_engine.models import MODELS
from hnn_engine.models.mlp import ACTIVATIONS
from hnn_engine.parameters import Value
from hnn_engine.rollouts.rollout import CHUNK, DirectedFlow, compiled_flow, rollout
from hnn_engine.snapshot import Float32Snapshot, Snapshot
from hnn_engine.systems import SYSTEMS, System, get_system
from tests.fields import FIELD_IDS, FIELDS, VARIANTS, fresh

FIXED = [name for name, info in INTEGRATORS.items() if not info.adaptive]
COMPILED = ("rk4", "implicit-midpoint")
WIDTHS = (5, 13, 31)  # odd: the loops take four rows at a time


@pytest.fixture
def both(monkeypatch: pytest.MonkeyPatch) -> None:
    """Load the kernels for this test alone."""
    monkeypatch.setattr(kernel_cache, "_loops", None)
    assert kernel_cache.load()


def network(
    model: str, activation: str, depth: int, width: int, dtype: type, dof: int = 1, **variant: Value
) -> Snapshot:
    settings: dict[str, Value] = {"width": width, "depth": depth, "activation": activation, **variant}
    return fresh(model, settings, dof, [depth, width], dtype, rough=1e-3)


def in_numpy(
    flow: Any, monkeypatch: pytest.MonkeyPatch, method: str, start: Array, times: Array, substeps: int = 2
) -> Array:
    with monkeypatch.context() as patch:
        patch.setattr(kernel_cache, "_loops", None)
        return rollout(flow, start, times, method, substeps=substeps).coords


@pytest.mark.parametrize("activation", list(ACTIVATIONS))
@pytest.mark.parametrize(("model", "variant"), FIELDS, ids=FIELD_IDS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.usefixtures("both")
def test_fields_and_rollouts_equal_those_of_numpy(
    model: str, variant: dict[str, Value], activation: str, dtype: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = np.array([0.0, 0.02, 0.05, 0.2, 0.5, 0.6])
    for depth in (1, 2, 3):
        for width in WIDTHS:
            made = network(model, activation, depth, width, dtype, **variant)
            start = np.random.default_rng(width).normal(size=2)
            expected = MODELS[model].field(np, made._wide, made.settings, start)
            np.testing.assert_allclose(made.field(start), expected, rtol=0, atol=1e-12)
            for method in (m for m in FIXED if not why_not(m, made)):
                assert compiled_flow(made, method) is not None
                fast = rollout(made, start, times, method, substeps=2).coords
                np.testing.assert_allclose(fast, in_numpy(made, monkeypatch, method, start, times), rtol=0, atol=1e-12)


@pytest.mark.parametrize("activation", list(ACTIVATIONS))
@pytest.mark.parametrize(("model", "variant"), FIELDS, ids=FIELD_IDS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.usefixtures("both")
def test_a_batch_is_followed_as_in_numpy(
    model: str, variant: dict[str, Value], activation: str, dtype: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = np.array([0.0, 0.02, 0.05, 0.2, 0.5, 0.6])
    for dof, depth, width, count in ((1, 1, 5, 3), (1, 3, 13, 1), (2, 2, 8, 17)):
        made = network(model, activation, depth, width, dtype, dof, **variant)
        starts = np.random.default_rng(width).normal(size=(count, 2 * dof))
        for method in (m for m in FIXED if not why_not(m, made)):
            assert (compiled_flow(made, method, rows=5) is None) == (method == "implicit-midpoint")
            for direction in (FlowDirection.FORWARD, FlowDirection.BACKWARD):
                flow = DirectedFlow(made, direction)
                fast = rollout(flow, starts, times, method, substeps=2).coords
                slow = in_numpy(flow, monkeypatch, method, starts, times)
                np.testing.assert_allclose(fast, slow, rtol=0, atol=1e-12)
        about = rollout(Float32Snapshot(made), starts, times, substeps=2).coords
        np.testing.assert_allclose(
            about, rollout(made, starts, times, substeps=2).coords, atol=1e-5 * (dtype is np.float32)
        )


@pytest.mark.usefixtures("both")
def test_a_large_batch_is_followed_in_threads_as_each_by_itself() -> None:
    made, times = network("dissipative-hnn", "tanh", 2, 12, np.float32), np.linspace(0.0, 1.0, 26)
    starts = np.random.default_rng(1).normal(size=(2 * CHUNK + 7, 2))
    batch = rollout(made, starts, times).coords
    assert batch.shape == (26, *starts.shape)
    for i in (0, CHUNK - 1, CHUNK, 2 * CHUNK + 6):
        np.testing.assert_allclose(batch[:, i], rollout(made, starts[i], times).coords, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("model", "variant"), FIELDS, ids=FIELD_IDS)
@pytest.mark.parametrize("dof", [1, 2])
@pytest.mark.usefixtures("both")
def test_in_a_batch_each_has_adaptive_steps_of_its_own(model: str, variant: dict[str, Value], dof: int) -> None:
    made = network(model, "tanh", 2, 9, np.float32, dof, **variant)
    starts = np.random.default_rng(2).normal(size=(11, 2 * dof)) * np.geomspace(0.01, 10.0, 11)[:, None]
    times = np.array([0.0, 0.02, 0.05, 2.0, 2.5, 6.0])
    for direction in (FlowDirection.FORWARD, FlowDirection.BACKWARD):
        flow = DirectedFlow(made, direction)
        batch = rollout(flow, starts, times, "dop853", tolerance=1e-8).coords
        for i, start in enumerate(starts):
            alone = rollout(flow, start, times, "dop853", tolerance=1e-8).coords
            np.testing.assert_allclose(batch[:, i], alone, rtol=1e-9, atol=1e-9)


@pytest.mark.usefixtures("both")
def test_a_batch_s_adaptive_steps_end_where_each_does(monkeypatch: pytest.MonkeyPatch) -> None:
    made = network("baseline", "silu", 1, 8, np.float64)
    weights = {**made.weights, "w0": np.abs(made.weights["w0"]), "out": 3 * np.abs(made.weights["out"])}
    made, times = Snapshot("baseline", 1, made.settings, weights), np.linspace(0.0, 30.0, 301)
    starts = np.array([[1.0, 1.0], [-40.0, -40.0], [np.nan, 0.0], [0.5, 1.0]])
    batch = rollout(made, starts, times, "dop853", tolerance=1e-9)
    for i, start in enumerate(starts):
        alone = rollout(made, start, times, "dop853", tolerance=1e-9)
        np.testing.assert_array_equal(np.isnan(batch.coords[:, i]), np.isnan(alone.coords))
        np.testing.assert_allclose(batch.coords[:, i], alone.coords, rtol=1e-6)
    few = rollout(made, starts, times, "dop853", tolerance=1e-9, limit=100)
    assert np.isnan(few.coords[-1, 0]).all()
    loops = import_module("hnn_engine.kernels.follow")
    monkeypatch.setattr(loops, "LEAST", 1)
    monkeypatch.setattr(loops, "SLICE", 1)
    asked: list[None] = []
    stopped = rollout(made, starts[[1, 3]], times, "dop853", interrupt=lambda: not asked.append(None))
    assert len(asked) <= 2, "once in each thread"
    assert np.isnan(stopped.coords[-1]).all()


@pytest.mark.usefixtures("both")
def test_one_of_a_batch_that_is_lost_leaves_the_others_alone() -> None:
    made = network("baseline", "silu", 1, 8, np.float64)
    weights = {**made.weights, "w0": np.abs(made.weights["w0"]), "out": 3 * np.abs(made.weights["out"])}
    made = Snapshot("baseline", 1, made.settings, weights)
    times, starts = np.linspace(0.0, 30.0, 1501), np.array([[1.0, 1.0], [-40.0, -40.0], [np.nan, 0.0], [0.5, 1.0]])
    batch = rollout(made, starts, times)
    assert np.isfinite(batch.ended).tolist() == [True, False, True, True]
    for i, start in enumerate(starts):
        alone = rollout(made, start, times)
        np.testing.assert_array_equal(np.isnan(batch.coords[:, i]), np.isnan(alone.coords))
        np.testing.assert_allclose(batch.coords[:, i], alone.coords, rtol=1e-9)


@pytest.mark.usefixtures("both")
def test_a_batch_can_be_ended_in_between() -> None:
    made, asked = network("hnn", "tanh", 2, 12, np.float32), []

    def interrupt() -> bool:
        asked.append(None)
        return len(asked) > 2

    answer = rollout(made, np.ones((100, 2)), np.linspace(0.0, 10.0, 1001), interrupt=interrupt)
    ends = np.isnan(answer.coords[:, :, 0]).any(axis=1)
    assert not ends[1]
    assert ends[-1]


@pytest.mark.usefixtures("both")
def test_four_degrees_of_freedom_and_any_batch_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    for model, variant in VARIANTS:
        made = network(model, "tanh", 2, 17, np.float32, dof=4, **variant)
        states = np.random.default_rng(0).normal(size=(3, 3, 8))
        expected = MODELS[model].field(np, made._wide, made.settings, states)
        np.testing.assert_allclose(made.field(states), expected, atol=1e-12)
        np.testing.assert_allclose(made.field(states[:1, :2]), expected[:1, :2], atol=1e-12)
        times = np.linspace(0, 0.3, 4)
        fast = rollout(made, states[0, 0], times, substeps=2).coords
        np.testing.assert_allclose(fast, in_numpy(made, monkeypatch, "rk4", states[0, 0], times), atol=1e-12)


@pytest.mark.parametrize("activation", ["tanh", "softplus", "silu"])  # those that are made of exp
@pytest.mark.parametrize("model", ["baseline", "hnn"])  # σ and σ′
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.usefixtures("both")
def test_activations_hold_over_their_whole_range(dtype: type, model: str, activation: str) -> None:
    made = network(model, activation, 1, 7, dtype)
    weights = {**made.weights, "w0": (100 * made.weights["w0"]).astype(dtype)}
    steep = Snapshot(model, 1, made.settings, weights)
    for size in (1e-12, 1e-6, 1e-3, 0.1, 1.0, 10.0, 1e5):
        state = size * np.array([0.3, -1.0])
        expected = MODELS[model].field(np, steep._wide, steep.settings, state)
        np.testing.assert_allclose(steep.field(state), expected, rtol=0, atol=1e-13 * max(1.0, *np.abs(expected)))


@pytest.mark.parametrize("method", COMPILED)
@pytest.mark.parametrize("start", [[np.nan, 0.0], [0.0, np.nan], [np.nan, np.nan]])
@pytest.mark.usefixtures("both")
def test_nan_stays_nan(method: str, start: list[float]) -> None:
    made = network("hnn", "tanh", 2, 9, np.float32)
    answer = rollout(made, np.array(start), np.linspace(0, 1, 6), method)
    assert np.isnan(answer.coords).all()
    assert answer.diverged


@pytest.mark.parametrize("activation", ["softplus", "silu"])  # those that grow without bound
@pytest.mark.parametrize("method", COMPILED)
@pytest.mark.usefixtures("both")
def test_divergence_is_seen_where_numpy_sees_it(method: str, activation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = network("baseline", activation, 1, 8, np.float64)
    weights = {**made.weights, "w0": np.abs(made.weights["w0"]), "out": 3 * np.abs(made.weights["out"])}
    made = Snapshot("baseline", 1, made.settings, weights)
    times = np.linspace(0.0, 30.0, 1501)
    fast = rollout(made, np.ones(2), times, method)
    assert fast.diverged
    with monkeypatch.context() as patch:
        patch.setattr(kernel_cache, "_loops", None)
        slow = rollout(made, np.ones(2), times, method)
    assert fast.ended == slow.ended
    assert fast.note == slow.note


@pytest.mark.usefixtures("both")
def test_a_midpoint_step_that_does_not_converge_ends_as_in_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    made = network("hnn", "sine", 2, 16, np.float64)
    steep = Snapshot("hnn", 1, made.settings, {n: 6 * w for n, w in made.weights.items()})
    times, start = np.array([0.0, 20.0, 40.0]), np.array([0.7, -0.2])
    fast = rollout(steep, start, times, "implicit-midpoint")
    assert np.isnan(fast.coords[1:]).all()
    assert "did not converge" in fast.note
    assert np.isnan(in_numpy(steep, monkeypatch, "implicit-midpoint", start, times)[1:]).all()


@pytest.mark.usefixtures("both")
def test_layouts_other_than_contiguous_ones_are_taken() -> None:
    made = network("hnn", "tanh", 2, 9, np.float32)
    table = np.random.default_rng(0).normal(size=(2, 6))
    table.flags.writeable = False
    times = np.linspace(0.0, 1.0, 21)[::2]
    expected = rollout(made, np.array(table[:, 3]), np.array(times)).coords
    np.testing.assert_array_equal(rollout(made, table[:, 3], times).coords, expected)


def test_without_kernels_there_is_no_compiled_flow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel_cache, "_loops", None)
    made = network("hnn", "tanh", 1, 5, np.float32)
    assert compiled_flow(made, "rk4") is None


def drawn(name: str, seed: int) -> tuple[System, Array]:
    """A system with constants drawn from the middle of their ranges, and a start of its training distribution."""
    rng = np.random.default_rng(seed)
    constants = {c.name: type(c.default)(rng.uniform(0.8, 1.3) * float(c.default)) for c in SYSTEMS[name].constants}
    system = get_system(name, constants)
    return system, system.sample_starts(rng, 1)[0]


@pytest.mark.parametrize("method", list(INTEGRATORS))
@pytest.mark.parametrize("name", list(SYSTEMS))
@pytest.mark.usefixtures("both")
def test_systems_are_followed_as_in_numpy(name: str, method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(3):
        system, start = drawn(name, seed)
        if why_not(method, system):
            continue
        times = np.cumsum(np.random.default_rng(seed).uniform(0.0, 0.04, 120)) - 1.0
        assert compiled_flow(system, method) is not None
        fast = rollout(system, start, times, method, substeps=2)
        assert not fast.diverged
        slow = in_numpy(system, monkeypatch, method, start, times)
        np.testing.assert_allclose(fast.coords, slow, rtol=0, atol=1e-11 * max(1.0, float(np.abs(slow).max())))


@pytest.mark.parametrize("tolerance", [1e-5, 1e-9, 1e-12])
@pytest.mark.usefixtures("both")
def test_networks_are_followed_adaptively_as_by_scipy(tolerance: float, monkeypatch: pytest.MonkeyPatch) -> None:
    made = network("hnn", "tanh", 2, 13, np.float32, dof=2)
    start, times = np.array([0.4, -0.7, 0.2, 0.9]), np.linspace(0.0, 9.0, 57)
    fast = rollout(made, start, times, "dop853", tolerance=tolerance).coords
    with monkeypatch.context() as patch:
        patch.setattr(kernel_cache, "_loops", None)
        slow = rollout(made, start, times, "dop853", tolerance=tolerance).coords
    np.testing.assert_allclose(fast, slow, rtol=0, atol=1e-10)


@pytest.mark.usefixtures("both")
def test_the_compiled_reference_stays_on_exact_solutions() -> None:
    for name in ("mass-spring", "pendulum", "two-body", "damped-mass-spring"):
        system, start = drawn(name, 7)
        times = np.linspace(0.0, 20.0, 301)
        exact = system.exact(start, times)
        assert exact is not None
        coords = rollout(system, start, times, "dop853").coords
        assert np.abs(coords - exact).max() < 1e-9 * np.abs(exact).max()


@pytest.mark.usefixtures("both")
def test_a_fall_into_a_singularity_ends_where_scipy_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    system = get_system("two-body")
    start = np.array([1.0, -1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])  # at rest: they fall straight into each other
    times = np.linspace(0.0, 10.0, 401)
    fast = rollout(system, start, times, "dop853")
    with monkeypatch.context() as patch:
        patch.setattr(kernel_cache, "_loops", None)
        slow = rollout(system, start, times, "dop853")
    assert fast.diverged
    assert float(fast.ended) == pytest.approx(float(slow.ended), abs=0.03)
    before = times < float(slow.ended) - 0.1
    np.testing.assert_allclose(fast.coords[before], slow.coords[before], atol=1e-8)


@pytest.mark.parametrize("method", ["rk4", "implicit-midpoint", "dop853"])
@pytest.mark.usefixtures("both")
def test_a_rollout_can_be_ended_in_between(method: str) -> None:
    system = get_system("double-pendulum")
    asked = []

    def enough() -> bool:
        asked.append(1)
        return len(asked) > 2

    times = np.linspace(0.0, 400.0, 20_001)
    answer = rollout(system, system.default_start, times, method, interrupt=enough)
    assert len(asked) == 3
    assert 2 < np.isfinite(answer.coords[:, 0]).sum() < 10_000


@pytest.mark.usefixtures("both")
def test_a_start_of_another_size_is_refused() -> None:
    for flow in (get_system("pendulum"), network("hnn", "tanh", 1, 5, np.float32)):
        with pytest.raises(ValueError, match="shape"):
            rollout(flow, np.zeros(4), np.linspace(0, 1, 3))


@pytest.mark.usefixtures("both")
def test_one_network_is_followed_in_several_threads_at_once() -> None:
    made = network("hnn", "tanh", 2, 31, np.float32)
    starts, times = np.random.default_rng(0).normal(size=(24, 2)), np.linspace(0.0, 4.0, 201)
    alone = [rollout(made, start, times).coords for start in starts]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda start: rollout(made, start, times).coords, starts))
    np.testing.assert_array_equal(together, alone)


@pytest.mark.parametrize("direction", [FlowDirection.UPHILL, FlowDirection.DOWNHILL])
@pytest.mark.parametrize("dof", [1, 2])
@pytest.mark.parametrize(("model", "variant"), FIELDS, ids=FIELD_IDS)
@pytest.mark.usefixtures("both")
def test_what_climbs_follows_the_gradient_of_h_alone(
    model: str, variant: dict[str, Value], dof: int, direction: FlowDirection, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = network(model, "tanh", 2, 13, np.float32, dof, **variant)
    if not made.has_energy:
        return
    start, times = np.random.default_rng(dof).normal(size=2 * dof), np.linspace(0.0, 1.0, 11)
    fast = rollout(DirectedFlow(made, direction), start, times).coords
    slow = in_numpy(DirectedFlow(made, direction), monkeypatch, "rk4", start, times, substeps=1)
    np.testing.assert_allclose(fast, slow, rtol=0, atol=1e-12)


@pytest.mark.parametrize("scale", [0.0, 0.5, 2.0, -1.0])
@pytest.mark.parametrize(("model", "variant"), FIELDS, ids=FIELD_IDS)
@pytest.mark.usefixtures("both")
def test_scaled_friction_is_followed_as_in_numpy(
    model: str, variant: dict[str, Value], scale: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = network(model, "tanh", 2, 13, np.float32, **variant)
    if not made.dissipates:
        return
    scaled, start, times = made.with_friction(scale), np.array([0.7, -0.4]), np.linspace(0.0, 1.0, 11)
    fast = rollout(scaled, start, times).coords
    np.testing.assert_allclose(fast, in_numpy(scaled, monkeypatch, "rk4", start, times, 1), rtol=0, atol=1e-12)
    assert np.abs(fast - rollout(made, start, times).coords).max() > 1e-4


@pytest.mark.parametrize("activation", list(ACTIVATIONS))
@pytest.mark.parametrize(("model", "variant"), FIELDS, ids=FIELD_IDS)
@pytest.mark.usefixtures("both")
def test_float32_rollouts_are_right_to_six_digits(model: str, variant: dict[str, Value], activation: str) -> None:
    times = np.linspace(0.0, 2.0, 51)
    for depth, width, dof in ((1, 5, 1), (2, 31, 2), (3, 13, 4), (2, 2, 4)):
        made = network(model, activation, depth, width, np.float32, dof=dof, **variant)
        start = np.random.default_rng(width).normal(size=2 * dof)
        single, exact = rollout(Float32Snapshot(made), start, times).coords, rollout(made, start, times).coords
        assert 0 < np.abs(single - exact).max() < 1e-5 * max(1.0, float(np.abs(exact).max()))
        for method in ("implicit-midpoint", "dop853"):
            np.testing.assert_array_equal(
                rollout(Float32Snapshot(made), start, times, method).coords, rollout(made, start, times, method).coords
            )


def test_a_part_that_python_calls_raises() -> None:
    """Parts have no entry for Python: numba would jump to address 0 and end the process."""
    from hnn_engine.kernels.jit import jit

    @jit
    def twice(x: float) -> float:
        return 2 * x

    with pytest.raises(TypeError):
        twice(1.0)
