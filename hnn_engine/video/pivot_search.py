"""Frames of a turning body taken as turns of one picture about a pivot: which pivot, which picture, which angles.

About a pivot c a frame is F(r, φ), φ from straight down, counter-clockwise, and a body at the angle θ is F(r, φ) =
T(r, φ − θ). Given c, each θ is where T and the frame agree best, and T is the mean of the frames turned back, both by a
Fourier transform along φ; pixels outside the picture have no weight. c itself is where T explains most.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hnn_engine.coords import Array, wrap_angle
from hnn_engine.progress import ProgressCallback
from hnn_engine.video.motion import Grey

Waves = npt.NDArray[np.complexfloating]
Point = tuple[float, float]  # x to the right and y down, in pixels from the middle of the first one

FINE, COARSE = 56, 28  # pixels of a side of the pictures that a pivot is refined and first sought in
FINE_FRAMES, COARSE_FRAMES = 64, 24
BLUR = 1.0  # σ that sampling needs, in pixels of the frames
FEW = 0.5  # frames that a part of the body must be seen in to be half believed
HANGING = 0.01  # how a pivot one side of the picture off, or below, weighs: as this part of what stays unexplained
ALONG = (0.2, 0.4, 0.6, 0.8, 1.0, 1.3, 1.7)  # times the distance at which a pivot was first found
ACROSS = tuple(2.0**k for k in np.arange(-3, 1.75, 0.5))  # distances from an arc to try, in sides of the picture
LOPSIDED = math.pi / 6  # between the axis of a body and its middle, at most


class PivotFit(NamedTuple):
    """What frames show about `pivot`: `angles` `(M,)` of a sample, and `body` T `(R, Φ)` at `radii` `(R,)` px.

    The body's columns are Φ even steps of a turn from 0; `explained` is the share of the frames' squares that it is.
    """

    pivot: Point
    angles: Array
    radii: Array
    body: Array
    explained: float


class _Sample(NamedTuple):
    """Frames `(M, side, side)` and where each is brightest, `middles` `(M, 2)`."""

    frames: Grey
    middles: Array


def find_pivot(frames: Grey, progress: ProgressCallback | None = None) -> PivotFit:
    """Return the turning that explains `frames` `(N, size, size)`, bright on dark, best; θ = 0 is the body hanging.

    The pivot may lie outside the picture. Where an arc is too short or too noisy to tell it is taken for a near one
    above. The body hangs along its axis of mirror symmetry.
    """
    tell = progress or (lambda share: None)
    clear = with_something(frames)
    coarse, fine = _sampled(clear, COARSE_FRAMES, COARSE), _sampled(clear, FINE_FRAMES, FINE)
    tried = sorted((_lost(coarse, pivot, 2.0), pivot) for pivot in _candidates(coarse.middles, COARSE))
    tell(0.2)
    pivot = min(_refined(coarse, pivot, 1.0, 2.0) for _, pivot in tried[:3])[1]
    tell(0.4)
    along = _along(fine.middles.mean(axis=0), _rescaled(pivot, COARSE, FINE))
    pivot = min((_lost(fine, pivot, 1.0), pivot) for pivot in along)[1]
    tell(0.6)
    inside = max(abs(place - FINE / 2) for place in pivot) < FINE / 2
    pivot = _refined(fine, pivot, 0.7, 1.0 if inside else 1.5)[1]  # far ones take long, and need it less
    tell(1.0)
    found = _hung(turning(fine, pivot, 1.0, rounds=4), fine.middles)
    return found._replace(pivot=_rescaled(pivot, FINE, frames.shape[1]), radii=found.radii * frames.shape[1] / FINE)


def turning(sample: _Sample, pivot: Point, spacing: float, rounds: int = 2) -> PivotFit:
    """Turn frames back about `pivot`, from the angles of their middles on; cells of r and φ are `spacing` px apart.

    With the share of frames s(r, φ) that see a part of the body, T = Σ F(r, φ + θ)/N / (s + FEW/N), and it explains
    Σ T² (s + FEW/N) of the frames' mean square.
    """
    count = len(sample.frames)
    radii, phis, cells, seen = _polar(sample.frames, pivot, spacing)
    steps, area = len(phis), np.sqrt(radii)[:, None].astype(np.float32)
    cells *= area[..., None]  # so that sums of squares over cells are integrals over the picture
    waves = np.ascontiguousarray(np.moveaxis(np.fft.rfft(cells, axis=1), 1, 0))  # (orders, R, M)
    view = np.fft.rfft(seen.astype(np.float32), axis=1).T
    order = np.arange(len(waves))[:, None]
    angles = _angles(sample.middles, pivot)
    for i in range(rounds + 1):
        back = np.exp(1j * order * angles).astype(np.complex64) / np.float32(count)
        total = np.fft.irfft((waves @ back[..., None])[..., 0], n=steps, axis=0).T
        share = np.fft.irfft(view * back.sum(axis=1)[:, None], n=steps, axis=0).T.clip(0) + FEW / count
        body = total / share
        if i < rounds:
            angles = _best_turns(waves, view, body) * 2 * np.pi / steps
    explained = float((body * total).sum()) * count / max(float((cells**2).sum()), 1e-12)
    return PivotFit(pivot, angles, radii, body / area, explained)


def _best_turns(waves: Waves, view: Waves, body: Array) -> Array:
    """Return by how many cells `body` is turned in each frame: where Σ 2 F T − T² over what is seen is largest."""
    steps = body.shape[1]
    bodies, squares = (np.fft.rfft(b.T.astype(np.float32), axis=0).conj() for b in (body, body**2))
    agreement = np.fft.irfft((bodies[:, None] @ waves)[:, 0], n=steps, axis=0)
    energy = np.fft.irfft((view * squares).sum(axis=1), n=steps)
    return peaks(2 * agreement - energy[:, None])


def _polar(frames: Grey, pivot: Point, spacing: float) -> tuple[Array, Array, Grey, Array]:
    """Return radii `(R,)`, angles `(Φ,)`, the frames there `(R, Φ, M)`, and which cells are in the picture."""
    size = frames.shape[1]
    middle, half = (size - 1) / 2, size / 2
    reach = [abs(place - middle) for place in pivot]
    far, near = math.hypot(*(r + half for r in reach)), math.hypot(*(max(0.0, r - half) for r in reach))
    steps = 2 * math.ceil(max(32.0, math.pi * far / spacing))
    radii, phis = np.arange(near + spacing / 2, far, spacing), np.arange(steps) * 2 * math.pi / steps
    x, y = pivot[0] + radii[:, None] * np.sin(phis), pivot[1] + radii[:, None] * np.cos(phis)
    seen = (np.abs(x - middle) < half) & (np.abs(y - middle) < half)
    cells = np.zeros((*seen.shape, len(frames)), dtype=np.float32)
    cells[seen] = interpolated(frames, x[seen], y[seen])
    return radii, phis, cells, seen


def _angles(middles: Array, pivot: Point) -> Array:
    """Return the directions of `middles` `(M, 2)` from `pivot`, from straight down."""
    return np.arctan2(middles[:, 0] - pivot[0], middles[:, 1] - pivot[1])


def _hung(found: PivotFit, middles: Array) -> PivotFit:
    """Return the turning with angles counted from the body hanging along its axis."""
    outward = _angles(middles, found.pivot)
    heavy = float(np.angle(np.exp(1j * (outward - found.angles)).mean()))
    axis = axis_of(found.body, found.radii, heavy)
    steps = found.body.shape[1]
    waves = np.fft.rfft(found.body, axis=1) * np.exp(1j * np.arange(steps // 2 + 1) * axis)
    return found._replace(angles=found.angles + axis, body=np.fft.irfft(waves, n=steps, axis=1))


def axis_of(body: Array, radii: Array, about: float) -> float:
    """Return the direction near `about`, rad, along which `body` is most like its own mirror image."""
    steps = body.shape[1]
    waves = np.fft.rfft(body, axis=1)
    waves[:, 0] = 0
    alike = np.fft.irfft((radii[:, None] * waves**2).sum(axis=0), n=steps)  # for mirrors along half of each angle
    near = np.cos(np.arange(steps) * 2 * np.pi / steps - 2 * about) > np.cos(2 * LOPSIDED)
    twice = float(peaks(np.where(near, alike, alike.min())[:, None])[0]) * 2 * np.pi / steps
    return float(about + wrap_angle(np.array(twice - 2 * about)) / 2)


def with_something(frames: Grey) -> Grey:
    """Return the frames in which something is at least half as bright as it is in most."""
    brightest = resampled(frames, COARSE).max(axis=(1, 2))
    return np.asarray(frames[brightest >= 0.5 * np.percentile(brightest, 90)])


def _sampled(frames: Grey, most: int, side: int) -> _Sample:
    """Return at most `most` frames, spread evenly, with `side` pixels a side."""
    chosen = np.unique(np.linspace(0, len(frames) - 1, most).round().astype(int))
    small = resampled(frames[chosen], side)
    return _Sample(small, middles_of(small))


def middles_of(frames: Grey) -> Array:
    """Return the middle (x, y) `(M, 2)` of what is brighter than half the brightest in each frame."""
    weights = np.clip(frames - 0.5 * frames.max(axis=(1, 2), keepdims=True), 0, None)
    total, place = weights.sum(axis=(1, 2)), np.arange(frames.shape[1])
    middles = [(weights.sum(axis=axis) * place).sum(axis=1) / np.maximum(total, 1e-12) for axis in (1, 2)]
    return np.stack(middles, axis=-1).astype(np.float64)


def resampled(frames: Grey, side: int) -> Grey:
    """Return frames of `side` × `side` pixels, blurred by `BLUR` pixels of the frames or of the result, the larger."""
    size = frames.shape[1]
    places = (np.arange(side) + 0.5) * size / side - 0.5
    kernel = np.exp(-0.5 * ((places[:, None] - np.arange(size)) / (BLUR * max(1.0, size / side))) ** 2)
    kernel = (kernel / kernel.sum(axis=1, keepdims=True)).astype(np.float32)
    return np.asarray(kernel @ frames @ kernel.T)


def interpolated(frames: Grey, x: Array, y: Array) -> Grey:
    """Return `frames` `(M, size, size)` at places `(P,)` within half a pixel of the picture, `(P, M)`, bilinear."""
    size = frames.shape[1]
    pixels = np.ascontiguousarray(np.pad(frames, ((0, 0), (1, 1), (1, 1)), mode="edge").reshape(len(frames), -1).T)
    left, top = np.floor(x), np.floor(y)
    corner = (top.astype(np.int64) + 1) * (size + 2) + left.astype(np.int64) + 1
    right, down = (x - left).astype(np.float32)[:, None], (y - top).astype(np.float32)[:, None]
    upper = (1 - right) * pixels[corner] + right * pixels[corner + 1]
    lower = (1 - right) * pixels[corner + size + 2] + right * pixels[corner + size + 3]
    return np.asarray((1 - down) * upper + down * lower)


def peaks(values: Array | Grey) -> Array:
    """Return where each column of `values` `(K, N)`, periodic along K, is largest, between the rows too."""
    top, columns = values.argmax(axis=0), np.arange(values.shape[1])
    before, at, after = (values[(top + i) % len(values), columns].astype(np.float64) for i in (-1, 0, 1))
    return np.asarray(top + 0.5 * (before - after) / np.minimum(before - 2 * at + after, -1e-12))


def _candidates(middles: Array, side: int) -> Iterator[Point]:
    """Yield pivots to try: a net over the picture, a circle through the middles, and places across their arc."""
    net = (np.arange(6) + 0.5) / 6 * side
    yield from ((float(x), float(y)) for x in net for y in net)
    mean = middles.mean(axis=0)
    centre = circle_centre(middles)
    if np.abs(centre - mean).max() < 3 * side:
        yield float(centre[0]), float(centre[1])
    across = np.linalg.svd(middles - mean, full_matrices=False)[2][1]
    for distance in ACROSS:
        for x, y in (mean - side * distance * across, mean + side * distance * across):
            yield float(x), float(y)


def circle_centre(points: Array) -> Array:
    """Return the centre of the circle that fits `points` `(N, 2)` by least squares. Source: Kåsa, 1976."""
    middle = points.mean(axis=0)
    near = points - middle
    found = np.linalg.lstsq(np.column_stack([2 * near, np.ones(len(near))]), (near**2).sum(axis=1), rcond=None)[0]
    return np.asarray(middle + found[:2])


def _along(middle: Array, pivot: Point) -> Iterator[Point]:
    """Yield places on the line from `middle` through `pivot`."""
    for times in ALONG:
        x, y = middle + times * (np.array(pivot) - middle)
        yield float(x), float(y)


def _lost(sample: _Sample, pivot: Point, spacing: float) -> float:
    """Return the share of the frames that `pivot` leaves unexplained, more for one far from the body or below it."""
    side = sample.frames.shape[1]
    x, y = (np.array(pivot) - sample.middles.mean(axis=0)) / side
    return (1.0 - turning(sample, pivot, spacing).explained) * (1 + HANGING * float(x**2 + y**2 + max(0.0, y)))


def _refined(sample: _Sample, pivot: Point, step: float, spacing: float) -> tuple[float, Point]:
    """Return what the best pivot near `pivot` loses, and that pivot."""
    from scipy.optimize import minimize

    def lost(at: Array) -> float:
        return _lost(sample, (float(at[0]), float(at[1])), spacing)

    start = np.array(pivot)
    simplex = start + step * np.array([(0, 0), (1, 0), (0, 1)])
    best = minimize(
        lost,
        start,
        method="Nelder-Mead",
        options={"initial_simplex": simplex, "xatol": 0.05, "fatol": 1e-5, "maxfev": 60},
    )
    return float(best.fun), (float(best.x[0]), float(best.x[1]))


def _rescaled(point: Point, old: float, new: float) -> Point:
    """Return `point` of a picture of `old` pixels a side in one of `new`."""
    x, y = ((place + 0.5) * new / old - 0.5 for place in point)
    return x, y
