"""Adaptive Runge–Kutta methods in numpy for many trajectories at once, each with steps of its own.

What scipy's RK45 and DOP853 do for one trajectory, in the same order of operations: all trajectories go through the
stages of a step together, so that a call of the field is one for all, and each takes or shortens its own step. Where
there are no compiled loops this follows fifteen starts in little more than the time of one. Source: Hairer, Nørsett &
Wanner, Solving Ordinary Differential Equations I, II.4 to II.6 and II.10.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from hnn_engine.coords import Array, Index
from hnn_engine.integrators import DIVERGED, EVALUATION_LIMIT

Field = Callable[[Array], Array]
Interrupt = Callable[[], bool] | None
_SAFETY, _SHRINK, _GROW = 0.9, 0.2, 10.0


class EmbeddedMethod:
    """A pair of Runge–Kutta formulas with dense output, by the coefficients of one of scipy's classes."""

    def __init__(self, scipy_class: Any) -> None:
        """Read the tableau of `scipy_class`, RK45 or DOP853."""
        stages = int(scipy_class.n_stages)
        self.stages = stages
        self.a = np.asarray(scipy_class.A)[:stages, :stages]
        self.b = np.asarray(scipy_class.B)
        self.extra: Array = np.zeros((0, 0))  # stages that the dense output alone needs
        self.exponent = -1.0 / (scipy_class.error_estimator_order + 1)

    @property
    def rows(self) -> int:
        """How many values of the field a step keeps: its stages, the one at its end, and the extra ones."""
        return self.stages + 1 + len(self.extra)

    def error(self, k: Array, h: Array, scale: Array) -> Array:
        """Return the error of each step in units of the tolerance, `(N,)`. `k` `(N, rows, n)`; `scale` `(N, n)`."""
        raise NotImplementedError

    def at(self, k: Array, h: Array, x: Array, new: Array, owner: Index, theta: Array) -> Array:
        """Return the dense output `(R, n)` at the parts `theta` `(R,)` of the steps `owner` `(R,)`."""
        raise NotImplementedError


class DormandPrince5(EmbeddedMethod):
    """Dormand and Prince's pair of order 5(4), scipy's RK45; dense output of order 4 by Shampine's polynomial."""

    def __init__(self) -> None:
        """Read scipy's coefficients."""
        from scipy.integrate import RK45

        super().__init__(RK45)
        self._e, self._p = np.asarray(RK45.E), np.asarray(RK45.P)

    def error(self, k: Array, h: Array, scale: Array) -> Array:
        """Return the error of each step in units of the tolerance, `(N,)`."""
        size: Array = _norm(_combined(k, self._e) * h[:, None] / scale) / scale.shape[1] ** 0.5
        return size

    def at(self, k: Array, h: Array, x: Array, new: Array, owner: Index, theta: Array) -> Array:
        """Return the dense output `(R, n)`."""
        q = k.swapaxes(1, 2) @ self._p  # (N, n, 4)
        powers = np.cumprod(np.repeat(theta[:, None], self._p.shape[1], axis=1), axis=1)
        moved: Array = h[owner, None] * (q[owner] @ powers[:, :, None])[..., 0] + x[owner]
        return moved


class DormandPrince8(EmbeddedMethod):
    """Dormand and Prince's method of order 8(5,3), scipy's DOP853; dense output of order 7."""

    def __init__(self) -> None:
        """Read scipy's coefficients."""
        from scipy.integrate import DOP853

        super().__init__(DOP853)
        self.extra = np.asarray(DOP853.A_EXTRA)
        self._e3, self._e5, self._d = np.asarray(DOP853.E3), np.asarray(DOP853.E5), np.asarray(DOP853.D)

    def error(self, k: Array, h: Array, scale: Array) -> Array:
        """Return the error of each step in units of the tolerance, `(N,)`."""
        inner = k[:, : self.stages + 1]
        fifth, third = (_norm(_combined(inner, e) / scale) ** 2 for e in (self._e5, self._e3))
        size = np.sqrt((fifth + 0.01 * third) * scale.shape[1])
        return np.where(size == 0.0, 0.0, np.abs(h) * fifth / np.where(size == 0.0, 1.0, size))

    def at(self, k: Array, h: Array, x: Array, new: Array, owner: Index, theta: Array) -> Array:
        """Return the dense output `(R, n)`."""
        moved, h = new - x, h[:, None]
        f = np.empty((len(x), 3 + len(self._d), x.shape[1]))
        f[:, 0] = moved
        f[:, 1] = h * k[:, 0] - moved
        f[:, 2] = 2 * moved - h * (k[:, self.stages] + k[:, 0])
        f[:, 3:] = h[:, None] * (self._d @ k)
        part, out = theta[:, None], np.zeros((len(theta), x.shape[1]))
        for i, j in enumerate(reversed(range(f.shape[1]))):
            out += f[owner, j]
            out *= part if i % 2 == 0 else 1 - part
        out += x[owner]
        return out


def _combined(k: Array, weights: Array) -> Array:
    """Return Σᵢ weightsᵢ kᵢ of each trajectory `(N, n)`, one product a trajectory: rounded as if it were alone."""
    result: Array = k.swapaxes(1, 2) @ weights
    return result


def _norm(x: Array) -> Array:
    """Return the Euclidean norm of each row."""
    return np.sqrt((x[:, None, :] @ x[:, :, None])[:, 0, 0])


def follow_adaptive(
    field: Field,
    start: Array,
    times: Array,
    method: EmbeddedMethod,
    rtol: float,
    atol: float,
    limit: int = EVALUATION_LIMIT,
    interrupt: Interrupt = None,
    all_or_none: bool = False,
) -> Array:
    """Follow `field` from `start` `(N, n)` to the rising `times`, `(T,)` or `(N, T)` of each; return `(T, N, n)`.

    NaN from where a trajectory has left the finite numbers, its step has vanished, or it has taken `limit` calls of
    the field. `interrupt` is asked once a step and ends the work early; `all_or_none`: so does the first that is lost.
    """
    times = np.broadcast_to(np.asarray(times, dtype=np.float64), (len(start), np.shape(times)[-1]))
    out = np.full((times.shape[1], *start.shape), np.nan)
    out[0] = start
    if times.shape[1] < 2:
        return out
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        lanes = _Lanes(field, start, times, method, max(rtol, 1e-13), atol)
        while lanes.count and not (interrupt is not None and interrupt()):
            lanes.step(out)
            if lanes.retire(limit) and all_or_none:
                break
    return out


class _Lanes:
    """The trajectories that are still followed: where each is, its step, and the next of its rows to be written."""

    def __init__(
        self, field: Field, start: Array, times: Array, method: EmbeddedMethod, rtol: float, atol: float
    ) -> None:
        self._field, self._method, self._rtol, self._atol = field, method, rtol, atol
        self.which, self.times = np.arange(len(start)), times
        self.x, self.t, self.end = np.array(start, dtype=np.float64), times[:, 0].copy(), times[:, -1]
        self.k = np.empty((len(start), method.rows, start.shape[1]))
        self.k[:, 0] = field(self.x)
        self.h = self._first_steps()
        self.calls, self.next = np.full(len(start), 2), np.ones(len(start), dtype=np.int64)
        self.rejected, self.lost = np.zeros(len(start), dtype=bool), np.zeros(len(start), dtype=bool)

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.which)

    def _first_steps(self) -> Array:
        """Choose the first step of each. Source: Hairer, Nørsett & Wanner, II.4."""
        f, root = self.k[:, 0], float(self.x.shape[1]) ** 0.5
        scale, span = self._atol + np.abs(self.x) * self._rtol, np.abs(self.end - self.t)
        d0, d1 = _norm(self.x / scale) / root, _norm(f / scale) / root
        h0 = np.minimum(np.where((d0 < 1e-5) | (d1 < 1e-5), 1e-6, 0.01 * d0 / d1), span)
        ahead = self._field(self.x + h0[:, None] * f)
        d2 = _norm((ahead - f) / scale) / root / h0
        steep = np.maximum(d1, d2)
        pairs = zip(h0.tolist(), steep.tolist(), strict=True)
        h1 = [max(1e-6, a * 1e-3) if s <= 1e-15 else (0.01 / s) ** -self._method.exponent for a, s in pairs]
        first: Array = np.minimum(np.minimum(100 * h0, np.array(h1)), span)
        return first

    def step(self, out: Array) -> None:
        """Try a step of each: take it, and write the rows of `out` that it has passed, or shorten it."""
        method, k = self._method, self.k
        least = 10 * np.abs(np.nextafter(self.t, np.inf) - self.t)
        self.lost |= self.rejected & ~(self.h >= least)
        self.h = np.where(self.rejected, self.h, np.maximum(self.h, least))
        after = np.minimum(self.t + self.h, self.end)
        h = after - self.t
        for s in range(1, method.stages):
            k[:, s] = self._field(self.x + _combined(k[:, :s], method.a[s, :s]) * h[:, None])
        new = self.x + h[:, None] * _combined(k[:, : method.stages], method.b)
        k[:, method.stages] = self._field(new)
        self.calls += method.stages
        scale = self._atol + np.maximum(np.abs(self.x), np.abs(new)) * self._rtol
        error = method.error(k, h, scale)
        taken = (error < 1.0) & ~self.lost
        self.h = h * [self._factor(e, r) for e, r in zip(error.tolist(), self.rejected.tolist(), strict=True)]
        self.rejected = ~taken
        self.lost |= taken & ~(np.abs(new).max(axis=1) < DIVERGED)
        taken &= ~self.lost
        self._write(out, taken, h, new, after)
        self.t, self.x = np.where(taken, after, self.t), np.where(taken[:, None], new, self.x)
        k[taken, 0] = k[taken, method.stages]

    def _factor(self, error: float, rejected: bool) -> float:
        """Return what a step of this error is multiplied by."""
        if not error < 1.0:
            change = _SAFETY * error**self._method.exponent
            return change if change > _SHRINK else _SHRINK  # and where it is not a number
        grow = _GROW if error == 0.0 else min(_GROW, _SAFETY * error**self._method.exponent)
        return min(1.0, grow) if rejected else grow

    def _write(self, out: Array, taken: npt.NDArray[np.bool_], h: Array, new: Array, after: Array) -> None:
        """Write the rows between each t and `after`, of the steps that are `taken`."""
        until = np.where(taken, (self.times <= after[:, None]).sum(axis=1), self.next)
        passed = np.flatnonzero(until > self.next)
        if not len(passed):
            return
        counts = (until - self.next)[passed]
        owner = np.repeat(np.arange(len(passed)), counts)
        row = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts) + self.next[passed][owner]
        k, x, h, new = self.k[passed], self.x[passed], h[passed], new[passed]
        for i, a in enumerate(self._method.extra, self._method.stages + 1):
            k[:, i] = self._field(x + _combined(k[:, :i], a[:i]) * h[:, None])
        self.calls[passed] += len(self._method.extra)
        lane = passed[owner]
        theta = (self.times[lane, row] - self.t[lane]) / h[owner]
        out[row, self.which[lane]] = self._method.at(k, h, x, new, owner, theta)
        self.next = until

    def retire(self, limit: int) -> bool:
        """Leave out those that are at their end, lost, or out of calls; return whether one was lost."""
        done = self.next >= self.times.shape[1]
        lost = (self.lost | (self.calls > limit)) & ~done
        stays = ~(done | lost)
        if not stays.all():
            for name in ("which", "times", "x", "t", "end", "k", "h", "calls", "next", "rejected", "lost"):
                setattr(self, name, getattr(self, name)[stays])
        return bool(lost.any())
