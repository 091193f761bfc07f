"""Hidden layers that no gradient trains: drawn from pairs of the states that they will see.

A unit changes over the distance of its pair and is zero at a place between the two, so its steepness is that of the
data there. Source: Bolager et al. 2023, arXiv 2306.16830.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.kernels.cache import loops
from hnn_engine.models.mlp import ACTIVATIONS, Weights, depth_of
from hnn_engine.models.networks import Network

Layer = tuple[Array, Array]

STEEPNESS = {"tanh": 1.0, "softplus": 2.0, "sine": 1.0, "silu": 2.0}  # of a unit, for the same bend
SLOPE = 0.5  # of a unit's argument over the distance of its pair: noise-free fields are best at .3 to .8


class Part(NamedTuple):
    """Units of the last layer, and the inputs that they see."""

    units: slice
    inputs: slice


@dataclass(frozen=True)
class Hidden:
    """Hidden layers `(w, b)`, the first one first: h ← σ(h w + b).

    `parts`, of a single layer alone: units that see some of the inputs only, for whose other weights are zero.
    `compiled`: values and derivatives are computed by compiled loops, which are loaded.
    """

    activation: str
    layers: tuple[Layer, ...]
    parts: tuple[Part, ...] = ()
    compiled: bool = False

    def all_parts(self) -> tuple[Part, ...]:
        """Return which units see which inputs; together they are all units."""
        return self.parts or (Part(slice(0, self.width), slice(0, len(self.layers[0][0]))),)

    @property
    def _kernels(self) -> Any | None:
        return loops() if self.compiled else None

    @property
    def width(self) -> int:
        """Units of the last layer."""
        return int(self.layers[-1][0].shape[1])

    def values(self, x: Array) -> Array:
        """Return the last units `(n, width)` at x `(n, k)`."""
        act, kernels = ACTIVATIONS[self.activation], self._kernels
        for w, b in self.layers:
            x = act(np, x @ w + b)[0] if kernels is None else kernels.values(self.activation, x, w, b)
        return x

    def gradients(self, x: Array, part: Part | None = None) -> Array:
        """Return the derivatives of the last units by each of x `(n, k)`: `(n, k, width)`; or those of a part of the
        units, by the inputs that it sees."""
        act = ACTIVATIONS[self.activation]
        (w, b), *others = self.layers
        if part is not None and self.parts:
            x, w, b = x[:, part.inputs], w[part.inputs, part.units], b[part.units]
        h, slope = act(np, x @ w + b)
        tangents = slope[:, None, :] * w
        for w, b in others:
            h, slope = act(np, h @ w + b)
            tangents = slope[:, None, :] * (tangents @ w)
        return np.asarray(tangents)

    def add_gradients(
        self, x: Array, part: Part, into: Sequence[tuple[int, int, float]], counts: Array, first: int, out: Array
    ) -> None:
        """Add derivatives of a part of the units at x `(n, k)` to `out` `(n, targets, columns)`, from column `first`
        on: for each (input, target, factor) of `into` those by the input, times factor and `counts` `(n, targets)`."""
        kernels, begin = self._kernels, part.inputs.start
        if kernels is not None and len(self.layers) == 1:
            w, b = self.layers[0]
            layer = x[:, part.inputs], w[part.inputs, part.units], b[part.units]
            kernels.add_gradients(self.activation, layer, [(i - begin, *rest) for i, *rest in into], counts, first, out)
            return
        slopes = self.gradients(x, part)
        for i, target, factor in into:
            own = out[:, target, first : first + slopes.shape[2]]
            own += slopes[:, i - begin] * (factor * counts[:, target, None])

    def weights(self) -> Weights:
        """Return the layers by the names of a perceptron's weights."""
        return {
            f"{name}{i}": part for i, layer in enumerate(self.layers) for name, part in zip("wb", layer, strict=True)
        }


def hidden_layers(
    x: Array, sizes: tuple[int, int], activation: str, rng: np.random.Generator, slope: float = SLOPE
) -> Hidden:
    """Return layers of `sizes`, (width, depth): the first drawn from pairs of states x `(n, k)`, whose coordinates
    count by their spread, the others from pairs of what the layer before makes of them.

    `slope`: change of a unit's argument over the distance of its pair. Source: Bolager et al. 2023.
    """
    (width, depth), steep, spread = sizes, slope * STEEPNESS[activation], np.maximum(x.std(axis=0), 1e-12)
    w, b = sampled_layer(x / spread, width, steep, rng)
    layers = [(w / spread[:, None], b)]
    for _ in range(depth - 1):
        x, _ = ACTIVATIONS[activation](np, x @ layers[-1][0] + layers[-1][1])
        layers.append(sampled_layer(x, width, steep, rng))
    return Hidden(activation, tuple(layers))


def halved_layer(x: Array, width: int, activation: str, rng: np.random.Generator, share: float, slope: float) -> Hidden:
    """Return one layer of which a `share` of the units sees the first half of x `(n, k)` alone, the positions, and the
    others the second half, the momenta."""
    half, first = x.shape[1] // 2, min(max(round(share * width), 1), width - 1)
    parts = Part(slice(0, first), slice(0, half)), Part(slice(first, width), slice(half, 2 * half))
    w, b = np.zeros((2 * half, width)), np.zeros(width)
    for units, inputs in parts:
        own = hidden_layers(x[:, inputs], (units.stop - units.start, 1), activation, rng, slope).layers[0]
        w[inputs, units], b[units] = own
    return Hidden(activation, ((w, b),), parts)


def sampled_layer(x: Array, width: int, slope: float, rng: np.random.Generator) -> Layer:
    """Return `(w, b)`, `(k, width)` and `(width,)`, of units whose argument changes by `slope` over the distance of a
    pair of rows of x `(n, k)`, and is zero at a place between the two.

    w = slope (x₂ − x₁)/‖x₂ − x₁‖², b = −w·(x₁ + u (x₂ − x₁)), u uniform in [0, 1). Source: Bolager et al. 2023.
    """
    begin, end = x[rng.integers(len(x), size=width)], x[rng.integers(len(x), size=width)]
    chord = end - begin
    near = np.maximum(1e-3 * x.var(axis=0).sum(), 1e-24)
    w = (slope * chord / np.maximum(np.square(chord).sum(axis=1), near)[:, None]).T
    place = begin + rng.random(width)[:, None] * chord
    return w, -np.einsum("ij,ji->i", place, w)


def hidden_of(weights: Mapping[str, object], net: Network, activation: str) -> Hidden:
    """Return the hidden layers, in float64, that `net` has in `weights`."""
    own = net.of(weights)
    layers = tuple((own[f"w{i}"].astype(float), own[f"b{i}"].astype(float)) for i in range(depth_of(own)))
    return Hidden(activation, layers)
