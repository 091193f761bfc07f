"""Runs as folders on disk: written beside and then moved into place, sizes checked before reading."""

import os
import shutil
import tempfile
from pathlib import Path

from hnn_engine.errors import RecordError
from hnn_engine.records.run import RUN_FILES, Run, read_run, run_files


def check_target(folder: Path, force: bool) -> None:
    """Raise `RecordError` where `folder` could not be written to: it holds something, or its parent refuses."""
    try:
        _check_target(folder, force)
    except OSError as error:
        raise RecordError(f"{folder} cannot be written: {error.strerror or error}; choose another place") from error


def _check_target(folder: Path, force: bool) -> None:
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise RecordError(f"{folder} is a file, but --out needs a folder: choose another name")
    if folder.is_dir() and any(folder.iterdir()):
        if not force:
            raise RecordError(f"{folder} is not empty: choose another folder, or add --force to replace it")
        if not (folder / "run.json").is_file():
            raise RecordError(f"{folder} holds no run, and --force replaces only runs: choose another folder")
    parent = folder.absolute().parent
    while not parent.exists():
        parent = parent.parent
    if not parent.is_dir() or not os.access(parent, os.W_OK):
        raise RecordError(f"{folder} cannot be written: {parent} allows no new folder; choose another place")


def write_run(run: Run, folder: Path, force: bool = False) -> None:
    """Write `run` into `folder` all at once; raise `RecordError` where that is not possible."""
    check_target(folder, force)
    target = folder.absolute()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
        try:
            for name, content in run_files(run).items():
                (beside / name).write_bytes(content)
            beside.chmod(0o755)
            _move_into_place(beside, target)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
    except OSError as error:
        raise RecordError(f"{folder} cannot be written: {error.strerror or error}; choose another place") from error


def _move_into_place(beside: Path, target: Path) -> None:
    """Replace `target`, which may exist, with `beside`; an interruption leaves one or the other whole."""
    if not target.exists():
        beside.rename(target)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{target.name}-old-", dir=target.parent))
    try:
        target.rename(old / "run")
        try:
            beside.rename(target)
        except OSError:
            (old / "run").rename(target)
            raise
    finally:
        shutil.rmtree(old, ignore_errors=True)


def load_run(folder: Path) -> Run:
    """Read the run in `folder`; raise `RecordError`."""
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise RecordError(f"{folder} {what}, but a run is a folder with run.json: name such a folder")
    files = {}
    for name, limit in RUN_FILES.items():
        path = folder / name
        if not path.is_file():
            continue
        size = path.stat().st_size
        if size > limit:
            raise RecordError(
                f"{path} has {size / 1e6:.0f} MB, but a run's has at most {limit / 1e6:.0f} MB: it is no run"
            )
        try:
            files[name] = path.read_bytes()
        except OSError as error:
            raise RecordError(f"{path} cannot be read: {error.strerror or error}; check its permissions") from error
    return read_run(files, str(folder))
