"""The frames: the true one, its reconstruction by an autoencoder, and the frame that each model predicts.

The pendulum can be dragged in the true frame.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QRegion
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.lab import Lab
from app.model.document import State
from app.model.rollout_messages import Answer, RolloutCurve, ShownModel
from app.model.settings import settings
from app.style.theme import current_theme, theme_signals
from app.widgets.drag import FinePointer
from app.widgets.frame_tiles import Grid, Tile, lay_out, paint_tiles, words_height
from app.widgets.scene_marks import GRAB_RADIUS, paint_halo, paint_handle
from app.widgets.text import set_tip
from hnn_engine.camera import VIEW, Frames
from hnn_engine.coords import Array, wrap_angle
from hnn_engine.experiment import Experiment
from hnn_engine.frame_metrics import encoded_start
from hnn_engine.frames.frozen_autoencoder import FrozenAutoencoder
from hnn_engine.initial_frames import film_along, pair_of_frames, reader_of
from hnn_engine.models import get_model
from hnn_engine.number_format import NO_BREAK, number
from hnn_engine.rollout_analysis import recorded_row

NUDGE = math.radians(2.0)
FINE_NUDGE = math.radians(0.2)
NEAREST = 0.3  # of the rod: nearer to its pivot a drag would turn it by large angles
TRAIN = "Train to see the frames of the {}"
TRAIN_EYE = "Train to see a reconstruction"

_Parts = tuple[Experiment, Answer | None, float]


@dataclass(frozen=True, eq=False)
class _Seer:
    """A shown model that sees frames, with its rollout."""

    shown: ShownModel
    track: RolloutCurve

    @property
    def autoencoder(self) -> FrozenAutoencoder:
        """Its autoencoder."""
        assert self.shown.snapshot.autoencoder is not None
        return self.shown.snapshot.autoencoder


class FramesPanel(QWidget):
    """Draws the frames of the playback's instant and lets the mouse move the start."""

    def __init__(self, lab: Lab, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.lab = lab
        self.tiles: tuple[Tile, ...] = ()
        self._made_of: _Parts | None = None  # the tiles
        self._pairs: dict[int, Frames | None] = {}  # of the instant, by size
        self._figures: dict[str, tuple[str, ...]] = {}  # by tile; updated slowly enough to be read
        self._figures_due = True
        self._behind = False  # whether the pictures have moved since
        self._hot = False
        self.invites = True  # to drag the start, until that has been done once
        self._pointer: FinePointer | None = None
        self._base: Array | None = None
        self._phase = 0.0
        self._taken = False  # whether a start has ever been dragged: asking the settings takes its time
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(220, 160)
        self.setAccessibleName("Frames")
        self.setAccessibleDescription(
            "The true frame and the frames that the models predict. Drag the rod in the true frame, or press the arrow "
            "keys, to move the start."
        )
        lab.answered.connect(self._on_answered)
        lab.playback.moved.connect(self._on_moved)
        lab.frame_clock.text.connect(self._on_text)
        lab.document.changed.connect(self._on_changed)
        lab.document.view_changed.connect(self._on_theme)
        theme_signals.changed.connect(self._on_theme)

    def sizeHint(self) -> QSize:
        return QSize(560, 380)

    # When it is painted: never while it is hidden ---------------------------------------------------------------------

    def _on_theme(self) -> None:
        self.update()

    def _on_changed(self, old: State, new: State) -> None:
        if self._base is not None and old.experiment.scene.observed and not new.experiment.scene.observed:
            self._let_go()  # what it holds is not there any more
        if not new.experiment.scene.observed:
            self._clear()
        self._refresh()

    def _clear(self) -> None:
        """Let go of the pictures and of what they were made of: its models are megabytes."""
        self.tiles, self._made_of, self._figures_due = (), None, True
        self._pairs.clear()

    def _on_answered(self, answer: Answer) -> None:
        self._figures_due = self._figures_due or not answer.request.preview
        if not self.lab.playback.moving:  # else the next frame paints it
            self._refresh()

    def _on_moved(self, time: float) -> None:
        self._phase = (self._phase + 1 / 110) % 1.0
        self._refresh()

    def _refresh(self) -> None:
        """Paint again: all, or the pictures alone while they move faster than words can be read."""
        moving = self.lab.playback.moving or self.lab.drag.active
        if moving and not (self._invites or self._figures_due):
            self.update(self._pictures)
        else:
            self.update()

    def _on_text(self) -> None:
        self._figures_due = True
        if self._behind and not self.lab.playback.moving:
            self.update()  # nothing else would bring the words up to the pictures

    # What is shown ----------------------------------------------------------------------------------------------------

    def seers(self) -> list[_Seer]:
        """The shown models that see frames, without the repetitions of each."""
        answer = self.lab.answer
        if answer is None:
            return []
        models = {m.key: m for m in answer.request.models if m.snapshot.autoencoder is not None}
        return [_Seer(models[track.key], track) for track in answer.leads if track.key in models]

    def _truth_state(self) -> Array | None:
        """The state whose frames the camera shows: the start itself at time 0, so that a drag has no lag."""
        experiment, answer = self.lab.experiment, self.lab.answer
        if experiment.recording is None and self.lab.playback.time == 0.0:
            return np.array(experiment.start)
        track = answer.truth if answer is not None else None
        if track is None:
            return None
        if not track.measured:
            return self.lab.state_of(track)
        row = int(np.searchsorted(track.t, self.lab.playback.time + 1e-9, side="right")) - 1
        row = max(min(row, len(track.t) - 2), 0)
        if self._in_gap(track.t, row):
            return None
        state: Array = track.coords[row]  # a film stands still between its frames
        return state

    def _in_gap(self, t: Array, row: int) -> bool:
        """Whether the instant lies where frames are missing behind `row` of a film whose rows are at `t`."""
        experiment = self.lab.experiment
        recording = experiment.recording
        if recording is None or not len(recording.gaps):
            return False
        begun = recorded_row(experiment) or 0
        return row + begun + 1 in recording.gaps and self.lab.playback.time > t[row] + recording.seconds

    def _pair(self, size: int) -> Frames | None:
        """The two frames that begin at the instant; of each size once."""
        if size not in self._pairs:
            state = self._truth_state()
            known = state is not None and bool(np.isfinite(state).all())
            self._pairs[size] = pair_of_frames(self.lab.experiment, state, size) if known else None  # type: ignore[arg-type]
        return self._pairs[size]

    def _model_state(self, seer: _Seer) -> Array:
        """The coordinates that a model is at; at time 0 those where it begins, so that a drag has no lag."""
        if self.lab.playback.time > 0.0:
            return self.lab.state_of(seer.track)
        pair = self._pair(seer.autoencoder.size) if self.lab.experiment.rollout.begin == "frames" else None
        return encoded_start(seer.shown.snapshot, pair, np.array(self.lab.experiment.start))

    def _look(self) -> None:
        """Make the tiles of this instant, unless they are there already."""
        lab, made_of = self.lab, (self.lab.experiment, self.lab.answer, self.lab.playback.time)
        if self._figures_due or not _same(made_of, self._made_of):
            self._made_of = made_of
            self._pairs.clear()
            seers = self.seers()
            models = self._model_tiles(seers)
            tiles = [self._camera_tile(), *([self._eye_tile(seers), *models] if models else [])]
            if self._figures_due or not (lab.playback.moving or lab.drag.active):
                self._figures = self._read(tiles, seers)
                self._figures_due = False
            self._behind = not self._figures_due
            self.tiles = tuple(replace(tile, figures=self._figures.get(tile.key, tile.figures)) for tile in tiles)

    def _camera_tile(self) -> Tile:
        pair, state = self._pair(self.lab.experiment.frame_size), self._truth_state()
        if pair is None or state is None:
            return Tile("camera", "truth", "Camera", hint="No frame at this time", tip=_CAMERA)
        angle = math.degrees(float(wrap_angle(state[:1])[0]))
        return Tile("camera", "truth", "Camera", pair[0], (f"at {_degrees(angle)}",), tip=_CAMERA)

    def _eye_tile(self, seers: list[_Seer]) -> Tile:
        """The true frame through the autoencoder of one model: that whose field the portrait shows, if it is a model of
        frames, or else one with an energy before one without."""
        if not seers:
            return Tile("eye", "muted", "Reconstruction", hint=TRAIN_EYE, tip=_EYE.format("a model"))
        field = self.lab.answer.request.field_of if self.lab.answer is not None else ""
        chosen = min(seers, key=lambda s: (s.track.key != field, not s.shown.snapshot.has_energy))
        autoencoder, track = chosen.autoencoder, chosen.track
        tip, pair = _EYE.format(f"the {track.title}"), self._pair(autoencoder.size)
        if pair is None:
            return Tile("eye", track.role, f"Reconstruction, {track.title}", hint="No frame at this time", tip=tip)
        again = autoencoder.painted(autoencoder.encode(pair[None]))[0]
        return Tile("eye", track.role, f"Reconstruction, {track.title}", again, tip=tip)

    def _model_tiles(self, seers: list[_Seer]) -> list[Tile]:
        """The frame that each model predicts, and places for models that are not trained yet."""
        there, order = {seer.track.model for seer in seers}, [m.name for m in self.lab.experiment.models]
        empty = [_empty(name) for name in order if get_model(name).observes_frames and name not in there]
        tiles = [*(self._painted_tile(seer) for seer in seers), *empty]
        models = {seer.track.key: seer.track.model for seer in seers}
        rank = {name: i for i, name in enumerate(order)}
        return sorted(tiles, key=lambda t: rank.get(models.get(t.key, t.key), len(order)))

    def _painted_tile(self, seer: _Seer) -> Tile:
        track, state = seer.track, self._model_state(seer)
        caption = track.title + (", learning" if track.live else "")
        tip = f"Frame predicted by the {track.title} for this time, from the first two frames alone."
        if not np.isfinite(state).all():
            ended = f"Diverged after {number(track.ended)} s" if np.isfinite(track.ended) else track.note
            return Tile(track.key, track.role, caption, hint=ended, tip=tip)
        return Tile(track.key, track.role, caption, seer.autoencoder.picture(state[None])[0], tip=tip)

    # How far they are off ---------------------------------------------------------------------------------------------

    def _read(self, tiles: list[Tile], seers: list[_Seer]) -> dict[str, tuple[str, ...]]:
        """Read the angles of the predicted frames; return the texts about them, by tile."""
        truth, tracks = self._truth_state(), {seer.track.key: seer.track for seer in seers}
        if truth is None:
            return {}
        painted = [(tile.key, tile.picture) for tile in tiles[1:] if tile.picture is not None]
        found: dict[str, tuple[str, ...]] = {}
        for size in {len(picture) for _, picture in painted}:
            keys, pictures = zip(*[(k, p) for k, p in painted if len(p) == size], strict=True)
            reader = reader_of(self.lab.experiment, size)
            angles = reader.read(np.stack(pictures)) if reader is not None else np.full(len(keys), np.nan)
            for key, off in zip(keys, np.rad2deg(np.abs(wrap_angle(angles - truth[:1]))), strict=True):
                found[key] = self._words(tracks.get(key), float(off))
        return found

    def _words(self, track: RolloutCurve | None, off: float) -> tuple[str, ...]:
        """From long to short: how long a film has stayed in step, and how far its angle is off in degrees."""
        said = f"{_degrees(off)} off" if np.isfinite(off) else "angle not readable"
        steps = self._step_words(track) if track is not None else ()
        return (*(f"{word} · {said}" for word in steps), said)

    def _frame_times(self) -> Array:
        """When the frames along truth are shown, s; empty where there are none."""
        answer = self.lab.answer
        times = None if answer is None or answer.truth is None else film_along(self.lab.experiment, answer.truth.t)
        return np.empty(0) if times is None else times

    def _step_words(self, track: RolloutCurve) -> tuple[str, ...]:
        frames, times = track.in_step, self._frame_times()
        if frames is None or not len(times):
            return ()
        if not frames:
            return ("out of step",)
        so_far = int(np.searchsorted(times, self.lab.playback.time + 1e-6, side="right"))
        if so_far > frames:
            return (f"lost step at {number(float(times[frames]))}{NO_BREAK}s",)
        plural = "" if so_far == 1 else "s"
        return f"in step for {so_far} frame{plural}", f"in step: {so_far}"

    # Painting ---------------------------------------------------------------------------------------------------------

    @property
    def grid(self) -> Grid:
        """Where the tiles are at present."""
        pixel = self.lab.experiment.frame_size / self.devicePixelRatioF()
        return lay_out(len(self.tiles), self.rect(), words_height(self.font()), pixel)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, seen = QPainter(self), self.lab.experiment.scene.observed
        if seen:
            self._look()
        words = not seen or not event.region().subtracted(self._pictures).isEmpty()
        if words:
            painter.fillRect(event.rect(), current_theme().color("paper"))
        if seen:
            paint_tiles(painter, self.grid, self.tiles, self.font() if words else None)
            self._paint_hand(painter)
        painter.end()

    @property
    def _pictures(self) -> QRegion:
        """Where there is nothing but the pictures that are shown."""
        grid, region = self.grid, QRegion()
        for index, tile in enumerate(self.tiles):
            if tile.picture is not None:
                region += grid.picture(index).toAlignedRect()
        return region

    @property
    def _invites(self) -> bool:
        """Whether the halo is there."""
        self._taken = self._taken or settings().dragged_once
        return self.invites and not self._taken and not self.lab.drag.active

    def _paint_hand(self, painter: QPainter) -> None:
        if not self._can_be_held:
            return
        tip, theme = self.rod_point(1.0), current_theme()
        if self._hot:
            paint_handle(painter, tip, theme.accent, hot=True)
        elif self.hasFocus() and not self.lab.playback.moving:
            paint_handle(painter, tip, theme.accent)
        if self._invites:
            paint_halo(painter, tip, "drag to move", 18.0, self._phase)

    # The mouse --------------------------------------------------------------------------------------------------------

    @property
    def _can_be_held(self) -> bool:
        """Whether the rod can be dragged: a recording's frames are fixed."""
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
        if not self.lab.drag.active:
            self.lab.drag.begin()
            settings().dragged_once = True
        self._hot = True
        self.lab.drag.move(self._moved_to(self._pointer.target))

    def _moved_to(self, target: QPointF) -> Array:
        """The start that turns the rod towards pixel `target`."""
        assert self._base is not None
        way = target - self.grid.picture(0).center()
        return self.lab.experiment.scene.place(self._base.copy(), 0, (way.x(), -way.y()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton and self._base is not None:
            self._let_go()
            self._hover(event.position())

    def _let_go(self) -> None:
        if self.lab.drag.active:
            self.lab.drag.end()
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
            set_tip(self, tip)

    def leaveEvent(self, event: QEvent) -> None:
        if self._base is None and self._hot:
            self._hot = False
            self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if key == Qt.Key.Key_Escape and self._base is not None:
            if self.lab.drag.active:
                self.lab.drag.cancel()
            self._pointer = self._base = None
            self.unsetCursor()
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right) and self._can_be_held:
            step = FINE_NUDGE if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else NUDGE
            start = np.array(self.lab.experiment.start)
            start[0] += step if key == Qt.Key.Key_Right else -step
            self.lab.drag.nudge(start)
        else:
            super().keyPressEvent(event)


_CAMERA = "The true frame. Models are trained on such frames; a rollout is given its first two frames only."
_EYE = "The true frame through the autoencoder of {}: two frames are encoded as two latents and decoded to a frame."


def _empty(model: str) -> Tile:
    """A place for the frames of `model`."""
    title = get_model(model).title
    return Tile(model, model, title, hint=TRAIN.format(title), tip=get_model(model).summary)


def _same(one: _Parts, other: _Parts | None) -> bool:
    """Whether two pictures are of the same."""
    return other is not None and one[0] is other[0] and one[1] is other[1] and one[2] == other[2]


def _degrees(angle: float) -> str:
    """An angle with one decimal, a true minus and no minus zero."""
    return f"{angle + 0.0:.1f}°".replace("-0.0", "0.0").replace("-", "−")
