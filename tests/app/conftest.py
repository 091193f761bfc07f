"""Fixtures of the window's tests: an event loop, the real window in it, settings of its own, and no leaks.

Tests that are coroutines run inside the event loop, as everything in the window does.
"""

import asyncio
import gc
import inspect
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from PySide6.QtCore import QEvent, QSettings, QTimer
from PySide6.QtWidgets import QApplication
from qasync import QEventLoop

import app.application
import app.model.settings
import app.workers.preload
from app.application import make_application
from app.style.apply import apply_theme
from app.style.theme import LIGHT
from app.workers.event_loop import event_loop
from hnn_engine.kernels import cache as kernel_cache
from hnn_engine.systems.n_body import NBody
from hnn_engine.systems.three_body import ThreeBody
from hnn_engine.systems.two_body import TwoBody
from tests.app.bench import Bench

TEST_SECONDS = 240.0


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a coroutine test in the loop of its `loop` fixture."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = inspect.signature(pyfuncitem.obj).parameters
    arguments = {name: pyfuncitem.funcargs[name] for name in names}
    loop = pyfuncitem.funcargs["loop"]
    assert isinstance(loop, QEventLoop)
    loop.run_until_complete(asyncio.wait_for(pyfuncitem.obj(**arguments), TEST_SECONDS))
    return True


@pytest.fixture(autouse=True)
def no_leaks(qapp: QApplication, request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail where a test leaves a top-level widget, a thread, a process or, in the window's tests, an active timer."""
    before = {**widgets_and_threads(), **processes()}
    yield
    for _ in range(3):
        qapp.processEvents()
        qapp.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    if "loop" in request.fixturenames:
        gc.collect()
        timers = active_timers()
        gc.freeze()  # what is left is looked at no more: neither here again nor by the next collection
    else:
        timers = []
    after = {**widgets_and_threads(), **processes()}
    left = [text for key, text in after.items() if key not in before] + timers
    assert not left, f"left behind: {sorted(left)}"


def widgets_and_threads() -> dict[tuple[str, int], str]:
    """Top-level widgets and threads, by kind and identity. Threads that Python did not start are torch's own."""
    widgets = QApplication.topLevelWidgets()
    threads = [t for t in threading.enumerate() if not isinstance(t, threading._DummyThread)]
    return {
        **{("widget", id(w)): f"widget {type(w).__name__}" for w in widgets},
        **{("thread", id(t)): f"thread {t.name}" for t in threads},
    }


def processes() -> dict[tuple[str, int], str]:
    """What this process has started and what that has, but for multiprocessing's own, which lasts as long as this."""
    found = {}
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # it ends meanwhile
            words = " ".join(process.cmdline())
            if process.status() != psutil.STATUS_ZOMBIE and "multiprocessing.resource_tracker" not in words:
                found["process", process.pid] = f"process {process.pid}: {words[:120]}"
    return found


def active_timers() -> list[str]:
    """The timers that tick, of those made since the last look."""
    # By type(): asking some objects for their class makes libraries warn.
    timers = [o for o in gc.get_objects() if issubclass(type(o), QTimer) and alive(o) and o.isActive()]
    return [f"timer of {t.parent()}, {t.interval()} ms" for t in timers]


def alive(timer: QTimer) -> bool:
    """Whether the timer behind the wrapper still exists."""
    try:
        timer.isActive()
    except RuntimeError:
        return False
    return True


@pytest.fixture(autouse=True)
def own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keep the settings of whoever runs the tests out of them, and theirs untouched."""
    file = str(tmp_path / "settings.ini")
    monkeypatch.setattr(app.model.settings, "QSettings", lambda *_: QSettings(file, QSettings.Format.IniFormat))
    app.model.settings.settings.cache_clear()
    yield
    app.model.settings.settings.cache_clear()


@pytest.fixture(autouse=True)
def few_orbits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the systems of several bodies open with a hundred orbits: following thousands takes a test ten seconds."""
    for system in (TwoBody, ThreeBody, NBody):
        monkeypatch.setattr(system, "data", replace(system.data, trajectories=100))


@pytest.fixture(scope="session", autouse=True)
def compiled_loops() -> None:
    """Load the compiled loops once, before any window: compiling them takes longer than a closing window waits."""
    kernel_cache.build()


@pytest.fixture
def loop(qapp: QApplication, monkeypatch: pytest.MonkeyPatch) -> Iterator[QEventLoop]:
    """An event loop on the dressed application."""
    # Dozens of dead windows are more garbage than one program ever makes: they are taken apart between the tests, and
    # never in the midst of one by a thread that happens to allocate.
    for module in (app.workers.preload, app.application):
        monkeypatch.setattr(module, "gc", SimpleNamespace(freeze=int, disable=int, collect=lambda generation: 0))
    gc.disable()
    make_application(["hnn-lab"])
    qapp.setQuitOnLastWindowClosed(False)
    apply_theme(qapp, LIGHT)
    hooks = sys.excepthook, threading.excepthook
    loop = event_loop(qapp)
    asyncio.set_event_loop(loop)
    yield loop
    loop.close()
    asyncio.set_event_loop(None)
    gc.enable()
    sys.excepthook, threading.excepthook = hooks
    apply_theme(qapp, LIGHT)


@pytest.fixture
def unevaluated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the evaluating of fits out, which takes some seconds each."""
    monkeypatch.setattr("app.workers.evaluation_worker.evaluated_run", lambda run, data, progress: run)


@pytest.fixture
def bench(loop: QEventLoop) -> Iterator[Bench]:
    """The real window on the pendulum, and hands to use it with."""
    bench = loop.run_until_complete(Bench.open())
    try:
        yield bench
    finally:
        loop.run_until_complete(bench.close())
    assert bench.unforeseen == [], "the window reported exceptions that nobody foresaw"
