"""The playback bar: play, pause, step, restart, speed, a slider to scrub; and the steering of rollouts."""

from dataclasses import replace

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtWidgets import QComboBox, QMenu, QSlider, QToolBar, QToolButton, QWidget, QWidgetAction

from app.lab import Lab
from app.model.document import State
from app.model.playback import SPEEDS
from app.style.icons import draw_icons_at, icon
from app.style.theme import text_scale
from app.widgets.parameter_form import ParameterForm
from app.widgets.text import PlainLabel, set_tip
from app.widgets.time_slider import TimeSlider
from hnn_engine.experiment import STEERING_PARAMETERS
from hnn_engine.rollouts.steering import STEERINGS

TICKS = 2000
_STEERS = (
    ("pump", "Add energy: for a set time every rollout follows dx/dt = +∇H of its own H (Ctrl+Up)"),
    ("drain", "Remove energy: for a set time every rollout follows dx/dt = −∇H of its own H (Ctrl+Down)"),
    ("reverse", "Reverse time: every rollout is integrated backward from here (Ctrl+R)"),
)


class PlaybackBar(QToolBar):
    """The bar at the top of the window."""

    def __init__(self, lab: Lab, parent: QWidget | None = None) -> None:
        super().__init__("Playback", parent)
        self.lab = lab
        self.setObjectName("transport")
        self.setMovable(False)
        self.setIconSize(QSize(20, 20))
        playback = lab.playback
        self.play = self._button("play", "Play (Space)", playback.toggle)
        self.back = self._button("restart", "Go to the start (Home)", playback.restart)
        self.step = self._button("step", "Step forward (.)", lambda: playback.step(1))
        self.slider = TimeSlider()
        self.slider.setRange(0, TICKS)
        self.slider.setPageStep(TICKS // 20)
        self.slider.setAccessibleName("Time")
        self.slider.setMinimumWidth(140)
        set_tip(self.slider, "Drag to move through time")
        self.slider.sliderMoved.connect(self._on_scrubbed)
        self.slider.actionTriggered.connect(self._on_action)
        self.addWidget(self.slider)
        self.label = PlainLabel()
        self.label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.addWidget(self.label)
        self.speed = QComboBox()
        self.speed.setAccessibleName("Speed")
        set_tip(self.speed, "Playback speed")
        for speed in SPEEDS:
            self.speed.addItem(f"×{speed:g}", speed)
        self.speed.activated.connect(lambda: lab.document.set_view(speed=float(self.speed.currentData())))
        self.addWidget(self.speed)
        self._add_steering()
        lab.document.changed.connect(self._on_changed)
        playback.moved.connect(self._on_moved)
        playback.state_changed.connect(self._sync)
        lab.frame_clock.text.connect(self._on_text)
        self._make_room()
        self._sync()

    def _button(self, name: str, tip: str, act: object) -> QToolButton:
        button = QToolButton()
        button.setIcon(icon(name))
        set_tip(button, tip)
        button.setAccessibleName(tip.split(" (")[0])
        button.clicked.connect(act)
        self.addWidget(button)
        return button

    def _add_steering(self) -> None:
        """What can be done to the rollouts from the present instant on, and a form for when and how long."""
        self.steers: dict[str, QToolButton] = {}
        for name, tip in _STEERS:
            button = self._button(name, tip, lambda _=False, name=name: self.lab.steer(name))
            button.setCheckable(True)
            button.setAccessibleName(STEERINGS[name].title)
            self.steers[name] = button
        self.when = QToolButton()
        self.when.setIcon(icon("more"))
        set_tip(self.when, "Start and duration of the intervention")
        self.when.setAccessibleName("Start of the intervention")
        self.when.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.steering = ParameterForm(STEERING_PARAMETERS[1:])
        self.steering.setContentsMargins(12, 8, 12, 8)
        self.steering.setMinimumWidth(320)
        self.steering.edited.connect(self._on_steering)
        self._gesture: object = None
        menu = QMenu(self.when)
        holder = QWidgetAction(menu)
        holder.setDefaultWidget(self.steering)
        menu.addAction(holder)
        self.when.setMenu(menu)
        self.addWidget(self.when)
        self._show_steering()

    def _on_changed(self, old: State, new: State) -> None:
        if old.experiment.rollout is not new.experiment.rollout:
            self._show_steering()

    def _show_steering(self) -> None:
        spec = self.lab.experiment.rollout
        steering = spec.steering
        for name, button in self.steers.items():
            button.setChecked(name == steering.kind)
        self.when.setEnabled(steering.kind != "none")
        for name, least, value in (("at", 0.0, steering.at), ("span", spec.dt, steering.span)):
            slider = self.steering.row(name).slider
            assert slider is not None
            slider.set_reach(least, max(spec.horizon, spec.dt * 2), value)
        self.steering.set_values({"at": steering.at, "span": steering.span})
        self.steering.set_enabled("span", steering.kind != "reverse", "Time stays reversed to the end.")
        begin, end = steering.interval(spec.length)
        self.slider.mark(begin / spec.length, end / spec.length)

    def _on_steering(self, name: str, value: object, final: bool) -> None:
        self._gesture = self._gesture or object()
        self.lab.drag.slide(final)
        spec = self.lab.experiment.rollout
        number = float(str(value))
        changed = replace(spec.steering, at=number) if name == "at" else replace(spec.steering, span=number)
        if not self.lab.edit("Change the steering", self._gesture, rollout=replace(spec, steering=changed)):
            self._show_steering()
        if final:
            self._gesture = None

    def _sync(self) -> None:
        playing = self.lab.playback.playing
        self.play.setIcon(icon("pause" if playing else "play"))
        set_tip(self.play, "Pause (Space)" if playing else "Play (Space)")
        self.play.setAccessibleName("Pause" if playing else "Play")
        index = self.speed.findData(self.lab.playback.speed)
        if index >= 0:
            self.speed.setCurrentIndex(index)
        self._on_text()

    def _on_moved(self, time: float) -> None:
        tick = round(TICKS * time / max(self.lab.playback.horizon, 1e-9))
        if not self.slider.isSliderDown() and tick != self.slider.value():
            self.slider.setValue(tick)
        if not self.lab.playback.playing:
            self._on_text()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.FontChange and hasattr(self, "label"):
            self._make_room()

    def _make_room(self) -> None:
        """Keep room for the longest time, so that nothing moves while it runs."""
        self.label.setMinimumWidth(self.fontMetrics().horizontalAdvance("20.0 s, going back") + 6)
        side = round(20 * text_scale(self.font()))
        draw_icons_at(side)
        self.setIconSize(QSize(side, side))

    def _on_text(self) -> None:
        playback = self.lab.playback
        back = self.lab.experiment.rollout.world_time(playback.time)
        text = f"{playback.time:.1f} / {playback.horizon:.4g} s"
        if back != playback.time:
            text = f"{back:.1f} s, going back"
        if text != self.label.text():
            self.label.setText(text)

    def _on_scrubbed(self, tick: int) -> None:
        self.lab.playback.seek(tick / TICKS * self.lab.playback.horizon)

    def _on_action(self, action: int) -> None:
        """A click on the groove, or a key on the slider."""
        if action != QSlider.SliderAction.SliderMove.value:
            self.lab.playback.seek(self.slider.sliderPosition() / TICKS * self.lab.playback.horizon)
