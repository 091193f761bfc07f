"""The recipes, in an explicit table. Adding one is a new file and a line here; its code is imported on first use."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from hnn_engine.errors import UnknownNameError
from hnn_engine.fitting.network_sizes import (
    DENOISE_SIZES,
    LBFGS_SIZES,
    LIVE_SIZES,
    PAPER_SIZES,
    SAMPLED_SIZES,
    NetworkSize,
    Sizes,
    size_for,
)
from hnn_engine.models import get_model
from hnn_engine.paper import PAPER_TASKS
from hnn_engine.parameters import Parameter, Value

if TYPE_CHECKING:
    from hnn_engine.fitting.events import Fit, FitTask

_STEPS = Parameter("steps", "Steps", 2000, 1, 200_000, help="Steps of the optimiser.", log=True, acts="fit")
_RATE = Parameter("learning-rate", "Learning rate", 1e-3, 1e-6, 1.0, "α", help="Step size.", log=True, acts="fit")
_BATCH = Parameter(
    "batch",
    "Batch",
    0,
    0,
    100_000,
    help="Rows drawn for a step; 0 takes all of them.",
    acts="fit",
    low_title="all rows",
)
_DECAY = Parameter("weight-decay", "Weight decay", 1e-4, 0.0, 1.0, help="L2 term in the gradient.", acts="fit")
_RIDGE = Parameter(
    "ridge", "Ridge", 1e-9, 1e-13, 1e-1, "λ", help="Penalty on large weights in each regression: more is smoother.",
    log=True, acts="fit",
)  # fmt: skip
_ROUNDS = Parameter("steps", "Steps", 20, 1, 200, help="Gauss–Newton steps at most.", acts="fit")
_ITERATIONS = Parameter("steps", "Steps", 500, 1, 20_000, help="Steps of L-BFGS at most.", log=True, acts="fit")
_NO_DECAY = Parameter("weight-decay", "Weight decay", 0.0, 0.0, 1.0, help="L2 term in the loss.", acts="fit")
_BEGIN = Parameter(
    "begin",
    "Initial weights",
    "sampled",
    choices=("sampled", "fresh"),
    choice_titles=("the closed form", "random weights"),
    help="The closed form of the recipe sampled, which takes milliseconds, or weights drawn at random.",
    acts="fit",
)
_REGULARISATION = Parameter(
    "regularisation",
    "Regularisation",
    "data",
    choices=("data", "fixed"),
    choice_titles=("from the data", "the ridge below"),
    help="How the ridge is chosen: by generalised cross-validation on the training rows, or by the value below.",
    acts="fit",
)
_STATES = Parameter(
    "states",
    "States",
    "together",
    choices=("together", "measured"),
    choice_titles=("drawn together", "as measured"),
    help="Where derivatives are exact and states noisy, x(t) = c + ∫ẋ dt along each trajectory frees the states from "
    "most of their noise. Where they are not, both are the same.",
    acts="fit",
)
_UNITS = Parameter(
    "units",
    "Inputs of units",
    "data",
    choices=("data", "all", "halves"),
    choice_titles=("from the data", "all coordinates", "positions or momenta"),
    help="Which coordinates a unit of a single hidden layer takes. Where H = T(p) + V(q), units that see positions or "
    "momenta alone need less data; chosen by small fits of both kinds (except for a closed "
    "form of one degree of freedom, whose units take all).",
    acts="fit",
)
_PATIENCE = Parameter(
    "patience", "Patience", 600, 10, 100_000, help="Steps without improvement before it ends.", acts="fit"
)


@dataclass(frozen=True)
class RecipeInfo:
    """A way of fitting a model. `code` names the class behind it as 'module:Class'.

    `observes_frames`: it is for models that see frames alone, or for all others alone; None: for any. `twin` is the
    recipe that does the same for those. `follows`: it is so quick that a model can be fitted anew while the data is
    dragged. `sizes` are the networks that are best for it, which those that are automatic have. `by_gradient`: its
    steps are computed by compiled loops or by torch. `sees_time`: it fits models that are given time as an input.
    """

    name: str
    title: str
    summary: str
    parameters: tuple[Parameter, ...]
    code: str
    observes_frames: bool | None = None
    twin: str = ""
    follows: bool = False
    sizes: Sizes = PAPER_SIZES
    by_gradient: bool = False
    sees_time: bool = True

    def size(self, dof: int, live: bool = False) -> NetworkSize:
        """Return the size of automatic networks for `dof` degrees of freedom; `live`: in a live fit."""
        return size_for(LIVE_SIZES if live else self.sizes, dof)

    def why_not(self, model: str, timed: bool = False) -> str:
        """Return why the recipe does not apply to `model`, which is given time as an input where `timed`; empty where
        it does. Raises `UnknownNameError`."""
        if timed and not self.sees_time:
            return f"The recipe {self.name} has no input for time, on which this system depends: choose sampled or adam"
        if self.observes_frames is None or self.observes_frames == get_model(model).observes_frames:
            return ""
        others = " or ".join(
            recipe.name for recipe in RECIPES.values() if recipe.observes_frames in (None, not self.observes_frames)
        )
        whose = "models of frames" if self.observes_frames else "states and their derivatives"
        return f"The recipe {self.name} is for {whose}, not for the {get_model(model).title}: choose {others}"

    def start(self, task: "FitTask") -> "Fit":
        """Return a fit of `task`, ready to run. Imports the code behind the recipe.

        Raises `ExperimentError` where it is to begin at a run of another architecture, and where the data do not
        suffice for the recipe or the memory for its matrices; `MissingError` where a library is needed that is not
        there.
        """
        from hnn_engine.fitting.warm_start import check_warm_start

        check_warm_start(task)
        module, _, name = self.code.partition(":")
        fit: Fit = getattr(import_module(module), name)(task)
        return fit


RECIPES: dict[str, RecipeInfo] = {
    recipe.name: recipe
    for recipe in (
        RecipeInfo(
            "paper",
            "Paper",
            "As in the paper: Adam at 10⁻³, fixed steps, last weights kept.",
            (_STEPS, _RATE, _BATCH, _DECAY),
            "hnn_engine.fitting.gradient.paper:PaperFit",
            by_gradient=True,
        ),
        RecipeInfo(
            "adam",
            "Adam, scheduled",
            "Scaled start, cosine schedule, early stop on validation trajectories, best weights kept.",
            (_STEPS, _RATE, _BATCH, _DECAY, _PATIENCE),
            "hnn_engine.fitting.gradient.adam:AdamFit",
            by_gradient=True,
        ),
        RecipeInfo(
            "lbfgs",
            "L-BFGS",
            "Quasi-Newton on all rows at once: for small smooth networks, starting from the closed form.",
            (_ITERATIONS, _NO_DECAY, _BEGIN, _STATES),
            "hnn_engine.fitting.gradient.lbfgs:LbfgsFit",
            by_gradient=True,
            observes_frames=False,
            twin="adam",
            sizes=LBFGS_SIZES,
        ),
        RecipeInfo(
            "sampled",
            "Sampled, closed form",
            "Hidden layers drawn from the data, the last one solved for by least squares: milliseconds.",
            (_REGULARISATION, _RIDGE, _STATES, _UNITS),
            "hnn_engine.fitting.random_features.states:SampledFieldFit",
            observes_frames=False,
            twin="sampled-film",
            follows=True,
            sizes=SAMPLED_SIZES,
        ),
        RecipeInfo(
            "denoise",
            "Denoise",
            "Estimates the clean states together with the field, from whole trajectories: for noise on the states.",
            (_ROUNDS, _REGULARISATION, _RIDGE, _STATES, _UNITS),
            "hnn_engine.fitting.smoothing.denoise:DenoiseFit",
            observes_frames=False,
            twin="sampled-film",
            follows=True,
            sizes=DENOISE_SIZES,
            sees_time=False,
        ),
        RecipeInfo(
            "sampled-film",
            "Sampled, from video",
            "Every layer drawn or solved for, in seconds: for models of frames of swings without full turns.",
            (_RIDGE,),
            "hnn_engine.fitting.pixel_closed_form.recipe:SampledFit",
            observes_frames=True,
            twin="sampled",
        ),
    )
}


def get_recipe(name: str) -> RecipeInfo:
    """Return the description of `name`; raise `UnknownNameError`."""
    if name not in RECIPES:
        raise UnknownNameError("recipe", name, RECIPES)
    return RECIPES[name]


def recipe_defaults(recipe: str, source: str, rows: int = 0) -> dict[str, Value]:
    """Return the settings that `recipe` opens with for `source` of `rows` training rows: a system's name, 'recording'
    or 'filmed-recording'.

    On a source that the paper lacks, `paper` keeps its network and optimiser: full batches for small data, and the
    steps and batch of its two-body task for large data. Raises `UnknownNameError`. Source of the paper's settings:
    Greydanus, Dzamba & Yosinski 2019.
    """
    settings = {p.name: p.default for p in get_recipe(recipe).parameters}
    if "steps" not in settings or "learning-rate" not in settings:
        return settings
    if recipe == "paper":
        fallback = (10_000, 200, 0.0) if rows > 5000 else (2000, 0, 1e-4)
        steps, batch, decay = PAPER_TASKS.get(source, fallback)
        return settings | {"steps": steps, "batch": batch, "weight-decay": decay}
    steps = 6000 if rows > 5000 else 3000
    return settings | {"steps": steps, "batch": 200, "learning-rate": 3e-3, "weight-decay": 0.0}


def recipe_note(recipe: str, source: str) -> str:
    """Return a sentence where `recipe` is only nearly what its name says on `source`; empty where it is just that."""
    if recipe == "paper" and source not in PAPER_TASKS:
        named = "such" if source.startswith("own-") else source  # a formula that was typed
        return f"The paper has no {named} task: its network and optimiser are used on data of our own."
    return ""


def check_settings(parameters: Mapping[str, Parameter], settings: Mapping[str, object]) -> dict[str, Value]:
    """Check each of `settings` against `parameters` and return them; raise `ParameterError` for a value out of
    range."""
    return {name: parameters[name].check(value) for name, value in settings.items()}


__all__ = ["PAPER_TASKS", "RECIPES", "RecipeInfo", "get_recipe", "recipe_defaults", "recipe_note"]
