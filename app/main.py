"""The console script. Every command but the window and `screenshot` goes to the engine, without Qt."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `hnn-lab`; return the exit code."""
    # One thread a matrix product: the window, the fit and the rollouts share the processors better so, and the same
    # seed gives the same weights everywhere. It has to be said before numpy is loaded.
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words and words[0] == "screenshot":
        from app.screenshot import main as screenshot

        return screenshot(words[1:])
    if len(words) > 1 or (words and not _is_path(words[0])):
        from hnn_engine.cli import main as command

        return command(words)
    if words and not Path(words[0]).exists():
        print(f"hnn-lab: {words[0]} does not exist: name a session, a run or a command", file=sys.stderr)
        return 2
    from app.window import run

    return run(Path(words[0]) if words else None)


def _is_path(word: str) -> bool:
    """Whether the only word names a file or folder and no command: it exists, or it looks like one."""
    from hnn_engine.cli.parser import COMMANDS

    if word.startswith("-") or word in COMMANDS:
        return False
    return Path(word).exists() or Path(word).suffix != "" or os.sep in word


if __name__ == "__main__":
    sys.exit(main())
