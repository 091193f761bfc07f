"""Boxes that a formula is set from: letters, rows, fractions, powers and roots, painted by `QPainter` alone.

A box has a width, and reaches `up` above and `down` below its baseline. Nothing in it is markup.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QPainter, QPainterPath, QPen

_FAMILIES = ["STIX Two Text", "Latin Modern Roman", "Cambria", "Times New Roman", "DejaVu Serif"]

Paint = Callable[[QPainter, float, float], None]


@dataclass(frozen=True)
class Box:
    """Something that is set. `paint(painter, x, baseline)`."""

    width: float
    up: float
    down: float
    paint: Paint


@lru_cache(maxsize=64)
def _font(size: float, italic: bool) -> QFont:
    font = QFont()
    font.setFamilies(_FAMILIES)
    font.setStyleHint(QFont.StyleHint.Serif)
    font.setPixelSize(max(round(size), 1))
    font.setItalic(italic)
    return font


@lru_cache(maxsize=64)
def _metrics(size: float, italic: bool) -> QFontMetricsF:
    return QFontMetricsF(_font(size, italic))


def text(letters: str, size: float, italic: bool = False) -> Box:
    """Return letters; a slanted last one has the room that it leans into."""
    metrics, font = _metrics(size, italic), _font(size, italic)
    lean = max(0.0, metrics.boundingRect(letters).right() - metrics.horizontalAdvance(letters)) if italic else 0.0

    def paint(painter: QPainter, x: float, y: float) -> None:
        painter.setFont(font)
        painter.drawText(QPointF(x, y), letters)

    return Box(metrics.horizontalAdvance(letters) + lean, metrics.capHeight() * 1.08, metrics.descent() * 0.85, paint)


def space(width: float) -> Box:
    """Return room."""
    return Box(width, 0.0, 0.0, lambda painter, x, y: None)


def row(boxes: Sequence[Box]) -> Box:
    """Return boxes side by side on one baseline."""
    parts = tuple(boxes)

    def paint(painter: QPainter, x: float, y: float) -> None:
        for box in parts:
            box.paint(painter, x, y)
            x += box.width

    up, down = max((b.up for b in parts), default=0.0), max((b.down for b in parts), default=0.0)
    return Box(sum(b.width for b in parts), up, down, paint)


def raised(base: Box, power: Box, size: float) -> Box:
    lift = max(0.42 * size, base.up - 0.45 * power.up + 0.1 * size)

    def paint(painter: QPainter, x: float, y: float) -> None:
        base.paint(painter, x, y)
        power.paint(painter, x + base.width + 0.04 * size, y - lift)

    width = base.width + power.width + 0.1 * size
    return Box(width, max(base.up, lift + power.up), max(base.down, power.down - lift), paint)


def lowered(base: Box, below: Box, size: float) -> Box:
    drop = 0.22 * size

    def paint(painter: QPainter, x: float, y: float) -> None:
        base.paint(painter, x, y)
        below.paint(painter, x + base.width, y + drop)

    return Box(base.width + below.width + 0.04 * size, max(base.up, below.up - drop), below.down + drop, paint)


def fraction(top: Box, bottom: Box, size: float) -> Box:
    width, axis, gap = max(top.width, bottom.width) + 0.3 * size, 0.28 * size, 0.16 * size
    stroke = max(1.0, size / 16)

    def paint(painter: QPainter, x: float, y: float) -> None:
        line = y - axis
        top.paint(painter, x + (width - top.width) / 2, line - gap - top.down)
        bottom.paint(painter, x + (width - bottom.width) / 2, line + gap + bottom.up)
        painter.fillRect(QRectF(x + 0.06 * size, line - stroke / 2, width - 0.12 * size, stroke), painter.pen().color())

    up, down = axis + gap + top.down + top.up, gap + bottom.up + bottom.down - axis
    return Box(width, up, max(down, 0.0), paint)


def _drawn(painter: QPainter, path: QPainterPath, width: float) -> None:
    painter.save()
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(painter.pen().color(), width))
    painter.drawPath(path)
    painter.restore()


def root(inside: Box, size: float) -> Box:
    head, gap, stroke = 0.62 * size, 0.14 * size, max(1.0, size / 15)
    up = inside.up + gap + stroke

    def paint(painter: QPainter, x: float, y: float) -> None:
        path = QPainterPath(QPointF(x + 0.06 * size, y - 0.35 * up))
        path.lineTo(x + 0.2 * size, y - 0.42 * up)
        path.lineTo(x + 0.38 * size, y + inside.down)
        path.lineTo(x + head - 0.04 * size, y - up)
        path.lineTo(x + head + inside.width + 0.06 * size, y - up)
        _drawn(painter, path, stroke)
        inside.paint(painter, x + head, y)

    return Box(head + inside.width + 0.12 * size, up + stroke, inside.down + stroke, paint)


def enclosed(inside: Box, size: float, bars: bool = False) -> Box:
    """( … ) or | … | as tall as what they hold."""
    side, stroke = (0.2 if bars else 0.34) * size, max(1.0, size / 15)
    up, down = max(inside.up, 0.6 * size) + 0.06 * size, max(inside.down, 0.16 * size) + 0.06 * size

    def paint(painter: QPainter, x: float, y: float) -> None:
        for edge, lean in ((x + 0.12 * size, -1.0), (x + side + inside.width + side - 0.12 * size, 1.0)):
            bend = 0.0 if bars else 0.14 * size * lean
            path = QPainterPath(QPointF(edge - bend, y - up))
            path.quadTo(edge + bend, y - (up - down) / 2, edge - bend, y + down)
            _drawn(painter, path, stroke)
        inside.paint(painter, x + side, y)

    return Box(inside.width + 2 * side, up, down, paint)


def dotted(base: Box, size: float) -> Box:
    """A dot above a letter: differentiated by time."""

    def paint(painter: QPainter, x: float, y: float) -> None:
        base.paint(painter, x, y)
        radius = max(0.075 * size, 0.9)
        painter.save()
        painter.setBrush(painter.pen().color())
        painter.setPen(Qt.PenStyle.NoPen)
        painter.drawEllipse(QPointF(x + 0.54 * base.width, y - base.up - 0.12 * size), radius, radius)
        painter.restore()

    return Box(base.width, base.up + 0.22 * size, base.down, paint)
