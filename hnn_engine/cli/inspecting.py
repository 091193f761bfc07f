"""`hnn-lab inspect`: what would be read of a recording, without a fit."""

import argparse
import json
from importlib import import_module
from typing import Any, Protocol

from hnn_engine.cli.recorded import TABLE_OPTIONS, Reading, rate_of, stated_of
from hnn_engine.console import is_unicode, say
from hnn_engine.errors import ParameterError
from hnn_engine.recordings import inspect_table
from hnn_engine.video import is_video

OPEN = 2  # the exit code where a question is open


class Inspection(Protocol):
    """What was found in a table or a film."""

    @property
    def questions(self) -> tuple[str, ...]:
        """What the file leaves open, each with the option that settles it."""

    def to_json(self) -> dict[str, Any]:
        """Return all that was found."""

    def describe(self) -> str:
        """Say in one paragraph what is read."""


def inspect(options: argparse.Namespace) -> int:
    """Print what would be read of a table or a film; return 2 where a question is open."""
    found = _film(options) if is_video(options.recording) else _table(options)
    if options.json:
        print(json.dumps(found.to_json(), allow_nan=False, ensure_ascii=not is_unicode()))
    else:
        print(found.describe())
        for note in found.to_json().get("notes", ()):
            print(f"- {note}")
        for question in found.questions:
            print(f"? {question}")
    if not found.questions:
        return 0
    say(f"{options.recording}: {found.questions[0]}")
    return OPEN


def _table(options: argparse.Namespace) -> Inspection:
    if options.fps is not None:
        raise ParameterError(f"--fps is for a video, but {options.recording} is none: say --rate")
    with Reading(options.recording) as reading:
        return inspect_table(options.recording, stated_of(options), reading.tell)


def _film(options: argparse.Namespace) -> Inspection:
    for name in TABLE_OPTIONS:
        if getattr(options, name) is not None:
            raise ParameterError(f"--{name} is for a table, but {options.recording} is a video: leave it out")
    fps = None if options.fps is None else rate_of(options.fps)
    found: Inspection = import_module("hnn_engine.video.inspection").inspect_film(options.recording, fps)
    return found
