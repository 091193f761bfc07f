"""How a system looks: frozen drawing primitives in world units (metres), y upward, with no word of Qt.

A primitive says what it is, not how it is painted; the painter chooses colours, pens and the ghosts' transparency.
"""

from dataclasses import dataclass

from hnn_engine.coords import Array

Point = tuple[float, float]


@dataclass(frozen=True)
class Bob:
    """A massive disc, the thing that moves. `body` is its index among the scene's bodies (the one to grab)."""

    at: Point
    radius: float
    body: int


@dataclass(frozen=True)
class Block:
    """A massive box on a rail. `body` as in `Bob`."""

    at: Point
    width: float
    height: float
    body: int


@dataclass(frozen=True)
class Rod:
    """A rigid massless rod."""

    start: Point
    end: Point


@dataclass(frozen=True)
class Spring:
    """A coil spring with `coils` turns and half-width `radius`."""

    start: Point
    end: Point
    coils: int
    radius: float


@dataclass(frozen=True)
class Anchor:
    """A fixed pivot or wall. `kind` is 'pivot' or 'wall'; `size` is its half extent."""

    at: Point
    kind: str
    size: float


@dataclass(frozen=True)
class Rail:
    """A fixed line that something slides along."""

    start: Point
    end: Point


@dataclass(frozen=True, eq=False)
class Lines:
    """Fixed thin lines, `segments` `(n, 2, 2)` from and to: a curve that a bead slides along, or contours."""

    segments: Array


Primitive = Bob | Block | Rod | Spring | Anchor | Rail | Lines
Bounds = tuple[float, float, float, float]  # x0, x1, y0, y1
