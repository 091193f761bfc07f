"""When the frames of a film were taken: by its own time stamps, which are even, or even with gaps, or neither.

A time stamp is used as it is, unless all of them are those of a steady clock but for their rounding: then the clock is
what the file means. What decides is how far stamps are from a straight line, which sums up what steps are off, and
never a single step: a rate that falls from 30 to 24 frames per second has steps that are nearly alike.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hnn_engine.coords import Array
from hnn_engine.errors import RecordingError

Index = npt.NDArray[np.int64]

SLACK_S, SLACK = 5e-4, 0.02  # s, and part of a step, by which stamps of a steady clock may be off: the smaller
ROUNDED = (0.01, 0.001)  # s: what stamps are often rounded to before they are written in finer units
GAP = 1.55  # times what is usual around it that a step has where frames are missing
AROUND = 8  # steps to either side that are around one
USUAL = 75  # percentile of the steps around that is usual: where every third step is long, long ones are
MOST_STRAY = 0.1  # part of the frames whose stamps may be no later than one before
LONGEST = 4  # times as long as its usual steps together that a film may be
SAME_RATE = 1.1  # times that a tagged rate may differ from the stored one and mean the same
LOW_LIGHT = 1.5  # times as fast as it is stored that a tag may say it is: cameras slow down in low light
SLOWED = 3.0  # times as fast that cameras do not slow down by: it is played slowly


class Timing(NamedTuple):
    """Frame i is at `step` · `clock[i]` s; `clock` `(N,)` begins at 0, and is None for 0, 1, 2 …

    `step` is the usual step in s, so that 1 is the usual step of `clock`.
    """

    step: float
    clock: Array | None


def rising(path: str, stamps: Array) -> Index:
    """Return which of the `stamps` `(N,)` are later than all before them.

    Raises `RecordingError` where those are not most.
    """
    latest = np.maximum.accumulate(stamps)
    kept = np.concatenate([[True], stamps[1:] > latest[:-1]])
    if len(stamps) < 2 or (~kept).mean() > MOST_STRAY or not np.isfinite(stamps).all():
        raise RecordingError(f"{path}: its frames have no times that rise; expected a video: export it again")
    return np.flatnonzero(kept).astype(np.int64)


def timing(path: str, stamps: Array, tick: float) -> Timing:
    """Return the timing that rising `stamps` `(N,)` in s, which count in units of `tick` s, stand for.

    Raises `RecordingError` where they are so far apart that they cannot be of one film.
    """
    steps = np.diff(stamps)
    usual = float(np.median(steps))
    if stamps[-1] - stamps[0] > LONGEST * usual * len(stamps):
        uneven = f"{path}: its frames are {steps.min():.3g} to {steps.max():.3g} s apart"
        raise RecordingError(f"{uneven}; expected a film of one piece: cut it, or export it again")
    tick = max(tick, _rounded_to(stamps, steps, tick))
    fine = min(SLACK_S, SLACK * usual)
    slack = 1.01 * max(tick, fine)
    count = np.arange(len(stamps), dtype=np.float64)
    step, off = _line(count, stamps)
    if off <= slack and np.ptp(steps) <= max(1.01 * tick, 2 * slack if tick < fine else 0.0):
        return Timing(step, None)
    step = usual
    for _ in range(3):
        clock = np.concatenate([[0.0], np.cumsum(np.maximum(1.0, np.rint(steps / step)))])
        step, off = _line(clock, stamps)
    if off <= slack:
        return Timing(step, clock)
    return Timing(usual, (stamps - stamps[0]) / usual)


def _line(at: Array, stamps: Array) -> tuple[float, float]:
    """Return the slope of the straight line through `stamps` at the places `at`, and how far the farthest is off."""
    place, time = at - at.mean(), stamps - stamps.mean()
    slope = float(place @ time / (place @ place))
    return slope, float(np.abs(time - slope * place).max())


def _rounded_to(stamps: Array, steps: Array, tick: float) -> float:
    """Return what `stamps` in units of `tick` were rounded to before: 0 where nothing shows it.

    It shows where all are multiples of it and steps are two successive ones, as 30 and 40 ms are.
    """
    for unit in ROUNDED:
        whole = np.rint((stamps - stamps[0]) / unit)
        near = np.abs((stamps - stamps[0]) / unit - whole).max() <= tick / unit + 1e-3
        if near and tick < unit and np.ptp(np.rint(steps / unit)) == 1:
            return unit
    return 0.0


def film_gaps(times: Array) -> Index:
    """Return the frames before which others are missing, by the `times` `(N,)` of all, in any unit.

    There a step is longer than `GAP` times what is usual around it; a rate that falls is no gap, however far.
    """
    steps = np.diff(times)
    if len(steps) < 2:
        return np.empty(0, dtype=np.int64)
    side = min(AROUND, len(steps) - 1)
    around = np.lib.stride_tricks.sliding_window_view(np.pad(steps, side, mode="reflect"), 2 * side + 1)
    usual = np.percentile(around, USUAL, axis=1)
    return (np.flatnonzero(steps > GAP * usual) + 1).astype(np.int64)


def missing_frames(times: Array, gaps: Index) -> Index:
    """Return how many frames are missing before each of `gaps`, as far as the steps around tell."""
    steps = np.diff(times)
    found = []
    for gap in gaps:
        near = steps[max(0, gap - 1 - AROUND) : gap + AROUND]
        found.append(max(1, round(float(steps[gap - 1] / np.median(near))) - 1))
    return np.array(found, dtype=np.int64)


class Pace(NamedTuple):
    """The usual step in s, None where it has to be asked for; a remark and a question, empty where there is none; and
    the rates in frames per second that may answer the question."""

    step: float | None
    remark: str = ""
    question: str = ""
    answers: tuple[float, ...] = ()


def tagged_pace(step: float, tagged: float | None) -> Pace:
    """Return the pace of a film whose frames are stored `step` s apart and that a tag says has `tagged` frames per s.

    Cameras write such a tag with slow motion, whose stamps are those of the slow film, but some also with stamps that
    are true, and then low light makes the camera slower than the tag.
    """
    if tagged is None:
        return Pace(step)
    stored, times = 1 / step, tagged * step
    tag, stamps = f"{_rate(tagged)} frames per second", f"{_rate(stored)}"
    if 1 / SAME_RATE < times < SAME_RATE:
        return Pace(step, f"A tag says {tag}, and so do the time stamps, which are used")
    if times >= SLOWED:
        return Pace(1 / tagged, f"Slow motion: taken at {tag}, as a tag says, and stored at {stamps}; times are true")
    if times <= 1 / SLOWED:
        return Pace(1 / tagged, f"Time lapse: taken at {tag}, as a tag says, and stored at {stamps}; times are true")
    if 1 / LOW_LIGHT < times < LOW_LIGHT:
        return Pace(step, f"A tag says {tag}, the time stamps say {stamps}; the time stamps are used")
    said = f"A tag says {tag}, the time stamps say {stamps}"
    return Pace(None, "", f"{said}: state which of them is the camera's", (tagged, stored))


def _rate(value: float) -> str:
    return f"{value:.4g}"
