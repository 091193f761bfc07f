"""The double pendulum: a pendulum that hangs from a pendulum, with its canonical momenta."""

import math
from collections.abc import Mapping
from copy import copy
from typing import ClassVar, Self

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.geometry import Anchor, Bob, Bounds, Primitive, Rod
from hnn_engine.parameters import Parameter, Value
from hnn_engine.scene import Coordinate, nearest_turn
from hnn_engine.systems.base import DataRecipe, System
from hnn_engine.systems.pendulum import bob_radius

NEARLY_STRAIGHT = 0.1  # |sin(θ₂ − θ₁)| below which the second bob cannot be pushed well along the rods
STRAIGHT_DAMPING = 0.1  # how strongly such a push is held back, as a part of the rods' length
REACH = 1.0  # rad; of a training start


class DoublePendulum(System):
    """θ₁, θ₂ are the rods' angles from hanging, in rad. With Δ = θ₁ − θ₂ and D = m₁ + m₂ sin²Δ, in J:

    H = (m₂l₂²p₁² + (m₁+m₂)l₁²p₂² − 2m₂l₁l₂p₁p₂ cos Δ) / (2m₂l₁²l₂²D) + (m₁+m₂)gl₁(1 − cos θ₁) + m₂gl₂(1 − cos θ₂).

    At the default constants nearly all motion is regular below 8 J and chaotic above 20 J, a quarter and two thirds of
    (m₁+m₂)gl₁ + m₂gl₂; in between both are found at the same energy (`docs/make_chaos.py`). Source: Stachowiak & Okada,
    Chaos, Solitons & Fractals 29, 417 (2006); Cabrera, Leonel & Marti, arXiv 2312.13436 (2023).
    """

    name: ClassVar[str] = "double-pendulum"
    title: ClassVar[str] = "Double pendulum"
    summary: ClassVar[str] = (
        "A pendulum on a pendulum: regular below 8 J, chaotic above 20 J (at its defaults): errors grow tenfold in "
        "seconds."
    )
    constants: ClassVar[tuple[Parameter, ...]] = (
        Parameter("mass-1", "Upper mass", 1.0, 0.1, 5.0, "m₁", "kg", "Mass of the upper bob."),
        Parameter("mass-2", "Lower mass", 1.0, 0.1, 5.0, "m₂", "kg", "Mass of the lower bob; a light one moves fast."),
        Parameter("length-1", "Upper length", 1.0, 0.2, 3.0, "l₁", "m", "Length of the rod from the pivot."),
        Parameter("length-2", "Lower length", 1.0, 0.2, 3.0, "l₂", "m", "Length of the rod between the bobs."),
        Parameter("gravity", "Gravity", 9.81, 0.5, 30.0, "g", "m/s²", "Acceleration of free fall; 9.81 m/s² on Earth."),
    )
    data: ClassVar[DataRecipe] = DataRecipe(200, 100, 10.0, 0.0, 0.2, False, False)
    separable: ClassVar[bool] = False
    start_parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter(
            "reach",
            "Start angle",
            REACH,
            0.05,
            3.1,
            "θ",
            "rad",
            "Largest angle of a training start, of both rods; they start at rest.",
            acts="data",
        ),
    )
    reach: float = REACH

    @property
    def coordinates(self) -> tuple[Coordinate, ...]:
        """The canonical coordinates in order, all q and then all p, with the units and ranges of their axes."""
        top1, top2 = (1.3 * scale for scale in self._momentum_scales())
        return (
            Coordinate("theta1", "θ₁", "rad", -math.pi, math.pi, periodic=True),
            Coordinate("theta2", "θ₂", "rad", -math.pi, math.pi, periodic=True),
            Coordinate("p1", "p₁", "kg m²/s", -top1, top1),
            Coordinate("p2", "p₂", "kg m²/s", -top2, top2),
        )

    @property
    def inertia(self) -> Array | None:
        """None: p = M(θ₁ − θ₂) dθ/dt, with a mass matrix that depends on the position."""
        return None  # a matrix that turns with the angle between the rods

    def _momentum_scales(self) -> tuple[float, float]:
        """Return p₁ and p₂ of a straight pendulum that turns through its lowest point at √(g/(l₁+l₂)), kg m²/s."""
        reach, rate = self.length_1 + self.length_2, math.sqrt(self.gravity / (self.length_1 + self.length_2))
        lower = self.mass_2 * self.length_2 * reach * rate
        return (self.mass_1 * self.length_1**2 + self.mass_2 * self.length_1 * reach) * rate, lower

    @property
    def weight_moments(self) -> tuple[float, float]:
        """(m₁+m₂)gl₁ and m₂gl₂, in N m."""
        lower = self.mass_2 * self.gravity * self.length_2
        return (self.mass_1 + self.mass_2) * self.gravity * self.length_1, lower

    def hamiltonian(self, coords: Array) -> Array:
        """Return H = [m₂l₂²p₁² + (m₁+m₂)l₁²p₂² − 2m₂l₁l₂p₁p₂cos(θ₁−θ₂)] / [2m₂l₁²l₂²(m₁ + m₂sin²(θ₁−θ₂))] plus the
        energy of height, zero at rest, in J, `(..., 4) -> (...)`."""
        m2, l1, l2 = self.mass_2, self.length_1, self.length_2
        upper, lower = self.weight_moments
        a, b, p1, p2 = coords.T  # the transpose unpacks a single state to scalars, a batch to arrays
        cos, sin = np.cos(a - b), np.sin(a - b)
        kinetic = m2 * l2**2 * p1**2 + (self.mass_1 + m2) * l1**2 * p2**2 - 2 * m2 * l1 * l2 * p1 * p2 * cos
        kinetic = kinetic / (2 * m2 * (l1 * l2) ** 2 * (self.mass_1 + m2 * sin**2))
        total: Array = kinetic + upper * (1 - np.cos(a)) + lower * (1 - np.cos(b))
        return total.T

    @staticmethod
    def grad_hamiltonian(x: Array, c: Array, out: Array) -> None:
        """Write ∇H into `out`. `x`, `out`: `(4, ...)`, a row a coordinate; `c`: m₁, m₂ in kg, l₁, l₂ in m, g in m/s².

        With T the kinetic energy, Δ = θ₁ − θ₂, D = m₁ + m₂ sin²Δ and ωᵢ = ∂H/∂pᵢ: ∂T/∂Δ = sin Δ (p₁p₂/(l₁l₂) − 2m₂T cos
        Δ)/D, ∂H/∂θ₁ = ∂T/∂Δ + (m₁+m₂)gl₁ sin θ₁, ∂H/∂θ₂ = m₂gl₂ sin θ₂ − ∂T/∂Δ.
        """
        # T = ½(p₁ω₁ + p₂ω₂), and ∂T/∂Δ = sin Δ (p₁p₂/(l₁l₂) − 2m₂T cos Δ)/D.
        mass, m2, l1, l2, g = c[0] + c[1], c[1], c[2], c[3], c[4]
        delta = x[0] - x[1]
        cos, sin = np.cos(delta), np.sin(delta)
        spread = mass - m2 * cos * cos  # D
        u1, u2 = x[2] / l1, x[3] / l2
        rate1, rate2 = (u1 - u2 * cos) / (l1 * spread), (u2 * (mass / m2) - u1 * cos) / (l2 * spread)
        turn = sin * (u1 * u2 - m2 * cos * (x[2] * rate1 + x[3] * rate2)) / spread
        out[0] = turn + (mass * g * l1) * np.sin(x[0])
        out[1] = (m2 * g * l2) * np.sin(x[1]) - turn
        out[2] = rate1
        out[3] = rate2

    @property
    def min_energy(self) -> float | None:
        """0 J, hanging at rest."""
        return 0.0

    @property
    def energy_floor(self) -> float:
        """1 % of (m₁ + m₂)gl₁ + m₂gl₂, in J."""
        return 0.01 * sum(self.weight_moments)

    def sample_starts(self, rng: np.random.Generator, count: int) -> Array:
        """Draw `count` starts at rest by `rng`, both angles uniform within `reach` (1 rad), `(count, 4)`."""
        starts = np.zeros((count, 4))
        starts[:, :2] = rng.uniform(-self.reach, self.reach, (count, 2))
        return starts

    def with_starts(self, data: Mapping[str, Value]) -> Self:
        """Return this system with training starts within the angle `reach` of `data`, in rad."""
        other = copy(self)
        other.reach = float(data.get("reach", REACH))
        return other

    @property
    def default_start(self) -> Array:
        """The initial state that the window opens with, `(4,)`, in rad and kg m²/s."""
        return np.array([0.9, -0.6, 0.0, 0.0])

    @property
    def bounds(self) -> Bounds:
        """The part of the world that the scene shows at first, in m: left, right, bottom, top."""
        reach = 1.15 * (self.length_1 + self.length_2)
        return (-reach, reach, -reach, reach)

    def geometry(self, q: Array) -> tuple[Primitive, ...]:
        """Return the drawing of configuration `q` `(dof,)`, fixed parts first, in m."""
        (x1, y1), (x2, y2) = self.positions(q).tolist()
        size = (self.length_1 + self.length_2) / 2
        return (
            Rod((0.0, 0.0), (x1, y1)),
            Rod((x1, y1), (x2, y2)),
            Anchor((0.0, 0.0), "pivot", 0.05 * size),
            Bob((x1, y1), bob_radius(self.mass_1 / 2) * size, 0),
            Bob((x2, y2), bob_radius(self.mass_2 / 2) * size, 1),
        )

    def positions(self, q: Array) -> Array:
        """Return the places of the bodies in m, `(..., dof) -> (..., bodies, 2)`."""
        upper = self.length_1 * _down(q[..., 0])
        return np.stack([upper, upper + self.length_2 * _down(q[..., 1])], axis=-2)

    def velocities(self, coords: Array) -> Array:
        """Return the velocities of the bodies in m/s, `(..., 2*dof) -> (..., bodies, 2)`."""
        rates = self.gradient(coords)[..., 2:]
        upper = self.length_1 * rates[..., :1] * _across(coords[..., 0])
        return np.stack([upper, upper + self.length_2 * rates[..., 1:] * _across(coords[..., 1])], axis=-2)

    def place(self, coords: Array, body: int, at: tuple[float, float]) -> Array:
        """Return `coords` `(4,)` with `body` moved as near to `at` (m) as the rods allow; p stays.

        Body 0 turns the upper rod; body 1 bends both rods, its elbow staying on the side where it is.
        """
        moved = np.array(coords, dtype=np.float64)
        if body == 0:
            moved[0] = nearest_turn(math.atan2(at[0], -at[1]), coords[0])
        else:
            upper, lower = self._reach(at, side=math.copysign(1.0, math.sin(coords[1] - coords[0])))
            moved[0], moved[1] = nearest_turn(upper, coords[0]), nearest_turn(lower, coords[1])
        return moved

    def _reach(self, at: tuple[float, float], side: float) -> tuple[float, float]:
        """Return (θ₁, θ₂) that bring the lower bob as near to `at` as it reaches; `side` is the sign of θ₂ − θ₁."""
        l1, l2 = self.length_1, self.length_2
        distance = min(max(math.hypot(*at), abs(l1 - l2), 1e-9), l1 + l2)
        cosine = (l1**2 + distance**2 - l2**2) / (2 * l1 * distance)
        line = math.atan2(at[0], -at[1])
        upper = line - side * math.acos(min(max(cosine, -1.0), 1.0))
        x = distance * math.sin(line) - l1 * math.sin(upper)
        y = distance * math.cos(line) - l1 * math.cos(upper)
        return upper, math.atan2(x, y)

    def push(self, coords: Array, body: int, velocity: tuple[float, float]) -> Array:
        """Return `coords` `(4,)` with the momenta that give `body` the velocity nearest to `velocity` (m/s); the angles
        stay.

        Body 0 changes the upper rod's rate; body 1 changes both by as little as gives it the velocity.
        """
        missing = np.asarray(velocity) - self.velocities(coords)[body]
        jacobian = np.stack([self.length_1 * _across(coords[0]), self.length_2 * _across(coords[1])], axis=-1)
        rates = self.gradient(coords)[2:]
        if body == 0:
            rates[0] += missing @ jacobian[:, 0] / self.length_1**2
        else:
            rates += _least_change(jacobian, missing)
        return np.concatenate([coords[:2], self._inertia(coords) @ rates])

    def _inertia(self, coords: Array) -> Array:
        """Return the matrix `(2, 2)` that turns the rods' rates into momenta, kg m²."""
        coupling = self.mass_2 * self.length_1 * self.length_2 * math.cos(coords[0] - coords[1])
        upper, lower = (self.mass_1 + self.mass_2) * self.length_1**2, self.mass_2 * self.length_2**2
        return np.array([[upper, coupling], [coupling, lower]])


def _down(angle: Array) -> Array:
    """Return the unit vector `(..., 2)` along a rod at `angle` from hanging."""
    return np.stack([np.sin(angle), -np.cos(angle)], axis=-1)


def _across(angle: Array) -> Array:
    """Return the unit vector `(..., 2)` in which a rod's end moves as `angle` grows."""
    return np.stack([np.cos(angle), np.sin(angle)], axis=-1)


def _least_change(jacobian: Array, missing: Array) -> Array:
    """Return Jᵀ(JJᵀ + λ²)⁻¹ `missing`; λ > 0 where the rods are nearly in line, so that rates stay finite."""
    square = jacobian @ jacobian.T
    lengths = math.hypot(*jacobian[:, 0]), math.hypot(*jacobian[:, 1])
    sine = abs(float(np.linalg.det(jacobian))) / (lengths[0] * lengths[1])
    damping = STRAIGHT_DAMPING * max(0.0, 1 - sine / NEARLY_STRAIGHT) * min(lengths)
    change: Array = jacobian.T @ np.linalg.solve(square + damping**2 * np.eye(2), missing)
    return change
