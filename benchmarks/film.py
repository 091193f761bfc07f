"""A film of 10 s in 1080p at 30 pictures a second, of scene, portrait and energy with two models: by the command,
and its parts apart, painting and encoding in turn in one thread of this process."""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from app.export.offscreen import Setting, on_stage
from app.export.pixels import Picture
from app.export.stage import Stage
from app.model.document import State
from app.model.film_order import Shown
from app.model.film_plan import FilmPlan
from benchmarks.figures import Aims, BenchmarkError, Figures, rounded, say
from hnn_engine.experiment import default_settings, model_spec, new_experiment
from hnn_engine.fit_run import FitRun
from hnn_engine.records import Run, Session, save_session
from hnn_engine.video import write_video

AIMS: Aims = {"film_to_parts": ("≤", 1.5)}
VIEWS = ("scene", "portrait", "energy")
SIZE = (1920, 1080)
RATE, SECONDS = 30.0, 10.0


def measure(options: argparse.Namespace) -> Figures:
    """Film once by the command, with its start, and once in parts; `--seconds` of film."""
    plan = FilmPlan(VIEWS, SIZE, RATE, options.seconds or SECONDS)
    runs = tuple(_fitted(name) for name in ("baseline", "hnn"))
    shown = frozenset(run.id for run in runs)
    with tempfile.TemporaryDirectory(prefix="hnn-lab-") as folder:
        path = Path(folder)
        save_session(Session(runs[0].experiment, runs, tuple(shown)), path / "two.hnnlab")
        say("the command")
        whole = _by_command(plan, path)
        say("its parts")
        state = State(runs[0].experiment, runs, shown)
        settled, painting, encoding = on_stage(
            Shown(state), Setting(VIEWS, SIZE), lambda stage: _parts(stage, plan, path / "parts.mp4")
        )
    parts = painting + encoding
    return {
        "pictures": plan.count,
        "film_s": rounded(whole),
        "painting_s": rounded(painting),
        "encoding_s": rounded(encoding),
        "first_picture_s": rounded(settled),
        "painting_ms_a_picture": rounded(1000 * painting / plan.count),
        "encoding_ms_a_picture": rounded(1000 * encoding / plan.count),
        "film_to_parts": rounded(whole / parts),
    }


def _by_command(plan: FilmPlan, folder: Path) -> float:
    """Return the seconds that the command takes, from its start to its end."""
    command = [sys.executable, "-m", "app.main", "film", str(folder / "two.hnnlab"), "--view", ",".join(plan.views)]
    command += ["--size", f"{plan.size[0]}x{plan.size[1]}", "--fps", str(plan.rate), "--seconds", str(plan.seconds)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("QT_")}
    began = time.perf_counter()
    done = subprocess.run(
        [*command, "--out", str(folder / "film.mp4")], capture_output=True, text=True, env=environment
    )
    took = time.perf_counter() - began
    if done.returncode:
        raise BenchmarkError(f"the command ended with {done.returncode}: {done.stderr.strip()[-200:]}")
    return took


def _parts(stage: Stage, plan: FilmPlan, path: Path) -> tuple[float, float, float]:
    """Return the seconds of a first picture, of painting all, and of encoding them, one thread doing both in turn."""
    began = time.perf_counter()
    stage.picture(0.0)
    first = time.perf_counter() - began
    painting = 0.0

    def pictures() -> Iterator[Picture]:
        nonlocal painting
        for t in plan.times:
            before = time.perf_counter()
            picture = stage.picture(float(t))
            painting += time.perf_counter() - before
            yield picture

    began = time.perf_counter()
    write_video(path, pictures(), 1 / plan.rate, None, plan.count)
    return first, painting, time.perf_counter() - began - painting


def _fitted(model: str) -> Run:
    base = new_experiment("pendulum")
    settings = default_settings("sampled", base.scene)
    experiment = replace(base, models=(model_spec(model, {}),), recipe="sampled", settings=settings)
    fit = FitRun(experiment, experiment.dataset())
    while fit.end is None:
        fit.advance()
    run = fit.as_run(None)
    if run is None:
        raise BenchmarkError(f"the fit of {model} has left no model")
    return run
