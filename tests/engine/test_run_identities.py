"""Who a shown run is: colours and dashes that can be told apart, in grey too; places that stay; names that say what
differs."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hnn_engine.experiment import Experiment, default_settings, model_spec, new_experiment
from hnn_engine.experiment_settings import differences, recipe_word, settings_of
from hnn_engine.fitting import RECIPES
from hnn_engine.model_colors import (
    COLORS,
    DASHES,
    FURTHER,
    FURTHER_DASHES,
    RECIPE_COLORS,
    RECIPE_DASHES,
    SHADES,
    DashPattern,
    drawn_as,
    family_and_place,
    model_dash,
    role_colors,
    role_dash,
    run_role,
)
from hnn_engine.run_identities import MOST_PLACES, Described, Places, identities, read_places, short_names

ROLES = [run_role(family, place) for family in DASHES for place in range(SHADES + 1)]


def lightness(color: str) -> float:
    """CIE L* of '#RRGGBB', 0 to 100: what is left of a colour in a grey picture."""
    srgb = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    y = float(linear @ [0.2126, 0.7152, 0.0722])
    return 116 * np.cbrt(y) - 16 if y > 0.008856 else 903.3 * y


def features(dash: DashPattern) -> tuple[float, float, float, float]:
    """How much of a line is ink, its strokes in 100 pixels, the longest of them and the longest gap."""
    if not dash:
        return 1.0, 0.0, 1000.0, 0.0
    strokes, whole = dash[::2], sum(dash)
    return sum(strokes) / whole, 100 * len(strokes) / whole, max(strokes), max(dash[1::2])


def dashes_differ(one: DashPattern, other: DashPattern) -> bool:
    """Whether two dash patterns look different: one of their features by a fifth."""
    pairs = zip(features(one), features(other), strict=True)
    return any(abs(a - b) >= 0.2 * max(a, b, 1e-9) for a, b in pairs)


def test_every_family_has_as_many_shades() -> None:
    assert set(FURTHER) == set(FURTHER_DASHES) == set(DASHES)
    assert {len(one) for one in (*FURTHER.values(), *FURTHER_DASHES.values())} == {SHADES}


@pytest.mark.parametrize("which", [0, 1], ids=["light", "dark"])
def test_any_two_runs_differ_in_grey_by_dash_or_a_fifth_of_lightness(which: int) -> None:
    for one, other in combinations(["truth", *ROLES], 2):
        apart = abs(lightness(role_colors(one)[which]) - lightness(role_colors(other)[which]))
        assert apart >= 20 or dashes_differ(role_dash(one), role_dash(other)), (one, other, apart)


@pytest.mark.parametrize("which", [0, 1], ids=["light", "dark"])
def test_runs_of_a_family_differ_by_dash_and_in_colour(which: int) -> None:
    for family in DASHES:
        roles = [run_role(family, place) for place in range(SHADES + 1)]
        for one, other in combinations(roles, 2):
            assert dashes_differ(model_dash(one), model_dash(other)), (one, other)
            assert role_colors(one)[which] != role_colors(other)[which]


@pytest.mark.parametrize("which", [0, 1], ids=["light", "dark"])
def test_every_shade_can_be_seen_on_paper(which: int) -> None:
    paper = lightness(COLORS["paper"][which])
    for role in [*ROLES, *RECIPE_COLORS]:
        assert abs(lightness(role_colors(role)[which]) - paper) >= 20, role


@pytest.mark.parametrize("which", [0, 1], ids=["light", "dark"])
def test_a_race_has_colours_of_its_own(which: int) -> None:
    own = {role_colors(role)[which] for role in ("truth", *(r for r in ROLES if r.startswith(("hnn", "baseline"))))}
    for recipe in RECIPE_COLORS:
        assert role_colors(recipe)[which] not in own
    assert (
        len({pair[which] for pair in RECIPE_COLORS.values()}) == len(RECIPE_COLORS) == len(set(RECIPE_DASHES.values()))
    )


def test_the_first_run_of_a_family_has_the_family_s_colour_and_dash() -> None:
    for family, dash in DASHES.items():
        assert run_role(family, 0) == family
        assert (role_colors(family), model_dash(family)) == (COLORS[family], dash)
    assert role_dash("truth") == ()


def test_runs_beyond_the_shades_are_drawn_coarser() -> None:
    for family in DASHES:
        assert role_colors(run_role(family, SHADES + 1)) == role_colors(run_role(family, 1))
        assert model_dash(run_role(family, SHADES + 1)) != model_dash(run_role(family, 1))


def test_models_of_frames_share_the_shades_of_their_kind() -> None:
    assert drawn_as("pixel-hnn/2") == "hnn/2"
    assert family_and_place("pixel-hnn/2") == ("hnn", 2)
    assert role_colors("pixel-hnn/1") == role_colors("hnn/1")
    assert role_colors("unheard-of") == COLORS["muted"] != role_colors("unheard-of/1")


# Places ---------------------------------------------------------------------------------------------------------------


def experiment(recipe: str = "paper", seed: int = 0, model: str = "hnn", **settings: object) -> Experiment:
    """A fit of one model on the pendulum."""
    asked = new_experiment("pendulum")
    own = {**default_settings(recipe, asked.scene), **settings}
    spec = next((m for m in asked.models if m.name == model), model_spec(model, {}))
    return replace(asked, models=(spec,), recipe=recipe, settings=own, seed=seed)  # type: ignore[arg-type]


def run(key: str, model: str = "hnn", **more: object) -> Described:
    return Described((key,), model, experiment(model=model), **more)  # type: ignore[arg-type]


def test_the_first_of_each_family_is_at_its_first_place() -> None:
    assert Places().assign([run("a"), run("b", "baseline"), run("c"), run("d", "baseline")]) == [0, 0, 1, 1]


def test_a_run_keeps_its_place_while_others_come_and_go() -> None:
    places = Places()
    a, b, c = run("a"), run("b"), run("c")
    assert places.assign([a, b]) == [0, 1]
    assert places.assign([b]) == [1]
    assert places.assign([c, b]) == [0, 1], "the place that is free"
    assert places.assign([a, c, b]) == [2, 0, 1], "who is there already keeps it"
    assert places.assign([]) == []
    assert places.assign([a]) == [2], "as it was"


def test_a_new_fit_in_place_of_the_old_has_its_colour() -> None:
    places = Places()
    places.assign([run("a")])
    assert places.assign([run("b")]) == [0]


def test_repetitions_have_one_place_whoever_stands_for_them() -> None:
    places = Places()
    both = Described(("a", "b"), "hnn", experiment())
    assert places.assign([run("x"), both]) == [0, 1]
    assert places.assign([run("x"), run("b")]) == [0, 1]


@given(st.lists(st.lists(st.sampled_from("abcdefgh"), unique=True, max_size=8), max_size=8))
def test_places_are_never_shared_and_stay_while_shown(steps: list[list[str]]) -> None:
    places, before = Places(), {}
    for keys in steps:
        now = dict(zip(keys, places.assign([SHOWN[key] for key in keys]), strict=True))
        for family in ("hnn", "baseline"):
            taken = [place for key, place in now.items() if SHOWN[key].model == family]
            assert len(set(taken)) == len(taken)
        assert all(now[key] == before[key] for key in set(now) & set(before))
        before = now


SHOWN = {key: run(key, "hnn" if key < "e" else "baseline") for key in "abcdefgh"}


def test_places_survive_a_session() -> None:
    places = Places()
    a, b = run("a"), run("b")
    places.assign([a, b])
    places.assign([b])
    kept = [part for pair in places.of(["b"]) for part in pair]
    assert kept == ["b", 1]
    assert Places(read_places(kept)).assign([b]) == [1]
    assert Places(read_places(kept)).assign([a, b]) == [0, 1]


@pytest.mark.parametrize("bad", [None, "a", ["a"], [1, "a"], ["a", -1], ["a", True], ["a", MOST_PLACES], ["a", 0, "b"]])
def test_places_that_are_none_are_left_out(bad: object) -> None:
    assert read_places(bad) == ()


def test_two_runs_with_one_place_in_a_file_are_still_told_apart() -> None:
    assert Places(read_places(["a", 1, "b", 1])).assign([run("a"), run("b")]) == [1, 0]


# Names ----------------------------------------------------------------------------------------------------------------


def named(*asked: Described) -> list[str]:
    return [who.name for who in identities(asked)]


def test_one_of_a_family_has_the_family_s_name() -> None:
    assert named(run("a"), run("b", "baseline")) == ["HNN", "Baseline"]


def test_several_say_their_recipe_and_what_differs() -> None:
    paper, other = Described(("a",), "hnn", experiment()), Described(("b",), "hnn", experiment(seed=3))
    sampled = Described(("c",), "hnn", experiment("sampled"))
    assert named(paper, sampled) == ["HNN · paper", "HNN · sampled"]
    assert named(paper, other, sampled) == ["HNN · paper, seed 0", "HNN · paper, seed 3", "HNN · sampled"]
    few = Described(("d",), "hnn", experiment(steps=500))
    assert named(paper, few) == ["HNN · paper, steps 2000", "HNN · paper, steps 500"]


def test_hidden_runs_count_for_names_and_not_for_colours() -> None:
    paper, sampled = Described(("a",), "hnn", experiment()), Described(("c",), "hnn", experiment("sampled"))
    (who,) = identities([sampled], hidden=[paper])
    assert (who.role, who.name) == ("hnn", "HNN · sampled")


def test_a_name_of_its_user_s_is_kept_and_shortened() -> None:
    assert named(run("a", title="my best"), run("b")) == ["my best", "HNN · paper"]
    (long,) = named(run("a", title="x" * 90))
    assert len(long) == 64
    assert long.endswith("…")
    assert named(run("a", title="HNN · Paper · seed 0")) == ["HNN"], "the title that a fit has given"
    assert named(run("a", title="Paper · 2 × 200 units")) == ["HNN"], "the title that a race has given"


def test_the_same_fit_twice_is_numbered_in_the_order_of_the_session() -> None:
    assert named(run("b", order=1), run("a", order=0)) == ["HNN · paper (2)", "HNN · paper (1)"]
    stopped = run("c", note="stopped")
    assert named(run("a"), stopped) == ["HNN · paper", "HNN · paper, stopped"]


def test_repetitions_say_how_many() -> None:
    both = Described(("a", "b", "c"), "hnn", experiment())
    assert named(both, Described(("d",), "hnn", experiment("sampled"))) == ["HNN · paper, 3 seeds", "HNN · sampled"]


@given(st.lists(st.tuples(st.sampled_from(["paper", "sampled"]), st.integers(0, 2), st.sampled_from(["", "mine"]))))
def test_no_two_names_are_the_same(asked: list[tuple[str, int, str]]) -> None:
    runs = [
        Described((str(i),), "hnn", EXPERIMENTS[recipe, seed], title, order=i)
        for i, (recipe, seed, title) in enumerate(asked)
    ]
    names = short_names(runs)
    assert len(set(names)) == len(names)


EXPERIMENTS = {(recipe, seed): experiment(recipe, seed) for recipe in ("paper", "sampled") for seed in range(3)}


def test_every_recipe_has_a_short_name_of_its_own_among_those_for_one_model() -> None:
    words = [recipe_word(name) for name in RECIPES if name != "sampled-film"]
    assert words == ["paper", "Adam", "L-BFGS", "sampled", "denoise"]


def test_differences_are_named_with_both_values() -> None:
    one, other = experiment(), experiment(seed=3, steps=500)
    found = {d.title: (d.one, d.other) for d in differences(one, other)}
    assert found == {"Seed": ("0", "3"), "Steps": ("2000", "500")}
    assert differences(one, one) == []
    noisier = replace(one, data={**one.data, "noise": 0.2})
    assert [(d.title, d.other) for d in differences(one, noisier)] == [("Noise", "0.2")]
    assert settings_of(one)["recipe.batch"].text == "all rows"
    titles = [d.title for d in differences(one, experiment("sampled"))]
    assert titles == ["Recipe"], "what only one recipe has is no difference of the other"
