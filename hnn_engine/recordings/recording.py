"""A recording: a measured (or simulated) track of one coordinate and its velocity, in SI units."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Literal

import numpy as np
import numpy.typing as npt

from hnn_engine.camera import Frames, Reader
from hnn_engine.coords import Array
from hnn_engine.errors import ParameterError
from hnn_engine.recordings.frame_steps import FrameSteps, frame_steps

Kind = Literal["angle", "length", "number"]
Indices = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

SMALLEST, LARGEST = 1e-100, 1e100  # coefficients of an energy: beyond them it would not be a number everywhere
GAP = 1.5  # a step longer than this many medians of its trial is a gap


@dataclass(frozen=True)
class ReferenceEnergy:
    """A stated energy to evaluate by: H = a(1 − cos q) + b p² for an angle, a q² + b p² for a length.

    `coefficients` is (a, b), both above zero, so that min H = 0. `floor` is the smallest energy that a drift is
    divided by. Raises `ParameterError` for other coefficients.
    """

    kind: Kind
    coefficients: tuple[float, float]
    floor: float

    def __post_init__(self) -> None:
        """Raise `ParameterError` where a coefficient is not a positive number of a usual size."""
        for name, value in zip("ab", self.coefficients, strict=True):
            if not SMALLEST < value < LARGEST:
                allowed = f"a number above 0, between {SMALLEST:g} and {LARGEST:g}"
                raise ParameterError(f"{name} of the reference energy is {value}, but it must be {allowed}")

    @property
    def label(self) -> str:
        """The formula in words for a legend: '2.4(1 − cos q) + p²'."""
        a, b = ("" if value == 1 else f"{value:.4g}" for value in self.coefficients)
        potential = f"{a}(1 − cos q)" if self.kind == "angle" else f"{a}q²".replace("q", " q" if a else "q")
        return f"{potential} + {b}{' ' if b else ''}p²"

    @property
    def min_energy(self) -> float:
        """Return min H = 0."""
        return 0.0

    def hamiltonian(self, coords: Array) -> Array:
        """Return H, `(..., 2) -> (...)`, in units of the coefficients."""
        (a, b), q, p = self.coefficients, coords[..., 0], coords[..., 1]
        potential = 1 - np.cos(q) if self.kind == "angle" else q**2
        return a * potential + b * p**2

    def energy_scale(self, start: Array) -> float:
        """Return E = max(H(start) − min H, floor), what a drift is divided by."""
        return max(float(self.hamiltonian(start)), self.floor)


@dataclass(frozen=True, eq=False)
class Recording:
    """A track: `t` `(N,)` s rising within each trial, `trial` `(N,)` from 0, `coords` `(N, 2)` = (q, v).

    q is in rad (unwrapped within each trial) or m and v in rad/s or m/s, which is p at unit mass. `gaps` holds each
    row before which rows are missing. `known` says that the file's layout was known by itself, `simulated` that no
    instrument measured it, `velocity_estimated` that v was computed from q. Of a film, `frames` `(N, size, size)` are
    the pictures themselves, a row's at the same index, and `reader` reads their angles.
    """

    title: str
    source: str
    kind: Kind
    t: Array
    trial: Indices
    coords: Array
    gaps: Indices
    simulated: bool = False
    known: bool = False
    velocity_estimated: bool = False
    reference: ReferenceEnergy | None = None
    frames: Frames | None = None
    reader: Reader | None = None

    @property
    def frame_size(self) -> int:
        """Pixels across and down a frame; 0 where there are none."""
        return int(self.frames.shape[-1]) if self.frames is not None else 0

    @cached_property
    def frame_steps(self) -> FrameSteps:
        """Which row comes one step after each, by their times."""
        return frame_steps(self.t, self.trial)

    @property
    def seconds(self) -> float:
        """Time from one row to the next, s; of a film whose frames are not evenly spaced, the step of `frame_steps`."""
        return float(self.t[1] - self.t[0]) if self.frames is None else self.frame_steps.seconds

    @property
    def trials(self) -> int:
        """Number of trials."""
        return int(self.trial[-1]) + 1

    def row_at(self, coords: Array) -> int | None:
        """Return the row whose state is `coords` `(2,)`, or None where none is."""
        rows = np.flatnonzero((np.abs(self.coords - coords) < 1e-9).all(axis=-1))
        return int(rows[0]) if len(rows) else None

    def segments(self) -> Iterator[slice]:
        """Yield the runs of rows with neither a gap nor a change of trial inside."""
        return segments(self.trial, self.gaps)

    def with_reference(self, a: float, b: float) -> "Recording":
        """Return this recording with a reference energy, as `ReferenceEnergy` states it; raise `ParameterError`."""
        energy = ReferenceEnergy(self.kind, (a, b), 0.0)
        floor = 0.01 * float(energy.hamiltonian(self.coords).max())
        return replace(self, reference=replace(energy, floor=floor))


def find_gaps(t: Array, trial: Indices) -> Indices:
    """Return the rows whose step from the row before, in the same trial, exceeds 1.5 times that trial's median step."""
    steps = np.diff(t)
    inside = np.diff(trial) == 0
    edges = np.flatnonzero(~inside)
    found = []
    for start, stop in zip([0, *(edges + 1)], [*edges, len(steps)], strict=True):
        if stop > start:
            own = steps[start:stop]
            found.append(start + 1 + np.flatnonzero(own > GAP * np.median(own)))
    return np.concatenate(found).astype(np.int64) if found else np.empty(0, dtype=np.int64)


def segments(trial: Indices, gaps: Indices) -> Iterator[slice]:
    """Yield the runs of rows with neither a gap nor a change of trial inside."""
    breaks = np.union1d(gaps, np.flatnonzero(np.diff(trial)) + 1)
    edges = [0, *(int(i) for i in breaks), len(trial)]
    return (slice(a, b) for a, b in pairwise(edges))
