"""Memory that is free and not given back: the C library of Linux keeps it, in holes between what is still in use."""

import ctypes
import sys
from typing import Any

_MOST_HEAPS = -8  # M_ARENA_MAX of mallopt(3)


def _of_the_c_library(name: str) -> Any:
    """Return a function of glibc; None elsewhere."""
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None


def share_one_heap() -> None:
    """Let all threads take memory from one heap (glibc); to be said before they begin.

    Each thread has one of its own otherwise, and what is free at the end of such a heap is given back by nothing, not
    by `give_back` either: after ten minutes of changing work that is some 120 MB.
    """
    mallopt = _of_the_c_library("mallopt")
    if mallopt is not None:
        mallopt(_MOST_HEAPS, 1)


def give_back() -> None:
    """Let the system have the holes, where the C library would keep them (glibc); some milliseconds' work.

    glibc takes small and large from the same heaps once large ones have come and gone: what a fit of pictures needs
    for its tables is then never returned, as the run that is kept lies above it.
    """
    trim = _of_the_c_library("malloc_trim")
    if trim is not None:
        trim(0)
