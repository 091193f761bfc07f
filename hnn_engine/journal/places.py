"""Where the journal lies, the folders in it, and the locks that say whose process still lives."""

import os
import secrets
import shutil
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from hnn_engine.places import data_folder

LIMIT = 200_000_000  # bytes of all entries together
DOCUMENT = "document.json"  # an entry without it holds nothing yet, or is being removed
LOCK = "lock"
UNFINISHED = 3600.0  # s after which a folder without a document is what an interruption has left
TRIES = 5


def journal_folder() -> Path:
    """Return the folder of the journal."""
    return data_folder() / "journal"


class Lock:
    """Holds the file `path` until it is released or the process ends; raises `OSError` where another process does, or
    where the file cannot be opened."""

    def __init__(self, path: Path, new: bool = False) -> None:
        self._file: int | None = os.open(path, os.O_RDWR | (os.O_CREAT if new else 0), 0o600)
        try:
            _lock(self._file)
        except OSError:
            self.release()
            raise

    def release(self) -> None:
        """Let it go."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _lock(file: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


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
    """Return the folders of all entries under `root`, the one written longest ago first."""
    try:
        found = [path for path in root.iterdir() if path.is_dir() and not path.is_symlink()]
    except OSError:
        return []
    return sorted(found, key=lambda path: (_written(path), path.name))


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
    """Take the lock of a folder that has lost its file, as one copied without it: nobody can hold that."""
    if not (folder / DOCUMENT).is_file():
        return None  # just being made
    try:
        return Lock(folder / LOCK, new=True)
    except OSError:
        return None


def clear(folder: Path, lock: Lock) -> None:
    """Remove the entry in `folder`, whose `lock` is held and then released; raise `OSError` where it stays."""
    try:
        with suppress(FileNotFoundError):
            (folder / DOCUMENT).unlink()  # first: what is half removed is no entry any more
    finally:
        lock.release()  # Windows removes no file that is open
    shutil.rmtree(folder, ignore_errors=True)


def sweep(root: Path, now: float) -> None:
    """Remove folders without a document that nobody fills any more; `now` is the time in s."""
    for folder in folders(root):
        if (folder / DOCUMENT).exists() or now - _written(folder) < UNFINISHED:
            continue
        lock = seized(folder)
        if lock is not None:
            with suppress(OSError):
                clear(folder, lock)
        elif not (folder / LOCK).exists():
            shutil.rmtree(folder, ignore_errors=True)


def size_of(folder: Path) -> int:
    """Return the bytes of all files under `folder`, as far as they can be counted."""
    total = 0
    for base, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += os.lstat(os.path.join(base, name)).st_size
    return total
