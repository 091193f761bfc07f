#!/usr/bin/env bash
# QSvgGenerator in SVG 1.1 goes on clipping by the inner clip after QPainter.restore() to an outer one.
#
# Expected: QPainter.restore() brings back the clip that was set when save() was called, as it does on a QImage and in a PDF.
# Seen, PySide6 6.11.3 (Qt 6.11.3): with a clip A, then save(), a smaller clip B, restore(), what is painted next carries
# clip-path="url(#B's)" in the file, so that a viewer which clips (librsvg, browsers) shows less than a QImage does. Where
# restore() leads to no clip at all, the file is right. SVG Tiny 1.2, the default version, has no clips in it at all.
# Upstream: the version with clips came with Qt 6.5 (QSvgGenerator::SvgVersion); no report found. It matters to whatever
# writes a plot as SVG: an inner box, such as a map with its own frame, cuts away all that is painted after it.
# Qt's system libraries have to be there.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet PySide6-Essentials==6.11.3
QT_QPA_PLATFORM=offscreen "$folder/venv/bin/python" - <<'PY'
import re

from PySide6.QtCore import QBuffer, QByteArray, QRect, QRectF, QSize
from PySide6.QtGui import QColor, QGuiApplication, QImage, QPainter
from PySide6.QtSvg import QSvgGenerator

app = QGuiApplication([])


def paint(painter: QPainter) -> None:
    painter.save()
    painter.setClipRect(QRectF(0, 0, 150, 100))  # A
    painter.save()
    painter.setClipRect(QRectF(0, 0, 50, 50))  # B
    painter.fillRect(QRectF(0, 0, 40, 40), QColor("#ff0000"))
    painter.restore()
    painter.fillRect(QRectF(100, 0, 100, 100), QColor("#0000ff"))  # clipped by A: half of it is seen
    painter.restore()
    painter.fillRect(QRectF(160, 60, 30, 30), QColor("#00ff00"))


def file_of(version: QSvgGenerator.SvgVersion) -> str:
    data = QByteArray()
    buffer = QBuffer(data)
    made = QSvgGenerator(version)
    made.setOutputDevice(buffer)
    made.setSize(QSize(200, 100))
    made.setViewBox(QRect(0, 0, 200, 100))
    painter = QPainter(made)
    paint(painter)
    painter.end()
    return bytes(data).decode()


def clip_of(color: str, file: str) -> str:
    """The path that clips what is filled with `color`; '' where nothing does."""
    before = file[: file.index(f'fill="{color}"')].splitlines()[-1]
    named = re.search(r'clip-path="url\(#(\w+)\)"', before)
    if named is None:
        return ""
    path = re.search(rf'<clipPath id="{named[1]}">\s*<path[^>]*d="([^"]*)"', file)
    return path[1].strip() if path else "?"


picture = QImage(200, 100, QImage.Format.Format_ARGB32)
picture.fill(QColor("white"))
painter = QPainter(picture)
paint(painter)
painter.end()
blue = picture.pixelColor(120, 80).name()
file = file_of(QSvgGenerator.SvgVersion.Svg11)
found = {color: clip_of(color, file) for color in ("#ff0000", "#0000ff", "#00ff00")}
print(f"on a QImage the pixel (120, 80) is {blue}; in the file the blue box is clipped by '{found['#0000ff']}'")
assert blue == "#0000ff", "QPainter on an image has changed"
inner, none = "M0,0 L50,0 L50,50 L0,50 L0,0 Z", ""
assert found == {"#ff0000": inner, "#0000ff": inner, "#00ff00": none}, f"Qt has changed: {found}"
assert "clip-path" not in file_of(QSvgGenerator.SvgVersion.SvgTiny12), "SVG Tiny has clips now"
PY
echo "as described"
