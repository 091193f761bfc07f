"""A table: columns with headings, and their cells as numbers, with the line of every row kept for messages."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.errors import RecordingError
from hnn_engine.limits import MOST_ROWS
from hnn_engine.progress import ProgressCallback
from hnn_engine.recordings.cells import LARGEST_NUMBER, ClockReader, Marks, is_missing, number
from hnn_engine.recordings.headings import Heading
from hnn_engine.recordings.layout import CLOCK, NUMBER, Layout, cells_of
from hnn_engine.recordings.regular import unheard
from hnn_engine.recordings.rows import Indices, Rows, rows_of, shortened
from hnn_engine.recordings.text import Text, lines_in

FEWEST_ROWS = 4  # rows of numbers that a derivative can be estimated from
KEPT = 2  # sets of columns of a table that is open in a dialog, so that units are chosen at once
LONGEST_FOOTER = 20  # lines after the last row


class Numbers(NamedTuple):
    """Columns as numbers: `values` `(rows, columns)`, NaN where nothing is, the line of each row, the rows that begin
    after a blank line or a heading in between, and what was left out, in words."""

    values: Array
    lines: Indices
    blank: Indices
    headed: Indices
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Table(ABC):
    """What a file holds. `headings` and `kinds` have a column each; `head` are the first rows as text."""

    path: str
    headings: tuple[Heading, ...]
    named: bool
    kinds: tuple[str, ...]
    comments: tuple[str, ...]
    head: tuple[tuple[str, ...], ...]
    format: str
    program: str = ""
    degrees: bool | None = None
    notes: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()  # the tables of the file by their names, where it holds several
    chosen: str = ""  # which of these this one is
    undecided: bool = False  # whether it was taken though nothing says that it is the one

    @property
    def width(self) -> int:
        """Number of columns."""
        return len(self.headings)

    @property
    def where(self) -> str:
        """What messages about columns begin with."""
        return self.path

    @property
    def doubtful(self) -> str:
        """A number that may be read in two ways, '' where there is none."""
        return ""

    @abstractmethod
    def numbers(self, columns: Sequence[int], tell: ProgressCallback = unheard) -> Numbers:
        """Return `columns` of all rows; raise `RecordingError` for what is no number, time or mark for nothing."""

    @abstractmethod
    def cell(self, line: int, column: int) -> str:
        """Return what is written in a cell."""

    def fault(self, line: int, column: int, what: str, expected: str, advice: str = "") -> RecordingError:
        """Return the error that the cell of `column` in `line` is wrong."""
        return self._fault(line, self.cell(line, column), column, what, expected, advice)

    def _fault(self, line: int, cell: str, column: int, what: str, expected: str, advice: str = "") -> RecordingError:
        found = f"'{shortened(cell)}' in column {column + 1} ({shortened(self.headings[column].text)})"
        advice = advice or "correct or delete the line, or choose another column"
        return RecordingError(f"{self.path}, line {line}: {found} {what}; expected {expected}: {advice}")

    def check_count(self, count: int) -> None:
        """Raise `RecordingError` where so many rows are too few or too many."""
        if not FEWEST_ROWS <= count <= MOST_ROWS:
            rows = f"{'more than ' if count > MOST_ROWS else ''}{min(count, MOST_ROWS)} row{'s' if count != 1 else ''}"
            found = f"{self.where} holds {rows} of numbers"
            raise RecordingError(f"{found}; expected {FEWEST_ROWS} to {MOST_ROWS}: choose another file or cut this one")


@dataclass(frozen=True, eq=False)
class TextTable(Table):
    """A table that is text: of a file, of a member of a zip, or of a sheet."""

    text: Text = field(kw_only=True)
    layout: Layout = field(kw_only=True)
    kept: dict[tuple[int, ...], Numbers] = field(kw_only=True, default_factory=dict)  # what was read last

    @property
    def where(self) -> str:
        """The file, and the line of its first row."""
        return f"{self.path}, from line {self.layout.first + 1}," if self.layout.first else self.path

    @property
    def doubtful(self) -> str:
        """A number that may be read in two ways, '' where there is none."""
        return self.layout.doubtful

    def cell(self, line: int, column: int) -> str:
        """Return what is written in a cell."""
        cells = cells_of(self.text.line(line), self.layout.form)
        return cells[column] if column < len(cells) else ""

    def blocks(self) -> Iterator[tuple[Rows, float]]:
        """Yield the rows in blocks, each with the share of the file up to its end."""
        before, first = 0, self.layout.first
        for block, share in self.text.blocks():
            count = lines_in(block)
            if before + count > first:
                yield rows_of(block, before, max(0, first - before), self.layout.form), share
            before += count

    def numbers(self, columns: Sequence[int], tell: ProgressCallback = unheard) -> Numbers:
        """Return `columns` of all rows; raise `RecordingError` for what is no number, time or mark for nothing."""
        key = tuple(columns)
        if key in self.kept:
            return self.kept[key]
        if self.text.lines - self.layout.first > MOST_ROWS:
            self._count()
        reading = _Reading(self, columns)
        for block, share in self.blocks():
            reading.add(block)
            tell(share)
        found = reading.result()
        self.check_count(len(found.lines))
        if len(self.kept) == KEPT:
            del self.kept[next(iter(self.kept))]
        self.kept[key] = found
        return found

    def _count(self) -> None:
        """Raise `RecordingError` where there are too many rows, before they are read."""
        count = 0
        for block, _ in self.blocks():
            count += len(block.rows)
            if count > MOST_ROWS:
                self.check_count(count)


class _Reading:
    """The rows of a text read so far, and what was no row: it is a fault where another row follows."""

    def __init__(self, table: TextTable, columns: Sequence[int]) -> None:
        self._table, self._columns = table, list(columns)
        self._values, self._lines = [np.empty((0, len(self._columns)))], [np.empty(0, dtype=np.int64)]
        self._blank: list[int] = []
        self._headed: list[int] = []
        self._count = 0
        self._pending: list[tuple[int, str, RecordingError]] = []  # lines that are no rows, and not yet faults
        self._kinds = {c: table.kinds[c] for c in self._columns}
        self._readers = [_reader(table.kinds[c], table.layout.marks) for c in self._columns]
        self._numeric = all(kind == NUMBER for kind in self._kinds.values())

    def add(self, block: Rows) -> None:
        """Take a block of rows."""
        values = self._fast(block) if block.plain and self._numeric else None
        if values is None:
            self._slowly(block)
        elif len(values):
            self._raise_pending()
            self._keep(values, block.lines)

    def result(self) -> Numbers:
        """Return all that was read."""
        if len(self._pending) > LONGEST_FOOTER:
            self._raise_pending()
        said = []
        if self._pending:
            line, text, _ = self._pending[0]
            count = len(self._pending)
            lines = f"line {line}, '{shortened(text)}'," if count == 1 else f"{count} lines from {line} on"
            said.append(f"{lines} at the end {'is' if count == 1 else 'are'} no row and left out")
        values, lines_of = np.concatenate(self._values), np.concatenate(self._lines)
        blank = np.array(self._blank, dtype=np.int64)
        headed = np.array(self._headed, dtype=np.int64)
        inside = [np.unique(at[(at > 0) & (at < len(values))]) for at in (blank, headed)]
        return Numbers(values, lines_of, inside[0], inside[1], tuple(said))

    def _keep(self, values: Array, lines: Indices) -> None:
        self._values.append(values)
        self._lines.append(lines)
        self._count += len(values)

    def _raise_pending(self) -> None:
        if self._pending:
            raise self._pending[0][2]

    def _fast(self, block: Rows) -> Array | None:
        """Return a block whose rows are plain numbers, read at once; None where they are not."""
        layout = self._table.layout
        mark, width, rows = layout.form.delimiter, self._table.width, block.rows
        if mark is None:
            widths = [len(row.split()) for row in rows]
        else:
            widths = [row.count(mark) + 1 for row in rows]
        if widths.count(width) != len(widths):
            return None
        if layout.marks.decimal == ",":
            text = "\n".join(rows)
            if "." in text:
                return None
            rows = text.replace(",", ".").split("\n")
        try:
            values = np.loadtxt(rows, delimiter=mark, usecols=self._columns, comments=None, ndmin=2)
        except ValueError:
            return None
        if len(values) != len(rows) or not (np.abs(np.nan_to_num(values)) < LARGEST_NUMBER).all():
            return None
        return np.asarray(values, dtype=np.float64)

    def _slowly(self, block: Rows) -> None:
        """Take a block cell by cell."""
        values: list[list[float]] = []
        lines: list[int] = []
        parted, base, after_blank = frozenset(block.parted), self._count, False
        for i, (row, line) in enumerate(zip(block.rows, block.lines, strict=True)):
            after_blank = after_blank or i in parted
            cells = cells_of(row, self._table.layout.form)
            found = self._row(cells, int(line))
            if isinstance(found, list):
                self._raise_pending()
                if after_blank:
                    self._blank.append(base + len(values))
                after_blank = False
                values.append(found)
                lines.append(int(line))
            elif found is None:
                self._pending.clear()
                self._headed.append(base + len(values))
            else:
                self._pending.append((int(line), row, found))
        if len(block.rows) in parted or after_blank:
            self._blank.append(base + len(values))
        if values:
            self._keep(np.array(values, dtype=np.float64), np.array(lines, dtype=np.int64))

    def _row(self, cells: list[str], line: int) -> list[float] | RecordingError | None:
        """Return the numbers of a row; None for a heading that is repeated; an error for what is neither."""
        width = self._table.width
        if len(cells) != width and (len(cells) < width or any(cells[width:])):
            return None if self._is_header(cells) else self._ragged(cells, line)
        values = []
        for column, read in zip(self._columns, self._readers, strict=True):
            value = read(cells[column])
            if value is None or math.isinf(value) or abs(value) >= LARGEST_NUMBER:
                if self._is_header(cells):
                    return None
                fault = self._fault(cells[column], column, line)
                if value is not None:
                    raise fault
                return fault
            values.append(value)
        return values

    def _is_header(self, cells: list[str]) -> bool:
        return tuple(cells) in self._table.layout.headers

    def _ragged(self, cells: list[str], line: int) -> RecordingError:
        first, width = self._table.layout.first + 1, self._table.width
        makes = f"{len(cells)} column{'s' if len(cells) > 1 else ''}"
        row = shortened((self._table.layout.form.delimiter or " ").join(cells))
        found = f"'{row}' makes {makes} where line {first} makes {width}"
        return RecordingError(
            f"{self._table.path}, line {line}: {found}; expected rows of one width: correct or delete the line"
        )

    def _fault(self, cell: str, column: int, line: int) -> RecordingError:
        table, marks = self._table, self._table.layout.marks
        if table.kinds[column] == CLOCK:
            return table._fault(line, cell, column, "is no time", "a time such as 14:32:05.033")
        found = number(cell, marks)
        if found is not None:
            what = "is not finite" if "inf" in cell.lower() else "is too large"
            return table._fault(line, cell, column, what, "an ordinary number")
        other = Marks("," if marks.decimal == "." else ".")
        if number(cell, Marks(other.decimal, marks.decimal)) is not None or number(cell, other) is not None:
            expected = f"numbers whose decimal mark is '{marks.decimal}', as those before"
            advice = "correct the line, or say --columns decimal=point or decimal=comma"
            return table._fault(line, cell, column, "can be read in two ways", expected, advice)
        return table._fault(line, cell, column, "is not a number", "a number such as 0.25 or 2.5e-1")


def _reader(kind: str, marks: Marks) -> Callable[[str], float | None]:
    """Return what reads the cells of a column: numbers, times of day, or names, which are counted."""
    if kind == CLOCK:
        return ClockReader().seconds
    if kind == NUMBER:
        return _number_reader(marks)
    names: dict[str, float] = {}

    def name(cell: str) -> float | None:
        return math.nan if is_missing(cell) else names.setdefault(cell, float(len(names)))

    return name


def _number_reader(marks: Marks) -> Callable[[str], float | None]:
    """Return what reads numbers: most of them at once, the others by every rule."""
    commas = marks.decimal == ","

    def read(cell: str) -> float | None:
        if cell.isascii() and "_" not in cell and not (commas and "." in cell):
            try:
                value = float(cell.replace(",", ".") if commas else cell)
            except ValueError:
                return number(cell, marks)
            return value if math.isfinite(value) else number(cell, marks)
        return number(cell, marks)

    return read


@dataclass(frozen=True, eq=False)
class ArrayTable(Table):
    """A table that is an array `(rows, columns)` already: of NumPy or MATLAB."""

    values: Array = field(kw_only=True)

    def cell(self, line: int, column: int) -> str:
        """Return a number as text."""
        return f"{self.values[line - 1, column]:.10g}"

    def numbers(self, columns: Sequence[int], tell: ProgressCallback = unheard) -> Numbers:
        """Return `columns` of all rows; raise `RecordingError` for what is infinite or too large."""
        values = np.array(self.values[:, list(columns)], dtype=np.float64)
        wrong = np.argwhere(np.isinf(values) | (np.abs(np.nan_to_num(values, posinf=0, neginf=0)) >= LARGEST_NUMBER))
        if len(wrong):
            row, at = (int(i) for i in wrong[0])
            raise self.fault(row + 1, columns[at], "is not finite or too large", "an ordinary number")
        self.check_count(len(values))
        nothing = np.empty(0, dtype=np.int64)
        tell(1.0)
        return Numbers(values, np.arange(1, len(values) + 1), nothing, nothing)
