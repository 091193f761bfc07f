"""Up to when truth is known, and a second start a hair away: marked in the plots, said in words, never in the way."""

import threading
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPointF

import app.workers.rollout_companions as companions
from app.model.document import View
from hnn_engine.experiment import new_experiment
from hnn_engine.kernels import cache as kernel_cache
from hnn_engine.presets import PRESETS
from hnn_engine.rollouts.truth import HAIR, known_until
from tests.app.bench import Bench
from tests.app.test_presets import choose

pytestmark = pytest.mark.usefixtures("unevaluated")
WILD = (2.2, -1.0, 0.0, 0.0)


@pytest.fixture(autouse=True)
def loops() -> None:
    assert kernel_cache.load()


async def wild(bench: Bench, horizon: float = 40.0) -> float:
    """Let the double pendulum go where it is chaotic; return up to when its truth is known."""
    await bench.pick("double-pendulum")
    bench.lab.playback.set_playing(False)
    bench.lab.playback.restart()
    bench.edit(start=WILD, rollout=replace(bench.experiment.rollout, horizon=horizon, dt=horizon / 500))
    await bench.settled()
    return bench.answer.known_until


def legend(bench: Bench) -> list[str]:
    """The words of the status line's legend."""
    return [name for _, name in bench.window.status.legend.entries]


async def test_the_time_plots_mark_from_when_truth_is_not_known(bench: Bench) -> None:
    known = await wild(bench)
    assert 10.0 < known < 36.0
    for panel in (bench.window.energy, bench.window.error):
        assert panel.known.time == known
        area = panel.known.area
        left = panel.plot.view.pixel(known, 0.0).x()
        assert area.left() == pytest.approx(left, abs=1.0)
        assert area.right() == pytest.approx(panel.plot.view.area.right(), abs=1.0)
        assert "a distance from it is no error" in panel.toolTip()
    assert bench.window.error.title == f"Error (truth to {known:.3g} s)"
    assert bench.window.error.known._words.startswith("no errors")
    assert f"Truth is known for {known:.3g} s." in bench.window.status.sentence.whole


async def test_nothing_is_marked_where_truth_is_known_throughout(bench: Bench) -> None:
    await wild(bench)
    await bench.pick("double-pendulum")
    bench.edit(start=(0.9, -0.6, 0.0, 0.0))
    await bench.settled()
    assert bench.answer.known_until == np.inf
    await bench.pick("pendulum")
    assert bench.answer.known_until == np.inf
    for panel in (bench.window.energy, bench.window.error):
        assert panel.known.area.isEmpty()
        assert "no error" not in panel.toolTip()
    assert bench.window.error.title == "Error against truth"
    assert "is known" not in bench.window.status.sentence.whole


async def test_the_mark_is_gone_while_the_start_is_dragged_and_comes_back(bench: Bench) -> None:
    await wild(bench)
    scene = bench.window.scene
    at = scene.view.pixel(scene._bodies(np.array(WILD))[1])
    await bench.drag(scene, at, at + QPointF(12.0, -8.0), let_go=False)
    await bench.until(lambda: bench.answer.request.preview, "a preview")
    assert np.isnan(bench.answer.known_until)
    assert bench.window.error.known.area.isEmpty()
    bench.release(scene, at + QPointF(12.0, -8.0))
    await bench.settled()
    assert np.isfinite(bench.answer.known_until)
    assert not bench.window.error.known.area.isEmpty()


async def test_the_rollouts_stand_there_before_it_is_computed_how_long_truth_is_known(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bench.pick("double-pendulum")
    gate = threading.Event()

    def held(*asked: Any) -> float:
        assert gate.wait(20.0)
        return known_until(*asked)

    monkeypatch.setattr(companions, "known_until", held)
    bench.edit(start=WILD)
    await bench.until(lambda: bench.answer.request.experiment.start == WILD, "the rollouts")
    assert np.isnan(bench.answer.known_until)
    assert bench.lab.rollouts.worker.busy
    gate.set()
    await bench.settled()
    assert not np.isnan(bench.answer.known_until)


async def test_what_is_known_already_is_not_computed_again(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    known = await wild(bench)
    monkeypatch.setattr(companions, "known_until", None)
    bench.document.set_view(arrows=False)
    await bench.settled()
    assert bench.answer.known_until == known


async def test_chaos_opens_with_a_second_start_that_parts_from_the_first(bench: Bench) -> None:
    choose(bench, PRESETS["chaos"].title)
    await bench.settled()
    truth, twin = bench.answer.truth, bench.answer.twin
    assert truth is not None
    assert twin is not None
    assert (twin.coords[0] - truth.coords[0]).tolist() == [pytest.approx(HAIR), 0.0, 0.0, 0.0]
    assert twin.error[0] < 1e-3
    assert twin.error.max() > 0.3  # of truth itself
    assert "twin" in bench.window.error._curves
    drawn = bench.window.error._curves["twin"][0].data[1]
    assert drawn.max() - drawn.min() > 3.0, "decades"
    assert [path.track for path in bench.window.scene._paths] == [twin]
    assert twin.title in [name[:1].lower() + name[1:] for name in legend(bench)]
    assert bench.window.error.known.time == bench.answer.known_until < 29.0


async def test_a_second_start_is_a_switch_of_the_view_menu(bench: Bench) -> None:
    action = bench.window.menus.twin
    assert not action.isChecked()
    action.trigger()
    await bench.settled()
    assert bench.answer.twin is not None
    assert bench.document.view.twin
    assert View.from_dict(bench.document.view.as_dict()).twin
    action.trigger()
    await bench.settled()
    assert bench.answer.twin is None
    assert "twin" not in bench.window.error._curves
    assert not bench.window.scene._paths


async def test_each_model_is_followed_from_the_second_start_too(bench: Bench) -> None:
    bench.small_fit(60, 16)
    await bench.train()
    bench.document.set_view(twin=True)
    await bench.settled()
    for track in bench.answer.leads:
        assert len(track.apart) == len(track.t)
        assert track.apart[0] == pytest.approx(bench.answer.twin.error[0])
        assert track.key in bench.window.error._dots
    bench.document.set_view(twin=False)
    await bench.settled()
    assert not bench.window.error._dots
    assert all(not len(track.apart) for track in bench.answer.leads)


async def test_a_recording_has_no_second_start(bench: Bench) -> None:
    from hnn_engine.experiment import recording_experiment
    from hnn_engine.recordings import read_shipped_recording

    bench.document.set_view(twin=True)
    bench.document.edit(recording_experiment(read_shipped_recording()), "Open a recording")
    await bench.settled()
    assert bench.answer.twin is None
    assert np.isnan(bench.answer.known_until)
    assert bench.window.error.title == "Error against the recording"


async def test_the_start_angle_of_the_double_pendulum_s_data_is_in_its_own_form(bench: Bench) -> None:
    data = bench.window.data
    assert data.starts is None
    await bench.pick("double-pendulum")
    assert data.starts is not None
    before = bench.lab.dataset
    bench.set_number(data.starts, "reach", "1.3")
    await bench.until(lambda: bench.lab.dataset is not before and bench.lab.dataset is not None, "other data", 60.0)
    assert bench.experiment.data["reach"] == 1.3
    assert bench.lab.dataset is not None
    clean = bench.lab.dataset.clean
    assert clean is not None
    first = clean[bench.lab.dataset.t == 0.0]
    assert 1.1 < np.abs(first[:, :2]).max() <= 1.3
    bench.document.undo()
    assert data.starts is not None
    assert data.starts.values()["reach"] == new_experiment("double-pendulum").data["reach"] == 1.0
    await bench.pick("pendulum")
    assert data.starts is None
