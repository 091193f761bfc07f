"""A name with the stroke of its role, laid out once into a picture: what moves is the picture."""

from functools import lru_cache

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPixmap

from app.style.theme import current_theme, text_scale
from app.widgets.paint_target import device_ratio, draws_vectors
from app.widgets.swatch import WIDTH, draw_stroke
from app.widgets.text import plain

PAD = 3.0  # pixels around words
MARK = 16.0  # length of the stroke before a name
GAP = 5.0  # between the stroke and the name
_PAPER = 200  # opacity of what lies under words
_FACES: dict[str, QFont] = {}  # few: a font for each size of type


def name_size(text: str, font: QFont) -> QSizeF:
    """Return how much room a name takes in a plot, in pixels."""
    return _name_size(text, _known(font))


def mark_room(font: QFont) -> float:
    """Return how far a name is from the beginning of its stroke, in pixels: as `MARK` and `GAP` at the usual size."""
    return (MARK + GAP) * text_scale(font)


def _known(font: QFont) -> str:
    """Return the key of `font` in `_FACES`: a text, since fonts cannot be keys, and it leaves their features out."""
    key = str(font.toString())
    _FACES.setdefault(key, font)
    return key


@lru_cache(maxsize=256)
def _name_size(text: str, font: str) -> QSizeF:
    metrics = QFontMetricsF(_FACES[font])
    width = mark_room(_FACES[font]) + metrics.horizontalAdvance(plain(text)) + 2 * PAD
    return QSizeF(np.ceil(width), np.ceil(metrics.height()))


def draw_name(painter: QPainter, at: QPointF, role: str, text: str, font: QFont) -> None:
    """Draw a name with the stroke of its role, its upper left corner at the pixel `at`."""
    if draws_vectors(painter):
        painter.save()
        painter.translate(at)
        _paint_name(painter, name_size(text, font), role, text, font)
        painter.restore()
    else:
        painter.drawPixmap(at, name_pixmap(painter, role, text, font))


def name_pixmap(painter: QPainter, role: str, text: str, font: QFont) -> QPixmap:
    """Return a name with the stroke of its role, as it is drawn on the device of `painter`."""
    theme = current_theme()
    return _name_pixmap(role, text, _known(font), theme.name, device_ratio(painter))


@lru_cache(maxsize=128)
def _name_pixmap(role: str, text: str, font: str, theme: str, ratio: float) -> QPixmap:
    size = _name_size(text, font)
    picture = empty_pixmap(size, ratio)
    painter = QPainter(picture)
    _paint_name(painter, size, role, text, _FACES[font])
    painter.end()
    return picture


def _paint_name(painter: QPainter, size: QSizeF, role: str, text: str, font: QFont) -> None:
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(current_theme().color("paper", _PAPER))
    painter.drawRoundedRect(QRectF(QPointF(), size), 3.0, 3.0)
    scale = text_scale(font)
    draw_stroke(painter, role, QPointF(PAD, size.height() / 2), MARK * scale, WIDTH * scale)
    painter.setFont(font)
    painter.setPen(current_theme().color("ink"))
    words = QRectF(PAD + mark_room(font), 0.0, size.width(), size.height())
    painter.drawText(words, int(Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextDontClip), plain(text))


def empty_pixmap(size: QSizeF, ratio: float) -> QPixmap:
    """Return a transparent picture of `size` in pixels that do not depend on the `ratio` of the screen's to them."""
    picture = QPixmap(max(round(size.width() * ratio), 1), max(round(size.height() * ratio), 1))
    picture.setDevicePixelRatio(ratio)
    picture.fill(QColor(0, 0, 0, 0))
    return picture
