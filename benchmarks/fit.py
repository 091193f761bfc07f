"""Whole fits: the paper's recipe and the closed form on the same data and starts, over several seeds of data.

Of each task: the median seconds of either recipe, what they are to each other, and the medians of what the honest tests
say (`hnn_engine.evaluation`): error of the field on noise-free test states, true energy, coordinates. The measured
pendulum has no true field: there it is the test loss and the reference energy, on the recording that the program
simulates itself. A fit that takes less than a second is timed by the median of several.
"""

import argparse
import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from benchmarks.figures import Aims, BenchmarkError, Figures, rounded, say
from hnn_engine.datasets import Dataset
from hnn_engine.evaluation import Figures as Judgement
from hnn_engine.evaluation import mean_square
from hnn_engine.experiment import Experiment, default_settings, model_spec
from hnn_engine.fit_run import FitRun
from hnn_engine.kernels import cache as kernel_cache
from hnn_engine.parameters import Value
from hnn_engine.recordings import Recording
from hnn_engine.rollouts.rollout import rollout
from hnn_engine.snapshot import Snapshot
from hnn_engine.tasks import TASKS

SEEDS = 5
AGAIN, SHORT = 9, 1.0  # how often a fit of so many seconds is timed
CLEAN = ("field_mse", "clean_energy_mse", "coord_mse")
MEASURED = ("test_loss", "energy_mse")


@dataclass(frozen=True)
class Way:
    """A recipe by which a task is fitted, with its automatic network unless there is another."""

    recipe: str
    faster: float | None = None  # than the paper's recipe, at least
    closer: float | None = None  # times less error of coordinates than the paper's, at least
    network: Mapping[str, int] = field(default_factory=dict)
    settings: Mapping[str, Value] = field(default_factory=dict)


WAYS: dict[str, dict[str, Way]] = {
    "mass-spring": {
        "sampled": Way("sampled", 2000.0),
        "denoise": Way("denoise", 3.0, 1000.0),
        "lbfgs": Way("lbfgs"),
    },
    "pendulum": {
        "sampled": Way("sampled", 2000.0),
        "denoise": Way("denoise", 3.0, 20.0),
        "lbfgs": Way("lbfgs"),
    },
    "real-pendulum": {"sampled": Way("sampled", 200.0)},
    "two-body": {
        "sampled": Way("sampled", 30.0, 25.0),
        "lbfgs": Way("lbfgs", network={"width": 64, "depth": 2}, settings={"begin": "fresh"}),
    },
    "three-body": {"sampled": Way("sampled", 15.0, 8.0)},
}
AIMS: Aims = {
    **{
        f"{task}.{name}.faster": ("≥", way.faster)
        for task, ways in WAYS.items()
        for name, way in ways.items()
        if way.faster is not None
    },
    **{
        f"{task}.{name}.{figure}_ratio": ("≤", 1.1)
        for task, ways in WAYS.items()
        for name, way in ways.items()
        if way.faster is not None
        for figure in (MEASURED if task == "real-pendulum" else CLEAN[:2])
    },
    **{
        f"{task}.{name}.closer": ("≥", way.closer)
        for task, ways in WAYS.items()
        for name, way in ways.items()
        if way.closer is not None
    },
}


def measure(options: argparse.Namespace) -> Figures:
    """Fit each task by each way on `--runs` seeds of data; `--task` chooses one."""
    say("loading (the first time on a machine the compiler takes its seconds)")
    if not kernel_cache.build():
        raise BenchmarkError("there are no compiled loops to measure on this machine")
    seeds, chosen = options.runs or SEEDS, options.task
    if chosen is not None and chosen not in WAYS:
        raise BenchmarkError(f"there is no task '{chosen}' here: choose one of {', '.join(WAYS)}")
    found: Figures = {task: _task(task, seeds) for task in WAYS if chosen in (None, task)}
    return {**found, "seeds": seeds, "platform": "no window"}


def _task(task: str, seeds: int) -> Figures:
    wanted = MEASURED if task == "real-pendulum" else CLEAN
    fits: dict[str, list[tuple[float, Judgement]]] = {name: [] for name in ("paper", *WAYS[task])}
    for seed in range(seeds):
        say(f"{task}: data of seed {seed}")
        base = replace(_experiment(task), models=(model_spec("hnn"),), seed=seed)
        data = base.dataset()
        fits["paper"].append(_fitted(base, data))
        for name, way in WAYS[task].items():
            fits[name].append(_fitted(_by(base, way), data))
    medians = {name: _medians(several, wanted) for name, several in fits.items()}
    paper = medians.pop("paper")
    return {"paper": paper, **{name: {**one, **_compared(one, paper)} for name, one in medians.items()}}


def _experiment(task: str) -> Experiment:
    if not TASKS[task].needs_recording:
        return TASKS[task].experiment()
    from hnn_engine.recordings import read_shipped_recording

    return TASKS[task].experiment(read_shipped_recording())


def _by(base: Experiment, way: Way) -> Experiment:
    spec = model_spec("hnn", way.network)
    settings: dict[str, Value] = {**default_settings(way.recipe, base.scene), **way.settings}
    return replace(base, models=(spec,), recipe=way.recipe, settings=settings)


def _fitted(experiment: Experiment, data: Dataset) -> tuple[float, Judgement]:
    """Return the seconds of a fit and what its model is worth."""
    run = _run(experiment, data)
    seconds = [run.seconds]
    if run.seconds < SHORT:
        seconds = [_run(experiment, data).seconds for _ in range(AGAIN)]
    figures = run.evaluate()
    if figures is None:
        raise BenchmarkError(f"a fit by {experiment.recipe} failed: {getattr(run.end, 'message', run.end)}")
    if experiment.recording is not None:
        assert run.end is not None
        assert run.end.snapshot is not None
        energy = _reference_energy(run.end.snapshot, data, experiment.recording)
        figures = replace(figures, energy_mse=energy)
    return statistics.median(seconds), figures


def _reference_energy(snapshot: Snapshot, data: Dataset, recording: Recording) -> float:
    """Return the mean squared gap between the reference energies of the measured track and of the model that is
    followed from its first test row on: as the paper's figure of its measured pendulum, which has a reference of its
    own."""
    reference = recording.reference
    assert reference is not None
    track, times = data.coords[~data.train], data.t[~data.train]
    model = rollout(snapshot, track[0], times - times[0], "dop853", tolerance=1e-9).coords
    return mean_square(reference.hamiltonian(model) - reference.hamiltonian(track))


def _run(experiment: Experiment, data: Dataset) -> FitRun:
    run = FitRun(experiment, data)
    while run.end is None:
        run.advance()
    return run


def _medians(fits: list[tuple[float, Judgement]], wanted: tuple[str, ...]) -> Figures:
    """Return the median seconds, their spread, and the medians of the figures `wanted`."""
    seconds = sorted(second for second, _ in fits)

    def figure(name: str) -> list[float]:
        return [float(getattr(one, name)) for _, one in fits]

    return {
        "seconds": rounded(statistics.median(seconds)),
        "fastest": rounded(seconds[0]),
        "slowest": rounded(seconds[-1]),
        **{name: rounded(statistics.median(figure(name)), 3) for name in wanted},
    }


def _compared(ours: Figures, paper: Figures) -> Figures:
    """Return how many times faster, and what each error is to the paper's."""
    names = [name for name in (*MEASURED, *CLEAN) if name in ours]
    ratios = {f"{name}_ratio": rounded(ours[name] / paper[name]) for name in names}
    closer = {"closer": rounded(paper["coord_mse"] / ours["coord_mse"])} if "coord_mse" in ours else {}
    return {"faster": rounded(paper["seconds"] / ours["seconds"]), **ratios, **closer}
