"""Films from disk: a folder of images, an animated picture, or a video."""

import logging
import os
from contextlib import suppress
from pathlib import Path

import numpy as np

from hnn_engine.atomic_write import reading
from hnn_engine.coords import Array
from hnn_engine.disk import operations
from hnn_engine.errors import RecordingError
from hnn_engine.missing_libraries import explained
from hnn_engine.progress import ProgressCallback
from hnn_engine.video.clip import FEWEST_FRAMES, DecodedFrames, Pictures, Video
from hnn_engine.video.images import IMAGES, read_animation, read_folder
from hnn_engine.video.library_errors import FILMS

_log = logging.getLogger(__name__)
VIDEOS = (".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm")
UNEVEN = 0.6  # part of the median step by which a step may differ and still be a usual one
LONGEST_HOLD = 4  # times as many frames that a film may have once held ones are repeated


def is_video(path: str | os.PathLike[str]) -> bool:
    """Whether `path` is a folder, or by its name a video or images: what `look` reads."""
    place = Path(path)
    with suppress(OSError):  # `look`, or whatever else reads it, says what is wrong
        if operations.is_folder(operations.kind(place)):
            return True
    return place.suffix.lower() in (*IMAGES, *VIDEOS)


@explained
def read_video(path: str | os.PathLike[str], progress: ProgressCallback | None = None) -> Video:
    """Read a folder of images (2 before 10), an animated GIF or a video, whole and in grey.

    A film of more than 400 MB is kept with half its pixels each way, or a third and so on. Frames that are held, as
    GIFs and films of varying frame rate have them, are repeated, so that steps are even. `progress` hears the share
    that is done, and what it raises ends the work. A file that is cut off or damaged is read as far as it goes, and the
    film's note says so. Raises `RecordingError` for what is no such film, images of unlike sizes, fewer than 20 frames,
    and what is too large even when reduced.
    """
    place = Path(path)
    reel = _reel(place, progress or (lambda share: None))
    count = len(reel.pictures)
    if count < FEWEST_FRAMES:
        found = f"{place} holds {count} frame{'s' if count != 1 else ''}{f', for {reel.note}' if reel.note else ''}"
        raise RecordingError(f"{found}; expected at least {FEWEST_FRAMES}: choose a longer video")
    pictures, seconds = (reel.pictures, None) if reel.times is None else _evened(place, reel.pictures, reel.times)
    _log.info("Film opened: %s, %d frames", place, count)
    title = place.stem.replace("_", " ").strip().capitalize() or "Video"
    return Video(str(place), title, pictures, seconds, reel.reduced, reel.note)


def _reel(place: Path, tell: ProgressCallback) -> DecodedFrames:
    """Read what `place` is; every fault of the file is a `RecordingError`."""
    with reading(place, RecordingError):
        found = operations.kind(place)
    if operations.is_folder(found):
        return read_folder(place, tell)
    if found is None:
        raise RecordingError(f"{place} does not exist; expected {FILMS}: check the path")
    if place.suffix.lower() in VIDEOS:
        from hnn_engine.video.video import decode_video

        return decode_video(place, tell)
    if place.suffix.lower() in IMAGES:
        return read_animation(place, tell)
    raise RecordingError(f"{place} is no video by its name; expected {FILMS}: choose one of these")


def _evened(place: Path, pictures: Pictures, times: Array) -> tuple[Pictures, float]:
    """Return frames at even steps, each as it stands on screen then, and the step in s."""
    steps = np.diff(times)
    usual = np.median(steps)
    if not (usual > 0 and steps.min() >= 0):
        raise RecordingError(f"{place}: its frames have no times that rise; expected a video: export it again")
    alike = np.abs(steps - usual) <= UNEVEN * usual
    step = float(steps[alike].mean())
    if alike.all():
        return pictures, step
    count = round(float(times[-1] - times[0]) / step) + 1
    if count > LONGEST_HOLD * len(times):
        uneven = f"{place}: its frames are {steps.min():.3g} to {steps.max():.3g} s apart"
        raise RecordingError(f"{uneven}; expected steady steps: export it at a constant frame rate")
    shown = np.searchsorted(times, times[0] + (np.arange(count) + 0.5) * step, side="right") - 1
    return pictures[shown], step
