"""The compiled training step: its loss, gradient and optimiser are those of the models as they are written down."""

from typing import Any, NamedTuple

import numpy as np
import pytest
import torch

from hnn_engine.coords import Array
from hnn_engine.kernels.activations import activate, bend
from hnn_engine.kernels.loops import advance, network
from hnn_engine.kernels.perceptron import ACTIVATION_CODES
from hnn_engine.kernels.training import ROWS
from hnn_engine.models import MODELS
from hnn_engine.models.mlp import ACTIVATIONS
from hnn_engine.parameters import Value
from tests.fields import FIELD_IDS, FIELDS

EACH = pytest.mark.parametrize(("model", "variant"), FIELDS, ids=FIELD_IDS)
WIDTHS = {1: 5, 2: 13, 3: 31}  # by depth; odd ones: loops take several numbers at a time
BATCHES = (1, 3, 44, ROWS, ROWS + 1, 3 * ROWS - 5)
LOOK = (False, 0.0, 0.0, 1.0, 0.0)


class Case(NamedTuple):
    """A network with fresh weights, and rows for it."""

    model: str
    settings: dict[str, Value]
    known: dict[str, Array]
    shapes: dict[str, tuple[int, ...]]
    flat: Array
    rows: tuple[Array, Array]

    def loss(self, xp: Any, flat: Any, rows: Any) -> Any:
        """The loss as the model's own lines give it, in whatever precision the arguments have."""
        sizes = np.cumsum([int(np.prod(s)) for s in self.shapes.values()])
        begins = [0, *sizes[:-1].tolist()]
        weights = {
            n: flat[a:b].reshape(s) for (n, s), a, b in zip(self.shapes.items(), begins, sizes.tolist(), strict=True)
        }
        weights |= {n: xp.asarray(w) for n, w in self.known.items()}
        residual = MODELS[self.model].field(xp, weights, self.settings, rows[0]) - rows[1]
        return (residual * residual).mean()

    def torch_gradient(self) -> tuple[float, Array]:
        """The loss and its gradient by autograd, in float64."""
        flat = torch.from_numpy(self.flat.astype(np.float64)).requires_grad_()
        loss = self.loss(torch, flat, [torch.from_numpy(r.astype(np.float64)) for r in self.rows])
        (gradient,) = torch.autograd.grad(loss, flat)
        return float(loss.detach()), gradient.numpy()


def case(model: str, activation: str, depth: int, dof: int, batch: int, **variant: Value) -> Case:
    settings: dict[str, Value] = {"width": WIDTHS[depth], "depth": depth, "activation": activation, **variant}
    rng = np.random.default_rng([depth, dof, batch])
    weights = MODELS[model].initial_weights(dof, settings, rng)
    flat = np.concatenate([w.ravel() for w in weights.values()])
    rows = tuple(rng.normal(size=(batch, 2 * dof)).astype(np.float32) for _ in range(2))
    known = {n: rng.uniform(0.5, 2.0, shape) for n, shape in MODELS[model].known_shapes(dof).items()}
    return Case(model, settings, known, {n: w.shape for n, w in weights.items()}, flat, (rows[0], rows[1]))


class Step:
    """The compiled step with fresh state."""

    def __init__(self, made: Case) -> None:
        model, dof = MODELS[made.model], made.rows[0].shape[1] // 2
        sizes = dof, int(made.settings["width"]), int(made.settings["depth"])
        parts = model.networks(made.settings, dof), model.terms(made.settings, dof)
        self.work = network(*parts, str(made.settings["activation"]), sizes, model.inverse_mass(made.known))
        self.flat, self.gradient = made.flat.copy(), np.zeros_like(made.flat)
        self.moments, self.good = np.zeros((2, made.flat.size), np.float32), np.zeros_like(made.flat)

    def __call__(self, rows: tuple[Array, Array], adam: tuple[bool, float, float, float, float]) -> float:
        return advance(self.work, self.flat, self.gradient, self.moments, self.good, rows, adam)


def off(found: Array, expected: Array) -> float:
    """How far a vector is from what it should be, relative to that."""
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))


@pytest.mark.parametrize("dof", [1, 3, 4])
@pytest.mark.parametrize("depth", list(WIDTHS))
@pytest.mark.parametrize("activation", list(ACTIVATIONS))
@EACH
def test_loss_and_gradient_are_those_of_autograd(
    model: str, variant: dict[str, Value], activation: str, depth: int, dof: int
) -> None:
    for batch in BATCHES:
        made = case(model, activation, depth, dof, batch, **variant)
        loss, gradient = made.torch_gradient()
        step = Step(made)
        assert step(made.rows, (True, np.inf, 0.0, 1.0, 0.0)) == pytest.approx(loss, rel=1e-5)
        assert off(step.gradient, gradient) < 1e-5
        assert Step(made)(made.rows, LOOK) == pytest.approx(loss, rel=1e-5)


@pytest.mark.parametrize("activation", list(ACTIVATIONS))
@EACH
def test_the_gradient_is_that_of_central_differences(model: str, variant: dict[str, Value], activation: str) -> None:
    for depth in WIDTHS:
        made = case(model, activation, depth, 2, 40, **variant)
        step = Step(made)
        step(made.rows, (True, np.inf, 0.0, 1.0, 0.0))
        wide, rows, h = made.flat.astype(np.float64), [r.astype(np.float64) for r in made.rows], 1e-5
        # Random directions within each of the weights: one number that is wrong turns them all.
        directions = within_each(made.shapes, np.random.default_rng(depth))
        found = [(made.loss(np, wide + h * d, rows) - made.loss(np, wide - h * d, rows)) / (2 * h) for d in directions]
        assert off(directions @ step.gradient, np.array(found)) < 1e-5


def within_each(shapes: dict[str, tuple[int, ...]], rng: np.random.Generator, count: int = 3) -> Array:
    """Return random directions in the space of all weights, `count` within each of them."""
    sizes = [int(np.prod(shape)) for shape in shapes.values()]
    directions, begin = np.zeros((count * len(sizes), sum(sizes))), 0
    for i, size in enumerate(sizes):
        directions[count * i : count * (i + 1), begin : begin + size] = rng.standard_normal((count, size))
        begin += size
    return directions


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_the_weights_move_by_adam(decay: float) -> None:
    made = case("hnn", "tanh", 2, 1, 50)
    step = Step(made)
    weights, mean, square = made.flat.astype(np.float64), 0.0, 0.0
    for n in range(1, 60):
        rate = 1e-2 / n
        np.testing.assert_allclose(step.flat, weights, rtol=0, atol=2e-6)
        before = step.flat.copy()
        step(made.rows, (True, np.inf, rate / (1 - 0.9**n), (1 - 0.999**n) ** 0.5, decay))
        np.testing.assert_array_equal(step.good, before)
        g = step.gradient + decay * weights
        mean, square = 0.9 * mean + 0.1 * g, 0.999 * square + 0.001 * g**2
        weights -= rate * (mean / (1 - 0.9**n)) / (np.sqrt(square / (1 - 0.999**n)) + 1e-8)


@EACH
@pytest.mark.parametrize("activation", list(ACTIVATIONS))
@pytest.mark.parametrize("spoilt", ["limit", "coords", "dcoords", "weights"])
def test_nothing_moves_where_the_loss_is_out_of_bounds(
    model: str, variant: dict[str, Value], activation: str, spoilt: str
) -> None:
    made = case(model, activation, 2, 1, 300, **variant)
    step, rows = Step(made), tuple(r.copy() for r in made.rows)
    if spoilt == "weights":
        step.flat[7] = np.nan
    elif spoilt != "limit":
        rows[spoilt == "dcoords"][299, 1] = np.nan
    before = step.flat.copy()
    loss = step((rows[0], rows[1]), (True, 1e-9 if spoilt == "limit" else np.inf, 1.0, 1.0, 0.1))
    assert loss > 1e-9 if spoilt == "limit" else np.isnan(loss)
    np.testing.assert_array_equal(step.flat, before)
    assert not step.good.any()
    assert not step.moments.any()


def test_rows_of_any_layout_are_taken_and_wrong_shapes_refused() -> None:
    made = case("hnn", "tanh", 2, 1, 40)
    expected = Step(made)(made.rows, LOOK)
    wide = tuple(np.asfortranarray(r.astype(np.float64)) for r in made.rows)
    for part in wide:
        part.flags.writeable = False
    assert Step(made)((wide[0], wide[1]), LOOK) == expected
    for rows in ((made.rows[0][:, :1], made.rows[1]), (made.rows[0], made.rows[1][:7])):
        with pytest.raises(AssertionError):
            Step(made)(rows, LOOK)
    step = Step(made)
    step.flat = step.flat[:-1]
    with pytest.raises(AssertionError):
        step(made.rows, LOOK)


def test_no_rows_have_no_loss() -> None:
    made = case("hnn", "tanh", 2, 1, 4)
    assert np.isnan(Step(made)((made.rows[0][:0], made.rows[1][:0]), LOOK))


def test_the_same_step_gives_the_same_bits() -> None:
    made = case("baseline", "silu", 3, 4, 700)
    one, other = Step(made), Step(made)
    for step in (one, other):
        for n in range(1, 20):
            step(made.rows, (True, np.inf, 1e-3 / (1 - 0.9**n), (1 - 0.999**n) ** 0.5, 1e-4))
    assert one.flat.tobytes() == other.flat.tobytes()


@pytest.mark.parametrize("name", list(ACTIVATIONS))
def test_activations_and_their_derivatives_hold_over_their_whole_range(name: str) -> None:
    size = 10.0 ** np.linspace(-30, 1.9, 20_001)
    x = np.concatenate([np.linspace(-30, 30, 200_001), size, -size, [0.0]]).astype(np.float32)
    h, slope, curve = activated(name, x)
    wide = x.astype(np.float64)
    expected, expected_slope = ACTIVATIONS[name](np, wide)
    large = np.maximum(1.0, np.abs(wide)) if name in ("softplus", "silu") else 1.0
    assert (np.abs(h - expected) / large).max() < 3e-7
    assert np.abs(slope - expected_slope).max() < 5e-7
    step = 1e-6
    differences = (ACTIVATIONS[name](np, wide + step)[1] - ACTIVATIONS[name](np, wide - step)[1]) / (2 * step)
    assert np.abs(curve - differences).max() < 2e-6
    if name in ("tanh", "sine"):
        assert np.abs(h).max() <= 1.0
        near = np.abs(wide) < 1e-3
        np.testing.assert_allclose(h[near], expected[near], rtol=4e-7)  # small numbers keep their digits


@pytest.mark.parametrize("name", list(ACTIVATIONS))
def test_activations_of_what_is_hardly_a_number(name: str) -> None:
    for value in activated(name, np.full(40, np.nan, np.float32))[:2]:
        assert np.isnan(value).all()
    h, slope, _ = activated(name, np.array([1e30, -1e30] * 20, np.float32))
    assert not np.isnan(h).any()
    assert np.abs(slope).max() < 1.2
    if name in ("tanh", "sine"):
        assert np.abs(h).max() <= 1.0


def activated(name: str, x: Array) -> tuple[Array, Array, Array]:
    """σ, σ′ and σ″ of the compiled step."""
    table, zero = x.reshape(1, -1), np.zeros_like(x)
    h, slope, curve, bent = (np.zeros_like(table) for _ in range(4))
    code = ACTIVATION_CODES[name]
    activate(table, zero, code, h, slope, curve)
    bend(code, h, slope, curve, np.ones_like(table), bent)
    return h[0], slope[0], bent[0]
