"""Real windows that are killed or told to end: what they held is offered by the next one."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hnn_engine.journal import claim, entries, journal_folder

ROOT = Path(__file__).parents[2]
PATIENCE = 90.0
pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows sends no signals to one process alone")

# A window with a hand that does what the arguments say, and tells what it sees.
HAND = """
import asyncio, sys
import app.workers.evaluation_worker, app.workers.journal_worker, app.application
from dataclasses import replace
from hnn_engine.experiment import model_spec

app.workers.journal_worker.EVERY = 3600.0 if "fit" in sys.argv else 0.2
opened = app.application.open_window

async def until(ready):
    while not ready():
        await asyncio.sleep(0.02)

def small(window, steps):
    now = window.lab.experiment
    models = tuple(model_spec(m.name, {**m.settings, "width": 8}) for m in now.models)
    window.lab.edit("A small fit", models=models, settings={**now.settings, "steps": steps})

async def fit(window, lab, journal):
    app.workers.evaluation_worker.evaluated_run = lambda run, data, progress: run
    small(window, 10)
    lab.training.start()
    await until(lambda: len(lab.document.state.runs) == 2 and not lab.training.worker.running)
    await until(lambda: journal.wait(0.0))
    small(window, 200000)
    await asyncio.sleep(0.1)
    lab.training.start()
    await until(lambda: any(s.step > 20 for s in lab.training.series.values()))
    print("fitting", flush=True)

async def take(window, lab, journal):
    from app.dialogs.unsaved_work_dialog import UnsavedDialog
    def dialogs():
        return [d for d in window.findChildren(UnsavedDialog) if d.isVisible()]
    await until(dialogs)
    print(dialogs()[0].list.item(0).text(), flush=True)
    dialogs()[0].open_it.click()
    await until(lambda: lab.document.dirty and journal.wait(0.0) and not journal._sources)
    print(len(lab.document.state.runs), lab.document.path, flush=True)

async def edit(window, lab, journal):
    lab.edit("An edit", start=(0.5, 0.25))
    await until(lambda: journal._handed is not None and journal.wait(0.0))
    print("edited", flush=True)

async def stand(window, lab, journal):
    print("stands", flush=True)

async def act(window):
    await until(lambda: window.lab.answer is not None)
    await globals()[sys.argv[1]](window, window.lab, window.journal)

def open_window(whole=True):
    window = opened(whole)
    window.spawn(act(window))
    return window

app.application.open_window = open_window
sys.exit(app.application.run(None))
"""


class Window:
    """A window in a process of its own; `say` gives its next line."""

    def __init__(self, deed: str, home: Path) -> None:
        environment = {**os.environ, "XDG_CONFIG_HOME": str(home), "HOME": str(home), "PYTHONFAULTHANDLER": "1"}
        words = [sys.executable, "-c", HAND, deed]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(words, cwd=ROOT, env=environment, stdout=pipe, stderr=pipe, text=True)

    def __enter__(self) -> "Window":
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.returncode is None:
            self.process.kill()
            self.process.communicate()

    def say(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline().rstrip()
        if not line:
            _, said = self.process.communicate(timeout=PATIENCE)
            pytest.fail(f"The window has ended with code {self.process.returncode}: {said}")
        return line

    def end(self, number: int) -> int:
        """Send a signal and return the exit code; nothing is said of what was cut off."""
        self.process.send_signal(number)
        _, said = self.process.communicate(timeout=PATIENCE)
        assert "Traceback" not in said, said
        return self.process.returncode


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A place for the settings."""
    return tmp_path


def test_a_window_killed_in_mid_fit_leaves_its_fits_and_the_next_one_takes_them_up(home: Path) -> None:
    with Window("fit", home) as window:
        assert window.say() == "fitting"
        assert entries(journal_folder()) == []
        window.process.kill()
        window.process.communicate()
    with Window("take", home) as window:
        said = window.say()
        assert "was not saved: Pendulum, 2 fits (Baseline · Paper · seed 0, HNN · Paper · seed 0)." in said
        assert window.say() == "2 None"
        assert entries(journal_folder()) == []
        assert window.end(signal.SIGTERM) == 143
    (entry,) = entries(journal_folder())
    session, problems = claim(entry).load()
    assert problems == ()
    assert [run.ending for run in session.runs] == ["finished", "finished"]


@pytest.mark.long
def test_a_signal_in_mid_fit_keeps_what_the_fit_has_reached(home: Path) -> None:
    with Window("fit", home) as window:
        assert window.say() == "fitting"
        assert window.end(signal.SIGHUP) == 129
    (entry,) = entries(journal_folder())
    session, _ = claim(entry).load()
    assert [run.ending for run in session.runs] == ["finished", "finished", "stopped", "stopped"]
    assert all(run.steps > 20 for run in session.runs[2:])


@pytest.mark.long
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)])
def test_any_signal_ends_a_window_and_keeps_its_edits(home: Path, number: int, code: int) -> None:
    with Window("edit", home) as window:
        assert window.say() == "edited"
        assert window.end(number) == code
    (entry,) = entries(journal_folder())
    assert claim(entry).load()[0].experiment.start == (0.5, 0.25)


@pytest.mark.long
def test_a_window_without_changes_leaves_nothing(home: Path) -> None:
    with Window("stand", home) as window:
        assert window.say() == "stands"
        assert window.end(signal.SIGTERM) == 143
    assert not journal_folder().exists()


@pytest.mark.long
def test_two_windows_at_once_do_not_mix(home: Path) -> None:
    with Window("edit", home) as one, Window("fit", home) as other:
        assert (one.say(), other.say()) == ("edited", "fitting")
        assert entries(journal_folder()) == []
        other.process.kill()
        other.process.communicate()
        (entry,) = entries(journal_folder())
        assert len(entry.runs) == 2
        assert one.end(signal.SIGTERM) == 143
    assert sorted(len(entry.runs) for entry in entries(journal_folder())) == [0, 2]
