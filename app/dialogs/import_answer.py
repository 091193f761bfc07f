"""What the import dialog asks for, and how an answer is shown: curves in the units of the file, and counts."""

from dataclasses import dataclass

import numpy as np

from app.widgets.recording_curve import Curves, make_curves
from hnn_engine.number_format import number
from hnn_engine.progress import ProgressCallback
from hnn_engine.recordings import (
    ANGLE_UNITS,
    Columns,
    Stated,
    TableInspection,
    inspect_opened,
    inspect_table,
    time_step,
)


@dataclass(frozen=True, eq=False)
class Request:
    """What is to be read of the table that `found` shows, after what is `stated`."""

    found: TableInspection
    stated: Stated
    reopened: bool

    def answer(self, tell: ProgressCallback) -> "tuple[TableInspection, Curves | None]":
        """Return what is found, and its curves."""
        if self.reopened:
            found = inspect_table(self.found.table.path, self.stated, tell, lenient=True)
        else:
            found = inspect_opened(self.found.table, self.stated, tell, lenient=True)
        return found, curves_of(found)


def curves_of(found: TableInspection) -> Curves | None:
    """Return the curves of what would be read, on axes in the units of the file; None where nothing can be."""
    reading = found.reading
    if reading is None:
        return None
    columns = reading.columns
    seconds = 1.0 if columns.rate or columns.time is None else columns.time_factor
    time = "t (s)" if seconds == 1.0 else f"t ({columns.time_unit})"
    size, unit = _shown_unit(columns)
    opened = {question.role for question in found.open_questions}
    unit = "unit open" if "coordinate" in opened else unit
    time = "t (unit open)" if "time" in opened else time
    rate = "unit open" if {"coordinate", "velocity", "time"} & opened else f"{unit}/s" if unit else "1/s"
    q, v = reading.coords.T / size
    parted = np.union1d(reading.gaps, np.flatnonzero(np.diff(reading.trial)) + 1)
    estimated = "" if columns.velocity is not None else ", slope of q"
    labels = (time, f"q ({unit})" if unit else "q", f"v ({rate}{estimated})")
    return make_curves(reading.t / seconds, q, v, parted, reading.gaps, labels)


def _shown_unit(columns: Columns) -> tuple[float, str]:
    """Return the unit of the coordinate's axis, and its size in rad or m."""
    if columns.kind == "number":
        return 1.0, ""
    if columns.kind == "length":
        return columns.coordinate_factor, columns.length_unit
    if columns.y is not None or columns.integral:
        return ANGLE_UNITS["deg"], "deg"
    return columns.coordinate_factor, columns.angle_unit


def counted(found: TableInspection) -> str:
    """Say how far rows are apart, and how many trials and gaps there are."""
    reading = found.reading
    if reading is None:
        return ""
    trials, gaps = int(reading.trial[-1]) + 1, len(reading.gaps)
    told = [f"rows {number(time_step(reading))} s apart"]
    told += [f"{trials} trials"] if trials > 1 else []
    told += [f"{gaps} gap{'s' if gaps > 1 else ''}"] if gaps else ["no gaps"]
    return f"; {', '.join(told)}"
