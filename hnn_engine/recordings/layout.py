"""Where in a text its table begins, what parts its cells, how its numbers are written, and what its headings are.

What the rows look like is learned from the last lines of the head, where only rows can be: which columns hold numbers
or times. The first row is the first line that looks like these; what stands before is words, whatever numbers are in
them. The heading is the line of words above it, and around that may stand a line of units and one of objects.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from hnn_engine.errors import RecordingError
from hnn_engine.limits import MOST_COLUMNS
from hnn_engine.recordings.cells import LONGEST_NUMBER, Marks, find_marks, is_clock, is_missing, looks_numeric, number
from hnn_engine.recordings.headings import Heading, in_pixels, labelled, parse_heading, with_units
from hnn_engine.recordings.rows import ARROW, COMMENTS, Form, delimiter_of, shortened, split_line
from hnn_engine.recordings.units import parse_unit

PICTURES = ("DeepLabCut", "SLEAP")  # programs whose positions are in pixels, y downward
LONGEST_HEADER = 1000  # lines before the first row of numbers
LONGEST_NAME = 80  # characters of a column's name
SAMPLE = 100  # last lines of the head that show what rows look like
SAMPLE_CELLS = 100_000  # of these lines, or fewer lines
NUMBER, CLOCK, WORD, EMPTY = "N", "C", "W", "E"
_ARROW = re.compile(r"^\s*\d\d:\d\d:\d\d(?:[.,]\d+)?" + re.escape(ARROW))
_SEPARATOR = re.compile(r"^\ufeff?\"?sep=(.)\"?\s*$", re.IGNORECASE)
_IN_DEGREES = re.compile(r"^\s*inDegrees\s*=\s*(yes|no)\s*$", re.IGNORECASE)
_MASS = re.compile(
    r"^\s*(?:(?:point)?[_ ]?(?:mass|masse|masa|massa|cm|punktmasse)[_ ]+\S.{0,20}|[^\t;,]{1,30})\s*$", re.IGNORECASE
)
_TRACKER_NAMES = frozenset(
    [
        "t",
        "x",
        "y",
        "r",
        "θ",
        "v_{x}",
        "v_{y}",
        "v",
        "θ_{v}",
        "a_{x}",
        "a_{y}",
        "a",
        "θ_{a}",
        "ω",
        "α",
        "step",
        "frame",
        "vx",
        "vy",
        "ax",
        "ay",
        "L",
    ]
)


@dataclass(frozen=True)
class Layout:
    """How a text holds its table. `first` is the index of the first row's line, `kinds` what the cells of each column
    are, `doubtful` a number that can be read in two ways ('' where none can), `headers` the lines of the heading as
    cells, and `degrees` what the text itself says of angles, None where it says nothing."""

    form: Form
    marks: Marks
    doubtful: str
    first: int
    kinds: tuple[str, ...]
    headings: tuple[Heading, ...]
    named: bool
    headers: frozenset[tuple[str, ...]]
    comments: tuple[str, ...]
    program: str = ""
    degrees: bool | None = None

    @property
    def width(self) -> int:
        """Number of columns."""
        return len(self.headings)


def find_layout(path: str, lines: Sequence[str], whole: bool, marks: Marks | None = None) -> Layout:
    """Return the layout of a text that begins with these `lines`, which may be the `whole` of it.

    `marks` says how numbers are written where that is known. Raises `RecordingError` where no row of numbers is there.
    """
    form = _form(lines)
    sample = _cells(path, lines, range(max(0, len(lines) - _sample(lines)), len(lines)), form)
    width = _width(sample)
    kinds = _kinds(sample, width)
    first = _first_row(path, lines, form, kinds)
    if first is None:
        raise _nothing(path, lines, whole)
    comments = tuple(line.strip().lstrip("%# ").strip() for line in lines[:first] if line.strip().startswith(COMMENTS))
    found = _Header(lines, first, form, width)
    if found.names is None:
        _check_header(path, lines, first, form, width)
    headings, named = found.headings(comments, kinds)
    rows = [*_cells(path, lines, range(first, min(first + SAMPLE, len(lines))), form), *sample]
    columns = [[row[i] for row in rows if i < len(row)] for i in range(width) if kinds[i] == NUMBER]
    known, doubtful = find_marks(columns, form.delimiter != "," or any('"' in line for line in lines[first:]))
    if marks is not None:
        known, doubtful = marks, ""
    before = [line for line in lines[:first] if line.strip()]
    program = _program(before, headings)
    if program in PICTURES:
        headings = tuple(in_pixels(heading) for heading in headings)
    said = next((found[1].lower() == "yes" for found in map(_IN_DEGREES.match, before) if found), None)
    return Layout(form, known, doubtful, first, kinds, headings, named, found.lines, comments, program, said)


# What parts the cells -------------------------------------------------------------------------------------------------


def _sample(lines: Sequence[str]) -> int:
    """Return how many of the last lines show what rows look like."""
    return max(1, min(SAMPLE, (len(lines) + 1) // 2))


def _form(lines: Sequence[str]) -> Form:
    """Return what parts the cells of the rows."""
    tail = [line for line in lines[-_sample(lines) :] if line.strip() and not line.lstrip().startswith(COMMENTS)]
    arrow = bool(tail) and sum(bool(_ARROW.match(line)) for line in tail) > len(tail) / 2
    if arrow:
        tail = [line.partition(ARROW)[2] for line in tail]
    stated = next((found[1] for found in map(_SEPARATOR.match, lines[:1]) if found), None)
    if stated is not None:
        return Form(None if stated == " " else stated, arrow)
    for mark in (";", "\t", ","):
        having = [line for line in tail if mark in line.strip(" ")]
        if len(having) * 2 > len(tail) and not (mark == "," and _decimal(having)):
            return Form(mark, arrow)
    return Form("\t" if arrow and all(len(line.split()) < 2 for line in tail) else None, arrow)


def _decimal(lines: Sequence[str]) -> bool:
    """Whether the commas of these lines are decimal marks between digits, and blanks part the cells."""
    cells = [cell for line in lines for cell in line.split()]
    fitting = sum(bool(re.match(r"^[+-]?\d+(?:,\d+)?(?:[eE][+-]?\d+)?$", cell)) for cell in cells)
    parted = all(len(line.split()) > 1 for line in lines)
    return parted and fitting * 10 > len(cells) * 9


def _cells(path: str, lines: Sequence[str], taken: range, form: Form) -> list[list[str]]:
    """Return the rows among some lines, as cells."""
    rows: list[list[str]] = []
    left = SAMPLE_CELLS
    for i in taken:
        line = lines[i]
        if line.strip() and not line.lstrip().startswith(COMMENTS):
            _check_columns(path, i + 1, line, form.delimiter)
            cells = cells_of(line, form)
            left -= len(cells)
            if any(cells):
                rows.append(cells)
            if left < 0:
                break
    return rows


def cells_of(line: str, form: Form) -> list[str]:
    """Return the cells of a line."""
    if form.arrow:
        line = line.replace(ARROW, form.delimiter or "\t", 1)
    return split_line(line.strip(" \f\v") if form.delimiter == "\t" else line.strip(), form.delimiter)


def _check_columns(path: str, number: int, row: str, delimiter: str | None) -> None:
    """Raise `RecordingError` where a row has too many columns; counted without making them."""
    if len(row) > MOST_COLUMNS:
        width = row.count(delimiter) + 1 if delimiter else len(row.split())
        if width > MOST_COLUMNS:
            found = f"{path}, line {number} makes {width:,} columns"
            raise RecordingError(f"{found}; expected up to {MOST_COLUMNS:,}: export time and what was measured alone")


def _width(rows: list[list[str]]) -> int:
    counts = Counter(map(len, rows))
    return max(counts, key=lambda width: (counts[width], width)) if counts else 0


# Which lines are rows -------------------------------------------------------------------------------------------------


def _kind(cell: str) -> str:
    if is_missing(cell):
        return EMPTY
    return NUMBER if looks_numeric(cell) else CLOCK if is_clock(cell) else WORD


def _kinds(rows: list[list[str]], width: int) -> tuple[str, ...]:
    """Return what most cells of each column are."""
    kinds = []
    for i in range(width):
        counts = Counter(_kind(row[i]) for row in rows if len(row) == width)
        empty = counts.pop(EMPTY, 0)
        kinds.append(max(counts, key=lambda kind: counts[kind]) if counts else EMPTY if empty else WORD)
    return tuple(kinds)


def _first_row(path: str, lines: Sequence[str], form: Form, kinds: tuple[str, ...]) -> int | None:
    """Return the index of the first line that looks like a row and is followed by another one, with no line of words
    between them."""
    if not {NUMBER, CLOCK} & set(kinds):
        return None
    candidate, count = None, 0
    for i, line in enumerate(lines[: LONGEST_HEADER + SAMPLE]):
        if not line.strip() or line.lstrip().startswith(COMMENTS):
            continue
        _check_columns(path, i + 1, line, form.delimiter)
        cells = cells_of(line, form)
        if not any(cells):
            continue
        if _is_row(cells, kinds) and not (candidate is None and _counts_columns(cells)):
            candidate = i if candidate is None else candidate
            count += 1
            if count > 1:
                return candidate if candidate <= LONGEST_HEADER else None
        elif not any(map(looks_numeric, cells)):
            candidate, count = None, 0
    return candidate


def _is_row(cells: list[str], kinds: tuple[str, ...]) -> bool:
    """Whether cells are of the kinds that those of rows are; what is missing is of any kind."""
    if len(cells) != len(kinds) and (len(cells) < len(kinds) or any(cells[len(kinds) :])):
        return False
    found = [_kind(cell) for cell in cells[: len(kinds)]]
    told = [(here, kind) for here, kind in zip(found, kinds, strict=True) if kind in (NUMBER, CLOCK)]
    return any(here == kind for here, kind in told) and all(here in (kind, EMPTY) for here, kind in told)


def _counts_columns(cells: list[str]) -> bool:
    """Whether cells are the heading that pandas writes for columns without names: nothing, 0, 1, 2 …"""
    return len(cells) > 2 and not cells[0] and cells[1:] == [str(i) for i in range(len(cells) - 1)]


def _nothing(path: str, lines: Sequence[str], whole: bool) -> RecordingError:
    for i, line in enumerate(lines, start=1):
        if line.strip():
            seen = min(len(lines), LONGEST_HEADER + 1)
            after = "what follows holds" if whole else f"the first {seen} lines hold"
            found = f"{path}, line {i}: '{shortened(line.strip())}' and {after} no row of numbers"
            return RecordingError(f"{found}; expected numeric columns such as time and angle: choose a recording")
    return RecordingError(f"{path} is empty; expected rows of numbers such as time and angle: choose a recording")


# What the headings are ------------------------------------------------------------------------------------------------


class _Header:
    """The lines of words above the first row: `names`, perhaps `units` and `objects`; as cells, all of one width."""

    def __init__(self, lines: Sequence[str], first: int, form: Form, width: int) -> None:
        self.names: list[str] | None = None
        self.units: list[str] | None = None
        self.objects: list[list[str]] = []
        fitting: list[list[str]] = []
        for line in reversed(lines[:first]):
            if not line.strip() or line.lstrip().startswith(COMMENTS):
                continue
            cells = _fitted(line, form, width, not fitting)
            if cells is None or len(fitting) == 5:
                break
            fitting.append(cells)
        self.lines = frozenset(tuple(cells) for cells in fitting)
        if fitting and _are_units(fitting[0]) and (len(fitting) > 1 or not _are_names(fitting[0])):
            self.units = fitting.pop(0)
        if fitting:
            self.names = fitting.pop(0)
        symbols = self.names is not None and _are_symbols(self.names)
        if fitting and self.names and symbols and _are_names(fitting[0]) and _filled(fitting[0]) >= _filled(self.names):
            self.names = fitting.pop(0)
        self.objects = [cells for cells in fitting if len(set(filter(None, cells))) < width or not all(cells)]

    def headings(self, comments: tuple[str, ...], kinds: tuple[str, ...]) -> tuple[tuple[Heading, ...], bool]:
        """Return a heading for each column, and whether the file names them."""
        width = len(kinds)
        names = self.names
        if names is None and comments:
            form = Form(delimiter_of(comments[-1]))
            cells = split_line(comments[-1], form.delimiter)
            names = cells if len(cells) == width and not any(map(looks_numeric, cells)) else None
        if names is None:
            found = tuple(Heading(f"column {i + 1}", "") for i in range(width))
            return (with_units(found, self.units) if self.units else found), False
        texts = [shortened(name, LONGEST_NAME) for name in names]
        if any(text and text == texts[0] == "coords" for text in texts[:1]):
            texts[0] = "frame"  # DeepLabCut's rows are counted from the first frame
        headings = [parse_heading(text) if text else Heading("", "") for text in texts]
        headings = [heading if heading.text else Heading(f"column {i + 1}", "") for i, heading in enumerate(headings)]
        labels = self._labels(width)
        headings = [
            labelled(heading, label) if label and i and heading.name else heading
            for i, (heading, label) in enumerate(zip(headings, labels, strict=True))
        ]
        return with_units(headings, self.units) if self.units else tuple(headings), True

    def _labels(self, width: int) -> list[str]:
        """Return which object each column belongs to, by the lines above the names."""
        labels = [""] * width
        for cells in reversed(self.objects):
            if cells[0].lower() == "scorer" or len(set(filter(None, cells[1:]))) < 1:
                continue
            last = ""
            for i, cell in enumerate(cells):
                last = cell or (last if i else "")
                if i:
                    labels[i] = f"{labels[i]} {last}".strip()
        return [shortened(label, LONGEST_NAME) for label in labels]


def _fitted(line: str, form: Form, width: int, alone: bool) -> list[str] | None:
    """Return the cells of a line above the rows if they may be headings: as many as a row has, and not numbers.

    One that stands `alone` may part known names otherwise than the rows part their cells.
    """
    if len(line) > width * LONGEST_NUMBER:
        return None
    if width == 1:
        return None if looks_numeric(line) else [line.strip().strip('"')]
    for delimiter in dict.fromkeys((form.delimiter, "\t", ";", ",", None)):
        cells = cells_of(line, Form(delimiter, form.arrow and delimiter == form.delimiter))
        while len(cells) > width and not cells[-1]:
            cells = cells[:-1]
        if len(cells) == width - 1 and delimiter == form.delimiter and line.rstrip(" ").endswith(delimiter or "\n"):
            cells = [*cells, ""]
        if len(cells) == width and _counts_columns(cells):
            return cells
        known = delimiter == form.delimiter or (alone and (_are_names(cells) or _are_units(cells)))
        if known and len(cells) == width and any(cells) and not any(map(looks_numeric, cells)):
            return ["" if is_clock(cell) else cell for cell in cells]
    return None


def _are_units(cells: list[str]) -> bool:
    stated = [cell for cell in cells if cell.strip("()[]- ")]
    return bool(stated) and all(parse_unit(cell) is not None for cell in stated)


def _are_names(cells: list[str]) -> bool:
    """Whether cells name quantities that are known."""
    return any(parse_heading(cell).quantity for cell in cells if cell and parse_unit(cell) is None)


def _filled(cells: list[str]) -> int:
    """Return how many cells are not empty."""
    return sum(map(bool, cells))


def _are_symbols(cells: list[str]) -> bool:
    return all(len(cell) < 4 for cell in cells)


def _check_header(path: str, lines: Sequence[str], first: int, form: Form, width: int) -> None:
    """Raise `RecordingError` where the line above the first row names quantities, but not as many as a row has."""
    for at in range(first - 1, -1, -1):
        line = lines[at]
        if not line.strip() or line.lstrip().startswith(COMMENTS):
            continue
        cells = cells_of(line, form)
        if len(line) > len(cells) * LONGEST_NUMBER:
            return
        known = [cell for cell in cells if cell and parse_heading(cell).quantity and not looks_numeric(cell)]
        if len(cells) in (1, width) or len(known) < 2 or any(map(looks_numeric, cells)):
            return
        row = shortened(lines[first].strip())
        here = f"'{row}' in line {first + 1} has {width} cells"
        found = f"{path}, line {at + 1}: the header has {len(cells)} names, but {here}"
        advice = "one name a column: where commas are decimal, put numbers in quotes or part cells by semicolons"
        raise RecordingError(f"{found}; expected {advice}")


def _program(before: Sequence[str], headings: tuple[Heading, ...]) -> str:
    """Return which program wrote a text, '' where that is not known; only what changes how it is read is told."""
    first = before[0] if before else ""
    texts = {heading.text for heading in headings} | {heading.name for heading in headings}
    if any(_IN_DEGREES.match(line) for line in before) or any(line.strip().lower() == "endheader" for line in before):
        return "OpenSim"
    if first.lower().startswith("scorer") or (len(before) > 1 and before[1].lower().startswith("bodyparts")):
        return "DeepLabCut"
    if {"frame_idx", "instance.score"} & texts:
        return "SLEAP"
    if "kinovea" in first.lower():
        return "Kinovea"
    names = {heading.name for heading in headings if heading.name}
    tracker = first.strip().startswith("#multi") or (len(before) > 1 and _MASS.match(first))
    if tracker and "t" in names and names <= _TRACKER_NAMES and not any(heading.stated for heading in headings):
        return "Tracker"
    return ""


def to_number(cell: str, marks: Marks) -> float:
    """Return the number in a cell, NaN where there is none."""
    found = number(cell, marks)
    return float("nan") if found is None else found
