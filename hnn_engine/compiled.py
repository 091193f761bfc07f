"""The compiled loops, once they are loaded. Until then, and where numba does not run, numpy and torch serve.

This module stands at the bottom, so that whoever has a faster way can look for it here; the loops themselves
(`hnn_engine.kernels`) stand above and are imported by name, with numba, by `load()` alone.
"""

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

_loops: Any = None
_absent = False
_lock = threading.Lock()


def loops() -> Any | None:
    """Return the package `hnn_engine.kernels` with everything in it compiled, or None."""
    return _loops


def load(build_elsewhere: bool = False, interrupt: Callable[[], bool] = lambda: False) -> bool:
    """Load the compiled loops, compiling them first where that is yet to do; return whether they are there.

    Compiling takes some twenty seconds, once a machine. With `build_elsewhere` another process does it, so that this
    one goes on meanwhile; `interrupt` is asked now and then and ends that. Where the loops cannot be had (numba lacks a
    folder to keep them in, or does not run here), the answer stays False.
    """
    global _loops, _absent
    while not _lock.acquire(timeout=0.05):
        if interrupt():
            return False
    try:
        if _loops is None and not _absent and (not build_elsewhere or _built(interrupt)):
            _loops = _imported()
            _absent = _loops is None
        return _loops is not None
    finally:
        _lock.release()


def _imported() -> Any | None:
    try:
        kernels = import_module("hnn_engine.kernels")
        kernels.warm()
    except (ImportError, RuntimeError, OSError):
        return None
    return kernels


def _built(interrupt: Callable[[], bool]) -> bool:
    """Let another process compile the loops; return False where `interrupt` ended that."""
    command = [sys.executable, "-m", "hnn_engine.kernels"]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet) as process:
        while process.poll() is None:
            if interrupt():
                process.terminate()
                return False
            time.sleep(0.03)
    return True
