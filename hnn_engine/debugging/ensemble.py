"""Several fits that differ by their seed alone: how far they disagree, and whether truth lies between them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from hnn_engine.coords import Array, Mask
from hnn_engine.debugging.field_error import MAP_GRID
from hnn_engine.errors import ExperimentError
from hnn_engine.experiment import Experiment
from hnn_engine.fit_run import FitRun
from hnn_engine.phase_portrait import PortraitSpec, slice_coords
from hnn_engine.progress import ProgressCallback
from hnn_engine.rollouts.rollout import rollout
from hnn_engine.rollouts.steering import LEFT_ALONE
from hnn_engine.rollouts.truth import follow_truth, known_until
from hnn_engine.snapshot import Snapshot
from hnn_engine.systems.base import System

Interrupt = Callable[[], bool] | None
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

    def until(self, claimed: Mask) -> "Band":
        """Return the band at those of the times that are `claimed` `(T,)`."""
        parts = (self.t, self.low, self.high, self.middle, self.spread)
        return Band(*(part[claimed] for part in parts))

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


@dataclass(frozen=True)
class Coverage:
    """How often truth lies within a band: the `share` of its values, over `starts` rollouts of `members` models, and
    `expected`, (n − 1)/(n + 1), what it is where truth is like one more member of the ensemble."""

    share: float
    expected: float
    members: int
    starts: int


def coverage(
    members: Sequence[Snapshot],
    system: System,
    starts: Array,
    times: Array,
    integrator: str,
    interrupt: Interrupt = None,
) -> Coverage:
    """Return how often the motion of `system` from `starts` `(N, 2*dof)` lies between the least and the largest of the
    rollouts of `members` by `integrator` at `times` `(T,)` in s, the starts left out and truth while it is known.

    Where `interrupt` ends the work, of the starts that are done; NaN where that is none.
    """
    shares, count = [], len(members)
    for start in starts:
        truth = follow_truth(system, start, times, "dop853", LEFT_ALONE, interrupt=interrupt)
        known = times <= known_until(system, start, truth, "dop853", LEFT_ALONE, interrupt)
        found = band(members, start, times, integrator)
        if interrupt is not None and interrupt():
            break
        shares.append(found.until(known).coverage(truth.coords[known]))
    some = [share for share in shares if np.isfinite(share)]
    share = float(np.mean(some)) if some else float("nan")
    return Coverage(share, (count - 1) / (count + 1), count, len(some))


def disagreement_map(members: Sequence[Snapshot], spec: PortraitSpec, grid: int = MAP_GRID) -> tuple[Array, Array]:
    """Return the positions `(n, n, 2)` of `grid` states a side over the plane of `spec`, one row for each y, the lowest
    first, and how far `members` disagree there `(n, n)`: rms of ‖f̂ᵢ − mean f̂‖, in the units of the field."""
    at, coords = slice_coords(spec, grid)
    return at, disagreement(members, coords.reshape(-1, coords.shape[-1])).reshape(grid, grid)


def disagreement(members: Sequence[Snapshot], coords: Array) -> Array:
    """Return rms over `members` of ‖f̂ᵢ − mean f̂‖ `(N,)` at `coords` `(N, 2*dof)`, in the units of the field."""
    fields = np.stack([one.many(coords) for one in members])
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(np.sqrt(np.square(fields - fields.mean(axis=0)).sum(axis=-1).mean(axis=0)))


def refit(
    experiment: Experiment,
    seeds: Sequence[int],
    progress: ProgressCallback | None = None,
    interrupt: Interrupt = None,
) -> list[Snapshot]:
    """Return the models that the only fit of `experiment` leaves with other `seeds`, data and weights drawn anew.

    `progress` hears the share that is done, with every step, and may raise to end the work. Where `interrupt` ends it,
    those are returned that are done. Raises `ExperimentError` where a fit fails.
    """
    members: list[Snapshot] = []
    for number, seed in enumerate(seeds):
        again = replace(experiment, seed=seed)
        fit = FitRun(again, again.dataset())
        while fit.end is None:
            if interrupt is not None and interrupt():
                return members
            fit.advance()
            if progress is not None:
                progress((number + min(1.0, fit.step / max(fit.steps_planned, 1))) / len(seeds))
        run = fit.as_run(None)
        if run is None:
            raise ExperimentError(f"The fit with seed {seed} left no weights: {getattr(fit.end, 'message', 'stopped')}")
        members.append(run.snapshot)
    return members
