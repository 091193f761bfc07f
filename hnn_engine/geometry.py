"""How a system looks: frozen drawing primitives in world units (metres), y upward, without Qt.

A primitive says what it is, not how it is painted; the painter chooses colours, pens and transparency.
"""

from dataclasses import dataclass

from hnn_engine.coords import Array

Point = tuple[float, float]


@dataclass(frozen=True)
class Bob:
    """A massive disc, the thing that moves: its middle and radius in m. `body` is its index among the scene's bodies
    (the one to grab)."""

    at: Point
    radius: float
    body: int


@dataclass(frozen=True)
class Block:
    """A massive box on a rail: its middle, width and height in m. `body` as in `Bob`."""

    at: Point
    width: float
    height: float
    body: int


@dataclass(frozen=True)
class Rod:
    """A rigid massless rod between two points in m."""

    start: Point
    end: Point


@dataclass(frozen=True)
class Spring:
    """A coil spring between two points with `coils` turns and half-width `radius`, in m."""

    start: Point
    end: Point
    coils: int
    radius: float


@dataclass(frozen=True)
class Anchor:
    """A fixed pivot or wall. `kind` is 'pivot' or 'wall'; `size` is its half extent, in m."""

    at: Point
    kind: str
    size: float


@dataclass(frozen=True)
class Rail:
    """A fixed line, between two points in m, that something slides along."""

    start: Point
    end: Point


@dataclass(frozen=True, eq=False)
class Lines:
    """Fixed thin lines, `segments` `(n, 2, 2)` from and to, in m: a curve that a bead slides along, or contours."""

    segments: Array


@dataclass(frozen=True, eq=False)
class Regions:
    """Shaded parts of the plane, in m: the closed rings `(k, 2)` of each, the first around it, others around holes."""

    rings: tuple[tuple[Array, ...], ...]


Primitive = Bob | Block | Rod | Spring | Anchor | Rail | Lines | Regions
Bounds = tuple[float, float, float, float]  # x0, x1, y0, y1
