"""Weights end to end in one float32 array, as backends step them, and back by their names."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.fitting.gradient.backend import Shapes
from hnn_engine.models.mlp import Weights


def shapes_of(weights: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Return the shapes of `weights`, in their order."""
    return {name: w.shape for name, w in weights.items()}


def flattened(weights: Mapping[str, Any]) -> Any:
    """Return all `weights` end to end, `(W,)`, float32."""
    return np.concatenate([np.asarray(w, dtype=np.float32).ravel() for w in weights.values()])


def unflattened(flat: Array, shapes: Shapes) -> Weights:
    """Return copies of the weights that lie end to end in `flat` `(W,)`, each with its shape in `shapes`."""
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes.values()])
    parts = np.split(flat.copy(), ends[:-1])
    return {name: part.reshape(shape) for (name, shape), part in zip(shapes.items(), parts, strict=True)}
