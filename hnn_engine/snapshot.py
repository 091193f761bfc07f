"""A snapshot: a fitted field frozen in numpy weights. Safe in any thread; no torch.

Evaluated in float64, whatever the weights were trained in. Compiled loops are used where they are loaded.
"""

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from hnn_engine.coords import Array, with_clock, without_clock
from hnn_engine.frames.frozen_autoencoder import FrozenAutoencoder
from hnn_engine.integrators import FlowDirection
from hnn_engine.kernels.cache import loops
from hnn_engine.models import Model, get_model, sum_of_terms
from hnn_engine.models.base import CLOCK
from hnn_engine.models.networks import Network, Term
from hnn_engine.parameters import Value

_CLIMBS = (FlowDirection.UPHILL, FlowDirection.DOWNHILL)
_SMALL = 4  # up to so many states at once the compiled field beats numpy's


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The field of `model` with frozen `weights` (name -> array) for `dof` degrees of freedom.

    d(coords)/dt = J∇H + `friction`·(the part added to it), for a model that has such a part; coords are `(..., 2*dof)`,
    in the units of the data, times in s. A model of frames has an `autoencoder`, whose latents its `coords` are an
    affine image of. What sees time is a field of (q, t, p, 1), see `coords.with_clock`: it is asked at the times `now`.
    """

    model: str
    dof: int
    settings: Mapping[str, Value]
    weights: dict[str, Array] = field(repr=False)
    friction: float = 1.0
    autoencoder: FrozenAutoencoder | None = None
    now: Array | float = field(default=0.0, repr=False)  # s, see `at`
    float32: ClassVar[bool] = False  # whether explicit methods follow it in single precision

    @property
    def timed(self) -> bool:
        """Whether the field depends on time."""
        return bool(self.settings.get(CLOCK))

    def at(self, t: Array | float) -> "Snapshot":
        """Return the field at the times t `(...)` in s of the states that it is asked about; itself where it does not
        depend on time."""
        if not self.timed:
            return self
        _ = self._wide, self._layout if loops() is not None else None  # made once, for all instants
        other = copy(self)
        object.__setattr__(other, "now", t)
        return other

    @property
    def _width(self) -> int:
        """Degrees of freedom of the networks."""
        return self.dof + self.timed

    @property
    def _model(self) -> Model:
        return get_model(self.model)

    @property
    def why_not_separable(self) -> str:
        """Why methods for H = T(p) + V(q) do not apply; empty where they do."""
        return self._model.why_not_separable

    @property
    def has_energy(self) -> bool:
        """Whether the model has an H of its own."""
        return self._model.has_energy

    @property
    def dissipates(self) -> bool:
        """Whether the field has a part that is added to J∇H, which `with_friction` scales."""
        return self._model.dissipates

    @property
    def split_unique(self) -> bool:
        """Whether the two parts are determined by the field; else scaling one is no change of friction alone."""
        return self._model.split_unique(self.settings)

    def with_friction(self, scale: float) -> "Snapshot":
        """Return the same weights, what is added to J∇H multiplied by `scale`; itself where nothing changes."""
        return replace(self, friction=float(scale)) if self.dissipates and scale != self.friction else self

    @cached_property
    def _wide(self) -> dict[str, Array]:
        return {name: np.asarray(w, dtype=np.float64) for name, w in self.weights.items()}

    @cached_property
    def _narrow(self) -> dict[str, Any]:
        return {name: np.asarray(w, dtype=np.float32) for name, w in self.weights.items()}

    @cached_property
    def _layout(self) -> Any:
        return self._laid_out(self._terms, self._model.inverse_mass(self.weights))

    @cached_property
    def _conservative_layout(self) -> Any:
        """What is J∇H of `_layout`."""
        return self._laid_out([term for term in self._terms if term.energy])

    def weight_layout(self, direction: int = FlowDirection.FORWARD) -> Any:
        """Return the weights as compiled loops read them, of J∇H alone where ±∇H is followed. Only where the loops are
        loaded."""
        return self._conservative_layout if direction in _CLIMBS else self._layout

    @property
    def networks(self) -> tuple[Network, ...]:
        """The networks that the weights are of."""
        return self._model.networks(self.settings, self._width)

    @cached_property
    def _terms(self) -> tuple[Term, ...]:
        return self._model.terms(self.settings, self._width)

    def _evaluated(self, weights: dict[str, Any], coords: Array) -> Any:
        """Return d(coords)/dt in the precision of `weights` and `coords`."""
        activation, inverse_mass = str(self.settings["activation"]), self._model.inverse_mass(weights)
        return sum_of_terms.field(np, self._terms, weights, activation, coords, self.friction, inverse_mass)

    def _laid_out(self, terms: Sequence[Term], inverse_mass: Array | None = None) -> Any:
        kernels, activation = loops(), str(self.settings["activation"])
        assert kernels is not None
        return kernels.weight_layout(activation, terms, self.weights, self._width, self.friction, inverse_mass)

    def forget(self) -> None:
        """Free what was made from the weights for speed, five times their size; it is made anew when needed."""
        for name in ("_wide", "_narrow", "_terms", "_layout", "_conservative_layout"):
            vars(self).pop(name, None)

    def field(self, coords: Array) -> Array:
        """Return d(coords)/dt `(..., 2*dof)` at `coords` `(..., 2*dof)` in float64, a second."""
        return without_clock(self._field(with_clock(coords, self.now))) if self.timed else self._field(coords)

    def _field(self, coords: Array) -> Array:
        kernels, width = loops(), 2 * self._width
        if kernels is not None and coords.size <= _SMALL * width:
            flat = coords.reshape(-1, width)
            small: Array = kernels.evaluate(kernels.network_flow(self._layout), flat).reshape(coords.shape)
            return small
        result: Array = self._evaluated(self._wide, coords)
        return result

    def many(self, coords: Array) -> Array:
        """Return d(coords)/dt at many states `(N, 2*dof)` in float64, by a compiled loop where it is loaded."""
        kernels = loops()
        if kernels is None or len(coords) < 2:
            return self.field(coords)
        flow = kernels.batched_network_flow(self._layout, len(coords))
        seen = with_clock(coords, self.now) if self.timed else coords
        laid: Array = kernels.evaluate(flow, seen.T.ravel()[None])
        rates = laid.reshape(seen.shape[::-1]).T
        return without_clock(rates) if self.timed else rates

    def single(self, coords: Array) -> Array:
        """Return d(coords)/dt `(..., 2*dof)` at `coords` `(..., 2*dof)`, evaluated in float32, as the paper's code
        does, and widened to float64."""
        return np.asarray(self._evaluated(self._narrow, coords.astype(np.float32)), dtype=np.float64)

    def hamiltonian(self, coords: Array) -> Array | None:
        """Return the learned H `(...)` at `coords` `(..., 2*dof)` in float64, determined up to a constant, or None
        where the model has none."""
        value: Array | None = self._model.hamiltonian(np, self._wide, self.settings, coords)
        return value

    def gradient(self, coords: Array) -> Array | None:
        """Return ∇H `(..., 2*dof)` of the learned H at `coords` `(..., 2*dof)` in float64, or None where the model has
        none."""
        value: Array | None = self._model.grad_hamiltonian(np, self._wide, self.settings, coords)
        return value


@dataclass(frozen=True, eq=False)
class Float32Snapshot:
    """A snapshot followed in single precision where compiled loops can: about six digits in half the time.

    For a rollout that is shown for a moment, during a drag or while the weights still change. What would take
    rounding for an error of its own (adaptive steps, iterations to 10⁻¹²) is done in double precision all the same.
    """

    snapshot: Snapshot
    float32: ClassVar[bool] = True

    @property
    def why_not_separable(self) -> str:
        """Why methods for H = T(p) + V(q) do not apply; empty where they do."""
        return self.snapshot.why_not_separable

    @property
    def timed(self) -> bool:
        """Whether the field depends on time."""
        return self.snapshot.timed

    def at(self, t: Array | float) -> "Float32Snapshot":
        """Return it at the times t `(...)` in s, as `Snapshot.at`."""
        return Float32Snapshot(self.snapshot.at(t))

    def field(self, coords: Array) -> Array:
        """Return d(coords)/dt `(..., 2*dof)` at `coords` `(..., 2*dof)` in float64, a second."""
        return self.snapshot.field(coords)

    def gradient(self, coords: Array) -> Array | None:
        """Return ∇Ĥ of the learned H `(..., 2*dof)` at `coords` `(..., 2*dof)` in float64, or None where the model has
        none."""
        return self.snapshot.gradient(coords)

    def weight_layout(self, direction: int = FlowDirection.FORWARD) -> Any:
        """Return the weights as compiled loops read them, as `Snapshot.weight_layout` does."""
        return self.snapshot.weight_layout(direction)
