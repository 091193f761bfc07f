"""Writing a film: in a thread, with how long it still takes, and a button that ends it."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QProgressDialog, QWidget

from app.widgets.format import seconds_left
from hnn_engine.films import ComparedFilm
from hnn_engine.footage import write_film

LOOK = 0.05  # seconds between two looks at how far it is
LATE_MS = 400  # what takes longer shows its progress


class _EndedError(Exception):
    """The film is not wanted any more."""


class FilmWriter:
    """Writes `film` to `path`. `write()` returns whether it was written; it raises what `write_film` does."""

    def __init__(self, film: ComparedFilm, path: Path, parent: QWidget) -> None:
        self._film, self._path = film, path
        self._share, self._ended, self._began = 0.0, False, time.monotonic()
        self.dialog = QProgressDialog(f"Painting {path.name}", "Cancel", 0, 100, parent)
        self.dialog.setWindowTitle("Save a film")
        self.dialog.setWindowModality(Qt.WindowModality.NonModal)
        self.dialog.setMinimumDuration(LATE_MS)
        self.dialog.setMinimumWidth(360)
        self.dialog.setAutoClose(False)
        self.dialog.setAutoReset(False)
        self.dialog.canceled.connect(self._end)

    def _end(self) -> None:
        self._ended = True

    async def write(self, away: Callable[[Callable[[], None]], asyncio.Future[None]]) -> bool:
        """Write the film; `away` runs work in a thread. Meanwhile the window goes on."""
        work = away(self._write)
        try:
            while not work.done():
                self._show()
                await asyncio.wait([work], timeout=LOOK)
            await work
        except _EndedError:
            return False
        finally:
            self.dialog.close()
            self.dialog.deleteLater()
        return True

    def _show(self) -> None:
        took = time.monotonic() - self._began
        self.dialog.setValue(round(100 * self._share))
        left = f" · {seconds_left(took * (1 / self._share - 1))}" if self._share > 0 else ""
        self.dialog.setLabelText(f"Painting {self._path.name}{left}")

    def _write(self) -> None:
        write_film(self._path, self._film.pictures(), self._film.seconds, self._tell, self._film.count)

    def _tell(self, share: float) -> None:
        """Note how far it is; in the thread."""
        self._share = share
        if self._ended:
            raise _EndedError
