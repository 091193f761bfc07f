"""What models of frames are evaluated by: their loss is the fit's, and whoever sees and moves truly stays in step."""

from dataclasses import replace
from functools import cache
from typing import Any, cast

import numpy as np
import pytest

from hnn_engine.camera import WHITE, Camera
from hnn_engine.coords import Array
from hnn_engine.datasets import Dataset, data_defaults, make_dataset
from hnn_engine.evaluation import STARTS, evaluate
from hnn_engine.experiment import Experiment, model_spec, new_experiment
from hnn_engine.fit_run import FitRun
from hnn_engine.fitting import recipe_defaults
from hnn_engine.fitting.gradient.pixel_objective import PixelObjective
from hnn_engine.frame_metrics import (
    FRAMES,
    Take,
    encoded_start,
    fresh_starts,
    loss_terms,
    recorded_in_step,
    take,
)
from hnn_engine.frames.frame_pairs import FramePairs, pair_at
from hnn_engine.paper import FILMED_WEIGHT, pendulum_energy
from hnn_engine.snapshot import Snapshot
from hnn_engine.systems.pixel_pendulum import FRAME_SECONDS, PixelPendulum
from tests.fields import FEATURES, SIZE, fresh

SYSTEM = PixelPendulum()


class TrueAutoencoder:
    """Eyes that read the angles off two frames; their latents are the coordinates."""

    matrix = inverse = np.eye(2)
    seconds = FRAME_SECONDS

    def __init__(self, camera: Camera) -> None:
        self._camera = camera

    def encode(self, pairs: np.ndarray) -> Array:
        now, then = self._camera.read(pairs[:, 0]), self._camera.read(pairs[:, 1])
        kick = 0.5 * FRAME_SECONDS * SYSTEM.weight_moment * np.sin(now)
        return np.stack([now, SYSTEM.moment_of_inertia * (then - now) / FRAME_SECONDS + kick], axis=-1)

    def decode(self, z: Array) -> np.ndarray:
        return np.stack([pair_at(SYSTEM, self._camera, x) for x in z]).astype(np.float32) / WHITE

    def picture(self, x: Array) -> np.ndarray:
        return self._camera.render(x[:, 0]).astype(np.float32) / WHITE

    def coords(self, z: Array) -> Array:
        return z

    def encode_coords(self, pairs: np.ndarray) -> Array:
        return self.encode(pairs)


class TrueModel:
    """The pendulum itself in the place of a snapshot, its field times `pace`."""

    why_not_separable = "it is a test"

    def __init__(self, camera: Camera, pace: float = 1.0) -> None:
        self.autoencoder, self._pace = TrueAutoencoder(camera), pace

    def field(self, coords: Array) -> Array:
        return self._pace * SYSTEM.field(coords)


def true_model(pace: float = 1.0) -> Snapshot:
    return cast(Snapshot, TrueModel(Camera(), pace))


@cache
def film(frames: int = 12, size: int = 28) -> tuple[Dataset, FramePairs]:
    few = {"trajectories": 4, "frames": frames, "size": size}
    data = make_dataset(SYSTEM, {**data_defaults(SYSTEM), **few}, 0)
    assert data.frame_pairs is not None
    return data, data.frame_pairs


def experiment(model: str, trajectories: int, frames: int, steps: int) -> Experiment:
    base = new_experiment("pixel-pendulum")
    return replace(
        base,
        data={**base.data, "trajectories": trajectories, "frames": frames, "size": SIZE},
        models=(model_spec(model, {"width": 16, "features": 2 * FEATURES}),),
        recipe="adam",
        settings={**recipe_defaults("adam", "pixel-pendulum", 100), "steps": steps, "batch": 0},
    )


# The loss -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["pixel-baseline", "pixel-hnn"])
def test_the_loss_on_every_row_is_that_of_the_fit(model: str) -> None:
    made = experiment(model, 40, 60, 1)  # more rows than are looked at together
    task = made.task(made.models[0], made.dataset())
    objective = PixelObjective(task, np.random.default_rng(2), False)
    snapshot, data = objective.freeze(objective.backend.flat), task.data
    assert data.frame_pairs is not None
    loss = loss_terms(snapshot, data.frame_pairs).loss
    assert loss.shape == data.t.shape == (40 * 57,)
    for mask in (data.train, ~data.train):
        assert loss[mask].mean() == pytest.approx(objective.backend.loss(objective.rows(mask)), rel=1e-4)


def test_the_parts_of_the_loss_are_the_paper_s() -> None:
    _, frame_pairs = film(size=SIZE)
    snapshot = fresh("pixel-hnn", {"width": 16})
    autoencoder = snapshot.autoencoder
    assert autoencoder is not None
    found, row = loss_terms(snapshot, frame_pairs), 7
    pair, after = (f([row]) for f in (frame_pairs.pairs, frame_pairs.pairs_after))
    z, then = autoencoder.encode(pair)[0], autoencoder.encode(after)[0]
    pictures = np.mean((autoencoder.decode(z[None])[0] - pair[0] / WHITE) ** 2)
    step = snapshot.field(autoencoder.coords(z)) * FRAME_SECONDS @ np.linalg.inv(autoencoder.matrix)
    assert found.pictures[row] == pytest.approx(pictures, rel=1e-5)
    assert found.latents[row] == pytest.approx((z[1] - (then[0] - z[0])) ** 2, rel=1e-5)
    assert found.field[row] == pytest.approx(((then - z - step) ** 2).sum() / 2, rel=1e-5)
    np.testing.assert_array_equal(found.loss, found.pictures + found.latents + 0.1 * found.field)


# Films ----------------------------------------------------------------------------------------------------------------


def test_a_film_is_in_step_until_its_angle_is_off_by_ten_degrees() -> None:
    t, degrees = np.arange(6.0), np.deg2rad(1.0)
    truth = np.zeros((6, 5, 2))
    truth[:, 4, 0] = np.pi - 0.01
    off = np.zeros((6, 5))
    off[:, 1] = [0, 9.9, -9.9, 10.1, 0, 0]
    off[:, 2] = [11, 0, 0, 0, 0, 0]
    off[:, 3] = [0, 0, 0, 0, np.nan, 0]
    read = truth[..., 0] + degrees * off
    read[:, 4] = -np.pi + 0.01  # on the other side of the cut, and close by
    assert Take(t, truth, truth, read).in_step.tolist() == [6, 3, 0, 4, 6]


def test_a_rollout_begins_at_what_is_seen_where_something_is() -> None:
    start, model = np.array([0.4, -0.2]), true_model()
    pair = pair_at(SYSTEM, Camera(), start)
    np.testing.assert_allclose(encoded_start(model, pair, start + 9), start, atol=5e-3)
    np.testing.assert_array_equal(encoded_start(model, None, start), start)
    np.testing.assert_array_equal(encoded_start(fresh("hnn", {"width": 4}), pair, start), start)
    made = fresh("pixel-hnn", {"width": 4})
    small = pair_at(SYSTEM, Camera(SIZE), start)
    assert made.autoencoder is not None
    np.testing.assert_array_equal(encoded_start(made, small, start), made.autoencoder.encode_coords(small[None])[0])


def test_who_sees_and_moves_truly_stays_in_step_and_who_is_slow_does_not() -> None:
    _, frame_pairs = film()
    starts = fresh_starts(SYSTEM, frame_pairs, 1000, 5)
    true, slow = (take(true_model(pace), SYSTEM, frame_pairs, starts) for pace in (1.0, 0.9))
    assert true.t[-1] == pytest.approx(FRAMES * FRAME_SECONDS)
    assert true.truth.shape == true.model.shape == (FRAMES + 1, 5, 2)
    np.testing.assert_array_equal(true.truth[0], starts)
    assert true.in_step.tolist() == [FRAMES + 1] * 5
    np.testing.assert_allclose(true.model, true.truth, atol=0.05)  # for the leapfrog of truth is a little quicker
    assert np.nanmax(np.abs(true.read - true.model[..., 0])) < np.deg2rad(0.1)
    assert 20 < np.median(slow.in_step) < 150


def test_what_diverges_is_out_of_step_from_there_on() -> None:
    model: Any = true_model()
    model.field = lambda x: np.where(x[..., :1] > 1.0, np.nan, np.array([1.0, 0.0]))
    cut = take(model, SYSTEM, film()[1], np.array([[0.0, 0.25]]), 40)
    assert np.isnan(cut.read).sum() > 10
    assert np.isfinite(cut.read[:15]).all()
    assert 0 < cut.in_step[0] < 20


def test_fresh_starts_are_those_of_the_film() -> None:
    few = {"trajectories": 2, "frames": 8, "size": 8, "start-angle": 120.0, "start-speed": 0.0}
    frame_pairs = make_dataset(SYSTEM, {**data_defaults(SYSTEM), **few}, 0).frame_pairs
    assert frame_pairs is not None
    angles = np.rad2deg(np.abs(fresh_starts(SYSTEM, frame_pairs, 0, 300)[:, 0]))
    assert 115 < angles.max() <= 120


def test_a_recorded_film_is_evaluated_from_its_first_test_row_to_its_end() -> None:
    data, frame_pairs = film(FRAMES + 60)
    assert recorded_in_step(true_model(), data) == FRAMES + 1
    assert 20 < recorded_in_step(true_model(0.9), data) < 150
    cut = replace(frame_pairs, frames=frame_pairs.frames[:50])
    one = replace(data, frame_pairs=replace(cut, first=frame_pairs.first))
    assert recorded_in_step(true_model(), one) == 49  # the frames after the first, which begins no row


# The figures ----------------------------------------------------------------------------------------------------------


def test_the_figures_of_the_true_pendulum_are_what_reading_and_steps_leave() -> None:
    data, _ = film()
    figures = evaluate(true_model(), data, SYSTEM)
    assert (figures.diverged, figures.in_step, figures.valid_time) == (0, FRAMES + 1, FRAMES * FRAME_SECONDS)
    assert figures.reconstruction is not None
    assert figures.reconstruction < 1e-4
    for name, most in (("energy_mse", 1e-5), ("clean_energy_mse", 1e-5), ("coord_mse", 1e-3), ("field_mse", 1e-3)):
        assert 0 < getattr(figures, name) < most
    assert figures.energy_median < figures.energy_mse
    x = np.array([[[0.3, 0.5]]])
    twice = 2 * pendulum_energy(x, FILMED_WEIGHT)  # ours is twice the paper's, which is rounded
    np.testing.assert_allclose(twice, SYSTEM.hamiltonian(x), rtol=0.02)


def test_the_paper_s_energy_is_of_its_own_constants_alone() -> None:
    heavy = PixelPendulum({"mass": 0.5})
    figures = evaluate(true_model(), film()[0], heavy)
    assert (figures.energy_mse, figures.energy_median) == (None, None)
    assert figures.clean_energy_mse is not None


@pytest.mark.parametrize("model", ["pixel-baseline", "pixel-hnn"])
def test_every_figure_of_a_short_fit_has_a_value(model: str) -> None:
    made = experiment(model, 6, 12, 150)
    fit = FitRun(made, made.dataset())
    while fit.end is None:
        fit.advance()
    figures = fit.evaluate()
    assert figures is not None
    values = {n: v for n, v in figures.as_dict().items() if not n.startswith("noise_floor")}
    assert all(value is not None for value in values.values())
    assert np.isfinite(list(values.values())).all()
    assert 0 < figures.reconstruction <= figures.test_loss
    assert 0 <= figures.diverged <= STARTS
    assert 0 <= figures.in_step <= FRAMES + 1


def test_a_filmed_recording_has_no_figure_that_needs_a_law() -> None:
    data, _ = film(FRAMES + 60)
    figures = evaluate(true_model(), data, None)
    assert figures.in_step == FRAMES + 1
    known = {"train_loss", "test_loss", "reconstruction", "in_step"}
    assert {name for name, value in figures.as_dict().items() if value is not None} == known
