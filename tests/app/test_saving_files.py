"""What the window writes: whole or not at all, and over a read-only file only where the user says so."""

import os
import stat
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QFileDialog, QMessageBox

from app import screenshot
from app.model.settings import settings
from app.window.file_dialogs import name_of
from app.window.image_export import write_png
from hnn_engine.disk import operations
from hnn_engine.errors import ProtectedFileError, RecordError
from hnn_engine.records import Session, load_session, save_session, write_run
from tests.app.bench import CTRL, Bench
from tests.engine.test_records import a_run

Button = QMessageBox.StandardButton
posix = pytest.mark.skipif(sys.platform == "win32", reason="rights as Unix has them")


async def answer(bench: Bench, button: QMessageBox.StandardButton) -> str:
    """Click a button of the question and return what it asks."""
    box = await bench.dialog(QMessageBox)
    text = box.text()
    await bench.press_button(box.button(button))
    return text


@posix
async def test_a_read_only_session_is_replaced_only_if_the_user_says_so(bench: Bench, tmp_path: Path) -> None:
    path = tmp_path / "mine.hnnlab"
    save_session(Session(a_run().experiment), path)
    bench.window.spawn(bench.window.session_actions.open(path))
    await bench.until(lambda: bench.document.path == path, "the session")
    path.chmod(0o444)
    before = path.read_bytes()
    bench.edit(start=(0.3, 0.1))
    for button in (Button.Cancel, Button.Yes):
        assert bench.document.dirty
        bench.key(Qt.Key.Key_S, CTRL)
        assert await answer(bench, button) == "mine.hnnlab is read-only. Replace it?"
        if button == Button.Cancel:
            await bench.frames(5)
            assert path.read_bytes() == before
    await bench.until(lambda: not bench.document.dirty, "the session saved")
    assert load_session(path).experiment.start == (0.3, 0.1)
    assert stat.S_IMODE(path.stat().st_mode) == 0o444
    assert set(os.listdir(tmp_path)) <= {"mine.hnnlab", "settings.ini"}


@posix
async def test_a_picture_asks_before_it_replaces_what_is_read_only(bench: Bench, tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    path.write_text("old")
    path.chmod(0o444)

    async def told(at: Path) -> Path:
        return at

    for button, saved in ((Button.Cancel, False), (Button.Yes, True)):
        bench.window.files._ask_path = lambda *_, **__: told(path)  # type: ignore[method-assign]
        bench.window.spawn(bench.window.session_actions.picture())
        assert await answer(bench, button) == "picture.png is read-only. Replace it?"
        await bench.until(lambda saved=saved: QImage(str(path)).isNull() is not saved, "what was asked for")
    assert QImage(str(path)).width() >= bench.window.width()
    await bench.until(lambda: bench.window.notice.text() == "The picture is saved as picture.png.", "the notice")


async def test_a_picture_that_cannot_be_written_is_a_sentence(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "picture.png"
    path.write_text("old")

    async def told() -> Path:
        return path

    def full(place: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(operations, "write", full)
    monkeypatch.setattr(bench.window.files, "_ask_path", lambda *_, **__: told())
    bench.window.spawn(bench.window.session_actions.picture())
    await bench.until(lambda: "No space left on device" in bench.window.notice.text(), "a sentence")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["picture.png"]


async def test_a_run_that_was_taken_aside_opens(bench: Bench, tmp_path: Path) -> None:
    write_run(a_run(), tmp_path / "run")
    (tmp_path / "run").rename(tmp_path / ".run.hnnlab-old-4194305-0123abcd")
    assert await bench.window.files.open_path(tmp_path / "run", remember=False)
    assert [run.id for run in bench.document.state.runs] == [a_run().id]
    assert os.listdir(tmp_path) == ["run"]


@posix
def test_a_screenshot_replaces_nothing_that_is_read_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "picture.png"
    path.write_text("old")
    path.chmod(0o444)
    assert screenshot.main(["--system", "pendulum", "--out", str(path)]) == 2
    assert "picture.png is read-only and stays as it is" in capsys.readouterr().err
    assert path.read_text() == "old"


@posix
def test_a_picture_is_packed_whole(tmp_path: Path) -> None:
    picture = QImage(40, 30, QImage.Format.Format_RGB32)
    picture.fill(Qt.GlobalColor.red)
    path = tmp_path / "picture.png"
    write_png(path, picture)
    assert QImage(str(path)).size() == picture.size()
    path.chmod(0o444)
    with pytest.raises(ProtectedFileError):
        write_png(path, picture)
    write_png(path, picture.scaled(20, 15), replace_protected=True)
    assert QImage(str(path)).width() == 20
    with pytest.raises(RecordError, match="there is no picture"):
        write_png(tmp_path / "none.png", QImage())
    assert os.listdir(tmp_path) == ["picture.png"]


async def test_dialogs_propose_a_free_name_and_remember_the_folder(bench: Bench, tmp_path: Path) -> None:
    here = tmp_path / "here"
    here.mkdir()
    settings().set_folder("session", here)
    (here / "pendulum.hnnlab").touch()
    bench.key(Qt.Key.Key_S, CTRL)
    dialog = await bench.dialog(QFileDialog)
    assert Path(dialog.selectedFiles()[0]) == here / "pendulum-2.hnnlab"
    there = tmp_path / "there"
    there.mkdir()
    await bench.name_file(there / "swing.hnnlab")
    await bench.until((there / "swing.hnnlab").exists, "the session")
    assert settings().folder("session") == there
    bench.key(Qt.Key.Key_P, CTRL)
    dialog = await bench.dialog(QFileDialog)
    assert Path(dialog.selectedFiles()[0]) == there / "swing.png"
    dialog.reject()
    await bench.frames(3)


def test_names_of_files_are_made_of_titles() -> None:
    assert name_of("Two bodies") == "two-bodies"
    assert name_of("../H = p²/2 + q⁴") == "h-p²-2-q⁴"
    assert name_of("???") == "session"
