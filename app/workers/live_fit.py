"""The live fit: models found anew whenever what they depend on changes, within the frame where the recipe allows it."""

import time
from collections import deque
from collections.abc import Callable, Hashable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.model.document import BeforeLive, Document
from app.model.rollout_messages import ShownModel
from app.workers.dataset_worker import DatasetWorker, data_key
from app.workers.latest_only import LatestAnswer
from hnn_engine.datasets import Dataset
from hnn_engine.experiment import Experiment, ModelSpec, carried_recipe, default_settings, resolved, same_scene
from hnn_engine.fitting import get_recipe
from hnn_engine.fitting.network_sizes import SIZE
from hnn_engine.models import get_model
from hnn_engine.parameters import AUTO, Value
from hnn_engine.snapshot import Snapshot

if TYPE_CHECKING:
    from app.workers.live_fit_process import FitRequest, Found, LiveFitProcess

FRAME_SECONDS = 1 / 60
QUICK_ROWS = 20_000  # of data that a live fit makes itself
KEPT = 600  # times of refits that are remembered


class LiveFit(QObject):
    """Fits the models of `document` in a process of its own while its view says so; the newest request wins.

    `edit(label, **changes)` changes the experiment. Signals: `found(Experiment, Dataset)` there are other `models`, and
    this is their data; `refused(text)` there can be none; `impossible(text)` why the experiment cannot be fitted live.
    """

    found = Signal(object, object)
    refused = Signal(str)
    impossible = Signal(str)

    def __init__(
        self, document: Document, data: DatasetWorker, edit: Callable[..., bool], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._document, self._data, self._edit = document, data, edit
        self.models: tuple[ShownModel, ...] = ()
        self.problem = ""
        self.fit_times: deque[float] = deque(maxlen=KEPT)  # s, of the fits alone
        self.lags: deque[float] = deque(maxlen=KEPT)  # s, from a request to its models
        self._key: Hashable = None
        self._refitter: LiveFitProcess | None = None
        self._newest: LatestAnswer | None = None

    def set_on(self, on: bool) -> None:
        """Fit anew with every change from now on, or no more. The recipe becomes one that can, and the size of networks
        automatic, as an edit; the end of the live fit puts both back, as another."""
        experiment, view = self._document.experiment, self._document.view
        if not on:
            before = self.put_back(experiment)
            self._document.set_view(live_fit=False, before_live=None)
            if view.before_live is not None:
                self._edit("End the live fit", recipe=before.recipe, settings=before.settings, models=before.models)
            return
        before_live = view.before_live
        if not get_recipe(experiment.recipe).follows and not experiment.frame_size:
            before_live = _before_live(experiment)
            settings = default_settings("sampled", experiment.scene)
            models = tuple(_sized(spec, dict.fromkeys(SIZE, AUTO)) for spec in experiment.models)
            self._edit("Fit live", recipe="sampled", settings=settings, models=models)
        reason = why_not_live(self._document.experiment)
        if reason:
            self.impossible.emit(reason)
        self._document.set_view(live_fit=not reason, before_live=None if reason else before_live)

    def put_back(self, experiment: Experiment) -> Experiment:
        """Return `experiment` with the recipe, and the size of networks, that were there before the live fit changed
        them; itself where it has not."""
        before = self._document.view.before_live
        if before is None:
            return experiment
        recipe = carried_recipe(before.recipe, experiment.models, experiment.scene.timed)
        same = recipe == before.recipe and experiment.source_name == before.source
        settings = before.settings if same else default_settings(recipe, experiment.scene)
        automatic = dict.fromkeys(SIZE, AUTO)
        models = tuple(_sized(spec, before.sizes.get(spec.name, automatic)) for spec in experiment.models)
        return replace(experiment, recipe=recipe, settings=settings, models=models)

    def check(self) -> None:
        """End the live fit where the view does not ask for it, or the experiment does not allow it."""
        reason = why_not_live(self._document.experiment) if self._document.view.live_fit else ""
        if reason:
            self.impossible.emit(reason)
            self._document.set_view(live_fit=False, before_live=None)  # which calls this again
        elif not self._document.view.live_fit:
            self.end()

    def follow(self) -> bool:
        """Want the models of the document's experiment; return False where another has to make its data first, or where
        the view asks for no live fit."""
        experiment = self._document.experiment
        if not self._document.view.live_fit or not self._has_data(experiment):
            return False
        self.want(experiment, self._data.of(experiment))
        return True

    def _has_data(self, experiment: Experiment) -> bool:
        """Whether the data of `experiment` is there or soon made."""
        system, data = experiment.system, experiment.data
        if self._data.of(experiment) is not None or system is None:
            return True
        return not system.close_encounters and int(data["trajectories"]) * int(data["points"]) <= QUICK_ROWS

    def want(self, experiment: Experiment, data: Dataset | None) -> None:
        """Want the models of `experiment` from now on, on `data` where it is there already."""
        experiment = resolved(experiment, live=True)
        key = fit_key(experiment)
        if key == self._key:
            return
        from app.workers.live_fit_process import (
            FitRequest,
            LiveFitProcess,
        )  # what runs processes is no part of the first paint

        self._key = key
        if self._newest is None:  # thread and process come with the first request
            self._refitter = LiveFitProcess()
            self._newest = LatestAnswer(
                self._refitter, self, name="live fit", gives_way=False
            )  # the process has the rank of its thread
            self._newest.answered.connect(self._on_answered)
        self._newest.ask(FitRequest(experiment, data))

    def end(self) -> None:
        """Want nothing any more, and forget the models."""
        self._key, self.models, self.problem = None, (), ""
        if self._newest is not None:
            self._newest.ask(None)

    def close(self) -> None:
        """End the thread."""
        if self._newest is not None and self._refitter is not None:
            self._newest.close()
            self._refitter.close()

    @property
    def busy(self) -> bool:
        """Whether models are on their way."""
        return self._newest is not None and self._newest.busy

    @property
    def behind(self) -> bool:
        """Whether fits take longer than a frame."""
        return len(self.lags) > 1 and self.lags[-1] > FRAME_SECONDS

    def words(self) -> str:
        """Say how long a refit takes, and whether the picture lags behind."""
        if self.problem:
            return self.problem
        if not self.fit_times:
            return "Live fit: computing the first fit"
        if len(self.fit_times) == 1:  # which has waited for its process
            return "Live fit: the models are refitted after every change"
        took = 1000 * self.fit_times[-1]
        text = f"Live fit: {took:.1f} ms" if took < 20 else f"Live fit: {took:.0f} ms"
        return f"{text}, delayed by {1000 * self.lags[-1]:.0f} ms" if self.behind else text

    def _on_answered(self, request: "FitRequest", found: "Found | None", problem: str) -> None:
        if self._key is None or not same_scene(request.experiment, self._document.experiment):
            return  # models of another system: those of this one are on their way
        self.problem = problem
        if found is None:
            self.models = ()
            self.refused.emit(problem)
            return
        self.fit_times.append(found.fit_seconds)
        self.lags.append(time.perf_counter() - request.asked)
        self.models = tuple(_shown(snapshot) for snapshot in found.snapshots)
        self.found.emit(request.experiment, found.data if found.data is not None else request.data)


def _shown(snapshot: Snapshot) -> ShownModel:
    key = f"live fit {snapshot.model}"
    return ShownModel(key, snapshot.model, get_model(snapshot.model).title, snapshot, group=key, refits=True)


def _before_live(experiment: Experiment) -> BeforeLive:
    """Return what a live fit is about to change of `experiment`."""
    sizes = {spec.name: {name: spec.settings[name] for name in SIZE} for spec in experiment.models}
    return BeforeLive(experiment.source_name, experiment.recipe, dict(experiment.settings), sizes)


def _sized(spec: ModelSpec, size: Mapping[str, Value]) -> ModelSpec:
    return replace(spec, settings={**spec.settings, **size})


def fit_key(experiment: Experiment) -> Hashable:
    """What a fit of `experiment` depends on."""
    models = tuple((spec.name, tuple(spec.settings.items())) for spec in experiment.models)
    return data_key(experiment), models, experiment.recipe, tuple(experiment.settings.items())


def why_not_live(experiment: Experiment) -> str:
    """Return why models of `experiment` cannot be fitted live; empty where they can."""
    if experiment.frame_size:
        return "A live fit needs states, but this system is observed as frames: choose another system"
    if not get_recipe(experiment.recipe).follows:
        return f"The recipe {get_recipe(experiment.recipe).title} is too slow for a live fit: the live fit was stopped"
    return ""
