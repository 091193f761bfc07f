"""Wide lines cut into strokes, whole or dashed: Qt strokes a wide curve ten times slower than its pieces."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QLineF
from PySide6.QtGui import QPainter
from shiboken6 import wrapInstance

Array = npt.NDArray[np.float64]
_MOST_DASHES = 4000  # of a line
_first_of: Any = wrapInstance  # its stub knows no arrays


def draw_lines(painter: QPainter, pixels: Array) -> None:
    """Draw from the first to the second of `pixels` `(2 n, 2)`, and so on; a QLineF is four doubles."""
    if len(pixels):
        lines: Any = painter.drawLines
        lines(_first_of(pixels.ctypes.data, QLineF), len(pixels) // 2)


def strokes(pieces: Sequence[Array], dash: Sequence[float] = ()) -> Array:
    """Return `pieces` `(n, 2)` of a line cut into strokes, two points each, `(2 m, 2)`: drawn so, a wide line takes a
    tenth of the time. `dash`: lengths of strokes and gaps in turn; empty, the strokes join. All in pixels."""
    parts = [_dashes(piece, dash) if dash else _joined(piece) for piece in pieces if len(piece) > 1]
    return np.ascontiguousarray(np.concatenate(parts)) if parts else np.empty((0, 2))


def _joined(piece: Array) -> Array:
    return np.repeat(_thinned(piece), 2, axis=0)[1:-1]


def _thinned(piece: Array) -> Array:
    """A line of pixels with one point in two pixels at most, its ends among them."""
    moves = np.asarray(np.diff(np.rint(0.5 * piece), axis=0).any(axis=1))
    moves[-1] = True
    kept: Array = piece[np.concatenate([[True], moves])]
    return kept


def _dashes(piece: Array, dash: Sequence[float]) -> Array:
    """The strokes of a dashed line; it is whole where there were more dashes than could be seen."""
    piece = _thinned(piece)
    way = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(piece, axis=0).T))])
    ends, period = np.cumsum(dash), float(sum(dash))
    turns = way[-1] / period
    if not turns < _MOST_DASHES:
        return _joined(piece)
    marks = (period * np.arange(int(turns) + 1)[:, None] + ends).ravel()
    at = np.sort(np.concatenate([way, marks[marks < way[-1]]]))
    points = np.column_stack([np.interp(at, way, axis) for axis in piece.T])
    middle = (at[1:] + at[:-1]) / 2 % period
    drawn = (np.searchsorted(ends, middle, side="right") % 2 == 0) & (np.diff(at) > 0)
    return np.stack([points[:-1][drawn], points[1:][drawn]], axis=1).reshape(-1, 2)
