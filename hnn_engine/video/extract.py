"""Small square frames cut out of a film: what moves is bright, what stands still is dark."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.errors import RecordingError
from hnn_engine.progress import ProgressCallback
from hnn_engine.video.angle_tracking import AngleReader
from hnn_engine.video.clip import FEWEST_FRAMES, MOST_FRAMES, Crop, Pictures, Video
from hnn_engine.video.motion import Background, Grey, moving, sampled, still_background

SIDES = (8, 128)  # pixels that the side of a frame may have
LARGEST_TAKEN = 90 * 10**6  # bytes of small frames: so much a run keeps
BRIGHT = 242.0  # grey levels that what moves has in a usual frame, at its brightest


@dataclass(frozen=True, eq=False)
class FrameSequence:
    """Frames of a film: `frames` `(N, size, size)` uint8, bright on dark, usually `dt` s apart, cut out of `source`.

    Frame i was taken at `dt` · `clock[i]`; where `clock` is None, at `dt` · i.
    """

    title: str
    source: str
    frames: Pictures
    dt: float
    clock: Array | None = None

    @property
    def t(self) -> Array:
        """When each frame was taken, `(N,)` s from the first."""
        return self.dt * (np.arange(len(self.frames), dtype=np.float64) if self.clock is None else self.clock)

    @property
    def size(self) -> int:
        """Pixels of a frame's side."""
        return int(self.frames.shape[1])

    @cached_property
    def reader(self) -> AngleReader:
        """What reads a pendulum's angle from such frames; made when first asked for. Raises `RecordingError`."""
        return AngleReader.of(self.frames)

    def find_reader(self, progress: ProgressCallback | None = None) -> AngleReader:
        """Return `reader`; where it is not made yet, `progress` hears of it, and what that raises ends the work."""
        if "reader" not in self.__dict__:
            self.__dict__["reader"] = AngleReader.of(self.frames, progress)
        return self.reader

    def with_steps(self, dt: float) -> "FrameSequence":
        """Return the same frames with usual steps of `dt` s; what has been found out about them stays."""
        same = replace(self, dt=dt)
        same.__dict__.update({name: value for name, value in vars(self).items() if name in ("reader", "angles")})
        return same

    @cached_property
    def angles(self) -> Array:
        """The angle in each frame, `(N,)` rad, unwrapped, NaN where nothing is seen; may raise `RecordingError`."""
        return self.reader.read(self.frames)


def extract_frames(
    film: Video,
    crop: Crop,
    size: int = 28,
    first: int = 0,
    last: int | None = None,
    every: int = 1,
    dark: bool | None = None,
    seconds: float | None = None,
    progress: ProgressCallback | None = None,
) -> FrameSequence:
    """Cut frames `first`, `first + every` … up to and with `last` out of `film`, at `size` × `size` pixels.

    A pixel is the mean of what it covers. The still background is taken away and what is left scaled so that what moves
    is near white in a usual frame; whatever is on the other side of the background becomes black. For an autoencoder
    that means: almost all of a frame is 0, the picture of a bright thing is what there is to learn, and its brightness
    does not depend on the film. `dark` says that the moving thing is darker than what is behind it; None finds out.
    `seconds` is the usual step between successive frames of the film, where it does not know or is to be corrected: its
    times are stretched to that. Raises `RecordingError` for a crop outside the picture, too few or too many frames, no
    motion, and unknown time steps; and what `progress` raises.
    """
    crop.check(film)
    dt = every * _seconds(film, seconds)
    chosen = _chosen(film, first, last, every)
    if not SIDES[0] <= size <= SIDES[1]:
        raise RecordingError(f"Frames of {size} pixels a side are not for this; expected {SIDES[0]} to {SIDES[1]}")
    if len(chosen) * size**2 > LARGEST_TAKEN:
        found = f"{len(chosen):,} frames of {size} × {size} pixels take {len(chosen) * size**2 / 1e6:.0f} MB"
        raise RecordingError(f"{found}; expected {LARGEST_TAKEN // 10**6} MB: choose fewer or smaller ones")
    frames = _scaled(film, crop, size, chosen, progress or (lambda share: None))
    seen = sampled(frames)
    moved = moving(seen, f"The chosen part of {film.path}")
    turned = _turned(frames, still_background(seen, moved, dark))
    clock = None if film.clock is None else (film.clock[chosen] - film.clock[chosen[0]]) / every
    return FrameSequence(film.title, film.path, turned, dt, clock)


def _seconds(film: Video, stated: float | None) -> float:
    seconds = film.seconds if stated is None else stated
    if seconds is None:
        asked = film.facts.question or "the file does not say how far its frames are apart: state the frame rate"
        options = " or ".join(f"--fps {rate:.4g}" for rate in film.facts.answers) or "--fps RATE"
        raise RecordingError(f"{film.path}: {asked[:1].lower()}{asked[1:]} ({options} on the command line)")
    if not 0 < seconds < np.inf:
        raise RecordingError(f"{seconds} s between frames of {film.path} is no time step; expected a number above 0")
    return seconds


def _chosen(film: Video, first: int, last: int | None, every: int) -> range:
    """Return the numbers of the frames to take."""
    end = film.count - 1 if last is None else last
    if not (0 <= first <= end < film.count and every >= 1):
        asked = f"Frames {first} to {end}, every {every}, are not in {film.path}"
        raise RecordingError(f"{asked}; expected a part of 0 to {film.count - 1}: choose again")
    chosen = range(first, end + 1, every)
    if len(chosen) < FEWEST_FRAMES:
        raise RecordingError(f"{len(chosen)} frames of {film.path} are too few; expected {FEWEST_FRAMES}: take more")
    if len(chosen) > MOST_FRAMES:
        raise RecordingError(
            f"{len(chosen):,} frames of {film.path} are too many; expected {MOST_FRAMES:,}: take every second"
        )
    return chosen


def _scaled(film: Video, crop: Crop, size: int, chosen: range, tell: ProgressCallback) -> Grey:
    """Return the chosen frames cut and scaled, `(N, size, size)`, in grey levels."""
    share = _shares(crop.side, size)
    frames = np.empty((len(chosen), size, size), dtype=np.float32)
    for row, i in enumerate(chosen):
        square = film.picture(i)[crop.top : crop.top + crop.side, crop.left : crop.left + crop.side]
        frames[row] = share @ square.astype(np.float32) @ share.T
        tell((row + 1) / len(chosen))
    return frames


def _shares(side: int, size: int) -> Grey:
    """Return the weights `(size, side)` of each of `side` pixels in `size` that cover the same length."""
    edges = np.arange(size + 1) * side / size
    pixel = np.arange(side)
    covered = np.minimum(edges[1:, None], pixel + 1) - np.maximum(edges[:-1, None], pixel)
    return np.asarray(covered.clip(0) * size / side, dtype=np.float32)


def _turned(frames: Grey, behind: Background) -> Pictures:
    """Return frames bright on dark; what they were made of is used up."""
    frames -= behind.background
    frames *= BRIGHT / behind.contrast
    np.clip(np.rint(frames, out=frames), 0, 255, out=frames)
    return frames.astype(np.uint8)
