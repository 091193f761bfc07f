"""Workbooks of Excel and of OpenDocument as text: each sheet a text with tabs between its cells, read by
python-calamine.
"""

import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import IO, Any

from hnn_engine.errors import RecordingError, shortened
from hnn_engine.limits import LARGEST_TABLE, MOST_CELLS, MOST_COLUMNS, MOST_ROWS
from hnn_engine.missing_libraries import need
from hnn_engine.recordings.packed import damaged, opened_zip
from hnn_engine.recordings.regular import open_regular

FORMATS = {"xlsx": "Excel workbook", "xls": "Excel workbook", "ods": "OpenDocument spreadsheet"}
_WANTED = "a workbook of Excel or OpenDocument"
_REFERENCE = re.compile(rb'<c[^>]*?\br="([A-Z]{1,5})(\d{1,9})"')
_ELEMENT = re.compile(
    rb"""<table:(table-row|table-cell|covered-table-cell|table)(?=[\s/>])((?:[^<>"']|"[^<"]*"|'[^<']*')*+)>"""
)
_REPEATED = re.compile(rb"""\btable:number-(?:rows|columns)-repeated\s*=\s*["'](?:\+?0*(\d{1,18})["'])?""")
_FILLED = re.compile(rb"\b(?:office:(?:string-|date-|time-|boolean-)?value(?:-type)?|table:formula)\s*=")
_BLOCK = 2**20
UNREADABLE = 10**9  # cells that a count stands for which is none


def read_workbook(name: str, kind: str) -> dict[str, str]:
    """Return the sheets of a workbook, `kind` one of `FORMATS`, as texts by their titles; raise `RecordingError`."""
    if kind == "xlsx":
        _check_spans(name)
    elif kind == "ods":
        _check_repeats(name)
    with open_regular(name, _WANTED) as file:
        if file.seek(0, 2) > LARGEST_TABLE:
            raise RecordingError(f"{name} is larger than {LARGEST_TABLE // 2**20} MB; expected one recording: cut it")
        file.seek(0)
        need("python_calamine")
        from python_calamine import CalamineWorkbook

        try:
            book = CalamineWorkbook.from_filelike(file)
            return {title: _text(name, book, title) for title in book.sheet_names[:50]}
        except RecordingError:
            raise
        except Exception as error:  # what damaged workbooks raise is of many kinds
            raise damaged(name, error) from None


def _check_spans(name: str) -> None:
    """Raise `RecordingError` where a sheet's cells lie so far apart that all between them would not find room."""
    with opened_zip(name) as packed:
        cells = 0
        for member in packed.namelist():
            if not re.match(r"^xl/worksheets/[^/]+\.xml$", member):
                continue
            rows, columns = 0, 0
            with packed.open(member) as file:
                for letters, digits in _elements(name, file, _REFERENCE):
                    rows = max(rows, int(digits))
                    columns = max(columns, _number(letters))
            cells += rows * columns
            _check_span(name, member, rows, columns, cells)


def _check_repeats(name: str) -> None:
    """Raise `RecordingError` where a sheet repeats cells and rows so often that they would not find room; what is empty
    counts where something follows it."""
    with opened_zip(name) as packed, packed.open("content.xml") as file:
        spans = [_Span()]
        for kind, attributes in _elements(name, file, _ELEMENT):
            if kind == b"table":
                spans.append(_Span())
            else:
                spans[-1].add(kind == b"table-row", attributes)
    cells = 0
    for span in spans:
        span.end_row()
        cells += span.rows * span.columns
        _check_span(name, "content.xml", span.rows, span.columns, cells)


class _Span:
    """How many rows and columns a sheet has up to its last cell that is filled."""

    def __init__(self) -> None:
        self.rows, self.columns = 0, 0
        self._empty_rows, self._repeated = 0, 0  # rows that are empty so far, and how often the present row is there
        self._cells, self._filled = 0, False  # of the present row

    def add(self, is_row: bool, attributes: bytes) -> None:
        """Take note of the next row or cell."""
        found = _REPEATED.search(attributes)
        count = 1 if found is None else int(found[1] or UNREADABLE)
        if is_row:
            self.end_row()
            self._repeated = count
            return
        self._cells += count
        if _FILLED.search(attributes):
            self.columns, self._filled = max(self.columns, self._cells), True

    def end_row(self) -> None:
        """Take note that the present row has no further cells."""
        self._empty_rows += self._repeated
        if self._filled:
            self.rows, self._empty_rows = self.rows + self._empty_rows, 0
        self._cells, self._filled, self._repeated = 0, False, 0


def _elements(name: str, file: IO[bytes], pattern: re.Pattern[bytes]) -> Iterator[tuple[bytes, ...]]:
    """Yield the groups of all places in an XML file that fit `pattern`, which begins with '<', read a block at a time;
    raise `RecordingError` where one may be too long."""
    rest = b""
    while block := file.read(_BLOCK):
        text, end = rest + block, 0
        for found in pattern.finditer(text):
            end = found.end()
            yield found.groups()
        begun = text.rfind(b"<", end)
        rest = text[begun:] if begun >= 0 else b""
        if len(rest) > _BLOCK:
            raise RecordingError(f"{name} has a cell of over {_BLOCK:,} characters; expected numbers: export CSV")


def _check_span(name: str, member: str, rows: int, columns: int, cells: int) -> None:
    """Raise `RecordingError` where a sheet, or all of them up to it with so many `cells`, are too large."""
    if rows > MOST_ROWS or columns > 16 * MOST_COLUMNS or cells > MOST_CELLS:
        spans = f"the sheet '{shortened(member)}' spans {columns:,} columns and {rows:,} rows"
        raise RecordingError(f"{name}: {spans}; expected one table: delete what is far from it, or export CSV")


def _number(letters: bytes) -> int:
    """Return the column that letters count: 1 of A, 27 of AA."""
    count = 0
    for letter in letters:
        count = 26 * count + letter - 64
    return count


def _text(name: str, book: Any, title: str) -> str:
    """Return a sheet as text; cells that stand before its first one are empty, so that lines are the sheet's rows."""
    sheet = book.get_sheet_by_name(title)
    rows = sheet.to_python(skip_empty_area=False)
    width = max(map(len, rows), default=0)
    if width > MOST_COLUMNS:
        found = f"{name}: the sheet '{shortened(title)}' makes {width:,} columns"
        raise RecordingError(f"{found}; expected up to {MOST_COLUMNS:,}: export time and what was measured alone")
    return "\n".join("\t".join(map(_cell, row)) for row in rows)


def _cell(value: object) -> str:
    """Return a cell as text: numbers with points, times as 14:32:05.033."""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float):
        return repr(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat(sep=" ") if isinstance(value, datetime) else value.isoformat()
    if isinstance(value, timedelta):
        return repr(value.total_seconds())
    return " ".join(str(value).split())
