"""Datasets: the paper's recipes row by row, noise and floors as measured, the same data from the same seed."""

import numpy as np
import pytest

from hnn_engine.datasets import DATA_PARAMETERS, Dataset, data_defaults, make_dataset
from hnn_engine.errors import ExperimentError
from hnn_engine.parameters import Value
from hnn_engine.systems import SYSTEMS, get_system

ROWS = {
    "mass-spring": (750, 750),
    "pendulum": (1125, 1125),
    "damped-mass-spring": (750, 750),
    "damped-pendulum": (1125, 1125),
    "double-pendulum": (16_000, 4_000),
    "two-body": (40_000, 10_000),
}
FLOORS = {"mass-spring": (3.9e-2, 3.8e-2), "pendulum": (3.5e-2, 3.6e-2)}


def own(name: str, seed: int = 0, **changes: Value) -> Dataset:
    system = get_system(name)
    return make_dataset(system, {**data_defaults(system), **changes}, seed)


def small(name: str, seed: int = 0, **changes: Value) -> Dataset:
    return own(name, seed, **{"trajectories": 8, "points": 11, **changes})


@pytest.mark.parametrize("name", list(SYSTEMS))
def test_the_recipe_has_its_rows_and_splits_by_trajectory(name: str) -> None:
    data = own(name)
    assert (int(data.train.sum()), int((~data.train).sum())) == ROWS[name]
    trains = [data.train[data.trajectory == k] for k in np.unique(data.trajectory)]
    assert all(part.all() or not part.any() for part in trains)
    assert trains[0].all() != SYSTEMS[name].data.test_first
    recipe = SYSTEMS[name].data
    one = data.t[data.trajectory == 3]
    np.testing.assert_allclose(one, np.linspace(0, recipe.horizon, recipe.points))


@pytest.mark.parametrize("name", list(SYSTEMS))
def test_the_derivative_is_exact_at_the_clean_state(name: str) -> None:
    data, system = small(name, noise=0.3), get_system(name)
    assert data.clean is not None
    np.testing.assert_array_equal(data.dcoords, system.field(data.clean))
    assert np.abs(data.coords - data.clean).max() > 0.1
    starts = data.clean[data.t == 0]
    np.testing.assert_array_equal(starts, system.sample_starts(np.random.default_rng([0, 0]), 8))


@pytest.mark.parametrize("name", ["mass-spring", "pendulum"])
def test_the_noise_is_normal_with_the_stated_deviation(name: str) -> None:
    data = own(name, trajectories=400)
    assert data.clean is not None
    noise = data.coords - data.clean
    count = noise.size
    assert abs(noise.mean()) < 4 * 0.1 / np.sqrt(count)
    assert abs(noise.std() - 0.1) < 4 * 0.1 / np.sqrt(2 * count)
    assert abs((np.abs(noise) < 0.1).mean() - 0.6827) < 0.01
    assert abs(np.corrcoef(noise.T)[0, 1]) < 0.02


@pytest.mark.parametrize("name", list(FLOORS))
def test_the_floors_are_the_losses_of_the_true_field_and_near_those_measured(name: str) -> None:
    system, sets = get_system(name), [own(name, seed) for seed in range(8)]
    for data in sets:
        residual = ((system.field(data.coords) - data.dcoords) ** 2).mean(axis=-1)
        assert data.floor_train == pytest.approx(residual[data.train].mean())
        assert data.floor_test == pytest.approx(residual[~data.train].mean())
    floors = np.median([(d.floor_train, d.floor_test) for d in sets], axis=0)
    np.testing.assert_allclose(floors, FLOORS[name], rtol=0.15)


def test_without_noise_the_floor_is_zero() -> None:
    for name in ("double-pendulum", "two-body"):
        data = small(name)
        assert data.floor_train == data.floor_test == 0.0


@pytest.mark.parametrize("name", list(SYSTEMS))
def test_the_same_seed_gives_the_same_data(name: str) -> None:
    one, same, other = small(name, 5), small(name, 5), small(name, 6)
    assert one.coords.tobytes() == same.coords.tobytes()
    assert one.dcoords.tobytes() == same.dcoords.tobytes()
    assert not np.isin(one.coords[:, 0], other.coords[:, 0]).any()


@pytest.mark.parametrize("count", [2, 3, 7])
@pytest.mark.parametrize("name", list(SYSTEMS))
def test_few_trajectories_still_train_and_test(name: str, count: int) -> None:
    data = small(name, trajectories=count, points=2)
    assert 0 < data.train.sum() < len(data.train)


def test_two_bodies_keep_energy_and_momentum() -> None:
    data, system = own("two-body", trajectories=60), get_system("two-body")
    tracks = data.coords.reshape(60, -1, 8)
    energy = system.hamiltonian(tracks)
    assert np.abs(energy / energy[:, :1] - 1).max() < 1e-9
    total = tracks[..., 4::2] + tracks[..., 5::2]
    assert np.abs(total).max() < 1e-11
    spin = ((tracks[..., :2] * tracks[..., 6:]) - (tracks[..., 2:4] * tracks[..., 4:6])).sum(axis=-1)
    assert np.abs(spin / spin[:, :1] - 1).max() < 1e-9


@pytest.mark.parametrize("name", ["damped-mass-spring", "damped-pendulum"])
def test_friction_takes_energy_at_every_step(name: str) -> None:
    data, system = small(name), get_system(name)
    assert data.clean is not None
    assert (np.diff(system.hamiltonian(data.clean.reshape(8, -1, 2)), axis=1) < 0).all()


def test_too_many_rows_are_refused_before_any_work() -> None:
    with pytest.raises(ExperimentError, match=r"20000 trajectories of 2000 points are 40,000,000 rows.*choose fewer"):
        own("pendulum", trajectories=20_000, points=2000)


def test_every_setting_has_a_range_that_holds_the_defaults() -> None:
    for system in SYSTEMS.values():
        for parameter in DATA_PARAMETERS:
            value = data_defaults(system)[parameter.name]
            assert parameter.check(value) == value
