"""`hnn-lab reproduce`: the paper's experiments again; progress on stderr, the table on stdout, and files on request."""

import argparse
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from hnn_engine import __version__
from hnn_engine.cli.stopping import Interrupts, exit_code
from hnn_engine.cli.training import Meter, chosen_backend, clock
from hnn_engine.cli.values import names
from hnn_engine.console import end_progress, say
from hnn_engine.environment import commit, cores, cpu_model, versions
from hnn_engine.errors import ExperimentError, ParameterError
from hnn_engine.fit_run import FitRun
from hnn_engine.fitting import get_recipe
from hnn_engine.fitting.backend_choice import usual_backend
from hnn_engine.models import get_model
from hnn_engine.number_format import scientific
from hnn_engine.parameters import Parameter
from hnn_engine.records import Run, check_file, check_folder, make_folders, write_file
from hnn_engine.reproduction import FitCache, PlannedFit, Result, plan, read_recording_or_shipped
from hnn_engine.reproduction.eta import RemainingTime
from hnn_engine.reproduction.rows import dump_rows
from hnn_engine.reproduction.running import cached_results, result_tables
from hnn_engine.reproduction.running import reproduce as run_all
from hnn_engine.reproduction.text import terminal
from hnn_engine.tasks import TASKS, Task, get_task
from hnn_engine.user_folders import cache_folder

PAGE = "index.html"
_SEEDS = Parameter("seeds", "Seeds", 3, 1, 1000)


def reproduce(options: argparse.Namespace) -> int:
    """Fit what is not cached yet, print the table, and write what was asked for; return the exit code. Raises an
    `HnnLabError` for a wrong option, `RecordError` where a file or the cache cannot be written."""
    fits = _fits(options)
    cache = _Held(options.keep or cache_folder() / "reproduction", options.backend or usual_backend())
    _check_outputs(options, cache)
    kept = {} if options.fresh else cached_results(fits, cache)
    cache.check_fits(planned for i, planned in enumerate(fits) if i not in kept)
    cache.backend = chosen_backend(options.backend, wait=True)  # it takes long enough to be worth compiling
    if kept:
        say(f"{len(kept)} of {len(fits)} fits are cached in {cache.folder}; --fresh fits them again.")
    results: list[Result] = []
    try:
        for result in run_all(fits, kept, cache, _Progress(fits, kept)):
            results.append(result)
            if not result.kept or result.trouble:
                say(_told(result, len(results), len(fits)))
    except KeyboardInterrupt as stop:
        end_progress()  # which stays
        say(
            f"Stopped after {len(results)} of {len(fits)} fits, kept in {cache.folder}: the same command resumes there."
        )
        return exit_code(stop)
    _write(options, results)
    return 0


class _Held(FitCache):
    """A folder of finished fits; a signal waits until the one that is being written is whole."""

    def put(self, planned: PlannedFit, run: Run) -> None:
        with Interrupts() as interrupts:
            with interrupts.holding():
                super().put(planned, run)
            interrupts.end_if_asked()


# What was asked for ---------------------------------------------------------------------------------------------------


def _fits(options: argparse.Namespace) -> list[PlannedFit]:
    """Turn the options into the fits to make; raise an `HnnLabError` before anything is fitted."""
    seeds = int(_SEEDS.check(options.seeds))
    recipe = get_recipe(options.recipe).name
    models = None if options.model is None else [get_model(name).name for name in names(options.model, "--model")]
    chosen = _tasks(options)
    recording = read_recording_or_shipped(options.recording) if options.recording else None
    return plan(chosen, models, recipe, seeds, recording)


def _tasks(options: argparse.Namespace) -> list[Task]:
    if options.task is not None:
        chosen = [get_task(name) for name in names(options.task, "--task")]
    else:
        chosen = [task for task in TASKS.values() if task.from_paper]
    needy = [task for task in chosen if task.needs_recording]
    if options.recording and not needy:
        raise ParameterError("--recording is for the task real-pendulum, which is not among --task: leave it out")
    if not needy or options.recording:
        return chosen
    if options.task is not None:
        raise ExperimentError(needy[0].where_data_is)
    say(f"{needy[0].where_data_is}. The other tasks are run without it.")
    return [task for task in chosen if not task.needs_recording]


def _check_outputs(options: argparse.Namespace, cache: FitCache) -> None:
    """Raise `RecordError` for what could not be written when the fits are done."""
    cache.check()
    if options.json is not None:
        check_file(options.json, "--json")
    if options.report is not None:
        check_folder(options.report, "--report")
        if options.report.is_dir():
            check_file(options.report / PAGE, "--report")


# Progress -------------------------------------------------------------------------------------------------------------


class _Progress:
    """A meter for each fit, which also says how long all of them will take."""

    def __init__(self, fits: Sequence[PlannedFit], kept: dict[int, Result]) -> None:
        self._fits, self._remaining = fits, RemainingTime(fits, kept)

    def __call__(self, index: int, fit: FitRun) -> Callable[[object], None]:
        planned = self._fits[index]
        lead = f"{index + 1}/{len(self._fits)}  {planned.task.name} seed {planned.seed}: "
        self._remaining.begin(index)
        meter = Meter(fit, sys.stderr, lead, lambda left: f"  all {clock(self._remaining.left(left))}")

        def hear(event: object) -> None:
            meter.show(event)
            if fit.end is not None:
                meter.close()

        return hear


def _told(result: Result, number_of: int, total: int) -> str:
    """Say in a line what became of a fit."""
    row = result.row
    name = f"{number_of}/{total}  {row.task} {row.model} seed {row.seed}"
    if result.trouble:
        return f"{name}: {result.trouble}"
    energy = f", energy MSE {scientific(row.energy_mse)}" if row.energy_mse is not None else ""
    return f"{name}: test loss {scientific(row.test_loss)}{energy}, {row.fit_seconds:.1f} s"


# Results --------------------------------------------------------------------------------------------------------------


def _write(options: argparse.Namespace, results: Sequence[Result]) -> None:
    rows = [result.row for result in results]
    print(terminal(result_tables(results)), flush=True)
    if options.json is not None:
        write_file(options.json, dump_rows(rows))
        say(f"The fits are in {options.json}.")
    if options.report is not None:
        from hnn_engine.reproduction.report import page

        make_folders(options.report)
        write_file(options.report / PAGE, page(results, _facts(options, results)).encode())
        say(f"The report is {options.report / PAGE}.")


def _facts(options: argparse.Namespace, results: Sequence[Result]) -> dict[str, str]:
    """Return when, by what and on what machine the fits were made, for the head of the report."""
    found = versions({"NumPy": "numpy", "SciPy": "scipy", "Numba": "numba", "PyTorch": "torch"})
    source = commit()
    spent = sum(result.row.fit_seconds for result in results)
    return {
        "Made": datetime.now(UTC).strftime("%Y-%m-%d, %H:%M UTC"),
        "Command": _command(options),
        "Fits": f"{len(results)}, in {clock(spent)} of fitting",
        "Machine": f"{cpu_model()}, {cores()} cores",
        "Program": f"HNN Lab {__version__}" + (f", commit {source}" if source else ""),
        "Libraries": ", ".join(f"{name.replace('python', 'Python')} {version}" for name, version in found.items()),
    }


def _command(options: argparse.Namespace) -> str:
    """Return the command that gives the same numbers, without the places where this one reads and writes."""
    words = ["hnn-lab reproduce"]
    for name in ("task", "model"):
        words += [f"--{name} {getattr(options, name)}"] if getattr(options, name) is not None else []
    words += [f"--recipe {options.recipe}", f"--seeds {options.seeds}"]
    words += [f"--recording {Path(options.recording).name}"] if options.recording else []
    return " ".join(words)
