"""What goes with the rollouts of an answer: the same from a start a hair away, and up to when truth is known.

Truth's second rollout comes with the answer. The models' ones, and the one by which truth is checked, are computed
behind it, and a second answer has them; what was computed for the same rollouts before comes at once.
"""

from collections.abc import Callable, Hashable
from dataclasses import replace

import numpy as np

from app.model.rollout_messages import Answer, Request, RolloutCurve, ShownModel
from hnn_engine.coords import Array
from hnn_engine.experiment import Experiment
from hnn_engine.rollouts.energy_drift import energy_drift, relative_error, separation
from hnn_engine.rollouts.rollout import Rollout
from hnn_engine.rollouts.truth import HAIR_TEXT, follow_truth, known_at_once, known_until, moved_start

TWIN = "twin"  # its key, and its role in the theme: grey
Follow = Callable[[Request, ShownModel], Rollout | str]
Stop = Callable[[], bool] | None


class RolloutCompanions:
    """Completes answers. It belongs to the worker's thread.

    `truth_key` and `model_key` return what the rollout of truth, or of a model, in a request depends on; `follow`
    follows a model.
    """

    def __init__(
        self,
        truth_key: Callable[[Request], Hashable],
        model_key: Callable[[Request, ShownModel], Hashable],
        follow: Follow,
    ) -> None:
        self._truth_key, self._model_key, self._follow = truth_key, model_key, follow
        self._twin: tuple[Hashable, Rollout] | None = None
        self._known: tuple[Hashable, float] | None = None
        self._aparts: dict[str, tuple[Hashable, Array]] = {}

    def at_once(self, answer: Answer, stop: Stop) -> Answer:
        """Return `answer` with truth's second rollout, where one is wanted, and with all else that is known already."""
        request, key = answer.request, self._truth_key(answer.request)
        if not request.preview:
            self._know_at_once(request, key)
        known = self._known[1] if self._known is not None and self._known[0] == key else float("nan")
        models = tuple(self._with_apart(request, track) for track in answer.models)
        return replace(answer, models=models, twin=self._second_truth(answer, key, stop), known_until=known)

    def _know_at_once(self, request: Request, key: Hashable) -> None:
        system, spec = request.experiment.moving, request.experiment.rollout
        if system is not None and (self._known is None or self._known[0] != key):
            until = known_at_once(system, np.array(request.experiment.start), spec.truth, spec.steering)
            self._known = (key, until) if until is not None else self._known

    def behind(self, answer: Answer, stop: Callable[[], bool]) -> Answer:
        """Return `answer` complete, or the same object where it lacked nothing or `stop` ended the work."""
        request, key = answer.request, self._truth_key(answer.request)
        system, spec, truth = request.experiment.moving, request.experiment.rollout, answer.truth
        if system is None or truth is None:
            return answer
        new = False
        if self._known is None or self._known[0] != key:
            rollout = Rollout(truth.t, truth.coords, np.array(truth.ended))
            until = known_until(system, np.array(request.experiment.start), rollout, spec.truth, spec.steering, stop)
            if stop():
                return answer
            self._known, new = (key, until), True
        for shown in self._lacking(request) if request.twin else ():
            moved = replace(request, experiment=_moved(request))
            track = next(t for t in answer.models if t.key == shown.key)
            other = self._follow(moved, shown)
            if stop():
                return answer
            if isinstance(other, Rollout):
                apart = separation(other.coords, track.coords, truth.coords, system.periodic)
                self._aparts[shown.key] = (self._apart_key(request, shown), apart)
                new = True
        self._aparts = {m.key: self._aparts[m.key] for m in request.models if m.key in self._aparts}
        return self.at_once(answer, stop) if new else answer

    def _second_truth(self, answer: Answer, key: Hashable, stop: Stop) -> RolloutCurve | None:
        experiment, truth = answer.request.experiment, answer.truth
        system, spec = experiment.moving, experiment.rollout
        if not answer.request.twin or system is None or truth is None:
            return None
        if self._twin is None or self._twin[0] != key:
            start = moved_start(np.array(experiment.start))
            made = follow_truth(system, start, truth.t, spec.truth, spec.steering, interrupt=stop)
            if stop is not None and stop():
                return None
            self._twin = (key, made)
        twin = self._twin[1]
        error = relative_error(twin.coords, truth.coords, system.periodic)
        return RolloutCurve(
            TWIN,
            TWIN,
            f"start {HAIR_TEXT} away",
            twin.t,
            twin.coords,
            energy_drift(system, twin.coords, truth.coords, spec.world_times(twin.t)),
            error,
            twin.t[: len(error)],
            float(twin.ended),
            twin.note,
        )

    def _lacking(self, request: Request) -> list[ShownModel]:
        """The models whose second rollout is wanted: not of what still trains, of one seed of each, and of models of
        states, since no frame shows a hair."""
        able = [m for m in request.models if not m.live and m.member == 0 and m.snapshot.autoencoder is None]
        return [m for m in able if self._aparts.get(m.key, (None,))[0] != self._apart_key(request, m)]

    def _apart_key(self, request: Request, shown: ShownModel) -> Hashable:
        return self._model_key(request, shown), self._truth_key(request)

    def _with_apart(self, request: Request, track: RolloutCurve) -> RolloutCurve:
        known = self._aparts.get(track.key)
        shown = next(m for m in request.models if m.key == track.key)
        if not request.twin or known is None or known[0] != self._apart_key(request, shown):
            return track
        return replace(track, apart=known[1])


def _moved(request: Request) -> Experiment:
    """Return the experiment of `request` with its start a hair away."""
    experiment = request.experiment
    start = tuple(float(x) for x in moved_start(np.array(experiment.start)))
    return replace(experiment, start=start)
