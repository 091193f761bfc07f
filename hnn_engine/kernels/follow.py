"""Rollouts of any flow from one start, or of a crowd's from many, by any of the table's integrators."""

from collections.abc import Callable

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.integrators import EVALUATION_LIMIT
from hnn_engine.kernels.adaptive import CALLS, EACH, MORE, NEXT, STATUS, T, advance_adaptive
from hnn_engine.kernels.fixed import SCHEMES, evaluate_flow, follow_fixed
from hnn_engine.kernels.flow import Flow
from hnn_engine.kernels.perceptron import SIZE

SLICE = 4000  # states at which the field is called between two looks at whether a rollout is still wanted
LEAST = 60  # calls, however many states there are: a look at adaptive steps costs one more


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

    The start of a crowd is laid out as `kernels.crowd` has it, and so is each row of the answer; fixed steps end
    for all of it where one leaves the finite numbers.

    Raises `ValueError` for a start that does not fit the flow: compiled code checks no bounds.
    """
    if np.shape(start) != (flow.size,):
        raise ValueError(f"The start has shape {np.shape(start)}, but the flow moves {flow.size} coordinates")
    # Copies are contiguous and writable, as the compiled signatures have it.
    x, t = np.array(start, dtype=np.float64), np.array(times, dtype=np.float64)
    if integrator in SCHEMES:
        return _fixed(flow, x, t, substeps, SCHEMES[integrator], interrupt)
    return _adaptive(flow, x, t, tolerance, limit, interrupt)


def _lanes(flow: Flow) -> int:
    """Return how many states a flow moves at once."""
    return flow.size // int(flow.head[SIZE]) if flow.learned else 1


def _fixed(
    flow: Flow, x: Array, times: Array, substeps: int, scheme: int, interrupt: Callable[[], bool] | None
) -> Array:
    out = np.full((len(times), len(x)), np.nan)
    out[0] = x
    block = max(1, SLICE // (4 * substeps * _lanes(flow)))
    for first in range(0, len(times) - 1, block):
        last = min(first + block, len(times) - 1)
        follow_fixed(flow, x, times[first : last + 1], substeps, scheme, out[first : last + 1])
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
    lanes = _lanes(flow)
    out = np.full((lanes, len(times), len(x) // lanes), np.nan)
    out[:, 0] = x.reshape(-1, lanes).T
    which, meters = np.arange(lanes), np.zeros((lanes, EACH))
    meters[:, T], meters[:, NEXT] = times[0], 1
    rtol, budget = max(tolerance, 1e-13), max(LEAST, SLICE // lanes)
    while len(times) > 1 and len(which):
        advance_adaptive(flow, x, meters, which, times, out, rtol, tolerance, budget)
        if interrupt is not None and interrupt():
            break
        going = (meters[:, STATUS] == MORE) & (meters[:, CALLS] <= limit)
        if not going.all():
            x, meters, which = x.reshape(-1, len(which))[:, going].ravel(), meters[going], which[going]
    return out.transpose(1, 2, 0).reshape(len(times), -1)


def evaluate(flow: Flow, coords: Array) -> Array:
    """Return the field at `coords` `(N, 2*dof)`, for small N."""
    rows = np.array(coords, dtype=np.float64)
    out = np.empty_like(rows)
    evaluate_flow(flow, rows, out)
    return out
