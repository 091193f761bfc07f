"""Tiles side by side, each with a small grey picture, whose it is, and how it does."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QImage, QPainter, QPen

from app.style.theme import current_theme, small_font, tabular
from app.widgets.paint_target import device_ratio
from app.widgets.swatch import draw_stroke

GAP = 14.0  # pixels between tiles
MARGIN = 10.0
MARK = 20.0  # length of the stroke before a caption
LEGIBLE = 190.0  # pixels that the words may take beyond a small picture's width
PAD = 6.0  # between a picture and its words, and around a hint

_GREYS = (np.uint32(0xFF000000) + np.arange(256, dtype=np.uint32) * np.uint32(0x010101)).astype(np.uint32)

Picture = npt.NDArray[np.generic]  # `(size, size)`, uint8 or 0 to 1


@dataclass(frozen=True, eq=False)
class Tile:
    """What is in a tile; `key` names it. `role` is that of its colour and dash: 'truth', a model or a run; of
    `figures`, the longest that fits is shown; `hint` stands in place of a picture; `tip` explains it."""

    key: str
    role: str
    caption: str
    picture: Picture | None = None
    figures: tuple[str, ...] = ()
    hint: str = ""
    tip: str = ""


@dataclass(frozen=True)
class Grid:
    """Equal tiles in rows: each a square of `side` pixels over words of height `words`, in a cell of `width`."""

    columns: int
    side: float
    width: float
    words: float
    origin: QPointF

    def picture(self, index: int) -> QRectF:
        """Where the picture of tile `index` is."""
        row, column = divmod(index, self.columns)
        x = self.origin.x() + column * (self.width + GAP) + (self.width - self.side) / 2
        y = self.origin.y() + row * (self.side + self.words + GAP)
        return QRectF(math.floor(x), math.floor(y), self.side, self.side)

    def cell(self, index: int) -> QRectF:
        """Where tile `index` is, words and all."""
        picture = self.picture(index)
        left = picture.center().x() - self.width / 2
        return QRectF(left, picture.top(), self.width, self.side + self.words)


def lay_out(count: int, area: QRect, words: float, size: float = 0.0) -> Grid:
    """Return the rows and columns in which `count` tiles are as large as `area` allows; where it costs little, their
    side is a multiple of `size`, so that all pixels of a picture are alike."""
    room = QRectF(area).adjusted(MARGIN, MARGIN / 2, -MARGIN, -MARGIN / 2)
    best, columns = 0.0, 1
    for n in range(1, max(count, 1) + 1):
        side = _side(n, count, room, words)
        if side > best:
            best, columns = side, n
    rows = math.ceil(max(count, 1) / columns)
    side = max(float(math.floor(best)), 1.0)
    even = side // size * size if size else 0
    side = even if even > 0.85 * side else side
    width = min((room.width() - GAP * (columns - 1)) / columns, max(side, LEGIBLE))
    whole = columns * width + GAP * (columns - 1), rows * (side + words) + GAP * (rows - 1)
    origin = QPointF(room.center().x() - whole[0] / 2, room.center().y() - whole[1] / 2)
    return Grid(columns, side, width, words, origin)


def _side(columns: int, count: int, room: QRectF, words: float) -> float:
    rows = math.ceil(max(count, 1) / columns)
    across = (room.width() - GAP * (columns - 1)) / columns
    return min(across, (room.height() - GAP * (rows - 1)) / rows - words)


class _Type:
    """The fonts of captions and of figures, with their metrics."""

    def __init__(self, base: QFont) -> None:
        self.large, self.small = small_font(base, 0.95), tabular(small_font(base, 0.85))
        self.of_large, self.of_small = QFontMetricsF(self.large), QFontMetricsF(self.small)
        self.caption, self.figures = self.of_large.height(), self.of_small.height()  # pixels, as is `words`
        self.words = PAD + self.caption + self.figures


_types: dict[str, _Type] = {}  # made once: two fonts with their features cost as much as a picture


def _type(base: QFont) -> _Type:
    key = base.key()
    if key not in _types:
        _types[key] = _Type(base)
    return _types[key]


def words_height(base: QFont) -> float:
    """Return the height of a caption with its figures."""
    return _type(base).words


def paint_tiles(painter: QPainter, grid: Grid, tiles: Sequence[Tile], font: QFont | None) -> None:
    """Paint `tiles` in their order; without a font only the pictures in them."""
    for index, tile in enumerate(tiles):
        place = grid.picture(index)
        if tile.picture is not None or font is not None:
            paint_picture(painter, place, tile.picture)
        if font is not None:
            _paint_rim(painter, place, tile)
            if tile.hint:
                _paint_hint(painter, place, tile.hint, font)
            _paint_words(painter, grid.cell(index), tile, font)


def paint_picture(painter: QPainter, place: QRectF, picture: Picture | None) -> None:
    """Paint a grey `picture` with every pixel a square, or an empty frame."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    if picture is None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        painter.setPen(QPen(current_theme().color("line"), 1.0, Qt.PenStyle.DashLine))
        painter.drawRoundedRect(place.adjusted(0.5, 0.5, -0.5, -0.5), 4.0, 4.0)
        return
    ratio = device_ratio(painter)
    pixels = enlarged(picture, max(round(ratio * place.width()), 1))
    image = QImage(pixels.data, len(pixels), len(pixels), pixels.strides[0], QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(ratio)
    painter.drawImage(place.topLeft(), image)


def _paint_rim(painter: QPainter, place: QRectF, tile: Tile) -> None:
    """A line around a picture: black on a dark paper would have no end."""
    if tile.picture is not None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setPen(QPen(current_theme().color("line"), 1.0))
        painter.drawRect(place.adjusted(-1, -1, 0, 0))


def enlarged(picture: Picture, side: int) -> npt.NDArray[np.uint32]:
    """Return `picture` as opaque greys `(side, side)` for a QImage. Qt itself takes ten times as long to enlarge it."""
    nearest = (np.arange(side) * len(picture)) // side
    greys = _GREYS[grey_bytes(picture)]
    return np.ascontiguousarray(greys[:, nearest][nearest])


def grey_bytes(picture: Picture) -> npt.NDArray[np.uint8]:
    """Return a picture as uint8."""
    shown: Any = picture
    return np.asarray(shown if picture.dtype == np.uint8 else np.rint(255.0 * np.clip(shown, 0.0, 1.0)), dtype=np.uint8)


def _paint_hint(painter: QPainter, place: QRectF, hint: str, font: QFont) -> None:
    painter.setFont(_type(font).large)
    painter.setPen(current_theme().color("muted"))
    inner = place.adjusted(PAD, PAD, -PAD, -PAD)
    painter.drawText(inner, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, hint)


def _paint_words(painter: QPainter, cell: QRectF, tile: Tile, font: QFont) -> None:
    theme, face = current_theme(), _type(font)
    top = cell.bottom() - face.words + PAD
    caption = face.of_large.elidedText(tile.caption, Qt.TextElideMode.ElideRight, cell.width() - MARK - PAD)
    width = MARK + PAD + face.of_large.horizontalAdvance(caption)
    left = cell.center().x() - width / 2
    _paint_mark(painter, QPointF(left, top + face.caption / 2), tile.role)
    painter.setFont(face.large)
    painter.setPen(theme.color("ink"))
    painter.drawText(QRectF(left + MARK + PAD, top, width, face.caption), Qt.AlignmentFlag.AlignVCenter, caption)
    figures = next((f for f in tile.figures if face.of_small.horizontalAdvance(f) <= cell.width()), "")
    painter.setFont(face.small)
    painter.setPen(theme.color("muted"))
    below = QRectF(cell.left(), top + face.caption, cell.width(), face.figures)
    painter.drawText(below, Qt.AlignmentFlag.AlignCenter, figures)


def _paint_mark(painter: QPainter, left: QPointF, role: str) -> None:
    draw_stroke(painter, role, left, MARK)
