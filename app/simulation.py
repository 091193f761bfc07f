"""The rollouts on screen: one worker thread that computes them, the newest request first.

A request is frozen; an answer carries its generation, so a stale one is dropped. While a button is down, or a model
trains, a request is a preview: fewer steps, and the truth by collocation instead of the reference integrator (see
`PREVIEW_TOLERANCE`). A full request is interrupted by a newer
one from a hand, not by newer weights: so it always gets done while a model trains.
"""

import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace

import numpy as np

from app.portrait_field import PortraitField, PortraitSpec, compute_field
from hnn_engine.collocation import collocate
from hnn_engine.comparison import energy_drift, relative_error
from hnn_engine.coords import Array
from hnn_engine.experiment import Experiment
from hnn_engine.integrators import Rollout, rollout, why_not
from hnn_engine.snapshot import Snapshot

PREVIEW_STEPS = 250
PREVIEW_TOLERANCE = 1e-8  # of the collocation; its error over a preview stays under 1e-6 of the scale
MODEL_TOLERANCE = 1e-9  # of adaptive rollouts of models: they are not better than that


@dataclass(frozen=True, eq=False)
class ShownModel:
    """A model to follow: `key` names it on screen (a run's id, or a fit's while it trains)."""

    key: str
    model: str
    title: str
    snapshot: Snapshot
    live: bool = False


@dataclass(frozen=True, eq=False)
class Request:
    """What is to be computed."""

    generation: int
    experiment: Experiment
    models: tuple[ShownModel, ...]
    portrait: PortraitSpec | None
    field_of: str  # 'truth' or the key of a model
    arrows: bool
    contours: bool
    preview: bool
    energy_of: str = "reference"
    urgent: bool = True  # asked by a hand: it interrupts a full request that is under way
    asked: float = 0.0  # perf_counter when the hand moved


@dataclass(frozen=True, eq=False)
class Track:
    """One rollout and what is plotted of it. `key` is 'truth' or the model's; NaN where unknown."""

    key: str
    model: str
    title: str
    t: Array
    coords: Array
    drift: Array
    error: Array  # at `error_t`
    error_t: Array
    ended: float = float("nan")
    note: str = ""
    live: bool = False
    measured: bool = False


@dataclass(frozen=True, eq=False)
class Answer:
    """The tracks that a request asked for, truth first where there is one."""

    request: Request
    truth: Track | None
    models: tuple[Track, ...]
    field: PortraitField | None
    seconds: float


class Simulation:
    """The worker. `ask` from the window's thread, `newest` once a frame."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._pending: Request | None = None
        self._closing = False
        self._answer: Answer | None = None
        self._generation = 0
        self._busy = False
        self._tracks: dict[Hashable, Rollout] = {}
        self.reference_ready = False  # set once scipy is loaded; until then collocation stands in, at full accuracy
        self.failure: Callable[[Exception], None] = lambda error: None
        self._thread = threading.Thread(target=self._work, name="simulation", daemon=True)
        self._thread.start()

    @property
    def busy(self) -> bool:
        """Whether a request is pending or being computed."""
        return self._busy or self._pending is not None

    def ask(self, request: Request) -> int:
        """Replace what is pending by `request`; return its generation."""
        with self._condition:
            self._generation += 1
            self._pending = replace(request, generation=self._generation)
            self._condition.notify()
            return self._generation

    def newest(self) -> Answer | None:
        """Return the newest answer that has not been taken, or None."""
        answer, self._answer = self._answer, None
        return answer

    def close(self, seconds: float) -> bool:
        """End the thread; return whether it has ended."""
        with self._condition:
            self._closing = True
            self._condition.notify()
        self._thread.join(seconds)
        return not self._thread.is_alive()

    # In the thread ----------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        while True:
            with self._condition:
                self._busy = False
                while self._pending is None and not self._closing:
                    self._condition.wait()
                if self._closing:
                    return
                request, self._pending = self._pending, None
                self._busy = True
            assert request is not None
            try:
                answer = self._compute(request)
            except Exception as error:
                self.failure(error)
                continue
            if answer is not None:
                self._answer = answer

    def _interrupted(self) -> bool:
        pending = self._pending
        return (pending is not None and pending.urgent) or self._closing

    def _compute(self, request: Request) -> Answer | None:
        began = time.perf_counter()
        stop = None if request.preview else self._interrupted
        wanted: dict[Hashable, Rollout] = {}
        truth = self._truth(request, wanted, stop)
        models = []
        for shown in request.models:
            models.append(self._model(request, shown, truth, wanted, stop))
            if stop is not None and stop():
                return None
        field = None
        if request.portrait is not None:
            snapshot = next((m.snapshot for m in request.models if m.key == request.field_of), None)
            field = compute_field(
                request.portrait, request.experiment.stage, snapshot, request.arrows, request.contours
            )
        if stop is not None and stop():
            return None
        self._tracks = wanted
        return Answer(request, truth, tuple(models), field, time.perf_counter() - began)

    def _times(self, request: Request) -> Array:
        times = request.experiment.rollout.times
        return times[: PREVIEW_STEPS + 1] if request.preview else times

    def _truth(
        self, request: Request, wanted: dict[Hashable, Rollout], stop: Callable[[], bool] | None
    ) -> Track | None:
        experiment = request.experiment
        system = experiment.system
        if system is None:
            return recorded_track(request)
        times, method = self._times(request), experiment.rollout.truth
        quick = method == "dop853" and (request.preview or not self.reference_ready)
        key = (
            "truth",
            system.name,
            tuple(system.values.items()),
            experiment.start,
            method,
            times[-1],
            len(times),
            quick,
        )
        answer = self._tracks.get(key)
        if answer is None:
            start = np.array(experiment.start)
            if quick:
                tolerance = PREVIEW_TOLERANCE if request.preview else 1e-12
                coords = collocate(system.field, start, times, tolerance)
                answer = Rollout(times, coords, np.array(np.nan))
            else:
                answer = rollout(system, start, times, method, interrupt=stop)
        wanted[key] = answer
        drift = energy_drift(system, answer.coords, answer.coords)
        if system.damped:
            drift = np.zeros(len(times))
        empty = np.empty(0)
        return Track(
            "truth", "truth", "truth", times, answer.coords, drift, empty, empty, float(answer.ended), answer.note
        )

    def _model(
        self,
        request: Request,
        shown: ShownModel,
        truth: Track | None,
        wanted: dict[Hashable, Rollout],
        stop: Callable[[], bool] | None,
    ) -> Track:
        experiment = request.experiment
        times, method = self._times(request), experiment.rollout.integrator
        reason = why_not(method, shown.snapshot)
        if reason:
            nothing = np.full((1, 2 * experiment.stage.dof), np.nan)
            lost = np.array([np.nan])
            return Track(shown.key, shown.model, shown.title, times[:1], nothing, lost, lost, times[:1], note=reason)
        key = (shown.key, id(shown.snapshot), experiment.start, method, times[-1], len(times))
        answer = self._tracks.get(key)
        if answer is None:
            start = np.array(experiment.start)
            answer = rollout(shown.snapshot, start, times, method, tolerance=MODEL_TOLERANCE, interrupt=stop)
        wanted[key] = answer
        drift, error_t, error = self._judge(request, shown, answer, truth)
        return Track(
            shown.key,
            shown.model,
            shown.title,
            times,
            answer.coords,
            drift,
            error,
            error_t,
            float(answer.ended),
            answer.note,
            shown.live,
        )

    def _judge(
        self, request: Request, shown: ShownModel, answer: Rollout, truth: Track | None
    ) -> tuple[Array, Array, Array]:
        """Return drift along the rollout, and error with its times."""
        experiment = request.experiment
        empty = np.empty(0)
        with np.errstate(over="ignore", invalid="ignore"):
            if experiment.system is not None:
                assert truth is not None
                drift = energy_drift(experiment.system, answer.coords, truth.coords)
                error = relative_error(answer.coords, truth.coords, experiment.stage.periodic)
                return drift, answer.t[: len(error)], error
            drift = recorded_drift(request, shown.snapshot, answer.coords)
            if truth is None or recorded_row(experiment) is None:
                return drift, empty, empty
            inside = truth.t <= answer.t[-1]
            columns = [np.interp(truth.t[inside], answer.t, answer.coords[:, i]) for i in range(answer.coords.shape[1])]
            track = np.stack(columns, axis=-1)
            return drift, truth.t[inside], relative_error(track, truth.coords[inside], experiment.stage.periodic)


# Recordings -----------------------------------------------------------------------------------------------------------


def recorded_row(experiment: Experiment) -> int | None:
    """Return the recorded row that the start sits on, or None where it was dragged off the track."""
    recording = experiment.recording
    assert recording is not None
    rows = np.flatnonzero((np.abs(recording.coords - np.array(experiment.start)) < 1e-9).all(axis=-1))
    return int(rows[0]) if len(rows) else None


def recorded_track(request: Request) -> Track:
    """Return the measured track from the start's row (or the first), up to the horizon, within its trial."""
    experiment = request.experiment
    recording = experiment.recording
    assert recording is not None
    row = recorded_row(experiment) or 0
    last = int(np.searchsorted(recording.trial, recording.trial[row], side="right"))
    t = recording.t[row:last] - recording.t[row]
    inside = t <= experiment.rollout.horizon + 1e-9
    coords = recording.coords[row:last][inside]
    learned = next((m.snapshot for m in request.models if m.snapshot.has_energy), None)
    drift = recorded_drift(request, learned, coords)
    empty = np.empty(0)
    return Track("truth", "truth", "recorded", t[inside], coords, drift, empty, empty, measured=True)


def recorded_drift(request: Request, snapshot: Snapshot | None, coords: Array) -> Array:
    """Return (H(x(t)) − H(x(0)))/E for a recording: by its stated reference H, or by the HNN's own."""
    recording = request.experiment.recording
    assert recording is not None
    reference, start = recording.reference, np.array(request.experiment.start)
    if request.energy_of == "learned" or reference is None:
        judge = snapshot if snapshot is not None and snapshot.has_energy else None
        judge = judge or next((m.snapshot for m in request.models if m.snapshot.has_energy), None)
        if judge is None:
            return np.full(len(coords), np.nan)
        own, first, lowest = (judge.hamiltonian(x) for x in (coords, start, recording.coords))
        assert own is not None
        assert first is not None
        assert lowest is not None
        return (own - first) / max(float(first - lowest.min()), 0.01 * float(np.ptp(lowest)), 1e-12)
    return (reference.hamiltonian(coords) - reference.hamiltonian(start)) / reference.energy_scale(start)


__all__ = ["Answer", "Request", "ShownModel", "Simulation", "Track"]
