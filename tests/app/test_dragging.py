"""Dragging the start, in the phase portrait and in the scene, with a real mouse: the thing stays under the pointer."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt

from app.model.document import State
from hnn_engine.coords import Array, wrap_angle
from hnn_engine.experiment import new_experiment
from tests.app.bench import CTRL, SHIFT, Bench, differ

PIXEL = 0.75  # how far off the pointer the thing may be
BODIES = [
    ("pendulum", 0),
    ("mass-spring", 0),
    ("damped-pendulum", 0),
    ("double-pendulum", 0),
    ("double-pendulum", 1),
    ("two-body", 0),
    ("two-body", 1),
    ("duffing", 0),
    ("henon-heiles", 0),
    ("spring-pendulum", 0),
]


async def still(bench: Bench, system: str) -> None:
    """Show `system` with little data, paused at its start, with everything computed."""
    if system != bench.experiment.source_name:
        experiment = new_experiment(system)
        few = {**experiment.data, "trajectories": 4, "points": 5}
        bench.document.reset(State(replace(experiment, data=few)), None)
    bench.lab.playback.set_playing(False)
    bench.lab.playback.restart()
    await bench.settled()
    await bench.until(lambda: bench.window.scene._bounds == bench.window.scene._target, "a scene at rest")


def in_portrait(bench: Bench) -> QPointF:
    """Where the start is in the phase portrait, exactly, from its coordinates."""
    panel = bench.window.portrait
    start = np.array(bench.experiment.start)
    at = QPointF(*panel.chart.place(start))
    return panel.plot.view.pixel(at.x(), at.y())


def body_at(bench: Bench, body: int) -> QPointF:
    """Where a body of the start is in the scene."""
    scene, panel = bench.experiment.scene, bench.window.scene
    q = np.array(bench.experiment.start)[: scene.dof]
    x, y = scene.positions(q)[body]
    return panel.view.pixel((float(x), float(y)))


def head_at(bench: Bench, body: int) -> QPointF:
    """Where the head of a body's momentum arrow is drawn in the scene."""
    return bench.window.scene._tips(np.array(bench.experiment.start))[body]


def gap(a: QPointF, b: QPointF) -> float:
    """Distance in pixels."""
    return float(np.hypot(a.x() - b.x(), a.y() - b.y()))


async def carry(
    bench: Bench, widget: object, where: Callable[[], QPointF], by: QPointF, exact: Callable[[QPointF], float]
) -> None:
    """Drag what is at `where()` and check at every move that it stays where the pointer has it."""
    plot = bench.window.portrait.plot
    target = plot if widget is plot else bench.window.scene
    grabbed = QPointF(where().toPoint()) + QPointF(3.0, -2.0)  # never quite in the middle
    offset = where() - grabbed
    bench.press(target, grabbed)
    for i in range(1, 7):
        pointer = grabbed + by * (i / 6)
        bench.move(target, pointer)
        assert exact(pointer + offset) < PIXEL, i
        await bench.frames(1)
    bench.release(target, grabbed + by)


@pytest.mark.parametrize(
    ("system", "axes"),
    [
        ("pendulum", (0, 1)),
        ("mass-spring", (0, 1)),
        ("double-pendulum", (0, 2)),
        ("double-pendulum", (1, 3)),
        ("two-body", (0, 4)),
        ("two-body", (1, 3)),
    ],
)
async def test_portrait_start_follows_the_pointer(bench: Bench, system: str, axes: tuple[int, int]) -> None:
    await still(bench, system)
    bench.document.set_view(axes=axes)
    await bench.settled()
    before, label = bench.truth.copy(), bench.document.undo_label
    rest = [i for i in range(len(bench.experiment.start)) if i not in axes]
    kept = np.array(bench.experiment.start)[rest]
    await carry(
        bench,
        bench.window.portrait.plot,
        lambda: in_portrait(bench),
        QPointF(-40, -55),
        lambda target: gap(in_portrait(bench), target),
    )
    await bench.settled()
    assert np.array_equal(np.array(bench.experiment.start)[rest], kept)
    assert bench.truth[0].tolist() == list(bench.experiment.start)
    assert differ(bench.truth, before)
    assert bench.document.undo_label == "Move the start"
    bench.key(Qt.Key.Key_Z, CTRL)
    await bench.settled()
    assert bench.document.undo_label == label
    assert np.allclose(bench.truth, before)


@pytest.mark.parametrize(("system", "body"), BODIES)
async def test_scene_body_follows_the_pointer(bench: Bench, system: str, body: int) -> None:
    await still(bench, system)
    panel, scene = bench.window.scene, bench.experiment.scene
    momenta = bench.experiment.start[scene.dof :]
    before, label, start = bench.answer.truth, bench.document.undo_label, bench.experiment.start

    def exact(target: QPointF) -> float:
        """A body on rods is the nearest to the pointer that these allow, one on a rail or a curve is above or below
        it, and a free one is under it."""
        now, wanted = body_at(bench, body), target
        if system in ("pendulum", "damped-pendulum"):
            pivot = panel.view.pixel((0.0, 0.0))
            radius = gap(now, pivot)
            wanted = pivot + (target - pivot) * (radius / gap(target, pivot))
        elif system == "double-pendulum" and body == 0:
            pivot = panel.view.pixel((0.0, 0.0))
            wanted = pivot + (target - pivot) * (gap(now, pivot) / gap(target, pivot))
        elif system in ("mass-spring", "duffing"):
            wanted = QPointF(target.x(), now.y())
        return gap(now, wanted)

    await carry(bench, panel, lambda: body_at(bench, body), QPointF(-36, -40), exact)
    await bench.settled()
    assert before is not None
    assert bench.experiment.start[scene.dof :] == momenta
    assert differ(bench.truth, before.coords)
    assert bench.document.undo_label == "Move the start"
    bench.document.undo()
    assert bench.experiment.start == start
    assert bench.document.undo_label == label


@pytest.mark.parametrize(
    ("system", "body", "momentum"),
    [
        ("two-body", 0, None),
        ("two-body", 1, None),
        ("henon-heiles", 0, None),
        ("spring-pendulum", 0, None),
        ("pendulum", 0, 0.0),
        ("pendulum", 0, 1.5),
        ("mass-spring", 0, 0.6),
        ("duffing", 0, 0.4),
    ],
)
async def test_arrow_head_moves_the_momentum(bench: Bench, system: str, body: int, momentum: float | None) -> None:
    await still(bench, system)
    scene = bench.experiment.scene
    by = QPointF(38, -30)
    if momentum is not None:  # an arrow of a body on a rod or a track goes along it, and so does the hand
        bench.edit(start=(0.6, momentum))
        await still(bench, system)
        along = head_at(bench, body) - body_at(bench, body)
        by = along * (35 / gap(along, QPointF()))
    q, start = bench.experiment.start[: scene.dof], bench.experiment.start
    before = bench.truth.copy()
    await carry(
        bench, bench.window.scene, lambda: head_at(bench, body), by, lambda target: gap(head_at(bench, body), target)
    )
    await bench.settled()
    assert bench.experiment.start[: scene.dof] == q
    assert bench.experiment.start != start
    assert differ(bench.truth, before)
    bench.key(Qt.Key.Key_Z, CTRL)
    assert bench.experiment.start == start


class TestGestures:
    async def test_shift_drags_finely(self, bench: Bench) -> None:
        await still(bench, "pendulum")
        plot = bench.window.portrait.plot
        at = QPointF(in_portrait(bench).toPoint())
        pixel = bench.window.portrait.plot.view.unit[0]
        before, seen = bench.experiment.start[0], []
        bench.press(plot, at)
        for i in range(1, 21):
            bench.move(plot, at + QPointF(2.0 * i, 0.0), SHIFT)
            seen.append(bench.experiment.start[0])
        bench.release(plot, at + QPointF(40.0, 0.0), SHIFT)
        assert seen[-1] - before == pytest.approx(0.15 * 40 * pixel, abs=0.5 * pixel)
        steps = np.diff(seen)
        assert steps.min() > 0, "a fine drag moves in whole pixels"
        assert steps.max() < 0.5 * pixel

    async def test_escape_takes_a_drag_back(self, bench: Bench) -> None:
        await still(bench, "pendulum")
        for widget, at in (
            (bench.window.portrait.plot, in_portrait(bench)),
            (bench.window.scene, body_at(bench, 0)),
        ):
            before = bench.document.state
            await bench.drag(widget, QPointF(at.toPoint()), at + QPointF(50, -30), let_go=False)
            assert bench.document.state is not before
            bench.key(Qt.Key.Key_Escape)
            assert bench.document.state is before
            assert not bench.document.dirty
            assert not bench.lab.drag.active
            bench.move(widget, at + QPointF(80, 10))
            bench.release(widget, at + QPointF(80, 10))
            assert bench.document.state is before
        await bench.settled()
        assert bench.truth[0].tolist() == list(bench.experiment.start)

    async def test_a_click_is_no_drag(self, bench: Bench) -> None:
        await still(bench, "pendulum")
        before = bench.document.state
        bench.press(bench.window.scene, body_at(bench, 0))
        bench.release(bench.window.scene, body_at(bench, 0))
        bench.press(bench.window.portrait.plot, in_portrait(bench))
        bench.release(bench.window.portrait.plot, in_portrait(bench))
        await bench.frames(2)
        assert bench.document.state is before
        assert not bench.lab.drag.active

    async def test_beside_the_start_the_plot_is_panned(self, bench: Bench) -> None:
        await still(bench, "pendulum")
        before = bench.document.state
        plot = bench.window.portrait.plot
        ranges = plot.ranges
        at = in_portrait(bench) + QPointF(-80, 60)
        await bench.drag(plot, at, at + QPointF(40, 30))
        assert bench.document.state is before
        assert plot.ranges != ranges

    async def test_play_waits_at_the_start_and_goes_on(self, bench: Bench) -> None:
        playback = bench.lab.playback
        at = QPointF(in_portrait(bench).toPoint())
        plot = bench.window.portrait.plot
        await bench.drag(plot, at, at + QPointF(-60, -20), let_go=False)
        assert playback.playing
        assert playback.time == 0.0
        await bench.frames(5)
        assert playback.time == 0.0
        bench.release(plot, at + QPointF(-60, -20))
        await bench.until(lambda: playback.time > 0, "play")

    async def test_a_moving_body_can_be_caught(self, bench: Bench) -> None:
        bench.lab.playback.seek(1.0)
        await bench.frames(2)
        panel, scene = bench.window.scene, bench.experiment.scene
        caught = panel._draggable_state()
        x, y = scene.positions(caught[:1])[0]
        at = panel.view.pixel((float(x), float(y)))
        bench.press(panel, at)
        bench.move(panel, at + QPointF(0.0, 4.0))
        assert abs(bench.experiment.start[1] - caught[1]) < 1e-12
        assert abs(float(wrap_angle(np.array(bench.experiment.start[0] - caught[0])))) < 0.2
        bench.release(panel, at + QPointF(0.0, 4.0))

    async def test_while_the_button_is_down_rollouts_are_previews(self, bench: Bench) -> None:
        await still(bench, "double-pendulum")
        at = body_at(bench, 1)
        await bench.drag(bench.window.scene, at, at + QPointF(-40, -20), let_go=False)
        await bench.until(lambda: bench.answer.request.preview, "a preview")
        await bench.until(lambda: bench.truth[0].tolist() == list(bench.experiment.start), "the newest")
        short = len(bench.truth)
        bench.release(bench.window.scene, at + QPointF(-40, -20))
        await bench.until(lambda: not bench.answer.request.preview, "the full horizon")
        assert len(bench.truth) > short


class TestKeys:
    async def test_arrows_nudge_and_quick_ones_are_one_step(self, bench: Bench) -> None:
        await still(bench, "pendulum")
        bench.window.portrait.plot.setFocus()
        start = bench.experiment.start
        for key in (Qt.Key.Key_Left, Qt.Key.Key_Left, Qt.Key.Key_Up):
            bench.key(key)
        q, p = bench.experiment.start
        assert q < start[0]
        assert p > start[1]
        await bench.settled()
        assert bench.truth[0].tolist() == [q, p]
        bench.key(Qt.Key.Key_Z, CTRL)
        assert bench.experiment.start == start
        assert bench.document.undo_label == ""
        bench.key(Qt.Key.Key_Z, CTRL | SHIFT)
        assert bench.experiment.start == (q, p)

    async def test_slow_arrows_are_steps_of_their_own(self, bench: Bench) -> None:
        await still(bench, "pendulum")
        bench.window.portrait.plot.setFocus()
        bench.key(Qt.Key.Key_Left)
        first = bench.experiment.start
        await bench.frames(50)
        bench.key(Qt.Key.Key_Left)
        bench.key(Qt.Key.Key_Z, CTRL)
        assert bench.experiment.start == first

    async def test_shift_nudges_finely(self, bench: Bench) -> None:
        await still(bench, "pendulum")
        bench.window.portrait.plot.setFocus()
        q0 = bench.experiment.start[0]
        bench.key(Qt.Key.Key_Right)
        q1 = bench.experiment.start[0]
        bench.key(Qt.Key.Key_Right, SHIFT)
        assert bench.experiment.start[0] - q1 == pytest.approx((q1 - q0) / 10)


@pytest.mark.usefixtures("unevaluated")
async def test_a_drag_while_a_model_trains(bench: Bench) -> None:
    await bench.warm()
    await still(bench, "pendulum")
    bench.small_fit(4000, 32)
    bench.click(bench.window.training.button)
    await bench.until(lambda: len(bench.answer.models) == 2, "ghosts that learn")
    label = bench.document.undo_label
    followed: list[bool] = []

    def on_answer(answer: object) -> None:
        tracks = [bench.answer.truth, *bench.answer.models]
        followed.append(all(t is not None and starts_at(t.coords, bench) for t in tracks))

    bench.lab.answered.connect(on_answer)
    at = QPointF(in_portrait(bench).toPoint())
    await bench.drag(bench.window.portrait.plot, at, at + QPointF(-70, -40), steps=15)
    await bench.until(lambda: followed and followed[-1] and not bench.answer.request.preview, "rollouts that follow")
    assert bench.lab.training.worker.running
    assert bench.document.undo_label == "Move the start"
    bench.document.undo()
    assert bench.document.undo_label == label
    bench.click(bench.window.training.stop_button)
    await bench.ended()


def starts_at(coords: Array, bench: Bench) -> bool:
    """Whether a rollout begins at the start on screen."""
    return bool(np.array_equal(coords[0], np.array(bench.experiment.start)))
