"""Where a system rests: the fixed points of its field, of what kind they are, and the energies of its separatrices.

for point in fixed_points(get_system("pendulum")):
    print(point.kind, point.at, point.energy)  # centre (0.0, 0.0) 0.0, saddle (3.14…, 0.0) 6.0
"""

from dataclasses import dataclass, field
from functools import lru_cache

from hnn_engine.equilibria import Equilibrium
from hnn_engine.systems import System

_KINDS = {"centre": "centre", "saddle": "saddle", "degenerate": "fixed point"}


@dataclass(frozen=True)
class SystemKey:
    """A system as a key of what is kept of it: two with the same law and constants are equal."""

    kind: type[System]
    constants: bytes
    system: System = field(compare=False)


def fixed_points(system: System) -> tuple[Equilibrium, ...]:
    """Return the states where J∇H + friction = 0 within the ranges of `system.coordinates`, the lowest energy first.

    They are found by Newton's method from many states, and named by the eigenvalues of the field's Jacobian there;
    without friction they are the critical points of H. States `(2*dof,)` in the units of the coordinates, energies in
    J. Where they fill a line or a surface, as they do under a symmetry, those that the method came upon.
    """
    return _found(key_of(system))


def key_of(system: System) -> SystemKey:
    """Return `system` as a key."""
    return SystemKey(type(system), system.law.tobytes(), system)


@lru_cache(maxsize=8)
def _found(law: SystemKey) -> tuple[Equilibrium, ...]:
    return law.system.equilibria


def separatrix_energies(system: System) -> tuple[float, ...]:
    """Return the energies in J of the level lines of H that divide kinds of motion: those of its saddles, rising.

    None where there is friction, since orbits then cross the levels of H, and where there is more than one degree of
    freedom, since a level of H is then no line.
    """
    if system.damped or system.dof != 1:
        return ()
    return tuple(sorted({round(p.energy, 9) for p in fixed_points(system) if p.kind == "saddle"}))


def kind_words(point: Equilibrium) -> str:
    """Return what a fixed point is called: 'centre', 'saddle', 'stable focus', 'unstable node'."""
    return _KINDS.get(point.kind) or f"{'stable' if point.stable else 'unstable'} {point.kind}"
