"""Rows stamped with the time of a neighbour, or next to it: left out by what their values say, and no others."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hnn_engine.coords import Array
from hnn_engine.recordings import TableInspection, inspect_table
from hnn_engine.recordings.stumbles import find_stumbles

STEP = 1 / 30
TIMES = np.arange(240) * STEP
FAST = 0.9 * 4.2


def angle(t: Array) -> Array:
    return np.asarray(0.9 * np.cos(4.2 * t + 0.3))


def speed(t: Array) -> Array:
    return np.asarray(-FAST * np.sin(4.2 * t + 0.3))


def read(folder: Path, stamps: Array, values: Array) -> TableInspection:
    """Read a table of whole milliseconds and angles with four digits, as loggers write them."""
    path = folder / "swing.csv"
    lines = (f"{1e3 * t:.0f},{q:.4f}\n" for t, q in zip(stamps, values, strict=True))
    path.write_text("time_ms,angle_rad\n" + "".join(lines))
    return inspect_table(path)


@pytest.mark.parametrize("after", [0, 1, 5, 12])
@pytest.mark.parametrize("row", [12, 50, 51, 52, 125, 227])
@pytest.mark.parametrize("early", [True, False])
def test_a_wrong_stamp_does_not_bend_the_slope(tmp_path: Path, row: int, after: int, early: bool) -> None:
    stamps = TIMES.copy()
    stamps[row] = stamps[row - 1] + after / 1e3 if early else stamps[row + 1] - after / 1e3
    found = read(tmp_path, stamps, angle(TIMES))
    assert found.questions == ()
    recording = found.recording()
    moves = abs(speed(TIMES[row])) > 0.2 * FAST  # else it is no matter when the row was taken
    if moves or not after:
        assert len(recording.t) == 239
        assert np.abs(recording.t - np.delete(TIMES, row)).max() < 1e-3 or not moves
        assert any("the clock stumbled" in note for note in found.notes)
    assert np.abs(recording.coords[:, 1] - speed(recording.t)).max() < 0.04 * FAST


def test_the_first_and_the_last_row_may_have_the_time_of_their_neighbour(tmp_path: Path) -> None:
    for row, other in ((0, 1), (239, 238)):
        stamps = TIMES.copy()
        stamps[row] = stamps[other]
        recording = read(tmp_path, stamps, angle(TIMES)).recording()
        assert len(recording.t) == 239
        assert np.abs(recording.coords[:, 1] - speed(recording.t)).max() < 0.05 * FAST


def test_a_row_that_was_written_twice_or_three_times_is_there_once(tmp_path: Path) -> None:
    stamps, values = np.insert(TIMES, [60, 60, 130], TIMES[[60, 60, 130]]), angle(TIMES)
    recording = read(tmp_path, stamps, np.insert(values, [60, 60, 130], values[[60, 60, 130]])).recording()
    assert len(recording.t) == 240
    assert recording.gaps.size == 0


def test_a_trial_s_last_row_says_nothing_of_the_next_trial_s_first(tmp_path: Path) -> None:
    stamps = np.concatenate([TIMES[:100], TIMES[:100]])
    found = read(tmp_path, stamps, np.concatenate([angle(TIMES[:100]), -angle(TIMES[:100])]))
    assert found.recording().trials == 2
    assert len(found.recording().t) == 200


def test_a_clock_that_stumbles_often_is_noted_and_taken_as_it_is(tmp_path: Path) -> None:
    stamps = TIMES.copy()
    stamps[10:230:10] = stamps[9:229:10] + 0.002
    found = read(tmp_path, stamps, angle(TIMES))
    assert len(found.recording().t) == 240
    assert any("probably stamped late" in note for note in found.notes)


@settings(max_examples=150, deadline=None)
@given(
    st.floats(1.0, 6.0),
    st.floats(0.0, 6.0),
    st.sampled_from((0.0, 1e-4, 1e-3)),
    st.floats(0.0, 0.3),
    st.integers(0, 1000),
)
def test_no_row_is_left_out_whose_stamp_is_true(
    frequency: float, phase: float, noise: float, jitter: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    t = (np.arange(150) + rng.uniform(-jitter, jitter, 150)) * STEP
    q = np.cos(frequency * t + phase) + noise * rng.normal(size=150)
    found = find_stumbles(t, q, np.zeros(150, dtype=bool))
    assert found.doubled.size == 0
    assert found.near.size == 0


@settings(max_examples=150, deadline=None)
@given(st.floats(1.0, 6.0), st.floats(0.0, 6.0), st.integers(3, 146), st.floats(0.0, 0.4), st.booleans())
def test_the_row_with_the_wrong_stamp_is_found(
    frequency: float, phase: float, row: int, after: float, early: bool
) -> None:
    t = np.arange(150) * STEP
    q, v = np.cos(frequency * t + phase), -frequency * np.sin(frequency * t + phase)
    stamps = t.copy()
    stamps[row] = t[row - 1] + after * STEP if early else t[row + 1] - after * STEP
    found = find_stumbles(stamps, q, np.zeros(150, dtype=bool))
    if abs(v[row]) > 0.3 * frequency:
        assert [*found.doubled, *found.near] == [row]
