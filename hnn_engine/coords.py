"""Canonical coordinates: `coords` is `cat(q, p)` of shape `(..., 2*dof)`."""

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


def split(coords: Array) -> tuple[Array, Array]:
    """Return views `(q, p)`, each `(..., dof)`, of `coords` `(..., 2*dof)`."""
    dof = coords.shape[-1] // 2
    return coords[..., :dof], coords[..., dof:]


def join(q: Array, p: Array) -> Array:
    """Return `coords = cat(q, p)`, `(..., 2*dof)`, of q and p `(..., dof)`."""
    return np.concatenate([q, p], axis=-1)


def symplectic(gradient: Array) -> Array:
    """Return J∇H = (∂H/∂p, −∂H/∂q) `(..., 2*dof)` for `gradient` ∇H `(..., 2*dof)`."""
    dof = gradient.shape[-1] // 2
    out = np.empty_like(gradient)
    out[..., :dof] = gradient[..., dof:]
    np.negative(gradient[..., :dof], out=out[..., dof:])
    return out


def canonical_matrix(dof: int) -> Array:
    """Return J = [[0, I], [−I, 0]] of shape `(2*dof, 2*dof)`."""
    eye, zero = np.eye(dof), np.zeros((dof, dof))
    return np.block([[zero, eye], [-eye, zero]])


def wrap_angle(angle: Array) -> Array:
    """Map angles in rad, of any shape, to [−π, π): (angle + π) mod 2π − π."""
    return np.mod(angle + np.pi, 2 * np.pi) - np.pi


def difference(coords: Array, other: Array, periodic: npt.ArrayLike) -> Array:
    """Return `coords − other` `(..., 2*dof)`, in rad wrapped to [−π, π) where `periodic` `(2*dof,)` is true."""
    delta = coords - other
    mask = np.asarray(periodic, dtype=bool)
    if mask.any():
        delta[..., mask] = wrap_angle(delta[..., mask])
    return delta


# Time as a coordinate -------------------------------------------------------------------------------------------------
#
# dx/dt = f(x, t) moves as a field without time in one degree of freedom more, of (q, t, p, 1), whose rate is (dq/dt, 1,
# dp/dt, 0): so whatever follows or fits fields takes t at the right instant of each stage. Source: Hairer, Nørsett &
# Wanner, II.1.


def with_clock(coords: Array, t: Array | float) -> Array:
    """Return (q, t, p, 1) `(..., 2*dof + 2)` of `coords` (q, p) `(..., 2*dof)` at the times t `(...)`, s."""
    return _widened(coords, t, 1.0)


def with_clock_rates(rates: Array, pace: float = 1.0) -> Array:
    """Return the rate (dq/dt, `pace`, dp/dt, 0) `(..., 2*dof + 2)`, a second, of `rates` `(..., 2*dof)`; `pace` is −1
    where time runs back."""
    return _widened(rates, pace, 0.0)


def _widened(values: Array, middle: Array | float, last: float) -> Array:
    dof = values.shape[-1] // 2
    shape = np.broadcast_shapes(values.shape[:-1], np.shape(middle))
    out = np.empty((*shape, 2 * dof + 2))
    out[..., :dof], out[..., dof] = values[..., :dof], middle
    out[..., dof + 1 : -1], out[..., -1] = values[..., dof:], last
    return out


def without_clock(coords: Array) -> Array:
    """Return (q, p) `(..., 2*dof)` of (q, t, p, 1) `(..., 2*dof + 2)`, or of its rate."""
    dof = coords.shape[-1] // 2 - 1
    return np.concatenate([coords[..., :dof], coords[..., dof + 1 : -1]], axis=-1)


def clock_of(coords: Array) -> Array:
    """Return t `(...)` in s of (q, t, p, 1) `(..., 2*dof + 2)`."""
    return np.asarray(coords[..., coords.shape[-1] // 2 - 1])
