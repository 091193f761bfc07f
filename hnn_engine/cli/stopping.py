"""Signals on the command line: Ctrl-C, a shutdown, a closed terminal. A fit ends with what it has reached, and the
program with 128 and the signal's number."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any, Protocol

from hnn_engine.signals import heeded, passed_on

_RAISE, _STOP, _HOLD = range(3)


class Terminated(KeyboardInterrupt):
    """A signal other than Ctrl-C that ends the command as Ctrl-C does."""

    def __init__(self, number: int) -> None:
        """Note the `number` of the signal."""
        super().__init__()
        self.number = number


def exit_code(stop: KeyboardInterrupt) -> int:
    """Return the exit code of a command that `stop` has ended: 128 and the signal's number, 130 on Ctrl-C."""
    return 128 + (stop.number if isinstance(stop, Terminated) else signal.SIGINT)


class Stoppable(Protocol):
    """What can be asked to end: a fit, or a race of some."""

    def stop(self) -> None:
        """Ask it to end with what it has reached."""


class Interrupts:
    """While it stands, a signal raises `KeyboardInterrupt` or `Terminated`, except where `stopping` or `holding`."""

    def __init__(self) -> None:
        """Change nothing yet: signals are heard within the block alone."""
        self.asked = 0  # the number of the last signal
        self._mode, self._work, self._at = _RAISE, None, 0.0  # type: tuple[int, Stoppable | None, float]
        self._before: dict[int, Any] = {}
        self._terminals: list[int] = []

    def __enter__(self) -> "Interrupts":
        """Hear the signals that end a program, where this is the main thread; no other may."""
        if threading.current_thread() is threading.main_thread():  # no other may
            self._terminals = [file for file in (1, 2) if os.isatty(file)]
            self._before = {number: signal.signal(number, self._hear) for number in heeded()}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Put back the handlers that were there before."""
        for number, before in self._before.items():
            signal.signal(number, before)

    @property
    def code(self) -> int:
        """The exit code: 128 and the signal's number, 0 where no signal came."""
        return 128 + self.asked if self.asked else 0

    @property
    def hurried(self) -> bool:
        """Whether the program must end soon, as at a shutdown; at Ctrl-C the user waits."""
        return self.asked not in (0, signal.SIGINT)

    @contextmanager
    def stopping(self, work: Stoppable) -> Iterator[None]:
        """Here the first signal stops `work`, and the next one ends the program at once."""
        with self._as(_STOP):
            self._work = work
            if self.asked:  # while it was made
                work.stop()
            yield

    @contextmanager
    def holding(self) -> Iterator[None]:
        """Here signals wait: what is done takes a moment, and must not be cut off."""
        with self._as(_HOLD):
            yield

    @contextmanager
    def cutting(self) -> Iterator[None]:
        """Here, inside `stopping` or `holding`, a signal raises `KeyboardInterrupt` or `Terminated` again."""
        with self._as(_RAISE):
            yield

    @contextmanager
    def _as(self, mode: int) -> Iterator[None]:
        before, self._mode = self._mode, mode
        try:
            yield
        finally:
            self._mode = before

    def end_if_asked(self) -> None:
        """Raise `KeyboardInterrupt` or `Terminated` for a signal that has waited."""
        if self.asked:
            self._raise(self.asked)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        if number != signal.SIGINT:
            self._silence()
        first, now = not self.asked, time.monotonic()
        again = not first and passed_on(number, now - self._at)
        self.asked, self._at = number, now if first else self._at
        if self._mode == _RAISE or (self._mode == _STOP and not first and not again):
            self._raise(number)
        if self._mode == _STOP and first and self._work is not None:
            self._work.stop()

    def _raise(self, number: int) -> None:
        raise KeyboardInterrupt if number == signal.SIGINT else Terminated(number)

    def _silence(self) -> None:
        """Write no more to a terminal that has been closed: each word would be an error."""
        for file in self._terminals:
            if not os.isatty(file):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, file)
                os.close(nowhere)
