"""Time derivatives of a recorded track: a table of methods, none of which looks across a gap but the paper's."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.errors import RecordingError, UnknownNameError
from hnn_engine.parameters import Parameter
from hnn_engine.progress import ProgressCallback
from hnn_engine.recordings.recording import Indices, Mask, Recording, segments
from hnn_engine.recordings.regular import part, unheard
from hnn_engine.recordings.smoothing import spline_slopes, spline_weights

ORDER = 3  # of Savitzky and Golay's polynomial
SHORTEST = 1e-3  # part of the median step that a spline's steps must have
TOLD = 64  # runs between two words of progress
TOGETHER = 20_000  # rows whose cubics are fitted together
UNEVEN = 0.1  # a segment is even where no step differs from the mean, and no time from its place, by more of a step

WINDOW = Parameter(
    "window",
    "Window",
    9,
    5,
    101,
    unit="rows",
    help="Rows used for one derivative; more rows smooth more and flatten fast motion. Shorter runs are left out.",
    acts="data",
)


@dataclass(frozen=True)
class DerivativeInfo:
    """What a method is: whether it steps across gaps, whether its rates are those midway to the next row, and its
    parameters."""

    name: str
    title: str
    summary: str
    crosses_gaps: bool
    parameters: tuple[Parameter, ...] = ()
    midway: bool = False


DERIVATIVES: dict[str, DerivativeInfo] = {
    info.name: info
    for info in (
        DerivativeInfo(
            "savitzky-golay",
            "Savitzky–Golay",
            "The slope of a cubic fitted to the rows around, at their times.",
            False,
            (WINDOW,),
        ),
        DerivativeInfo(
            "smoothing-spline",
            "Smoothing spline",
            "The slope of a cubic spline whose smoothness is chosen by cross-validation; steps may be uneven.",
            False,
            (WINDOW,),
        ),
        DerivativeInfo(
            "forward-difference", "Forward difference", "The step to the next row by its time; gaps left out.", False
        ),
        DerivativeInfo(
            "midpoint",
            "Implicit midpoint",
            "The step to the next row over its time, held against the field midway: one step of implicit midpoint.",
            False,
            midway=True,
        ),
        DerivativeInfo(
            "paper", "Forward difference (paper)", "The paper's: to the next row, across the gaps too.", True
        ),
    )
}


class Derivatives(NamedTuple):
    """`dcoords` `(N, 2)` in coords' units per second, and `valid` `(N,)`: where it is known. Elsewhere it is NaN."""

    dcoords: Array
    valid: Mask


def derivatives(recording: Recording, method: str, window: int = int(WINDOW.default)) -> Derivatives:
    """Estimate d(coords)/dt at every row of `recording` by `method` of `DERIVATIVES`.

    `window` (rows, 5 to 101; an even one is widened by one) counts for Savitzky–Golay, and shorter segments are left
    out of it and of the spline. Raises `UnknownNameError`, `ParameterError` for a bad window, and `RecordingError`
    where no row can be estimated.
    """
    found = estimate(recording.t, recording.coords, recording.trial, recording.gaps, method, window)
    if not found.valid.any():
        raise RecordingError(_advice(recording, method, window))
    return found


def estimate(
    t: Array, x: Array, trial: Indices, gaps: Indices, method: str, window: int, tell: ProgressCallback = unheard
) -> Derivatives:
    """Return dx/dt of `x` `(N, k)` at times `t` `(N,)`; as `derivatives`, but it may be that no row is valid."""
    info = get_derivative(method)
    rows = int(WINDOW.check(window)) | 1
    runs = list(segments(trial, gaps[:0] if info.crosses_gaps else gaps))
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        slopes = _METHODS[method](t, x, runs, rows, tell)
    return Derivatives(slopes, np.asarray(np.isfinite(slopes).all(axis=-1)))


def velocity(t: Array, q: Array, trial: Indices, gaps: Indices, tell: ProgressCallback = unheard) -> Array:
    """Return dq/dt `(N,)` of q `(N,)`, smoothed where a run allows it and finite everywhere; `tell` hears the share."""
    v = np.full(len(q), np.nan)
    for i, method in enumerate(("savitzky-golay", "smoothing-spline")):
        if np.isnan(v).any():
            tells = part(tell, 0.5 * i, 0.5 * (i + 1))
            slopes = estimate(t, q[:, None], trial, gaps, method, int(WINDOW.default), tells).dcoords[:, 0]
            v = np.where(np.isnan(v), slopes, v)
    for number in np.unique(trial[np.isnan(v)]):
        rows = slice(*np.searchsorted(trial, (number, number + 1)))  # trials are numbered in their order
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            plain = np.gradient(q[rows], t[rows]) if len(q[rows]) > 1 else np.zeros(1)
        v[rows] = np.where(np.isnan(v[rows]), plain, v[rows])
    return v


def get_derivative(name: str) -> DerivativeInfo:
    """Return the description of method `name`; raise `UnknownNameError`."""
    if name not in DERIVATIVES:
        raise UnknownNameError("derivative method", name, DERIVATIVES)
    return DERIVATIVES[name]


def _forward_difference(t: Array, x: Array, runs: list[slice], window: int, tell: ProgressCallback) -> Array:
    """Return (x[i+1] − x[i]) / (t[i+1] − t[i]); the last row of each run has none."""
    slopes = np.full_like(x, np.nan)
    slopes[:-1] = np.diff(x, axis=0) / np.diff(t)[:, None]
    slopes[[run.stop - 1 for run in runs]] = np.nan
    return slopes


def _savitzky_golay(t: Array, x: Array, runs: list[slice], window: int, tell: ProgressCallback) -> Array:
    """Return the slopes of cubics over `window` rows, at a run's ends those of its last whole window.

    Where steps are even all cubics share their weights; elsewhere each is fitted at the times of its own rows. Source:
    Savitzky & Golay, Anal. Chem. 36 (1964) 1627.
    """
    from scipy.signal import savgol_filter

    slopes = np.full_like(x, np.nan)
    for run in _told(runs, tell):
        if run.stop - run.start < window:
            continue
        if is_even(t[run]):
            step = float(np.diff(t[run]).mean())
            slopes[run] = savgol_filter(x[run], window, ORDER, deriv=1, delta=step, axis=0)
        elif is_graded(t[run]):
            slopes[run] = local_slopes(t[run], x[run], window)
    return slopes


def local_slopes(t: Array, x: Array, window: int) -> Array:
    """Return the slopes `(n, k)` of cubics through the `window` rows around each of `x` `(n, k)` at times `t` `(n,)`,
    least squares; steps may be uneven."""
    slopes, half = np.empty_like(x), window // 2
    for first in range(0, len(t), TOGETHER):
        rows = np.arange(first, min(first + TOGETHER, len(t)))
        around = np.clip(rows - half, 0, len(t) - window)[:, None] + np.arange(window)
        span = (t[around[:, -1]] - t[around[:, 0]])[:, None]
        powers = ((t[around] - t[rows][:, None]) / span)[..., None] ** np.arange(ORDER + 1)  # (rows, window, 4)
        across = powers.swapaxes(1, 2)
        with suppress(np.linalg.LinAlgError):
            slopes[rows] = np.linalg.solve(across @ powers, across @ x[around])[:, 1] / span
    return slopes


def _smoothing_spline(t: Array, x: Array, runs: list[slice], window: int, tell: ProgressCallback) -> Array:
    """Return the slopes of cubic smoothing splines, one smoothness a column for all runs, by cross-validation."""
    slopes = np.full_like(x, np.nan)
    long = [run for run in runs if run.stop - run.start >= window and is_graded(t[run])]
    if not long:
        return slopes
    step = float(np.median(np.concatenate([np.diff(t[run]) for run in long])))
    weights = spline_weights(t / step, x, long)
    for run in _told(long, tell):
        times = (t[run] - t[run.start]) / step
        for column, weight in enumerate(weights):
            slopes[run, column] = spline_slopes(times, x[run, column], weight) / step
    return slopes


def _told(runs: list[slice], tell: ProgressCallback) -> Iterator[slice]:
    """Yield the runs, and tell of them now and then."""
    for i, run in enumerate(runs):
        if i % TOLD == 0:
            tell(i / len(runs))
        yield run


_METHODS: dict[str, Callable[[Array, Array, list[slice], int, ProgressCallback], Array]] = {
    "savitzky-golay": _savitzky_golay,
    "smoothing-spline": _smoothing_spline,
    "forward-difference": _forward_difference,
    "midpoint": _forward_difference,
    "paper": _forward_difference,
}


def is_even(t: Array) -> bool:
    """Whether no step of `t` differs from the mean step by more than a tenth, nor any time from where even steps would
    have it by more than a tenth of one: small deviations may add up."""
    steps = np.diff(t)
    step = steps.mean()
    added = np.cumsum(steps - step)
    return bool(max(np.abs(steps - step).max(), np.ptp(added) / 2) <= UNEVEN * step)


def is_graded(t: Array) -> bool:
    """Whether no step of `t` is so short beside the median one that a spline through it would be ill-conditioned."""
    steps = np.diff(t)
    return bool(steps.min() >= SHORTEST * np.median(steps))


def _advice(recording: Recording, method: str, window: int) -> str:
    """Say why no row has a derivative."""
    longest = max(run.stop - run.start for run in recording.segments())
    found = f"{recording.source}: {DERIVATIVES[method].title} finds no derivative"
    if longest < window:
        return (
            f"{found}, for the longest run without a gap has {longest} rows; expected {window}: take a smaller window"
        )
    return f"{found}, for some time steps are next to nothing; expected similar ones: choose forward-difference"
