"""Notices in the window: where they stand, and dialogs for what fails in a thread."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMainWindow

from app.dialogs.error_dialog import ErrorDialog
from app.lab import Lab
from app.widgets.notice import NoticeBar

_GAP = 8  # pixels at the right end of the window
_LEAST = 200  # pixels of width


class Notices:
    """Shows what `lab` has to say in `bar`, beside the menus of `window`, where nothing else is."""

    def __init__(self, window: QMainWindow, bar: NoticeBar, lab: Lab) -> None:
        self._window, self._bar = window, bar
        self._failures: set[str] = set()  # that were shown
        self._complaint = ""
        bar.setParent(window)
        bar.hide()
        bar.reshaped.connect(self.lay)
        lab.noticed.connect(self._on_notice)
        lab.settled.connect(bar.settle)
        lab.failed.connect(self._on_failed)
        lab.frame_clock.frame.connect(bar.advance)

    def complain(self, text: str) -> None:
        """Say what went wrong with a file, until one is opened or saved."""
        self._complaint = text
        self._on_notice(text, True)

    def settle(self) -> None:
        """A file has been opened or saved: what went wrong with the one before is over."""
        self._bar.settle(self._complaint)

    def _on_notice(self, text: str, is_error: bool) -> None:
        (self._bar.show_error if is_error else self._bar.show_info)(text)
        self.lay()

    def lay(self) -> None:
        """Lay the notice beside the menus; opened by a click it hangs down from there."""
        window, menus, bar = self._window, self._window.menuBar(), self._bar
        ends = [menus.actionGeometry(action).right() for action in menus.actions()]
        left, row = max(ends, default=0) + 24, menus.geometry()
        if menus.isNativeMenuBar() or not row.height():  # the menus are elsewhere
            left, row = 24, window.statusBar().geometry()
        width = min(bar.wanted_width(), max(window.width() - left - _GAP, _LEAST))
        height = max(row.height(), bar.whole_height(width)) if bar.open else row.height()
        bar.setGeometry(window.width() - width - _GAP, min(row.top(), window.height() - height), width, height)
        bar.raise_()

    def _on_failed(self, text: str, details: str) -> None:
        """Show what failed in a thread, once for each place: a worker may fail at every move of the mouse."""
        frames = [line for line in details.splitlines() if line.lstrip().startswith("File ")]
        place = frames[-1] if frames else text
        if place in self._failures:
            return
        self._failures.add(place)
        dialog = ErrorDialog(text, details, self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()
