"""The dissipative HNN: one perceptron for an energy H, one for what takes it away."""

from typing import ClassVar

from hnn_engine.models.base import NETWORK_PARAMETERS, Model, Settings
from hnn_engine.models.networks import Network, Term, gradient, momentum_force, symplectic_gradient
from hnn_engine.parameters import Parameter

_H, _D = Network("h.", slice(None), 1), Network("d.", slice(None), 1)

FRICTION = Parameter(
    "friction",
    "Friction",
    "gradient",
    choices=("gradient", "momentum"),
    choice_titles=("∇D, as published", "on p alone, unique"),
    help="The term added to J∇H. ∇D of the published model is not unique: H can contain a part of the friction. A "
    "force on p that vanishes at p = 0 is unique, so scaling it shows the effect of another friction.",
    acts="fit",
)


class DissipativeHnn(Model):
    """d(coords)/dt = J∇H + friction, H and D two networks. The setting `friction` says what D stands for.

    `gradient`, as published: friction = ∇D. The two parts are not unique: any gradient that is also symplectic can go
    from one to the other, such as (0, −γp) = J∇(γqp/2) + ∇(−γ(q² + p²)/4). So a learned D may hold half of the
    friction and H the rest, and D times two is not twice the friction.

    `momentum`: friction = (0, g) with g(q, p) = ∂D/∂p(q, p) − ∂D/∂p(q, 0), which is zero at p = 0 whatever the
    weights. Then both parts are unique: dq/dt = ∂H/∂p fixes H up to some c(q); at p = 0 there is no friction, so
    dp/dt = −∂H/∂q there fixes ∂c/∂q; and what is left of dp/dt is g. Scaling g after a fit is then a change of friction
    alone, where friction acts on p, as it does in mechanics. Where it acts on dq/dt, H takes a part of it up.

    `gradient` is the default, as that is what the name stands for. Source: Sosanya & Greydanus 2022, arXiv 2201.10085.
    """

    name: ClassVar[str] = "dissipative-hnn"
    title: ClassVar[str] = "Dissipative HNN"
    summary: ClassVar[str] = "Two networks: H gives J∇H and D dissipates energy; the friction can be scaled."
    parameters: ClassVar[tuple[Parameter, ...]] = (*NETWORK_PARAMETERS, FRICTION)
    why_not_separable: ClassVar[str] = "the dissipative HNN has friction"

    def terms(self, settings: Settings, dof: int) -> tuple[Term, ...]:
        """Return the terms of the field: J∇H, and ∇D or ∂D/∂p(q, p) and −∂D/∂p(q, 0) into dp/dt, by the setting
        `friction`."""
        if settings["friction"] == "gradient":
            return (symplectic_gradient(_H, dof), gradient(_D, dof, friction=True))
        moving, at_rest = momentum_force(_D, dof, 1.0), momentum_force(_D, dof, -1.0, at_rest=True)
        return (symplectic_gradient(_H, dof), moving, at_rest)

    def split_unique(self, settings: Settings) -> bool:
        """Return whether a field has one H and one D only: with the friction 'momentum', which is zero at p = 0."""
        return settings["friction"] == "momentum"
