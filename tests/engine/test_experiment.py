"""Experiments: what is written reads back the same, and every bad value is one clear sentence."""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hnn_engine.errors import ExperimentError, HnnLabError, IntegratorError, ParameterError, UnknownNameError
from hnn_engine.experiment import (
    Experiment,
    RolloutSpec,
    checked,
    from_json,
    model_spec,
    new_experiment,
    recording_experiment,
    resolved,
    same_scene,
    same_system,
    to_json,
)
from hnn_engine.recordings import DERIVATIVES, read_shipped_recording
from hnn_engine.rollouts.steering import Steering
from hnn_engine.systems import SYSTEMS, get_system


@pytest.mark.parametrize("name", list(SYSTEMS))
def test_a_system_s_experiment_survives_json(name: str) -> None:
    constants = {c.name: (c.low + c.high) / 2 for c in SYSTEMS[name].constants}
    made = checked(replace(new_experiment(name, constants), seed=7, rollout=RolloutSpec("rk4", "rk4", 0.1, 5.0)))
    back = from_json(json.loads(json.dumps(to_json(made), allow_nan=False)))
    assert back == made
    assert back.system is not None
    assert back.system.values == constants


@pytest.mark.parametrize("method", list(DERIVATIVES))
def test_a_recording_s_experiment_survives_json_beside_its_samples(method: str) -> None:
    recording = read_shipped_recording()
    made = checked(recording_experiment(recording, method))
    back = from_json(json.loads(json.dumps(to_json(made))), recording)
    assert to_json(back) == to_json(made)
    assert back.recording is recording
    assert back.system is None
    assert (back.source_name, back.source_title) == ("recording", recording.title)
    one, other = made.dataset(), back.dataset()
    assert one.dcoords.tobytes() == other.dcoords.tobytes()
    assert (one.floor_train, one.clean) == (None, None)


def test_a_recording_without_its_samples_is_refused() -> None:
    with pytest.raises(ExperimentError, match="samples are missing"):
        from_json(to_json(recording_experiment(read_shipped_recording())))


@pytest.mark.parametrize("name", list(SYSTEMS))
def test_what_the_laboratory_opens_with_is_valid_and_complete(name: str) -> None:
    made = new_experiment(name)
    assert checked(made) == made
    times = made.rollout.times
    system = get_system(name)
    assert times[-1] == (system.horizon if system.opening is None else system.opening)
    if system.observed:
        assert made.rollout.dt == system.frame_seconds
        assert (made.rollout.truth, made.rollout.begin) == ("stormer-verlet", "frames")
        assert [m.name for m in made.models] == ["pixel-baseline", "pixel-hnn"]
    else:
        assert len(times) == 501
        assert [m.name for m in made.models] == ["baseline", "hnn"]


def test_what_is_done_to_the_rollouts_survives_json_and_sets_their_length() -> None:
    plain = new_experiment("damped-pendulum")
    spec = replace(plain.rollout, steering=Steering("reverse", 7.0, 0.3), friction=0.5)
    made = checked(replace(plain, rollout=spec))
    assert from_json(json.loads(json.dumps(to_json(made)))) == made
    times = made.rollout.times
    assert (times[-1], made.rollout.horizon) == (14.0, 20.0)
    np.testing.assert_allclose(times[-1] - times[::-1], times, atol=1e-12)  # there and back in the same steps
    assert 7.0 in times
    pumped = replace(spec, steering=Steering("pump", 7.0, 0.3))
    assert pumped.times[-1] == 20.0


def test_truth_moves_with_the_friction_that_is_asked_for() -> None:
    plain = new_experiment("damped-mass-spring", {"damping": 0.4})
    half = replace(plain, rollout=replace(plain.rollout, friction=0.5))
    assert half.system is not None
    assert half.system.values["damping"] == 0.4, "what it is trained on stays"
    moving, state = half.moving, np.array([[0.3, -0.8]])
    assert moving is not None
    same = get_system("damped-mass-spring", {"damping": 0.2})
    np.testing.assert_allclose(moving.field(state), same.field(state), rtol=1e-15)
    t = np.linspace(0.0, 5.0, 6)
    np.testing.assert_allclose(moving.exact(state[0], t), same.exact(state[0], t), rtol=1e-14)
    pendulum = new_experiment("pendulum")
    same_as_ever = replace(pendulum, rollout=replace(pendulum.rollout, friction=0.5))
    assert same_as_ever.moving is same_as_ever.system


def test_missing_values_are_completed() -> None:
    raw = to_json(new_experiment("pendulum"))
    for key in ("data", "settings", "rollout"):
        raw[key] = {}
    raw["models"] = [{"name": "hnn"}]
    raw["source"] = {"system": "pendulum"}
    back = from_json(raw)
    assert back.data == new_experiment("pendulum").data
    assert back.models == (model_spec("hnn"),)
    assert back.rollout == RolloutSpec()


def put(*path: str | int) -> Callable[[dict[str, Any], Any], None]:
    def change(raw: dict[str, Any], value: Any) -> None:
        where: Any = raw
        for key in path[:-1]:
            where = where[key]
        where[path[-1]] = value

    return change


BAD: list[tuple[tuple[str | int, ...], Any, str]] = [
    (("format",), 8, "update HNN Lab"),
    (("format",), None, "format None"),
    (("source",), "pendulum", "must be an object"),
    (("source", "system"), "pendulem", "did you mean 'pendulum'"),
    (("source", "constants"), [], "must be an object"),
    (("source", "constants", "mass"), -1, "mass is -1"),
    (("source", "constants", "mass"), math.nan, "mass is nan"),
    (("source", "constants", "mass"), 10**400, "mass is"),
    (("source", "constants", "colour"), 1, "no parameter 'colour'"),
    (("data", "points"), 1, "points is 1"),
    (("data", "points"), 2.5, "whole number"),
    (("data", "noise"), [0.1], "noise is"),
    (("data", "horizon"), "long", "horizon is 'long'"),
    (("data", "sigma"), 1, "no parameter 'sigma'"),
    (("models",), [], "No model is chosen"),
    (("models",), {}, "must be a list"),
    (("models", 0), 3, "must be an object"),
    (("models", 0, "name"), "hnm", "There is no model 'hnm'"),
    (("models", 0, "settings", "activation"), "relu", "must be one of"),
    (("recipe",), "newton", "There is no recipe 'newton'"),
    (("recipe",), None, "There is no recipe"),
    (("rollout", "friction"), 4.0, "friction is 4"),
    (("rollout", "steering"), "pump", "must be an object"),
    (("rollout", "steering", "kind"), "push", "kind is 'push'"),
    (("rollout", "steering", "at"), -1.0, "at is -1"),
    (("rollout", "steering", "span"), 0.0, "span is 0"),
    (("rollout", "steering"), {"kind": "reverse", "at": 0.001}, "reverse it later"),
    (("rollout", "steering"), {"kind": "reverse", "at": 1900.0}, "more than 50,000 steps"),
    (("settings", "steps"), 0, "steps is 0"),
    (("settings", "learning-rate"), math.inf, "learning-rate is inf"),
    (("seed",), -1, "seed is -1"),
    (("seed",), 2**31, "seed is"),
    (("seed",), None, "seed is 'None'"),
    (("seed",), True, "seed is True"),
    (("start",), [1.0], "needs 2 finite numbers: q, p"),
    (("start",), 3, "must be a list"),
    (("start",), [0.0, "0"], "must hold finite numbers"),
    (("start",), [0.0, math.nan], "must hold finite numbers"),
    (("start",), [0.0, 10**400], "must hold finite numbers"),
    (("rollout", "integrator"), "euler", "There is no integrator 'euler'"),
    (("rollout", "truth"), "dop583", "did you mean 'dop853'"),
    (("rollout", "begin"), "start", "must be one of frames, latents"),
    (("rollout", "dt"), 0.0, "dt is 0.0"),
    (("rollout", "dt"), "0.1", "must hold finite numbers"),
    (("rollout", "dt"), 0.0002, "more than 50,000 steps"),
    (("rollout", "horizon"), 1e9, "horizon is"),
]


@pytest.mark.parametrize(("path", "value", "words"), BAD)
def test_a_bad_value_is_one_sentence(path: tuple[str | int, ...], value: Any, words: str) -> None:
    raw = json.loads(json.dumps(to_json(new_experiment("pendulum"))))
    put(*path)(raw, value)
    with pytest.raises(HnnLabError) as caught:
        from_json(raw)
    message = str(caught.value)
    assert words in message
    assert "\n" not in message
    assert len(message) < 300


def test_constants_that_change_the_coordinates_need_a_start_that_fits() -> None:
    made = new_experiment("n-body")
    eight = new_experiment("n-body", {"bodies": 8})
    with pytest.raises(
        ExperimentError, match=r"The start is \[.*, …, .*\], but it needs 32 finite numbers: x1, .* py8"
    ):
        checked(replace(made, source=eight.source), made)
    assert checked(replace(made, source=eight.source, start=eight.start), made).scene.dof == 16
    raw = to_json(new_experiment("n-body", {"bodies": 32}))
    raw["start"] = raw["start"][:-1]
    with pytest.raises(ExperimentError) as caught:
        from_json(raw)
    assert len(str(caught.value)) < 500


def test_experiments_share_a_system_by_name_and_coordinates() -> None:
    five, eight = new_experiment("n-body"), new_experiment("n-body", {"bodies": 8})
    heavy = new_experiment("n-body", {"mass": 2.0})
    assert same_system(five, heavy)
    assert same_scene(five, heavy)
    assert not same_system(five, eight)
    assert not same_system(new_experiment("n-body", {"bodies": 3}), new_experiment("three-body"))
    assert (five.source_title, eight.source_title) == ("5 bodies", "8 bodies")
    one, other = (recording_experiment(read_shipped_recording()) for _ in range(2))
    assert same_system(one, other)
    assert not same_scene(one, other)
    assert same_scene(one, replace(one, seed=3))
    assert not same_system(one, new_experiment("pendulum"))


@pytest.mark.parametrize("value", [None, 3, [], "text"])
def test_what_is_no_experiment_is_refused(value: object) -> None:
    with pytest.raises(ExperimentError, match="must be an object"):
        from_json(value)


def test_checked_guards_what_was_built_by_hand() -> None:
    made = new_experiment("two-body")
    for bad, error in (
        (replace(made, models=()), ExperimentError),
        (replace(made, start=(0.0,)), ExperimentError),
        (replace(made, seed=-3), ParameterError),
        (replace(made, recipe="nothing"), UnknownNameError),
        (replace(made, data={"noise": 2.0}), ParameterError),
    ):
        with pytest.raises(error):
            checked(bad)


def test_the_same_experiment_gives_the_same_data() -> None:
    made = replace(new_experiment("mass-spring"), seed=3)
    one, other = made.dataset(), from_json(to_json(made)).dataset()
    assert one.coords.tobytes() == other.coords.tobytes()
    assert one.floor_test == other.floor_test
    assert not np.array_equal(one.coords, replace(made, seed=4).dataset().coords)


def test_the_task_is_the_model_s_own() -> None:
    made: Experiment = new_experiment("pendulum")
    data = replace(made, data={**made.data, "trajectories": 2, "points": 3}).dataset()
    task = made.task(made.models[1], data)
    assert (task.model, task.seed, task.settings) == ("hnn", made.seed, made.settings)
    assert task.model_settings == resolved(made).models[1].settings


def test_a_truth_by_a_method_that_does_not_apply_is_refused() -> None:
    experiment = new_experiment("double-pendulum")
    with pytest.raises(IntegratorError, match="depends on its position: choose another"):
        checked(replace(experiment, rollout=replace(experiment.rollout, truth="stormer-verlet")))
