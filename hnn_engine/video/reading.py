"""Films from disk: a folder of images, an animated picture, or a video."""

import logging
import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from hnn_engine.atomic_write import reading
from hnn_engine.disk import operations
from hnn_engine.errors import RecordingError
from hnn_engine.missing_libraries import explained
from hnn_engine.progress import ProgressCallback
from hnn_engine.recordings.regular import open_regular
from hnn_engine.video.clip import FEWEST_FRAMES, DecodedFrames, Video
from hnn_engine.video.images import IMAGES, read_animation, read_folder
from hnn_engine.video.library_errors import FILMS, TABLES
from hnn_engine.video.signatures import HEAD, format_of, head_of, is_text
from hnn_engine.video.timing import rising, tagged_pace, timing

_log = logging.getLogger(__name__)
VIDEOS = tuple(
    f".{name}"
    for name in (
        *("mp4", "m4v", "mov", "qt", "3gp", "3g2", "avi", "mkv", "webm", "mts", "m2ts", "ts", "mpg", "mpeg", "vob"),
        *("wmv", "asf", "flv", "ogv", "mxf", "dv"),
    )
)
UNKNOWN_PACE = "The file does not say how far its frames are apart: state the frame rate"


def is_video(path: str | os.PathLike[str]) -> bool:
    """Whether `path` is a folder, or a film or picture by what is in it: what `read_video` reads.

    What is text is none, whatever its name is. Of a file that is not there or cannot be read, and of one whose content
    is not known, the name tells: then `read_video` says what is wrong with it.
    """
    place = Path(path)
    with suppress(OSError, ValueError):  # `read_video`, or whatever else reads it, says what is wrong
        if operations.is_folder(operations.kind(place)):
            return True
        head = head_of(place)
        if head and is_text(head):
            return False
        if format_of(head) is not None:
            return True
    return place.suffix.lower() in (*IMAGES, *VIDEOS)


@explained
def read_video(path: str | os.PathLike[str], progress: ProgressCallback | None = None) -> Video:
    """Read a folder of images (2 before 10), an animated GIF or a video, whole and in grey.

    A film of more than 400 MB is kept with half its pixels each way, or a third and so on. Each frame keeps its own
    time, where the file has one. `progress` hears the share that is done, and what it raises ends the work. A file that
    is cut off or damaged is read as far as it goes, and the film's note says so. Raises `RecordingError` for what is
    no such film, images of unlike sizes, fewer than 20 frames, and what is too large even when reduced.
    """
    place = Path(path)
    reel = _reel(place, progress or (lambda share: None))
    count = len(reel.pictures)
    if count < FEWEST_FRAMES:
        found = f"{place} holds {count} frame{'s' if count != 1 else ''}{f', for {reel.note}' if reel.note else ''}"
        raise RecordingError(f"{found}; expected at least {FEWEST_FRAMES}: choose a longer video")
    _log.info("Film opened: %s, %d frames", place, count)
    title = place.stem.replace("_", " ").strip().capitalize() or "Video"
    return _timed(Video(str(place), title, reel.pictures, None, reel.reduced, reel.note, None, reel.facts), reel)


def _reel(place: Path, tell: ProgressCallback) -> DecodedFrames:
    """Read what `place` is; every fault of the file is a `RecordingError`."""
    with reading(place, RecordingError):
        found = operations.kind(place)
    if operations.is_folder(found):
        return read_folder(place, tell)
    if found is None:
        raise RecordingError(f"{place} does not exist; expected {FILMS}: check the path")
    with open_regular(str(place), FILMS) as file, reading(place, RecordingError):
        head = file.read(HEAD)
    if head and is_text(head):
        raise RecordingError(f"{place} is text, and no video; expected {FILMS}: open it as a table, or choose a video")
    kind = format_of(head)
    if kind is None:
        unknown = f"{place} cannot be read (in an unknown container, or damaged)"
        raise RecordingError(f"{unknown}; expected {FILMS}, or {TABLES}: check it")
    if not kind.demuxer:
        return read_animation(place, kind.name, tell)
    from hnn_engine.video.video import decode_video

    return decode_video(place, kind, tell)


def _timed(film: Video, reel: DecodedFrames) -> Video:
    """Return `film` with the times of its frames, or the question for them."""
    facts, path = film.facts, film.path
    if reel.times is None:
        return replace(film, facts=replace(facts, question=UNKNOWN_PACE))
    kept = rising(path, reel.times)
    stray = film.count - len(kept)
    found = timing(path, reel.times[kept], reel.tick)
    pace = tagged_pace(found.step, facts.rate_tagged)
    left_out = f"{stray} frame{'s' if stray > 1 else ''} with a time no later than one before left out" if stray else ""
    remarks = tuple(remark for remark in (pace.remark, left_out) if remark)
    pictures = film.pictures[kept] if stray else film.pictures
    said = replace(facts, remarks=(*facts.remarks, *remarks), question=pace.question, answers=pace.answers)
    return replace(film, pictures=pictures, seconds=pace.step, clock=found.clock, facts=said)
