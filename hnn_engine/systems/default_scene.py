"""How a system is drawn that says no more than its law: a bead on the curve V(q), or a point over contours of V(x, y).

A bead on a curve stands at (q, V(q)), V drawn to a fitting height; on a straight line where H is no kinetic energy plus
V(q); on a ring where q is an angle. What moves in the picture is a function of q alone, so a drag sets q and keeps p.
"""

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Protocol

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.errors import HnnLabError
from hnn_engine.geometry import Anchor, Bounds, Lines, Primitive, Rail, Regions
from hnn_engine.percentiles import percentiles
from hnn_engine.scene import Coordinate, nearest_turn

HEIGHT = 0.5  # of the curve V(q), as a part of the width
SAMPLES = 240  # of the curve
GRID = 64  # a side, of the values that contours are drawn through
LEVELS = 10  # of the contours
BEYOND = 0.4  # of the range on each side, where curve and contours go on
RADIUS = 0.03  # of the bead, as a part of the width
FAR, WIDE_GRID = 1.3, 128  # as `BEYOND` and `GRID`, of where V lies above an energy

Potential = Callable[[Array], Array]


class Drawing(Protocol):
    """What a default scene needs to know of a picture with one body in it."""

    bounds: Bounds
    fixed: tuple[Primitive, ...]  # what does not move
    radius: float  # of the bead, m

    def at(self, q: Array) -> Array:
        """Return where the bead is in m, `(..., dof) -> (..., 2)`."""

    def tangents(self, q: Array) -> Array:
        """Return how it moves with each coordinate, ∂(x, y)/∂q, `(..., dof) -> (..., 2, dof)`."""

    def nearest(self, q: Array, at: tuple[float, float]) -> Array:
        """Return the q `(dof,)` that brings the bead from where `q` `(dof,)` has it as near to `at`, in m, as it
        gets."""


class OnCurve:
    """A bead at (q, V(q)) over the range `low` to `high` of q. `potential` and `slope` are V and dV/dq, `(..., 1)` to
    `(...)`, or None for a straight line."""

    def __init__(self, low: float, high: float, potential: Potential | None, slope: Potential | None) -> None:
        """Sample the curve over the range and beyond it."""
        width = high - low
        self.radius = RADIUS * width
        self._potential, self._slope = potential, slope
        self._base = self._scale = 0.0
        wide = np.linspace(low - BEYOND * width, high + BEYOND * width, SAMPLES)
        values, seen = (_values(potential, q[:, None]) for q in (wide, np.linspace(low, high, SAMPLES)))
        seen = seen[np.isfinite(seen)]
        span = float(np.ptp(seen)) if len(seen) else 0.0
        if span > 0:
            self._base, self._scale = float(seen.min()), HEIGHT * width / span
        self.bounds = (low, high, -0.15 * width, (HEIGHT + 0.15 if span > 0 else 0.15) * width)
        self.fixed: tuple[Primitive, ...] = (Rail((float(wide[0]), 0.0), (float(wide[-1]), 0.0)),)
        if span > 0:
            points = np.stack([wide, self._scale * (values - self._base)], axis=-1)
            segments = np.stack([points[:-1], points[1:]], axis=1)
            self.fixed = (Lines(segments[np.isfinite(segments).all(axis=(1, 2))]),)

    def at(self, q: Array) -> Array:
        """Return where the bead is, `(..., 2)` in m, for q `(..., 1)`; the height is V, scaled to the width."""
        x = q[..., 0]
        height = (
            self._scale * (self._potential(q) - self._base) if self._potential and self._scale else np.zeros_like(x)
        )
        return np.stack([x, height], axis=-1)

    def tangents(self, q: Array) -> Array:
        """Return d(position)/dq `(..., 2, 1)` at q `(..., 1)`."""
        along = np.ones_like(q[..., 0])
        up = self._scale * self._slope(q) if self._slope and self._scale else np.zeros_like(along)
        return np.stack([along, up], axis=-1)[..., None]

    def nearest(self, q: Array, at: tuple[float, float]) -> Array:
        """Return the q `(1,)` under the point `at`, in m."""
        return np.array([at[0]])


class OnRing:
    """A bead on the circle of radius 1 m at the angle q, in rad, from hanging."""

    bounds: Bounds = (-1.25, 1.25, -1.25, 1.25)
    radius = 0.1

    def __init__(self) -> None:
        """Sample the circle."""
        ring = self.at(np.linspace(-math.pi, math.pi, SAMPLES)[:, None])
        lines = Lines(np.stack([ring[:-1], ring[1:]], axis=1))
        self.fixed: tuple[Primitive, ...] = (lines, Anchor((0.0, 0.0), "pivot", 0.05))

    def at(self, q: Array) -> Array:
        """Return where the bead is, `(..., 2)` in m, for angles q `(..., 1)` in rad."""
        return np.stack([np.sin(q[..., 0]), -np.cos(q[..., 0])], axis=-1)

    def tangents(self, q: Array) -> Array:
        """Return d(position)/dq = (cos q, sin q), m a rad, `(..., 2, 1)` at q `(..., 1)`."""
        return np.stack([np.cos(q[..., 0]), np.sin(q[..., 0])], axis=-1)[..., None]

    def nearest(self, q: Array, at: tuple[float, float]) -> Array:
        """Return the angle `(1,)` in rad of the point `at`, in m, in the turn nearest to `q` `(1,)`."""
        return np.array([nearest_turn(math.atan2(at[0], -at[1]), float(q[0]))])


class InPlane:
    """A point at (x, y) = q, over contours of `potential` `(..., 2) -> (...)`, or over nothing where that is None."""

    def __init__(self, x: tuple[float, float], y: tuple[float, float], potential: Potential | None) -> None:
        """Take the contours of the potential over the ranges `x` and `y` in m, and a little beyond."""
        self.bounds = (*x, *y)
        self._sides, self._potential = (x, y), potential
        self._wide: tuple[Array, Array, Array] | None = None  # V over a wider part of the plane
        self.radius = RADIUS * max(x[1] - x[0], y[1] - y[0])
        self.fixed: tuple[Primitive, ...] = ()
        if potential is not None:
            xs, ys = (np.linspace(a - BEYOND * (b - a), b + BEYOND * (b - a), GRID) for a, b in (x, y))
            values = _values(potential, np.stack(np.meshgrid(xs, ys), axis=-1))
            inside = values[np.ix_((ys >= y[0]) & (ys <= y[1]), (xs >= x[0]) & (xs <= x[1]))]
            self.fixed = (Lines(contours(xs, ys, values, _levels(inside))),)

    def at(self, q: Array) -> Array:
        """Return q `(..., 2)` itself: it is the position in m."""
        return np.array(q)

    def tangents(self, q: Array) -> Array:
        """Return the identity, d(position)/dq `(..., 2, 2)`, for q `(..., 2)`."""
        return np.broadcast_to(np.eye(2), (*q.shape[:-1], 2, 2))

    def nearest(self, q: Array, at: tuple[float, float]) -> Array:
        """Return the point `at`, in m, as q `(2,)`."""
        return np.array(at, dtype=np.float64)

    def above(self, energy: float) -> Regions | None:
        """Return where V lies above `energy`, in J, which motion of that energy does not reach; None without V."""
        if self._potential is None or not math.isfinite(energy):
            return None
        if self._wide is None:
            x, y = (np.linspace(a - FAR * (b - a), b + FAR * (b - a), WIDE_GRID) for a, b in self._sides)
            self._wide = x, y, _values(self._potential, np.stack(np.meshgrid(x, y), axis=-1))
        return regions_above(*self._wide, energy)


def drawing_of(
    coordinates: tuple[Coordinate, ...], potential: Potential | None, slope: Potential | None, name: str
) -> Drawing:
    """Return the picture of a system of one or two degrees of freedom; raise `HnnLabError` for more.

    `potential` is V, `(..., dof) -> (...)`, and `slope` its first derivative by the first coordinate; None without V.
    """
    dof = len(coordinates) // 2
    first, second = coordinates[0], coordinates[min(1, dof - 1)]
    if dof > 2:
        raise HnnLabError(
            f"The system '{name}' has {dof} degrees of freedom and no picture of its own; the default one is for one "
            "or two: give its class `bounds`, `geometry`, `positions`, `velocities`, `place` and `push`"
        )
    if dof == 2:
        return InPlane((first.low, first.high), (second.low, second.high), potential)
    return OnRing() if first.periodic else OnCurve(first.low, first.high, potential, slope)


def contours(xs: Array, ys: Array, values: Array, levels: Array) -> Array:
    """Return segments `(n, 2, 2)` of the lines where `values` `(len(ys), len(xs))` are at one of `levels` `(k,)`; `xs`
    and `ys` are the columns' and rows' coordinates, in m.

    Each square of the grid is cut in two triangles, in which the values are taken to be linear: where one corner lies
    on the other side of a level than the other two, the line crosses its two edges (marching triangles).
    """
    corners = np.stack([*np.meshgrid(xs, ys), values], axis=-1)
    a, b, c, d = corners[:-1, :-1], corners[:-1, 1:], corners[1:, :-1], corners[1:, 1:]
    triangles = np.concatenate([np.stack(three, axis=-2).reshape(-1, 3, 3) for three in ((a, b, c), (d, c, b))])
    heights = np.ascontiguousarray(triangles[..., 2])
    lowest, highest = heights.min(axis=1), heights.max(axis=1)  # not a number where one of the three is none
    found = [np.empty((0, 2, 2))]
    for level in levels:
        crossed = triangles[(lowest <= level) & (level < highest) & (highest < np.inf)]
        above = crossed[..., 2] > level
        alone = np.where(above.sum(axis=1) == 1, above.argmax(axis=1), above.argmin(axis=1))
        rows = np.arange(len(crossed))
        apex, ends = crossed[rows, alone][:, None], np.stack([crossed[rows, (alone + k) % 3] for k in (1, 2)], axis=1)
        part = (level - apex[..., 2]) / (ends[..., 2] - apex[..., 2])
        found.append(apex[..., :2] + part[..., None] * (ends - apex)[..., :2])
    return np.concatenate(found)


def regions_above(xs: Array, ys: Array, values: Array, level: float) -> Regions:
    """Return the regions where `values` `(len(ys), len(xs))` lie above `level`, or are no numbers; `xs`, `ys` in m."""
    from contourpy import FillType, contour_generator

    known = values[np.isfinite(values)]
    beyond = 1.0 + abs(level)
    top, bottom = float(known.max(initial=level)) + beyond, float(known.min(initial=level)) - beyond
    heights = np.nan_to_num(values, nan=top, posinf=top, neginf=bottom)
    generator = contour_generator(xs, ys, heights, fill_type=FillType.OuterOffset)
    points, offsets = generator.filled(level, np.inf)
    rings = tuple(
        tuple(np.asarray(one[a:b]) for a, b in pairwise(ends.tolist()))
        for one, ends in zip(points, offsets, strict=True)
        if one is not None and ends is not None
    )
    return Regions(rings)


def _levels(values: Array) -> Array:
    """Return levels that rise as squares above the lowest value, so that a well has evenly spaced rings."""
    known = values[np.isfinite(values)]
    if not len(known):
        return np.empty(0)
    low, high = percentiles(known, (0.0, 75.0))
    levels: Array = low + (high - low) * (np.arange(1, LEVELS + 1) / LEVELS) ** 2
    return levels


def _values(potential: Potential | None, q: Array) -> Array:
    """Return V at q, with no warning where it is not finite; zero where there is no V."""
    if potential is None:
        return np.zeros(q.shape[:-1])
    with np.errstate(all="ignore"):
        values: Array = np.asarray(potential(q), dtype=np.float64)
    return values
