"""Whether numbers agree with the units that are stated or taken: a velocity with the slope, angles with a turn."""

import math
from typing import NamedTuple

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.recordings.recording import Indices

WITHIN = 2.0  # a velocity that is more times the slope, or less, is in another unit
ALIKE = 0.8  # cosine between a velocity and the slope of the coordinate it belongs to
MOST = 100_000  # rows that are compared
TURN = 2 * math.pi
LONGEST_STEP, SHORTEST_STEP = 1.0, 1e-6  # s: another time step shows that a time without a unit is not in seconds
_FACTORS = (
    (180 / math.pi, "57.3, as between degrees and radians"),
    (1000.0, "1000, as between milliseconds and seconds or mm and m"),
    (100.0, "100, as between cm and m"),
    (60.0, "60, as between minutes and seconds"),
    (TURN, "2π, as between turns and radians"),
    (1e6, "10⁶, as between microseconds and seconds"),
    (57.29577951308232 * 1000, "57300, as of degrees and milliseconds"),
    (1.0, "−1: its sign is reversed"),
)


class Slope(NamedTuple):
    """How a velocity goes with the slope of the coordinate: the cosine between them, and how many times it is as large;
    both 0 where nothing moves."""

    likeness: float
    ratio: float


def compare_slope(t: Array, q: Array, v: Array, trial: Indices) -> Slope:
    """Hold a velocity against the coordinate: ∫v dt over a number of steps against the change of q over these.

    Of 1, 2, 4, … steps those are taken over which both are most alike, so that neither noise nor long steps count.
    """
    start = max(0, (len(t) - MOST) // 2)
    part = slice(start, start + MOST)
    t, q, v, trial = t[part], q[part], v[part], trial[part]
    with np.errstate(over="ignore", invalid="ignore"):
        steps = np.diff(t) * (np.diff(trial) == 0)
        whole = np.concatenate([[0.0], np.cumsum((v[1:] + v[:-1]) / 2 * steps)])
        best = Slope(0.0, 0.0)
        stride = 1
        while stride <= max(1, len(t) // 4):
            same = trial[stride:] == trial[:-stride]
            rise, area = (q[stride:] - q[:-stride])[same], (whole[stride:] - whole[:-stride])[same]
            norms = float(np.linalg.norm(rise) * np.linalg.norm(area))
            if 0 < norms < math.inf:
                cosine = float(rise @ area) / norms
                if abs(cosine) > abs(best.likeness):
                    best = Slope(cosine, float(rise @ area) / float(rise @ rise))
            stride *= 2
    return best


def probable_factor(ratio: float) -> str:
    """Return in words what a ratio probably is: '57.3, as between degrees and radians', else the number itself."""
    for factor, words in _FACTORS:
        for value in (factor, 1 / factor):
            if abs(abs(ratio) / value - 1) < 0.15 and (factor > 1 or ratio < 0):
                return words if value == factor else f"1/{words}"
    return f"{ratio:.3g}"


def jumps_like(q: Array, trial: Indices, turn: float) -> bool:
    """Whether `q` jumps by whole turns, as an angle that is kept within one does."""
    steps = np.abs(np.diff(q)[np.diff(trial) == 0])
    large = steps[steps > turn / 2]
    usual = float(np.median(steps)) if len(steps) else 0.0
    return bool(len(large) and (np.abs(large - turn) < 0.25 * turn).all() and usual < turn / 4)


def is_wrapped(q: Array) -> bool:
    """Whether an angle in rad is kept within one turn, so that its jumps by whole turns are none of the motion's."""
    return bool(np.ptp(q) <= TURN * 1.02) if len(q) else False


def counts_rows(x: Array) -> bool:
    """Whether numbers count rows: whole ones, each one more than the one before."""
    finite = x[np.isfinite(x)]
    return len(finite) > 3 and bool((finite == np.floor(finite)).all() and (np.diff(finite) == 1).all())


def is_rising(x: Array, share: float = 0.9) -> bool:
    """Whether at least this share of the steps rise; what restarts now and then does."""
    finite = x[np.isfinite(x)]
    steps = np.diff(finite)
    return len(steps) > 2 and float((steps > 0).mean()) >= share


def is_constant(x: Array) -> bool:
    """Whether numbers do not change."""
    finite = x[np.isfinite(x)]
    return len(finite) == 0 or float(np.ptp(finite)) == 0.0
