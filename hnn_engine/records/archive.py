"""Zips from anywhere: their table of contents is checked before a byte of a member is unpacked.

What is refused: more members than there may be, one name twice, members over each other, encrypted ones, ways of
packing that are not used here, and little that would become much.
"""

import io
import os
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import IO, BinaryIO

from hnn_engine.errors import RecordError
from hnn_engine.limits import ALWAYS_UNPACKED, MOST_PACKING

_END, _END_SIGN, _LOCATOR, _LOCATOR_SIGN = 22, b"PK\x05\x06", 20, b"PK\x06\x07"
_ENTRY = 400  # bytes that a member's line in the table of contents has at most
_LOCAL = 30  # bytes before a member, and its name
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


@dataclass(frozen=True)
class Content:
    """What a zip may hold: at most `most` members, and of a name as many bytes as `limit` says, which is None where
    there is none of that name. It is `called` so; `many` says what is too much, and `not_one` what else it is.
    `shrinks` says that it may be any number of times smaller than what is in it."""

    called: str
    most: int
    many: str
    not_one: str
    limit: Callable[[str], int | None]
    shrinks: bool = False


def believable(unpacked: int, packed: int) -> bool:
    """Whether `unpacked` bytes may come out of a zip of `packed` bytes."""
    return unpacked <= ALWAYS_UNPACKED + MOST_PACKING * packed


class Archive:
    """A zip whose members are read one by one. `where` begins every message. Raises `RecordError` for all faults."""

    def __init__(self, file: BinaryIO, where: str, content: Content) -> None:
        """Open the zip in `file` and check its table of contents against `content`, before a byte is unpacked. Messages
        begin with `where`. Raises `RecordError`."""
        self._where, self._content, self._size = where, content, file.seek(0, os.SEEK_END)
        self._check_end(file)
        try:
            self._zip = zipfile.ZipFile(file)
        except Exception as error:  # what a damaged table of contents raises is of many kinds
            raise self._damaged(error) from error
        infos = [info for info in self._zip.infolist() if not info.filename.endswith("/")]
        if len(infos) > content.most:
            raise self._refused(content.many)
        self._infos: dict[str, zipfile.ZipInfo] = {}
        for info in infos:
            self._check_member(info)
            self._infos[info.filename] = info
        self._check_lengths(infos)

    @classmethod
    def of(cls, packed: bytes, where: str, content: Content) -> "Archive":
        """Open the zip whose bytes `packed` are; raise `RecordError` as the class says."""
        return cls(io.BytesIO(packed), where, content)

    def __enter__(self) -> "Archive":
        """Return itself, open."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the zip; the file stays open."""
        self._zip.close()

    @property
    def sizes(self) -> dict[str, int]:
        """The members' sizes in bytes, unpacked, by name."""
        return {name: info.file_size for name, info in self._infos.items()}

    def read(self, name: str) -> bytes:
        """Return the member `name`, unpacked; never more of it than the table of contents says. Raises `RecordError`
        where it is damaged, `KeyError` where there is none."""
        size = self._infos[name].file_size
        try:
            with self.open(name) as member:
                found = member.read(size) + member.read(1)  # at the end the checksum is compared
        except Exception as error:  # as zip and zlib raise them
            raise self._damaged(error) from error
        if len(found) != size:
            raise self._damaged(f"{name[:80]!r} is shorter than it says")
        return found

    def open(self, name: str) -> IO[bytes]:
        """Open the member `name`, which raises `KeyError` where there is none; what is wrong with it is raised as zip
        and zlib have it."""
        return self._zip.open(self._infos[name])

    def _damaged(self, why: object) -> RecordError:
        return RecordError(f"{self._where} {self._content.not_one} ({str(why)[:120]}): restore it from a copy")

    def _refused(self, why: str) -> RecordError:
        return RecordError(f"{self._where} is refused: {why}")

    def _check_end(self, file: BinaryIO) -> None:
        """Read the last bytes of the file, which say how long the table of contents is, as `zipfile` will."""
        file.seek(-min(_END + _LOCATOR, self._size), os.SEEK_END)
        end = file.read()
        before, record = end[:-_END], end[-_END:]
        file.seek(0)
        if len(record) < _END or not record.startswith(_END_SIGN) or record[-2:] != b"\x00\x00":
            raise self._damaged("it does not end as a zip without a comment does")
        count, table = int.from_bytes(record[10:12], "little"), int.from_bytes(record[12:16], "little")
        most = 2 * (self._content.most + 1)  # with the folders that other programs pack
        if count > most or table > most * _ENTRY or before.startswith(_LOCATOR_SIGN):
            raise self._refused(self._content.many)

    def _check_member(self, info: zipfile.ZipInfo) -> None:
        name, called, largest = repr(info.filename[:80]), self._content.called, self._content.limit(info.filename)
        if largest is None:
            raise self._refused(f"it holds {name}, which is no part of {called}")
        if info.filename in self._infos:
            raise self._refused(f"it holds {name} twice; restore it from a copy")
        if info.flag_bits & 1 or info.compress_type not in _METHODS:
            raise self._refused(f"{name} is encrypted or packed as in no other; restore it from a copy")
        if info.file_size > largest:
            size = f"has {info.file_size / 1e6:.0f} MB unpacked, more than the {largest / 1e6:.0f} MB"
            raise self._refused(f"{name} {size} that {called} may have of it; restore it from a copy")

    def _check_lengths(self, infos: list[zipfile.ZipInfo]) -> None:
        """Refuse members that lie over each other, and a small file that would become a large one."""
        end = 0
        for info in sorted(infos, key=lambda one: one.header_offset):
            if info.header_offset < end:
                raise self._refused("its members lie over each other; restore it from a copy")
            end = info.header_offset + _LOCAL + len(info.orig_filename) + info.compress_size
        if end > self._size:
            raise self._damaged("a member is longer than the file")
        unpacked = sum(info.file_size for info in infos)
        if not (self._content.shrinks or believable(unpacked, self._size)):
            size = f"{unpacked / 1e6:.0f} MB out of {self._size / 1e6:.2g} MB"
            raise self._refused(f"it would unpack to {size}, which {self._content.called} does not; restore it")


class Members(Mapping[str, bytes]):
    """The members of `archive` whose names begin with `prefix`, each unpacked when it is asked for."""

    def __init__(self, archive: Archive, prefix: str = "") -> None:
        """Show the members of `archive` whose names begin with `prefix`, by the rest of their names."""
        self._archive = archive
        self._names = {name[len(prefix) :]: name for name in archive.sizes if name.startswith(prefix)}

    def __getitem__(self, name: str) -> bytes:
        """Return the bytes of the member `name`, unpacked now; raise `KeyError`, or `RecordError` where it is
        damaged."""
        return self._archive.read(self._names[name])

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names."""
        return iter(self._names)

    def __len__(self) -> int:
        """Return the number of members."""
        return len(self._names)

    def __contains__(self, name: object) -> bool:
        """Whether there is a member of this name; nothing is unpacked for it."""
        return name in self._names

    def size(self, name: str) -> int:
        """Return how many bytes a member is, unpacked; raise `KeyError`."""
        return self._archive.sizes[self._names[name]]


def size_of(files: Mapping[str, bytes], name: str) -> int:
    """Return the bytes of the file `name`, which is not unpacked for that; raise `KeyError`."""
    return files.size(name) if isinstance(files, Members) else len(files[name])
