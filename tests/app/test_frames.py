"""The frames of what a camera sees: the dock that shows them, what is in its tiles, and the hand in the camera's."""

import math
import weakref
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt

from app.model.document import State
from app.widgets.frame_tiles import Tile, grey_bytes
from hnn_engine.experiment import Experiment, ModelSpec, carried_models, model_spec, new_experiment
from hnn_engine.frame_metrics import autoencoder_of
from hnn_engine.frames.frame_pairs import camera_of, pair_at
from hnn_engine.frames.frozen_autoencoder import FrozenAutoencoder, fit_map
from hnn_engine.initial_frames import initial_condition, pair_of_frames
from hnn_engine.models import get_model
from hnn_engine.models.pixels import PixelModel
from hnn_engine.records import Run
from hnn_engine.records.run import History
from hnn_engine.snapshot import Snapshot
from tests.app.bench import CTRL, SHIFT, Bench

SIZE = 12
SMALL = {"width": 6, "depth": 1, "features": 8}


def film() -> Experiment:
    """The pixel pendulum with few and small frames."""
    experiment = new_experiment("pixel-pendulum")
    models = tuple(model_spec(m.name, SMALL) for m in experiment.models)
    few = {**experiment.data, "trajectories": 2, "frames": 8, "size": SIZE}
    return replace(experiment, data=few, models=models, rollout=replace(experiment.rollout, horizon=2.0))


def untrained(experiment: Experiment, spec: ModelSpec) -> Run:
    """A run of a model that has seen frames and learned nothing."""
    model, rng = get_model(spec.name), np.random.default_rng(3)
    assert isinstance(model, PixelModel)
    system = experiment.system
    assert system is not None
    eyes = model.initial_autoencoder(spec.settings, 2 * SIZE**2, rng)
    states = rng.uniform(-0.5, 0.5, (20, 2))
    pairs = np.stack([pair_at(system, camera_of(experiment.data), x) for x in states])
    z = FrozenAutoencoder(eyes, np.eye(2), np.zeros(2), 0.05).encode(pairs)
    matrix, offset = fit_map(z, states)
    weights = model.moved(model.initial_weights(1, spec.settings, rng), matrix, offset, 0.05)
    snapshot = Snapshot(spec.name, 1, spec.settings, weights, autoencoder=FrozenAutoencoder(eyes, matrix, offset, 0.05))
    none = np.empty(0)
    history = History(none, none, none, none)
    own = replace(experiment, models=(spec,))
    return Run(spec.name, spec.name, own, snapshot, history, None, "finished", "done", 1, 0.1, "2026-01-01")


async def show(bench: Bench, trained: bool = True) -> Experiment:
    """Show the film, paused at its start, with both models or none."""
    experiment = film()
    runs = tuple(untrained(experiment, spec) for spec in experiment.models) if trained else ()
    bench.document.reset(State(experiment, runs, frozenset(r.id for r in runs)), None)
    bench.lab.playback.set_playing(False)
    bench.lab.playback.restart()
    await bench.settled()
    bench.window.frames.grab()
    return experiment


def tile(bench: Bench, index: int) -> Tile:
    """A tile as it is painted now: a repaint may have to wait for the rollouts."""
    bench.window.frames.grab()
    return bench.window.frames.tiles[index]


def snapshots(bench: Bench) -> list[Snapshot]:
    return [m.snapshot for m in bench.answer.request.models]


async def test_what_is_said_lies_over_the_frames_that_come_and_the_scene_that_comes_back(bench: Bench) -> None:
    window = bench.window

    def covered() -> bool:
        order = window.children()  # the last one lies on top
        return any(order.index(window.docks[name]) > order.index(window.notice) for name in ("scene", "frames"))

    bench.lab.live_fit.set_on(True)
    await bench.pick("pixel-pendulum")
    await bench.until(lambda: window.notice.isVisible(), "a word that the live fit has ended")
    assert not covered()
    await bench.pick("pendulum")
    bench.lab.noticed.emit("Something else", True)
    await bench.pick("pixel-pendulum")
    assert window.notice.isVisible()
    assert not covered()


async def test_the_dock_and_the_forms_come_and_go_with_the_camera(bench: Bench) -> None:
    window, dock = bench.window, bench.window.docks["frames"]
    assert not dock.isVisible()
    assert not dock.toggleViewAction().isVisible()
    bench.document.reset(State(film()), None)
    await bench.settled()
    assert window.frames.visibleRegion().isEmpty() is False
    assert window.scene.visibleRegion().isEmpty()
    assert dock.toggleViewAction().isVisible()
    assert window.data.film is not None
    assert window.data.film.isVisible()
    assert not window.data.simulated.isVisible()
    assert window.data.film.values()["frames"] == 8
    assert f"{SIZE} × {SIZE} pixels" in window.data.facts.toolTip()
    assert window.training.own["pixel-hnn"].row("features").value == 8
    bench.set_number(window.data.film, "start-angle", "45")
    assert bench.experiment.data["start-angle"] == 45.0
    await bench.settled()
    await bench.pick("pendulum")
    assert not dock.isVisible()
    assert not dock.toggleViewAction().isVisible()
    assert not window.scene.visibleRegion().isEmpty()
    assert window.data.simulated.isVisible()
    assert not window.data.film.isVisible()
    assert [m.name for m in bench.experiment.models] == ["baseline", "hnn"]
    bench.document.undo()
    await bench.settled()
    assert not window.frames.visibleRegion().isEmpty()
    bench.key(Qt.Key.Key_0, CTRL)  # the layout as it was at first
    assert not window.frames.visibleRegion().isEmpty()


async def test_without_a_model_the_tiles_say_what_to_do(bench: Bench) -> None:
    experiment = await show(bench, trained=False)
    camera, *others = bench.window.frames.tiles
    assert camera.picture is not None
    assert np.array_equal(camera.picture, camera_of(experiment.data).render(np.array(experiment.start[:1]))[0])
    assert len(others) == 3
    assert all(t.picture is None and t.hint.startswith("Train") for t in others)


async def test_tiles_show_what_the_engine_paints(bench: Bench) -> None:
    experiment = await show(bench)
    panel, camera = bench.window.frames, camera_of(experiment.data)
    bench.lab.playback.seek(0.7)
    seen, again, *painted = [tile(bench, i).picture for i in range(4)]
    assert bench.answer.truth is not None
    pair = pair_of_frames(experiment, bench.lab.state_of(bench.answer.truth), SIZE)
    assert seen is not None
    assert again is not None
    assert pair is not None
    assert np.array_equal(seen, pair[0])
    autoencoder = autoencoder_of(snapshots(bench)[1])
    assert np.array_equal(again, autoencoder.painted(autoencoder.encode(pair[None]))[0])
    bench.document.set_view(field="pixel-baseline")
    await bench.settled()
    other = autoencoder_of(snapshots(bench)[0])
    assert np.array_equal(tile(bench, 1).picture, other.painted(other.encode(pair[None]))[0])  # type: ignore[arg-type]
    for picture, shown, track in zip(painted, snapshots(bench), bench.answer.models, strict=True):
        assert picture is not None
        assert np.array_equal(picture, autoencoder_of(shown).picture(bench.lab.state_of(track)[None])[0])
    image, place = panel.grab().toImage(), panel.grid.picture(3)
    pixel = place.width() / SIZE
    assert pixel == int(pixel), "all pixels of a picture are alike"
    shown_grey = [
        [image.pixelColor((place.topLeft() + QPointF(x + 0.5, y + 0.5) * pixel).toPoint()).red() for x in range(SIZE)]
        for y in range(SIZE)
    ]
    assert painted[1] is not None
    assert np.array_equal(shown_grey, grey_bytes(painted[1]))
    assert camera.size == SIZE


async def test_a_hand_in_the_camera_s_picture_moves_the_start(bench: Bench) -> None:
    await show(bench)
    panel, before = bench.window.frames, bench.document.state
    at = panel.rod_point(0.8)
    bench.press(panel, at)
    for turn in (0.2, 0.4, 0.6):
        pivot = panel.rod_point(0.0)
        arm = at - pivot
        to = QPointF(
            arm.x() * math.cos(turn) + arm.y() * math.sin(turn), arm.y() * math.cos(turn) - arm.x() * math.sin(turn)
        )
        bench.move(panel, pivot + to)
        assert bench.experiment.start == pytest.approx((0.5 + turn, 0.0), abs=1e-6), "the rod stays under the pointer"
        pair = pair_of_frames(bench.experiment, np.array(bench.experiment.start), SIZE)
        assert pair is not None
        assert np.array_equal(grey_bytes(tile(bench, 0).picture), pair[0])  # type: ignore[arg-type]
        for i, shown in enumerate(snapshots(bench), 2):
            wanted = autoencoder_of(shown).picture(autoencoder_of(shown).encode_coords(pair[None]))[0]
            assert np.allclose(tile(bench, i).picture, wanted, atol=1e-5)  # type: ignore[arg-type]
        await bench.frames(1)
    bench.release(panel, pivot + to)
    await bench.settled()
    assert bench.document.undo_label == "Move the start"
    for track, shown in zip(bench.answer.models, snapshots(bench), strict=True):
        assert track.coords[0] == pytest.approx(initial_condition(bench.experiment, shown)), (
            "rollouts begin at what is seen"
        )
    bench.document.undo()
    assert bench.document.state is before
    bench.press(panel, at)
    bench.move(panel, at + QPointF(20, -10))
    assert bench.document.state is not before
    bench.key(Qt.Key.Key_Escape, widget=panel)
    assert bench.document.state is before
    assert not bench.lab.drag.active
    bench.press(panel, panel.grid.picture(3).center())  # what a model paints is not to be held
    bench.move(panel, panel.grid.picture(3).center() + QPointF(20, -10))
    assert bench.document.state is before
    bench.key(Qt.Key.Key_Right, widget=panel)
    bench.key(Qt.Key.Key_Right, SHIFT, widget=panel)
    assert math.degrees(bench.experiment.start[0] - 0.5) == pytest.approx(2.2)


async def test_a_tile_says_how_long_its_film_stays_in_step(bench: Bench) -> None:
    await show(bench)
    assert [t.in_step for t in bench.answer.models] == [0, 0], "who has learned nothing paints no rod"
    said = bench.window.status.sentence.whole
    assert said.count(" frames in step") == 2
    assert "0 of " in said
    assert "keeps" not in said, "an energy of frames that show nothing says nothing"
    assert "out of step" in tile(bench, 2).figures[0]
    answer = bench.answer
    bench.lab.rollouts.answer = replace(answer, models=tuple(replace(t, in_step=30) for t in answer.models))
    for seconds, words in ((0.0, "for 1 frame ·"), (1.45, "for 30 frames ·"), (1.5, "lost step at 1.5\u00a0s ·")):
        bench.lab.playback.seek(seconds)
        assert words in tile(bench, 3).figures[0], seconds


def test_models_of_frames_and_of_states_do_not_mix_by_themselves() -> None:
    plain, seen = new_experiment("pendulum"), new_experiment("pixel-pendulum")
    assert carried_models(plain.models, seen) == seen.models
    assert carried_models(seen.models, plain) == plain.models
    one = (model_spec("hnn"),)
    assert carried_models(one, new_experiment("double-pendulum")) == one


async def test_film_settings_are_offered_and_a_pair_of_models_leads(bench: Bench) -> None:
    await show(bench, trained=False)
    checks = bench.window.training.checks
    assert checks["pixel-hnn"].isVisible()
    assert not checks["hnn"].isVisible()
    bench.click(bench.window.training.models.opener)
    assert checks["hnn"].isVisible()
    assert checks["hnn"].isEnabled()
    await bench.pick("pendulum")
    assert not checks["pixel-hnn"].isEnabled()
    assert "not observed as frames" in checks["pixel-hnn"].toolTip()


async def test_a_closed_form_is_offered_to_models_that_see_frames_alone(bench: Bench) -> None:
    await show(bench, trained=False)
    training, heard = bench.window.training, []
    bench.lab.noticed.connect(lambda text, bad: heard.append((text, bad)))
    bench.choose(training.recipe, "sampled-film")
    assert dict(bench.experiment.settings) == {"ridge": 1e-9}
    bench.click(training.models.opener)
    bench.click(training.checks["hnn"])
    assert heard.pop() == (
        "The recipe sampled-film is for models of frames, not for the HNN: choose paper "
        "or adam or lbfgs or sampled or denoise",
        True,
    )
    assert not training.checks["hnn"].isChecked()
    bench.click(training.button)  # on films that are too short for it
    await bench.until(lambda: heard, "a word about it")
    await bench.ended()
    assert "a closed form needs at least 100" in heard[0][0]
    assert not bench.document.state.runs
    await bench.pick("pendulum")
    assert bench.experiment.recipe == "sampled"
    entry = training.recipe.findData("sampled-film")
    assert not training.recipe.model().flags(training.recipe.model().index(entry, 0)) & Qt.ItemFlag.ItemIsEnabled
    assert "for models of frames" in training.recipe.itemData(entry, Qt.ItemDataRole.ToolTipRole)


async def test_models_that_are_gone_are_let_go(bench: Bench) -> None:
    await show(bench)
    eyes = [weakref.ref(autoencoder_of(run.snapshot)) for run in bench.document.state.runs]
    assert len(eyes) == 2
    bench.document.reset(State(new_experiment("pendulum")), None)
    await bench.settled()
    assert [eye() for eye in eyes] == [None, None]


@pytest.mark.parametrize("deleted", [True, False])
async def test_runs_that_are_deleted_or_hidden_keep_their_weights_alone(deleted: bool, bench: Bench) -> None:
    await show(bench)
    runs = bench.document.state.runs
    assert all("_layout" in vars(run.snapshot) for run in runs)
    bench.document.edit_runs(() if deleted else runs, frozenset(), "Put them away")
    await bench.settled()
    assert not any("_layout" in vars(run.snapshot) for run in runs)
