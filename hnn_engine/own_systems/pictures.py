"""How three and more coordinates of a formula are drawn: a bead a coordinate on rails side by side, or a chain."""

from itertools import pairwise

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.geometry import Bob, Bounds, Primitive, Rail, Rod

RADIUS = 0.05  # of a bead, as a part of the picture's height
MARGIN = 0.15


class Beads:
    """A bead a coordinate: the i-th at (i · spacing, qᵢ), on a rail of its own, or joined to a chain."""

    def __init__(self, low: Array, high: Array, chain: bool) -> None:
        """Take the ranges `(dof,)` of the coordinates, in m."""
        self._chain, self._low, self._high = chain, low, high
        bottom, top = float(low.min()), float(high.max())
        height = top - bottom
        self.spacing = height / max(len(low), 2)
        self._x = self.spacing * (np.arange(len(low)) - (len(low) - 1) / 2)
        self.radius = RADIUS * height
        wide = self.spacing * (len(low) + 1) / 2
        self.bounds: Bounds = (-wide, wide, bottom - MARGIN * height, top + MARGIN * height)

    def positions(self, q: Array) -> Array:
        """Return where the beads are, `(..., dof) -> (..., dof, 2)` in m."""
        return np.stack([np.broadcast_to(self._x, q.shape), q], axis=-1)

    def velocities(self, rates: Array) -> Array:
        """Return their velocities `(..., dof, 2)` in m/s, for dq/dt `(..., dof)`."""
        return np.stack([np.zeros_like(rates), rates], axis=-1)

    def drawn(self, q: Array) -> tuple[Primitive, ...]:
        """Return the drawing of q `(dof,)`."""
        points = [(float(x), float(y)) for x, y in self.positions(q)]
        bobs = tuple(Bob(point, self.radius, i) for i, point in enumerate(points))
        if self._chain:
            return (*(Rod(a, b) for a, b in pairwise(points)), *bobs)
        ends = zip(self._x.tolist(), self._low.tolist(), self._high.tolist(), strict=True)
        return (*(Rail((x, low), (x, high)) for x, low, high in ends), *bobs)
