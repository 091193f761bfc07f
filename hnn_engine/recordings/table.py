"""A file of text turned into columns of numbers, with the line of every number kept for messages."""

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.errors import RecordingError
from hnn_engine.limits import MOST_COLUMNS, MOST_ROWS, MOST_TRIALS
from hnn_engine.progress import ProgressCallback
from hnn_engine.recordings.rows import (
    COMMENTS,
    Indices,
    Rows,
    delimiter_of,
    is_local_number,
    is_number,
    rows_of,
    shortened,
    split_line,
)
from hnn_engine.recordings.text import Text, lines_in, look_over, unheard

LARGEST_NUMBER = 1e100  # so that squares and differences stay finite
FEWEST_ROWS = 4  # rows of numbers that a derivative can be estimated from
HEAD_ROWS = 1000  # that are kept as text
HEAD_CELLS = 100_000  # or fewer where there are many columns
HEAD_LENGTH = 4 * 2**20  # characters that a header and first rows are sought in
LONGEST_HEADER = 1000  # lines before the first row of numbers
LONGEST_NAME = 80  # characters of a column's name


@dataclass(frozen=True, eq=False)
class Table:
    """A text with rows of cells, all of one width. `names` are the header's, or 'column 1' … where there is none.

    `head` holds the first rows. `delimiter` is None for blanks, and parts the cells as the file has it. `comments` are
    the leading comment lines without their mark. `before` is the number of lines before the first row.
    """

    text: Text
    names: tuple[str, ...]
    named: bool
    comments: tuple[str, ...]
    head: Rows
    delimiter: str | None
    before: int

    @property
    def path(self) -> str:
        """The file."""
        return self.text.path

    @property
    def width(self) -> int:
        """Number of columns."""
        return len(self.names)

    @property
    def first_line(self) -> int:
        """The line of the first row."""
        return int(self.head.lines[0])

    def cells(self, row: int) -> list[str]:
        """Return the cells of a `row` of the head as text."""
        return split_line(self.head.rows[row], self.head.delimiter)

    def blocks(self) -> Iterator[tuple[Rows, float]]:
        """Yield the rows in blocks, each with the share of the file up to its end."""
        before = 0
        for block, share in self.text.blocks():
            count = lines_in(block)
            if before + count > self.before:
                yield rows_of(block, before, max(0, self.before - before), self.delimiter), share
            before += count

    def count(self, tell: ProgressCallback = unheard) -> int:
        """Return the number of rows; raise `RecordingError` where there are too few or too many."""
        count = 0
        for block, share in self.blocks():
            count += len(block.rows)
            if count > MOST_ROWS:
                break
            tell(share)
        self.check_count(count)
        return count

    def check_count(self, count: int) -> None:
        """Raise `RecordingError` where so many rows are too few or too many."""
        if not FEWEST_ROWS <= count <= MOST_ROWS:
            rows = f"{'more than ' if count > MOST_ROWS else ''}{min(count, MOST_ROWS)} row{'s' if count > 1 else ''}"
            found = f"{self.path} holds {rows} of numbers, the first in line {self.first_line}"
            raise RecordingError(f"{found}; expected {FEWEST_ROWS} to {MOST_ROWS}: choose another file or cut this one")

    def numbers(self, columns: list[int], trial: int | None = None, tell: ProgressCallback = unheard) -> "Numbers":
        """Return `columns` of all rows; `trial` is the one that changes with every trial.

        Raises `RecordingError` for what is no finite number, a row of another width, and too many rows or trials.
        """
        if self.text.lines - self.before > MOST_ROWS:
            self.count()
        values, lines, trials = [np.empty((0, len(columns)))], [np.empty(0, dtype=np.int64)], 1
        for block, share in self.blocks():
            if block.rows:
                _check_width(self, block)
                values.append(_parsed(self, block, columns))
                trials += 0 if trial is None else _changes(values[-2:], columns.index(trial))
                if trials > MOST_TRIALS:
                    raise self._many_trials(int(block.lines[-1]))
                lines.append(block.lines)
            tell(share)
        found = Numbers(self, np.concatenate(values), np.concatenate(lines))
        self.check_count(len(found.lines))
        return found

    def _many_trials(self, line: int) -> RecordingError:
        found = f"{self.path} has more than {MOST_TRIALS:,} trials up to line {line}"
        return RecordingError(f"{found}; expected a column that changes with each trial: choose another one, or none")

    def fault(self, line: int, cell: str, column: int, what: str, expected: str, advice: str = "") -> RecordingError:
        """Return the error that the `cell` of `column` in `line` is wrong."""
        found = f"'{shortened(cell)}' in column {column + 1} ({self.names[column]})"
        advice = advice or "correct or delete the line, or choose another column"
        return RecordingError(f"{self.path}, line {line}: {found} {what}; expected {expected}: {advice}")


@dataclass(frozen=True, eq=False)
class Numbers:
    """Columns of a table as numbers: `values` `(rows, columns)`, and the line of each row, `lines` `(rows,)`."""

    table: Table
    values: Array
    lines: Indices

    def fault(self, row: int, column: int, what: str, expected: str, advice: str = "") -> RecordingError:
        """Return the error that the cell at `row`, `column` is wrong."""
        line = int(self.lines[row])
        rows = rows_of(self.table.text.line(line), line - 1, 0, self.table.delimiter)
        cells = split_line(rows.rows[0], rows.delimiter) if rows.rows else []
        return self.table.fault(line, cells[column] if column < len(cells) else "", column, what, expected, advice)


def read_table(path: str | os.PathLike[str], tell: ProgressCallback = unheard) -> Table:
    """Look at a text or CSV file separated by commas, semicolons, tabs or blanks, with a header or without.

    Commas are decimal where semicolons or tabs separate. Raises `RecordingError` for a folder, a missing, unreadable,
    binary, empty or too large file, and in its first rows for ragged ones, too few, too many columns, and where no two
    columns hold numbers.
    """
    text = look_over(os.fspath(path), tell)
    lines = _head(text)
    first = _first_row(text, lines)
    delimiter = delimiter_of(lines[first])
    comments = tuple(line.strip().lstrip("%# ").strip() for line in lines[:first] if line.strip().startswith(COMMENTS))
    head = rows_of("\n".join(lines), 0, first, delimiter)
    width = len(split_line(head.rows[0], head.delimiter))
    header = _header(lines[:first], comments, width, delimiter)
    names = tuple(shortened(name, LONGEST_NAME) for name in header or (f"column {i + 1}" for i in range(width)))
    table = Table(text, names, bool(header), comments, head, delimiter, first)
    _check_width(table, head)
    _check_shape(table, len(lines) == text.lines)
    most = min(HEAD_ROWS, HEAD_CELLS // width)
    return replace(table, head=Rows(head.rows[:most], head.lines[:most], head.delimiter))


def _head(text: Text) -> list[str]:
    """Return the first lines: more than a header has, if there are so many, and then rows of numbers."""
    head = ""
    for block, _ in text.blocks():
        head += block
        if head.count("\n") > LONGEST_HEADER + FEWEST_ROWS or len(head) > HEAD_LENGTH:
            break
    lines = head.split("\n")
    return lines if lines[-1] else lines[:-1]


def _first_row(text: Text, lines: list[str]) -> int:
    """Return the index of the first line that holds a number and is no comment."""
    for i, line in enumerate(lines[: LONGEST_HEADER + 1]):
        row = line.strip()
        if not row or row.startswith(COMMENTS):
            continue
        delimiter = delimiter_of(line)
        _check_columns(text, i + 1, row, delimiter)
        if any(map(is_local_number, split_line(row, delimiter))):
            return i
    raise _nothing(text, lines)


def _check_columns(text: Text, number: int, row: str, delimiter: str | None) -> None:
    """Raise `RecordingError` where a row has too many columns; counted without making them."""
    if len(row) > MOST_COLUMNS:
        width = row.count(delimiter) + 1 if delimiter else len(row.split())
        if width > MOST_COLUMNS:
            found = f"{text.path}, line {number} makes {width:,} columns"
            raise RecordingError(f"{found}; expected up to {MOST_COLUMNS:,}: export time and what was measured alone")


def _nothing(text: Text, lines: list[str]) -> RecordingError:
    for number, line in enumerate(lines, start=1):
        if line.strip():
            seen = min(len(lines), LONGEST_HEADER + 1)
            after = "what follows holds" if seen == text.lines else f"the first {seen} lines hold"
            found = f"{text.path}, line {number}: '{shortened(line.strip())}' and {after} no row of numbers"
            return RecordingError(f"{found}; expected numeric columns such as time and angle: choose a recording")
    return RecordingError(f"{text.path} is empty; expected rows of numbers such as time and angle: choose a recording")


def _parsed(table: Table, block: Rows, columns: list[int]) -> Array:
    """Return `columns` of a block as finite numbers, `(rows, columns)`."""
    try:
        values = np.loadtxt(block.rows, delimiter=block.delimiter, usecols=columns, comments=None, ndmin=2)
    except ValueError:
        raise _first_fault(table, block, columns) from None
    if len(values) != len(block.rows) or not (np.abs(values) < LARGEST_NUMBER).all():
        raise _first_fault(table, block, columns)
    return np.asarray(values, dtype=np.float64)


def _changes(parts: list[Array], column: int) -> int:
    """Return how often `column` changes in the last of `parts`, and from the one before to it."""
    before = [part[-1:, column] for part in parts[:-1]]
    return int(np.count_nonzero(np.diff(np.concatenate([*before, parts[-1][:, column]]))))


def _first_fault(table: Table, block: Rows, columns: list[int]) -> RecordingError:
    for row, text in enumerate(block.rows):
        cells = split_line(text, block.delimiter)
        for column in columns:
            cell = cells[column] if column < len(cells) else ""
            what, expected = _problem(cell)
            if what:
                return table.fault(int(block.lines[row]), cell, column, what, expected)
    return RecordingError(
        f"{table.path} could not be read as numbers; expected rows of numbers: export it again as CSV"
    )


def _problem(cell: str) -> tuple[str, str]:
    """Return what is wrong with a cell, and what was expected; empty where it is a finite number."""
    if not is_number(cell):
        return "is not a number" if cell.strip() else "is empty", "a number such as 0.25 or 2.5e-1"
    number = float(cell)
    if abs(number) < LARGEST_NUMBER:
        return "", ""
    return "is too large" if math.isfinite(number) else "is not finite", "an ordinary number"


def _check_width(table: Table, block: Rows) -> None:
    """Raise `RecordingError` where a row of `block` has not as many cells as the table has columns."""
    delimiter, width = block.delimiter, table.width
    if delimiter is None:
        widths = [len(row.split()) for row in block.rows]
    else:
        widths = [row.count(delimiter) + 1 for row in block.rows]
    if widths.count(width) != len(widths):
        row = next(i for i, found in enumerate(widths) if found != width)
        text = shortened(" ".join(block.rows[row].split()))
        found = f"'{text}' makes {_columns(widths[row])} where line {table.first_line} makes {width}"
        where = f"{table.path}, line {block.lines[row]}"
        raise RecordingError(f"{where}: {found}; expected rows of one width: correct or delete the line")


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


def _check_shape(table: Table, whole: bool) -> None:
    """Raise `RecordingError` where the head, which may be the `whole` table, has too few rows or columns of numbers."""
    if whole:
        table.check_count(len(table.head.rows))
    numeric = sum(is_number(cell) for cell in table.cells(0))
    if numeric < 2:
        row = shortened(table.head.rows[0])
        found = f"{table.path}, line {table.first_line}: '{row}' has {numeric} numeric column(s)"
        raise RecordingError(f"{found}; expected at least two, a time and a coordinate: export both")
