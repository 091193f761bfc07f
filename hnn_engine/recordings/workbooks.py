"""Excel's workbooks as text: each sheet a text with tabs between its cells, read by python-calamine."""

import re
from datetime import date, datetime, time, timedelta
from typing import Any

from hnn_engine.errors import RecordingError, shortened
from hnn_engine.limits import LARGEST_TABLE, MOST_CELLS, MOST_COLUMNS, MOST_ROWS
from hnn_engine.missing_libraries import need
from hnn_engine.recordings.packed import damaged, opened_zip
from hnn_engine.recordings.regular import open_regular

_WANTED = "an Excel workbook"
_REFERENCE = re.compile(rb'<c[^>]*?\br="([A-Z]{1,5})(\d{1,9})"')
_BLOCK = 2**20


def read_workbook(name: str, kind: str) -> dict[str, str]:
    """Return the sheets of a workbook, `kind` 'xlsx' or 'xls', as texts by their titles; raise `RecordingError`."""
    if kind == "xlsx":
        _check_spans(name)
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
        for member in packed.namelist():
            if not re.match(r"^xl/worksheets/[^/]+\.xml$", member):
                continue
            rows, columns, rest = 0, 0, b""
            with packed.open(member) as file:
                while block := file.read(_BLOCK):
                    text = rest + block
                    for letters, digits in _REFERENCE.findall(text):
                        rows = max(rows, int(digits))
                        columns = max(columns, _number(letters))
                    rest = text[text.rfind(b"<") :][-200:]
            if rows > MOST_ROWS or columns > 16 * MOST_COLUMNS or rows * columns > MOST_CELLS:
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
