"""The race: whose turn it is, what is measured on whose clock, where the finish is, and who is first."""

import json
import math
import runpy
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hnn_engine import race as module
from hnn_engine.cli import main
from hnn_engine.errors import ExperimentError, UnknownNameError
from hnn_engine.evaluation import field_at, losses
from hnn_engine.experiment import (
    Experiment,
    checked,
    default_settings,
    model_spec,
    new_experiment,
    recording_experiment,
    resolved,
)
from hnn_engine.parameters import Value
from hnn_engine.race import Curve, Finish, Race, Standing, lane_experiment, racing_recipes, shipped_finish
from hnn_engine.recordings import read_recording
from hnn_engine.tasks import TASKS

ROOT = Path(__file__).parents[2]
RECORDING = ROOT / "resources" / "recordings" / "simulated_pendulum.csv"
STEPS = 1500  # of the small network: some tenths of a second, longer than a closed form takes


def small(system: str = "pendulum", model: str = "hnn", **data: Value) -> Experiment:
    """An experiment with one small network and few steps."""
    base = new_experiment(system)
    return checked(
        replace(
            base,
            data={**base.data, "trajectories": 12, "points": 15, **data},
            models=(model_spec(model, {"width": 16}),),
            settings={**base.settings, "steps": STEPS},
        )
    )


def run(race: Race) -> Race:
    while not race.done:
        race.advance()
    return race


def by_recipe(race: Race) -> Mapping[str, Standing]:
    return {one.recipe: one for one in race.standings()}


@pytest.fixture(scope="module")
def finished() -> Race:
    experiment = small()
    return run(Race(experiment, ["paper", "sampled", "denoise"], experiment.dataset()))


# The lanes ------------------------------------------------------------------------------------------------------------


def test_each_lane_has_its_recipe_s_own_settings_and_closed_forms_a_network_of_their_own() -> None:
    experiment = small()
    assert lane_experiment(experiment, "paper").settings == experiment.settings
    assert lane_experiment(experiment, "paper").models == experiment.models
    assert lane_experiment(experiment, "adam").models == experiment.models
    assert lane_experiment(experiment, "adam").settings["learning-rate"] == 3e-3
    closed = lane_experiment(experiment, "sampled").models[0].settings
    assert (closed["width"], closed["depth"]) == (60, 1)
    bodies = lane_experiment(new_experiment("two-body"), "denoise").models[0].settings
    assert (bodies["width"], bodies["depth"]) == (600, 1)


def test_a_network_that_was_chosen_for_a_closed_form_is_not_the_paper_s() -> None:
    base = new_experiment("pendulum")
    live = replace(base, recipe="sampled", settings=default_settings("sampled", base.scene))
    live = resolved(live, live=True)
    network = lane_experiment(live, "paper").models[0].settings
    assert (network["width"], network["depth"]) == (200, 2)
    assert lane_experiment(live, "sampled").models == live.models[:1]
    assert lane_experiment(live, "denoise").models == live.models[:1]


def test_models_of_frames_keep_their_network_and_have_recipes_of_their_own() -> None:
    experiment = new_experiment("pixel-pendulum")
    network = lane_experiment(experiment, "paper").models[0].settings
    assert (network["width"], network["depth"]) == (200, 2)
    assert {"paper", "adam", "sampled-film"} <= set(racing_recipes("pixel-hnn"))
    assert {"paper", "adam", "sampled", "denoise"} <= set(racing_recipes("hnn"))
    assert not set(racing_recipes("pixel-hnn")) & {"sampled", "denoise"}
    assert "sampled-film" not in racing_recipes("hnn")


def test_titles_name_the_networks(finished: Race) -> None:
    titles = {one.recipe: one.title for one in finished.standings()}
    assert titles["sampled"].endswith("1 × 60 units")
    assert titles["paper"].endswith("2 × 16 units")


def test_what_cannot_race_is_refused_in_a_sentence() -> None:
    experiment = small()
    data = experiment.dataset()
    with pytest.raises(UnknownNameError, match="smpled"):
        Race(experiment, ["smpled"], data)
    with pytest.raises(ExperimentError, match="sampled-film"):
        Race(experiment, ["sampled-film"], data)
    with pytest.raises(ExperimentError, match="choose at least one"):
        Race(experiment, [], data)


def test_a_recipe_that_is_named_twice_runs_once() -> None:
    experiment = small()
    assert len(Race(experiment, ["sampled", "sampled"], experiment.dataset()).lanes) == 1


# The clocks -----------------------------------------------------------------------------------------------------------


def test_the_lane_that_has_spent_the_least_moves() -> None:
    experiment = small()
    race = Race(experiment, ["paper", "adam"], experiment.dataset())
    while not race.done:
        before = {lane: lane.fit.seconds for lane in race.lanes if lane.fit.end is None}
        moved = race.advance()
        assert before[moved] == min(before.values())


def test_all_lanes_end_and_their_curves_go_forward(finished: Race) -> None:
    for one in finished.standings():
        assert one.ending == "finished"
        assert one.seconds > 0
        for points in (one.losses, one.errors):
            assert points.shape[1] == 2
            assert len(points) >= 1
            assert (np.diff(points[:, 0]) >= 0).all()
            assert np.isfinite(points).all()
        assert one.errors[-1, 0] == one.seconds


def test_the_error_is_looked_at_in_steps_of_a_fifth(finished: Race) -> None:
    times = by_recipe(finished)["paper"].errors[:, 0]
    assert (times[1:-1] >= 1.2 * times[:-2]).all()


def test_looking_takes_no_time_of_the_lane_s_own(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = []

    def slow(self: module.FieldErrorMetric, snapshot: object) -> float:
        looks.append(time.sleep(0.2))
        return 1.0

    monkeypatch.setattr(module.FieldErrorMetric, "__call__", slow)
    experiment = small()
    race = run(Race(experiment, ["sampled"], experiment.dataset()))
    assert race.lanes[0].fit.seconds < 0.2 * len(looks)


# What is measured -----------------------------------------------------------------------------------------------------


def test_the_last_error_is_the_figure_that_judges_the_run(finished: Race) -> None:
    for lane in finished.lanes:
        figures = lane.fit.evaluate()
        assert figures is not None
        assert lane.errors.last == pytest.approx(figures.field_mse, rel=1e-9)


def test_of_a_recording_it_is_the_loss_on_the_test_rows() -> None:
    experiment = recording_experiment(read_recording(RECORDING))
    data = experiment.dataset()
    race = run(Race(experiment, ["sampled"], data))
    end = race.lanes[0].fit.end
    assert end is not None
    assert end.snapshot is not None
    assert race.lanes[0].errors.last == pytest.approx(losses(field_at(end.snapshot, data.coords), data)[1], rel=1e-9)
    assert race.finish is None


def test_models_of_frames_are_held_to_the_states_they_see() -> None:
    base = new_experiment("pixel-pendulum")
    data = {**base.data, "trajectories": 6, "frames": 12, "size": 12}
    models = (model_spec("pixel-hnn", {"width": 16, "features": 16}),)
    settings = {**base.settings, "steps": 12}
    experiment = checked(replace(base, data=data, models=models, settings=settings))
    race = run(Race(experiment, ["paper"], experiment.dataset()))
    figures = race.lanes[0].fit.evaluate()
    assert figures is not None
    assert race.lanes[0].errors.last == pytest.approx(figures.field_mse, rel=1e-9)


def test_a_curve_keeps_its_end_and_stays_short() -> None:
    curve = Curve()
    for i in range(1, 100_000):
        curve.add(1e-3 * i, 1.0 / i)
        if i % 9000 == 0:
            assert curve.last == 1.0 / i
    curve.add(100.0, 0.0)
    points = curve.points()
    assert 1000 < len(points) < 3000
    assert points[0].tolist() == [1e-3, 1.0]
    assert points[-1].tolist() == [100.0, 0.0]
    assert (np.diff(points[:, 0]) > 0).all()
    assert curve.first_at(0.0) == 100.0
    assert curve.first_at(-1.0) is None


# The finish -----------------------------------------------------------------------------------------------------------


def test_the_line_is_where_the_paper_s_lane_ended(finished: Race) -> None:
    paper = by_recipe(finished)["paper"]
    assert finished.finish is not None
    assert finished.finish.error == paper.error
    assert paper.finish is not None
    assert paper.faster == 1.0


def test_who_reaches_the_line_first_is_first(finished: Race) -> None:
    standings = finished.standings()
    assert [one.place for one in standings] == [1, 2, 3]
    assert standings[0].recipe == "sampled"
    times = [math.inf if one.finish is None else one.finish for one in standings]
    assert times == sorted(times)
    paper = by_recipe(finished)["paper"].finish
    first = standings[0]
    assert paper is not None
    assert first.finish is not None
    assert first.faster == pytest.approx(paper / first.finish)
    assert not first.at_least


def test_while_the_paper_runs_its_lead_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "shipped_finish", lambda experiment: Finish(0.05, "a line"))
    experiment = small()
    experiment = replace(experiment, settings={**experiment.settings, "steps": 5000})
    race = Race(experiment, ["paper", "sampled"], experiment.dataset())
    while by_recipe(race)["sampled"].ending == "":
        race.advance()
    leads = []
    for _ in range(20):
        race.advance()
        sampled, paper = by_recipe(race)["sampled"], by_recipe(race)["paper"]
        if paper.finish is None and sampled.faster is not None:
            assert sampled.at_least
            leads.append(sampled.faster)
    assert leads
    assert leads == sorted(leads)


def test_stopped_lanes_keep_what_they_reached() -> None:
    experiment = small()
    race = Race(experiment, ["paper", "adam"], experiment.dataset())
    for _ in range(12):
        race.advance()
    race.stop()
    run(race)
    assert {one.ending for one in race.standings()} == {"stopped"}
    for lane in race.lanes:
        kept = lane.fit.as_run(None)
        assert kept is not None
        assert kept.ending == "stopped"


def test_a_lane_that_fails_is_last_and_says_why() -> None:
    experiment = small(points=4)  # too few for denoise, which reads the noise from five in a row
    race = run(Race(experiment, ["denoise", "sampled"], experiment.dataset()))
    standings = race.standings()
    assert [one.recipe for one in standings] == ["sampled", "denoise"]
    assert standings[1].ending == "failed"
    assert "No trajectory that trains" in standings[1].note
    assert standings[1].error is None


def test_the_line_that_is_shipped_belongs_to_the_task_s_own_data() -> None:
    experiment = new_experiment("pendulum")
    line = shipped_finish(replace(experiment, models=(model_spec("hnn"),)))
    assert line is not None
    assert line.error == module.paper_medians()["pendulum"]["hnn"]
    assert shipped_finish(replace(experiment, data={**experiment.data, "noise": 0.3})) is None
    assert shipped_finish(new_experiment("pendulum", {"mass": 0.7})) is None
    assert shipped_finish(new_experiment("n-body")) is None
    assert shipped_finish(replace(experiment, models=(model_spec("mixed-hnn"),))) is None
    assert shipped_finish(TASKS["damped-grid"].experiment()) != shipped_finish(new_experiment("damped-mass-spring"))


def test_the_shipped_lines_are_those_of_the_reproduction() -> None:
    made = runpy.run_path(str(ROOT / "docs" / "make_finish.py"))
    assert made["MADE"].read_text(encoding="utf-8") == made["text"]()


# The command ----------------------------------------------------------------------------------------------------------


def test_the_command_prints_a_table_of_lanes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["race", "pendulum", "--recipes", "sampled,denoise"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[0] == "recipe"
    assert {lines[1].split()[0], lines[2].split()[0]} == {"sampled", "denoise"}
    assert lines[4].startswith("finish: a field error of 2.74e-3")


def test_the_command_prints_one_line_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["race", "mass-spring", "--model", "baseline", "--recipes", "sampled", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["system"], said["model"], said["seed"]) == ("mass-spring", "baseline", 0)
    (lane,) = said["lanes"]
    assert (lane["recipe"], lane["place"], lane["ending"]) == ("sampled", 1, "finished")
    assert lane["error"] > 0
    assert lane["times_faster"] is None


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        (["pendul"], "pendul"),
        (["pendulum", "--model", "hn"], "hn"),
        (["pendulum", "--recipes", "smpled"], "smpled"),
        (["pendulum", "--recipes", ","], "--recipes"),
        (["pixel-pendulum", "--recipes", "sampled"], "sampled"),
        (["pendulum", "--seed", "-1"], "seed"),
    ],
)
def test_bad_names_are_answered_in_one_sentence(
    words: list[str], wrong: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["race", *words]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert len(said.err.strip().splitlines()) == 1
    assert wrong in said.err.lower()
