"""States and last layers estimated together: nonlinear least squares on whole trajectories, by Gauss and Newton.

Unknown are the clean states z of every row and the last layers θ of the field f. With variances σ², τ² and ε² given,

  Σ ‖z − x‖²/σ²  +  Σ ‖f(z) − ẋ‖²/τ²  +  Σ ‖z′ − z − h/6 (f(z) + 4 f(z½) + f(z′))‖²/ε²  +  Σ θ²/s²

is least, where z′ follows z by h, z½ = (z + z′)/2 + h/8 (f(z) − f(z′)) (Hermite–Simpson, order 4), and the second sum
is there only where derivatives were measured apart from the states. The states of a trajectory are coupled to
their neighbours alone, so they are eliminated one after the other and leave a small problem in θ. Source: Betts,
Practical Methods for Optimal Control, 4.5 (the collocation); Bock 1987 (multiple shooting for estimation).
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from hnn_engine.coords import Array, Index
from hnn_engine.fitting.random_features.linear_field import LinearField
from hnn_engine.models import get_model

HALVINGS = 6
DOUBT = 4.0  # times the mean square of what is missed


class Runs(NamedTuple):
    """Trajectories side by side, the shorter ones filled up: states x and rates y `(B, T, D)`, the steps in s between
    neighbours `(B, T − 1, 1)`, which rows there are `(B, T)` and which links `(B, T − 1)`, 1 or 0. D = 2*dof."""

    x: Array
    y: Array
    steps: Array
    rows: Array
    links: Array


def side_by_side(runs: list[Index], t: Array, x: Array, y: Array) -> Runs:
    """Return `runs` of rows of t `(N,)` in s, x and y `(N, D)` as one block."""
    longest = max(len(run) for run in runs)
    there = np.array([np.arange(longest) < len(run) for run in runs], dtype=np.float64)
    rows = np.array([np.concatenate([run, np.full(longest - len(run), run[-1])]) for run in runs])
    return Runs(x[rows], y[rows], np.diff(t[rows], axis=1)[..., None], there, there[:, 1:])


class Weights(NamedTuple):
    """One over the variances: of the states and rates by component `(D,)`, of the links `(D,)`, and of θ `(K,)`."""

    states: Array
    rates: Array
    links: Array
    theta: Array


class Guess(NamedTuple):
    """Clean states z `(B, T, D)` and last layers θ `(K,)`."""

    z: Array
    theta: Array


class Left(NamedTuple):
    """What is left over of states, rates `(B, T, D)` and links `(B, T − 1, D)`; zero where there are none."""

    states: Array
    rates: Array
    links: Array


class _At(NamedTuple):
    """The field at some states: f `(B, T, D)`, its Jacobian by the states `(B, T, D, D)` and by θ `(B, T, D, K)`."""

    f: Array
    by_state: Array
    by_theta: Array


@dataclass(frozen=True)
class GaussNewton:
    """The least-squares problem of one set of trajectories; its sum is at the head of the module."""

    field: LinearField
    runs: Runs
    weights: Weights

    def cost(self, guess: Guess, left: Left) -> float:
        """Return the sum that is to be least, of `guess` and what it leaves: squares of `left` over their variances,
        and Σ θ²/s²."""
        sums = [(np.square(part) * weight).sum() for part, weight in zip(left, self.weights[:3], strict=True)]
        return float(sum(sums) + (self.weights.theta * np.square(guess.theta)).sum())

    def left(self, guess: Guess) -> Left:
        """Return what `guess` leaves over: z − x and f(z) − ẋ `(B, T, D)`, and z′ − z − h/6 (f(z) + 4 f(z½) + f(z′))
        `(B, T − 1, D)`, by Hermite–Simpson collocation. Source: Betts, Practical Methods for Optimal Control, 4.5."""
        f = self._f(guess.z, guess.theta)
        z0, z1, h = guess.z[:, :-1], guess.z[:, 1:], self.runs.steps
        middle = self._f(_middle(z0, z1, f[:, :-1], f[:, 1:], h), guess.theta)
        link = z1 - z0 - h / 6 * (f[:, :-1] + 4 * middle + f[:, 1:])
        rows = self.runs.rows[..., None]
        return Left((guess.z - self.runs.x) * rows, (f - self.runs.y) * rows, link * self.runs.links[..., None])

    def believable(self, left: Left) -> "GaussNewton":
        """Return the problem with larger variances of rates and links where more of them is `left`, `DOUBT` times the
        mean square: a network that is too small for the field must not bend the states to make up for it."""
        w = self.weights
        missed_rates = np.square(left.rates).sum(axis=(0, 1)) / self.runs.rows.sum()
        missed_links = np.square(left.links).sum(axis=(0, 1)) / max(self.runs.links.sum(), 1.0)
        with np.errstate(divide="ignore"):
            weights = w._replace(
                rates=np.where(w.rates > 0, np.minimum(w.rates, 1 / (DOUBT * missed_rates)), 0.0),
                links=np.minimum(w.links, 1 / (DOUBT * missed_links)),
            )
        return replace(self, weights=weights)

    def improved(self, guess: Guess, left: Left) -> tuple[Guess, Left]:
        """Return a better guess and what it leaves, by a Gauss–Newton step that is halved until it is better, at most
        `HALVINGS` times; the same guess where none is."""
        cost = self.cost(guess, left)
        step = self._step(guess)
        for halving in range(HALVINGS):
            share = 0.5**halving
            tried = Guess(guess.z + share * step.z, guess.theta + share * step.theta)
            with np.errstate(over="ignore", invalid="ignore"):
                found = self.left(tried)
                if self.cost(tried, found) < cost:
                    return tried, found
        return guess, left

    # The step ---------------------------------------------------------------------------------------------------------

    def _step(self, guess: Guess) -> Guess:
        z, theta = guess
        h, rows, links = self.runs.steps, self.runs.rows[..., None], self.runs.links[..., None]
        at = self._at(z, theta)
        z0, z1 = z[:, :-1], z[:, 1:]
        half = self._at(_middle(z0, z1, at.f[:, :-1], at.f[:, 1:], h), theta)
        link = z1 - z0 - h / 6 * (at.f[:, :-1] + 4 * half.f + at.f[:, 1:])
        by_first, by_second, by_theta = _link_slopes(at, half, h[..., None])
        w = self.weights
        wl, wr = (links * w.links)[..., None], (rows * w.rates)[..., None]
        diagonal = _products(at.by_state, wr, at.by_state) + (rows * w.states)[..., None] * np.eye(z.shape[-1])
        diagonal += (1 - rows)[..., None] * np.eye(z.shape[-1])
        diagonal[:, :-1] += _products(by_first, wl, by_first)
        diagonal[:, 1:] += _products(by_second, wl, by_second)
        mixed = _products(at.by_state, wr, np.concatenate([at.by_theta, (at.f - self.runs.y)[..., None]], axis=-1))
        mixed[..., -1] += rows * w.states * (z - self.runs.x)
        right = np.concatenate([by_theta, link[..., None]], axis=-1)
        mixed[:, :-1] += _products(by_first, wl, right)
        mixed[:, 1:] += _products(by_second, wl, right)
        whole = _gram(at.by_theta, (at.f - self.runs.y), wr) + _gram(by_theta, link, wl)
        return self._eliminated(diagonal, _products(by_second, wl, by_first), mixed, whole, theta)

    def _eliminated(self, diagonal: Array, below: Array, mixed: Array, whole: Array, theta: Array) -> Guess:
        """Solve for all states and θ: forward through time, then θ, then back. `mixed` `(B, T, D, K + 1)` couples the
        states with θ, its last column is their gradient; `whole` `(K, K + 1)` the same of θ."""
        count, size = diagonal.shape[1], len(theta)
        pivots, sides = [], []
        pivot, side = diagonal[:, 0], mixed[:, 0]
        for j in range(count):
            solved = np.linalg.solve(pivot, side)
            flat = side.reshape(-1, size + 1)
            whole = whole - (flat[:, :size].T @ solved.reshape(-1, size + 1))
            pivots.append(pivot)
            sides.append(side)
            if j + 1 < count:
                turn = np.swapaxes(np.linalg.solve(pivot, np.swapaxes(below[:, j], -1, -2)), -1, -2)
                pivot = diagonal[:, j + 1] - below[:, j] @ np.swapaxes(turn, -1, -2)
                side = mixed[:, j + 1] - turn @ side
        matrix = whole[:, :size] + np.diag(self.weights.theta + 1e-13 * np.trace(whole[:, :size]) / size)
        d_theta = np.asarray(-np.linalg.solve(matrix, whole[:, size] + self.weights.theta * theta), dtype=np.float64)
        d_z = np.empty(diagonal.shape[:3])
        for j in range(count - 1, -1, -1):
            wanted = -(sides[j][..., size] + sides[j][..., :size] @ d_theta)
            if j + 1 < count:
                wanted -= (np.swapaxes(below[:, j], -1, -2) @ d_z[:, j + 1][..., None])[..., 0]
            d_z[:, j] = np.linalg.solve(pivots[j], wanted[..., None])[..., 0]
        return Guess(d_z, d_theta)

    # The field --------------------------------------------------------------------------------------------------------

    def _f(self, z: Array, theta: Array) -> Array:
        task, flat = self.field.task, z.reshape(-1, z.shape[-1])
        weights = {**self.field.weights(theta), **task.known}
        f: Array = get_model(task.model).field(np, weights, task.model_settings, flat)
        return f.reshape(z.shape)

    def _at(self, z: Array, theta: Array) -> _At:
        flat, size = z.reshape(-1, z.shape[-1]), len(theta)
        features = self.field.features(flat)
        f = features @ theta + self.field.given(flat)
        return _At(f.reshape(z.shape), self._jacobian(z, theta), features.reshape(*z.shape, size))

    def _jacobian(self, z: Array, theta: Array) -> Array:
        """Return ∂f/∂z `(B, T, D, D)` by central differences: a step of Gauss and Newton asks for no more."""
        small = 1e-5 * np.maximum(self.runs.x.std(axis=(0, 1)), 1e-9)
        moved = small[:, None] * np.eye(len(small))
        ahead, behind = (self._f(z[..., None, :] + way * moved, theta) for way in (1.0, -1.0))
        return np.swapaxes((ahead - behind) / (2 * small[:, None]), -1, -2)


def _middle(z0: Array, z1: Array, f0: Array, f1: Array, h: Array) -> Array:
    return np.asarray((z0 + z1) / 2 + h / 8 * (f0 - f1))


def _link_slopes(at: _At, half: _At, h: Array) -> tuple[Array, Array, Array]:
    """Return the derivatives of z′ − z − h/6 (f + 4 f½ + f′) by z, by z′ and by θ."""
    unit = np.eye(at.by_state.shape[-1])
    first, second = at.by_state[:, :-1], at.by_state[:, 1:]
    by_first = -unit - h / 6 * (first + 4 * half.by_state @ (unit / 2 + h / 8 * first))
    by_second = unit - h / 6 * (second + 4 * half.by_state @ (unit / 2 - h / 8 * second))
    before, after = at.by_theta[:, :-1], at.by_theta[:, 1:]
    inner = half.by_theta + half.by_state @ (h / 8 * (before - after))
    return by_first, by_second, -h / 6 * (before + 4 * inner + after)


def _products(left: Array, weight: Array, right: Array) -> Array:
    """Return leftᵀ weight right, `weight` by row."""
    return np.asarray(np.swapaxes(left, -1, -2) @ (weight * right))


def _gram(by_theta: Array, left: Array, weight: Array) -> Array:
    """Return the normal equations `(K, K + 1)` of residuals `left` with slopes `by_theta`."""
    size = by_theta.shape[-1]
    slopes = (by_theta * np.sqrt(weight)).reshape(-1, size)
    values = (left[..., None] * np.sqrt(weight)).reshape(-1)
    return np.concatenate([slopes.T @ slopes, (slopes.T @ values)[:, None]], axis=1)
