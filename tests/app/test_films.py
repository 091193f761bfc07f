"""Films of what the window shows: by command and by the dialog; what is in the files is what was asked for."""

import itertools
import os
import signal
import subprocess
import sys
import time
from functools import cache
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from qasync import QEventLoop

from app.dialogs.film_dialog import FilmDialog
from app.export.film import check_target, write_film
from app.export.scale import scale_of
from app.export.stage import Stage, places
from app.export.still_lab import StillLab
from app.main import main
from app.model.document import State, View
from app.model.film_order import Shown
from app.model.film_plan import FilmPlan, parse_size
from app.style.theme import LIGHT
from app.widgets.text import ProgressBox
from hnn_engine.cli.filming import loaded
from hnn_engine.errors import ParameterError, RecordError
from hnn_engine.experiment import new_experiment, recording_experiment
from hnn_engine.records import Run, Session, save_session
from tests.app.bench import CTRL, SHIFT, Bench
from tests.reliability.documents import fitted, shipped

ROOT = Path(__file__).parents[2]
Pixels = npt.NDArray[np.uint8]


@cache
def two_runs() -> tuple[Run, ...]:
    base = new_experiment("pendulum")
    return tuple(fitted(base, name, "sampled") for name in ("baseline", "hnn"))


def shown(view: View = View()) -> Shown:  # noqa: B008 (frozen)
    runs = two_runs()
    return Shown(State(runs[0].experiment, runs, frozenset(run.id for run in runs)), view)


@pytest.fixture
def session(tmp_path: Path) -> Path:
    path = tmp_path / "two.hnnlab"
    save_session(Session(new_experiment("pendulum"), two_runs(), tuple(run.id for run in two_runs())), path)
    return path


def hnn_lab(*words: object) -> "subprocess.CompletedProcess[str]":
    environment = {name: value for name, value in os.environ.items() if not name.startswith("QT_")}
    command = [sys.executable, "-m", "app.main", *map(str, words)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=200, env=environment)


def colored(picture: Pixels, role: str, off: int = 30) -> Pixels:
    """Return which pixels, blue first, have nearly the colour of `role` in the light theme."""
    color = LIGHT.color(role)
    apart = np.abs(picture[..., 2::-1].astype(np.int64) - np.array([color.red(), color.green(), color.blue()])).max(
        axis=-1
    )
    return np.asarray(apart <= off)


# Files ----------------------------------------------------------------------------------------------------------------


def test_one_command_films_two_views_of_two_models(session: Path, tmp_path: Path) -> None:
    out = tmp_path / "film.mp4"
    done = hnn_lab(
        *("film", session, "--view", "portrait,energy", "--size", "641x361", "--fps", 20, "--seconds", 1, "--out", out)
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "20 pictures, 20 a second, 1 s" in done.stderr
    with av.open(str(out)) as film:
        stream = film.streams.video[0]
        frames = [(float(frame.time or 0.0), frame.to_ndarray(format="rgb24")) for frame in film.decode(video=0)]
        assert (stream.width, stream.height) == (642, 362), "odd sides are made even"
        assert stream.codec_context.pix_fmt == "yuv420p"
        assert stream.codec_context.name == "h264"
    np.testing.assert_allclose([t for t, _ in frames], np.arange(20) / 20, atol=1e-4)
    content = out.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat"), "it begins to play before it is loaded"
    assert not np.array_equal(frames[3][1], frames[12][1])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["film.mp4", "two.hnnlab"]
    again = hnn_lab("film", session, "--view", "energy", "--out", out)
    assert again.returncode == 2
    assert "already there" in again.stderr


def test_numbered_pictures_and_a_gif_of_a_system_without_models(tmp_path: Path) -> None:
    out = tmp_path / "frames"
    words = ["film", "two-body", "--view", "scene", "--size", "400x300", "--theme", "dark"]
    done = hnn_lab(*words, "--fps", 5, "--seconds", 2, "--from", 1, "--speed", 2, "--out", out)
    assert done.returncode == 0, done.stderr
    names = sorted(p.name for p in out.iterdir())
    assert names == [f"frame-{i:04d}.png" for i in range(1, 11)]
    first, last = (np.asarray(Image.open(out / name).convert("RGB")) for name in (names[0], names[-1]))
    assert first.shape == (300, 400, 3)
    assert not np.array_equal(first, last)
    assert first.mean() < 80, "dark"
    gif = tmp_path / "film.GIF"
    done = hnn_lab(*words, "--fps", 30, "--seconds", 1, "--out", gif)
    assert done.returncode == 0, done.stderr
    with Image.open(gif) as film:
        durations = []
        for i in range(film.n_frames):
            film.seek(i)
            durations.append(film.info["duration"])
        assert film.size == (400, 300)
        assert film.info["loop"] == 0
    assert sum(durations) == 1000
    assert set(durations) == {30, 40}, "hundredths of a second that alternate: the mean rate is right"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--view", "orbit"), "There is no view 'orbit'"),
        (("--view", "window,energy"), "leave the others out"),
        (("--view", ","), "--view is ','"),
        (("--view", "energy", "--size", "big"), "--size is 'big'"),
        (("--view", "energy", "--size", "100x5000"), "240 to 4096 pixels"),
        (("--view", "energy", "--fps", "0"), "--fps is 0"),
        (("--view", "energy", "--fps", "500"), "1 to 120 frames a second"),
        (("--view", "energy", "--seconds", "500"), "the rollouts end after 20 s"),
        (("--view", "energy", "--from", "-1"), "--from is '-1'"),
        (("--view", "energy", "--from", "25"), "from 0 to 20 s"),
        (("--view", "energy", "--height", "300"), "say --size"),
        (("--size", "640x480"), "--size goes with --view"),
    ],
)
def test_what_cannot_be_filmed_is_one_sentence(
    session: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    out = session.with_name("film.mp4")
    assert main(["film", str(session), *words, "--out", str(out)]) == 2
    told = capsys.readouterr().err
    assert said in told
    assert len(told.strip().splitlines()) == 1
    assert not out.exists()


def test_names_that_are_no_film(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"ends in \.mp4 or \.gif, or a folder"):
        check_target(tmp_path / "film.txt", False)
    folder = tmp_path / "mine"
    folder.mkdir()
    check_target(folder, False)
    (folder / "frame-0001.png").touch()
    with pytest.raises(RecordError, match="is not empty"):
        check_target(folder, False)
    check_target(folder, True)
    (folder / "letter.txt").touch()
    with pytest.raises(RecordError, match=r"letter\.txt"):
        check_target(folder, True)


# The stage ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def stage_of(loop: QEventLoop) -> Any:
    """Return a function that sets up a settled stage; all are closed at the end."""
    made: list[Stage] = []

    async def make(views: tuple[str, ...], size: tuple[int, int], what: Shown | None = None) -> Stage:
        stage = Stage(StillLab(what or shown()), views, size)
        made.append(stage)
        await stage.settle()
        return stage

    yield make
    for stage in made:
        stage.close_all()


async def test_the_energy_curve_grows_with_time(stage_of: Any) -> None:
    stage = await stage_of(("energy",), (800, 500))
    stage.panels["energy"].names.set_visible(False)  # they run ahead, with strokes of the same colours
    counts = []
    for t in (2.0, 6.0, 10.0, 14.0, 18.0):
        picture = stage.picture(t)
        assert picture.shape == (500, 800, 4)
        drawn = np.flatnonzero(colored(picture[40:-40], "hnn").any(axis=0))
        view = stage.panels["energy"].plot.view
        now = view.pixel(t, 0.0).x()
        counts.append(int(drawn.max()))
        curve_end = drawn[drawn > view.left].max()
        assert abs(curve_end - now) < 12, "the curve ends at the instant"
    assert all(b > a for a, b in itertools.pairwise(counts))


async def test_every_instant_is_drawn_as_the_window_would(stage_of: Any) -> None:
    stage = await stage_of(("scene", "portrait", "energy"), (640, 360))
    again = stage.picture(3.0).copy()
    for t in (0.0, 7.0, 3.0):
        picture = stage.picture(t)
    np.testing.assert_array_equal(picture, again, "it depends on the instant alone")
    assert [name for _, name in stage.legend.entries] == ["Truth", "Baseline", "HNN"]
    assert stage.time.text() == "t = 3.00 s"
    assert colored(picture[:40], "hnn").any(), "the names stand in it, with their strokes"
    assert stage.lab.playback.time == 3.0


async def test_the_window_and_systems_of_every_kind(stage_of: Any) -> None:
    window = await stage_of(("window",), (1280, 800))
    assert window.picture(1.0).shape == (800, 1280, 4)
    small = await stage_of(("window",), (640, 400))
    assert small.picture(1.0).shape == (400, 640, 4), "made smaller where the window has a least size"
    pixel = await stage_of(("scene",), (400, 400), Shown(State(new_experiment("pixel-pendulum"))))
    assert type(pixel.panels["scene"]).__name__ == "FramesPanel"
    assert not np.array_equal(pixel.picture(0.0), pixel.picture(1.0)), "neither is painted over"


async def test_a_film_that_is_stopped_leaves_what_was_there(stage_of: Any, tmp_path: Path) -> None:
    stage = await stage_of(("portrait",), (320, 240))
    plan = FilmPlan(("portrait",), (320, 240), 30.0, 5.0)

    class StoppedError(Exception):
        pass

    def tell(share: float) -> None:
        if share > 0.2:
            raise StoppedError

    for name in ("film.mp4", "film.gif", "frames"):
        with pytest.raises(StoppedError):
            write_film(stage, plan, tmp_path / name, tell)
    assert list(tmp_path.iterdir()) == [] or [p.name for p in tmp_path.iterdir()] == ["settings.ini"]
    told: list[float] = []
    write_film(stage, FilmPlan(("portrait",), (320, 240), 10.0, 1.0), tmp_path / "film.mp4", told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0


async def test_what_the_disk_refuses_is_one_sentence(stage_of: Any, tmp_path: Path) -> None:
    stage = await stage_of(("scene",), (320, 240))
    (tmp_path / "film.mp4").mkdir()
    with pytest.raises(RecordError, match="is a folder"):
        write_film(stage, FilmPlan(("scene",), (320, 240), 10.0, 1.0), tmp_path / "film.mp4", lambda share: None)


# Plans ----------------------------------------------------------------------------------------------------------------


def test_times_are_fixed_by_the_plan() -> None:
    plan = FilmPlan(("scene",), (640, 480), 25.0, 4.0, begin=2.0, speed=0.5).checked(20.0)
    assert plan.count == 100
    np.testing.assert_allclose(plan.times, 2.0 + 0.02 * np.arange(100))
    assert plan.in_words(".mp4") == "100 pictures, 25 a second"
    fast = FilmPlan(("scene",), (640, 480), 60.0, 4.0)
    assert fast.in_words(".gif") == "120 pictures, 30 a second", "a GIF says what comes out"
    assert FilmPlan(("scene",), (640, 480), 30.0, 1.0).in_words(".gif") == "30 pictures, 30 a second"


def test_sizes_are_read_as_people_type_them() -> None:
    assert parse_size("1920 × 1080") == parse_size("1920x1080") == parse_size("1920X1080") == (1920, 1080)
    for text in ("1920", "x", "-1x5", "1e3x5", "999999x5"):
        with pytest.raises(ParameterError):
            parse_size(text)


def test_letters_are_as_large_in_every_film() -> None:
    assert scale_of(("scene",), (1920, 1080)) == 2 * scale_of(("scene",), (960, 540)) == 2.0
    assert scale_of(("window",), (1920, 1080)) == 1.0
    assert scale_of(("window",), (640, 400)) == 0.5
    for count in range(1, 5):
        for size in ((640, 360), (360, 640)):
            taken = [(r + i, c + j) for r, c, h, w in places(count, size) for i in range(h) for j in range(w)]
            assert len(taken) == len(set(taken))


# The window -----------------------------------------------------------------------------------------------------------


async def test_the_dialog_films_in_a_process_while_the_window_goes_on(bench: Bench, tmp_path: Path) -> None:
    bench.key(Qt.Key.Key_P, CTRL | SHIFT)
    dialog = await bench.dialog(FilmDialog)
    bench.choose(dialog.view, "Energy")
    dialog.size_box.setEditText("320x240")
    bench.choose(dialog.rate, 15.0)
    dialog.length.setText("1")
    dialog.length.textEdited.emit("1")
    assert "15 pictures, 15 a second: from 0 s to 1 s" in dialog.words.text()
    bench.click(dialog.accept_button)
    await bench.name_file_only(tmp_path / "film.mp4")
    before = bench.lab.frame_clock.stamps[-1]
    await bench.until((tmp_path / "film.mp4").exists, "the film", 90.0)
    await bench.until(lambda: "The film is saved as film.mp4" in bench.window.notice.text(), "the notice")
    with av.open(str(tmp_path / "film.mp4")) as film:
        assert len(list(film.decode(video=0))) == 15
    ticks = [t for t in bench.lab.frame_clock.stamps if t > before]
    assert max(np.diff(ticks)) < 2.0, "the window ticks on"


async def test_stop_ends_the_process_and_leaves_nothing(bench: Bench, tmp_path: Path) -> None:
    bench.window.spawn(bench.window.session_actions.film_views())
    dialog = await bench.dialog(FilmDialog)
    bench.click(dialog.accept_button)
    folder = tmp_path / "here"
    folder.mkdir()
    await bench.name_file_only(folder / "film.mp4")
    progress = await bench.dialog(ProgressBox)
    progress.canceled.emit()
    await bench.until(lambda: not progress.isVisible(), "the end")
    await bench.until(lambda: not list(folder.iterdir()), "an empty folder")
    await bench.in_front()


async def test_the_dialog_says_what_is_wrong(bench: Bench) -> None:
    dialog = FilmDialog(20.0, "light", 1.0, bench.window)
    dialog.open()
    for box, text, words in (
        (dialog.length, "50", "the rollouts end after 20 s"),
        (dialog.length, "soon", "Length is 'soon'"),
        (dialog.begin, "20", "from 0 to 20 s"),
    ):
        before = box.text()
        box.setText(text)
        box.textEdited.emit(text)
        assert words in dialog.problem.text()
        assert dialog.problem.isVisible()
        assert not dialog.accept_button.isEnabled()
        box.setText(before)
        box.textEdited.emit(before)
        assert dialog.accept_button.isEnabled()
    dialog.size_box.setEditText("9x9")
    assert "240 to 4096" in dialog.problem.text()
    dialog.size_box.setEditText("640x480")
    bench.choose(dialog.kind, ".gif")
    bench.choose(dialog.rate, 60.0)
    assert "600 pictures, 30 a second" in dialog.words.text()
    bench.choose(dialog.speed, 2.0)
    dialog.speed.activated.emit(dialog.speed.currentIndex())
    assert dialog.length.text() == "10"
    assert dialog.plan().seconds == 10.0
    dialog.reject()
    dialog.deleteLater()


def test_runs_of_a_session_on_measured_data_are_in_the_film(tmp_path: Path) -> None:
    base = recording_experiment(shipped())
    runs = (fitted(base, "hnn", "sampled"),)
    save_session(Session(base, runs, (runs[0].id,)), tmp_path / "measured.hnnlab")
    found = loaded([tmp_path / "measured.hnnlab"])
    assert [run.id for run in State(found.experiment, found.runs, found.shown).applicable()] == [runs[0].id]


@pytest.mark.skipif(sys.platform == "win32", reason="signals as Unix has them")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_command_in_a_word_and_leaves_nothing(session: Path, number: int, code: int) -> None:
    folder = session.parent / "out"
    folder.mkdir()
    words = ["film", str(session), "--view", "energy", "--out", str(folder / "f.mp4")]
    with subprocess.Popen(
        [sys.executable, "-m", "app.main", *words], cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as film:
        until = time.monotonic() + 60
        while not list(folder.iterdir()) and time.monotonic() < until:  # it has begun to write
            time.sleep(0.02)
        film.send_signal(number)
        out, said = film.communicate(timeout=60)
    assert (film.returncode, out, said) == (code, "", "hnn-lab: stopped\n")
    assert list(folder.iterdir()) == []
