"""The damped pendulum: H of the pendulum, and friction −γp."""

from typing import ClassVar

from hnn_engine.coords import Array
from hnn_engine.parameters import Parameter
from hnn_engine.systems.base import DataRecipe
from hnn_engine.systems.damping import DAMPING, Damped
from hnn_engine.systems.pendulum import Pendulum


class DampedPendulum(Damped, Pendulum):
    """dq/dt = p/(ml²), dp/dt = −mgl sin q − γp, with H = p²/(2ml²) + mgl(1 − cos q)."""

    name: ClassVar[str] = "damped-pendulum"
    title: ClassVar[str] = "Damped pendulum"
    summary: ClassVar[str] = "A pendulum with friction at its pivot: it spirals down to hang at rest."
    constants: ClassVar[tuple[Parameter, ...]] = (*Pendulum.constants, DAMPING)
    data: ClassVar[DataRecipe] = DataRecipe(50, 45, 10.0, 0.1, 0.5, False, False)

    def exact(self, start: Array, t: Array) -> Array | None:
        """Return None: with friction there is no solution in closed form."""
        return None  # with friction no closed form is known
