"""What the screen shows of a rollout compared with the truth: energy drift, error, and a sentence that sums them up."""

import numpy as np

from hnn_engine.coords import Array, difference
from hnn_engine.number_format import percent
from hnn_engine.systems.base import System

KEPT = 0.05  # share of E: an energy that is off by more is not called kept


def energy_drift(system: System, coords: Array, truth: Array, t: Array | None = None) -> Array:
    """Return (H(x̂(t)) − H(x(0)))/E `(T,)` along `coords` `(T, 2*dof)`, H and E the true system's.

    Where H is not conserved (H(x̂(t), t) − H(x(t), t))/E, against the energy of `truth` `(T', 2*dof)` at that instant,
    NaN where it does not reach. E is `System.energy_scale` of the start. `t` `(T,)`: the times of the world in s, which
    a system that depends on time needs.
    """
    start = truth[0]
    scale = system.energy_scale(start)
    times = np.zeros(len(coords)) if t is None else t
    energy = system.at(times).hamiltonian(coords)
    if system.conserves:
        return (energy - system.hamiltonian(start)) / scale
    rows = min(len(coords), len(truth))
    out = np.full(len(coords), np.nan)
    out[:rows] = (energy[:rows] - system.at(times[:rows]).hamiltonian(truth[:rows])) / scale
    return out


def learned_drift(system: System, energy: Array, truth: Array) -> Array:
    """Return (Ĥ(x̂(t)) − Ĥ(x̂(0)))/E `(T,)` from a model's own `energy` Ĥ `(T,)` in J along its rollout, E the true
    system's.

    With friction less (H(x(t)) − H(x(0)))/E of `truth` `(T', 2*dof)`, NaN where it does not reach: what the model means
    to have lost against what truth has lost. So it adds up as `energy_drift` does, with Ĥ for H along the model's own
    path.
    """
    scale = system.energy_scale(truth[0])
    own: Array = (energy - energy[0]) / scale
    if not system.damped:
        return own
    rows = min(len(own), len(truth))
    out = np.full(len(own), np.nan)
    out[:rows] = own[:rows] - (system.hamiltonian(truth[:rows]) - system.hamiltonian(truth[0])) / scale
    return out


def relative_error(coords: Array, truth: Array, periodic: tuple[bool, ...]) -> Array:
    """Return ‖x̂ − x‖ / rms‖x‖ `(min(T, T'),)` of `coords` `(T, 2*dof)` and `truth` `(T', 2*dof)`, angles, as
    `periodic` `(2*dof,)` says, by their wrapped difference."""
    return separation(coords, truth, truth, periodic)


def separation(one: Array, other: Array, truth: Array, periodic: tuple[bool, ...]) -> Array:
    """Return the distance of the rollouts `one` and `other`, `(T, 2*dof)` and `(T', 2*dof)`, in units of rms‖x‖ of
    `truth`, `(min(T, T'),)`; else as `relative_error`."""
    rows = min(len(one), len(other))
    size = float(np.sqrt(np.mean(np.sum(truth**2, axis=-1))))
    gap = difference(one[:rows], other[:rows], periodic)
    apart: Array = np.sqrt(np.sum(gap**2, axis=-1)) / max(size, 1e-12)
    return apart


def verdict(title: str, drift: Array, damped: bool, ended: float) -> str:
    """Say in words how a model's energy fared, in shares of E: 'HNN keeps it to 0.02 %', 'Baseline lost 31 %'.

    `drift` `(T,)` is a share of E, as `energy_drift` returns it; `ended`, NaN where it did not diverge, is in s. Energy
    is kept where it never is off by more than `KEPT`.
    """
    if np.isfinite(ended):
        return f"{title} diverged after {ended:.3g} s"
    known = drift[np.isfinite(drift)]
    if not len(known):
        return ""
    worst, change = float(np.abs(known).max()), secular_change(known)
    if damped:
        return f"{title} is off by up to {percent(worst)}"
    if worst < 0.005 or abs(change) < 0.4 * worst:
        return f"{title} keeps it to {percent(worst)}" if worst <= KEPT else f"{title} swings by {percent(worst)}"
    return f"{title} {'gained' if change > 0 else 'lost'} {percent(abs(change))}"


def steered(title: str, t: Array, drift: Array, begin: float, end: float) -> str:
    """Say what climbing or descending H from `begin` to `end` in s did: 'HNN gained 48 %, then keeps it to 0.3 %'.

    `drift` `(T,)`, a share of E, at `t` `(T,)` in s: the change is that of its mean from before to after. Empty where
    it is not known before or after.
    """
    before, after = drift[t <= begin], drift[t >= end]
    if not len(before) or not len(after) or not np.isfinite(after).all():
        return ""
    change, swing = float(after.mean() - before.mean()), float(np.abs(after - after.mean()).max())
    held = f", then keeps it to {percent(swing)}" if swing <= KEPT else f", then swings by {percent(swing)}"
    return f"{title} {'gained' if change > 0 else 'lost'} {percent(abs(change))}{held}"


def secular_change(drift: Array) -> float:
    """Return how far `drift` `(T,)`, evenly sampled, goes from its first to its last sample, apart from what swings to
    and fro: its least-squares slope times its length, in the unit of `drift`."""
    t = np.arange(len(drift)) - (len(drift) - 1) / 2
    slope = float(t @ drift) / max(float(t @ t), 1e-300)
    return slope * max(len(drift) - 1, 0)
