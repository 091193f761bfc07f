"""The test stand: the real window in its real event loop, 1920×1080, with its completed repaints counted.

Nothing of the user's is touched: the window's settings live in a temporary folder.
"""

import asyncio
import sys
import tempfile
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from PySide6.QtCore import QEvent, QObject, QSettings
from PySide6.QtGui import QGuiApplication

import app.application
import app.model.settings
from app.lab import Lab
from app.window.main_window import MainWindow
from app.workers.event_loop import event_loop
from benchmarks.figures import BenchmarkError

SIZE = (1920, 1080)
KEPT_PAINTS = 2000  # some thirty seconds: a watch of minutes must not count its own notes
READY_SECONDS = 180.0  # libraries may have to be compiled the first time
T = TypeVar("T")


@dataclass(frozen=True)
class Paint:
    """One completed repaint of the whole window."""

    began: float  # perf_counter
    done: float
    time: float  # the instant of the transport that it shows
    answered: bool  # whether there were rollouts to show
    cpu: float  # thread_time of the window's thread, which other programs on the machine do not lengthen


class PaintWatch(QObject):
    """Notes every repaint of the window that painted the scene, which moves in each frame."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self.paints: deque[Paint] = deque(maxlen=KEPT_PAINTS)
        self.on_paint: Callable[[Paint], None] = lambda paint: None
        self._lab = window.lab
        self._scene_painted = False
        window.scene.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint:
            self._scene_painted = True
        return False

    def completed(self, began: float) -> None:
        """The window has painted what was due and handed it to the screen."""
        if not self._scene_painted:
            return
        self._scene_painted = False
        lab = self._lab
        paint = Paint(began, time.perf_counter(), lab.playback.time, lab.answer is not None, time.thread_time())
        self.paints.append(paint)
        self.on_paint(paint)


class WatchedWindow(MainWindow):
    """The real window; it only tells its watch when a repaint is complete."""

    watch: PaintWatch | None = None

    def __init__(self, lab: Lab) -> None:
        super().__init__(lab)
        self.watch = PaintWatch(self)

    def event(self, event: QEvent) -> bool:
        if event.type() != QEvent.Type.UpdateRequest or self.watch is None:
            return super().event(event)
        began = time.perf_counter()
        handled = super().event(event)
        self.watch.completed(began)
        return handled


def private_settings(folder: Path) -> None:
    """Let the program keep its settings in `folder`. Call it before the window is built."""
    file = str(folder / "settings.ini")
    vars(app.model.settings)["QSettings"] = lambda *_: QSettings(file, QSettings.Format.IniFormat)
    app.model.settings.settings.cache_clear()


def watched() -> None:
    """Let `app.application.open_window` build the watched window."""
    vars(app.application)["MainWindow"] = WatchedWindow


def in_window(scenario: Callable[[WatchedWindow], Awaitable[T]], warm: bool = True) -> T:
    """Open the window as the program does, run `scenario` in its loop, `warm`: once everything is, and close it."""
    with tempfile.TemporaryDirectory(prefix="hnn-lab-") as folder:
        private_settings(Path(folder))
        watched()
        application = app.application.make_application(["hnn-lab"])
        application.setQuitOnLastWindowClosed(False)
        sys.setswitchinterval(app.application.SWITCH_SECONDS)
        with asyncio.Runner(loop_factory=lambda: event_loop(application)) as runner:
            return runner.run(_played(scenario, warm))


async def _played(scenario: Callable[[WatchedWindow], Awaitable[T]], warm: bool) -> T:
    window = app.application.open_window()
    assert isinstance(window, WatchedWindow)
    show(window)
    try:
        if warm:
            await ready(window)
        return await scenario(window)
    finally:
        await app.application.close_window(window, remember=False)


def show(window: MainWindow) -> None:
    """Show the window in its full size, all panels as they are at first."""
    window.resize(*SIZE)
    window.share_room()
    window.show()


async def ready(window: MainWindow) -> None:
    """Wait until libraries, data and rollouts are there and nothing is computed any more."""
    lab = window.lab
    await until(
        lambda: (
            lab.preloaded and lab.answer is not None and not lab.dataset_worker.pending and not lab.rollouts.worker.busy
        ),
        "the window was not ready",
    )
    await asyncio.sleep(0.5)


async def until(reached: Callable[[], bool], otherwise: str, seconds: float = READY_SECONDS) -> None:
    """Wait until `reached`; raise `BenchmarkError` where that takes too long."""
    end = time.monotonic() + seconds
    while not reached():
        if time.monotonic() > end:
            raise BenchmarkError(f"{otherwise} within {seconds:g} s")
        await asyncio.sleep(0.05)


def platform_name() -> str:
    """Return what Qt draws on: 'xcb', 'offscreen' …"""
    return QGuiApplication.platformName()


def shown_panels(window: MainWindow) -> list[str]:
    """Return the panels that can be seen."""
    return [name for name, dock in window.docks.items() if dock.isVisible()]
