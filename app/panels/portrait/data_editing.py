"""Editing the training data in the portrait by mouse: drawing trajectories, moving and removing points."""

import time
from typing import Protocol

import numpy as np
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QMouseEvent

from app.lab import Lab
from app.model.document import State
from app.panels.portrait.healing import can_add
from app.widgets.plot import LabPlot
from hnn_engine.coords import Array, Index
from hnn_engine.data_edits import DataEdits, Place, stroke_of
from hnn_engine.datasets import Dataset
from hnn_engine.errors import HnnLabError

NEAR = 12.0  # pixels from a point within which it is taken
RUBBER = 10.0  # pixels around the pointer that are erased
ELSEWHERE = ("band", "heal")  # tools that other parts of the portrait take
CURSORS = {
    "draw": Qt.CursorShape.CrossCursor,
    "band": Qt.CursorShape.CrossCursor,
    "heal": Qt.CursorShape.CrossCursor,
    "move": Qt.CursorShape.SizeAllCursor,
}
WHOLE = Qt.KeyboardModifier.ControlModifier  # the whole trajectory and not a point


class Dots(Protocol):
    """The data as it is drawn."""

    data: Dataset | None
    rows: Index  # of `data`, those that are drawn
    at: Array  # where they are on the plane


class DataEditor:
    """One gesture at a time; each is one undo step."""

    def __init__(self, lab: Lab, plot: LabPlot, dots: Dots) -> None:
        self._lab, self._plot, self._dots = lab, plot, dots
        self._tool = ""  # of the gesture under way
        self._gesture: object = None
        self._begun: DataEdits | None = None  # what there was before it
        self._place: Place | None = None
        self._pressed = QPointF()
        self._path: list[tuple[float, float, float]] = []  # s and the plane's coordinates
        self._rubbed: set[Place] = set()
        self._still: tuple[Array, Index, Dataset | None] = dots.at, dots.rows, None  # where the dots were when it began
        self._working = False  # a change of the document is this editor's own
        self.pencil = plot.curve("accent", (), 2.0, 255, 40.0, smooth=False)
        lab.document.changed.connect(self._on_changed)

    @property
    def tool(self) -> str:
        """The tool that a press would use now; "start" moves the start."""
        view, experiment = self._lab.document.view, self._lab.experiment
        banded = view.tool != "band" or "starts" in experiment.data
        adds = view.tool != "heal" or (view.error_map and can_add(experiment))
        return "start" if view.latents or experiment.frame_size or not banded or not adds else view.tool

    @property
    def busy(self) -> bool:
        """Whether a gesture is under way."""
        return bool(self._tool)

    def press(self, event: QMouseEvent) -> bool:
        """Begin what the tool does; return whether that is anything."""
        if self.tool in ("start", *ELSEWHERE):
            return False
        at = event.position()
        self._gesture, self._begun, self._pressed = object(), self._lab.experiment.edits, self._plane(at)
        self._still, self._rubbed = (self._dots.at, self._dots.rows, self._dots.data), set()
        if self.tool == "draw":
            self._path = [(_seconds(event), *_pair(self._pressed))]
        elif self.tool == "move":
            self._place = self._nearest(at, whole=bool(event.modifiers() & WHOLE))
            if self._place is None:
                return True
        self._tool = self.tool
        if self._tool == "erase":
            self._erase(event)
        return True

    def move(self, event: QMouseEvent) -> bool:
        """Continue the gesture; return whether there is one."""
        if self._tool == "draw":
            self._path.append((_seconds(event), *_pair(self._plane(event.position()))))
            path = np.array(self._path)
            self.pencil.set_data(path[:, 1], path[:, 2])
        elif self._tool == "move":
            self._carry(self._plane(event.position()) - self._pressed)
        elif self._tool == "erase":
            self._erase(event)
        return self.busy

    def release(self, event: QMouseEvent) -> bool:
        """End the gesture; return whether there was one."""
        tool, self._tool = self._tool, ""
        if tool == "draw":
            self._path.append((_seconds(event), *_pair(self._plane(event.position()))))
            self._keep_stroke()
        elif tool in ("move", "erase"):
            self._lab.drag.slide(final=True)
        return bool(tool)

    def cancel(self) -> bool:
        """Cancel the gesture; return whether there was one."""
        tool, self._tool = self._tool, ""
        self.pencil.set_data([], [])
        if tool in ("move", "erase"):
            self._lab.drag.slide(final=True)
            self._lab.document.cancel(self._gesture)
        return bool(tool)

    def _on_changed(self, old: State, new: State) -> None:
        """End the gesture where the experiment changes otherwise: what it began with does not exist any more."""
        if self._tool and not self._working and old.experiment is not new.experiment:
            tool, self._tool = self._tool, ""
            self.pencil.set_data([], [])
            if tool in ("move", "erase"):
                self._lab.drag.slide(final=True)

    def _change(self, label: str, edits: DataEdits) -> None:
        self._working = True
        try:
            self._lab.drag.move_data(label, self._gesture, edits)
        finally:
            self._working = False

    def show_cursor(self, at: QPointF) -> None:
        """Let the pointer say what a press would do at `at`."""
        shape = CURSORS.get(self.tool, Qt.CursorShape.PointingHandCursor)
        if self.tool not in ("draw", *ELSEWHERE) and self._nearest(at, whole=False) is None:
            shape = Qt.CursorShape.ArrowCursor
        if self._plot.cursor().shape() != shape:
            self._plot.setCursor(shape)

    # The gestures -----------------------------------------------------------------------------------------------------

    def _keep_stroke(self) -> None:
        self.pencil.set_data([], [])
        path = np.array(self._path)
        try:
            # A second of drawing is one of playback.
            seconds = (path[:, 0] - path[0, 0]) * self._lab.playback.speed
            order = np.argsort(self._axes())  # the plane may show p across and q upwards
            pixel = self._plot.view.unit
            stroke = stroke_of(seconds, path[:, 1:][:, order], (pixel[order[0]], pixel[order[1]]))
            edits = self._lab.experiment.edits.with_stroke(stroke)
        except HnnLabError as error:
            self._lab.noticed.emit(str(error), False)
            return
        if self._lab.edit("Draw a trajectory", edits=edits) and edits.alone:
            self._lab.show_learned_field()  # the drawn data is not of the system

    def _carry(self, by: QPointF) -> None:
        assert self._begun is not None
        assert self._place is not None
        shift = np.zeros(2 * self._lab.experiment.scene.dof)
        shift[list(self._axes())] = by.x(), by.y()
        moved = self._begun.with_move(self._place, tuple(float(x) for x in shift))
        self._change("Move data", moved)

    def _erase(self, event: QMouseEvent) -> None:
        assert self._begun is not None
        near = self._near(event.position(), whole=bool(event.modifiers() & WHOLE))
        if near - self._rubbed:
            self._rubbed |= near
            self._change("Remove data", self._begun.without(*self._rubbed))

    # Where things are -------------------------------------------------------------------------------------------------

    def _axes(self) -> tuple[int, int]:
        chosen = self._lab.rollouts.portrait
        dof = self._lab.experiment.scene.dof
        return chosen.axes if chosen is not None else (0, dof)

    def _plane(self, at: QPointF) -> QPointF:
        return self._plot.view.point(at)

    def _distances(self, at: QPointF, dots: Array) -> Array:
        """How far each of `dots` `(n, 2)` is from `at`, in pixels."""
        here, (dx, dy) = self._plane(at), self._plot.view.unit
        return np.asarray(np.hypot((dots[:, 0] - here.x()) / dx, (dots[:, 1] - here.y()) / dy))

    def _nearest(self, at: QPointF, whole: bool) -> Place | None:
        dots = self._dots
        if dots.data is None or not len(dots.at):
            return None
        gaps = self._distances(at, dots.at)
        best = int(np.argmin(gaps))
        return _place(dots.data, int(dots.rows[best]), whole) if gaps[best] <= NEAR else None

    def _near(self, at: QPointF, whole: bool) -> set[Place]:
        """The places within `RUBBER` pixels, of those that existed when the gesture began."""
        dots, rows, data = self._still
        if data is None:
            return set()
        return {_place(data, int(row), whole) for row in rows[self._distances(at, dots) <= RUBBER]}


def _place(data: Dataset, row: int, whole: bool) -> Place:
    return Place(int(data.trajectory[row]), None if whole else float(data.t[row]))


def _pair(point: QPointF) -> tuple[float, float]:
    return point.x(), point.y()


def _seconds(event: QMouseEvent) -> float:
    """Time of the mouse event in s: by the clock of the display, which is right even where the window was late."""
    return event.timestamp() / 1000 if event.timestamp() else time.perf_counter()
