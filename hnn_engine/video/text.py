"""Words in a picture, in the one typeface that Pillow carries with it: the same on every machine."""

import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

LEADING = 1.4  # height of a line, in sizes of its letters
KNOWN = frozenset(map(chr, range(32, 127))) | frozenset("°·…’")  # what the typeface has and is used here
ALMOST = {"−": "-", "–": "-", "—": "-", "×": "x", "‘": "’", "≈": "~", "\u00a0": " ", "\u2009": " ", "\u202f": " "}


def legible(text: str) -> str:
    """Return `text` in letters that the typeface has, others by the nearest."""
    letters = "".join(letter if letter in KNOWN else ALMOST.get(letter, letter) for letter in text)
    plain = "".join(c if c in KNOWN else unicodedata.normalize("NFKD", c) for c in letters)
    return "".join(c if c in KNOWN else "?" for c in plain if not unicodedata.combining(c))


def text_width(text: str, size: float) -> float:
    """Return the width of `text` in px."""
    return sum(width for _, width in _pieces(text, size))


def shortened(text: str, size: float, room: float) -> str:
    """Return `text`, or as much of it as goes into `room` px with '…' behind it."""
    text = legible(text)
    if text_width(text, size) <= room:
        return text
    while text and text_width(text.rstrip() + "…", size) > room:
        text = text[:-1]
    return text.rstrip() + "…"


def write(draw: "ImageDraw", left: float, top: float, text: str, size: float, color: str) -> None:
    """Write a line of `text` into the line that begins at `top`, all digits equally wide: figures do not dance."""
    font = _font(size)
    base = top + LEADING * size / 2 + _height(size) / 2
    for piece, width in _pieces(text, size):
        inset = (width - font.getlength(piece)) / 2 if piece.isdigit() else 0.0
        draw.text((left + inset, base), piece, font=font, fill=color, anchor="ls")
        left += width


def _pieces(text: str, size: float) -> list[tuple[str, float]]:
    """Return `text` in single digits and what is between them, with widths."""
    font, pieces = _font(size), [""]
    for letter in text:
        if letter.isdigit():
            pieces += [letter, ""]
        else:
            pieces[-1] += letter
    return [(piece, _digit(size) if piece.isdigit() else font.getlength(piece)) for piece in pieces if piece]


@lru_cache(maxsize=32)
def _digit(size: float) -> float:
    return max(float(_font(size).getlength(digit)) for digit in "0123456789")


@lru_cache(maxsize=32)
def _height(size: float) -> float:
    """Return the height of a capital letter in px."""
    return -float(_font(size).getbbox("H", anchor="ls")[1])


@lru_cache(maxsize=32)
def _font(size: float) -> Any:
    from PIL import ImageFont

    return ImageFont.load_default(size)
