"""Any number of equal bodies in a plane: a turning ring, and what becomes of it."""

import math
from typing import ClassVar

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.parameters import Parameter
from hnn_engine.systems.base import DataRecipe
from hnn_engine.systems.gravity import Gravity, polygons
from hnn_engine.systems.sampling import scaled_to_radius
from hnn_engine.systems.three_body import RADII, TYPICAL_RADIUS


class NBody(Gravity):
    """n equal masses; with two or three of them, the H of two and three bodies.

    Starts are perturbed rings that turn rigidly: n bodies at equal angles on a circle of radius R. The pulls towards
    the centre bend their way into that circle at v² = Gm/(4R) Σₖ 1/sin(πk/n), k = 1 … n−1. Neighbours are as far
    apart as the paper's three bodies, so R grows with n.
    """

    name: ClassVar[str] = "n-body"
    title: ClassVar[str] = "n bodies"
    summary: ClassVar[str] = "From two to thirty-two equal stars on a ring, each pulled by all the others."
    constants: ClassVar[tuple[Parameter, ...]] = (
        Parameter("bodies", "Bodies", 5, 2, 32, "n", "", "How many bodies there are; each has four coordinates."),
        Parameter("mass", "Mass", 1.0, 0.1, 5.0, "m", "kg", "Mass of each body."),
        Parameter("gravitation", "Attraction", 1.0, 0.1, 5.0, "G", "N m²/kg²", "Strength of gravity: F = Gm²/r²."),
    )
    data: ClassVar[DataRecipe] = DataRecipe(1000, 40, 3.0, 0.0, 0.2, True, False)
    horizon: ClassVar[float] = 3.0
    opening: ClassVar[float | None] = 10.0
    close_encounters: ClassVar[bool] = True
    default_seed: ClassVar[int] = 729  # of five bodies none leaves within ten seconds

    @property
    def caption(self) -> str:
        """The name, for people, of the system with this number of bodies."""
        return f"{int(self.bodies)} bodies"

    @property
    def masses(self) -> Array:
        """The masses of the bodies in kg, `(bodies,)`."""
        return np.full(int(self.bodies), self.mass)

    def _rings(self, first: Array) -> Array:
        """Return turning rings `(N, 4n)`; `first` `(N, 2)`: the first body from the centre if there were three, m."""
        n = int(self.bodies)
        first = first * (math.sin(math.pi / 3) / math.sin(math.pi / n))
        radius = np.linalg.norm(first, axis=-1)
        pulls = sum(1 / math.sin(math.pi * k / n) for k in range(1, n)) / 4
        return self.revolving(polygons(first, n), np.sqrt(self.gravitation * self.mass * pulls / radius**3))

    @property
    def typical_orbit(self) -> Array:
        """A state of the middle of the training distribution, `(4*bodies,)` in m and kg m/s: what scales and ranges are
        taken from."""
        orbit: Array = self._rings(np.array([[TYPICAL_RADIUS, 0.0]]))[0]
        return orbit

    def sample_starts(self, rng: np.random.Generator, count: int) -> Array:
        """Draw `count` turning rings by `rng`, each momentum changed a little, `(count, 4*bodies)` in m and kg m/s."""
        return self.kicked(self._rings(scaled_to_radius(rng, count, *RADII)), rng)
