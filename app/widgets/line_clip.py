"""Lines cut at the edges of a plot: some programs that show drawings know no clipping."""

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QRectF

Array = npt.NDArray[np.float64]


def clipped(line: Array, area: QRectF) -> list[Array]:
    """Return the parts of a line through `line` `(n, 2)` that lie inside `area` (Liang and Barsky, 1984)."""
    low, high = np.array([area.left(), area.top()]), np.array([area.right(), area.bottom()])
    if len(line) < 2 or ((line >= low) & (line <= high)).all():
        return [line] if len(line) > 1 else []
    start, along = line[:-1], np.diff(line, axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        one, other = (low - start) / along, (high - start) / along
    level = along == 0
    inside = (start >= low) & (start <= high)
    enters = np.where(level, np.where(inside, -np.inf, np.inf), np.minimum(one, other)).max(axis=1).clip(min=0.0)
    leaves = np.where(level, np.where(inside, np.inf, -np.inf), np.maximum(one, other)).min(axis=1).clip(max=1.0)
    parts: list[list[Array]] = []
    for i in np.flatnonzero(enters < leaves):
        ends = [start[i] + share * along[i] for share in (enters[i], leaves[i])]
        if enters[i] == 0.0 and parts and np.array_equal(parts[-1][-1], ends[0]):
            parts[-1].append(ends[1])
        else:
            parts.append(ends)
    return [np.array(part) for part in parts]
