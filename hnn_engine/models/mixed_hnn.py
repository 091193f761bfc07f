"""The mixed field of the paper: a gradient and a turned gradient, from the two outputs of one perceptron."""

from typing import Any, ClassVar

from hnn_engine.models.base import Model, Settings, symplectic
from hnn_engine.models.mlp import Weights, output, scalar_gradients
from hnn_engine.models.networks import Network, Term, gradient, turned


class MixedHnn(Model):
    """d(coords)/dt = ∇F₁ + J∇F₂, with (F₁, F₂) = MLP(q, p).

    F₂ stands where an HNN has its H, but the model keeps it only where ∇F₁ is zero, and the two parts are not unique:
    what is both a gradient and symplectic can go from one to the other. Source: the code of Greydanus et
    al. 2019 (`field_type='mixed'`), whose first output gives the conservative part, the second the solenoidal one.
    """

    name: ClassVar[str] = "mixed-hnn"
    title: ClassVar[str] = "Mixed field"
    summary: ClassVar[str] = "∇F₁ + J∇F₂ from one network: can flow uphill and go round; F₂ is kept where ∇F₁ is zero."
    has_energy: ClassVar[bool] = True
    dissipates: ClassVar[bool] = True
    why_not_separable: ClassVar[str] = "the mixed field is more than J∇H"

    def networks(self, dof: int) -> tuple[Network, ...]:
        return (Network("", slice(None), 2),)

    def terms(self, settings: Settings, dof: int) -> tuple[Term, ...]:
        (net,) = self.networks(dof)
        return (turned(net, dof, 1), gradient(net, dof, 0, friction=True))

    def hamiltonian(self, xp: Any, weights: Weights, settings: Settings, coords: Any) -> Any | None:
        return output(xp, weights, str(settings["activation"]), coords)[..., 1]

    def gradient(self, xp: Any, weights: Weights, settings: Settings, coords: Any) -> Any | None:
        return self._gradients(xp, weights, settings, coords)[1]

    def friction(self, xp: Any, weights: Weights, settings: Settings, coords: Any) -> Any | None:
        return self._gradients(xp, weights, settings, coords)[0]

    def field(self, xp: Any, weights: Weights, settings: Settings, coords: Any, scale: float = 1.0) -> Any:
        first, second = self._gradients(xp, weights, settings, coords)
        return symplectic(xp, second) + scale * first

    def _gradients(self, xp: Any, weights: Weights, settings: Settings, coords: Any) -> list[Any]:
        return scalar_gradients(xp, weights, str(settings["activation"]), coords, 2)
