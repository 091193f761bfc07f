"""From a file to a recording: what the window shows before the import, and the import itself."""

import logging
import os
import re
from dataclasses import dataclass, replace
from importlib.resources import as_file, files
from importlib.resources.abc import Traversable
from pathlib import PurePath

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.errors import RecordingError
from hnn_engine.progress import ProgressCallback
from hnn_engine.recordings.columns import Columns, column_names, guess_columns, known_layout
from hnn_engine.recordings.estimates import velocity
from hnn_engine.recordings.recording import Indices, Recording, find_gaps
from hnn_engine.recordings.rows import shortened
from hnn_engine.recordings.table import FEWEST_ROWS, Numbers, Table, read_table
from hnn_engine.recordings.text import part, unheard

_log = logging.getLogger(__name__)
PREVIEW_ROWS = 12
LOOKED, PARSED = 0.2, 0.9  # of reading: when the file is looked over, and when its numbers are read
LARGEST = 1e6  # rad, m, rad/s or m/s: beyond it a rollout counts as diverged
SIMULATED = "simulated recording"  # a comment that begins so marks a file that no instrument measured

# The paper evaluates Schmidt & Lipson's real pendulum by this energy; the file is told by its layout, rows and times.
PAPER_ROWS, PAPER_FIRST, PAPER_LAST = 556, 5.0, 99.5
PAPER_TITLE = "Measured pendulum (Schmidt & Lipson 2009)"
PAPER_ENERGY = (2.4, 1.0)

_STATED_ENERGY = re.compile(r"^reference energy: a = (\S+), b = (\S+)$", re.IGNORECASE)


@dataclass(frozen=True)
class FilePreview:
    """What a file holds: `columns` by name, the first `rows` as text, the `count` of rows, and a `guess` of the roles.

    `known` says that the layout is known by itself and the guess therefore no guess.
    """

    path: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    count: int
    guess: Columns
    known: bool


def preview(path: str | os.PathLike[str], progress: ProgressCallback | None = None) -> FilePreview:
    """Look into a text or CSV file: at its first rows, and how many there are.

    `progress` hears the share that is done, and what it raises ends the work. Raises `RecordingError` where it is no
    table of numbers.
    """
    tell = progress or unheard
    table = read_table(path, part(tell, 0.0, LOOKED))
    head = tuple(tuple(table.cells(row)) for row in range(min(PREVIEW_ROWS, len(table.head.rows))))
    guess, known = guess_columns(table), known_layout(table) is not None
    return FilePreview(table.path, column_names(table), head, table.count(part(tell, LOOKED, 1.0)), guess, known)


def read_recording(
    path: str | os.PathLike[str], columns: Columns | None = None, progress: ProgressCallback | None = None
) -> Recording:
    """Read a recording; without `columns` they are guessed as `preview` guesses them.

    Without a velocity column the velocity is the slope of the coordinate: Savitzky–Golay, else a smoothing spline where
    steps are uneven, else plain differences in runs that are too short for both. Raises `RecordingError`, with file,
    line and value, for what is no table of numbers, what is not finite, and time that does not rise within a trial; and
    what `progress`, which hears the share that is done, raises.
    """
    tell = progress or unheard
    table = read_table(path, part(tell, 0.0, LOOKED))
    columns = columns or guess_columns(table)
    columns.check(table)
    numbers = table.numbers(columns.used, columns.trial, part(tell, LOOKED, PARSED))
    values = dict(zip(columns.used, numbers.values.T, strict=True))
    t = np.ascontiguousarray(values[columns.time]) * columns.time_factor
    trial = _trials(None if columns.trial is None else values[columns.trial], len(t))
    _check_time(numbers, columns, values[columns.time], t, trial)
    gaps = find_gaps(t, trial)
    coords = _coords(numbers, columns, values, t, trial, gaps, part(tell, PARSED, 1.0))
    tell(1.0)
    _log.info("Recording opened: %s, %d rows", table.path, len(t))
    return _described(table, columns, t, trial, coords, gaps)


def shipped_recording() -> Traversable:
    """Return the package's simulated recording; open it through `importlib.resources.as_file`, for it may be zipped."""
    return files("resources") / "recordings" / "simulated_pendulum.csv"


def read_shipped_recording() -> Recording:
    """Read the simulated recording of the package."""
    with as_file(shipped_recording()) as path:
        return read_recording(path)


def _trials(column: Array | None, count: int) -> Indices:
    """Number the trials from 0: a new one begins wherever the column changes."""
    trial = np.zeros(count, dtype=np.int64)
    if column is not None:
        trial[1:] = np.cumsum(np.diff(column) != 0)
    return trial


def _check_time(numbers: Numbers, columns: Columns, stated: Array, t: Array, trial: Indices) -> None:
    """Raise `RecordingError` where time does not rise within a trial, or no trial is long enough."""
    bad = np.flatnonzero((np.diff(t) <= 0) & (np.diff(trial) == 0))
    if bad.size:
        row = int(bad[0]) + 1
        before = f"{stated[row - 1]:.10g} in line {numbers.lines[row - 1]}"
        what = f"repeats {before}" if t[row] == t[row - 1] else f"runs backward from {before}"
        advice = "correct the line, or say which column counts the trials if a new one begins here"
        raise numbers.fault(row, columns.time, what, "time that rises within a trial", advice)
    if np.bincount(trial).max() < FEWEST_ROWS:
        what = f"begins one of {trial[-1] + 1} trials, none of which has {FEWEST_ROWS} rows"
        raise numbers.fault(0, columns.time if columns.trial is None else columns.trial, what, "longer trials")


def _coords(
    numbers: Numbers,
    columns: Columns,
    values: dict[int, Array],
    t: Array,
    trial: Indices,
    gaps: Indices,
    tell: ProgressCallback,
) -> Array:
    """Return (q, v) `(N, 2)` in SI units, angles unwrapped within each trial."""
    q = values[columns.coordinate] * columns.coordinate_factor
    _check_size(numbers, columns.coordinate, q)
    if columns.kind == "angle":
        q = _unwrapped(q, trial)
    if columns.velocity is None:
        v = velocity(t, q, trial, gaps, tell)
        _check_size(numbers, columns.coordinate, v, "changes too fast")
    else:
        v = values[columns.velocity] * columns.coordinate_factor / columns.time_factor
        _check_size(numbers, columns.velocity, v)
    return np.stack([q, v], axis=-1)


def _check_size(numbers: Numbers, column: int, x: Array, what: str = "is too large") -> None:
    large = np.flatnonzero(~(np.abs(x) < LARGEST))
    if large.size:
        expected = f"less than {LARGEST:g} in rad or m and s"
        raise numbers.fault(int(large[0]), column, what, expected, "check the units, or correct the line")


def _unwrapped(q: Array, trial: Indices) -> Array:
    """Take out the jumps of whole turns between successive rows of a trial."""
    turns = np.round(np.diff(q) / (2 * np.pi))
    turns[np.diff(trial) != 0] = 0.0
    total = np.concatenate([[0.0], np.cumsum(turns)])
    starts = np.flatnonzero(np.diff(trial, prepend=-1))
    return np.asarray(q - 2 * np.pi * (total - total[starts][trial]))


def _described(table: Table, columns: Columns, t: Array, trial: Indices, coords: Array, gaps: Indices) -> Recording:
    """Return the recording with what its header and layout say of it."""
    recording = Recording(
        title=PurePath(table.path).stem.replace("_", " ").strip().capitalize() or "Recording",
        source=table.path,
        kind=columns.kind,
        t=t,
        trial=trial,
        coords=coords,
        gaps=gaps,
        simulated=any(comment.lower().startswith(SIMULATED) for comment in table.comments),
        known=known_layout(table) == columns,
        velocity_estimated=columns.velocity is None,
    )
    return _with_stated_energy(recording, table.comments)


def _with_stated_energy(recording: Recording, comments: tuple[str, ...]) -> Recording:
    """Add the paper's energy to its own file, or the energy that a comment states."""
    if is_paper_pendulum(recording):
        return replace(recording, title=PAPER_TITLE).with_reference(*PAPER_ENERGY)
    found = next((m for m in map(_STATED_ENERGY.match, comments) if m), None)
    if found is None:
        return recording
    try:
        a, b = float(found[1]), float(found[2])
    except ValueError:
        where = f"{recording.source}: the comment '{shortened(found[0], 80)}' states no energy"
        raise RecordingError(
            f"{where}; expected two numbers as in 'a = 9.81, b = 0.5': correct it or leave it out"
        ) from None
    return recording.with_reference(a, b)


def is_paper_pendulum(recording: Recording) -> bool:
    """Whether this is the file of the paper's real pendulum: the known layout, an angle, 556 rows from 5 to 99.5 s."""
    ends = (len(recording.t), float(recording.t[0]), float(recording.t[-1]))
    return recording.known and recording.kind == "angle" and ends == (PAPER_ROWS, PAPER_FIRST, PAPER_LAST)
