"""`hnn-lab film … --view …`: films of what the window shows, drawn without a display."""

import argparse
import math
from pathlib import Path

from app.export.film import check_target
from app.export.offscreen import film_offscreen
from app.model.document import State, View
from app.model.film_order import Order, Shown
from app.model.film_plan import GIF, FilmPlan, check_views, parse_size
from hnn_engine.cli.filming import Sources, asked_of, check_free, loaded
from hnn_engine.cli.stopping import Interrupts, exit_code
from hnn_engine.cli.systems import named_source
from hnn_engine.cli.values import names, number
from hnn_engine.console import end_progress, is_live, progress, say
from hnn_engine.disk import operations
from hnn_engine.errors import HnnLabError, ParameterError, shortened
from hnn_engine.experiment import opened
from hnn_engine.own_systems.files import SUFFIX
from hnn_engine.systems import SYSTEMS

SIZE, RATE = "1280x720", "30"


def main(options: argparse.Namespace) -> int:
    """Film what `options`, those of `film`, say; return the exit code: 0; 2 for what the user can correct; 130 on
    Ctrl-C and the like."""
    try:
        with Interrupts() as interrupts, interrupts.holding():
            film(options, interrupts)
        return 0
    except HnnLabError as error:
        say(error)
        return 2
    except KeyboardInterrupt as stop:
        say("stopped")
        return exit_code(stop)


class StoppedError(Exception):
    """A signal has asked for the end: an exception that the event loop passes on like any other."""


def film(options: argparse.Namespace, interrupts: Interrupts) -> None:
    """Write the film; progress goes to stderr. Raises `HnnLabError` for what the user can correct, and what a
    signal does that `interrupts` has heard."""
    if options.height is not None:
        raise ParameterError("--height is for a film without --view: say --size, as in --size 1280x720")
    views = tuple(names(options.view, "--view"))
    check_views(views)
    size = parse_size(options.size if options.size is not None else SIZE)
    check_free(options.out, options.force)
    check_target(options.out, options.force)
    found = _sources(options.sources)
    experiment = asked_of(found.experiment, options)
    plan = _plan(options, views, size, experiment.rollout.length)
    view = View.from_dict(dict(found.view))
    shown = Shown(State(experiment, found.runs, found.shown), view)

    def tell(share: float) -> None:
        if interrupts.asked:
            raise StoppedError
        if is_live():
            progress(f"Filming: {100 * share:3.0f} %")

    try:
        film_offscreen(Order(shown, plan, options.out, options.force), tell)
    except StoppedError:
        interrupts.end_if_asked()
    finally:
        end_progress()
    say(f"{options.out}: {plan.in_words(options.out.suffix.lower())}, {plan.count / plan.rate:.3g} s")
    if options.out.suffix.lower() == GIF and plan.in_words(GIF) != plan.in_words(""):
        say("A GIF shows at most 50 pictures a second: the others are left out. An mp4 shows all.")


def _sources(sources: list[Path]) -> Sources:
    """Read what is filmed: runs, a session, or one system by its name or file."""
    name = str(sources[0])
    system = name.endswith(SUFFIX) or (name in SYSTEMS and operations.kind(sources[0]) is None)
    if len(sources) == 1 and system:
        return Sources(opened(named_source(name, {})))
    return loaded(sources)


def _plan(options: argparse.Namespace, views: tuple[str, ...], size: tuple[int, int], horizon: float) -> FilmPlan:
    rate = number(options.fps, float(RATE), "--fps")
    speed = number(options.speed, 1.0, "--speed")
    begin = _instant(options.since)
    seconds = number(options.seconds, max((horizon - begin) / speed, 1 / rate), "--seconds")
    return FilmPlan(views, size, rate, seconds, begin, speed, options.theme).checked(horizon)


def _instant(text: str | None) -> float:
    """Return the seconds that --from says, 0 where it says nothing; raise `ParameterError`."""
    try:
        value = 0.0 if text is None else float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value >= 0):
        raise ParameterError(f"--from is '{shortened(text)}', but it must be a number of seconds from 0, as in 2.5")
    return value
