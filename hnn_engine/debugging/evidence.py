"""All figures by which a fit is judged to be wrong, and why: computed once, read by reports and by the verdict."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from hnn_engine.coords import Array, Index
from hnn_engine.datasets import Dataset
from hnn_engine.debugging.error_split import Drift, ErrorSplit, drift_of, split_error
from hnn_engine.debugging.field_error import FieldError, data_energies, field_error
from hnn_engine.debugging.field_structure import Structure, saturated_share, structure
from hnn_engine.debugging.fixed_points import FixedPoints, fixed_points
from hnn_engine.debugging.invariants import Kept, kept
from hnn_engine.evaluation import EVALUATION_SEED, MODEL_LIMIT, STARTS, losses
from hnn_engine.progress import ProgressCallback
from hnn_engine.records import Run
from hnn_engine.rollouts.energy_drift import energy_drift, learned_drift
from hnn_engine.rollouts.rollout import rollout
from hnn_engine.systems.base import System

LEAVES = 0.1  # of the width of the data's energies: a rollout that goes further than this beyond them has left the data
NOISE_FELT = 1e-6  # noise floor over the mean square of the derivatives, above which noise is felt in the losses
OUTPUT_STEPS = 200  # of the rollouts by which that is seen

Interrupt = Callable[[], bool] | None


@dataclass(frozen=True)
class Drifts:
    """Drifts of energy along one rollout: of the true H by the chosen method (`stepped`) and without its error
    (`exact`), and of the learned Ĥ by the chosen method (`learned`; None without one)."""

    stepped: Drift | None
    exact: Drift | None
    learned: Drift | None


@dataclass(frozen=True)
class LeftData:
    """Which `share` of the rollouts of a model from fresh training starts leaves the energies of the data, and `first`,
    the time in s at which the first one does (None where none does). A rollout that diverges has left."""

    share: float
    first: float | None


@dataclass(frozen=True)
class Residual:
    """What a fit leaves of dp/dt, ṗ − f̂_p, as friction −γp would explain it: `rate` γ in 1/s, `explained` the share of
    its mean square, `score` γ over its standard error."""

    rate: float
    explained: float
    score: float


@dataclass(frozen=True, eq=False)
class Evidence:
    """What is known of one fit. None where a figure has no meaning: without a true system, or without an Ĥ."""

    run: Run
    data: Dataset
    system: System | None
    losses: tuple[float, float]  # mean squared error of the field over training and over test rows
    field: FieldError
    model_structure: Structure
    true_structure: Structure | None
    saturated: float | None
    residual: Residual
    energies: tuple[float, float] | None  # of the training data, J
    start_energy: float | None
    split: ErrorSplit | None
    drifts: Drifts | None
    kept: tuple[Kept, ...]
    fixed_points: FixedPoints | None
    left: LeftData | None

    @cached_property
    def noisy(self) -> bool:
        """Whether noise on the states is felt in the losses."""
        floor, slopes = self.data.floor_train, self.data.dcoords[self.data.train]
        return floor is not None and floor > NOISE_FELT * float(np.mean(slopes**2))

    @cached_property
    def own_errors(self) -> tuple[float, float, float] | None:
        """What the field itself is off by, whatever the noise: the mean over training rows of (f̂ − f)² at noise-free
        states, and its median over the training and over the test trajectories. None without a true system or a test
        trajectory."""
        data, system = self.data, self.system
        if system is None or data.train.all() or data.edited is not None:
            return None
        states = data.clean if data.clean is not None else data.coords
        with np.errstate(all="ignore"):
            off = np.square(self.run.snapshot.many(states) - system.field(states)).mean(axis=-1)
        parts = [_by_trajectory(off[rows], data.trajectory[rows]) for rows in (data.train, ~data.train)]
        return float(off[data.train].mean()), float(np.median(parts[0])), float(np.median(parts[1]))

    @cached_property
    def stepping(self) -> float | None:
        """By how much of E the method's error alone changes the energy of the rollout, at most: of Ĥ, which the model
        itself keeps, or of a model that keeps none the difference of H between the rollouts by the method and without
        its error, while truth is known."""
        split, drifts, system = self.split, self.drifts, self.system
        if split is None or drifts is None or system is None:
            return None
        snapshot = self.run.snapshot
        if drifts.learned is not None and snapshot.has_energy and not snapshot.dissipates:
            return drifts.learned.largest
        with np.errstate(all="ignore"):
            gap = np.abs(system.hamiltonian(split.stepped) - system.hamiltonian(split.exact))[split.until]
        known = gap[np.isfinite(gap)]
        return float(known.max()) / system.energy_scale(split.truth[0]) if len(known) else None


def gather(run: Run, data: Dataset, progress: ProgressCallback | None = None) -> Evidence:
    """Return the evidence on `run`, whose training data is `data`. Only for models of coords.

    `progress` hears the share that is done and may raise to end the work.
    """
    return with_rollouts(field_evidence(run, data), progress)


def field_evidence(run: Run, data: Dataset) -> Evidence:
    """Return what the field of `run` and its losses on `data` say, which takes a part of a second; what takes rollouts
    is None."""
    snapshot, system = run.snapshot, run.experiment.reference_system
    states = data.coords[data.train]
    learned = snapshot.many(data.coords)
    return Evidence(
        run=run,
        data=data,
        system=system,
        losses=losses(learned, data),
        field=field_error(snapshot, data, system),
        model_structure=structure(snapshot.field, states),
        true_structure=structure(system.field, states) if system is not None else None,
        saturated=saturated_share(snapshot, states),
        residual=friction_in(data.dcoords[data.train] - learned[data.train], states),
        energies=data_energies(system, data) if system is not None else None,
        start_energy=float(system.hamiltonian(np.array(run.experiment.start))) if system is not None else None,
        split=None,
        drifts=None,
        kept=(),
        fixed_points=None,
        left=None,
    )


def with_rollouts(evidence: Evidence, progress: ProgressCallback | None = None) -> Evidence:
    """Return `evidence` with what rollouts from the start of its run say; itself without a true system. `progress` as
    in `gather`."""
    run, system = evidence.run, evidence.system
    if system is None:
        return evidence
    tell = progress or _to_nobody

    def interrupt() -> bool:
        tell(share)
        return False

    share = 0.2
    interrupt()
    snapshot, states = run.snapshot, evidence.data.coords[evidence.data.train]
    start = np.asarray(run.experiment.start, dtype=np.float64)
    split = split_error(snapshot, system, start, run.experiment.rollout, interrupt)
    share = 0.6
    interrupt()
    return replace(
        evidence,
        split=split,
        drifts=drifts_of(run, system, split),
        kept=kept(system, split.truth, split.exact, states),
        fixed_points=fixed_points(snapshot, system, states),
        left=left_data(run, system, evidence.energies, interrupt),
    )


def _by_trajectory(off: Array, trajectory: Index) -> Array:
    """The mean of `off` `(n,)` over each trajectory."""
    _, which = np.unique(trajectory, return_inverse=True)
    return np.asarray(np.bincount(which, off) / np.bincount(which))


def _to_nobody(share: float) -> None:
    """Hear nothing."""


def drifts_of(run: Run, system: System, split: ErrorSplit) -> Drifts:
    """Return the drifts of energy along the rollouts of `split`, shares of E, in docs/figures.md's sense."""
    with np.errstate(all="ignore"):
        stepped, exact = (energy_drift(system, coords, split.truth) for coords in (split.stepped, split.exact))
        own = run.snapshot.hamiltonian(split.stepped)
        learned = learned_drift(system, own, split.truth) if own is not None else None
    return Drifts(
        drift_of(stepped, split.t),
        drift_of(exact, split.t),
        drift_of(learned, split.t) if learned is not None else None,
    )


def friction_in(residual: Array, coords: Array) -> Residual:
    """Return what friction explains of `residual` = ẋ − f̂(x) `(N, 2*dof)` at `coords` `(N, 2*dof)`.

    γ = −Σ p·r_p / Σ p² over rows and momenta, the least-squares value of r_p = −γp.
    """
    dof = coords.shape[-1] // 2
    p, r = coords[:, dof:].ravel(), residual[:, dof:].ravel()
    with np.errstate(all="ignore"):
        size, left = float(p @ p), float(r @ r)
        if not np.isfinite(left) or size == 0.0 or left == 0.0:
            return Residual(0.0, 0.0, 0.0)
        rate = -float(p @ r) / size
        rest = max(left - rate * rate * size, 0.0)
        error = np.sqrt(rest / max(len(p) - 1, 1) / size)
    return Residual(rate, 1.0 - rest / left, float(rate / error) if error > 0 else float("inf"))


def left_data(
    run: Run, system: System, energies: tuple[float, float] | None, interrupt: Interrupt = None
) -> LeftData | None:
    """Return how many rollouts of the run's model leave the `energies` of its data, by `LEAVES` of their width, from
    fresh starts of the training distribution, over the horizon of evaluation. None with friction, where truth leaves
    them too."""
    if system.damped or energies is None:
        return None
    starts = system.sample_starts(np.random.default_rng(EVALUATION_SEED), STARTS)
    low, high = energies
    known = system.hamiltonian(starts)
    starts = starts[(known >= low) & (known <= high)]
    if not len(starts):
        return None
    times = np.linspace(0.0, system.horizon, OUTPUT_STEPS)
    coords = rollout(
        run.snapshot, starts, times, "dop853", tolerance=1e-9, limit=MODEL_LIMIT, interrupt=interrupt
    ).coords
    margin = LEAVES * (high - low)
    with np.errstate(invalid="ignore"):
        energy = system.hamiltonian(coords)
        gone = ~((energy >= low - margin) & (energy <= high + margin))
    ever = gone.any(axis=0)
    first = float(times[gone[:, ever].argmax(axis=0)].min()) if ever.any() else None
    return LeftData(float(ever.mean()), first)
