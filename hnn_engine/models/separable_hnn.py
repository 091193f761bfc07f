"""The separable HNN: one perceptron for the kinetic energy, one for the potential."""

from typing import Any, ClassVar

from hnn_engine.models.base import Model, Settings
from hnn_engine.models.mlp import Weights, output, scalar_gradient
from hnn_engine.models.networks import Network, Term, turned


class SeparableHnn(Model):
    """H = T(p) + V(q), T and V two networks; dq/dt = ∂T/∂p, dp/dt = −∂V/∂q.

    What is measured of dq/dt cannot bend V, nor dp/dt T. Explicit symplectic methods apply. Source: Gruver et al.,
    ICLR 2022; Chen et al., Symplectic Recurrent Neural Networks, ICLR 2020.
    """

    name: ClassVar[str] = "separable-hnn"
    title: ClassVar[str] = "Separable HNN"
    summary: ClassVar[str] = "Two networks, H = T(p) + V(q): better where H is such a sum, helpless where it is not."
    has_energy: ClassVar[bool] = True
    why_not_separable: ClassVar[str] = ""

    def networks(self, dof: int) -> tuple[Network, ...]:
        return (Network("t.", slice(dof, None), 1), Network("v.", slice(None, dof), 1))

    def terms(self, settings: Settings, dof: int) -> tuple[Term, ...]:
        return tuple(turned(net, dof) for net in self.networks(dof))

    def hamiltonian(self, xp: Any, weights: Weights, settings: Settings, coords: Any) -> Any | None:
        return sum(
            output(xp, net.of(weights), str(settings["activation"]), coords[..., net.columns])[..., 0]
            for net in self.networks(coords.shape[-1] // 2)
        )

    def gradient(self, xp: Any, weights: Weights, settings: Settings, coords: Any) -> Any | None:
        kinetic, potential = (
            scalar_gradient(xp, net.of(weights), str(settings["activation"]), coords[..., net.columns])
            for net in self.networks(coords.shape[-1] // 2)
        )
        return xp.concatenate((potential, kinetic), axis=-1)
