"""Films made of images: a folder of them, or one file that holds many, as a GIF does."""

import re
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.errors import RecordingError
from hnn_engine.number_format import number
from hnn_engine.progress import ProgressCallback
from hnn_engine.recordings.regular import open_regular
from hnn_engine.video.clip import (
    LARGEST_FILM,
    DecodedFrames,
    FilmFacts,
    Pictures,
    check_count,
    check_pixels,
    reduction,
)
from hnn_engine.video.containers import Stated, gif, missing, png_ends, tiff, video_ends, webp
from hnn_engine.video.library_errors import FILMS, named, quiet_pillow

if TYPE_CHECKING:
    from PIL.Image import Image

IMAGES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".gif", ".webp", ".avif")
FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP")  # Pillow knows others, some of which start programs
PICTURE = "an image"
TICKS = {"gif": 0.01, "webp": 0.001, "avif": 0.001}  # s in which delays count, or Pillow rounds them to
SHORTEST_SHOWN = 0.02  # s: browsers and viewers show a GIF's frames of less for 0.1 s


def natural(name: str) -> list[tuple[int, str]]:
    """Return the key that sorts names with the numbers in them by size: 'frame2' before 'frame10'."""
    parts = re.findall(r"\d+|\D+", name.casefold())
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def read_folder(place: Path, tell: ProgressCallback) -> DecodedFrames:
    """Read the images of a folder; each is one frame, whatever it holds, and nothing says how far they are apart."""
    quiet_pillow()
    files = _files(place)
    width, height = _size(files[0])
    factor = reduction(str(place), len(files), width, height)
    first = _picture(files[0], (width, height), files[0], factor)
    pictures = np.empty((len(files), *first.shape), dtype=np.uint8)
    for i, file in enumerate(files):
        picture = first if i == 0 else _picture(file, (width, height), files[0], factor)
        if picture.shape != first.shape:
            raise _unlike(file, picture.shape[::-1], files[0], first.shape[::-1])
        pictures[i] = picture
        tell((i + 1) / len(files))
    return DecodedFrames(pictures, None, factor, facts=FilmFacts("folder of images"))


def _files(place: Path) -> list[Path]:
    names: list[str] = []
    with named(place):
        for entry in place.iterdir():
            if entry.suffix.lower() in IMAGES and entry.name[0] != ".":
                names.append(entry.name)
                check_count(str(place), len(names))
    if not names:
        raise RecordingError(f"{place} holds no images; expected png, jpg, bmp, tif, gif, webp or avif: choose another")
    return [place / name for name in sorted(names, key=natural)]


def _size(path: Path) -> tuple[int, int]:
    from PIL import Image

    with (
        open_regular(str(path), PICTURE) as file,
        named(path),
        Image.open(_checked(path, file), formats=FORMATS) as image,
    ):
        check_pixels(str(path), *image.size)
        return image.size


def _picture(path: Path, size: tuple[int, int], first: Path, factor: int) -> Pictures:
    """Return an image of a folder, which must be of the `size` that the `first` one has."""
    from PIL import Image

    with (
        open_regular(str(path), PICTURE) as file,
        named(path),
        Image.open(_checked(path, file), formats=FORMATS) as image,
    ):
        if image.size != size:
            raise _unlike(path, image.size, first, size)
        return grey(image, factor)


def _unlike(file: Path, size: tuple[int, ...], first: Path, expected: tuple[int, ...]) -> RecordingError:
    found = f"{file} has {size[0]} × {size[1]} pixels where {first.name} has {expected[0]} × {expected[1]}"
    return RecordingError(f"{found}; expected images of one size: take it out or scale it")


def _checked(path: Path, file: BinaryIO) -> BinaryIO:
    """Return `file`, once it is no GIF without a picture: Pillow would go through all of it, byte by byte."""
    is_gif = file.read(4) == b"GIF8"
    file.seek(0)
    if is_gif:
        if not gif(file).held:
            raise RecordingError(f"{path} holds no whole picture; expected {PICTURE}: check or export it again")
        file.seek(0)
    return file


def read_animation(place: Path, name: str, tell: ProgressCallback) -> DecodedFrames:
    """Read the frames of one file of images, of the format `name`, as far as it goes, with their times from the delays
    after each."""
    from PIL import Image

    quiet_pillow()
    with open_regular(str(place), FILMS) as file:
        with named(place):
            stated, source = _surveyed(place, file, name)
            image = Image.open(source, formats=FORMATS)
        with image:
            if stated is None:
                stated = _stated(image, file, name)
            return _frames(place, image, name, stated, tell)


def _surveyed(place: Path, file: BinaryIO, name: str) -> tuple[Stated | None, BinaryIO | BytesIO]:
    """Return what a file says of itself, None where Pillow has to be asked, and what Pillow is to read."""
    source: BinaryIO | BytesIO = file
    stated: Stated | None = None
    if name in ("webp", "avif") and file.seek(0, 2) > LARGEST_FILM:  # Pillow reads it whole
        raise RecordingError(f"{place} has more than {LARGEST_FILM // 10**6} MB; expected {FILMS}: cut it")
    file.seek(0)
    if name == "gif":
        stated = gif(file)
    elif name == "tiff":
        stated = tiff(file)
    elif name == "webp":
        stated, source = webp(file)
    file.seek(0)
    if stated is not None and name == "gif" and not stated.held:
        raise ValueError("no picture at all")
    check_count(str(place), 0 if stated is None else stated.held)
    return stated, source


def _stated(image: "Image", file: BinaryIO, name: str) -> Stated:
    count, ends = int(getattr(image, "n_frames", 1)), {"png": png_ends, "avif": video_ends}.get(name)
    at = file.tell()
    whole = ends is None or ends(file)
    file.seek(at)
    return Stated(count, whole, count)


def _frames(place: Path, image: "Image", name: str, stated: Stated, tell: ProgressCallback) -> DecodedFrames:
    """Read the frames up to the first that cannot be read."""
    check_count(str(place), stated.held)
    if stated.held < 2 and stated.whole:
        raise RecordingError(f"{place} is one picture; expected {FILMS}: choose the folder that holds the pictures")
    check_pixels(str(place), *image.size)
    factor = reduction(str(place), stated.held, *image.size)
    pictures, delays, kept = np.empty((0, 0, 0), dtype=np.uint8), np.zeros(stated.held), 0
    begun = np.full(stated.held, np.nan)
    for i in range(stated.held):
        try:
            with named(place):
                image.seek(i)
                picture = grey(image, factor)  # only then WebP and AVIF know their times
                delay, begin = float(image.info.get("duration") or 0), image.info.get("timestamp")
        except RecordingError:
            if i == 0:
                raise
            break
        if i == 0:
            pictures = np.empty((stated.held, *picture.shape), dtype=np.uint8)
        if picture.shape != pictures.shape[1:]:
            break
        pictures[i], delays[i], kept = picture, delay / 1000, i + 1
        begun[i] = np.nan if begin is None else float(begin) / 1000
        tell(kept / stated.held)
    steps = delays[: max(0, kept - 1)]
    times = begun[:kept] if np.isfinite(begun[:kept]).all() else np.concatenate([[0.0], np.cumsum(steps)])
    facts = FilmFacts(name, remarks=_delay_remarks(name, steps))
    known = times if (steps > 0).all() else None
    return DecodedFrames(pictures[:kept], known, factor, missing(kept, stated), TICKS.get(name, 0.0), facts)


def _delay_remarks(name: str, steps: Array) -> tuple[str, ...]:
    """Say what players make of a GIF's delays that they do not follow."""
    short = int((steps < SHORTEST_SHOWN - 1e-9).sum())
    if name != "gif" or not short:
        return ()
    delays = f"{number(1000 * float(np.median(steps)), 'ms')} between frames, as the file says"
    shown = "players show a GIF's frames for 100 ms where it says less than 20 ms"
    return (f"{delays}; {shown}",)


def grey(image: "Image", factor: int) -> Pictures:
    """Return the luma of an image as a viewer shows it: upright, on white where it is transparent."""
    from PIL import Image, ImageOps

    if image.mode.startswith(("I", "F")):  # 16 bits a pixel and more
        values = np.nan_to_num(np.asarray(image, dtype=np.float64))
        image = Image.fromarray((values / (257 if values.max() > 255 else 1)).clip(0, 255).round().astype(np.uint8))
    image = ImageOps.exif_transpose(image)
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA"))
    luma = image.convert("L")
    if factor > 1:
        width, height = luma.width // factor, luma.height // factor
        luma = luma.reduce(factor, (0, 0, width * factor, height * factor))
    return np.asarray(luma)
