"""`hnn-lab …` without a window: the same engine, never Qt."""

import signal
import sys
from collections.abc import Sequence

from hnn_engine import console, missing
from hnn_engine.cli.parser import COMMANDS, build_parser, joined
from hnn_engine.cli.stopping import Interrupts, exit_code, say
from hnn_engine.errors import LINE, HnnLabError, one_line

OK, FAILED, MENDABLE = 0, 1, 2


def main(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code: 0; 2 for what the user can mend; 1 otherwise; 130 on Ctrl-C, 143 on
    SIGTERM, 129 on SIGHUP."""
    parser = build_parser()
    options = parser.parse_args(joined(arguments))
    if options.command is None:
        parser.print_help()
        return OK
    try:
        with Interrupts():
            return int(options.run(options) or OK)
    except HnnLabError as error:
        print(f"hnn-lab: {error}", file=sys.stderr)
        return MENDABLE
    except KeyboardInterrupt as stop:
        say("stopped")
        return exit_code(stop)
    except BrokenPipeError:
        # The reader of our output has gone (`hnn-lab systems | head -1`): nothing is wrong, and nobody is left to tell.
        console.let_go()
        return 128 + signal.SIGPIPE if hasattr(signal, "SIGPIPE") else FAILED
    except Exception as error:
        text = _mendable(error)
        said = text or f"{type(error).__name__}: {error}. This is a fault of the program."
        print(one_line(f"hnn-lab: {said}", LINE), file=sys.stderr)
        return MENDABLE if text else FAILED


def _mendable(error: Exception) -> str:
    """Return what the user can do about an error of the machine's; empty where it is the program's."""
    if isinstance(error, ImportError):
        return missing.sentence(error)
    if isinstance(error, OSError) and error is console.failure():
        console.let_go()
        return console.sentence(error)
    return ""


__all__ = ["COMMANDS", "main"]
