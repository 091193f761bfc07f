"""Two bodies in a plane that attract each other. H = Σp²/(2m) − Gm₁m₂/r."""

import math
from typing import ClassVar

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.geometry import Bob, Bounds, Primitive
from hnn_engine.parameters import Parameter
from hnn_engine.stage import Coordinate
from hnn_engine.systems.base import DataRecipe, System
from hnn_engine.systems.kepler import kepler_orbit

TYPICAL_SEPARATION = 2 * math.sqrt(2)  # m; that of the training orbits, whose body 1 is about (1, 1) from the centre
SOFTENING = 1e-24  # m²; lost to rounding beyond a tenth of a millimetre, but finite where both bodies share a point
SPEED_SPREAD = 0.05  # of the circular orbit's speed, as the paper draws it


class TwoBody(System):
    """H = (px₁² + py₁²)/(2m₁) + (px₂² + py₂²)/(2m₂) − Gm₁m₂/r; q = (x₁, x₂, y₁, y₂), p = (px₁, px₂, py₁, py₂).

    The paper's order of coordinates, and at m₁ = m₂ = G = 1 its H.
    """

    name: ClassVar[str] = "two-body"
    title: ClassVar[str] = "Two bodies"
    summary: ClassVar[str] = "Two stars around their common centre: closed ellipses, swept at an equal area per second."
    constants: ClassVar[tuple[Parameter, ...]] = (
        Parameter("mass-1", "First mass", 1.0, 0.1, 5.0, "m₁", "kg", "Mass of the first body; the heavier moves less."),
        Parameter("mass-2", "Second mass", 1.0, 0.1, 5.0, "m₂", "kg", "Mass of the second body."),
        Parameter("gravitation", "Attraction", 1.0, 0.1, 5.0, "G", "N m²/kg²", "Strength of gravity: F = Gm₁m₂/r²."),
    )
    data: ClassVar[DataRecipe] = DataRecipe(1000, 50, 20.0, 0.0, 0.2, True, True)
    horizon: ClassVar[float] = 25.0
    separable: ClassVar[bool] = True

    @property
    def coordinates(self) -> tuple[Coordinate, ...]:
        far = [2.6 * share for share in self._shares]
        fast = 1.8 * self._momentum(TYPICAL_SEPARATION)
        return (
            Coordinate("x1", "x₁", "m", -far[0], far[0]),
            Coordinate("x2", "x₂", "m", -far[1], far[1]),
            Coordinate("y1", "y₁", "m", -far[0], far[0]),
            Coordinate("y2", "y₂", "m", -far[1], far[1]),
            *(Coordinate(f"p{axis}{i}", f"p{axis}{sub}", "kg m/s", -fast, fast) for axis in "xy" for i, sub in _BODIES),
        )

    @property
    def inertia(self) -> Array | None:
        return np.tile(self._masses, 2)  # the momenta go x₁, x₂, y₁, y₂

    @property
    def _masses(self) -> Array:
        return np.array([self.mass_1, self.mass_2])

    @property
    def _shares(self) -> tuple[float, float]:
        """Each body's distance from the centre of mass, as a part of half the separation."""
        total = self.mass_1 + self.mass_2
        return 2 * self.mass_2 / total, 2 * self.mass_1 / total

    def _momentum(self, separation: float) -> float:
        """Return either body's momentum on the circular orbit at `separation` in m, kg m/s."""
        total = self.mass_1 + self.mass_2
        return self.mass_1 * self.mass_2 / total * math.sqrt(self.gravitation * total / separation)

    def hamiltonian(self, coords: Array) -> Array:
        x1, x2, y1, y2, px1, px2, py1, py2 = coords.T
        distance = np.sqrt((x2 - x1) ** 2 + (y2 - y1) ** 2 + SOFTENING)
        kinetic = (px1**2 + py1**2) / (2 * self.mass_1) + (px2**2 + py2**2) / (2 * self.mass_2)
        total: Array = kinetic - self.gravitation * self.mass_1 * self.mass_2 / distance
        return total.T

    @staticmethod
    def partials(x: Array, c: Array, out: Array) -> None:
        m1, m2, gravitation = c[0], c[1], c[2]
        dx, dy = x[1] - x[0], x[3] - x[2]
        square = dx * dx + dy * dy + SOFTENING
        pull = gravitation * m1 * m2 / (square * np.sqrt(square))
        out[1] = pull * dx
        out[3] = pull * dy
        out[0] = -out[1]
        out[2] = -out[3]
        out[4] = x[4] / m1
        out[5] = x[5] / m2
        out[6] = x[6] / m1
        out[7] = x[7] / m2

    @property
    def min_energy(self) -> float | None:
        return None

    @property
    def energy_floor(self) -> float:
        return 0.01 * self.gravitation * self.mass_1 * self.mass_2 / (2 * TYPICAL_SEPARATION)

    def sample_starts(self, rng: np.random.Generator, count: int) -> Array:
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
        places, momenta = start[:4].reshape(2, 2), start[4:].reshape(2, 2)  # axes × bodies
        masses, total = self._masses, self.mass_1 + self.mass_2
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
        start: Array = self._orbit(np.array([[0.96, 0.72]]), np.array([0.93]))[0]
        return start

    @property
    def bounds(self) -> Bounds:
        reach = 2.0 * max(self._shares)
        return (-reach, reach, -reach, reach)

    def geometry(self, q: Array) -> tuple[Primitive, ...]:
        first, second = self.positions(q).tolist()
        return (
            Bob((first[0], first[1]), star_radius(self.mass_1), 0),
            Bob((second[0], second[1]), star_radius(self.mass_2), 1),
        )

    def positions(self, q: Array) -> Array:
        return np.stack([q[..., :2], q[..., 2:]], axis=-1)

    def velocities(self, coords: Array) -> Array:
        return np.stack([coords[..., 4:6], coords[..., 6:]], axis=-1) / self._masses[:, None]

    def place(self, coords: Array, body: int, at: tuple[float, float]) -> Array:
        """Move one body freely, but not into the other: there they touch."""
        moved = np.array(coords, dtype=np.float64)
        other = moved[[1 - body, 3 - body]]
        away = np.asarray(at, dtype=np.float64) - other
        distance, touching = math.hypot(*away), star_radius(self.mass_1) + star_radius(self.mass_2)
        if distance < touching:
            away = away / distance * touching if distance > 0 else np.array([touching, 0.0])
        moved[[body, 2 + body]] = other + away
        return moved

    def push(self, coords: Array, body: int, velocity: tuple[float, float]) -> Array:
        pushed = np.array(coords, dtype=np.float64)
        pushed[[4 + body, 6 + body]] = self._masses[body] * np.asarray(velocity)
        return pushed


_BODIES = ((1, "₁"), (2, "₂"))


def star_radius(mass: float) -> float:
    """Return a body's radius in metres, which grows with the cube root of `mass` in kg."""
    return float(np.clip(0.13 * np.cbrt(mass), 0.07, 0.23))
