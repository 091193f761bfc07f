"""Films from disk: a folder of images, an animated picture, or a video."""

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.errors import RecordingError
from hnn_engine.footage.film import FEWEST_FRAMES, Film, Pictures, Reel, Tell, reduction

if TYPE_CHECKING:
    from PIL.Image import Image

IMAGES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".gif", ".webp")
VIDEOS = (".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm")
FILMS = "a folder of images, an animated GIF, or a video (mp4, mov, avi, mkv, webm)"
UNEVEN = 0.6  # part of the median step by which a step may differ and still be a usual one
LONGEST_HOLD = 4  # times as many frames that a film may have once held ones are repeated


def is_film(path: str | os.PathLike[str]) -> bool:
    """Whether `path` is a folder, or by its name a video or images: what `look` reads."""
    place = Path(path)
    return place.is_dir() or place.suffix.lower() in (*IMAGES, *VIDEOS)


def look(path: str | os.PathLike[str], progress: Tell | None = None) -> Film:
    """Read a folder of images (2 before 10), an animated GIF or a video, whole and in grey.

    A film of more than 400 MB is kept with half its pixels each way, or a third and so on. Frames that are held, as
    GIFs and films of varying frame rate have them, are repeated, so that steps are even. `progress` hears the share
    that is done, and what it raises ends the work. Raises `RecordingError` for what is no such film, images of unlike
    sizes, fewer than 20 frames, and what is too large even when reduced.
    """
    place = Path(path)
    reel = _reel(place, progress or (lambda share: None))
    count = len(reel.pictures)
    if count < FEWEST_FRAMES:
        found = f"{place} holds {count} frame{'s' if count != 1 else ''}"
        raise RecordingError(f"{found}; expected at least {FEWEST_FRAMES}: choose a longer film")
    pictures, seconds = (reel.pictures, None) if reel.times is None else _evened(place, reel.pictures, reel.times)
    title = place.stem.replace("_", " ").strip().capitalize() or "Film"
    return Film(str(place), title, pictures, seconds, reel.reduced)


def _reel(place: Path, tell: Tell) -> Reel:
    """Read what `place` is; every fault of the file is a `RecordingError`."""
    from PIL import Image

    faults = (OSError, ValueError, SyntaxError, EOFError, MemoryError, Image.DecompressionBombError)
    try:
        if place.is_dir():
            return _folder(place, tell)
        if not place.exists():
            raise RecordingError(f"{place} does not exist; expected {FILMS}: check the path")
        if place.suffix.lower() in VIDEOS:
            from hnn_engine.footage.video import read_video

            return read_video(place, tell)
        if place.suffix.lower() in IMAGES:
            return _animation(place, tell)
    except faults as error:
        raise _unreadable(place, error) from None
    raise RecordingError(f"{place} is no film by its name; expected {FILMS}: choose one of these")


def _unreadable(place: Path, error: Exception) -> RecordingError:
    reason = getattr(error, "strerror", None) or "damaged, or not what its name says"
    return RecordingError(f"{place} cannot be read ({reason}); expected {FILMS}: check or export it anew")


def natural(name: str) -> list[tuple[int, str]]:
    """Return the key that sorts names with the numbers in them by size: 'frame2' before 'frame10'."""
    parts = re.findall(r"\d+|\D+", name.casefold())
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def _folder(place: Path, tell: Tell) -> Reel:
    """Read the images of a folder; each is one frame, whatever it holds, and nothing says how far they are apart."""
    from PIL import Image

    names = [entry.name for entry in place.iterdir() if entry.suffix.lower() in IMAGES and entry.name[0] != "."]
    files = [place / name for name in sorted(names, key=natural)]
    if not files:
        raise RecordingError(f"{place} holds no images; expected png, jpg, bmp, tif, gif or webp: choose another")
    with Image.open(files[0]) as first:
        width, height = first.size
    factor = reduction(str(place), len(files), width, height)
    pictures = np.empty((len(files), height // factor, width // factor), dtype=np.uint8)
    for i, file in enumerate(files):
        try:
            with Image.open(file) as image:
                if image.size != (width, height):
                    raise _unlike(file, image.size, files[0], (width, height))
                pictures[i] = _grey(image, factor)
        except (OSError, ValueError, SyntaxError, EOFError) as error:
            raise _unreadable(file, error) from None
        tell((i + 1) / len(files))
    return Reel(pictures, None, factor)


def _unlike(file: Path, size: tuple[int, int], first: Path, expected: tuple[int, int]) -> RecordingError:
    found = f"{file} has {size[0]} × {size[1]} pixels where {first.name} has {expected[0]} × {expected[1]}"
    return RecordingError(f"{found}; expected images of one size: take it out or scale it")


def _animation(place: Path, tell: Tell) -> Reel:
    """Read the frames of one file of images, with their times from the delays after each."""
    from PIL import Image, ImageSequence

    with Image.open(place) as image:
        count = int(getattr(image, "n_frames", 1))
        if count == 1:
            raise RecordingError(f"{place} is one picture; expected {FILMS}: choose the folder that holds the pictures")
        factor = reduction(str(place), count, *image.size)
        pictures = np.empty((count, image.height // factor, image.width // factor), dtype=np.uint8)
        delays = np.zeros(count)
        for i, frame in enumerate(ImageSequence.Iterator(image)):
            pictures[i] = _grey(frame, factor)
            delays[i] = frame.info.get("duration", 0) / 1000
            tell((i + 1) / count)
    times = np.concatenate([[0.0], np.cumsum(delays[:-1])]) if (delays[:-1] > 0).all() else None
    return Reel(pictures, times, factor)


def _grey(image: "Image", factor: int) -> Pictures:
    """Return the luma of an image as a viewer shows it: upright, on white where it is transparent."""
    from PIL import Image, ImageOps

    if image.mode.startswith(("I", "F")):  # 16 bits a pixel and more
        values = np.asarray(image, dtype=np.float64)
        image = Image.fromarray((values / (257 if values.max() > 255 else 1)).clip(0, 255).round().astype(np.uint8))
    image = ImageOps.exif_transpose(image)
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA"))
    grey = image.convert("L")
    if factor > 1:
        width, height = grey.width // factor, grey.height // factor
        grey = grey.reduce(factor, (0, 0, width * factor, height * factor))
    return np.asarray(grey)


def _evened(place: Path, pictures: Pictures, times: Array) -> tuple[Pictures, float]:
    """Return frames at even steps, each as it stands on screen then, and the step in s."""
    steps = np.diff(times)
    usual = np.median(steps)
    if not usual > 0:
        raise RecordingError(f"{place}: its frames have no times that rise; expected a film: export it anew")
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
