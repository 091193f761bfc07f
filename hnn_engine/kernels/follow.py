"""Rollouts of any flow from one start, or of a batch from many, by any of the table's integrators."""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.integrators import EVALUATION_LIMIT, Dop853, FlowDirection, get_integrator
from hnn_engine.kernels.adaptive import CALLS, EACH, MEMORY, MORE, NEXT, STATUS, T, advance_adaptive
from hnn_engine.kernels.fixed import coefficients, evaluate_flow, follow_fixed
from hnn_engine.kernels.flow import Flow, batched_network_flow, law_flow, network_flow
from hnn_engine.kernels.perceptron import SIZE
from hnn_engine.kernels.weight_layout import WeightLayout
from hnn_engine.systems.base import System

SLICE = 4000  # states at which the field is called between two questions whether a rollout is still wanted
LEAST = 60  # calls, however many states there are: an end of adaptive steps costs one more


@runtime_checkable
class NetworkFlow(Protocol):
    """A frozen field of networks, as a snapshot is."""

    @property
    def float32(self) -> bool:
        """Whether explicit methods follow it in single precision."""

    def weight_layout(self, direction: int) -> WeightLayout:
        """Return the weights of the field, or of J∇H alone where ±∇H is followed."""


def compiled_flow(flow: object, integrator: str, direction: int = FlowDirection.FORWARD, rows: int = 1) -> Flow | None:
    """Return the flow of a system or a snapshot as `follow` takes it; None where no loop follows it by `integrator`.

    Several `rows` of a snapshot are followed at once, but not by iterations that converge for each in its own time.
    What would take rounding for an error of its own (adaptive steps, iterations to 10⁻¹²) is never done in float32.
    Raises `UnknownNameError`.
    """
    info = get_integrator(integrator)
    if coefficients(info.scheme) is None and not isinstance(info.scheme, Dop853):
        return None
    if isinstance(flow, System):
        return law_flow(flow, direction) if rows == 1 else None
    if not isinstance(flow, NetworkFlow) or (rows > 1 and not (info.explicit or info.adaptive)):
        return None
    net, float32 = flow.weight_layout(direction), flow.float32 and info.explicit
    if rows == 1:
        return network_flow(net, direction, float32)
    return batched_network_flow(net, rows, direction, float32)


def follow(
    flow: Flow,
    integrator: str,
    start: Array,
    times: Array,
    substeps: int = 1,
    tolerance: float = 1e-12,
    limit: int = EVALUATION_LIMIT,
    interrupt: Callable[[], bool] | None = None,
) -> Array:
    """Return coords `(T, 2*dof)` from `start` `(2*dof,)` at rising `times` `(T,)`, NaN after a failure.

    The start of a batch is laid out as `batched_network_flow` has it, and so is each row of the answer; fixed steps end
    for all of it where one leaves the finite numbers.

    Raises `ValueError` for a start that does not fit the flow, since compiled code checks no bounds, and for a method
    that no loop follows; `UnknownNameError`.
    """
    if np.shape(start) != (flow.size,):
        raise ValueError(f"The start has shape {np.shape(start)}, but the flow moves {flow.size} coordinates")
    # Copies are contiguous and writable, as the compiled signatures have it.
    x, t = np.array(start, dtype=np.float64), np.array(times, dtype=np.float64)
    scheme = get_integrator(integrator).scheme
    steps = coefficients(scheme)
    if steps is not None:
        return _fixed(flow, x, t, substeps, steps, interrupt)
    if not isinstance(scheme, Dop853):
        raise ValueError(f"No compiled loop follows {integrator}")
    return _adaptive(flow, x, t, tolerance, limit, interrupt)


def _lanes(flow: Flow) -> int:
    """Return how many states a flow moves at once."""
    return flow.size // int(flow.head[SIZE]) if flow.learned else 1


def _fixed(
    flow: Flow,
    x: Array,
    times: Array,
    substeps: int,
    steps: tuple[int, Array],
    interrupt: Callable[[], bool] | None,
) -> Array:
    out = np.full((len(times), len(x)), np.nan)
    out[0], plain = x, flow.plain()
    block = max(1, SLICE // (4 * substeps * _lanes(flow)))
    for first in range(0, len(times) - 1, block):
        last = min(first + block, len(times) - 1)
        follow_fixed(plain, x, times[first : last + 1], substeps, steps, out[first : last + 1])
        if np.isnan(out[last, 0]) or (interrupt is not None and interrupt()):
            break
    return out


def _adaptive(
    flow: Flow,
    x: Array,
    times: Array,
    tolerance: float,
    limit: int,
    interrupt: Callable[[], bool] | None,
) -> Array:
    lanes, plain = _lanes(flow), flow.plain()
    out = np.full((lanes, len(times), len(x) // lanes), np.nan)
    out[:, 0] = x.reshape(-1, lanes).T
    which, meters = np.arange(lanes), np.zeros((lanes, EACH))
    meters[:, T], meters[:, NEXT] = times[0], 1
    rtol, budget = max(tolerance, 1e-13), max(LEAST, SLICE // lanes)
    while len(times) > 1 and len(which):
        memory = np.zeros((MEMORY, x.size))
        advance_adaptive(plain, x, meters, which, times, out, rtol, tolerance, budget, memory)
        if interrupt is not None and interrupt():
            break
        going = (meters[:, STATUS] == MORE) & (meters[:, CALLS] <= limit)
        if not going.all():
            x, meters, which = x.reshape(-1, len(which))[:, going].ravel(), meters[going], which[going]
    return out.transpose(1, 2, 0).reshape(len(times), -1)


def evaluate(flow: Flow, coords: Array) -> Array:
    """Return the field, a second, at `coords` `(N, 2*dof)`, as `(N, 2*dof)`, for small N."""
    rows = np.array(coords, dtype=np.float64, order="C")
    evaluate_flow(flow.plain(), rows)
    return rows
