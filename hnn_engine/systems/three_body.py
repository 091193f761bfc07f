"""Three bodies in a plane: near Lagrange's turning triangle, and soon far from it."""

import math
from typing import ClassVar

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.parameters import Parameter
from hnn_engine.systems.base import DataRecipe
from hnn_engine.systems.gravity import Gravity, polygons
from hnn_engine.systems.sampling import scaled_to_radius

RADII = (0.9, 1.2)  # m; from the middle of the triangle to its corners
TYPICAL_RADIUS = 1.05  # m


class ThreeBody(Gravity):
    """Three point masses. At m₁ = m₂ = m₃ = G = 1 the paper's H.

    Starts are perturbed relative equilibria: an equilateral triangle that turns rigidly about its centre of mass with
    ω² = G(m₁ + m₂ + m₃)/side³, whatever the masses (Lagrange 1772).
    """

    name: ClassVar[str] = "three-body"
    title: ClassVar[str] = "Three bodies"
    summary: ClassVar[str] = "Three stars: close encounters that can eject one; there is no closed solution."
    constants: ClassVar[tuple[Parameter, ...]] = (
        Parameter("mass-1", "First mass", 1.0, 0.1, 5.0, "m₁", "kg", "Mass of the first body; the heavier moves less."),
        Parameter("mass-2", "Second mass", 1.0, 0.1, 5.0, "m₂", "kg", "Mass of the second body."),
        Parameter("mass-3", "Third mass", 1.0, 0.1, 5.0, "m₃", "kg", "Mass of the third body."),
        Parameter("gravitation", "Attraction", 1.0, 0.1, 5.0, "G", "N m²/kg²", "Strength of gravity: F = Gm₁m₂/r²."),
    )
    data: ClassVar[DataRecipe] = DataRecipe(5000, 20, 5.0, 0.0, 0.2, True, True)
    horizon: ClassVar[float] = 3.0
    opening: ClassVar[float | None] = 10.0
    close_encounters: ClassVar[bool] = True
    default_seed: ClassVar[int] = 2290  # three slings past each other in ten seconds, and none leaves

    @property
    def masses(self) -> Array:
        """The masses of the bodies in kg, `(bodies,)`."""
        return np.array([self.mass_1, self.mass_2, self.mass_3])

    def _triangles(self, first: Array) -> Array:
        """Return Lagrange's orbits `(N, 12)`; `first` `(N, 2)`: body 1 from the middle of the triangle, m."""
        side = math.sqrt(3) * np.linalg.norm(first, axis=-1)
        return self.revolving(polygons(first, 3), np.sqrt(self.gravitation * self.masses.sum() / side**3))

    @property
    def typical_orbit(self) -> Array:
        """A state of the middle of the training distribution, `(12,)` in m and kg m/s: what scales and ranges are taken
        from."""
        orbit: Array = self._triangles(np.array([[TYPICAL_RADIUS, 0.0]]))[0]
        return orbit

    def sample_starts(self, rng: np.random.Generator, count: int) -> Array:
        """Draw `count` turning triangles by `rng`, each momentum changed a little, `(count, 12)` in m and kg m/s.
        Source: Greydanus et al. 2019, published code."""
        return self.kicked(self._triangles(scaled_to_radius(rng, count, *RADII)), rng)
