"""Arrows of a vector field as one item: one path, whatever their number."""

import numpy as np
import numpy.typing as npt

from hnn_engine.percentiles import percentile

Array = npt.NDArray[np.float64]

REACH = 0.82  # the longest arrow, in cells
HEAD = 0.32  # of an arrow's length
SPREAD = 0.38  # half width of a head, of its length


def arrow_lines(at: Array, flow: Array, pixels: tuple[float, float]) -> tuple[Array, Array]:
    """Return x and y of three strokes an arrow, for a curve that connects pairs.

    `at` `(n, n, 2)` plane positions on an even grid, `flow` there in plane units a second, `pixels` a unit along x
    and y: so heads keep their shape whatever the axes. Lengths grow with the root of the speed, so that slow places
    still show their direction.
    """
    scale = np.asarray(pixels)
    cell = float(np.min(np.abs(at[-1, -1] - at[0, 0]) * scale)) / (at.shape[0] - 1)
    vector = flow.reshape(-1, 2) * scale
    speed = np.linalg.norm(vector, axis=-1, keepdims=True)
    top = percentile(speed, 98.0) or 1.0
    length = REACH * cell * np.sqrt(np.minimum(speed / top, 1.0))
    unit = vector / np.maximum(speed, 1e-300)
    side = np.stack([-unit[:, 1], unit[:, 0]], axis=-1)
    middle = at.reshape(-1, 2) * scale
    tail, tip = middle - unit * length / 2, middle + unit * length / 2
    back = tip - unit * length * HEAD
    left, right = back + side * length * HEAD * SPREAD, back - side * length * HEAD * SPREAD
    strokes = np.stack([tail, tip, left, tip, right, tip], axis=1).reshape(-1, 2) / scale
    return np.ascontiguousarray(strokes[:, 0]), np.ascontiguousarray(strokes[:, 1])
