"""How the loops are compiled: without the interpreter lock, kept on disk, sums free to be re-ordered.

No loop makes an array: what they write into is handed to them. So nobody has to count who still holds one, which numba
would do at every view.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import numba
from numba import types

from hnn_engine.kernels.disk_cache import forget_stale
from hnn_engine.kernels.parts import PART

forget_stale()

VECTOR = types.Array(types.float64, 1, "C")
MATRIX = types.Array(types.float64, 2, "C")
TABLE = types.Array(types.float64, 3, "C")
SINGLE_ROWS = types.Array(types.float32, 2, "C")
SINGLES = types.Array(types.float32, 1, "C")
INTEGERS = types.Array(types.int64, 1, "C")

# Re-association lets sums run in vector registers; NaN and infinity keep their meaning, so divergence is seen.
FAST = {"reassoc", "contract", "nsz", "arcp", "afn"}
ORDERED = {"contract", "nsz"}
_Code = TypeVar("_Code", bound=Callable[..., Any])
# A part of other functions: it is compiled with them alone.
jit: Callable[[_Code], _Code] = numba.njit(fastmath=FAST, error_model="numpy", _nrt=False, **PART)
# The same for arithmetic that rests on the order of its additions.
jit_ordered: Callable[[_Code], _Code] = numba.njit(fastmath=ORDERED, error_model="numpy", _nrt=False, **PART)


def jit_for(*signatures: Any) -> Callable[[_Code], _Code]:
    """Return a decorator as `jit` is, of what Python calls with these types of arguments alone."""
    return _compiled(FAST, signatures)


def jit_at(signature: Any) -> Callable[[_Code], _Code]:
    """Return a decorator as `jit_for` is, of what is only called by its `Address`."""
    return _compiled(FAST, (signature,), no_cpython_wrapper=True)


def jit_ordered_for(*signatures: Any) -> Callable[[_Code], _Code]:
    """Return a decorator as `jit_ordered` is, of what Python calls with these types of arguments alone."""
    return _compiled(ORDERED, signatures)


def _compiled(fastmath: set[str], signatures: tuple[Any, ...], **options: bool) -> Callable[[_Code], _Code]:
    made: Callable[[_Code], _Code] = numba.njit(
        list(signatures),
        nogil=True,
        cache=True,
        fastmath=fastmath,
        error_model="numpy",
        no_cfunc_wrapper=True,
        _nrt=False,
        **options,
    )
    return made


class Address(int):
    """Where a compiled function lies in memory, for `primitives.call`. Functions are as good as compiled again with
    each that calls them by name; by its address one is compiled once for all."""

    _function: Any  # kept, or its code would go

    def __new__(cls, function: Any, signature: Any) -> "Address":
        """Look up where `function` lies, compiled for the types of `signature`."""
        found = function.get_compile_result(signature)
        made = super().__new__(cls, found.library.get_pointer_to_function(found.fndesc.llvm_func_name))
        made._function = function
        return made
