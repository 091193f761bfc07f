"""The baseline: a perceptron that gives the time derivative directly."""

from typing import ClassVar

from hnn_engine.models.base import Model, Settings
from hnn_engine.models.networks import Network, Term, values


class Baseline(Model):
    """dx/dt = MLP(x). It knows nothing of energy. Source: Greydanus et al. 2019, section 3."""

    name: ClassVar[str] = "baseline"
    title: ClassVar[str] = "Baseline"
    summary: ClassVar[str] = "A plain network that outputs the time derivative directly; it conserves no energy."
    why_not_separable: ClassVar[str] = "the baseline has no H"

    def terms(self, settings: Settings, dof: int) -> tuple[Term, ...]:
        """Return the one term of the field: the outputs of MLP(q, p), into all of d(coords)/dt."""
        return (values(Network("", slice(None), 2 * dof)),)
