"""Measured data from a file: columns, units, derivative estimates, gaps, and the scene that shows it.

The modules behind these names are loaded when a name is first used: a window on a simulated system needs none of
them. No name loads scipy; a derivative does.
"""

from typing import TYPE_CHECKING

from hnn_engine.lazy_names import lazy_names

if TYPE_CHECKING:
    from hnn_engine.recordings.columns import ANGLE_UNITS, KINDS, LENGTH_UNITS, TIME_UNITS, Columns
    from hnn_engine.recordings.dataset import RecordedRows, recording_dataset
    from hnn_engine.recordings.estimates import (
        DERIVATIVES,
        WINDOW,
        DerivativeInfo,
        Derivatives,
        derivatives,
        get_derivative,
    )
    from hnn_engine.recordings.reading import (
        FilePreview,
        is_paper_pendulum,
        preview,
        read_recording,
        read_shipped_recording,
        shipped_recording,
    )
    from hnn_engine.recordings.recording import Kind, Recording, ReferenceEnergy, find_gaps
    from hnn_engine.recordings.scene import RecordedScene

_HOMES = {
    "columns": ("ANGLE_UNITS", "KINDS", "LENGTH_UNITS", "TIME_UNITS", "Columns"),
    "dataset": ("RecordedRows", "recording_dataset"),
    "estimates": ("DERIVATIVES", "WINDOW", "DerivativeInfo", "Derivatives", "derivatives", "get_derivative"),
    "reading": (
        "FilePreview",
        "is_paper_pendulum",
        "preview",
        "read_recording",
        "read_shipped_recording",
        "shipped_recording",
    ),
    "recording": ("Kind", "Recording", "ReferenceEnergy", "find_gaps"),
    "scene": ("RecordedScene",),
}
__getattr__ = lazy_names(__name__, _HOMES)

__all__ = [
    "ANGLE_UNITS",
    "DERIVATIVES",
    "KINDS",
    "LENGTH_UNITS",
    "TIME_UNITS",
    "WINDOW",
    "Columns",
    "DerivativeInfo",
    "Derivatives",
    "FilePreview",
    "Kind",
    "RecordedRows",
    "RecordedScene",
    "Recording",
    "ReferenceEnergy",
    "derivatives",
    "find_gaps",
    "get_derivative",
    "is_paper_pendulum",
    "preview",
    "read_recording",
    "read_shipped_recording",
    "recording_dataset",
    "shipped_recording",
]
