"""Steered rollouts: left alone, lifted or lowered along ∇H for a while, or reversed in time.

The paper adds and removes energy by following the gradient of the learned H between two spells of its symplectic
field, and goes back in time by following the field the other way. Source: Greydanus et al. 2019, section 6 and the
abstract.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.integrators import Flow, FlowDirection
from hnn_engine.rollouts.rollout import DirectedFlow, Rollout, rollout

GRADIENT_METHOD = "dop853"  # along ∇H: dx/dt = ±∇H is no Hamiltonian field, so the methods for those do not apply


@dataclass(frozen=True)
class SteeringInfo:
    """A way of steering: `direction` is how the flow is followed from the instant on."""

    name: str
    title: str
    summary: str
    direction: FlowDirection


STEERINGS: dict[str, SteeringInfo] = {
    info.name: info
    for info in (
        SteeringInfo("none", "None", "Every rollout follows its field throughout.", FlowDirection.FORWARD),
        SteeringInfo(
            "pump", "Add energy", "For a set time every rollout follows dx/dt = +∇H of its own H.", FlowDirection.UPHILL
        ),
        SteeringInfo(
            "drain", "Remove energy", "For a while every rollout descends its H: dx/dt = −∇H.", FlowDirection.DOWNHILL
        ),
        SteeringInfo("reverse", "Reverse time", "From an instant on, every rollout goes back.", FlowDirection.BACKWARD),
    )
}


@dataclass(frozen=True)
class Steering:
    """What is done to the rollouts: `kind` names a row of `STEERINGS`, `at` is when in s, `span` for how long in s.

    Time stays reversed: a reversed rollout ends where it began, at 2·`at`.
    """

    kind: str = "none"
    at: float = 5.0
    span: float = 0.5

    def segments(self, end: float) -> tuple["Segment", ...]:
        """Return the segments from 0 to `end` in s, those of no length left out."""
        begin, back = self.interval(end)
        direction = STEERINGS[self.kind].direction
        parts = (
            Segment(0.0, begin, FlowDirection.FORWARD),
            Segment(begin, back, direction),
            Segment(back, end, FlowDirection.FORWARD),
        )
        return tuple(part for part in parts if part.end > part.begin)

    def interval(self, end: float) -> tuple[float, float]:
        """Return from when to when rollouts of length `end` are not left alone, in s; (`end`, `end`) where never."""
        direction = STEERINGS[self.kind].direction
        begin = min(self.at, end) if direction != FlowDirection.FORWARD else end
        return begin, end if direction == FlowDirection.BACKWARD else min(begin + self.span, end)


LEFT_ALONE = Steering()


@dataclass(frozen=True)
class Segment:
    """A part of a rollout in s, and which way the flow is followed in it."""

    begin: float
    end: float
    direction: FlowDirection


@runtime_checkable
class Climbable(Protocol):
    """A flow that may have an H to climb."""

    def gradient(self, coords: Array) -> Array | None:
        """Return ∇H `(..., 2*dof)`, or None where there is no H."""


def can_climb(flow: Flow, start: Array) -> bool:
    """Whether `flow` has an H whose gradient can be followed from `start` `(2*dof,)`."""
    return isinstance(flow, Climbable) and flow.gradient(start) is not None


def follow(
    flow: Flow,
    start: Array,
    times: Array,
    integrator: str,
    steering: Steering,
    *,
    tolerance: float = 1e-12,
    interrupt: Callable[[], bool] | None = None,
) -> Rollout:
    """Follow `flow` from `start` `(2*dof,)` to each of the rising `times` `(T,)` in s, which begin at 0, as steered.

    Segments begin and end at their own instants, on the grid of `times` or off it. Along ∇H the method is
    `GRADIENT_METHOD`, whatever `integrator` says. A flow without an H is left alone, and the note says so. What
    diverges is NaN. Raises `IntegratorError` where the method does not apply to the flow, `UnknownNameError`. Source:
    Greydanus et al. 2019, section 6.
    """

    def one(segment: Segment, x: Array, at: Array) -> Rollout:
        climbs = segment.direction in (FlowDirection.UPHILL, FlowDirection.DOWNHILL)
        directed = flow if segment.direction == FlowDirection.FORWARD else DirectedFlow(flow, segment.direction)
        method = GRADIENT_METHOD if climbs else integrator
        return rollout(directed, x, at, method, tolerance=tolerance, interrupt=interrupt)

    if steering.kind in ("pump", "drain") and not can_climb(flow, start):
        alone = rollout(flow, start, times, integrator, tolerance=tolerance, interrupt=interrupt)
        return alone if alone.note else Rollout(alone.t, alone.coords, alone.ended, "no H: not steered")
    return join_segments(steering.segments(float(times[-1])), start, times, one)


def join_segments(
    segments: tuple[Segment, ...], start: Array, times: Array, one: Callable[[Segment, Array, Array], Rollout]
) -> Rollout:
    """Join the rollouts of `segments`: `one(segment, x, at)` follows a segment from x to the instants `at`, its begin
    first.

    `start`: `(2*dof,)`; `times`: `(T,)` in s, rising from 0, to the end of the last segment.
    """
    if len(segments) == 1:
        return one(segments[0], start, times)
    coords, x = np.full((len(times), len(start)), np.nan), start
    coords[0] = start
    for segment in segments:
        inside = (times > segment.begin) & (times <= segment.end)
        part = one(segment, x, np.unique(np.concatenate([[segment.begin], times[inside], [segment.end]])))
        coords[inside] = part.coords[1:][np.isin(part.t[1:], times[inside])]
        x = part.coords[-1]
        if not np.isfinite(x).all():
            return Rollout(times, coords, part.ended, part.note)
    return Rollout(times, coords, np.array(np.nan))


def gap_after_return(rollout: Rollout, steering: Steering) -> float | None:
    """Return ‖x(t) − x(2·at − t)‖ / rms‖x‖ at the end of a reversed rollout; None where it was not reversed.

    It is how far from where it was, on its way out, a rollout is after its way back: 0 for a perfect return. NaN where
    it ended before. Both ways are compared at the same instant of the world.
    """
    end = float(rollout.t[-1])
    if steering.kind != "reverse" or end <= steering.at:
        return None
    mirrored = 2 * steering.at - end
    then = np.array([np.interp(mirrored, rollout.t, column) for column in rollout.coords.T])
    size = float(np.sqrt(np.mean(np.sum(rollout.coords**2, axis=-1))))
    return float(np.linalg.norm(rollout.coords[-1] - then)) / max(size, 1e-12)
