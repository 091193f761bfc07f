"""Dragging: the start moved in scene and portrait or by keys, sliders, and edits of the data, each gesture one undo."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, Signal

from app.model.document import Document
from app.model.playback import Playback
from hnn_engine.coords import Array
from hnn_engine.data_edits import DataEdits

NUDGE_SECONDS = 0.8  # keys pressed within this time of each other are one undo step


class Dragging(QObject):
    """The gesture under way. `edit(label, gesture, **changes)` changes the experiment, or says why it cannot be so.

    Signals: `moved()` rollouts are wanted at once and not with the next frame: the start is elsewhere, or was let go;
    `changed()` a gesture goes on or ends: what depends on `active` is wanted.
    """

    moved = Signal()
    changed = Signal()

    def __init__(
        self, document: Document, playback: Playback, edit: Callable[..., bool], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.active = False  # a button is down: previews are drawn, and data waits
        self.moved_at = 0.0  # perf_counter of the newest move that no rollout was asked for yet; 0 for none
        self._document, self._playback, self._edit = document, playback, edit
        self._gesture: object = None
        self._nudge_gesture: object = None
        self._nudged_at = -np.inf

    # The start --------------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Begin to drag the start: play stands still at its beginning until `end`."""
        self._gesture, self.active = object(), True
        self._playback.hold(True)

    def move(self, coords: Array, begin: str = "frames") -> None:
        """Move the start to `coords` `(2*dof,)`, as a part of the gesture under way.

        `begin` says whether models of frames begin at what they see there, or at their latents of just these `coords`.
        """
        if not np.isfinite(coords).all():
            return
        self.moved_at = time.perf_counter()
        self._playback.seek(0.0)
        self._edit("Move the start", self._gesture or object(), **self._start(coords, begin))
        self.moved.emit()

    def end(self) -> None:
        """The button is released: the full horizon is computed, and play goes on."""
        self.active, self._gesture = False, None
        self._playback.hold(False)
        self.changed.emit()
        self.moved.emit()

    def cancel(self) -> None:
        """Take the gesture back."""
        gesture = self._gesture
        self.end()
        self._document.cancel(gesture)

    def nudge(self, coords: Array, begin: str = "frames") -> None:
        """Move the start by a key, as `move` does; quick repetitions are one undo step."""
        now = time.monotonic()
        if now - self._nudged_at > NUDGE_SECONDS:
            self._nudge_gesture = object()
        self._nudged_at = now
        self._playback.seek(0.0)
        self._edit("Move the start by key", self._nudge_gesture, **self._start(coords, begin))

    def _start(self, coords: Array, begin: str) -> dict[str, Any]:
        rollout = self._document.experiment.rollout
        changed = {} if rollout.begin == begin else {"rollout": replace(rollout, begin=begin)}
        return {"start": tuple(float(x) for x in coords), **changed}

    @property
    def held(self) -> bool:
        """Whether the start is being dragged."""
        return self._gesture is not None

    # Sliders and data -------------------------------------------------------------------------------------------------

    def slide(self, final: bool) -> None:
        """A slider is being moved (previews), or was released (the full horizon, and new data)."""
        self.active = not final
        self.moved_at = time.perf_counter()
        self.changed.emit()

    def move_data(self, label: str, gesture: object, hand: DataEdits) -> None:
        """Make `hand` the edits of the data, as a part of `gesture`; `slide(final=True)` ends it."""
        self.slide(final=False)
        self._edit(label, gesture, edits=hand)
