"""The pixels of an image of Qt's, as films have them."""

import numpy as np
import numpy.typing as npt
from PySide6.QtGui import QImage

Picture = npt.NDArray[np.uint8]


def pixels(image: QImage) -> Picture:
    """Return the pixels of an image as `(height, width, 3)`."""
    plain = image.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(plain.constBits(), dtype=np.uint8).reshape(plain.height(), plain.bytesPerLine())
    return rows[:, : 3 * plain.width()].reshape(plain.height(), plain.width(), 3).copy()
