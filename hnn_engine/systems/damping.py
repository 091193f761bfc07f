"""Friction in proportion to the momentum, for systems that exist without it too."""

from copy import copy
from typing import ClassVar, Self

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
    "Rate of momentum loss: dp/dt contains −γp. The energy of weakly damped motion decays as exp(−γt).",
)


class Damped(System):
    """Adds −γp to dp/dt. Put it before the undamped system among the bases; `constants` must end with `DAMPING`."""

    separable: ClassVar[bool] = False
    damped: ClassVar[bool] = True
    damping: float

    def with_friction(self, scale: float) -> Self:
        """Return this system with its damping γ, in 1/s, multiplied by `scale`."""
        damping = scale * self.damping
        other = copy(self)
        other.values = {**self.values, DAMPING.name: damping}
        other.damping = damping
        other.law = np.array([*self.law[:-1], damping])
        return other

    @staticmethod
    def dissipation(x: Array, c: Array, out: Array) -> None:
        """Subtract γp from dp/dt, the rows of `out` from dof on; γ in 1/s is the last of `c`. `x`, `out`: `(2*dof,
        ...)`, a row a coordinate."""
        damping = c[-1]
        for i in range(len(x) // 2, len(x)):
            out[i] -= damping * x[i]
