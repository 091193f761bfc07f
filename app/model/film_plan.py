"""What a film shows: which views, how large, how fast, and which instants of the rollouts."""

import math
from dataclasses import dataclass

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.errors import NEAREST, ParameterError, choice, shortened
from hnn_engine.number_format import number
from hnn_engine.video.writing import delays, gif_every

VIEWS = {
    "scene": "Scene",
    "portrait": "Phase portrait",
    "energy": "Energy",
    "error": "Error",
    "window": "Window",
}  # `scene` is what a camera sees, where what is studied is observed as frames
MOST_VIEWS = 4  # in one picture
SMALLEST, LARGEST = 240, 4096  # pixels of a side
LEAST_RATE, MOST_RATE = 1.0, 120.0  # frames a second
LEAST_SPEED, MOST_SPEED = 1e-3, 1e3  # seconds of the rollouts in a second of the film
MOST_FRAMES = 20_000
GIF = ".gif"
FILMS = (".mp4", GIF)


@dataclass(frozen=True)
class FilmPlan:
    """`views`, names of `VIEWS`, side by side in pictures of `size` (width, height) pixels, `rate` a second for
    `seconds`; the first at the instant `begin` of the rollouts, of which `speed` seconds go by in one of the film."""

    views: tuple[str, ...]
    size: tuple[int, int]
    rate: float
    seconds: float
    begin: float = 0.0
    speed: float = 1.0
    theme: str = "light"

    @property
    def count(self) -> int:
        """How many pictures there are."""
        return max(1, round(self.seconds * self.rate))

    @property
    def times(self) -> Array:
        """The instants of the rollouts that the pictures show `(count,)`, s: tₙ = begin + n · speed / rate."""
        found: Array = self.begin + np.arange(self.count, dtype=np.float64) * (self.speed / self.rate)
        return found

    def checked(self, horizon: float) -> "FilmPlan":
        """Return the plan; raise `ParameterError` where it cannot be filmed of rollouts that end at `horizon` s."""
        check_views(self.views)
        if not all(SMALLEST <= side <= LARGEST for side in self.size):
            raise ParameterError(
                f"The size is {self.size[0]}x{self.size[1]}, but a film has {SMALLEST} to {LARGEST} pixels a side: "
                "choose another, as in 1280x720"
            )
        _check("The rate", self.rate, LEAST_RATE, MOST_RATE, "frames a second")
        _check("The speed", self.speed, LEAST_SPEED, MOST_SPEED, "times")
        if not (math.isfinite(self.begin) and 0 <= self.begin < horizon):
            raise ParameterError(
                f"The film begins at {self.begin:.6g} s, but the rollouts last from 0 to {horizon:.6g} s: choose a "
                "time in them"
            )
        most = (horizon - self.begin) / self.speed
        if not 0 < self.seconds <= most * (1 + 1e-9):
            raise ParameterError(
                f"The film is to last {self.seconds:.6g} s, but the rollouts end after {most:.6g} s of it: choose a "
                "shorter film, or longer rollouts"
            )
        if self.count > MOST_FRAMES:
            raise ParameterError(
                f"The film would have {self.count:,} pictures, but at most {MOST_FRAMES:,}: choose a shorter one or a "
                "lower rate"
            )
        return self

    def in_words(self, suffix: str) -> str:
        """Return how many pictures there are, and at what rate a file of this kind shows them: a GIF counts in
        hundredths of a second."""
        every = gif_every(1 / self.rate) if suffix == GIF else 1
        count = len(delays(self.count, 1 / self.rate)[0]) if suffix == GIF else self.count
        return f"{count} picture{'' if count == 1 else 's'}, {number(self.rate / every)} a second"


def _check(what: str, value: float, low: float, high: float, unit: str) -> None:
    if not low <= value <= high:
        raise ParameterError(f"{what} is {value:.6g}, but it must be {low:g} to {high:g} {unit}: choose another")


def check_views(views: tuple[str, ...]) -> None:
    """Raise `ParameterError` where these are not to be seen together."""
    strange = next((name for name in views if name not in VIEWS), None)
    if strange is not None:
        raise ParameterError(f"There is no view '{shortened(strange)}': {choice(strange, VIEWS)}")
    if not views or len(set(views)) < len(views) or len(views) > MOST_VIEWS:
        raise ParameterError(
            f"A film shows one view, or up to {MOST_VIEWS} different ones with commas between: name some of "
            f"{', '.join(list(VIEWS)[:NEAREST])}"
        )
    if "window" in views and len(views) > 1:
        raise ParameterError("The view 'window' shows all panels: leave the others out")


def parse_size(text: str, option: str = "--size") -> tuple[int, int]:
    """Read '1280x720'; raise `ParameterError`, which names `option`."""
    width, _, height = text.lower().replace("×", "x").replace(" ", "").partition("x")
    if not (width.isdecimal() and height.isdecimal() and len(width) < 6 and len(height) < 6):
        raise ParameterError(f"{option} is '{shortened(text)}', but it must be WIDTHxHEIGHT, as in 1280x720")
    return int(width), int(height)
