"""The systems that come with the program as `.hnnsystem` files: each is held to something that is known of it."""

import math
import runpy
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from hnn_engine.coords import Array
from hnn_engine.equilibria import Equilibrium, jacobian
from hnn_engine.own_systems.files import load_shelved, read_system, shelf, system_text
from hnn_engine.own_systems.system import OwnSystem, own_system
from hnn_engine.rollouts.rollout import rollout
from hnn_engine.systems import SYSTEMS

Fact = Callable[[OwnSystem], None]
FACTS: dict[str, Fact] = {}


def fact(name: str) -> Callable[[Fact], Fact]:
    def keep(function: Fact) -> Fact:
        FACTS[name] = function
        return function

    return keep


@cache
def shelved(name: str) -> OwnSystem:
    return own_system(load_shelved(name))


def changed(system: OwnSystem, **constants: float) -> OwnSystem:
    return own_system(system.definition, {**system.values, **constants})


def follow(system: OwnSystem, start: list[float], seconds: float, points: int = 401) -> tuple[Array, Array]:
    made = rollout(system, np.array(start), np.linspace(0.0, seconds, points), "dop853", tolerance=1e-12)
    assert not made.diverged
    return made.t, made.coords


def period(system: OwnSystem, start: list[float], guess: float) -> float:
    """Return when the first coordinate next begins a swing as it does at `start`, where its velocity is zero."""
    t, coords = follow(system, start, 1.6 * guess, 4001)
    rate = system.field(coords)[:, 0]
    sign = np.sign(system.field(coords[5])[0])
    back = [i for i in range(6, len(t) - 1) if rate[i] * sign < 0 <= rate[i + 1] * sign]
    i = back[0]
    return float(t[i] + (t[i + 1] - t[i]) * rate[i] / (rate[i] - rate[i + 1]))


def keeps(system: OwnSystem, start: list[float], value: Callable[[Array], Array], seconds: float = 8.0) -> None:
    """Assert that `value` is the same along an orbit, along which it could change."""
    _, coords = follow(system, start, seconds)
    along = value(coords)
    others = value(coords + np.random.default_rng(0).normal(0.0, 0.05, coords.shape))
    assert np.ptp(along) <= 1e-8 * (1 + np.abs(along).max())
    assert np.ptp(others) > 1e-4


def frequencies(system: OwnSystem, at: list[float]) -> list[float]:
    """Return the rates of the small swings about an equilibrium, each once, rising."""
    assert np.abs(system.field(np.array(at))).max() < 1e-9
    rates = np.linalg.eigvals(jacobian(system.field, np.array(at)))
    assert np.abs(rates.real).max() < 1e-5
    return sorted(rates.imag[rates.imag > 1e-6].tolist())


def kinds(system: OwnSystem) -> list[tuple[str, tuple[float, ...]]]:
    return [(one.kind, tuple(round(x, 6) + 0.0 for x in one.at)) for one in system.equilibria]


def kind_at(system: OwnSystem, at: list[float]) -> Equilibrium:
    return min(system.equilibria, key=lambda one: float(np.abs(np.array(one.at) - at).max()))


# One degree of freedom ------------------------------------------------------------------------------------------------

LEMNISCATE = 1.8540746773013719  # K(1/√2)


@fact("quartic-oscillator")
def _(system: OwnSystem) -> None:
    """The period is 4 K(1/√2)/A: twice as wide takes half as long."""
    for width in (0.5, 1.0, 2.0):
        assert period(system, [width, 0.0], 4 * LEMNISCATE / width) == pytest.approx(4 * LEMNISCATE / width, rel=1e-6)


@fact("tilted-double-well")
def _(system: OwnSystem) -> None:
    """It rests where b q³ − a q = f: in two wells, and on the hump between them."""
    roots = sorted(np.roots([1.0, 0.0, -1.0, -0.1]).real)
    found = sorted((one.at[0], one.kind) for one in system.equilibria)
    assert [q for q, _ in found] == pytest.approx(roots)
    assert [kind for _, kind in found] == ["centre", "saddle", "centre"]


@fact("morse")
def _(system: OwnSystem) -> None:
    """The period is 2π/(ω √(1 − E/D)) with ω = α √(2D/m)."""
    for energy in (0.1, 0.6):
        known = 2 * math.pi / math.sqrt(2 * (1 - energy))
        assert period(system, [-math.log(1 + math.sqrt(energy)), 0.0], known) == pytest.approx(known, rel=1e-6)


@fact("lennard-jones")
def _(system: OwnSystem) -> None:
    """It rests at 2^(1/6) σ with −ε, and swings there with ω² = 72 · 2^(−1/3) ε/(m σ²)."""
    rest = 2 ** (1 / 6)
    assert system.min_energy == pytest.approx(-1.0)
    assert frequencies(system, [rest, 0.0]) == pytest.approx([math.sqrt(72 / 2 ** (1 / 3))])


@fact("poschl-teller")
def _(system: OwnSystem) -> None:
    """The period is (2π/α) √(m/(2|E|))."""
    for q in (0.3, 1.2):
        known = 2 * math.pi * math.cosh(q) / math.sqrt(2)
        assert period(system, [q, 0.0], known) == pytest.approx(known, rel=1e-6)


@fact("cubic-well")
def _(system: OwnSystem) -> None:
    """On the separatrix q(t) = 1 − (3/2)/cosh²(t/2)."""
    t, coords = follow(system, [-0.5, 0.0], 6.0)
    assert coords[:, 0] == pytest.approx(1 - 1.5 / np.cosh(t / 2) ** 2, abs=1e-8)


@fact("isotonic-oscillator")
def _(system: OwnSystem) -> None:
    """Every swing takes π/ω."""
    for q in (1.1, 1.7, 2.5):
        assert period(system, [q, 0.0], math.pi) == pytest.approx(math.pi, rel=1e-6)


@fact("v-shaped-well")
def _(system: OwnSystem) -> None:
    """The period is 4 √(2 m A/f)."""
    assert period(system, [0.5, 0.0], 4.0) == pytest.approx(4.0, rel=1e-4)
    assert period(system, [2.0, 0.0], 8.0) == pytest.approx(8.0, rel=1e-4)


@fact("cycloidal-pendulum")
def _(system: OwnSystem) -> None:
    """Every swing takes 4π √(R/g)."""
    known = 4 * math.pi / math.sqrt(9.81)
    for angle in (0.2, 1.0, 2.4):
        assert period(system, [angle, 0.0], known) == pytest.approx(known, rel=1e-6)


@fact("bead-on-hoop")
def _(system: OwnSystem) -> None:
    """Spun fast it rests at cos θ = g/(R ω²), and below that rate at the bottom alone."""
    tilt = math.acos(9.81 / 16)
    assert {kind for kind, at in kinds(system) if abs(abs(at[0]) - tilt) < 1e-5} == {"centre"}
    assert kind_at(system, [0.0, 0.0]).kind == "saddle"
    assert kind_at(changed(system, omega=3.0), [0.0, 0.0]).kind == "centre"


@fact("rotating-parabola")
def _(system: OwnSystem) -> None:
    """The bottom is stable below ω = √(2 g a), and at that rate the bead rests anywhere."""
    assert frequencies(system, [0.0, 0.0]) == pytest.approx([math.sqrt(2 * 9.81 - 4)])
    assert kind_at(changed(system, omega=4.0, a=0.5), [0.0, 0.0]).kind == "saddle"
    free = changed(system, omega=math.sqrt(0.8 * 9.81), a=0.4)
    assert np.abs(free.field(np.array([[0.3, 0.0], [0.9, 0.0]]))).max() < 1e-12


@fact("kapitza-averaged")
def _(system: OwnSystem) -> None:
    """Upside down it is stable where a² Ω² > 2 g l."""
    assert kind_at(system, [math.pi, 0.0]).kind == "centre"
    assert kind_at(changed(system, Omega=40.0), [math.pi, 0.0]).kind == "saddle"
    assert 0.1**2 * 40**2 < 2 * 9.81 < 0.1**2 * 80**2


@fact("relativistic-oscillator")
def _(system: OwnSystem) -> None:
    """Nothing goes faster than c: wide swings take 4A/c and little more, narrow ones 2π √(m/k)."""
    assert period(system, [0.01, 0.0], 6.3) == pytest.approx(2 * math.pi, rel=1e-3)
    _, coords = follow(system, [40.0, 0.0], 170.0, 2001)
    assert np.abs(system.field(coords)[:, 0]).max() < 1.0
    assert period(system, [40.0, 0.0], 162.0) == pytest.approx(160.0, rel=0.01)


@fact("sitnikov-circular")
def _(system: OwnSystem) -> None:
    """Small swings have ω = √(G/a³) = √8."""
    assert frequencies(system, [0.0, 0.0]) == pytest.approx([math.sqrt(8.0)])


@fact("lotka-volterra")
def _(system: OwnSystem) -> None:
    """It rests at (γ/δ, α/β) and swings there with √(αγ); x = e^q and y = e^p obey the equations of the two kinds."""
    other = changed(system, alpha=0.7, beta=1.3, delta=0.4, gamma=1.1)
    rest = [math.log(1.1 / 0.4), math.log(0.7 / 1.3)]
    assert frequencies(other, rest) == pytest.approx([math.sqrt(0.7 * 1.1)])
    q, p = 0.3, -0.4
    prey, hunters = math.exp(q), math.exp(p)
    rates = -other.field(np.array([q, p]))  # time runs the other way in these coordinates
    assert rates == pytest.approx([0.7 - 1.3 * hunters, 0.4 * prey - 1.1])


@fact("bose-josephson")
def _(system: OwnSystem) -> None:
    """The plasma frequency is √(1 + Λ); above H = 1 the difference never changes its sign."""
    assert frequencies(system, [0.0, 0.0]) == pytest.approx([math.sqrt(6.0)])
    _, trapped = follow(system, [0.0, 0.95], 20.0)
    _, swings = follow(system, [0.0, 0.4], 20.0)
    assert trapped[:, 1].min() > 0 > swings[:, 1].min()


@fact("schwarzschild-orbit")
def _(system: OwnSystem) -> None:
    """The last stable circle is at 6M: there its angular momentum is √12 M, and the radial rate is zero."""
    at = np.array([6.0, 0.0, 0.0, math.sqrt(12.0)])
    assert system.field(at)[[0, 2]] == pytest.approx([0.0, 0.0], abs=1e-12)
    slope = jacobian(system.field, at)
    assert slope[2, 0] == pytest.approx(0.0, abs=1e-8)


# In time --------------------------------------------------------------------------------------------------------------


def answer_to(system: OwnSystem, rest: float, force: float, omega: float) -> tuple[float, float]:
    """Return the parts of the first coordinate that go with cos ωt and sin ωt, over the last ten periods of 200 s."""
    t, coords = follow(system, [rest, 0.0], 200.0, 8001)
    last = t > 200.0 - 10 * 2 * math.pi / omega
    columns = np.stack([np.cos(omega * t[last]), np.sin(omega * t[last])], axis=1)
    parts = np.linalg.lstsq(columns, coords[last, 0] - rest, rcond=None)[0]
    return float(parts[0] / force), float(parts[1] / force)


def linear_answer(stiffness: float, friction: float, omega: float) -> tuple[float, float]:
    """Return the same of ẍ + γẋ + kx = cos ωt."""
    gap, drag = stiffness - omega**2, friction * omega
    return gap / (gap**2 + drag**2), drag / (gap**2 + drag**2)


def trace_of_period(system: OwnSystem, rest: float, seconds: float) -> float:
    """Return the trace of the derivative of the flow over a period, at a point of rest: 2 cos(2πν), and not between −2
    and 2 where it is unstable. Source: Floquet (1883)."""
    small, times = 1e-6, np.linspace(0.0, seconds, 3)
    ends = [
        rollout(system, np.array([rest, 0.0]) + small * side, times, "dop853", tolerance=1e-13).coords[-1]
        for side in np.eye(2)
    ]
    return float((ends[0][0] - rest + ends[1][1]) / small)


@fact("driven-pendulum")
def _(system: OwnSystem) -> None:
    """Little driven, it answers as a linear oscillator of the rate √(g/l), with the friction γ, does."""
    small = changed(system, f=1e-4)
    assert answer_to(small, 0.0, 1e-4, 0.7) == pytest.approx(linear_answer(1.0, 0.2, 0.7), abs=1e-5)


@fact("driven-double-well")
def _(system: OwnSystem) -> None:
    """Little driven, it answers in a well as a linear oscillator of the rate √(2a/m) does."""
    small = changed(system, f=1e-4)
    assert answer_to(small, 1.0, 1e-4, 1.0) == pytest.approx(linear_answer(2.0, 0.25, 1.0), abs=1e-3)


@fact("kapitza-pendulum")
def _(system: OwnSystem) -> None:
    """Upside down it stands from the rate on at which Mathieu's a is a₀(q): a = −4g/(lΩ²), q = 2A/l."""
    from scipy.special import mathieu_a

    least = math.sqrt(-4.0 / float(mathieu_a(0, 0.4)))
    traces = [
        trace_of_period(changed(system, Omega=rate * least), math.pi, 2 * math.pi / (rate * least))
        for rate in (0.98, 1.0, 1.02)
    ]
    assert traces[1] == pytest.approx(2.0, abs=1e-5)
    assert traces[0] > 2.001 > 1.999 > traces[2]
    _, stands = follow(changed(system, Omega=20.0), [math.pi - 0.1, 0.0], 20.0, 2001)
    assert np.abs(stands[:, 0] - math.pi).max() < 0.5


@fact("paul-trap")
def _(system: OwnSystem) -> None:
    """Without a steady field it holds up to Mathieu's q = 0.90805; source: Paul, as in the file."""
    period_of_field = 2 * math.pi / 6.0
    assert trace_of_period(changed(system, b=0.908046), 0.0, period_of_field) == pytest.approx(-2.0, abs=1e-4)
    assert trace_of_period(changed(system, b=0.90), 0.0, period_of_field) > -2.0
    assert trace_of_period(changed(system, b=0.92), 0.0, period_of_field) < -2.0


# Two degrees of freedom -----------------------------------------------------------------------------------------------


@fact("yang-mills")
def _(system: OwnSystem) -> None:
    """On the diagonal it is a quartic oscillator; close orbits beside it part exponentially."""
    assert period(system, [1.0, 1.0, 0.0, 0.0], 4 * LEMNISCATE) == pytest.approx(4 * LEMNISCATE, rel=1e-6)
    _, one = follow(system, [1.0, 0.3, 0.0, 0.5], 60.0)
    _, other = follow(system, [1.0 + 1e-9, 0.3, 0.0, 0.5], 60.0)
    assert np.abs(one - other).max() > 1e-5


@fact("swinging-atwood")
def _(system: OwnSystem) -> None:
    """Where M = 3m there is a second integral; source: Tufillaro, American Journal of Physics 54, 142 (1986)."""

    def second(coords: Array) -> Array:
        r, angle, p_r, p_angle = np.moveaxis(coords, -1, 0)
        radial, turning = p_r / 4, p_angle / r**2
        half = angle / 2
        found: Array = r**2 * turning * (radial * np.cos(half) - r * turning / 2 * np.sin(half))
        return found + r**2 * np.sin(half) * np.cos(half) ** 2

    keeps(system, [1.0, 0.8, 0.1, 0.2], second)


@fact("spherical-pendulum")
def _(system: OwnSystem) -> None:
    """A conical pendulum turns with φ̇² = g/(l cos θ); the momentum about the vertical is conserved."""
    turning = math.sqrt(9.81 / math.cos(1.0))
    _, coords = follow(system, [1.0, 0.0, 0.0, math.sin(1.0) ** 2 * turning], 3.0)
    assert coords[:, 0] == pytest.approx(1.0, abs=1e-9)
    assert system.conserved == ("p_phi",)


@fact("magnetic-pendulum")
def _(system: OwnSystem) -> None:
    """Turned by 120° it is the same; it rests near each magnet."""
    turn = np.array([[-0.5, -math.sqrt(0.75)], [math.sqrt(0.75), -0.5]])
    at = np.random.default_rng(0).uniform(-1, 1, (20, 4))
    turned = np.concatenate([at[:, :2] @ turn.T, at[:, 2:] @ turn.T], axis=1)
    assert system.hamiltonian(turned) == pytest.approx(system.hamiltonian(at))
    assert sum(one.kind == "centre" and one.stable for one in system.equilibria) == 3


@fact("charged-particle")
def _(system: OwnSystem) -> None:
    """Every circle takes 2π m/b."""
    start = [0.3, -0.2, 0.5, 0.8]
    _, coords = follow(system, start, 2 * math.pi)
    assert coords[-1] == pytest.approx(start, abs=1e-9)
    keeps(system, start, lambda x: x[..., 2] - x[..., 1] / 2)  # the centre of the circle


@fact("restricted-three-body")
def _(system: OwnSystem) -> None:
    """L4 makes equal triangles, and small motions about it have ω⁴ − ω² + 27 μ(1 − μ)/4 = 0."""
    mu = 0.012150585
    x, y = 0.5 - mu, math.sqrt(0.75)
    square = np.sort(np.roots([1.0, -1.0, 27 / 4 * mu * (1 - mu)]))
    assert frequencies(system, [x, y, -y, x]) == pytest.approx(np.sqrt(square).tolist(), rel=1e-6)


@fact("hill-problem")
def _(system: OwnSystem) -> None:
    """Its two points of rest lie at ± 3^(−1/3) on the line to the sun."""
    x = 3 ** (-1 / 3)
    for side in (x, -x):
        assert np.abs(system.field(np.array([side, 0.0, 0.0, side]))).max() < 1e-12


@fact("kepler-quadrupole")
def _(system: OwnSystem) -> None:
    """Near a circle of radius 1 the radial rate is √(k − 3J), and that of turning √(k + 3J)."""
    turning, radial = math.sqrt(1.15), math.sqrt(0.85)
    assert system.field(np.array([1.0, 0.0, 0.0, turning]))[[1, 2]] == pytest.approx([turning, 0.0], abs=1e-12)
    known = 2 * math.pi / radial
    assert period(system, [1.0001, 0.0, 0.0, turning], known) == pytest.approx(known, rel=1e-4)


@fact("isochrone")
def _(system: OwnSystem) -> None:
    """The radial period is 2πk/(−2E)^(3/2), whatever the angular momentum."""
    for turning in (0.3, 0.6):
        start = [1.4, 0.0, 0.0, turning]
        energy = float(system.hamiltonian(np.array(start)))
        known = 2 * math.pi / (-2 * energy) ** 1.5
        assert period(system, start, known) == pytest.approx(known, rel=1e-6)


@fact("plummer")
def _(system: OwnSystem) -> None:
    """On a circle of radius r the rate of turning is √(k/(r² + b²)^(3/2)); angular momentum is conserved."""
    speed = 0.8 * math.sqrt(1 / (0.8**2 + 0.25) ** 1.5)
    _, coords = follow(system, [0.8, 0.0, 0.0, speed], 10.0)
    assert np.hypot(coords[:, 0], coords[:, 1]) == pytest.approx(0.8, abs=1e-9)
    keeps(system, [0.8, 0.0, 0.2, 0.3], lambda x: x[..., 0] * x[..., 3] - x[..., 1] * x[..., 2])


@fact("logarithmic-galaxy")
def _(system: OwnSystem) -> None:
    """Small swings have the rates v/R and v/(R q)."""
    assert frequencies(system, [0.0] * 4) == pytest.approx([1 / 0.3, 1 / 0.24])


@fact("two-centres")
def _(system: OwnSystem) -> None:
    """The product of the angular momenta about the two centres is conserved, once it is corrected."""

    def third(coords: Array) -> Array:
        x, y, p_x, p_y = np.moveaxis(coords, -1, 0)
        right, left = x - 0.5, x + 0.5
        moments: Array = (right * p_y - y * p_x) * (left * p_y - y * p_x)
        return moments - right / np.hypot(right, y) + left / np.hypot(left, y)

    keeps(system, [0.1, 1.2, 0.9, 0.1], third)


@fact("stark-kepler")
def _(system: OwnSystem) -> None:
    """Along the field the Laplace–Runge–Lenz vector is conserved, with f y²/2 taken from it."""

    def along(coords: Array) -> Array:
        x, y, p_x, p_y = np.moveaxis(coords, -1, 0)
        found: Array = p_y * (x * p_y - y * p_x) - x / np.hypot(x, y)
        return found + 0.03 * y**2 / 2

    keeps(system, [0.0, 1.0, 1.0, 0.1], along)


@fact("anisotropic-kepler")
def _(system: OwnSystem) -> None:
    """H is homogeneous: an orbit twice as large takes √8 times as long."""
    _, small = follow(system, [0.1, 1.0, 0.9, 0.1], 4.0)
    _, large = follow(system, [0.2, 2.0, 0.9 / math.sqrt(2), 0.1 / math.sqrt(2)], 4.0 * math.sqrt(8))
    assert large * [0.5, 0.5, math.sqrt(2), math.sqrt(2)] == pytest.approx(small, abs=1e-7)


@fact("stormer")
def _(system: OwnSystem) -> None:
    """Along the line r³ = ρ² of the dipole H is zero, and the particle rests."""
    angle = np.linspace(-0.8, 0.8, 9)
    rho, z = np.cos(angle) ** 3, np.cos(angle) ** 2 * np.sin(angle)
    floor = np.stack([rho, z, 0 * rho, 0 * rho], axis=-1)
    assert system.hamiltonian(floor) == pytest.approx(0.0, abs=1e-12)
    assert np.abs(system.field(floor)).max() < 1e-12


@fact("barbanis")
def _(system: OwnSystem) -> None:
    """The star leaves over two passes at (1/(2ε), ± 1/(√2 ε)), at 1/(8ε²)."""
    for y in (math.sqrt(0.5), -math.sqrt(0.5)):
        at = np.array([0.5, y, 0.0, 0.0])
        assert np.abs(system.field(at)).max() < 1e-12
        assert system.hamiltonian(at) == pytest.approx(1 / 8)


@fact("integrable-cubic")
def _(system: OwnSystem) -> None:
    """px py + x y + a (x y² + x³/3) is conserved."""
    keeps(
        system,
        [0.2, -0.1, 0.15, 0.2],
        lambda s: s[..., 2] * s[..., 3] + s[..., 0] * s[..., 1] + s[..., 0] * s[..., 1] ** 2 + s[..., 0] ** 3 / 3,
        30.0,
    )


@fact("integrable-quartic")
def _(system: OwnSystem) -> None:
    """px py + 4a x y (x² + y²) is conserved."""
    keeps(
        system,
        [0.8, -0.3, 0.4, 0.6],
        lambda s: s[..., 2] * s[..., 3] + s[..., 0] * s[..., 1] * (s[..., 0] ** 2 + s[..., 1] ** 2),
        30.0,
    )


@fact("pais-uhlenbeck")
def _(system: OwnSystem) -> None:
    """It swings with the rates a and b, though its energy has no lower end."""
    assert frequencies(system, [0.0] * 4) == pytest.approx([1.0, 1.7])
    assert system.min_energy is None


@fact("two-waves")
def _(system: OwnSystem) -> None:
    """Seen from one wave the other looks the same: q → φ − q, p → 1 − p."""
    start = np.array([0.4, 0.0, 0.2, 0.0])
    mirrored = np.array([-0.4, 0.0, 0.8, 0.0])
    t, one = follow(system, start.tolist(), 20.0)
    _, other = follow(system, mirrored.tolist(), 20.0)
    assert other[:, 0] == pytest.approx(t - one[:, 0], abs=1e-6)


@fact("cart-pendulum")
def _(system: OwnSystem) -> None:
    """The common momentum is conserved, and the small swing has ω² = g (M + m)/(M l)."""
    assert system.conserved == ("p_x",)
    at = np.zeros(4)
    rates = np.linalg.eigvals(jacobian(system.field, at)).imag
    assert rates.max() == pytest.approx(math.sqrt(9.81 * 1.5))


@fact("geodesics-on-torus")
def _(system: OwnSystem) -> None:
    """Clairaut: p_φ is conserved. The outer circle is stable and the inner one is not."""
    assert system.conserved == ("p_phi",)
    _, outer = follow(system, [1e-6, 0.0, 0.0, 3.0], 20.0)
    _, inner = follow(system, [math.pi - 1e-6, 0.0, 0.0, 1.0], 20.0)
    assert np.abs(outer[:, 0]).max() < 1e-5
    assert np.abs(inner[:, 0] - math.pi).max() > 0.1


@fact("hyperbolic-plane")
def _(system: OwnSystem) -> None:
    """An orbit is a circle about a point of the edge, x + y p_y/p_x, of radius √(2H)/p_x."""
    start = [0.1, 1.4, 0.3, 0.1]
    _, coords = follow(system, start, 5.0)
    centre = 0.1 + 1.4 * 0.1 / 0.3
    radius = math.sqrt(2 * float(system.hamiltonian(np.array(start)))) / 0.3
    assert np.hypot(coords[:, 0] - centre, coords[:, 1]) == pytest.approx(radius, abs=1e-9)


@fact("vortex-pair")
def _(system: OwnSystem) -> None:
    """Two equal vortices at a distance d turn about their middle with Γ/(π d²)."""
    rate = 6.0 / (math.pi * 4.0)
    t, coords = follow(system, [1.0, -1.0, 0.0, 0.0], 10.0)
    assert np.abs(coords[:, 0]) == pytest.approx(np.abs(np.cos(rate * t)), abs=1e-9)
    assert coords[:, 0] + coords[:, 1] == pytest.approx(0.0, abs=1e-9)


@fact("self-trapping-dimer")
def _(system: OwnSystem) -> None:
    """The norm is conserved; what begins on one site stays there where γN > 4|ε|."""
    keeps(system, [0.9, 0.1, 0.2, -0.3], lambda x: (x**2).sum(axis=-1))

    def least_share(gamma: float) -> float:
        _, coords = follow(changed(system, gamma=gamma), [1.0, 0.0, 0.0, 0.0], 30.0, 2001)
        return float((coords[:, 0] ** 2 + coords[:, 2] ** 2).min())

    assert least_share(3.8) < 0.1
    assert least_share(4.2) > 0.5


@fact("free-rigid-body")
def _(system: OwnSystem) -> None:
    """The size of the angular momentum is conserved, and turning about the middle axis is unstable."""
    assert system.conserved == ("G",)
    _, middle = follow(system, [1e-4, 0.0, 1e-4, 1.5], 60.0)
    _, least = follow(system, [math.pi / 2 + 1e-4, 0.0, 1e-4, 1.5], 60.0)
    assert np.abs(middle[:, 2]).max() > 0.5
    assert np.abs(least[:, 2]).max() < 1e-3


@fact("nose-poincare")
def _(system: OwnSystem) -> None:
    """It rests at ln s = E/T − 1, as the factor s before the energy has it."""
    other = changed(system, E=1.5, T=1.2)
    s = math.exp(1.5 / 1.2 - 1)
    assert np.abs(other.field(np.array([0.0, s, 0.0, 0.0]))).max() < 1e-12


# Three and four -------------------------------------------------------------------------------------------------------


@fact("lagrange-top")
def _(system: OwnSystem) -> None:
    """Two momenta are conserved; upright it sleeps where p² > 4 A m g l."""
    assert system.conserved == ("p_phi", "p_psi")
    for spin, sleeps in ((2.4, True), (1.6, False)):
        _, coords = follow(system, [0.02, 0.0, 0.0, 0.0, spin, spin], 10.0)
        assert (coords[:, 0].max() < 0.2) == sleeps


@fact("penning-trap")
def _(system: OwnSystem) -> None:
    """The squares of the three rates add up to that of the free circle, (b/m)²."""
    rates = frequencies(system, [0.0] * 6)
    assert len(rates) == 3
    assert sum(rate**2 for rate in rates) == pytest.approx(9.0)
    assert min(abs(rate - 1.0) for rate in rates) < 1e-6  # along the axis √(k/m)


@fact("toda-lattice")
def _(system: OwnSystem) -> None:
    """The third integral, besides energy and momentum; source: Hénon, Physical Review B 9, 1921 (1974)."""

    def third(coords: Array) -> Array:
        q, p = coords[..., :3], coords[..., 3:]
        bonds = [np.exp(q[..., i] - q[..., (i + 1) % 3]) for i in range(3)]
        found: Array = p.prod(axis=-1)
        for i in range(3):
            found = found - p[..., i] * bonds[(i + 1) % 3]
        return found

    keeps(system, [0.3, -0.2, 0.1, 0.5, -0.4, 0.2], third, 20.0)


@fact("calogero-moser")
def _(system: OwnSystem) -> None:
    """Whatever the start, all is as it was after 2π/ω."""
    for seed in range(3):
        start = system.sample_starts(np.random.default_rng(seed), 1)[0].tolist()
        _, coords = follow(system, start, 2 * math.pi)
        assert coords[-1] == pytest.approx(start, abs=1e-6)


def chain_rates(masses: int) -> list[float]:
    return [2 * math.sin(k * math.pi / (2 * (masses + 1))) for k in range(1, masses + 1)]


@fact("fput-alpha")
def _(system: OwnSystem) -> None:
    """Small modes have the rates 2 sin(kπ/8)."""
    assert frequencies(system, [0.0] * 6) == pytest.approx(chain_rates(3))


@fact("fput-beta")
def _(system: OwnSystem) -> None:
    """Small modes have the rates 2 sin(kπ/10), and a chain that is its own mirror image stays so."""
    assert frequencies(system, [0.0] * 8) == pytest.approx(chain_rates(4))
    _, coords = follow(system, [0.5, -0.8, 0.8, -0.5, 0.1, 0.2, -0.2, -0.1], 10.0)
    assert coords[:, 0] == pytest.approx(-coords[:, 3], abs=1e-8)


@fact("phi4-chain")
def _(system: OwnSystem) -> None:
    """In a vacuum the rates are √(2 + 4k sin²(πj/4))."""
    known = sorted(math.sqrt(2 + 2 * math.sin(math.pi * j / 4) ** 2) for j in range(4))
    assert frequencies(system, [1.0] * 4 + [0.0] * 4) == pytest.approx(known)


@fact("frenkel-kontorova")
def _(system: OwnSystem) -> None:
    """At rest the rates are √(d + 4k sin²(πj/3)); moved by 2π as a whole it is the same."""
    known = sorted(math.sqrt(1 + 2 * math.sin(math.pi * j / 3) ** 2) for j in range(3))
    assert frequencies(system, [0.0] * 6) == pytest.approx(known)
    assert system.hamiltonian(np.array([2 * math.pi] * 3 + [0.0] * 3)) == pytest.approx(0.0, abs=1e-12)


# All of them ----------------------------------------------------------------------------------------------------------


def test_there_are_forty_and_each_is_held_to_a_fact() -> None:
    assert len(shelf()) >= 40
    assert set(FACTS) == set(shelf())
    assert not set(shelf()) & set(SYSTEMS)


@pytest.mark.parametrize("name", FACTS)
def test_what_is_known_of_it_holds(name: str) -> None:
    FACTS[name](shelved(name))


@pytest.mark.parametrize("name", shelf())
def test_its_file_is_whole(name: str) -> None:
    system = shelved(name)
    definition = system.definition
    assert definition.title
    assert definition.summary.endswith(".")
    assert any(part.isdigit() for part in definition.source.replace("(", " ").replace(")", " ").split())
    assert all(one.meaning for one in definition.constants)
    assert read_system(system_text(definition).encode(), name) == definition
    start = system.default_start
    assert np.isfinite(system.field(start)).all()
    assert np.isfinite(system.positions(start[: system.dof])).all()
    assert len(system.geometry(start[: system.dof])) > 0
    assert system.stays(follow(system, start.tolist(), 10.0)[1][:, None]).all()


def test_the_page_has_the_table_of_them() -> None:
    path = Path(__file__).parents[2] / "docs" / "make_shelf.py"
    made = runpy.run_path(str(path))
    assert made["page"](made["PAGE"].read_text(encoding="utf-8")) == made["PAGE"].read_text(encoding="utf-8")


def test_no_two_have_the_same_motion() -> None:
    keys = [load_shelved(name).key for name in shelf()]
    assert len(set(keys)) == len(keys)
