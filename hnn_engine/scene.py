"""A scene: what can be drawn and grabbed. Systems are scenes with a law, recordings scenes with a measured track."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hnn_engine.coords import Array, wrap_angle
from hnn_engine.geometry import Bounds, Primitive


@dataclass(frozen=True)
class Coordinate:
    """One canonical coordinate: `name` for files ('q', 'p1x'), `symbol` for axes, `unit`, and the range from `low` to
    `high`, in that unit, that the phase portrait opens with. `periodic` marks an angle in radians."""

    name: str
    symbol: str
    unit: str
    low: float
    high: float
    periodic: bool = False

    @property
    def label(self) -> str:
        """Symbol and unit, as an axis shows them: 'q (rad)'."""
        return f"{self.symbol} ({self.unit})" if self.unit else self.symbol


class Scene(ABC):
    """What moves, in world units (m, s), and how a drag moves it. `coords` are `(..., 2*dof)`, q before p."""

    observed: bool = False  # through a camera, by models that see frames
    timed: bool = False  # its law depends on time
    arrow_seconds: float = 0.35  # a momentum arrow's length is the body's velocity times this

    @property
    @abstractmethod
    def coordinates(self) -> tuple[Coordinate, ...]:
        """The canonical coordinates in order, all q and then all p."""

    @cached_property
    def dof(self) -> int:
        """Degrees of freedom."""
        return len(self.coordinates) // 2

    @cached_property
    def periodic(self) -> tuple[bool, ...]:
        """Which coordinates are angles."""
        return tuple(c.periodic for c in self.coordinates)

    @property
    @abstractmethod
    def inertia(self) -> Array | None:
        """What each momentum is to its velocity, p = inertia·dq/dt, `(dof,)`, masses in kg or moments of inertia in kg
        m²; None where that depends on the position."""

    @property
    @abstractmethod
    def default_start(self) -> Array:
        """The initial state that the window opens with, `(2*dof,)`, in the units of `coordinates`."""

    @property
    @abstractmethod
    def bounds(self) -> Bounds:
        """The part of the world that the scene shows at first, in m: left, right, bottom, top."""

    @abstractmethod
    def geometry(self, q: Array) -> tuple[Primitive, ...]:
        """Return the drawing of configuration `q` `(dof,)`, fixed parts first, in m."""

    @abstractmethod
    def positions(self, q: Array) -> Array:
        """Return world positions of the bodies in m, `(..., bodies, 2)`, for q `(..., dof)`."""

    @abstractmethod
    def velocities(self, coords: Array) -> Array:
        """Return world velocities of the bodies, `(..., bodies, 2)`, in m/s, for `coords` `(..., 2*dof)`."""

    @abstractmethod
    def place(self, coords: Array, body: int, at: tuple[float, float]) -> Array:
        """Return `coords` `(2*dof,)` with `body` moved as near to `at`, in m, as its constraint allows; p stays."""

    @abstractmethod
    def push(self, coords: Array, body: int, velocity: tuple[float, float]) -> Array:
        """Return `coords` `(2*dof,)` with the momentum that gives `body` the allowed velocity nearest to `velocity`, in
        m/s; q stays."""


def nearest_turn(angle: float, reference: float) -> float:
    """Return `angle` plus the whole turns that bring it closest to `reference`, all in rad, so that a drag never
    jumps."""
    return float(reference + wrap_angle(np.asarray(angle - reference)))
