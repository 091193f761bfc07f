"""What people see in a terminal: letters that it lacks, streams that are closed or full, no display."""

import errno
import io
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from app.window import display
from hnn_engine import console
from hnn_engine.fitting import RECIPES
from hnn_engine.integrators import INTEGRATORS
from hnn_engine.models import MODELS
from hnn_engine.systems import SYSTEMS
from hnn_engine.tasks import TASKS

TABLES = """
from app.main import main
for words in (["recipes"], ["integrators"], ["tasks", "--json"]):
    assert main(words) == 0
assert main(["train", "--system", "pendule…", "--model", "hnn", "--out", "x"]) == 2
"""
RUN = f"{sys.executable} -m app.main"


def shell(command: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run `command`, in which LAB stands for the program, in bash."""
    words = ["bash", "-c", "set -o pipefail; " + command.replace("LAB", RUN)]
    return subprocess.run(
        words, capture_output=True, text=True, timeout=120, env={**os.environ, **environment}, check=False
    )


def test_letters_that_the_terminal_lacks_are_made_plain() -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        [sys.executable, "-c", TABLES], capture_output=True, timeout=120, env=environment, check=False
    )
    said = done.stdout.decode("ascii")
    assert done.returncode == 0, done.stderr
    assert "Adam at 10^-3, fixed steps" in said
    assert "Three Stormer-Verlet steps" in said
    assert "'pendule..." in done.stderr.decode("ascii")
    tasks = json.loads(said[said.index("[\n") :])
    assert any("28 × 28" in task["summary"] for task in tasks), "what is read by programs keeps its letters"


@pytest.mark.parametrize("encoding", ["ascii", "cp437", "cp850", "cp1252", "latin-1"])
def test_no_letter_of_the_tables_is_lost(encoding: str) -> None:
    console.prepare()
    for table in (SYSTEMS, MODELS, RECIPES, INTEGRATORS, TASKS):
        for one in table.values():
            text = f"{one.title} {one.summary}"
            plain = text.encode(encoding, "hnn-lab.plain").decode(encoding)
            assert plain.count("?") == text.count("?"), text


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("10⁻¹² m²", "10^-12 m^2"),
        ("a…b − c · d × e", "a...b - c . d x e"),
        ("Störmer–Verlet", "Stormer-Verlet"),
        ("dq/dt = ∂H/∂p", "dq/dt = dH/dp"),
        ("F₁ + J∇F₂", "F1 + Jgrad F2"),
        ("摆 \udcff", "? ?"),
    ],
)
def test_plain_letters_say_the_same(text: str, plain: str) -> None:
    console.prepare()
    assert text.encode("ascii", "hnn-lab.plain").decode() == plain


@pytest.mark.skipif(os.name == "nt", reason="redirections of a POSIX shell")
@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        ("LAB systems > /dev/full", 2, "(the disk is full)"),
        ("LAB systems >&-", 2, "(it is closed)"),
        ("LAB train --nonsense 2>/dev/full", 2, ""),
        ("LAB systems --json 2>&- <&- | true", 141, ""),
        pytest.param("LAB --help > /dev/full", 2, "(the disk is full)", marks=pytest.mark.long),
        pytest.param("LAB nowhere 2>/dev/full", 2, "", marks=pytest.mark.long),
        pytest.param("LAB train --nonsense 2>&-", 2, "", marks=pytest.mark.long),
        pytest.param("LAB systems 2>&- | tail -1", 0, "", marks=pytest.mark.long),
    ],
)
def test_a_closed_or_full_stream_gives_a_sentence_and_a_code(command: str, code: int, said: str) -> None:
    if "/dev/full" in command and not Path("/dev/full").exists():
        pytest.skip("a system without /dev/full")
    done = shell(command)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == bool(said), "one sentence, and nothing of the interpreter's own"


@pytest.mark.skipif(os.name == "nt", reason="redirections of a POSIX shell")
def test_a_file_never_takes_the_place_of_a_closed_stream(tmp_path: Path) -> None:
    out = tmp_path / "ghost.csv"
    code = f"""
import os, sys
from app.main import main
code = main(["simulate", "--system", "mass-spring", "--horizon", "1", "--out", {str(out)!r}])
with open({str(tmp_path / "next")!r}, "w") as file:
    sys.exit(code if file.fileno() > 2 else 99)
"""
    done = shell(f"{sys.executable} -c '{code.replace(chr(39), chr(34))}' <&- >&- 2>&-")
    assert done.returncode == 0
    assert out.read_text().startswith("t (s),q (m),p (kg m/s),H (J)\n0.0,")


full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="a system without /dev/full")


class Full(io.RawIOBase):
    """A file on a full disk."""

    def writable(self) -> bool:
        return True

    def write(self, data: object, /) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_messages_to_a_full_stderr_are_left_out() -> None:
    file = io.TextIOWrapper(Full(), "utf-8")  # type: ignore[type-var]
    messages = console._Messages(file)
    print("…" * 100_000, file=messages, flush=True)
    assert messages.write("step 1\n") == 7


def test_results_remember_what_they_failed_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", console._Results(io.TextIOWrapper(Full(), "utf-8")))  # type: ignore[type-var]
    with pytest.raises(OSError, match="No space"):
        print("x" * 100_000, flush=True)
    failure = console.failure()
    assert failure is not None
    assert failure.errno == errno.ENOSPC


@full
@pytest.mark.long
def test_a_fit_goes_on_where_its_progress_can_no_longer_be_written(tmp_path: Path) -> None:
    fit = "train --system mass-spring --model hnn --recipe sampled --trajectories 5"
    done = shell(f"LAB {fit} --out {tmp_path / 'run'} --json 2>/dev/full")
    assert done.returncode == 0
    assert json.loads(done.stdout)["model"] == "hnn"
    assert (tmp_path / "run" / "run.json").is_file()


@pytest.mark.long
@pytest.mark.skipif(os.name == "nt", reason="redirections of a POSIX shell")
def test_the_window_stands_with_every_stream_closed(tmp_path: Path) -> None:
    done = shell(f"LAB screenshot --system pendulum --size 800x600 --out {tmp_path / 'window.png'} <&- >&- 2>&-")
    assert done.returncode == 0
    assert (tmp_path / "window.png").read_bytes().startswith(b"\x89PNG")


def test_what_is_said_is_one_short_line(capsys: pytest.CaptureFixture[str]) -> None:
    name = "a\n\x1b[31m" + "long " * 200
    console.say(name)
    console.progress(name)
    said, going = capsys.readouterr().err.splitlines()
    assert said.startswith("hnn-lab: a\\n\\x1b[31m")
    assert max(len(said), len(going)) <= 300
    console.say("x" * 500, whole=True)
    assert len(capsys.readouterr().err) == len("hnn-lab: \n") + 500


# No display -----------------------------------------------------------------------------------------------------------

linux = pytest.mark.skipif(sys.platform != "linux", reason="X and Wayland")


@linux
def test_without_a_display_the_window_is_refused_with_a_sentence() -> None:
    without = {"DISPLAY": "", "WAYLAND_DISPLAY": "", "QT_QPA_PLATFORM": ""}
    done = shell("LAB", **without)
    assert done.returncode == 2
    assert done.stderr.startswith("hnn-lab: There is no display (neither DISPLAY nor WAYLAND_DISPLAY is set)")
    assert len(done.stderr.splitlines()) == 1


@linux
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"DISPLAY": ":4711"}, "The display :4711 cannot be opened"),
        ({"DISPLAY": "\udcff"}, "The display"),
        ({"DISPLAY": "nonsense"}, "The display nonsense cannot be opened"),
        ({"QT_QPA_PLATFORM": "xcb"}, "There is no display"),
        ({"WAYLAND_DISPLAY": "nowhere", "XDG_RUNTIME_DIR": "/nowhere"}, "The Wayland display /nowhere/nowhere cannot"),
        ({"QT_QPA_PLATFORM": "wayland;xcb"}, "There is no display"),
        ({"QT_QPA_PLATFORM": "wayland;xcb", "DISPLAY": ":4711"}, "The display :4711 cannot be opened"),
        ({"QT_QPA_PLATFORM": "offscreen"}, ""),
        ({"QT_QPA_PLATFORM": "vnc:size=800x600"}, ""),
        ({"QT_QPA_PLATFORM": "xcb;offscreen"}, ""),
    ],
)
def test_a_display_that_does_not_answer_is_told(given: dict[str, str], said: str) -> None:
    why = display.why_no_display(given)
    assert why.startswith(said) if said else not why


@linux
def test_a_wayland_display_that_answers_is_taken(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "wayland-7"))
        server.listen()
        given = {"WAYLAND_DISPLAY": "wayland-7", "XDG_RUNTIME_DIR": str(tmp_path), "DISPLAY": ":4711"}
        assert display.why_no_display(given) == ""


@linux
def test_no_display_is_looked_for_beyond_the_first_that_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(display, "_why_no_x", lambda given: pytest.fail("an X server may be started by that"))
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "wayland-7"))
        server.listen()
        given = {"WAYLAND_DISPLAY": "wayland-7", "XDG_RUNTIME_DIR": str(tmp_path), "DISPLAY": ":0"}
        assert display.why_no_display(given) == ""


@linux
def test_a_library_that_qt_lacks_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(display, "_plugin", lambda: [str(tmp_path / "libxcb-cursor.so.0")])
    why = display.why_no_display({"DISPLAY": ":4711"})
    assert "libxcb-cursor.so.0" in why
    assert why.endswith("install what the README lists for a bare Debian or Ubuntu")
