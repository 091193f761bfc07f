"""What is known of a point of the plane: its coordinates, and there the fields and energies of truth and the models."""

from collections.abc import Sequence

import numpy as np

from app.model.rollout_messages import ShownModel
from hnn_engine.coords import Array
from hnn_engine.experiment import Experiment
from hnn_engine.number_format import number
from hnn_engine.phase_portrait import true_energy

MOST = 6  # models that are read out: the field of one takes a part of a millisecond

Line = tuple[str, str]  # a role or '', and words


def lines_at(
    experiment: Experiment, axes: tuple[int, int], at: tuple[float, float], models: Sequence[ShownModel], time: float
) -> list[Line]:
    """Return what to say of the state at `at` on the plane through the start, whose coordinates are `axes`.

    First the coordinates, then of truth and of each model the components of its field along the axes and its energy: H
    and Ĥ + c, with c such that both are the same at the start. Of a recording there is no true field, and H is its
    reference's. `time`: of the world in s, for what depends on it.
    """
    with np.errstate(all="ignore"):  # two bodies may be at one point there
        return _lines_at(experiment, axes, at, models, time)


def _lines_at(
    experiment: Experiment, axes: tuple[int, int], at: tuple[float, float], models: Sequence[ShownModel], time: float
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
    if system is not None:
        lines.append(("truth", _words("Truth", rates, system.field(state)[list(axes)], "H", energy)))
    elif energy is not None:
        lines.append(("truth", _words("Reference", [], np.empty(0), "H", energy)))
    for model in models[:MOST]:
        snapshot = model.snapshot.with_friction(experiment.rollout.friction).at(time)
        if snapshot.autoencoder is not None:
            continue
        own = snapshot.hamiltonian(np.stack([state, start]))
        if own is not None and energy is not None:
            own = own - own[1] + energy[1]
        field = snapshot.field(state[None])[0, list(axes)]
        lines.append((model.role, _words(model.title, rates, field, "Ĥ", own)))
    return lines


def _rate(symbol: str) -> str:
    return f"d{symbol}/dt"


def _words(name: str, rates: Sequence[str], field: Array, symbol: str, energy: Array | None) -> str:
    parts = [name]
    parts += [f"{rate} {number(float(x))}" for rate, x in zip(rates, field, strict=True)]
    if energy is not None and np.isfinite(energy[0]):
        parts.append(f"{symbol} {number(float(energy[0]))}")
    return "   ".join(parts)
