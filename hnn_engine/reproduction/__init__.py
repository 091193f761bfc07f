"""The paper's experiments, run again: which fits, kept and used again, their table, and a page with plots.

Every number comes from `Experiment`, `FitRun` and `evaluation.Figures`, as in the window and in `hnn-lab train`.
"""

from hnn_engine.reproduction.fit_cache import Keep
from hnn_engine.reproduction.fit_plan import Cell, plan, read_recording_or_shipped
from hnn_engine.reproduction.rows import Row, read_rows
from hnn_engine.reproduction.running import Result, Watch, reproduce
from hnn_engine.reproduction.table import TaskTable, tables

__all__ = [
    "Cell",
    "Keep",
    "Result",
    "Row",
    "TaskTable",
    "Watch",
    "plan",
    "read_recording_or_shipped",
    "read_rows",
    "reproduce",
    "tables",
]
