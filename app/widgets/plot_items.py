"""What is drawn in a plot: curves, dots, bands, marks and words, each laid out in pixels once, painted from there."""

from enum import IntEnum
from functools import lru_cache
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen, QPixmap, QPolygonF
from shiboken6 import wrapInstance

from app.style.theme import current_theme, small_font
from app.widgets.line_clip import clipped
from app.widgets.line_strokes import draw_lines, strokes
from app.widgets.paint_target import device_ratio, draws_vectors
from app.widgets.plot_view import PlotView
from app.widgets.scene_view import polygon
from app.widgets.text import plain
from hnn_engine.model_colors import DashPattern, family_and_place

Array = npt.NDArray[np.float64]
Shape = Literal["dot", "ring", "cross", "square", "diamond", "triangle"]
_HEADS: tuple[Shape, ...] = ("dot", "square", "diamond", "triangle")  # of the runs of a family, in their order
_CORNERS: dict[Shape, tuple[tuple[float, float], ...]] = {  # in half sizes of a mark
    "square": ((-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)),
    "diamond": ((0.0, -1.25), (1.25, 0.0), (0.0, 1.25), (-1.25, 0.0)),
    "triangle": ((0.0, -1.2), (1.15, 0.9), (-1.15, 0.9)),
}
_WORDS_GAP = 5.0  # pixels around the words of a mark
_NO_POINTS: Array = np.empty((0, 2))
_NOWHERE = QRectF()
_DENSE = 1000  # points from which on those that fall together in half a pixel are left out
_first_of: Any = wrapInstance  # its stub knows no arrays


class Layer(IntEnum):
    """How often something changes: what stays is painted into pictures, over which the rest moves."""

    BACKGROUND = 0
    DATA = 1
    WIDE = 2  # lines of a presentation: wide ones take too long to be painted with every frame
    LIVE = 3


class Canvas(Protocol):
    """The plot, as what is drawn in it knows it."""

    @property
    def view(self) -> PlotView:
        """How the data is laid out at present."""

    def relay(self, item: "Item") -> None:
        """Lay `item` out anew, and draw where it was and where it is."""


def lab_pen(role: str, dash: DashPattern = (), width: float = 1.0, alpha: int = 255, stroke: float = 1.0) -> QPen:
    """Return a pen in the current theme's colour `role` (see `Theme.role`), `stroke` times
    `width` wide.

    That is in pixels of the screen, whatever its scale, which is quick to draw; widened, in those of the plot, of which
    a finer picture has more."""
    pen = QPen(current_theme().color(role, alpha), width * stroke)
    pen.setCosmetic(stroke <= 1)
    if dash:
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        pen.setDashPattern(dash)
    return pen


class Item:
    """Something drawn in a plot: of two the one with the larger `z` lies above. `area` is what it covers, in pixels.

    `stroke`: how many times as wide its lines are drawn as it says, marks and dots in proportion. `moves`: with every
    frame. `overhangs`: it is drawn whole at the edge of the plot too.
    """

    moves = overhangs = False
    grows = False  # what of it lies at later instants than the one that is shown can be left out

    def __init__(self, z: float, layer: Layer = Layer.LIVE) -> None:
        self.z, self.layer = z, layer
        self.visible = True
        self.faded = False  # drawn fainter: something else is pointed at
        self.area = _NOWHERE
        self.stroke = 1.0
        self.canvas: Canvas | None = None  # set by the plot that draws it

    def set_visible(self, on: bool) -> None:
        """Show or hide it."""
        if on != self.visible:
            self.visible = on
            self.changed()

    def fade(self, faded: bool) -> None:
        """Draw it fainter, or as it is."""
        if faded != self.faded:
            self.faded = faded
            self.changed()

    def changed(self) -> None:
        """Have it laid out and drawn anew."""
        if self.canvas is not None:
            self.canvas.relay(self)

    def lay(self, view: PlotView) -> QRectF:
        """Work out where it is in `view`; return what it covers, empty where there is nothing to see."""
        raise NotImplementedError

    def paint(self, painter: QPainter) -> None:
        """Paint it where it was laid out."""
        raise NotImplementedError

    def set_stroke(self, stroke: float) -> None:
        """Draw lines so many times as wide from now on."""
        if stroke != self.stroke:
            self.stroke = stroke
            self.restyle()

    @property
    def grown(self) -> float:
        """How many times as large marks and dots are drawn."""
        return (1 + self.stroke) / 2

    def restyle(self) -> None:
        """Take the colours of the current theme."""


def head_shape(role: str) -> Shape:
    """Return the shape of the head of a curve of this role: another one for each run of a family."""
    return _HEADS[family_and_place(role)[1] % len(_HEADS)]


def _covered(pixels: Array, margin: float, view: PlotView) -> QRectF:
    """Return the part of `view` that `pixels` `(n, 2)` cover with a `margin` around them."""
    if not len(pixels):
        return _NOWHERE
    (x0, y0), (x1, y1) = pixels.min(axis=0).tolist(), pixels.max(axis=0).tolist()
    return QRectF(x0 - margin, y0 - margin, x1 - x0 + 2 * margin, y1 - y0 + 2 * margin).intersected(view.area)


class Curve(Item):
    """A line through points. `pen` is that of the theme's colour `role`; `smooth`: it is antialiased. One that is
    `pointable` is found by `LabPlot.role_at`."""

    grows = True

    def __init__(
        self, role: str, dash: DashPattern, width: float, alpha: int, z: float, smooth: bool, layer: Layer
    ) -> None:
        super().__init__(z, layer)
        self._smooth = smooth
        self._points = _NO_POINTS
        self._cuts: npt.NDArray[np.intp] = np.empty(0, dtype=np.intp)
        self._pieces: list[QPolygonF] = []
        self._lines: list[Array] = []  # their pixels
        self.pointable = False
        self._strokes = _NO_POINTS
        self.dress(role, dash, width, alpha)

    @property
    def role(self) -> str:
        """The role in whose colour it is."""
        return self._dress[0]

    @property
    def data(self) -> tuple[Array, Array]:
        """The points' x and y."""
        return self._points[:, 0], self._points[:, 1]

    def set_data(self, x: npt.ArrayLike, y: npt.ArrayLike, joined: npt.NDArray[np.bool_] | None = None) -> None:
        """Draw through `x`, `y` `(n,)`, all finite; each point joined to the next, or those where `joined` `(n,)`."""
        empty_before = not len(self._points)
        self._points = np.column_stack([x, y]).astype(np.float64, copy=False)
        self._cuts = np.empty(0, dtype=np.intp) if joined is None else np.flatnonzero(~joined) + 1
        if len(self._points) or not empty_before:
            self.changed()

    def dress(self, role: str, dash: DashPattern = (), width: float = 1.0, alpha: int = 255) -> None:
        """Draw in this way from now on."""
        self._dress = role, dash, width, alpha
        self.restyle()
        self.changed()

    def restyle(self) -> None:
        role, dash, width, alpha = self._dress
        self.pen = lab_pen(role, () if self.stroke > 1 else dash, width, alpha, self.stroke)

    def lay(self, view: PlotView) -> QRectF:
        pixels = view.pixels(self._points)
        pieces = np.split(pixels, self._cuts) if len(self._cuts) else [_thinned(pixels)]
        self._lines = [piece for piece in pieces if len(piece) > 1]
        if self.stroke > 1:
            self._strokes = strokes(pieces, [part * self.pen.widthF() for part in self._dress[1]])
            self._pieces = []
        else:
            self._strokes, self._pieces = _NO_POINTS, [polygon(piece) for piece in self._lines]
        return _covered(pixels, self.pen.widthF() / 2 + 1, view)

    def paint(self, painter: QPainter) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, self._smooth)
        if draws_vectors(painter):
            self._paint_whole(painter)
            return
        painter.setPen(self.pen)
        draw_lines(painter, self._strokes)
        for piece in self._pieces:
            painter.drawPolyline(piece)

    def _paint_whole(self, painter: QPainter) -> None:
        """Draw each piece in one go, with a pen that is dashed: one line to whoever edits the drawing."""
        role, dash, width, alpha = self._dress
        pen = lab_pen(role, dash, width, alpha, self.stroke)
        pen.setCosmetic(False)
        painter.setPen(pen)
        for line in self._lines:
            for part in clipped(line, self.area):
                painter.drawPolyline(polygon(part))

    def distance(self, at: QPointF) -> float:
        """Return how far the line is from the pixel `at`, in pixels; infinite where there is none."""
        return min((_distance(line, at) for line in self._lines), default=float("inf"))


def _distance(line: Array, at: QPointF) -> float:
    """Return the distance of a point from the nearest of the strokes between the points of `line` `(n, 2)`."""
    start, along, here = line[:-1], np.diff(line, axis=0), np.array([at.x(), at.y()])
    length = np.maximum(np.square(along).sum(axis=1), 1e-12)
    share = np.clip(((here - start) * along).sum(axis=1) / length, 0.0, 1.0)
    return float(np.sqrt(np.square(start + share[:, None] * along - here).sum(axis=1).min()))


def _thinned(pixels: Array) -> Array:
    """Return `pixels` `(n, 2)` without those that fall into the same half pixel as the one before."""
    if len(pixels) < _DENSE:
        return pixels
    moves = np.asarray(np.diff(np.rint(2 * pixels), axis=0).any(axis=1))
    moves[-1] = True
    kept: Array = pixels[np.concatenate([[True], moves])]
    return kept


class Segments(Item):
    """Straight strokes of a pixel's width in the theme's colour `role`, two points each: arrows, a grid."""

    def __init__(self, role: str, alpha: int, z: float, smooth: bool) -> None:
        super().__init__(z, Layer.BACKGROUND)
        self._role, self._alpha, self._smooth = role, alpha, smooth
        self._points = self._pixels = _NO_POINTS

    @property
    def data(self) -> tuple[Array, Array]:
        """The ends' x and y, one stroke after the other."""
        return self._points[:, 0], self._points[:, 1]

    def set_data(self, x: npt.ArrayLike, y: npt.ArrayLike) -> None:
        """Draw from the first to the second of `x`, `y` `(2 n,)`, from the third to the fourth, and so on."""
        self._points = np.column_stack([x, y]).astype(np.float64, copy=False)
        self.changed()

    def lay(self, view: PlotView) -> QRectF:
        self._pixels = np.ascontiguousarray(view.pixels(self._points))
        return _covered(self._pixels, self.stroke / 2 + 1, view)

    def paint(self, painter: QPainter) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, self._smooth)
        painter.setPen(lab_pen(self._role, alpha=self._alpha, stroke=self.stroke))
        draw_lines(painter, self._pixels)


class Dots(Item):
    """Round dots of `size` pixels in the theme's colour `role`."""

    grows = True

    @property
    def grown(self) -> float:
        """How many times as large dots are drawn: less than marks, since they are many."""
        return (3 + self.stroke) / 4

    def __init__(self, role: str, size: float, alpha: int, z: float, layer: Layer) -> None:
        super().__init__(z, layer)
        self._role, self._size, self._alpha = role, size, alpha
        self._points = _NO_POINTS
        self._fragments: Array = np.empty((0, 10))

    @property
    def color(self) -> QColor:
        """The colour in the current theme."""
        return current_theme().color(self._role, self._alpha)

    @property
    def data(self) -> tuple[Array, Array]:
        """The dots' x and y."""
        return self._points[:, 0], self._points[:, 1]

    def set_data(self, x: npt.ArrayLike, y: npt.ArrayLike) -> None:
        """Draw dots at `x`, `y` `(n,)`, all finite."""
        empty_before = not len(self._points)
        self._points = np.column_stack([x, y]).astype(np.float64, copy=False)
        if len(self._points) or not empty_before:
            self.changed()

    def lay(self, view: PlotView) -> QRectF:
        pixels = view.pixels(self._points)
        self._fragments = np.zeros((len(pixels), 10))  # a QPainter.PixmapFragment is ten doubles
        self._fragments[:, :2] = pixels
        self._fragments[:, [6, 7, 9]] = 1.0  # scales and opacity
        return _covered(pixels, self._size * self.grown / 2 + 2, view)

    def paint(self, painter: QPainter) -> None:
        if draws_vectors(painter):
            self._paint_each(painter)
            return
        dot = _dot(self.color.rgba(), self._size * self.grown, device_ratio(painter))
        self._fragments[:, 4], self._fragments[:, 5] = dot.width(), dot.height()
        self._fragments[:, [6, 7]] = 1.0 / dot.devicePixelRatio()
        first = _first_of(self._fragments.ctypes.data, QPainter.PixmapFragment)
        painter.drawPixmapFragments(first, len(self._fragments), dot)

    def _paint_each(self, painter: QPainter) -> None:
        """Draw each dot as a round of its own; those outside the plot are left out, since not every file cuts them."""
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self.color)
        half = self._size * self.grown / 2
        for x, y in self._fragments[:, :2].tolist():
            if self.area.contains(x, y):
                painter.drawEllipse(QPointF(x, y), half, half)


@lru_cache(maxsize=64)
def _dot(color: int, size: float, ratio: float) -> QPixmap:
    side = int(np.ceil((size + 2) * ratio))
    pixmap = QPixmap(side, side)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor.fromRgba(color))
    painter.drawEllipse(QPointF(side / 2, side / 2), size * ratio / 2, size * ratio / 2)
    painter.end()
    pixmap.setDevicePixelRatio(ratio)
    return pixmap


class Marker(Item):
    """A mark of fixed size in pixels at a point of the data: a curve's head, a handle, or the × of a diverged one. It
    is there whole, or not at all where its point is outside."""

    moves = overhangs = grows = True

    def __init__(self, role: str, shape: Shape = "dot", size: float = 9.0, z: float = 50.0) -> None:
        super().__init__(z)
        self._role, self._shape, self._size = role, shape, size
        self.visible = False
        self.at = QPointF()
        self._pixel = QPointF()

    def place(self, x: float, y: float) -> None:
        """Show the mark at (x, y)."""
        at = QPointF(x, y)
        if at != self.at or not self.visible:
            self.at, self.visible = at, True
            self.changed()

    def lay(self, view: PlotView) -> QRectF:
        self._pixel = view.pixel(self.at.x(), self.at.y())
        if not view.area.adjusted(-1.0, -1.0, 1.0, 1.0).contains(self._pixel):
            return _NOWHERE
        half = self.grown * (0.65 * self._size + 2.5)
        return QRectF(self._pixel.x() - half, self._pixel.y() - half, 2 * half, 2 * half)

    def paint(self, painter: QPainter) -> None:
        theme, half, at = current_theme(), self.grown * self._size / 2, self._pixel
        color = theme.color(self._role)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        if self._shape == "cross":
            painter.setPen(QPen(color, 2.0 * self.grown, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            painter.drawLine(at + QPointF(-half, -half), at + QPointF(half, half))
            painter.drawLine(at + QPointF(-half, half), at + QPointF(half, -half))
            return
        ring = self._shape == "ring"
        painter.setPen(QPen(color if ring else theme.color("paper"), self.grown * (2.0 if ring else 1.5)))
        painter.setBrush(theme.color("paper") if ring else color)
        if self._shape in _CORNERS:
            painter.drawPolygon(QPolygonF([at + QPointF(half * x, half * y) for x, y in _CORNERS[self._shape]]))
        else:
            painter.drawEllipse(at, half, half)


class Spread(Item):
    """The area between two curves over the same x."""

    grows = True

    def __init__(self, role: str, alpha: int, z: float) -> None:
        super().__init__(z)
        self._role, self._alpha = role, alpha
        self._points = _NO_POINTS
        self._shape = QPolygonF()

    def set_band(self, x: Array, low: Array, high: Array) -> None:
        """Fill from `low` to `high` over `x`, `(n,)` each, all finite; nothing where they are empty."""
        self._points = np.concatenate([np.column_stack([x, high]), np.column_stack([x, low])[::-1]])
        self.changed()

    def lay(self, view: PlotView) -> QRectF:
        pixels = view.pixels(self._points)
        self._shape = polygon(pixels)
        return _covered(pixels, 1.0, view)

    def paint(self, painter: QPainter) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(current_theme().color(self._role, self._alpha))
        shape = self._shape.intersected(QPolygonF(self.area)) if draws_vectors(painter) else self._shape
        painter.drawPolygon(shape)


class TimeCursor(Item):
    """A thin upright line at one instant: moving it draws two columns of pixels only."""

    moves = True

    def __init__(self) -> None:
        super().__init__(40.0)
        self._time = 0.0

    def set_time(self, time: float) -> None:
        """Stand at `time`, in the units of the x axis."""
        self._time = time
        if self.canvas is not None and self.lay(self.canvas.view) != self.area:
            self.changed()

    def lay(self, view: PlotView) -> QRectF:
        x = round(view.pixel(self._time, view.y[0]).x())
        if not view.left <= x <= view.left + view.width:
            return _NOWHERE
        wide = round(self.stroke)
        return QRectF(min(x, int(view.left + view.width) - wide), view.top, float(wide), view.height)

    def paint(self, painter: QPainter) -> None:
        painter.fillRect(self.area, current_theme().color("muted", 170))


class TimeBand(Item):
    """A tinted span of time behind the curves, from top to bottom of the view."""

    def __init__(self) -> None:
        super().__init__(-95.0, Layer.BACKGROUND)
        self._span = (0.0, 0.0)

    def set_span(self, begin: float, end: float) -> None:
        """Cover `begin` to `end`, in the units of the x axis; nothing where they are equal."""
        if (begin, end) != self._span:
            self._span = (begin, end)
            self.changed()

    def lay(self, view: PlotView) -> QRectF:
        begin, end = (view.pixel(t, view.y[0]).x() for t in self._span)
        if not (self._span[1] > self._span[0] and end > view.left and begin < view.left + view.width):
            return _NOWHERE
        return QRectF(begin, view.top, max(end - begin, 2.0), view.height).intersected(view.area)

    def paint(self, painter: QPainter) -> None:
        painter.fillRect(self.area, current_theme().color("warning", 34))


class KnownMark(Item):
    """An instant from which something is not known any more: a dashed line, a grey tint after it, and words."""

    def __init__(self, words: str) -> None:
        super().__init__(-94.0)
        self._words = words
        self.time = float("nan")  # where it stands; not finite where it does not

    def set_time(self, time: float) -> None:
        """Stand at `time`, in the units of the x axis; nowhere where it is not finite."""
        if time != self.time and not (np.isnan(time) and np.isnan(self.time)):
            self.time = time
            self.changed()

    def lay(self, view: PlotView) -> QRectF:
        if not np.isfinite(self.time):
            return _NOWHERE
        begin, end = max(view.pixel(self.time, view.y[0]).x(), view.left), view.left + view.width
        return QRectF(begin, view.top, end - begin, view.height) if begin < end else _NOWHERE

    def paint(self, painter: QPainter) -> None:
        theme, area = current_theme(), self.area
        painter.fillRect(area, theme.color("muted", 30))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setPen(QPen(theme.color("muted"), self.stroke, Qt.PenStyle.DashLine))
        x = round(area.left())
        painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
        font = painter.font()
        painter.setFont(small_font(font, 0.9))
        painter.setPen(theme.color("muted"))
        if area.width() >= painter.fontMetrics().height() + 2 * _WORDS_GAP:
            painter.save()
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
            painter.translate(x + _WORDS_GAP, area.bottom() - _WORDS_GAP)
            painter.rotate(-90.0)  # upward: the span is often narrow
            painter.drawText(QPointF(0.0, float(painter.fontMetrics().ascent())), plain(self._words))
            painter.restore()
        painter.setFont(font)


class Caption(Item):
    """Words in the theme's colour `role`, whose lower left corner is at a point of the data. `size`: of the plot's
    type. `inside`: at the edge they move to where they can be read."""

    def __init__(self, role: str, font: QFont, size: float = 1.0, z: float = 30.0, *, inside: bool = False) -> None:
        super().__init__(z)
        self._role, self.font, self.size, self._inside = role, small_font(font, size), size, inside
        self.text = ""
        self._at = (0.0, 0.0)

    @property
    def color(self) -> QColor:
        """The colour in the current theme."""
        return current_theme().color(self._role)

    def write(self, text: str, x: float, y: float) -> None:
        """Write `text` above (x, y); nothing where it is empty."""
        if (text, (x, y)) != (self.text, self._at):
            self.text, self._at = text, (x, y)
            self.changed()

    def lay(self, view: PlotView) -> QRectF:
        if not self.text:
            return _NOWHERE
        metrics, corner = QFontMetricsF(self.font), view.pixel(*self._at)
        width, height = metrics.horizontalAdvance(plain(self.text)) + 8, metrics.height() + 4
        area = QRectF(corner.x(), corner.y() - height, width, height)
        if self._inside:
            if not view.area.adjusted(-1.0, -1.0, 1.0, 1.0).contains(corner):
                return _NOWHERE
            area.moveRight(min(area.right(), view.area.right()))
            area.moveTop(max(area.top(), view.area.top()))
        return area

    def paint(self, painter: QPainter) -> None:
        painter.setFont(self.font)
        painter.setPen(self.color)
        painter.drawText(self.area, Qt.AlignmentFlag.AlignCenter, plain(self.text))


__all__ = [
    "Canvas",
    "Caption",
    "Curve",
    "Dots",
    "Item",
    "KnownMark",
    "Layer",
    "Marker",
    "Segments",
    "Spread",
    "TimeBand",
    "TimeCursor",
    "head_shape",
    "lab_pen",
]
