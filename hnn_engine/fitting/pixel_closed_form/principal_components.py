"""The films that a closed form may look at, and their frames in a few principal components."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hnn_engine.camera import WHITE
from hnn_engine.coords import Array, Index
from hnn_engine.errors import ExperimentError
from hnn_engine.fitting.subsampling import drawn
from hnn_engine.frames.frame_pairs import FramePairs

FEWEST = 100  # frames: of fewer no curve is made
MOST, BLOCK = 40_000, 100  # rows that are looked at, in blocks that follow each other
SAMPLE, FEW, WIDE = 4000, 1200, 1000  # frames that a covariance is made of; fewer where more pixels than WIDE change
MOST_COMPONENTS = 96
REMAINDER = 3e-5  # of the variance: what components may leave out of clean frames
GROUP = 2000  # frames that are read together


@dataclass(frozen=True, eq=False)
class Films:
    """uint8 frames `(F, P)` from black 0 to `WHITE`. Row n is frames `rows[n]`, + 1 and + 2, which follow each
    other."""

    frames: npt.NDArray[np.uint8]
    rows: Index

    def runs(self, length: int) -> Index:
        """Return the index `(n,)` of the first of every `length` > 2 frames that follow each other, as the rows link
        them."""
        row = np.zeros(len(self.frames) + 1, dtype=np.int64)
        row[self.rows + 1] = 1
        linked = np.cumsum(row)
        need = length - 2
        return np.flatnonzero(linked[need:] - linked[:-need] == need)


def training_films(frame_pairs: FramePairs, train: npt.NDArray[np.bool_], rng: np.random.Generator) -> Films:
    """Return the films of the rows of the mask `train` `(N,)`, or of `MOST` of them; no other frame is looked at.

    Raises `ExperimentError` where they have fewer than `FEWEST` frames.
    """
    first = np.sort(frame_pairs.first[train])
    if len(first) > MOST:
        blocks = drawn(len(first) // BLOCK, MOST // BLOCK, rng)
        first = first[(blocks[:, None] * BLOCK + np.arange(BLOCK)).ravel()]
    used = np.unique(first[:, None] + np.arange(3))
    if len(used) < FEWEST:
        raise ExperimentError(
            f"The training videos have {len(used)} frames, but a closed form needs at least {FEWEST}: record more, or "
            "choose the recipe adam or paper"
        )
    return Films(frame_pairs.frames[used].reshape(len(used), -1), np.searchsorted(used, first))


@dataclass(frozen=True, eq=False)
class Principal:
    """Frames from 0 to 1 as mean + scores @ vectors.T + a remainder; `mean` is `(P,)`, `vectors` `(P, K)` are
    orthonormal.

    `live` are the indices of the pixels that change. `noise` is the standard deviation of one of them, by what the
    components leave.
    """

    mean: Array
    vectors: Array
    live: Index
    noise: float

    def scores(self, frames: npt.NDArray[np.uint8]) -> Array:
        """Return the K coefficients `(F, K)` of uint8 `frames` `(F, P)`: (frames / `WHITE` − mean) @ vectors."""
        mean, vectors = self.mean[self.live].astype(np.float32), self.vectors[self.live].astype(np.float32)
        groups = [frames[i : i + GROUP][:, self.live] for i in range(0, len(frames), GROUP)]
        return np.concatenate([(_shades(group) - mean) @ vectors for group in groups]).astype(np.float64)


def principal_frames(frames: npt.NDArray[np.uint8], rng: np.random.Generator) -> Principal:
    """Return the leading principal components of uint8 `frames` `(F, P)`, from a sample of them.

    Raises `ExperimentError` where all frames are the same.
    """
    some = frames[drawn(len(frames), SAMPLE, rng)]
    live = np.flatnonzero(some.max(axis=0) > some.min(axis=0))
    if len(live) > WIDE:
        some = some[drawn(len(some), FEW, rng)]
    mean = some.mean(axis=0, dtype=np.float64) / WHITE
    if not len(live):
        raise ExperimentError(
            "Nothing moves in the training videos: choose starts that swing wider, or record them larger"
        )
    sizes, vectors = _modes(_shades(some[:, live]) - mean[live].astype(np.float32))
    count = told_apart(sizes, len(some))
    full = np.zeros((frames.shape[1], count))
    full[live] = vectors[:, :count]
    left = max(0.0, float(sizes[count:].sum())) / max(1, len(sizes) - count)
    return Principal(mean, full, live, math.sqrt(left))


def _shades(frames: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Return frames from 0 to 1, as a network sees them."""
    return frames.astype(np.float32) / np.float32(WHITE)


def _modes(centred: npt.NDArray[np.float32]) -> tuple[Array, Array]:
    """Return the falling eigenvalues and the eigenvectors `(P, ·)` of the covariance of `centred` `(n, P)`.

    Where there are fewer frames than pixels they are found among the frames: XᵀX v = λ v for v = Xᵀu/√λ, XXᵀ u = λ u.
    """
    count, pixels = centred.shape
    dual = count < pixels
    product = centred @ centred.T if dual else centred.T @ centred
    sizes, vectors = np.linalg.eigh(product.astype(np.float64))
    sizes, vectors = np.maximum(sizes[::-1], 0.0), vectors[:, ::-1]
    if dual:
        vectors = (centred.T @ vectors) / np.sqrt(np.maximum(sizes, 1e-12 * sizes[0]))
    return sizes / count, vectors


def told_apart(sizes: Array, samples: int) -> int:
    """Return how many of the falling eigenvalues `sizes` `(P,)` are worth keeping, of a covariance of `samples` frames.

    Those above the edge of pure noise, median · (1 + √γ)² for γ = P/n or n/P, whichever is below one (Marchenko &
    Pastur 1967), until the others hold less than `REMAINDER` of the whole. Four at least, where there are so many, and
    `MOST_COMPONENTS` at most.
    """
    filled = min(len(sizes), samples - 1)
    ratio = filled / max(len(sizes), samples)
    edge = float(np.median(sizes[:filled])) * (1 + np.sqrt(ratio)) ** 2
    left = np.cumsum(sizes[::-1])[::-1] / sizes.sum()
    worth = int(np.sum((sizes > edge) & (left > REMAINDER)))
    return min(max(4, worth), MOST_COMPONENTS, len(sizes))
