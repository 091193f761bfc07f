"""Fits that are sound, and fits that have a fault on purpose: what a verdict should find, stated before it is asked.

`TUNING` are those that the rules of `hnn_engine/debugging/verdict.py` were worked out on. `HELD_OUT` were written down
before any of them was run, and no rule was changed after one was.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SOUND: tuple[str, ...] = ()
Values = Mapping[str, Any]


@dataclass(frozen=True)
class Case:
    """A fit and how it is followed, with its `faults` (names of rules), and what `may` be found with it besides the
    faults' stated consequences: what depends on how good the fit happens to be. The rest is as the laboratory opens
    the system, without noise unless the data says so."""

    name: str
    system: str
    faults: tuple[str, ...]
    model: str = "hnn"
    recipe: str = "sampled"
    data: Values = field(default_factory=dict)
    settings: Values = field(default_factory=dict)
    network: Values = field(default_factory=dict)
    constants: Values = field(default_factory=dict)
    start: tuple[float, ...] | None = None
    rollout: Values = field(default_factory=dict)
    seed: int = 0
    may: tuple[str, ...] = ()


def _few(trajectories: int, points: int | None = None) -> Values:
    return {"trajectories": trajectories} | ({} if points is None else {"points": points})


def _noise(size: float, **more: Any) -> Values:
    return {"noise": size, **more}


RIDGE: Values = {"regularisation": "fixed", "ridge": 0.1}
MEASURED: Values = {"states": "measured"}
WIDE_STARTS: Values = {"reach": 1.6}
SMALL: Values = {"width": 40, "depth": 1}
MIDDLE: Values = {"width": 500, "depth": 1}  # of several bodies, for which automatic networks take long
SHORT: Values = {"horizon": 3.0}
EXACT: Values = {"integrator": "dop853"}
FOUR: Values = {"bodies": 4}
CLOSE_PAIR = (0.32, -0.32, 0.24, -0.24, -0.38, 0.38, 0.51, -0.51)  # two bodies 0.8 m apart, nearer than in the data
NEAR_PAIR = (0.6, -0.6, 0.6, -0.6, -0.384, 0.384, 0.384, -0.384)  # on a circle, as near as in the data
WORSE = ("momentum_lost", "left_data")  # what depends on how good a fit of several bodies is

TUNING: tuple[Case, ...] = (
    # Sound -----------------------------------------------------------------------------------------------------------
    Case("a spring, closed form", "mass-spring", SOUND),
    Case("a pendulum, closed form", "pendulum", SOUND),
    Case("two wells, closed form", "duffing", SOUND),
    Case("a star, closed form", "henon-heiles", SOUND),
    Case("a bob on a spring, closed form", "spring-pendulum", SOUND),
    Case("two rods, closed form", "double-pendulum", SOUND),
    Case("two bodies, closed form", "two-body", SOUND),
    Case(
        "three bodies, closed form",
        "three-body",
        SOUND,
        network=MIDDLE,
        data=_few(600),
        rollout=SHORT,
        may=("momentum_lost",),
    ),
    Case("friction, a model with friction", "damped-pendulum", SOUND, model="dissipative-hnn"),
    Case("a separable model", "pendulum", SOUND, model="separable-hnn"),
    Case("a spring by L-BFGS", "mass-spring", SOUND, recipe="lbfgs"),
    Case("a pendulum by Adam", "pendulum", SOUND, recipe="adam"),
    Case("noise taken out", "pendulum", SOUND, recipe="denoise", data=_noise(0.03, trajectories=100)),
    # Noise -----------------------------------------------------------------------------------------------------------
    Case("noise on a pendulum", "pendulum", ("noise_floor",), data=_noise(0.2), settings=MEASURED),
    Case("the paper's noise", "mass-spring", ("noise_floor",), data=_noise(0.1), settings=MEASURED),
    Case("noise on two wells", "duffing", ("noise_floor",), data=_noise(0.1)),
    Case("noise on a star", "henon-heiles", ("noise_floor",), data=_noise(0.05), settings=MEASURED),
    Case(
        "noise and friction",
        "damped-pendulum",
        ("noise_floor",),
        model="dissipative-hnn",
        data=_noise(0.2),
        settings=MEASURED,
    ),
    Case("noise on two bodies", "two-body", ("noise_floor",), data=_noise(0.1), settings=MEASURED),
    Case("noise on a bob", "spring-pendulum", ("noise_floor",), data=_noise(0.1), settings=MEASURED),
    # A period changed by noise ---------------------------------------------------------------------------------------
    Case(
        "a pendulum out of phase",
        "pendulum",
        ("phase_noise",),
        data=_noise(0.2),
        settings=MEASURED,
        start=(1.9, 0.0),
        rollout={**EXACT, "horizon": 40.0},
    ),
    Case(
        "a spring out of phase",
        "mass-spring",
        ("phase_noise",),
        data=_noise(0.3),
        settings=MEASURED,
        start=(0.7, 0.0),
        rollout={**EXACT, "horizon": 60.0},
    ),
    Case(
        "two wells out of phase",
        "duffing",
        ("phase_noise",),
        data=_noise(0.06),
        settings=MEASURED,
        start=(1.3, 0.0),
        rollout={**EXACT, "horizon": 60.0},
    ),
    # A start outside the data ----------------------------------------------------------------------------------------
    Case("a pendulum thrown over", "pendulum", ("start_outside_data",), start=(2.9, 3.0)),
    Case("two wells from far out", "duffing", ("start_outside_data",), start=(0.0, 2.5)),
    Case("rods from high up", "double-pendulum", ("start_outside_data",), start=(2.4, 2.4, 0.0, 0.0), rollout=SHORT),
    Case("a bob from high up", "spring-pendulum", ("start_outside_data",), start=(1.2, 0.3, 0.0, 0.0)),
    Case("two bodies too close", "two-body", ("start_outside_data",), start=CLOSE_PAIR, rollout={"dt": 0.005}),
    # Steps too large -------------------------------------------------------------------------------------------------
    Case("a pendulum in large steps", "pendulum", ("integrator_drift",), start=(1.6, 0.0), rollout={"dt": 0.4}),
    Case("rods in large steps", "double-pendulum", ("integrator_drift",), rollout={"dt": 0.2}),
    Case("a star in large steps", "henon-heiles", ("integrator_drift",), rollout={"dt": 0.9}),
    Case(
        "a swinging energy",
        "mass-spring",
        ("integrator_drift",),
        model="separable-hnn",
        rollout={"dt": 0.25, "integrator": "stormer-verlet"},
    ),
    Case("two bodies in large steps", "two-body", ("integrator_drift",), start=NEAR_PAIR, rollout={"dt": 1.0}),
    Case(
        "rods by the midpoint",
        "double-pendulum",
        ("integrator_drift",),
        rollout={"dt": 0.1, "integrator": "implicit-midpoint"},
    ),
    # Friction --------------------------------------------------------------------------------------------------------
    Case("a damped spring", "damped-mass-spring", ("friction_in_hamiltonian",)),
    Case("a damped pendulum, separable", "damped-pendulum", ("friction_in_hamiltonian",), model="separable-hnn"),
    Case(
        "a damped pendulum by Adam",
        "damped-pendulum",
        ("friction_in_hamiltonian",),
        recipe="adam",
        data=_noise(0.01),
        settings={"steps": 1500},
    ),
    # No Hamiltonian field --------------------------------------------------------------------------------------------
    Case(
        "a baseline",
        "pendulum",
        ("not_hamiltonian",),
        model="baseline",
        recipe="adam",
        settings={"steps": 400},
        may=("unfinished",),
    ),
    Case(
        "a gradient field",
        "pendulum",
        ("not_hamiltonian", "left_data"),
        model="conservative-hnn",
        recipe="adam",
        settings={"steps": 600},
        may=("unfinished",),
    ),
    Case(
        "a mixed field",
        "duffing",
        ("not_hamiltonian",),
        model="mixed-hnn",
        recipe="adam",
        settings={"steps": 300},
        may=("unfinished",),
    ),
    Case("a baseline that learns a polynomial from few stars", "henon-heiles", SOUND, model="baseline", data=_few(8)),
    Case(
        "a baseline on few rods",
        "double-pendulum",
        ("not_hamiltonian", "few_trajectories"),
        model="baseline",
        data=_few(10),
    ),
    # Momentum --------------------------------------------------------------------------------------------------------
    Case(
        "two bodies, a small baseline",
        "two-body",
        ("momentum_lost", "not_hamiltonian"),
        model="baseline",
        network=SMALL,
        may=("left_data",),
    ),
    Case("two bodies, a small network", "two-body", ("momentum_lost",), network=SMALL, may=("left_data",)),
    Case(
        "three bodies, a small network",
        "three-body",
        ("momentum_lost",),
        network={"width": 100, "depth": 1},
        data=_few(600),
        rollout=SHORT,
        may=("left_data",),
    ),
    # Too few trajectories --------------------------------------------------------------------------------------------
    Case("four double pendulums", "double-pendulum", ("few_trajectories",), data=_few(5, 30)),
    Case("few stars, whose energies miss the start", "henon-heiles", ("start_outside_data",), data=_few(5)),
    Case("few bobs", "spring-pendulum", ("few_trajectories",), data=_few(5, 40)),
    Case("few pairs", "two-body", ("few_trajectories",), data=_few(10)),
    Case("few triples", "three-body", ("few_trajectories",), network=MIDDLE, data=_few(40), rollout=SHORT),
    # Saturated units -------------------------------------------------------------------------------------------------
    Case(
        "a pendulum, far too fast",
        "pendulum",
        ("saturated",),
        recipe="paper",
        settings={"steps": 200, "learning-rate": 1.0},
        may=("unfinished",),
    ),
    Case(
        "a star, far too fast",
        "henon-heiles",
        ("saturated",),
        recipe="paper",
        settings={"steps": 100, "learning-rate": 1.0, "batch": 200},
        may=("unfinished",),
    ),
    # Over-regularised ------------------------------------------------------------------------------------------------
    Case("a pendulum held down", "pendulum", ("over_regularised",), settings=RIDGE, start=(1.6, 0.0)),
    Case("a star held down", "henon-heiles", ("over_regularised",), settings=RIDGE),
    Case("rods held down", "double-pendulum", ("over_regularised",), settings=RIDGE),
    Case(
        "a spring held down by weight decay",
        "mass-spring",
        ("over_regularised",),
        recipe="paper",
        settings={"steps": 1000, "weight-decay": 0.1},
    ),
    # Unfinished ------------------------------------------------------------------------------------------------------
    Case("sixty steps", "pendulum", ("unfinished",), recipe="paper", settings={"steps": 60}, start=(1.6, 0.0)),
    Case("sixty steps of a star", "henon-heiles", ("unfinished",), recipe="adam", settings={"steps": 60}),
    Case("a hundred steps of two rods", "double-pendulum", ("unfinished",), recipe="paper", settings={"steps": 100}),
    # Chaos -----------------------------------------------------------------------------------------------------------
    Case(
        "rods beyond their horizon",
        "double-pendulum",
        ("chaos",),
        data={**WIDE_STARTS, "trajectories": 300},
        start=(1.5, -1.2, 0.0, 0.0),
        rollout={**EXACT, "horizon": 60.0},
        may=("few_trajectories", "left_data"),
    ),
    Case(
        "a star near the escape energy",
        "henon-heiles",
        ("chaos",),
        start=(0.0, -0.2, 0.5144, 0.0),
        rollout={**EXACT, "horizon": 400.0},
    ),
    Case(
        "three bodies for long, whose motion stays regular",
        "three-body",
        SOUND,
        network=MIDDLE,
        data=_few(600),
        rollout={**EXACT, "horizon": 60.0},
        may=WORSE,
    ),
    # Rollouts that leave ---------------------------------------------------------------------------------------------
    Case(
        "a hasty baseline",
        "pendulum",
        ("left_data",),
        model="baseline",
        recipe="paper",
        settings={"steps": 100},
        may=("unfinished", "not_hamiltonian"),
    ),
)

HELD_OUT: tuple[Case, ...] = (
    # Sound -----------------------------------------------------------------------------------------------------------
    Case("a spring, separable", "mass-spring", SOUND, model="separable-hnn", seed=1),
    Case("two wells, separable", "duffing", SOUND, model="separable-hnn", seed=1),
    Case("a star, separable", "henon-heiles", SOUND, model="separable-hnn", seed=2),
    Case("two rods, other data", "double-pendulum", SOUND, seed=3),
    Case("two bodies, other data", "two-body", SOUND, seed=5),
    Case("a damped spring, a model with friction", "damped-mass-spring", SOUND, model="dissipative-hnn"),
    Case("another pendulum", "pendulum", SOUND, constants={"mass": 1.0, "gravity": 9.81}, seed=4),
    Case("a bob on a spring, other data", "spring-pendulum", SOUND, seed=4),
    Case(
        "four bodies, closed form",
        "n-body",
        SOUND,
        network=MIDDLE,
        constants=FOUR,
        data=_few(400),
        rollout=SHORT,
        may=("momentum_lost",),
    ),
    # Faults ----------------------------------------------------------------------------------------------------------
    Case("noise on a spring", "mass-spring", ("noise_floor",), data=_noise(0.2), settings=MEASURED, seed=1),
    Case(
        "noise on a bob, other data", "spring-pendulum", ("noise_floor",), data=_noise(0.08), settings=MEASURED, seed=1
    ),
    Case(
        "noise on a damped spring",
        "damped-mass-spring",
        ("noise_floor",),
        model="dissipative-hnn",
        data=_noise(0.2),
        settings=MEASURED,
    ),
    Case("noise on rods", "double-pendulum", ("noise_floor",), data=_noise(0.05), settings=MEASURED),
    Case(
        "another pendulum out of phase",
        "pendulum",
        ("phase_noise",),
        constants={"gravity": 9.81},
        data=_noise(0.25),
        settings=MEASURED,
        start=(1.7, 0.0),
        rollout={**EXACT, "horizon": 50.0},
    ),
    Case("a spring stretched far", "mass-spring", ("start_outside_data",), start=(3.0, 0.0)),
    Case(
        "a damped pendulum from above",
        "damped-pendulum",
        ("start_outside_data",),
        model="dissipative-hnn",
        start=(3.0, 1.5),
    ),
    Case("two wells in large steps", "duffing", ("integrator_drift",), rollout={"dt": 0.4}),
    Case("a bob in large steps", "spring-pendulum", ("integrator_drift",), rollout={"dt": 0.25}),
    Case(
        "a star by Verlet",
        "henon-heiles",
        ("integrator_drift",),
        model="separable-hnn",
        rollout={"dt": 0.5, "integrator": "stormer-verlet"},
    ),
    Case("a damped pendulum", "damped-pendulum", ("friction_in_hamiltonian",), seed=3),
    Case(
        "a damped spring, separable",
        "damped-mass-spring",
        ("friction_in_hamiltonian",),
        model="separable-hnn",
        data=_noise(0.02),
    ),
    Case(
        "a baseline on two wells",
        "duffing",
        ("not_hamiltonian",),
        model="baseline",
        recipe="adam",
        settings={"steps": 300},
        may=("unfinished", "left_data"),
    ),
    Case(
        "a baseline on few bobs",
        "spring-pendulum",
        ("not_hamiltonian", "few_trajectories"),
        model="baseline",
        data=_few(8),
    ),
    Case(
        "a gradient field of a spring",
        "mass-spring",
        ("not_hamiltonian", "left_data"),
        model="conservative-hnn",
        recipe="adam",
        settings={"steps": 400},
        may=("unfinished",),
    ),
    Case(
        "four bodies, a small network",
        "n-body",
        ("momentum_lost",),
        network={"width": 60, "depth": 1},
        constants=FOUR,
        data=_few(400),
        rollout=SHORT,
        may=("left_data",),
    ),
    Case(
        "three bodies, a baseline",
        "three-body",
        ("momentum_lost", "not_hamiltonian"),
        model="baseline",
        network=MIDDLE,
        data=_few(400),
        rollout=SHORT,
        may=("left_data",),
    ),
    Case(
        "few rings of four bodies",
        "n-body",
        ("few_trajectories",),
        network=MIDDLE,
        constants=FOUR,
        data=_few(25),
        rollout=SHORT,
    ),
    Case("few bobs, separable", "spring-pendulum", ("few_trajectories",), model="separable-hnn", data=_few(3, 40)),
    Case("few pairs, other data", "two-body", ("few_trajectories",), data=_few(8), seed=7),
    Case(
        "two wells, far too fast",
        "duffing",
        ("saturated",),
        recipe="paper",
        settings={"steps": 150, "learning-rate": 1.0},
        may=("unfinished",),
    ),
    Case("a bob held down", "spring-pendulum", ("over_regularised",), settings=RIDGE),
    Case(
        "two wells held down by weight decay",
        "duffing",
        ("over_regularised",),
        recipe="paper",
        settings={"steps": 1000, "weight-decay": 0.3},
    ),
    Case("eighty steps of a bob", "spring-pendulum", ("unfinished",), recipe="adam", settings={"steps": 80}),
    Case("a hundred steps of two bodies", "two-body", ("unfinished",), recipe="paper", settings={"steps": 100}),
    Case(
        "rods beyond their horizon, other data",
        "double-pendulum",
        ("chaos",),
        data={**WIDE_STARTS, "trajectories": 300},
        start=(-1.5, 1.3, 0.0, 0.0),
        rollout={**EXACT, "horizon": 60.0},
        seed=2,
        may=("few_trajectories", "left_data"),
    ),
    Case(
        "four bodies for long",
        "n-body",
        ("chaos",),
        network=MIDDLE,
        constants=FOUR,
        data=_few(400),
        rollout={**EXACT, "horizon": 60.0},
        may=WORSE,
    ),
    Case(
        "a hasty baseline of a star",
        "henon-heiles",
        ("left_data", "not_hamiltonian"),
        model="baseline",
        recipe="paper",
        settings={"steps": 150},
        may=("unfinished",),
    ),
)
