"""Paints a scene's drawing primitives: truth solid, models as ghosts; the same for the scene and the cards."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFont, QGradient, QPainter, QPainterPath, QPen, QPixmap, QRadialGradient

from app.style.theme import current_theme
from app.widgets.paint_target import device_ratio, draws_vectors
from app.widgets.scene_marks import paint_arrow, paint_halo, paint_trail
from app.widgets.scene_view import SceneView, polygon
from hnn_engine.geometry import Anchor, Block, Bob, Lines, Primitive, Rail, Regions, Rod, Spring
from hnn_engine.model_colors import DashPattern, model_dash

__all__ = [
    "SceneStyle",
    "SceneView",
    "ghost_style",
    "paint_arrow",
    "paint_halo",
    "paint_scene",
    "paint_trail",
    "truth_style",
]

_MIN_BOB = 5.0  # pixels: a body stays visible however far the view is zoomed out
_COIL_POINTS = 14
_LEGIBLE = 7.0  # pixels of radius from which a number can be read in a body
_SHADES = (0.0, 0.45, 0.75)  # of bodies in turn, on the way from their colour to grey


@dataclass(frozen=True)
class SceneStyle:
    """What a drawing looks like: `color` as '#RRGGBB', solid or a translucent ghost with outline `dash`."""

    color: str
    ghost: bool = False
    dash: DashPattern = ()
    fine: bool = False  # thinner lines, for cards
    numbered: bool = False  # bodies carry their numbers, and shades
    stroke: float = 1.0  # times as wide lines, for a presentation


def truth_style(fine: bool = False, numbered: bool = False, stroke: float = 1.0) -> SceneStyle:
    """Return truth's style in the current theme."""
    return SceneStyle(current_theme().truth, fine=fine, numbered=numbered, stroke=stroke)


def ghost_style(role: str, stroke: float = 1.0) -> SceneStyle:
    """Return the style of a model or a run in the current theme: its colour, translucent, outlined in its dash."""
    return SceneStyle(current_theme().model_color(role), True, model_dash(role), stroke=stroke)


def paint_scene(painter: QPainter, view: SceneView, primitives: Iterable[Primitive], style: SceneStyle) -> None:
    """Paint `primitives` in their order; a ghost leaves fixed parts (anchors, rails, lines) to truth."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    for primitive in primitives:
        _PAINTERS[type(primitive)](painter, view, primitive, style)


def _paint_bob(painter: QPainter, view: SceneView, bob: Bob, style: SceneStyle) -> None:
    radius = max(bob.radius * view.scale, _MIN_BOB - 2.0 * style.fine)
    number = bob.body + 1 if style.numbered else 0
    if draws_vectors(painter):
        _paint_ball(painter, view.pixel(bob.at), radius, style, number)
        return
    ball = _ball(style, round(4 * radius) / 4, device_ratio(painter), number)
    half = ball.deviceIndependentSize() / 2
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, True)
    painter.drawPixmap(view.pixel(bob.at) - QPointF(half.width(), half.height()), ball)


def _paint_block(painter: QPainter, view: SceneView, block: Block, style: SceneStyle) -> None:
    centre = view.pixel(block.at)
    width, height = (max(side * view.scale, 2 * _MIN_BOB) for side in (block.width, block.height))
    painter.setPen(_outline(style))
    painter.setBrush(_fill(style))
    corner = min(4.0, 0.15 * height)
    rect = QRectF(centre.x() - width / 2, centre.y() - height / 2, width, height)
    painter.drawRoundedRect(rect, corner, corner)


def _paint_rod(painter: QPainter, view: SceneView, rod: Rod, style: SceneStyle) -> None:
    painter.setPen(_stroke(style, 2.5))
    painter.drawLine(view.pixel(rod.start), view.pixel(rod.end))


def _paint_spring(painter: QPainter, view: SceneView, spring: Spring, style: SceneStyle) -> None:
    start, end = view.pixels(spring.start), view.pixels(spring.end)
    along = end - start
    length = max(float(np.hypot(*along)), 1e-6)
    side = np.array([-along[1], along[0]]) / length * min(spring.radius * view.scale, 0.6 * length)
    unit = _coil(spring.coils)
    points = start + unit[:, :1] * along + unit[:, 1:] * side
    painter.setBrush(Qt.BrushStyle.NoBrush)
    if (style.ghost or style.fine) and style.stroke == 1.0:
        painter.setPen(_stroke(style, 1.0))
        painter.drawPolyline(polygon(points))
        return
    # Qt strokes a wide curve ten times slower than the same curve cut into lines.
    painter.setPen(_stroke(style, 1.7))
    painter.drawLines(_segments(points))


def _segments(points: npt.NDArray[np.float64]) -> list[QLineF]:
    pairs = np.hstack([points[:-1], points[1:]]).tolist()
    return [QLineF(*pair) for pair in pairs]


def _paint_anchor(painter: QPainter, view: SceneView, anchor: Anchor, style: SceneStyle) -> None:
    if style.ghost:
        return
    if anchor.kind == "wall":
        _paint_wall(painter, view, anchor, style)
        return
    radius = max(anchor.size * view.scale, 3.0 - style.fine)
    painter.setPen(QPen(current_theme().color("muted"), 1.0 if style.fine else 1.5 * style.stroke))
    painter.setBrush(current_theme().color("paper"))
    painter.drawEllipse(view.pixel(anchor.at), radius, radius)


def _paint_wall(painter: QPainter, view: SceneView, wall: Anchor, style: SceneStyle) -> None:
    centre, half = view.pixel(wall.at), wall.size * view.scale
    depth = max(0.35 * half, 4.0)
    area = QRectF(centre.x() - depth, centre.y() - half, depth, 2 * half)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QBrush(current_theme().color("muted", 150), Qt.BrushStyle.BDiagPattern))
    painter.drawRect(area)
    painter.setPen(QPen(current_theme().color("muted"), 1.0 if style.fine else 2.0 * style.stroke))
    painter.drawLine(area.topRight(), area.bottomRight())


def _paint_rail(painter: QPainter, view: SceneView, rail: Rail, style: SceneStyle) -> None:
    if style.ghost:
        return
    painter.setPen(QPen(current_theme().color("line"), 1.0 if style.fine else 1.5 * style.stroke))
    painter.drawLine(view.pixel(rail.start), view.pixel(rail.end))


def _paint_lines(painter: QPainter, view: SceneView, lines: Lines, style: SceneStyle) -> None:
    if style.ghost:
        return
    area, ratio, theme = painter.viewport(), device_ratio(painter), current_theme()
    color, width = _mixed(theme.color("muted"), theme.color("paper")).name(), 0.7 if style.fine else 1.2 * style.stroke
    if draws_vectors(painter):
        _draw_lines(painter, lines, view, color, width)
        return
    painter.drawPixmap(0, 0, _lines_pixmap(lines, view, (area.width(), area.height()), ratio, color, width))


def _mixed(one: QColor, other: QColor) -> QColor:
    """The colour halfway: a translucent one would be darker where two pieces of a line meet."""
    return _mixed_by(one, other, 0.5)


def _mixed_by(one: QColor, other: QColor, share: float) -> QColor:
    pairs = ((one.red(), other.red()), (one.green(), other.green()), (one.blue(), other.blue()))
    red, green, blue = (round(a + share * (b - a)) for a, b in pairs)
    return QColor(red, green, blue)


@lru_cache(maxsize=16)
def _lines_pixmap(
    lines: Lines, view: SceneView, size: tuple[int, int], ratio: float, color: str, width: float
) -> QPixmap:
    """Lines, painted once for a view: they may be thousands, and take as long as all else in ten frames."""
    pixmap = QPixmap(math.ceil(size[0] * ratio), math.ceil(size[1] * ratio))
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    _draw_lines(painter, lines, view, color, width)
    painter.end()
    return pixmap


def _draw_lines(painter: QPainter, lines: Lines, view: SceneView, color: str, width: float) -> None:
    painter.setPen(QPen(QColor(color), width))
    painter.drawLines([QLineF(*ends) for ends in view.pixels(lines.segments).reshape(-1, 4).tolist()])


def _paint_regions(painter: QPainter, view: SceneView, regions: Regions, style: SceneStyle) -> None:
    if style.ghost:
        return
    area, ratio, theme = painter.viewport(), device_ratio(painter), current_theme()
    look = theme.color("muted").name(), theme.dark
    if draws_vectors(painter):
        _fill_regions(painter, regions, view, *look)
        return
    painter.drawPixmap(0, 0, _regions_pixmap(regions, view, (area.width(), area.height()), ratio, *look))


@lru_cache(maxsize=4)
def _regions_pixmap(
    regions: Regions, view: SceneView, size: tuple[int, int], ratio: float, color: str, dark: bool
) -> QPixmap:
    """Shaded regions, painted once for a view."""
    pixmap = QPixmap(math.ceil(size[0] * ratio), math.ceil(size[1] * ratio))
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    _fill_regions(painter, regions, view, color, dark)
    painter.end()
    return pixmap


def _fill_regions(painter: QPainter, regions: Regions, view: SceneView, color: str, dark: bool) -> None:
    path = QPainterPath()
    for rings in regions.rings:
        for ring in rings:
            path.addPolygon(polygon(view.pixels(ring)))
            path.closeSubpath()
    fill = QColor(color)
    fill.setAlpha(60 if dark else 46)
    painter.fillPath(path, fill)
    painter.setPen(QPen(QColor(color), 1.2))
    painter.drawPath(path)


_PAINTERS: dict[type[Primitive], Callable[[QPainter, SceneView, Any, SceneStyle], None]] = {
    Bob: _paint_bob,
    Block: _paint_block,
    Rod: _paint_rod,
    Spring: _paint_spring,
    Anchor: _paint_anchor,
    Rail: _paint_rail,
    Lines: _paint_lines,
    Regions: _paint_regions,
}


@lru_cache(maxsize=32)
def _coil(coils: int) -> npt.NDArray[np.float64]:
    # Share of the length, share of the radius: straight ends, and turns that lean as a helix seen from the side does.
    turn = np.linspace(0.0, 1.0, coils * _COIL_POINTS + 1)
    phase = 2 * np.pi * coils * turn
    lead, lean = 0.1, 0.55 / max(coils, 1)
    along = lead + (1 - 2 * lead) * turn + lean * (1 - np.cos(phase)) / 2  # loops where the lean outruns the advance
    body = np.stack([along, np.sin(phase)], axis=1)
    return np.vstack([[0.0, 0.0], body, [1.0, 0.0]])


@lru_cache(maxsize=128)
def _ball(style: SceneStyle, radius: float, ratio: float, number: int = 0) -> QPixmap:
    """A body, painted once: shading and dashes would cost more than all else in the scene. With a `number` it has a
    shade of its own, and carries that where it is large enough to be read."""
    side = math.ceil(radius + style.stroke) + 1
    pixmap = QPixmap(math.ceil(2 * side * ratio), math.ceil(2 * side * ratio))
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    _paint_ball(painter, QPointF(side, side), radius, style, number)
    painter.end()
    return pixmap


def _paint_ball(painter: QPainter, centre: QPointF, radius: float, style: SceneStyle, number: int) -> None:
    own = replace(style, color=_shade(style.color, number)) if number else style
    painter.setPen(_outline(own))
    painter.setBrush(_fill(own))
    painter.drawEllipse(centre, radius, radius)
    if number and radius >= _LEGIBLE:
        font = QFont(painter.font())
        font.setPixelSize(round(min(1.1 * radius, 15.0 * style.stroke)))
        font.setWeight(QFont.Weight.DemiBold)
        painter.setFont(font)
        dark = QColor(own.color).lightness() < 128
        painter.setPen(QColor("#FFFFFF" if dark else "#16181C"))
        square = QRectF(centre.x() - radius, centre.y() - radius, 2 * radius, 2 * radius)
        painter.drawText(square, Qt.AlignmentFlag.AlignCenter, str(number))


def _shade(color: str, number: int) -> str:
    """Return the shade of the body of this `number`, from 1: one of three, in turn, from `color` towards grey."""
    return _mixed_by(QColor(color), QColor("#8A8E96"), _SHADES[(number - 1) % len(_SHADES)]).name()


@lru_cache(maxsize=64)
def _fill(style: SceneStyle) -> QBrush:
    color = QColor(style.color)
    if style.ghost:
        color.setAlpha(80)
        return QBrush(color)
    light, shade = (color.lighter(112), color.darker(135)) if color.lightness() > 127 else (_lit(color), color)
    gradient = QRadialGradient(QPointF(0.36, 0.32), 0.75)
    gradient.setCoordinateMode(QGradient.CoordinateMode.ObjectMode)
    gradient.setColorAt(0.0, light)
    gradient.setColorAt(1.0, shade)
    return QBrush(gradient)


def _lit(color: QColor) -> QColor:
    return QColor(*(round(channel + 0.32 * (255 - channel)) for channel in (color.red(), color.green(), color.blue())))


@lru_cache(maxsize=64)
def _outline(style: SceneStyle) -> QPen:
    if not style.ghost:
        return QPen(Qt.PenStyle.NoPen)
    return _dashed(QPen(QColor(style.color), 1.75 * style.stroke), style.dash)


@lru_cache(maxsize=64)
def _stroke(style: SceneStyle, width: float) -> QPen:
    color = QColor(style.color)
    if style.ghost:
        color.setAlpha(190)
    pen = QPen(color, max(0.6 * width, 1.0) if style.fine else width * style.stroke)
    # Flat, since a round cap on each of a spring's pieces costs more than the spring.
    pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    return _dashed(pen, style.dash)


def _dashed(pen: QPen, dash: DashPattern) -> QPen:
    if dash:
        pen.setDashPattern([length / 2 for length in dash])
    return pen
