"""A model's field as a linear function of its last layers, once its hidden layers are given.

f(x) = f₀(x) + F(x) θ, with θ all last layers end to end. F follows from the model's terms: the outputs of a network
are its hidden units, the gradient of an output is theirs, and each goes where its term says. f₀ is what is known
beforehand (p/m of a second-order model). So fitting θ is a linear least-squares problem for every family alike.
Source: Rahma, Datar & Dietrich 2024, arXiv 2411.17511, for H of an HNN.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from typing import NamedTuple

import numpy as np

from hnn_engine.coords import Array, Index
from hnn_engine.fitting.backend_choice import COMPILED
from hnn_engine.fitting.events import FitTask
from hnn_engine.fitting.random_features.hidden_layers import SLOPE, Hidden, halved_layer, hidden_layers, hidden_of
from hnn_engine.models import get_model
from hnn_engine.models.mlp import Weights
from hnn_engine.models.networks import Network, Term
from hnn_engine.models.sum_of_terms import at_rest
from hnn_engine.snapshot import Snapshot

# Of several degrees of freedom: what a unit's argument changes by over the distance of its pair, where it sees one half
# of the coordinates or all of them, and the share of units that see positions. Measured on two and three bodies and on
# the double pendulum.
HALF_SLOPE, WHOLE_SLOPE, SHARE = 1.5, 1.0, 0.75


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
    def terms(self) -> tuple[Term, ...]:
        """What the field is a sum of."""
        return get_model(self.task.model).terms(self.task.model_settings, self.task.dof)

    @cached_property
    def networks(self) -> tuple[Network, ...]:
        """The networks, in the order of their unknowns."""
        return get_model(self.task.model).networks(self.task.model_settings, self.task.dof)

    @cached_property
    def size(self) -> int:
        """How many unknowns there are."""
        return sum(net.outputs * self.hidden[net.prefix].width for net in self.networks)

    def columns(self, wanted: Network, output: int) -> slice:
        """Return the slice of θ in which the unknowns of an `output` of the network `wanted` lie; raise `KeyError` for
        a network that the model has not."""
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
        if len(self.terms) == 1 and self.terms[0].output is None:
            one = self.terms[0]
            places = np.array([_places([self.columns(one.net, k)]) for k in range(one.net.outputs)])
            return (Group(tuple(c for c, _ in one.into), places, shared=True),)
        found: list[tuple[set[int], dict[int, slice]]] = []
        for components, unknowns in chain.from_iterable(map(self._pieces, self.terms)):
            for other in [o for o in found if o[0] & components or o[1].keys() & unknowns.keys()]:
                found.remove(other)
                components, unknowns = components | other[0], unknowns | other[1]
            found.append((components, unknowns))
        return tuple(
            Group(tuple(sorted(c)), _places([at for _, at in sorted(unknowns.items())])[None], shared=False)
            for c, unknowns in found
            if c  # units that no component has a part in stay at zero
        )

    def _pieces(self, one: Term) -> Iterator[tuple[set[int], dict[int, slice]]]:
        """Yield the components that share unknowns in a term, and these by where they begin."""
        if one.output is None:
            columns = [self.columns(one.net, k) for k in range(one.net.outputs)]
            yield {c for c, factor in one.into if factor}, {at.start: at for at in columns}
            return
        for part in self.hidden[one.net.prefix].all_parts():
            at = _within(self.columns(one.net, one.output), part.units)
            yield {c for c, factor in one.into[part.inputs] if factor}, {at.start: at}

    def features(self, x: Array) -> Array:
        """Return F `(n, 2*dof, size)` at x `(n, 2*dof)`."""
        return self._gathered(x, range(x.shape[1]), np.arange(self.size), np.ones_like(x))

    def rows(self, group: Group, x: Array, counts: Array) -> Array:
        """Return the features of a `group` that is not shared, `(n, components, unknowns)` at x `(n, 2*dof)`, times
        `counts` `(n, 2*dof)`, the weight of each component of each row."""
        return self._gathered(x, group.components, group.places[0], counts)

    def _gathered(self, x: Array, components: Sequence[int], places: Index, counts: Array) -> Array:
        """Return the features of `components` by the unknowns at `places`, rising, times what they count."""
        rows, counts = np.zeros((len(x), len(components), len(places))), counts[:, list(components)]
        inside = {component: i for i, component in enumerate(components)}
        for one in self.terms:
            hidden = self.hidden[one.net.prefix]
            seen = at_rest(np, x)[:, one.net.columns] if one.at_rest else x[:, one.net.columns]
            into = [(i, inside[c], factor) for i, (c, factor) in enumerate(one.into) if factor and c in inside]
            if one.output is None:
                values = hidden.values(seen)
                for k, target, factor in into:
                    first = int(np.searchsorted(places, self.columns(one.net, k).start))
                    rows[:, target, first : first + values.shape[1]] += values * (factor * counts[:, target, None])
                continue
            for part in hidden.all_parts():
                own = [place for place in into if part.inputs.start <= place[0] < part.inputs.stop]
                if own:
                    at = _within(self.columns(one.net, one.output), part.units)
                    hidden.add_gradients(seen, part, own, counts, int(np.searchsorted(places, at.start)), rows)
        return rows

    def shared_features(self, x: Array) -> Array:
        """Return the features `(n, width)` at x `(n, 2*dof)` that every component of a shared group has."""
        net = self.terms[0].net
        return self.hidden[net.prefix].values(x[:, net.columns])

    def given(self, x: Array) -> Array:
        """Return f₀ `(n, 2*dof)` at x `(n, 2*dof)`, what is known of the field beforehand: p/m on dq/dt, or zero."""
        inverse_mass, known = get_model(self.task.model).inverse_mass(self.task.known), np.zeros_like(x)
        if inverse_mass is not None:
            dof = x.shape[1] // 2
            known[:, :dof] = x[:, dof:] * inverse_mass
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
        """Freeze the model with last layers θ `(size,)`."""
        weights = {**self.weights(theta), **self.task.known}
        return Snapshot(self.task.model, self.task.data.dof, dict(self.task.model_settings), weights)


def _within(column: slice, units: slice) -> slice:
    return slice(column.start + units.start, column.start + units.stop)


def _places(columns: list[slice]) -> Index:
    return np.concatenate([np.arange(at.start, at.stop) for at in columns])


def can_be_halved(task: FitTask) -> bool:
    """Return whether the task has a network of one layer that sees positions and momenta."""
    nets = get_model(task.model).networks(task.model_settings, task.dof)
    return int(task.model_settings["depth"]) == 1 and any(_sees_all(net, task.dof) for net in nets)


def drawn_field(task: FitTask, x: Array, rng: np.random.Generator, halved: bool = False) -> LinearField:
    """Return the task's field on hidden layers drawn from pairs of the states x `(n, 2*dof)`, or on those of the fit
    that it begins at. Source of the layers: Bolager et al. 2023.

    `halved`: units take positions or momenta alone, where `can_be_halved`. An H that is T(p) + V(q), a field that is
    (f(p), g(q)), needs no others, and it has more units for each then.
    """
    nets = get_model(task.model).networks(task.model_settings, task.dof)
    if task.start is not None:
        activation = str(task.model_settings["activation"])
        hidden = {net.prefix: hidden_of(task.start.weights, net, activation) for net in nets}
    else:
        hidden = {net.prefix: _drawn(task, net, x[:, net.columns], rng, halved) for net in nets}
    compiled = task.backend == COMPILED
    return LinearField(task, {prefix: replace(layers, compiled=compiled) for prefix, layers in hidden.items()})


def _drawn(task: FitTask, net: Network, x: Array, rng: np.random.Generator, halved: bool) -> Hidden:
    settings, one = task.model_settings, task.data.dof == 1
    width, depth, activation = int(settings["width"]), int(settings["depth"]), str(settings["activation"])
    if not _sees_all(net, task.dof) and not task.timed:
        return hidden_layers(x, (width, depth), activation, rng, SLOPE if one else HALF_SLOPE)
    if halved and depth == 1:
        share, slope = (0.5, SLOPE) if one else (SHARE, HALF_SLOPE)
        return halved_layer(x, width, activation, rng, share, slope)
    return hidden_layers(x, (width, depth), activation, rng, SLOPE if one else WHOLE_SLOPE)


def _sees_all(net: Network, dof: int) -> bool:
    return len(net.reads(dof)) == 2 * dof
