"""What a model is made of: its perceptrons by name, and its field as a sum of terms, which compiled loops follow."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hnn_engine.coords import symplectic
from hnn_engine.models.mlp import Weights


@dataclass(frozen=True)
class Network:
    """One perceptron of a model: `prefix` begins the names of its weights, `columns` are the coordinates it reads."""

    prefix: str
    columns: slice
    outputs: int

    def of(self, weights: Mapping[str, Any]) -> Weights:
        """Return the network's own weights by their names without the prefix."""
        return {n.removeprefix(self.prefix): w for n, w in weights.items() if n.startswith(self.prefix)}


@dataclass(frozen=True, eq=False)
class Term:
    """`sign`·`out` @ v of the hidden layers of `net`, whose first sums are a₁ = x @ `first` + b₁.

    v `(width,)` is the last hidden layer h_L where `last` is None. Else it is ∂(`last`·h_L)/∂a₁, so that `first` @ v is
    a gradient. `first`, `out`: `(2*dof, width)`; `last`: `(width,)`. `friction`: whether it stands beside J∇H.
    """

    net: Weights
    first: Any
    out: Any
    last: Any | None = None
    friction: bool = False
    sign: float = 1.0


@dataclass(frozen=True, eq=False)
class Layout:
    """d(coords)/dt is the sum of `terms`, and of `rates`·p on dq/dt where there are some, `(dof,)`."""

    terms: tuple[Term, ...]
    rates: Any | None = None


def symplectic_term(net: Network, weights: Weights, dof: int, k: int = 0) -> Term:
    """Return J∇y of output `k` of `net`."""
    own = net.of(weights)
    first = rows_at(net.columns, own["w0"], dof)
    return Term(own, first, symplectic(first.T).T, own["out"][:, k])


def rows_at(columns: slice, matrix: Any, dof: int) -> Any:
    """Return `(2*dof, width)` with the rows of `matrix` at `columns` and zeros in the other rows."""
    rows = np.zeros((2 * dof, matrix.shape[1]), matrix.dtype)
    rows[columns] = matrix
    return rows
