"""This build beside another clone: the same benchmark in both, in turn, medians of each, and their ratios.

Each clone runs its own `python -m benchmarks NAME`, so figures of one name must mean the same in both. One is begun
with first in one round and the other in the next: a machine that grows warm slows neither more than the other.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.figures import BenchmarkError, Figures, flat, rounded, say

ROUNDS = 3
HERE = Path(__file__).parents[1]
OURS, THEIRS = "here", "against"
LIMIT_SECONDS = 1800.0


def why_no_clone(folder: Path) -> str:
    """Return why `folder` is no clone of the program whose benchmarks run, or an empty string."""
    return "" if (folder / "benchmarks" / "__main__.py").is_file() else "it holds no benchmarks"


def compared(name: str, words: Sequence[str], other: Path, rounds: int = ROUNDS) -> Figures:
    """Run benchmark `name` with the options `words` in this clone and in `other`, `rounds` times in turn; return the
    median of every single figure of both, and of ours over theirs in each round."""
    builds = {OURS: HERE, THEIRS: other.resolve()}
    for build in builds.values():
        say(f"compiling what {build} lacks")
        _run(build, [sys.executable, "-m", "hnn_engine.kernels"])
    found: dict[str, list[dict[str, float]]] = {OURS: [], THEIRS: []}
    for number in range(rounds):
        for which in (OURS, THEIRS) if number % 2 == 0 else (THEIRS, OURS):
            say(f"round {number + 1} of {rounds}: {which}, {builds[which]}")
            found[which].append(_measured(builds[which], name, words))
    return {**{which: _medians(runs) for which, runs in found.items()}, **ratios(found), **commits(builds)}


def ratios(found: Mapping[str, list[dict[str, float]]]) -> Figures:
    """Return under 'ratio' the median over rounds of ours over theirs, of each figure that both have."""
    rounds = list(zip(found[OURS], found[THEIRS], strict=True))
    shared = [name for name in rounds[0][0] if all(name in one for pair in rounds for one in pair)]
    parts = {name: [ours[name] / theirs[name] for ours, theirs in rounds if theirs[name] > 0] for name in shared}
    return {"ratio": {name: rounded(statistics.median(part), 3) for name, part in parts.items() if part}}


def commits(builds: Mapping[str, Path]) -> Figures:
    """Return the commit of each build."""
    return {f"commit_{which}": _commit(folder) for which, folder in builds.items()}


def _medians(runs: list[dict[str, float]]) -> Figures:
    names = [name for name in runs[0] if all(name in run for run in runs)]
    return {name: rounded(statistics.median(run[name] for run in runs)) for name in names}


def _measured(build: Path, name: str, words: Sequence[str]) -> dict[str, float]:
    """Run a benchmark in a clone and return its single figures that are numbers, by their dotted names."""
    with tempfile.TemporaryDirectory(prefix="hnn-lab-") as folder:
        file = Path(folder) / "figures.json"
        _run(build, [sys.executable, "-m", "benchmarks", name, *words, "--json", str(file)])
        figures: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    for about in ("machine", "versions"):
        figures.pop(about, None)
    return {k: float(v) for k, v in flat(figures) if isinstance(v, int | float) and not isinstance(v, bool)}


def _run(build: Path, command: Sequence[str]) -> None:
    """Run a command in a clone, with settings and data of its own; raise `BenchmarkError` where it fails."""
    with private_home() as environment:
        try:
            done = subprocess.run(
                command, cwd=build, env=environment, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            raise BenchmarkError(f"{' '.join(command[1:])} in {build} did not end in {LIMIT_SECONDS:g} s") from None
    if done.returncode:
        raise BenchmarkError(f"{' '.join(command[1:])} in {build} ended with {done.returncode}: {done.stderr[-1500:]}")


@contextmanager
def private_home() -> Iterator[dict[str, str]]:
    """Yield an environment whose home is an empty folder: no settings, no caches, no data of anyone's."""
    with tempfile.TemporaryDirectory(prefix="hnn-lab-") as home:
        known = {k: v for k, v in os.environ.items() if not k.startswith("NUMBA_") and k != "PYTHONPATH"}
        known.pop("PYTHONDONTWRITEBYTECODE", None)
        parts = {"XDG_CONFIG_HOME": "config", "XDG_CACHE_HOME": "cache", "XDG_DATA_HOME": "share"}
        places = {name: str(Path(home) / part) for name, part in parts.items()}
        yield {**known, "HOME": home, "USERPROFILE": home, "HNN_LAB_DATA": str(Path(home) / "data"), **places}


def _commit(folder: Path) -> str:
    command = ["git", "-C", str(folder), "rev-parse", "--short", "HEAD"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"
