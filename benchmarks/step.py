"""One step of a fit: compiled, by torch, by torch as the paper's code has it, and its matrix products alone.

Networks of the paper's size; all of the pendulum's and mass-spring's training rows, and a minibatch of its two-body
task. The ways take turns within a run, so that whatever slows the machine slows them alike.
"""

import argparse
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.figures import Aims, BenchmarkError, Figures, rounded, say, timed
from hnn_engine import compiled
from hnn_engine.coords import Array
from hnn_engine.datasets import Dataset
from hnn_engine.fitting.autograd import TorchFieldStepper
from hnn_engine.fitting.events import FitTask
from hnn_engine.fitting.steppers import CompiledFieldStepper, Rows, Stepper
from hnn_engine.kernels.jit import jit
from hnn_engine.models import get_model
from hnn_engine.parameters import Value

RUNS = 200
WIDTH, DEPTH = 200, 2
SIZES = ((750, 1), (1125, 1), (200, 4))  # rows and degrees of freedom
RATE, DECAY = 1e-3, 1e-4
PRODUCTS = {"baseline": 1, "hnn": 2}  # rounds of the three products that a square matrix has a part in
AIMS: Aims = {
    f"{model}.{rows}x{2 * dof}.{figure}": ("≤", limit)
    for model in PRODUCTS
    for rows, dof in SIZES
    for figure, limit in (("to_products", 1.3 if dof == 1 else 2.0), ("to_torch", 1.0))
}


def measure(options: argparse.Namespace) -> Figures:
    """Time `--runs` steps of each way for both models at each size."""
    runs = options.runs or RUNS
    say("loading (the first time on a machine the compiler takes its seconds)")
    if not compiled.load():
        raise BenchmarkError("there are no compiled loops to measure on this machine")
    figures: Figures = {}
    for model in PRODUCTS:
        figures[model] = {}
        for rows, dof in SIZES:
            say(f"{model}, {rows} × {2 * dof}")
            figures[model][f"{rows}x{2 * dof}"] = _compare(model, rows, dof, runs)
    return {**figures, "runs": runs, "width": WIDTH, "depth": DEPTH, "platform": "no window"}


def _compare(model: str, rows: int, dof: int, runs: int) -> Figures:
    """Return the medians in ms of one model at one size, and what they are to each other."""
    task, shapes, flat = _task(model, rows, dof)
    data: Any = tuple(part.astype(np.float32) for part in (task.data.coords, task.data.dcoords))
    steppers: dict[str, Stepper] = {
        "compiled": CompiledFieldStepper(compiled.loops(), task, flat.copy()),
        "torch": TorchFieldStepper(task, shapes, flat.copy()),
    }
    if get_model(model).has_energy:
        steppers["double_backward"] = DoubleBackward(task, shapes, flat.copy())
    ways = {name: _stepping(stepper, data) for name, stepper in steppers.items()}
    times = timed({**ways, "products": _multiplying(rows, PRODUCTS[model])}, runs)
    return {
        **{f"{name}_ms": rounded(value) for name, value in times.items()},
        "to_products": rounded(times["compiled"] / times["products"], 3),
        "to_torch": rounded(times["compiled"] / times["torch"], 3),
    }


def _task(model: str, rows: int, dof: int) -> tuple[FitTask, dict[str, tuple[int, ...]], Array]:
    """Return a task on random rows, with the shapes and fresh weights of its network."""
    rng = np.random.default_rng(0)
    coords, dcoords = rng.normal(size=(rows, 2 * dof)), rng.normal(size=(rows, 2 * dof))
    data = Dataset(coords, dcoords, np.zeros(rows), np.zeros(rows, dtype=np.int64), np.ones(rows, dtype=bool))
    settings: dict[str, Value] = {"width": WIDTH, "depth": DEPTH, "activation": "tanh"}
    weights = get_model(model).initial_weights(dof, settings, rng)
    task = FitTask(model, settings, data, {"weight-decay": DECAY}, 0)
    return task, {n: w.shape for n, w in weights.items()}, np.concatenate([w.ravel() for w in weights.values()])


def _stepping(stepper: Stepper, rows: Rows) -> Callable[[], object]:
    return lambda: stepper.step(rows, RATE, float("inf"))


class DoubleBackward(TorchFieldStepper):
    """As the paper's code does it: ∇H by autograd with a graph of its own, and the loss back through both."""

    def _loss(self, rows: Rows) -> Tensor:
        coords, dcoords = (torch.from_numpy(part) for part in rows)
        coords = coords.detach().requires_grad_()
        parts = self._weights.split_with_sizes(self._sizes)
        weights = {n: p.view(s) for (n, s), p in zip(self._shapes.items(), parts, strict=True)}
        energy: Any = self._model.hamiltonian(torch, weights, self._settings, coords)
        (gradient,) = torch.autograd.grad(energy.sum(), coords, create_graph=True)
        dof = coords.shape[1] // 2
        residual = torch.cat((gradient[:, dof:], -gradient[:, :dof]), dim=1) - dcoords
        return (residual * residual).mean()


@jit
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
