"""A film in memory, the square that is cut out of it, and how much of a large one is kept."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hnn_engine.coords import Array
from hnn_engine.errors import RecordingError
from hnn_engine.video.display import UPRIGHT, Orientation

Pictures = npt.NDArray[np.uint8]

FEWEST_FRAMES = 20
MOST_FRAMES = 20_000  # that are taken
MOST_STORED = 50_000  # that a film may have
MOST_PIXELS = 50_000_000  # of one picture
SMALLEST_SIDE = 4  # pixels of a crop
LARGEST_FILM = 400 * 10**6  # bytes of grey pixels that are kept
SHORTEST_SIDE = 160  # pixels that must be left of a large film's shorter side


@dataclass(frozen=True)
class FilmFacts:
    """What a file says of its film: the `format`, the `rate_tagged` in frames per second (None where no tag has one),
    and how its pictures are turned. `remarks` are what else is worth knowing, `question` what has to be asked of its
    frame rate, and `answers` what that may be, in frames per second."""

    format: str = ""
    rate_tagged: float | None = None
    orientation: Orientation = UPRIGHT
    remarks: tuple[str, ...] = ()
    question: str = ""
    answers: tuple[float, ...] = ()


@dataclass(frozen=True, eq=False)
class Video:
    """A film: `pictures` `(count, height, width)` grey (luma, uint8), `seconds` from one to the next, None if unknown.

    `path` is the file or folder. `reduced` is how many pixels of the file, each way, make one here: 1 but for large
    films. `note` says what of the file could not be read; it is empty where all could. Frame i was taken at
    `seconds` · `clock[i]`; where `clock` is None, at `seconds` · i. `facts` is what the file says of itself.
    """

    path: str
    title: str
    pictures: Pictures
    seconds: float | None = None
    reduced: int = 1
    note: str = ""
    clock: Array | None = None
    facts: FilmFacts = field(default_factory=FilmFacts)

    @property
    def count(self) -> int:
        """Number of frames."""
        return len(self.pictures)

    @property
    def width(self) -> int:
        """Pixels of a row."""
        return int(self.pictures.shape[2])

    @property
    def height(self) -> int:
        """Rows of pixels."""
        return int(self.pictures.shape[1])

    @property
    def places(self) -> Array:
        """When each frame was taken, `(count,)`, in usual steps from the first one."""
        return np.arange(self.count, dtype=np.float64) if self.clock is None else self.clock

    def picture(self, i: int) -> Pictures:
        """Return frame `i`, from 0 (from the end below 0), `(height, width)`."""
        return np.asarray(self.pictures[i])


@dataclass(frozen=True)
class Crop:
    """A square of a film: its `left` and `top` edge and its `side`, in pixels."""

    left: int
    top: int
    side: int

    @classmethod
    def whole(cls, film: Video) -> "Crop":
        """Return the largest square in the middle of `film`."""
        side = min(film.width, film.height)
        return cls((film.width - side) // 2, (film.height - side) // 2, side)

    def check(self, film: Video) -> None:
        """Raise `RecordingError` where the square is not within the picture of `film`."""
        inside = 0 <= self.left <= film.width - self.side and 0 <= self.top <= film.height - self.side
        if not inside or self.side < SMALLEST_SIDE:
            square = f"The square of {self.side} pixels from column {self.left}, row {self.top}"
            picture = f"a picture of {film.width} × {film.height}"
            raise RecordingError(f"{square} does not lie in {picture} of {film.path}; move it or choose another size")


class DecodedFrames(NamedTuple):
    """What a reader hands over: frames, the time in s at which each begins where that is known, the reduction, and a
    note of what is missing. Times count in units of `tick` s; `facts` is what the file says of itself."""

    pictures: Pictures
    times: Array | None
    reduced: int
    note: str = ""
    tick: float = 0.0
    facts: FilmFacts = FilmFacts()


def check_count(path: str, count: int) -> None:
    """Raise `RecordingError` where a film has so many frames that it is none."""
    if count > MOST_STORED:
        found = f"{path} holds more than {MOST_STORED:,} frames"
        raise RecordingError(f"{found}; expected {FEWEST_FRAMES} to {MOST_STORED:,}: cut it or leave out frames")


def check_pixels(path: str, width: int, height: int) -> None:
    """Raise `RecordingError` where a picture claims to be so large that it would not be worth while to unpack it."""
    if width * height > MOST_PIXELS:
        found = f"{path} claims {width:,} × {height:,} pixels"
        raise RecordingError(f"{found}; expected up to {MOST_PIXELS // 10**6} million: check it or scale it down")


def reduction(path: str, count: int, width: int, height: int) -> int:
    """Return how many pixels, each way, must become one for `count` frames to be kept; raise `RecordingError`."""
    factor = 1
    while count * (width // factor) * (height // factor) > LARGEST_FILM:
        factor += 1
    if factor > 1 and min(width, height) // factor < SHORTEST_SIDE:
        size = f"{count:,} frames of {width} × {height} pixels, {count * width * height / 1e6:,.0f} MB of grey"
        room = f"{LARGEST_FILM // 10**6} MB with at least {SHORTEST_SIDE} pixels left of the shorter side"
        raise RecordingError(f"{path} holds {size}; expected no more than fits {room}: cut it or leave out frames")
    return factor
