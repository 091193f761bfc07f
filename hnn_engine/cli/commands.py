"""What each command does."""

import argparse
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from hnn_engine.cli.recorded import TABLE_OPTIONS, recorded
from hnn_engine.cli.stopping import Interrupts
from hnn_engine.cli.systems import energies_of, pairs, source_of, with_constants
from hnn_engine.cli.training import chosen_backend, compiling_beside, keep_run, run_fit
from hnn_engine.cli.values import number, start_of, whole
from hnn_engine.cli.working import Working
from hnn_engine.console import is_unicode, say
from hnn_engine.csv_tables import rollout_table, runs_table
from hnn_engine.datasets import data_parameters
from hnn_engine.debugging.report import debug_lines, debug_report
from hnn_engine.errors import ExperimentError, ParameterError, shown
from hnn_engine.evaluation import Figures
from hnn_engine.experiment import (
    Experiment,
    SystemSource,
    check_seed,
    checked,
    default_settings,
    model_spec,
    opened,
)
from hnn_engine.fit_run import evaluated
from hnn_engine.fitting import RECIPES, get_recipe, recipe_note
from hnn_engine.fitting.network_sizes import sizes_in_words
from hnn_engine.frame_metrics import MODEL_TOLERANCE, encoded_start
from hnn_engine.frames.frame_pairs import camera_of, pair_at
from hnn_engine.integrators import INTEGRATORS, for_any_flow, get_integrator, why_not
from hnn_engine.limits import MOST_SNAPSHOTS, MOST_STEPS
from hnn_engine.missing_libraries import need
from hnn_engine.models import MODELS, get_model
from hnn_engine.own_systems.files import load_shelved, shelf
from hnn_engine.own_systems.system import own_class
from hnn_engine.parameters import Parameter, bind
from hnn_engine.records import Run, check_file, check_target, load_run, write_file
from hnn_engine.rollouts.rollout import Rollout, rollout
from hnn_engine.rollouts.truth import COARSER, TOLERANCE, how_long_known, parting_time
from hnn_engine.systems import SYSTEMS, System
from hnn_engine.tasks import TASKS

# Tables ---------------------------------------------------------------------------------------------------------------


def list_systems(options: argparse.Namespace) -> None:
    """Print the systems with their constants, as JSON by `options.json`; the coordinates are those at the defaults.

    With `options.shelf` those that come with the program as files.
    """
    kinds: dict[str, type[System]] = dict(SYSTEMS)
    if options.shelf:
        kinds = {name: own_class(load_shelved(name)) for name in shelf()}
    rows = [
        {
            "name": name,
            "title": s.title,
            "summary": s.summary,
            "separable": s.separable,
            "damped": s.damped,
            "constants": _describe(s.constants),
            "coordinates": [c.name for c in s().coordinates],
        }
        for name, s in kinds.items()
    ]
    _print_table(rows, options.json)


def list_models(options: argparse.Namespace) -> None:
    """Print the models with their settings, as JSON by `options.json`."""
    rows = [
        {
            "name": m.name,
            "title": m.title,
            "summary": m.summary,
            "has_energy": m.has_energy,
            "dissipates": m.dissipates,
            "settings": _describe(m.parameters),
        }
        for m in MODELS.values()
    ]
    _print_table(
        rows, options.json, ("", "Width and depth are automatic: 'hnn-lab recipes' lists what each recipe takes.")
    )


def list_recipes(options: argparse.Namespace) -> None:
    """Print the recipes with their settings, as JSON by `options.json`."""
    rows = [
        {
            "name": r.name,
            "title": r.title,
            "summary": r.summary,
            "settings": _describe(r.parameters),
            "networks": [
                {"degrees_of_freedom": most, "width": size.width, "depth": size.depth} for most, size in r.sizes
            ],
        }
        for r in RECIPES.values()
    ]
    width = max(map(len, RECIPES))
    networks = [f"{r.name:<{width}}  {sizes_in_words(r.sizes)}" for r in RECIPES.values()]
    _print_table(
        rows, options.json, ("", "Automatic networks, units × hidden layers, by degrees of freedom:", *networks)
    )


def list_integrators(options: argparse.Namespace) -> None:
    """Print the integrators with their order and what they need, as JSON by `options.json`."""
    rows = [
        {
            "name": i.name,
            "title": i.title,
            "summary": i.summary,
            "order": i.order,
            "symplectic": i.symplectic,
            "needs_separable": i.needs_separable,
            "adaptive": i.adaptive,
        }
        for i in INTEGRATORS.values()
    ]
    _print_table(rows, options.json)


def list_tasks(options: argparse.Namespace) -> None:
    """Print the tasks with their data, their models, and whether the paper has them, as JSON by `options.json`."""
    rows = [
        {
            "name": t.name,
            "title": t.title,
            "summary": t.summary,
            "source": t.source,
            "models": list(t.models),
            "from_paper": t.from_paper,
            "needs_recording": t.needs_recording,
        }
        for t in TASKS.values()
    ]
    _print_table(rows, options.json)


def _describe(parameters: Iterable[Parameter]) -> list[dict[str, Any]]:
    return [
        {
            "name": p.name,
            "title": p.title,
            "symbol": p.symbol,
            "unit": p.unit,
            "default": p.initial,
            **({"choices": list(p.choices)} if p.choices else {}),
            **({"low": p.low} if math.isfinite(p.low) else {}),
            **({"high": p.high} if math.isfinite(p.high) else {}),
        }
        for p in parameters
    ]


def _print_table(rows: list[dict[str, Any]], as_json: bool, notes: Iterable[str] = ()) -> None:
    if as_json:
        print(json.dumps(rows, ensure_ascii=not is_unicode(), indent=1))
        return
    width = max(len(str(row["name"])) for row in rows)
    for row in rows:
        print(f"{row['name']:<{width}}  {row['summary']}")
    for note in notes:
        print(note)


# Training -------------------------------------------------------------------------------------------------------------


def train(options: argparse.Namespace) -> int:
    """Fit a model, evaluate it, keep the run; with --json print the figures as one line. Return the exit code.

    Raises `ExperimentError` where the run of --begin is of another architecture, `RecordError` where --out cannot be
    written, and the `HnnLabError` of any option that is wrong.
    """
    start = load_run(options.begin) if options.begin is not None else None
    experiment = _experiment(options, start)
    reason = experiment.why_not_from(start.snapshot) if start is not None else ""
    if reason:
        raise ExperimentError(reason)
    snapshots = whole(options.snapshots, MOST_SNAPSHOTS, "--snapshots", MOST_SNAPSHOTS)
    check_target(options.out, options.force)
    need("safetensors")
    note = recipe_note(experiment.recipe, experiment.source_name)
    if note:
        say(note)
    by_gradient = get_recipe(experiment.recipe).by_gradient
    backend = chosen_backend(options.backend, by_gradient)
    beside = compiling_beside(backend, options.backend, by_gradient)
    with beside, Interrupts() as interrupts, interrupts.holding():
        run = run_fit(experiment, interrupts, start, backend, snapshots)
        keep_run(run, options.out, options.force)
    _print_figures({**run.summary(), "run": str(options.out)}, options.json)
    return interrupts.code


def _experiment(options: argparse.Namespace, start: Run | None) -> Experiment:
    """Turn the options into a checked experiment with one model; with the network of `start`, where nothing else is
    said."""
    get_model(options.model)
    get_recipe(options.recipe)
    simulated = [*_given_data(options), *(["energies"] if options.energies is not None else [])]
    base = recorded(options, simulated) if options.recording else _simulated(options)
    settings: dict[str, Any] = dict(default_settings(options.recipe, base.scene))
    model: dict[str, object] = {}
    if start is not None and start.snapshot.model == options.model:
        model |= start.experiment.models[0].settings
    own = {p.name for p in get_model(options.model).parameters}
    model |= {name: getattr(options, name) for name in ("width", "depth") if getattr(options, name) is not None}
    if options.steps is not None:
        settings["steps"] = options.steps
    for name, value in pairs(options.setting, "--setting").items():
        if name in own:
            model[name] = value
        else:
            settings[name] = value
    return checked(
        replace(
            base,
            models=(model_spec(options.model, model),),
            recipe=options.recipe,
            settings=settings,
            seed=check_seed(options.seed),
        )
    )


def _simulated(options: argparse.Namespace) -> Experiment:
    for name in ("method", *TABLE_OPTIONS, "crop", "fps"):
        if getattr(options, name) is not None:
            raise ParameterError(f"--{name} is for a recording, but a system was given: leave it out")
    if options.layout == "grid" and options.horizon is not None:
        raise ParameterError("--horizon is the length of orbits, but --layout grid has none: leave it out")
    source = source_of(options)
    base = opened(source)
    assert base.system is not None
    given = {**_given_data(options), **energies_of(options.energies, source)}
    table, lister = data_parameters(base.system), "'hnn-lab train --help' lists"
    return replace(base, data=bind(table, {**base.data, **given}, "the data", lister))


def _given_data(options: argparse.Namespace) -> dict[str, object]:
    """Return what was said of simulated data."""
    names = dict.fromkeys(p.name for system in SYSTEMS.values() for p in data_parameters(system))
    values = {name: getattr(options, name.replace("-", "_")) for name in names}
    return {name: value for name, value in values.items() if value is not None}


def evaluate_run(options: argparse.Namespace) -> None:
    """Evaluate a run on disk again, from its weights, or those of an earlier step, and its data recipe, and print the
    figures, or write them to --out as the panel of runs does; raise `RecordError` where it cannot be read or written,
    or has kept no weights of that step."""
    run = load_run(options.folder)
    if options.step is not None:
        run = run.at_step(whole(options.step, 0, "--step", MOST_STEPS))
    if options.out is not None:
        check_file(options.out, "--out")
    data = run.experiment.dataset()
    asked = [name for name in ("start", "dt", "horizon", "integrator") if getattr(options, name) is not None]
    if asked and not options.debug:
        raise ParameterError(f"--{asked[0]} is for --debug, which was not given: add it, or leave --{asked[0]} out")
    run = _followed_otherwise(run, options)
    again = evaluated(run, data)
    summary = {**again.summary(), "run": str(options.folder)}
    if options.out is not None:
        write_file(options.out, runs_table([again]).content())
    if not options.debug:
        _print_figures(summary, options.json)
        return
    with Working("looking for what is wrong") as working:
        report = debug_report(run, data, working.tell)
    if options.json:
        _print_figures({**summary, "debug": report}, as_json=True)
        return
    _print_figures(summary, as_json=False)
    for line in debug_lines(report):
        print(shown(line))


def _followed_otherwise(run: Run, options: argparse.Namespace) -> Run:
    """Return `run` with the start, method, step and horizon of its rollouts that the options say."""
    asked = run.experiment
    spec = replace(
        asked.rollout,
        integrator=asked.rollout.integrator if options.integrator is None else options.integrator,
        dt=number(options.dt, asked.rollout.dt, "--dt"),
        horizon=number(options.horizon, asked.rollout.horizon, "--horizon"),
    ).checked()
    reason = why_not(spec.integrator, run.snapshot)
    if reason:
        raise ExperimentError(f"--integrator {spec.integrator}: {reason}; choose {for_any_flow()}")
    start = start_of(options.start, asked.start, [c.name for c in asked.scene.coordinates])
    return replace(run, experiment=replace(asked, start=tuple(start.tolist()), rollout=spec))


def _print_figures(summary: Mapping[str, Any], as_json: bool) -> None:
    complete = {**summary, **{k: summary.get(k) for k in Figures.__dataclass_fields__}}
    if as_json:
        print(json.dumps(complete, allow_nan=False))
        return
    for name, value in complete.items():
        text = "–" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
        print(f"{name:<20} {shown(text)}")


# Simulation -----------------------------------------------------------------------------------------------------------


def simulate(options: argparse.Namespace) -> None:
    """Follow a system, or a run's model of it, and write t in s, coordinates and the true H as CSV.

    Raises `ExperimentError` where the run is of another system, the `HnnLabError` of any option that is wrong, and
    `RecordError` where --out cannot be written.
    """
    source = source_of(options)
    system = source.system()
    get_integrator(options.integrator)
    flow: Any = system
    if options.folder is not None:
        run = load_run(options.folder)
        if run.experiment.system is None or run.experiment.source_name != system.name:
            other = f"--system is {system.name}" if options.system else "another formula is typed"
            raise ExperimentError(
                f"{options.folder} is a run of {run.experiment.source_name}, but {other}: name the same"
            )
        assert isinstance(run.experiment.source, SystemSource)
        source = with_constants(
            run.experiment.source, {**run.experiment.system.values, **pairs(options.param, "--param")}
        )
        system = source.system()
        flow = run.snapshot
        if system.dof != flow.dof:
            raise ExperimentError(
                f"{options.folder} is a run of {run.experiment.source_title}, but --param makes it {system.caption}: "
                "leave it out"
            )
    start = start_of(options.start, system.default_start, [c.name for c in system.coordinates])
    base = opened(source).rollout
    spec = replace(
        base, dt=number(options.dt, base.dt, "--dt"), horizon=number(options.horizon, base.horizon, "--horizon")
    ).checked()
    tolerance = TOLERANCE if flow is system else MODEL_TOLERANCE
    if flow is not system and system.observed:
        start = encoded_start(flow, pair_at(system, camera_of(run.experiment.data), start), start)
    answer = rollout(flow, start, spec.times, options.integrator, tolerance=tolerance)
    if answer.note:
        say(f"The rollout {answer.note}; the rows after that are left out.")
    if flow is system and get_integrator(options.integrator).adaptive:
        _say_how_long_known(system, answer, options.integrator)
    alive = np.isfinite(answer.coords).all(axis=-1)
    energy = system.at(answer.t[alive]).hamiltonian(answer.coords[alive])
    check_file(options.out, "--out")
    table = rollout_table(system, answer.t[alive], answer.coords[alive], energy)
    write_file(options.out, table.content())


def _say_how_long_known(system: System, truth: Rollout, integrator: str) -> None:
    other = rollout(system, truth.coords[0], truth.t, integrator, tolerance=COARSER)
    known = parting_time(system, truth.t, truth.coords, other.coords)
    if np.isfinite(known):
        say(how_long_known(known))
