"""The bound Kepler orbit in closed form."""

import math

import numpy as np

from hnn_engine.coords import Array

NEWTON_ROUNDS = 60  # safeguarded by bisection, so this many always reach the last digit; five or so do on most orbits
LAST_DIGIT = 4e-16  # of the mean anomaly; what a smaller step would change is lost in rounding
SMALLEST_ROUNDNESS = 1e-12  # 1 − e² below which an orbit counts as a fall along a line


def kepler_orbit(position: Array, velocity: Array, t: Array, mu: float) -> tuple[Array, Array] | None:
    """Return position in m and velocity in m/s, `(T, 2)` each, of r″ = −μ r/|r|³ at times `t` `(T,)` in s, or None if
    unbound or collinear.

    With the eccentric anomaly E from Kepler's equation E − e sin E = nt + M₀ and D = E − E₀: r = f r₀ + g v₀, f = 1 −
    a/r₀ (1 − cos D), g = t − (D − sin D)/n. Working from the start, not from the pericentre, keeps circles regular.
    `position`, `velocity`: `(2,)` in m and m/s. `mu`: μ in m³/s². Source: Battin, An Introduction to the Mathematics
    and Methods of Astrodynamics (f and g by eccentric anomaly).
    """
    distance = math.hypot(*position)
    spin = float(position[0] * velocity[1] - position[1] * velocity[0])
    inverse_axis = 2 / distance - float(velocity @ velocity) / mu if distance > 0 else 0.0
    if inverse_axis <= 0 or spin**2 * inverse_axis / mu < SMALLEST_ROUNDNESS:
        return None
    axis = 1 / inverse_axis
    rate = math.sqrt(mu / axis**3)
    e_cos, e_sin = 1 - distance / axis, float(position @ velocity) / math.sqrt(mu * axis)
    first = math.atan2(e_sin, e_cos)
    anomaly = eccentric_anomaly(rate * t + first - e_sin, math.hypot(e_cos, e_sin))
    return _from_start(position, velocity, t, anomaly - first, (rate, e_cos, e_sin))


def _from_start(
    position: Array, velocity: Array, t: Array, turned: Array, orbit: tuple[float, float, float]
) -> tuple[Array, Array]:
    """Lagrange's f and g after the eccentric anomaly has `turned` by D `(T,)`; `orbit` is n, e cos E₀, e sin E₀."""
    rate, e_cos, e_sin = orbit
    cos, sin = np.cos(turned)[:, None], np.sin(turned)[:, None]
    start, now = 1 - e_cos, 1 - e_cos * cos + e_sin * sin  # distances in units of a
    f, g = 1 - (1 - cos) / start, t[:, None] - (turned[:, None] - sin) / rate
    f_rate, g_rate = -rate * sin / (now * start), 1 - (1 - cos) / now
    return f * position + g * velocity, f_rate * position + g_rate * velocity


def eccentric_anomaly(mean: Array, eccentricity: float) -> Array:
    """Solve Kepler's equation E − e sin E = M for E `(T,)` in rad, for M, `mean`, `(T,)` in rad and e in [0, 1), by
    Newton's method, kept inside M − e ≤ E ≤ M + e by bisection."""
    low, high = mean - eccentricity, mean + eccentricity
    guess, last = mean + eccentricity * np.sin(mean), LAST_DIGIT * (2 + np.abs(mean))
    for _ in range(NEWTON_ROUNDS):
        excess = guess - eccentricity * np.sin(guess) - mean
        high, low = np.where(excess > 0, guess, high), np.where(excess > 0, low, guess)
        slope = 1 - eccentricity * np.cos(guess)
        step = guess - excess / slope
        better = np.where((step >= low) & (step <= high), step, (low + high) / 2)
        if (np.abs(better - guess) * slope <= last).all():
            return better
        guess = better
    return guess
