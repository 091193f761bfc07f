"""What every model says of itself: a family of vector fields coords -> dcoords, and what it claims."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.models import sum_of_terms
from hnn_engine.models.mlp import ACTIVATIONS, Weights, initial_weights, weight_shapes
from hnn_engine.models.networks import Network, Term
from hnn_engine.parameters import Parameter, Value
from hnn_engine.scene import Scene

Settings = Mapping[str, Value]
CLOCK = "clock"  # the setting of a model that is given time as an input, and what such a model is told: dt/dt = 1

NETWORK_PARAMETERS: tuple[Parameter, ...] = (
    Parameter(
        "width",
        "Width",
        200,
        2,
        2000,
        help="Units in each hidden layer; the paper has 200. Automatic: as many as suit the recipe and the system.",
        acts="fit",
        automatic=True,
    ),
    Parameter(
        "depth",
        "Depth",
        2,
        1,
        6,
        help="Hidden layers; the paper has 2. Automatic: as many as suit the recipe.",
        acts="fit",
        automatic=True,
    ),
    Parameter(
        "activation",
        "Activation",
        "tanh",
        choices=tuple(ACTIVATIONS),
        help="A smooth one: the field is a derivative of the network, so a kink in σ would be a jump in the field.",
        acts="fit",
    ),
)


class Model(ABC):
    """A family of learned fields, stated as a sum of terms. Stateless: the weights are an argument, numpy or torch
    (`xp`).

    d(coords)/dt = (M⁻¹p, 0) + Σ terms, where M⁻¹ is known of a few families only. Batched, `coords` `(..., 2*dof)`; in
    the units of the data, times in s (of models of frames, in frames).
    """

    name: ClassVar[str]
    title: ClassVar[str]
    summary: ClassVar[str]
    parameters: ClassVar[tuple[Parameter, ...]] = NETWORK_PARAMETERS
    observes_frames: ClassVar[bool] = False  # and finds its coordinates in them (`models.pixels`)
    sees_time: ClassVar[bool] = False  # where the law depends on it
    why_not_separable: ClassVar[str]

    @abstractmethod
    def terms(self, settings: Settings, dof: int) -> tuple[Term, ...]:
        """Return the terms of the field of `dof` degrees of freedom; M⁻¹p on dq/dt, where known, is added to them."""

    def inverse_mass(self, weights: Mapping[str, Any]) -> Any | None:
        """Return what is known of dq/dt = M⁻¹p, the diagonal of M⁻¹ `(dof,)`, from what the model is told; or None."""
        return None

    @cached_property
    def has_energy(self) -> bool:
        """Whether the family has an H of its own."""
        return any(term.energy for term in self._usual_terms)

    @cached_property
    def dissipates(self) -> bool:
        """Whether the field has a part that is added to J∇H, which can be scaled by itself."""
        return any(term.friction for term in self._usual_terms)

    @property
    def _usual_terms(self) -> tuple[Term, ...]:
        return self.terms({p.name: p.default for p in self.parameters}, 1)

    def networks(self, settings: Settings, dof: int) -> tuple[Network, ...]:
        """Return the networks of a model of `dof` degrees of freedom, in the order of their weights."""
        return tuple({term.net.prefix: term.net for term in self.terms(settings, dof)}.values())

    def field(self, xp: Any, weights: Weights, settings: Settings, coords: Any, scale: float = 1.0) -> Any:
        """Return d(coords)/dt `(..., 2*dof)` = (M⁻¹p, 0) + Σ terms at `coords` `(..., 2*dof)`; terms that are friction
        are multiplied by `scale`."""
        terms = self.terms(settings, coords.shape[-1] // 2)
        known = self.inverse_mass(weights)
        return sum_of_terms.field(xp, terms, weights, str(settings["activation"]), coords, scale, known)

    def hamiltonian(self, xp: Any, weights: Weights, settings: Settings, coords: Any) -> Any | None:
        """Return the learned H `(...)` at `coords` `(..., 2*dof)`, or None where the model has none."""
        terms = self.terms(settings, coords.shape[-1] // 2)
        return sum_of_terms.hamiltonian(xp, terms, weights, str(settings["activation"]), coords)

    def grad_hamiltonian(self, xp: Any, weights: Weights, settings: Settings, coords: Any) -> Any | None:
        """Return ∇H `(..., 2*dof)` of the learned H at `coords` `(..., 2*dof)`, or None where the model has none."""
        terms = self.terms(settings, coords.shape[-1] // 2)
        return sum_of_terms.grad_hamiltonian(xp, terms, weights, str(settings["activation"]), coords)

    def dissipation(self, xp: Any, weights: Weights, settings: Settings, coords: Any) -> Any | None:
        """Return the part of the field that is added to J∇H `(..., 2*dof)` at `coords` `(..., 2*dof)`, or None where
        there is none."""
        terms = self.terms(settings, coords.shape[-1] // 2)
        return sum_of_terms.dissipation(xp, terms, weights, str(settings["activation"]), coords)

    def split_unique(self, settings: Settings) -> bool:
        """Return whether a field has only one H (but for a constant) and only one friction of this family."""
        return False

    def why_not(self, scene: Scene) -> str:
        """Return why the model does not apply to `scene`; empty where it does."""
        if scene.timed and not self.sees_time:
            return f"{self.title} has a field of q and p alone, which cannot depend on time as this system does"
        return ""

    def known(self, scene: Scene) -> dict[str, Array]:
        """Return what the model is told of `scene`: arrays by name, with the shapes of `known_shapes`, that go with its
        weights and are not trained."""
        return {}

    def known_shapes(self, dof: int, settings: Settings | None = None) -> dict[str, tuple[int, ...]]:
        """Return the shapes of what `known` returns for `dof` degrees of freedom, that of time included."""
        return {}

    def weight_shapes(self, dof: int, settings: Settings) -> dict[str, tuple[int, ...]]:
        """Return the shape of each of the trained weights for a system of `dof` degrees of freedom."""
        return {
            net.prefix + name: shape
            for net in self.networks(settings, dof)
            for name, shape in weight_shapes(_sizes(net, dof, settings), net.outputs).items()
        }

    def initial_weights(self, dof: int, settings: Settings, rng: np.random.Generator) -> Weights:
        """Draw fresh weights for a system of `dof` degrees of freedom by `rng`, float32, with the shapes of
        `weight_shapes`."""
        return {
            net.prefix + name: values
            for net in self.networks(settings, dof)
            for name, values in initial_weights(_sizes(net, dof, settings), net.outputs, rng).items()
        }


def _sizes(net: Network, dof: int, settings: Settings) -> tuple[int, ...]:
    width, depth = int(settings["width"]), int(settings["depth"])
    return (len(range(2 * dof)[net.columns]), *[width] * depth)
