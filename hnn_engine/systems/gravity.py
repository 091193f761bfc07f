"""Point masses in a plane that attract each other: the law that two, three and n bodies share.

H = Σᵢ (pxᵢ² + pyᵢ²)/(2mᵢ) − Σ_{i<j} G mᵢmⱼ/rᵢⱼ. The paper's order of coordinates: all x's, then all y's, then their
momenta in the same order.
"""

import math
from abc import abstractmethod
from functools import cached_property
from itertools import combinations
from typing import ClassVar

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.geometry import Bob, Bounds, Primitive
from hnn_engine.scene import Coordinate
from hnn_engine.systems.base import System

SOFTENING = 1e-24  # m²; lost to rounding beyond a tenth of a millimetre, but finite where bodies share a point
EQUILIBRIUM = 1e-12  # relative; a start that is so near to a relative equilibrium is one
MANY = 5  # bodies, from which on numpy takes all pairs at once
PAIRS = 2**16  # of bodies, that are taken at once: what is computed of them stays in the cache
KICK = 0.2  # of each component of each body's velocity, as the paper draws three bodies
RANGE, SPEED_RANGE = 1.3 * math.sqrt(2), 1.8  # of the portrait at first, in the typical orbit's distances and momenta
VIEW = 1.9  # the half width of the scene at first, in the typical orbit's largest distance from the centre

_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


class Gravity(System):
    """n bodies of given `masses`; q = (x₁ … xₙ, y₁ … yₙ), p = (px₁ … pxₙ, py₁ … pyₙ), in SI units.

    The law's constants are the masses and then G, whatever the named constants are.
    """

    separable: ClassVar[bool] = True
    default_seed: ClassVar[int]  # of the start on screen, chosen for what comes of it

    @property
    @abstractmethod
    def masses(self) -> Array:
        """The bodies' masses in kg, `(n,)`."""

    @property
    @abstractmethod
    def typical_orbit(self) -> Array:
        """The relative equilibrium that training starts scatter about, at its middle size, `(4n,)` in m and kg m/s: the
        scale of all ranges and energies."""

    def law_constants(self) -> Array:
        """Return what the law gets as `c`: the masses in kg, then G in N m²/kg², `(bodies + 1,)`."""
        return np.array([*self.masses, self.gravitation])

    @property
    def inertia(self) -> Array | None:
        """The mass of each body, for its x and then for its y, in kg, `(2*bodies,)`."""
        return np.tile(self.masses, 2)  # the momenta go by axis, and then by body

    @cached_property
    def coordinates(self) -> tuple[Coordinate, ...]:
        """The canonical coordinates in order, all q and then all p, with the units and ranges of their axes."""
        n, (x, y, px, py) = len(self.masses), self.typical_orbit.reshape(4, -1)
        far, fast = RANGE * np.hypot(x, y), SPEED_RANGE * np.hypot(px, py)
        groups = (("x", "m", far), ("y", "m", far), ("px", "kg m/s", fast), ("py", "kg m/s", fast))
        return tuple(
            Coordinate(f"{name}{i + 1}", f"{name}{i + 1}".translate(_SUBSCRIPTS), unit, -float(top[i]), float(top[i]))
            for name, unit, top in groups
            for i in range(n)
        )

    def hamiltonian(self, coords: Array) -> Array:
        """Return H = Σ |pᵢ|²/(2mᵢ) − Σ G mᵢmⱼ/|rᵢ − rⱼ| in J, `(..., 4*bodies) -> (...)`."""
        masses, rows = self.masses, np.ascontiguousarray(np.moveaxis(coords, -1, 0))
        n = len(masses)
        x, y, px, py = (rows[k * n : (k + 1) * n] for k in range(4))
        energy: Array = np.zeros_like(x[0])
        for i in range(n):
            energy = energy + (px[i] ** 2 + py[i] ** 2) / (2 * masses[i])
        for i, j in combinations(range(n), 2):
            distance = np.sqrt((x[j] - x[i]) ** 2 + (y[j] - y[i]) ** 2 + SOFTENING)
            energy = energy - self.gravitation * masses[i] * masses[j] / distance
        return energy

    @staticmethod
    def grad_hamiltonian(x: Array, c: Array, out: Array) -> None:
        """Write ∇H = (Σⱼ G mᵢmⱼ (rᵢ − rⱼ)/|rᵢ − rⱼ|³, pᵢ/mᵢ) into `out`. `x`, `out`: `(4*bodies, ...)`, all x, all y,
        then the momenta, in m and kg m/s; `c`: the masses in kg, then G in N m²/kg²."""
        n = len(c) - 1
        for i in range(2 * n):
            out[i] = 0.0
            out[2 * n + i] = x[2 * n + i] / c[i % n]
        for i in range(n):
            for j in range(i + 1, n):
                dx, dy = x[j] - x[i], x[n + j] - x[n + i]
                square = dx * dx + dy * dy + SOFTENING
                pull = c[n] * c[i] * c[j] / (square * np.sqrt(square))
                out[i] -= pull * dx
                out[j] += pull * dx
                out[n + i] -= pull * dy
                out[n + j] += pull * dy

    def gradient(self, coords: Array) -> Array:
        """Return ∇H = (∂H/∂q, ∂H/∂p), `(..., 4*bodies)`, of states of that shape.

        Of many bodies all pairs are taken at once: pair by pair numpy spends its time on calls, not on numbers.
        """
        n = len(self.masses)
        if n < MANY:
            return super().gradient(coords)
        flat = coords.reshape(-1, 4 * n)
        out = np.empty_like(flat)
        out[:, 2 * n :] = flat[:, 2 * n :] / np.tile(self.masses, 2)
        strength = self.gravitation * np.outer(self.masses, self.masses)
        for first in range(0, len(flat), rows := max(1, PAIRS // n**2)):
            part = slice(first, first + rows)
            x, y = flat[part, :n], flat[part, n : 2 * n]
            dx, dy = (z[:, None, :] - z[:, :, None] for z in (x, y))  # [i, j]: from body i to body j
            square = dx * dx + dy * dy + SOFTENING
            pull = strength / (square * np.sqrt(square))
            out[part, :n], out[part, n : 2 * n] = -(pull * dx).sum(axis=-1), -(pull * dy).sum(axis=-1)
        return out.reshape(coords.shape)

    @property
    def min_energy(self) -> float | None:
        """None: two bodies may come arbitrarily near, and H has no minimum."""
        return None

    @property
    def energy_floor(self) -> float:
        """1 % of the energy of the typical orbit, in J."""
        return 0.01 * abs(float(self.hamiltonian(self.typical_orbit)))

    # Orbits -----------------------------------------------------------------------------------------------------------

    def revolving(self, places: Array, rate: Array) -> Array:
        """Return states `(N, 4n)` that turn rigidly, counterclockwise, about their resting centre of mass: vᵢ = `rate`
        × rᵢ.

        `places`: `(N, n, 2)` in m, from anywhere. `rate`: `(N,)`, the angular velocity in rad/s.
        """
        masses = self.masses
        arms = places - (masses @ places / masses.sum())[:, None]
        x, y = arms[..., 0], arms[..., 1]
        momenta = masses * rate[:, None]
        return np.concatenate([x, y, -momenta * y, momenta * x], axis=-1)

    def kicked(self, orbits: Array, rng: np.random.Generator) -> Array:
        """Return `orbits` `(N, 4n)`, in m and kg m/s, with each component of each velocity multiplied by 1 +
        `KICK`·U(−1, 1), by `rng`. Source: Greydanus et al. 2019 for three bodies."""
        starts, half = orbits.copy(), orbits.shape[-1] // 2
        starts[:, half:] *= 1 + KICK * rng.uniform(-1.0, 1.0, (len(orbits), half))
        return starts

    @property
    def default_start(self) -> Array:
        """One of the training distribution, `(4n,)` in m and kg m/s, but with its centre of mass at rest, so that the
        motion stays in view."""
        n, masses = len(self.masses), self.masses
        start: Array = self.sample_starts(np.random.default_rng(self.default_seed), 1)[0]
        for momenta in (start[2 * n : 3 * n], start[3 * n :]):
            momenta -= masses * (momenta.sum() / masses.sum())
        return start

    def exact(self, start: Array, t: Array) -> Array | None:
        """Return the rigid rotation about a drifting centre of mass `(T, 4n)` at `t` `(T,)` in s, where `start` `(4n,)`
        is a relative equilibrium; else None.

        That is where vᵢ = ω × rᵢ and aᵢ = −ω² rᵢ for all bodies, r and v from the centre of mass.
        """
        n, masses = len(self.masses), self.masses
        places, speeds = self.positions(start[: 2 * n]), self.velocities(start)
        centre, drift = masses @ places / masses.sum(), masses @ speeds / masses.sum()
        arms, spins = places - centre, speeds - drift
        inertia = float(masses @ (arms**2).sum(axis=-1))
        spin = float(masses @ (arms[:, 0] * spins[:, 1] - arms[:, 1] * spins[:, 0]))
        pulls = -self.gradient(start)[: 2 * n].reshape(2, n).T / masses[:, None]
        rate = spin / inertia if inertia > 0 else math.nan
        if not (_small(spins - rate * _turned(arms), spins) and _small(pulls + rate**2 * arms, pulls)):
            return None
        cos, sin = np.cos(rate * t)[:, None, None], np.sin(rate * t)[:, None, None]
        away = cos * arms + sin * _turned(arms)
        q = centre + t[:, None, None] * drift + away
        p = (drift + rate * _turned(away)) * masses[:, None]
        return np.concatenate([part.swapaxes(1, 2).reshape(len(t), 2 * n) for part in (q, p)], axis=-1)

    # Drawing and dragging ---------------------------------------------------------------------------------------------

    @property
    def bounds(self) -> Bounds:
        """The part of the world that the scene shows at first, in m: left, right, bottom, top."""
        reach = VIEW * float(np.linalg.norm(self.positions(self.typical_orbit[: 2 * len(self.masses)]), axis=-1).max())
        return (-reach, reach, -reach, reach)

    def geometry(self, q: Array) -> tuple[Primitive, ...]:
        """Return the drawing of configuration `q` `(dof,)`, fixed parts first, in m."""
        places = self.positions(q).tolist()
        masses = self.masses.tolist()
        return tuple(Bob((x, y), star_radius(m), i) for i, ((x, y), m) in enumerate(zip(places, masses, strict=True)))

    def positions(self, q: Array) -> Array:
        """Return the places of the bodies in m, `(..., dof) -> (..., bodies, 2)`."""
        n = len(self.masses)
        return np.stack([q[..., :n], q[..., n:]], axis=-1)

    def velocities(self, coords: Array) -> Array:
        """Return the velocities of the bodies in m/s, `(..., 2*dof) -> (..., bodies, 2)`."""
        n = len(self.masses)
        return np.stack([coords[..., 2 * n : 3 * n], coords[..., 3 * n :]], axis=-1) / self.masses[:, None]

    def place(self, coords: Array, body: int, at: tuple[float, float]) -> Array:
        """Return `coords` `(4n,)` with `body` moved to `at` (m), but not into another body: there they touch; p
        stays."""
        moved, n = np.array(coords, dtype=np.float64), len(self.masses)
        radii = np.array([star_radius(m) for m in self.masses])
        others = np.arange(n) != body
        discs = self.positions(moved[: 2 * n])[others]
        moved[[body, n + body]] = nearest_outside(np.array(at, dtype=np.float64), discs, radii[others] + radii[body])
        return moved

    def push(self, coords: Array, body: int, velocity: tuple[float, float]) -> Array:
        """Return `coords` `(4n,)` with the momentum that gives `body` the `velocity` (m/s); q stays."""
        pushed, n = np.array(coords, dtype=np.float64), len(self.masses)
        pushed[[2 * n + body, 3 * n + body]] = self.masses[body] * np.asarray(velocity)
        return pushed


def star_radius(mass: float) -> float:
    """Return a body's radius in m, which grows with the cube root of `mass` in kg, from 0.07 to 0.23 m."""
    return float(np.clip(0.13 * np.cbrt(mass), 0.07, 0.23))


def polygons(first: Array, n: int) -> Array:
    """Return the corners `(N, n, 2)` of regular polygons about the origin, counterclockwise from `first` `(N, 2)`, in
    its unit."""
    angles = 2 * math.pi * np.arange(n) / n
    corners: Array = np.cos(angles)[:, None] * first[:, None] + np.sin(angles)[:, None] * _turned(first)[:, None]
    return corners


def nearest_outside(at: Array, centres: Array, radii: Array) -> Array:
    """Return the point `(2,)` nearest to `at` `(2,)` that lies in none of the discs about `centres` `(N, 2)`, all in m.

    It is `at` itself, or the nearest point of one circle, or where two circles cross. `radii`: `(N,)`.
    """
    gaps = at - centres
    distances = np.hypot(gaps[:, 0], gaps[:, 1])
    if (distances >= radii).all():
        return at
    ways = np.where(distances[:, None] > 0, gaps / np.maximum(distances, 1e-300)[:, None], [1.0, 0.0])
    rims = centres + radii[:, None] * ways
    points = np.concatenate([rims, *_crossings(centres, radii)])
    inside = np.linalg.norm(points[:, None] - centres, axis=-1) < radii * (1 - 1e-9)
    points = points[~inside.any(axis=-1)]
    nearest: Array = points[np.argmin(np.linalg.norm(points - at, axis=-1))]
    return nearest


def _crossings(centres: Array, radii: Array) -> list[Array]:
    """Return where the circles cross, `(2, 2)` for each pair that does."""
    found = []
    for i, j in combinations(range(len(radii)), 2):
        gap = centres[j] - centres[i]
        distance = math.hypot(*gap)
        if abs(radii[i] - radii[j]) < distance < radii[i] + radii[j]:
            along = (distance**2 + radii[i] ** 2 - radii[j] ** 2) / (2 * distance)
            across = math.sqrt(max(radii[i] ** 2 - along**2, 0.0))
            middle, side = centres[i] + along / distance * gap, across / distance * _turned(gap)
            found.append(np.stack([middle + side, middle - side]))
    return found


def _turned(vectors: Array) -> Array:
    """Return `vectors` `(..., 2)` turned by a quarter, counterclockwise."""
    return np.stack([-vectors[..., 1], vectors[..., 0]], axis=-1)


def _small(gap: Array, size: Array) -> bool:
    return bool(np.abs(gap).max() <= EQUILIBRIUM * np.abs(size).max())
