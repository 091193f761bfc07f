"""What every model says of itself: a family of vector fields coords -> dcoords, and what it claims."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from hnn_engine.models.mlp import ACTIVATIONS, Weights, initial_weights, weight_shapes
from hnn_engine.parameters import Parameter, Value

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
    """A family of learned fields. Stateless: the weights are an argument, numpy or torch (`xp`)."""

    name: ClassVar[str]
    title: ClassVar[str]
    summary: ClassVar[str]
    parameters: ClassVar[tuple[Parameter, ...]] = NETWORK_PARAMETERS
    has_energy: ClassVar[bool]
    kernel: ClassVar[int | None] = None  # which compiled loop of `kernels` follows it, if one does
    why_not_separable: ClassVar[str]

    @abstractmethod
    def outputs(self, dof: int) -> int:
        """Return how many outputs the network has."""

    @abstractmethod
    def field(self, xp: Any, weights: Weights, settings: Mapping[str, Value], coords: Any) -> Any:
        """Return d(coords)/dt `(..., 2*dof)`."""

    @abstractmethod
    def hamiltonian(self, xp: Any, weights: Weights, settings: Mapping[str, Value], coords: Any) -> Any | None:
        """Return the learned H `(...)`, or None where the model has none."""

    def weight_shapes(self, dof: int, settings: Mapping[str, Value]) -> dict[str, tuple[int, ...]]:
        """Return the shape of each of the weights for a system of `dof` degrees of freedom."""
        return weight_shapes(self._sizes(dof, settings), self.outputs(dof))

    def initial_weights(self, dof: int, settings: Mapping[str, Value], rng: np.random.Generator) -> Weights:
        """Draw fresh weights for a system of `dof` degrees of freedom."""
        return initial_weights(self._sizes(dof, settings), self.outputs(dof), rng)

    def _sizes(self, dof: int, settings: Mapping[str, Value]) -> tuple[int, ...]:
        width, depth = int(settings["width"]), int(settings["depth"])
        return (2 * dof, *[width] * depth)
