"""Rollouts of every family against the paper's adaptive way, both as accurate as each other at the end.

What the paper's way misses is measured first, against DOP853 at 10⁻¹² on the same field. Then Runge–Kutta steps, with
the field in single precision as the paper's, and the tolerance of DOP853 are made smaller until they miss no more, and
the faster of the two is told. All write down as many states. A thousand starts at once are compared by the trajectory
with the paper's way on a few of them; step and tolerance are chosen by those few.
"""

import time
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import NamedTuple
from unittest.mock import patch

import numpy as np
import torch
from scipy.integrate import solve_ivp

from benchmarks.figures import BenchmarkError, Figures, rounded
from benchmarks.paper_way import PaperWay
from hnn_engine.coords import Array
from hnn_engine.rollouts.rollout import rollout
from hnn_engine.snapshot import Float32Snapshot, Snapshot

RTOL = 1e-9  # of the paper's way; its absolute tolerance is left at 1e-6, as there
LONGEST = 0.2  # s, the first step that is tried
STEPS = (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 48, 64, 128, 256)  # that it is cut into
TOLERANCES = tuple(10 ** (-k / 2) for k in range(8, 25))
TRAJECTORIES, THREADS, FEW = 1000, 2, 5
REACH = 2.0  # of the starts, in q and p
BATCH_RUNS = 3
HORIZON = 20.0
TIMES = np.linspace(0.0, HORIZON, round(HORIZON / LONGEST) + 1)


class Way(NamedTuple):
    """A way of following states, and how far it ends from the reference."""

    name: str
    follow: Callable[[Array], Array]
    error: float


def compared(snapshot: Snapshot, start: Array, runs: int) -> Figures:
    """Return times, errors and ratios of one rollout from `start` `(2*dof,)`, and of a thousand."""
    starts = np.random.default_rng(0).uniform(-REACH, REACH, (TRAJECTORIES, len(start)))
    return {"batch_1": _one(snapshot, start, runs), "batch_1000": _many(snapshot, starts)}


def _one(snapshot: Snapshot, start: Array, runs: int) -> Figures:
    missed, field = paper_error(snapshot, start[None]), PaperField(snapshot)
    ways = as_good(snapshot, start[None], missed)
    times = {w.name: _median_ms(partial(w.follow, start), runs) for w in ways}
    return _told(ways, times, _median_ms(lambda: adaptive(field, start), runs), missed)


def _many(snapshot: Snapshot, starts: Array) -> Figures:
    few, field = starts[:FEW], PaperField(snapshot)
    missed = paper_error(snapshot, few)
    ways = as_good(snapshot, few, missed)
    with patch("os.cpu_count", return_value=THREADS):
        times = {w.name: _median_ms(partial(w.follow, starts), BATCH_RUNS, 0) / len(starts) for w in ways}
    paper = _median_ms(lambda: [adaptive(field, one) for one in few], BATCH_RUNS) / FEW
    return _told(ways, times, paper, missed)


def _told(ways: list[Way], times: dict[str, float], paper: float, missed: float) -> Figures:
    best = min(ways, key=lambda way: times[way.name])
    return {
        "way": best.name,
        "ms": rounded(times[best.name]),
        "paper_ms": rounded(paper),
        "faster": rounded(paper / times[best.name], 3),
        "error": rounded(best.error, 3),
        "paper_error": rounded(missed, 3),
        "every_ms": {name: rounded(value) for name, value in times.items()},
    }


def as_good(snapshot: Snapshot, starts: Array, bound: float) -> list[Way]:
    """Return Runge–Kutta with the longest step, and DOP853 the largest tolerance, that miss no more than `bound`."""
    ends = reference(snapshot, starts)

    def evaluated(name: str, follow: Callable[[Array], Array]) -> Way:
        return Way(name, follow, largest_gap(follow(starts), ends))

    def fixed(count: int) -> Callable[[Array], Array]:
        return lambda x: rollout(Float32Snapshot(snapshot), x, TIMES, substeps=count).coords[-1]

    def held(tolerance: float) -> Callable[[Array], Array]:
        return lambda x: rollout(snapshot, x, TIMES, "dop853", tolerance=tolerance).coords[-1]

    steps = (evaluated(f"RK4, dt {1000 * LONGEST / count:.3g} ms", fixed(count)) for count in STEPS)
    tolerances = (evaluated(f"DOP853, {tolerance:.0e}", held(tolerance)) for tolerance in TOLERANCES)
    found = [next((way for way in ways if way.error <= bound), None) for ways in (steps, tolerances)]
    good = [way for way in found if way is not None]
    if not good:
        raise BenchmarkError(f"no step of {snapshot.model} and no tolerance is as good as {bound:g}")
    return good


def paper_error(snapshot: Snapshot, starts: Array) -> float:
    """Return how far the paper's way ends from the reference, at most."""
    field = PaperField(snapshot)
    return largest_gap(np.array([adaptive(field, one) for one in starts]), reference(snapshot, starts))


def reference(snapshot: Snapshot, starts: Array) -> Array:
    """Return where the field takes `starts` `(N, 2*dof)` within the horizon, by DOP853 at 10⁻¹²."""
    ends = rollout(snapshot, starts, TIMES[[0, -1]], "dop853").coords[-1]
    if not np.isfinite(ends).all():
        raise BenchmarkError(f"a rollout of {snapshot.model} left the finite numbers: fit it longer")
    return np.asarray(ends)


def largest_gap(ends: Array, wanted: Array) -> float:
    """Return the largest distance between two states `(N, 2*dof)`; infinite where one is not finite."""
    gap = float(np.linalg.norm(ends - wanted, axis=-1).max())
    return gap if np.isfinite(gap) else float("inf")


def adaptive(field: "PaperField", start: Array, rtol: float = RTOL) -> Array:
    """Return where the paper's way ends."""
    found = solve_ivp(field, (0.0, HORIZON), start, t_eval=TIMES, rtol=rtol)
    return np.asarray(found.y[:, -1])


class PaperField:
    """The field as the paper's code has it: float32, by autograd with a graph for second derivatives, each time."""

    def __init__(self, snapshot: Snapshot) -> None:
        torch.set_num_threads(1)
        weights = {n: torch.from_numpy(np.asarray(w, np.float32)) for n, w in snapshot.weights.items()}
        self._way = PaperWay(snapshot.model, snapshot.settings, snapshot.dof)
        self._inertia = weights.pop("inertia", None)
        self._layers = self._way.layers({name: w.requires_grad_() for name, w in weights.items()})
        self.evaluations = 0

    def __call__(self, t: float, coords: Array) -> Array:
        self.evaluations += 1
        x = torch.tensor(coords, requires_grad=True, dtype=torch.float32).view(1, -1)
        field: Array = self._way.field(self._layers, self._inertia, x).data.numpy().reshape(-1)
        return field


def _median_ms(work: Callable[[], object], runs: int, uncounted: int = 1) -> float:
    """Return the median of `runs` timings in ms, after those that are not counted."""
    taken = []
    for _ in range(uncounted + runs):
        began = time.perf_counter()
        work()
        taken.append(1000 * (time.perf_counter() - began))
    return median(taken[uncounted:])
