"""Rollouts of a 2-200-200-1 HNN: compiled, plain numpy, the way of the paper's code, and a thousand at once.

Then those of every family at equal accuracy (`equal_accuracy`), one and a thousand at once.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from unittest.mock import patch

import numpy as np
from scipy.integrate import solve_ivp

from benchmarks.equal_accuracy import REACH, THREADS, TRAJECTORIES, PaperField, compared
from benchmarks.figures import Aims, Figures, rounded, say, spread
from hnn_engine.coords import Array
from hnn_engine.experiment import model_spec, new_experiment
from hnn_engine.fit_run import FitRun
from hnn_engine.kernels.cache import build
from hnn_engine.models import MODELS
from hnn_engine.rollouts.rollout import rollout
from hnn_engine.snapshot import Float32Snapshot, Snapshot
from hnn_engine.systems import get_system

FAMILIES = tuple(name for name, model in MODELS.items() if not model.observes_frames)
AIMS: Aims = {
    "compiled_ms.median": ("≤", 35.0),
    "batch_s.median": ("≤", 8.0),
    **{f"{model}.batch_1.faster": ("≥", 10.0) for model in FAMILIES},
    **{f"{model}.batch_1000.faster": ("≥", 80.0) for model in FAMILIES},
}
RUNS = 15
BATCH_RUNS = 3
STEPS, HORIZON = 500, 20.0
START = (1.5, 0.0)
EVALUATIONS = 4 * STEPS  # of the field, in so many RK4 steps
FIT_STEPS = 200
PAPER_RTOL = 1e-12  # of its pendulum task; its atol is left at 1e-6


def measure(options: argparse.Namespace) -> Figures:
    """Time each way `--runs` times, batches three times."""
    runs = options.runs or RUNS
    say("a short fit")
    snapshot, times = fitted(), np.linspace(0.0, HORIZON, STEPS + 1)
    start = np.array(START)
    say("plain numpy")
    with patch("hnn_engine.kernels.cache._loops", None):
        plain = _timed(lambda: rollout(snapshot, start, times), runs)
    say("compiled (the first time on a machine the compiler takes its seconds)")
    build()
    compiled = _timed(lambda: rollout(fresh(snapshot), start, times), runs)
    single_precision = _timed(lambda: rollout(Float32Snapshot(fresh(snapshot)), start, times), runs)
    say("truth: the double pendulum by DOP853 at 1e-12, by scipy and compiled")
    system = get_system("double-pendulum")
    with patch("hnn_engine.kernels.cache._loops", None):
        scipy = _timed(lambda: rollout(system, system.default_start, times, "dop853"), runs)
    truth = _timed(lambda: rollout(system, system.default_start, times, "dop853"), runs)
    say("the paper's way")
    paper, evaluations = _paper(snapshot, start, times, runs)
    say(f"{TRAJECTORIES} trajectories on {THREADS} threads")
    batch = _batch(snapshot, times)
    families = {model: _family(model, runs) for model in FAMILIES}
    each = paper["median"] / evaluations
    return {
        "compiled_ms": compiled,
        "single_precision_ms": single_precision,
        "truth_ms": truth,
        "truth_scipy_ms": scipy,
        "numpy_ms": plain,
        "paper_ms": paper,
        "paper_evaluations": evaluations,
        "paper_us_per_evaluation": rounded(1000 * each),
        "paper_ms_for_as_many_evaluations": rounded(EVALUATIONS * each),
        "evaluations": EVALUATIONS,
        "speedup": rounded(EVALUATIONS * each / compiled["median"], 3),
        "batch_s": batch,
        **families,
        "runs": runs,
        "platform": "no window",
    }


def _family(model: str, runs: int) -> Figures:
    say(f"{model}: one and {TRAJECTORIES} trajectories at equal accuracy")
    return compared(fitted(model), np.array(START), runs)


def fitted(model: str = "hnn") -> Snapshot:
    """Return a short fit of a family to the paper's pendulum: fresh weights give a field that hardly moves."""
    experiment = new_experiment("pendulum")
    settings = {**experiment.settings, "steps": FIT_STEPS}
    fit = FitRun(replace(experiment, models=(model_spec(model),), settings=settings), experiment.dataset())
    while fit.end is None:
        fit.advance()
    snapshot = fit.end.snapshot
    assert snapshot is not None
    return snapshot


def fresh(snapshot: Snapshot) -> Snapshot:
    """Return the same weights as a new snapshot: laying them out for the compiled loops counts, as it does live."""
    return replace(snapshot)


def _timed(work: Callable[[], object], runs: int) -> dict[str, float]:
    """Return the spread of `runs` timings in ms, after one that is not counted."""
    seconds = []
    for _ in range(runs + 1):
        began = time.perf_counter()
        work()
        seconds.append(1000 * (time.perf_counter() - began))
    return spread(seconds[1:])


def _batch(snapshot: Snapshot, times: Array) -> dict[str, float]:
    """Return the spread in seconds of a thousand rollouts at once."""
    starts = np.random.default_rng(0).uniform(-REACH, REACH, (TRAJECTORIES, 2))
    with patch("os.cpu_count", return_value=THREADS):
        done = _timed(lambda: rollout(snapshot, starts, times), BATCH_RUNS)
    return {name: rounded(value / 1000) for name, value in done.items()}


def _paper(snapshot: Snapshot, start: Array, times: Array, runs: int) -> tuple[dict[str, float], int]:
    """Return the spread in ms of adaptive rollouts over the same horizon, and the evaluations of one."""
    field = PaperField(snapshot)
    span = (0.0, HORIZON)
    done = _timed(lambda: solve_ivp(field, span, start, t_eval=times, rtol=PAPER_RTOL), runs)
    return done, field.evaluations // (runs + 1)
