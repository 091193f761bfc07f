"""Videos that compare models with the truth: the true frames, their reconstruction, and the frames that models predict
from the same start, side by side; computed by the models, not recorded from the screen."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt

from hnn_engine.camera import Frames
from hnn_engine.coords import Array, wrap_angle
from hnn_engine.errors import ExperimentError
from hnn_engine.experiment import Experiment
from hnn_engine.frame_metrics import IN_STEP, MODEL_TOLERANCE
from hnn_engine.frames.frame_pairs import camera_of, pairs_at
from hnn_engine.frames.frozen_autoencoder import FrozenAutoencoder
from hnn_engine.initial_frames import frame_seconds, initial_condition, reader_of
from hnn_engine.models import get_model
from hnn_engine.models.autoencoder import Single
from hnn_engine.recordings import Recording
from hnn_engine.rollouts.steering import follow
from hnn_engine.run_identities import Identity
from hnn_engine.snapshot import Snapshot
from hnn_engine.video import Tile, side_by_side

Picture = npt.NDArray[np.uint8]
Theme = Literal["light", "dark"]


@dataclass(frozen=True, eq=False)
class _Strip:
    """One of the videos: the role of its run, its frames `(F, size, size)`, and the error of the angle `(F,)`, NaN
    where there is none."""

    role: str
    caption: str
    frames: npt.NDArray[np.generic]
    off: Array

    def tile(self, frame: int) -> Tile:
        return Tile(self.role, self.caption, self.frames[frame], self._note(frame))

    def _note(self, frame: int) -> str:
        if self.role == "truth":
            return ""
        if np.isnan(self.off[frame]):
            return "angle not readable"
        lost = np.flatnonzero(~(np.abs(self.off[: frame + 1]) < IN_STEP))
        state = "in step" if not len(lost) else f"lost at {lost[0]}"
        return f"{np.rad2deg(abs(self.off[frame])):.1f}° off, {state}"


def filmed_pairs(recording: Recording, row: int, times: Array) -> Frames:
    """Return the recorded pairs of frames `(F, 2, size, size)` that begin at `row` and at `times` `(T,)` after it.

    By their times: each is the nearest frame, and none, black, where that is more than half a step off, as where
    frames are missing. They end with the recording.
    """
    assert recording.frames is not None
    t, half = recording.t[row:] - recording.t[row], 0.5 * recording.seconds
    times = np.append(times, times[-1] + recording.seconds)
    times = times[times <= t[-1] + half]
    right = np.clip(np.searchsorted(t, times), 1, len(t) - 1)
    nearest = np.where(times - t[right - 1] <= t[right] - times, right - 1, right)
    shown = recording.frames[row + nearest].copy()
    shown[np.abs(t[nearest] - times) > half * (1 + 1e-6)] = 0
    return np.stack([shown[:-1], shown[1:]], axis=1)


@dataclass(frozen=True, eq=False)
class ComparisonVideo:
    """The frames of the rollouts of `experiment`: the true ones, a reconstruction, and those of each of `snapshots`.

    Frames are `seconds` apart, as in the data, up to the end of the rollouts, which are steered as the experiment says.
    `height` is in pixels; `identities` say who each snapshot is, by default its family. Reading `count` or the pictures
    raises `ExperimentError` where the system is not observed as frames, no snapshot is a model of frames, or the start
    is on no recorded row.
    """

    experiment: Experiment
    snapshots: Sequence[Snapshot]
    theme: Theme = "light"
    height: int = 360
    identities: Sequence[Identity] = ()

    @property
    def seconds(self) -> float:
        """Time from one picture to the next, s."""
        return frame_seconds(self.experiment)

    @property
    def count(self) -> int:
        """How many pictures there are; raises `ExperimentError` as the class says."""
        return len(self._pairs)

    def check(self) -> None:
        """Raise `ExperimentError` where there can be no video, before one is begun."""
        assert self.count > 0

    @cached_property
    def _models_of_frames(self) -> list[tuple[Identity, Snapshot, FrozenAutoencoder]]:
        known = self.identities or [Identity(one.model, get_model(one.model).title) for one in self.snapshots]
        pairs = zip(known, self.snapshots, strict=True)
        found = [(who, one, one.autoencoder) for who, one in pairs if one.autoencoder is not None]
        if not self.experiment.scene.observed:
            raise ExperimentError(
                f"The {self.experiment.source_title.lower()} is not observed as frames, so there is "
                "no video: take the pixel "
                "pendulum, or a video of your own"
            )
        if not found:
            raise ExperimentError("There is no model of frames: train one, pixel-hnn for example")
        return found

    @cached_property
    def _pairs(self) -> Frames:
        """The true pairs of frames `(F, 2, size, size)`."""
        experiment, size = self.experiment, self._models_of_frames[0][2].size
        system, recording = experiment.moving, experiment.recording
        if system is not None:
            spec = experiment.rollout
            start = np.array(experiment.start)
            truth = follow(system, start, self._times, spec.truth, spec.steering).coords
            return pairs_at(system, camera_of(experiment.data, size), truth)
        assert recording is not None
        assert recording.frames is not None
        row = recording.row_at(np.array(experiment.start))
        if row is None:
            raise ExperimentError("The start is not on a recorded row, so there is no video of it: start at one")
        return filmed_pairs(recording, row, self._times)

    @cached_property
    def _times(self) -> Array:
        count = int(self.experiment.rollout.length / self.seconds + 1e-9)
        times: Array = np.linspace(0.0, count * self.seconds, count + 1)
        return times

    @cached_property
    def _strips(self) -> list[_Strip]:
        reader = reader_of(self.experiment, self._models_of_frames[0][2].size)
        assert reader is not None
        true = self._pairs[:, 0]
        angles = reader.read(true)

        def strip(role: str, caption: str, frames: Single) -> _Strip:
            return _Strip(role, caption, frames, wrap_angle(reader.read(frames) - angles))

        models = self._models_of_frames
        again, _, autoencoder = next((one for one in models if one[1].has_energy), models[0])
        seen = np.clip(autoencoder.decode(autoencoder.encode(self._pairs))[:, 0], 0.0, 1.0)
        films = [strip(who.role, who.name, self._film(m, s)) for who, m, s in models]
        camera = _Strip("truth", "Camera", true, np.zeros(len(true)))
        return [camera, strip(again.role, "Reconstruction", seen), *films]

    def _film(self, snapshot: Snapshot, autoencoder: FrozenAutoencoder) -> Single:
        """Return the frames `(F, size, size)` that a model predicts along its own rollout; black past its end."""
        spec, start = self.experiment.rollout, initial_condition(self.experiment, snapshot)
        flow, times = snapshot.with_friction(spec.friction), self._times[: self.count]
        coords = follow(flow, start, times, spec.integrator, spec.steering, tolerance=MODEL_TOLERANCE).coords
        alive = np.isfinite(coords).all(axis=-1)
        frames = np.zeros((len(coords), autoencoder.size, autoencoder.size), np.float32)
        frames[alive] = autoencoder.picture(coords[alive])
        return frames

    def pictures(self) -> Iterator[Picture]:
        """Yield the pictures `(height, W, 3)`, uint8, one a frame; raise `ExperimentError` as the class says."""
        for frame in range(self.count):
            tiles = [strip.tile(frame) for strip in self._strips]
            t = self.experiment.rollout.world_time(float(self._times[frame]))
            yield side_by_side(tiles, self.height, self.theme, f"t = {t:.2f} s · frame {frame}")
