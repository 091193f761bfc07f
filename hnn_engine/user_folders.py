"""Where this system keeps what a program writes for its user without being asked where."""

import os
import sys
from pathlib import Path

DATA_VARIABLE = "HNN_LAB_DATA"  # names the folder that `data_folder` returns


def cache_folder() -> Path:
    """Return where this system keeps what a program can make again, for HNN Lab: ~/.cache/hnn-lab on Linux. Raises
    `RuntimeError` where there is no home."""
    if sys.platform == "win32":
        return _local() / "hnn-lab" / "Cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "hnn-lab"
    return _stated("XDG_CACHE_HOME", ".cache") / "hnn-lab"


def data_folder() -> Path:
    """Return where this system keeps what a program may not lose, for HNN Lab: ~/.local/share/hnn-lab on Linux.

    The variable `HNN_LAB_DATA` names another folder. Raises `RuntimeError` where there is no home, and `OSError` where
    the variable names a relative path and the current folder is gone.
    """
    named = os.environ.get(DATA_VARIABLE, "")
    if named:
        return Path(named).absolute()
    if sys.platform == "win32":
        return _local() / "hnn-lab"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "hnn-lab"
    return _stated("XDG_DATA_HOME", ".local/share") / "hnn-lab"


def desktop_folder() -> Path:
    """Return where a desktop on Linux looks for the applications, icons and kinds of files of this user:
    ~/.local/share. Raises `RuntimeError` where there is no home."""
    return _stated("XDG_DATA_HOME", ".local/share")


def log_folder() -> Path:
    """Return where this system keeps what a program writes down of its work: ~/.local/state/hnn-lab on Linux.

    Where the variable `HNN_LAB_DATA` names a folder, it is `logs` in that. Raises `RuntimeError` where there is no
    home, and `OSError` where the variable names a relative path and the current folder is gone.
    """
    if os.environ.get(DATA_VARIABLE, ""):
        return data_folder() / "logs"
    if sys.platform == "win32":
        return _local() / "hnn-lab" / "Logs"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Logs" / "hnn-lab"
    return _stated("XDG_STATE_HOME", ".local/state") / "hnn-lab"


def _local() -> Path:
    return Path(os.environ.get("LOCALAPPDATA", "") or Path.home() / "AppData" / "Local")


def _stated(variable: str, otherwise: str) -> Path:
    stated = os.environ.get(variable, "")  # the standard has it absolute, or else ignored
    return Path(stated) if os.path.isabs(stated) else Path.home() / otherwise
