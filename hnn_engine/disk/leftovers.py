"""Temporary files and folders next to what is written, and what becomes of them where the writer was killed.

`.NAME.hnnlab-part-PID-KEY` is not finished, or done with: it may go. `.NAME.hnnlab-old-PID-KEY` is a folder that was
taken aside for another: it goes once the other is in place, and back until then. NAME is the target's, or of a long
one its beginning and a digest. Who works on one holds it, so that others leave it alone.
"""

import hashlib
import os
import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hnn_engine.disk import operations
from hnn_engine.disk.living import lives

PART, OLD = "part", "old"
_NAME = re.compile(r"\.(.+)\.hnnlab-(part|old)-([0-9]{1,10})-([0-9a-f]{8})", re.DOTALL)
_SHORTENED = re.compile(r"~[0-9a-f]{16}\Z")
_LONGEST = 80  # bytes of a target's name that are taken over whole
_PATIENCE = 2.0  # seconds for which a folder that another process replaces is waited for
_LOOK = 0.02  # seconds between two looks
_FORGOTTEN = 600.0  # seconds for which one stays whose owner cannot be asked and is no process of this machine
_TRIES = 20


@dataclass(frozen=True)
class Leftover:
    """A temporary file or folder, by its name alone."""

    path: Path
    stem: str  # says for what target it was made
    role: str  # PART or OLD
    process: int

    @property
    def target(self) -> Path | None:
        """The target that it was made for, where its name says so."""
        return None if _SHORTENED.search(self.stem) else self.path.with_name(self.stem)


def stem_of(name: str) -> str:
    """Return what stands for a target's name in names of temporary files: the name itself up to `_LONGEST` bytes, of a
    longer one its beginning and 16 digits of its SHA-256."""
    whole = os.fsencode(name)
    if len(whole) <= _LONGEST and not _SHORTENED.search(name):
        return name
    return f"{whole[:60].decode('utf-8', 'ignore')}~{hashlib.sha256(whole).hexdigest()[:16]}"


def beside(target: Path, role: str) -> Path:
    """Return a new name beside `target`, for the `role` `PART` or `OLD`."""
    return target.with_name(f".{stem_of(target.name)}.hnnlab-{role}-{os.getpid()}-{os.urandom(4).hex()}")


def leftover(path: Path) -> Leftover | None:
    """Return what `path` is by its name; None where it carries no mark of the program."""
    match = _NAME.fullmatch(path.name)
    return Leftover(path, match[1], match[2], int(match[3])) if match else None


def found(folder: Path) -> list[Leftover]:
    """Return what carries the program's mark in `folder`; raise `OSError` where it cannot be read."""
    marked = (leftover(folder / name) for name in operations.names(folder) if ".hnnlab-" in name)
    return [one for one in marked if one is not None]


# Making and clearing --------------------------------------------------------------------------------------------------


def make(target: Path, maker: Callable[[Path], None]) -> tuple[Path, operations.Hold]:
    """Let `maker` make something at a new path beside `target`; return the path, held. Raises `OSError` where `maker`
    does, or another process clears it away again and again."""
    for _ in range(_TRIES):
        path = beside(target, PART)
        maker(path)
        hold = _held(path)
        if hold is not None:
            return path, hold
    raise OSError(f"{target.name} is cleared away while it is written")


def _held(path: Path) -> operations.Hold | None:
    """Hold what was just made at `path`; return None where another process cleared it away before."""
    hold = None
    try:
        hold = operations.hold(path)
        if hold is not None and operations.look(path) is not None:
            return hold
    except FileNotFoundError:
        pass
    except BaseException:
        _give_up(path, hold)
        raise
    _give_up(path, hold)
    return None


def _give_up(path: Path, hold: operations.Hold | None) -> None:
    discard(path)
    if hold is not None:
        hold.release()


def discard(path: Path) -> None:
    """Remove a file, or a folder of files, as far as possible, without an error: folders in it are not ours, and
    stay."""
    with suppress(OSError):
        found = operations.look(path)
        if not operations.is_folder(found):
            if found is not None:
                operations.remove(path)
            return
        for name in operations.names(path):
            with suppress(OSError):
                operations.remove(path / name)
        operations.remove_folder(path)


def clear(folder: Path, known: Path | None = None) -> None:
    """Remove what killed processes left in `folder`, and put back what they had taken aside; no error is raised.

    What a process works on stays, and what cannot be removed. `known` is a target in `folder` that may have a long
    name.
    """
    with suppress(OSError):
        for one in found(folder):
            own = known is not None and one.stem == stem_of(known.name)
            with suppress(OSError):
                _clear(one, known if own else one.target)


def _clear(one: Leftover, target: Path | None) -> None:
    status = operations.look(one.path)
    if not (operations.is_file(status) or operations.is_folder(status)):
        return
    hold = operations.hold(one.path)
    if hold is None:
        return
    try:
        if not hold.certain and _may_live(one):
            return
        if one.role == PART:
            discard(one.path)
        elif target is not None:
            _settle(one, target)
    finally:
        hold.release()


def is_held(one: Leftover) -> bool:
    """Whether a process works on it, as far as that can be told. Raises `OSError` where it is gone."""
    hold = operations.hold(one.path)
    if hold is None:
        return True
    hold.release()
    return not hold.certain and _may_live(one)


def _may_live(one: Leftover) -> bool:
    if os.name == "nt" or lives(one.process):  # Windows removes nothing that is open
        return lives(one.process)
    status = operations.look(one.path)  # on a disk of another machine, where its processes are not known
    return status is not None and abs(time.time() - max(status.st_mtime, status.st_ctime)) < _FORGOTTEN


# Folders taken aside --------------------------------------------------------------------------------------------------


def restore(target: Path) -> None:
    """Put back what was taken from `target` by a replacement that was cut off; wait up to `_PATIENCE` s for one that
    goes on. No error is raised."""
    with suppress(OSError):
        end = time.monotonic() + _PATIENCE
        while _is_free(target):
            asides = [one for one in found(target.parent) if one.role == OLD and one.stem == stem_of(target.name)]
            if not asides:
                return
            # Put back while another process replaces it, that one gets an error: the path has the old one then.
            if time.monotonic() > end or not all(is_held(one) for one in asides):
                operations.move(asides[0].path, target)
                operations.sync_folder(target.parent)
                return
            time.sleep(_LOOK)


def throw_away(aside: Path, target: Path) -> None:
    """Remove the folder `aside` now that `target` has another; it is never put back from here, wherever this is cut
    off. No error is raised."""
    with suppress(OSError):
        rest = beside(target, PART)
        operations.move(aside, rest)
        discard(rest)


def _settle(one: Leftover, target: Path) -> None:
    if _is_free(target):
        operations.move(one.path, target)
        operations.sync_folder(target.parent)
    elif operations.is_folder(operations.look(target)) and _alike(one.path, target):
        throw_away(one.path, target)


def _is_free(target: Path) -> bool:
    """Whether nothing is at `target`, or an empty folder."""
    status = operations.look(target)
    return status is None or (operations.is_folder(status) and not operations.names(target))


def _alike(one: Path, other: Path) -> bool:
    """Whether two folders hold some files of the same names: else the one did not come in place of the other."""
    left = operations.names(one)
    return not left or not set(left).isdisjoint(operations.names(other))
