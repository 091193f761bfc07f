"""Over time: the energy drift of every rollout, and its distance from truth."""

from collections.abc import Callable

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.document import State, View
from app.lab import Lab
from app.simulation import Answer, Track
from app.theme import model_dash
from app.widgets.plot import LabPlot, Marker, Spread, show_until_diverged
from hnn_engine.coords import Array

MOST_DRIFT = 300.0  # percent: the axis grows no further for a model that has left the plot anyway
LEAST_ERROR = 1e-7

Series = Callable[[Track], tuple[Array, Array]]
Span = Callable[[Array], tuple[float, float]]


class TimePlot(QWidget):
    """Curves of the rollouts over time, with a line at the transport's instant.

    `titled(text)` names what is plotted, for the panel's frame. `series` gives times and values of a track, NaN
    where there is nothing; `span` the y range that holds all values.
    """

    titled = Signal(str)

    def __init__(self, lab: Lab, plot: LabPlot, series: Series, span: Span, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.lab = lab
        self.plot = plot
        self.title = ""
        self.series = series
        self._span = span
        self.cursor_line = plot.cursor_line()
        self.band = plot.time_band()
        self._curves: dict[str, tuple[pg.PlotCurveItem, Marker]] = {}
        self._spreads: dict[str, Spread] = {}
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        self._layout = layout
        layout.addWidget(plot, 1)
        lab.answered.connect(self._on_answered)
        lab.transport.moved.connect(self.cursor_line.set_time)
        lab.document.changed.connect(self._on_changed)

    def _on_changed(self, old: State, new: State) -> None:
        if old.experiment.source_name != new.experiment.source_name:
            self._clear(set(self._curves))
            self.plot.following = True

    def _name(self, title: str) -> None:
        self.title = title
        self.titled.emit(title)

    def _clear(self, keys: set[str]) -> None:
        for key in keys:
            for item in self._curves.pop(key):
                self.plot.discard(item)

    def _on_answered(self, answer: Answer) -> None:
        truth = [answer.truth] if answer.truth is not None else []
        tracks = [*truth, *answer.leads]
        self._clear(set(self._curves) - {t.key for t in tracks})
        shown = [self._draw(track) for track in tracks]
        bands = {lead.key: answer.band(lead) for lead in answer.leads if len(answer.band(lead)) > 1}
        for key in set(self._spreads) - set(bands):
            self.plot.discard(self._spreads.pop(key))
        shown += [self._draw_band(key, members) for key, members in bands.items()]
        finite = np.concatenate([v[np.isfinite(v)] for v in shown]) if shown else np.empty(0)
        low, high = self._span(finite)
        spec = answer.request.experiment.rollout
        self.band.set_span(*spec.steering.interval(spec.length))
        self.plot.grow_to(0.0, spec.length, low, high)

    def _draw(self, track: Track) -> Array:
        if track.key not in self._curves:
            truth = track.key == "truth"
            line = self.plot.curve(track.model, () if truth else model_dash(track.model), 1.0, z=5 if truth else 10)
            self._curves[track.key] = (line, self.plot.marker(track.model, "cross", 8.0))
        line, end = self._curves[track.key]
        t, values = self.series(track)
        first = int(np.argmax(np.isfinite(values))) if len(values) else 0
        show_until_diverged(line, end if np.isfinite(track.ended) else None, t[first:], values[first:], 1e6)
        return values

    def _draw_band(self, key: str, members: tuple[Track, ...]) -> Array:
        """Fill between the least and the largest of the repetitions of a fit, as far as all of them go."""
        if key not in self._spreads:
            self._spreads[key] = self.plot.spread(members[0].model)
        parts = [self.series(member) for member in members]
        rows = min(len(values) for _, values in parts)
        stack = np.stack([values[:rows] for _, values in parts])
        good = np.isfinite(stack).all(axis=0)
        low, high = stack[:, good].min(axis=0, initial=np.inf), stack[:, good].max(axis=0, initial=-np.inf)
        low, high = np.maximum(low, -1e6), np.minimum(high, 1e6)
        self._spreads[key].set_band(parts[0][0][:rows][good], low, high)
        return np.concatenate([low, high])


class EnergyPanel(TimePlot):
    """Energy drift in percent of E (see the tooltip), the true H along every rollout."""

    def __init__(self, lab: Lab, parent: QWidget | None = None) -> None:
        super().__init__(lab, LabPlot("", "t (s)", "ΔH / E (%)"), drift_series, drift_span, parent)
        self.setAccessibleName("Energy")
        self.choice = QComboBox()
        self.choice.addItem("reference H", "reference")
        self.choice.addItem("the HNN's own H", "learned")
        self.choice.setAccessibleName("Energy by")
        self.choice.activated.connect(lambda: lab.document.look(energy_of=str(self.choice.currentData())))
        self._bar = QWidget()
        row = QHBoxLayout(self._bar)
        row.setContentsMargins(8, 0, 8, 0)
        label = QLabel("Energy by")
        label.setProperty("muted", True)
        row.addWidget(label)
        row.addWidget(self.choice)
        row.addStretch(1)
        self._layout.insertWidget(0, self._bar)
        lab.document.view_changed.connect(lambda _, view: self._sync(view))
        self._sync(lab.document.view)

    def _on_changed(self, old: State, new: State) -> None:
        super()._on_changed(old, new)
        if old.experiment.source is not new.experiment.source:
            self._sync(self.lab.document.view)

    def _sync(self, view: View) -> None:
        experiment = self.lab.experiment
        recording, system = experiment.recording, experiment.system
        self._bar.setVisible(recording is not None)
        self.choice.setCurrentIndex(self.choice.findData(view.energy_of))
        if recording is not None:
            stated = recording.reference is not None
            name = recording.reference.label if recording.reference is not None else "reference H (none stated)"
            self.choice.setItemText(0, name)
            by = "HNN's H" if view.energy_of == "learned" or not stated else "H"
            self._name(f"Energy drift by {by}")
            self.setToolTip("(H(x(t)) − H(x(0))) / E along the recorded track and the rollouts; E = H(x(0)) − min H.")
        elif system is not None and system.damped:
            self._name("Energy error against truth")
            self.setToolTip(
                "(H(x̂(t)) − H(x(t))) / E: the true H along each rollout, against truth's own at that instant."
            )
        else:
            self._name("Energy drift")
            self.setToolTip(
                "(H(x̂(t)) − H(x(0))) / E: the true H along each rollout; E = H(x(0)) − min H, or |H(x(0))| "
                "where H has no minimum."
            )


class ErrorPanel(TimePlot):
    """Distance from truth in phase space, relative to truth's rms size, on a log axis."""

    def __init__(self, lab: Lab, parent: QWidget | None = None) -> None:
        plot = LabPlot("", "t (s)", "‖x̂ − x‖ / rms ‖x‖", log_y=True)
        super().__init__(lab, plot, error_series, error_span, parent)
        self.setAccessibleName("Error")
        self._name("Error against truth")
        self.setToolTip(
            "‖x̂ − x‖ / rms ‖x‖ of truth, angles by their wrapped difference. 1 means: no better than a guess."
        )

    def _on_changed(self, old: State, new: State) -> None:
        super()._on_changed(old, new)
        self._name("Error against the recording" if new.experiment.recording is not None else "Error against truth")


def drift_series(track: Track) -> tuple[Array, Array]:
    """Times and energy drift in percent."""
    return track.t[: len(track.drift)], 100.0 * track.drift


def drift_span(values: Array) -> tuple[float, float]:
    """A range that holds the drift, and says 'nothing' calmly."""
    if not len(values):
        return -1.0, 1.0
    low, high = float(max(values.min(), -MOST_DRIFT)), float(min(values.max(), MOST_DRIFT))
    return min(low, -0.5), max(high, 0.5)


def error_series(track: Track) -> tuple[Array, Array]:
    """Times and log10 of the error; truth has none."""
    if track.key == "truth":
        return np.empty(0), np.empty(0)
    with np.errstate(divide="ignore", invalid="ignore"):
        values = np.log10(np.maximum(track.error, LEAST_ERROR))
    inside = track.error_t > 0
    return track.error_t[inside], values[inside]


def error_span(values: Array) -> tuple[float, float]:
    """A range of decades that holds the error."""
    if not len(values):
        return -4.0, 0.5
    return float(max(np.percentile(values, 2), -6.0)), float(min(max(values.max(), 0.0), 3.0))
