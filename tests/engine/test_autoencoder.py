"""The frozen autoencoder: its formula, the map of its latents, and a field that is the same in both."""

from typing import Any

import numpy as np
import pytest
import torch

from hnn_engine.camera import WHITE
from hnn_engine.coords import Array, symplectic
from hnn_engine.frame_metrics import latent_energy, latent_field
from hnn_engine.frames.frozen_autoencoder import FLATTEST, FrozenAutoencoder, fit_map
from hnn_engine.models import MODELS
from hnn_engine.models.autoencoder import (
    ENCODER,
    HALVES,
    autoencoder_shapes,
    half_output,
    half_sizes,
    initial_autoencoder,
    numpy_relu,
)
from hnn_engine.models.mlp import parameter_count
from hnn_engine.models.pixels import PixelModel
from hnn_engine.snapshot import Snapshot
from tests.fields import SIZE, fresh

SEES = pytest.mark.parametrize("model", [name for name, model in MODELS.items() if model.observes_frames])
MAPS = [(np.array([[0.4, -0.1], [0.2, 1.3]]), 0.05), (np.array([[0.3, 2.0], [-0.7, 0.5]]), 0.2), (-np.eye(2), 1.0)]
MAPS += [(np.array([[0.0, 1.0], [1.0, 0.0]]), 0.05)]  # a map that turns the plane over
OFFSET = np.array([0.7, -1.9])


def snapshot(model: str, depth: int = 2) -> Snapshot:
    return fresh(model, {"width": 16, "depth": depth}, seed=[depth, 3])


def autoencoder() -> FrozenAutoencoder:
    found = snapshot("pixel-hnn").autoencoder
    assert found is not None
    return found


def seeing(model: str) -> PixelModel:
    found = MODELS[model]
    assert isinstance(found, PixelModel)
    return found


def pairs(count: int = 6) -> np.ndarray:
    return np.random.default_rng(4).integers(0, 256, (count, 2, SIZE, SIZE)).astype(np.uint8)


def latents(count: int = 40) -> Array:
    return np.random.default_rng(5).normal(size=(count, 2))


# The autoencoder ------------------------------------------------------------------------------------------------------


def by_loops(weights: dict[str, Any], half: str, x: Array) -> Array:
    """The formula of `models.autoencoder`, number by number."""

    def layer(i: int, before: list[float]) -> list[float]:
        matrix, bias = weights[f"{half}w{i}"], weights[f"{half}b{i}"]
        return [sum(before[j] * matrix[j, k] for j in range(len(before))) + bias[k] for k in range(len(bias))]

    rows = []
    for row in x:
        h = [max(a, 0.0) for a in layer(0, list(row))]
        for i in (1, 2):
            h = [old + max(a, 0.0) for old, a in zip(h, layer(i, h), strict=True)]
        rows.append(layer(3, h))
    return np.array(rows)


@pytest.mark.parametrize("half", HALVES)
def test_a_half_is_its_formula_in_numpy_and_torch(half: str) -> None:
    weights = {n: w.astype(np.float64) for n, w in initial_autoencoder(18, 7, np.random.default_rng(0)).items()}
    x = np.random.default_rng(1).normal(size=(5, half_sizes(18, 7, half)[0]))
    expected = by_loops(weights, half, x)
    assert expected.shape == (5, 2 if half == ENCODER else 18)
    np.testing.assert_allclose(half_output(weights, half, x.copy(), numpy_relu), expected, rtol=0, atol=1e-14)
    tensors = {n: torch.from_numpy(w) for n, w in weights.items()}
    np.testing.assert_allclose(
        half_output(tensors, half, torch.from_numpy(x), torch.relu).numpy(), expected, atol=1e-14
    )


def test_the_paper_s_autoencoder_is_1568_200_200_200_2_and_its_mirror() -> None:
    assert half_sizes(1568, 200, "encoder.") == (1568, 200, 200, 200, 2)
    assert half_sizes(1568, 200, "decoder.") == (2, 200, 200, 200, 1568)
    weights = initial_autoencoder(1568, 200, np.random.default_rng(0))
    assert {n: w.shape for n, w in weights.items()} == autoencoder_shapes(1568, 200)
    assert parameter_count(weights) == 1568 * 200 * 2 + 200 * 200 * 4 + 2 * 200 * 2 + 200 * 6 + 2 + 1568
    assert all(w.dtype == np.float32 for w in weights.values())
    for name, w in weights.items():
        if w.ndim == 2:
            tall = w if w.shape[0] >= w.shape[1] else w.T
            np.testing.assert_allclose(tall.T @ tall, np.eye(tall.shape[1]), atol=1e-5)
        else:
            assert 0.8 < np.abs(w).max() * np.sqrt(weights[name.replace("b", "w")].shape[0]) <= 1 + 1e-6 or w.size < 5


# Latents and coordinates ----------------------------------------------------------------------------------------------


def test_latents_of_coordinates_are_the_latents() -> None:
    made, z = autoencoder(), latents().reshape(4, 10, 2)
    np.testing.assert_allclose(made.latents(made.coords(z)), z, atol=1e-13)
    assert made.coords(z).shape == (4, 10, 2)


def test_bytes_and_shares_of_white_are_seen_alike() -> None:
    made, shown = autoencoder(), pairs()
    z = made.encode(shown)
    assert (z.shape, z.dtype) == ((6, 2), np.float64)
    np.testing.assert_allclose(made.encode(shown.astype(np.float32) / WHITE), z, atol=1e-6)
    np.testing.assert_allclose(made.encode_coords(shown), made.coords(z))
    assert made.size == SIZE
    assert not np.allclose(made.encode(shown[:, ::-1]), z)  # the order of the two frames matters


def test_a_picture_is_the_first_frame_that_is_decoded_cut_to_grey() -> None:
    made, z = autoencoder(), 8 * latents(6)
    decoded, picture = made.decode(z), made.picture(made.coords(z))
    assert decoded.shape == (6, 2, SIZE, SIZE)
    assert decoded.min() < 0
    assert decoded.max() > 1
    np.testing.assert_allclose(picture, np.clip(decoded[:, 0], 0, 1), atol=1e-5)


@pytest.mark.parametrize("matrix", [m for m, _ in MAPS])
def test_the_map_is_found_where_there_is_one_and_fitted_where_there_is_noise(matrix: Array) -> None:
    z = latents()
    for noise, tolerance in ((0.0, 1e-12), (0.01, 0.02)):
        x = z @ matrix + OFFSET + noise * np.random.default_rng(2).normal(size=z.shape)
        found, offset = fit_map(z, x)
        np.testing.assert_allclose(found, matrix, atol=tolerance)
        np.testing.assert_allclose(offset, OFFSET, atol=tolerance)
        left = z @ found + offset - x
        np.testing.assert_allclose(left.T @ np.column_stack([z, np.ones(len(z))]), 0, atol=1e-11)  # least squares


@pytest.mark.parametrize("flat", [np.zeros((40, 2)), np.ones((40, 2)), np.outer(np.linspace(-1, 1, 40), [1.0, 2.0])])
def test_latents_that_fill_no_plane_still_have_a_map_that_can_be_inverted(flat: Array) -> None:
    matrix, offset = fit_map(flat, latents())
    sizes = np.linalg.svd(matrix)[1]
    assert sizes[1] >= 0.99 * FLATTEST * sizes[0] > 0
    assert np.isfinite(offset).all()
    made = FrozenAutoencoder(autoencoder().weights, matrix, offset, 0.05)
    x = latents() * sizes[1]
    np.testing.assert_allclose(made.coords(made.latents(x)), x, atol=1e-6)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_latents_that_are_no_numbers_still_have_a_map(bad: float) -> None:
    z = latents()
    z[3, 1] = bad
    matrix, offset = fit_map(z, latents())
    assert np.isfinite(matrix).all()
    assert np.isfinite(offset).all()
    assert np.linalg.det(matrix) != 0


# The field in both ----------------------------------------------------------------------------------------------------


@SEES
@pytest.mark.parametrize(("matrix", "seconds"), MAPS)
def test_a_moved_field_is_the_old_one_in_the_new_coordinates(model: str, matrix: Array, seconds: float) -> None:
    for depth in (1, 2, 3):
        made, z = snapshot(model, depth), latents()
        there = seeing(model).moved(made.weights, matrix, OFFSET, seconds)
        moved = Snapshot(model, 1, made.settings, there)
        np.testing.assert_allclose(moved.field(z @ matrix + OFFSET), made.field(z) @ matrix / seconds, atol=1e-11)
        back = seeing(model).moved(there, np.linalg.inv(matrix), -OFFSET @ np.linalg.inv(matrix), 1 / seconds)
        assert list(back) == list(made.weights)
        for name, w in made.weights.items():
            np.testing.assert_allclose(back[name], w, atol=1e-13)


@SEES
@pytest.mark.parametrize(("matrix", "seconds"), MAPS)
def test_what_the_latents_move_by_is_told_from_the_moved_field(model: str, matrix: Array, seconds: float) -> None:
    made, z = snapshot(model), latents()
    weights = seeing(model).moved(made.weights, matrix, OFFSET, seconds)
    moved = Snapshot(
        model, 1, made.settings, weights, autoencoder=FrozenAutoencoder(autoencoder().weights, matrix, OFFSET, seconds)
    )
    np.testing.assert_allclose(latent_field(moved, z), made.field(z), atol=1e-12)


def test_an_hnn_stays_one_wherever_it_is_moved() -> None:
    made, z, h = snapshot("pixel-hnn"), latents(), 1e-4
    for matrix, seconds in MAPS:
        weights = seeing("pixel-hnn").moved(made.weights, matrix, OFFSET, seconds)
        moved = Snapshot(
            "pixel-hnn",
            1,
            made.settings,
            weights,
            autoencoder=FrozenAutoencoder(autoencoder().weights, matrix, OFFSET, seconds),
        )
        x = z @ matrix + OFFSET
        gradient = moved.gradient(x)
        assert gradient is not None
        np.testing.assert_array_equal(moved.field(x), symplectic(gradient))
        ends = [moved.hamiltonian(x + step) - moved.hamiltonian(x - step) for step in h * np.eye(2)]
        np.testing.assert_allclose(np.stack(ends, axis=-1) / (2 * h), gradient, atol=1e-5 * np.abs(gradient).max())
        # The latents' own energy is the one that was fitted.
        np.testing.assert_allclose(latent_energy(moved, x), made.hamiltonian(z), atol=1e-12)
    assert latent_energy(snapshot("pixel-baseline"), x) is None
