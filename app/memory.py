"""Memory that is free and not given back: the C library of Linux keeps it, in holes between what is still in use."""

import ctypes
import sys


def give_back() -> None:
    """Let the system have the holes, where the C library would keep them (glibc); some milliseconds' work.

    glibc takes small and large from the same heaps once large ones have come and gone: what a fit of pictures needs
    for its tables is then never returned, as the run that is kept lies above it.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)
