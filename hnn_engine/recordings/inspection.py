"""What is read of a table, without a fit: columns with roles and units, rows, trials, gaps, and what is open."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hnn_engine.errors import RecordingError, shortened
from hnn_engine.progress import ProgressCallback
from hnn_engine.recordings.columns import Columns, Stated, column_names
from hnn_engine.recordings.opening import open_table
from hnn_engine.recordings.places import Question
from hnn_engine.recordings.reading import LOOKED, Reading, as_recording, read_table
from hnn_engine.recordings.recording import Recording
from hnn_engine.recordings.regular import part, unheard
from hnn_engine.recordings.roles import Roles, find_roles
from hnn_engine.recordings.table import Table

UNITS = {"angle": "rad", "length": "m", "number": ""}
MOST_UNUSED = 3  # columns that are named in a line


@dataclass(frozen=True, eq=False)
class TableInspection:
    """What was found in `table`, and what would be read of it; `reading` is None where too little is known for that."""

    table: Table
    roles: Roles
    reading: Reading | None
    problem: str = ""  # why it cannot be read so, where that is no question

    @property
    def columns(self) -> Columns | None:
        """What the columns are taken as, where that is known."""
        return self.reading.columns if self.reading is not None else self.roles.columns

    @property
    def open_questions(self) -> tuple[Question, ...]:
        """What the file leaves open."""
        return self.reading.questions if self.reading is not None else self.roles.questions

    @property
    def questions(self) -> tuple[str, ...]:
        """What the file leaves open, each with the option that settles it."""
        return tuple(question.sentence for question in self.open_questions)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was taken, left out or begun anew, in words."""
        return self.reading.notes if self.reading is not None else (*self.table.notes, *self.roles.notes)

    def recording(self) -> Recording:
        """Return the recording; raise `RecordingError` where a question is open."""
        if self.reading is None:
            raise RecordingError(f"{self.table.path}: {self.questions[0]}" if self.questions else self.problem)
        return as_recording(self.table, self.roles, self.reading)

    def to_json(self) -> dict[str, Any]:
        """Return all of it as `hnn-lab inspect --json` prints it, values in rad or m and per second."""
        reading = self.reading
        return {
            "format": self.table.format,
            "columns": self._columns(),
            "rows": len(reading.t) if reading is not None else None,
            "trials": int(reading.trial[-1]) + 1 if reading is not None else None,
            "gaps": len(reading.gaps) if reading is not None else None,
            "time_step_s": time_step(reading) if reading is not None else None,
            "coordinates": [self._coordinate(reading)] if reading is not None else [],
            "notes": list(self.notes),
            "questions": list(self.questions),
        }

    def _columns(self) -> list[dict[str, str]]:
        roles, found = self.role_of(), []
        for i, (name, heading) in enumerate(zip(column_names(self.table), self.table.headings, strict=True)):
            unit = heading.unit.name if heading.unit is not None else heading.stated
            role = roles.get(i, "unused")
            unit = self._taken_unit(i) or unit
            found.append({"name": name, "unit": unit, "quantity": heading.quantity or "unknown", "role": role})
        return found

    def role_of(self) -> dict[int, str]:
        """Return what each column is used as, by its number from 0; a column that is not used is not there."""
        columns = self.columns
        if columns is None:
            return {} if self.roles.time is None else {self.roles.time: "time"}
        runs = ((columns.time, columns.coordinate, columns.velocity), *columns.runs)
        found: dict[int, str] = {}
        for time, coordinate, rate in runs:
            for column, role in ((time, "time"), (coordinate, "coordinate"), (rate, "velocity")):
                if column is not None:
                    found[column] = role
        for column in (columns.y, *(columns.pivot or ())):
            if column is not None:
                found[column] = "coordinate"
        if columns.trial is not None:
            found[columns.trial] = "trial"
        return found

    def _taken_unit(self, column: int) -> str:
        """Return the unit in which a column is read; '' where it has none."""
        columns = self.columns
        if columns is None or columns.y is not None:
            return ""
        if column == columns.time:
            return "" if columns.rate else columns.time_unit
        if column == columns.velocity:
            return columns.velocity_unit
        if column == columns.coordinate:
            return {"angle": columns.angle_unit, "length": columns.length_unit, "number": ""}[columns.kind]
        return ""

    def _coordinate(self, reading: Reading) -> dict[str, Any]:
        (low, slow), (high, fast) = reading.coords.min(axis=0), reading.coords.max(axis=0)
        name = column_names(self.table)[reading.columns.coordinate]
        ends: Mapping[str, float] = {"min": low, "max": high, "velocity_min": slow, "velocity_max": fast}
        return {"name": name, "kind": reading.columns.kind, **{key: float(value) for key, value in ends.items()}}

    def describe(self) -> str:
        """Say in one paragraph what is read, or would be."""
        names = column_names(self.table)
        if self.reading is None:
            held = ", ".join(f"'{shortened(name, 30)}'" for name in names[:6])
            return f"{self.table.format}; columns {held}{' …' if len(names) > 6 else ''}"
        reading, columns = self.reading, self.reading.columns
        parts = [f"{role} {self._described(column)}" for column, role in self.role_of().items()]
        if columns.rate:
            parts.append(f"{columns.rate:g} rows a second")
        unit = UNITS[columns.kind]
        (low, slow), (high, fast) = reading.coords.min(axis=0), reading.coords.max(axis=0)
        trials = int(reading.trial[-1]) + 1
        counted = [
            f"{len(reading.t)} rows {time_step(reading):.4g} s apart",
            f"q {low:.4g} to {high:.4g} {unit}".rstrip(),
            f"v {slow:.4g} to {fast:.4g} {unit or '1'}/s" + ("" if columns.velocity is not None else " (slope of q)"),
            f"{trials} trial{'s' if trials > 1 else ''}",
            f"{len(reading.gaps)} gap{'' if len(reading.gaps) == 1 else 's'}",
        ]
        unused = [name for i, name in enumerate(names) if i not in self.role_of()]
        if unused:
            more = f" and {len(unused) - MOST_UNUSED} more" if len(unused) > MOST_UNUSED else ""
            counted.append("not used: " + ", ".join(f"'{shortened(x, 20)}'" for x in unused[:MOST_UNUSED]) + more)
        return f"{', '.join(parts)}; {', '.join(counted)}"

    def _described(self, column: int) -> str:
        name = shortened(column_names(self.table)[column], 30)
        unit = self._taken_unit(column)
        return f"'{name}'" + (f" in {unit}" if unit and unit not in name else "")


def time_step(reading: Reading) -> float:
    """Return the median step from row to row within a trial, s."""
    steps = np.diff(reading.t)[np.diff(reading.trial) == 0]
    return float(np.median(steps)) if len(steps) else 0.0


def inspect_table(
    path: str | os.PathLike[str],
    stated: Stated | None = None,
    progress: ProgressCallback | None = None,
    *,
    lenient: bool = False,
) -> TableInspection:
    """Find out what is in a table, after what is `stated`, and read it as far as that is known.

    `progress` hears the share that is done, and what it raises ends the work. Raises `RecordingError` where it is no
    table, or not to be read whatever is said of it; a `lenient` answer says why a table cannot be read as it stands.
    """
    tell, said = progress or unheard, stated or Stated()
    table = open_table(path, part(tell, 0.0, LOOKED), said.marks, said.table)
    return inspect_opened(table, said, part(tell, LOOKED, 1.0), lenient=lenient)


def inspect_opened(
    table: Table, stated: Stated, tell: ProgressCallback = unheard, *, lenient: bool = False
) -> TableInspection:
    """Find out what is in a table that is open, as `inspect_table` does; a `lenient` answer says why it cannot be read
    so where that would be raised."""
    roles = find_roles(table, stated)
    columns = roles.columns
    if columns is None or (columns.time is None and not columns.rate):
        return TableInspection(table, roles, None)
    try:
        return TableInspection(table, roles, read_table(table, roles, tell))
    except RecordingError as error:
        if not (lenient or roles.questions):
            raise
        return TableInspection(table, roles, None, str(error))
