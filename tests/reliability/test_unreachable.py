"""Paths that nothing can be said of: a name that is too long, a folder that may not be searched, one that is gone.

Each is one sentence and exit code 2, before any work begins.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from app import screenshot
from hnn_engine import cli
from hnn_engine.atomic_write import check_file, make_folders, write_file, write_folder
from hnn_engine.disk import operations
from hnn_engine.errors import HnnLabError, RecordError
from hnn_engine.records import Session, check_target, is_run_folder, load_run, load_session, save_session
from hnn_engine.video import is_video, read_video
from tests.reliability.real_records import pendulum

LONG = "x" * 300
FIT = ["train", "--model", "hnn", "--out", "new"]
COMMANDS: dict[str, Callable[[str], list[str]]] = {
    "evaluate": lambda path: ["evaluate", path],
    "train --recording": lambda path: [*FIT, "--recording", path],
    "train --recording, a film": lambda path: [*FIT, "--recording", f"{path}.mp4"],
    "train --from": lambda path: [*FIT, "--system", "pendulum", "--from", path],
    "train --out": lambda path: ["train", "--system", "pendulum", "--model", "hnn", "--out", path],
    "train --out, far down": lambda path: ["train", "--system", "pendulum", "--model", "hnn", "--out", f"{path}/a/b"],
    "film": lambda path: ["film", path, "--out", "new.gif"],
    "two films": lambda path: ["film", path, path, "--out", "new.gif"],
    "film --out": lambda path: ["film", "none", "--out", f"{path}.gif"],
    "simulate --out": lambda path: ["simulate", "--system", "pendulum", "--out", f"{path}.csv"],
    "screenshot --out": lambda path: ["screenshot", "--system", "pendulum", "--out", f"{path}.png"],
}
CHILD = """
import contextlib, io, json, os, sys
from app import screenshot
from hnn_engine import cli
warm, cases = json.loads(sys.stdin.read())
for words in [*warm, None, *cases]:
    if words is None:  # all that is imported is there: not every user may read a Python
        os.setuid(65534)
        continue
    with contextlib.redirect_stderr(io.StringIO()) as said:
        main, rest = (screenshot.main, words[1:]) if words[0] == "screenshot" else (cli.main, words)
        code = main(rest)
    print(json.dumps([code, said.getvalue()]), flush=True)
"""


def is_one_sentence(code: int, said: str) -> None:
    assert code == 2, said
    assert said.startswith("hnn-lab: "), said
    assert said.count("\n") == 1, said
    assert "fault" not in said
    assert "Errno" not in said


@pytest.mark.parametrize("name", COMMANDS)
def test_a_name_that_is_too_long_is_one_sentence(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    words = COMMANDS[name](LONG)
    code = screenshot.main(words[1:]) if words[0] == "screenshot" else cli.main(words)
    is_one_sentence(code, capsys.readouterr().err)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may become another user")
def test_a_folder_that_may_not_be_searched_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o700)
    warm = [make(LONG) for make in COMMANDS.values()]
    cases = [make(str(tmp_path / "closed" / "x")) for make in COMMANDS.values()]
    done = subprocess.run(
        [sys.executable, "-c", CHILD],
        input=json.dumps([warm, cases]),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen", "HOME": "/", "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    answers = [json.loads(line) for line in done.stdout.splitlines()[len(warm) :]]
    for (code, said), name in zip(answers, COMMANDS, strict=True):
        is_one_sentence(code, said)
        assert "Permission denied" in said or name == "screenshot --out", f"{name}: {said}"


def told(work: Callable[[], object]) -> str:
    with pytest.raises(HnnLabError) as caught:
        work()
    return str(caught.value)


def test_what_is_called_with_such_a_path_tells_of_it(tmp_path: Path) -> None:
    place = tmp_path / LONG
    for work in (
        lambda: is_run_folder(place),
        lambda: load_run(place),
        lambda: load_session(place),
        lambda: save_session(Session(pendulum().experiment), place),
        lambda: read_video(place),
        lambda: check_file(place, "--out"),
        lambda: check_target(place, False),
        lambda: make_folders(place),
        lambda: write_folder(place, {}),
    ):
        said = told(work)
        assert "File name too long" in said
        assert "cannot be " in said
    assert not is_video(place)
    assert is_video(tmp_path / f"{LONG}.mp4")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows removes no current folder")
def test_a_current_folder_that_is_gone_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    place = Path("x")
    for work in (
        lambda: load_run(place),
        lambda: load_session(place),
        lambda: save_session(Session(pendulum().experiment), place),
        lambda: write_file(place, b""),
        lambda: write_folder(place, {}),
        lambda: check_target(place, False),
        lambda: check_file(place, "--out"),
        lambda: make_folders(place),
    ):
        assert told(work).startswith("x ")


def test_a_root_that_is_not_there_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "look", lambda path: None)  # a drive that is not there: not even its root is found
    with pytest.raises(RecordError, match="cannot be written: No such file or directory"):
        make_folders(tmp_path / "a" / "b")
