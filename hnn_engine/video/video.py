"""A video decoded into grey frames by PyAV, as players show it: upright, and with square pixels."""

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.errors import RecordingError
from hnn_engine.progress import ProgressCallback
from hnn_engine.recordings.regular import open_regular
from hnn_engine.video.clip import (
    MOST_PIXELS,
    DecodedFrames,
    FilmFacts,
    Pictures,
    check_count,
    check_pixels,
    reduction,
)
from hnn_engine.video.containers import Stated, missing, video_ends
from hnn_engine.video.display import UPRIGHT, Orientation, orientation
from hnn_engine.video.library_errors import DAMAGED, FILMS, named
from hnn_engine.video.signatures import DEMUXERS, RAW_DEMUXERS, FilmFormat

if TYPE_CHECKING:
    from av import VideoFrame, VideoStream
    from av.container import InputContainer

# The file is handed over open and its container is named, so that FFmpeg neither guesses what it is nor opens another:
# no protocol is allowed.
OPTIONS = {"format_whitelist": ",".join((*DEMUXERS, *RAW_DEMUXERS)), "protocol_whitelist": "none"}
SIZED = ("mov", "matroska", "avi")  # those whose parts say how long they are, so that it is seen what is cut off
SHORT, SHORT_SECONDS = 0.02, 0.1  # by which Matroska's clocks may fall short of the length that it states
HOLE = 1.5  # median steps from one frame to the next between which one is missing
REORDERED = 18  # frames at the end of a film that may be stored in another order than they are shown
TOLD = 500  # packets that are counted between two words of progress
RATE_TAGS = ("com.android.capture.fps",)  # frames per second that a camera says it took
MOST_RATE = 1000  # frames per second that a bare stream may state: codecs count in finer units too
UNSTATED = "7/3"  # frames per second that a bare stream is given: what comes back as that does not state its own


_Stamp = tuple[int | None, int | None]  # when it is presented, and decoded, in units of the stream


class _Decoded(NamedTuple):
    """A frame as it is shown, its time stamp, whether it was patched up, how it was turned, and FFmpeg's angle of
    that, which tells no mirrored picture from a turned one."""

    picture: Pictures
    stamp: _Stamp
    corrupt: bool
    orientation: Orientation
    rotation: int


def decode_video(place: Path, kind: FilmFormat, tell: ProgressCallback) -> DecodedFrames:
    """Decode the first stream of pictures in `place`, as far as it goes; raise `RecordingError` where there is none."""
    with open_regular(str(place), FILMS) as file:
        whole = video_ends(file)
        with _opened(place, file, kind) as container:
            stated = _count(place, container, whole, tell)
        with _opened(place, file, kind) as container:
            return _decoded(place, container, kind, stated, tell)


@contextmanager
def _opened(place: Path, file: BinaryIO, kind: FilmFormat) -> Iterator["InputContainer"]:
    """Open the container in `file`, from its beginning."""
    import av

    file.seek(0)
    options = {**OPTIONS, "framerate": UNSTATED} if kind.raw else OPTIONS
    with named(place):
        container = av.open(
            file, "r", kind.demuxer, options={"max_pixels": str(MOST_PIXELS)}, container_options=options
        )
    with container:
        yield container


def _is_one_of(names: tuple[str, ...], container: "InputContainer") -> bool:
    return not set(names).isdisjoint(container.format.name.split(","))


def _stream(place: Path, container: "InputContainer") -> "VideoStream":
    """Return the first stream of moving pictures: a cover is none."""
    import av

    def is_cover(stream: "VideoStream") -> bool:
        return bool(stream.disposition & av.stream.Disposition.attached_pic)

    streams = [stream for stream in container.streams.video if not is_cover(stream)]
    if not streams:
        raise RecordingError(f"{place} holds no pictures; expected a video: choose another file")
    return streams[0]


def _count(place: Path, container: "InputContainer", whole: bool, tell: ProgressCallback) -> Stated:
    """Return how many frames are in the file, without decoding them, and what its header claims if it is not whole."""
    stream, count, latest = _stream(place, container), 0, 0.0
    whole = whole or not _is_one_of(SIZED, container)
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


def _decoded(
    place: Path, container: "InputContainer", kind: FilmFormat, stated: Stated, tell: ProgressCallback
) -> DecodedFrames:
    """Decode frames up to the first that cannot be decoded."""
    stream = _stream(place, container)
    with named(place):
        width, height = _shown_size(place, stream)
        stream.thread_type = "AUTO"
    factor = reduction(str(place), stated.held, width, height)
    pictures, times = np.empty((0, 0, 0), dtype=np.uint8), list[_Stamp]()
    frames, patched = container.decode(stream), list[int]()
    found: _Decoded | None = None
    shown = UPRIGHT
    for i in range(stated.held):
        try:
            with named(place):
                found = _next(frames, width // factor, height // factor, found)
        except RecordingError:
            if i == 0:
                raise
            break
        if found is None:
            stated = stated._replace(held=i)  # a decoder may give fewer than there are packets
            break
        if i == 0:
            pictures, shown = np.empty((stated.held, *found.picture.shape), dtype=np.uint8), found.orientation
        if found.picture.shape != pictures.shape[1:]:
            break
        pictures[i] = found.picture
        times.append(found.stamp)
        patched += [i] if found.corrupt else []
        tell((i + 1) / stated.held)
    with named(place):
        facts, starts = _facts(container, kind, stream, shown), _times(times, stream, kind)
    kept = len(times) if stated.whole else _unbroken(len(times), starts, patched)
    note = _note(kept, stated, sum(i < kept for i in patched))
    tick = float(stream.time_base or 0)
    return DecodedFrames(pictures[:kept], None if starts is None else starts[:kept], factor, note, tick, facts)


def _facts(container: "InputContainer", kind: FilmFormat, stream: "VideoStream", shown: Orientation) -> FilmFacts:
    """Return what the container says of its film."""
    tags = {**stream.metadata, **container.metadata}
    tagged = next((rate for tag in RATE_TAGS if (rate := _positive(tags.get(tag))) is not None), None)
    codec = stream.codec_context.name if stream.codec_context is not None else ""
    remarks = list[str]()
    if shown.aslant:
        remarks.append(f"The picture is to be shown aslant; it is turned by {shown.rotation}°, the nearest right angle")
    if kind.raw:
        remarks.append("A stream without a container has no time stamps")
    return FilmFacts(f"{kind.name}, {codec}" if codec else kind.name, tagged, shown, tuple(remarks))


def _positive(text: str | None) -> float | None:
    """Return a number above 0 as a tag has it, None for anything else."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if 1e-3 < value < 1e6 else None


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


def _next(frames: Iterator["VideoFrame"], width: int, height: int, before: _Decoded | None) -> _Decoded | None:
    """Return the next frame; None at the end.

    A frame's side data keep it alive until garbage is collected, which makes decoding three times as slow: they are
    looked at where the rotation is not that of the frame `before`.
    """
    from av.sidedata.sidedata import Type

    frame = next(frames, None)
    if frame is None:
        return None
    if before is not None and before.rotation == frame.rotation:
        shown = before.orientation
    else:
        by_type: Any = frame.side_data  # whose annotation has names for keys
        matrix = by_type.get(Type.DISPLAYMATRIX)
        shown = UPRIGHT if matrix is None else orientation(bytes(matrix))
    scaled = frame.reformat(width=width, height=height, format="gray", interpolation="AREA")
    picture: Any = scaled.to_ndarray()
    return _Decoded(shown.shown(picture), (frame.pts, frame.dts), bool(frame.is_corrupt), shown, frame.rotation)


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


def _times(stamps: list[_Stamp], stream: "VideoStream", kind: FilmFormat) -> Array | None:
    """Return when each frame is shown, s, in the order in which they are; None where nothing tells.

    By the times of presentation; where not all have one, by those of decoding, and then by the rate.
    """
    rate, unit = stream.average_rate, stream.time_base
    if kind.raw:
        own = stream.codec_context.framerate  # the average is what the stream was given
        stated = own is not None and 1 <= own <= MOST_RATE and abs(own - Fraction(UNSTATED)) > 0.01
        return np.arange(len(stamps)) / float(own) if stated and own is not None else None
    for column in zip(*stamps, strict=True):
        known = [stamp for stamp in column if stamp is not None]
        if unit is not None and len(known) == len(stamps):
            whole = np.array(known, dtype=np.int64)
            return np.asarray((whole - whole[0]) * unit.numerator / unit.denominator, dtype=np.float64)
    return np.arange(len(stamps)) / float(rate) if rate else None
