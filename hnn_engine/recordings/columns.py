"""What each column of a recording is: the user's word, or a guess from names and numbers."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.errors import RecordingError
from hnn_engine.recordings.recording import Kind
from hnn_engine.recordings.rows import is_number
from hnn_engine.recordings.table import LARGEST_NUMBER, Table

KINDS: tuple[Kind, ...] = ("angle", "length")
ANGLE_UNITS: Mapping[str, float] = {"rad": 1.0, "deg": math.pi / 180}
LENGTH_UNITS: Mapping[str, float] = {"m": 1.0, "cm": 0.01, "mm": 0.001}
TIME_UNITS: Mapping[str, float] = {"s": 1.0, "ms": 0.001, "min": 60.0}


@dataclass(frozen=True)
class Columns:
    """What each column is, counted from 0. Velocities are in the coordinate's unit per unit of time.

    `angle_unit` counts where `kind` is 'angle', `length_unit` where it is 'length'.
    """

    time: int
    coordinate: int
    velocity: int | None = None
    trial: int | None = None
    kind: Kind = "angle"
    angle_unit: str = "rad"
    length_unit: str = "m"
    time_unit: str = "s"

    @property
    def used(self) -> list[int]:
        """The columns that are read: time, coordinate, and velocity and trial where there are any."""
        return [c for c in (self.time, self.coordinate, self.velocity, self.trial) if c is not None]

    @property
    def coordinate_factor(self) -> float:
        """Radians or metres in one unit of the coordinate."""
        return ANGLE_UNITS[self.angle_unit] if self.kind == "angle" else LENGTH_UNITS[self.length_unit]

    @property
    def time_factor(self) -> float:
        """Seconds in one unit of time."""
        return TIME_UNITS[self.time_unit]

    def check(self, table: Table) -> None:
        """Raise `RecordingError` where a column is not in `table` or used twice, or a kind or unit is unknown."""
        choices = ((self.kind, KINDS), (self.angle_unit, ANGLE_UNITS), (self.length_unit, LENGTH_UNITS))
        for value, allowed in (*choices, (self.time_unit, TIME_UNITS)):
            if value not in allowed:
                raise RecordingError(f"'{value}' is no kind or unit of a column; expected one of {', '.join(allowed)}")
        for column in self.used:
            if not 0 <= column < table.width:
                found = f"{table.path}, line {table.first_line}: there is no column {column + 1}"
                raise RecordingError(f"{found}; expected 1 to {table.width}: choose one of these")
        if len(set(self.used)) < len(self.used):
            counted = ", ".join(str(column + 1) for column in self.used)
            found = f"{table.path}: the columns {counted} are not all different"
            raise RecordingError(f"{found}; expected one role a column: choose another one")


# Schmidt & Lipson's files name their two quantities in a comment; trial and time stand before them unnamed.
_KNOWN_LAYOUTS: Mapping[tuple[str, ...], Columns] = {
    ("o", "v"): Columns(time=1, coordinate=2, velocity=3, trial=0, kind="angle"),
    # The file states no unit of length; its range of ±102 suits millimetres on an air track.
    ("x", "v"): Columns(time=1, coordinate=2, velocity=3, trial=0, kind="length", length_unit="mm"),
}


def known_layout(table: Table) -> Columns | None:
    """Return the columns of a Schmidt–Lipson file (header `%o v` or `% x v`, four columns), or None for any other."""
    if table.width != 4 or not table.comments:
        return None
    return _KNOWN_LAYOUTS.get(tuple(table.comments[-1].split()))


def column_names(table: Table) -> tuple[str, ...]:
    """Return the names to show: the header's, those of a known layout, or 'column 1' …"""
    known = known_layout(table)
    if known is None:
        return table.names
    return ("trial", "time (s)", "angle (rad)" if known.kind == "angle" else "position", "velocity")


_TIME = re.compile(r"^(t|time|times|timestamp|zeit|temps|sec|seconds)$")
_TRIAL = re.compile(r"^(trial|run|trajectory|experiment|series|take)$")
_ANGLE = re.compile(r"^(q|o|angle|theta|θ|phi|φ|alpha|α|winkel)$")
_LENGTH = re.compile(r"^(x|y|z|s|position|pos|displacement|distance|length|elongation|weg)$")
_VELOCITY = re.compile(r"^(v|vx|vy|vel|velocity|speed|p|omega|ω|w|thetadot|xdot|qdot|geschwindigkeit|rate)$")


def guess_columns(table: Table) -> Columns:
    """Return what each column most likely is, by the known layouts, then by names, then by the numbers themselves.

    Raises `RecordingError` where fewer than two columns hold numbers.
    """
    known = known_layout(table)
    if known is not None:
        return known
    values = _sample(table)
    if len(values) < 2:
        found = f"{table.path}, line {table.first_line}: fewer than two columns hold numbers"
        raise RecordingError(f"{found}; expected at least a time and a coordinate: export both")
    words = {column: _word(table.names[column]) if table.named else "" for column in values}
    trial, time = _guess_clock(values, words)
    rest = [column for column in values if column not in (trial, time)]
    if not rest:
        trial, rest = None, [column for column in values if column != time]
    coordinate = _guess_coordinate(rest, words)
    velocity = _guess_velocity(values, words, rest, time, coordinate)
    return _with_units(table, Columns(time, coordinate, velocity, trial), values[coordinate], words[coordinate])


def _sample(table: Table) -> dict[int, Array]:
    """Return the head of every column most of whose cells are numbers, without the rows where one of them is not.

    A single wrong cell must not make a column look like text: reading then names its line.
    """
    cells = [table.cells(row) for row in range(len(table.head.rows))]
    head = np.array([[float(cell) if is_number(cell) else np.nan for cell in row] for row in cells])
    head[~(np.abs(head) < LARGEST_NUMBER)] = np.nan
    numeric = np.flatnonzero(np.isfinite(head).mean(axis=0) > 0.5)
    whole = np.isfinite(head[:, numeric]).all(axis=1)
    kept = head[whole] if np.count_nonzero(whole) > 1 else np.nan_to_num(head)
    return {int(column): kept[:, column] for column in numeric}


def _word(name: str) -> str:
    """Return the first word of a name, lower case: 'angle' of 'Angle (rad)', 'time' of 'time_ms'."""
    found = re.match(r"[^\W\d_]+", name.strip())
    return found.group().lower() if found else ""


def _guess_clock(values: Mapping[int, Array], words: Mapping[int, str]) -> tuple[int | None, int]:
    """Return the columns of trial and time: by name, else a nearly constant column and the first one that rises."""
    trial = next((c for c, word in words.items() if _TRIAL.match(word)), None)
    time = next((c for c, word in words.items() if _TIME.match(word)), None)
    if trial is None and len(values) > 2:
        trial = next((c for c, x in values.items() if c != time and not words[c] and _counts_trials(x)), None)
    if time is None:
        rising = (
            c for c, x in values.items() if c != trial and _rises(x, values[trial] if trial is not None else None)
        )
        time = next(rising, next(c for c in values if c != trial))
    return trial, time


def _counts_trials(x: Array) -> bool:
    steps = np.diff(x)
    return bool((x == np.floor(x)).all() and (steps >= 0).all() and np.count_nonzero(steps) <= len(x) // 4)


def _rises(x: Array, trial: Array | None) -> bool:
    same = np.ones(len(x) - 1, dtype=bool) if trial is None else np.diff(trial) == 0
    return bool((np.diff(x)[same] > 0).all())


def _guess_coordinate(rest: list[int], words: Mapping[int, str]) -> int:
    for pattern in (_ANGLE, _LENGTH):
        named = [c for c in rest if pattern.match(words[c])]
        if named:
            return named[0]
    return next((c for c in rest if not _VELOCITY.match(words[c])), rest[0])


def _guess_velocity(
    values: Mapping[int, Array], words: Mapping[int, str], rest: list[int], time: int, coordinate: int
) -> int | None:
    """Return the column named as a velocity, or the nameless one that goes with the coordinate's slope."""
    others = [c for c in rest if c != coordinate]
    named = next((c for c in others if _VELOCITY.match(words[c])), None)
    if named is not None:
        return named
    likeness = ((c, _slope_likeness(values[time], values[coordinate], values[c])) for c in others if not words[c])
    return next((c for c, like in likeness if like > 0.8), None)


def _slope_likeness(t: Array, x: Array, v: Array) -> float:
    """Return the cosine between the slope of x and v, both at the middles of the steps where time rises."""
    rises = np.diff(t) > 0
    with np.errstate(over="ignore", invalid="ignore"):
        slope, middle = np.diff(x)[rises] / np.diff(t)[rises], (v[1:] + v[:-1])[rises]
        norm = float(np.linalg.norm(slope) * np.linalg.norm(middle))
        return float(slope @ middle) / norm if 0 < norm < np.inf else 0.0


def _with_units(table: Table, guess: Columns, coordinate: Array, word: str) -> Columns:
    """Complete a guess with the units that the names state; without a name, up to π is an angle in radians."""
    length = _stated(table, guess.coordinate, LENGTH_UNITS)
    angle = _stated(table, guess.coordinate, {"rad": 1, "deg": 1, "°": 1, "degrees": 1})
    named_length = bool(_LENGTH.match(word)) or (length is not None and not _ANGLE.match(word))
    nameless = not word and float(np.abs(coordinate).max()) > math.pi
    kind: Kind = "length" if angle is None and (named_length or nameless) else "angle"
    return Columns(
        guess.time,
        guess.coordinate,
        guess.velocity,
        guess.trial,
        kind,
        "rad" if angle in (None, "rad") else "deg",
        length or "m",
        _stated(table, guess.time, TIME_UNITS) or "s",
    )


def _stated(table: Table, column: int, units: Mapping[str, object]) -> str | None:
    """Return the unit that follows the first word of a column's name: 'ms' of 'time [ms]' and of 'time_ms'."""
    words = re.split(r"[\s_()\[\]/,]+", table.names[column].strip().lower())
    return next((word for word in words[1:] if word in units), None) if table.named else None
