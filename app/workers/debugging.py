"""Debugging: finds out what is wrong with a shown model, in a process of its own, while panels look at it."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QObject, Signal

from app.model.document import Document
from app.model.model_roles import debugged_key
from app.model.rollout_messages import ShownModel
from app.workers.child_process import ChildProcess
from app.workers.dataset_worker import DatasetWorker, data_key
from app.workers.latest_only import LatestOnly
from hnn_engine.experiment import Experiment, resolved
from hnn_engine.rollouts.steering import LEFT_ALONE
from hnn_engine.snapshot import Snapshot

if TYPE_CHECKING:  # with records and the figures of debugging: nothing that the first paint waits for
    from app.workers.debug_process import DebugMessage, DebugQuestion
    from hnn_engine.records import Run

_log = logging.getLogger(__name__)
POLL_S = 0.05  # s between looks whether there is a newer question
PATIENCE = 6.0  # s that the process is given to end what it does; then it is begun anew
BEGINS = 60.0  # s that it is given to begin, which takes a while on a busy machine
OF_TIME = "The law depends on time: what is looked at here is of laws that do not."
ENDED = "The process that debugs has ended: it begins anew with the next question."
VIEWS = ("verdict", "split", "methods", "conserved", "flow", "growth", "fixed_points", "ensemble")  # as they are asked


class DebugWorker(QObject):
    """Asks the process, the newest question first. `heard(message)` and `lost(number)` come in the window's thread."""

    heard = Signal(object)
    lost = Signal(int)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._child: ChildProcess | None = None
        self._latest: LatestOnly[DebugQuestion] = LatestOnly(self._serve, "debugging")
        self._spoke: object = None  # the process that has begun, as its first message says
        self._knows: tuple[object, int] = (None, -1)  # which process has the data of which fit

    def ask(self, question: "DebugQuestion | None") -> None:
        """Answer `question` from now on, in place of any other; None: nothing."""
        self._latest.ask(question)

    def close(self, seconds: float) -> bool:
        """End thread and process; return whether they have ended."""
        self._latest.close(0.0)
        if self._child is not None:
            self._child.close()
        return self._latest.close(seconds)

    # In the thread ----------------------------------------------------------------------------------------------------

    def _serve(self, question: "DebugQuestion") -> None:
        if not question.views and self._child is None:
            return
        try:
            self._hear(question)
        except (OSError, EOFError):
            if not self._latest.closing:
                _log.exception("The process that debugs has ended")
                assert self._child is not None
                self._child.ended()
                self.lost.emit(question.number)

    def _hear(self, question: "DebugQuestion") -> None:
        from app.workers.debug_process import Done, serve

        if self._child is None:
            self._child = ChildProcess(serve, "debugging")
        before, line = self._child.process, self._child.open()
        hushed = before is not self._child.process or self._hush(line, question.number)
        if self._latest.closing:
            return
        if not hushed:
            self._child.close()  # it is deep in something, and hears of no newer question
            line = self._child.open()
        if not question.views or self._latest.waiting is not None:
            return
        known = self._knows == (self._child.process, question.fit)
        line.send(replace(question, data=None) if known else question)
        self._knows = self._child.process, question.fit
        while not self._latest.closing and self._latest.waiting is None:
            if not line.poll(POLL_S):
                continue
            message = self._received(line)
            if message.number == question.number:
                self.heard.emit(message)
                if isinstance(message, Done):
                    return

    def _hush(self, line: Connection, number: int) -> bool:
        """Have the process end what it does; return whether it has. Only then it is sent what fills the line: both ends
        would wait for each other while both send."""
        from app.workers.debug_process import Hush, Hushed

        line.send(Hush(number))
        assert self._child is not None
        end = time.perf_counter() + (PATIENCE if self._spoke is self._child.process else BEGINS)
        while time.perf_counter() < end and not self._latest.closing:
            if line.poll(POLL_S):
                message = self._received(line)
                if isinstance(message, Hushed) and message.number == number:
                    return True
        return False

    def _received(self, line: Connection) -> "DebugMessage":
        message: DebugMessage = line.recv()
        self._spoke = self._child.process if self._child is not None else None
        return message


class Debugging(QObject):
    """What is known of the model that is debugged. Panels say by `look` which views they show.

    Signals: `told(view)` there is another answer or problem of it; `changed()` another model is looked at, or the work
    goes on, ends or gets further.
    """

    told = Signal(str)
    changed = Signal()

    def __init__(
        self,
        document: Document,
        data: DatasetWorker,
        models: Callable[[], tuple[ShownModel, ...]],
        dragging: Callable[[], bool],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.worker = DebugWorker(self)
        self.worker.heard.connect(self._on_heard)
        self.worker.lost.connect(self._on_lost)
        self.subject: ShownModel | None = None
        self.run: Run | None = None  # the subject's, with the start and the rollouts on screen
        self.reason = ""  # why there is nothing to be debugged
        self.share = 0.0
        self.stopped = False
        self._document, self._data, self._models, self._dragging = document, data, models, dragging
        self._answers: dict[str, tuple[Any, str, bool]] = {}
        self._lookers: dict[object, frozenset[str]] = {}
        self._asked: tuple[str, ...] = ()  # views on their way
        self._patient = False
        self._number = self._fit = 0
        self._fit_key: tuple[object, ...] = ()
        self._motion_key: tuple[object, ...] = ()
        self._due = True

    # What is known ----------------------------------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """Whether answers are on their way."""
        return bool(self._asked)

    def answer(self, view: str) -> Any:
        """Return what was found for `view`, or None."""
        return self._answers[view][0] if view in self._answers else None

    def problem(self, view: str) -> str:
        """Return why there is no answer for `view`, or ''."""
        return self._answers[view][1] if view in self._answers else ""

    def states(self) -> Any:
        """Return training states `(N, 2*dof)` of the run, those on screen where they are its own."""
        data = self._data.of(self.run.experiment) if self.run is not None else None
        data = data if data is not None else self._data.dataset
        return data.coords[data.train] if data is not None else np.empty((0, 2 * self._document.experiment.scene.dof))

    # What is wanted ---------------------------------------------------------------------------------------------------

    def look(self, looker: object, views: Sequence[str]) -> None:
        """`looker` shows these views from now on, and none of those before."""
        now = frozenset(views)
        if self._lookers.get(looker, frozenset()) != now:
            self._lookers[looker] = now
            self.refresh()

    def refresh(self) -> None:
        """Look with the next frame whether something else is to be found out."""
        self._due = True

    def stop(self) -> None:
        """Find out no more until something changes, or `resume`."""
        self.stopped, self._asked = True, ()
        self._ask(())
        self.changed.emit()

    def resume(self, *, patient: bool = False) -> None:
        """Find out what is missing after all; `patient`: however long fits of other seeds take."""
        self.stopped, self._patient = False, patient
        if patient:
            self._answers.pop("ensemble", None)
        self.refresh()

    def tick(self) -> None:
        """Ask what is to be asked, if anything; once a frame."""
        if not self._due or self._dragging():
            return
        wanted = {view for views in self._lookers.values() for view in views}
        if not wanted:
            if self._asked:
                self._ask(())  # nobody looks any more
            return
        self._due = False
        if self._choose():
            self.changed.emit()
        if self.run is None or self.stopped:
            return
        if self._data.awaits(self.run.experiment):
            return  # the news that it is there comes here too; made twice at once it would take twice as long
        missing = tuple(v for v in VIEWS if v in wanted and not self._is_answered(v))
        under_way = {v for v in self._asked if not self._is_answered(v)}
        if under_way and under_way <= wanted:
            return  # what else is wanted is asked when this is done
        if missing or under_way:
            self._ask(missing)
            self.changed.emit()

    def _is_answered(self, view: str) -> bool:
        return view in self._answers and self._answers[view][2]

    def _ask(self, views: tuple[str, ...]) -> None:
        if self.run is None:
            return
        from app.workers.debug_process import DebugQuestion

        self._number += 1
        self._asked, self.share = views, 0.0
        data = self._data.of(self.run.experiment)
        members = self._members()
        self.worker.ask(DebugQuestion(self.run, data, self._fit, views, members, self._patient, self._number))

    def _members(self) -> tuple[tuple[int, Snapshot], ...]:
        """The repetitions of the subject's fit that are shown."""
        subject = self.subject
        if subject is None or not subject.group:
            return ()
        seeds = {run.id: run.experiment.seed for run in self._document.state.runs}
        mates = [m for m in self._models() if m.group == subject.group and m.key in seeds]
        return tuple((seeds[m.key], replace(m.snapshot)) for m in mates)

    def _choose(self) -> bool:
        """Take the model that is debugged now; return whether it, or what is asked of it, is another one."""
        models, experiment = self._models(), self._document.experiment
        key = debugged_key(models, self._document.view)
        self.subject = next((m for m in models if m.key == key), None)
        before = self.reason
        run, self.reason = self._run_of(self.subject, experiment)
        if run is None:
            changed = self.run is not None or self.reason != before
            self.run, self._fit_key, self._motion_key, self._asked = None, (), (), ()
            self._answers.clear()
            return changed
        fit = (self.subject.snapshot if self.subject is not None else None, data_key(run.experiment))
        motion = (run.experiment.start, run.experiment.rollout)
        if fit == self._fit_key and motion == self._motion_key:
            return False
        if fit != self._fit_key:
            self._fit += 1
        self._fit_key, self._motion_key, self.run = fit, motion, run
        self.stopped = self._patient = False
        self._answers.clear()
        self._asked = ()
        return True

    def _run_of(self, subject: ShownModel | None, experiment: Experiment) -> "tuple[Run | None, str]":
        """Return the run behind a shown model, from the start and by the rollouts on screen; or None and why not."""
        if subject is None:
            return None, "Train a model: then it is looked at here."
        if experiment.scene.timed:
            return None, OF_TIME
        if subject.snapshot.autoencoder is not None:
            return None, "This model sees frames: Frames shows what it sees and predicts."
        if subject.live:
            return None, "The model is being trained: it is looked at when the fit ends."
        run = next((r for r in self._document.state.runs if r.id == subject.key), None)
        run = run if run is not None else self._refitted(subject, experiment)
        rollout = replace(experiment.rollout, steering=LEFT_ALONE)
        asked = replace(run.experiment, start=experiment.start, rollout=rollout)
        return replace(run, experiment=asked, snapshot=replace(run.snapshot)), ""

    def _refitted(self, subject: ShownModel, experiment: Experiment) -> "Run":
        """Return a live fit's model as a run."""
        from hnn_engine.records import History, Run

        asked = resolved(experiment, live=True)
        spec = next((m for m in asked.models if m.name == subject.model), asked.models[0])
        none = np.empty(0)
        history = History(none, none, none, none)
        asked = replace(asked, models=(spec,))
        return Run(
            subject.key, subject.title, asked, subject.snapshot, history, None, "finished", "", 1, 0.0, "", "compiled"
        )

    # Answers ----------------------------------------------------------------------------------------------------------

    def _on_heard(self, message: "DebugMessage") -> None:
        from app.workers.debug_process import DebugAnswer, DebugProgress, Done

        if message.number != self._number or not self._asked:
            return
        if isinstance(message, DebugProgress):
            self.share = message.share
        elif isinstance(message, DebugAnswer):
            self._answers[message.view] = (message.value, message.problem, message.whole)
            self.told.emit(message.view)
        elif isinstance(message, Done):
            self._asked, self.share = (), 1.0
            self.refresh()
        self.changed.emit()

    def _on_lost(self, number: int) -> None:
        if number == self._number and self._asked:
            for view in self._asked:
                if view not in self._answers:
                    self._answers[view] = (None, ENDED, True)
                    self.told.emit(view)
            self._asked = ()
            self.changed.emit()

    def close(self, seconds: float) -> bool:
        """End thread and process; return whether they have ended."""
        return self.worker.close(seconds)
