"""The mixed field of the paper: a gradient and a turned gradient, from the two outputs of one perceptron."""

from typing import ClassVar

from hnn_engine.models.base import Model, Settings
from hnn_engine.models.networks import Network, Term, gradient, symplectic_gradient


class MixedHnn(Model):
    """d(coords)/dt = ∇F₁ + J∇F₂, with (F₁, F₂) = MLP(q, p).

    F₂ stands where an HNN has its H, but the model keeps it only where ∇F₁ is zero, and the two parts are not unique:
    what is both a gradient and symplectic can go from one to the other. Source: the code of Greydanus et
    al. 2019 (`field_type='mixed'`), whose first output gives the conservative part, the second the solenoidal one.
    """

    name: ClassVar[str] = "mixed-hnn"
    title: ClassVar[str] = "Mixed field"
    summary: ClassVar[str] = (
        "∇F₁ + J∇F₂ from one network: can increase F₁ and circulate; F₂ is conserved where ∇F₁ is zero."
    )
    why_not_separable: ClassVar[str] = "the mixed field is more than J∇H"

    def terms(self, settings: Settings, dof: int) -> tuple[Term, ...]:
        """Return the terms of the field: J∇F₂ and ∇F₁ of the two outputs of MLP(q, p)."""
        net = Network("", slice(None), 2)
        return (symplectic_gradient(net, dof, 1), gradient(net, dof, 0, friction=True))
