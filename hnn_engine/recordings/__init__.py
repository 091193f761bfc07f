"""Measured data from a file: columns, units, derivative estimates, gaps, and the stage that shows it.

Importing this loads no scipy; a derivative does.
"""

from hnn_engine.recordings.columns import ANGLE_UNITS, KINDS, LENGTH_UNITS, TIME_UNITS, Columns, Kind
from hnn_engine.recordings.dataset import RecordedRows, recording_dataset
from hnn_engine.recordings.derivatives import (
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
from hnn_engine.recordings.recording import Recording, ReferenceEnergy, find_gaps
from hnn_engine.recordings.stage import RecordedStage

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
    "RecordedStage",
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
