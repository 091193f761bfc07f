"""The pixel pendulum: making its film, one step of a fit, whole fits by two recipes side by side, painting a frame.

The plain way is torch as the paper's code uses it: all 1568 numbers of a pair through the network, ∇H by autograd with
a graph of its own, and the loss back through both. Fits are of the paper's data, `paper` and `sampled-film` in turn.
"""

import argparse
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from benchmarks.figures import Aims, BenchmarkError, Figures, rounded, say, timed
from hnn_engine.camera import WHITE
from hnn_engine.datasets import Dataset
from hnn_engine.experiment import Experiment, checked, default_settings, model_spec, new_experiment
from hnn_engine.fit_run import FitRun
from hnn_engine.fitting.gradient.backend import GradientBackend, Rows
from hnn_engine.fitting.gradient.film_table import FilmTable, plain_film
from hnn_engine.fitting.gradient.flat_weights import shapes_of
from hnn_engine.fitting.gradient.pixel_objective import CompiledPixelBackend
from hnn_engine.fitting.gradient.torch_backend import TorchPixelBackend
from hnn_engine.kernels import cache as kernel_cache
from hnn_engine.models import get_model
from hnn_engine.models.autoencoder import DECODER, ENCODER, half_output
from hnn_engine.models.pixels import FIELD_SHARE, PixelModel
from hnn_engine.records import Run

RUNS = 60
MODELS = ("pixel-baseline", "pixel-hnn")
RATE = 1e-3
AIMS: Aims = {
    "data.seconds": ("≤", 5.0),
    "data.peak_mb": ("≤", 150.0),
    **{f"{model}.step.to_plain": ("≤", 0.6) for model in MODELS},
    **{f"{model}.fits.time_ratio": ("≤", 0.1) for model in MODELS},
    **{f"{model}.fits.test_loss_ratio": ("≤", 1.0) for model in MODELS},
    **{f"{model}.fits.energy_mse_ratio": ("≤", 1.0) for model in MODELS},
    "paint_ms": ("≤", 4.0),
}


def measure(options: argparse.Namespace) -> Figures:
    """Time `--runs` steps of each way, and fit each model by each recipe once."""
    say("loading (the first time on a machine the compiler takes its seconds)")
    if not kernel_cache.build():
        raise BenchmarkError("there are no compiled loops to measure on this machine")
    torch.set_num_threads(1)
    runs, base = options.runs or RUNS, new_experiment("pixel-pendulum")
    say("the video")
    made, data = _data(base)
    figures: Figures = {"data": made}
    painter: Run | None = None
    for model in MODELS:
        say(f"{model}: a step")
        step = _steps(base, data, model, runs)
        fits = {recipe: _fit(base, data, model, recipe) for recipe in ("paper", "sampled-film")}
        figures[model] = {"step": step, "fits": _compared(fits)}
        painter = fits["sampled-film"]
    assert painter is not None
    return {**figures, "paint_ms": _painting(painter), "runs": runs, "platform": "no window"}


def _data(base: Experiment) -> tuple[Figures, Dataset]:
    """Make the data, for its time and then for its memory."""
    began = time.perf_counter()
    data = base.dataset()
    seconds = time.perf_counter() - began
    tracemalloc.start()
    base.dataset()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return {"seconds": rounded(seconds), "peak_mb": rounded(peak / 1e6)}, data


# A step ---------------------------------------------------------------------------------------------------------------


def _steps(base: Experiment, data: Dataset, model: str, runs: int) -> Figures:
    """Return the medians in ms of a step of 200 rows, and what they are to each other."""
    task = base.task(model_spec(model), data)
    assert data.frame_pairs is not None
    family, rng = get_model(model), np.random.default_rng(0)
    assert isinstance(family, PixelModel)
    lit, whole = plain_film(data.frame_pairs.frames), _whole_film(data.frame_pairs.frames)
    weights = {
        **family.initial_autoencoder(task.model_settings, lit.numbers, rng),
        **family.initial_weights(1, task.model_settings, rng),
    }
    flat = np.concatenate([w.ravel() for w in weights.values()])
    backends: dict[str, GradientBackend] = {
        "compiled": CompiledPixelBackend(kernel_cache.loops(), task, lit, flat.copy()),
        "plain": PlainPixels(task, whole, shapes_of(weights), flat.copy()),
    }
    rows = (rng.choice(data.frame_pairs.first[data.train], int(task.settings["batch"]), replace=False),)
    times = timed({name: _stepping(backend, rows) for name, backend in backends.items()}, runs)
    ratio = rounded(times["compiled"] / times["plain"], 3)
    return {**{f"{name}_ms": rounded(value) for name, value in times.items()}, "to_plain": ratio}


def _whole_film(frames: npt.NDArray[np.uint8]) -> FilmTable:
    """Return frames `(F, size, size)` from 0 to 1 with all their pixels, as the plain way of a fit takes them."""
    flat = np.ascontiguousarray(frames.reshape(len(frames), -1), dtype=np.float32) / np.float32(WHITE)
    numbers = 2 * flat.shape[1]
    return FilmTable(flat, np.zeros(len(flat), np.float32), np.arange(numbers), numbers, numbers)


def _stepping(backend: GradientBackend, rows: Rows) -> Callable[[], object]:
    return lambda: backend.step(rows, RATE, float("inf"))


class PlainPixels(TorchPixelBackend):
    """As the paper's code does it."""

    def _loss(self, rows: Rows) -> Tensor:
        first, weights = torch.from_numpy(rows[0]), self._named()
        now, then = (torch.cat([self._table[first + k], self._table[first + k + 1]], 1) for k in (0, 1))
        z, after = (half_output(weights, ENCODER, x, torch.relu) for x in (now, then))
        off = half_output(weights, DECODER, z, torch.relu) - now
        gap = z[:, 1] - (after[:, 0] - z[:, 0])
        field = after - z - self._flow(weights, z)
        loss: Tensor = ((off * off).mean(1) + gap**2 + FIELD_SHARE * (field**2).mean(1)).mean()
        return loss

    def _flow(self, weights: dict[str, Tensor], z: Tensor) -> Tensor:
        if not self._model.has_energy:
            plain: Tensor = self._model.field(torch, weights, self._settings, z)
            return plain
        if not z.requires_grad:  # a look at the loss alone
            z = z.detach().requires_grad_()
        energy: Any = self._model.hamiltonian(torch, weights, self._settings, z)
        (gradient,) = torch.autograd.grad(energy.sum(), z, create_graph=True)
        return torch.stack((gradient[:, 1], -gradient[:, 0]), dim=1)


# Fits -----------------------------------------------------------------------------------------------------------------


def _fit(base: Experiment, data: Dataset, model: str, recipe: str) -> Run:
    say(f"{model}: a fit by {recipe}")
    settings = default_settings(recipe, base.scene)
    fit = FitRun(checked(replace(base, models=(model_spec(model),), recipe=recipe, settings=settings)), data)
    while fit.end is None:
        fit.advance()
    run = fit.as_run(fit.evaluate())
    if run is None or run.figures is None:
        raise BenchmarkError(f"the fit of {model} by {recipe} left nothing to evaluate")
    return run


def _compared(fits: dict[str, Run]) -> Figures:
    """Return seconds and figures of both recipes, and the ratios of ours to the paper's."""
    figures: Figures = {}
    for recipe, run in fits.items():
        evaluated = run.figures.as_dict() if run.figures is not None else {}
        kept = ("test_loss", "energy_mse", "energy_median", "reconstruction", "in_step")
        figures[recipe] = {"seconds": rounded(run.fit_seconds), **{name: evaluated[name] for name in kept}}
    ours, paper = figures["sampled-film"], figures["paper"]
    return {
        **figures,
        "time_ratio": rounded(ours["seconds"] / paper["seconds"], 3),
        "test_loss_ratio": rounded(ours["test_loss"] / paper["test_loss"], 3),
        "energy_mse_ratio": rounded(ours["energy_mse"] / paper["energy_mse"], 3),
    }


def _painting(run: Run) -> float:
    """Return the median in ms of what a moving hand asks for: a pair seen, and the frame that is painted of it."""
    autoencoder = run.snapshot.autoencoder
    assert autoencoder is not None
    pair = np.zeros((1, 2, autoencoder.size, autoencoder.size), np.uint8)
    return rounded(timed({"paint": lambda: autoencoder.picture(autoencoder.encode_coords(pair))}, 200)["paint"])
