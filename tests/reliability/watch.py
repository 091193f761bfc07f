"""Who watches the random hand: how long the window stands still, what Qt says, and what memory is held."""

import gc
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import psutil
from PySide6.QtCore import QMessageLogContext, QObject, Qt, QTimer, QtMsgType, qInstallMessageHandler
from PySide6.QtGui import QPixmapCache

from app.workers.malloc_trim import give_back
from hnn_engine.datasets import Dataset
from hnn_engine.records import Run
from tests.app.bench import Bench

BEAT_MS = 20
WORTH_TELLING = 0.5  # s without a beat
LOOK = 0.1  # s between two looks of the thread
OF_THE_PLATFORM = (  # what the platform without a display cannot do, and what Qt says of that
    "This plugin does not support",
    "QFont::",
    "qt.qpa",
)

THAT_WAIT = ("threading.py", "connection.py", "selectors.py", "subprocess.py", "thread.py", "queue.py", "atomic.py")


@dataclass(frozen=True)
class Stall:
    """The window's thread did not come back to its loop for `seconds`, in which it computed for `busy` of them."""

    seconds: float
    busy: float
    during: str  # what the hand did
    stack: str  # where the thread was, where that was seen

    @property
    def waits(self) -> bool:
        """Whether the thread stood in a call that waits for another thread, a process or a disk."""
        places = [line for line in self.stack.splitlines() if line.lstrip().startswith("File ")]
        return any(name in place for place in places[-1:] for name in THAT_WAIT)

    def __str__(self) -> str:
        return f"{self.seconds:.2f} s ({self.busy:.2f} s of computing) during {self.during}\n{self.stack}"


class Heartbeat(QObject):
    """Notes how far apart its beats are; a thread looks where the window's thread stands when one is late."""

    def __init__(self, doing: Callable[[], str]) -> None:
        super().__init__()
        self.stalls: list[Stall] = []
        self._doing, self._main = doing, threading.get_ident()
        self._wall, self._busy = time.perf_counter(), time.thread_time()
        self._resting, self._stack, self._closed = False, "", threading.Event()
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._beat)
        self._timer.start(BEAT_MS)
        self._thread = threading.Thread(target=self._look, name="heartbeat", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Beat no more."""
        self._timer.stop()
        self._closed.set()
        self._thread.join()

    @contextmanager
    def rest(self) -> Iterator[None]:
        """Leave out what the test itself does meanwhile."""
        self._resting = True
        try:
            yield
        finally:
            self._resting = False
            self._wall, self._busy = time.perf_counter(), time.thread_time()

    def worst(self, count: int = 5) -> list[Stall]:
        """The longest stalls, the longest first."""
        return sorted(self.stalls, key=lambda stall: -stall.seconds)[:count]

    def _beat(self) -> None:
        wall, busy = time.perf_counter(), time.thread_time()
        if wall - self._wall > WORTH_TELLING and not self._resting:
            self.stalls.append(Stall(wall - self._wall, busy - self._busy, self._doing(), self._stack))
        self._wall, self._busy, self._stack = wall, busy, ""

    def _look(self) -> None:
        while not self._closed.wait(LOOK):
            if time.perf_counter() - self._wall > WORTH_TELLING and not self._resting and not self._stack:
                frame = sys._current_frames().get(self._main)
                self._stack = "".join(traceback.format_stack(frame)[-8:])


class QtSays:
    """Gathers the warnings of Qt while it listens."""

    def __init__(self) -> None:
        self.warnings: deque[str] = deque(maxlen=200)
        self._before = qInstallMessageHandler(self._take)

    def close(self) -> None:
        """Listen no more."""
        qInstallMessageHandler(self._before)

    def _take(self, kind: QtMsgType, _: QMessageLogContext, text: str) -> None:
        harmless = kind in (QtMsgType.QtDebugMsg, QtMsgType.QtInfoMsg)
        if not harmless and not any(part in text for part in OF_THE_PLATFORM):
            self.warnings.append(f"{kind.name}: {text}")


# Memory ---------------------------------------------------------------------------------------------------------------


def megabytes() -> float:
    """Resident memory of this process."""
    return float(psutil.Process().memory_info().rss) / 1e6


def array_bytes(thing: object) -> int:
    """The bytes of the arrays in a dictionary or in the fields of an object."""
    values = thing.values() if isinstance(thing, dict) else vars(thing).values()
    return sum(v.nbytes for v in values if isinstance(v, np.ndarray))


def run_bytes(run: Run) -> int:
    """The bytes of what is kept of a run: its weights, those of its eye, and its losses."""
    autoencoder = run.snapshot.autoencoder
    seen = array_bytes(autoencoder.weights) if autoencoder is not None else 0
    return array_bytes(run.snapshot.weights) + seen + array_bytes(run.history)


def data_bytes(data: Dataset | None) -> int:
    """The bytes of the training data on screen, frames included."""
    if data is None:
        return 0
    return array_bytes(data) + (array_bytes(data.frame_pairs) if data.frame_pairs is not None else 0)


async def held(bench: Bench) -> float:
    """Memory between two jobs, MB, but for the runs and the data on screen."""
    bench.lab.training.stop()
    await bench.ended()
    await bench.until(lambda: not bench.lab.dataset_worker.pending, "the data on screen", 60.0)
    kept = sum(run_bytes(run) for run in bench.document.state.runs) + data_bytes(bench.lab.dataset)
    QPixmapCache.clear()  # pictures that are kept on purpose, up to a limit
    gc.collect()
    give_back()
    return megabytes() - kept / 1e6


# Answers --------------------------------------------------------------------------------------------------------------


async def still_answers(bench: Bench) -> float:
    """See that a click changes something within 2 s, counted in looks; return how long it took."""
    window, began = bench.window, time.perf_counter()
    name = "mass-spring" if bench.experiment.source_name == "pendulum" else "pendulum"
    before = bench.lab.playback.playing
    bench.click(window.playback_bar.play)
    await bench.until(lambda: bench.lab.playback.playing != before, "play or pause", 2.0)
    bench.click(window.system.cards.card(name))
    await bench.until(lambda: bench.lab.answer is not None and bench.experiment.source_name == name, "an answer", 2.0)
    return time.perf_counter() - began
