"""A video decoded into grey frames by PyAV, as players show it: upright, and with square pixels."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hnn_engine.errors import RecordingError
from hnn_engine.footage.film import Pictures, Reel, Tell, reduction

if TYPE_CHECKING:
    from av import VideoFrame, VideoStream


def read_video(place: Path, tell: Tell) -> Reel:
    """Decode the first stream of pictures in `place`; raise `RecordingError` where there is none, or it is damaged."""
    import av

    try:
        count = _count(place)
        with av.open(str(place)) as container:
            stream = container.streams.video[0]
            width, height = _shown_size(place, stream)
            stream.thread_type = "AUTO"
            factor = reduction(str(place), count, width, height)
            pictures = np.empty((0, 0, 0), dtype=np.uint8)
            times: list[float | None] = []
            for i, frame in zip(range(count), container.decode(stream), strict=False):
                picture = _grey(frame, width // factor, height // factor)
                if i == 0:
                    pictures = np.empty((count, *picture.shape), dtype=np.uint8)
                pictures[i] = picture
                times.append(frame.time)
                tell((i + 1) / count)
            rate = stream.average_rate
    except (av.FFmpegError, MemoryError) as error:
        reason = getattr(error, "strerror", None) or "not enough memory"
        raise RecordingError(f"{place} cannot be read ({reason}); expected a video: check or export it anew") from None
    return Reel(pictures[: len(times)], _times(times, rate), factor)


def _count(place: Path) -> int:
    """Return the number of frames by what is in the file, which its header may not say, without decoding it."""
    import av

    with av.open(str(place)) as container:
        if not container.streams.video:
            raise RecordingError(f"{place} holds no pictures; expected a video: choose another file")
        return sum(packet.size > 0 for packet in container.demux(container.streams.video[0]))


def _shown_size(place: Path, stream: "VideoStream") -> tuple[int, int]:
    """Return the width and height of the picture in square pixels, before it is turned upright."""
    if getattr(stream, "codec_context", None) is None or not stream.codec_context.width:
        what = "damaged, or in an unknown format"
        raise RecordingError(f"{place} cannot be read ({what}); expected a video: check or export it anew")
    aspect = stream.sample_aspect_ratio or 1
    return round(stream.codec_context.width * aspect), stream.codec_context.height


def _grey(frame: "VideoFrame", width: int, height: int) -> Pictures:
    """Return the luma of a frame at `width` × `height`, turned as the camera was held."""
    scaled = frame.reformat(width=width, height=height, format="gray", interpolation="AREA")
    picture: Any = scaled.to_ndarray()
    return np.asarray(np.rot90(picture, round(frame.rotation / 90)))


def _times(times: list[float | None], rate: Any) -> "np.ndarray[tuple[int], np.dtype[np.float64]] | None":
    """Return when each frame begins, s; by the rate where the frames do not say it, and None where nothing does."""
    if all(time is not None for time in times):
        return np.array(times, dtype=np.float64)
    return np.arange(len(times)) / float(rate) if rate else None
