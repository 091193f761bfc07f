"""The field of any family as the paper's code has it: gradients by autograd, each with a graph of its own, times a
matrix that turns them."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from hnn_engine.models import get_model
from hnn_engine.models.mlp import depth_of
from hnn_engine.models.networks import Term
from hnn_engine.parameters import Value

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "tanh": torch.tanh,
    "softplus": torch.nn.functional.softplus,
    "sine": torch.sin,
    "silu": torch.nn.functional.silu,
}


class Layers(NamedTuple):
    """A network's weights: matrix and bias of each hidden layer, and the last matrix."""

    hidden: list[tuple[Tensor, Tensor]]
    out: Tensor


class PaperWay:
    """A family's terms for `dof` degrees of freedom, in float32; each network goes forward once."""

    def __init__(self, model: str, settings: Mapping[str, Value], dof: int) -> None:
        terms = get_model(model).terms(settings, dof)
        if any(one.at_rest for one in terms):
            raise ValueError("Passes at p = 0 are not in the paper's code")
        self._activation, self._dof = ACTIVATIONS[str(settings["activation"])], dof
        self._parts = [(one, _spread(one, dof)) for one in terms]
        self._nets = {one.net.prefix: one.net for one in terms}
        self._whole = {prefix: len(net.reads(dof)) == 2 * dof for prefix, net in self._nets.items()}

    def layers(self, weights: Mapping[str, Tensor]) -> dict[str, Layers]:
        """Return the weights of each network by its prefix."""
        return {prefix: _layers(net.of(weights)) for prefix, net in self._nets.items()}

    def field(self, layers: Mapping[str, Layers], inertia: Tensor | None, coords: Tensor) -> Tensor:
        """Return d(coords)/dt `(N, 2*dof)`; `coords` require a gradient. `inertia` `(dof,)`: where p/m is known."""
        outputs = {prefix: self._forward(prefix, layers[prefix], coords) for prefix in self._nets}
        first, *others = (_one(one, outputs[one.net.prefix], coords) @ matrix for one, matrix in self._parts)
        flow = first if not others else first + others[0]
        if inertia is not None:
            flow = flow + torch.nn.functional.pad(coords[:, self._dof :] / inertia, (0, self._dof))
        return flow

    def _forward(self, prefix: str, layers: Layers, coords: Tensor) -> Tensor:
        x = coords if self._whole[prefix] else coords[:, self._nets[prefix].columns]
        for matrix, bias in layers.hidden:
            x = self._activation(x @ matrix + bias)
        return x @ layers.out


def _layers(weights: Mapping[str, Tensor]) -> Layers:
    return Layers([(weights[f"w{i}"], weights[f"b{i}"]) for i in range(depth_of(dict(weights)))], weights["out"])


def _one(one: Term, outputs: Tensor, coords: Tensor) -> Tensor:
    """Return the outputs, or the gradient of one of them by all of the coordinates."""
    if one.output is None:
        return outputs
    chosen = outputs if one.net.outputs == 1 else outputs[:, one.output]
    (gradient,) = torch.autograd.grad(chosen.sum(), coords, create_graph=True)
    return gradient


def _spread(one: Term, dof: int) -> Tensor:
    """Return the matrix that takes what a pass gives to the components of the field."""
    sources = range(one.net.outputs) if one.output is None else one.net.reads(dof)
    matrix = np.zeros((one.net.outputs if one.output is None else 2 * dof, 2 * dof), dtype=np.float32)
    for source, (target, factor) in zip(sources, one.into, strict=True):
        matrix[source, target] = factor
    return torch.from_numpy(matrix)
