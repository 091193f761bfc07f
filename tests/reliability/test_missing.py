"""Libraries and folders that are not there: a sentence, and everything else goes on."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hnn_engine import missing_libraries
from hnn_engine.environment import ROOT
from hnn_engine.errors import MissingError
from hnn_engine.kernels import cache as kernel_cache

WITHOUT = """
import os, sys

class Without:
    def __init__(self, finder):
        self.finder = finder

    def find_spec(self, name, path=None, target=None):
        missing = name.partition(".")[0] in os.environ.get("WITHOUT", "").split(",")
        return None if missing else self.finder.find_spec(name, path, target)

    def __getattr__(self, name):
        return getattr(self.finder, name)

sys.meta_path[:] = [Without(finder) for finder in sys.meta_path]
"""
FIT = ("train", "--system", "mass-spring", "--model", "hnn", "--trajectories", "4", "--out", "run")
SAMPLED = (*FIT, "--recipe", "sampled")
PAPER = (*FIT, "--steps", "3", "--setting", "width=8")

# The real window: what it says by itself, and then of a film; it fits in closed form meanwhile.
WINDOW = """
import asyncio, json, sys
from pathlib import Path
from app.application import close_window, make_application, open_window
from app.workers.event_loop import event_loop

said = []

async def main():
    window = open_window()
    window.lab.noticed.connect(lambda text, is_error: said.append(text))
    window.lab.failed.connect(lambda text, details: said.append("FAILED " + details))
    window.show()
    while window.lab.answer is None or window.lab.dataset is None:
        await asyncio.sleep(0.02)
    window.lab.preload.start()
    while not window.lab.preloaded:
        await asyncio.sleep(0.02)
    await asyncio.sleep(0.1)
    said.append(window.notice.text())
    await window.files.import_recording(Path(sys.argv[1]))
    said.append(window.notice.text())
    await close_window(window, remember=False)

application = make_application(["hnn-lab"])
application.setQuitOnLastWindowClosed(False)
with asyncio.Runner(loop_factory=lambda: event_loop(application)) as runner:
    runner.run(main())
print(json.dumps(said))
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder to work in, with two films that are none."""
    (tmp_path / "without").mkdir()
    (tmp_path / "without" / "sitecustomize.py").write_text(WITHOUT)
    (tmp_path / "swing.mp4").write_bytes(b"\0\0\0\x18ftypmp42 no video")
    (tmp_path / "swing.gif").write_bytes(b"GIF89a\0 no video")
    return tmp_path


def run(place: Path, words: tuple[str, ...], without: str = "", **more: str) -> "subprocess.CompletedProcess[str]":
    """Run Python with `words`, where the libraries `without` are not there."""
    path = os.pathsep.join([str(place / "without"), str(more.pop("package", ROOT))])
    environment = {**os.environ, "PYTHONPATH": path, "WITHOUT": without, "HOME": str(place), **more}
    command = [sys.executable, *words]
    return subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=300, env=environment, check=False)


def lab(place: Path, words: tuple[str, ...], without: str = "", **more: str) -> "subprocess.CompletedProcess[str]":
    return run(place, ("-m", "app.main", *words), without, **more)


@pytest.mark.parametrize(
    ("without", "words", "said"),
    [
        ("PySide6", (), "PySide6-Essentials is not installed, and the window needs it: install it by '"),
        ("numba,torch", PAPER, "The fit ended at step 0: A fit by gradient needs numba or torch (numba is not inst"),
        ("av", ("train", "--recording", "swing.mp4", "--model", "pixel-hnn", "--out", "run"), "av is not installed"),
        ("numpy", ("systems",), "numpy is not installed, and everything here needs it: install it by '"),
        pytest.param("qasync", (), "qasync is not installed", marks=pytest.mark.long),
        pytest.param("PySide6", ("screenshot", "--system", "pendulum", "--out", "a.png"),
                     "PySide6-Essentials is not installed", marks=pytest.mark.long),
        pytest.param("PIL", ("train", "--recording", "swing.gif", "--model", "pixel-hnn", "--out", "run"),
                     "pillow is not installed, and pictures and videos need it", marks=pytest.mark.long),
        pytest.param("safetensors", SAMPLED, "safetensors is not installed", marks=pytest.mark.long),
    ],
)  # fmt: skip
def test_what_needs_a_missing_library_says_so_in_a_sentence(
    place: Path, without: str, words: tuple[str, ...], said: str
) -> None:
    done = lab(place, words, without)
    assert done.returncode == 2, done.stderr
    told = [line for line in done.stderr.splitlines() if "There are no compiled loops" not in line]
    assert len(told) == 1
    assert told[0].startswith(f"hnn-lab: {said}")
    assert not (place / "run").exists()


@pytest.mark.parametrize("without", ["", "numba"])
def test_whether_there_are_loops_is_said_on_stderr(place: Path, without: str) -> None:
    done = run(place, ("-c", "from hnn_engine.cli.training import chosen_backend; chosen_backend(wait=True)"), without)
    assert done.returncode == 0
    assert ("There are no compiled loops (numba is not installed)" in done.stderr) == bool(without)


@pytest.mark.long
def test_without_numba_a_fit_is_slower_and_says_why(place: Path) -> None:
    done = lab(place, SAMPLED, "numba")
    assert done.returncode == 0, done.stderr
    assert (place / "run" / "run.json").is_file()
    line = "hnn-lab: There are no compiled loops (numba is not installed): everything works, but fits and rollouts"
    assert done.stderr.startswith(line)


@pytest.mark.parametrize(
    ("without", "notice"),
    [
        ("numba,torch,av", "Neither numba nor torch is available (numba is not installed)"),
        pytest.param("numba,av", "There are no compiled loops (numba is not installed)", marks=pytest.mark.long),
        pytest.param("av,PIL", "", marks=pytest.mark.long),
    ],
)
def test_the_window_says_what_it_does_without(place: Path, without: str, notice: str) -> None:
    done = run(place, ("-c", WINDOW, "swing.mp4"), without)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert not any(text.startswith("FAILED") for text in said)
    assert any(text.startswith(notice) for text in said)
    assert "is not installed" in said[-1], "of the video"
    assert "Traceback" not in done.stderr


@pytest.fixture
def nowhere(place: Path) -> dict[str, str]:
    """An environment in which nothing can be written but the folder one stands in."""
    package = place / "package"
    for name in ("app", "hnn_engine", "resources"):
        shutil.copytree(ROOT / name, package / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("kernels", "systems"):
        (package / "hnn_engine" / name / "__pycache__").write_text("no folder")
    home = str(place / "swing.mp4" / "home")
    places = {"XDG_CACHE_HOME": home, "XDG_CONFIG_HOME": home, "XDG_DATA_HOME": home, "LOCALAPPDATA": home}
    return {"package": str(package), "HOME": home, "PYTHONDONTWRITEBYTECODE": "1", **places}


def test_where_compiled_code_cannot_be_kept_the_command_line_says_so(place: Path, nowhere: dict[str, str]) -> None:
    done = run(
        place, ("-c", "from hnn_engine.cli.training import chosen_backend; chosen_backend(wait=True)"), **nowhere
    )
    assert done.returncode == 0
    assert "(no folder for compiled code can be written, neither next to the program nor in the user's" in done.stderr


@pytest.mark.long
def test_where_compiled_code_cannot_be_kept_a_fit_works(place: Path, nowhere: dict[str, str]) -> None:
    done = lab(place, SAMPLED, **nowhere)
    assert done.returncode == 0, done.stderr
    assert (place / "run" / "run.json").is_file()


@pytest.mark.long
def test_the_window_opens_where_nothing_can_be_written(place: Path, nowhere: dict[str, str]) -> None:
    done = run(place, ("-c", WINDOW, "swing.mp4"), **nowhere)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert not any(text.startswith("FAILED") for text in said)
    assert any("no folder for compiled code can be written" in text for text in said)


def test_a_library_that_does_not_load_is_told_apart_from_one_that_is_not_there() -> None:
    broken = ImportError("libEGL.so.1: cannot open shared object file", name="PySide6.QtGui")
    assert missing_libraries.sentence(broken).startswith(
        "Qt cannot be loaded (libEGL.so.1: cannot open shared object file)"
    )
    broken = ImportError("DLL load failed", name="scipy.linalg")
    assert missing_libraries.sentence(broken).startswith("scipy cannot be loaded (DLL load failed)")
    assert missing_libraries.sentence(ImportError("x", name="app.main")) == ""
    assert missing_libraries.sentence(ImportError("x")) == ""


def test_only_the_absence_of_a_library_is_explained() -> None:
    @missing_libraries.explained
    def work(name: str) -> None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    with pytest.raises(MissingError, match="videos need it"):
        work("av.container")
    with pytest.raises(ModuleNotFoundError):
        work("hnn_engine.nothing")


def test_no_loops_no_word_until_that_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel_cache, "_absent", "")
    assert kernel_cache.slower() == kernel_cache.absent() == ""
