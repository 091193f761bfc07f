"""What a film is to show, how large and how fast: asked before its name is."""

from PySide6.QtWidgets import QComboBox, QDialog, QFormLayout, QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from app.model.film_plan import FILMS, VIEWS, FilmPlan, parse_size
from app.widgets.choices import choose
from app.widgets.text import PlainLabel, heading, problem_label, quiet_label, set_tip
from hnn_engine.errors import HnnLabError, ParameterError, shortened
from hnn_engine.number_format import number, parse

TOGETHER: dict[tuple[str, ...], str] = {
    ("scene", "portrait", "energy"): "Scene, portrait and energy",
    ("portrait", "energy"): "Phase portrait and energy",
    **{(name,): title for name, title in VIEWS.items()},
}
SIZES = ("1280 × 720", "1920 × 1080", "3840 × 2160", "1080 × 1080", "1080 × 1920", "640 × 480")
RATES = (15.0, 24.0, 25.0, 30.0, 50.0, 60.0)
SPEEDS = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
FOLDER = ""  # in place of a suffix: numbered pictures in a folder
KINDS = {FILMS[0]: "MP4 video", FILMS[1]: "GIF", FOLDER: "Numbered PNG pictures"}
_SIZE_TIP = "Width × height in pixels. Type another, as in 800x600; an MP4 has even sides."
_RATE_TIP = "Pictures a second. A GIF shows at most 50, and counts in hundredths of a second."
_SPEED_TIP = "Seconds of the rollouts that go by in one second of the film."
_FROM_TIP = "The instant of the rollouts that the film begins at."
_LENGTH_TIP = "How long the film lasts. Longer rollouts: Duration under Models."


class FilmDialog(QDialog):
    """Asks for a `FilmPlan` of rollouts that last `horizon` s, and what kind of file it becomes. `theme` is that of the
    film; `speed`, how fast the rollouts are played, is proposed."""

    def __init__(self, horizon: float, theme: str, speed: float = 1.0, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Save a film")
        self.setModal(True)
        self._horizon, self._theme = horizon, theme
        self._plan: FilmPlan | None = None
        self.view, self.size_box, self.rate = QComboBox(), QComboBox(), QComboBox()
        self.speed, self.kind = QComboBox(), QComboBox()
        self.begin, self.length = QLineEdit(number(0.0)), QLineEdit()
        self._fill(speed)
        self.length.setText(number(horizon / self._speed))
        self.problem, self.words = problem_label(), quiet_label()
        self._lay_out()
        for box in (self.view, self.rate, self.speed, self.kind):
            box.currentIndexChanged.connect(lambda _: self._look())
        self.size_box.editTextChanged.connect(lambda _: self._look())
        for line in (self.begin, self.length):
            line.textEdited.connect(lambda _: self._look())
        self.speed.activated.connect(lambda _: self._to_the_end())
        self._look()

    def _fill(self, speed: float) -> None:
        for views, title in TOGETHER.items():
            self.view.addItem(title, views)
        self.size_box.setEditable(True)
        self.size_box.addItems(SIZES)
        for rate in RATES:
            self.rate.addItem(number(rate), rate)
        choose(self.rate, 30.0)
        for one in sorted({*SPEEDS, speed}):
            self.speed.addItem(f"×{number(one)}", one)
        choose(self.speed, speed)
        for suffix, title in KINDS.items():
            self.kind.addItem(title, suffix)

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setSpacing(8)
        for title, box, tip, unit in (
            ("View", self.view, "What is filmed, in the colours of the present theme.", ""),
            ("Size", self.size_box, _SIZE_TIP, "px"),
            ("Pictures a second", self.rate, _RATE_TIP, ""),
            ("From", self.begin, _FROM_TIP, "s"),
            ("Length", self.length, _LENGTH_TIP, "s"),
            ("Speed", self.speed, _SPEED_TIP, ""),
            ("File", self.kind, "An MP4 plays in browsers and slides; a GIF everywhere, in 256 colours.", ""),
        ):
            box.setAccessibleName(title)
            box.setMinimumWidth(240)
            set_tip(box, tip)
            row = QHBoxLayout()
            row.addWidget(box, 1)
            label = PlainLabel(unit)
            label.setProperty("muted", True)
            label.setFixedWidth(20)
            row.addWidget(label)
            form.addRow(heading(title), row)
        cancel, self.accept_button = QPushButton("Cancel"), QPushButton("Save…")
        self.accept_button.setProperty("primary", True)
        self.accept_button.setDefault(True)
        cancel.clicked.connect(self.reject)
        self.accept_button.clicked.connect(self._on_accept)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(cancel)
        buttons.addWidget(self.accept_button)
        layout = QVBoxLayout(self)
        layout.setSpacing(10)
        layout.addLayout(form)
        layout.addWidget(self.words)
        layout.addWidget(self.problem)
        layout.addStretch(1)
        layout.addLayout(buttons)
        self.setMinimumWidth(460)

    # What is said -----------------------------------------------------------------------------------------------------

    @property
    def _speed(self) -> float:
        return float(self.speed.currentData())

    @property
    def suffix(self) -> str:
        """The suffix of the file, '' for a folder of numbered pictures."""
        return str(self.kind.currentData())

    def plan(self) -> FilmPlan:
        """Return the plan, once the dialog is accepted."""
        assert self._plan is not None
        return self._plan

    def _read(self) -> FilmPlan:
        """Return the plan that is said; raise `HnnLabError` where there can be none."""
        begin, length = _seconds(self.begin, "From"), _seconds(self.length, "Length")
        size, rate = parse_size(self.size_box.currentText(), "The size"), float(self.rate.currentData())
        views: tuple[str, ...] = tuple(self.view.currentData())
        most = (self._horizon - begin) / self._speed
        length = most if most < length <= most * (1 + 6e-3) else length  # it is shown in three digits
        return FilmPlan(views, size, rate, length, begin, self._speed, self._theme).checked(self._horizon)

    def _to_the_end(self) -> None:
        """Let the film last as long as the rollouts do at another speed."""
        try:
            begin = _seconds(self.begin, "From")
        except HnnLabError:
            return
        if begin < self._horizon:
            self.length.setText(number((self._horizon - begin) / self._speed))
        self._look()

    def _look(self) -> None:
        """Say what comes of it, or what is wrong."""
        try:
            plan = self._read()
        except HnnLabError as error:
            self._plan = None
            self.problem.setText(str(error))
        else:
            self._plan = plan
            last = plan.begin + plan.seconds * plan.speed
            self.words.setText(f"{plan.in_words(self.suffix)}: from {number(plan.begin)} s to {number(last)} s")
        self.problem.setVisible(self._plan is None)
        self.words.setVisible(self._plan is not None)
        self.accept_button.setEnabled(self._plan is not None)

    def _on_accept(self) -> None:
        self._look()
        if self._plan is not None:
            self.accept()


def _seconds(box: QLineEdit, name: str) -> float:
    """Read a number of seconds; raise `ParameterError`."""
    try:
        return float(parse(box.text()))
    except ValueError:
        raise ParameterError(
            f"{name} is '{shortened(box.text())}', but it must be a number of seconds, as in 2.5"
        ) from None
