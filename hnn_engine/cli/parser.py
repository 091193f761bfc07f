"""The commands and their options."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from hnn_engine import __version__
from hnn_engine.cli import commands, desktop, filming, inspecting, racing, reproducing, systems
from hnn_engine.errors import LINE, choice, one_line, shortened
from hnn_engine.fitting.backend_choice import BACKENDS, COMPILED
from hnn_engine.limits import LARGEST_SNAPSHOTS, MOST_SNAPSHOTS
from hnn_engine.systems import SYSTEMS
from hnn_engine.tasks import SIMULATED, TASKS

TABLES = ("systems", "models", "recipes", "integrators", "tasks")
COMMANDS = (*TABLES, "train", "inspect", "evaluate", "simulate", "film", "race", "reproduce", "desktop")
_SIGNED = (*systems.SIGNED, "--start", "--setting")  # options whose value may begin with a minus sign


class Parser(argparse.ArgumentParser):
    """A parser that says what is wrong in one sentence."""

    def error(self, message: str) -> NoReturn:
        """Say `message` in one line on stderr, and end the program with exit code 2."""
        line = one_line(f"hnn-lab: {message[:1].upper()}{message[1:]}; see '{self.prog} --help'", LINE)
        self.exit(2, f"{line}\n")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            known = choice(value, map(str, action.choices), f"'{self.prog} --help' lists")
            raise argparse.ArgumentError(action, f"there is no '{shortened(value)}': {known}")


def joined(arguments: Sequence[str]) -> list[str]:
    """Return `arguments` with `--start -1,0` written as `--start=-1,0`, which argparse would otherwise take for two
    options."""
    out: list[str] = []
    for argument in arguments:
        if out and out[-1] in _SIGNED and argument.startswith("-") and not argument.startswith("--"):
            out[-1] = f"{out[-1]}={argument}"
        else:
            out.append(argument)
    return out


def build_parser() -> Parser:
    """Return the parser of the whole command line."""
    parser = Parser(
        prog="hnn-lab",
        description="A laboratory for Hamiltonian neural networks. Without a command, or with the path of a session, "
        "a run, a system or measured data, or with a link to a state, the window opens.",
        epilog="hnn-lab screenshot --system S --out PNG draws the real window, or a panel, without a display.",
    )
    parser.add_argument("--version", action="version", version=f"hnn-lab {__version__}")
    subs = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser)
    for name in TABLES:
        table = subs.add_parser(name, help=f"list the {name}")
        table.add_argument("--json", action="store_true", help="as a JSON array")
        table.set_defaults(run=getattr(commands, f"list_{name}"))
        if name == "systems":
            table.add_argument("--shelf", action="store_true", help="those that come with the program as files")
    _add_train(subs.add_parser("train", help="fit a model and keep the run"))
    _add_inspect(subs.add_parser("inspect", help="say what would be read of a recording"))
    _add_evaluate(subs.add_parser("evaluate", help="evaluate a run again"))
    _add_simulate(subs.add_parser("simulate", help="write a rollout as CSV"))
    _add_film(subs.add_parser("film", help="write a film of what the window shows, or of predicted frames"))
    _add_race(subs.add_parser("race", help="fit the same data by several recipes and compare their times"))
    _add_reproduce(subs.add_parser("reproduce", help="rerun the paper's experiments and compare the figures"))
    _add_desktop(subs.add_parser("desktop", help="let a double click on a session open it (Linux)"))
    return parser


def _add_train(train: argparse.ArgumentParser) -> None:
    source = train.add_mutually_exclusive_group(required=True)
    systems.add_source(source)
    source.add_argument(
        "--recording",
        metavar="FILE",
        help="measured data: a table (text, CSV, Excel, NumPy, MATLAB, zip), a video, or a folder of its pictures",
    )
    train.add_argument("--model", required=True, metavar="M", help="see 'hnn-lab models'")
    train.add_argument("--recipe", default="paper", metavar="R", help="see 'hnn-lab recipes' (paper)")
    train.add_argument(
        "--from",
        dest="begin",
        metavar="RUN",
        type=Path,
        help="start from the weights of this run, which has the same network",
    )
    train.add_argument("--seed", default="0", metavar="N", help="seed of data and weights (0)")
    train.add_argument("--out", required=True, metavar="DIR", type=Path, help="folder of the run")
    train.add_argument(
        "--snapshots",
        metavar="N",
        help=f"how often the weights along a fit by gradient are kept, 0 for never ({MOST_SNAPSHOTS}, and at most "
        f"{LARGEST_SNAPSHOTS / 1e6:.0f} MB)",
    )
    train.add_argument("--force", action="store_true", help="replace a run that is already there")
    for name, text in (
        ("width", "units in each hidden layer, or auto: what suits the recipe and the system (auto)"),
        ("depth", "hidden layers, or auto; beside a width that is given 2, the paper's (auto)"),
        ("steps", "steps of the optimiser"),
        ("trajectories", "how many trajectories the data has"),
        ("points", "samples on each trajectory"),
        ("horizon", "length of each trajectory in seconds"),
        ("noise", "standard deviation of the noise on the states"),
        ("layout", "where the states lie: along orbits, or on a grid"),
        ("frames", "frames of each trajectory, for systems observed as frames"),
        ("start-angle", "largest angle of the starts in degrees"),
        ("start-speed", "largest speed of the starts in rad/s"),
        ("size", "pixels across and down a frame (28)"),
        ("thickness", "thickness of the rod relative to its length"),
    ):
        train.add_argument(f"--{name}", metavar="N", help=text)
    for parameter in {p.name: p for system in SYSTEMS.values() for p in system.start_parameters}.values():
        whose = ", ".join(name for name, system in SYSTEMS.items() if parameter in system.start_parameters)
        train.add_argument(f"--{parameter.name}", metavar="N", help=f"{parameter.help} ({parameter.unit}; {whose})")
    systems.add_details(train)
    systems.add_energies(train)
    train.add_argument(
        "--setting", metavar="NAME=VALUE", action="append", default=[], help="a setting of the model or the recipe"
    )
    train.add_argument(
        "--crop", metavar="LEFT,TOP,SIDE", help="the square of a video to cut out, in pixels (the middle)"
    )
    train.add_argument("--fps", metavar="N", help="frames per second of a video; a folder of pictures needs it")
    train.add_argument("--method", metavar="D", help="how derivatives of a recording are estimated")
    _add_table_options(train)
    _add_backend(train, "what is there at once")
    train.add_argument("--json", action="store_true", help="print one line of JSON on stdout")
    train.set_defaults(run=commands.train)


def _add_table_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--columns",
        metavar="ROLE=N,…",
        help="what the recording's columns are, counted from 1, and their units, where the file does not say, as in "
        "time=1,coordinate=2,velocity=3,angle-unit=deg",
    )
    parser.add_argument("--rate", metavar="HZ", help="rows per second of a table without a time")
    parser.add_argument(
        "--table", metavar="NAME", help="the sheet of a workbook, or the file in a zip, where several hold a table"
    )


def _add_inspect(inspect: argparse.ArgumentParser) -> None:
    inspect.add_argument("recording", metavar="FILE", help="a table, a video, or a folder of its pictures")
    _add_table_options(inspect)
    inspect.add_argument("--fps", metavar="N", help="frames per second of a video")
    inspect.add_argument("--json", action="store_true", help="print one line of JSON on stdout")
    inspect.set_defaults(run=inspecting.inspect)


def _add_backend(command: argparse.ArgumentParser, otherwise: str) -> None:
    names = " or ".join(BACKENDS)
    command.add_argument(
        "--backend",
        metavar="B",
        choices=BACKENDS,
        default="",
        help=f"what computes the fits, {names}: the same seed and backend give the same weights ({otherwise})",
    )


def _add_evaluate(evaluate: argparse.ArgumentParser) -> None:
    evaluate.add_argument("folder", metavar="RUN", type=Path, help="folder of a run")
    evaluate.add_argument("--start", metavar="q,…,p,…", help="of --debug: where its rollout begins (the run's own)")
    evaluate.add_argument("--integrator", metavar="NAME", help="of --debug: the method of its rollout (the run's own)")
    evaluate.add_argument("--dt", metavar="S", help="of --debug: the step of its rollout in seconds (the run's own)")
    evaluate.add_argument("--horizon", metavar="S", help="of --debug: the length of its rollout (the run's own)")
    evaluate.add_argument(
        "--step", metavar="N", help="the weights after N steps of the fit, or the last kept before that"
    )
    evaluate.add_argument("--json", action="store_true", help="print one line of JSON on stdout")
    evaluate.add_argument(
        "--out",
        metavar="FILE.csv",
        type=Path,
        help="write the figures here as well, in the columns of the panel of runs",
    )
    evaluate.add_argument(
        "--debug",
        action="store_true",
        help="find out why the model is wrong as well: where its field is off, whose error it is, what it keeps of the "
        "flow, and a verdict in words; a minute or so",
    )
    evaluate.set_defaults(run=commands.evaluate_run)


def _add_simulate(simulate: argparse.ArgumentParser) -> None:
    systems.add_source(simulate.add_mutually_exclusive_group(required=True))
    simulate.add_argument(
        "--run", dest="folder", metavar="RUN", type=Path, help="integrate this run's model instead of the system"
    )
    simulate.add_argument("--start", metavar="q,…,p,…", help="initial coordinates (the system's own)")
    simulate.add_argument("--integrator", metavar="NAME", help="see 'hnn-lab integrators' (dop853)", default="dop853")
    simulate.add_argument("--dt", metavar="S", help="step in seconds")
    simulate.add_argument("--horizon", metavar="S", help="length of the rollout in seconds")
    systems.add_details(simulate)
    simulate.add_argument(
        "--out", required=True, metavar="FILE.csv", type=Path, help="where to write t, coordinates, H, with their units"
    )
    simulate.set_defaults(run=commands.simulate)


def _add_film(film: argparse.ArgumentParser) -> None:
    film.add_argument(
        "sources",
        metavar="RUN",
        type=Path,
        nargs="+",
        help="folders of runs of one system, or one session; without --view of models of frames",
    )
    film.add_argument(
        "--out",
        required=True,
        metavar="FILE",
        type=Path,
        help="a name that ends in .gif or .mp4; with --view also that of a folder, for numbered pictures",
    )
    film.add_argument("--force", action="store_true", help="replace what is already there")
    film.add_argument(
        "--view",
        metavar="V,…",
        help="what is filmed: scene, portrait, energy, error, several of them side by side, or window; without it the "
        "frames that models predict beside those of the camera",
    )
    film.add_argument("--size", metavar="WxH", help="of the pictures of --view, in pixels (1280x720)")
    film.add_argument("--fps", metavar="N", help="pictures a second of --view (30)")
    film.add_argument("--seconds", metavar="S", help="how long the film of --view lasts (to the end of the rollouts)")
    film.add_argument("--from", dest="since", metavar="S", help="instant of the rollouts that it begins at (0)")
    film.add_argument("--speed", metavar="X", help="seconds of the rollouts in one of the film (1)")
    film.add_argument("--start", metavar="q,p", help="start of the rollouts (the run's own)")
    film.add_argument("--horizon", metavar="S", help="length of the rollouts in seconds (the run's own)")
    film.add_argument("--steer", metavar="KIND", default=None, help="intervention: pump, drain or reverse")
    film.add_argument("--at", metavar="S", help="when it begins, in seconds (halfway)")
    film.add_argument("--span", metavar="S", help="how long energy is added or removed, in seconds")
    film.add_argument("--theme", choices=("light", "dark"), default="light", help="light or dark theme (light)")
    film.add_argument("--height", metavar="PX", help="height of the pictures in pixels, without --view (360)")
    film.set_defaults(run=filming.film)


def _add_race(race: argparse.ArgumentParser) -> None:
    source = race.add_mutually_exclusive_group(required=True)
    source.add_argument("named", metavar="SYSTEM", nargs="?", help="a system's name; see 'hnn-lab systems'")
    systems.add_source(source)
    systems.add_details(race)
    systems.add_energies(race)
    race.add_argument("--model", metavar="M", help="see 'hnn-lab models' (the system's HNN)")
    race.add_argument("--recipes", metavar="R,…", help="see 'hnn-lab recipes' (all that apply to the model)")
    race.add_argument("--seed", default="0", metavar="N", help="seed of data and weights (0)")
    _add_backend(race, "what is there at once")
    race.add_argument("--json", action="store_true", help="print one line of JSON on stdout")
    race.set_defaults(run=racing.race)


def _add_reproduce(reproduce: argparse.ArgumentParser) -> None:
    names = ", ".join(task.name for task in TASKS.values() if task.from_paper)
    reproduce.add_argument("--task", metavar="T,…", help=f"see 'hnn-lab tasks' (the paper's: {names})")
    reproduce.add_argument("--recipe", default="paper", metavar="R", help="see 'hnn-lab recipes' (paper)")
    reproduce.add_argument(
        "--model",
        metavar="M,…",
        help="see 'hnn-lab models' (each task's own: baseline,hnn; dissipative-hnn with friction)",
    )
    reproduce.add_argument("--seeds", default="3", metavar="N", help="seeds 0 to N − 1 of data and weights (3)")
    reproduce.add_argument(
        "--recording", metavar="FILE", help=f"the measured pendulum for real-pendulum, or '{SIMULATED}'"
    )
    _add_backend(reproduce, COMPILED)
    reproduce.add_argument("--json", metavar="FILE", type=Path, help="write an array of fits here")
    reproduce.add_argument("--report", metavar="DIR", type=Path, help="write a page with plots, DIR/index.html")
    reproduce.add_argument("--keep", metavar="DIR", type=Path, help="folder of cached fits (the user's cache)")
    reproduce.add_argument("--fresh", action="store_true", help="fit again what is cached already")
    reproduce.set_defaults(run=reproducing.reproduce)


def _add_desktop(entry: argparse.ArgumentParser) -> None:
    entry.add_argument(
        "act",
        choices=("install", "remove"),
        help="put desktop file, icons and kinds of files in place for this user, or take them away again",
    )
    entry.set_defaults(run=desktop.desktop)
