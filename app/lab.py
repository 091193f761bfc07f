"""The laboratory behind the window: document, playback, workers and frame clock, wired together; panels show it."""

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QObject, Signal

from app.dragging import Dragging
from app.model.document import Document, State, View
from app.model.frame_clock import FrameClock
from app.model.playback import Playback
from app.model.rollout_messages import Answer, RolloutCurve, ShownModel
from app.model.seed_ensembles import SeedEnsembles
from app.model.shown_identities import ShownIdentities
from app.training import Training
from app.workers.dataset_worker import DatasetWorker
from app.workers.evaluation import Evaluation
from app.workers.live_fit import LiveFit
from app.workers.preload import Preload
from app.workers.rollout_requests import RolloutRequests
from hnn_engine.coords import Array
from hnn_engine.data_edits import NO_EDITS
from hnn_engine.datasets import Dataset
from hnn_engine.errors import HnnLabError
from hnn_engine.experiment import Experiment, same_scene, same_system
from hnn_engine.rollout_analysis import gentle_span
from hnn_engine.rollouts.steering import STEERINGS, Steering

if TYPE_CHECKING:
    from app.workers.debugging import Debugging
    from app.workers.typed_system import TypedSystem
    from hnn_engine.records import Run


class Lab(QObject):
    """What the panels show and act on; `drag`, `training`, `evaluation`, `live_fit` and `rollouts` are its parts.

    Signals: `answered(Answer)` new rollouts, `taken_in()` once every panel has them; `marked(Marks)` states marked
    in the portrait, and `carried(tuple of Blob)` outlines to be drawn there, in place of those before;
    `highlighted(role)` what has this role is pointed at, '' nothing; `dataset_changed(Dataset | None)`;
    `noticed(text, is_error)`, `settled(text)` where that error is gone; `failed(text, details)`.
    """

    answered = Signal(object)
    taken_in = Signal()
    highlighted = Signal(str)
    marked = Signal(object)
    carried = Signal(object)
    dataset_changed = Signal(object)
    noticed = Signal(str, bool)
    settled = Signal(str)
    failed = Signal(str, str)

    def __init__(self, experiment: Experiment, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.document = Document(State(experiment), self)
        self.playback = Playback(experiment.rollout.length, self)
        self.frame_clock = FrameClock(self)
        self.dataset_worker = DatasetWorker(experiment, self)
        self.drag = Dragging(self.document, self.playback, self.edit, self)
        self.evaluation = Evaluation(self.document, self.dataset_worker, self)
        self.training = Training(self.document, self.dataset_worker, self.evaluation, self)
        self.live_fit = LiveFit(self.document, self.dataset_worker, self.edit, self)
        self.preload = Preload(
            lambda: self.drag.active or self.training.preparing,
            self._on_loaded,
            self.failed.emit,
            self._on_missed,
            lambda: self.experiment.source_name,
        )
        self.seed_ensembles = SeedEnsembles()
        self.identities = ShownIdentities()
        self.highlight = ""  # the role of what is pointed at
        self.rollouts = RolloutRequests(self.document, self.shown_models, lambda: self.drag.active, self)
        self._fresh: tuple[Experiment, Dataset] | None = None  # found by a live fit during a drag, not on screen yet
        self._states: dict[str, tuple[RolloutCurve, Array]] = {}
        self._states_at = -1.0
        self._faults: dict[str, str] = {}  # what is wrong now: with an edit, the data, a live fit
        self._trains = False
        self._takers: list[Callable[[Answer], None]] = []  # of panels that take in an answer in turn
        self._due: list[Callable[[Answer], None]] = []  # those that have not taken in the newest one
        self._connect()
        self._ask()  # the first rollouts are computed while the window is being built

    def _connect(self) -> None:
        self.document.changed.connect(self._on_changed)
        self.document.view_changed.connect(self._on_view)
        self.frame_clock.frame.connect(self._on_frame)
        self.frame_clock.painted.connect(self.rollouts.take)
        self.rollouts.answered.connect(self._on_answer)
        self.rollouts.failed.connect(self.failed)
        self.drag.moved.connect(self._ask)
        self.drag.changed.connect(self._on_drag)
        self.dataset_worker.changed.connect(self._on_dataset)
        self.dataset_worker.changed.connect(self.dataset_changed)
        self.dataset_worker.refused.connect(partial(self._fault, "data"))
        self.training.weights_changed.connect(self.rollouts.refresh)
        self.training.noticed.connect(partial(self._fault, "training"))
        self.training.changed.connect(self._on_training)
        self.training.failed.connect(self.failed)
        self.evaluation.noticed.connect(self._complain)
        self.evaluation.failed.connect(self.failed)
        self.live_fit.found.connect(self._on_refitted)
        self.live_fit.refused.connect(self._on_refit_refused)
        self.live_fit.impossible.connect(partial(self._fault, "fit"))

    def start(self) -> None:
        """Begin to compute and to tick."""
        self.frame_clock.start()
        self._want_data()

    @cached_property
    def typed_system(self) -> "TypedSystem":
        """What is typed as a system of one's own; made when one is first typed or shown."""
        from app.workers.typed_system import TypedSystem

        typed = TypedSystem(self.document, self.playback, self.drag, self._put_typed, self)
        self.frame_clock.text.connect(typed.tick)
        return typed

    @cached_property
    def debugging(self) -> "Debugging":
        """What is wrong with a shown model; made when a panel first looks at it."""
        from app.workers.debugging import Debugging

        made = Debugging(self.document, self.dataset_worker, self.shown_models, lambda: self.drag.active, self)
        for signal in (
            self.document.changed,
            self.document.view_changed,
            self.dataset_worker.changed,
            self.training.changed,
            self.live_fit.found,
            self.live_fit.refused,
            self.drag.changed,
        ):
            signal.connect(lambda *_: made.refresh())
        self.frame_clock.painted.connect(made.tick)
        return made

    @property
    def answer(self) -> Answer | None:
        """The rollouts on screen."""
        return self.rollouts.answer

    @property
    def dataset(self) -> Dataset | None:
        """The training data on screen."""
        return self.dataset_worker.dataset

    def _want_data(self) -> None:
        """Want the data that belongs to the experiment, once no drag is under way; and in a live fit its models."""
        if not self.live_fit.follow() and not self.drag.active:
            self.dataset_worker.want(self.experiment)

    def _on_refitted(self, experiment: Experiment, data: Dataset) -> None:
        self._mend("fit")
        if not same_scene(experiment, self.experiment):
            return
        if self.drag.active:  # as with a start that is dragged; models and dots are then drawn at once
            self.rollouts.show_data(data)
            self._fresh = (experiment, data)
            self._ask()
        else:
            self._fresh = None  # an older one would take its place
            self.dataset_worker.take(experiment, data)
            self.rollouts.want(urgent=False)

    def _take_fresh(self) -> None:
        """Show the data of the models that a live fit has found during a drag."""
        fresh, self._fresh = self._fresh, None
        if fresh is not None and same_scene(fresh[0], self.experiment):
            self.dataset_worker.take(*fresh)

    def _on_refit_refused(self, problem: str) -> None:
        self.rollouts.want(urgent=False)
        self._fault("fit", problem)

    def _complain(self, problem: str) -> None:
        self.noticed.emit(problem, True)

    def _fault(self, about: str, problem: str) -> None:
        """Say what is wrong with an edit, the data or a live fit, until that is mended."""
        self._faults[about] = problem
        self.noticed.emit(problem, True)

    def _on_training(self) -> None:
        """What was wrong with the last fit is over when the next one begins."""
        before, self._trains = self._trains, self.training.worker.active
        if self._trains and not before:
            self._mend("training")

    def _mend(self, about: str) -> None:
        if problem := self._faults.pop(about, ""):
            self.settled.emit(problem)

    # Edits that several panels make -----------------------------------------------------------------------------------

    @property
    def experiment(self) -> Experiment:
        """The experiment on screen."""
        return self.document.experiment

    def edit(self, label: str, gesture: object = None, **changes: Any) -> bool:
        """Change fields of the experiment; say why not where that is impossible. Return whether it was done."""
        return self._change(label, gesture, replace(self.experiment, **changes), changes.keys() == {"edits"})

    def put(self, label: str, experiment: Experiment, gesture: object = None) -> bool:
        """Make the whole of `experiment` the present one, as `edit` does; what it has worked out of its scene stays."""
        return self._change(label, gesture, experiment, False)

    def _put_typed(self, label: str, experiment: Experiment, gesture: object) -> bool:
        """Make what was typed the present one, and ask for its rollouts at once: a key waits for them."""
        done = self.put(label, experiment, gesture)
        self._ask()
        return done

    def _change(self, label: str, gesture: object, experiment: Experiment, edits_data: bool) -> bool:
        before = self.experiment
        try:
            self.document.edit(experiment, label, gesture)
        except HnnLabError as error:
            self._fault("edit", str(error))
            return False
        self._mend("edit")
        if before.edits != NO_EDITS and self.experiment.edits == NO_EDITS and not edits_data:
            what = f"The data edits stay with {before.source_title}"
            self.noticed.emit(f"{what}: undo brings it back.", False)
        return True

    def steer(self, kind: str) -> None:
        """Do `kind` (of `STEERINGS`) to all rollouts from the present instant on; the same again leaves them alone."""
        spec = self.experiment.rollout
        before = spec.steering
        kind = "none" if kind == before.kind else kind
        steering = replace(before, kind=kind)
        if kind != "none":
            inside = spec.dt <= self.playback.time <= 0.9 * spec.horizon
            at = self.playback.time if inside else spec.horizon / (2 if kind == "reverse" else 3)
            steering = replace(steering, at=max(round(at / spec.dt), 1) * spec.dt)
            if kind != "reverse" and before.kind not in ("pump", "drain"):
                steering = replace(steering, span=self._steering_span())
        self.edit(STEERINGS[kind].title, rollout=replace(spec, steering=steering))

    def _steering_span(self) -> float:
        """Return for how long to climb H by default, from truth's present state on."""
        system, truth = self.experiment.system, self.answer.truth if self.answer is not None else None
        if system is None:
            return Steering().span
        start = np.array(self.experiment.start)
        here = self.state_of(truth) if truth is not None else start
        return gentle_span(system, start, here if np.isfinite(here).all() else start)

    # Models on screen -------------------------------------------------------------------------------------------------

    def shown_models(self) -> tuple[ShownModel, ...]:
        """The models to follow: what trains now, and the shown runs of the other models."""
        live = [m for m in self.training.live.values() if self.training.is_here()]
        training = {m.model for m in live}
        refitted = [m for m in self.live_fit.models if m.model not in training]
        new = {m.model for m in refitted}
        runs = [
            r
            for r in self.document.state.applicable()
            if r.snapshot.model not in new and (r.snapshot.model not in training or r.id in self.training.series)
        ]
        live += refitted
        order = [spec.name for spec in self.experiment.models]
        models = sorted(
            self.seed_ensembles.grouped(runs) + live, key=lambda m: order.index(m.model) if m.model in order else 99
        )
        every = [run for run in self.document.state.runs if same_system(run.experiment, self.experiment)]
        return self.identities.named(models, every, self._asked_of, self.document.places)

    def _asked_of(self, model: ShownModel) -> Experiment:
        """What a model that is no run yet is fitted by."""
        asked = self.training.experiment if model.live else None
        experiment = asked if asked is not None else self.experiment
        spec = next((s for s in experiment.models if s.name == model.model), experiment.models[0])
        return replace(experiment, models=(spec,))

    def role_of(self, key: str, model: str) -> str:
        """The role of the colour and dash of a shown model, or of its family where it is not shown (yet)."""
        found = self.identities.of(key)
        return found.role if found is not None else model

    def point_at(self, role: str) -> None:
        """Highlight what has this role everywhere: the other curves are drawn fainter. Empty: nothing."""
        if role != self.highlight:
            self.highlight = role
            self.highlighted.emit(role)

    def dimmed(self, role: str) -> bool:
        """Whether something else is pointed at than what has this role."""
        return self.highlight not in ("", role)

    def stop(self) -> None:
        """Stop the fit and keep its runs, or where none is under way the evaluation of runs."""
        if self.training.worker.active:
            self.training.stop()
        else:
            self.evaluation.stop()

    def show_learned_field(self) -> None:
        """Show the field of a shown model in place of truth's, one with an energy before one without."""
        able = sorted(self.shown_models(), key=lambda shown: not shown.snapshot.has_energy)
        if able and self.document.view.field == "truth":
            self.document.set_view(field=able[0].role)

    def run_of(self, key: str) -> "Run | None":
        """The run with this id, or None."""
        return next((r for r in self.document.state.runs if r.id == key), None)

    def state_of(self, track: RolloutCurve) -> Array:
        """The coords of `track` at the playback's instant; every panel of a frame asks for the same few."""
        if self._states_at != self.playback.time:
            self._states_at = self.playback.time
            self._states.clear()
        known = self._states.get(track.key)
        if known is None or known[0] is not track:
            known = self._states[track.key] = (track, track.state_at(self.playback.time))
        return known[1]

    # What changes -----------------------------------------------------------------------------------------------------

    def _on_changed(self, old: State, new: State) -> None:
        spec = new.experiment.rollout
        self.playback.set_horizon(spec.length, spec.dt)
        if not same_scene(old.experiment, new.experiment):
            self.rollouts.forget()
            self.live_fit.end()
        followed = {run.id for run in new.runs if run.id in new.shown}
        for run in old.runs:  # deleted ones too: undo brings them back
            if run.id in old.shown and run.id not in followed:
                run.snapshot.forget()
        self.live_fit.check()
        self._want_data()
        self.rollouts.want(urgent=True)

    def _on_view(self, old: View, new: View) -> None:
        self.playback.set_speed(new.speed)
        if old.live_fit != new.live_fit:
            self.live_fit.check()
            self._want_data()
        self.rollouts.want(urgent=True)

    def _on_drag(self) -> None:
        self._want_data()
        self.rollouts.want(urgent=True)

    def _on_dataset(self, data: Dataset | None) -> None:
        if data is not None:
            self._mend("data")
            self._want_data()  # a live fit may have waited for it
        if self.rollouts.show_data(data):
            self.rollouts.want(urgent=False)

    def _ask(self) -> None:
        """Ask for the rollouts on screen now."""
        self.rollouts.ask(self.drag.moved_at)
        self.drag.moved_at = 0.0

    # The frame --------------------------------------------------------------------------------------------------------

    def _on_frame(self, seconds: float) -> None:
        self.training.drain()
        self.evaluation.drain()
        self.rollouts.go_on(self.playback.time)
        if self.rollouts.wanted:
            self._ask()
        self.playback.advance(seconds)
        if self._due:
            self._take_turn()
            if not self._due:
                self.taken_in.emit()
        if self.answer is None:
            self.rollouts.take()

    def _on_answer(self, answer: Answer) -> None:
        self._take_fresh()
        self.answered.emit(answer)
        self._due += [take for take in self._takers if take not in self._due]  # who still waits comes first
        if answer.request.urgent or self.drag.active:
            while self._due:
                self._take_turn()
        if not self._due:
            self.taken_in.emit()

    def take_in_turn(self, take: Callable[[Answer], None]) -> None:
        """Give answers to `take` too: at once where a hand waits for them, else a frame later than to those before it.

        While a model trains there are several a second; drawn anew in one frame, all plots would make it a long one.
        """
        self._takers.append(take)

    def _take_turn(self) -> None:
        take = self._due.pop(0)
        if self.answer is not None:
            take(self.answer)

    # Beginning and end ------------------------------------------------------------------------------------------------

    @property
    def preloaded(self) -> bool:
        """Whether everything that loads in the background is there."""
        return self.preload.done

    def _on_loaded(self) -> None:
        self.rollouts.worker.reference_ready = self.preload.scipy_ready
        self.rollouts.want(urgent=False)

    def _on_missed(self, text: str) -> None:
        """Pass on what the program does without; in the thread that loads."""
        self.noticed.emit(text, False)

    def close(self, seconds: float = 10.0) -> bool:
        """Stop every thread; return whether all have ended in time. What a fit has reached is still drained."""
        self.frame_clock.stop()
        self.training.worker.stop()
        self.live_fit.close()
        typed = "typed_system" not in vars(self) or self.typed_system.close(seconds)
        debugged = "debugging" not in vars(self) or self.debugging.close(seconds)
        ended = self.training.worker.join(seconds)
        self.training.drain()
        parts = (self.rollouts.worker, self.dataset_worker, self.preload, self.evaluation.worker)
        return all([ended, typed, debugged, *(part.close(seconds) for part in parts)])
