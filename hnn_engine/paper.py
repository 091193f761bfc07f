"""The paper's own constants, by the source of the data: how its fits are run and how its energy figure is made.

Sources are systems by name, 'recording' (its measured pendulum) and 'filmed-recording'. What the paper reported stands
with the tasks (`hnn_engine.tasks`), how its data is made with each system. Source: Greydanus, Dzamba & Yosinski 2019,
and the settings of its published code.
"""

from dataclasses import dataclass

import numpy as np

from hnn_engine.coords import Array

# Steps, batch and weight decay; a filmed recording is fitted as its film of a simulated pendulum.
PAPER_TASKS: dict[str, tuple[int, int, float]] = {
    "mass-spring": (2000, 0, 1e-4),
    "pendulum": (2000, 0, 1e-4),
    "recording": (2000, 0, 1e-5),
    "two-body": (10_000, 200, 0.0),
    "three-body": (10_000, 600, 1e-4),
    "pixel-pendulum": (10_000, 200, 1e-5),
    "filmed-recording": (10_000, 200, 1e-5),
}


@dataclass(frozen=True)
class EnergyFigure:
    """How the energy figure of a simulated system is made: rollouts of `horizon` s at `points` times, RK45 at `rtol`.

    `in_hole`: starts have each coordinate ±U(0.2, 1), inside the hole of the training annulus, and 'energy' is q² + p²;
    otherwise starts are of the training distribution, and the energy is the true H in J. `growth`: the horizon is
    multiplied by it before every start.
    """

    horizon: float
    points: int
    rtol: float
    in_hole: bool = False
    growth: float = 1.0


ENERGY_FIGURES: dict[str, EnergyFigure] = {
    "mass-spring": EnergyFigure(20.0, 100, 1e-12, in_hole=True, growth=1.09),
    "pendulum": EnergyFigure(20.0, 100, 1e-12, in_hole=True),
    "two-body": EnergyFigure(25.0, 500, 1e-9),
    "three-body": EnergyFigure(3.0, 500, 1e-9),
}

FILMED_WEIGHT, MEASURED_WEIGHT = 1.9, 2.4  # of 1 − cos q in the energies of its filmed and its measured pendulum


def pendulum_energy(coords: Array, weight: float) -> Array:
    """Return `weight`·(1 − cos q) + p² `(...)` at coords `(..., 2)`, q in rad: the paper's energy of a pendulum,
    without unit. Source: Greydanus, Dzamba & Yosinski 2019."""
    energy: Array = weight * (1 - np.cos(coords[..., 0])) + coords[..., 1] ** 2
    return energy
