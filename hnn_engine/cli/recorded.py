"""`--recording`: a table of measured data, or a film of a pendulum, and what the options say of it."""

import argparse
import math
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import numpy as np

from hnn_engine.cli.working import Working
from hnn_engine.console import say
from hnn_engine.errors import ParameterError, shortened
from hnn_engine.experiment import Experiment, recording_experiment
from hnn_engine.recordings import Recording, Stated, get_derivative, inspect_table, parse_stated
from hnn_engine.video import Crop, Video, as_recording, extract_frames, inspection_of, is_video, read_video

FILM_OPTIONS = ("crop", "size", "fps")
TABLE_OPTIONS = ("columns", "rate", "table")
SIZE = 28  # pixels of a frame's side
EVEN = 1e-3  # part of a step by which steps may differ and be said to be one


def recorded(options: argparse.Namespace, simulated: Collection[str]) -> Experiment:
    """Return the experiment on `--recording`; `simulated` names the options given that are for simulated data.

    Raises `ParameterError` for options that are not for this recording, `RecordingError` for one that cannot be read.
    """
    filmed = is_video(options.recording)
    for name in simulated:
        if not (filmed and name in FILM_OPTIONS):
            raise ParameterError(f"--{name} is for simulated data, but --recording was given: leave it out")
    if options.param:
        raise ParameterError("--param sets a system's constants, but --recording was given: leave it out")
    method = get_derivative(options.method).name if options.method else None
    return recording_experiment(_film(options) if filmed else _table(options), method)


def _table(options: argparse.Namespace) -> Recording:
    for name in ("crop", "fps"):
        if getattr(options, name) is not None:
            raise ParameterError(f"--{name} is for a video, but {options.recording} is none: leave it out")
    with Reading(options.recording) as reading:
        found = inspect_table(options.recording, stated_of(options), reading.tell)
    recording = found.recording()
    say(f"{shortened(Path(options.recording).name)}: {found.describe()}")
    return recording


def stated_of(options: argparse.Namespace) -> Stated:
    """Return what `--columns`, `--rate` and `--table` say of a table; raise `ParameterError`."""
    return replace(parse_stated(options.columns or "", options.rate), table=options.table or "")


def _film(options: argparse.Namespace) -> Recording:
    """Read a film, cut out what `--crop` says or its middle, and read the angles."""
    for name in TABLE_OPTIONS:
        if getattr(options, name) is not None:
            raise ParameterError(f"--{name} is for a table, but {options.recording} is a video: leave it out")
    crop = None if options.crop is None else parse_crop(options.crop)
    seconds = None if options.fps is None else 1 / rate_of(options.fps)
    size = SIZE if options.size is None else _whole(options.size)
    with Reading(options.recording) as reading:
        film = read_video(options.recording, reading.tell)
    square = Crop.whole(film) if crop is None else on_film(crop, film)
    footage = extract_frames(film, square, size, seconds=seconds)
    recording = as_recording(footage)
    name = shortened(Path(options.recording).name)
    for line in inspection_of(film, seconds).describe().splitlines():
        say(f"{name}: {line}")
    far = math.degrees(float(np.abs(recording.coords[:, 0]).max()))
    steps = np.diff(recording.t)
    apart = f"{steps.min():.4g}" if np.ptp(steps) < EVEN * steps.min() else f"{steps.min():.4g} to {steps.max():.4g}"
    say(f"{name}: {len(recording.t)} frames, {apart} s apart, angles up to {far:.0f}°")
    if footage.reader.doubt:
        say(f"{name}: {footage.reader.doubt}")
    return recording


class Reading(Working):
    """What stderr is told of reading a file."""

    def __init__(self, path: str) -> None:
        """Say nothing yet of the file at `path`."""
        super().__init__(f"reading {shortened(Path(path).name)}")


def parse_crop(text: str) -> Crop:
    """Read 'left,top,side' in whole pixels; raise `ParameterError`."""
    parts = [part.strip() for part in text.split(",")]
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() and len(part) < 7 for part in parts):
        raise ParameterError(f"--crop is '{text}', but it must be LEFT,TOP,SIDE in whole pixels, as in 40,0,240")
    left, top, side = (int(part) for part in parts)
    return Crop(left, top, side)


def on_film(crop: Crop, film: Video) -> Crop:
    """Return `crop`, in pixels of the file, in pixels of `film`, which is read reduced where the file is large; raise
    `ParameterError` where it is not within the picture."""
    width, height = (n * film.reduced + film.reduced - 1 for n in (film.width, film.height))
    if max(crop.left + crop.side - width, crop.top + crop.side - height) > 0:
        square, picture = f"{crop.left},{crop.top},{crop.side}", f"{width} × {height} pixels of {film.path}"
        raise ParameterError(f"--crop is {square}, but it must be a square within the {picture}")
    side = min(crop.side // film.reduced, film.width, film.height)
    left, top = crop.left // film.reduced, crop.top // film.reduced
    return Crop(min(left, film.width - side), min(top, film.height - side), side)


def rate_of(text: str) -> float:
    """Return frames per second; raise `ParameterError`."""
    try:
        rate = float(text)
    except ValueError:
        rate = math.nan
    if not 1e-6 < rate < 1e6:
        raise ParameterError(f"--fps is '{text}', but it must be how many frames per second has, as in 30")
    return rate


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 7):
        raise ParameterError(f"--size is '{text}', but it must be a whole number of pixels, as in {SIZE}")
    return int(text)
