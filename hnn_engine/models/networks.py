"""What a model is made of: its perceptrons by name, and its field as a sum of passes through them.

The passes are what compiled loops step and follow; they know no families.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hnn_engine.models.mlp import Weights

Places = tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class Network:
    """One perceptron of a model: `prefix` begins the names of its weights, `columns` are the coordinates it reads."""

    prefix: str
    columns: slice
    outputs: int

    def of(self, weights: Mapping[str, Any]) -> Weights:
        """Return the network's own weights by their names without the prefix."""
        return {n.removeprefix(self.prefix): w for n, w in weights.items() if n.startswith(self.prefix)}

    def reads(self, dof: int) -> range:
        """Return the coordinates that it reads of a system of `dof` degrees of freedom."""
        return range(2 * dof)[self.columns]


@dataclass(frozen=True)
class Term:
    """A part of a field: the outputs of `net`, or where `output` is given the gradient of that one, spread out.

    `into` has a (component of d(coords)/dt, factor) for each output, or for each coordinate that the network reads.
    `at_rest`: it is taken at p = 0. `friction`: it stands beside J∇H.
    """

    net: Network
    output: int | None
    into: Places
    at_rest: bool = False
    friction: bool = False


def values(net: Network, first: int = 0) -> Term:
    """Return the outputs of `net`, into the components from `first` on."""
    return Term(net, None, tuple((first + k, 1.0) for k in range(net.outputs)))


def gradient(net: Network, dof: int, output: int = 0, friction: bool = False) -> Term:
    """Return ∇y of an output of `net`."""
    return Term(net, output, tuple((c, 1.0) for c in net.reads(dof)), friction=friction)


def turned(net: Network, dof: int, output: int = 0) -> Term:
    """Return J∇y of an output of `net`: (∂y/∂p, −∂y/∂q)."""
    return Term(net, output, tuple((c - dof, 1.0) if c >= dof else (c + dof, -1.0) for c in net.reads(dof)))
