"""What the closed form is solved with: cubic splines, and draws without repetition."""

import numpy as np

from hnn_engine.coords import Array, Index


def drawn(total: int, count: int, rng: np.random.Generator) -> Index:
    """Return at most `count` indices below `total`, rising, without repetition."""
    if total <= count:
        return np.arange(total)
    return np.sort(rng.choice(total, count, replace=False))


def evenly_drawn(places: Array, count: int, rng: np.random.Generator, stretches: int = 40) -> Index:
    """Return at most `count` indices of `places` `(n,)`, drawn so that thinly filled stretches count as much."""
    reach = max(float(np.ptp(places)), 1e-12)
    cell = np.minimum((places - places.min()) / reach * stretches, stretches - 1).astype(np.int64)
    weight = 1.0 / np.bincount(cell, minlength=stretches)[cell]
    chosen: Index = rng.choice(len(places), min(len(places), count), replace=False, p=weight / weight.sum())
    return np.sort(chosen)


def splines(x: Array, low: float, high: float, count: int) -> Array:
    """Return the `count` even cubic B-splines over [low, high] at x `(n,)`, `(n, count)`; they sum to one inside."""
    place = (np.clip(x, low, high) - low) / (high - low) * (count - 3)
    cell = np.minimum(place.astype(np.int64), count - 4)
    t = place - cell
    parts = ((1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3)
    basis = np.zeros((len(x), count))
    rows = np.arange(len(x))
    for offset, part in enumerate(parts):
        basis[rows, cell + offset] = part / 6
    return basis
