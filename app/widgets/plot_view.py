"""The map between the plane of a plot's data, y upward, and the pixels of its widget, y downward."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, QRectF

from hnn_engine.axis_ticks import Range

Array = npt.NDArray[np.float64]
FURTHEST = 1e5  # pixels: what lies further out is drawn as if it were here, since Qt's arithmetic has an end


@dataclass(frozen=True)
class PlotView:
    """The ranges `x` and `y` over an area whose corner is at `left`, `top`; sizes in pixels."""

    x: Range
    y: Range
    left: float
    top: float
    width: float
    height: float

    @cached_property
    def area(self) -> QRectF:
        """Where the data is drawn."""
        return QRectF(self.left, self.top, self.width, self.height)

    @cached_property
    def unit(self) -> tuple[float, float]:
        """How far a pixel reaches across and upward, in units of the data."""
        return (self.x[1] - self.x[0]) / self.width, (self.y[1] - self.y[0]) / self.height

    @cached_property
    def _scale(self) -> Array:
        return np.array([1.0 / self.unit[0], -1.0 / self.unit[1]])

    @cached_property
    def _shift(self) -> Array:
        shift: Array = np.array([self.left, self.top + self.height]) - self._scale * np.array([self.x[0], self.y[0]])
        return shift

    def pixels(self, points: Array) -> Array:
        """Return the pixels `(n, 2)` of `points` `(n, 2)`, all finite."""
        found: Array = points * self._scale + self._shift
        np.clip(found, -FURTHEST, FURTHEST, out=found)
        return found

    def pixel(self, x: float, y: float) -> QPointF:
        """Return the pixel of (`x`, `y`), to parts of a pixel."""
        return QPointF(
            self.left + (x - self.x[0]) / self.unit[0], self.top + self.height - (y - self.y[0]) / self.unit[1]
        )

    def point(self, at: QPointF) -> QPointF:
        """Return the point of the data under the pixel `at`."""
        across, down = at.x() - self.left, at.y() - self.top
        return QPointF(self.x[0] + across * self.unit[0], self.y[1] - down * self.unit[1])


def is_range(one: Range) -> bool:
    """Return whether a plot can show `one`: its ends are finite, and apart in a float."""
    return math.isfinite(one[0]) and math.isfinite(one[1]) and one[1] - one[0] > 1e-12 * max(abs(one[0]), abs(one[1]))


def zoomed(wide: Range, fixed: float, share: float) -> Range:
    """Return `wide` with each end at `share` of its way from `fixed`."""
    return fixed + (wide[0] - fixed) * share, fixed + (wide[1] - fixed) * share
