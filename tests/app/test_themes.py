"""Themes, panels, the layout, and that every control can be named."""

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QPoint, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFont, QImage, QPainter
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QApplication,
    QComboBox,
    QDockWidget,
    QScrollBar,
    QWidget,
)

from app.style.theme import DARK, LIGHT, THEMES, ui_font
from app.window.appearance import start_theme
from app.window.layouts import ASIDE
from app.window.main_window import MainWindow
from hnn_engine.model_colors import COLORS, DASHES, DRAWN_AS, model_dash
from tests.app.bench import CTRL, Bench


class TestLooks:
    async def test_theme_switch_restyles_every_panel(self, bench: Bench) -> None:
        window = bench.window
        bench.key(Qt.Key.Key_Space)
        pictured: list[QWidget] = [window, window.scene, window.portrait.plot, window.loss.plot, window.energy.plot]
        light = [darkness(w) for w in pictured]
        bench.key(Qt.Key.Key_D, CTRL)
        await bench.frames(3)
        dark = [darkness(w) for w in pictured]
        bench.key(Qt.Key.Key_D, CTRL)
        await bench.frames(3)
        again = [darkness(w) for w in pictured]
        assert all(x < 60 for x in light + again), (light, again)
        assert all(x > 190 for x in dark), dark

    async def test_theme_is_remembered(self, bench: Bench) -> None:
        bench.key(Qt.Key.Key_D, CTRL)
        assert start_theme() is DARK
        bench.key(Qt.Key.Key_D, CTRL)
        assert start_theme() is LIGHT

    @pytest.mark.usefixtures("unevaluated")
    async def test_theme_can_be_switched_after_the_legend_changed(self, bench: Bench) -> None:
        await bench.warm()
        bench.small_fit(10, 8)
        await bench.train()
        await bench.frames(3)
        bench.key(Qt.Key.Key_D, CTRL)
        await bench.frames(3)
        assert bench.error_dialogs() == []


def offered(window: MainWindow) -> dict[str, QDockWidget]:
    """The docks that are there at first: frames are for what a camera sees, others for whoever asks for them."""
    docks = window.docks.items()
    return {name: dock for name, dock in docks if dock.toggleViewAction().isVisible() and name not in ASIDE}


class TestPanels:
    async def test_each_can_be_hidden_and_put_back(self, bench: Bench) -> None:
        for name, dock in offered(bench.window).items():
            dock.toggleViewAction().trigger()
            assert dock.isHidden(), name
            await bench.frames(1)
        for name, dock in offered(bench.window).items():
            dock.toggleViewAction().trigger()
            assert dock.isVisible(), name

    async def test_each_can_float_and_the_reset_puts_all_back(self, bench: Bench) -> None:
        window = bench.window
        places = {name: dock.geometry() for name, dock in offered(window).items()}
        for name, dock in offered(window).items():
            dock.setFloating(True)
            await bench.frames(1)
            assert dock.isFloating(), name
        window.docks["energy"].hide()
        bench.key(Qt.Key.Key_0, CTRL, window)
        await bench.frames(3)
        for name, dock in offered(window).items():
            assert dock.isVisible(), name
            assert not dock.isFloating(), name
            assert near(dock.geometry().center() - places[name].center()), name

    async def test_layout_is_remembered(self, bench: Bench) -> None:
        bench.window.docks["runs"].hide()
        bench.window.remember()
        await bench.close()
        again = await Bench.open()
        again.window.restore_layout()
        await again.frames(2)
        assert again.window.docks["runs"].isHidden()
        assert again.window.docks["loss"].isVisible()
        await again.close()

    async def test_everything_is_in_sight_on_a_laptop(self, bench: Bench) -> None:
        bench.window.resize(1280, 800)
        bench.window.share_room()
        await bench.frames(3)
        for name, dock in offered(bench.window).items():
            assert bench.window.rect().contains(dock.geometry()), name
            assert dock.widget().isVisible(), name
            assert min(dock.widget().width(), dock.widget().height()) > 100, name
        assert bench.window.training.button.visibleRegion().boundingRect().height() > 20
        assert bench.window.scene.height() > 300


async def test_every_control_has_an_accessible_name(bench: Bench) -> None:
    controls = [
        w
        for kind in (QAbstractButton, QAbstractSlider, QComboBox)
        for w in bench.window.findChildren(kind)
        if w.isVisible() and not isinstance(w, QScrollBar) and not w.objectName().startswith("qt_")
    ]
    nameless = [w for w in controls if not (w.accessibleName() or getattr(w, "text", str)())]
    assert len(controls) > 25
    assert nameless == []


def darkness(widget: QWidget) -> float:
    """How dark a widget mostly is: the median of 255 minus the lightness of its pixels."""
    image = widget.grab().toImage().scaled(48, 48)
    return float(np.median([255 - image.pixelColor(x, y).lightness() for x in range(48) for y in range(48)]))


def near(gap: QPoint) -> bool:
    """Whether two places are the same but for a few pixels."""
    return gap.manhattanLength() < 60


async def test_a_curve_that_moves_just_before_a_repaint_leaves_nothing_behind(bench: Bench) -> None:
    """What is on the screen is what a repaint of everything would draw."""
    window, panel = bench.window, bench.window.portrait
    window.lab.playback.set_playing(False)
    await bench.warm()  # what is loaded in the background draws the curve anew
    await bench.frames(20)
    curve = panel.curves.items["truth"][0]
    x, y = curve.data
    centre = panel.plot.rect().center()
    panel.plot.update(QRect(centre, QSize(40, 40)))  # something else is due within the curve's bounds
    curve.set_data(0.4 * x, 0.4 * y)
    QCoreApplication.sendEvent(window, QEvent(QEvent.Type.UpdateRequest))
    await bench.frames(10)
    shown = on_screen(window)
    panel.plot.repaint()
    await bench.frames(4)
    assert on_screen(window) == shown


def on_screen(window: MainWindow) -> QImage:
    """The pixels that the window has handed to the screen."""
    screen = window.screen()
    place = window.portrait.plot.mapTo(window, QPoint(0, 0))
    size = window.portrait.plot.size()
    image: QImage = screen.grabWindow(window.winId()).toImage().copy(QRect(place, size))
    assert not image.isNull()
    return image


def test_the_theme_has_the_engine_s_colours() -> None:
    for which, theme in enumerate((LIGHT, DARK)):
        assert {name: theme.role(name) for name in COLORS} == {name: pair[which] for name, pair in COLORS.items()}
        assert {name for name, _ in theme.models} == set(DASHES)


@pytest.mark.parametrize(("of_frames", "plain"), DRAWN_AS.items())
def test_a_model_of_frames_is_drawn_as_its_kind(of_frames: str, plain: str) -> None:
    for theme in THEMES.values():
        assert theme.role(of_frames) == theme.model_color(of_frames) == theme.role(plain)
    assert model_dash(of_frames) == model_dash(plain)


@pytest.mark.parametrize(("plain", "hatted"), [("x", "x\u0302"), ("H", "Ĥ")])
def test_hats_are_drawn_over_their_letters(qapp: QApplication, plain: str, hatted: str) -> None:
    font = ui_font(QFont("DejaVu Sans"))
    font.setPixelSize(32)

    def rows(text: str) -> set[int]:
        image = QImage(100, 80, QImage.Format.Format_RGB32)
        image.fill(QColor("white"))
        painter = QPainter(image)
        painter.setFont(font)
        painter.drawText(10, 60, text)
        painter.end()
        return {y for y in range(80) if any(image.pixelColor(x, y).lightness() < 128 for x in range(100))}

    above = rows(hatted) - rows(plain)
    assert above, "the hat is lost"
    assert min(rows(plain)) - 16 < min(above) < min(rows(plain))
