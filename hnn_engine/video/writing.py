"""Films on disk: an animated GIF, an H.264 video, or a folder of numbered pictures, of flat pictures such as plots."""

import io
import os
import re
import struct
import zlib
from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hnn_engine.atomic_write import check_file, check_room, resolved, told, write_by, write_folder_by
from hnn_engine.disk import operations
from hnn_engine.errors import RecordError, listing
from hnn_engine.missing_libraries import explained
from hnn_engine.progress import ProgressCallback
from hnn_engine.video.clip import Pictures

Indices = npt.NDArray[np.int32]

SUFFIXES = (".gif", ".mp4")
FRAME_NAME = re.compile(r"frame-[0-9]{4,}\.png")  # of a numbered picture
SHORTEST_DELAY = 2  # hundredths of a second: browsers take a GIF's shorter ones for ten
COLORS_SOUGHT = 16  # pictures that a GIF's colours are taken from
KEPT_COLORS = 192  # of 256, where a film has more: the rest stand for those that are left
LARGEST_GIF = 500_000_000  # bytes of its pictures, packed, while it is made
SAMPLED_PIXELS = 500_000  # of a picture, that its colours are counted at
COMPARED_AT_ONCE = 4096  # colours: all of a picture with many would take hundreds of megabytes
LARGE = 1_000_000  # pixels of a picture, beyond which a file a third larger is made in half the time
QUALITY = "16"  # of H.264, a constant rate factor: nothing to be seen is lost
BT709 = 1  # what players take a video's colours for, and what it says that they are


@explained
def write_video(
    path: str | os.PathLike[str],
    pictures: Iterable[Pictures],
    seconds: float,
    progress: ProgressCallback | None = None,
    count: int | None = None,
    replace_protected: bool = False,
) -> None:
    """Write `pictures`, of one size and `seconds` apart, as an endless GIF or an mp4, by `path`.

    A picture is `(H, W, 3)` uint8, red, green and blue, or `(H, W, 4)`: blue, green, red, and a byte that is not used.

    A GIF has 256 colours for all pictures, and counts in hundredths of a second: its delays differ by one so that the
    whole lasts as long as it should, and of a film with more than 50 pictures a second some are left out. An mp4 is
    H.264 in 4:2:0, which every player knows, with even sides: the last row or column is repeated where it has to be.
    `progress` hears the share that is done where `count` says how many pictures come, and what it raises ends the
    work. Whatever ends it, an older file stays as it was. Raises `RecordError` for another suffix, for a place that
    cannot be written, for no picture at all, and where H.264 is missing; `ProtectedFileError` where a read-only file
    is there, unless `replace_protected`.
    """
    place = Path(path)
    if place.suffix.lower() not in SUFFIXES:
        raise RecordError(f"{place} names no video; expected a name that ends in .gif or .mp4: choose one")
    if not 0 < seconds < np.inf:
        raise RecordError(f"{seconds} s between pictures of {place} is no time step; expected a number above 0")
    check_file(place, "a video", replace_protected)
    encode = _gif if place.suffix.lower() == ".gif" else _mp4
    heard = _told(place, pictures, progress, count)
    write_by(place, lambda beside: encode(beside, place, heard, seconds), replace_protected=replace_protected)


@explained
def write_pictures(
    folder: str | os.PathLike[str],
    pictures: Iterable[Pictures],
    progress: ProgressCallback | None = None,
    count: int | None = None,
    replace: bool = False,
) -> None:
    """Let `folder` hold `pictures`, as `write_video` takes them: frame-0001.png, frame-0002.png and so on, all at once.

    `progress` and `count` are as in `write_video`. Raises `RecordError` where the folder cannot be written, holds
    something already, or, with `replace`, anything but such pictures, and for no picture at all.
    """
    place = Path(folder)
    check_pictures(place, replace)
    write_folder_by(place, lambda beside: _pngs(beside, _told(place, pictures, progress, count)))


def check_pictures(folder: Path, replace: bool = False) -> None:
    """Raise `RecordError` where `write_pictures` could not write into `folder`; asked before the pictures are made."""
    with told(folder):
        target = resolved(folder)
        found = operations.look(target)
        if found is not None and not operations.is_folder(found):
            raise RecordError(f"{folder} is a file, but numbered pictures need a folder: name another")
        names = operations.names(target) if found is not None else []
    strange = [name for name in names if FRAME_NAME.fullmatch(name) is None]
    if names and (strange or not replace):
        way = "name another folder" if strange else "name another folder, or replace them by --force"
        raise RecordError(f"{folder} is not empty (it holds {listing(strange or names, most=3)}): {way}")
    check_room(folder, target.parent, "--out")


def _pngs(beside: Path, pictures: Iterable[Pictures]) -> None:
    from PIL import Image

    for i, picture in enumerate(pictures):
        file = io.BytesIO()
        Image.fromarray(_rgb(picture)).save(file, "PNG", compress_level=6)
        name = beside / f"frame-{i + 1:04d}.png"
        operations.create(name)
        operations.write(name, file.getvalue())
        operations.sync(name)


def _told(
    place: Path, pictures: Iterable[Pictures], progress: ProgressCallback | None, count: int | None
) -> Iterator[Pictures]:
    """Yield the pictures and tell of them; raise `RecordError` where there is none."""
    shape = None
    for i, picture in enumerate(pictures):
        shape = shape or picture.shape
        assert picture.shape == shape
        yield picture
        if progress is not None:
            progress((i + 1) / count if count else 0.0)
    if shape is None:
        raise RecordError(f"{place} would hold no picture; expected one at least: choose a longer time")


def gif_every(seconds: float) -> int:
    """Return which of the pictures that are `seconds` apart a GIF shows: each, or every second one, and so on."""
    return max(1, int(np.ceil(SHORTEST_DELAY / (100 * seconds) - 1e-9)))


def delays(count: int, seconds: float) -> tuple[list[int], list[int]]:
    """Return which of `count` pictures a GIF shows, and for how many hundredths of a second each."""
    every = gif_every(seconds)
    shown = list(range(0, count, every))
    ends = np.rint(100 * seconds * np.minimum(every * np.arange(1, len(shown) + 1), count))
    return shown, [max(SHORTEST_DELAY, int(d)) for d in np.diff(ends, prepend=0)]


def _gif(beside: Path, place: Path, pictures: Iterable[Pictures], seconds: float) -> None:
    packed, size, shape = [], 0, (0, 0, 0)
    for picture in pictures:
        picture = _rgb(picture)
        packed.append(zlib.compress(picture.tobytes(), 1))  # flat: next to nothing is left
        size, shape = size + len(packed[-1]), picture.shape
        if size > LARGEST_GIF:
            raise RecordError(
                f"{place} would be too large for a GIF: choose a name that ends in .mp4, or a shorter film"
            )
    shown, hundredths = delays(len(packed), seconds)

    def unpacked(i: int) -> Pictures:
        return np.frombuffer(zlib.decompress(packed[i]), dtype=np.uint8).reshape(shape)

    chosen = np.unique(np.linspace(0, len(shown) - 1, COLORS_SOUGHT).round().astype(int))
    painter = _Palette([unpacked(shown[i]) for i in chosen])
    file = io.BytesIO()
    file.write(_gif_head(shape[1], shape[0], painter.table))
    before = None
    for i, delay in zip(shown, hundredths, strict=True):
        now = painter.indexed(unpacked(i))
        file.write(_gif_frame(before, now, delay))
        before = now
    file.write(b";")
    operations.write(beside, file.getvalue())


def _gif_head(width: int, height: int, table: bytes) -> bytes:
    """Return how a GIF of this size begins that plays without end, in the 256 colours of `table`, three bytes each."""
    screen = struct.pack("<HHBBB", width, height, 0b1111_0111, 0, 0)  # a table of 256 colours for all pictures
    return b"GIF89a" + screen + table + b"!\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00"


def _gif_frame(before: Pictures | None, now: Pictures, delay: int) -> bytes:
    """Return the part of a GIF that shows `now` `(H, W)`, numbers of colours, for `delay` hundredths of a second, after
    `before`: of what is the same in both nothing but a pixel."""
    from PIL import GifImagePlugin, Image

    top, left, bottom, right = 0, 0, *now.shape
    if before is not None:
        rows, columns = ((now != before).any(axis=axis).nonzero()[0] for axis in (1, 0))
        top, left, bottom, right = (rows[0], columns[0], rows[-1] + 1, columns[-1] + 1) if len(rows) else (0, 0, 1, 1)
    part = Image.fromarray(np.ascontiguousarray(now[top:bottom, left:right]))
    where = (int(left), int(top))  # what is not drawn over stays: disposal 1
    blocks = GifImagePlugin.getdata(part, where, duration=10 * delay, disposal=1, include_color_table=False)
    return b"".join(blocks)


class _Palette:
    """256 colours for all pictures of a film: the commonest as they are, and what is near all others. `table` has three
    bytes for each."""

    def __init__(self, pictures: list[Pictures]) -> None:
        from PIL import Image

        sampled = np.concatenate([_codes(_sampled(picture)).ravel() for picture in pictures])
        codes, areas = np.unique(sampled, return_counts=True)
        colors = _channels(codes[np.argsort(-areas, kind="stable")])
        if len(colors) > 256:
            rest = Image.fromarray(colors[None, KEPT_COLORS:]).quantize(256 - KEPT_COLORS, Image.Quantize.MEDIANCUT)
            colors = np.concatenate([colors[:KEPT_COLORS], np.asarray(rest.convert("RGB"))[0]])
            colors = np.unique(colors, axis=0)
        self._colors = colors
        self.table = colors.tobytes().ljust(3 * 256, b"\0")
        self._index = np.full(2**24, -1, dtype=np.int16)  # of each colour's nearest, once it was asked for

    def indexed(self, picture: Pictures) -> Pictures:
        """Return the number of the nearest colour of each pixel `(H, W)`."""
        codes = _codes(picture)
        new = np.unique(codes[self._index[codes] < 0])
        for first in range(0, len(new), COMPARED_AT_ONCE):
            some = new[first : first + COMPARED_AT_ONCE]
            apart = _channels(some).astype(np.int32)[:, None] - self._colors.astype(np.int32)
            self._index[some] = (apart**2).sum(axis=-1).argmin(axis=1)
        return np.asarray(self._index[codes].astype(np.uint8))


def _codes(picture: Pictures) -> Indices:
    """Return the colours of a picture `(H, W, 3)` as single numbers `(H, W)`."""
    wide = picture.astype(np.int32)
    return wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2]


def _sampled(picture: Pictures) -> Pictures:
    """Return a picture, or of a large one every second or third row and column."""
    every = int(np.ceil(np.sqrt(picture.shape[0] * picture.shape[1] / SAMPLED_PIXELS)))
    return picture[::every, ::every]


def _channels(codes: Indices) -> Pictures:
    """Return red, green and blue `(N, 3)` of colours that are single numbers `(N,)`."""
    return np.stack([codes >> 16, codes >> 8 & 255, codes & 255], axis=-1).astype(np.uint8)


def _mp4(beside: Path, place: Path, pictures: Iterable[Pictures], seconds: float) -> None:
    import av

    coming = iter(pictures)
    first = next(coming)  # there is one: `_told` sees to it
    large = first.shape[0] * first.shape[1] > LARGE
    options = {"crf": QUALITY, "preset": "veryfast" if large else "medium", "tune": "animation"}
    layout = "bgra" if first.shape[2] == 4 else "rgb24"
    try:
        with av.open(str(beside), "w", format="mp4", options={"movflags": "+faststart"}) as container:
            rate = Fraction(1 / seconds).limit_denominator(1000)
            stream = container.add_stream("libx264", rate=rate, options=options)
            stream.pix_fmt = "yuv420p"
            stream.height, stream.width = _even(first).shape[:2]
            codec = stream.codec_context
            codec.colorspace = codec.color_primaries = codec.color_trc = BT709
            for i, picture in enumerate(chain((first,), coming)):
                frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(_even(picture)), format=layout)
                frame = frame.reformat(format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG")
                frame.pts, frame.time_base = i, 1 / rate
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
    except (av.FFmpegError, av.codec.codec.UnknownCodecError) as error:
        if isinstance(error, OSError):  # the disk's, not the encoder's
            raise
        reason = f"{place} cannot be written ({getattr(error, 'strerror', None) or error})"
        raise RecordError(f"{reason}; expected an encoder for H.264: choose a name that ends in .gif") from error


def _rgb(picture: Pictures) -> Pictures:
    """Return a picture in red, green and blue."""
    return np.ascontiguousarray(picture[..., 2::-1] if picture.shape[2] == 4 else picture)


def _even(picture: Pictures) -> Pictures:
    """Return `picture` with its last row or column repeated where a side is odd."""
    odd = picture.shape[0] % 2, picture.shape[1] % 2
    return np.pad(picture, ((0, odd[0]), (0, odd[1]), (0, 0)), mode="edge") if any(odd) else picture
