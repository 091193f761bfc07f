"""Steps by torch: autograd on the closed-form field of any model. Nothing else here imports torch."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from hnn_engine.coords import Array
from hnn_engine.fitting.events import FitTask
from hnn_engine.fitting.gradient.backend import Rows, Shapes
from hnn_engine.fitting.gradient.film_table import FilmTable
from hnn_engine.models import get_model, sum_of_terms
from hnn_engine.models.autoencoder import DECODER, ENCODER, half_output
from hnn_engine.models.pixels import FIELD_SHARE


class Adam:
    """Adam with its L2 term, on one flat tensor. m ← β₁m + (1−β₁)g; v ← β₂v + (1−β₂)g²; w ← w − α m̂/(√v̂ + ε).

    g includes `decay`·w (not decoupled). β = (0.9, 0.999), ε = 1e-8. Source: Kingma & Ba 2015. PyTorch's own
    optimiser gives the same steps, but its first one loads a compiler, which costs more than a second.
    """

    def __init__(self, size: int, decay: float) -> None:
        """Begin with moments of zero for `size` weights; `decay` is the factor of the L2 term."""
        self._decay, self._count = decay, 0
        self._mean, self._square = torch.zeros(size), torch.zeros(size)

    def step(self, weights: Tensor, gradient: Tensor, rate: float) -> None:
        """Move `weights` `(W,)` in place by one step of learning rate `rate` along `gradient` `(W,)`, to which the L2
        term is added here."""
        self._count += 1
        if self._decay:
            gradient = gradient.add(weights, alpha=self._decay)
        self._mean.lerp_(gradient, 0.1)
        self._square.mul_(0.999).addcmul_(gradient, gradient, value=0.001)
        root = (self._square.sqrt() / (1 - 0.999**self._count) ** 0.5).add_(1e-8)
        weights.addcdiv_(self._mean, root, value=-rate / (1 - 0.9**self._count))


class TorchBackend(ABC):
    """Steps on one torch thread, so that sums keep their order. All weights live in one flat tensor, over the array
    `flat`, so that Adam is a handful of operations."""

    def __init__(self, task: FitTask, shapes: Shapes, flat: Array) -> None:
        """Step the weights `flat`, float32, in place; `shapes` says how they are laid out. One thread alone."""
        torch.set_num_threads(1)
        self.flat, self.good = flat, flat.copy()
        self._weights = torch.from_numpy(flat).requires_grad_()
        self._model, self._settings, self._shapes = get_model(task.model), task.model_settings, shapes
        self._terms = self._model.terms(task.model_settings, task.dof)
        self._sizes = [int(np.prod(shape)) for shape in shapes.values()]
        self._adam = Adam(flat.size, float(task.settings["weight-decay"]))

    def loss(self, rows: Rows) -> float:
        """Return the mean over rows and coordinates of (field(coords) − dcoords)² on `rows`, or of frames the loss of
        the objective, for the present weights."""
        with torch.no_grad():
            return float(self._loss(rows))

    def gradient(self, rows: Rows) -> tuple[float, Array]:
        """Return the loss of the present weights on `rows`, and its gradient by them `(W,)`, float32, without the L2
        term."""
        with _tiny_numbers_flushed():
            loss = self._loss(rows)
            (gradient,) = torch.autograd.grad(loss, self._weights)
        return float(loss.detach()), gradient.numpy().copy()

    def step(self, rows: Rows, rate: float, limit: float) -> float:
        """Take one step of Adam at the learning rate `rate`, unless the loss before it is above `limit` or NaN; return
        that loss."""
        with _tiny_numbers_flushed():
            loss = self._loss(rows)
            value = float(loss.detach())
            if value <= limit:
                self.good[:] = self.flat
                (gradient,) = torch.autograd.grad(loss, self._weights)
                with torch.no_grad():
                    self._adam.step(self._weights, gradient, rate)
        return value

    def _named(self) -> dict[str, Tensor]:
        """Return the weights by their names."""
        parts = self._weights.split_with_sizes(self._sizes)
        return {n: p.view(s) for (n, s), p in zip(self._shapes.items(), parts, strict=True)}

    def _field(self, weights: dict[str, Tensor], coords: Tensor) -> Tensor:
        """Return d(coords)/dt `(N, 2*dof)`, the sum of the family's terms."""
        activation, inverse_mass = str(self._settings["activation"]), self._model.inverse_mass(weights)
        flow: Tensor = sum_of_terms.field(torch, self._terms, weights, activation, coords, inverse_mass=inverse_mass)
        return flow

    @abstractmethod
    def _loss(self, rows: Rows) -> Tensor:
        """Return the loss of the present weights on `rows`."""


class TorchFieldBackend(TorchBackend):
    """Steps a field; rows are `(coords, dcoords)`."""

    def __init__(self, task: FitTask, shapes: Shapes, flat: Array) -> None:
        """Step the field of `task`, with what it is told of the system as constants."""
        super().__init__(task, shapes, flat)
        self._known = {n: torch.from_numpy(np.asarray(v, dtype=np.float32)) for n, v in task.known.items()}

    def _loss(self, rows: Rows) -> Tensor:
        coords, dcoords = (torch.from_numpy(part) for part in rows)
        residual: Tensor = self._field(self._named() | self._known, coords) - dcoords
        return (residual * residual).mean()


class TorchPixelBackend(TorchBackend):
    """Steps an autoencoder and its dynamics; rows are `(first,)`. The loss is that of `kernels.pixel_training`."""

    def __init__(self, task: FitTask, film: FilmTable, shapes: Shapes, flat: Array) -> None:
        """Make the tensors of an autoencoder and its dynamics."""
        super().__init__(task, shapes, flat)
        self._film, self._live = film, torch.from_numpy(film.live)
        self._table, self._rest = torch.from_numpy(film.table), torch.from_numpy(film.rest)

    def _loss(self, rows: Rows) -> Tensor:
        first, weights = torch.from_numpy(rows[0]), self._named()
        weights["encoder.w0"] = weights["encoder.w0"][self._live]
        now, then = (torch.cat([self._table[first + k], self._table[first + k + 1]], 1) for k in (0, 1))
        z, after = (half_output(weights, ENCODER, x, torch.relu) for x in (now, then))
        off = half_output(weights, DECODER, z, torch.relu).index_add(1, self._live, -now)
        pictures = ((off * off).sum(1) + self._rest[first] + self._rest[first + 1]) / self._film.pixels
        gap = z[:, 1] - (after[:, 0] - z[:, 0])
        field = after - z - self._field(weights, z)
        loss: Tensor = (pictures + gap**2 + FIELD_SHARE * (field**2).mean(1)).mean()
        return loss


@contextmanager
def _tiny_numbers_flushed() -> Iterator[None]:
    """Count subnormal numbers as zero: they move nothing and take a hundred times as long. Within the block alone: it
    is a mode of the whole thread, and numbers that are read outside must be those that were written."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)
