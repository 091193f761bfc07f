"""The verdict: each rule finds the fault that is made for it, and a sound fit is left in peace."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from hnn_engine.debugging.evidence import Evidence, gather
from hnn_engine.debugging.report import KEYS, debug_lines, debug_report
from hnn_engine.debugging.verdict import CONSEQUENCES, RULES, verdict
from hnn_engine.experiment import Experiment, SystemSource, default_settings, model_spec, opened
from hnn_engine.fit_run import FitRun
from hnn_engine.records import Run
from hnn_engine.systems import get_system


def experiment(
    system: str,
    model: str = "hnn",
    recipe: str = "sampled",
    data: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
    network: Mapping[str, Any] | None = None,
) -> Experiment:
    base = opened(SystemSource(system, get_system(system).values))
    return replace(
        base,
        models=(model_spec(model, network or {}),),
        recipe=recipe,
        data={**base.data, **(data or {})},
        settings={**default_settings(recipe, base.scene), **(settings or {})},
    )


def fit(asked: Experiment) -> Run:
    made = FitRun(asked, asked.dataset())
    while made.end is None:
        made.advance()
    run = made.as_run(None)
    assert run is not None
    return run


@cache
def sound(system: str, model: str = "hnn") -> Run:
    return fit(experiment(system, model))


def found(run: Run) -> dict[str, Any]:
    return {one.rule: one for one in verdict(gather(run, run.experiment.dataset()))}


def start_at(run: Run, start: tuple[float, ...], **rollout: Any) -> Run:
    asked = run.experiment
    return replace(run, experiment=replace(asked, start=start, rollout=replace(asked.rollout, **rollout)))


def check(rules: Mapping[str, Any], cause: str) -> None:
    """The cause is found, and beside it nothing but what it may bring about."""
    assert cause in rules, rules
    others = set(rules) - {cause}
    assert others <= CONSEQUENCES[cause], others - CONSEQUENCES[cause]
    finding = rules[cause]
    assert finding.text
    assert finding.remedy
    assert all(isinstance(value, float) for value in finding.evidence.values())


def test_consequences_are_rules() -> None:
    assert set(CONSEQUENCES) == set(RULES)
    assert set().union(*CONSEQUENCES.values()) <= set(RULES)


@pytest.mark.parametrize("system", ["pendulum", "mass-spring", "henon-heiles", "duffing", "spring-pendulum"])
def test_a_sound_fit_is_left_in_peace(system: str) -> None:
    run = sound(system)
    clean = fit(replace(run.experiment, data={**run.experiment.data, "noise": 0.0}))
    fine = replace(
        clean, experiment=replace(clean.experiment, rollout=replace(clean.experiment.rollout, dt=0.01, horizon=10.0))
    )
    assert found(fine) == {}


MEASURED = {"states": "measured"}


def test_noise_that_is_taken_out_is_no_fault() -> None:
    assert found(start_at(fit(experiment("pendulum", data={"noise": 0.05})), (1.6, 0.0))) == {}


def test_a_loss_at_the_noise_floor() -> None:
    check(
        found(start_at(fit(experiment("pendulum", data={"noise": 0.1}, settings=MEASURED)), (1.6, 0.0))), "noise_floor"
    )


def test_a_start_outside_the_data() -> None:
    run = sound("pendulum")
    run = fit(replace(run.experiment, data={**run.experiment.data, "noise": 0.0}))
    rules = found(start_at(run, (2.9, 3.0)))
    check(rules, "start_outside_data")
    assert "outside_data" not in found(start_at(run, (0.7, 0.0)))


def test_a_drift_of_the_integrator() -> None:
    run = fit(experiment("pendulum", data={"noise": 0.0}))
    check(found(start_at(run, (1.6, 0.0), dt=0.4, integrator="rk4")), "integrator_drift")
    assert "integrator_drift" not in found(start_at(run, (1.6, 0.0), dt=0.02, integrator="rk4"))


def test_friction_that_no_h_can_hold() -> None:
    check(found(fit(experiment("damped-pendulum", "hnn", data={"noise": 0.0}))), "friction_in_hamiltonian")
    assert "friction_in_hamiltonian" not in found(fit(experiment("damped-pendulum", "dissipative-hnn")))


def test_a_field_that_is_not_hamiltonian() -> None:
    run = fit(experiment("pendulum", "baseline", "adam", {"noise": 0.0}, {"steps": 400}))
    rules = found(run)
    assert "not_hamiltonian" in rules
    assert set(rules) <= {"not_hamiltonian", "unfinished"} | CONSEQUENCES["unfinished"]


def test_momentum_that_is_not_kept() -> None:
    run = fit(experiment("two-body", "baseline", "sampled", network={"width": 60, "depth": 1}))
    rules = found(run)
    assert "momentum_lost" in rules


def test_a_phase_that_noise_changes() -> None:
    run = fit(experiment("pendulum", data={"noise": 0.2}, settings={"states": "measured"}))
    check(found(start_at(run, (1.9, 0.0), horizon=40.0, integrator="dop853")), "phase_noise")


def test_too_few_trajectories() -> None:
    run = fit(experiment("double-pendulum", data={"trajectories": 4, "points": 30}))
    check(found(run), "few_trajectories")


def test_saturated_units() -> None:
    run = fit(experiment("pendulum", "hnn", "adam", {"noise": 0.0}, {"steps": 30}))
    weights = {n: (w * 0 + np.float32(40) if n.startswith("b") else w) for n, w in run.snapshot.weights.items()}
    check(found(replace(run, snapshot=replace(run.snapshot, weights=weights))), "saturated")


def test_a_penalty_that_is_too_strong() -> None:
    run = fit(experiment("pendulum", "hnn", "sampled", {"noise": 0.0}, {"regularisation": "fixed", "ridge": 0.1}))
    check(found(start_at(run, (1.6, 0.0))), "over_regularised")


def test_a_fit_that_is_not_finished() -> None:
    run = fit(experiment("pendulum", "hnn", "adam", {"noise": 0.0}, {"steps": 60}))
    check(found(start_at(run, (1.6, 0.0))), "unfinished")


def test_what_chaos_forbids_to_say() -> None:
    run = sound("double-pendulum")
    rules = found(start_at(run, (2.2, -1.0, 0.0, 0.0), horizon=60.0, integrator="dop853"))
    assert "chaos" in rules


def test_rollouts_that_leave_the_data() -> None:
    run = fit(experiment("pendulum", "baseline", "adam", {"noise": 0.0}, {"steps": 100}))
    rules = found(run)
    assert "left_data" in rules
    assert 0 < rules["left_data"].evidence["share"] <= 1


def test_a_report_is_plain_and_says_it_in_words() -> None:
    run = sound("pendulum")
    report = debug_report(run, run.experiment.dataset())
    assert tuple(report) == KEYS
    assert report["symplecticity"]["model"]["flow"] < 1e-4
    assert report["phase_volume"]["truth"]["determinant"] == pytest.approx(1.0, abs=1e-5)
    assert abs(sum(report["lyapunov"]["truth"]["exponents"])) < 1e-5
    assert report["fixed_points"]["matches"]
    assert 0 <= report["ensemble"]["coverage"] <= 1
    assert any("Lyapunov" in line for line in debug_lines(report))
    assert isinstance(gather(run, run.experiment.dataset()), Evidence)
