"""The conservative field of the paper: a gradient, which is not turned."""

from typing import ClassVar

from hnn_engine.models.base import Model, Settings
from hnn_engine.models.networks import Network, Term, gradient


class ConservativeHnn(Model):
    """d(coords)/dt = ∇F, F = MLP(q, p). 'Conservative' is the paper's word for a field without curl.

    F is no energy that is kept: it rises along every path, dF/dt = |∇F|², so nothing that this model moves comes back
    to where it was. It shows what an HNN gains by turning its gradient. Source: the code of
    Greydanus et al. 2019 (`field_type='conservative'`).
    """

    name: ClassVar[str] = "conservative-hnn"
    title: ClassVar[str] = "Conservative field"
    summary: ClassVar[str] = "A gradient field ∇F: without curl, so it increases F and cannot circulate."
    why_not_separable: ClassVar[str] = "the conservative field has no H"

    def terms(self, settings: Settings, dof: int) -> tuple[Term, ...]:
        """Return the one term of the field: ∇F, F = MLP(q, p)."""
        return (gradient(Network("", slice(None), 1), dof),)
