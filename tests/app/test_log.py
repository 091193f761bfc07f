"""The log of the window: errors of slots, threads and child processes, milestones, and the dialog that shows it."""

import logging
import os
import re
import signal
import threading
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QTimer, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QApplication, QPushButton
from qasync import QEventLoop

from app.application import close_window, open_window
from app.dialogs.error_dialog import ErrorDialog
from app.dialogs.log_dialog import LogDialog
from app.main import main
from app.window import display
from app.window.main_window import MainWindow
from app.workers.child_process import ChildProcess
from app.workers.latest_only import LatestAnswer
from app.workers.live_fit_process import answered
from hnn_engine import log_file, user_folders
from hnn_engine.errors import ExperimentError, shown
from hnn_engine.experiment import Experiment
from hnn_engine.log_file import logging_to_file
from tests.app.bench import Bench

NASTY = "<b>x</b>\n\x1b[31m"


@pytest.fixture
def path() -> Path:
    return user_folders.log_folder() / log_file.NAME


@pytest.fixture
def logged(path: Path) -> Iterator[Path]:
    """The process logs as the window does."""
    with logging_to_file("window"):
        yield path


@pytest.fixture
def window(loop: QEventLoop, logged: Path) -> Iterator[MainWindow]:
    """A window that may report errors, unlike that of the other tests."""
    opened = loop.run_until_complete(_opened())
    yield opened
    loop.run_until_complete(close_window(opened, remember=False))


async def _opened() -> MainWindow:
    window = open_window(whole=False)
    window.show()
    await Bench(window).settled()
    return window


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def fail(*_: object) -> None:
    raise LookupError(NASTY)


# Errors ---------------------------------------------------------------------------------------------------------------


async def test_an_error_of_a_slot_a_task_and_a_thread_is_there(
    window: MainWindow, logged: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def task() -> None:
        fail("task")

    bench = Bench(window)
    QTimer.singleShot(0, fail)
    window.spawn(task())
    thread = threading.Thread(target=fail, name="stray")
    thread.start()
    thread.join()
    await bench.until(lambda: text_of(logged).count("Unforeseen error in the thread") == 3, "three errors")
    for dialog in window.findChildren(ErrorDialog):
        dialog.accept()
    text = text_of(logged)
    assert text.count("    Traceback (most recent call last):") == 3
    assert "Unforeseen error in the thread stray\n" in text
    assert text.count(f"    LookupError: {shown(NASTY).partition(shown(chr(10)))[0]}") == 3
    assert "\x1b" not in text


async def test_an_error_of_a_worker_is_there(window: MainWindow, logged: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(window)
    monkeypatch.setattr(window.lab.rollouts.worker, "_compute", fail)
    bench.edit(start=(0.5, 0.0))
    await bench.until(lambda: "The rollouts cannot be computed" in text_of(logged), "the error of the rollouts")
    monkeypatch.setattr(Experiment, "dataset", fail)
    window.lab.training.worker.start(bench.experiment, None)
    await bench.until(lambda: "The training ends by an error" in text_of(logged), "the error of the training")
    bench.edit(seed=7)
    await bench.until(lambda: "The data could not be made" in text_of(logged), "the error of the data")
    text = text_of(logged)
    assert text.count("Traceback") >= 3
    for dialog in window.findChildren(ErrorDialog):
        dialog.accept()


def test_an_error_of_a_question_is_there(qapp: QApplication, logged: Path) -> None:
    newest = LatestAnswer(fail)
    newest.ask(1)
    while newest.busy:
        qapp.processEvents()
    newest.close()
    assert "This cannot be done\n    Traceback" in text_of(logged)
    assert answered(None).problem  # type: ignore[arg-type, union-attr]
    assert "The live fit fails\n    Traceback" in text_of(logged)


def test_what_the_user_can_mend_is_no_error(qapp: QApplication, logged: Path) -> None:
    def refuse(question: object, tell: object) -> None:
        raise ExperimentError("mend it")

    newest = LatestAnswer(refuse)
    newest.ask(1)
    while newest.busy:
        qapp.processEvents()
    newest.close()
    assert "Traceback" not in text_of(logged)


# Child processes ------------------------------------------------------------------------------------------------------


def serve_and_fail(line: Connection) -> None:
    """Log, and then end by an error."""
    logging.getLogger("app.child").info("told by the child")
    line.send(1)
    fail()


def serve_and_die(line: Connection) -> None:
    """Die as by a fault of a library."""
    line.send(1)
    os.kill(os.getpid(), signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)


def test_a_child_that_fails_says_why(logged: Path) -> None:
    child = ChildProcess(serve_and_fail, "live fit")
    line = child.open()
    assert child.process is not None
    pid = child.process.pid
    assert line.recv() == 1
    with pytest.raises(EOFError):
        line.recv()
    child.ended()
    text = text_of(logged)
    assert re.search(rf"live fit\[{pid}\] MainThread app.child: told by the child\n", text)
    assert re.search(rf"live fit\[{pid}\] .*: The program ends by an error\n    Traceback", text)
    assert f"The process {pid} (live fit) has ended: 1\n" in text


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_a_child_that_dies_is_there_with_its_signal(logged: Path) -> None:
    child = ChildProcess(serve_and_die, "race")
    line = child.open()
    assert line.recv() == 1
    with pytest.raises((EOFError, OSError)):
        line.recv()
    child.ended()
    assert re.search(r"ERROR .*: The process \d+ \(race\) has ended: -9\n", text_of(logged))


# Milestones -----------------------------------------------------------------------------------------------------------


async def test_milestones_of_a_session_are_there(window: MainWindow, logged: Path, tmp_path: Path) -> None:
    bench = Bench(window)
    await bench.warm()
    assert await window.files.save_to(tmp_path / "one.hnnlab")
    assert await window.files.open_path(tmp_path / "one.hnnlab")
    window.lab.noticed.emit("Look here", True)
    window.lab.noticed.emit("Look here", True)
    text = text_of(logged)
    assert f": Written: {tmp_path / 'one.hnnlab'}\n" in text
    assert f": Session opened: {tmp_path / 'one.hnnlab'}, 0 runs\n" in text
    assert text.count("Notice: Look here") == 1
    assert re.search(r"Loaded: numpy [\d.]+, scipy [\d.]+", text)
    assert "PySide6 " in text


# Showing it -----------------------------------------------------------------------------------------------------------


async def test_the_menu_shows_the_newest_lines(
    window: MainWindow, logged: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(window)
    (action,) = [a for a in window.actions() if a.text() == "Show the log"]
    logging.getLogger("app.test").info("here: %s", NASTY)
    action.trigger()
    dialog = await bench.dialog(LogDialog)
    assert f"here: {shown(NASTY)}" in dialog.lines.toPlainText()
    assert dialog.place.text() == str(logged)
    assert dialog.problem.isHidden()
    logging.getLogger("app.test").info("and more")
    buttons = {button.text(): button for button in dialog.findChildren(QPushButton)}
    buttons["Read again"].click()
    assert dialog.lines.toPlainText().rstrip().endswith("and more")
    buttons["Copy"].click()
    assert QGuiApplication.clipboard().text() == dialog.lines.toPlainText()
    asked: list[QUrl] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: bool(asked.append(url)))
    buttons["Open the folder"].click()
    assert [url.toLocalFile() for url in asked] == [str(logged.parent)]
    assert dialog.problem.isVisible(), "there is no file manager, and it is said"
    buttons["Close"].click()
    await bench.until(lambda: not window.findChildren(LogDialog), "a closed dialog")


def test_a_log_that_cannot_be_written_is_told(qapp: QApplication, data_folder: Path) -> None:
    data_folder.write_text("in the way")
    with logging_to_file("window"):
        dialog = LogDialog()
    assert dialog.problem.text().startswith("The log cannot be written: ")
    dialog.close()


def test_without_a_log_there_is_a_sentence(qapp: QApplication) -> None:
    dialog = LogDialog()
    assert dialog.problem.text() == "Nothing is logged there yet"
    dialog.close()


# The program ----------------------------------------------------------------------------------------------------------


def test_the_program_logs_from_its_beginning(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(display, "why_no_display", lambda: seen.append(log_file.active()) or "No display at all")
    monkeypatch.setenv("HNN_LAB_LOG", "warning")
    assert main([]) == 2
    assert seen != [None]
    assert log_file.active() is None
    monkeypatch.delenv("HNN_LAB_LOG")
    assert main([]) == 2
    assert re.search(r"INFO +window\[\d+\] .*HNN Lab [\d.]+ begins; Python", text_of(path))
    assert text_of(path).count("No display at all") == 1, "what is said is told at the level info"


def test_an_error_at_the_start_is_there(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(display, "why_no_display", fail)
    with pytest.raises(LookupError):
        main([])
    assert "The program ends by an error\n    Traceback" in text_of(path)
