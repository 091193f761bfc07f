"""The Hamiltonian neural network: a perceptron that gives H, whose symplectic gradient is the field."""

from typing import Any, ClassVar

from hnn_engine.models.base import Model, Settings
from hnn_engine.models.mlp import Weights, output, scalar_gradient
from hnn_engine.models.networks import Network, Term, turned


class Hnn(Model):
    """H = MLP(q, p); dq/dt = ∂H/∂p, dp/dt = −∂H/∂q. Source: Greydanus et al. 2019, equations 1 to 3."""

    name: ClassVar[str] = "hnn"
    title: ClassVar[str] = "HNN"
    summary: ClassVar[str] = "A network that gives an energy H; its symplectic gradient moves the system and keeps H."
    has_energy: ClassVar[bool] = True
    why_not_separable: ClassVar[str] = "the HNN's H mixes q and p"

    def networks(self, dof: int) -> tuple[Network, ...]:
        return (Network("", slice(None), 1),)

    def terms(self, settings: Settings, dof: int) -> tuple[Term, ...]:
        return (turned(self.networks(dof)[0], dof),)

    def hamiltonian(self, xp: Any, weights: Weights, settings: Settings, coords: Any) -> Any | None:
        return output(xp, weights, str(settings["activation"]), coords)[..., 0]

    def gradient(self, xp: Any, weights: Weights, settings: Settings, coords: Any) -> Any | None:
        return scalar_gradient(xp, weights, str(settings["activation"]), coords)
