"""What every model says of itself: a family of vector fields coords -> dcoords, and what it claims."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.models.mlp import ACTIVATIONS, Weights, initial_weights, weight_shapes
from hnn_engine.models.networks import Network, Term
from hnn_engine.parameters import Parameter, Value
from hnn_engine.scene import Scene

Settings = Mapping[str, Value]

NETWORK_PARAMETERS: tuple[Parameter, ...] = (
    Parameter("width", "Width", 200, 2, 2000, help="Units in each hidden layer; the paper has 200.", acts="fit"),
    Parameter("depth", "Depth", 2, 1, 6, help="Hidden layers; the paper has 2.", acts="fit"),
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
    """A family of learned fields. Stateless: the weights are an argument, numpy or torch (`xp`).

    Field: d(coords)/dt = J∇H + friction, from `gradient` and `friction`, for models that have an H; the others give
    their field themselves. Batched, `coords` `(..., 2*dof)`.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    summary: ClassVar[str]
    parameters: ClassVar[tuple[Parameter, ...]] = NETWORK_PARAMETERS
    has_energy: ClassVar[bool]
    dissipates: ClassVar[bool] = False  # has a part beside J∇H, which can be scaled by itself
    observes_frames: ClassVar[bool] = False  # frames, and finds its coordinates in them (`models.pixels`)
    why_not_separable: ClassVar[str]

    @abstractmethod
    def networks(self, dof: int) -> tuple[Network, ...]:
        """Return the networks of a model of `dof` degrees of freedom, in the order of their weights."""

    @abstractmethod
    def hamiltonian(self, xp: Any, weights: Weights, settings: Settings, coords: Any) -> Any | None:
        """Return the learned H `(...)`, or None where the model has none."""

    def gradient(self, xp: Any, weights: Weights, settings: Settings, coords: Any) -> Any | None:
        """Return ∇H `(..., 2*dof)` of the learned H, or None where the model has none."""
        return None

    def friction(self, xp: Any, weights: Weights, settings: Settings, coords: Any) -> Any | None:
        """Return the part of the field beside J∇H `(..., 2*dof)`, or None where there is none."""
        return None

    def field(self, xp: Any, weights: Weights, settings: Settings, coords: Any, scale: float = 1.0) -> Any:
        """Return d(coords)/dt = J∇H + `scale`·friction `(..., 2*dof)`."""
        flow = symplectic(xp, self.gradient(xp, weights, settings, coords))
        friction = self.friction(xp, weights, settings, coords)
        return flow if friction is None else flow + scale * friction

    @abstractmethod
    def terms(self, settings: Settings, dof: int) -> tuple[Term, ...]:
        """Return what the field is a sum of, for compiled loops; with `rates`·p on dq/dt where there are some."""

    def inverse_mass(self, weights: Mapping[str, Any]) -> Array | None:
        """Return what p is multiplied by in dq/dt beside the passes, `(dof,)`, from what the model is told; or None."""
        return None

    def split_unique(self, settings: Settings) -> bool:
        """Return whether a field has only one H (but for a constant) and only one friction of this family."""
        return False

    def why_not(self, scene: Scene) -> str:
        """Return why the model does not apply to `scene`; empty where it does."""
        return ""

    def known(self, scene: Scene) -> dict[str, Array]:
        """Return what the model is told of `scene`: numbers that go with its weights and are not trained."""
        return {}

    def known_shapes(self, dof: int) -> dict[str, tuple[int, ...]]:
        """Return the shapes of what `known` returns for `dof` degrees of freedom."""
        return {}

    def weight_shapes(self, dof: int, settings: Settings) -> dict[str, tuple[int, ...]]:
        """Return the shape of each of the trained weights for a system of `dof` degrees of freedom."""
        return {
            net.prefix + name: shape
            for net in self.networks(dof)
            for name, shape in weight_shapes(_sizes(net, dof, settings), net.outputs).items()
        }

    def initial_weights(self, dof: int, settings: Settings, rng: np.random.Generator) -> Weights:
        """Draw fresh weights for a system of `dof` degrees of freedom."""
        return {
            net.prefix + name: values
            for net in self.networks(dof)
            for name, values in initial_weights(_sizes(net, dof, settings), net.outputs, rng).items()
        }


def symplectic(xp: Any, gradient: Any) -> Any:
    """Return J∇H = (∂H/∂p, −∂H/∂q) for `gradient` ∇H `(..., 2*dof)`."""
    dof = gradient.shape[-1] // 2
    return xp.concatenate((gradient[..., dof:], -gradient[..., :dof]), axis=-1)


def _sizes(net: Network, dof: int, settings: Settings) -> tuple[int, ...]:
    width, depth = int(settings["width"]), int(settings["depth"])
    return (len(range(2 * dof)[net.columns]), *[width] * depth)
