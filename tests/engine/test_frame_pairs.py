"""Films: the pendulum moves as gymnasium's, a row is a pair of frames of one trajectory, and noise is on the pixels."""

import time
import tracemalloc

import gymnasium
import numpy as np
import pytest

from hnn_engine.camera import WHITE, Camera
from hnn_engine.coords import Array
from hnn_engine.datasets import Dataset, data_defaults, make_dataset
from hnn_engine.errors import ExperimentError
from hnn_engine.frames.frame_pairs import MAX_BYTES, FramePairs, camera_of, pair_at, rows_of
from hnn_engine.parameters import Value
from hnn_engine.rollouts.rollout import rollout
from hnn_engine.systems.pixel_pendulum import FRAME_SECONDS, PixelPendulum


def film(seed: int = 0, **changes: Value) -> tuple[Dataset, FramePairs]:
    few: dict[str, Value] = {"trajectories": 7, "frames": 15, "size": 16, **changes}
    data = make_dataset(PixelPendulum(), {**data_defaults(PixelPendulum), **few}, seed)
    assert data.frame_pairs is not None
    return data, data.frame_pairs


def gymnasium_s_track(angle: float, speed: float, frames: int) -> Array:
    """Angles from hanging and speeds `(frames, 2)` of gymnasium's pendulum, whose own angle is zero upright."""
    pendulum = gymnasium.make("Pendulum-v1", g=10.0).unwrapped
    pendulum.reset()
    pendulum.state, track = np.array([angle + np.pi, speed]), []  # type: ignore[attr-defined]
    for _ in range(frames):
        track.append(pendulum.state - (np.pi, 0.0))  # type: ignore[attr-defined]
        pendulum.step(np.zeros(1, np.float32))
    return np.array(track)


@pytest.mark.parametrize(("angle", "speed"), [(0.5, 0.0), (-0.3, 1.0), (0.01, -0.7), (2.5, 0.4), (0.0, 0.0)])
def test_the_pendulum_moves_as_gymnasium_s(angle: float, speed: float) -> None:
    system, frames = PixelPendulum(), 103
    expected = gymnasium_s_track(angle, speed, frames)
    states = system.centred(*expected.T)
    track = rollout(system, states[0], np.arange(frames) * FRAME_SECONDS, "stormer-verlet").coords
    np.testing.assert_allclose(track[:, 0], expected[:, 0], rtol=0, atol=1e-12)
    np.testing.assert_allclose(track[:, 1], states[:, 1], rtol=0, atol=1e-12)


def test_the_starts_are_those_of_the_paper() -> None:
    system = PixelPendulum()
    q, p = system.sample_starts(np.random.default_rng(0), 4000).T
    speed = (p + 0.5 * FRAME_SECONDS * system.weight_moment * np.sin(q)) / system.moment_of_inertia
    for value, reach in ((q, np.pi / 6), (speed, 1.0)):
        assert 0.99 * reach < np.abs(value).max() <= reach * (1 + 1e-12)
        assert value.std() == pytest.approx(reach / np.sqrt(3), rel=0.03)
    np.testing.assert_allclose(system.hamiltonian(np.array([[0.4, 1.2]])), 2 * 1.2**2 + 3.75 * (1 - np.cos(0.4)))


def test_the_paper_s_film_is_small_and_quickly_made() -> None:
    tracemalloc.start()
    began = time.perf_counter()
    data = make_dataset(PixelPendulum(), data_defaults(PixelPendulum), 0)
    seconds, (_, peak) = time.perf_counter() - began, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert data.frame_pairs is not None
    assert data.frame_pairs.frames.shape == (200 * 103, 28, 28)
    assert data.frame_pairs.frames.dtype == np.uint8
    assert data.frame_pairs.frames.nbytes < 20e6
    assert (data.train.sum(), (~data.train).sum()) == (16_000, 4_000)
    assert np.unique(data.trajectory[~data.train]).tolist() == list(range(40))
    assert peak < 150e6
    assert seconds < 10


def test_a_row_is_a_pair_of_frames_and_the_state_of_the_first() -> None:
    data, frame_pairs = film()
    assert len(data.t) == len(frame_pairs.first) == 7 * 12
    rows = np.arange(len(data.t))
    pairs, after = frame_pairs.pairs(rows), frame_pairs.pairs_after(rows)
    assert pairs.shape == after.shape == (84, 2, 16, 16)
    np.testing.assert_array_equal(pairs[:, 1], after[:, 0])
    camera = frame_pairs.camera
    assert camera == Camera(16, 0.2) == frame_pairs.reader
    times = FRAME_SECONDS * np.arange(4)
    for row in (0, 11, 12, 83):
        coming = rollout(PixelPendulum(), data.coords[row], times, "stormer-verlet").coords
        shown = [*pairs[row], after[row, 1]]
        assert np.abs(camera.render(coming[:3, 0]).astype(int) - shown).max() <= 1  # but for the last digit's rounding
    np.testing.assert_array_equal(frame_pairs.pairs(data.train), pairs[data.train])
    np.testing.assert_allclose(data.dcoords, PixelPendulum().field(data.coords))
    assert data.clean is not None
    np.testing.assert_array_equal(data.clean, data.coords)


def test_no_row_reaches_into_another_trajectory() -> None:
    data, frame_pairs = film()
    for ahead in (0, 2):
        np.testing.assert_array_equal((frame_pairs.first + ahead) // 15, data.trajectory)
    np.testing.assert_allclose(data.t, frame_pairs.first % 15 * FRAME_SECONDS)
    assert rows_of(2, 6).tolist() == [1, 2, 3, 7, 8, 9]


def test_a_film_begins_at_the_starts_that_its_seed_draws() -> None:
    (data, frame_pairs), reach = film(3, **{"start-angle": 90.0, "start-speed": 4.0}), (np.pi / 2, 4.0)
    starts = PixelPendulum().starts_within(np.random.default_rng([3, 0]), 7, *reach)
    assert (frame_pairs.start_angle, frame_pairs.start_speed) == reach
    assert np.abs(starts[:, 0]).max() > np.pi / 6
    second = rollout(PixelPendulum(), starts, FRAME_SECONDS * np.arange(2), "stormer-verlet").coords[1]
    np.testing.assert_array_equal(data.coords[frame_pairs.first % 15 == 1], second)
    np.testing.assert_array_equal(frame_pairs.frames[::15], Camera(16).render(starts[:, 0]))


def test_noise_is_normal_on_the_pixels_and_on_nothing_else() -> None:
    (clean, plain), (data, frame_pairs) = film(trajectories=20), film(trajectories=20, noise=0.1)
    np.testing.assert_array_equal(data.coords, clean.coords)
    grey = (plain.frames > 100) & (plain.frames < 155)
    noise = (frame_pairs.frames[grey].astype(float) - plain.frames[grey]) / WHITE
    assert noise.size > 1000
    assert abs(noise.mean()) < 4 * 0.1 / np.sqrt(noise.size)
    assert noise.std() == pytest.approx(0.1, abs=4 * 0.1 / np.sqrt(2 * noise.size))
    black = frame_pairs.frames[plain.frames == 0]
    assert (black == 0).mean() == pytest.approx(0.51, abs=0.02)  # what would be darker is black
    np.testing.assert_array_equal(frame_pairs.frames, film(trajectories=20, noise=0.1)[1].frames)
    assert (film(1, trajectories=20, noise=0.1)[1].frames != frame_pairs.frames).any()


def test_too_many_frames_are_refused_before_any_work() -> None:
    with pytest.raises(ExperimentError) as caught:
        film(trajectories=5000, frames=2000, size=64)
    assert str(caught.value) == (
        "5000 trajectories of 2000 frames of 64 × 64 pixels take 40,960 MB, but at most 400 MB are possible: "
        "choose fewer or smaller ones"
    )
    assert MAX_BYTES == 400e6


def test_a_pair_can_be_taken_of_any_state() -> None:
    settings, state = data_defaults(PixelPendulum), np.array([0.5, 0.3])
    later = rollout(PixelPendulum(), state, np.array([0.0, FRAME_SECONDS]), "stormer-verlet").coords
    for size in (28, 40):
        camera = camera_of(settings, size)
        pair = pair_at(PixelPendulum(), camera, state)
        np.testing.assert_array_equal(pair, Camera(size).render(later[:, 0]))
    assert camera_of({**settings, "thickness": 0.4}) == Camera(28, 0.4)
