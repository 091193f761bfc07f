"""What the compiled integrators follow: the law of a system, or a frozen network. One call gives the field at a state.

A law is two small functions, a network one; they are compiled by themselves and handed over as addresses, so that each
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
from hnn_engine.formulas.program import Program
from hnn_engine.integrators import FlowDirection
from hnn_engine.kernels.activations import ACTIVATE
from hnn_engine.kernels.batched_field import FIELD_FLOAT32, FIELD_FLOAT64, room
from hnn_engine.kernels.disk_cache import has_law
from hnn_engine.kernels.formula_law import compiled_program
from hnn_engine.kernels.jit import INTEGERS, MATRIX, SINGLE_ROWS, SINGLES, VECTOR, Address, jit
from hnn_engine.kernels.perceptron import ACTIVATE_WIDE, FIELD, SIZE
from hnn_engine.kernels.primitives import call, line
from hnn_engine.kernels.weight_layout import WeightLayout
from hnn_engine.systems.base import System

MOST_COORDS = 256  # of a system, 2·dof
FORWARD, BACKWARD, UPHILL = int(FlowDirection.FORWARD), int(FlowDirection.BACKWARD), int(FlowDirection.UPHILL)
_ROWS = types.void(VECTOR, VECTOR, VECTOR)


class Flow(NamedTuple):
    """What an integrator is given: a law's functions and constants, or networks'; the other part is not looked at.

    `size` is 2·dof and `direction` one of `integrators.FlowDirection`. Functions are given by their `Address`, 0 where
    there is none. `work` and `work32` are memory that calls write into: a flow belongs to one thread. `dissipates`: the
    law has a second function, of friction.
    """

    size: int
    direction: int
    learned: bool
    dissipates: bool
    grad_hamiltonian: int
    dissipation: int
    constants: Array
    field: int
    activation: int
    head: npt.NDArray[np.int64]
    numbers: Array
    single: npt.NDArray[np.float32]
    double: Array
    work: Array
    work32: npt.NDArray[np.float32]

    def plain(self) -> "Flow":
        """Return it with addresses as plain numbers, whose type numba is quick to see; this one keeps their code."""
        field, activation = int(self.field), int(self.activation)
        law = int(self.grad_hamiltonian), int(self.dissipation)
        return self._replace(grad_hamiltonian=law[0], dissipation=law[1], field=field, activation=activation)


_PARTS = (INTEGERS, VECTOR, SINGLES, VECTOR, MATRIX, SINGLE_ROWS)
FLOW = types.NamedTuple(
    (types.int64, types.int64, types.boolean, types.boolean, *(types.int64,) * 2, VECTOR, *(types.int64,) * 2, *_PARTS),
    Flow,
)

# Strict arithmetic: the truth is what a system's own lines say, in their order.
_law_jit: Callable[[Any], Any] = numba.njit(
    [_ROWS], nogil=True, cache=True, error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True
)


_NETWORK = (True, False, 0, 0, np.zeros(1))  # what a flow of networks has of a law
_NO_NET = WeightLayout(np.array([0, 0, MOST_COORDS, 0, 0]), np.zeros(0), np.zeros(0, np.float32), np.zeros(0))


_with_law: set[type[System]] = set()  # whose laws this process has


@lru_cache(maxsize=256)
def _compiled(function: Any) -> Address:
    return Address(_law_jit(function), _ROWS)


@lru_cache(maxsize=256)
def _compiled_formulas(programs: tuple[Program, Program | None]) -> tuple[int, int]:
    gradient, friction = programs
    drag = 0 if friction is None else Address(compiled_program(friction, _ROWS, adds=True), _ROWS)
    return Address(compiled_program(gradient, _ROWS, adds=False), _ROWS), drag


def compile_law(system: System) -> None:
    """Compile the law of a system, or load it."""
    for function in (type(system).grad_hamiltonian, type(system).dissipation):
        _compiled(function)
    _with_law.add(type(system))


def law_flow(system: System, direction: int = FlowDirection.FORWARD) -> Flow | None:
    """Return the flow of a system with its constants; None where its law is still to be compiled."""
    kind, size = type(system), 2 * (system.dof + system.timed)  # time is a coordinate of the loops
    if kind.programs is not None:
        grad_hamiltonian, dissipation = _compiled_formulas(kind.programs)
        acts = kind.programs[1] is not None
    else:
        if kind not in _with_law:
            if not has_law(kind):
                return None
            compile_law(system)  # which only loads it
        grad_hamiltonian, dissipation = _compiled(kind.grad_hamiltonian), _compiled(kind.dissipation)
        acts = system.damped
    functions = (False, acts, grad_hamiltonian, dissipation, system.law, 0, 0)
    return Flow(size, int(direction), *functions, *_NO_NET, *_NO_NET.memory())


def network_flow(net: WeightLayout, direction: int = FlowDirection.FORWARD, float32: bool = False) -> Flow:
    """Return the flow of networks as `weight_layout` lays them out; `float32` evaluates in single precision where
    its weights are.

    Uphill and downhill, the field is taken for J∇H: lay out no more than that.
    """
    if float32 and net.single.size:
        return batched_network_flow(net, 1, direction, float32)
    return Flow(int(net.head[SIZE]), int(direction), *_NETWORK, FIELD, ACTIVATE_WIDE, *net, *net.memory())


def batched_network_flow(
    net: WeightLayout, rows: int, direction: int = FlowDirection.FORWARD, float32: bool = False
) -> Flow:
    """Return the flow of `rows` states at once, laid out coordinate by coordinate: one state of rows·2·dof coordinates.

    It is evaluated in float64, or in float32 where the weights are and `float32` is asked for.
    """
    single = bool(net.single.size) and float32
    if net.single.size and not float32:
        net = net._replace(single=np.zeros(0, np.float32), double=net.single.astype(np.float64))
    size, field = rows * int(net.head[SIZE]), FIELD_FLOAT32 if single else FIELD_FLOAT64
    activation = ACTIVATE if single else ACTIVATE_WIDE
    return Flow(size, int(direction), *_NETWORK, field, activation, *net, *room(net, rows, single))


@jit
def flow_at(x: Any, flow: Any, out: Any) -> None:
    """out <- d(coords)/dt at x, `(2·dof,)` both: J∇H + friction of a law, or the network's field, in the flow's
    direction: as it is, −f, or ±∇H."""
    dof = x.size // 2
    if flow.learned:
        head, numbers, single, double = flow.head, flow.numbers, flow.single, flow.double
        call(flow.field, (x, head, numbers, single, double, flow.work, flow.work32, flow.activation, out))
    else:
        gradient = line(flow.work, 0, x.size)
        call(flow.grad_hamiltonian, (x, flow.constants, gradient))
        for i in range(dof):
            out[i] = gradient[dof + i]
            out[dof + i] = -gradient[i]
        if flow.dissipates and flow.direction < UPHILL:
            call(flow.dissipation, (x, flow.constants, out))
    if flow.direction == BACKWARD:
        for i in range(x.size):
            out[i] = -out[i]
    elif flow.direction != FORWARD:  # ±∇H from J∇H
        sign = 1.0 if flow.direction == UPHILL else -1.0
        for i in range(dof):
            out[i], out[dof + i] = -sign * out[dof + i], sign * out[i]
