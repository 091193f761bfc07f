"""Documents as people make them: small real fits of every family, and random edits as the panels make them."""

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from random import Random
from typing import Any

import numpy as np

from app.model.document import ENERGY_OF, TOOLS, Document, State
from hnn_engine.data_edits import NO_EDITS, STROKES, Place, stroke_of
from hnn_engine.datasets import data_parameters
from hnn_engine.errors import HnnLabError
from hnn_engine.experiment import (
    ROLLOUT_PARAMETERS,
    STEERING_PARAMETERS,
    Experiment,
    ModelSpec,
    RecordingSource,
    SystemSource,
    carried_models,
    default_settings,
    model_spec,
    new_experiment,
    of_system,
    recording_experiment,
)
from hnn_engine.fit_run import FitRun
from hnn_engine.fitting import RECIPES, get_recipe
from hnn_engine.integrators import INTEGRATORS
from hnn_engine.models import MODELS, get_model
from hnn_engine.parameters import Parameter
from hnn_engine.recordings import DERIVATIVES, Recording, read_shipped_recording
from hnn_engine.records import Run
from hnn_engine.rollouts.steering import STEERINGS, Steering
from hnn_engine.systems import SYSTEMS, get_system

ODD = (0.0, -0.0, -1.0, 1.0, 0.1 + 0.2, 5e-324, 1e-7, 1e15, 1e305, float("inf"), float("nan"))


@lru_cache
def shipped() -> Recording:
    """The recording of the package, read once."""
    return read_shipped_recording()


@lru_cache
def some_runs() -> tuple[Run, ...]:
    """Small fits that people make: of every family on states, by four recipes, on a system and on a recording."""
    pendulum = replace(new_experiment("pendulum"), data={**new_experiment("pendulum").data, "trajectories": 8})
    measured = recording_experiment(shipped())
    wanted = [
        (base, name, recipe)
        for base, recipes in ((pendulum, ("sampled", "paper", "lbfgs")), (measured, ("sampled",)))
        for recipe in recipes
        for name, model in MODELS.items()
        if not model.observes_frames and not model.why_not(base.scene) and not get_recipe(recipe).why_not(name)
    ]
    return tuple(fitted(base, name, recipe) for base, name, recipe in wanted)


def fitted(base: Experiment, model: str, recipe: str, steps: int = 5) -> Run:
    """Return the run of a small fit; it is evaluated where it finished."""
    settings = default_settings(recipe, base.scene)
    settings |= {"steps": steps} if "steps" in settings else {}
    spec = model_spec(model, {"width": 8, "depth": 1})
    fit = FitRun(replace(base, models=(spec,), recipe=recipe, settings=settings), base.dataset())
    while fit.end is None:
        fit.advance()
    run = fit.as_run(None)
    assert run is not None
    return run


class Hand:
    """Edits a document at random, as its panels do; what is refused changes nothing. `done` names what was done."""

    def __init__(self, document: Document, random: Random) -> None:
        self.document, self.random = document, random
        self.done: list[str] = []
        self._acts: list[Callable[[], None]] = [
            self.choose_a_system,
            self.choose_a_system,
            self.open_the_recording,
            self.change_a_constant,
            self.change_the_data,
            self.change_the_seed,
            self.choose_models,
            self.change_a_model,
            self.choose_a_recipe,
            self.change_a_setting,
            self.move_the_start,
            self.change_the_rollout,
            self.steer,
            self.scale_the_friction,
            self.draw,
            self.move_data,
            self.move_data,
            self.erase,
            self.leave_only_strokes,
            self.clear_the_hand,
            self.keep_a_fit,
            self.rename,
            self.show_some,
            self.delete,
            self.undo,
            self.redo,
            self.look,
            self.measure_otherwise,
        ]

    def act(self) -> None:
        """Do one thing."""
        deed = self.random.choice(self._acts)
        self.done.append(deed.__name__)
        try:
            deed()
        except HnnLabError as error:
            self.done[-1] += f" (refused: {error})"

    @property
    def _now(self) -> Experiment:
        return self.document.experiment

    def _edit(self, **changes: Any) -> None:
        self.document.edit(replace(self._now, **changes), "An edit")

    def _value(self, parameter: Parameter) -> object:
        """Something that a form could hand over for `parameter`, most often what it allows."""
        if isinstance(parameter.default, bool):
            return self.random.random() < 0.5
        if parameter.choices:
            return self.random.choice(parameter.choices)
        if isinstance(parameter.default, str):
            return parameter.default
        if self.random.random() < 0.15:
            return self.random.choice(ODD)
        low = parameter.low if np.isfinite(parameter.low) else -10.0
        high = parameter.high if np.isfinite(parameter.high) else 10.0
        value = self.random.choice((low, high, self.random.uniform(low, high), float(parameter.default)))
        return round(value) if isinstance(parameter.default, int) else value

    # What is studied --------------------------------------------------------------------------------------------------

    def choose_a_system(self) -> None:
        self.document.set_view(axes=None)
        new = of_system(self.random.choice(list(SYSTEMS)), self._now)
        if self.random.random() < 0.5:  # a panel that says nothing of the hand
            new = replace(new, edits=self._now.edits)
        self.document.edit(new, "Choose a system")

    def open_the_recording(self) -> None:
        new = recording_experiment(shipped())
        self.document.edit(replace(new, models=carried_models(self._now.models, new)), "Open a recording")

    def change_a_constant(self) -> None:
        system = self._now.system
        if system is not None and system.constants:
            parameter = self.random.choice(system.constants)
            changed = get_system(system.name, {**system.values, parameter.name: self._value(parameter)})
            start = tuple(float(x) for x in changed.default_start)
            changes = {} if changed.dof == system.dof else {"start": start}
            self._edit(source=SystemSource(system.name, changed.values), **changes)

    def measure_otherwise(self) -> None:
        source = self._now.source
        if isinstance(source, RecordingSource):
            recording = source.recording
            if self.random.random() < 0.4:
                recording = recording.with_reference(self.random.uniform(0.1, 5), self.random.uniform(0.1, 5))
            method, window = self.random.choice(list(DERIVATIVES)), self.random.choice((5, 7, 9, 11))
            self._edit(source=RecordingSource(recording, method, window))

    def change_the_data(self) -> None:
        system = self._now.system
        if system is not None:
            parameter = self.random.choice(data_parameters(system))
            self._edit(data={**self._now.data, parameter.name: self._value(parameter)})

    def change_the_seed(self) -> None:
        self._edit(seed=self.random.choice((0, 1, 7, 2**31 - 1, 2**31, -1)))

    # Models and recipes -----------------------------------------------------------------------------------------------

    def choose_models(self) -> None:
        names = self.random.sample(list(MODELS), self.random.randint(1, 3))
        self._edit(models=tuple(model_spec(name) for name in names))

    def change_a_model(self) -> None:
        which = self.random.randrange(len(self._now.models))
        spec = self._now.models[which]
        parameter = self.random.choice(get_model(spec.name).parameters)
        models = list(self._now.models)
        models[which] = ModelSpec(spec.name, {**spec.settings, parameter.name: self._value(parameter)})
        self._edit(models=tuple(models))

    def choose_a_recipe(self) -> None:
        name = self.random.choice(list(RECIPES))
        self._edit(recipe=name, settings=default_settings(name, self._now.scene))

    def change_a_setting(self) -> None:
        parameters = get_recipe(self._now.recipe).parameters
        if parameters:
            parameter = self.random.choice(parameters)
            self._edit(settings={**self._now.settings, parameter.name: self._value(parameter)})

    # Rollouts ---------------------------------------------------------------------------------------------------------

    def move_the_start(self) -> None:
        count = 2 * self._now.scene.dof
        odd = self.random.random() < 0.2
        values = [self.random.choice(ODD) if odd else self.random.uniform(-3, 3) for _ in range(count)]
        self._edit(start=tuple(values))

    def change_the_rollout(self) -> None:
        parameter = self.random.choice(ROLLOUT_PARAMETERS)
        names = list(INTEGRATORS)
        changes = self.random.choice(
            (
                {parameter.name: self._value(parameter)},
                {"integrator": self.random.choice(names)},
                {"truth": self.random.choice(names)},
                {"begin": self.random.choice(("frames", "latents"))},
            )
        )
        self._edit(rollout=replace(self._now.rollout, **changes))

    def steer(self) -> None:
        values = {p.name: self._value(p) for p in STEERING_PARAMETERS} | {"kind": self.random.choice(list(STEERINGS))}
        self._edit(rollout=replace(self._now.rollout, steering=Steering(**values)))

    def scale_the_friction(self) -> None:
        self._edit(rollout=replace(self._now.rollout, friction=self.random.choice((0.0, 0.5, 1.0, 3.0, 3.1))))

    # The hand on the data ---------------------------------------------------------------------------------------------

    def draw(self) -> None:
        t = np.linspace(0, self.random.uniform(0.2, 3), self.random.randint(3, 60))
        path = self.random.uniform(0, 2) * np.column_stack([np.cos(t), np.sin(t) + self.random.uniform(-1, 1) * t])
        self._edit(edits=self._now.edits.with_stroke(stroke_of(t, path)))

    def _place(self) -> Place:
        strokes = [STROKES + which for which in range(len(self._now.edits.strokes))]
        trajectory = self.random.choice([0, 1, 2, *strokes])
        dt = self._now.edits.strokes[trajectory - STROKES].dt if trajectory >= STROKES else 0.1
        return Place(trajectory, self.random.choice((None, 0.0, dt, 3 * dt)))

    def move_data(self) -> None:
        by = tuple(self.random.uniform(-1, 1) for _ in range(2 * self._now.scene.dof))
        self._edit(edits=self._now.edits.with_move(self._place(), by))

    def erase(self) -> None:
        self._edit(edits=self._now.edits.without(*(self._place() for _ in range(self.random.randint(1, 5)))))

    def leave_only_strokes(self) -> None:
        self._edit(edits=self._now.edits.only(self.random.random() < 0.5))

    def clear_the_hand(self) -> None:
        self._edit(edits=NO_EDITS)

    # Runs and looks ---------------------------------------------------------------------------------------------------

    def keep_a_fit(self) -> None:
        state = self.document.state
        kept = {run.id for run in state.runs}
        free = [run for run in some_runs() if run.id not in kept]
        if free:
            hidden = frozenset(self.random.sample(sorted(kept), self.random.randint(0, len(kept))))
            self.document.add_run(self.random.choice(free), hidden)

    def rename(self) -> None:
        self._edit_runs(lambda run: replace(run, title=self.random.choice(("A", "ψ ⟨b⟩ <b>", "x" * 200, '"a, b"'))))

    def _edit_runs(self, change: Callable[[Run], Run]) -> None:
        state = self.document.state
        if state.runs:
            chosen = self.random.choice(state.runs).id
            runs = tuple(change(run) if run.id == chosen else run for run in state.runs)
            self.document.edit_runs(runs, state.shown, "Rename a run")

    def show_some(self) -> None:
        state = self.document.state
        ids = sorted(run.id for run in state.runs)
        shown = frozenset(self.random.sample(ids, self.random.randint(0, len(ids))))
        self.document.edit_runs(state.runs, shown, "Show some")

    def delete(self) -> None:
        state = self.document.state
        if state.runs:
            gone = self.random.choice(state.runs).id
            kept = tuple(run for run in state.runs if run.id != gone)
            self.document.edit_runs(kept, state.shown - {gone}, "Delete a run")

    def undo(self) -> None:
        self.document.undo()

    def redo(self) -> None:
        self.document.redo()

    def look(self) -> None:
        axes = (0, self.random.randrange(2 * self._now.scene.dof))
        self.document.set_view(
            axes=self.random.choice((None, axes)),
            field=self.random.choice(("truth", "hnn", "baseline")),
            compare=self.random.random() < 0.5,
            energy_of=self.random.choice(ENERGY_OF),
            speed=self.random.choice((0.25, 1.0, 16.0)),
            tool=self.random.choice(TOOLS),
            seeds=self.random.randint(1, 9),
        )


def new_document() -> Document:
    """A document as the window opens it."""
    return Document(State(new_experiment("pendulum")))
