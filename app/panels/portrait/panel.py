"""The phase portrait: a field and its contours, the data, the rollouts, and the start as a point to drag."""

import math
from dataclasses import replace

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent, QResizeEvent
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.lab import Lab
from app.model.document import State, View
from app.model.model_roles import compared_key, field_key
from app.model.rollout_messages import Answer, RolloutCurve, ShownModel
from app.model.settings import settings
from app.panels.portrait.background import COMPARE_TIP, PortraitBackground
from app.panels.portrait.data_editing import DataEditor
from app.panels.portrait.data_points import DataPoints
from app.panels.portrait.energy_band import EnergyBand
from app.panels.portrait.pointed_at import lines_at
from app.panels.portrait.projection import MAP_TIP, Chart, LatentChart, StateChart, joins, map_words
from app.style.theme import current_theme, theme_signals
from app.widgets.drag import FinePointer
from app.widgets.elided import ElidedLabel
from app.widgets.plot import Curve, LabPlot, Marker, Tag, head_shape
from app.widgets.swatch import SWATCH_SIZE, swatch_icon
from app.widgets.text import PlainLabel, set_tip
from hnn_engine.coords import Array
from hnn_engine.datasets import Dataset
from hnn_engine.experiment import retyped, same_scene
from hnn_engine.model_colors import role_dash
from hnn_engine.phase_portrait import PortraitField, PortraitSpec

GRAB = 14.0  # pixels around the start within which it is grabbed
FAR = 40.0  # a rollout is drawn no further than this many times the shown range
NUDGE = 0.01  # of the range, for an arrow key

LATENTS_TIP = """Show the latents of a model of frames
The autoencoder computes these two numbers from the frames. Drag the start here to decode a frame at any point.
With several models: the one chosen in "Field of", or else the first with an H."""

_NARROWEST = 240  # pixels
_KEYS = {
    Qt.Key.Key_Left: (0, -1.0),
    Qt.Key.Key_Right: (0, 1.0),
    Qt.Key.Key_Down: (1, -1.0),
    Qt.Key.Key_Up: (1, 1.0),
}


FIT_TIP = """Duration of the live fit, and where the models do not fit the drawn data
Red: the model's field is off by more than a quarter of the rms speed of the drawn data. The field of an H has no
sources or sinks and one direction at each point: strokes that cross or merge cannot be fitted."""


class PortraitPlot(LabPlot):
    """A plot whose start point can be taken by the mouse and moved by the keys."""

    def __init__(self, panel: "PortraitPanel") -> None:
        super().__init__("", "q", "p")
        self._panel = panel
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        left = event.button() == Qt.MouseButton.LeftButton
        self.hovered.emit(None)
        panel = self._panel
        if left and (panel.band.press(event) or panel.editor.press(event) or panel.take(event.position())):
            event.accept()
            return
        super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        panel = self._panel
        if panel.band.move(event) or panel.editor.move(event) or panel.carry(event.position(), event.modifiers()):
            event.accept()
            return
        super().mouseMoveEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        left = event.button() == Qt.MouseButton.LeftButton
        panel = self._panel
        if left and (panel.band.release(event) or panel.editor.release(event) or panel.put_down()):
            event.accept()
            return
        super().mouseReleaseEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not self._panel.key(event):
            super().keyPressEvent(event)


class PortraitPanel(QWidget):
    """Shows a plane of the phase space."""

    def __init__(self, lab: Lab, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.lab = lab
        self.plot = PortraitPlot(self)
        self._answer: Answer | None = None
        self._field: PortraitField | None = None
        self._curves: dict[str, tuple[Curve, Marker, Marker, Tag]] = {}  # line, head, where it diverged, name
        self._drawn_as: dict[str, tuple[str, int]] = {}  # role of each curve, and which repetition of its fit it is
        self._latents: LatentChart | None = None  # of the newest answer, where latents are shown
        self._seen: RolloutCurve | None = None  # truth, in these latents
        self._pointer: FinePointer | None = None
        self._build_items()
        self._build_bar()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._bar)
        layout.addWidget(self.background.key)
        layout.addWidget(self.words)
        layout.addWidget(self.plot, 1)
        self._connect()
        self.sync()

    def _build_items(self) -> None:
        self.background = PortraitBackground(self.plot)
        self.dots = DataPoints(self.plot)
        self.editor = DataEditor(self.lab, self.plot, self.dots)
        self.band = EnergyBand(self.lab, self.plot)
        self._measured = self.plot.dots("truth", size=4.0, alpha=230, z=10)
        self.words = ElidedLabel()  # what map the latents have
        self.words.setContentsMargins(12, 2, 16, 0)
        self.start = self.plot.marker("accent", "ring", 12.0, z=60.0)
        self.readout = self.plot.readout()

    def _build_bar(self) -> None:
        self._bar = QWidget()
        self._bar.setMinimumWidth(_NARROWEST)  # and not what it holds: see `resizeEvent`
        rows = QVBoxLayout(self._bar)
        rows.setContentsMargins(8, 0, 8, 0)
        rows.setSpacing(2)
        row, self._second = QHBoxLayout(), QHBoxLayout()
        self._first = row
        for one in (row, self._second):
            one.setSpacing(4)
            rows.addLayout(one)
        self._second.addStretch(1)
        self.x_axis, self.y_axis, self.field_of = QComboBox(), QComboBox(), QComboBox()
        for box, name in ((self.x_axis, "Across"), (self.y_axis, "Upward"), (self.field_of, "Field of")):
            box.setAccessibleName(name)
            set_tip(box, {"Field of": "Whose vector field and H contours are shown"}.get(name, f"{name}: coordinate"))
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.field_of.setIconSize(SWATCH_SIZE)
        self._fields: tuple[object, ...] = ()
        self._across, self._over, self._of = PlainLabel("Axes"), PlainLabel("×"), PlainLabel("Field of")
        for label in (self._across, self._over, self._of):
            label.setProperty("muted", True)
        for widget in (self._across, self.x_axis, self._over, self.y_axis, self._of, self.field_of):
            row.addWidget(widget)
        row.addStretch(1)
        self.switches: dict[str, QToolButton] = {}
        for name, text, tip in (
            ("arrows", "Arrows", "Show the vector field"),
            ("contours", "H", "Show contours of H"),
            ("data", "Data", "Show the training data"),
            ("compare", "Compare", COMPARE_TIP),
            ("latents", "Latents", LATENTS_TIP),
        ):
            button = QToolButton()
            button.setText(text)
            set_tip(button, tip)
            button.setAccessibleName(tip.partition("\n")[0])
            button.setCheckable(True)
            button.clicked.connect(lambda on, name=name: self._on_switch(name, on))
            self.switches[name] = button
            row.addWidget(button)

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
        self.background.key.chosen.connect(lambda role: lab.document.set_view(compared=role))
        self.x_axis.activated.connect(self._on_axes)
        self.y_axis.activated.connect(self._on_axes)
        self.field_of.activated.connect(lambda: lab.document.set_view(field=str(self.field_of.currentData())))
        theme_signals.changed.connect(self._on_theme)

    @property
    def controls(self) -> QWidget:
        """The row of boxes and switches over the plot."""
        return self._bar

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
        view, scene = self.lab.document.view, self.lab.experiment.scene
        x, y = self.axes
        for box, chosen in ((self.x_axis, x), (self.y_axis, y)):
            box.clear()
            box.addItems([c.symbol for c in scene.coordinates])
            box.setCurrentIndex(chosen)
        for widget in (self.x_axis, self._over, self.y_axis):
            widget.setVisible(scene.dof > 1)
        self._name_boxes()
        self._sync_view(view)
        self._latents = None
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
        if (fields, current_theme()) != self._fields:
            self._fields = (fields, current_theme())
            self.field_of.clear()
            for role, name in fields:
                self.field_of.addItem(swatch_icon(role), name, role)
        self.field_of.setCurrentIndex(self.field_of.findData(_role(leads, field_key(models, view), "truth")))
        able = tuple((m.role, m.title) for m in leads if m.snapshot.has_energy)
        own = _role(leads, compared_key(models, view), "") if view.compared else ""
        self.background.key.offer((("", "As Field of"), *able), own)

    def _sync_view(self, view: View) -> None:
        self._offer_models()
        for name, button in self.switches.items():
            button.setChecked(bool(getattr(view, name)))
        seen = self.lab.experiment.scene.observed
        self.switches["latents"].setVisible(seen)
        self._show_words()
        self.background.sync(view)
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

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._name_boxes()

    def _name_boxes(self) -> None:
        """Say what the boxes are while there is room for it: words must not widen the panel."""
        words, layout = {self._across: self.lab.experiment.scene.dof > 1, self._of: True}, self._bar.layout()
        for word, wanted in words.items():
            word.setVisible(wanted)
        if layout is not None and layout.minimumSize().width() > self.width():
            for word in words:
                word.hide()
        self._fold(layout is not None and layout.minimumSize().width() > self.width())

    def _fold(self, narrow: bool) -> None:
        """Put the switches into a row of their own where one is too narrow for all, and back where it is not."""
        needed = sum(button.sizeHint().width() + 4 for button in self.switches.values() if not button.isHidden())
        folded = self._second.count() > 1
        if folded and self._first.minimumSize().width() + needed <= self.width() - 16:
            target = self._first
        elif narrow and not folded:
            target = self._second
        else:
            return
        for button in self.switches.values():
            target.addWidget(button)

    def _on_axes(self) -> None:
        x, y = self.x_axis.currentIndex(), self.y_axis.currentIndex()
        if x == y:
            now = self.axes
            x, y = (x, now[0]) if x != now[0] else (now[1], y)
        self.lab.document.set_view(axes=(x, y))

    def _on_switch(self, name: str, on: bool) -> None:
        self.lab.document.set_view(**{name: on})

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
        if a.models is not b.models or old.shown is not new.shown:
            self._sync_view(self.lab.document.view)
        self._place_start()

    def _fit_range(self, answer: Answer | None) -> None:
        (x0, x1), (y0, y1) = self.plot.ranges
        self.plot.show_range(*self.chart.ranges(answer, (x0, x1, y0, y1)))
        self._show_plane()

    def _show_plane(self) -> None:
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

    def _draw_gap(self) -> None:
        scale = self._answer.scale if self._answer is not None else np.nan
        unit = "J" if self.lab.experiment.recording is None else ""
        compared = self._compared()
        name = compared.title if compared is not None else ""
        self.background.show_gap(self._field, name, scale, unit, self._why_no_gap())

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

    def _tracks(self) -> list[RolloutCurve]:
        if self._answer is None:
            return []
        truth = [self._answer.truth] if self._answer.truth is not None else []
        return [*truth, *self._answer.models]

    def _draw_tracks(self) -> None:
        tracks = self._tracks()
        if not any(track.measured for track in tracks):
            self._measured.set_data([], [])
        before, self._drawn_as = self._drawn_as, {t.key: (t.role, t.member) for t in tracks}
        for key in [key for key in self._curves if self._drawn_as.get(key) != before.get(key)]:
            for item in self._curves.pop(key):
                self.plot.discard(item)
        for track in tracks:
            self._draw_track(track)
        self.plot.fade_others(self.lab.highlight)

    def _draw_track(self, track: RolloutCurve, until: float = math.inf) -> None:
        if track.key not in self._curves:
            truth = track.key == "truth"
            alpha, z = (70, 8.0) if track.member else (255, 10.0 if truth else 12.0)
            line = self.plot.curve(track.role, role_dash(track.role), 1.0, alpha, z)
            line.pointable = True
            head = self.plot.marker(track.role, head_shape(track.role), 11.0 if truth else 10.0)
            cross, tag = self.plot.marker(track.role, "cross", 9.0), self.plot.tag(track.role)
            self._curves[track.key] = (line, head, cross, tag)
        line, _, cross, _ = self._curves[track.key]
        at = self._drawable(track)
        whole, at = len(at), at[: int(np.searchsorted(track.t, until, side="right"))]
        if track.measured and self._latents is None:
            line.set_data([], [])
            self._draw_measured(at[:, 0], at[:, 1])
        else:
            line.set_data(at[:, 0], at[:, 1], joins(at, self.chart.periods))
        if np.isfinite(track.ended) and 0 < len(at) == whole:
            cross.place(*at[-1])
        else:
            cross.set_visible(False)

    def _draw_measured(self, xs: Array, ys: Array) -> None:
        """A measured track is dots, not a line: the states between them are unknown."""
        self._measured.set_data(xs, ys)

    def _drawable(self, track: RolloutCurve) -> Array:
        """Where the states are that can be drawn: up to the first that is not finite or far outside."""
        assert self._answer is not None
        (x0, x1), (y0, y1) = self.plot.ranges
        reach = FAR * max(x1 - x0, y1 - y0)
        at = self.chart.track(self._answer, track)
        with np.errstate(invalid="ignore"):
            good = (np.abs(at) < reach).all(axis=-1)
        return at if good.all() else at[: int(np.argmin(good))]

    def _on_dataset(self, data: Dataset | None) -> None:
        fits = data is not None and data.dof == self.lab.experiment.scene.dof
        self.dots.take(data if fits else None)
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
        for track in self._tracks():
            _, head, _, tag = self._curves[track.key]
            state = self._position(track) if len(track.t) and not track.member else None
            if state is None or not np.isfinite(state).all():
                head.set_visible(False)
                tag.hide()
            else:
                head.place(*state)
                if track.key != "truth":
                    tag.place(track.title, *state)
        self._part_names()

    def reveal(self, time: float) -> None:
        """Show rollouts as far as `time` s: what a film does."""
        for track in self._tracks():
            self._draw_track(track, time)

    def _part_names(self) -> None:
        """Leave out the names that would lie over another one."""
        taken: list[QRectF] = []
        for *_, tag in self._curves.values():
            if any(tag.area.intersects(place) for place in taken):
                tag.hide()
            elif not tag.area.isEmpty():
                taken.append(tag.area)

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
        if at is None or self._latents is not None:
            self.readout.say((), QPointF())
            return
        point = self.plot.view.point(at)
        models = [m for m in self._answer.request.models if m.member == 0] if self._answer is not None else []
        self.readout.say(lines_at(self.lab.experiment, self.axes, (point.x(), point.y()), models), at)

    # The mouse --------------------------------------------------------------------------------------------------------

    def start_pixel(self) -> QPointF:
        """Where the start is, in pixels of the plot."""
        return self.plot.view.pixel(self.start.at.x(), self.start.at.y())

    def _near(self, at: QPointF) -> bool:
        gap = self.start_pixel() - at
        return float(np.hypot(gap.x(), gap.y())) <= GRAB

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
        if event.key() == Qt.Key.Key_Escape and (self.editor.cancel() or self.band.cancel()):
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
