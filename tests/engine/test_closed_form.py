"""The recipe `sampled` on states: a field linear in its last layers, ridge regression, states freed from noise."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hnn_engine import evaluation
from hnn_engine.coords import Array
from hnn_engine.datasets import Dataset
from hnn_engine.evaluation import evaluate
from hnn_engine.experiment import Experiment, carried_recipe, default_settings, model_spec, new_experiment
from hnn_engine.fit_run import FitRun
from hnn_engine.fitting import RECIPES
from hnn_engine.fitting.events import Cancelled, Evaluated, Event, Failed, Finished, FitTask, Progress, Started
from hnn_engine.fitting.random_features import states
from hnn_engine.fitting.random_features.hidden_layers import halved_layer, hidden_layers
from hnn_engine.fitting.random_features.linear_field import LinearField, drawn_field
from hnn_engine.fitting.random_features.ridge_regression import Normal, ridge_solve
from hnn_engine.fitting.random_features.states import Problem, SampledFieldFit, data_loss, loss_rows
from hnn_engine.fitting.trajectories import drawn_together, integral, segments
from hnn_engine.kernels import cache as kernel_cache
from hnn_engine.models import MODELS
from hnn_engine.models.mlp import ACTIVATIONS
from hnn_engine.parameters import Value
from hnn_engine.snapshot import Snapshot
from tests.fields import FIELD_IDS, FIELDS


@pytest.fixture(autouse=True)
def quick_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the paper's own energy figure out, which takes seconds and is not asked for here."""
    monkeypatch.setattr(evaluation, "paper_energy_mse", lambda *_: None)


BY_FAMILY = pytest.mark.parametrize(("model", "variant"), FIELDS, ids=FIELD_IDS)


def experiment(
    system: str = "pendulum", model: str = "hnn", noise: float = 0.1, seed: int = 0, **settings: Value
) -> Experiment:
    base = new_experiment(system)
    spec = model_spec(model, {"width": 40, "depth": 1, **settings})
    chosen = default_settings("sampled", base.system)
    return replace(
        base, data={**base.data, "noise": noise}, models=(spec,), recipe="sampled", settings=chosen, seed=seed
    )


def task_of(made: Experiment, data: Dataset | None = None) -> FitTask:
    return made.task(made.models[0], made.dataset() if data is None else data)


def field_of(
    model: str, variant: dict[str, Value], dof: int, depth: int = 2, halved: bool = False
) -> tuple[LinearField, Array]:
    """Return the linear field of a family, and some states."""
    rng = np.random.default_rng(dof)
    x = rng.standard_normal((30, 2 * dof))
    data = Dataset(x, x, np.arange(30.0), np.zeros(30, np.int64), np.ones(30, dtype=bool))
    known = {n: rng.uniform(0.5, 2.0, shape) for n, shape in MODELS[model].known_shapes(dof).items()}
    bound = model_spec(model, {"width": 7, "depth": depth, "activation": "silu", **variant}).settings
    return drawn_field(FitTask(model, bound, data, {}, 0, known), x, rng, halved), x


def run(fit: SampledFieldFit) -> list[Event]:
    return list(fit.events())


# The field as a linear function -------------------------------------------------------------------------------------


@BY_FAMILY
@pytest.mark.parametrize("dof", [1, 3])
@pytest.mark.parametrize("depth", [1, 2])
def test_every_family_s_field_is_its_features_times_its_last_layers(
    model: str, variant: dict[str, Value], dof: int, depth: int
) -> None:
    field, x = field_of(model, variant, dof, depth)
    theta = np.random.default_rng(1).standard_normal(field.size)
    expected = field.snapshot(theta).field(x)
    np.testing.assert_allclose(field.given(x) + field.features(x) @ theta, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("activation", list(ACTIVATIONS))
@pytest.mark.parametrize(("depth", "halved"), [(1, False), (1, True), (2, False)])
def test_features_are_the_same_with_compiled_loops_and_without(
    activation: str, depth: int, halved: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = np.random.default_rng(0).standard_normal((150, 4))  # more than a block of the loops, and no whole number
    rng = np.random.default_rng(1)
    hidden = halved_layer(x, 9, activation, rng, 0.6, 0.7) if halved else hidden_layers(x, (9, depth), activation, rng)
    counts, into = np.random.default_rng(2).uniform(0.5, 2.0, (150, 3)), [(0, 2, 1.5), (1, 0, -1.0), (1, 2, 0.5)]

    def made() -> tuple[Array, Array]:
        out = np.ones((150, 3, 12))
        hidden.add_gradients(x, hidden.all_parts()[0], into, counts, 2, out)
        return hidden.values(x), out

    assert kernel_cache.load()
    fast = made()
    monkeypatch.setattr(kernel_cache, "_loops", None)
    for quick, plain in zip(fast, made(), strict=True):
        np.testing.assert_allclose(quick, plain, rtol=0, atol=1e-13)


@BY_FAMILY
def test_groups_share_no_unknown_and_leave_none_out(model: str, variant: dict[str, Value]) -> None:
    field, x = field_of(model, variant, 2)
    groups, features = field.groups, field.features(x)
    columns = [group.places.ravel() for group in groups]
    assert sorted(np.concatenate(columns)) == list(range(field.size))
    for group, own in zip(groups, columns, strict=True):
        others = np.setdiff1d(np.arange(field.size), own)
        assert not features[:, group.components][:, :, others].any()
        if group.shared:
            for component, at in zip(group.components, group.places, strict=True):
                np.testing.assert_array_equal(features[:, component, at], field.shared_features(x))
        else:
            counts = np.random.default_rng(2).uniform(0.5, 2.0, x.shape)
            expected = (features * counts[..., None])[:, group.components][:, :, group.places[0]]
            np.testing.assert_allclose(field.rows(group, x, counts), expected, rtol=1e-13)


def test_a_separable_h_falls_apart_into_two_problems_and_a_baseline_into_one_of_many_targets() -> None:
    assert [g.components for g in field_of("separable-hnn", {}, 2)[0].groups] == [(0, 1), (2, 3)]
    (shared,) = field_of("baseline", {}, 2)[0].groups
    assert shared.shared
    assert shared.components == (0, 1, 2, 3)


@BY_FAMILY
@pytest.mark.parametrize("dof", [1, 3])
def test_with_halves_the_field_is_its_features_times_its_last_layers_too(
    model: str, variant: dict[str, Value], dof: int
) -> None:
    field, x = field_of(model, variant, dof, depth=1, halved=True)
    theta = np.random.default_rng(1).standard_normal(field.size)
    expected = field.snapshot(theta).field(x)
    np.testing.assert_allclose(field.given(x) + field.features(x) @ theta, expected, rtol=1e-12, atol=1e-12)
    counts = np.random.default_rng(2).uniform(0.5, 2.0, x.shape)
    for group in field.groups:
        if not group.shared:
            wanted = (field.features(x) * counts[..., None])[:, group.components][:, :, group.places[0]]
            np.testing.assert_allclose(field.rows(group, x, counts), wanted, rtol=1e-12, atol=1e-14)


def test_halves_of_an_h_are_two_problems() -> None:
    groups = field_of("hnn", {}, 2, depth=1, halved=True)[0].groups
    assert [g.components for g in groups] == [(2, 3), (0, 1)]
    assert [g.places.shape for g in groups] == [(1, 5), (1, 2)]
    np.testing.assert_array_equal(np.sort(np.concatenate([g.places[0] for g in groups])), np.arange(7))


@pytest.mark.parametrize(("system", "halved"), [("pendulum", False), ("two-body", True), ("double-pendulum", False)])
@pytest.mark.parametrize("model", ["hnn", "baseline"])
def test_small_fits_tell_whether_halves_will_do(system: str, model: str, halved: bool) -> None:
    made = few_orbits(system, model)
    assert Problem(task_of(made)).halved is halved
    for choice, wanted in (("all", False), ("halves", True)):
        forced = replace(made, settings={**made.settings, "units": choice})
        assert Problem(task_of(forced)).halved is wanted


def test_where_there_are_steps_to_come_small_fits_tell_on_one_degree_of_freedom_too() -> None:
    made = experiment()
    made = replace(made, recipe="denoise", settings=default_settings("denoise", made.scene))
    assert Problem(task_of(made)).halved


def test_two_layers_see_all_coordinates() -> None:
    made = experiment(depth=2)
    assert not Problem(task_of(made)).halved


def few_orbits(system: str, model: str) -> Experiment:
    made = experiment(system, model, noise=0.0, width=40 if system == "pendulum" else 200)
    return replace(made, data={**made.data, "trajectories": 80, "points": 50})


def test_units_are_zero_between_their_pair_and_change_over_its_distance() -> None:
    x = np.array([[0.0, 0.0], [100.0, 1.0]])
    (w, b), *_ = hidden_layers(x, (50, 1), "tanh", np.random.default_rng(0), slope=0.5).layers
    ends = x @ w + b
    told_apart = np.abs(ends[1] - ends[0])
    assert np.isclose(told_apart, 0.5).sum() + np.isclose(told_apart, 0.0).sum() == 50
    crossing = told_apart > 0.1
    assert crossing.sum() > 10
    assert (ends[0, crossing] * ends[1, crossing] <= 0).all()


# Ridge regression -----------------------------------------------------------------------------------------------------


def problem(noise: float, rows: int = 400, columns: int = 12) -> tuple[Array, Array, Array]:
    rng = np.random.default_rng(0)
    features = rng.standard_normal((rows, columns)) * np.geomspace(1.0, 1e-3, columns)
    w = rng.standard_normal((columns, 2))
    return features, features @ w + noise * rng.standard_normal((rows, 2)), w


def test_without_noise_the_weights_are_found() -> None:
    features, targets, w = problem(0.0)
    np.testing.assert_allclose(ridge_solve(features, targets, None), w, rtol=1e-3)
    np.testing.assert_allclose(ridge_solve(features, targets, 1e-14), w, rtol=1e-3)


def test_blocks_give_what_all_rows_at_once_give() -> None:
    features, targets, _ = problem(0.1)
    blocks = Normal.empty(12, 2)
    for part in np.array_split(np.arange(400), 7):
        blocks.add(features[part], targets[part])
    np.testing.assert_allclose(blocks.solved(1e-6)[0], ridge_solve(features, targets, 1e-6), rtol=1e-9)
    assert blocks.rows == 400


def test_more_noise_asks_for_more_ridge_and_predicts_better_by_it() -> None:
    chosen, gains = [], []
    for noise in (0.0, 0.03, 3.0):
        features, targets, w = problem(noise, rows=40)
        normal = Normal.empty(12, 2)
        normal.add(features, targets)
        found, ridge = normal.solved()
        plain, _ = normal.solved(1e-13)
        chosen.append(ridge)
        gains.append(np.square(features @ (plain - w)).sum() / max(np.square(features @ (found - w)).sum(), 1e-20))
    assert chosen[0] < chosen[1] < chosen[2]
    assert gains[2] > 1.1


# States freed from noise ----------------------------------------------------------------------------------------------


def test_the_integral_is_exact_for_cubics_and_of_fourth_order() -> None:
    t = np.linspace(0.0, 1.0, 9)
    rates = np.column_stack([np.ones_like(t), t, t**2, t**3])
    expected = np.column_stack([t, t**2 / 2, t**3 / 3, t**4 / 4])
    np.testing.assert_allclose(integral(rates, t[1]), expected, atol=1e-14)
    errors = []
    for points in (21, 41):
        t = np.linspace(0.0, 2.0, points)
        errors.append(np.abs(integral(np.cos(t)[:, None], t[1])[:, 0] - np.sin(t)).max())
    assert 3.7 < np.log2(errors[0] / errors[1]) < 4.6


def test_states_drawn_together_have_the_noise_of_a_mean() -> None:
    data = experiment("mass-spring").dataset()
    assert data.clean is not None
    rows = np.flatnonzero(data.train)
    together = drawn_together(data, rows)
    assert together is not None
    before, after = (np.square(x - data.clean[rows]).mean() ** 0.5 for x in (data.coords[rows], together))
    assert after == pytest.approx(before / 30**0.5, rel=0.25)


@pytest.mark.parametrize(
    "spoilt",
    [
        lambda data: replace(data, clean=None),  # as a recording: its derivatives come from the states
        lambda data: replace(data, coords=data.clean),  # nothing but the integral's own error is left
        lambda data: replace(data, t=data.t**1.5),
        lambda data: replace(data, trajectory=np.arange(len(data.t)) // 3),
    ],
    ids=["not exact", "no noise", "uneven", "short"],
)
def test_where_that_cannot_be_states_stay_as_they_are(spoilt: Any) -> None:
    data = spoilt(experiment("pendulum").dataset())
    assert drawn_together(data, np.flatnonzero(data.train)) is None


def test_tracks_end_at_gaps_and_at_other_trajectories() -> None:
    t = np.array([0, 1, 2, 5, 6, 0, 1, 2.0])
    data = Dataset(t[:, None], t[:, None], t, np.array([0, 0, 0, 0, 0, 1, 1, 1]), np.ones(8, dtype=bool))
    assert [run.tolist() for run in segments(data, np.arange(8)[::-1])] == [[0, 1, 2], [3, 4], [5, 6, 7]]


# The recipe -----------------------------------------------------------------------------------------------------------


def evaluated(made: Experiment) -> tuple[FitRun, Any]:
    one = FitRun(made, made.dataset())
    while one.end is None:
        one.advance()
    assert isinstance(one.end, Finished), one.end
    return one, one.evaluate()


@BY_FAMILY
def test_every_family_is_fitted_down_to_the_noise(model: str, variant: dict[str, Value]) -> None:
    made = experiment("damped-mass-spring" if MODELS[model].dissipates else "mass-spring", model, **variant)
    if model == "conservative-hnn":  # which is what a mass on a spring is not
        data = made.dataset()
        data = replace(data, dcoords=-2 * data.coords, clean=None)
    else:
        data = made.dataset()
    events = run(SampledFieldFit(task_of(made, data)))
    assert isinstance(events[-1], Finished)
    floor = data.floor_test if model != "conservative-hnn" else 1e-6
    assert floor is not None
    (test,) = [e.test_loss for e in events if isinstance(e, Evaluated)][-1:]
    assert test < 1.1 * floor


@pytest.mark.parametrize("system", ["mass-spring", "pendulum"])
def test_without_noise_it_finds_the_field(system: str) -> None:
    made = experiment(system, noise=0.0, width=150)
    _, figures = evaluated(made)
    assert figures.field_mse < 1e-8
    assert figures.coord_mse < 1e-7


def test_with_noise_it_is_far_better_than_a_fit_to_the_states_as_measured() -> None:
    for system in ("mass-spring", "pendulum"):
        made = experiment(system)
        _, together = evaluated(made)
        _, measured = evaluated(replace(made, settings={**made.settings, "states": "measured"}))
        assert together.field_mse < measured.field_mse / 5
        assert together.coord_mse < measured.coord_mse / 10


def test_the_same_seed_gives_the_same_weights_and_another_one_others() -> None:
    made = experiment()
    task = task_of(made)
    one, same, other = (SampledFieldFit(t) for t in (task, task, replace(task, seed=1)))
    for fit in (one, same, other):
        run(fit)
    assert all(np.array_equal(one.snapshot().weights[n], w) for n, w in same.snapshot().weights.items())
    assert not np.array_equal(one.snapshot().weights["out"], other.snapshot().weights["out"])


def test_blocks_are_solved_at_each_doubling_and_weights_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    task = task_of(experiment())
    whole = SampledFieldFit(task)
    assert [type(e) for e in run(whole)] == [Started, Progress, Evaluated, Finished]
    monkeypatch.setattr(states, "BLOCK", 20_000)
    fit = SampledFieldFit(task)
    events = run(fit)
    assert isinstance(events[0], Started)
    assert events[0].steps == 5
    assert [e.step for e in events if isinstance(e, Progress)] == [1, 2, 3, 4, 5]
    assert [e.step for e in events if isinstance(e, Evaluated)] == [1, 2, 4, 5]
    x = task.data.coords[:100]
    found, expected = fit.snapshot().field(x), whole.snapshot().field(x)
    # The sums are taken in another order, and processors round theirs differently.
    assert np.abs(found - expected).max() < 1e-4 * np.abs(expected).max()


def test_it_can_be_stopped_between_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(states, "BLOCK", 20_000)
    fit = SampledFieldFit(task_of(experiment()))
    events = []
    for event in fit.events():
        events.append(event)
        if isinstance(event, Progress) and event.step == 2:
            fit.stop()
    assert isinstance(events[-1], Cancelled)
    assert events[-1].step == 2
    assert np.isfinite(events[-1].snapshot.weights["out"]).all()


def test_what_takes_longer_to_solve_than_to_gather_is_solved_at_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(states, "BLOCK", 20_000)
    monkeypatch.setattr(states, "DEAR", 1e9)
    task = task_of(experiment())
    fit, stopped = SampledFieldFit(task), SampledFieldFit(task)
    events = run(fit)
    assert [e.step for e in events if isinstance(e, Evaluated)] == [5]
    losses = [e.train_loss for e in events if isinstance(e, Progress)]
    some = loss_rows(task)[0]
    assert losses[:4] == [pytest.approx(np.square(task.data.dcoords[some]).mean())] * 4  # of no field at all
    assert losses[4] < 0.5 * losses[0]
    for event in stopped.events():
        if isinstance(event, Progress) and event.step == 2:
            stopped.stop()
    assert isinstance(event, Cancelled)
    assert data_loss(event.snapshot, task.data, some) < 0.5 * losses[0], "what was gathered is not lost"


def test_a_few_huge_derivatives_do_not_rule_the_fit() -> None:
    made = experiment("pendulum", noise=0.0)
    data = made.dataset()
    assert data.clean is not None
    spoilt = data.dcoords.copy()
    rows = np.flatnonzero(data.train)[::200]
    spoilt[rows] *= 1000.0
    fitted = SampledFieldFit(task_of(made, replace(data, dcoords=spoilt)))
    run(fitted)
    others = data.train.copy()
    others[rows] = False
    left = fitted.snapshot().field(data.clean[others]) - data.dcoords[others]
    assert np.square(left).mean() < 0.5 * np.square(data.dcoords[others]).mean()


# Bad data -------------------------------------------------------------------------------------------------------------


def altered(made: Experiment, **changes: Any) -> FitRun:
    return FitRun(made, replace(made.dataset(), **changes))


def end_of(one: FitRun) -> Any:
    while one.end is None:
        one.advance()
    return one.end


def test_rows_without_a_finite_derivative_are_left_out_and_it_says_so() -> None:
    made = experiment()
    dcoords = made.dataset().dcoords.copy()
    dcoords[np.flatnonzero(made.dataset().train)[:3]] = [[np.inf, 0.0], [np.nan, 1.0], [0.0, -np.inf]]
    end = end_of(altered(made, dcoords=dcoords))
    assert isinstance(end, Finished)
    assert "3 rows without a finite derivative were left out" in end.reason


def test_all_points_equal_is_refused_in_a_sentence() -> None:
    made = experiment()
    end = end_of(altered(made, coords=np.ones_like(made.dataset().coords), clean=None))
    assert isinstance(end, Failed)
    assert "All training states are the same point" in end.message


def test_one_point_is_refused_in_a_sentence() -> None:
    made = experiment()
    train = np.zeros(len(made.dataset().t), dtype=bool)
    train[5] = True
    end = end_of(altered(made, train=train))
    assert isinstance(end, Failed)
    assert "1 of the 1 training rows are finite numbers" in end.message


def test_fewer_rows_than_unknowns_are_fitted_and_it_says_so() -> None:
    made = experiment(width=300)
    train = np.zeros(len(made.dataset().t), dtype=bool)
    train[:20] = True
    end = end_of(altered(made, train=train))
    assert isinstance(end, Finished)
    assert "fewer equations than the 300 unknowns" in end.reason
    assert np.isfinite(end.snapshot.weights["out"]).all()


def test_a_fit_that_memory_does_not_hold_is_refused_with_the_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(states, "free_memory", lambda: 100_000_000)
    made = experiment(width=2000)
    made = replace(made, settings={**made.settings, "units": "all"})
    end = end_of(FitRun(made, made.dataset()))
    assert isinstance(end, Failed)
    assert "The fit would need 0.208 GB of memory, but 0.1 GB are free" in end.message
    assert isinstance(end_of(FitRun(experiment(), made.dataset())), Finished)


def test_a_recording_is_fitted_too() -> None:
    made = experiment()
    data = replace(made.dataset(), clean=None)
    end = end_of(FitRun(made, data))
    assert isinstance(end, Finished)
    assert isinstance(end.snapshot, Snapshot)
    figures = evaluate(end.snapshot, made.dataset(), made.system)
    assert figures.test_loss < 1.3 * float(made.dataset().floor_test or 0)


def test_a_recipe_for_states_and_the_one_for_film_stand_for_each_other() -> None:
    assert RECIPES["sampled"].why_not("pixel-hnn").endswith("choose paper or adam or sampled-film")
    assert RECIPES["sampled"].why_not("hnn") == ""
    film, states_ = (model_spec("pixel-hnn"),), (model_spec("hnn"),)
    assert carried_recipe("sampled", film) == "sampled-film"
    assert carried_recipe("sampled-film", states_) == "sampled"
    assert carried_recipe("adam", film) == "adam"
