"""The net around the libraries that read films: whatever they raise on a damaged file becomes one sentence."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hnn_engine.errors import RecordingError

FILMS = (
    "a video (mp4, mov, 3gp, avi, mkv, webm, mts, mpg, wmv, flv), animation (gif, webp, avif, png) or folder of images"
)
TABLES = "a table (csv, txt)"
DAMAGED = "damaged, or not what its name says"


@contextmanager
def named(place: Path) -> Iterator[None]:
    """Raise a `RecordingError` that names `place` for whatever else goes wrong inside.

    What decodes a damaged file raises anything: TypeError, IndexError, struct.error, errors of its own. Inside stands
    nothing but calls of such a library; what a caller raises to end the work never passes through here.
    """
    try:
        yield
    except (RecordingError, ImportError):
        raise
    except Exception as error:
        raise RecordingError(
            f"{place} cannot be read ({_reason(error)}); expected {FILMS}: check or export it again"
        ) from error


def _reason(error: Exception) -> str:
    if isinstance(error, MemoryError):
        return "not enough memory"
    if type(error).__name__.startswith("DecompressionBomb"):
        return "it claims more pixels than a picture has"
    return getattr(error, "strerror", None) or DAMAGED


def quiet_pillow() -> None:
    """Let Pillow keep its warnings to itself, but for pictures that are too large: those are errors.

    This is for the whole process and stays: to set it back afterwards is not safe where there are other threads.
    """
    from PIL import Image

    warnings.filterwarnings("ignore", module=r"PIL\.")
    warnings.filterwarnings("error", category=Image.DecompressionBombWarning)
