"""The position along the curve in which a film moves as mechanics has it: the angle, up to its scale and zero."""

import numpy as np

from hnn_engine.coords import Array, Index
from hnn_engine.fitting.pixel_closed_form.splines import splines
from hnn_engine.fitting.random_features.ridge_regression import ridge_solve

PIECES = 24  # splines of φ and of a
SPREAD = 0.7  # standard deviation of q
BEND = 1e-2
JUMPY = 0.1  # mean square step of q over that of frames in random order, above which no place is to be trusted


def straightened(s: Array, rows: Index, knots: Array, noise: float) -> Array:
    """Return q = φ(s) `(n,)` at the arc lengths `knots` `(n,)`, from the places s `(F,)` of frames and the first frames
    `rows` `(N,)` of three each.

    Minimises the mean of (φ(s″) − 2φ(s′) + φ(s) + a(s′))² over cubic splines φ and a, for φ of mean 0 and mean square
    `SPREAD`²: the second difference of an angle depends on the angle alone. With a solved for, φ is the smallest
    eigenvector of a small generalised problem, as that of slow feature analysis (Wiskott & Sejnowski 2002). One film
    alone does not tell the angle from other coordinates, so φ″ is held down a little (`BEND`); what `noise` of s adds
    to a second difference, 6 φ′² noise², is taken off.
    """
    low, high = float(knots[0]), float(knots[-1])
    basis = splines(s, low, high, PIECES)
    middle = basis[rows + 1]
    second = basis[rows + 2] - 2 * middle + basis[rows]
    left = second - middle @ ridge_solve(middle, second, 1e-10)
    mean = basis.mean(axis=0)
    inertia = (basis - mean).T @ (basis - mean) / len(basis)
    step = (high - low) / (2 * PIECES)
    slopes = (splines(s + step, low, high, PIECES) - splines(s - step, low, high, PIECES)) / (2 * step)
    bent = np.diff(np.eye(PIECES), 2, axis=0)
    blur = 6 * noise**2 * slopes.T @ slopes / len(slopes)
    phi = smallest(left.T @ left / len(left) + BEND * bent.T @ bent - blur, inertia)
    phi *= SPREAD / np.sqrt(phi @ inertia @ phi)
    values: Array = splines(knots, low, high, PIECES) @ phi - mean @ phi
    return -values if values[-1] < values[0] else values


def smallest(cost: Array, weight: Array) -> Array:
    """Return v `(k,)` that minimises vᵀ cost v / vᵀ weight v, both `(k, k)` and symmetric, in the space where `weight`
    is not negligible."""
    sizes, vectors = np.linalg.eigh(weight)
    keep = sizes > 1e-9 * sizes[-1]
    white = vectors[:, keep] / np.sqrt(sizes[keep])
    _, found = np.linalg.eigh(white.T @ cost @ white)
    v: Array = white @ found[:, 0]
    return v


def jumps(q: Array, rows: Index) -> bool:
    """Return whether the positions q `(F,)` of frames jump about rather than move along the `rows` `(N,)`: the mean
    square step exceeds `JUMPY` of that in random order, 2 var q."""
    return bool(np.square(q[rows + 1] - q[rows]).mean() > JUMPY * 2 * q.var())
