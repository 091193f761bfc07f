"""Rows that a clock which stumbles has stamped with the time of a neighbour, or next to it.

A logger that is held up stamps a row when it goes on: two rows then have one time, or nearly one, and the next is two
steps later. Which of them is stamped wrongly their values say: the rows around lead to another one at that time.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.recordings.recording import Indices, Mask

SHORT = 0.5  # of the usual step: rows that are nearer may be stamped wrongly
AROUND = 2  # rows on each side that say what a value should be
FAR = 8.0  # times what rows usually differ by from what those around say
MOST = 20_000  # places where rows are near that are looked at, beside those of equal times
SAMPLE = 100_000  # rows that say what is usual


class Stumbles(NamedTuple):
    """Rows that are to be left out: those with the time of another row, and those that are only near to one."""

    doubled: Indices
    near: Indices


def find_stumbles(t: Array, q: Array, first: Mask) -> Stumbles:
    """Return which rows at times `t` `(N,)` are stamped wrongly, by their values `q` `(N,)`; a trial begins at each row
    that is `first`.

    Of rows with one time all are found but the one that fits best. A row that is next to another one is found where it
    does not fit at its time, and does halfway to the row behind, or before it.
    """
    steps, inside = np.diff(t), ~first[1:]
    rising = steps[inside & (steps > 0)]
    if not len(rising):
        return _none()
    usual = float(np.median(rising[rising >= SHORT * rising.mean()]))
    close = inside & (steps >= 0) & (steps < SHORT * usual)
    if not close.any():
        return _none()
    starts = np.concatenate([[0], np.flatnonzero(first[1:]) + 1, [len(t)]])
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        limit = FAR * _usual_misfit(t, q, ~(close | ~inside | (steps < 0)))
        doubled: list[int] = []
        near: list[int] = []
        for seen, (a, b) in enumerate(_groups(close)):
            if seen < MOST or (steps[a:b] == 0).any():
                at = int(np.searchsorted(starts, a, side="right"))
                found = _in_group(t, q, a, b, int(starts[at - 1]), int(starts[at]), limit)
                doubled += found[0]
                near += found[1]
    return Stumbles(np.array(sorted(doubled), dtype=np.int64), np.array(sorted(near), dtype=np.int64))


def _none() -> Stumbles:
    nothing = np.empty(0, dtype=np.int64)
    return Stumbles(nothing, nothing)


def _groups(close: Mask) -> Iterator[tuple[int, int]]:
    """Yield the first and the last row of each group of rows that are near to each other."""
    edges = np.flatnonzero(np.diff(close, prepend=False, append=False))
    yield from ((int(a), int(b)) for a, b in edges.reshape(-1, 2))


def _usual_misfit(t: Array, q: Array, ordinary: Mask) -> float:
    """Return by how much rows differ from what two on each side say, in the median; `ordinary` are the usual steps."""
    steps = ordinary[:SAMPLE]
    if len(steps) < 2 * AROUND:
        return 0.0
    rows = np.flatnonzero(steps[:-3] & steps[1:-2] & steps[2:-1] & steps[3:]) + AROUND
    if not len(rows):
        return 0.0
    around = rows[:, None] + np.array([-2, -1, 1, 2])
    return float(np.median(np.abs(q[rows] - _between(t[around], q[around], t[rows]))))


def _between(t: Array, q: Array, at: Array) -> Array:
    """Return at times `at` `(N,)` the values of the polynomials through `q` `(N, k)` at times `t` `(N, k)`."""
    value = np.zeros(len(at))
    for i in range(t.shape[1]):
        weight = np.ones(len(at))
        for j in range(t.shape[1]):
            if j != i:
                weight *= (at - t[:, j]) / (t[:, i] - t[:, j])
        value += weight * q[:, i]
    return value


def _in_group(t: Array, q: Array, a: int, b: int, start: int, stop: int, limit: float) -> tuple[list[int], list[int]]:
    """Return of the rows `a` to `b` those that are to be left out; their trial has the rows `start` to `stop` − 1."""
    around = np.array([*range(max(start, a - AROUND), a), *range(b + 1, min(stop, b + 1 + AROUND))], dtype=np.int64)
    group = np.arange(a, b + 1)
    if len(around) > 1 and (np.diff(t[around]) > 0).all():
        misfit = _misfit(t, q, around, group, t[group])
    else:
        misfit = np.arange(len(group), dtype=np.float64)  # nothing says more: the first row stays
    best = int(group[misfit.argmin()])
    kept = {best}
    doubled: list[int] = []
    near: list[int] = []
    for row in sorted(group.tolist(), key=lambda row: float(misfit[row - a])):
        if row == best:
            continue
        if t[row] in {t[other] for other in kept}:
            doubled.append(row)
        elif len(around) > 1 and misfit[row - a] > limit and _fits_halfway(t, q, around, best, row, misfit[row - a]):
            near.append(row)
        else:
            kept.add(row)
    return doubled, near


def _misfit(t: Array, q: Array, around: Indices, rows: Indices, at: Array) -> Array:
    """Return how far the values of `rows` are from what the rows `around` say of the times `at`."""
    shape = (len(rows), len(around))
    said = _between(np.broadcast_to(t[around], shape), np.broadcast_to(q[around], shape), at)
    return np.asarray(np.abs(q[rows] - said))


def _fits_halfway(t: Array, q: Array, around: Indices, best: int, row: int, misfit: float) -> bool:
    """Whether `row` fits where a usual step would have it, halfway from the row that stays to the next one outside."""
    outside = around[around > best] if row > best else around[around < best]
    if not len(outside):
        return False
    end = outside[0] if row > best else outside[-1]
    there = np.array([(t[best] + t[end]) / 2])
    return bool(_misfit(t, q, around, np.array([row]), there)[0] < misfit / 2)
