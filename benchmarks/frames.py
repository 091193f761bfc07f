"""Painted frames while both models train in the window, and what the window costs the training.

The fit in the window and the same fit in a process of its own take turns beside the same playing window, in the
order thread, process, process, thread, so that a machine that slows down harms both alike. With --present the fit in
the window goes on while the window and a presentation over the whole screen take turns in the same order.
"""

import argparse
import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from benchmarks.figures import Aims, BenchmarkError, Figures, milliseconds, percentile, percentiles, rounded, say
from benchmarks.stand import Paint, WatchedWindow, in_window, platform_name, shown_panels, until

AIMS: Aims = {
    "interval_ms.p50": ("≤", 17.0),
    "interval_ms.p95": ("≤", 20.0),
    "interval_ms.p99": ("≤", 33.0),
    "ratio": ("≥", 0.85),
    "live_answers_per_s": ("≥", 5.0),
    "interval_ratio.p95": ("≤", 1.2),
    "present.interval_ratio.p95": ("≤", 1.5),
}
SECONDS = 20.0  # of each side, in two parts
SETTLE_SECONDS = 3.0  # of training before a part is measured
STEPS = 100_000  # so that no fit ends while it is measured; the recipe's pace does not depend on it


@dataclass
class Side:
    """What one side, thread or process, has done so far."""

    steps: int = 0
    seconds: float = 0.0
    answers: int = 0
    intervals: list[float] = field(default_factory=list)  # ms, between completed repaints
    ticks: list[float] = field(default_factory=list)  # ms, between the clock's frames
    paints: list[float] = field(default_factory=list)  # ms, that one repaint takes
    work: list[float] = field(default_factory=list)  # ms of the window's thread on a processor, a frame

    @property
    def rate(self) -> float:
        """Steps a second, of both models together."""
        return self.steps / self.seconds


def measure(options: argparse.Namespace) -> Figures:
    """Measure both sides for `--seconds` each."""
    seconds = options.seconds or SECONDS
    compared = _compare_presented if options.present else _compare
    return in_window(lambda window: compared(window, seconds))


async def _compare(window: WatchedWindow, seconds: float) -> Figures:
    lab = window.lab
    settings = {**lab.experiment.settings, "steps": STEPS}
    lab.document.edit(replace(lab.experiment, settings=settings), "Train on and on")
    thread, process = Side(), Side()
    for side, part in ((thread, _thread), (process, _process), (process, _process), (thread, _thread)):
        say(f"{'thread' if side is thread else 'process'}: {seconds / 2:g} s")
        await part(window, side, seconds / 2)
    return {
        "interval_ms": percentiles(thread.intervals, 50, 95, 99),
        "steps_per_s": rounded(thread.rate),
        "process_steps_per_s": rounded(process.rate),
        "ratio": rounded(thread.rate / process.rate, 3),
        "live_answers_per_s": rounded(thread.answers / thread.seconds, 3),
        "longest_ms": rounded(max(thread.intervals)),
        "frames": len(thread.intervals),
        "tick_ms": percentiles(thread.ticks, 50, 95, 99),
        "paint_ms": percentiles(thread.paints, 50, 95, 99),
        "window_cpu_ms": percentiles(thread.work, 50, 95, 99),
        "beside_process": {
            "interval_ms": percentiles(process.intervals, 50, 95, 99),
            "paint_ms": percentiles(process.paints, 50, 95, 99),
            "window_cpu_ms": percentiles(process.work, 50, 95, 99),
        },
        "interval_ratio": {"p95": _over(thread.intervals, process.intervals)},
        "seconds": rounded(thread.seconds),
        "panels": shown_panels(window),
        "platform": platform_name(),
    }


async def _compare_presented(window: WatchedWindow, seconds: float) -> Figures:
    """Both models train in the window throughout, which shows all its panels and a presentation in turn."""
    lab = window.lab
    lab.document.edit(replace(lab.experiment, settings={**lab.experiment.settings, "steps": STEPS}), "Train on and on")
    usual, presented = Side(), Side()
    lab.training.start()
    await until(
        lambda: bool(lab.training.series) and all(s.steps for s in lab.training.series.values()), "no step was made"
    )
    for side in (usual, presented, presented, usual):
        if (window.presentation is not None) != (side is presented):
            window.present()
        say(f"{'presentation' if side is presented else 'window'}: {seconds / 2:g} s")
        await asyncio.sleep(SETTLE_SECONDS)
        side.seconds += await _watch(window, side, seconds / 2)
    await _halt(window)
    return {
        "interval_ms": percentiles(usual.intervals, 50, 95, 99),
        "paint_ms": percentiles(usual.paints, 50, 95, 99),
        "present": {
            "interval_ms": percentiles(presented.intervals, 50, 95, 99),
            "paint_ms": percentiles(presented.paints, 50, 95, 99),
            "window_cpu_ms": percentiles(presented.work, 50, 95, 99),
            "longest_ms": rounded(max(presented.intervals)),
            "interval_ratio": {"p95": _over(presented.intervals, usual.intervals)},
            "live_answers_per_s": rounded(presented.answers / presented.seconds, 3),
        },
        "live_answers_per_s": rounded(usual.answers / usual.seconds, 3),
        "frames": len(usual.intervals),
        "seconds": rounded(usual.seconds),
        "panels": shown_panels(window),
        "platform": platform_name(),
    }


async def _thread(window: WatchedWindow, side: Side, seconds: float) -> None:
    """Train in the window's own thread, as the button does."""
    lab = window.lab
    lab.training.start()
    await until(
        lambda: bool(lab.training.series) and all(s.steps for s in lab.training.series.values()), "no step was made"
    )
    await asyncio.sleep(SETTLE_SECONDS)
    before = sum(s.step for s in lab.training.series.values())
    side.seconds += await _watch(window, side, seconds)
    side.steps += sum(s.step for s in lab.training.series.values()) - before
    await _halt(window)


async def _halt(window: WatchedWindow) -> None:
    """End the job without evaluating it. Its runs, with the weights reached, stay on screen."""
    lab = window.lab
    shown = {run.id for run in lab.document.state.runs}
    lab.training.worker.stop()
    await until(lambda: not lab.training.worker.running, "the job did not end")
    await until(lambda: len(lab.document.state.runs) >= len(shown) + 2, "the runs were not kept")
    lab.evaluation.stop()


async def _process(window: WatchedWindow, side: Side, seconds: float) -> None:
    """Train in a process of its own while the window plays."""
    command = [sys.executable, "-m", "benchmarks.training_child", str(SETTLE_SECONDS), str(seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        await asyncio.to_thread(child.stdout.readline)  # it has settled and begins to count
        await _watch(window, side, seconds)
        await until(lambda: child.poll() is not None, "the training process did not end")
        if child.returncode:
            raise BenchmarkError(f"benchmarks.training_child failed with exit code {child.returncode}")
        done = json.loads(child.stdout.readline())
    side.steps += done["steps"]
    side.seconds += done["seconds"]


async def _watch(window: WatchedWindow, side: Side, seconds: float) -> float:
    """Note frames, repaints and answers for so long; return the time it really took."""
    ticks: list[float] = []
    paints: list[Paint] = []
    answers: list[object] = []
    stop = _listen(window, ticks, paints, answers)
    loop = asyncio.get_running_loop()
    began = loop.time()
    await asyncio.sleep(seconds)
    took = loop.time() - began
    stop()
    side.answers += len(answers)
    side.intervals += milliseconds([p.done for p in paints])
    side.ticks += milliseconds(ticks)
    side.work += milliseconds([p.cpu for p in paints])
    side.paints += [1000 * (p.done - p.began) for p in paints]
    return took


def _listen(
    window: WatchedWindow, ticks: list[float], paints: list[Paint], answers: list[object]
) -> Callable[[], None]:
    """Fill the lists until what is returned is called."""
    assert window.watch is not None
    clock, lab, watch = window.lab.frame_clock, window.lab, window.watch

    def on_frame(_: float) -> None:
        ticks.append(clock.stamps[-1])

    def stop() -> None:
        clock.frame.disconnect(on_frame)
        lab.answered.disconnect(answers.append)
        watch.on_paint = lambda paint: None

    clock.frame.connect(on_frame)
    lab.answered.connect(answers.append)
    watch.on_paint = paints.append
    return stop


def _over(ours: list[float], theirs: list[float]) -> float | None:
    """Return the 95th percentile of `ours` over that of `theirs`."""
    one, other = percentile(ours, 95), percentile(theirs, 95)
    return rounded(one / other, 3) if one is not None and other else None
