"""The angle of a pendulum read from frames: each is compared with the pendulum's picture at every angle."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hnn_engine.coords import Array, wrap_angle
from hnn_engine.progress import ProgressCallback
from hnn_engine.video.motion import Grey, moving, sampled
from hnn_engine.video.pivot_search import Point, find_pivot, peaks

ALIKE = 0.25  # correlation of a frame with the pendulum's picture below which there is nothing to see
FAINTEST = 0.02  # of the pendulum's usual brightness
BATCH = 1024  # frames that are compared at a time
LEAST_EXPLAINED = 0.93  # of what is seen: films of one body have 0.94 to 0.99, those of two 0.5 to 0.7


class _Pictures(NamedTuple):
    """What the pendulum looks like at each of Φ angles in the pixels that it can cover.

    `reached` `(size, size)` are those pixels. `patterns` `(Φ, pixels)` are without their mean and of length 1, or less
    where little of the pendulum is in view; `usual` is the length that most had before.
    """

    reached: npt.NDArray[np.bool_]
    patterns: Grey
    usual: float


@dataclass(frozen=True, eq=False)
class AngleReader:
    """Reads the angle from frames `(N, size, size)` of a pendulum, bright on dark.

    `pivot` (x, y), to the right and down in pixels from the middle of the first one, may lie outside the picture.
    `body` `(R, Φ)` is the hanging pendulum around it: brightness 0 to 1 at `radii` `(R,)` px and at Φ even steps of
    the angle from straight down, counter-clockwise. `explained` is the share of the frames' squared brightness that a
    turning body accounts for.
    """

    size: int
    pivot: Point
    radii: Array
    body: Array
    explained: float

    @classmethod
    def of(cls, frames: npt.NDArray[np.generic], progress: ProgressCallback | None = None) -> "AngleReader":
        """Find pivot and picture from frames of one pendulum, as `read` takes them.

        Raises `RecordingError` where nothing moves, and what `progress`, which hears the share that is done, raises.
        """
        light = _light(frames)
        moving(255 * sampled(light), "The video")
        found = find_pivot(light, progress)
        return cls(light.shape[1], found.pivot, found.radii, found.body, found.explained)

    @property
    def doubt(self) -> str:
        """Why the angles may be wrong, in a sentence; '' where nothing shows that they are."""
        if self.explained >= LEAST_EXPLAINED:
            return ""
        return (
            f"Only {100 * self.explained:.0f} % of what moves turns about one pivot, so the angle may be wrong: "
            "something else moves, or the camera does, or it looks at a slant"
        )

    @property
    def arm(self) -> float:
        """Distance in px from the pivot to the middle of the pendulum's brightness."""
        mass = self.radii * self.body.clip(0).sum(axis=1)
        return float((mass * self.radii).sum() / mass.sum())

    def read(self, frames: npt.NDArray[np.generic]) -> Array:
        """Return the angle in each frame, `(N,)` rad: 0 hanging, counter-clockwise, unwrapped from the first one on.

        `frames` are uint8, or numbers of which 1 is white; they may be blurred, noisy or faint. NaN where there is
        nothing to see. A turn of more than π from one frame to the next is taken for one the other way.
        """
        light = _light(frames)
        parts = [self._wrapped(light[i : i + BATCH]) for i in range(0, len(light), BATCH)]
        angles = np.concatenate([np.empty(0), *parts])
        seen = np.isfinite(angles)
        angles[seen] = np.unwrap(angles[seen])
        return angles

    def _wrapped(self, light: Grey) -> Array:
        """Return the angle in each of some frames in [−π, π), or NaN."""
        reached, patterns, usual = self._pictures
        seen = light[:, reached]
        seen = seen - seen.mean(axis=1, keepdims=True)
        agreement = patterns @ seen.T
        dim = agreement.max(axis=0) < np.maximum(ALIKE * np.linalg.norm(seen, axis=1), FAINTEST * usual)
        return np.where(dim, np.nan, wrap_angle(peaks(agreement) * (2 * np.pi / len(patterns))))

    @cached_property
    def _pictures(self) -> _Pictures:
        pictures = self._drawn()
        reached = pictures.max(axis=0) > 0.1 * pictures.max()
        patterns = pictures[:, reached]
        patterns = patterns - patterns.mean(axis=1, keepdims=True)
        lengths = np.linalg.norm(patterns, axis=1, keepdims=True)
        usual = float(np.percentile(lengths, 90))
        patterns = patterns / np.hypot(lengths, 0.2 * usual)
        return _Pictures(reached.reshape(self.size, self.size), patterns, usual)

    def _drawn(self) -> Grey:
        """Return the pendulum's picture at each of Φ angles, `(Φ, size²)`."""
        place = np.arange(self.size)
        x, y = (place - self.pivot[0])[None, :], (place - self.pivot[1])[:, None]
        row = np.interp(np.hypot(x, y).ravel(), self.radii, np.arange(len(self.radii)))
        ring = np.minimum(row.astype(np.int64), len(self.radii) - 2)
        part = (row - ring)[:, None]
        steps = self.body.shape[1]
        rings = ((1 - part) * self.body[ring] + part * self.body[ring + 1]).astype(np.float32)
        column = np.arctan2(x, y).ravel()[:, None] * (steps / (2 * np.pi)) - np.arange(steps)
        left = np.floor(column).astype(np.int64)
        part = (column - left).astype(np.float32)
        before, after = (np.take_along_axis(rings, (left + i) % steps, axis=1) for i in (0, 1))
        return np.ascontiguousarray(((1 - part) * before + part * after).T)


def _light(frames: npt.NDArray[np.generic]) -> Grey:
    """Return frames as numbers of which 1 is white."""
    light = np.asarray(frames, dtype=np.float32)
    return light / np.float32(255) if frames.dtype == np.uint8 else light
