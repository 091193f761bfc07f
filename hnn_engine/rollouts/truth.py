"""Truth: a system's own motion, as accurately as double precision gives it, and until when it is known.

Where the motion has a closed form (`System.solved`), that is truth. Elsewhere it is DOP853 at a tolerance of 10⁻¹³ a
step, whose error adds up along the way: slowly where motion is regular, exponentially where it is chaotic. There a
second rollout at 10⁻¹² parts from the first one, and what comes after that is one of many motions that double
precision cannot tell apart.
"""

import math
from collections.abc import Callable

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.integrators import FlowDirection, get_integrator
from hnn_engine.number_format import power_of_ten
from hnn_engine.rollouts.rollout import DirectedFlow, Rollout, rollout, trim_diverged
from hnn_engine.rollouts.steering import GRADIENT_METHOD, Segment, Steering, join_segments
from hnn_engine.systems.base import System

TOLERANCE = 1e-13  # of a step, relative and absolute; double precision gives no less
COARSER = 1e-12  # of the rollout that truth is compared with
PIXELS = 500  # across the larger side of the scene as it opens
HAIR = 1e-4  # by which the first coordinate of a second start differs, in that coordinate's unit

Interrupt = Callable[[], bool] | None


def follow_truth(
    system: System,
    start: Array,
    times: Array,
    integrator: str,
    steering: Steering,
    *,
    tolerance: float = TOLERANCE,
    interrupt: Interrupt = None,
) -> Rollout:
    """Follow `system` from `start` `(2*dof,)` to the rising `times` `(T,)` in s, which begin at 0, as steered.

    By an adaptive `integrator` a motion with a closed form is taken from that; along ±∇H there is none, and the method
    is `GRADIENT_METHOD` at `tolerance`. Raises `IntegratorError` where the method does not apply.
    """
    closed = get_integrator(integrator).adaptive and system.solved

    def one(segment: Segment, x: Array, at: Array) -> Rollout:
        if closed and segment.direction in (FlowDirection.FORWARD, FlowDirection.BACKWARD):
            sign = 1.0 if segment.direction == FlowDirection.FORWARD else -1.0
            with np.errstate(over="ignore", invalid="ignore"):
                coords = system.exact(x, sign * (at - at[0]))
            if coords is not None:
                coords[0] = x  # which the closed form gives to a rounding only
                return trim_diverged(at, coords, integrator)
        climbs = segment.direction in (FlowDirection.UPHILL, FlowDirection.DOWNHILL)
        flow = system if segment.direction == FlowDirection.FORWARD else DirectedFlow(system, segment.direction)
        method = GRADIENT_METHOD if climbs else integrator
        return rollout(flow, x, at, method, tolerance=tolerance, interrupt=interrupt)

    return join_segments(steering.segments(float(times[-1])), start, times, one)


def known_until(
    system: System, start: Array, truth: Rollout, integrator: str, steering: Steering, interrupt: Interrupt = None
) -> float:
    """Return until when in s `truth`, the rollout that `follow_truth` gives for the rest, is known to a pixel.

    That is the last of its times before a body of the same rollout at `COARSER` is more than a pixel away, or only one
    of the two goes on; a pixel is a `PIXELS`-th of the larger side of the scene as it opens. Infinity where they never
    part; NaN where `interrupt` ended the work, and for a method of fixed steps, whose error is that of its step.
    """
    at_once = known_at_once(system, start, integrator, steering)
    if at_once is not None:
        return at_once
    other = follow_truth(system, start, truth.t, integrator, steering, tolerance=COARSER, interrupt=interrupt)
    if interrupt is not None and interrupt():
        return float("nan")
    return parting_time(system, truth.t, truth.coords, other.coords)


def known_at_once(system: System, start: Array, integrator: str, steering: Steering) -> float | None:
    """Return what `known_until` gives without a second rollout: infinity for a closed form, NaN for a method of fixed
    steps; None where it takes one."""
    if not get_integrator(integrator).adaptive:
        return float("nan")
    closed = system.solved and steering.kind in ("none", "reverse")
    return float("inf") if closed and system.exact(start, np.zeros(1)) is not None else None


def parting_time(system: System, t: Array, one: Array, other: Array) -> float:
    """Return the last of the times `t` `(T,)` at which all bodies of two rollouts, `(T, 2*dof)` each, are within a
    pixel of each other; infinity where they are so at all times at which either goes on."""
    dof = system.dof
    with np.errstate(invalid="ignore"):
        gaps = np.linalg.norm(system.positions(one[:, :dof]) - system.positions(other[:, :dof]), axis=-1).max(axis=-1)
        apart = gaps > pixel(system)
    lost = [~np.isfinite(coords).all(axis=-1) for coords in (one, other)]
    apart |= lost[0] != lost[1]
    return float(t[max(int(np.argmax(apart)) - 1, 0)]) if apart.any() else float("inf")


def pixel(system: System) -> float:
    """Return the size of a pixel in m: a `PIXELS`-th of the larger side of the scene as it opens."""
    left, right, bottom, top = system.bounds
    return max(right - left, top - bottom) / PIXELS


def moved_start(start: Array) -> Array:
    """Return a start `(2*dof,)` a hair from `start`: its first coordinate is larger by `HAIR`."""
    moved = np.array(start, dtype=np.float64)
    moved[0] += HAIR
    return moved


def how_long_known(known: float) -> str:
    """Say that truth is known for `known` s, and what is wrong with what comes after."""
    return (
        f"Truth is known for {known:.3g} s: from there on its rollouts at the tolerances {_power(TOLERANCE)} and "
        f"{_power(COARSER)} are more than a pixel (1/{PIXELS} of the scene) apart, it is one of many possible motions, "
        "and a distance from it is no error."
    )


def _power(value: float) -> str:
    return power_of_ten(round(math.log10(value)))


HAIR_TEXT = _power(HAIR)
