"""The separatrix and the fixed points of truth in the phase portrait, with their names."""

import numpy as np

from app.widgets.plot import LabPlot, Layer, Marker
from app.widgets.plot_items import Caption
from hnn_engine.phase_portrait import Contours, Landmark, PortraitField

_SIZE = 0.85  # of the plot's type
_MOST = 24  # fixed points that are named


class Landmarks:
    """Draws what `PortraitField` knows of truth's fixed points and separatrix into `plot`."""

    def __init__(self, plot: LabPlot) -> None:
        self._plot = plot
        self.line = plot.curve("truth", (7.0, 3.0, 1.5, 3.0), 1.2, alpha=150, z=-35, layer=Layer.BACKGROUND)
        self.line_name = plot.caption("truth", _SIZE, inside=True)
        self._marks: list[tuple[Marker, Caption]] = []
        self._shown: tuple[Landmark, ...] = ()
        self._on = True

    def show_field(self, field: PortraitField | None) -> None:
        """Draw those of `field`; nothing where there is none."""
        separatrix = field.separatrix if field is not None else None
        self._draw_line(separatrix if separatrix is not None and len(separatrix.points) else None)
        points = field.landmarks[:_MOST] if field is not None else ()
        if points != self._shown:
            self._shown = points
            self._draw_points()

    def set_visible(self, on: bool) -> None:
        """Show or hide all of it."""
        self._on = on
        self.line.set_visible(on)
        self.line_name.set_visible(on)
        for mark, name in self._marks:
            mark.set_visible(on)
            name.set_visible(on)

    def names(self) -> list[str]:
        """Return what is written in the plot."""
        return [text for text in (self.line_name.text, *(name.text for _, name in self._marks)) if text]

    def _draw_line(self, found: Contours | None) -> None:
        if found is None:
            if len(self.line.data[0]):
                self.line.set_data([], [])
                self.line_name.write("", 0.0, 0.0)
            return
        points = found.points
        if np.array_equal(np.column_stack(self.line.data), points):
            return
        self.line.set_data(points[:, 0], points[:, 1], found.joins)
        top = points[int(np.argmax(points[:, 1]))]
        self.line_name.write("separatrix", float(top[0]), float(top[1]))

    def _draw_points(self) -> None:
        for items in self._marks:
            for item in items:
                self._plot.discard(item)
        self._marks = [self._draw_point(point) for point in self._shown]
        self.set_visible(self._on)

    def _draw_point(self, point: Landmark) -> tuple[Marker, Caption]:
        """A filled dot where nothing grows, a cross where something does."""
        mark = self._plot.marker("muted", "dot" if point.stable else "cross", 6.0, z=7.0)
        mark.place(*point.at)
        name = self._plot.caption("muted", _SIZE, inside=True)
        name.write(point.name, *point.at)
        return mark, name
