#!/usr/bin/env bash
# Qt puts the circumflex of "x" + U+0302 an em too high with DejaVu Sans 2.37.
#
# Expected: the combining circumflex is placed as the tilde (U+0303) is, by the font's mark positioning, just above the x.
# Seen, PySide6 6.11.3 (HarfBuzz of Qt): the hat's glyph lies more than an em above the tilde's, so that a label clips it
# away and "x̂" reads "x"; U+0301 likewise, U+0303 and U+0304 right. Other fonts (Noto Sans Mono) are right, and so is
# DejaVu Sans with the font feature "mark" switched off (QFont.setFeature), where the glyph's own place is used.
# Upstream: no report found. It matters to every plot that labels an estimate by a hat.
# The font is the one that matplotlib 3.10.3 carries (DejaVu Sans 2.37). Qt's system libraries have to be there.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet PySide6-Essentials==6.11.3
"$folder/venv/bin/pip" install --quiet --no-deps --target "$folder/font" matplotlib==3.10.3
cd "$folder"
QT_QPA_PLATFORM=offscreen "$folder/venv/bin/python" - <<'PY'
import glob

from PySide6.QtGui import QFont, QFontDatabase, QGuiApplication, QTextLayout

app = QGuiApplication([])
(path,) = glob.glob("font/matplotlib/mpl-data/fonts/ttf/DejaVuSans.ttf")
family = QFontDatabase.applicationFontFamilies(QFontDatabase.addApplicationFont(path))[0]


def rise(mark: str, positioned: bool = True) -> float:
    """How far above the line the mark's glyph is put, in em."""
    font = QFont(family)
    font.setPixelSize(100)
    if not positioned:
        font.setFeature(QFont.Tag.fromString("mark"), 0)
    layout = QTextLayout("x" + mark, font)
    layout.beginLayout()
    layout.createLine()
    layout.endLayout()
    places = [point for run in layout.glyphRuns() for point in run.positions()]
    return (places[0].y() - places[-1].y()) / 100


hat, tilde, plain = rise("\u0302"), rise("\u0303"), rise("\u0302", positioned=False)
print(f"circumflex {hat:.2f} em, tilde {tilde:.2f} em, circumflex without mark positioning {plain:.2f} em above its place")
assert hat > 1.0 and abs(tilde) < 0.2 and abs(plain) < 0.2, "Qt or the font has changed"
PY
echo "as described"
