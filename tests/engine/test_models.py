"""Models: an HNN's field is J∇H and nothing else; the same lines run in numpy and torch; weights follow the seed."""

import numpy as np
import pytest

from hnn_engine.coords import Array, symplectic
from hnn_engine.errors import ParameterError, UnknownNameError
from hnn_engine.experiment import model_spec
from hnn_engine.models import MODELS, get_model
from hnn_engine.models.mlp import ACTIVATIONS, parameter_count
from hnn_engine.parameters import Value
from hnn_engine.snapshot import Snapshot

CASES = [(a, d, n) for a in ACTIVATIONS for d, n in ((1, 1), (2, 2), (3, 4))]


def snapshot(model: str, activation: str = "tanh", depth: int = 2, dof: int = 1, width: int = 24) -> Snapshot:
    settings: dict[str, Value] = {"width": width, "depth": depth, "activation": activation}
    weights = MODELS[model].initial_weights(dof, settings, np.random.default_rng([depth, dof]))
    return Snapshot(model, dof, settings, weights)


def states(dof: int, count: int = 12) -> Array:
    return 1.5 * np.random.default_rng(9).standard_normal((count, 2 * dof))


def central(function: object, coords: Array, eps: float = 1e-5) -> Array:
    """Return ∂f/∂x on a new last axis, by central differences of fourth order."""
    columns = []
    for shift in np.eye(coords.shape[-1]):
        f = [np.asarray(function(coords + k * eps * shift)) for k in (-2, -1, 1, 2)]  # type: ignore[operator]
        columns.append((f[0] - 8 * f[1] + 8 * f[2] - f[3]) / (12 * eps))
    return np.stack(columns, axis=-1)


@pytest.mark.parametrize(("activation", "depth", "dof"), CASES)
def test_the_field_of_an_hnn_is_the_symplectic_gradient_of_its_h(activation: str, depth: int, dof: int) -> None:
    made, x = snapshot("hnn", activation, depth, dof), states(dof)
    gradient = central(made.hamiltonian, x, 1e-3)
    np.testing.assert_allclose(made.field(x), symplectic(gradient), rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize(("activation", "depth", "dof"), CASES)
def test_an_hnn_keeps_phase_volume_and_its_own_h(activation: str, depth: int, dof: int) -> None:
    made, x = snapshot("hnn", activation, depth, dof), states(dof)
    jacobian = central(made.field, x, 1e-3)
    assert np.abs(np.trace(jacobian, axis1=-2, axis2=-1)).max() < 1e-8
    slope = (central(made.hamiltonian, x, 1e-3) * made.field(x)).sum(axis=-1)
    assert np.abs(slope).max() < 1e-8


def test_a_baseline_has_neither_an_h_nor_zero_divergence() -> None:
    made = snapshot("baseline")
    assert made.hamiltonian(states(1)) is None
    assert not made.has_energy
    assert np.abs(np.trace(central(made.field, states(1)), axis1=-2, axis2=-1)).max() > 1e-3


@pytest.mark.parametrize("activation", list(ACTIVATIONS))
def test_the_slope_of_an_activation_is_its_derivative(activation: str) -> None:
    a = np.linspace(-30, 30, 121)
    value, slope = ACTIVATIONS[activation](np, a)
    numeric = (ACTIVATIONS[activation](np, a + 1e-6)[0] - ACTIVATIONS[activation](np, a - 1e-6)[0]) / 2e-6
    np.testing.assert_allclose(slope, numeric, atol=2e-8)
    assert np.isfinite(value).all()


@pytest.mark.parametrize(("activation", "depth", "dof"), CASES)
@pytest.mark.parametrize("model", list(MODELS))
def test_torch_gives_the_numbers_of_numpy(model: str, activation: str, depth: int, dof: int) -> None:
    import torch

    made, x = snapshot(model, activation, depth, dof), states(dof)
    weights = {name: torch.from_numpy(w.astype(np.float64)) for name, w in made.weights.items()}
    field = MODELS[model].field(torch, weights, made.settings, torch.from_numpy(x))
    np.testing.assert_allclose(field.numpy(), made.field(x), rtol=0, atol=1e-12)
    energy = MODELS[model].hamiltonian(torch, weights, made.settings, torch.from_numpy(x))
    if energy is not None:
        np.testing.assert_allclose(energy.numpy(), made.hamiltonian(x), rtol=0, atol=1e-12)


@pytest.mark.parametrize("model", list(MODELS))
def test_batches_of_any_shape_are_single_states_side_by_side(model: str) -> None:
    made, x = snapshot(model, dof=2), states(2)
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


def test_the_defaults_are_the_paper_s_network() -> None:
    for model, outputs in (("baseline", 2), ("hnn", 1)):
        weights = MODELS[model].initial_weights(1, model_spec(model).settings, np.random.default_rng(0))
        assert parameter_count(weights) == 2 * 200 + 200 + 200 * 200 + 200 + 200 * outputs


@pytest.mark.parametrize("model", list(MODELS))
def test_weights_follow_the_seed(model: str) -> None:
    settings = model_spec(model).settings
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
    before = made.field(x), made.single(x), made.field(x[0])
    made.forget()
    assert set(vars(made)) == {"model", "dof", "settings", "weights"}
    for old, new in zip(before, (made.field(x), made.single(x), made.field(x[0])), strict=True):
        np.testing.assert_array_equal(old, new)
