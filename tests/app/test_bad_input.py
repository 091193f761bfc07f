"""Bad input in the window: a notice that does not block, nothing lost, and the program goes on."""

import asyncio
import json
import os
import sys
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QPushButton

import app.workers.rollout_worker
from app.dialogs.import_dialog import ImportDialog
from app.widgets.text import PlainLabel
from hnn_engine.records import save_session
from tests.app.bench import CTRL, Bench

RECORDINGS: dict[str, tuple[str | bytes, str]] = {
    "binary.csv": (bytes(range(256)) * 4, "no text"),
    "empty.csv": ("", "is empty"),
    "one_row.csv": ("t,q,v\n0,1,0\n", "1 row"),
    "words.csv": ("t,q,v\none,two,three\n", "no row of numbers"),
}
FAULTS: dict[str, tuple[str, str]] = {  # which another column or another mark may settle
    "text.csv": ("t,q,v\n0,1,0\n1,2,0\n2,often,1\n3,4,1\n4,5,1\n", "'often'"),
    "ragged.csv": ("t,q,v\n0,1,0\n1,2\n2,3,1\n3,4,1\n4,5,1\n", "line 3"),
    "endless.csv": ("t,q,v\n0,1,0\n1,inf,0\n2,3,1\n3,4,1\n4,5,1\n", "'inf'"),
    "backward.csv": ("t,q,v\n0,1,0\n1,2,0\n0.5,3,1\n3,4,1\n4,5,1\n", "runs backward"),
}


def write(folder: Path, name: str, content: str | bytes) -> Path:
    """Write a file for the window to choke on."""
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


async def untouched(bench: Bench, act: Callable[[], object], word: str) -> str:
    """Do `act` and wait for the notice; hold that nothing on screen changed. Returns the notice."""
    state, view, path = bench.document.state, bench.document.view, bench.document.path
    act()
    await bench.until(lambda: word in bench.window.notice.text(), f"a notice with '{word}'")
    assert bench.document.state is state
    assert bench.document.view == view
    assert bench.document.path == path
    before = bench.lab.playback.time
    await bench.until(lambda: bench.lab.playback.time != before, "play")
    return bench.window.notice.text()


class TestRecordings:
    @pytest.mark.parametrize("name", RECORDINGS)
    async def test_what_is_no_recording(self, bench: Bench, tmp_path: Path, name: str) -> None:
        content, word = RECORDINGS[name]
        path = write(tmp_path, name, content)
        notice = await untouched(
            bench, lambda: bench.window.spawn(bench.window.session_actions.ask_recording(path)), word
        )
        assert name in notice

    @pytest.mark.parametrize("name", FAULTS)
    async def test_what_is_wrong_inside_is_said_in_the_dialog(self, bench: Bench, tmp_path: Path, name: str) -> None:
        content, word = FAULTS[name]
        state = bench.document.state
        bench.window.spawn(bench.window.session_actions.ask_recording(write(tmp_path, name, content)))
        dialog = await bench.dialog(ImportDialog)
        bench.key(Qt.Key.Key_Return, widget=dialog)
        await bench.until(lambda: word in dialog.problem.text(), f"'{word}' in the dialog")
        assert dialog.isVisible()
        bench.key(Qt.Key.Key_Escape, widget=dialog)
        await bench.frames(3)
        assert bench.document.state is state

    async def test_what_a_file_leaves_open_is_asked_in_the_dialog(self, bench: Bench, tmp_path: Path) -> None:
        state = bench.document.state
        path = write(tmp_path, "lonely.csv", "t\n0\n1\n2\n3\n4\n")
        bench.window.spawn(bench.window.session_actions.ask_recording(path))
        dialog = await bench.dialog(ImportDialog)
        said = [label.text() for label in dialog.findChildren(PlainLabel)]
        assert any("no rate is stated" in text for text in said)
        assert any("No column holds an angle or a position" in text for text in said)
        assert not dialog.open_button.isEnabled()
        bench.key(Qt.Key.Key_Return, widget=dialog)
        await bench.frames(3)
        assert dialog.isVisible()
        bench.key(Qt.Key.Key_Escape, widget=dialog)
        await bench.frames(3)
        assert bench.document.state is state

    async def test_a_row_without_a_value_is_left_out_and_the_dialog_says_so(self, bench: Bench, tmp_path: Path) -> None:
        rows = "".join(f"{t},{t + 1},1\n" for t in range(2, 42))
        path = write(tmp_path, "nan.csv", f"t,q,v\n0,1,1\n1,nan,1\n{rows}")
        bench.window.spawn(bench.window.session_actions.ask_recording(path))
        dialog = await bench.dialog(ImportDialog)
        assert any("1 row without a value left out" in label.text() for label in dialog.findChildren(PlainLabel))
        bench.key(Qt.Key.Key_Return, widget=dialog)
        await bench.until(lambda: bench.experiment.recording is not None, "the recording")
        recording = bench.experiment.recording
        assert recording is not None
        assert recording.coords[:3, 0].tolist() == [1.0, 3.0, 4.0]
        await bench.settled()

    async def test_a_folder(self, bench: Bench, tmp_path: Path) -> None:
        await untouched(
            bench, lambda: bench.window.spawn(bench.window.session_actions.ask_recording(tmp_path)), "folder"
        )

    async def test_a_file_that_is_not_there(self, bench: Bench, tmp_path: Path) -> None:
        path = tmp_path / "none.csv"
        await untouched(
            bench, lambda: bench.window.spawn(bench.window.session_actions.ask_recording(path)), "does not exist"
        )


def session_with(bench: Bench, path: Path, change: Callable[[dict[str, object]], object]) -> Path:
    """Save the session and change its session.json."""
    save_session(bench.document.session(), path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    document = json.loads(members["session.json"])
    change(document)
    members["session.json"] = json.dumps(document).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def damaged(bench: Bench, path: Path) -> Path:
    """A session cut in half."""
    save_session(bench.document.session(), path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


def newer(document: dict[str, object]) -> None:
    document["format"] = 99


def unknown_system(document: dict[str, object]) -> None:
    document["experiment"]["source"] = {"system": "triple-pendulum"}  # type: ignore[index]


def impossible_number(document: dict[str, object]) -> None:
    document["experiment"]["start"] = [1e30, "left"]  # type: ignore[index]


def too_many_steps(document: dict[str, object]) -> None:
    document["experiment"]["rollout"] = {"dt": 1e-4, "horizon": 2000.0}  # type: ignore[index]


class TestSessions:
    @pytest.mark.parametrize(
        ("change", "word"),
        [
            (newer, "newer HNN Lab"),
            (unknown_system, "triple-pendulum"),
            (impossible_number, "start"),
            (too_many_steps, "steps"),
        ],
    )
    async def test_what_this_program_cannot_read(
        self, bench: Bench, tmp_path: Path, change: Callable[[dict[str, object]], object], word: str
    ) -> None:
        path = session_with(bench, tmp_path / "bad.hnnlab", change)
        notice = await untouched(bench, lambda: bench.window.spawn(bench.window.session_actions.open(path)), word)
        assert "bad.hnnlab" in notice

    @pytest.mark.parametrize("content", [b"", b"PK\x03\x04", os.urandom(500), b"just words\n"])
    async def test_what_is_no_session(self, bench: Bench, tmp_path: Path, content: bytes) -> None:
        path = write(tmp_path, "bad.hnnlab", content)
        await untouched(bench, lambda: bench.window.spawn(bench.window.session_actions.open(path)), "bad.hnnlab")

    async def test_a_damaged_one(self, bench: Bench, tmp_path: Path) -> None:
        path = damaged(bench, tmp_path / "cut.hnnlab")
        await untouched(bench, lambda: bench.window.spawn(bench.window.session_actions.open(path)), "cut.hnnlab")

    async def test_an_empty_folder(self, bench: Bench, tmp_path: Path) -> None:
        await untouched(bench, lambda: bench.window.spawn(bench.window.session_actions.open(tmp_path)), "run.json")

    async def test_a_place_that_cannot_be_written(self, bench: Bench, tmp_path: Path) -> None:
        bench.document.path = tmp_path / "gone" / "a.hnnlab"
        bench.edit(start=(0.5, 0.0))
        bench.key(Qt.Key.Key_S, CTRL)
        await bench.until(lambda: "cannot be written" in bench.window.notice.text(), "a notice")
        assert bench.document.dirty

    async def test_a_notice_can_be_closed_and_blocks_nothing(self, bench: Bench, tmp_path: Path) -> None:
        bench.window.spawn(bench.window.session_actions.open(tmp_path / "none.hnnlab"))
        await bench.until(bench.window.notice.text, "a notice")
        await bench.pick("mass-spring")
        bench.click(bench.window.notice._close)
        assert bench.window.notice.text() == ""


class TestNumbers:
    async def test_too_many_steps_are_refused_by_a_notice(self, bench: Bench) -> None:
        panel = bench.window.training
        bench.click(panel.section.more_button)
        await bench.frames(2)
        spec = bench.experiment.rollout
        bench.set_number(panel.rollout, "dt", "0.0001")
        assert "more than 50,000 steps" in bench.window.notice.text()
        assert bench.experiment.rollout == spec
        assert panel.rollout.values()["dt"] == spec.dt
        assert bench.document.undo_label == ""

    async def test_too_much_data_is_refused_by_a_notice(self, bench: Bench) -> None:
        form = bench.window.data.simulated
        bench.set_number(form, "trajectories", "20000")
        bench.set_number(form, "points", "2000")
        await bench.until(lambda: "rows" in bench.window.notice.text(), "a notice")
        bench.document.undo()
        bench.document.undo()
        await bench.settled()
        assert bench.lab.dataset is not None

    async def test_text_in_a_number_is_refused_beside_it(self, bench: Bench) -> None:
        form = bench.window.data.simulated
        before = bench.document.state
        bench.set_number(form, "noise", "loud")
        assert "from 0 to 1" in form.problem("noise")
        assert bench.document.state is before


class TestUnforeseen:
    async def test_an_exception_in_a_slot_is_shown_once_and_the_program_goes_on(
        self, bench: Bench, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def broken(seconds: float) -> None:
            raise ZeroDivisionError("nobody thought of this")

        bench.lab.frame_clock.frame.connect(broken)
        await bench.until(lambda: bench.error_dialogs(), "the dialog")
        await bench.frames(10)
        bench.lab.frame_clock.frame.disconnect(broken)
        (dialog,) = bench.error_dialogs()
        assert "nobody thought of this" in dialog.details()
        assert "Traceback" in dialog.details()
        (copy,) = [b for b in dialog.findChildren(QPushButton) if b.text() == "Copy"]
        bench.click(copy)
        assert QGuiApplication.clipboard().text() == dialog.details()
        (go_on,) = [b for b in dialog.findChildren(QPushButton) if b.text() == "Continue"]
        bench.click(go_on)
        await bench.pick("mass-spring")
        assert bench.unforeseen == ["ZeroDivisionError: nobody thought of this"]
        bench.unforeseen.clear()
        assert "nobody thought of this" in capsys.readouterr().err

    async def test_one_in_a_task_and_one_in_a_thread_are_shown(self, bench: Bench) -> None:
        async def task() -> None:
            raise RuntimeError("in a task")

        def thread() -> None:
            raise RuntimeError("in a thread")

        bench.window.spawn(task())
        worker = threading.Thread(target=thread)
        worker.start()
        worker.join()
        await bench.until(lambda: len(bench.error_dialogs()) == 2, "two dialogs")
        assert sorted(bench.unforeseen) == ["RuntimeError: in a task", "RuntimeError: in a thread"]
        bench.unforeseen.clear()
        for dialog in bench.error_dialogs():
            dialog.accept()
        await bench.frames(2)

    async def test_a_worker_that_fails_at_every_move_is_shown_once(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(app.workers.rollout_worker, "energy_drift", lambda *_: 1 / 0)
            plot = bench.window.portrait.plot
            at = QPointF(bench.window.portrait.start_pixel().toPoint())
            await bench.drag(plot, at, at + QPointF(-60, -40), steps=12)
            await bench.until(lambda: bench.error_dialogs(), "the dialog")
            await bench.frames(10)
            assert len(bench.error_dialogs()) == 1
        bench.unforeseen.clear()
        bench.error_dialogs()[0].accept()
        await bench.frames(2)
        bench.edit(start=(0.4, 0.0))
        await bench.settled()
        assert bench.truth[0].tolist() == [0.4, 0.0]

    async def test_ctrl_c_is_no_error(self, bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt as interrupt:
            sys.excepthook(KeyboardInterrupt, interrupt, interrupt.__traceback__)
        await asyncio.sleep(0.1)
        assert bench.error_dialogs() == []
        assert "KeyboardInterrupt" in capsys.readouterr().err
