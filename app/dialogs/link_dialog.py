"""A link to a state: pasted, looked at as it is typed, and opened."""

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QHBoxLayout, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from app.widgets.text import problem_label, quiet_label
from hnn_engine.errors import HnnLabError
from hnn_engine.limits import LONGEST_LINK
from hnn_engine.records import Session, is_link, read_link

_HINT = "Paste a link to a state: it begins with hnnlab: and holds an experiment, without trained models."


class LinkDialog(QDialog):
    """Asks for a link; one on the clipboard is there already. `session()` is what it stands for, once accepted."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Open a link")
        self.setModal(True)
        self._session: Session | None = None
        self.text = QPlainTextEdit()
        self.text.setAccessibleName("Link")
        self.text.setMinimumHeight(120)
        self.problem, self.words = problem_label(), quiet_label(_HINT)
        cancel, self.accept_button = QPushButton("Cancel"), QPushButton("Open")
        self.accept_button.setProperty("primary", True)
        self.accept_button.setDefault(True)
        cancel.clicked.connect(self.reject)
        self.accept_button.clicked.connect(self.accept)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(cancel)
        buttons.addWidget(self.accept_button)
        layout = QVBoxLayout(self)
        layout.setSpacing(8)
        layout.addWidget(quiet_label(_HINT))
        layout.addWidget(self.text, 1)
        layout.addWidget(self.words)
        layout.addWidget(self.problem)
        layout.addLayout(buttons)
        self.text.textChanged.connect(self._look)
        copied = QGuiApplication.clipboard().text()[: 2 * LONGEST_LINK]
        if is_link(copied):
            self.text.setPlainText(copied.strip())
        self._look()
        self.resize(520, 300)

    def session(self) -> Session:
        """Return what the link stands for."""
        assert self._session is not None
        return self._session

    def _look(self) -> None:
        """Say what the link is of, or what is wrong with it."""
        text, self._session = self.text.toPlainText().strip(), None
        problem = ""
        if text:
            try:
                self._session = read_link(text)
            except HnnLabError as error:
                problem = str(error)
        if self._session is not None:
            self.words.setText(f"A state of: {self._session.experiment.source_title}")
        self.words.setVisible(self._session is not None)
        self.problem.setText(problem)
        self.problem.setVisible(bool(problem))
        self.accept_button.setEnabled(self._session is not None)
