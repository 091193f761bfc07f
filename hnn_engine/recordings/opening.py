"""From a file to its table: which of the formats it is, told by its first bytes, and what reads it.

Text and phyphox's zips are read a block at a time; workbooks, NumPy's and MATLAB's files at once, after their
sizes are known. Their readers are loaded when the first such file is opened.
"""

import os
import re
import zipfile
from collections.abc import Iterable
from dataclasses import replace

from hnn_engine.errors import RecordingError, listing, shortened
from hnn_engine.progress import ProgressCallback
from hnn_engine.recordings.cells import Marks
from hnn_engine.recordings.layout import LONGEST_HEADER, SAMPLE, Layout, cells_of, find_layout
from hnn_engine.recordings.packed import opened_zip
from hnn_engine.recordings.regular import open_regular, part, unheard
from hnn_engine.recordings.table import FEWEST_ROWS, Table, TextTable
from hnn_engine.recordings.text import Text, lines_in, look_over, text_of

HEAD_ROWS = 1000  # that are kept as text
HEAD_CELLS = 100_000  # or fewer where there are many columns
HEAD_LENGTH = 4 * 2**20  # characters that a header and first rows are sought in
TABLES = (*(".csv", ".txt", ".tsv", ".dat", ".sto", ".mot", ".xlsx", ".xls", ".ods", ".zip", ".npy", ".npz", ".mat"),)
_TEXTS = (".csv", ".txt", ".tsv", ".dat", ".tab")
MOST_TRIED = 20  # texts of a zip that are looked at
_OPEN_DOCUMENT = b"application/vnd.oasis.opendocument.spreadsheet"
_MARKS = {"\t": "tab", ",": "comma", ";": "semicolon", None: "blanks"}


def open_table(
    path: str | os.PathLike[str], tell: ProgressCallback = unheard, marks: Marks | None = None, wanted: str = ""
) -> Table:
    """Look at a table: its headings, its first rows, and what its columns hold.

    `marks` says how numbers are written in a text where that is known, `wanted` which table it is: a sheet of a
    workbook, or a text in a zip. Raises `RecordingError` for a folder, a missing, unreadable, damaged, empty or too
    large file, and for one that holds no table, or not the one that is wanted.
    """
    name = os.fspath(path)
    with open_regular(name, "a table, as text or packed") as file:
        first = file.read(128)
    if first.startswith(b"PK\x03\x04"):
        return _packed(name, tell, marks, wanted)
    if first.startswith(b"\xd0\xcf\x11\xe0"):
        return _workbook(name, "xls", marks, wanted)
    return _single(name, _unpacked(name, first, tell, marks), wanted)


def _unpacked(name: str, first: bytes, tell: ProgressCallback, marks: Marks | None) -> Table:
    """Open a file that begins with these bytes and holds one table: an array, or a text."""
    if first.startswith(b"\x93NUMPY"):
        from hnn_engine.recordings.arrays import read_npy

        return read_npy(name)
    if first.startswith((b"MATLAB 5.0", b"MATLAB 7.3", b"\x89HDF")) or name.lower().endswith(".mat"):
        from hnn_engine.recordings.arrays import read_mat

        return read_mat(name)
    return _text_table(look_over(name, tell), marks)


def _single(name: str, table: Table, wanted: str) -> Table:
    """Return the only table of a file; raise `RecordingError` where another one is wanted."""
    if wanted:
        raise RecordingError(f"{name} holds one table alone; expected no name of one: leave out '{shortened(wanted)}'")
    return table


def _packed(name: str, tell: ProgressCallback, marks: Marks | None, wanted: str) -> Table:
    """Open a zip: a workbook, arrays, or an export with texts in it."""
    with opened_zip(name) as packed:
        members = [info.filename for info in packed.infolist() if not info.is_dir()]
        kind = _first_bytes(packed, "mimetype", len(_OPEN_DOCUMENT)) if "mimetype" in members else b""
    if any(member.startswith("xl/") for member in members):
        return _workbook(name, "xlsx", marks, wanted)
    if kind == _OPEN_DOCUMENT and "content.xml" in members:
        return _workbook(name, "ods", marks, wanted)
    if members and all(member.endswith(".npy") for member in members):
        from hnn_engine.recordings.arrays import read_npz

        return _single(name, read_npz(name), wanted)
    return _member(name, members, tell, marks, wanted)


def _first_bytes(packed: zipfile.ZipFile, member: str, count: int) -> bytes:
    with packed.open(member) as file:
        return file.read(count)


def _member(name: str, members: list[str], tell: ProgressCallback, marks: Marks | None, wanted: str) -> Table:
    """Open the text with a table in a zip, the first one where several hold one and none is `wanted`; what describes
    the device lies in a folder `meta`."""
    texts = [
        member
        for member in members
        if member.lower().endswith(_TEXTS) and not re.match(r"^(meta|__MACOSX)/", member, re.IGNORECASE)
    ]
    if not texts:
        inner = ", ".join(shortened(member, 30) for member in members[:3]) or "nothing"
        raise RecordingError(f"{name} holds {inner}; expected a text or CSV file in it: export the recording as CSV")
    if wanted:
        member = _wanted(name, texts, wanted)
        return replace(_text_table(look_over(name, tell, member), marks), choices=tuple(texts), chosen=member)
    found: dict[str, Table] = {}
    fault: RecordingError | None = None
    for i, member in enumerate(texts[:MOST_TRIED]):
        try:
            found[member] = _text_table(
                look_over(name, part(tell, i / len(texts), (i + 1) / len(texts)), member), marks
            )
        except RecordingError as error:
            fault = fault or error
    if not found:
        raise fault or RecordingError(f"{name} holds no table; expected a CSV file in it: export the recording as CSV")
    member, table = next(iter(found.items()))
    choices = (*found, *texts[MOST_TRIED:])
    return replace(table, choices=choices, chosen=member, undecided=True) if len(choices) > 1 else table


def _wanted(name: str, names: Iterable[str], wanted: str) -> str:
    """Return which of the names is `wanted`, by the whole of it or without its folder; raise `RecordingError`."""
    known = list(names)
    found = [one for one in known if one == wanted] or [one for one in known if one.rsplit("/", 1)[-1] == wanted]
    if len(found) == 1:
        return found[0]
    inner = listing((f"'{shortened(one, 30)}'" for one in known), most=4)
    raise RecordingError(f"{name} holds no table '{shortened(wanted)}'; expected one of {inner}: choose one")


def _workbook(name: str, kind: str, marks: Marks | None, wanted: str) -> Table:
    """Open a sheet of a workbook: the first one that holds a table where none is `wanted`; others are in a note."""
    from hnn_engine.recordings.workbooks import FORMATS, read_workbook

    sheets = {title: content for title, content in read_workbook(name, kind).items() if content.strip()}
    tried = [_wanted(name, sheets, wanted)] if wanted else list(sheets)
    fault: RecordingError | None = None
    for title in tried:
        try:
            content = sheets[title]
            exact = None if "," in content else Marks()  # a cell that is a number has a point
            called = f"{FORMATS[kind]}, sheet '{shortened(title, 30)}'"
            found = _text_table(text_of(name, content), marks or exact, called)
        except RecordingError as error:
            fault = fault or error
            continue
        found = replace(found, choices=tuple(sheets), chosen=title) if len(sheets) > 1 else found
        left = tried[tried.index(title) + 1 :]
        if not left:
            return found
        others = ", ".join(f"'{shortened(other, 30)}'" for other in left[:3])
        return replace(found, notes=(*found.notes, f"of the workbook's sheets {others} left out"))
    raise fault or RecordingError(f"{name} has no sheets; expected one with a table: export the recording again")


def _text_table(text: Text, marks: Marks | None, called: str = "") -> TextTable:
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
        called or _format(text, layout),
        layout.program,
        layout.degrees,
        _notes(text, layout),
        text=text,
        layout=layout,
    )
    if whole and len(head) < min(most, FEWEST_ROWS):  # no answer in a dialog makes them more
        table.check_count(len(head))
    return table


def _format(text: Text, layout: Layout) -> str:
    """Return in words what kind of file a table was read from."""
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
