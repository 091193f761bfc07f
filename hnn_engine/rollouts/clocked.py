"""Flows that depend on time, followed as flows that do not: of (q, t, p, 1), see `coords.with_clock`.

Each method then has t at its own stages: an explicit Runge–Kutta method at t + cᵢ dt, the midpoint rule at t + dt/2. A
splitting kicks by −∂V/∂q at the t that it has come to, and drifts q and t together, which is the splitting of T(p) + pₜ
and V(q, t): as symplectic, and of the same order.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from hnn_engine.coords import Array, clock_of, with_clock, with_clock_rates, without_clock

__all__ = ["Clocked", "is_timed", "with_clock", "without_clock"]


def is_timed(flow: object) -> bool:
    """Whether the law of a flow depends on time: then it has `at(t)`, itself at the times t."""
    return bool(getattr(flow, "timed", False))


@dataclass(frozen=True, eq=False)
class Clocked:
    """A flow that depends on time as a flow of (q, t, p, 1)."""

    flow: Any

    @property
    def why_not_separable(self) -> str:
        """Why methods for H = T(p) + V(q, t) do not apply; empty where they do."""
        reason: str = self.flow.why_not_separable
        return reason

    def field(self, coords: Array) -> Array:
        """Return the rate `(..., 2*dof + 2)`, a second, at `coords` (q, t, p, 1) `(..., 2*dof + 2)`."""
        rates = self.flow.at(clock_of(coords)).field(without_clock(coords))
        return with_clock_rates(np.asarray(rates), getattr(self.flow, "pace", 1.0))
