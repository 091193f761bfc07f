"""Duffing's oscillator without friction: a mass on a spring whose force has a cubic term."""

import math
from typing import ClassVar

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.parameters import Parameter
from hnn_engine.scene import Coordinate
from hnn_engine.systems.base import DataRecipe, System

REACH = 1.8  # of the portrait, in the distance of a well from the middle; that is 1 m where there is one well
START_REACH = 1.5  # of training starts, as above


class Duffing(System):
    """H = p²/2 + aq²/2 + bq⁴/4 in J, at 1 kg. With a < 0 there are two wells, at q = ±√(−a/b), and a hump of height
    a²/(4b).

    Source: Kovacic & Brennan, The Duffing Equation, Wiley 2011.
    """

    name: ClassVar[str] = "duffing"
    title: ClassVar[str] = "Duffing oscillator"
    summary: ClassVar[str] = "A bead in two wells: a small swing stays in one, a larger one goes over the hump."
    constants: ClassVar[tuple[Parameter, ...]] = (
        Parameter("linear", "Linear force", -1.0, -2.0, 2.0, "a", "N/m", "Below zero it pushes outward: two wells."),
        Parameter("cubic", "Cubic force", 1.0, 0.2, 5.0, "b", "N/m³", "It pulls back, ever harder further out."),
    )
    data: ClassVar[DataRecipe] = DataRecipe(50, 50, 5.0, 0.0, 0.5, False, False)
    horizon: ClassVar[float] = 20.0
    separable: ClassVar[bool] = True

    @property
    def scale(self) -> float:
        """Distance of a well from the middle, m; 1 m where there is one well, or two that are nearer."""
        return max(1.0, math.sqrt(max(-self.linear, 0.0) / self.cubic))

    def _momentum(self, q: float) -> float:
        """Return the largest momentum on the orbit that comes to rest at `q`, kg m/s."""
        assert self.min_energy is not None
        return math.sqrt(2 * (self.linear / 2 * q**2 + self.cubic / 4 * q**4 - self.min_energy))

    @property
    def coordinates(self) -> tuple[Coordinate, ...]:
        """The canonical coordinates in order, all q and then all p, with the units and ranges of their axes."""
        far = REACH * self.scale
        fast = self._momentum(far)
        return (Coordinate("q", "q", "m", -far, far), Coordinate("p", "p", "kg m/s", -fast, fast))

    def hamiltonian(self, coords: Array) -> Array:
        """Return H = p²/2 + a q²/2 + b q⁴/4 `(...)` in J for `coords` `(..., 2)`."""
        q, p = coords[..., 0], coords[..., 1]
        return p**2 / 2 + self.linear / 2 * q**2 + self.cubic / 4 * q**4

    @staticmethod
    def grad_hamiltonian(x: Array, c: Array, out: Array) -> None:
        """Write ∇H = (aq + bq³, p) into `out`. `x`, `out`: `(2, ...)`; `c`: a in N/m, b in N/m³."""
        q = x[0]
        out[0] = (c[0] + c[1] * q * q) * q
        out[1] = x[1]

    @property
    def min_energy(self) -> float | None:
        """The least energy in J: −a²/(4b) for a < 0, else 0."""
        return -(min(self.linear, 0.0) ** 2) / (4 * self.cubic)

    def sample_starts(self, rng: np.random.Generator, count: int) -> Array:
        """Draw `count` starts by `rng`, q and p uniform as far as `START_REACH` times the distance of a well, `(count,
        2)`, in m and kg m/s."""
        far = START_REACH * self.scale
        return rng.uniform(-1.0, 1.0, (count, 2)) * (far, self._momentum(far))

    @property
    def default_start(self) -> Array:
        """The initial state that the window opens with, `(2,)`, in m and kg m/s."""
        return np.array([1.45 * self.scale, 0.0])
