"""The latents of a model that sees frames, in the phase portrait: where they are, their map, and the hand on them."""

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt

from app.panels.portrait.projection import LatentChart, StateChart, grown, map_words
from hnn_engine.experiment import model_spec
from hnn_engine.frames.frame_pairs import camera_of, pair_at, pairs_at
from hnn_engine.frames.frozen_autoencoder import FrozenAutoencoder
from hnn_engine.phase_portrait import Latents
from tests.app.bench import CTRL, Bench

pytestmark = pytest.mark.usefixtures("unevaluated")
FEW = {"trajectories": 5, "frames": 12, "size": 10}
MODELS = ("pixel-baseline", "pixel-hnn")


async def seeing(bench: Bench) -> None:
    """Fit small models to a small film and show the latents of one."""
    await bench.pick("pixel-pendulum")
    small = {"features": 16, "width": 16}
    bench.edit(data={**bench.experiment.data, **FEW}, models=tuple(model_spec(name, small) for name in MODELS))
    bench.edit(settings={**bench.experiment.settings, "steps": 40, "batch": 0})
    await bench.settled()
    await bench.warm()
    await bench.train(MODELS)
    bench.click(bench.window.portrait.switches["latents"])
    await bench.settled()


def chart(bench: Bench) -> LatentChart:
    found = bench.window.portrait.chart
    assert isinstance(found, LatentChart)
    return found


def autoencoder(bench: Bench, model: str = "pixel-hnn") -> FrozenAutoencoder:
    (run,) = [r for r in bench.document.state.runs if r.snapshot.model == model]
    assert run.snapshot.autoencoder is not None
    return run.snapshot.autoencoder


async def test_latents_of_the_hnn_are_shown_with_the_data_as_it_encodes_them(bench: Bench) -> None:
    await seeing(bench)
    portrait, data, own = bench.window.portrait, bench.lab.dataset, autoencoder(bench)
    assert chart(bench).latents.autoencoder is own
    assert data is not None
    assert data.frame_pairs is not None
    encoded = own.encode(data.frame_pairs.pairs(data.train))
    drawn = np.column_stack(portrait.dots.given.data)
    np.testing.assert_allclose(drawn, encoded, atol=1e-5)
    (x0, x1), (y0, y1) = portrait.plot.ranges
    assert x0 < encoded[:, 0].min() < encoded[:, 0].max() < x1
    assert y0 < encoded[:, 1].min() < encoded[:, 1].max() < y1
    assert "Pixel HNN: q = " in portrait.words.toolTip()
    # Rollouts are the model's own, through its map; truth's are its frames, encoded.
    track = bench.model("pixel-hnn")
    line = portrait.curves.items[track.key][0]
    np.testing.assert_allclose(np.column_stack(line.data), own.latents(track.coords), atol=1e-9)
    system = bench.experiment.system
    assert system is not None
    pair = pair_at(system, camera_of(bench.experiment.data), bench.truth[7])
    drawn = np.column_stack(portrait.curves.items["truth"][0].data)
    np.testing.assert_allclose(drawn[7], own.encode(pair[None])[0], atol=1e-5)


async def test_the_field_of_choice_chooses_the_latents_and_switching_back_shows_coordinates(bench: Bench) -> None:
    await seeing(bench)
    bench.document.set_view(field="pixel-baseline")
    await bench.settled()
    assert chart(bench).latents.autoencoder is autoencoder(bench, "pixel-baseline")
    bench.click(bench.window.portrait.switches["latents"])
    await bench.settled()
    assert isinstance(bench.window.portrait.chart, StateChart)
    assert not bench.window.portrait.words.isVisible()
    x, _ = bench.window.portrait.plot.ranges
    assert x == pytest.approx([-np.pi / 2, np.pi / 2])


async def test_models_of_another_camera_see_the_states_of_the_data_at_their_own_size(bench: Bench) -> None:
    await seeing(bench)
    own = autoencoder(bench)
    bench.edit(data={**bench.experiment.data, "size": 12})
    await bench.settled()
    data, system = bench.lab.dataset, bench.experiment.system
    assert data is not None
    assert data.frame_pairs is not None
    assert data.frame_pairs.size == 12
    assert system is not None
    assert own.size == 10
    encoded = own.encode(pairs_at(system, camera_of(bench.experiment.data, 10), data.coords[data.train]))
    drawn = np.column_stack(bench.window.portrait.dots.given.data)
    np.testing.assert_allclose(drawn, encoded, atol=1e-4)
    assert not bench.unforeseen


async def test_a_drag_in_the_latents_begins_the_rollout_just_there(bench: Bench) -> None:
    await seeing(bench)
    portrait, own = bench.window.portrait, autoencoder(bench)
    before, start = bench.experiment.start, portrait.start_pixel()
    await bench.drag(portrait.plot, start, start + QPointF(40, -30))
    await bench.settled()
    assert bench.experiment.rollout.begin == "latents"
    dragged = own.latents(np.array(bench.experiment.start))
    np.testing.assert_allclose([portrait.start.at.x(), portrait.start.at.y()], dragged, atol=1e-9)
    np.testing.assert_allclose(own.latents(bench.model("pixel-hnn").coords[0]), dragged, atol=1e-9)
    assert (portrait.start_pixel() - start - QPointF(40, -30)).manhattanLength() < 3
    bench.key(Qt.Key.Key_Z, CTRL)
    assert bench.experiment.start == before
    assert bench.experiment.rollout.begin == "frames"


async def test_a_drag_of_the_pendulum_lets_models_look_again(bench: Bench) -> None:
    await seeing(bench)
    bench.edit(rollout=bench.experiment.rollout.__class__(**{**bench.experiment.rollout.__dict__, "begin": "latents"}))
    bench.lab.drag.begin()
    bench.lab.drag.move(np.array([0.2, 0.1]))
    bench.lab.drag.end()
    assert bench.experiment.rollout.begin == "frames"


async def test_without_a_model_that_sees_it_says_so_and_shows_coordinates(bench: Bench) -> None:
    await bench.pick("pixel-pendulum")
    portrait = bench.window.portrait
    bench.click(portrait.switches["latents"])
    await bench.settled()
    assert isinstance(portrait.chart, StateChart)
    assert "train one" in portrait.words.toolTip()
    await bench.pick("pendulum")
    assert not portrait.switches["latents"].isVisible()
    assert not portrait.words.isVisible()


def known(matrix: list[list[float]], offset: list[float], encoded: np.ndarray) -> Latents:
    return Latents(
        "pixel-hnn", FrozenAutoencoder({}, np.array(matrix), np.array(offset), 0.05), encoded, np.array([0.012, 0.3])
    )


def test_the_map_is_said_in_words() -> None:
    words = map_words(known([[2.0, 0.5], [-0.25, 1.0]], [0.1, -3.0], np.empty((0, 2))))
    assert (
        words
        == "Pixel HNN: q = 2 z_q − 0.25 z_p + 0.1 rad (off by 1.2\u00a0%) · p = 0.5 z_q + 1 z_p − 3 (off by 30\u00a0%)"
    )


def test_ranges_stay_while_the_data_fit_and_follow_them_when_they_do_not() -> None:
    data = np.array([[-1.0, -0.2], [1.0, 0.2]])
    ranges = LatentChart(known([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0], data), "key").ranges(None, (0.0, 1.0, 0.0, 1.0))
    assert ranges[0] < -1 < 1 < ranges[1] < 2
    assert ranges[2] < -0.2 < 0.2 < ranges[3] < 0.4
    wider = LatentChart(known([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0], 1.05 * data), "key")
    assert wider.ranges(None, ranges) == ranges
    far = LatentChart(known([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0], data + 5.0), "key").ranges(None, ranges)
    assert far[0] < 4 < 6 < far[1]


def test_a_range_grows_in_steps() -> None:
    assert grown(1.0, 0.5) == grown(1.0, 1.0) == 1.0
    assert grown(1.0, 1.2) == pytest.approx(1.5)
    assert grown(1.0, 1.6) == pytest.approx(2.25)
