"""A picture with a square that the mouse moves and resizes: the part of a video that is used."""

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QKeyEvent, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.style.theme import current_theme
from app.widgets.drag import FinePointer
from app.widgets.scene_marks import GRAB_RADIUS
from hnn_engine.video.clip import Crop

SMALLEST = 16  # pixels of the film that a square keeps
CORNERS = ((-1, -1), (1, -1), (-1, 1), (1, 1))  # to the left or right of the middle, above or below it
MIDDLE = (0, 0)
NUDGE, FINE_NUDGE = 5, 1  # pixels of the film
HANDLE = 5.0  # half a corner's side on screen
_WAYS = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, -1), Qt.Key.Key_Down: (0, 1)}
_SIZES = {Qt.Key.Key_Plus: 1, Qt.Key.Key_Equal: 1, Qt.Key.Key_Minus: -1}

Part = tuple[int, int]


class CropView(QWidget):
    """Shows a picture and `crop`, a square of its pixels. `cropped(final)`: `final` is false while it is dragged."""

    cropped = Signal(bool)

    def __init__(self, crop: Crop, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.crop = crop
        self._image = QImage()
        self._rod: tuple[QPointF, QPointF] | None = None  # in pixels of the film
        self._hot: Part | None = None
        self._held: Part | None = None
        self._before = crop
        self._pointer: FinePointer | None = None
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(240, 180)
        self.setAccessibleName("The video, and the square that is cut out of it")
        self.setAccessibleDescription(
            "Drag the square or its corners. Arrow keys move it, plus and minus resize it; with Shift, by one pixel."
        )

    def sizeHint(self) -> QSize:
        return QSize(640, 460)

    def show_picture(self, picture: npt.NDArray[np.uint8]) -> None:
        """Show a grey `picture` `(height, width)`."""
        grey = np.ascontiguousarray(picture)
        height, width = grey.shape
        self._image = QImage(grey.data, width, height, width, QImage.Format.Format_Grayscale8).copy()
        self.update()

    def show_rod(self, pivot: QPointF | None, tip: QPointF | None) -> None:
        """Lay a line over the picture from `pivot` to `tip`, pixels of the film; None takes it away."""
        self._rod = (pivot, tip) if pivot is not None and tip is not None else None
        self.update()

    def set_crop(self, crop: Crop, final: bool = True) -> None:
        """Show another square, and emit `changed`."""
        if crop != self.crop or final:
            self.crop = crop
            self.update()
            self.cropped.emit(final)

    # Places -----------------------------------------------------------------------------------------------------------

    @property
    def scale(self) -> float:
        """Pixels on screen for one of the film."""
        if self._image.isNull():
            return 1.0
        room = self.width() - 2 * HANDLE - 4, self.height() - 2 * HANDLE - 4
        return min(room[0] / self._image.width(), room[1] / self._image.height())

    def place(self) -> QRectF:
        """Return where the picture is."""
        width, height = self._image.width() * self.scale, self._image.height() * self.scale
        return QRectF((self.width() - width) / 2, (self.height() - height) / 2, width, height)

    def to_screen(self, x: float, y: float) -> QPointF:
        """Return where pixel corner (x, y) of the film is."""
        return self.place().topLeft() + QPointF(x, y) * self.scale

    def square(self) -> QRectF:
        """Return where the square is on screen."""
        side = self.crop.side * self.scale
        return QRectF(self.to_screen(self.crop.left, self.crop.top), QSize(0, 0).toSizeF()).adjusted(0, 0, side, side)

    def corner(self, part: Part) -> QPointF:
        """Return where a corner of the square is on screen, or its middle."""
        square = self.square()
        return square.center() + QPointF(part[0], part[1]) * (square.width() / 2)

    def part_at(self, at: QPointF) -> Part | None:
        """Return what of the square is under the pointer: the nearest corner within reach, or its inside."""
        off = {part: at - self.corner(part) for part in CORNERS}
        near = min(CORNERS, key=lambda part: off[part].manhattanLength())
        reach = min(GRAB_RADIUS, max(self.square().width() / 3, HANDLE))
        if max(abs(off[near].x()), abs(off[near].y())) <= reach:
            return near
        return MIDDLE if self.square().contains(at) else None

    # The mouse --------------------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._held = self.part_at(event.position()) if event.button() is Qt.MouseButton.LeftButton else None
        if self._held is not None:
            self._before = self.crop
            self._pointer = FinePointer(event.position(), self.corner(self._held))
            self._show_cursor(self._held)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._held is None or self._pointer is None:
            self._hover(self.part_at(event.position()))
        elif self._pointer.moved(event.position(), event.modifiers()):
            target = (self._pointer.target - self.place().topLeft()) / self.scale
            crop = self._moved(target) if self._held == MIDDLE else self._resized(self._held, target)
            self.set_crop(crop, final=False)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton and self._held is not None:
            moved = self.crop != self._before
            self._let_go()
            if moved:
                self.cropped.emit(True)
            self._hover(self.part_at(event.position()))

    def leaveEvent(self, event: QEvent) -> None:
        if self._held is None:
            self._hover(None)

    def _let_go(self) -> None:
        self._held = self._pointer = None

    def _moved(self, middle: QPointF) -> Crop:
        side = self.crop.side
        return self._inside(round(middle.x() - side / 2), round(middle.y() - side / 2), side)

    def _inside(self, left: int, top: int, side: int) -> Crop:
        """Return a square as near to this one as the picture allows."""
        side = max(min(side, self._image.width(), self._image.height()), min(SMALLEST, self._image.height()))
        left = min(max(left, 0), self._image.width() - side)
        return Crop(left, min(max(top, 0), self._image.height() - side), side)

    def _resized(self, part: Part, to: QPointF) -> Crop:
        """Return the square with a corner at `to`, as far as it stays one; the corner across stays where it is."""
        crop, (right, down) = self.crop, part
        x, y = crop.left + (crop.side if right < 0 else 0), crop.top + (crop.side if down < 0 else 0)
        room = min(self._image.width() - x if right > 0 else x, self._image.height() - y if down > 0 else y)
        side = max(right * (to.x() - x), down * (to.y() - y))
        side = int(min(max(round(side), min(SMALLEST, room)), room))
        return Crop(x - (side if right < 0 else 0), y - (side if down < 0 else 0), side)

    def _hover(self, part: Part | None) -> None:
        if part != self._hot:
            self._hot = part
            self._show_cursor(part)
            self.update()

    def _show_cursor(self, part: Part | None) -> None:
        shape = Qt.CursorShape
        if part is None:
            self.setCursor(shape.ArrowCursor)
        elif part == MIDDLE:
            self.setCursor(shape.ClosedHandCursor if self._held is not None else shape.OpenHandCursor)
        else:
            self.setCursor(shape.SizeFDiagCursor if part[0] == part[1] else shape.SizeBDiagCursor)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, crop = Qt.Key(event.key()), self.crop
        step = FINE_NUDGE if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else NUDGE
        if key == Qt.Key.Key_Escape and self._held is not None:
            self._let_go()
            self.set_crop(self._before)
        elif key in _WAYS:
            x, y = _WAYS[key]
            self.set_crop(self._inside(crop.left + x * step, crop.top + y * step, crop.side))
        elif key in _SIZES:
            grow = _SIZES[key] * step
            self.set_crop(self._inside(crop.left - grow, crop.top - grow, crop.side + 2 * grow))
        else:
            super().keyPressEvent(event)

    # Painting ---------------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._image.isNull():
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(self.place(), self._image)
        self._paint_shade(painter)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_rod(painter)
        self._paint_square(painter)
        painter.end()

    def _paint_shade(self, painter: QPainter) -> None:
        """Dim what is left out."""
        around = QPainterPath()
        around.addRect(self.place())
        around.addRect(self.square())
        painter.fillPath(around, QColor(0, 0, 0, 120))

    def _paint_rod(self, painter: QPainter) -> None:
        if self._rod is None:
            return
        pivot, tip = (self.to_screen(end.x(), end.y()) for end in self._rod)
        painter.setClipRect(self.place())
        for color, width in ((QColor(255, 255, 255, 200), 4.0), (current_theme().color("accent"), 2.0)):
            painter.setPen(QPen(color, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            painter.drawLine(pivot, tip)
            painter.drawEllipse(pivot, 4.0, 4.0)
        painter.setClipping(False)

    def _paint_square(self, painter: QPainter) -> None:
        theme = current_theme()
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for color, width in ((QColor(255, 255, 255, 220), 4.0), (theme.color("accent"), 2.0)):
            painter.setPen(QPen(color, width))
            painter.drawRect(self.square())
        for part in CORNERS:
            half = HANDLE + (2.0 if part in (self._hot, self._held) else 0.0)
            place = QRectF(-half, -half, 2 * half, 2 * half).translated(self.corner(part))
            painter.setPen(QPen(QColor(255, 255, 255), 1.5))
            painter.setBrush(theme.color("accent"))
            painter.drawRect(place)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(theme.color("accent"), 1.0, Qt.PenStyle.DotLine))
            painter.drawRect(self.square().adjusted(-5, -5, 5, 5))


__all__ = ["CORNERS", "MIDDLE", "CropView"]
