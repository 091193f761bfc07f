"""L-BFGS on all rows at once, for small smooth networks: fewer and better steps than Adam's.

The direction is −H g, with H ≈ the inverse Hessian from the last `MEMORY` steps (two loops; Nocedal & Wright 2006,
algorithm 7.4), the step's length by a line search for the strong Wolfe conditions (scipy's). Loss and gradient are
computed in single precision, as the other gradient recipes do, and the steps in double precision. It starts from the
closed form of the recipe `sampled`, on states freed from noise as there.
"""

import time
import warnings
from collections import deque
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.fitting.events import Cancelled, Evaluated, Event, Failed, Finished, FitTask, Progress, Started
from hnn_engine.fitting.gradient.flat_weights import flattened
from hnn_engine.fitting.gradient.objective import FieldObjective
from hnn_engine.fitting.random_features.states import Problem, cleaned_states, loss_rows, usable_rows
from hnn_engine.fitting.subsampling import drawn
from hnn_engine.snapshot import Snapshot

MEMORY = 20  # steps that the inverse Hessian is read from
ROWS = 4_000  # of one gradient at most
CURVED = 1e-10  # yᵀs over ‖y‖‖s‖, below which a step says nothing of the curvature
TRIES = 12  # of a line search
CALM_RIDGE = 1e-4  # of the closed form to start from: single precision does not carry the weights of a smaller one


class LbfgsFit:
    """Full-batch L-BFGS (Nocedal & Wright 2006, algorithm 7.4); the best weights so far are kept."""

    def __init__(self, task: FitTask) -> None:
        """Begin at the closed form of `task`, or at the weights of an earlier run where it has one."""
        self.task, self.seconds = task, 0.0
        self.steps, self._decay = int(task.settings["steps"]), float(task.settings["weight-decay"])
        self._stop = False
        began = time.perf_counter()
        self._objective = FieldObjective(task, np.random.default_rng([task.seed, 1]), scaled=True)
        self._backend = self._objective.backend
        if task.start is None and task.settings["begin"] == "sampled":
            self._backend.flat[:] = closed_form(task)
        rows = usable_rows(task)
        some = drawn(len(rows), ROWS, np.random.default_rng([task.seed, 2]))
        parts = task.seen(cleaned_states(task, rows), rows)[some], task.rates(rows[some])
        self._rows = tuple(part.astype(np.float32) for part in parts)
        self._train, self._test = (self._objective.some_rows(mask) for mask in loss_rows(task))
        self._at = self._backend.flat.astype(np.float64)
        self._pairs: deque[tuple[Array, Array]] = deque(maxlen=MEMORY)
        self.seconds += time.perf_counter() - began

    def stop(self) -> None:
        """End with `Cancelled` at the next event."""
        self._stop = True

    def snapshot(self) -> Snapshot:
        """Freeze the present weights, which are the best so far."""
        return self._objective.freeze(self._at.astype(np.float32))

    def events(self) -> Iterator[Event]:
        """Run the fit; each `next` takes one step w ← w − α H g, with α by a line search and H from the last `MEMORY`
        steps, or tells the losses (`fitting.events`). A loss that is not finite at the start ends in `Failed`. Source:
        Nocedal & Wright 2006, algorithm 7.4."""
        yield Started(self.steps)
        began = time.perf_counter()
        loss, gradient = self._loss(self._at)
        self.seconds += time.perf_counter() - began
        if not np.isfinite(loss):
            yield Failed(0, None, "The loss is not a finite number where the fit begins: choose random weights")
            return
        for step in range(1, self.steps + 1):
            if self._stop:
                yield Cancelled(step - 1, self.snapshot())
                return
            began = time.perf_counter()
            found = self._improved(loss, gradient)
            self.seconds += time.perf_counter() - began
            if found is None:
                yield Finished(step - 1, self.snapshot(), f"nothing better along the gradient after {step - 1} steps")
                return
            loss, gradient = found
            yield Progress(step, self._shown(self._train))
            yield Evaluated(step, self._shown(self._test))
        yield Finished(self.steps, self.snapshot(), f"all {self.steps} steps done")

    def _shown(self, rows: tuple[Array, Array]) -> float:
        self._backend.flat[:] = self._at
        return self._backend.loss(rows) / self._objective.share

    def _loss(self, at: Array) -> tuple[float, Array]:
        """Return the loss of weights `at`, with its L2 term, and its gradient; infinite where it is no number."""
        self._backend.flat[:] = at
        loss, slope = self._backend.gradient(self._rows)
        if not (np.isfinite(loss) and np.isfinite(slope).all()):
            return np.inf, np.zeros_like(at)
        return loss + self._decay * float(at @ at) / 2, slope.astype(np.float64) + self._decay * at

    def _improved(self, loss: float, gradient: Array) -> tuple[float, Array] | None:
        """Move to a better point and return its loss and gradient; None where there is none, which NaN never is."""
        for direction in (self._direction(gradient), None):
            if direction is None:  # the curvature was misread: begin anew along the gradient
                self._pairs.clear()
                direction = -gradient / max(float(np.linalg.norm(gradient)), 1e-300)
            found = self._searched(loss, gradient, direction)
            if found is not None and found[1] < loss:
                at, new, slope = found
                self._remember(at - self._at, slope - gradient)
                self._at = at
                return new, slope
        return None

    def _searched(self, loss: float, gradient: Array, direction: Array) -> tuple[Array, float, Array] | None:
        from scipy.optimize import line_search

        known: dict[bytes, tuple[float, Array]] = {}

        def at(x: Array) -> tuple[float, Array]:
            key = x.tobytes()
            if key not in known:
                known[key] = self._loss(x)
            return known[key]

        def value(x: Array) -> float:
            return at(x)[0]

        def slope(x: Array) -> Array:
            return at(x)[1]

        with np.errstate(invalid="ignore", over="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # where no length will do, none is returned
            length, *_ = line_search(
                value, slope, self._at, direction, gfk=gradient, old_fval=loss, c2=0.9, maxiter=TRIES
            )
        if length is None:
            return None
        there = self._at + length * direction
        return (there, *at(there))

    def _remember(self, step: Array, change: Array) -> None:
        if step @ change > CURVED * np.linalg.norm(step) * np.linalg.norm(change):
            self._pairs.append((step, change))

    def _direction(self, gradient: Array) -> Array | None:
        """Return −H g; None where nothing is known of H yet."""
        if not self._pairs:
            return None
        q, shares = gradient.copy(), []
        for s, y in reversed(self._pairs):
            share = (s @ q) / (s @ y)
            shares.append(share)
            q -= share * y
        s, y = self._pairs[-1]
        q *= (s @ y) / (y @ y)
        for (s, y), share in zip(self._pairs, reversed(shares), strict=True):
            q += s * (share - (y @ q) / (s @ y))
        return -q


def closed_form(task: FitTask) -> Array:
    """Return the weights `(W,)`, float32, of the recipe `sampled` with the ridge `CALM_RIDGE`; raise `ExperimentError`
    where the data do not suffice for it."""
    settings = {**task.settings, "regularisation": "fixed", "ridge": CALM_RIDGE, "units": "data"}
    problem = Problem(replace(task, settings=settings, start=None))
    flat: Array = flattened(problem.field.weights(problem.solved()))
    return flat
