"""Over time: the energy drift of every rollout, and its distance from truth."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QVBoxLayout, QWidget

from app.lab import Lab
from app.model.document import ENERGY_OF, State, View
from app.model.rollout_messages import Answer, Request, RolloutCurve
from app.widgets.plot import Curve, Dots, LabPlot, Marker, Spread, show_until_diverged
from app.widgets.plot_labels import Name, value_at
from app.widgets.text import PlainLabel, set_tip
from hnn_engine.coords import Array
from hnn_engine.errors import listing
from hnn_engine.experiment import retyped, same_system
from hnn_engine.model_colors import role_dash
from hnn_engine.number_format import number
from hnn_engine.percentiles import percentile
from hnn_engine.rollouts.truth import HAIR_TEXT, how_long_known

if TYPE_CHECKING:  # a window on a simulated system needs no recordings
    from hnn_engine.recordings import ReferenceEnergy

DOTS = 25  # over the horizon, of a model's own energy, drawn with the true one
APART_DOTS = 50  # over the horizon, of how far a model gets from its own second start
MOST_DRIFT = 300.0  # percent: the axis grows no further for a model that has left the plot anyway
LEAST_ERROR = 1e-7

Series = Callable[[Request, RolloutCurve], tuple[Array, Array]]
Span = Callable[[Array], tuple[float, float]]


class TimePlot(QWidget):
    """Curves of the rollouts over time, with a line at the playback's instant, their names at their ends, and their
    values at the pointer.

    `titled(text)` names what is plotted, for the panel's frame. `series` gives times and values of a track of
    an answer to a request, NaN where there is nothing; `span` the y range that holds all values.
    """

    titled = Signal(str)
    unknown = "truth not known"  # said where its rollout is one of many

    def __init__(self, lab: Lab, plot: LabPlot, series: Series, span: Span, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.lab = lab
        self.plot = plot
        self.title = ""
        self.series = series
        self._span = span
        self.cursor_line = plot.cursor_line()
        self.band = plot.time_band()
        self.known = plot.known_mark(self.unknown)
        self.names = plot.end_names()
        self.readout = plot.readout()
        self._curves: dict[str, tuple[Curve, Marker]] = {}
        self._tracks: dict[str, RolloutCurve] = {}  # of these curves
        self._spreads: dict[str, Spread] = {}
        self._dots: dict[str, Dots] = {}
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        self._layout = layout
        layout.addWidget(plot, 1)
        plot.hovered.connect(self._on_hovered)
        lab.take_in_turn(self._on_answered)
        lab.highlighted.connect(plot.fade_others)
        lab.playback.moved.connect(self.cursor_line.set_time)
        lab.document.changed.connect(self._on_changed)

    def _on_changed(self, old: State, new: State) -> None:
        if not same_system(old.experiment, new.experiment) and not retyped(old.experiment, new.experiment):
            self._clear(set(self._curves))
            self._clear_bands(set(self._spreads))
            self.names.show(())
            self.known.set_time(float("nan"))
            self.plot.begin_anew()

    def _name(self, title: str) -> None:
        self.title = title
        self.titled.emit(title)

    def _clear_bands(self, keys: set[str]) -> None:
        for key in keys:
            self.plot.discard(self._spreads.pop(key))

    def _clear(self, keys: set[str]) -> None:
        for key in keys:
            self._tracks.pop(key, None)
            for item in self._curves.pop(key):
                self.plot.discard(item)
            if key in self._dots:
                self.plot.discard(self._dots.pop(key))

    def _on_answered(self, answer: Answer) -> None:
        truth = [answer.truth] if answer.truth is not None else []
        twin = [answer.twin] if answer.twin is not None else []
        tracks = [*truth, *twin, *answer.leads]
        roles = {t.key: t.role for t in tracks}
        gone = {key for key, (line, _) in self._curves.items() if roles.get(key) != line.role}
        self._clear(gone)
        self._tracks = {t.key: t for t in tracks}
        request = answer.request
        shown = [self._draw(request, track) for track in tracks]
        bands = {lead.key: answer.band(lead) for lead in answer.leads if len(answer.band(lead)) > 1}
        self._clear_bands((set(self._spreads) - set(bands)) | (gone & set(self._spreads)))
        shown += [self._draw_band(request, key, members) for key, members in bands.items()]
        shown += self._draw_more(answer)
        finite = np.concatenate([v[np.isfinite(v)] for v in shown]) if shown else np.empty(0)
        low, high = self._span(finite)
        spec = request.experiment.rollout
        self.band.set_span(*spec.steering.interval(spec.length))
        self.known.set_time(answer.known_until)
        self.plot.grow_to(0.0, spec.length, low, high)
        self.plot.fade_others(self.lab.highlight)
        self._write_names(answer)

    def _draw(self, request: Request, track: RolloutCurve) -> Array:
        if track.key not in self._curves:
            line = self.plot.curve(track.role, role_dash(track.role), 1.0, z=5 if track.key == "truth" else 10)
            line.pointable = True
            self._curves[track.key] = (line, self.plot.marker(track.role, "cross", 8.0))
        line, end = self._curves[track.key]
        t, values = self.series(request, track)
        first = int(np.argmax(np.isfinite(values))) if len(values) else 0
        show_until_diverged(line, end, t[first:], values[first:], 1e6, bool(np.isfinite(track.ended)))
        return values

    def _draw_band(self, request: Request, key: str, members: tuple[RolloutCurve, ...]) -> Array:
        """Fill between the least and the largest of the repetitions of a fit, as far as all of them go."""
        if key not in self._spreads:
            self._spreads[key] = self.plot.spread(members[0].role)
        parts = [self.series(request, member) for member in members]
        rows = min(len(values) for _, values in parts)
        stack = np.stack([values[:rows] for _, values in parts])
        good = np.isfinite(stack).all(axis=0)
        low, high = stack[:, good].min(axis=0, initial=np.inf), stack[:, good].max(axis=0, initial=-np.inf)
        low, high = np.maximum(low, -1e6), np.minimum(high, 1e6)
        self._spreads[key].set_band(parts[0][0][:rows][good], low, high)
        return np.concatenate([low, high])

    def _draw_more(self, answer: Answer) -> list[Array]:
        """Draw what else the panel shows; return its values."""
        return []

    # What is what -----------------------------------------------------------------------------------------------------

    def _write_names(self, answer: Answer) -> None:
        """Write each curve's name where it ends, or leaves the plot; models first, where there is little room."""
        low, high = self.plot.ranges[1]
        found = []
        for track in sorted(self._tracks.values(), key=lambda t: t.key == "truth"):
            x, y = self._curves[track.key][0].data
            inside = np.flatnonzero((y >= low) & (y <= high))
            if len(inside):
                at = int(inside[-1])
                found.append(Name(track.role, self._called(answer.request, track), float(x[at]), float(y[at])))
        self.names.show(found)

    def reveal(self, time: float) -> None:
        """Show curves as far as `time` s, their names where they are by then: what a film does."""
        self.plot.reveal(time)
        answer, found = self.lab.answer, []
        for track in sorted(self._tracks.values(), key=lambda t: t.key == "truth"):
            x, y = self._curves[track.key][0].data
            at = int(np.searchsorted(x, time, side="right")) - 1
            if at >= 0 and answer is not None:
                found.append(Name(track.role, self._called(answer.request, track), float(x[at]), float(y[at])))
        self.names.show(found, ahead=True)

    def _called(self, request: Request, track: RolloutCurve) -> str:
        """The name of a curve."""
        return track.title if track.key != "truth" else track.title.capitalize()

    def _on_hovered(self, at: QPointF | None) -> None:
        self.lab.point_at(self.plot.role_at(at) if at is not None else "")
        self.readout.say(self._lines(at) if at is not None else (), at or QPointF())

    def _lines(self, at: QPointF) -> list[tuple[str, str]]:
        """What is known of the instant under the pixel `at`: the value of each curve."""
        answer, t = self.lab.answer, self.plot.view.point(at).x()
        if answer is None:
            return []
        lines = [("", f"t = {number(t, 's')}")]
        for key, track in self._tracks.items():
            value = value_at(*self._curves[key][0].data, t)
            if np.isfinite(value):
                lines.append((track.role, f"{self._called(answer.request, track)}  {self._in_words(value)}"))
        return lines if len(lines) > 1 else []

    def _in_words(self, value: float) -> str:
        """What stands at a height of the plot, with its unit."""
        return number(value)


class EnergyPanel(TimePlot):
    """Energy drift in percent of E (see the tooltip) along every rollout: by the true H, each model's own, or both."""

    def __init__(self, lab: Lab, parent: QWidget | None = None) -> None:
        super().__init__(lab, LabPlot("", "t (s)", "ΔH / E (%)"), drift_series, drift_span, parent)
        self.setAccessibleName("Energy")
        self.choice = QComboBox()
        for name in ENERGY_OF:
            self.choice.addItem("", name)
        self.choice.setAccessibleName("Energy by")
        self.choice.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.choice.activated.connect(lambda: lab.document.set_view(energy_of=str(self.choice.currentData())))
        self._known = float("nan")  # up to when truth is, s
        self._by_truth: tuple[str, ...] = ()  # models drawn by the true H where others are by their own
        self._bar = QWidget()
        row = QHBoxLayout(self._bar)
        row.setContentsMargins(8, 0, 8, 0)
        label = PlainLabel("Energy by")
        label.setProperty("muted", True)
        row.addWidget(label)
        row.addWidget(self.choice)
        row.addStretch(1)
        self._layout.insertWidget(0, self._bar)
        lab.document.view_changed.connect(lambda _, view: self._sync(view))
        self._sync(lab.document.view)

    @property
    def controls(self) -> QWidget:
        """The row over the plot that says by whose energy it is."""
        return self._bar

    def _on_changed(self, old: State, new: State) -> None:
        super()._on_changed(old, new)
        if old.experiment.source is not new.experiment.source:
            self._sync(self.lab.document.view)

    def _on_answered(self, answer: Answer) -> None:
        super()._on_answered(answer)
        self._show_bar(answer)
        by_truth = _by_true_energy(answer)
        if not np.array_equal(self._known, answer.known_until, equal_nan=True) or by_truth != self._by_truth:
            self._known, self._by_truth = answer.known_until, by_truth
            self._sync(self.lab.document.view)

    def _draw_more(self, answer: Answer) -> list[Array]:
        """A model's own drift together with the true one, as dots: on truth's line a second line could not be seen."""
        request = answer.request
        own = {t.key: t for t in answer.leads if len(t.own)} if request.energy_of == "both" else {}
        for key in set(self._dots) - set(own):
            self.plot.discard(self._dots.pop(key))
        return [self._draw_dots(track, request.experiment.rollout.length) for track in own.values()]

    def _draw_dots(self, track: RolloutCurve, length: float) -> Array:
        if track.key not in self._dots:
            self._dots[track.key] = self.plot.dots(track.role, size=4.0, alpha=255, z=20)
        rows = np.unique(np.searchsorted(track.t, np.linspace(0.0, length, DOTS)).clip(max=len(track.own) - 1))
        t, values = track.t[rows], np.asarray(100.0 * track.own[rows])
        with np.errstate(invalid="ignore"):
            good = np.abs(values) < 1e6
        self._dots[track.key].set_data(t[good], values[good])
        return values

    def _called(self, request: Request, track: RolloutCurve) -> str:
        """The name of a curve, and by which energy it is where others are by another one."""
        name, by = super()._called(request, track), request.energy_of
        if track.key != "truth" and by == "learned" and request.experiment.system is not None and not len(track.own):
            return f"{name}, by true H"
        return name

    def _in_words(self, value: float) -> str:
        return number(value, "%")

    def _show_bar(self, answer: Answer | None) -> None:
        """There is a choice once a model has an energy of its own."""
        models = answer.request.models if answer is not None else ()
        self._bar.setVisible(self.lab.experiment.recording is not None or any(m.snapshot.has_energy for m in models))

    def _sync(self, view: View) -> None:
        self._show_bar(self.lab.answer)
        self.choice.setCurrentIndex(self.choice.findData(view.energy_of))
        words = self._words()
        for i, text in enumerate(words.choices):
            self.choice.setItemText(i, text)
        shown = ENERGY_OF.index(view.energy_of)
        others = f"; {listing(self._by_truth)}: true H" if self._by_truth else ""
        self._name(words.titles[shown] + others)
        tips = [words.tip, *([words.own_tip] if view.energy_of != "reference" else [])]
        tips += [how_long_known(self._known)] if np.isfinite(self._known) else []
        set_tip(self, "\n".join(tips))

    def _words(self) -> "_Words":
        experiment = self.lab.experiment
        if experiment.recording is not None:
            return _of_recording(experiment.recording.reference)
        if experiment.scene.observed:
            return replace(_CONSERVED, tip=f"{_CONSERVED.tip}\n{_FILMED}")
        return _CONSERVED if experiment.system is None or experiment.system.conserves else _DAMPED


@dataclass(frozen=True)
class _Words:
    """What the energy plot says of itself; `choices` and `titles` in the order of `ENERGY_OF`."""

    choices: tuple[str, str, str]
    titles: tuple[str, str, str]
    tip: str
    own_tip: str


_CHOICES = ("true H", "own Ĥ", "both")
_LESSON = (
    "A model's own: (Ĥ(x̂(t)) − Ĥ(x̂(0))) / E{more}; as dots where both are drawn.\n"
    "An HNN conserves its Ĥ to the accuracy of the integrator; the true H varies along its path, as Ĥ differs from H.\n"
    "A model without an Ĥ has the true H only."
)
_CONSERVED = _Words(
    _CHOICES,
    ("Energy drift", "Energy drift: own Ĥ", "Energy drift: H, Ĥ"),
    "(H(x̂(t)) − H(x(0))) / E: the true H along each rollout; E = H(x(0)) − min H, or |H(x(0))| where H has no minimum.",
    _LESSON.format(more=""),
)
_FILMED = (
    "The frames are computed by Störmer–Verlet from frame to frame, and the shown truth as well: so the true H varies "
    "slightly."
)
_DAMPED = _Words(
    _CHOICES,
    ("Energy error against truth", "Energy error: own Ĥ", "Energy error: H, Ĥ"),
    "(H(x̂(t)) − H(x(t))) / E: the true H along each rollout, against that of truth at the same time.",
    _LESSON.format(more=" − (H(x(t)) − H(x(0))) / E, its expected change along truth"),
)


def _of_recording(reference: "ReferenceEnergy | None") -> _Words:
    stated = reference.label if reference is not None else "reference H (none stated)"
    by = "H" if reference is not None else "a learned H"
    return _Words(
        (stated, "a learned H", "both"),
        (
            f"Energy drift by {by}",
            "Energy drift by a learned H",
            "Energy drift: H, Ĥ" if reference is not None else "Energy drift by a learned H",
        ),
        "(H(x(t)) − H(x(0))) / E along the recorded track and the rollouts; E = H(x(0)) − min H.",
        "Each curve by its model's own Ĥ, and by one of them for models without; as dots where both are drawn.",
    )


class ErrorPanel(TimePlot):
    """Distance from truth in phase space, relative to truth's rms size, on a log axis.

    With a second start also how far truth gets from it, and as dots how far each model gets from its own.
    """

    unknown = "no errors: truth not known"

    def __init__(self, lab: Lab, parent: QWidget | None = None) -> None:
        plot = LabPlot("", "t (s)", "‖x̂ − x‖ / rms ‖x‖", log_y=True)
        super().__init__(lab, plot, error_series, error_span, parent)
        self.setAccessibleName("Error")
        self._tip = ""
        self._show_words(None)

    def _in_words(self, value: float) -> str:
        return number(10.0**value)

    def _on_changed(self, old: State, new: State) -> None:
        super()._on_changed(old, new)
        if not same_system(old.experiment, new.experiment) and not retyped(old.experiment, new.experiment):
            self._show_words(None)

    def _on_answered(self, answer: Answer) -> None:
        super()._on_answered(answer)
        self._show_words(answer)

    def _draw_more(self, answer: Answer) -> list[Array]:
        """How far each model gets from its own second start, as dots: its error is the line."""
        apart = {t.key: t for t in answer.leads if len(t.apart)}
        for key in set(self._dots) - set(apart):
            self.plot.discard(self._dots.pop(key))
        return [self._draw_dots(track, answer.request.experiment.rollout.length) for track in apart.values()]

    def _draw_dots(self, track: RolloutCurve, length: float) -> Array:
        if track.key not in self._dots:
            self._dots[track.key] = self.plot.dots(track.role, size=4.0, alpha=255, z=20)
        rows = np.unique(np.searchsorted(track.t, np.linspace(0.0, length, APART_DOTS)).clip(max=len(track.apart) - 1))
        values: Array = np.log10(np.maximum(track.apart[rows], LEAST_ERROR))
        good = np.isfinite(values)
        self._dots[track.key].set_data(track.t[rows][good], values[good])
        return values

    def _show_words(self, answer: Answer | None) -> None:
        recorded = self.lab.experiment.recording is not None
        known = answer.known_until if answer is not None else float("nan")
        title = "Error against the recording" if recorded else "Error against truth"
        tip = "‖x̂ − x‖ / rms ‖x‖ of truth, angles by their wrapped difference. 1: as large as truth itself."
        if np.isfinite(known):
            title = f"Error (truth to {known:.3g} s)"
            tip += "\n" + how_long_known(known)
        if answer is not None and answer.twin is not None:
            tip += (
                f"\nGrey: truth from a start a hair ({HAIR_TEXT}) away. Dots: each model from that start, against its "
                "own rollout from the first."
            )
        if title != self.title:
            self._name(title)
        if tip != self._tip:
            self._tip = tip
            set_tip(self, tip)


def _by_true_energy(answer: Answer) -> tuple[str, ...]:
    """Return the models that have no energy of their own, where that is what the others are drawn by."""
    request = answer.request
    if request.energy_of != "learned" or request.experiment.system is None:
        return ()
    return tuple(track.title for track in answer.leads if not len(track.own) and len(track.t) > 1)


def drift_series(request: Request, track: RolloutCurve) -> tuple[Array, Array]:
    """Times and energy drift in percent: by the true H, or where it is asked for and the model has one by its own."""
    drift = track.own if request.energy_of == "learned" and len(track.own) else track.drift
    return track.t[: len(drift)], 100.0 * drift


def drift_span(values: Array) -> tuple[float, float]:
    """A range that holds the drift, and says 'nothing' calmly."""
    if not len(values):
        return -1.0, 1.0
    low, high = float(max(values.min(), -MOST_DRIFT)), float(min(values.max(), MOST_DRIFT))
    return min(low, -0.5), max(high, 0.5)


def error_series(request: Request, track: RolloutCurve) -> tuple[Array, Array]:
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
    return max(percentile(values, 2.0), -6.0), float(min(max(values.max(), 0.0), 3.0))
