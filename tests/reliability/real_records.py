"""Small real documents: sessions and runs as the program makes them, of several families, recipes and sources."""

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from hnn_engine.camera import Camera
from hnn_engine.data_edits import DataEdits, Place, stroke_of
from hnn_engine.experiment import (
    Experiment,
    RecordingSource,
    checked,
    default_settings,
    model_spec,
    new_experiment,
    recording_experiment,
)
from hnn_engine.fit_run import FitRun
from hnn_engine.recordings import Recording, find_gaps
from hnn_engine.records import Run, Session
from hnn_engine.video import AngleReader

SIDE = 10  # pixels of a frame
VIEW = {"axes": [0, 1], "field": "hnn", "arrows": True, "energy_of": "both", "speed": 2.0, "seeds": 3, "theme": "dark"}


def fitted(base: Experiment, model: str, recipe: str, start: Run | None = None, **changes: Any) -> Run:
    """Return a run of `model` by `recipe` on the data of `base`, of a few steps and units."""
    sees = base.scene.observed
    spec = model_spec(model, {"width": 6, **({"features": 12} if sees else {})})
    made = default_settings(recipe, base.scene)
    few = {**made, "steps": 12} if "steps" in made else made
    experiment = checked(replace(base, models=(spec,), recipe=recipe, settings=few, **changes))
    fit = FitRun(experiment, experiment.dataset(), start)
    while fit.end is None:
        fit.advance()
    run = fit.as_run(fit.evaluate() if not sees else None)
    assert run is not None
    return run


def drawn() -> DataEdits:
    """Return a stroke beside data of which a point and a trajectory are moved, and others taken out."""
    t = np.linspace(0.0, 1.0, 30)
    stroke = stroke_of(t, np.stack([np.cos(3 * t), -np.sin(3 * t)], axis=-1))
    hand = (
        DataEdits()
        .with_stroke(stroke)
        .only(False)
        .with_move(Place(1), (0.1, -0.2))
        .with_move(Place(2, 0.5), (0.3, 0.1))
    )
    return hand.without(Place(3), Place(4, 0.25))


def swing(film: bool = False) -> Recording:
    """Return a recording of two trials, or one with frames."""
    t = 0.05 * np.arange(24.0)
    q, v = 0.5 * np.cos(4 * t), -2 * np.sin(4 * t)
    coords, trial = np.stack([q, v], axis=-1), np.repeat([0, 1] if not film else [0, 0], 12)
    if not film:
        t = np.delete(np.append(t, 1.25), 5)
        recording = Recording("Swing", "swing.csv", "length", t, trial, coords, find_gaps(t, trial))
        return recording.with_reference(8.0, 0.5)
    radii, turns = np.arange(0.5, 4.0), np.linspace(-np.pi, np.pi, 40, endpoint=False)
    body = np.roll(np.exp(-((radii[:, None] * turns) ** 2)), 20, axis=1)
    reader = AngleReader(SIDE, (SIDE / 2 - 0.5, SIDE / 2 - 0.5), radii, body, 0.9)
    frames = Camera(SIDE).render(q)
    gaps = np.empty(0, np.int64)
    return Recording("Video", "film.mp4", "angle", t, trial, coords, gaps, frames=frames, reader=reader)


@cache
def pendulum() -> Session:
    """Return a session on a pendulum with data changed by hand, and runs of several families and recipes."""
    base = new_experiment("pendulum", {"mass": 0.7})
    base = replace(base, data={**base.data, "trajectories": 6, "points": 12})
    first = fitted(base, "hnn", "paper")
    runs = (
        first,
        fitted(base, "hnn", "lbfgs", first),
        fitted(base, "baseline", "sampled"),
        fitted(base, "second-order", "paper", edits=drawn()),
        fitted(new_experiment("mass-spring"), "separable-hnn", "paper", seed=3),
    )
    shown = replace(base, models=(model_spec("hnn"), model_spec("baseline")), edits=drawn())
    return Session(shown, runs, (runs[0].id, runs[3].id), VIEW)


@cache
def recorded() -> Session:
    """Return a session on a recording, with a run on it and one on a system."""
    base = recording_experiment(swing(), "paper")
    base = replace(base, source=RecordingSource(swing(), "paper", 5))
    return Session(base, (fitted(base, "hnn", "paper"), pendulum().runs[0]), (), {})


@cache
def filmed() -> Session:
    """Return a session on a film, with a run that saw it and one of a simulated camera."""
    base = recording_experiment(swing(film=True))
    camera = new_experiment("pixel-pendulum")
    camera = replace(camera, data={**camera.data, "size": SIDE, "trajectories": 4, "frames": 30})
    runs = (fitted(base, "pixel-hnn", "paper"), fitted(camera, "pixel-baseline", "paper"))
    return Session(base, runs, (runs[0].id,), {"latents": True, "axes": None})


def sessions() -> tuple[Session, ...]:
    """Return all of them."""
    return pendulum(), recorded(), filmed()
