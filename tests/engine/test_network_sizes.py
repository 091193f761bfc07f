"""The size of networks: automatic until someone sets it, chosen by recipe and system, and a number in every run."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hnn_engine.cli import main
from hnn_engine.errors import ParameterError
from hnn_engine.experiment import (
    Experiment,
    automatic_size,
    checked,
    default_settings,
    from_json,
    model_spec,
    new_experiment,
    resolved,
    to_json,
)
from hnn_engine.fit_run import FitRun
from hnn_engine.fitting import RECIPES
from hnn_engine.fitting.network_sizes import PAPER_NETWORK, SIZE, NetworkSize, is_automatic, size_for, sizes_in_words
from hnn_engine.parameters import AUTO

SYSTEMS = ("pendulum", "double-pendulum", "two-body", "three-body")
of_states = [name for name, recipe in RECIPES.items() if not recipe.observes_frames]


def by(recipe: str, system: str = "pendulum", **settings: Any) -> Experiment:
    base = new_experiment(system)
    spec = model_spec("hnn", settings)
    return checked(replace(base, models=(spec,), recipe=recipe, settings=default_settings(recipe, base.scene)))


def size(experiment: Experiment) -> tuple[Any, Any]:
    settings = experiment.models[0].settings
    return settings["width"], settings["depth"]


def test_nothing_is_set_until_someone_sets_it() -> None:
    for experiment in (new_experiment("pendulum"), by("sampled"), by("paper", width=AUTO)):
        assert size(experiment)[0] == AUTO
    assert size(by("sampled")) == (AUTO, AUTO)


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_paper_s_recipe_has_the_paper_s_network_and_a_closed_form_one_layer(system: str) -> None:
    for recipe in ("paper", "adam"):
        assert size(resolved(by(recipe, system))) == (200, 2)
    for recipe in ("sampled", "denoise", "lbfgs"):
        assert size(resolved(by(recipe, system)))[1] == 1


def test_who_sets_one_has_the_paper_s_number_for_the_other() -> None:
    """As command lines and files that name one of them always had it."""
    assert size(by("sampled", width=64)) == (64, 2)
    assert size(by("sampled", depth=1)) == (200, 1)
    assert size(by("sampled", width=64, depth=1)) == (64, 1)
    assert size(resolved(by("sampled", width=64, depth=AUTO))) == (64, 1)
    assert size(resolved(by("sampled", width=AUTO, depth=3))) == (200, 3)


@given(
    st.sampled_from(of_states),
    st.sampled_from(SYSTEMS),
    st.one_of(st.just(AUTO), st.integers(2, 2000)),
    st.one_of(st.just(AUTO), st.integers(1, 6)),
    st.booleans(),
)
def test_what_is_set_stays_and_what_is_automatic_becomes_a_number(
    recipe: str, system: str, width: Any, depth: Any, live: bool
) -> None:
    experiment = by(recipe, system, width=width, depth=depth)
    made = resolved(experiment, live)
    assert not is_automatic(made.models[0].settings)
    assert resolved(made) is made
    for given_, found in zip((width, depth), size(made), strict=True):
        assert found == given_ or given_ == AUTO
    assert from_json(json.loads(json.dumps(to_json(experiment)))) == experiment
    assert from_json(json.loads(json.dumps(to_json(made)))) == made


def test_a_file_says_what_is_automatic_and_older_programs_read_what_is_not() -> None:
    automatic, fixed = to_json(by("sampled")), to_json(by("sampled", width=40, depth=1))
    assert automatic["format"] == 5
    assert automatic["models"][0]["settings"]["width"] == AUTO
    assert fixed["format"] == 4


def test_an_old_file_that_does_not_name_the_network_meant_the_paper_s() -> None:
    old = to_json(by("sampled", width=40, depth=1))
    del old["models"][0]["settings"]["width"], old["models"][0]["settings"]["depth"]
    assert size(from_json(old)) == (PAPER_NETWORK.width, PAPER_NETWORK.depth)


def test_a_run_has_the_numbers_that_were_used() -> None:
    experiment = by("sampled")
    small = replace(experiment, data={**experiment.data, "trajectories": 6, "points": 10})
    fit = FitRun(small, small.dataset())
    while fit.end is None:
        fit.advance()
    run = fit.as_run(None)
    assert run is not None
    wanted = automatic_size(small)
    assert size(run.experiment) == (wanted.width, wanted.depth)
    assert (run.snapshot.settings["width"], run.snapshot.settings["depth"]) == (wanted.width, wanted.depth)
    assert to_json(run.experiment)["format"] == 4


def test_a_live_fit_takes_smaller_ones() -> None:
    for system in SYSTEMS:
        own, live = (size(resolved(by("sampled", system), live)) for live in (False, True))
        assert live[0] <= own[0]
        assert live[1] == 1


def test_a_number_that_is_none_is_refused_and_the_sentence_names_auto() -> None:
    with pytest.raises(ParameterError, match=r"width is 'much', but it must be a whole number from 2 to 2000, or auto"):
        model_spec("hnn", {"width": "much"})
    assert model_spec("hnn", {"width": "automatic", "depth": "AUTO"}).settings["width"] == AUTO


def test_a_table_has_a_row_for_every_problem() -> None:
    sizes = ((1, NetworkSize(60)), (2, NetworkSize(300)))
    assert [size_for(sizes, dof).width for dof in (1, 2, 3, 64)] == [60, 300, 300, 300]
    assert sizes_in_words(sizes) == "1: 60 × 1; 2 and more: 300 × 1"
    assert sizes_in_words(((1, NetworkSize(200, 2)),)) == "200 × 2"
    assert sizes_in_words(((1, NetworkSize(6)), (4, NetworkSize(7)), (5, NetworkSize(8)))) == (
        "1: 6 × 1; 2 to 4: 7 × 1; 5 and more: 8 × 1"
    )


def test_the_command_line_lists_them_and_takes_them(capsys: pytest.CaptureFixture[str], tmp_path: Any) -> None:
    assert main(["recipes"]) == 0
    listed = capsys.readouterr().out
    assert sizes_in_words(RECIPES["sampled"].sizes) in listed
    assert main(["recipes", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    most, best = RECIPES["sampled"].sizes[0]
    assert rows["sampled"]["networks"][0] == {"degrees_of_freedom": most, "width": best.width, "depth": best.depth}
    assert main(["models", "--json"]) == 0
    settings = {p["name"]: p for p in json.loads(capsys.readouterr().out)[0]["settings"]}
    assert settings["width"]["default"] == AUTO
    few = ["--trajectories", "4", "--points", "8", "--recipe", "sampled", "--system", "pendulum", "--model", "hnn"]
    for name, options, wanted in (
        ("a", [], automatic_size(by("sampled"))),
        ("b", ["--width", "auto", "--depth", "auto"], automatic_size(by("sampled"))),
        ("c", ["--width", "12"], NetworkSize(12, 2)),
        ("d", ["--setting", "width=12"], NetworkSize(12, 2)),
        ("e", ["--width", "12", "--depth", "1"], NetworkSize(12, 1)),
    ):
        assert main(["train", *few, *options, "--out", str(tmp_path / name)]) == 0
        run = json.loads((tmp_path / name / "run.json").read_text())
        settings = run["experiment"]["models"][0]["settings"]
        assert [settings[key] for key in SIZE] == [wanted.width, wanted.depth]
