"""A snapshot: a fitted field frozen in numpy weights. Safe in any thread; no torch.

Evaluated in float64, whatever the weights were trained in. Compiled loops are used where they are loaded.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from hnn_engine.compiled import loops
from hnn_engine.coords import Array
from hnn_engine.models import get_model
from hnn_engine.parameters import Value

EXPLICIT = frozenset({"rk4", "stormer-verlet", "yoshida4"})  # a rounding error is no more than that to them
_SMALL = 4  # up to so many states at once the compiled field beats numpy's


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The field of `model` with frozen `weights` (name -> array) for `dof` degrees of freedom."""

    model: str
    dof: int
    settings: Mapping[str, Value]
    weights: dict[str, Array] = field(repr=False)

    @property
    def why_not_separable(self) -> str:
        """Why methods for H = T(p) + V(q) do not apply; empty where they do."""
        return get_model(self.model).why_not_separable

    @property
    def has_energy(self) -> bool:
        """Whether the model has an H of its own."""
        return get_model(self.model).has_energy

    @cached_property
    def _wide(self) -> dict[str, Array]:
        return {name: np.asarray(w, dtype=np.float64) for name, w in self.weights.items()}

    @cached_property
    def _narrow(self) -> dict[str, Any]:
        return {name: np.asarray(w, dtype=np.float32) for name, w in self.weights.items()}

    @cached_property
    def _packed(self) -> Any:
        kernels, kind = loops(), get_model(self.model).kernel
        assert kernels is not None
        assert kind is not None
        return kernels.pack(kind, str(self.settings["activation"]), self.weights)

    @property
    def _kernels(self) -> Any | None:
        """The compiled loops, where they are loaded and follow this model."""
        return loops() if get_model(self.model).kernel is not None else None

    def forget(self) -> None:
        """Let go of what was made from the weights for speed, five times their size; it is made anew when needed."""
        for name in ("_wide", "_narrow", "_packed"):
            vars(self).pop(name, None)

    def field(self, coords: Array) -> Array:
        """Return d(coords)/dt `(..., 2*dof)` in float64."""
        kernels = self._kernels
        if kernels is not None and coords.size <= _SMALL * 2 * self.dof:
            flat = coords.reshape(-1, 2 * self.dof)
            small: Array = kernels.evaluate(kernels.learned(self._packed), flat).reshape(coords.shape)
            return small
        result: Array = get_model(self.model).field(np, self._wide, self.settings, coords)
        return result

    def single(self, coords: Array) -> Array:
        """Return the field evaluated in float32, as the paper's code does, widened to float64."""
        value = get_model(self.model).field(np, self._narrow, self.settings, coords.astype(np.float32))
        return np.asarray(value, dtype=np.float64)

    def hamiltonian(self, coords: Array) -> Array | None:
        """Return the learned H `(...)` in float64, or None where the model has none."""
        value: Array | None = get_model(self.model).hamiltonian(np, self._wide, self.settings, coords)
        return value

    def gradient(self, coords: Array) -> Array | None:
        """Return ∇Ĥ of the learned H `(..., 2*dof)` in float64, or None where the model has none."""
        if not self.has_energy:
            return None
        flow, dof = self.field(coords), self.dof
        return np.concatenate([-flow[..., dof:], flow[..., :dof]], axis=-1)

    def compiled(self, integrator: str, turn: int = 0, swift: bool = False) -> Any | None:
        """Return the flow that compiled loops follow, turned as `integrators.Turn` says; None without loops (yet)."""
        kernels = self._kernels
        return kernels.learned(self._packed, turn, swift) if kernels is not None else None


@dataclass(frozen=True, eq=False)
class Swift:
    """A snapshot followed in single precision where compiled loops can: about six digits in half the time.

    For a rollout that is shown for a moment, under a moving hand or while the weights still change. What would take
    rounding for an error of its own (adaptive steps, iterations to 10⁻¹²) is done in double precision all the same.
    """

    snapshot: Snapshot

    @property
    def why_not_separable(self) -> str:
        """Why methods for H = T(p) + V(q) do not apply; empty where they do."""
        return self.snapshot.why_not_separable

    def field(self, coords: Array) -> Array:
        """Return d(coords)/dt `(..., 2*dof)` in float64."""
        return self.snapshot.field(coords)

    def gradient(self, coords: Array) -> Array | None:
        """Return ∇Ĥ of the learned H `(..., 2*dof)` in float64, or None where the model has none."""
        return self.snapshot.gradient(coords)

    def compiled(self, integrator: str, turn: int = 0) -> Any | None:
        """Return the flow that compiled loops follow, turned as `integrators.Turn` says; None without loops (yet)."""
        return self.snapshot.compiled(integrator, turn, swift=integrator in EXPLICIT)
