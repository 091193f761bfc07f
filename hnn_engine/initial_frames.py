"""What models that see frames are shown at the start of rollouts: the two frames there, and what reads their angles."""

import numpy as np

from hnn_engine.camera import Frames, Reader
from hnn_engine.coords import Array
from hnn_engine.experiment import Experiment
from hnn_engine.frame_metrics import encoded_start
from hnn_engine.frames.frame_pairs import camera_of, pair_at
from hnn_engine.snapshot import Snapshot


def pair_of_frames(experiment: Experiment, start: Array, size: int) -> Frames | None:
    """Return the two uint8 frames `(2, size, size)` that begin at state `start` `(2,)`: rendered where they are
    simulated, those of the recorded row that the start is on otherwise. None where there are no such frames."""
    system, recording = experiment.system, experiment.recording
    if system is not None:
        return pair_at(system, camera_of(experiment.data, size), start) if system.observed else None
    if recording is None or recording.frames is None or recording.frame_size != size:
        return None
    row = recording.row_at(start)
    if row is None:
        return None
    after = int(recording.frame_steps.after[row])
    return None if after < 0 else recording.frames[[row, after]]


def reader_of(experiment: Experiment, size: int) -> Reader | None:
    """Return what reads the angles of frames of `size` × `size` pixels of the system or the recording; None where
    nothing does."""
    system, recording = experiment.system, experiment.recording
    if system is not None:
        return camera_of(experiment.data, size) if system.observed else None
    return recording.reader if recording is not None and recording.frame_size == size else None


def frame_seconds(experiment: Experiment) -> float:
    """Return the time from one frame to the next, s; 0 where no camera sees what is studied."""
    if experiment.system is not None:
        return experiment.system.frame_seconds
    recording = experiment.recording
    return recording.seconds if recording is not None and recording.frames is not None else 0.0


def film_along(experiment: Experiment, t: Array) -> Array | None:
    """Return the times `(F,)` in s of the frames along the truth on screen, whose times are `t` `(T,)` in s: of a
    recording those of its rows, if it begins at the start. None where no camera sees what is studied."""
    seconds, recording = frame_seconds(experiment), experiment.recording
    if not seconds or (recording is not None and recording.row_at(np.array(experiment.start)) is None):
        return None
    return t if recording is not None else np.arange(0.0, float(t[-1]) + 1e-9, seconds)


def initial_condition(experiment: Experiment, snapshot: Snapshot) -> Array:
    """Return where the rollout of `snapshot` begins, `(2*dof,)`: at what it sees of the start, if it sees frames, there
    are some and the experiment says so; at the start itself otherwise."""
    start = np.array(experiment.start)
    if snapshot.autoencoder is None or experiment.rollout.begin != "frames":
        return start
    return encoded_start(snapshot, pair_of_frames(experiment, start, snapshot.autoencoder.size), start)
