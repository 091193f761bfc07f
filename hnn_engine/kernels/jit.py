"""How the loops are compiled: without the interpreter lock, kept on disk, sums free to be re-ordered."""

from collections.abc import Callable
from typing import Any, TypeVar

import numba
from numba import types
from numba.extending import overload

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
jit: Callable[[_Code], _Code] = numba.njit(fastmath=FAST, error_model="numpy", **PART)
# The same for arithmetic that rests on the order of its additions.
jit_ordered: Callable[[_Code], _Code] = numba.njit(fastmath=ORDERED, error_model="numpy", **PART)


def compiled_for(function: Callable[..., Any]) -> Callable[[_Code], _Code]:
    """Return a decorator of what gives, by the types of arguments, the compiled lines of `function`."""
    made: Callable[[_Code], _Code] = overload(function, jit_options={"fastmath": FAST, "error_model": "numpy", **PART})
    return made


def jit_for(*signatures: Any) -> Callable[[_Code], _Code]:
    """Return a decorator as `jit` is, for these argument types alone: functions among them are called by pointer."""
    return _compiled(FAST, signatures, no_cfunc_wrapper=True)


def jit_at(signature: Any) -> Callable[[_Code], _Code]:
    """Return a decorator as `jit_for` is, of what is only called by `Pointer`."""
    return _compiled(FAST, (signature,), no_cpython_wrapper=True)


def jit_ordered_for(*signatures: Any) -> Callable[[_Code], _Code]:
    """Return a decorator as `jit_ordered` is, for these argument types alone."""
    return _compiled(ORDERED, signatures, no_cfunc_wrapper=True)


def _compiled(fastmath: set[str], signatures: tuple[Any, ...], **options: bool) -> Callable[[_Code], _Code]:
    made: Callable[[_Code], _Code] = numba.njit(
        list(signatures), nogil=True, cache=True, fastmath=fastmath, error_model="numpy", **options
    )
    return made


class Pointer(types.WrapperAddressProtocol):  # type: ignore[misc]
    """A compiled function by its address, looked up once: numba's own way asks the compiler at every call, under a
    lock that threads then wait for."""

    def __init__(self, function: Any, signature: Any) -> None:
        """Look up where `function`, compiled for the types of `signature`, lies in memory."""
        found = function.get_compile_result(signature)
        self._address = found.library.get_pointer_to_function(found.fndesc.llvm_cfunc_wrapper_name)
        self._signature, self._function = signature, function  # the function is kept, or its code would go

    def __wrapper_address__(self) -> int:
        """Return the address, which numba asks for."""
        return int(self._address)

    def signature(self) -> Any:
        """Return the types that the function takes and gives."""
        return self._signature
