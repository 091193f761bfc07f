"""What ends the window from outside: signals, and the end of the desktop session. Nobody is asked, and unsaved work
goes to the journal."""

import os
import signal
import socket
import time
from contextlib import suppress
from types import FrameType
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QSocketNotifier, Qt
from PySide6.QtGui import QGuiApplication, QSessionManager

from hnn_engine.signals import heeded, passed_on

if TYPE_CHECKING:
    from app.window.main_window import MainWindow

COMMIT_SECONDS = 3.0  # that the desktop waits at the end of a session, for the fit and then for the journal


class ShutdownSignals(QObject):
    """Hears from outside that the program is to end, from now on; `watch` says which window that closes.

    The first signal closes it, and the next one ends the process at once.
    """

    def __init__(self, application: QGuiApplication) -> None:
        super().__init__()
        self.asked, self.code = False, 0
        self.committed = False  # Qt may stop the event loop now
        self._at = 0.0
        self._window: MainWindow | None = None
        # A Python handler runs when the interpreter has control next; a byte in a socket gives it control.
        self._ours, theirs = socket.socketpair()
        self._ours.setblocking(False)
        theirs.setblocking(False)
        self._theirs = theirs
        self._wakes_before = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
        self._before: dict[int, Any] = {number: signal.signal(number, self._hear) for number in heeded()}
        self._notifier = QSocketNotifier(self._ours.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._on_signal)
        application.commitDataRequest.connect(self.commit, Qt.ConnectionType.DirectConnection)

    def watch(self, window: "MainWindow") -> None:
        """Close `window` when the program is to end."""
        self._window = window
        self._act()

    def close(self) -> None:
        """Hear nothing more."""
        self._notifier.setEnabled(False)
        for number, before in self._before.items():
            signal.signal(number, before)
        signal.set_wakeup_fd(self._wakes_before)
        self._ours.close()
        self._theirs.close()

    def _hear(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if not self.asked:
            self.asked, self.code, self._at = True, 128 + number, now
        elif not passed_on(number, now - self._at):
            os._exit(128 + number)

    def _on_signal(self) -> None:
        with suppress(OSError):
            self._ours.recv(64)
        self._act()

    def _act(self) -> None:
        if self.asked and self._window is not None:
            self._window.closed.set()

    def commit(self, manager: QSessionManager) -> None:
        """The desktop session ends, and may end the process once this returns."""
        manager.setRestartHint(QSessionManager.RestartHint.RestartNever)
        self.committed = True
        if not self.asked:
            self.asked, self._at = True, time.monotonic()  # a SIGTERM that follows is of the same end
        if self._window is not None:
            lab, journal = self._window.lab, self._window.journal
            lab.training.worker.stop()
            lab.training.worker.join(COMMIT_SECONDS)
            lab.training.drain()
            self._window.end_race(COMMIT_SECONDS)
            journal.write()
            journal.wait(COMMIT_SECONDS)
        self._act()
