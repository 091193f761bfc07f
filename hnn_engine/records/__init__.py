"""Runs and sessions on disk."""

from hnn_engine.atomic_write import check_file, check_folder, make_folders, write_file
from hnn_engine.records.folders import check_target, is_run_folder, load_run, write_run
from hnn_engine.records.history import History
from hnn_engine.records.link import SCHEME, is_link, read_link, write_link
from hnn_engine.records.run import Run
from hnn_engine.records.session import SUFFIX, Session, load_session, looks_like_session, save_session

__all__ = [
    "SCHEME",
    "SUFFIX",
    "History",
    "Run",
    "Session",
    "check_file",
    "check_folder",
    "check_target",
    "is_link",
    "is_run_folder",
    "load_run",
    "load_session",
    "looks_like_session",
    "make_folders",
    "read_link",
    "save_session",
    "write_file",
    "write_link",
    "write_run",
]
