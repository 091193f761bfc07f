"""The damped mass-spring: H of the mass-spring, and friction −γp."""

import math
from typing import ClassVar

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.parameters import Parameter
from hnn_engine.systems.base import DataRecipe
from hnn_engine.systems.damping import DAMPING, Damped
from hnn_engine.systems.mass_spring import MassSpring


class DampedMassSpring(Damped, MassSpring):
    """dq/dt = p/m, dp/dt = −kq − γp, with H = p²/(2m) + kq²/2."""

    name: ClassVar[str] = "damped-mass-spring"
    title: ClassVar[str] = "Damped mass-spring"
    summary: ClassVar[str] = "A block on a spring with friction: its energy decays, which no H alone can describe."
    constants: ClassVar[tuple[Parameter, ...]] = (*MassSpring.constants, DAMPING)
    data: ClassVar[DataRecipe] = DataRecipe(50, 30, 10.0, 0.1, 0.5, False, False)

    def exact(self, start: Array, t: Array) -> Array | None:
        """Return the damped oscillation, also where it creeps, `(T, 2)`, from `start` `(2,)` at `t` `(T,)` in s.

        q = q₀C + (v₀ + λq₀)S and dq/dt = v₀C − (λv₀ + ω²q₀)S, with C and S as `damped_pair` has them, λ = γ/2 and p = m
        dq/dt.
        """
        cos, sin = damped_pair(t, self.damping / 2, self.frequency**2)
        q, v, slow = start[0], start[1] / self.mass, self.damping / 2
        position = q * cos + (v + slow * q) * sin
        velocity = v * cos - (slow * v + self.frequency**2 * q) * sin
        return np.stack([position, self.mass * velocity], axis=-1)


def damped_pair(t: Array, rate: float, stiffness: float) -> tuple[Array, Array]:
    """Return e^(−λt)·(cos νt, sin(νt)/ν), `(T,)` each, with ν² = `stiffness` − λ², also where ν² is zero or negative.

    The solutions of x″ + 2λx′ + (λ² + ν²)x = 0 are their combinations: under-, critically and over-damped. `t`: `(T,)`
    in s. `rate`: λ ≥ 0 in 1/s. `stiffness`: in 1/s².
    """
    square = stiffness - rate**2
    nu = math.sqrt(abs(square))
    if square > 0:
        fade = np.exp(-rate * t)
        return fade * np.cos(nu * t), fade * np.sin(nu * t) / nu
    # One growing and one fading exponential would overflow apart: keep the slower and the ratio to the faster.
    slow = np.exp((nu - rate) * t)
    sin = t if nu == 0 else -np.expm1(-2 * nu * t) / (2 * nu)
    return slow * (1 + np.exp(-2 * nu * t)) / 2, slow * sin
