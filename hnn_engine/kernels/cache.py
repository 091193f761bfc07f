"""The compiled loops, once they are loaded. Until then, and where numba does not run, numpy and torch serve.

This module stands at the bottom, so that whoever has a faster way can look for it here; the loops themselves
(`hnn_engine.kernels`) stand above and are imported by name, with numba, by `load()` alone.
"""

import logging
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from hnn_engine import child_processes

_log = logging.getLogger(__name__)
_HERE = Path(__file__).parents[1]
_KEPT = (_HERE / "kernels" / "__pycache__", _HERE / "systems" / "__pycache__")  # where numba keeps what it compiles
_NOTE = _KEPT[0] / "compiled.txt"
_WHOLE = "everything is compiled"
_FILES = 112  # about so many files hold the compiled code
SECONDS = 20.0  # that compiling takes on an ordinary machine

_loops: Any = None
_absent = ""  # why there are none, once that is known
_lock = threading.Lock()


def loops() -> Any | None:
    """Return the package `hnn_engine.kernels` with everything in it compiled, or None."""
    return _loops


def load(build_elsewhere: bool = False, interrupt: Callable[[], bool] = lambda: False) -> bool:
    """Load the compiled loops, compiling them first where that is yet to do; return whether they are there.

    Compiling takes some twenty seconds, once a machine and version. With `build_elsewhere` another process does it, so
    that this one goes on meanwhile; `interrupt` is asked now and then and ends that. Where the loops cannot be had
    (numba lacks a folder to keep them in, or does not run here), the answer stays False.
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


def share() -> float:
    """Return how much is compiled, from 0 to 1, by what is kept on disk: for showing progress."""
    if _note()[1] or _loops is not None:
        return 1.0
    return min(sum(1 for folder in _KEPT for _ in folder.glob("*.nbc")) / _FILES, 0.99)


def _imported() -> Any:
    _import_numba()
    kernels = import_module("hnn_engine.kernels.loops")
    kernels.warm()
    _write_note(whole=True)
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
        return "no folder for compiled code can be written, neither beside the program nor in the user's cache"
    return f"numba does not run here: {' '.join(str(error).split())[:120]}"


# What is kept on disk. Numba compiles functions of several files into one but looks at the date of one alone: so a note
# beside its files says which sources they were made from, and whether they are complete.


def _sources() -> Iterator[Path]:
    yield _HERE / "integrators.py"
    for folder in _KEPT:
        yield from sorted(folder.parent.glob("*.py"))


def _stamp() -> str:
    """Return what the compiled code depends on."""
    from importlib.metadata import version  # slow to load, and not needed for the first paint

    dates = ((path.name, path.stat().st_mtime_ns, path.stat().st_size) for path in _sources())
    return "\n".join([f"numba {version('numba')}", *(f"{name} {date} {size}" for name, date, size in dates)])


def _note() -> tuple[str, bool]:
    """Return the stamp of what is kept and whether it is complete; an empty stamp where there is nothing."""
    try:
        stamp, _, rest = _NOTE.read_text(encoding="utf-8").partition("\n\n")
    except (OSError, UnicodeDecodeError):
        return "", False
    return stamp, rest.strip() == _WHOLE


def _write_note(whole: bool) -> None:
    """Note what is kept, where that can be written; elsewhere numba keeps its files by user, and by whole versions."""
    try:
        if _note() != (_stamp(), whole):
            _NOTE.parent.mkdir(exist_ok=True)
            _NOTE.write_text(f"{_stamp()}\n\n{_WHOLE if whole else ''}\n", encoding="utf-8")
    except OSError:
        return


def forget_stale() -> None:
    """Throw away what was compiled from other sources. Called by `kernels.jit` before anything is compiled or read."""
    if _note()[0] == _stamp():
        return
    for folder in _KEPT:
        for pattern in ("*.nbi", "*.nbc"):
            for file in folder.glob(pattern):
                try:
                    file.unlink(missing_ok=True)
                except OSError:  # not ours to change, and so not ours to have compiled
                    return
    _write_note(whole=False)


def _built(interrupt: Callable[[], bool]) -> bool:
    """Let another process compile what is not kept yet; return False where `interrupt` ended that."""
    if _note() == (_stamp(), True):
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
