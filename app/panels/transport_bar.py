"""The transport: play, pause, step, restart, speed, and a slider to scrub."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QComboBox, QLabel, QSlider, QToolBar, QToolButton, QWidget

from app.icons import icon
from app.lab import Lab
from app.transport import SPEEDS

TICKS = 2000


class TransportBar(QToolBar):
    """The bar at the top of the window."""

    def __init__(self, lab: Lab, parent: QWidget | None = None) -> None:
        super().__init__("Transport", parent)
        self.lab = lab
        self.setObjectName("transport")
        self.setMovable(False)
        self.setIconSize(QSize(20, 20))
        transport = lab.transport
        self.play = self._button("play", "Play (Space)", transport.toggle)
        self.back = self._button("restart", "Back to the start (Home)", transport.restart)
        self.step = self._button("step", "One step on (.)", lambda: transport.step(1))
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, TICKS)
        self.slider.setPageStep(TICKS // 20)
        self.slider.setAccessibleName("Time")
        self.slider.setMinimumWidth(140)
        self.slider.setToolTip("Drag to move through time")
        self.slider.sliderMoved.connect(self._on_scrubbed)
        self.slider.actionTriggered.connect(self._on_action)
        self.addWidget(self.slider)
        self.label = QLabel()
        self.label.setMinimumWidth(92)
        self.label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.addWidget(self.label)
        self.speed = QComboBox()
        self.speed.setAccessibleName("Speed")
        self.speed.setToolTip("Speed of play")
        for speed in SPEEDS:
            self.speed.addItem(f"×{speed:g}", speed)
        self.speed.activated.connect(lambda: lab.document.look(speed=float(self.speed.currentData())))
        self.addWidget(self.speed)
        transport.moved.connect(self._on_moved)
        transport.state_changed.connect(self._sync)
        lab.clock.text.connect(self._on_text)
        self._sync()

    def _button(self, name: str, tip: str, act: object) -> QToolButton:
        button = QToolButton()
        button.setIcon(icon(name))
        button.setToolTip(tip)
        button.setAccessibleName(tip.split(" (")[0])
        button.clicked.connect(act)
        self.addWidget(button)
        return button

    def _sync(self) -> None:
        playing = self.lab.transport.playing
        self.play.setIcon(icon("pause" if playing else "play"))
        self.play.setToolTip("Pause (Space)" if playing else "Play (Space)")
        self.play.setAccessibleName("Pause" if playing else "Play")
        index = self.speed.findData(self.lab.transport.speed)
        if index >= 0:
            self.speed.setCurrentIndex(index)
        self._on_text()

    def _on_moved(self, time: float) -> None:
        tick = round(TICKS * time / max(self.lab.transport.horizon, 1e-9))
        if not self.slider.isSliderDown() and tick != self.slider.value():
            self.slider.setValue(tick)
        if not self.lab.transport.playing:
            self._on_text()

    def _on_text(self) -> None:
        transport = self.lab.transport
        text = f"{transport.time:.1f} / {transport.horizon:g} s"
        if text != self.label.text():
            self.label.setText(text)

    def _on_scrubbed(self, tick: int) -> None:
        self.lab.transport.seek(tick / TICKS * self.lab.transport.horizon)

    def _on_action(self, action: int) -> None:
        """A click beside the handle, or a key on the slider."""
        if action != QSlider.SliderAction.SliderMove.value:
            self.lab.transport.seek(self.slider.sliderPosition() / TICKS * self.lab.transport.horizon)
