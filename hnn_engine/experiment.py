"""The frozen Experiment: everything the user asked for, validated, and as plain JSON.

The same experiment gives the same data and the same weights on the same machine, in the window, on the command line
and in a notebook.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.data_edits import (
    NO_EDITS,
    DataEdits,
    check_edits,
    edits_from_json,
    edits_to_json,
    with_edits,
    with_trajectories,
)
from hnn_engine.datasets import Dataset, data_defaults, data_parameters, filmed, make_dataset, with_floor
from hnn_engine.errors import ExperimentError, IntegratorError, listing
from hnn_engine.fitting import RecipeInfo, get_recipe, recipe_defaults
from hnn_engine.fitting.network_sizes import PAPER_NETWORK, NetworkSize, completed, is_automatic, with_size
from hnn_engine.integrators import get_integrator, why_not
from hnn_engine.limits import MOST_MODELS
from hnn_engine.models import get_model
from hnn_engine.models.base import CLOCK
from hnn_engine.parameters import Parameter, Value, bind
from hnn_engine.progress import ProgressCallback
from hnn_engine.rollouts.steering import LEFT_ALONE, STEERINGS, Steering
from hnn_engine.scene import Scene
from hnn_engine.systems import System, get_system

if TYPE_CHECKING:  # none is needed before a recording or a formula is opened or a fit begins
    from hnn_engine.fitting.events import FitTask
    from hnn_engine.own_systems.definition import Definition
    from hnn_engine.recordings import Recording
    from hnn_engine.snapshot import Snapshot

# 2 knows layouts of states and what is done to rollouts on their way; 3 frames; 4 data by hand; 5 automatic networks;
# 6 systems of one's own; 7 true trajectories added to the data. What has nothing new is written for programs
# that know nothing of it.
FORMAT, OWN, AUTOMATIC, WITHOUT_AUTO = 7, 6, 5, 4
READABLE = (1, 2, 3, 4, 5, 6, 7)
LARGEST = 1e300  # number in a file, and coordinate of a start
LONGEST_NAME = 100  # characters of a name in a file
MAX_STEPS = 50_000  # of one rollout on screen or in a file

ROLLOUT_PARAMETERS: tuple[Parameter, ...] = (
    Parameter("dt", "Step", 0.04, 1e-4, 1.0, "Δt", "s", "Step of the integrator.", log=True),
    Parameter("horizon", "Horizon", 20.0, 0.1, 2000.0, "T", "s", "How far the rollouts go.", log=True),
)
_KINDS, _TITLES = tuple(STEERINGS), tuple(info.title for info in STEERINGS.values())
STEERING_PARAMETERS: tuple[Parameter, ...] = (
    Parameter(
        "kind", "Intervention", "none", choices=_KINDS, choice_titles=_TITLES, help="Intervention on all rollouts."
    ),
    Parameter("at", "From", 5.0, 0.0, 2000.0, "", "s", help="Time at which it begins.", log=False),
    Parameter("span", "For", 0.5, 0.01, 100.0, "", "s", help="Duration of adding or removing energy.", log=True),
)
INITIAL_CONDITIONS = ("frames", "latents")
FRICTION = Parameter(
    "friction",
    "Friction",
    1.0,
    0.0,
    3.0,
    "×",
    help="Scales the friction of truth and the friction that a model has learned.",
)


@dataclass(frozen=True)
class SystemSource:
    """A simulated system with its constants (all of them): one of the table, or, by its `definition`, one's own."""

    name: str
    constants: Mapping[str, Value] = field(default_factory=dict)
    definition: "Definition | None" = None

    def system(self, constants: Mapping[str, object] | None = None) -> System:
        """Return the system, with other `constants` where they are given; raise `HnnLabError`."""
        values = self.constants if constants is None else constants
        if self.definition is None:
            return get_system(self.name, values)
        from hnn_engine.own_systems.system import own_system

        return own_system(self.definition, values)


def own_source(definition: "Definition", constants: Mapping[str, object] | None = None) -> SystemSource:
    """Return the source of a system of one's own with `constants`, the rest as its definition has them."""
    from hnn_engine.own_systems.system import own_system

    system = own_system(definition, constants)
    return SystemSource(system.name, system.values, definition)


@dataclass(frozen=True, eq=False)
class RecordingSource:
    """Measured data, the method that estimates its derivatives, and the rows that the method looks at together."""

    recording: "Recording"
    method: str
    window: int = 9  # rows; the default of `recordings.WINDOW`


@dataclass(frozen=True)
class ModelSpec:
    """A model's name and its settings (all of them)."""

    name: str
    settings: Mapping[str, Value]


@dataclass(frozen=True)
class RolloutSpec:
    """How rollouts are made: the models' integrator, the truth's, the step and the horizon in seconds; what is done to
    them on the way; and what friction is multiplied by, that of truth and that which a model has learned.

    Models of frames begin, as `begin` says, at what they see of the start, or at the latents that their map has for it.
    """

    integrator: str = "rk4"
    truth: str = "dop853"
    dt: float = 0.04
    horizon: float = 20.0
    steering: Steering = LEFT_ALONE
    friction: float = 1.0
    begin: str = "frames"

    @property
    def length(self) -> float:
        """How long a rollout takes in s: to the horizon, or there and back."""
        return 2 * self.steering.at if self.steering.kind == "reverse" else self.horizon

    def world_time(self, t: float) -> float:
        """Return the time of the world `t` s into a rollout: it falls where time is turned back."""
        return 2 * self.steering.at - t if self.steering.kind == "reverse" and t > self.steering.at else t

    def world_times(self, t: Array) -> Array:
        """Return the times of the world `(T,)` at the times `t` `(T,)` in s of a rollout."""
        at = self.steering.at
        return np.where(t > at, 2 * at - t, t) if self.steering.kind == "reverse" else t

    @property
    def times(self) -> Array:
        """The times of a rollout in s, `(steps + 1,)`, evenly spaced by about dt (the last step ends at `length`)."""
        if self.steering.kind == "reverse":  # as many steps back as there
            return np.linspace(0.0, self.length, 2 * max(1, round(self.steering.at / self.dt)) + 1)
        return np.linspace(0.0, self.horizon, max(1, round(self.horizon / self.dt)) + 1)

    def checked(self) -> "RolloutSpec":
        """Return the spec with every value checked; raise `UnknownNameError` for an integrator that is in no table,
        `ParameterError` for a value out of range, `ExperimentError` where they do not fit together."""
        get_integrator(self.integrator)
        get_integrator(self.truth)
        numbers = bind(ROLLOUT_PARAMETERS, {"dt": self.dt, "horizon": self.horizon}, "a rollout")
        steer = bind(STEERING_PARAMETERS, asdict(self.steering), "what is done on the way")
        steering = Steering(str(steer["kind"]), float(steer["at"]), float(steer["span"]))
        if steering.kind == "reverse" and steering.at < self.dt:
            raise ExperimentError(
                f"Time is reversed at {steering.at:g} s, but a step is {self.dt:g} s long: reverse it later"
            )
        longest = max(self.horizon, self.length)
        if longest / self.dt > MAX_STEPS:
            way = "reverse it earlier" if longest > self.horizon else "a shorter horizon"
            raise ExperimentError(
                f"{longest:g} s in steps of {self.dt:g} s are more than {MAX_STEPS:,} steps: choose a longer step, or "
                f"{way}"
            )
        friction = float(FRICTION.check(self.friction))
        if self.begin not in INITIAL_CONDITIONS:
            raise ExperimentError(
                f"Rollouts begin at '{self.begin}', but it must be one of {', '.join(INITIAL_CONDITIONS)}"
            )
        dt, horizon = float(numbers["dt"]), float(numbers["horizon"])
        return replace(self, dt=dt, horizon=horizon, steering=steering, friction=friction)


@dataclass(frozen=True)
class Experiment:
    """What is studied, on which data, by which models, how they are fitted, and where the rollouts start.

    `start` is `2*dof` numbers, in the units of the scene's coordinates. An experiment is right once `checked`.
    """

    source: SystemSource | RecordingSource
    data: Mapping[str, Value]  # `data_parameters` of the system; empty for a recording
    models: tuple[ModelSpec, ...]
    recipe: str
    settings: Mapping[str, Value]  # the recipe's
    seed: int
    start: tuple[float, ...]
    rollout: RolloutSpec = RolloutSpec()
    edits: DataEdits = NO_EDITS  # what has been drawn into the data, moved and taken out

    @cached_property
    def scene(self) -> Scene:
        """What is drawn and dragged."""
        if isinstance(self.source, RecordingSource):
            from hnn_engine.recordings import RecordedScene

            return RecordedScene(self.source.recording)
        return self.source.system()

    @property
    def system(self) -> System | None:
        """The system, or None for a recording."""
        return self.scene if isinstance(self.scene, System) else None

    @property
    def definition(self) -> "Definition | None":
        """What a system of one's own is defined by; None for any other."""
        return self.source.definition if isinstance(self.source, SystemSource) else None

    @property
    def reference_system(self) -> System | None:
        """The system that a fit is compared with, with starts as in its data; None for a recording, and where data is
        drawn, which is no system's."""
        system = self.system
        return None if system is None or self.edits.drawn else system.with_starts(self.data)

    @property
    def moving(self) -> System | None:
        """The system as truth follows it: with its friction scaled as the rollouts say; None for a recording."""
        system = self.system
        return system.with_friction(self.rollout.friction) if system is not None else None

    @property
    def recording(self) -> "Recording | None":
        """The recording, or None for a system."""
        return self.source.recording if isinstance(self.source, RecordingSource) else None

    @property
    def frame_size(self) -> int:
        """Pixels across and down a frame; 0 where no camera sees what is studied."""
        if self.system is not None and self.system.observed:
            return int(self.data["size"])
        return self.recording.frame_size if self.recording is not None else 0

    @property
    def source_name(self) -> str:
        """The system's name, or 'recording'."""
        return "recording" if isinstance(self.source, RecordingSource) else self.source.name

    @property
    def source_title(self) -> str:
        """The title of the system or the recording, for people."""
        recording, system = self.recording, self.system
        if recording is not None:
            return recording.title
        assert system is not None
        return system.caption

    def dataset(self, progress: ProgressCallback | None = None) -> Dataset:
        """Make (or read) the training data and apply the edits; `progress` and `ExperimentError` as in
        `make_dataset`."""
        return self.edited(self.given(progress))

    def edited(self, given: Dataset) -> Dataset:
        """Return the data that is `given` with the edits, and with the loss of the true field on it where there is one;
        raise `ExperimentError` where nothing is left."""
        if self.edits == NO_EDITS:
            return given
        if self.system is not None:
            given = with_trajectories(given, self.edits, self.system, self.seed)
        made = with_edits(given, self.edits)
        return made if self.system is None or self.edits.drawn else with_floor(self.system, made)

    def given(self, progress: ProgressCallback | None = None) -> Dataset:
        """Make (or read) the data as the source gives it, without edits; `progress` and `ExperimentError` as in
        `make_dataset`."""
        if isinstance(self.source, RecordingSource):
            from hnn_engine.recordings import recording_dataset

            rows = recording_dataset(self.source.recording, self.source.method, window=self.source.window)
            measured = self.source.recording
            made = Dataset(rows.coords, rows.dcoords, rows.t, rows.trajectory, rows.train)
            if measured.frames is None:
                return made
            at_frames = replace(made, coords=measured.coords[rows.row], t=measured.t[rows.row])
            return filmed(at_frames, measured, rows.row)
        system = self.system
        assert system is not None
        return make_dataset(system, self.data, self.seed, progress)

    def why_not_from(self, start: "Snapshot") -> str:
        """Return why the model of the name of `start`, or the first one, cannot be fitted from it on; empty where it
        can."""
        from hnn_engine.fitting.warm_start import why_not_from

        own = resolved(self).models
        spec = next((m for m in own if m.name == start.model), own[0])
        return why_not_from(start, spec.name, fit_settings(spec, self.scene), self.scene.dof, self.frame_size)

    def task(self, model: ModelSpec, data: Dataset, start: "Snapshot | None" = None) -> "FitTask":
        """Return the fitting task of one of the models on `data`, which begins at the weights of `start` where there is
        one."""
        from hnn_engine.fitting.events import FitTask

        known = get_model(model.name).known(self.scene)
        sized = replace(model, settings=with_size(model.settings, automatic_size(self)))
        settings = fit_settings(sized, self.scene)
        return FitTask(model.name, settings, data, self.settings, self.seed, known, start)


def new_experiment(system: str, constants: Mapping[str, object] | None = None) -> Experiment:
    """Return the experiment that the laboratory opens `system` with: the paper's data, both models, recipe `paper`.

    Raises `UnknownNameError` for an unknown system and `ParameterError` for a constant that it has not, or out of
    range.
    """
    return opened(SystemSource(system, get_system(system, constants).values))


def opened(source: SystemSource) -> Experiment:
    """Return the experiment that the laboratory opens the system of `source` with, its constants completed; raise
    `HnnLabError`."""
    scene = source.system()
    opening = scene.horizon if scene.opening is None else scene.opening
    rollouts = RolloutSpec(horizon=opening, dt=opening / 500)
    if scene.observed:  # what is filmed moves between frames
        rollouts = RolloutSpec(horizon=opening, dt=scene.frame_seconds, truth="stormer-verlet")
    return Experiment(
        source=replace(source, constants=scene.values),
        data=data_defaults(scene),
        models=tuple(model_spec(name) for name in scene.pair),
        recipe="paper",
        settings=default_settings("paper", scene),
        seed=0,
        start=tuple(float(x) for x in scene.default_start),
        rollout=rollouts,
    )


def recording_experiment(recording: "Recording", method: str | None = None) -> Experiment:
    """Return the experiment that the laboratory opens a recording with: derivatives by `method`, by default the paper's
    differences for its own file and `savitzky-golay` for any other."""
    from hnn_engine.recordings import RecordedScene, is_paper_pendulum

    scene = RecordedScene(recording)
    span = min(20.0, float(recording.t[-1] - recording.t[0]))
    chosen = method or ("paper" if is_paper_pendulum(recording) else "savitzky-golay")
    return Experiment(
        source=RecordingSource(recording, chosen),
        data={},
        models=tuple(model_spec(name) for name in opening_pair(scene)),
        recipe="paper",
        settings=default_settings("paper", scene),
        seed=0,
        start=tuple(float(x) for x in scene.default_start),
        rollout=RolloutSpec(horizon=max(span, 0.1), dt=max(span, 0.1) / 500),
    )


def opening_pair(scene: Scene) -> tuple[str, ...]:
    """Return the models that `scene` opens with, a baseline and its HNN where that applies."""
    if isinstance(scene, System):
        return scene.pair
    return ("pixel-baseline", "pixel-hnn") if scene.observed else ("baseline", "hnn")


def carried_models(models: tuple[ModelSpec, ...], to: Experiment, timed: bool = False) -> tuple[ModelSpec, ...]:
    """Return those of the chosen `models` that `to` can go on with; its own where only one side sees frames. `timed`:
    they were for a law in time, which had ruled out others: those that `to` opens with are back where it is none."""
    now, then = (any(get_model(m.name).observes_frames for m in side) for side in (models, to.models))
    if now != then:
        return to.models
    able = tuple(m for m in models if not get_model(m.name).why_not(to.scene))
    if not timed or to.scene.timed:
        return able or to.models
    own = {m.name: m for m in able}
    return tuple(own.pop(m.name, m) for m in to.models) + tuple(own.values())


def carried_recipe(recipe: str, models: tuple[ModelSpec, ...], timed: bool = False) -> str:
    """Return `recipe` where it applies to all of `models`, given time where `timed`, or else its twin, or else
    'paper'; raise `UnknownNameError`."""
    wanted = [name for name in (recipe, get_recipe(recipe).twin) if name]
    return next((r for r in wanted if not any(get_recipe(r).why_not(m.name, timed) for m in models)), "paper")


def automatic_size(experiment: Experiment, live: bool = False) -> NetworkSize:
    """Return the size of networks that are automatic: what suits the recipe and the scene; `live`: in a live fit."""
    return get_recipe(experiment.recipe).size(experiment.scene.dof, live)


def resolved(experiment: Experiment, live: bool = False) -> Experiment:
    """Return `experiment` with numbers for every width and depth that is automatic; itself where none is."""
    if not any(is_automatic(m.settings) for m in experiment.models):
        return experiment
    size = automatic_size(experiment, live)
    models = tuple(replace(m, settings=with_size(m.settings, size)) for m in experiment.models)
    return checked(replace(experiment, models=models), experiment)


def fit_settings(model: ModelSpec, scene: Scene) -> Mapping[str, Value]:
    """Return the settings of a model as a fit has them: with the clock, where the law of `scene` depends on time."""
    return {**model.settings, CLOCK: True} if scene.timed else model.settings


def check_recipe(recipe: RecipeInfo, models: tuple[ModelSpec, ...], timed: bool = False) -> None:
    """Raise `ExperimentError` where `recipe` is not for one of `models`, given time where `timed`."""
    reason = next((why for why in (recipe.why_not(m.name, timed) for m in models) if why), "")
    if reason:
        raise ExperimentError(reason)


def same_system(one: Experiment, other: Experiment) -> bool:
    """Whether models of one can be followed, evaluated and drawn on the other: a recording each, or the same system
    with as many coordinates, whatever its other constants."""
    return one.source_name == other.source_name and one.scene.dof == other.scene.dof


def same_scene(one: Experiment, other: Experiment) -> bool:
    """Whether rollouts and fields of one can be drawn with the other's: `same_system`, and no other recording."""
    return same_system(one, other) and one.recording is other.recording


def retyped(one: Experiment, other: Experiment) -> bool:
    """Whether both are of typed systems in the same coordinates: what is drawn of one may stay until there is something
    to draw of the other."""
    a, b = one.definition, other.definition
    return a is not None and b is not None and a.names == b.names


def on_same_data(one: Experiment, other: Experiment) -> bool:
    """Whether the edits of the data of one can be kept for the other: the same system, whatever its constants, or the
    same samples, however their derivatives and energy are taken."""
    same = same_system(one, other) and bool(one.frame_size) == bool(other.frame_size)
    if not same or one.recording is None or other.recording is None:
        return same
    return one.recording.coords is other.recording.coords


def without_strange_hand(experiment: Experiment, before: Experiment) -> Experiment:
    """Return `experiment`, which comes after `before`, without edits where they are edits of other data: a point of one
    system has no place in another."""
    if experiment.edits is not before.edits or experiment.edits == NO_EDITS or on_same_data(experiment, before):
        return experiment
    return replace(experiment, edits=NO_EDITS)


def of_system(name: str, now: Experiment) -> Experiment:
    """Return the experiment that the laboratory opens system `name` with, going on with the models, recipe, seed and
    edits of `now` as far as they apply to it; raise `UnknownNameError`."""
    return of_source(new_experiment(name), now)


def typed_on(source: SystemSource, now: Experiment) -> Experiment:
    """Return the experiment on the typed system of `source`, coming from `now`; raise `HnnLabError`.

    Where `now` is of a typed system with as many degrees of freedom, all of it stays that has a meaning: the start
    whose orbit does not leave, and the constants of the same name and default. Else it is as the laboratory
    opens a system.
    """
    from hnn_engine.own_systems.system import own_system

    before, system = now.source, source.system()
    if not isinstance(before, SystemSource) or before.definition is None or now.scene.dof != system.dof:
        return of_source(opened(source), now)
    defaults = {one.name: one.value for one in before.definition.constants}
    same = [one for one in system.constants if defaults.get(one.name) == one.default]
    values = {one.name: before.constants[one.name] for one in same}
    kept = {one.name: values[one.name] for one in same if one.low <= float(values[one.name]) <= one.high}
    system = source.system(kept)
    assert source.definition is not None
    kept_start = own_system(source.definition, kept).keeps(np.array(now.start))
    models = tuple(m for m in now.models if not get_model(m.name).why_not(system))
    if not models or (now.scene.timed and not system.timed):
        models = carried_models(now.models, opened(source), now.scene.timed)
    recipe = carried_recipe(now.recipe, models, system.timed)
    rollout = replace(now.rollout, truth="dop853") if why_not(now.rollout.truth, system) else now.rollout
    new = replace(
        now,
        source=replace(source, constants=system.values),
        start=now.start if kept_start else tuple(float(x) for x in system.default_start),
        models=models,
        recipe=recipe,
        settings=now.settings if recipe == now.recipe else default_settings(recipe, system),
        rollout=rollout,
    )
    return checked(new, now)


def of_source(new: Experiment, now: Experiment) -> Experiment:
    """Return `new`, as the laboratory opens it, going on with the models, recipe, seed and edits of `now` as far as
    they apply to it."""
    models = carried_models(now.models, new, now.scene.timed)
    recipe = carried_recipe(now.recipe, models, new.scene.timed)
    settings = default_settings(recipe, new.scene)
    carried = replace(new, models=models, recipe=recipe, settings=settings, seed=now.seed, edits=now.edits)
    return without_strange_hand(carried, now)


def default_settings(recipe: str, scene: Scene) -> dict[str, Value]:
    """Return the settings that `recipe` opens with for a system and its own data recipe, or for a recording; raise
    `UnknownNameError`."""
    if not isinstance(scene, System):
        return recipe_defaults(recipe, "filmed-recording" if scene.observed else "recording")
    data = scene.data
    return recipe_defaults(recipe, scene.name, round(data.trajectories * data.points * (1 - data.test_fraction)))


def model_spec(name: str, settings: Mapping[str, object] | None = None) -> ModelSpec:
    """Return a checked spec of model `name`, the rest of its settings as they are until someone sets them.

    Width and depth are automatic where neither is given; beside one that is, the other is the paper's. Raises
    `UnknownNameError` or `ParameterError`.
    """
    lister = "'hnn-lab models --json' lists"
    given = completed(settings or {})
    return ModelSpec(name, bind(get_model(name).parameters, given, f"the model '{name}'", lister))


def checked(experiment: Experiment, before: Experiment | None = None) -> Experiment:
    """Return `experiment` with every value checked and completed.

    What it shares with `before`, a checked experiment, is taken as it is: while the start is dragged, that alone is
    checked. Raises `UnknownNameError` for a name that is in no table, `ParameterError` for a value out of range, and
    `ExperimentError` where parts do not fit together.
    """
    if not experiment.models:
        raise ExperimentError("No model is chosen: choose at least one")
    kept = {f.name for f in fields(Experiment) if getattr(experiment, f.name) is getattr(before, f.name, None)}
    if before is not None and "source" in kept:
        vars(experiment)["scene"] = before.scene
    scene, recipe = experiment.scene, get_recipe(experiment.recipe)
    start = tuple(float(x) for x in experiment.start)
    if len(start) != 2 * scene.dof or not all(abs(x) < LARGEST for x in start):
        what, names = listing(start), listing(c.name for c in scene.coordinates)
        raise ExperimentError(f"The start is [{what}], but it needs {2 * scene.dof} finite numbers: {names}")
    parts: dict[str, Any] = {"start": start}
    if not {"source", "rollout"} <= kept:
        parts["rollout"] = _checked_rollout(experiment)
    if not {"source", "data"} <= kept and experiment.system is not None:
        system = experiment.system
        given = {**data_defaults(system), **experiment.data}
        parts["data"] = bind(data_parameters(system), given, "the data", "'hnn-lab train --help' lists")
    if not {"source", "models"} <= kept:
        parts["models"] = tuple(_checked_model(m, experiment) for m in experiment.models)
    if not {"source", "recipe", "models"} <= kept:
        check_recipe(recipe, experiment.models, scene.timed)
    if not {"recipe", "settings"} <= kept:
        parts["settings"] = bind(
            recipe.parameters, experiment.settings, f"the recipe '{recipe.name}'", "'hnn-lab recipes --json' lists"
        )
    if not {"source", "data", "edits"} <= kept:
        _check_edits(experiment)
    if "seed" not in kept:
        parts["seed"] = check_seed(experiment.seed)
    result = replace(experiment, **parts)
    vars(result)["scene"] = scene
    return result


def _checked_model(spec: ModelSpec, experiment: Experiment) -> ModelSpec:
    reason = get_model(spec.name).why_not(experiment.scene)
    if reason:
        raise ExperimentError(f"{reason} ({experiment.source_title}): choose another model")
    return model_spec(spec.name, spec.settings)


def _checked_rollout(experiment: Experiment) -> RolloutSpec:
    if experiment.system is not None:
        reason = why_not(experiment.rollout.truth, experiment.system)
        if reason:
            raise IntegratorError(f"{reason}: choose another integrator for the truth")
    return experiment.rollout.checked()


def _check_edits(experiment: Experiment) -> None:
    if experiment.edits == NO_EDITS:
        return
    if experiment.frame_size:
        raise ExperimentError("Data observed as frames cannot be edited: choose a system of states")
    if experiment.edits.added and experiment.system is None:
        raise ExperimentError("A recording has no true trajectories to add: choose a system")
    if experiment.edits.drawn and experiment.scene.dof > 1:
        raise ExperimentError(
            f"A stroke in the plane has one degree of freedom, but {experiment.source_title} has "
            f"{experiment.scene.dof}: draw for a system of one"
        )
    check_edits(experiment.edits, 2 * experiment.scene.dof)


def check_seed(seed: object) -> int:
    """Return `seed` as an int from 0 to 2³¹ − 1, which every generator takes, or raise `ParameterError`."""
    return int(Parameter("seed", "Seed", 0, 0, 2**31 - 1).check(seed))


# Plain JSON -----------------------------------------------------------------------------------------------------------


def to_json(experiment: Experiment) -> dict[str, Any]:
    """Return the experiment as JSON values. A recording's samples are not in it: they are stored apart, as arrays."""
    source: dict[str, Any]
    if isinstance(experiment.source, RecordingSource):
        measured = experiment.source
        source = {"recording": measured.recording.title, "method": measured.method, "window": measured.window}
    elif experiment.source.definition is not None:
        from hnn_engine.own_systems.plain import to_plain

        source = {"own": to_plain(experiment.source.definition), "constants": dict(experiment.source.constants)}
    else:
        source = {"system": experiment.source.name, "constants": dict(experiment.source.constants)}
    spec = experiment.rollout
    automatic = any(is_automatic(m.settings) for m in experiment.models)
    return {
        "format": FORMAT
        if experiment.edits.added
        else OWN
        if "own" in source
        else AUTOMATIC
        if automatic
        else WITHOUT_AUTO,
        "source": source,
        "data": dict(experiment.data),
        "models": [{"name": m.name, "settings": dict(m.settings)} for m in experiment.models],
        "recipe": experiment.recipe,
        "settings": dict(experiment.settings),
        "seed": experiment.seed,
        "start": list(experiment.start),
        "rollout": asdict(spec),
        **({} if experiment.edits == NO_EDITS else {"hand": edits_to_json(experiment.edits)}),
    }


def from_json(value: object, recording: "Recording | None" = None) -> Experiment:
    """Read back what `to_json` wrote, checked. `recording` has the samples, which are stored apart.

    Raises `ExperimentError` (or another `HnnLabError` for a single bad value) that says what is wrong.
    """
    top = _mapping(value, "experiment")
    if type(top.get("format")) is not int or top["format"] not in READABLE:
        raise ExperimentError(
            f"The experiment has format {ascii(top.get('format'))[:40]}, but this program reads formats up to "
            f"{FORMAT}: update HNN Lab"
        )
    raw = _mapping(top.get("source"), "source")
    source: SystemSource | RecordingSource
    if "system" in raw:
        system = get_system(_text(raw["system"], "system"), _values(raw.get("constants", {}), "constants"))
        source = SystemSource(system.name, system.values)
    elif "own" in raw:
        from hnn_engine.own_systems.plain import from_plain

        source = own_source(
            from_plain(raw["own"], "the system", derives=False), _values(raw.get("constants", {}), "constants")
        )
    elif recording is not None:
        from hnn_engine.recordings import WINDOW, get_derivative

        method = get_derivative(_text(raw.get("method"), "method")).name
        bind((), _values(top.get("data", {}), "data"), "the data of a recording")
        source = RecordingSource(recording, method, int(WINDOW.check(raw.get("window", WINDOW.default))))
    else:
        raise ExperimentError("The experiment is of a recording, but its samples are missing: add data.npz")
    models = _list(top.get("models"), "models")
    if len(models) > MOST_MODELS:
        raise ExperimentError(f"The experiment has {len(models)} models, but at most {MOST_MODELS}: choose fewer")
    experiment = Experiment(
        source=source,
        data=cast(dict[str, Value], _values(top.get("data", {}), "data")),
        models=tuple(_read_model(m, top["format"] >= AUTOMATIC) for m in models),
        recipe=_text(top.get("recipe"), "recipe"),
        settings=cast(dict[str, Value], _values(top.get("settings", {}), "settings")),
        seed=check_seed(top.get("seed")),
        start=tuple(_number(x, "start") for x in _list(top.get("start"), "start")),
        rollout=_read_rollout(_mapping(top.get("rollout", {}), "rollout")),
        edits=edits_from_json(top["hand"]) if "hand" in top else NO_EDITS,
    )
    return checked(experiment)


def _read_model(value: object, knows_auto: bool) -> ModelSpec:
    raw = _mapping(value, "model")
    settings = _values(raw.get("settings", {}), "model settings")
    if not knows_auto:  # what an old file does not say was the paper's network
        settings = {"width": PAPER_NETWORK.width, "depth": PAPER_NETWORK.depth, **settings}
    return model_spec(_text(raw.get("name"), "model"), settings)


def _read_rollout(raw: Mapping[str, Any]) -> RolloutSpec:
    default = RolloutSpec()
    steer = _mapping(raw.get("steering", {}), "steering of the rollouts")
    steering = Steering(
        _text(steer.get("kind", default.steering.kind), "kind of steering"),
        _number(steer.get("at", default.steering.at), "at"),
        _number(steer.get("span", default.steering.span), "span"),
    )
    return RolloutSpec(
        _text(raw.get("integrator", default.integrator), "integrator"),
        _text(raw.get("truth", default.truth), "integrator of the truth"),
        _number(raw.get("dt", default.dt), "dt"),
        _number(raw.get("horizon", default.horizon), "horizon"),
        steering,
        _number(raw.get("friction", default.friction), "friction"),
        _text(raw.get("begin", default.begin), "beginning of rollouts"),
    ).checked()


def _mapping(value: object, what: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ExperimentError(f"The {what} is {type(value).__name__}, but it must be an object of names and values")
    return dict(value)


def _values(value: object, what: str) -> dict[str, Any]:
    """Return names with numbers, flags and short names."""
    given = _mapping(value, what)
    strange = next((name for name in given if not _is_name(name)), None)
    if strange is not None:
        raise ExperimentError(f"The {what} has {strange[:LONGEST_NAME]!r}, but names must be short and plain")
    bad = next((name for name, x in given.items() if not (_is_name(x) or isinstance(x, bool | int | float))), None)
    if bad is not None:
        raise ExperimentError(f"{bad} is {type(given[bad]).__name__}, but in the {what} it must be a number or a name")
    return given


def _is_name(text: object) -> bool:
    return isinstance(text, str) and len(text) <= LONGEST_NAME and text.isprintable()


def _list(value: object, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise ExperimentError(f"{what} is {type(value).__name__}, but it must be a list")
    return value


def _text(value: object, what: str) -> str:
    if not _is_name(value):
        found = f"{value[:LONGEST_NAME]!r}" if isinstance(value, str) else f"of kind {type(value).__name__}"
        raise ExperimentError(f"There is no {what} {found}: it must be a short name")
    assert isinstance(value, str)
    return value


def _number(value: object, what: str) -> float:
    small = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < LARGEST
    if not small:
        raise ExperimentError(f"{what} holds {ascii(value)[:80]}, but it must hold finite numbers")
    return float(cast(float, value))


__all__ = [
    "Experiment",
    "ModelSpec",
    "RecordingSource",
    "RolloutSpec",
    "SystemSource",
    "automatic_size",
    "carried_models",
    "checked",
    "default_settings",
    "from_json",
    "model_spec",
    "new_experiment",
    "of_source",
    "of_system",
    "on_same_data",
    "opened",
    "opening_pair",
    "own_source",
    "recording_experiment",
    "resolved",
    "retyped",
    "same_scene",
    "same_system",
    "to_json",
    "typed_on",
    "without_strange_hand",
]
