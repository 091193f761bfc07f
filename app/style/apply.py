"""Dresses the whole window in a theme."""

from PySide6.QtWidgets import QApplication

from app.style.stylesheet import stylesheet
from app.style.theme import Theme, current_theme, palette, set_current_theme, theme_signals, ui_font


def apply_text_size(app: QApplication, percent: int) -> None:
    """Write all of `app` at `percent` of the usual size; what is measured in type is laid out anew."""
    app.setFont(ui_font(app.font(), percent))
    app.setStyleSheet(app.styleSheet())  # what a style sheet has made bold takes the size up by this alone
    theme_signals.changed.emit(current_theme())


def apply_theme(app: QApplication, theme: Theme) -> None:
    """Dress `app` in `theme`: style, palette, type and style sheet; then tell `theme_signals.changed`."""
    set_current_theme(theme)
    if app.style().objectName().lower() != "fusion" and not app.styleSheet():
        app.setStyle("Fusion")
        app.setFont(ui_font(app.font()))
    app.setPalette(palette(theme))
    app.setStyleSheet(stylesheet(theme))
    theme_signals.changed.emit(theme)
