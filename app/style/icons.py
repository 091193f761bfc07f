"""The window's icons: line drawings in `resources/icons`, in the colour of the theme, sharp at every scale."""

from functools import lru_cache
from importlib.resources import files

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QAction, QGuiApplication, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QAbstractButton, QApplication

from app.style.theme import Theme, current_theme, theme_signals

_FOLDER = files("resources") / "icons"
_sizes = {14, 16, 20}  # what the window uses, before scaling
_LOGO_SIZES = (16, 24, 32, 48, 64, 128, 256)
_names: dict[int, tuple[str, str]] = {}  # name and colour of every icon that was handed out, by its cache key


def icon(name: str, role: str = "ink") -> QIcon:
    """Return the icon `resources/icons/NAME.svg` in the theme's colour `role`. Raises `FileNotFoundError`.

    Buttons and actions that show it follow the theme by themselves.
    """
    return _themed_icon(name, role, current_theme(), _device_sizes())


def logo() -> QIcon:
    """Return the program's mark, for the window and the task bar."""
    result = QIcon()
    for size in _LOGO_SIZES:
        result.addPixmap(pixmap("logo", QSize(size, size)))
    return result


def draw_icons_at(side: int) -> None:
    """Have every icon, those shown already too, drawn at `side` as well: Qt makes none larger than it was drawn."""
    if side not in _sizes:
        _sizes.add(side)
        _on_theme()


def icon_path(name: str) -> str:
    """Return the path of an icon, with forward slashes, for a style sheet."""
    return str(_FOLDER / f"{name}.svg").replace("\\", "/")


def pixmap(name: str, size: QSize, role: str = "ink") -> QPixmap:
    """Draw an icon at `size` in device pixels, in the current theme's colour `role`."""
    color = current_theme().role(role)
    drawn = QPixmap(size)
    drawn.fill(Qt.GlobalColor.transparent)
    painter = QPainter(drawn)
    _renderer(name, color).render(painter, QRectF(drawn.rect()))
    painter.end()
    return drawn


@lru_cache(maxsize=128)
def _renderer(name: str, color: str) -> QSvgRenderer:
    # Qt's SVG knows no `currentColor`, so the colour is written in before it is read.
    drawing = QSvgRenderer(QByteArray(_source(name).replace("currentColor", color).encode()))
    drawing.setAspectRatioMode(Qt.AspectRatioMode.KeepAspectRatio)
    return drawing


@lru_cache(maxsize=64)
def _source(name: str) -> str:
    return (_FOLDER / f"{name}.svg").read_text(encoding="utf-8")


@lru_cache(maxsize=256)
def _themed_icon(name: str, role: str, theme: Theme, sizes: tuple[int, ...]) -> QIcon:
    result = QIcon()
    for side in sizes:
        drawn = pixmap(name, QSize(side, side), role)
        result.addPixmap(drawn, QIcon.Mode.Normal)
        result.addPixmap(_greyed(drawn), QIcon.Mode.Disabled)
    _names[result.cacheKey()] = (name, role)
    return result


def _greyed(drawn: QPixmap) -> QPixmap:
    # Made from the drawing, since reading and rendering the SVG again takes ten times longer.
    result = QPixmap(drawn.size())
    result.fill(Qt.GlobalColor.transparent)
    painter = QPainter(result)
    painter.setOpacity(0.3)
    painter.drawPixmap(0, 0, drawn)
    painter.end()
    return result


def _device_sizes() -> tuple[int, ...]:
    app = QGuiApplication.instance()
    ratio = app.devicePixelRatio() if isinstance(app, QGuiApplication) else 1.0
    return tuple(sorted({round(size * scale) for size in _sizes for scale in (1.0, ratio)}))


def _on_theme() -> None:
    # A QIcon holds pictures, not a colour, so what shows one is given it anew.
    for widget in QApplication.allWidgets():
        for holder in (*widget.actions(), widget):
            if isinstance(holder, QAction | QAbstractButton):
                known = _names.get(holder.icon().cacheKey())
                if known is not None:
                    holder.setIcon(icon(*known))


theme_signals.changed.connect(_on_theme)
