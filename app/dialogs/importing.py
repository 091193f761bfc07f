"""What the dialogs that open a recording have in common: *Open* waits for what works behind them, which tells how far
it is, and what is wrong is said under the form.
"""

from PySide6.QtCore import Qt, QTimerEvent
from PySide6.QtGui import QKeyEvent, QShowEvent
from PySide6.QtWidgets import QComboBox, QDialog, QDialogButtonBox, QLineEdit, QWidget

from app.widgets.text import problem_label, title_text
from app.workers.latest_only import LatestAnswer
from hnn_engine.recordings import Recording

OFTEN = 150  # ms between two looks at how far the work is


class ImportingDialog(QDialog):
    """A dialog on a file. `recording()` is the answer, once `ready`; `close_threads` ends what works behind it."""

    def __init__(self, title: str, parent: QWidget | None, *workers: LatestAnswer) -> None:
        super().__init__(parent)
        self._workers, self._timer = workers, 0
        for worker in workers:
            worker.setParent(self)
        self.setWindowTitle(title_text(title))
        self.setModal(True)
        self.problem = problem_label()
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Open | QDialogButtonBox.StandardButton.Cancel)
        self.open_button = self.buttons.button(QDialogButtonBox.StandardButton.Open)
        self.open_button.setProperty("primary", True)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)

    @property
    def ready(self) -> bool:
        """Whether there is a recording to open."""
        raise NotImplementedError

    def recording(self) -> Recording:
        """Return the recording; raise `RecordingError`."""
        raise NotImplementedError

    @property
    def busy(self) -> bool:
        """Whether an answer is on its way."""
        return any(worker.busy for worker in self._workers)

    def progress_line(self, what: str) -> str:
        """Return how far `what` is, as 'Reading … 40 %'."""
        share = next((worker.share for worker in reversed(self._workers) if worker.busy), 1.0)
        return f"{what} … {100 * share:.0f} %"

    def show_progress(self) -> None:
        """Say how far the work is; called now and then while there is some."""
        raise NotImplementedError

    def complain(self, sentence: str) -> None:
        """Say under the form why it cannot be read so; an empty sentence takes that back."""
        self.problem.setText(sentence)
        self.problem.setVisible(bool(sentence))

    def accept(self) -> None:
        """Close where there is a recording to open."""
        if self.ready:
            super().accept()

    def close_threads(self) -> None:
        """End what works behind it; this may take a moment."""
        for worker in self._workers:
            worker.close()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter ends what is typed into a box, and opens the file elsewhere."""
        box = self.focusWidget()
        typed = isinstance(box, QLineEdit) or (isinstance(box, QComboBox) and box.isEditable())
        if not (typed and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)):
            super().keyPressEvent(event)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._timer = self._timer or self.startTimer(OFTEN)

    def timerEvent(self, event: QTimerEvent) -> None:
        if self.busy:
            self.show_progress()

    def done(self, result: int) -> None:
        """Close, and want nothing more."""
        if self._timer:
            self.killTimer(self._timer)
        self._timer = 0
        for worker in self._workers:
            worker.ask(None)
        super().done(result)
