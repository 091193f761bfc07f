"""The baseline: a perceptron that gives the time derivative directly."""

from typing import Any, ClassVar

from hnn_engine.models.base import Model, Settings
from hnn_engine.models.mlp import Weights, output
from hnn_engine.models.networks import Network, Term, values


class Baseline(Model):
    """dx/dt = MLP(x). It knows nothing of energy. Source: Greydanus et al. 2019, section 3."""

    name: ClassVar[str] = "baseline"
    title: ClassVar[str] = "Baseline"
    summary: ClassVar[str] = "A plain network that gives the time derivative directly; nothing holds its energy."
    has_energy: ClassVar[bool] = False
    why_not_separable: ClassVar[str] = "the baseline has no H"

    def networks(self, dof: int) -> tuple[Network, ...]:
        return (Network("", slice(None), 2 * dof),)

    def field(self, xp: Any, weights: Weights, settings: Settings, coords: Any, scale: float = 1.0) -> Any:
        return output(xp, weights, str(settings["activation"]), coords)

    def terms(self, settings: Settings, dof: int) -> tuple[Term, ...]:
        return (values(self.networks(dof)[0]),)

    def hamiltonian(self, xp: Any, weights: Weights, settings: Settings, coords: Any) -> Any | None:
        return None
