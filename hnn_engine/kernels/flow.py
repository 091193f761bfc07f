"""What the compiled integrators follow: the law of a system, or a frozen network. One call gives the field at a state.

A law is two small functions, a network one; they are compiled by themselves and handed over as pointers, so that each
integrator is compiled once for all flows.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import numba
import numpy as np
import numpy.typing as npt
from numba import types

from hnn_engine.coords import Array
from hnn_engine.kernels.jit import BYTES, VECTOR, jit
from hnn_engine.kernels.perceptron import NETWORK, field_double, field_single, workspace
from hnn_engine.systems.base import System

_ROWS = types.void(VECTOR, VECTOR, VECTOR)
_LAW = types.FunctionType(_ROWS)
# How the signatures of the integrators begin.
FLOW = (types.boolean, _LAW, _LAW, VECTOR, types.FunctionType(NETWORK), BYTES, VECTOR)


class Flow(NamedTuple):
    """What an integrator is given: a law's functions and constants, or a network's; the other part is not looked at.

    `work` is memory that calls write into: a flow belongs to one thread.
    """

    learned: bool
    partials: Any
    resistance: Any
    constants: Array
    field: Any
    net: npt.NDArray[np.uint8]
    work: Array


# Strict arithmetic: the truth is what a system's own lines say, in their order.
_law_jit: Callable[[Any], Any] = numba.njit([_ROWS], nogil=True, cache=True, error_model="numpy")


@_law_jit
def _nothing(x: Any, c: Any, out: Any) -> None:
    """Stand for the functions that a network does not have."""


@lru_cache(maxsize=256)
def _compiled(function: Any) -> Any:
    return _law_jit(function)


def law(system: type[System], constants: Array) -> Flow:
    """Return the flow of a system with these `constants`, in the order that it lists them."""
    partials, resistance = _compiled(system.partials), _compiled(system.resistance)
    return Flow(False, partials, resistance, constants, field_single, np.zeros(1, np.uint8), np.empty(64))


def learned(net: npt.NDArray[np.uint8], single: bool) -> Flow:
    """Return the flow of a network as `pack` lays it out."""
    field = field_single if single else field_double
    return Flow(True, _nothing, _nothing, np.zeros(1), field, net, workspace(net))


@jit
def flow_at(x: Any, flow: Any, out: Any) -> None:
    """out <- d(coords)/dt at x: J∇H + friction of a law, or the network's field. `flow` is a `Flow`."""
    learned, partials, resistance, constants, field, net, work = flow
    if learned:
        field(x, net, work, out)
        return
    gradient = work[: x.size]
    partials(x, constants, gradient)
    dof = x.size // 2
    for i in range(dof):
        out[i] = gradient[dof + i]
        out[dof + i] = -gradient[i]
    resistance(x, constants, out)
