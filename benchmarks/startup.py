"""From the command to the first painted window with truth moving, beside a bare PySide6 + pyqtgraph window."""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Any

from benchmarks.figures import Aims, BenchmarkError, Figures, rounded, say, spread

AIMS: Aims = {"ratio": ("≤", 1.2), "whole_ratio": ("≤", 1.5), "longest_gap_ms": ("≤", 300.0)}
RUNS = 9
LIMIT_SECONDS = 180.0


def measure(options: argparse.Namespace) -> Figures:
    """Start both windows in turn, once to warm the caches and then `--runs` times."""
    runs: int = options.runs or RUNS
    windows, bares = [], []
    for run in range(runs + 1):
        window, bare = _start("startup_window"), _start("startup_bare")
        name = f"run {run} of {runs}: " if run else "warming the caches: "
        moving, whole, plain = (f"{seconds:.2f} s" for seconds in (window["seconds"], window["whole"], bare["seconds"]))
        say(f"{name}truth moves {moving}, whole {whole}, bare {plain}, longest gap {window['gap_ms']:.0f} ms")
        if run:
            windows.append(window)
            bares.append(bare)
    return _figures(windows, bares)


def _start(module: str) -> dict[str, Any]:
    """Run `benchmarks.module` in a process of its own and return what it prints."""
    with tempfile.TemporaryDirectory(prefix="hnn-lab-") as folder:
        # A warm cache has the byte code of both; the first start of each, which is not counted, writes it.
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        command = [sys.executable, "-m", f"benchmarks.{module}", folder, repr(time.time())]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False, env=environment
            )
        except subprocess.TimeoutExpired:
            raise BenchmarkError(f"benchmarks.{module} did not end within {LIMIT_SECONDS:g} s") from None
    lines = done.stdout.splitlines()
    if done.returncode or not lines:
        raise BenchmarkError(f"benchmarks.{module} failed with exit code {done.returncode}:\n{done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(lines[-1])
    return found


def _figures(windows: list[dict[str, Any]], bares: list[dict[str, Any]]) -> Figures:
    window = statistics.median(w["seconds"] for w in windows)
    bare = statistics.median(b["seconds"] for b in bares)
    whole = statistics.median(w["whole"] for w in windows)  # the plots may come after the scene has begun to move
    scipy, torch = (any(w[name] for w in windows) for name in ("scipy", "torch"))
    failure = "scipy or torch was loaded before truth moved" if scipy or torch else ""
    return {
        "window_s": rounded(window),
        "bare_s": rounded(bare),
        "ratio": rounded(window / bare, 3),
        "longest_gap_ms": rounded(statistics.median(w["gap_ms"] for w in windows)),
        "worst_gap_ms": rounded(max(w["gap_ms"] for w in windows)),
        "whole_s": rounded(whole),
        "whole_ratio": rounded(whole / bare, 3),
        "first_paint_s": rounded(statistics.median(w["first_paint"] for w in windows)),
        "warm_after_s": rounded(statistics.median(w["warm_after"] for w in windows)),
        "scipy_loaded": scipy,
        "torch_loaded": torch,
        **({"failure": failure} if failure else {}),
        "window_spread": spread([w["seconds"] for w in windows]),
        "bare_spread": spread([b["seconds"] for b in bares]),
        "runs": [
            {
                "window_s": rounded(w["seconds"]),
                "whole_s": rounded(w["whole"]),
                "bare_s": rounded(b["seconds"]),
                "gaps_over_100_ms": w["gaps"],
            }
            for w, b in zip(windows, bares, strict=True)
        ],
        "platform": windows[0]["platform"],
    }
