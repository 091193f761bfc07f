"""The baseline: a perceptron that gives the time derivative directly."""

from typing import Any, ClassVar

from hnn_engine.models.base import Model, Settings
from hnn_engine.models.mlp import Weights, output
from hnn_engine.models.networks import Layout, Network, Term


class Baseline(Model):
    """dx/dt = MLP(x). It knows nothing of energy. Source: Greydanus et al. 2019, section 3."""

    name: ClassVar[str] = "baseline"
    title: ClassVar[str] = "Baseline"
    summary: ClassVar[str] = "A plain network that gives the time derivative directly; nothing holds its energy."
    has_energy: ClassVar[bool] = False
    kernel: ClassVar[int | None] = 0
    why_not_separable: ClassVar[str] = "the baseline has no H"

    def networks(self, dof: int) -> tuple[Network, ...]:
        return (Network("", slice(None), 2 * dof),)

    def field(self, xp: Any, weights: Weights, settings: Settings, coords: Any, scale: float = 1.0) -> Any:
        return output(xp, weights, str(settings["activation"]), coords)

    def layout(self, weights: Weights, settings: Settings, dof: int) -> Layout:
        return Layout((Term(weights, weights["w0"], weights["out"].T),))

    def hamiltonian(self, xp: Any, weights: Weights, settings: Settings, coords: Any) -> Any | None:
        return None
