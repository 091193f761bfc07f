"""A process that finds out what is wrong with a fit. It takes seconds of computing in many small calls, which in a
thread would wait for the interpreter, and let the window wait for it."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from app.workers.thread_priority import give_way
from hnn_engine.datasets import Dataset
from hnn_engine.debugging.ensemble import FEWEST, refit
from hnn_engine.debugging.evidence import Evidence, field_evidence, with_rollouts
from hnn_engine.debugging.report import MEMBERS, REFIT_SECONDS
from hnn_engine.debugging.verdict import Finding, verdict
from hnn_engine.debugging.views import (
    GROWTH_HORIZONS,
    conserved_view,
    ensemble_view,
    flow_view,
    growth_view,
    methods_view,
    rests_view,
    split_view,
)
from hnn_engine.errors import ExperimentError, HnnLabError
from hnn_engine.kernels import cache as kernel_cache
from hnn_engine.progress import ProgressCallback
from hnn_engine.records import Run
from hnn_engine.snapshot import Snapshot

_log = logging.getLogger(__name__)
TELL_S = 0.1  # s between two words on progress
LOOK_S = 0.02  # s between two looks whether there is a newer question
IDLE_S = 1.0  # s without a question, in which there is time for other things
NO_TRUTH = "There is no true system to compare with: the data is measured or drawn."
FIRST_HORIZONS = (0.1, 1.0)  # of the rollout, over which exponents are shown at first
SHORT = "The motion ends before exponents can be told."
WARM = "This fit began at the weights of another run: fits of other seeds would not be its like."


@dataclass(frozen=True, eq=False)
class DebugQuestion:
    """What is asked of a run, whose experiment has the start and the rollouts on screen. `fit` names the run with its
    data, of which the process remembers the last; `views` are wanted in this order. `members` are fits with other
    seeds that are there already; `patient`: they may be made however long that takes."""

    run: Run
    data: Dataset | None
    fit: int
    views: tuple[str, ...]
    members: tuple[tuple[int, Snapshot], ...] = ()
    patient: bool = False
    number: int = 0


@dataclass(frozen=True)
class Hush:
    """End what is being worked on: the question of this number is to come."""

    number: int


@dataclass(frozen=True)
class Hushed:
    """Nothing is being worked on, and the question of this number may come."""

    number: int


@dataclass(frozen=True)
class DebugProgress:
    """The share of a question that is done."""

    number: int
    share: float


@dataclass(frozen=True, eq=False)
class DebugAnswer:
    """What came of a view: its `value`, or a `problem` in a sentence. `whole`: nothing more is to come of it."""

    number: int
    view: str
    value: Any
    problem: str = ""
    whole: bool = True


@dataclass(frozen=True)
class Done:
    """All views of a question are answered."""

    number: int


DebugMessage = Hushed | DebugProgress | DebugAnswer | Done


@dataclass(frozen=True, eq=False)
class VerdictView:
    """What is wrong. Not `whole`, only what the field itself says has been looked at."""

    findings: tuple[Finding, ...]
    whole: bool


@dataclass(frozen=True)
class TooLong:
    """An ensemble that would take so many `seconds`, which nobody has asked for yet."""

    seconds: float


class NewerError(Exception):
    """There is a newer question."""


# In the process -------------------------------------------------------------------------------------------------------


def serve(line: Connection) -> None:
    """Answer questions until the window's side of `line` is gone."""
    give_way()
    kernel_cache.load_compiled()
    line.send(Hushed(0))  # it has begun
    desk = Desk(line.send, lambda: line.poll())
    while True:
        try:
            while not line.poll(IDLE_S):
                kernel_cache.load_compiled()  # the window may have had them compiled by now
            asked: DebugQuestion | Hush = line.recv()
        except EOFError:
            return
        if isinstance(asked, Hush):
            line.send(Hushed(asked.number))
            continue
        try:
            desk.answer(asked)
        except NewerError:
            continue


@dataclass
class Desk:
    """Answers questions by `send`; `newer` says whether there is another one. What is known of the last run stays."""

    send: Callable[[DebugMessage], None]
    newer: Callable[[], bool]
    fit: int = -1
    data: Dataset | None = None
    fields: Evidence | None = None
    rollouts: Evidence | None = None
    members: tuple[tuple[int, Snapshot], ...] = ()
    said: float = 0.0  # perf_counter, when it last told of progress
    looked: float = 0.0  # and when it last looked for a newer question

    def answer(self, question: DebugQuestion) -> None:
        """Answer all views of `question`. Raises `NewerError` where a newer one is waiting."""
        if question.fit != self.fit:
            self.fit, self.data, self.fields, self.rollouts, self.members = question.fit, None, None, None, ()
        self.data = question.data or self.data
        for place, view in enumerate(question.views):
            value, problem = None, ""
            try:
                value = self.found(view, question, self._teller(question, place))
                problem = "" if value is not None else NO_TRUTH if view != "growth" else SHORT
            except HnnLabError as error:
                problem = str(error)
            except NewerError:
                raise
            except Exception as error:
                _log.exception("The view %s fails", view)
                problem = f"This view cannot be computed: {error}"
            self.send(DebugAnswer(question.number, view, value, problem))
        self.send(Done(question.number))

    def _teller(self, question: DebugQuestion, place: int) -> ProgressCallback:
        def tell(share: float) -> None:
            now = time.perf_counter()
            if now - self.looked >= LOOK_S:
                self.looked = now
                if self.newer():
                    raise NewerError
            if now - self.said >= TELL_S:
                self.said = now
                self.send(DebugProgress(question.number, (place + min(share, 1.0)) / len(question.views)))

        return tell

    def found(self, view: str, question: DebugQuestion, tell: ProgressCallback) -> Any:
        """Return what `view` shows; None where it has no meaning."""
        interrupt = _telling(tell, 0.6)
        tell(0.0)
        if view == "verdict":
            return self._verdict(question, tell)
        evidence = self._evidence(question, tell)
        if view == "split":
            return split_view(evidence)
        if view == "methods":
            return methods_view(evidence, interrupt)
        if view == "conserved":
            return conserved_view(evidence)
        if view == "flow":
            return flow_view(evidence, interrupt)
        if view == "growth":
            return self._growth(evidence, question, tell)
        if view == "fixed_points":
            return rests_view(evidence)
        if view == "ensemble":
            return self._ensemble(evidence, question, tell)
        raise AssertionError(view)

    def _growth(self, evidence: Evidence, question: DebugQuestion, tell: ProgressCallback) -> Any:
        """Exponents over longer and longer times: the first picture is soon there."""
        found = None
        for stage, horizons in enumerate((*FIRST_HORIZONS, GROWTH_HORIZONS)):
            if found is not None:
                self.send(DebugAnswer(question.number, "growth", found, whole=False))
            found = growth_view(evidence, _telling(tell, 0.4 + 0.2 * stage), horizons)
        return found

    def _verdict(self, question: DebugQuestion, tell: ProgressCallback) -> VerdictView:
        """First what the field says, at once, then what rollouts say too."""
        fields = self._fields(question, tell)
        if fields.system is not None and not self._is_current(question):
            first = VerdictView(verdict(fields), whole=False)
            self.send(DebugAnswer(question.number, "verdict", first, whole=False))
        return VerdictView(verdict(self._evidence(question, tell)), whole=True)

    def _fields(self, question: DebugQuestion, tell: ProgressCallback) -> Evidence:
        run = question.run
        if self.data is None:
            self.data = run.experiment.dataset(lambda share: tell(0.2 * share))
        if self.fields is None:
            self.fields = field_evidence(run, self.data)
        if self.fields.run is not run:  # the same fit from another start
            system = self.fields.system
            energy = float(system.hamiltonian(np.array(run.experiment.start))) if system is not None else None
            self.fields = replace(self.fields, run=run, start_energy=energy)
        return self.fields

    def _is_current(self, question: DebugQuestion) -> bool:
        return self.rollouts is not None and same_motion(self.rollouts.run, question.run)

    def _evidence(self, question: DebugQuestion, tell: ProgressCallback) -> Evidence:
        if self.rollouts is None or not same_motion(self.rollouts.run, question.run):
            fields = self._fields(question, tell)
            self.rollouts = with_rollouts(fields, lambda share: tell(0.2 + 0.6 * share))
        return self.rollouts

    def _ensemble(self, evidence: Evidence, question: DebugQuestion, tell: ProgressCallback) -> Any:
        run = question.run
        known = question.members if len(question.members) >= FEWEST else self.members
        if len(known) < FEWEST:
            if run.started_from is not None:
                raise ExperimentError(WARM)
            if run.fit_seconds > REFIT_SECONDS and not question.patient:
                return TooLong((MEMBERS - 1) * run.fit_seconds)
            seeds = [run.experiment.seed + k for k in range(1, MEMBERS)]
            made = refit(run.experiment, seeds, tell)
            known = self.members = ((run.experiment.seed, run.snapshot), *zip(seeds, made, strict=True))
        return ensemble_view(evidence, [one for _, one in known], [seed for seed, _ in known])


def _telling(tell: ProgressCallback, share: float) -> Callable[[], bool]:
    """Return what is asked now and then whether to end, and tells of a `share` that is done."""

    def interrupt() -> bool:
        tell(share)
        return False

    return interrupt


def same_motion(one: Run, other: Run) -> bool:
    """Whether the rollouts of both are the same, of one fit."""
    a, b = one.experiment, other.experiment
    return a.start == b.start and a.rollout == b.rollout
