"""The start that the pendulum opens with tells a baseline and an HNN apart, and is inside what they were trained on."""

from dataclasses import replace

import numpy as np
import pytest

from hnn_engine.experiment import default_settings, new_experiment
from hnn_engine.fit_run import FitRun
from hnn_engine.fixed_points import separatrix_energies
from hnn_engine.rollouts.energy_drift import energy_drift
from hnn_engine.rollouts.rollout import rollout

TIMES = np.linspace(0.0, 20.0, 501)


def test_it_is_inside_the_energies_of_the_data() -> None:
    experiment = new_experiment("pendulum")
    system, data = experiment.system, experiment.dataset()
    assert system is not None
    energy = float(system.hamiltonian(np.array(experiment.start)))
    known = system.hamiltonian(data.coords[data.train])
    assert np.quantile(known, 0.5) < energy < np.quantile(known, 0.9)
    (edge,) = separatrix_energies(system)
    assert 0.6 * edge < energy < edge


@pytest.mark.parametrize("recipe", ["sampled", "lbfgs"])
def test_the_baseline_drifts_further_than_the_hnn_in_twenty_seconds(recipe: str) -> None:
    opened = new_experiment("pendulum")
    experiment = replace(opened, recipe=recipe, settings=default_settings(recipe, opened.scene))
    system, data, drifts = experiment.system, experiment.dataset(), {}
    assert system is not None
    start = np.array(experiment.start)
    truth = system.exact(start, TIMES)
    assert truth is not None
    for spec in experiment.models:
        fit = FitRun(replace(experiment, models=(spec,)), data)
        while fit.end is None:
            fit.advance()
        assert fit.end.snapshot is not None
        coords = rollout(fit.end.snapshot, start, TIMES).coords
        drifts[spec.name] = float(np.abs(energy_drift(system, coords, truth)).max())
    assert drifts["baseline"] > 2 * drifts["hnn"]
    assert drifts["hnn"] < 0.02
