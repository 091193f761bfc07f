"""Training data: states with their time derivatives, in trajectories.

The derivative is exact at the clean state; then normal noise goes on the state (the paper's way), so the true field
itself scores a loss above zero on such data. That loss is the noise floor.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hnn_engine.collocation import collocate
from hnn_engine.coords import Array
from hnn_engine.errors import ExperimentError
from hnn_engine.parameters import Parameter, Value
from hnn_engine.systems.base import System

DATA_PARAMETERS: tuple[Parameter, ...] = (
    Parameter("trajectories", "Trajectories", 50, 2, 20_000, help="How many starts are drawn.", log=True, acts="data"),
    Parameter("points", "Points", 45, 2, 2000, help="Samples on each trajectory.", log=True, acts="data"),
    Parameter("horizon", "Horizon", 3.0, 0.05, 200.0, "T", "s", "Length of each trajectory.", log=True, acts="data"),
    Parameter("noise", "Noise", 0.1, 0.0, 1.0, "σ", "", "Standard deviation of the noise on each state.", acts="data"),
)
GROUP = 100  # trajectories that are followed together
MAX_ROWS = 2_000_000  # 8 coordinates of this many rows take half a gigabyte with their derivatives and clean states

Mask = npt.NDArray[np.bool_]
Index = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Dataset:
    """Rows of `coords` and `dcoords` `(N, 2*dof)` at times `t` `(N,)` on `trajectory` `(N,)`; `train` is a mask.

    `clean` holds the noise-free states where they are known. `floor_train` and `floor_test` are the losses of the
    true field on these rows, None where there is no true field.
    """

    coords: Array
    dcoords: Array
    t: Array
    trajectory: Index
    train: Mask
    clean: Array | None = None
    floor_train: float | None = None
    floor_test: float | None = None

    @property
    def dof(self) -> int:
        """Degrees of freedom."""
        return int(self.coords.shape[-1]) // 2


def data_defaults(system: System | type[System]) -> dict[str, Value]:
    """Return the settings of the system's own data recipe."""
    recipe = system.data
    return {
        "trajectories": recipe.trajectories,
        "points": recipe.points,
        "horizon": recipe.horizon,
        "noise": recipe.noise,
    }


def make_dataset(
    system: System, settings: Mapping[str, Value], seed: int, progress: Callable[[float], None] | None = None
) -> Dataset:
    """Draw starts, follow them exactly, and split by trajectory as the system's recipe says.

    `settings` has the names of `DATA_PARAMETERS`. `progress` hears the share that is done, now and then; what it
    raises ends the work. Raises `ExperimentError` where the data would be too large.
    """
    count, points = int(settings["trajectories"]), int(settings["points"])
    horizon, noise = float(settings["horizon"]), float(settings["noise"])
    if count * points > MAX_ROWS:
        raise ExperimentError(
            f"{count} trajectories of {points} points are {count * points:,} rows, but at most {MAX_ROWS:,} "
            "are possible: choose fewer trajectories or points"
        )
    rng = np.random.default_rng([seed, 0])
    starts = system.sample_starts(rng, count)
    times = np.linspace(0.0, horizon, points)
    tracks = _follow_all(system, starts, times, progress)
    clean = tracks.transpose(1, 0, 2).reshape(count * points, -1)
    coords = clean + noise * rng.standard_normal(clean.shape) if noise else clean
    trajectory = np.repeat(np.arange(count), points)
    train = ~_test_trajectories(system, count)[trajectory]
    return with_floor(system, Dataset(coords, system.field(clean), np.tile(times, count), trajectory, train, clean))


def _follow_all(
    system: System, starts: Array, times: Array, progress: Callable[[float], None] | None, group: int = GROUP
) -> Array:
    """Follow `starts` in groups, so that one that needs small steps does not slow all the others."""
    parts = []
    for first in range(0, len(starts), group):
        parts.append(collocate(system.field, starts[first : first + group], times))
        if progress is not None:
            progress(min(1.0, (first + group) / len(starts)))
    tracks = np.concatenate(parts, axis=1)
    if not np.isfinite(tracks).all():
        raise ExperimentError(
            f"A trajectory of the {system.title.lower()} leaves the finite numbers: shorten the horizon"
        )
    return tracks


def _test_trajectories(system: System, count: int) -> Mask:
    tests = min(max(round(system.data.test_fraction * count), 1), count - 1)
    mask = np.zeros(count, dtype=bool)
    if system.data.test_first:
        mask[:tests] = True
    else:
        mask[count - tests :] = True
    return mask


def with_floor(system: System, data: Dataset) -> Dataset:
    """Return `data` with the losses that the true field of `system` scores on its rows."""
    residual = ((system.field(data.coords) - data.dcoords) ** 2).mean(axis=-1)
    return Dataset(
        data.coords,
        data.dcoords,
        data.t,
        data.trajectory,
        data.train,
        data.clean,
        float(residual[data.train].mean()),
        float(residual[~data.train].mean()),
    )
