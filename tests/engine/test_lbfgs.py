"""The recipe L-BFGS, and fits of any recipe that begin at an earlier run of the same architecture."""

from dataclasses import replace

import numpy as np
import pytest

from hnn_engine import evaluation, frame_metrics
from hnn_engine.coords import Array
from hnn_engine.experiment import Experiment, default_settings, model_spec, new_experiment
from hnn_engine.fit_run import FitRun
from hnn_engine.fitting import get_recipe
from hnn_engine.fitting.events import Cancelled, Evaluated, Failed, Finished, Progress, Started
from hnn_engine.fitting.gradient.lbfgs import LbfgsFit
from hnn_engine.kernels import cache as kernel_cache
from hnn_engine.parameters import Value
from hnn_engine.records.run import Run, read_run, run_files
from tests.fields import FIELD_IDS, FIELDS

SMALL: dict[str, Value] = {"width": 16, "depth": 1}


@pytest.fixture(autouse=True)
def quick_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "paper_energy_mse", lambda *_: None)


def experiment(
    recipe: str = "lbfgs",
    model: str = "hnn",
    system: str = "pendulum",
    network: dict[str, Value] = SMALL,
    **settings: Value,
) -> Experiment:
    base = new_experiment(system)
    few = {"trajectories": 10, "frames": 12} if base.frame_size else {"trajectories": 10, "points": 30}
    chosen = {**default_settings(recipe, base.scene), **settings}
    spec = model_spec(model, network)
    return replace(base, data={**base.data, **few}, models=(spec,), recipe=recipe, settings=chosen)


def fitted(made: Experiment, start: Run | None = None) -> FitRun:
    run = FitRun(made, made.dataset(), start)
    while run.end is None:
        run.advance()
    return run


def kept(made: Experiment, start: Run | None = None) -> Run:
    run = fitted(made, start).as_run(None)
    assert run is not None
    return run


def fit(made: Experiment) -> LbfgsFit:
    return LbfgsFit(made.task(made.models[0], made.dataset()))


# L-BFGS ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("model", "variant"), FIELDS, ids=FIELD_IDS)
def test_every_family_comes_down_from_where_it_begins(model: str, variant: dict[str, Value]) -> None:
    system = "damped-pendulum" if "dissipative" in model else "mass-spring"
    losses = fitted(
        experiment(model=model, system=system, network={**SMALL, **variant}, begin="fresh", steps=60)
    ).history()
    assert losses.train[-1] < losses.train[0]
    if model != "conservative-hnn":  # which has no field for what turns
        assert losses.train[-1] < 0.3 * losses.train[0]
        assert losses.test[-1] < 0.1


def test_it_goes_on_from_the_closed_form() -> None:
    further, fresh = (kept(without_noise(begin=begin, steps=100)) for begin in ("sampled", "fresh"))
    assert further.history.train[0] < 0.1 * fresh.history.train[0]
    assert further.history.train[-1] < 0.7 * further.history.train[0]


def without_noise(recipe: str = "lbfgs", **settings: Value) -> Experiment:
    made = experiment(recipe, **settings)
    return replace(made, data={**made.data, "noise": 0.0})


def test_the_loss_never_rises_and_the_best_is_kept() -> None:
    going = fit(without_noise(begin="fresh", steps=80))
    values = []
    for event in going.events():
        if isinstance(event, Progress):
            values.append(going._loss(going._at)[0])
    assert len(values) > 20
    assert (np.diff(values) <= 0).all()


def test_it_minimises_a_quadratic_as_it_should(monkeypatch: pytest.MonkeyPatch) -> None:
    going = fit(experiment(begin="fresh", steps=400))
    curve = np.geomspace(1.0, 1e3, len(going._at))

    def bowl(at: Array) -> tuple[float, Array]:
        return float((curve * at * at).sum() / 2), curve * at

    monkeypatch.setattr(going, "_loss", bowl)
    list(going.events())
    assert np.abs(going._at).max() < 1e-5


def test_a_number_that_is_not_finite_goes_back_to_the_best_point(monkeypatch: pytest.MonkeyPatch) -> None:
    going = fit(experiment(begin="fresh", steps=60))
    honest, seen = going._backend.gradient, []

    def spoilt(rows: object) -> tuple[float, Array]:
        loss, slope = honest(rows)  # type: ignore[arg-type]
        seen.append(loss)
        return (float("nan"), slope) if len(seen) > 12 else (loss, slope)

    monkeypatch.setattr(going._backend, "gradient", spoilt)
    *events, end = going.events()
    assert isinstance(end, Finished)
    assert "nothing better along the gradient" in end.reason
    assert np.isfinite(end.snapshot.weights["out"]).all()
    assert [type(e) for e in events[:3]] == [Started, Progress, Evaluated]


def test_a_beginning_that_is_not_finite_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    going = fit(experiment(begin="fresh"))
    going._at[:] = np.nan
    *_, end = going.events()
    assert isinstance(end, Failed)
    assert "not a finite number where the fit begins" in end.message


def test_it_can_be_stopped_between_steps() -> None:
    going, seen = fit(experiment(begin="fresh")), []
    for event in going.events():
        seen.append(type(event))
        if len(seen) == 5:
            going.stop()
    assert seen == [Started, Progress, Evaluated, Progress, Evaluated, Cancelled]


def test_torch_gives_the_same_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    made = experiment(begin="fresh")
    ours = fit(made)
    monkeypatch.setattr(kernel_cache, "_loops", None)
    theirs = fit(made)
    assert type(ours._backend) is not type(theirs._backend)
    (a, x), (b, y) = ours._loss(ours._at), theirs._loss(theirs._at)
    assert a == pytest.approx(b, rel=1e-5)
    assert np.linalg.norm(x - y) < 1e-4 * np.linalg.norm(x)


# Polish ---------------------------------------------------------------------------------------------------------------

BRIEF: dict[str, dict[str, Value]] = {
    "paper": {"steps": 1},
    "adam": {"steps": 1},
    "lbfgs": {"steps": 1},
    "sampled": {},
    "denoise": {"steps": 1},
}


@pytest.mark.parametrize("recipe", list(BRIEF))
@pytest.mark.parametrize(("model", "variant"), FIELDS, ids=FIELD_IDS)
def test_every_recipe_begins_at_an_earlier_run(model: str, variant: dict[str, Value], recipe: str) -> None:
    system = "damped-pendulum" if "dissipative" in model else "mass-spring"
    network = {**SMALL, **variant}
    first = kept(experiment("sampled", model, system, network))
    after = kept(experiment(recipe, model, system, network, **BRIEF[recipe]), first)
    before, now = first.snapshot.weights, after.snapshot.weights
    # One step of Adam moves a weight by no more than its rate; closed forms keep all but the last layer.
    hidden = [name for name in now if "w0" in name or "b0" in name]
    for name in hidden:
        step = 4e-3 if recipe in ("paper", "adam") else 1e-6 if recipe != "lbfgs" else np.inf
        assert np.abs(np.asarray(now[name]) - before[name]).max() <= step + 1e-6 * np.abs(before[name]).max()
    if len(after.history.train):  # L-BFGS may find nothing better in single precision
        assert after.history.train[-1] < 3 * first.history.train[-1]
    assert after.started_from is not None
    assert (after.started_from.id, after.started_from.title) == (first.id, first.title)
    assert "after Sampled" in after.title


def test_where_it_began_is_written_and_read() -> None:
    first = kept(experiment("sampled"))
    after = kept(experiment("lbfgs", steps=2), first)
    assert read_run(run_files(after), "here").started_from == after.started_from
    assert read_run(run_files(first), "here").started_from is None
    assert after.summary()["started_from"] == first.id


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"width": 17}, "width 17"),
        ({"depth": 2}, "depth 2"),
        ({"activation": "sine"}, "activation sine"),
    ],
)
def test_another_network_is_plainly_refused(other: dict[str, Value], words: str) -> None:
    first = kept(experiment("sampled"))
    end = fitted(experiment("paper", network={**SMALL, **other}), first).end
    assert isinstance(end, Failed)
    assert "another architecture: it has the HNN of 1 degree of freedom with width 16, depth 1" in end.message
    assert words in end.message
    assert "choose a run of the same model and network" in end.message


def test_another_model_or_system_is_plainly_refused() -> None:
    first = kept(experiment("sampled"))
    for made in (experiment("sampled", "baseline"), experiment("sampled", system="double-pendulum")):
        end = fitted(made, first).end
        assert isinstance(end, Failed)
        assert "another architecture" in end.message


@pytest.mark.parametrize("model", ["pixel-hnn", "pixel-baseline"])
def test_models_of_frames_go_on_too_but_not_in_closed_form(model: str) -> None:
    network: dict[str, Value] = {"width": 12, "depth": 1, "features": 10}
    first = kept(experiment("adam", model, "pixel-pendulum", network, steps=60))
    made = experiment("paper", model, "pixel-pendulum", network, steps=1, **{"learning-rate": 1e-6})
    after = kept(made, first)
    frame_pairs = made.dataset().frame_pairs
    assert frame_pairs is not None
    before, now = (frame_metrics.loss_terms(run.snapshot, frame_pairs).loss for run in (first, after))
    np.testing.assert_allclose(now, before, rtol=0.01)
    end = fitted(experiment("sampled-film", model, "pixel-pendulum", network), first).end
    assert isinstance(end, Failed)
    assert "computes every layer" in end.message


def test_the_recipe_is_for_states() -> None:
    assert "choose paper or adam" in get_recipe("lbfgs").why_not("pixel-hnn")
