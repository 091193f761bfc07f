"""The rollouts on screen: one worker thread that computes them, the newest request first.

A request is frozen; an answer carries the request, by which a stale one is known. While a button is down a request is a
preview: fewer steps. Truth is the reference integrator's. Until that is compiled, collocation stands in for it: alone
in a preview (see `PREVIEW_TOLERANCE`), and at first in a full request (at `STAND_IN_TOLERANCE`), which is then answered
twice. Behind it, up to when truth is known is computed, and one more answer says it (`RolloutCompanions`). A full
request is interrupted by a newer one from a drag, not by newer weights: so it always gets done while a model trains.
"""

import logging
import time
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from app.model.rollout_messages import Answer, Request, RolloutCurve, ShownModel
from app.workers.error_maps import ErrorMaps
from app.workers.latest_only import LatestOnly
from app.workers.rollout_companions import RolloutCompanions
from app.workers.thread_priority import give_way
from hnn_engine.coords import Array
from hnn_engine.experiment import Experiment
from hnn_engine.frame_metrics import frames_in_step
from hnn_engine.initial_frames import film_along, initial_condition, reader_of
from hnn_engine.integrators import why_not
from hnn_engine.phase_portrait import Layers, Missed, PortraitField, compute_field, encode, rows_missed
from hnn_engine.rollout_analysis import (
    collocated_truth,
    encoded_truth,
    energy_model,
    energy_scale,
    matching_truth,
    own_drift,
    recorded_curve,
    recorded_drift,
    recorded_row,
    reference_drift,
    states_as_seen,
    states_at,
)
from hnn_engine.rollouts.energy_drift import energy_drift, relative_error
from hnn_engine.rollouts.rollout import Rollout, is_compiled
from hnn_engine.rollouts.steering import follow, gap_after_return
from hnn_engine.rollouts.truth import follow_truth
from hnn_engine.scene import Scene
from hnn_engine.snapshot import Float32Snapshot, Snapshot
from hnn_engine.systems.base import System

_log = logging.getLogger(__name__)
PREVIEW_STEPS = 250
PREVIEW_TOLERANCE = 1e-7  # of the collocation; its error over a preview stays under 1e-6 of the scale
STAND_IN_TOLERANCE = 1e-11  # of the collocation while the reference integrator is at work
LIVE_STEPS = 200  # a model that trains is followed in no fewer steps than these
MODEL_TOLERANCE = 1e-9  # of adaptive rollouts of models: they are not better than that


class RolloutWorker:
    """The worker. `ask` from the window's thread, `newest` once a frame."""

    def __init__(self) -> None:
        self._latest: LatestOnly[Request] = LatestOnly(self._serve, "rollouts")
        self._answer: Answer | None = None
        self._truths: dict[bool, tuple[Hashable, Rollout]] = {}  # by the reference integrator or not
        self._rollouts: dict[str, tuple[Hashable, Rollout | str]] = {}
        self._frictions: dict[str, tuple[Snapshot, Snapshot]] = {}  # as fitted, and with another friction
        # Painted frames of each model before the first out of step, and all.
        self._in_step: dict[str, tuple[Hashable, tuple[int, int]]] = {}
        self._plane: tuple[Hashable, Hashable, PortraitField] | None = None
        self._error_maps = ErrorMaps()
        self._formula: type | None = None  # the system, made of a formula, whose law was compiled last
        self._companions = RolloutCompanions(self._truth_key, self._model_key, self._follow_fully)
        # Two threads in all: on two processors a third would only be in the way.
        self._helper = ThreadPoolExecutor(max_workers=1, thread_name_prefix="rollout", initializer=give_way)
        self.reference_ready = False  # set once scipy is loaded; until then collocation stands in, at full accuracy
        self.failure: Callable[[Exception], None] = lambda error: None
        self.wake: Callable[[bool], None] = lambda urgent: None  # called in its thread: there is an answer to a request

    @property
    def busy(self) -> bool:
        """Whether a request is pending or being computed."""
        return self._latest.busy

    def ask(self, request: Request) -> None:
        """Replace what is pending by `request`."""
        self._latest.ask(request)

    def newest(self) -> Answer | None:
        """Return the newest answer that has not been taken, or None."""
        answer, self._answer = self._answer, None
        return answer

    def close(self, seconds: float) -> bool:
        """End the thread; return whether it has ended."""
        ended = self._latest.close(seconds)
        self._helper.shutdown(wait=True)
        return ended

    # In the thread ----------------------------------------------------------------------------------------------------

    def _serve(self, request: Request) -> None:
        try:
            self._compute(request)
        except Exception as error:
            _log.exception("The rollouts cannot be computed")
            self.failure(error)

    def _interrupted(self) -> bool:
        """Whether a full request is to end for a newer one of a hand."""
        pending = self._latest.waiting
        return (pending is not None and pending.urgent) or self._latest.closing

    def _let_go(self) -> bool:
        """Whether a preview is to end: the hand has let go, and the full horizon is waited for."""
        pending = self._latest.waiting
        return (pending is not None and pending.urgent and not pending.preview) or self._latest.closing

    def _compute(self, request: Request) -> None:
        """Answer `request`, and where it is not a preview again with the reference integrator's truth, and with what
        goes with it."""
        began = time.perf_counter()
        stop = self._let_go if request.preview else self._interrupted
        costly_first = sorted(request.models, key=lambda m: not m.snapshot.has_energy)  # ∇H takes a second pass
        begun = {m.key: self._helper.submit(self._follow, request, m, stop) for m in costly_first}
        plane = self._field(request)
        wrong = self._error_maps.of(request, {m.key: self._scaled(request, m) for m in request.models})
        followed: dict[str, Rollout | str] = {}
        for exact in self._stages(request):
            truth = self._truth(request, exact, stop)
            if stop():
                for one in begun.values():
                    one.cancel()
                return
            for m in reversed(costly_first):  # what the helper has not begun is done here meanwhile
                if m.key not in followed:
                    mine = begun[m.key].cancel()
                    followed[m.key] = self._follow(request, m, stop) if mine else begun[m.key].result()
            models = tuple(self._track(request, m, followed[m.key], truth, stop) for m in request.models)
            if stop():
                return
            self._rollouts = {m.key: (self._model_key(request, m), followed[m.key]) for m in request.models}
            self._in_step = {m.key: self._in_step[m.key] for m in request.models if m.key in self._in_step}
            self._frictions = {m.key: self._frictions[m.key] for m in request.models if m.key in self._frictions}
            seen = truth_in_latents(request, truth, plane)
            took = time.perf_counter() - began
            _log.debug("Rollouts of %d models: %.1f ms, preview %s", len(models), 1000 * took, request.preview)
            missed = missed_rows(request)
            scale = energy_scale(request.experiment)
            answer = Answer(request, truth, models, plane, took, scale, seen, missed, *wrong)
            self._give(self._companions.at_once(answer, stop) if exact else answer)
            if exact and not request.preview:
                complete = self._companions.behind(answer, self._interrupted)
                if complete is not answer:
                    self._give(complete)

    def _give(self, answer: Answer) -> None:
        self._answer = answer
        self.wake(answer.request.urgent)

    def _stages(self, request: Request) -> tuple[bool, ...]:
        """Whether the truth is the reference integrator's, in each of the answers to come."""
        system, method = request.experiment.system, request.experiment.rollout.truth
        if self._is_being_typed(request) and method == "dop853":
            return (False,)  # to compile a formula takes as long as the next key: it waits for a pause
        if system is not None and system.programs is not None:
            self._formula = type(system)
        if system is None or method != "dop853" or is_compiled(system, method):
            return (True,)
        if request.preview or not self.reference_ready:
            return (False,)
        return (True,) if self._known_truth(request, exact=True) is not None else (False, True)

    def _is_being_typed(self, request: Request) -> bool:
        """Whether this is a preview of a formula that no full request was for yet."""
        system = request.experiment.system
        new = system is not None and system.programs is not None and self._formula is not type(system)
        return request.preview and new

    def _times(self, request: Request) -> Array:
        times = request.experiment.rollout.times
        return times[: PREVIEW_STEPS + 1] if request.preview else times

    def _model_times(self, request: Request, shown: ShownModel) -> Array:
        """The times of a model's rollout: every second one while it trains, when it will be another in a moment."""
        times = self._times(request)
        return times[::2] if shown.live and len(times) > 2 * LIVE_STEPS else times

    # What is computed, each part remembered until what it depends on changes ------------------------------------------

    def _field(self, request: Request) -> PortraitField | None:
        spec, scene = request.portrait, request.experiment.moving or request.experiment.scene
        if spec is None:
            return None
        used = {m.key: m for m in request.models if m.key in (request.field_of, request.compared, spec.latents)}
        models = {key: self._scaled(request, m) for key, m in used.items()}
        layers = Layers(
            models.get(request.field_of),
            request.arrows,
            request.contours,
            models.get(request.compared),
            request.states if models else None,
            fine=not any(m.live or (m.refits and request.preview) for m in used.values()),
            landmarks=not self._is_being_typed(request),
            autoencoder=models[spec.latents].autoencoder if spec.latents else None,
        )
        # On one degree of freedom every start lies in the plane; and during a drag the last plane will do.
        through = () if scene.dof == 1 else spec.through
        of_scene = stage_key(request.experiment), request.experiment.rollout.friction, request.time
        key = (replace(spec, through=()), *of_scene, layers)
        if self._plane is not None and self._plane[0] == key and (request.preview or self._plane[1] == through):
            return self._plane[2]
        plane = compute_field(spec, *at_instant(scene, layers, request.time))
        if layers.autoencoder is not None:
            seen = states_as_seen(request.experiment, layers.states, layers.autoencoder) if layers.states else None
            plane = replace(plane, latents=encode(used[spec.latents].model, layers.autoencoder, seen))
        self._plane = (key, through, plane)
        return plane

    def _known_truth(self, request: Request, exact: bool) -> Rollout | None:
        known = self._truths.get(exact)
        return known[1] if known is not None and known[0] == self._truth_key(request) else None

    def _truth_key(self, request: Request) -> Hashable:
        experiment, times = request.experiment, self._times(request)
        asked = steer_key(request), request.preview
        return stage_key(experiment), experiment.start, experiment.rollout.truth, asked, times[-1], len(times)

    def _truth(self, request: Request, exact: bool, stop: Callable[[], bool]) -> RolloutCurve | None:
        experiment = request.experiment
        system = experiment.moving
        if system is None:
            return recorded_track(request)
        answer, steering = self._known_truth(request, exact), experiment.rollout.steering
        if answer is None:
            start, times = np.array(experiment.start), self._times(request)
            if exact:
                answer = follow_truth(system, start, times, experiment.rollout.truth, steering, interrupt=stop)
            else:
                tolerance = PREVIEW_TOLERANCE if request.preview else STAND_IN_TOLERANCE
                answer = collocated_truth(system, start, times, steering, tolerance, stop)
            if not stop():
                self._truths[exact] = (self._truth_key(request), answer)
        drift = energy_drift(system, answer.coords, answer.coords, experiment.rollout.world_times(answer.t))
        empty = np.empty(0)
        return RolloutCurve(
            "truth",
            "truth",
            "truth",
            answer.t,
            answer.coords,
            drift,
            empty,
            empty,
            float(answer.ended),
            answer.note,
            gap=gap_after_return(answer, steering),
        )

    def _scaled(self, request: Request, shown: ShownModel) -> Snapshot:
        """Return the model with the friction that is asked for: the same object as long as that stays."""
        friction, known = request.experiment.rollout.friction, self._frictions.get(shown.key)
        if known is None or known[0] is not shown.snapshot or known[1].friction != friction:
            known = self._frictions[shown.key] = (shown.snapshot, shown.snapshot.with_friction(friction))
        return known[1] if shown.snapshot.dissipates else shown.snapshot

    def _model_key(self, request: Request, shown: ShownModel) -> Hashable:
        times = self._model_times(request, shown)
        method, steer = request.experiment.rollout.integrator, steer_key(request)
        single_precision = shown.live or request.preview
        start = (
            request.experiment.start,
            seen_key(request.experiment) if shown.snapshot.autoencoder is not None else None,
        )
        return shown.snapshot, start, method, steer, times[-1], len(times), single_precision

    def _follow(self, request: Request, shown: ShownModel, stop: Callable[[], bool]) -> Rollout | str:
        """Return a model's rollout, or why it cannot be had. Runs in either thread."""
        method = request.experiment.rollout.integrator
        reason = why_not(method, shown.snapshot)
        if reason:
            return reason
        known = self._rollouts.get(shown.key)
        if known is not None and known[0] == self._model_key(request, shown):
            return known[1]
        start, times = initial_condition(request.experiment, shown.snapshot), self._model_times(request, shown)
        snapshot = self._scaled(request, shown)
        flow = Float32Snapshot(snapshot) if shown.live or request.preview else snapshot
        steering = request.experiment.rollout.steering
        return follow(flow, start, times, method, steering, tolerance=MODEL_TOLERANCE, interrupt=stop)

    def _follow_fully(self, request: Request, shown: ShownModel) -> Rollout | str:
        return self._follow(request, shown, self._interrupted)

    def _track(
        self,
        request: Request,
        shown: ShownModel,
        answer: Rollout | str,
        truth: RolloutCurve | None,
        stop: Callable[[], bool],
    ) -> RolloutCurve:
        if isinstance(answer, str):
            nothing, none = np.full((1, 2 * request.experiment.scene.dof), np.nan), np.array([np.nan])
            parts = (np.zeros(1), nothing, none, none, np.zeros(1))
            return RolloutCurve(
                shown.key,
                shown.model,
                shown.title,
                *parts,
                note=answer,
                group=shown.group,
                member=shown.member,
                role=shown.role,
            )
        drift, error_t, error = self._evaluate(request, shown, answer, truth)
        in_step, frames = self._frames_in_step(request, shown, answer, truth, stop) or (None, 0)
        return RolloutCurve(
            shown.key,
            shown.model,
            shown.title,
            answer.t,
            answer.coords,
            drift,
            error,
            error_t,
            float(answer.ended),
            answer.note,
            shown.live,
            gap=gap_after_return(answer, request.experiment.rollout.steering),
            group=shown.group,
            member=shown.member,
            own=drift_by_own_energy(request, shown.snapshot, answer.coords, truth),
            in_step=in_step,
            frames=frames,
            role=shown.role,
        )

    def _frames_in_step(
        self,
        request: Request,
        shown: ShownModel,
        answer: Rollout,
        truth: RolloutCurve | None,
        stop: Callable[[], bool],
    ) -> tuple[int, int] | None:
        """Return for how many of the frames that a model paints its film stays in step with truth's, and how many they
        are; None for a preview."""
        if shown.snapshot.autoencoder is None or truth is None or request.preview:
            return None
        key = self._model_key(request, shown), self._truth_key(request)
        known = self._in_step.get(shown.key)
        if known is not None and known[0] == key:
            return known[1]
        reader, film = (
            reader_of(request.experiment, shown.snapshot.autoencoder.size),
            film_along(request.experiment, truth.t),
        )
        if reader is None or film is None:
            return None
        coords, angles = states_at(film, answer.t, answer.coords), states_at(film, truth.t, truth.coords)[:, 0]
        frames = frames_in_step(shown.snapshot, coords, angles, reader, stop), len(film)
        if not stop():
            self._in_step[shown.key] = key, frames
        return frames

    def _evaluate(
        self, request: Request, shown: ShownModel, answer: Rollout, truth: RolloutCurve | None
    ) -> tuple[Array, Array, Array]:
        """Return drift along the rollout, and error with its times."""
        experiment = request.experiment
        empty = np.empty(0)
        with np.errstate(over="ignore", invalid="ignore"):
            if experiment.system is not None:
                assert truth is not None
                true = matching_truth(answer.coords, truth.coords)
                times = experiment.rollout.world_times(answer.t)
                drift = energy_drift(experiment.system, answer.coords, true, times)
                error = relative_error(answer.coords, true, experiment.scene.periodic)
                return drift, answer.t[: len(error)], error
            drift = drift_of_recording(request, shown.snapshot, answer.coords)
            if truth is None or recorded_row(experiment) is None:
                return drift, empty, empty
            spec = experiment.rollout  # what was recorded was left alone
            inside = truth.t <= min(answer.t[-1], spec.steering.interval(spec.length)[0])
            track = states_at(truth.t[inside], answer.t, answer.coords)
            return drift, truth.t[inside], relative_error(track, truth.coords[inside], experiment.scene.periodic)


def at_instant(scene: Scene, layers: Layers, time_: float) -> tuple[Scene, Layers]:
    """Return a scene and what is drawn of it as they are at `time_` in s, where they depend on time."""
    if not isinstance(scene, System) or not scene.timed:
        return scene, layers
    shown, compared = (one.at(time_) if one is not None else None for one in (layers.shown, layers.compared))
    return scene.at(time_), replace(layers, shown=shown, compared=compared)


def steer_key(request: Request) -> Hashable:
    """What is done to rollouts on their way. While nothing is, it does not matter when it would be."""
    spec = request.experiment.rollout
    return spec.steering if spec.steering.kind != "none" else None, spec.friction


def missed_rows(request: Request) -> Missed | None:
    """Return which of the drawn rows the evaluated model does not fit."""
    evaluated = next((m for m in request.models if m.key == request.evaluated), None)
    if evaluated is None or request.drawn is None:
        return None
    return rows_missed(evaluated.title, evaluated.snapshot, request.drawn)


def recorded_track(request: Request) -> RolloutCurve:
    """Return the measured curve from the start's row (or the first)."""
    t, coords = recorded_curve(request.experiment)
    empty = np.empty(0)
    return RolloutCurve(
        "truth", "truth", "recorded", t, coords, drift_of_recording(request, None, coords), empty, empty, measured=True
    )


def drift_of_recording(request: Request, snapshot: Snapshot | None, coords: Array) -> Array:
    """Return the drift along `coords` by the stated reference H or by a learned one, as asked: the H of `snapshot`, or
    else of another shown model; NaN where there is none."""
    experiment = request.experiment
    assert experiment.recording is not None
    if request.energy_of != "learned" and experiment.recording.reference is not None:
        return reference_drift(experiment, coords)
    if snapshot is None or not snapshot.has_energy:
        snapshot = energy_model(m.snapshot for m in request.models)
    return recorded_drift(experiment, snapshot, coords) if snapshot is not None else np.full(len(coords), np.nan)


def drift_by_own_energy(request: Request, snapshot: Snapshot, coords: Array, truth: RolloutCurve | None) -> Array:
    """Return a model's drift by its own H where that is asked for, else nothing.

    For recordings only along with the stated reference: else the drift itself is by the learned H.
    """
    if request.energy_of == "both" or (request.energy_of == "learned" and request.experiment.system is not None):
        return own_drift(request.experiment, snapshot, coords, truth.coords if truth is not None else None)
    return np.empty(0)


def truth_in_latents(request: Request, truth: RolloutCurve | None, plane: PortraitField | None) -> Array | None:
    """Return truth as the model encodes it whose latents the portrait shows; None where none are."""
    if plane is None or plane.latents is None or truth is None or not len(truth.coords):
        return None
    return encoded_truth(request.experiment, truth.coords, plane.latents.autoencoder)


def seen_key(experiment: Experiment) -> Hashable:
    """What decides, along with the start, what a model that sees frames is shown there."""
    system, begin = experiment.system, experiment.rollout.begin
    filmed = tuple(experiment.data.items()) if system is not None and system.observed else ()
    return begin, stage_key(experiment), filmed


def stage_key(experiment: Experiment) -> Hashable:
    """What the scene of `experiment` is made of: experiments that differ in their start alone share it."""
    system = experiment.system
    return experiment.recording if system is None else (system.name, tuple(system.values.items()))
