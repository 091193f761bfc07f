"""The laboratory behind the window: document, simulation, jobs and clock, wired together; panels show it."""

import time
import traceback
from array import array
from collections import deque
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QObject, Qt, Signal

from app.model.document import Document, State, View
from app.model.frame_clock import FrameClock
from app.model.model_roles import compared_key, field_key, judged_key, latents_key
from app.model.playback import Transport
from app.model.rollout_messages import Answer, Request, ShownModel, Track
from app.model.seed_ensembles import Families
from app.workers.dataset_worker import DataMaker
from app.workers.live_fit import LiveFit, why_not_live
from app.workers.preload import WarmUp
from app.workers.rollout_worker import Simulation
from app.workers.training_worker import (
    FitEvent,
    FitInfo,
    JobEnded,
    JobRunner,
    JobStarted,
    Judging,
    Kept,
    Live,
    Message,
    Reached,
)
from hnn_engine.coords import Array
from hnn_engine.data_edits import UNTOUCHED, ByHand
from hnn_engine.datasets import Dataset
from hnn_engine.errors import HnnLabError
from hnn_engine.experiment import (
    Experiment,
    check_seed,
    default_settings,
    following_models,
    same_stage,
    same_system,
)
from hnn_engine.fitting import get_recipe
from hnn_engine.models import get_model
from hnn_engine.phase_portrait import Drawn, PortraitSpec, States, drawn_rows, sample
from hnn_engine.rollouts.steering import STEERINGS, Steering

if TYPE_CHECKING:
    from hnn_engine.records import Run


QUICK_ROWS = 20_000  # of data that a live fit makes itself


@dataclass
class FitSeries:
    """The growing losses of one fit, as the loss panel draws them."""

    info: FitInfo
    steps: "array[float]" = field(default_factory=lambda: array("d"))
    train: "array[float]" = field(default_factory=lambda: array("d"))
    test_steps: "array[float]" = field(default_factory=lambda: array("d"))
    test: "array[float]" = field(default_factory=lambda: array("d"))
    judging: bool = False
    done: bool = False

    @property
    def step(self) -> int:
        """The last step done."""
        return int(self.steps[-1]) if self.steps else 0


class Lab(QObject):
    """What the panels show and act on.

    Signals: `answered(Answer)` new rollouts, `taken_in()` once every panel has them; `dataset_changed(Dataset | None)`;
    `job_changed()` a job began, paused, went on or ended; `losses_changed()` at most once a frame;
    `noticed(text, is_error)`; `failed(text, details)`; `reached_changed(runs)` fits ended that are still to be judged.
    """

    answered = Signal(object)
    taken_in = Signal()
    dataset_changed = Signal(object)
    job_changed = Signal()
    losses_changed = Signal()
    noticed = Signal(str, bool)
    failed = Signal(str, str)
    reached_changed = Signal(object)
    _woken = Signal()

    def __init__(self, experiment: Experiment, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.document = Document(State(experiment), self)
        self.transport = Transport(experiment.rollout.length, self)
        self.clock = FrameClock(self)
        self.simulation = Simulation()
        self.jobs = JobRunner()
        self.data = DataMaker(experiment, self)
        self.warm_up = WarmUp(lambda: self.dragging, self._on_loaded, self.failed.emit, self._on_missed)
        self.live_fit = LiveFit(self)
        self.families = Families()
        self.series: dict[str, FitSeries] = {}
        self.live: dict[str, ShownModel] = {}
        self.reached: dict[str, Run] = {}  # fits that ended and are still to be judged
        self.job_experiment: Experiment | None = None
        self.answer: Answer | None = None
        self.portrait: PortraitSpec | None = None
        self.training_states: States | None = None  # some of the data, for the worker
        self.drawn: Drawn | None = None  # what of it was drawn by hand
        self._known_data: Dataset | None = None  # what these are of
        self._fresh: tuple[Experiment, Dataset] | None = None  # found by a live fit under a hand, not on screen yet
        self._rates: deque[tuple[float, int]] = deque()
        self.dragging = False
        self._states: dict[str, tuple[Track, Array]] = {}
        self._states_at = -1.0
        self._dirty = True
        self._urgent = True
        self._asked = 0.0
        self._gesture: object = None
        self.simulation.failure = self._worker_failed
        self.simulation.wake = self._woken.emit
        self._connect()
        self._ask()  # the first rollouts are computed while the window is being built

    def _connect(self) -> None:
        self.document.changed.connect(self._on_changed)
        self.document.view_changed.connect(self._on_view)
        self.clock.frame.connect(self._on_frame)
        self.clock.painted.connect(self._take_answer)
        self.data.changed.connect(self._on_dataset)
        self.data.changed.connect(self.dataset_changed)
        self.data.refused.connect(lambda text: self.noticed.emit(text, True))
        self.live_fit.found.connect(self._on_refitted)
        self.live_fit.refused.connect(self._on_refit_refused)
        self._woken.connect(self._on_woken, Qt.ConnectionType.QueuedConnection)

    def start(self) -> None:
        """Begin to compute and to tick."""
        self.clock.start()
        self._wish_for_data()

    @property
    def dataset(self) -> Dataset | None:
        """The training data on screen."""
        return self.data.dataset

    def _wish_for_data(self) -> None:
        """Want the data that belongs to the experiment, once no hand moves anything; and in a live fit its models."""
        if self.document.view.live_fit and self._data_follows():
            self.live_fit.wish(self.experiment, self.data.of(self.experiment))
        elif not self.dragging:
            self.data.wish(self.experiment)

    def _data_follows(self) -> bool:
        """Whether the data is at hand or soon made, so that a live fit sees to it."""
        system, data = self.experiment.system, self.experiment.data
        if self.data.of(self.experiment) is not None or system is None:
            return True
        return not system.close_encounters and int(data["trajectories"]) * int(data["points"]) <= QUICK_ROWS

    # The live fit -----------------------------------------------------------------------------------------------------

    def set_live_fit(self, on: bool) -> None:
        """Fit anew with every change from now on, or no more. The recipe becomes one that can, as an edit."""
        if on and not get_recipe(self.experiment.recipe).follows and not self.experiment.frame_size:
            swift = following_models(self.experiment)
            settings = default_settings("sampled", self.experiment.stage)
            self.edit("Fit live", recipe="sampled", settings=settings, models=swift)
        reason = why_not_live(self.experiment) if on else ""
        if reason:
            self.noticed.emit(reason, True)
        self.document.look(live_fit=on and not reason)

    def _follow_live_fit(self) -> None:
        """Begin, go on with or end the live fit, as the view and the experiment have it."""
        reason = why_not_live(self.experiment) if self.document.view.live_fit else ""
        if reason:
            self.noticed.emit(reason, True)
            self.document.look(live_fit=False)  # comes back here
        elif not self.document.view.live_fit:
            self.live_fit.end()

    def _on_refitted(self, experiment: Experiment, data: Dataset) -> None:
        if not same_stage(experiment, self.experiment):
            return
        if self.dragging:  # as with a start that is dragged; models and dots are then drawn at once
            self._learn_of(data)
            self._fresh = (experiment, data)
            self._ask()
        else:
            self._fresh = None  # an older one would take its place
            self.data.take(experiment, data)
            self._mark(urgent=False)

    def _take_fresh(self) -> None:
        """Show the data of the models that a live fit has found under a hand."""
        fresh, self._fresh = self._fresh, None
        if fresh is not None and same_stage(fresh[0], self.experiment):
            self.data.take(*fresh)

    def _on_refit_refused(self, problem: str) -> None:
        self._mark(urgent=False)
        self.noticed.emit(problem, True)

    # Edits that several panels make -----------------------------------------------------------------------------------

    @property
    def experiment(self) -> Experiment:
        """The experiment on screen."""
        return self.document.experiment

    def edit(self, label: str, gesture: object = None, **changes: Any) -> bool:
        """Change fields of the experiment; say why not where that is impossible. Return whether it was done."""
        before = self.experiment
        try:
            self.document.edit(replace(before, **changes), label, gesture)
        except HnnLabError as error:
            self.noticed.emit(str(error), True)
            return False
        if before.hand != UNTOUCHED and self.experiment.hand == UNTOUCHED and changes.keys() != {"hand"}:
            what = f"What was drawn, moved or taken out by hand stays with {before.source_title}"
            self.noticed.emit(f"{what}: undo brings it back.", False)
        return True

    def put(self, label: str, experiment: Experiment) -> bool:
        """Make the whole of `experiment` the present one, as `edit` does."""
        return self.edit(label, **{field.name: getattr(experiment, field.name) for field in fields(experiment)})

    def begin_drag(self) -> None:
        """A hand takes the start: play stands still at its beginning until `end_drag`."""
        self._gesture, self.dragging = object(), True
        self.transport.hold(True)

    def drag_start(self, coords: Array, begin: str = "frames") -> None:
        """Move the start to `coords` `(2*dof,)`, as a part of the gesture under way.

        `begin` says whether models of frames begin at what they see there, or at their latents of just these `coords`.
        """
        if not np.isfinite(coords).all():
            return
        self._asked = time.perf_counter()
        self.transport.seek(0.0)
        self.edit("Move the start", self._gesture or object(), **self._start(coords, begin))
        self._ask()  # now and not with the next frame: the hand should not wait

    def end_drag(self) -> None:
        """The hand lets go: the full horizon is computed, and play goes on."""
        self.dragging, self._gesture = False, None
        self.transport.hold(False)
        self._wish_for_data()
        self._mark(urgent=True)

    def slide(self, final: bool) -> None:
        """A slider is being moved (previews), or was let go (the full horizon, and new data)."""
        self.dragging = not final
        self._asked = time.perf_counter()
        self._wish_for_data()
        self._mark(urgent=True)

    def move_data(self, label: str, gesture: object, hand: ByHand) -> None:
        """A hand changes the data, as a part of `gesture`; `slide(final=True)` ends it."""
        self.slide(final=False)
        self.edit(label, gesture, hand=hand)

    def cancel_drag(self) -> None:
        """Take the gesture back."""
        gesture = self._gesture
        self.end_drag()
        self.document.cancel(gesture)

    def _start(self, coords: Array, begin: str) -> dict[str, Any]:
        rollout = self.experiment.rollout
        changed = {} if rollout.begin == begin else {"rollout": replace(rollout, begin=begin)}
        return {"start": tuple(float(x) for x in coords), **changed}

    def nudge_start(self, coords: Array, begin: str = "frames") -> None:
        """Move the start by a key, as `drag_start` does; quick repetitions are one undo step."""
        now = time.monotonic()
        if now - getattr(self, "_nudged", -9.0) > 0.8:
            self._nudge_gesture = object()
        self._nudged = now
        self.transport.seek(0.0)
        self.edit("Nudge the start", self._nudge_gesture, **self._start(coords, begin))

    def steer(self, kind: str) -> None:
        """Do `kind` (of `STEERINGS`) to all rollouts from the present instant on; the same again leaves them alone."""
        spec = self.experiment.rollout
        before = spec.steering
        kind = "none" if kind == before.kind else kind
        steering = replace(before, kind=kind)
        if kind != "none":
            inside = spec.dt <= self.transport.time <= 0.9 * spec.horizon
            at = self.transport.time if inside else spec.horizon / (2 if kind == "reverse" else 3)
            steering = replace(steering, at=max(round(at / spec.dt), 1) * spec.dt)
            if kind != "reverse" and before.kind not in ("pump", "drain"):
                steering = replace(steering, span=self._gentle_span())
        self.edit(STEERINGS[kind].title, rollout=replace(spec, steering=steering))

    def _gentle_span(self) -> float:
        """Return for how long to climb H by default: E / (4‖∇H‖²), in which the energy rises by about a quarter."""
        system, track = self.experiment.system, self.answer.truth if self.answer is not None else None
        if system is None:
            return Steering().span
        start = np.array(self.experiment.start)
        here = self.state_of(track) if track is not None and np.isfinite(self.state_of(track)).all() else start
        slope = max(float(np.sum(system.gradient(here) ** 2)), 1e-9)
        return float(f"{min(max(0.25 * system.energy_scale(start) / slope, 0.01), 10.0):.2g}")

    # Models on screen -------------------------------------------------------------------------------------------------

    def shown_models(self) -> tuple[ShownModel, ...]:
        """The models to follow: what trains now, and the shown runs of the other models."""
        live = [m for m in self.live.values() if self.job_is_here()]
        training = {m.model for m in live}
        refitted = [m for m in self.live_fit.models if m.model not in training]
        new = {m.model for m in refitted}
        runs = [
            r
            for r in self.document.state.applicable()
            if r.snapshot.model not in new and (r.snapshot.model not in training or r.id in self.series)
        ]
        live += refitted
        order = [spec.name for spec in self.experiment.models]
        return tuple(
            sorted(self.families.grouped(runs) + live, key=lambda m: order.index(m.model) if m.model in order else 99)
        )

    def job_is_here(self) -> bool:
        """Whether the job that runs (or ran last) fits the system on screen."""
        return self.job_experiment is not None and same_stage(self.job_experiment, self.experiment)

    def show_learned_field(self) -> None:
        """Show the field of a shown model in place of truth's, one with an energy before one without."""
        able = sorted(self.shown_models(), key=lambda shown: not shown.snapshot.has_energy)
        if able and self.document.view.field == "truth":
            self.document.look(field=able[0].model)

    def latents_key(self) -> str:
        """The key of the model whose latents the portrait shows, or ''."""
        return latents_key(self.shown_models(), self.document.view) if self.experiment.stage.observed else ""

    def run_of(self, key: str) -> "Run | None":
        """The run with this id, or None."""
        return next((r for r in self.document.state.runs if r.id == key), None)

    def state_of(self, track: Track) -> Array:
        """The coords of `track` at the transport's instant; every panel of a frame asks for the same few."""
        if self._states_at != self.transport.time:
            self._states_at = self.transport.time
            self._states.clear()
        known = self._states.get(track.key)
        if known is None or known[0] is not track:
            known = self._states[track.key] = (track, track.state_at(self.transport.time))
        return known[1]

    # Requests ---------------------------------------------------------------------------------------------------------

    def show_portrait(self, spec: PortraitSpec) -> None:
        """The portrait shows this plane from now on; the state that it goes through is always the start."""
        plane = replace(spec, through=(), latents="")
        if plane != self.portrait:
            self.portrait = plane
            self._mark(urgent=False)

    def refresh(self) -> None:
        """Compute everything on screen anew, for a panel that has just come."""
        self._mark(urgent=False)

    def _mark(self, urgent: bool) -> None:
        self._dirty = True
        self._urgent = self._urgent or urgent

    def _on_changed(self, old: State, new: State) -> None:
        spec = new.experiment.rollout
        self.transport.set_horizon(spec.length, spec.dt)
        if not same_stage(old.experiment, new.experiment):
            self.answer = None
            self.portrait = None
            self.live_fit.end()
        followed = {run.id for run in new.runs if run.id in new.shown}
        for run in old.runs:  # deleted ones too: undo brings them back
            if run.id in old.shown and run.id not in followed:
                run.snapshot.forget()
        self._follow_live_fit()
        self._wish_for_data()
        self._mark(urgent=True)

    def _on_view(self, old: View, new: View) -> None:
        self.transport.set_speed(new.speed)
        if old.live_fit != new.live_fit:
            self._follow_live_fit()
            self._wish_for_data()
        self._mark(urgent=True)

    def _on_dataset(self, data: Dataset | None) -> None:
        if data is not None:
            self._wish_for_data()  # a live fit may have waited for it
        if self._learn_of(data):
            self._mark(urgent=False)

    def _learn_of(self, data: Dataset | None) -> bool:
        """Take in what the worker is to know of `data`; return whether that is anything new."""
        if data is not None and data is self._known_data:
            return False
        self._known_data = data
        self.training_states = sample(data.coords, data.train, data.frame_pairs) if data is not None else None
        self.drawn = drawn_rows(data)
        return True

    def _ask(self) -> None:
        view, portrait, models = self.document.view, self.portrait, self.shown_models()
        if portrait is not None:
            start = self.experiment.start
            plane = replace(portrait, through=start, latents=self.latents_key())
            portrait = plane if len(start) > max(portrait.axes) else None
        self.simulation.ask(
            Request(
                experiment=self.experiment,
                models=models,
                portrait=portrait,
                field_of=field_key(models, view),
                arrows=view.arrows,
                contours=view.contours,
                preview=self.dragging,
                energy_of=view.energy_of,
                compared=compared_key(models, view),
                states=self.training_states,
                drawn=self.drawn,
                judged=judged_key(models, view),
                urgent=self._urgent,
                asked=self._asked or time.perf_counter(),
            )
        )
        self._dirty = self._urgent = False
        self._asked = 0.0

    # The frame --------------------------------------------------------------------------------------------------------

    def _on_frame(self, seconds: float) -> None:
        self._drain_job()
        if self._dirty:
            self._ask()
        self.transport.advance(seconds)
        if self.answer is None:
            self._take_answer()

    def _on_woken(self) -> None:
        """The simulation has an answer. A hand should not wait for it; otherwise it is drawn after the next frame."""
        if self.dragging:
            self._take_answer()

    def _take_answer(self) -> None:
        """Show the newest answer, unless it is of another system by now."""
        answer = self.simulation.newest()
        if answer is not None and same_stage(answer.request.experiment, self.experiment):
            self.answer = answer
            self._take_fresh()
            self.answered.emit(answer)
            self.taken_in.emit()

    def _worker_failed(self, error: Exception) -> None:
        details = "".join(traceback.format_exception(error))
        self.failed.emit(f"The rollouts could not be computed: {error}", details)

    # Training ---------------------------------------------------------------------------------------------------------

    def train(self) -> None:
        """Fit the chosen models from fresh weights."""
        if self.jobs.running:
            return
        self._drain_job()  # what the last job left: it may have ended since the last frame
        seeds = self.document.view.seeds
        try:
            check_seed(self.experiment.seed + seeds - 1)
        except HnnLabError:
            self.noticed.emit(
                f"{seeds} seeds from {self.experiment.seed} on go beyond the largest: lower the seed.", True
            )
            return
        starts = self.beginnings() if self.document.view.polish else {}
        reason = next((why for why in (self.experiment.why_not_from(r.snapshot) for r in starts.values()) if why), "")
        if reason:
            self.noticed.emit(reason, True)
            return
        self.series.clear()
        self.live.clear()
        self._rates.clear()
        self.job_experiment = self.experiment
        self.jobs.start(self.experiment, self.data.of(self.experiment), seeds, starts)
        self.job_changed.emit()

    def beginnings(self) -> "dict[str, Run]":
        """The newest shown run of each chosen model, which the next fit may begin at."""
        chosen = {spec.name for spec in self.experiment.models}
        return {r.snapshot.model: r for r in self.document.state.applicable() if r.snapshot.model in chosen}

    def pause(self) -> None:
        """Pause the job, or let it go on."""
        if self.jobs.paused:
            self.jobs.resume()
        else:
            self.jobs.pause()
        self.job_changed.emit()

    def stop(self) -> None:
        """Stop the job and keep what was reached."""
        self.jobs.stop()
        self.job_changed.emit()

    def training_rate(self, now: float) -> float:
        """Return the steps a second of all fits together, over the last seconds of the job."""
        done = sum(s.step for s in self.series.values())
        self._rates.append((now, done))
        while len(self._rates) > 2 and now - self._rates[0][0] > 4.0:
            self._rates.popleft()
        began, first = self._rates[0]
        return (done - first) / (now - began) if now - began > 0.2 else 0.0

    def _drain_job(self) -> None:
        messages = self.jobs.drain()
        if not messages:
            return
        for message in messages:
            self._on_message(message)
        self.losses_changed.emit()

    def _on_message(self, message: Message) -> None:
        if isinstance(message, FitEvent):
            self._on_fit_event(message)
        elif isinstance(message, Live):
            title, group = get_model(message.model).title, f"live {message.model}"
            shown = ShownModel(message.fit, message.model, title, message.snapshot, True, group, message.member)
            self.live[message.fit] = shown
            self._mark(urgent=False)
        elif isinstance(message, JobStarted):
            self.series = {info.id: FitSeries(info) for info in message.fits}
            self.job_changed.emit()
        elif isinstance(message, Judging):
            self.series[message.fit].judging = True
            self.job_changed.emit()
        elif isinstance(message, Reached):
            self._reach({**self.reached, message.run.id: message.run})
        elif isinstance(message, Kept):
            self._keep(message)
        elif isinstance(message, JobEnded):
            self._end_job(message)

    def _on_fit_event(self, message: FitEvent) -> None:
        from hnn_engine.fitting.events import Evaluated, Progress, Started  # loaded by the job by now

        series, event = self.series[message.fit], message.event
        if isinstance(event, Progress):
            series.steps.append(event.step)
            series.train.append(event.train_loss)
        elif isinstance(event, Evaluated):
            series.test_steps.append(event.step)
            series.test.append(event.test_loss)
        elif isinstance(event, Started):  # only now a closed form knows
            series.info = replace(series.info, steps=event.steps)

    def _reach(self, runs: "dict[str, Run]") -> None:
        self.reached = runs
        self.reached_changed.emit(tuple(runs.values()))

    def _keep(self, message: Kept) -> None:
        run = message.run
        series = self.series[message.fit]
        series.judging, series.done = False, True
        same = {
            r.id
            for r in self.document.state.runs
            if r.snapshot.model == run.snapshot.model
            and same_system(r.experiment, run.experiment)
            and r.id not in self.series  # its own repetitions stay
        }
        self.live.pop(message.fit, None)
        self.document.add_run(run, frozenset(same))
        self._reach({key: other for key, other in self.reached.items() if key != run.id})
        if run.ending == "failed":
            self.noticed.emit(f"{get_model(run.snapshot.model).title}: {run.reason}", True)

    def _end_job(self, message: JobEnded) -> None:
        for run in tuple(self.reached.values()):  # judging has failed
            self._keep(Kept(run.id, run))
        self.live.clear()
        self._mark(urgent=False)
        if message.details:
            self.failed.emit(message.message, message.details)
        elif message.message:
            self.noticed.emit(message.message, True)
        self.jobs.join(1.0)
        self.job_changed.emit()

    def keep_job(self) -> None:
        """Take what a job that has just ended leaves behind, without waiting for the next frame."""
        self._drain_job()

    def drop_job(self) -> None:
        """Forget a job that has ended: its document is gone."""
        self.jobs.drain()
        self.live.clear()
        self.series.clear()
        self._reach({})
        self.job_changed.emit()

    # Beginning and end ------------------------------------------------------------------------------------------------

    @property
    def warm(self) -> bool:
        """Whether everything that loads in the background is there."""
        return self.warm_up.done

    def _on_loaded(self) -> None:
        self.simulation.reference_ready = self.warm_up.scipy_ready
        self._mark(urgent=False)

    def _on_missed(self, text: str) -> None:
        """Pass on what the program does without; in the thread that loads."""
        self.noticed.emit(text, False)

    def close(self, seconds: float = 10.0) -> bool:
        """Stop every thread; return whether all have ended in time. What a fit has reached is still drained."""
        self.clock.stop()
        self.jobs.quit()
        self.live_fit.close()
        ended = self.jobs.join(seconds)
        self._drain_job()
        parts = (self.simulation, self.data, self.warm_up)
        return all([ended, *(part.close(seconds) for part in parts)])
