"""How the loops are compiled: without the interpreter lock, kept on disk, sums free to be re-ordered."""

from collections.abc import Callable
from typing import Any, TypeVar

import numba
from numba import types
from numba.extending import overload

from hnn_engine.kernels.disk_cache import forget_stale

forget_stale()

VECTOR = types.Array(types.float64, 1, "C")
MATRIX = types.Array(types.float64, 2, "C")
TABLE = types.Array(types.float64, 3, "C")
SINGLE_ROWS = types.Array(types.float32, 2, "C")
SINGLES = types.Array(types.float32, 1, "C")
INTEGERS = types.Array(types.int64, 1, "C")

# Re-association lets sums run in vector registers; NaN and infinity keep their meaning, so divergence is seen.
FAST = {"reassoc", "contract", "nsz", "arcp", "afn"}
_Code = TypeVar("_Code", bound=Callable[..., Any])
jit: Callable[[_Code], _Code] = numba.njit(nogil=True, cache=True, fastmath=FAST, error_model="numpy")
# For arithmetic that rests on the order of its additions.
jit_ordered: Callable[[_Code], _Code] = numba.njit(
    nogil=True, cache=True, fastmath={"contract", "nsz"}, error_model="numpy"
)


def compiled_for(function: Callable[..., Any]) -> Callable[[_Code], _Code]:
    """Return a decorator of what gives, by the types of arguments, the compiled lines of `function`."""
    made: Callable[[_Code], _Code] = overload(function, jit_options={"fastmath": FAST, "error_model": "numpy"})
    return made


def jit_for(*signatures: Any) -> Callable[[_Code], _Code]:
    """Return a decorator as `jit` is, for these argument types alone: functions among them are called by pointer."""
    made: Callable[[_Code], _Code] = numba.njit(
        list(signatures), nogil=True, cache=True, fastmath=FAST, error_model="numpy"
    )
    return made
