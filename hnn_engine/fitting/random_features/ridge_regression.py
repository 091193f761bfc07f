"""Ridge regression from Gram matrices that are gathered block by block, and the ridge that the data ask for.

w minimises ‖A w − y‖² + λ ‖w‖², with λ = ridge · mean(diag(AᵀA)), so that the ridge has no unit. Float64: of such
features the Gram matrix is singular in float32.
"""

from dataclasses import dataclass

import numpy as np

from hnn_engine.coords import Array

RIDGES = np.geomspace(1e-13, 1e-1, 49)  # that are tried: below the first, rounding rules


@dataclass
class Normal:
    """AᵀA `(k, k)`, Aᵀy `(k, m)` and yᵀy, summed over columns, of all `rows` so far."""

    gram: Array
    moment: Array
    power: float = 0.0
    rows: int = 0
    score: float = float("nan")  # by which the last ridge was chosen from the data

    @staticmethod
    def empty(features: int, targets: int = 1) -> "Normal":
        """Return the sums of no rows, for k `features` and m `targets`."""
        return Normal(np.zeros((features, features)), np.zeros((features, targets)))

    def add(self, features: Array, targets: Array) -> None:
        """Add rows: features `(n, k)`, targets `(n, m)`."""
        self.gram += features.T @ features
        self.moment += features.T @ targets
        self.power += float(np.square(targets).sum())
        self.rows += len(features)

    def solved(self, ridge: float | None = None) -> tuple[Array, float]:
        """Return w `(k, m)`, which minimises ‖A w − y‖² + λ‖w‖², and its ridge, λ over the mean diagonal element of
        AᵀA.

        Without a `ridge` it is the one with the least generalised cross-validation score: what is left over, n ‖A w −
        y‖² / (n − trace)², where the trace counts the degrees of freedom that λ leaves. Source: Golub, Heath & Wahba
        1979.
        """
        if ridge is None:
            return self._chosen()
        gram = self.gram.copy()
        gram[np.diag_indices_from(gram)] += ridge * self._scale()
        return np.asarray(np.linalg.solve(gram, self.moment), dtype=np.float64), ridge

    def precision(self, w: Array, ridge: float) -> float:
        """Return one over the variance that `ridge` supposes of each weight, where what w `(k, m)` leaves over is
        noise: λ over the mean square of that."""
        left = self.power - 2 * float((w * self.moment).sum()) + float((w * (self.gram @ w)).sum())
        mean = max(left, 1e-14 * self.power, 1e-300) / max(self.rows * self.moment.shape[1], 1)
        return float(ridge * self._scale() / mean)

    def _scale(self) -> float:
        return max(float(np.trace(self.gram)), 1e-300) / len(self.gram)

    def _chosen(self) -> tuple[Array, float]:
        values, vectors = np.linalg.eigh(self.gram)
        values, turned = np.maximum(values, 0.0), vectors.T @ self.moment
        shrunk = values + (RIDGES * self._scale())[:, None]
        explained = (np.square(turned).sum(axis=1) * (2 / shrunk - values / shrunk**2)).sum(axis=1)
        left = np.maximum(self.power - explained, 1e-15 * self.power)
        free = np.maximum(self.rows - (values / shrunk).sum(axis=1), 1e-3 * self.rows)
        best = int(np.argmin(left / free**2))
        self.score = float(self.rows * left[best] / free[best] ** 2)
        return vectors @ (turned / shrunk[best][:, None]), float(RIDGES[best])


def ridge_solve(features: Array, targets: Array, ridge: float | None) -> Array:
    """Return w `(k, m)` of features `(n, k)` and targets `(n, m)`, which minimises ‖features w − targets‖² + λ‖w‖²;
    without a `ridge` the data choose it, by generalised cross-validation (Golub, Heath & Wahba 1979)."""
    normal = Normal.empty(features.shape[1], targets.shape[1])
    normal.add(features, targets)
    return normal.solved(ridge)[0]


def affine_solve(features: Array, targets: Array, ridge: float) -> tuple[Array, Array]:
    """Return (w, b), `(k, m)` and `(m,)`, of features `(n, k)` w + b ≈ targets `(n, m)`: ‖A w − y‖² + λ‖w‖² is least
    for A and y less their means, λ = `ridge` · mean(diag(AᵀA))."""
    centre, mean = features.mean(axis=0), targets.mean(axis=0)
    w = ridge_solve(features - centre, targets - mean, ridge)
    return w, mean - centre @ w
