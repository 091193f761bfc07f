"""Saving a film from the window: by its menu, in a thread, ended by a button."""

import asyncio
from pathlib import Path

import pytest

from app.dialogs.video_export import VideoExport
from hnn_engine.comparison_video import ComparisonVideo
from hnn_engine.errors import RecordError
from hnn_engine.video import read_video
from tests.app.bench import Bench
from tests.engine.test_comparison_video import both, short


def writer(bench: Bench, path: Path, horizon: float = 1.5) -> VideoExport:
    return VideoExport(ComparisonVideo(short(horizon=horizon), both(), height=120), path, bench.window)


def away(work: object) -> "asyncio.Future[None]":
    return asyncio.get_running_loop().run_in_executor(None, work)  # type: ignore[arg-type]


async def test_a_film_is_written_beside_the_window(bench: Bench, tmp_path: Path) -> None:
    assert await writer(bench, tmp_path / "film.mp4").write(away)
    assert read_video(tmp_path / "film.mp4").count == 31


async def test_cancel_ends_it_and_leaves_nothing(bench: Bench, tmp_path: Path) -> None:
    long = writer(bench, tmp_path / "film.gif", 60.0)
    work = asyncio.ensure_future(long.write(away))
    await bench.frames(5)
    long.dialog.canceled.emit()
    assert not await asyncio.wait_for(work, 20.0)
    assert list(tmp_path.iterdir()) == []


async def test_without_a_model_that_sees_the_menu_says_what_to_do(bench: Bench) -> None:
    said: list[str] = []
    bench.lab.noticed.connect(lambda text, _: said.append(text))
    bench.window.menus.film.trigger()
    await bench.until(lambda: said, "a sentence")
    assert "is not observed as frames" in said[0]
    await bench.pick("pixel-pendulum")
    said.clear()
    bench.window.menus.film.trigger()
    await bench.until(lambda: said, "a sentence")
    assert "train one" in said[0]


async def test_a_name_that_is_no_film_is_refused(bench: Bench, tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"ends in \.gif or \.mp4"):
        await writer(bench, tmp_path / "film.txt").write(away)
