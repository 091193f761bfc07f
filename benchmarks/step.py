"""One step of a fit of every family: compiled, by torch, by torch as the paper's code has it, and its matrix products
alone; and the recipes without a gradient beside it.

Networks of the paper's size; all of the pendulum's and mass-spring's training rows, and a minibatch of its two-body
task. The ways take turns within a run, so that whatever slows the machine slows them alike. Products are the fewest
that the family's networks need: mixed fields go forward once for both of their gradients, where compiled loops do so
twice. `sampled` is a whole fit, `denoise` one of its steps, both of a small network on mass-spring's data.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numba
import numpy as np
import torch
from torch import Tensor

from benchmarks.figures import Aims, BenchmarkError, Figures, rounded, say, timed
from benchmarks.paper_way import PaperWay
from benchmarks.synthetic import random_task
from hnn_engine.coords import Array
from hnn_engine.experiment import default_settings, model_spec, new_experiment
from hnn_engine.fitting.events import FitTask
from hnn_engine.fitting.gradient.backend import GradientBackend, Rows, Shapes
from hnn_engine.fitting.gradient.backends import CompiledFieldBackend
from hnn_engine.fitting.gradient.flat_weights import flattened, shapes_of
from hnn_engine.fitting.gradient.torch_backend import TorchFieldBackend
from hnn_engine.fitting.random_features.states import SampledFieldFit
from hnn_engine.fitting.smoothing.denoise import prepared
from hnn_engine.kernels import cache as kernel_cache
from hnn_engine.models import MODELS, get_model
from hnn_engine.models.networks import Term

RUNS = 200
WIDTH, DEPTH = 200, 2
SIZES = ((750, 1), (1125, 1), (200, 4))  # rows and degrees of freedom
RATE, DECAY = 1e-3, 1e-4
_jit: Callable[[Callable[..., None]], Callable[..., None]] = numba.njit(nogil=True, fastmath=True)
FAMILIES = tuple(name for name, model in MODELS.items() if not model.observes_frames)
SMALL = {"width": 40, "depth": 1}
RECIPES = ("sampled", "denoise")
FEWER = 10  # runs of a recipe are so many times less
AIMS: Aims = {
    f"{model}.{rows}x{2 * dof}.{figure}": ("≤", limit)
    for model in ("baseline", "hnn")
    for rows, dof in SIZES
    for figure, limit in (("to_products", 1.3 if dof == 1 else 2.0), ("to_torch", 1.0))
}


def measure(options: argparse.Namespace) -> Figures:
    """Time `--runs` steps of each way for every family at each size, and a tenth as many of either recipe."""
    runs = options.runs or RUNS
    say("loading (the first time on a machine the compiler takes its seconds)")
    if not kernel_cache.build():
        raise BenchmarkError("there are no compiled loops to measure on this machine")
    figures: Figures = {}
    for model in FAMILIES:
        figures[model] = {}
        for rows, dof in SIZES:
            say(f"{model}, {rows} × {2 * dof}")
            figures[model][f"{rows}x{2 * dof}"] = _compare(model, rows, dof, runs)
        say(f"{model}, {' and '.join(RECIPES)}")
        figures[model] |= _closed_forms(model, max(1, runs // FEWER))
    return {**figures, "runs": runs, "width": WIDTH, "depth": DEPTH, "platform": "no window"}


def _compare(model: str, rows: int, dof: int, runs: int) -> Figures:
    """Return the medians in ms of one model at one size, and what they are to each other."""
    task, shapes, flat = _task(model, rows, dof)
    data: Any = tuple(part.astype(np.float32) for part in (task.data.coords, task.data.dcoords))
    backends: dict[str, GradientBackend] = {
        "compiled": CompiledFieldBackend(kernel_cache.loops(), task, flat.copy()),
        "torch": TorchFieldBackend(task, shapes, flat.copy()),
    }
    if get_model(model).has_energy:
        backends["double_backward"] = DoubleBackward(task, shapes, flat.copy())
    ways = {name: _stepping(backend, data) for name, backend in backends.items()}
    rounds = product_rounds(get_model(model).terms(task.model_settings, dof))
    times = timed({**ways, "products": _multiplying(rows, rounds)}, runs)
    ratios = {f"to_{name}": rounded(times["compiled"] / took, 3) for name, took in times.items() if name != "compiled"}
    return {**{f"{name}_ms": rounded(value) for name, value in times.items()}, **ratios, "product_rounds": rounds}


def product_rounds(terms: Sequence[Term]) -> int:
    """Return how often a step needs the three products that a square matrix has a part in.

    Once for each network at each kind of input, forward and back again, and once more for each gradient.
    """
    return len({(one.net.prefix, one.at_rest) for one in terms}) + sum(one.output is not None for one in terms)


def _closed_forms(model: str, runs: int) -> Figures:
    """Return the medians in ms of a whole closed form and of one step of `denoise`."""
    base = new_experiment("mass-spring")
    data, spec = base.dataset(), model_spec(model, SMALL)
    tasks = {
        recipe: replace(base, recipe=recipe, settings=default_settings(recipe, base.scene)).task(spec, data)
        for recipe in RECIPES
    }
    joint, guess = prepared(tasks["denoise"])
    left = joint.left(guess)
    ways = {
        "sampled": lambda: list(SampledFieldFit(tasks["sampled"]).events()),
        "denoise": lambda: joint.improved(guess, left),
    }
    return {f"{name}_ms": rounded(value) for name, value in timed(ways, runs).items()}


def _task(model: str, rows: int, dof: int) -> tuple[FitTask, dict[str, tuple[int, ...]], Array]:
    """Return a task on random rows, with the shapes and fresh weights of its network."""
    task = random_task(model, rows, dof, {"width": WIDTH, "depth": DEPTH}, {"weight-decay": DECAY})
    weights = get_model(model).initial_weights(dof, task.model_settings, np.random.default_rng(0))
    return task, shapes_of(weights), flattened(weights)


def _stepping(backend: GradientBackend, rows: Rows) -> Callable[[], object]:
    return lambda: backend.step(rows, RATE, float("inf"))


class DoubleBackward(TorchFieldBackend):
    """As the paper's code does it: gradients by autograd with a graph of their own, and the loss back through both."""

    def __init__(self, task: FitTask, shapes: Shapes, flat: Array) -> None:
        super().__init__(task, shapes, flat)
        self._way = PaperWay(task.model, task.model_settings, task.data.dof)

    def _loss(self, rows: Rows) -> Tensor:
        coords, dcoords = (torch.from_numpy(part) for part in rows)
        coords = coords.detach().requires_grad_()
        field = self._way.field(self._way.layers(self._named()), self._known.get("inertia"), coords)
        residual: Tensor = field - dcoords
        return (residual * residual).mean()


@_jit
def _multiply(hidden: Any, matrix: Any, upper: Any, out: Any, square: Any, rounds: int) -> None:
    """Forward, back to the inputs and back to the matrix: h W, g Wᵀ and hᵀ g."""
    for _ in range(rounds):
        np.dot(hidden, matrix, out)
        np.dot(upper, matrix.T, out)
        np.dot(hidden.T, upper, square)


def _multiplying(rows: int, rounds: int) -> Callable[[], object]:
    rng = np.random.default_rng(0)
    hidden, upper = (rng.normal(size=(rows, WIDTH)).astype(np.float32) for _ in range(2))
    matrix, out = rng.normal(size=(WIDTH, WIDTH)).astype(np.float32), np.empty_like(hidden)
    square = np.empty_like(matrix)
    return lambda: _multiply(hidden, matrix, upper, out, square, rounds * (DEPTH - 1))
