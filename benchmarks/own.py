"""Systems of one's own: from a changed formula to its motion, and evaluation beside the built-in systems.

The formulas are changed at every key, so that nothing that was made for one serves the next. No window is open: what a
window adds is measured with its panel.
"""

import argparse
import time
from collections.abc import Callable
from unittest.mock import patch

import numpy as np

from benchmarks.figures import Aims, Figures, rounded, say, spread
from hnn_engine.coords import Array
from hnn_engine.kernels.cache import load
from hnn_engine.own_systems.definition import define
from hnn_engine.own_systems.system import OwnSystem, own_system
from hnn_engine.rollouts.collocation import collocate
from hnn_engine.rollouts.rollout import rollout
from hnn_engine.systems import System, get_system

AIMS: Aims = {
    "key_ms.p95": ("≤", 100.0),
    "compile_ms.p95": ("≤", 2000.0),
    **{f"{name}.{way}": ("≤", 1.3) for name in ("pendulum", "double-pendulum") for way in ("compiled", "numpy")},
}
RUNS = 40
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
    say("from a key to the motion, in numpy")
    _key(0)
    keys = [_milliseconds(lambda i=i: _key(i)) for i in range(1, runs + 1)]  # type: ignore[misc]
    load()
    say("machine code of a formula")
    compiled = [_milliseconds(_first_compiled(i)) for i in range(runs)][1:]
    say("evaluation beside the built-in systems")
    ratios = {name: _ratios(name, runs) for name in FORMULAS}
    return {
        "key_ms": _with_p95(keys),
        "compile_ms": _with_p95(compiled),
        **ratios,
        "runs": runs,
        "platform": "no window",
    }


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
