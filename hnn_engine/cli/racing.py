"""`hnn-lab race`: several recipes on the same data; progress on stderr, and a table of the lanes on stdout."""

import argparse
import json
import math
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hnn_engine.cli.stopping import Interrupts
from hnn_engine.cli.systems import energies_of, source_of
from hnn_engine.cli.training import chosen_backend, compiling_beside
from hnn_engine.cli.values import names
from hnn_engine.console import end_progress, is_live, progress, say
from hnn_engine.experiment import Experiment, check_seed, checked, model_spec, opened
from hnn_engine.fitting.events import Failed
from hnn_engine.number_format import NONE, scientific
from hnn_engine.race import Race, Standing, racing_recipes

EVERY = 2.0  # s between two lines of progress; on a terminal, where it is one line, OFTEN
OFTEN = 0.2
WIDTH = 118
_COLUMNS = ("recipe", "seconds", "final loss", "field error", "to the finish", "times faster")


def race(options: argparse.Namespace) -> int:
    """Race the recipes and print how they stand in the end; return the exit code. Raises an `HnnLabError` where a name
    or a number is wrong, or recipes do not apply to the model."""
    experiment = _experiment(options)
    model = experiment.models[0].name
    own = racing_recipes(model, experiment.scene.timed)
    recipes = own if options.recipes is None else names(options.recipes, "--recipes")
    backend = chosen_backend(options.backend)
    race = Race(experiment, recipes, experiment.dataset(), backend)
    with compiling_beside(backend, options.backend), Interrupts() as interrupts, interrupts.stopping(race):
        _run(race)
    if options.json:
        print(json.dumps(_summary(race), allow_nan=False))
    else:
        print(_table(race))
    for lane in race.lanes:
        if isinstance(lane.fit.end, Failed):
            say(f"{lane.recipe.name}: {lane.fit.end.message}")
    return interrupts.code


def _experiment(options: argparse.Namespace) -> Experiment:
    """Return the experiment of the system as it opens, with the one model: the HNN that it opens with, or another."""
    if options.named is not None:
        options.system = options.named
    source = source_of(options)
    base = opened(source)
    data = {**base.data, **energies_of(options.energies, source)}
    model = options.model or base.models[-1].name
    return checked(replace(base, data=data, models=(model_spec(model),), seed=check_seed(options.seed)))


# Progress -------------------------------------------------------------------------------------------------------------


def _run(race: Race) -> None:
    live, last = is_live(), time.monotonic()
    while not race.done:
        race.advance()
        now = time.monotonic()
        if now - last >= (OFTEN if live else EVERY):
            last = now
            _show(race, live)
    if live:
        _show(race, live)
        end_progress()


def _show(race: Race, live: bool) -> None:
    """Print how far the lanes are, in place on a terminal."""
    text = " | ".join(_briefly(one) for one in race.standings())
    progress(f"{text[:WIDTH]:<{WIDTH}}" if live else text)


def _briefly(one: Standing) -> str:
    """Say how far a lane is: 'paper 1200/2000 error 0.0034', 'sampled done in 0.0071 s error 0.00036'."""
    far = f"{one.ending} in {seconds(one.seconds)}" if one.ending else f"{one.step}/{one.steps}"
    return f"{one.recipe} {far} error {_figure(one.error)}"


# The result -----------------------------------------------------------------------------------------------------------


def _table(race: Race) -> str:
    standings = race.standings()
    rows = [_COLUMNS, *(_row(one) for one in standings)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(_COLUMNS))]
    lines = [_laid_out(row, widths) for row in rows]
    finish = race.finish
    said = "none" if finish is None else f"a field error of {_figure(finish.error)}, {finish.source}"
    networks = ", ".join(f"{one.recipe} {one.title.rpartition(' · ')[2]}" for one in standings)
    return "\n".join([*lines, "", f"finish: {said}", f"networks: {networks}"])


def _laid_out(row: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join([f"{row[0]:<{widths[0]}}", *(f"{text:>{w}}" for text, w in zip(row[1:], widths[1:], strict=True))])


def _row(one: Standing) -> tuple[str, ...]:
    finish = NONE if one.finish is None else seconds(one.finish)
    ending = "" if one.ending == "finished" else f" ({one.ending})"
    return one.recipe + ending, seconds(one.seconds), _figure(one.loss), _figure(one.error), finish, _times(one)


def _times(one: Standing) -> str:
    """Say how many times faster than the paper a lane was."""
    if one.faster is None:
        return NONE
    return f"{'> ' if one.at_least else ''}{float(f'{one.faster:.2g}'):,.16g} ×"


def seconds(value: float) -> str:
    """Return `value`, in s, as text: '0.0071 s', '12.3 s'."""
    return f"{value:.1f} s" if value >= 10 else f"{value:.2g} s"


def _figure(value: float | None) -> str:
    return scientific(value)


def _summary(race: Race) -> dict[str, Any]:
    """Return the result as JSON values; None for what there is not."""
    experiment, finish = race.experiment, race.finish
    return {
        "system": experiment.source_name,
        "model": experiment.models[0].name,
        "seed": experiment.seed,
        "finish": None if finish is None else {"error": finish.error, "source": finish.source},
        "lanes": [_lane(one) for one in race.standings()],
    }


def _lane(one: Standing) -> dict[str, Any]:
    return {
        "place": one.place,
        "recipe": one.recipe,
        "title": one.title,
        "ending": one.ending,
        "note": one.note,
        "steps": one.step,
        "seconds": one.seconds,
        "loss": _finite(one.loss),
        "error": _finite(one.error),
        "finish_seconds": one.finish,
        "times_faster": one.faster,
        "times_faster_at_least": one.at_least,
    }


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
