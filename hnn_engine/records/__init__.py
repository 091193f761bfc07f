"""Runs and sessions on disk."""

from hnn_engine.atomic_write import check_file, check_folder, make_folders, write_file
from hnn_engine.records.folders import check_target, is_run_folder, load_run, write_run
from hnn_engine.records.history import History
from hnn_engine.records.run import Run
from hnn_engine.records.session import SUFFIX, Session, load_session, save_session

__all__ = [
    "SUFFIX",
    "History",
    "Run",
    "Session",
    "check_file",
    "check_folder",
    "check_target",
    "is_run_folder",
    "load_run",
    "load_session",
    "make_folders",
    "save_session",
    "write_file",
    "write_run",
]
