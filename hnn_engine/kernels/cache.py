"""The compiled loops, once they are loaded. Until then, and where numba does not run, numpy and torch serve.

Importing this module does not import numba: code that has a faster way with the loops asks `loops()` for them;
`load_compiled()` loads what is compiled already, and `load()` has compiled what is not.

They are compiled by a process of its own (`kernels.__main__`), first what all systems share, with the law of the one on
screen; that can be loaded while it goes on with the laws of the others.
"""

import logging
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from hnn_engine import child_processes
from hnn_engine.kernels import disk_cache

_log = logging.getLogger(__name__)
POLL_SECONDS = 0.1  # between two looks whether the process that compiles is done

_loops: Any = None
_absent = ""  # why there are none, once that is known
_lock, _starting = threading.Lock(), threading.Lock()
_builder: "subprocess.Popen[bytes] | None" = None
_began = (0.0, 0.0)  # when it was started, and how much was compiled then


def loops() -> Any | None:
    """Return the module `hnn_engine.kernels.loops` with everything compiled but laws, or None."""
    return _loops


def is_compiled() -> bool:
    """Return whether the loops are loaded, or compiled and only to be loaded."""
    return _loops is not None or (not _absent and disk_cache.is_ready())


def load_compiled() -> bool:
    """Load the loops where they are compiled already, which takes about a second; return whether they are there."""
    return _installed() and is_compiled() and load()


def load(interrupt: Callable[[], bool] = lambda: False, first: str = "") -> bool:
    """Load the compiled loops, once another process has compiled them where that is yet to do; return whether they are
    there.

    That process begins with the law of the system `first`; it goes on with those of the others until `end_building`, or
    until this process ends. `interrupt` is asked now and then and ends it. Where the loops cannot be had (numba lacks a
    folder to keep them in, or does not run here), the answer stays False.
    """
    global _loops, _absent
    while not _lock.acquire(timeout=0.05):
        if interrupt():
            return False
    try:
        if _loops is None and not _absent and _installed() and _built(interrupt, first):
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


def build(first: str = "") -> bool:
    """Compile, in this process, what is not kept yet, the law of the system `first` before those of the others; return
    whether everything is there."""
    global _loops, _absent
    with _lock:
        try:
            _import_numba()
            import_module("hnn_engine.kernels.building").build(first)
            _loops = _imported()
            _log.info("The compiled loops are loaded")
        except (ImportError, RuntimeError, OSError) as error:
            _absent = _reason(error)
            _log.warning("There are no compiled loops: %s", _absent, exc_info=True)
    return _loops is not None


def end_building() -> None:
    """End the process that compiles, if it still does. What it has compiled is kept."""
    global _builder
    builder, _builder = _builder, None
    if builder is not None:
        builder.terminate()
        builder.wait()


def start_building(first: str = "") -> None:
    """Have what is not compiled yet compiled by a process of its own, unless one does so already; see `load`."""
    with _starting:
        _start(first)


def _start(first: str) -> None:
    global _builder, _began
    if _absent or not _installed() or (_builder is not None and _builder.poll() is None) or not _lacks():
        return
    _began = time.monotonic(), progress()
    try:
        _builder = child_processes.run_module("hnn_engine.kernels", first)
        _log.info("The loops are compiled by the process %d", _builder.pid)
    except OSError:
        _builder = None  # no Python by itself


def absent() -> str:
    """Return why the loops cannot be had, once `load` has found that out; empty before, and where they can."""
    return _absent


def slower() -> str:
    """Return what is to be said where the loops cannot be had; empty where they can."""
    why = f"There are no compiled loops ({_absent}): everything works, but fits and rollouts take longer"
    return why if _absent else ""


def progress() -> float:
    """Return how much is compiled, from 0 to 1, by the note that is kept with it."""
    return disk_cache.note().share


def seconds_left() -> float:
    """Return how long the process that compiles still takes, by its pace so far; NaN where there is none, or none yet
    to go by."""
    (began, before), share = _began, progress()
    if _builder is None or share <= before:
        return float("nan")
    return (time.monotonic() - began) * (1 - share) / (share - before)


def _installed() -> bool:
    """Return whether numba is there, and note where it is not."""
    global _absent
    if _loops is None and find_spec("numba") is None:
        _absent = "numba is not installed"
        return False
    return True


def _lacks() -> bool:
    """Return whether something is not compiled yet, or from other sources."""
    return not disk_cache.is_complete() or disk_cache.is_stale()


def _imported() -> Any:
    """Load the loops, and BLAS with them, which the steps of a fit call: it would else be loaded within the first."""
    _import_numba()
    import_module("scipy.linalg.cython_blas")
    return import_module("hnn_engine.kernels.loops")


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


def _built(interrupt: Callable[[], bool], first: str) -> bool:
    """Let another process compile what is not kept yet, and wait until the loops are; return False where `interrupt`
    ended that."""
    start_building(first)
    while _builder is not None and not disk_cache.is_ready():
        code = _builder.poll()
        if code is not None:
            if code:
                _log.error("The process that compiles has ended with code %d", code)
            break
        if interrupt():
            end_building()
            return False
        time.sleep(POLL_SECONDS)
    return True
