"""Colours and type of the whole window, light and dark, switched at once. Those of truth, data and models are the
engine's (`model_colors`), shared with reports and videos."""

import sys
from dataclasses import dataclass, fields
from functools import cached_property

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QColor, QFont, QFontInfo, QFontMetricsF, QPalette

from hnn_engine.model_colors import COLORS, DASHES, role_colors

_USUAL_HEIGHT = 16.0  # pixels of a line of type, as sizes in pixels were chosen for


@dataclass(frozen=True)
class Theme:
    """One set of colours, as '#RRGGBB'. `models` are pairs of model name and colour."""

    name: str
    paper: str  # the window and the plots
    panel: str  # what can be written into or pressed
    hover: str
    line: str  # borders of controls
    faint: str  # the grid
    ink: str
    muted: str
    accent: str
    accent_hover: str
    on_accent: str
    truth: str
    data: str
    field: str
    warning: str
    error: str
    models: tuple[tuple[str, str], ...]

    @cached_property
    def dark(self) -> bool:
        """Whether the paper is darker than the ink."""
        return QColor(self.paper).lightness() < QColor(self.ink).lightness()

    def model_color(self, model_name: str) -> str:
        """Return the colour of a model or of a run's role, the same in every panel; a model without one of its own is
        drawn in `muted`."""
        return role_colors(model_name)[self.dark]

    def role(self, role: str) -> str:
        """Resolve `role`, one of this theme's colours ('truth'), that of a model or a run ('hnn/1') or '#RRGGBB', to
        '#RRGGBB'."""
        if role.startswith("#"):
            return role
        if role in _ROLES:
            return str(getattr(self, role))
        return self.model_color(role)

    def color(self, role: str, alpha: int = 255) -> QColor:
        """Return the `QColor` of `role` (see `role`) with `alpha` of 0 to 255."""
        color = QColor(self.role(role))
        color.setAlpha(alpha)
        return color


_ROLES = frozenset(field.name for field in fields(Theme)) - {"name", "models"}


def _theme(name: str, column: int, **own: str) -> Theme:
    """Return a theme of the shared colours in `column` of `COLORS` and of those that only the window has."""
    shared = {role: COLORS[role][column] for role in COLORS if role in _ROLES}
    return Theme(name=name, models=tuple((model, COLORS[model][column]) for model in DASHES), **shared, **own)


LIGHT = _theme(
    "light",
    0,
    hover="#F0EFEB",
    accent="#4754C4",
    accent_hover="#3A46AE",
    on_accent="#FFFFFF",
    field="#B4B7BD",
    error="#B92D23",
)

DARK = _theme(
    "dark",
    1,
    hover="#292D34",
    accent="#6370E3",
    accent_hover="#7683F0",
    on_accent="#FFFFFF",
    field="#4C525C",
    error="#F47A70",
)

THEMES: dict[str, Theme] = {theme.name: theme for theme in (LIGHT, DARK)}


class ThemeSignals(QObject):
    """Says that the theme has changed: `changed(theme)`."""

    changed = Signal(object)


theme_signals = ThemeSignals()
_current = LIGHT


def current_theme() -> Theme:
    """Return the theme that the window wears."""
    return _current


def model_color(model_name: str) -> QColor:
    """Return the colour of a model in the current theme."""
    return _current.color(_current.model_color(model_name))


def set_current_theme(theme: Theme) -> None:
    """Make `theme` what `current_theme` returns, from now on; `app.style.apply` also dresses the window in it."""
    global _current
    _current = theme


def ui_font(base: QFont, percent: int = 100) -> QFont:
    """Return the system's own font at `percent` of 10 pt (13 on macOS, whose points are smaller) with figures of equal
    width."""
    font = QFont(base)
    font.setPointSizeF((13.0 if sys.platform == "darwin" else 10.0) * percent / 100)
    return hatted(tabular(font))


def text_scale(font: QFont) -> float:
    """Return how much more room `font` takes than the usual one; 1 at least."""
    return max(1.0, QFontMetricsF(font).height() / _USUAL_HEIGHT)


def tabular(font: QFont) -> QFont:
    """Return `font` with tabular figures, so that a running number does not tremble; needs Qt 6.7, else unchanged."""
    figures = QFont(font)
    if hasattr(figures, "setFeature"):
        figures.setFeature(QFont.Tag("tnum"), 1)
    return figures


def hatted(font: QFont) -> QFont:
    """Return `font` with the hat of x̂ over its x. Qt 6.11 takes the anchors of DejaVu Sans for it from a table by which
    it is an em too high; without that table it is where the font has drawn it. Needs Qt 6.7, else unchanged."""
    if hasattr(font, "setFeature") and QFontInfo(font).family().startswith("DejaVu"):
        font = QFont(font)
        font.setFeature(QFont.Tag("mark"), 0)
    return font


def small_font(base: QFont, share: float = 0.9) -> QFont:
    """Return `base` at `share` of its size, for titles inside plots, cards and units."""
    font = QFont(base)
    font.setPointSizeF(max(7.0, base.pointSizeF() * share))
    return font


def palette(theme: Theme) -> QPalette:
    """Return the Qt palette of `theme`, for all that the style sheet leaves to the style."""
    role = QPalette.ColorRole
    pairs = {
        role.Window: theme.paper,
        role.WindowText: theme.ink,
        role.Base: theme.panel,
        role.AlternateBase: theme.hover,
        role.Text: theme.ink,
        role.Button: theme.panel,
        role.ButtonText: theme.ink,
        role.BrightText: theme.error,
        role.Highlight: theme.accent,
        role.HighlightedText: theme.on_accent,
        role.ToolTipBase: theme.panel,
        role.ToolTipText: theme.ink,
        role.PlaceholderText: theme.muted,
        role.Link: theme.accent_hover,
        role.Mid: theme.line,
        role.Light: theme.panel,
        role.Dark: theme.line,
    }
    result = QPalette()
    for key, value in pairs.items():
        result.setColor(key, QColor(value))
    _grey_out(result, theme)
    return result


def _grey_out(result: QPalette, theme: Theme) -> None:
    disabled = theme.color("muted", 140)
    for key in (QPalette.ColorRole.Text, QPalette.ColorRole.WindowText, QPalette.ColorRole.ButtonText):
        result.setColor(QPalette.ColorGroup.Disabled, key, disabled)
    result.setColor(QPalette.ColorGroup.Disabled, QPalette.ColorRole.Highlight, theme.color("line"))
