"""What moves in a film, and what stands still behind it."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hnn_engine.coords import Array
from hnn_engine.errors import RecordingError

Mask = npt.NDArray[np.bool_]
Grey = npt.NDArray[np.float32]

SAMPLE = 400  # frames that are looked at
LEAST = 2.0  # grey levels of 255 that a moving pixel's brightness spreads by, more than
ABOVE_NOISE = 2.0  # times the spread of a pixel that only has noise
FEWEST_MOVING = 0.005  # part of the picture that must move
STANDS_OUT = 0.15  # part of the contrast of what moves by which a still pixel differs from a plain background
SAME_TONE = 0.25  # part of the contrast by which what always covers a pixel may differ from what moves
SELDOM = 0.25  # of −1 to 1: from this on medians tell what is behind
MOST_COVERED = 0.25  # of what moves: more pixels than that do not hide under it all the time
PLAIN = 0.05  # part of the still picture that may stand out of a plain background


class Background(NamedTuple):
    """The still `background` `(size, size)`, and what moves before it in a usual frame.

    `contrast` (above 0 if bright) and `tone`, grey levels as the background, are of what stands out most; `area` is
    the number of moving pixels that stand out by half of that.
    """

    background: Grey
    contrast: float
    tone: float
    area: float


def sampled(frames: Grey) -> Grey:
    """Return `SAMPLE` frames at most, spread evenly."""
    chosen = np.unique(np.linspace(0, len(frames) - 1, SAMPLE).round().astype(int))
    return np.asarray(frames[chosen])


def moving(frames: Grey, what: str) -> Mask:
    """Return the pixels of `frames` `(N, size, size)`, grey levels to 255, that change by more than the noise does.

    Raises `RecordingError`, which begins with `what`, where next to none does.
    """
    spread = frames.std(axis=0)
    noise = float(np.percentile(spread, 20))
    found = np.asarray(spread > max(LEAST, ABOVE_NOISE * noise))
    if found.mean() < FEWEST_MOVING:
        seen = f"next to nothing changes by more than the noise of {noise:.1f} grey levels of 255"
        raise RecordingError(f"{what} shows no motion, for {seen}; expected a moving pendulum: choose another part")
    return found


def still_background(frames: Grey, moved: Mask, dark: bool | None = None) -> Background:
    """Return the still background behind the `moved` pixels of `frames`, which is lighter than what moves
    where that is `dark`; None: detected.

    A background of one tone, which may change slowly across the picture, is a surface of second order through the
    still pixels: then the parts of a pendulum that always cover a pixel stay visible. In front of anything else the
    background is each pixel's own: its median, and where things move its tenth percentile on the far side from them;
    a few pixels between moving ones, of the same tone as what moves, are taken for always covered.
    """
    middle = np.median(frames, axis=0).astype(np.float64)
    low, high = np.percentile(frames, (5, 95), axis=0)
    surface = _surface(middle, ~moved)
    seldom = _bright(middle, low, high, moved)
    if dark is None:
        dark = (seldom if abs(seldom) > SELDOM else seldom + _bright(surface, low, high, moved)) < 0
    sign = -1 if dark else 1
    plain = _standing_out(frames, surface.astype(np.float32), moved, sign)
    if _is_plain(sign * (middle - surface), moved, abs(plain.contrast)):
        return plain
    return _standing_out(frames, _own(frames, middle, moved, sign), moved, sign)


def _own(frames: Grey, middle: Array, moved: Mask, sign: int) -> Grey:
    """Return each pixel's own background; what moves is brighter where `sign` is 1."""
    behind = np.percentile(frames, 10 if sign > 0 else 90, axis=0)
    noise = float(np.percentile(frames.std(axis=0), 20))
    own = np.where(moved, behind + sign * 1.28 * noise, middle).astype(np.float32)
    found = _standing_out(frames, own, moved, sign)
    covered = _between(moved) & (np.abs(middle - found.tone) < SAME_TONE * abs(found.contrast))
    if covered.sum() < MOST_COVERED * found.area:
        own[covered] = found.tone - found.contrast
    return own


def _bright(behind: Array, low: Array, high: Array, moved: Mask) -> float:
    """Return from −1 to 1 how much brighter than what is `behind` the moved pixels become, rather than darker.

    The median of a pixel is behind what moves if it is seldom covered. Where most are covered about half of the time
    that tells nothing, and the surface through the still pixels around has to say it.
    """
    swing = (high - low)[moved]
    return float(((high + low - 2 * behind)[moved] * swing).sum() / (swing**2).sum())


def _between(mask: Mask) -> Mask:
    """Return the pixels outside of `mask` that have some of it both left and right of them."""
    before = np.maximum.accumulate(mask, axis=1)
    after = np.maximum.accumulate(mask[:, ::-1], axis=1)[:, ::-1]
    return np.asarray(before & after & ~mask)


def _surface(middle: Array, still: Mask) -> Array:
    """Return the surface of second order through most of the `still` pixels of `middle`, by Cauchy's weights."""
    place = np.linspace(-1, 1, len(middle))
    y, x = np.meshgrid(place, place, indexing="ij")
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1)
    if still.sum() < 2 * terms.shape[-1]:
        return np.full_like(middle, np.median(middle))
    rows, values = terms[still], middle[still]
    surface = np.full_like(middle, np.median(values))
    for _ in range(20):
        left = values - surface[still]
        scale = 2 * np.median(np.abs(left)) + 1.0
        weights = 1 / np.sqrt(1 + (left / scale) ** 2)
        found = np.linalg.lstsq(rows * weights[:, None], values * weights, rcond=None)[0]
        surface = terms @ found
    return np.asarray(surface)


def _standing_out(frames: Grey, background: Grey, moved: Mask, sign: int) -> Background:
    """Return how what moves stands out of `background`, which it is brighter than where `sign` is 1."""
    rise = sign * (frames[:, moved] - background[moved])
    rows, top = np.arange(len(frames)), rise.argmax(axis=1)
    contrast = max(1.0, float(np.median(rise[rows, top])))
    area = float(np.median((rise > contrast / 2).sum(axis=1)))
    return Background(background, sign * contrast, float(np.median(frames[:, moved][rows, top])), area)


def _is_plain(rise: Array, moved: Mask, contrast: float) -> bool:
    """Whether little of the still picture rises out of the background, but for what hangs together with the motion."""
    body, like_it = moved, ~moved & (rise > 0.5 * contrast)
    while (grown := body | (_spread(body) & like_it)).sum() > body.sum():
        body = grown
    rest = np.abs(rise[~body])
    return rest.size == 0 or float((rest > STANDS_OUT * contrast).mean()) < PLAIN


def _spread(mask: Mask) -> Mask:
    """Return the pixels of `mask` and their neighbours."""
    wide = np.pad(mask, 1)
    across = wide[:, :-2] | wide[:, 1:-1] | wide[:, 2:]
    return np.asarray(across[:-2] | across[1:-1] | across[2:])
