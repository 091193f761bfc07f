"""Ways of drawing initial states that several systems share."""

import numpy as np

from hnn_engine.coords import Array


def scaled_to_radius(rng: np.random.Generator, count: int, low: float, high: float) -> Array:
    """Draw `(count, 2)` points uniform in (−1, 1)² by `rng` and scale each to a radius U(low, high), as the paper does.
    Source: Greydanus et al. 2019, published code."""
    points = rng.uniform(-1.0, 1.0, (count, 2))
    radius = rng.uniform(low, high, (count, 1))
    scaled: Array = points / np.linalg.norm(points, axis=-1, keepdims=True) * radius
    return scaled
