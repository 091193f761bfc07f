"""The presentation: what it shows, how large, what still works in it, and that everything comes back."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QFontInfo, QImage
from PySide6.QtWidgets import QApplication

from app.model.settings import settings
from app.style.theme import small_font
from app.widgets.plot import LabPlot
from app.window import presentation as module
from app.window.presentation import Presentation
from tests.app.bench import CTRL, Bench, differ

PLOTS = ("portrait", "energy", "error", "loss")


async def presented(bench: Bench, size: tuple[int, int] = (1920, 1080)) -> Presentation:
    bench.key(Qt.Key.Key_F5, widget=bench.window)
    await bench.until(lambda: bench.window.presentation is not None, "a presentation")
    shown = bench.window.presentation
    assert shown is not None
    bench.window.resize(*size)
    await bench.frames(3)
    shown.setGeometry(0, 0, *size)  # what a screen of this size would make it
    await bench.frames(2)
    return shown


async def test_f5_shows_the_pictures_and_a_plot_and_esc_gives_them_back(bench: Bench) -> None:
    window = bench.window
    before = window.windowState()
    shown = await presented(bench)
    for panel in (window.scene, window.portrait, window.energy):
        assert shown.isAncestorOf(panel)
        assert panel.isVisible()
    assert not shown.isAncestorOf(window.error)
    assert window.windowState() & Qt.WindowState.WindowFullScreen
    bench.key(Qt.Key.Key_Escape, widget=window.scene)
    assert window.presentation is None
    assert window.windowState() == before
    for name in ("scene", *PLOTS):
        assert window.docks[name].widget() is getattr(window, name)
        assert not getattr(window, name).isHidden()
    assert window.portrait.layout().itemAt(0).widget() is window.portrait.controls
    assert window.portrait.plot._stroke == window.scene.stroke == 1.0
    await bench.frames(3)
    assert window.font() == window.portrait.font()


async def test_another_plot_can_be_chosen(bench: Bench) -> None:
    shown = await presented(bench)
    for name in ("loss", "error", "energy"):
        shown.choice.setCurrentIndex(shown.choice.findData(name))
        shown.choice.activated.emit(shown.choice.currentIndex())
        await bench.frames(2)
        assert shown.plot == name
        assert getattr(bench.window, name).isVisible()
        assert [n for n in ("energy", "error", "loss") if shown.isAncestorOf(getattr(bench.window, n))] == [name]


@pytest.mark.parametrize("size", [(1280, 800), (1920, 1080), (3840, 2160)])
async def test_text_and_lines_are_large_enough_for_the_last_row(bench: Bench, size: tuple[int, int]) -> None:
    bench.small_fit()
    await bench.train()
    shown = await presented(bench, size)
    least = 24.0 * size[1] / 1080 - 0.75  # types have whole pixels
    for panel in (bench.window.scene, bench.window.portrait, bench.window.energy, shown.status):
        assert QFontInfo(panel.font()).pixelSize() >= least
    for plot in (bench.window.portrait.plot, bench.window.energy.plot):
        assert QFontInfo(small_font(small_font(plot.font(), 1.0), 0.85)).pixelSize() >= least
        assert QFontInfo(plot.axes._font).pixelSize() >= least
    assert QFontInfo(shown.bar.font()).pixelSize() >= least
    stroke = 3.0 * max(1.0, size[1] / 1080)
    for curve, *_ in (*bench.window.portrait.curves.items.values(), *bench.window.energy._curves.values()):
        assert curve.pen.widthF() >= stroke
    assert bench.window.scene.stroke >= stroke


async def test_ctrl_plus_and_minus_change_its_type_alone(bench: Bench) -> None:
    window = bench.window
    usual = QApplication.font().pointSizeF()
    shown = await presented(bench)
    before = shown.text_pixels()
    bench.key(Qt.Key.Key_Plus, CTRL, window)
    assert shown.text_pixels() == pytest.approx(1.15 * before, rel=0.01)
    assert QFontInfo(window.portrait.plot.axes._font).pixelSize() > before
    bench.key(Qt.Key.Key_Minus, CTRL, window)
    bench.key(Qt.Key.Key_Minus, CTRL, window)
    assert shown.text_pixels() < before
    assert QApplication.font().pointSizeF() == usual
    assert settings().presented_size < 100


async def test_the_start_is_dragged_in_it(bench: Bench) -> None:
    await presented(bench)
    await bench.settled()
    portrait, before = bench.window.portrait, bench.truth.copy()
    at = portrait.start_pixel()
    await bench.drag(portrait.plot, at, at + QPointF(-90, 40))
    await bench.settled()
    assert differ(bench.truth, before)
    bench.key(Qt.Key.Key_Space, widget=bench.window.scene)
    assert not bench.lab.playback.playing


async def test_escape_takes_a_drag_back_before_it_leaves(bench: Bench) -> None:
    await presented(bench)
    await bench.settled()
    portrait, start = bench.window.portrait, bench.experiment.start
    at = portrait.start_pixel()
    await bench.drag(portrait.plot, at, at + QPointF(-90, 40), let_go=False)
    assert bench.experiment.start != start
    bench.key(Qt.Key.Key_Escape, widget=portrait.plot)
    assert bench.experiment.start == start
    assert bench.window.presentation is not None
    bench.key(Qt.Key.Key_Escape, widget=portrait.plot)
    assert bench.window.presentation is None


async def test_the_bar_hides_and_comes_to_the_pointer_with_a_halo(bench: Bench) -> None:
    shown = await presented(bench)
    at = QPoint(300, 300)
    shown.pointer = lambda: shown.mapToGlobal(at)
    shown._shown_until = 0.0
    await bench.until(lambda: not shown.bar.isVisible(), "the bar is gone")
    assert shown.halo.isVisible()
    assert (shown.halo.geometry().center() - at).manhattanLength() <= 2
    at.setY(shown.height() - 3)
    await bench.until(shown.bar.isVisible, "the bar at the lower edge")
    await bench.until(lambda: not shown.halo.isVisible(), "no halo on the controls")
    controls = shown._parts.train
    assert controls.isVisible()
    bench.small_fit(2000)
    bench.click(controls.button)
    await bench.until(lambda: controls.button.text() == "Pause", "training")
    await bench.until(controls.stop.isVisible, "a button to stop")
    bench.click(controls.stop)
    await bench.ended()


async def test_tab_stays_in_the_presentation(bench: Bench) -> None:
    shown = await presented(bench)
    bench.window.scene.setFocus()
    for _ in range(12):
        bench.key(Qt.Key.Key_Tab)
        focus = QApplication.focusWidget()
        assert focus is not None
        assert shown.isAncestorOf(focus)
    assert shown.bar.isVisible()


async def test_frames_take_the_place_of_the_scene(bench: Bench) -> None:
    shown = await presented(bench)
    bench.window.system.cards.chosen.emit("pixel-pendulum")
    await bench.settled()
    assert shown.isAncestorOf(bench.window.frames)
    assert bench.window.frames.isVisible()
    assert not shown.isAncestorOf(bench.window.scene)
    bench.document.undo()
    await bench.settled()
    assert shown.isAncestorOf(bench.window.scene)
    shown.leave()
    assert bench.window.docks["frames"].widget() is bench.window.frames
    assert bench.window.docks["scene"].widget() is bench.window.scene


async def test_a_second_screen_has_the_pictures_and_the_first_the_controls(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = bench.window.screen()
    monkeypatch.setattr(module, "other_screen", lambda window: screen)
    state = bench.window.windowState()
    shown = await presented(bench)
    assert shown.isWindow()
    assert bench.window.windowState() == state
    assert bench.window.docks["controls"].isVisible()
    bench.key(Qt.Key.Key_Period, widget=shown)  # keys of the menus act there too
    assert not bench.lab.playback.playing
    shown.close()
    assert bench.window.presentation is None
    assert bench.window.docks["scene"].widget() is bench.window.scene


async def test_a_wide_curve_is_as_wide_as_it_says(bench: Bench) -> None:
    plot = LabPlot()
    plot.setParent(bench.window)
    plot.resize(300, 200)
    plot.grow_to(0.0, 1.0, 0.0, 1.0)
    curve = plot.curve("#FF0000", (), 1.0, smooth=False)
    curve.set_data(np.linspace(0, 1, 50), np.full(50, 0.5))
    plot.set_stroke(3.0)
    picture = plot.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    column = [picture.pixelColor(150, y).getRgb()[:3] for y in range(picture.height())]
    assert sum(rgb == (255, 0, 0) for rgb in column) == 3
    plot.setParent(None)
    plot.deleteLater()


async def test_a_layout_key_ends_it(bench: Bench) -> None:
    await presented(bench)
    bench.key(Qt.Key.Key_F7, widget=bench.window)
    assert bench.window.presentation is None
    assert bench.window.docks["runs"].isVisible()
