"""One fit from start to record: steps the recipe, gathers its history, evaluates the result. The window and the command
line run the same thing."""

import logging
import traceback
import uuid
from array import array
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from hnn_engine.datasets import Dataset
from hnn_engine.evaluation import Figures, evaluate
from hnn_engine.experiment import Experiment, resolved
from hnn_engine.fitting import get_recipe
from hnn_engine.fitting.backend_choice import decided
from hnn_engine.fitting.events import Cancelled, End, Evaluated, Event, Failed, Finished, Fit, Progress, Started
from hnn_engine.models import get_model
from hnn_engine.progress import ProgressCallback
from hnn_engine.records.history import History
from hnn_engine.records.run import Origin, Run
from hnn_engine.records.training_snapshots import Collector, TrainingSnapshots
from hnn_engine.snapshot import Snapshot

_log = logging.getLogger(__name__)
ENDINGS = {Finished: "finished", Cancelled: "stopped", Failed: "failed"}


class FitRun:
    """A fit of the first model of `experiment` on `data`, from the first step to the run that is kept.

    It begins at the weights of the run `start`, where there is one. Its experiment has numbers for a network that is
    automatic. `backend` names what computes it; where it is empty, that is decided with the first `advance`
    (`backend_choice.decided`). `snapshots` is how many times, at most, the weights along a fit by gradient are kept: at
    steps spaced evenly in their logarithm, within the `limits` of a run.
    """

    def __init__(
        self, experiment: Experiment, data: Dataset, start: Run | None = None, backend: str = "", snapshots: int = 0
    ) -> None:
        """Prepare the fit; no step is done, and no weight drawn, before the first `advance`."""
        self.id = uuid.uuid4().hex[:12]
        self.experiment = resolved(replace(experiment, models=experiment.models[:1]))
        self.data, self._start = data, start
        self.backend = backend
        self.end: End | None = None
        self.steps_planned = int(experiment.settings.get("steps", 0))
        self.step = 0
        self._train = array("d")  # one a step, of which there may be a hundred thousand
        self._test: list[tuple[int, float]] = []
        self._fit: Fit | None = None  # until it ends
        self._spent = 0.0
        self._stopping = False
        self._most_snapshots = snapshots if get_recipe(experiment.recipe).by_gradient else 0
        self._collector: Collector | None = None
        self._training: TrainingSnapshots | None = None
        self._events: Iterator[Event] | None = None

    @property
    def model(self) -> str:
        """The model's name."""
        return self.experiment.models[0].name

    @property
    def title(self) -> str:
        """What the runs table calls it: model, recipe and seed."""
        recipe = get_recipe(self.experiment.recipe).title
        after = f" after {get_recipe(self._start.experiment.recipe).title}" if self._start is not None else ""
        return f"{get_model(self.model).title} · {recipe}{after} · seed {self.experiment.seed}"

    @property
    def seconds(self) -> float:
        """Time in s spent in the recipe itself so far."""
        return self._fit.seconds if self._fit is not None else self._spent

    def advance(self) -> Event:
        """Do one step's work and return what it says. Every exception becomes `Failed`. Call it until `end` is set."""
        try:
            if self._events is None:
                start = self._start.snapshot if self._start is not None else None
                recipe = get_recipe(self.experiment.recipe)
                self.backend = decided(self.backend, recipe.by_gradient)
                task = self.experiment.task(self.experiment.models[0], self.data, start)
                self._fit = recipe.start(replace(task, backend=self.backend))
                self._events = self._fit.events()
                if self._stopping:  # asked for while the recipe was still being imported
                    self._fit.stop()
            event = next(self._events)
        except Exception as error:
            _log.exception("The fit %s ends at step %d by an error", self.id, self.step)
            kept = self._last_snapshot()
            event = Failed(self.step, kept, f"The fit ended at step {self.step}: {error}", traceback.format_exc())
        self._note(event)
        return event

    def _note(self, event: Event) -> None:
        if isinstance(event, Progress):
            self.step = event.step
            self._train.append(event.train_loss)
            self._collect(event.step)
        elif isinstance(event, Evaluated):
            self._test.append((event.step, event.test_loss))
        elif isinstance(event, Started):
            self.steps_planned = event.steps
            self._collect(0)
            system = self.experiment.source_name
            begins = "The fit %s begins: %s on %s, %d steps, backend %s"
            _log.info(begins, self.id, self.title, system, event.steps, self.backend)
        else:
            self.end = event
            self._let_go()
            ending = ENDINGS[type(event)]
            _log.info("The fit %s is %s at step %d, after %.3g s", self.id, ending, self.step, self.seconds)

    def _collect(self, step: int) -> None:
        """Keep the weights after `step` steps, if it is time to; what goes wrong with that ends no fit."""
        if self._fit is None or not self._most_snapshots:
            return
        try:
            if self._collector is None:
                self._collector = Collector(self.steps_planned, self._most_snapshots, self._fit.snapshot())
            elif self._collector.wants(step):
                self._collector.take(step, self._fit.snapshot())
        except Exception:
            _log.exception("The fit %s keeps no more snapshots from step %d on", self.id, step)
            self._most_snapshots = 0

    def _let_go(self) -> None:
        """Drop the tables that the steps read: of frames they are larger than all that is kept."""
        self._spent, self._fit, self._events = self.seconds, None, None
        if self._collector is not None:
            self._training, self._collector = self._collector.collected(), None

    def _last_snapshot(self) -> Snapshot | None:
        if self._fit is None:
            return None
        snapshot = self._fit.snapshot()
        return snapshot if all(np.isfinite(w).all() for w in snapshot.weights.values()) else None

    def stop(self) -> None:
        """Ask the fit to end: the next `advance` returns `Cancelled`, or the second where none was made yet."""
        self._stopping = True
        if self._fit is not None:
            self._fit.stop()

    def snapshot(self) -> Snapshot | None:
        """Freeze the present weights, or return None before the first step and after the last."""
        return self._fit.snapshot() if self._fit is not None else None

    def evaluate(self, progress: ProgressCallback | None = None) -> Figures | None:
        """Evaluate what the fit ended with, `progress` as in `evaluation.evaluate`; None where it left no weights."""
        run = self.as_run(None)
        return evaluated(run, self.data, progress).figures if run is not None else None

    def as_run(self, figures: Figures | None) -> Run | None:
        """Return the run to keep, with `figures` where it was evaluated, or None where the fit left no weights."""
        if self.end is None or self.end.snapshot is None:
            return None
        reason = self.end.reason if isinstance(self.end, Finished) else getattr(self.end, "message", "stopped")
        return Run(
            id=self.id,
            title=self.title,
            experiment=self.experiment,
            snapshot=self.end.snapshot,
            history=self.history(),
            figures=figures,
            ending=ENDINGS[type(self.end)],
            reason=reason,
            steps=self.end.step,
            fit_seconds=self.seconds,
            backend=self.backend,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            started_from=Origin(self._start.id, self._start.title) if self._start is not None else None,
            training=self._training,
        )

    def history(self) -> History:
        """Return the losses so far: training losses by step `(steps,)`, and the test losses with the steps they were
        taken at."""
        test = np.array(self._test, dtype=np.float64).reshape(-1, 2)
        steps = np.arange(1, len(self._train) + 1, dtype=np.float64)
        return History(steps, np.array(self._train, dtype=np.float64), test[:, 0], test[:, 1])


def evaluated(run: Run, data: Dataset, progress: ProgressCallback | None = None) -> Run:
    """Return `run` with its figures on `data`, `progress` as in `evaluation.evaluate`."""
    experiment = run.experiment
    figures = evaluate(run.snapshot, data, experiment.reference_system, experiment.recording, progress)
    _log.info("The fit %s is evaluated", run.id)
    return replace(run, figures=figures)
