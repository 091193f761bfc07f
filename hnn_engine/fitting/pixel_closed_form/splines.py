"""Even cubic B-splines, which the principal curve and the slow feature are sums of."""

import numpy as np

from hnn_engine.coords import Array


def splines(x: Array, low: float, high: float, count: int) -> Array:
    """Return the `count` even cubic B-splines over [low, high] at x `(n,)`, as `(n, count)`; they sum to one. An x
    outside counts as the end next to it. Source: de Boor, A Practical Guide to Splines."""
    place = (np.clip(x, low, high) - low) / (high - low) * (count - 3)
    cell = np.minimum(place.astype(np.int64), count - 4)
    t = place - cell
    parts = ((1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3)
    basis = np.zeros((len(x), count))
    rows = np.arange(len(x))
    for offset, part in enumerate(parts):
        basis[rows, cell + offset] = part / 6
    return basis
