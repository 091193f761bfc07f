"""Choosing the band of energies that training starts are drawn from, by a drag in the portrait from one to another."""

import numpy as np
from PySide6.QtCore import QPointF
from PySide6.QtGui import QMouseEvent

from app.lab import Lab
from app.widgets.plot import LabPlot
from hnn_engine.number_format import number
from hnn_engine.phase_portrait import GRID, PortraitSpec, contour_lines, slice_coords

TOOL, IN_A_BAND = "band", "energies"
SETTINGS = ("starts", "energy-from", "energy-to")  # of the data of a system that has such starts


class EnergyBand:
    """The gesture of the tool `TOOL`: contours of H at both ends show what it would choose; each is one undo step."""

    def __init__(self, lab: Lab, plot: LabPlot) -> None:
        self._lab, self._plot = lab, plot
        self._first: float | None = None  # energy where the gesture began, J
        self._last: float | None = None
        self.lines = plot.curve("accent", (), 2.0, 255, 39.0)
        lab.document.changed.connect(lambda old, new: old.experiment is new.experiment or self.cancel())

    @property
    def possible(self) -> bool:
        """Whether the data of the system on screen may begin in a band of energies."""
        return SETTINGS[0] in self._lab.experiment.data

    @property
    def busy(self) -> bool:
        """Whether a gesture is under way."""
        return self._first is not None

    def press(self, event: QMouseEvent) -> bool:
        """Begin at the energy under the pointer; return whether that is what the tool does."""
        if self._lab.document.view.tool != TOOL or not self.possible:
            return False
        self._first = self._last = self._energy(event.position())
        if self._first is not None:
            self._draw()
        return True

    def move(self, event: QMouseEvent) -> bool:
        """Go on to the energy under the pointer; return whether there is a gesture."""
        if self._first is None:
            return False
        energy = self._energy(event.position())
        if energy is not None:
            self._last = energy
            self._draw()
        return True

    def release(self, event: QMouseEvent) -> bool:
        """Choose the band; return whether there was a gesture."""
        if not self.move(event):
            return False
        first, last = self._first, self._last
        self.cancel()
        assert first is not None
        assert last is not None
        low, high = round_outward(*sorted((first, last)))
        if not low < high or abs(last - first) < 1e-9 * max(abs(first), abs(last), 1e-300):
            self._lab.noticed.emit("A band of energies is dragged from one contour of H to another.", False)
            return True
        chosen = dict(zip(SETTINGS, (IN_A_BAND, low, high), strict=True))
        data = {**self._lab.experiment.data, "layout": "orbits", **chosen}
        if self._lab.edit("Choose a band of energies", data=data):
            self._lab.noticed.emit(f"Training starts have energies from {number(low)} to {number(high)}.", False)
        return True

    def cancel(self) -> bool:
        """Choose nothing; return whether there was a gesture."""
        busy, self._first, self._last = self.busy, None, None
        if busy:
            self.lines.set_data([], [])
        return busy

    def _spec(self) -> PortraitSpec:
        (x0, x1), (y0, y1) = self._plot.ranges
        chosen, dof = self._lab.rollouts.portrait, self._lab.experiment.scene.dof
        axes = chosen.axes if chosen is not None else (0, dof)
        return PortraitSpec(axes, (x0, x1), (y0, y1), self._lab.experiment.start)

    def _energy(self, at: QPointF) -> float | None:
        """H where the pointer is, on the plane through the start; None where it is not finite."""
        system, spec, point = self._lab.experiment.system, self._spec(), self._plot.view.point(at)
        assert system is not None
        coords = np.array(spec.through)
        coords[list(spec.axes)] = point.x(), point.y()
        with np.errstate(all="ignore"):
            energy = float(system.hamiltonian(coords))
        return energy if np.isfinite(energy) else None

    def _draw(self) -> None:
        system, spec = self._lab.experiment.system, self._spec()
        assert system is not None
        levels = sorted({one for one in (self._first, self._last) if one is not None})
        at, coords = slice_coords(spec, GRID)
        with np.errstate(all="ignore"):
            found = contour_lines(at[0, :, 0], at[:, 0, 1], system.hamiltonian(coords), np.array(levels))
        points = found.points
        self.lines.set_data(points[:, 0], points[:, 1], found.joins.astype(bool) if len(points) else None)


def round_outward(low: float, high: float) -> tuple[float, float]:
    """Return a band with short numbers that holds the one from `low` to `high`."""
    if not low < high:
        return low, high
    step = 10.0 ** (np.floor(np.log10(high - low)) - 1)
    return float(np.floor(low / step) * step), float(np.ceil(high / step) * step)
