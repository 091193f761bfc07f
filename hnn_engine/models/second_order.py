"""The second-order model: the masses are known, and a perceptron gives the force."""

from collections.abc import Mapping
from typing import Any, ClassVar

from hnn_engine.coords import Array
from hnn_engine.models.base import Model, Settings
from hnn_engine.models.networks import Network, Term, values
from hnn_engine.scene import Scene


class SecondOrder(Model):
    """dq/dt = p/m, dp/dt = MLP(q, p), with the mass (or moment of inertia) m of each momentum known.

    It has no energy. Much of what an HNN gains over the baseline comes from this structure alone, so the two belong
    side by side. Source: Gruver, Finzi, Stanton & Wilson, ICLR 2022.
    """

    name: ClassVar[str] = "second-order"
    title: ClassVar[str] = "Second-order"
    summary: ClassVar[str] = (
        "Knows that dq/dt = p/m and learns the force alone, without an energy: how much of an HNN's gain is that?"
    )
    why_not_separable: ClassVar[str] = "the second-order model has no H"

    def terms(self, settings: Settings, dof: int) -> tuple[Term, ...]:
        """Return the one term of the field: the outputs of MLP(q, p), into dp/dt."""
        return (values(Network("", slice(None), dof), dof),)

    def inverse_mass(self, weights: Mapping[str, Any]) -> Any | None:
        """Return 1/m `(dof,)`, 1/kg or 1/(kg m²), from the masses m among the `weights`, which the model is told: dq/dt
        = p/m."""
        return 1 / weights["inertia"]

    def why_not(self, scene: Scene) -> str:
        """Return why the model does not apply to `scene`: where p is no fixed mass times a velocity."""
        if scene.timed:
            return super().why_not(scene)
        if scene.inertia is None:
            return f"{self.title} needs dq/dt = p/m with fixed masses, and here they depend on the position"
        return ""

    def known(self, scene: Scene) -> dict[str, Array]:
        """Return the masses of `scene` in kg, or its moments of inertia in kg m², `(dof,)`."""
        assert scene.inertia is not None
        return {"inertia": scene.inertia}

    def known_shapes(self, dof: int, settings: Settings | None = None) -> dict[str, tuple[int, ...]]:
        """Return the shape of the masses for `dof` degrees of freedom."""
        return {"inertia": (dof,)}
