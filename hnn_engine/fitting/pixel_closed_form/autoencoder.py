"""The autoencoder, on frames in principal components: relu units placed along the curve, last layers solved for.

Half of the units read the first frame of a pair, the other half, the same again, the second, so that z = (q, q′ − q)
holds exactly. Layers are `(w, b)` with y = x w + b; those between are small residual ones, h + relu(h w + b) ≈ h.
"""

import numpy as np

from hnn_engine.coords import Array, Index
from hnn_engine.fitting.pixel_closed_form.principal_curve import Curve
from hnn_engine.fitting.random_features.ridge_regression import affine_solve
from hnn_engine.models.autoencoder import LATENTS

Layer = tuple[Array, Array]

CANDIDATES, CHORDS, THRESHOLDS = 600, (0.3, 2.2), (0.0, 0.9)
TOLD = 4000  # frames that units are chosen for
RESIDUAL = 0.05
SPENT = 1e-7  # of a unit's own square, below which the units taken before say all that it does


def encoder_start(curve: Curve, scores: Array, q: Array, units: int, rng: np.random.Generator) -> list[Layer]:
    """Return three hidden layers of `units`, on pairs of frames, chosen for frames `scores` `(n, K)` at q `(n,)`.

    The first is `(2K, units)`, the others `(units, units)`. A unit is relu((x − c_i)·(c_k − c_i)/|c_k − c_i|² − t): 1 −
    t at the curve's point c_k, and silent or faint where frames resemble neither c_i nor c_k. Of `CANDIDATES` such
    units those that tell q best are taken. Source of weights from pairs of points: Bolager et al. 2023.
    """
    half, size = units // 2, curve.points.shape[1]
    begin, end = _chords(curve, CANDIDATES, rng)
    chord = curve.points[end] - curve.points[begin]
    w = (chord / np.square(chord).sum(axis=1)[:, None]).T
    b = -np.einsum("ij,ji->i", curve.points[begin], w) - rng.uniform(*THRESHOLDS, CANDIDATES)
    some = slice(None, None, -(-len(q) // TOLD))
    features, told = np.maximum(scores[some] @ w + b, 0), q[some]
    best = most_telling(features - features.mean(axis=0), told - told.mean(), half)
    both, bias = np.zeros((2 * size, units)), np.zeros(units)
    both[:size, :half] = both[size:, half : 2 * half] = w[:, best]
    bias[:half] = bias[half : 2 * half] = b[best]
    return [(both, bias), _twin_layer(units, rng), _twin_layer(units, rng)]


def _chords(curve: Curve, count: int, rng: np.random.Generator) -> tuple[Index, Index]:
    """Return begins and ends of chords: ends even along the curve, begins before and after them by turns.

    Their lengths are of the frames' own spread: the distance over which frames cease to resemble each other.
    """
    points = len(curve.at)
    spread = np.sqrt(curve.points.var(axis=0).sum()) / (curve.at[1] - curve.at[0])
    end = np.round(np.linspace(0, points - 1, count)).astype(np.int64)
    jump = np.clip(np.round(spread * rng.uniform(*CHORDS, count)), 1, points // 3).astype(np.int64)
    way = np.where(np.arange(count) % 2, -1, 1) * jump
    return np.where((end + way < 0) | (end + way >= points), end - way, end + way), end


def most_telling(features: Array, target: Array, count: int) -> Index:
    """Return the indices `(count,)` of columns of `features` `(n, k)`, each the one that lowers most what is left of
    `target` `(n,)`.

    Orthogonal matching pursuit on the Gram matrix: every column taken is projected out of it. Source: Pati et al. 1993.
    """
    gram, left = features.T @ features, features.T @ target
    sizes = np.diag(gram).copy()
    chosen = np.zeros(len(gram), dtype=bool)
    for _ in range(count):
        rest = np.diag(gram)
        spent = rest <= SPENT * sizes
        gain = np.where(spent, -1.0, np.square(left) / np.where(spent, 1.0, rest))
        best = int(np.argmax(np.where(chosen, -2.0, gain)))
        chosen[best] = True
        if not spent[best]:
            row = gram[best] / rest[best]
            left = left - row * left[best]
            gram = gram - np.outer(row, gram[best])
    return np.flatnonzero(chosen)


def _twin_layer(units: int, rng: np.random.Generator) -> Layer:
    """Return a small residual layer that treats both frames alike."""
    half = units // 2
    w = np.zeros((units, units))
    w[:half, :half] = w[half : 2 * half, half : 2 * half] = (
        RESIDUAL * np.linalg.qr(rng.standard_normal((half, half)))[0]
    )
    return w, np.zeros(units)


def forward(hidden: list[Layer], x: Array) -> Array:
    """Return the last hidden activations `(n, units)` of a half of the autoencoder at x `(n, k)`: h = relu(x w + b),
    then h + relu(h w + b) for each further layer."""
    h = np.maximum(x @ hidden[0][0] + hidden[0][1], 0)
    for w, b in hidden[1:]:
        h = h + np.maximum(h @ w + b, 0)
    return h


class Reading:
    """What the encoder's units make of single frames, of which it reads two: the first half of its layers."""

    def __init__(self, hidden: list[Layer], size: int) -> None:
        """Take the halves of the `hidden` layers, (weights, biases) each, that see the first of two frames of `size`
        numbers."""
        units = len(hidden[0][1])
        half = units // 2
        (w0, b0), *middle = hidden
        self._layers = [(w0[:size, :half], b0[:half]), *((w[:half, :half], b[:half]) for w, b in middle)]
        self._units, self.last = units, (np.zeros(half), 0.0)

    def solve(self, scores: Array, q: Array, ridge: float) -> Layer:
        """Return the encoder's last layer, `(units, 2)` and `(2,)`, z = (q, q′ − q), by ridge regression of q `(n,)` on
        frames `(n, K)`.

        Its first column reads the first frame's units for q, its second the difference of both frames' readings.
        """
        w, b = affine_solve(forward(self._layers, scores), q[:, None], ridge)
        self.last = w[:, 0], float(b[0])
        half = self._units // 2
        end = np.zeros((self._units, LATENTS))
        end[:half, 0], end[:half, 1], end[half : 2 * half, 1] = w[:, 0], -w[:, 0], w[:, 0]
        return end, np.array([b[0], 0.0])

    def positions(self, scores: Array) -> Array:
        """Return z_q `(n,)` of frames `(n, K)`."""
        w, b = self.last
        q: Array = forward(self._layers, scores) @ w + b
        return q


def decoder_start(places: Array, units: int, rng: np.random.Generator) -> list[Layer]:
    """Return three hidden layers of `units`, `(2, units)` and twice `(units, units)`: kinks at `places` `(units // 2,)`
    along z_q for the first frame, along z_q + z_p for the second. By turns they rise to the right and to the left."""
    half = units // 2
    way = np.where(np.arange(half) % 2, -1.0, 1.0)
    w, b = np.zeros((LATENTS, units)), np.zeros(units)
    w[0, :half] = w[0, half : 2 * half] = w[1, half : 2 * half] = way
    b[:half] = b[half : 2 * half] = -way * places
    return [(w, b), _twin_layer(units, rng), _twin_layer(units, rng)]


def decoder_end(hidden: list[Layer], q: Array, scores: Array, ridge: float) -> Layer:
    """Return the decoder's last layer, `(units, 2K)` and `(2K,)`, by ridge regression of frames `(n, K)` on the units
    at q `(n,)`. Either half of the units paints the frame that it stands for."""
    half = len(hidden[0][1]) // 2
    features = forward(hidden, np.column_stack([q, np.zeros_like(q)]))[:, :half]
    w, b = affine_solve(features, scores, ridge)
    end = np.zeros((len(hidden[0][1]), 2 * scores.shape[1]))
    end[:half, : scores.shape[1]] = end[half : 2 * half, scores.shape[1] :] = w
    return end, np.tile(b, 2)
