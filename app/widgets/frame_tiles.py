"""Tiles side by side, each with a small grey picture, whose it is, and how it does."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QImage, QPainter, QPen

from app.theme import current_theme, model_dash, small_font, tabular

GAP = 14.0  # pixels between tiles
MARGIN = 10.0
MARK = 20.0  # length of the stroke before a caption
LEGIBLE = 190.0  # pixels that the words may take beyond a small picture's width
PAD = 6.0  # between a picture and its words, and around a hint

Picture = npt.NDArray[np.generic]  # `(size, size)`, uint8 or 0 to 1


@dataclass(frozen=True, eq=False)
class Tile:
    """What is in a tile. `role` is 'truth' or a model's name; of `figures`, the longest that fits is shown; `hint`
    stands in place of a picture; `tip` explains it."""

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


def lay_out(count: int, area: QRect, words: float, size: int = 0) -> Grid:
    """Return the rows and columns in which `count` tiles are as large as `area` allows; where it costs little, their
    side is a multiple of `size`, so that all pixels of a picture are alike."""
    room = QRectF(area).adjusted(MARGIN, MARGIN / 2, -MARGIN, -MARGIN / 2)
    best, columns = 0.0, 1
    for n in range(1, max(count, 1) + 1):
        side = _side(n, count, room, words)
        if side > best:
            best, columns = side, n
    rows = math.ceil(max(count, 1) / columns)
    side = max(math.floor(best), 1)
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


def fonts(base: QFont) -> tuple[QFont, QFont]:
    """Return the fonts of captions and of figures."""
    return small_font(base, 0.95), tabular(small_font(base, 0.85))


def words_height(base: QFont) -> float:
    """Return the height of a caption with its figures."""
    return PAD + sum(QFontMetricsF(font).height() for font in fonts(base))


def paint_tiles(painter: QPainter, grid: Grid, tiles: Sequence[Tile], font: QFont) -> None:
    """Paint `tiles` in their order."""
    for index, tile in enumerate(tiles):
        place = grid.picture(index)
        paint_picture(painter, place, tile.picture)
        if tile.hint:
            _paint_hint(painter, place, tile.hint, font)
        _paint_words(painter, grid.cell(index), tile, font)


def paint_picture(painter: QPainter, place: QRectF, picture: Picture | None, corner: float = 4.0) -> None:
    """Paint a grey `picture` with every pixel a square, or an empty frame."""
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
    if picture is not None:
        painter.drawImage(place, _image(picture))
        return
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    painter.setPen(QPen(current_theme().color("line"), 1.0, Qt.PenStyle.DashLine))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(place.adjusted(0.5, 0.5, -0.5, -0.5), corner, corner)


def grey_bytes(picture: Picture) -> npt.NDArray[np.uint8]:
    """Return a picture as uint8."""
    if picture.dtype == np.uint8:
        return np.ascontiguousarray(picture, dtype=np.uint8)
    shown: Any = np.clip(picture, 0.0, 1.0)
    return np.ascontiguousarray(np.rint(255.0 * shown), dtype=np.uint8)


def _image(picture: Picture) -> QImage:
    grey = grey_bytes(picture)
    height, width = grey.shape
    image = QImage(grey.data, width, height, width, QImage.Format.Format_Grayscale8)
    return image.copy()  # Qt reads the memory of the other


def _paint_hint(painter: QPainter, place: QRectF, hint: str, font: QFont) -> None:
    painter.setFont(fonts(font)[0])
    painter.setPen(current_theme().color("muted"))
    inner = place.adjusted(PAD, PAD, -PAD, -PAD)
    painter.drawText(inner, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, hint)


def _paint_words(painter: QPainter, cell: QRectF, tile: Tile, font: QFont) -> None:
    theme, (large, small) = current_theme(), fonts(font)
    metrics = QFontMetricsF(large)
    top = cell.bottom() - words_height(font) + PAD
    caption = metrics.elidedText(tile.caption, Qt.TextElideMode.ElideRight, cell.width() - MARK - PAD)
    width = MARK + PAD + metrics.horizontalAdvance(caption)
    left, height = cell.center().x() - width / 2, metrics.height()
    _paint_mark(painter, QPointF(left, top + height / 2), tile.role)
    painter.setFont(large)
    painter.setPen(theme.color("ink"))
    painter.drawText(QRectF(left + MARK + PAD, top, width, height), Qt.AlignmentFlag.AlignVCenter, caption)
    figures = next((f for f in tile.figures if QFontMetricsF(small).horizontalAdvance(f) <= cell.width()), "")
    painter.setFont(small)
    painter.setPen(theme.color("muted"))
    below = QRectF(cell.left(), top + height, cell.width(), QFontMetricsF(small).height())
    painter.drawText(below, Qt.AlignmentFlag.AlignCenter, figures)


def _paint_mark(painter: QPainter, left: QPointF, role: str) -> None:
    pen = QPen(current_theme().color(role), 2.5)
    dash = () if role == "truth" else model_dash(role)
    if dash:
        pen.setDashPattern([max(d / 2.5, 1.0) for d in dash])
    pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    painter.setPen(pen)
    painter.drawLine(left, left + QPointF(MARK, 0.0))
