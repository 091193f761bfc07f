"""Which networks are best for the recipes that solve for their weights, by system: what automatic sizes are made of.

Each size is fitted to the same data by the same recipe, over several seeds of data; of each the median seconds, and the
medians of what the honest tests say (`hnn_engine.evaluation`): error of the field on noise-free test states, error of
coordinates along rollouts, and valid time. A recording has no true field: there it is the test loss. Of a size that
takes more than `LIMIT` seconds, larger ones are not tried.
"""

import argparse
import statistics
from dataclasses import replace

from benchmarks.figures import Aims, BenchmarkError, Figures, rounded, say
from hnn_engine.datasets import Dataset
from hnn_engine.evaluation import Figures as Judgement
from hnn_engine.experiment import Experiment, automatic_size, checked, default_settings, model_spec, new_experiment
from hnn_engine.fit_run import FitRun
from hnn_engine.fitting.network_sizes import NetworkSize
from hnn_engine.kernels import cache as kernel_cache

SEEDS = 5
LIMIT = 10.0  # seconds that a fit may take
AGAIN, SHORT = 5, 0.2  # how often a fit of so many seconds is timed
FIGURES = ("field_mse", "coord_mse", "valid_time", "test_loss", "in_step")
RECORDING = "recording"
PROBLEMS: dict[str, tuple[str, ...]] = {
    "mass-spring": ("sampled", "denoise", "lbfgs"),
    "pendulum": ("sampled", "denoise", "lbfgs"),
    "damped-pendulum": ("sampled", "denoise", "lbfgs"),
    "duffing": ("sampled", "denoise", "lbfgs"),
    RECORDING: ("sampled", "denoise", "lbfgs"),
    "double-pendulum": ("sampled", "denoise", "lbfgs"),
    "henon-heiles": ("sampled", "denoise", "lbfgs"),
    "spring-pendulum": ("sampled", "denoise", "lbfgs"),
    "two-body": ("sampled", "denoise", "lbfgs"),
    "three-body": ("sampled", "denoise", "lbfgs"),
    "pixel-pendulum": ("sampled-film",),
}
DAMPED = "dissipative-hnn"  # the model where energy is lost
TRIED = {
    1: ((40, 1), (60, 1), (100, 1), (200, 1), (200, 2)),
    2: ((150, 1), (300, 1), (600, 1), (1000, 1), (200, 2)),
    4: ((300, 1), (600, 1), (1000, 1), (1500, 1), (200, 2)),
    6: ((600, 1), (1000, 1), (1500, 1), (2000, 1), (200, 2)),
}
AIMS: Aims = {}


def measure(options: argparse.Namespace) -> Figures:
    """Fit each size by each recipe on `--runs` seeds of data; `--task` chooses a system, or SYSTEM:RECIPE."""
    if not kernel_cache.load():
        raise BenchmarkError("there are no compiled loops to measure on this machine")
    chosen, _, recipe = (options.task or "").partition(":")
    if chosen and chosen not in PROBLEMS:
        raise BenchmarkError(f"there is no task '{chosen}' here: choose one of {', '.join(PROBLEMS)}")
    found: Figures = {}
    for problem, recipes in PROBLEMS.items():
        if chosen in ("", problem):
            data = _data(problem, options.runs or SEEDS)
            found[problem] = {name: _recipe(problem, name, data) for name in recipes if recipe in ("", name)}
    return {**found, "seeds": options.runs or SEEDS, "platform": "no window"}


def _data(problem: str, seeds: int) -> list[tuple[Experiment, Dataset]]:
    made: list[tuple[Experiment, Dataset]] = []
    for seed in range(seeds):
        one = replace(_experiment(problem), seed=seed)
        made.append((one, one.dataset() if problem != RECORDING or not made else made[0][1]))
    return made


def _experiment(problem: str) -> Experiment:
    if problem == RECORDING:
        from hnn_engine.experiment import recording_experiment
        from hnn_engine.recordings import read_shipped_recording

        base = recording_experiment(read_shipped_recording())
    else:
        base = new_experiment(problem)
    damped = base.system is None or base.system.damped
    model = DAMPED if damped else "pixel-hnn" if base.scene.observed else "hnn"
    return replace(base, models=(model_spec(model),))


def _recipe(problem: str, recipe: str, data: list[tuple[Experiment, Dataset]]) -> Figures:
    base = replace(data[0][0], recipe=recipe, settings=default_settings(recipe, data[0][0].scene))
    found: Figures = {"automatic": str(automatic_size(base))}
    slow = False
    for width, depth in TRIED[base.scene.dof]:
        size = NetworkSize(width, depth)
        if slow and depth == 1:
            continue
        one = _size(recipe, size, data)
        found[str(size)] = one
        slow = slow or one["seconds"] > LIMIT
        say(f"{problem} {recipe} {size}: {one}")
    return found


def _size(recipe: str, size: NetworkSize, data: list[tuple[Experiment, Dataset]]) -> Figures:
    seconds, judged = [], []
    for base, rows in data:
        spec = model_spec(base.models[0].name, {"width": size.width, "depth": size.depth})
        settings = default_settings(recipe, base.scene)
        one = checked(replace(base, models=(spec,), recipe=recipe, settings=settings))
        run = _fitted(one, rows)
        times = [run.seconds] if run.seconds > SHORT else [_fitted(one, rows).seconds for _ in range(AGAIN)]
        seconds.append(statistics.median(times))
        figures = run.evaluate()
        if figures is None:
            raise BenchmarkError(f"a fit by {recipe} failed: {getattr(run.end, 'message', run.end)}")
        judged.append(figures)
    return {"seconds": rounded(statistics.median(seconds), 3), **_medians(judged)}


def _medians(judged: list[Judgement]) -> Figures:
    found: Figures = {}
    for name in FIGURES:
        values = [getattr(one, name) for one in judged]
        if all(value is not None for value in values):
            found[name] = rounded(statistics.median(values), 3)
    return found


def _fitted(experiment: Experiment, data: Dataset) -> FitRun:
    run = FitRun(experiment, data)
    while run.end is None:
        run.advance()
    return run
