"""What a camera sees of a data set's states: frames, which of them belong to a row, and how an angle is read from one.

A row is a pair of frames that follow each other: one tells the angle, two tell the speed too. Its successor is the
pair that begins with its second frame.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from hnn_engine.camera import GROUP, WHITE, Camera, Frames, Reader
from hnn_engine.coords import Array, Index
from hnn_engine.errors import ExperimentError
from hnn_engine.parameters import Parameter, Value
from hnn_engine.recordings import Recording
from hnn_engine.recordings.frame_steps import chains
from hnn_engine.rollouts.steps import step_of
from hnn_engine.systems.base import System

FILM_PARAMETERS: tuple[Parameter, ...] = (
    Parameter("trajectories", "Trajectories", 200, 2, 5000, help="How many starts are drawn.", log=True, acts="data"),
    Parameter("frames", "Frames", 103, 8, 2000, help="Pictures of each trajectory.", log=True, acts="data"),
    Parameter(
        "noise",
        "Noise",
        0.0,
        0.0,
        0.5,
        "σ",
        help="Standard deviation of the noise on each pixel, in shares of full brightness.",
        acts="data",
    ),
    Parameter("start-angle", "Start angle", 30.0, 1.0, 180.0, "", "°", help="Starts lie within this.", acts="data"),
    Parameter(
        "start-speed", "Start speed", 1.0, 0.0, 8.0, "", "rad/s", help="Starts are no faster than this.", acts="data"
    ),
    Parameter("size", "Picture size", 28, 8, 64, "", "px", help="Pixels across and down a frame.", acts="data"),
    Parameter(
        "thickness", "Rod", 0.2, 0.05, 0.6, "", "l", help="Thickness of the rod relative to its length.", acts="data"
    ),
)
MAX_BYTES = 400_000_000  # of frames, one a pixel
UNUSED = 3  # frames of a trajectory that begin no row: the first, as in the paper's code, and the last two


@dataclass(frozen=True, eq=False)
class FramePairs:
    """uint8 `frames` `(F, size, size)`, `seconds` apart; row n of a data set is the pair `first[n]`, `first[n]` + 1,
    `first` being `(N,)`.

    The frame `first[n]` + 2 is there too. `camera` makes more of them, where they are simulated, from starts within
    `start_angle` in rad and `start_speed` in rad/s; `reader` reads their angles. Of a film, `breaks` are the frames
    that do not follow the one before.
    """

    frames: Frames
    first: Index
    seconds: float
    reader: Reader
    camera: Camera | None = None
    start_angle: float = math.pi
    start_speed: float = 0.0
    breaks: Index | None = None

    @property
    def size(self) -> int:
        """Pixels across and down a frame."""
        return int(self.frames.shape[-1])

    def run_end(self, first: int) -> int:
        """Return the end of the frames that follow each other from frame `first` on."""
        later = np.empty(0) if self.breaks is None else self.breaks[self.breaks > first]
        return int(later[0]) if len(later) else len(self.frames)

    def pairs(self, rows: npt.NDArray[Any]) -> Frames:
        """Return the uint8 pairs `(M, 2, size, size)` of the chosen `rows`, indices `(M,)` or a mask `(N,)`."""
        return self._pairs(self.first[rows])

    def pairs_after(self, rows: npt.NDArray[Any]) -> Frames:
        """Return the successors of the chosen `rows`, indices `(M,)` or a mask `(N,)`: uint8 pairs `(M, 2, size,
        size)`."""
        return self._pairs(self.first[rows] + 1)

    def _pairs(self, first: Index) -> Frames:
        return np.stack([self.frames[first], self.frames[first + 1]], axis=1)


def camera_of(settings: Mapping[str, Value], size: int = 0) -> Camera:
    """Return the camera that film settings describe, with pictures of another `size` where one is given."""
    return Camera(size or int(settings["size"]), float(settings["thickness"]))


def film_defaults(system: System | type[System]) -> dict[str, Value]:
    """Return the settings of the film that the paper makes of `system`."""
    recipe = system.data
    settings: dict[str, Value] = {p.name: p.default for p in FILM_PARAMETERS}
    return settings | {"trajectories": recipe.trajectories, "frames": recipe.points, "noise": recipe.noise}


@runtime_checkable
class Filmable(Protocol):
    """A system whose films begin within an angle and a speed."""

    def starts_within(self, rng: np.random.Generator, count: int, angle: float, speed: float) -> Array:
        """Draw `count` states `(count, 2)` by `rng`, in rad and kg m²/s, within `angle` in rad and `speed` in rad/s."""


def film_starts(system: System, rng: np.random.Generator, count: int, angle: float, speed: float) -> Array:
    """Draw `count` states `(count, 2)` by `rng`, in rad and kg m²/s, that films of `system` begin at, within `angle` in
    rad and `speed` in rad/s."""
    assert isinstance(system, Filmable), f"no camera sees {system.name}"
    return system.starts_within(rng, count, angle, speed)


def pair_at(system: System, camera: Camera, coords: Array) -> Frames:
    """Return the two uint8 frames `(2, size, size)` that begin at state `coords` `(2,)`, in rad and kg m²/s."""
    pair: Frames = pairs_at(system, camera, coords[None])[0]
    return pair


def pairs_at(system: System, camera: Camera, coords: Array) -> Frames:
    """Return the two uint8 frames that begin at each of the states `coords` `(N, 2)`, in rad and kg m²/s: `(N, 2, size,
    size)`. The second is a Störmer–Verlet step of `System.frame_seconds` later."""
    after = step_of("stormer-verlet")(system.field, coords, system.frame_seconds)
    angles = np.stack([coords[:, 0], after[:, 0]], axis=1)
    frames: Frames = camera.render(angles.ravel()).reshape(*angles.shape, camera.size, camera.size)
    return frames


def shoot(camera: Camera, angles: Array, noise: float, rng: np.random.Generator) -> Frames:
    """Return the uint8 frames `(F, size, size)` at `angles` `(F,)` in rad, with normal noise of `noise` times full
    brightness."""
    frames = camera.render(angles)
    if noise:
        for i in range(0, len(frames), GROUP):
            part = frames[i : i + GROUP]
            grey = rng.standard_normal(part.shape, dtype=np.float32) * np.float32(noise * WHITE) + part
            frames[i : i + GROUP] = np.clip(np.rint(grey), 0, WHITE).astype(np.uint8)
    return frames


def check_room(trajectories: int, frames: int, size: int) -> None:
    """Raise `ExperimentError` where so many frames of `size`² pixels, a byte each, take more than `MAX_BYTES`."""
    wanted = trajectories * frames * size**2
    if wanted > MAX_BYTES:
        raise ExperimentError(
            f"{trajectories} trajectories of {frames} frames of {size} × {size} pixels take {wanted / 1e6:,.0f} MB, "
            f"but at most {MAX_BYTES / 1e6:,.0f} MB are possible: choose fewer or smaller ones"
        )


def rows_of(trajectories: int, frames: int) -> Index:
    """Return the index of the first frame of each row, `(trajectories · (frames − UNUSED),)`, of all frames one
    trajectory behind the other."""
    inside = np.arange(1, frames - UNUSED + 1)
    starts: Index = (np.arange(trajectories)[:, None] * frames + inside).ravel()
    return starts


def recorded_frame_pairs(recording: Recording, rows: Index) -> tuple[FramePairs, npt.NDArray[np.bool_]]:
    """Return what was filmed of those of the recorded `rows` `(N,)` that have two frames behind them, each a step later
    by their times, and the mask `(N,)` of these."""
    assert recording.frames is not None
    assert recording.reader is not None
    after = recording.frame_steps.after
    whole = (after[rows] >= 0) & (after[np.maximum(after[rows], 0)] >= 0)
    frames, place = recording.frames, np.arange(len(after))
    order = chains(after)
    if (order != place).any():
        frames = frames[order]
        place[order] = np.arange(len(after))
    breaks = np.flatnonzero(after[order] < 0) + 1
    return FramePairs(frames, place[rows[whole]], recording.seconds, recording.reader, breaks=breaks), whole
