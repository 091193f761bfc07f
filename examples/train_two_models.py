"""Fit a plain network and a Hamiltonian one to the same noisy data, keep both runs, and plot them.

    python examples/train_two_models.py --system pendulum --out comparison

Writes comparison/baseline and comparison/hnn, runs that `hnn-lab` opens, and comparison/plots.html: truth and data,
the orbit of each model, losses, energy and error over time. It needs what the program needs, and no window.
"""

import argparse
from dataclasses import replace
from pathlib import Path

from hnn_engine.experiment import Experiment, default_settings, model_spec, new_experiment
from hnn_engine.fit_run import FitRun
from hnn_engine.kernels import cache
from hnn_engine.records import Run, write_file, write_run
from hnn_engine.reproduction.plots import task_plots
from hnn_engine.reproduction.style import STYLE

MODELS = ("baseline", "hnn")


def the_experiment(options: argparse.Namespace) -> Experiment:
    """Return what is fitted: the system with its own data, with what the options say instead."""
    experiment = new_experiment(options.system)
    settings = default_settings(options.recipe, experiment.scene)
    if options.steps is not None:
        settings["steps"] = options.steps
    return replace(
        experiment,
        models=tuple(model_spec(name, {"width": options.width}) for name in MODELS),
        recipe=options.recipe,
        settings=settings,
        data={**experiment.data, "trajectories": options.trajectories},
        seed=options.seed,
    )


def fitted(experiment: Experiment, model: str) -> Run:
    """Fit one model of `experiment` from its first step to its last, and evaluate it."""
    spec = next(spec for spec in experiment.models if spec.name == model)
    fit = FitRun(replace(experiment, models=(spec,)), experiment.dataset())
    while fit.end is None:
        fit.advance()  # one step; what it returns says how far the fit is
    run = fit.as_run(fit.evaluate())
    if run is None:
        raise SystemExit(f"The fit of {model} left no weights")
    return run


def page(title: str, runs: list[Run]) -> str:
    """Return a page with the plots, which needs nothing else."""
    figures = "\n".join(f"<figure>{plot}</figure>" for plot in task_plots(runs))
    head = f'<meta charset="utf-8"><title>{title}</title><style>{STYLE}</style>'
    return (
        f"<!DOCTYPE html><html><head>{head}</head>"
        f'<body><main><h1>{title}</h1><div class="plots">{figures}</div></main></body></html>\n'
    )


def main(arguments: list[str] | None = None) -> None:
    """Carry out what the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--system", default="pendulum", help="see 'hnn-lab systems' (pendulum)")
    parser.add_argument("--recipe", default="paper", help="see 'hnn-lab recipes' (paper)")
    parser.add_argument("--steps", type=int, help="of a fit by gradient (the recipe's own)")
    parser.add_argument("--width", type=int, default=200, help="units of each hidden layer (200)")
    parser.add_argument("--trajectories", type=int, default=50, help="of the training data (50)")
    parser.add_argument("--seed", type=int, default=0, help="of data and weights (0)")
    parser.add_argument("--out", type=Path, default=Path("comparison"), help="folder of the results (comparison)")
    options = parser.parse_args(arguments)
    cache.load_compiled()  # the compiled loops, where there are: without them everything works, more slowly
    experiment = the_experiment(options)
    runs = [fitted(experiment, model) for model in MODELS]
    for run in runs:
        write_run(run, options.out / run.snapshot.model, force=True)
        assert run.figures is not None
        print(f"{run.title}: energy error {run.figures.clean_energy_mse:.3g}, valid for {run.figures.valid_time:.3g} s")
    write_file(options.out / "plots.html", page(experiment.source_title, runs).encode())
    print(f"Plots: {options.out / 'plots.html'}")


if __name__ == "__main__":
    main()
