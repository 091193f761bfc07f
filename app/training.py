"""Training: the fits of the document's experiment in their thread, and their runs kept."""

from array import array
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.model.document import Document
from app.model.rollout_messages import ShownModel
from app.workers.dataset_worker import DatasetWorker
from app.workers.evaluation import Evaluation
from app.workers.training_worker import FitEvent, FitInfo, JobEnded, JobStarted, Kept, Live, Message, TrainingWorker
from hnn_engine.datasets import Dataset
from hnn_engine.errors import HnnLabError
from hnn_engine.experiment import Experiment, check_seed, resolved, same_scene, same_system
from hnn_engine.fitting.network_sizes import SIZE
from hnn_engine.models import get_model
from hnn_engine.models.base import Settings
from hnn_engine.parameters import AUTO

if TYPE_CHECKING:
    from hnn_engine.records import Run

RATE_SECONDS = 4.0  # over which steps a second are averaged


@dataclass
class FitSeries:
    """The growing losses of one fit, as the loss panel draws them."""

    info: FitInfo
    steps: "array[float]" = field(default_factory=lambda: array("d"))
    train: "array[float]" = field(default_factory=lambda: array("d"))
    test_steps: "array[float]" = field(default_factory=lambda: array("d"))
    test: "array[float]" = field(default_factory=lambda: array("d"))

    @property
    def step(self) -> int:
        """The last step done."""
        return int(self.steps[-1]) if self.steps else 0


class Training(QObject):
    """Fits the models of `document` on `data`; `drain`, once a frame, takes over what the thread has done since.

    Signals: `changed()` a job began, paused, went on or ended; `losses_changed()` at most once for each `drain`;
    `weights_changed()` there are other `live` models; `noticed(text)` what went wrong; `failed(text, details)` an
    unforeseen error. Runs are kept when their fits end, and evaluated when the job has.
    """

    changed = Signal()
    losses_changed = Signal()
    weights_changed = Signal()
    noticed = Signal(str)
    failed = Signal(str, str)

    def __init__(
        self, document: Document, data: DatasetWorker, evaluation: Evaluation, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.worker = TrainingWorker()
        self.series: dict[str, FitSeries] = {}  # of the job that runs or ran last, by fit
        self.live: dict[str, ShownModel] = {}  # the present weights of fits under way
        self._kept: list[tuple[Run, Dataset]] = []  # to be evaluated once the job has ended
        self.experiment: Experiment | None = None  # of the job that runs or ran last
        self._document, self._data, self._evaluation = document, data, evaluation
        self._rates: deque[tuple[float, int]] = deque()

    def is_here(self) -> bool:
        """Whether the job that runs (or ran last) fits the system on screen."""
        return self.experiment is not None and same_scene(self.experiment, self._document.experiment)

    @property
    def preparing(self) -> bool:
        """Whether a job is under way that has not taken a step yet: what computes it may be being loaded."""
        return self.worker.running and not any(series.step for series in self.series.values())

    def start(self) -> None:
        """Fit the chosen models, by networks of the size that automatic ones have on screen."""
        if self.worker.active:
            return
        self.drain()  # what the last job left: it may have ended since the last frame
        view = self._document.view
        seeds, starts = view.seeds, self.warm_starts() if view.warm_start else {}
        experiment = resolved(continued(self._document.experiment, starts), view.live_fit)
        try:
            check_seed(experiment.seed + seeds - 1)
        except HnnLabError:
            self.noticed.emit(f"{seeds} seeds from {experiment.seed} on go beyond the largest: lower the seed.")
            return
        reason = next((why for why in (experiment.why_not_from(r.snapshot) for r in starts.values()) if why), "")
        if reason:
            self.noticed.emit(reason)
            return
        self._evaluate_kept()
        self.series.clear()
        self.live.clear()
        self._rates.clear()
        self.experiment = experiment
        self.worker.start(experiment, self._data.of(experiment), seeds, starts)
        self.changed.emit()

    def warm_starts(self) -> "dict[str, Run]":
        """The newest shown run of each chosen model, which the next fit may begin at."""
        chosen = {spec.name for spec in self._document.experiment.models}
        return {r.snapshot.model: r for r in self._document.state.applicable() if r.snapshot.model in chosen}

    def pause(self) -> None:
        """Pause the job, or let it go on."""
        if self.worker.paused:
            self.worker.resume()
        else:
            self.worker.pause()
        self.changed.emit()

    def stop(self) -> None:
        """Stop the job and keep what was reached."""
        self.worker.stop()
        self.changed.emit()

    def rate(self, now: float) -> float:
        """Return the steps a second of all fits together, over the last seconds of the job."""
        done = sum(s.step for s in self.series.values())
        self._rates.append((now, done))
        while len(self._rates) > 2 and now - self._rates[0][0] > RATE_SECONDS:
            self._rates.popleft()
        began, first = self._rates[0]
        return (done - first) / (now - began) if now - began > 0.2 else 0.0

    def drain(self) -> None:
        """Take over what the thread has done since the last call."""
        messages = self.worker.drain()
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
            self.weights_changed.emit()
        elif isinstance(message, JobStarted):
            self.series = {info.id: FitSeries(info) for info in message.fits}
            self.changed.emit()
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

    def _keep(self, message: Kept) -> None:
        run = message.run
        same = {
            r.id
            for r in self._document.state.runs
            if r.snapshot.model == run.snapshot.model
            and same_system(r.experiment, run.experiment)
            and r.id not in self.series  # its own repetitions stay
        }
        self.live.pop(message.fit, None)
        self._document.add_run(run, frozenset(same))
        if message.fit in self.series:
            self._kept.append((run, message.data))  # so that figures take no time from the fits
        else:
            self._evaluation.want([(run, message.data)])
        if run.ending == "failed":
            self.noticed.emit(f"{get_model(run.snapshot.model).title}: {run.reason}")

    def _end_job(self, message: JobEnded) -> None:
        self.live.clear()
        self.weights_changed.emit()
        if message.details:
            self.failed.emit(message.message, message.details)
        elif message.message:
            self.noticed.emit(message.message)
        self.worker.join(1.0)
        self._evaluate_kept()
        self.changed.emit()

    def _evaluate_kept(self) -> None:
        """Want the figures of the runs of a job that has ended, or is no longer waited for."""
        kept, self._kept = self._kept, []
        if kept:
            self._evaluation.want(kept)

    def drop(self) -> None:
        """Leave what is under way, and forget it: its document goes. Nothing waits for the end of a step."""
        self.worker.leave()
        self._evaluation.stop()
        self.live.clear()
        self.series.clear()
        self._kept.clear()
        self.changed.emit()


def continued(experiment: Experiment, starts: "Mapping[str, Run]") -> Experiment:
    """Return `experiment` with the widths and depths of the runs that its models start from, where its own are
    automatic."""
    models = tuple(
        replace(m, settings={**m.settings, **_automatic_as_in(m.settings, starts[m.name])}) if m.name in starts else m
        for m in experiment.models
    )
    return replace(experiment, models=models) if models != experiment.models else experiment


def _automatic_as_in(settings: Settings, start: "Run") -> Settings:
    """Return what of a width and a depth is automatic in `settings`, as the network of `start` has it."""
    return {name: start.snapshot.settings[name] for name in SIZE if settings[name] == AUTO}
