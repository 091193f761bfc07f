"""Lines of text as rows of cells: what parts them, what is left out, and what stands in quotes."""

import csv
import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

COMMENTS = ("%", "#")
ARROW = " -> "  # what Arduino's serial monitor writes between its clock and the line
_BLANKS = " \f\v"
_UNUSUAL = ('"', "#", "%", "\f", "\v", "\n\n")  # a block without these needs no care
_BLANK_LINE = re.compile(r"\n[ \t]+\n")

Indices = npt.NDArray[np.int64]


class Form(NamedTuple):
    """What parts the cells of a line, None for blanks, and whether a clock with an arrow stands before them."""

    delimiter: str | None
    arrow: bool = False


class Rows(NamedTuple):
    """Rows as text, the numbers of their lines from 1, which of them stand after a blank line, and whether they are
    `plain`: each as it stands in the file, without quotes, comments, blank lines, and letters beyond ASCII."""

    rows: list[str]
    lines: Indices
    parted: Sequence[int]
    plain: bool


def rows_of(block: str, before: int, skipped: int, form: Form) -> Rows:
    """Return the rows of a block that so many lines stand `before`, without the first `skipped` lines.

    Blank lines, lines of separators alone and comments are left out. Most blocks are plain, and then nothing is done
    for each line.
    """
    plain = not skipped and not form.arrow and _is_plain(block)
    if form.arrow:
        block = block.replace(ARROW, form.delimiter or "\t")
    lines = block.split("\n")
    if not lines[-1]:
        lines.pop()
    if plain:
        return Rows(lines, np.arange(before + 1, before + 1 + len(lines)), (), True)
    blank = _BLANKS + "\t" + (form.delimiter or "") + '"'
    kept: list[int] = []
    parted: list[int] = []
    after_blank = False
    for i in range(skipped, len(lines)):
        row = lines[i].lstrip(_BLANKS)
        if not row.strip(blank):
            after_blank = True
        elif not row.startswith(COMMENTS):
            if after_blank:
                parted.append(len(kept))
            kept.append(i)
            after_blank = False
    if after_blank:
        parted.append(len(kept))  # of the next block, or of none
    numbers = np.array(kept, dtype=np.int64) + (before + 1)
    return Rows([lines[i] for i in kept], numbers, parted, False)


def _is_plain(block: str) -> bool:
    """Whether every line of a block is a row as it stands: neither blank nor a comment, and without quotes."""
    if not block.isascii() or not block[:1].strip() or any(mark in block for mark in _UNUSUAL):
        return False
    return not (
        ("\n " in block or "\n\t" in block) and (_BLANK_LINE.search(block) or not block.rsplit("\n", 1)[-1].strip())
    )


def delimiter_of(line: str) -> str | None:
    """Return what parts the cells of a line; None for blanks."""
    return next((mark for mark in (";", "\t", ",") if mark in line.strip(" ")), None)


def split_line(line: str, delimiter: str | None) -> list[str]:
    """Return the cells of one line, stripped of blanks and quotes."""
    if '"' in line:
        try:
            cells = next(csv.reader([line], delimiter=delimiter or " ", skipinitialspace=True))
        except (csv.Error, StopIteration):
            cells = line.split(delimiter)
    else:
        cells = line.split(delimiter)
    return [cell.strip() for cell in cells]


def shortened(text: str, length: int = 40) -> str:
    """Return `text` on one line, cut to `length`."""
    text = " ".join(text.split())
    return text if len(text) <= length else text[: length - 1] + "…"
