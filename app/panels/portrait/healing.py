"""Adding true trajectories where the error map is bad: through a click, through a region that is dragged, or where the
map is worst. They join the data, and the models are fitted anew."""

import numpy as np
from PySide6.QtCore import QPointF, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QWidget

from app.lab import Lab
from app.widgets.elided import ElidedLabel
from app.widgets.plot import LabPlot
from app.widgets.text import PlainLabel, set_tip
from app.widgets.value_box import ValueBox
from hnn_engine.coords import Array
from hnn_engine.data_edits import Added
from hnn_engine.debugging.field_error import ErrorMap
from hnn_engine.experiment import Experiment
from hnn_engine.parameters import Parameter

TOOL = "heal"
MOVED = 6.0  # pixels from which on a drag is a region and no click
_NARROWEST = 240  # pixels
APART = 0.12  # of the plane, by which the worst places are apart at least
COUNT = Parameter("count", "Trajectories", 5, 1, 200, help="How many true trajectories are added.")
SECONDS = Parameter("seconds", "Length", 3.0, 0.01, 200.0, "T", "s", "How long each of them is.", log=True)
NOISE = Parameter("noise", "Noise", 0.0, 0.0, 1.0, "σ", "", "Standard deviation of the noise on each state.")
ADD_TIP = """Add true trajectories to the data by a click on the error map
A click adds them through that point, a drag through the region; the other coordinates are those of the start. Then the
models are fitted anew: live where the live fit is on, else as by Train. One undo step."""
FIGURES_TIP = """How far the field is off: rms ‖f̂ − f‖ / rms ‖f‖
On test states, and on states whose energy is up to a quarter of the data's range above it; the component that has the
largest share of Σ (f̂ − f)²."""
WORST_TIP = """Add true trajectories where the learned field is worst
Their starts are the worst places of the map within the data's energies, apart from each other. One undo step."""


class HealBar(QWidget):
    """How many trajectories a click adds, how long and how noisy; and where the map is worst, without a click.

    `worst_asked()` by the button."""

    worst_asked = Signal()

    def __init__(self, lab: Lab, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.lab = lab
        self.setMinimumWidth(_NARROWEST)  # and not what it holds
        self.tool = QToolButton()
        self.tool.setText("Add data")
        self.tool.setCheckable(True)
        self.tool.setAccessibleName("Add true trajectories by a click")
        set_tip(self.tool, ADD_TIP)
        self.tool.clicked.connect(lambda on: lab.document.set_view(tool=TOOL if on else "start"))
        self.boxes = {p.name: ValueBox(p) for p in (COUNT, SECONDS, NOISE)}
        self.worst = QToolButton()
        self.worst.setText("Where worst")
        self.worst.setAccessibleName("Add true trajectories where the map is worst")
        set_tip(self.worst, WORST_TIP)
        self.worst.clicked.connect(self.worst_asked)
        self.words = ElidedLabel()  # how far the field is off
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 0, 12, 0)
        row.setSpacing(4)
        row.addWidget(self.tool)
        self._asked: list[QWidget] = []  # what is seen while a click adds data
        row.addWidget(self.worst)
        for parameter in (COUNT, SECONDS, NOISE):
            box = self.boxes[parameter.name]
            box.setMaximumWidth(58)
            box.setAccessibleName(f"{parameter.title} of what is added")
            set_tip(box, f"{parameter.title}: {parameter.help}")
            box.refused.connect(lambda text: lab.noticed.emit(text, False))
            label = PlainLabel({"count": "×", "noise": "σ"}.get(parameter.name, ""))
            label.setProperty("muted", True)
            self._asked += [label, box]
            row.addWidget(label)
            row.addWidget(box)
        row.addSpacing(8)
        row.addWidget(self.words, 1)
        self._source = ""

    def sync(self) -> None:
        """Show it where the map is on and data can be added; begin with the length and the noise of the data."""
        view, experiment = self.lab.document.view, self.lab.experiment
        able = can_add(experiment)
        self.setVisible(view.error_map)
        self.tool.setVisible(able)
        self.worst.setVisible(able)
        self.tool.setChecked(able and view.tool == TOOL)
        for widget in self._asked:
            widget.setVisible(self.tool.isChecked())
        if able and experiment.source_name != self._source:
            self._source = experiment.source_name
            self.boxes["seconds"].set_value(float(experiment.data["horizon"]))
            self.boxes["noise"].set_value(float(experiment.data["noise"]))

    def say(self, text: str) -> None:
        """Say how far the field is off."""
        self.words.say(text, FIGURES_TIP)

    def added(self, starts: Array) -> Added:
        """Return the edit that adds trajectories from `starts` `(n, 2*dof)`, as dense in time as the data."""
        data, seconds = self.lab.experiment.data, float(self.boxes["seconds"].value())
        rate = (int(data["points"]) - 1) / float(data["horizon"])
        points = int(np.clip(round(rate * seconds) + 1, 2, 2000))
        rows = tuple(tuple(float(x) for x in start) for start in starts)
        return Added(rows, points, seconds, float(self.boxes["noise"].value()))

    @property
    def count(self) -> int:
        """How many trajectories are added at a time."""
        return int(self.boxes["count"].value())


class Healing:
    """The gesture of the tool `TOOL`, and the edits that it makes."""

    def __init__(self, lab: Lab, plot: LabPlot) -> None:
        self._lab, self._plot = lab, plot
        self.bar = HealBar(lab)
        self.bar.worst_asked.connect(self._on_worst)
        self.axes = (0, lab.experiment.scene.dof)
        self.map: ErrorMap | None = None
        self.frame = plot.curve("accent", (), 2.0, 255, 39.0, smooth=False)
        self._pressed: QPointF | None = None

    @property
    def on(self) -> bool:
        """Whether a click would add data."""
        view = self._lab.document.view
        return view.error_map and view.tool == TOOL and can_add(self._lab.experiment)

    def press(self, event: QMouseEvent) -> bool:
        """Begin a region, if that is what the tool does."""
        if not self.on:
            return False
        self._pressed = event.position()
        return True

    def move(self, event: QMouseEvent) -> bool:
        """Draw the region up to the pointer; return whether there is a gesture."""
        if self._pressed is None:
            return False
        (x0, y0), (x1, y1) = self._corners(event.position())
        self.frame.set_data([x0, x1, x1, x0, x0], [y0, y0, y1, y1, y0])
        return True

    def release(self, event: QMouseEvent) -> bool:
        """Add trajectories through the region, or through the point where it is none; return whether that was asked."""
        if self._pressed is None:
            return False
        gap = event.position() - self._pressed
        corners = np.array(self._corners(event.position()))
        self.cancel()
        count = self.bar.count
        if max(abs(gap.x()), abs(gap.y())) < MOVED:
            at = np.repeat(corners[:1], count, axis=0)
            if count > 1:  # the others around it, as far as a click is wide
                unit = np.array(self._plot.view.unit)
                at[1:] += self._rng().uniform(-MOVED, MOVED, (count - 1, 2)) * unit
        else:
            at = self._rng().uniform(corners.min(axis=0), corners.max(axis=0), (count, 2))
        self.add(at)
        return True

    def cancel(self) -> bool:
        """Add nothing; return whether there was a gesture."""
        busy, self._pressed = self._pressed is not None, None
        self.frame.set_data([], [])
        return busy

    def _corners(self, at: QPointF) -> tuple[tuple[float, float], tuple[float, float]]:
        assert self._pressed is not None
        first, last = self._plot.view.point(self._pressed), self._plot.view.point(at)
        return (first.x(), first.y()), (last.x(), last.y())

    def _rng(self) -> np.random.Generator:
        return np.random.default_rng([self._lab.experiment.seed, len(self._lab.experiment.edits.added), 8])

    def _on_worst(self) -> None:
        if self.map is None:
            self._lab.noticed.emit("There is no error map yet: train a model first.", False)
            return
        self.add(worst_places(self.map, self.bar.count))

    def add(self, at: Array) -> None:
        """Add true trajectories through the places `at` `(n, 2)` of the plane, and fit the models anew."""
        lab = self._lab
        if lab.training.worker.active:
            lab.noticed.emit("A fit is under way: stop it first, or wait until it has ended.", False)
            return
        starts = np.tile(np.array(lab.experiment.start), (len(at), 1))
        starts[:, list(self.axes)] = at
        edits = lab.experiment.edits.with_added(self.bar.added(starts))
        if lab.edit("Add trajectories", edits=edits) and not lab.document.view.live_fit:
            lab.training.start()


def can_add(experiment: Experiment) -> bool:
    """Whether true trajectories can join the data of `experiment`: that of a system, none of it drawn or filmed."""
    return experiment.system is not None and not experiment.frame_size and not experiment.edits.drawn


def worst_places(found: ErrorMap, count: int) -> Array:
    """Return the `count` worst places `(n, 2)` of a map within the data's energies, `APART` from each other while there
    are such."""
    error = np.where(np.isfinite(found.error), found.error, -np.inf)
    inside = np.where(found.inside, error, -np.inf) if found.inside.any() else error
    order = np.argsort(-inside.ravel())
    at, values = found.at.reshape(-1, 2)[order], inside.ravel()[order]
    size = np.ptp(found.at.reshape(-1, 2), axis=0)
    chosen: list[Array] = []
    for place, value in zip(at, values, strict=True):
        if not np.isfinite(value) or len(chosen) == count:
            break
        if all(np.abs((place - other) / size).max() >= APART for other in chosen):
            chosen.append(place)
    rest = [place for place, value in zip(at, values, strict=True) if np.isfinite(value)]
    return np.array((chosen + rest)[:count])
