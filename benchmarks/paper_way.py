"""The field of any family as the paper's code has it: gradients by autograd, each with a graph of its own, times a
matrix that turns them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hnn_engine.models import get_model
from hnn_engine.models.mlp import output
from hnn_engine.models.networks import Network, Pass
from hnn_engine.parameters import Value


class PaperWay:
    """A family's passes for `dof` degrees of freedom, in float32; each network goes forward once."""

    def __init__(self, model: str, settings: Mapping[str, Value], dof: int) -> None:
        passes = get_model(model).passes(settings, dof)
        if any(one.at_rest for one in passes):
            raise ValueError("Passes at p = 0 are not in the paper's code")
        self._activation, self._dof = str(settings["activation"]), dof
        self._parts = [(one, _spread(one, dof)) for one in passes]
        self._nets = {one.net.prefix: one.net for one in passes}

    def parts(self, weights: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
        """Return the weights of each network by its prefix."""
        return {prefix: net.of(weights) for prefix, net in self._nets.items()}

    def field(self, parts: Mapping[str, dict[str, Tensor]], inertia: Tensor | None, coords: Tensor) -> Tensor:
        """Return d(coords)/dt `(N, 2*dof)`; `coords` require a gradient. `inertia` `(dof,)`: where p/m is known."""
        outputs = {prefix: self._forward(net, parts[prefix], coords) for prefix, net in self._nets.items()}
        flow: Any = sum(_one(one, outputs[one.net.prefix], coords) @ matrix for one, matrix in self._parts)
        if inertia is not None:
            flow = flow + torch.nn.functional.pad(coords[:, self._dof :] / inertia, (0, self._dof))
        result: Tensor = flow
        return result

    def _forward(self, net: Network, weights: dict[str, Tensor], coords: Tensor) -> Tensor:
        result: Tensor = output(torch, weights, self._activation, coords[:, net.columns])
        return result


def _one(one: Pass, outputs: Tensor, coords: Tensor) -> Tensor:
    """Return the outputs, or the gradient of one of them by all of the coordinates."""
    if one.output is None:
        return outputs
    (gradient,) = torch.autograd.grad(outputs[:, one.output].sum(), coords, create_graph=True)
    return gradient


def _spread(one: Pass, dof: int) -> Tensor:
    """Return the matrix that takes what a pass gives to the components of the field."""
    sources = range(one.net.outputs) if one.output is None else one.net.reads(dof)
    matrix = np.zeros((one.net.outputs if one.output is None else 2 * dof, 2 * dof), dtype=np.float32)
    for source, (target, factor) in zip(sources, one.into, strict=True):
        matrix[source, target] = factor
    return torch.from_numpy(matrix)
