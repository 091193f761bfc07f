"""The least-squares problem of a field that is linear in its unknowns, gathered in blocks of rows.

Each component of the field counts by its usual size, and rows with huge derivatives, such as close encounters, count
less, or a few of them would decide the solution.
"""

from functools import cached_property

import numpy as np

from hnn_engine.coords import Array, Index
from hnn_engine.fitting.random_features.linear_field import LinearField
from hnn_engine.fitting.random_features.ridge_regression import Normal

ROWS = 12  # equations an unknown at least, where the data have them
WORK = 5e9  # multiplications that a fit may take beyond that
BLOCK = 2_000_000  # numbers of a block of features
COPIES = 4  # of the normal equations while they are solved
# Times the median size of a derivative, from where on a row counts less; of one degree of freedom, which has no close
# encounters, and of several.
CALM_ONE, CALM = 2.0, 1.0


class Regression:
    """Sums over the rows so far, of `states` and `rates` `(n, 2*dof)`, and what they give."""

    def __init__(self, field: LinearField, states: Array, rates: Array, ridge: float | None) -> None:
        """Ask for θ of `field` on `states` and `rates` `(n, 2*dof)`; a `ridge` of None is chosen from the data."""
        self.field, self.states, self.rates = field, states, rates
        self._ridge = ridge
        self.normals = [Normal.empty(*reversed(group.places.shape)) for group in field.groups]
        self.chosen: list[float] = []  # ridges of the last solution
        self.precision = np.zeros(field.size)  # what the ridge supposes of θ: one over its variance

    @cached_property
    def _scale(self) -> Array:
        """What each component counts: one over its usual size."""
        usual = np.median(np.abs(self.rates), axis=0)
        return np.asarray(1 / np.where(usual > 0, usual, np.maximum(np.abs(self.rates).max(axis=0), 1e-300)))

    @cached_property
    def _weight(self) -> Array:
        """What each row counts, `(n, 1)`."""
        size = np.linalg.norm(self.rates * self._scale, axis=1)
        calm = (CALM_ONE if self.field.task.data.dof == 1 else CALM) * float(np.median(size))
        return np.asarray(1 / np.maximum(1.0, size / max(calm, 1e-300)))[:, None]

    def add(self, block: Index) -> None:
        """Add the rows with the indices `block` `(n,)` to the sums."""
        x, weight = self.states[block], self._weight[block]
        counts = self._scale * weight
        targets = (self.rates[block] - self.field.given(x)) * counts
        for group, normal in zip(self.field.groups, self.normals, strict=True):
            wanted = targets[:, group.components]
            if group.shared:
                normal.add(self.field.shared_features(x) * weight, wanted)
            else:
                normal.add(self.field.rows(group, x, counts).reshape(wanted.size, -1), wanted.reshape(-1, 1))

    def solve(self) -> Array:
        """Return θ `(size,)` from the rows so far, by ridge regression of each group of components."""
        theta, self.chosen = np.zeros(self.field.size), []
        for group, normal in zip(self.field.groups, self.normals, strict=True):
            found, ridge = normal.solved(self._ridge)
            self.chosen.append(ridge)
            unit = self._scale[list(group.components)][:, None] if group.shared else np.ones((1, 1))
            theta[group.places] = found.T / unit
            self.precision[group.places] = normal.precision(found, ridge) * unit**2
        return theta

    def missed(self, rows: Index, theta: Array) -> float:
        """Return the median over `rows` `(n,)` of the square of what θ `(size,)` leaves over, components and rows
        counted as in the fit: a few rows that no field of so many units follows do not rule it."""
        x = self.states[rows]
        left = self.field.given(x) + self.field.features(x) @ theta - self.rates[rows]
        return float(np.median(np.square(left * self._scale * self._weight[rows]).sum(axis=1)))


def unknowns_of(field: LinearField) -> list[int]:
    """Return how many unknowns each regression has."""
    return [group.places.shape[1] for group in field.groups]


def enough(field: LinearField) -> int:
    """Return on how many states a field is solved: `ROWS` equations an unknown, and more as far as `WORK`
    multiplications go."""
    counts = [(group.places.shape[1], 1 if group.shared else len(group.components)) for group in field.groups]
    work = sum(components * unknowns**2 for unknowns, components in counts)
    return max(*(int(ROWS * unknowns / components) for unknowns, components in counts), int(WORK / work), 1)


def needed_bytes(field: LinearField) -> int:
    """Return the bytes of memory that a fit takes at its peak: matrices of the unknowns, and a block of features
    twice."""
    grams = [unknowns**2 for unknowns in unknowns_of(field)]
    each = max(BLOCK, field.size * 2 * field.task.dof)
    return int(8 * (sum(grams) + COPIES * max(grams) + 3 * each))
