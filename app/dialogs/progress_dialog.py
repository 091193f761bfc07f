"""Work in a thread, with how long it still takes, and a button that ends it."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from app.widgets.text import plain, progress_dialog
from hnn_engine.number_format import seconds_left
from hnn_engine.progress import ProgressCallback

LOOK = 0.05  # seconds between two looks at how far it is
LATE_MS = 400  # what takes longer shows its progress

Result = TypeVar("Result")


class EndedError(Exception):
    """The work is not wanted any more."""


class ProgressDialog(Generic[Result]):
    """Does `work`, which tells the share that is done; `label` says what it does. `run()` returns what comes of it and
    raises what it raises, `EndedError` where the button was pressed."""

    def __init__(self, work: Callable[[ProgressCallback], Result], title: str, label: str, parent: QWidget) -> None:
        self._work, self._label = work, label
        self._share, self._ended, self._began = 0.0, False, time.monotonic()
        self.dialog = progress_dialog(parent, label, title)
        self.dialog.setWindowModality(Qt.WindowModality.NonModal)
        self.dialog.setMinimumDuration(LATE_MS)
        self.dialog.setMinimumWidth(360)
        self.dialog.setAutoClose(False)
        self.dialog.setAutoReset(False)
        self.dialog.canceled.connect(self._end)

    def _end(self) -> None:
        self._ended = True

    async def run(self, away: Callable[[Callable[[], Any]], "asyncio.Future[Any]"]) -> Result:
        """Do the work; `away` runs it in a thread. Meanwhile the window stays responsive."""
        work = away(lambda: self._work(self._tell))
        try:
            while not work.done():
                self._show()
                await asyncio.wait([work], timeout=LOOK)
            result: Result = await work
        finally:
            self._ended = True  # where this is ended while the work goes on, that ends too
            self.dialog.close()
            self.dialog.deleteLater()
        return result

    def _show(self) -> None:
        took = time.monotonic() - self._began
        self.dialog.setValue(round(100 * self._share))
        left = f" · {seconds_left(took * (1 / self._share - 1))}" if self._share > 0 else ""
        self.dialog.setLabelText(plain(self._label + left))

    def _tell(self, share: float) -> None:
        """Note how far it is; in the thread."""
        self._share = share
        if self._ended:
            raise EndedError
