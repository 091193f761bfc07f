"""How the window looks: light or dark, the size of its type, over the whole screen or not."""

from PySide6.QtWidgets import QApplication

from app.model.settings import TEXT_SIZES, settings
from app.style.apply import apply_text_size, apply_theme
from app.style.theme import DARK, LIGHT, THEMES, Theme, current_theme

TEXT_STEP = 10  # percent


def _application() -> QApplication:
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    return application


def start_theme() -> Theme:
    """Return the theme of the last time, or what the system wears."""
    named = THEMES.get(settings().theme)
    if named is not None:
        return named
    from PySide6.QtCore import Qt

    return DARK if _application().styleHints().colorScheme() == Qt.ColorScheme.Dark else LIGHT


def switch_theme() -> None:
    """Light becomes dark and dark light, at once and everywhere."""
    theme = LIGHT if current_theme().dark else DARK
    settings().theme = theme.name
    apply_theme(_application(), theme)


def resize_text(steps: int) -> None:
    """Make the type of the window larger by so many steps, or smaller; 0 makes it as it was at first."""
    percent = settings().text_size + TEXT_STEP * steps if steps else 100
    settings().text_size = min(max(percent, TEXT_SIZES[0]), TEXT_SIZES[1])
    apply_text_size(_application(), settings().text_size)
