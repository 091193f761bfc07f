"""The one owner of time: play, pause, step, scrub, speed. Every view shows its instant."""

from PySide6.QtCore import QObject, Signal

SPEEDS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)


class Playback(QObject):
    """Playback time in seconds from 0 to the horizon, where it begins again.

    `moved(t)` follows every change of the time, `state_changed()` every change of playing, speed or horizon.
    """

    moved = Signal(float)
    state_changed = Signal()

    def __init__(self, horizon: float, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.time = 0.0
        self.playing = True
        self.speed = 1.0
        self.horizon = horizon
        self.step_seconds = 0.04
        self._held = False

    @property
    def moving(self) -> bool:
        """Whether time goes on with every frame."""
        return self.playing and not self._held

    def set_playing(self, playing: bool) -> None:
        """Play or pause."""
        if playing != self.playing:
            self.playing = playing
            self.state_changed.emit()

    def toggle(self) -> None:
        """Play if paused, pause if playing."""
        self.set_playing(not self.playing)

    def hold(self, held: bool) -> None:
        """Stand still during a drag; play goes on afterwards."""
        self._held = held

    def set_horizon(self, horizon: float, step: float) -> None:
        """Take over how far the rollouts reach and what one step is."""
        if (horizon, step) != (self.horizon, self.step_seconds):
            self.horizon, self.step_seconds = horizon, step
            self.state_changed.emit()
            if self.time > horizon:
                self.seek(horizon)

    def set_speed(self, speed: float) -> None:
        """Play `speed` times as fast as the world."""
        if speed != self.speed:
            self.speed = speed
            self.state_changed.emit()

    def seek(self, time: float) -> None:
        """Go to `time`, within the horizon."""
        time = min(max(time, 0.0), self.horizon)
        if time != self.time:
            self.time = time
            self.moved.emit(time)

    def restart(self) -> None:
        """Go to the beginning."""
        self.seek(0.0)

    def step(self, count: int = 1) -> None:
        """Pause, and go `count` steps of the rollout on (or back)."""
        self.set_playing(False)
        self.seek((round(self.time / self.step_seconds) + count) * self.step_seconds)

    def advance(self, seconds: float) -> None:
        """Let `seconds` of the clock pass."""
        if not self.moving:
            return
        # A frame that came late (a long pause of the machine) does not make the picture jump.
        time = self.time + min(seconds, 0.1) * self.speed
        self.seek(time % self.horizon if time > self.horizon else time)
