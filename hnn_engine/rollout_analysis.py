"""What is computed of the rollouts of an experiment: drift by a true, a stated or a learned H, recorded curves, truth
by collocation, and truth as a model encodes it. States are `coords = cat(q, p)` in SI units, times are in s."""

from collections.abc import Callable, Iterable

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.experiment import Experiment
from hnn_engine.frames.frame_pairs import camera_of, pairs_at
from hnn_engine.frames.frozen_autoencoder import FrozenAutoencoder
from hnn_engine.phase_portrait import States
from hnn_engine.rollouts.clocked import Clocked, with_clock, without_clock
from hnn_engine.rollouts.collocation import collocate
from hnn_engine.rollouts.energy_drift import learned_drift
from hnn_engine.rollouts.rollout import DirectedFlow, Rollout
from hnn_engine.rollouts.steering import Segment, Steering, join_segments
from hnn_engine.snapshot import Snapshot
from hnn_engine.systems import System


def collocated_truth(
    system: System,
    start: Array,
    times: Array,
    steering: Steering,
    tolerance: float,
    interrupt: Callable[[], bool] | None = None,
) -> Rollout:
    """Return the rollout of `system` by spectral collocation, segment by segment of `steering`.

    `start`: `(2*dof,)`; `times`: `(T,)` s, rising from 0; `tolerance`: relative, of the collocation. It needs numpy
    alone, so it serves where the compiled reference integrator is not loaded yet. `interrupt` ends it early. What
    diverges is NaN, and no error. Source: see `rollouts.collocation`.
    """

    def one(segment: Segment, x: Array, at: Array) -> Rollout:
        flow: DirectedFlow | Clocked = DirectedFlow(system, segment.direction)
        if system.timed:
            flow, x = Clocked(flow), with_clock(x, at[0])
        coords = collocate(flow.field, x, at, tolerance, interrupt)
        return Rollout(at, without_clock(coords) if system.timed else coords, np.array(np.nan))

    return join_segments(steering.segments(float(times[-1])), start, times, one)


def encoded_truth(experiment: Experiment, coords: Array, autoencoder: FrozenAutoencoder) -> Array | None:
    """Return the latents `(T, 2)` that an encoder gives for the frames along truth's `coords` `(T, 2*dof)`.

    Frames are rendered for a system. For a recording they are those from the start's row on; where none is a step
    later, as behind the last of them, latents are NaN. None where there are no frames of the size that `autoencoder`
    takes.
    """
    system = experiment.moving
    if system is not None:
        return autoencoder.encode(pairs_at(system, camera_of(experiment.data, autoencoder.size), coords))
    recording, row = experiment.recording, recorded_row(experiment) or 0
    if recording is None or recording.frames is None or recording.frame_size != autoencoder.size:
        return None
    after = recording.frame_steps.after[row : row + len(coords)]
    paired = np.flatnonzero(after >= 0)
    z = np.full((len(coords), 2), np.nan)
    z[paired] = autoencoder.encode(np.stack([recording.frames[row + paired], recording.frames[after[paired]]], axis=1))
    return z


def states_as_seen(experiment: Experiment, states: States, autoencoder: FrozenAutoencoder) -> States | None:
    """Return `states` with pairs of frames `(m, 2, size, size)` of the size that `autoencoder` takes.

    Where the data has frames of another size, they are rendered anew for a system; a recording has no others: None.
    """
    if states.pairs is None or states.pairs.shape[-1] == autoencoder.size:
        return states
    system = experiment.moving
    if system is None:
        return None
    return States(states.coords, pairs_at(system, camera_of(experiment.data, autoencoder.size), states.coords))


def states_at(times: Array, t: Array, coords: Array) -> Array:
    """Return the states `(N, 2*dof)` at `times` `(N,)` in s of a rollout `coords` `(T, 2*dof)` at `t` `(T,)` in s,
    linear in between."""
    return np.stack([np.interp(times, t, coords[:, i]) for i in range(coords.shape[1])], axis=-1)


def matching_truth(coords: Array, truth: Array) -> Array:
    """Return the rows of `truth` `(T, 2*dof)` at the instants of `coords` `(T, 2*dof)` or `(T/2, 2*dof)`, which has
    either all of them or every second one, as the rollout of a model that still trains does."""
    return truth[:: 2 if len(coords) < len(truth) else 1]


def energy_scale(experiment: Experiment) -> float:
    """Return E of the start in J, by the true H, or in the unit of a recording's stated reference; NaN where neither is
    known. E = max(H(x₀) − min H, floor), see `System.energy_scale`."""
    known = experiment.system if experiment.recording is None else experiment.recording.reference
    return known.energy_scale(np.array(experiment.start)) if known is not None else float("nan")


def own_drift(experiment: Experiment, snapshot: Snapshot, coords: Array, truth: Array | None) -> Array:
    """Return (Ĥ(x̂(t)) − Ĥ(x̂(0)))/E `(T,)` along a model's rollout `coords` `(T, 2*dof)`, by its own Ĥ.

    E is `energy_scale`. `truth`: the true rollout `(T', 2*dof)`, needed for a system, where friction is accounted for
    as in `learned_drift`. Empty where the model has no Ĥ or E is not known.
    """
    system, scale = experiment.system, energy_scale(experiment)
    with np.errstate(over="ignore", invalid="ignore"):
        energy = snapshot.hamiltonian(coords) if np.isfinite(scale) else None
        if energy is None:
            return np.empty(0)
        if system is None:
            own: Array = (energy - energy[0]) / scale
            return own
        assert truth is not None
        return learned_drift(system, energy, matching_truth(coords, truth))


def gentle_span(system: System, start: Array, coords: Array) -> float:
    """Return E/(4‖∇H(x)‖²) in s, rounded to two figures: dx/dt = ∇H raises H by about a quarter of E in that time.

    `start` `(2*dof,)` gives E, `coords` `(2*dof,)` is where ∇H is taken. Kept between 0.01 and 10 s.
    """
    slope = max(float(np.sum(system.gradient(coords) ** 2)), 1e-9)
    return float(f"{min(max(0.25 * system.energy_scale(start) / slope, 0.01), 10.0):.2g}")


# Recordings -----------------------------------------------------------------------------------------------------------


def recorded_row(experiment: Experiment) -> int | None:
    """Return the index of the recorded row that the start is on, or None where the start is no recorded state."""
    recording = experiment.recording
    assert recording is not None
    return recording.row_at(np.array(experiment.start))


def recorded_curve(experiment: Experiment) -> tuple[Array, Array]:
    """Return times `(T,)` in s from 0 and states `(T, 2)` as measured, from the start's row (or the first) to the
    horizon or the end of the trial."""
    recording = experiment.recording
    assert recording is not None
    row = recorded_row(experiment) or 0
    last = int(np.searchsorted(recording.trial, recording.trial[row], side="right"))
    t = recording.t[row:last] - recording.t[row]
    inside = t <= experiment.rollout.horizon + 1e-9
    return t[inside], recording.coords[row:last][inside]


def reference_drift(experiment: Experiment, coords: Array) -> Array:
    """Return (H(x(t)) − H(x(0)))/E `(T,)` along `coords` `(T, 2)`, with H and E as the recording states them."""
    recording, start = experiment.recording, np.array(experiment.start)
    assert recording is not None
    reference = recording.reference
    assert reference is not None
    return (reference.hamiltonian(coords) - reference.hamiltonian(start)) / reference.energy_scale(start)


def recorded_drift(experiment: Experiment, snapshot: Snapshot, coords: Array) -> Array:
    """Return (Ĥ(x(t)) − Ĥ(x(0)))/Ê `(T,)` along `coords` `(T, 2)` by the Ĥ that `snapshot` has learned.

    Ê = Ĥ(x(0)) − min Ĥ over the recorded states, at least a hundredth of the range of Ĥ there. Only for a model with
    an energy.
    """
    recording = experiment.recording
    assert recording is not None
    along, first, recorded = (snapshot.hamiltonian(x) for x in (coords, np.array(experiment.start), recording.coords))
    assert along is not None
    assert first is not None
    assert recorded is not None
    return (along - first) / max(float(first - recorded.min()), 0.01 * float(np.ptp(recorded)), 1e-12)


def energy_model(snapshots: Iterable[Snapshot]) -> Snapshot | None:
    """Return the first of `snapshots` with an H, one whose H is unique before one with friction whose H is not."""
    able = [snapshot for snapshot in snapshots if snapshot.has_energy]
    return min(able, key=lambda s: s.dissipates and not s.split_unique, default=None)
