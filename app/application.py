"""Opens the window and runs the event loop until it is closed."""

import asyncio
import gc
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer

import app.style.override_guard  # noqa: F401 (before any class is made of Qt's)
from app.dialogs.error_dialog import ErrorReporter, install_excepthook
from app.lab import Lab
from app.window.main_window import MainWindow
from app.window.qt_application import make_application as make_application
from app.window.session_actions import HOME_SYSTEM
from app.window.shutdown import ShutdownSignals
from app.workers.event_loop import event_loop
from hnn_engine.experiment import new_experiment
from hnn_engine.progress import ProgressCallback

if TYPE_CHECKING:  # it loads what writes films
    from app.model.film_order import Order

PRELOAD_MS = 1200  # after the first paint: by then the window has drawn its first rollouts
RACE_SECONDS = 5.0  # that a race is given to end with what its lanes have reached
SWITCH_SECONDS = 0.002  # how long a worker may keep the interpreter from the window, and the window from a worker


def run(target: Path | str | None) -> int:
    """Open the window, on what is at a path or what a link stands for, if one is named, and return the exit code."""
    application = make_application(sys.argv[:1])
    application.setQuitOnLastWindowClosed(False)
    gc.disable()  # until the window stands; then it collects by itself, in this thread alone
    sys.setswitchinterval(SWITCH_SECONDS)
    shutdown = ShutdownSignals(application)
    try:
        with asyncio.Runner(loop_factory=lambda: event_loop(application)) as runner:
            return runner.run(_main(target, shutdown))
    except RuntimeError:
        if not shutdown.committed:  # else Qt has ended the loop itself, at the end of the desktop session
            raise
        return shutdown.code
    finally:
        shutdown.close()


async def _main(target: Path | str | None, shutdown: ShutdownSignals) -> int:
    window = open_window(whole=False)
    window.restore_layout()
    window.show()
    shutdown.watch(window)
    window.spawn(_furnish(window, target))
    await window.closed.wait()
    await close_window(window, keep=shutdown.asked)
    return shutdown.code


async def _furnish(window: MainWindow, target: Path | str | None) -> None:
    """Make the plots and open what is named; after both offer what the last window has left unsaved."""
    opening = window.session_actions.open_target(target) if target is not None else asyncio.sleep(0)
    await asyncio.gather(window.furnish_in_turn(), opening)
    await window.session_actions.offer_unsaved()


def open_window(whole: bool = True) -> MainWindow:
    """Return a ticking window on the pendulum, `whole` with its plots. Needs a running event loop."""
    lab = Lab(new_experiment(HOME_SYSTEM))
    window = MainWindow(lab)
    window.session_actions.film_writer = _film
    reporter = install_excepthook(window)
    asyncio.get_running_loop().set_exception_handler(lambda _, context: _report(reporter, context))
    if whole:
        window.furnish()
    lab.start()
    timer = QTimer(window)  # owned by the window: one that closes early takes it along
    timer.setSingleShot(True)
    timer.timeout.connect(partial(_on_shown, lab))
    timer.start(PRELOAD_MS)
    return window


def _film(order: "Order", tell: ProgressCallback) -> None:
    """Have a film made by a process, which is loaded with the first one."""
    from app.export.film_process import film_in_process

    film_in_process(order, tell)


def _on_shown(lab: Lab) -> None:
    """The window stands: collect garbage from now on, and load the rest."""
    gc.freeze()
    lab.frame_clock.text.connect(Collector(lab).collect)
    lab.preload.start()


class Collector(QObject):
    """Collects garbage in the window's thread alone, a little at a time: elsewhere it could end a Qt object's life in
    the wrong thread, and all at once it would cost frames."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        gc.disable()
        self._ticks = 0

    def collect(self) -> None:
        """Collect the youngest objects at every tick, the older ones now and then."""
        self._ticks += 1
        gc.collect(2 if self._ticks % 240 == 0 else 1 if self._ticks % 40 == 0 else 0)


def _report(reporter: ErrorReporter, context: dict[str, Any]) -> None:
    error = context.get("exception")
    reporter.report(error if isinstance(error, BaseException) else RuntimeError(str(context.get("message"))))


async def close_window(window: MainWindow, remember: bool = True, keep: bool = False) -> None:
    """Stop every thread and let the window go; `keep` what is unsaved, and what a fit has reached, for the next one."""
    if remember:
        window.remember()
    if keep:
        window.journal.write()  # what there is, before anything is waited for
    else:
        window.journal.end(keep=False)
    await window.cancel_tasks()
    window.hide()
    loop = asyncio.get_running_loop()
    lab = window.lab
    lab.frame_clock.stop()
    lab.training.worker.stop()
    lab.evaluation.stop()
    await loop.run_in_executor(None, lab.training.worker.join, 10.0)
    lab.close()
    if keep:
        window.end_race(RACE_SECONDS)
        window.journal.end(keep=True)
    await loop.run_in_executor(None, window.journal.finish)
    window.close_race()
    window.close_files()
    window.allow_close = True
    window.close()
    window.deleteLater()
