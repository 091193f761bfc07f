"""The paper's experiments, run again: which fits, kept and used again, their table, and a page with plots.

Every number comes from `Experiment`, `FitRun` and `evaluation.Figures`, as in the window and in `hnn-lab train`.
"""

from hnn_engine.reproduction.fit_cache import FitCache
from hnn_engine.reproduction.fit_plan import PlannedFit, plan, read_recording_or_shipped
from hnn_engine.reproduction.rows import Row, read_rows
from hnn_engine.reproduction.running import FitListener, Result, reproduce
from hnn_engine.reproduction.table import TaskTable, tables

__all__ = [
    "FitCache",
    "FitListener",
    "PlannedFit",
    "Result",
    "Row",
    "TaskTable",
    "plan",
    "read_recording_or_shipped",
    "read_rows",
    "reproduce",
    "tables",
]
