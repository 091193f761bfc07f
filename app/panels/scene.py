"""The scene: the thing itself, moving; truth solid, models as ghosts. Grab a body, or the head of its arrow."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.lab import Lab
from app.model.document import State
from app.model.rollout_messages import Answer, RolloutCurve
from app.model.settings import settings
from app.style.theme import current_theme, small_font, theme_signals
from app.widgets.drag import FinePointer
from app.widgets.name_tag import draw_name, name_size
from app.widgets.scene_marks import GRAB_RADIUS, paint_arrow, paint_halo, paint_handle, paint_trail
from app.widgets.scene_painter import SceneStyle, ghost_style, paint_scene, truth_style
from app.widgets.scene_view import SceneView
from app.widgets.text import set_tip
from hnn_engine.coords import Array
from hnn_engine.experiment import retyped, same_system
from hnn_engine.geometry import Block, Bob, Bounds, Regions
from hnn_engine.model_colors import family_and_place
from hnn_engine.scene import Scene

TRAIL_SECONDS = 2.5
MARGIN = 16
THINNEST = 1.7  # pixels, of the lines of bodies
FINEST, MOST_FINER = 4.0, 12  # pixels between points of a trail, and how many of them between two computed states
ARROW_GAP = 16.0  # pixels between a body's rim and the head of an arrow of length zero
EASE = 0.18  # part of the way that the view moves to its new bounds in a frame
SAME_ENERGY = 1e-3  # relative; a smaller change of truth's energy is not drawn
DIMMED = 0.25  # opacity of what is not pointed at
NAME_GAP = 8.0  # pixels from the rim of a body to a name


@dataclass(frozen=True, eq=False)
class _Path:
    """A track with the world positions of its bodies `(T, bodies, 2)`."""

    track: RolloutCurve
    at: Array


@dataclass(frozen=True)
class _Grip:
    """What can be grabbed: a body, or the head of its momentum arrow."""

    body: int
    arrow: bool


class ScenePanel(QWidget):
    """Draws the scene at the playback's instant and lets the mouse move the start."""

    def __init__(self, lab: Lab, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.lab = lab
        self._paths: tuple[_Path, ...] = ()
        self._truth: _Path | None = None
        self._bounds: Bounds = self._scene.bounds
        self._target: Bounds = self._bounds
        self._view = SceneView(self._bounds, (0, 0, 1, 1))
        self._hot: _Grip | None = None
        self._grip: _Grip | None = None
        self._pointer: FinePointer | None = None
        self._base: Array | None = None
        self.stroke = 1.0  # times as wide lines
        self.invites = True  # to drag the start, until that has been done once
        self._phase = 0.0
        self._forbidden: tuple[Scene | None, float, Regions | None] = (
            None,
            0.0,
            None,
        )  # with the system and the energy
        self._radii: tuple[Scene, dict[int, float]] = (self._scene, _radii(self._scene))
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)  # it paints every pixel: Qt need not clear them first
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(220, 160)
        self.setAccessibleName("Scene")
        self.setAccessibleDescription(
            "The moving system. Drag a body or the tip of its momentum arrow to move the start."
        )
        set_tip(self, "")
        lab.answered.connect(self._on_answered)
        lab.highlighted.connect(self._on_highlighted)
        lab.playback.moved.connect(self._on_moved)
        lab.frame_clock.frame.connect(self._on_frame)
        lab.document.changed.connect(self._on_changed)
        theme_signals.changed.connect(self._on_theme)

    def sizeHint(self) -> QSize:
        return QSize(560, 380)

    def _on_theme(self) -> None:
        self.update()

    def _on_highlighted(self, role: str) -> None:
        self.update()

    def set_stroke(self, stroke: float) -> None:
        """Draw trails `stroke` pixels wide, and all other lines at least as wide where that is more than 1."""
        self.stroke = stroke
        self.update()

    @property
    def _widened(self) -> float:
        """How many times as wide all but trails is drawn."""
        return max(1.0, self.stroke / THINNEST)

    @property
    def _scene(self) -> Scene:
        return self.lab.experiment.scene

    @property
    def _recorded(self) -> bool:
        return self.lab.experiment.recording is not None

    @property
    def view(self) -> SceneView:
        """How the world is mapped onto the panel at present."""
        inner = self.rect().adjusted(MARGIN, MARGIN, -MARGIN, -MARGIN)
        rect = (inner.x(), inner.y(), max(inner.width(), 1), max(inner.height(), 1))
        if (self._view.bounds, self._view.rect) != (self._bounds, rect):
            self._view = SceneView(self._bounds, rect)  # it keeps what is worked out for it
        return self._view

    # What is shown ----------------------------------------------------------------------------------------------------

    def _on_changed(self, old: State, new: State) -> None:
        if old.experiment.source is not new.experiment.source:
            if not same_system(old.experiment, new.experiment) and not retyped(old.experiment, new.experiment):
                if self._grip is not None:
                    self._let_go()  # what it holds is not there any more
                self._paths, self._truth, self._hot = (), None, None
                self._bounds = self._scene.bounds
            self._target = self._scene.bounds
        self.update()

    def _on_answered(self, answer: Answer) -> None:
        scene = answer.request.experiment.scene
        dof = scene.dof
        self._truth = _path(answer.truth, scene, dof) if answer.truth is not None else None
        twin = () if answer.twin is None else (answer.twin,)
        self._paths = tuple(_path(track, scene, dof) for track in (*twin, *answer.leads))
        self._target = self._fitting_bounds(scene)
        if not self.lab.playback.moving:  # else the next frame paints it
            self.update()

    def _fitting_bounds(self, scene: Scene) -> Bounds:
        """The scene's own bounds, grown in steps of ×1.5 until truth is inside."""
        x0, x1, y0, y1 = scene.bounds
        if self._truth is None or not len(self._truth.at):
            return scene.bounds
        reach = np.nanmax(np.abs(self._truth.at.reshape(-1, 2)), axis=0)
        cx, cy = (x0 + x1) / 2, (y0 + y1) / 2
        half = max((x1 - x0) / 2, 1e-9), max((y1 - y0) / 2, 1e-9)
        need = max((reach[0] + 0.0 - abs(cx)) / half[0], (reach[1] - abs(cy)) / half[1], 1.0)
        if self._recorded or need <= 1.02:
            return scene.bounds
        grow = 1.5 ** np.ceil(np.log(need) / np.log(1.5))
        return (cx - half[0] * grow, cx + half[0] * grow, cy - half[1] * grow, cy + half[1] * grow)

    def _on_frame(self, seconds: float) -> None:
        """Ease to the wanted bounds, but never during a drag: what is held must stay under the pointer."""
        if self._bounds == self._target or self._grip is not None:
            return
        now, goal = np.array(self._bounds), np.array(self._target)
        close = np.abs(goal - now).max() < 1e-3 * np.abs(goal).max()
        self._bounds = self._target if close else tuple(now + EASE * (goal - now))
        self.update()

    def _on_moved(self, time: float) -> None:
        self._phase = (self._phase + 1 / 110) % 1.0
        self.update()

    def _state(self, path: _Path | None) -> Array | None:
        """The coords of a path at the playback's instant; the start itself at time 0, so that a drag has no lag."""
        recorded = path is not None and path.track.measured
        if self.lab.playback.time == 0.0 and not recorded:
            return np.array(self.lab.experiment.start)
        if path is None or not len(path.track.t):
            return None
        state = self.lab.state_of(path.track)
        return state if np.isfinite(state).all() else None

    def _draggable_state(self) -> Array:
        """The coords that a drag would begin with: truth's present ones, or the models' start for a recording."""
        state = None if self._recorded else self._state(self._truth)
        return state if state is not None else np.array(self.lab.experiment.start)

    # Painting ---------------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(event.rect(), current_theme().color("paper"))
        view, scene = self.view, self._scene
        dof = scene.dof
        shown = self.lab.playback.time
        self._paint_forbidden(painter, view)
        for path in (*self._paths, *((self._truth,) if self._truth is not None else ())):
            painter.setOpacity(DIMMED if self.lab.dimmed(path.track.role) else 1.0)
            self._paint_trail(painter, view, path, shown)
        for path in self._paths:
            state = self._state(path)
            if state is not None and len(state) == 2 * dof:
                painter.setOpacity(DIMMED if self.lab.dimmed(path.track.role) else 1.0)
                paint_scene(painter, view, scene.geometry(state[:dof]), ghost_style(path.track.role, self._widened))
        painter.setOpacity(DIMMED if self.lab.dimmed("truth") else 1.0)
        truth = self._state(self._truth)
        if truth is not None and len(truth) == 2 * dof:
            several = len(self._truth.at[0]) > 1 if self._truth is not None and len(self._truth.at) else False
            paint_scene(painter, view, scene.geometry(truth[:dof]), truth_style(numbered=several, stroke=self._widened))
        painter.setOpacity(1.0)
        self._paint_names(painter, view)
        self._paint_handles(painter, view)
        painter.end()

    def _paint_forbidden(self, painter: QPainter, view: SceneView) -> None:
        """Shade where truth cannot get to with the energy that it has at the instant."""
        system, state = self.lab.experiment.system, self._state(self._truth)
        if system is None or state is None or system.dof != 2 or len(state) != 4:
            return
        energy, (known, before, _) = float(system.hamiltonian(state)), self._forbidden
        if known is not system or not abs(energy - before) <= SAME_ENERGY * abs(before):
            self._forbidden = system, energy, system.forbidden(energy)
        regions = self._forbidden[2]
        if regions is not None:
            paint_scene(painter, view, (regions,), truth_style())

    def _paint_names(self, painter: QPainter, view: SceneView) -> None:
        """Write the names of models beside their last bodies where several are of one family, or where one is pointed
        at; of those that would lie over each other the first alone."""
        families = Counter(family_and_place(path.track.role)[0] for path in self._paths)
        taken: list[QRectF] = []
        for path in self._paths:
            role, state = path.track.role, self._state(path)
            wanted = role == self.lab.highlight or families[family_and_place(role)[0]] > 1
            if not wanted or self.lab.dimmed(role) or state is None or len(state) != 2 * self._scene.dof:
                continue
            body = len(path.at[0]) - 1 if len(path.at) else 0
            at, font = view.pixel(self._bodies(state)[body]), self._name_font
            size, right = name_size(path.track.title, font), self._radius(body) + NAME_GAP
            place = QRectF(at + QPointF(right, -size.height() / 2), size)
            if place.right() > self.width():
                place.moveRight(at.x() - right)
            if not any(place.intersects(other) for other in taken):
                taken.append(place)
                draw_name(painter, place.topLeft(), role, path.track.title, font)

    @property
    def _name_font(self) -> QFont:
        return small_font(self.font(), 0.9)

    def _paint_trail(self, painter: QPainter, view: SceneView, path: _Path, time: float) -> None:
        times = path.track.t
        if time <= 0 or not len(times):
            return
        first, last = np.searchsorted(times, [time - TRAIL_SECONDS, time])
        smooth = finer(path.at[max(first - 1, 0) : last + 1], first - max(first - 1, 0), last - first, view.scale)
        color = current_theme().role(path.track.role)
        state = self._state(path)
        for body in range(path.at.shape[1]):
            points = smooth[:, body]
            if state is not None:
                head = self._scene.positions(state[: self._scene.dof])[body]
                points = np.concatenate([points, head[None]])
            paint_trail(painter, view, points, color, self.stroke)

    def _paint_handles(self, painter: QPainter, view: SceneView) -> None:
        state = self._draggable_state()
        scene, theme = self._scene, current_theme()
        bodies = [view.pixel(point) for point in self._bodies(state)]
        if not self.lab.playback.playing or self.lab.drag.active or self._hot is not None:
            for body, (at, tip) in enumerate(zip(bodies, self._tips(state), strict=True)):
                paint_arrow(
                    painter, self._rim(at, tip, body), tip, theme.accent, self._hot == _Grip(body, True), self._widened
                )
            if self._recorded:
                ghost = SceneStyle(theme.accent, ghost=True)  # where the models start, wherever the recording is now
                paint_scene(painter, view, scene.geometry(state[: scene.dof]), ghost)
        if self._hot is not None and not self._hot.arrow and self._hot.body < len(bodies):
            paint_handle(painter, bodies[self._hot.body], theme.accent, hot=True, stroke=self._widened)
        if self.invites and not settings().dragged_once and not self.lab.drag.active:
            paint_halo(painter, bodies[-1], "drag to move", 18.0, self._phase)

    def _bodies(self, state: Array) -> list[tuple[float, float]]:
        """World positions of the bodies."""
        return [(float(x), float(y)) for x, y in self._scene.positions(state[: self._scene.dof])]

    def _tips(self, state: Array) -> list[QPointF]:
        """Pixels of the arrows' heads: along the velocity, from beyond the rim, so that a body at rest has one too."""
        scene, view = self._scene, self.view
        dof = scene.dof
        eager = state + np.concatenate([np.zeros(dof), np.full(dof, 1e-6)])
        tips = []
        for body, (at, now, hint) in enumerate(
            zip(self._bodies(state), scene.velocities(state), scene.velocities(eager), strict=True)
        ):
            length = float(np.hypot(*now)) * scene.arrow_seconds * view.scale
            way = now if length > 0.5 else hint
            unit = way / max(float(np.hypot(*way)), 1e-300)
            reach = self._arrow_base(body) + length
            tips.append(view.pixel(at) + QPointF(reach * float(unit[0]), -reach * float(unit[1])))
        return tips

    def _arrow_base(self, body: int) -> float:
        """How far from a body's centre its arrow of length zero ends, in pixels."""
        return self._radius(body) + ARROW_GAP

    def _radius(self, body: int) -> float:
        """A body's radius in pixels. It goes with the system's constants, not with its state."""
        scene = self._scene
        if self._radii[0] is not scene:
            self._radii = (scene, _radii(scene))
        return self._radii[1].get(body, 0.0) * self.view.scale

    def _rim(self, at: QPointF, tip: QPointF, body: int) -> QPointF:
        way = tip - at
        length = float(np.hypot(way.x(), way.y()))
        return at + way * (min(self._radius(body) / length, 1.0) if length > 0 else 0.0)

    # Dragging ---------------------------------------------------------------------------------------------------------

    def _grip_at(self, at: QPointF) -> _Grip | None:
        """What is under the pointer: the nearest arrow head, or else the nearest body."""
        state, view = self._draggable_state(), self.view
        for arrow in (True, False):
            points = self._tips(state) if arrow else [view.pixel(point) for point in self._bodies(state)]
            found = []
            for body, point in enumerate(points):
                distance = float(np.hypot(point.x() - at.x(), point.y() - at.y()))
                reach = GRAB_RADIUS if arrow else max(GRAB_RADIUS, self._radius(body) + 4.0)
                if distance <= reach:
                    found.append((distance, _Grip(body, arrow)))
            if found:
                return min(found, key=lambda item: item[0])[1]
        return None

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() is not Qt.MouseButton.LeftButton:
            return
        self.setFocus()
        self._grip = self._grip_at(event.position())
        if self._grip is None:
            return
        self._base = state = self._draggable_state()
        grip = self._grip
        point = self._tips(state)[grip.body] if grip.arrow else self.view.pixel(self._bodies(state)[grip.body])
        self._pointer = FinePointer(event.position(), point)
        self.setCursor(Qt.CursorShape.ClosedHandCursor)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._pointer is None or self._grip is None or self._base is None:
            self._hover(event.position())
            return
        if not self._pointer.moved(event.position(), event.modifiers()):
            return
        if not self.lab.drag.active:
            self.lab.drag.begin()
            settings().dragged_once = True
        self._hot = self._grip
        self.lab.drag.move(self._moved_to(self._pointer.target))

    def _moved_to(self, target: QPointF) -> Array:
        """The start that brings what is held to pixel `target`, or as near as it can."""
        assert self._grip is not None
        assert self._base is not None
        scene, body, view = self._scene, self._grip.body, self.view
        if not self._grip.arrow:
            return scene.place(self._base.copy(), body, view.world(target.x(), target.y()))
        way = target - view.pixel(self._bodies(self._base)[body])
        length = float(np.hypot(way.x(), way.y()))
        speed = max(length - self._arrow_base(body), 0.0) / (scene.arrow_seconds * view.scale)
        unit = way / length if length > 0 else QPointF(0, 0)
        return scene.push(self._base.copy(), body, (speed * unit.x(), -speed * unit.y()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton and self._grip is not None:
            self._let_go()
            self._hover(event.position())

    def _let_go(self) -> None:
        if self.lab.drag.active:
            self.lab.drag.end()
        self._grip = self._pointer = self._base = None
        self.unsetCursor()

    def _hover(self, at: QPointF) -> None:
        hot = self._grip_at(at)
        if hot != self._hot:
            self._hot = hot
            self.setCursor(Qt.CursorShape.OpenHandCursor if hot else Qt.CursorShape.ArrowCursor)
            self.update()

    def leaveEvent(self, event: QEvent) -> None:
        if self._grip is None and self._hot is not None:
            self._hot = None
            self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self._grip is not None:
            if self.lab.drag.active:
                self.lab.drag.cancel()
            self._grip = self._pointer = self._base = None
            self.unsetCursor()
            return
        super().keyPressEvent(event)


def finer(at: Array, first: int, count: int, scale: float) -> Array:
    """Return the rows `first` to `first + count` of the path `at` `(T, bodies, 2)` in m, with points between them on
    Catmull–Rom splines, some `FINEST` pixels apart at `scale` pixels a metre: a curve stays round where a step of the
    rollout is long. xᵢ₊ₛ = xᵢ + s(m + s(3d − 2m − m′ + s(m + m′ − 2d))) with d = xᵢ₊₁ − xᵢ and slopes
    m = (xᵢ₊₁ − xᵢ₋₁)/2."""
    part = at[first : first + count]
    if count < 3:
        return part
    gaps = np.diff(part, axis=0)
    with np.errstate(invalid="ignore", over="ignore"):
        longest = float(np.nanmax(np.abs(gaps))) * scale
    pieces = min(int(np.ceil(longest / FINEST)), MOST_FINER) if np.isfinite(longest) else 1
    if pieces < 2:
        return part
    with np.errstate(invalid="ignore", over="ignore"):
        slopes = np.gradient(at, axis=0)[first : first + count]
        m, ahead = slopes[:-1, None], slopes[1:, None]
        d, s = gaps[:, None], (np.arange(pieces) / pieces)[None, :, None, None]
        between = part[:-1, None] + s * (m + s * (3 * d - 2 * m - ahead + s * (m + ahead - 2 * d)))
    inner: Array = between.reshape(-1, *part.shape[1:])
    return np.concatenate([inner, part[-1:]])


def _radii(scene: Scene) -> dict[int, float]:
    """Return the radii of the bodies in metres."""
    middle = np.array([(one.low + one.high) / 2 for one in scene.coordinates[: scene.dof]])
    parts = scene.geometry(middle)
    bobs = {part.body: part.radius for part in parts if isinstance(part, Bob)}
    return bobs | {part.body: part.width / 2 for part in parts if isinstance(part, Block)}


def _path(track: RolloutCurve, scene: Scene, dof: int) -> _Path:
    return _Path(track, scene.positions(track.coords[:, :dof]))
