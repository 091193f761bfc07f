"""Views of what a network learned: how long the figures of each take, and exponents beside scipy in plain Python.

The other way has the variational equations of the double pendulum in plain Python (sympy's expressions through
`lambdify`, functions of `math`), followed by scipy's DOP853 at 10⁻⁹ and orthonormalised every `EVERY` s.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import sympy
from scipy.integrate import solve_ivp

from benchmarks.figures import Aims, Figures, rounded, say, spread
from hnn_engine.coords import Array
from hnn_engine.debugging.error_split import split_error
from hnn_engine.debugging.field_error import error_map
from hnn_engine.debugging.field_structure import structure
from hnn_engine.debugging.fixed_points import fixed_points
from hnn_engine.debugging.tangent_flow import GROWTH_TOLERANCE, lyapunov_spectrum, tangent_flow
from hnn_engine.experiment import SystemSource, default_settings, model_spec, opened
from hnn_engine.fit_run import FitRun
from hnn_engine.kernels.cache import load
from hnn_engine.phase_portrait import PortraitSpec
from hnn_engine.records import Run
from hnn_engine.systems import System, get_system

AIMS: Aims = {
    "exponents_to_scipy": ("≤", 0.01),
    "exponents_sum": ("≤", 1e-6),
    "light_ms.error_map.p95": ("≤", 100.0),
    "first_ms.exponents.p95": ("≤", 500.0),
}
START = (2.0, 2.0, 0.0, 0.0)
HORIZON, EVERY = 1000.0, 1.0  # s
RUNS = 9


def measure(options: argparse.Namespace) -> Figures:
    """Time each view `--runs` times on a fitted double pendulum, and scipy's way once."""
    runs = options.runs or RUNS
    load()
    system = get_system("double-pendulum")
    say("a fit")
    run = _fitted()
    data = run.experiment.dataset()
    start = np.array(START)
    spec = PortraitSpec((0, 1), (-3.0, 3.0), (-3.0, 3.0), START)
    rollout = replace(run.experiment.rollout, horizon=10.0)
    say("views")
    light: dict[str, Callable[[], object]] = {
        "error_map": lambda: error_map(run.snapshot, system, data, spec),
        "split": lambda: split_error(run.snapshot, system, np.array([0.7, 0.5, 0.0, 0.0]), rollout),
        "structure": lambda: structure(run.snapshot.field, data.coords[data.train]),
    }
    heavy: dict[str, Callable[[], object]] = {
        "tangent_flow": lambda: tangent_flow(run.snapshot, np.array([0.7, 0.5, 0.0, 0.0]), 5.0),
        "fixed_points": lambda: fixed_points(run.snapshot, system, data.coords[data.train]),
        "exponents": lambda: lyapunov_spectrum(tangent_flow(run.snapshot, np.array([0.7, 0.5, 0.0, 0.0]), 20.0)),
    }
    say("exponents of truth over 1000 s")
    ours = [_seconds(lambda: _by_ours(system, start)) for _ in range(runs + 1)][1:]
    say("and by scipy in plain Python")
    theirs = _seconds(lambda: _by_scipy(system, start, HORIZON))
    return {
        "light_ms": {name: _several(work, runs) for name, work in light.items()},
        "first_ms": {name: _several(work, runs) for name, work in heavy.items()},
        "exponents_s": spread(ours),
        "scipy_s": rounded(theirs),
        "exponents_to_scipy": rounded(float(np.median(ours)) / theirs, 3),
        "exponents_sum": rounded(float(abs(_by_ours(system, start).sum())), 2),
        "runs": runs,
        "platform": "no window",
    }


def _several(work: Callable[[], object], runs: int) -> dict[str, float]:
    """p50 and p95 in ms, the first run left out."""
    found = [1000 * _seconds(work) for _ in range(runs + 1)][1:]
    return {"p50": rounded(float(np.percentile(found, 50))), "p95": rounded(float(np.percentile(found, 95)))}


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _fitted() -> Run:
    base = opened(SystemSource("double-pendulum", get_system("double-pendulum").values))
    experiment = replace(
        base, models=(model_spec("hnn"),), recipe="sampled", settings=dict(default_settings("sampled", base.scene))
    )
    fit = FitRun(experiment, experiment.dataset())
    while fit.end is None:
        fit.advance()
    run = fit.as_run(None)
    assert run is not None
    return run


def _by_ours(system: System, start: Array) -> Array:
    return lyapunov_spectrum(tangent_flow(system, start, HORIZON, tolerance=GROWTH_TOLERANCE)).exponents


def _by_scipy(system: System, start: Array, horizon: float) -> Array:
    """All exponents by the variational equations in plain Python."""
    right_side = _variational(system)
    x, q, total = start, np.eye(4), np.zeros(4)
    for _ in range(round(horizon / EVERY)):
        y0 = np.concatenate([x, q.ravel()])
        y = solve_ivp(right_side, (0.0, EVERY), y0, "DOP853", rtol=1e-9, atol=1e-9).y[:, -1]
        x = y[:4]
        q, r = np.linalg.qr(y[4:].reshape(4, 4))
        total += np.log(np.abs(np.diag(r)))
    return np.asarray(total / horizon)


def _variational(system: System) -> Callable[[float, Array], list[float]]:
    a, b, u, v = names = sympy.symbols("a b u v", real=True)
    m1, m2, l1, l2, g = (sympy.Float(system.values[n]) for n in ("mass-1", "mass-2", "length-1", "length-2", "gravity"))
    cosine, sine = sympy.cos(a - b), sympy.sin(a - b)
    kinetic = (m2 * l2**2 * u**2 + (m1 + m2) * l1**2 * v**2 - 2 * m2 * l1 * l2 * u * v * cosine) / (
        2 * m2 * l1**2 * l2**2 * (m1 + m2 * sine**2)
    )
    h = kinetic + (m1 + m2) * g * l1 * (1 - sympy.cos(a)) + m2 * g * l2 * (1 - sympy.cos(b))
    field = [sympy.diff(h, u), sympy.diff(h, v), -sympy.diff(h, a), -sympy.diff(h, b)]
    slopes = [sympy.diff(one, name) for one in field for name in names]
    both: Any = sympy.lambdify(names, field + slopes, modules="math", cse=True)

    def right_side(_: float, y: Array) -> list[float]:
        found = both(*y[:4].tolist())
        f, j, m = found[:4], found[4:], y[4:].tolist()
        moved = [
            j[4 * i] * m[k] + j[4 * i + 1] * m[4 + k] + j[4 * i + 2] * m[8 + k] + j[4 * i + 3] * m[12 + k]
            for i in range(4)
            for k in range(4)
        ]
        return [*f, *moved]

    return right_side
