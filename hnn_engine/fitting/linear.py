"""A model's field as a linear function of its last layers, once its hidden layers are given.

f(x) = f₀(x) + F(x) θ, with θ all last layers end to end. F follows from the model's passes: the outputs of a network
are its hidden units, the gradient of an output is theirs, and each goes where its pass says. f₀ is what is known
beforehand (p/m of a second-order model). So fitting θ is a linear least-squares problem for every family alike.
Source: Rahma, Datar & Dietrich 2024, arXiv 2411.17511, for H of an HNN.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from hnn_engine.coords import Array, Index
from hnn_engine.fitting.events import FitTask
from hnn_engine.fitting.hidden import Hidden, hidden_layers
from hnn_engine.models import get_model
from hnn_engine.models.mlp import Weights
from hnn_engine.models.networks import Network, Pass
from hnn_engine.snapshot import Snapshot


class Group(NamedTuple):
    """Components of the field that share unknowns, and no others do: a regression of their own.

    `places` `(targets, unknowns)` are where its unknowns lie in θ. `shared`: each component is a target with unknowns
    of its own, and all have the same features; otherwise all are rows of the one target.
    """

    components: tuple[int, ...]
    places: Index
    shared: bool


@dataclass(frozen=True)
class LinearField:
    """The field of the task's model on the hidden layers `hidden`, one stack a network by its prefix."""

    task: FitTask
    hidden: dict[str, Hidden]

    @cached_property
    def passes(self) -> tuple[Pass, ...]:
        """What the field is a sum of."""
        return get_model(self.task.model).passes(self.task.model_settings, self.task.data.dof)

    @cached_property
    def networks(self) -> tuple[Network, ...]:
        """The networks, in the order of their unknowns."""
        return get_model(self.task.model).networks(self.task.data.dof)

    @cached_property
    def size(self) -> int:
        """How many unknowns there are."""
        return sum(net.outputs * self.hidden[net.prefix].width for net in self.networks)

    def columns(self, wanted: Network, output: int) -> slice:
        """Return where the unknowns of an output of a network lie."""
        begin = 0
        for net in self.networks:
            width = self.hidden[net.prefix].width
            if net.prefix == wanted.prefix:
                return slice(begin + output * width, begin + (output + 1) * width)
            begin += net.outputs * width
        raise KeyError(wanted.prefix)

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """Return the regressions that the field falls apart into."""
        if len(self.passes) == 1 and self.passes[0].output is None:
            one = self.passes[0]
            places = np.array([_places([self.columns(one.net, k)]) for k in range(one.net.outputs)])
            return (Group(tuple(c for c, _ in one.into), places, shared=True),)
        found: list[tuple[set[int], dict[int, slice]]] = []
        for part in self.passes:
            components = {c for c, factor in part.into if factor}
            unknowns = {at.start: at for _, at in self._unknowns(part)}
            for other in [o for o in found if o[0] & components or o[1].keys() & unknowns.keys()]:
                found.remove(other)
                components, unknowns = components | other[0], unknowns | other[1]
            found.append((components, unknowns))
        return tuple(
            Group(tuple(sorted(c)), _places([at for _, at in sorted(unknowns.items())])[None], shared=False)
            for c, unknowns in found
        )

    def _unknowns(self, part: Pass) -> Iterator[tuple[int, slice]]:
        outputs = range(part.net.outputs) if part.output is None else [part.output]
        yield from ((k, self.columns(part.net, k)) for k in outputs)

    def features(self, x: Array) -> Array:
        """Return F `(n, 2*dof, size)` at x `(n, 2*dof)`."""
        rows = np.zeros((*x.shape, self.size))
        for part in self.passes:
            for (component, factor), column, values in self._parts(part, x):
                if factor:
                    rows[:, component, column] += factor * values
        return rows

    def rows(self, group: Group, x: Array, counts: Array) -> Array:
        """Return the features of a group that is not shared, `(n, components, unknowns)` at x `(n, 2*dof)`, times what
        each component of each row `counts` `(n, 2*dof)`."""
        rows = np.zeros((len(x), len(group.components), group.places.shape[1]))
        inside = {component: i for i, component in enumerate(group.components)}
        for part in self.passes:
            if not inside.keys() & {component for component, factor in part.into if factor}:
                continue
            for (component, factor), column, values in self._parts(part, x):
                if factor:
                    first = int(np.searchsorted(group.places[0], column.start))
                    own = rows[:, inside[component], first : first + values.shape[1]]
                    own += values * (factor * counts[:, component, None])
        return rows

    def _parts(self, part: Pass, x: Array) -> Iterator[tuple[tuple[int, float], slice, Array]]:
        """Yield where each part of a pass goes, whose unknowns it has, and the features `(n, width)`."""
        hidden = self.hidden[part.net.prefix]
        seen = at_rest(x)[:, part.net.columns] if part.at_rest else x[:, part.net.columns]
        if part.output is None:
            values = hidden.values(seen)
            yield from ((into, self.columns(part.net, k), values) for k, into in enumerate(part.into))
        else:
            column, slopes = self.columns(part.net, part.output), hidden.gradients(seen)
            yield from ((into, column, slopes[:, i]) for i, into in enumerate(part.into))

    def shared_features(self, x: Array) -> Array:
        """Return the features `(n, width)` that every component of a shared group has."""
        net = self.passes[0].net
        return self.hidden[net.prefix].values(x[:, net.columns])

    def given(self, x: Array) -> Array:
        """Return f₀ `(n, 2*dof)`, what is known of the field beforehand."""
        rates, known = get_model(self.task.model).rates(self.task.known), np.zeros_like(x)
        if rates is not None:
            dof = x.shape[1] // 2
            known[:, :dof] = x[:, dof:] * rates
        return known

    def weights(self, theta: Array) -> Weights:
        """Return the model's weights, float64, with last layers θ `(size,)`."""
        named: Weights = {}
        for net in self.networks:
            hidden = self.hidden[net.prefix]
            named |= {net.prefix + name: w for name, w in hidden.weights().items()}
            named[f"{net.prefix}out"] = np.column_stack([theta[self.columns(net, k)] for k in range(net.outputs)])
        return named

    def snapshot(self, theta: Array) -> Snapshot:
        """Freeze the model with last layers θ."""
        weights = {**self.weights(theta), **self.task.known}
        return Snapshot(self.task.model, self.task.data.dof, dict(self.task.model_settings), weights)


def _places(columns: list[slice]) -> Index:
    return np.concatenate([np.arange(at.start, at.stop) for at in columns])


def at_rest(x: Array) -> Array:
    """Return x with p = 0."""
    still = x.copy()
    still[:, x.shape[1] // 2 :] = 0.0
    return still


def drawn_field(task: FitTask, x: Array, rng: np.random.Generator) -> LinearField:
    """Return the task's field on hidden layers drawn from pairs of the states x `(n, 2*dof)`."""
    settings = task.model_settings
    width, depth, activation = int(settings["width"]), int(settings["depth"]), str(settings["activation"])
    nets = get_model(task.model).networks(task.data.dof)
    return LinearField(
        task, {net.prefix: hidden_layers(x[:, net.columns], (width, depth), activation, rng) for net in nets}
    )
