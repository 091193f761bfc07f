"""The mass-spring: a block on a smooth rail, held by a spring. H = p²/(2m) + kq²/2."""

import math
from typing import ClassVar

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.geometry import Anchor, Block, Bounds, Primitive, Rail, Spring
from hnn_engine.parameters import Parameter
from hnn_engine.scene import Coordinate
from hnn_engine.systems.base import DataRecipe, System
from hnn_engine.systems.sampling import scaled_to_radius

WALL = -2.0  # m; the drawing's wall, measured from where the block rests. The motion does not depend on it.
RAIL_END = 1.9  # m
SHORTEST_SPRING = 0.15  # m; a drag brings the block no nearer to the wall than this


RADII = (0.1, 1.0)  # of the training starts


class MassSpring(System):
    """H = p²/(2m) + kq²/2 in J; q is the displacement from rest in m. The defaults give the paper's q² + p² (ω = 2)."""

    name: ClassVar[str] = "mass-spring"
    title: ClassVar[str] = "Mass-spring"
    summary: ClassVar[str] = "A block on a spring: every swing takes the same time, whatever its size."
    constants: ClassVar[tuple[Parameter, ...]] = (
        Parameter("mass", "Mass", 0.5, 0.1, 5.0, "m", "kg", "Mass of the block. A swing takes 2π√(m/k)."),
        Parameter("stiffness", "Stiffness", 2.0, 0.1, 20.0, "k", "N/m", "Force of the spring per metre of stretch."),
    )
    data: ClassVar[DataRecipe] = DataRecipe(50, 30, 3.0, 0.1, 0.5, False, True)
    separable: ClassVar[bool] = True
    solved: ClassVar[bool] = True

    @property
    def coordinates(self) -> tuple[Coordinate, ...]:
        """The canonical coordinates in order, all q and then all p, with the units and ranges of their axes."""
        top = 1.3 * self.momentum_scale
        return (Coordinate("q", "q", "m", -1.3, 1.3), Coordinate("p", "p", "kg m/s", -top, top))

    @property
    def inertia(self) -> Array | None:
        """The mass in kg, `(1,)`."""
        return np.array([self.mass])

    @property
    def frequency(self) -> float:
        """Angular frequency ω = √(k/m) without friction, rad/s."""
        return math.sqrt(self.stiffness / self.mass)

    @property
    def momentum_scale(self) -> float:
        """√(mk), the momentum per metre of displacement on one orbit, kg/s."""
        return math.sqrt(self.mass * self.stiffness)

    def hamiltonian(self, coords: Array) -> Array:
        """Return H = p²/(2m) + k q²/2 in J, `(..., 2) -> (...)`."""
        q, p = coords[..., 0], coords[..., 1]
        return p**2 / (2 * self.mass) + self.stiffness / 2 * q**2

    @staticmethod
    def grad_hamiltonian(x: Array, c: Array, out: Array) -> None:
        """Write ∇H = (k q, p/m) into `out`. `x`, `out`: `(2, ...)`; `c`: m in kg, k in N/m."""
        mass, stiffness = c[0], c[1]
        out[0] = stiffness * x[0]
        out[1] = x[1] / mass

    @property
    def min_energy(self) -> float | None:
        """0 J, at rest."""
        return 0.0

    @property
    def energy_floor(self) -> float:
        """1 % of the spring's energy at 1 m, k/2, in J."""
        return 0.01 * self.stiffness / 2  # 1 % of the energy at a stretch of one metre

    @property
    def _units(self) -> Array:
        """The paper's radii are in (q, p) at its own constants; others keep the same amplitudes in metres."""
        return np.array([1.0, self.momentum_scale / MassSpring().momentum_scale])

    @property
    def grid_reach(self) -> Array | None:
        """Half the width of a grid of states in q (m) and in p (kg m/s), `(2,)`: a fifth beyond the training starts."""
        return 1.2 * RADII[1] * self._units

    def sample_starts(self, rng: np.random.Generator, count: int) -> Array:
        """Draw `count` starts by `rng`, in all directions from rest, their radius uniform as the paper has it, `(count,
        2)`, in m and kg m/s. Source: Greydanus et al. 2019, published code."""
        starts: Array = scaled_to_radius(rng, count, *RADII) * self._units
        return starts

    def exact(self, start: Array, t: Array) -> Array | None:
        """Return q = q₀ cos ωt + p₀/(mω) sin ωt and p = p₀ cos ωt − mω q₀ sin ωt with ω² = k/m, `(T, 2)`, from `start`
        (q₀, p₀) at `t` `(T,)` in s."""
        phase, scale = self.frequency * t, self.momentum_scale
        cos, sin = np.cos(phase), np.sin(phase)
        return np.stack([start[0] * cos + start[1] / scale * sin, start[1] * cos - start[0] * scale * sin], axis=-1)

    @property
    def default_start(self) -> Array:
        """The initial state that the window opens with, `(2,)`, in m and kg m/s."""
        return np.array([0.8, 0.0])

    @property
    def bounds(self) -> Bounds:
        """The part of the world that the scene shows at first, in m: left, right, bottom, top."""
        return (-2.3, 2.1, -1.2, 1.2)

    def geometry(self, q: Array) -> tuple[Primitive, ...]:
        """Return the drawing of configuration `q` `(dof,)`, fixed parts first, in m."""
        x, side = float(q[0]), block_side(self.mass)
        floor = -side / 2
        return (
            Rail((WALL, floor), (RAIL_END, floor)),
            Anchor((WALL, 0.0), "wall", 0.45),
            Spring((WALL, 0.0), (x - side / 2, 0.0), 12, 0.13),
            Block((x, 0.0), side, side, 0),
        )

    def positions(self, q: Array) -> Array:
        """Return the places of the bodies in m, `(..., dof) -> (..., bodies, 2)`."""
        return np.stack([q[..., 0], np.zeros_like(q[..., 0])], axis=-1)[..., None, :]

    def velocities(self, coords: Array) -> Array:
        """Return the velocities of the bodies in m/s, `(..., 2*dof) -> (..., bodies, 2)`."""
        speed = coords[..., 1] / self.mass
        return np.stack([speed, np.zeros_like(speed)], axis=-1)[..., None, :]

    def place(self, coords: Array, body: int, at: tuple[float, float]) -> Array:
        """Return `coords` `(2*dof,)` with `body` moved as near to `at` (m) as its constraint allows; p stays."""
        nearest = WALL + SHORTEST_SPRING + block_side(self.mass) / 2
        return np.array([max(float(at[0]), nearest), coords[1]])

    def push(self, coords: Array, body: int, velocity: tuple[float, float]) -> Array:
        """Return `coords` `(2*dof,)` with the momentum that gives `body` the nearest allowed velocity to `velocity`
        (m/s); q stays."""
        return np.array([coords[0], self.mass * velocity[0]])


def block_side(mass: float) -> float:
    """Return a block's side in m, which grows with the cube root of `mass` in kg, from 0.28 to 0.7 m."""
    return float(np.clip(0.45 * np.cbrt(mass / 0.5), 0.28, 0.7))
