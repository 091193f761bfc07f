"""A hand on the mouse: real mouse events, posted sixty times a second by a clock of their own, as a display does."""

import math
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from PySide6.QtCore import QCoreApplication, QEvent, QObject, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QWidget

RATE = 60.0  # events a second
Start = tuple[float, ...]


@dataclass
class Move:
    """One mouse move: when it was posted, the start that it led to, and when that was on screen."""

    posted: float
    start: Start | None = None
    shown: float | None = None  # the rollouts from just this start were painted
    overtaken: float | None = None  # those from this start or a later one were painted


@dataclass
class Stroke:
    """One gesture: press, moves, release."""

    moves: list[Move] = field(default_factory=list)
    released: float | None = None
    settled: float | None = None  # the full horizon from the last start was painted


def circle(radius: float, turns_per_second: float) -> Iterator[QPointF]:
    """Yield the way from the first point, in pixels, one an event, for ever round."""
    step = 0
    while True:
        angle = 2 * math.pi * turns_per_second * step / RATE
        yield QPointF(radius * (math.cos(angle) - 1.0), radius * math.sin(angle))
        step += 1


class Hand(QObject):
    """Presses on `widget`, moves and lets go. `stroke` tells what became of it; moves are counted as they arrive."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self._widget = widget
        self.stroke = Stroke()
        self.arrived = 0  # moves that the window has taken from its queue
        self._thread: threading.Thread | None = None
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        self.arrived += event.type() == QEvent.Type.MouseMove
        return False

    def begin(self, at: QPointF, way: list[QPointF]) -> None:
        """Press at `at` and follow `way`, offsets from there; a thread posts the events at their times."""
        left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
        self.stroke, self.arrived = Stroke(), 0
        QCoreApplication.sendEvent(self._widget, self._event(QEvent.Type.MouseButtonPress, at, left, left))
        moves = [self._event(QEvent.Type.MouseMove, at + offset, none, left) for offset in way]
        release = self._event(QEvent.Type.MouseButtonRelease, at + way[-1], left, none)
        self._thread = threading.Thread(target=self._post, args=(moves, release, self.stroke), name="hand", daemon=True)
        self._thread.start()

    def _event(self, kind: QEvent.Type, at: QPointF, button: Qt.MouseButton, held: Qt.MouseButton) -> QMouseEvent:
        everywhere = QPointF(self._widget.mapToGlobal(at))
        return QMouseEvent(kind, at, everywhere, button, held, Qt.KeyboardModifier.NoModifier)

    def _post(self, moves: list[QMouseEvent], release: QMouseEvent, stroke: Stroke) -> None:
        began = time.perf_counter()
        for number, event in enumerate(moves, start=1):
            time.sleep(max(0.0, began + number / RATE - time.perf_counter()))
            stroke.moves.append(Move(time.perf_counter()))
            QCoreApplication.postEvent(self._widget, event)
        time.sleep(1 / RATE)
        stroke.released = time.perf_counter()
        QCoreApplication.postEvent(self._widget, release)
