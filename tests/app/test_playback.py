"""Time has one owner: keys, buttons and the slider move it, and every view shows the same instant."""

import time

import pytest
from PySide6.QtCore import QPointF, Qt

from app.model.playback import SPEEDS
from tests.app.bench import Bench


async def test_space_pauses_and_plays(bench: Bench) -> None:
    playback = bench.lab.playback
    bench.key(Qt.Key.Key_Space)
    assert not playback.playing
    at = playback.time
    await bench.frames(5)
    assert playback.time == at
    bench.key(Qt.Key.Key_Space)
    await bench.until(lambda: playback.time > at, "play again")


async def test_keys_step_and_jump(bench: Bench) -> None:
    playback = bench.lab.playback
    bench.key(Qt.Key.Key_Home)
    bench.key(Qt.Key.Key_Period)
    assert not playback.playing
    bench.key(Qt.Key.Key_Home)
    assert playback.time == 0.0
    for _ in range(3):
        bench.key(Qt.Key.Key_Period)
    assert playback.time == pytest.approx(3 * playback.step_seconds)
    bench.key(Qt.Key.Key_Comma)
    assert playback.time == pytest.approx(2 * playback.step_seconds)
    bench.key(Qt.Key.Key_End)
    assert playback.time == playback.horizon
    bench.key(Qt.Key.Key_Period)
    assert playback.time == playback.horizon


async def test_speed_is_how_fast_time_goes(bench: Bench) -> None:
    playback, bar = bench.lab.playback, bench.window.playback_bar
    bench.choose(bar.speed, SPEEDS[-1])
    assert playback.speed == SPEEDS[-1]
    playback.restart()
    began, at = time.perf_counter(), playback.time
    await bench.frames(20)
    assert (playback.time - at) / (time.perf_counter() - began) == pytest.approx(SPEEDS[-1], rel=0.25)


async def test_the_slider_scrubs(bench: Bench) -> None:
    playback, slider = bench.lab.playback, bench.window.playback_bar.slider
    bench.key(Qt.Key.Key_Space)
    bench.key(Qt.Key.Key_Home)
    before = bench.window.scene.grab().toImage()
    middle = slider.height() / 2
    bench.press(slider, QPointF(6, middle))
    for share in (0.1, 0.2, 0.5):
        bench.move(slider, QPointF(6 + share * (slider.width() - 12), middle))
    bench.release(slider, QPointF(slider.width() / 2, middle))
    assert playback.time == pytest.approx(playback.horizon / 2, rel=0.1)
    assert bench.window.scene.grab().toImage() != before
    at = playback.time
    await bench.frames(5)
    assert playback.time == at


async def test_every_view_shows_the_same_instant(bench: Bench) -> None:
    bench.key(Qt.Key.Key_Space)
    bench.lab.playback.seek(2.4)
    await bench.frames(2)
    index = round(2.4 / bench.lab.playback.step_seconds)
    head = bench.window.portrait.curves.items["truth"][1]
    assert head.at.x() == pytest.approx(bench.truth[index, 0])
    assert head.at.y() == pytest.approx(bench.truth[index, 1])
    assert bench.window.energy.cursor_line._time == pytest.approx(2.4)
    assert bench.window.error.cursor_line._time == pytest.approx(2.4)
