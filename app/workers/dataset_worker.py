"""The training data of the experiment on screen, made anew in a thread whenever what it depends on changes."""

from collections.abc import Hashable

from PySide6.QtCore import QObject, Signal

from app.workers.latest_only import LatestAnswer
from hnn_engine.datasets import Dataset
from hnn_engine.experiment import Experiment, RecordingSource
from hnn_engine.progress import ProgressCallback

DataKey = tuple[Hashable, ...]


class DatasetWorker(QObject):
    """Makes data; the newest request wins.

    Signals: `changed(Dataset | None)` there is other data, or none any more; `refused(text)` none can be made so.
    """

    changed = Signal(object)
    refused = Signal(str)

    def __init__(self, experiment: Experiment, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.dataset: Dataset | None = None
        self._key: DataKey | None = None  # of what is there
        self._wanted: DataKey | None = None
        self._maker = LatestAnswer(make_data, self, name="data", complaint="The data could not be made")
        self._maker.answered.connect(self._on_made)

    @property
    def pending(self) -> bool:
        """Whether data is being made."""
        return self._key != self._wanted

    def awaits(self, experiment: Experiment) -> bool:
        """Whether the data of `experiment` is being made."""
        return self.pending and self._wanted == data_key(experiment)

    @property
    def share(self) -> float:
        """The share of the data under way that is made."""
        return self._maker.share

    def of(self, experiment: Experiment) -> Dataset | None:
        """Return the data of `experiment` if that is what is there."""
        return self.dataset if self._key == data_key(experiment) else None

    def take(self, experiment: Experiment, data: Dataset) -> None:
        """Take `data` that another has made of `experiment`, if that is what is wanted by now."""
        key = data_key(experiment)
        if data is self.dataset or (self._maker.busy and key != self._wanted):
            return
        self.dataset, self._key, self._wanted = data, key, key
        self.changed.emit(data)

    def want(self, experiment: Experiment) -> None:
        """Want the data of `experiment` from now on."""
        key = data_key(experiment)
        if key == self._wanted:
            return
        if self._wanted is not None and self._wanted[0] != key[0]:
            self.dataset, self._key = None, None  # of another system: its dots and its floor mean nothing here
            self.changed.emit(None)
        self._wanted = key
        self._maker.ask(experiment)

    def close(self, seconds: float) -> bool:
        """End the thread; return whether it has ended."""
        return self._maker.close(seconds)

    def _on_made(self, experiment: Experiment, data: Dataset | None, problem: str) -> None:
        key = data_key(experiment)
        if key != self._wanted:
            return  # a newer request is under way
        self.dataset, self._key = data, key
        if problem:
            self.refused.emit(problem)
        self.changed.emit(data)


def make_data(experiment: Experiment, progress: ProgressCallback) -> Dataset:
    """Return the training data of `experiment`; in the thread."""
    return experiment.dataset(progress)


def data_key(experiment: Experiment) -> DataKey:
    """What the training data of `experiment` depends on: first the scene, whose data no other can show."""
    source = experiment.source
    if isinstance(source, RecordingSource):
        return id(source.recording), source.method, source.window, experiment.edits
    system = experiment.system
    assert system is not None
    constants, data = tuple(system.values.items()), tuple(experiment.data.items())
    return (system.name, system.dof), constants, data, experiment.seed, experiment.edits
