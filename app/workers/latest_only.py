"""The newest request wins: a thread that does one request after the other, and of those that wait only the newest."""

import logging
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, Generic, TypeVar

from PySide6.QtCore import QObject, Signal

from app.workers.thread_priority import give_way
from hnn_engine.errors import HnnLabError
from hnn_engine.progress import ProgressCallback

_log = logging.getLogger(__name__)
Request = TypeVar("Request")


class LatestOnly(Generic[Request]):
    """Does `work(request)` in a thread of its own, which begins with the first request; `work` raises nothing.

    A request that waits is replaced by a newer one. Whether the one under way ends early is up to `work`, which can
    look at `waiting` and `closing`. The thread gives way to the window's unless `gives_way` is False.
    """

    def __init__(self, work: Callable[[Request], None], name: str, *, gives_way: bool = True) -> None:
        self.closing = False
        self.waiting: Request | None = None  # not begun yet
        self._work, self._name, self._gives_way = work, name, gives_way
        self._working = False
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    @property
    def busy(self) -> bool:
        """Whether a request waits or is being done."""
        return self._working or self.waiting is not None

    def ask(self, request: Request | None) -> None:
        """Do `request` next, in place of any that waits; None leaves nothing waiting."""
        with self._changed:
            if self.closing:
                return
            self.waiting = request
            if self._thread is None and request is not None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
            self._changed.notify()

    def close(self, seconds: float | None = None) -> bool:
        """End the thread, and wait for it at most `seconds`; return whether it has ended."""
        with self._changed:
            self.closing, self.waiting = True, None
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(seconds)
        return self._thread is None or not self._thread.is_alive()

    def _run(self) -> None:
        if self._gives_way:
            give_way()
        while (request := self._next()) is not None:
            self._work(request)

    def _next(self) -> Request | None:
        """Wait for a request; None at the end."""
        with self._changed:
            self._working = False
            self._changed.wait_for(lambda: self.closing or self.waiting is not None)
            request = self.waiting
            self._working = request is not None  # first: `busy` is asked without the lock
            self.waiting = None
            return request


class LatestAnswer(QObject):
    """Answers questions by `work(question, progress)`, the newest alone: `progress` raises where there is a newer one.

    `answered(question, answer, problem)`: the answer, or None and a sentence. Work that tells no progress is not ended:
    its answer comes even if there is a newer question by then. `complaint` begins what is said of unforeseen errors.
    """

    answered = Signal(object, object, str)
    _done = Signal(object, object, str)

    def __init__(
        self,
        work: Callable[[Any, ProgressCallback], Any],
        parent: QObject | None = None,
        *,
        name: str = "latest",
        gives_way: bool = True,
        complaint: str = "This cannot be done",
    ) -> None:
        super().__init__(parent)
        self.share = 0.0  # of the work under way
        self._work, self._complaint = work, complaint
        self._question: object = None  # the newest one, until it is answered
        self._worker: LatestOnly[object] = LatestOnly(self._answer, name, gives_way=gives_way)
        self._done.connect(self._on_done)

    @property
    def busy(self) -> bool:
        """Whether an answer is on its way."""
        return self._question is not None

    def ask(self, question: object) -> None:
        """Want the answer to `question` from now on; to None: want nothing."""
        self._question, self.share = question, 0.0
        self._worker.ask(question)

    def close(self, seconds: float | None = None) -> bool:
        """End the thread, and wait for it at most `seconds`; return whether it has ended."""
        self._question = None
        return self._worker.close(seconds)

    def _on_done(self, question: object, answer: object, problem: str) -> None:
        if question is self._question:
            self._question = None
        if not self._worker.closing:
            self.answered.emit(question, answer, problem)

    # In the thread ----------------------------------------------------------------------------------------------------

    def _answer(self, question: object) -> None:
        answer, problem = None, ""
        try:
            answer = self._work(question, partial(self._progress, question))
        except _SupersededError:
            return
        except HnnLabError as error:
            problem = str(error)
        except Exception as error:
            _log.exception(self._complaint)
            problem = f"{self._complaint}: {error}"
        if not self._worker.closing:
            self._done.emit(question, answer, problem)

    def _progress(self, question: object, share: float) -> None:
        if self._worker.closing or self._question is not question:
            raise _SupersededError
        self.share = share


class _SupersededError(Exception):
    """The answer is wanted no more."""
