"""Evaluate a run again, and say how its model keeps the true energy on one rollout.

    python examples/evaluate_run.py comparison/hnn

Prints every figure of docs/figures.md, then the largest change of energy along the run's own rollout.
"""

import argparse
from dataclasses import fields
from pathlib import Path

import numpy as np

from hnn_engine.evaluation import evaluate
from hnn_engine.kernels import cache
from hnn_engine.records import Run, load_run
from hnn_engine.rollouts.energy_drift import energy_drift
from hnn_engine.rollouts.rollout import rollout


def largest_drift(run: Run) -> float | None:
    """Return max |H(x̂(t)) − H(x(0))| / E along the model's rollout, H and E the true system's; None of a recording,
    whose H is not known, and of a model of frames."""
    experiment = run.experiment
    system = experiment.system
    if system is None or experiment.frame_size:
        return None
    start, times = np.array(experiment.start), experiment.rollout.times
    truth = rollout(system, start, times, "dop853", tolerance=1e-12).coords
    followed = rollout(run.snapshot, start, times, "dop853", tolerance=1e-9).coords
    return float(np.nanmax(np.abs(energy_drift(system, followed, truth))))


def main(arguments: list[str] | None = None) -> None:
    """Carry out what the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("run", type=Path, help="folder of a run, as 'hnn-lab train' and the other example write it")
    options = parser.parse_args(arguments)
    cache.load_compiled()  # the compiled loops, where there are: without them everything works, more slowly
    run = load_run(options.run)
    experiment = run.experiment
    figures = evaluate(run.snapshot, experiment.dataset(), experiment.reference_system, experiment.recording)
    print(run.title)
    for field in fields(figures):
        value = getattr(figures, field.name)
        print(f"{field.name:<20} {'–' if value is None else f'{value:.4g}'}")
    drift = largest_drift(run)
    if drift is not None:
        print(f"The energy changes by up to {100 * drift:.2g} % in {experiment.rollout.horizon:g} s")


if __name__ == "__main__":
    main()
