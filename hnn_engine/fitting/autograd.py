"""Steps by torch: autograd on the closed-form field of any model. Nothing else here imports torch."""

import numpy as np
import torch
from torch import Tensor

from hnn_engine.coords import Array
from hnn_engine.fitting.events import FitTask
from hnn_engine.fitting.steppers import Rows, Shapes
from hnn_engine.models import get_model


class Adam:
    """Adam with its L2 term, on one flat tensor. m ← β₁m + (1−β₁)g; v ← β₂v + (1−β₂)g²; w ← w − α m̂/(√v̂ + ε).

    g includes `decay`·w (not decoupled). β = (0.9, 0.999), ε = 1e-8. Source: Kingma & Ba 2015. PyTorch's own
    optimiser gives the same steps, but its first one loads a compiler, which costs more than a second.
    """

    def __init__(self, size: int, decay: float) -> None:
        self._decay, self._count = decay, 0
        self._mean, self._square = torch.zeros(size), torch.zeros(size)

    def step(self, weights: Tensor, gradient: Tensor, rate: float) -> None:
        """Move `weights` in place by one step of learning rate `rate`."""
        self._count += 1
        if self._decay:
            gradient = gradient.add(weights, alpha=self._decay)
        self._mean.lerp_(gradient, 0.1)
        self._square.mul_(0.999).addcmul_(gradient, gradient, value=0.001)
        root = (self._square.sqrt() / (1 - 0.999**self._count) ** 0.5).add_(1e-8)
        weights.addcdiv_(self._mean, root, value=-rate / (1 - 0.9**self._count))


class TorchStepper:
    """Steps on one torch thread, so that sums keep their order. All weights live in one flat tensor, over the array
    `flat`, so that Adam is a handful of operations."""

    def __init__(self, task: FitTask, shapes: Shapes, flat: Array) -> None:
        torch.set_num_threads(1)
        self.flat, self.good = flat, flat.copy()
        self._weights = torch.from_numpy(flat).requires_grad_()
        self._model, self._settings, self._shapes = get_model(task.model), task.model_settings, shapes
        self._known = {n: torch.from_numpy(np.asarray(v, dtype=np.float32)) for n, v in task.known.items()}
        self._sizes = [int(np.prod(shape)) for shape in shapes.values()]
        self._adam = Adam(flat.size, float(task.settings["weight-decay"]))

    def loss(self, rows: Rows) -> float:
        with torch.no_grad():
            return float(self._loss(rows))

    def step(self, rows: Rows, rate: float, limit: float) -> float:
        loss = self._loss(rows)
        value = float(loss.detach())
        if value <= limit:
            self.good[:] = self.flat
            (gradient,) = torch.autograd.grad(loss, self._weights)
            with torch.no_grad():
                self._adam.step(self._weights, gradient, rate)
        return value

    def _loss(self, rows: Rows) -> Tensor:
        coords, dcoords = (torch.from_numpy(part) for part in rows)
        parts = self._weights.split_with_sizes(self._sizes)
        weights = {n: p.view(s) for (n, s), p in zip(self._shapes.items(), parts, strict=True)} | self._known
        residual: Tensor = self._model.field(torch, weights, self._settings, coords) - dcoords
        return (residual * residual).mean()
