"""The text of a file, read a block of lines at a time: whether it may be opened, how large it is, and its encoding.

The file may be a text itself or a member of a zip; a sheet of a workbook is a text that is in memory already.
"""

import codecs
import io
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

from hnn_engine.errors import RecordingError
from hnn_engine.limits import LARGEST_TABLE, LONGEST_LINE, MOST_ROWS
from hnn_engine.progress import ProgressCallback
from hnn_engine.recordings.packed import opened_zip
from hnn_engine.recordings.regular import open_regular, unheard

BLOCK = 2**20  # bytes that are read at a time
MOST_LINES = MOST_ROWS + MOST_ROWS // 2  # blank lines and comments included
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f]")  # a text has tabs, feeds and line ends, and no others
_CONTROL_BYTES = bytes([*range(9), *range(14, 32)])


@dataclass(frozen=True)
class Text:
    """What is text: of so many `lines`, and no line of it is too long.

    It is the file at `path`, or the `member` of that zip, or the `content` that was read from it.
    """

    path: str
    encoding: str
    lines: int
    member: str = ""
    content: str | None = None

    def blocks(self) -> Iterator[tuple[str, float]]:
        """Yield the text in blocks of whole lines, line ends all '\\n', each with the share of the file up to its end;
        raise `RecordingError` where it is not what it was before."""
        if self.content is not None:
            yield from _parts(self.content)
            return
        try:
            yield from _blocks(self.path, self.encoding, self.member)
        except UnicodeDecodeError:
            raise RecordingError(
                f"{self.path} changed while it was read; expected a finished file: open it again"
            ) from None

    def line(self, number: int) -> str:
        """Return the line `number`, from 1; an empty one where there is none."""
        before = 1
        for block, _ in self.blocks():
            count = lines_in(block)
            if number < before + count:
                return block.split("\n")[number - before]
            before += count
        return ""


def lines_in(block: str) -> int:
    """Return the number of lines; the last one may lack its end."""
    return block.count("\n") + (not block.endswith("\n"))


def text_of(name: str, content: str) -> Text:
    """Return what was read from `name` as a text; raise `RecordingError` where it is too long."""
    lines = lines_in(content) if content else 0
    if lines > MOST_LINES:
        raise _many_lines(name)
    return Text(name, "utf-8", lines, content=content)


def look_over(name: str, tell: ProgressCallback = unheard, member: str = "") -> Text:
    """Return the text of `name`, or of its `member`, once it is known to be one: UTF-8, UTF-16 with its mark, or
    Latin-1.

    Raises `RecordingError` for what is no ordinary file, what is too large or has too long a line, and what is no text.
    """
    with _opened(name, member) as (file, _):
        marked = file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    for encoding in ["utf-16"] if marked else ["utf-8-sig", "latin-1"]:
        try:
            return Text(name, encoding, _lines(name, encoding, member, tell), member)
        except UnicodeDecodeError:
            continue
    raise RecordingError(f"{name} is damaged text; expected UTF-8 text or CSV: export the recording again")


_WANTED = "a text or CSV file"


@contextmanager
def _opened(name: str, member: str) -> Iterator[tuple[IO[bytes], int]]:
    """Open the file, or its member, and say how many bytes it has."""
    if not member:
        with open_regular(name, _WANTED) as file:
            yield file, os.fstat(file.fileno()).st_size
        return
    with opened_zip(name) as packed, packed.open(member) as inner:
        yield inner, packed.getinfo(member).file_size


def _lines(name: str, encoding: str, member: str, tell: ProgressCallback) -> int:
    """Return the number of lines, once every block is known to be text."""
    count = 0
    for block, share in _blocks(name, encoding, member):
        _check_text(name, block, count)
        count += lines_in(block)
        if count > MOST_LINES:
            raise _many_lines(name)
        tell(share)
    return count


def _many_lines(name: str) -> RecordingError:
    found = f"{name} has more than {MOST_LINES:,} lines"
    return RecordingError(f"{found}; expected up to {MOST_ROWS:,} rows of numbers: cut it or leave out rows")


def _check_text(name: str, block: str, before: int) -> None:
    """Raise `RecordingError` where a block that so many lines stand `before` has a control character."""
    if block.isascii() and len(block.encode("ascii").translate(None, _CONTROL_BYTES)) == len(block):
        return  # ten times as fast as the search
    found = _CONTROL.search(block)
    if found is not None:
        line = before + block.count("\n", 0, found.start()) + 1
        where = f"{name}, line {line}: byte 0x{ord(found.group()):02x} shows that this is no text"
        known = "a table (csv, txt, tsv, xlsx, ods, npy, npz, mat) or a video (mp4, mov, avi, mkv, mts, wmv, gif, webp)"
        raise RecordingError(f"{where}; expected {known}: export the recording as text or CSV")


def _parts(content: str) -> Iterator[tuple[str, float]]:
    """Yield a text that is in memory in blocks of whole lines."""
    at, size = 0, len(content)
    while at < size:
        end = size if size - at <= BLOCK else content.find("\n", at + BLOCK) + 1 or size
        yield content[at:end], end / size
        at = end


def _blocks(name: str, encoding: str, member: str) -> Iterator[tuple[str, float]]:
    with _opened(name, member) as (file, size):
        _check_size(name, size)
        decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder(encoding)(), translate=True)
        rest, taken, lines = "", 0, 0
        while raw := _read(name, file):
            taken += len(raw)
            _check_size(name, taken)  # it may grow
            text = rest + decoder.decode(raw)
            end = text.rfind("\n") + 1
            _check_lines(name, text, end, lines)
            rest = text[end:]
            lines += text.count("\n")
            if end:
                yield text[:end], min(1.0, taken / max(1, size))
        rest += decoder.decode(b"", final=True)
        if rest:
            _check_lines(name, rest, 0, lines)
            yield rest, 1.0


def _read(name: str, file: IO[bytes]) -> bytes:
    try:
        return file.read(BLOCK)
    except OSError as error:
        reason = error.strerror or str(error)
        raise RecordingError(f"{name} cannot be read ({reason}); expected {_WANTED}: check it") from None


def _check_size(name: str, size: int) -> None:
    if size > LARGEST_TABLE:
        found = f"{size / 2**20:.0f} MB, more than {LARGEST_TABLE // 2**20} MB"
        raise RecordingError(f"{name} has {found}; expected one recording: cut it or leave out rows")


def _check_lines(name: str, text: str, end: int, before: int) -> None:
    """Raise `RecordingError` where a line of `text` is too long; the last one begins at `end`, and may go on."""
    at = 0
    while at < end and len(text) - at > LONGEST_LINE:
        at = text.rfind("\n", at, at + LONGEST_LINE + 1) + 1 or len(text) + 1
    if at > len(text) or len(text) - end > LONGEST_LINE:
        line = before + _first_long(text)
        found = f"{name}, line {line} is longer than {LONGEST_LINE:,} characters"
        raise RecordingError(f"{found}; expected a row of numbers: export the recording again, a line for each row")


def _first_long(text: str) -> int:
    """Return which line of `text`, from 1, is too long."""
    return next((i for i, line in enumerate(text.split("\n"), start=1) if len(line) > LONGEST_LINE), 1)
