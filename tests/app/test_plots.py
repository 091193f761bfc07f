"""Plots as they are drawn: wide lines, marks at the edge, ranges of another system, landmarks, trails."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QProgressBar
from pytestqt.qtbot import QtBot

from app.dialogs.progress_dialog import ProgressDialog
from app.model.settings import settings
from app.panels.scene import FINEST, finer
from app.widgets.line_strokes import strokes
from app.widgets.number_slider import NumberSlider
from app.widgets.plot import LabPlot, Layer
from tests.app.bench import Bench

points = st.lists(st.tuples(st.floats(-500, 500), st.floats(-500, 500)), min_size=2, max_size=40)


@given(points, st.lists(st.floats(1.0, 30.0), min_size=2, max_size=6).filter(lambda dash: len(dash) % 2 == 0))
def test_dashes_lie_on_the_line_and_are_as_long_as_they_should(
    line: list[tuple[float, float]], dash: list[float]
) -> None:
    piece = np.array(line)
    found = strokes([piece], dash).reshape(-1, 2, 2)
    total = float(np.hypot(*np.diff(piece, axis=0).T).sum())
    drawn = float(np.hypot(*(found[:, 1] - found[:, 0]).T).sum())
    share = sum(dash[::2]) / sum(dash)
    assert drawn <= total + 1e-6
    assert abs(drawn - share * total) <= max(dash) * len(dash) + 4 * len(line)  # points in one pixel are left out


@given(points)
def test_a_whole_line_is_cut_into_strokes_that_join(line: list[tuple[float, float]]) -> None:
    piece = np.array(line)
    found = strokes([piece])
    assert len(found) % 2 == 0
    np.testing.assert_array_equal(found[0], piece[0])
    np.testing.assert_array_equal(found[-1], piece[-1])
    np.testing.assert_array_equal(found[1:-1:2], found[2::2])


class TestMarks:
    @pytest.mark.parametrize("x", [-3.0, 3.0])
    def test_a_mark_at_the_edge_is_whole(self, qtbot: QtBot, x: float) -> None:
        plot = self.plot(qtbot)
        ring = plot.marker("#FF0000", "ring", 12.0)
        ring.place(x, 0.0)
        reds = self.reds(plot)
        ring.place(0.0, 0.0)
        assert len(reds) == pytest.approx(len(self.reds(plot)), rel=0.1)
        columns = {c - round(plot.view.pixel(x, 0.0).x()) for c, _ in reds}
        assert min(columns) <= -5
        assert max(columns) >= 5

    def test_a_mark_outside_is_not_there(self, qtbot: QtBot) -> None:
        plot = self.plot(qtbot)
        plot.marker("#FF0000", "ring", 12.0).place(3.2, 0.0)
        assert self.reds(plot) == set()

    @staticmethod
    def plot(qtbot: QtBot) -> LabPlot:
        plot = LabPlot("", "q", "p")
        qtbot.addWidget(plot)
        plot.resize(400, 300)
        plot.show_range(-3.0, 3.0, -1.0, 1.0)
        return plot

    @staticmethod
    def reds(plot: LabPlot) -> set[tuple[int, int]]:
        picture = plot.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
        size = picture.width(), picture.height()
        colors = {(x, y): picture.pixelColor(x, y) for x in range(size[0]) for y in range(size[1])}
        return {at for at, color in colors.items() if color.red() > 200 and color.green() < 120}


def test_wide_lines_are_painted_once_and_what_moves_over_them(qtbot: QtBot) -> None:
    plot = LabPlot("", "t", "y")
    qtbot.addWidget(plot)
    plot.resize(400, 300)
    plot.show_range(0.0, 1.0, 0.0, 1.0)
    curve, head, cursor = plot.curve("hnn"), plot.marker("hnn"), plot.cursor_line()
    assert {plot._layer(item) for item in (curve, head, cursor)} == {Layer.LIVE}
    plot.set_stroke(3.0)
    later = plot.curve("baseline", (6.0, 4.0))
    assert plot._layer(curve) is plot._layer(later) is Layer.WIDE
    assert plot._layer(head) is plot._layer(cursor) is Layer.LIVE
    assert curve.pen.widthF() == later.pen.widthF() == 3.0
    t = np.linspace(0.0, 1.0, 200)
    curve.set_data(t, t)
    plot.grab()
    kept = plot._pictures[Layer.WIDE]
    head.place(0.5, 0.5)
    cursor.set_time(0.3)
    plot.grab()
    assert plot._pictures[Layer.WIDE] is kept
    later.set_data(t, 1 - t)
    plot.grab()
    assert plot._pictures[Layer.WIDE] is not kept
    plot.set_stroke(1.0)
    assert curve.pen.widthF() == 1.0
    assert later.pen.dashPattern() == [6.0, 4.0]


def test_a_larger_type_has_its_room(qtbot: QtBot) -> None:
    plot = LabPlot("", "t (s)", "y (m)")
    qtbot.addWidget(plot)
    plot.resize(500, 400)
    plot.show_range(0.0, 1.0, -1000.0, 1000.0)
    before = plot.view
    font = plot.font()
    font.setPointSizeF(3 * font.pointSizeF())
    plot.setFont(font)
    assert plot.view.left > 2 * before.left
    assert plot.view.height < before.height
    assert len(plot.axes._level[1]) < 9


def test_another_quantity_leaves_nothing_of_the_range(qtbot: QtBot) -> None:
    plot = LabPlot()
    qtbot.addWidget(plot)
    plot.grow_to(0.0, 10.0, -3.0, 6.0)
    plot.grow_to(0.0, 10.0, 0.0, 4.0)
    assert plot.ranges[1][0] < -2.0, "small changes move nothing"
    plot.begin_anew()
    plot.grow_to(0.0, 10.0, 0.0, 4.0)
    assert plot.ranges[1] == pytest.approx((-0.32, 4.32))


async def test_no_axis_keeps_the_range_of_the_last_system(bench: Bench) -> None:
    fresh = [getattr(bench.window, name).plot.ranges for name in ("energy", "error", "loss", "portrait")]
    labels = bench.window.portrait.plot.axes.bottom.title, bench.window.portrait.plot.axes.left.title
    await bench.pick("pixel-pendulum")
    for name in ("energy", "error", "loss"):
        plot = getattr(bench.window, name).plot
        plot.grow_to(0.0, 5000.0, -6.0, 2.0)
    await bench.pick("pendulum")
    assert [getattr(bench.window, name).plot.ranges for name in ("energy", "error", "loss", "portrait")] == fresh
    assert (bench.window.portrait.plot.axes.bottom.title, bench.window.portrait.plot.axes.left.title) == labels


def test_the_reach_of_a_slider_can_change(qtbot: QtBot) -> None:
    slider = NumberSlider(0.0, 2000.0)
    qtbot.addWidget(slider)
    heard: list[float] = []
    slider.chosen.connect(lambda value, final: heard.append(value))
    slider.set_reach(0.0, 20.0, 5.0)
    assert slider.number() == pytest.approx(5.0)
    slider.setValue(slider.maximum())
    assert heard == [20.0]


async def test_the_start_of_an_intervention_reaches_over_the_rollout(bench: Bench) -> None:
    bar = bench.window.playback_bar
    for horizon in (20.0, 6.0):
        bench.edit(rollout=bench.experiment.rollout.__class__(horizon=horizon))
        for name in ("at", "span"):
            slider = bar.steering.row(name).slider
            assert slider is not None
            slider.blockSignals(True)
            slider.setValue(slider.maximum())
            assert slider.number() == pytest.approx(horizon)
            slider.blockSignals(False)


class TestTrails:
    def test_a_trail_is_round_however_long_a_step_is(self) -> None:
        t = np.arange(0.0, 6.0, 0.35)  # 18 points a turn
        circle = np.stack([np.cos(t), np.sin(t)], axis=-1)[:, None]
        smooth = finer(circle, 2, 10, 100.0)
        assert np.abs(np.hypot(*smooth[:, 0].T) - 1.0).max() < 0.003  # a third of a pixel; corners would be off by 1.5
        assert np.hypot(*np.diff(smooth[:, 0], axis=0).T).max() * 100.0 < 1.5 * FINEST
        np.testing.assert_array_equal(smooth[-1], circle[11])
        np.testing.assert_array_equal(smooth[0], circle[2])

    def test_what_is_fine_already_stays(self) -> None:
        path = np.linspace(0, 1, 400)[:, None, None] * np.ones(2)
        np.testing.assert_array_equal(finer(path, 10, 50, 100.0), path[10:60])

    def test_a_diverged_end_does_no_harm(self) -> None:
        path = np.full((8, 1, 2), np.nan)
        path[:5] = np.arange(5.0)[:, None, None]
        assert len(finer(path, 0, 8, 100.0)) >= 8

    async def test_it_is_the_path_and_not_the_frames(self, bench: Bench) -> None:
        """The same instant has the same trail, whether it was reached in one jump or in many frames."""
        settings().dragged_once = True  # else a halo breathes with each frame
        scene, playback = bench.window.scene, bench.lab.playback
        playback.set_playing(False)
        for t in np.linspace(0.0, 4.0, 80):
            playback.seek(float(t))
            scene.grab()
        smooth = scene.grab().toImage()
        playback.seek(0.0)
        playback.seek(4.0)
        assert scene.grab().toImage() == smooth


class TestLandmarks:
    async def test_the_separatrix_and_the_fixed_points_are_named(self, bench: Bench) -> None:
        marks = bench.window.portrait.background.landmarks
        assert sorted(marks.names()) == ["centre", "saddle", "saddle", "separatrix"]
        x, y = marks.line.data
        system = bench.experiment.system
        assert system is not None
        np.testing.assert_allclose(system.hamiltonian(np.column_stack([x, y])), 6.0, rtol=2e-3)
        area = QRectF(bench.window.portrait.plot.view.area).adjusted(-1, -1, 1, 1)
        for _, name in marks._marks:
            assert area.contains(name.area), "names are inside the plot"
        bench.click(bench.window.portrait.switches["contours"])
        await bench.settled()
        assert not marks.line.visible
        assert not any(mark.visible or name.visible for mark, name in marks._marks)

    async def test_they_follow_the_constants_and_the_system(self, bench: Bench) -> None:
        form, marks = bench.window.system._form, bench.window.portrait.background.landmarks
        assert form is not None
        bench.set_number(form, "gravity", "12")
        await bench.settled()
        system = bench.experiment.system
        assert system is not None
        energies = system.hamiltonian(np.column_stack(marks.line.data))
        np.testing.assert_allclose(energies, 12.0, rtol=2e-3)
        await bench.pick("mass-spring")
        assert marks.names() == ["centre"]
        await bench.pick("double-pendulum")
        assert marks.names() == []


async def test_progress_is_written_in_whole_letters(bench: Bench) -> None:
    shown = ProgressDialog(lambda tell: None, "Save a video", "Writing swing.mp4", bench.window)
    shown.dialog.setValue(40)
    shown.dialog.show()
    await bench.frames(2)
    bar = shown.dialog.findChild(QProgressBar)
    assert bar is not None
    assert bar.height() >= bar.fontMetrics().height()
    assert QPointF(bar.pos()).y() > 0
    shown.dialog.close()
    shown.dialog.deleteLater()
