"""The phase portrait: a field and its contours, the data, the rollouts, and the start as a point to drag."""

from dataclasses import replace

import numpy as np
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.lab import Lab
from app.model.document import State, View
from app.model.model_roles import compared_key, error_key, field_key
from app.model.rollout_messages import Answer, Blob, Marks, RolloutCurve, ShownModel
from app.model.settings import settings
from app.panels.portrait.background import PortraitBackground, error_ways, error_words
from app.panels.portrait.bar import PortraitBar
from app.panels.portrait.curves import PortraitCurves, tracks_of
from app.panels.portrait.data_editing import DataEditor
from app.panels.portrait.data_points import DataPoints
from app.panels.portrait.energy_band import EnergyBand
from app.panels.portrait.healing import Healing
from app.panels.portrait.marks import Blobs, StateMarks
from app.panels.portrait.portrait_plot import PortraitPlot
from app.panels.portrait.probe import Probe
from app.panels.portrait.projection import MAP_TIP, Chart, LatentChart, StateChart, map_words
from app.style.theme import theme_signals
from app.widgets.drag import FinePointer
from app.widgets.elided import ElidedLabel
from hnn_engine.coords import Array
from hnn_engine.datasets import Dataset
from hnn_engine.experiment import retyped, same_scene
from hnn_engine.phase_portrait import PortraitField, PortraitSpec

GRAB = 14.0  # pixels around the start within which it is grabbed
NUDGE = 0.01  # of the range, for an arrow key

_KEYS = {
    Qt.Key.Key_Left: (0, -1.0),
    Qt.Key.Key_Right: (0, 1.0),
    Qt.Key.Key_Down: (1, -1.0),
    Qt.Key.Key_Up: (1, 1.0),
}


FIT_TIP = """Duration of the live fit, and where the models do not fit the drawn data
Red: the model's field is off by more than a quarter of the rms speed of the drawn data. The field of an H has no
sources or sinks and one direction at each point: strokes that cross or merge cannot be fitted."""


class PortraitPanel(QWidget):
    """Shows a plane of the phase space."""

    def __init__(self, lab: Lab, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.lab = lab
        self.plot = PortraitPlot(self)
        self._answer: Answer | None = None
        self._field: PortraitField | None = None
        self._latents: LatentChart | None = None  # of the newest answer, where latents are shown
        self._seen: RolloutCurve | None = None  # truth, in these latents
        self._pointer: FinePointer | None = None
        self._build_items()
        self.bar = PortraitBar()
        self.x_axis, self.y_axis, self.field_of = self.bar.x_axis, self.bar.y_axis, self.bar.field_of
        self.switches = self.bar.switches
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.bar)
        layout.addWidget(self.background.key)
        layout.addWidget(self.healing.bar)
        layout.addWidget(self.words)
        layout.addWidget(self.plot, 1)
        self._connect()
        self.sync()

    def _build_items(self) -> None:
        self.background = PortraitBackground(self.plot)
        self.dots = DataPoints(self.plot)
        self.editor = DataEditor(self.lab, self.plot, self.dots)
        self.band = EnergyBand(self.lab, self.plot)
        self.healing = Healing(self.lab, self.plot)
        self.curves = PortraitCurves(self.plot)
        self.words = ElidedLabel()  # what map the latents have
        self.words.setContentsMargins(12, 2, 16, 0)
        self.start = self.plot.marker("accent", "ring", 12.0, z=60.0)
        self.marks, self.blobs = StateMarks(self.plot), Blobs(self.plot)
        self.probe = Probe(self.lab, self.plot)
        self.readout = self.probe.readout

    def _connect(self) -> None:
        lab = self.lab
        lab.answered.connect(self._on_answered)
        lab.dataset_changed.connect(self._on_dataset)
        lab.playback.moved.connect(self._on_moved)
        lab.document.changed.connect(self._on_changed)
        lab.document.view_changed.connect(self._on_view)
        self.plot.ranged.connect(self._show_plane)
        self.plot.laid_out.connect(self._draw_field)
        self.plot.hovered.connect(self._on_hovered)
        lab.highlighted.connect(self.plot.fade_others)
        lab.marked.connect(self._on_marked)
        lab.carried.connect(self._on_carried)
        self.background.key.chosen.connect(self._on_model)
        self.background.key.set_to.connect(lambda name, value: lab.document.set_view(**{name: value}))
        self.bar.axes_chosen.connect(self._on_axes)
        self.bar.view_changed.connect(lambda changes: lab.document.set_view(**changes))
        theme_signals.changed.connect(self._on_theme)

    @property
    def controls(self) -> QWidget:
        """The row of boxes and switches over the plot."""
        return self.bar

    # Axes and ranges --------------------------------------------------------------------------------------------------

    @property
    def axes(self) -> tuple[int, int]:
        """The coordinates across and upward, those that the system has."""
        chosen, dof = self.lab.document.view.axes, self.lab.experiment.scene.dof
        if chosen is None or max(chosen) >= 2 * dof or chosen[0] == chosen[1]:
            return (0, dof)
        return chosen

    def sync(self) -> None:
        """Show the axes, the switches and the range of the experiment's system."""
        self.bar.show_axes(self.lab.experiment.scene, self.axes)
        self._sync_view(self.lab.document.view)
        self._latents = None
        self.probe.remove()
        self._read()
        self._on_marked(self.marks.marks)
        self._on_carried(self.blobs.blobs)
        self.plot.set_labels(*self.chart.labels)
        self.plot.setAccessibleName("Phase portrait")
        self.plot.following = True
        self._fit_range(None)
        self._on_dataset(self.lab.dataset)
        self._place_start()

    def _offer_models(self) -> None:
        """Offer the fields of truth and of the shown models, and those with an energy to be compared."""
        view, models = self.lab.document.view, self.lab.shown_models()
        leads = [m for m in models if m.member == 0]
        fields = (("truth", "Truth"), *((m.role, m.title) for m in leads))
        self.bar.offer_fields(fields, _role(leads, field_key(models, view), "truth"))
        if view.error_map:
            offers = tuple((m.role, m.title) for m in leads if m.snapshot.autoencoder is None)
            own = _role(leads, error_key(models, view), "") if view.debugged else ""
        else:
            offers = tuple((m.role, m.title) for m in leads if m.snapshot.has_energy)
            own = _role(leads, compared_key(models, view), "") if view.compared else ""
        self.background.key.offer((("", "As Field of"), *offers), own)
        self.background.key.offer_ways(error_ways(view, self.lab.experiment.scene) if view.error_map else ())

    def _sync_view(self, view: View) -> None:
        self._offer_models()
        self.bar.show_view(view, self.lab.experiment.scene.observed)
        self._show_words()
        self.background.sync(view)
        self.healing.bar.sync()
        self.dots.set_visible(view.data)
        self._say()

    def _say(self, text: str = "") -> None:
        """Say what map the latents have, or why there are none; without latents how the live fit and drawn data do."""
        self._show_words()
        if not self.lab.document.view.latents:
            self.words.say(self._fit_words(), FIT_TIP)
            return
        if not self.lab.rollouts.latents_key():
            text = "No model of frames is shown: train one to see its latents."
        self.words.say(text or self.words.whole, MAP_TIP)

    def _on_axes(self, x: int, y: int) -> None:
        if x == y:
            now = self.axes
            x, y = (x, now[0]) if x != now[0] else (now[1], y)
        self.lab.document.set_view(axes=(x, y))

    def _on_view(self, old: View, new: View) -> None:
        if old.axes != new.axes or old.latents != new.latents:
            self._field = None
            self.sync()
            self._draw_field()
            self._draw_tracks()
        else:
            self._sync_view(new)

    def _on_changed(self, old: State, new: State) -> None:
        a, b = old.experiment, new.experiment
        if not same_scene(a, b) and not retyped(a, b):
            self.put_down()
            self._answer = self._field = self._seen = None
            self._draw_tracks()
            self._draw_field()
            self.sync()
        elif a.source is not b.source:
            self._fit_range(self._answer)
        if a.edits is not b.edits:
            self.healing.bar.sync()
        if a.models is not b.models or old.shown is not new.shown:
            self._sync_view(self.lab.document.view)
        self._place_start()

    def _fit_range(self, answer: Answer | None) -> None:
        (x0, x1), (y0, y1) = self.plot.ranges
        self.plot.show_range(*self.chart.ranges(answer, (x0, x1, y0, y1)))
        self._show_plane()

    def _show_plane(self) -> None:
        self.probe.refresh()
        (x0, x1), (y0, y1) = self.plot.ranges
        start = self.lab.experiment.start
        self.lab.rollouts.show_portrait(PortraitSpec(self.axes, (x0, x1), (y0, y1), start))

    @property
    def chart(self) -> Chart:
        """How states lie on the plane: by their coordinates, or by the latents of the newest answer."""
        return self._latents or StateChart(self.lab.experiment.scene, self.axes)

    def _chart(self, answer: Answer | None) -> None:
        """Lay the plane as `answer` does, which may be in latents, or by coordinates again."""
        plane, key = answer.field if answer is not None else None, self.lab.rollouts.latents_key()
        found = LatentChart(plane.latents, key) if key and plane is not None and plane.latents is not None else None
        other = (found is None) != (self._latents is None)
        self._latents = found
        if found is not None:
            self._say(map_words(found.latents))
        if other:
            self.plot.following = True
            self.plot.set_labels(*self.chart.labels)
            self._draw_data()

    # Drawing ----------------------------------------------------------------------------------------------------------

    def _on_answered(self, answer: Answer) -> None:
        self._answer = answer
        self._offer_models()
        self._chart(answer)
        self._fit_range(answer)
        if answer.field is not None and answer.field is not self._field and answer.field.spec.axes == self.axes:
            self._field = answer.field
            self._draw_field()
        else:
            self._draw_gap()  # in shares of E, which goes with the start
        self._seen = self._truth_seen(answer)
        self._draw_tracks()
        self.dots.lay_missed(answer if self._latents is None else None, self.chart)
        self._say()
        if self._latents is not None:
            self._draw_data()
            self._place_start()
        self._on_moved(self.lab.playback.time)
        self._read()

    def _on_marked(self, marks: Marks) -> None:
        """Mark states of the system on screen."""
        fits = all(len(mark.at) == 2 * self.lab.experiment.scene.dof for mark in marks)
        self.marks.show(marks if fits and self._latents is None else (), self.chart)

    def _on_carried(self, blobs: tuple[Blob, ...]) -> None:
        """Draw outlines that flows carry, of the system on screen."""
        fits = all(blob.outline.shape[-1] == 2 * self.lab.experiment.scene.dof for blob in blobs)
        self.blobs.show(blobs if fits and self._latents is None else (), self.chart, self.lab.playback.time)

    def _read(self) -> None:
        """Let the probe read what is shown now."""
        self.probe.axes = self.axes
        models = self._answer.request.models if self._answer is not None else ()
        self.probe.models = [m for m in models if m.member == 0]
        self.probe.time = self._answer.request.time if self._answer is not None else 0.0
        self.probe.refresh()

    def _truth_seen(self, answer: Answer) -> RolloutCurve | None:
        """Truth's rollout in the latents that are shown."""
        if answer.truth is None or answer.encoded_truth is None:
            return None
        return replace(answer.truth, key="truth, encoded", coords=answer.encoded_truth)

    def _on_theme(self) -> None:
        self._offer_models()
        self._draw_field()

    def _draw_field(self) -> None:
        compared = self._compared()
        self.background.show_field(self._field, compared.role if compared is not None else "")
        self._draw_gap()

    def _on_model(self, role: str) -> None:
        """Take the chosen model for what the map shows."""
        which = "debugged" if self.lab.document.view.error_map else "compared"
        self.lab.document.set_view(**{which: role})

    def _draw_gap(self) -> None:
        if self.lab.document.view.error_map:
            self._draw_error()
            return
        scale = self._answer.scale if self._answer is not None else np.nan
        unit = "J" if self.lab.experiment.recording is None else ""
        compared = self._compared()
        name = compared.title if compared is not None else ""
        self.background.show_gap(self._field, name, scale, unit, self._why_no_gap())

    def _draw_error(self) -> None:
        answer, scene = self._answer, self.lab.experiment.scene
        found = answer.error_map if answer is not None else None
        here = found if found is not None and found.spec.axes == self.axes else None
        self.healing.map, self.healing.axes = here, self.axes
        shown = answer.shown(answer.request.wrong) if answer is not None else None
        figures, view = answer.field_error if answer is not None else None, self.lab.document.view
        name = shown.title if shown is not None else ""
        self.background.show_error(here, figures, name, view, scene, self._why_no_error())
        self.healing.bar.say(error_words(figures, scene) if here is not None else "")

    def _why_no_error(self) -> str:
        models = self.lab.shown_models()
        if not models:
            return "No model is shown: train one to see where its field is off."
        if self.lab.experiment.scene.timed:
            return "The law depends on time: a map is made of laws that do not."
        if all(m.snapshot.autoencoder is not None for m in models):
            return "A model of frames has no field to compare here: Frames shows how well it predicts."
        return ""

    def _compared(self) -> ShownModel | None:
        """The model whose H is compared with the true one on the plane that is drawn."""
        return self._answer.shown(self._answer.request.compared) if self._answer is not None else None

    def _why_no_gap(self) -> str:
        if not self.lab.document.view.compare:
            return ""
        recording = self.lab.experiment.recording
        if recording is not None and recording.reference is None:
            return "This recording has no reference H to compare with."
        if not any(m.snapshot.has_energy for m in self.lab.shown_models()):
            return "No model with an H is shown: train one, the HNN for example."
        return ""

    def _draw_tracks(self) -> None:
        self.curves.draw(self._answer, self.chart, self._latents is not None)
        self.plot.fade_others(self.lab.highlight)

    def _on_dataset(self, data: Dataset | None) -> None:
        fits = data is not None and data.dof == self.lab.experiment.scene.dof
        self.dots.take(data if fits else None)
        self.probe.states = data.coords[data.train] if data is not None and fits else None
        self._draw_data()

    def _draw_data(self) -> None:
        if self._latents is not None:
            self.dots.lay_encoded(self._latents.latents.encoded)
        else:
            self.dots.lay(self.chart)

    def _show_words(self) -> None:
        view, experiment = self.lab.document.view, self.lab.experiment
        self.words.setVisible((experiment.scene.observed and view.latents) or view.live_fit or experiment.edits.drawn)

    def _fit_words(self) -> str:
        parts = []
        missed = self._answer.missed if self._answer is not None else None
        if missed is not None and self.lab.experiment.edits.drawn:
            share = f"{100 * missed.share:.0f} % of what is drawn (red)" if missed.share else "all that is drawn"
            parts.append(f"{missed.model} {'does not fit' if missed.share else 'fits'} {share}")
        if self.lab.document.view.live_fit:
            parts.append(self.lab.live_fit.words())
        return " · ".join(parts)

    def _on_moved(self, time: float) -> None:
        for track in tracks_of(self._answer):
            shown = len(track.t) and not track.member
            self.curves.place_head(track, self._position(track) if shown else None)
        self.curves.part_names()
        self.blobs.move_to(time, self.chart)

    def reveal(self, time: float) -> None:
        """Show rollouts as far as `time` s: what a film does."""
        self.curves.draw(self._answer, self.chart, self._latents is not None, until=time)

    def _position(self, track: RolloutCurve) -> Array:
        """Where a rollout is on the plane at the playback's instant."""
        if self._latents is not None and track.key == "truth" and self._seen is not None:
            return self.lab.state_of(self._seen)
        return self.chart.place(self.lab.state_of(track))

    def _place_start(self) -> None:
        if len(self.lab.experiment.start) == 2 * self.lab.experiment.scene.dof:
            self.start.place(*self.chart.start(self.lab.experiment, self._answer))

    def _on_hovered(self, at: QPointF | None) -> None:
        """Highlight the curve at the pixel `at`, and say what is known of the point."""
        self.lab.point_at(self.plot.role_at(at) if at is not None else "")
        self.probe.point_at(at if self._latents is None else None)

    # The mouse --------------------------------------------------------------------------------------------------------

    def start_pixel(self) -> QPointF:
        """Where the start is, in pixels of the plot."""
        return self.plot.view.pixel(self.start.at.x(), self.start.at.y())

    def _near(self, at: QPointF) -> bool:
        gap = self.start_pixel() - at
        return float(np.hypot(gap.x(), gap.y())) <= GRAB

    def on_press(self, event: QMouseEvent) -> bool:
        """Begin what a press does here, by the tool, the keys held, and what is there; return whether it does any."""
        if self._latents is None and self.editor.tool == "start" and self.probe.press(event):
            return True
        tools = self.healing, self.band, self.editor
        return any(tool.press(event) for tool in tools) or self.take(event.position())

    def on_move(self, event: QMouseEvent) -> bool:
        """Go on with what is under way; return whether there is anything."""
        tools = self.healing, self.band, self.editor
        return any(tool.move(event) for tool in tools) or self.carry(event.position(), event.modifiers())

    def on_release(self, event: QMouseEvent) -> bool:
        """End what is under way; return whether there was anything."""
        tools = self.healing, self.band, self.editor
        return any(tool.release(event) for tool in tools) or self.put_down()

    def take(self, at: QPointF) -> bool:
        """Grab the start if it is at `at`; return whether it was."""
        self.plot.setFocus()
        if not self._near(at):
            return False
        self._pointer = FinePointer(at, self.start_pixel())
        self.plot.setCursor(Qt.CursorShape.ClosedHandCursor)
        return True

    def carry(self, at: QPointF, modifiers: Qt.KeyboardModifier) -> bool:
        """Move the grabbed start; return whether there is one."""
        if self._pointer is None and self.editor.tool != "start":
            self.editor.show_cursor(at)
            return False
        if self._pointer is None:
            shape = Qt.CursorShape.OpenHandCursor if self._near(at) else Qt.CursorShape.ArrowCursor
            if self.plot.cursor().shape() != shape:
                self.plot.setCursor(shape)
            return False
        if self._pointer.moved(at, modifiers):
            if not self.lab.drag.active:
                self.lab.drag.begin()
                settings().dragged_once = True
            point = self.plot.view.point(self._pointer.target)
            start = np.array(self.lab.experiment.start)
            self.lab.drag.move(self.chart.moved(start, point.x(), point.y()), self.chart.begin)
        return True

    def put_down(self) -> bool:
        """Let the start go; return whether it was held."""
        if self._pointer is None:
            return False
        self._pointer = None
        if self.lab.drag.active:
            self.lab.drag.end()
        self.plot.setCursor(Qt.CursorShape.OpenHandCursor)
        return True

    def key(self, event: QKeyEvent) -> bool:
        """Nudge the start, or take a drag back; return whether the key meant that."""
        under_way = self.editor, self.band, self.healing
        if event.key() == Qt.Key.Key_Escape and (any(one.cancel() for one in under_way) or self.probe.remove()):
            return True
        if event.key() == Qt.Key.Key_Escape and self._pointer is not None:
            self._pointer = None
            if self.lab.drag.active:
                self.lab.drag.cancel()
            self.plot.unsetCursor()
            return True
        if event.key() not in _KEYS:
            return False
        which, sign = _KEYS[Qt.Key(event.key())]
        fine = 0.1 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1.0
        low, high = self.plot.ranges[which]
        at = self.chart.start(self.lab.experiment, self._answer)
        at[which] += sign * fine * NUDGE * (high - low)
        self.lab.drag.nudge(self.chart.moved(np.array(self.lab.experiment.start), *at), self.chart.begin)
        return True


def _role(models: list[ShownModel], key: str, otherwise: str) -> str:
    """Return the role of the model of this `key`, or what stands for none."""
    return next((m.role for m in models if m.key == key), otherwise)
