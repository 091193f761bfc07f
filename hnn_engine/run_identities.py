"""Who a shown run is: the colour, the dash pattern and the short name that it has in every picture, table and file.

The first run of a family has the family's colour and dash, further ones shades and dashes of their own
(`model_colors`). A name is the family's, 'HNN', with the recipe and what differs where several of a family are shown:
'HNN · sampled', 'HNN · paper, seed 3'; a run that its user has named has that name.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from hnn_engine.errors import shown
from hnn_engine.experiment import Experiment
from hnn_engine.experiment_settings import Setting, recipe_word, settings_of
from hnn_engine.fitting import get_recipe
from hnn_engine.model_colors import family_and_place, run_role
from hnn_engine.models import get_model

MOST_PLACES = 50  # that a session file keeps
LONGEST = 64  # characters of a name that its user has given
MOST_SAID = 2  # settings that a name says


@dataclass(frozen=True)
class Identity:
    """The `role` that colours a run (see `model_colors`), and its short name."""

    role: str
    name: str


@dataclass(frozen=True, eq=False)
class Described:
    """A run, or repetitions of one fit with other seeds, to be told apart from others.

    `keys` are the ids of the run and of its repetitions; `experiment` is what was asked, with a single model; `title`
    is what it is called in the session, and `order` its number there; `note` is what else may differ: 'stopped'.
    """

    keys: tuple[str, ...]
    model: str
    experiment: Experiment
    title: str = ""
    note: str = ""
    order: int = 0

    @cached_property
    def settings(self) -> dict[str, Setting]:
        """What its fit was asked for, by key (`settings_of`)."""
        return settings_of(self.experiment)


class Places:
    """Which place each shown run has among those of its family, from 0.

    A run keeps its place while it is shown; one that is shown again has its former place back, or the lowest that is
    free. `known` pairs keys with the places that they had.
    """

    def __init__(self, known: Iterable[tuple[str, int]] = ()) -> None:
        """Remember the `known` places; none of them is shown yet."""
        self._remembered = dict(known)
        self._shown: frozenset[str] = frozenset()

    def assign(self, runs: Sequence[Described]) -> list[int]:
        """Return the place of each of `runs`, all that are shown from now on."""
        taken: set[tuple[str, int]] = set()
        places: dict[int, int] = {}
        for still in (True, False):  # those that are shown already choose first
            for i, run in enumerate(runs):
                family = family_and_place(run.model)[0]
                had = [self._remembered[key] for key in run.keys if key in self._remembered]
                if i in places or still != any(key in self._shown for key in run.keys):
                    continue
                wanted = [*sorted(had), *range(len(runs))]
                places[i] = next(place for place in wanted if (family, place) not in taken)
                taken.add((family, places[i]))
        self._shown = frozenset(key for run in runs for key in run.keys)
        self._remembered |= {key: places[i] for i, run in enumerate(runs) for key in run.keys}
        return [places[i] for i in range(len(runs))]

    def of(self, keys: Iterable[str]) -> tuple[tuple[str, int], ...]:
        """Return those of `keys` that have been shown, with their places."""
        return tuple((key, self._remembered[key]) for key in keys if key in self._remembered)


def read_places(values: object) -> tuple[tuple[str, int], ...]:
    """Return keys and places as pairs from the list of a session file, in which they stand in turn; none where it is no
    such list."""
    if not isinstance(values, list) or len(values) % 2:
        return ()
    pairs = list(zip(values[::2], values[1::2], strict=True))[:MOST_PLACES]
    known = all(type(key) is str and type(place) is int and 0 <= place < MOST_PLACES for key, place in pairs)
    return tuple(pairs) if known else ()


def identities(
    runs: Sequence[Described], places: Places | None = None, hidden: Sequence[Described] = ()
) -> list[Identity]:
    """Return who each of `runs`, all that are shown, is; names tell them apart from the `hidden` ones as well, so that
    they stay when others are shown. `places` remembers where runs were before."""
    roles = [run_role(run.model, p) for run, p in zip(runs, (places or Places()).assign(runs), strict=True)]
    names = short_names([*runs, *hidden])
    return [Identity(role, name) for role, name in zip(roles, names, strict=False)]


def short_names(runs: Sequence[Described]) -> list[str]:
    """Return a name for each of `runs`, no two the same: what nothing tells apart is numbered in the order of the
    session."""
    families, recipes = Counter(run.model for run in runs), _varying(runs)
    names = []
    for run in runs:
        alone = families[run.model] == 1
        names.append(_own_name(run) or (get_model(run.model).title if alone else _name(run, recipes[_kind(run)])))
    several, counted = Counter(names), Counter[str]()
    for i in sorted(range(len(runs)), key=lambda i: runs[i].order):
        counted[names[i]] += 1
        if several[names[i]] > 1:
            names[i] = f"{names[i]} ({counted[names[i]]})"
    return names


def is_automatic(run: Described) -> bool:
    """Whether the title of `run` is one that a fit or a race gives, and not one that its user has chosen."""
    family, recipe = get_model(run.model).title, get_recipe(run.experiment.recipe).title
    given = (f"{family} · {recipe}", f"{recipe} · ")  # by a fit, and by a race
    return run.title in ("", family) or run.title.startswith(given)


def _own_name(run: Described) -> str:
    if is_automatic(run):
        return ""
    name = shown(run.title)
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1].rstrip()}…"


def _kind(run: Described) -> tuple[str, str]:
    return run.model, run.experiment.recipe


def _varying(runs: Sequence[Described]) -> dict[tuple[str, str], set[str]]:
    """Return for each family and recipe the settings that its runs differ in, by their keys, and 'note'."""
    values: dict[tuple[str, str], dict[str, set[Setting | None]]] = {}
    for kind in {_kind(run) for run in runs}:
        alike = [run for run in runs if _kind(run) == kind]
        keys = {key for run in alike for key in run.settings}
        values[kind] = {key: {run.settings.get(key) for run in alike} for key in keys}
        values[kind]["note"] = {Setting("", run.note) for run in alike}
    return {kind: {key for key, found in own.items() if len(found) > 1} for kind, own in values.items()}


def _name(run: Described, varying: set[str]) -> str:
    """Return the family, the recipe, and what sets `run` apart from others of both."""
    said = [setting.phrase for key, setting in run.settings.items() if key in varying and key != "seed"][:MOST_SAID]
    if len(run.keys) > 1:
        said.append(f"{len(run.keys)} seeds")
    elif "seed" in varying and len(said) < MOST_SAID:
        said.append(run.settings["seed"].phrase)
    if run.note and "note" in varying:
        said.append(run.note)
    return ", ".join([f"{get_model(run.model).title} · {recipe_word(run.experiment.recipe)}", *said])
