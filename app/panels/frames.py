"""The frames: what the camera sees, what is left of it after the eye of a model, and what each model paints ahead.

The pendulum can be taken by hand in the camera's picture.
"""

import math
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.document import State
from app.lab import Lab
from app.settings import settings
from app.simulation import Answer, ShownModel, Track
from app.theme import current_theme, theme_signals
from app.widgets.drag import FinePointer
from app.widgets.format import NO_BREAK, number
from app.widgets.frame_tiles import Grid, Picture, Tile, lay_out, paint_tiles, words_height
from app.widgets.stage_marks import GRAB_RADIUS, paint_halo, paint_handle
from hnn_engine.camera import VIEW, Frames
from hnn_engine.coords import Array, wrap_angle
from hnn_engine.experiment import Experiment
from hnn_engine.glimpse import beginning, frame_seconds, pair_of_frames, reader_of
from hnn_engine.models import get_model
from hnn_engine.sight import Sight

NUDGE = math.radians(2.0)
FINE_NUDGE = math.radians(0.2)
NEAREST = 0.3  # of the rod: nearer to its pivot a hand that takes it could only shake it
TRAIN = "Train to see what the {} paints"
TRAIN_EYE = "Train to see what a model makes of it"


@dataclass(frozen=True, eq=False)
class _Seer:
    """A shown model that sees frames, with its rollout."""

    shown: ShownModel
    track: Track

    @property
    def sight(self) -> Sight:
        """Its eye."""
        assert self.shown.snapshot.sight is not None
        return self.shown.snapshot.sight


class FramesPanel(QWidget):
    """Draws the frames of the transport's instant and lets a hand move the start."""

    def __init__(self, lab: Lab, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.lab = lab
        self.tiles: tuple[Tile, ...] = ()
        self._made_of: tuple[tuple[Experiment, Answer | None], tuple[float, str]] | None = None  # the tiles
        self._figures: dict[str, tuple[str, ...]] = {}  # by tile; written anew at a pace that can be read
        self._figures_due = True
        self._hot = False
        self._pointer: FinePointer | None = None
        self._base: Array | None = None
        self._phase = 0.0
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(220, 160)
        self.setAccessibleName("Frames")
        self.setAccessibleDescription(
            "What the camera sees and what the models paint. Drag the rod in the camera's picture, or press the arrow "
            "keys, to move the start."
        )
        lab.answered.connect(self._on_answered)
        lab.transport.moved.connect(self._on_moved)
        lab.clock.text.connect(self._on_text)
        lab.document.changed.connect(self._on_changed)
        lab.document.view_changed.connect(self._on_theme)
        theme_signals.changed.connect(self._on_theme)

    def sizeHint(self) -> QSize:
        return QSize(560, 380)

    # When it is painted: never while it is hidden ---------------------------------------------------------------------

    def _on_theme(self) -> None:
        self.update()

    def _on_changed(self, old: State, new: State) -> None:
        if self._base is not None and old.experiment.stage.seen and not new.experiment.stage.seen:
            self._let_go()  # what it holds is not there any more
        self.update()

    def _on_answered(self, answer: Answer) -> None:
        self._figures_due = True
        if not self.lab.transport.moving:  # else the next frame paints it
            self.update()

    def _on_moved(self, time: float) -> None:
        self._phase = (self._phase + 1 / 110) % 1.0
        self.update()

    def _on_text(self) -> None:
        self._figures_due = True

    # What is shown ----------------------------------------------------------------------------------------------------

    def seers(self) -> list[_Seer]:
        """The shown models that see frames, without the repetitions of each."""
        answer = self.lab.answer
        if answer is None:
            return []
        models = {m.key: m for m in answer.request.models if m.snapshot.sight is not None}
        return [_Seer(models[track.key], track) for track in answer.leads if track.key in models]

    def _truth_state(self) -> Array | None:
        """The state whose frames the camera shows: the start itself at time 0, so that a drag has no lag."""
        experiment, answer = self.lab.experiment, self.lab.answer
        if experiment.recording is None and self.lab.transport.time == 0.0:
            return np.array(experiment.start)
        track = answer.truth if answer is not None else None
        if track is None:
            return None
        if not track.measured:
            return self.lab.state_of(track)
        row = int(np.searchsorted(track.t, self.lab.transport.time + 1e-9, side="right")) - 1
        state: Array = track.coords[max(min(row, len(track.t) - 2), 0)]  # a film stands still between its frames
        return state

    def _pair(self, size: int) -> Frames | None:
        state = self._truth_state()
        if state is None or not np.isfinite(state).all():
            return None
        return pair_of_frames(self.lab.experiment, state, size)

    def _model_state(self, seer: _Seer) -> Array:
        """The coordinates that a model is at; at time 0 those where it begins, so that a drag has no lag."""
        if self.lab.transport.time == 0.0:
            return beginning(self.lab.experiment, seer.shown.snapshot)
        return self.lab.state_of(seer.track)

    def _look(self) -> None:
        """Make the tiles of this instant, unless they are there already."""
        lab = self.lab
        made_of = (lab.experiment, lab.answer), (lab.transport.time, lab.field_key())
        if self._same(*made_of) and not self._figures_due:
            return
        self._made_of = made_of
        if lab.experiment.stage.seen:
            self.tiles = (self._camera_tile(), *self._model_tiles())
            self._figures_due = False

    def _same(self, parts: tuple[Experiment, Answer | None], view: tuple[float, str]) -> bool:
        """Whether the tiles were made of just these."""
        if self._made_of is None:
            return False
        before, looked = self._made_of
        return before[0] is parts[0] and before[1] is parts[1] and looked == view

    def _model_tiles(self) -> list[Tile]:
        seers = self.seers()
        there = {seer.track.model for seer in seers}
        missing = [m.name for m in self.lab.experiment.models if get_model(m.name).sees and m.name not in there]
        empty = [
            Tile(name, get_model(name).title, hint=TRAIN.format(get_model(name).title), tip=get_model(name).summary)
            for name in missing
        ]
        painted = [self._painted_tile(seer) for seer in seers]
        order = [m.name for m in self.lab.experiment.models]
        both = sorted(painted + empty, key=lambda t: order.index(t.role) if t.role in order else len(order))
        return [self._eye_tile(seers), *both] if both else both

    def _camera_tile(self) -> Tile:
        pair = self._pair(self.lab.experiment.frame_size)
        state = self._truth_state()
        if pair is None or state is None:
            return Tile("truth", "Camera", hint="No frame here", tip=_CAMERA)
        angle = math.degrees(float(wrap_angle(state[:1])[0]))
        return Tile("truth", "Camera", pair[0], (f"at {_degrees(angle)}",), tip=_CAMERA)

    def _eye_tile(self, seers: list[_Seer]) -> Tile:
        """What is left of the camera's picture after a model has seen it."""
        chosen = [s for s in seers if s.track.key == self.lab.field_key()] or seers
        if not chosen:
            return Tile("truth", "Reconstruction", hint=TRAIN_EYE, tip=_EYE.format("a model"))
        sight, track = chosen[0].sight, chosen[0].track
        tip = _EYE.format(f"the {track.title}")
        pair = self._pair(sight.size)
        if pair is None:
            return Tile(track.model, "Reconstruction", hint="No frame here", tip=tip)
        picture = sight.decode(sight.encode(pair[None]))[0, 0]
        return Tile(track.model, "Reconstruction", picture, self._figures_of("eye", None, picture), tip=tip)

    def _painted_tile(self, seer: _Seer) -> Tile:
        track = seer.track
        state, caption = self._model_state(seer), track.title + (", learning" if track.live else "")
        tip = f"What the {track.title} paints of this instant: it saw two frames at the start and none since."
        if not np.isfinite(state).all():
            ended = f"Diverged after {number(track.ended)} s" if np.isfinite(track.ended) else track.note
            return Tile(track.model, caption, hint=ended, tip=tip)
        picture = seer.sight.picture(state[None])[0]
        return Tile(track.model, caption, picture, self._figures_of(track.key, track, picture), tip=tip)

    def _figures_of(self, key: str, track: Track | None, picture: Picture) -> tuple[str, ...]:
        """How far the angle is off that can be read from `picture`, and how long the film has stayed in step."""
        if key in self._figures and self.lab.transport.moving and not self._figures_due:
            return self._figures[key]
        truth, reader = self._truth_state(), reader_of(self.lab.experiment, len(picture))
        if truth is None or reader is None:
            return ()
        read = reader.read(picture[None])[0]
        off = f"{_degrees(math.degrees(abs(float(wrap_angle(read - truth[:1])[0]))))} off" if read == read else ""
        words = self._step_words(track) if track is not None else ()
        lines = [f"{word} · {off}" if off else f"{word} · nothing to read" for word in words]
        self._figures[key] = (*lines, off or "nothing to read")
        return self._figures[key]

    def _step_words(self, track: Track) -> tuple[str, ...]:
        seconds, frames = frame_seconds(self.lab.experiment), track.in_step
        if frames is None or not seconds:
            return ()
        if not frames:
            return ("out of step",)
        so_far = math.floor(self.lab.transport.time / seconds + 1e-6) + 1
        if so_far > frames:
            return (f"lost step at {number(frames * seconds)}{NO_BREAK}s",)
        plural = "" if so_far == 1 else "s"
        return f"in step for {so_far} frame{plural}", f"in step: {so_far}"

    # Painting ---------------------------------------------------------------------------------------------------------

    @property
    def grid(self) -> Grid:
        """Where the tiles are at present."""
        return lay_out(len(self.tiles), self.rect(), words_height(self.font()), self.lab.experiment.frame_size)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(event.rect(), current_theme().color("paper"))
        if self.lab.experiment.stage.seen:
            self._look()
            paint_tiles(painter, self.grid, self.tiles, self.font())
            self._paint_hand(painter)
        painter.end()

    def _paint_hand(self, painter: QPainter) -> None:
        if not self._can_be_held:
            return
        tip, theme = self.rod_point(1.0), current_theme()
        if self._hot:
            paint_handle(painter, tip, theme.accent, hot=True)
        elif self.hasFocus() and not self.lab.transport.moving:
            paint_handle(painter, tip, theme.accent)
        if not settings().dragged_once and not self.lab.dragging:
            paint_halo(painter, tip, "drag me", 18.0, self._phase)

    # The hand ---------------------------------------------------------------------------------------------------------

    @property
    def _can_be_held(self) -> bool:
        """Whether the camera's picture can be taken by hand: a recording's shows what was, not the start."""
        return self.lab.experiment.system is not None and bool(self.tiles) and self._truth_state() is not None

    def rod_point(self, share: float) -> QPointF:
        """Return the pixel of the point at `share` of the rod in the camera's picture, from the pivot."""
        state, place = self._truth_state(), self.grid.picture(0)
        assert state is not None
        reach = share * place.width() / (2 * VIEW)
        return place.center() + QPointF(reach * math.sin(state[0]), reach * math.cos(state[0]))

    def _rod_share(self, at: QPointF) -> float | None:
        """Return where on the rod the pointer is, as a share of its length; None where it is not on it."""
        if not self._can_be_held or not self.grid.picture(0).contains(at):
            return None
        pivot, tip = self.rod_point(0.0), self.rod_point(1.0)
        along, to = tip - pivot, at - pivot
        length = max(float(np.hypot(along.x(), along.y())), 1e-9)
        share = min((along.x() * to.x() + along.y() * to.y()) / length**2, 1.0)
        near = pivot + along * share - at
        reach = max(GRAB_RADIUS, 0.15 * length)
        return share if share >= NEAREST and float(np.hypot(near.x(), near.y())) <= reach else None

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() is not Qt.MouseButton.LeftButton:
            return
        self.setFocus()
        share = self._rod_share(event.position())
        if share is None:
            return
        self._base = self._truth_state()
        self._pointer = FinePointer(event.position(), self.rod_point(share))
        self.setCursor(Qt.CursorShape.ClosedHandCursor)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._pointer is None or self._base is None:
            self._hover(event.position())
            return
        if not self._pointer.moved(event.position(), event.modifiers()):
            return
        if not self.lab.dragging:
            self.lab.begin_drag()
            settings().dragged_once = True
        self._hot = True
        self.lab.drag_start(self._moved_to(self._pointer.target))

    def _moved_to(self, target: QPointF) -> Array:
        """The start that turns the rod towards pixel `target`."""
        assert self._base is not None
        way = target - self.grid.picture(0).center()
        return self.lab.experiment.stage.place(self._base.copy(), 0, (way.x(), -way.y()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton and self._base is not None:
            self._let_go()
            self._hover(event.position())

    def _let_go(self) -> None:
        if self.lab.dragging:
            self.lab.end_drag()
        self._pointer = self._base = None
        self.unsetCursor()

    def _hover(self, at: QPointF) -> None:
        self._say(at)
        hot = self._rod_share(at) is not None
        if hot != self._hot:
            self._hot = hot
            self.setCursor(Qt.CursorShape.OpenHandCursor if hot else Qt.CursorShape.ArrowCursor)
            self.update()

    def _say(self, at: QPointF) -> None:
        """Let the tool tip be that of the tile under the pointer."""
        grid = self.grid
        tips = [tile.tip for i, tile in enumerate(self.tiles) if QRectF(grid.cell(i)).contains(at)]
        tip = tips[0] if tips else ""
        if tip != self.toolTip():
            self.setToolTip(tip)

    def leaveEvent(self, event: QEvent) -> None:
        if self._base is None and self._hot:
            self._hot = False
            self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if key == Qt.Key.Key_Escape and self._base is not None:
            if self.lab.dragging:
                self.lab.cancel_drag()
            self._pointer = self._base = None
            self.unsetCursor()
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right) and self._can_be_held:
            step = FINE_NUDGE if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else NUDGE
            start = np.array(self.lab.experiment.start)
            start[0] += step if key == Qt.Key.Key_Right else -step
            self.lab.nudge_start(start)
        else:
            super().keyPressEvent(event)


_CAMERA = "What the camera sees: all that the models are shown, and of a rollout only its first two frames."
_EYE = (
    "The camera's picture after the eye of {}: two frames become two numbers, its latents, and these become a picture "
    "again."
)


def _degrees(angle: float) -> str:
    """An angle with one decimal, a true minus and no minus zero."""
    return f"{angle + 0.0:.1f}°".replace("-0.0", "0.0").replace("-", "−")
