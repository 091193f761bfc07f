"""What a model is trained on: the rows of a recording that have a derivative, and which of them train."""

from typing import NamedTuple

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.errors import ParameterError, RecordingError
from hnn_engine.recordings.estimates import WINDOW, derivatives, get_derivative
from hnn_engine.recordings.recording import Indices, Mask, Recording

PAPER_TRAINS = 0.8  # the share that the paper's code calls test_split, though it is the part that trains


class RecordedRows(NamedTuple):
    """Rows with a derivative: `coords`, `dcoords` `(M, 2)`, `t` `(M,)` s, `trajectory` `(M,)` from 0, `train` `(M,)`.

    `row` `(M,)` is each one's index in the recording; states and times of `midpoint` are those midway to the next one.
    """

    coords: Array
    dcoords: Array
    t: Array
    trajectory: Indices
    train: Mask
    row: Indices


def recording_dataset(
    recording: Recording, method: str, *, test_fraction: float = 0.2, window: int = int(WINDOW.default)
) -> RecordedRows:
    """Return the rows of `recording` with derivatives by `method` of `DERIVATIVES`, split into training and test.

    One trial is split by time: the first rows train. Of several trials the last ones test, at least one and not all.
    `paper` splits one trial as the paper's code does, whatever `test_fraction`. Raises `ParameterError` for a fraction
    outside (0, 1), `UnknownNameError`, and `RecordingError` where nothing is left to train on or to test with.
    """
    if not 0 < test_fraction < 1:
        raise ParameterError(f"test-fraction is {test_fraction:g}, but it must be above 0 and below 1")
    dcoords, valid = derivatives(recording, method, window)
    row = np.flatnonzero(valid).astype(np.int64)
    trajectory = recording.trial[row]
    if recording.trials > 1:
        train = _by_trial(trajectory, test_fraction)
    else:
        train = _as_the_paper(len(row)) if method == "paper" else _by_time(len(row), test_fraction)
    if not 0 < np.count_nonzero(train) < len(train):
        found = f"{recording.source}: {len(row)} rows with a derivative do not make a training and a test part"
        raise RecordingError(f"{found}; expected more rows: take a smaller window or another method")
    coords, t = recording.coords[row], recording.t[row]
    if get_derivative(method).midway:
        coords, t = (coords + recording.coords[row + 1]) / 2, (t + recording.t[row + 1]) / 2
    return RecordedRows(coords, dcoords[row], t, trajectory, train, row)


def _by_time(count: int, test_fraction: float) -> Mask:
    return np.arange(count) < round((1 - test_fraction) * count)


def _by_trial(trajectory: Indices, test_fraction: float) -> Mask:
    """Let the last trials test, counting those alone that have rows."""
    present = np.unique(trajectory)
    tests = max(1, round(test_fraction * len(present)))
    first = present[max(len(present) - tests, min(1, len(present) - 1))]
    return np.asarray(trajectory < first)


def _as_the_paper(count: int) -> Mask:
    """Test ⌊0.2 n⌋ rows from row ⌊0.8 n⌋ on; what rounding leaves at the end trains.

    In floating point 1 − 0.8 is a little under 0.2, so of 555 rows 110 test (444 to 553) and 445 train, the very last
    among them. Source: the paper's code, data set of the real pendulum.
    """
    first, tests = int(count * PAPER_TRAINS), int(count * (1 - PAPER_TRAINS))
    row = np.arange(count)
    return (row < first) | (row >= first + tests)
