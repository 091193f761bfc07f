"""Gather: the training data of a system, or how a recording's derivatives are estimated."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.lab import Lab
from app.model.document import MOST_SEEDS, State
from app.panels.data_edit_tools import DataTools
from app.widgets.parameter_form import ParameterForm
from app.widgets.section import Section
from app.widgets.text import quiet_label, set_tip
from hnn_engine.datasets import DATA_PARAMETERS, Dataset
from hnn_engine.experiment import Experiment, RecordingSource
from hnn_engine.frames.frame_pairs import FILM_PARAMETERS
from hnn_engine.number_format import grouped, number
from hnn_engine.parameters import Parameter
from hnn_engine.systems import System

if TYPE_CHECKING:
    from hnn_engine.recordings import Recording

SEED = Parameter("seed", "Seed", 0, 0, 2**31 - 1, help="Seed of the data and of the weights.", acts="data")
SEEDS = Parameter(
    "seeds",
    "Repetitions",
    1,
    1,
    MOST_SEEDS,
    help="How many times a fit is repeated, each time with the next seed: other weights and, where simulated, other "
    "data; the plots show the spread as a band.",
    acts="fit",
)
START_ROW = "start-row"
LAYOUT = "layout"
FOLDED_OF_FILMS = {"start-speed", "size", "thickness"}
_NOISE_FLOOR = "The noise floor is the loss of the true field itself on the test rows."
_FILMED = "Frames of {size} × {size} pixels, two in succession: one shows the angle, two show the speed as well."


def method_parameters() -> tuple[Parameter, Parameter]:
    """How the derivatives of a recording are estimated: the method and its window."""
    from hnn_engine.recordings import DERIVATIVES, WINDOW

    titles = tuple(info.title for info in DERIVATIVES.values())
    text = "How the time derivative is estimated from the samples."
    choices = tuple(DERIVATIVES)
    method = Parameter(
        "method", "Derivative", choices[0], choices=choices, choice_titles=titles, help=text, acts="data"
    )
    return method, WINDOW


def reference_parameters() -> tuple[Parameter, Parameter]:
    """The coefficients of a recording's reference energy."""
    text = "Reference H = a(1 − cos q) + b p² for an angle, a q² + b p² for a length."
    return (
        Parameter("a", "Potential of H", 1.0, 1e-6, 1e6, "a", help=text, log=True),
        Parameter("b", "Kinetic part of H", 0.5, 1e-6, 1e6, "b", help=text, log=True),
    )


class DataPanel(QWidget):
    """Sliders for the data; they act at once on the dots, and on a model with its next fit."""

    def __init__(self, lab: Lab, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.lab = lab
        self._gesture: object = None
        self.section = Section("Data")
        self.simulated, self.layout_form = self._forms(DATA_PARAMETERS, {LAYOUT})
        self.starts: ParameterForm | None = None  # where training starts lie, of a system that lets it be said
        self._starts_of: tuple[Parameter, ...] = ()
        self.film: ParameterForm | None = None
        self.film_more: ParameterForm | None = None
        self.seed = ParameterForm((SEED, SEEDS))
        self.seed.edited.connect(self._on_seed)
        self.measured: ParameterForm | None = None
        self.reference: ParameterForm | None = None
        self.row: ParameterForm | None = None
        self._row_of: Recording | None = None
        self.facts = quiet_label()
        self.tools = DataTools(lab)
        for part in (self.simulated, self.facts, self.tools):
            self.section.add(part)
        for form in (self.seed, self.layout_form):
            self.section.add_more(form)
        self.tools.sync()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.section)
        lab.document.changed.connect(self._on_changed)
        lab.document.view_changed.connect(lambda _, view: self.seed.set_values({"seeds": view.seeds}))
        lab.dataset_changed.connect(self._on_dataset)
        lab.frame_clock.text.connect(self._on_text)
        self.sync(lab.experiment)

    def _forms(self, parameters: Sequence[Parameter], folded: set[str]) -> tuple[ParameterForm, ParameterForm]:
        """Return a form of what is always there, and one of what is folded away."""
        forms = (
            ParameterForm([p for p in parameters if p.name not in folded]),
            ParameterForm([p for p in parameters if p.name in folded]),
        )
        for form in forms:
            form.edited.connect(self._on_simulated)
        return forms

    def sync(self, experiment: Experiment) -> None:
        """Show the experiment's data settings."""
        system = experiment.system
        filmed = system is not None and system.observed
        self._show_starts(system)
        self.simulated.setVisible(system is not None and not filmed)
        self.layout_form.setVisible(system is not None and not filmed and system.grid_reach is not None)
        if filmed and self.film is None:
            self.film, self.film_more = self._forms(FILM_PARAMETERS, FOLDED_OF_FILMS)
            self.section.body.insertWidget(1, self.film)
            self.section.add_more(self.film_more)
        for part in (self.film, self.film_more):
            if part is not None:
                part.setVisible(filmed)
        for part in (self.simulated, self.starts, self.layout_form, self.film, self.film_more):
            if part is not None:
                part.set_values(experiment.data)
        grid = experiment.data.get(LAYOUT) == "grid"
        self.simulated.set_enabled("horizon", not grid, "A grid has no orbits." if grid else "")
        if self.starts is not None and "starts" in experiment.data:
            banded = experiment.data["starts"] == "energies"
            for name in ("energy-from", "energy-to"):
                self.starts.set_enabled(name, banded, "" if banded else "Starts lie anywhere in the box.")
        self.seed.set_values({"seed": experiment.seed, "seeds": self.lab.document.view.seeds})
        self._show_rows(experiment.recording)
        if isinstance(experiment.source, RecordingSource):
            self._show_measured(experiment.source)
        for form in (self.measured, self.reference):
            if form is not None:
                form.setVisible(experiment.recording is not None)

    def _show_starts(self, system: System | None) -> None:
        """A form for what else the system's own data has."""
        parameters = system.start_parameters if system is not None else ()
        if parameters == self._starts_of:
            return
        if self.starts is not None:
            self.section.body.removeWidget(self.starts)
            self.starts.deleteLater()
            self.starts = None
        self._starts_of = parameters
        if parameters:
            self.starts = ParameterForm(parameters)
            self.starts.edited.connect(self._on_simulated)
            self.section.body.insertWidget(self.section.body.indexOf(self.simulated) + 1, self.starts)

    def _show_measured(self, source: RecordingSource) -> None:
        from hnn_engine.recordings import DERIVATIVES

        if self.measured is None or self.reference is None:
            self.measured = ParameterForm(method_parameters())
            self.measured.edited.connect(self._on_measured)
            self.section.body.insertWidget(1, self.measured)
            self.reference = ParameterForm(reference_parameters())
            self.reference.edited.connect(self._on_reference)
            self.section.add_more(self.reference)
        self.measured.set_values({"method": source.method, "window": source.window})
        uses = any(p.name == "window" for p in DERIVATIVES[source.method].parameters)
        self.measured.set_enabled("window", uses, "" if uses else "This method has no window.")
        if source.recording.reference is not None:
            a, b = source.recording.reference.coefficients
            self.reference.set_values({"a": a, "b": b})

    def _show_rows(self, recording: "Recording | None") -> None:
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
            self.section.body.insertWidget(self.section.body.indexOf(self.facts), self.row)

    def _on_changed(self, old: State, new: State) -> None:
        a, b = old.experiment, new.experiment
        if a.data is not b.data or a.source is not b.source or a.seed != b.seed:
            self.sync(b)

    def _on_dataset(self, data: Dataset | None) -> None:
        if data is None:
            self._on_text()
            return
        train = int(data.train.sum())
        rows = "pairs of frames" if data.frame_pairs is not None else "rows"
        text = f"{grouped(train)} {rows} train, {grouped(len(data.t) - train)} test"
        if data.floor_test is not None and data.floor_test > 0:
            text += f"; noise floor {number(data.floor_test)}"
        self.facts.setText(text + ".")
        size = data.frame_pairs.size if data.frame_pairs is not None else 0
        set_tip(self.facts, _FILMED.format(size=size) if size else _NOISE_FLOOR)

    def _on_text(self) -> None:
        """While the data is being made, say how far it is."""
        if self.lab.dataset_worker.pending:
            self.facts.setText(f"Generating the data: {100 * self.lab.dataset_worker.share:.0f} %")
        elif self.lab.dataset is None:
            self.facts.setText("No data can be made with these settings.")

    # Edits ------------------------------------------------------------------------------------------------------------

    def _token(self, final: bool) -> object:
        token = self._gesture = self._gesture or object()
        if final:
            self._gesture = None
        return token

    def _on_simulated(self, name: str, value: object, final: bool) -> None:
        if self.lab.document.view.live_fit:
            self.lab.drag.slide(final)
        self.lab.edit(f"Change {name}", self._token(final), data={**self.lab.experiment.data, name: value})

    def _on_seed(self, name: str, value: object, final: bool) -> None:
        if name == SEEDS.name:
            self.lab.document.set_view(seeds=int(str(value)))
        else:
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
        assert self.reference is not None
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
        self.lab.drag.slide(final)
        self.lab.playback.restart()
        start = tuple(float(x) for x in recording.coords[int(str(value))])
        self.lab.edit("Start at a recorded row", self._token(final), start=start)
