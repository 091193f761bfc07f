"""Two bodies in a plane that attract each other. H = Σp²/(2m) − Gm₁m₂/r."""

import math
from typing import ClassVar

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.geometry import Bounds
from hnn_engine.parameters import Parameter
from hnn_engine.systems.base import DataRecipe
from hnn_engine.systems.gravity import Gravity
from hnn_engine.systems.kepler import kepler_orbit

TYPICAL_SEPARATION = 2 * math.sqrt(2)  # m; that of the training orbits, whose body 1 is about (1, 1) from the centre
SPEED_SPREAD = 0.05  # of the circular orbit's speed, as the paper draws it


class TwoBody(Gravity):
    """Two point masses, whose bound orbits are Kepler's ellipses. At m₁ = m₂ = G = 1 the paper's H."""

    name: ClassVar[str] = "two-body"
    title: ClassVar[str] = "Two bodies"
    summary: ClassVar[str] = (
        "Two stars around their common centre: closed ellipses, with equal areas swept in equal times."
    )
    constants: ClassVar[tuple[Parameter, ...]] = (
        Parameter("mass-1", "First mass", 1.0, 0.1, 5.0, "m₁", "kg", "Mass of the first body; the heavier moves less."),
        Parameter("mass-2", "Second mass", 1.0, 0.1, 5.0, "m₂", "kg", "Mass of the second body."),
        Parameter("gravitation", "Attraction", 1.0, 0.1, 5.0, "G", "N m²/kg²", "Strength of gravity: F = Gm₁m₂/r²."),
    )
    data: ClassVar[DataRecipe] = DataRecipe(1000, 50, 20.0, 0.0, 0.2, True, True)
    horizon: ClassVar[float] = 25.0
    solved: ClassVar[bool] = True

    @property
    def masses(self) -> Array:
        """The masses of the bodies in kg, `(bodies,)`."""
        return np.array([self.mass_1, self.mass_2])

    @property
    def typical_orbit(self) -> Array:
        """A state of the middle of the training distribution, `(8,)` in m and kg m/s: what scales and ranges are taken
        from."""
        orbit: Array = self._orbit(np.array([[TYPICAL_SEPARATION / 2, 0.0]]), np.ones(1))[0]
        return orbit

    @property
    def _shares(self) -> tuple[float, float]:
        """Each body's distance from the centre of mass, as a part of half the separation."""
        total = self.mass_1 + self.mass_2
        return 2 * self.mass_2 / total, 2 * self.mass_1 / total

    def _momentum(self, separation: float) -> float:
        """Return either body's momentum on the circular orbit at `separation` in m, kg m/s."""
        total = self.mass_1 + self.mass_2
        return self.mass_1 * self.mass_2 / total * math.sqrt(self.gravitation * total / separation)

    def sample_starts(self, rng: np.random.Generator, count: int) -> Array:
        """Draw `count` nearly circular orbits around the common centre by `rng`, `(count, 8)` in m and kg m/s. Source:
        Greydanus et al. 2019, published code."""
        half = rng.uniform(0.5, 1.5, (count, 2))  # body 1 of two equal ones: half the separation
        return self._orbit(half, 1 + SPEED_SPREAD * rng.standard_normal(count))

    def _orbit(self, half: Array, speed: Array) -> Array:
        """Return states `(N, 8)` about a resting centre of mass, counterclockwise.

        `half`: `(N, 2)`, half the vector from body 2 to body 1, m. `speed`: `(N,)`, in that of the circular orbit.
        """
        separation = 2 * np.linalg.norm(half, axis=-1)
        scale = speed * self._momentum(1.0) / np.sqrt(separation) / (separation / 2)
        x, y, (near, far) = half[:, 0], half[:, 1], self._shares
        px, py = -scale * y, scale * x
        return np.stack([near * x, -far * x, near * y, -far * y, px, -px, py, -py], axis=-1)

    def exact(self, start: Array, t: Array) -> Array | None:
        """Return the Kepler orbit of both bodies around their moving centre, `(T, 8)` in m and kg m/s, from `start`
        `(8,)` at `t` `(T,)` in s; None where it is unbound or straight. Equations and source: `kepler.kepler_orbit`."""
        places, momenta = start[:4].reshape(2, 2), start[4:].reshape(2, 2)  # axes × bodies
        masses, total = self.masses, self.mass_1 + self.mass_2
        speeds = momenta / masses
        orbit = kepler_orbit(places[:, 1] - places[:, 0], speeds[:, 1] - speeds[:, 0], t, self.gravitation * total)
        if orbit is None:
            return None
        parts = np.array([-self.mass_2, self.mass_1]) / total
        drift = momenta.sum(axis=1) / total
        centre = places @ masses / total + t[:, None] * drift
        q = centre[:, :, None] + orbit[0][:, :, None] * parts
        p = (drift[:, None] + orbit[1][:, :, None] * parts) * masses
        return np.concatenate([q.reshape(-1, 4), p.reshape(-1, 4)], axis=-1)

    @property
    def default_start(self) -> Array:
        """The initial state that the window opens with, `(8,)`, in m and kg m/s."""
        start: Array = self._orbit(np.array([[0.96, 0.72]]), np.array([0.93]))[0]
        return start

    @property
    def bounds(self) -> Bounds:
        """The part of the world that the scene shows at first, in m: left, right, bottom, top."""
        reach = 2.0 * max(self._shares)
        return (-reach, reach, -reach, reach)
