"""The recipe `sampled` on states and derivatives: hidden layers drawn from the data, the last ones solved for.

One linear least-squares problem, whatever the family (`linear_field`): no steps, no rate, milliseconds for a small
network. Each component of the field counts by its spread, and rows with huge derivatives, such as close encounters,
count less, or a few of them would decide the solution. The normal equations are gathered in blocks, so memory does not
grow with the data. Source: Bolager et al. 2023; Rahma, Datar & Dietrich 2024, arXiv 2411.17511.
"""

import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from hnn_engine.coords import Array, Index
from hnn_engine.datasets import Dataset, Mask
from hnn_engine.environment import free_memory
from hnn_engine.errors import ExperimentError
from hnn_engine.fitting.events import Cancelled, Evaluated, Event, Failed, Finished, FitTask, Progress, Started
from hnn_engine.fitting.random_features.linear_field import LinearField, can_be_halved, drawn_field
from hnn_engine.fitting.random_features.normal_equations import (
    BLOCK,
    ROWS,
    Regression,
    enough,
    needed_bytes,
    unknowns_of,
)
from hnn_engine.fitting.subsampling import drawn
from hnn_engine.fitting.trajectories import drawn_together
from hnn_engine.snapshot import Snapshot

LOOKED_AT = 500  # rows that a loss on screen is of: it would take longer than the fit
TRIAL_WIDTH, LARGEST_TRIAL = 20, 200  # of the small fits that choose which coordinates a unit sees: times dof³; at most
NO_MATTER = 1e8  # bytes that any machine has: asking for what is free takes as long as a tenth of a small fit
DEAR = 6  # equations an unknown take as long to gather as to solve
LENIENCE = 3.0  # times the error of units that see all: those that see halves keep rollouts bounded beyond the data


class SampledFieldFit:
    """A closed form, gathered block by block; after a doubling of blocks it is solved with what there is, unless that
    would take longer than to gather it."""

    def __init__(self, task: FitTask) -> None:
        """Free the states of `task` from noise, and draw the hidden layers, in the time that the fit counts."""
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
        """Run the fit; each `next` gathers one block of rows, solves what is gathered, or tells the losses
        (`fitting.events`)."""
        blocks = self.problem.blocks()
        yield Started(len(blocks))
        solved, loss = True, float("nan")
        for step, block in enumerate(blocks, 1):
            began = time.perf_counter()
            if self._stop:
                if not solved:
                    self._theta = self.problem.regression.solve()
                yield Cancelled(step - 1, self.snapshot())
                return
            self.problem.regression.add(block)
            solved = step == len(blocks) or (step & (step - 1) == 0 and self.problem.is_worth_solving())
            if solved:
                self._theta = self.problem.regression.solve()
            if solved or np.isnan(loss):  # until it is solved the field is nought
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
    """The regressions of a task, on states freed from noise and hidden layers drawn from them.

    Making one raises `ExperimentError` where the data or the memory do not suffice.
    """

    def __init__(self, task: FitTask) -> None:
        """Take the usable rows of `task`, states freed from noise, and draw hidden layers by its seed."""
        rng = np.random.default_rng([task.seed, 1])
        self._ridge = None if task.settings["regularisation"] == "data" else float(task.settings["ridge"])
        self.rows = usable_rows(task)
        states, rates = cleaned_states(task, self.rows), task.rates(self.rows)
        check_spread(states)
        states = task.seen(states, self.rows)
        self.left_out = int(np.count_nonzero(task.data.train)) - len(self.rows)
        self.halved = _halved(task, states, rates)
        self.field = drawn_field(task, states, rng, self.halved)
        check_memory(needed_bytes(self.field))
        self.regression = Regression(self.field, states, rates, self._ridge)
        self._some = drawn(len(self.rows), enough(self.field), rng)

    @property
    def states(self) -> Array:
        """The states `(n, 2*dof)` of the n `rows` that the fit is solved on."""
        return self.regression.states

    def blocks(self) -> list[Index]:
        """Return the indices of the rows to gather, block by block, `BLOCK` numbers of features each."""
        each = max(1, BLOCK // max(self.field.size * self.states.shape[1], 1))
        return np.array_split(self._some, -(-len(self._some) // each))

    def is_worth_solving(self) -> bool:
        """Return whether a solution of what is gathered so far would take no longer than that has."""
        return all(n.rows >= DEAR * len(n.gram) for n in self.regression.normals)

    def solved(self) -> Array:
        """Return the last layers θ `(size,)`: all blocks gathered and solved at once."""
        for block in self.blocks():
            self.regression.add(block)
        return self.regression.solve()

    def said(self) -> str:
        """Return a sentence on the solution, for people."""
        ridges = " and ".join(f"{ridge:.0e}" for ridge in sorted(set(self.regression.chosen)))
        by = "as set"
        if self._ridge is None:
            scores = " and ".join(f"{normal.score:.2e}" for normal in self.regression.normals)
            by = f"chosen by generalised cross-validation, score {scores}"
        parts = [f"solved on {len(self._some)} states with ridge {ridges}, {by}"]
        if self.halved:
            parts.append("units take positions or momenta")
        unknowns = max(unknowns_of(self.field))
        if max(normal.rows for normal in self.regression.normals) < unknowns:
            parts.append(f"there are fewer equations than the {unknowns} unknowns, so the ridge decides between them")
        if self.left_out:
            parts.append(f"{self.left_out} rows without a finite derivative were left out")
        return "; ".join(parts)


def _halved(task: FitTask, states: Array, rates: Array) -> bool:
    """Return whether units are to see positions or momenta alone: as it is set, or where small fits of both kinds say
    that nothing is lost by it, on states that they were not fitted to.

    A closed form of one degree of freedom goes without them: they would take as long as all the rest of it.
    """
    if task.timed:
        return False
    if task.start is not None or task.settings["units"] != "data" or not can_be_halved(task):
        return task.start is None and task.settings["units"] == "halves"
    if task.data.dof == 1 and "steps" not in task.settings:
        return False
    rng = np.random.default_rng([task.seed, 6])
    width = min(int(task.model_settings["width"]), TRIAL_WIDTH * task.data.dof**3, LARGEST_TRIAL)
    trial = replace(task, model_settings={**task.model_settings, "width": width})
    some = rng.permutation(drawn(len(states), 3 * ROWS * width // 2, rng))
    states, rates = states[some], rates[some]
    missed = [_missed(drawn_field(trial, states, rng, halved), states, rates) for halved in (True, False)]
    return missed[0] <= LENIENCE * missed[1]


def _missed(field: LinearField, states: Array, rates: Array) -> float:
    """Return the squared error on the last third of the rows, of a field that is fitted to the others."""
    regression = Regression(field, states, rates, None)
    seen, held = np.split(np.arange(len(states)), [max(2 * len(states) // 3, 1)])
    regression.add(seen)
    return regression.missed(held, regression.solve())


def usable_rows(task: FitTask) -> Index:
    """Return the indices `(n,)` of the training rows that are finite; raise `ExperimentError` where there are fewer
    than two."""
    data = task.data
    rows = np.flatnonzero(data.train & finite(data))
    if len(rows) < 2:
        raise ExperimentError(
            f"{len(rows)} of the {np.count_nonzero(data.train)} training rows are finite numbers, but a closed form "
            "needs two at least: make or import more data"
        )
    return rows


def finite(data: Dataset) -> Mask:
    """Return the mask `(N,)` of the rows whose states and derivatives are finite numbers."""
    return np.asarray(np.isfinite(data.coords).all(axis=1) & np.isfinite(data.dcoords).all(axis=1))


def cleaned_states(task: FitTask, rows: Index) -> Array:
    """Return the states of `rows` `(n,)` to fit on, `(n, 2*dof)`, with less noise where the recipe is to see to
    that."""
    cleaned = drawn_together(task.data, rows) if task.settings["states"] == "together" else None
    return task.data.coords[rows] if cleaned is None else cleaned


def check_memory(needed: int) -> None:
    """Raise `ExperimentError` where a fit that needs `needed` bytes would need more memory than there is."""
    free = free_memory() if needed > NO_MATTER else None
    if free is not None and needed > free:
        raise ExperimentError(
            f"The fit would need {needed / 1e9:.3g} GB of memory, but {free / 1e9:.3g} GB are free: choose a smaller "
            "width, or the recipe adam"
        )


def check_spread(states: Array) -> None:
    """Raise `ExperimentError` where all of `states` `(n, 2*dof)` are one point."""
    if not np.ptp(states, axis=0).any():
        raise ExperimentError(
            "All training states are the same point, and hidden units are drawn between different ones: choose "
            "other starts or more trajectories"
        )


def loss_rows(task: FitTask) -> tuple[Index, Index]:
    """Return the indices, `(n,)` and `(m,)`, of the rows that the losses on screen are of: at most `LOOKED_AT` that
    train, and of the others."""
    usable, some = finite(task.data), []
    for mask, stream in ((task.data.train, 2), (~task.data.train, 3)):
        rows = np.flatnonzero(mask & usable)
        some.append(rows[drawn(len(rows), LOOKED_AT, np.random.default_rng([task.seed, stream]))])
    return some[0], some[1]


def data_loss(snapshot: Snapshot, data: Dataset, rows: Index) -> float:
    """Return the mean over `rows` `(n,)` and coordinates of (field(coords) − dcoords)²."""
    return float(np.square(snapshot.at(data.t[rows]).field(data.coords[rows]) - data.dcoords[rows]).mean())
