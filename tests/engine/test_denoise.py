"""The recipe `denoise`: clean states and last layers estimated together."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hnn_engine import evaluation
from hnn_engine.coords import Array
from hnn_engine.datasets import Dataset
from hnn_engine.evaluation import Figures, evaluate
from hnn_engine.experiment import Experiment, default_settings, model_spec, new_experiment
from hnn_engine.fit_run import FitRun
from hnn_engine.fitting.events import Cancelled, Evaluated, Finished, FitTask, Progress, Started
from hnn_engine.fitting.random_features.linear_field import drawn_field
from hnn_engine.fitting.smoothing.denoise import DenoiseFit, noise_of
from hnn_engine.fitting.smoothing.gauss_newton import GaussNewton, Guess, Weights, side_by_side
from hnn_engine.models import MODELS
from hnn_engine.parameters import Value
from tests.fields import FIELD_IDS, FIELDS


@pytest.fixture(autouse=True)
def quick_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the paper's own energy figure out, which takes seconds and is not asked for here."""
    monkeypatch.setattr(evaluation, "paper_energy_mse", lambda *_: None)


def experiment(
    system: str = "mass-spring", model: str = "hnn", recipe: str = "denoise", **settings: Value
) -> Experiment:
    base = new_experiment(system)
    spec = model_spec(model, {"width": 40, "depth": 1, **settings})
    return replace(base, models=(spec,), recipe=recipe, settings=default_settings(recipe, base.system))


def evaluated(made: Experiment, data: Dataset | None = None) -> Figures:
    run = FitRun(made, made.dataset() if data is None else data)
    while run.end is None:
        run.advance()
    assert isinstance(run.end, Finished), run.end
    return evaluate(run.end.snapshot, made.dataset(), made.system)


def problem(model: str, variant: dict[str, Value], dof: int = 1) -> tuple[GaussNewton, Guess]:
    """Return a small problem of two trajectories of unlike lengths, and a guess."""
    rng = np.random.default_rng(3)
    t = np.array([0.0, 0.1, 0.2, 0.35, 0.0, 0.1, 0.2])
    x, y = rng.standard_normal((7, 2 * dof)), rng.standard_normal((7, 2 * dof))
    data = Dataset(x, y, t, np.array([0, 0, 0, 0, 1, 1, 1]), np.ones(7, dtype=bool))
    known = {n: rng.uniform(0.5, 2.0, shape) for n, shape in MODELS[model].known_shapes(dof).items()}
    bound = model_spec(model, {"width": 5, "depth": 1, **variant}).settings
    field = drawn_field(FitTask(model, bound, data, {}, 0, known), x, rng)
    runs = side_by_side([np.arange(4), np.arange(4, 7)], t, x, y)
    each = rng.uniform(1.0, 3.0, (3, 2 * dof))
    weights = Weights(each[0], each[1], 100 * each[2], rng.uniform(0.1, 0.5, field.size))
    return GaussNewton(field, runs, weights), Guess(
        runs.x + 0.05 * rng.standard_normal(runs.x.shape), rng.standard_normal(field.size)
    )


def residuals(joint: GaussNewton, flat: Array, shape: tuple[int, ...]) -> Array:
    """Return all residuals, weighted, of states and θ end to end."""
    count = int(np.prod(shape))
    guess = Guess(flat[:count].reshape(shape), flat[count:])
    w, parts = joint.weights, joint.left(guess)
    weighted = [p * np.sqrt(v) for p, v in zip(parts, (w.states, w.rates, w.links), strict=True)]
    return np.concatenate([*(p.ravel() for p in weighted), np.sqrt(w.theta) * guess.theta])


@pytest.mark.parametrize(("model", "variant"), FIELDS, ids=FIELD_IDS)
@pytest.mark.parametrize("dof", [1, 2])
def test_the_step_is_that_of_gauss_and_newton_on_all_unknowns_at_once(
    model: str, variant: dict[str, Value], dof: int
) -> None:
    joint, guess = problem(model, variant, dof)
    flat = np.concatenate([guess.z.ravel(), guess.theta])
    small = 1e-6 * np.eye(len(flat))
    left = residuals(joint, flat, guess.z.shape)
    slopes = np.column_stack(
        [(residuals(joint, flat + d, guess.z.shape) - residuals(joint, flat - d, guess.z.shape)) / 2e-6 for d in small]
    )
    expected = -np.linalg.lstsq(slopes, left, rcond=None)[0]
    step = joint._step(guess)
    found = np.concatenate([step.z.ravel(), step.theta])
    there = np.concatenate([np.repeat(joint.runs.rows.ravel() > 0, 2 * dof), np.ones(len(guess.theta), dtype=bool)])
    np.testing.assert_allclose(found[there], expected[there], rtol=1e-4, atol=1e-6)
    assert joint.cost(guess, joint.left(guess)) == pytest.approx(np.square(left).sum(), rel=1e-12)


def test_a_step_is_taken_only_where_it_is_better() -> None:
    joint, guess = problem("hnn", {})
    left = joint.left(guess)
    costs = [joint.cost(guess, left)]
    for _ in range(60):
        better, left = joint.improved(guess, left)
        if better is guess:
            break
        guess = better
        costs.append(joint.cost(guess, left))
        np.testing.assert_array_equal(left.states, joint.left(guess).states)
    assert better is guess  # nothing is better at the end
    assert len(costs) > 2
    assert (np.diff(costs) < 0).all()


def test_what_the_network_cannot_follow_is_believed_less() -> None:
    joint, guess = problem("hnn", {})
    sure = replace(joint, weights=joint.weights._replace(rates=np.full(2, 1e12), links=np.full(2, 1e12)))
    doubted = sure.believable(sure.left(guess)).weights
    _, rates, _ = sure.left(guess)
    missed = np.square(rates).sum(axis=(0, 1)) / 7
    np.testing.assert_allclose(doubted.rates, 1 / (4 * missed))
    assert (doubted.links < 1e12).all()
    assert (doubted.states == joint.weights.states).all()
    calm = replace(joint, weights=joint.weights._replace(rates=np.zeros(2)))
    assert (calm.believable(calm.left(guess)).weights.rates == 0).all()


def test_the_noise_is_read_from_the_data() -> None:
    rng, t = np.random.default_rng(0), np.linspace(0.0, 3.0, 45)
    clean = [np.column_stack([np.sin(2 * t + k), np.cos(2 * t + k)]) for k in range(25)]
    noisy = [x + rng.normal(0, [0.1, 0.02], x.shape) for x in clean]
    np.testing.assert_allclose(noise_of(noisy), [0.1, 0.02], rtol=0.1)
    assert (noise_of(clean) < 1e-4).all()


@pytest.mark.parametrize(("system", "model"), [("mass-spring", "hnn"), ("damped-mass-spring", "dissipative-hnn")])
def test_the_field_is_found_through_the_noise(system: str, model: str) -> None:
    variant: dict[str, Value] = {"friction": "momentum"} if model == "dissipative-hnn" else {}
    sampled, denoised = (evaluated(experiment(system, model, r, **variant)) for r in ("sampled", "denoise"))
    assert denoised.field_mse is not None
    assert sampled.field_mse is not None
    assert denoised.coord_mse is not None
    assert denoised.field_mse < sampled.field_mse
    assert denoised.coord_mse < 3e-4  # a shift of all states by 0.1/√750 makes 3e-5


def test_from_samples_alone_it_beats_the_derivatives_that_are_made_of_them() -> None:
    made = experiment("mass-spring")
    data = made.dataset()
    between = np.gradient(data.coords, axis=0) / (data.t[1] - data.t[0])
    edge = np.flatnonzero(np.diff(data.trajectory))
    whole = np.ones(len(data.t), dtype=bool)
    whole[np.concatenate([edge, edge + 1, [0, len(whole) - 1]])] = False
    measured = Dataset(*(a[whole] for a in (data.coords, between, data.t, data.trajectory, data.train)))
    by_derivatives = evaluated(
        replace(made, recipe="sampled", settings=default_settings("sampled", made.scene)), measured
    )
    by_samples = evaluated(made, measured)
    assert by_samples.field_mse is not None
    assert by_derivatives.field_mse is not None
    assert by_samples.field_mse < by_derivatives.field_mse / 3
    assert by_samples.coord_mse is not None
    assert by_derivatives.coord_mse is not None
    assert by_samples.coord_mse < by_derivatives.coord_mse / 3


def test_events_come_a_step_at_a_time_and_it_ends_when_nothing_is_gained() -> None:
    made = experiment()
    events = list(DenoiseFit(made.task(made.models[0], made.dataset())).events())
    assert isinstance(events[0], Started)
    assert events[0].steps == 20
    assert isinstance(events[-1], Finished)
    steps = events[-1].step
    assert 2 <= steps < 20
    assert [type(e) for e in events[1:-1]] == [Progress, Evaluated] * steps


def test_it_can_be_stopped_and_keeps_what_it_had() -> None:
    made = experiment()
    fit = DenoiseFit(made.task(made.models[0], made.dataset()))
    events: list[Any] = []
    for event in fit.events():
        events.append(event)
        if isinstance(event, Evaluated):
            fit.stop()
    assert isinstance(events[-1], Cancelled)
    assert events[-1].step == 1
    assert np.array_equal(events[-1].snapshot.weights["out"], fit.snapshot().weights["out"])


def test_rows_without_neighbours_are_refused_in_a_sentence() -> None:
    made = replace(experiment(), data={**experiment().data, "layout": "grid"})
    run = FitRun(made, made.dataset())
    while run.end is None:
        run.advance()
    assert "No trajectory that trains has 5 rows in a row" in getattr(run.end, "message", "")
