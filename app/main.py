"""The console script. Every command but the window and `screenshot` goes to the engine, without Qt."""

import gc
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from hnn_engine import console, missing_libraries
from hnn_engine.console import say

MENDABLE = 2
LINK = "hnnlab:"  # as `hnn_engine.records.link` has it, which is loaded with the first link


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `hnn-lab`; return the exit code."""
    # Ctrl-C ends the process while it loads: an exception in the midst of that might be swallowed by what is loaded.
    # What takes its time hears of it by handlers of its own.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        return _main(arguments)
    finally:
        if arguments is not None and signal.getsignal(signal.SIGINT) is signal.SIG_DFL:  # called by a program
            signal.signal(signal.SIGINT, signal.default_int_handler)


def _main(arguments: Sequence[str] | None) -> int:
    # One thread a matrix product: the window, the fit and the rollouts share the processors better so, and the same
    # seed gives the same weights everywhere. It has to be said before numpy is loaded.
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    words = list(sys.argv[1:] if arguments is None else arguments)
    console.prepare(prints=bool(words))
    try:
        return _ended(_run(words))
    except SystemExit as end:  # argparse's way out
        raise SystemExit(_ended(end.code if isinstance(end.code, int) else int(end.code is not None))) from None


def _run(words: list[str]) -> int:
    try:
        return _begun(words)
    except ImportError as error:
        text = missing_libraries.sentence(error)
        if not text:
            raise
        say(text)
        return MENDABLE


def _ended(code: int) -> int:
    """Return the exit code once everything is printed."""
    error = console.failure()
    if error is None:
        return code
    if isinstance(error, BrokenPipeError):
        gone = console.reader_gone()  # which prints no more, whatever the code
        return code or gone
    console.let_go()
    say(console.sentence(error))
    return code or MENDABLE


def _begun(words: list[str]) -> int:
    if words and words[0] == "screenshot":
        from app.screenshot import main as screenshot
        from hnn_engine.log_file import logging_to_file

        with logging_to_file("screenshot", " ".join(words)) as said:
            if said:
                say(said)
            return screenshot(words[1:])
    if words and words[0] == "film" and any(word.startswith("--v") for word in words):
        return _film(words)
    if len(words) > 1 or (words and _is_command(words[0])):
        from hnn_engine.cli import main as command

        return command(words)
    target = _target(words[0]) if words else None
    if isinstance(target, str):
        problem = _link_problem(target)
        if problem:
            say(problem)
            return MENDABLE
    elif target is not None and not os.path.exists(target):  # which no name, however odd, makes raise
        say(_no_such(words[0]))
        return MENDABLE
    from hnn_engine.log_file import logging_to_file

    with logging_to_file("window", words[0] if words else "") as said:
        if said:
            say(said)
        return _open_window(target)


def _film(words: list[str]) -> int:
    """Film what the window shows, or, where --view is not among the words after all, let the engine film."""
    from hnn_engine.cli import main as command
    from hnn_engine.cli.parser import build_parser, joined
    from hnn_engine.log_file import logging_to_file

    options = build_parser().parse_args(joined(words))
    if options.view is None:
        return command(words)
    with logging_to_file("film", " ".join(words)) as said:
        if said:
            say(said)
        from app.export.film_command import main as film

        return film(options)


def _target(word: str) -> Path | str:
    """Return what is to be opened: a link, or a path, which a desktop may name as file:///home/..."""
    if word[: len(LINK)].lower() == LINK:
        return word
    if word.startswith("file://"):
        from urllib.parse import urlsplit
        from urllib.request import url2pathname

        return Path(url2pathname(urlsplit(word).path))
    return Path(word)


def _link_problem(link: str) -> str:
    """Return why a link cannot be opened, or an empty string."""
    from hnn_engine.errors import HnnLabError
    from hnn_engine.records import read_link

    try:
        read_link(link)
    except HnnLabError as error:
        return str(error)
    return ""


def _open_window(target: Path | str | None) -> int:
    from app.window.display import why_no_display

    reason = why_no_display()
    if reason:
        say(reason)
        return MENDABLE
    gc.disable()  # looking for garbage would only delay the first paint
    from app.application import run

    return run(target)


def _is_command(word: str) -> bool:
    """Whether the only word is a command or an option; what is neither may name a file."""
    from hnn_engine.cli.parser import COMMANDS

    return word.startswith("-") or word in COMMANDS


def _no_such(word: str) -> str:
    from difflib import get_close_matches

    from hnn_engine.cli.parser import COMMANDS
    from hnn_engine.errors import one_line

    close = get_close_matches(word, (*COMMANDS, "screenshot"), n=1)
    hint = f"did you mean '{close[0]}'?" if close else "name a session, a run, or a command (see 'hnn-lab --help')"
    return one_line(f"{word} does not exist: {hint}")


if __name__ == "__main__":
    sys.exit(main())
