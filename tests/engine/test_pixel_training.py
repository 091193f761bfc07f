"""The compiled step of a model that sees frames: loss, gradient and weights are those of torch on the same lines."""

from functools import cache
from typing import NamedTuple

import numpy as np
import pytest
import torch

from hnn_engine.coords import Array
from hnn_engine.datasets import Dataset, data_defaults, make_dataset
from hnn_engine.fitting.events import FitTask
from hnn_engine.fitting.gradient.film_table import FilmTable, plain_film
from hnn_engine.fitting.gradient.flat_weights import flattened, shapes_of
from hnn_engine.fitting.gradient.pixel_objective import CompiledPixelBackend
from hnn_engine.fitting.gradient.torch_backend import TorchPixelBackend
from hnn_engine.kernels import cache as kernel_cache
from hnn_engine.kernels.training import ROWS
from hnn_engine.models import MODELS
from hnn_engine.models.mlp import ACTIVATIONS
from hnn_engine.models.pixels import PixelModel
from hnn_engine.systems.pixel_pendulum import PixelPendulum

SEES = [name for name, model in MODELS.items() if model.observes_frames]
EACH = pytest.mark.parametrize("model", SEES)
WIDTHS = {1: 5, 2: 13, 3: 31}  # by depth; odd ones: loops take several numbers at a time
BATCHES = (1, 44, ROWS, 2 * ROWS + 7)
SIZE, FEATURES = 9, 11
INFINITE = float("inf")


@cache
def data() -> Dataset:
    settings = {**data_defaults(PixelPendulum), "trajectories": 20, "frames": 40, "size": SIZE, "noise": 0.05}
    return make_dataset(PixelPendulum(), settings, 0)


@cache
def film(dead: bool = True) -> FilmTable:
    """Frames with a black border, or without one."""
    frame_pairs = data().frame_pairs
    assert frame_pairs is not None
    frames = frame_pairs.frames.copy()
    if dead:
        frames[:, :2] = frames[:, :, -1] = 0
    return plain_film(frames)


class Case(NamedTuple):
    """A model with fresh weights, stirred so that latents are far from their fit."""

    task: FitTask
    shapes: dict[str, tuple[int, ...]]
    flat: Array
    film: FilmTable

    def compiled(self) -> CompiledPixelBackend:
        assert kernel_cache.load()
        return CompiledPixelBackend(kernel_cache.loops(), self.task, self.film, self.flat.copy())

    def torch(self) -> TorchPixelBackend:
        return TorchPixelBackend(self.task, self.film, self.shapes, self.flat.copy())

    def wide(self, flat: Array | None = None) -> TorchPixelBackend:
        """The same in float64."""
        part = self.film._replace(table=self.film.table.astype(float), rest=self.film.rest.astype(float))
        weights = (self.flat if flat is None else flat).astype(np.float64)
        return TorchPixelBackend(self.task, part, self.shapes, weights)

    def gradient(self, rows: Array) -> tuple[float, Array]:
        """The loss and its gradient by autograd, in float64."""
        backend = self.wide()
        loss = backend._loss((rows,))
        (gradient,) = torch.autograd.grad(loss, backend._weights)
        return float(loss.detach()), gradient.numpy()


def case(model: str, activation: str = "tanh", depth: int = 2, dead: bool = True, decay: float = 0.0) -> Case:
    seeing, rng = MODELS[model], np.random.default_rng([depth, 1])
    assert isinstance(seeing, PixelModel)
    settings = {"width": WIDTHS[depth], "depth": depth, "activation": activation, "features": FEATURES}
    drawn = {**seeing.initial_autoencoder(settings, 2 * SIZE**2, rng), **seeing.initial_weights(1, settings, rng)}
    flat = flattened(drawn)
    flat += rng.normal(0, 0.1, flat.size).astype(np.float32)
    return Case(FitTask(model, settings, data(), {"weight-decay": decay}, 0), shapes_of(drawn), flat, film(dead))


def rows(batch: int) -> Array:
    frame_pairs = data().frame_pairs
    assert frame_pairs is not None
    return np.random.default_rng(batch).choice(frame_pairs.first, batch, replace=False)


def off(found: Array, expected: Array) -> float:
    """How far a vector is from what it should be, relative to that."""
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))


def test_the_film_of_these_tests_has_dead_pixels_and_without_them_nothing_is_lost() -> None:
    assert len(film().live) == 2 * (SIZE - 2) * (SIZE - 1)
    assert len(film(dead=False).live) == 2 * SIZE**2 == film().numbers == film().pixels


@EACH
@pytest.mark.parametrize("depth", list(WIDTHS))
@pytest.mark.parametrize("activation", list(ACTIVATIONS))
def test_loss_and_gradient_are_those_of_autograd(model: str, activation: str, depth: int) -> None:
    for batch in BATCHES:
        made = case(model, activation, depth, dead=batch != 44)
        loss, gradient = made.gradient(rows(batch))
        step = made.compiled()
        assert step.loss((rows(batch),)) == pytest.approx(loss, rel=1e-5)
        assert not step._moments.any()
        assert step.step((rows(batch),), 0.0, INFINITE) == pytest.approx(loss, rel=1e-5)
        assert off(step._grad, gradient) < 1e-5
        dead = step._grad[: 2 * SIZE**2 * FEATURES].reshape(-1, FEATURES)[np.setdiff1d(np.arange(162), made.film.live)]
        assert not dead.any()


@EACH
def test_the_gradient_is_that_of_central_differences(model: str) -> None:
    made, some, h = case(model), rows(30), 1e-6
    step = made.compiled()
    step.step((some,), 0.0, INFINITE)
    places = np.random.default_rng(3).choice(made.flat.size, 200, replace=False)
    places = np.concatenate([places, np.arange(made.flat.size - 40, made.flat.size)])  # and some of the dynamics
    found = []
    for place in places:
        ends = []
        for side in (h, -h):
            flat = made.flat.astype(np.float64)
            flat[place] += side
            ends.append(made.wide(flat).loss((some,)))
        found.append((ends[0] - ends[1]) / (2 * h))
    assert off(step._grad[places], np.array(found)) < 1e-5


@EACH
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_a_whole_step_takes_the_weights_where_torch_takes_them(model: str, decay: float) -> None:
    made = case(model, decay=decay)
    fast, slow = made.compiled(), made.torch()
    for batch in (300, 100):
        some, before = rows(batch), fast.flat.copy()
        ours, theirs = (step.step((some,), 1e-3, INFINITE) for step in (fast, slow))
        assert ours == pytest.approx(theirs, rel=1e-5)
        np.testing.assert_array_equal(fast.good, before)
        # Adam goes by the sign of a gradient, which is left to rounding where it is next to nothing.
        clear = np.abs(fast._grad) > 1e-4 * np.abs(fast._grad).max()
        assert clear.mean() > 0.4
        np.testing.assert_allclose(fast.flat[clear], slow.flat[clear], rtol=0, atol=5e-6)
        assert (fast.flat != before).mean() > 0.5
        slow.flat[:] = fast.flat


def test_what_a_table_leaves_out_of_a_frame_is_added_to_the_loss() -> None:
    plain, some = case("pixel-hnn"), rows(50)
    rest = np.random.default_rng(0).uniform(0, 2, len(plain.film.table)).astype(np.float32)
    made = plain._replace(film=plain.film._replace(rest=rest))
    more = float((rest[some] + rest[some + 1]).mean()) / made.film.pixels
    for backend in ("compiled", "torch"):
        before, after = (getattr(one, backend)().loss((some,)) for one in (plain, made))
        assert after - before == pytest.approx(more, rel=1e-3)
    steps = [one.compiled() for one in (plain, made)]
    for step in steps:
        step.step((some,), 0.0, INFINITE)
    np.testing.assert_array_equal(steps[0]._grad, steps[1]._grad)


@EACH
@pytest.mark.parametrize("spoilt", ["limit", "frames", "weights"])
def test_nothing_moves_where_the_loss_is_out_of_bounds(model: str, spoilt: str) -> None:
    made, some = case(model), rows(300)
    if spoilt == "frames":
        table = made.film.table.copy()
        table[some[-1] + 2, 3] = np.nan
        made = made._replace(film=made.film._replace(table=table))
    step = made.compiled()
    if spoilt == "weights":
        step.flat[made.film.live[0] * FEATURES] = np.nan  # one that is looked at
    before, good = step.flat.copy(), step.good.copy()
    loss = step.step((some,), 1.0, 1e-9 if spoilt == "limit" else INFINITE)
    assert loss > 1e-9 if spoilt == "limit" else np.isnan(loss)
    np.testing.assert_array_equal(step.flat, before)
    np.testing.assert_array_equal(step.good, good)
    assert not step._moments.any()


def test_rows_that_reach_beyond_the_film_are_refused() -> None:
    made = case("pixel-hnn")
    frames = len(made.film.table)
    assert made.compiled().loss((np.array([0, frames - 3]),)) > 0
    for first in ([frames - 2], [5, -1], [], [10**9]):
        with pytest.raises(AssertionError):
            made.compiled().loss((np.array(first, dtype=np.int64),))
    for part in ({"table": made.film.table[:, :-1].copy()}, {"rest": made.film.rest[:-1]}):
        with pytest.raises(AssertionError):
            made._replace(film=made.film._replace(**part)).compiled().loss((rows(5),))
    with pytest.raises(AssertionError):
        made._replace(flat=made.flat[:-1]).compiled().loss((rows(5),))


def test_the_same_steps_give_the_same_bits() -> None:
    one, other = (case("pixel-baseline", "silu", 3).compiled() for _ in range(2))
    for step in (one, other):
        for n in range(1, 12):
            step.step((rows(200 + 10 * n),), 1e-3, INFINITE)
    assert one.flat.tobytes() == other.flat.tobytes()
