"""When the frames of films were taken: their own time stamps, whatever these do, from the file to the speed."""

import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from hnn_engine.comparison_video import filmed_pairs
from hnn_engine.coords import Array
from hnn_engine.errors import ExperimentError, RecordingError
from hnn_engine.experiment import recording_experiment
from hnn_engine.frames.frame_pairs import recorded_frame_pairs
from hnn_engine.initial_frames import pair_of_frames
from hnn_engine.recordings import Recording
from hnn_engine.recordings.frame_steps import chains, frame_steps
from hnn_engine.video import Crop, extract_frames, inspect_film, read_video
from hnn_engine.video.timing import film_gaps, missing_frames, rising, tagged_pace, timing
from tests.engine.films import FINE, Error, at_rates, off, pictures_at, recorded, write_film

EVEN = at_rates((10, 30))


def drifting(seconds: float, begin: float, end: float) -> Array:
    """Return times whose rate changes evenly from `begin` to `end` frames per second."""
    rates = np.linspace(begin, end, round(seconds * (begin + end) / 2))
    return np.concatenate([[0.0], np.cumsum(1 / rates)])


def jittered(times: Array, by: float) -> Array:
    return times + np.random.default_rng(4).uniform(-by, by, len(times))


PACES = {
    "30 → 24": at_rates((5, 30), (5, 24)),
    "30 → 20 → 30": at_rates((4, 30), (4, 20), (4, 30)),
    "60 → 40": at_rates((4, 60), (4, 40)),
    "drift": drifting(10, 30, 28.5),
    "jitter": jittered(EVEN, 0.006),
}


@pytest.fixture(scope="module")
def even(tmp_path_factory: pytest.TempPathFactory) -> Error:
    """What is off where steps are even."""
    return off(recorded(write_film(tmp_path_factory.mktemp("film") / "even.mp4", EVEN)), EVEN)


@pytest.mark.parametrize("name", PACES)
def test_a_film_keeps_its_own_times(tmp_path: Path, even: Error, name: str) -> None:
    times = PACES[name]
    path = write_film(tmp_path / "swing.mp4", times)
    found = off(recorded(path), times)
    assert found.time < 1e-3
    assert found.period < 0.005
    assert found.speed < 2 * even.speed
    said = inspect_film(path)
    assert (said.times_even, said.gaps) == (False, 0)
    assert any("keeps its own time stamp" in note for note in said.notes)


@pytest.mark.parametrize("rate", [25, 30, 60, 240])
@pytest.mark.parametrize("tick", [FINE, Fraction(1, 1000)])
def test_even_steps_are_even_whatever_they_are_rounded_to(tmp_path: Path, rate: int, tick: Fraction) -> None:
    times = np.arange(80) / rate
    film = read_video(write_film(tmp_path / "swing.mkv", times, tick=tick))
    assert film.clock is None
    assert film.seconds == pytest.approx(1 / rate, rel=1e-3)


def test_dropped_frames_are_a_gap_and_are_not_repeated(tmp_path: Path) -> None:
    kept = np.delete(np.arange(300), [60, 100, 101, 102, 200])
    times = kept / 30
    path = write_film(tmp_path / "swing.mp4", times)
    recording = recorded(path)
    assert recording.gaps.tolist() == [60, 99, 196]
    assert recording.t == pytest.approx(times, abs=1e-4)
    assert len(recording.t) == len(kept)
    said = inspect_film(path)
    assert (said.times_even, said.gaps, said.frames) == (True, 3, 295)
    assert any("5 frames are missing, 1 after frame 60" in note for note in said.notes)
    data = recording_experiment(recording).dataset()
    assert data.frame_pairs is not None
    assert data.frame_pairs.seconds == pytest.approx(1 / 30)
    first = data.frame_pairs.first
    assert np.diff(times)[first] == pytest.approx(1 / 30), "no pair leads over a gap"
    assert np.diff(times)[first + 1] == pytest.approx(1 / 30), "nor its successor"


def test_a_stated_rate_stretches_the_times_and_keeps_their_gaps(tmp_path: Path) -> None:
    kept = np.delete(np.arange(160), [60, 61])
    recording = recorded(write_film(tmp_path / "swing.mp4", kept / 240, stored=kept / 30), fps=240)
    assert recording.t == pytest.approx(kept / 240, abs=1e-5)
    assert recording.gaps.tolist() == [60]


def test_part_of_an_uneven_film_keeps_its_times(tmp_path: Path) -> None:
    times = PACES["30 → 20 → 30"]
    film = read_video(write_film(tmp_path / "swing.mp4", times))
    part = extract_frames(film, Crop.whole(film), first=100, last=220, every=3)
    assert part.t == pytest.approx(times[100:221:3] - times[100], abs=1e-4)
    slower = part.with_steps(10 * part.dt)
    assert slower.t == pytest.approx(10 * part.t)


def test_frames_whose_time_does_not_rise_are_left_out() -> None:
    stamps = np.array([0.0, 1.0, 2.0, 2.0, 3.0, 4.0, 3.5, 5.0, 6.0, 7.0, *range(8, 30)])
    assert rising("a.mp4", stamps).tolist() == [0, 1, 2, 4, 5, *range(7, 32)]
    for bad in (np.zeros(30), np.arange(30.0)[::-1], np.array([1.0])):
        with pytest.raises(RecordingError, match="have no times that rise"):
            rising("a.mp4", bad)
    with pytest.raises(RecordingError, match="expected a film of one piece"):
        timing("a.mp4", np.append(np.arange(30.0), 1e6), 1e-3)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_clock_is_kept(data: Any) -> None:
    """Whatever the steps are, no time is off by more than the stamps are rounded by, or half a millisecond."""
    tick = data.draw(st.sampled_from([1 / 90_000, 1 / 1000, 1 / 100]))
    rate = data.draw(st.floats(5, min(240, 0.5 / tick)))
    kinds = st.sampled_from([1.0, 1.0, 1.0, 1.0, 1.25, 1.5, 2.0, 3.0])
    steps = np.array(data.draw(st.lists(kinds, min_size=20, max_size=120))) / rate
    steps[::2] = 1 / rate
    true = np.concatenate([[0.0], np.cumsum(steps)])
    stamps = tick * np.rint(true / tick)
    found = timing("a.mp4", stamps[rising("a.mp4", stamps)], tick)
    clock = np.arange(len(stamps)) if found.clock is None else found.clock
    times = found.step * clock
    assert np.abs((times - times.mean()) - (stamps - stamps.mean())).max() <= max(2.1 * tick, 1.1e-3)


def test_gaps_are_where_steps_are_longer_than_those_around() -> None:
    assert film_gaps(at_rates((2, 30), (2, 15), (2, 30))).tolist() == [], "a rate that falls is no gap"
    assert film_gaps(np.cumsum(np.tile([1.0, 1.0, 2.0], 40))).tolist() == [], "nor what is usual"
    times = np.delete(np.arange(100.0), [30, 70, 71])
    assert film_gaps(times).tolist() == [30, 69]
    assert missing_frames(times, film_gaps(times)).tolist() == [1, 2]
    assert film_gaps(np.arange(2.0)).tolist() == []


# A tag of the rate ----------------------------------------------------------------------------------------------------

TAG = "com.android.capture.fps"


@pytest.mark.parametrize(
    ("tagged", "stored", "step", "word"),
    [
        (240, 30, 1 / 240, "Slow motion"),
        (120, 30, 1 / 120, "Slow motion"),
        (240, 240, 1 / 240, "so do the time stamps"),
        (30, 24, 1 / 24, "the time stamps are used"),
        (2, 30, 1 / 2, "Time lapse"),
    ],
)
def test_a_tagged_rate_is_held_against_the_time_stamps(
    tmp_path: Path, tagged: float, stored: float, step: float, word: str
) -> None:
    times = np.arange(60) * step
    path = write_film(tmp_path / "swing.mp4", times, stored=np.arange(60) / stored, tags={TAG: f"{tagged:.6f}"})
    said = inspect_film(path)
    assert said.rate_tagged == tagged
    assert said.time_step_s == pytest.approx(step)
    assert any(word in note for note in said.notes), said.notes
    assert not said.questions
    other = inspect_film(path, fps=50)
    assert other.time_step_s == pytest.approx(1 / 50)
    assert "The rate is stated, 50 frames per second instead of" in other.notes[0]


def test_where_a_tag_may_mean_either_it_is_asked(tmp_path: Path) -> None:
    path = write_film(tmp_path / "swing.mp4", np.arange(60) / 30, tags={TAG: "60.000000"})
    said = inspect_film(path)
    assert (said.time_step_s, said.duration_s, said.times_even) == (None, None, None)
    assert said.questions == (
        "A tag says 60 frames per second, the time stamps say 30: state which of them is the camera's "
        "(--fps 60 or --fps 30)",
    )
    film = read_video(path)
    with pytest.raises(RecordingError, match="--fps 60 or --fps 30"):
        extract_frames(film, Crop.whole(film))
    assert extract_frames(film, Crop.whole(film), seconds=1 / 60).dt == pytest.approx(1 / 60)
    assert inspect_film(path, fps=60).questions == ()


@given(st.floats(1, 1000), st.floats(1, 1000))
def test_a_pace_is_the_stamps_or_the_tag_or_a_question(stored: float, tagged: float) -> None:
    pace = tagged_pace(1 / stored, tagged)
    assert (pace.step is None) == bool(pace.question)
    assert pace.step is None or min(abs(pace.step * stored - 1), abs(pace.step * tagged - 1)) < 1e-9
    assert bool(pace.question) != bool(pace.remark)


# Delays ---------------------------------------------------------------------------------------------------------------


def write_images(path: Path, times: Array, **options: Any) -> Path:
    first, *rest = (Image.fromarray(picture) for picture in pictures_at(times))
    first.save(path, save_all=True, append_images=rest, **options)
    return path


def test_short_delays_of_a_gif_are_as_stored_and_said(tmp_path: Path) -> None:
    times = np.arange(60) / 100
    said = inspect_film(write_images(tmp_path / "a.gif", times, duration=10))
    assert (said.time_step_s, said.times_even) == (pytest.approx(0.01), True)
    assert any("100 ms" in note for note in said.notes)
    slower = inspect_film(write_images(tmp_path / "b.gif", times, duration=20))
    assert slower.notes == ()
    unknown = inspect_film(write_images(tmp_path / "c.gif", times, duration=0))
    assert unknown.time_step_s is None
    assert "--fps RATE" in unknown.questions[0]


@pytest.mark.parametrize("name", ["a.webp", "a.avif", "a.png"])
def test_animations_know_their_times(tmp_path: Path, name: str) -> None:
    durations = [40] * 60 + [60] * 40
    times = np.concatenate([[0.0], np.cumsum(durations[:-1])]) / 1000
    path = write_images(tmp_path / name, times, duration=durations)
    found = off(recorded(path), times)
    assert found.time < 1e-3
    assert inspect_film(path).format == path.suffix[1:]


def test_a_gif_of_thirty_frames_per_second_is_even(tmp_path: Path) -> None:
    times = np.arange(90) / 30
    path = write_images(tmp_path / "a.gif", times, duration=[30, 30, 40] * 30)
    assert off(recorded(path), times).time < 0.01
    assert inspect_film(path).times_even


# Frames a step apart --------------------------------------------------------------------------------------------------


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(0.02, 0.2), min_size=4, max_size=200))
def test_frames_that_follow_each_other_are_a_step_apart(steps: list[float]) -> None:
    t = np.concatenate([[0.0], np.cumsum(steps)])
    found = frame_steps(t, np.zeros(len(t), np.int64))
    linked = np.flatnonzero(found.after >= 0)
    assert (found.after[linked] > linked).all()
    assert len(np.unique(found.after[linked])) == len(linked)
    apart = t[found.after[linked]] - t[linked]
    assert np.abs(apart - found.seconds).max(initial=0.0) <= 0.25 * found.seconds
    order = chains(found.after)
    assert sorted(order.tolist()) == list(range(len(t)))
    place = np.empty(len(t), dtype=np.int64)
    place[order] = np.arange(len(t))
    assert (place[found.after[linked]] == place[linked] + 1).all()


def test_even_frames_follow_their_neighbours() -> None:
    found = frame_steps(0.05 * np.arange(6), np.array([0, 0, 0, 1, 1, 1]))
    assert found.seconds == 0.05
    assert found.after.tolist() == [1, 2, -1, 4, 5, -1]


@pytest.mark.parametrize(("name", "seconds", "share"), [("30 → 20 → 30", 1 / 30, 0.6), ("jitter", 2 / 30, 0.4)])
def test_pairs_of_frames_are_found_by_their_times(tmp_path: Path, name: str, seconds: float, share: float) -> None:
    times = PACES[name]
    recording = recorded(write_film(tmp_path / "swing.mp4", times))
    data = recording_experiment(recording).dataset()
    pairs = data.frame_pairs
    assert pairs is not None
    assert pairs.seconds == pytest.approx(seconds, rel=0.02)
    assert len(pairs.first) > share * len(times)
    assert 0 < np.count_nonzero(data.train) < len(data.train)
    reader = pairs.reader
    read = reader.read(pairs.frames)
    at = data.t[:, None] + np.array([0, 1, 2]) * pairs.seconds
    true = recording.coords[0, 0] * np.cos(2 * math.pi / 1.477 * at)
    seen = read[pairs.first[:, None] + np.arange(3)]
    assert np.abs(seen - true).max() < 0.1, "each pair shows the swing a step later"


def film_with_a_gap() -> tuple[Recording, Array]:
    """Return a recording of numbered pictures, 0.1 s apart, three of which are missing, and their numbers."""
    kept = np.delete(np.arange(40), [20, 21, 22])
    t = 0.1 * kept
    coords = np.stack([np.cos(t), -np.sin(t)], axis=-1)
    frames = np.repeat(10 + kept, 64).reshape(-1, 8, 8).astype(np.uint8)
    gaps, trial = film_gaps(t), np.zeros(len(t), np.int64)
    return Recording("a", "a", "angle", t, trial, coords, gaps, frames=frames, reader=Reader()), kept


def test_pictures_beside_rollouts_go_by_their_times() -> None:
    recording, kept = film_with_a_gap()
    pairs = filmed_pairs(recording, 2, 0.1 * np.arange(60))
    shown = pairs[:, :, 0, 0].astype(int)
    assert len(pairs) == 37, "they end with the recording"
    true = np.where(np.isin(np.arange(2, 40), kept), 10 + np.arange(2, 40), 0)
    np.testing.assert_array_equal(shown, np.stack([true[:-1], true[1:]], axis=1))


def test_no_pair_of_frames_leads_over_a_gap() -> None:
    recording, _ = film_with_a_gap()
    experiment = recording_experiment(recording)
    pair = pair_of_frames(experiment, recording.coords[18], 8)
    assert pair is not None
    assert pair[:, 0, 0].tolist() == [28, 29]
    assert pair_of_frames(experiment, recording.coords[19], 8) is None
    pairs, whole = recorded_frame_pairs(recording, np.arange(len(recording.t)))
    assert (pairs.run_end(0), pairs.run_end(25)) == (20, 37)
    assert np.flatnonzero(~whole).tolist() == [18, 19, 35, 36]


def test_too_few_pairs_are_refused() -> None:
    t = np.cumsum(np.geomspace(0.02, 20.0, 30))
    angles = 0.5 * np.cos(t)
    coords = np.stack([angles, -0.5 * np.sin(t)], axis=-1)
    nothing = np.empty(0, dtype=np.int64)
    frames = np.zeros((30, 8, 8), np.uint8)
    recording = Recording("a", "a", "angle", t, np.zeros(30, np.int64), coords, nothing, frames=frames, reader=Reader())
    data = recording_experiment(recording)
    with pytest.raises(ExperimentError, match="have two others behind them at one step"):
        data.dataset()


class Reader:
    """Reads nothing."""

    def read(self, frames: Any) -> Array:
        return np.full(len(frames), np.nan)
