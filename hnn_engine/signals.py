"""Which signals end the program."""

import signal

NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")  # Windows has no SIGHUP, and it alone has SIGBREAK
TOGETHER = 1.0  # s within which two signals of a shutdown are one


def heeded() -> tuple[int, ...]:
    """Return the signals that end the program: those that were not ignored at its start, as nohup has it."""
    known = [int(getattr(signal, name)) for name in NAMES if hasattr(signal, name)]
    return tuple(number for number in known if signal.getsignal(number) is not signal.SIG_IGN)


def passed_on(number: int, seconds: float) -> bool:
    """Whether a signal `number` that comes `seconds` s after the first is that one again: of a terminal that closes,
    the shell passes on what the system has sent already, and a shutdown may send two."""
    return number != signal.SIGINT and seconds < TOGETHER
