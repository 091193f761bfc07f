"""The pixel pendulum: a rod that is seen through a camera, as small grey frames, and in no other way."""

import math
from dataclasses import replace
from typing import ClassVar

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.parameters import Parameter
from hnn_engine.scene import Coordinate
from hnn_engine.systems.base import DataRecipe
from hnn_engine.systems.pendulum import Pendulum

FRAME_SECONDS = 0.05
START_ANGLE = math.pi / 6  # rad, the largest of a training start
START_SPEED = 1.0  # rad/s, the largest
_OWN = {"mass": 0.25, "gravity": 15.0}


class PixelPendulum(Pendulum):
    """H = p²/(2ml²) + mgl(1 − cos q) = 2p² + 3.75(1 − cos q), twice the paper's p² + 1.9(1 − cos q) but for rounding.

    With p = ¼ dq/dt it is gymnasium's Pendulum without torque: a uniform rod of 1 kg and 1 m at g = 10 m/s², for which
    d²q/dt² = −15 sin q; q is the angle from hanging, where gymnasium's is upright. Its motion is a leapfrog's with a
    step of one frame: Störmer–Verlet gives the same angles, and `centred` its p from gymnasium's speed.
    """

    name: ClassVar[str] = "pixel-pendulum"
    title: ClassVar[str] = "Pixel pendulum"
    summary: ClassVar[str] = "A rod observed as 28 × 28 grey pixels: the model must learn its own q and p."
    constants: ClassVar[tuple[Parameter, ...]] = tuple(
        replace(p, default=_OWN.get(p.name, p.default)) for p in Pendulum.constants
    )
    data: ClassVar[DataRecipe] = DataRecipe(200, 103, 5.1, 0.0, 0.2, True, True)
    horizon: ClassVar[float] = 10.0
    observed = True
    frame_seconds: ClassVar[float] = FRAME_SECONDS
    pair: ClassVar[tuple[str, str]] = ("pixel-baseline", "pixel-hnn")

    @property
    def coordinates(self) -> tuple[Coordinate, ...]:
        """The canonical coordinates in order, all q and then all p, with the units and ranges of their axes."""
        top = 1.3 * self.momentum_scale
        reach = 0.5 * math.pi
        return (Coordinate("q", "q", "rad", -reach, reach, periodic=True), Coordinate("p", "p", "kg m²/s", -top, top))

    @property
    def grid_reach(self) -> Array | None:
        """None: films have no grid of states."""
        return None

    @property
    def default_start(self) -> Array:
        """The initial state that the window opens with, `(2,)`, in rad and kg m²/s."""
        return np.array([0.5, 0.0])

    def sample_starts(self, rng: np.random.Generator, count: int) -> Array:
        """Draw `count` starts by `rng` within the largest angle and speed of the task, `(count, 2)` in rad and kg
        m²/s."""
        return self.starts_within(rng, count, START_ANGLE, START_SPEED)

    def starts_within(self, rng: np.random.Generator, count: int, angle: float, speed: float) -> Array:
        """Draw `count` states `(count, 2)` by `rng`, in rad and kg m²/s, within `angle` in rad and gymnasium's `speed`
        in rad/s."""
        drawn = rng.uniform(-1.0, 1.0, (count, 2)) * (angle, speed)
        return self.centred(drawn[:, 0], drawn[:, 1])

    def centred(self, angle: Array, speed: Array) -> Array:
        """Return (q, p) `(N, 2)`, in rad and kg m²/s, of gymnasium's `angle` from hanging in rad and `speed` in rad/s,
        `(N,)` each, which is half a step behind: p = ml² speed − ½ dt mgl sin q."""
        half = 0.5 * FRAME_SECONDS
        q = np.asarray(angle, dtype=np.float64)
        p = self.moment_of_inertia * np.asarray(speed, dtype=np.float64) - half * self.weight_moment * np.sin(q)
        return np.stack([q, p], axis=-1)
