"""Lines of text as rows of cells: what parts them, what is left out, quotes and decimal commas."""

import csv
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

COMMENTS = ("%", "#")
_BLANKS = " \f\v"
_UNUSUAL = ('"', "#", "%", "\f", "\v", "\n\n", "\n ", "\n\t", " \n")  # a block without these needs no care

Indices = npt.NDArray[np.int64]


class Rows(NamedTuple):
    """Rows of text cells, the numbers of their lines from 1, and what parts the cells; None for blanks."""

    rows: list[str]
    lines: Indices
    delimiter: str | None


def rows_of(block: str, before: int, skipped: int, delimiter: str | None) -> Rows:
    """Return the rows of a block that so many lines stand `before`, without the first `skipped` lines.

    Blank lines and comments are left out; cells are then without quotes and decimal commas. Most blocks are plain, and
    then nothing is done for each line.
    """
    quoted = '"' in block
    plain = not skipped and not quoted and _is_plain(block, delimiter)
    if delimiter in (";", "\t") and not quoted:
        block = block.replace(",", ".")
    lines = block.split("\n")
    if not lines[-1]:
        lines.pop()
    if plain:
        return Rows(lines, np.arange(before + 1, before + 1 + len(lines)), delimiter)
    ends = _BLANKS if delimiter is None else _BLANKS + delimiter  # some loggers end every line with a separator
    stripped = [line.lstrip(_BLANKS).rstrip(ends) for line in lines[skipped:]]
    kept = [i for i, row in enumerate(stripped) if row.strip() and not row.startswith(COMMENTS)]
    rows, numbers = [stripped[i] for i in kept], np.array(kept, dtype=np.int64) + (before + skipped + 1)
    if not quoted:
        return Rows(rows, numbers, delimiter)
    return Rows(["\t".join(split_line(row, delimiter)).replace(",", ".") for row in rows], numbers, "\t")


def _is_plain(block: str, delimiter: str | None) -> bool:
    """Whether every line of a block is a row as it stands: neither blank nor a comment, and without ragged ends."""
    if not block.isascii() or block[:1].isspace() or any(mark in block for mark in _UNUSUAL):
        return False
    ends = " " if delimiter is None else " " + delimiter
    return not block.rstrip("\n").endswith(tuple(ends)) and (delimiter is None or delimiter + "\n" not in block)


def delimiter_of(line: str) -> str | None:
    """Return what parts the cells of a line; None for blanks."""
    return next((mark for mark in (";", "\t", ",") if mark in line.strip(" ")), None)


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
    return "_" not in text and text.isascii()


def is_local_number(text: str) -> bool:
    """Whether `text` reads as a number whose comma may be decimal."""
    return is_number(text.replace(",", "."))


def shortened(text: str, length: int = 40) -> str:
    """Return `text` on one line, cut to `length`."""
    text = " ".join(text.split())
    return text if len(text) <= length else text[: length - 1] + "…"
