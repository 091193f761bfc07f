"""What ends the program from outside: it ends cleanly, with the right code, and nothing that was reached is lost."""

import contextlib
import json
import os
import pty
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from hnn_engine import cli
from hnn_engine.cli import stopping, training
from hnn_engine.errors import RecordError
from hnn_engine.fit_run import FitRun
from hnn_engine.fitting.events import Event, Progress
from hnn_engine.journal import claim, entries
from hnn_engine.records import load_run
from hnn_engine.reproduction import FitCache

ROOT = Path(__file__).parents[2]
SMALL = "--system mass-spring --model baseline --trajectories 4 --points 6 --setting width=6"
TRAIN = ("train", *SMALL.split())
LONG = "--system mass-spring --model baseline --trajectories 4 --points 6 --steps 200000"  # minutes
PATIENCE = 90.0
pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows sends no signals to one process alone")


class Said(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    def run(*words: object) -> Said:
        code = cli.main([str(word) for word in words])
        return Said(code, *capsys.readouterr())

    return run


@pytest.fixture(autouse=True)
def handlers_stay() -> Iterator[None]:
    """Whatever happened, the handlers are as they were."""
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    yield
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before


def raise_at(step: int, numbers: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """Send signals when a fit has come to `step`."""

    def show(self: training.Meter, event: Event) -> None:
        if isinstance(event, Progress) and event.step == step:
            for number in numbers:
                signal.raise_signal(number)

    monkeypatch.setattr(training.Meter, "show", show)


# In this process ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_shutdown_keeps_the_weights_that_were_reached_without_judging_them(
    command: Callable[..., Said], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: int
) -> None:
    raise_at(7, (number,), monkeypatch)
    said = command(*TRAIN, "--steps", 5000, "--out", tmp_path / "run", "--json")
    assert said.code == code
    assert "Stopped at step 7; the run is kept without figures: 'hnn-lab evaluate' computes them." in said.err
    assert json.loads(said.out)["coord_mse"] is None
    run = load_run(tmp_path / "run")
    assert (run.ending, run.steps, run.figures) == ("stopped", 7, None)


def test_a_shutdown_while_judging_keeps_the_run(
    command: Callable[..., Said], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FitRun, "evaluate", lambda self: signal.raise_signal(signal.SIGTERM))
    said = command(*TRAIN, "--steps", 12, "--out", tmp_path / "run")
    assert (said.code, load_run(tmp_path / "run").steps) == (143, 12)
    assert "kept without figures" in said.err


def test_a_signal_while_the_run_is_written_waits_for_it(
    command: Callable[..., Said], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_run = training.write_run

    def interrupted(*arguments: Any) -> None:
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
        write_run(*arguments)

    monkeypatch.setattr(training, "write_run", interrupted)
    monkeypatch.setattr(FitRun, "evaluate", lambda self: None)
    assert command(*TRAIN, "--steps", 12, "--out", tmp_path / "run").code == 130
    assert load_run(tmp_path / "run").ending == "finished"


def test_of_a_terminal_that_closes_the_shell_passes_the_signal_on(
    command: Callable[..., Said], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raise_at(7, (signal.SIGHUP, signal.SIGHUP, signal.SIGTERM), monkeypatch)
    assert command(*TRAIN, "--steps", 5000, "--out", tmp_path / "run").code == 143
    assert load_run(tmp_path / "run").steps == 7


@pytest.mark.parametrize(("second", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_second_signal_ends_at_once(
    command: Callable[..., Said], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, second: int, code: int
) -> None:
    monkeypatch.setattr("hnn_engine.signals.TOGETHER", 0.0)
    raise_at(7, (signal.SIGTERM, second), monkeypatch)
    said = command(*TRAIN, "--steps", 5000, "--out", tmp_path / "run")
    assert (said.code, said.err, list(tmp_path.iterdir())) == (code, "hnn-lab: stopped\n", [])


def test_a_signal_while_data_is_made_ends_at_once(
    command: Callable[..., Said], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hnn_engine.experiment.Experiment.dataset", lambda *_: signal.raise_signal(signal.SIGTERM))
    said = command(*TRAIN, "--out", tmp_path / "run")
    assert (said.code, said.err, list(tmp_path.iterdir())) == (143, "hnn-lab: stopped\n", [])


def test_a_signal_just_before_the_first_step_stops_the_fit(
    command: Callable[..., Said], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = training.Meter.__init__

    def interrupted(self: training.Meter, *arguments: Any) -> None:
        signal.raise_signal(signal.SIGTERM)
        made(self, *arguments)

    monkeypatch.setattr(training.Meter, "__init__", interrupted)
    assert command(*TRAIN, "--steps", 5000, "--out", tmp_path / "run").code == 143
    assert load_run(tmp_path / "run").steps < 3


def test_figures_that_nobody_reads_do_not_hold_up_a_signal(
    command: Callable[..., Said], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hnn_engine.cli.commands._print_figures", lambda *_: signal.raise_signal(signal.SIGTERM))
    monkeypatch.setattr(FitRun, "evaluate", lambda self: None)
    said = command(*TRAIN, "--steps", 12, "--out", tmp_path / "run")
    assert (said.code, said.err.splitlines()[-1]) == (143, "hnn-lab: stopped")
    assert load_run(tmp_path / "run").steps == 12


CUT = """
import os, signal, sys

module = sys.argv.pop()

class Cut:
    def find_spec(self, name, path=None, target=None):
        if name == module:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Cut())
from app.main import main
sys.exit(main())
"""


@pytest.mark.parametrize(
    ("words", "module"),
    [
        ("systems", "hnn_engine.cli.parser"),
        ("systems", "numpy"),
        ("screenshot --system pendulum --out x.png", "PySide6.QtWidgets"),
        pytest.param("screenshot --system pendulum --out x.png", "app.widgets.plot", marks=pytest.mark.long),
        pytest.param("train --system pendulum --model hnn --out x", "scipy", marks=pytest.mark.long),
        pytest.param("train --system pendulum --model hnn --out x", "numba", marks=pytest.mark.long),
    ],
)
def test_ctrl_c_while_modules_load_leaves_no_traceback(words: str, module: str, tmp_path: Path) -> None:
    command = [sys.executable, "-c", CUT, *words.split(), module]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, timeout=PATIENCE, check=False)
    assert done.stderr.decode() in ("", "hnn-lab: stopped\n")
    assert done.returncode in (-signal.SIGINT, 130)


def test_what_is_ignored_at_the_start_stays_ignored(
    command: Callable[..., Said], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        raise_at(7, (signal.SIGHUP,), monkeypatch)
        monkeypatch.setattr(FitRun, "evaluate", lambda self: None)
        assert command(*TRAIN, "--steps", 12, "--out", tmp_path / "run").code == 0
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
    assert load_run(tmp_path / "run").steps == 12


def test_a_race_that_is_shut_down_says_how_the_lanes_stand(
    command: Callable[..., Said], monkeypatch: pytest.MonkeyPatch
) -> None:
    from hnn_engine.race import Race

    advance = Race.advance

    def interrupted(self: Race) -> Any:
        signal.raise_signal(signal.SIGTERM)
        return advance(self)

    monkeypatch.setattr(Race, "advance", interrupted)
    said = command("race", "mass-spring", "--recipes", "adam", "--json")
    assert said.code == 143
    assert json.loads(said.out)["lanes"][0]["ending"] == "stopped"


def test_a_shutdown_of_a_reproduction_keeps_the_fit_that_is_being_written(
    command: Callable[..., Said], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = FitCache.put

    def interrupted(self: FitCache, *arguments: Any) -> None:
        signal.raise_signal(signal.SIGTERM)
        put(self, *arguments)

    monkeypatch.setattr(FitCache, "put", interrupted)
    monkeypatch.setattr(FitRun, "evaluate", lambda self: None)
    monkeypatch.setattr(training.Meter, "show", lambda self, event: self._fit.stop())
    said = command("reproduce", "--task", "mass-spring", "--seeds", 1, "--keep", tmp_path)
    assert said.code == 143
    assert "Stopped after 0 of 2 fits" in said.err
    (folder,) = tmp_path.glob("*/*")
    assert load_run(folder).ending == "stopped"


def test_simulate_ends_at_once_and_leaves_the_old_file(
    command: Callable[..., Said], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "track.csv"
    target.write_text("old")
    monkeypatch.setattr("hnn_engine.cli.commands.rollout", lambda *_, **__: signal.raise_signal(signal.SIGTERM))
    assert command("simulate", "--system", "pendulum", "--out", target).code == 143
    assert target.read_text() == "old"


# A fit that finds no place --------------------------------------------------------------------------------------------


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk of --out is full when the fit is done."""

    def refuse(*_: Any) -> None:
        raise RecordError("runs/x cannot be written: choose another place") from OSError(28, "No space left on device")

    monkeypatch.setattr(training, "write_run", refuse)
    monkeypatch.setattr(FitRun, "evaluate", lambda self: None)


def test_on_a_full_disk_the_fit_goes_to_the_journal_and_is_said_to_be_there(
    command: Callable[..., Said], full: None, data_folder: Path, tmp_path: Path
) -> None:
    said = command(*TRAIN, "--steps", 12, "--out", tmp_path / "run")
    (entry,) = entries(data_folder / "journal")
    (place,) = entry.folder.glob("*/")
    assert said.code == 2
    assert "cannot be written (No space left on device), but the fit is kept in the journal" in said.err
    assert said.err.rstrip().endswith("evaluates it")
    assert f"'hnn-lab evaluate {place}'" in said.err or f"hnn-lab: The fit is in {place}\n" in said.err
    assert load_run(place).steps == 12
    assert len(claim(entry).load()[0].runs) == 1


def test_where_the_journal_is_full_too_the_fit_goes_to_a_temporary_folder_or_is_lost(
    command: Callable[..., Said], full: None, data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data_folder.write_text("in the way")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    said = command(*TRAIN, "--steps", 12, "--out", tmp_path / "run")
    (place,) = tmp_path.glob("hnn-lab-*/run")
    assert said.code == 2
    assert "is kept elsewhere, as the journal cannot be written either" in said.err
    assert f"'hnn-lab evaluate {place}'" in said.err or f"hnn-lab: The fit is in {place}\n" in said.err
    assert load_run(place).steps == 12
    monkeypatch.setattr(tempfile, "mkdtemp", lambda **_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    said = command(*TRAIN, "--steps", 12, "--out", tmp_path / "run")
    assert said.code == 2
    assert "the fit is lost" in said.err


# Real processes -------------------------------------------------------------------------------------------------------


class Fit:
    """A long fit in a process of its own, and what it says on a terminal: there it speaks often."""

    def __init__(self, out: Path, *before: str) -> None:
        self._ours, theirs = pty.openpty()
        words = [*before, sys.executable, "-m", "app.main", "train", *LONG.split(), "--out", str(out)]
        nowhere = subprocess.DEVNULL
        self.process = subprocess.Popen(words, cwd=ROOT, stdin=nowhere, stdout=nowhere, stderr=theirs)
        os.close(theirs)
        self.said = ""

    def __enter__(self) -> "Fit":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._ours)

    def read(self) -> bool:
        """Read what comes next; return whether anything does."""
        try:
            more = os.read(self._ours, 4096)
        except OSError:  # the other side is closed
            more = b""
        self.said += more.decode()
        return bool(more)

    def goes_on(self) -> None:
        """Wait for a new line of progress."""
        before = self.said.count("steps/s")
        while self.said.count("steps/s") == before:
            assert self.read(), self.said

    def end(self, number: int) -> int:
        """Send a signal, and return the exit code."""
        self.process.send_signal(number)
        while self.read():
            pass
        return self.process.wait(PATIENCE)


def ends(number: int, out: Path, code: int) -> None:
    with Fit(out) as fit:
        fit.goes_on()
        assert fit.end(number) == code
    assert "Stopped at step" in fit.said
    assert load_run(out).ending == "stopped"


def test_a_real_sigterm_leaves_a_run(tmp_path: Path) -> None:
    ends(signal.SIGTERM, tmp_path / "run", 143)


@pytest.mark.long
@pytest.mark.parametrize(("number", "code"), [(signal.SIGHUP, 129), (signal.SIGINT, 130)])
def test_any_real_signal_leaves_a_run(tmp_path: Path, number: int, code: int) -> None:
    ends(number, tmp_path / "run", code)


@pytest.mark.long
def test_where_a_hangup_is_ignored_as_nohup_has_it_the_fit_goes_on(tmp_path: Path) -> None:
    with Fit(tmp_path / "run", "sh", "-c", 'trap "" HUP; exec "$@"', "sh") as fit:
        fit.goes_on()
        fit.process.send_signal(signal.SIGHUP)
        fit.goes_on()
        fit.goes_on()
        assert fit.end(signal.SIGTERM) == 143
    assert load_run(tmp_path / "run").ending == "stopped"


def test_a_terminal_that_closes_ends_the_fit_and_keeps_it(tmp_path: Path) -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(ROOT)
        words = [sys.executable, "-m", "app.main", "train", *LONG.split(), "--out", str(tmp_path / "run")]
        os.execv(sys.executable, words)
    said = b""
    while b"steps/s" not in said:
        said += os.read(terminal, 4096)
    os.close(terminal)
    ended, status = await_end(pid)
    assert ended, "the fit goes on without its terminal"
    assert os.waitstatus_to_exitcode(status) == 129
    assert load_run(tmp_path / "run").ending == "stopped"


def await_end(pid: int) -> tuple[bool, int]:
    """Wait for a process of ours; end it where it does not end itself."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        gone, status = os.waitpid(pid, os.WNOHANG)
        if gone:
            return True, status
        time.sleep(0.05)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return False, 0


def test_the_names_of_the_signals_are_those_of_the_system() -> None:
    assert {signal.SIGINT, signal.SIGTERM, signal.SIGHUP} <= set(stopping.heeded())
