"""A video decoded into grey frames by PyAV, as players show it: upright, and with square pixels."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.errors import RecordingError
from hnn_engine.progress import ProgressCallback
from hnn_engine.recordings.regular import open_regular
from hnn_engine.video.clip import MOST_PIXELS, DecodedFrames, Pictures, check_count, check_pixels, reduction
from hnn_engine.video.containers import Stated, missing, video_ends
from hnn_engine.video.library_errors import DAMAGED, FILMS, named

if TYPE_CHECKING:
    from av import VideoFrame, VideoStream
    from av.container import InputContainer

# What FFmpeg may take a file for, whatever its name ends with: others, such as a list of films, would have it open what
# the file names.
FORMATS = ("mov", "matroska", "avi", "mpegts", "mpeg", "flv", "asf", "m4v", "h264", "hevc")
OPTIONS = {"format_whitelist": ",".join(FORMATS), "protocol_whitelist": "file"}
SIZED = ("mov", "matroska", "avi")  # those whose parts say how long they are, so that it is seen what is cut off
SHORT, SHORT_SECONDS = 0.02, 0.1  # by which Matroska's clocks may fall short of the length that it states
HOLE = 1.5  # median steps from one frame to the next between which one is missing
REORDERED = 18  # frames at the end of a film that may be stored in another order than they are shown
TOLD = 500  # packets that are counted between two words of progress


def decode_video(place: Path, tell: ProgressCallback) -> DecodedFrames:
    """Decode the first stream of pictures in `place`, as far as it goes; raise `RecordingError` where there is none."""
    with open_regular(str(place), FILMS) as file:
        whole = video_ends(file)
    with named(place):
        container = _opened(place)
    with container:
        stated = _count(place, container, whole, tell)
    with named(place):
        container = _opened(place)
    with container:
        return _decoded(place, container, stated, tell)


def _opened(place: Path) -> "InputContainer":
    import av

    try:
        return av.open(str(place), options={"max_pixels": str(MOST_PIXELS)}, container_options=OPTIONS)
    except av.ArgumentError as error:
        unknown = f"{place} cannot be read (in an unknown container, or damaged)"
        raise RecordingError(f"{unknown}; expected {FILMS}: check or export it again") from error


def _is_one_of(names: tuple[str, ...], container: "InputContainer") -> bool:
    return not set(names).isdisjoint(container.format.name.split(","))


def _count(place: Path, container: "InputContainer", whole: bool, tell: ProgressCallback) -> Stated:
    """Return how many frames are in the file, without decoding them, and what its header claims if it is not whole."""
    if not container.streams.video:
        raise RecordingError(f"{place} holds no pictures; expected a video: choose another file")
    whole = whole or not _is_one_of(SIZED, container)
    stream, count, latest = container.streams.video[0], 0, 0.0
    packets = container.demux()
    while True:
        try:
            with named(place):
                packet = next(packets, None)
        except RecordingError:
            whole = False  # it is damaged from here on
            break
        if packet is None:
            break
        if packet.pts is not None and packet.time_base is not None:
            latest = max(latest, float((packet.pts + (packet.duration or 0)) * packet.time_base))
        if packet.stream_index != stream.index:
            continue
        count += packet.size > 0
        check_count(str(place), count)
        if count % TOLD == 0:
            tell(0.0)
    if _is_one_of(("matroska",), container) and container.duration:
        whole = whole and latest > (1 - SHORT) * container.duration / 1e6 - SHORT_SECONDS
    return Stated(count, whole, None if whole else int(stream.frames or 0))


def _decoded(place: Path, container: "InputContainer", stated: Stated, tell: ProgressCallback) -> DecodedFrames:
    """Decode frames up to the first that cannot be decoded."""
    with named(place):
        stream = container.streams.video[0]
        width, height = _shown_size(place, stream)
        stream.thread_type = "AUTO"
        rate = stream.average_rate
    factor = reduction(str(place), stated.held, width, height)
    pictures, times = np.empty((0, 0, 0), dtype=np.uint8), list[float | None]()
    frames, patched = container.decode(stream), list[int]()
    for i in range(stated.held):
        try:
            with named(place):
                found = _next(frames, width // factor, height // factor)
        except RecordingError:
            if i == 0:
                raise
            break
        if found is None:
            stated = stated._replace(held=i)  # a decoder may give fewer than there are packets
            break
        picture, time, corrupt = found
        if i == 0:
            pictures = np.empty((stated.held, *picture.shape), dtype=np.uint8)
        if picture.shape != pictures.shape[1:]:
            break
        pictures[i] = picture
        times.append(time)
        patched += [i] if corrupt else []
        tell((i + 1) / stated.held)
    starts = _times(times, rate)
    kept = len(times) if stated.whole else _unbroken(len(times), starts, patched)
    note = _note(kept, stated, sum(i < kept for i in patched))
    return DecodedFrames(pictures[:kept], None if starts is None else starts[:kept], factor, note)


def _unbroken(count: int, starts: Array | None, patched: list[int]) -> int:
    """Return how many frames there are before what the end of a file that is cut off has torn.

    The last picture may have been patched up, and of those that the film shows before it some may be missing, because
    they are stored behind it.
    """
    while count and count - 1 in patched:
        count -= 1
    if starts is not None and count > 2:
        steps = np.diff(starts[:count])
        holes = np.flatnonzero(steps > HOLE * np.median(steps))
        late = holes[holes >= count - REORDERED]
        count = int(late[0]) + 1 if len(late) else count
    return count


def _next(frames: Iterator["VideoFrame"], width: int, height: int) -> tuple[Pictures, float | None, bool] | None:
    """Return the next frame's picture, its time in s, and whether it was patched up; None at the end."""
    frame = next(frames, None)
    return None if frame is None else (_grey(frame, width, height), frame.time, bool(frame.is_corrupt))


def _note(kept: int, stated: Stated, patched: int) -> str:
    """Say what is missing, and how many of the frames that are kept were patched up."""
    damaged = f"{patched} of {kept} frames {'are' if patched > 1 else 'is'} damaged" if patched else ""
    return "; ".join(part for part in (missing(kept, stated), damaged) if part)


def _shown_size(place: Path, stream: "VideoStream") -> tuple[int, int]:
    """Return the width and height of the picture in square pixels, before it is turned upright."""
    if getattr(stream, "codec_context", None) is None or not stream.codec_context.width:
        raise RecordingError(f"{place} cannot be read ({DAMAGED}); expected a video: check or export it again")
    width, height = stream.codec_context.width, stream.codec_context.height
    check_pixels(str(place), width, height)
    shown = max(1, round(width * (stream.sample_aspect_ratio or 1)))
    check_pixels(str(place), shown, height)
    return shown, height


def _grey(frame: "VideoFrame", width: int, height: int) -> Pictures:
    """Return the luma of a frame at `width` × `height`, turned as the camera was held."""
    scaled = frame.reformat(width=width, height=height, format="gray", interpolation="AREA")
    picture: Any = scaled.to_ndarray()
    return np.asarray(np.rot90(picture, round(frame.rotation / 90)))


def _times(times: list[float | None], rate: Any) -> Array | None:
    """Return when each frame begins, s; by the rate where the frames do not say it, and None where nothing does."""
    if all(time is not None for time in times):
        return np.array(times, dtype=np.float64)
    return np.arange(len(times)) / float(rate) if rate else None
