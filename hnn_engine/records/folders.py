"""Runs as folders on disk: written under another name and then moved into place, sizes checked before reading.

A run is never changed where it lies, only replaced whole, and only a run is replaced.
"""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hnn_engine.atomic_write import Verify, check_room, is_protected, reading, recover, resolved, told, write_folder
from hnn_engine.disk import leftovers, operations
from hnn_engine.errors import RecordError, listing
from hnn_engine.records.documents import parsed
from hnn_engine.records.run import RUN_FILES, RUN_ID, Run, read_run, run_files

_log = logging.getLogger(__name__)
_NAMED = 5  # of what stands in the way
_READINGS = 5  # of a folder that is replaced while it is read
_HEADER = b"step,train_loss,test_loss"  # how every history.csv begins


# Writing --------------------------------------------------------------------------------------------------------------


def check_target(folder: Path, force: bool, option: str = "--out", cached: bool = False) -> None:
    """Raise `RecordError` where `folder` could not be written to: it holds something, or its parent refuses.

    With `force` a run may be there, and nothing else: what the program did not write is named. `option` is where the
    user has named the folder. Of one that the program has named, and `cached` there, a damaged run may go too.
    """
    with told(folder):
        target = resolved(folder)
        recover(folder)
        _check_content(folder, target, force, option, cached)
        check_room(folder, target.parent, option)


def _check_content(folder: Path, target: Path, force: bool, option: str, cached: bool) -> None:
    found = operations.look(target)
    if found is None:
        return
    if not operations.is_folder(found):
        raise RecordError(f"{folder} is a file, but {option} needs a folder: choose another name")
    leftovers.clear(target)
    names = operations.names(target)
    if names and not force:
        raise RecordError(f"{folder} is not empty: choose another folder, or add --force to replace it")
    foreign = [said for said in (_foreign(target / name) for name in names) if said]
    why = f"{'--force' if option == '--out' else option} replaces only runs"
    _refuse_foreign(folder, foreign, why)
    if names:
        document = _document(folder, target, why, cached)
        others = [name for name in names if name in RUN_FILES and not _is_ours(target / name, document)]
        _refuse_foreign(folder, [f"{name} of another program's" for name in others], why)
    protected = [name for name in names if is_protected(target / name)]
    if protected or is_protected(target):
        what = f"{protected[0]} in {folder}" if protected else str(folder)
        raise RecordError(f"{what} is read-only and stays as it is: choose another folder, or make it writable first")


def _refuse_foreign(folder: Path, foreign: Sequence[str], why: str) -> None:
    """Raise `RecordError` that names what is `foreign` in `folder`, if anything is."""
    if foreign:
        which = "which is no part of a run" if len(foreign) == 1 else "which are no parts of a run"
        away = f"{listing(foreign, most=_NAMED)}, {which}"
        raise RecordError(f"{folder} holds {away}, and {why}: move that away, or choose another folder")


def _foreign(path: Path) -> str:
    """Return the name of what is no part of a run, and what it is; empty for a part of one, or a leftover."""
    found, name = operations.look(path), path.name if path.name.isprintable() else ascii(path.name)
    if found is None:
        return ""
    if operations.is_folder(found):
        return f"{name} (a folder)"
    if not operations.is_file(found):
        return f"{name} (a link)" if path.is_symlink() else f"{name} (no file)"
    one = leftovers.leftover(path)
    if one is not None:
        return f"{name} (being written)" if leftovers.is_held(one) else ""
    return "" if path.name in RUN_FILES else name


def _document(folder: Path, target: Path, why: str, cached: bool) -> Mapping[str, Any]:
    """Return what run.json holds; raise `RecordError` where it is no run's of the program or not to be told."""
    found = operations.look(target / "run.json")
    document: object = None
    if found is not None and found.st_size <= RUN_FILES["run.json"]:
        try:
            document = parsed(operations.read(target / "run.json"))
        except (ValueError, RecursionError):
            if cached:
                return {"recording": None}
            what = "its run.json is damaged, and it is not a run that HNN Lab can tell for its own"
            raise RecordError(f"{folder}: {what}, and {why}: move it away, or choose another folder") from None
    if not isinstance(document, dict) or not _is_run(document):
        raise RecordError(f"{folder} holds no run that HNN Lab has written, and {why}: choose another folder")
    return document


def _is_run(document: Mapping[str, Any]) -> bool:
    """Whether run.json is made as the program makes it."""
    key, experiment, result = (document.get(name) for name in ("id", "experiment", "result"))
    numbered = type(document.get("format")) is int and isinstance(key, str) and RUN_ID.fullmatch(key) is not None
    asked = isinstance(experiment, dict) and {"source", "models"} <= set(experiment)
    return numbered and asked and isinstance(result, dict)


def _is_ours(path: Path, document: Mapping[str, Any]) -> bool:
    """Whether a file begins as the program writes it; an empty one, which holds nothing, may go."""
    if path.name == "data.npz" and "recording" not in document:
        return False
    start = operations.beginning(path, len(_HEADER)) if path.name != "run.json" else b""
    if not start:
        return True
    if path.name == "history.csv":
        return start == _HEADER
    return start.startswith(b"PK") if path.name == "data.npz" else start[8:9] == b"{"


def write_run(run: Run, folder: Path, force: bool = False, option: str = "--out", cached: bool = False) -> None:
    """Write `run` into `folder` all at once, read back before it replaces another; raise `RecordError` where that is
    not possible, and as `check_target` does."""
    check_target(folder, force, option, cached)
    files = run_files(run)
    write_folder(folder, files, _reader(files, folder))


def _reader(files: Mapping[str, bytes], folder: Path) -> Verify:
    """Return what reads back a run of which `files` were written."""

    def verify(beside: Path) -> None:
        back = {name: operations.read(beside / name) for name in files}
        if back != files:
            raise RecordError(f"{folder} was not written: the disk gives back other bytes than it got; choose another")
        read_run(back, f"{folder} was not written: what was to be there")

    return verify


# Reading --------------------------------------------------------------------------------------------------------------


def is_run_folder(folder: Path) -> bool:
    """Whether `folder` is a folder, put back first where replacing it was cut off; raise `RecordError` where that
    cannot be told."""
    for _ in range(_READINGS):
        recover(folder)  # which waits for a replacement that goes on; another one may begin before the next line
        with reading(folder):
            found = operations.kind(folder)
        if found is not None:
            break
    return operations.is_folder(found)


def load_run(folder: Path) -> Run:
    """Read the run in `folder`; raise `RecordError` that says what is wrong and what to do."""
    if not is_run_folder(folder):
        with reading(folder):
            what = "does not exist" if operations.kind(folder) is None else "is a file"
        raise RecordError(f"{folder} {what}, but a run is a folder with run.json: name such a folder")
    with reading(folder):
        leftovers.clear(resolved(folder))
        files = _read_whole(folder)
    run = read_run(files, str(folder))
    _log.info("Run opened: %s", folder)
    return run


def _read_whole(folder: Path) -> dict[str, bytes]:
    """Return the files of the run in `folder`: all of one run, though it be replaced meanwhile; raise `RecordError`."""
    for _ in range(_READINGS):
        before = _identity(folder)
        try:
            files = {name: content for name in RUN_FILES if (content := _read_one(folder / name)) is not None}
        except RecordError:
            if before == _identity(folder):
                raise
            continue
        if before == _identity(folder):
            return files
        is_run_folder(folder)
    raise RecordError(f"{folder} is replaced again and again while it is read: wait until that is over")


def _identity(folder: Path) -> tuple[int, ...]:
    """Return numbers that change when another folder comes in the place of this one."""
    found = operations.look(resolved(folder))
    return () if found is None else (found.st_dev, found.st_ino, found.st_mtime_ns)


def _read_one(path: Path) -> bytes | None:
    """Return the content of a file, None where there is none."""
    with reading(path):
        found = operations.kind(path)
    if found is None or not operations.is_file(found):
        return None
    limit, size = RUN_FILES[path.name], found.st_size
    if size > limit:
        raise RecordError(f"{path} has {size / 1e6:.0f} MB, but a run's has at most {limit / 1e6:.0f} MB: it is no run")
    with reading(path):
        return operations.read(path)
