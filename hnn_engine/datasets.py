"""Training data: states with their time derivatives, in trajectories.

The derivative is exact at the clean state; then normal noise goes on the state (the paper's way), so the true field
itself scores a loss above zero on such data. That loss is the noise floor.
"""

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from hnn_engine.coords import Array, Index
from hnn_engine.errors import ExperimentError
from hnn_engine.frames.frame_pairs import (
    FILM_PARAMETERS,
    FramePairs,
    camera_of,
    check_room,
    film_defaults,
    film_starts,
    recorded_frame_pairs,
    rows_of,
    shoot,
)
from hnn_engine.parameters import Parameter, Value
from hnn_engine.progress import ProgressCallback
from hnn_engine.recordings import Recording
from hnn_engine.rollouts.clocked import Clocked, with_clock, without_clock
from hnn_engine.rollouts.collocation import collocate
from hnn_engine.rollouts.many_lanes import DormandPrince8, follow_lanes
from hnn_engine.rollouts.rollout import rollout
from hnn_engine.systems.base import System

DATA_PARAMETERS: tuple[Parameter, ...] = (
    Parameter("trajectories", "Trajectories", 50, 2, 20_000, help="How many starts are drawn.", log=True, acts="data"),
    Parameter("points", "Points", 45, 2, 2000, help="Samples on each trajectory.", log=True, acts="data"),
    Parameter("horizon", "Duration", 3.0, 0.05, 200.0, "T", "s", "Length of each trajectory.", log=True, acts="data"),
    Parameter("noise", "Noise", 0.1, 0.0, 1.0, "σ", "", "Standard deviation of the noise on each state.", acts="data"),
    Parameter(
        "layout",
        "States",
        "orbits",
        choices=("orbits", "grid"),
        choice_titles=("along orbits", "on a grid"),
        help="Where the states lie: on trajectories, or on the largest square grid of no more states than those have; "
        "that needs one degree of freedom.",
        acts="data",
    ),
)
GROUP = 100  # trajectories that are followed together
MAX_ROWS = 2_000_000
MAX_NUMBERS = 16_000_000  # coordinates of all rows: with derivatives and clean states, half a gigabyte
TOLERANCE = 1e-12  # of a trajectory with close encounters, a step
ENERGY_LIMIT = 1e-6  # relative; what changes its energy by more is no longer the truth
MOST_LOST = 0.2  # of all trajectories: where more are lost, those that are left no longer represent the system
REDRAWS = 20
REMEMBERED = 100_000  # numbers of the tracks that were made last
FEWEST_FILMED = 8  # rows of a film that a model of frames is fitted on
FEWEST_TESTS = 0.05  # part of the rows of a film that tests, and that trains, at least
FILM_TRAINS = 0.8  # part of the rows of a film that train, where they are split anew

Mask = npt.NDArray[np.bool_]


_last_tracks: tuple[Hashable, Array] = (None, np.empty(0))  # one assignment, so threads may


@dataclass(frozen=True, eq=False)
class Dataset:
    """Rows of `coords` and `dcoords` `(N, 2*dof)` at times `t` `(N,)` in s on `trajectory` `(N,)`; `train` `(N,)` is a
    mask.

    `dcoords` are time derivatives, a second. `clean` `(N, 2*dof)` holds the noise-free states where they are known.
    `floor_train` and `floor_test` are the losses of the true field on these rows, None where there is no true field.
    `frame_pairs` are what a camera sees of the rows. `edited` `(N,)` marks rows that were drawn or moved (None: none
    were): their derivatives are not those of a noise-free state.
    """

    coords: Array
    dcoords: Array
    t: Array
    trajectory: Index
    train: Mask
    clean: Array | None = None
    floor_train: float | None = None
    floor_test: float | None = None
    frame_pairs: FramePairs | None = None
    edited: Mask | None = None

    @property
    def dof(self) -> int:
        """Degrees of freedom."""
        return int(self.coords.shape[-1]) // 2

    @property
    def exact(self) -> bool:
        """Whether `dcoords` are those of the noise-free states, whatever noise is on `coords`; not `edited`."""
        return self.clean is not None


def data_parameters(system: System | type[System]) -> tuple[Parameter, ...]:
    """Return the parameters of the system's data: those of a film, where a camera sees it."""
    return FILM_PARAMETERS if system.observed else (*DATA_PARAMETERS, *system.start_parameters)


def data_defaults(system: System | type[System]) -> dict[str, Value]:
    """Return the settings, by the names of `data_parameters`, of the system's own data recipe."""
    recipe = system.data
    if system.observed:
        return film_defaults(system)
    return {
        "trajectories": recipe.trajectories,
        "points": recipe.points,
        "horizon": recipe.horizon,
        "noise": recipe.noise,
        "layout": "orbits",
        **{p.name: p.default for p in system.start_parameters},
    }


def make_dataset(
    system: System, settings: Mapping[str, Value], seed: int, progress: ProgressCallback | None = None
) -> Dataset:
    """Draw starts, follow them exactly, and split by trajectory as the system's recipe says.

    `settings` has the names of `data_parameters`; the horizon is in s, the noise N(0, noise²) goes on every coordinate
    of the states, and derivatives are those of the noise-free states. Generator: `[seed, 0]`. `progress` is called with
    the share that is done, now and then; what it raises ends the work. A trajectory whose truth is lost in a close
    encounter is replaced by one from another start (see `_with_redraws`). Raises `ExperimentError` where the data would
    be too large, or too much of it is lost. Source of the layout 'orbits': Greydanus, Dzamba & Yosinski 2019.
    """
    if system.observed:
        return _filmed(system, settings, np.random.default_rng([seed, 0]))
    count, points = int(settings["trajectories"]), int(settings["points"])
    horizon, noise = float(settings["horizon"]), float(settings["noise"])
    most = min(MAX_ROWS, MAX_NUMBERS // (2 * system.dof))
    if count * points > most:
        raise ExperimentError(
            f"{count} trajectories of {points} points are {count * points:,} rows, but at most {most:,} "
            "are possible: choose fewer trajectories or points"
        )
    system, rng = system.with_starts(settings), np.random.default_rng([seed, 0])
    if settings["layout"] == "grid":
        return _on_grid(system, math.isqrt(count * points), noise, rng)
    starts = system.sample_starts(rng, count)
    times = np.linspace(0.0, horizon, points)
    tell = progress if progress is not None else _to_nobody
    if system.close_encounters:
        tracks = _with_redraws(system, starts, times, np.random.default_rng([seed, 5]), tell)
    else:
        tracks = _followed(system, starts, times, tell)
    clean = tracks.transpose(1, 0, 2).reshape(count * points, -1)
    coords = clean + noise * rng.standard_normal(clean.shape) if noise else clean
    trajectory, t = np.repeat(np.arange(count), points), np.tile(times, count)
    train = ~_test_trajectories(system, count)[trajectory]
    return with_floor(system, Dataset(coords, system.at(t).field(clean), t, trajectory, train, clean))


def _filmed(system: System, settings: Mapping[str, Value], rng: np.random.Generator) -> Dataset:
    """Film `system`: the states are exact and belong to the first frame of each row; noise is on the pixels."""
    count, frames, camera = int(settings["trajectories"]), int(settings["frames"]), camera_of(settings)
    check_room(count, frames, camera.size)
    angle, speed = math.radians(float(settings["start-angle"])), float(settings["start-speed"])
    times = np.linspace(0.0, system.frame_seconds * (frames - 1), frames)
    tracks = rollout(system, film_starts(system, rng, count, angle, speed), times, "stormer-verlet").coords
    states = tracks.transpose(1, 0, 2).reshape(count * frames, -1)
    film = shoot(camera, states[:, 0], float(settings["noise"]), rng)
    first = rows_of(count, frames)
    trajectory, coords = first // frames, states[first]
    train = ~_test_trajectories(system, count)[trajectory]
    frame_pairs = FramePairs(film, first, system.frame_seconds, camera, camera, angle, speed)
    at = times[first % frames]
    return Dataset(coords, system.field(coords), at, trajectory, train, coords, frame_pairs=frame_pairs)


def filmed(data: Dataset, recording: Recording, rows: Index) -> Dataset:
    """Return those of `data`, which are the `rows` `(N,)` of a filmed `recording`, that have two frames behind them,
    `(M, 2*dof)` with M ≤ N, with their frames.

    Where the frame rate changes these may lie in one part of the film alone: then they are split by time anew. Raises
    `ExperimentError` where there are too few.
    """
    frame_pairs, whole = recorded_frame_pairs(recording, rows)
    if np.count_nonzero(whole) < FEWEST_FILMED:
        raise ExperimentError(
            f"Only {np.count_nonzero(whole)} of {len(rows)} frames have two others behind them at one step of "
            f"{recording.seconds:.3g} s, but a model of frames needs {FEWEST_FILMED}: film at a steady rate, or choose "
            "a model of the angle"
        )
    train = data.train[whole]
    if not FEWEST_TESTS <= np.count_nonzero(~train) / len(train) <= 1 - FEWEST_TESTS:
        train = np.arange(len(train)) < round(FILM_TRAINS * len(train))
    states = data.coords[whole], data.dcoords[whole]
    return Dataset(*states, data.t[whole], data.trajectory[whole], train, frame_pairs=frame_pairs)


def _on_grid(system: System, side: int, noise: float, rng: np.random.Generator) -> Dataset:
    """Lay `side`² states on a square grid over ± `System.grid_reach`; each is a trajectory of its own.

    A random share of them tests, as large as the system's recipe says. Source of the layout: Sosanya & Greydanus 2022.
    """
    reach = system.grid_reach
    if system.timed:
        raise ExperimentError(
            f"A grid of states has no times, but {system.title} depends on time: choose states along orbits"
        )
    if reach is None:
        raise ExperimentError(
            f"A grid of states needs one degree of freedom, but {system.name} has {system.dof}: choose "
            "states along orbits"
        )
    lines = [np.linspace(-far, far, side) for far in reach]
    clean = np.stack(np.meshgrid(*lines, indexing="ij"), axis=-1).reshape(side * side, 2)
    coords = clean + noise * rng.standard_normal(clean.shape) if noise else clean
    train = rng.permutation(~_test_trajectories(system, len(clean)))
    at, names = np.zeros(len(clean)), np.arange(len(clean))
    return with_floor(system, Dataset(coords, system.field(clean), at, names, train, clean))


def _to_nobody(share: float) -> None:
    """Take the share that is done, and do nothing with it."""


def _followed(system: System, starts: Array, times: Array, tell: ProgressCallback) -> Array:
    """Follow `starts` `(N, 2*dof)`, unless they were the last: a change of the noise alone takes no time."""
    global _last_tracks
    key = (system.name, tuple(system.values.items()), starts.tobytes(), times.tobytes())
    known, tracks = _last_tracks
    if known != key:
        tracks = _follow_all(system, starts, times, tell)
        if tracks.size <= REMEMBERED:
            _last_tracks = key, tracks
    return tracks


def _follow_all(system: System, starts: Array, times: Array, tell: ProgressCallback, group: int = GROUP) -> Array:
    """Follow `starts` `(N, 2*dof)` in groups, so that one that needs small steps does not slow all the others."""
    parts = []
    for first in range(0, len(starts), group):
        parts.append(collocate(system.field, starts[first : first + group], times))
        tell(min(1.0, (first + group) / len(starts)))
    tracks = np.concatenate(parts, axis=1)
    if not np.isfinite(tracks).all():
        raise ExperimentError(
            f"A trajectory of the {system.title.lower()} leaves the finite numbers: shorten the horizon"
        )
    return tracks


# Systems with close encounters ----------------------------------------------------------------------------------------


def _with_redraws(
    system: System, starts: Array, times: Array, rng: np.random.Generator, tell: ProgressCallback
) -> Array:
    """Follow each of `starts` `(N, 2*dof)`; return tracks `(T, N, 2*dof)`.

    Where bodies come so near to each other that double precision does not carry the truth through (the rollout ends,
    or its energy moves by more than `ENERGY_LIMIT`), the trajectory is replaced, in its place, by one from a start
    that `rng` draws: all else stays as it was, and the same seed gives the same data.
    """
    tracks = _follow_each(system, starts, times, tell)
    for _ in range(REDRAWS):
        lost = np.flatnonzero(~_sound(system, tracks))
        if not len(lost):
            return tracks
        if len(lost) > max(1.0, MOST_LOST * len(starts)):
            break
        tracks[:, lost] = _follow_each(system, system.sample_starts(rng, len(lost)), times, lambda _: tell(1.0))
    raise ExperimentError(
        f"{len(lost)} of {len(starts)} trajectories of the {system.title.lower()} are lost in close encounters within "
        f"{times[-1]:g} s: shorten the horizon"
    )


def _sound(system: System, tracks: Array) -> Mask:
    """Return which of `tracks` `(T, N, 2*dof)` are finite, stay, and keep their energy without friction, `(N,)`."""
    stays: Mask = np.isfinite(tracks).all(axis=(0, 2)) & system.stays(tracks)
    if not system.conserves:
        return stays
    with np.errstate(invalid="ignore"):
        energy = system.hamiltonian(tracks)
        scale = np.maximum(np.abs(energy[0]), system.energy_floor)
        kept: Mask = (np.abs(energy - energy[0]) <= ENERGY_LIMIT * scale).all(axis=0)
    return kept & stays


def _follow_each(system: System, starts: Array, times: Array, tell: ProgressCallback) -> Array:
    """Follow each of `starts` `(N, 2*dof)` by steps of its own, as the truth on screen is, but always in numpy: data
    does not depend on whether loops are compiled yet, and for thousands of starts at once these are hardly quicker."""
    flow, begin = (Clocked(system), with_clock(starts, times[0])) if system.timed else (system, starts)
    tracks = follow_lanes(flow.field, begin, times, DormandPrince8(), TOLERANCE, TOLERANCE, passed=tell)
    return without_clock(tracks) if system.timed else tracks


def _test_trajectories(system: System, count: int) -> Mask:
    tests = min(max(round(system.data.test_fraction * count), 1), count - 1)
    mask = np.zeros(count, dtype=bool)
    if system.data.test_first:
        mask[:tests] = True
    else:
        mask[count - tests :] = True
    return mask


def with_floor(system: System, data: Dataset) -> Dataset:
    """Return `data` with the losses that the true field f of `system` scores on its rows: the means over rows and
    coordinates of (f(coords) − dcoords)², of training and test rows."""
    residual = ((system.at(data.t).field(data.coords) - data.dcoords) ** 2).mean(axis=-1)
    train, test = (float(residual[rows].mean()) for rows in (data.train, ~data.train))
    return replace(data, floor_train=train, floor_test=test)
