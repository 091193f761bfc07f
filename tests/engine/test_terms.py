"""A family states its field once: what is derived from its terms is what autograd makes of the same networks.

The reference here shares no line with `models.sum_of_terms`: perceptrons of torch, gradients of their outputs by
autograd, and each number of a term put where `into` says, one at a time.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from hnn_engine.coords import Array
from hnn_engine.datasets import Dataset
from hnn_engine.fitting.events import FitTask
from hnn_engine.fitting.gradient.backend import GradientBackend
from hnn_engine.fitting.gradient.backends import CompiledFieldBackend
from hnn_engine.fitting.gradient.flat_weights import flattened, shapes_of
from hnn_engine.fitting.gradient.torch_backend import TorchFieldBackend
from hnn_engine.kernels import cache as kernel_cache
from hnn_engine.models import MODELS
from hnn_engine.models.networks import Network, Term
from hnn_engine.models.sum_of_terms import layout
from hnn_engine.parameters import Value
from hnn_engine.snapshot import Snapshot
from tests.fields import IDS, VARIANTS, fresh

ACTIVATIONS = {
    "tanh": torch.tanh,
    "softplus": torch.nn.functional.softplus,
    "sine": torch.sin,
    "silu": torch.nn.functional.silu,
}
EACH = pytest.mark.parametrize(("model", "variant"), VARIANTS, ids=IDS)
SMOOTH = pytest.mark.parametrize("activation", list(ACTIVATIONS))


def made(model: str, activation: str, dof: int, depth: int = 2, **variant: Value) -> Snapshot:
    settings: dict[str, Value] = {"width": 11, "depth": depth, "activation": activation, **variant}
    return fresh(model, settings, dof, [depth, dof])


def states(dof: int, count: int = 9) -> Array:
    return 1.5 * np.random.default_rng(5).standard_normal((count, 2 * dof))


class Reference:
    """A family's terms by autograd."""

    def __init__(self, snapshot: Snapshot, weights: dict[str, Tensor]) -> None:
        self.weights, self.dof = weights, snapshot.dof
        self.act = ACTIVATIONS[str(snapshot.settings["activation"])]
        self.depth = int(snapshot.settings["depth"])
        self.model = MODELS[snapshot.model]
        self.terms = self.model.terms(snapshot.settings, snapshot.dof)

    def outputs(self, net: Network, x: Tensor) -> Tensor:
        h = x[:, list(net.reads(self.dof))]
        for i in range(self.depth):
            h = self.act(h @ self.weights[f"{net.prefix}w{i}"] + self.weights[f"{net.prefix}b{i}"])
        return h @ self.weights[f"{net.prefix}out"]

    def given(self, term: Term, x: Tensor) -> Tensor:
        if term.at_rest:
            x = torch.cat([x[:, : self.dof], torch.zeros_like(x[:, self.dof :])], 1)
        x = x.detach().requires_grad_()
        y = self.outputs(term.net, x)
        if term.output is None:
            return y
        (slope,) = torch.autograd.grad(y[:, term.output].sum(), x, create_graph=True)
        return slope[:, list(term.net.reads(self.dof))]

    def field(self, x: Tensor, scale: float = 1.0) -> Tensor:
        columns: list[Any] = [0.0] * (2 * self.dof)
        inverse_mass = self.model.inverse_mass(self.weights)
        if inverse_mass is not None:
            columns[: self.dof] = [inverse_mass[i] * x[:, self.dof + i] for i in range(self.dof)]
        for term in self.terms:
            given = self.given(term, x)
            for i, (component, factor) in enumerate(term.into):
                columns[component] = columns[component] + (scale if term.friction else 1.0) * factor * given[:, i]
        return torch.stack(columns, 1)

    def energy(self, x: Tensor) -> Tensor:
        return sum(
            (self.outputs(term.net, x)[:, term.output] for term in self.terms if term.energy), torch.zeros(len(x))
        )


def reference(snapshot: Snapshot, dtype: torch.dtype = torch.float64) -> Reference:
    return Reference(snapshot, {n: torch.from_numpy(np.array(w)).to(dtype) for n, w in snapshot.weights.items()})


@pytest.mark.parametrize("scale", [1.0, 0.4])
@pytest.mark.parametrize("dof", [1, 3])
@SMOOTH
@EACH
def test_the_numpy_field_is_the_sum_of_the_terms(
    model: str, variant: dict[str, Value], activation: str, dof: int, scale: float
) -> None:
    snapshot, x = made(model, activation, dof, **variant).with_friction(scale), states(dof)
    expected = reference(snapshot).field(torch.from_numpy(x), snapshot.friction).detach().numpy()
    np.testing.assert_allclose(snapshot.field(x), expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(snapshot.field(x[0]), expected[0], rtol=0, atol=1e-12)  # compiled, where loops are there
    np.testing.assert_allclose(snapshot.single(x), expected, rtol=0, atol=2e-5)


@pytest.mark.parametrize("dof", [1, 3])
@SMOOTH
@EACH
def test_h_and_its_gradient_follow_from_the_terms(
    model: str, variant: dict[str, Value], activation: str, dof: int
) -> None:
    snapshot, x = made(model, activation, dof, **variant), states(dof)
    ours, at = reference(snapshot), torch.from_numpy(x).requires_grad_()
    assert snapshot.has_energy is any(term.energy for term in ours.terms)
    assert snapshot.dissipates is any(term.friction for term in ours.terms)
    if not snapshot.has_energy:
        assert snapshot.hamiltonian(x) is None
        assert snapshot.gradient(x) is None
        return
    energy = ours.energy(at)
    (slope,) = torch.autograd.grad(energy.sum(), at)
    np.testing.assert_allclose(snapshot.hamiltonian(x), energy.detach().numpy(), rtol=0, atol=1e-12)
    np.testing.assert_allclose(snapshot.gradient(x), slope.numpy(), rtol=0, atol=1e-12)


@pytest.mark.parametrize("way", ["compiled", "torch"])
@pytest.mark.parametrize("dof", [1, 3])
@SMOOTH
@EACH
def test_loss_and_gradient_of_a_training_step_follow_from_the_terms(
    model: str, variant: dict[str, Value], activation: str, dof: int, way: str
) -> None:
    snapshot, rows = made(model, activation, dof, **variant), (states(dof), states(dof)[::-1].copy())
    names = MODELS[model].weight_shapes(dof, snapshot.settings)
    ours = reference(snapshot)
    for name in names:
        ours.weights[name].requires_grad_()
    loss = (ours.field(torch.from_numpy(rows[0])) - torch.from_numpy(rows[1])).square().mean()
    slopes = torch.autograd.grad(loss, [ours.weights[name] for name in names])
    found = backend(way, snapshot, rows).gradient(tuple(part.astype(np.float32) for part in rows))
    assert found[0] == pytest.approx(float(loss.detach()), rel=2e-5)
    expected = np.concatenate([slope.numpy().ravel() for slope in slopes])
    assert np.linalg.norm(found[1] - expected) < 2e-5 * np.linalg.norm(expected)


def backend(way: str, snapshot: Snapshot, rows: tuple[Array, Array]) -> GradientBackend:
    names = MODELS[snapshot.model].weight_shapes(snapshot.dof, snapshot.settings)
    weights = {name: snapshot.weights[name] for name in names}
    known = {name: w for name, w in snapshot.weights.items() if name not in names}
    every = np.ones(len(rows[0]), dtype=bool)
    data = Dataset(*rows, np.arange(len(every)) * 0.1, np.zeros(len(every), dtype=np.int64), every)
    task = FitTask(snapshot.model, snapshot.settings, data, {"weight-decay": 0.0}, 0, known)
    if way == "torch":
        return TorchFieldBackend(task, shapes_of(weights), flattened(weights))
    kernels = kernel_cache.loops()
    if kernels is None:
        pytest.skip("there are no compiled loops")
    return CompiledFieldBackend(kernels, task, flattened(weights))


@pytest.mark.parametrize("dof", [1, 2, 5])
@EACH
def test_networks_and_weights_follow_from_the_terms(model: str, variant: dict[str, Value], dof: int) -> None:
    family, settings = MODELS[model], made(model, "tanh", 1, **variant).settings
    terms = family.terms(settings, dof)
    assert {net.prefix for net in family.networks(settings, dof)} == {term.net.prefix for term in terms}
    for term in terms:
        assert len(term.into) == (term.net.outputs if term.output is None else len(term.net.reads(dof)))
        assert all(0 <= component < 2 * dof for component, _ in term.into)
        assert not (term.energy and term.friction)
        if term.energy:  # J∇y, and nothing else
            whole = [(c, (c + dof, -1.0) if c < dof else (c - dof, 1.0)) for c in term.net.reads(dof)]
            assert term.into == tuple(place for _, place in whole)


def test_a_layout_puts_every_number_where_its_places_say() -> None:
    rng = np.random.default_rng(1)
    for size in (2, 4, 10):
        parts = tuple(
            tuple((int(c), float(rng.choice([-1.0, 0.0, 0.5, 1.0]))) for c in rng.permutation(size)) for _ in range(3)
        )
        x = rng.standard_normal((3, size))
        expected = np.zeros(size)
        for own, into in zip(x, parts, strict=True):
            for value, (component, factor) in zip(own, into, strict=True):
                expected[component] += factor * value
        pieces = layout(parts, size)
        assert [piece.begin for piece in pieces] == [0, *(piece.end for piece in pieces[:-1])]
        found = [sum((f * x[k, s] for k, s, f in piece.parts), np.zeros(piece.end - piece.begin)) for piece in pieces]
        np.testing.assert_allclose(np.concatenate(found), expected, atol=1e-15)


def test_a_wrong_factor_would_be_seen() -> None:
    """As a check of these tests: the field of a family with one factor changed is another."""
    snapshot, x = made("separable-hnn", "tanh", 1), states(1)
    ours = reference(snapshot)
    first = ours.terms[0]
    ours.terms = (replace(first, into=((first.into[0][0], 0.999),)), *ours.terms[1:])
    off = np.abs(snapshot.field(x) - ours.field(torch.from_numpy(x)).detach().numpy())
    assert off.max() > 1e-5
