"""Two paths change places in one step, where the system has a call for it: Linux and macOS."""

import ctypes
import errno
import os
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

_HERE = -100  # AT_FDCWD: paths as they are written
_RENAME_EXCHANGE = 2  # of Linux's renameat2
_RENAME_SWAP = 2  # of macOS's renamex_np
# What a system or a file system answers that has no such call, or a sandbox that does not know it.
_CANNOT = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EPERM}


def swap(one: Path, other: Path) -> bool:
    """Let two paths change places; return False where that cannot be done in one step. Raises `OSError`."""
    call = _call()
    if call is None:
        return False
    if call(os.fsencode(one), os.fsencode(other)) == 0:
        return True
    number = ctypes.get_errno()
    if number in _CANNOT:
        return False
    raise OSError(number, os.strerror(number), str(one))


@cache
def _call() -> Callable[[bytes, bytes], int] | None:
    """Return the system's call, 0 where it has worked; None where there is none."""
    if sys.platform not in ("linux", "darwin"):
        return None
    library = ctypes.CDLL(None, use_errno=True)
    try:
        if sys.platform == "darwin":
            swapped = library.renamex_np
            swapped.argtypes = (ctypes.c_char_p, ctypes.c_char_p, ctypes.c_uint)
            return lambda one, other: int(swapped(one, other, _RENAME_SWAP))
        exchanged = library.renameat2
    except AttributeError:  # an older C library
        return None
    exchanged.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint)
    return lambda one, other: int(exchanged(_HERE, one, _HERE, other, _RENAME_EXCHANGE))
