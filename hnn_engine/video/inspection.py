"""What a film is, how it was timed, what was found beside, and what has to be asked: for `inspect` and the dialog."""

import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.number_format import number
from hnn_engine.progress import ProgressCallback
from hnn_engine.video.clip import FilmFacts, Video
from hnn_engine.video.reading import read_video
from hnn_engine.video.timing import film_gaps, missing_frames

DIGITS = 4  # of times and rates in words
FEW = 3  # gaps that are listed


@dataclass(frozen=True)
class FilmInspection:
    """A film as it is read. Times are in s, None where they are not known.

    `time_step_s` is the usual step; `times_even` says that all steps are that, but for those at the `gaps`, of which
    frames are missing. `rotation` is by how many degrees pictures are turned clockwise to be shown. `rate_tagged` is
    the rate in frames per second that a tag states beside the time stamps.
    """

    format: str
    frames: int
    width: int
    height: int
    duration_s: float | None
    time_step_s: float | None
    shortest_s: float | None
    longest_s: float | None
    times_even: bool | None
    rate_tagged: float | None
    rotation: int
    mirrored: bool
    gaps: int
    notes: tuple[str, ...]
    questions: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return what `hnn-lab inspect --json` prints."""
        return {
            "format": self.format,
            "frames": self.frames,
            "duration_s": self.duration_s,
            "time_step_s": self.time_step_s,
            "times_even": self.times_even,
            "rate_tagged": self.rate_tagged,
            "rotation": self.rotation,
            "gaps": self.gaps,
            "notes": list(self.notes),
            "questions": list(self.questions),
        }

    @property
    def pace(self) -> str:
        """How far the frames are apart, in words: '30 frames per second' or '20 to 30 frames per second'."""
        if self.time_step_s is None or self.shortest_s is None or self.longest_s is None:
            return "at an unknown rate"
        if self.times_even:
            return f"{number(1 / self.time_step_s, digits=DIGITS)} frames per second"
        slow, fast = (number(1 / step, digits=3) for step in (self.longest_s, self.shortest_s))
        return f"{slow} to {fast} frames per second"

    @property
    def summary(self) -> str:
        """Its format, length and pace in one line: 'mp4, h264: 10 s, 30 frames per second'."""
        length = "" if self.duration_s is None else f"{number(self.duration_s, 's', DIGITS)}, "
        return f"{self.format}: {length}{self.pace}"

    def describe(self) -> str:
        """Return all of it in lines."""
        size = f"{self.frames} frames of {self.width} × {self.height} pixels"
        lines = [f"{self.summary}, {size}", *(f"{text}." for text in (*self.notes, *self.questions))]
        return "\n".join(lines)


def inspect_film(
    path: str | os.PathLike[str], fps: float | None = None, progress: ProgressCallback | None = None
) -> FilmInspection:
    """Read the film at `path` and return what it is; `fps` states the usual frame rate instead of the file.

    Raises `RecordingError` as `read_video` does, and what `progress` raises, which hears the share that is done.
    """
    film = read_video(path, progress)
    return inspection_of(film, None if fps is None else 1 / fps)


def inspection_of(film: Video, seconds: float | None = None) -> FilmInspection:
    """Return what `film` is, with a usual step of `seconds` where one is stated."""
    step, facts = film.seconds if seconds is None else seconds, film.facts
    gaps = film_gaps(film.places)
    steps = np.delete(np.diff(film.places), gaps - 1)
    even = bool(np.ptp(steps) <= 1e-6)
    times = None if step is None else step * film.places
    orientation = facts.orientation
    return FilmInspection(
        facts.format,
        film.count,
        film.width * film.reduced,
        film.height * film.reduced,
        None if times is None or step is None else _rounded(times[-1] + step),
        None if step is None else _rounded(step),
        None if step is None else _rounded(step * steps.min()),
        None if step is None else _rounded(step * steps.max()),
        None if step is None else even,
        facts.rate_tagged,
        orientation.rotation,
        orientation.mirrored,
        len(gaps),
        _notes(film, times, seconds, even),
        (f"{facts.question} ({_option(facts)})",) if step is None else (),
    )


def _option(facts: FilmFacts) -> str:
    """Return what of the command line answers the question for the frame rate."""
    return " or ".join(f"--fps {rate:.4g}" for rate in facts.answers) or "--fps RATE"


def _rounded(seconds: float) -> float:
    return float(f"{seconds:.9g}")


def _notes(film: Video, times: Array | None, stated: float | None, even: bool) -> tuple[str, ...]:
    """Return what is worth knowing, one sentence each, without its full stop."""
    facts, notes = film.facts, list[str]()
    if film.note:
        notes.append(f"{film.note[:1].upper()}{film.note[1:]}")
    if stated is not None:
        own = "" if film.seconds is None else f" instead of {number(1 / film.seconds, digits=DIGITS)}"
        notes.append(f"The rate is stated, {number(1 / stated, digits=DIGITS)} frames per second{own}")
    else:
        notes += facts.remarks
    if not even:
        notes.append("Steps are uneven, and each frame keeps its own time stamp")
    notes += _gap_note(film, times)
    orientation = facts.orientation
    turns = [f"turned by {orientation.rotation}° clockwise"] if orientation.rotation else []
    turns = ["mirrored left to right", *turns] if orientation.mirrored else turns
    if turns:
        notes.append(f"The picture is {' and '.join(turns)}, as players show it")
    if film.reduced > 1:
        notes.append(f"It is large, so {film.reduced} × {film.reduced} of its pixels are kept as one")
    return tuple(notes)


def _gap_note(film: Video, times: Array | None) -> list[str]:
    """Say where frames are missing."""
    gaps = film_gaps(film.places)
    if not len(gaps):
        return []
    counts = missing_frames(film.places, gaps)
    where = [
        f"{count} after frame {gap}" + ("" if times is None else f" ({number(float(times[gap - 1]), 's')})")
        for gap, count in zip(gaps[:FEW], counts[:FEW], strict=True)
    ]
    total, more = int(counts.sum()), "" if len(gaps) <= FEW else f" and {len(gaps) - FEW} more gaps"
    return [f"{total} frame{'s are' if total > 1 else ' is'} missing, {', '.join(where)}{more}"]
