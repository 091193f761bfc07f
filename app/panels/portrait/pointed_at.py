"""What is known of a point of the plane: its coordinates, and there the fields and energies of truth and the models,
how far these are off, and where the nearest training state is."""

from collections.abc import Sequence

import numpy as np

from app.model.rollout_messages import ShownModel
from hnn_engine.coords import Array, difference
from hnn_engine.experiment import Experiment
from hnn_engine.number_format import number, percent
from hnn_engine.phase_portrait import true_energy

MOST_STATES = 2000  # training states of which the nearest is looked for
MOST = 6  # models that are read out: the field of one takes a part of a millisecond

Line = tuple[str, str]  # a role or '', and words


def lines_at(
    experiment: Experiment,
    axes: tuple[int, int],
    at: tuple[float, float],
    models: Sequence[ShownModel],
    states: Array | None = None,
    time: float = 0.0,
) -> list[Line]:
    """Return what to say of the state at `at` on the plane through the start, whose coordinates are `axes`.

    First the coordinates, then of truth and of each model the components of its field along the axes and its energy: H
    and Ĥ + c, with c such that both are the same at the start; of a model also ‖f̂ − f‖ in shares of rms ‖f‖ over the
    training `states` `(n, 2*dof)`. Last how far the nearest of these is. Of a recording there is no true field, and H
    is its reference's. `time`: of the world in s, for what depends on it.
    """
    with np.errstate(all="ignore"):  # two bodies may be at one point there
        return _lines_at(experiment, axes, at, models, states, time)


def _lines_at(
    experiment: Experiment,
    axes: tuple[int, int],
    at: tuple[float, float],
    models: Sequence[ShownModel],
    states: Array | None,
    time: float,
) -> list[Line]:
    system, start = experiment.moving, np.array(experiment.start)
    system = system.at(time) if system is not None else None
    scene = system if system is not None else experiment.scene
    state = start.copy()
    state[list(axes)] = at
    named = [scene.coordinates[axis] for axis in axes]
    lines: list[Line] = [
        ("", "   ".join(f"{c.symbol} {number(x, c.unit)}" for c, x in zip(named, at, strict=True))),
    ]
    rates = [_rate(c.symbol) for c in named]
    energy = true_energy(scene, np.stack([state, start]))
    known, size = None, float("nan")
    some = states[:: max(1, len(states) // MOST_STATES)] if states is not None and len(states) else None
    if system is not None:
        known = system.field(state)
        if some is not None:
            size = float(np.sqrt(np.nanmean(np.square(system.field(some)).sum(axis=-1))))
        lines.append(("truth", _words("Truth", rates, known[list(axes)], "H", energy)))
    elif energy is not None:
        lines.append(("truth", _words("Reference", [], np.empty(0), "H", energy)))
    for model in models[:MOST]:
        snapshot = model.snapshot.with_friction(experiment.rollout.friction).at(time)
        if snapshot.autoencoder is not None:
            continue
        own = snapshot.hamiltonian(np.stack([state, start]))
        if own is not None and energy is not None:
            own = own - own[1] + energy[1]
        field = snapshot.field(state[None])[0]
        words = _words(model.title, rates, field[list(axes)], "Ĥ", own)
        if known is not None and np.isfinite(size):
            words += f"   off by {percent(float(np.linalg.norm(field - known)) / size)}"
        lines.append((model.role, words))
    return [*lines, *_nearest(state, some, scene.periodic)]


def _nearest(state: Array, states: Array | None, periodic: tuple[bool, ...]) -> list[Line]:
    """Say how far the nearest of `states` is, in standard deviations of each coordinate over them."""
    if states is None:
        return []
    spread = np.maximum(states.std(axis=0), 1e-12)
    apart = np.sqrt(np.square(difference(states, state, periodic) / spread).sum(axis=-1))
    return [("data", f"Nearest data {number(float(np.nanmin(apart)), digits=2)} σ away")]


def _rate(symbol: str) -> str:
    return f"d{symbol}/dt"


def _words(name: str, rates: Sequence[str], field: Array, symbol: str, energy: Array | None) -> str:
    parts = [name]
    parts += [f"{rate} {number(float(x))}" for rate, x in zip(rates, field, strict=True)]
    if energy is not None and np.isfinite(energy[0]):
        parts.append(f"{symbol} {number(float(energy[0]))}")
    return "   ".join(parts)
