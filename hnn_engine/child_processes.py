"""Child processes of the program: they import what it imports and nothing from the current folder, and they end when it
ends."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

_ROOT = Path(__file__).parents[1]
_SAFE = "PYTHONSAFEPATH"  # the name by which Python is told to leave that folder out
_BEGIN = """import sys
sys.path[:] = sys.argv[4:]
from hnn_engine.child_processes import _follow
_follow(*sys.argv[1:4])
"""
_setting = threading.Lock()


def run_module(name: str, word: str = "") -> "subprocess.Popen[bytes]":
    """Start `python -m name word`, silent; raise `OSError` where there is no Python to start."""
    command = [sys.executable, *_flags(), "-P", "-c", _BEGIN, name, word, str(os.getpid()), *import_path()]
    quiet = subprocess.DEVNULL
    folder = _ROOT if _ROOT.is_dir() else None  # libraries look for settings where they stand
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=quiet, stderr=quiet, cwd=folder)


def import_path() -> list[str]:
    """Return where this process imports from, as full paths, without the folder that it stands in ('')."""
    folders = [os.path.abspath(folder) for folder in sys.path if folder]
    return folders if str(_ROOT) in folders else [str(_ROOT), *folders]


@contextmanager
def away_from_here() -> Iterator[None]:
    """Let the processes that multiprocessing starts in the block leave out the current folder, and the script that this
    process was started by: it may open a window of its own, and nothing in it is needed. One thread at a time."""
    with _setting:
        before, main = os.environ.get(_SAFE), sys.modules["__main__"]
        os.environ[_SAFE] = "1"
        sys.modules["__main__"] = ModuleType("__main__")
        try:
            yield
        finally:
            sys.modules["__main__"] = main
            if before is None:
                del os.environ[_SAFE]
            else:
                os.environ[_SAFE] = before


def _flags() -> list[str]:
    """Return the options that this process was started with and that say what is imported."""
    flags = sys.flags
    given = {"-E": flags.ignore_environment, "-s": flags.no_user_site, "-S": flags.no_site, "-I": flags.isolated}
    return [option for option, on in given.items() if on]


# In the process -------------------------------------------------------------------------------------------------------


def leave_ctrl_c_to_the_parent() -> None:
    """Ignore Ctrl-C, which reaches every process at a terminal: the parent decides what this one does. Main thread
    only."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _follow(name: str, word: str, parent: str) -> None:
    from runpy import run_module as run

    leave_ctrl_c_to_the_parent()
    threading.Thread(target=_end_with, args=(int(parent),), name="parent", daemon=True).start()
    sys.argv[1:] = [word] if word else []
    run(name, run_name="__main__", alter_sys=True)


def _end_with(parent: int) -> None:
    """Wait for the end of the parent, and end."""
    try:
        if sys.platform == "win32":  # a thread that reads from a pipe would hold up libraries that look at it
            import _winapi

            with_sync = 0x00100000
            _winapi.WaitForSingleObject(_winapi.OpenProcess(with_sync, False, parent), _winapi.INFINITE)
        else:
            while os.read(0, 64):  # nothing ever comes but the end of the line
                continue
    finally:  # where the parent cannot be opened any more, it has ended
        os._exit(1)
