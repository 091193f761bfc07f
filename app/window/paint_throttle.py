"""Paints once a frame during a drag: the start and the rollouts that follow it are drawn together."""

import time

from PySide6.QtCore import QCoreApplication, QEvent, QObject
from PySide6.QtWidgets import QWidget

from app.lab import Lab

FRAME_SECONDS = 0.015


class PaintThrottle(QObject):
    """Holds a repaint of `window` back while a drag's rollouts are being computed, for a frame at most.

    Each move of the mouse asks for a repaint of the start, and each answer for one of the rollouts. Painted apart they
    would take the time of two, and the drag would lag behind by both. Once the answer is there it is painted next: left
    to Qt, a repaint comes after whatever else the mouse has done.
    """

    def __init__(self, window: QWidget, lab: Lab) -> None:
        super().__init__(window)
        self._window, self._lab = window, lab
        self._held = False
        self._painted = 0.0
        lab.taken_in.connect(self._on_taken_in)
        lab.frame_clock.frame.connect(self._release)

    def holds(self) -> bool:
        """Whether the repaint that is due should wait; it then comes by itself."""
        now = time.perf_counter()
        if self._lab.drag.active and self._lab.rollouts.worker.busy and now - self._painted < FRAME_SECONDS:
            self._held = True
            return True
        self._held, self._painted = False, now
        return False

    def _on_taken_in(self) -> None:
        if self._lab.drag.active:
            self._painted = 0.0
            self._held = False
            self._post()

    def _release(self) -> None:
        if self._held:
            self._held = False
            self._post()

    def _post(self) -> None:
        QCoreApplication.postEvent(self._window, QEvent(QEvent.Type.UpdateRequest))
