"""What an experiment was asked for, in words: for names of runs that say what differs, and to compare two of them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from hnn_engine.data_edits import NO_EDITS
from hnn_engine.datasets import data_parameters
from hnn_engine.experiment import Experiment, RecordingSource
from hnn_engine.fitting import get_recipe
from hnn_engine.models import get_model
from hnn_engine.number_format import number
from hnn_engine.parameters import AUTO, Parameter, Value

UNKNOWN = "–"  # where an experiment has no such setting


@dataclass(frozen=True)
class Setting:
    """One setting: what it is called, 'Width', and its value in words, '64'."""

    title: str
    text: str

    @property
    def phrase(self) -> str:
        """The setting in the middle of a sentence: 'width 64'."""
        title = self.title if self.title[1:2].isupper() else self.title[:1].lower() + self.title[1:]
        return f"{title} {self.text}"


@dataclass(frozen=True)
class Difference:
    """A setting in which two experiments differ, and its value in each, in words."""

    title: str
    one: str
    other: str


def recipe_word(name: str) -> str:
    """Return the short name of a recipe: 'sampled', 'L-BFGS'."""
    head = get_recipe(name).title.partition(",")[0]
    return head if name == "adam" or head[1:2] in "-ABCDEFGHIJKLMNOPQRSTUVWXYZ" else head.lower()


def settings_of(experiment: Experiment) -> dict[str, Setting]:
    """Return the settings that the fit of an experiment of one model depends on, by a key: those of the model first,
    then of the recipe, of the data, of what is studied, and the seed."""
    spec, recipe = experiment.models[0], get_recipe(experiment.recipe)
    found = {"model": Setting("Model", get_model(spec.name).title), "recipe": Setting("Recipe", recipe.title)}
    found |= _named("model.", get_model(spec.name).parameters, spec.settings)
    found |= _named("recipe.", recipe.parameters, experiment.settings)
    system, source = experiment.system, experiment.source
    if system is not None:
        found |= _named("data.", data_parameters(system), experiment.data)
        found |= _named("source.", type(system).constants, system.values)
    if isinstance(source, RecordingSource):
        found["source.recording"] = Setting("Recording", source.recording.title)
        found["source.method"] = Setting("Derivative", source.method)
        found["source.window"] = Setting("Window", str(source.window))
    if experiment.edits != NO_EDITS:
        found["edits"] = Setting("Edited data", _edited(experiment))
    found["seed"] = Setting("Seed", str(experiment.seed))
    return found


def differences(one: Experiment, other: Experiment) -> list[Difference]:
    """Return the settings in which two experiments of one model each differ, in the order of `settings_of`.

    Of two recipes, or of two models, those settings are left out that only one of them has.
    """
    a, b = settings_of(one), settings_of(other)
    keys = [*a, *(key for key in b if key not in a)]
    return [
        Difference(
            (a.get(key) or b[key]).title,
            a[key].text if key in a else UNKNOWN,
            b[key].text if key in b else UNKNOWN,
        )
        for key in keys
        if a.get(key) != b.get(key) and ((key in a and key in b) or not key.startswith(("recipe.", "model.")))
    ]


def _named(prefix: str, parameters: Iterable[Parameter], values: Mapping[str, Value]) -> Iterator[tuple[str, Setting]]:
    return ((f"{prefix}{p.name}", Setting(p.title, _text(p, values[p.name]))) for p in parameters if p.name in values)


def _text(parameter: Parameter, value: Value) -> str:
    if value == AUTO:
        return "automatic"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if parameter.low_title and value == parameter.low:
        return parameter.low_title
    if isinstance(value, str):
        titles = dict(zip(parameter.choices, parameter.choice_titles, strict=False))
        return titles.get(value, value)
    return number(value, parameter.unit)


def _edited(experiment: Experiment) -> str:
    edits = experiment.edits
    parts = (
        (len(edits.strokes), "drawn"),
        (sum(len(one.starts) for one in edits.added), "added"),
        (len(edits.moved), "moved"),
        (len(edits.removed), "removed"),
    )
    return ", ".join(f"{count} {word}" for count, word in parts if count) or "as given"
