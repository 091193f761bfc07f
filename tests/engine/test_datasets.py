"""Datasets: the paper's recipes row by row, noise and floors as measured, the same data from the same seed."""

import threading
import time
from collections.abc import Callable

import numpy as np
import pytest

from hnn_engine.coords import Array
from hnn_engine.datasets import ENERGY_LIMIT, MAX_NUMBERS, Dataset, data_defaults, data_parameters, make_dataset
from hnn_engine.errors import ExperimentError
from hnn_engine.kernels import cache as kernel_cache
from hnn_engine.parameters import Value
from hnn_engine.rollouts.rollout import rollout
from hnn_engine.systems import SYSTEMS, System, get_system
from hnn_engine.systems.three_body import ThreeBody

PAPER_ROWS = {"mass-spring": (750, 750), "pendulum": (1125, 1125), "two-body": (40_000, 10_000)}
# Of a film the first frame begins no row, and noise is on its pixels: see test_frame_pairs.
UNFILMED = [name for name, system in SYSTEMS.items() if not system.observed]
FLOORS = {"mass-spring": (3.9e-2, 3.8e-2), "pendulum": (3.5e-2, 3.6e-2)}


def own(name: str, seed: int = 0, **changes: Value) -> Dataset:
    system = get_system(name)
    return make_dataset(system, {**data_defaults(system), **changes}, seed)


def small(name: str, seed: int = 0, **changes: Value) -> Dataset:
    least: dict[str, Value] = {"frames": 11, "size": 10} if SYSTEMS[name].observed else {"points": 11}
    return own(name, seed, **{"trajectories": 8, **least, **changes})


@pytest.mark.parametrize("name", list(SYSTEMS))
def test_the_recipe_has_its_rows_and_splits_by_trajectory(name: str) -> None:
    data = own(name)
    recipe = SYSTEMS[name].data
    of_each = recipe.points - 3 * SYSTEMS[name].observed
    tests = round(recipe.trajectories * recipe.test_fraction)
    rows = (of_each * (recipe.trajectories - tests), of_each * tests)
    assert (int(data.train.sum()), int((~data.train).sum())) == PAPER_ROWS.get(name, rows) == rows
    trains = [data.train[data.trajectory == k] for k in np.unique(data.trajectory)]
    assert all(part.all() or not part.any() for part in trains)
    assert trains[0].all() != recipe.test_first
    one, times = data.t[data.trajectory == 3], np.linspace(0, recipe.horizon, recipe.points)
    np.testing.assert_allclose(one, times[1:-2] if SYSTEMS[name].observed else times)


@pytest.mark.parametrize("name", UNFILMED)
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
    data = small(name, trajectories=count, **({} if SYSTEMS[name].observed else {"points": 2}))
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


def test_many_coordinates_allow_fewer_rows() -> None:
    crowd = get_system("n-body", {"bodies": 32})
    most = MAX_NUMBERS // 128
    settings: dict[str, Value] = {**data_defaults(crowd), "trajectories": 10_000, "points": 20}
    with pytest.raises(ExperimentError, match=f"200,000 rows, but at most {most:,}"):
        make_dataset(crowd, settings, 0)


# Close encounters -----------------------------------------------------------------------------------------------------


def of(system: System, progress: Callable[[float], None] | None = None, **changes: Value) -> Dataset:
    return make_dataset(system, {**data_defaults(system), "trajectories": 40, "points": 6, **changes}, 1, progress)


class Doomed(ThreeBody):
    """Three bodies; two of the starts (or `all_of_them`) are at rest, and all three fall into one point."""

    all_of_them = False

    def sample_starts(self, rng: np.random.Generator, count: int) -> Array:
        starts = super().sample_starts(rng, count)
        rows = slice(None) if self.all_of_them else [3, 17]
        if count > 2:  # else they are drawn anew
            starts[rows, 6:] = 0.0
        return starts


@pytest.mark.parametrize("name", ["three-body", "n-body"])
def test_the_data_is_the_same_with_compiled_loops_and_without(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert kernel_cache.load()
    late = of(get_system(name))
    monkeypatch.setattr(kernel_cache, "_loops", None)
    monkeypatch.setattr(kernel_cache, "load", no_compiler)
    early = of(get_system(name))
    assert early.coords.tobytes() == late.coords.tobytes()
    assert early.dcoords.tobytes() == late.dcoords.tobytes()


def no_compiler(*_: object) -> bool:
    raise AssertionError("data waits for the compiler")


def test_the_data_is_followed_as_the_truth_on_screen_is() -> None:
    assert kernel_cache.load()
    system, data = ThreeBody(), of(ThreeBody(), trajectories=12)
    for number in range(12):
        rows = data.trajectory == number
        clean = data.coords[rows] if data.clean is None else data.clean[rows]
        track = rollout(system, clean[0], data.t[rows], "dop853").coords
        np.testing.assert_allclose(clean, track, rtol=0, atol=1e-7)


def test_a_lost_trajectory_is_replaced_in_its_place_and_all_else_stays() -> None:
    whole, mended, again = of(ThreeBody(), noise=0.1), of(Doomed(), noise=0.1), of(Doomed(), noise=0.1)
    assert mended.coords.tobytes() == again.coords.tobytes()
    assert mended.clean is not None
    assert whole.clean is not None
    new = np.isin(mended.trajectory, [3, 17])
    np.testing.assert_array_equal(mended.coords[~new], whole.coords[~new])
    np.testing.assert_allclose((mended.coords - mended.clean)[new], (whole.coords - whole.clean)[new], atol=1e-12)
    starts = mended.clean[(mended.t == 0) & new]
    assert (np.abs(starts[:, 6:]) > 0).all()
    assert not np.isin(starts[:, 0], whole.clean[:, 0]).any()


@pytest.mark.parametrize("constants", [{}, {"mass-1": 4.0, "mass-2": 0.5, "gravitation": 1.3}])
def test_what_is_kept_keeps_its_energy(constants: dict[str, object]) -> None:
    system = ThreeBody(constants)
    data = of(system, trajectories=2000)
    energy = system.hamiltonian(data.coords.reshape(2000, 6, 12))
    assert (np.abs(energy / energy[:, :1] - 1) <= 1.01 * ENERGY_LIMIT).all()


def test_where_most_is_lost_the_user_is_told() -> None:
    doomed = Doomed()
    doomed.all_of_them = True
    with pytest.raises(ExperimentError, match=r"40 of 40 trajectories.*three bodies.*within 5 s: shorten the horizon"):
        of(doomed)


class Enough(Exception):
    """What a listener raises to end the work."""


def test_progress_rises_to_one_and_ends_the_work_by_what_it_raises() -> None:
    shares: list[float] = []
    of(ThreeBody(), shares.append, trajectories=2000)
    assert shares[-1] == 1.0
    assert shares == sorted(shares)
    assert len(shares) > 3

    def listen(share: float) -> None:
        if share > 0.02:
            raise Enough

    before, began = threading.active_count(), time.perf_counter()
    with pytest.raises(Enough):
        of(get_system("n-body", {"bodies": 32}), listen, trajectories=4000)  # minutes of work
    assert time.perf_counter() - began < 20
    assert threading.active_count() == before


def test_the_work_can_be_ended_while_trajectories_are_followed() -> None:
    heard: list[float] = []

    def listen(share: float) -> None:
        heard.append(share)
        if share > 0.3:
            raise Enough

    with pytest.raises(Enough):
        of(ThreeBody(), listen)
    assert heard == sorted(heard)
    assert len(heard) > 5


def test_every_setting_has_a_range_that_holds_the_defaults() -> None:
    for system in SYSTEMS.values():
        assert set(data_defaults(system)) == {p.name for p in data_parameters(system)}
        for parameter in data_parameters(system):
            value = data_defaults(system)[parameter.name]
            assert parameter.check(value) == value


def test_a_grid_lays_single_states_beyond_the_training_starts() -> None:
    system = get_system("damped-mass-spring", {"damping": 2.0})
    settings = {**data_defaults(system), "trajectories": 25, "points": 25, "noise": 0.0, "layout": "grid"}
    data = make_dataset(system, settings, 3)
    assert data.coords.shape == (625, 2)
    np.testing.assert_allclose(np.unique(data.coords[:, 0]), np.linspace(-1.2, 1.2, 25))
    assert len(np.unique(data.coords.round(9), axis=0)) == 625
    np.testing.assert_allclose(data.dcoords, system.field(data.coords))
    assert (data.floor_train, data.floor_test) == (0.0, 0.0)
    assert data.train.sum() == 625 - 312
    tests = data.coords[~data.train]
    assert tests[:, 0].min() < -1 < 1 < tests[:, 0].max(), "the tests are not one end of the grid"
    other = make_dataset(system, settings, 4)
    assert (other.train != data.train).any()


def test_the_best_hamiltonian_on_the_grid_absorbs_half_of_the_friction() -> None:
    """(0, −γp) = J∇(γqp/2) − γ(q, p)/2: what no H can follow is γ²/4 times the mean of (q² + p²)/2."""
    system = get_system("damped-mass-spring", {"damping": 2.0})
    settings = {**data_defaults(system), "trajectories": 25, "points": 25, "noise": 0.0, "layout": "grid"}
    data = make_dataset(system, settings, 0)
    q, p = data.coords.T
    best = np.stack([2 * p + q, -2 * q - p], axis=-1)  # of H = q² + p² + qp
    left = float(((best - data.dcoords) ** 2).mean())
    assert left == pytest.approx(float((q**2 + p**2).mean() / 2), rel=1e-12)


def test_a_grid_needs_one_degree_of_freedom() -> None:
    system = get_system("two-body")
    with pytest.raises(ExperimentError, match=r"one degree of freedom, but two-body has 4: choose.*orbits"):
        make_dataset(system, {**data_defaults(system), "layout": "grid"}, 0)
