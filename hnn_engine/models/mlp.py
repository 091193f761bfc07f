"""The multilayer perceptron that every model here is made of, written once for numpy and torch.

h₀ = x, hₗ₊₁ = σ(hₗ Wₗ + bₗ), y = h_L W_out, without a last bias. `xp` is numpy or torch: the same lines train a
network and run its frozen snapshot. The gradient of a scalar output is in closed form,
∇y = (…((w_out ⊙ σ′(a_L)) W_Lᵀ ⊙ σ′(a_{L−1}))…) W₁ᵀ, so a loss on it needs only one backward pass.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from hnn_engine.coords import Array

Weights = dict[str, Any]  # name -> numpy array or torch tensor; iteration order is the order of the file
Activation = Callable[[Any, Any], tuple[Any, Any]]


def _tanh(xp: Any, a: Any) -> tuple[Any, Any]:
    h = xp.tanh(a)
    return h, 1 - h * h


def _softplus(xp: Any, a: Any) -> tuple[Any, Any]:
    size = xp.abs(a)
    return (a + size) / 2 + xp.log1p(xp.exp(-size)), (1 + xp.tanh(a / 2)) / 2


def _sine(xp: Any, a: Any) -> tuple[Any, Any]:
    return xp.sin(a), xp.cos(a)


def _silu(xp: Any, a: Any) -> tuple[Any, Any]:
    gate = (1 + xp.tanh(a / 2)) / 2
    return a * gate, gate * (1 + a * (1 - gate))


ACTIVATIONS: dict[str, Activation] = {"tanh": _tanh, "softplus": _softplus, "sine": _sine, "silu": _silu}


def initial_weights(sizes: tuple[int, ...], outputs: int, rng: np.random.Generator) -> Weights:
    """Draw weights for layers of `sizes` (input first) and so many `outputs` by `rng`: orthogonal matrices (Saxe et al.
    2014), biases U(±1/√fan_in), float32, with the shapes of `weight_shapes`."""
    weights: Weights = {}
    for i, (fan_in, fan_out) in enumerate(pairwise(sizes)):
        weights[f"w{i}"] = orthogonal(fan_in, fan_out, rng)
        bound = 1 / np.sqrt(fan_in)
        weights[f"b{i}"] = rng.uniform(-bound, bound, fan_out).astype(np.float32)
    weights["out"] = orthogonal(sizes[-1], outputs, rng)
    return weights


def weight_shapes(sizes: tuple[int, ...], outputs: int) -> dict[str, tuple[int, ...]]:
    """Return the shapes of what `initial_weights` draws: wᵢ (in, out), bᵢ (out,), and 'out' (width, outputs)."""
    shapes: dict[str, tuple[int, ...]] = {}
    for i, (fan_in, fan_out) in enumerate(pairwise(sizes)):
        shapes |= {f"w{i}": (fan_in, fan_out), f"b{i}": (fan_out,)}
    return shapes | {"out": (sizes[-1], outputs)}


def orthogonal(rows: int, columns: int, rng: np.random.Generator) -> Any:
    """Draw a `(rows, columns)` float32 matrix with orthonormal rows or columns, uniformly. Source: Saxe et al. 2014."""
    tall = rng.standard_normal((max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(tall)
    q = q * np.sign(np.diag(r))
    return np.ascontiguousarray(q if rows >= columns else q.T, dtype=np.float32)


def depth_of(weights: Weights) -> int:
    """Return the number of hidden layers."""
    return sum(name.startswith("w") for name in weights)


def forward(xp: Any, weights: Weights, activation: str, x: Any) -> tuple[Any, list[Any]]:
    """Return the last hidden units h_L `(..., width)` at `x` `(..., inputs)`, and σ′ `(..., width)` of each layer, the
    first first: hₗ₊₁ = σ(hₗ Wₗ + bₗ)."""
    act = ACTIVATIONS[activation]
    slopes = []
    for i in range(depth_of(weights)):
        x, slope = act(xp, x @ weights[f"w{i}"] + weights[f"b{i}"])
        slopes.append(slope)
    return x, slopes


def backward(weights: Weights, slopes: list[Any], k: int) -> Any:
    """Return ∇y `(..., inputs)` of output `k` from σ′ of each layer, `slopes`, `(..., width)` each.

    ∇y = (…((w_out ⊙ σ′(a_L)) W_Lᵀ ⊙ σ′(a_{L−1}))…) W₁ᵀ.
    """
    back = slopes[-1] * weights["out"][:, k]
    for i in range(len(slopes) - 1, 0, -1):
        back = (back @ weights[f"w{i}"].T) * slopes[i - 1]
    return back @ weights["w0"].T


def parameter_count(weights: Weights) -> int:
    """Return how many numbers the weights hold."""
    return sum(int(np.prod(w.shape)) for w in weights.values())


def finite(weights: dict[str, Array]) -> bool:
    """Return whether every number of the weights, of any shapes, is finite."""
    return all(bool(np.isfinite(w).all()) for w in weights.values())
