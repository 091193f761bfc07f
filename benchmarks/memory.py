"""Resident memory while the window plays and trains for minutes."""

import argparse
import asyncio
import time
from dataclasses import replace

from benchmarks.figures import Aims, BenchmarkError, Figures, percentile, rounded, say
from benchmarks.stand import WatchedWindow, in_window, platform_name, shown_panels

try:
    import psutil
except ImportError:
    raise BenchmarkError("memory needs psutil: install the laboratory as '.[test]'") from None

AIMS: Aims = {"growth": ("≤", 0.02), "peak_mb": ("≤", 700.0)}
MINUTE = 60.0
STEPS = 100_000  # of each model: more than are made in ten minutes, since a run that is kept rightly takes its memory


def measure(options: argparse.Namespace) -> Figures:
    """Watch for `--minutes`."""
    return in_window(lambda window: _watch(window, options.minutes))


async def _watch(window: WatchedWindow, minutes: float) -> Figures:
    lab = window.lab
    settings = {**lab.experiment.settings, "steps": STEPS}
    lab.document.edit(replace(lab.experiment, settings=settings), "Train on and on")
    process = psutil.Process()
    samples: list[tuple[float, float]] = []
    began = time.monotonic()
    while (now := time.monotonic() - began) < minutes * MINUTE:
        samples.append((now, process.memory_info().rss / 2**20))
        if not lab.training.worker.running:
            lab.training.start()
        if len(samples) % 30 == 1:
            say(f"{now:4.0f} s: {samples[-1][1]:.0f} MB, {sum(s.step for s in lab.training.series.values())} steps")
        await asyncio.sleep(1.0)
    return {**figures(samples), **_about(window), "platform": platform_name()}


def figures(samples: list[tuple[float, float]]) -> Figures:
    """Return medians of the second minute and the last one in MB, the growth between them, and the peak.

    `samples`: seconds and MB. A watch of less than two minutes is halved in their place.
    """
    end = samples[-1][0]
    first, second = (MINUTE, 2 * MINUTE) if end > 2 * MINUTE else (0.0, end / 2)
    early = percentile([mb for at, mb in samples if first <= at <= second], 50)
    late = percentile([mb for at, mb in samples if at >= max(end - MINUTE, second)], 50)
    assert early is not None
    assert late is not None
    return {
        "second_minute_mb": early,
        "last_mb": late,
        "peak_mb": rounded(max(mb for _, mb in samples)),
        "growth": rounded(late / early - 1.0, 3),
        "samples_mb": [rounded(mb) for _, mb in samples[::10]],
        "minutes": rounded(end / MINUTE, 3),
    }


def _about(window: WatchedWindow) -> Figures:
    return {"runs_kept": len(window.lab.document.state.runs), "panels": shown_panels(window)}
