"""What is read of which column in which unit: a heading's unit, a format's convention, or the SI where the numbers
agree with it. What is open becomes a question.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from hnn_engine.errors import listing, shortened
from hnn_engine.recordings.columns import Columns, Stated, known_layout
from hnn_engine.recordings.headings import Heading
from hnn_engine.recordings.layout import CLOCK, PICTURES
from hnn_engine.recordings.places import PlaceFinder, Question
from hnn_engine.recordings.recording import Kind
from hnn_engine.recordings.table import Table


@dataclass(frozen=True)
class Roles:
    """What each column is taken as. `columns` is None where too little is known.

    Units of what is in `assumed` are those of the SI because none is stated, and must agree with the numbers; those in
    `stated` are the user's word.
    """

    columns: Columns | None
    assumed: frozenset[str] = frozenset()
    stated: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()
    questions: tuple[Question, ...] = ()
    known: bool = False
    time: int | None = None  # the column of the time, where it is known though a coordinate is not
    spare: tuple[tuple[int, int, int], ...] = field(default=())  # an angle with x and y, to be held against each other


def find_roles(table: Table, stated: Stated) -> Roles:
    """Return what the columns of `table` are, the user's word first."""
    known = known_layout(table)
    said = stated.columns or stated.words or stated.rate is not None
    if known is not None and not said and not table.undecided:
        return Roles(known, known=True)
    return _Finder(table, stated).roles()


class _Finder(PlaceFinder):
    """Finds the roles, and then their units."""

    def roles(self) -> Roles:
        """Return all roles, or the questions that are left."""
        if self.table.undecided:
            held = listing((f"'{shortened(one, 30)}'" for one in self.table.choices), most=3)
            text = f"the file holds {len(self.table.choices)} tables, {held}, and nothing says which one is meant"
            self._ask("table", text, "--table NAME", "choose one")
        if self.table.doubtful:
            text = f"'{shortened(self.table.doubtful, 20)}' can be read in two ways: '.' and ',' may part thousands"
            self._ask("decimal", text, "--columns decimal=comma, or decimal=point")
        self._find_runs()
        self._find_time()
        self._find_trial()
        self._find_coordinate()
        self._find_velocity()
        columns = self._columns()
        return Roles(
            columns,
            frozenset(self.assumed),
            frozenset(self.settled),
            tuple(self.notes),
            tuple(self.questions),
            spare=self._spare(columns),
            time=self.time,
        )

    def _columns(self) -> Columns | None:
        """Return the columns with their units, asking for those that are not known; None without a coordinate."""
        if self.stated.integral:
            return self._integrated()
        if self.coordinate is None:
            return None
        found = Columns(self.time, self.coordinate, self.velocity, self.trial, rate=self.stated.rate or 0.0)
        found = self._with_time(found)
        if "x" in self.stated.columns:
            return self._positioned(found)
        found = self._with_velocity(self._with_coordinate(found))
        return replace(found, runs=self._further(found))

    def _further(self, found: Columns) -> tuple[tuple[int | None, int, int | None], ...]:
        runs = []
        for same in self.runs:
            if found.coordinate not in same:
                continue
            time = found.time if found.time is None else same.get(found.time, found.time)
            velocity = None if found.velocity is None else same.get(found.velocity)
            runs.append((time, same[found.coordinate], velocity))
        return tuple(runs) if all((v is None) == (found.velocity is None) for _, _, v in runs) else ()

    def _with_time(self, found: Columns) -> Columns:
        """Return the columns with the unit of time."""
        if found.time is None or found.rate:
            return found
        stated = self.stated.unit("time-unit")
        if stated is not None:
            self.settled.add("time")
            return replace(found, time_unit=stated.name)
        if found.time < len(self.table.kinds) and self.table.kinds[found.time] == CLOCK:
            return found
        heading = self._heading(found.time)
        if heading.unit is not None and heading.unit.quantity == "time":
            return replace(found, time_unit=heading.unit.name)
        if heading.stated:
            self._unknown_unit("time", heading, "--columns time-unit=s, ms, us or min")
        self.assumed.add("time")
        return found

    def _heading(self, column: int) -> Heading:
        return self.headings[column] if 0 <= column < len(self.headings) else Heading("", "")

    def _unknown_unit(self, role: str, heading: Heading, option: str) -> None:
        text = f"the unit '{shortened(heading.stated, 20)}' of '{shortened(heading.text, 40)}' is not known here"
        self._ask(role, text, option)

    def _with_coordinate(self, found: Columns) -> Columns:
        """Return the columns with the kind and the unit of the coordinate."""
        heading, kind = self._heading(found.coordinate), self._kind_stated()
        angle, length = self.stated.unit("angle-unit"), self.stated.unit("length-unit")
        kind = kind or ("angle" if angle else "length" if length else "")
        if angle and kind == "angle":
            self.settled.add("coordinate")
            return replace(found, kind="angle", angle_unit=angle.name)
        if length and kind == "length":
            self.settled.add("coordinate")
            return replace(found, kind="length", length_unit=length.name)
        if kind == "number":
            self.settled.add("coordinate")
            return replace(found, kind="number")
        if (
            heading.unit is not None
            and heading.unit.quantity in ("angle", "length")
            and kind in ("", heading.unit.quantity)
        ):
            name = heading.unit.name
            if heading.unit.quantity == "angle":
                return replace(found, kind="angle", angle_unit=name)
            return replace(found, kind="length", length_unit=name)
        if heading.stated and not kind:
            return self._strange(found, heading)
        return self._without_unit(found, heading, kind)

    def _strange(self, found: Columns, heading: Heading) -> Columns:
        """Ask for the unit of a coordinate that states one which is none of an angle or a length, or is not known."""
        options = "--columns angle-unit=deg, length-unit=mm or kind=number"
        if heading.unit is None:
            self._unknown_unit("coordinate", heading, options)
        elif heading.unit.quantity == "pixels":
            text = f"'{shortened(heading.text, 40)}' is in pixels, whose size is not known"
            option = "--columns kind=number to take them as they are, length-unit=…, or x=N,y=N for an angle"
            self._ask("coordinate", text, option, "choose the angle of positions x and y, or plain numbers")
        else:
            text = f"'{shortened(heading.text, 40)}' is of {heading.unit.quantity}, no angle and no length"
            self._ask("coordinate", text, options)
        return replace(found, kind="number")

    def _without_unit(self, found: Columns, heading: Heading, stated: str) -> Columns:
        """Return the columns where no unit is stated: a format's convention, or the SI where the numbers agree."""
        kind: Kind = "number"
        rate = self._heading(found.velocity).unit if found.velocity is not None else None
        if stated or heading.quantity in ("angle", "alpha"):
            kind = "angle" if stated in ("angle", "") else "length"
        elif rate is not None and rate.quantity == "angular velocity":
            kind = "angle"
        elif rate is not None and rate.quantity == "velocity":
            kind = "length"
        program, degrees = self.table.program, self.table.degrees
        if program == "OpenSim" and degrees is not None and not re.search(r"_t[xyz](/|$)", heading.text):
            self.notes.append(f"angles are in {'degrees' if degrees else 'radians'}, as the file says by inDegrees")
            return replace(found, kind="angle", angle_unit="deg" if degrees else "rad")
        if program == "Tracker" and kind == "angle":
            self.notes.append("Tracker's angles are in degrees")
            self.assumed.add("tracker")
            return replace(found, kind="angle", angle_unit="deg")
        if program == "Tracker" and heading.quantity == "length":
            self.notes.append("Tracker's lengths are in metres")
            return replace(found, kind="length")
        self.assumed.add("coordinate")
        return replace(found, kind=kind)

    def _with_velocity(self, found: Columns) -> Columns:
        """Return the columns with the unit of the velocity."""
        if found.velocity is None:
            return found
        heading = self._heading(found.velocity)
        stated = self.stated.unit("velocity-unit")
        if stated is not None:
            self.settled.add("velocity")
            return replace(found, velocity_unit=stated.name)
        unit = heading.unit
        if unit is not None and unit.quantity in ("angular velocity", "velocity"):
            return replace(found, velocity_unit=unit.name)
        if unit is not None and unit.quantity == "frequency":
            return replace(found, velocity_unit="1/s")
        if heading.stated and unit is None:
            self._unknown_unit("velocity", heading, "--columns velocity-unit=rad/s, deg/s or m/s, or velocity=none")
        if self.table.program == "OpenSim" and found.kind == "angle":
            return replace(found, velocity_unit=f"{found.angle_unit}/s")
        if self.table.program == "Tracker":
            return replace(found, velocity_unit="deg/s" if found.kind == "angle" else "m/s")
        self.assumed.add("velocity")
        own = {"angle": "rad/s", "length": "m/s", "number": "1/s"}[found.kind]
        if "coordinate" in self.settled:
            return found  # the user's unit, per the unit of time
        return replace(found, velocity_unit=own)

    def _integrated(self) -> Columns | None:
        """Return the columns of a coordinate that is the integral of its velocity."""
        if self.velocity is None:
            return None
        unit = self.stated.unit("velocity-unit") or self._heading(self.velocity).unit
        kind = self._kind_stated() or {"angular velocity": "angle", "velocity": "length"}.get(
            unit.quantity if unit else "", ""
        )
        if not kind or unit is None:
            text = f"the unit of the rate {self._named(self.velocity)} is not stated"
            self._ask("velocity", text, "--columns velocity-unit=rad/s, deg/s or m/s")
            kind = kind or "angle"
        whole: Kind = "angle" if kind == "angle" else "length" if kind == "length" else "number"
        names: Mapping[str, str] = {"angle": "rad/s", "length": "m/s"}
        name = unit.name if unit is not None and unit.quantity != "other" else names.get(whole, "1/s")
        self.settled |= {"coordinate", "velocity"}
        zero = "and swings about 0 (zero=mean)" if self.stated.centred else "from 0 at each trial's start (zero=start)"
        self.notes.append(f"the coordinate is the integral of {self._named(self.velocity)}, {zero}")
        found = Columns(self.time, self.velocity, self.velocity, self.trial, whole, velocity_unit=name)
        found = replace(found, integral=True, centred=self.stated.centred, rate=self.stated.rate or 0.0)
        return self._with_time(found)

    def _positioned(self, found: Columns) -> Columns:
        """Return the columns of an angle from positions."""
        columns = self.stated.columns
        x, y = columns.get("x"), columns.get("y")
        pivot = (columns.get("pivot-x"), columns.get("pivot-y"))
        assert x is not None  # as `parse_stated` sees to
        assert y is not None
        unit = self._heading(x).unit
        down = self.stated.words.get("y-axis")
        downward = (
            down == "down" if down else bool(unit and unit.quantity == "pixels") or self.table.program in PICTURES
        )
        self.settled.add("coordinate")
        if down:
            self.settled.add("axis")
        both = (pivot[0], pivot[1]) if pivot[0] is not None and pivot[1] is not None else None
        return replace(found, coordinate=x, y=y, velocity=None, kind="angle", pivot=both, downward=downward)

    def _spare(self, columns: Columns | None) -> tuple[tuple[int, int, int], ...]:
        """Return the x and y that stand beside an angle of the same thing."""
        if columns is None or columns.kind != "angle" or columns.y is not None or columns.integral:
            return ()
        label = self.headings[columns.coordinate].label if columns.coordinate < len(self.headings) else ""
        axes = {
            self.headings[c].axis: c
            for c in self._of("length", "pixels")
            if self.headings[c].label == label and len(self.headings[c].name) == 1
        }
        return ((columns.coordinate, axes["x"], axes["y"]),) if {"x", "y"} <= set(axes) else ()
