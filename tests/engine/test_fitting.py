"""Recipes: the optimiser is Adam, the events come in their order on every ending, and nothing but the seed decides."""

import subprocess
import sys
import time
import weakref
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from hnn_engine.datasets import Dataset
from hnn_engine.errors import UnknownNameError
from hnn_engine.experiment import Experiment, model_spec, new_experiment
from hnn_engine.fit_run import FitRun
from hnn_engine.fitting import PAPER_TASKS, RECIPES, get_recipe, recipe_defaults, recipe_note
from hnn_engine.fitting.events import Cancelled, End, Evaluated, Event, Failed, Finished, FitTask, Progress, Started
from hnn_engine.fitting.gradient.adam import AdamFit, validation_rows
from hnn_engine.fitting.gradient.backends import CompiledFieldBackend
from hnn_engine.fitting.gradient.loop import GradientFit
from hnn_engine.fitting.gradient.paper import PaperFit
from hnn_engine.fitting.gradient.pixel_objective import CompiledPixelBackend
from hnn_engine.fitting.gradient.torch_backend import Adam, TorchFieldBackend, TorchPixelBackend
from hnn_engine.frame_metrics import autoencoder_of
from hnn_engine.kernels import cache as kernel_cache
from hnn_engine.models import MODELS
from hnn_engine.models.mlp import ACTIVATIONS, finite
from hnn_engine.parameters import Value
from hnn_engine.snapshot import Snapshot
from tests.fields import FEATURES, IDS, SIZE, VARIANTS

STEPS = 25
BY_GRADIENT = ["paper", "adam"]
BACKENDS = {
    "compiled": {"hnn": CompiledFieldBackend, "pixel-hnn": CompiledPixelBackend},
    "torch": {"hnn": TorchFieldBackend, "pixel-hnn": TorchPixelBackend},
}


@pytest.fixture(params=list(BACKENDS))
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Have fits stepped in one way; without the fixture it is the compiled one."""
    if request.param == "torch":
        without_loops(monkeypatch)
    return str(request.param)


def without_loops(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine where numba does not run."""
    monkeypatch.setattr(kernel_cache, "_loops", None)
    monkeypatch.setattr(kernel_cache, "_absent", "numba is not installed")


def experiment(recipe: str = "paper", model: str = "hnn", seed: int = 0, **settings: Value) -> Experiment:
    if MODELS[model].observes_frames:
        base, few = new_experiment("pixel-pendulum"), {"trajectories": 6, "frames": 12, "size": SIZE}
        spec = model_spec(model, {"width": 12, "features": FEATURES})
    else:
        base, few = new_experiment("pendulum"), {"trajectories": 8, "points": 11}
        spec = model_spec(model, {"width": 12})
    defaults = {**recipe_defaults(recipe, "pendulum", 100), "steps": STEPS}
    return replace(
        base,
        data={**base.data, **few},
        models=(spec,),
        recipe=recipe,
        settings={**defaults, **settings},
        seed=seed,
    )


def task(recipe: str = "paper", model: str = "hnn", seed: int = 0, **settings: Value) -> FitTask:
    made = experiment(recipe, model, seed, **settings)
    return made.task(made.models[0], made.dataset())


def started(what: FitTask, recipe: str = "paper") -> GradientFit:
    fit = get_recipe(recipe).start(what)
    assert isinstance(fit, GradientFit)
    return fit


def run(fit: GradientFit, between: Callable[[Event], object] = lambda event: None) -> list[Event]:
    events = []
    for event in fit.events():
        between(event)
        events.append(event)
    return events


def kept(events: list[Event]) -> Snapshot:
    end = events[-1]
    assert isinstance(end, End)
    assert end.snapshot is not None
    return end.snapshot


def arrays(snapshot: Snapshot) -> dict[str, np.ndarray]:
    return {**snapshot.weights, **(snapshot.autoencoder.arrays() if snapshot.autoencoder is not None else {})}


def same(one: Snapshot, other: Snapshot) -> bool:
    ours, theirs = arrays(one), arrays(other)
    return ours.keys() == theirs.keys() and all(ours[n].tobytes() == theirs[n].tobytes() for n in ours)


def expected_events(last: int, checked_to: int, end: type) -> list[tuple[type, int]]:
    """Return the kinds and steps of a fit whose last full step is `last`; test losses up to step `checked_to`."""
    rows: list[tuple[type, int]] = [(Started, STEPS)]
    for step in range(1, last + 1):
        rows.append((Progress, step))
        if step % 10 == 0 or step == checked_to:
            rows.append((Evaluated, step))
    return [*rows, (end, last)]


def named(events: list[Event]) -> list[tuple[type, int]]:
    return [(type(e), e.steps if isinstance(e, Started) else e.step) for e in events]


@pytest.mark.parametrize("model", BACKENDS["torch"])
def test_stepping_by_torch_leaves_the_arithmetic_of_its_thread_as_it_was(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_loops(monkeypatch)
    run(started(task(model=model)))
    assert np.float64(5e-324) * np.float64(1.0) > 0.0, "subnormal numbers are flushed"


@pytest.mark.parametrize("decay", [0.0, 1e-4, 0.1])
def test_the_optimiser_takes_the_steps_of_torch(decay: float) -> None:
    torch.manual_seed(0)
    start, target = torch.randn(40), torch.randn(40)
    ours, theirs = start.clone(), start.clone().requires_grad_()
    own, reference = Adam(40, decay), torch.optim.Adam([theirs], lr=1e-2, weight_decay=decay)
    for step in range(200):
        rate = 1e-2 / (1 + step / 50)
        reference.param_groups[0]["lr"] = rate
        reference.zero_grad()
        ((theirs - target) ** 4).mean().backward()  # type: ignore[no-untyped-call]
        reference.step()
        own.step(ours, 4 * (ours - target) ** 3 / 40, rate)
        # The gradients are taken at each one's own weights, so rounding is all that may part them.
        torch.testing.assert_close(ours, theirs.detach(), rtol=1e-6, atol=2e-6)


@pytest.mark.parametrize("model", ["hnn", "pixel-hnn"])
def test_each_way_of_stepping_is_taken_where_it_is_due(backend: str, model: str) -> None:
    assert type(started(task(model=model)).backend) is BACKENDS[backend][model]


@pytest.mark.parametrize("recipe", BY_GRADIENT)
@pytest.mark.parametrize(("model", "variant"), VARIANTS, ids=IDS)
@pytest.mark.parametrize("activation", list(ACTIVATIONS))
def test_compiled_fits_track_those_of_torch(
    recipe: str, model: str, variant: dict[str, Value], activation: str
) -> None:
    made = task(recipe, model, steps=30)
    made = replace(made, model_settings={**made.model_settings, "activation": activation, **variant})
    fast = run(started(made, recipe))
    slow = run(started(replace(made, backend="torch"), recipe))
    assert named(fast) == named(slow)
    for kind, loss in ((Progress, "train_loss"), (Evaluated, "test_loss")):
        ours, theirs = ([getattr(e, loss) for e in events if isinstance(e, kind)] for events in (fast, slow))
        np.testing.assert_allclose(ours, theirs, rtol=1e-4)


def test_a_fit_by_compiled_loops_loads_no_torch() -> None:
    code = """
import sys
from hnn_engine.experiment import new_experiment
from hnn_engine.fit_run import FitRun
from dataclasses import replace
for recipe in ("paper", "adam"):
    made = new_experiment("pendulum")
    made = replace(made, recipe=recipe, settings={**made.settings, "steps": 3, "batch": 0, "patience": 600})
    fit = FitRun(made, made.dataset())
    while fit.end is None:
        fit.advance()
    assert fit.step == 3, fit.end
    fit.evaluate()
sys.exit("torch" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code], timeout=240, check=False).returncode == 0


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("recipe", BY_GRADIENT)
@pytest.mark.parametrize("model", list(MODELS))
def test_events_of_a_fit_that_finishes(recipe: str, model: str) -> None:
    events = run(started(task(recipe, model), recipe))
    assert named(events) == expected_events(STEPS, STEPS, Finished)
    assert isinstance(events[-1], Finished)
    assert events[-1].reason == f"all {STEPS} steps done"


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("recipe", BY_GRADIENT)
@pytest.mark.parametrize("after", [0, 1, 10, 17])
def test_events_of_a_fit_that_is_stopped(recipe: str, after: int) -> None:
    fit = started(task(recipe), recipe)
    first = Started if after == 0 else Progress

    def stop(event: Event) -> None:
        if isinstance(event, first) and (isinstance(event, Started) or event.step == after):  # type: ignore[attr-defined]
            fit.stop()

    events = run(fit, stop)
    assert named(events) == expected_events(after, 0, Cancelled)
    assert finite(kept(events).weights)


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("recipe", BY_GRADIENT)
def test_events_of_a_fit_on_data_that_is_not_finite(recipe: str) -> None:
    made = task(recipe, batch=0)
    bad = made.data.dcoords.copy()
    bad[np.flatnonzero(made.data.train)] = np.nan
    events = run(started(replace(made, data=replace(made.data, dcoords=bad)), recipe))
    assert named(events) == [(Started, STEPS), (Failed, 0)]
    end = events[-1]
    assert isinstance(end, Failed)
    assert end.message.startswith("The loss is no longer a finite number at step 1; the weights of the step before")
    assert finite(kept(events).weights)


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("rate", [1e3, 1e6])  # a loss that is huge, and one that is infinite
@pytest.mark.parametrize("recipe", BY_GRADIENT)
def test_a_rate_that_is_far_too_large_ends_with_the_last_good_weights(recipe: str, rate: float) -> None:
    made = task(recipe, model="baseline", **{"learning-rate": 1.0, "batch": 0})
    steep = replace(made, model_settings={**made.model_settings, "activation": "silu"})
    fit = started(steep, recipe)
    fit.rate = lambda step: rate  # type: ignore[method-assign]
    events = run(fit)
    end = events[-1]
    assert isinstance(end, Failed)
    assert "Try a smaller learning rate." in end.message
    weights = kept(events)
    assert finite(weights.weights)
    losses = [e.train_loss for e in events if isinstance(e, Progress)]
    rows = fit.task.data.train
    loss = float(((weights.field(fit.task.data.coords[rows]) - fit.task.data.dcoords[rows]) ** 2).mean())
    assert loss == pytest.approx(losses[end.step], rel=1e-3)  # the loss at `step` steps, from before it exploded


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize(("model", "rate"), [("baseline", np.nan), ("pixel-hnn", np.nan), ("pixel-baseline", 1e30)])
def test_weights_that_explode_on_the_last_step_are_not_kept(model: str, rate: float) -> None:
    fit = started(task(model=model, steps=3))
    fit.rate = lambda step: rate if step == 3 else 1e-3  # type: ignore[method-assign]
    events = run(fit, lambda event: fit.snapshot())  # which can be looked at even then
    assert [type(e) for e in events[-2:]] == [Evaluated, Failed]
    assert finite(kept(events).weights)


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("recipe", BY_GRADIENT)
@pytest.mark.parametrize("model", list(MODELS))
def test_snapshots_on_the_way_change_nothing(recipe: str, model: str) -> None:
    alone = run(started(task(recipe, model), recipe))
    watched, seen = started(task(recipe, model), recipe), []
    events = run(watched, lambda event: seen.append(watched.snapshot()))
    assert same(kept(alone), kept(events))
    assert [e.train_loss for e in alone if isinstance(e, Progress)] == [
        e.train_loss for e in events if isinstance(e, Progress)
    ]
    assert not same(seen[1], seen[4])  # and they are copies: each one stays as it was


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("recipe", BY_GRADIENT)
def test_the_seed_decides_and_nothing_else(recipe: str) -> None:
    one, again, other = (kept(run(started(task(recipe, seed=s), recipe))) for s in (3, 3, 4))
    torch.manual_seed(99)
    np.random.seed(99)  # noqa: NPY002 global state must not matter
    assert same(one, again)
    assert same(one, kept(run(started(task(recipe, seed=3), recipe))))
    assert not same(one, other)


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("recipe", BY_GRADIENT)
@pytest.mark.parametrize(("model", "variant"), VARIANTS, ids=IDS)
def test_a_short_fit_lowers_the_loss(recipe: str, model: str, variant: dict[str, Value]) -> None:
    made = task(recipe, model, steps=150, **{"learning-rate": 1e-2})
    events = run(started(replace(made, model_settings={**made.model_settings, **variant}), recipe))
    losses = [e.train_loss for e in events if isinstance(e, Progress)]
    tests = [e.test_loss for e in events if isinstance(e, Evaluated)]
    # A gradient cannot go round, as a pendulum does: what it learns are the rows, not the motion.
    stubborn = model == "conservative-hnn"
    assert np.mean(losses[-10:]) < (0.95 if stubborn else 0.3) * losses[0]
    assert stubborn or tests[-1] < 0.5 * tests[0]


@pytest.mark.parametrize("recipe", BY_GRADIENT)
def test_no_step_changes_what_a_model_is_told(recipe: str) -> None:
    made = task(recipe, "second-order", **{"weight-decay": 0.1, "learning-rate": 0.1})
    end = kept(run(started(made, recipe)))
    assert list(end.weights)[-1] == "inertia"
    np.testing.assert_array_equal(end.weights["inertia"], [0.5])  # kg m², of the pendulum
    q, p = 0.3, np.array([-2.0, 0.0, 1.5])
    np.testing.assert_allclose(end.field(np.stack([np.full(3, q), p], axis=-1))[:, 0], 2 * p, rtol=1e-15)


def scaled_errors(friction: str) -> list[float]:
    """Fit a damped mass-spring; return the relative error of the field at no, the fitted, and twice the friction."""
    base = new_experiment("damped-mass-spring", {"damping": 0.4})
    made = replace(
        base,
        data={**base.data, "trajectories": 40, "points": 20, "horizon": 4.0, "noise": 0.0},
        models=(model_spec("dissipative-hnn", {"width": 24, "friction": friction}),),
        recipe="adam",
        settings={**recipe_defaults("adam", "pendulum"), "steps": 1500, "batch": 0},
    )
    end = kept(run(started(made.task(made.models[0], made.dataset()), "adam")))
    system = base.system
    assert system is not None
    x, errors = system.sample_starts(np.random.default_rng(5), 200), []
    for scale in (0.0, 1.0, 2.0):
        expected = system.with_friction(scale).field(x)
        gap = end.with_friction(scale).field(x) - expected
        errors.append(float(np.sqrt(np.mean(gap**2) / np.mean(expected**2))))
    return errors


def test_scaling_learned_friction_needs_the_unique_split() -> None:
    assert max(scaled_errors("momentum")) < 0.05
    without, fitted, twice = scaled_errors("gradient")
    assert fitted < 0.15
    assert min(without, twice) > 0.3


def test_what_is_fitted_to_frames_begins_near_their_mean() -> None:
    made = task("adam", "pixel-hnn")
    frame_pairs, train = made.data.frame_pairs, made.data.train & ~validation_rows(made)
    assert frame_pairs is not None
    made, bright = (
        replace(made, data=replace(made.data, frame_pairs=replace(frame_pairs, frames=frame_pairs.frames // 2 * k)))
        for k in (1, 2)
    )
    flat = frame_pairs.frames[frame_pairs.first[train]].reshape(int(train.sum()), -1) // 2 / 255
    plain, fitted, lit = (started(t, r) for t, r in ((made, "paper"), (made, "adam"), (bright, "adam")))
    autoencoder, twice, apart = (autoencoder_of(fit.snapshot()).weights for fit in (fitted, lit, plain))
    np.testing.assert_allclose(autoencoder["decoder.b3"], np.tile(flat.mean(axis=0), 2), atol=1e-6)
    np.testing.assert_allclose(twice["encoder.w0"], autoencoder["encoder.w0"] / 2, rtol=1e-5)
    np.testing.assert_allclose(twice["encoder.b0"], autoencoder["encoder.b0"], atol=1e-4)
    assert fitted.backend.loss(fitted.train_rows) < 0.7 * plain.backend.loss(plain.train_rows)
    assert not np.allclose(apart["encoder.w0"], autoencoder["encoder.w0"])


@pytest.mark.usefixtures("backend")
def test_the_first_loss_is_that_of_the_fresh_weights_on_all_training_rows() -> None:
    fit = started(task())
    fresh = fit.snapshot()
    events = run(fit)
    data = fit.task.data
    residual = fresh.field(data.coords[data.train]) - data.dcoords[data.train]
    assert isinstance(events[1], Progress)
    assert events[1].train_loss == pytest.approx(float((residual**2).mean()), rel=1e-5)


def test_minibatches_are_drawn_afresh_without_replacement() -> None:
    fit = started(task(batch=30))
    rows = len(fit.train_rows[0])
    assert rows == 44
    seen = []
    for _ in range(40):
        coords, dcoords = fit._minibatch()
        assert len(coords) == 30
        assert len(np.unique(coords, axis=0)) == 30
        index = [int(np.flatnonzero((fit.train_rows[0] == c).all(axis=1))[0]) for c in coords]
        np.testing.assert_array_equal(fit.train_rows[1][index], dcoords)
        seen.append(frozenset(index))
    assert len(set(seen)) == 40
    assert frozenset().union(*seen) == frozenset(range(rows))


@pytest.mark.parametrize("batch", [0, 44, 1000])
def test_a_batch_that_reaches_all_rows_takes_them_all(batch: int) -> None:
    fit = started(task(batch=batch))
    assert len(fit._minibatch()[0]) == 44


def adam_fit(**settings: Value) -> AdamFit:
    fit = started(task("adam", **settings), "adam")
    assert isinstance(fit, AdamFit)
    return fit


def contains(rows: np.ndarray, some: np.ndarray) -> bool:
    return any(bool((rows == r.astype(np.float32)).all(axis=1).any()) for r in some)


def test_held_out_trajectories_neither_train_nor_test() -> None:
    made = task("adam")
    held = validation_rows(made)
    assert held.sum() == 11
    assert len(np.unique(made.data.trajectory[held])) == 1
    assert (made.data.train[held]).all()
    fit = adam_fit()
    assert len(fit.train_rows[0]) == 33
    assert not contains(fit.train_rows[0], made.data.coords[held])
    assert len(fit.test_rows[0]) == int((~made.data.train).sum())
    assert not contains(fit.test_rows[0], made.data.coords[held])


def test_one_trajectory_is_held_out_at_its_end() -> None:
    made = task("adam")
    data = replace(made.data, trajectory=np.zeros_like(made.data.trajectory))
    held = validation_rows(replace(made, data=data))
    rows = np.flatnonzero(data.train)
    assert np.flatnonzero(held).tolist() == rows[-round(0.15 * len(rows)) :].tolist()


@pytest.mark.usefixtures("backend")
def test_the_best_weights_on_validation_are_kept() -> None:
    fit, losses, snapshots = adam_fit(steps=60, **{"learning-rate": 0.3}), [], []

    def look(event: Event) -> None:
        if isinstance(event, Evaluated):
            snapshot = fit.snapshot()
            coords, dcoords = (x.astype(np.float64) for x in fit._held)
            losses.append(float(((snapshot.field(coords) - dcoords) ** 2).mean()))
            snapshots.append(snapshot)

    events = run(fit, look)
    best = int(np.argmin(losses))
    assert same(kept(events), snapshots[best])


@pytest.mark.usefixtures("backend")
def test_adam_ends_early_with_its_reason() -> None:
    fit = adam_fit(steps=500, patience=20)
    fit.rate = lambda step: 0.0 if step > 5 else 1e-3  # type: ignore[method-assign]
    end = run(fit)[-1]
    assert isinstance(end, Finished)
    assert end.step == 30
    assert end.reason == "no better on the validation trajectories since step 10"


def test_the_schedule_rises_and_falls() -> None:
    fit = adam_fit(steps=1000, **{"learning-rate": 0.01})
    rates = np.array([fit.rate(step) for step in range(1, 1001)])
    assert rates[0] < 0.01 / 40
    assert rates.max() > 0.0098
    assert (np.diff(rates[60:]) < 0).all()
    assert rates[-1] == pytest.approx(1e-4, rel=1e-3)


def test_the_first_layer_is_scaled_to_the_data() -> None:
    made = task("adam")
    scale, shift = np.array([50.0, 1e-3]), np.array([7.0, -2.0])
    moved = replace(made, data=replace(made.data, coords=made.data.coords * scale + shift))
    one, other = (AdamFit(t).snapshot() for t in (made, moved))
    hidden = [
        s.weights["w0"].T @ c + s.weights["b0"] for s, c in ((one, made.data.coords[5]), (other, moved.data.coords[5]))
    ]
    np.testing.assert_allclose(hidden[0], hidden[1], atol=1e-3)


def test_the_recipe_s_seconds_leave_out_whoever_reads_the_events() -> None:
    fit = PaperFit(task(steps=5))
    began = time.perf_counter()
    run(fit, lambda event: time.sleep(0.05))
    assert 0 < fit.seconds < time.perf_counter() - began - 0.3


def test_large_test_sets_are_looked_at_in_part() -> None:
    base = experiment()
    data = replace(base, data={**base.data, "trajectories": 100, "points": 50}).dataset()
    fit = started(base.task(base.models[0], data))
    assert len(fit.test_rows[0]) == 2000
    assert [e.step for e in run(fit) if isinstance(e, Evaluated)] == [STEPS]


# FitRun ---------------------------------------------------------------------------------------------------------------


def finish(fit: FitRun) -> list[Event]:
    events = []
    while fit.end is None:
        events.append(fit.advance())
    return events


@pytest.mark.parametrize("recipe", BY_GRADIENT)
def test_a_fit_run_gathers_the_history_of_its_recipe(recipe: str) -> None:
    made = experiment(recipe)
    fit = FitRun(made, made.dataset())
    assert fit.snapshot() is None
    events = finish(fit)
    assert same(kept(events), kept(run(started(task(recipe), recipe))))
    history = fit.history()
    assert history.train.tolist() == [e.train_loss for e in events if isinstance(e, Progress)]
    assert history.test_steps.tolist() == [10, 20, 25]
    kept_run = fit.as_run(None)
    assert kept_run is not None
    assert (kept_run.ending, kept_run.steps) == ("finished", STEPS)


def test_a_fit_that_has_ended_lets_its_tables_go() -> None:
    made = experiment()
    fit = FitRun(made, made.dataset())
    fit.advance()
    tables = weakref.ref(fit._fit.objective)  # type: ignore[union-attr]
    assert tables() is not None
    finish(fit)
    assert tables() is None
    assert fit.snapshot() is None
    assert fit.seconds > 0.0


def test_a_stop_before_the_first_step_counts() -> None:
    made = experiment()
    fit = FitRun(made, made.dataset())
    fit.stop()
    assert [type(e) for e in finish(fit)] == [Started, Cancelled]
    record = fit.as_run(None)
    assert record is not None
    assert (record.ending, record.steps) == ("stopped", 0)


def test_an_exception_in_a_recipe_becomes_failed_with_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: GradientFit) -> None:
        raise ZeroDivisionError("a fault")

    made = experiment()
    fit = FitRun(made, made.dataset())
    for _ in range(4):
        fit.advance()
    monkeypatch.setattr(GradientFit, "_minibatch", broken)
    end = fit.advance()
    assert isinstance(end, Failed)
    assert end.step == 3
    assert end.message == "The fit ended at step 3: a fault"
    assert "ZeroDivisionError" in end.details
    record = fit.as_run(None)
    assert record is not None
    assert record.ending == "failed"


def test_a_fit_that_cannot_begin_fails_with_nothing_to_keep() -> None:
    made = experiment()
    empty = Dataset(*(np.empty((0, 2)),) * 2, np.empty(0), np.empty(0, dtype=np.int64), np.empty(0, dtype=bool))
    fit = FitRun(replace(made, models=(replace(made.models[0], name="nothing"),)), empty)
    events = finish(fit)
    assert isinstance(events[0], Failed)
    assert events[0].snapshot is None
    assert fit.evaluate() is None
    assert fit.as_run(None) is None


# The table ------------------------------------------------------------------------------------------------------------


def test_the_paper_s_settings() -> None:
    assert recipe_defaults("paper", "pendulum") == {
        "steps": 2000,
        "learning-rate": 1e-3,
        "batch": 0,
        "weight-decay": 1e-4,
    }
    assert recipe_defaults("paper", "two-body", 40_000)["batch"] == 200
    three = recipe_defaults("paper", "three-body", 80_000)
    assert (three["steps"], three["batch"], three["weight-decay"]) == (10_000, 600, 1e-4)
    film = recipe_defaults("paper", "pixel-pendulum", 16_000)
    assert (film["steps"], film["batch"], film["weight-decay"]) == (10_000, 200, 1e-5)
    assert "no n-body task" in recipe_note("paper", "n-body")
    assert recipe_defaults("paper", "recording")["weight-decay"] == 1e-5
    assert all(recipe_note("paper", source) == "" for source in PAPER_TASKS)
    assert "no double-pendulum task" in recipe_note("paper", "double-pendulum")
    assert recipe_note("adam", "double-pendulum") == ""


@pytest.mark.parametrize("recipe", BY_GRADIENT)
def test_every_default_is_within_its_range(recipe: str) -> None:
    table = {p.name: p for p in RECIPES[recipe].parameters}
    for source in (*PAPER_TASKS, "double-pendulum"):
        for rows in (0, 10_000):
            settings = recipe_defaults(recipe, source, rows)
            assert set(settings) == set(table)
            assert all(table[n].check(v) == v for n, v in settings.items())


def test_unknown_recipes_are_refused() -> None:
    with pytest.raises(UnknownNameError, match=r"There is no recipe 'papr'.*did you mean 'paper'"):
        get_recipe("papr")
