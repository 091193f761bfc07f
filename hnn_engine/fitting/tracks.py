"""Rows in the order in which they were measured: trajectories, and clean states where the derivatives give them.

Where the derivatives are exact, noise is on the states alone: along a trajectory x(t) = c + ∫ẋ dt, and its mean over
all points is all that noise leaves uncertain of c. So n points have the noise of one divided by √n.
"""

import numpy as np
import numpy.typing as npt

from hnn_engine.coords import Array
from hnn_engine.datasets import Dataset

Index = npt.NDArray[np.int64]

GAP = 1.5  # steps of the usual length that two rows may be apart and still follow each other
WHITE = 1.4  # von Neumann's ratio is 2 for noise without memory, and near 0 for what changes slowly
FEWEST = 6  # points of a trajectory whose states are drawn together


def tracks(data: Dataset, rows: Index) -> list[Index]:
    """Return `rows` as runs of rows that follow each other on one trajectory, without gaps, in order of time."""
    order = rows[np.lexsort((data.t[rows], data.trajectory[rows]))]
    step = np.diff(data.t[order])
    same = np.diff(data.trajectory[order]) == 0
    usual = float(np.median(step[same])) if same.any() else 0.0
    ends = np.flatnonzero(~same | (step > GAP * usual) | (step <= 0)) + 1
    return np.split(order, ends)


def drawn_together(data: Dataset, rows: Index) -> Array | None:
    """Return the states of `rows`, `(n, 2*dof)`, freed from most of their noise by exact derivatives; or None.

    None where the derivatives are not exact, trajectories are short or unevenly sampled, or what x − ∫ẋ dt leaves is
    not noise: it changes slowly where the points are too far apart for the integral.
    """
    if not data.exact:
        return None
    states, left = data.coords.copy(), []
    for run in tracks(data, rows):
        steps = np.diff(data.t[run])
        if len(run) < FEWEST or np.ptp(steps) > 1e-6 * steps[0]:
            return None
        grown = integral(data.dcoords[run], float(steps[0]))
        states[run] = grown + (data.coords[run] - grown).mean(axis=0)
        left.append(data.coords[run] - states[run])
    return states[rows] if is_white(left) else None


def integral(rates: Array, step: float) -> Array:
    """Return ∫ of `rates` `(n, k)`, `step` apart, from the first one to each; the error is of order step⁴.

    Between two points the integral is that of the cubic through them and a neighbour on each side.
    """
    parts = np.empty((len(rates) - 1, rates.shape[1]))
    parts[1:-1] = -rates[:-3] + 13 * (rates[1:-2] + rates[2:-1]) - rates[3:]
    parts[0] = 9 * rates[0] + 19 * rates[1] - 5 * rates[2] + rates[3]
    parts[-1] = 9 * rates[-1] + 19 * rates[-2] - 5 * rates[-3] + rates[-4]
    return np.concatenate([np.zeros((1, rates.shape[1])), np.cumsum(parts, axis=0) * (step / 24)])


def is_white(left: list[Array]) -> bool:
    """Return whether `left`, `(n, k)` a run, is noise without memory: mean squared difference of neighbours over mean
    square, for each of the k. Source: von Neumann 1941."""
    square = sum(np.square(part).sum(axis=0) for part in left) / sum(len(part) for part in left)
    change = sum(np.square(np.diff(part, axis=0)).sum(axis=0) for part in left) / sum(len(part) - 1 for part in left)
    return bool((change > WHITE * square).all())
