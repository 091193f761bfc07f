"""From a mouse move to the redrawn rollouts of truth and both models, in the portrait and in the scene."""

import argparse
import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import islice

import numpy as np
from PySide6.QtCore import QPointF
from PySide6.QtWidgets import QWidget

from app.model.document import State
from app.model.rollout_messages import Answer
from benchmarks.figures import Aims, BenchmarkError, Figures, milliseconds, percentiles, rounded, say
from benchmarks.hand import RATE, Hand, Stroke, circle
from benchmarks.stand import Paint, WatchedWindow, in_window, platform_name, ready, shown_panels, until
from hnn_engine.experiment import new_experiment
from hnn_engine.fit_run import FitRun
from hnn_engine.records import Run

AIMS: Aims = {
    "preview_ms.p95": ("≤", 33.0),
    "full_ms.p95": ("≤", 100.0),
    "double-pendulum.preview_ms.p95": ("≤", 33.0),
    "double-pendulum.full_ms.p95": ("≤", 400.0),
}
AGAINST: Aims = {"ratio.preview_ms.p95": ("≤", 0.5), "ratio.full_ms.p95": ("≤", 0.6)}
SECONDS = 10.0  # of moving, on each picture of each system
STROKES = 10  # gestures that these seconds are made of
FIT_STEPS = 150  # what counts is the size of the weights
TURNS_PER_SECOND = 0.4
RADIUS = {"portrait": 110.0, "scene": 80.0}  # pixels
PAUSE_SECONDS = 0.4  # of play after a gesture
LATE_SECONDS = 20.0


class Recorder:
    """Joins what the hand did with what was painted: moves, the starts they led to, answers, repaints."""

    def __init__(self, window: WatchedWindow, hand: Hand) -> None:
        assert window.watch is not None
        self._window, self._hand, self._watch = window, hand, window.watch
        self._fresh: list[Answer] = []
        self.paints: list[Paint] = []
        self.previews: list[int] = []  # steps of each preview
        self.computed: dict[bool, list[float]] = {True: [], False: []}  # ms of the worker: previews, full horizons
        window.lab.document.changed.connect(self._on_changed)
        window.lab.answered.connect(self._fresh.append)
        self._watch.on_paint = self._on_paint

    def close(self) -> None:
        """Listen no more."""
        self._window.lab.document.changed.disconnect(self._on_changed)
        self._window.lab.answered.disconnect(self._fresh.append)
        self._watch.on_paint = lambda paint: None

    def _on_changed(self, old: State, new: State) -> None:
        """A start that the window has just taken belongs to the move that arrived last."""
        moves, arrived = self._hand.stroke.moves, self._hand.arrived
        if old.experiment.start != new.experiment.start and 0 < arrived <= len(moves):
            moves[arrived - 1].start = new.experiment.start

    def _on_paint(self, paint: Paint) -> None:
        self.paints.append(paint)
        stroke = self._hand.stroke
        for answer in self._fresh:
            if answer.truth is None or len(answer.models) < 2:
                raise BenchmarkError("an answer lacked truth or a model")
            self._note(stroke, answer, paint.done)
        self._fresh.clear()

    def _note(self, stroke: Stroke, answer: Answer, done: float) -> None:
        request = answer.request
        self.computed[request.preview].append(1000 * answer.seconds)
        starts = [move.start for move in stroke.moves]
        if request.experiment.start not in starts:
            return
        last = len(starts) - 1 - starts[::-1].index(request.experiment.start)
        if not request.preview:  # moves that were not shown before the release are its business
            if stroke.released is not None and stroke.settled is None and starts[last] == _newest(starts):
                stroke.settled = done
            return
        self.previews.append(min(len(track.t) - 1 for track in answer.models))
        if stroke.moves[last].shown is None:
            stroke.moves[last].shown = done
        for move in stroke.moves[: last + 1]:
            move.overtaken = move.overtaken or done


def _newest(starts: list[tuple[float, ...] | None]) -> tuple[float, ...] | None:
    return next((start for start in reversed(starts) if start is not None), None)


def measure(options: argparse.Namespace) -> Figures:
    """Drag on the pendulum and on the double pendulum, `--seconds` in each picture."""
    return in_window(lambda window: _both(window, options.seconds or SECONDS))


async def _both(window: WatchedWindow, seconds: float) -> Figures:
    pendulum = await _system(window, "pendulum", seconds)
    double = await _system(window, "double-pendulum", seconds)
    panels, platform = shown_panels(window), platform_name()
    return {**pendulum, "double-pendulum": double, "panels": panels, "platform": platform}


async def _system(window: WatchedWindow, name: str, seconds: float) -> Figures:
    """Show two fitted models of the system and drag its start in both pictures."""
    lab = window.lab
    say(f"{name}: data and two short fits")
    lab.document.reset(State(new_experiment(name)), None)
    await ready(window)
    runs = await asyncio.to_thread(_fitted, window)
    for run in runs:
        lab.document.add_run(run, frozenset())
    await ready(window)
    strokes: dict[str, list[Stroke]] = {}
    recorders = []
    for place in ("portrait", "scene"):
        say(f"{name}: {seconds:g} s in the {place}")
        strokes[place], recorder = await _strokes(window, place, seconds)
        recorders.append(recorder)
    whole = _figures([stroke for part in strokes.values() for stroke in part])
    return {
        **whole,
        **_work(recorders),
        **{place: _figures(part) for place, part in strokes.items()},
    }


def _work(recorders: list[Recorder]) -> Figures:
    """What lies behind the figures: the worker's part of them, the previews' length, and the frames all the while."""
    frames = [gap for r in recorders for gap in milliseconds([p.done for p in r.paints])]
    return {
        "preview_compute_ms": percentiles([ms for r in recorders for ms in r.computed[True]], 50, 95),
        "full_compute_ms": percentiles([ms for r in recorders for ms in r.computed[False]], 50, 95),
        "preview_steps": min((steps for r in recorders for steps in r.previews), default=0),
        "frame_ms": percentiles(frames, 50, 95, 99),
    }


def _fitted(window: WatchedWindow) -> list[Run]:
    experiment, data = window.lab.experiment, window.lab.dataset
    if data is None:
        raise BenchmarkError(f"there is no data of {experiment.source_name}")
    experiment = replace(experiment, settings={**experiment.settings, "steps": FIT_STEPS})
    runs = []
    for spec in experiment.models:
        fit = FitRun(replace(experiment, models=(spec,)), data)
        while fit.end is None:
            fit.advance()
        run = fit.as_run(None)
        assert run is not None
        runs.append(run)
    return runs


async def _strokes(window: WatchedWindow, place: str, seconds: float) -> tuple[list[Stroke], Recorder]:
    """Make the gestures on one picture, each of them waited for until the full horizon is on screen."""
    widget, at = _grip(window, place)
    hand = Hand(widget)
    recorder = Recorder(window, hand)
    way = circle(RADIUS[place], TURNS_PER_SECOND)
    done: list[Stroke] = []
    last = next(way)
    for _ in range(STROKES):
        window.lab.playback.seek(0.0)  # what the scene's hand takes is the start then
        part = [point - last for point in islice(_kept(way), round(RATE * seconds / STROKES))]
        last = last + part[-1]
        hand.begin(at(), part)
        stroke = hand.stroke
        await until(partial(_settled, stroke), "the full horizon was not drawn", LATE_SECONDS)
        done.append(stroke)
        await asyncio.sleep(PAUSE_SECONDS)
    recorder.close()
    return done, recorder


def _settled(stroke: Stroke) -> bool:
    return stroke.settled is not None


def _kept(way: Iterator[QPointF]) -> Iterator[QPointF]:
    """Yield from `way` and leave it open for the next gesture."""
    while True:
        yield next(way)


def _grip(window: WatchedWindow, place: str) -> tuple[QWidget, Callable[[], QPointF]]:
    """Return the widget that takes the mouse, and where on it the start is to be grabbed now."""
    panel, portrait, lab = window.scene, window.portrait, window.lab
    if place == "portrait":
        return portrait.plot, portrait.start_pixel

    def outermost() -> QPointF:
        scene = lab.experiment.scene
        x, y = scene.positions(np.array(lab.experiment.start[: scene.dof]))[-1]
        return panel.view.pixel((float(x), float(y)))

    return panel, outermost


def _figures(strokes: list[Stroke]) -> Figures:
    moves = [move for stroke in strokes for move in stroke.moves if move.start is not None]
    shown = [1000 * (m.shown - m.posted) for m in moves if m.shown is not None]
    behind = [1000 * (m.overtaken - m.posted) for m in moves if m.overtaken is not None]
    full = [1000 * (s.settled - s.released) for s in strokes if s.settled is not None and s.released is not None]
    return {
        "preview_ms": percentiles(shown, 50, 95),
        "full_ms": percentiles(full, 50, 95),
        "behind_ms": percentiles(behind, 50, 95),  # until this move or a later one is on screen, for every move
        "moves": len(moves),
        "answered": len(shown),
        "answered_share": rounded(len(shown) / max(len(moves), 1), 3),
    }
