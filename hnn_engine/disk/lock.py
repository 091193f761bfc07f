"""A lock on an open file, which the system lets go with the process."""

import sys


def lock(file: int) -> None:
    """Lock the open `file` for this process alone; raise `OSError` at once where another holds it, or where the file
    system has no locks."""
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
