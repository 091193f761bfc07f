"""Models: a field is J∇H and friction and nothing else; numpy and torch run the same lines; weights follow the seed."""

from dataclasses import replace

import numpy as np
import pytest

from hnn_engine.coords import Array, symplectic
from hnn_engine.errors import ExperimentError, ParameterError, UnknownNameError
from hnn_engine.experiment import checked, model_spec, new_experiment
from hnn_engine.fitting.network_sizes import PAPER_NETWORK, with_size
from hnn_engine.models import MODELS, get_model
from hnn_engine.models.mlp import ACTIVATIONS, parameter_count
from hnn_engine.parameters import Value
from hnn_engine.snapshot import Snapshot
from hnn_engine.systems import SYSTEMS, get_system
from tests.fields import IDS, VARIANTS, fresh

CASES = [(a, d, n) for a in ACTIVATIONS for d, n in ((1, 1), (2, 2), (3, 4))]


def snapshot(
    model: str, activation: str = "tanh", depth: int = 2, dof: int = 1, width: int = 24, **variant: Value
) -> Snapshot:
    settings: dict[str, Value] = {"width": width, "depth": depth, "activation": activation, **variant}
    return fresh(model, settings, dof, [depth, dof])


def states(dof: int, count: int = 12) -> Array:
    return 1.5 * np.random.default_rng(9).standard_normal((count, 2 * dof))


def central(function: object, coords: Array, eps: float = 1e-5) -> Array:
    """Return ∂f/∂x on a new last axis, by central differences of fourth order."""
    columns = []
    for shift in np.eye(coords.shape[-1]):
        f = [np.asarray(function(coords + k * eps * shift)) for k in (-2, -1, 1, 2)]  # type: ignore[operator]
        columns.append((f[0] - 8 * f[1] + 8 * f[2] - f[3]) / (12 * eps))
    return np.stack(columns, axis=-1)


EACH = pytest.mark.parametrize(("model", "variant"), VARIANTS, ids=IDS)
ENERGETIC = [(name, variant) for name, variant in VARIANTS if MODELS[name].has_energy]


@pytest.mark.parametrize(("activation", "depth", "dof"), CASES)
@pytest.mark.parametrize(("model", "variant"), ENERGETIC)
def test_the_gradient_is_that_of_h(
    model: str, variant: dict[str, Value], activation: str, depth: int, dof: int
) -> None:
    made, x = snapshot(model, activation, depth, dof, **variant), states(dof)
    np.testing.assert_allclose(made.gradient(x), central(made.hamiltonian, x, 1e-3), rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("scale", [1.0, 0.3, -2.0])
@pytest.mark.parametrize("dof", [1, 3])
@pytest.mark.parametrize(("model", "variant"), ENERGETIC)
def test_a_field_is_the_symplectic_gradient_of_h_and_friction(
    model: str, variant: dict[str, Value], dof: int, scale: float
) -> None:
    made, x = snapshot(model, dof=dof, **variant), states(dof)
    gradient, friction = made.gradient(x), MODELS[model].dissipation(np, made.weights, made.settings, x)
    assert gradient is not None
    assert (friction is not None) is made.dissipates
    if not made.dissipates:
        np.testing.assert_allclose(made.field(x), symplectic(gradient), rtol=0, atol=1e-12)
        assert made.with_friction(scale) is made
        return
    field = made.with_friction(scale).field(x)
    np.testing.assert_allclose(field, symplectic(gradient) + scale * friction, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("activation", "depth", "dof"), CASES)
@pytest.mark.parametrize("model", ["hnn", "separable-hnn"])
def test_what_has_an_h_and_no_friction_keeps_phase_volume_and_its_h(
    model: str, activation: str, depth: int, dof: int
) -> None:
    made, x = snapshot(model, activation, depth, dof), states(dof)
    jacobian = central(made.field, x, 1e-3)
    assert np.abs(np.trace(jacobian, axis1=-2, axis2=-1)).max() < 1e-8
    slope = (central(made.hamiltonian, x, 1e-3) * made.field(x)).sum(axis=-1)
    assert np.abs(slope).max() < 1e-8


@pytest.mark.parametrize("model", ["baseline", "second-order", "conservative-hnn"])
def test_some_have_neither_an_h_nor_zero_divergence(model: str) -> None:
    made = snapshot(model)
    assert made.hamiltonian(states(1)) is None
    assert made.gradient(states(1)) is None
    assert not made.has_energy
    assert not made.dissipates
    assert np.abs(np.trace(central(made.field, states(1)), axis1=-2, axis2=-1)).max() > 1e-3


@pytest.mark.parametrize("dof", [1, 4])
def test_the_second_order_model_knows_how_positions_move(dof: int) -> None:
    made, x = snapshot("second-order", dof=dof), states(dof)
    np.testing.assert_allclose(made.field(x)[:, :dof], x[:, dof:] / made.weights["inertia"], rtol=1e-15)
    assert np.abs(made.field(x)[:, dof:]).max() > 0.1


@pytest.mark.parametrize("name", list(SYSTEMS))
def test_the_second_order_model_is_told_the_masses_or_refuses(name: str) -> None:
    model, system = MODELS["second-order"], get_system(name)
    experiment = replace(new_experiment(name), models=(model_spec("second-order"),))
    if system.inertia is None:
        with pytest.raises(ExperimentError, match=r"^Second-order needs dq/dt = p/m with fixed masses.*another model$"):
            checked(experiment)
        other = new_experiment("pendulum")
        before = checked(replace(experiment, source=other.source, data=other.data, start=(0.5, 0.0)))
        with pytest.raises(ExperimentError, match="Second-order needs"):  # and where the system alone is changed
            checked(replace(before, source=experiment.source, data=experiment.data, start=experiment.start), before)
        return
    assert checked(experiment).models[0].name == "second-order"
    known = model.known(system)
    assert {n: v.shape for n, v in known.items()} == model.known_shapes(system.dof)


def test_no_other_model_refuses_a_system_but_those_that_need_a_camera() -> None:
    unseen = [name for name, system in SYSTEMS.items() if not system.observed]
    for name, model in MODELS.items():
        refused = [s for s in SYSTEMS if model.why_not(get_system(s))]
        if name != "second-order":
            assert refused == (unseen if model.observes_frames else [])


@pytest.mark.parametrize("dof", [1, 2])
def test_a_separable_hnn_moves_each_half_by_the_other(dof: int) -> None:
    made, x = snapshot("separable-hnn", dof=dof), states(dof)
    jacobian = central(made.field, x)
    assert np.abs(jacobian[:, :dof, :dof]).max() < 1e-9  # of dq/dt by q
    assert np.abs(jacobian[:, dof:, dof:]).max() < 1e-9
    assert np.abs(jacobian[:, :dof, dof:]).max() > 1e-2


@pytest.mark.parametrize("dof", [1, 2])
def test_a_conservative_field_has_no_curl_and_a_mixed_one_has(dof: int) -> None:
    curls = {}
    for model in ("conservative-hnn", "mixed-hnn"):
        jacobian = central(snapshot(model, dof=dof).field, states(dof))
        curls[model] = np.abs(jacobian - np.swapaxes(jacobian, -1, -2)).max()
    assert curls["conservative-hnn"] < 1e-8
    assert curls["mixed-hnn"] > 0.1


def test_a_mixed_field_has_the_paper_s_order_of_outputs() -> None:
    """Its first output alone moves along a gradient, its second alone as an HNN."""
    made, x = snapshot("mixed-hnn"), states(1)
    for k, name in ((0, "conservative-hnn"), (1, "hnn")):
        keep = np.zeros((1, 2), dtype=np.float32)
        keep[0, k] = 1.0
        one = Snapshot("mixed-hnn", 1, made.settings, {**made.weights, "out": made.weights["out"] * keep})
        same = Snapshot(name, 1, made.settings, {**made.weights, "out": made.weights["out"][:, [k]]})
        np.testing.assert_allclose(one.field(x), same.field(x), rtol=0, atol=1e-14)


# The two splits of a dissipative field --------------------------------------------------------------------------------


def quadratic(q: float, p: float, qp: float) -> dict[str, Array]:
    """Return a network of one layer of sines that gives (q·q² + p·p²)/2 + qp·(q p) but for a constant and 1e-6."""
    small = 1e-3
    rows = small * np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [1.0, -1.0]])
    # sin(π/2 + εz) = 1 − (εz)²/2, and (q+p)² − (q−p)² = 4qp
    out = -np.array([q, p, qp / 2, -qp / 2]) / small**2
    return {"w0": rows.T, "b0": np.full(4, np.pi / 2), "out": out[:, None]}


def split_field(h: dict[str, Array], d: dict[str, Array], friction: str) -> Snapshot:
    settings = model_spec("dissipative-hnn", {"width": 4, "depth": 1, "activation": "sine", "friction": friction})
    weights = {**{f"h.{n}": w for n, w in h.items()}, **{f"d.{n}": w for n, w in d.items()}}
    return Snapshot("dissipative-hnn", 1, settings.settings, weights)


def test_the_published_split_is_not_unique_and_the_other_is() -> None:
    """(0, −γp) = J∇(γqp/2) + ∇(−γ(q² + p²)/4): two ways to say the same field, which scaling tells apart."""
    gamma, mass, stiffness, x = 0.3, 0.5, 2.0, states(1, 40)
    plain = quadratic(stiffness, 1 / mass, 0.0), quadratic(0.0, -gamma, 0.0)
    shared = quadratic(stiffness, 1 / mass, gamma / 2), quadratic(-gamma / 2, -gamma / 2, 0.0)
    true = np.stack([x[:, 1] / mass, -stiffness * x[:, 0] - gamma * x[:, 1]], axis=-1)
    for parts in (plain, shared):
        made = split_field(*parts, "gradient")
        np.testing.assert_allclose(made.field(x), true, atol=1e-4)
        assert not made.split_unique
    doubled = true - gamma * np.stack([np.zeros(40), x[:, 1]], axis=-1)
    np.testing.assert_allclose(split_field(*plain, "gradient").with_friction(2).field(x), doubled, atol=1e-4)
    assert np.abs(split_field(*shared, "gradient").with_friction(2).field(x) - doubled).max() > 0.3
    # On momenta alone, what H held of the friction is not made up for: the field is another.
    unique = split_field(*plain, "momentum")
    assert unique.split_unique
    np.testing.assert_allclose(unique.field(x), true, atol=1e-4)
    np.testing.assert_allclose(unique.with_friction(2).field(x), doubled, atol=1e-4)
    assert np.abs(split_field(*shared, "momentum").field(x) - true).max() > 0.1


@pytest.mark.parametrize(("activation", "depth", "dof"), CASES)
def test_friction_on_momenta_vanishes_with_them(activation: str, depth: int, dof: int) -> None:
    made, x = snapshot("dissipative-hnn", activation, depth, dof, friction="momentum"), states(dof)
    friction = MODELS["dissipative-hnn"].dissipation(np, made._wide, made.settings, x)
    assert friction is not None
    assert not friction[:, :dof].any()
    assert np.abs(friction[:, dof:]).max() > 1e-3
    still = np.concatenate([x[:, :dof], np.zeros((len(x), dof))], axis=-1)
    at_rest = MODELS["dissipative-hnn"].dissipation(np, made._wide, made.settings, still)
    assert at_rest is not None
    assert np.abs(at_rest).max() < 1e-15


def test_only_friction_on_momenta_has_a_unique_split() -> None:
    unique = [variant for model, variant in VARIANTS if snapshot(model, **variant).split_unique]
    assert unique == [{"friction": "momentum"}]


@pytest.mark.parametrize("activation", list(ACTIVATIONS))
def test_the_slope_of_an_activation_is_its_derivative(activation: str) -> None:
    a = np.linspace(-30, 30, 121)
    value, slope = ACTIVATIONS[activation](np, a)
    numeric = (ACTIVATIONS[activation](np, a + 1e-6)[0] - ACTIVATIONS[activation](np, a - 1e-6)[0]) / 2e-6
    np.testing.assert_allclose(slope, numeric, atol=2e-8)
    assert np.isfinite(value).all()


@pytest.mark.parametrize(("activation", "depth", "dof"), CASES)
@EACH
def test_torch_gives_the_numbers_of_numpy(
    model: str, variant: dict[str, Value], activation: str, depth: int, dof: int
) -> None:
    import torch

    made, x = snapshot(model, activation, depth, dof, **variant), states(dof)
    weights = {name: torch.from_numpy(w.astype(np.float64)) for name, w in made.weights.items()}
    field = MODELS[model].field(torch, weights, made.settings, torch.from_numpy(x))
    np.testing.assert_allclose(field.numpy(), made.field(x), rtol=0, atol=1e-12)
    energy = MODELS[model].hamiltonian(torch, weights, made.settings, torch.from_numpy(x))
    if energy is not None:
        np.testing.assert_allclose(energy.numpy(), made.hamiltonian(x), rtol=0, atol=1e-12)


@EACH
def test_batches_of_any_shape_are_single_states_side_by_side(model: str, variant: dict[str, Value]) -> None:
    made, x = snapshot(model, dof=2, **variant), states(2)
    cube = made.field(x.reshape(3, 4, 4))
    assert cube.shape == (3, 4, 4)
    for one, value in zip(x, cube.reshape(-1, 4), strict=True):
        np.testing.assert_allclose(made.field(one), value, atol=1e-14)


@pytest.mark.parametrize("model", list(MODELS))
@pytest.mark.parametrize("dof", [1, 4])
def test_fresh_weights_are_orthogonal_float32_of_the_stated_shapes(model: str, dof: int) -> None:
    settings = model_spec(model, {"depth": 3, "width": 40}).settings
    weights = MODELS[model].initial_weights(dof, settings, np.random.default_rng(2))
    assert {n: w.shape for n, w in weights.items()} == MODELS[model].weight_shapes(dof, settings)
    for name, w in weights.items():
        assert w.dtype == np.float32
        if w.ndim == 2:
            small = w.T @ w if w.shape[0] >= w.shape[1] else w @ w.T
            np.testing.assert_allclose(small, np.eye(len(small)), atol=1e-6)
        else:
            fan_in = weights[name.replace("b", "w")].shape[0]
            assert np.abs(w).max() <= 1 / np.sqrt(fan_in)
            assert np.abs(w).max() > 0.7 / np.sqrt(fan_in)


def of_the_paper(model: str) -> dict[str, Value]:
    """Return the default settings of `model`, with the paper's network where width and depth are automatic."""
    return with_size(model_spec(model).settings, PAPER_NETWORK)


def test_the_defaults_are_the_paper_s_network() -> None:
    for model, outputs in (("baseline", 2), ("hnn", 1)):
        weights = MODELS[model].initial_weights(1, of_the_paper(model), np.random.default_rng(0))
        assert parameter_count(weights) == 2 * 200 + 200 + 200 * 200 + 200 + 200 * outputs


@pytest.mark.parametrize("model", list(MODELS))
def test_weights_follow_the_seed(model: str) -> None:
    settings = of_the_paper(model)
    one, same, other = (MODELS[model].initial_weights(1, settings, np.random.default_rng(s)) for s in (1, 1, 2))
    assert all(np.array_equal(one[n], same[n]) for n in one)
    assert not any(np.array_equal(one[n], other[n]) for n in one)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"width": 1}, "width is 1, but it must be a whole number from 2 to 2000"),
        ({"width": 20.5}, "whole number"),
        ({"width": "many"}, "width is 'many'"),
        ({"width": 10**400}, "width is"),
        ({"depth": 0}, "from 1 to 6"),
        ({"depth": True}, "depth is True"),
        ({"activation": "relu"}, "must be one of tanh, softplus, sine, silu"),
        ({"widht": 10}, "has no parameter 'widht': it has width, depth, activation"),
        ({"friction": "none"}, "(has no parameter 'friction'|must be one of gradient, momentum)"),
        ({"width": float("nan")}, "width is nan"),
    ],
)
@pytest.mark.parametrize("model", list(MODELS))
def test_settings_are_checked(model: str, settings: dict[str, object], words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        model_spec(model, settings)


def test_unknown_models_are_refused_with_a_suggestion() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'hnn'"):
        get_model("hnnn")


def test_a_snapshot_does_not_change_what_it_was_given() -> None:
    made, x = snapshot("hnn"), states(1)
    before = {n: w.copy() for n, w in made.weights.items()}
    kept = x.copy()
    made.field(x)
    made.hamiltonian(x)
    assert np.abs(made.single(x) - made.field(x)).max() < 1e-5
    assert np.array_equal(x, kept)
    assert all(np.array_equal(before[n], w) for n, w in made.weights.items())


def test_what_a_snapshot_forgets_it_makes_anew() -> None:
    made, x = snapshot("hnn"), states(1, 40)
    bare = set(vars(made))
    before = made.field(x), made.single(x), made.field(x[0])
    assert set(vars(made)) > bare
    made.forget()
    assert set(vars(made)) == bare
    for old, new in zip(before, (made.field(x), made.single(x), made.field(x[0])), strict=True):
        np.testing.assert_array_equal(old, new)
