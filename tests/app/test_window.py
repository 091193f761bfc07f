"""The window as it opens, and what every hand does first: pick, slide, play, hide, switch."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QWidget

from app.theme import DARK, LIGHT
from app.transport import SPEEDS
from hnn_engine.systems import SYSTEMS
from tests.app.bench import CTRL, Bench, differ

FIRST_PAINT = """
import asyncio, json, sys
from PySide6.QtCore import QEvent, QObject
from qasync import QEventLoop
from app.window import close_window, make_application, open_window

seen = {}

class Watch(QObject):
    def eventFilter(self, target, event):
        if event.type() == QEvent.Type.Paint and "first" not in seen:
            seen["first"] = [name for name in ("torch", "scipy", "numba") if name in sys.modules]
        return False

async def main():
    window = open_window()
    watch = Watch()
    window.scene.installEventFilter(watch)
    window.resize(1440, 900)
    window.show()
    lab = window.lab
    while lab.answer is None or lab.dataset is None:
        await asyncio.sleep(0.005)
    seen["ready"] = [name for name in ("torch", "scipy", "numba") if name in sys.modules]
    seen["system"] = lab.experiment.source_name
    seen["rows"] = len(lab.dataset.coords)
    before, picture = lab.transport.time, window.scene.grab().toImage()
    await asyncio.sleep(0.3)
    seen["moved"] = lab.transport.time - before
    seen["redrawn"] = window.scene.grab().toImage() != picture
    while not lab.warm:
        await asyncio.sleep(0.05)
    seen["warm"] = [name for name in ("torch", "scipy", "numba") if name in sys.modules]
    await close_window(window, remember=False)

application = make_application(["hnn-lab"])
application.setQuitOnLastWindowClosed(False)
with asyncio.Runner(loop_factory=lambda: QEventLoop(application)) as runner:
    runner.run(main())
print(json.dumps(seen))
"""


def test_truth_moves_before_torch_and_scipy_are_loaded(tmp_path: Path) -> None:
    import os

    environment = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path), "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", FIRST_PAINT], capture_output=True, text=True, timeout=100, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen["first"] == seen["ready"] == []
    assert (seen["system"], seen["rows"]) == ("pendulum", 2250)
    assert seen["moved"] > 0.1
    assert seen["redrawn"]
    assert set(seen["warm"]) >= {"torch", "scipy"}


async def test_opens_on_the_pendulum_with_data_ready(bench: Bench) -> None:
    panel = bench.window.training
    assert bench.experiment.source_name == "pendulum"
    assert bench.lab.transport.playing
    assert len(bench.window.portrait.data.data) > 1000
    assert panel.button.text() == "Train"
    assert panel.button.isEnabled()
    assert "Train" in bench.window.status.sentence.text()
    before = bench.lab.transport.time
    await bench.until(lambda: bench.lab.transport.time > before, "play")


@pytest.mark.parametrize("name", [n for n in SYSTEMS if n != "pendulum"])
async def test_picking_a_card_switches_everything(bench: Bench, name: str) -> None:
    window = bench.window
    scene, data = window.scene.grab().toImage(), bench.lab.dataset
    await bench.pick(name)
    coordinates = bench.experiment.stage.coordinates
    dof = bench.experiment.stage.dof
    assert bench.experiment.source_name == name
    assert window.scene.grab().toImage() != scene
    assert bench.truth.shape[1] == 2 * dof
    assert window.portrait.plot._axes["bottom"].labelText == coordinates[0].label
    assert window.portrait.plot._axes["left"].labelText == coordinates[dof].label
    assert bench.lab.dataset is not data
    assert bench.document.undo_label == f"Choose {SYSTEMS[name].title.lower()}"
    bench.key(Qt.Key.Key_Z, CTRL)
    await bench.settled()
    assert bench.experiment.source_name == "pendulum"
    assert window.system.cards.current() == "pendulum"


async def test_any_two_coordinates_can_be_the_axes(bench: Bench) -> None:
    await bench.pick("double-pendulum")
    portrait = bench.window.portrait
    bench.choose(portrait.x_axis, "θ₂")
    bench.choose(portrait.y_axis, "p₂")
    await bench.settled()
    assert portrait.axes == (1, 3)
    line = portrait._curves["truth"][0]
    x, _ = line.getData()
    assert np.allclose(x, portrait._shown(bench.truth[:, 1], 1))
    bench.choose(portrait.y_axis, "θ₂")
    assert portrait.axes[0] != portrait.axes[1]


async def test_a_constant_acts_while_its_slider_is_dragged(bench: Bench) -> None:
    form = bench.window.system._form
    assert form is not None
    slider = form.row("gravity").slider
    assert slider is not None
    before, gravity = bench.truth.copy(), bench.experiment.system.gravity  # type: ignore[union-attr]
    bench.slide(slider, 0.9, let_go=False)
    await bench.until(lambda: bench.answer.request.preview, "a preview while the button is down")
    assert differ(bench.truth, before[: len(bench.truth)])
    bench.release(slider, QPointF(0.9 * slider.width(), slider.height() / 2))
    await bench.settled()
    assert bench.experiment.system.gravity > 2 * gravity  # type: ignore[union-attr]
    assert len(bench.truth) == len(before)
    assert bench.document.undo_label == "Change gravity"
    bench.document.undo()
    await bench.settled()
    assert bench.experiment.system.gravity == gravity  # type: ignore[union-attr]
    assert bench.document.undo_label == ""
    assert np.allclose(bench.truth, before)


class TestTransport:
    async def test_space_pauses_and_plays(self, bench: Bench) -> None:
        transport = bench.lab.transport
        bench.key(Qt.Key.Key_Space)
        assert not transport.playing
        at = transport.time
        await bench.frames(5)
        assert transport.time == at
        bench.key(Qt.Key.Key_Space)
        await bench.until(lambda: transport.time > at, "play again")

    async def test_keys_step_and_jump(self, bench: Bench) -> None:
        transport = bench.lab.transport
        bench.key(Qt.Key.Key_Home)
        bench.key(Qt.Key.Key_Period)
        assert not transport.playing
        bench.key(Qt.Key.Key_Home)
        assert transport.time == 0.0
        for _ in range(3):
            bench.key(Qt.Key.Key_Period)
        assert transport.time == pytest.approx(3 * transport.step_seconds)
        bench.key(Qt.Key.Key_Comma)
        assert transport.time == pytest.approx(2 * transport.step_seconds)
        bench.key(Qt.Key.Key_End)
        assert transport.time == transport.horizon
        bench.key(Qt.Key.Key_Period)
        assert transport.time == transport.horizon

    async def test_speed_is_how_fast_time_goes(self, bench: Bench) -> None:
        transport, bar = bench.lab.transport, bench.window.transport
        bench.choose(bar.speed, SPEEDS[-1])
        assert transport.speed == SPEEDS[-1]
        bench.lab.transport.restart()
        steps: list[float] = []
        transport.moved.connect(steps.append)
        await bench.frames(10)
        assert steps[-1] > 4 * sum(bench.lab.clock.stamps[-1] - s for s in [bench.lab.clock.stamps[-1 - len(steps)]])

    async def test_the_slider_scrubs(self, bench: Bench) -> None:
        transport, slider = bench.lab.transport, bench.window.transport.slider
        bench.key(Qt.Key.Key_Space)
        bench.key(Qt.Key.Key_Home)
        before = bench.window.scene.grab().toImage()
        middle = slider.height() / 2
        bench.press(slider, QPointF(6, middle))
        for share in (0.1, 0.2, 0.5):
            bench.move(slider, QPointF(6 + share * (slider.width() - 12), middle))
        bench.release(slider, QPointF(slider.width() / 2, middle))
        assert transport.time == pytest.approx(transport.horizon / 2, rel=0.1)
        assert bench.window.scene.grab().toImage() != before
        at = transport.time
        await bench.frames(5)
        assert transport.time == at

    async def test_every_view_shows_the_same_instant(self, bench: Bench) -> None:
        bench.key(Qt.Key.Key_Space)
        bench.lab.transport.seek(2.4)
        await bench.frames(2)
        index = round(2.4 / bench.lab.transport.step_seconds)
        head = bench.window.portrait._curves["truth"][1]
        assert head.pos().x() == pytest.approx(bench.truth[index, 0])
        assert head.pos().y() == pytest.approx(bench.truth[index, 1])
        assert bench.window.energy.cursor_line.value() == pytest.approx(2.4)
        assert bench.window.error.cursor_line.value() == pytest.approx(2.4)


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
        from app.main_window import start_theme

        bench.key(Qt.Key.Key_D, CTRL)
        assert start_theme() is DARK
        bench.key(Qt.Key.Key_D, CTRL)
        assert start_theme() is LIGHT

    async def test_theme_can_be_switched_after_the_legend_changed(self, bench: Bench) -> None:
        await bench.warm()
        bench.small_fit(10, 8)
        await bench.train()
        await bench.frames(3)
        bench.key(Qt.Key.Key_D, CTRL)
        await bench.frames(3)
        assert bench.error_dialogs() == []


class TestPanels:
    async def test_each_can_be_hidden_and_put_back(self, bench: Bench) -> None:
        for name, dock in bench.window.docks.items():
            dock.toggleViewAction().trigger()
            assert dock.isHidden(), name
            await bench.frames(1)
        for name, dock in bench.window.docks.items():
            dock.toggleViewAction().trigger()
            assert dock.isVisible(), name

    async def test_each_can_float_and_the_reset_puts_all_back(self, bench: Bench) -> None:
        window = bench.window
        places = {name: dock.geometry() for name, dock in window.docks.items()}
        for name, dock in window.docks.items():
            dock.setFloating(True)
            await bench.frames(1)
            assert dock.isFloating(), name
        window.docks["energy"].hide()
        bench.key(Qt.Key.Key_0, CTRL, window)
        await bench.frames(3)
        for name, dock in window.docks.items():
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
        for name, dock in bench.window.docks.items():
            area = dock.geometry()
            assert bench.window.rect().contains(area), name
            assert not dock.widget().visibleRegion().isEmpty(), name
        assert bench.window.training.button.visibleRegion().boundingRect().height() > 20
        assert bench.window.scene.height() > 300


async def test_a_picture_of_the_window_is_saved(bench: Bench, tmp_path: Path) -> None:
    bench.key(Qt.Key.Key_P, CTRL)
    await bench.name_file(tmp_path / "window.png")
    await bench.until((tmp_path / "window.png").exists, "the picture")
    await bench.until(lambda: "window.png" in bench.window.notice.text(), "a notice")
    image = QImage(str(tmp_path / "window.png"))
    assert (image.width(), image.height()) == (bench.window.width(), bench.window.height())


async def test_the_help_sheet_lists_every_key(bench: Bench) -> None:
    from PySide6.QtWidgets import QLabel

    from app.help_sheet import HelpSheet

    bench.key(Qt.Key.Key_F1)
    sheet = await bench.dialog(HelpSheet)
    texts = {label.text() for label in sheet.findChildren(QLabel)}
    assert {"Space", ".", ",", "Home", "End", "Ctrl+S", "Ctrl+Z", "F1"} <= texts
    bench.key(Qt.Key.Key_Escape, widget=sheet)
    assert not sheet.isVisible()


async def test_every_control_has_an_accessible_name(bench: Bench) -> None:
    from PySide6.QtWidgets import QAbstractButton, QAbstractSlider, QComboBox, QScrollBar

    controls = [
        w
        for kind in (QAbstractButton, QAbstractSlider, QComboBox)
        for w in bench.window.findChildren(kind)
        if w.isVisible() and not isinstance(w, QScrollBar) and not w.objectName().startswith("qt_")
    ]
    nameless = [w for w in controls if not (w.accessibleName() or getattr(w, "text", str)())]
    assert len(controls) > 40
    assert nameless == []


def darkness(widget: QWidget) -> float:
    """How dark a widget mostly is: the median of 255 minus the lightness of its pixels."""
    image = widget.grab().toImage().scaled(48, 48)
    return float(np.median([255 - image.pixelColor(x, y).lightness() for x in range(48) for y in range(48)]))


def near(gap: object) -> bool:
    """Whether two places are the same but for a few pixels."""
    return gap.manhattanLength() < 60  # type: ignore[attr-defined,no-any-return]
