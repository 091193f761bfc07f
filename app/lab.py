"""The laboratory behind the window: document, simulation, jobs and clock, wired together; panels show it."""

import ctypes
import gc
import importlib.util
import sys
import threading
import time
import traceback
from array import array
from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QObject, Qt, Signal

from app.clock import FrameClock
from app.document import Document, State, View
from app.jobs import FitEvent, FitInfo, JobEnded, JobRunner, JobStarted, Judging, Kept, Live, Message
from app.portrait_field import PortraitSpec
from app.priority import give_way
from app.simulation import Answer, Request, ShownModel, Simulation, Track
from app.transport import Transport
from hnn_engine.coords import Array
from hnn_engine.datasets import Dataset
from hnn_engine.errors import HnnLabError
from hnn_engine.experiment import Experiment
from hnn_engine.models import get_model

if TYPE_CHECKING:
    from hnn_engine.records import Run

DataKey = tuple[Hashable, ...]


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
    `noticed(text, is_error)`; `failed(text, details)`.
    """

    answered = Signal(object)
    taken_in = Signal()
    dataset_changed = Signal(object)
    job_changed = Signal()
    losses_changed = Signal()
    noticed = Signal(str, bool)
    failed = Signal(str, str)
    _computed = Signal(object, object, str)
    _woken = Signal()

    def __init__(self, experiment: Experiment, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.document = Document(State(experiment), self)
        self.transport = Transport(experiment.rollout.horizon, self)
        self.clock = FrameClock(self)
        self.simulation = Simulation()
        self.jobs = JobRunner()
        self.series: dict[str, FitSeries] = {}
        self.live: dict[str, ShownModel] = {}
        self.job_experiment: Experiment | None = None
        self.answer: Answer | None = None
        self.dataset: Dataset | None = None
        self.portrait: PortraitSpec | None = None
        self._rates: deque[tuple[float, int]] = deque()
        self.dragging = False
        self._states: dict[str, tuple[Track, Array]] = {}
        self._states_at = -1.0
        self._dirty = True
        self._urgent = True
        self._asked = 0.0
        self._gesture: object = None
        self._data_key: DataKey | None = None
        self._job_data_key: DataKey | None = None
        self.data_share = 0.0
        self._closing = False
        self._warm: threading.Thread | None = None
        self._data_thread: threading.Thread | None = None
        self.simulation.failure = self._worker_failed
        self.simulation.wake = self._woken.emit
        self._connect()

    def _connect(self) -> None:
        self.document.changed.connect(self._on_changed)
        self.document.view_changed.connect(self._on_view)
        self.clock.frame.connect(self._on_frame)
        self._computed.connect(self._on_dataset)
        self._woken.connect(self._on_woken, Qt.ConnectionType.QueuedConnection)

    def start(self) -> None:
        """Begin to compute and to tick."""
        self.clock.start()
        self._refresh_dataset()

    # Edits that several panels make -----------------------------------------------------------------------------------

    @property
    def experiment(self) -> Experiment:
        """The experiment on screen."""
        return self.document.experiment

    def edit(self, label: str, gesture: object = None, **changes: Any) -> bool:
        """Change fields of the experiment; say why not where that is impossible. Return whether it was done."""
        try:
            self.document.edit(replace(self.experiment, **changes), label, gesture)
        except HnnLabError as error:
            self.noticed.emit(str(error), True)
            return False
        return True

    def begin_drag(self) -> None:
        """A hand takes the start: play stands still at its beginning until `end_drag`."""
        self._gesture, self.dragging = object(), True
        self.transport.hold(True)

    def drag_start(self, coords: Array) -> None:
        """Move the start to `coords` `(2*dof,)`, as a part of the gesture under way."""
        if not np.isfinite(coords).all():
            return
        self._asked = time.perf_counter()
        self.transport.seek(0.0)
        self.edit("Move the start", self._gesture or object(), start=tuple(float(x) for x in coords))
        self._ask()  # now and not with the next frame: the hand should not wait

    def end_drag(self) -> None:
        """The hand lets go: the full horizon is computed, and play goes on."""
        self.dragging, self._gesture = False, None
        self.transport.hold(False)
        self._refresh_dataset()
        self._mark(urgent=True)

    def slide(self, final: bool) -> None:
        """A slider is being moved (previews), or was let go (the full horizon, and new data)."""
        self.dragging = not final
        self._asked = time.perf_counter()
        self._refresh_dataset()
        self._mark(urgent=True)

    def cancel_drag(self) -> None:
        """Take the gesture back."""
        gesture = self._gesture
        self.end_drag()
        self.document.cancel(gesture)

    def nudge_start(self, coords: Array) -> None:
        """Move the start by a key; quick repetitions are one undo step."""
        now = time.monotonic()
        if now - getattr(self, "_nudged", -9.0) > 0.8:
            self._nudge_gesture = object()
        self._nudged = now
        self.transport.seek(0.0)
        self.edit("Nudge the start", self._nudge_gesture, start=tuple(float(x) for x in coords))

    # Models on screen -------------------------------------------------------------------------------------------------

    def shown_models(self) -> tuple[ShownModel, ...]:
        """The models to follow: what trains now, and the shown runs of the other models."""
        live = [m for m in self.live.values() if self.job_is_here()]
        training = {m.model for m in live}
        runs = [r for r in self.document.state.applicable() if r.snapshot.model not in training]
        counts: dict[str, int] = {}
        for run in runs:
            counts[run.snapshot.model] = counts.get(run.snapshot.model, 0) + 1
        kept = [
            ShownModel(r.id, r.snapshot.model, run_label(r, counts[r.snapshot.model] > 1), r.snapshot) for r in runs
        ]
        order = [spec.name for spec in self.experiment.models]
        return tuple(sorted(kept + live, key=lambda m: order.index(m.model) if m.model in order else 99))

    def job_is_here(self) -> bool:
        """Whether the job that runs (or ran last) fits the system on screen."""
        return self.job_experiment is not None and same_stage(self.job_experiment, self.experiment)

    def field_key(self) -> str:
        """The key of the model whose field the portrait shows, or 'truth'."""
        wanted = self.document.view.field
        return next((m.key for m in self.shown_models() if m.model == wanted), "truth")

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
            known = self._states[track.key] = (track, state_at(track, self.transport.time))
        return known[1]

    # Requests ---------------------------------------------------------------------------------------------------------

    def show_portrait(self, spec: PortraitSpec) -> None:
        """The portrait shows this plane from now on."""
        if spec != self.portrait:
            self.portrait = spec
            self._mark(urgent=False)

    def refresh(self) -> None:
        """Compute everything on screen anew, for a panel that has just come."""
        self._mark(urgent=False)

    def _mark(self, urgent: bool) -> None:
        self._dirty = True
        self._urgent = self._urgent or urgent

    def _on_changed(self, old: State, new: State) -> None:
        spec = new.experiment.rollout
        self.transport.set_horizon(spec.horizon, spec.dt)
        if old.experiment.source_name != new.experiment.source_name or old.experiment.recording is not (
            new.experiment.recording
        ):
            self.answer = None
            self.portrait = None
        self._refresh_dataset()
        self._mark(urgent=True)

    def _on_view(self, old: View, new: View) -> None:
        self.transport.set_speed(new.speed)
        self._mark(urgent=True)

    def _ask(self) -> None:
        view, portrait = self.document.view, self.portrait
        if portrait is not None:
            portrait = replace(portrait, through=self.experiment.start)
            if len(portrait.through) <= max(portrait.axes):
                portrait = None
        self.simulation.ask(
            Request(
                generation=0,
                experiment=self.experiment,
                models=self.shown_models(),
                portrait=portrait,
                field_of=self.field_key(),
                arrows=view.arrows,
                contours=view.contours,
                preview=self.dragging,
                energy_of=view.energy_of,
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
        self._take_answer()

    def _on_woken(self) -> None:
        """The simulation has an answer. A hand should not wait for it; otherwise it is drawn with the next frame."""
        if self.dragging:
            self._take_answer()

    def _take_answer(self) -> None:
        """Show the newest answer, unless it is of another system by now."""
        answer = self.simulation.newest()
        if answer is not None and same_stage(answer.request.experiment, self.experiment):
            self.answer = answer
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
        data = self.dataset if self._data_key == data_key(self.experiment) else None
        self.series.clear()
        self.live.clear()
        self._rates.clear()
        self.job_experiment = self.experiment
        self.jobs.start(self.experiment, data)
        self.job_changed.emit()

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
            title = get_model(message.model).title
            self.live[message.fit] = ShownModel(message.fit, message.model, title, message.snapshot, live=True)
            self._mark(urgent=False)
        elif isinstance(message, JobStarted):
            self.series = {info.id: FitSeries(info) for info in message.fits}
            self.job_changed.emit()
        elif isinstance(message, Judging):
            self.series[message.fit].judging = True
            self.job_changed.emit()
        elif isinstance(message, Kept):
            self._keep(message)
        elif isinstance(message, JobEnded):
            self._end_job(message)

    def _on_fit_event(self, message: FitEvent) -> None:
        from hnn_engine.fitting.events import Evaluated, Progress  # loaded by the job by now

        series, event = self.series[message.fit], message.event
        if isinstance(event, Progress):
            series.steps.append(event.step)
            series.train.append(event.train_loss)
        elif isinstance(event, Evaluated):
            series.test_steps.append(event.step)
            series.test.append(event.test_loss)

    def _keep(self, message: Kept) -> None:
        run = message.run
        series = self.series[message.fit]
        series.judging, series.done = False, True
        same = {
            r.id
            for r in self.document.state.runs
            if r.snapshot.model == run.snapshot.model and r.experiment.source_name == run.experiment.source_name
        }
        self.live.pop(message.fit, None)
        self.document.add_run(run, frozenset(same))
        if run.ending == "failed":
            self.noticed.emit(f"{get_model(run.snapshot.model).title}: {run.reason}", True)

    def _end_job(self, message: JobEnded) -> None:
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
        self.job_changed.emit()

    # Data -------------------------------------------------------------------------------------------------------------

    def _refresh_dataset(self) -> None:
        """Make the data anew where what it depends on has changed; the newest wish wins."""
        key = data_key(self.experiment)
        if key == self._job_data_key or self.dragging:
            return
        if self._job_data_key is not None and self._job_data_key[0] != key[0]:
            self.dataset, self._data_key = None, None  # of another system: its dots and its floor mean nothing here
            self.dataset_changed.emit(None)
        self._job_data_key = key
        self.data_share = 0.0
        if self._data_thread is None or not self._data_thread.is_alive():
            self._data_thread = threading.Thread(target=self._make_data, name="data", daemon=True)
            self._data_thread.start()

    def _make_data(self) -> None:
        give_way()
        done: DataKey | None = None
        while not self._closing and self._job_data_key != done:
            experiment = self.experiment
            done = data_key(experiment)
            try:
                data, problem = experiment.dataset(partial(self._on_data_progress, done)), ""
            except _SupersededError:
                continue
            except HnnLabError as error:
                data, problem = None, str(error)
            except Exception as error:
                data, problem = None, f"The data could not be made: {error}"
            if not self._closing:
                self._computed.emit(data, done, problem)

    def _on_data_progress(self, key: Hashable, share: float) -> None:
        """In the data thread: note how far it is, and end what nobody wants any more."""
        self.data_share = share
        if self._closing or self._job_data_key != key:
            raise _SupersededError

    @property
    def data_pending(self) -> bool:
        """Whether data is being made."""
        return self._data_key != self._job_data_key

    def _on_dataset(self, data: Dataset | None, key: Hashable, problem: str) -> None:
        if key != data_key(self.experiment):
            self._job_data_key = None
            self._refresh_dataset()
            return
        self.dataset, self._data_key = data, key
        if problem:
            self.noticed.emit(problem, True)
        self.dataset_changed.emit(data)

    # Beginning and end ------------------------------------------------------------------------------------------------

    def warm_up(self) -> None:
        """Load scipy, the compiled loops and torch in the background, when no hand is moving anything."""
        if self._warm is None:
            self._warm = threading.Thread(target=self._load, name="warm-up", daemon=True)
            self._warm.start()

    def _load(self) -> None:
        give_way()
        try:
            for load in (_load_scipy, partial(_load_kernels, lambda: self._closing), _load_torch):
                while self.dragging and not self._closing:
                    time.sleep(0.05)
                if self._closing:
                    return
                load()
                gc.freeze()  # what a library leaves behind stays: searching it for garbage would cost frames
                if load is _load_scipy:
                    self.simulation.reference_ready = True
                self._mark(urgent=False)
        except Exception as error:
            self.failed.emit(f"A library could not be loaded: {error}", traceback.format_exc())

    @property
    def warm(self) -> bool:
        """Whether everything that loads in the background is there."""
        return self._warm is not None and not self._warm.is_alive()

    def close(self, seconds: float = 10.0) -> bool:
        """Stop every thread; return whether all have ended in time. What a fit has reached is still drained."""
        self._closing = True
        self.clock.stop()
        self.jobs.quit()
        ended = self.jobs.join(seconds)
        self._drain_job()
        ended = self.simulation.close(seconds) and ended
        for thread in (self._data_thread, self._warm):
            if thread is not None:
                thread.join(seconds)
                ended = ended and not thread.is_alive()
        return ended


class _SupersededError(Exception):
    """Data is wanted no more."""


def data_key(experiment: Experiment) -> DataKey:
    """What the training data of `experiment` depends on."""
    source = experiment.source
    recording = experiment.recording
    if recording is not None:
        return id(recording), getattr(source, "method", ""), getattr(source, "window", 0)
    system = experiment.system
    assert system is not None
    return system.name, tuple(system.values.items()), tuple(experiment.data.items()), experiment.seed


def same_stage(one: Experiment, other: Experiment) -> bool:
    """Whether the two study the same system, whatever its constants, or the same recording."""
    return one.source_name == other.source_name and one.recording is other.recording


def run_label(run: "Run", several: bool) -> str:
    """The model's title, with the run's own where several of the model are shown."""
    title = get_model(run.snapshot.model).title
    return run.title if several else title


def state_at(track: Track, t: float) -> Array:
    """Return the coords of `track` at time `t`, linear between samples; NaN where it has ended."""
    times, coords = track.t, track.coords
    i = int(np.searchsorted(times, t, side="right")) - 1
    if i >= len(times) - 1 and t > times[-1] + 1e-9:
        return np.full(coords.shape[1], np.nan)
    i = min(max(i, 0), max(len(times) - 2, 0))
    j = min(i + 1, len(times) - 1)
    share = min(max((t - times[i]) / (times[j] - times[i]), 0.0), 1.0) if j > i else 0.0
    state: Array = coords[i] + share * (coords[j] - coords[i])
    return state


def _load_scipy() -> None:
    import contourpy
    import scipy.integrate

    assert contourpy is not None
    assert scipy.integrate is not None


def _load_kernels(interrupt: Callable[[], bool]) -> None:
    from hnn_engine.compiled import load

    load(build_elsewhere=True, interrupt=interrupt)


def _load_torch() -> None:
    """Import torch, its great library first: loaded by itself it does not hold the interpreter."""
    spec = importlib.util.find_spec("torch")
    if spec is not None and spec.origin is not None:
        name = {"linux": "libtorch_cpu.so", "darwin": "libtorch_cpu.dylib"}.get(sys.platform, "")
        library = Path(spec.origin).parent / "lib" / name
        if name and library.is_file():
            ctypes.CDLL(str(library))
    import torch

    torch.set_num_threads(1)
