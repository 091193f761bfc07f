"""Regular files opened for reading: never a pipe, a device or a socket, which would keep the reader waiting."""

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

from hnn_engine.errors import RecordError

_FLAGS = ("O_NONBLOCK", "O_CLOEXEC", "O_NOCTTY", "O_BINARY", "O_NOINHERIT")  # those that the system has


class IrregularError(OSError):
    """A pipe, a device or a socket."""


def opened(path: str | Path) -> BinaryIO:
    """Open the regular file at `path`; raise `IsADirectoryError`, `IrregularError`, another `OSError`, or `ValueError`
    for a path with a null character."""
    _check_kind(os.stat(path).st_mode)
    handle = os.open(path, os.O_RDONLY | sum(getattr(os, flag, 0) for flag in _FLAGS))
    try:
        _check_kind(os.fstat(handle).st_mode)  # it may have been replaced since
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def _check_kind(mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(mode):
        raise IrregularError(errno.EINVAL, "it is no regular file")


def open_regular(path: Path, expected: str, largest: int) -> BinaryIO:
    """Open the file at `path`, which holds what is `expected`, say 'a session', in at most `largest` bytes.

    Raises `RecordError` where there is none, where it is no regular file, is too large, or cannot be read.
    """
    try:
        file = opened(path)
    except IsADirectoryError:
        raise RecordError(f"{path} is a folder, but {expected} is a file: choose a file in it") from None
    except IrregularError:
        raise RecordError(f"{path} is no regular file, which {expected} is: choose another one") from None
    except (FileNotFoundError, NotADirectoryError):
        raise RecordError(f"{path} does not exist: check its name") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise RecordError(f"{path} cannot be read: {reason}; check its name and its permissions") from error
    size = os.fstat(file.fileno()).st_size
    if size > largest:
        file.close()
        raise RecordError(_too_large(path, size, expected, largest))
    return file


def read_regular(path: Path, expected: str, largest: int) -> bytes:
    """Return the content of the file at `path`; raise `RecordError` as `open_regular` does. `expected` says what it
    holds; `largest` is in bytes."""
    with open_regular(path, expected, largest) as file:
        try:
            content = file.read(largest + 1)
        except OSError as error:
            raise RecordError(f"{path} cannot be read: {error.strerror or error}; check its permissions") from error
    if len(content) > largest:  # it has grown
        raise RecordError(_too_large(path, len(content), expected, largest))
    return content


def _too_large(path: Path, size: int, expected: str, largest: int) -> str:
    return f"{path} has {size / 1e6:.0f} MB, but {expected} has at most {largest / 1e6:.0f} MB: choose another one"
