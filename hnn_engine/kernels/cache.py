"""The compiled loops, once they are loaded. Until then, and where numba does not run, numpy and torch serve.

Importing this module does not import numba: code that has a faster way with the loops asks `loops()` for them, and
`load()` alone imports `hnn_engine.kernels.loops`.
"""

import logging
import sys
import threading
import time
import warnings
from collections.abc import Callable
from importlib import import_module
from typing import Any

from hnn_engine import child_processes
from hnn_engine.kernels import disk_cache

_log = logging.getLogger(__name__)
_FILES = 112  # about so many files hold the compiled code
SECONDS = 20.0  # that compiling takes on an ordinary machine

_loops: Any = None
_absent = ""  # why there are none, once that is known
_lock = threading.Lock()


def loops() -> Any | None:
    """Return the module `hnn_engine.kernels.loops` with everything compiled, or None."""
    return _loops


def load(build_elsewhere: bool = False, interrupt: Callable[[], bool] = lambda: False) -> bool:
    """Load the compiled loops, compiling them first where that is yet to do; return whether they are there.

    Compiling takes about `SECONDS` s, once a machine and version. With `build_elsewhere` another process does it, so
    that this one goes on meanwhile; `interrupt` is asked now and then and ends that. Where the loops cannot be had
    (numba lacks a folder to keep them in, or does not run here), the answer stays False and nothing is raised: see
    `absent`.
    """
    global _loops, _absent
    while not _lock.acquire(timeout=0.05):
        if interrupt():
            return False
    try:
        if _loops is None and not _absent and (not build_elsewhere or _built(interrupt)):
            try:
                _loops = _imported()
            except (ImportError, RuntimeError, OSError) as error:
                _absent = _reason(error)
                _log.warning("There are no compiled loops: %s", _absent, exc_info=True)
            else:
                _log.info("The compiled loops are loaded")
        return _loops is not None
    finally:
        _lock.release()


def absent() -> str:
    """Return why the loops cannot be had, once `load` has found that out; empty before, and where they can."""
    return _absent


def slower() -> str:
    """Return what is to be said where the loops cannot be had; empty where they can."""
    why = f"There are no compiled loops ({_absent}): everything works, but fits and rollouts take longer"
    return why if _absent else ""


def progress() -> float:
    """Return how much is compiled, from 0 to 1, by what is kept on disk."""
    if _loops is not None or disk_cache.is_complete():
        return 1.0
    return min(disk_cache.count() / _FILES, 0.99)


def _imported() -> Any:
    _import_numba()
    kernels = import_module("hnn_engine.kernels.loops")
    kernels.warm()
    disk_cache.write_note(complete=True)
    return kernels


def _import_numba() -> None:
    """Import numba, deaf to a `.numba_config.yaml` in the folder one stands in: that may say where numba finds compiled
    code, which it unpickles."""
    warnings.filterwarnings("ignore", "A Numba config file is found")
    yaml = sys.modules.get("yaml")
    sys.modules["yaml"] = None  # type: ignore[assignment]  # what numba would read it with is then not there
    try:
        import_module("numba")
    finally:
        del sys.modules["yaml"]
        if yaml is not None:
            sys.modules["yaml"] = yaml


def _reason(error: Exception) -> str:
    if isinstance(error, ModuleNotFoundError):
        return f"{error.name} is not installed"
    if "no locator available" in str(error):
        return "no folder for compiled code can be written, neither next to the program nor in the user's cache"
    return f"numba does not run here: {' '.join(str(error).split())[:120]}"


def _built(interrupt: Callable[[], bool]) -> bool:
    """Let another process compile what is not kept yet; return False where `interrupt` ended that."""
    if disk_cache.is_complete() and not disk_cache.is_stale():
        return True
    try:
        _log.info("The loops are compiled by a process")
        process = child_processes.run_module("hnn_engine.kernels")
    except OSError:  # no Python by itself: this process compiles
        return True
    with process:
        while process.poll() is None:
            if interrupt():
                process.terminate()
                return False
            time.sleep(0.03)
    if process.returncode:
        _log.error("The process that compiles has ended with code %d", process.returncode)
    return True
