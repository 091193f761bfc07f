"""The probe: what is known of the point under the pointer, and of one that is pinned."""

from collections.abc import Sequence

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QMouseEvent

from app.lab import Lab
from app.model.rollout_messages import ShownModel
from app.panels.portrait.pointed_at import Line, lines_at
from app.widgets.plot import LabPlot
from hnn_engine.coords import Array

PIN = Qt.KeyboardModifier.ShiftModifier
TAKEN = 9.0  # pixels around a pin within which a press takes it away
HINT: Line = ("", "Shift and a click pin this")


class Probe:
    """Reads out points of `plot`, whose axes are coordinates; `axes` and `models` say which, and whose fields."""

    def __init__(self, lab: Lab, plot: LabPlot) -> None:
        self._lab, self._plot = lab, plot
        self.axes = (0, lab.experiment.scene.dof)
        self.models: Sequence[ShownModel] = ()
        self.states: Array | None = None  # training states, `(n, 2*dof)`
        self.time = 0.0  # of the world in s, for what depends on it
        self.readout = plot.readout()
        self.pinned = plot.readout()
        self.mark = plot.marker("accent", "diamond", 9.0, z=58.0)
        self._pin: QPointF | None = None  # in the units of the plane

    @property
    def pin(self) -> QPointF | None:
        """Where something is pinned, in the units of the plane."""
        return self._pin

    def point_at(self, at: QPointF | None) -> None:
        """Say what is known of the point under the pixel `at`; nothing where there is none."""
        if at is None:
            self.readout.say((), QPointF())
            return
        lines = self._lines(self._plot.view.point(at))
        shown = self._lab.document.view.error_map and self._pin is None
        self.readout.say([*lines, HINT] if shown else lines, at)

    def press(self, event: QMouseEvent) -> bool:
        """Pin the point under the pointer, or take the pin away; return whether that was asked for."""
        if not event.modifiers() & PIN:
            return False
        at = event.position()
        gap = self._plot.view.pixel(self._pin.x(), self._pin.y()) - at if self._pin is not None else None
        if gap is not None and abs(gap.x()) <= TAKEN and abs(gap.y()) <= TAKEN:
            self.remove()
        else:
            self._pin = self._plot.view.point(at)
            self.refresh()
        return True

    def remove(self) -> bool:
        """Take the pin away; return whether there was one."""
        there, self._pin = self._pin is not None, None
        self.mark.set_visible(False)
        self.pinned.say((), QPointF())
        return there

    def refresh(self) -> None:
        """Say anew what is known of the pin: weights or ranges are others."""
        if self._pin is not None:
            self.mark.place(self._pin.x(), self._pin.y())
            lines = self._lines(self._pin)
            self.pinned.say(lines, self._plot.view.pixel(self._pin.x(), self._pin.y()))

    def _lines(self, point: QPointF) -> list[Line]:
        here = point.x(), point.y()
        return lines_at(self._lab.experiment, self.axes, here, self.models, self.states, self.time)
