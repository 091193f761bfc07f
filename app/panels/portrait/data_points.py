"""The training data on the portrait: grey where it is given, coloured where drawn, red where it is not followed."""

from typing import Protocol

import numpy as np

from app.model.rollout_messages import Answer
from app.widgets.plot import LabPlot, Layer
from hnn_engine.coords import Array, Index
from hnn_engine.data_edits import STROKES
from hnn_engine.datasets import Dataset

MAX_DOTS = 4000  # more training states than this are thinned: the picture would only be grey


class Chart(Protocol):
    """How states lie on the plane."""

    def place(self, coords: Array) -> Array:
        """Return where `coords` `(n, 2*dof)` are, `(n, 2)`."""


class DataPoints:
    """Dots for the rows that train. `at` is where they are on the plane, `rows` which they are of `data`."""

    def __init__(self, plot: LabPlot) -> None:
        self.data: Dataset | None = None
        self.rows: Index = np.empty(0, dtype=np.int64)
        self.at: Array = np.empty((0, 2))
        self.given = plot.dots("data", size=3.0, alpha=150, z=-20, layer=Layer.DATA)
        self.drawn = plot.dots("accent", size=5.0, alpha=220, z=-15)
        self.missed = plot.dots("error", size=7.0, alpha=255, z=-14)

    def take(self, data: Dataset | None) -> None:
        """Be the dots of `data` from now on; `lay` puts them where they belong."""
        rows = np.flatnonzero(data.train) if data is not None else np.empty(0, dtype=np.int64)
        self.data, self.rows = data, rows[:: max(1, len(rows) // MAX_DOTS)]

    def lay(self, chart: Chart) -> None:
        """Put the dots where `chart` has their states."""
        coords = self.data.coords[self.rows] if self.data is not None else None
        self.at = np.empty((0, 2)) if coords is None else chart.place(coords)
        drawn = np.zeros(len(self.at), dtype=bool)
        if self.data is not None:
            drawn = self.data.trajectory[self.rows] >= STROKES
        self.given.set_data(*self.at[~drawn].T)
        self.drawn.set_data(*self.at[drawn].T)

    def lay_encoded(self, at: Array) -> None:
        """Put dots where a model encodes the frames, `at` `(n, 2)`."""
        self.at = at
        self.given.set_data(*at.T)
        self.drawn.set_data(*at[:0].T)

    def lay_missed(self, answer: Answer | None, chart: Chart) -> None:
        """Put the red dots on what was drawn and is not followed."""
        missed = answer.missed if answer is not None else None
        at = chart.place(missed.at) if missed is not None else np.empty((0, 2))
        self.missed.set_data(*at.T)

    def set_visible(self, on: bool) -> None:
        """Show or hide all dots."""
        for item in (self.given, self.drawn, self.missed):
            item.set_visible(on)
