"""The systems, in an explicit table. Adding one is a new file and a line here."""

from collections.abc import Mapping

from hnn_engine.errors import UnknownNameError
from hnn_engine.systems.base import DataRecipe, System
from hnn_engine.systems.damped_mass_spring import DampedMassSpring
from hnn_engine.systems.damped_pendulum import DampedPendulum
from hnn_engine.systems.double_pendulum import DoublePendulum
from hnn_engine.systems.duffing import Duffing
from hnn_engine.systems.henon_heiles import HenonHeiles
from hnn_engine.systems.mass_spring import MassSpring
from hnn_engine.systems.n_body import NBody
from hnn_engine.systems.pendulum import Pendulum
from hnn_engine.systems.pixel_pendulum import PixelPendulum
from hnn_engine.systems.spring_pendulum import SpringPendulum
from hnn_engine.systems.three_body import ThreeBody
from hnn_engine.systems.two_body import TwoBody

SYSTEMS: dict[str, type[System]] = {
    system.name: system
    for system in (
        MassSpring,
        Pendulum,
        DampedMassSpring,
        DampedPendulum,
        PixelPendulum,
        DoublePendulum,
        TwoBody,
        ThreeBody,
        NBody,
        Duffing,
        HenonHeiles,
        SpringPendulum,
    )
}


def get_system(name: str, constants: Mapping[str, object] | None = None) -> System:
    """Return the system `name` with `constants` (the rest at their defaults).

    Raises `UnknownNameError`, or `ParameterError` where a constant is unknown or out of range.
    """
    if name not in SYSTEMS:
        raise UnknownNameError("system", name, SYSTEMS)
    return SYSTEMS[name](constants)


__all__ = ["SYSTEMS", "DataRecipe", "System", "get_system"]
