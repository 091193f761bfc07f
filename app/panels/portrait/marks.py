"""What debugging marks in the portrait: states with their names, where a model rests and truth does not; and outlines
that the flows carry along."""

from collections.abc import Sequence

import numpy as np

from app.model.rollout_messages import Blob, Marks
from app.panels.portrait.projection import Chart, joins
from app.widgets.plot import Curve, LabPlot, Marker
from app.widgets.plot_items import Caption

MOST_NAMED = 8  # states: more names would lie over each other
_SIZE = 0.85  # of the plot's type


class StateMarks:
    """Draws marks into `plot`: a dot where nothing grows, a cross where something does."""

    def __init__(self, plot: LabPlot) -> None:
        self._plot = plot
        self.marks: Marks = ()
        self.items: list[tuple[Marker, Caption]] = []

    def show(self, marks: Marks, chart: Chart) -> None:
        """Draw these in place of those before, where `chart` has them."""
        for items in self.items:
            for item in items:
                self._plot.discard(item)
        self.marks, self.items = marks, []
        for mark in marks:
            x, y = (float(value) for value in chart.place(np.array(mark.at)))
            dot = self._plot.marker(mark.role, "square" if mark.stable else "cross", 8.0, z=30.0)
            dot.place(x, y)
            name = self._plot.caption(mark.role, _SIZE, inside=True)
            if len(marks) <= MOST_NAMED:
                name.write(mark.text, x, y)
            self.items.append((dot, name))


class Blobs:
    """Draws the outlines of blobs into `plot`, as they are at an instant."""

    def __init__(self, plot: LabPlot) -> None:
        self._plot = plot
        self.blobs: tuple[Blob, ...] = ()
        self.curves: list[Curve] = []

    def show(self, blobs: Sequence[Blob], chart: Chart, time: float) -> None:
        """Draw these in place of those before."""
        for curve in self.curves:
            self._plot.discard(curve)
        self.blobs = tuple(blobs)
        self.curves = [self._plot.curve(blob.role, (), 2.0, 230, 25.0) for blob in self.blobs]
        self.move_to(time, chart)

    def move_to(self, time: float, chart: Chart) -> None:
        """Draw them as they are at `time` in s."""
        for blob, curve in zip(self.blobs, self.curves, strict=True):
            at = chart.place(blob.at(time))
            at = at[np.isfinite(at).all(axis=-1)]
            closed = np.concatenate([at, at[:1]])
            curve.set_data(closed[:, 0], closed[:, 1], joins(closed, chart.periods))
