"""The spring pendulum: a bob that hangs from a spring in a plane, and swings and bounces."""

import math
from typing import ClassVar

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.geometry import Anchor, Bob, Bounds, Primitive, Spring
from hnn_engine.parameters import Parameter
from hnn_engine.scene import Coordinate
from hnn_engine.systems.base import DataRecipe, System
from hnn_engine.systems.pendulum import bob_radius

SOFTENING = 1e-24  # m²; lost to rounding beyond a tenth of a millimetre, but finite where the bob is at the pivot
ANGLE, STRETCH = 0.7, 0.15  # largest of a training start, in rad from hanging and as a part of the hanging length


class SpringPendulum(System):
    """H = (px² + py²)/(2m) + mgy + ½k(r − l)² in J, r² = x² + y²; (x, y) is the bob in m, from the pivot, y upward.

    At the defaults the spring bounces twice in the time of a swing, k = 3mg/l, and the two trade their energy. Source:
    Lynch, Int. J. Non-Linear Mechanics 37, 345 (2002).
    """

    name: ClassVar[str] = "spring-pendulum"
    title: ClassVar[str] = "Spring pendulum"
    summary: ClassVar[str] = "A bob on a spring: bouncing turns into swinging and back, as each drives the other."
    constants: ClassVar[tuple[Parameter, ...]] = (
        Parameter(
            "mass", "Mass", 0.5, 0.1, 2.0, "m", "kg", "Mass of the bob; a heavier one stretches the spring more."
        ),
        Parameter("length", "Length", 1.0, 0.3, 3.0, "l", "m", "Length of the spring without load."),
        Parameter("stiffness", "Stiffness", 14.7, 2.0, 100.0, "k", "N/m", "Force of the spring per metre of stretch."),
        Parameter("gravity", "Gravity", 9.81, 0.5, 30.0, "g", "m/s²", "Acceleration of free fall; 9.81 m/s² on Earth."),
    )
    data: ClassVar[DataRecipe] = DataRecipe(200, 100, 10.0, 0.0, 0.2, False, False)
    separable: ClassVar[bool] = True

    @property
    def hanging(self) -> float:
        """Length l + mg/k of the spring when the bob hangs at rest, m."""
        return self.length + self.mass * self.gravity / self.stiffness

    @property
    def coordinates(self) -> tuple[Coordinate, ...]:
        """The canonical coordinates in order, all q and then all p, with the units and ranges of their axes."""
        far = self.hanging
        fast = 1.2 * self.mass * far * (math.sqrt(self.gravity / far) + STRETCH * math.sqrt(self.stiffness / self.mass))
        return (
            Coordinate("x", "x", "m", -1.2 * far, 1.2 * far),
            Coordinate("y", "y", "m", -1.6 * far, 0.4 * far),
            Coordinate("px", "px", "kg m/s", -fast, fast),
            Coordinate("py", "py", "kg m/s", -fast, fast),
        )

    def hamiltonian(self, coords: Array) -> Array:
        """Return H = (px² + py²)/(2m) + mgy + k(r − l)²/2 in J, `(..., 4) -> (...)`, with r = √(x² + y²) the length of
        the spring."""
        x, y, px, py = np.moveaxis(coords, -1, 0)
        stretch = np.sqrt(x**2 + y**2 + SOFTENING) - self.length
        kinetic = (px**2 + py**2) / (2 * self.mass)
        energy: Array = kinetic + self.mass * self.gravity * y + self.stiffness / 2 * stretch**2
        return energy

    @staticmethod
    def grad_hamiltonian(x: Array, c: Array, out: Array) -> None:
        """Write ∇H = (κx, κy + mg, px/m, py/m), κ = k(1 − l/r), into `out`. `x`, `out`: `(4, ...)`, a row a coordinate;
        `c`: m in kg, l in m, k in N/m, g in m/s²."""
        mass, length, stiffness, gravity = c[0], c[1], c[2], c[3]
        pull = stiffness * (1 - length / np.sqrt(x[0] * x[0] + x[1] * x[1] + SOFTENING))
        out[0] = pull * x[0]
        out[1] = pull * x[1] + mass * gravity
        out[2] = x[2] / mass
        out[3] = x[3] / mass

    @property
    def min_energy(self) -> float | None:
        """The least energy in J, of the bob hanging at rest: −mgl − (mg)²/(2k)."""
        weight = self.mass * self.gravity
        return -weight * self.length - weight**2 / (2 * self.stiffness)

    def sample_starts(self, rng: np.random.Generator, count: int) -> Array:
        """Draw `count` starts at rest by `rng`, `(count, 4)` in m and kg m/s: angle within `ANGLE` of hanging, length
        within `STRETCH` of the hanging one."""
        angle, stretch = rng.uniform(-1.0, 1.0, (2, count)) * [[ANGLE], [STRETCH]]
        return self._resting(angle, stretch)

    def _resting(self, angle: Array, stretch: Array) -> Array:
        """Return states `(N, 4)` at rest, `angle` from hanging, `stretch` as a part of the hanging length."""
        length, still = self.hanging * (1 + stretch), np.zeros_like(angle)
        return np.stack([length * np.sin(angle), -length * np.cos(angle), still, still], axis=-1)

    @property
    def default_start(self) -> Array:
        """The initial state that the window opens with, `(4,)`, in m and kg m/s."""
        start: Array = self._resting(np.array([0.1]), np.array([0.15]))[0]
        return start

    @property
    def bounds(self) -> Bounds:
        """The part of the world that the scene shows at first, in m: left, right, bottom, top."""
        return (-1.2 * self.hanging, 1.2 * self.hanging, -1.6 * self.hanging, 0.3 * self.hanging)

    def geometry(self, q: Array) -> tuple[Primitive, ...]:
        """Return the drawing of configuration `q` `(dof,)`, fixed parts first, in m."""
        x, y = q.tolist()
        return (
            Anchor((0.0, 0.0), "pivot", 0.04 * self.hanging),
            Spring((0.0, 0.0), (x, y), 12, 0.06 * self.hanging),
            Bob((x, y), bob_radius(self.mass) * self.hanging, 0),
        )
