"""A file of text turned into columns of numbers, with the line of every number kept for messages."""

import csv
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.errors import RecordingError

LARGEST_FILE = 64 * 2**20  # bytes
MOST_ROWS = 2_000_000
LARGEST_NUMBER = 1e100  # so that squares and differences stay finite
FEWEST_ROWS = 4  # rows of numbers that a derivative can be estimated from
COMMENTS = ("%", "#")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f]")  # a text has tabs, feeds and line ends, and no others
_LINE_END = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of text cells, all of one width. `names` are the header's, or 'column 1' … where there is none.

    `lines` holds the line (from 1) of each row. `delimiter` is None for blanks. `comments` are the leading comment
    lines without their mark.
    """

    path: str
    names: tuple[str, ...]
    named: bool
    comments: tuple[str, ...]
    rows: list[str]
    lines: list[int]
    delimiter: str | None

    @property
    def width(self) -> int:
        """Number of columns."""
        return len(self.names)

    def cells(self, row: int) -> list[str]:
        """Return the cells of `row` as text."""
        return split_line(self.rows[row], self.delimiter)

    def numbers(self, columns: list[int], limit: int | None = None) -> Array:
        """Return `columns` of the first `limit` rows, `(rows, columns)`; `RecordingError` names what is not finite."""
        rows = self.rows[:limit]
        try:
            values = np.loadtxt(rows, delimiter=self.delimiter, usecols=columns, comments=None, ndmin=2)
        except ValueError:
            raise self._first_fault(columns) from None
        good = np.abs(values) < LARGEST_NUMBER
        if not good.all():
            row, column = (int(i) for i in np.argwhere(~good)[0])
            what = "is too large" if np.isfinite(values[row, column]) else "is not finite"
            raise self.fault(row, columns[column], what, "an ordinary number")
        return np.asarray(values, dtype=np.float64)

    def _first_fault(self, columns: list[int]) -> RecordingError:
        for row in range(len(self.rows)):
            cells = self.cells(row)
            for column in columns:
                if not is_number(cells[column]):
                    what = "is not a number" if cells[column].strip() else "is empty"
                    return self.fault(row, column, what, "a number such as 0.25 or 2.5e-1")
        return RecordingError(
            f"{self.path} could not be read as numbers; expected rows of numbers: export it anew as CSV"
        )

    def fault(self, row: int, column: int, what: str, expected: str, advice: str = "") -> RecordingError:
        """Return the error that the cell at `row`, `column` is wrong."""
        cell = f"'{shortened(self.cells(row)[column])}' in column {column + 1} ({self.names[column]})"
        advice = advice or "mend or delete the line, or choose another column"
        return RecordingError(f"{self.path}, line {self.lines[row]}: {cell} {what}; expected {expected}: {advice}")


def read_table(path: str | os.PathLike[str]) -> Table:
    """Read a text or CSV file separated by commas, semicolons, tabs or blanks, with a header or without.

    Commas are decimal where semicolons or tabs separate. Raises `RecordingError` for a folder, a missing, unreadable,
    binary, empty or too large file, ragged rows, fewer than four rows, and where no two columns hold numbers.
    """
    name = os.fspath(path)
    lines = _LINE_END.split(_decoded(name, _bytes(name)))
    first = _first_row(lines)
    if first is None:
        raise _nothing(name, lines)
    delimiter = _delimiter(lines[first])
    rows, numbers = _rows(lines, first, delimiter)
    rows, delimiter = _plain(rows, delimiter)
    width = _width(name, rows, numbers, delimiter)
    comments = tuple(line.strip().lstrip("%# ").strip() for line in lines[:first] if line.strip().startswith(COMMENTS))
    header = _header(lines[:first], comments, width, _delimiter(lines[first]))
    names = header or tuple(f"column {i + 1}" for i in range(width))
    table = Table(name, names, bool(header), comments, rows, numbers, delimiter)
    _check_shape(table)
    return table


def split_line(line: str, delimiter: str | None) -> list[str]:
    """Return the cells of one line, stripped of blanks and quotes."""
    if '"' in line:
        try:
            cells = next(csv.reader([line], delimiter=delimiter or " ", skipinitialspace=True))
        except csv.Error:
            cells = line.split(delimiter)
    else:
        cells = line.split(delimiter)
    return [cell.strip() for cell in cells]


def is_number(text: str) -> bool:
    """Whether `text` reads as a real number; 'nan' and 'inf' do."""
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text


def shortened(text: str, length: int = 40) -> str:
    """Return `text` on one line, cut to `length`."""
    return text if len(text) <= length else text[: length - 1] + "…"


def _bytes(name: str) -> bytes:
    """Read the file, once its kind and size are known to be right."""
    try:
        status = os.stat(name)
        if stat.S_ISDIR(status.st_mode):
            raise RecordingError(f"{name} is a folder; expected a text or CSV file: choose a file inside it")
        if not stat.S_ISREG(status.st_mode):
            raise RecordingError(f"{name} is not an ordinary file; expected a text or CSV file: choose another one")
        if status.st_size > LARGEST_FILE:
            size = f"{status.st_size / 2**20:.0f} MB, more than {LARGEST_FILE // 2**20} MB"
            raise RecordingError(f"{name} has {size}; expected one recording: cut it or leave out rows")
        return Path(name).read_bytes()
    except FileNotFoundError:
        raise RecordingError(f"{name} does not exist; expected a text or CSV file: check the path") from None
    except (OSError, ValueError) as error:  # ValueError: a path with a null character
        reason = getattr(error, "strerror", None) or str(error)
        raise RecordingError(
            f"{name} cannot be read ({reason}); expected a readable text or CSV file: check it"
        ) from None


def _decoded(name: str, raw: bytes) -> str:
    """Return the text: UTF-8, UTF-16 with its mark, or Latin-1."""
    encodings = ["utf-16"] if raw.startswith((b"\xff\xfe", b"\xfe\xff")) else ["utf-8-sig", "latin-1"]
    for encoding in encodings:
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        found = _CONTROL.search(text)
        if found is None:
            return text
        line = len(_LINE_END.findall(text, 0, found.start())) + 1
        where = f"{name}, line {line}: byte 0x{ord(found.group()):02x} shows that this is no text"
        raise RecordingError(f"{where}; expected rows of numbers: export the recording as text or CSV")
    raise RecordingError(f"{name} is damaged text; expected UTF-8 text or CSV: export the recording anew")


def _first_row(lines: list[str]) -> int | None:
    """Return the index of the first line that holds a number and is no comment."""
    for i, line in enumerate(lines):
        text = line.strip()
        if text and not text.startswith(COMMENTS) and any(map(_is_local_number, split_line(text, _delimiter(line)))):
            return i
    return None


def _is_local_number(text: str) -> bool:
    return is_number(text.replace(",", "."))


def _nothing(name: str, lines: list[str]) -> RecordingError:
    for number, line in enumerate(lines, start=1):
        if line.strip():
            found = f"{name}, line {number}: '{shortened(line.strip())}' and what follows holds no row of numbers"
            return RecordingError(f"{found}; expected numeric columns such as time and angle: choose a recording")
    return RecordingError(f"{name} is empty; expected rows of numbers such as time and angle: choose a recording")


def _delimiter(line: str) -> str | None:
    return next((mark for mark in (";", "\t", ",") if mark in line.strip(" ")), None)


def _rows(lines: list[str], first: int, delimiter: str | None) -> tuple[list[str], list[int]]:
    """Return the lines that are neither blank nor comments, and their numbers from 1."""
    blanks = " \f\v"
    ends = blanks if delimiter is None else blanks + delimiter  # some loggers end every line with a separator
    kept = [(line.lstrip(blanks).rstrip(ends), i) for i, line in enumerate(lines[first:], start=first + 1)]
    kept = [(row, i) for row, i in kept if row.strip() and not row.startswith(COMMENTS)]
    return [row for row, _ in kept], [i for _, i in kept]


def _plain(rows: list[str], delimiter: str | None) -> tuple[list[str], str | None]:
    """Return rows without quotes and decimal commas, and the delimiter that they then have."""
    if any('"' in row for row in rows):
        rows = ["\t".join(split_line(row, delimiter)) for row in rows]
        delimiter = "\t"
    if delimiter in (";", "\t"):
        rows = [row.replace(",", ".") for row in rows]
    return rows, delimiter


def _width(name: str, rows: list[str], lines: list[int], delimiter: str | None) -> int:
    widths = [len(row.split()) for row in rows] if delimiter is None else [row.count(delimiter) + 1 for row in rows]
    for row, line, width in zip(rows, lines, widths, strict=True):
        if width != widths[0]:
            text = shortened(" ".join(row.split()))
            found = f"'{text}' makes {_columns(width)} where line {lines[0]} makes {widths[0]}"
            raise RecordingError(f"{name}, line {line}: {found}; expected rows of one width: mend or delete the line")
    return widths[0]


def _columns(count: int) -> str:
    return f"{count} column{'s' if count > 1 else ''}"


def _header(before: list[str], comments: tuple[str, ...], width: int, delimiter: str | None) -> tuple[str, ...] | None:
    """Return the names above the numbers: a line of words (a second one holds units) or the last comment."""
    words = [line for line in before if line.strip() and not line.strip().startswith(COMMENTS)]
    fitting = [cells for line in words if len(cells := _trimmed(line, delimiter, width)) == width]
    if not fitting and comments:
        cells = _trimmed(comments[-1], delimiter, width)
        fitting = [cells] if len(cells) == width and not any(map(is_number, cells)) else []
    if not fitting:
        return None
    names, units = fitting[0], fitting[1] if len(fitting) > 1 else [""] * width
    joined = (f"{name} ({unit.strip('()[]')})" if unit else name for name, unit in zip(names, units, strict=True))
    return tuple(name or f"column {i}" for i, name in enumerate(joined, start=1))


def _trimmed(line: str, delimiter: str | None, width: int) -> list[str]:
    cells = split_line(line.strip(" "), delimiter)
    return cells[:-1] if len(cells) == width + 1 and not cells[-1] else cells


def _check_shape(table: Table) -> None:
    count = len(table.rows)
    if not FEWEST_ROWS <= count <= MOST_ROWS:
        found = (
            f"{table.path} holds {count} row{'s' if count > 1 else ''} of numbers, the first in line {table.lines[0]}"
        )
        raise RecordingError(f"{found}; expected {FEWEST_ROWS} to {MOST_ROWS}: choose another file or cut this one")
    numeric = sum(is_number(cell) for cell in table.cells(0))
    if numeric < 2:
        found = f"{table.path}, line {table.lines[0]}: '{shortened(table.rows[0])}' has {numeric} numeric column(s)"
        raise RecordingError(f"{found}; expected at least two, a time and a coordinate: export both")
