"""A camera that sees a rod swing: small grey pictures, bright on black, and the angle read back from such pictures."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from hnn_engine.coords import Array, wrap_angle

Frames = npt.NDArray[np.uint8]  # (N, size, size), row 0 on top

VIEW = 1.2  # half the width of the picture, in lengths of the rod
WHITE = 255
GROUP = 512  # frames that are drawn together: what they need in between stays small
TEMPLATES = 720  # angles that a picture is compared with; between them a parabola is fitted
FAINT = 0.1  # of a clear picture's brightness; in what shows less there is nothing to read


class Reader(Protocol):
    """Reads angles from frames."""

    def read(self, frames: Any) -> Array:
        """Return the angle `(N,)` in rad in each of `frames` `(N, size, size)`; NaN where there is nothing to see."""


@dataclass(frozen=True)
class Camera:
    """Pictures of `size` × `size` pixels around the pivot of a rod of length 1 with a round end: white on black.
    `thickness` is in lengths of the rod; a picture shows ±`VIEW` of them."""

    size: int = 28
    thickness: float = 0.2

    def render(self, angles: Array) -> Frames:
        """Return uint8 pictures `(N, size, size)` of the rod at `angles` `(N,)`, rad from hanging, counter-clockwise.

        Antialiased: a pixel is as bright as the share of it that the rod covers, taken from the distance of its middle
        to the rim. Row 0 is on top.
        """
        groups = [self._drawn(angles[i : i + GROUP]) for i in range(0, len(angles), GROUP)]
        return np.concatenate(groups) if groups else np.empty((0, self.size, self.size), np.uint8)

    def _drawn(self, angles: Array) -> Frames:
        pixel = 2 * VIEW / self.size
        across: Any = ((np.arange(self.size) + 0.5) * pixel - VIEW).astype(np.float32)
        down = across[:, None]
        tip = np.stack([np.sin(angles), np.cos(angles)]).astype(np.float32)  # y downward
        x: Any = tip[0, :, None, None]
        y: Any = tip[1, :, None, None]
        along = np.clip(across * x + down * y, 0.0, 1.0)
        gap = np.hypot(across - along * x, down - along * y)
        covered = np.clip(0.5 - (gap - self.thickness / 2) / pixel, 0.0, 1.0)
        drawn: Frames = np.rint(WHITE * covered).astype(np.uint8)
        return drawn

    def read(self, frames: npt.NDArray[Any]) -> Array:
        """Return the angle `(N,)` in rad, in [−π, π), of the rod in `frames` `(N, size, size)`, uint8 or float from 0
        to 1.

        It is where the picture resembles one of `TEMPLATES` rendered rods most, by the cosine a·b/(‖a‖‖b‖) of the two
        as vectors, refined by a parabola through three neighbours; NaN where hardly anything is to be seen.
        """
        bright: Any = np.asarray(frames, dtype=np.float32).reshape(len(frames), -1)
        if frames.dtype == np.uint8:
            bright = bright / WHITE
        patterns, clear = _templates(self)
        likeness = bright @ patterns.T
        best = likeness.argmax(axis=1)
        rows = np.arange(len(bright))
        before, at, after = (likeness[rows, (best + k) % TEMPLATES] for k in (-1, 0, 1))
        bend = before - 2 * at + after
        part = np.where(bend < 0, 0.5 * (before - after) / np.minimum(bend, -1e-12), 0.0)
        angle = (best + part) * (2 * np.pi / TEMPLATES) - np.pi
        return np.where(at > FAINT * clear, wrap_angle(angle), np.nan).astype(np.float64)


@lru_cache(maxsize=8)
def _templates(camera: Camera) -> tuple[npt.NDArray[np.float32], float]:
    """Return rendered rods as unit vectors `(TEMPLATES, size²)`, and how long those vectors were, at the median."""
    angles: Array = np.linspace(-np.pi, np.pi, TEMPLATES, endpoint=False)
    pictures = camera.render(angles).reshape(TEMPLATES, -1).astype(np.float32) / WHITE
    length = np.linalg.norm(pictures, axis=1)
    return pictures / length[:, None], float(np.median(length))
