"""Smoothing splines, and how smooth one should be: generalised cross-validation over a sample of a track's runs.

A smoothing spline f minimises Σ(y − f(t))² + λ∫f″², and f(t) = (I + λK)⁻¹y with K = QR⁻¹Qᵀ. The λ that predicts rows
left out best minimises n Σ(λk z/(1 + λk))² / (Σ λk/(1 + λk))² over K's eigenvalues k and y's components z in their
directions. It is sought once a recording and not once a run, because the noise is one and the search is slow.
Source: Reinsch, Numer. Math. 10 (1967) 177; Craven & Wahba, Numer. Math. 31 (1979) 377.
"""

import numpy as np

from hnn_engine.coords import Array

SAMPLE = 400  # rows that a weight is found from: the longest runs, cut to this many in all
WEIGHTS = np.logspace(-4, 8, 241)  # λ in cubes of a step; at the lower end f passes through every row


def spline_weights(t: Array, x: Array, runs: list[slice]) -> list[float]:
    """Return the best λ of each column of `x` `(N, k)` at times `t` `(N,)`, pooled over the longest of `runs`."""
    parts = [_components(t[run], x[run]) for run in _sample(runs)]
    stiffness = np.concatenate([k for k, _ in parts])
    components = np.concatenate([z for _, z in parts])
    share = WEIGHTS[:, None] * stiffness / (1 + WEIGHTS[:, None] * stiffness)  # of each component that is smoothed away
    scores = (share**2 @ components**2) / (share.sum(axis=1) ** 2)[:, None]
    return [float(WEIGHTS[i]) for i in scores.argmin(axis=0)]


def spline_slopes(t: Array, x: Array, weight: float) -> Array:
    """Return the slopes at times `t` `(n,)` of the smoothing spline through `x` `(n,)`, n at least 5, of λ = `weight`.

    NaN where steps are so unlike that it cannot be found. Its second derivatives g solve (R + λQᵀQ)g = Qᵀx, a system of
    five bands, and f = x − λQg: linear in n.
    """
    from scipy.linalg import solveh_banded

    h = np.diff(t)
    a, c = 1 / h[:-1], 1 / h[1:]
    b = -(a + c)
    bands = np.zeros((3, len(t) - 2))
    bands[2] = (h[:-1] + h[1:]) / 3 + weight * (a**2 + b**2 + c**2)
    bands[1, 1:] = h[1:-1] / 6 + weight * (b[:-1] * a[1:] + c[:-1] * b[1:])
    bands[0, 2:] = weight * c[:-2] * a[2:]
    try:
        bent = np.pad(solveh_banded(bands, a * x[:-2] + b * x[1:-1] + c * x[2:], check_finite=False), 1)
    except np.linalg.LinAlgError:
        return np.full(len(t), np.nan)
    turn = np.diff(np.diff(bent) / h, prepend=0.0, append=0.0)  # Qg, with the rows of Q at both ends
    f = x - weight * turn
    rise = np.diff(f) / h
    inner = rise - h * (2 * bent[:-1] + bent[1:]) / 6
    return np.append(inner, rise[-1] + h[-1] * (bent[-2] + 2 * bent[-1]) / 6)


def _sample(runs: list[slice]) -> list[slice]:
    """Return the longest runs, cut so that they hold `SAMPLE` rows at most."""
    chosen: list[slice] = []
    left = SAMPLE
    for run in sorted(runs, key=lambda run: run.start - run.stop):
        rows = min(left, run.stop - run.start)
        if rows < 5:
            break
        chosen.append(slice(run.start, run.start + rows))
        left -= rows
    return chosen


def _components(t: Array, x: Array) -> tuple[Array, Array]:
    """Return K's eigenvalues `(n,)` and the components of `x` `(n, k)` along its eigenvectors."""
    h, n = np.diff(t), len(t)
    rows = np.arange(n - 2)
    q = np.zeros((n, n - 2))
    q[rows, rows], q[rows + 1, rows], q[rows + 2, rows] = 1 / h[:-1], -1 / h[:-1] - 1 / h[1:], 1 / h[1:]
    r = np.diag((h[:-1] + h[1:]) / 3) + np.diag(h[1:-1] / 6, 1) + np.diag(h[1:-1] / 6, -1)
    values, vectors = np.linalg.eigh(q @ np.linalg.solve(r, q.T))
    return np.maximum(values, 0.0), vectors.T @ x
