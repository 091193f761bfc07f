"""The log of the program: one rotating file in the user's folder for logs, to which every process of it appends.

Modules log by `logging.getLogger(__name__)`; what runs as a program enters `logging_to_file` once. Used as a library,
the engine configures nothing and writes nothing.

Processes share the file, so that it tells in order what the window, its child processes and commands did. A record is
one write to a file that is opened for appending, under a lock that is held for that write alone: records of several
processes never mix, and none is written while another process renames the file. No file stays open in between, so that
Windows can rename it too. A record is one line, with everything that is no printable character written out, and the
indented lines of its traceback.
"""

import logging
import os
import stat
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from hnn_engine import __version__
from hnn_engine.disk.lock import lock
from hnn_engine.errors import choice, one_line, shortened, shown
from hnn_engine.regular_files import opened
from hnn_engine.user_folders import log_folder

LEVEL_VARIABLE = "HNN_LAB_LOG"
LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING}
PACKAGES = ("app", "hnn_engine")  # of others there are warnings and errors alone
NAME = "hnn-lab.log"
LARGEST = 1_000_000  # bytes of a file
OLDER = 3  # files kept besides: hnn-lab.1.log is the newest of them
LONGEST = 2_000  # characters of a line
TRACED = 100  # lines that a traceback keeps at its beginning, and at its end
NEWEST = 200_000  # bytes that `newest` returns
PATIENCE = 0.1  # s; a process that was halted while it held the lock keeps the others no longer
_INDENT = "    "
_FLAGS = ("O_NONBLOCK", "O_CLOEXEC", "O_NOCTTY", "O_BINARY", "O_NOINHERIT")  # those that the system has

_log = logging.getLogger(__name__)
_active: "LogFile | None" = None


def active() -> "LogFile | None":
    """Return what this process logs to; None where it does not log to a file."""
    return _active


def chosen_level() -> tuple[int, str]:
    """Return the level that `HNN_LAB_LOG` names (info where it is not set), and a sentence where it names none."""
    word = os.environ.get(LEVEL_VARIABLE, "").strip()
    level = LEVELS.get(word.lower() or "info")
    if level is not None:
        return level, ""
    said = f"{LEVEL_VARIABLE} is '{shortened(word)}', which is no level, and info is taken: {choice(word, LEVELS)}"
    return logging.INFO, said


@contextmanager
def logging_to_file(role: str, doing: str = "") -> Iterator[str]:
    """Let this process, which is the `role` in every line, log to the file while the block lasts.

    Yields a sentence where `HNN_LAB_LOG` names no level, else an empty text. What is `doing` is written at the
    beginning. Errors that end the block, a thread, or what Qt has called are logged; so are those that Python ignores.
    Where the file cannot be written, the program goes on without, and nothing is raised: see `LogFile.problem`. Inside
    another such block it does nothing.
    """
    global _active
    if _active is not None:
        yield ""
        return
    level, said = chosen_level()
    handler, root = LogFile(role), logging.getLogger()
    loggers = [logging.getLogger(package) for package in PACKAGES]
    before = [logger.level for logger in loggers]
    hooks = sys.excepthook, threading.excepthook, sys.unraisablehook
    root.addHandler(handler)
    for logger in loggers:
        logger.setLevel(level)
    _set_hooks(*hooks)
    _active = handler
    try:
        _log.info("HNN Lab %s begins%s; Python %s on %s", __version__, doing and f": {doing}", _python(), sys.platform)
        yield said
    except Exception:
        _log.critical("The program ends by an error", exc_info=True)
        raise
    finally:
        _log.info("ends")
        _active = None
        sys.excepthook, threading.excepthook, sys.unraisablehook = hooks
        for logger, was in zip(loggers, before, strict=True):
            logger.setLevel(was)
        root.removeHandler(handler)


def _python() -> str:
    return sys.version.split()[0]


def _set_hooks(on_error: Any, on_thread: Any, on_ignored: Any) -> None:
    """Log what nothing catches, and then do as before."""

    def error_hook(kind: type[BaseException], error: BaseException, trace: Any) -> None:
        if not issubclass(kind, KeyboardInterrupt):
            _log.error("Unexpected error", exc_info=error)
        on_error(kind, error, trace)

    def thread_hook(args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None and not issubclass(args.exc_type, SystemExit):
            name = args.thread.name if args.thread is not None else "?"
            _log.error("The thread %s ends by an error", name, exc_info=args.exc_value)
        on_thread(args)

    def ignored_hook(args: "sys.UnraisableHookArgs") -> None:
        if args.exc_value is not None:
            _log.error("Error that Python ignores", exc_info=args.exc_value)
        on_ignored(args)

    sys.excepthook, threading.excepthook, sys.unraisablehook = error_hook, thread_hook, ignored_hook


class LogFile(logging.Handler):
    """Appends records to the file. It raises nothing: `problem` says why the last record could not be written."""

    def __init__(self, role: str, folder: Path | None = None) -> None:
        """Write to the file in `folder`, by default the user's own for logs; `role` names the process in every line."""
        super().__init__()
        self.problem = ""
        self._role, self._seen = role, {}  # type: str, dict[int, int]
        self.path: Path | None = None
        try:
            self.path = (folder if folder is not None else log_folder()) / NAME
        except (OSError, RuntimeError) as error:
            self.problem = one_line(error)

    def emit(self, record: logging.LogRecord) -> None:
        """Write `record`, but for an error that was written before: of that only the 10th, 100th, … time is told."""
        if self.path is None:
            return
        try:
            times = self._times(record)
            if times == 10 ** (len(str(times)) - 1):
                self._append(self.path, self._text(record, times).encode())
                self.problem = ""
        except Exception as error:
            self.problem = one_line(getattr(error, "strerror", None) or error)

    def _times(self, record: logging.LogRecord) -> int:
        """Return how often the error of `record` has been logged; 1 where there is none. Its kind and the lines of
        its traceback count, and not its message, in which a number may change."""
        error = record.exc_info[1] if record.exc_info else None
        if error is None:
            return 1
        way = tuple((frame.f_code, line) for frame, line in traceback.walk_tb(error.__traceback__))
        key = hash((type(error), way))
        self._seen[key] = self._seen.get(key, 0) + 1
        return self._seen[key]

    def _text(self, record: logging.LogRecord, times: int) -> str:
        """Return the lines of `record`."""
        at = time.localtime(record.created)
        date = f"{time.strftime('%Y-%m-%dT%H:%M:%S', at)}.{int(record.msecs):03d}{time.strftime('%z', at)}"
        head = f"{date} {record.levelname:<8} {self._role}[{record.process}] {record.threadName} {record.name}: "
        message = record.getMessage()
        error = record.exc_info[1] if record.exc_info else None
        if error is None:
            return f"{shown(head)}{one_line(message, LONGEST)}\n"
        if times > 1:
            return f"{shown(head)}{one_line(f'{message}: {error!r}, {times} times so far', LONGEST)}\n"
        lines = "".join(traceback.format_exception(error)).rstrip("\n").split("\n")
        if len(lines) > 2 * TRACED:
            lines[TRACED:-TRACED] = ["…"]
        traced = "".join(f"{_INDENT}{_line(line)}\n" for line in lines)
        return f"{shown(head)}{one_line(message, LONGEST)}\n{traced}"

    def _append(self, path: Path, content: bytes) -> None:
        """Write all of `content` at the end of the file, or nothing of it; raise `OSError`."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        held = _locked(path.with_name(f"{NAME}.lock"))
        try:
            file = _opened(path)
            try:
                size = os.fstat(file).st_size
                if held is not None and size and size + len(content) > LARGEST:
                    os.close(file)
                    file = -1
                    _rotate(path)
                    file = _opened(path)
                    size = os.fstat(file).st_size
                if os.write(file, content) < len(content):  # the disk is full
                    if held is not None:
                        os.ftruncate(file, size)
                    raise OSError("there is no room for it")
            finally:
                if file >= 0:
                    os.close(file)
        finally:
            if held is not None:
                os.close(held)


def _line(text: str) -> str:
    """Return a line of a traceback with its indentation."""
    inner = text.lstrip(" ")
    return " " * min(len(text) - len(inner), LONGEST) + one_line(inner, LONGEST)


def _locked(path: Path) -> int | None:
    """Return the open file of the lock; None where there can be none, or another process is halted that holds it."""
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
    except OSError:
        return None
    end = time.monotonic() + PATIENCE
    while True:
        try:
            lock(file)
            return file
        except (BlockingIOError, PermissionError):  # another holds it; the second is what Windows says
            if time.monotonic() > end:
                break
            time.sleep(0.001)
        except OSError:  # a file system without locks
            break
    os.close(file)
    return None


def _opened(path: Path) -> int:
    """Open the file at `path` for appending, and nothing but a regular file; raise `OSError`."""
    more = sum(getattr(os, flag, 0) for flag in _FLAGS)
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | more, 0o600)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise OSError("it is no regular file")
    return file


def _rotate(path: Path) -> None:
    """Rename the file to `hnn-lab.1.log`, that to `hnn-lab.2.log`, and so on; the oldest goes."""
    paths = [path, *(older(path, number) for number in range(1, OLDER + 1))]
    for target, source in zip(paths[:0:-1], paths[-2::-1], strict=True):
        try:
            os.replace(source, target)
        except OSError:  # it is not there; or on Windows another program reads it
            continue


def older(path: Path, number: int) -> Path:
    """Return where the `number`th file before the one at `path` is kept."""
    return path.with_name(f"{path.stem}.{number}{path.suffix}")


def newest(path: Path, most: int = NEWEST) -> str:
    """Return the newest whole lines of the log at `path`, of at most `most` bytes, from the file before too where this
    one is shorter; raise `OSError` where it cannot be read."""
    content = _end_of(path, most)
    if len(content) < most:
        with suppress(OSError):  # there is none
            content = _end_of(older(path, 1), most - len(content)) + content
    return content.decode("utf-8", "replace")


def _end_of(path: Path, most: int) -> bytes:
    with opened(path) as file:
        size = os.fstat(file.fileno()).st_size
        file.seek(max(size - most, 0))
        content = file.read(most)
    return content if size <= most else content.partition(b"\n")[2]
