"""A system that is typed, from its text to the document: read, derived and looked at in threads, the newest text alone.

While it is typed, previews are drawn and data waits, as with a slider that is held; a pause ends that. What is no
formula changes nothing but what is said of it.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from PySide6.QtCore import QObject, Signal

from app.model.document import Document, State
from app.model.playback import Playback
from app.workers.algebra_process import AlgebraProcess
from app.workers.latest_only import LatestAnswer
from hnn_engine.equilibria import Equilibrium
from hnn_engine.errors import FormulaError, HnnLabError
from hnn_engine.experiment import Experiment, of_source, opened, own_source, typed_on
from hnn_engine.formulas.expression import Expression
from hnn_engine.own_systems.definition import Definition
from hnn_engine.own_systems.draft import Draft, definition_of
from hnn_engine.own_systems.system import OwnSystem
from hnn_engine.progress import ProgressCallback

PAUSE_S = 0.6  # without a key, after which data is made and the full horizon is followed
TYPE, CHOOSE = "Type a system", "Choose a system of your own"


class Drag(Protocol):
    """What typing does to a drag: while a system is typed it is as if a slider were held."""

    active: bool

    @property
    def held(self) -> bool:
        """Whether the start is being dragged."""

    def slide(self, final: bool) -> None:
        """Say that previews are wanted, or, `final`, the full horizon and data."""


@dataclass(frozen=True, eq=False)
class Question:
    """A draft to be read, for the experiment `now` on screen."""

    draft: Draft
    now: Experiment
    label: str
    gesture: object
    anew: bool  # start, data and rollouts as the laboratory opens a system


@dataclass(frozen=True, eq=False)
class Reading:
    """What a draft says, and the experiment that it makes."""

    definition: Definition
    experiment: Experiment


@dataclass(frozen=True)
class Refusal:
    """Why a draft says nothing: a sentence, the field that it is of ('H', 'L', 'friction'; '' for all of it), and the
    column in it, counted from 1; 0 where it is the whole."""

    problem: str
    what: str = ""
    column: int = 0


@dataclass(frozen=True, eq=False)
class Facts:
    """What is known of a system with its constants: where it rests, which momenta are conserved."""

    system: OwnSystem
    equilibria: tuple[Equilibrium, ...]
    conserved: tuple[str, ...]
    lowest: float | None


class TypedSystem(QObject):
    """Reads drafts and makes them the system on screen. `put(label, experiment, gesture)` changes it.

    Signals: `read(definition)` a draft is on screen; `refused(Refusal)` one says nothing;
    `known(Facts)` what is seen of the system on screen; `derived(definition, equations, problem)` its equations,
    d(coords)/dt as expressions, or None and why there are none.
    """

    read = Signal(object)
    refused = Signal(object)
    known = Signal(object)
    derived = Signal(object, object, str)

    def __init__(
        self,
        document: Document,
        playback: Playback,
        drag: Drag,
        put: Callable[[str, Experiment, object], bool],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document, self._playback, self._drag, self._put = document, playback, drag, put
        self._algebra = AlgebraProcess()
        complaint = "The formula could not be read"
        self._reader = LatestAnswer(self._read, self, name="formula", gives_way=False, complaint=complaint)
        self._reader.answered.connect(self._on_read)
        self._observer = LatestAnswer(observed, self, name="equilibria", complaint="The system could not be examined")
        self._observer.answered.connect(self._on_observed)
        self._deriver = LatestAnswer(self._derive, self, name="equations", complaint="The equations were not found")
        self._deriver.answered.connect(self._on_derived)
        self.showing = False  # a change of the document is what was typed
        self._gesture: object = None
        self._newest: Draft | None = None
        self._typed_at = -1.0  # perf_counter of the last key of a system that previews are drawn of; -1 for none
        self._wants_equations = False
        document.changed.connect(self._on_changed)

    # Typing -----------------------------------------------------------------------------------------------------------

    @property
    def deriving(self) -> bool:
        """Whether H of a Lagrangian is being found."""
        return self._reader.busy and self._newest is not None and self._newest.lagrangian

    @property
    def busy(self) -> bool:
        """Whether a draft is being read."""
        return self._reader.busy

    def type(self, draft: Draft, label: str = TYPE, anew: bool = False) -> None:
        """Make `draft` the system on screen once it is read; what is typed without a break is one undo step.

        `anew`: as a system is opened; else what is on screen goes on as far as it applies.
        """
        self._gesture = self._gesture or object()
        self._newest = draft
        self._reader.ask(Question(draft, self._document.experiment, label, self._gesture, anew))

    def stop(self) -> None:
        """Give up what is being read."""
        self._newest = None
        self._reader.ask(None)

    def finish(self) -> None:
        """Typing has ended: what is typed next is another undo step."""
        self._gesture = None
        self._settle()

    def tick(self) -> None:
        """End the previews after a pause; called a few times a second."""
        if self._typed_at >= 0 and not self._reader.busy and time.perf_counter() - self._typed_at > PAUSE_S:
            self._settle()

    def _settle(self) -> None:
        if self._typed_at >= 0:
            self._typed_at = -1.0
            if not self._drag.held:
                self._drag.slide(final=True)
        self.examine()

    def close(self, seconds: float) -> bool:
        """End the threads, and the process behind them; return whether they have ended."""
        for one in (self._reader, self._observer, self._deriver):
            one.ask(None)
        closed = [one.close(seconds) for one in (self._reader, self._observer, self._deriver)]
        self._algebra.close()
        return all(closed)

    def _on_read(self, question: Question, answer: Reading | Refusal | None, problem: str) -> None:
        if question.draft is not self._newest:
            return  # a newer one is being read
        if not isinstance(answer, Reading):
            self.refused.emit(answer if answer is not None else Refusal(problem))
            return
        now = self._document.experiment
        new = answer.experiment
        try:
            if now is not question.now:  # a start was dragged meanwhile, or an earlier text was read
                new = made_of(answer.definition, now, question.anew)
        except HnnLabError as error:
            self.refused.emit(Refusal(str(error)))
            return
        if new.source != now.source:
            self._show(new, question)
        self.read.emit(answer.definition)

    def _show(self, new: Experiment, question: Question) -> None:
        now = self._document.experiment
        if question.anew or new.scene.dof != now.scene.dof:
            self._playback.restart()
            self._document.set_view(axes=None)
        if not self._drag.held:
            self._typed_at = time.perf_counter()
            self._drag.slide(final=False)
        self.showing = True
        try:
            self._put(question.label, new, question.gesture)
        finally:
            self.showing = False

    # What is seen of it -----------------------------------------------------------------------------------------------

    def want_equations(self, on: bool) -> None:
        """Find the equations of the system on screen, now and whenever it is another; or find none any more."""
        self._wants_equations = on
        if on:
            self._ask_equations()
        else:
            self._deriver.ask(None)

    @property
    def finding_equations(self) -> bool:
        """Whether equations are being found."""
        return self._deriver.busy

    def stop_equations(self) -> None:
        """Give up the equations that are being found."""
        self._deriver.ask(None)

    def _ask_equations(self) -> None:
        definition = self._document.experiment.definition
        if definition is not None:
            self._deriver.ask(definition)

    def examine(self) -> None:
        """Find out what is known of the system on screen: `known` says it."""
        system = self._document.experiment.system
        if isinstance(system, OwnSystem):
            self._observer.ask(system)

    def _on_changed(self, old: State, new: State) -> None:
        if old.experiment.source is new.experiment.source:
            return
        before, after = old.experiment.definition, new.experiment.definition
        if not self.showing and before != after:
            self.stop()  # what is being read was typed for another system
        if after is None:
            self._observer.ask(None)
            self._deriver.ask(None)
        else:
            if not self._drag.active:
                self.examine()
            if self._wants_equations and before != after:
                self._ask_equations()

    def _on_observed(self, system: OwnSystem, facts: Facts | None, problem: str) -> None:
        if facts is not None and system is self._document.experiment.system:
            self.known.emit(facts)

    def _on_derived(self, definition: Definition, answer: object, problem: str) -> None:
        if definition is self._document.experiment.definition:
            self.derived.emit(definition, answer, problem)

    # In the threads ---------------------------------------------------------------------------------------------------

    def _read(self, question: Question, progress: ProgressCallback) -> Reading | Refusal:
        def interrupt() -> bool:
            progress(0.0)  # which raises where there is a newer text
            return False

        try:
            definition = definition_of(question.draft, interrupt, self._algebra.hamiltonian)
            interrupt()
            experiment = made_of(definition, question.now, question.anew)
            interrupt()
            warm(experiment)
        except FormulaError as error:
            return Refusal(str(error), error.what, error.column)
        except HnnLabError as error:
            return Refusal(str(error))
        return Reading(definition, experiment)

    def _derive(self, definition: Definition, progress: ProgressCallback) -> tuple[Expression, ...]:
        def interrupt() -> bool:
            progress(0.0)
            return False

        return self._algebra.equations(definition, interrupt)


def made_of(definition: Definition, now: Experiment, anew: bool) -> Experiment:
    """Return the experiment on a typed system, coming from `now`, or `anew` as the laboratory opens it."""
    source = own_source(definition)
    return of_source(opened(source), now) if anew else typed_on(source, now)


def warm(experiment: Experiment) -> None:
    """Work out, in a thread, what the scene would work out in the window's."""
    scene = experiment.scene
    assert isinstance(scene, OwnSystem)
    assert scene.bounds is not None
    scene.geometry(np.array([(one.low + one.high) / 2 for one in scene.coordinates[: scene.dof]]))


def observed(system: OwnSystem, progress: ProgressCallback) -> Facts:
    """Return what is seen of a system."""
    rests = system.equilibria
    progress(0.5)
    return Facts(system, rests, system.conserved, system.min_energy)
