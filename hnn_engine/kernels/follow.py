"""Learned fields followed from one start by fixed steps: the schemes of `integrators`, fused with the perceptron."""

from typing import Any

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.integrators import DIVERGED, MIDPOINT_ITERATIONS, MIDPOINT_TOLERANCE
from hnn_engine.kernels.jit import jit
from hnn_engine.kernels.perceptron import field, workspace

SCHEMES = {"rk4": 0, "implicit-midpoint": 1}


@jit
def _largest(x: Any) -> float:
    big = 0.0
    for i in range(x.size):
        a = abs(x[i])
        if a > big or a != a:  # NaN, once met, stays
            big = a
    return big


@jit
def _follow(start: Any, times: Any, substeps: int, scheme: int, net: Any) -> Any:
    work = workspace(net[6])
    out = np.full((times.size, start.size), np.nan)
    x = start.copy()
    out[0] = x
    k1, k2, k3, k4 = np.empty_like(x), np.empty_like(x), np.empty_like(x), np.empty_like(x)
    for i in range(1, times.size):
        dt = (times[i] - times[i - 1]) / substeps
        for _ in range(substeps):
            field(x, net, work, k1)
            if scheme == 0:
                field(x + (0.5 * dt) * k1, net, work, k2)
                field(x + (0.5 * dt) * k2, net, work, k3)
                field(x + dt * k3, net, work, k4)
                x = x + (dt / 6.0) * (k1 + 2.0 * (k2 + k3) + k4)
                continue
            limit = MIDPOINT_TOLERANCE * max(1.0, _largest(x))
            middle = x + (0.5 * dt) * k1
            change = np.inf
            for _ in range(MIDPOINT_ITERATIONS):
                field(middle, net, work, k1)
                new = x + (0.5 * dt) * k1
                change = _largest(new - middle)
                middle = new
                if change <= limit:
                    break
            if not change <= limit:
                return out
            x = 2.0 * middle - x
        if not _largest(x) < DIVERGED:
            return out
        out[i] = x
    return out


@jit
def _evaluate(x: Any, net: Any, out: Any) -> None:
    work = workspace(net[6])
    for i in range(x.shape[0]):
        field(x[i], net, work, out[i])


def follow(net: Any, start: Array, times: Array, substeps: int, integrator: str) -> Array:
    """Return coords `(T, 2*dof)` from `start` `(2*dof,)` by scheme `integrator`, NaN after a failure."""
    # Copies are contiguous and writable: any other layout would be compiled anew, for seconds.
    result: Array = _follow(np.array(start), np.array(times), substeps, SCHEMES[integrator], net)
    return result


def evaluate(net: Any, coords: Array) -> Array:
    """Return the field at `coords` `(N, 2*dof)`, for small N."""
    out = np.empty_like(coords)
    _evaluate(coords, net, out)
    return out
