"""What is painted on: the screen, for which parts are kept as pictures, or a figure, in which all is drawn anew."""

from PySide6.QtGui import QPaintEngine, QPainter

_VECTORS = (QPaintEngine.Type.SVG, QPaintEngine.Type.Pdf)


def device_ratio(painter: QPainter) -> float:
    """Return how many pixels of what `painter` draws on make one of its own: of a figure not those of the screen, as
    `painter.device()` would have it."""
    engine = painter.paintEngine()
    device = engine.paintDevice() if engine is not None else None
    return float((device or painter.device()).devicePixelRatioF())


def draws_vectors(painter: QPainter) -> bool:
    """Whether `painter` draws a file of lines and letters, SVG or PDF: a picture in it would stay a picture."""
    engine = painter.paintEngine()
    return engine is not None and engine.type() in _VECTORS


def draws_figure(painter: QPainter, ratio: float) -> bool:
    """Whether what a widget of `ratio` pixels of the screen to one of its own has kept as pictures is of no use to
    `painter`: it draws vectors, or other pixels."""
    return draws_vectors(painter) or device_ratio(painter) != ratio
