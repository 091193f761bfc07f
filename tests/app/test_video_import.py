"""Importing films: the dialog by its mouse and keys, what comes of it in the window, and films that are none."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from PySide6.QtCore import QPointF, Qt
from PySide6.QtWidgets import QDialogButtonBox

from app.dialogs.video_import_dialog import PERIOD, VideoImportDialog
from app.widgets.crop_view import MIDDLE
from app.workers.latest_only import LatestAnswer
from hnn_engine.camera import Camera
from hnn_engine.errors import RecordingError
from hnn_engine.records import load_session, save_session
from hnn_engine.video import AngleReader, Crop, extract_frames, read_video
from tests.app.bench import Bench
from tests.engine.films import at_rates, write_film

COUNT, WIDTH, HEIGHT = 40, 64, 40
ANGLES = 0.6 * np.cos(0.35 * np.arange(COUNT))


def pictures(count: int = COUNT) -> npt.NDArray[np.uint8]:
    """A dark rod on a bright wall, to the right of the middle."""
    wall = np.full((count, HEIGHT, WIDTH), 220, np.uint8)
    wall[:, :, 20:60] -= Camera(40, 0.3).render(ANGLES[:count]) // 2
    return wall


def write_gif(path: Path, frames: npt.NDArray[np.uint8]) -> Path:
    first, *rest = (Image.fromarray(frame) for frame in frames)
    first.save(path, save_all=True, append_images=rest, duration=50, loop=0)
    return path


def write_folder(path: Path, frames: npt.NDArray[np.uint8]) -> Path:
    path.mkdir()
    for i, frame in enumerate(frames):
        Image.fromarray(frame).save(path / f"picture{i}.png")
    return path


@cache
def known_reader() -> AngleReader:
    """What reads the swing, found once: a search takes its time."""
    return AngleReader.of(Camera(28, 0.3).render(ANGLES))


@pytest.fixture(autouse=True)
def found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody search for the pivot."""
    reader = known_reader()

    def of(frames: npt.NDArray[np.uint8], progress: Callable[[float], None] | None = None) -> AngleReader:
        scale = frames.shape[1] / reader.size
        pivot = tuple((place + 0.5) * scale - 0.5 for place in reader.pivot)
        return AngleReader(frames.shape[1], (pivot[0], pivot[1]), reader.radii * scale, reader.body, reader.explained)

    monkeypatch.setattr(AngleReader, "of", of)


async def dialog_on(bench: Bench, path: Path) -> VideoImportDialog:
    """The dialog on the film at `path`, by the menu and the file dialog, once something can be seen."""
    system = bench.window.system
    (system.folder_action if path.is_dir() else system.film_action).trigger()
    await bench.name_file_only(path)
    dialog = await bench.dialog(VideoImportDialog)
    await bench.until(lambda: not (dialog._taker.busy or dialog._reader.busy), "all read")
    return dialog


async def press(bench: Bench, dialog: VideoImportDialog, which: QDialogButtonBox.StandardButton) -> None:
    bench.click(dialog.buttons.button(which))
    await bench.until(lambda: not bench.window.findChildren(VideoImportDialog), "a closed dialog")
    await bench.in_front()


OPEN, CANCEL = QDialogButtonBox.StandardButton.Open, QDialogButtonBox.StandardButton.Cancel


async def test_a_film_is_imported_and_studied_by_models_that_see(bench: Bench, tmp_path: Path) -> None:
    before = bench.document.state
    dialog = await dialog_on(bench, write_gif(tmp_path / "wall_swing.gif", pictures()))
    dialog.view.set_crop(Crop(20, 0, 40))
    await bench.until(lambda: dialog.ready, "an angle")
    assert "Swings ±3" in dialog.said.text()
    assert "40 frames, 0.05 s apart" in dialog.said.text().replace("\u00a0", " ")
    assert dialog.picture.picture is not None
    assert dialog.picture.picture.max() > 200, "dark on bright became bright on dark"
    assert np.median(dialog.picture.picture) < 20
    assert dialog.view._rod is not None
    pivot, tip = dialog.view._rod
    assert (pivot.x(), pivot.y()) == pytest.approx((40, 20), abs=1.5)
    assert tip.x() > 44, "it begins to the right"
    await press(bench, dialog, OPEN)
    await bench.until(lambda: bench.experiment.recording is not None, "the recording")
    await bench.settled()
    recording = bench.experiment.recording
    assert recording is not None
    assert recording.frames is not None
    assert (recording.title, recording.frames.shape) == ("Wall swing", (COUNT, 28, 28))
    assert np.degrees(np.abs(recording.coords[:, 0] - ANGLES).max()) < 1.5
    assert [m.name for m in bench.experiment.models] == ["pixel-baseline", "pixel-hnn"]
    assert bench.experiment.start == tuple(recording.coords[0])
    assert "40 frames of 28 × 28 pixels" in bench.window.system._about.text()
    frames = bench.window.frames
    assert frames.isVisible()
    bench.lab.playback.set_playing(False)
    bench.lab.playback.restart()
    await bench.frames(2)
    assert np.array_equal(frames.tiles[0].picture, recording.frames[0])  # type: ignore[arg-type]
    save_session(bench.document.session(), tmp_path / "swing.hnnlab")
    again = load_session(tmp_path / "swing.hnnlab").experiment.recording
    assert again is not None
    assert np.array_equal(again.frames, recording.frames)  # type: ignore[arg-type]
    bench.document.undo()
    assert bench.document.state.experiment is before.experiment
    await bench.settled()
    assert not frames.isVisible()


class TestDialog:
    async def test_what_is_missing_of_a_film_is_said(self, bench: Bench, tmp_path: Path) -> None:
        path = write_gif(tmp_path / "swing.gif", pictures())
        path.write_bytes(path.read_bytes()[:-200])
        dialog = await dialog_on(bench, path)
        assert dialog.note.isVisible()
        assert dialog.note.text().startswith("The file has no end mark after 3")
        await press(bench, dialog, CANCEL)
        dialog = await dialog_on(bench, write_gif(tmp_path / "whole.gif", pictures()))
        assert not dialog.note.isVisible()
        await press(bench, dialog, CANCEL)

    async def test_pictures_in_a_folder_need_a_pace(self, bench: Bench, tmp_path: Path) -> None:
        dialog = await dialog_on(bench, write_folder(tmp_path / "swing", pictures()))
        assert "State the frame rate" in dialog.said.text()
        assert not dialog.open_button.isEnabled()
        bench.type_into(dialog.rate, "none")
        assert not dialog.open_button.isEnabled()
        bench.type_into(dialog.rate, "25")
        assert dialog.open_button.isEnabled()
        bench.choose(dialog.rate_unit, PERIOD)
        assert dialog.rate.text() == "0.04"
        bench.type_into(dialog.rate, "0.1")
        bench.set_number(dialog.form, "every", "2")
        await bench.until(lambda: dialog.ready, "an angle")
        await press(bench, dialog, OPEN)
        await bench.until(lambda: bench.experiment.recording is not None, "the recording")
        recording = bench.experiment.recording
        assert recording is not None
        assert (len(recording.t), recording.seconds) == (20, pytest.approx(0.2))
        await bench.settled()

    async def test_the_square_goes_with_the_hand_and_stays_inside(self, bench: Bench, tmp_path: Path) -> None:
        dialog = await dialog_on(bench, write_gif(tmp_path / "swing.gif", pictures()))
        view = dialog.view
        assert view.crop == Crop(12, 0, 40)
        middle = view.corner(MIDDLE)
        await bench.drag(view, middle, middle + QPointF(5 * view.scale, 40))
        assert view.crop == Crop(17, 0, 40), "it is as high as the picture"
        corner = view.corner((1, 1))
        await bench.drag(view, corner, corner - QPointF(10, 10) * view.scale)
        assert view.crop == Crop(17, 0, 30), "the corner across stays"
        corner = view.corner((-1, -1))
        await bench.drag(view, corner, corner - QPointF(300, 300))
        assert view.crop == Crop(17, 0, 30), "there is no room above"
        corner = view.corner((1, -1))
        await bench.drag(view, corner, corner + QPointF(-300, 300))
        assert view.crop == Crop(17, 14, 16), "it stays large enough to grab"
        await bench.drag(view, view.corner(MIDDLE), view.corner(MIDDLE) + QPointF(2000, -2000))
        assert view.crop == Crop(48, 0, 16)
        for key, crop in (
            (Qt.Key.Key_Left, Crop(43, 0, 16)),
            (Qt.Key.Key_Down, Crop(43, 5, 16)),
            (Qt.Key.Key_Plus, Crop(38, 0, 26)),
            (Qt.Key.Key_Minus, Crop(43, 5, 16)),
        ):
            bench.key(key, widget=view)
            assert view.crop == crop
        bench.press(view, view.corner(MIDDLE))
        bench.move(view, view.corner(MIDDLE) - QPointF(60, 0))
        assert view.crop != Crop(43, 5, 16)
        bench.key(Qt.Key.Key_Escape, widget=view)
        assert view.crop == Crop(43, 5, 16)
        assert dialog.isVisible()
        await press(bench, dialog, CANCEL)

    async def test_the_cursor_says_what_can_be_grabbed(self, bench: Bench, tmp_path: Path) -> None:
        dialog = await dialog_on(bench, write_gif(tmp_path / "swing.gif", pictures(24)))
        view, shape = dialog.view, Qt.CursorShape
        for at, cursor in (
            (view.corner((1, 1)), shape.SizeFDiagCursor),
            (view.corner((-1, 1)), shape.SizeBDiagCursor),
            (view.corner(MIDDLE), shape.OpenHandCursor),
            (view.to_screen(2, 20), shape.ArrowCursor),
        ):
            bench.move(view, at, buttons=Qt.MouseButton.NoButton)
            assert view.cursor().shape() == cursor
        await press(bench, dialog, CANCEL)

    async def test_a_bad_choice_is_said_and_can_be_mended(self, bench: Bench, tmp_path: Path) -> None:
        state = bench.document.state
        dialog = await dialog_on(bench, write_gif(tmp_path / "swing.gif", pictures()))
        bench.set_number(dialog.form, "last", "12")
        await bench.until(lambda: "12 frames" in dialog.problem.text(), "the reason")
        assert "too few" in dialog.problem.text()
        assert not dialog.open_button.isEnabled()
        bench.set_number(dialog.form, "last", "30")
        await bench.until(lambda: dialog.ready, "an angle")
        assert not dialog.problem.isVisible()
        bench.slide(dialog.slider, 1.0)
        assert dialog.instant.text().replace("\u00a0", " ") == "frame 40 of 40, 1.950 s"
        assert dialog.view._rod is not None, "past the last frame that is taken it shows the last one"
        bench.key(Qt.Key.Key_Escape, widget=dialog)
        await bench.until(lambda: not bench.window.findChildren(VideoImportDialog), "a closed dialog")
        assert bench.document.state is state

    async def test_a_film_of_varying_rate_keeps_its_times(self, bench: Bench, tmp_path: Path) -> None:
        times = at_rates((1, 30), (1, 20))
        dialog = await dialog_on(bench, write_film(tmp_path / "swing.mp4", times))
        await bench.until(lambda: dialog.ready, "an angle")
        said = dialog.facts.text().replace("\u00a0", " ")
        assert said.startswith("mp4, h264: 2.033 s, 20 to 30 frames per second. Steps are uneven")
        assert f"{len(times)} frames, 0.0333 to 0.05 s apart" in dialog.said.text()
        assert dialog.recording().t == pytest.approx(times, abs=1e-4)
        bench.type_into(dialog.rate, "60")
        assert "The rate is stated, 60 frames per second instead of 30" in dialog.facts.text()
        assert dialog.recording().t == pytest.approx(times / 2, abs=1e-4)
        await press(bench, dialog, CANCEL)

    async def test_which_of_two_rates_is_true_is_asked(self, bench: Bench, tmp_path: Path) -> None:
        path = write_film(tmp_path / "swing.mp4", np.arange(40) / 30, tags={"com.android.capture.fps": "60"})
        dialog = await dialog_on(bench, path)
        assert "A tag says 60 frames per second, the time stamps say 30" in dialog.question.text()
        assert dialog.question.isVisible()
        assert not dialog.open_button.isEnabled()
        bench.type_into(dialog.rate, "60")
        await bench.until(lambda: dialog.ready, "an angle")
        assert not dialog.question.isVisible()
        assert dialog.recording().seconds == pytest.approx(1 / 60)
        await press(bench, dialog, CANCEL)

    async def test_what_is_lost_out_of_sight_is_said(self, bench: Bench, tmp_path: Path) -> None:
        frames = pictures()
        frames[28:] = 220
        dialog = await dialog_on(bench, write_folder(tmp_path / "swing", frames))
        assert "found in 28 of 40 frames" in dialog.problem.text()
        bench.type_into(dialog.rate, "20")
        assert dialog.ready
        assert len(dialog.recording().t) == 28
        await press(bench, dialog, CANCEL)

    async def test_a_film_without_motion_is_said(self, bench: Bench, tmp_path: Path) -> None:
        state = bench.document.state
        still = np.repeat(pictures(1), COUNT, axis=0)
        dialog = await dialog_on(bench, write_folder(tmp_path / "still", still))
        assert "shows no motion" in dialog.problem.text()
        assert dialog.picture.picture is None
        assert not dialog.open_button.isEnabled()
        await press(bench, dialog, CANCEL)
        assert bench.document.state is state


async def test_what_is_no_film_is_one_sentence_and_nothing_is_lost(bench: Bench, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.mp4"
    damaged.write_bytes(b"\0\0\0\x18ftypmp42 no video")
    short = write_gif(tmp_path / "short.gif", pictures(9))
    unlike = write_folder(tmp_path / "unlike", pictures(24))
    Image.new("L", (9, 9)).save(unlike / "picture7.png")
    (tmp_path / "none").mkdir()
    state = bench.document.state
    for path, words in (
        (damaged, "cannot be read"),
        (short, "holds 9 frames; expected at least 20"),
        (unlike, "expected images of one size"),
        (tmp_path / "none", "holds no images"),
    ):
        bench.window.spawn(bench.window.session_actions.ask_recording(path))
        await bench.until(lambda: words in bench.window.notice.text(), words)  # noqa: B023
        assert path.name in bench.window.notice.text()
        assert bench.document.state is state
        assert not bench.window.findChildren(VideoImportDialog)


async def test_the_newest_question_ends_the_one_before(bench: Bench) -> None:
    begun: list[object] = []

    def work(question: list[int], tell: Callable[[float], None]) -> int:
        begun.append(question)
        while question == [1]:
            tell(0.5)
        if question == [3]:
            raise RecordingError("No answer")
        return question[0]

    said: list[object] = []
    newest = LatestAnswer(work)
    newest.answered.connect(lambda *answer: said.append(answer))
    newest.ask([1])
    await bench.until(lambda: newest.share == 0.5, "work")
    assert newest.busy
    for question, answer in (([2], (2, "")), ([3], (None, "No answer"))):
        newest.ask(question)
        await bench.until(lambda: not newest.busy, "an answer")
        assert said.pop() == (question, *answer)
    newest.ask([1])
    newest.close()
    assert not said
    assert begun[:3] == [[1], [2], [3]]


def test_the_steps_may_be_stated_later(tmp_path: Path) -> None:
    film = read_video(write_gif(tmp_path / "swing.gif", pictures()))
    footage = extract_frames(film, Crop(20, 0, 40), seconds=1.0)
    footage.__dict__["reader"] = known_reader()
    later = footage.with_steps(0.05)
    assert later.dt == 0.05
    assert later.reader is footage.reader
    assert later.frames is footage.frames
