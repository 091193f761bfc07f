"""Processes beside the window: nothing from the folder one stands in is run, and none outlives the window."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from hnn_engine import child_processes, environment
from tests.reliability.tally import Tally

PATIENCE = 60.0  # s that a busy machine may take to begin or end something
LIBRARIES = ("numpy", "numba", "llvmlite", "scipy", "torch", "PIL", "av", "PySide6", "shiboken6", "qasync")
OTHERS = ("contourpy", "safetensors", "yaml", "app", "hnn_engine", "resources", "sitecustomize", "usercustomize")

# What runs beside the window: it compiles (here: finds everything compiled), fits live, and races.
BESIDE = """
import json, sys
from dataclasses import replace
from app.workers.child_process import ChildProcess
from app.workers.race_process import Entry, RaceEnded, serve
from app.workers.live_fit_process import LiveFitProcess, FitRequest
from hnn_engine import child_processes
from hnn_engine.experiment import default_settings, model_spec, new_experiment

def main():
    with child_processes.run_module("hnn_engine.kernels") as compiling:
        code = compiling.wait(400)
    hnn = (model_spec("hnn", {"width": 8}),)
    base = new_experiment("mass-spring")
    settings = default_settings("sampled", base.scene)
    data = {**base.data, "trajectories": 4}
    small = replace(base, models=hnn, recipe="sampled", settings=settings, data=data)
    refitter = LiveFitProcess()
    found = refitter(FitRequest(small, None), lambda share: None)
    refitter.close()
    child = ChildProcess(serve, "race")
    line = child.open()
    line.send(Entry(small, ("sampled",), found.data))
    while not isinstance(end := line.recv(), RaceEnded):
        pass
    child.close()
    print(json.dumps([code, len(found.snapshots), len(end.runs), end.problem]))

main()  # as in a script that opens the window, without a guard
"""


# What numba reads settings from files with, were it installed.
YAML = "def safe_load(file):\n    raise SystemExit('a file of settings was read')\n"


@pytest.fixture
def traps(tmp_path: Path) -> Path:
    """A folder with a file of the name of every module there is; each leaves a mark when it is run."""
    folder = tmp_path / "here"
    folder.mkdir()
    for name in {*sys.stdlib_module_names, *LIBRARIES, *OTHERS}:
        mark = f"open({str(tmp_path / 'marks')!r}, 'a').write({name!r} + chr(10))\n"
        (folder / f"{name}.py").write_text(mark)
    (folder / ".numba_config.yaml").write_text("disable_jit: 1\ncache_dir: .\n")
    return folder


def marks(traps: Path) -> str:
    file = traps.parent / "marks"
    return file.read_text() if file.exists() else ""


def lab(traps: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run the console script, standing among the traps."""
    script = Path(sys.executable).with_name("hnn-lab")
    if not script.exists():
        pytest.skip("the console script is not installed")
    return subprocess.run([script, *words], cwd=traps, capture_output=True, text=True, timeout=300, check=False)


def test_the_traps_are_traps(traps: Path) -> None:
    subprocess.run([sys.executable, "-c", "import numba"], cwd=traps, capture_output=True, check=False)
    assert marks(traps) != ""


def test_no_process_runs_what_lies_where_one_stands(traps: Path) -> None:
    script = traps.parent / "beside.py"
    script.write_text(BESIDE)
    (script.parent / "yaml.py").write_text(YAML)
    done = subprocess.run([sys.executable, script], cwd=traps, capture_output=True, text=True, timeout=500, check=False)
    assert marks(traps) == ""
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [0, 1, 1, ""]


def test_the_console_script_runs_nothing_that_lies_where_one_stands(traps: Path) -> None:
    done = lab(traps, "systems")
    assert (marks(traps), done.returncode) == ("", 0), done.stderr


@pytest.mark.long
@pytest.mark.parametrize(
    "command",
    [
        "train --system pendulum --model hnn --recipe sampled --trajectories 4 --out run",
        "race mass-spring --recipes sampled",
        "simulate --system two-body --out path.csv",
        "screenshot --system pendulum --size 1280x800 --out window.png",
        "film --help",
        "evaluate missing",
    ],
)
def test_no_command_runs_what_lies_where_one_stands(traps: Path, command: str) -> None:
    done = lab(traps, *command.split())
    assert marks(traps) == ""
    assert done.returncode == (2 if "missing" in command else 0), done.stderr
    assert "Traceback" not in done.stderr


def test_the_import_path_is_handed_over_in_full_and_without_the_present_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", "beside", "/somewhere"])
    assert child_processes.import_path() == [str(child_processes._ROOT), str(tmp_path / "beside"), "/somewhere"]


def test_others_are_started_safely_and_the_environment_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
    with child_processes.away_from_here():
        assert os.environ["PYTHONSAFEPATH"] == "1"
    assert "PYTHONSAFEPATH" not in os.environ


# The commit -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose settings name a program that leaves a mark, taken for the one this runs from."""
    if environment._program("git") is None or os.name == "nt":
        pytest.skip("no git, or no shell")
    folder, hook = tmp_path / "clone", tmp_path / "hook"
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path / 'marks'}\n")
    hook.chmod(0o755)
    git = ["git", "-C", str(folder), "-c", "user.name=A", "-c", "user.email=a@example.org"]
    folder.mkdir()
    (folder / "pyproject.toml").write_text('[project]\nname = "hnn-lab"\n')
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"], ["config", "core.fsmonitor", str(hook)]):
        subprocess.run([*git, *words], check=True)
    monkeypatch.setattr(environment, "ROOT", folder)
    return folder


def test_the_commit_is_told_without_running_what_the_settings_name(
    clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    assert len(environment.commit()) == 40
    (clone / "pyproject.toml").write_text('[project]\nname = "hnn-lab"\nversion = "2"\n')
    assert environment.commit().endswith("+changes")
    assert not (tmp_path / "marks").exists()


def test_the_commit_of_somebody_elses_repository_is_not_asked_for(clone: Path) -> None:
    (clone / "pyproject.toml").write_text('[project]\nname = "other"\n')
    assert environment.commit() == ""


def test_a_program_is_not_taken_from_where_one_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "git.exe" if os.name == "nt" else "git"
    (tmp_path / name).write_text("#!/bin/sh\n")
    (tmp_path / name).chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", os.pathsep.join(["", "."]))
    assert environment._program("git") is None
    monkeypatch.setenv("PATH", os.pathsep.join([".", str(tmp_path)]))
    assert environment._program("git") == str(tmp_path / name)


# Their end ------------------------------------------------------------------------------------------------------------

# Two processes in the midst of work that takes hours, and one that compiles.
BUSY = """
import sys, time
from app.workers.child_process import ChildProcess
from hnn_engine import child_processes
from works import works

def main():
    children = [ChildProcess(works, "busy") for _ in range(2)]
    lines = [child.open() for child in children]
    module = child_processes.run_module("sleeper")
    assert [line.recv() for line in lines] == ["works", "works"]
    print(module.pid, *[child.process.pid for child in children], flush=True)
    {end}

main()
"""
WORKS = """
def works(line):
    line.send("works")
    while True:
        sum(range(10**6))
"""
SLEEPER = "import time\nwhile True:\n    time.sleep(0.01)\n"


def gone(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Return what still lives after a while."""
    return [p for p in psutil.wait_procs(processes, timeout=PATIENCE)[1] if p.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.parametrize("end", ["time.sleep(3600)", "raise RuntimeError", "children[0].close()"])
def test_no_process_outlives_the_one_that_began_it(tmp_path: Path, end: str) -> None:
    (tmp_path / "sleeper.py").write_text(SLEEPER)
    (tmp_path / "works.py").write_text(WORKS)
    (tmp_path / "busy.py").write_text(BUSY.format(end=end))
    quiet = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([sys.executable, tmp_path / "busy.py"], **quiet) as parent:
        assert parent.stdout is not None
        begun = [int(word) for word in parent.stdout.readline().split()]
        if end.startswith("time"):
            parent.kill()
        parent.wait(PATIENCE)
    assert len(begun) == 3
    assert gone([psutil.Process(pid) for pid in begun if psutil.pid_exists(pid)]) == []


def test_a_process_that_is_deaf_is_ended() -> None:
    from app.workers.child_process import ChildProcess

    child = ChildProcess(_deaf, "deaf")
    assert child.open().recv() == "deaf"
    process = child.process
    assert process is not None
    assert process.pid is not None
    child.close()
    assert not psutil.pid_exists(process.pid)


def _deaf(line: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    line.send("deaf")  # type: ignore[attr-defined]
    time.sleep(3600)


# A real window with a live fit under way, a race in the midst of it, and its loops being compiled.
WINDOW = """
import asyncio, sys
from dataclasses import replace
from app.workers.race_process import Entry
from app.application import close_window, make_application, open_window
from app.workers.event_loop import event_loop

async def main(end):
    window = open_window()
    window.show()
    lab = window.lab
    while lab.answer is None or lab.dataset is None:
        await asyncio.sleep(0.02)
    lab.preload.start()
    from app.workers.race_process import RaceProcess
    from app.workers.live_fit_process import FitRequest
    lab.live_fit.want(replace(lab.experiment, recipe="paper"), None)
    runner = RaceProcess()
    experiment = replace(lab.experiment, settings={**lab.experiment.settings, "steps": 10**6})
    runner.start(Entry(experiment, ("paper",), lab.dataset))
    print("stands", flush=True)
    if end == "kill":
        await asyncio.sleep(3600)
    await asyncio.sleep(float(sys.argv[2]))
    if end == "error":
        raise RuntimeError
    runner.close()
    await close_window(window, remember=False)

application = make_application(["hnn-lab"])
application.setQuitOnLastWindowClosed(False)
with asyncio.Runner(loop_factory=lambda: event_loop(application)) as runner:
    runner.run(main(sys.argv[1]))
"""


@pytest.mark.long
@pytest.mark.parametrize("end", ["kill", "error", "close"])
@pytest.mark.parametrize("seconds", [0.0, 0.7, 2.0, 5.0])
def test_a_window_leaves_no_process_behind(tmp_path: Path, end: str, seconds: float, tally: Tally) -> None:
    package = tmp_path / "copy"  # whose loops are yet to be compiled
    for name in ("app", "hnn_engine", "resources"):
        shutil.copytree(environment.ROOT / name, package / name, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "window.py").write_text(WINDOW)
    variables = {**os.environ, "PYTHONPATH": str(package), "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    command = [sys.executable, str(tmp_path / "window.py"), end, str(seconds)]
    seen: dict[int, psutil.Process] = {}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=variables) as window:
        assert window.stdout is not None
        assert window.stdout.readline() == b"stands\n"
        watched, stop = psutil.Process(window.pid), time.monotonic() + seconds + 1.0
        while time.monotonic() < stop and window.poll() is None:
            seen |= {p.pid: p for p in watched.children(recursive=True)}
            time.sleep(0.02)
        if end == "kill":
            window.kill()
        window.wait(PATIENCE)
    ended = time.monotonic()
    assert gone(list(seen.values())) == []
    tally.add("windows ended", tried=1, processes=len(seen), seconds=round(time.monotonic() - ended, 2))
