"""Rows in the order in which they were measured: trajectories, and clean states where the derivatives give them.

Where the derivatives are exact, noise is on the states alone: along a trajectory x(t) = c + ∫ẋ dt, and its mean over
all points is all that noise leaves uncertain of c. So n points have the noise of one divided by √n.
"""

import numpy as np

from hnn_engine.coords import Array, Index
from hnn_engine.datasets import Dataset

GAP = 1.5  # steps of the usual length that two rows may be apart and still follow each other
WHITE = 1.4  # von Neumann's ratio is 2 for noise without memory, and near 0 for what changes slowly
FEWEST = 6  # points of a trajectory whose states are drawn together


def segments(data: Dataset, rows: Index) -> list[Index]:
    """Return the indices `rows` `(n,)` as runs `(m,)` of rows that follow each other on one trajectory, without gaps,
    in order of time. A gap is over `GAP` times the median step."""
    order = rows[np.lexsort((data.t[rows], data.trajectory[rows]))]
    step = np.diff(data.t[order])
    same = np.diff(data.trajectory[order]) == 0
    usual = float(np.median(step[same])) if same.any() else 0.0
    ends = np.flatnonzero(~same | (step > GAP * usual) | (step <= 0)) + 1
    return np.split(order, ends)


def drawn_together(data: Dataset, rows: Index) -> Array | None:
    """Return the states of `rows` `(n,)`, as `(n, 2*dof)`, freed from most of their noise by exact derivatives; or
    None.

    Along a trajectory they are ∫ẋ dt and the mean of x − ∫ẋ dt. Runs with rows that were drawn or moved stay as they
    are. None where the derivatives are not exact, trajectories are short or unevenly sampled, or what x − ∫ẋ dt leaves
    is not noise: it changes slowly where the points are too far apart for the integral.
    """
    if not data.exact:
        return None
    states, left = data.coords.copy(), []
    for block in of_one_length([run for run in segments(data, rows) if not _edited(data, run)]):
        steps = np.diff(data.t[block], axis=1)
        if block.shape[1] < FEWEST or (np.ptp(steps, axis=1) > 1e-6 * steps[:, 0]).any():
            return None
        measured = data.coords[block]
        grown = integral(data.dcoords[block], steps[:, :1, None])
        states[block] = grown + (measured - grown).mean(axis=1, keepdims=True)
        left.append(measured - states[block])
    return states[rows] if left and is_white(left) else None


def _edited(data: Dataset, run: Index) -> bool:
    return data.edited is not None and bool(data.edited[run].any())


def of_one_length(runs: list[Index]) -> list[Index]:
    """Return `runs` of indices as blocks `(B, n)` of as many as have the same length."""
    lengths = sorted({len(run) for run in runs})
    return [np.array([run for run in runs if len(run) == length]) for length in lengths]


def integral(rates: Array, step: float | Array) -> Array:
    """Return ∫ of `rates` `(…, n, k)`, `step` in s apart, from the first one to each, `(…, n, k)`; the error is of
    order step⁴.

    Between two points the integral is that of the cubic through them and a neighbour on each side: inside h/24 (−r₀ +
    13 r₁ + 13 r₂ − r₃), at the ends h/24 (9 r₀ + 19 r₁ − 5 r₂ + r₃). At least four points.
    """
    r = np.moveaxis(rates, -2, 0)
    parts = np.empty((len(r) - 1, *r.shape[1:]))
    parts[1:-1] = -r[:-3] + 13 * (r[1:-2] + r[2:-1]) - r[3:]
    parts[0] = 9 * r[0] + 19 * r[1] - 5 * r[2] + r[3]
    parts[-1] = 9 * r[-1] + 19 * r[-2] - 5 * r[-3] + r[-4]
    grown = np.concatenate([np.zeros((1, *r.shape[1:])), np.cumsum(parts, axis=0)])
    return np.moveaxis(grown, 0, -2) * (step / 24)


def is_white(left: list[Array]) -> bool:
    """Return whether `left`, blocks `(B, n, k)` of runs, is noise without memory: mean squared difference of neighbours
    over mean square, for each of the k. Source: von Neumann 1941."""
    square = sum(np.square(part).sum(axis=(0, 1)) for part in left) / sum(part[..., 0].size for part in left)
    steps = [np.diff(part, axis=1) for part in left]
    change = sum(np.square(part).sum(axis=(0, 1)) for part in steps) / sum(part[..., 0].size for part in steps)
    return bool((change > WHITE * square).all())
