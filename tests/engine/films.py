"""Films of a known swing, written at any times, in any container, turned in any way."""

import math
import struct
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from hnn_engine.camera import Camera
from hnn_engine.coords import Array
from hnn_engine.recordings import Recording
from hnn_engine.video import Crop, as_recording, extract_frames, read_video

Pictures = npt.NDArray[np.uint8]

SIDE = 64
PERIOD, SWING = 1.477, 0.9  # s and rad
OMEGA = 2 * math.pi / PERIOD
FINE = Fraction(1, 90_000)  # s, in which the time stamps count
STEADY = ("mpeg4", "mpeg2video", "libtheora")  # codecs that count in frames
CODECS = {
    "avi": "mpeg4",
    "asf": "msmpeg4v3",
    "mpeg": "mpeg2video",
    "flv": "flv",
    "ogg": "libtheora",
    "mxf": "mpeg2video",
}


def angle(times: Array) -> Array:
    """The angle at `times`, rad."""
    return np.asarray(SWING * np.cos(OMEGA * times))


def speed(times: Array) -> Array:
    """Its slope, rad/s."""
    return np.asarray(-SWING * OMEGA * np.sin(OMEGA * times))


def pictures_at(times: Array) -> Pictures:
    """What a camera sees of the swing at `times`."""
    return np.asarray(Camera(SIDE, 0.2).render(angle(times)))


def at_rates(*parts: tuple[float, float]) -> Array:
    """Return times from 0 on, by pairs of a length in s and a rate in frames per second that is kept over it."""
    times = [0.0]
    for seconds, rate in parts:
        times += [times[-1] + i / rate for i in range(1, round(seconds * rate) + 1)]
    return np.array(times)


def write_film(
    path: Path,
    times: Array,
    pictures: Pictures | None = None,
    container: str | None = None,
    codec: str | None = None,
    tick: Fraction = FINE,
    tags: dict[str, str] | None = None,
    stored: Array | None = None,
) -> Path:
    """Write the swing as it is at `times`, with these time stamps or others that are `stored`, in units of `tick`."""
    shown = pictures_at(times) if pictures is None else pictures
    stamps = times if stored is None else stored
    options = {"movflags": "use_metadata_tags"} if tags else {}
    with av.open(str(path), "w", format=container, options=options) as film:
        film.metadata.update(tags or {})
        rate = Fraction(round(1 / float(np.median(np.diff(stamps)))))
        stream = film.add_stream(codec or CODECS.get(film.format.name, "libx264"), rate=rate)
        if stream.codec_context.name in STEADY:
            tick = 1 / rate
        stream.height, stream.width = shown.shape[1:]
        stream.pix_fmt, stream.codec_context.time_base = "yuv420p", tick
        stream.time_base = tick
        if stream.codec_context.name == "libx264":
            stream.options = {"crf": "12", "preset": "veryfast"}
        else:
            stream.bit_rate = 2_000_000
        for picture, stamp in zip(shown, stamps, strict=True):
            frame = av.VideoFrame.from_ndarray(np.stack([picture] * 3, axis=-1), format="rgb24")
            frame.time_base, frame.pts = tick, round(stamp / tick)
            film.mux(stream.encode(frame))
        film.mux(stream.encode())
    return path


@dataclass(frozen=True, eq=False)
class Error:
    """How far what was read is off: the worst time in s, the period as a part of it, and the speed, rms in rad/s."""

    time: float
    period: float
    speed: float


def recorded(path: Path, fps: float | None = None) -> Recording:
    """Return the recording of a film."""
    film = read_video(path)
    return as_recording(extract_frames(film, Crop.whole(film), seconds=None if fps is None else 1 / fps))


def off(recording: Recording, times: Array) -> Error:
    """Return how far a recording is off the swing at `times`."""
    assert len(recording.t) == len(times)
    q, v = recording.coords.T
    return Error(
        float(np.abs(recording.t - (times - times[0])).max()),
        abs(period(recording.t, q) / PERIOD - 1),
        float(np.sqrt(np.mean((v - speed(times)) ** 2))),
    )


def period(t: Array, q: Array) -> float:
    """Return the period of a swing, s, from where it passes through its mean on its way up."""
    q = q - (q.max() + q.min()) / 2
    up = np.flatnonzero((q[:-1] < 0) & (q[1:] >= 0))
    crossings = t[up] - q[up] * (t[up + 1] - t[up]) / (q[up + 1] - q[up])
    return float(np.polyfit(np.arange(len(crossings)), crossings, 1)[0])


def with_matrix(path: Path, matrix: tuple[int, int, int, int]) -> Path:
    """Give an mp4 the display matrix of a, b, c and d, each −1, 0 or 1."""
    whole = path.read_bytes()
    identity = struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
    a, b, c, d = (n << 16 for n in matrix)
    at = whole.index(identity, whole.index(b"tkhd"))
    new = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(whole[:at] + new + whole[at + len(identity) :])
    return path
