"""What a model is made of: its perceptrons by name, and its field as a sum of terms, each from one of them.

The terms are all that a family says of its field: numpy and torch evaluate them (`models.sum_of_terms`), compiled loops
step and follow them, and a closed form is linear in their last layers. None of these knows families.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hnn_engine.models.mlp import Weights

Places = tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class Network:
    """One perceptron of a model: `prefix` begins the names of its weights, `columns` are the coordinates it reads,
    `outputs` how many numbers it gives."""

    prefix: str
    columns: slice
    outputs: int

    def of(self, weights: Mapping[str, Any]) -> Weights:
        """Return the network's own weights by their names without the prefix."""
        if not self.prefix:
            return dict(weights)
        return {n.removeprefix(self.prefix): w for n, w in weights.items() if n.startswith(self.prefix)}

    def reads(self, dof: int) -> range:
        """Return the coordinates that it reads of a system of `dof` degrees of freedom."""
        return range(2 * dof)[self.columns]


@dataclass(frozen=True)
class Term:
    """A term of a field: the outputs y of `net`, or where `output` is given ∇y of that one, spread over d(coords)/dt.

    `into` has a (component of d(coords)/dt, factor) for each output, or for each coordinate that the network reads.
    `at_rest`: it is taken at p = 0. `energy`: it is J∇y, and y is a part of H. `friction`: it is not a part of J∇H,
    and can be scaled by itself.
    """

    net: Network
    output: int | None
    into: Places
    at_rest: bool = False
    friction: bool = False
    energy: bool = False


def values(net: Network, first: int = 0) -> Term:
    """Return the outputs of `net`, into the components from `first` on."""
    return Term(net, None, tuple((first + k, 1.0) for k in range(net.outputs)))


def gradient(net: Network, dof: int, output: int = 0, friction: bool = False) -> Term:
    """Return ∇y of an output of `net`, into (dq/dt, dp/dt) = (∂y/∂q, ∂y/∂p)."""
    return Term(net, output, tuple((c, 1.0) for c in net.reads(dof)), friction=friction)


def momentum_force(net: Network, dof: int, factor: float, at_rest: bool = False) -> Term:
    """Return `factor`·∂y/∂p of the first output of `net`, into dp/dt alone; `at_rest`: at p = 0. It is friction."""
    into = tuple((c, factor * (c >= dof)) for c in net.reads(dof))
    return Term(net, 0, into, at_rest=at_rest, friction=True)


def symplectic_gradient(net: Network, dof: int, output: int = 0) -> Term:
    """Return J∇y of an output of `net`, into (dq/dt, dp/dt) = (∂y/∂p, −∂y/∂q): y is a part of H."""
    into = tuple((c - dof, 1.0) if c >= dof else (c + dof, -1.0) for c in net.reads(dof))
    return Term(net, output, into, energy=True)
