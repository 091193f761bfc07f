"""Colours, dashes and type of the whole window: one table for light, one for dark, switched at once."""

import sys
from dataclasses import dataclass, fields

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QColor, QFont, QPalette

Dash = tuple[float, ...]

# Lengths of strokes and gaps in pen widths; an empty tuple is a solid line.
_DASHES: dict[str, Dash] = {
    "baseline": (6.0, 4.0),
    "hnn": (),
    "second-order": (9.0, 3.0, 2.0, 3.0),
    "separable-hnn": (2.0, 3.0),
    "dissipative-hnn": (12.0, 4.0),
    "conservative-hnn": (3.0, 6.0),
    "mixed-hnn": (9.0, 3.0, 2.0, 3.0, 2.0, 3.0),
}
LOOKS_LIKE = {"pixel-baseline": "baseline", "pixel-hnn": "hnn"}  # whose colour and dash a model wears


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

    @property
    def dark(self) -> bool:
        """Whether the paper is darker than the ink."""
        return QColor(self.paper).lightness() < QColor(self.ink).lightness()

    def model_color(self, model_name: str) -> str:
        """Return the colour of a model, the same in every panel; a model without one of its own is drawn in `muted`."""
        return dict(self.models).get(LOOKS_LIKE.get(model_name, model_name), self.muted)

    def role(self, role: str) -> str:
        """Resolve `role`, one of this theme's colours ('truth'), a model's name or '#RRGGBB', to '#RRGGBB'."""
        if role.startswith("#"):
            return role
        if LOOKS_LIKE.get(role, role) in dict(self.models):
            return self.model_color(role)
        if role in _ROLES:
            return str(getattr(self, role))
        return self.muted

    def color(self, role: str, alpha: int = 255) -> QColor:
        """Return the `QColor` of `role` (see `role`) with `alpha` of 0 to 255."""
        color = QColor(self.role(role))
        color.setAlpha(alpha)
        return color


_ROLES = frozenset(field.name for field in fields(Theme)) - {"name", "models"}

LIGHT = Theme(
    name="light",
    paper="#FAFAF8",
    panel="#FFFFFF",
    hover="#F0EFEB",
    line="#D6D5CF",
    faint="#ECEBE7",
    ink="#1D2026",
    muted="#666B73",
    accent="#4754C4",
    accent_hover="#3A46AE",
    on_accent="#FFFFFF",
    truth="#1B1D22",
    data="#9A9DA3",
    field="#B4B7BD",
    warning="#9A5B00",
    error="#B92D23",
    models=(
        ("baseline", "#D55E00"),
        ("hnn", "#0072B2"),
        ("second-order", "#E69F00"),
        ("separable-hnn", "#CC79A7"),
        ("dissipative-hnn", "#009E73"),
        ("conservative-hnn", "#8A3B12"),
        ("mixed-hnn", "#4A148C"),
    ),
)

DARK = Theme(
    name="dark",
    paper="#16181C",
    panel="#1F2227",
    hover="#292D34",
    line="#3A3F48",
    faint="#23262B",
    ink="#E6E7EA",
    muted="#979DA7",
    accent="#6370E3",
    accent_hover="#7683F0",
    on_accent="#FFFFFF",
    truth="#F2F3F5",
    data="#7F848D",
    field="#4C525C",
    warning="#E5A93B",
    error="#F47A70",
    models=(
        ("baseline", "#D55E00"),
        ("hnn", "#56B4E9"),
        ("second-order", "#E69F00"),
        ("separable-hnn", "#CC79A7"),
        ("dissipative-hnn", "#009E73"),
        ("conservative-hnn", "#D8C3A5"),
        ("mixed-hnn", "#A93FDB"),
    ),
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


def model_dash(model_name: str) -> Dash:
    """Return a model's dash pattern in pen widths; empty means solid."""
    return _DASHES.get(LOOKS_LIKE.get(model_name, model_name), (3.0, 3.0))


def set_current_theme(theme: Theme) -> None:
    """Make `theme` what `current_theme` returns, from now on; `app.style.apply` also dresses the window in it."""
    global _current
    _current = theme


def ui_font(base: QFont) -> QFont:
    """Return the system's own font at 10 pt (13 on macOS, whose points are smaller) with figures of equal width."""
    font = QFont(base)
    font.setPointSizeF(13.0 if sys.platform == "darwin" else 10.0)
    return tabular(font)


def tabular(font: QFont) -> QFont:
    """Return `font` with tabular figures, so that a running number does not tremble; needs Qt 6.7, else unchanged."""
    figures = QFont(font)
    if hasattr(figures, "setFeature"):
        figures.setFeature(QFont.Tag("tnum"), 1)
    return figures


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
