"""The log: every error and milestone is in it, whole, whatever is in a message, a disk or another process."""

import gc
import logging
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from _pytest.logging import LogCaptureHandler

import hnn_engine
from hnn_engine import child_processes, cli, log_file, user_folders
from hnn_engine.cli import commands
from hnn_engine.errors import shown
from hnn_engine.log_file import LogFile, logging_to_file, newest, older

LINE = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d{4} (DEBUG|INFO|WARNING|ERROR|CRITICAL) +[a-z ]+\[\d+\] .+ [\w.]+: .+"
)
_log = logging.getLogger("hnn_engine.test")


@pytest.fixture
def path() -> Path:
    """Where the log of the test lies."""
    return user_folders.log_folder() / log_file.NAME


@pytest.fixture
def log(path: Path) -> Iterator[Path]:
    """A process that logs."""
    with logging_to_file("command"):
        yield path


def lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").split("\n")[:-1]


def record(message: str) -> logging.LogRecord:
    return logging.LogRecord("hnn_engine.test", logging.INFO, __file__, 1, message, None, None)


# Where, and what of it ------------------------------------------------------------------------------------------------


def test_the_folder_is_the_platform_s(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert user_folders.log_folder() == user_folders.data_folder() / "logs"
    monkeypatch.delenv("HNN_LAB_DATA")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    monkeypatch.setattr(sys, "platform", "linux")
    assert user_folders.log_folder() == tmp_path / "hnn-lab"
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    assert user_folders.log_folder() == Path.home() / ".local" / "state" / "hnn-lab"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert user_folders.log_folder() == Path.home() / "Library" / "Logs" / "hnn-lab"
    monkeypatch.setattr(sys, "platform", "win32")
    assert user_folders.log_folder() == tmp_path / "local" / "hnn-lab" / "Logs"


@pytest.mark.parametrize(
    ("word", "kept"),
    [("", "IW"), ("info", "IW"), ("debug", "DIW"), ("WARNING", "W"), ("loud\n\x1b", "IW")],
)
def test_the_level_is_chosen_by_a_word(word: str, kept: str, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HNN_LAB_LOG", word)
    with logging_to_file("command") as said:
        for level in (logging.DEBUG, logging.INFO, logging.WARNING):
            _log.log(level, "told")
            logging.getLogger("numba").log(level, "theirs")
    assert "".join(line.split()[1][0] for line in lines(path) if line.endswith("told")) == kept
    assert [line.split()[1] for line in lines(path) if line.endswith("theirs")] == ["WARNING"]
    assert bool(said) == ("loud" in word)
    if said:
        assert said == r"HNN_LAB_LOG is 'loud\n\x1b', which is no level, and info is taken: " + (
            "choose one of debug, info, warning"
        )


def test_a_word_that_is_no_level_is_one_sentence_of_a_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HNN_LAB_LOG", "loud")
    assert cli.main(["tasks"]) == 0
    assert capsys.readouterr().err.splitlines() == [
        "hnn-lab: HNN_LAB_LOG is 'loud', which is no level, and info is taken: choose one of debug, info, warning"
    ]


def test_as_a_library_the_engine_configures_nothing(data_folder: Path) -> None:
    code = """
import logging, sys
import hnn_engine.fit_run, hnn_engine.log_file
logging.getLogger("hnn_engine.fit_run").error("unseen")
assert logging.getLogger().handlers == [] and logging.getLogger("hnn_engine").level == logging.NOTSET
assert "logging.handlers" not in sys.modules, "it would take some milliseconds of every start"
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert not data_folder.exists()


def test_what_was_before_is_put_back(path: Path) -> None:
    root, ours = logging.getLogger(), logging.getLogger("hnn_engine")
    before = root.handlers[:], ours.level, sys.excepthook, threading.excepthook, sys.unraisablehook
    with logging_to_file("window") as outer, logging_to_file("command") as inner:
        _log.info("once")
        assert (outer, inner) == ("", "")
    assert (root.handlers[:], ours.level, sys.excepthook, threading.excepthook, sys.unraisablehook) == before
    assert log_file.active() is None
    assert sum("once" in line for line in lines(path)) == 1


# Records --------------------------------------------------------------------------------------------------------------


def test_a_record_is_one_line_whatever_is_in_it(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nasty = "a\nb\r\x1b[31m\u2028\u202e\udcff\x00"
    # pytest keeps what it sees of a log for its report, which cannot be sent with half a character in it.
    monkeypatch.setattr(LogCaptureHandler, "emit", lambda *_: None)
    _log.info("%s", nasty)
    _log.info("x" * 10_000_000)
    threading.Thread(target=lambda: _log.info("here"), name="a\nb").start()
    time.sleep(0.1)
    first, *middle, last = lines(log)
    assert first.endswith(f"begins; Python {sys.version.split()[0]} on {sys.platform}")
    assert middle[0].endswith(shown(nasty))
    assert last.endswith(r" a\nb hnn_engine.test: here")
    assert all(LINE.fullmatch(line) for line in lines(log))
    assert max(map(len, lines(log))) < log_file.LONGEST + 200
    assert log.stat().st_mode & 0o077 == 0 or os.name == "nt"


def test_a_traceback_cannot_pass_for_a_record(log: Path) -> None:
    forged = "bad\n2026-01-01T00:00:00.000+0000 ERROR    window[1] MainThread app: forged\x1b[2J"
    try:
        raise ValueError(forged)
    except ValueError:
        _log.exception("It fails")
    head, *traced = lines(log)[1:]
    assert head.endswith("hnn_engine.test: It fails")
    assert traced[0] == "    Traceback (most recent call last):"
    assert all(line.startswith("    ") and line.isprintable() for line in traced)
    assert traced[-1].endswith(r"forged\x1b[2J")


def test_a_traceback_is_bounded(log: Path) -> None:
    def deep(level: int) -> None:
        if level:
            deeper(level - 1)
        raise ValueError("\n".join(["y" * 100_000] * 1000))

    def deeper(level: int) -> None:
        deep(level)

    try:
        deep(60)
    except ValueError:
        _log.exception("It fails")
    assert len(lines(log)) == 2 + 2 * log_file.TRACED + 1
    assert log.stat().st_size < 400_000


def test_the_same_error_is_told_with_its_traceback_once(log: Path) -> None:
    for number in range(100):
        try:
            raise ValueError(f"number {number}")
        except ValueError:
            _log.exception("It fails")
    told = [line for line in lines(log) if "It fails" in line]
    assert [line.rpartition(": ")[2] for line in told] == [
        "It fails",
        "ValueError('number 9'), 10 times so far",
        "ValueError('number 99'), 100 times so far",
    ]
    assert sum("Traceback" in line for line in lines(log)) == 1


# Errors that nothing catches ------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_every_way_out_of_an_error_leads_to_the_log(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "excepthook", lambda *_: None)
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    monkeypatch.setattr(sys, "unraisablehook", lambda _: None)

    def fail(name: str) -> None:
        raise LookupError(name)

    class Ending:
        def __del__(self) -> None:
            fail("ignored")

    def leave() -> None:
        with logging_to_file("command"):
            thread = threading.Thread(target=fail, args=("thread",), name="worker")
            thread.start()
            thread.join()
            ending = Ending()
            del ending
            gc.collect()
            try:
                fail("hook")
            except LookupError as error:
                sys.excepthook(LookupError, error, error.__traceback__)
            raise RuntimeError("leaving")

    with pytest.raises(RuntimeError):
        leave()
    text = path.read_text(encoding="utf-8")
    assert "The thread worker ends by an error\n    Traceback" in text
    assert "    LookupError: thread\n" in text
    assert "    LookupError: ignored\n" in text
    assert "The program ends by an error\n    Traceback" in text
    assert "    RuntimeError: leaving\n" in text


# Several processes, and rotation --------------------------------------------------------------------------------------


def test_the_file_rotates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_file, "LARGEST", 2_000)
    handler = LogFile("command", tmp_path)
    for number in range(200):
        handler.handle(record(f"number {number}"))
    kept = [older(tmp_path / "hnn-lab.log", n) for n in range(log_file.OLDER, 0, -1)] + [tmp_path / "hnn-lab.log"]
    assert {p.name for p in tmp_path.iterdir()} == {*(p.name for p in kept), "hnn-lab.log.lock"}
    numbers = [int(line.rpartition(" ")[2]) for p in kept for line in lines(p)]
    assert numbers == list(range(200 - len(numbers), 200)), "the newest, in order, none lost"
    assert max(p.stat().st_size for p in kept) <= 2_000


MANY = """
import logging, sys
from pathlib import Path
from hnn_engine import log_file
log_file.LARGEST, log_file.OLDER, log_file.PATIENCE = 20_000, 99, 60.0
handler = log_file.LogFile("command", Path(sys.argv[1]))
for number in range(400):
    text = f"{sys.argv[2]} {number} " + "x" * (number % 50)
    handler.handle(logging.LogRecord("hnn_engine.test", logging.INFO, "", 1, text, None, None))
    assert not handler.problem, handler.problem
"""


def test_processes_at_once_neither_mix_nor_lose_records(tmp_path: Path) -> None:
    ran = [subprocess.Popen([sys.executable, "-c", MANY, str(tmp_path), name]) for name in "abcd"]
    assert [process.wait(120) for process in ran] == [0] * 4
    whole = [line for file in tmp_path.glob("*.log") for line in lines(file)]
    assert all(LINE.fullmatch(line) for line in whole)
    told = [tuple(line.rpartition(": ")[2].split()[:2]) for line in whole]
    assert sorted(told) == sorted((name, str(n)) for name in "abcd" for n in range(400))
    assert len(list(tmp_path.glob("*.log"))) > 5, "it has rotated meanwhile"


def test_a_process_that_was_halted_with_the_lock_keeps_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler = LogFile("command", tmp_path)
    monkeypatch.setattr(log_file, "LARGEST", 10)
    held = log_file._locked(tmp_path / "hnn-lab.log.lock")
    assert held is not None
    began = time.perf_counter()
    for number in range(3):
        handler.handle(record(f"number {number}"))
    assert time.perf_counter() - began < 3.0
    os.close(held)
    assert len(lines(tmp_path / "hnn-lab.log")) == 3, "written, and not renamed"


def test_the_process_that_compiles_logs_too(path: Path) -> None:
    with child_processes.run_module("hnn_engine.kernels") as process:
        assert process.wait(500) == 0
    assert re.search(rf"INFO +compile\[{process.pid}\] .*: The compiled loops are loaded\n", path.read_text("utf-8"))


# Where it cannot be written -------------------------------------------------------------------------------------------


def test_a_folder_that_cannot_be_written_stops_nothing(data_folder: Path) -> None:
    data_folder.write_text("in the way")
    with logging_to_file("command"):
        _log.info("lost")
        handler = log_file.active()
        assert handler is not None
        assert handler.problem
    assert cli.main(["tasks"]) == 0


def test_what_is_no_regular_file_is_not_written(tmp_path: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("a system without pipes in folders")
    os.mkfifo(tmp_path / "hnn-lab.log")
    handler = LogFile("command", tmp_path)
    handler.handle(record("lost"))
    assert handler.problem
    reader = os.open(tmp_path / "hnn-lab.log", os.O_RDONLY | os.O_NONBLOCK)
    handler.handle(record("lost"))
    assert handler.problem == "it is no regular file"
    os.close(reader)


def test_on_a_full_disk_there_is_no_half_of_a_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    handler = LogFile("command", tmp_path)
    handler.handle(record("before"))
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, content: write(file, content[:30]))
    handler.handle(record("lost"))
    assert handler.problem == "there is no room for it"
    monkeypatch.undo()
    handler.handle(record("after"))
    assert handler.problem == ""
    assert [line.rpartition(" ")[2] for line in lines(tmp_path / "hnn-lab.log")] == ["before", "after"]


def test_without_a_home_there_is_no_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HNN_LAB_DATA")
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)

    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", no_home)
    with logging_to_file("command"):
        _log.info("lost")
        assert log_file.active() is not None
        assert log_file.active().problem == "Could not determine home directory."  # type: ignore[union-attr]


# Reading --------------------------------------------------------------------------------------------------------------


def test_the_newest_lines_are_read_from_two_files(tmp_path: Path) -> None:
    path = tmp_path / "hnn-lab.log"
    path.write_text("".join(f"new {n}\n" for n in range(10)))
    older(path, 1).write_text("".join(f"old {n}\n" for n in range(10)))
    assert newest(path).splitlines() == [f"old {n}" for n in range(10)] + [f"new {n}" for n in range(10)]
    assert newest(path, 20).splitlines() == ["new 7", "new 8", "new 9"], "whole lines alone"
    assert newest(path, 74).splitlines()[0] == "old 8"
    with pytest.raises(FileNotFoundError):
        newest(tmp_path / "none.log")


# Commands -------------------------------------------------------------------------------------------------------------


def test_a_fit_leaves_its_milestones(path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = "--system mass-spring --model hnn --recipe sampled --trajectories 4 --setting width=8"
    assert cli.main(["train", *words.split(), "--out", str(tmp_path / "run")]) == 0
    assert cli.main(["evaluate", str(tmp_path / "run")]) == 0
    said = [line.partition(" hnn_engine.")[2] for line in lines(path)]
    begins = [text for text in said if "HNN Lab" in text]
    assert begins[0].startswith(f"log_file: HNN Lab {hnn_engine.__version__} begins: train --system mass-spring")
    (first,) = [
        n for n, text in enumerate(said) if re.match(r"fit_run: The fit \w+ begins: HNN .* on mass-spring", text)
    ]
    assert re.match(r"fit_run: The fit \w+ is finished at step 1", said[first + 1])
    assert any(re.match(r"fit_run: The fit \w+ is evaluated", text) for text in said)
    assert f"atomic_write: Written: {tmp_path / 'run'}" in said
    assert f"records.folders: Run opened: {tmp_path / 'run'}" in said


def test_a_fault_of_a_command_is_there_with_its_traceback(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(options: object) -> None:
        raise ZeroDivisionError("nothing to divide by")

    monkeypatch.setattr(commands, "list_tasks", fail)
    assert cli.main(["tasks"]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1
    text = path.read_text(encoding="utf-8")
    assert "The command fails\n    Traceback" in text
    assert "    ZeroDivisionError: nothing to divide by\n" in text
    assert "said: ZeroDivisionError: nothing to divide by. This is an error of the program." in text
