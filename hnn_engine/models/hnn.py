"""The Hamiltonian neural network: a perceptron that gives H, whose symplectic gradient is the field."""

from typing import ClassVar

from hnn_engine.models.base import Model, Settings
from hnn_engine.models.networks import Network, Term, symplectic_gradient


class Hnn(Model):
    """H = MLP(q, p); dq/dt = ∂H/∂p, dp/dt = −∂H/∂q. Source: Greydanus et al. 2019, equations 1 to 3."""

    name: ClassVar[str] = "hnn"
    title: ClassVar[str] = "HNN"
    summary: ClassVar[str] = "A network that outputs an energy H; its symplectic gradient is the field and conserves H."
    why_not_separable: ClassVar[str] = "the HNN's H mixes q and p"

    def terms(self, settings: Settings, dof: int) -> tuple[Term, ...]:
        """Return the one term of the field: J∇H = (∂H/∂p, −∂H/∂q), H = MLP(q, p)."""
        return (symplectic_gradient(Network("", slice(None), 1), dof),)
