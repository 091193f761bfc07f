"""From a table and its roles to a recording: rows, trials and gaps, in SI units, and whether the numbers agree."""

import logging
import os
import re
from bisect import bisect_left, insort
from dataclasses import dataclass, replace
from importlib.resources import as_file, files
from importlib.resources.abc import Traversable
from pathlib import PurePath

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.errors import RecordingError
from hnn_engine.limits import MOST_TRIALS
from hnn_engine.progress import ProgressCallback
from hnn_engine.recordings.columns import Columns, Stated, known_layout
from hnn_engine.recordings.estimates import velocity
from hnn_engine.recordings.opening import open_table
from hnn_engine.recordings.places import Question
from hnn_engine.recordings.plausible import is_wrapped
from hnn_engine.recordings.positions import Arc, arc_about, fitted_arc, hangs_below
from hnn_engine.recordings.recording import Indices, Mask, Recording, find_gaps
from hnn_engine.recordings.regular import part, unheard
from hnn_engine.recordings.roles import Roles, find_roles
from hnn_engine.recordings.rows import shortened
from hnn_engine.recordings.stumbles import find_stumbles
from hnn_engine.recordings.table import FEWEST_ROWS, Numbers, Table
from hnn_engine.recordings.verdict import Checked, check_numbers

_log = logging.getLogger(__name__)
LOOKED, PARSED = 0.2, 0.9  # of reading: when the file is looked over, and when its numbers are read
LARGEST = 1e6  # rad, m, rad/s or m/s: beyond it a rollout counts as diverged
SIMULATED = "simulated recording"  # a comment that begins so marks a file that no instrument measured
REPEATS = 0.02  # of the rows may be stamped wrongly and are left out; more that share a time show that it was rounded
RESTARTS = 0.25  # of a trial's length: a time that falls to its first quarter begins a new trial

# The paper evaluates Schmidt & Lipson's real pendulum by this energy; the file is told by its layout, rows and times.
PAPER_ROWS, PAPER_FIRST, PAPER_LAST = 556, 5.0, 99.5
PAPER_TITLE = "Measured pendulum (Schmidt & Lipson 2009)"
PAPER_ENERGY = (2.4, 1.0)

_STATED_ENERGY = re.compile(r"^reference energy: a = (\S+), b = (\S+)$", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class Reading:
    """The rows of a table as (q, v) in SI units; `lines` are theirs in the file. `columns` may lack the velocity that
    was left out because cells of it are empty. `notes` and `questions` say what the numbers show; `arc` are the
    positions that an angle was taken from."""

    columns: Columns
    t: Array
    trial: Indices
    coords: Array
    gaps: Indices
    lines: Indices
    notes: tuple[str, ...] = ()
    questions: tuple[Question, ...] = ()
    arc: Arc | None = None


@dataclass(frozen=True, eq=False)
class _Track:
    """Rows as the file has them, in its own units; `first` is where a new trial begins whatever the time does."""

    t: Array
    q: Array
    v: Array | None
    first: Mask
    lines: Indices

    def taken(self, rows: Indices) -> "_Track":
        """Return some of the rows; a trial that begins at one that is left out begins at the next."""
        starts = np.cumsum(self.first)[rows]
        first = np.diff(starts, prepend=starts[:1]) > 0
        v = self.v[rows] if self.v is not None else None
        return _Track(self.t[rows], self.q[rows], v, first, self.lines[rows])


def read_recording(
    path: str | os.PathLike[str],
    columns: Columns | None = None,
    progress: ProgressCallback | None = None,
    stated: Stated | None = None,
) -> Recording:
    """Read a recording; without `columns` they are found out, after what is `stated`, and what is open is refused.

    Without a velocity column the velocity is the slope of the coordinate: Savitzky–Golay, else a smoothing spline where
    steps are uneven, else plain differences in runs that are too short for both. Raises `RecordingError`, with file,
    line and value, for what is no table of numbers, what is not finite, and time that does not rise within a trial;
    with the option that settles it for what a file leaves open; and what `progress`, which hears the share that is
    done, raises.
    """
    tell = progress or unheard
    said = stated or Stated()
    table = open_table(path, part(tell, 0.0, LOOKED), said.marks, said.table)
    roles = Roles(columns, stated=ALL) if columns is not None else find_roles(table, said)
    found = read_table(table, roles, part(tell, LOOKED, 1.0))
    return as_recording(table, roles, found)


ALL = frozenset(("time", "coordinate", "velocity", "axis"))


def read_table(table: Table, roles: Roles, tell: ProgressCallback = unheard) -> Reading:
    """Return the rows of `table` by its roles, with all notes and questions; raise `RecordingError`, also where too
    little is known to read it at all."""
    columns = roles.columns
    if columns is None or (columns.time is None and not columns.rate):
        raise RecordingError(f"{table.path}: {roles.questions[0].sentence}")
    columns.check(table)
    numbers = table.numbers(columns.used, part(tell, 0.0, 0.85))
    notes = [*table.notes, *roles.notes, *numbers.left_out]
    at = {column: i for i, column in enumerate(columns.used)}
    columns, notes = _without_empty_velocity(table, columns, numbers, at, notes)
    arc = _arc(table, columns, numbers.values, at)
    track, notes = _track(table, columns, numbers, at, arc, notes)
    t, trial, track, notes = _timed(table, columns, track, notes)
    q, questions, notes = _coordinate(table, columns, roles, track, trial, notes)
    gaps = find_gaps(t, trial)
    coords, v = _coords(table, columns, track, t, trial, gaps, q, part(tell, 0.85, 1.0))
    checked = Checked(columns, roles, t, trial, coords, v)
    found, more = check_numbers(table, checked, _beside(table, roles, columns))
    tell(1.0)
    left = (*roles.questions, *questions, *found)
    return Reading(columns, t, trial, coords, gaps, track.lines, (*notes, *more), left, arc)


def as_recording(table: Table, roles: Roles, found: Reading) -> Recording:
    """Return what was read as a recording; raise `RecordingError` where a question is open."""
    if found.questions:
        raise RecordingError(f"{table.path}: {found.questions[0].sentence}")
    _log.info("Recording opened: %s, %d rows", table.path, len(found.t))
    return _described(table, roles, found)


def shipped_recording() -> Traversable:
    """Return the package's simulated recording; open it through `importlib.resources.as_file`, for it may be zipped."""
    return files("resources") / "recordings" / "simulated_pendulum.csv"


def read_shipped_recording() -> Recording:
    """Read the simulated recording of the package."""
    with as_file(shipped_recording()) as path:
        return read_recording(path)


# Rows ---------------------------------------------------------------------------------------------------------------


def _without_empty_velocity(
    table: Table, columns: Columns, numbers: Numbers, at: dict[int, int], notes: list[str]
) -> tuple[Columns, list[str]]:
    """Return the columns without a velocity that is empty in some rows: its slope is then estimated in all of them."""
    if columns.velocity is None or columns.integral:
        return columns, notes
    count = 0
    for _, coordinate, rate in ((columns.time, columns.coordinate, columns.velocity), *columns.runs):
        if rate is not None:
            there = ~np.isnan(numbers.values[:, at[coordinate]])
            count += int(np.count_nonzero(np.isnan(numbers.values[there, at[rate]])))
    if not count:
        return columns, notes
    name = shortened(table.headings[columns.velocity].text)
    note = f"'{name}' is empty in {count} rows and left out: the velocity is the slope of the coordinate"
    runs = tuple((time, coordinate, None) for time, coordinate, _ in columns.runs)
    return replace(columns, velocity=None, runs=runs), [*notes, note]


def _track(
    table: Table, columns: Columns, numbers: Numbers, at: dict[int, int], arc: Arc | None, notes: list[str]
) -> tuple[_Track, list[str]]:
    """Return the rows that hold a time and a coordinate, runs beside each other one after the other."""
    first = np.zeros(len(numbers.values), dtype=bool)
    notes = _mark_parts(numbers, first, notes)
    if columns.trial is not None:
        named = numbers.values[:, at[columns.trial]]
        first[1:] |= np.diff(named) != 0
    tracks: list[_Track] = []
    for time, coordinate, rate in ((columns.time, columns.coordinate, columns.velocity), *columns.runs):
        t = np.arange(len(first), dtype=np.float64) if time is None else numbers.values[:, at[time]]
        own = _Track(t, numbers.values[:, at[coordinate]], None, first, numbers.lines)
        if rate is not None and not (columns.integral and rate == coordinate):
            own = replace(own, v=numbers.values[:, at[rate]])
        if arc is not None:
            own = replace(own, q=arc.angles)
        present = ~np.isnan(own.t) & ~np.isnan(own.q)
        used = np.flatnonzero(present).astype(np.int64)
        if not len(used):
            continue
        missing = int(used[-1] - used[0] + 1 - len(used))
        edges = 0 if columns.runs else len(first) - int(used[-1] - used[0] + 1)
        if missing + edges:
            notes = [*notes, f"{missing + edges} row{'s' if missing + edges > 1 else ''} without a value left out"]
        own = own.taken(used)
        own.first[0] = bool(tracks)
        tracks.append(own)
    if columns.runs:
        notes = [*notes, f"{len(columns.runs) + 1} runs stand side by side: each is a trial"]
    count = sum(len(track.t) for track in tracks)
    table.check_count(count)
    if len(tracks) == 1:
        return tracks[0], notes
    v = None if tracks[0].v is None else np.concatenate([one.v for one in tracks if one.v is not None])
    joined = _Track(
        np.concatenate([one.t for one in tracks]),
        np.concatenate([one.q for one in tracks]),
        v,
        np.concatenate([one.first for one in tracks]),
        np.concatenate([one.lines for one in tracks]),
    )
    return joined, notes


def _mark_parts(numbers: Numbers, first: Mask, notes: list[str]) -> list[str]:
    """Mark the rows after blank lines and headings as first of a trial, where the parts between are long enough."""
    for rows, what in ((numbers.headed, "the heading is repeated"), (numbers.blank, "blank lines part the rows")):
        parts = np.diff(np.concatenate([[0], rows, [len(first)]]))
        if len(rows) and parts.min() >= FEWEST_ROWS:
            first[rows] = True
            notes = [*notes, f"{what}: {len(parts)} trials begin there"]
    return notes


def _timed(table: Table, columns: Columns, track: _Track, notes: list[str]) -> tuple[Array, Indices, _Track, list[str]]:
    """Return times in s, trials numbered from 0, and the rows; raise `RecordingError` where time does not rise."""
    t = track.t * columns.time_factor
    first, restarts = _restarts(t, track.first)
    if restarts:
        notes = [*notes, f"the time restarts {restarts} time{'s' if restarts > 1 else ''}: a trial begins there"]
    left, said = _stumbled(t, track.q, first)
    if len(left):
        kept = np.ones(len(t), dtype=bool)
        kept[left] = False
        track = replace(track, first=first).taken(np.flatnonzero(kept).astype(np.int64))
        t, first = t[kept], track.first
    trial = np.cumsum(first).astype(np.int64)
    trial -= trial[0]
    _check_time(table, columns, track, t, trial)
    return t, trial, track, [*notes, *said]


def _stumbled(t: Array, q: Array, first: Mask) -> tuple[Indices, list[str]]:
    """Return the rows that are left out because they are stamped wrongly, and what is said of them."""
    found, most, said = find_stumbles(t, q, first), REPEATS * len(t), []
    left = [found.doubled] if len(found.doubled) <= most else []
    if len(found.near) <= most:
        left.append(found.near)
    else:
        said.append(
            f"{len(found.near)} rows follow another one at once, and their values do not fit their times: they were "
            "probably stamped late, and a stated rate takes rows as evenly spaced"
        )
    rows = np.unique(np.concatenate([np.empty(0, dtype=np.int64), *left]))
    if len(rows):
        count = f"{len(rows)} row{'s' if len(rows) > 1 else ''}"
        said.append(f"{count} with the time of a neighbour, or next to it, left out: the clock stumbled there")
    return rows, said


def _restarts(t: Array, first: Mask) -> tuple[Mask, int]:
    """Return where trials begin, those too where the time falls back to near the beginning of a trial."""
    first = first.copy()
    back = np.flatnonzero((np.diff(t) < 0) & ~first[1:]) + 1
    if len(back) > MOST_TRIALS:
        return first, 0
    starts = [0, *(int(row) for row in np.flatnonzero(first))]
    count = 0
    for row in back:
        start = starts[bisect_left(starts, int(row)) - 1]
        length = t[row - 1] - t[start]
        if row - start >= FEWEST_ROWS and t[row] <= t[start] + RESTARTS * length:
            first[row] = True
            insort(starts, int(row))
            count += 1
    return first, count


def _check_time(table: Table, columns: Columns, track: _Track, t: Array, trial: Indices) -> None:
    """Raise `RecordingError` where time does not rise within a trial, or no trial is long enough."""
    if trial[-1] >= MOST_TRIALS:
        found = f"{table.path} has more than {MOST_TRIALS:,} trials up to line {track.lines[-1]}"
        raise RecordingError(f"{found}; expected a column that changes with each trial: choose another one, or none")
    bad = np.flatnonzero((np.diff(t) <= 0) & (np.diff(trial) == 0))
    time = columns.time if columns.time is not None else columns.coordinate
    if bad.size:
        row = int(bad[0]) + 1
        before = f"{table.cell(int(track.lines[row - 1]), time)} in line {track.lines[row - 1]}"
        again = t[row] == t[row - 1]
        what = f"repeats {before}" if again else f"runs backward from {before}"
        advice = "correct the line, or say which column counts the trials if a new one begins here"
        if again and bad.size > REPEATS * len(t):
            what, advice = f"{what}: the times were rounded", "export them with more digits, or say --rate HZ"
        raise table.fault(int(track.lines[row]), time, what, "time that rises within a trial", advice)
    if np.bincount(trial).max() < FEWEST_ROWS:
        what = f"begins one of {trial[-1] + 1} trials, none of which has {FEWEST_ROWS} rows"
        raise table.fault(int(track.lines[0]), time if columns.trial is None else columns.trial, what, "longer trials")


# The coordinate -------------------------------------------------------------------------------------------------------


def _arc(table: Table, columns: Columns, values: Array, at: dict[int, int]) -> Arc | None:
    """Return the positions about the pivot that an angle is taken from, None where it is not; raise `RecordingError`
    where they lie on no circle about one, or are not in one unit."""
    if columns.y is None:
        return None
    places = (columns.coordinate, columns.y, *(columns.pivot or ()))
    scaled = [values[:, at[c]] * size for c, size in zip(places, _sizes(table, places), strict=True)]
    x, y = scaled[:2]
    if columns.pivot is not None:
        return arc_about(x - scaled[2], y - scaled[3], columns.downward)
    found = fitted_arc(x, y, columns.downward)
    if found is None:
        said = f"{table.path}: the positions lie on no circle about a pivot"
        expected = "those of a bob on an arc that is not too short"
        raise RecordingError(f"{said}; expected {expected}: say pivot-x=N,pivot-y=N, or choose one coordinate")
    return found


def _sizes(table: Table, places: tuple[int, ...]) -> list[float]:
    """Return what the numbers of these columns are multiplied with, so that all are in one unit; raise
    `RecordingError` where that cannot be. A column that states no unit is in that of the others."""
    units = {c: unit for c in places if (unit := table.headings[c].unit) is not None}
    if len({unit.name for unit in units.values()}) < 2:
        return [1.0] * len(places)
    if len(units) == len(places) and {unit.quantity for unit in units.values()} == {"length"}:
        return [units[c].factor for c in places]
    named = ", ".join(f"'{shortened(table.headings[c].text, 25)}'" for c in places)
    said = f"{table.path}: the positions {named} are not in one unit"
    raise RecordingError(f"{said}; expected lengths, or pixels all of them: choose other columns")


def _coordinate(
    table: Table, columns: Columns, roles: Roles, track: _Track, trial: Indices, notes: list[str]
) -> tuple[Array, list[Question], list[str]]:
    """Return q in SI units, angles unwrapped within each trial."""
    questions: list[Question] = []
    q = track.q * (columns.velocity_factor if columns.integral else columns.coordinate_factor)
    if columns.y is not None:
        notes = [
            *notes,
            "the angle is that of the position about " + ("its pivot" if columns.pivot else "a fitted pivot"),
        ]
        if not hangs_below(np.sin(q), -np.cos(q), False) and "axis" not in roles.stated:
            towards = "down" if columns.downward else "up"
            text = f"with y pointing {towards} the bob would swing above its pivot"
            questions.append(Question("axis", text, "--columns y-axis=down, or y-axis=up"))
    _check_size(table, columns.coordinate, track.lines, q)
    if columns.kind == "angle" and not columns.integral and is_wrapped(q):
        q = _unwrapped(q, trial)
    return q, questions, notes


def _coords(
    table: Table,
    columns: Columns,
    track: _Track,
    t: Array,
    trial: Indices,
    gaps: Indices,
    q: Array,
    tell: ProgressCallback,
) -> tuple[Array, Array | None]:
    """Return (q, v) `(N, 2)` in SI units, and the velocity that the file gives."""
    if columns.integral:
        rate, q = q, _integral(t, q, trial, columns.centred)
        _check_size(table, columns.coordinate, track.lines, q)
        return np.stack([q, rate], axis=-1), None
    if track.v is None:
        v = velocity(t, q, trial, gaps, tell)
        _check_size(table, columns.coordinate, track.lines, v, "changes too fast")
        return np.stack([q, v], axis=-1), None
    v = track.v * columns.velocity_factor
    _check_size(table, columns.velocity or 0, track.lines, v)
    return np.stack([q, v], axis=-1), v


def _integral(t: Array, v: Array, trial: Indices, centred: bool) -> Array:
    """Return the integral of v from each trial's first row on, by trapezoids; less its middle where it is `centred`."""
    areas = (v[1:] + v[:-1]) / 2 * np.diff(t) * (np.diff(trial) == 0)
    whole = np.concatenate([[0.0], np.cumsum(areas)])
    starts = np.flatnonzero(np.diff(trial, prepend=-1))
    if not centred:
        return np.asarray(whole - whole[starts][trial])
    parts = zip(np.split(t, starts[1:]), np.split(whole, starts[1:]), np.split(v, starts[1:]), strict=True)
    return np.concatenate([q - _middle(times, q, rates) for times, q, rates in parts])


def _middle(t: Array, q: Array, v: Array) -> float:
    """Return the mean over time of q over whole swings, from its first lowest point to its last and from its first
    highest one to its last: damping makes one of the two too high and the other too low. Without a whole swing it is
    midway between the extremes."""
    means = []
    for turn in ((v[:-1] < 0) & (v[1:] >= 0), (v[:-1] > 0) & (v[1:] <= 0)):
        at = np.flatnonzero(turn)
        if len(at) > 1:
            swings = slice(int(at[0]), int(at[-1]) + 1)
            means.append(np.trapezoid(q[swings], t[swings]) / (t[swings][-1] - t[swings][0]))
    return float(np.mean(means)) if means else float((q.min() + q.max()) / 2)


def _check_size(table: Table, column: int, lines: Indices, x: Array, what: str = "is too large") -> None:
    large = np.flatnonzero(~(np.abs(x) < LARGEST))
    if large.size:
        expected = f"less than {LARGEST:g} in rad or m and s"
        raise table.fault(int(lines[large[0]]), column, what, expected, "check the units, or correct the line")


def _unwrapped(q: Array, trial: Indices) -> Array:
    """Take out the jumps of whole turns between successive rows of a trial."""
    turns = np.round(np.diff(q) / (2 * np.pi))
    turns[np.diff(trial) != 0] = 0.0
    total = np.concatenate([[0.0], np.cumsum(turns)])
    starts = np.flatnonzero(np.diff(trial, prepend=-1))
    return np.asarray(q - 2 * np.pi * (total - total[starts][trial]))


def _beside(table: Table, roles: Roles, columns: Columns) -> Array | None:
    """Return the positions that stand beside an angle, `(rows, 3)`: the angle in rad, x and y; None without any."""
    if not roles.spare or columns.runs or "coordinate" in roles.stated:
        return None
    try:
        values = table.numbers(list(roles.spare[0])).values
    except RecordingError:
        return None
    whole = values[np.isfinite(values).all(axis=1)]
    return whole * np.array([columns.coordinate_factor, 1.0, 1.0]) if len(whole) >= FEWEST_ROWS else None


# What it is called ----------------------------------------------------------------------------------------------------


def _described(table: Table, roles: Roles, found: Reading) -> Recording:
    """Return the recording with what its header and layout say of it."""
    recording = Recording(
        title=PurePath(table.path).stem.replace("_", " ").strip().capitalize() or "Recording",
        source=table.path,
        kind=found.columns.kind,
        t=found.t,
        trial=found.trial,
        coords=found.coords,
        gaps=found.gaps,
        simulated=any(comment.lower().startswith(SIMULATED) for comment in table.comments),
        known=roles.known or known_layout(table) == found.columns,
        velocity_estimated=found.columns.velocity is None,
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
