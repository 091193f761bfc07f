"""Reading 2 million rows of measured data, beside numpy's own reader of text on the same file and columns."""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.figures import Aims, Figures, rounded, say
from benchmarks.scale import peak_mb
from hnn_engine.limits import MOST_ROWS
from hnn_engine.recordings import Columns, inspect_table, read_recording

RUNS = 3
STEP = 0.01  # seconds from row to row


class Case(NamedTuple):
    """A table: its header, what parts its cells, how many trials it has, and the columns that are read."""

    header: str
    delimiter: str
    trials: int
    columns: Columns


CASES = {
    "with_velocity": Case("time,angle,velocity", ",", 1, Columns(0, 1, 2)),
    "without_velocity": Case("time,angle,velocity", ",", 1, Columns(0, 1)),
    "trials": Case("trial time angle velocity", " ", 1000, Columns(1, 2, 3, 0)),
}
AIMS: Aims = {f"{name}.ratio": ("≤", 4.0) for name in CASES}


def measure(options: argparse.Namespace) -> Figures:
    """Read each table by both in turn, once to warm the disk's cache and then `--runs` times."""
    found: Figures = {}
    with tempfile.TemporaryDirectory(prefix="hnn-lab-") as folder:
        for name, case in CASES.items():
            path = Path(folder) / f"{name}.txt"
            write(path, case, MOST_ROWS)
            found[name] = compared(path, case, options.runs or RUNS)
            say(f"{name}: {found[name]['ratio']} times numpy.loadtxt's {found[name]['loadtxt_s']} s")
            path.unlink()
    return {**found, "rows": MOST_ROWS, "peak_mb": rounded(peak_mb())}


def write(path: Path, case: Case, rows: int) -> None:
    """Write a table of so many rows of a swing."""
    row = np.arange(rows)
    at, trial = STEP * row, row * case.trials // rows
    columns = [at, np.sin(at), np.cos(at)]
    shown = ["%.8g"] * 3
    if case.trials > 1:
        columns, shown = [trial, *columns], ["%d", *shown]
    np.savetxt(path, np.column_stack(columns), shown, case.delimiter, header=case.header, comments="")


def compared(path: Path, case: Case, runs: int) -> Figures:
    """Return the seconds of both and of an inspection, medians, and the median of their ratios."""
    ways: dict[str, Callable[[], object]] = {
        "reading": lambda: read_recording(path, case.columns),
        "loadtxt": lambda: np.loadtxt(path, delimiter=case.delimiter, skiprows=1, usecols=case.columns.used),
        "inspection": lambda: inspect_table(path),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(runs + 1):
        for name, work in ways.items():
            began = time.perf_counter()
            work()
            seconds[name].append(time.perf_counter() - began)
    ratios = [ours / theirs for ours, theirs in zip(seconds["reading"][1:], seconds["loadtxt"][1:], strict=True)]
    medians = {f"{name}_s": rounded(statistics.median(values[1:]), 3) for name, values in seconds.items()}
    return {"mb": rounded(path.stat().st_size / 2**20), **medians, "ratio": rounded(statistics.median(ratios), 3)}
