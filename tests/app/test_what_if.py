"""What if there were less friction? The slider scales truth's and what models have learned of it, within its trust."""

import numpy as np
import pytest

from hnn_engine.experiment import model_spec
from hnn_engine.rollouts.rollout import rollout
from hnn_engine.systems import get_system
from tests.app.bench import Bench

pytestmark = pytest.mark.usefixtures("unevaluated")


async def friction(bench: Bench, kind: str, steps: int = 150) -> None:
    """Fit a small dissipative HNN with this kind of friction on the damped pendulum."""
    await bench.pick("damped-pendulum")
    settings = {"width": 24, "friction": kind}
    bench.edit(models=(model_spec("dissipative-hnn", settings),))
    now = bench.experiment
    bench.edit(settings={**now.settings, "steps": steps})
    await bench.train(("dissipative-hnn",))


async def test_it_is_there_where_there_is_friction_and_moves_truth(bench: Bench) -> None:
    panel = bench.window.what_if
    assert not panel.isVisible()
    await bench.pick("damped-pendulum")
    assert panel.isVisible()
    panel.form.edited.emit("friction", 0.5, True)
    await bench.settled()
    half = get_system("damped-pendulum", {"damping": 0.05})
    start, times = np.array(bench.experiment.start), bench.experiment.rollout.times
    np.testing.assert_allclose(bench.truth, rollout(half, start, times, "dop853").coords, atol=1e-9)
    assert bench.experiment.system is not None
    assert bench.experiment.system.values["damping"] == 0.1, "what models are trained on stays"
    bench.document.undo()
    await bench.settled()
    assert bench.experiment.rollout.friction == 1.0


async def test_a_unique_split_is_scaled_and_trusted(bench: Bench) -> None:
    await friction(bench, "momentum")
    panel, whole = bench.window.what_if, bench.model("dissipative-hnn").coords
    panel.form.edited.emit("friction", 0.0, True)
    await bench.settled()
    none = bench.model("dissipative-hnn").coords
    (run,) = bench.document.state.runs
    own = run.snapshot.hamiltonian(none)
    assert own is not None
    assert np.ptp(own) < 1e-4 * np.ptp(run.snapshot.hamiltonian(whole)), "without friction it keeps its own energy"
    assert panel.note.isVisible()
    assert "not unique" not in panel.note.text()


async def test_of_the_published_split_it_says_that_it_is_not_unique(bench: Bench) -> None:
    await friction(bench, "gradient", steps=40)
    panel = bench.window.what_if
    panel.form.edited.emit("friction", 0.5, True)
    await bench.settled()
    assert panel.note.isVisible()
    assert "not unique" in panel.note.text()


async def test_without_a_model_that_learned_one_it_speaks_of_truth_alone(bench: Bench) -> None:
    await bench.pick("damped-pendulum")
    bench.small_fit(steps=30)
    await bench.train()
    before = bench.model("hnn").coords
    bench.window.what_if.form.edited.emit("friction", 2.0, True)
    await bench.settled()
    np.testing.assert_array_equal(bench.model("hnn").coords, before)
    assert "no shown model" in bench.window.what_if.note.text()


async def test_a_friction_that_is_in_force_stays_in_sight(bench: Bench) -> None:
    bench.window.session_actions.study("Open a recording", (await bench.window.files.shipped_recording()))
    bench.edit(models=(model_spec("dissipative-hnn", {"width": 24, "friction": "momentum"}),))
    bench.edit(settings={**bench.experiment.settings, "steps": 30})
    await bench.train(("dissipative-hnn",))
    panel, state = bench.window.what_if, bench.document.state
    panel.form.edited.emit("friction", 0.5, True)
    await bench.settled()
    assert "a recording cannot be changed" in panel.note.text()
    bench.document.edit_runs(state.runs, frozenset(), "Hide a run")
    await bench.settled()
    assert panel.isVisible()
