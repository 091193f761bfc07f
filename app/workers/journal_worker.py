"""The window's journal: what is not saved is kept in the user's data folder, in a thread of its own."""

import asyncio
import logging
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as LateError
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from PySide6.QtCore import QObject, QTimer, Signal

from app.model.document import Document, State
from hnn_engine.errors import HnnLabError

if TYPE_CHECKING:  # with records: nothing that the first paint waits for
    from hnn_engine.journal import Claim, Entry, Writer, Written
    from hnn_engine.records import Run

Result = TypeVar("Result")
_log = logging.getLogger(__name__)
EVERY = 30.0  # s after which a change is kept; a fit that ends is kept at once


@dataclass(frozen=True, eq=False)
class _Request:
    """What is to be in the journal: a state with its view and path, or nothing. What it was taken from may go then."""

    state: State | None = None
    view: Any = None
    path: Path | None = None
    sources: "tuple[Claim, ...]" = ()


class Journal(QObject):
    """Keeps the document while it has unsaved changes and the journal is `on`.

    `troubled(text)` says what could not be kept, each sentence once; `failed(text, details)` an unforeseen error.
    """

    troubled = Signal(str)
    failed = Signal(str, str)
    _missed = Signal()

    def __init__(self, document: Document, on: bool, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.on = on
        self._document, self._closed = document, False
        self._reached: dict[str, tuple[Run, ...]] = {}  # fits that are no part of the document yet, by who holds them
        self._handed: State | None = None  # to the thread, the last time
        self._request: _Request | None = None
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None
        self._work: Future[None] | None = None
        self._writer: Writer | None = None
        self._sources: list[Claim] = []  # whose work is in the document
        self._told: set[str] = set()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.write)
        document.title_changed.connect(self._look)
        self._missed.connect(self._try_again)

    # In the window's thread -------------------------------------------------------------------------------------------

    @property
    def _unsaved(self) -> bool:
        return self._document.dirty or any(self._reached.values())

    def reach(self, holder: str, runs: "tuple[Run, ...]") -> None:
        """Fits that have ended and are with `holder` alone: new ones are kept at once, until the document has them."""
        more = {run.id for run in runs} - {run.id for run in self._reached.get(holder, ())}
        self._reached[holder] = runs
        if more:
            self.write()
        else:
            self._look()

    def _look(self) -> None:
        """The document may have changed, or been saved."""
        state = self._document.state
        if self._closed or (self._unsaved and (not self.on or state is self._handed)):
            return
        if not self._unsaved:
            self._settle()
        elif self._new_runs(state):
            self.write()
        elif not self._timer.isActive():
            self._timer.start(int(1000 * EVERY))

    def _new_runs(self, state: State) -> bool:
        """Whether `state` holds a fit that the journal has not been given."""
        before = self._handed.runs if self._handed is not None else ()
        return state.runs is not before and bool({run.id for run in state.runs} - {run.id for run in before})

    def write(self) -> None:
        """Keep what is unsaved, now."""
        document = self._document
        self._timer.stop()
        if self._unsaved and self.on and not self._closed:
            self._handed = document.state
            path = document.path or document.suggestion
            self._ask(_Request(self._whole(document.state), document.view_to_keep(), path, tuple(self._sources)))

    def _whole(self, state: State) -> State:
        """Return `state` with the fits that others still hold."""
        there = {run.id for run in state.runs}
        more = [run for runs in self._reached.values() for run in runs if run.id not in there]
        shown = state.shown | {run.id for run in more}
        return replace(state, runs=(*state.runs, *more), shown=shown) if more else state

    def _settle(self) -> None:
        """Nothing is unsaved."""
        self._timer.stop()
        if self._handed is not None or self._sources:
            self._handed = None
            self._ask(_Request(sources=tuple(self._sources)))

    def set_on(self, on: bool) -> None:
        """Keep unsaved work from now on, or no more; then what this window has kept goes."""
        self.on = on
        if on:
            self._look()
        elif self._handed is not None:
            self._timer.stop()
            self._handed = None
            self._ask(_Request())

    def _try_again(self) -> None:
        if self._unsaved and self.on and not self._closed and not self._timer.isActive():
            self._timer.start(int(1000 * EVERY))

    def end(self, keep: bool) -> None:
        """The window closes: `keep` what is unsaved for the next start, or let go what was kept."""
        if self._closed:
            return
        if keep and self._unsaved:
            self.write()
        else:
            self._settle()
        self._timer.stop()
        self._closed = True

    def wait(self, seconds: float) -> bool:
        """Wait for the thread; return whether it has done all it was asked."""
        work = self._work
        try:
            if work is not None:
                work.result(seconds)
        except LateError:
            return False
        return True

    def finish(self) -> None:
        """End the thread; after `end`, and in any thread."""
        if self._pool is not None:
            self._pool.shutdown(wait=True)
        if self._writer is not None:
            self._writer.leave()
        for source in self._sources:
            source.leave()

    def adopt(self, source: "Claim") -> None:
        """The next document comes from `source`, which goes once the journal holds it too, or it is saved."""
        with self._lock:
            self._sources.append(source)

    async def found(self) -> "list[Entry]":
        """Return what dead windows have left."""
        return await self.away(_found)

    async def away(self, work: Callable[[], Result]) -> Result:
        """Do `work` in the journal's thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread(), work)

    def _thread(self) -> ThreadPoolExecutor:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal")
        return self._pool

    def _ask(self, request: _Request) -> None:
        """Let the thread carry out `request` in place of one that it has not begun with."""
        with self._lock:
            waiting, self._request = self._request is not None, request
        if not waiting:
            self._work = self._thread().submit(self._carry_out)

    # In its thread ----------------------------------------------------------------------------------------------------

    def _carry_out(self) -> None:
        with self._lock:
            request, self._request = self._request, None
        assert request is not None
        try:
            whole = self._keep(request) if request.state is not None else self._clear()
            for source in request.sources if whole else ():
                self._let_go(source)
        except (HnnLabError, RuntimeError) as error:  # without a home there is a RuntimeError
            self._tell(str(error))
            self._missed.emit()
        except Exception as error:
            _log.exception("The journal fails")
            self.failed.emit(f"The journal failed: {error}", traceback.format_exc())

    def _keep(self, request: _Request) -> bool:
        from hnn_engine.journal import Writer, journal_folder
        from hnn_engine.records import Session

        if self._writer is None:
            self._writer = Writer(journal_folder())
        state = request.state
        assert state is not None
        session = Session(state.experiment, state.runs, tuple(sorted(state.shown)), request.view)
        written = self._writer.write(session, request.path)
        self._report(written, self._writer.limit)
        if written.whole:
            self._told.clear()  # should it fail again, that is news
        return written.whole

    def _report(self, written: "Written", limit: int) -> None:
        if written.left_out:
            self._tell(
                f"The journal holds at most {limit / 1e6:.0f} MB, too little for all fits of this session: save it"
            )
        for problem in written.problems:
            self._tell(problem)

    def _clear(self) -> bool:
        if self._writer is not None:
            self._writer.clear()
        return True

    def _let_go(self, source: "Claim") -> None:
        with self._lock:
            if source not in self._sources:
                return
            self._sources.remove(source)
        source.remove()

    def _tell(self, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            self.troubled.emit(text)


def _found() -> "list[Entry]":
    from hnn_engine.journal import entries, journal_folder

    try:
        return entries(journal_folder())
    except (OSError, RuntimeError):  # without a home there is no journal
        return []
