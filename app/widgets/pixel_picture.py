"""A small grey picture, its pixels enlarged."""

import math

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.style.theme import current_theme
from app.widgets.frame_tiles import paint_picture


class PixelPicture(QWidget):
    """Shows a picture `(size, size)` as large as there is room, or an empty square."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.picture: npt.NDArray[np.uint8] | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(112, 112)
        self.setAccessibleName(name)

    def sizeHint(self) -> QSize:
        return QSize(224, 196)

    def show_picture(self, picture: npt.NDArray[np.uint8] | None) -> None:
        """Show `picture`; None leaves the square empty."""
        self.picture = picture
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, side = QPainter(self), float(min(self.width(), self.height()) - 2)
        if self.picture is not None:
            pixel = len(self.picture) / self.devicePixelRatioF()
            even = side // pixel * pixel  # all pixels of the picture alike
            side = even if even > 0.7 * side else side
        left, top = math.floor((self.width() - side) / 2), math.floor((self.height() - side) / 2)
        place = QRectF(left, top, side, side)
        paint_picture(painter, place, self.picture)
        if self.picture is not None:
            painter.setPen(QPen(current_theme().color("line"), 1.0))
            painter.drawRect(place.adjusted(-1, -1, 0, 0))
        painter.end()
