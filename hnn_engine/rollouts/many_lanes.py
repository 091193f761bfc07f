"""Dormand and Prince's method of order 8(5,3) in numpy, for thousands of starts: each is a lane with steps of its own.

It makes the data of systems with close encounters. All lanes go through the stages of a step together, laid out
coordinate by coordinate so that numpy's loops are long; a lane that has ended makes room for one that waits. Tableau,
first step, error norm, step control and dense output are scipy's, as they are in `kernels.adaptive`; a test holds
them together. Source: Hairer, Nørsett & Wanner, Solving Ordinary Differential Equations I, II.5 and II.10.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from hnn_engine.coords import Array, Index
from hnn_engine.integrators import DIVERGED

LANES = 600  # at once: what their stages hold stays in the cache
_ORDER = 7  # of the error estimate
_SAFETY, _SHRINK, _GROW = 0.9, 0.2, 10.0

Field = Callable[[Array], Array]
Mask = npt.NDArray[np.bool_]


class _Tableau(NamedTuple):
    """Coefficients, by scipy's names; `a` holds the rows of the stages, and then those of the dense output."""

    a: tuple[Array, ...]
    b: Array
    e3: Array
    e5: Array
    d: Array


@cache
def _tableau() -> _Tableau:
    from scipy.integrate import DOP853  # slow to load, and not needed for the first paint

    stages = [DOP853.A[i, :i] for i in range(DOP853.n_stages)]
    extra = [row[: DOP853.n_stages + 1 + i] for i, row in enumerate(DOP853.A_EXTRA)]
    rows = tuple(np.ascontiguousarray(row, dtype=np.float64) for row in (*stages, *extra))
    return _Tableau(rows, *(np.ascontiguousarray(part) for part in (DOP853.B, DOP853.E3, DOP853.E5, DOP853.D)))


def follow_lanes(
    field: Field,
    starts: Array,
    times: Array,
    tolerance: float,
    limit: int,
    interrupt: Callable[[], bool] | None = None,
    passed: Callable[[float], None] | None = None,
) -> Array:
    """Return coords `(T, N, 2*dof)` from `starts` `(N, 2*dof)` at rising `times` `(T,)`, NaN from a lane's failure on.

    `tolerance`: relative and absolute, of a step. A lane is lost where its step size vanishes, where it leaves the
    finite numbers, or after `limit` calls of the field. `interrupt` is asked after every step and ends the work early;
    `passed` hears after each step how much of all motion is followed; what it raises ends the work too.
    """
    out = np.full((len(times), *starts.shape), np.nan)
    out[0] = starts
    if len(times) < 2 or not len(starts):
        return out
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        lanes, waiting = _Lanes(field, times, tolerance, limit, out), 0
        while waiting < len(starts) or lanes.count:
            room = LANES - lanes.count
            if waiting < len(starts) and (room >= LANES // 4 or not lanes.count):
                lanes.admit(np.arange(waiting, min(waiting + room, len(starts))), starts)
                waiting = min(waiting + room, len(starts))
            lanes.step()
            if passed is not None:
                passed((waiting - lanes.left()) / len(starts))
            if interrupt is not None and interrupt():
                break
    return out


class _Lanes:
    """The states that are followed at present, a column each, and what belongs to them."""

    def __init__(self, field: Field, times: Array, tolerance: float, limit: int, out: Array) -> None:
        self._field, self._times, self._limit, self._out = field, times, limit, out
        self._rtol, self._atol = max(tolerance, 1e-13), tolerance
        size = out.shape[2]
        self._x, self._slope = np.empty((size, 0)), np.empty((size, 0))  # the state, and the field there
        self._t, self._h = np.empty(0), np.empty(0)
        self._next, self._which = np.empty(0, np.int64), np.empty(0, np.int64)  # the next row, and whose lane it is
        self._calls, self._rejected = np.empty(0, np.int64), np.empty(0, np.bool_)
        self._k = np.empty((0, size, 0))

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._t)

    def left(self) -> float:
        """Return how much is still to be followed, as a number of lanes."""
        begin, end = self._times[0], self._times[-1]
        return float((end - self._t).sum() / (end - begin))

    def admit(self, which: Index, starts: Array) -> None:
        """Begin with the starts `which`."""
        x, count = np.ascontiguousarray(starts[which].T), len(which)
        slope = self._at(x)
        t, end = np.full(count, self._times[0]), self._times[-1]
        self._x, self._slope = np.hstack([self._x, x]), np.hstack([self._slope, slope])
        self._t = np.concatenate([self._t, t])
        self._h = np.concatenate([self._h, self._first_steps(x, slope, float(end - self._times[0]))])
        self._which = np.concatenate([self._which, which])
        self._next = np.concatenate([self._next, np.ones(count, np.int64)])
        self._calls = np.concatenate([self._calls, np.full(count, 2)])
        self._rejected = np.concatenate([self._rejected, np.zeros(count, np.bool_)])
        self._k = np.empty((len(_tableau().a) + 1, *self._x.shape))

    def _at(self, x: Array) -> Array:
        """Return the field at the columns of x."""
        slope: Array = self._field(x.T).T
        return slope

    def _size(self, x: Array, at: Array) -> Array:
        """Return the root mean square of each column of x in units of the tolerance at the states `at`."""
        scaled = x / (self._atol + np.abs(at) * self._rtol)
        return np.asarray(np.sqrt((scaled * scaled).mean(axis=0)))

    def _first_steps(self, x: Array, slope: Array, span: float) -> Array:
        """Return the first step of each of the states x. Source: Hairer, Nørsett & Wanner, II.4."""
        d0, d1 = self._size(x, x), self._size(slope, x)
        h0 = np.minimum(np.where((d0 < 1e-5) | (d1 < 1e-5), 1e-6, 0.01 * d0 / d1), span)
        d2 = self._size(self._at(x + h0 * slope) - slope, x) / h0
        flat = (d1 <= 1e-15) & (d2 <= 1e-15)
        h1 = np.where(flat, np.maximum(1e-6, h0 * 1e-3), (0.01 / np.maximum(d1, d2)) ** (1 / (_ORDER + 1)))
        return np.asarray(np.minimum(np.minimum(100 * h0, h1), span))

    def step(self) -> None:
        """Take a step in every lane, or shorten it where its error is too large."""
        tableau, end = _tableau(), self._times[-1]
        least = 10 * (np.nextafter(self._t, np.inf) - self._t)
        vanished = ~(self._h >= least)
        if (vanished & self._rejected).any():
            self._keep(~(vanished & self._rejected))
            return
        self._h[vanished] = least[vanished]
        after = np.minimum(self._t + self._h, end)
        h, k, stages = after - self._t, self._k, len(tableau.b)
        k[0] = self._slope
        for s in range(1, stages):
            k[s] = self._at(self._moved(tableau.a[s], h))
        new = self._moved(tableau.b, h)
        k[stages] = self._at(new)
        self._calls += stages
        error = self._error(new, np.abs(h))
        good = error < 1.0
        last = np.where(good, np.maximum(np.searchsorted(self._times, after, side="right"), self._next), self._next)
        rows = np.flatnonzero(last > self._next)
        if len(rows):
            self._write(rows, new, h, last)
        self._settle(new, h, after, error, good, last)

    def _moved(self, weights: Array, h: Array) -> Array:
        """Return x + h Σ weightsᵢ kᵢ over as many rows of k as there are weights."""
        total = _sum(weights, self._k)
        total *= h
        total += self._x
        return total

    def _error(self, new: Array, h: Array) -> Array:
        """Return the error of each lane's step in units of the tolerance."""
        tableau = _tableau()
        scale = self._atol + np.maximum(np.abs(self._x), np.abs(new)) * self._rtol
        fifth, third = _sum(tableau.e5, self._k) / scale, _sum(tableau.e3, self._k) / scale
        fifth, third = (fifth * fifth).sum(axis=0), (third * third).sum(axis=0)
        found = h * fifth / np.sqrt((fifth + 0.01 * third) * len(new))
        return np.where((fifth == 0.0) & (third == 0.0), 0.0, found)

    def _write(self, rows: Index, new: Array, h: Array, last: Index) -> None:
        """Write the output of the lanes `rows` whose step has passed some of the times, by the interpolant of order
        7."""
        tableau, stages = _tableau(), len(_tableau().b)
        some = len(rows) < self.count
        x, new, h = (part[..., rows] if some else part for part in (self._x, new, h))
        k = np.empty((len(tableau.a) + 1, *x.shape)) if some else self._k
        if some:
            k[: stages + 1] = self._k[: stages + 1][..., rows]
        for s in range(stages, len(tableau.a)):
            k[s + 1] = self._at(x + h * _sum(tableau.a[s], k))
        self._calls[rows] += len(tableau.a) - stages
        f = np.empty((3 + len(tableau.d), *x.shape))
        f[0] = new - x
        f[1] = h * k[0] - f[0]
        f[2] = 2 * f[0] - h * (k[stages] + k[0])
        f[3:] = h * (tableau.d @ k.reshape(len(k), -1)).reshape(-1, *x.shape)
        counts = last[rows] - self._next[rows]
        lane = np.repeat(np.arange(len(rows)), counts)
        row = np.arange(len(lane)) - np.repeat(np.cumsum(counts) - counts, counts) + self._next[rows][lane]
        theta = (self._times[row] - self._t[rows][lane]) / h[lane]
        y: Any = 0.0
        for i in range(len(f)):
            y = (y + f[len(f) - 1 - i][:, lane]) * (theta if i % 2 == 0 else 1 - theta)
        self._out[row, self._which[rows][lane]] = (x[:, lane] + y).T

    def _settle(self, new: Array, h: Array, after: Array, error: Array, good: Mask, last: Index) -> None:
        """Go on from the new states where the step was good, and choose the next."""
        factor = _SAFETY * error ** (-1 / (_ORDER + 1))
        shrink = np.where(error < np.inf, np.maximum(_SHRINK, factor), _SHRINK)
        grow = np.where(error == 0.0, _GROW, np.minimum(_GROW, factor))
        grow = np.where(self._rejected, np.minimum(1.0, grow), grow)
        self._h = h * np.where(good, grow, shrink)
        self._rejected = ~good
        if good.all():
            self._x, self._slope, self._t = new, self._k[len(_tableau().b)].copy(), after
        else:
            self._x = np.where(good, new, self._x)
            self._slope = np.where(good, self._k[len(_tableau().b)], self._slope)
            self._t = np.where(good, after, self._t)
        self._next = last
        inside = (np.abs(self._x) < DIVERGED).all(axis=0)
        self._keep(inside & (last < len(self._times)) & (self._calls <= self._limit))

    def _keep(self, going: Mask) -> None:
        """Let go of the lanes that are not `going`."""
        if going.all():
            return
        self._x, self._slope = self._x[:, going], self._slope[:, going]
        self._t, self._h, self._rejected = self._t[going], self._h[going], self._rejected[going]
        self._next, self._which, self._calls = self._next[going], self._which[going], self._calls[going]
        self._k = np.empty((len(self._k), *self._x.shape))


def _sum(weights: Array, k: Array) -> Array:
    """Return Σ weightsᵢ kᵢ over as many rows of k `(…, size, lanes)` as there are weights."""
    total: Array = (weights @ k[: len(weights)].reshape(len(weights), -1)).reshape(k.shape[1:])
    return total
