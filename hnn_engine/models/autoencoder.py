"""The autoencoder between frames and latents: two mirrored perceptrons with a residual over their two middle layers.

h₁ = relu(x W₀ + b₀), h₂ = h₁ + relu(h₁ W₁ + b₁), h₃ = h₂ + relu(h₂ W₂ + b₂), y = h₃ W₃ + b₃. Source: Greydanus et
al. 2019, section 5, and its published code.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from hnn_engine.models.mlp import Weights, orthogonal

Single = npt.NDArray[np.float32]

LAYERS = 4
LATENTS = 2  # (z_q, z_p)
ENCODER, DECODER = HALVES = ("encoder.", "decoder.")  # the prefixes of their weights


def half_sizes(numbers: int, width: int, half: str) -> tuple[int, ...]:
    """Return the sizes of the layers of `half`, input first: (`numbers`, `width`, `width`, `width`, 2), or its reverse
    for the decoder."""
    hidden = (width,) * (LAYERS - 1)
    return (numbers, *hidden, LATENTS) if half == ENCODER else (LATENTS, *hidden, numbers)


def autoencoder_shapes(numbers: int, width: int) -> dict[str, tuple[int, ...]]:
    """Return the shapes of all weights of an autoencoder of so many `numbers` and `width` units a layer, in their
    order."""
    shapes: dict[str, tuple[int, ...]] = {}
    for half in HALVES:
        sizes = half_sizes(numbers, width, half)
        for i in range(LAYERS):
            shapes |= {f"{half}w{i}": (sizes[i], sizes[i + 1]), f"{half}b{i}": (sizes[i + 1],)}
    return shapes


def initial_autoencoder(numbers: int, width: int, rng: np.random.Generator) -> Weights:
    """Draw fresh weights by `rng`: orthogonal matrices (Saxe et al. 2014), biases U(±1/√fan_in), float32, with the
    shapes of `autoencoder_shapes`."""
    weights: Weights = {}
    for name, shape in autoencoder_shapes(numbers, width).items():
        if len(shape) == 2:
            weights[name], bound = orthogonal(*shape, rng), 1 / np.sqrt(shape[0])
        else:
            weights[name] = rng.uniform(-bound, bound, shape).astype(np.float32)
    return weights


def half_output(weights: Mapping[str, Any], half: str, x: Any, relu: Any) -> Any:
    """Return what `half` gives `(N, outputs)` at `x` `(N, inputs)`; `relu` is that of numpy or torch.

    h₁ = relu(x W₀ + b₀), hᵢ₊₁ = hᵢ + relu(hᵢ Wᵢ + bᵢ), y = h₃ W₃ + b₃. Source: Greydanus et al. 2019, section 5.
    """
    x = relu(x @ weights[f"{half}w0"] + weights[f"{half}b0"])
    for i in range(1, LAYERS - 1):
        x = x + relu(x @ weights[f"{half}w{i}"] + weights[f"{half}b{i}"])
    return x @ weights[f"{half}w{LAYERS - 1}"] + weights[f"{half}b{LAYERS - 1}"]


def numpy_relu(x: Single) -> Single:
    """Return max(x, 0) of an array of any shape that is used for nothing else; its memory is written to."""
    return np.maximum(x, 0.0, out=x)
