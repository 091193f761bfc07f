"""What people read in a terminal: no letter that it does not know, no stream that is closed or full, ends a command."""

import codecs
import errno
import io
import logging
import os
import re
import signal
import sys
import unicodedata
from contextlib import suppress

from hnn_engine.errors import LINE, one_line, shown

_log = logging.getLogger(__name__)
_PLAIN = "hnn-lab.plain"  # the name of what is done with letters that an encoding lacks
_SIGNS = """…:... ×:x ÷:/ →:-> ←:<- ›:> ‹:< ≤:<= ≥:>= ≈:~ ±:+- ·:. •:. −:- –:- —:- ‘:' ’:' “:" ”:" ∂:d ∞:inf ½:1/2
α:alpha β:beta ε:eps θ:theta λ:lambda µ:u μ:mu π:pi σ:sigma ω:omega Δ:Delta Ĥ:H ß:ss ø:o ł:l æ:ae œ:oe"""
_PAIRS = dict(pair.split(":", 1) for pair in _SIGNS.split())
_LETTERS = str.maketrans({**_PAIRS, "∇": "grad ", "√": "sqrt ", "°": " deg"})
_RAISED = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻]+")  # 10⁻³ is not 10-3


def prepare(prints: bool = True) -> None:
    """Make the standard streams fit for use, once at the start; where the program `prints` what it was asked for, a
    closed stdout is an error when something is printed, and else nothing."""
    codecs.register_error(_PLAIN, _plainer)
    if sys.stdin is None and os.name != "nt":
        sys.stdin = _opened(0, os.O_RDONLY)
    if sys.stdout is None:
        sys.stdout = _Results(_opened(1, os.O_RDONLY if prints and os.name != "nt" else os.O_WRONLY))
    elif sys.stdout is sys.__stdout__ and isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout = _Results(sys.stdout)
    if sys.stderr is None:
        sys.stderr = _Messages(_opened(2, os.O_WRONLY))
    elif sys.stderr is sys.__stderr__ and isinstance(sys.stderr, io.TextIOWrapper):
        sys.stderr = _Messages(sys.stderr)


def is_unicode() -> bool:
    """Whether stdout knows every letter."""
    return (getattr(sys.stdout, "encoding", None) or "utf-8").lower().startswith("utf")


def failure() -> OSError | None:
    """Write what waits in stdout; return the `OSError` that prevented that or an earlier writing, if any."""
    if not isinstance(sys.stdout, _Results):
        return None
    with suppress(OSError):
        sys.stdout.flush()
    return sys.stdout.failure


def say(text: object, whole: bool = False) -> None:
    """Print a line on stderr, if it can be written: of at most `LINE` characters, or the `whole` text where it is there
    to be copied."""
    _log.info("said: %s", text)
    line = f"hnn-lab: {text}"
    with suppress(OSError, ValueError):
        print(shown(line) if whole else one_line(line, LINE), file=sys.stderr, flush=True)


def is_live() -> bool:
    """Whether progress is rewritten in place, as on a terminal."""
    return sys.stderr.isatty()


def progress(text: str) -> None:
    """Print how far the work is, in place of what was said before on a terminal."""
    line = shown(text)[:LINE]
    with suppress(OSError, ValueError):
        print(f"\r{line}" if is_live() else line, end="" if is_live() else "\n", file=sys.stderr, flush=True)


def end_progress() -> None:
    """Let what is said next begin on a line of its own."""
    if is_live():
        with suppress(OSError, ValueError):
            print(file=sys.stderr, flush=True)


def reader_gone() -> int:
    """Return the exit code where the reader of what is printed has gone (`| head -1`), and print no more, as nothing is
    wrong: 141, or 1 where the system has no such signal."""
    let_go()
    return 128 + signal.SIGPIPE if hasattr(signal, "SIGPIPE") else 1


def let_go() -> None:
    """Do without stdout from now on: what waits in it is lost, and Python says nothing of it when it ends."""
    sys.stdout = None


def sentence(error: OSError) -> str:
    """Return what to say of `error`, which is why stdout cannot be written."""
    reason = {errno.EBADF: "it is closed", errno.ENOSPC: "the disk is full"}.get(error.errno or 0, error.strerror)
    return f"What this command prints cannot be written ({reason}): send it somewhere else, as in '> result.txt'"


class _Stream(io.TextIOWrapper):
    """A stream in the place of another, with letters that it lacks made plain."""

    def __init__(self, other: io.TextIOWrapper) -> None:
        self._other = other  # which would close what both write to
        by_line, at_once = other.line_buffering, other.write_through
        super().__init__(other.buffer, other.encoding, _PLAIN, line_buffering=by_line, write_through=at_once)


class _Results(_Stream):
    """A stdout that remembers what it failed for: what was to be written then is lost, and a later flush is well."""

    failure: OSError | None = None

    def write(self, text: str, /) -> int:
        try:
            return super().write(text)
        except OSError as error:
            self.failure = error
            raise

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            self.failure = error
            raise


class _Messages(_Stream):
    """A stderr that may be full or closed: what cannot be written is left out, and the work goes on."""

    def write(self, text: str, /) -> int:
        try:
            return super().write(text)
        except OSError:
            return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            super().flush()


def _opened(number: int, mode: int) -> "io.TextIOWrapper[io.BufferedReader | io.BufferedWriter]":
    """Return a stream in place of one that was closed, under its number, which the next file would else get: a library
    that prints would write into that file."""
    descriptor = os.open(os.devnull, mode)
    if descriptor != number and os.name != "nt":
        os.dup2(descriptor, number)
        os.close(descriptor)
        descriptor = number
    if number == 0:
        return io.TextIOWrapper(open(descriptor, "rb", closefd=False), "utf-8")
    return io.TextIOWrapper(open(descriptor, "wb", closefd=False), "utf-8", line_buffering=number == 2)


def _plainer(error: UnicodeError) -> tuple[str, int]:
    """Return letters that stand for those an encoding lacks: '...' for '…', 'e' for 'é', and '?' for what has none."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = _RAISED.sub(lambda run: "^" + run[0], error.object[error.start : error.end])
    text = unicodedata.normalize("NFKD", text.translate(_LETTERS)).translate(_LETTERS)
    letters = (letter for letter in text if not unicodedata.combining(letter))
    return "".join(letter if letter.isascii() else "?" for letter in letters), error.end
