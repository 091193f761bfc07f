"""The camera: what it draws is a rod and nothing else, and the angle is read back from it."""

import numpy as np
import pytest

from hnn_engine.camera import GROUP, VIEW, WHITE, Camera
from hnn_engine.coords import wrap_angle

ANGLES = np.random.default_rng(0).uniform(-np.pi, np.pi, 200)


def degrees_off(camera: Camera, frames: np.ndarray, angles: np.ndarray) -> float:
    return float(np.rad2deg(np.abs(wrap_angle(camera.read(frames) - angles)).max()))


@pytest.mark.parametrize("camera", [Camera(), Camera(64), Camera(20, 0.4), Camera(41, 0.1)])
def test_a_rod_is_as_bright_as_its_area_and_all_else_is_black(camera: Camera) -> None:
    frames = camera.render(ANGLES)
    assert (frames.dtype, frames.shape) == (np.uint8, (len(ANGLES), camera.size, camera.size))
    pixel, radius = 2 * VIEW / camera.size, camera.thickness / 2
    area = camera.thickness + np.pi * radius**2  # of a bar of length 1 with two round ends
    full = frames.max()
    seen = frames.sum(axis=(1, 2)) / full * pixel**2
    assert np.abs(seen / area - 1).max() < 0.05
    middle = (np.arange(camera.size) + 0.5) * pixel - VIEW
    along = middle * np.sin(ANGLES)[:, None, None] + middle[:, None] * np.cos(ANGLES)[:, None, None]
    aside = middle * np.cos(ANGLES)[:, None, None] - middle[:, None] * np.sin(ANGLES)[:, None, None]
    inside = (along > 0) & (along < 1) & (np.abs(aside) < radius - 0.51 * pixel)
    outside = (along < -radius - pixel) | (along > 1 + radius + pixel) | (np.abs(aside) > radius + 0.51 * pixel)
    assert not frames[outside].any()
    assert (frames[inside] == full).all()
    assert 0 < ((frames > 0) & (frames < full)).mean() < 0.2  # the rim


@pytest.mark.parametrize("size", [20, 27, 28])
def test_turned_and_mirrored_rods_are_turned_and_mirrored_pictures(size: int) -> None:
    camera = Camera(size)
    frames = camera.render(ANGLES)
    np.testing.assert_array_equal(camera.render(ANGLES + np.pi / 2), np.rot90(frames, axes=(1, 2)))
    np.testing.assert_array_equal(camera.render(-ANGLES), frames[:, :, ::-1])


def test_a_hanging_rod_points_down_and_a_positive_angle_to_the_right() -> None:
    hanging, right = Camera().render(np.array([0.0, np.pi / 2]))
    assert hanging[17:27, 13:15].all()
    assert not hanging[:10].any()
    assert right[13:15, 17:27].all()
    assert not right[:, :10].any()


@pytest.mark.parametrize(
    "camera", [Camera(size, thick) for size, thick in [(20, 0.2), (28, 0.2), (45, 0.4), (64, 0.1)]]
)
def test_the_angle_is_read_back_within_a_tenth_of_a_degree(camera: Camera) -> None:
    frames = camera.render(ANGLES)
    assert degrees_off(camera, frames, ANGLES) < 0.1
    floats = frames.astype(np.float32) / WHITE
    np.testing.assert_allclose(camera.read(floats), camera.read(frames), atol=1e-9)
    edges = np.pi - np.deg2rad([-0.2, -0.1, 0.0, 0.1, 0.2])
    found = camera.read(camera.render(edges))
    assert ((found >= -np.pi) & (found < np.pi)).all()
    assert degrees_off(camera, camera.render(edges), edges) < 0.1


def test_noise_moves_the_angle_by_less_than_a_degree() -> None:
    frames = Camera().render(ANGLES)
    noise = 0.1 * frames.max() * np.random.default_rng(1).standard_normal(frames.shape)
    noisy = np.clip(frames + noise, 0, WHITE).astype(np.uint8)
    assert 0.1 < degrees_off(Camera(), noisy, ANGLES) < 1.0


def test_in_the_dark_there_is_nothing_to_read() -> None:
    frames = np.concatenate([np.zeros((2, 28, 28), np.uint8), Camera().render(np.array([0.3]))])
    assert np.isnan(Camera().read(frames)).tolist() == [True, True, False]
    faint = frames[2:] * np.float32(0.05 / WHITE)
    assert np.isnan(Camera().read(faint)).all()
    spoilt = np.full((1, 28, 28), np.nan, np.float32)
    assert np.isnan(Camera().read(spoilt)).all()


def test_many_frames_are_drawn_as_few_are() -> None:
    angles = np.linspace(-3, 3, 2 * GROUP + 5)
    np.testing.assert_array_equal(Camera(12).render(angles)[GROUP - 2 : GROUP + 3], Camera(12).render(angles[510:515]))
    assert Camera(12).render(angles[:0]).shape == (0, 12, 12)
