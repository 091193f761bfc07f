"""Data drawn, moved and taken out by hand: it lies on top of what is given, and every recipe takes it."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hnn_engine.cli import main
from hnn_engine.coords import Array
from hnn_engine.data_edits import MOST_STROKES, NO_EDITS, STROKES, DataEdits, Place, Stroke, stroke_of
from hnn_engine.errors import ExperimentError
from hnn_engine.experiment import (
    Experiment,
    checked,
    default_settings,
    from_json,
    model_spec,
    new_experiment,
    recording_experiment,
    to_json,
)
from hnn_engine.fit_run import FitRun
from hnn_engine.fitting.trajectories import drawn_together
from hnn_engine.recordings import read_shipped_recording
from hnn_engine.records import write_run


def small(hand: DataEdits = NO_EDITS, recipe: str = "sampled", noise: float = 0.0) -> Experiment:
    base = new_experiment("pendulum")
    return checked(
        replace(
            base,
            data={**base.data, "trajectories": 6, "points": 30, "noise": noise},
            models=(model_spec("hnn", {"width": 40, "depth": 1}),),
            recipe=recipe,
            settings=default_settings(recipe, base.scene),
            edits=hand,
        )
    )


def ellipse(t: Array, a: float = 1.5, b: float = 1.0) -> Array:
    """An orbit of H = a b (q²/a² + p²/b²)/2, that of an oscillator of one radian a second."""
    return np.column_stack([a * np.cos(t), -b * np.sin(t)])


def ring(seconds: float = 5.0, **axes: float) -> Stroke:
    t = np.linspace(0.0, seconds, 400)
    return stroke_of(t, ellipse(t, **axes))


def mismatch(run: FitRun) -> Array:
    """How far the field is off at each row, over the usual speed."""
    assert run.end is not None
    assert run.end.snapshot is not None
    off = run.end.snapshot.field(run.data.coords) - run.data.dcoords
    return np.linalg.norm(off, axis=1) / np.sqrt(np.square(run.data.dcoords).sum(axis=1).mean())


def fitted(experiment: Experiment) -> FitRun:
    run = FitRun(experiment, experiment.dataset())
    while run.end is None:
        run.advance()
    return run


# Strokes --------------------------------------------------------------------------------------------------------------


def test_a_stroke_has_even_points_and_the_speed_of_the_hand() -> None:
    rng = np.random.default_rng(0)
    t = np.cumsum(rng.uniform(0.002, 0.03, 300))
    steps = np.round((ellipse(t) + 2) * 200) / 200 - 2  # whole pixels
    drawn = stroke_of(t - t[0], steps)
    at = drawn.times + t[0]
    assert 20 < len(at) / (t[-1] - t[0]) < 30
    np.testing.assert_allclose(np.array(drawn.coords), ellipse(at), atol=0.01)
    exact = np.column_stack([-1.5 * np.sin(at), -np.cos(at)])
    assert np.abs(drawn.rates - exact).max() < 0.15
    assert np.sqrt(np.square(drawn.rates - exact).mean()) < 0.03


def moves(count: int, seed: int = 0) -> Array:
    """Angles of a whole turn at which moves of a hand arrive, some three times as far apart as others."""
    steps = np.random.default_rng(seed).uniform(0.5, 1.5, count - 1)
    return np.concatenate([[0.0], np.cumsum(steps)]) / steps.sum() * 2 * np.pi


def circle(angle: Array) -> Array:
    return 1.5 * np.column_stack([np.cos(angle), np.sin(angle)])


def reach(drawn: Stroke) -> Array:
    return np.linalg.norm(drawn.coords, axis=1)


@pytest.mark.parametrize(
    ("t", "angle"),
    [
        (np.linspace(0, 2, 200), np.linspace(0, 2 * np.pi, 200)),
        (np.cumsum(np.random.default_rng(0).exponential(0.1, 20)), moves(20)),
        (np.cumsum(np.random.default_rng(1).exponential(0.3, 16)), moves(16, 1)),
        (np.repeat(np.linspace(0, 2, 5), 8), np.linspace(0, 2 * np.pi, 40)),  # in bursts: eight moves at one time
        (np.r_[np.linspace(0, 1, 30), 4.0 + np.linspace(0, 1, 30)], np.linspace(0, 2 * np.pi, 60)),  # a stall
        (np.r_[0.0, 0.5, 0.4, 0.6, 0.55, np.linspace(0.7, 2, 25)], np.linspace(0, 2 * np.pi, 30)),  # out of order
    ],
    ids=["steady", "rare", "rarer", "bursts", "stalled", "disordered"],
)
def test_what_is_drawn_has_the_drawn_shape_however_the_moves_arrive(t: Array, angle: Array) -> None:
    drawn = stroke_of(t - t[0], circle(angle))
    np.testing.assert_allclose(reach(drawn), 1.5, rtol=0.01)
    np.testing.assert_allclose(drawn.coords[0], drawn.coords[-1], atol=1e-9)
    turned = np.unwrap(np.arctan2(*np.array(drawn.coords).T[::-1]))
    assert (np.diff(turned) > -1e-9).all()  # the hand never goes back
    assert drawn.dt * (len(drawn.coords) - 1) == pytest.approx(np.ptp(t))


def test_a_corner_stays_a_corner_and_a_long_stroke_keeps_its_loops() -> None:
    side = np.linspace(0, 1, 50)
    corner = np.concatenate([np.column_stack([side, 0 * side]), np.column_stack([1 + 0 * side, side])])
    drawn = np.array(stroke_of(np.linspace(0, 2, 100), corner, (0.005, 0.005)).coords)
    off = np.minimum(np.abs(drawn[:, 1]), np.abs(drawn[:, 0] - 1))
    assert off.max() < 0.02  # four pixels
    t = np.linspace(0, 12, 1200)
    np.testing.assert_allclose(reach(stroke_of(t, circle(2 * np.pi * t))), 1.5, rtol=0.01)


def test_a_hand_that_rests_on_its_way_is_slow_there_and_nowhere_else() -> None:
    t = np.linspace(0, 3, 300)
    angle = np.pi * (np.clip(t, 0, 1) + np.clip(t - 2, 0, 1))
    drawn = stroke_of(t, circle(angle))
    speed = np.linalg.norm(drawn.rates, axis=1)
    resting, moving = abs(drawn.times - 1.5) < 0.35, abs(drawn.times - 1.5) > 0.65
    assert speed[resting].max() < 0.05
    np.testing.assert_allclose(speed[moving], 1.5 * np.pi, rtol=0.1)


def test_times_that_come_twice_or_far_apart_do_no_harm() -> None:
    t = np.concatenate([np.linspace(0, 1, 30), np.linspace(1, 2, 30), [5.0, 5.1, 5.2]])
    drawn = stroke_of(t, ellipse(t))
    assert np.isfinite(drawn.coords).all()
    assert np.isfinite(drawn.rates).all()


@pytest.mark.parametrize(("count", "seconds"), [(3, 1.0), (50, 0.1), (0, 0.0), (1, 0.0)])
def test_a_dot_is_no_stroke_and_it_says_so(count: int, seconds: float) -> None:
    t = np.linspace(0, seconds, count)
    with pytest.raises(ExperimentError, match="draw for"):
        stroke_of(t, ellipse(t))


def test_the_first_stroke_stands_alone_and_the_last_one_gives_the_system_back() -> None:
    hand = NO_EDITS.with_stroke(ring())
    assert hand.alone
    data = small(hand).dataset()
    assert (data.trajectory == STROKES).all()
    assert (data.floor_train, data.floor_test) == (None, None)
    assert 0.05 < (~data.train).mean() < 0.15
    both = small(replace(hand, alone=False)).dataset()
    assert len(both.t) == 180 + len(data.t)
    assert both.edited is not None
    assert both.edited.sum() == len(data.t)
    left = hand.without(Place(STROKES))
    assert left == NO_EDITS
    assert left.without(Place(3)).removed == (Place(3),)


def test_a_dot_whose_stroke_is_gone_cannot_be_moved() -> None:
    hand = NO_EDITS.with_stroke(ring())
    assert hand.with_move(Place(STROKES + 1), (0.1, 0.1)) == hand
    assert NO_EDITS.with_move(Place(STROKES, 0.0), (0.1, 0.1)) == NO_EDITS
    assert hand.without(Place(STROKES + 1)) == hand


def test_one_point_is_moved_or_taken_out_where_a_clock_counts_from_1970() -> None:
    recording = read_shipped_recording()
    made = recording_experiment(replace(recording, t=recording.t + 1.7e9))
    data = made.given()
    places = [Place(int(data.trajectory[row]), float(data.t[row])) for row in (5, 6, 40)]
    moved = replace(made, edits=NO_EDITS.with_move(places[0], (0.5, 0.0))).dataset()
    assert (moved.coords != data.coords).any(axis=1).sum() == 1
    assert len(replace(made, edits=NO_EDITS.without(*places)).dataset().t) == len(data.t) - 3


def test_there_is_an_end_to_strokes() -> None:
    full = DataEdits(strokes=(ring(),) * MOST_STROKES)
    with pytest.raises(ExperimentError, match="no more are possible"):
        full.with_stroke(ring())


def test_points_of_a_stroke_move_and_go() -> None:
    hand = NO_EDITS.with_stroke(ring())
    (before,) = hand.strokes
    at = Place(STROKES, float(before.times[7]))
    (moved,) = hand.with_move(at, (0.5, -0.25)).strokes
    gaps = np.array(moved.coords) - np.array(before.coords)
    np.testing.assert_allclose(gaps[7], [0.5, -0.25])
    assert not np.delete(gaps, 7, axis=0).any()
    (whole,) = hand.with_move(Place(STROKES), (1.0, 0.0)).strokes
    np.testing.assert_allclose(np.array(whole.coords) - np.array(before.coords), [[1.0, 0.0]] * len(before.coords))
    np.testing.assert_allclose(whole.rates, before.rates, atol=1e-12)
    (first, second) = hand.without(at).strokes
    assert (first.coords, second.coords) == (before.coords[:7], before.coords[8:])
    (shorter,) = hand.without(Place(STROKES, 0.0)).strokes
    assert shorter.coords == before.coords[1:]
    crumbs = hand.without(*(Place(STROKES, t) for t in before.times[::3]))
    assert crumbs == NO_EDITS  # pieces of two points say nothing of their speed
    two = hand.with_stroke(before)
    assert two.without(Place(STROKES + 1)) == hand


# On what is given -----------------------------------------------------------------------------------------------------


def test_moves_shift_states_and_leave_their_rates_and_all_else() -> None:
    plain = small().dataset()
    point = Place(2, float(plain.t[2 * 30 + 4]))
    hand = NO_EDITS.with_move(point, (0.1, 0.2)).with_move(point, (0.1, 0.2)).with_move(Place(4), (0.0, 1.0))
    moved = small(hand).dataset()
    gaps = moved.coords - plain.coords
    np.testing.assert_allclose(gaps[64], [0.2, 0.4])
    np.testing.assert_allclose(gaps[120:150], [[0.0, 1.0]] * 30)
    touched = np.zeros(180, dtype=bool)
    touched[64] = touched[120:150] = True
    assert not gaps[~touched].any()
    np.testing.assert_array_equal(moved.edited, touched)
    np.testing.assert_array_equal(moved.dcoords, plain.dcoords)
    assert moved.floor_train is not None
    assert moved.floor_train > 1e-3  # the true field does not fit what was moved
    assert plain.floor_train is not None
    assert plain.floor_train < 1e-20


def test_what_was_moved_is_not_drawn_back_together_and_the_rest_is() -> None:
    noisy = small(NO_EDITS.with_move(Place(1), (0.3, 0.0)), noise=0.1).dataset()
    rows = np.arange(len(noisy.t))
    freed = drawn_together(noisy, rows)
    assert freed is not None
    own = noisy.trajectory == 1
    np.testing.assert_array_equal(freed[own], noisy.coords[own])
    assert noisy.clean is not None
    error = np.square(freed[~own] - noisy.clean[~own]).mean()
    assert error < 0.2 * np.square(noisy.coords[~own] - noisy.clean[~own]).mean()


def test_what_is_taken_out_is_gone_and_comes_back_with_other_settings_beneath() -> None:
    hand = NO_EDITS.without(Place(0)).without(Place(5)).without(Place(2, 0.0))
    data = small(hand).dataset()
    assert len(data.t) == 180 - 60 - 1
    assert not np.isin(data.trajectory, [0, 5]).any()
    assert data.edited is None
    fewer = small(hand)
    fewer = replace(fewer, data={**fewer.data, "trajectories": 3})
    assert set(np.unique(fewer.dataset().trajectory)) == {1, 2}


def test_some_rows_train_and_some_test_whatever_is_taken_out() -> None:
    plain = small().dataset()
    for kind in (plain.train, ~plain.train):
        hand = NO_EDITS
        for trajectory in np.unique(plain.trajectory[kind]):
            hand = hand.without(Place(int(trajectory)))
        data = small(hand).dataset()
        assert data.train.any()
        assert not data.train.all()


def test_nothing_left_is_refused_in_a_sentence() -> None:
    hand = DataEdits(removed=tuple(Place(k) for k in range(6)))
    with pytest.raises(ExperimentError, match="All data has been removed"):
        small(hand).dataset()


def test_rows_of_a_recording_can_be_moved_and_taken_out_too() -> None:
    plain = recording_experiment(read_shipped_recording())
    given = plain.dataset()
    first = Place(int(given.trajectory[0]), float(given.t[0]))
    second = Place(int(given.trajectory[1]), float(given.t[1]))
    made = replace(plain, edits=NO_EDITS.without(first).with_move(second, (0.5, 0.0))).dataset()
    assert len(made.t) == len(given.t) - 1
    np.testing.assert_allclose(made.coords[0] - given.coords[1], [0.5, 0.0])


# Fits -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("recipe", ["sampled", "denoise"])
def test_an_hnn_follows_rings_that_were_drawn(recipe: str) -> None:
    hand = NO_EDITS.with_stroke(ring()).with_stroke(ring(a=0.9, b=0.6))
    run = fitted(small(hand, recipe))
    assert run.end is not None
    assert np.median(mismatch(run)) < 0.05
    figures = run.evaluate()
    assert figures is not None
    assert figures.test_loss < 0.01
    assert figures.clean_energy_mse is None  # what is drawn is no system's


def test_a_run_on_strokes_is_evaluated_again_as_it_was(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = fitted(small(NO_EDITS.with_stroke(ring())))
    kept = run.as_run(run.evaluate())
    assert kept is not None
    write_run(kept, tmp_path / "run")
    assert main(["evaluate", str(tmp_path / "run"), "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert again["clean_energy_mse"] is None
    assert again["test_loss"] == pytest.approx(kept.summary()["test_loss"], rel=1e-9)


def test_strokes_into_a_sink_show_where_no_h_can_follow_and_a_baseline_can() -> None:
    # J∇H has no divergence: what flows in must flow out. A single spiral would be a level line of some H.
    t, hand = np.linspace(0.0, 2.0, 200), NO_EDITS
    for angle in np.arange(8) * np.pi / 4:
        ray = np.array([np.cos(angle), np.sin(angle)])
        hand = hand.with_stroke(stroke_of(t, 1.5 * np.exp(-t)[:, None] * ray))
    made = small(hand)
    hnn, baseline = fitted(made), fitted(replace(made, models=(model_spec("baseline", {"width": 40, "depth": 1}),)))
    assert np.median(mismatch(baseline)) < 0.05
    assert (mismatch(hnn) > 0.25).mean() > 0.5


def test_a_gradient_recipe_runs_on_it_too() -> None:
    made = small(NO_EDITS.with_stroke(ring()), "adam")
    run = fitted(replace(made, settings={**made.settings, "steps": 20}))
    assert run.evaluate() is not None


# JSON and checks ------------------------------------------------------------------------------------------------------


def test_it_survives_json_and_is_not_mentioned_where_there_is_nothing() -> None:
    hand = replace(NO_EDITS.with_stroke(ring()), alone=False).with_move(Place(2, 0.5), (0.1, 0.2)).without(Place(1))
    made = small(hand)
    back = from_json(json.loads(json.dumps(to_json(made), allow_nan=False)))
    assert back == made
    np.testing.assert_array_equal(back.dataset().coords, made.dataset().coords)
    assert "hand" not in to_json(small())


@pytest.mark.parametrize(
    "broken",
    [[], {"strokes": 1}, {"strokes": [{"dt": "x", "coords": []}], "moved": [], "removed": [], "alone": True}],
)
def test_what_is_no_data_by_hand_is_refused(broken: object) -> None:
    with pytest.raises(ExperimentError, match="The data edits cannot be read"):
        from_json({**to_json(small()), "hand": broken})


@pytest.mark.parametrize(
    ("system", "hand", "words"),
    [
        ("two-body", DataEdits(strokes=(ring(),)), "one degree of freedom"),
        ("pixel-pendulum", DataEdits(removed=(Place(1),)), "observed as frames"),
        ("pendulum", DataEdits(moved=((Place(1), (1.0,)),)), "2 finite numbers"),
        ("pendulum", DataEdits(moved=((Place(1), (1.0, float("nan"))),)), "2 finite numbers"),
        ("pendulum", DataEdits(strokes=(Stroke(0.0, ((0.0, 0.0),) * 5),)), "above zero"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(system: str, hand: DataEdits, words: str) -> None:
    with pytest.raises(ExperimentError, match=words):
        checked(replace(new_experiment(system), edits=hand))
