"""A widget as a figure: pixels of any size, or lines and letters as SVG and PDF, with letters that are letters."""

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QMarginsF, QPoint, QRect, QSize, QSizeF, Qt
from PySide6.QtGui import QImage, QPageSize, QPainter, QPdfWriter, QRegion
from PySide6.QtSvg import QSvgGenerator
from PySide6.QtWidgets import QWidget

from app.style.theme import current_theme

POINTS = 72.0  # an inch, in a PDF


def pixel_image(widget: QWidget, area: QRect, width: int) -> QImage:
    """Return the `area` of a widget, painted anew so that it is `width` pixels wide."""
    ratio = width / area.width()
    image = QImage(QSize(width, max(round(area.height() * ratio), 1)), QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(ratio)
    image.fill(current_theme().color("paper"))
    painter = QPainter(image)
    _render(widget, painter, area)
    painter.end()
    return image


def png_bytes(image: QImage) -> bytes:
    """Return an image packed as PNG; empty where there is none."""
    content, buffer = _buffer()
    packed = image.save(buffer, "PNG")  # type: ignore[call-overload]
    buffer.close()
    return bytes(content.data()) if packed else b""


def svg_bytes(widget: QWidget, area: QRect, title: str, size: QSize | None = None) -> bytes:
    """Return the `area` of a widget as SVG 1.1 of `size`, or its own, in which it is called `title`."""
    content, buffer = _buffer()
    generator = QSvgGenerator(QSvgGenerator.SvgVersion.Svg11)
    generator.setOutputDevice(buffer)
    generator.setSize(size or area.size())
    generator.setViewBox(QRect(QPoint(0, 0), area.size()))
    generator.setResolution(widget.logicalDpiX())
    generator.setTitle(title)
    generator.setDescription("HNN Lab")
    painter = QPainter(generator)
    _render(widget, painter, area)
    painter.end()
    buffer.close()
    return bytes(content.data())


def pdf_bytes(widget: QWidget, area: QRect, title: str) -> bytes:
    """Return the `area` of a widget as a PDF of one page of its size, called `title`."""
    content, buffer = _buffer()
    writer = QPdfWriter(buffer)
    resolution = widget.logicalDpiX()
    writer.setResolution(resolution)
    page = QSizeF(area.size()) * (POINTS / resolution)
    writer.setPageSize(QPageSize(page, QPageSize.Unit.Point, title, QPageSize.SizeMatchPolicy.ExactMatch))
    writer.setPageMargins(QMarginsF(0.0, 0.0, 0.0, 0.0))
    writer.setTitle(title)
    writer.setCreator("HNN Lab")
    painter = QPainter(writer)
    _render(widget, painter, area)
    painter.end()
    buffer.close()
    return bytes(content.data())


def _render(widget: QWidget, painter: QPainter, area: QRect) -> None:
    painter.fillRect(QRect(QPoint(0, 0), area.size()), current_theme().color("paper"))
    flags = QWidget.RenderFlag.DrawWindowBackground | QWidget.RenderFlag.DrawChildren
    painter.setClipRect(QRect(QPoint(0, 0), area.size()), Qt.ClipOperation.ReplaceClip)
    widget.render(painter, QPoint(0, 0), QRegion(area), flags)


def _buffer() -> tuple[QByteArray, QBuffer]:
    content = QByteArray()
    buffer = QBuffer(content)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    return content, buffer
