"""What a fit by gradient asks of the backend that computes its steps."""

from collections.abc import Mapping
from typing import Any, Protocol

from hnn_engine.coords import Array

Rows = tuple[Any, ...]  # coords and dcoords, float32, (N, 2*dof) each; or the first frame of each row, (N,)
AdamStep = tuple[bool, float, float, float, float]  # as `kernels.training.advance` takes it
Shapes = Mapping[str, tuple[int, ...]]


class GradientBackend(Protocol):
    """A network's weights with Adam's state. The weights are one flat float32 array `(W,)`, in the order of their
    names.

    Loss: mean over rows and coordinates of (field(coords) − dcoords)². Adam: m ← β₁m + (1−β₁)g; v ← β₂v + (1−β₂)g²; w ←
    w − α m̂/(√v̂ + ε), where g includes the L2 term decay·w (not decoupled), β = (0.9, 0.999), ε = 1e-8. Source: Kingma
    & Ba 2015.
    """

    flat: Array
    good: Array  # the last weights whose loss was within the limit

    def loss(self, rows: Rows) -> float:
        """Return the mean over rows and coordinates of (field(coords) − dcoords)² on `rows`, or of frames the loss of
        the objective, for the present weights."""

    def gradient(self, rows: Rows) -> tuple[float, Array]:
        """Return the loss of the present weights on `rows`, and its gradient by them `(W,)`, float32, without the L2
        term."""

    def step(self, rows: Rows, rate: float, limit: float) -> float:
        """Take one step of Adam at the learning rate `rate`, unless the loss before it is above `limit` or NaN; return
        that loss."""
