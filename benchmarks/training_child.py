"""The window's interleaved training in a process of its own: `python -m benchmarks.training_child SETTLE SECONDS`.

Both models of the pendulum, recipe `paper`, the same seeds. Prints one line when it begins to count and then one
JSON line with steps and seconds.
"""

import json
import sys
import time
from dataclasses import replace

from hnn_engine.experiment import new_experiment
from hnn_engine.fit_run import FitRun
from hnn_engine.fitting.events import Progress

STEPS = 100_000


def fits() -> list[FitRun]:
    """Return the fits that the window's job makes of the pendulum."""
    experiment = new_experiment("pendulum")
    experiment = replace(experiment, settings={**experiment.settings, "steps": STEPS})
    data = experiment.dataset()
    return [FitRun(replace(experiment, models=(spec,)), data) for spec in experiment.models]


def train(runs: list[FitRun], seconds: float) -> tuple[int, float]:
    """Step the fits in turn for so long; return the steps made and the time taken."""
    began, steps = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        for run in runs:
            steps += isinstance(run.advance(), Progress)
    return steps, time.perf_counter() - began


def main(settle: float, seconds: float) -> None:
    """Settle, then count."""
    runs = fits()
    train(runs, settle)
    print("counting", flush=True)
    steps, took = train(runs, seconds)
    print(json.dumps({"steps": steps, "seconds": took}), flush=True)


if __name__ == "__main__":
    main(float(sys.argv[1]), float(sys.argv[2]))
