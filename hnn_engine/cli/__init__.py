"""`hnn-lab …` without a window: the same engine, never Qt."""

import argparse
import logging
from collections.abc import Sequence

from hnn_engine import console, missing_libraries
from hnn_engine.cli.parser import COMMANDS, build_parser, joined
from hnn_engine.cli.stopping import Interrupts, exit_code
from hnn_engine.console import say
from hnn_engine.errors import HnnLabError
from hnn_engine.log_file import logging_to_file

_log = logging.getLogger(__name__)
OK, FAILED, MENDABLE = 0, 1, 2


def main(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code: 0; 2 for what the user can correct; 1 otherwise; 130 on Ctrl-C, 143 on
    SIGTERM, 129 on SIGHUP, 141 where the reader has gone."""
    parser = build_parser()
    options = parser.parse_args(joined(arguments))
    if options.command is None:
        parser.print_help()
        return OK
    with logging_to_file("command", " ".join(arguments)) as said:
        if said:
            say(said)
        return _code(options)


def _code(options: argparse.Namespace) -> int:
    """Carry out a command and return its exit code; say what went wrong."""
    try:
        with Interrupts():
            return int(options.run(options) or OK)
    except HnnLabError as error:
        say(error)
        return MENDABLE
    except KeyboardInterrupt as stop:
        say("stopped")
        return exit_code(stop)
    except BrokenPipeError:
        return console.reader_gone()
    except Exception as error:
        text = _mendable(error)
        _log.error("The command fails", exc_info=error)
        say(text or f"{type(error).__name__}: {error}. This is an error of the program.")
        return MENDABLE if text else FAILED


def _mendable(error: Exception) -> str:
    """Return what the user can do about an error of the machine's; empty where it is the program's."""
    if isinstance(error, ImportError):
        return missing_libraries.sentence(error)
    if isinstance(error, OSError) and error is console.failure():
        console.let_go()
        return console.sentence(error)
    return ""


__all__ = ["COMMANDS", "main"]
