"""The baseline: a perceptron that gives the time derivative directly."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.models.base import CLOCK, Model, Settings
from hnn_engine.models.networks import Network, Term, values
from hnn_engine.scene import Scene


class Baseline(Model):
    """dx/dt = MLP(x), or MLP(x, t) where the law depends on time. It knows nothing of energy. Source: Greydanus et al.
    2019, section 3."""

    name: ClassVar[str] = "baseline"
    title: ClassVar[str] = "Baseline"
    summary: ClassVar[str] = "A plain network that outputs the time derivative directly; it conserves no energy."
    sees_time: ClassVar[bool] = True
    why_not_separable: ClassVar[str] = "the baseline has no H"

    def terms(self, settings: Settings, dof: int) -> tuple[Term, ...]:
        """Return the one term of the field: the outputs of MLP(q, p), into all of d(coords)/dt; where time is a
        coordinate, those of MLP(q, t, p), into all but the rates of time and its momentum."""
        if not settings.get(CLOCK):
            return (values(Network("", slice(None), 2 * dof)),)
        into = tuple((k + (k >= dof - 1), 1.0) for k in range(2 * dof - 2))
        return (Term(Network("", slice(0, 2 * dof - 1), 2 * dof - 2), None, into),)

    def inverse_mass(self, weights: Mapping[str, Any]) -> Any | None:
        """Return M⁻¹ `(dof,)` with which dt/dt is 1, its momentum, where time is a coordinate; else None."""
        return weights.get(CLOCK)

    def known(self, scene: Scene) -> dict[str, Array]:
        """Return that M⁻¹, as `CLOCK`, where the law of `scene` depends on time."""
        return {CLOCK: np.eye(scene.dof + 1)[-1]} if scene.timed else {}

    def known_shapes(self, dof: int, settings: Settings | None = None) -> dict[str, tuple[int, ...]]:
        """Return the shape of that M⁻¹."""
        return {CLOCK: (dof,)} if (settings or {}).get(CLOCK) else {}
