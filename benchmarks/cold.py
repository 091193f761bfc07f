"""With no compiled code on disk: the first command, what compiling takes, and Train pressed when the window stands.

Everything happens in fresh clones with empty homes, so nothing is there that a new installation lacks, but what Python
keeps of the libraries. `--against PATH` runs the commands of another clone beside them, in turn.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.against import HERE, OURS, THEIRS, commits, private_home, ratios
from benchmarks.figures import Aims, BenchmarkError, Figures, rounded, say

QUICK = [
    (system, recipe) for system in ("pendulum", "double-pendulum") for recipe in ("paper", "adam", "sampled", "denoise")
]
LARGE = [("two-body", "paper"), ("three-body", "paper"), ("pixel-pendulum", "paper")]
AIMS: Aims = {
    "ratio.command_s": ("≤", 1 / 20),
    "ratio.compiling_processor_s": ("≤", 1 / 3),
    **{f"window.{system}.{recipe}.first_point_s": ("≤", 3.0) for system, recipe in QUICK},
    **{f"window.{system}.{recipe}.later_than_compiled_s": ("≤", 1.0) for system, recipe in LARGE},
    "paper_fit.ratio": ("≤", 1.3),
    "frames.p95_ms": ("≤", 33.0),
}
RUNS = 3
WATCHED = 6.0  # seconds that a window is watched for
FRAMES = 12.0  # and where frames alone are
TRAIN = ("train", "--system", "pendulum", "--model", "hnn")
LIMIT_SECONDS = 900.0


def measure(options: argparse.Namespace) -> Figures:
    """Run the commands `--runs` times, in this build and in the other, and the window of this one."""
    builds = {OURS: HERE} | ({THEIRS: options.against.resolve()} if options.against is not None else {})
    runs: int = options.rounds or options.runs or RUNS
    found: dict[str, list[dict[str, float]]] = {which: [] for which in builds}
    for number in range(runs):
        for which in list(builds) if number % 2 == 0 else list(builds)[::-1]:
            say(f"commands, round {number + 1} of {runs}: {which}, {builds[which]}")
            with fresh(builds[which]) as (clone, home):
                found[which].append(_commands(clone, home))
    figures: Figures = {which: _medians(rounds) for which, rounds in found.items()}
    if THEIRS in builds:
        figures |= ratios(found)
    return {**figures, "window": _window(), "paper_fit": _paper_fit(), "frames": _frames(), **commits(builds)}


def _medians(rounds: Sequence[Mapping[str, float]]) -> Figures:
    return {name: rounded(statistics.median(one[name] for one in rounds)) for name in rounds[0]}


def _commands(clone: Path, home: dict[str, str]) -> dict[str, float]:
    """Return the seconds of the first fit by the command line, of compiling, and of the same fit then."""
    out = str(clone.parent / "run")
    command = [*TRAIN, "--recipe", "sampled", "--out", out, "--force", "--json"]
    cold, _ = _timed(clone, home, ["-m", "app.main", *command])
    wall, processor = _timed(clone, home, ["-m", "hnn_engine.kernels"])
    warm, _ = _timed(clone, home, ["-m", "app.main", *command])
    return {"command_s": cold, "compiling_processor_s": processor, "compiling_s": wall, "command_compiled_s": warm}


def _window() -> Figures:
    """Press Train in fresh clones; of large data also in one with everything compiled."""
    found: Figures = {}
    for system, recipe in QUICK:
        with fresh(HERE) as (clone, home):
            found.setdefault(system, {})[recipe] = _pressed(clone, home, system, recipe)
    for system, recipe in LARGE:
        with fresh(HERE) as (clone, home):
            cold = _pressed(clone, home, system, recipe)
            _timed(clone, home, ["-m", "hnn_engine.kernels"])
            warm = _pressed(clone, home, system, recipe)
        later = rounded(cold["first_point_s"] - warm["first_point_s"])
        found[system] = {recipe: {"cold": cold, "compiled": warm, "later_than_compiled_s": later}}
    return found


def _paper_fit() -> Figures:
    """Return the seconds of a whole fit that begins before anything is compiled, with the compiler beside it, and of
    one by torch alone."""
    took: dict[str, list[float]] = {"cold_s": [], "torch_s": []}
    for _ in range(RUNS):
        with fresh(HERE) as (clone, home):
            for name, words in (("torch_s", ("--backend", "torch")), ("cold_s", ())):
                command = ["-m", "app.main", *TRAIN, "--recipe", "paper", *words, "--json"]
                done = _ran(clone, home, [*command, "--out", str(clone.parent / name)])
                took[name].append(json.loads(done.stdout)["fit_seconds"])
    parts = [cold / alone for cold, alone in zip(took["cold_s"], took["torch_s"], strict=True)]
    return {
        **{k: rounded(statistics.median(v)) for k, v in took.items()},
        "ratio": rounded(statistics.median(parts), 3),
    }


def _frames() -> Figures:
    """Return the intervals of a playing window while everything is compiled beside it, and with that done."""
    with fresh(HERE) as (clone, home):
        while_compiling = _pressed(clone, home, "pendulum", "none", FRAMES)
        _timed(clone, home, ["-m", "hnn_engine.kernels"])
        after = _pressed(clone, home, "pendulum", "none", FRAMES)
    slow, quick = (one["frame_ms"]["p95"] for one in (while_compiling, after))
    return {"p95_ms": slow, "compiled_p95_ms": quick, "ratio": rounded(slow / quick, 3)}


def _pressed(clone: Path, home: dict[str, str], system: str, recipe: str, seconds: float = WATCHED) -> Figures:
    done = _ran(clone, home, ["-m", "benchmarks.cold_window", system, recipe, str(seconds)])
    found: Figures = json.loads(done.stdout.splitlines()[-1])
    say(f"{system}, {recipe}: {found}")
    return found


@contextmanager
def fresh(build: Path) -> Iterator[tuple[Path, dict[str, str]]]:
    """Yield a new clone of `build` and an environment whose home is empty."""
    with tempfile.TemporaryDirectory(prefix="hnn-lab-", ignore_cleanup_errors=True) as folder, private_home() as home:
        git = shutil.which("git")
        if git is None:
            raise BenchmarkError("git is not installed, and fresh clones are made with it: install it")
        clone = Path(folder) / "clone"
        done = subprocess.run([git, "clone", "-q", str(build), str(clone)], capture_output=True, text=True, check=False)
        if done.returncode:
            raise BenchmarkError(f"{build} could not be cloned: {done.stderr[-300:]}")
        yield clone, home


def _timed(clone: Path, home: dict[str, str], words: Sequence[str]) -> tuple[float, float]:
    """Run a command of a clone; return its seconds by the clock and those of processors."""
    before, began = os.times(), time.perf_counter()
    _ran(clone, home, words)
    wall, after = time.perf_counter() - began, os.times()
    spent = after.children_user - before.children_user + after.children_system - before.children_system
    return rounded(wall), rounded(spent)


def _ran(clone: Path, home: dict[str, str], words: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    try:
        done = subprocess.run(
            [sys.executable, *words],
            cwd=clone,
            env=home,
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise BenchmarkError(f"{' '.join(words)} did not end within {LIMIT_SECONDS:g} s") from None
    if done.returncode:
        raise BenchmarkError(f"{' '.join(words)} ended with {done.returncode}: {done.stderr[-1500:]}")
    return done
