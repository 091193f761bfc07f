"""How the world is seen: the map between metres, y upward, and pixels, y downward, with equal scales."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF
from PySide6.QtGui import QPolygonF
from shiboken6 import VoidPtr

from hnn_engine.geometry import Bounds, Point

_pointer: Any = VoidPtr  # its stub knows neither Qt's pointers nor sizes
Rect = tuple[float, float, float, float]  # x, y, width, height in pixels


@dataclass(frozen=True)
class SceneView:
    """`bounds` (x0, x1, y0, y1 in metres) fitted into `rect` (x, y, width, height in pixels), centred."""

    bounds: Bounds
    rect: Rect

    @cached_property
    def scale(self) -> float:
        """Pixels a metre."""
        x0, x1, y0, y1 = self.bounds
        return max(min(self.rect[2] / max(x1 - x0, 1e-9), self.rect[3] / max(y1 - y0, 1e-9)), 1e-9)

    @cached_property
    def origin(self) -> Point:
        """Where the world's (0, 0) is, in pixels."""
        x0, x1, y0, y1 = self.bounds
        left, top, width, height = self.rect
        return (left + width / 2 - self.scale * (x0 + x1) / 2, top + height / 2 + self.scale * (y0 + y1) / 2)

    def pixel(self, at: Point) -> QPointF:
        """Return the pixel of a world point."""
        return QPointF(self.origin[0] + self.scale * at[0], self.origin[1] - self.scale * at[1])

    def pixels(self, points: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return pixels `(..., 2)` of world points `(..., 2)`."""
        scaled = np.asarray(points, dtype=np.float64) * np.array([self.scale, -self.scale])
        shifted: npt.NDArray[np.float64] = scaled + np.asarray(self.origin)
        return shifted

    def world(self, x: float, y: float) -> Point:
        """Return the world point, in metres, of pixel (x, y)."""
        return ((x - self.origin[0]) / self.scale, (self.origin[1] - y) / self.scale)


def polygon(points: npt.NDArray[np.float64]) -> QPolygonF:
    """Return `points` `(n, 2)`, in pixels, as a polygon, copied in one go: a QPointF is two doubles."""
    result = QPolygonF()
    if not len(points):
        return result
    result.resize(len(points))
    memory: Any = _pointer(result.data(), 16 * len(points), True)
    np.frombuffer(memory, dtype=np.float64).reshape(-1, 2)[:] = points
    return result
