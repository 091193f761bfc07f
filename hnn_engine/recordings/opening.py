"""From a file to its table: which of the formats it is, told by its first bytes, and what reads it.

Text and phyphox's zips are read a block at a time; Excel's workbooks, NumPy's and MATLAB's files at once, after their
sizes are known. Their readers are loaded when the first such file is opened.
"""

import os
import re
from dataclasses import replace

from hnn_engine.errors import RecordingError, shortened
from hnn_engine.progress import ProgressCallback
from hnn_engine.recordings.cells import Marks
from hnn_engine.recordings.layout import LONGEST_HEADER, SAMPLE, Layout, cells_of, find_layout
from hnn_engine.recordings.packed import opened_zip
from hnn_engine.recordings.regular import open_regular, unheard
from hnn_engine.recordings.table import FEWEST_ROWS, Table, TextTable
from hnn_engine.recordings.text import Text, lines_in, look_over, text_of

HEAD_ROWS = 1000  # that are kept as text
HEAD_CELLS = 100_000  # or fewer where there are many columns
HEAD_LENGTH = 4 * 2**20  # characters that a header and first rows are sought in
TABLES = (".csv", ".txt", ".tsv", ".dat", ".sto", ".mot", ".xlsx", ".xls", ".zip", ".npy", ".npz", ".mat")
_TEXTS = (".csv", ".txt", ".tsv", ".dat", ".tab")
_MARKS = {"\t": "tab", ",": "comma", ";": "semicolon", None: "blanks"}


def open_table(path: str | os.PathLike[str], tell: ProgressCallback = unheard, marks: Marks | None = None) -> Table:
    """Look at a table: its headings, its first rows, and what its columns hold.

    `marks` says how numbers are written in a text where that is known. Raises `RecordingError` for a folder, a missing,
    unreadable, damaged, empty or too large file, and for one that holds no table.
    """
    name = os.fspath(path)
    with open_regular(name, "a table, as text or packed") as file:
        first = file.read(128)
    if first.startswith(b"PK\x03\x04"):
        return _packed(name, tell, marks)
    if first.startswith(b"\x93NUMPY"):
        from hnn_engine.recordings.arrays import read_npy

        return read_npy(name)
    if first.startswith(b"\xd0\xcf\x11\xe0"):
        from hnn_engine.recordings.workbooks import read_workbook

        return _sheet(name, read_workbook(name, "xls"), marks)
    if first.startswith((b"MATLAB 5.0", b"MATLAB 7.3", b"\x89HDF")) or name.lower().endswith(".mat"):
        from hnn_engine.recordings.arrays import read_mat

        return read_mat(name)
    return _text_table(look_over(name, tell), marks)


def _packed(name: str, tell: ProgressCallback, marks: Marks | None) -> Table:
    """Open a zip: a workbook, arrays, or an export with a text in it."""
    with opened_zip(name) as packed:
        members = [info.filename for info in packed.infolist() if not info.is_dir()]
    if any(member.startswith("xl/") for member in members):
        from hnn_engine.recordings.workbooks import read_workbook

        return _sheet(name, read_workbook(name, "xlsx"), marks)
    if members and all(member.endswith(".npy") for member in members):
        from hnn_engine.recordings.arrays import read_npz

        return read_npz(name)
    return _member(name, members, tell, marks)


def _member(name: str, members: list[str], tell: ProgressCallback, marks: Marks | None) -> Table:
    """Open the one text with a table in a zip; what describes the device lies in a folder `meta`."""
    texts = [
        member
        for member in members
        if member.lower().endswith(_TEXTS) and not re.match(r"^(meta|__MACOSX)/", member, re.IGNORECASE)
    ]
    if not texts:
        inner = ", ".join(shortened(member, 30) for member in members[:3]) or "nothing"
        raise RecordingError(f"{name} holds {inner}; expected a text or CSV file in it: export the recording as CSV")
    found: list[Table] = []
    fault: RecordingError | None = None
    for member in texts[:20]:
        try:
            found.append(_text_table(look_over(name, tell, member), marks))
        except RecordingError as error:
            fault = fault or error
    if not found:
        raise fault or RecordingError(f"{name} holds no table; expected a CSV file in it: export the recording as CSV")
    if len(found) > 1:
        named = ", ".join(f"'{shortened(member, 30)}'" for member in texts[:3])
        raise RecordingError(
            f"{name} holds {len(found)} tables, {named}; expected one: unpack it, and open one of them"
        )
    return found[0]


def _sheet(name: str, sheets: dict[str, str], marks: Marks | None) -> Table:
    """Open the first sheet of a workbook that holds a table; the others are named in a note."""
    found: Table | None = None
    fault: RecordingError | None = None
    left: list[str] = []
    for title, content in sheets.items():
        if found is not None:
            left += [title] if content.strip() else []
            continue
        try:
            exact = None if "," in content else Marks()  # a cell that is a number has a point
            found = _text_table(text_of(name, content), marks or exact, title)
        except RecordingError as error:
            fault = fault or error
    if found is None:
        raise fault or RecordingError(f"{name} has no sheets; expected one with a table: export the recording again")
    if left:
        others = ", ".join(f"'{shortened(title, 30)}'" for title in left[:3])
        return replace(found, notes=(*found.notes, f"of the workbook's sheets {others} left out"))
    return found


def _text_table(text: Text, marks: Marks | None, sheet: str = "") -> TextTable:
    lines = _head(text)
    whole = len(lines) == text.lines
    layout = find_layout(text.path, lines, whole, marks)
    most = min(HEAD_ROWS, max(1, HEAD_CELLS // layout.width))
    head = []
    for line in lines[layout.first :]:
        if line.strip() and not line.lstrip().startswith(("#", "%")):
            cells = cells_of(line, layout.form)
            if any(cells):
                head.append(tuple((*cells, *[""] * layout.width)[: layout.width]))
        if len(head) == most:
            break
    table = TextTable(
        text.path,
        layout.headings,
        layout.named,
        layout.kinds,
        layout.comments,
        tuple(head),
        _format(text, layout, sheet),
        layout.program,
        layout.degrees,
        _notes(text, layout),
        text=text,
        layout=layout,
    )
    if whole and len(head) < min(most, FEWEST_ROWS):  # no answer in a dialog makes them more
        table.check_count(len(head))
    return table


def _format(text: Text, layout: Layout, sheet: str) -> str:
    """Return in words what kind of file a table was read from."""
    if sheet:
        return f"Excel workbook, sheet '{shortened(sheet, 30)}'"
    parted = f"text parted by {_MARKS.get(layout.form.delimiter, 'marks')}"
    if text.member:
        return f"zip, '{shortened(text.member, 40)}' in it: {parted}"
    return f"{layout.program} {parted}".strip() if layout.program else parted


def _notes(text: Text, layout: Layout) -> tuple[str, ...]:
    notes = []
    if text.member:
        notes.append(f"read from '{shortened(text.member, 40)}' in the zip")
    if layout.marks.thousands:
        notes.append(f"'{layout.marks.thousands}' parts thousands")
    return tuple(notes)


def _head(text: Text) -> list[str]:
    """Return the first lines: more than a header has, if there are so many, and then rows of numbers."""
    head: list[str] = []
    length, count = 0, 0
    for block, _ in text.blocks():
        head.append(block)
        length += len(block)
        count += lines_in(block)
        if count > LONGEST_HEADER + SAMPLE or length > HEAD_LENGTH:
            break
    lines = "".join(head).split("\n")
    return lines if lines[-1] else lines[:-1]
