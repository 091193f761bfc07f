"""The command: runs one benchmark, prints its table, and writes its figures with machine, versions and commit."""

import argparse
import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import NoReturn

from benchmarks import against
from benchmarks.figures import BenchmarkError, Figures, say, table
from benchmarks.machine import Neighbours, about

BENCHMARKS = {
    "frames": "intervals between painted frames while both models train, and the training's pace",
    "drag": "from a mouse move to the redrawn rollouts, in the portrait and in the scene",
    "live": "refits of the live fit while a hand drags the noise and a trajectory, and the frames meanwhile",
    "cold": "with nothing compiled: the first command, what compiling takes, and Train pressed at once",
    "startup": "from the command to the first window with truth moving, beside a bare window",
    "memory": "resident memory over minutes of training and playing",
    "rollout": "rollouts: compiled, plain numpy, the paper's way, a thousand at once; each family at equal accuracy",
    "pixels": "the pixel pendulum: video, a step, fits by two recipes, painting",
    "fit": "whole fits: the paper's recipe and the closed form, by task, over seeds of data",
    "sizes": "which widths and depths are best for the closed forms, by system: what automatic networks are",
    "step": "one step of a fit of each family: compiled, by torch, the paper's way, its matrix products; closed forms",
    "table": "reading 2 million rows of measured data, beside numpy's own reader of text",
    "own": "systems of one's own: from a key to the picture, and evaluation beside the built-in ones",
    "views": "views of what a network learned: their figures, and all Lyapunov exponents beside scipy",
    "film": "a film of 10 s in 1080p: the whole command, beside painting and encoding measured apart",
    "verdicts": "verdicts on fits whose faults are known: which are found, and whether anything else is said",
    "scale": "how time and memory grow with data, width and bodies: steps, closed forms, true motion",
}
ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
BESIDE = ("cold", "startup", "drag", "live", "frames")  # what can be measured beside another clone


class Parser(argparse.ArgumentParser):
    """A parser that says what is wrong in one sentence."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"benchmarks: {message[:1].upper()}{message[1:]}; see 'python -m benchmarks --help'\n")


def _positive(text: str) -> float:
    with contextlib.suppress(ValueError):
        if 0 < float(text) < float("inf"):
            return float(text)
    raise argparse.ArgumentTypeError(f"'{text}' is no number above zero")


def _count(text: str) -> int:
    if text.isdecimal() and int(text) > 0:
        return int(text)
    raise argparse.ArgumentTypeError(f"'{text}' is no count of 1 or more")


def build_parser() -> Parser:
    """Return the parser of the command."""
    listing = "; ".join(f"{name}: {summary}" for name, summary in BENCHMARKS.items())
    parser = Parser(prog="python -m benchmarks", description=f"Measure the laboratory. {listing}.")
    parser.add_argument("name", metavar="NAME", help=f"one of {', '.join(BENCHMARKS)}")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the figures here")
    parser.add_argument(
        "--seconds", metavar="S", type=_positive, help="of measurement (frames 20, drag 10, live 10), of the film (10)"
    )
    parser.add_argument(
        "--runs",
        metavar="N",
        type=_count,
        help="repetitions (cold 3, startup 9, rollout 15, step 200, scale 5, table 3), seeds of fit and sizes (5)",
    )
    parser.add_argument("--present", action="store_true", help="of frames: a presentation beside the window, in turn")
    parser.add_argument(
        "--task", metavar="T", help="of fit and sizes: this one alone (sizes: or SYSTEM:RECIPE); of verdicts: a part"
    )
    parser.add_argument("--keep", metavar="DIR", type=Path, help="of verdicts: folder of fits, which are used again")
    parser.add_argument("--minutes", metavar="M", type=_positive, default=10.0, help="of memory's watch (10)")
    parser.add_argument(
        "--against",
        metavar="PATH",
        type=Path,
        help=f"measure another clone beside this one, in turn, and print ratios ({', '.join(BESIDE)})",
    )
    parser.add_argument("--rounds", metavar="N", type=_count, help=f"of --against ({against.ROUNDS})")
    return parser


def main(arguments: Sequence[str]) -> int:
    """Run the command; return the exit code: 0, 1 where a benchmark failed, 2 for what the user can mend."""
    parser = build_parser()
    options = parser.parse_args(list(arguments))
    if options.name not in BENCHMARKS:
        parser.error(f"there is no benchmark '{options.name}': choose one of {', '.join(BENCHMARKS)}")
    if options.json is not None:
        problem = why_not_writable(options.json)
        if problem:
            parser.error(f"{options.json} cannot be written ({problem}): choose another file")
    if options.against is not None:
        if options.name not in BESIDE:
            parser.error(f"--against is for {', '.join(BESIDE)}, not for {options.name}: leave it out")
        problem = against.why_no_clone(options.against)
        if problem:
            parser.error(f"--against is {options.against}, but {problem}: name a clone of the program")
    # As the program itself does it, before numpy is loaded; processes that a benchmark starts inherit it.
    for name in ONE_THREAD:
        os.environ.setdefault(name, "1")
    try:
        return _run(options, arguments)
    except BenchmarkError as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 1


def _run(options: argparse.Namespace, arguments: Sequence[str]) -> int:
    module = import_module(f"benchmarks.{options.name}")
    say(f"{options.name}: {BENCHMARKS[options.name]}")
    neighbours = Neighbours()
    beside = options.against is not None and options.name != "cold"  # which has a way of its own
    figures: Figures = _beside(options) if beside else module.measure(options)
    figures["others_kept_busy"] = neighbours.processors()  # processors: above .1 or so, measure again
    print(table(figures, getattr(module, "AGAINST", {}) if beside else module.AIMS))
    if options.json is not None:
        whole = {"benchmark": options.name, **figures, **about(arguments)}
        options.json.write_text(json.dumps(whole, indent=2) + "\n", encoding="utf-8")
    failure = figures.get("failure")
    if failure:
        raise BenchmarkError(str(failure))
    return 0


def _beside(options: argparse.Namespace) -> Figures:
    """Measure this clone and another in turn."""
    given = {name: getattr(options, name) for name in ("seconds", "runs")}
    words = [word for name, value in given.items() if value is not None for word in (f"--{name}", str(value))]
    return against.compared(options.name, words, options.against, options.rounds or against.ROUNDS)


def why_not_writable(path: Path) -> str:
    """Return why `path` cannot be written, or an empty string; asked before the work, which may take minutes."""
    if path.is_dir():
        return "it is a folder"
    try:
        if path.exists():
            path.open("a").close()
        else:
            tempfile.TemporaryFile(dir=path.absolute().parent).close()
    except OSError as error:
        return error.strerror or str(error)
    return ""


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
