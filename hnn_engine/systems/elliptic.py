"""The pendulum's motion by Jacobi's elliptic functions.

Everything is written with the complementary parameter m₁ = 1 − m, which stays exact near the separatrix, where m
itself is rounded to 1. Sources: Abramowitz & Stegun 16.4 for the amplitude by the arithmetic-geometric mean; DLMF 19.25
for the first integral by Carlson's R_F.
"""

import math

import numpy as np

from hnn_engine.coords import Array

SMALLEST_COMPLEMENT = 1e-300  # stands for the separatrix itself: it turns after 350 time constants √(I/W)


def pendulum_solution(start: Array, t: Array, *, inertia: float, weight_moment: float) -> Array:
    """Return the exact motion `(T, 2)` of H = p²/(2I) + W(1 − cos q); q is continuous, not wrapped.

    With ω = √(W/I), s = p/(2√(IW)) and κ² = H/(2W) = sin²(q/2) + s²: a swing (κ < 1) is sin(q/2) = κ sn(ωt + u₀ | κ²),
    s = κ cn; a turn (κ > 1) is q/2 = ±am(κωt + u₀ | κ⁻²), s = ±κ dn. Source: DLMF 22.19(i). `start`: `(2,)`, rad and kg
    m²/s. `t`: `(T,)` in s. `inertia`: I in kg m². `weight_moment`: W in N m.
    """
    turns = 2 * math.pi * round(float(start[0]) / (2 * math.pi))
    half = (float(start[0]) - turns) / 2
    unit = 2 * math.sqrt(inertia * weight_moment)
    phase = math.sqrt(weight_moment / inertia) * np.asarray(t, dtype=np.float64)
    s = float(start[1]) / unit
    below = (math.cos(half) - s) * (math.cos(half) + s)  # 1 − κ², without the cancellation of 1 − H/(2W)
    motion = _swing if below > 0 else _turn
    half_angle, speed = motion(half, s, below, phase)
    return np.stack([turns + 2 * half_angle, unit * speed], axis=-1)


def _swing(half: float, s: float, below: float, phase: Array) -> tuple[Array, Array]:
    """Return (q/2, s) of a swing; 1 − κ² = `below` > 0."""
    kappa = math.hypot(math.sin(half), s)
    phi = amplitude(phase + first_integral(math.atan2(math.sin(half), s), below), below)
    sn, cn = np.sin(phi), np.cos(phi)
    return np.arctan2(kappa * sn, np.sqrt(cn**2 + below * sn**2)), kappa * cn


def _turn(half: float, s: float, below: float, phase: Array) -> tuple[Array, Array]:
    """Return (q/2, s) of a motion over the top; 1 − κ² = `below` ≤ 0."""
    sign, kappa = math.copysign(1.0, s), math.hypot(math.sin(half), s)
    complement = max(-below / kappa**2, SMALLEST_COMPLEMENT)
    phi = amplitude(kappa * phase + first_integral(sign * half, complement), complement)
    dn = np.sqrt(np.cos(phi) ** 2 + complement * np.sin(phi) ** 2)
    return sign * phi, sign * kappa * dn


def first_integral(phi: float, complement: float) -> float:
    """Return F(φ | m) = ∫₀^φ (1 − m sin²θ)^(−½) dθ for every real φ, `phi`, in rad; `complement` is 1 − m in (0, 1]. By
    Carlson's R_F: DLMF 19.25."""
    from scipy.special import elliprf

    half_turns = round(phi / math.pi)
    sin, cos = math.sin(phi - half_turns * math.pi), math.cos(phi - half_turns * math.pi)
    rest = sin * float(elliprf(cos**2, cos**2 + complement * sin**2, 1.0))
    return rest + 2 * half_turns * float(elliprf(0.0, complement, 1.0))


def amplitude(u: Array, complement: float) -> Array:
    """Return Jacobi's amplitude am(u | m) in rad, `(T,)` as `u`, in which it is continuous; `complement` is 1 − m in
    (0, 1].

    By the arithmetic-geometric mean: Abramowitz & Stegun 16.4. scipy's `ellipj` takes m, and for m beyond 1 − 10⁻¹⁰ a
    form that is not periodic: hence this one.
    """
    means, gaps = [1.0], [math.sqrt(1 - complement)]
    other = math.sqrt(complement)
    while gaps[-1] > 1e-9 * means[-1]:  # the next gap is its square, below rounding
        mean = means[-1]
        means.append((mean + other) / 2)
        gaps.append((mean - other) / 2)
        other = math.sqrt(mean * other)
    phi: Array = 2 ** (len(means) - 1) * means[-1] * u
    for mean, gap in zip(means[:0:-1], gaps[:0:-1], strict=True):
        phi = (phi + np.arcsin(gap / mean * np.sin(phi))) / 2
    return phi
