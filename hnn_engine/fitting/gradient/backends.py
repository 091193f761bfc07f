"""What computes the steps of a fit by gradient: compiled loops, or torch, as its task says.

A compiled step is one call that does not hold the interpreter, where torch's takes it some fifty times: its
speed does not suffer from a window that paints. It also spares a fit the import of torch.
"""

import ctypes
import importlib.util
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.errors import MissingError
from hnn_engine.fitting.backend_choice import COMPILED
from hnn_engine.fitting.events import FitTask
from hnn_engine.fitting.gradient.backend import AdamStep, GradientBackend, Rows, Shapes
from hnn_engine.kernels import cache as kernel_cache
from hnn_engine.models import get_model


class CompiledBackend(ABC):
    """Steps by `hnn_engine.kernels`."""

    def __init__(self, flat: Array, decay: float) -> None:
        """Step the weights `flat`, float32, in place, with the factor `decay` of the L2 term."""
        self.flat, self.good = flat, flat.copy()
        self._grad, self._moments = np.zeros_like(flat), np.zeros((2, flat.size), np.float32)
        self._decay, self._count = decay, 0

    def loss(self, rows: Rows) -> float:
        """Return the mean over rows and coordinates of (field(coords) − dcoords)² on `rows`, or of frames the loss of
        the objective, for the present weights."""
        return self._call(rows, (False, 0.0, 0.0, 1.0, 0.0))

    def gradient(self, rows: Rows) -> tuple[float, Array]:
        """Return the loss of the present weights on `rows`, and its gradient by them `(W,)`, float32, without the L2
        term."""
        loss = self._call(rows, (True, -1.0, 0.0, 1.0, 0.0))  # no loss is within that limit: nothing moves
        return loss, self._grad.copy()

    def step(self, rows: Rows, rate: float, limit: float) -> float:
        """Take one step of Adam at the learning rate `rate`, unless the loss before it is above `limit` or NaN; return
        that loss."""
        self._count += 1
        alpha, root = rate / (1 - 0.9**self._count), (1 - 0.999**self._count) ** 0.5
        return self._call(rows, (True, limit, alpha, root, self._decay))

    @abstractmethod
    def _call(self, rows: Rows, adam: AdamStep) -> float:
        """Return the loss of the present weights on `rows`; learn from it as `adam` says."""


class CompiledFieldBackend(CompiledBackend):
    """Steps a field; rows are `(coords, dcoords)`."""

    def __init__(self, kernels: Any, task: FitTask, flat: Array) -> None:
        """Lay out the networks of `task` for the compiled loops `kernels`; `flat` are their weights, float32."""
        model, settings, dof = get_model(task.model), task.model_settings, task.dof
        sizes = dof, int(settings["width"]), int(settings["depth"])
        parts = model.networks(settings, dof), model.terms(settings, dof)
        self._advance = kernels.advance
        self._work = kernels.network(*parts, str(settings["activation"]), sizes, model.inverse_mass(task.known))
        super().__init__(flat, float(task.settings["weight-decay"]))

    def _call(self, rows: Rows, adam: AdamStep) -> float:
        loss: float = self._advance(self._work, self.flat, self._grad, self._moments, self.good, rows, adam)
        return loss


def backend(task: FitTask, shapes: Shapes, flat: Array) -> GradientBackend:
    """Return the backend that steps the weights `flat` of `task`: the one that the task names."""
    kernels = compiled_loops(task)
    if kernels is not None:
        return CompiledFieldBackend(kernels, task, flat)
    with torch_wanted():
        from hnn_engine.fitting.gradient.torch_backend import TorchFieldBackend
    return TorchFieldBackend(task, shapes, flat)


def compiled_loops(task: FitTask) -> Any | None:
    """Return the compiled loops where `task` is to go by them, else None. What asked for them has loaded them."""
    if task.backend != COMPILED:
        return None
    assert kernel_cache.loops() is not None
    return kernel_cache.loops()


@contextmanager
def torch_wanted() -> Iterator[None]:
    """Load torch, which takes more than a second, before it is imported meanwhile; raise `MissingError` where it is not
    there. Its great library comes first: loaded by itself it does not hold the interpreter."""
    try:
        spec = importlib.util.find_spec("torch")
        name = {"linux": "libtorch_cpu.so", "darwin": "libtorch_cpu.dylib"}.get(sys.platform, "")
        library = Path(spec.origin).parent / "lib" / name if spec is not None and spec.origin is not None else None
        if library is not None and "torch" not in sys.modules and library.is_file():
            with suppress(OSError):  # what is wrong with it the import says
                ctypes.CDLL(str(library))
        yield
    except ImportError as error:
        absent = kernel_cache.absent()
        why = f"{absent}, and torch is not there either" if absent else "torch is not installed"
        raise MissingError(f"A fit by gradient needs numba or torch ({why}): install one of them with pip") from error
