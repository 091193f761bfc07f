"""Training in the window: the button, the losses, ghosts that learn, pause, stop, and the same weights as elsewhere."""

import time
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMessageBox

from app.model.rollout_messages import Answer
from hnn_engine.experiment import model_spec
from hnn_engine.fit_run import FitRun
from hnn_engine.fitting import backend_choice
from hnn_engine.fitting.gradient.paper import PaperFit
from hnn_engine.kernels import cache as kernel_cache
from hnn_engine.models import MODELS
from hnn_engine.number_format import NO_BREAK
from hnn_engine.records import Run
from hnn_engine.snapshot import Snapshot
from tests.app.bench import CTRL, Bench, differ

LONG = 50_000  # steps: more than any test waits for


def run_of(bench: Bench, model: str) -> Run:
    """The newest run of a model."""
    return next(r for r in reversed(bench.document.state.runs) if r.snapshot.model == model)


def same_weights(a: Snapshot, b: Snapshot) -> bool:
    """Whether two snapshots hold the same numbers, to the last bit."""
    return a.weights.keys() == b.weights.keys() and all(np.array_equal(a.weights[n], b.weights[n]) for n in a.weights)


def steps_done(bench: Bench) -> int:
    """Steps of all fits together."""
    return sum(s.step for s in bench.lab.training.series.values())


async def begin(bench: Bench, steps: int = LONG, width: int = 32) -> None:
    """Press Train on small models and wait until both have made steps."""
    await bench.warm()
    bench.small_fit(steps, width)
    bench.click(bench.window.training.button)
    await bench.until(
        lambda: len(bench.lab.training.series) == 2 and all(s.step > 20 for s in bench.lab.training.series.values())
    )


@pytest.mark.usefixtures("unevaluated")
async def test_both_models_learn_and_the_hnn_keeps_its_energy(bench: Bench) -> None:
    await bench.warm()
    panel = bench.window.training
    bench.click(panel.section.more_button)
    await bench.frames(2)
    bench.set_number(panel.network, "width", "64")
    assert panel.settings is not None
    bench.set_number(panel.settings, "steps", "400")
    bench.set_number(panel.settings, "learning-rate", "0.01")
    assert bench.experiment.settings["steps"] == 400
    assert {m.settings["width"] for m in bench.experiment.models} == {64}
    await bench.train()
    assert panel.button.text() == "Train"
    for model in ("baseline", "hnn"):
        history = run_of(bench, model).history
        assert len(history.train) == 400
        assert history.train[-1] < 0.02 * history.train[0]
        assert history.test[-1] < 0.05 * history.train[0]
    drifts = {t.model: float(np.abs(t.drift).max()) for t in bench.answer.models}
    assert drifts["hnn"] < 0.5 * drifts["baseline"]
    assert drifts["hnn"] < 0.05
    sentence = bench.window.status.sentence.whole
    assert "HNN" in sentence
    assert "%" in sentence


@pytest.mark.usefixtures("unevaluated")
async def test_losses_and_ghosts_grow_on_screen(bench: Bench) -> None:
    await begin(bench)
    series = bench.lab.training.series
    fits = {s.info.model: key for key, s in series.items()}
    await bench.until(lambda: len(bench.answer.models) == 2, "ghosts")
    seen: dict[str, list[Snapshot]] = {"baseline": [], "hnn": []}
    answers: list[Answer] = []

    def on_answer(answer: Answer) -> None:
        if answer.models and all(t.live for t in answer.models):
            answers.append(answer)
            for shown in answer.request.models:
                seen[shown.model].append(shown.snapshot)

    bench.lab.answered.connect(on_answer)
    curve = bench.window.portrait.curves.items[fits["hnn"]][0]
    early = np.array(curve.data)
    await bench.until(lambda: len(answers) > 20, "twenty answers")
    bench.lab.answered.disconnect(on_answer)
    for snapshots in seen.values():
        fresh = [not same_weights(a, b) for a, b in pairwise(snapshots)]
        assert np.mean(fresh) > 0.8, "answers without new weights"
    assert differ(early, np.array(curve.data))
    x, _ = bench.window.loss._curves[fits["hnn"]][0].data
    await bench.until(lambda: bench.window.loss._curves[fits["hnn"]][0].data[0][-1] > x[-1], "a longer curve")
    bench.click(bench.window.training.stop_button)
    await bench.ended()


@pytest.mark.usefixtures("unevaluated")
async def test_field_and_contours_follow_the_weights(bench: Bench) -> None:
    await begin(bench)
    box = bench.window.portrait.field_of
    await bench.until(lambda: box.findData("hnn") > 0, "an HNN to choose")
    bench.choose(box, "hnn")
    await bench.until(lambda: bench.answer.request.field_of != "truth", "the HNN's field")
    first = bench.answer.field
    assert first is not None
    assert first.flow is not None
    before = first.flow.copy()

    def changed() -> bool:
        field = bench.answer.field
        return field is not None and field.flow is not None and differ(field.flow, before)

    await bench.until(changed, "another field")
    bench.click(bench.window.training.stop_button)
    await bench.ended()


async def test_pause_resume_and_stop(bench: Bench) -> None:
    await begin(bench)
    panel = bench.window.training
    assert panel.button.text() == "Pause"
    bench.click(panel.button)
    await bench.frames(10)
    assert panel.button.text() == "Resume"
    assert bench.lab.training.worker.paused
    done = steps_done(bench)
    await bench.frames(25)
    assert steps_done(bench) == done, "a step was made while it was paused"
    bench.click(panel.button)
    await bench.until(lambda: steps_done(bench) > done + 20, "more steps")
    bench.click(panel.stop_button)
    await bench.ended()
    await bench.settled()
    assert not panel.stop_button.isVisible()
    for model in ("baseline", "hnn"):
        run = run_of(bench, model)
        assert run.ending == "stopped"
        assert done / 2 - 2 <= run.steps < LONG
        assert len(run.history.train) == run.steps
        assert run.figures is not None
    assert {t.key for t in bench.answer.models} == {r.id for r in bench.document.state.runs}


@pytest.mark.usefixtures("unevaluated")
async def test_stop_works_while_paused(bench: Bench) -> None:
    await begin(bench)
    bench.click(bench.window.training.button)
    await bench.frames(5)
    bench.click(bench.window.training.stop_button)
    await bench.ended()
    assert [r.ending for r in bench.document.state.runs] == ["stopped", "stopped"]


@pytest.mark.usefixtures("unevaluated")
async def test_keys_train_and_stop(bench: Bench) -> None:
    await bench.warm()
    bench.small_fit(LONG)
    bench.key(Qt.Key.Key_T, CTRL)
    await bench.until(lambda: steps_done(bench) > 20, "steps")
    bench.key(Qt.Key.Key_T, CTRL)
    assert bench.lab.training.worker.paused
    bench.key(Qt.Key.Key_Period, CTRL)
    await bench.ended()
    assert len(bench.document.state.runs) == 2


@pytest.mark.parametrize("recipe", ["paper", "adam"])
@pytest.mark.usefixtures("unevaluated")
async def test_the_window_gives_the_same_weights_as_a_fit_alone(bench: Bench, recipe: str) -> None:
    await bench.warm()
    bench.choose(bench.window.training.recipe, recipe)
    bench.small_fit(150)
    bench.edit(seed=3)
    await bench.settled()
    experiment = bench.experiment
    await bench.train()
    data = experiment.dataset()
    for spec in experiment.models:
        alone = FitRun(replace(experiment, models=(spec,)), data)
        while alone.end is None:
            alone.advance()
        assert alone.end.snapshot is not None
        kept = run_of(bench, spec.name)
        assert same_weights(kept.snapshot, alone.end.snapshot)
        assert np.array_equal(kept.history.train, alone.history().train)


@pytest.mark.usefixtures("unevaluated")
async def test_fits_keep_their_weights_along_the_way_unless_that_is_switched_off(bench: Bench) -> None:
    await bench.warm()
    bench.small_fit(40, 8)
    await bench.train()
    kept = run_of(bench, "hnn")
    assert kept.training is not None
    assert (kept.training.steps[0], kept.training.steps[-1]) == (0, 40)
    (switch,) = (one for one in bench.window.findChildren(QAction) if one.text() == "Keep snapshots of fits")
    assert switch.isChecked()
    switch.trigger()
    bench.edit(seed=5)
    await bench.train()
    assert run_of(bench, "hnn").id != kept.id
    assert run_of(bench, "hnn").training is None


@pytest.mark.usefixtures("unevaluated")
async def test_a_fit_that_diverges_says_so_and_keeps_good_weights(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bench.warm()
    bench.small_fit(200)
    monkeypatch.setattr(PaperFit, "rate", lambda self, step: 1e-3 if step <= 40 else 1e30)
    await bench.train()
    notice = bench.window.notice.text()
    assert "Try a smaller learning rate" in notice
    assert "step 4" in notice
    for model in ("baseline", "hnn"):
        run = run_of(bench, model)
        assert run.ending == "failed"
        assert run.steps <= 41
        assert all(np.isfinite(w).all() for w in run.snapshot.weights.values())
        assert np.isfinite(bench.model(model).coords[:50]).all()
    assert bench.window.training.button.text() == "Train"


@pytest.mark.usefixtures("unevaluated")
async def test_settings_that_need_a_new_fit_are_named(bench: Bench) -> None:
    await bench.warm()
    bench.small_fit(20, 8)
    progress = bench.window.training.progress
    assert "Ready" in progress.text()
    await bench.train()
    assert progress.text() == "Fitted."
    bench.small_fit(30, 8)
    assert "steps" in progress.text()
    assert "Train to use it" in progress.text()
    bench.edit(data={**bench.experiment.data, "noise": 0.2}, seed=1)
    for word in ("noise", "seed", "steps"):
        assert word in progress.text()
    for _ in range(2):
        bench.document.undo()
    assert progress.text() == "Fitted."


@pytest.mark.usefixtures("unevaluated")
async def test_choosing_models(bench: Bench) -> None:
    await bench.warm()
    checks = bench.window.training.checks
    bench.small_fit(20, 8)
    bench.click(checks["baseline"])
    await bench.train(models=("hnn",))
    assert [r.snapshot.model for r in bench.document.state.runs] == ["hnn"]
    bench.click(checks["hnn"])
    assert checks["hnn"].isChecked(), "no model at all was accepted"
    assert "At least one model" in bench.window.notice.text()


async def test_the_list_of_models_folds_to_the_first_two_and_the_chosen(bench: Bench) -> None:
    models = bench.window.training.models

    def visible() -> set[str]:
        return {name for name, check in models.checks.items() if check.isVisible()}

    assert visible() == {"baseline", "hnn"}
    bench.click(models.opener)
    assert visible() == set(MODELS)
    bench.click(models.checks["separable-hnn"])
    bench.click(models.opener)
    assert visible() == {"baseline", "hnn", "separable-hnn"}
    assert [m.name for m in bench.experiment.models] == ["baseline", "hnn", "separable-hnn"]
    bench.document.undo()
    assert visible() == {"baseline", "hnn"}
    assert not models.checks["separable-hnn"].isChecked()


@pytest.mark.parametrize("size", [(1280, 800), (1440, 900)])
async def test_no_model_is_wider_than_the_column(bench: Bench, size: tuple[int, int]) -> None:
    models = bench.window.training.models
    bench.window.resize(*size)
    bench.window.share_room()
    bench.click(models.opener)
    await bench.frames(3)
    assert bench.window.training.width() <= bench.window.docks["controls"].widget().width()
    for check in models.checks.values():
        right = check.mapTo(bench.window.training, check.rect().topRight()).x()
        assert right < bench.window.training.width()


async def test_a_model_s_own_setting_shows_with_it_and_is_remembered(bench: Bench) -> None:
    panel = bench.window.training
    bench.click(panel.section.more_button)
    bench.click(panel.models.opener)
    form = panel.own["dissipative-hnn"]
    assert not form.isVisible()
    bench.click(panel.checks["dissipative-hnn"])
    await bench.frames(2)
    assert form.isVisible()
    combo = form.row("friction").combo
    assert combo is not None
    bench.choose(combo, "momentum")
    assert {m.name: m.settings.get("friction") for m in bench.experiment.models} == {
        "baseline": None,
        "hnn": None,
        "dissipative-hnn": "momentum",
    }
    bench.set_number(panel.network, "width", "48")
    assert {m.settings["width"] for m in bench.experiment.models} == {48}
    bench.click(panel.checks["dissipative-hnn"])
    assert not form.isVisible()
    bench.click(panel.checks["baseline"])
    bench.click(panel.checks["hnn"])
    assert "At least one model" in bench.window.notice.text()
    bench.click(panel.checks["dissipative-hnn"])
    (_, spec) = bench.experiment.models
    assert spec.settings == {"width": 48, "depth": 2, "activation": "tanh", "friction": "momentum"}
    assert form.isVisible()


async def test_a_model_that_does_not_apply_is_greyed_out_and_left_out(bench: Bench) -> None:
    panel = bench.window.training
    bench.click(panel.models.opener)
    check = panel.checks["second-order"]
    for name in ("second-order", "hnn", "baseline"):
        bench.click(panel.checks[name])
    assert [m.name for m in bench.experiment.models] == ["second-order"]
    await bench.pick("double-pendulum")
    assert "Second-order needs dq/dt = p/m" in bench.window.notice.text()
    assert [m.name for m in bench.experiment.models] == ["baseline", "hnn"]
    assert not check.isEnabled()
    assert "Second-order needs dq/dt = p/m" in check.toolTip()
    bench.document.undo()
    await bench.settled()
    assert check.isEnabled()
    assert check.isChecked()
    assert check.toolTip() == MODELS["second-order"].summary


@pytest.mark.usefixtures("unevaluated")
async def test_every_family_trains_and_its_field_can_be_shown(bench: Bench) -> None:
    await bench.warm()
    panel, field_of = bench.window.training, bench.window.portrait.field_of
    assert [field_of.itemData(i) for i in range(field_of.count())] == ["truth"], "there is no other field yet"
    bench.click(panel.models.opener)
    families = [name for name, model in MODELS.items() if not model.observes_frames]
    for name in families[2:]:
        bench.click(panel.checks[name])
    bench.small_fit(30, 8)
    await bench.train(models=families)
    assert {t.model for t in bench.answer.models} == set(families)
    assert all(np.isfinite(t.coords[:5]).all() for t in bench.answer.models)
    assert [field_of.itemData(i) for i in range(field_of.count())] == ["truth", *families]
    bench.click(panel.checks["mixed-hnn"])
    assert field_of.findData("mixed-hnn") > 0, "it is not chosen, but shown"
    state = bench.document.state
    bench.document.edit_runs(state.runs, state.shown - {run_of(bench, "mixed-hnn").id}, "Hide a run")
    assert field_of.findData("mixed-hnn") < 0
    bench.choose(field_of, "second-order")
    await bench.settled()
    field = bench.answer.field
    assert field is not None
    assert field.flow is not None
    assert np.isfinite(field.flow).all()


async def test_an_integrator_that_a_model_forbids_is_greyed_out_with_its_reason(bench: Bench) -> None:
    combo = bench.window.training.rollout.row("integrator").combo
    assert combo is not None
    item = combo.model().item(combo.findData("stormer-verlet"))  # type: ignore[attr-defined]
    assert not item.isEnabled()
    assert "T(p) + V(q)" in item.toolTip()
    truth = bench.window.training.rollout.row("truth").combo
    assert truth is not None
    assert truth.model().item(truth.findData("stormer-verlet")).isEnabled()  # type: ignore[attr-defined]
    await bench.pick("double-pendulum")
    assert not truth.model().item(truth.findData("stormer-verlet")).isEnabled()  # type: ignore[attr-defined]


@pytest.mark.usefixtures("unevaluated")
async def test_another_system_can_be_looked_at_while_a_fit_goes_on(bench: Bench) -> None:
    await begin(bench)
    await bench.pick("mass-spring")
    assert bench.lab.training.worker.running
    assert bench.answer.models == ()
    done = steps_done(bench)
    await bench.until(lambda: steps_done(bench) > done, "steps")
    await bench.until(lambda: "Pendulum" in bench.window.training.progress.text(), "whose steps these are")
    bench.click(bench.window.training.stop_button)
    await bench.ended()
    assert {r.experiment.source_name for r in bench.document.state.runs} == {"pendulum"}
    bench.document.undo()
    await bench.settled()
    assert len(bench.answer.models) == 2


class TestClosing:
    @pytest.mark.usefixtures("unevaluated")
    async def test_leaves_no_thread_and_keeps_what_was_fitted(self, bench: Bench) -> None:
        await begin(bench)
        bench.click(bench.window.training.button)
        await bench.frames(3)
        done = {s.info.model: s.step for s in bench.lab.training.series.values()}
        await bench.close()
        assert not bench.lab.training.worker.running
        for model, steps in done.items():
            run = run_of(bench, model)
            assert steps <= run.steps <= steps + 1
            assert all(np.isfinite(w).all() for w in run.snapshot.weights.values())

    @pytest.mark.usefixtures("unevaluated")
    async def test_a_fit_under_way_is_asked_about(self, bench: Bench) -> None:
        """Even where nothing else is unsaved: what it has reached would be lost."""
        await begin(bench)
        bench.document._saved = bench.document.state
        bench.window.close()
        box = await bench.dialog(QMessageBox)
        await bench.press_button(box.button(QMessageBox.StandardButton.Cancel))
        assert not bench.window.closed.is_set()
        assert bench.window.isVisible()
        bench.window.close()
        box = await bench.dialog(QMessageBox)
        await bench.press_button(box.button(QMessageBox.StandardButton.Discard))
        await bench.until(bench.window.closed.is_set, "leave to close")


async def test_a_fit_that_has_no_torch_says_that_it_waits_for_the_compiler(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = bench.window.training

    def load(interrupt: Callable[[], bool] = lambda: False, first: str = "") -> bool:
        while not interrupt():
            time.sleep(0.01)
        return False

    monkeypatch.setattr(kernel_cache, "load", load)
    monkeypatch.setattr(kernel_cache, "_loops", None)
    monkeypatch.setattr(kernel_cache, "progress", lambda: 0.25)
    monkeypatch.setattr(kernel_cache, "seconds_left", lambda: 15.0)
    monkeypatch.setattr(backend_choice, "must_compile", lambda by_gradient: True)
    bench.click(panel.button)
    await bench.until(lambda: "Compiling" in panel.progress.text(), "the compiler's progress")
    assert f"15{NO_BREAK}s left" in panel.progress.text()
    assert panel.bar.value() == 25
    bench.click(panel.stop_button)
    await bench.until(lambda: not bench.lab.training.worker.running, "the end of the job")
    assert bench.document.state.runs == ()


@pytest.mark.parametrize("recipe", ["sampled", "denoise"])
async def test_a_closed_form_says_how_many_steps_it_takes_and_stays_with_truth(bench: Bench, recipe: str) -> None:
    bench.choose(bench.window.training.recipe, recipe)
    width = {"width": 40, "depth": 1}
    models = tuple(model_spec(m.name, width) for m in bench.experiment.models)
    bench.lab.edit("Make it small", models=models)
    bench.click(bench.window.training.button)
    await bench.until(lambda: any(s.step for s in bench.lab.training.series.values()), "a step")
    assert all(s.step <= s.info.steps for s in bench.lab.training.series.values() if s.step)
    await bench.ended()
    await bench.settled()
    run = run_of(bench, "hnn")
    assert run.experiment.recipe == recipe
    assert run.ending == "finished"
    assert np.abs(bench.model("hnn").coords[-1] - bench.truth[-1]).max() < 0.5


async def test_the_ridge_is_greyed_out_while_the_data_choose_it(bench: Bench) -> None:
    training = bench.window.training
    bench.choose(training.recipe, "sampled")
    assert training.settings is not None
    ridge = training.settings.row("ridge").controls()[0]
    assert not ridge.isEnabled()
    bench.choose(training.settings.row("regularisation").controls()[0], "the ridge below")
    assert bench.experiment.settings["regularisation"] == "fixed"
    assert ridge.isEnabled()


async def test_a_fit_goes_on_from_the_shown_runs_and_another_network_is_refused(bench: Bench) -> None:
    panel = bench.window.training
    bench.small_fit(steps=30)
    assert not panel.begin_row.isVisible()
    await bench.train()
    first = {r.snapshot.model: r for r in bench.document.state.runs}
    assert panel.begin_row.isVisible()
    bench.choose(panel.beginning, "Shown runs")
    panel.beginning.activated.emit(panel.beginning.currentIndex())
    assert bench.document.view.warm_start
    bench.small_fit(steps=5)
    await bench.train()
    after = {r.snapshot.model: r for r in bench.document.state.applicable()}
    for model, run in after.items():
        assert run.started_from is not None
        assert run.started_from.id == first[model].id
        assert run.history.train[0] < first[model].history.train[0]
    said: list[str] = []
    bench.lab.noticed.connect(lambda text, _: said.append(text))
    bench.small_fit(steps=5, width=33)
    bench.click(panel.button)
    assert not bench.lab.training.worker.running
    assert any("another architecture" in text for text in said)
    assert len(bench.document.state.runs) == 4


async def test_a_fit_that_begins_before_the_loops_are_there_is_torch_s_to_the_end(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    loops = kernel_cache.loops()
    monkeypatch.setattr(kernel_cache, "_loops", None)
    monkeypatch.setattr(kernel_cache.disk_cache, "is_ready", lambda: False)
    bench.small_fit(steps=60)
    bench.click(bench.window.training.button)
    await bench.until(lambda: any(s.step for s in bench.lab.training.series.values()), "a step")
    monkeypatch.setattr(kernel_cache, "_loops", loops)
    await bench.ended()
    assert {run.backend for run in bench.document.state.runs} == {"torch"}
    await bench.train()
    assert "compiled" in {run.backend for run in bench.document.state.runs}
