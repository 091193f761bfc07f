"""Every operation on files and folders that writing needs, one function each, called as `operations.move(…)`.

So a test can let any of them fail, or end the process before and after it. All raise `OSError`.
"""

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Any

from hnn_engine.disk.swap import swap

try:
    import fcntl as locks
except ImportError:  # Windows
    locks = None  # type: ignore[assignment]
fcntl: Any = locks

NAMES = (
    "look",
    "names",
    "read",
    "beginning",
    "create",
    "write",
    "sync",
    "allow",
    "make_folder",
    "hold",
    "move",
    "exchange",
    "sync_folder",
    "remove",
    "remove_folder",
)
# What a file system answers that cannot flush a folder, or lock one.
_CANNOT = {errno.EINVAL, errno.EBADF, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.ENOLCK, errno.EACCES}


# Looking --------------------------------------------------------------------------------------------------------------


def look(path: Path) -> os.stat_result | None:
    """Return what `path` itself is, links not followed; None where nothing is. Raises `OSError` where that cannot be
    told."""
    try:
        return os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None


def kind(path: Path) -> os.stat_result | None:
    """Return what `path` is, links followed; None where nothing is. Unlike `Path.is_dir` and its like, which return
    False on some faults, it raises `OSError` for whatever prevents an answer: a folder that may not be searched, a name
    that is too long."""
    try:
        return os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None


def is_folder(found: os.stat_result | None) -> bool:
    """Whether `look` has found a folder."""
    return found is not None and stat.S_ISDIR(found.st_mode)


def is_file(found: os.stat_result | None) -> bool:
    """Whether `look` has found a regular file."""
    return found is not None and stat.S_ISREG(found.st_mode)


def names(folder: Path) -> list[str]:
    """Return the sorted names of what is in `folder`; raise `OSError`."""
    return sorted(os.listdir(folder))


def read(path: Path) -> bytes:
    """Return the content of a file; raise `OSError`."""
    return path.read_bytes()


def beginning(path: Path, count: int) -> bytes:
    """Return the first `count` bytes of a file, or all of a shorter one; raise `OSError`."""
    with open(path, "rb", buffering=0) as file:
        return file.read(count)


# Files ----------------------------------------------------------------------------------------------------------------


def create(path: Path, mode: int = 0o666) -> None:
    """Make an empty file with the rights `mode` as far as the user's mask lets it; raise `OSError`, where it is there
    already too."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode))


def write(path: Path, content: bytes) -> None:
    """Write all of `content` into an empty file; raise `OSError`."""
    with open(path, "r+b", buffering=0) as file:
        rest = memoryview(content)
        while len(rest):
            rest = rest[file.write(rest) :]


def sync(path: Path) -> None:
    """Wait until the content of a file is on the disk; raise `OSError`."""
    full = getattr(fcntl, "F_FULLFSYNC", None)  # macOS: fsync alone leaves it in the drive's memory
    with open(path, "r+b", buffering=0) as file:
        if full is not None:
            with suppress(OSError):  # not on every file system
                fcntl.fcntl(file.fileno(), full)
                return
        os.fsync(file.fileno())


def allow(path: Path, mode: int) -> None:
    """Give `path` the rights `mode`; raise `OSError`."""
    os.chmod(path, mode)


def remove(path: Path) -> None:
    """Remove a file, or a link itself; raise `OSError`."""
    os.unlink(path)


# Folders --------------------------------------------------------------------------------------------------------------


def make_folder(path: Path) -> None:
    """Make a folder; raise `OSError`, where it is there already too."""
    os.mkdir(path)


def remove_folder(path: Path) -> None:
    """Remove an empty folder; raise `OSError`."""
    os.rmdir(path)


def sync_folder(path: Path) -> None:
    """Wait until the names in a folder are on the disk, where the system can say so; raise `OSError`."""
    if os.name == "nt":
        return
    try:
        handle = os.open(path, os.O_RDONLY)
    except PermissionError:
        return
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in _CANNOT:
            raise
    finally:
        os.close(handle)


# Both -----------------------------------------------------------------------------------------------------------------


def move(path: Path, target: Path) -> None:
    """Rename `path`, on the same disk; a file that is at `target` is replaced at once, a folder there must be empty.
    Raises `OSError`."""
    os.replace(path, target)


def exchange(one: Path, other: Path) -> bool:
    """Let two paths change places at once; return False where the system or the file system cannot. Raises
    `OSError`."""
    return swap(one, other)


class Hold:
    """A lock that tells other processes that this one works on a file or folder; it ends with the process.

    `certain` is False where the file system knows no locks: then the others cannot tell.
    """

    def __init__(self, handle: int | None) -> None:
        """Keep `handle`, the open and locked file or folder; None where the file system knows no locks."""
        self._handle, self.certain = handle, handle is not None

    def release(self) -> None:
        """End it."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


def hold(path: Path) -> Hold | None:
    """Hold a file or folder; return None where another process does. Raises `OSError` where it cannot be opened."""
    if fcntl is None:
        return Hold(None)
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return Hold(handle)
    except OSError as error:
        os.close(handle)
        if error.errno in (errno.EWOULDBLOCK, errno.EAGAIN):
            return None
        if error.errno in _CANNOT:
            return Hold(None)
        raise
