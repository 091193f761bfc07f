"""Rollouts of a 2-200-200-1 HNN: compiled, plain numpy, the way of the paper's code, and a thousand at once."""

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from unittest.mock import patch

import numpy as np
import torch
from scipy.integrate import solve_ivp

from benchmarks.figures import Aims, Figures, rounded, say, spread
from hnn_engine.compiled import load
from hnn_engine.coords import Array
from hnn_engine.experiment import new_experiment
from hnn_engine.fit_run import FitRun
from hnn_engine.integrators import rollout
from hnn_engine.snapshot import Snapshot, Swift
from hnn_engine.systems import get_system

AIMS: Aims = {"compiled_ms.median": ("≤", 35.0), "batch_s.median": ("≤", 8.0)}
RUNS = 15
BATCH_RUNS = 3
STEPS, HORIZON = 500, 20.0
TRAJECTORIES, THREADS = 1000, 2
START = (1.5, 0.0)
EVALUATIONS = 4 * STEPS  # of the field, in so many RK4 steps
FIT_STEPS = 200
PAPER_RTOL = 1e-12  # of its pendulum task; its atol is left at 1e-6


def measure(options: argparse.Namespace) -> Figures:
    """Time each way `--runs` times, the batch three times."""
    runs = options.runs or RUNS
    say("a short fit")
    snapshot, times = fitted(), np.linspace(0.0, HORIZON, STEPS + 1)
    start = np.array(START)
    say("plain numpy")
    with patch("hnn_engine.compiled._loops", None):
        plain = _timed(lambda: rollout(snapshot, start, times), runs)
    say("compiled (the first time on a machine the compiler takes its seconds)")
    load(build_elsewhere=True)
    compiled = _timed(lambda: rollout(fresh(snapshot), start, times), runs)
    swift = _timed(lambda: rollout(Swift(fresh(snapshot)), start, times), runs)
    say("truth: the double pendulum by DOP853 at 1e-12, by scipy and compiled")
    system = get_system("double-pendulum")
    with patch("hnn_engine.compiled._loops", None):
        scipy = _timed(lambda: rollout(system, system.default_start, times, "dop853"), runs)
    truth = _timed(lambda: rollout(system, system.default_start, times, "dop853"), runs)
    say("the paper's way")
    paper, evaluations = _paper(snapshot, start, times, runs)
    say(f"{TRAJECTORIES} trajectories on {THREADS} threads")
    batch = _batch(snapshot, times)
    each = paper["median"] / evaluations
    return {
        "compiled_ms": compiled,
        "swift_ms": swift,
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
        "runs": runs,
        "platform": "no window",
    }


def fitted() -> Snapshot:
    """Return a short fit of the paper's HNN to its pendulum: fresh weights give a field that hardly moves."""
    experiment = new_experiment("pendulum")
    models = tuple(spec for spec in experiment.models if spec.name == "hnn")
    settings = {**experiment.settings, "steps": FIT_STEPS}
    fit = FitRun(replace(experiment, models=models, settings=settings), experiment.dataset())
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
    starts = np.random.default_rng(0).uniform(-2.0, 2.0, (TRAJECTORIES, 2))
    with patch("os.cpu_count", return_value=THREADS):
        done = _timed(lambda: rollout(snapshot, starts, times), BATCH_RUNS)
    return {name: rounded(value / 1000) for name, value in done.items()}


class PaperField:
    """The field as the paper's code has it: float32, ∇H by autograd with a graph for second derivatives, each time."""

    def __init__(self, snapshot: Snapshot) -> None:
        torch.set_num_threads(1)
        weights = {name: torch.from_numpy(w).requires_grad_() for name, w in snapshot.weights.items()}
        self._w0, self._b0, self._w1, self._b1 = (weights[n] for n in ("w0", "b0", "w1", "b1"))
        self._out = weights["out"]
        self._turn = torch.tensor([[0.0, 1.0], [-1.0, 0.0]])
        self.evaluations = 0

    def __call__(self, t: float, coords: Array) -> Array:
        self.evaluations += 1
        x = torch.tensor(coords, requires_grad=True, dtype=torch.float32).view(1, 2)
        hidden = torch.tanh(x @ self._w0 + self._b0)
        energy = torch.tanh(hidden @ self._w1 + self._b1) @ self._out
        (gradient,) = torch.autograd.grad(energy.sum(), x, create_graph=True)
        field: Array = (gradient @ self._turn.t()).data.numpy().reshape(-1)
        return field


def _paper(snapshot: Snapshot, start: Array, times: Array, runs: int) -> tuple[dict[str, float], int]:
    """Return the spread in ms of adaptive rollouts over the same horizon, and the evaluations of one."""
    field = PaperField(snapshot)
    span = (0.0, HORIZON)
    done = _timed(lambda: solve_ivp(field, span, start, t_eval=times, rtol=PAPER_RTOL), runs)
    return done, field.evaluations // (runs + 1)
