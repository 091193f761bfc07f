"""One cell of a table: a number however it is written, a time of day, or a mark that stands for nothing."""

import math
import re
from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple

LONGEST_NUMBER = 500  # characters
LARGEST_NUMBER = 1e100  # so that squares and differences stay finite
MISSING = frozenset(
    (
        *("", "-", "--", "---", "–", "—", "−", "n/a", "na", "#n/a", "nan", "-nan", "nan(ind)", "-nan(ind)", "null"),
        *("none", "?", "*", ".", "..", "undefined", "n.a.", "n. a.", "#div/0!", "#value!", "#num!", "missing", "[]"),
        *("<na>", "nil"),
    )
)
_SPACES = re.compile("(?<=\\d)[\u00a0\u2007\u2009\u202f'’ ](?=\\d{3}(?!\\d))")
_GROUPED = {mark: re.compile(rf"^[+-]?[1-9]\d{{0,2}}(?:{re.escape(mark)}\d{{3}})+$") for mark in ".,"}
_NUMBER = re.compile(r"^[+-]?(?:\d[\d.,]*|[.,]\d+)(?:[eE][+-]?\d+)?$")
_WHOLE = re.compile(r"^[+-]?[1-9]\d\d$")

_CLOCK = re.compile(r"^(\d{1,2}):(\d\d):(\d\d)(?:([.,:])(\d{1,9}))?(?:\s*([AaPp])\.?[Mm]\.?)?$")
_MINUTES = re.compile(r"^(\d{1,3}):(\d\d)[.,](\d{1,9})$")
_ISO = re.compile(r"^(\d{4})-(\d\d)-(\d\d)[T ]+(.*?)(?:Z|[+-]\d\d:?\d\d)?$")
_DATED = re.compile(r"^(\d{1,4}[./-]\d{1,2}[./-]\d{1,4})[T ,]+(\S.*)$")
DAY = 86_400.0


class Marks(NamedTuple):
    """How numbers are written: the decimal mark, and what parts thousands ('' where nothing does)."""

    decimal: str = "."
    thousands: str = ""


def is_missing(cell: str) -> bool:
    """Whether a cell stands for nothing: empty, a dash, NaN, 'n/a' and the like."""
    return len(cell) < 12 and cell.strip().lower() in MISSING


def plain_number(cell: str) -> str:
    """Return a cell with an ASCII minus sign, without spaces among its digits and without a degree sign behind."""
    text = cell.strip()
    if text.isascii() and "'" not in text and " " not in text:
        return text
    text = text.replace("\u2212", "-").replace("\u2013", "-").rstrip("°º").strip()
    return _SPACES.sub("", text)


def looks_numeric(cell: str) -> bool:
    """Whether a cell is a number, whatever its marks mean; 'inf' is one, 'nan' is not."""
    if len(cell) > LONGEST_NUMBER:
        return False
    text = plain_number(cell)
    return bool(_NUMBER.match(text)) or text.lower().lstrip("+-") in ("inf", "infinity")


def number(cell: str, marks: Marks) -> float | None:
    """Return the number in a cell; NaN where it stands for nothing, None where it is no number by these `marks`."""
    text = plain_number(cell)
    if is_missing(text):
        return math.nan
    if marks.thousands and marks.thousands in text:
        whole, mark, rest = text.partition(marks.decimal)
        if not _GROUPED[marks.thousands].match(whole):
            return None
        text = whole.replace(marks.thousands, "") + mark + rest
    if marks.decimal == "," and "." in text:
        return None
    if "_" in text or not text.isascii():
        return None
    try:
        return float(text.replace(",", ".") if marks.decimal == "," else text)
    except ValueError:
        return None


def find_marks(columns: Iterable[Sequence[str]], commas: bool) -> tuple[Marks, str]:
    """Return how the numbers of these columns of cells are written, and one that may be read in two ways, or ''.

    `commas` says that a comma may stand in a cell. What decides is a number that can be read in one way only: of 0,033
    the comma is decimal, in 1,025.5 it parts thousands. Where commas are decimal elsewhere, 1.025 may be a thousand.
    """
    points, decimal_commas, grouped_points, grouped_commas = "", "", "", ""
    thousands = ""
    mixed_whole = ""
    for cells in columns:
        texts = [text for text in map(plain_number, cells) if _NUMBER.match(text)]
        whole = any(_WHOLE.match(text) for text in texts)
        for text in texts:
            digits = re.split("[eE]", text)[0]
            point, comma = digits.rfind("."), digits.rfind(",")
            if point >= 0 and comma >= 0:
                thousands = thousands or (",." if point > comma else ".,")
            elif comma >= 0 and commas:
                grouped = _GROUPED[","].match(digits)
                grouped_commas, decimal_commas = (
                    (grouped_commas or text, decimal_commas) if grouped else (grouped_commas, decimal_commas or text)
                )
                thousands = thousands or (",." if digits.count(",") > 1 else "")
            elif point >= 0:
                grouped = _GROUPED["."].match(digits)
                thousands = thousands or (".," if digits.count(".") > 1 else "")
                points, grouped_points = (
                    (points, grouped_points or text) if grouped else (points or text, grouped_points)
                )
                mixed_whole = mixed_whole or (text if grouped and whole else "")
    if thousands:
        doubtful = decimal_commas if thousands[0] == "," else points
        return Marks(thousands[1], thousands[0]), doubtful
    if decimal_commas:
        return Marks(","), grouped_points or points
    if grouped_commas:
        return (Marks(".", ","), "") if points else (Marks(".", ","), grouped_commas)
    return Marks("."), "" if points else mixed_whole


class ClockReader:
    """Reads times of day, with dates or without, as seconds after the first one; a day begins where midnight passes."""

    def __init__(self) -> None:
        """Begin with no time read yet."""
        self._date, self._days, self._last = "", 0, -1.0
        self._first: tuple[int, float] | None = None

    def seconds(self, cell: str) -> float | None:
        """Return the seconds since the first time read, NaN for a missing one, None for what is no time."""
        text = cell.strip()
        if is_missing(text):
            return math.nan
        found = _clock(text)
        if found is None:
            return None
        day, time = found
        if isinstance(day, str):
            later = (day != self._date and self._last >= 0) or (not day and time < self._last - DAY / 2)
            self._days += later
            self._date, self._last, day = day, time, self._days
        self._first = self._first or (day, time)
        return (day - self._first[0]) * DAY + (time - self._first[1])


def is_clock(cell: str) -> bool:
    """Whether a cell is a time of day, with a date or without."""
    return len(cell) < LONGEST_NUMBER and _clock(cell.strip()) is not None


def counts_frames(cells: Iterable[str]) -> bool:
    """Whether the last part of these times, as in 0:00:01:24, may count frames: two digits that never reach 60."""
    parts = [found for found in map(_CLOCK.match, map(str.strip, cells)) if found and found[4] == ":"]
    return any(len(found[5]) == 2 for found in parts) and all(int(found[5]) < 60 for found in parts)


def _clock(text: str) -> tuple[int | str, float] | None:
    """Return the day, counted or as it is written, and the seconds in it."""
    iso = _ISO.match(text)
    if iso:
        time = _of_day(iso[4].strip())
        try:
            day = date(int(iso[1]), int(iso[2]), int(iso[3])).toordinal()
        except ValueError:
            return None
        return None if time is None else (day, time)
    dated = _DATED.match(text)
    time = _of_day(dated[2] if dated else text)
    return None if time is None else (dated[1] if dated else "", time)


def _of_day(text: str) -> float | None:
    """Return the seconds of a time such as 14:32:05.033, 10:22:00:033, 2:05:01 PM or 0:00:00:03 (hundredths)."""
    found = _CLOCK.match(text)
    if found:
        hours, minutes, seconds = int(found[1]), int(found[2]), int(found[3])
        if found[6]:
            hours = hours % 12 + (12 if found[6] in "Pp" else 0)
        part = int(found[5]) / 10 ** len(found[5]) if found[5] else 0.0
        return 3600 * hours + 60 * minutes + seconds + part
    found = _MINUTES.match(text)
    return 60 * int(found[1]) + int(found[2]) + int(found[3]) / 10 ** len(found[3]) if found else None
