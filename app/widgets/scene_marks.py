"""What is laid over a scene: trails that fade, momentum arrows with handles, and the halo that invites to drag."""

from functools import lru_cache
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen, QPolygonF

from app.style.theme import current_theme, small_font
from app.widgets.line_strokes import draw_lines, strokes
from app.widgets.scene_view import SceneView, polygon

HANDLE_RADIUS: Final = 5.0  # pixels; the target to grab is GRAB_RADIUS
GRAB_RADIUS: Final = 12.0
_BUCKETS = 6
_MOST_POINTS = 400  # a trail is drawn with no more than these
_NEWEST_ALPHA = 190


def paint_trail(
    painter: QPainter, view: SceneView, points: npt.NDArray[np.float64], color: str, width: float = 1.0
) -> None:
    """Paint world `points` `(n, 2)`, oldest first, as a line that fades with age in six steps."""
    kept = _finite(np.asarray(points, dtype=float))
    if len(kept) < 2:
        return
    pixels = view.pixels(_thinned(kept))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    edges = np.linspace(0, len(pixels) - 1, _BUCKETS + 1).astype(int)
    for pen, (first, last) in zip(_trail_pens(color, width), pairwise(edges), strict=True):
        if last > first:
            painter.setPen(pen)
            if width > 1.5:
                draw_lines(painter, strokes([pixels[first : last + 1]]))
            else:
                painter.drawPolyline(polygon(pixels[first : last + 1]))


@lru_cache(maxsize=64)
def _trail_pens(color: str, width: float) -> tuple[QPen, ...]:
    """Pens for the ages of a trail, the oldest and faintest first."""
    pens = []
    for age in range(1, _BUCKETS + 1):
        pen = QPen(_faded(color, age / _BUCKETS), width)
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        pens.append(pen)
    return tuple(pens)


def paint_arrow(
    painter: QPainter, tail: QPointF, head: QPointF, color: str, hot: bool = False, stroke: float = 1.0
) -> None:
    """Paint a momentum arrow between two pixels, its lines `stroke` times as wide as usual, with a handle at its head;
    `hot`: the pointer is over it."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    painter.setPen(QPen(QColor(color), 2.0 * stroke, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
    painter.drawLine(tail, head)
    _paint_head(painter, tail, head, color)
    paint_handle(painter, head, color, hot, stroke)


def paint_handle(painter: QPainter, centre: QPointF, color: str, hot: bool = False, stroke: float = 1.0) -> None:
    """Paint a round handle at pixel `centre`; `hot` shows the whole target."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    if hot:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(_faded(color, 0.3))
        painter.drawEllipse(centre, GRAB_RADIUS * stroke, GRAB_RADIUS * stroke)
    painter.setPen(QPen(QColor(color), 2.0 * stroke))
    painter.setBrush(current_theme().color("paper"))
    painter.drawEllipse(centre, HANDLE_RADIUS * stroke, HANDLE_RADIUS * stroke)


def paint_halo(painter: QPainter, centre: QPointF, text: str, radius: float = 16.0, phase: float = 0.0) -> None:
    """Paint a ring around pixel `centre` and `text` beside it; `phase` of 0 to 1 swells and shrinks the ring."""
    theme = current_theme()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    swell = 1.0 - np.cos(2 * np.pi * phase)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.color("accent", 40))
    painter.drawEllipse(centre, radius + 6 + 2 * swell, radius + 6 + 2 * swell)
    painter.setPen(QPen(theme.color("accent"), 1.5))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawEllipse(centre, radius, radius)
    if text:
        _paint_label(painter, QPointF(centre.x() + radius + 14, centre.y()), text)


def _paint_label(painter: QPainter, left: QPointF, text: str) -> None:
    theme = current_theme()
    painter.setFont(small_font(painter.font(), 0.95))
    metrics = QFontMetricsF(painter.font())
    width, height = metrics.horizontalAdvance(text) + 16, metrics.height() + 6
    window = painter.viewport()
    x = left.x() if left.x() + width <= window.right() - 4 else left.x() - width - 60
    y = min(max(left.y() - height / 2, window.top() + 4.0), window.bottom() - 4.0 - height)
    area = QRectF(x, y, width, height)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.color("accent"))
    painter.drawRoundedRect(area, height / 2, height / 2)
    painter.setPen(theme.color("on_accent"))
    painter.drawText(area, Qt.AlignmentFlag.AlignCenter, text)


def _paint_head(painter: QPainter, tail: QPointF, head: QPointF, color: str) -> None:
    along = head - tail
    length = float(np.hypot(along.x(), along.y()))
    if length < 2 * HANDLE_RADIUS + 8:
        return
    unit = along / length
    side = QPointF(-unit.y(), unit.x())
    tip = head - unit * (HANDLE_RADIUS + 1)
    painter.setBrush(QColor(color))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.drawPolygon(QPolygonF([tip, tip - unit * 9 + side * 4.5, tip - unit * 9 - side * 4.5]))


def _finite(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    # A diverged rollout ends in values that are not finite, or too large for Qt's arithmetic: neither is below 1e6.
    good = (np.abs(points) < 1e6).all(axis=1)
    return points if good.all() else points[: int(np.argmin(good))]


def _thinned(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    if len(points) <= _MOST_POINTS:
        return points
    # Counted from the newest, so that the kept points do not dance while the trail grows.
    stride = -(-len(points) // _MOST_POINTS)
    return points[::-1][::stride][::-1]


def _faded(color: str, share: float) -> QColor:
    result = QColor(color)
    result.setAlpha(round(_NEWEST_ALPHA * share**1.5))
    return result
