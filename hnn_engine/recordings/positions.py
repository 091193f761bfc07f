"""The angle of a pendulum from positions of its bob, and of its pivot where that was tracked; else a circle is fitted.

q = atan2(x − xₚ, yₚ − y), zero where the bob hangs straight down and positive to the right, with y upward; in pictures
y points downward and q = atan2(x − xₚ, y − yₚ). Units cancel, so that pixels will do.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from hnn_engine.coords import Array

ROUND = 0.05  # of the radius: positions that are farther from their circle, in the mean, are on none
SHORTEST_ARC = 0.15  # rad: on a shorter arc no circle can be fitted
_ITERATIONS = 50


class Circle(NamedTuple):
    """A fitted circle: its middle, its radius, and the root mean square of the distances to it over the radius."""

    x: float
    y: float
    radius: float
    spread: float


def fit_circle(x: Array, y: Array) -> Circle:
    """Return the circle with the least sum of squared distances to the points `x`, `y` `(N,)`.

    From the least-squares solution of x² + y² = 2ax + 2by + c, Gauss–Newton on (a, b, r).
    """
    middle = np.array([x.mean(), y.mean()])
    scale = float(np.hypot(x - middle[0], y - middle[1]).max()) or 1.0
    u, v = (x - middle[0]) / scale, (y - middle[1]) / scale
    matrix = np.column_stack([u, v, np.ones_like(u)])
    a, b, c = np.linalg.lstsq(matrix, u**2 + v**2, rcond=None)[0]
    at = np.array([a / 2, b / 2, np.sqrt(max(c + (a**2 + b**2) / 4, 1e-12))])
    for _ in range(_ITERATIONS):
        far = np.hypot(u - at[0], v - at[1])
        far[far == 0] = 1e-12
        jacobian = np.column_stack([-(u - at[0]) / far, -(v - at[1]) / far, -np.ones_like(far)])
        step = np.linalg.lstsq(jacobian, -(far - at[2]), rcond=None)[0]
        at = at + step
        if np.abs(step).max() < 1e-12:
            break
    distance = np.hypot(u - at[0], v - at[1]) - at[2]
    spread = float(np.sqrt((distance**2).mean()) / abs(at[2])) if at[2] else np.inf
    return Circle(float(middle[0] + scale * at[0]), float(middle[1] + scale * at[1]), abs(scale * float(at[2])), spread)


def hanging_angle(x: Array, y: Array, downward: bool) -> Array:
    """Return the angle from straight down of positions `x`, `y` from the pivot, in rad within ±π."""
    return np.asarray(np.arctan2(x, y if downward else -y))


def hangs_below(x: Array, y: Array, downward: bool) -> bool:
    """Whether positions from the pivot are below it in the mean, as those of a pendulum that swings are."""
    return bool(np.cos(hanging_angle(x, y, downward)).mean() > 0)


@dataclass(frozen=True, eq=False)
class Arc:
    """Positions `x`, `y` `(N,)` from the pivot, in the file's units, NaN in rows without one, y `downward` as in
    pictures; `radius` is their usual distance from it, and `fitted` says that the pivot is the middle of a circle
    through them."""

    x: Array
    y: Array
    radius: float
    downward: bool
    fitted: bool

    @property
    def angles(self) -> Array:
        """The angles from straight down, `(N,)` rad within ±π, NaN in rows without a position."""
        return hanging_angle(self.x, self.y, self.downward)


def arc_about(x: Array, y: Array, downward: bool) -> Arc:
    """Return positions `x`, `y` `(N,)` from a pivot that was tracked."""
    there = np.isfinite(x) & np.isfinite(y)
    radius = float(np.median(np.hypot(x[there], y[there]))) if there.any() else 0.0
    return Arc(x, y, radius, downward, fitted=False)


def fitted_arc(x: Array, y: Array, downward: bool) -> Arc | None:
    """Return positions `x`, `y` `(N,)` about the middle of the circle through them; None where they lie on none."""
    there = np.isfinite(x) & np.isfinite(y)
    if not there.any():
        return arc_about(x, y, downward)
    circle = fit_circle(x[there], y[there])
    around = np.unwrap(np.arctan2(y[there] - circle.y, x[there] - circle.x))
    if not (circle.spread < ROUND and float(np.ptp(around)) > SHORTEST_ARC):
        return None
    return Arc(x - circle.x, y - circle.y, circle.radius, downward, fitted=True)
