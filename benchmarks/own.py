"""Systems of one's own: from a key to the picture and from a changed formula to its motion, and evaluation beside the
built-in systems.

The formulas are changed at every key, so that nothing that was made for one serves the next. In the window a digit is
typed into a number of the formula; the key has arrived in the picture when a repaint is complete that shows the
motion of just this text.
"""

import argparse
import asyncio
import time
from collections.abc import Callable
from unittest.mock import patch

import numpy as np
from PySide6.QtGui import QTextCursor
from PySide6.QtTest import QTest

from benchmarks.figures import Aims, Figures, rounded, say, spread
from benchmarks.stand import Paint, WatchedWindow, in_window, platform_name, ready, until
from hnn_engine.coords import Array
from hnn_engine.kernels.cache import load
from hnn_engine.own_systems.definition import define
from hnn_engine.own_systems.system import OwnSystem, own_system
from hnn_engine.rollouts.collocation import collocate
from hnn_engine.rollouts.rollout import rollout
from hnn_engine.systems import System, get_system

AIMS: Aims = {
    "window_key_ms.p95": ("≤", 100.0),
    "key_ms.p95": ("≤", 100.0),
    "compile_ms.p95": ("≤", 2000.0),
    **{f"{name}.{way}": ("≤", 1.3) for name in ("pendulum", "double-pendulum") for way in ("compiled", "numpy")},
}
RUNS = 40
KEY_SECONDS = 0.15  # between the picture and the next key
TYPED = ("p^2/(2m) + k q^2/2 + 0.1", " a q^4")  # digits go between the two
DIGITS = 20  # that are typed before the number begins anew
TIMES = np.linspace(0.0, 20.0, 251)  # as far and as finely as a preview
BATCH = 2000  # states
FORMULAS = {
    "pendulum": ("p^2/(2m l^2) + m g l (1 - cos q)", (), {"m": 0.5, "g": 6.0}),
    "double-pendulum": (
        "(m2 l2^2 p_a^2 + (m1 + m2) l1^2 p_b^2 - 2 m2 l1 l2 p_a p_b cos(a - b))"
        "/(2 m2 l1^2 l2^2 (m1 + m2 sin(a - b)^2)) + (m1 + m2) g l1 (1 - cos a) + m2 g l2 (1 - cos b)",
        ("a", "b"),
        {"g": 9.81},
    ),
}


def measure(options: argparse.Namespace) -> Figures:
    """Time each way `--runs` times."""
    runs = options.runs or RUNS
    say("from a key to the picture, in the window")
    window, platform = in_window(lambda window: _typed(window, 2 * runs))
    say("from a key to the motion, in numpy")
    _key(0)
    keys = [_milliseconds(lambda i=i: _key(i)) for i in range(1, runs + 1)]  # type: ignore[misc]
    load()
    say("machine code of a formula")
    compiled = [_milliseconds(_first_compiled(i)) for i in range(runs)][1:]
    say("evaluation beside the built-in systems")
    ratios = {name: _ratios(name, runs) for name in FORMULAS}
    return {
        "window_key_ms": _with_p95(window),
        "key_ms": _with_p95(keys),
        "compile_ms": _with_p95(compiled),
        **ratios,
        "runs": runs,
        "platform": platform,
    }


async def _typed(window: WatchedWindow, keys: int) -> tuple[list[float], str]:
    """Type digits into a formula; return for each how long it took into the picture, ms, and what Qt draws on."""
    lab, watch = window.lab, window.watch
    assert watch is not None
    window.type_own()
    await until(lambda: lab.experiment.definition is not None, "no system was typed")
    await ready(window)
    editor = window.system.own
    assert editor is not None
    took, text = [], ""
    shown_at: list[float] = []

    def on_paint(paint: Paint) -> None:
        definition = lab.answer.request.experiment.definition if lab.answer is not None else None
        if definition is not None and definition.hamiltonian == text and not shown_at:
            shown_at.append(paint.done)

    watch.on_paint = on_paint
    for key in range(keys):
        if key % DIGITS == 0:
            editor.text.set_text(f"{TYPED[0]}{TYPED[1]}")
            editor.text.moveCursor(QTextCursor.MoveOperation.Start)
            for _ in TYPED[0]:
                editor.text.moveCursor(QTextCursor.MoveOperation.Right)
        shown_at.clear()
        began, digit = time.perf_counter(), str(1 + key % 9)
        QTest.keyClicks(editor.text, digit)
        text = editor.text.text()
        await until(lambda: bool(shown_at), "a key did not arrive in the picture", 10.0)
        took.append(1000 * (shown_at[0] - began))
        await asyncio.sleep(KEY_SECONDS)
    return took, platform_name()


def _with_p95(values: list[float]) -> dict[str, float]:
    return {**spread(values), "p95": rounded(float(np.percentile(values, 95)))}


def _key(number: int) -> None:
    """Do all that a key asks of the engine: the formula, its form, its picture, and its motion without machine code."""
    system = own_system(define(f"p^2/(2m) + k q^2/2 + 0.{number:03d} a q^4"))
    system.geometry(np.array([1.0]))
    with patch("hnn_engine.kernels.cache._loops", None):
        collocate(system.field, np.array([1.0, 0.0]), TIMES)


def _first_compiled(number: int) -> Callable[[], object]:
    system = own_system(define(f"p^2/(2m) + k q^2/2 + 0.{number:03d} a cos(q)"))
    return lambda: rollout(system, np.array([1.0, 0.0]), TIMES[:2], "dop853")


def _ratios(name: str, runs: int) -> Figures:
    """Return how many times as long the typed system takes: the truth compiled, and the field of a batch in numpy."""
    text, names, constants = FORMULAS[name]
    own, known = own_system(define(text, names, constants=constants)), get_system(name)
    _check(own, known)
    start = known.default_start
    states = known.sample_starts(np.random.default_rng(0), BATCH)
    ways: dict[str, Callable[[System], object]] = {
        "compiled": lambda system: rollout(system, start, TIMES, "dop853"),
        "numpy": lambda system: system.field(states),
    }
    found = {}
    for way, work in ways.items():
        pairs = [(_milliseconds(lambda: work(own)), _milliseconds(lambda: work(known))) for _ in range(runs + 1)]  # noqa: B023
        mine, theirs = (float(np.median(column)) for column in zip(*pairs[1:], strict=True))
        found[way] = rounded(mine / theirs, 3)
    return found


def _check(own: OwnSystem, known: System) -> None:
    """Assert that both move alike."""
    states: Array = known.sample_starts(np.random.default_rng(1), 20)
    assert np.allclose(own.field(states), known.field(states), rtol=1e-9), known.name


def _milliseconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - began)
