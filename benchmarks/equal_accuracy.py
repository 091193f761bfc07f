"""Rollouts of every family against the paper's adaptive way, both as accurate as each other at the end.

What the paper's way misses is measured first, against DOP853 at 10⁻¹² on the same field. Then Runge–Kutta steps are
halved until they miss no more. Both write down as many states. A thousand starts at once are compared by the trajectory
with the paper's way on a few of them, and their step is chosen by those few.
"""

import time
from collections.abc import Callable
from statistics import median
from unittest.mock import patch

import numpy as np
import torch
from scipy.integrate import solve_ivp

from benchmarks.figures import BenchmarkError, Figures, rounded
from benchmarks.paper_way import PaperWay
from hnn_engine.coords import Array
from hnn_engine.integrators import rollout
from hnn_engine.snapshot import Snapshot

RTOL = 1e-9  # of the paper's way; its absolute tolerance is left at 1e-6, as there
LONGEST, HALVINGS = 0.2, 12  # s, the first step that is tried
TRAJECTORIES, THREADS, FEW = 1000, 2, 5
REACH = 2.0  # of the starts, in q and p
BATCH_RUNS = 3
HORIZON = 20.0
TIMES = np.linspace(0.0, HORIZON, round(HORIZON / LONGEST) + 1)


def compared(snapshot: Snapshot, start: Array, runs: int) -> Figures:
    """Return times, errors and ratios of one rollout from `start` `(2*dof,)`, and of a thousand."""
    starts = np.random.default_rng(0).uniform(-REACH, REACH, (TRAJECTORIES, len(start)))
    return {"batch_1": _one(snapshot, start, runs), "batch_1000": _many(snapshot, starts)}


def _one(snapshot: Snapshot, start: Array, runs: int) -> Figures:
    missed = paper_error(snapshot, start[None])
    substeps, ours = halved(snapshot, start[None], missed)
    field = PaperField(snapshot)
    times = {
        "ms": _median_ms(lambda: rollout(snapshot, start, TIMES, substeps=substeps), runs),
        "paper_ms": _median_ms(lambda: adaptive(field, start), runs),
    }
    return _told(times, substeps, ours, missed)


def _many(snapshot: Snapshot, starts: Array) -> Figures:
    few, field = starts[:FEW], PaperField(snapshot)
    missed = paper_error(snapshot, few)
    substeps, ours = halved(snapshot, few, missed)
    with patch("os.cpu_count", return_value=THREADS):
        whole = _median_ms(lambda: rollout(snapshot, starts, TIMES, substeps=substeps), BATCH_RUNS, uncounted=0)
    paper = _median_ms(lambda: [adaptive(field, one) for one in few], BATCH_RUNS)
    return _told({"ms": whole / len(starts), "paper_ms": paper / FEW}, substeps, ours, missed)


def _told(times: dict[str, float], substeps: int, ours: float, missed: float) -> Figures:
    return {
        **{name: rounded(value) for name, value in times.items()},
        "faster": rounded(times["paper_ms"] / times["ms"], 3),
        "error": rounded(ours, 3),
        "paper_error": rounded(missed, 3),
        "dt": LONGEST / substeps,
    }


def halved(snapshot: Snapshot, starts: Array, bound: float) -> tuple[int, float]:
    """Return into how many steps `LONGEST` is cut for an error within `bound`, and that error."""
    ends = reference(snapshot, starts)
    for substeps in (2**k for k in range(HALVINGS + 1)):
        error = largest_gap(rollout(snapshot, starts, TIMES, substeps=substeps).coords[-1], ends)
        if error <= bound:
            return substeps, error
    raise BenchmarkError(f"no step of {snapshot.model} down to {LONGEST / 2**HALVINGS:g} s is as good as {bound:g}")


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
