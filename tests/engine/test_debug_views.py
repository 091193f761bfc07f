"""What the views of debugging show, on cases whose answer is known, and remedies that do what they say."""

import math
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from hnn_engine.coords import Array
from hnn_engine.data_edits import ADDED, NO_EDITS, Added, DataEdits
from hnn_engine.debugging.error_split import MethodCost
from hnn_engine.debugging.evidence import Evidence, field_evidence, gather, with_rollouts
from hnn_engine.debugging.field_error import HELD_OUT, TRUE_FIELD, data_energies, error_map, residual_map
from hnn_engine.debugging.remedies import Case, Remedy, remedies
from hnn_engine.debugging.verdict import RULES, Finding, verdict
from hnn_engine.debugging.views import (
    MethodsView,
    advised_row,
    conserved_view,
    ensemble_view,
    flow_view,
    growth_view,
    methods_view,
    rests_view,
    split_view,
)
from hnn_engine.errors import ExperimentError
from hnn_engine.experiment import (
    Experiment,
    checked,
    default_settings,
    from_json,
    model_spec,
    new_experiment,
    recording_experiment,
    to_json,
)
from hnn_engine.fit_run import FitRun
from hnn_engine.models import get_model
from hnn_engine.phase_portrait import PortraitSpec
from hnn_engine.recordings import read_shipped_recording
from hnn_engine.records import Run
from hnn_engine.rollouts.rollout import rollout
from hnn_engine.snapshot import Snapshot
from hnn_engine.systems import System


def asked(system: str, model: str = "hnn", recipe: str = "sampled", **data: object) -> Experiment:
    base = new_experiment(system)
    return checked(
        replace(
            base,
            models=(model_spec(model),),
            recipe=recipe,
            settings=default_settings(recipe, base.scene),
            data={**base.data, "noise": 0.0, **data},
        )
    )


def fit(experiment: Experiment) -> Run:
    made = FitRun(experiment, experiment.dataset())
    while made.end is None:
        made.advance()
    run = made.as_run(None)
    assert run is not None
    return run


@cache
def fitted(system: str, model: str = "hnn") -> Run:
    return fit(asked(system, model))


def seen(run: Run, **rollout_changes: object) -> Evidence:
    spec = replace(run.experiment.rollout, **rollout_changes)  # type: ignore[arg-type]
    moved = replace(run, experiment=replace(run.experiment, rollout=spec))
    return gather(moved, run.experiment.dataset())


def untrained(run: Run, model: str) -> Run:
    settings = {"width": 30, "depth": 1, "activation": "tanh"}
    weights = get_model(model).initial_weights(run.snapshot.dof, settings, np.random.default_rng(3))
    return replace(run, snapshot=Snapshot(model, run.snapshot.dof, settings, weights))


# Whose error it is ----------------------------------------------------------------------------------------------------


def test_the_parts_of_an_error_are_those_of_a_direct_computation() -> None:
    run = fitted("pendulum")
    view = split_view(seen(run, dt=0.2, horizon=10.0))
    assert view is not None
    system, start = run.experiment.system, np.array(run.experiment.start)
    assert system is not None
    truth = rollout(system, start, view.t, "dop853", tolerance=1e-12).coords
    exact = rollout(run.snapshot, start, view.t, "dop853", tolerance=1e-12).coords
    stepped = rollout(run.snapshot, start, view.t, "rk4").coords
    size = np.sqrt(np.mean(np.sum(truth**2, axis=-1)))
    for part, off in (
        (view.whole, stepped - truth),
        (view.by_model, exact - truth),
        (view.by_integrator, stepped - exact),
    ):
        np.testing.assert_allclose(part, np.linalg.norm(off, axis=-1) / size, atol=1e-6)
    assert (view.whole <= view.by_model + view.by_integrator + 1e-12).all()


@pytest.mark.parametrize(("dt", "whose"), [(0.5, "integrator's"), (0.005, "model's")])
def test_words_say_whose_error_it_is(dt: float, whose: str) -> None:
    run = untrained(fitted("mass-spring"), "hnn") if whose == "model's" else fitted("mass-spring")
    view = split_view(seen(run, dt=dt, horizon=20.0))
    assert view is not None
    assert f"The error is the {whose}" in view.words, view.words


def test_beyond_the_horizon_of_chaos_nothing_is_claimed() -> None:
    experiment = asked("double-pendulum", trajectories=10)
    run = fit(replace(experiment, start=(2.2, -1.0, 0.0, 0.0)))
    view = split_view(seen(run, horizon=60.0, dt=0.1))
    assert view is not None
    assert view.known < 60.0
    assert not view.claimed[-1]
    assert "nothing is claimed beyond" in view.words
    last = int(np.flatnonzero(view.claimed)[-1])
    assert view.largest(view.by_model) == pytest.approx(view.by_model[: last + 1].max())


def test_the_cheapest_good_enough_step_is_advised() -> None:
    rows = tuple(MethodCost("rk4", dt, 10 * dt**4, 4 / dt) for dt in (0.01, 0.1, 0.3))
    assert advised_row(rows, model_error=1.0) == 1  # 1e-3 is below a hundredth, 0.08 is not
    assert advised_row(rows, model_error=1e-6) == 0  # at the model's 1e-7 is asked no more than 1e-6
    assert advised_row(rows[2:], 1.0) is None
    view = methods_view(seen(fitted("pendulum"), horizon=5.0))
    assert view is not None
    assert {row.integrator for row in view.rows} >= {"rk4", "implicit-midpoint"}
    assert view.seconds == 5.0
    of_rk4 = sorted((row.dt, row.error) for row in view.rows if row.integrator == "rk4")
    assert of_rk4[0][1] < of_rk4[-1][1]


# What is kept ---------------------------------------------------------------------------------------------------------


def test_conserved_quantities_along_the_rollout() -> None:
    run = fit(asked("two-body", trajectories=40))
    view = conserved_view(seen(run, horizon=5.0))
    assert view is not None
    named = {one.name: one for one in view.quantities}
    assert {"H", "Ĥ", "Σ px", "Σ py", "L"} <= set(named)
    assert named["Ĥ"].own
    for name in ("H", "Σ px", "L"):
        assert np.abs(named[name].truth).max() < 1e-9 * max(named[name].scale, 1.0), name
    assert np.abs(named["Ĥ"].exact).max() < 1e-6, "an HNN conserves its own Ĥ"
    assert np.abs(named["H"].exact).max() > np.abs(named["Ĥ"].exact).max()
    assert named["H"].words.startswith("H changes by")


def test_a_rotation_has_determinant_one_and_a_baseline_is_not_symplectic() -> None:
    run = fitted("mass-spring")
    view = flow_view(seen(run, horizon=8.0))
    assert view.names == ("truth", "model")
    for determinant, defect in zip(view.determinant, view.defect, strict=True):
        assert determinant == pytest.approx(1.0, abs=1e-5)
        assert defect.max() < 1e-5
    assert "keeps phase volume" in view.words
    other = flow_view(field_evidence(untrained(run, "baseline"), run.experiment.dataset()))
    assert other.defect[-1].max() > 1e-2


def test_a_blob_keeps_its_area_where_volume_is_kept() -> None:
    run = fitted("mass-spring")
    evidence = seen(run, horizon=8.0)
    view = flow_view(evidence)
    for which in (0, 1):
        assert view.areas(which) == pytest.approx(1.0, abs=1e-4)
    assert view.outlines[0].shape == (len(view.outline_t), 48, 2)
    start = np.array(run.experiment.start)
    np.testing.assert_allclose(view.outlines[0][0].mean(axis=0), start, atol=1e-9)


def test_friction_shrinks_the_volume_of_truth() -> None:
    run = fitted("damped-pendulum")
    view = flow_view(seen(run, horizon=8.0))
    system = run.experiment.system
    assert system is not None
    rate = np.log(view.determinant[0][-1]) / view.t[0][-1]
    slopes = system.field(np.array([[0.3, 1.0], [0.3, 0.0]]))
    assert rate == pytest.approx(slopes[0, 1] - slopes[1, 1], rel=1e-4)  # −γ: friction is −γp
    assert view.determinant[1][-1] == pytest.approx(1.0, abs=1e-3), "an HNN cannot"


def test_exponents_of_regular_motion_are_told_as_such() -> None:
    view = growth_view(seen(fitted("mass-spring"), horizon=20.0))
    assert view is not None
    assert view.names == ("truth", "model")
    assert view.rates[0] is None
    assert "regular" in view.words
    for spectrum in view.spectra:
        assert abs(spectrum.exponents.sum()) < 1e-4


def test_states_of_rest_are_counted_within_the_data() -> None:
    run = fitted("pendulum")
    view = rests_view(seen(run, horizon=2.0))
    assert view is not None
    assert len(view.within) == len(view.points.model) >= 1
    assert "Truth rests at" in view.words
    same = replace(view, points=replace(view.points, model=view.points.truth, matches=((0, 0),)), within=(True,))
    if len(same.points.truth) == 1:
        assert same.words.endswith("the same, of the same kinds.")
    lost = replace(view, points=replace(view.points, model=(), matches=()), within=())
    assert f"{len(view.points.truth)} lost" in lost.words


def test_an_ensemble_of_the_same_model_agrees_with_itself() -> None:
    run = fitted("pendulum")
    evidence = seen(run, horizon=5.0)
    view = ensemble_view(evidence, [run.snapshot] * 3, (0, 1, 2))
    assert view.disagreement < 1e-12
    assert view.band.low == pytest.approx(view.band.high)
    apart = ensemble_view(
        evidence, [run.snapshot, untrained(run, "hnn").snapshot, untrained(run, "hnn").snapshot], (0, 1, 2)
    )
    assert apart.disagreement > 0.1
    assert "3 fits disagree" in apart.words


# Maps -----------------------------------------------------------------------------------------------------------------


def plane(experiment: Experiment) -> PortraitSpec:
    x, y = experiment.scene.coordinates[0], experiment.scene.coordinates[experiment.scene.dof]
    return PortraitSpec((0, experiment.scene.dof), (x.low, x.high), (y.low, y.high), experiment.start)


class Exact(Snapshot):
    """A model that is the true system."""

    def many(self, coords: Array) -> Array:
        return self.system.field(coords)

    @property
    def system(self) -> System:
        found = new_experiment("henon-heiles").system
        assert found is not None
        return found


def test_the_error_map_of_truth_itself_is_zero_and_hatched_outside_the_data() -> None:
    experiment = asked("henon-heiles")
    system, data = experiment.system, experiment.dataset()
    assert system is not None
    found = error_map(Exact("hnn", 2, {}, {}), system, data, plane(experiment))
    assert found.against == TRUE_FIELD
    assert np.abs(found.off).max() == 0.0
    low, high = data_energies(system, data)
    states = np.tile(np.array(experiment.start), (*found.at.shape[:2], 1))
    states[..., [0, 2]] = found.at
    energy = system.hamiltonian(states)
    np.testing.assert_array_equal(found.inside, (energy >= low) & (energy <= high))
    assert 0 < found.inside.mean() < 1
    assert found.beyond, "what is outside is ringed"


def test_components_of_the_error_map_add_up() -> None:
    run = fitted("pendulum")
    system = run.experiment.system
    assert system is not None
    found = error_map(run.snapshot, system, run.experiment.dataset(), plane(run.experiment))
    assert found.off.shape == (64, 64, 2)
    np.testing.assert_allclose(found.error, np.hypot(found.off[..., 0], found.off[..., 1]))
    np.testing.assert_allclose(found.relative() * found.size, found.error)


def test_without_truth_residuals_are_shown_where_there_are_rows() -> None:
    experiment = recording_experiment(read_shipped_recording())
    data = experiment.dataset()
    model = untrained(fitted("pendulum"), "hnn").snapshot
    low, high = data.coords.min(axis=0), data.coords.max(axis=0)
    spec = PortraitSpec((0, 1), (low[0], high[0]), (low[1], high[1]), experiment.start)
    found = residual_map(model, data, spec, experiment.scene.periodic)
    assert found.against == HELD_OUT
    assert 0 < found.inside.mean() < 1
    assert np.isnan(found.off[~found.inside]).all()
    tests = ~data.train
    off = model.many(data.coords[tests]) - data.dcoords[tests]
    assert np.nanmax(found.error) <= np.linalg.norm(off, axis=1).max() + 1e-9
    assert np.nanmax(found.error) > 0


# Evidence in two stages, and remedies ---------------------------------------------------------------------------------


def test_what_the_field_says_comes_before_rollouts_and_is_the_same() -> None:
    run = fitted("damped-pendulum")
    data = run.experiment.dataset()
    first = field_evidence(run, data)
    assert first.split is None
    assert "friction_in_hamiltonian" in {one.rule for one in verdict(first)}
    whole = with_rollouts(first)
    assert whole.split is not None
    assert whole.losses == first.losses == gather(run, data).losses


def finding(rule: str, **evidence: float) -> Finding:
    return Finding(rule, "text", "certain", evidence, "remedy")


def of(rule: str, experiment: Experiment, model: str = "hnn", methods: MethodsView | None = None) -> tuple[Remedy, ...]:
    data = experiment.dataset()
    return remedies(finding(rule, known=3.3), Case(experiment, model, data.coords[data.train], methods))


@pytest.mark.parametrize("rule", sorted(RULES))
@pytest.mark.parametrize("system", ["pendulum", "damped-pendulum", "double-pendulum"])
def test_every_remedy_is_an_experiment_that_can_be_run(rule: str, system: str) -> None:
    for model, recipe in (("hnn", "sampled"), ("baseline", "paper")):
        experiment = asked(system, model, recipe, trajectories=6)
        for one in of(rule, experiment, model):
            assert checked(one.experiment, experiment).models
            assert one.label
            assert one.goes_on or one.experiment != experiment


def test_remedies_do_what_they_say() -> None:
    pendulum = asked("pendulum", trajectories=20)
    assert of("noise_floor", pendulum)[0].experiment.recipe == "denoise"
    assert of("few_trajectories", pendulum)[0].experiment.data["trajectories"] == 40
    fixed = replace(pendulum, settings={**pendulum.settings, "regularisation": "fixed", "ridge": 0.1})
    assert of("over_regularised", fixed)[0].experiment.settings["regularisation"] == "data"
    (dissipative,) = of("friction_in_hamiltonian", asked("damped-pendulum"))
    assert [m.name for m in dissipative.experiment.models] == ["dissipative-hnn"]
    (hamiltonian,) = of("not_hamiltonian", asked("pendulum", "baseline"), "baseline")
    assert [m.name for m in hamiltonian.experiment.models] == ["hnn"]
    (shorter,) = of("chaos", pendulum)
    assert shorter.experiment.rollout.horizon == pytest.approx(3.2)
    assert not shorter.fits
    assert of("over_regularised", asked("pendulum", recipe="paper"))[0].experiment.settings["weight-decay"] == 0.0


def test_a_start_outside_is_moved_to_a_state_of_the_data() -> None:
    outside = replace(asked("pendulum"), start=(2.9, 3.0))
    system = outside.system
    assert system is not None
    found = [one for one in of("start_outside_data", outside) if not one.fits]
    low, high = data_energies(system, outside.dataset())
    assert low <= system.hamiltonian(np.array(found[-1].experiment.start)) <= high


def test_a_good_step_is_taken_from_the_table() -> None:
    experiment = asked("pendulum")
    spec = replace(experiment.rollout, dt=0.4)
    experiment = replace(experiment, rollout=spec)
    rows = (MethodCost("rk4", 0.1, 1e-5, 40.0), MethodCost("yoshida4", 0.20004, 1e-5, 30.0))
    table = MethodsView(rows, "rk4", 0.4, 1, 20.0)
    (one,) = of("integrator_drift", experiment, methods=table)
    assert (one.experiment.rollout.integrator, one.experiment.rollout.dt) == ("yoshida4", 0.2)
    (other,) = of("integrator_drift", experiment)
    assert other.experiment.rollout.dt == pytest.approx(0.05)


# True trajectories that join the data ---------------------------------------------------------------------------------


def test_added_trajectories_are_true_and_train() -> None:
    base = asked("henon-heiles", trajectories=4)
    edits = DataEdits().with_added(Added(((0.1, 0.0, 0.0, 0.1), (0.0, 0.2, 0.1, 0.0)), 21, 2.0, 0.0))
    data = replace(base, edits=edits).dataset()
    new = data.trajectory >= ADDED
    assert new.sum() == 42
    assert data.train[new].all()
    assert data.edited is None
    assert data.floor_train == pytest.approx(0.0, abs=1e-20)
    system = base.system
    assert system is not None
    direct = rollout(system, np.array([0.1, 0.0, 0.0, 0.1]), np.linspace(0, 2, 21), "dop853").coords
    np.testing.assert_allclose(data.coords[data.trajectory == ADDED], direct, atol=1e-9)
    np.testing.assert_allclose(data.dcoords[new], system.field(data.coords[new]), atol=1e-12)
    noisy = DataEdits().with_added(replace(edits.added[0], noise=0.1))
    rows = replace(base, edits=noisy).dataset()
    assert 0.05 < (rows.coords[new] - data.coords[new]).std() < 0.15
    assert rows.clean is not None
    np.testing.assert_allclose(rows.clean[new], data.coords[new])


def test_added_trajectories_survive_json_in_a_format_of_their_own() -> None:
    added = Added(((0.1, 0.2), (0.3, 0.0)), 5, 1.0, 0.1)
    experiment = replace(asked("pendulum"), edits=DataEdits().with_added(added))
    plain = to_json(experiment)
    assert plain["format"] == 7
    assert from_json(plain).edits.added == (added,)
    assert to_json(replace(experiment, edits=NO_EDITS))["format"] < 7


@pytest.mark.parametrize(
    "bad",
    [
        Added(((0.1, math.nan),), 5, 1.0, 0.0),
        Added(((0.1, 0.2, 0.3),), 5, 1.0, 0.0),
        Added(((0.1, 0.2),), 1, 1.0, 0.0),
        Added(((0.1, 0.2),), 5, -1.0, 0.0),
        Added(((0.1, 0.2),), 5, 1.0, 2.0),
        Added(((0.1, 0.2),) * 200, 2000, 1.0, 0.0),
    ],
)
def test_what_cannot_be_added_is_refused_in_a_sentence(bad: Added) -> None:
    with pytest.raises(ExperimentError) as refused:
        checked(replace(asked("pendulum"), edits=DataEdits().with_added(bad)))
    assert len(str(refused.value)) <= 300


def test_a_recording_has_no_true_trajectories() -> None:
    experiment = recording_experiment(read_shipped_recording())
    with pytest.raises(ExperimentError, match="no true trajectories"):
        checked(replace(experiment, edits=DataEdits().with_added(Added(((0.1, 0.2),), 5, 1.0, 0.0))))


def test_data_where_the_map_is_bad_mends_it_there() -> None:
    """The pendulum's data has a hole in its middle: true trajectories through it mend the field there."""
    before = fit(asked("pendulum", trajectories=6))
    system = before.experiment.system
    assert system is not None
    places = tuple((x, 0.0) for x in (0.2, 0.5, 0.8))
    healed = fit(replace(before.experiment, edits=DataEdits().with_added(Added(places, 45, 3.0, 0.0))))
    inside = np.random.default_rng(0).uniform(-0.5, 0.5, (200, 2))

    def off(run: Run) -> float:
        return float(np.sqrt(np.mean(np.square(run.snapshot.many(inside) - system.field(inside)))))

    assert off(healed) < 0.5 * off(before)
