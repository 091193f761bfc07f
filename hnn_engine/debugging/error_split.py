"""Whose error it is: what a rollout owes to the model and what to the method that follows it, as vectors.

x̂ − x = (x̂ − x̂*) + (x̂* − x): x̂ follows the model by the chosen method and step, x̂* the same model as accurately as
double precision gives it, x is truth. Both parts are compared in ‖·‖ / rms ‖x‖ of truth, as the error on screen is.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hnn_engine.coords import Array, difference
from hnn_engine.experiment import RolloutSpec
from hnn_engine.integrators import INTEGRATORS, why_not
from hnn_engine.rollouts.rollout import Rollout, rollout
from hnn_engine.rollouts.steering import LEFT_ALONE
from hnn_engine.rollouts.truth import TOLERANCE, follow_truth, known_until
from hnn_engine.snapshot import Snapshot
from hnn_engine.systems.base import System

EXACT = 1e-12  # tolerance of a step of x̂*
MODEL_LIMIT = 400_000  # field calls of x̂*
SUBSTEPS = (16, 8, 4, 2, 1)  # of four chosen steps: what the table of methods tries
STAGES = {"dop853": 12}  # field calls of a step, where they are not those of the tableau

Interrupt = Callable[[], bool] | None


@dataclass(frozen=True, eq=False)
class Drift:
    """An energy's deviation along a rollout, as a share of E: `slope` in 1/s of the least-squares line, `swing` the
    largest distance from that line, `largest` the largest deviation from the start."""

    slope: float
    swing: float
    largest: float


@dataclass(frozen=True, eq=False)
class ErrorSplit:
    """The parts of a rollout's error at the times `t` `(T,)` in s, each `(T, 2*dof)`, in the units of the coordinates.

    `size` is rms ‖x‖ of truth, by which norms are divided. `known` is until when in s truth is known (`known_until`);
    beyond it a distance from truth is no error, and nothing here is said of it.
    """

    t: Array
    truth: Array
    exact: Array  # x̂*, by the model without a method's error
    stepped: Array  # x̂, by the method and step chosen
    by_model: Array
    by_integrator: Array
    size: float
    known: float

    @property
    def until(self) -> Array:
        """Which of the times are claimed, `(T,)`: those at which truth is known."""
        return np.asarray(self.t <= self.known)

    def norms(self, part: Array) -> Array:
        """Return ‖part‖/rms ‖x‖ `(T,)` of `part` `(T, 2*dof)`."""
        return np.asarray(np.linalg.norm(part, axis=-1) / self.size)

    def largest(self, part: Array) -> float:
        """Return the largest norm of `part` `(T, 2*dof)` up to when truth is known; infinity where it diverges."""
        norms = self.norms(part)[self.until]
        return float(norms.max()) if np.isfinite(norms).all() else math.inf


def split_error(
    snapshot: Snapshot, system: System, start: Array, spec: RolloutSpec, interrupt: Interrupt = None
) -> ErrorSplit:
    """Return the parts of the error of `snapshot` followed from `start` `(2*dof,)` as `spec` says, its steering left
    out: the method, the step in s and the horizon in s. Raises `IntegratorError` where the method does not apply."""
    times = np.linspace(0.0, spec.horizon, max(1, round(spec.horizon / spec.dt)) + 1)
    truth = follow_truth(system, start, times, "dop853", LEFT_ALONE, tolerance=TOLERANCE, interrupt=interrupt)
    known = known_until(system, start, truth, "dop853", LEFT_ALONE, interrupt)
    exact = exact_rollout(snapshot, start, times, interrupt)
    stepped = rollout(snapshot, start, times, spec.integrator, interrupt=interrupt)
    size = max(float(np.sqrt(np.nanmean(np.sum(truth.coords**2, axis=-1)))), 1e-12)
    return ErrorSplit(
        times,
        truth.coords,
        exact.coords,
        stepped.coords,
        difference(exact.coords, truth.coords, system.periodic),
        difference(stepped.coords, exact.coords, system.periodic),
        size,
        known,
    )


def exact_rollout(snapshot: Snapshot, start: Array, times: Array, interrupt: Interrupt = None) -> Rollout:
    """Return the rollout of `snapshot` from `start` `(2*dof,)` at `times` `(T,)` in s by DOP853 at `EXACT`."""
    return rollout(
        snapshot, start, times, "dop853", tolerance=EXACT, limit=max(MODEL_LIMIT, 100 * len(times)), interrupt=interrupt
    )


def drift_of(deviation: Array, t: Array) -> Drift | None:
    """Return slope, swing and largest of an energy's `deviation` `(T,)`, a share of E, at `t` `(T,)` in s; None where
    fewer than three values are finite. Where it diverges they are those of what is finite."""
    known = np.isfinite(deviation)
    if int(known.sum()) < 3:
        return None
    values, at = deviation[known], t[known]
    middle = at - at.mean()
    slope = float(middle @ values) / max(float(middle @ middle), 1e-300)
    line = values.mean() + slope * middle
    return Drift(slope, float(np.abs(values - line).max()), float(np.abs(values - values[0]).max()))


# Which step would do --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class MethodCost:
    """What a method costs and errs at a step: `error` is the largest ‖x̂ − x̂*‖/rms ‖x‖, infinity where it diverges;
    `evaluations` of the field a second of motion."""

    integrator: str
    dt: float
    error: float
    evaluations: float


def method_table(
    snapshot: Snapshot, start: Array, spec: RolloutSpec, size: float, interrupt: Interrupt = None
) -> tuple[MethodCost, ...]:
    """Return what each fixed-step method that applies costs and errs at steps from a quarter of the chosen one to four
    of them, from `start` `(2*dof,)`, beside x̂* over the horizon of `spec`. `size` is rms ‖x‖."""
    times = np.linspace(0.0, spec.horizon, max(1, round(spec.horizon / (4 * spec.dt))) + 1)
    exact = exact_rollout(snapshot, start, times, interrupt).coords
    rows = []
    for name, info in INTEGRATORS.items():
        if info.adaptive or why_not(name, snapshot):
            continue
        for substeps in SUBSTEPS:
            coords = rollout(snapshot, start, times, name, substeps=substeps, interrupt=interrupt).coords
            error, dt = float(np.linalg.norm(coords - exact, axis=-1).max()) / size, float(times[1]) / substeps
            rows.append(MethodCost(name, dt, error if math.isfinite(error) else math.inf, stages(name) / dt))
            if interrupt is not None and interrupt():
                return tuple(rows)
    return tuple(rows)


def stages(integrator: str) -> float:
    """Return the field calls of one step of a method of fixed steps; of implicit midpoint as many as its iteration
    usually takes."""
    scheme = INTEGRATORS[integrator].scheme
    for name in ("b", "kicks"):
        row = getattr(scheme, name, None)
        if row is not None:
            return float(len(row)) if name == "b" else float(sum(x != 0.0 for x in (*scheme.kicks, *scheme.drifts)))  # type: ignore[attr-defined]
    return 8.0
