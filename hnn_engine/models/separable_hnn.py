"""The separable HNN: one perceptron for the kinetic energy, one for the potential."""

from typing import ClassVar

from hnn_engine.models.base import Model, Settings
from hnn_engine.models.networks import Network, Term, symplectic_gradient


class SeparableHnn(Model):
    """H = T(p) + V(q), T and V two networks; dq/dt = ∂T/∂p, dp/dt = −∂V/∂q.

    What is measured of dq/dt cannot bend V, nor dp/dt T. Explicit symplectic methods apply. Source: Gruver et al.,
    ICLR 2022; Chen et al., Symplectic Recurrent Neural Networks, ICLR 2020.
    """

    name: ClassVar[str] = "separable-hnn"
    title: ClassVar[str] = "Separable HNN"
    summary: ClassVar[str] = "Two networks, H = T(p) + V(q): better where H is such a sum, unsuitable where it is not."
    why_not_separable: ClassVar[str] = ""

    def terms(self, settings: Settings, dof: int) -> tuple[Term, ...]:
        """Return the terms of the field: J∇T(p), into dq/dt, and J∇V(q), into dp/dt."""
        kinetic, potential = Network("t.", slice(dof, None), 1), Network("v.", slice(None, dof), 1)
        return (symplectic_gradient(kinetic, dof), symplectic_gradient(potential, dof))
