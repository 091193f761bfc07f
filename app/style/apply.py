"""Dresses the whole window in a theme."""

from PySide6.QtWidgets import QApplication

from app.style.stylesheet import stylesheet
from app.style.theme import Theme, palette, set_current_theme, theme_signals, ui_font


def apply_theme(app: QApplication, theme: Theme) -> None:
    """Dress `app` in `theme`: style, palette, type and style sheet; then tell `theme_signals.changed`."""
    set_current_theme(theme)
    if app.style().objectName().lower() != "fusion" and not app.styleSheet():
        app.setStyle("Fusion")
        app.setFont(ui_font(app.font()))
    app.setPalette(palette(theme))
    app.setStyleSheet(stylesheet(theme))
    theme_signals.changed.emit(theme)
