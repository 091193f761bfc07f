"""How the loops are compiled: without the interpreter lock, kept on disk, sums free to be re-ordered."""

from collections.abc import Callable
from typing import Any, TypeVar

import numba

# Re-association lets sums run in vector registers; NaN and infinity keep their meaning, so divergence is seen.
FAST = {"reassoc", "contract", "nsz", "arcp", "afn"}
_Code = TypeVar("_Code", bound=Callable[..., Any])
jit: Callable[[_Code], _Code] = numba.njit(nogil=True, cache=True, fastmath=FAST, error_model="numpy")
