"""Friction in proportion to the momentum, for systems that have an undamped sister."""

from typing import ClassVar

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.parameters import Parameter
from hnn_engine.systems.base import System

DAMPING = Parameter(
    "damping",
    "Damping",
    0.1,
    0.0,
    2.0,
    "γ",
    "1/s",
    "Rate at which friction takes momentum: dp/dt loses γp. A weakly damped energy fades as exp(−γt).",
)


class Damped(System):
    """Adds −γp to dp/dt. Put it before the undamped system among the bases; `constants` must hold `DAMPING`."""

    separable: ClassVar[bool] = False
    damped: ClassVar[bool] = True

    def friction(self, coords: Array) -> Array | None:
        drag, dof = np.zeros_like(coords), coords.shape[-1] // 2
        np.multiply(coords[..., dof:], -self.damping, out=drag[..., dof:])
        return drag
