"""Measured data from a file: columns, units, derivative estimates, gaps, and the scene that shows it.

The modules behind these names are loaded when a name is first used: a window on a simulated system needs none of
them. No name loads scipy; a derivative does.
"""

from typing import TYPE_CHECKING

from hnn_engine.lazy_names import lazy_names

if TYPE_CHECKING:
    from hnn_engine.recordings.columns import (
        ANGLE_UNITS,
        KINDS,
        LENGTH_UNITS,
        TIME_UNITS,
        VELOCITY_UNITS,
        Columns,
        Stated,
        column_names,
        parse_rate,
        parse_stated,
        stated_unit,
        units_for,
    )
    from hnn_engine.recordings.dataset import RecordedRows, recording_dataset
    from hnn_engine.recordings.estimates import (
        DERIVATIVES,
        WINDOW,
        DerivativeInfo,
        Derivatives,
        derivatives,
        get_derivative,
    )
    from hnn_engine.recordings.inspection import TableInspection, inspect_opened, inspect_table, time_step
    from hnn_engine.recordings.opening import TABLES, open_table
    from hnn_engine.recordings.places import Question
    from hnn_engine.recordings.reading import (
        is_paper_pendulum,
        read_recording,
        read_shipped_recording,
        shipped_recording,
    )
    from hnn_engine.recordings.recording import Kind, Recording, ReferenceEnergy, find_gaps
    from hnn_engine.recordings.scene import RecordedScene
    from hnn_engine.recordings.table import Table

_HOMES = {
    "columns": (
        "ANGLE_UNITS",
        "KINDS",
        "LENGTH_UNITS",
        "TIME_UNITS",
        "VELOCITY_UNITS",
        "Columns",
        "Stated",
        "column_names",
        "parse_rate",
        "parse_stated",
        "stated_unit",
        "units_for",
    ),
    "dataset": ("RecordedRows", "recording_dataset"),
    "estimates": ("DERIVATIVES", "WINDOW", "DerivativeInfo", "Derivatives", "derivatives", "get_derivative"),
    "inspection": ("TableInspection", "inspect_opened", "inspect_table", "time_step"),
    "opening": ("TABLES", "open_table"),
    "reading": (
        "is_paper_pendulum",
        "read_recording",
        "read_shipped_recording",
        "shipped_recording",
    ),
    "recording": ("Kind", "Recording", "ReferenceEnergy", "find_gaps"),
    "places": ("Question",),
    "scene": ("RecordedScene",),
    "table": ("Table",),
}
__getattr__ = lazy_names(__name__, _HOMES)

__all__ = [
    "ANGLE_UNITS",
    "DERIVATIVES",
    "KINDS",
    "LENGTH_UNITS",
    "TABLES",
    "TIME_UNITS",
    "VELOCITY_UNITS",
    "WINDOW",
    "Columns",
    "DerivativeInfo",
    "Derivatives",
    "Kind",
    "Question",
    "RecordedRows",
    "RecordedScene",
    "Recording",
    "ReferenceEnergy",
    "Stated",
    "Table",
    "TableInspection",
    "column_names",
    "derivatives",
    "find_gaps",
    "get_derivative",
    "inspect_opened",
    "inspect_table",
    "is_paper_pendulum",
    "open_table",
    "parse_rate",
    "parse_stated",
    "read_recording",
    "read_shipped_recording",
    "recording_dataset",
    "shipped_recording",
    "stated_unit",
    "time_step",
    "units_for",
]
