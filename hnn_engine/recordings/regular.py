"""Ordinary files opened to be read, and progress that nobody waits for."""

from typing import BinaryIO

from hnn_engine.errors import RecordingError
from hnn_engine.progress import ProgressCallback
from hnn_engine.regular_files import IrregularError, opened


def unheard(share: float) -> None:
    """Hear of progress that nobody waits for."""


def part(tell: ProgressCallback, begin: float, end: float) -> ProgressCallback:
    """Return what hears of a part of the work, from `begin` to `end` of 1."""
    return lambda share: tell(begin + (end - begin) * share)


def open_regular(name: str, wanted: str) -> BinaryIO:
    """Open the ordinary file `name` to read it; what is `wanted` instead of another one is said in a `RecordingError`.

    A pipe that nobody writes to, or a device, is refused and never waited for.
    """
    try:
        return opened(name)
    except IsADirectoryError:
        raise RecordingError(f"{name} is a folder; expected {wanted}: choose a file inside it") from None
    except IrregularError:
        raise RecordingError(f"{name} is not an ordinary file; expected {wanted}: choose another one") from None
    except FileNotFoundError:
        raise RecordingError(f"{name} does not exist; expected {wanted}: check the path") from None
    except (OSError, ValueError) as error:  # ValueError: a path with a null character
        reason = getattr(error, "strerror", None) or str(error)
        raise RecordingError(
            f"{name} cannot be read ({reason}); expected {wanted} that is readable: check it"
        ) from None
