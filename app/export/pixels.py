"""The pixels of images of Qt's, as films have them."""

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QSize
from PySide6.QtGui import QImage

Picture = npt.NDArray[np.uint8]  # `(height, width, 4)`: blue, green, red, and a byte that is not used


class Sheets:
    """So many images of one size that are painted in turn: to allocate one takes longer than to paint most."""

    def __init__(self, size: QSize, count: int) -> None:
        self._images = [QImage(size, QImage.Format.Format_RGB32) for _ in range(count)]
        self._next = 0

    def take(self) -> QImage:
        """Return the one that was not painted for longest."""
        self._next = (self._next + 1) % len(self._images)
        return self._images[self._next]


def pixels(image: QImage) -> Picture:
    """Return the pixels of an image, which stay its own."""
    rows = np.frombuffer(image.bits(), dtype=np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 4 * image.width()].reshape(image.height(), image.width(), 4)
