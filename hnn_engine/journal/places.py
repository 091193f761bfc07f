"""Where the journal lies, the folders in it, and the locks that say whose process still lives."""

import errno
import os
import re
import secrets
import shutil
import stat
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from hnn_engine.disk.lock import lock as _lock
from hnn_engine.user_folders import data_folder

LIMIT = 200_000_000  # bytes of all entries together
DOCUMENT = "document.json"  # an entry without it holds nothing yet, or is being removed
LOCK = "lock"
UNFINISHED = 3600.0  # s after which a folder without a document is what an interruption has left
TRIES = 5
# What a file system answers that has no locks.
_NO_LOCKS = {errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.ENOLCK, errno.EINVAL}
_NAME = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{6}")  # of the folders that `new_place` makes, and of no other


def journal_folder() -> Path:
    """Return the folder of the journal; raise `RuntimeError` where there is no home, as `user_folders.data_folder`."""
    return data_folder() / "journal"


class Lock:
    """Holds the file `path` until it is released or the process ends; raises `OSError` where another process does, or
    where the file cannot be opened."""

    def __init__(self, path: Path, new: bool = False) -> None:
        """Open and lock the file at `path`, made where it is `new`; raise `OSError`."""
        self._file: int | None = os.open(path, os.O_RDWR | (os.O_CREAT if new else 0), 0o600)
        try:
            _lock(self._file)
        except OSError:
            self.release()
            raise

    def release(self) -> None:
        """Release the lock; a second time it does nothing."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def new_place(root: Path) -> tuple[Path, Lock]:
    """Make a folder for an entry under `root` and take its lock; raise `OSError`."""
    root.mkdir(parents=True, exist_ok=True)
    for attempt in range(TRIES):
        folder = root / f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
        folder.mkdir(mode=0o700)
        try:
            return folder, Lock(folder / LOCK, new=True)
        except OSError:
            shutil.rmtree(folder, ignore_errors=True)
            if attempt == TRIES - 1:
                raise  # else another window was just looking whether this one lives
    raise AssertionError("the last try returns or raises")


def folders(root: Path) -> list[Path]:
    """Return the folders of all entries under `root`, the one written longest ago first: those that the journal made
    itself, as their name and what they hold say. Anything else there belongs to others, and stays."""
    try:
        found = [path for path in root.iterdir() if _NAME.fullmatch(path.name) and _is_ours(path)]
    except OSError:
        return []
    return sorted(found, key=lambda path: (_written(path), path.name))


def _is_ours(path: Path) -> bool:
    """Whether `path` is a folder, no link, with a lock or a document in it, or one that this user may not look into."""
    try:
        if not stat.S_ISDIR(path.lstat().st_mode):
            return False
        return any(_is_there(path / name) for name in (LOCK, DOCUMENT))
    except OSError:
        return False


def _is_there(path: Path) -> bool:
    """Whether there is a file at `path`; so it is taken to be where only its owner may look."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except PermissionError:
        return True
    except OSError:
        return False


def _written(folder: Path) -> float:
    for path in (folder / DOCUMENT, folder):
        with suppress(OSError):
            return path.stat().st_mtime
    return 0.0


def seized(folder: Path) -> Lock | None:
    """Take the lock of an entry that a dead process has left; None where its process lives, or nothing is left."""
    try:
        return Lock(folder / LOCK)
    except FileNotFoundError:
        return _without_lock(folder)
    except OSError:
        return None


def _without_lock(folder: Path) -> Lock | None:
    """Take the lock of a folder that has lost its file, as one copied without it: no process can hold that."""
    if not _is_there(folder / DOCUMENT):
        return None  # just being made
    try:
        return Lock(folder / LOCK, new=True)
    except OSError:
        return None


def unreadable(folder: Path) -> str:
    """Return why an entry of this user's own cannot be looked into; empty where it can, or is another user's."""
    try:
        (folder / LOCK).stat()
    except PermissionError as error:
        with suppress(OSError):
            if not hasattr(os, "getuid") or folder.lstat().st_uid == os.getuid():
                return f"{folder} cannot be opened ({error.strerror}): correct its permissions"
    except OSError:
        pass
    return ""


def without_locks(error: BaseException) -> bool:
    """Whether `error` says that the disk has no locks, so that no process could tell whose window lives."""
    return isinstance(error, OSError) and error.errno in _NO_LOCKS


def clear(folder: Path, lock: Lock) -> None:
    """Remove the entry in `folder`, whose `lock` is held and then released; raise `OSError` where it stays."""
    try:
        with suppress(FileNotFoundError):
            (folder / DOCUMENT).unlink()  # first: what is half removed is no entry any more
    finally:
        lock.release()  # Windows removes no file that is open
    with suppress(OSError):
        for path in folder.iterdir():
            if path.name != LOCK:
                discard(path)
        (folder / LOCK).unlink(missing_ok=True)  # last: by it what is half removed is known as the journal's
        folder.rmdir()


def discard(path: Path) -> None:
    """Remove a file, or a folder with what it holds, as far as that can be done; no error is raised."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()


def sweep(root: Path, now: float) -> None:
    """Remove folders without a document that no process fills any more; `now` is the time in s since 1970. No error is
    raised."""
    for folder in folders(root):
        if _is_there(folder / DOCUMENT) or now - _written(folder) < UNFINISHED:
            continue
        lock = seized(folder)
        if lock is not None:
            with suppress(OSError):
                clear(folder, lock)


def size_of(folder: Path) -> int:
    """Return the bytes of all files under `folder`, as far as they can be counted."""
    total = 0
    for base, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += os.lstat(os.path.join(base, name)).st_size
    return total
