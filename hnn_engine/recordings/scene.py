"""The scene of a recording: a bob on a unit rod for an angle, a block on a rail else, at unit mass."""

import math

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.geometry import Anchor, Block, Bob, Bounds, Primitive, Rail, Rod
from hnn_engine.recordings.recording import Recording
from hnn_engine.scene import Coordinate, Scene, nearest_turn

REACH = 1.25  # what the scene of an angle shows around the unit rod, m


class RecordedScene(Scene):
    """What a recording shows and how a drag moves it; p is the velocity at unit mass (and unit length for an angle)."""

    def __init__(self, recording: Recording) -> None:
        """Show `recording`; the ranges of its axes are those of its samples, rounded outward."""
        self.recording = recording
        self._angle = recording.kind == "angle"
        self.observed = recording.frames is not None
        lows, highs = recording.coords.min(axis=0), recording.coords.max(axis=0)
        self._ranges = tuple(rounded_outward(float(a), float(b)) for a, b in zip(lows, highs, strict=True))

    @property
    def coordinates(self) -> tuple[Coordinate, ...]:
        """The angle or position q and its velocity p, of a unit mass, with the ranges of their axes."""
        (q_low, q_high), (p_low, p_high) = self._ranges
        unit = {"angle": "rad", "length": "m", "number": ""}[self.recording.kind]
        return (
            Coordinate("q", "q", unit, q_low, q_high, periodic=self._angle),
            Coordinate("p", "p", f"{unit or 1}/s", p_low, p_high),
        )

    @property
    def inertia(self) -> Array | None:
        """One: a recording's momentum is its velocity."""
        return np.ones(1)

    @property
    def default_start(self) -> Array:
        """The first sample `(2,)`."""
        return np.array(self.recording.coords[0])

    @property
    def bounds(self) -> Bounds:
        """The part of the world that the scene shows at first: left, right, bottom, top."""
        if self._angle:
            return (-REACH, REACH, -REACH, REACH)
        low, high = self._ranges[0]
        return (low, high, -0.25 * (high - low), 0.25 * (high - low))

    def geometry(self, q: Array) -> tuple[Primitive, ...]:
        """Return the drawing of configuration `q` `(1,)`: a pendulum of unit length, or a block on a track."""
        x, y = (float(value) for value in self.positions(q)[0])
        if self._angle:
            return (Rod((0.0, 0.0), (x, y)), Anchor((0.0, 0.0), "pivot", 0.05), Bob((x, y), 0.1, 0))
        low, high = self._ranges[0]
        width, height = 0.1 * (high - low), 0.06 * (high - low)
        rail = Rail((min(low, x - width / 2), -height / 2), (max(high, x + width / 2), -height / 2))
        return (rail, Block((x, y), width, height, 0))

    def positions(self, q: Array) -> Array:
        """Return the place of the one body, `(..., 1) -> (..., 1, 2)`: on the unit circle, or on a line."""
        x = q[..., 0]
        pair = (np.sin(x), -np.cos(x)) if self._angle else (x, np.zeros_like(x))
        return np.stack(pair, axis=-1)[..., None, :]

    def velocities(self, coords: Array) -> Array:
        """Return the velocity of the one body, `(..., 2) -> (..., 1, 2)`."""
        q, p = coords[..., 0], coords[..., 1]
        pair = (p * np.cos(q), p * np.sin(q)) if self._angle else (p, np.zeros_like(p))
        return np.stack(pair, axis=-1)[..., None, :]

    def place(self, coords: Array, body: int, at: tuple[float, float]) -> Array:
        """Return `coords` `(2,)` with the body moved as near to `at` as it can come; p stays."""
        x, y = at
        q = nearest_turn(math.atan2(x, -y), float(coords[0])) if self._angle else x
        return np.array([q, coords[1]])

    def push(self, coords: Array, body: int, velocity: tuple[float, float]) -> Array:
        """Return `coords` `(2,)` with the nearest allowed velocity to `velocity`; q stays."""
        x, y = velocity
        p = x * math.cos(coords[0]) + y * math.sin(coords[0]) if self._angle else x
        return np.array([coords[0], p])


def rounded_outward(low: float, high: float) -> tuple[float, float]:
    """Return a range around [low, high] with 5 % to spare, its ends on multiples of 1, 2 or 5 times a power of ten."""
    size = max(abs(low), abs(high))
    span = high - low if high - low > 1e-6 * max(size, 1e-3) else max(size, 1.0)
    low, high = low - 0.05 * span, high + 0.05 * span
    exponent = math.floor(math.log10(span / 5))
    step = next(factor * 10.0**exponent for factor in (1, 2, 5, 10) if factor * 10.0**exponent >= span / 10)
    digits = max(0, -exponent)  # a product such as 3 · 0.05 is not quite 0.15
    return round(math.floor(low / step) * step, digits), round(math.ceil(high / step) * step, digits)
