"""Integrators: a table of what each method is. The loops, in numpy and compiled, read the coefficients here.

A method is never silently replaced by another: what does not apply is refused with its reason. An explicit Runge–Kutta
method or a splitting is one row of `INTEGRATORS` and nothing else.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from hnn_engine.coords import Array
from hnn_engine.errors import UnknownNameError

DIVERGED = 1e6  # a coordinate beyond this has left every system here
MIDPOINT_TOLERANCE = 1e-12  # change of the fixed-point iteration, relative to max(1, |x|)
MIDPOINT_ITERATIONS = 60
EVALUATION_LIMIT = 400_000  # field calls of one adaptive trajectory before it counts as lost


class Scheme:
    """What a method does in a step. Each kind is a class, which one loop in numpy and one compiled loop follow."""


@dataclass(frozen=True)
class RungeKutta(Scheme):
    """An explicit Runge–Kutta method by its Butcher tableau: kᵢ = f(x + dt Σⱼ aᵢⱼ kⱼ), x′ = x + dt Σᵢ bᵢ kᵢ.

         0  │
         c₂ │ a₂₁
         c₃ │ a₃₁ a₃₂
         …  │ …
        ────┼──────────────
            │ b₁  b₂  …  bₛ

    Row i of `a` holds what precedes its stage, so that the first row is empty. Time, where a law depends on it, is a
    coordinate (`coords.with_clock`), which stage i has at t + cᵢ dt since cᵢ = Σⱼ aᵢⱼ; the nodes `c` are a check of the
    row alone. Source: Hairer, Nørsett & Wanner, II.1.
    """

    a: tuple[tuple[float, ...], ...]
    b: tuple[float, ...]
    c: tuple[float, ...]

    def __post_init__(self) -> None:
        """Check that A is strictly lower triangular and that a, b and c have the same number of stages."""
        assert [len(row) for row in self.a] == list(range(len(self.b))), "stage i uses the i stages before it"
        assert len(self.c) == len(self.b)


@dataclass(frozen=True)
class Splitting(Scheme):
    """A splitting method for H = T(p) + V(q): for each i, p ← p − kickᵢ dt ∂V/∂q, then q ← q + driftᵢ dt ∂T/∂p.

    Σ kicks = Σ drifts = 1; a coefficient 0 costs nothing. Source: Hairer, Lubich & Wanner, II.5; of order 4: Yoshida
    1990.
    """

    kicks: tuple[float, ...]
    drifts: tuple[float, ...]

    def __post_init__(self) -> None:
        """Check that there are as many kicks as drifts."""
        assert len(self.kicks) == len(self.drifts)


@dataclass(frozen=True)
class ImplicitMidpoint(Scheme):
    """x′ = x + dt f((x + x′)/2), solved by fixed-point iteration. Order 2. Source: Hairer, Lubich & Wanner, II.1.3."""


@dataclass(frozen=True)
class Dop853(Scheme):
    """Dormand and Prince's method of order 8(5,3) with steps of its own choice; the tableau is scipy's.

    Source: Hairer, Nørsett & Wanner, II.5 and II.10.
    """


@dataclass(frozen=True)
class IntegratorInfo:
    """What a method is: its order, and whether for Hamiltonian fields its map is symplectic and time-reversible.

    Time-reversible: a step of −dt undoes a step of dt. `scheme` holds the coefficients.
    """

    name: str
    title: str
    order: int
    symplectic: bool
    time_reversible: bool
    scheme: Scheme
    summary: str

    @property
    def needs_separable(self) -> bool:
        """Whether it follows H = T(p) + V(q) alone."""
        return isinstance(self.scheme, Splitting)

    @property
    def adaptive(self) -> bool:
        """Whether it chooses its steps by a tolerance."""
        return isinstance(self.scheme, Dop853)

    @property
    def explicit(self) -> bool:
        """Whether its fixed steps need no iteration; rounding in the field is then no more than that."""
        return isinstance(self.scheme, RungeKutta | Splitting)


# Yoshida's composition of three Störmer–Verlet steps of w₁, w₀ and w₁ dt; kicks that meet are one.
_W1 = 1.0 / (2.0 - 2.0 ** (1.0 / 3.0))
_W0 = 1.0 - 2.0 * _W1

INTEGRATORS: dict[str, IntegratorInfo] = {
    info.name: info
    for info in (
        IntegratorInfo(
            "rk4",
            "Runge–Kutta 4",
            order=4,
            symplectic=False,
            time_reversible=False,
            scheme=RungeKutta(
                a=((), (1 / 2,), (0.0, 1 / 2), (0.0, 0.0, 1.0)),
                b=(1 / 6, 1 / 3, 1 / 3, 1 / 6),
                c=(0.0, 1 / 2, 1 / 2, 1.0),
            ),  # Kutta 1901
            summary="The classical method; accurate, drifts slowly.",
        ),
        IntegratorInfo(
            "stormer-verlet",
            "Störmer–Verlet",
            order=2,
            symplectic=True,
            time_reversible=True,
            scheme=Splitting(kicks=(1 / 2, 1 / 2), drifts=(1.0, 0.0)),  # Hairer, Lubich & Wanner, I.1.4
            summary="Kick, drift, kick; needs H = T(p) + V(q).",
        ),
        IntegratorInfo(
            "yoshida4",
            "Yoshida 4",
            order=4,
            symplectic=True,
            time_reversible=True,
            scheme=Splitting(
                kicks=(_W1 / 2, (_W1 + _W0) / 2, (_W0 + _W1) / 2, _W1 / 2),
                drifts=(_W1, _W0, _W1, 0.0),
            ),  # Yoshida 1990
            summary="Three Störmer–Verlet steps; needs H = T(p) + V(q).",
        ),
        IntegratorInfo(
            "implicit-midpoint",
            "Implicit midpoint",
            order=2,
            symplectic=True,
            time_reversible=True,
            scheme=ImplicitMidpoint(),
            summary=f"Symplectic for every H; iterated to {MIDPOINT_TOLERANCE:g} in at most "
            f"{MIDPOINT_ITERATIONS} rounds.",
        ),
        IntegratorInfo(
            "dop853",
            "Dormand–Prince 8(5,3)",
            order=8,
            symplectic=False,
            time_reversible=False,
            scheme=Dop853(),
            summary="Adaptive; at 10⁻¹³ it gives the truth on screen where no closed form does.",
        ),
    )
}


class FlowDirection(IntEnum):
    """Which way a flow is followed: as it is, back in time, or along its energy's gradient, up or down."""

    FORWARD = 0
    BACKWARD = 1
    UPHILL = 2
    DOWNHILL = 3


class Flow(Protocol):
    """A vector field that integrators can follow: a system or a snapshot."""

    @property
    def why_not_separable(self) -> str:
        """Why methods for H = T(p) + V(q) do not apply; empty where they do."""

    def field(self, coords: Array) -> Array:
        """Return d(coords)/dt, a second, at `coords`, both `(..., 2*dof)`."""


def get_integrator(name: str) -> IntegratorInfo:
    """Return the description of `name`; raise `UnknownNameError`."""
    if name not in INTEGRATORS:
        raise UnknownNameError("integrator", name, INTEGRATORS)
    return INTEGRATORS[name]


def why_not(name: str, flow: Flow) -> str:
    """Return why integrator `name` does not apply to `flow`, or an empty string where it does.

    Raises `UnknownNameError`.
    """
    info = get_integrator(name)
    if info.needs_separable and flow.why_not_separable:
        return f"{info.title} needs H = T(p) + V(q), and {flow.why_not_separable}"
    if not isinstance(info.scheme, RungeKutta | Splitting | ImplicitMidpoint | Dop853):
        return f"{info.title} is of the kind {type(info.scheme).__name__}, which no loop follows"
    return ""


def for_any_flow() -> str:
    """Return the names of the methods that follow every flow, as a sentence lists them."""
    names = [name for name, info in INTEGRATORS.items() if not info.needs_separable]
    return f"{', '.join(names[:-1])} or {names[-1]}"
