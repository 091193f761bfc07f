"""What would help against what a verdict finds, as the experiment that does it: one change, to be made or undone."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.debugging.verdict import Finding
from hnn_engine.debugging.views import MethodsView, tidy_step
from hnn_engine.experiment import Experiment, ModelSpec, default_settings, model_spec
from hnn_engine.fitting import get_recipe
from hnn_engine.integrators import get_integrator
from hnn_engine.models import get_model
from hnn_engine.number_format import number
from hnn_engine.systems.base import System

MORE = 2.0  # times as many trajectories
MOST_TRAJECTORIES = 20_000
FINER = 8.0  # times finer, where no table says which step would do


@dataclass(frozen=True)
class Remedy:
    """What a button does: its `label`, the `experiment` as it is afterwards, and whether a fit follows, at the weights
    that are there where it `goes_on`."""

    label: str
    experiment: Experiment
    fits: bool = True
    goes_on: bool = False


@dataclass(frozen=True, eq=False)
class Case:
    """What remedies start from: the `experiment` on screen, the name of the run's `model`, the `states` `(N, 2*dof)`
    that it was trained on, and the table of methods where there is one."""

    experiment: Experiment
    model: str
    states: Array
    methods: MethodsView | None = None


Maker = Callable[[Case, Finding], list[Remedy]]


def remedies(finding: Finding, case: Case) -> tuple[Remedy, ...]:
    """Return what the program can do about `finding`, the most promising first; empty where it can do nothing."""
    made = _MAKERS.get(finding.rule)
    found = made(case, finding) if made is not None else []
    return tuple(one for one in found if one.experiment != case.experiment or one.goes_on)


def _by_recipe(case: Case, recipe: str, label: str) -> list[Remedy]:
    now = case.experiment
    if any(get_recipe(recipe).why_not(spec.name) for spec in now.models):
        return []
    return [Remedy(label, replace(now, recipe=recipe, settings=default_settings(recipe, now.scene)))]


def _denoised(case: Case, finding: Finding) -> list[Remedy]:
    return [*_by_recipe(case, "denoise", "Fit by Denoise"), *_more_data(case, finding)]


def _more_data(case: Case, finding: Finding) -> list[Remedy]:
    now = case.experiment
    if "trajectories" not in now.data:
        return []
    count = min(math.ceil(MORE * float(now.data["trajectories"])), MOST_TRAJECTORIES)
    return [Remedy(f"Fit on {count} trajectories", replace(now, data={**now.data, "trajectories": count}))]


def _fresh(case: Case, finding: Finding) -> list[Remedy]:
    return _by_recipe(case, "sampled", "Fit by the closed form")


def _less_regularised(case: Case, finding: Finding) -> list[Remedy]:
    now = case.experiment
    if "regularisation" in now.settings:
        chosen = {**now.settings, "regularisation": "data"}
        return [Remedy("Fit with the ridge that the data chooses", replace(now, settings=chosen))]
    if "weight-decay" in now.settings:
        return [Remedy("Fit without weight decay", replace(now, settings={**now.settings, "weight-decay": 0.0}))]
    return []


def _finished(case: Case, finding: Finding) -> list[Remedy]:
    go_on = Remedy("Go on from these weights", case.experiment, goes_on=True)
    return [*_by_recipe(case, "lbfgs", "Fit by L-BFGS"), go_on]


def _in_place_of(case: Case, family: str, label: str) -> list[Remedy]:
    """Fit `family` in place of the model that is at fault, with networks of the same size."""
    now = case.experiment
    if get_model(family).why_not(now.scene):
        return []
    old = next((spec for spec in now.models if spec.name == case.model), now.models[0])
    network = {name: old.settings[name] for name in ("width", "depth", "activation") if name in old.settings}
    kept = tuple(spec for spec in now.models if spec.name not in (case.model, family))
    models: tuple[ModelSpec, ...] = (*kept, model_spec(family, network))
    if get_recipe(now.recipe).why_not(family):
        return []
    return [Remedy(label, replace(now, models=models))]


def _with_friction(case: Case, finding: Finding) -> list[Remedy]:
    return _in_place_of(case, "dissipative-hnn", "Fit a dissipative HNN")


def _hamiltonian(case: Case, finding: Finding) -> list[Remedy]:
    return [] if get_model(case.model).has_energy else _in_place_of(case, "hnn", "Fit an HNN")


def _reaching_further(case: Case, finding: Finding) -> list[Remedy]:
    return _hamiltonian(case, finding) or _more_data(case, finding)


def _start_within(case: Case, finding: Finding) -> list[Remedy]:
    """Start at the training state that is nearest to the start, in spreads of the coordinates; or have data there."""
    now, system = case.experiment, case.experiment.system
    found = []
    if system is not None and "energy-to" in now.data and now.data.get("starts") == "energies":
        high = 1.05 * float(system.hamiltonian(np.array(now.start)))
        if high > float(now.data["energy-to"]):
            found.append(
                Remedy(f"Fit on starts up to {number(high, 'J')}", replace(now, data={**now.data, "energy-to": high}))
            )
    nearest = _nearest(case, system)
    if nearest is not None:
        found.append(Remedy("Start within the data", replace(now, start=nearest), fits=False))
    return found


def _nearest(case: Case, system: System | None) -> tuple[float, ...] | None:
    if not len(case.states):
        return None
    states, start = case.states, np.array(case.experiment.start)
    if system is not None:  # noise carries some of the states beyond the energies of the others
        energy = system.hamiltonian(states)
        middle = np.abs(energy - np.median(energy))
        states = states[middle <= np.quantile(middle, 0.8)]
    spread = np.maximum(case.states.std(axis=0), 1e-12)
    apart = np.square((states - start) / spread).sum(axis=-1)
    return tuple(float(x) for x in states[int(np.argmin(apart))])


def _finer(case: Case, finding: Finding) -> list[Remedy]:
    """Take the step that the table of methods advises, or one that is `FINER`."""
    spec, table = case.experiment.rollout, case.methods
    if table is not None and table.advised is not None and (table.integrator, table.dt) == (spec.integrator, spec.dt):
        row = table.rows[table.advised]
        new = replace(spec, integrator=row.integrator, dt=tidy_step(row.dt))
    else:
        new = replace(spec, dt=tidy_step(spec.dt / FINER))
    label = f"Follow by {get_integrator(new.integrator).title} in steps of {number(new.dt, 's')}"
    return [Remedy(label, replace(case.experiment, rollout=new), fits=False)]


def _as_long_as_known(case: Case, finding: Finding) -> list[Remedy]:
    spec, known = case.experiment.rollout, finding.evidence["known"]
    horizon = float(f"{0.98 * known:.2g}")
    if not 0.1 <= horizon < spec.horizon:
        return []
    label = f"Follow for {number(horizon, 's')}"
    return [Remedy(label, replace(case.experiment, rollout=replace(spec, horizon=horizon)), fits=False)]


_MAKERS: dict[str, Maker] = {
    "noise_floor": _denoised,
    "phase_noise": _denoised,
    "few_trajectories": _more_data,
    "momentum_lost": _more_data,
    "saturated": _fresh,
    "over_regularised": _less_regularised,
    "unfinished": _finished,
    "friction_in_hamiltonian": _with_friction,
    "not_hamiltonian": _hamiltonian,
    "left_data": _reaching_further,
    "start_outside_data": _start_within,
    "integrator_drift": _finer,
    "chaos": _as_long_as_known,
}
