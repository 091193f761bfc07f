"""What files of films say of themselves, read before any library sees them: how many pictures, and whether all are
there."""

import os
import struct
from collections.abc import Callable
from io import BytesIO
from typing import BinaryIO, NamedTuple

from hnn_engine.video.clip import MOST_STORED

STRIP_OFFSETS, STRIP_LENGTHS = (273, 324), (279, 325)  # tags of strips and of tiles
TIFF_NUMBERS = {3: "H", 4: "I", 16: "Q"}  # kinds of numbers
MOST_STRIPS = 100_000  # of a picture
MOST_STRAY = 256  # bytes between the blocks of a GIF that belong to none
FILM_BOXES = {b"moov", b"mdat"}  # of MP4 and QuickTime: the index, and the pictures
FRAGMENT = b"moof"  # the index of a part of the pictures


class Stated(NamedTuple):
    """How many pictures a file holds whole, as far as it can be followed; whether it ends where it should; and how
    many there should be, where it says that."""

    held: int
    whole: bool
    total: int | None = None


def missing(kept: int, stated: Stated) -> str:
    """Say that no more than `kept` frames could be read where there should be more, or return an empty text."""
    total = max(stated.total or 0, stated.held)
    if not stated.whole:
        if kept < total:
            return f"the file ends after {kept} of {total} frames; the rest is missing"
        return f"the file has no end mark after {kept} frame{'s' if kept != 1 else ''}: more may be missing"
    if kept < total:
        return f"frame {kept + 1} of {total} is damaged; it and what follows is left out"
    return ""


def gif(file: BinaryIO) -> Stated:
    """Count the pictures of a GIF up to its trailer, its end, or what belongs to no block."""
    head, count, stray = file.read(13), 0, 0
    if len(head) == 13 and head[10] & 0x80:
        file.seek(3 << ((head[10] & 7) + 1), os.SEEK_CUR)
    while count <= MOST_STORED and stray <= MOST_STRAY:
        mark = file.read(1)
        if mark in (b"", b";"):
            return Stated(count, mark == b";")
        if mark == b",":
            if not _gif_picture(file):
                return Stated(count, False)
            count += 1
        elif mark == b"!":
            file.read(1)
            _blocks_end(file)
        else:
            stray += 1
    return Stated(count, False)


def _gif_picture(file: BinaryIO) -> bool:
    """Go over a picture of a GIF; return whether all of it is there."""
    place = file.read(9)
    if len(place) == 9 and place[8] & 0x80:
        file.seek(3 << ((place[8] & 7) + 1), os.SEEK_CUR)
    return len(place) == 9 and len(file.read(1)) == 1 and _blocks_end(file)


def _blocks_end(file: BinaryIO) -> bool:
    """Go over the blocks of some data; return whether their end is there."""
    while size := file.read(1):
        if size == b"\0":
            return True
        file.seek(size[0], os.SEEK_CUR)
    return False


class _Layout(NamedTuple):
    """How a TIFF, or a BigTIFF, writes its numbers: the count of a directory's entries, an offset, and an entry."""

    number: str
    offset: str
    entry: str

    @classmethod
    def of(cls, head: bytes) -> "_Layout":
        order = "<" if head[:2] == b"II" else ">"
        big = head[2:4] in (b"+\0", b"\0+")
        return cls(f"{order}Q", f"{order}Q", f"{order}HHQ8s") if big else cls(f"{order}H", f"{order}I", f"{order}HHI4s")


def tiff(file: BinaryIO) -> Stated:
    """Count the directories of a TIFF or a BigTIFF, one a picture, along the chain that they make."""
    head, size = file.read(16), file.seek(0, os.SEEK_END)
    layout = _Layout.of(head)
    place = struct.calcsize(layout.offset)
    following, seen, last = head[place : 2 * place], set[int](), (0, 0)
    while len(seen) <= MOST_STORED and len(following) == place:
        (offset,) = struct.unpack(layout.offset, following)
        if not offset or offset in seen:
            return Stated(len(seen), True)
        start = _at(file, offset, struct.calcsize(layout.number))
        if len(start) < struct.calcsize(layout.number):
            break
        length = struct.unpack(layout.number, start)[0] * struct.calcsize(layout.entry)
        following = _at(file, offset + len(start) + length, place)
        if len(following) == place:
            seen.add(offset)
            last = offset + len(start), length
    return Stated(len(seen) - (_strips_end(file, layout, _at(file, *last)) > size), False)


def _strips_end(file: BinaryIO, layout: _Layout, directory: bytes) -> int:
    """Return where the pixels of a picture end, which lie in strips or tiles."""
    size = struct.calcsize(layout.entry)
    found: dict[int, list[int]] = {}
    for tag, kind, count, value in struct.iter_unpack(layout.entry, directory[: len(directory) // size * size]):
        if tag in (*STRIP_OFFSETS, *STRIP_LENGTHS) and kind in TIFF_NUMBERS and count <= MOST_STRIPS:
            number = layout.entry[0] + TIFF_NUMBERS[kind]
            width = count * struct.calcsize(number)
            raw = value[:width] if width <= len(value) else _at(file, struct.unpack(layout.offset, value)[0], width)
            if len(raw) == width:
                found[tag] = [n for (n,) in struct.iter_unpack(number, raw)]
    starts, lengths = (
        next((found[tag] for tag in tags if tag in found), []) for tags in (STRIP_OFFSETS, STRIP_LENGTHS)
    )
    return max((start + length for start, length in zip(starts, lengths, strict=False)), default=0)


def _at(file: BinaryIO, offset: int, size: int) -> bytes:
    """Return `size` bytes from `offset` on, fewer where the file ends."""
    if offset >= 2**62:
        return b""
    file.seek(offset)
    return file.read(size)


def webp(file: BinaryIO) -> tuple[Stated, BytesIO]:
    """Count the pictures of a WebP; of one that is cut off, return what is whole of it as a file of its own."""
    data = file.read()
    at, count = 12, 0
    end = min(len(data), 8 + int.from_bytes(data[4:8], "little"))
    while at + 8 <= end:
        after = at + 8 + int.from_bytes(data[at + 4 : at + 8], "little")
        if after > end:
            break
        count += data[at : at + 4] == b"ANMF"
        at = min(after + after % 2, end)
    whole = at == end == 8 + int.from_bytes(data[4:8], "little")
    if not whole and count:
        data = b"RIFF" + (at - 8).to_bytes(4, "little") + data[8:at]
    return Stated(count, whole), BytesIO(data)


def png_ends(file: BinaryIO) -> bool:
    """Whether a PNG has its last chunk, with no more than a little behind it."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - 1024))
    return b"IEND\xaeB`\x82" in file.read()


def video_ends(file: BinaryIO) -> bool:
    """Whether a video is as long as its outermost parts say: AVI, Matroska and WebM, or MP4 and QuickTime."""
    head = file.read(64)
    size = file.seek(0, os.SEEK_END)
    check: Callable[[BinaryIO, bytes, int], bool] = _boxes_end
    if head[:4] == b"RIFF":
        check = _riff_ends
    elif head[:4] == b"\x1a\x45\xdf\xa3":
        check = _matroska_ends
    return check(file, head, size)


def _riff_ends(file: BinaryIO, head: bytes, size: int) -> bool:
    stated = int.from_bytes(head[4:8], "little")
    return stated in (0, 2**32 - 1) or 8 + stated <= size + 1  # one byte of padding may be left out


def _matroska_ends(file: BinaryIO, head: bytes, size: int) -> bool:
    """Whether the segment, which comes after a short head, is within the file; its length may be left open."""
    at, length = _vint(head, 4)
    at += length or 0
    if head[at : at + 4] != b"\x18\x53\x80\x67":
        return True
    at, length = _vint(head, at + 4)
    return length is None or at + length <= size


def _vint(data: bytes, at: int) -> tuple[int, int | None]:
    """Return where a number of Matroska that begins at `at` ends, and the number, None where it is left open."""
    first = data[at] if at < len(data) else 0
    size = 9 - first.bit_length()
    if size > 8:
        return at + 1, None
    value = int.from_bytes(data[at : at + size], "big") & ((1 << 7 * size) - 1)
    return at + size, None if value == (1 << 7 * size) - 1 else value


def _boxes_end(file: BinaryIO, head: bytes, size: int) -> bool:
    """Whether every outermost box lies within the file.

    What follows both the index (`moov`) and pictures (`mdat`) and is no whole box is padding: a film that is cut off
    is cut within one of these two, or lacks one. Where fragments (`moof`) follow each other it may be half of one.
    """
    at, seen = 0, set[bytes]()
    while at + 8 <= size:
        file.seek(at)
        box = file.read(16)
        length = int.from_bytes(box[:4], "big")
        if length == 1:
            length = int.from_bytes(box[8:16], "big")
        if length < 8:  # up to the end of the file, or none at all
            return True
        if at + length > size:
            return box[4:8] not in (*FILM_BOXES, FRAGMENT) and _all_there(seen)
        seen.add(box[4:8])
        at += length
    return at == size or _all_there(seen)


def _all_there(seen: set[bytes]) -> bool:
    return seen >= FILM_BOXES and FRAGMENT not in seen
