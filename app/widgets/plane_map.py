"""A map of values over a plane, one image: of differences in diverging colours, blank where they are zero, and of sizes
in colours that grow from the paper's."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QRectF
from PySide6.QtGui import QBrush, QColor, QImage, QPainter, QPainterPath

from app.style.colormaps import Table, diverging, sequential
from app.style.theme import current_theme
from app.widgets.paint_target import draws_vectors
from app.widgets.plot_items import Item, Layer
from app.widgets.plot_view import PlotView
from app.widgets.scene_view import polygon
from hnn_engine.axis_ticks import Range

Array = npt.NDArray[np.float64]
_TILE = 6  # pixels from stripe to stripe
_VEIL, _GAP = 205, 110  # how far a stripe, and what lies between, hides the map, of 255


class PlaneMap(Item):
    """The map; `show_values` fills it, `clear` empties it."""

    def __init__(self, z: float) -> None:
        super().__init__(z, Layer.BACKGROUND)
        self._values: Array | None = None
        self._span = (-1.0, 1.0)  # of the values that the colours tell apart
        self._sizes = False
        self._rect = QRectF()  # in the plane
        self._image = QImage()
        self._rings: Sequence[Array] = ()
        self._place = QRectF()  # in pixels
        self._hatched = QPainterPath()

    def show_values(self, values: Array, limit: float, x: Range, y: Range, hatched: Sequence[Array] = ()) -> None:
        """Paint `values` `(rows, columns)`, lowest y first, known at evenly spaced points from edge to edge of the
        ranges `x` and `y`. Colours reach from −`limit` to `limit` and stay there beyond. Within the rings `hatched`,
        each `(k, 2)`, an odd number deep, the map is hatched: there it should not be relied on."""
        self._show(values, (-limit, limit), x, y, hatched, sizes=False)

    def show_sizes(self, values: Array, span: Range, x: Range, y: Range, hatched: Sequence[Array] = ()) -> None:
        """Paint `values` as `show_values` does, in colours that grow over `span` (low, high)."""
        self._show(values, span, x, y, hatched, sizes=True)

    def _show(self, values: Array, span: Range, x: Range, y: Range, hatched: Sequence[Array], sizes: bool) -> None:
        same = values is self._values and span == self._span and sizes == self._sizes
        if same and self._rect == _cells(values, x, y):
            return
        self._values, self._span, self._sizes = values, span, sizes
        self._rect, self._rings = _cells(values, x, y), hatched
        self.restyle()
        self.changed()

    def clear(self) -> None:
        """Show nothing."""
        if self._values is not None:
            self._values, self._image = None, QImage()
            self.changed()

    def restyle(self) -> None:
        if self._values is not None:
            upright, (low, high) = self._values[::-1], self._span
            self._image = sized(upright, low, high) if self._sizes else colored(upright, high)

    def lay(self, view: PlotView) -> QRectF:
        if self._values is None:
            return QRectF()
        low, high = view.pixel(self._rect.left(), self._rect.top()), view.pixel(self._rect.right(), self._rect.bottom())
        self._place = QRectF(low, high).normalized()
        self._hatched = path_of([view.pixels(ring) for ring in self._rings])
        return self._place.intersected(view.area)

    def _part(self, shown: QRectF) -> QRectF:
        """Return the part of the image, in its pixels, that lies at `shown` of its place."""
        across, down = self._image.width() / self._place.width(), self._image.height() / self._place.height()
        corner = shown.topLeft() - self._place.topLeft()
        return QRectF(corner.x() * across, corner.y() * down, shown.width() * across, shown.height() * down)

    def paint(self, painter: QPainter) -> None:
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, True)
        shown = self._place.intersected(self.area) if draws_vectors(painter) else self._place
        painter.drawImage(shown, self._image, self._part(shown))
        if not self._hatched.isEmpty():
            painter.fillPath(self._hatched, QBrush(stripes(current_theme().color("paper"))))


def path_of(rings: Sequence[Array]) -> QPainterPath:
    """Return closed rings, each `(k, 2)`, as one path, filled an odd number deep."""
    path = QPainterPath()
    for ring in rings:
        path.addPolygon(polygon(ring))
        path.closeSubpath()
    return path


def stripes(color: QColor) -> QImage:
    """Return a tile of slanted stripes, half clear and half `color`."""
    column, row = np.meshgrid(np.arange(_TILE), np.arange(_TILE))
    alpha = np.where((column + row) % _TILE < _TILE // 2, _VEIL, _GAP)
    tile = np.empty((_TILE, _TILE, 4), dtype=np.uint8)
    tile[..., :3] = color.red(), color.green(), color.blue()
    tile[..., 3] = alpha
    return QImage(tile.tobytes(), _TILE, _TILE, 4 * _TILE, QImage.Format.Format_RGBA8888).copy()


def _cells(values: Array, x: Range, y: Range) -> QRectF:
    """The rectangle whose cells have the points in their middles."""
    rows, columns = values.shape
    wide, tall = (x[1] - x[0]) / (columns - 1), (y[1] - y[0]) / (rows - 1)
    return QRectF(x[0] - wide / 2, y[0] - tall / 2, wide * columns, tall * rows)


def colored(values: Array, limit: float) -> QImage:
    """Return `values` in diverging colours, the first row on top; what is not a number is left clear."""
    return _painted(values, (-limit, limit), diverging(current_theme()))


def sized(values: Array, low: float, high: float) -> QImage:
    """Return `values` in colours that grow from `low` to `high`; else as `colored`."""
    return _painted(values, (low, high), sequential(current_theme()))


def _painted(values: Array, span: Range, table: Table) -> QImage:
    low, high = span
    with np.errstate(invalid="ignore", over="ignore"):
        share = np.nan_to_num((values - low) / (high - low), nan=0.0, posinf=1.0, neginf=0.0)
    pixels = table[np.rint((len(table) - 1) * np.clip(share, 0.0, 1.0)).astype(np.intp)]
    pixels[np.isnan(values), 3] = 0
    height, width = values.shape
    return QImage(pixels.tobytes(), width, height, 4 * width, QImage.Format.Format_RGBA8888).copy()
