"""Which backend computes a fit, decided once before it begins: no fit changes it in its middle.

On one machine the same seed and backend give the same weights, in every program. `compiled` steps by compiled loops and
lets them compute the features of closed forms; `torch` uses nothing that is compiled: torch for steps by gradient,
numpy for the rest. Compiled loops are quicker, but where they are still to be compiled nothing waits for that.
"""

import importlib.util
from collections.abc import Callable

from hnn_engine.errors import MissingError
from hnn_engine.kernels import cache as kernel_cache

COMPILED, TORCH = "compiled", "torch"
BACKENDS = (COMPILED, TORCH)


def loaded_backend() -> str:
    """Return the backend of what is loaded by now: `compiled` where the loops are, else `torch`."""
    return COMPILED if kernel_cache.loops() is not None else TORCH


def usual_backend() -> str:
    """Return the backend of a machine that has compiled what it can."""
    return COMPILED if _is_installed("numba") else TORCH


def must_compile(by_gradient: bool) -> bool:
    """Return whether fits that begin now, `by_gradient` or not, have to wait for the compiler: there is no torch."""
    return by_gradient and not kernel_cache.is_compiled() and not _is_installed("torch")


def decided(
    asked: str = "", by_gradient: bool = True, wait: bool = False, interrupt: Callable[[], bool] = lambda: False
) -> str:
    """Return the backend of the fits that begin now: the one that is `asked` for, or else what is there at once.

    That is `compiled` where the loops are compiled already, which take a second to load, and `torch` elsewhere. They
    are compiled, and waited for, where they are asked for, where `wait` is said, and where steps by gradient have no
    torch to go by; `interrupt` is asked now and then and ends that. Raises `MissingError` where what is asked for
    cannot be had.
    """
    waits = bool(asked) or wait or must_compile(by_gradient)
    if asked == TORCH or not (waits or kernel_cache.load_compiled()):
        return TORCH
    if kernel_cache.load(interrupt):
        return COMPILED
    if asked and not interrupt():
        why = kernel_cache.absent() or "compiling them has failed"
        raise MissingError(f"The backend {COMPILED} needs compiled loops, and there are none ({why}): choose {TORCH}")
    return TORCH


def _is_installed(library: str) -> bool:
    return importlib.util.find_spec(library) is not None
