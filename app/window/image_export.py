"""Pictures of the window and of its panels on disk, whole or not at all, and on the clipboard."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from PySide6.QtCore import QMimeData, QRect
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QWidget

from app.widgets.figure import pdf_bytes, pixel_image, png_bytes, svg_bytes
from app.widgets.plot import LabPlot
from hnn_engine.errors import ParameterError, RecordError
from hnn_engine.records import write_file

Painted = TypeVar("Painted")
FIGURES = (".png", ".svg", ".pdf")
NARROWEST, WIDEST = 16, 16_000  # pixels of a picture
COPIED = 2  # times as many pixels as on the screen, of a picture on the clipboard


class Figure:
    """A panel as a picture: as it is laid out on the screen, without what can be pressed, and with its title in it."""

    def __init__(self, panel: QWidget, title: str) -> None:
        self._panel, self._title = panel, title
        controls: Any = getattr(panel, "controls", None)
        top = controls.geometry().bottom() + 1 if controls is not None and controls.isVisible() else 0
        self._area = QRect(0, top, panel.width(), max(panel.height() - top, 1))

    def image(self, width: int | None = None) -> QImage:
        """Return it `width` pixels wide, or as wide as on the screen; raise `ParameterError` where that is no width."""
        shown = round(self._area.width() * self._panel.devicePixelRatioF())
        width = width if width is not None else shown
        if not NARROWEST <= width <= WIDEST:
            raise ParameterError(f"The picture is to be {width} pixels wide, but it must be {NARROWEST} to {WIDEST}")
        return self._titled(lambda: pixel_image(self._panel, self._area, width))

    def content(self, suffix: str, width: int | None = None) -> bytes:
        """Return it as the content of a file whose name ends in `suffix`, of `FIGURES`; a PNG is `width` pixels wide.
        Raises `RecordError` for another suffix."""
        if suffix == ".svg":
            return self._titled(lambda: svg_bytes(self._panel, self._area, self._title))
        if suffix == ".pdf":
            return self._titled(lambda: pdf_bytes(self._panel, self._area, self._title))
        if suffix != ".png":
            raise RecordError(f"'{suffix}' is no kind of picture that is written: choose a name in .png, .svg or .pdf")
        return png_bytes(self.image(width))

    def for_clipboard(self) -> QMimeData:
        """Return it as what is pasted: pixels, and lines and letters for programs that take them."""
        data = QMimeData()
        data.setImageData(self.image(COPIED * self._area.width()))
        data.setData("image/svg+xml", self.content(".svg"))
        return data

    def _titled(self, paint: Callable[[], Painted]) -> Painted:
        """Paint with the panel's title in its plot, where it has one."""
        plot, title = getattr(self._panel, "plot", None), str(getattr(self._panel, "title", ""))
        named = [plot] if isinstance(plot, LabPlot) and title and not plot.title else []
        for plot in named:
            plot.set_title(title)
        try:
            return paint()
        finally:
            for plot in named:
                plot.set_title("")


def write_png(path: Path, picture: QImage, replace_protected: bool = False) -> None:
    """Write `picture` to `path`, in any thread; raise `RecordError` where that is not possible, `ProtectedFileError`
    where a read-only file is there, unless `replace_protected`."""
    content = png_bytes(picture)
    if not content:
        raise RecordError(f"{path} was not written: there is no picture to be packed as PNG; try again")
    write_file(path, content, replace_protected=replace_protected)
