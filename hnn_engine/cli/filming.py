"""`hnn-lab film` without --view: frames of models next to the true ones, as a GIF or a video; and what a film of views
is made of."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hnn_engine.atomic_write import told
from hnn_engine.cli.values import number, start_of
from hnn_engine.comparison_video import ComparisonVideo
from hnn_engine.console import end_progress, is_live, progress, say
from hnn_engine.disk import operations
from hnn_engine.errors import ExperimentError, ParameterError, RecordError
from hnn_engine.experiment import Experiment, checked, same_scene
from hnn_engine.kernels import cache as kernel_cache
from hnn_engine.parameters import Parameter
from hnn_engine.records import Run, is_run_folder, load_run, load_session
from hnn_engine.rollouts.steering import STEERINGS, Steering
from hnn_engine.run_identities import Described, Places, identities, read_places
from hnn_engine.video import write_video

HEIGHT = Parameter("height", "Height", 360, 120, 2160, unit="px")
OF_VIEWS = ("size", "fps", "seconds", "since", "speed")  # options that go with --view


@dataclass(frozen=True, eq=False)
class Sources:
    """What is filmed: runs, with the ids of those that are `shown` and their places among those of their families, the
    experiment of the first or of the session, and how the session was looked at."""

    experiment: Experiment
    runs: tuple[Run, ...] = ()
    shown: frozenset[str] = frozenset()
    places: Places = field(default_factory=Places)
    view: Mapping[str, Any] = field(default_factory=dict)
    named: bool = False  # the runs were named one by one


def film(options: argparse.Namespace) -> None:
    """Write the film of the runs that are named, from one start; progress goes to stderr.

    Raises `RecordError` where the file is there already without --force, or cannot be written; `ExperimentError` where
    the runs do not belong together or see no frames; `ParameterError` for an option out of range.
    """
    for name in OF_VIEWS:
        if getattr(options, name) is not None:
            option = "from" if name == "since" else name
            raise ParameterError(f"--{option} goes with --view, which says what is filmed: add that, or leave it out")
    check_free(options.out, options.force)
    height = int(HEIGHT.check(options.height if options.height is not None else HEIGHT.default))
    found = loaded(options.sources)
    experiment, places = found.experiment, found.places
    shown = [run for run in found.runs if run.id in found.shown]
    runs = [run for run in shown if found.named or same_scene(run.experiment, experiment)]
    asked = asked_of(experiment, options)
    kernel_cache.load_compiled()
    described = [Described((run.id,), run.snapshot.model, run.experiment, run.title) for run in runs]
    who = identities(described, places)
    made = ComparisonVideo(asked, [run.snapshot for run in runs], options.theme, height, who)
    write_video(options.out, made.pictures(), made.seconds, _tell, made.count)
    end_progress()
    say(f"{options.out}: {made.count} frames, {made.count * made.seconds:.3g} s")


def _tell(share: float) -> None:
    if is_live():
        progress(f"Writing frames: {100 * share:3.0f} %")


def check_free(path: Path, force: bool) -> None:
    """Raise `RecordError` where something is at `path` already, unless it may be replaced by `force`."""
    with told(path):
        found = operations.kind(path)
    if found is not None and not force:
        raise RecordError(f"{path} is already there: name another file, or replace it by --force")


def loaded(sources: Sequence[Path]) -> Sources:
    """Read runs, all of them shown, or a session; raise `RecordError`, or `ExperimentError` where they are of different
    systems."""
    if len(sources) == 1 and not is_run_folder(sources[0]):
        session = load_session(sources[0])
        places = Places(read_places(session.view.get("places")))
        return Sources(session.experiment, session.runs, frozenset(session.shown), places, session.view)
    runs = [load_run(folder) for folder in sources]
    for folder, run in zip(sources, runs, strict=True):
        if run.experiment.source_name != runs[0].experiment.source_name:
            raise ExperimentError(
                f"{folder} is a run of {run.experiment.source_name}, but {sources[0]} one of "
                f"{runs[0].experiment.source_name}: name runs of the same"
            )
    return Sources(runs[0].experiment, tuple(runs), frozenset(run.id for run in runs), named=True)


def asked_of(experiment: Experiment, options: argparse.Namespace) -> Experiment:
    """Return the experiment with the start, the length and the steering that are asked for; raise `HnnLabError`."""
    names = [c.name for c in experiment.scene.coordinates]
    spec = experiment.rollout
    spec = replace(spec, horizon=number(options.horizon, spec.horizon, "--horizon"))
    kind = options.steer if options.steer is not None else spec.steering.kind
    if kind not in STEERINGS:
        raise ParameterError(f"--steer is '{kind}', but it must be one of {', '.join(STEERINGS)}")
    if options.steer is None and (options.at is not None or options.span is not None):
        raise ParameterError("--at and --span set the time of an intervention, but none is given: add --steer")
    if options.steer is not None:
        at, span = number(options.at, spec.horizon / 2, "--at"), number(options.span, spec.steering.span, "--span")
        spec = replace(spec, steering=Steering(kind, at, span))
    start = tuple(float(x) for x in start_of(options.start, experiment.start, names))
    return checked(replace(experiment, rollout=spec, start=start))
