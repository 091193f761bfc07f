"""A fitted autoencoder frozen in numpy weights, and the affine map from its latents to coordinates."""

import math
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from hnn_engine.camera import WHITE
from hnn_engine.coords import Array
from hnn_engine.models.autoencoder import DECODER, ENCODER, LAYERS, Single, half_output, numpy_relu

MAP = ("map.matrix", "map.offset", "map.seconds")  # what a file calls it
MAP_SHAPES: dict[str, tuple[int, ...]] = {MAP[0]: (2, 2), MAP[1]: (2,), MAP[2]: (1,)}
LAST = tuple(f"{DECODER}{kind}{LAYERS - 1}" for kind in "wb")  # the weights that make the pictures
FLATTEST = 1e-6  # the smaller singular value of a map, in shares of the larger: less is no map of the plane


@dataclass(frozen=True, eq=False)
class FrozenAutoencoder:
    """Frames ↔ latents z ↔ coordinates x = z @ `matrix` + `offset`, `(2, 2)` and `(2,)`; one unit of the latents' time
    is `seconds`."""

    weights: dict[str, Single] = field(repr=False)
    matrix: Array
    offset: Array
    seconds: float

    @cached_property
    def size(self) -> int:
        """Pixels across and down a frame."""
        return math.isqrt(len(self.weights[f"{ENCODER}w0"]) // 2)

    def encode(self, pairs: npt.NDArray[np.generic]) -> Array:
        """Return latents `(N, 2)` of pairs of frames `(N, 2, size, size)`, uint8 or float from 0 to 1."""
        x = np.asarray(pairs, dtype=np.float32).reshape(len(pairs), -1)
        if pairs.dtype == np.uint8:
            x = x / np.float32(WHITE)
        return np.asarray(half_output(self.weights, ENCODER, x, numpy_relu), dtype=np.float64)

    def decode(self, z: Array) -> Single:
        """Return float32 pairs of frames `(N, 2, size, size)` at latents z `(N, 2)`, about 0 to 1."""
        x = half_output(self.weights, DECODER, z.astype(np.float32), numpy_relu)
        pairs: Single = x.reshape(len(z), 2, self.size, self.size)
        return pairs

    def coords(self, z: Array) -> Array:
        """Return x = z M + c `(..., 2)` of latents z `(..., 2)`."""
        x: Array = z @ self.matrix + self.offset
        return x

    @cached_property
    def inverse(self) -> Array:
        """M⁻¹ `(2, 2)`, of the `matrix` M."""
        inverse: Array = np.linalg.inv(self.matrix).astype(np.float64)
        return inverse

    def latents(self, x: Array) -> Array:
        """Return z = (x − c) M⁻¹ `(..., 2)` of coordinates x `(..., 2)`."""
        z: Array = (x - self.offset) @ self.inverse
        return z

    def encode_coords(self, pairs: npt.NDArray[np.generic]) -> Array:
        """Return the coordinates x `(N, 2)` that pairs of frames `(N, 2, size, size)` show, uint8 or float from 0 to
        1."""
        return self.coords(self.encode(pairs))

    def picture(self, x: Array) -> Single:
        """Return the first of the two frames, float32 `(N, size, size)`, at coordinates x `(N, 2)`, cut to 0 … 1."""
        return self.painted(self.latents(x))

    def painted(self, z: Array) -> Single:
        """Return the first of the two frames, float32 `(N, size, size)`, at latents z `(N, 2)`, cut to 0 … 1."""
        x = half_output(self._one_frame, DECODER, z.astype(np.float32), numpy_relu)
        frames: Single = np.clip(x, 0.0, 1.0).reshape(len(z), self.size, self.size)
        return frames

    @cached_property
    def _one_frame(self) -> dict[str, Single]:
        """The weights without what makes the second frame: half of the work."""
        last = {name: self.weights[name][..., : self.size**2] for name in LAST}
        return {**self.weights, **last}

    def arrays(self) -> dict[str, npt.NDArray[np.generic]]:
        """Return everything by name, as files keep it: the weights, float32, and the map with the shapes of
        `MAP_SHAPES`."""
        known = zip(MAP, (self.matrix, self.offset, np.array([self.seconds])), strict=True)
        return {**self.weights, **dict(known)}


def fit_map(z: Array, x: Array) -> tuple[Array, Array]:
    """Return (M, c), `(2, 2)` and `(2,)`, that minimise ‖z M + c − x‖² over rows of z and x, `(N, 2)` each: least
    squares.

    Where latents fill no plane, as early in a fit, M is kept invertible (`FLATTEST`). Where they are not finite, as
    when weights have exploded, there is nothing to fit, and M is I.
    """
    if not np.isfinite(z).all():
        return np.eye(2), x.mean(axis=0)
    middle, mean = z.mean(axis=0), x.mean(axis=0)
    matrix, *_ = np.linalg.lstsq(z - middle, x - mean, rcond=None)
    u, sizes, vt = np.linalg.svd(matrix)
    sizes = np.maximum(sizes, max(FLATTEST * sizes[0], 1e-9))
    matrix = u @ np.diag(sizes) @ vt
    return matrix, mean - middle @ matrix


__all__ = ["MAP", "MAP_SHAPES", "FrozenAutoencoder", "fit_map"]
