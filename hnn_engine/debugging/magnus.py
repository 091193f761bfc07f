"""Steps of a linear equation dM/dt = A(t) M by a Magnus series: M(t + h) = exp(Ω) M(t).

Ω is a sum of commutators of A at the three nodes of Gauss and Legendre: order 6. Where A is that of a Hamiltonian flow
the steps are symplectic whatever their length, and det exp(Ω) = exp(tr Ω) always: so sums of exponents are as good as
A, and only the parts of it depend on h. Source: Blanes, Casas, Oteo & Ros, Physics Reports 470, 151 (2009), 5.5.
"""

import math

import numpy as np

from hnn_engine.coords import Array

NODES = np.array([0.5 - math.sqrt(15) / 10, 0.5, 0.5 + math.sqrt(15) / 10])  # of a step, in parts of it
NORM = 0.5  # of Ω, above which it is halved before the exponential's series
_DEGREE = 12  # of that series: its remainder is 0.5¹³/13! = 2·10⁻¹⁴


def magnus_steps(slopes: Array, h: float) -> tuple[Array, Array]:
    """Return exp(Ω) `(N, d, d)` of steps of `h` s, from A at their `NODES`, `slopes` `(N, 3, d, d)` in 1/s, and of each
    the largest entry of the difference between Ω of order 6 and of order 4 `(N,)`, which bounds its error."""
    first, middle, last = (h * slopes[:, i] for i in range(3))
    one = middle
    two = (math.sqrt(15) / 3) * (last - first)
    three = (10 / 3) * (last - 2 * middle + first)
    c1 = _commutator(one, two)
    c2 = _commutator(one, 2 * three + c1) / -60
    correction = _commutator(-20 * one - three + c1, two + c2) / 240
    omega = one + three / 12 + correction
    gap = np.abs(correction + c1 / 12).max(axis=(1, 2))
    return exponential(omega), gap


def _commutator(a: Array, b: Array) -> Array:
    found: Array = a @ b - b @ a
    return found


def exponential(x: Array) -> Array:
    """Return exp(x) `(N, d, d)` of matrices x `(N, d, d)`: a Taylor polynomial of x/2ˢ, squared s times."""
    with np.errstate(all="ignore"):
        largest = float(np.nanmax(np.abs(x).sum(axis=-1), initial=0.0))
    squarings = max(0, math.ceil(math.log2(largest / NORM))) if 0.0 < largest < math.inf else 0
    x = x / 2.0**squarings
    x2 = x @ x
    powers = (np.eye(x.shape[-1]), x, x2, x2 @ x)
    x4 = x2 @ x2
    out = _part(powers, 8) + x4 / math.factorial(_DEGREE)
    for begin in (4, 0):
        out = _part(powers, begin) + x4 @ out
    for _ in range(squarings):
        out = out @ out
    return out


def _part(powers: tuple[Array, ...], begin: int) -> Array:
    """Σ xᵏ/(begin + k)! over four powers."""
    total: Array = powers[0] / math.factorial(begin)
    for k in (1, 2, 3):
        total = total + powers[k] / math.factorial(begin + k)
    return total
