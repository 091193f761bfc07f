"""Fitting by Adam on minibatches: the loop that the gradient recipes share.

Loss: mean over rows and coordinates of (field(coords) − dcoords)², in float32, on one thread, so that the same seed
gives the same weights. All weights live in one flat tensor, so that Adam is a handful of operations.
"""

import time
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from hnn_engine.datasets import Mask
from hnn_engine.fitting.events import Cancelled, Evaluated, Event, Failed, Finished, FitTask, Progress, Started
from hnn_engine.models import get_model
from hnn_engine.models.mlp import Weights
from hnn_engine.snapshot import Snapshot

LIVE_TEST_ROWS = 2000  # the live test curve looks at no more than these; final figures use every row
DIVERGENCE = 1e8  # a loss this many times the first one will not come back


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


class GradientFit:
    """A fit by Adam. Recipes override `prepare`, `rate` and `checkpoint`."""

    def __init__(self, task: FitTask) -> None:
        self.task = task
        self.model = get_model(task.model)
        self.steps = int(task.settings["steps"])
        self.batch = int(task.settings["batch"])
        self.rng = np.random.default_rng([task.seed, 2])
        self.seconds = 0.0
        self._stop = False
        self._limit = float("inf")
        initial = self.prepare(self.model.initial_weights(task.data.dof, task.model_settings, self._weight_rng()))
        self._shapes = {name: w.shape for name, w in initial.items()}
        self._sizes = [int(np.prod(s)) for s in self._shapes.values()]
        self.flat = torch.from_numpy(np.concatenate([w.ravel() for w in initial.values()])).requires_grad_()
        self.good = self.flat.detach().clone()
        self.train_rows = self.rows(task.data.train)
        self.test_rows = self.rows(self._live_tests())

    def _weight_rng(self) -> np.random.Generator:
        return np.random.default_rng([self.task.seed, 1])

    def _live_tests(self) -> Mask:
        rows = np.flatnonzero(self.tests())
        if len(rows) > LIVE_TEST_ROWS:
            rows = np.random.default_rng([self.task.seed, 3]).choice(rows, LIVE_TEST_ROWS, replace=False)
        mask = np.zeros(len(self.task.data.t), dtype=bool)
        mask[rows] = True
        return mask

    # What a recipe may change -----------------------------------------------------------------------------------------

    def tests(self) -> Mask:
        """Return which rows the live test curve may look at."""
        return ~self.task.data.train

    def prepare(self, weights: Weights) -> Weights:
        """Return the weights to begin with."""
        return weights

    def rate(self, step: int) -> float:
        """Return the learning rate of `step` (from 1)."""
        return float(self.task.settings["learning-rate"])

    def checkpoint(self, step: int) -> str:
        """Look at the weights after `step`; return a reason to end, or an empty string."""
        return ""

    def final_weights(self) -> Tensor:
        """Return the flat weights that the fit ends with."""
        return self.flat.detach()

    # The fit ----------------------------------------------------------------------------------------------------------

    def rows(self, mask: Mask) -> tuple[Tensor, Tensor]:
        """Return `(coords, dcoords)` of the masked rows as float32 tensors."""
        data = self.task.data
        return torch.from_numpy(data.coords[mask].astype(np.float32)), torch.from_numpy(
            data.dcoords[mask].astype(np.float32)
        )

    def loss(self, coords: Tensor, dcoords: Tensor) -> Tensor:
        """Return the mean squared error of the field on these rows."""
        parts = self.flat.split_with_sizes(self._sizes)
        weights = {n: p.view(s) for (n, s), p in zip(self._shapes.items(), parts, strict=True)}
        residual: Tensor = self.model.field(torch, weights, self.task.model_settings, coords) - dcoords
        return (residual * residual).mean()

    def stop(self) -> None:
        """End with `Cancelled` at the next event."""
        self._stop = True

    def snapshot(self) -> Snapshot:
        """Freeze the present weights."""
        return self._freeze(self.flat.detach())

    def _freeze(self, flat: Tensor) -> Snapshot:
        values = flat.numpy().copy()
        parts = np.split(values, np.cumsum(self._sizes)[:-1])
        weights = {n: p.reshape(s) for (n, s), p in zip(self._shapes.items(), parts, strict=True)}
        return Snapshot(self.task.model, self.task.data.dof, dict(self.task.model_settings), weights)

    def events(self) -> Iterator[Event]:
        """Run the fit; each `next` does one step's work."""
        torch.set_num_threads(1)
        yield Started(self.steps)
        every = 10 if len(self.train_rows[0]) <= LIVE_TEST_ROWS else 50
        best_known = 0
        for step in range(1, self.steps + 1):
            if self._stop:
                yield Cancelled(step - 1, self._freeze(self.final_weights()))
                return
            began = time.perf_counter()
            loss = self._advance(step)
            self.seconds += time.perf_counter() - began
            if not loss <= self._limit:
                yield Failed(best_known, self._freeze(self.good), _divergence(step, loss))
                return
            best_known = step - 1
            yield Progress(step, loss)
            if step % every == 0 or step == self.steps:
                began = time.perf_counter()
                test, reason = self._test_loss(), self.checkpoint(step)
                self.seconds += time.perf_counter() - began
                yield Evaluated(step, test)
                if reason:
                    yield Finished(step, self._freeze(self.final_weights()), reason)
                    return
        yield self._ending()

    def _advance(self, step: int) -> float:
        """Take one step and return the loss before it. Weights whose loss is within bounds are kept as good."""
        coords, dcoords = self._minibatch()
        loss = self.loss(coords, dcoords)
        value = float(loss.detach())
        if step == 1:
            self._limit = DIVERGENCE * max(value, 1e-12)
        if value <= self._limit:
            self.good.copy_(self.flat.detach())
            (gradient,) = torch.autograd.grad(loss, self.flat)
            with torch.no_grad():
                self.optimiser.step(self.flat, gradient, self.rate(step))
        return value

    @property
    def optimiser(self) -> Adam:
        """The optimiser, made on first use."""
        if not hasattr(self, "_optimiser"):
            self._optimiser = Adam(self.flat.numel(), float(self.task.settings["weight-decay"]))
        return self._optimiser

    def _minibatch(self) -> tuple[Tensor, Tensor]:
        coords, dcoords = self.train_rows
        if not 0 < self.batch < len(coords):
            return coords, dcoords
        rows = torch.from_numpy(self.rng.choice(len(coords), self.batch, replace=False))
        return coords[rows], dcoords[rows]

    def _test_loss(self) -> float:
        with torch.no_grad():
            return float(self.loss(*self.test_rows))

    def _ending(self) -> Event:
        """Finish, unless the very last step spoilt the weights."""
        final = self.final_weights()
        if bool(torch.isfinite(final).all()) and np.isfinite(self._test_loss()):
            return Finished(self.steps, self._freeze(final), f"all {self.steps} steps done")
        return Failed(self.steps - 1, self._freeze(self.good), _divergence(self.steps, float("nan")))


def _divergence(step: int, loss: float) -> str:
    what = "is no longer a finite number" if not np.isfinite(loss) else f"grew to {loss:.2g}"
    return f"The loss {what} at step {step}; the weights of the step before were kept. Try a smaller learning rate."
