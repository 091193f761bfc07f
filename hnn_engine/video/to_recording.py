"""A film of a pendulum as a recording of its angle."""

import numpy as np

from hnn_engine.errors import RecordingError
from hnn_engine.progress import ProgressCallback
from hnn_engine.recordings.estimates import velocity
from hnn_engine.recordings.recording import Indices, Mask, Recording
from hnn_engine.video.clip import FEWEST_FRAMES
from hnn_engine.video.extract import FrameSequence
from hnn_engine.video.timing import film_gaps


def as_recording(footage: FrameSequence, progress: ProgressCallback | None = None) -> Recording:
    """Return the angle read from `footage`, its estimated velocity, and the frames themselves, a row each.

    Of a film in which the pendulum is out of sight now and then it is the longest part without such frames; each row is
    at its frame's own time. Raises `RecordingError` where nothing moves or that part has fewer than 20 frames, and
    what `progress`, which hears the share that is done, raises.
    """
    footage.find_reader(progress)
    rows = longest_run(np.isfinite(footage.angles))
    if len(rows) < FEWEST_FRAMES:
        found = f"{footage.source} shows a pendulum in no more than {len(rows)} successive frames"
        raise RecordingError(f"{found}; expected {FEWEST_FRAMES}: choose a larger square, or another part of the video")
    t, q = footage.t[rows], footage.angles[rows]
    trial = np.zeros(len(rows), dtype=np.int64)
    gaps = film_gaps(t)
    return Recording(
        title=footage.title,
        source=footage.source,
        kind="angle",
        t=t,
        trial=trial,
        coords=np.stack([q, velocity(t, q, trial, gaps)], axis=-1),
        gaps=gaps,
        velocity_estimated=True,
        frames=footage.frames[rows],
        reader=footage.reader,
    )


def longest_run(mask: Mask) -> Indices:
    """Return the indices of the longest run of true values, the first of those that are equally long."""
    edges = np.flatnonzero(np.diff(mask, prepend=False, append=False))
    if not len(edges):
        return np.empty(0, dtype=np.int64)
    longest = int(np.diff(edges)[::2].argmax()) * 2
    return np.arange(edges[longest], edges[longest + 1])
