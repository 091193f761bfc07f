"""A file written beside and then moved into place: an interruption leaves the old one or the new one, whole."""

import os
import tempfile
from pathlib import Path

from hnn_engine.errors import RecordError


def write_file(path: Path, content: bytes) -> None:
    """Write `content` to `path` all at once, with the rights that a new file has (or the old one had).

    Raises `RecordError` where that is not possible.
    """
    target, temporary = path.absolute(), ""
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{target.name[:80]}-", dir=target.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~_umask())
        os.replace(temporary, target)
    except OSError as error:
        raise RecordError(f"{path} cannot be written: {error.strerror or error}; choose another place") from error
    finally:
        if temporary and os.path.exists(temporary):
            os.unlink(temporary)


def check_file(path: Path, option: str) -> None:
    """Raise `RecordError` where `path`, the value of `option`, could not be written; asked before long work."""
    try:
        if path.is_dir():
            raise RecordError(f"{path} is a folder, but {option} needs a file: name one in it")
        if path.exists() and not os.access(path, os.W_OK):
            raise RecordError(f"{path} cannot be written: it is protected; choose another place")
        tempfile.TemporaryFile(dir=path.absolute().parent).close()
    except OSError as error:
        raise RecordError(f"{path} cannot be written: {error.strerror or error}; choose another place") from error


def check_folder(path: Path, option: str) -> None:
    """Raise `RecordError` where no file could be written into the folder `path`, the value of `option`, or in a new
    one there."""
    nearest = path.absolute()
    while not nearest.exists() and nearest != nearest.parent:
        nearest = nearest.parent
    if not nearest.is_dir():
        raise RecordError(f"{path} cannot be written: {nearest} is a file, but {option} needs a folder")
    try:
        tempfile.TemporaryFile(dir=nearest).close()
    except OSError as error:
        raise RecordError(f"{path} cannot be written: {error.strerror or error}; name another by {option}") from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
