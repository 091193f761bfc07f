"""Evaluation: the figures of runs, found in a thread while everything else goes on."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.model.document import Document
from app.workers.dataset_worker import DatasetWorker
from app.workers.evaluation_worker import EvaluationWorker, NotEvaluated
from hnn_engine.datasets import Dataset

if TYPE_CHECKING:
    from hnn_engine.records import Run


class Evaluation(QObject):
    """Gives the runs of `document` their figures; `drain`, once a frame, takes over what the thread has found.

    Signals: `changed()` runs are to be evaluated, have been, or are no more; `noticed(text)` why one cannot be;
    `failed(text, details)` an unforeseen error.
    """

    changed = Signal()
    noticed = Signal(str)
    failed = Signal(str, str)

    def __init__(self, document: Document, data: DatasetWorker, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.worker = EvaluationWorker()
        self._document, self._data = document, data

    @property
    def busy(self) -> bool:
        """Whether figures are on their way."""
        return self.worker.busy

    @property
    def share(self) -> float:
        """The share of the work that is done, 0 to 1."""
        worker = self.worker
        return (worker.done + worker.share) / worker.total if worker.total else 0.0

    def words(self) -> str:
        """Say 'Evaluating 3 of 7'."""
        return f"Evaluating {min(self.worker.done + 1, self.worker.total)} of {self.worker.total}"

    def want(self, runs: "Iterable[tuple[Run, Dataset | None]]") -> None:
        """Evaluate `runs` of the document, each on its data where that is there already."""
        self.worker.want((run, data if data is not None else self._data.of(run.experiment)) for run, data in runs)
        self.changed.emit()

    def stop(self) -> None:
        """Evaluate no more; runs without figures stay as they are, and can be evaluated later."""
        self.worker.stop()
        self.worker.drain()
        self.changed.emit()

    def drain(self) -> None:
        """Take over what the thread has found since the last call."""
        messages = self.worker.drain()
        for message in messages:
            if not isinstance(message, NotEvaluated):
                self._document.set_figures(message.run)
            elif message.details:
                self.failed.emit(message.problem, message.details)
            else:
                self.noticed.emit(message.problem)
        if messages:
            self.changed.emit()
