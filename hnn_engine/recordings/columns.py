"""What the columns of a recording are: which is read as what and in which units, and what the user says of it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from hnn_engine.errors import ParameterError, RecordingError, choice
from hnn_engine.recordings.cells import Marks
from hnn_engine.recordings.recording import Kind
from hnn_engine.recordings.table import Table
from hnn_engine.recordings.units import Unit, parse_unit, units_of

KINDS: tuple[Kind, ...] = ("angle", "length", "number")


def _factors(quantity: str) -> Mapping[str, float]:
    found = {name: parse_unit(name) for name in units_of(quantity)}
    return MappingProxyType({name: unit.factor for name, unit in found.items() if unit is not None})


def _size(name: str) -> float:
    """Return the size of a unit in SI."""
    unit = parse_unit(name)
    return unit.factor if unit is not None else math.nan


ANGLE_UNITS = _factors("angle")
LENGTH_UNITS = _factors("length")
TIME_UNITS = _factors("time")
VELOCITY_UNITS = MappingProxyType({**_factors("angular velocity"), **_factors("velocity"), "1/s": 1.0})


@dataclass(frozen=True)
class Columns:
    """What each column is, counted from 0.

    Without a `time` rows are `rate` a second; with both, the column counts frames at that rate. With `y` the coordinate
    is the angle of the position (`coordinate`, `y`) about the `pivot`, two columns or a fitted one, with y `downward`
    in pictures. With `integral` it is that of the velocity, from 0 at each trial's start, or with 0 at the mean of its
    swings where it is `centred`. `angle_unit` counts where `kind` is 'angle', `length_unit`
    where it is 'length'; without a `velocity_unit` velocities are in the coordinate's unit per unit of time. `runs` are
    further runs beside the first one, each its time, coordinate and velocity.
    """

    time: int | None
    coordinate: int
    velocity: int | None = None
    trial: int | None = None
    kind: Kind = "angle"
    angle_unit: str = "rad"
    length_unit: str = "m"
    time_unit: str = "s"
    velocity_unit: str = ""
    rate: float = 0.0
    y: int | None = None
    pivot: tuple[int, int] | None = None
    downward: bool = False
    integral: bool = False
    centred: bool = False
    runs: tuple[tuple[int | None, int, int | None], ...] = ()

    @property
    def used(self) -> list[int]:
        """The columns that are read, each once, in the order of time, coordinate, velocity and trial."""
        own = (self.time, self.coordinate, self.velocity, self.trial, self.y, *(self.pivot or ()))
        others = (column for run in self.runs for column in run)
        return list(dict.fromkeys(column for column in (*own, *others) if column is not None))

    @property
    def coordinate_factor(self) -> float:
        """Radians or metres in one unit of the coordinate; 1 for a plain number."""
        if self.y is not None or self.kind == "number":
            return 1.0
        return _size(self.angle_unit if self.kind == "angle" else self.length_unit)

    @property
    def time_factor(self) -> float:
        """Seconds in one unit of time, or from one frame to the next."""
        return 1 / self.rate if self.rate else _size(self.time_unit)

    @property
    def velocity_factor(self) -> float:
        """Radians, metres or ones per second in one unit of the velocity."""
        if self.velocity_unit:
            return _size(self.velocity_unit)
        return self.coordinate_factor / (1.0 if self.rate else self.time_factor)

    def check(self, table: Table) -> None:
        """Raise `RecordingError` where a column is not in `table` or used twice, or a kind or unit is unknown."""
        if self.kind not in KINDS:
            raise RecordingError(f"'{self.kind}' is no kind of a coordinate; expected one of {', '.join(KINDS)}")
        for name, quantities in self._units():
            unit = parse_unit(name)
            if unit is None or unit.quantity not in quantities:
                known = ", ".join(known for quantity in quantities for known in units_of(quantity)[:4])
                raise RecordingError(f"'{name}' is no unit of {quantities[0]}; expected one such as {known}")
        for column in self.used:
            if not 0 <= column < table.width:
                found = f"{table.where}: there is no column {column + 1}"
                raise RecordingError(f"{found}; expected 1 to {table.width}: choose one of these")
        roles = [self.time, self.coordinate, None if self.integral else self.velocity, self.trial, self.y]
        given = [column for column in (*roles, *(self.pivot or ())) if column is not None]
        if len(set(given)) < len(given):
            counted = ", ".join(str(column + 1) for column in given)
            found = f"{table.path}: the columns {counted} are not all different"
            raise RecordingError(f"{found}; expected one role a column: choose another one")

    def _units(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Return the units, each with what quantities it may be of."""
        rate = ((self.velocity_unit, _QUANTITIES["velocity-unit"]),) if self.velocity_unit else ()
        return (
            (self.angle_unit, ("angle",)),
            (self.length_unit, ("length",)),
            (self.time_unit, ("time",)),
            *rate,
        )


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
        return tuple(heading.text for heading in table.headings)
    return ("trial", "time (s)", "angle (rad)" if known.kind == "angle" else "position", "velocity")


# What the user says ---------------------------------------------------------------------------------------------------

PLACES = ("time", "coordinate", "velocity", "trial", "x", "y", "pivot-x", "pivot-y")
_OPTIONAL = ("time", "velocity", "trial")  # that may be 'none'
INTEGRAL = "integral"
_QUANTITIES = {
    "time-unit": ("time",),
    "angle-unit": ("angle",),
    "length-unit": ("length",),
    "velocity-unit": ("angular velocity", "velocity", "frequency"),
}
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "kind": KINDS,
    "decimal": ("point", "comma"),
    "y-axis": ("up", "down"),
    "zero": ("start", "mean"),
}
WORDS = ("kind", *_QUANTITIES, "decimal", "y-axis", "zero")
MOST_RATE = 1e6


@dataclass(frozen=True)
class Stated:
    """What the user says of a table; all else is found out. `columns` are counted from 0, None for none at all; `table`
    is the name of the one that is meant where a file holds several."""

    columns: Mapping[str, int | None] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    rate: float | None = None
    table: str = ""

    @property
    def integral(self) -> bool:
        """Whether the coordinate is the integral of the velocity."""
        return self.words.get("coordinate") == INTEGRAL

    @property
    def centred(self) -> bool:
        """Whether an integral is 0 at the mean of its swings."""
        return self.words.get("zero") == "mean"

    @property
    def marks(self) -> Marks | None:
        """How numbers are written, where that is said."""
        return {"point": Marks(".", ","), "comma": Marks(",", "."), None: None}[self.words.get("decimal")]

    def unit(self, name: str) -> Unit | None:
        """Return the unit that `name`, as 'time-unit', is said to be."""
        return parse_unit(self.words[name]) if name in self.words else None


def parse_stated(text: str, rate: str | None = None) -> Stated:
    """Read 'time=1,coordinate=2,kind=angle,angle-unit=deg', columns counted from 1, and a rate.

    Raises `ParameterError` for what is none of these.
    """
    columns: dict[str, int | None] = {}
    words: dict[str, str] = {}
    for part in filter(None, text.split(",")) if text else ():
        name, _, value = (piece.strip() for piece in part.partition("="))
        if name in PLACES and value.isdecimal() and value.isascii() and int(value) > 0:
            columns[name] = int(value) - 1
        elif name in _OPTIONAL and value == "none":
            columns[name] = None
        elif name == "coordinate" and value == INTEGRAL:
            words[name] = value
        elif name in WORDS and value:
            words[name] = _checked(name, value)
        else:
            known = f"{', '.join(PLACES)} with a column counted from 1, or {', '.join(WORDS)} with a word"
            raise ParameterError(f"--columns has '{part}', but each part must be one of {known}")
    if ("x" in columns) != ("y" in columns) or ("pivot-x" in columns) != ("pivot-y" in columns):
        raise ParameterError(f"--columns is '{text}', but an angle from positions needs both: add x=N,y=N")
    if "pivot-x" in columns and "x" not in columns:
        raise ParameterError(f"--columns is '{text}', but a pivot is that of a position: add x=N,y=N")
    if "zero" in words and "coordinate" not in words:
        raise ParameterError(f"--columns is '{text}', but zero is that of an integral: add coordinate=integral")
    return Stated(columns, words, None if rate is None else parse_rate(rate))


def parse_rate(text: str) -> float:
    """Return rows per second; raise `ParameterError`."""
    try:
        rate = float(text)
    except ValueError:
        rate = math.nan
    if not 1 / MOST_RATE < rate < MOST_RATE:
        raise ParameterError(f"--rate is '{text}', but it must be how many rows per second has, as in 30")
    return rate


def stated_unit(word: str, text: str) -> str | None:
    """Return the name of the unit that `text` writes; None where `word`, as 'time-unit', is not such a unit."""
    unit = parse_unit(text)
    return unit.name if unit is not None and unit.quantity in _QUANTITIES[word] else None


def units_for(word: str) -> str:
    """Return some units that `word`, as 'time-unit', may be, in a line."""
    return ", ".join(name for quantity in _QUANTITIES[word] for name in units_of(quantity)[:4])


def _checked(name: str, value: str) -> str:
    """Return a kind or the name of a unit; raise `ParameterError` where it is none."""
    if name in _CHOICES:
        if value not in _CHOICES[name]:
            raise ParameterError(f"--columns has {name}={value}: {choice(value, _CHOICES[name], '')}")
        return value
    unit = stated_unit(name, value)
    if unit is None:
        raise ParameterError(
            f"--columns has {name}={value}, but it must be a unit of {name[:-5]}, as {units_for(name)}"
        )
    return unit
