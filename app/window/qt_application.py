"""The application of Qt's, dressed as the program is."""

from PySide6.QtGui import QPixmapCache
from PySide6.QtWidgets import QApplication

import app.style.override_guard  # noqa: F401 (before any class is made of Qt's)
from app.model.settings import settings
from app.style.apply import apply_text_size, apply_theme
from app.style.icons import logo
from app.window.appearance import start_theme
from app.workers.malloc_trim import share_one_heap

PICTURE_CACHE_KB = 96 * 1024  # fields, contours and data dots of the portrait are kept as pictures, on a 4K screen too


def make_application(arguments: list[str], plain: bool = False) -> QApplication:
    """Return the dressed application; `plain`: in the usual theme and size of type, whatever the user's are."""
    share_one_heap()
    application = QApplication.instance() or QApplication(arguments)
    assert isinstance(application, QApplication)
    application.setApplicationName("hnn-lab")
    application.setApplicationDisplayName("HNN Lab")
    application.setDesktopFileName("hnn-lab")  # by which a desktop finds the icon
    application.setWindowIcon(logo())
    QPixmapCache.setCacheLimit(PICTURE_CACHE_KB)
    apply_theme(application, start_theme())
    if settings().text_size != 100 and not plain:
        apply_text_size(application, settings().text_size)
    return application
