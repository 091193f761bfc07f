"""The frames of a data set as a gradient step reads them, without the pixels that are black in all of them."""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hnn_engine.camera import WHITE
from hnn_engine.coords import Array, Index
from hnn_engine.models.autoencoder import Single

FAINTEST = 1e-3  # spread of a pixel, below which frames are not made more of


class FilmTable(NamedTuple):
    """Frames as a step reads them: `table` `(F, L)`, black 0 to white 1, and `rest` `(F,)`, what of each ‖frame‖² it
    leaves out.

    The network takes pairs of `numbers`; `live` `(2L,)` says which of them those of two rows of the table are, the
    others are zero. The reconstruction is a mean over the `pixels` of a pair.
    """

    table: Single
    rest: Single
    live: Index
    numbers: int
    pixels: int


def plain_film(frames: npt.NDArray[np.uint8]) -> FilmTable:
    """Return uint8 `frames` `(F, size, size)` as float32 from 0 to 1, without the pixels that are black in all of
    them."""
    flat = frames.reshape(len(frames), -1)
    lit = np.flatnonzero(flat.any(axis=0))
    table = np.ascontiguousarray(flat[:, lit], dtype=np.float32) / np.float32(WHITE)
    live = np.concatenate([lit, flat.shape[1] + lit])
    return FilmTable(table, np.zeros(len(flat), np.float32), live, 2 * flat.shape[1], 2 * flat.shape[1])


def mean_frame(film: FilmTable, frames: Index) -> tuple[Array, float]:
    """Return the mean pair of the chosen `frames` `(n,)`, `(numbers,)`, and the root mean square of a pixel about it,
    at least `FAINTEST`; black is 0, white 1."""
    seen, mean = film.table[frames], np.zeros(film.numbers)
    mean[film.live] = np.tile(seen.mean(axis=0, dtype=np.float64), 2)
    spread = math.sqrt(float(seen.var(axis=0, dtype=np.float64).sum()) / (film.numbers // 2))
    return mean, max(spread, FAINTEST)
