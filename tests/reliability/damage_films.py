"""Films of a swinging rod in every format that is read, and seeded damage to them: cut, flipped, doubled, left out."""

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hnn_engine.camera import Camera

SIDE, COUNT = 32, 32  # pixels and frames
FOLDERS = ("png", "jpg")
VIDEOS = {"mp4": "libx264", "avi": "mpeg4", "mkv": "libx264", "mov": "mpeg4", "webm": "libvpx"}
Pictures = npt.NDArray[np.uint8]


def swing() -> Pictures:
    """Return the pictures `(COUNT, SIDE, SIDE)` of a rod."""
    return np.asarray(Camera(SIDE, 0.3).render(0.8 * np.cos(0.4 * np.arange(COUNT))))


def write_films(folder: Path) -> list[Path]:
    """Write the film in every format that can be written here, and return where they are."""
    from PIL import Image

    pictures = [Image.fromarray(picture) for picture in swing()]
    found = []
    for name, options in (
        ("swing.gif", {}),
        ("swing.tif", {}),
        ("packed.tif", {"compression": "tiff_lzw"}),
        ("swing.webp", {"lossless": True}),
        ("swing.png", {}),
    ):
        path = folder / name
        more = {} if path.suffix == ".tif" else {"duration": 40}
        pictures[0].save(path, save_all=True, append_images=pictures[1:], **options, **more)  # type: ignore[arg-type]
        found.append(path)
    for suffix in FOLDERS:
        path = folder / f"of {suffix}"
        path.mkdir()
        for i, picture in enumerate(pictures):
            picture.save(path / f"frame{i}.{suffix}")
        found.append(path)
    return found + [path for name, codec in VIDEOS.items() if (path := encode_video(folder / f"swing.{name}", codec))]


def encode_video(path: Path, codec: str, container: str | None = None) -> Path | None:
    """Write the film as a video, in the `container` that its name says or another; None where the codec is missing."""
    import av

    options = {"movflags": "+faststart"} if path.suffix == ".mp4" and container is None else {}
    try:
        with av.open(str(path), "w", format=container, options=options) as film:
            stream = film.add_stream(codec, rate=25)
            stream.width = stream.height = SIDE  # type: ignore[attr-defined]
            stream.pix_fmt = "yuv420p"  # type: ignore[attr-defined]
            for picture in swing():
                frame = av.VideoFrame.from_ndarray(np.stack([picture] * 3, axis=-1), format="rgb24")
                film.mux(stream.encode(frame))  # type: ignore[attr-defined]
            film.mux(stream.encode())  # type: ignore[attr-defined]
    except av.codec.codec.UnknownCodecError:
        path.unlink(missing_ok=True)
        return None
    return path


def cut(rng: random.Random, raw: bytes) -> bytes:
    """Leave out the end."""
    return raw[: rng.randrange(len(raw))]


def flip(rng: random.Random, raw: bytes) -> bytes:
    """Change some bytes anywhere."""
    data = bytearray(raw)
    for _ in range(rng.randrange(1, 12)):
        data[rng.randrange(len(data))] = rng.randrange(256)
    return bytes(data)


def flip_head(rng: random.Random, raw: bytes) -> bytes:
    """Change some bytes near the beginning, where sizes and counts are."""
    data = bytearray(raw)
    for _ in range(rng.randrange(1, 4)):
        data[rng.randrange(min(len(data), 400))] = rng.choice((0, 1, 127, 128, 255, rng.randrange(256)))
    return bytes(data)


def flip_bits(rng: random.Random, raw: bytes) -> bytes:
    """Turn a single bit round here and there."""
    data = bytearray(raw)
    for _ in range(rng.randrange(1, 30)):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(data)


def blank(rng: random.Random, raw: bytes) -> bytes:
    """Write one byte over a stretch, as a disk does that lost a sector."""
    at, size = rng.randrange(len(raw)), rng.choice((4, 64, 512, 4096))
    filled = bytes([rng.choice((0, 255, rng.randrange(256)))]) * min(size, len(raw) - at)
    return raw[:at] + filled + raw[at + len(filled) :]


def leave_out(rng: random.Random, raw: bytes) -> bytes:
    """Leave out a stretch."""
    at = rng.randrange(len(raw))
    return raw[:at] + raw[at + rng.choice((1, 2, 100, 1000)) :]


def double(rng: random.Random, raw: bytes) -> bytes:
    """Write a stretch twice."""
    at, size = rng.randrange(len(raw)), rng.choice((1, 13, 100, 2000))
    return raw[: at + size] + raw[at:]


DAMAGES: tuple[Callable[[random.Random, bytes], bytes], ...] = (
    cut,
    cut,
    flip,
    flip_head,
    flip_bits,
    blank,
    leave_out,
    double,
)


def damage_film(seed: int, films: list[Path], folder: Path) -> Path:
    """Write one of the films, damaged once or twice, into `folder` and return where it is."""
    rng = random.Random(seed)
    film = rng.choice(films)
    place = folder / film.name
    if film.is_dir():
        place.mkdir(exist_ok=True)
        for file in film.iterdir():
            (place / file.name).write_bytes(file.read_bytes())
        chosen = place / rng.choice(sorted(file.name for file in film.iterdir()))
    else:
        place.write_bytes(film.read_bytes())
        chosen = place
    raw = chosen.read_bytes()
    for _ in range(rng.choice((1, 1, 2))):
        raw = rng.choice(DAMAGES)(rng, raw) if raw else raw
    chosen.write_bytes(raw)
    return place
