"""States that are marked in the portrait, with their names: where a model rests, and where truth does and it does not."""

import numpy as np

from app.model.rollout_messages import Marks
from app.panels.portrait.projection import Chart
from app.widgets.plot import LabPlot, Marker
from app.widgets.plot_items import Caption

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
            name.write(mark.text, x, y)
            self.items.append((dot, name))
