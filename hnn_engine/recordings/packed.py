"""Zips that hold tables, of phyphox, Excel and NumPy: what is in them is checked before it is unpacked."""

import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from hnn_engine.errors import RecordingError, shortened
from hnn_engine.limits import ALWAYS_UNPACKED, LARGEST_TABLE, MOST_PACKING
from hnn_engine.recordings.regular import open_regular

MOST_MEMBERS = 1_000
_END, _SIGN, _COMMENT = 22, b"PK\x05\x06", 65_536
_ENTRY = 1_000  # bytes that a member's line in the table of contents has at most
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_WANTED = "a table, as text or packed"


@contextmanager
def opened_zip(name: str) -> Iterator[zipfile.ZipFile]:
    """Open the zip `name` once its table of contents is known to be small, and what it holds no larger than a table.

    Raises `RecordingError` where that is not so, and where it is damaged, also while a member of it is read.
    """
    with open_regular(name, _WANTED) as file:
        _check_end(name, file)
        try:
            with zipfile.ZipFile(file) as packed:
                _check_members(name, packed)
                yield packed
        except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, EOFError, OSError) as error:
            raise damaged(name, error) from None
        except Exception as error:
            if type(error).__module__ == "zlib":
                raise damaged(name, error) from None
            raise


def damaged(name: str, why: object) -> RecordingError:
    """Return the error that a packed file cannot be unpacked."""
    return RecordingError(f"{name} is damaged ({shortened(str(why))}); expected {_WANTED}: export it again")


def _check_end(name: str, file: IO[bytes]) -> None:
    """Raise `RecordingError` where the table of contents is missing, or longer than a table's can be."""
    size = file.seek(0, os.SEEK_END)
    if size > LARGEST_TABLE:
        found = f"{size / 2**20:.0f} MB, more than {LARGEST_TABLE // 2**20} MB"
        raise RecordingError(f"{name} has {found}; expected one recording: cut it or leave out rows")
    file.seek(max(0, size - _END - _COMMENT))
    tail = file.read()
    at = tail.rfind(_SIGN)
    file.seek(0)
    if at < 0 or len(tail) - at < _END:
        raise damaged(name, "its end is missing")
    count = int.from_bytes(tail[at + 10 : at + 12], "little")
    length = int.from_bytes(tail[at + 12 : at + 16], "little")
    if count > MOST_MEMBERS or length > MOST_MEMBERS * _ENTRY:
        raise RecordingError(
            f"{name} holds more than {MOST_MEMBERS} files; expected one table: unpack it, and open one"
        )


def _check_members(name: str, packed: zipfile.ZipFile) -> None:
    infos = packed.infolist()
    for info in infos:
        if info.flag_bits & 1 or info.compress_type not in _METHODS:
            inner = shortened(info.filename)
            raise RecordingError(f"{name}: '{inner}' is encrypted or packed unusually; expected deflate: pack it again")
    unpacked = sum(info.file_size for info in infos)
    size = os.fstat(packed.fp.fileno()).st_size if packed.fp is not None else 0
    if unpacked > min(LARGEST_TABLE, ALWAYS_UNPACKED + MOST_PACKING * size):
        found = f"{unpacked / 2**20:.0f} MB unpacked, more than {LARGEST_TABLE // 2**20} MB or than it can hold"
        raise RecordingError(f"{name} has {found}; expected one recording: cut it or leave out rows")
