"""The recipe `denoise`: the clean states are estimated together with the field.

It starts from what `sampled` gives and improves states and last layers by Gauss–Newton steps on whole trajectories
(`gauss_newton`). Noise on the states then no longer shrinks the learned field: what is left uncertain is a common shift
of all trajectories. Where derivatives come from the states themselves (recordings), they are left out: states alone,
linked in time by the field, decide.
"""

import time
from collections.abc import Iterator

import numpy as np

from hnn_engine.coords import Array, Index
from hnn_engine.datasets import Dataset
from hnn_engine.errors import ExperimentError
from hnn_engine.fitting.events import Cancelled, Evaluated, Event, Failed, Finished, FitTask, Progress, Started
from hnn_engine.fitting.random_features.states import Problem, data_loss, loss_rows
from hnn_engine.fitting.smoothing.gauss_newton import GaussNewton, Guess, Weights, side_by_side
from hnn_engine.fitting.trajectories import segments
from hnn_engine.snapshot import Snapshot

NUMBERS = 8_000_000  # of the features of all rows
NEAR = 0.05  # how well field and trajectory agree, in units of how well the states are known
GAIN = 1e-5  # of the cost, below which nothing is to be gained
FEWEST = 5  # rows of a run: fewer say nothing of their noise


class DenoiseFit:
    """Gauss–Newton on states and last layers; the best guess so far is kept."""

    def __init__(self, task: FitTask) -> None:
        """Prepare states and parameters of `task`, beginning at its closed form, in the time that the fit counts."""
        self.task, self.seconds = task, 0.0
        self.steps = int(task.settings["steps"])
        self._stop = False
        began = time.perf_counter()
        self._problem, self._guess = prepared(task)
        self._train, self._test = loss_rows(task)
        self.seconds += time.perf_counter() - began

    def stop(self) -> None:
        """End with `Cancelled` at the next event."""
        self._stop = True

    def snapshot(self) -> Snapshot:
        """Freeze the present weights."""
        return self._problem.field.snapshot(self._guess.theta)

    def events(self) -> Iterator[Event]:
        """Run the fit; each `next` takes one Gauss–Newton step or tells its losses (`fitting.events`). States that do
        not stay finite end in `Failed`, and no error."""
        yield Started(self.steps)
        left = self._problem.left(self._guess)
        for step in range(1, self.steps + 1):
            if self._stop:
                yield Cancelled(step - 1, self.snapshot())
                return
            began = time.perf_counter()
            before = self._problem.cost(self._guess, left)
            self._guess, left = self._problem.improved(self._guess, left)
            cost = self._problem.cost(self._guess, left)
            gained = before - cost > GAIN * before
            self._problem = self._problem.believable(left)
            self.seconds += time.perf_counter() - began
            if not np.isfinite(cost):
                yield Failed(step, None, "No finite states fit these data: look at them for gaps and outliers")
                return
            yield Progress(step, data_loss(self.snapshot(), self.task.data, self._train))
            yield Evaluated(step, data_loss(self.snapshot(), self.task.data, self._test))
            if not gained:
                yield Finished(step, self.snapshot(), f"states and field agree after {step} steps")
                return
        yield Finished(self.steps, self.snapshot(), f"all {self.steps} steps done")


def prepared(task: FitTask) -> tuple[GaussNewton, Guess]:
    """Return the problem of `task` and the guess to begin with: what the recipe `sampled` finds. Raises
    `ExperimentError` where the data do not suffice for that."""
    data, start = task.data, Problem(task)
    theta = start.solved()
    chosen = _fitting(segments(data, start.rows), start.field.size * 2 * data.dof, task.seed)
    states = data.coords.copy()
    states[start.rows] = start.states
    runs = side_by_side(chosen, data.t, data.coords, data.dcoords)
    guess = Guess(side_by_side(chosen, data.t, states, data.dcoords).x, theta)
    return GaussNewton(start.field, runs, _weights(data, chosen, start)), guess


def _fitting(runs: list[Index], numbers: int, seed: int) -> list[Index]:
    """Return as many of `runs` as memory allows, each of `numbers` a row, drawn at random."""
    runs = [run for run in runs if len(run) >= FEWEST]
    if not runs:
        raise ExperimentError(
            f"No trajectory that trains has {FEWEST} rows in a row, which its noise is read from: sample more points "
            "on each, or choose the recipe sampled"
        )
    order = np.random.default_rng([seed, 5]).permutation(len(runs))
    total = np.cumsum([len(runs[i]) * numbers for i in order])
    return [runs[i] for i in sorted(order[: max(1, int(np.searchsorted(total, NUMBERS)))])]


def _weights(data: Dataset, runs: list[Index], start: Problem) -> Weights:
    """Return one over the variances. How well the states are known is read from the data; field, links and
    derivatives are to agree `NEAR` times as well."""
    order = np.concatenate(runs)
    spread = np.maximum(data.coords[order].std(axis=0), 1e-12)
    noise = np.maximum(noise_of([data.coords[run] for run in runs]), 1e-5 * spread)
    usual = np.sqrt(np.square(data.dcoords[order]).mean(axis=0))
    near = NEAR * float(np.median(noise / spread)) * np.maximum(usual, 1e-3 * usual.max())
    step = float(np.median(np.concatenate([np.diff(data.t[run]) for run in runs])))
    exact = data.exact and data.edited is None
    rates = 1 / near**2 if exact else np.zeros_like(near)
    return Weights(1 / noise**2, rates, 1 / (near * step / 3) ** 2, start.regression.precision)


def noise_of(runs: list[Array]) -> Array:
    """Return the standard deviation of the noise on each of the coordinates of `runs`, `(n, D)` each, from their fourth
    differences: Σ(1, 4, 6, 4, 1)² = 70 times the variance, where the motion itself has hardly any."""
    differences = np.concatenate([np.diff(run, 4, axis=0) for run in runs if len(run) > 4])
    return np.asarray(np.sqrt(np.square(differences).mean(axis=0) / 70))
