"""The one timer of the window: a tick for every frame, and a slow tick for text."""

import time
from collections import deque

from PySide6.QtCore import QObject, Qt, QTimer, Signal

FRAME_MS = 16
TEXT_SECONDS = 0.25
KEPT = 1200  # frames whose times are remembered, twenty seconds


class FrameClock(QObject):
    """Emits `frame(seconds since the last)` about sixty times a second, and `text()` four times a second.

    `painted()` follows each frame once it is on the screen, and so does `text()`: what takes its time and can wait
    belongs there, where it makes no frame late.
    """

    frame = Signal(float)
    painted = Signal()
    text = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.stamps: deque[float] = deque(maxlen=KEPT)
        self._last = self._last_text = time.perf_counter()
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)

    def start(self) -> None:
        """Begin to tick."""
        self._last = time.perf_counter()
        self._timer.start(FRAME_MS)

    def stop(self) -> None:
        """Tick no more."""
        self._timer.stop()

    def fps(self) -> float:
        """Return the frames per second over the last second or so."""
        recent = list(self.stamps)[-60:]
        return (len(recent) - 1) / (recent[-1] - recent[0]) if len(recent) > 1 else 0.0

    def _tick(self) -> None:
        now = time.perf_counter()
        elapsed, self._last = now - self._last, now
        self.stamps.append(now)
        self.frame.emit(elapsed)
        QTimer.singleShot(0, self, self._after)  # Qt paints first

    def _after(self) -> None:
        self.painted.emit()
        now = time.perf_counter()
        if now - self._last_text >= TEXT_SECONDS:
            self._last_text = now
            self.text.emit()
