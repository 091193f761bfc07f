"""Random subsets of rows, drawn without repetition."""

import numpy as np

from hnn_engine.coords import Array, Index


def drawn(total: int, count: int, rng: np.random.Generator) -> Index:
    """Return at most `count` indices below `total`, `(n,)`, rising, drawn by `rng` without repetition."""
    if total <= count:
        return np.arange(total)
    return np.sort(rng.choice(total, count, replace=False))


def evenly_drawn(places: Array, count: int, rng: np.random.Generator, stretches: int = 40) -> Index:
    """Return at most `count` rising indices of `places` `(n,)`, drawn by `rng` so that thinly filled `stretches` of
    their range count as much as the others."""
    reach = max(float(np.ptp(places)), 1e-12)
    cell = np.minimum((places - places.min()) / reach * stretches, stretches - 1).astype(np.int64)
    weight = 1.0 / np.bincount(cell, minlength=stretches)[cell]
    chosen: Index = rng.choice(len(places), min(len(places), count), replace=False, p=weight / weight.sum())
    return np.sort(chosen)
