"""The recipe `sampled` on states and derivatives: hidden layers drawn from the data, the last ones solved for.

One linear least-squares problem, whatever the family (`fitting.linear`): no steps, no rate, milliseconds for a small
network. Each component of the field counts by its spread, and rows with huge derivatives, such as close encounters,
count less, or a few of them would rule all. The normal equations are gathered in blocks, so memory does not grow with
the data. Source: Bolager et al. 2023; Rahma, Datar & Dietrich 2024, arXiv 2411.17511.
"""

import time
from collections.abc import Iterator
from functools import cached_property

import numpy as np

from hnn_engine.coords import Array, Index
from hnn_engine.datasets import Dataset, Mask
from hnn_engine.errors import ExperimentError
from hnn_engine.fitting.events import Cancelled, Evaluated, Event, Failed, Finished, FitTask, Progress, Started
from hnn_engine.fitting.linear import drawn_field
from hnn_engine.fitting.ridge import Normal
from hnn_engine.fitting.sampled.algebra import drawn
from hnn_engine.fitting.tracks import drawn_together
from hnn_engine.machine import free_memory
from hnn_engine.snapshot import Snapshot

ROWS = 12  # equations an unknown at least, where the data have them
WORK = 2e10  # multiplications that a fit may take beyond that
BLOCK = 2_000_000  # numbers of a block of features
LOOKED_AT = 500  # rows that a loss on screen is of: it would take longer than the fit
COPIES = 4  # of the normal equations while they are solved
CALM = 2.0  # times the median size of a derivative, from where on a row counts less


class SampledFieldFit:
    """A closed form, gathered block by block; after each doubling of the blocks it is solved with what there is."""

    def __init__(self, task: FitTask) -> None:
        self.task, self.seconds = task, 0.0
        self._stop = False
        began = time.perf_counter()
        self.problem = Problem(task)
        self._theta = np.zeros(self.problem.field.size)
        self._train, self._test = loss_rows(task)
        self.seconds += time.perf_counter() - began

    def stop(self) -> None:
        """End with `Cancelled` at the next event."""
        self._stop = True

    def snapshot(self) -> Snapshot:
        """Freeze the present weights."""
        return self.problem.field.snapshot(self._theta)

    def events(self) -> Iterator[Event]:
        """Run the fit; each `next` does one block's work."""
        blocks = self.problem.blocks()
        yield Started(len(blocks))
        loss = float("nan")
        for step, block in enumerate(blocks, 1):
            if self._stop:
                yield Cancelled(step - 1, self.snapshot())
                return
            began = time.perf_counter()
            self.problem.add(block)
            solved = step == len(blocks) or step & (step - 1) == 0
            if solved:
                self._theta = self.problem.solve()
                loss = data_loss(self.snapshot(), self.task.data, self._train)
            self.seconds += time.perf_counter() - began
            if not np.isfinite(loss):
                yield Failed(step, None, "The least-squares solution is not finite: choose a larger ridge")
                return
            yield Progress(step, loss)
            if solved:
                yield Evaluated(step, data_loss(self.snapshot(), self.task.data, self._test))
        yield Finished(len(blocks), self.snapshot(), self.problem.said())


class Problem:
    """The regressions of a task: states, rates and features, their sums so far, and what they give."""

    def __init__(self, task: FitTask) -> None:
        rng = np.random.default_rng([task.seed, 1])
        self._task = task
        self._ridge = None if task.settings["regularisation"] == "data" else float(task.settings["ridge"])
        self.rows = usable_rows(task)
        self.states, self.rates = cleaned_states(task, self.rows), task.data.dcoords[self.rows]
        check_spread(self.states)
        self.left_out = int(np.count_nonzero(task.data.train)) - len(self.rows)
        self.field = drawn_field(task, self.states, rng)
        check_memory(self._bytes())
        self._some = drawn(len(self.rows), self._enough(), rng)
        self._normals = [Normal.empty(*reversed(group.places.shape)) for group in self.field.groups]
        self._chosen: list[float] = []
        self.precision = np.zeros(self.field.size)  # what the ridge supposes of θ: one over its variance

    def _enough(self) -> int:
        """Return how many states the fit is solved on."""
        unknowns, components = max(self._unknowns), self.states.shape[1]
        return max(int(ROWS * unknowns / components), int(WORK / (components * unknowns**2)), 1)

    def _bytes(self) -> int:
        """Return the memory that the fit takes at its peak: matrices of the unknowns, and a block of features twice."""
        grams = [unknowns**2 for unknowns in self._unknowns]
        each = max(BLOCK, self.field.size * self.states.shape[1])
        return int(8 * (sum(grams) + COPIES * max(grams) + 3 * each))

    @property
    def _unknowns(self) -> list[int]:
        """How many unknowns each regression has."""
        return [group.places.shape[1] for group in self.field.groups]

    @cached_property
    def _weight(self) -> Array:
        """What each row counts, `(n, 1)`."""
        size = np.linalg.norm(self.rates * self._scale, axis=1)
        return np.asarray(1 / np.maximum(1.0, size / max(CALM * float(np.median(size)), 1e-300)))[:, None]

    @cached_property
    def _scale(self) -> Array:
        """What each component counts: one over its usual size."""
        usual = np.median(np.abs(self.rates), axis=0)
        return np.asarray(1 / np.where(usual > 0, usual, np.maximum(np.abs(self.rates).max(axis=0), 1e-300)))

    def blocks(self) -> list[Index]:
        """Return the rows to gather, block by block."""
        each = max(1, BLOCK // max(self.field.size * self.states.shape[1], 1))
        return np.array_split(self._some, -(-len(self._some) // each))

    def add(self, block: Index) -> None:
        """Gather the rows `block`."""
        x, weight = self.states[block], self._weight[block]
        counts = self._scale * weight
        targets = (self.rates[block] - self.field.given(x)) * counts
        for group, normal in zip(self.field.groups, self._normals, strict=True):
            wanted = targets[:, group.components]
            if group.shared:
                normal.add(self.field.shared_features(x) * weight, wanted)
            else:
                normal.add(self.field.rows(group, x, counts).reshape(wanted.size, -1), wanted.reshape(-1, 1))

    def solve(self) -> Array:
        """Return θ from the rows so far."""
        theta, self._chosen = np.zeros(self.field.size), []
        for group, normal in zip(self.field.groups, self._normals, strict=True):
            found, ridge = normal.solved(self._ridge)
            self._chosen.append(ridge)
            unit = self._scale[list(group.components)][:, None] if group.shared else np.ones((1, 1))
            theta[group.places] = found.T / unit
            self.precision[group.places] = normal.precision(found, ridge) * unit**2
        return theta

    def said(self) -> str:
        """Return a sentence on the solution."""
        ridges = " and ".join(f"{ridge:.0e}" for ridge in sorted(set(self._chosen)))
        by = "chosen by generalised cross-validation" if self._ridge is None else "as set"
        parts = [f"solved on {len(self._some)} states with ridge {ridges}, {by}"]
        unknowns = max(self._unknowns)
        if max(normal.rows for normal in self._normals) < unknowns:
            parts.append(f"there are fewer equations than the {unknowns} unknowns, so the ridge decides between them")
        if self.left_out:
            parts.append(f"{self.left_out} rows without a finite derivative were left out")
        return "; ".join(parts)


def usable_rows(task: FitTask) -> Index:
    """Return the training rows that are finite; raise `ExperimentError` where there are fewer than two."""
    data = task.data
    rows = np.flatnonzero(data.train & finite(data))
    if len(rows) < 2:
        raise ExperimentError(
            f"{len(rows)} of the {np.count_nonzero(data.train)} training rows are finite numbers, but a closed form "
            "needs two at least: make or import more data"
        )
    return rows


def finite(data: Dataset) -> Mask:
    """Return which rows are finite numbers."""
    return np.asarray(np.isfinite(data.coords).all(axis=1) & np.isfinite(data.dcoords).all(axis=1))


def cleaned_states(task: FitTask, rows: Index) -> Array:
    """Return the states of `rows` to fit on, `(n, 2*dof)`, with less noise where the recipe is to see to that."""
    cleaned = drawn_together(task.data, rows) if task.settings["states"] == "together" else None
    return task.data.coords[rows] if cleaned is None else cleaned


def check_memory(needed: int) -> None:
    """Raise `ExperimentError` where a fit would need more memory than there is."""
    free = free_memory()
    if free is not None and needed > free:
        raise ExperimentError(
            f"The fit would need {needed / 1e9:.3g} GB of memory, but {free / 1e9:.3g} GB are free: choose a smaller "
            "width, or the recipe adam"
        )


def check_spread(states: Array) -> None:
    """Raise `ExperimentError` where all of `states` are one point."""
    if not np.ptp(states, axis=0).any():
        raise ExperimentError(
            "All training states are the same point, and hidden units are drawn between different ones: choose "
            "other starts or more trajectories"
        )


def loss_rows(task: FitTask) -> tuple[Index, Index]:
    """Return the rows that the losses on screen are of: at most `LOOKED_AT` that train, and of the others."""
    usable, some = finite(task.data), []
    for mask, stream in ((task.data.train, 2), (~task.data.train, 3)):
        rows = np.flatnonzero(mask & usable)
        some.append(rows[drawn(len(rows), LOOKED_AT, np.random.default_rng([task.seed, stream]))])
    return some[0], some[1]


def data_loss(snapshot: Snapshot, data: Dataset, rows: Index) -> float:
    """Return the mean squared error of the field against the derivatives of `rows`."""
    return float(np.square(snapshot.field(data.coords[rows]) - data.dcoords[rows]).mean())
