"""The baseline: a perceptron that gives the time derivative directly."""

from collections.abc import Mapping
from typing import Any, ClassVar

from hnn_engine.models.base import Model
from hnn_engine.models.mlp import Weights, output
from hnn_engine.parameters import Value


class Baseline(Model):
    """dx/dt = MLP(x). It knows nothing of energy. Source: Greydanus et al. 2019, section 3."""

    name: ClassVar[str] = "baseline"
    title: ClassVar[str] = "Baseline"
    summary: ClassVar[str] = "A plain network that gives the time derivative directly; nothing holds its energy."
    has_energy: ClassVar[bool] = False
    kernel: ClassVar[int | None] = 0
    why_not_separable: ClassVar[str] = "the baseline has no H"

    def outputs(self, dof: int) -> int:
        return 2 * dof

    def field(self, xp: Any, weights: Weights, settings: Mapping[str, Value], coords: Any) -> Any:
        return output(xp, weights, str(settings["activation"]), coords)

    def hamiltonian(self, xp: Any, weights: Weights, settings: Mapping[str, Value], coords: Any) -> Any | None:
        return None
