"""Gather: the training data of a system, or how a recording's derivatives are estimated."""

from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.document import State
from app.lab import Lab
from app.widgets.format import grouped, number
from app.widgets.parameter_form import ParameterForm
from app.widgets.section import Section, quiet_label
from hnn_engine.datasets import DATA_PARAMETERS, Dataset
from hnn_engine.experiment import Experiment, RecordingSource
from hnn_engine.parameters import Parameter
from hnn_engine.recordings import DERIVATIVES, WINDOW, Recording

SEED = Parameter("seed", "Seed", 0, 0, 2**31 - 1, help="Seed of the data and of the weights.", acts="data")
METHOD = Parameter(
    "method",
    "Derivative",
    "savitzky-golay",
    choices=tuple(DERIVATIVES),
    choice_titles=tuple(info.title for info in DERIVATIVES.values()),
    help="How the time derivative is estimated from the samples.",
    acts="data",
)
REFERENCE = (
    Parameter(
        "a", "Reference a", 1.0, 1e-6, 1e6, "a", "", "H = a(1 − cos q) + b p² for an angle, a q² + b p² else.", log=True
    ),
    Parameter(
        "b", "Reference b", 0.5, 1e-6, 1e6, "b", "", "H = a(1 − cos q) + b p² for an angle, a q² + b p² else.", log=True
    ),
)
START_ROW = "start-row"


class DataPanel(QWidget):
    """Sliders for the data; they act at once on the dots, and on a model with its next fit."""

    def __init__(self, lab: Lab, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.lab = lab
        self._gesture: object = None
        self.section = Section("Data")
        self.simulated = ParameterForm(DATA_PARAMETERS)
        self.simulated.edited.connect(self._on_simulated)
        self.measured = ParameterForm((METHOD, WINDOW))
        self.measured.edited.connect(self._on_measured)
        self.seed = ParameterForm((SEED,))
        self.seed.edited.connect(self._on_seed)
        self.reference = ParameterForm(REFERENCE)
        self.reference.edited.connect(self._on_reference)
        self.row: ParameterForm | None = None
        self._row_of: Recording | None = None
        self.facts = quiet_label()
        for widget in (self.simulated, self.measured, self.facts):
            self.section.add(widget)
        for widget in (self.reference, self.seed):
            self.section.add_more(widget)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.section)
        lab.document.changed.connect(self._on_changed)
        lab.dataset_changed.connect(self._on_dataset)
        lab.clock.text.connect(self._on_text)
        self.sync(lab.experiment)

    def sync(self, experiment: Experiment) -> None:
        """Show the experiment's data settings."""
        recording = experiment.recording
        self.simulated.setVisible(recording is None)
        self.measured.setVisible(recording is not None)
        self.reference.setVisible(recording is not None)
        self.simulated.set_values(experiment.data)
        self.seed.set_values({"seed": experiment.seed})
        self._show_rows(recording)
        if isinstance(experiment.source, RecordingSource):
            source = experiment.source
            self.measured.set_values({"method": source.method, "window": source.window})
            uses = any(p.name == "window" for p in DERIVATIVES[source.method].parameters)
            self.measured.set_enabled("window", uses, "" if uses else "This method has no window.")
            if source.recording.reference is not None:
                a, b = source.recording.reference.coefficients
                self.reference.set_values({"a": a, "b": b})

    def _show_rows(self, recording: Recording | None) -> None:
        """A slider over the recorded rows, to start the rollouts from one of them."""
        if recording is self._row_of:
            return
        if self.row is not None:
            self.section.body.removeWidget(self.row)
            self.row.deleteLater()
            self.row = None
        self._row_of = recording
        if recording is not None:
            last = len(recording.t) - 2
            text = "Start the rollouts at this recorded row."
            self.row = ParameterForm((Parameter(START_ROW, "Start row", 0, 0, last, help=text),))
            self.row.edited.connect(self._on_row)
            self.section.body.insertWidget(2, self.row)

    def _on_changed(self, old: State, new: State) -> None:
        a, b = old.experiment, new.experiment
        if a.data is not b.data or a.source is not b.source or a.seed != b.seed:
            self.sync(b)

    def _on_dataset(self, data: Dataset | None) -> None:
        if data is None:
            self._on_text()
            return
        train = int(data.train.sum())
        text = f"{grouped(train)} rows train, {grouped(len(data.t) - train)} test"
        if data.floor_test is not None and data.floor_test > 0:
            text += f"; noise floor {number(data.floor_test)}"
        self.facts.setText(text + ".")
        self.facts.setToolTip("The noise floor is the loss of the true field itself on the test rows.")

    def _on_text(self) -> None:
        """While the data is being made, say how far it is."""
        if self.lab.data_pending:
            self.facts.setText(f"Making the data: {100 * self.lab.data_share:.0f} %")
        elif self.lab.dataset is None:
            self.facts.setText("No data can be made like this.")

    # Edits ------------------------------------------------------------------------------------------------------------

    def _token(self, final: bool) -> object:
        token = self._gesture = self._gesture or object()
        if final:
            self._gesture = None
        return token

    def _on_simulated(self, name: str, value: object, final: bool) -> None:
        self.lab.edit(f"Change {name}", self._token(final), data={**self.lab.experiment.data, name: value})

    def _on_seed(self, name: str, value: object, final: bool) -> None:
        self.lab.edit("Change the seed", self._token(final), seed=value)

    def _on_measured(self, name: str, value: object, final: bool) -> None:
        source = self.lab.experiment.source
        assert isinstance(source, RecordingSource)
        changed = {"method": source.method, "window": source.window, name: value}
        new = RecordingSource(source.recording, str(changed["method"]), int(str(changed["window"])))
        self.lab.edit(f"Change {name}", self._token(final), source=new)

    def _on_reference(self, name: str, value: object, final: bool) -> None:
        source = self.lab.experiment.source
        assert isinstance(source, RecordingSource)
        values = {**self.reference.values(), name: value}
        stated = source.recording.with_reference(float(str(values["a"])), float(str(values["b"])))
        self.lab.edit(
            "State the reference energy",
            self._token(final),
            source=RecordingSource(stated, source.method, source.window),
        )

    def _on_row(self, name: str, value: object, final: bool) -> None:
        recording = self.lab.experiment.recording
        assert recording is not None
        self.lab.slide(final)
        self.lab.transport.restart()
        start = tuple(float(x) for x in recording.coords[int(str(value))])
        self.lab.edit("Start at a recorded row", self._token(final), start=start)
