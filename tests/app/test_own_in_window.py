"""Systems of one's own in the window: shown, changed by a slider, fitted live, saved and opened again."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hnn_engine.experiment import Experiment, checked, model_spec, opened, own_source
from hnn_engine.own_systems.definition import define
from hnn_engine.own_systems.files import load_shelved
from hnn_engine.records import load_session, save_session
from hnn_engine.records.session import Session
from tests.app.bench import Bench


def of_own(text: str, *names: str, friction: str = "") -> Experiment:
    experiment = opened(own_source(define(text, names, friction=friction)))
    start = tuple(0.2 for _ in experiment.start)
    return checked(replace(experiment, start=start, models=(model_spec("hnn", {"width": 40, "depth": 1}),)))


@pytest.mark.parametrize(
    "experiment",
    [
        of_own("p^2/(2m) + k q^2/2 + a q^4", friction="-gamma p"),
        of_own("(p_x^2 + p_y^2)/2 + (x^2 + y^2)/2 + x^2 y - y^3/3", "x", "y"),
        opened(own_source(load_shelved("fput-alpha"))),
        opened(own_source(load_shelved("restricted-three-body"))),
    ],
    ids=["one", "two", "chain", "no potential"],
)
async def test_it_is_shown_as_a_built_in_system_is(bench: Bench, experiment: Experiment) -> None:
    bench.lab.put("Type a system", experiment)
    await bench.settled()
    assert bench.experiment.source == experiment.source
    assert np.isfinite(bench.truth).all()
    assert bench.truth[0] == pytest.approx(experiment.start)
    assert bench.window.system.cards.current() == ""
    bench.document.undo()
    assert bench.experiment.source_name == "pendulum"


async def test_a_constant_has_a_slider_and_a_session_keeps_it(bench: Bench, tmp_path: Path) -> None:
    experiment = of_own("p^2/(2m) + k q^2/2")
    bench.lab.put("Type a system", experiment)
    await bench.settled()
    bench.window.system._on_edited("k", 4.0, True)
    await bench.settled()
    assert bench.experiment.system is not None
    assert bench.experiment.system.values["k"] == 4.0
    times = bench.answer.truth.t if bench.answer.truth is not None else np.empty(0)
    wanted = 0.2 * np.cos(2 * times) + 0.1 * np.sin(2 * times)
    assert bench.truth[:, 0] == pytest.approx(wanted, abs=1e-6)
    path = tmp_path / "own.hnnlab"
    save_session(Session(bench.experiment, ()), path)
    bench.document.undo()
    assert await bench.window.files.open_path(path, remember=False)
    await bench.settled()
    assert bench.experiment == load_session(path).experiment
    assert bench.experiment.source_title == "Your own system"


async def test_it_is_fitted_live(bench: Bench) -> None:
    experiment = of_own("p^2/(2m) + k q^2/2 + a q^4")
    data = {**experiment.data, "trajectories": 10, "points": 20, "horizon": 5.0}
    bench.lab.put("Type a system", checked(replace(experiment, data=data, recipe="sampled", settings={})))
    await bench.settled()
    bench.lab.live_fit.set_on(True)
    await bench.until(lambda: bench.lab.live_fit.models, "the live fit", 60.0)
    await bench.settled()
    model = bench.lab.live_fit.models[0].snapshot
    system = bench.experiment.system
    assert system is not None
    at = np.array([[0.5, 0.2], [-0.4, 0.6]])
    assert model.field(at) == pytest.approx(system.field(at), abs=0.2)


async def test_what_depends_on_time_is_fitted_shown_at_its_instant_and_kept(bench: Bench, tmp_path: Path) -> None:
    experiment = opened(own_source(define("p^2/2 + q^2/2 - q cos(2 t)")))
    data = {**experiment.data, "trajectories": 20, "points": 30, "horizon": 5.0}
    small = (model_spec("baseline", {"width": 80, "depth": 1}),)
    experiment = checked(replace(experiment, data=data, models=small, recipe="sampled", settings={}, start=(0.2, 0.0)))
    bench.lab.put("Type a system", experiment)
    await bench.settled()
    known = bench.answer.truth
    assert known is not None
    rates = np.gradient(known.coords[:, 1], known.t)[1:-1]
    assert rates == pytest.approx((-known.coords[:, 0] + np.cos(2 * known.t))[1:-1], abs=5e-3)
    bench.lab.playback.set_playing(False)
    fields = []
    for at in (0.0, np.pi / 2):  # where the drive pushes one way and the other
        bench.lab.playback.seek(at)
        await bench.until(lambda at=at: bench.answer.request.time == at, "the field of the instant")
        plane = bench.answer.field
        assert plane is not None
        assert plane.flow is not None
        assert plane.at is not None
        fields.append(plane.flow[..., 1] + plane.at[..., 0])
    assert fields[0] == pytest.approx(1.0, abs=1e-6)
    assert fields[1] == pytest.approx(-1.0, abs=1e-6)
    bench.lab.live_fit.set_on(True)
    await bench.until(lambda: bench.lab.live_fit.models, "the live fit", 60.0)
    await bench.settled()
    model = bench.lab.live_fit.models[0].snapshot
    at, t = np.array([[0.5, 0.2], [-0.4, 0.6]]), np.array([0.5, 1.5])
    system = bench.experiment.system
    assert system is not None
    assert model.at(t).field(at) == pytest.approx(system.at(t).field(at), abs=0.3)
    path = tmp_path / "timed.hnnlab"
    save_session(Session(bench.experiment, ()), path)
    assert load_session(path).experiment.definition == bench.experiment.definition


async def test_what_is_seen_of_a_system_that_is_opened_is_said(bench: Bench, tmp_path: Path) -> None:
    path = tmp_path / "own.hnnlab"
    save_session(Session(of_own("p^2/(2m) + k q^2/2"), ()), path)
    assert await bench.window.files.open_path(path, remember=False)
    await bench.settled()
    editor = bench.window.system.own
    assert editor is not None
    await bench.until(lambda: "centre" in editor.facts.text(), "what is known of it")
