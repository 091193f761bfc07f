"""How cost grows with data, width and bodies: time and peak memory, and the exponents that fit them.

Each case runs in a process of its own, in which everything is loaded and the same work has been done once at a size
below all others; memory is what the peak then rises by, the data among it. Exponents are slopes of the logarithms by
least squares, over all sizes and over the larger half of them, where what is constant counts least.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import ParamSpec, TypeVar

import numpy as np

from benchmarks.figures import Aims, BenchmarkError, Figures, rounded, say
from benchmarks.synthetic import random_task
from hnn_engine.experiment import default_settings
from hnn_engine.kernels import cache as kernel_cache
from hnn_engine.rollouts.rollout import rollout
from hnn_engine.systems import get_system
from hnn_engine.systems.n_body import NBody

RUNS = 5
SHORTEST = 0.05  # s that a run takes at least: what is shorter is done again within it
LEAST = 0.25  # MB, below which growth says nothing: pages that were free anyway
MODEL = "hnn"
WIDTH, DEPTH = 200, 2
RATE, DECAY = 1e-3, 1e-4
ORBIT = np.linspace(0.0, 3.0, 31)  # s

Work = Callable[[], object]
P = ParamSpec("P")
R = TypeVar("R")


def step_work(rows: int, dof: int, width: int) -> Work:
    """Return one step of Adam on all of `rows` rows."""
    from hnn_engine.fitting.gradient.objective import FieldObjective

    task = random_task(MODEL, rows, dof, {"width": width, "depth": DEPTH}, {"weight-decay": DECAY})
    objective = FieldObjective(task, np.random.default_rng(0), scaled=False)
    chosen = objective.rows(np.ones(rows, dtype=bool))
    return lambda: objective.backend.step(chosen, RATE, float("inf"))


def sampled_work(rows: int, dof: int, width: int) -> Work:
    """Return a whole closed form on `rows` rows, a tenth of which test."""
    from hnn_engine.fitting.random_features.states import SampledFieldFit

    settings = default_settings("sampled", get_system("pendulum"))
    task = random_task(MODEL, rows, dof, {"width": width, "depth": 1}, settings)
    return lambda: list(SampledFieldFit(task).events())


def truth_work(bodies: int) -> Work:
    """Return the true motion of a ring of so many bodies over three seconds, by DOP853 at 10⁻¹².

    Of the ring that turns rigidly: what is kicked may meet, and then one close encounter costs more than all else.
    """
    system = NBody({"bodies": bodies})
    return lambda: rollout(system, system.typical_orbit, ORBIT, "dop853")


@dataclass(frozen=True)
class Axis:
    """What grows: its sizes, one below them that is not counted, and the works by their names."""

    below: int
    sizes: tuple[int, ...]
    works: Mapping[str, Callable[[int], Work]]


AXES: dict[str, Axis] = {
    "data": Axis(
        100,
        (1_000, 10_000, 100_000, 1_000_000),
        {"step": lambda rows: step_work(rows, 1, WIDTH), "sampled": lambda rows: sampled_work(rows, 1, 100)},
    ),
    "width": Axis(
        20,
        (50, 100, 200, 400, 800),
        {"step": lambda width: step_work(1_000, 1, width), "sampled": lambda width: sampled_work(1_000, 1, width)},
    ),
    "bodies": Axis(
        2,
        (2, 4, 8, 16, 32),
        {
            "truth": truth_work,
            "step": lambda bodies: step_work(200, 2 * bodies, WIDTH),
            "sampled": lambda bodies: sampled_work(1_000, 2 * bodies, 200),
        },
    ),
}
LINEAR, QUADRATIC = 1.1, 2.1
AIMS: Aims = {
    **{
        f"data.{work}.{figure}": ("≤", LINEAR)
        for work in AXES["data"].works
        for figure in ("ms_exponent", "ms_exponent_larger", "mb_exponent_larger")
    },
    "width.step.ms_exponent": ("≤", QUADRATIC),
    "width.step.ms_exponent_larger": ("≤", QUADRATIC),
    "width.step.mb_exponent_larger": ("≤", QUADRATIC),
}


def measure(options: argparse.Namespace) -> Figures:
    """Measure every case; the median of `--runs` timings each."""
    runs = options.runs or RUNS
    say("loading (the first time on a machine the compiler takes its seconds)")
    if not _apart(kernel_cache.build):
        raise BenchmarkError("there are no compiled loops to measure on this machine")
    figures: Figures = {axis: {work: _grown(axis, work, runs) for work in AXES[axis].works} for axis in AXES}
    return {**figures, "runs": runs, "model": MODEL, "platform": "no window"}


def _grown(axis: str, work: str, runs: int) -> Figures:
    """Return times in ms and memory in MB by size, and their exponents."""
    sizes = AXES[axis].sizes
    found = []
    for size in sizes:
        say(f"{axis}, {work}: {size}")
        found.append(_apart(case, axis, work, size, runs))
    columns = {name: [one[name] for one in found] for name in ("ms", "mb")}
    return {
        **{name: dict(zip(map(str, sizes), map(rounded, column), strict=True)) for name, column in columns.items()},
        **exponents("ms", sizes, columns["ms"], 0.0),
        **exponents("mb", sizes, columns["mb"], LEAST),
    }


def _apart(work: Callable[P, R], *arguments: P.args, **named: P.kwargs) -> R:
    """Return what `work` returns in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, *arguments, **named).result()


def case(axis: str, work: str, size: int, runs: int) -> dict[str, float]:
    """Return the median time in ms, and by how many MB the peak of memory rises."""
    kernel_cache.build()
    make = AXES[axis].works[work]
    make(AXES[axis].below)()
    before = peak_mb()
    prepared = make(size)
    prepared()
    seconds = statistics.median(_seconds(prepared) for _ in range(runs))
    return {"ms": 1000 * seconds, "mb": peak_mb() - before}


def _seconds(work: Work) -> float:
    """Return what `work` takes, from as many goes as fill the shortest run."""
    began, count, taken = time.perf_counter(), 0, 0.0
    while taken < SHORTEST:
        work()
        count, taken = count + 1, time.perf_counter() - began
    return taken / count


def peak_mb() -> float:
    """Return the most resident memory that this process has had, in MB."""
    try:
        import resource
    except ImportError:
        raise BenchmarkError("scale reads the peak of memory from getrusage, which this machine lacks") from None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def exponents(name: str, sizes: Sequence[int], values: Sequence[float], least: float) -> Figures:
    """Return the exponents of `values` by `sizes`, over all and over the larger half; those above `least` count."""
    half = len(sizes) // 2
    return {
        f"{name}_exponent": exponent(sizes, values, least),
        f"{name}_exponent_larger": exponent(sizes[half:], values[half:], least),
    }


def exponent(sizes: Sequence[int], values: Sequence[float], least: float = 0.0) -> float | None:
    """Return the slope of log value against log size by least squares; None with less than two values above `least`."""
    pairs = [(size, value) for size, value in zip(sizes, values, strict=True) if value > least]
    if len(pairs) < 2:
        return None
    x, y = np.log(np.array(pairs, dtype=np.float64)).T
    return rounded(float(np.polyfit(x, y, 1)[0]), 3)
