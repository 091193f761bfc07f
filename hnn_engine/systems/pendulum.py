"""The pendulum: a bob on a massless rod. H = p²/(2ml²) + mgl(1 − cos q)."""

import math
from typing import ClassVar

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.geometry import Anchor, Bob, Bounds, Primitive, Rod
from hnn_engine.parameters import Parameter
from hnn_engine.scene import Coordinate, nearest_turn
from hnn_engine.systems.base import DataRecipe, System
from hnn_engine.systems.sampling import scaled_to_radius

RADII = (1.3, 2.3)  # of the training starts


class Pendulum(System):
    """H = p²/(2ml²) + mgl(1 − cos q) in J; q is the angle from hanging in rad. The defaults give the paper's 3(1 − cos
    q) + p²."""

    name: ClassVar[str] = "pendulum"
    title: ClassVar[str] = "Pendulum"
    summary: ClassVar[str] = "A bob on a rod: swings at low energy, turns over at high; the separatrix divides the two."
    constants: ClassVar[tuple[Parameter, ...]] = (
        Parameter("mass", "Mass", 0.5, 0.1, 5.0, "m", "kg", "Mass of the bob. It scales the energy, not the motion."),
        Parameter("length", "Length", 1.0, 0.2, 3.0, "l", "m", "Length of the rod. A small swing takes 2π√(l/g)."),
        Parameter("gravity", "Gravity", 6.0, 0.5, 30.0, "g", "m/s²", "Acceleration of free fall; 9.81 m/s² on Earth."),
    )
    data: ClassVar[DataRecipe] = DataRecipe(50, 45, 3.0, 0.1, 0.5, False, True)
    separable: ClassVar[bool] = True
    solved: ClassVar[bool] = True

    @property
    def coordinates(self) -> tuple[Coordinate, ...]:
        """The canonical coordinates in order, all q and then all p, with the units and ranges of their axes."""
        top = 2.6 * self.momentum_scale  # a little above the separatrix, which is at 2
        return (Coordinate("q", "q", "rad", -np.pi, np.pi, periodic=True), Coordinate("p", "p", "kg m²/s", -top, top))

    @property
    def moment_of_inertia(self) -> float:
        """ml² about the pivot, kg m²."""
        return self.mass * self.length**2

    @property
    def inertia(self) -> Array | None:
        """The moment of inertia m l² in kg m², `(1,)`."""
        return np.array([self.moment_of_inertia])

    @property
    def momentum_scale(self) -> float:
        """ml²ω with ω = √(g/l), the momentum that goes with an angle of one radian, kg m²/s."""
        return self.moment_of_inertia * math.sqrt(self.gravity / self.length)

    @property
    def weight_moment(self) -> float:
        """mgl, the torque of gravity at the horizontal, N m."""
        return self.mass * self.gravity * self.length

    def hamiltonian(self, coords: Array) -> Array:
        """Return H = p²/(2ml²) + mgl(1 − cos q) in J, `(..., 2) -> (...)`."""
        q, p = coords[..., 0], coords[..., 1]
        energy: Array = p**2 / (2 * self.moment_of_inertia) + self.weight_moment * (1 - np.cos(q))
        return energy

    @staticmethod
    def grad_hamiltonian(x: Array, c: Array, out: Array) -> None:
        """Write ∇H = (mgl sin q, p/(ml²)) into `out`. `x`, `out`: `(2, ...)`; `c`: m in kg, l in m, g in m/s²."""
        mass, length, gravity = c[0], c[1], c[2]
        out[0] = mass * gravity * length * np.sin(x[0])
        out[1] = x[1] / (mass * length**2)

    @property
    def min_energy(self) -> float | None:
        """0 J, hanging at rest."""
        return 0.0

    @property
    def energy_floor(self) -> float:
        """1 % of mgl, in J."""
        return 0.01 * self.weight_moment

    @property
    def _units(self) -> Array:
        """The paper's radii are in (q, p) at its own constants; others keep the same share of the separatrix."""
        return np.array([1.0, self.momentum_scale / Pendulum().momentum_scale])

    @property
    def grid_reach(self) -> Array | None:
        """Half the width of a grid of states in q (rad) and in p (kg m²/s), `(2,)`: a fifth beyond the training
        starts."""
        return 1.2 * RADII[1] * self._units

    def sample_starts(self, rng: np.random.Generator, count: int) -> Array:
        """Draw `count` starts by `rng`, in all directions from rest, their radius uniform as the paper has it, `(count,
        2)`, in rad and kg m²/s. Source: Greydanus et al. 2019, published code."""
        starts: Array = scaled_to_radius(rng, count, *RADII) * self._units
        return starts

    def exact(self, start: Array, t: Array) -> Array | None:
        """Return the solution by Jacobi's elliptic functions, `(T, 2)` in rad and kg m²/s, from `start` `(2,)` at `t`
        `(T,)` in s; equations and source: `elliptic.pendulum_solution`."""
        from hnn_engine.systems.elliptic import pendulum_solution

        return pendulum_solution(start, t, inertia=self.moment_of_inertia, weight_moment=self.weight_moment)

    @property
    def default_start(self) -> Array:
        """The initial state that the window opens with, `(2,)`, in rad and kg m²/s."""
        return np.array([2.0, 0.0])

    @property
    def bounds(self) -> Bounds:
        """The part of the world that the scene shows at first, in m: left, right, bottom, top."""
        reach = 1.25 * self.length
        return (-reach, reach, -reach, reach)

    def geometry(self, q: Array) -> tuple[Primitive, ...]:
        """Return the drawing of configuration `q` `(dof,)`, fixed parts first, in m."""
        x, y = self.positions(q)[0]
        return (
            Rod((0.0, 0.0), (float(x), float(y))),
            Anchor((0.0, 0.0), "pivot", 0.05 * self.length),
            Bob((float(x), float(y)), bob_radius(self.mass) * self.length, 0),
        )

    def positions(self, q: Array) -> Array:
        """Return the places of the bodies in m, `(..., dof) -> (..., bodies, 2)`."""
        angle = q[..., 0]
        return self.length * np.stack([np.sin(angle), -np.cos(angle)], axis=-1)[..., None, :]

    def velocities(self, coords: Array) -> Array:
        """Return the velocities of the bodies in m/s, `(..., 2*dof) -> (..., bodies, 2)`."""
        angle, speed = coords[..., 0], coords[..., 1] / (self.mass * self.length)
        along = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
        return np.asarray(speed[..., None] * along)[..., None, :]

    def place(self, coords: Array, body: int, at: tuple[float, float]) -> Array:
        """Return `coords` `(2*dof,)` with `body` moved as near to `at` (m) as its constraint allows; p stays."""
        return np.array([nearest_turn(np.arctan2(at[0], -at[1]), coords[0]), coords[1]])

    def push(self, coords: Array, body: int, velocity: tuple[float, float]) -> Array:
        """Return `coords` `(2*dof,)` with the momentum that gives `body` the nearest allowed velocity to `velocity`
        (m/s); q stays."""
        along = velocity[0] * np.cos(coords[0]) + velocity[1] * np.sin(coords[0])
        return np.array([coords[0], self.mass * self.length * along])


def bob_radius(mass: float) -> float:
    """Return a disc's radius, as a part of the length scale, which grows with the cube root of `mass` in kg, from 0.05
    to 0.2."""
    return float(np.clip(0.1 * np.cbrt(mass / 0.5), 0.05, 0.2))
