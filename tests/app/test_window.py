"""The window as it opens, and what every hand does first: pick, slide, play, hide, switch."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QLabel

from app.dialogs.help_sheet import HelpSheet
from hnn_engine.coords import wrap_angle
from hnn_engine.systems import SYSTEMS
from tests.app.bench import CTRL, Bench, differ

FIRST_PAINT = """
import asyncio, json, sys
from PySide6.QtCore import QEvent, QObject
from app.workers.event_loop import event_loop
from app.application import close_window, make_application, open_window

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
    before, picture = lab.playback.time, window.scene.grab().toImage()
    await asyncio.sleep(0.3)
    seen["moved"] = lab.playback.time - before
    seen["redrawn"] = window.scene.grab().toImage() != picture
    while not lab.preloaded:
        await asyncio.sleep(0.05)
    seen["warm"] = [name for name in ("torch", "scipy", "numba") if name in sys.modules]
    await close_window(window, remember=False)

application = make_application(["hnn-lab"])
application.setQuitOnLastWindowClosed(False)
with asyncio.Runner(loop_factory=lambda: event_loop(application)) as runner:
    runner.run(main())
print(json.dumps(seen))
"""


def test_truth_moves_before_torch_and_scipy_are_loaded(tmp_path: Path) -> None:
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
    assert set(seen["warm"]) == {"numba", "scipy"}, "torch is for fits that the compiled loops do not know"


async def test_opens_on_the_pendulum_with_data_ready(bench: Bench) -> None:
    panel = bench.window.training
    assert bench.experiment.source_name == "pendulum"
    assert bench.lab.playback.playing
    assert len(bench.window.portrait.dots.given.data[0]) > 1000
    assert panel.button.text() == "Train"
    assert panel.button.isEnabled()
    assert "Train" in bench.window.status.sentence.whole
    before = bench.lab.playback.time
    await bench.until(lambda: bench.lab.playback.time > before, "play")


@pytest.mark.parametrize("name", [n for n in SYSTEMS if n != "pendulum"])
async def test_picking_a_card_switches_everything(bench: Bench, name: str) -> None:
    window = bench.window
    scene, data = window.scene.grab().toImage(), bench.lab.dataset
    await bench.pick(name)
    coordinates = bench.experiment.scene.coordinates
    dof = bench.experiment.scene.dof
    assert bench.experiment.source_name == name
    assert window.scene.grab().toImage() != scene
    assert bench.truth.shape[1] == 2 * dof
    assert window.portrait.plot.axes.bottom.title == coordinates[0].label
    assert window.portrait.plot.axes.left.title == coordinates[dof].label
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
    line = portrait.curves.items["truth"][0]
    x, _ = line.data
    assert np.allclose(x, wrap_angle(bench.truth[:, 1]))
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


async def test_a_picture_of_the_window_is_saved(bench: Bench, tmp_path: Path) -> None:
    bench.key(Qt.Key.Key_P, CTRL)
    await bench.name_file(tmp_path / "window.png")
    await bench.until((tmp_path / "window.png").exists, "the picture")
    await bench.until(lambda: "window.png" in bench.window.notice.text(), "a notice")
    image = QImage(str(tmp_path / "window.png"))
    assert (image.width(), image.height()) == (bench.window.width(), bench.window.height())


async def test_the_help_sheet_lists_every_key(bench: Bench) -> None:
    bench.key(Qt.Key.Key_F1)
    sheet = await bench.dialog(HelpSheet)
    texts = {label.text() for label in sheet.findChildren(QLabel)}
    assert {"Space", ".", ",", "Home", "End", "Ctrl+S", "Ctrl+Z", "F1"} <= texts
    bench.key(Qt.Key.Key_Escape, widget=sheet)
    assert not sheet.isVisible()
