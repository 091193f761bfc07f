"""The states at which truth and a model rest, and which of them the model invents or loses."""

from dataclasses import dataclass

import numpy as np

from hnn_engine.coords import Array, difference
from hnn_engine.debugging.tangent_flow import many_at_once
from hnn_engine.equilibria import Equilibrium, equilibria
from hnn_engine.snapshot import Snapshot
from hnn_engine.systems.base import System

NEAR = (
    0.1  # of the ranges of the coordinates: an equilibrium of truth and one of the model that are nearer are the same
)
NEWTON_STATES = 100  # training states from which Newton's method begins as well


@dataclass(frozen=True)
class FixedPoints:
    """The equilibria of `truth` and of the `model` within the box of the training data. `matches` holds pairs of
    numbers (of truth, of the model) that are one and the same by place and kind; the others of truth are `lost`, the
    others of the model `invented`."""

    truth: tuple[Equilibrium, ...]
    model: tuple[Equilibrium, ...]
    matches: tuple[tuple[int, int], ...]

    @property
    def lost(self) -> tuple[Equilibrium, ...]:
        """The equilibria of truth that the model lacks."""
        kept = {i for i, _ in self.matches}
        return tuple(one for i, one in enumerate(self.truth) if i not in kept)

    @property
    def invented(self) -> tuple[Equilibrium, ...]:
        """The equilibria of the model that truth lacks."""
        kept = {j for _, j in self.matches}
        return tuple(one for j, one in enumerate(self.model) if j not in kept)


def data_box(system: System, states: Array) -> tuple[Array, Array]:
    """Return the box `(2*dof,)`, `(2*dof,)` that the training `states` `(N, 2*dof)` fill, a tenth wider; of an angle
    no more than a whole turn."""
    low, high = states.min(axis=0), states.max(axis=0)
    margin = 0.1 * np.maximum(high - low, 1e-6)
    low, high = low - margin, high + margin
    angles = np.array(system.periodic)
    turn = angles & (high - low >= 2 * np.pi)
    return np.where(turn, -np.pi, low), np.where(turn, np.pi, high)


def fixed_points(snapshot: Snapshot, system: System, states: Array) -> FixedPoints:
    """Return the equilibria of `system` and `snapshot` within the box of the training `states` `(N, 2*dof)`.

    By Newton's method from states of the box and of the data; where they fill a line or a plane, those that it finds.
    """
    low, high = data_box(system, states)
    few = states[np.linspace(0, len(states) - 1, min(NEWTON_STATES, len(states))).astype(int)]
    truth = equilibria(system.field, system.hamiltonian, low, high, system.periodic, few)
    many = many_at_once(snapshot)

    def field(coords: Array) -> Array:
        return many(coords.reshape(-1, coords.shape[-1])).reshape(coords.shape)

    model = equilibria(field, snapshot.hamiltonian, low, high, system.periodic, few)
    return FixedPoints(truth, model, _matched(truth, model, high - low, system.periodic))


def _matched(
    truth: tuple[Equilibrium, ...], model: tuple[Equilibrium, ...], width: Array, periodic: tuple[bool, ...]
) -> tuple[tuple[int, int], ...]:
    """Pairs of the same kind that are near each other, the nearest first, each in one pair only."""
    gaps = sorted(
        (float((np.abs(difference(np.array(one.at), np.array(other.at), periodic)) / width).max()), i, j)
        for i, one in enumerate(truth)
        for j, other in enumerate(model)
        if one.kind == other.kind
    )
    pairs: dict[int, int] = {}
    for gap, i, j in gaps:
        if gap <= NEAR and i not in pairs and j not in pairs.values():
            pairs[i] = j
    return tuple(sorted(pairs.items()))
