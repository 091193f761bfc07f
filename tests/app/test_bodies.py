"""The number of bodies as a slider: other coordinates, another scene. Nothing of the old one is drawn or held."""

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPointF
from PySide6.QtGui import QImage

from app.model.document import State
from app.panels.portrait.curves import tracks_of
from app.widgets.number_slider import NumberSlider
from hnn_engine.experiment import new_experiment
from hnn_engine.systems import get_system
from tests.app.bench import CTRL, Bench, Qt

LOW, HIGH = 2, 32


async def stand(bench: Bench, bodies: int = 5) -> None:
    """Show n bodies with little data, and let them play."""
    experiment = new_experiment("n-body", {"bodies": bodies})
    few = {**experiment.data, "trajectories": 6, "points": 5}
    bench.document.reset(State(replace(experiment, data=few)), None)
    await bench.settled()
    bench.lab.playback.set_playing(True)
    await bench.until(lambda: bench.lab.playback.time > 0.1, "play")


def slider(bench: Bench) -> NumberSlider:
    form = bench.window.system._form
    assert form is not None
    found = form.row("bodies").slider
    assert found is not None
    return found


def place_of(bench: Bench, bodies: int) -> QPointF:
    """Where the slider's handle is at so many bodies."""
    widget = slider(bench)
    share = (bodies - LOW) / (HIGH - LOW)
    return QPointF(8 + share * (widget.width() - 16), widget.height() / 2)


async def slide(bench: Bench, *stops: int) -> None:
    """Take the handle from where it is to each of `stops` in turn, looking at the window at every stop; let it go."""
    widget, now = slider(bench), place_of(bench, number(bench))
    bench.press(widget, now)
    for stop in stops:
        bench.move(widget, place_of(bench, stop))
        assert number(bench) == stop
        for _ in range(8):
            await bench.frames(1)
            assert_one_size(bench)
    bench.release(widget, place_of(bench, stops[-1]))
    await bench.settled()
    assert_one_size(bench)


def number(bench: Bench) -> int:
    """How many bodies the experiment has."""
    system = bench.experiment.system
    assert system is not None
    return int(system.bodies)


def assert_one_size(bench: Bench) -> None:
    """Whatever is on screen has as many coordinates as the experiment."""
    count, window = number(bench), bench.window
    assert len(bench.experiment.start) == 4 * count
    scene, portrait = window.scene, window.portrait
    for path in (scene._truth, *scene._paths):
        assert path is None or path.at.shape[1] == count
    for track in tracks_of(bench.lab.answer):
        assert track.coords.shape[1] == 4 * count
    assert portrait.x_axis.count() == portrait.y_axis.count() == 4 * count
    assert portrait.x_axis.currentText() == "x₁"
    assert portrait.y_axis.currentText() == "px₁"
    if bench.lab.answer is None:
        assert portrait.curves.items == window.energy._curves == window.error._curves == {}
    assert window.grab().width() > 0  # everything is painted, cards too


async def test_the_slider_moves_from_five_to_three_to_eight_while_playing(bench: Bench) -> None:
    await stand(bench)
    before, label = bench.experiment, bench.document.undo_label
    await slide(bench, 4, 3, 5, 8)
    assert number(bench) == 8
    assert bench.lab.playback.playing
    assert bench.truth.shape == (501, 32)
    assert bench.experiment.start == tuple(get_system("n-body", {"bodies": 8}).default_start)
    assert bench.lab.dataset is not None
    assert bench.lab.dataset.coords.shape == (30, 32)
    assert "8 bodies" in bench.window.windowTitle()
    assert bench.document.undo_label == "Change bodies"
    bench.key(Qt.Key.Key_Z, CTRL)
    await bench.settled()
    assert_one_size(bench)
    assert bench.experiment == before
    assert bench.document.undo_label == label
    await slide(bench, 2, 32)
    assert bench.truth.shape == (501, 128)


@pytest.mark.parametrize("bodies", [3, 8])
async def test_a_body_of_many_is_dragged_and_stays_under_the_pointer(bench: Bench, bodies: int) -> None:
    await stand(bench)
    await slide(bench, bodies)
    scene, body = bench.window.scene, bodies - 1
    bench.lab.playback.set_playing(False)
    bench.lab.playback.restart()
    await bench.until(lambda: scene._bounds == scene._target, "a scene at rest")
    before, momenta = bench.truth.copy(), bench.experiment.start[2 * bodies :]

    def pixel() -> QPointF:
        x, y = bench.experiment.scene.positions(np.array(bench.experiment.start)[: 2 * bodies])[body]
        return scene.view.pixel((float(x), float(y)))

    grabbed = QPointF(pixel().toPoint())
    offset, by = pixel() - grabbed, QPointF(30.0, 35.0)
    bench.press(scene, grabbed)
    for i in range(1, 7):
        bench.move(scene, grabbed + by * (i / 6))
        gap = pixel() - offset - grabbed - by * (i / 6)
        assert np.hypot(gap.x(), gap.y()) < 0.75
        await bench.frames(1)
    bench.release(scene, grabbed + by)
    await bench.settled()
    assert bench.experiment.start[2 * bodies :] == momenta
    assert np.abs(bench.truth[-1] - before[-1]).max() > 0.01


async def test_what_a_hand_holds_goes_with_its_stage(bench: Bench) -> None:
    await stand(bench)
    await slide(bench, 8)
    scene = bench.window.scene
    bench.lab.playback.set_playing(False)
    bench.lab.playback.restart()
    await bench.until(lambda: scene._bounds == scene._target, "a scene at rest")
    x, y = bench.experiment.scene.positions(np.array(bench.experiment.start)[:16])[7]
    at = scene.view.pixel((float(x), float(y)))
    bench.press(scene, at)
    bench.move(scene, at + QPointF(9.0, 0.0))
    for _ in range(2):  # the move is taken back, and then the slider
        bench.document.undo()
    assert number(bench) == 5
    bench.move(scene, at + QPointF(18.0, 4.0))
    await bench.frames(2)
    bench.release(scene, at + QPointF(18.0, 4.0))
    await bench.settled()
    assert not bench.lab.drag.active
    assert_one_size(bench)


@pytest.mark.usefixtures("unevaluated")
async def test_a_fit_stays_with_its_number_of_bodies(bench: Bench) -> None:
    await stand(bench)
    await slide(bench, 3)
    await bench.warm()
    bench.small_fit(15, 8)
    await bench.train()
    runs = bench.document.state.runs
    assert [r.snapshot.dof for r in runs] == [6, 6]
    assert len(bench.window.loss._curves) == 2
    await slide(bench, 8)
    assert bench.answer.models == ()
    assert bench.window.loss._curves == {}
    model = bench.window.runs.model
    assert model.index(0, 0).data().startswith("3 bodies: ")
    bench.small_fit(15, 8)
    await bench.train()
    assert [r.snapshot.dof for r in bench.document.state.runs] == [6, 6, 16, 16]
    assert bench.document.state.shown == {r.id for r in bench.document.state.runs}  # neither replaces the other
    await slide(bench, 3)
    assert {t.key for t in bench.answer.models} == {r.id for r in runs}
    assert model.index(0, 0).data().startswith("8 bodies: ")


async def test_a_fit_under_way_is_not_drawn_over_other_bodies(bench: Bench) -> None:
    await stand(bench)
    await bench.warm()
    bench.small_fit(100_000, 8)
    bench.click(bench.window.training.button)
    await bench.until(lambda: bench.lab.answer is not None and bench.answer.models, "models that learn")
    await slide(bench, 3)
    assert bench.answer.models == ()
    await bench.until(lambda: "5 bodies: step" in bench.window.training.progress.text(), "whose fit it is")
    bench.click(bench.window.training.stop_button)
    await bench.ended()
    assert {r.snapshot.dof for r in bench.document.state.runs} == {10}
    assert_one_size(bench)


async def test_the_card_draws_as_many_bodies_as_there_are(bench: Bench) -> None:
    await stand(bench)
    card = bench.window.system.cards.card("n-body")
    pictures: list[QImage] = []
    for bodies in (5, 3, 12):
        if bodies != number(bench):
            await slide(bench, bodies)
        await bench.until(lambda: len(card._q) == 2 * number(bench), "the card's own bodies")
        pictures.append(card.grab().toImage())
    assert pictures[0] != pictures[1] != pictures[2]
