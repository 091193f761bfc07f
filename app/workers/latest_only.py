"""A thread for one kind of question: the newest question wins, and what nobody waits for any more is ended."""

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from PySide6.QtCore import QObject, Signal

from app.workers.thread_priority import give_way
from hnn_engine.errors import HnnLabError
from hnn_engine.progress import ProgressCallback


class Newest(QObject):
    """Answers questions by `work(question, tell)`, which tells the share that is done and may be ended by it.

    `answered(question, answer, problem)`: the answer, or None and a sentence. Work that never tells is not ended: its
    answer comes even if there is a newer question by then. `swift` work does not give way to the window.
    """

    answered = Signal(object, object, str)
    _done = Signal(object, object, str)

    def __init__(
        self, work: Callable[[Any, ProgressCallback], Any], parent: QObject | None = None, *, swift: bool = False
    ) -> None:
        super().__init__(parent)
        self.share = 0.0  # of the work under way
        self._work, self._swift = work, swift
        self._question: object = None  # the newest one, until it is answered
        self._asked, self._closing = threading.Condition(), False
        self._done.connect(self._on_done)
        self._thread = threading.Thread(target=self._run, name="newest", daemon=True)
        self._thread.start()

    @property
    def busy(self) -> bool:
        """Whether an answer is on its way."""
        return self._question is not None

    def ask(self, question: object) -> None:
        """Want the answer to `question` from now on; to None: want nothing."""
        with self._asked:
            self._question, self.share = question, 0.0
            self._asked.notify()

    def close(self) -> None:
        """End the thread, and wait until it has ended."""
        with self._asked:
            self._closing, self._question = True, None
            self._asked.notify()
        self._thread.join()

    def _on_done(self, question: object, answer: object, problem: str) -> None:
        if question is self._question:
            self._question = None
        if not self._closing:
            self.answered.emit(question, answer, problem)

    # In the thread ----------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        if not self._swift:
            give_way()
        done: object = None
        while (question := self._next(done)) is not None:
            done, answer, problem = question, None, ""
            try:
                answer = self._work(question, partial(self._tell, question))
            except _SupersededError:
                continue
            except HnnLabError as error:
                problem = str(error)
            except Exception as error:
                problem = f"This cannot be done: {error}"
            if not self._closing:
                self._done.emit(question, answer, problem)

    def _next(self, done: object) -> object:
        """Wait for a question other than the one that is done; None at the end."""
        with self._asked:
            self._asked.wait_for(lambda: self._closing or (self.busy and self._question is not done))
            return None if self._closing else self._question

    def _tell(self, question: object, share: float) -> None:
        if self._closing or self._question is not question:
            raise _SupersededError
        self.share = share


class _SupersededError(Exception):
    """The answer is wanted no more."""
