"""The live fit in the running window: how long a refit takes while a hand drags the noise, and then a trajectory, how
long until the hand sees it, and what becomes of the frames meanwhile. With the HNN alone, and beside the baseline."""

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice

import numpy as np
from PySide6.QtCore import QPointF
from PySide6.QtWidgets import QWidget

from app.model.document import State
from app.model.rollout_messages import Answer
from benchmarks.figures import Aims, BenchmarkError, Figures, milliseconds, percentiles, say
from benchmarks.hand import RATE, Hand, circle
from benchmarks.stand import Paint, WatchedWindow, in_window, platform_name, ready, shown_panels, until
from hnn_engine.datasets import Dataset
from hnn_engine.experiment import Experiment, model_spec, new_experiment, resolved

TASKS = ("mass-spring", "pendulum")
MODELS = {"hnn": ("hnn",), "both": ("baseline", "hnn")}
AIMS: Aims = {f"{task}.hnn.{hand}.fit_ms.p95": ("≤", 8.0) for task in TASKS for hand in ("noise", "trajectory")}
AGAINST: Aims = {
    f"ratio.{task}.{which}.{hand}.picture_ms.p95": ("≤", 0.5)
    for task in TASKS
    for which in MODELS
    for hand in ("noise", "trajectory")
}
SECONDS = 10.0  # of moving, of each kind
LATE_SECONDS = 20.0
SWINGS_PER_SECOND = 0.4
RADIUS = 60.0  # pixels


class Recorder:
    """Joins edits with the models that came of them, and with the repaint that showed those."""

    def __init__(self, window: WatchedWindow) -> None:
        assert window.watch is not None
        self._window, self._watch = window, window.watch
        self._edited: dict[int, float] = {}  # when each experiment became the present one
        self._of: dict[int, float] = {}  # when the experiment was, of which a model is
        self._kept: list[object] = []  # so that no identity is given twice
        self._fresh: list[Answer] = []
        self._paints: list[Paint] = []
        self._pictures: list[float] = []
        lab = window.lab
        lab.live_fit.fit_times.clear()
        lab.live_fit.lags.clear()
        lab.document.changed.connect(self._on_changed)
        lab.live_fit.found.connect(self._on_found)
        lab.answered.connect(self._fresh.append)
        self._watch.on_paint = self._on_paint

    def close(self) -> Figures:
        """Listen no more; return the figures."""
        lab = self._window.lab
        lab.document.changed.disconnect(self._on_changed)
        lab.live_fit.found.disconnect(self._on_found)
        lab.answered.disconnect(self._fresh.append)
        self._watch.on_paint = lambda paint: None
        return {
            "fit_ms": percentiles([1000 * s for s in lab.live_fit.fit_times], 50, 95),
            "lag_ms": percentiles([1000 * s for s in lab.live_fit.lags], 50, 95),
            "picture_ms": percentiles([1000 * s for s in self._pictures], 50, 95),
            "frame_ms": percentiles(milliseconds([paint.done for paint in self._paints]), 50, 95),
            "refits": len(lab.live_fit.fit_times),
        }

    def _on_changed(self, old: State, new: State) -> None:
        self._edited[id(new.experiment)] = time.perf_counter()
        self._kept.append(new.experiment)

    def _on_found(self, experiment: Experiment, data: Dataset) -> None:
        for model in self._window.lab.live_fit.models:
            if id(experiment) in self._edited:
                self._of[id(model.snapshot)] = self._edited[id(experiment)]
            self._kept.append(model.snapshot)

    def _on_paint(self, paint: Paint) -> None:
        self._paints.append(paint)
        for answer in self._fresh:
            begun = [self._of.pop(id(m.snapshot)) for m in answer.request.models if id(m.snapshot) in self._of]
            self._pictures += [paint.done - min(begun)] if begun else []
        self._fresh.clear()


def measure(options: argparse.Namespace) -> Figures:
    """Drag `--seconds` each of the noise and of a trajectory, on two systems."""
    return in_window(lambda window: _all(window, options.seconds or SECONDS))


async def _all(window: WatchedWindow, seconds: float) -> Figures:
    found: Figures = {task: {name: await _task(window, task, name, seconds) for name in MODELS} for task in TASKS}
    return {**found, "panels": shown_panels(window), "platform": platform_name()}


async def _task(window: WatchedWindow, task: str, name: str, seconds: float) -> Figures:
    lab, base = window.lab, new_experiment(task)
    lab.live_fit.set_on(False)
    lab.document.reset(State(replace(base, models=tuple(model_spec(m) for m in MODELS[name]))), None)
    lab.live_fit.set_on(True)
    await ready(window)
    await until(lambda: bool(lab.live_fit.models), "there was no live fit")
    noise = window.data.simulated.row("noise").slider
    assert noise is not None
    across = 0.5 * noise.width()
    say(f"{task}, {name}: {seconds:g} s of the noise")
    by_noise = await _dragged(window, noise, QPointF(8.0, noise.height() / 2), _to_and_fro(across), seconds)
    say(f"{task}, {name}: {seconds:g} s of a trajectory")
    lab.document.set_view(tool="move")
    plot = window.portrait.plot
    by_trajectory = await _dragged(window, plot, _dot(window), circle(RADIUS, SWINGS_PER_SECOND), seconds)
    lab.document.set_view(tool="start")
    units = resolved(lab.experiment, live=True).models[0].settings["width"]
    return {"noise": by_noise, "trajectory": by_trajectory, "units": units}


async def _dragged(
    window: WatchedWindow, widget: QWidget, at: QPointF, way: Iterator[QPointF], seconds: float
) -> Figures:
    hand, recorder = Hand(widget), Recorder(window)
    hand.begin(at, list(islice(way, round(RATE * seconds))))
    released: Callable[[], bool] = lambda: hand.stroke.released is not None  # noqa: E731
    await until(released, "the hand did not let go", seconds + LATE_SECONDS)
    await ready(window)
    figures = recorder.close()
    if figures["refits"] < seconds:
        raise BenchmarkError(f"{figures['refits']} refits in {seconds:g} s: the hand moved nothing")
    return figures


def _to_and_fro(reach: float) -> Iterator[QPointF]:
    for point in circle(1.0, SWINGS_PER_SECOND):
        yield QPointF(-reach * point.x() / 2, 0.0)


def _dot(window: WatchedWindow) -> QPointF:
    """Where the drawn state is that lies nearest to the middle of the portrait."""
    portrait = window.portrait
    at = portrait.dots.at
    x, y = at[int(np.argmin(np.square(at).sum(axis=1)))]
    return portrait.plot.view.pixel(float(x), float(y))
