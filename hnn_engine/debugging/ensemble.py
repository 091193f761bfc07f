"""Several fits that differ by their seed alone: how far they disagree, and whether truth lies between them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.datasets import Dataset
from hnn_engine.errors import ExperimentError
from hnn_engine.experiment import Experiment
from hnn_engine.fit_run import FitRun
from hnn_engine.progress import ProgressCallback
from hnn_engine.rollouts.rollout import rollout
from hnn_engine.snapshot import Snapshot

FEWEST = 3  # members that say something of a spread


@dataclass(frozen=True, eq=False)
class Band:
    """The rollouts of an ensemble at `t` `(T,)` in s: `low`, `high` and `middle` `(T, 2*dof)`, the least, the largest
    and the mean of the members that go on; `spread` `(T,)` is rms over the members of ‖x̂ − mean‖."""

    t: Array
    low: Array
    high: Array
    middle: Array
    spread: Array

    def coverage(self, truth: Array) -> float:
        """Return the share of the values of `truth` `(T, 2*dof)`, the start left out, that lie within the band."""
        known = np.isfinite(self.low[1:]).all(axis=-1) & np.isfinite(truth[1:]).all(axis=-1)
        slack = 1e-9 * np.maximum(1.0, np.abs(truth[1:]))
        within = (truth[1:] >= self.low[1:] - slack) & (truth[1:] <= self.high[1:] + slack)
        return float(within[known].mean()) if known.any() else float("nan")


def band(members: Sequence[Snapshot], start: Array, times: Array, integrator: str) -> Band:
    """Return the band of the rollouts of `members` from `start` `(2*dof,)` at `times` `(T,)` in s by `integrator`."""
    coords = np.stack([rollout(one, start, times, integrator).coords for one in members])
    with np.errstate(invalid="ignore"):
        low, high, middle = coords.min(axis=0), coords.max(axis=0), coords.mean(axis=0)
        spread = np.sqrt(np.square(coords - middle).sum(axis=-1).mean(axis=0))
    return Band(times, low, high, middle, spread)


def disagreement(members: Sequence[Snapshot], coords: Array) -> Array:
    """Return rms over `members` of ‖f̂ᵢ − mean f̂‖ `(N,)` at `coords` `(N, 2*dof)`, in the units of the field."""
    fields = np.stack([one.many(coords) for one in members])
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(np.sqrt(np.square(fields - fields.mean(axis=0)).sum(axis=-1).mean(axis=0)))


def refit(experiment: Experiment, seeds: Sequence[int], progress: ProgressCallback | None = None) -> list[Snapshot]:
    """Return the models that the only fit of `experiment` leaves with other `seeds`, data and weights drawn anew.

    `progress` hears the share that is done and may raise to end the work. Raises `ExperimentError` where a fit fails.
    """
    members = []
    for number, seed in enumerate(seeds):
        again = replace(experiment, seed=seed)
        fit = FitRun(again, _data(again))
        while fit.end is None:
            fit.advance()
            if progress is not None:
                progress(number / len(seeds))
        run = fit.as_run(None)
        if run is None:
            raise ExperimentError(f"The fit with seed {seed} left no weights: {getattr(fit.end, 'message', 'stopped')}")
        members.append(run.snapshot)
    return members


def _data(experiment: Experiment) -> Dataset:
    return experiment.dataset()
