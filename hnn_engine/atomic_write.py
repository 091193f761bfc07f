"""Files and folders written under another name and then moved into place: after an interruption either the old one or
the new one is there, whole.

All that is written is flushed to the disk first. What a killed process left behind is cleared when something is next
written or opened in the same folder (`recover`).
"""

import errno
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from hnn_engine.disk import leftovers, operations
from hnn_engine.errors import HnnLabError, ProtectedFileError, RecordError

_log = logging.getLogger(__name__)
Verify = Callable[[Path], None]
"""Checks the new file or folder before it replaces the old one; where it raises, the old one stays."""


# Files ----------------------------------------------------------------------------------------------------------------


def write_file(path: Path, content: bytes, verify: Verify | None = None, replace_protected: bool = False) -> None:
    """Write `content` to `path` all at once, with the rights that a new file has (or the old one had).

    Of a link, what it points to is written. `verify` is called with the new file before it replaces the old one.
    Raises `ProtectedFileError` for a read-only file, unless `replace_protected`, `RecordError` where writing is not
    possible, and what `verify` raises: the old file is there then.
    """
    write_by(path, lambda beside: operations.write(beside, content), verify, replace_protected)


def write_by(
    path: Path, produce: Callable[[Path], None], verify: Verify | None = None, replace_protected: bool = False
) -> None:
    """Do as `write_file` with what `produce` writes into the empty file whose path it is given; raise what it raises,
    and then the old file stays."""
    with told(path):
        target = resolved(path)
        old = _replaceable(path, target, replace_protected)
        leftovers.clear(target.parent)
        mode = 0o666 if old is None else old & 0o777
        with _beside(target, lambda place: operations.create(place, mode | 0o600)) as beside:
            produce(beside)
            operations.sync(beside)
            if old is not None:
                operations.allow(beside, mode)
            if verify is not None:
                verify(beside)
            if os.name == "nt" and old is not None:
                operations.allow(target, mode | 0o600)  # Windows replaces nothing that is read-only
            operations.move(beside, target)
        operations.sync_folder(target.parent)
    _log.info("Written: %s", target)


def _replaceable(path: Path, target: Path, protected: bool) -> int | None:
    """Return the rights of the file at `target`, None where there is none; raise `RecordError` where it must stay."""
    old = operations.look(target)
    if old is None:
        return None
    if operations.is_folder(old):
        raise RecordError(f"{path} is a folder, but a file is to be written: choose another name")
    if not operations.is_file(old):
        raise RecordError(f"{path} is a device or a pipe, but a file is to be written: choose another name")
    if not protected and is_protected(target):
        raise ProtectedFileError(path)
    return old.st_mode


def is_protected(path: Path) -> bool:
    """Whether a file or folder is read-only: by its rights, which bind the user root too, or for this user. Raises
    `OSError` where there is none."""
    return not os.stat(path).st_mode & 0o222 or not os.access(path, os.W_OK)


# Folders --------------------------------------------------------------------------------------------------------------


def write_folder(path: Path, files: Mapping[str, bytes], verify: Verify | None = None) -> None:
    """Let `path` be a folder that holds `files`, name -> content, all at once, instead of the folder that is there.

    The folders above are made. `verify` is called with the new folder before it replaces the old one. Raises
    `RecordError` where that is not possible, and what `verify` raises: the old folder is there then.
    """

    def produce(beside: Path) -> None:
        for name, content in files.items():
            operations.create(beside / name)
            operations.write(beside / name, content)
            operations.sync(beside / name)

    write_folder_by(path, produce, verify)


def write_folder_by(path: Path, produce: Callable[[Path], None], verify: Verify | None = None) -> None:
    """Do as `write_folder` with what `produce` writes, and flushes, into the empty folder whose path it is given; raise
    what it raises, and then the old folder stays."""
    with told(path):
        target = resolved(path)
        _make_folders(target.parent)
        with _beside(target, operations.make_folder) as beside:
            produce(beside)
            operations.sync_folder(beside)
            if verify is not None:
                verify(beside)
            _put_in_place(beside, target)
    _log.info("Written: %s", target)


def _put_in_place(beside: Path, target: Path) -> None:
    """Replace `target`, a folder that may be missing, with `beside`; what was there is at `beside` then, or gone."""
    old = operations.look(target)
    if old is not None:
        operations.allow(beside, old.st_mode & 0o777)
    if old is None or not operations.names(target):
        if old is not None and os.name == "nt":
            operations.remove_folder(target)
        operations.move(beside, target)
    elif not operations.exchange(beside, target):
        _move_twice(beside, target)
    operations.sync_folder(target.parent)


def _move_twice(beside: Path, target: Path) -> None:
    """Take `target` aside and move `beside` there. Cut off between the two, `recover` puts the old one back."""
    hold = operations.hold(target)
    if hold is None:
        raise RecordError(f"{target} is being replaced by another HNN Lab: wait for it, or choose another folder")
    try:
        aside = leftovers.beside(target, leftovers.OLD)
        operations.move(target, aside)
        try:
            operations.move(beside, target)
        except BaseException:
            hold.release()
            leftovers.restore(target)
            raise
        operations.sync_folder(target.parent)
        leftovers.throw_away(aside, target)
    finally:
        hold.release()


def make_folders(path: Path) -> None:
    """Make the folder `path` and those above it, where they are missing; raise `RecordError`."""
    with told(path):
        _make_folders(resolved(path))


def _make_folders(path: Path) -> None:
    if operations.is_folder(operations.look(path)):
        return
    if path == path.parent:  # a drive that is not there
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    _make_folders(path.parent)
    try:
        operations.make_folder(path)
    except FileExistsError:
        if not operations.is_folder(operations.kind(path)):
            raise
    operations.sync_folder(path.parent)


# Both -----------------------------------------------------------------------------------------------------------------


def recover(path: Path) -> None:
    """Let `path` be what it was or should have become, where replacing it was cut off, and clear the temporary files
    next to it.

    Called before anything is opened or written; what cannot be mended stays as it is, and nothing is raised.
    """
    with suppress(OSError):  # the current folder is gone
        target = resolved(path)
        leftovers.restore(target)
        leftovers.clear(target.parent, target)


def resolved(path: Path) -> Path:
    """Return what `path` points to, from the root on; raise `OSError` where the current folder is gone."""
    return Path(os.path.realpath(path))


@contextmanager
def told(path: Path, way_out: str = "choose another place") -> Iterator[None]:
    """Turn an `OSError` while `path` is written into a `RecordError`."""
    try:
        yield
    except OSError as error:
        raise RecordError(f"{path} cannot be written: {error.strerror or error}; {way_out}") from error


@contextmanager
def reading(path: Path, fault: type[HnnLabError] = RecordError) -> Iterator[None]:
    """Turn an `OSError` while `path` is looked at or read into a `fault`."""
    try:
        yield
    except OSError as error:
        why = error.strerror or error
        raise fault(f"{path} cannot be read: {why}; check its name and its permissions") from error


@contextmanager
def _beside(target: Path, maker: Callable[[Path], None]) -> Iterator[Path]:
    """Yield what `maker` makes beside `target`, held by this process; what is there in the end goes."""
    path, hold = leftovers.make(target, maker)
    try:
        yield path
    finally:
        leftovers.discard(path)
        hold.release()


# Asked before long work -----------------------------------------------------------------------------------------------


def check_file(path: Path, option: str, replace_protected: bool = False) -> None:
    """Check before long work that `path`, the value of `option`, could be written; raise `RecordError`, or
    `ProtectedFileError` for a read-only file unless `replace_protected`."""
    with told(path):
        if operations.is_folder(operations.kind(path)):
            raise RecordError(f"{path} is a folder, but {option} needs a file: name one in it")
        target = resolved(path)
        _replaceable(path, target, replace_protected)
        _try_out(target)


def check_folder(path: Path, option: str) -> None:
    """Raise `RecordError` where no file could be written into the folder `path`, the value of `option`, or in a new
    one there."""
    check_room(path, path, option)


def check_room(path: Path, folder: Path, option: str) -> None:
    """Raise `RecordError`, which names `path`, the value of `option`, where `folder` or the nearest one above it that
    is there takes nothing new."""
    with told(path, f"name another by {option}"):
        nearest = resolved(folder)
        while operations.look(nearest) is None and nearest != nearest.parent:
            nearest = nearest.parent
        if not operations.is_folder(operations.kind(nearest)):
            raise RecordError(
                f"{path} cannot be written: {nearest} is a file, but {option} needs a folder; choose another place"
            )
        _try_out(nearest / "try")


def _try_out(target: Path) -> None:
    """Make a file beside `target` and remove it again."""
    with _beside(target, operations.create):
        pass
