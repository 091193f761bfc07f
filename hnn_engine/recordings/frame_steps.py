"""Which frames of a film follow each other at one step, where their own times are uneven.

A model of frames moves by one step from a frame to the next. Of frames at even times that is the step from each to its
neighbour; of others it is a step at which many of them have another one, by their times and never by their numbers.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hnn_engine.coords import Array

Index = npt.NDArray[np.int64]

EVEN = 1e-6  # part of a step by which even ones may differ
STEADY = 0.1  # part of the step by which two frames may be nearer or farther apart
LONGEST = 4  # usual steps that are tried
ENOUGH = 0.4  # part of the frames that shall have two others behind them, each a step later


class FrameSteps(NamedTuple):
    """One step is `seconds`; frame `after[i]` was taken that much after frame i, and −1 where none was."""

    seconds: float
    after: Index


def frame_steps(t: Array, trial: Index) -> FrameSteps:
    """Return the step of frames at times `t` `(N,)` in s, which rise within each `trial` `(N,)` of two rows at least,
    and which frame of its trial follows each by it."""
    inside = np.diff(trial) == 0
    steps = np.diff(t)[inside]
    if np.abs(steps - steps[0]).max() <= EVEN * abs(steps[0]):
        after = np.append(np.where(inside, np.arange(1, len(t)), -1), -1)
        return FrameSteps(float(steps[0]), after.astype(np.int64))
    usual = float(np.median(steps))
    apart = np.concatenate([[0.0], np.cumsum(np.where(inside, np.diff(t), 2 * LONGEST * usual))])  # trials do not mix
    found = [_followed(apart, times * usual) for times in range(1, LONGEST + 1)]
    shares = [_pairs(one.after).mean() for one in found]
    enough = next((i for i, share in enumerate(shares) if share >= ENOUGH), None)
    return found[int(np.argmax(shares)) if enough is None else enough]


def _followed(t: Array, step: float) -> FrameSteps:
    """Return the frames that lie nearest to one `step` after each, none of them after two."""
    wanted = t + step
    right = np.clip(np.searchsorted(t, wanted), 1, len(t) - 1)
    nearest = np.where(wanted - t[right - 1] < t[right] - wanted, right - 1, right)
    off = np.abs(t[nearest] - wanted)
    order = np.argsort(-off, kind="stable")  # the nearest is the last to be written
    before = np.full(len(t), -1, dtype=np.int64)
    before[nearest[order]] = order
    own = before[nearest] == np.arange(len(t))
    after = np.where(own & (off <= STEADY * step) & (nearest > np.arange(len(t))), nearest, -1).astype(np.int64)
    linked = np.flatnonzero(after >= 0)
    seconds = float((t[after[linked]] - t[linked]).mean()) if len(linked) else step
    return FrameSteps(seconds, after)


def _pairs(after: Index) -> npt.NDArray[np.bool_]:
    """Return which frames have two behind them, each a step later."""
    known: npt.NDArray[np.bool_] = (after >= 0) & (after[np.maximum(after, 0)] >= 0)
    return known


def chains(after: Index) -> Index:
    """Return all frames in an order in which each stands right before the one that follows it by a step."""
    begins = np.setdiff1d(np.arange(len(after)), after)
    order, place = np.empty(len(after), dtype=np.int64), 0
    for frame in begins.tolist():
        while frame >= 0:
            order[place] = frame
            frame, place = int(after[frame]), place + 1
    return order
