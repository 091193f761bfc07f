"""The training data of the experiment on screen, made anew in a thread whenever what it depends on changes."""

import threading
from collections.abc import Hashable
from functools import partial

from PySide6.QtCore import QObject, Signal

from app.workers.thread_priority import give_way
from hnn_engine.datasets import Dataset
from hnn_engine.errors import HnnLabError
from hnn_engine.experiment import Experiment

DataKey = tuple[Hashable, ...]


class DataMaker(QObject):
    """Makes data; the newest wish wins.

    Signals: `changed(Dataset | None)` there is other data, or none any more; `refused(text)` none can be made so.
    """

    changed = Signal(object)
    refused = Signal(str)
    _made = Signal(object, object, str)

    def __init__(self, experiment: Experiment, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.dataset: Dataset | None = None
        self.share = 0.0  # of the data under way
        self._experiment = experiment  # the newest wish
        self._key: DataKey | None = None  # of what is there
        self._wanted: DataKey | None = None
        self._closing = False
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._working = False
        self._made.connect(self._on_made)

    @property
    def pending(self) -> bool:
        """Whether data is being made."""
        return self._key != self._wanted

    def of(self, experiment: Experiment) -> Dataset | None:
        """Return the data of `experiment` if that is what is there."""
        return self.dataset if self._key == data_key(experiment) else None

    def take(self, experiment: Experiment, data: Dataset) -> None:
        """Take `data` that somebody else has made of `experiment`, if that is what is wanted by now."""
        key = data_key(experiment)
        if data is self.dataset or (self._working and key != self._wanted):
            return
        self.dataset, self._key, self._wanted, self._experiment = data, key, key, experiment
        self.changed.emit(data)

    def wish(self, experiment: Experiment) -> None:
        """Want the data of `experiment` from now on."""
        key = data_key(experiment)
        self._experiment = experiment
        if key == self._wanted:
            return
        if self._wanted is not None and self._wanted[0] != key[0]:
            self.dataset, self._key = None, None  # of another system: its dots and its floor mean nothing here
            self.changed.emit(None)
        self.share = 0.0
        with self._lock:
            self._wanted = key
            if self._working:
                return
            self._working = True
        self._thread = threading.Thread(target=self._work, name="data", daemon=True)
        self._thread.start()

    def close(self, seconds: float) -> bool:
        """End the thread; return whether it has ended."""
        self._closing = True
        if self._thread is not None:
            self._thread.join(seconds)
        return self._thread is None or not self._thread.is_alive()

    def _on_made(self, data: Dataset | None, key: DataKey, problem: str) -> None:
        if key != self._wanted:
            return  # a newer wish is under way
        self.dataset, self._key = data, key
        if problem:
            self.refused.emit(problem)
        self.changed.emit(data)

    # In the thread ----------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        give_way()
        done: DataKey | None = None
        while self._wanting(done):
            experiment = self._experiment
            done = data_key(experiment)
            try:
                data, problem = experiment.dataset(partial(self._on_progress, done)), ""
            except _SupersededError:
                continue
            except HnnLabError as error:
                data, problem = None, str(error)
            except Exception as error:
                data, problem = None, f"The data could not be made: {error}"
            if not self._closing:
                self._made.emit(data, done, problem)

    def _wanting(self, done: DataKey | None) -> bool:
        """Whether there is more to do; said and unsaid under the lock, so that no wish falls in between."""
        with self._lock:
            self._working = not self._closing and self._wanted != done
            return self._working

    def _on_progress(self, key: DataKey, share: float) -> None:
        """Note how far it is, and end what nobody wants any more."""
        self.share = share
        if self._closing or self._wanted != key:
            raise _SupersededError


class _SupersededError(Exception):
    """Data is wanted no more."""


def data_key(experiment: Experiment) -> DataKey:
    """What the training data of `experiment` depends on: first the stage, whose data no other can show."""
    source = experiment.source
    recording = experiment.recording
    if recording is not None:
        return id(recording), getattr(source, "method", ""), getattr(source, "window", 0), experiment.hand
    system = experiment.system
    assert system is not None
    constants, data = tuple(system.values.items()), tuple(experiment.data.items())
    return (system.name, system.dof), constants, data, experiment.seed, experiment.hand
