"""The conservative field of the paper: a gradient, which is not turned."""

from typing import Any, ClassVar

from hnn_engine.models.base import Model, Settings
from hnn_engine.models.mlp import Weights, scalar_gradient
from hnn_engine.models.networks import Network, Term, gradient


class ConservativeHnn(Model):
    """d(coords)/dt = ∇F, F = MLP(q, p). 'Conservative' is the paper's word for a field without curl.

    F is no energy that is kept: it rises along every path, dF/dt = |∇F|², so nothing that this model moves comes back
    to where it was. It shows what an HNN gains by turning its gradient. Source: the code of
    Greydanus et al. 2019 (`field_type='conservative'`).
    """

    name: ClassVar[str] = "conservative-hnn"
    title: ClassVar[str] = "Conservative field"
    summary: ClassVar[str] = "A gradient ∇F that is not turned: without curl, so it flows uphill and cannot go round."
    has_energy: ClassVar[bool] = False
    why_not_separable: ClassVar[str] = "the conservative field has no H"

    def networks(self, dof: int) -> tuple[Network, ...]:
        return (Network("", slice(None), 1),)

    def field(self, xp: Any, weights: Weights, settings: Settings, coords: Any, scale: float = 1.0) -> Any:
        return scalar_gradient(xp, weights, str(settings["activation"]), coords)

    def terms(self, settings: Settings, dof: int) -> tuple[Term, ...]:
        return (gradient(self.networks(dof)[0], dof),)

    def hamiltonian(self, xp: Any, weights: Weights, settings: Settings, coords: Any) -> Any | None:
        return None
