"""Nothing of Qt's is loaded, and no class is made of it, but in the window's own thread; and no thread is Qt's."""

import ast
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

# A real window that tells what is loaded in other threads until it is whole, and which classes are made there.
WINDOW = """
import asyncio, gc, sys, threading
loaded, made = set(), set()

def hear(event, words):
    if event == "import" and threading.current_thread() is not threading.main_thread():
        loaded.add(words[0])

sys.addaudithook(hear)
import app.style.override_guard, app.application
from app.window.main_window import PLOTS
from PySide6.QtCore import QObject, QThread

before = vars(QObject).get("__init_subclass__")

def tell(cls, *args, **words):
    if threading.current_thread() is not threading.main_thread():
        made.add(cls.__name__)
    if before is not None:  # the guard of overrides
        before.__func__(cls, *args, **words)

QObject.__init_subclass__ = classmethod(tell)
opened = app.application.open_window

def elsewhere():
    import colorsys
    type("Class", (QObject,), {})

async def look(window):
    while not set(PLOTS) <= set(vars(window)) or not window.lab.preloaded:
        await asyncio.sleep(0.02)
    await asyncio.get_running_loop().run_in_executor(None, elsewhere)
    window.lab.training.start()
    while not window.lab.document.state.runs:
        await asyncio.sleep(0.02)
    await asyncio.sleep(0.5)
    threads = [type(o).__name__ for o in gc.get_objects() if issubclass(type(o), QThread)]
    print(sorted(loaded), sorted(made), threads, sep="\\n")
    window.closed.set()

def open_window(whole=True):
    from dataclasses import replace
    from hnn_engine.fit_run import FitRun
    FitRun.evaluate = lambda self: None
    window = opened(whole)
    now = window.lab.experiment
    window.lab.edit("A small fit", models=now.models[:1], settings={**now.settings, "steps": 5})
    window.spawn(look(window))
    return window

app.application.open_window = open_window
sys.exit(app.application.run(None))
"""


def test_what_is_of_qt_is_loaded_by_the_windows_thread_alone(tmp_path: Path) -> None:
    environment = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", WINDOW],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    loaded, made, threads = (set(ast.literal_eval(line)) for line in done.stdout.splitlines()[:3])
    assert made == {"Class"}, "the test sees what it makes itself, and nothing else is there"
    assert {"colorsys", "scipy.integrate"} <= loaded, "the test sees what other threads load"
    assert not threads, "they read the table of classes while they begin"
    assert not {name for name in loaded if name.startswith(("PySide6", "shiboken6"))}
