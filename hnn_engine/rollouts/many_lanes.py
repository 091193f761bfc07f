"""Adaptive Runge–Kutta methods in numpy for many starts at once: each is a lane with steps of its own.

They make the data of systems with close encounters, and follow what no compiled loop does. All lanes go through the
stages of a step together, laid out coordinate by coordinate so that numpy's loops are long; a lane that has ended makes
room for one that waits. Tableaus, first step, error norm, step control and dense output are those of scipy's RK45 and
DOP853; tests hold them together. Source: Hairer, Nørsett & Wanner, Solving Ordinary Differential Equations I, II.4 to
II.6 and II.10.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from hnn_engine.coords import Array, Index
from hnn_engine.integrators import DIVERGED, EVALUATION_LIMIT

LANES = 600  # at once: what their stages hold stays in the cache
_SAFETY, _SHRINK, _GROW = 0.9, 0.2, 10.0

Field = Callable[[Array], Array]
Mask = npt.NDArray[np.bool_]


class EmbeddedMethod:
    """A pair of Runge–Kutta formulas with dense output, by the coefficients of one of scipy's classes."""

    def __init__(self, scipy_class: Any) -> None:
        """Read the tableau of `scipy_class`, RK45 or DOP853."""
        stages, extra = int(scipy_class.n_stages), getattr(scipy_class, "A_EXTRA", ())
        self.stages = stages
        rows = [scipy_class.A[i, :i] for i in range(stages)]
        rows += [scipy_class.B, *(row[: stages + 1 + i] for i, row in enumerate(extra))]
        # The weights of the state at which each stage is taken: `a[stages]` are those of the new state, and behind it
        # come the stages that the dense output alone needs.
        self.a = [np.ascontiguousarray(row, dtype=np.float64) for row in rows]
        self.exponent = -1.0 / (scipy_class.error_estimator_order + 1)

    def error(self, k: Array, h: Array, scale: Array) -> Array:
        """Return the error of each step in units of the tolerance `(N,)`; k `(stages, n, N)`, `scale` `(n, N)`."""
        raise NotImplementedError

    def at(self, k: Array, h: Array, x: Array, new: Array, lane: Index, theta: Array) -> Array:
        """Return the dense output `(n, R)` at the parts `theta` `(R,)` of the steps of `lane` `(R,)`, from x to `new`
        `(n, N)`."""
        raise NotImplementedError


class DormandPrince5(EmbeddedMethod):
    """Dormand and Prince's pair of order 5(4), scipy's RK45; dense output of order 4 by Shampine's polynomial."""

    def __init__(self) -> None:
        """Read scipy's coefficients."""
        from scipy.integrate import RK45  # slow to load, and not needed for the first paint

        super().__init__(RK45)
        self._e, self._p = np.asarray(RK45.E), np.ascontiguousarray(RK45.P.T)

    def error(self, k: Array, h: Array, scale: Array) -> Array:
        """Return the error of each step in units of the tolerance `(N,)`."""
        return _root_mean_square(_sum(self._e, k) * h / scale)

    def at(self, k: Array, h: Array, x: Array, new: Array, lane: Index, theta: Array) -> Array:
        """Return the dense output `(n, R)`."""
        y: Any = 0.0
        for row in reversed(self._p):
            y = (y + _sum(row, k)[:, lane]) * theta
        moved: Array = x[:, lane] + h[lane] * y
        return moved


class DormandPrince8(EmbeddedMethod):
    """Dormand and Prince's method of order 8(5,3), scipy's DOP853; dense output of order 7."""

    def __init__(self) -> None:
        """Read scipy's coefficients."""
        from scipy.integrate import DOP853  # slow to load, and not needed for the first paint

        super().__init__(DOP853)
        self._e3, self._e5, self._d = (np.ascontiguousarray(part) for part in (DOP853.E3, DOP853.E5, DOP853.D))

    def error(self, k: Array, h: Array, scale: Array) -> Array:
        """Return the error of each step in units of the tolerance `(N,)`."""
        fifth, third = (_sum(weights, k) / scale for weights in (self._e5, self._e3))
        fifth, third = (fifth * fifth).sum(axis=0), (third * third).sum(axis=0)
        found = h * fifth / np.sqrt((fifth + 0.01 * third) * len(scale))
        return np.where((fifth == 0.0) & (third == 0.0), 0.0, found)

    def at(self, k: Array, h: Array, x: Array, new: Array, lane: Index, theta: Array) -> Array:
        """Return the dense output `(n, R)`."""
        f = np.empty((3 + len(self._d), *x.shape))
        f[0] = new - x
        f[1] = h * k[0] - f[0]
        f[2] = 2 * f[0] - h * (k[self.stages] + k[0])
        f[3:] = h * (self._d @ k.reshape(len(k), -1)).reshape(-1, *x.shape)
        y: Any = 0.0
        for i in range(len(f)):
            y = (y + f[len(f) - 1 - i][:, lane]) * (theta if i % 2 == 0 else 1 - theta)
        moved: Array = x[:, lane] + y
        return moved


def follow_lanes(
    field: Field,
    starts: Array,
    times: Array,
    method: EmbeddedMethod,
    rtol: float,
    atol: float,
    limit: int = EVALUATION_LIMIT,
    interrupt: Callable[[], bool] | None = None,
    passed: Callable[[float], None] | None = None,
    all_or_none: bool = False,
) -> Array:
    """Return coords `(T, N, 2*dof)` from `starts` `(N, 2*dof)` at rising `times`, `(T,)` or `(N, T)` of each, NaN from
    a lane's failure on.

    `rtol`, `atol`: tolerances of a step. A lane is lost where its step size vanishes, where it leaves the finite
    numbers, or after `limit` calls of the field; `all_or_none`: the first that is lost ends the work. `interrupt` is
    asked after every step and ends the work early; `passed` hears after each step how much of all motion is followed;
    what it raises ends the work too.
    """
    times = np.asarray(times, dtype=np.float64)
    out = np.full((times.shape[-1], *starts.shape), np.nan)
    out[0] = starts
    if len(out) < 2 or not len(starts):
        return out
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        lanes, waiting = _Lanes(field, times, method, (max(rtol, 1e-13), atol), limit, out), 0
        while waiting < len(starts) or lanes.count:
            room = LANES - lanes.count
            if waiting < len(starts) and (room >= LANES // 4 or not lanes.count):
                lanes.admit(np.arange(waiting, min(waiting + room, len(starts))), starts)
                waiting = min(waiting + room, len(starts))
            lost = lanes.step()
            if passed is not None:
                passed((waiting - lanes.left()) / len(starts))
            if (lost and all_or_none) or (interrupt is not None and interrupt()):
                break
    return out


class _Lanes:
    """The states that are followed at present, a column each, and what belongs to them."""

    def __init__(
        self,
        field: Field,
        times: Array,
        method: EmbeddedMethod,
        tolerances: tuple[float, float],
        limit: int,
        out: Array,
    ) -> None:
        self._field, self._times, self._method, self._limit, self._out = field, times, method, limit, out
        self._rtol, self._atol = tolerances
        self._begins, self._ends = (np.broadcast_to(times[..., i], out.shape[1]) for i in (0, -1))
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
        begin, end = self._begins[self._which], self._ends[self._which]
        return float(((end - self._t) / (end - begin)).sum())

    def admit(self, which: Index, starts: Array) -> None:
        """Begin with the starts `which`."""
        x, count, t = np.ascontiguousarray(starts[which].T), len(which), self._begins[which]
        slope = self._at(x)
        self._x, self._slope = np.hstack([self._x, x]), np.hstack([self._slope, slope])
        self._t = np.concatenate([self._t, t])
        self._h = np.concatenate([self._h, self._first_steps(x, slope, self._ends[which] - t)])
        self._which = np.concatenate([self._which, which])
        self._next = np.concatenate([self._next, np.ones(count, np.int64)])
        self._calls = np.concatenate([self._calls, np.full(count, 2)])
        self._rejected = np.concatenate([self._rejected, np.zeros(count, np.bool_)])
        self._k = np.empty((len(self._method.a), *self._x.shape))

    def _at(self, x: Array) -> Array:
        """Return the field at the columns of x."""
        slope: Array = self._field(x.T).T
        return slope

    def _first_steps(self, x: Array, slope: Array, span: Array) -> Array:
        """Return the first step of each of the states x. Source: Hairer, Nørsett & Wanner, II.4."""
        scale = self._atol + np.abs(x) * self._rtol
        d0, d1 = _root_mean_square(x / scale), _root_mean_square(slope / scale)
        h0 = np.minimum(np.where((d0 < 1e-5) | (d1 < 1e-5), 1e-6, 0.01 * d0 / d1), span)
        d2 = _root_mean_square((self._at(x + h0 * slope) - slope) / scale) / h0
        flat = (d1 <= 1e-15) & (d2 <= 1e-15)
        h1 = np.where(flat, np.maximum(1e-6, h0 * 1e-3), (0.01 / np.maximum(d1, d2)) ** -self._method.exponent)
        return np.asarray(np.minimum(np.minimum(100 * h0, h1), span))

    def step(self) -> bool:
        """Take a step in every lane, or shorten it where its error is too large; return whether one was lost."""
        least = 10 * (np.nextafter(self._t, np.inf) - self._t)
        vanished = ~(self._h >= least)
        if (vanished & self._rejected).any():
            self._keep(~(vanished & self._rejected))
            return True
        self._h[vanished] = least[vanished]
        after = np.minimum(self._t + self._h, self._ends[self._which])
        h, k, stages = after - self._t, self._k, self._method.stages
        k[0] = self._slope
        for s in range(1, stages):
            k[s] = self._at(self._moved(self._method.a[s], h))
        new = self._moved(self._method.a[stages], h)
        k[stages] = self._at(new)
        self._calls += stages
        scale = self._atol + np.maximum(np.abs(self._x), np.abs(new)) * self._rtol
        error = self._method.error(k, h, scale)
        good = error < 1.0
        last = np.where(good, np.maximum(self._passed(after), self._next), self._next)
        rows = np.flatnonzero(last > self._next)
        if len(rows):
            self._write(rows, new, h, last)
        return self._settle(new, h, after, error, good, last)

    def _moved(self, weights: Array, h: Array) -> Array:
        """Return x + h Σ weightsᵢ kᵢ over as many rows of k as there are weights."""
        total = _sum(weights, self._k)
        total *= h
        total += self._x
        return total

    def _passed(self, after: Array) -> Index:
        """Return of each lane how many of its times are not after `after`."""
        if self._times.ndim == 1:
            return np.searchsorted(self._times, after, side="right")
        return np.asarray((self._times[self._which] <= after[:, None]).sum(axis=1))

    def _write(self, rows: Index, new: Array, h: Array, last: Index) -> None:
        """Write the output of the lanes `rows` whose step has passed some of the times."""
        method, stages = self._method, self._method.stages
        some = len(rows) < self.count
        x, new, h = (part[..., rows] if some else part for part in (self._x, new, h))
        k = np.empty((len(self._k), *x.shape)) if some else self._k
        if some:
            k[: stages + 1] = self._k[: stages + 1][..., rows]
        for s in range(stages + 1, len(method.a)):
            k[s] = self._at(x + h * _sum(method.a[s], k))
        self._calls[rows] += len(method.a) - stages - 1
        counts = last[rows] - self._next[rows]
        lane = np.repeat(np.arange(len(rows)), counts)
        row = np.arange(len(lane)) - np.repeat(np.cumsum(counts) - counts, counts) + self._next[rows][lane]
        whose = self._which[rows][lane]
        times = self._times[row] if self._times.ndim == 1 else self._times[whose, row]
        theta = (times - self._t[rows][lane]) / h[lane]
        self._out[row, whose] = method.at(k, h, x, new, lane, theta).T

    def _settle(self, new: Array, h: Array, after: Array, error: Array, good: Mask, last: Index) -> bool:
        """Go on from the new states where the step was good, and choose the next; return whether a lane was lost."""
        factor = _SAFETY * error**self._method.exponent
        shrink = np.where(error < np.inf, np.maximum(_SHRINK, factor), _SHRINK)
        grow = np.where(error == 0.0, _GROW, np.minimum(_GROW, factor))
        grow = np.where(self._rejected, np.minimum(1.0, grow), grow)
        self._h = h * np.where(good, grow, shrink)
        self._rejected = ~good
        ahead = self._k[self._method.stages]
        if good.all():
            self._x, self._slope, self._t = new, ahead.copy(), after
        else:
            self._x, self._slope = np.where(good, new, self._x), np.where(good, ahead, self._slope)
            self._t = np.where(good, after, self._t)
        self._next, done = last, last >= len(self._out)
        going = (np.abs(self._x) < DIVERGED).all(axis=0) & (self._calls <= self._limit)
        lost = bool((~going & ~done).any())
        self._keep(going & ~done)
        return lost

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


def _root_mean_square(x: Array) -> Array:
    """Return the root mean square of each column."""
    return np.asarray(np.sqrt((x * x).mean(axis=0)))
